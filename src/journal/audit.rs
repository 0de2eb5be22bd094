//! The chained log: appended with what it tells of, never changed (triggers refuse), verified from the first entry.
//!
//! Verifying reads a few thousand entries at a time, so it neither fills the memory nor holds back a checkpoint.

pub mod pages;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Journal, JournalError, Result, head};
use crate::domain::audit::{
    AuditEntry, Binding, ERASED, GENESIS, Head, NewEntry, REDACT, Verdict, Verifier, hex,
};
use crate::domain::clock::Timestamp;

/// Entries read under one snapshot.
const BATCH: i64 = 4_000;

impl Journal {
    /// Appends entries of their own, where no other verb writes them.
    pub async fn audit(&self, entries: Vec<NewEntry>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| append(connection, now, &entries)).await
    }

    /// Reads the whole chain, compares it with the head kept beside the journal, and says where it first breaks.
    pub async fn verify_audit(&self) -> Result<Verdict> {
        self.verify_audit_against(Vec::new()).await
    }

    /// The same, compared with further heads that somebody kept elsewhere.
    pub async fn verify_audit_against(&self, kept: Vec<Head>) -> Result<Verdict> {
        self.verify_audit_by(kept, |_| {}).await
    }

    /// The same as [`Self::verify_audit`], telling now and then how many entries were read.
    pub async fn verify_audit_watched(&self, read: impl Fn(i64) + Send) -> Result<Verdict> {
        self.verify_audit_by(Vec::new(), read).await
    }

    async fn verify_audit_by(&self, kept: Vec<Head>, read: impl Fn(i64) + Send) -> Result<Verdict> {
        let mut anchors: Vec<_> =
            kept.into_iter().map(|head| (head, "the head you gave".to_owned())).collect();
        let path = self.inner.head_path.clone();
        // Read before the entries: what is added while we read is no longer than the head knows.
        let outside = tokio::task::spawn_blocking(move || head::Outside::read(&path))
            .await
            .map_err(|_| JournalError::Closed)?;
        let file = || "the head kept beside the journal".to_owned();
        if let Some(known) = &outside.latest {
            anchors.push((known.audit.clone(), file()));
        }
        if let Some(disputed) = &outside.disputed {
            anchors.push((
                disputed.audit.clone(),
                "the head kept beside the journal before the file changed".into(),
            ));
        }
        let mut verifier = Verifier::new(anchors);
        loop {
            let (back, whole) = self
                .read(move |connection| {
                    let whole = feed(connection, &mut verifier)?;
                    Ok((verifier, whole))
                })
                .await?;
            verifier = back;
            read(verifier.read());
            if whole {
                break;
            }
        }
        let mut verdict = verifier.finish();
        if verdict.broken.is_none() {
            let now = self.read(head::mark).await?;
            let first = outside.added.unwrap_or(verdict.entries + 1);
            verdict.broken = outside.doubt(now.commits).map(|why| (first, why));
            // No commit of ours since the head was written, and still there are more entries than it knows.
            if let Some(known) = outside.latest.filter(|known| known.commits == now.commits)
                && now.audit.number > known.audit.number
                && verdict.broken.is_none()
            {
                verdict.broken = Some((known.audit.number + 1, head::added(known.audit.number + 1)));
            }
        }
        Ok(verdict)
    }

    /// Where the chain ends now, to be kept elsewhere.
    pub async fn audit_head(&self) -> Result<Head> {
        self.read(last).await
    }

    /// The newest entries, newest first.
    pub async fn audit_entries(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        self.read(move |connection| newest(connection, limit)).await
    }

    /// Entries whose object is one of these, for who has to erase what they say.
    pub async fn audit_entries_about(&self, objects: Vec<String>) -> Result<Vec<i64>> {
        self.read(move |connection| about(connection, &objects)).await
    }

    /// Erases object, note and salt of entries; the chain stays whole, and a new entry names them. Says how many.
    pub async fn redact_audit(&self, entries: Vec<i64>, actor: String, reason: String) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| redact(connection, now, &entries, &actor, &reason)).await
    }
}

const COLUMNS: &str = "number, at, actor, verb, object, note, previous, hash, format, salt, seal, erased";

/// Gives the next entries to the verifier; true when there are no more, or no more need be read.
fn feed(connection: &Connection, verifier: &mut Verifier) -> Result<bool> {
    let mut statement = connection.prepare_cached(&format!(
        // From the start also what has no business there: a number below 1.
        "SELECT {COLUMNS} FROM audit WHERE number > ?1 ORDER BY number LIMIT {BATCH}"
    ))?;
    let from = if verifier.read() == 0 { i64::MIN } else { verifier.read() };
    let mut rows = statement.query([from])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if !verifier.push(&entry(row)?) {
            return Ok(true);
        }
        count += 1;
    }
    Ok(count < BATCH)
}

