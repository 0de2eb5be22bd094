//! What was done through this operator, and how it can be taken back: by not sending what still waits, by the opposite
//! write, by taking a word back, or not at all, with the reason.
//!
//! Whether there is a way back is looked up when it is asked for, never remembered: others may have acted meanwhile.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::disputes::Applied;
use super::{OperateError, Operator};
use crate::domain::clock::Timestamp;
use crate::domain::execution::{ExecutionDetail, Status};
use crate::domain::ids::{DuplicateId, ExecutionId};
use crate::domain::pause::{Direction, PauseScope};
use crate::domain::plan::{Effect, StepState};
use crate::domain::review::Decision;
use crate::journal::discards::Stood;

/// Something that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// What, in a few words: `merged du_4`.
    pub what: String,
    /// What there is to take back.
    pub back: Back,
}

/// What there is to take back.
#[derive(Debug, Clone, PartialEq)]
pub enum Back {
    /// A decision, and the execution that carries it out.
    Decision(Box<Decision>, ExecutionId),
    /// Executions that were given up.
    Discarded(Vec<Stood>),
    /// What was said of a duplicate.
    Verdict(DuplicateId),
    /// A pause that was set.
    Paused(PauseScope),
    /// A direction of a field that was switched off.
    Disabled(String, Direction),
    /// A rule about conflicts, by its name.
    Rule(String),
    /// A rule about a domain.
    Domain(String),
    /// Nothing, for a reason.
    Nothing(String),
}

/// The way back, as things stand now.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// A decision that makes the opposite calls; to be shown and confirmed like every other.
    Decide(Box<Decision>),
    /// It sends nothing and can be done at once; what then is so, as a sentence.
    AtOnce(String),
    /// There is none, for a reason.
    None(String),
}

const STOPPED: &str = "taken back before it was sent.";

impl Operator {
    /// The same operator, which tells from now on what it does.
    #[must_use]
    pub fn telling(mut self) -> (Self, UnboundedReceiver<Done>) {
        let (sender, receiver) = unbounded_channel();
        self.past = Some(sender);
        (self, receiver)
    }

    pub(super) fn did(&self, what: impl Into<String>, back: Back) {
        if let Some(past) = &self.past {
            // Nobody listens any more: then nobody can take it back either.
            let _ = past.send(Done { at: self.clock.now(), what: what.into(), back });
        }
    }

    pub(super) fn did_retry(&self, ids: &[ExecutionId], word: &str) {
        if let Some(first) = ids.first() {
            let what = match ids.len() {
                1 => format!("{word} {first}"),
                many => format!("{word} {many} executions, {first} first"),
            };
            let why = "it runs again or has run; what it wrote stands among its calls";
            self.did(what, Back::Nothing(why.to_owned()));
        }
    }

    pub(super) fn did_decide(&self, decision: &Decision, id: ExecutionId) {
        let what = match decision {
            Decision::Resolve { conflict, choice } => format!("settled {conflict} with {}", choice.phrase()),
            Decision::Reopen { conflict, .. } => format!("took the decision on {conflict} back"),
            Decision::Merge { duplicate, .. } => format!("merged {duplicate}"),
            Decision::UndoMerge { merge } => format!("took the merge {merge} back"),
            Decision::Link { unlinked, .. } => format!("linked {unlinked}"),
            Decision::Found { unlinked, .. } => format!("made the company of {unlinked}"),
            Decision::Unlink { unlinked, .. } => format!("took the link of {unlinked} back"),
            Decision::Probe { execution } => format!("looked {execution} up"),
            Decision::Act { verb, record, .. } => format!("{verb} {record}"),
        };
        self.did(what, Back::Decision(Box::new(decision.clone()), id));
    }

    /// How something can be taken back now.
    pub async fn way_back(&self, done: &Done) -> Result<Way, OperateError> {
        Ok(match &done.back {
            Back::Nothing(why) => Way::None(why.clone()),
            Back::Discarded(stood) => {
                let ids = stood.iter().take(50).map(|one| one.id).collect();
                let rows = self.journal.executions_numbered(ids).await?;
                if rows.iter().any(|row| row.status == Status::Discarded) {
                    Way::AtOnce(came_back(stood))
                } else {
                    Way::None("it is not discarded any more".into())
                }
            }
            Back::Verdict(id) => match self.journal.duplicate(*id).await? {
                Some(pair) if pair.standing.judgement.is_some() => {
                    Way::AtOnce(format!("{id} is open again. Nothing is sent."))
                }
                _ => Way::None("nothing stands of what was said".into()),
            },
            Back::Paused(scope) => {
                let key = scope.key();
                if self.journal.pauses().await?.iter().any(|pause| pause.scope.key() == key) {
                    Way::AtOnce(format!("{scope} goes on, and what waited for it is sent."))
                } else {
                    Way::None("it is not paused any more".into())
                }
            }
            Back::Disabled(field, direction) => {
                Way::AtOnce(format!("{field} is written {direction} again, with the next change."))
            }
            Back::Rule(name) => {
                if self.rulebook.found().rules.iter().any(|listed| listed.rule.name == *name) {
                    Way::AtOnce(format!("The rule {name} decides nothing more; what it decided stays."))
                } else {
                    Way::None("the rule is gone".into())
                }
            }
            Back::Domain(domain) => Way::AtOnce(format!("People of {domain} are asked about again.")),
            Back::Decision(decision, id) => self.way_back_of(decision, *id).await?,
        })
    }

