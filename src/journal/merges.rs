//! What was merged into what: one row for each record that went away, written with the intent and the settlement of
//! its execution, so that no crash leaves a merge of which nobody knows.
//!
//! Rows hold ids only. Values stand in the capsules and in the plan, sealed.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::{Journal, JournalError, Result, audit, rows};
use crate::domain::audit::NewEntry;
use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{CapsuleId, DuplicateId, ExecutionId};
use crate::domain::merge::{MergeRecord, MergeState, Merged, Undone};
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::RecordRef;
use crate::domain::review::Duplicate;

impl Journal {
    /// What an execution merged; none when it merged nothing.
    pub async fn merge_of_execution(&self, id: ExecutionId) -> Result<Option<MergeRecord>> {
        self.read(move |connection| of_execution(connection, id)).await
    }

    /// The newest execution that merged a duplicate candidate.
    pub async fn merge_of_duplicate(&self, id: DuplicateId) -> Result<Option<MergeRecord>> {
        self.read(move |connection| {
            let execution: Option<i64> = connection
                .prepare_cached("SELECT max(execution_id) FROM merges WHERE duplicate_id = ?1")?
                .query_row([id.0], |row| row.get(0))?;
            execution.map_or(Ok(None), |execution| of_execution(connection, ExecutionId(execution)))
        })
        .await
    }

    /// The newest execution that made a record go away.
    pub async fn merge_of_record(&self, record: &RecordRef) -> Result<Option<MergeRecord>> {
        let name = record.to_string();
        self.read(move |connection| {
            let execution: Option<i64> = connection
                .prepare_cached(
                    "SELECT max(execution_id) FROM merges WHERE absorbed = ?1 AND state = 'done'",
                )?
                .query_row([name], |row| row.get(0))?;
            execution.map_or(Ok(None), |execution| of_execution(connection, ExecutionId(execution)))
        })
        .await
    }

    /// The newest merges that happened, newest first.
    pub async fn merges(&self, limit: usize) -> Result<Vec<MergeRecord>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT execution_id FROM merges WHERE state = 'done' ORDER BY execution_id DESC LIMIT ?1",
            )?;
            let ids: Vec<i64> = statement
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            ids.into_iter().filter_map(|id| of_execution(connection, ExecutionId(id)).transpose()).collect()
        })
        .await
    }

    /// Every duplicate candidate, whatever its state, that names one of these records.
    pub async fn pairs_with(&self, records: &[RecordRef]) -> Result<Vec<Duplicate>> {
        let names: Vec<String> = records.iter().map(ToString::to_string).collect();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM duplicate_rows WHERE left_record = ?1 OR right_record = ?1 \
                 ORDER BY probability DESC, id",
            )?;
            let mut pairs: Vec<Duplicate> = Vec::new();
            for name in &names {
                let mut found = statement.query([name])?;
                while let Some(row) = found.next()? {
                    let pair = rows::duplicate(row)?;
                    if !pairs.iter().any(|known| known.id == pair.id) {
                        pairs.push(pair);
                    }
                }
            }
            Ok(pairs)
        })
        .await
    }

    /// Every record an execution's merges touched, as it was before the first of them.
    pub async fn before_merge(&self, id: ExecutionId) -> Result<Vec<PreImage>> {
        let mut seen = HashSet::new();
        let mut images = Vec::new();
        for capsule in self.capsules_of(id).await? {
            for image in self.capsule(capsule).await?.unwrap_or_default() {
                if seen.insert(image.mirror.record.clone()) {
                    images.push(image);
                }
            }
        }
        Ok(images)
    }

    /// Notes that an execution's merges were taken back; refused when they were before, or never happened.
    pub async fn merge_undone(
        &self,
        id: ExecutionId,
        by: String,
        undoing: Option<ExecutionId>,
    ) -> Result<()> {
        let now = self.now();
        self.write(move |connection| mark_undone(connection, now, id, &by, undoing)).await
    }
}