pub(super) fn newest(connection: &Connection, limit: usize) -> Result<Vec<AuditEntry>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM audit ORDER BY number DESC LIMIT ?1"))?;
    let mut rows = statement.query([limit as i64])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &rusqlite::Row<'_>) -> Result<AuditEntry> {
    let binding = match row.get(8)? {
        1 => Binding::Plain,
        2 => {
            Binding::Sealed { salt: row.get(9)?, seal: row.get::<_, Option<String>>(10)?.unwrap_or_default() }
        }
        number => Binding::Unknown { number },
    };
    Ok(AuditEntry {
        number: row.get(0)?,
        at: Timestamp(row.get(1)?),
        entry: NewEntry { actor: row.get(2)?, verb: row.get(3)?, object: row.get(4)?, note: row.get(5)? },
        previous: row.get(6)?,
        hash: row.get(7)?,
        binding,
        erased: row.get(11)?,
    })
}

/// Where the chain ends.
pub(super) fn last(connection: &Connection) -> Result<Head> {
    let last = connection
        .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { number: row.get(0)?, hash: row.get(1)? }))
        .optional()?;
    Ok(last.unwrap_or_default())
}

/// One entry onto the end, inside the caller's transaction.
pub(super) fn note(
    connection: &Connection,
    now: Timestamp,
    actor: &str,
    verb: &str,
    object: &str,
    note: String,
) -> Result<()> {
    let entry = NewEntry { actor: actor.to_owned(), verb: verb.to_owned(), object: object.to_owned(), note };
    append(connection, now, &[entry])
}

/// Chains entries onto the end, inside the caller's transaction.
pub(super) fn append(connection: &Connection, now: Timestamp, entries: &[NewEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let Head { mut number, hash: mut previous } = last(connection)?;
    debug_assert!(number > 0 || previous == GENESIS);
    let mut insert = connection.prepare_cached(&format!(
        "INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 2, ?9, ?10, 0)"
    ))?;
    for entry in entries {
        number += 1;
        let chained = AuditEntry::chain(number, now, entry.clone(), salt()?, previous.clone());
        let Binding::Sealed { salt, seal } = &chained.binding else { continue };
        insert.execute(params![
            number,
            now.0,
            entry.actor,
            entry.verb,
            entry.object,
            entry.note,
            chained.previous,
            chained.hash,
            salt,
            seal
        ])?;
        previous = chained.hash;
    }
    Ok(())
}

/// Random enough that nobody finds out what was erased by trying all likely texts.
fn salt() -> Result<String> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| JournalError::Sql("the system gives no random numbers; nothing was stored".into()))?;
    Ok(hex(&bytes))
}

/// Entries whose object is one of these, inside the caller's transaction.
pub(super) fn about(connection: &Connection, objects: &[String]) -> Result<Vec<i64>> {
    let mut statement = connection
        .prepare_cached("SELECT number FROM audit WHERE object = ?1 AND verb <> ?2 AND erased = 0")?;
    let mut found = Vec::new();
    for object in objects {
        let numbers = statement.query_map(params![object, REDACT], |row| row.get(0))?;
        found.extend(numbers.collect::<std::result::Result<Vec<i64>, _>>()?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Erases what entries say and chains the entry that tells of it, inside the caller's transaction.
pub(super) fn redact(
    connection: &Connection,
    now: Timestamp,
    entries: &[i64],
    actor: &str,
    reason: &str,
) -> Result<usize> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM audit WHERE number = ?1"))?;
    let mut erase = connection.prepare_cached(
        "UPDATE audit SET object = ?2, note = ?2, salt = NULL, erased = 1 WHERE number = ?1",
    )?;
    let mut erased = Vec::new();
    for number in entries {
        let mut rows = select.query([number])?;
        let Some(row) = rows.next()? else { continue };
        let found = entry(row)?;
        if found.erased || found.entry.verb == REDACT {
            continue;
        }
        drop(rows);
        erase.execute(params![number, ERASED])?;
        erased.push(found.reference());
    }
    if !erased.is_empty() {
        let told = NewEntry {
            actor: actor.to_owned(),
            verb: REDACT.to_owned(),
            object: erased.join(","),
            note: reason.to_owned(),
        };
        append(connection, now, &[told])?;
    }
    Ok(erased.len())
}
