//! A recipe tried on one chosen record: which gates let it through, which one stopped it, and the exact calls that would
//! be sent. By the engine's own rehearsal where vendors can be read, else by Reknit's copies. Nothing is sent or stored.

use serde::Serialize;
use serde_json::json;

use super::desk::Rules;
use super::switching::Position;
use super::{OperateError, Operator};
use crate::domain::event::{Event, EventKind, EventSource};
use crate::domain::ids::EventId;
use crate::domain::pause::PauseScope;
use crate::domain::plan::{Call, Plan};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::text::shorten;
use crate::engine::recipe::Rehearsed;
use crate::engine::why_not::Verdict;
use crate::journal::events::Wanted;
use crate::journal::told::Named;
use crate::mapping::Mapping;
use crate::recipes::condition::RecipeFault;
use crate::recipes::contact_sync;
use crate::recipes::facts::Facts;
use crate::recipes::needs::Needs;
use crate::recipes::planner::{self, Ruling};
use crate::recipes::recipe::{Recipe, Trigger};

/// Events of a record among which one is looked for that makes the recipe run.
const EVENTS: usize = 50;
/// Letters of a value in a sentence.
const SHOWN: usize = 80;

/// One gate on the way from the event to the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Its name.
    pub gate: &'static str,
    /// How it stood.
    pub verdict: Verdict,
    /// What was found.
    pub sentence: String,
}

/// What would come of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The recipe.
    pub recipe: String,
    /// Whom it was tried on.
    pub subject: String,
    /// The record the recipe began with.
    pub record: RecordRef,
    /// The records were read at the vendors just now; else Reknit's copies were taken.
    pub live: bool,
    /// The gates in order; the first that stopped it is the reason.
    pub gates: Vec<Gate>,
    /// The steps that would be done, in words.
    pub steps: Vec<String>,
    /// The exact calls.
    pub calls: Vec<Call>,
    /// What is left alone, held back for a human, or told to somebody.
    pub notes: Vec<String>,
    /// The calls that were made to find out.
    pub reads: Vec<String>,
}

impl Trial {
    /// The gate that stopped it.
    pub fn stopped(&self) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.verdict == Verdict::Stopped)
    }
}

impl Operator {
    /// Tries a recipe on whom an e-mail, a record (`hubspot/contact/151`) or a person's number (`pe_3`) names. The recipe
    /// need not be on.
    pub async fn try_recipe(&self, name: &str, whom: &str) -> Result<Trial, OperateError> {
        let rules = self.rules().await?;
        let recipe = rules
            .in_force
            .book
            .recipe(name)
            .cloned()
            .ok_or_else(|| OperateError::Impossible(format!("there is no recipe \"{name}\".")))?;
        let named = self.journal.named(whom).await?;
        if named.records.is_empty() {
            return Err(OperateError::Impossible(format!(
                "nobody is known by \"{}\"; give an e-mail, a record as hubspot/contact/151, or pe_3.",
                shorten(whom.trim(), SHOWN)
            )));
        }
        let (event, told) = self.event_for(&recipe, &named).await?;
        let record = event.record.clone().unwrap_or_else(|| named.records[0].clone());
        let mut gates = vec![Gate { gate: "event", verdict: Verdict::Passed, sentence: told }];
        if self.journal.is_erased(&record).await? {
            gates.push(stopped("erased", "This person was erased; everything about them is refused."));
        }
        gates.push(self.switched(&recipe).await?);
        gates.extend(self.paused(&recipe).await?);
        let (rehearsed, live) = match self.desk.reader() {
            Some(engine) => (Box::pin(engine.rehearse(&recipe, event)).await?, true),
            None => (self.by_copies(&rules, &recipe, &event, &named).await?, false),
        };
        let mut trial = Trial {
            recipe: recipe.name.clone(),
            subject: self.subject(&record, &named).await?,
            record,
            live,
            gates,
            steps: Vec::new(),
            calls: Vec::new(),
            notes: Vec::new(),
            reads: rehearsed.reads,
        };
        self.tell(&mut trial, &recipe, &rehearsed.plan, rehearsed.obstacle);
        Ok(trial)
    }

