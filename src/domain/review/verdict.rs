//! What a human said about a duplicate candidate, what it holds against, and what else is known of it. It judges nothing.

use serde::{Deserialize, Serialize};

use super::super::clock::Timestamp;
use super::super::record::{Fields, RecordRef, value_text};
use super::super::text::shorten;

words! {
    /// What a human says about two records that look alike.
    pub enum Verdict {
        /// They are one; what cannot be merged is remembered as one all the same.
        Same = "same",
        /// They are two: kept away until the compared fields change.
        Different = "different",
        /// Nobody can tell: stays visible, marked, below the others.
        Unsure = "unsure",
        /// Not now: comes back at a time, or when the compared fields change.
        Later = "later",
    }
}

/// A verdict that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What was said.
    pub verdict: Verdict,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// Until when the pair is left alone; none = until the compared fields change.
    pub until: Option<Timestamp>,
}

/// What is known of a duplicate candidate beside the comparison itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// When a look last found the two alike.
    pub last_seen: Timestamp,
    /// When the compared fields last changed.
    pub evidence_at: Timestamp,
    /// The verdict that stands.
    pub judgement: Option<Judgement>,
    /// Why a verdict holds no more: what changed since, as a sentence.
    pub reopened: Option<String>,
    /// What this pair's verdict contradicts, as a sentence.
    pub alarm: Option<String>,
    /// The group it belongs to, by its first record; none for a pair by itself.
    pub group: Option<String>,
    /// Records in that group; 2 for a pair by itself.
    pub members: usize,
    /// Of our own making: why it came about, as a sentence.
    pub origin: Option<String>,
    /// Records of other systems that both are tied to.
    pub common: Vec<RecordRef>,
}

impl Standing {
    /// What both are tied to elsewhere, as a sentence.
    pub fn tied(&self) -> Option<String> {
        let names: Vec<String> = self.common.iter().map(RecordRef::title).collect();
        (!names.is_empty()).then(|| format!("Both are tied to {}.", names.join(" and ")))
    }
}

/// The fields that the comparison of two people looks at, under the vendors' names.
pub const COMPARED: [&str; 22] = [
    "name",
    "firstname",
    "lastname",
    "email",
    "hs_additional_emails",
    "phone",
    "mobilephone",
    "company",
    "website",
    "jobtitle",
    "title",
    "custom_attributes.job_title",
    "city",
    "mailingcity",
    "location.city",
    "country",
    "mailingcountry",
    "location.country",
    "role",
    "createdate",
    "created_at",
    "createddate",
];

/// Letters of a value in a sentence.
const SHOWN: usize = 40;

/// What changed among the compared fields of a record, as phrases: `email was "a", is "b"`.
pub fn changes(before: &Fields, after: &Fields) -> Vec<String> {
    // Salesforce answers with capitals.
    let text = |fields: &Fields, name: &str| {
        let found = fields.get(name).or_else(|| {
            fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.map(value_text).unwrap_or_default().trim().to_owned()
    };
    COMPARED
        .iter()
        .filter_map(|name| {
            let (was, is) = (text(before, name), text(after, name));
            (was != is).then(|| match (was.is_empty(), is.is_empty()) {
                (true, _) => format!("{name} is \"{}\" now", shorten(&is, SHOWN)),
                (_, true) => format!("{name} is empty now, was \"{}\"", shorten(&was, SHOWN)),
                _ => format!("{name} was \"{}\", is \"{}\"", shorten(&was, SHOWN), shorten(&is, SHOWN)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: serde_json::Value) -> Fields {
        serde_json::from_value(value).expect("fields")
    }

    #[test]
    fn only_what_is_compared_counts_as_a_change() {
        let before = fields(json!({"email": "a@x.example", "phone": "", "last_seen_at": 1, "city": "Ulm"}));
        let after = fields(json!({"email": "b@x.example", "phone": "+49 7", "last_seen_at": 2}));
        assert_eq!(
            changes(&before, &after),
            [
                "email was \"a@x.example\", is \"b@x.example\"",
                "phone is \"+49 7\" now",
                "city is empty now, was \"Ulm\""
            ]
        );
        assert!(changes(&before, &before).is_empty());
    }
}
