//! The queue: claim work under a lease, store the intent before a call, settle the result.
//!
//! | file | subject |
//! |---|---|
//! | `leases` | renewing, giving back, taking over what a silent worker held |
//! | `redate` | waiting work after the clock was set back |
//!
//! Every change after a claim needs the claim's token and looks at the row count, so a late worker's result is
//! refused. Nothing here decides what a failure means; the engine hands in the next status.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::causes;
use super::conflicts::{self, Ruled};
use super::rows::{self, to_json};
use super::{
    Journal, JournalError, Result, audit, echoes, erasure, facts, merges, monitors, notices, review, rules,
    sealing, undo,
};
use crate::domain::agreement::{Agreement, Echo};
use crate::domain::audit::NewEntry;
use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::Event;
use crate::domain::execution::{Attempt, Execution, Outcome, Status};
use crate::domain::fingerprint::Mark;
use crate::domain::ids::{CapsuleId, DecisionId, ExecutionId};
use crate::domain::plan::{FoundConflict, Notice, Plan};
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::review::Decision;

pub(super) mod leases;
mod redate;

/// An execution of a lower priority goes first when so many of others have been started since one of its own: the
/// operator's (never passed over), live, background. However much there is of the others, none waits forever.
const PASSED_OVER: [u32; 3] = [u32::MAX, 3, 7];

/// What one process remembers of the queue.
#[derive(Debug, Default)]
pub(super) struct Memory {
    watched: leases::Watched,
    /// Executions started since one of this priority was.
    passed_over: Mutex<[u32; 3]>,
}

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
    /// Its last start ended in a death, so nothing else is started beside it: should it be the cause, it takes nobody
    /// with it.
    pub alone: bool,
}

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
    /// What its failure is kept by; none = made of the words here.
    pub mark: Option<Mark>,
    /// When it runs next, if it will.
    pub due_at: Option<Timestamp>,
    /// The breaker or pause that holds it, by its key; without a due time, which it gets back from before.
    pub held_by: Option<String>,
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
    /// For a plan that was resumed: what the sides have agreed on since then stands, and is not set back to what it said.
    pub resumed_from: Option<Timestamp>,
    /// Values of records made in this turn, now that their ids are known.
    pub echoes: Vec<Echo>,
    /// Disagreements found.
    pub conflicts: Vec<FoundConflict>,
    /// Which of them rules decide, and how: by the field.
    pub ruled: Vec<Ruled>,
    /// Audit lines.
    pub audit: Vec<NewEntry>,
    /// The editions of recipe and mapping that planned it; none leaves what is known.
    pub editions: Option<String>,
    /// Deals and tickets, and whose they are.
    pub people_behind: Vec<(RecordRef, RecordRef)>,
    /// What is told now: with the success, or of the failure.
    pub notices: Vec<Notice>,
    /// What its merges left behind, as read when they were done.
    pub after: Vec<PreImage>,
    /// The merge that is taken back with it.
    pub taken_back: Option<undo::TakenBack>,
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
    /// The editions of recipe and mapping that planned it.
    pub editions: Option<String>,
}

impl Journal {
    /// Takes up to `limit` executions that are due, at most one per lane, and leases them for `lease`. For who runs
    /// nothing at the moment.
    pub async fn claim(&self, limit: usize, lease: Duration) -> Result<Vec<Claim>> {
        self.claim_beside(0, limit, lease).await
    }

    /// Takes up to `limit` executions that are due, at most one per lane, for a worker that is `running` others. What is
    /// suspected to have killed a worker comes first and alone: nothing is handed out while one waits for the others
    /// to end, and it is the only one handed out then.
    pub async fn claim_beside(&self, running: usize, limit: usize, lease: Duration) -> Result<Vec<Claim>> {
        let now = self.now();
        let memory = Arc::clone(&self.inner.queue);
        let claims = self
            .write(move |connection| {
                let mut passed_over = memory.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
                let chosen = choose(connection, now, running, limit, &mut passed_over)?;
                drop(passed_over);
                take(connection, now, lease, chosen)
            })
            .await?;
        self.note(&claims);
        Ok(claims)
    }

    /// Takes one execution, if it is due and its lane is free.
    pub async fn claim_one(&self, id: ExecutionId, lease: Duration) -> Result<Option<Claim>> {
        let now = self.now();
        let mut claims = self
            .write(move |connection| {
                let chosen = find(connection, &due_one(), now, 1, Some(id), &mut HashSet::new())?;
                take(connection, now, lease, chosen)
            })
            .await?;
        self.note(&claims);
        Ok(claims.pop())
    }

    /// A lease of our own is as old as its claim.
    fn note(&self, claims: &[Claim]) {
        let now = self.inner.clock.steady();
        for claim in claims {
            self.inner.queue.watched.note(claim.execution.id, claim.token, 0, now);
        }
    }

