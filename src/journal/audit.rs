//! The chained log: appended with what it tells of, never changed (triggers refuse), verified from the first entry.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Journal, Result};
use crate::domain::audit::{AuditEntry, GENESIS, NewEntry, Verdict, hash, verify};
use crate::domain::clock::Timestamp;

impl Journal {
    /// Appends entries of their own, where no other verb writes them.
    pub async fn audit(&self, entries: Vec<NewEntry>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| append(connection, now, &entries)).await
    }

    /// Reads the whole chain and says where it first breaks, if it does.
    pub async fn verify_audit(&self) -> Result<Verdict> {
        self.read(|connection| {
            let mut statement = connection.prepare(SELECT_ALL)?;
            let mut rows = statement.query([])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(entry(row)?);
            }
            Ok(verify(&entries))
        })
        .await
    }

    /// The newest entries, newest first.
    pub async fn audit_entries(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        self.read(move |connection| newest(connection, limit)).await
    }
}

const SELECT_ALL: &str =
    "SELECT number, at, actor, verb, object, note, previous, hash FROM audit ORDER BY number";

pub(super) fn newest(connection: &Connection, limit: usize) -> Result<Vec<AuditEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, at, actor, verb, object, note, previous, hash FROM audit ORDER BY number DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([limit as i64])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &rusqlite::Row<'_>) -> Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.get(0)?,
        at: Timestamp(row.get(1)?),
        entry: NewEntry { actor: row.get(2)?, verb: row.get(3)?, object: row.get(4)?, note: row.get(5)? },
        previous: row.get(6)?,
        hash: row.get(7)?,
    })
}

/// Chains entries onto the end, inside the caller's transaction.
pub(super) fn append(connection: &Connection, now: Timestamp, entries: &[NewEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let last: Option<(i64, String)> = connection
        .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut number, mut previous) = last.unwrap_or((0, GENESIS.to_owned()));
    let mut insert =
        connection.prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for entry in entries {
        number += 1;
        let next = hash(number, now, entry, &previous);
        insert.execute(params![
            number,
            now.0,
            entry.actor,
            entry.verb,
            entry.object,
            entry.note,
            previous,
            next
        ])?;
        previous = next;
    }
    Ok(())
}
