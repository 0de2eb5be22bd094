//! What the operator asks for: retry, discard, pause, settle a conflict, merge, keep apart, link. One place, below every
//! console and command, where decisions are recorded and where read-only is enforced.
//!
//! A preview is made by the same planners as the run; it uses the journal's copies, the run reads the records anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::domain::clock::SharedClock;
use crate::domain::execution::Priority;
use crate::domain::ids::ExecutionId;
use crate::domain::plan::{Effect, Preview};
use crate::domain::record::{Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{Decision, ReviewState};
use crate::domain::team::{Claim, Item};
use crate::journal::intake::NewExecution;
use crate::journal::operate::Report;
use crate::journal::{Journal, JournalError};
use crate::mapping::Mapping;
use crate::recipes::{self, act, mend, merge};
use crate::vendors;

use super::intake::lane_of;
use super::rulebook::Rulebook;

pub mod compare;
pub mod cost;
mod desk;
pub mod disputes;
pub mod drafts;
pub mod editions;
pub mod funnel;
pub mod guard;
pub mod links;
pub mod past;
mod pause;
pub mod person;
mod replay;
pub mod settling;
pub mod shelf;
pub mod switching;
pub mod team;
mod translate;
pub mod trial;
mod verdicts;

pub use pause::{Paused, Resumed};

/// Why the operator's wish was not carried out; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// The console or command may only look.
    #[error("Nothing was changed: this Reknit runs read-only. Start it without --read-only to decide.")]
    ReadOnly,
    /// The console has to be armed first.
    #[error("Nothing was changed: this console is disarmed. Press ! to arm it for a time.")]
    Disarmed,
    /// The decision cannot be carried out.
    #[error("Nothing was changed: {0}")]
    Impossible(String),
    /// Somebody else is at it.
    #[error("Nothing was changed: {item}: {words}. Ask them, or take it over first.", words = team::words(.claim))]
    Claimed {
        /// What is claimed.
        item: Item,
        /// By whom.
        claim: Claim,
    },
    /// The item is not there.
    #[error("Nothing was changed: {0} is not in the journal. `list` shows what is.")]
    Missing(String),
    /// The journal refused.
    #[error("Nothing was changed: {0}.")]
    Journal(JournalError),
}

impl From<JournalError> for OperateError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Missing(what) => Self::Missing(what),
            JournalError::Refused(why) => Self::Impossible(format!("{why}.")),
            error => Self::Journal(error),
        }
    }
}

impl From<mend::Impossible> for OperateError {
    fn from(impossible: mend::Impossible) -> Self {
        Self::Impossible(impossible.0)
    }
}

/// Acts in an operator's name; clones share everything.
#[derive(Clone)]
pub struct Operator {
    journal: Journal,
    mapping: Arc<Mapping>,
    vendors: Arc<vendors::Settings>,
    clock: SharedClock,
    actor: String,
    read_only: bool,
    despite_claims: bool,
    max_attempts: u32,
    crm: System,
    leads: Option<Arc<Mapping>>,
    companies: Option<Arc<Mapping>>,
    rulebook: Rulebook,
    matching: crate::matching::Settings,
    /// Where mappings of the operator's own lie.
    mappings: Option<(PathBuf, Option<PathBuf>)>,
    merges: merge::Settings,
    /// The rules it looks at, and who may read at the vendors for it.
    desk: desk::Desk,
    gate: Option<guard::Gate>,
    past: Option<UnboundedSender<past::Done>>,
    send_after: Duration,
}

impl Operator {
    /// An operator of a name. It holds no client and no token: it can decide and preview, never call; what is read for it
    /// is read by the engine of [`Operator::reading_by`].
    pub fn new(
        journal: Journal,
        mapping: Arc<Mapping>,
        vendors: Arc<vendors::Settings>,
        clock: SharedClock,
        actor: String,
        max_attempts: u32,
    ) -> Self {
        Self {
            journal,
            mapping,
            vendors,
            clock,
            actor,
            read_only: false,
            despite_claims: false,
            max_attempts,
            rulebook: Rulebook::default(),
            matching: crate::matching::Settings::default(),
            mappings: None,
            crm: System::Hubspot,
            leads: None,
            companies: shipped_companies(System::Hubspot),
            merges: merge::Settings::default(),
            desk: desk::Desk::default(),
            gate: None,
            past: None,
            send_after: Duration::ZERO,
        }
    }

