//! The first screen's facts: how much waits for a human, why executions fail, how the connections fare.
//!
//! Only numbers and sentences; which of them is loud is the console's business.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::error_class::ErrorClass;
use super::execution::Status;
use super::limit::FamilyState;
use super::page::Counts;
use super::record::Connection;

/// Failures that share one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The class of the failure.
    pub class: ErrorClass,
    /// The HTTP status, where there was an answer.
    pub code: Option<u16>,
    /// Where these executions stand: failed or retrying.
    pub status: Status,
    /// How many.
    pub count: u64,
    /// The sentence of the newest of them.
    pub sentence: String,
    /// When the first of them failed.
    pub first_at: Timestamp,
}

words! {
    /// How a connection fares.
    pub enum Health {
        /// Answers as it should.
        Up = "up",
        /// Slow, limited or sometimes failing.
        Degraded = "degraded",
        /// Refuses or does not answer.
        Down = "down",
        /// Not called yet.
        Unknown = "unknown",
    }
}

/// One connection as last seen by a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// Which.
    pub connection: Connection,
    /// How it fares.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// Typical answer time, in milliseconds.
    pub latency_ms: u32,
    /// Calls used in the present window, as the vendor counts.
    pub used: u32,
    /// Calls allowed in a window; 0 when the vendor did not say.
    pub limit: u32,
    /// Length of the window in seconds.
    pub window_seconds: u32,
    /// What is wrong, as a sentence; empty when nothing is.
    pub note: String,
    /// Its limits by families of endpoints, as all processes of the journal share them.
    #[serde(default)]
    pub families: Vec<FamilyState>,
}

/// One hour of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hour {
    /// Executions that succeeded.
    pub succeeded: u64,
    /// Executions that failed.
    pub failed: u64,
    /// Executions that had nothing to do.
    pub skipped: u64,
}

/// Something that happened, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// Who: a user name, or `engine`.
    pub actor: String,
    /// One word.
    pub verb: String,
    /// To what.
    pub object: String,
    /// As a sentence.
    pub note: String,
}

/// Everything the overview shows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Overview {
    /// How many rows of each kind.
    pub counts: Counts,
    /// When the next waiting execution runs.
    pub next_due: Option<Timestamp>,
    /// Creation of the oldest failed execution, open conflict, duplicate and unlinked relation.
    pub oldest: [Option<Timestamp>; 4],
    /// Duplicates the matcher is certain of.
    pub certain_duplicates: u64,
    /// Unlinked people with one clear company.
    pub clear_links: u64,
    /// People of the CRM whose company is known, those of them with an account, and by how many points that share grew
    /// in the last 30 days.
    #[serde(default)]
    pub coverage: Option<(u64, u64, f64)>,
    /// Why executions fail, most frequent first.
    pub clusters: Vec<Cluster>,
    /// The last 24 hours, oldest first.
    pub hours: Vec<Hour>,
    /// Events dropped because they only repeated our own writes.
    pub echoes_dropped: u64,
    /// Monitors that alert now, as one line each.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// How the connections fare.
    pub connections: Vec<ConnectionState>,
    /// What happened last.
    pub latest: Vec<Activity>,
}

/// What happened in one span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When it begins.
    pub at: Timestamp,
    /// Executions that succeeded.
    pub succeeded: u64,
    /// Executions that had nothing to do.
    pub skipped: u64,
    /// Executions that failed for good.
    pub failed: u64,
    /// Milliseconds from event to end that half and 95 % of the executions did not exceed; none where none ended.
    pub lag: Option<(i64, i64)>,
    /// Events that only repeated our own writes.
    pub echoes: u64,
    /// Conflicts that were found.
    pub conflicts: u64,
    /// Duplicates that were found.
    pub duplicates: u64,
    /// People without a company that were found.
    pub unlinked: u64,
}

/// How it went lately, oldest first, the present span last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trends {
    /// The last 24 hours.
    pub hours: Vec<Slot>,
    /// The lag of all of them together.
    pub lag_of_hours: Option<(i64, i64)>,
    /// The last 14 days, in UTC.
    pub days: Vec<Slot>,
    /// The lag of all of them together.
    pub lag_of_days: Option<(i64, i64)>,
    /// The share of people with an account on each of these days, in percent; none where nobody counted.
    pub coverage: Vec<Option<f64>>,
}

/// How many of a kind came and went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// That are there now and were not.
    pub came: u64,
    /// That were there, or came, and are no more.
    pub gone: u64,
}

/// What came since somebody's last visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// When that visit ended.
    pub at: Timestamp,
    /// Failed executions.
    pub failed: Moved,
    /// Conflicts.
    pub conflicts: Moved,
    /// Duplicate groups.
    pub duplicates: Moved,
    /// People without a company.
    pub unlinked: Moved,
    /// What other people did, by person: lines of the audit log.
    pub others: Vec<(String, u64)>,
    /// All was counted; otherwise the numbers are the least there are.
    pub whole: bool,
}
