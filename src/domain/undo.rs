//! What comes back when a merge is taken back, and what does not: said before anything is sent.
//!
//! Words and shapes only; how it is found out stands in `recipes::undo`. Holds no values of records.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{DuplicateId, ExecutionId};
use super::record::RecordRef;

/// The recipe whose executions can be taken back.
pub const MERGING: &str = "merge-duplicates";

words! {
    /// What a record is made of, as a merge tears at it.
    pub enum Part {
        /// The record as such.
        Record = "record",
        /// Its values.
        Fields = "fields",
        /// What it is related to.
        Associations = "associations",
        /// What happened: conversations, calls, notes, tasks.
        Timeline = "timeline",
        /// What its person wants to be sent.
        Subscriptions = "subscriptions",
        /// By which ids other systems know it.
        Ids = "ids",
        /// Lists, segments, campaigns and tags it is in.
        Lists = "lists",
    }
}

words! {
    /// Whether something comes back.
    pub enum Comes {
        /// All of it.
        Back = "back",
        /// Some of it.
        Partly = "partly",
        /// Nothing of it.
        Not = "not",
    }
}

/// What becomes of one part of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// Which record, by the name it had.
    pub record: RecordRef,
    /// Which part of it.
    pub part: Part,
    /// Whether it comes back.
    pub comes: Comes,
    /// What exactly, or why not, as a sentence.
    pub why: String,
}

/// Whether a merge can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoable {
    /// The execution that merged.
    pub execution: ExecutionId,
    /// The candidate that was decided, where there was one.
    pub duplicate: Option<DuplicateId>,
    /// Whose records they were, as a human would say it.
    pub subject: String,
    /// What both are now.
    pub result: RecordRef,
    /// What went away.
    pub absorbed: Vec<RecordRef>,
    /// When it was done.
    pub at: Timestamp,
    /// Nobody took it back so far, and the pre-images are there.
    pub undoable: bool,
    /// How far it would come back, or why it cannot be taken back, as a sentence.
    pub how: String,
}
