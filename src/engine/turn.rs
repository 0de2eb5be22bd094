//! One turn of a worker: gather, plan, perform, settle. The middle of Reknit in one function.
//!
//! A turn owns everything it learns until [`super::settle`] stores it in one transaction. A plan of
//! which something that must not be repeated was begun is resumed at its first step that is not done; any other is
//! made anew from today's facts.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;

use super::batch::{Begin, Cargo, Outcome};
use super::limits::{Parked, family_of_lookup};
use super::{Engine, gather, rulebook, writers};
use crate::domain::agreement::{Agreement, Echo};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::execution::{Priority, Status};
use crate::domain::limit::{Family, Urgency};
use crate::domain::merge::Compensation;
use crate::domain::pause::{Direction, Pause, PauseScope};
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::{Connection, Fields, Mirror, RecordRef};
use crate::journal::JournalError;
use crate::journal::facts::value_hash;
use crate::journal::queue::{Claim, Settlement};
use crate::recipes;
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::Impossible;
use crate::vendors::together::{self, Brought, Errand};
use crate::vendors::{Log, VendorError};

/// How long one turn waits in place for windows, all its calls together; at most half of its lease.
const PATIENCE: Duration = Duration::from_secs(32);

/// Why a turn ended before its plan was done.
pub(super) enum Stop {
    /// The vendor refused or did not answer; with the step it was about, if it was about one.
    Vendor(Box<VendorError>, Option<usize>),
    /// No call is allowed before a time, or until a breaker closes.
    Parked(Parked),
    /// Somebody paused it.
    Paused(Box<Pause>),
    /// The decision cannot be carried out.
    Impossible(Impossible),
    /// What the recipe cannot do without is missing: a sentence that says what, and what to do.
    Missing(String),
    /// The recipe does not fit the facts.
    Fault(String),
    /// A merge over several systems was taken back as far as that goes.
    TakenBack(Box<Compensation>),
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
    /// The connection that was to be called last: a call that could not be made leaves no exchange.
    pub(super) called: Option<Connection>,
    /// The step each exchange belongs to.
    pub(super) step_of: Vec<Option<u32>>,
    pub(super) planned: Planned,
    /// Set when the plan is an earlier one: it may say less than is known by now.
    pub(super) resumed_from: Option<Timestamp>,
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
    /// The editions of recipe and mapping that the plan is made by.
    pub(super) editions: Option<String>,
    /// The person it is about, where the record is not their own.
    pub(super) person: Option<RecordRef>,
    /// Deals and tickets, and whose they are.
    pub(super) people_behind: Vec<(RecordRef, RecordRef)>,
    /// What a merge, or taking one back, needs kept besides.
    pub(super) mending: super::undo::Mending,
    /// The recipe only plans.
    pub(super) shadow: bool,
    /// How long this turn may still wait in place for windows to open.
    patience: Duration,
    /// Turns true when another worker has the work: no further call is made then.
    lost: watch::Receiver<bool>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(engine: &'a Engine, claim: Claim, lost: watch::Receiver<bool>) -> Self {
        Self {
            engine,
            claim,
            log: Log::new(),
            learnt: 0,
            called: None,
            step_of: Vec::new(),
            planned: Planned::default(),
            resumed_from: None,
            mirrors: Vec::new(),
            identity: Vec::new(),
            gone: Vec::new(),
            remapped: Vec::new(),
            audit: Vec::new(),
            echoes: Vec::new(),
            agreements: Vec::new(),
            left: None,
            right: None,
            editions: None,
            person: None,
            people_behind: Vec::new(),
            mending: super::undo::Mending::default(),
            shadow: false,
            patience: PATIENCE.min(Duration::from_secs(engine.settings.lease_seconds) / 2),
            lost,
        }
    }

    /// Runs the turn; the result is what is to be settled.
    pub(super) async fn run(&mut self) -> Result<(Status, Settlement), JournalError> {
        let (status, mut settlement) = self.end().await?;
        if !settlement.conflicts.is_empty() {
            // The copies of this turn are in the settlement by now.
            self.mirrors.clone_from(&settlement.mirrors);
            writers::name(self, &mut settlement.conflicts).await;
            settlement.ruled = rulebook::decide(self, &settlement.conflicts).await;
        }
        Ok((status, settlement))
    }

    async fn end(&mut self) -> Result<(Status, Settlement), JournalError> {
        let result = self.work().await;
        match result {
            Ok(()) => {
                let called: HashSet<&Connection> =
                    self.log.iter().map(|exchange| &exchange.connection).collect();
                for connection in called {
                    self.engine.holds.answered(connection);
                }
                Ok(self.succeeded())
            }
            Err(Stop::Journal(error)) => Err(error),
            Err(Stop::Vendor(error, place)) => {
                let connection = self.connection_of(place);
                let whose = self.claim.execution.id.0;
                let held = self.engine.judge(&connection, &error, whose).await;
                let mut settled = self.refused(&connection, &error, place, held);
                self.tell_of_failure(settled.0, &mut settled.1);
                Ok(settled)
            }
            Err(stop) => {
                let mut settled = self.stopped(stop);
                self.tell_of_failure(settled.0, &mut settled.1);
                Ok(settled)
            }
        }
    }