/// Marks the merges of an execution as taken back, in a transaction of somebody else's.
pub(super) fn mark_undone(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    by: &str,
    undoing: Option<ExecutionId>,
) -> Result<()> {
    let changed = connection
        .prepare_cached(
            "UPDATE merges SET undone_at = ?2, undone_by = ?3, undoing_id = ?4 \
             WHERE execution_id = ?1 AND state = 'done' AND undone_at IS NULL",
        )?
        .execute(params![id.0, now.0, by, undoing.map(|id| id.0)])?;
    if changed == 0 {
        return Err(JournalError::Refused(format!("{id} merged nothing, or it was taken back before")));
    }
    let note = undoing.map_or_else(
        || "Its merges were taken back.".to_owned(),
        |by| format!("Its merges were taken back by {by}."),
    );
    let entry =
        NewEntry { actor: by.to_owned(), verb: "undo_merge".to_owned(), object: id.to_string(), note };
    audit::append(connection, now, &[entry])
}

/// Notes the merges of a plan as far as they got; `capsule` is the pre-image that was taken for the step begun now.
pub(super) fn record(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    plan: &Plan,
    capsule: Option<CapsuleId>,
) -> Result<()> {
    for (place, step) in plan.steps.iter().enumerate() {
        let Effect::Merge { survivor, .. } = &step.effect else { continue };
        let state = match step.state {
            StepState::Waiting => continue,
            StepState::Begun | StepState::InDoubt => MergeState::Begun,
            StepState::Done => MergeState::Done,
            StepState::Failed => MergeState::Refused,
        };
        let begun_now = if step.state == StepState::Begun { capsule } else { None };
        for absorbed in step.effect.absorbed() {
            connection
                .prepare_cached(
                    "INSERT INTO merges (execution_id, step, absorbed, survivor, result, duplicate_id, capsule_id, \
                     state, at) VALUES (?1, ?2, ?3, ?4, ?5, coalesce((SELECT id FROM duplicates WHERE \
                     (left_record = ?3 AND right_record = ?4) OR (left_record = ?4 AND right_record = ?3)), \
                     (SELECT id FROM duplicates WHERE deciding_id = ?1)), ?6, ?7, ?8) \
                     ON CONFLICT (execution_id, absorbed) DO UPDATE SET step = excluded.step, \
                     survivor = excluded.survivor, result = excluded.result, state = excluded.state, \
                     capsule_id = coalesce(excluded.capsule_id, capsule_id)",
                )?
                .execute(params![
                    id.0,
                    i64::try_from(place).unwrap_or(i64::MAX),
                    absorbed.to_string(),
                    survivor.to_string(),
                    step.result.as_ref().map(ToString::to_string),
                    begun_now.map(|capsule| capsule.0),
                    state.as_str(),
                    now.0,
                ])?;
        }
    }
    Ok(())
}

fn of_execution(connection: &Connection, id: ExecutionId) -> Result<Option<MergeRecord>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM merges WHERE execution_id = ?1 ORDER BY step, absorbed")?;
    let mut found = statement.query([id.0])?;
    let mut merged = Vec::new();
    let mut undone = None;
    while let Some(row) = found.next()? {
        merged.push(one(row)?);
        if let Some(at) = row.get::<_, Option<i64>>("undone_at")? {
            undone = Some(Undone {
                at: Timestamp(at),
                by: row.get::<_, Option<String>>("undone_by")?.unwrap_or_default(),
                execution: row.get::<_, Option<i64>>("undoing_id")?.map(ExecutionId),
            });
        }
    }
    Ok((!merged.is_empty()).then_some(MergeRecord { execution: id, merged, undone }))
}

fn one(row: &Row<'_>) -> Result<Merged> {
    Ok(Merged {
        step: row.get("step")?,
        absorbed: rows::word(row, "absorbed")?,
        survivor: rows::word(row, "survivor")?,
        result: rows::optional_word(row, "result")?,
        duplicate: row.get::<_, Option<i64>>("duplicate_id")?.map(DuplicateId),
        capsule: row.get::<_, Option<i64>>("capsule_id")?.map(CapsuleId),
        state: rows::word(row, "state")?,
        at: Timestamp(row.get("at")?),
    })
}
