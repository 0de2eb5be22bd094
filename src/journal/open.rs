//! Opening a journal: the settings of its connections, the migration, the refusal of what is not ours.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

use super::{Inner, Journal, JournalError, Result, migrate, readers, writer};
use crate::domain::clock::SharedClock;

/// Below this, a reset of the write-ahead log could corrupt the file (fixed in SQLite 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

impl Journal {
    /// Opens a journal, creating it where there is none. Creating makes the folder too.
    pub fn open(path: &Path, clock: SharedClock) -> Result<Self> {
        Self::open_as(path, clock, false)
    }

    /// Opens an existing journal; where there is none, says so instead of making one.
    pub fn open_existing(path: &Path, clock: SharedClock) -> Result<Self> {
        if !path.is_file() {
            return Err(JournalError::Unreadable {
                path: path.to_owned(),
                why: "there is no such file".into(),
            });
        }
        Self::open_as(path, clock, true)
    }

    /// Opens an existing journal to look only: no byte of it is written, and every writing verb is refused.
    pub fn open_to_look(path: &Path, clock: SharedClock) -> Result<Self> {
        let unreadable = |why: String| JournalError::Unreadable { path: path.to_owned(), why };
        if !path.is_file() {
            return Err(unreadable("there is no such file".into()));
        }
        let looking = reader(path).map_err(|error| unreadable(error.to_string()))?;
        if migrate::check(&looking, path)? < migrate::KNOWN {
            return Err(JournalError::Older { path: path.to_owned() });
        }
        let (silence, change) = watch::channel(super::overview::last_change(&looking)?);
        let readers = readers::Readers::start(|| Ok(reader(path)?))?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                clock,
                writer: None,
                readers,
                change,
                _silence: Some(silence),
            }),
        })
    }

    fn open_as(path: &Path, clock: SharedClock, existing: bool) -> Result<Self> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(JournalError::Sql(format!(
                "this Reknit was built with SQLite {}, which can damage a journal; it needs 3.51.3 or later",
                rusqlite::version()
            )));
        }
        let unreadable = |why: String| JournalError::Unreadable { path: path.to_owned(), why };
        if !existing && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| unreadable(error.to_string()))?;
        }
        if path.exists() {
            // Look before touching: switching to WAL already writes, and a newer journal must stay as it is.
            let looking = reader(path).map_err(|error| unreadable(error.to_string()))?;
            migrate::check(&looking, path)?;
        }
        let mut connection = Connection::open(path).map_err(|error| unreadable(error.to_string()))?;
        prepare(&connection).map_err(|error| unreadable(error.to_string()))?;
        connection
            .execute_batch(
                // Secure delete: what is overwritten or deleted leaves nothing in free pages, or erasing would be a word.
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
                 PRAGMA secure_delete = ON;",
            )
            .map_err(|error| unreadable(error.to_string()))?;
        migrate::migrate(&mut connection, path)?;
        let last = super::overview::last_change(&connection)?;
        let (sender, change) = watch::channel(last);
        let readers = readers::Readers::start(|| Ok(reader(path)?))?;
        let writer =
            writer::Writer::start(connection, sender).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                clock,
                writer: Some(writer),
                readers,
                change,
                _silence: None,
            }),
        })
    }
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(path, flags)?;
    prepare(&reader)?;
    Ok(reader)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY;")
}
