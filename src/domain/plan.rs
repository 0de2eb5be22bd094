//! What is going to be done, as data: the dry run, the preview before a merge and the real run show the same plan.
//!
//! A plan is made by pure code from facts; this module never performs anything and knows no URL. How an effect
//! becomes HTTP calls is for `vendors` alone, which also renders it as [`Call`]s for the preview.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::agreement::Agreement;
use super::clock::Timestamp;
use super::ids::{ConflictId, ExecutionId};
use super::record::{Connection, Fields, ObjectKind, RecordRef};
use super::review::{ConflictKind, Writer};

words! {
    /// Where one step of a plan stands.
    pub enum StepState {
        /// Not begun.
        Waiting = "waiting",
        /// Begun: the intent is stored, the answer is not.
        Begun = "begun",
        /// Done, with the vendor's word for it.
        Done = "done",
        /// Refused or given up.
        Failed = "failed",
        /// May have happened.
        InDoubt = "in_doubt",
    }
}

/// One thing done at one vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Effect {
    /// Make a record.
    Create {
        /// Where.
        connection: Connection,
        /// Of which kind.
        object: ObjectKind,
        /// With which values; the names are the vendor's.
        fields: Fields,
        /// A field of `fields` that identifies the record, to look for it when an answer was lost.
        identity: String,
        /// Records of the same system it is related to from its birth: a deal's contact, a task's company.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        related: Vec<RecordRef>,
    },
    /// Change values of a record.
    Update {
        /// Which record.
        record: RecordRef,
        /// New values; null clears.
        fields: Fields,
    },
    /// Make one record out of two.
    Merge {
        /// The one that goes on.
        survivor: RecordRef,
        /// The one that goes away.
        absorbed: RecordRef,
    },
    /// Relate a person to a company of the same system.
    Link {
        /// The person.
        contact: RecordRef,
        /// The company.
        company: RecordRef,
    },
    /// Put what happened onto a person's timeline, dated when it happened. It is never changed afterwards.
    Log {
        /// Whose timeline.
        contact: RecordRef,
        /// Ours, one word: by it the entry is found again, so that there is never a second one.
        key: String,
        /// When it happened.
        at: Timestamp,
        /// What it was, in one line.
        title: String,
        /// The rest, as plain text.
        text: String,
        /// The event template of a timeline app; without one the entry is a note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<String>,
    },
    /// Delete a person's record for good.
    Erase {
        /// Which record.
        record: RecordRef,
    },
    /// Put a tag on a contact, a company or a conversation, or take it off.
    Tag {
        /// Which record.
        record: RecordRef,
        /// The tag's name; one that does not exist is made.
        tag: String,
        /// On, or off.
        on: bool,
    },
    /// Tell Intercom that a person did something: an event in their activity.
    Track {
        /// Who.
        contact: RecordRef,
        /// What, one word of ours; with `at` it makes a repeat the same event.
        event: String,
        /// When.
        at: Timestamp,
        /// At most ten values.
        details: Fields,
    },
    /// Begin a conversation in a person's name.
    Converse {
        /// Who.
        contact: RecordRef,
        /// What they say, as plain text.
        text: String,
        /// Ours, one word: stands in the text, so that a lost answer does not begin a second one.
        key: String,
    },
    /// Say something in a conversation as a teammate.
    Reply {
        /// In which conversation.
        conversation: RecordRef,
        /// As which teammate: the vendor's id.
        speaker: String,
        /// What, as plain text.
        text: String,
        /// Only teammates see it.
        note: bool,
        /// Ours, one word, to look for it when an answer was lost.
        key: String,
    },
    /// Give a conversation to a teammate or a team.
    Assign {
        /// Which conversation.
        conversation: RecordRef,
        /// In whose name: the vendor's id of a teammate.
        by: String,
        /// To whom: the vendor's id.
        to: String,
        /// It is a team's id.
        team: bool,
    },
    /// Make a field that the other side does not have yet.
    DefineField {
        /// Where.
        connection: Connection,
        /// Of which kind of record.
        object: ObjectKind,
        /// The vendor's name of it.
        field: String,
        /// What it holds.
        kind: super::schema::FieldKind,
    },
}

impl Effect {
    /// The connection it goes to.
    pub fn connection(&self) -> &Connection {
        match self {
            Self::Create { connection, .. } | Self::DefineField { connection, .. } => connection,
            Self::Update { record, .. } | Self::Erase { record } | Self::Tag { record, .. } => {
                &record.connection
            }
            Self::Merge { survivor, .. } => &survivor.connection,
            Self::Link { contact, .. }
            | Self::Log { contact, .. }
            | Self::Track { contact, .. }
            | Self::Converse { contact, .. } => &contact.connection,
            Self::Reply { conversation, .. } | Self::Assign { conversation, .. } => &conversation.connection,
        }
    }

