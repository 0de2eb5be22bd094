//! Taking merges back: who has begun it, what a merge left behind, and what is true once it is done.
//!
//! Everything an undo makes true is one transaction with the settlement of its execution: the merge is marked, the
//! people are two again, and the pair is called different. Nothing here calls a vendor.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, to_json};
use super::verdicts::{self, NewVerdict};
use super::{Journal, JournalError, Result, audit, facts, merges, sealing};
use crate::domain::audit::NewEntry;
use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{DecisionId, DuplicateId, ExecutionId};
use crate::domain::record::RecordRef;
use crate::domain::review::{Decision, Duplicate, ReviewState, Verdict};

use super::intake::NewExecution;

/// What is true once a merge is taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenBack {
    /// The execution that merged.
    pub merge: ExecutionId,
    /// For each record that is there again: it, first, and the records of other systems that are the same person.
    pub people: Vec<Vec<RecordRef>>,
    /// The pairs that are two records from now on, as a scan would find them.
    pub apart: Vec<Duplicate>,
}

impl Journal {
    /// What a merge left behind, as it was read when its execution was done; empty when nobody looked.
    pub async fn after_merge(&self, id: ExecutionId) -> Result<Vec<PreImage>> {
        self.read(move |connection| {
            let cell: Option<String> = connection
                .prepare_cached(
                    "SELECT records FROM capsules WHERE execution_id = ?1 AND taken = 'after' ORDER BY id DESC LIMIT 1",
                )?
                .query_row([id.0], |row| row.get(0))
                .optional()?;
            let Some(cell) = cell else { return Ok(Vec::new()) };
            match sealing::open(connection, "capsules.records", &place(id), cell)? {
                sealing::Opened::Text(text) => rows::from_json(&text, "capsules.records"),
                // The pre-image is erased with it, and is asked for first.
                sealing::Opened::Erased(_) => Ok(Vec::new()),
            }
        })
        .await
    }

    /// Executions that ended without having taken their merge back are no reason not to begin again.
    pub async fn undoing(&self, merge: ExecutionId) -> Result<Option<ExecutionId>> {
        self.read(move |connection| undoing(connection, merge)).await
    }
}

fn place(id: ExecutionId) -> String {
    format!("capsules.records/{}", id.0)
}

/// Keeps what a merge left behind.
pub(super) fn keep_after(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    images: &[PreImage],
) -> Result<()> {
    if images.is_empty() {
        return Ok(());
    }
    let records = sealing::seal_of(connection, id, &place(id), &to_json(&images)?)?;
    connection
        .prepare_cached(
            "INSERT INTO capsules (execution_id, at, records, taken) VALUES (?1, ?2, ?3, 'after')",
        )?
        .execute(params![id.0, now.0, records])?;
    Ok(())
}

/// The execution that is taking a merge back, or has begun to and stopped.
fn undoing(connection: &Connection, merge: ExecutionId) -> Result<Option<ExecutionId>> {
    Ok(connection
        .prepare_cached(
            "SELECT undoing_id FROM merges JOIN executions ON executions.id = undoing_id WHERE execution_id = ?1 \
             AND merges.state = 'done' AND executions.status NOT IN ('discarded', 'skipped', 'succeeded') LIMIT 1",
        )?
        .query_row([merge.0], |row| row.get(0))
        .optional()?
        .map(ExecutionId))
}

/// Records the decision to take a merge back; one at a time.
pub(super) fn decide(
    connection: &Connection,
    now: Timestamp,
    (decision, merge): (&Decision, ExecutionId),
    new: &NewExecution,
    actor: &str,
) -> Result<ExecutionId> {
    if let Some(begun) = undoing(connection, merge)? {
        return Err(JournalError::Refused(format!(
            "{begun} takes {merge} back already; `reknit show {begun}` tells how far it got, and `reknit retry {begun}` \
             goes on with it"
        )));
    }
    connection
        .prepare_cached("INSERT INTO decisions (at, actor, decision) VALUES (?1, ?2, ?3)")?
        .execute(params![now.0, actor, to_json(decision)?])?;
    let number = DecisionId(connection.last_insert_rowid());
    let execution = super::intake::insert(connection, now, None, Some(number), new)?;
    let changed = connection
        .prepare_cached(
            "UPDATE merges SET undoing_id = ?2 WHERE execution_id = ?1 AND state = 'done' AND undone_at IS NULL",
        )?
        .execute([merge.0, execution.0])?;
    if changed == 0 {
        return Err(JournalError::Refused(format!("{merge} merged nothing, or it was taken back before")));
    }
    let entry = NewEntry {
        actor: actor.to_owned(),
        verb: "undo_merge".to_owned(),
        object: merge.to_string(),
        note: format!("Carried out by {execution}."),
    };
    audit::append(connection, now, &[entry])?;
    Ok(execution)
}

