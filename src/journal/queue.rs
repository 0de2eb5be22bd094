//! The queue: claim work under a lease, store the intent before a call, settle the result, rescue what a dead
//! worker held.
//!
//! Every change after a claim needs the claim's token and looks at the row count, so a late worker's result is
//! refused. Nothing here decides what a failure means; the engine hands in the next status.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::rows::{self, to_json, word};
use super::{Journal, JournalError, Result, audit, echoes, erasure, facts, review, sealing};
use crate::domain::agreement::{Agreement, Echo};
use crate::domain::audit::NewEntry;
use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::Event;
use crate::domain::execution::{Attempt, Execution, Outcome, Status};
use crate::domain::ids::{DecisionId, ExecutionId};
use crate::domain::plan::{FoundConflict, Plan, StepState};
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::review::Decision;

/// Claims without a settlement before an execution is taken for the cause of the crashes.
const STARTS: i64 = 3;

/// Work handed to one worker until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The execution, as it was before the claim (its status says whether it is in doubt).
    pub execution: Execution,
    /// The event that caused it.
    pub event: Option<Event>,
    /// The decision that caused it, and who took it.
    pub decision: Option<(Decision, String)>,
    /// The plan of an earlier try.
    pub plan: Option<Plan>,
    /// Needed for every later word about it.
    pub token: i64,
}

/// How long a call of a dead worker may still be on its way, or missing from a search, before it is looked for.
const IN_FLIGHT: Duration = Duration::from_secs(3);

/// Everything one turn of a worker found out, stored in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// What happened or what it waits for, as a sentence.
    pub sentence: String,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// The class of the failure.
    pub error_class: Option<ErrorClass>,
    /// The HTTP status of the failure.
    pub error_code: Option<u16>,
    /// The vendor's own words, redacted.
    pub vendor_words: Option<String>,
    /// When it runs next, if it will.
    pub due_at: Option<Timestamp>,
    /// This turn counts as a failed try.
    pub failed_try: bool,
    /// The plan as far as it got.
    pub plan: Option<Plan>,
    /// The calls of this turn.
    pub attempts: Vec<Attempt>,
    /// Records as last seen.
    pub mirrors: Vec<Mirror>,
    /// Records that are one person; all of them share one identity afterwards.
    pub identity: Vec<RecordRef>,
    /// Records that are gone: their copies are marked, their identity is dissolved.
    pub gone: Vec<RecordRef>,
    /// Absorbed or renumbered records and what they are now.
    pub remapped: Vec<(RecordRef, RecordRef)>,
    /// Fields on which both sides agree now, of the person in `identity`.
    pub agreements: Vec<Agreement>,
    /// Values of records made in this turn, now that their ids are known.
    pub echoes: Vec<Echo>,
    /// Disagreements found.
    pub conflicts: Vec<FoundConflict>,
    /// Audit lines.
    pub audit: Vec<NewEntry>,
}

/// What is stored before a call, so that whoever finds the work again after a crash knows it.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// The plan with the step begun.
    pub plan: Plan,
    /// The values about to be written, and those of records made by earlier steps.
    pub echoes: Vec<Echo>,
    /// Before a merge: every record it touches, as it is now.
    pub capsule: Vec<PreImage>,
    /// Records that are one person, as found by this turn.
    pub identity: Vec<RecordRef>,
    /// Records that earlier steps absorbed or renumbered, and what they are now.
    pub remapped: Vec<(RecordRef, RecordRef)>,
    /// Audit lines of earlier steps: a step that the plan calls done is in the audit log.
    pub audit: Vec<NewEntry>,
}

impl Journal {
    /// Takes up to `limit` executions that are due, at most one per lane, and leases them for `lease`.
    pub async fn claim(&self, limit: usize, lease: Duration) -> Result<Vec<Claim>> {
        let now = self.now();
        self.write(move |connection| claim(connection, now, limit, lease, None)).await
    }

    /// Takes one execution, if it is due and its lane is free.
    pub async fn claim_one(&self, id: ExecutionId, lease: Duration) -> Result<Option<Claim>> {
        let now = self.now();
        self.write(move |connection| Ok(claim(connection, now, 1, lease, Some(id))?.pop())).await
    }