    /// The newest event about one of the records that makes the recipe run, else one made up; and what to say of it.
    async fn event_for(&self, recipe: &Recipe, named: &Named) -> Result<(Event, String), OperateError> {
        for record in &named.records {
            let wanted = Wanted { record: Some(record.clone()), ..Wanted::default() };
            let rows = self.journal.events(wanted, EVENTS).await?;
            let fits = rows.iter().find(|row| recipe.trigger.fits(row.connection.system, row.kind));
            let Some(row) = fits else { continue };
            let Some((row, body)) = self.journal.event(row.id).await? else { continue };
            let told = format!("{} of {}, told at {}.", row.topic, record.title(), row.received_at.rfc3339());
            let event = Event {
                id: row.id,
                connection: row.connection,
                source: row.source,
                delivery_key: String::new(),
                topic: row.topic,
                kind: row.kind,
                record: row.record,
                occurred_at: row.occurred_at,
                received_at: row.received_at,
                deliveries: 1,
                body,
            };
            return Ok((event, told));
        }
        let wanted = kinds(recipe.trigger);
        let crm = recipe.crm.unwrap_or(self.crm);
        let begins = |record: &&RecordRef| {
            let kind = EventKind::ALL.iter().find(|kind| recipe.trigger.fits(record.system(), **kind));
            kind.is_some()
                && wanted.contains(&record.object)
                && [System::Intercom, crm].contains(&record.system())
        };
        let Some(record) = named.records.iter().find(begins) else {
            return Err(OperateError::Impossible(format!(
                "{} begins with {}, and nothing of that kind has been told of them; name one, as {}.",
                recipe.name,
                recipe.trigger,
                match wanted.first() {
                    Some(ObjectKind::Conversation) => "intercom/conversation/20001".to_owned(),
                    Some(kind) => format!("{crm}/{kind}/151"),
                    None => "pe_3".to_owned(),
                }
            )));
        };
        let kind = EventKind::ALL.iter().find(|kind| recipe.trigger.fits(record.system(), **kind));
        let now = self.clock.now();
        let event = Event {
            id: EventId(0),
            connection: record.connection.clone(),
            source: EventSource::Operator,
            delivery_key: String::new(),
            topic: recipe.trigger.to_string(),
            kind: kind.copied().unwrap_or(EventKind::Other),
            record: Some(record.clone()),
            occurred_at: Some(now),
            received_at: now,
            deliveries: 1,
            body: "{}".to_owned(),
        };
        Ok((
            event,
            format!("As if {} were told of {} now; no such event is stored.", recipe.trigger, record.title()),
        ))
    }

    async fn switched(&self, recipe: &Recipe) -> Result<Gate, OperateError> {
        let first_run = self.journal.first_run().await?.contains(&recipe.name);
        Ok(match Position::from(recipe.state) {
            Position::Off => {
                stopped("switch", "It is off: the event would run nothing. What follows is as if it were on.")
            }
            Position::On if first_run => {
                passed("switch", "It plans and writes nothing until somebody switches it on in this journal.")
            }
            Position::Shadow => passed("switch", "In shadow: it would plan this and write nothing."),
            Position::On => passed("switch", "On."),
        })
    }

    async fn paused(&self, recipe: &Recipe) -> Result<Option<Gate>, OperateError> {
        let (scope, now) = (PauseScope::recipe(&recipe.name), self.clock.now());
        let pauses = self.journal.pauses().await?;
        let pause = pauses.iter().find(|pause| pause.scope == scope && pause.holds(now));
        Ok(pause.map(|pause| stopped("pause", pause.sentence())))
    }

