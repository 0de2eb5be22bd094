//! One turn of a worker: gather, plan, perform, settle. The middle of Reknit in one function.
//!
//! A turn owns everything it learns until [`super::settle`] stores it in one transaction. A plan of
//! which something that must not be repeated was begun is resumed at its first step that is not done; any other is
//! made anew from today's facts.

use std::time::Duration;

use super::limits::{Parked, family_of_lookup};
use super::{Engine, gather};
use crate::domain::agreement::{Agreement, Echo};
use crate::domain::audit::NewEntry;
use crate::domain::event::EventKind;
use crate::domain::execution::{Priority, Status};
use crate::domain::limit::{Family, Urgency};
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::{Connection, Fields, Mirror, RecordRef};
use crate::journal::JournalError;
use crate::journal::facts::value_hash;
use crate::journal::queue::{Claim, Settlement};
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::Impossible;
use crate::recipes::{self, contact_sync};
use crate::vendors::{Log, VendorError};

/// How long one turn waits in place for windows, all its calls together; at most half of its lease.
const PATIENCE: Duration = Duration::from_secs(32);

/// Why a turn ended before its plan was done.
pub(super) enum Stop {
    /// The vendor refused or did not answer; with the step it was about, if it was about one.
    Vendor(Box<VendorError>, Option<usize>),
    /// No call is allowed before a time.
    Parked(Parked),
    /// The decision cannot be carried out.
    Impossible(Impossible),
    /// The journal failed: nothing can be settled either.
    Journal(JournalError),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<Impossible> for Stop {
    fn from(impossible: Impossible) -> Self {
        Self::Impossible(impossible)
    }
}

/// What a turn knows and has learnt.
pub(super) struct Turn<'a> {
    pub(super) engine: &'a Engine,
    pub(super) claim: Claim,
    pub(super) log: Log,
    pub(super) learnt: usize,
    /// The step each exchange belongs to.
    pub(super) step_of: Vec<Option<u32>>,
    pub(super) planned: Planned,
    /// Records as last seen, newest last.
    pub(super) mirrors: Vec<Mirror>,
    pub(super) identity: Vec<RecordRef>,
    pub(super) gone: Vec<RecordRef>,
    pub(super) remapped: Vec<(RecordRef, RecordRef)>,
    pub(super) audit: Vec<NewEntry>,
    /// Values of records made in this turn.
    pub(super) echoes: Vec<Echo>,
    /// What both sides held when they last agreed.
    pub(super) agreements: Vec<Agreement>,
    /// The two sides of the person, for conflicts that a refusal raises.
    pub(super) left: Option<Mirror>,
    pub(super) right: Option<Mirror>,
    /// How long this turn may still wait in place for windows to open.
    patience: Duration,
}

impl<'a> Turn<'a> {
    pub(super) fn new(engine: &'a Engine, claim: Claim) -> Self {
        Self {
            engine,
            claim,
            log: Log::new(),
            learnt: 0,
            step_of: Vec::new(),
            planned: Planned::default(),
            mirrors: Vec::new(),
            identity: Vec::new(),
            gone: Vec::new(),
            remapped: Vec::new(),
            audit: Vec::new(),
            echoes: Vec::new(),
            agreements: Vec::new(),
            left: None,
            right: None,
            patience: PATIENCE.min(Duration::from_secs(engine.settings.lease_seconds) / 2),
        }
    }

    /// Runs the turn; the result is what is to be settled.
    pub(super) async fn run(&mut self) -> Result<(Status, Settlement), JournalError> {
        let result = self.work().await;
        match result {
            Ok(()) => Ok(self.succeeded()),
            Err(Stop::Journal(error)) => Err(error),
            Err(stop) => Ok(self.stopped(stop)),
        }
    }

    async fn work(&mut self) -> Result<(), Stop> {
        match self.claim.plan.take() {
            Some(plan) if must_be_resumed(&plan) => {
                if let Some(record) = &self.claim.execution.record {
                    self.identity = self.engine.journal.known(record).await?.records;
                }
                let will_agree = plan.will_agree.clone();
                self.planned = Planned { plan, will_agree, ..Planned::default() };
                self.look_up_doubts().await?;
            }
            earlier => {
                self.look_whether_open()?;
                self.planned = self.plan().await?;
                self.keep_what_was_done(earlier.unwrap_or_default());
            }
        }
        self.perform().await
    }

    /// Steps of an earlier plan that are done stay in sight. One that had begun is done when its values are there;
    /// its answer never came, so it is told of here.
    fn keep_what_was_done(&mut self, earlier: Plan) {
        let mut done = Vec::new();
        for mut step in earlier.steps {
            match (&step.effect, step.state) {
                (_, StepState::Done) => done.push(step),
                (
                    Effect::Update { record, fields },
                    StepState::Begun | StepState::InDoubt | StepState::Failed,
                ) if self.holds(record, fields) => {
                    let record = record.clone();
                    self.audit.push(self.entry(&step.effect, &record));
                    step.state = StepState::Done;
                    step.result = Some(record);
                    done.push(step);
                }
                _ => {}
            }
        }
        let shift = done.len() as u32;
        for step in &mut self.planned.plan.steps {
            step.fills.iter_mut().for_each(|fill| fill.from_step += shift);
        }
        self.planned.plan.steps.splice(0..0, done);
    }

    /// A record, as read in this turn, has these values.
    fn holds(&self, record: &RecordRef, fields: &Fields) -> bool {
        let none = serde_json::Value::Null;
        let Some(mirror) = self.mirrors.iter().find(|mirror| mirror.record == *record) else { return false };
        fields
            .iter()
            .all(|(name, value)| value_hash(mirror.fields.get(name).unwrap_or(&none)) == value_hash(value))
    }

