//! Who did what to what and why: entries chained by hash, so that any change to the log shows.
//!
//! The hash of an entry covers its own text and the hash before it. This module only computes; the journal stores.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::Timestamp;

/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry before it is chained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEntry {
    /// Who: a user name, or `engine`.
    pub actor: String,
    /// What was done, one word: `retry`, `merge`, `write`.
    pub verb: String,
    /// To what: an id or a record reference.
    pub object: String,
    /// Why or with what result, as a sentence; no personal data.
    pub note: String,
}

/// A chained entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// 1, 2, 3, … without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who, what, to what, why.
    #[serde(flatten)]
    pub entry: NewEntry,
    /// Hash of the entry before.
    pub previous: String,
    /// Hash of this one.
    pub hash: String,
}

/// The hash of an entry: SHA-256 over its parts, each preceded by its length so that no two entries read alike.
pub fn hash(number: i64, at: Timestamp, entry: &NewEntry, previous: &str) -> String {
    let mut digest = Sha256::new();
    let number = number.to_string();
    let at = at.0.to_string();
    for part in [previous, &number, &at, &entry.actor, &entry.verb, &entry.object, &entry.note] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What `audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How many entries were read.
    pub entries: i64,
    /// The hash of the last one: keep it elsewhere to notice a cut-off end.
    pub head: String,
    /// The first entry that does not fit, and why; none when the chain is whole.
    pub broken: Option<(i64, String)>,
}

/// Verifies entries in order, starting from `GENESIS`.
pub fn verify<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>) -> Verdict {
    let mut head = GENESIS.to_owned();
    let mut count = 0;
    for entry in entries {
        let fault = if entry.number != count + 1 {
            Some(format!(
                "expected entry {}, found {}: entries are missing or moved",
                count + 1,
                entry.number
            ))
        } else if entry.previous != head {
            Some("it does not follow the entry before it".to_owned())
        } else if hash(entry.number, entry.at, &entry.entry, &entry.previous) != entry.hash {
            Some("its text does not match its hash: it was edited".to_owned())
        } else {
            None
        };
        if let Some(fault) = fault {
            return Verdict { entries: count, head, broken: Some((entry.number, fault)) };
        }
        count += 1;
        head.clone_from(&entry.hash);
    }
    Verdict { entries: count, head, broken: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut previous = GENESIS.to_owned();
        (1..=length)
            .map(|number| {
                let entry = NewEntry {
                    actor: "engine".into(),
                    verb: "write".into(),
                    object: format!("hubspot/contact/{number}"),
                    note: "one field".into(),
                };
                let at = Timestamp(number * 1000);
                let hash = hash(number, at, &entry, &previous);
                let chained =
                    AuditEntry { number, at, entry, previous: previous.clone(), hash: hash.clone() };
                previous = hash;
                chained
            })
            .collect()
    }

    #[test]
    fn an_edit_a_removal_and_a_swap_are_each_found_at_their_place() {
        assert_eq!(verify(&chain(9)).broken, None);
        let mut edited = chain(9);
        edited[4].entry.note = "two fields".into();
        assert_eq!(verify(&edited).broken.map(|b| b.0), Some(5));
        let mut removed = chain(9);
        removed.remove(4);
        assert_eq!(verify(&removed).broken.map(|b| b.0), Some(6));
        let mut swapped = chain(9);
        swapped.swap(3, 4);
        assert_eq!(verify(&swapped).broken.map(|b| b.0), Some(5));
    }
}
