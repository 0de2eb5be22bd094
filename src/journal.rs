//! The journal: everything Reknit knows and did, in one SQLite file. The only module that speaks SQL.
//!
//! Its verbs say business (append, claim, settle, decide, page), take and give `domain` types, and never let a row
//! or a transaction out, so a second engine can stand behind the same verbs. One thread writes: all writes waiting
//! at that moment share one commit (`synchronous=FULL`: what was answered with "stored" is on the disk). Readers
//! have connections of their own and never hold a transaction between two calls.
//!
//! It knows nothing of HTTP or screens, and decides nothing: what a failure means is the engine's business.
//!
//! | file | verbs |
//! |---|---|
//! | [`open`] | open, create, migrate, refuse |
//! | `writer` | the writing thread, its group commit, what it does on a bad disk |
//! | `head` | how far the journal has come, kept outside it |
//! | `reserve` | room kept for a full disk |
//! | [`check`] | is the journal whole, and what is affected where it is not |
//! | [`intake`] | append events, make their executions |
//! | [`events`] | rows of events |
//! | `redaction` | no copy of a text that was taken back |
//! | [`queue`] | claim, begin a step, settle, renew, give back, rescue |
//! | [`facts`] | mirror, identity map, agreements |
//! | [`echoes`] | the echo ledger |
//! | [`merges`] | what was merged into what, and whether it was taken back |
//! | [`review`] | conflicts, unlinked relations; items that a decision moves on |
//! | [`duplicates`] | duplicate candidates as looks find them, their groups |
//! | [`verdicts`] | what humans said of duplicate candidates, and where that contradicts itself |
//! | [`match_keys`] | what a changed record is looked up by, and which changed |
//! | [`incidents`] | duplicates of our own making, and why |
//! | [`team`] | who works on what: claims, assignees, comments |
//! | [`undo`] | taking a merge back: begun, done, what it left |
//! | [`operate`] | retry, discard, decide |
//! | [`pages`] | rows for lists and details |
//! | [`calls`] | every call to a vendor, as a list |
//! | [`newest`] | pages of what is only ever added |
//! | [`limits`] | calls reserved, given back, counted; what the vendors told of them |
//! | [`overview`] | counts and the first screen |
//! | [`trends`] | what happened by the hour |
//! | [`visits`] | when somebody last looked, and what came since |
//! | [`vitals`] | what the health screen shows beyond the monitors |
//! | [`holds`] | breakers of connections, pauses, and what waits for either |
//! | [`monitors`] | stored series, where monitors stand, alerts and their ways |
//! | [`drift`] | how the vendors' objects look, what changed, what is held back for it |
//! | [`sources`] | jobs: fetches, sweeps, backfills |
//! | [`erasure`] | erasing a person, the checklist of it, tombstones |
//! | `sealing` | what rows hold of people, under keys that can be destroyed |
//! | [`mod@beside`] | what review screens show beside their rows |
//! | [`audit`] | the chained log |

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::domain::clock::{Drift, SharedClock};

pub mod aside;
pub mod audit;
pub mod beside;
pub mod calls;
pub mod causes;
pub mod check;
pub mod chosen;
pub mod conflicts;
pub mod discards;
pub mod drift;
pub mod duplicates;
pub mod echoes;
pub mod erasure;
pub mod events;
pub mod facts;
mod head;
pub mod holds;
pub mod incidents;
pub mod intake;
pub mod limits;
pub mod links;
pub mod match_keys;
pub mod merges;
mod migrate;
pub mod monitors;
pub mod newest;
pub mod notices;
pub mod open;
pub mod operate;
pub mod overview;
pub mod pages;
pub mod queue;
mod readers;
pub mod recipes;
mod redaction;
pub mod related;
mod replay;
mod reserve;
pub mod review;
pub mod rollout;
mod rows;
pub mod rules;
mod sealing;
pub mod sources;
pub mod team;
pub mod told;
pub mod trends;
pub mod undo;
pub mod verdicts;
pub mod visits;
pub mod vitals;
mod writer;

