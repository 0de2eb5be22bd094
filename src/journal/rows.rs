//! Between rows and domain types: how each column is read back, with an error that names it.

use rusqlite::{Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{JournalError, Result, sealing};
use crate::domain::clock::Timestamp;
use crate::domain::event::Event;
use crate::domain::execution::{Attempt, Execution, Priority};
use crate::domain::ids::{ConflictId, DecisionId, DuplicateId, EventId, ExecutionId, UnlinkedId};
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::review::{Conflict, Duplicate, Judgement, Standing, Unlinked};

/// A column that holds one of our words or ids.
pub(super) fn word<T: std::str::FromStr>(row: &Row<'_>, column: &'static str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    let text: String = row.get(column)?;
    parse(&text, column)
}

/// Like [`word`], for a column that may be null.
pub(super) fn optional_word<T: std::str::FromStr>(row: &Row<'_>, column: &'static str) -> Result<Option<T>>
where
    T::Err: std::fmt::Display,
{
    row.get::<_, Option<String>>(column)?.map(|text| parse(&text, column)).transpose()
}

pub(super) fn parse<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| JournalError::Damaged { what, why: error.to_string() })
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T> {
    let text: String = row.get(column)?;
    from_json(&text, column)
}

/// Like [`json`], for a column that may be null.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| from_json(&text, column)).transpose()
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| JournalError::Damaged { what, why: error.to_string() })
}

pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| JournalError::Sql(format!("a value cannot be written as JSON: {error}")))
}

fn time(row: &Row<'_>, column: &'static str) -> Result<Timestamp> {
    Ok(Timestamp(row.get(column)?))
}

fn optional_time(row: &Row<'_>, column: &'static str) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

pub(super) const EXECUTION: &str = "id, event_id, decision_id, recipe, subject, record, status, outcome, sentence, \
     error_class, error_code, attempts, max_attempts, due_at, priority, created_at, updated_at, editions, cause, replay_of";

pub(super) fn execution(row: &Row<'_>) -> Result<Execution> {
    let rank: i64 = row.get("priority")?;
    Ok(Execution {
        id: ExecutionId(row.get("id")?),
        event: row.get::<_, Option<i64>>("event_id")?.map(EventId),
        decision: row.get::<_, Option<i64>>("decision_id")?.map(DecisionId),
        recipe: row.get("recipe")?,
        subject: row.get("subject")?,
        record: optional_word(row, "record")?,
        status: word(row, "status")?,
        outcome: optional_word(row, "outcome")?,
        sentence: row.get("sentence")?,
        error_class: optional_word(row, "error_class")?,
        error_code: row.get("error_code")?,
        attempts: row.get("attempts")?,
        max_attempts: row.get("max_attempts")?,
        due_at: optional_time(row, "due_at")?,
        priority: Priority::ALL
            .iter()
            .copied()
            .find(|priority| priority.rank() == rank)
            .unwrap_or(Priority::Background),
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        editions: row.get("editions")?,
        cause: row.get("cause")?,
        replay_of: row.get::<_, Option<i64>>("replay_of")?.map(ExecutionId),
    })
}

/// What is sealed along with a call's request (or response).
pub(super) fn attempt_place(part: &str, execution: i64, started_at: i64) -> String {
    format!("attempts.{part}/{execution}/{started_at}")
}

/// What is sealed along with an event's body.
pub(super) fn event_place(connection: &str, delivery_key: &str) -> String {
    format!("events.body/{connection}/{delivery_key}")
}

pub(super) fn attempt(connection: &Connection, row: &Row<'_>) -> Result<Attempt> {
    let (execution, started): (i64, i64) = (row.get("execution_id")?, row.get("started_at")?);
    let opened = |part: &'static str| -> Result<String> {
        let place = attempt_place(part, execution, started);
        Ok(sealing::open(connection, "attempts", &place, row.get(part)?)?.or_notice())
    };
    Ok(Attempt {
        number: row.get("number")?,
        step: row.get("step")?,
        purpose: row.get("purpose")?,
        started_at: time(row, "started_at")?,
        duration_ms: row.get("duration_ms")?,
        method: row.get("method")?,
        url: row.get("url")?,
        request: opened("request")?,
        status: row.get("status")?,
        response: opened("response")?,
        request_id: row.get("request_id")?,
        class: optional_word(row, "class")?,
    })
}

