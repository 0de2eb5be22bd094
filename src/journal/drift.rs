//! What the vendors' objects looked like, what changed since somebody accepted it, and what is held back because of it.
//!
//! Compares nothing and pauses nothing: the engine says what a change hits, and this keeps it, once for each change.

use rusqlite::{Connection as Sqlite, OptionalExtension, Row, params};

use super::rows::{json, to_json, word};
use super::{Journal, JournalError, Result, audit};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::drift::{Change, DriftHold, DriftState, Finding, Hit, UserKind};
use crate::domain::record::{Connection, ObjectKind, RecordRef};
use crate::domain::schema::ObjectSchema;

/// A kind of record as it is expected and as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// How it is expected to look.
    pub accepted: ObjectSchema,
    /// How it looked when it was last read.
    pub seen: ObjectSchema,
    /// When that was.
    pub read_at: Timestamp,
}

/// One look at a kind of record.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Where.
    pub connection: Connection,
    /// Of which kind.
    pub object: ObjectKind,
    /// How it is expected from now on, and how it looked; none where the vendor did not tell.
    pub schema: Option<(ObjectSchema, ObjectSchema)>,
    /// What changed, with what each change hits.
    pub findings: Vec<(Change, Vec<Hit>)>,
}

/// What a look made of the findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Findings nobody knew.
    pub new: Vec<i64>,
    /// Findings that are none any more.
    pub mended: Vec<i64>,
}

/// A record of which a held field was not carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Which record.
    pub record: RecordRef,
    /// By which mapping.
    pub mapping: String,
    /// Which field of it.
    pub field: String,
}

impl Journal {
    /// How a kind of record is expected to look and was last seen; none before the first look.
    pub async fn schema(&self, account: &Connection, object: ObjectKind) -> Result<Option<Known>> {
        let account = account.to_string();
        self.read(move |connection| known(connection, &account, object)).await
    }

    /// All kinds of records that were looked at.
    pub async fn schemas(&self) -> Result<Vec<Known>> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM schemas ORDER BY connection, object")?;
            let mut found = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push(schema(row)?);
            }
            Ok(all)
        })
        .await
    }

    /// Stores a look in one transaction: a change seen again stays one finding, one not seen any more has mended.
    pub async fn put_drift(&self, checked: Checked) -> Result<Stored> {
        let now = self.now();
        self.write(move |connection| put(connection, now, &checked)).await
    }

    /// The findings, newest first; only those nobody has decided if so wished.
    pub async fn drift(&self, open_only: bool) -> Result<Vec<Finding>> {
        self.read(move |connection| findings(connection, open_only)).await
    }

    /// One finding.
    pub async fn drift_finding(&self, id: i64) -> Result<Finding> {
        self.read(move |connection| one(connection, id)).await
    }

    /// A human takes a change as it is now; `accepted` is the schema with it.
    pub async fn accept_drift(
        &self,
        id: i64,
        accepted: Option<ObjectSchema>,
        actor: String,
    ) -> Result<Finding> {
        let now = self.now();
        self.write(move |connection| {
            let finding = open(connection, id)?;
            if let Some(accepted) = &accepted {
                connection
                    .prepare_cached("UPDATE schemas SET accepted = ?3 WHERE connection = ?1 AND object = ?2")?
                    .execute(params![
                        finding.change.connection.to_string(),
                        finding.change.object.as_str(),
                        to_json(accepted)?
                    ])?;
            }
            end(connection, now, id, DriftState::Accepted, &format!("Accepted by {actor}."))?;
            note(connection, now, actor, "accept-drift", &finding.change)?;
            one(connection, id)
        })
        .await
    }

    /// What a finding holds back goes on; the finding stays open.
    pub async fn resume_drift(&self, id: i64, actor: String) -> Result<Finding> {
        let now = self.now();
        self.write(move |connection| {
            let finding = open(connection, id)?;
            connection
                .prepare_cached("UPDATE drift SET holding = 0, changed_at = ?2 WHERE id = ?1")?
                .execute([id, now.0])?;
            note(connection, now, actor, "resume-drift", &finding.change)?;
            one(connection, id)
        })
        .await
    }

    /// Notes records of which a held field was not carried over.
    pub async fn note_missed(&self, missed: Vec<Missed>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            let mut insert =
                connection.prepare_cached("INSERT OR REPLACE INTO drift_missed VALUES (?1, ?2, ?3, ?4)")?;
            for one in &missed {
                insert.execute(params![one.record.to_string(), one.mapping, one.field, now.0])?;
            }
            Ok(())
        })
        .await
    }

    /// Records whose field is held no longer, oldest first; so many at the most.
    pub async fn missed(&self, limit: usize) -> Result<Vec<Missed>> {
        self.read(move |connection| {
            let held = holds(connection)?;
            let mut statement = connection
                .prepare_cached("SELECT record, mapping, field FROM drift_missed ORDER BY at, record")?;
            let mut found = statement.query([])?;
            let mut missed = Vec::new();
            while missed.len() < limit
                && let Some(row) = found.next()?
            {
                let one = Missed {
                    record: word(row, "record")?,
                    mapping: row.get("mapping")?,
                    field: row.get("field")?,
                };
                if !held.iter().any(|hold| hold.mapping == one.mapping && hold.field == one.field) {
                    missed.push(one);
                }
            }
            Ok(missed)
        })
        .await
    }

    /// Forgets what has been looked at again.
    pub async fn forget_missed(&self, missed: Vec<Missed>) -> Result<()> {
        self.write(move |connection| {
            let mut delete = connection.prepare_cached(
                "DELETE FROM drift_missed WHERE record = ?1 AND mapping = ?2 AND field = ?3",
            )?;
            for one in &missed {
                delete.execute(params![one.record.to_string(), one.mapping, one.field])?;
            }
            Ok(())
        })
        .await
    }
}

