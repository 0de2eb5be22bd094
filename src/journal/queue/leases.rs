//! Leases: kept by a beat, lost by silence. Renewing them, giving work back, taking over what a silent worker held.
//!
//! No time of the wall is in it. A row says how often its holder has raised the beat; whoever looks remembers when it
//! first saw that number, by its own steady clock, and takes only what has not moved for the length of the lease.
//! Every change is conditional on token and beat and looks at the row count. Nothing here calls a vendor.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Outcome, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::StepState;
use crate::journal::{Journal, Result, audit, monitors, review, sealing};

/// Starts that ended in a death before an execution is taken for their cause. The first may have been in company; an
/// execution that was running at a death runs by itself from then on.
const STARTS: i64 = 3;

/// How long a call of a dead worker may still be on its way, or missing from a search, before it is looked for.
const IN_FLIGHT: Duration = Duration::from_secs(3);

/// What one process remembers of the leases it has seen.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<i64, Seen>>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    token: i64,
    beat: i64,
    /// Since when it has been so, by this process's steady clock.
    since: Duration,
}

/// A lease as the journal has it.
#[derive(Debug, Clone, Copy)]
struct Lease {
    id: i64,
    token: i64,
    beat: i64,
    length: Duration,
}

impl Watched {
    pub(super) fn note(&self, id: ExecutionId, token: i64, beat: i64, now: Duration) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(id.0, Seen { token, beat, since: now });
    }

    /// The leases that have not moved for their length; forgets those that are over.
    fn silent(&self, leases: Vec<Lease>, now: Duration) -> Vec<Lease> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut *seen);
        let mut silent = Vec::new();
        for lease in leases {
            let fresh = Seen { token: lease.token, beat: lease.beat, since: now };
            let entry = known
                .get(&lease.id)
                .filter(|known| known.token == lease.token && known.beat == lease.beat)
                .copied()
                .unwrap_or(fresh);
            seen.insert(lease.id, entry);
            if now.saturating_sub(entry.since) > lease.length {
                silent.push(lease);
            }
        }
        silent
    }
}

impl Journal {
    /// Raises the beat of all these leases in one write; returns those that are lost.
    pub async fn renew(&self, held: Vec<(ExecutionId, i64)>, lease: Duration) -> Result<Vec<ExecutionId>> {
        let asked = held.clone();
        let beats = self
            .write(move |connection| {
                asked
                    .iter()
                    .map(|(id, token)| beat(connection, *id, *token, lease))
                    .collect::<Result<Vec<_>>>()
            })
            .await?;
        let now = self.inner.clock.steady();
        let mut lost = Vec::new();
        for ((id, token), beat) in held.into_iter().zip(beats) {
            match beat {
                Some(beat) => self.inner.queue.watched.note(id, token, beat, now),
                None => lost.push(id),
            }
        }
        Ok(lost)
    }

    /// Gives back work that its holder will not settle: it stopped in the middle, and lives. No death is counted.
    /// Returns how many of them were still held.
    pub async fn give_back(&self, held: Vec<(ExecutionId, i64)>) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let mut given = 0;
            for (id, token) in &held {
                given += usize::from(give_back(connection, now, *id, *token, &Cause::Stopped)?);
            }
            Ok(given)
        })
        .await
    }

    /// Gives back what workers held that have been silent for the length of their lease, as seen by this handle: the
    /// first look only remembers. An execution whose call may have happened becomes `in_doubt`; one that was started
    /// too often without an end is quarantined.
    pub async fn rescue(&self) -> Result<usize> {
        let leases = self.read(leases).await?;
        let silent = self.inner.queue.watched.silent(leases, self.inner.clock.steady());
        if silent.is_empty() {
            return Ok(0);
        }
        let now = self.now();
        self.write(move |connection| rescue(connection, now, &silent)).await
    }

    /// Gives back what any worker held, however lively its lease. Only for who holds the lock that every worker of
    /// this journal holds: whoever had work before is dead.
    pub async fn rescue_all(&self) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let leases = leases(connection)?;
            rescue(connection, now, &leases)
        })
        .await
    }
}

/// Raises one lease's beat; none when it is lost.
pub(super) fn beat(
    connection: &Connection,
    id: ExecutionId,
    token: i64,
    lease: Duration,
) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached(
            "UPDATE executions SET beat = beat + 1, lease_ms = ?3 \
             WHERE id = ?1 AND lease_token = ?2 AND status = 'running' RETURNING beat",
        )?
        .query_row(params![id.0, token, milliseconds(lease)], |row| row.get(0))
        .optional()?)
}

pub(super) fn milliseconds(length: Duration) -> i64 {
    // As many as fit into four bytes are seven weeks.
    i64::from(u32::try_from(length.as_millis()).unwrap_or(u32::MAX))
}

fn leases(connection: &Connection) -> Result<Vec<Lease>> {
    let mut statement = connection
        .prepare_cached("SELECT id, lease_token, beat, lease_ms FROM executions WHERE status = 'running'")?;
    let found = statement.query_map([], |row| {
        Ok(Lease {
            id: row.get(0)?,
            // A running row without a token was not written by us; nobody holds it.
            token: row.get::<_, Option<i64>>(1)?.unwrap_or(0),
            beat: row.get(2)?,
            length: Duration::from_millis(row.get::<_, Option<u32>>(3)?.unwrap_or(0).into()),
        })
    })?;
    Ok(found.collect::<std::result::Result<_, _>>()?)
}

