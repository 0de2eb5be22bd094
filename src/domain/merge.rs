//! What an execution merged into what, as ids: the values stand in its capsules and in its plan.
//!
//! Whoever takes a merge back starts here. Nothing in this module undoes anything.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{CapsuleId, DuplicateId, ExecutionId};
use super::record::RecordRef;

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