    async fn work(&mut self) -> Result<(), Stop> {
        self.engine.holds.refresh().await;
        self.look_whether_paused()?;
        self.look_whether_off_peak()?;
        match self.claim.plan.take() {
            Some(plan) if must_be_resumed(&plan) => {
                if let Some(record) = &self.claim.execution.record {
                    self.identity = self.engine.journal.known(record).await?.records;
                }
                let will_agree = plan.will_agree.clone();
                self.planned = Planned { plan, will_agree, ..Planned::default() };
                // It was made after this; when exactly, nobody has written down.
                self.resumed_from = Some(self.claim.execution.created_at);
                self.look_up_doubts().await?;
            }
            earlier => {
                self.look_whether_open().await?;
                self.planned = self.plan().await?;
                let mut earlier = earlier.unwrap_or_default();
                let edits = std::mem::take(&mut earlier.edits);
                self.keep_what_was_done(earlier);
                if !edits.is_empty() {
                    // The sides will differ where a human wanted them to.
                    self.planned.will_agree.clear();
                    self.planned.plan.take_edits(edits);
                }
            }
        }
        if self.shadow {
            return Ok(());
        }
        self.look_whether_writes_are_paused()?;
        self.perform().await?;
        super::undo::look_after(self).await
    }

    /// Paused work is not begun; what has begun its steps ends them.
    fn look_whether_paused(&self) -> Result<(), Stop> {
        let execution = &self.claim.execution;
        let recipe = execution.recipe.as_str();
        let sides = [&self.engine.intercom, &self.engine.crm];
        let mut scopes = vec![PauseScope::recipe(recipe)];
        match recipe {
            recipes::CONTACT_TO_CRM | recipes::CONTACT_TO_INTERCOM => {
                let to_crm = recipe == recipes::CONTACT_TO_CRM;
                scopes.push(PauseScope::direction(if to_crm {
                    Direction::ToCrm
                } else {
                    Direction::ToIntercom
                }));
                scopes.extend(sides.map(PauseScope::connection));
            }
            recipes::RESOLVE_CONFLICT | recipes::REOPEN_CONFLICT => {
                scopes.extend(sides.map(PauseScope::connection));
            }
            _ if self.recipe().is_some() => scopes.extend(sides.map(PauseScope::connection)),
            _ => scopes
                .extend(execution.record.iter().map(|record| PauseScope::connection(&record.connection))),
        }
        self.engine.holds.paused(&scopes).map_or(Ok(()), |pause| Err(Stop::Paused(Box::new(pause))))
    }

    /// A plan that would write into a paused side is not begun, whichever recipe it is of.
    fn look_whether_writes_are_paused(&self) -> Result<(), Stop> {
        let open = self.planned.plan.steps.iter().filter(|step| step.state != StepState::Done);
        let targets: HashSet<&Connection> = open.map(|step| step.effect.connection()).collect();
        let scopes: Vec<PauseScope> = targets
            .into_iter()
            .flat_map(|to| [PauseScope::direction(Direction::to(to)), PauseScope::connection(to)])
            .collect();
        self.engine.holds.paused(&scopes).map_or(Ok(()), |pause| Err(Stop::Paused(Box::new(pause))))
    }

    /// What is not urgent and was held back past its window waits for the next one.
    fn look_whether_off_peak(&self) -> Result<(), Stop> {
        let now = self.engine.clock.now();
        // A wrong window was refused when the settings were read.
        let (Priority::Background, Ok(Some(window))) =
            (self.claim.execution.priority, self.engine.settings.off_peak_window())
        else {
            return Ok(());
        };
        let until = window.next(now);
        if until <= now || self.claim.execution.status != Status::Pending {
            return Ok(());
        }
        let settings = &self.engine.settings;
        let why = format!("the off-peak window ({} {})", settings.off_peak, settings.off_peak_time_zone);
        Err(Stop::Parked(Parked { until, why, soon: false, held_by: None }))
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
            .all(|(name, value)| value_hash(mirror.value(name).unwrap_or(&none)) == value_hash(value))
    }

    async fn plan(&mut self) -> Result<Planned, Stop> {
        match self.claim.execution.recipe.as_str() {
            recipes::MIRROR_COMPANY => gather::company(self).await,
            recipes::ERASE_PERSON => super::erasure::plan(self).await,
            _ if self.claim.decision.is_some() => gather::mend(self).await,
            // Bigger than all others, and not taken by most turns.
            _ => Box::pin(super::recipe::plan(self)).await,
        }
    }

    fn urgency(&self) -> Urgency {
        match self.claim.execution.priority {
            Priority::Operator => Urgency::Operator,
            Priority::Live | Priority::Background => Urgency::Usual,
        }
    }

