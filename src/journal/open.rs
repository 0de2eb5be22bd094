//! Opening a journal: the settings of its connections, the migration, the refusal of what is not ours.
//!
//! Never opened with `immutable`: that silently skips what is only in the write-ahead log. Where the folder cannot be
//! written, a journal is looked at through a copy of the file and its log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::watch;

use super::head::{self, HeadFile};
use super::reserve::Reserve;
use super::{Inner, Journal, JournalError, Result, beside, migrate, readers, writer};
use crate::domain::clock::{Drift, SharedClock};

/// Below this, a reset of the write-ahead log could corrupt the file (fixed in SQLite 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long one process waits for another one's commit.
pub(super) const BUSY: Duration = Duration::from_secs(5);

impl Journal {
    /// Opens a journal, creating it where there is none. Creating makes the folder too.
    pub fn open(path: &Path, clock: SharedClock) -> Result<Self> {
        Self::open_as(path, clock, false)
    }

    /// Opens an existing journal; where there is none, says so instead of making one.
    pub fn open_existing(path: &Path, clock: SharedClock) -> Result<Self> {
        must_be_there(path)?;
        Self::open_as(path, clock, true)
    }

    /// Opens an existing journal to look only: no byte of it is written, and every writing verb is refused.
    pub fn open_to_look(path: &Path, clock: SharedClock) -> Result<Self> {
        must_be_there(path)?;
        match Self::look(path, path, clock.clone(), None) {
            // To read a write-ahead log SQLite needs an index beside it; where it cannot make one, a copy is read.
            Err(JournalError::Unreadable { why, .. }) if !can_write_beside(path) => {
                let copy = Copy::of(path).map_err(|error| JournalError::Unreadable {
                    path: path.to_owned(),
                    why: format!("{why}, and no copy of it can be made to look at: {error}"),
                })?;
                let at = copy.file();
                Self::look(path, &at, clock, Some(copy))
            }
            opened => opened,
        }
    }

    /// The format this Reknit writes.
    pub const fn known_format() -> i64 {
        migrate::KNOWN
    }

    fn look(path: &Path, at: &Path, clock: SharedClock, copy: Option<Copy>) -> Result<Self> {
        let unreadable = |why: String| JournalError::Unreadable { path: path.to_owned(), why };
        let looking = reader(at).map_err(|error| unreadable(error.to_string()))?;
        let format = migrate::check(&looking, path)?;
        if format == 0 {
            return Err(unreadable("it is empty".into()));
        }
        if format < migrate::KNOWN {
            return Err(JournalError::Older { path: path.to_owned() });
        }
        let (silence, change) = watch::channel(super::overview::last_change(&looking)?);
        let file = at.to_owned();
        let readers = readers::Readers::start(move || Ok(reader(&file)?))?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                drift: Arc::new(Mutex::new(Drift::new(&*clock))),
                head_path: head::path(path),
                clock,
                writer: None,
                readers,
                change,
                queue: Arc::default(),
                _silence: Some(silence),
                _copy: copy,
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
        if path.is_dir() {
            return Err(unreadable("it is a folder, not a file".into()));
        }
        let connection = match prepare_to_write(path) {
            Ok(connection) => connection,
            // A full disk has no room for the log's index; what was kept back for this day has.
            Err(JournalError::Unreadable { .. } | JournalError::Full | JournalError::Disk(_))
                if path.exists() && Reserve::beside(path).is_there() =>
            {
                Reserve::beside(path).release();
                prepare_to_write(path)?
            }
            Err(error) => return Err(error),
        };
        let last = super::overview::last_change(&connection)?;
        let (sender, change) = watch::channel(last);
        let file = path.to_owned();
        let readers = readers::Readers::start(move || Ok(reader(&file)?))?;
        let head = HeadFile::open(path, &connection)?;
        let writer = writer::Writer::start(connection, path.to_owned(), head, sender)
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                drift: Arc::new(Mutex::new(Drift::new(&*clock))),
                head_path: head::path(path),
                clock,
                writer: Some(writer),
                readers,
                change,
                queue: Arc::default(),
                _silence: None,
                _copy: None,
            }),
        })
    }
}

fn must_be_there(path: &Path) -> Result<()> {
    let why = match std::fs::metadata(path) {
        Ok(file) if file.is_file() => return Ok(()),
        Ok(_) => "it is a folder, not a file".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(JournalError::Unreadable { path: path.to_owned(), why })
}

/// A connection to a journal of the newest format.
fn prepare_to_write(path: &Path) -> Result<Connection> {
    let unreadable =
        |error: rusqlite::Error| JournalError::Unreadable { path: path.to_owned(), why: words(&error) };
    if path.exists() {
        // Look before touching: switching to WAL already writes, and a newer journal must stay as it is.
        let looking = match reader(path) {
            // The power failed while the file was being made: what was begun has to be undone before it can be read,
            // and undoing it is what SQLite does for whoever reads.
            Err(error) if extended(&error) == Some(rusqlite::ffi::SQLITE_READONLY_ROLLBACK) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let undoing = Connection::open_with_flags(path, flags).map_err(unreadable)?;
                prepare(&undoing).map_err(unreadable)?;
                undoing
            }
            other => other.map_err(unreadable)?,
        };
        migrate::check(&looking, path)?;
    }
    let mut connection = Connection::open(path).map_err(unreadable)?;
    settle(&connection).map_err(unreadable)?;
    migrate::migrate(&mut connection, path)?;
    Ok(connection)
}

fn extended(error: &rusqlite::Error) -> Option<std::ffi::c_int> {
    error.sqlite_error().map(|error| error.extended_code)
}

fn words(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => "its file or folder may not be written".to_owned(),
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}

/// A writing connection to a journal that was open a moment ago.
pub(super) fn writing(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    settle(&connection)?;
    Ok(connection)
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    prepare(connection)?;
    // The limit gives the room of a log that grew back to the disk. Secure delete: what is overwritten or deleted leaves
    // nothing in free pages, or erasing would be a word.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
         PRAGMA journal_size_limit = 16777216; PRAGMA secure_delete = ON;",
    )
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(path, flags)?;
    prepare(&reader)?;
    // Opening reads nothing; whether it can be read is to be known now.
    reader.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(reader)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY;")
}

fn can_write_beside(path: &Path) -> bool {
    let probe = beside(path, &format!("-probe{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe).is_ok();
    if made {
        let _ = std::fs::remove_file(&probe);
    }
    made
}

/// A copy of a journal and its log, for a folder that cannot be written; gone when dropped.
pub(super) struct Copy(PathBuf);

impl Copy {
    fn of(journal: &Path) -> std::io::Result<Self> {
        let name = format!("reknit-look-{}-{:016x}", std::process::id(), fastrand::u64(..));
        let copy = Self(std::env::temp_dir().join(name));
        let mut folder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&copy.0)?;
        std::fs::copy(journal, copy.file())?;
        let log = beside(journal, "-wal");
        if log.exists() {
            std::fs::copy(log, beside(&copy.file(), "-wal"))?;
        }
        // A copy of a file nobody may write may be as hard to remove.
        #[cfg(unix)]
        for file in [copy.file(), beside(&copy.file(), "-wal")] {
            use std::os::unix::fs::PermissionsExt;
            let _ = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
        }
        Ok(copy)
    }

    fn file(&self) -> PathBuf {
        self.0.join("journal.db")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
