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
//! | `writer` | the writing thread and its group commit |
//! | [`intake`] | append events, make their executions |
//! | [`queue`] | claim, begin a step, settle, rescue |
//! | [`facts`] | mirror, identity map, agreements |
//! | [`echoes`] | the echo ledger |
//! | [`review`] | conflicts, duplicates, unlinked relations |
//! | [`operate`] | retry, discard, decide |
//! | [`pages`] | rows for lists and details |
//! | [`limits`] | calls reserved, given back, counted; what the vendors told of them |
//! | [`overview`] | counts and the first screen |
//! | [`holds`] | breakers of connections |
//! | [`erasure`] | erasing a person, the checklist of it, tombstones |
//! | `sealing` | what rows hold of people, under keys that can be destroyed |
//! | [`audit`] | the chained log |

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::clock::SharedClock;

pub mod audit;
pub mod echoes;
pub mod erasure;
pub mod facts;
pub mod holds;
pub mod intake;
pub mod limits;
mod migrate;
pub mod open;
pub mod operate;
pub mod overview;
pub mod pages;
pub mod queue;
mod readers;
pub mod review;
mod rows;
mod sealing;
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
         nothing was changed in it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format number.
        found: i64,
        /// The newest format known here.
        known: i64,
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
    /// The disk is full or read-only: nothing was stored.
    #[error("the journal cannot be written: {0}; nothing was stored")]
    NotWritable(String),
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
            Some(ErrorCode::DiskFull) => Self::NotWritable("the disk is full".into()),
            Some(ErrorCode::ReadOnly) => Self::NotWritable("the file is read-only".into()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sql(error.to_string()),
        }
    }
}

/// The journal's result.
pub type Result<T, E = JournalError> = std::result::Result<T, E>;

/// A handle on the journal; clones share it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    clock: SharedClock,
    /// None in a journal that was opened to look only.
    writer: Option<writer::Writer>,
    readers: readers::Readers,
    change: watch::Receiver<i64>,
    /// Kept where nobody writes, so that whoever waits for a change of ours waits in peace.
    _silence: Option<watch::Sender<i64>>,
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
        match &self.inner.writer {
            Some(writer) => writer.run(work).await,
            None => Err(JournalError::NotWritable("it was opened to look only".into())),
        }
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

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