    /// Stores the intent before a call, together with what the turn's earlier steps did. Renews the lease.
    pub async fn begin(&self, id: ExecutionId, token: i64, intent: Intent, lease: Duration) -> Result<()> {
        let now = self.now();
        let beat = self.write(move |connection| {
            if erasure::cuts_off(connection, now, id, token, &intent.identity)? {
                return Ok(None);
            }
            let beat = leases::beat(connection, id, token, lease)?.ok_or(JournalError::LeaseLost)?;
            connection
                .prepare_cached("UPDATE executions SET plan = ?2, updated_at = ?3, editions = coalesce(?4, editions) WHERE id = ?1")?
                .execute(params![
                    id.0,
                    sealing::seal_plan(connection, id, &intent.plan)?,
                    now.0,
                    intent.editions
                ])?;
            echoes::remember(connection, now, &intent.echoes)?;
            echoes::note_writes(connection, now, id, Some(&intent.plan))?;
            for (old, new) in &intent.remapped {
                facts::remap(connection, old, new)?;
                review::remap(connection, old, new)?;
            }
            facts::unite(connection, &intent.identity)?;
            audit::append(connection, now, &intent.audit)?;
            let mut capsule = None;
            if !intent.capsule.is_empty() {
                let place = format!("capsules.records/{}", id.0);
                let records = sealing::seal_of(connection, id, &place, &to_json(&intent.capsule)?)?;
                connection
                    .prepare_cached("INSERT INTO capsules (execution_id, at, records) VALUES (?1, ?2, ?3)")?
                    .execute(params![id.0, now.0, records])?;
                capsule = Some(CapsuleId(connection.last_insert_rowid()));
            }
            merges::record(connection, now, id, &intent.plan, capsule)?;
            Ok(Some(beat))
        });
        let beat = beat.await?.ok_or(JournalError::LeaseLost)?;
        self.inner.queue.watched.note(id, token, beat, self.inner.clock.steady());
        Ok(())
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

    /// When the next waiting execution is due; past times mean now.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            // One priority after the other: of all at once the whole backlog would be read.
            let mut statement = connection.prepare_cached(
                "SELECT min(due_at) FROM executions \
                 WHERE status IN ('pending', 'retrying', 'in_doubt') AND priority = ?1",
            )?;
            let mut next: Option<i64> = None;
            for priority in 0..PASSED_OVER.len() {
                let due: Option<i64> = statement.query_row([priority as i64], |row| row.get(0))?;
                next = next.into_iter().chain(due).min();
            }
            Ok(next.map(Timestamp))
        })
        .await
    }
}

/// Finds what is due of a priority, the one that has waited longest first: the time, how many, and one id or null.
///
/// One priority after the other, each a walk along its part of `executions_due`: asked for all at once, SQLite sorts
/// the whole backlog for every claim.
pub(super) fn due(priority: usize) -> String {
    due_of("INDEXED BY executions_due", &format!("AND priority = {priority} "), "")
}

/// Finds one execution, if it is due.
pub(super) fn due_one() -> String {
    due_of("", "AND id = ?3 ", "")
}

/// Finds those that are due and whose last start ended in a death; the least suspected first, so that the innocent are
/// cleared before the cause is started again.
pub(super) fn due_suspects() -> String {
    due_of("INDEXED BY executions_suspects", "AND starts > 0 ", "starts, ")
}

fn due_of(index: &str, which: &str, order: &str) -> String {
    // The list of states is the one of the index `executions_active`: without it SQLite reads the whole backlog for
    // each candidate.
    // A person's execution that has begun goes first, running or about to be tried again, and of those the earlier one;
    // only an operator may overtake one that waits, because the operator's decision may be what it waits for.
    format!(
        "SELECT {columns}, lane, plan, starts FROM executions AS mine {index} \
         WHERE status IN ('pending', 'retrying', 'in_doubt') {which}AND due_at <= ?1 \
           AND (?3 IS NULL OR id = ?3) \
           AND NOT EXISTS (SELECT 1 FROM executions AS other WHERE other.lane = mine.lane AND other.id <> mine.id \
                           AND other.status IN ('running', 'retrying', 'in_doubt') \
                           AND (other.status = 'running' OR (mine.priority > 0 \
                                AND (other.id < mine.id OR mine.status = 'pending')))) \
         ORDER BY {order}priority, due_at, id LIMIT ?2",
        columns = rows::EXECUTION
    )
}