    /// Doing it twice is the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        // A timeline event carries an id of ours, and HubSpot keeps one event for each; Intercom keeps one event of a
        // name and a second. To make a field that is there is refused, which says that it is there.
        matches!(
            self,
            Self::Update { .. }
                | Self::Link { .. }
                | Self::Log { template: Some(_), .. }
                | Self::Tag { .. }
                | Self::Track { .. }
                | Self::Assign { .. }
                | Self::DefineField { .. }
        )
    }
}

/// A value of a step that only an earlier step's answer can give: the id of what it made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// The field to fill.
    pub field: String,
    /// The step, from 0, whose record's id goes there.
    pub from_step: u32,
}

/// One vendor effect of a plan and how far it got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// In words: `Update HubSpot contact 151: jobtitle`.
    pub title: String,
    /// What is done.
    pub effect: Effect,
    /// Values that earlier steps give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills: Vec<Fill>,
    /// How far it got.
    pub state: StepState,
    /// The record it made or touched, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RecordRef>,
}

impl Step {
    /// A step that has not begun.
    pub fn new(title: impl Into<String>, effect: Effect) -> Self {
        Self { title: title.into(), effect, fills: Vec::new(), state: StepState::Waiting, result: None }
    }
}

/// A field that was looked at and left alone, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSkip {
    /// The mapping's name of the field.
    pub field: String,
    /// Why, as a phrase.
    pub reason: String,
}

/// A disagreement found while planning; becomes a review item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundConflict {
    /// What kind of disagreement.
    pub kind: ConflictKind,
    /// The mapping's name of the field.
    pub field: String,
    /// The Intercom record.
    pub left: RecordRef,
    /// Its field.
    pub left_field: String,
    /// Its value.
    pub left_value: Value,
    /// The CRM record.
    pub right: RecordRef,
    /// Its field.
    pub right_field: String,
    /// Its value.
    pub right_value: Value,
    /// What both held when they last agreed, in the left side's terms; none when they never did.
    pub base: Option<Value>,
    /// The mapping's rule, in words.
    pub rule: String,
    /// Where that rule stands: `contact.toml:47`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// The role that decides this field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub decides: String,
    /// What the target would take, nearest first; empty when anything.
    pub allowed: Vec<String>,
    /// Who wrote Intercom's value, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<Writer>,
    /// Who wrote the CRM's value, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_by: Option<Writer>,
}

/// Something told to people or to another system beside the vendors: put into the outbox in the transaction that
/// settles the execution, delivered afterwards; its failure never fails the execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// To which channel: `slack`, `webhook`, or the name of a sink in the settings.
    pub channel: String,
    /// Ours: a notice of one key and channel is put into the outbox once.
    pub key: String,
    /// In one line.
    pub title: String,
    /// The rest, field by field.
    pub fields: Fields,
}

/// What one execution will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Plan {
    /// The effects, in order; a later one never runs when an earlier one failed.
    pub steps: Vec<Step>,
    /// Fields left alone, and why.
    #[serde(default)]
    pub skips: Vec<FieldSkip>,
    /// Fields held back for a human.
    #[serde(default)]
    pub conflicts: Vec<FoundConflict>,
    /// When nothing is to be done at all: why.
    #[serde(default)]
    pub nothing: Option<String>,
    /// What is told once all steps are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Fields on which both sides agree once all steps are done; kept for whoever goes on after a crash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub will_agree: Vec<Agreement>,
    /// Of fields whose write answers an earlier write of ours: how long that chain is with it; see [`Plan::hops_key`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hops: BTreeMap<String, u32>,
}

impl Plan {
    /// The key of a record's field in `hops`: both sides may have a field of one name.
    pub fn hops_key(record: &RecordRef, field: &str) -> String {
        format!("{record}#{field}")
    }

    /// Notes the hop count of a write; a chain of one needs no note.
    pub fn note_hops(&mut self, record: &RecordRef, field: &str, hops: u32) {
        if hops > 1 {
            self.hops.insert(Self::hops_key(record, field), hops);
        }
    }
}

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
    /// What will be lost.
    pub losses: Vec<Loss>,
    /// Remarks: what cannot be undone, what happens if one call fails.
    pub notes: Vec<String>,
    /// It cannot be taken back at the vendor.
    pub irreversible: bool,
}
