//! Running something again with values or a payload that a human edited: a new execution beside the old one, which is
//! kept as it was, and each names the other.
//!
//! What was done is never planned anew: where a step must not be done twice, the new execution goes on with the old
//! plan; everywhere else it is planned from today's facts and the edits are put in.

use rusqlite::{Connection, OptionalExtension, params};

use super::intake::{NewExecution, insert};
use super::rows::{self, sha256};
use super::{Journal, JournalError, Result, audit, erasure, operate, sealing};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::edits::Change;
use crate::domain::event::EventSource;
use crate::domain::execution::{Execution, Outcome, PROBE, Priority, Status};
use crate::domain::ids::{EventId, ExecutionId};
use crate::domain::plan::Plan;

impl Journal {
    /// Makes the execution that repeats another one with edits, and answers its number.
    pub async fn replay(&self, of: ExecutionId, change: Change, actor: String) -> Result<ExecutionId> {
        let now = self.now();
        self.write(move |connection| replay(connection, now, of, &change, &actor)).await
    }
}

/// The newest execution that repeats this one with edits and has not itself failed for good.
pub(super) fn replayed_as(connection: &Connection, of: ExecutionId) -> Result<Option<ExecutionId>> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM executions WHERE replay_of = ?1 AND recipe <> ?2 AND status NOT IN ('failed', 'discarded') \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![of.0, PROBE], |row| row.get(0))
        .optional()?
        .map(ExecutionId))
}

fn replay(
    connection: &Connection,
    now: Timestamp,
    of: ExecutionId,
    change: &Change,
    actor: &str,
) -> Result<ExecutionId> {
    let refused = |why: String| Err(JournalError::Refused(why));
    let (old, lane, plan) = original(connection, of)?;
    if old.status == Status::Running {
        return refused(format!("a worker is running {of}; try again in a moment"));
    }
    if old.decision.is_some() {
        return refused(format!("{of} carries out a decision: decide anew where it was decided"));
    }
    if erasure::bars_execution(connection, &old) {
        return refused(format!("{of} belongs to somebody who was erased"));
    }
    if let Some(other) = replayed_as(connection, of)? {
        return refused(format!("{of} was replayed already, as {other}"));
    }
    let standing = operate::must_not_be_repeated(connection, of)?;
    let (event, plan, what) = match change {
        Change::Payload(body) => {
            if let Some(step) = standing {
                return refused(format!("\"{step}\" was begun or is done, and must not be done twice"));
            }
            let event = edited_event(connection, now, &old, body)?;
            (Some(event), None, "Another payload.".to_owned())
        }
        Change::Edits(edits) => {
            let names: Vec<&str> = edits.iter().map(|edit| edit.field.as_str()).collect();
            let what = format!("Edited {}.", names.join(", "));
            let plan = match (standing, plan) {
                (Some(_), Some(plan)) => plan.carried_over(edits.clone()),
                _ => Plan { edits: edits.clone(), ..Plan::default() },
            };
            (old.event, Some(plan), what)
        }
    };
    let new = NewExecution {
        recipe: old.recipe.clone(),
        subject: old.subject.clone(),
        record: old.record.clone(),
        person: None,
        lane,
        priority: Priority::Operator,
        due_at: now,
        sentence: format!("Replays {of} with edits by {actor}; waits for a worker."),
        max_attempts: old.max_attempts,
    };
    let id = insert(connection, now, event, None, &new)?;
    let plan = plan.map(|plan| sealing::seal_plan(connection, id, &plan)).transpose()?;
    connection
        .prepare_cached(
            "UPDATE executions SET replay_of = ?2, plan = ?3, person = (SELECT person FROM executions WHERE id = ?2) \
             WHERE id = ?1",
        )?
        .execute(params![id.0, of.0, plan])?;
    // What it was about to do once, the new one does.
    connection
        .prepare_cached("DELETE FROM ran_once WHERE execution_id = ?1 AND done = 0")?
        .execute([of.0])?;
    if !matches!(old.status, Status::Succeeded | Status::Skipped) {
        connection
            .prepare_cached(
                "UPDATE executions SET status = ?2, outcome = ?3, due_at = NULL, sentence = ?4, updated_at = ?5, \
                 held_by = NULL, held_due = NULL, held_sentence = NULL WHERE id = ?1",
            )?
            .execute(params![
                of.0,
                Status::Discarded.as_str(),
                Outcome::Error.as_str(),
                format!("Replayed with edits as {id} by {actor}; kept as it was. {}", old.sentence),
                now.0
            ])?;
    }
    let entry = NewEntry {
        actor: actor.to_owned(),
        verb: "replay".into(),
        object: of.to_string(),
        note: format!("{what} Carried out by {id}."),
    };
    audit::append(connection, now, &[entry])?;
    Ok(id)
}

fn original(connection: &Connection, id: ExecutionId) -> Result<(Execution, String, Option<Plan>)> {
    let found = connection
        .prepare_cached(&format!("SELECT {}, lane, plan FROM executions WHERE id = ?1", rows::EXECUTION))?
        .query_row([id.0], |row| {
            let (lane, plan): (String, Option<String>) = (row.get("lane")?, row.get("plan")?);
            Ok((rows::execution(row), lane, plan))
        })
        .optional()?;
    let Some((execution, lane, plan)) = found else { return Err(JournalError::Missing(id.to_string())) };
    Ok((execution?, lane, sealing::open_plan(connection, id, plan)?))
}

/// The event as it was told, with another body: stored beside it, by the operator.
fn edited_event(connection: &Connection, now: Timestamp, old: &Execution, body: &str) -> Result<EventId> {
    let Some(event) = old.event else {
        return Err(JournalError::Refused(format!("no event caused {}: it has no payload", old.id)));
    };
    let system: String = connection
        .prepare_cached("SELECT connection FROM events WHERE id = ?1")?
        .query_row([event.0], |row| row.get(0))?;
    let key = format!("replay/{}/{}", old.id, now.0);
    let place = rows::event_place(&system, &key);
    let record = sealing::name(old.record.as_ref());
    let sealed = sealing::seal(connection, record.as_deref(), &place, body)?;
    connection
        .prepare_cached(
            "INSERT INTO events (connection, source, delivery_key, topic, kind, record, occurred_at, received_at, body, \
             body_sha256) SELECT connection, ?2, ?3, topic, kind, record, occurred_at, ?4, ?5, ?6 FROM events \
             WHERE id = ?1",
        )?
        .execute(params![event.0, EventSource::Operator.as_str(), key, now.0, sealed, sha256(&sealed)])?;
    Ok(EventId(connection.last_insert_rowid()))
}