    async fn subject(&self, record: &RecordRef, named: &Named) -> Result<String, OperateError> {
        for one in std::iter::once(record).chain(&named.records) {
            if let Some(mirror) = self.journal.mirror(one).await? {
                return Ok(mirror.display_name());
            }
        }
        Ok(record.title())
    }

    /// Puts a plan, or what stood in its way, into words.
    fn tell(&self, trial: &mut Trial, recipe: &Recipe, plan: &Plan, obstacle: Option<String>) {
        let gate = if recipe.condition.is_some() { "condition" } else { "something to do" };
        match (obstacle, &plan.nothing) {
            (Some(why), _) => trial.gates.push(stopped("facts", why)),
            (None, Some(why)) if plan.steps.is_empty() && plan.notices.is_empty() => {
                trial.gates.push(passed("facts", "What it needs to know is there."));
                trial.gates.push(stopped(gate, why.clone()));
            }
            (None, _) => {
                trial.gates.push(passed("facts", "What it needs to know is there."));
                trial.gates.push(passed(
                    gate,
                    match &recipe.condition {
                        Some(condition) => format!("It holds: {}", condition.when),
                        None => "It has no condition.".to_owned(),
                    },
                ));
            }
        }
        for step in &plan.steps {
            trial.steps.push(step.title.clone());
            trial.calls.extend(self.calls_of(&step.effect));
        }
        for found in &plan.conflicts {
            trial.notes.push(format!("For a human: {}, {}", found.field, found.kind.phrase()));
        }
        for skip in plan.skips.iter().filter(|skip| skip.field != "condition") {
            trial.notes.push(format!("Left alone: {}, {}", skip.field, skip.reason));
        }
        for notice in &plan.notices {
            trial.notes.push(format!("Told to {}: {}", notice.channel, notice.title));
        }
        if plan.steps.iter().any(|step| !step.fills.is_empty()) {
            trial.notes.push("A null in a body stands for the id that the call before it returns.".into());
        }
    }

    /// The plan as Reknit's copies give it.
    async fn by_copies(
        &self,
        rules: &Rules,
        recipe: &Recipe,
        event: &Event,
        named: &Named,
    ) -> Result<Rehearsed, OperateError> {
        let plan_of = |plan: Plan, obstacle: Option<String>| Rehearsed { plan, obstacle, reads: Vec::new() };
        let needs = match Needs::of(recipe) {
            Ok(needs) => needs,
            Err(fault) => return Ok(plan_of(Plan::default(), Some(fault.to_string()))),
        };
        if let Some(what) = beyond_copies(&needs, event) {
            let why = format!("{what} is not kept in copies; try it where Reknit has tokens to read it.");
            return Ok(plan_of(Plan::default(), Some(why)));
        }
        let crm = Connection::only(recipe.crm.unwrap_or(self.crm));
        let mut facts = Facts::new(self.clock.now(), crm.clone());
        for (name, value) in [
            ("topic", json!(event.topic)),
            ("kind", json!(event.kind)),
            ("id", json!(event.id.to_string())),
            ("at", json!(event.occurred_at.unwrap_or(event.received_at).seconds())),
        ] {
            facts.event.insert(name.to_owned(), value);
        }
        facts.settings.clone_from(&recipe.settings);
        facts.contact = self.own(named, System::Intercom).await?;
        facts.crm = self.own(named, crm.system).await?;
        if needs.company
            && let Some(id) = facts.crm.as_ref().and_then(|person| person.companies.first().cloned())
        {
            let company = RecordRef { connection: crm.clone(), object: ObjectKind::Company, id };
            facts.company = self.journal.mirror(&company).await?;
        }
        let mut both = contact_sync::Facts {
            intercom: facts.contact.clone(),
            crm: facts.crm.clone(),
            ..contact_sync::Facts::default()
        };
        if let Some(record) = &event.record {
            let known = self.journal.known(record).await?;
            (both.agreements, both.held, both.off) = (known.agreements, known.held, known.off);
        }
        facts.sync = Some(both);
        let contact = &rules.in_force.contact;
        let mapping = |name: &str| {
            if name == contact.name { Some(&**contact) } else { rules.in_force.mappings.named(name) }
        };
        let (plan, obstacle) = match planned(recipe, facts, &mapping) {
            Ok(found) => found,
            Err(fault) => (Plan::default(), Some(fault.to_string())),
        };
        Ok(plan_of(plan, obstacle))
    }

