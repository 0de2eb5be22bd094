//! What stands around an execution, as its detail shows it: each part leads somewhere.

use serde::{Deserialize, Serialize};

use super::execution::Execution;
use super::ids::ExecutionId;
use super::record::RecordRef;

/// A review item that is about the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Its public id: `cf_3`, `du_1`, `un_2`.
    pub id: String,
    /// What it is, in a few words.
    pub words: String,
}

/// Everything around an execution.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Related {
    /// The person's records, in every system.
    pub records: Vec<RecordRef>,
    /// What waits for a decision about them.
    pub items: Vec<Door>,
    /// The same person's other executions, newest first.
    pub others: Vec<Execution>,
    /// The execution that this one repeats or looks up.
    pub replay_of: Option<ExecutionId>,
    /// What repeats this one or looks it up, newest first.
    pub repeats: Vec<Execution>,
    /// The one of them that runs in its place.
    pub replayed_as: Option<ExecutionId>,
    /// Who put it aside, where somebody did.
    pub aside: Option<String>,
}
