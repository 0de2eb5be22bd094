//! Numbered steps from one format of the journal to the next; forward only, each a file in `assets/`.
//!
//! All missing steps are one transaction: afterwards the journal is wholly old or wholly new. An existing journal
//! is copied first. A journal from a newer Reknit is refused and nothing is written to it.

use std::path::Path;

use rusqlite::Connection;

use super::{JournalError, Result};

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
];

/// The newest format this Reknit knows.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// Brings a journal to the newest format, or refuses it.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let unreadable =
        |error: rusqlite::Error| JournalError::Unreadable { path: path.to_owned(), why: error.to_string() };
    let found = check(connection, path)?;
    if found == KNOWN {
        return Ok(());
    }
    if found > 0 {
        let copy = path.with_extension(format!("before-{KNOWN}.db"));
        if !copy.exists() {
            connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(unreadable)?;
        }
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(unreadable)?;
    for (number, step) in STEPS.iter().enumerate().skip(found as usize) {
        transaction.execute_batch(step).map_err(unreadable)?;
        transaction.pragma_update(None, "user_version", number as i64 + 1).map_err(unreadable)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(unreadable)?;
    transaction.commit().map_err(unreadable)?;
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
        return Err(JournalError::Newer { path: path.to_owned(), found, known: KNOWN });
    }
    Ok(found)
}