    /// Stores the intent before a call, together with what the turn's earlier steps did. Renews the lease.
    pub async fn begin(&self, id: ExecutionId, token: i64, intent: Intent, lease: Duration) -> Result<()> {
        let now = self.now();
        let begun = self
            .write(move |connection| {
                if erasure::cuts_off(connection, now, id, token, &intent.identity)? {
                    return Ok(false);
                }
                let plan = sealing::seal_plan(connection, id, &intent.plan)?;
                let changed = connection
                    .prepare_cached(
                        "UPDATE executions SET plan = ?3, lease_until = ?4, updated_at = ?5 \
                     WHERE id = ?1 AND lease_token = ?2 AND status = 'running'",
                    )?
                    .execute(params![id.0, token, plan, now.plus(lease).0, now.0])?;
                if changed != 1 {
                    return Err(JournalError::LeaseLost);
                }
                echoes::remember(connection, now, &intent.echoes)?;
                echoes::note_writes(connection, now, id, Some(&intent.plan))?;
                for (old, new) in &intent.remapped {
                    facts::remap(connection, old, new)?;
                    review::remap(connection, old, new)?;
                }
                facts::unite(connection, &intent.identity)?;
                audit::append(connection, now, &intent.audit)?;
                if !intent.capsule.is_empty() {
                    let place = format!("capsules.records/{}", id.0);
                    let records = sealing::seal_of(connection, id, &place, &to_json(&intent.capsule)?)?;
                    connection
                        .prepare_cached(
                            "INSERT INTO capsules (execution_id, at, records) VALUES (?1, ?2, ?3)",
                        )?
                        .execute(params![id.0, now.0, records])?;
                }
                Ok(true)
            })
            .await?;
        if begun { Ok(()) } else { Err(JournalError::LeaseLost) }
    }

    /// Ends a turn: the new status and all that was found out, together. Refused when the lease was lost.
    pub async fn settle(
        &self,
        id: ExecutionId,
        token: i64,
        status: Status,
        settlement: Settlement,
    ) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            let (status, settlement) = erasure::at_settlement(connection, now, id, status, settlement)?;
            settle(connection, now, id, token, status, &settlement)
        })
        .await
    }

    /// Gives back what workers held whose lease has run out. An execution whose call may have happened becomes
    /// `in_doubt`; one that was started too often without an end is quarantined as failed.
    pub async fn rescue(&self) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| rescue(connection, now, now)).await
    }

    /// Gives back what any worker held, whatever its lease says. Only for who holds the lock that every worker of this
    /// journal holds: whoever had work before is dead.
    pub async fn rescue_all(&self) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| rescue(connection, now, Timestamp(i64::MAX))).await
    }

    /// When the next waiting execution is due; past times mean now.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT min(due_at) FROM executions WHERE status IN ('pending', 'retrying', 'in_doubt')",
                )?
                .query_row([], |row| row.get::<_, Option<i64>>(0))?
                .map(Timestamp))
        })
        .await
    }
}

/// Finds what is due: the time, how many, and one id or null.
pub(super) fn due() -> String {
    // The list of states is the one of the index `executions_active`: without it SQLite reads the whole backlog for
    // each candidate.
    // A person's execution that has begun goes first, running or about to be tried again, and of those the earlier one;
    // only an operator may overtake one that waits, because the operator's decision may be what it waits for.
    format!(
        "SELECT {columns}, lane, plan FROM executions AS mine \
         WHERE status IN ('pending', 'retrying', 'in_doubt') AND due_at <= ?1 \
           AND (?3 IS NULL OR id = ?3) \
           AND NOT EXISTS (SELECT 1 FROM executions AS other WHERE other.lane = mine.lane AND other.id <> mine.id \
                           AND other.status IN ('running', 'retrying', 'in_doubt') \
                           AND (other.status = 'running' OR (mine.priority > 0 \
                                AND (other.id < mine.id OR mine.status = 'pending')))) \
         ORDER BY priority, due_at, id LIMIT ?2",
        columns = rows::EXECUTION
    )
}

