//! The echo ledger: what we wrote, which of it still stands, and how long a chain of changes answering each other is.
//!
//! An echo is recognised by what we wrote, never by timing. Whether a change is dropped or a chain is cut short is the
//! engine's business; nothing is decided here.

use rusqlite::{Connection, params};

use super::facts::value_hash;
use super::{Journal, Result};
use crate::domain::agreement::{Echo, FieldWrite};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ExecutionId;
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::{Mirror, RecordRef};

impl Journal {
    /// Which of these values of a record we wrote ourselves since a time; answers in the order asked.
    pub async fn echoes(
        &self,
        record: &RecordRef,
        values: Vec<(String, String)>,
        since: Timestamp,
    ) -> Result<Vec<bool>> {
        let record = record.to_string();
        self.read(move |connection| written(connection, &record, &values, since, false)).await
    }

    /// Which of these values we wrote and nobody, as far as we know, has changed since. Only such a value says nothing
    /// new when it comes: one that was changed and comes again is somebody's going back to it.
    pub async fn standing_echoes(
        &self,
        record: &RecordRef,
        values: Vec<(String, String)>,
        since: Timestamp,
    ) -> Result<Vec<bool>> {
        let record = record.to_string();
        self.read(move |connection| written(connection, &record, &values, since, true)).await
    }

    /// Our last write to each field of a record since a time.
    pub async fn field_writes(&self, record: &RecordRef, since: Timestamp) -> Result<Vec<FieldWrite>> {
        let record = record.to_string();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT field, value_hash, hops FROM field_writes WHERE record = ?1 AND at >= ?2",
            )?;
            let mut found = statement.query(params![record, since.0])?;
            let mut writes = Vec::new();
            while let Some(row) = found.next()? {
                writes.push(FieldWrite {
                    field: row.get("field")?,
                    value_hash: row.get("value_hash")?,
                    hops: row.get("hops")?,
                });
            }
            Ok(writes)
        })
        .await
    }

    /// Drops what we wrote before a time: it will not come back as an event any more.
    pub async fn forget_echoes(&self, before: Timestamp) -> Result<()> {
        self.write(move |connection| {
            connection.prepare_cached("DELETE FROM echoes WHERE at < ?1")?.execute([before.0])?;
            connection.prepare_cached("DELETE FROM field_writes WHERE at < ?1")?.execute([before.0])?;
            Ok(())
        })
        .await
    }
}

fn written(
    connection: &Connection,
    record: &str,
    values: &[(String, String)],
    since: Timestamp,
    standing: bool,
) -> Result<Vec<bool>> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM echoes WHERE record = ?1 AND field = ?2 AND value_hash = ?3 AND at >= ?4 AND current >= ?5",
    )?;
    let exists = |(field, hash): &(String, String)| {
        Ok(statement.exists(params![record, field, hash, since.0, i64::from(standing)])?)
    };
    values.iter().map(exists).collect()
}

/// Values we are about to write stand from now on, and earlier ones of the same fields no longer do.
pub(super) fn remember(connection: &Connection, now: Timestamp, echoes: &[Echo]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO echoes (record, field, value_hash, at, current) VALUES (?1, ?2, ?3, ?4, 1) \
         ON CONFLICT (record, field, value_hash) DO UPDATE SET at = excluded.at, current = 1",
    )?;
    let mut earlier = connection.prepare_cached(
        "UPDATE echoes SET current = 0 WHERE record = ?1 AND field = ?2 AND value_hash <> ?3 AND current = 1",
    )?;
    for echo in echoes {
        let record = echo.record.to_string();
        statement.execute(params![record, echo.field, echo.value_hash, now.0])?;
        // Records about to be made share one name until each has an id: none of them replaces another's values.
        if !echo.record.is_to_be_made() {
            earlier.execute(params![record, echo.field, echo.value_hash])?;
        }
    }
    Ok(())
}