/// Which executions to start next.
fn choose(
    connection: &Connection,
    now: Timestamp,
    running: usize,
    limit: usize,
    passed_over: &mut [u32; 3],
) -> Result<Vec<Claim>> {
    let mut lanes = HashSet::new();
    let mut chosen = find(connection, &due_suspects(), now, limit.min(1), None, &mut lanes)?;
    if !chosen.is_empty() {
        if running > 0 {
            chosen.clear();
        }
        return Ok(chosen);
    }
    for (priority, most) in PASSED_OVER.iter().enumerate().rev() {
        if passed_over[priority] >= *most && chosen.len() < limit {
            chosen.extend(find(connection, &due(priority), now, 1, None, &mut lanes)?);
        }
    }
    for priority in 0..PASSED_OVER.len() {
        if chosen.len() < limit {
            chosen.extend(find(connection, &due(priority), now, limit - chosen.len(), None, &mut lanes)?);
        }
    }
    for claim in &chosen {
        for (priority, passed) in passed_over.iter_mut().enumerate() {
            let own = claim.execution.priority.rank() == priority as i64;
            *passed = if own { 0 } else { passed.saturating_add(1) };
        }
    }
    Ok(chosen)
}

/// What a query for due work finds, at most one of each lane.
fn find(
    connection: &Connection,
    due: &str,
    now: Timestamp,
    limit: usize,
    only: Option<ExecutionId>,
    lanes: &mut HashSet<String>,
) -> Result<Vec<Claim>> {
    let mut statement = connection.prepare_cached(due)?;
    let mut found = statement.query(params![now.0, limit as i64 * 4, only.map(|id| id.0)])?;
    let mut claims = Vec::new();
    while claims.len() < limit
        && let Some(row) = found.next()?
    {
        if !lanes.insert(row.get::<_, String>("lane")?) {
            continue;
        }
        let execution = rows::execution(row)?;
        let plan = sealing::open_plan(connection, execution.id, row.get("plan")?)?;
        let alone = row.get::<_, i64>("starts")? > 0;
        claims.push(Claim { execution, event: None, decision: None, plan, token: fastrand::i64(1..), alone });
    }
    Ok(claims)
}

/// Leases what was chosen and fills in its causes.
fn take(
    connection: &Connection,
    now: Timestamp,
    lease: Duration,
    mut claims: Vec<Claim>,
) -> Result<Vec<Claim>> {
    for claim in &mut claims {
        let changed = connection
            .prepare_cached(
                "UPDATE executions SET status = 'running', lease_token = ?2, lease_ms = ?3, updated_at = ?4, beat = 0, \
                 starts = starts + 1 WHERE id = ?1 AND status = ?5",
            )?
            .execute(params![
                claim.execution.id.0,
                claim.token,
                leases::milliseconds(lease),
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
    let cause = causes::note(connection, now, settlement)?;
    let changed = connection
        .prepare_cached(
            "UPDATE executions SET status = ?3, outcome = ?4, sentence = ?5, error_class = ?6, error_code = ?7, \
             vendor_words = ?8, attempts = attempts + ?9, due_at = ?10, updated_at = ?11, plan = coalesce(?12, plan), \
             held_by = ?13, held_due = CASE WHEN ?13 IS NULL THEN NULL ELSE due_at END, held_sentence = NULL, \
             lease_token = NULL, lease_ms = NULL, starts = 0, editions = coalesce(?14, editions), \
             cause = ?15 WHERE id = ?1 AND lease_token = ?2 AND status = 'running'",
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
            settlement.held_by,
            settlement.editions,
            cause,
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
        let mut agreements = settlement.agreements.clone();
        if let Some(then) = settlement.resumed_from {
            facts::leave_newer(connection, person, then, &mut agreements)?;
        }
        // What an earlier plan agreed on is as old as that plan: a write of ours since then is newer than it, also when
        // whoever wrote did not live to say so.
        let at = settlement.resumed_from.unwrap_or(now);
        facts::put_agreements(connection, at, person, &agreements)?;
        review::withdraw_settled(connection, &settlement.identity, &agreements)?;
    }
    let subject: String = connection
        .prepare_cached("SELECT subject FROM executions WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))?;
    for conflict in &settlement.conflicts {
        conflicts::put(connection, now, id, &subject, conflict, &settlement.ruled)?;
    }
    if let Some(plan) = &settlement.plan {
        merges::record(connection, now, id, plan, None)?;
    }
    undo::keep_after(connection, now, id, &settlement.after)?;
    if let Some(taken) = &settlement.taken_back {
        undo::take_back(connection, now, id, taken)?;
    }
    review::decided(connection, now, id, status, &settlement.sentence)?;
    rules::settle_once(connection, id, status)?;
    rules::put_people_behind(connection, now, &settlement.people_behind)?;
    notices::put(connection, now, id, &settlement.notices)?;
    monitors::series::settled(connection, now, id, status, settlement.failed_try, settlement.plan.as_ref())?;
    audit::append(connection, now, &settlement.audit)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
