//! What a human changes: retry, discard, decide. Each is one transaction with its audit line.
//!
//! A decision becomes an execution of the operator's priority, so it is retried, limited and audited like all
//! others. Pressing twice, or from two terminals, runs once: every change looks at the row count.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::intake::{NewExecution, insert};
use super::rows::{self, to_json};
use super::{Journal, JournalError, Result, audit, erasure, replay, review, sealing, undo};
use crate::domain::audit::NewEntry;
use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Execution, Status};
use crate::domain::ids::{CapsuleId, ConflictId, DecisionId, DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::plan::{Plan, StepState};

use crate::domain::record::RecordRef;
use crate::domain::review::{Conflict, Decision, Duplicate, ReviewState, Unlinked};

/// What became of a request for several rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows it was done for.
    pub queued: Vec<ExecutionId>,
    /// Rows it was not done for, and why.
    pub refused: Vec<(ExecutionId, String)>,
}

impl Journal {
    /// Puts executions back into the queue, before all others. The attempts count from zero again.
    pub async fn retry(&self, ids: Vec<ExecutionId>, actor: String) -> Result<Report> {
        self.retry_at(ids, self.now(), actor).await
    }

    /// The same, for a time at which what they need is there.
    pub async fn retry_at(&self, ids: Vec<ExecutionId>, at: Timestamp, actor: String) -> Result<Report> {
        let now = self.now();
        self.write(move |connection| {
            change_each(connection, now, &ids, &actor, "retry", |execution| {
                if execution.status == Status::Held {
                    return Err("it is held; let it go first (h, `reknit release`)".into());
                }
                if !execution.status.can_retry() {
                    return Err(format!("it is {} and needs no retry", execution.status));
                }
                // A call that may have happened is looked up first, also when a human is impatient.
                let status =
                    if execution.status == Status::InDoubt { Status::InDoubt } else { Status::Pending };
                Ok((
                    status,
                    None,
                    Some(at),
                    format!("{actor} asked for another run.{}", planned_by(execution)),
                ))
            })
        })
        .await
    }

    /// Puts executions back into the queue to be planned anew, by the rules and facts of then: also those that have ended.
    /// Refused where an earlier plan did, or may have done, what must not be done twice.
    pub async fn replan(&self, ids: Vec<ExecutionId>, actor: String) -> Result<Report> {
        let now = self.now();
        self.write(move |connection| {
            let mut standing = HashMap::new();
            for id in &ids {
                if let Some(title) = must_not_be_repeated(connection, *id)? {
                    standing.insert(*id, title);
                }
            }
            let report = change_each(connection, now, &ids, &actor, "replan", |execution| {
                if execution.status == Status::Running {
                    return Err("a worker is running it; try again in a moment".into());
                }
                if let Some(step) = standing.get(&execution.id) {
                    return Err(format!("\"{step}\" was begun or is done, and must not be done twice"));
                }
                let by = planned_by(execution);
                Ok((
                    Status::Pending,
                    None,
                    Some(now),
                    format!("{actor} asked for it to be planned anew.{by}"),
                ))
            })?;
            for id in &report.queued {
                let edits = edits_of(connection, *id)?;
                connection
                    .prepare_cached("UPDATE executions SET plan = ?2, editions = NULL WHERE id = ?1")?
                    .execute(params![id.0, edits])?;
                connection.prepare_cached("DELETE FROM ran_once WHERE execution_id = ?1")?.execute([id.0])?;
            }
            Ok(report)
        })
        .await
    }