/// Why the journal could not do what was asked. The text says what it means for the data.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened or is not a journal.
    #[error("cannot open the journal {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's or SQLite's words.
        why: String,
    },
    /// A newer Reknit wrote it.
    #[error(
        "the journal {path} was written by a newer Reknit (its format is {found}, this one knows up to {known}); \
         nothing was changed in it{}",
        writer.as_ref().map_or(String::new(), |version| format!("; Reknit {version} or later can read it"))
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format number.
        found: i64,
        /// The newest format known here.
        known: i64,
        /// The Reknit that brought it to its format.
        writer: Option<String>,
    },
    /// An older Reknit wrote it, and it was opened to look only.
    #[error(
        "the journal {path} was written by an older Reknit; open it once without --read-only to bring it up to date"
    )]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// The writing thread is overloaded: nothing was stored.
    #[error("the journal is busy: nothing was stored; try again in a moment")]
    Busy,
    /// It may not be written: nothing was stored.
    #[error("the journal cannot be written: {0}; nothing was stored")]
    NotWritable(String),
    /// The disk is full: nothing was stored.
    #[error("the journal cannot be written: the disk is full; nothing was stored")]
    Full,
    /// The disk failed to read or write: nothing was stored.
    #[error("the journal's disk failed ({0}); nothing was stored")]
    Disk(String),
    /// The disk failed while a commit was being made durable.
    #[error(
        "whether this was stored is unknown: {0}. The journal is being read again; look before you do it once more"
    )]
    Unknown(String),
    /// The journal is being read again after the disk failed.
    #[error("the journal's disk failed and the journal is being read again; nothing was stored")]
    InDoubt,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The lease was lost to another worker: the result is refused.
    #[error("another worker holds this execution now; this result was not stored")]
    LeaseLost,
    /// Something asked for is not there.
    #[error("there is no {0}")]
    Missing(String),
    /// The state does not allow it.
    #[error("{0}")]
    Refused(String),
    /// A stored text cannot be read back.
    #[error("the journal holds a damaged row ({what}): {why}")]
    Damaged {
        /// Which table and column.
        what: &'static str,
        /// Why it cannot be read.
        why: String,
    },
    /// SQLite's own words, where none of the above fits.
    #[error("the journal failed: {0}")]
    Sql(String),
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { what: "the file itself", why: error.to_string() }
            }
            Some(ErrorCode::ReadOnly) => Self::NotWritable("the file is read-only".into()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sql(error.to_string()),
        }
    }
}

/// The journal's result.
pub type Result<T, E = JournalError> = std::result::Result<T, E>;

/// How the journal fares on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It stores what it is given.
    Good,
    /// The disk is full: events are refused, what people decide and what is under way is stored as far as it fits.
    Full,
    /// The disk failed: nothing is acknowledged until the journal has been read again.
    InDoubt,
}

/// A handle on the journal; clones share it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    head_path: PathBuf,
    clock: SharedClock,
    /// Before the writer, since parts are dropped in this order: the last connection to close moves the log into the
    /// file, which those that only read cannot.
    readers: readers::Readers,
    /// None in a journal that was opened to look only.
    writer: Option<writer::Writer>,
    change: watch::Receiver<i64>,
    queue: Arc<queue::Memory>,
    /// Notices for the call limits that the clock was set.
    drift: Arc<Mutex<Drift>>,
    /// Kept where nobody writes, so that whoever waits for a change of ours waits in peace.
    _silence: Option<watch::Sender<i64>>,
    /// Where a copy was made to look at, since the journal's own folder cannot be written.
    _copy: Option<open::Copy>,
}

impl Journal {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The number of the last change this process committed; wakes whoever shows the journal. Changes of other
    /// processes are seen by asking [`Journal::change_number`].
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.inner.change.clone()
    }

    /// Runs `work` on the writing thread, inside the next group commit; returns after the commit.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.submit(false, work).await
    }

    /// The same for what the world sends: refused first when the disk has no room, since it can be sent again.
    async fn take_in<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.submit(true, work).await
    }

    async fn submit<T: Send + 'static>(
        &self,
        grows: bool,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match &self.inner.writer {
            Some(writer) => writer.run(grows, work).await,
            None => Err(JournalError::NotWritable("it was opened to look only".into())),
        }
    }

    /// Looks after the files at once instead of after a second without work: the head outside is durable, the log is
    /// in the file as far as readers let it, the reserve is there. Afterwards nothing changes without a write.
    pub async fn rest(&self) {
        if let Some(writer) = &self.inner.writer {
            writer.rest().await;
        }
    }

    /// How the journal fares on its disk; one that was opened to look only has nothing to store.
    pub fn condition(&self) -> Condition {
        self.inner.writer.as_ref().map_or(Condition::Good, |writer| *writer.condition.borrow())
    }

    /// Runs `work` on a reading connection.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.readers.run(work).await
    }

    fn now(&self) -> crate::domain::clock::Timestamp {
        self.inner.clock.now()
    }
}

/// A file beside the journal, named after it.
fn beside(journal: &Path, suffix: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