fn known(connection: &Sqlite, account: &str, object: ObjectKind) -> Result<Option<Known>> {
    connection
        .prepare_cached("SELECT * FROM schemas WHERE connection = ?1 AND object = ?2")?
        .query_row(params![account, object.as_str()], |row| Ok(schema(row)))
        .optional()?
        .transpose()
}

fn schema(row: &Row<'_>) -> Result<Known> {
    Ok(Known {
        accepted: json(row, "accepted")?,
        seen: json(row, "seen")?,
        read_at: Timestamp(row.get("read_at")?),
    })
}

fn put(connection: &Sqlite, now: Timestamp, checked: &Checked) -> Result<Stored> {
    let (account, object) = (checked.connection.to_string(), checked.object.as_str());
    if let Some((accepted, seen)) = &checked.schema {
        connection
            .prepare_cached("INSERT OR REPLACE INTO schemas VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![account, object, to_json(accepted)?, to_json(seen)?, now.0])?;
    }
    let mut stored = Stored::default();
    for (change, hits) in &checked.findings {
        let holds = hits.iter().any(|hit| hit.holds);
        let known: Option<i64> = connection
            .prepare_cached("SELECT id FROM drift WHERE key = ?1 AND state = 'open'")?
            .query_row([change.key()], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            // Whether it holds is what it was: somebody may have resumed it.
            connection
                .prepare_cached("UPDATE drift SET change = ?2, hits = ?3 WHERE id = ?1")?
                .execute(params![id, to_json(change)?, to_json(hits)?])?;
            continue;
        }
        connection
            .prepare_cached(
                "INSERT INTO drift (key, connection, object, change, hits, state, holding, found_at, changed_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?7, ?7)",
            )?
            .execute(params![change.key(), account, object, to_json(change)?, to_json(hits)?, holds, now.0])?;
        stored.new.push(connection.last_insert_rowid());
        note(connection, now, "engine".into(), "drift", change)?;
    }
    for finding in findings(connection, true)? {
        let change = &finding.change;
        let here = change.connection == checked.connection && change.object == checked.object;
        if here && !checked.findings.iter().any(|(seen, _)| seen.key() == change.key()) {
            let sentence = "It is as it was, or no rule uses it any more.";
            end(connection, now, finding.id, DriftState::Mended, sentence)?;
            note(connection, now, "engine".into(), "drift-mended", change)?;
            stored.mended.push(finding.id);
        }
    }
    Ok(stored)
}

fn end(connection: &Sqlite, now: Timestamp, id: i64, state: DriftState, sentence: &str) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE drift SET state = ?2, holding = 0, changed_at = ?3, resolution = ?4 WHERE id = ?1",
        )?
        .execute(params![id, state.as_str(), now.0, sentence])?;
    Ok(())
}

fn note(connection: &Sqlite, now: Timestamp, actor: String, verb: &str, change: &Change) -> Result<()> {
    let entry = NewEntry { actor, verb: verb.into(), object: change.key(), note: change.sentence() };
    audit::append(connection, now, &[entry])
}

fn findings(connection: &Sqlite, open_only: bool) -> Result<Vec<Finding>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM drift WHERE NOT ?1 OR state = 'open' ORDER BY id DESC LIMIT 1000")?;
    let mut found = statement.query([open_only])?;
    let mut findings = Vec::new();
    while let Some(row) = found.next()? {
        findings.push(finding(row)?);
    }
    Ok(findings)
}

fn one(connection: &Sqlite, id: i64) -> Result<Finding> {
    connection
        .prepare_cached("SELECT * FROM drift WHERE id = ?1")?
        .query_row([id], |row| Ok(finding(row)))
        .optional()?
        .unwrap_or_else(|| Err(JournalError::Missing(format!("drift finding {id}"))))
}

fn open(connection: &Sqlite, id: i64) -> Result<Finding> {
    let finding = one(connection, id)?;
    if finding.state == DriftState::Open {
        return Ok(finding);
    }
    Err(JournalError::Refused(format!(
        "drift finding {id} is {} already; nothing was changed",
        finding.state
    )))
}

fn finding(row: &Row<'_>) -> Result<Finding> {
    Ok(Finding {
        id: row.get("id")?,
        change: json(row, "change")?,
        hits: json(row, "hits")?,
        state: word(row, "state")?,
        holding: row.get("holding")?,
        found_at: Timestamp(row.get("found_at")?),
        changed_at: Timestamp(row.get("changed_at")?),
        resolution: row.get("resolution")?,
    })
}

/// The fields of mappings that are not carried over for now.
pub(super) fn holds(connection: &Sqlite) -> Result<Vec<DriftHold>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM drift WHERE state = 'open' AND holding = 1 ORDER BY id")?;
    let mut found = statement.query([])?;
    let mut holds = Vec::new();
    while let Some(row) = found.next()? {
        let finding = finding(row)?;
        let reason = finding.reason();
        for hit in finding.held().filter(|hit| hit.kind == UserKind::Mapping && !hit.whole) {
            holds.push(DriftHold {
                mapping: hit.user.clone(),
                field: hit.place.clone(),
                reason: reason.clone(),
            });
        }
    }
    Ok(holds)
}

/// Findings that nobody has decided: how many, how many of them hold something back.
pub(super) fn standing(connection: &Sqlite) -> Result<(u64, u64)> {
    let count: (i64, i64) = connection
        .prepare_cached("SELECT count(*), coalesce(sum(holding), 0) FROM drift WHERE state = 'open'")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((count.0.unsigned_abs(), count.1.unsigned_abs()))
}