pub(super) fn event(connection: &Connection, row: &Row<'_>) -> Result<Event> {
    let body: String = row.get("body")?;
    if sha256(&body) != row.get::<_, String>("body_sha256")? {
        return Err(JournalError::Damaged {
            what: "events.body",
            why: "its SHA-256 does not match: the file was damaged or changed".into(),
        });
    }
    let place = event_place(&row.get::<_, String>("connection")?, &row.get::<_, String>("delivery_key")?);
    let body = sealing::open(connection, "events.body", &place, body)?.or_notice();
    Ok(Event {
        id: EventId(row.get("id")?),
        connection: word(row, "connection")?,
        source: word(row, "source")?,
        delivery_key: row.get("delivery_key")?,
        topic: row.get("topic")?,
        kind: word(row, "kind")?,
        record: optional_word(row, "record")?,
        occurred_at: optional_time(row, "occurred_at")?,
        received_at: time(row, "received_at")?,
        deliveries: row.get("deliveries")?,
        body,
    })
}

pub(super) fn mirror(row: &Row<'_>) -> Result<Mirror> {
    Ok(Mirror {
        record: word(row, "record")?,
        fields: json(row, "fields")?,
        vendor_updated_at: optional_time(row, "vendor_updated_at")?,
        companies: json(row, "companies")?,
        deleted: row.get("deleted")?,
    })
}

pub(super) fn conflict(row: &Row<'_>) -> Result<Conflict> {
    Ok(Conflict {
        id: ConflictId(row.get("id")?),
        kind: word(row, "kind")?,
        subject: row.get("subject")?,
        field: row.get("field")?,
        left: word(row, "left_record")?,
        left_field: row.get("left_field")?,
        left_value: json(row, "left_value")?,
        left_changed_at: optional_time(row, "left_changed_at")?,
        left_by: optional_json(row, "left_by")?,
        right: word(row, "right_record")?,
        right_field: row.get("right_field")?,
        right_value: json(row, "right_value")?,
        right_changed_at: optional_time(row, "right_changed_at")?,
        right_by: optional_json(row, "right_by")?,
        base: optional_json(row, "base")?,
        rule: row.get("rule")?,
        line: row.get("line")?,
        decides: row.get("decides")?,
        ignored_until: optional_time(row, "ignored_until")?,
        ruled_by: row.get("ruled_by")?,
        allowed: json(row, "allowed")?,
        state: word(row, "state")?,
        execution: row.get::<_, Option<i64>>("execution_id")?.map(ExecutionId),
        deciding: row.get::<_, Option<i64>>("deciding_id")?.map(ExecutionId),
        created_at: time(row, "created_at")?,
        resolution: row.get("resolution")?,
    })
}

pub(super) fn duplicate(row: &Row<'_>) -> Result<Duplicate> {
    let obstacle: Option<String> = row.get("obstacle")?;
    let left: RecordRef = word(row, "left_record")?;
    Ok(Duplicate {
        id: DuplicateId(row.get("id")?),
        subject: row.get("subject")?,
        left,
        left_fields: json(row, "left_fields")?,
        right: word(row, "right_record")?,
        right_fields: json(row, "right_fields")?,
        probability: row.get("probability")?,
        band: word(row, "band")?,
        evidence: json(row, "evidence")?,
        fingerprint: row.get("fingerprint")?,
        mergeable: obstacle.is_none(),
        obstacle,
        state: word(row, "state")?,
        deciding: row.get::<_, Option<i64>>("deciding_id")?.map(ExecutionId),
        created_at: time(row, "created_at")?,
        resolution: row.get("resolution")?,
        standing: standing(row)?,
    })
}

fn standing(row: &Row<'_>) -> Result<Standing> {
    let judgement = match optional_word(row, "verdict")? {
        None => None,
        Some(verdict) => Some(Judgement {
            verdict,
            by: row.get::<_, Option<String>>("verdict_by")?.unwrap_or_default(),
            at: optional_time(row, "verdict_at")?.unwrap_or_default(),
            reason: row.get::<_, Option<String>>("verdict_reason")?.unwrap_or_default(),
            until: optional_time(row, "verdict_until")?,
        }),
    };
    Ok(Standing {
        last_seen: time(row, "last_seen")?,
        evidence_at: time(row, "evidence_at")?,
        judgement,
        reopened: row.get("reopened")?,
        alarm: row.get("alarm")?,
        group: row.get("cluster")?,
        members: row.get::<_, i64>("members")? as usize,
        origin: row.get("origin")?,
        common: json(row, "common")?,
    })
}

pub(super) fn unlinked(row: &Row<'_>) -> Result<Unlinked> {
    Ok(Unlinked {
        id: UnlinkedId(row.get("id")?),
        subject: row.get("subject")?,
        contact: word(row, "contact")?,
        domain: row.get("domain")?,
        hint: row.get("hint")?,
        candidates: json(row, "candidates")?,
        owner: row.get("owner")?,
        ruled_by: row.get("ruled_by")?,
        ignored_until: optional_time(row, "ignored_until")?,
        state: word(row, "state")?,
        deciding: row.get::<_, Option<i64>>("deciding_id")?.map(ExecutionId),
        created_at: time(row, "created_at")?,
        resolution: row.get("resolution")?,
    })
}

/// Lower-case hex SHA-256.
pub(super) fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