    /// The same operator of another CRM, with the mapping of its leads where it has such a kind.
    #[must_use]
    pub fn of_crm(mut self, crm: System, leads: Option<Arc<Mapping>>) -> Self {
        (self.crm, self.leads) = (crm, leads);
        self.companies = shipped_companies(crm);
        self
    }

    /// The same operator with another mapping of companies than the shipped one.
    #[must_use]
    pub fn with_companies(mut self, mapping: Option<Arc<Mapping>>) -> Self {
        self.companies = mapping;
        self
    }

    /// The mapping between Intercom's contacts and a kind of record of the CRM.
    pub(super) fn mapping_of(&self, object: ObjectKind) -> &Mapping {
        self.leads.as_ref().filter(|_| object == ObjectKind::Lead).unwrap_or(&self.mapping)
    }

    /// The same operator with rules of one's own for merges.
    #[must_use]
    pub fn merging_by(mut self, settings: merge::Settings) -> Self {
        self.merges = settings;
        self
    }

    pub(super) const fn merge_settings(&self) -> &merge::Settings {
        &self.merges
    }

    /// An operator over the shipped mapping and the vendors' own addresses, for tests of what shows it.
    #[cfg(test)]
    pub(crate) fn shipped(journal: Journal, clock: SharedClock, actor: &str) -> Self {
        Self::new(journal, Arc::new(Mapping::shipped()), Arc::default(), clock, actor.to_owned(), 12)
    }

    /// The same operator without the right to change anything.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The same operator with the rules of a folder.
    #[must_use]
    pub fn with_rulebook(mut self, rulebook: Rulebook) -> Self {
        self.rulebook = rulebook;
        self
    }

    /// The same operator with thresholds of one's own.
    #[must_use]
    pub fn with_matching(mut self, settings: crate::matching::Settings) -> Self {
        self.matching = settings;
        self
    }

    /// The thresholds by which candidates are judged.
    pub const fn matching(&self) -> &crate::matching::Settings {
        &self.matching
    }

    /// The same operator with a folder for mappings of one's own, and the contact mapping's file where one is named.
    #[must_use]
    pub fn with_mappings(mut self, folder: PathBuf, contact: Option<PathBuf>) -> Self {
        self.mappings = Some((folder, contact));
        self
    }

