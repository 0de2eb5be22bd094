//! The last part of an erasure: nothing of what was overwritten stays in the files. The log of writes is emptied into
//! the journal, free pages of an older format are rewritten, and copies made before an upgrade are removed.
//!
//! Runs on a connection of its own, outside the writer's transactions; what it cannot do at once (somebody reads) leaves
//! the part open. What a disk keeps of blocks that were freed is beyond it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::super::{Journal, JournalError, Result, pages};
use super::{close, put_part};
use crate::domain::erasure::{ErasureWay, PartState};
use crate::domain::ids::ErasureId;

impl Journal {
    /// Finishes the journal's part of every erasure that is open; how many were.
    pub async fn scrub(&self) -> Result<usize> {
        let open: Vec<i64> = self
            .read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT erasure_id FROM erasure_parts JOIN erasures ON erasures.id = erasure_id \
                     WHERE erasures.state = 'open' AND system = 'journal' AND erasure_parts.state <> 'done'",
                )?;
                let found = statement.query_map([], |row| row.get(0))?;
                Ok(found.collect::<Result<_, _>>()?)
            })
            .await?;
        if open.is_empty() {
            return Ok(0);
        }
        let path = self.path().to_owned();
        let emptied = tokio::task::spawn_blocking(move || empty(&path))
            .await
            .unwrap_or_else(|_| Err(JournalError::Sql("emptying the log panicked".into())));
        let now = self.now();
        let count = open.len();
        self.write(move |connection| {
            let (state, words) = match &emptied {
                Ok(0) => {
                    (PartState::Done, "Overwritten; nothing of it is left in the journal's files.".to_owned())
                }
                Ok(copies) => (
                    PartState::Done,
                    format!("Overwritten; {copies} copies made before an upgrade were removed."),
                ),
                Err(error) => {
                    (PartState::Failed, format!("Overwritten, but not gone from the files: {error}."))
                }
            };
            for id in open {
                put_part(connection, ErasureId(id), None, ErasureWay::Overwrite, state, Some(now), &words)?;
                close(connection, now, ErasureId(id))?;
            }
            Ok(())
        })
        .await?;
        Ok(count)
    }
}

/// Empties the files; how many copies went.
fn empty(path: &Path) -> Result<usize> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;")?;
    let rewrite = connection.prepare("SELECT 1 FROM settings WHERE name = 'erasure.rewrite'")?.exists([])?;
    if rewrite {
        connection.execute_batch("VACUUM; DELETE FROM settings WHERE name = 'erasure.rewrite';")?;
    }
    // The write that tells of it begins the log anew, so that the emptied one holds nothing older.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO settings VALUES ('erasure.emptied', '1') ON CONFLICT (name) DO UPDATE SET value = value + 1",
        params![],
    )?;
    // What was still to be taken out of the index of words: a run that ended since may have left its old words there.
    pages::index_now(&transaction)?;
    transaction.commit()?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(JournalError::Busy);
    }
    let copies = copies_of(path)?;
    for copy in &copies {
        wipe(copy).map_err(|error| {
            JournalError::NotWritable(format!("the copy {} could not be removed: {error}", copy.display()))
        })?;
    }
    Ok(copies.len())
}

/// Copies that an upgrade made: `journal.db-format-2` beside `journal.db`, and as earlier versions named them.
fn copies_of(path: &Path) -> Result<Vec<PathBuf>> {
    let text = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
    let (Some(folder), Some(stem), Some(file)) =
        (path.parent(), text(path.file_stem()), text(path.file_name()))
    else {
        return Ok(Vec::new());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |error: std::io::Error| JournalError::NotWritable(error.to_string());
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| {
            name.starts_with(&format!("{stem}.before-")) || name.starts_with(&format!("{file}-format-"))
        }) {
            copies.push(entry.path());
        }
    }
    Ok(copies)
}

/// Overwrites a file before it goes: a disk that writes in place keeps nothing of it.
fn wipe(path: &Path) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    let mut left = file.metadata()?.len();
    let zeros = [0; 8_192];
    while left > 0 {
        let piece = left.min(zeros.len() as u64) as usize;
        file.write_all(&zeros[..piece])?;
        left -= piece as u64;
    }
    file.sync_all()?;
    fs::remove_file(path)
}
