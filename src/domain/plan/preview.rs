//! What a human is shown before they say yes: the exact calls, what is lost, what cannot be taken back. It only holds what
//! was found out; it decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::merge::MergeTable;

/// One HTTP call as it will be sent, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// HTTP method.
    pub method: String,
    /// Scheme and host.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// JSON body, if any.
    pub body: Option<Value>,
}

/// Something a merge would drop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// The vendor's field.
    pub field: String,
    /// The value that goes away.
    pub lost: String,
    /// The value that stays.
    pub kept: String,
}

/// A change of a file on this machine, as it will be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// Which file.
    pub file: String,
    /// The unified diff, line by line: ` ` stays, `-` goes, `+` comes.
    pub diff: Vec<String>,
}

/// One of several conflicts that a decision settles at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Becomes {
    /// Its number.
    pub conflict: ConflictId,
    /// Whose it is.
    pub subject: String,
    /// Intercom's value, as shown.
    pub left: String,
    /// The CRM's value, as shown.
    pub right: String,
    /// What is written, in words; or why nothing is.
    pub becomes: String,
}

/// What the operator is shown before confirming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Preview {
    /// What will be done, as one sentence.
    pub title: String,
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// Files that are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<FileEdit>,
    /// Every conflict that is settled, when it is not just the one asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub becomes: Vec<Becomes>,
    /// Failed executions that run again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retries: Vec<ExecutionId>,
    /// What comes back and what does not, where something is taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<crate::domain::undo::Return>,
    /// What will be lost.
    pub losses: Vec<Loss>,
    /// Remarks: what cannot be undone, what happens if one call fails.
    pub notes: Vec<String>,
    /// It cannot be taken back at the vendor.
    pub irreversible: bool,
    /// Of a merge: each system's records beside what they become.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<MergeTable>,
    /// The decision that was shown, where it says more than the one asked about: a group by its records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<crate::domain::review::Decision>>,
}
