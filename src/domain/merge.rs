//! The words of a merge: what a human wants of it, what it would make of the records, and what was merged into what.
//!
//! [`MergeRecord`] holds ids only; the values stand in the capsules and in the plan of its execution. Whoever takes a
//! merge back starts there. Nothing in this module merges or undoes anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{CapsuleId, DuplicateId, ExecutionId};
use super::record::{Fields, Mirror, RecordRef, System, value_text};

words! {
    /// How far one merge got.
    pub enum MergeState {
        /// The call may have happened.
        Begun = "begun",
        /// The vendor made one record of the two.
        Done = "done",
        /// The vendor refused; both are still there.
        Refused = "refused",
    }
}

words! {
    /// What is done in the place of a merge that a vendor does not offer.
    pub enum Instead {
        /// The chosen record gets what it lacks, then the other is archived.
        CopyAndArchive = "copy-and-archive",
    }
}

impl Instead {
    /// What a sentence about why two records cannot be merged offers in its place.
    pub fn offered_by(obstacle: Option<&str>) -> Option<Self> {
        let words = obstacle?;
        Self::ALL.iter().copied().find(|instead| words.contains(instead.as_str()))
    }
}

/// Records of the same person in another system that become one in the same run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The one that goes on there.
    pub survivor: RecordRef,
    /// Those that go away there.
    pub absorbed: Vec<RecordRef>,
}

/// Whose value of a field survives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// The vendor's name of the field.
    pub field: String,
    /// The record whose value it is.
    pub record: RecordRef,
}

/// What the human wants of a merge beyond the two records and which of them goes on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MergeWish {
    /// Further records of the same system that go away too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<RecordRef>,
    /// The same person's records in other systems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// Everything that belongs together is to be taken in: replaced by `also` and `elsewhere` before it is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub group: bool,
    /// Fields whose value was chosen among the records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub take: Vec<Take>,
    /// Fields whose value was typed, in the survivor's system.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub set: Fields,
    /// What is done in the place of a merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
    /// What records said when it was decided, of which no candidate shows the values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<RecordRef, Seen>,
}