/// A record as somebody read it: what it holds otherwise than we wrote it no longer stands.
pub(super) fn superseded(connection: &Connection, mirror: &Mirror) -> Result<()> {
    let record = mirror.record.to_string();
    let mut statement = connection
        .prepare_cached("SELECT field, value_hash FROM echoes WHERE record = ?1 AND current = 1")?;
    let mut found = statement.query([&record])?;
    let none = serde_json::Value::Null;
    let mut changed = Vec::new();
    while let Some(row) = found.next()? {
        let (field, hash): (String, String) = (row.get("field")?, row.get("value_hash")?);
        if value_hash(mirror.fields.get(&field).unwrap_or(&none)) != hash {
            changed.push((field, hash));
        }
    }
    for (field, hash) in changed {
        connection
            .prepare_cached(
                "UPDATE echoes SET current = 0 WHERE record = ?1 AND field = ?2 AND value_hash = ?3",
            )?
            .execute(params![record, field, hash])?;
    }
    Ok(())
}

/// The updates of a plan that are done, as our last writes to their fields, each with its hop count. What a human
/// decided begins a chain of its own.
pub(super) fn note_writes(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    plan: Option<&Plan>,
) -> Result<()> {
    let Some(plan) = plan else { return Ok(()) };
    let mut statement = connection.prepare_cached(
        "INSERT INTO field_writes (record, field, value_hash, at, execution_id, hops) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (record, field) DO UPDATE SET value_hash = excluded.value_hash, at = excluded.at, \
         execution_id = excluded.execution_id, hops = excluded.hops WHERE execution_id <> excluded.execution_id",
    )?;
    for step in plan.steps.iter().filter(|step| step.state == StepState::Done) {
        let Effect::Update { record, fields } = &step.effect else { continue };
        for (field, value) in fields {
            let hops = plan.hops.get(&Plan::hops_key(record, field)).copied().unwrap_or(1);
            statement.execute(params![record.to_string(), field, value_hash(value), now.0, id.0, hops])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::record::{ObjectKind, System};
    use crate::journal::{facts, migrate};

    /// What may happen to one field of one record, in any order.
    #[derive(Debug, Clone)]
    enum Happening {
        /// We write a value.
        Ours(u8),
        /// Somebody else changes it.
        Theirs(u8),
        /// One of the events that are on their way arrives, not always the oldest.
        Arrives(usize),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            (0..4_u8).prop_map(Happening::Ours),
            (0..4_u8).prop_map(Happening::Theirs),
            (0..8_usize).prop_map(Happening::Arrives),
        ]
    }

    fn record() -> RecordRef {
        RecordRef::new(System::Hubspot, ObjectKind::Contact, "1")
    }

    fn text(value: u8) -> Value {
        json!(format!("value {value}"))
    }

    fn see(journal: &Connection, value: u8) {
        let fields = [("phone".to_owned(), text(value))].into_iter().collect();
        let mirror = Mirror {
            record: record(),
            fields,
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        };
        facts::put_mirrors(journal, Timestamp(1), &[mirror]).expect("stored");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// Whatever is written, changed and delivered in whatever order: when all events have arrived, we have seen
        /// what the vendor holds, so no change of somebody else's was taken for our echo and lost.
        #[test]
        fn g11_an_event_that_is_dropped_told_nothing_new(
            happenings in prop::collection::vec(happening(), 1..30)
        ) {
            let mut journal = Connection::open_in_memory().expect("memory");
            migrate::migrate(&mut journal, Path::new("memory")).expect("made");
            let (mut held, mut seen, mut coming) = (0, 0, Vec::new());
            see(&journal, 0);
            let arrives = |journal: &Connection, value: u8, held: u8, seen: &mut u8| {
                let asked = [("phone".to_owned(), value_hash(&text(value)))];
                let dropped = written(journal, &record().to_string(), &asked, Timestamp(0), true).expect("asked");
                if dropped == [false] {
                    see(journal, held);
                    *seen = held;
                }
            };
            for happening in happenings {
                match happening {
                    Happening::Ours(value) => {
                        let echo = Echo {
                            record: record(),
                            field: "phone".into(),
                            value_hash: value_hash(&text(value)),
                        };
                        remember(&journal, Timestamp(1), &[echo]).expect("stored");
                        held = value;
                        coming.push(value);
                        see(&journal, value);
                        seen = value;
                    }
                    Happening::Theirs(value) => {
                        held = value;
                        coming.push(value);
                    }
                    Happening::Arrives(which) if !coming.is_empty() => {
                        let value = coming.remove(which % coming.len());
                        arrives(&journal, value, held, &mut seen);
                    }
                    Happening::Arrives(_) => {}
                }
            }
            for value in coming.drain(..).rev() {
                arrives(&journal, value, held, &mut seen);
            }
            prop_assert_eq!(held, seen);
        }
    }
}
