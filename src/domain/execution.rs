//! One run of one recipe for one event or decision: its status, its outcome, its attempts, and the table of
//! transitions between states.
//!
//! ```text
//!  pending ──claim──▶ running ──▶ succeeded | skipped            finished, outcome says how
//!     ▲                 ├──▶ retrying ──due──▶ running             failed, tries again at a time
//!     │                 ├──▶ pending                              waits for a limit or window; eats no attempt
//!     │                 ├──▶ in_doubt ──probe──▶ running          the call may have happened
//!     │                 ├──▶ held                                 waits for a decision
//!     └──retry (human)──┴──▶ failed ──▶ discarded                 dead letter, kept until a human decides
//! ```

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::error_class::ErrorClass;
use super::event::Delivered;
use super::ids::{ConflictId, DecisionId, EventId, ExecutionId};
use super::plan::Plan;
use super::record::{Connection, RecordRef, System};

words! {
    /// Where an execution stands.
    pub enum Status {
        /// Ready, or waiting for a time, a limit or a window.
        Pending = "pending",
        /// A worker holds its lease.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Nothing had to be done, for a stated reason.
        Skipped = "skipped",
        /// Failed, and will be tried again at a time.
        Retrying = "retrying",
        /// Failed for good: a human decides (dead letter).
        Failed = "failed",
        /// A call may or may not have happened: looked up before any replay.
        InDoubt = "in_doubt",
        /// Waits for a decision or approval.
        Held = "held",
        /// A human gave up on it.
        Discarded = "discarded",
    }
}

impl Status {
    /// One text glyph of width one; the word and the colour say the same, so any one may be lost.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Pending => "○",
            Self::Running => "◐",
            Self::Succeeded => "✓",
            Self::Skipped => "–",
            Self::Retrying => "↻",
            Self::Failed => "✗",
            Self::InDoubt => "?",
            Self::Held => "‖",
            Self::Discarded => "×",
        }
    }

    /// No worker will touch it again without a human.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped | Self::Failed | Self::Discarded)
    }

    /// A human may ask for another run.
    pub const fn can_retry(self) -> bool {
        matches!(self, Self::Failed | Self::Retrying | Self::Pending | Self::InDoubt | Self::Discarded)
    }
}

/// The recipe of executions that only look up what became of another one's writes.
pub const PROBE: &str = "probe";

words! {
    /// How a finished execution ended.
    pub enum Outcome {
        /// A record was made.
        Created = "created",
        /// A record was changed.
        Updated = "updated",
        /// Both sides already agreed.
        Unchanged = "unchanged",
        /// A rule said no.
        Skip = "skip",
        /// The same event was delivered before, or only repeats our own write.
        Duplicate = "duplicate",
        /// It failed.
        Error = "error",
    }
}

words! {
    /// Who goes first when there is more work than calls.
    pub enum Priority {
        /// A human is waiting.
        Operator = "operator",
        /// Somebody changed something just now.
        Live = "live",
        /// Found by polling; waits for the off-peak window where one is set.
        Background = "background",
    }
}

impl Priority {
    /// Smaller runs first.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Operator => 0,
            Self::Live => 1,
            Self::Background => 2,
        }
    }
}

/// An execution as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// The event that caused it; none when a decision did.
    pub event: Option<EventId>,
    /// The decision that caused it; none when an event did.
    pub decision: Option<DecisionId>,
    /// The recipe, by name.
    pub recipe: String,
    /// The person or organisation it is about, as a human would say it.
    pub subject: String,
    /// The record it started from.
    pub record: Option<RecordRef>,
    /// Where it stands.
    pub status: Status,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// What happened or what it waits for, as a sentence.
    pub sentence: String,
    /// The class of its last failure.
    pub error_class: Option<ErrorClass>,
    /// The HTTP status of its last failure.
    pub error_code: Option<u16>,
    /// Failed tries so far.
    pub attempts: u32,
    /// Tries before it becomes a dead letter.
    pub max_attempts: u32,
    /// When it runs next, if it will.
    pub due_at: Option<Timestamp>,
    /// Who goes first.
    pub priority: Priority,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The editions of recipe and mapping that planned it, `contact-to-crm 3, contact 2`; none before it was planned.
    #[serde(default)]
    pub editions: Option<String>,
    /// The fingerprint of its last failure; failures of one fingerprint have one cause.
    #[serde(default)]
    pub cause: Option<String>,
    /// The execution whose plan or payload it repeats with edits.
    #[serde(default)]
    pub replay_of: Option<ExecutionId>,
}

/// One call to a vendor, as it was sent and answered; bodies redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which try of the execution, from 1.
    pub number: u32,
    /// Which step of the plan, from 0; none for the reads before the plan.
    pub step: Option<u32>,
    /// What it was for, in words: `find contact by e-mail`.
    pub purpose: String,
    /// When it was sent.
    pub started_at: Timestamp,
    /// How long the answer took, in milliseconds.
    pub duration_ms: u32,
    /// HTTP method.
    pub method: String,
    /// Host and path, without secrets.
    pub url: String,
    /// The request's body, redacted, at most a few kilobytes.
    pub request: String,
    /// The answer's HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// The answer's body, redacted, at most a few kilobytes.
    pub response: String,
    /// The vendor's id for the request, for a support ticket.
    pub request_id: Option<String>,
    /// The class of the failure; none when it went well.
    pub class: Option<ErrorClass>,
}

/// A call as the log lists it: everything but its bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its number in the log.
    pub id: i64,
    /// The execution it belongs to.
    pub execution: ExecutionId,
    /// What it was for, in words.
    pub purpose: String,
    /// When it was sent.
    pub started_at: Timestamp,
    /// How long the answer took, in milliseconds.
    pub duration_ms: u32,
    /// HTTP method.
    pub method: String,
    /// Host and path, without secrets.
    pub url: String,
    /// The answer's HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// The class of the failure; none when it went well.
    pub class: Option<ErrorClass>,
}

/// Everything the detail view shows of one execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionDetail {
    /// The row itself.
    pub execution: Execution,
    /// The event's topic and when it came, if an event caused it.
    pub topic: Option<String>,
    /// When the event was stored.
    pub received_at: Option<Timestamp>,
    /// Which connection told us.
    pub told_by: Option<Connection>,
    /// How often the event was delivered, and what the vendor says of that.
    pub delivered: Delivered,
    /// The event's body as received.
    pub payload: String,
    /// What was going to be done, with each step's state.
    pub plan: Option<Plan>,
    /// Every call so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// The class's meaning and advice and the vendor's words, where it failed.
    pub vendor_words: Option<String>,
    /// Conflicts it raised that are still open.
    pub conflicts: Vec<ConflictId>,
    /// The execution of the same person that has to end first, while this one is pending.
    pub waits_for: Option<ExecutionId>,
}

impl ExecutionDetail {
    /// The system whose answer was the last failure, else the one the plan writes to first.
    pub fn failed_at(&self) -> Option<System> {
        let failed = self.attempts.iter().rev().find(|attempt| attempt.class.is_some());
        failed
            .map(|attempt| system_of(&attempt.url))
            .or_else(|| self.plan.as_ref()?.steps.first().map(|step| step.effect.connection().system))
    }
}

/// The system a call went to, by its address: by the vendor's host, or by the path where a proxy or an emulator stands
/// between.
pub fn system_of(url: &str) -> System {
    let has = |part: &str| url.contains(part);
    if has("hubapi") || has("/crm/") || has("/oauth/v") {
        System::Hubspot
    } else if has("salesforce") || has("/services/") {
        System::Salesforce
    } else {
        System::Intercom
    }
}