fn claim(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    lease: Duration,
    only: Option<ExecutionId>,
) -> Result<Vec<Claim>> {
    let mut statement = connection.prepare_cached(&due())?;
    let mut found = statement.query(params![now.0, limit as i64 * 4, only.map(|id| id.0)])?;
    let mut lanes = HashSet::new();
    let mut claims = Vec::new();
    while let Some(row) = found.next()? {
        if claims.len() == limit {
            break;
        }
        if !lanes.insert(row.get::<_, String>("lane")?) {
            continue;
        }
        let execution = rows::execution(row)?;
        let plan = sealing::open_plan(connection, execution.id, row.get("plan")?)?;
        claims.push(Claim { execution, event: None, decision: None, plan, token: fastrand::i64(1..) });
    }
    drop(found);
    for claim in &mut claims {
        let changed = connection
            .prepare_cached(
                "UPDATE executions SET status = 'running', lease_token = ?2, lease_until = ?3, updated_at = ?4, \
                 starts = starts + 1 WHERE id = ?1 AND status = ?5",
            )?
            .execute(params![
                claim.execution.id.0,
                claim.token,
                now.plus(lease).0,
                now.0,
                claim.execution.status.as_str()
            ])?;
        if changed != 1 {
            return Err(JournalError::LeaseLost);
        }
    }
    let mut sound = Vec::with_capacity(claims.len());
    for mut claim in claims {
        match causes(connection, &mut claim) {
            Ok(()) => sound.push(claim),
            // One damaged row must not keep all others from being worked on: it is set aside, with its alarm.
            Err(JournalError::Damaged { what, why }) => {
                let settlement = Settlement {
                    sentence: format!(
                        "Set aside: the journal's {what} is damaged ({why}). Nothing was sent."
                    ),
                    outcome: Some(Outcome::Error),
                    ..Settlement::default()
                };
                settle(connection, now, claim.execution.id, claim.token, Status::Failed, &settlement)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(sound)
}

/// Fills in the event or decision that caused an execution.
fn causes(connection: &Connection, claim: &mut Claim) -> Result<()> {
    if let Some(event) = claim.execution.event {
        claim.event = Some(
            connection
                .prepare_cached("SELECT * FROM events WHERE id = ?1")?
                .query_row([event.0], |row| Ok(rows::event(connection, row)))??,
        );
    }
    if let Some(DecisionId(id)) = claim.execution.decision {
        claim.decision = Some(
            connection.prepare_cached("SELECT decision, actor FROM decisions WHERE id = ?1")?.query_row(
                [id],
                |row| {
                    let what = "decisions.decision";
                    let decision = sealing::open(connection, what, what, row.get("decision")?);
                    let decision = decision.and_then(|cell| rows::from_json(&cell.needed(what)?, what));
                    Ok(decision.and_then(|decision| Ok((decision, row.get("actor")?))))
                },
            )??,
        );
    }
    Ok(())
}

fn settle(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    token: i64,
    status: Status,
    settlement: &Settlement,
) -> Result<()> {
    let record = sealing::record_of(connection, id)?;
    let sealed = |place: &str, text: &str| sealing::seal(connection, record.as_deref(), place, text);
    let plan = settlement.plan.as_ref().map(|plan| sealing::seal_plan(connection, id, plan)).transpose()?;
    let changed = connection
        .prepare_cached(
            "UPDATE executions SET status = ?3, outcome = ?4, sentence = ?5, error_class = ?6, error_code = ?7, \
             vendor_words = ?8, attempts = attempts + ?9, due_at = ?10, updated_at = ?11, plan = coalesce(?12, plan), \
             lease_token = NULL, lease_until = NULL, starts = 0 \
             WHERE id = ?1 AND lease_token = ?2 AND status = 'running'",
        )?
        .execute(params![
            id.0,
            token,
            status.as_str(),
            settlement.outcome.map(Outcome::as_str),
            settlement.sentence,
            settlement.error_class.map(ErrorClass::as_str),
            settlement.error_code,
            settlement.vendor_words,
            i64::from(settlement.failed_try),
            settlement.due_at.map(|at| at.0),
            now.0,
            plan,
        ])?;
    if changed != 1 {
        return Err(JournalError::LeaseLost);
    }
    for attempt in &settlement.attempts {
        let place = |part| rows::attempt_place(part, id.0, attempt.started_at.0);
        connection
            .prepare_cached(
                "INSERT INTO attempts (execution_id, number, step, purpose, started_at, duration_ms, method, url, \
                 request, status, response, request_id, class) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                id.0,
                attempt.number,
                attempt.step,
                attempt.purpose,
                attempt.started_at.0,
                attempt.duration_ms,
                attempt.method,
                attempt.url,
                sealed(&place("request"), &attempt.request)?,
                attempt.status,
                sealed(&place("response"), &attempt.response)?,
                attempt.request_id,
                attempt.class.map(ErrorClass::as_str),
            ])?;
    }
    facts::put_mirrors(connection, now, &settlement.mirrors)?;
    echoes::remember(connection, now, &settlement.echoes)?;
    echoes::note_writes(connection, now, id, settlement.plan.as_ref())?;
    for record in &settlement.gone {
        facts::forget(connection, record)?;
    }
    for (old, new) in &settlement.remapped {
        facts::remap(connection, old, new)?;
        review::remap(connection, old, new)?;
    }
    if let Some(person) = facts::unite(connection, &settlement.identity)? {
        facts::put_agreements(connection, now, person, &settlement.agreements)?;
        review::withdraw_settled(connection, &settlement.identity, &settlement.agreements)?;
    }
    let subject: String = connection
        .prepare_cached("SELECT subject FROM executions WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))?;
    for conflict in &settlement.conflicts {
        review::put_conflict(connection, now, id, &subject, conflict)?;
    }
    review::decided(connection, now, id, status, &settlement.sentence)?;
    audit::append(connection, now, &settlement.audit)
}

fn rescue(connection: &Connection, now: Timestamp, ended_before: Timestamp) -> Result<usize> {
    let mut statement = connection.prepare_cached(
        "SELECT id, plan, starts, status, due_at FROM executions WHERE status = 'running' AND lease_until < ?1",
    )?;
    let mut found = statement.query([ended_before.0])?;
    let mut lost = Vec::new();
    while let Some(row) = found.next()? {
        let plan = sealing::open_plan(connection, ExecutionId(row.get("id")?), row.get("plan")?)?;
        let _: Status = word(row, "status")?;
        lost.push((
            row.get::<_, i64>("id")?,
            plan,
            row.get::<_, i64>("starts")?,
            row.get::<_, Option<i64>>("due_at")?,
        ));
    }
    drop(found);
    for (id, plan, starts, due_at) in &lost {
        let begun = plan
            .iter()
            .flat_map(|plan| &plan.steps)
            .any(|step| step.state == StepState::Begun && !step.effect.is_repeatable());
        let (status, sentence, due) = if *starts >= STARTS {
            let sentence = "Quarantined: three workers in a row stopped while running it. Nothing more is sent \
                            until somebody looks; r runs it again.";
            (Status::Failed, sentence, None)
        } else if begun {
            let sentence =
                "The worker stopped during a call that may have happened: looking before trying again.";
            (Status::InDoubt, sentence, Some(now.plus(IN_FLIGHT).0))
        } else {
            // It keeps its place: later events of the person do not overtake it.
            (Status::Pending, "Given back by a worker that stopped; runs again now.", due_at.or(Some(now.0)))
        };
        connection
            .prepare_cached(
                "UPDATE executions SET status = ?2, sentence = ?3, due_at = ?4, updated_at = ?5, outcome = ?6, \
                 lease_token = NULL, lease_until = NULL WHERE id = ?1 AND status = 'running' AND lease_until < ?7",
            )?
            .execute(params![
                id,
                status.as_str(),
                sentence,
                due,
                now.0,
                (status == Status::Failed).then_some(Outcome::Error.as_str()),
                ended_before.0
            ])?;
    }
    Ok(lost.len())
}
