//! Rows of events for people who ask what came in, the ignored ones too, and one event with its body. Changes nothing.

use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, Row, params_from_iter};

use super::rows::{self, optional_word, word};
use super::{Journal, Result};
use crate::domain::clock::Timestamp;
use crate::domain::event::{Delivered, EventRow, Sent};
use crate::domain::ids::{EventId, ExecutionId};
use crate::domain::record::{Connection, RecordRef};

/// Which events are asked for; each part that is set must fit.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Told by this connection.
    pub connection: Option<Connection>,
    /// The vendor's name for what happened; a trailing `*` stands for any rest.
    pub topic: Option<String>,
    /// About this record.
    pub record: Option<RecordRef>,
    /// Only those for which no recipe ran (true), or only those for which one did.
    pub ignored: Option<bool>,
    /// Only those delivered more than once.
    pub repeated: bool,
    /// Only those before this one.
    pub before: Option<EventId>,
}

const COLUMNS: &str = "id, connection, source, topic, kind, record, occurred_at, received_at, deliveries, ignored, \
     first_sent_at, vendor_attempt, last_delivered_at, \
     (SELECT min(executions.id) FROM executions WHERE executions.event_id = events.id) AS execution_id";

impl Journal {
    /// The newest events first, at most so many.
    pub async fn events(&self, wanted: Wanted, limit: usize) -> Result<Vec<EventRow>> {
        let mut clauses: Vec<&str> = Vec::new();
        let mut values: Vec<Sql> = Vec::new();
        if let Some(connection) = &wanted.connection {
            clauses.push("connection = ?");
            values.push(Sql::Text(connection.to_string()));
        }
        if let Some(topic) = &wanted.topic {
            if let Some(start) = topic.strip_suffix('*') {
                clauses.push("instr(topic, ?) = 1");
                values.push(Sql::Text(start.to_owned()));
            } else {
                clauses.push("topic = ?");
                values.push(Sql::Text(topic.clone()));
            }
        }
        if let Some(record) = &wanted.record {
            clauses.push("record = ?");
            values.push(Sql::Text(record.to_string()));
        }
        match wanted.ignored {
            Some(true) => clauses.push("ignored IS NOT NULL"),
            Some(false) => clauses.push("ignored IS NULL"),
            None => {}
        }
        if wanted.repeated {
            clauses.push("deliveries > 1");
        }
        if let Some(before) = wanted.before {
            clauses.push("id < ?");
            values.push(Sql::Integer(before.0));
        }
        let condition =
            if clauses.is_empty() { String::new() } else { format!(" WHERE {}", clauses.join(" AND ")) };
        let query = format!("SELECT {COLUMNS} FROM events{condition} ORDER BY id DESC LIMIT {limit}");
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&query)?;
            let mut found = statement.query(params_from_iter(&values))?;
            let mut events = Vec::new();
            while let Some(row) = found.next()? {
                events.push(event_row(row)?);
            }
            Ok(events)
        })
        .await
    }

    /// One event with its body as received; an error when the body is not what was stored.
    pub async fn event(&self, id: EventId) -> Result<Option<(EventRow, String)>> {
        self.read(move |connection| {
            let found = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, delivery_key, body, body_sha256 FROM events WHERE id = ?1"
                ))?
                .query_row([id.0], |row| {
                    Ok(event_row(row).and_then(|event| Ok((event, rows::event(connection, row)?.body))))
                })
                .optional()?
                .transpose()?;
            Ok(found)
        })
        .await
    }
}

fn event_row(row: &Row<'_>) -> Result<EventRow> {
    Ok(EventRow {
        id: EventId(row.get("id")?),
        connection: word(row, "connection")?,
        source: word(row, "source")?,
        topic: row.get("topic")?,
        kind: word(row, "kind")?,
        record: optional_word(row, "record")?,
        occurred_at: row.get::<_, Option<i64>>("occurred_at")?.map(Timestamp),
        received_at: Timestamp(row.get("received_at")?),
        delivered: delivered(row)?,
        ignored: row.get("ignored")?,
        execution: row.get::<_, Option<i64>>("execution_id")?.map(ExecutionId),
    })
}

/// How an event's deliveries went.
pub(super) fn delivered(row: &Row<'_>) -> Result<Delivered> {
    Ok(Delivered {
        times: row.get("deliveries")?,
        last_at: row.get::<_, Option<i64>>("last_delivered_at")?.map(Timestamp),
        sent: Sent {
            first_at: row.get::<_, Option<i64>>("first_sent_at")?.map(Timestamp),
            attempt: row.get("vendor_attempt")?,
        },
    })
}
