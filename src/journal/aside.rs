//! Executions that an operator puts aside: held until they are let go, or put off until a time. They keep everything, and
//! become again what they were.
//!
//! Nothing is sent meanwhile. Breakers and pauses hold whole connections and recipes; here single executions are meant.

use rusqlite::{Connection, OptionalExtension, params};

use super::operate::Report;
use super::rows;
use super::{Journal, Result, audit, erasure};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Execution, Status};
use crate::domain::ids::ExecutionId;

/// Executions that one transaction brings back at the most.
const AT_ONCE: i64 = 2_000;

/// How long to put aside, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Until when; none until somebody lets it go.
    pub until: Option<Timestamp>,
    /// Why, in the operator's words; may be empty.
    pub reason: String,
}

impl Journal {
    /// Puts executions aside; those that are aside already get another time.
    pub async fn put_aside(&self, ids: Vec<ExecutionId>, aside: Aside, actor: String) -> Result<Report> {
        let now = self.now();
        self.write(move |connection| {
            let mut report = Report::default();
            for id in ids {
                match put(connection, now, id, &aside, &actor)? {
                    None => report.queued.push(id),
                    Some(why) => report.refused.push((id, why)),
                }
            }
            Ok(report)
        })
        .await
    }

    /// Lets executions go that were put aside: each is again what it was.
    pub async fn take_up(&self, ids: Vec<ExecutionId>, actor: String) -> Result<Report> {
        let now = self.now();
        self.write(move |connection| {
            let mut report = Report::default();
            for id in ids {
                if back(connection, now, id)? {
                    let note = "It is again what it was.";
                    audit::append(connection, now, &[entry(&actor, "release", id, note)])?;
                    report.queued.push(id);
                } else {
                    report.refused.push((id, "nobody put it aside".into()));
                }
            }
            Ok(report)
        })
        .await
    }

    /// Brings back what was put off until a time that has come, and gives how many; some at a time.
    pub async fn wake_put_off(&self) -> Result<usize> {
        let now = self.now();
        let due = move |connection: &Connection| -> Result<Vec<i64>> {
            let mut statement = connection.prepare_cached(
                "SELECT execution_id FROM put_aside WHERE until_at <= ?1 ORDER BY until_at LIMIT ?2",
            )?;
            let found = statement.query_map([now.0, AT_ONCE], |row| row.get(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        if self.read(move |connection| due(connection)).await?.is_empty() {
            return Ok(0);
        }
        self.write(move |connection| {
            let mut woken = 0;
            for id in due(connection)? {
                if back(connection, now, ExecutionId(id))? {
                    audit::append(
                        connection,
                        now,
                        &[entry(
                            "engine",
                            "release",
                            ExecutionId(id),
                            "The time it was put off until has come.",
                        )],
                    )?;
                    woken += 1;
                }
            }
            Ok(woken)
        })
        .await
    }
}

fn entry(actor: &str, verb: &str, id: ExecutionId, note: &str) -> NewEntry {
    NewEntry { actor: actor.to_owned(), verb: verb.to_owned(), object: id.to_string(), note: note.to_owned() }
}

/// Puts one aside; why not, where it cannot be.
fn put(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    aside: &Aside,
    actor: &str,
) -> Result<Option<String>> {
    let found: Option<Result<Execution>> = connection
        .prepare_cached(&format!("SELECT {} FROM executions WHERE id = ?1", rows::EXECUTION))?
        .query_row([id.0], |row| Ok(rows::execution(row)))
        .optional()?;
    let Some(execution) = found.transpose()? else { return Ok(Some("there is no such execution".into())) };
    let status = execution.status;
    if erasure::bars_execution(connection, &execution) {
        return Ok(Some("it belongs to somebody who was erased".into()));
    }
    let because = match aside.reason.trim() {
        "" => String::new(),
        reason => format!(" Because: {}.", reason.trim_end_matches('.')),
    };
    let sentence = match aside.until {
        None => format!("Held by {actor} until somebody lets it go.{because}"),
        Some(until) => format!("Put off by {actor} until {}.{because}", until.rfc3339()),
    };
    match status {
        Status::Held => {
            let changed = connection
                .prepare_cached(
                    "UPDATE put_aside SET until_at = ?2, actor = ?3, at = ?4 WHERE execution_id = ?1",
                )?
                .execute(params![id.0, aside.until.map(|at| at.0), actor, now.0])?;
            if changed != 1 {
                return Ok(Some("it waits for something else".into()));
            }
        }
        Status::Pending | Status::Retrying | Status::InDoubt | Status::Failed => {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO put_aside SELECT id, ?2, ?3, ?4, status, due_at, sentence, held_by, held_due \
                     FROM executions WHERE id = ?1",
                )?
                .execute(params![id.0, actor, now.0, aside.until.map(|at| at.0)])?;
        }
        Status::Running => return Ok(Some("a worker is running it; try again in a moment".into())),
        status => return Ok(Some(format!("it is {status}: there is nothing to wait for"))),
    }
    connection
        .prepare_cached(
            "UPDATE executions SET status = 'held', due_at = NULL, sentence = ?2, updated_at = ?3, held_by = NULL, \
             held_due = NULL WHERE id = ?1",
        )?
        .execute(params![id.0, sentence, now.0])?;
    let verb = if aside.until.is_some() { "snooze" } else { "hold" };
    audit::append(connection, now, &[entry(actor, verb, id, &format!("Was {status}. {sentence}"))])?;
    Ok(None)
}

/// One becomes again what it was; false when it was not aside, or something else became of it since.
fn back(connection: &Connection, now: Timestamp, id: ExecutionId) -> Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE executions SET status = aside.status, sentence = aside.sentence, updated_at = ?2, \
             held_by = aside.held_by, held_due = aside.held_due, \
             due_at = CASE WHEN aside.status = 'failed' THEN NULL WHEN aside.held_by IS NOT NULL THEN NULL \
             ELSE max(coalesce(aside.due_at, ?2), ?2) END \
             FROM put_aside AS aside WHERE executions.id = ?1 AND aside.execution_id = ?1 AND executions.status = 'held'",
        )?
        .execute([id.0, now.0])?;
    connection.prepare_cached("DELETE FROM put_aside WHERE execution_id = ?1")?.execute([id.0])?;
    Ok(changed == 1)
}