/// What later work of a person says while an execution in doubt is quarantined.
fn waits_for(quarantined: ExecutionId) -> String {
    format!("Waits for {quarantined} of the same person, which is quarantined in doubt until somebody looks.")
}

/// The sentence for new work in a lane, where a quarantined execution holds it.
pub(in crate::journal) fn held_lane(connection: &Connection, lane: &str) -> Result<Option<String>> {
    let found: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM executions WHERE lane = ?1 AND status IN ('running', 'retrying', 'in_doubt') \
             AND status = 'in_doubt' AND due_at IS NULL AND starts >= ?2 LIMIT 1",
        )?
        .query_row(params![lane, STARTS], |row| row.get(0))
        .optional()?;
    Ok(found.map(|id| waits_for(ExecutionId(id))))
}

enum Cause {
    /// The worker lives and stopped in the middle.
    Stopped,
    /// The worker is dead or silent; with the beat at which it was seen last.
    Died { beat: i64 },
}

fn rescue(connection: &Connection, now: Timestamp, leases: &[Lease]) -> Result<usize> {
    let mut rescued = 0;
    for lease in leases {
        let cause = Cause::Died { beat: lease.beat };
        rescued += usize::from(give_back(connection, now, ExecutionId(lease.id), lease.token, &cause)?);
    }
    Ok(rescued)
}

fn give_back(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    token: i64,
    cause: &Cause,
) -> Result<bool> {
    let found = connection
        .prepare_cached("SELECT plan, starts, due_at FROM executions WHERE id = ?1 AND status = 'running'")?
        .query_row([id.0], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?))
        })
        .optional()?;
    let Some((plan, starts, due_at)) = found else { return Ok(false) };
    let plan = sealing::open_plan(connection, id, plan)?;
    let begun = plan.iter().flat_map(|plan| &plan.steps).any(|step| {
        matches!(step.state, StepState::Begun | StepState::InDoubt) && !step.effect.is_repeatable()
    });
    // It keeps its place: later events of the person do not overtake it. It was due when it was claimed, so a later
    // time is one from before the clock was set back.
    let again = Some(due_at.map_or(now.0, |due| due.min(now.0)));
    let look = Some(now.plus(IN_FLIGHT).0);
    let (status, sentence, due, starts) = match (cause, begun) {
        (Cause::Stopped, false) => {
            (Status::Pending, "Given back when its worker stopped; runs again now.", again, starts - 1)
        }
        (Cause::Stopped, true) => (
            Status::InDoubt,
            "Its worker stopped during a call that may have happened: looking before trying again.",
            look,
            starts - 1,
        ),
        // In doubt without a time: nobody starts it, and it goes on holding back its person.
        (Cause::Died { .. }, true) if starts >= STARTS => (
            Status::InDoubt,
            "Quarantined: three workers in a row stopped while running it, and its last call may have happened. Nothing \
             is sent, and later events of this person wait, until somebody looks; r looks it up and runs it again.",
            None,
            starts,
        ),
        (Cause::Died { .. }, false) if starts >= STARTS => (
            Status::Failed,
            "Quarantined: three workers in a row stopped while running it. Nothing more is sent until somebody looks; \
             r runs it again.",
            None,
            starts,
        ),
        (Cause::Died { .. }, true) => (
            Status::InDoubt,
            "The worker stopped during a call that may have happened: looking before trying again.",
            look,
            starts,
        ),
        (Cause::Died { .. }, false) => (
            Status::Pending,
            "Given back by a worker that stopped; runs again now, alone, should it be the cause.",
            again,
            starts,
        ),
    };
    let changed = connection
        .prepare_cached(
            "UPDATE executions SET status = ?2, sentence = ?3, due_at = ?4, updated_at = ?5, outcome = ?6, \
             starts = ?7, lease_token = NULL, lease_ms = NULL \
             WHERE id = ?1 AND status = 'running' AND coalesce(lease_token, 0) = ?8 AND (?9 IS NULL OR beat = ?9)",
        )?
        .execute(params![
            id.0,
            status.as_str(),
            sentence,
            due,
            now.0,
            (status == Status::Failed).then_some(Outcome::Error.as_str()),
            starts.max(0),
            token,
            match cause {
                Cause::Stopped => None,
                Cause::Died { beat } => Some(beat),
            },
        ])?;
    if changed == 1 && status == Status::InDoubt && due.is_none() {
        connection
            .prepare_cached(
                "UPDATE executions SET sentence = ?2 WHERE status = 'pending' AND id <> ?1 \
                 AND lane = (SELECT lane FROM executions WHERE id = ?1)",
            )?
            .execute(params![id.0, waits_for(id)])?;
    }
    if changed == 1 && due.is_none() {
        review::decided(connection, now, id, status, sentence)?;
        let entry = NewEntry {
            actor: "engine".into(),
            verb: "quarantine".into(),
            object: id.to_string(),
            note: format!("{starts} starts in a row ended in the death of the worker."),
        };
        audit::append(connection, now, &[entry])?;
    }
    if changed == 1 {
        monitors::series::settled(connection, now, id, status, false, None)?;
    }
    Ok(changed == 1)
}