    /// Lets what an operator decided, and what waits for its moment, be sent at once; how many that were.
    pub async fn send_now(&self, ids: Vec<ExecutionId>) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE executions SET due_at = ?2 WHERE id = ?1 AND status = 'pending' AND due_at > ?2 \
                 AND decision_id IS NOT NULL AND attempts = 0",
            )?;
            let mut sent = 0;
            for id in &ids {
                sent += statement.execute(params![id.0, now.0])?;
            }
            Ok(sent)
        })
        .await
    }

    /// Records a decision and makes the execution that carries it out. Refused when the item is not open.
    pub async fn decide(&self, decision: Decision, new: NewExecution, actor: String) -> Result<ExecutionId> {
        let now = self.now();
        self.write(move |connection| decide(connection, now, &decision, &new, &actor)).await
    }

    /// One conflict.
    pub async fn conflict(&self, id: ConflictId) -> Result<Option<Conflict>> {
        self.read(move |connection| one(connection, "conflicts", id.0, rows::conflict)).await
    }

    /// One duplicate candidate.
    pub async fn duplicate(&self, id: DuplicateId) -> Result<Option<Duplicate>> {
        self.read(move |connection| one(connection, "duplicate_rows", id.0, rows::duplicate)).await
    }

    /// The pre-images that were taken for an execution's merges.
    pub async fn capsules_of(&self, id: ExecutionId) -> Result<Vec<CapsuleId>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM capsules WHERE execution_id = ?1 AND taken = 'before' ORDER BY id",
            )?;
            let found = statement.query_map([id.0], |row| row.get(0).map(CapsuleId))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The records of a pre-image, as they were before the merge.
    pub async fn capsule(&self, id: CapsuleId) -> Result<Option<Vec<PreImage>>> {
        self.read(move |connection| {
            one(connection, "capsules", id.0, |row| {
                let place = format!("capsules.records/{}", row.get::<_, i64>("execution_id")?);
                let cell = sealing::open(connection, "capsules.records", &place, row.get("records")?)?;
                match cell {
                    sealing::Opened::Text(text) => rows::from_json(&text, "capsules.records"),
                    sealing::Opened::Erased(at) => {
                        let words = sealing::erased_words(at);
                        Err(JournalError::Refused(format!("the pre-image {id} was {words}")))
                    }
                }
            })
        })
        .await
    }

    /// One unlinked relation.
    pub async fn unlinked_one(&self, id: UnlinkedId) -> Result<Option<Unlinked>> {
        self.read(move |connection| one(connection, "unlinked", id.0, rows::unlinked)).await
    }
}

/// Which rules planned it, as a sentence to add.
fn planned_by(execution: &Execution) -> String {
    execution.editions.as_ref().map_or(String::new(), |by| format!(" It was planned by {by}."))
}