/// What a record said, as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The [`substance`] of its fields.
    pub substance: String,
    /// Of these fields only; empty = of all. A Salesforce record that is read by itself has more than a list shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl Seen {
    /// What a copy says.
    pub fn of(mirror: &Mirror) -> Self {
        let whole = mirror.record.system() != System::Salesforce;
        let fields = if whole { Vec::new() } else { mirror.fields.keys().cloned().collect() };
        Self { substance: substance(&mirror.fields), fields }
    }

    /// Whether the record still says that.
    pub fn holds(&self, now: &Mirror) -> bool {
        if self.fields.is_empty() {
            return self.substance == substance(&now.fields);
        }
        let same = now.fields.iter().filter(|(name, _)| self.fields.contains(name));
        self.substance == substance(&same.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

impl MergeWish {
    /// Nothing beyond the two records.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// A hash of what a record says, without stamps and counters: the same as long as nothing of substance changed.
pub fn substance(fields: &Fields) -> String {
    use std::fmt::Write as _;

    use sha2::{Digest, Sha256};
    let mut said: Vec<(&String, String)> = fields
        .iter()
        .filter(|(name, _)| !is_stamp(name))
        .map(|(name, value)| (name, value_text(value)))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    said.sort();
    let mut hash = Sha256::new();
    for (name, text) in said {
        for part in [name.as_str(), text.as_str()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A field that changes without anybody having changed the record: a stamp, a counter, where somebody was last seen.
pub fn is_stamp(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("_at")
        || (name.starts_with("last") && name != "lastname")
        || (name.starts_with("hs_") && !name.starts_with("hs_email_optout"))
        || name.starts_with("location.")
        || name == "systemmodstamp"
}

/// One field of records that are merged: what each holds and what comes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergeRow {
    /// The vendor's name of the field.
    pub field: String,
    /// What each record holds, in the order of the table's records.
    pub values: Vec<String>,
    /// What the one record holds afterwards.
    pub merged: String,
    /// The record whose value that is; none where it comes from several, or was typed.
    pub from: Option<usize>,
    /// Why, as a phrase: `the survivor's`, `chosen`, `opted out on one of them`.
    pub rule: String,
    /// A value of one of the records goes away.
    pub lost: bool,
}

/// Records of one system beside what they become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergeTable {
    /// The records, the one that goes on first.
    pub records: Vec<RecordRef>,
    /// Why that one goes on, as a phrase.
    pub master: String,
    /// Their fields: what differs first.
    pub rows: Vec<MergeRow>,
}

/// A field that the vendor kept otherwise than was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deviation {
    /// Of which record.
    pub record: RecordRef,
    /// Which field.
    pub field: String,
    /// What was planned.
    pub expected: String,
    /// What is there.
    pub kept: String,
    /// The vendor's words, where it refused the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A plan that failed on its way through several systems is taken back as far as that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compensation {
    /// The first of its steps in the plan; only they are performed from now on.
    pub from_step: u32,
    /// What failed, as a sentence.
    pub why: String,
    /// What cannot be taken back, as a sentence.
    pub stays: String,
}

/// One record that went into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Its place in the execution's plan.
    pub step: u32,
    /// The record that went away.
    pub absorbed: RecordRef,
    /// The record it went into, as it was named before the call.
    pub survivor: RecordRef,
    /// What both are now; none until the vendor said so.
    pub result: Option<RecordRef>,
    /// The candidate that named the two, or the one that was decided.
    pub duplicate: Option<DuplicateId>,
    /// The pre-image that was taken right before the call.
    pub capsule: Option<CapsuleId>,
    /// How far it got.
    pub state: MergeState,
    /// When it was begun.
    pub at: Timestamp,
}

/// That a merge was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// When.
    pub at: Timestamp,
    /// Who decided it.
    pub by: String,
    /// The execution that did it.
    pub execution: Option<ExecutionId>,
}

/// Everything one execution merged: several records of one system, or of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRecord {
    /// The execution.
    pub execution: ExecutionId,
    /// Its merges, in the order of its plan.
    pub merged: Vec<Merged>,
    /// That it was taken back.
    pub undone: Option<Undone>,
}

impl MergeRecord {
    /// The merges that happened.
    pub fn done(&self) -> impl Iterator<Item = &Merged> {
        self.merged.iter().filter(|one| one.state == MergeState::Done)
    }

    /// The ids that lead elsewhere since then, and where to: what was absorbed, and a survivor with a new id.
    pub fn remapped(&self) -> Vec<(RecordRef, RecordRef)> {
        let mut pairs: Vec<(RecordRef, RecordRef)> = Vec::new();
        for one in self.done() {
            let Some(result) = &one.result else { continue };
            for old in [&one.absorbed, &one.survivor] {
                // The result of an earlier step leads on where a later one gave another id.
                for pair in pairs.iter_mut().filter(|pair| pair.1 == *old) {
                    pair.1 = result.clone();
                }
                if old != result && !pairs.iter().any(|pair| pair.0 == *old) {
                    pairs.push((old.clone(), result.clone()));
                }
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{ObjectKind, System};

    #[test]
    fn an_id_that_was_absorbed_leads_to_the_last_result() {
        let record = |id: &str| RecordRef::new(System::Hubspot, ObjectKind::Contact, id);
        let merged = |step, survivor: &str, absorbed: &str, result: &str| Merged {
            step,
            absorbed: record(absorbed),
            survivor: record(survivor),
            result: Some(record(result)),
            duplicate: None,
            capsule: None,
            state: MergeState::Done,
            at: Timestamp(0),
        };
        let all = MergeRecord {
            execution: ExecutionId(1),
            merged: vec![merged(0, "1", "2", "8"), merged(1, "8", "3", "9")],
            undone: None,
        };
        let expected = ["2", "1", "3", "8"].map(|old| (record(old), record("9")));
        assert_eq!(all.remapped(), expected);
    }
}
