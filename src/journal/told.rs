//! What the journal knows of one person, for whoever asks how a value came about or why nothing happened: records,
//! events, executions, conflicts, decisions, audit lines. Reads only; some of each, the newest.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use super::{Journal, Result};
use crate::domain::clock::Timestamp;
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ExecutionId, PersonId};
use crate::domain::record::RecordRef;
use crate::domain::review::Conflict;

/// Of each kind at most so many, the newest.
const MOST: usize = 200;

/// Who a text names, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Their records, in order.
    pub records: Vec<RecordRef>,
    /// The identity that ties them together.
    pub person: Option<PersonId>,
    /// By an address they had before.
    pub by_former_address: bool,
}

/// A decision, as far as others may know it: never its typed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Its number.
    pub id: DecisionId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub verb: String,
    /// To what.
    pub object: String,
    /// Why, or with what.
    pub note: String,
}

impl Journal {
    /// Whom an e-mail, a record (`hubspot/contact/151`) or a person's number (`pe_3`) names.
    pub async fn named(&self, text: &str) -> Result<Named> {
        let text = text.trim().to_owned();
        self.read(move |connection| {
            let mut named = Named::default();
            let mut first = Vec::new();
            if let Ok(record) = text.parse::<RecordRef>() {
                first.push(record);
            } else if text.starts_with("pe_") {
                named.person = text.parse().ok();
            } else {
                let address = text.to_lowercase();
                first = records(
                    connection,
                    "SELECT record FROM mirror WHERE email = ?1 ORDER BY deleted, record",
                    &address,
                )?;
                if first.is_empty() {
                    first = records(
                        connection,
                        "SELECT record FROM aliases WHERE email = ?1 ORDER BY until DESC",
                        &address,
                    )?;
                    named.by_former_address = !first.is_empty();
                }
            }
            for record in &first {
                let person: Option<i64> = connection
                    .prepare_cached("SELECT person_id FROM identities WHERE record = ?1")?
                    .query_row([record.to_string()], |row| row.get(0))
                    .optional()?;
                named.person = named.person.or(person.map(PersonId));
            }
            let mut all = first;
            if let Some(person) = named.person {
                let number = person.0.to_string();
                let sql =
                    "SELECT record FROM identities WHERE person_id = CAST(?1 AS INTEGER) ORDER BY record";
                all.extend(records(connection, sql, &number)?);
            }
            all.sort();
            all.dedup();
            // A record nobody has ever told us of is nobody.
            for record in all {
                if is_known(connection, &record)? {
                    named.records.push(record);
                }
            }
            Ok(named)
        })
        .await
    }

    /// The executions about records, newest first; decisions on them too.
    pub async fn executions_of(&self, about: Vec<RecordRef>) -> Result<Vec<ExecutionId>> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT id FROM executions WHERE record = ?1 ORDER BY id DESC LIMIT ?2")?;
            let mut ids: Vec<ExecutionId> = Vec::new();
            for record in &about {
                let found = statement
                    .query_map(params![record.to_string(), MOST as i64], |row| row.get(0).map(ExecutionId))?;
                ids.extend(found.collect::<Result<Vec<_>, _>>()?);
            }
            ids.sort_unstable_by(|a, b| b.cmp(a));
            ids.dedup();
            ids.truncate(MOST);
            Ok(ids)
        })
        .await
    }

    /// The conflicts of records on a field (empty: on any), newest first, whatever became of them.
    pub async fn conflicts_of(&self, about: Vec<RecordRef>, field: &str) -> Result<Vec<Conflict>> {
        let field = field.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM conflicts WHERE left_record = ?1 AND (?2 = '' OR field = ?2) \
                 UNION SELECT * FROM conflicts WHERE right_record = ?1 AND (?2 = '' OR field = ?2) \
                 ORDER BY id DESC LIMIT ?3",
            )?;
            let mut conflicts: Vec<Conflict> = Vec::new();
            for record in &about {
                let mut found = statement.query(params![record.to_string(), field, MOST as i64])?;
                while let Some(row) = found.next()? {
                    let conflict = rows::conflict(row)?;
                    if !conflicts.iter().any(|known| known.id == conflict.id) {
                        conflicts.push(conflict);
                    }
                }
            }
            conflicts.sort_by_key(|conflict| std::cmp::Reverse(conflict.id));
            Ok(conflicts)
        })
        .await
    }

    /// The newest event about each contact that something was told of since a time, in the order of the records; a page
    /// after a record, in memory nothing else.
    pub async fn told_since(&self, since: Timestamp, after: String, limit: usize) -> Result<Vec<Event>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT events.* FROM events JOIN (SELECT max(id) AS newest FROM events WHERE record > ?1 \
                 AND record LIKE '%/contact/%' AND received_at >= ?2 GROUP BY record ORDER BY record LIMIT ?3) \
                 ON events.id = newest ORDER BY record",
            )?;
            let mut found = statement.query(params![after, since.0, limit as i64])?;
            let mut events = Vec::new();
            while let Some(row) = found.next()? {
                events.push(rows::event(connection, row)?);
            }
            Ok(events)
        })
        .await
    }

    /// Something was told of this record since a time.
    pub async fn told_of(&self, record: &RecordRef, since: Timestamp) -> Result<bool> {
        let record = record.to_string();
        self.read(move |connection| {
            Ok(connection
                .prepare_cached("SELECT 1 FROM events WHERE record = ?1 AND received_at >= ?2 LIMIT 1")?
                .exists(params![record, since.0])?)
        })
        .await
    }

    /// Who took a decision, and when.
    pub async fn decided_by(&self, id: DecisionId) -> Result<Option<Decided>> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached("SELECT at, actor FROM decisions WHERE id = ?1")?
                .query_row([id.0], |row| Ok(Decided { id, at: Timestamp(row.get(0)?), actor: row.get(1)? }))
                .optional()?)
        })
        .await
    }

    /// The audit lines about objects, newest first.
    pub async fn noted_about(&self, objects: Vec<String>) -> Result<Vec<Noted>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, actor, verb, object, note FROM audit WHERE object = ?1 AND erased = 0 \
                 ORDER BY number DESC LIMIT ?2",
            )?;
            let mut lines = Vec::new();
            for object in &objects {
                let found = statement.query_map(params![object, MOST as i64], |row| {
                    Ok(Noted {
                        at: Timestamp(row.get(0)?),
                        actor: row.get(1)?,
                        verb: row.get(2)?,
                        object: row.get(3)?,
                        note: row.get(4)?,
                    })
                })?;
                lines.extend(found.collect::<Result<Vec<_>, _>>()?);
            }
            lines.sort_by_key(|line| std::cmp::Reverse(line.at));
            Ok(lines)
        })
        .await
    }
}

fn records(connection: &Connection, sql: &str, key: &str) -> Result<Vec<RecordRef>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([key])?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(rows::word(row, "record")?);
    }
    Ok(records)
}

fn is_known(connection: &Connection, record: &RecordRef) -> Result<bool> {
    let name = record.to_string();
    for table in ["mirror", "identities", "events", "executions"] {
        let sql = format!("SELECT 1 FROM {table} WHERE record = ?1 LIMIT 1");
        if connection.prepare_cached(&sql)?.exists([&name])? {
            return Ok(true);
        }
    }
    Ok(false)
}
