//! After the wall's clock was set back: times of waiting work are written anew, so that a wait is as long as it was
//! meant to be and not longer by the jump.
//!
//! A clock that was set forward needs nothing: what waited is due, earlier than meant. Order and leases do not depend
//! on the clock at all.

use std::time::Duration;

use rusqlite::{Connection, params};

use crate::domain::clock::Timestamp;
use crate::journal::{Journal, Result};

/// A row from so far in the future was written before the clock was set back.
const TOLERANCE: Duration = Duration::from_secs(5);
/// Rows in one write: others write in between.
const BATCH: i64 = 2_000;

/// How far a walk has come in the order of the queue.
type Place = (i64, i64);

impl Journal {
    /// Writes the times of waiting work anew: by `jump` milliseconds where it is known by how much the clock was set
    /// (negative for back), else by what the rows tell: what was changed in the future waits from now on for as long as
    /// it was going to then. Returns how many rows were changed.
    pub async fn redate(&self, jump: Option<i64>) -> Result<usize> {
        let now = self.now();
        let mut changed = 0;
        if let Some(jump) = jump {
            self.write(move |connection| redate_running(connection, now, jump)).await?;
        }
        let mut place = Some((String::new(), 0));
        while let Some(from) = place {
            let (rows, next) =
                self.write(move |connection| redate_held(connection, now, jump, &from)).await?;
            changed += rows;
            place = next;
        }
        for priority in 0..3_i64 {
            let mut place = Some((now.0, i64::MAX));
            while let Some(from) = place {
                let (rows, next) =
                    self.write(move |connection| redate(connection, now, jump, priority, from)).await?;
                changed += rows;
                place = next;
            }
        }
        Ok(changed)
    }
}

/// What is running keeps its place before the person's later work, should it be given back.
fn redate_running(connection: &Connection, now: Timestamp, jump: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE executions SET due_at = due_at + ?1 WHERE status = 'running' AND due_at > ?2",
        )?
        .execute([jump.min(0), now.0])?;
    Ok(())
}

/// When a row is due by the clock as it was set.
fn meant(due_at: i64, updated_at: i64, now: Timestamp, jump: Option<i64>) -> i64 {
    match jump {
        Some(jump) => due_at.saturating_add(jump.min(0)),
        None => now.0.saturating_add(due_at.saturating_sub(updated_at)),
    }
}

/// One batch of what a breaker or a pause holds back: it gets its due time back one day, which must not be a day later.
fn redate_held(
    connection: &Connection,
    now: Timestamp,
    jump: Option<i64>,
    from: &(String, i64),
) -> Result<(usize, Option<(String, i64)>)> {
    let mut statement = connection.prepare_cached(
        "SELECT held_by, id, held_due, updated_at FROM executions WHERE held_by IS NOT NULL \
         AND (held_by, id) > (?1, ?2) AND held_due > ?3 AND (?4 OR updated_at > ?5) ORDER BY held_by, id LIMIT ?6",
    )?;
    let future = now.plus(TOLERANCE).0;
    let found: Vec<(String, i64, i64, i64)> = statement
        .query_map(params![from.0, from.1, now.0, jump.is_some(), future, BATCH], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<std::result::Result<_, _>>()?;
    let mut update = connection.prepare_cached(
        "UPDATE executions SET held_due = ?2, updated_at = min(updated_at, ?3) WHERE id = ?1",
    )?;
    for (_, id, held_due, updated_at) in &found {
        update.execute(params![id, meant(*held_due, *updated_at, now, jump), now.0])?;
    }
    let rows = found.len();
    let next = found.into_iter().next_back().map(|(held_by, id, ..)| (held_by, id));
    Ok((rows, next))
}

/// One batch in the queue's own order. A row only ever moves to before the place, so none is met twice, and what was
/// first stays first.
fn redate(
    connection: &Connection,
    now: Timestamp,
    jump: Option<i64>,
    priority: i64,
    from: Place,
) -> Result<(usize, Option<Place>)> {
    let mut statement = connection.prepare_cached(
        "SELECT id, due_at, updated_at FROM executions WHERE status IN ('pending', 'retrying', 'in_doubt') \
         AND priority = ?1 AND (due_at, id) > (?2, ?3) AND (?4 OR updated_at > ?5) ORDER BY due_at, id LIMIT ?6",
    )?;
    let known = jump.is_some();
    let future = now.plus(TOLERANCE).0;
    let found: Vec<(i64, i64, i64)> = statement
        .query_map(params![priority, from.0, from.1, known, future, BATCH], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<std::result::Result<_, _>>()?;
    let mut update = connection.prepare_cached(
        "UPDATE executions SET due_at = ?2, updated_at = min(updated_at, ?3) WHERE id = ?1",
    )?;
    for (id, due_at, updated_at) in &found {
        update.execute(params![id, meant(*due_at, *updated_at, now, jump), now.0])?;
    }
    let next = found.last().map(|(id, due_at, _)| (*due_at, *id));
    Ok((found.len(), next))
}
