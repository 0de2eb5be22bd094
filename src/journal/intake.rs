//! Storing events exactly once and making the executions they cause, in one transaction.
//!
//! The caller has decided what an event is good for ([`Disposition`]); here it is only written down. A second
//! delivery makes no second run: it is counted, and shown as a finished execution with the outcome `duplicate`.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::sha256;
use super::{Journal, Result, erasure, facts, rows, sealing};
use crate::domain::clock::Timestamp;
use crate::domain::event::{Arrivals, EventSource, NewEvent};
use crate::domain::execution::{Outcome, Priority, Status};
use crate::domain::ids::{DecisionId, EventId, ExecutionId};
use crate::domain::record::RecordRef;
use crate::domain::text::shorten;

/// Letters of a name that a row keeps.
const SUBJECT: usize = 200;

/// Events that say what arrives lately; older ones tell of settings since changed.
const LATELY: i64 = 100_000;

/// An execution before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    /// The recipe, by name.
    pub recipe: String,
    /// The person or organisation, as a human would say it.
    pub subject: String,
    /// The record it starts from.
    pub record: Option<RecordRef>,
    /// One execution at a time per lane.
    pub lane: String,
    /// Who goes first.
    pub priority: Priority,
    /// Not before this time.
    pub due_at: Timestamp,
    /// What it waits for, as a sentence.
    pub sentence: String,
    /// Tries before it becomes a dead letter.
    pub max_attempts: u32,
}

/// What an event is good for.
#[derive(Debug, Clone, PartialEq)]
pub enum Disposition {
    /// Run a recipe.
    Run(NewExecution),
    /// Keep it, run nothing, for this reason.
    Ignore(String),
    /// It only repeats our own write: keep it, count it.
    Echo,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored, and this execution made.
    Queued(EventId, ExecutionId),
    /// Stored without an execution.
    Kept(EventId),
    /// Known already: only counted.
    Duplicate(EventId),
}

impl Journal {
    /// Stores events with what they cause; returns after the commit. All or none.
    pub async fn append(&self, incoming: Vec<(NewEvent, Disposition)>) -> Result<Vec<Appended>> {
        let now = self.now();
        self.write(move |connection| {
            incoming
                .into_iter()
                .map(|(event, disposition)| store(connection, now, &event, disposition))
                .collect()
        })
        .await
    }
}

fn store(
    connection: &Connection,
    now: Timestamp,
    event: &NewEvent,
    disposition: Disposition,
) -> Result<Appended> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM events WHERE connection = ?1 AND delivery_key = ?2")?
        .query_row(params![event.connection.to_string(), event.delivery_key], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        let id = EventId(id);
        connection
            .prepare_cached("UPDATE events SET deliveries = deliveries + 1 WHERE id = ?1")?
            .execute([id.0])?;
        if let (Disposition::Run(execution), EventSource::Webhook) = (disposition, event.source) {
            let sentence = format!("Delivered before as {id}: nothing was done again.");
            let row = insert(connection, now, Some(id), None, &NewExecution { sentence, ..execution })?;
            connection
                .prepare_cached(
                    "UPDATE executions SET status = ?2, outcome = ?3, due_at = NULL WHERE id = ?1",
                )?
                .execute(params![row.0, Status::Skipped.as_str(), Outcome::Duplicate.as_str()])?;
        }
        return Ok(Appended::Duplicate(id));
    }
    let record = sealing::name(event.record.as_ref());
    // Nothing is kept of what still comes for somebody who was erased.
    let disposition = if erasure::is_gone(connection, record.as_deref())? {
        Disposition::Ignore(erasure::BELONGS.to_owned())
    } else {
        disposition
    };
    let place = rows::event_place(&event.connection.to_string(), &event.delivery_key);
    let body = sealing::seal(connection, record.as_deref(), &place, &event.body)?;
    let ignored = match &disposition {
        Disposition::Run(_) => None,
        Disposition::Ignore(reason) => Some(reason.clone()),
        Disposition::Echo => Some("only repeats our own write".to_owned()),
    };
    connection
        .prepare_cached(
            "INSERT INTO events (connection, source, delivery_key, topic, kind, record, occurred_at, received_at, \
             ignored, body, body_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            event.connection.to_string(),
            event.source.as_str(),
            event.delivery_key,
            event.topic,
            event.kind.as_str(),
            record,
            event.occurred_at.map(|at| at.0),
            now.0,
            ignored,
            body,
            sha256(&body),
        ])?;
    let id = EventId(connection.last_insert_rowid());
    match disposition {
        Disposition::Run(execution) => {
            Ok(Appended::Queued(id, insert(connection, now, Some(id), None, &execution)?))
        }
        Disposition::Ignore(_) => Ok(Appended::Kept(id)),
        Disposition::Echo => {
            count(connection, "echoes.dropped")?;
            Ok(Appended::Kept(id))
        }
    }
}

/// Adds one to a counter.
pub(super) fn count(connection: &Connection, name: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO counters VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
        )?
        .execute([name])?;
    Ok(())
}

impl Journal {
    /// What told us of changes lately: the newest events, counted by connection, way and topic.
    pub async fn arrivals(&self) -> Result<Vec<Arrivals>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT connection, source, topic, COUNT(*), MAX(received_at) FROM events \
                 WHERE id > (SELECT COALESCE(MAX(id), 0) FROM events) - ?1 \
                 GROUP BY connection, source, topic ORDER BY connection, source, topic",
            )?;
            let mut rows = statement.query([LATELY])?;
            let mut arrivals = Vec::new();
            while let Some(row) = rows.next()? {
                arrivals.push(Arrivals {
                    connection: rows::word(row, "connection")?,
                    source: rows::word(row, "source")?,
                    topic: row.get(2)?,
                    count: row.get::<_, i64>(3)? as u64,
                    last_at: Timestamp(row.get(4)?),
                });
            }
            Ok(arrivals)
        })
        .await
    }
}

/// Makes a pending execution.
pub(super) fn insert(
    connection: &Connection,
    now: Timestamp,
    event: Option<EventId>,
    decision: Option<DecisionId>,
    new: &NewExecution,
) -> Result<ExecutionId> {
    // The caller's lane is a moment old: the record may have been tied to a person since.
    let lane = match &new.record {
        Some(record) => facts::lane(connection, record)?,
        None => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO executions (event_id, decision_id, recipe, subject, record, lane, status, sentence, \
             max_attempts, due_at, priority, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8, ?9, ?10, ?11, ?11)",
        )?
        .execute(params![
            event.map(|id| id.0),
            decision.map(|id| id.0),
            new.recipe,
            // Rows are listed by the hundred: a name of a megabyte is kept with its record, not with every row.
            shorten(&new.subject, SUBJECT),
            new.record.as_ref().map(ToString::to_string),
            lane.as_ref().unwrap_or(&new.lane),
            new.sentence,
            new.max_attempts,
            new.due_at.0,
            new.priority.rank(),
            now.0,
        ])?;
    Ok(ExecutionId(connection.last_insert_rowid()))
}