    /// The rules that decide conflicts.
    pub const fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// Whether it may only look.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The contact mapping it was made with; [`Operator::in_force`] has the one of now.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// In whose name it acts.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    pub(super) fn calls_of(&self, effect: &crate::domain::plan::Effect) -> Vec<crate::domain::plan::Call> {
        vendors::calls(&self.vendors, effect)
    }

    /// Runs executions again, before all others.
    pub async fn retry(&self, ids: &[ExecutionId]) -> Result<Report, OperateError> {
        self.may_write()?;
        let (free, taken) = self.unclaimed_of(ids).await?;
        let report = self.journal.retry(free, self.actor.clone()).await?;
        self.did_retry(&report.queued, "retried");
        Ok(team::with_refused(report, taken))
    }

    /// Runs executions again, planned anew by today's rules; also those that have ended, where nothing is done twice.
    pub async fn replan(&self, ids: &[ExecutionId]) -> Result<Report, OperateError> {
        self.may_write()?;
        let (free, taken) = self.unclaimed_of(ids).await?;
        let report = self.journal.replan(free, self.actor.clone()).await?;
        self.did_retry(&report.queued, "planned anew");
        Ok(team::with_refused(report, taken))
    }

    /// Gives up on executions.
    pub async fn discard(&self, ids: &[ExecutionId], reason: &str) -> Result<Report, OperateError> {
        self.may_write()?;
        let reason = if reason.trim().is_empty() { "no reason given." } else { reason.trim() };
        let (free, taken) = self.unclaimed_of(ids).await?;
        let (report, stood) =
            self.journal.discard_noting(free, reason.to_owned(), self.actor.clone()).await?;
        if let Some(first) = report.queued.first() {
            let more = match report.queued.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            self.did(format!("discarded {first}{more}"), past::Back::Discarded(stood));
        }
        Ok(team::with_refused(report, taken))
    }

    /// Records a decision; the execution that carries it out runs at once.
    pub async fn decide(&self, decision: &Decision) -> Result<ExecutionId, OperateError> {
        self.may_write()?;
        self.unclaimed(team::of_decision(decision)).await?;
        let whole = self.whole(decision).await?;
        let decision = whole.as_ref().unwrap_or(decision);
        // A decision that cannot be carried out is refused here, not after it has been queued.
        let prepared = self.prepare(decision).await?;
        let new = NewExecution {
            recipe: prepared.recipe.to_owned(),
            subject: prepared.subject,
            person: None,
            lane: lane_of(&self.journal, &prepared.record).await?,
            record: Some(prepared.record),
            priority: Priority::Operator,
            due_at: self.clock.now().plus(self.send_after),
            sentence: format!("Decided by {}; waits for a worker.", self.actor),
            max_attempts: self.max_attempts,
        };
        let decision = self.as_seen(decision).await?;
        let id = self.journal.decide(decision.clone(), new, self.actor.clone()).await?;
        self.did_decide(&decision, id);
        Ok(id)
    }

    /// What a decision would do: the exact calls, what is lost, what cannot be taken back.
    pub async fn preview(&self, decision: &Decision) -> Result<Preview, OperateError> {
        let Some(whole) = self.whole(decision).await? else {
            return Ok(self.prepare(decision).await?.preview);
        };
        let preview = self.prepare(&whole).await?.preview;
        Ok(Preview { decision: Some(Box::new(whole)), ..preview })
    }

    /// What carrying a decision out would be, by the mappings that are in force now.
    async fn prepare(&self, decision: &Decision) -> Result<Prepared, OperateError> {
        let now = self.in_force().await;
        Box::pin(now.prepare_by_these(decision)).await
    }

    async fn prepare_by_these(&self, decision: &Decision) -> Result<Prepared, OperateError> {
        match decision {
            Decision::Resolve { conflict, choice } => {
                let id = conflict;
                let conflict =
                    self.journal.conflict(*id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
                still_open(conflict.state, &id.to_string())?;
                if conflict.field == mend::IDENTITY {
                    return self.identifying(conflict, choice).await;
                }
                let mapping = self.mapping_of(conflict.right.object);
                let field = mapping.field(&conflict.field).ok_or_else(|| {
                    OperateError::Impossible(format!(
                        "the mapping has no field \"{}\" any more.",
                        conflict.field
                    ))
                })?;
                let mut left = self.copy(&conflict.left).await?;
                let right = self.copy(&conflict.right).await?;
                if field.intercom.starts_with("company.") {
                    left.fields.insert(field.intercom.clone(), conflict.left_value.clone());
                }
                let planned = mend::resolve(choice, conflict.kind, field, &left, &right, mapping)?;
                let title = format!("Settle {} of {}", conflict.field, conflict.subject);
                let mut preview = self.preview_of(title, &planned.plan);
                preview.notes.extend(planned.plan.nothing.clone());
                if conflict.execution.is_some() {
                    preview
                        .notes
                        .push("Only this field is written; what waited for it goes on by itself.".into());
                }
                Ok(Prepared {
                    recipe: recipes::RESOLVE_CONFLICT,
                    subject: conflict.subject,
                    record: conflict.left,
                    preview,
                })
            }
            Decision::Reopen { conflict, settled } => self.reopening(*conflict, *settled).await,
            Decision::Merge { duplicate, survivor, wish } => {
                Box::pin(self.uncontradicted(*duplicate)).await?;
                Box::pin(self.merging(*duplicate, survivor, wish)).await
            }
            Decision::UndoMerge { merge } => self.undoing(*merge).await,
            Decision::Link { unlinked, company, how } => self.linking(*unlinked, company, *how).await,
            Decision::Found { unlinked, name, domain } => self.founding(*unlinked, name, domain).await,
            Decision::Unlink { unlinked, link } => self.unlinking(*unlinked, *link).await,
            Decision::Probe { execution } => self.probing(*execution).await,
            Decision::Act { verb, record, effects, .. } => {
                let planned = act::plan(effects)?;
                let titles: Vec<&str> = planned.plan.steps.iter().map(|step| step.title.as_str()).collect();
                let mut preview = self.preview_of(titles.join("; "), &planned.plan);
                let speaks =
                    |effect: &Effect| matches!(effect, Effect::Converse { .. } | Effect::Reply { .. });
                preview.irreversible = effects.iter().any(speaks);
                if let Some(Effect::Reply { speaker, .. }) =
                    effects.iter().find(|effect| matches!(effect, Effect::Reply { .. }))
                {
                    let ours = self.vendors.intercom.admin_id.trim();
                    preview.notes.push(match [speaker.trim(), ours].into_iter().find(|id| !id.is_empty()) {
                        Some(id) => format!("Intercom's teammate {id} speaks."),
                        None => {
                            "Whoever the token belongs to speaks (vendors.intercom.admin_id names another)."
                                .into()
                        }
                    });
                }
                if preview.irreversible {
                    preview.notes.push("What was said cannot be taken back.".into());
                }
                match verb.as_str() {
                    "tag" => preview.notes.push("`reknit untag` takes it off again.".into()),
                    "untag" => preview.notes.push("`reknit tag` puts it on again.".into()),
                    "assign" => preview.notes.push("Assigning it anew undoes it.".into()),
                    _ => {}
                }
                let copy = self.journal.mirror(record).await?;
                Ok(Prepared {
                    recipe: recipes::OPERATOR_ACTION,
                    subject: copy.map_or_else(|| record.title(), |mirror| mirror.display_name()),
                    record: record.clone(),
                    preview,
                })
            }
        }
    }

    pub(super) async fn copy(&self, record: &RecordRef) -> Result<Mirror, OperateError> {
        match self.journal.mirror(record).await? {
            Some(mirror) if !mirror.deleted => Ok(mirror),
            Some(_) => Err(OperateError::Impossible(format!("{} is gone at the vendor.", record.title()))),
            None => Err(OperateError::Missing(record.to_string())),
        }
    }

    pub(super) fn preview_of(&self, title: String, plan: &crate::domain::plan::Plan) -> Preview {
        let calls = plan.steps.iter().flat_map(|step| vendors::calls(&self.vendors, &step.effect)).collect();
        let mut notes = Vec::new();
        if plan.steps.len() > 1 {
            notes.push(
                "If one call fails, the later ones are not sent; a retry goes on where it stopped.".into(),
            );
        }
        if plan.steps.iter().any(|step| !step.fills.is_empty()) {
            notes.push("A null in a body stands for the id that the call before it returns.".into());
        }
        Preview { title, calls, notes, ..Preview::default() }
    }
}

fn shipped_companies(crm: System) -> Option<Arc<Mapping>> {
    let shipped = crate::mapping::Mappings::shipped();
    shipped.for_pair(crm, ObjectKind::Company, ObjectKind::Company).cloned().map(Arc::new)
}

pub(super) fn still_open(state: ReviewState, name: &str) -> Result<(), OperateError> {
    match state {
        ReviewState::Open | ReviewState::Ignored => Ok(()),
        ReviewState::Deciding => {
            Err(OperateError::Impossible(format!("{name} is decided already and being carried out.")))
        }
        state => {
            Err(OperateError::Impossible(format!("{name} is {state}: there is nothing to decide any more.")))
        }
    }
}

/// A decision as it would be carried out, with its preview.
pub(super) struct Prepared {
    pub(super) recipe: &'static str,
    pub(super) subject: String,
    pub(super) record: RecordRef,
    pub(super) preview: Preview,
}
