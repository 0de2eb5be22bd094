//! Storing events exactly once and making the executions they cause, in one transaction.
//!
//! The caller decides what an event is good for ([`Disposition`]), with what the journal knows at that moment
//! ([`Sight`]); here it is only written down. A second delivery is not judged again and makes no second run: it is
//! counted, and shown as a finished execution with the outcome `duplicate`.

use rusqlite::{Connection, OptionalExtension, params};

use super::queue::leases;
use super::rows::sha256;
use super::{Journal, Result, echoes, erasure, facts, redaction, rows, rules, sealing, trends};
use crate::domain::clock::Timestamp;
use crate::domain::event::{Arrivals, EventSource, NewEvent};
use crate::domain::execution::{Outcome, Priority, Status};
use crate::domain::ids::{DecisionId, EventId, ExecutionId};
use crate::domain::record::{Mirror, RecordRef};
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
    /// The person it is about, where the record is not the person's own: their lane is this execution's.
    pub person: Option<RecordRef>,
    /// One execution at a time per lane; only where neither the person nor the record is tied to somebody known.
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
    /// Run recipes, each in an execution of its own: what becomes of one is nothing to the others.
    Run(Vec<NewExecution>),
    /// Keep it, run nothing, for this reason.
    Ignore(String),
    /// It only repeats our own write: keep it, count it.
    Echo,
    /// It speaks of somebody who was erased: keep that it came, nothing of its body.
    Erased,
    /// These parts of the conversation it is about were taken back: keep it, and no stored copy of their texts.
    Redact(Vec<String>),
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored, and executions made of which this is the first.
    Queued(EventId, ExecutionId),
    /// Stored without an execution.
    Kept(EventId),
    /// Known already: only counted.
    Duplicate(EventId),
}

/// What the journal knows at the moment an event is stored, for whoever judges it: of the same transaction, so that
/// nothing can change between the look and the writing.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    connection: &'a Connection,
}

impl Sight<'_> {
    /// Our last copy of a record.
    pub fn mirror(&self, record: &RecordRef) -> Result<Option<Mirror>> {
        facts::mirror(self.connection, record)
    }

    /// How many records are known to be one person with this one, itself included; 0 for a stranger.
    pub fn tied(&self, record: &RecordRef) -> Result<usize> {
        Ok(facts::known(self.connection, record)?.records.len())
    }

    /// Which of these values of a record we wrote ourselves since a time; in the order asked.
    pub fn echoes(
        &self,
        record: &RecordRef,
        values: &[(String, String)],
        since: Timestamp,
    ) -> Result<Vec<bool>> {
        echoes::written(self.connection, &record.to_string(), values, since, false)
    }

    /// Which of them still stand, as far as we know: nobody has changed them since.
    pub fn standing_echoes(
        &self,
        record: &RecordRef,
        values: &[(String, String)],
        since: Timestamp,
    ) -> Result<Vec<bool>> {
        echoes::written(self.connection, &record.to_string(), values, since, true)
    }

    /// Whether an execution of a recipe wrote to a record after a time (milliseconds).
    pub fn wrote_lately(&self, record: &RecordRef, recipe: &str, since: i64) -> Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM field_writes JOIN executions ON executions.id = field_writes.execution_id \
             WHERE field_writes.record = ?1 AND field_writes.at > ?3 AND executions.recipe = ?2",
        )?;
        Ok(statement.exists(params![record.to_string(), recipe, since])?)
    }

    /// Whether it belongs to somebody who was erased.
    pub fn is_erased(&self, record: &RecordRef) -> Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM tombstones WHERE record = ?1")?;
        Ok(statement.exists([record.to_string()])?)
    }
}

impl Journal {
    /// Stores events with what they cause; returns after the commit. All or none.
    pub async fn append(&self, incoming: Vec<(NewEvent, Disposition)>) -> Result<Vec<Appended>> {
        self.append_judged(incoming, |_, _, disposition| Ok(disposition)).await
    }

    /// Stores events and asks `judge` about each one not known yet, on the writing thread: short, and no waiting there.
    /// Returns after the commit. All or none. What travels with an event is only for the judge.
    pub async fn append_judged<T: Send + 'static>(
        &self,
        incoming: Vec<(NewEvent, T)>,
        mut judge: impl FnMut(Sight<'_>, &NewEvent, T) -> Result<Disposition> + Send + 'static,
    ) -> Result<Vec<Appended>> {
        let now = self.now();
        self.take_in(move |connection| {
            incoming
                .into_iter()
                .map(|(event, with)| {
                    if let Some(known) = again(connection, now, &event)? {
                        return Ok(known);
                    }
                    let disposition = judge(Sight { connection }, &event, with)?;
                    store(connection, now, event, disposition)
                })
                .collect()
        })
        .await
    }

    /// Looks at what there is as [`Journal::append_judged`] does, outside a transaction that stores.
    pub async fn sighted<T: Send + 'static>(
        &self,
        look: impl FnOnce(Sight<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read(move |connection| look(Sight { connection })).await
    }
}