    /// Our copy of the person in a system: of several the first.
    async fn own(&self, named: &Named, system: System) -> Result<Option<Mirror>, OperateError> {
        for object in [ObjectKind::Contact, ObjectKind::Lead] {
            let found = named.records.iter().find(|it| it.system() == system && it.object == object);
            if let Some(record) = found {
                return Ok(self.journal.mirror(record).await?.filter(|mirror| !mirror.deleted));
            }
        }
        Ok(None)
    }
}

/// The plan from facts, or what is missing. What would be looked up at a vendor counts as not found.
fn planned<'m>(
    recipe: &Recipe,
    mut facts: Facts,
    mapping: &dyn Fn(&str) -> Option<&'m Mapping>,
) -> Result<(Plan, Option<String>), RecipeFault> {
    let nothing = |why: String| (Plan { nothing: Some(why), ..Plan::default() }, None);
    Ok(match planner::judge(recipe, &facts)? {
        Ruling::Skip { reason, explanation } if explanation.is_empty() => nothing(reason),
        Ruling::Skip { reason, explanation } => nothing(format!("{reason} ({explanation})")),
        Ruling::Missing(why) => (Plan::default(), Some(why)),
        Ruling::Go { .. } => {
            for wanted in planner::lookups(recipe, &facts)? {
                facts.found.insert(wanted.action, Vec::new());
            }
            (planner::plan(recipe, &facts, mapping)?.plan, None)
        }
    })
}

fn passed(gate: &'static str, sentence: impl Into<String>) -> Gate {
    Gate { gate, verdict: Verdict::Passed, sentence: sentence.into() }
}

fn stopped(gate: &'static str, sentence: impl Into<String>) -> Gate {
    Gate { gate, verdict: Verdict::Stopped, sentence: sentence.into() }
}

/// The kinds of records that a trigger's events are about.
fn kinds(trigger: Trigger) -> &'static [ObjectKind] {
    match trigger {
        Trigger::IntercomContactChanged
        | Trigger::CrmContactChanged
        | Trigger::ContactTagged
        | Trigger::PersonActed
        | Trigger::AgentAnswered => &[ObjectKind::Contact, ObjectKind::Lead],
        Trigger::IntercomCompanyChanged | Trigger::CrmCompanyChanged => &[ObjectKind::Company],
        Trigger::ConversationCreated
        | Trigger::ConversationMessage
        | Trigger::ConversationClosed
        | Trigger::ConversationOpenOrClosed
        | Trigger::ConversationRated
        | Trigger::ConversationTagged => &[ObjectKind::Conversation],
        Trigger::DealChanged => &[ObjectKind::Deal],
        Trigger::TicketChanged => &[ObjectKind::Ticket],
    }
}

/// What a recipe wants to know that no copy holds.
fn beyond_copies(needs: &Needs, event: &Event) -> Option<&'static str> {
    let of_company = event.record.as_ref().is_some_and(|record| record.object == ObjectKind::Company);
    [
        (needs.conversation || needs.timeline, "The conversation"),
        (needs.conversations, "The list of the person's conversations"),
        (needs.deals, "The person's sales"),
        (needs.ticket, "The support case"),
        (of_company, "The organisation's tie to the other side"),
    ]
    .into_iter()
    .find(|(wanted, _)| *wanted)
    .map(|(_, what)| what)
}