/// A merge is taken back: it is marked, its people are two again, their pairs are called different.
pub(super) fn take_back(
    connection: &Connection,
    now: Timestamp,
    execution: ExecutionId,
    taken: &TakenBack,
) -> Result<()> {
    let actor: String = connection
        .prepare_cached(
            "SELECT decisions.actor FROM executions JOIN decisions ON decisions.id = executions.decision_id \
             WHERE executions.id = ?1",
        )?
        .query_row([execution.0], |row| row.get(0))
        .optional()?
        .unwrap_or_else(|| "engine".to_owned());
    merges::mark_undone(connection, now, taken.merge, &actor, Some(execution))?;
    for people in &taken.people {
        // They leave whoever they were merged with; what that person has agreed on stays with the survivor.
        for record in people {
            connection
                .prepare_cached("DELETE FROM identities WHERE record = ?1")?
                .execute([record.to_string()])?;
            connection
                .prepare_cached("DELETE FROM former_identities WHERE record = ?1")?
                .execute([record.to_string()])?;
        }
        facts::unite(connection, people)?;
    }
    let words = format!("merged by {} and taken back by {execution}", taken.merge);
    let mut pairs: Vec<DuplicateId> = connection
        .prepare_cached(
            "SELECT DISTINCT duplicate_id FROM merges WHERE execution_id = ?1 AND duplicate_id IS NOT NULL",
        )?
        .query_map([taken.merge.0], |row| row.get(0).map(DuplicateId))?
        .collect::<rusqlite::Result<_>>()?;
    for pair in &taken.apart {
        pairs.push(put(connection, now, pair)?);
    }
    for id in pairs {
        let verdict = NewVerdict { id, verdict: Verdict::Different, until: None, reason: words.clone() };
        match verdicts::judge(connection, now, &verdict, &actor, true) {
            // The pair has gone its own way since; what was taken back stays taken back.
            Ok(_) | Err(JournalError::Refused(_) | JournalError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A pair as it stands now, ready to be judged.
fn put(connection: &Connection, now: Timestamp, pair: &Duplicate) -> Result<DuplicateId> {
    connection
        .prepare_cached(
            "INSERT INTO duplicates (subject, left_record, left_fields, right_record, right_fields, probability, band, \
             evidence, fingerprint, obstacle, state, created_at, last_seen, evidence_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?12) \
             ON CONFLICT (left_record, right_record) DO UPDATE SET subject = excluded.subject, \
             left_fields = excluded.left_fields, right_fields = excluded.right_fields, \
             probability = excluded.probability, band = excluded.band, evidence = excluded.evidence, \
             fingerprint = excluded.fingerprint, state = excluded.state, resolution = excluded.resolution",
        )?
        .execute(params![
            pair.subject,
            pair.left.to_string(),
            to_json(&pair.left_fields)?,
            pair.right.to_string(),
            to_json(&pair.right_fields)?,
            pair.probability,
            pair.band.as_str(),
            to_json(&pair.evidence)?,
            pair.fingerprint,
            pair.obstacle,
            ReviewState::Done.as_str(),
            now.0,
        ])?;
    Ok(connection
        .prepare_cached("SELECT id FROM duplicates WHERE left_record = ?1 AND right_record = ?2")?
        .query_row([pair.left.to_string(), pair.right.to_string()], |row| row.get(0).map(DuplicateId))?)
}
