//! Numbered steps from one format of the journal to the next; forward only, each a file in `assets/`.
//!
//! All missing steps are one transaction: afterwards the journal is wholly old or wholly new. An existing journal is
//! copied first, and the copy is read back before anything is changed. A journal from a newer Reknit is refused and
//! nothing is written to it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{JournalError, Result, beside, head};

/// Marks a file as a journal of ours: "Rknt".
const APPLICATION: i64 = 0x526B_6E74;

const STEPS: &[&str] = &[
    include_str!("../../assets/journal/sqlite/001_start.sql"),
    include_str!("../../assets/journal/sqlite/002_limits.sql"),
    include_str!("../../assets/journal/sqlite/003_queue.sql"),
    include_str!("../../assets/journal/sqlite/004_holds.sql"),
    include_str!("../../assets/journal/sqlite/005_intake.sql"),
    include_str!("../../assets/journal/sqlite/006_monitors.sql"),
    include_str!("../../assets/journal/sqlite/007_erasure.sql"),
    include_str!("../../assets/journal/sqlite/008_sources.sql"),
    include_str!("../../assets/journal/sqlite/009_audit.sql"),
    include_str!("../../assets/journal/sqlite/010_echoes.sql"),
    include_str!("../../assets/journal/sqlite/011_rules.sql"),
    include_str!("../../assets/journal/sqlite/012_notices.sql"),
    include_str!("../../assets/journal/sqlite/013_conflicts.sql"),
    include_str!("../../assets/journal/sqlite/014_drift.sql"),
    include_str!("../../assets/journal/sqlite/015_rollout.sql"),
    include_str!("../../assets/journal/sqlite/016_duplicates.sql"),
    include_str!("../../assets/journal/sqlite/017_merges.sql"),
    include_str!("../../assets/journal/sqlite/018_undo.sql"),
    include_str!("../../assets/journal/sqlite/019_links.sql"),
    include_str!("../../assets/journal/sqlite/020_causes.sql"),
    include_str!("../../assets/journal/sqlite/021_overview.sql"),
    include_str!("../../assets/journal/sqlite/022_team.sql"),
    include_str!("../../assets/journal/sqlite/023_ledgers.sql"),
    include_str!("../../assets/journal/sqlite/024_recipes.sql"),
    include_str!("../../assets/journal/sqlite/025_pages.sql"),
];

/// The newest format this Reknit knows.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// Where a journal says which Reknit brought it to its format.
const WRITER: &str = "format-written-by";

/// Copies that are not what they should be are stepped over, not overwritten; so many of them, and a person must look.
const COPIES: usize = 20;

/// Brings a journal to the newest format, or refuses it.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let unreadable =
        |error: rusqlite::Error| JournalError::Unreadable { path: path.to_owned(), why: error.to_string() };
    let found = check(connection, path)?;
    if found == KNOWN {
        return Ok(());
    }
    if found > 0 {
        copy_first(connection, path, found)?;
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(unreadable)?;
    // Another process may have done it while we waited.
    let found = check(&transaction, path)?;
    for (number, step) in STEPS.iter().enumerate().skip(found as usize) {
        transaction.execute_batch(step).map_err(unreadable)?;
        transaction.pragma_update(None, "user_version", number as i64 + 1).map_err(unreadable)?;
    }
    transaction
        .execute("INSERT OR REPLACE INTO settings VALUES (?1, ?2)", [WRITER, env!("CARGO_PKG_VERSION")])
        .map_err(unreadable)?;
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(unreadable)?;
    transaction.commit().map_err(unreadable)?;
    Ok(())
}

/// Where the copy of a journal of a format lies; `again` counts those that were found wanting.
fn copy_path(path: &Path, format: i64, again: usize) -> PathBuf {
    let again = if again == 0 { String::new() } else { format!("-{again}") };
    beside(path, &format!("-format-{format}{again}"))
}

/// Copies a journal before its format is changed, unless a copy of the very same state is there.
fn copy_first(connection: &Connection, path: &Path, format: i64) -> Result<()> {
    let failed = |why: String| JournalError::Unreadable {
        path: path.to_owned(),
        why: format!(
            "it is of an older format, and no copy of it can be made before it is brought up to date: {why}"
        ),
    };
    let expected = contents(connection).map_err(|error| failed(error.to_string()))?;
    for again in 0..COPIES {
        let copy = copy_path(path, format, again);
        if copy.exists() {
            // One of an attempt that was cut short is as good as ours; anything else is left to its owner.
            match read_back(&copy, &expected) {
                Ok(()) => return Ok(()),
                Err(_) => continue,
            }
        }
        let making = beside(&copy, "-making");
        let made = make_copy(connection, &making, &expected)
            .and_then(|()| std::fs::rename(&making, &copy).map_err(|error| error.to_string()));
        if made.is_err() {
            let _ = std::fs::remove_file(&making);
        } else {
            head::sync_folder(&copy);
        }
        return made.map_err(failed);
    }
    Err(failed(format!(
        "{COPIES} files named like a copy are there, and none is a copy of it: move them away"
    )))
}

fn make_copy(connection: &Connection, copy: &Path, expected: &Contents) -> std::result::Result<(), String> {
    let words = |error: rusqlite::Error| error.to_string();
    if copy.exists() {
        std::fs::remove_file(copy).map_err(|error| error.to_string())?;
    }
    connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(words)?;
    read_back(copy, expected)?;
    // Closed by now: nothing of SQLite's locks hangs on it.
    std::fs::File::options()
        .write(true)
        .open(copy)
        .and_then(|file| file.sync_all())
        .map_err(|error| error.to_string())
}

/// The format and how many rows each table has.
type Contents = (i64, Vec<(String, i64)>);

fn contents(connection: &Connection) -> rusqlite::Result<Contents> {
    let format = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut statement = connection.prepare(
        // Virtual tables have no page of their own; what they keep stands in tables that have.
        "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite_stat%' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let rows =
            connection.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), [], |row| row.get(0))?;
        tables.push((name, rows));
    }
    Ok((format, tables))
}

/// Whether a copy is whole and holds as much as the journal.
fn read_back(copy: &Path, expected: &Contents) -> std::result::Result<(), String> {
    let read = || -> rusqlite::Result<(String, Contents)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let copy = Connection::open_with_flags(copy, flags)?;
        let sound = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((sound, contents(&copy)?))
    };
    let (sound, found) = read().map_err(|error| format!("{}: {error}", copy.display()))?;
    if sound != "ok" {
        return Err(format!("{} is damaged: {sound}", copy.display()));
    }
    if found != *expected {
        return Err(format!("{} does not hold the same rows", copy.display()));
    }
    Ok(())
}

/// The format of a file that may be opened; refuses foreign files and newer journals without writing.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64> {
    let unreadable =
        |error: rusqlite::Error| JournalError::Unreadable { path: path.to_owned(), why: error.to_string() };
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = number("user_version").map_err(unreadable)?;
    let application = number("application_id").map_err(unreadable)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(unreadable)?;
    if application != APPLICATION && (application != 0 || found != 0 || tables != 0) {
        return Err(JournalError::Unreadable {
            path: path.to_owned(),
            why: "it is a database of another program".into(),
        });
    }
    if found > KNOWN {
        // Its table may look different by then.
        let writer = connection
            .query_row("SELECT value FROM settings WHERE name = ?1", [WRITER], |row| row.get(0))
            .optional()
            .unwrap_or(None);
        return Err(JournalError::Newer { path: path.to_owned(), found, known: KNOWN, writer });
    }
    Ok(found)
}
