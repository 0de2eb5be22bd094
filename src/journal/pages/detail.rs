//! Everything about one execution: its row, its event, its attempts, what it raised and what it waits for.

use rusqlite::{Connection, OptionalExtension};

use crate::domain::execution::ExecutionDetail;
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::journal::{Result, rows, sealing};

pub(super) fn detail(connection: &Connection, id: ExecutionId) -> Result<Option<ExecutionDetail>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {}, plan, vendor_words FROM executions WHERE id = ?1",
            rows::EXECUTION
        ))?
        .query_row([id.0], |row| {
            Ok(rows::execution(row).and_then(|execution| {
                let plan: Option<String> = row.get("plan")?;
                let words: Option<String> = row.get("vendor_words")?;
                Ok((execution, plan, words))
            }))
        })
        .optional()?
        .transpose()?;
    let Some((execution, plan, vendor_words)) = found else { return Ok(None) };
    let event = match execution.event {
        None => None,
        Some(event) => connection
            .prepare_cached("SELECT * FROM events WHERE id = ?1")?
            .query_row([event.0], |row| {
                Ok(rows::event(connection, row)
                    .and_then(|event| Ok((event, crate::journal::events::delivered(row)?))))
            })
            .optional()?
            .transpose()?,
    };
    let mut attempts = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT * FROM attempts WHERE execution_id = ?1 ORDER BY id LIMIT 200")?;
    let mut found = statement.query([id.0])?;
    while let Some(row) = found.next()? {
        attempts.push(rows::attempt(connection, row)?);
    }
    let mut conflicts = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT id FROM conflicts WHERE execution_id = ?1 AND state IN ('open', 'deciding') ORDER BY id",
    )?;
    let mut found = statement.query([id.0])?;
    while let Some(row) = found.next()? {
        conflicts.push(ConflictId(row.get("id")?));
    }
    let waits_for = connection
        .prepare_cached(
            "SELECT other.id FROM executions AS mine JOIN executions AS other ON other.lane = mine.lane \
             WHERE mine.id = ?1 AND mine.status = 'pending' AND other.id <> mine.id AND (other.status = 'running' \
             OR (mine.priority > 0 AND other.status IN ('retrying', 'in_doubt'))) ORDER BY other.id LIMIT 1",
        )?
        .query_row([id.0], |row| row.get(0))
        .optional()?
        .map(ExecutionId);
    Ok(Some(ExecutionDetail {
        waits_for,
        plan: sealing::open_plan(connection, id, plan)?,
        topic: event.as_ref().map(|(event, _)| event.topic.clone()),
        told_by: event.as_ref().map(|(event, _)| event.connection.clone()),
        received_at: event.as_ref().map(|(event, _)| event.received_at),
        delivered: event.as_ref().map(|(_, delivered)| *delivered).unwrap_or_default(),
        payload: event.map(|(event, _)| event.body).unwrap_or_default(),
        attempts,
        vendor_words,
        conflicts,
        execution,
    }))
}
