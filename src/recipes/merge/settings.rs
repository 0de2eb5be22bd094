//! `[merge]`: which record of a merge goes on, and whose value of a field survives.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Which record goes on, unless a human says otherwise.
///
/// Whatever the rule, an Intercom user goes before a lead and a Salesforce contact before a lead: the vendors merge
/// only that way. What the rule leaves equal is decided by age, then by how much a record holds, then by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MasterRule {
    /// The one that was made first.
    #[default]
    Oldest,
    /// The one with most fields filled.
    MostComplete,
    /// The one that was worked with most, and of those the one worked with last.
    MostActivity,
    /// One that has an owner.
    Owner,
}

impl MasterRule {
    /// The rule as a phrase for a screen.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Oldest => "the oldest",
            Self::MostComplete => "the one that holds most",
            Self::MostActivity => "the one with most activity",
            Self::Owner => "one that has an owner",
        }
    }
}

/// Whose value of a field survives, unless a human chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRule {
    /// The value of the record that changed last and has one.
    Newest,
    /// The longest.
    Longest,
    /// The survivor's, also when it is blank.
    Master,
    /// The survivor's; where it is blank, the next record's that has one.
    NonBlank,
    /// All of a list's entries together.
    Union,
}

impl FieldRule {
    /// The rule as a phrase for a screen.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Newest => "changed last",
            Self::Longest => "longest",
            Self::Master => "the survivor's",
            Self::NonBlank => "the survivor's, else the next one's",
            Self::Union => "all together",
        }
    }
}

/// How records are merged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which record goes on.
    pub master: MasterRule,
    /// Whose value survives, by the vendor's name of the field. Lists of several values are united and all other fields
    /// are `non_blank` where nothing stands here.
    pub fields: BTreeMap<String, FieldRule>,
}

impl Settings {
    /// Whether every rule can be followed. The error names the setting and shows a right one.
    pub fn check(&self) -> Result<(), String> {
        let consent = self.fields.keys().find(|name| super::survivors::is_consent(name));
        consent.map_or(Ok(()), |name| {
            Err(format!(
                "merge.fields.{name} cannot be set: whoever opted out on one of the records stays opted out; take the \
                 line out"
            ))
        })
    }

    /// The rule of a field, where one stands here. Salesforce's names do not mind case.
    pub(super) fn rule(&self, field: &str) -> Option<FieldRule> {
        self.fields.get(field).copied().or_else(|| {
            self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, rule)| *rule)
        })
    }
}
