//! Work that reads a vendor page by page: a fetch by hand, a sweep for what is gone, a backfill of what was before.
//!
//! A job only finds; what it finds becomes events and executions like everything else.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

words! {
    /// What is read for.
    pub enum JobKind {
        /// A human asked for all records of a kind.
        Fetch = "fetch",
        /// People who are gone without a word.
        Sweep = "sweep",
        /// What happened before Reknit was there.
        Backfill = "backfill",
    }
}

words! {
    /// Where a job stands.
    pub enum JobState {
        /// Goes on by itself, also after a restart.
        Running = "running",
        /// A human stopped it for now.
        Paused = "paused",
        /// It stopped itself: a human has to look.
        Stopped = "stopped",
        /// Done.
        Finished = "finished",
        /// A human gave up on it.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// It goes on, or may.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// A job and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What for.
    pub kind: JobKind,
    /// Whose and what, `intercom leads`; one open job per kind and scope.
    pub scope: String,
    /// What was asked, as JSON.
    pub request: String,
    /// Where it stands.
    pub state: JobState,
    /// What it does, waits for or found, as a sentence.
    pub sentence: String,
    /// The vendor's word for the next page; none is the first.
    #[serde(skip_serializing, default)]
    pub cursor: Option<String>,
    /// How many records there are, where the vendor says so.
    pub total: Option<u64>,
    /// Pages read.
    pub pages: u64,
    /// Records in them.
    pub records: u64,
    /// Events made of them.
    pub events: u64,
    /// Records left out, with a reason.
    pub skipped: u64,
    /// Calls made for reading; those of the executions are not among them.
    pub calls: u64,
    /// The executions it caused have higher numbers.
    pub after_execution: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last came further or changed its state.
    pub updated_at: Timestamp,
}

impl Job {
    /// Seconds it still needs, at the pace so far; none where that cannot be told yet.
    pub fn seconds_left(&self) -> Option<u64> {
        let (total, took) = (self.total?, self.updated_at.since(self.started_at));
        let left = total.saturating_sub(self.records);
        let took = u64::try_from(took).ok().filter(|took| *took > 0)?;
        (self.records > 0).then(|| left.saturating_mul(took) / self.records / 1_000)
    }
}

/// What one page brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advance {
    /// Where the next page begins; none when this was the last.
    pub cursor: Option<String>,
    /// Records in the page.
    pub records: u64,
    /// Those left out.
    pub skipped: u64,
    /// Calls made for it.
    pub calls: u64,
    /// How many records there are in all, if the page said so.
    pub total: Option<u64>,
}

/// How far the executions of a recipe are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Not finished: waiting, running, to be tried again, in doubt.
    pub waiting: u64,
    /// Done, something was written.
    pub written: u64,
    /// Done, nothing had to be written, for a reason.
    pub skipped: u64,
    /// Dead letters.
    pub failed: u64,
    /// A human gave up on them.
    pub discarded: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_pace() {
        let job = Job {
            id: 1,
            kind: JobKind::Fetch,
            scope: "intercom leads".into(),
            request: "{}".into(),
            state: JobState::Running,
            sentence: String::new(),
            cursor: None,
            total: Some(1_000),
            pages: 2,
            records: 250,
            events: 0,
            skipped: 0,
            calls: 2,
            after_execution: 0,
            started_at: Timestamp(0),
            updated_at: Timestamp(10_000),
        };
        assert_eq!(job.seconds_left(), Some(30));
        assert_eq!(Job { total: None, ..job.clone() }.seconds_left(), None);
        assert_eq!(Job { records: 0, ..job }.seconds_left(), None);
    }
}