/// What a human edited stays when all else is planned anew.
fn edits_of(connection: &Connection, id: ExecutionId) -> Result<Option<String>> {
    let plan: Option<String> = connection
        .prepare_cached("SELECT plan FROM executions WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))?;
    match sealing::open_plan(connection, id, plan)? {
        Some(plan) if !plan.edits.is_empty() => {
            let only = Plan { edits: plan.edits, ..Plan::default() };
            sealing::seal_plan(connection, id, &only).map(Some)
        }
        _ => Ok(None),
    }
}

/// The title of a step that was begun or is done and must not be done twice.
pub(super) fn must_not_be_repeated(connection: &Connection, id: ExecutionId) -> Result<Option<String>> {
    let plan: Option<Option<String>> = connection
        .prepare_cached("SELECT plan FROM executions WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let plan = sealing::open_plan(connection, id, plan.flatten())?;
    let begun = plan.into_iter().flat_map(|plan| plan.steps).find(|step| {
        !step.effect.is_repeatable()
            && matches!(step.state, StepState::Done | StepState::Begun | StepState::InDoubt)
    });
    Ok(begun.map(|step| step.title))
}

fn one<T>(
    connection: &Connection,
    table: &str,
    id: i64,
    read: impl FnOnce(&rusqlite::Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    connection
        .prepare_cached(&format!("SELECT * FROM {table} WHERE id = ?1"))?
        .query_row([id], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

pub(super) type Change = (Status, Option<&'static str>, Option<Timestamp>, String);

pub(super) fn change_each(
    connection: &Connection,
    now: Timestamp,
    ids: &[ExecutionId],
    actor: &str,
    verb: &str,
    judge: impl Fn(&Execution) -> Result<Change, String>,
) -> Result<Report> {
    let mut report = Report::default();
    let mut entries = Vec::new();
    for &id in ids {
        let execution = connection
            .prepare_cached(&format!("SELECT {} FROM executions WHERE id = ?1", rows::EXECUTION))?
            .query_row([id.0], |row| Ok(rows::execution(row)))
            .optional()?
            .transpose()?;
        let Some(execution) = execution else {
            report.refused.push((id, "there is no such execution".into()));
            continue;
        };
        let judged = judge(&execution).and_then(|change| {
            if change.0 != Status::Discarded && erasure::bars_execution(connection, &execution) {
                return Err("it belongs to somebody who was erased".into());
            }
            if change.0 != Status::Discarded
                && let Ok(Some(other)) = replay::replayed_as(connection, id)
            {
                return Err(format!("it was replayed with edits, as {other}"));
            }
            // A decision that was taken anew since is carried out by its own execution, not by this one.
            if change.0 == Status::Pending
                && execution.decision.is_some()
                && !review::take_up_again(connection, id)
            {
                return Err("what it was to carry out has been decided anew or is settled".into());
            }
            Ok(change)
        });
        match judged {
            Err(why) => report.refused.push((id, why)),
            Ok((status, outcome, due_at, sentence)) => {
                let changed = connection
                    .prepare_cached(
                        "UPDATE executions SET status = ?3, outcome = ?4, due_at = ?5, sentence = ?6, updated_at = ?7, \
                         priority = 0, attempts = 0, starts = 0, held_by = NULL, held_due = NULL, held_sentence = NULL \
                         WHERE id = ?1 AND status = ?2",
                    )?
                    .execute(params![
                        id.0,
                        execution.status.as_str(),
                        status.as_str(),
                        outcome,
                        due_at.map(|at| at.0),
                        sentence,
                        now.0
                    ])?;
                if changed == 1 {
                    if status == Status::Discarded {
                        connection
                            .prepare_cached("DELETE FROM put_aside WHERE execution_id = ?1")?
                            .execute([id.0])?;
                        review::decided(connection, now, id, status, &sentence)?;
                    }
                    entries.push(NewEntry {
                        actor: actor.to_owned(),
                        verb: verb.to_owned(),
                        object: id.to_string(),
                        note: format!("Was {}.", execution.status),
                    });
                    report.queued.push(id);
                } else {
                    report.refused.push((id, "it changed in the meantime".into()));
                }
            }
        }
    }
    audit::append(connection, now, &entries)?;
    Ok(report)
}

pub(super) fn not_open(connection: &Connection, table: &str, name: &str, id: i64) -> Result<JournalError> {
    let state: Option<String> = connection
        .prepare_cached(&format!("SELECT state FROM {table} WHERE id = ?1"))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(match state.as_deref() {
        None => JournalError::Missing(name.to_owned()),
        Some("deciding") => JournalError::Refused(format!("{name} is decided already and being carried out")),
        Some(state) => {
            JournalError::Refused(format!("{name} is {state}: there is nothing to decide any more"))
        }
    })
}

/// What an operator does by hand: words of theirs are sealed with the person's.
/// A decision, as it is stored, and the execution that carries it out.
fn recorded(
    connection: &Connection,
    now: Timestamp,
    stored: &str,
    new: &NewExecution,
    actor: &str,
) -> Result<ExecutionId> {
    connection
        .prepare_cached("INSERT INTO decisions (at, actor, decision) VALUES (?1, ?2, ?3)")?
        .execute(params![now.0, actor, stored])?;
    insert(connection, now, None, Some(DecisionId(connection.last_insert_rowid())), new)
}

fn act(
    connection: &Connection,
    now: Timestamp,
    decision: &Decision,
    (verb, about, reason): (&str, &RecordRef, &str),
    new: &NewExecution,
    actor: &str,
) -> Result<ExecutionId> {
    let record = sealing::name(new.record.as_ref());
    let stored = sealing::seal(connection, record.as_deref(), "decisions.decision", &to_json(decision)?)?;
    let execution = recorded(connection, now, &stored, new, actor)?;
    let why = if reason.trim().is_empty() { String::new() } else { format!("Because: {}. ", reason.trim()) };
    let entry = NewEntry {
        actor: actor.to_owned(),
        verb: verb.to_owned(),
        object: about.to_string(),
        note: format!("{why}Carried out by {execution}."),
    };
    audit::append(connection, now, &[entry])?;
    Ok(execution)
}

/// A look at what became of an execution: the two name each other.
fn probe(
    connection: &Connection,
    now: Timestamp,
    decision: &Decision,
    of: ExecutionId,
    new: &NewExecution,
    actor: &str,
) -> Result<ExecutionId> {
    let execution = recorded(connection, now, &to_json(decision)?, new, actor)?;
    connection
        .prepare_cached("UPDATE executions SET replay_of = ?2 WHERE id = ?1")?
        .execute([execution.0, of.0])?;
    let entry = NewEntry {
        actor: actor.to_owned(),
        verb: "probe".into(),
        object: of.to_string(),
        note: format!("Looked up at the vendor by {execution}; nothing is written."),
    };
    audit::append(connection, now, &[entry])?;
    Ok(execution)
}

/// A settled conflict is taken back. Its item stays done: what is found to differ then is a new one.
fn reopen(
    connection: &Connection,
    now: Timestamp,
    decision: &Decision,
    (conflict, settled): (ConflictId, ExecutionId),
    new: &NewExecution,
    actor: &str,
) -> Result<ExecutionId> {
    let execution = recorded(connection, now, &to_json(decision)?, new, actor)?;
    let note = format!("Takes back {settled}. Carried out by {execution}.");
    audit::note(connection, now, actor, "reopen", &conflict.to_string(), note)?;
    Ok(execution)
}

pub(super) fn decide(
    connection: &Connection,
    now: Timestamp,
    decision: &Decision,
    new: &NewExecution,
    actor: &str,
) -> Result<ExecutionId> {
    if let Decision::Act { verb, record, reason, .. } = decision {
        return act(connection, now, decision, (verb, record, reason), new, actor);
    }
    if let Decision::Probe { execution } = decision {
        return probe(connection, now, decision, *execution, new, actor);
    }
    if let Decision::Reopen { conflict, settled } = decision {
        return reopen(connection, now, decision, (*conflict, *settled), new, actor);
    }
    if let Decision::UndoMerge { merge } = decision {
        return undo::decide(connection, now, (decision, *merge), new, actor);
    }
    let (table, name, id, verb, note) = match decision {
        Decision::Resolve { conflict, choice } => {
            ("conflicts", conflict.to_string(), conflict.0, "resolve", format!("Took {}.", choice.phrase()))
        }
        Decision::Merge { duplicate, survivor, wish } => {
            let more = wish.also.iter().chain(wish.elsewhere.iter().flat_map(|other| &other.absorbed));
            let mut note = format!("Survivor {survivor}.");
            for record in more {
                note.push_str(" Also ");
                note.push_str(&record.to_string());
                note.push('.');
            }
            ("duplicates", duplicate.to_string(), duplicate.0, "merge", note)
        }
        Decision::Link { unlinked, company, .. } => {
            ("unlinked", unlinked.to_string(), unlinked.0, "link", format!("To {company}."))
        }
        Decision::Found { unlinked, domain, .. } => {
            ("unlinked", unlinked.to_string(), unlinked.0, "found", format!("A new company of {domain}."))
        }
        Decision::Unlink { unlinked, link } => {
            ("unlinked", unlinked.to_string(), unlinked.0, "unlink", format!("Takes back {link}."))
        }
        Decision::Act { .. }
        | Decision::Reopen { .. }
        | Decision::UndoMerge { .. }
        | Decision::Probe { .. } => {
            return Err(JournalError::Refused("this settles no item".into()));
        }
    };
    // A typed value is a person's.
    let typed = match decision {
        Decision::Resolve { choice, .. } => matches!(choice, crate::domain::review::Choice::Value(_)),
        Decision::Merge { wish, .. } => !wish.set.is_empty(),
        _ => false,
    };
    let stored = if typed {
        let record = sealing::name(new.record.as_ref());
        sealing::seal(connection, record.as_deref(), "decisions.decision", &to_json(decision)?)?
    } else {
        to_json(decision)?
    };
    let execution = recorded(connection, now, &stored, new, actor)?;
    // A link is taken back after it was carried out, whatever became of the item since.
    let from = match decision {
        Decision::Unlink { .. } => "state <> 'deciding'",
        _ => "state IN ('open', 'ignored')",
    };
    let changed = connection
        .prepare_cached(&format!(
            "UPDATE {table} SET state = ?3, deciding_id = ?2, resolution = NULL WHERE id = ?1 \
             AND {from}"
        ))?
        .execute(params![id, execution.0, ReviewState::Deciding.as_str()])?;
    if changed != 1 {
        return Err(not_open(connection, table, &name, id)?);
    }
    super::links::decide(connection, decision, execution)?;
    let entry = NewEntry {
        actor: actor.to_owned(),
        verb: verb.to_owned(),
        object: name,
        note: format!("{note} Carried out by {execution}."),
    };
    audit::append(connection, now, &[entry])?;
    Ok(execution)
}
