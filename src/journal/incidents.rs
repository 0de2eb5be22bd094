//! Duplicates of our own making: the traces by which each came about, and the cause once it is known. It judges nothing.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Journal, Result, rows};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{DuplicateId, ExecutionId};
use crate::domain::record::{Fields, RecordRef};
use crate::domain::review::incident::{Cause, Maker, Traces};

/// One incident, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LabelledIncident {
    /// The duplicate candidate.
    pub duplicate: DuplicateId,
    /// The execution that made the later record.
    pub execution: ExecutionId,
    /// Its recipe.
    pub recipe: String,
    /// The execution that made the other record, where one of ours did.
    pub other: Option<ExecutionId>,
    /// When it was found.
    pub at: Timestamp,
    /// Why it came about.
    pub cause: Option<Cause>,
    /// By what that is known.
    pub sentence: Option<String>,
    /// Where the pair stands.
    pub state: String,
}

impl Journal {
    /// What is known of incidents whose cause nobody looked for yet. `created_field` names of times are read elsewhere.
    pub async fn unlabelled_incidents(&self, limit: usize) -> Result<Vec<Traces>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT duplicate_id FROM duplicate_incidents WHERE cause IS NULL ORDER BY duplicate_id LIMIT ?1",
            )?;
            let ids = statement
                .query_map([limit as i64], |row| row.get::<_, i64>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(traces(connection, id)?);
            }
            Ok(found)
        })
        .await
    }

    /// Stores why an incident came about; on the incident and on the pair.
    pub async fn label_incident(&self, id: DuplicateId, cause: Cause, sentence: String) -> Result<()> {
        self.write(move |connection| {
            let labelled = connection
                .prepare_cached(
                    "UPDATE duplicate_incidents SET cause = ?2, sentence = ?3 WHERE duplicate_id = ?1 AND cause IS NULL",
                )?
                .execute(params![id.0, cause.as_str(), sentence])?;
            if labelled == 1 {
                connection
                    .prepare_cached("UPDATE duplicates SET origin = ?2 WHERE id = ?1")?
                    .execute(params![id.0, sentence])?;
            }
            Ok(())
        })
        .await
    }

    /// The latest incidents with their causes, the newest first. Pairs judged different are none.
    pub async fn labelled_incidents(&self, limit: usize) -> Result<Vec<LabelledIncident>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT incident.*, pair.state FROM duplicate_incidents AS incident \
                 JOIN duplicates AS pair ON pair.id = incident.duplicate_id \
                 WHERE NOT (pair.state = 'dismissed' AND coalesce(pair.verdict, 'different') = 'different') \
                 ORDER BY incident.at DESC, incident.duplicate_id DESC LIMIT ?1",
            )?;
            let mut found = statement.query([limit as i64])?;
            let mut incidents = Vec::new();
            while let Some(row) = found.next()? {
                incidents.push(LabelledIncident {
                    duplicate: DuplicateId(row.get("duplicate_id")?),
                    execution: ExecutionId(row.get("execution_id")?),
                    recipe: row.get("recipe")?,
                    other: row.get::<_, Option<i64>>("other_id")?.map(ExecutionId),
                    at: Timestamp(row.get("at")?),
                    cause: rows::optional_word(row, "cause")?,
                    sentence: row.get("sentence")?,
                    state: row.get("state")?,
                });
            }
            Ok(incidents)
        })
        .await
    }
}

fn maker(connection: &Connection, record: &RecordRef) -> Result<Option<Maker>> {
    let found = connection
        .prepare_cached(
            "SELECT made.execution_id, made.recipe, made.at, \
             coalesce((SELECT min(started_at) FROM attempts WHERE execution_id = made.execution_id), run.created_at, made.at) \
             FROM created_records AS made LEFT JOIN executions AS run ON run.id = made.execution_id WHERE made.record = ?1",
        )?
        .query_row([record.to_string()], |row| {
            Ok(Maker {
                execution: ExecutionId(row.get(0)?),
                recipe: row.get(1)?,
                to: Timestamp(row.get(2)?),
                from: Timestamp(row.get(3)?),
            })
        })
        .optional()?;
    Ok(found)
}

fn incident(row: &Row<'_>) -> Result<(i64, RecordRef, RecordRef, Fields, Fields)> {
    Ok((
        row.get("execution_id")?,
        rows::word(row, "left_record")?,
        rows::word(row, "right_record")?,
        rows::json(row, "left_fields")?,
        rows::json(row, "right_fields")?,
    ))
}

fn traces(connection: &Connection, id: i64) -> Result<Option<Traces>> {
    let found = connection
        .prepare_cached(
            "SELECT incident.execution_id, pair.left_record, pair.right_record, pair.left_fields, pair.right_fields \
             FROM duplicate_incidents AS incident JOIN duplicates AS pair ON pair.id = incident.duplicate_id \
             WHERE incident.duplicate_id = ?1",
        )?
        .query_row([id], |row| Ok(incident(row)))
        .optional()?
        .transpose()?;
    let Some((execution, left, right, left_fields, right_fields)) = found else { return Ok(None) };
    let (one, other) = (maker(connection, &left)?, maker(connection, &right)?);
    let left_is_ours = one.as_ref().is_some_and(|maker| maker.execution.0 == execution);
    let (made, made_fields, by, rest, rest_fields, rest_by) = if left_is_ours {
        (left, left_fields, one, right, right_fields, other)
    } else {
        (right, right_fields, other, left, left_fields, one)
    };
    let Some(by) = by else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT purpose FROM attempts WHERE execution_id = ?1 AND purpose LIKE 'find % by %' AND status < 500 \
         ORDER BY id LIMIT 20",
    )?;
    let lookups = statement
        .query_map([by.execution.0], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(Some(Traces {
        duplicate: DuplicateId(id),
        made,
        made_fields,
        maker: by,
        lookups,
        other: rest,
        other_fields: rest_fields,
        other_maker: rest_by,
        other_created: None,
    }))
}