    async fn way_back_of(&self, decision: &Decision, id: ExecutionId) -> Result<Way, OperateError> {
        let Some(detail) = self.journal.execution(id).await? else {
            return Ok(Way::None(format!("{id} is no longer in the journal")));
        };
        Ok(match detail.execution.status {
            Status::Pending | Status::Held if untouched(&detail) => {
                Way::AtOnce(format!("{id} is given up before anything was sent."))
            }
            Status::Running | Status::Pending | Status::Retrying | Status::InDoubt | Status::Held => {
                Way::None(format!("{id} is on its way; try again when it has ended"))
            }
            Status::Discarded => Way::None(format!("{id} was given up: nothing was done")),
            Status::Failed => Way::None(format!("{id} failed; D gives it up, r tries it again")),
            Status::Skipped => Way::None("nothing was written".into()),
            Status::Succeeded => self.opposite(decision, id).await?,
        })
    }

    /// The decision that makes the opposite calls of one that was carried out.
    async fn opposite(&self, decision: &Decision, id: ExecutionId) -> Result<Way, OperateError> {
        let decide = |decision| Ok(Way::Decide(Box::new(decision)));
        let none = |why: &str| Ok(Way::None(why.to_owned()));
        match decision {
            Decision::Merge { .. } => decide(Decision::UndoMerge { merge: id }),
            Decision::Link { unlinked, .. } | Decision::Found { unlinked, .. } => {
                match self.undo_of_link(Some(id), Some(*unlinked)).await {
                    Ok(decision) => decide(decision),
                    Err(OperateError::Impossible(why)) => Ok(Way::None(why)),
                    Err(error) => Err(error),
                }
            }
            Decision::Resolve { conflict, .. } => {
                let back = Decision::Reopen { conflict: *conflict, settled: id };
                match self.preview(&back).await {
                    Ok(_) => decide(back),
                    Err(OperateError::Impossible(why) | OperateError::Missing(why)) => Ok(Way::None(why)),
                    Err(error) => Err(error),
                }
            }
            Decision::Reopen { .. } => none("it is open again: decide it anew"),
            Decision::Unlink { .. } => none("the person is without a company again: l links them anew"),
            Decision::Probe { .. } => none("it only looked, nothing was written"),
            Decision::UndoMerge { .. } => none("they are two records again: m merges them anew"),
            Decision::Act { record, effects, .. } => match effects.as_slice() {
                [Effect::Tag { record: tagged, tag, on }] => decide(Decision::Act {
                    verb: if *on { "untag" } else { "tag" }.to_owned(),
                    record: record.clone(),
                    reason: format!("takes {id} back"),
                    effects: vec![Effect::Tag { record: tagged.clone(), tag: tag.clone(), on: !on }],
                }),
                _ => none("what was there before is not known"),
            },
        }
    }

    /// Takes back what sends nothing; what has to be confirmed first is refused.
    pub async fn take_back(&self, done: &Done) -> Result<Applied, OperateError> {
        self.may_write()?;
        let sentence = match self.way_back(done).await? {
            Way::AtOnce(sentence) => sentence,
            Way::None(why) => return Err(OperateError::Impossible(format!("{why}."))),
            Way::Decide(_) => {
                return Err(OperateError::Impossible("its opposite calls have to be confirmed.".into()));
            }
        };
        match &done.back {
            Back::Discarded(stood) => {
                let report = self.journal.bring_back(stood.clone(), self.actor.clone()).await?;
                if let ([], Some((id, why))) = (report.queued.as_slice(), report.refused.first()) {
                    return Err(OperateError::Impossible(format!("{id}: {why}.")));
                }
            }
            Back::Verdict(id) => drop(self.take_back_verdict(*id).await?),
            Back::Paused(scope) => drop(self.resume(scope.clone()).await?),
            Back::Disabled(field, direction) => drop(self.enable(field, *direction).await?),
            Back::Rule(name) => drop(self.remove_rule(name).await?),
            Back::Domain(domain) => drop(self.forget_domain(domain).await?),
            Back::Decision(_, id) => {
                let report = self.journal.discard(vec![*id], STOPPED.to_owned(), self.actor.clone()).await?;
                if let Some((id, why)) = report.refused.first() {
                    return Err(OperateError::Impossible(format!("{id}: {why}.")));
                }
            }
            Back::Nothing(_) => {}
        }
        Ok(Applied { sentence: format!("Taken back: {}. {sentence}", done.what), ..Applied::default() })
    }

    /// Sends at once what waits for its moment.
    pub async fn send_now(&self, ids: &[ExecutionId]) -> Result<usize, OperateError> {
        self.may_write()?;
        Ok(self.journal.send_now(ids.to_vec()).await?)
    }
}

/// What then is so: `Again what they were: 3 failed, 1 held. Nothing is sent.`
fn came_back(stood: &[Stood]) -> String {
    let mut counts: Vec<(Status, usize)> = Vec::new();
    for one in stood {
        match counts.iter_mut().find(|(status, _)| *status == one.status) {
            Some((_, count)) => *count += 1,
            None => counts.push((one.status, 1)),
        }
    }
    let waits = counts.iter().any(|(status, _)| !matches!(status, Status::Failed | Status::Held));
    let counts: Vec<String> = counts.into_iter().map(|(status, count)| format!("{count} {status}")).collect();
    let sent = if waits { "What waited goes on in its turn." } else { "Nothing is sent." };
    format!("Again what it was before: {}. {sent}", counts.join(", "))
}

/// Nothing of it was sent so far.
fn untouched(detail: &ExecutionDetail) -> bool {
    detail.execution.attempts == 0
        && detail.attempts.iter().all(|call| call.step.is_none())
        && detail
            .plan
            .as_ref()
            .is_none_or(|plan| plan.steps.iter().all(|step| step.state == StepState::Waiting))
}
