//! Who works on what: hints that people leave on an execution or a review item, so that nothing is decided twice.
//!
//! A hint never stops the sync and never decides; a claim ends by itself. Whose word counts is the operator module's
//! business.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::clock::Timestamp;
use super::ids::{ConflictId, DuplicateId, ExecutionId, UnlinkedId};

/// How long a claim holds unless somebody says otherwise: a phone call, not a holiday.
pub const CLAIM: Duration = Duration::from_secs(30 * 60);

/// Letters of a comment; more belongs elsewhere.
pub const LONGEST_COMMENT: usize = 4_000;

/// Letters of a name.
pub const LONGEST_NAME: usize = 80;

/// What hints are left on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Item {
    /// A run.
    Execution(ExecutionId),
    /// A field two sides disagree on.
    Conflict(ConflictId),
    /// Two records believed the same.
    Duplicate(DuplicateId),
    /// Somebody without a company.
    Unlinked(UnlinkedId),
}

impl Item {
    /// Its row number.
    pub const fn number(self) -> i64 {
        match self {
            Self::Execution(ExecutionId(id))
            | Self::Conflict(ConflictId(id))
            | Self::Duplicate(DuplicateId(id))
            | Self::Unlinked(UnlinkedId(id)) => id,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execution(id) => id.fmt(f),
            Self::Conflict(id) => id.fmt(f),
            Self::Duplicate(id) => id.fmt(f),
            Self::Unlinked(id) => id.fmt(f),
        }
    }
}

/// A text that names nothing hints are left on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no execution, conflict, duplicate or unlinked person: expected ex_12, cf_3, du_7 or un_4"
)]
pub struct NoItem(String);

impl FromStr for Item {
    type Err = NoItem;
    fn from_str(text: &str) -> Result<Self, NoItem> {
        let wrong = || NoItem(text.chars().take(40).collect());
        match text.split_once('_').map(|(prefix, _)| prefix) {
            Some(ExecutionId::PREFIX) => text.parse().map(Self::Execution).map_err(|_| wrong()),
            Some(ConflictId::PREFIX) => text.parse().map(Self::Conflict).map_err(|_| wrong()),
            Some(DuplicateId::PREFIX) => text.parse().map(Self::Duplicate).map_err(|_| wrong()),
            Some(UnlinkedId::PREFIX) => text.parse().map(Self::Unlinked).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl serde::Serialize for Item {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Somebody is at it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Claim {
    /// Who.
    pub who: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// Somebody is to look at it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Assignment {
    /// Who.
    pub who: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What somebody said of it. Never changed; its text goes when the person it speaks of is erased.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Comment {
    /// Its number, in the order of all comments.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// The words; empty when they were erased.
    pub text: String,
    /// The words went with an erased person.
    pub erased: bool,
}

/// All hints on one item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hint {
    /// On what.
    pub item: Item,
    /// Who is to look at it.
    pub assignee: Option<Assignment>,
    /// Who is at it, while that holds.
    pub claim: Option<Claim>,
    /// How many comments there are.
    pub comments: u64,
}

impl Hint {
    /// The claim of somebody else than `me` that holds at `now`.
    pub fn claimed_by_another(&self, me: &str, now: Timestamp) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.until > now && claim.who != me)
    }
}

/// A name as it is stored: one line, trimmed; none when nothing is left or it is no name.
pub fn name(text: &str) -> Option<String> {
    let name: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits =
        !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_reads_back_and_anything_else_is_refused() {
        for text in ["ex_12", "cf_3", "du_7", "un_4"] {
            assert_eq!(text.parse::<Item>().expect("an item").to_string(), text);
        }
        for text in ["12", "ev_9", "cf_", "cf_x", "", "un_-1"] {
            assert!(text.parse::<Item>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_claim_is_nobody_elses_business_once_it_is_over_or_ones_own() {
        let claim = Claim { who: "olga".into(), since: Timestamp(0), until: Timestamp(10) };
        let item = Item::Conflict(ConflictId(3));
        let hint = Hint { item, assignee: None, claim: Some(claim), comments: 0 };
        assert!(hint.claimed_by_another("ana", Timestamp(9)).is_some());
        assert!(hint.claimed_by_another("ana", Timestamp(10)).is_none());
        assert!(hint.claimed_by_another("olga", Timestamp(9)).is_none());
    }

    #[test]
    fn a_name_is_one_line_of_words() {
        assert_eq!(name("  Ana \t Ruiz ").as_deref(), Some("Ana Ruiz"));
        assert_eq!(name("   "), None);
        assert_eq!(name("a\u{1b}[31m"), None);
        assert_eq!(name(&"x".repeat(81)), None);
    }
}