    async fn plan(&mut self) -> Result<Planned, Stop> {
        let way = match self.claim.execution.recipe.as_str() {
            recipes::CONTACT_TO_CRM => contact_sync::Way::ToCrm,
            recipes::CONTACT_TO_INTERCOM => contact_sync::Way::ToIntercom,
            recipes::ERASE_PERSON => return super::erasure::plan(self).await,
            _ => return gather::mend(self).await,
        };
        let Some(record) = self.claim.execution.record.clone() else {
            return Ok(Planned::nothing("The event names no record."));
        };
        let facts = gather::sync(self, way, &record).await?;
        let archived = self.claim.event.as_ref().is_some_and(|event| event.kind == EventKind::ContactDeleted);
        let still_read = match way {
            contact_sync::Way::ToCrm => facts.intercom.is_some(),
            contact_sync::Way::ToIntercom => facts.crm.is_some(),
        };
        if archived && still_read {
            // Intercom answers for archived people as for living ones; nobody is made or changed because of that.
            return Ok(Planned::nothing("The contact was archived; the other side is left as it is."));
        }
        for side in [&facts.intercom, &facts.crm].into_iter().flatten() {
            if self.engine.journal.is_barred(side).await? {
                return Ok(Planned::nothing(format!(
                    "{} belongs to an erased person; nothing is made or changed.",
                    side.record.title()
                )));
            }
        }
        self.left.clone_from(&facts.intercom);
        self.right.clone_from(&facts.crm);
        self.agreements.clone_from(&facts.agreements);
        Ok(contact_sync::plan(way, &facts, &self.engine.mapping, &self.engine.crm))
    }

    fn urgency(&self) -> Urgency {
        match self.claim.execution.priority {
            Priority::Operator => Urgency::Operator,
            Priority::Live | Priority::Background => Urgency::Usual,
        }
    }

    /// A sync needs both sides: when one is closed for longer than a window, not even the first record is read, so that
    /// work that waits for a day's renewal costs no calls each time it looks.
    fn look_whether_open(&self) -> Result<(), Stop> {
        let sync = [recipes::CONTACT_TO_CRM, recipes::CONTACT_TO_INTERCOM];
        if !sync.contains(&self.claim.execution.recipe.as_str()) {
            return Ok(());
        }
        let sides = [&self.engine.intercom, &self.engine.crm];
        match sides.into_iter().find_map(|side| self.engine.limits.closed(side, self.urgency())) {
            Some(parked) => Err(Stop::Parked(parked)),
            None => Ok(()),
        }
    }

    /// Asks for one call of a connection's usual endpoints.
    pub(super) async fn admit(&mut self, connection: &Connection) -> Result<(), Stop> {
        self.admit_to(connection, Family::usual(connection.system)).await
    }

    /// Asks for one call. A full window is waited for in place, since ending the turn would mean to look everything up
    /// once more; any other "not before" ends the turn without counting as a try.
    async fn admit_to(&mut self, connection: &Connection, family: Family) -> Result<(), Stop> {
        let mut stopping = self.engine.limits.stopping();
        loop {
            let parked = match self.engine.limits.admit(connection, family, self.urgency()).await {
                Ok(()) => return Ok(()),
                Err(parked) => parked,
            };
            let wait = parked.until.since(self.engine.clock.now());
            let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
            if !parked.soon || wait > self.patience || *stopping.borrow_and_update() {
                return Err(Stop::Parked(parked));
            }
            self.patience -= wait;
            tokio::select! {
                () = self.engine.clock.until(parked.until) => {}
                _ = stopping.changed() => {}
            }
        }
    }

    /// Notes what the calls since the last time were for, and lets the limits learn from them.
    pub(super) fn learn(&mut self, step: Option<usize>) {
        for exchange in &self.log[self.learnt..] {
            self.engine.limits.learn(exchange);
            self.step_of.push(step.map(|step| step as u32));
        }
        self.learnt = self.log.len();
    }

    /// A record as it is now.
    pub(super) async fn read(&mut self, record: &RecordRef) -> Result<Result<Mirror, VendorError>, Stop> {
        self.admit(&record.connection).await?;
        let result = crate::vendors::read(&self.engine.clients, record, &mut self.log).await;
        self.learn(None);
        if let Ok(mirror) = &result {
            self.saw(mirror.clone());
        }
        Ok(result)
    }

    /// Contacts whose field has a value.
    pub(super) async fn find(
        &mut self,
        connection: &Connection,
        field: &str,
        value: &str,
    ) -> Result<Vec<Mirror>, Stop> {
        let family = family_of_lookup(self.engine.clients.settings(), connection.system, field);
        self.admit_to(connection, family).await?;
        let result =
            crate::vendors::find_contact(&self.engine.clients, connection, field, value, &mut self.log).await;
        self.learn(None);
        let found = result.map_err(|error| Stop::Vendor(Box::new(error), None))?;
        for mirror in &found {
            self.saw(mirror.clone());
        }
        Ok(found)
    }

    /// Remembers a record as last seen.
    pub(super) fn saw(&mut self, mirror: Mirror) {
        self.mirrors.retain(|known| known.record != mirror.record);
        self.mirrors.push(mirror);
    }
}

/// A plan is resumed where making it anew could do something twice. All others are made anew from today's facts: the
/// values of an earlier one may be older than what has been written since.
fn must_be_resumed(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| {
        !step.effect.is_repeatable()
            && matches!(step.state, StepState::Done | StepState::Begun | StepState::InDoubt)
    })
}
