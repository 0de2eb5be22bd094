//! What comes in and what goes out of the matcher; it holds no logic but the reading of a band.

use serde::{Deserialize, Serialize};

use crate::domain::evidence::Evidence;
pub use crate::domain::review::Band;

/// Where a person's record lives; decides which coincidences that system itself rules out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A signed-up Intercom user.
    IntercomUser,
    /// An Intercom lead: its name may be one that Intercom invented.
    IntercomLead,
    /// A HubSpot contact: one e-mail address is never on two of them.
    HubspotContact,
    /// A Salesforce lead.
    SalesforceLead,
    /// A Salesforce contact.
    SalesforceContact,
    /// Any other system or object.
    #[default]
    Other,
}

impl Source {
    /// Intercom derives city and country from the IP address, so they say where a browser was.
    pub(crate) fn has_guessed_place(self) -> bool {
        matches!(self, Self::IntercomUser | Self::IntercomLead)
    }

    /// Systems that refuse a second record with the same e-mail address.
    pub(crate) fn keeps_email_unique(self) -> bool {
        matches!(self, Self::HubspotContact | Self::IntercomUser)
    }
}

/// One person's record as the caller has it, nothing normalised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// The caller's id; candidates and groups speak in these. Must be unique within a list.
    pub key: String,
    /// Which system and object the record comes from.
    pub source: Source,
    /// The whole name where the system keeps only one field.
    pub name: String,
    /// Given name where the system keeps two fields.
    pub given_name: String,
    /// Family name where the system keeps two fields.
    pub family_name: String,
    /// Every known e-mail address.
    pub emails: Vec<String>,
    /// Every known phone number.
    pub phones: Vec<String>,
    /// The employer as text.
    pub company: String,
    /// The employer's domain or web address, as a field of the record.
    pub company_domain: String,
    /// Job title.
    pub title: String,
    /// City.
    pub city: String,
    /// Country in any spelling.
    pub country: String,
    /// Seconds since 1970 when the record was created, where known.
    pub created_at: Option<i64>,
}

/// One company or account as the caller has it, nothing normalised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Organisation {
    /// The caller's id. Must be unique within a list.
    pub key: String,
    /// Name with or without its legal form.
    pub name: String,
    /// Domain field.
    pub domain: String,
    /// Website field.
    pub website: String,
    /// Phone number.
    pub phone: String,
    /// City.
    pub city: String,
    /// Country in any spelling.
    pub country: String,
    /// Industry in the system's own words.
    pub industry: String,
    /// Key of the parent organisation, where the system knows one.
    pub parent_key: Option<String>,
}

/// Two records that may be the same, with everything that was weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Key of the one record; the smaller of the two in byte order.
    pub left: String,
    /// Key of the other record.
    pub right: String,
    /// Probability that both are the same; equals the evidence added up.
    pub probability: f64,
    /// What to do with it.
    pub band: Band,
    /// Every bar, the prior first, guards last; their millibits add up to the probability exactly.
    pub evidence: Vec<Evidence>,
    /// Hash of the compared fields of both records: a verdict keyed to it lapses when the data changes.
    pub fingerprint: String,
}

impl Candidate {
    /// The sum of all bars, the number that candidates are sorted by.
    pub fn millibits(&self) -> i64 {
        self.evidence.iter().map(|bar| i64::from(bar.millibits)).sum()
    }
}

/// The few thresholds a caller may move; `[matching]` in the settings file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Weaker candidates are not returned.
    pub minimum_probability: f64,
    /// From here on a candidate is shown to a human.
    pub review_probability: f64,
    /// From here on, and without a guard, a candidate may be merged unattended.
    pub auto_probability: f64,
    /// From here on two records may be joined in one group; above `review_probability`, so that groups do not chain.
    pub join_probability: f64,
    /// A key shared by more records than this is refined instead of compared pair by pair.
    pub block_limit: usize,
    /// Safety cap on the number of candidates; the strongest are kept.
    pub maximum_candidates: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            minimum_probability: 0.02,
            review_probability: 0.5,
            auto_probability: 0.995,
            join_probability: 0.6,
            block_limit: 60,
            maximum_candidates: 5_000_000,
        }
    }
}

impl Settings {
    /// Whether every value makes sense. The error names the setting and shows a right one.
    pub fn check(&self) -> Result<(), String> {
        for (name, value, example) in [
            ("minimum_probability", self.minimum_probability, 0.02),
            ("review_probability", self.review_probability, 0.5),
            ("auto_probability", self.auto_probability, 0.995),
            ("join_probability", self.join_probability, 0.7),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!(
                    "matching.{name} = {value} is no probability; write for example {example}"
                ));
            }
        }
        if self.auto_probability < self.review_probability {
            return Err(format!(
                "matching.auto_probability = {} must not lie below review_probability ({})",
                self.auto_probability, self.review_probability
            ));
        }
        if self.minimum_probability > self.review_probability {
            return Err(format!(
                "matching.minimum_probability = {} must not lie above review_probability ({})",
                self.minimum_probability, self.review_probability
            ));
        }
        for (name, value) in
            [("block_limit", self.block_limit), ("maximum_candidates", self.maximum_candidates)]
        {
            if value < 2 {
                return Err(format!("matching.{name} = {value} would find nothing; write for example 60"));
            }
        }
        Ok(())
    }

    /// The same settings for a list that a human looks at: nothing below the review threshold.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self { minimum_probability: self.review_probability, ..self.clone() }
    }

    /// The band of a probability; a guard keeps a candidate out of [`Band::Auto`] whatever its score.
    pub(crate) fn band(&self, probability: f64, guarded: bool) -> Band {
        if probability >= self.auto_probability && !guarded {
            Band::Auto
        } else if probability >= self.review_probability {
            Band::Review
        } else {
            Band::Weak
        }
    }
}