    /// A sync needs both sides: when one is closed for longer than a window, not even the first record is read, so that
    /// work that waits for a day's renewal costs no calls each time it looks.
    async fn look_whether_open(&mut self) -> Result<(), Stop> {
        let Some(recipe) = self.recipe() else { return Ok(()) };
        let sides =
            [Some(&self.engine.intercom), Some(&self.engine.crm).filter(|_| Self::uses_the_crm(recipe))];
        for side in sides.into_iter().flatten() {
            if let Some(parked) = self.engine.limits.closed(side, self.urgency())
                && !self.looked(side, &parked).await
            {
                return Err(Stop::Parked(parked));
            }
        }
        Ok(())
    }

    /// What a human asked for does not wait for a breaker's rest: it is the look. Whether the connection works again.
    async fn looked(&self, connection: &Connection, parked: &Parked) -> bool {
        let execution = &self.claim.execution;
        parked.held_by.is_some()
            && execution.priority == Priority::Operator
            && self.engine.look(connection, Some(execution.updated_at)).await
    }

    /// Asks for one call of a connection's usual endpoints.
    pub(super) async fn admit(&mut self, connection: &Connection) -> Result<(), Stop> {
        self.admit_to(connection, Family::usual(connection.system)).await
    }

    /// Asks for one call. A full window is waited for in place, since ending the turn would mean to look everything up
    /// once more; any other "not before" ends the turn without counting as a try.
    async fn admit_to(&mut self, connection: &Connection, family: Family) -> Result<(), Stop> {
        self.called = Some(connection.clone());
        loop {
            if *self.lost.borrow() {
                return Err(JournalError::LeaseLost.into());
            }
            match self.engine.limits.admit(connection, family, self.urgency()).await {
                Ok(()) => return Ok(()),
                Err(parked) => self.sit_out(connection, parked).await?,
            }
        }
    }

    /// Waits for a window to open, if this turn has the patience.
    async fn sit_out(&mut self, connection: &Connection, parked: Parked) -> Result<(), Stop> {
        if self.looked(connection, &parked).await {
            return Ok(());
        }
        let mut stopping = self.engine.limits.stopping();
        let wait = parked.until.since(self.engine.clock.now());
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        if !parked.soon || wait > self.patience || *stopping.borrow_and_update() {
            return Err(Stop::Parked(parked));
        }
        self.patience -= wait;
        let _resting = self.engine.batcher.rest();
        tokio::select! {
            () = self.engine.clock.until(parked.until) => {}
            _ = stopping.changed() => {}
            _ = self.lost.wait_for(|lost| *lost) => {}
        }
        Ok(())
    }

    /// Runs an errand, with others where it may travel with them; a step's intent is stored before it goes. The inner
    /// error is the vendor's.
    pub(super) async fn run_errand(
        &mut self,
        errand: Errand,
        step: Option<usize>,
    ) -> Result<Result<Brought, VendorError>, Stop> {
        let settings = self.engine.clients.settings();
        let Some(endpoint) = errand.endpoint(settings) else {
            let family = match &errand {
                Errand::Find { connection, field, .. } => {
                    family_of_lookup(settings, connection.system, field)
                }
                _ => Family::usual(errand.connection().system),
            };
            self.admit_to(errand.connection(), family).await?;
            if let Some(place) = Self::writing(&errand, step) {
                let Begin { id, token, intent, lease } = self.intent(place);
                self.engine.journal.begin(id, token, intent, lease).await?;
                self.begun(place);
            }
            let result = together::alone(&self.engine.clients, &errand, &mut self.log).await;
            self.learn(step);
            return Ok(result);
        };
        self.called = Some(endpoint.connection.clone());
        loop {
            if *self.lost.borrow() {
                return Err(JournalError::LeaseLost.into());
            }
            let writing = Self::writing(&errand, step);
            let begin = writing.map(|place| Box::new(self.intent(place)));
            let cargo = Cargo { errand: errand.clone(), urgency: self.urgency(), begin };
            match self.engine.batcher.send(&endpoint, cargo).await {
                Outcome::Parked(parked) => self.sit_out(&endpoint.connection, parked).await?,
                Outcome::Journal(error) => return Err(error.into()),
                Outcome::Back(returned) => {
                    if let Some(place) = writing {
                        self.begun(place);
                    }
                    // The batch was learnt from already, once for all of its rows.
                    self.step_of.extend(returned.log.iter().map(|_| step.map(|step| step as u32)));
                    self.log.extend(returned.log);
                    self.learnt = self.log.len();
                    return Ok(returned.result);
                }
            }
        }
    }

    /// The step of which an intent has to be stored.
    fn writing(errand: &Errand, step: Option<usize>) -> Option<usize> {
        step.filter(|_| matches!(errand, Errand::Perform(_)))
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
        let result = match self.run_errand(Errand::Read(record.clone()), None).await? {
            Ok(Brought::Record(mirror)) => Ok(mirror),
            Ok(_) => Err(VendorError::new(ErrorClass::Unknown, "A read brought something else back.")),
            Err(error) => Err(error),
        };
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
        let (connection, field, value) = (connection.clone(), field.to_owned(), value.to_owned());
        let found = match self.run_errand(Errand::Find { connection, field, value }, None).await? {
            Ok(Brought::Found(found)) => found,
            Ok(_) => Vec::new(),
            Err(error) => return Err(Stop::Vendor(Box::new(error), None)),
        };
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