/// An event we have: counted, with the vendor's count of its own attempts, and shown as a run that did nothing.
pub(super) fn again(connection: &Connection, now: Timestamp, event: &NewEvent) -> Result<Option<Appended>> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM events WHERE connection = ?1 AND delivery_key = ?2")?
        .query_row(params![event.connection.to_string(), event.delivery_key], |row| row.get(0))
        .optional()?;
    let Some(id) = known.map(EventId) else { return Ok(None) };
    connection
        .prepare_cached(
            "UPDATE events SET deliveries = deliveries + 1, last_delivered_at = ?2, \
             first_sent_at = min(coalesce(first_sent_at, ?3), coalesce(?3, first_sent_at)), \
             vendor_attempt = max(coalesce(vendor_attempt, ?4), coalesce(?4, vendor_attempt)) WHERE id = ?1",
        )?
        .execute(params![id.0, now.0, event.sent.first_at.map(|at| at.0), event.sent.attempt])?;
    if event.source == EventSource::Webhook {
        // No run waits, so none is counted as waiting either: the row is finished from the start.
        connection
            .prepare_cached(
                "INSERT INTO executions (event_id, recipe, subject, record, lane, status, outcome, sentence, \
                 max_attempts, priority, created_at, updated_at) \
                 SELECT event_id, recipe, subject, record, lane, ?2, ?3, ?4, max_attempts, priority, ?5, ?5 \
                 FROM executions WHERE event_id = ?1 ORDER BY id LIMIT 1",
            )?
            .execute(params![
                id.0,
                Status::Skipped.as_str(),
                Outcome::Duplicate.as_str(),
                format!("Delivered before as {id}: nothing was done again."),
                now.0
            ])?;
    }
    Ok(Some(Appended::Duplicate(id)))
}

pub(super) fn store(
    connection: &Connection,
    now: Timestamp,
    mut event: NewEvent,
    disposition: Disposition,
) -> Result<Appended> {
    redaction::apply_to(connection, &mut event)?;
    let record = sealing::name(event.record.as_ref());
    // Nothing is kept of what still comes for somebody who was erased.
    let disposition =
        if erasure::is_gone(connection, record.as_deref())? { Disposition::Erased } else { disposition };
    if disposition == Disposition::Erased {
        "{}".clone_into(&mut event.body);
    }
    let place = rows::event_place(&event.connection.to_string(), &event.delivery_key);
    let body = sealing::seal(connection, record.as_deref(), &place, &event.body)?;
    let ignored = match &disposition {
        Disposition::Run(executions) if executions.is_empty() => Some("no recipe for it is on".to_owned()),
        Disposition::Run(_) => None,
        Disposition::Ignore(reason) => Some(reason.clone()),
        Disposition::Redact(parts) if parts.is_empty() => Some("it names no part to redact".to_owned()),
        Disposition::Redact(_) => {
            Some("our stored copies of the text were redacted; no recipe runs".to_owned())
        }
        Disposition::Echo => Some("only repeats our own write".to_owned()),
        Disposition::Erased => Some(erasure::BELONGS.to_owned()),
    };
    connection
        .prepare_cached(
            "INSERT INTO events (connection, source, delivery_key, topic, kind, record, occurred_at, received_at, \
             ignored, body, body_sha256, first_sent_at, vendor_attempt) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
            event.sent.first_at.map(|at| at.0),
            event.sent.attempt,
        ])?;
    let id = EventId(connection.last_insert_rowid());
    match disposition {
        Disposition::Run(executions) => Ok(insert_all(connection, now, id, &executions)?
            .map_or(Appended::Kept(id), |first| Appended::Queued(id, first))),
        Disposition::Ignore(_) | Disposition::Erased => Ok(Appended::Kept(id)),
        Disposition::Redact(parts) => {
            if let Some(record) = &event.record {
                redaction::redact(connection, now, record, &parts)?;
            }
            Ok(Appended::Kept(id))
        }
        Disposition::Echo => {
            count(connection, "echoes.dropped")?;
            trends::add(connection, now, trends::ECHOES, 0, 1)?;
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

/// Makes the executions of an event; the first one's number.
pub(super) fn insert_all(
    connection: &Connection,
    now: Timestamp,
    event: EventId,
    executions: &[NewExecution],
) -> Result<Option<ExecutionId>> {
    let mut first = None;
    for execution in executions {
        let made = insert(connection, now, Some(event), None, execution)?;
        first = first.or(Some(made));
    }
    Ok(first)
}

/// The lane an execution belongs into at this moment: the caller's is a moment old, and the record may have been tied to
/// a person since.
fn lane_of(connection: &Connection, new: &NewExecution, person: Option<&RecordRef>) -> Result<String> {
    let tied = match person.or(new.record.as_ref()) {
        Some(record) => facts::lane(connection, record)?,
        None => None,
    };
    Ok(tied.unwrap_or_else(|| person.map_or_else(|| new.lane.clone(), ToString::to_string)))
}

/// Makes a pending execution.
pub(super) fn insert(
    connection: &Connection,
    now: Timestamp,
    event: Option<EventId>,
    decision: Option<DecisionId>,
    new: &NewExecution,
) -> Result<ExecutionId> {
    let known = match (&new.person, &new.record) {
        (None, Some(record)) => rules::person_behind(connection, record)?,
        _ => None,
    };
    let person = new.person.as_ref().or(known.as_ref());
    let lane = lane_of(connection, new, person)?;
    let held = leases::held_lane(connection, &lane)?;
    connection
        .prepare_cached(
            "INSERT INTO executions (event_id, decision_id, recipe, subject, record, lane, status, sentence, \
             max_attempts, due_at, priority, created_at, updated_at, person) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
        )?
        .execute(params![
            event.map(|id| id.0),
            decision.map(|id| id.0),
            new.recipe,
            // Rows are listed by the hundred: a name of a megabyte is kept with its record, not with every row.
            shorten(&new.subject, SUBJECT),
            new.record.as_ref().map(ToString::to_string),
            lane,
            held.as_ref().unwrap_or(&new.sentence),
            new.max_attempts,
            new.due_at.0,
            new.priority.rank(),
            now.0,
            person.map(ToString::to_string),
        ])?;
    Ok(ExecutionId(connection.last_insert_rowid()))
}
