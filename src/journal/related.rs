//! What stands around one execution: the person's records in all systems, what waits for a decision about them, their
//! other executions, what repeats it. Each by an index; some of each, the newest.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use super::{Journal, Result, facts, replay};
use crate::domain::execution::Execution;
use crate::domain::ids::ExecutionId;
use crate::domain::record::{RecordRef, System};
use crate::domain::related::{Door, Related};

/// Of each kind at most so many.
const MOST: i64 = 20;
/// Events that may say which workspace a vendor's records lie in; older ones are not looked at.
const LATELY: i64 = 2_000;

impl Journal {
    /// What stands around an execution; nothing when it is gone.
    pub async fn related(&self, id: ExecutionId) -> Result<Option<Related>> {
        self.read(move |connection| related(connection, id)).await
    }

    /// The workspace or portal that a vendor's events name, where one came lately.
    pub async fn workspace(&self, system: System) -> Result<Option<String>> {
        let key = match system {
            System::Intercom => "app_id",
            System::Hubspot => "portalId",
            System::Salesforce => return Ok(None),
        };
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM events WHERE id > (SELECT coalesce(max(id), 0) FROM events) - ?2 \
                 AND connection = ?1 AND source = 'webhook' ORDER BY id DESC LIMIT 3",
            )?;
            let mut found = statement.query(params![system.as_str(), LATELY])?;
            while let Some(row) = found.next()? {
                let body = rows::event(connection, row)?.body;
                let Ok(body) = serde_json::from_str::<serde_json::Value>(&body) else { continue };
                let value = body.get(key).or_else(|| body.get(0)?.get(key));
                if let Some(value) =
                    value.map(crate::domain::record::value_text).filter(|text| !text.is_empty())
                {
                    return Ok(Some(value));
                }
            }
            Ok(None)
        })
        .await
    }
}

fn related(connection: &Connection, id: ExecutionId) -> Result<Option<Related>> {
    let found = connection
        .prepare_cached(&format!("SELECT {}, person FROM executions WHERE id = ?1", rows::EXECUTION))?
        .query_row([id.0], |row| {
            Ok(rows::execution(row)
                .and_then(|own| Ok((own, rows::optional_word::<RecordRef>(row, "person")?))))
        })
        .optional()?
        .transpose()?;
    let Some((own, person)) = found else { return Ok(None) };
    let mut related = Related { replay_of: own.replay_of, ..Related::default() };
    for record in own.record.iter().chain(&person) {
        related.records.push(record.clone());
        related.records.extend(facts::known(connection, record)?.records);
    }
    related.records.sort();
    related.records.dedup();
    related.replayed_as = replay::replayed_as(connection, id)?;
    related.aside = connection
        .prepare_cached("SELECT actor FROM put_aside WHERE execution_id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    for record in &related.records {
        let name = record.to_string();
        doors(connection, &name, &mut related.items)?;
        related.others.extend(executions(connection, "record = ?1", &name)?);
        related.others.extend(executions(connection, "person = ?1", &name)?);
    }
    let mut linked = connection.prepare_cached(&format!(
        "SELECT {} FROM executions WHERE replay_of = ?1 ORDER BY id DESC LIMIT {MOST}",
        rows::EXECUTION
    ))?;
    let mut rows = linked.query([id.0])?;
    while let Some(row) = rows.next()? {
        related.repeats.push(rows::execution(row)?);
    }
    let repeats: Vec<ExecutionId> = related.repeats.iter().map(|other| other.id).collect();
    related.others.retain(|other| other.id != id && !repeats.contains(&other.id));
    related.others.sort_by_key(|other| std::cmp::Reverse(other.id));
    related.others.dedup_by_key(|other| other.id);
    related.others.truncate(MOST as usize);
    related.items.sort_by(|a, b| a.id.cmp(&b.id));
    related.items.dedup_by(|a, b| a.id == b.id);
    Ok(Some(related))
}

fn executions(connection: &Connection, which: &str, record: &str) -> Result<Vec<Execution>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM executions WHERE {which} ORDER BY id DESC LIMIT {MOST}",
        rows::EXECUTION
    ))?;
    let mut found = statement.query([record])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(rows::execution(row)?);
    }
    Ok(all)
}

/// What waits for a decision about a record.
fn doors(connection: &Connection, record: &str, doors: &mut Vec<Door>) -> Result<()> {
    const LOOKS: [(&str, &str); 4] = [
        (
            "cf",
            "SELECT id, field || ': ' || replace(kind, '_', ' ') FROM conflicts WHERE left_record = ?1 \
             AND state IN ('open', 'deciding') ORDER BY id LIMIT 20",
        ),
        (
            "du",
            "SELECT id, subject || ', ' || CAST(round(probability * 100) AS INTEGER) || ' %' FROM duplicates \
             WHERE left_record = ?1 AND state IN ('open', 'deciding') ORDER BY id LIMIT 20",
        ),
        (
            "du",
            "SELECT id, subject || ', ' || CAST(round(probability * 100) AS INTEGER) || ' %' FROM duplicates \
             WHERE right_record = ?1 AND state IN ('open', 'deciding') ORDER BY id LIMIT 20",
        ),
        (
            "un",
            "SELECT id, subject || ': no company' FROM unlinked WHERE contact = ?1 \
             AND state IN ('open', 'deciding') ORDER BY id LIMIT 20",
        ),
    ];
    for (kind, sql) in LOOKS {
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = statement.query([record])?;
        while let Some(row) = found.next()? {
            doors.push(Door { id: format!("{kind}_{}", row.get::<_, i64>(0)?), words: row.get(1)? });
        }
    }
    Ok(())
}
