//! Giving executions up, and taking that back: each is again what it was before, failed or waiting or held.
//!
//! What it was is handed out when it is given up, and held by whoever may take it back; the journal keeps no second copy.
//! One that was given up anew since stays given up.

use rusqlite::{Connection, OptionalExtension, params};

use super::operate::{Report, change_each};
use super::{Journal, Result};
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Outcome, Status};
use crate::domain::ids::ExecutionId;

/// How an execution stood when it was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// Which.
    pub id: ExecutionId,
    /// Its status.
    pub status: Status,
    /// When it was given up: one that was given up at another time is not this one.
    at: Timestamp,
    outcome: Option<Outcome>,
    due_at: Option<i64>,
    sentence: String,
    attempts: i64,
    starts: i64,
    priority: i64,
    held_by: Option<String>,
    held_due: Option<i64>,
    held_sentence: Option<String>,
    aside: Option<Aside>,
}

/// What stood in `put_aside`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Aside {
    actor: String,
    at: i64,
    until_at: Option<i64>,
    status: String,
    due_at: Option<i64>,
    sentence: String,
    held_by: Option<String>,
    held_due: Option<i64>,
}

impl Journal {
    /// Gives up on executions, for a reason that stays with them.
    pub async fn discard(&self, ids: Vec<ExecutionId>, reason: String, actor: String) -> Result<Report> {
        Ok(self.discard_noting(ids, reason, actor).await?.0)
    }

    /// The same, with how each of them stood before, to take it back by.
    pub async fn discard_noting(
        &self,
        ids: Vec<ExecutionId>,
        reason: String,
        actor: String,
    ) -> Result<(Report, Vec<Stood>)> {
        let now = self.now();
        self.write(move |connection| {
            let mut stood = Vec::with_capacity(ids.len());
            for id in &ids {
                stood.extend(standing(connection, now, *id)?);
            }
            let report =
                change_each(connection, now, &ids, &actor, "discard", |execution| match execution.status {
                    Status::Running => Err("a worker is running it; try again in a moment".into()),
                    Status::Succeeded | Status::Skipped | Status::Discarded => {
                        Err(format!("it is {} already", execution.status))
                    }
                    _ => {
                        let sentence = format!("Discarded by {actor}: {reason}");
                        Ok((Status::Discarded, Some(Outcome::Error.as_str()), None, sentence))
                    }
                })?;
            stood.retain(|one| report.queued.contains(&one.id));
            Ok((report, stood))
        })
        .await
    }

    /// Takes a giving-up back: each is again what it was. What waited then waits again, and is sent in its turn.
    pub async fn bring_back(&self, stood: Vec<Stood>, actor: String) -> Result<Report> {
        let now = self.now();
        self.write(move |connection| {
            let mut report = Report::default();
            for one in &stood {
                let done = change_each(connection, now, &[one.id], &actor, "bring-back", |execution| {
                    if execution.status != Status::Discarded {
                        return Err(format!("it is {}, not discarded", execution.status));
                    }
                    if execution.updated_at != one.at {
                        return Err("it was given up anew since".into());
                    }
                    if execution.decision.is_some() {
                        return Err("what it was to carry out is open again: decide it there".into());
                    }
                    let outcome = one.outcome.map(Outcome::as_str);
                    Ok((one.status, outcome, one.due_at.map(Timestamp), one.sentence.clone()))
                })?;
                if !done.queued.is_empty() {
                    restore(connection, one)?;
                }
                report.queued.extend(done.queued);
                report.refused.extend(done.refused);
            }
            Ok(report)
        })
        .await
    }
}

fn standing(connection: &Connection, now: Timestamp, id: ExecutionId) -> Result<Option<Stood>> {
    let aside = connection
        .prepare_cached("SELECT * FROM put_aside WHERE execution_id = ?1")?
        .query_row([id.0], |row| {
            Ok(Aside {
                actor: row.get("actor")?,
                at: row.get("at")?,
                until_at: row.get("until_at")?,
                status: row.get("status")?,
                due_at: row.get("due_at")?,
                sentence: row.get("sentence")?,
                held_by: row.get("held_by")?,
                held_due: row.get("held_due")?,
            })
        })
        .optional()?;
    let found = connection
        .prepare_cached(
            "SELECT status, outcome, due_at, sentence, attempts, starts, priority, held_by, held_due, held_sentence \
             FROM executions WHERE id = ?1",
        )?
        .query_row([id.0], |row| {
            let (status, outcome): (String, Option<String>) = (row.get("status")?, row.get("outcome")?);
            Ok(Stood {
                id,
                // What this Reknit has no word for was made by a newer one, which does not run beside it.
                status: status.parse().unwrap_or(Status::Failed),
                at: now,
                outcome: outcome.and_then(|word| word.parse().ok()),
                due_at: row.get("due_at")?,
                sentence: row.get("sentence")?,
                attempts: row.get("attempts")?,
                starts: row.get("starts")?,
                priority: row.get("priority")?,
                held_by: row.get("held_by")?,
                held_due: row.get("held_due")?,
                held_sentence: row.get("held_sentence")?,
                aside,
            })
        })
        .optional()?;
    Ok(found)
}

/// What a change of status does not carry.
fn restore(connection: &Connection, stood: &Stood) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE executions SET attempts = ?2, starts = ?3, priority = ?4, held_by = ?5, held_due = ?6, \
             held_sentence = ?7 WHERE id = ?1",
        )?
        .execute(params![
            stood.id.0,
            stood.attempts,
            stood.starts,
            stood.priority,
            stood.held_by,
            stood.held_due,
            stood.held_sentence
        ])?;
    if let Some(aside) = &stood.aside {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO put_aside (execution_id, actor, at, until_at, status, due_at, sentence, held_by, \
                 held_due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                stood.id.0,
                aside.actor,
                aside.at,
                aside.until_at,
                aside.status,
                aside.due_at,
                aside.sentence,
                aside.held_by,
                aside.held_due
            ])?;
    }
    Ok(())
}
