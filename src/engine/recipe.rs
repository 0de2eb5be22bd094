//! One run of a recipe: what it wants to know, whether it has something to do, and its plan.
//!
//! | file | subject |
//! |---|---|
//! | `facts` | the records a recipe names, as they are now |
//! | `options` | what people call a value of a list, and what is written |
//!
//! Nothing here writes to a vendor: the plan is performed like any other. A recipe that is off plans nothing, one in
//! shadow plans and ends there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::limits::Parked;
use super::turn::{Stop, Turn};
use super::{Engine, companies, gather, timeline};
use crate::domain::event::{Event, EventKind, EventSource};
use crate::domain::execution::{Execution, Priority, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::{FieldSkip, Notice, Plan};
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::text::shorten;
use crate::journal::queue::{Claim, Settlement};
use crate::journal::rules::Once;
use crate::mapping::Mapping;
use crate::recipes::condition::RecipeFault;
use crate::recipes::contact_sync::{self, Planned, Way};
use crate::recipes::facts::Facts;
use crate::recipes::mend::Impossible;
use crate::recipes::needs::Needs;
use crate::recipes::planner::{self, By, Ruling};
use crate::recipes::recipe::{Act, Recipe, State};
use crate::vendors;

mod agent;
mod facts;
pub(super) mod options;

pub(super) use agent::{is_a_name, named};
use facts::{Gathered, failed};

/// How long an execution waits for another one that does the same once.
const SAME: Duration = Duration::from_secs(5);
/// Letters of a title in a notice.
const TITLE: usize = 200;

impl From<RecipeFault> for Stop {
    fn from(fault: RecipeFault) -> Self {
        Self::Fault(fault.to_string())
    }
}

/// What a recipe does when it is nothing but one action, which has a way of its own.
enum Whole<'a> {
    Sync { mapping: &'a str, to_crm: bool },
    Log,
    Several,
}

fn whole(recipe: &Recipe) -> Whole<'_> {
    match recipe.actions.as_slice() {
        [action] if action.when.is_none() => match &action.act {
            Act::Sync { mapping, to_crm: false, .. } => Whole::Sync { mapping, to_crm: false },
            Act::Sync { mapping, to_crm: true, create: true } => Whole::Sync { mapping, to_crm: true },
            Act::Log { object: None } => Whole::Log,
            _ => Whole::Several,
        },
        _ => Whole::Several,
    }
}

/// Somebody asked for it, or it is of the past: it runs although its recipe is off for what happens now.
fn is_asked_for(turn: &Turn<'_>) -> bool {
    let source = turn.claim.event.as_ref().map(|event| event.source);
    matches!(source, None | Some(EventSource::Backfill | EventSource::Operator))
}

/// Plans the recipe of a turn.
pub(super) async fn plan(turn: &mut Turn<'_>) -> Result<Planned, Stop> {
    let name = turn.claim.execution.recipe.clone();
    let in_force = Arc::clone(&turn.engine.in_force);
    let Some(recipe) = in_force.book.recipe(&name).cloned() else {
        return Err(Impossible(format!("There is no recipe \"{name}\".")).into());
    };
    match in_force.state(&recipe) {
        State::Off if !is_asked_for(turn) => {
            return Ok(Planned::nothing(format!(
                "The recipe is off by now; switch it on (reknit recipe on {name}), then run this again (reknit retry \
                 --replan {}).",
                turn.claim.execution.id
            )));
        }
        State::Shadow => turn.shadow = true,
        State::Off | State::On => {}
    }
    let needs = Needs::of(&recipe)?;
    let mappings: Vec<&str> = needs.sync.iter().map(|(mapping, _)| mapping.as_str()).collect();
    turn.editions = in_force.editions(&name, &mappings);
    drawn(turn, &recipe, &needs).await
}

async fn drawn(turn: &mut Turn<'_>, recipe: &Recipe, needs: &Needs) -> Result<Planned, Stop> {
    if let Some(way) = companies::way(turn, recipe) {
        return Ok(match judged(turn, recipe, needs).await? {
            Some(skip) => skip,
            None => companies::plan(turn, &way).await?,
        });
    }
    let plain = recipe.require.is_empty() && recipe.condition.is_none() && recipe.once.is_none();
    if let (true, Whole::Sync { mapping, to_crm }) = (plain, whole(recipe)) {
        return sync(turn, mapping, to_crm).await;
    }
    let mut facts = match facts::gather(turn, needs).await? {
        Gathered::Facts(facts) => *facts,
        Gathered::Nothing(why) => return Ok(Planned::nothing(why)),
    };
    facts.settings.clone_from(&recipe.settings);
    let once = match planner::judge(recipe, &facts)? {
        Ruling::Go { once, .. } => once,
        Ruling::Skip { reason, explanation } => return Ok(skipped(&reason, explanation)),
        Ruling::Missing(sentence) => return Err(Stop::Missing(sentence)),
    };
    if let Some(key) = &once
        && let Some(other) = done_before(turn, recipe, key).await?
    {
        return Ok(Planned::nothing(format!("It runs once for this, and {other} did it already.")));
    }
    let planned = match whole(recipe) {
        Whole::Sync { mapping, to_crm } => sync(turn, mapping, to_crm).await?,
        Whole::Log => match &facts.timeline {
            Some(said) => crate::recipes::timeline::plan(said, facts.timeline_template.as_deref()),
            None => Planned::nothing("The conversation could not be read; nothing was logged."),
        },
        Whole::Several => several(turn, recipe, needs, &mut facts).await?,
    };
    let acts = !planned.plan.steps.is_empty() || !planned.plan.notices.is_empty();
    if let (Some(key), true, false) = (&once, acts, turn.shadow || turn.rehearses()) {
        reserve(turn, recipe, key).await?;
    }
    Ok(planned)
}

/// The condition of a recipe that has a way of its own; a plan when there is nothing to do.
async fn judged(turn: &mut Turn<'_>, recipe: &Recipe, needs: &Needs) -> Result<Option<Planned>, Stop> {
    if recipe.require.is_empty() && recipe.condition.is_none() {
        return Ok(None);
    }
    let mut facts = match facts::gather(turn, needs).await? {
        Gathered::Facts(facts) => *facts,
        Gathered::Nothing(why) => return Ok(Some(Planned::nothing(why))),
    };
    facts.settings.clone_from(&recipe.settings);
    match planner::judge(recipe, &facts)? {
        Ruling::Go { .. } => Ok(None),
        Ruling::Skip { reason, explanation } => Ok(Some(skipped(&reason, explanation))),
        Ruling::Missing(sentence) => Err(Stop::Missing(sentence)),
    }
}

async fn several(
    turn: &mut Turn<'_>,
    recipe: &Recipe,
    needs: &Needs,
    facts: &mut Facts,
) -> Result<Planned, Stop> {
    if let (Some((mapping, to_crm)), Some(record)) = (&needs.sync, turn.claim.execution.record.clone()) {
        let way = if *to_crm { Way::ToCrm } else { Way::ToIntercom };
        let start = match way {
            Way::ToCrm => facts.contact.as_ref(),
            Way::ToIntercom => facts.crm.as_ref(),
        };
        let start = start.map_or(record, |mirror| mirror.record.clone());
        let mut both = gather::sync(turn, way, &start).await?;
        if turn.engine.in_force.mappings.named(mapping).is_some_and(|own| own.crm == ObjectKind::Lead) {
            // Whoever is handed to sales and unknown there becomes a lead, whatever the settings make of newcomers.
            (both.becomes_lead, both.no_newcomers) = (true, false);
        }
        turn.left.clone_from(&both.intercom);
        turn.right.clone_from(&both.crm);
        turn.agreements.clone_from(&both.agreements);
        facts.sync = Some(both);
    }
    for wanted in planner::lookups(recipe, facts)? {
        let found = look_up(turn, &wanted).await?;
        facts.found.insert(wanted.action, found);
    }
    let engine = turn.engine;
    let in_force = &engine.in_force;
    let people = facts.sync.as_ref().and_then(|both| both.crm.as_ref()).map(|crm| crm.record.object);
    let mapping = |name: &str| -> Option<&Mapping> {
        // Somebody who is a contact already is no lead any more, and the other way round.
        if let (Some(own), Some(object)) = (in_force.mappings.named(name), people)
            && own.intercom == ObjectKind::Contact
            && matches!(own.crm, ObjectKind::Contact | ObjectKind::Lead)
            && own.crm != object
        {
            return Some(&**engine.mapping_of(object));
        }
        if name == engine.mapping.name { Some(&*engine.mapping) } else { in_force.mappings.named(name) }
    };
    let mut planned = planner::plan(recipe, facts, &mapping)?;
    if needs.sync.is_none() {
        options::settle(turn, &mut planned.plan).await?;
    }
    Ok(planned)
}

/// Carries a person's fields over: both sides, what they agreed on, what waits for a human.
async fn sync(turn: &mut Turn<'_>, mapping: &str, to_crm: bool) -> Result<Planned, Stop> {
    let way = if to_crm { Way::ToCrm } else { Way::ToIntercom };
    let Some(record) = turn.claim.execution.record.clone() else {
        return Ok(Planned::nothing("The event names no record."));
    };
    let facts = gather::sync(turn, way, &record).await?;
    let archived = turn.claim.event.as_ref().is_some_and(|event| event.kind == EventKind::ContactDeleted);
    let still_read = match way {
        Way::ToCrm => facts.intercom.is_some(),
        Way::ToIntercom => facts.crm.is_some(),
    };
    if archived && still_read {
        // Intercom answers for archived people as for living ones; nobody is made or changed because of that.
        if record.system() == System::Intercom
            && let Some(own) = turn.mirrors.iter_mut().find(|mirror| mirror.record == record)
        {
            own.deleted = true;
        }
        return Ok(Planned::nothing("The contact was archived; the other side is left as it is."));
    }
    for side in [&facts.intercom, &facts.crm].into_iter().flatten() {
        if turn.engine.journal.is_barred(side).await? {
            return Ok(Planned::nothing(format!(
                "{} belongs to an erased person; nothing is made or changed.",
                side.record.title()
            )));
        }
    }
    turn.left.clone_from(&facts.intercom);
    turn.right.clone_from(&facts.crm);
    turn.agreements.clone_from(&facts.agreements);
    let engine = turn.engine;
    let own = engine.in_force.mappings.named(mapping).filter(|_| mapping != engine.mapping.name);
    // The settings may name another file for the people's mapping, whatever it calls itself.
    let people =
        own.is_none_or(|own| (own.intercom, own.crm) == (engine.mapping.intercom, engine.mapping.crm));
    let object = match &facts.crm {
        Some(crm) => crm.record.object,
        None if facts.becomes_lead => ObjectKind::Lead,
        None => ObjectKind::Contact,
    };
    let mapping = own.filter(|_| !people).unwrap_or_else(|| engine.mapping_of(object));
    let planned = contact_sync::plan(way, &facts, mapping, &engine.crm);
    super::drift::note_missed(&engine.journal, &mapping.name, &facts.drifted, &planned.plan, &record).await?;
    Ok(planned)
}

fn skipped(reason: &str, explanation: String) -> Planned {
    let reason = reason.trim().trim_end_matches('.');
    let why = if explanation.is_empty() { String::new() } else { format!(" ({explanation})") };
    let mut planned = Planned::nothing(format!("Nothing was done: {reason}{why}."));
    if !explanation.is_empty() {
        planned.plan.skips.push(FieldSkip { field: "condition".to_owned(), reason: explanation });
    }
    planned
}

/// The execution that did already what the recipe does once for this; parks while another one is about to.
async fn done_before(turn: &Turn<'_>, recipe: &Recipe, key: &str) -> Result<Option<ExecutionId>, Stop> {
    match turn.engine.journal.ran_once(&recipe.name, key).await? {
        Some(Once::Done(other)) if other != turn.claim.execution.id => Ok(Some(other)),
        _ => Ok(None),
    }
}

async fn reserve(turn: &Turn<'_>, recipe: &Recipe, key: &str) -> Result<(), Stop> {
    let id = turn.claim.execution.id;
    match turn.engine.journal.reserve_once(&recipe.name, key, id).await? {
        Once::Mine => Ok(()),
        Once::Done(other) | Once::Begun(other) => Err(Stop::Parked(Parked {
            until: turn.engine.clock.now().plus(SAME),
            why: format!("{other}, which does the same"),
            soon: false,
            held_by: None,
        })),
    }
}

/// What a lookup before a create finds.
async fn look_up(turn: &mut Turn<'_>, wanted: &planner::Wanted) -> Result<Vec<Mirror>, Stop> {
    turn.admit(&wanted.connection).await?;
    let clients = &turn.engine.clients;
    let (connection, object) = (&wanted.connection, wanted.object);
    let found = match &wanted.by {
        By::Field { field, value } => {
            vendors::find(clients, connection, object, field, value, &mut turn.log).await
        }
        By::OpenOfPerson(person) => {
            vendors::open_of(clients, connection, object, person, &mut turn.log).await
        }
        By::Key { of, key } => vendors::find_by_key(clients, connection, object, of, key, &mut turn.log)
            .await
            .map(|found| found.into_iter().collect()),
    };
    turn.learn(None);
    found.map_err(failed)
}

impl Turn<'_> {
    /// The recipe of the book that this turn runs, if it is one of the book's.
    pub(super) fn recipe(&self) -> Option<&Arc<Recipe>> {
        self.engine.in_force.book.recipe(&self.claim.execution.recipe)
    }

    /// Nothing of it is stored: somebody wants to see what would happen.
    pub(super) fn rehearses(&self) -> bool {
        self.claim.token == 0
    }

    /// Whether the recipe reads or writes the CRM.
    pub(super) fn uses_the_crm(recipe: &Recipe) -> bool {
        let writes = |act: &Act| match act {
            Act::Sync { .. } | Act::Log { .. } => true,
            Act::Create { in_intercom, .. } => !in_intercom,
            _ => false,
        };
        let needs = Needs::of(recipe).unwrap_or_default();
        needs.crm || needs.company || needs.deals || recipe.actions.iter().any(|action| writes(&action.act))
    }

    /// Tells who has to know of a run that failed for good.
    pub(super) fn tell_of_failure(&self, status: Status, settlement: &mut Settlement) {
        let Some(recipe) = self.recipe().filter(|_| status == Status::Failed) else { return };
        let advice = recipe.error.advice.trim();
        if !advice.is_empty() && !settlement.sentence.contains(advice) {
            settlement.sentence = format!("{} {advice}", settlement.sentence.trim_end());
        }
        if recipe.error.tell.is_empty() || self.shadow {
            return;
        }
        let execution = &self.claim.execution;
        let mut fields = Fields::new();
        for (name, value) in [
            ("execution", execution.id.to_string()),
            ("why", settlement.sentence.clone()),
            ("class", settlement.error_class.map(|class| class.to_string()).unwrap_or_default()),
        ] {
            fields.insert(name.to_owned(), json!(value));
        }
        let title = format!("{} failed for {}", recipe.name, execution.subject);
        settlement.notices.push(Notice {
            channel: recipe.error.tell.clone(),
            key: format!("failed/{}/{}", execution.id, self.engine.clock.now().0),
            title: shorten(&title, TITLE).into_owned(),
            fields,
        });
    }
}

/// What a recipe would do with an event.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// The plan; its `nothing` says why there is none.
    pub plan: Plan,
    /// Why it cannot be planned: something is missing, or the recipe does not fit the facts.
    pub obstacle: Option<String>,
    /// The calls that were made to find out, each as one line.
    pub reads: Vec<String>,
}

impl Engine {
    /// Plans a recipe for an event and does nothing else: reads are made, nothing is written, neither at a vendor nor in
    /// the journal. The recipe need not be on.
    pub async fn rehearse(
        &self,
        recipe: &Recipe,
        event: Event,
    ) -> Result<Rehearsed, crate::journal::JournalError> {
        let engine = self.current_for(Some(recipe));
        let now = engine.clock.now();
        let person = person_in(&event);
        let execution = Execution {
            id: ExecutionId(0),
            event: Some(event.id),
            decision: None,
            recipe: recipe.name.clone(),
            subject: String::new(),
            record: event.record.clone(),
            status: Status::Running,
            outcome: None,
            sentence: String::new(),
            error_class: None,
            error_code: None,
            attempts: 0,
            max_attempts: 1,
            due_at: None,
            priority: Priority::Operator,
            created_at: now,
            updated_at: now,
            editions: None,
            cause: None,
            replay_of: None,
        };
        let claim =
            Claim { execution, event: Some(event), decision: None, plan: None, token: 0, alone: false };
        let (_going, lost) = tokio::sync::watch::channel(false);
        let mut turn = Turn::new(&engine, claim, lost);
        turn.person = person;
        let drawn = match Needs::of(recipe) {
            Ok(needs) => drawn(&mut turn, recipe, &needs).await,
            Err(fault) => Err(fault.into()),
        };
        let reads = turn.log.iter().map(|exchange| format!("{} {}", exchange.method, exchange.url)).collect();
        let (plan, obstacle) = match drawn {
            Ok(planned) => (planned.plan, None),
            Err(Stop::Journal(error)) => return Err(error),
            Err(Stop::Missing(why) | Stop::Fault(why)) => (Plan::default(), Some(why)),
            Err(Stop::Impossible(why)) => (Plan::default(), Some(why.to_string())),
            Err(Stop::Parked(parked)) => {
                (Plan::default(), Some(format!("It would wait for {}.", parked.why)))
            }
            Err(Stop::Paused(pause)) => (Plan::default(), Some(pause.sentence())),
            Err(Stop::Vendor(error, _)) => (Plan::default(), Some(error.to_string())),
            Err(Stop::TakenBack(back)) => (Plan::default(), Some(back.why)),
        };
        Ok(Rehearsed { plan, obstacle, reads })
    }

    /// The engine as it works a recipe: with the rules in force now, and the CRM the recipe names.
    pub(super) fn current_for(&self, recipe: Option<&Recipe>) -> Self {
        let mut engine = self.current();
        if let Some(system) =
            recipe.and_then(|recipe| recipe.crm).filter(|system| *system != engine.crm.system)
        {
            use crate::domain::record::ObjectKind::Contact;
            engine.crm = Connection::only(system);
            if let Some(mapping) = engine.in_force.mappings.for_pair(system, Contact, Contact) {
                engine.mapping = Arc::new(mapping.clone());
            }
        }
        engine
    }
}

/// The first person an event of a conversation names.
fn person_in(event: &Event) -> Option<RecordRef> {
    use crate::domain::record::ObjectKind;
    if event.connection.system != System::Intercom || !event.kind.is_of_a_conversation() {
        return None;
    }
    let id = vendors::intercom::hook::contact_ids(&event.body).into_iter().next()?;
    Some(RecordRef { connection: event.connection.clone(), object: ObjectKind::Contact, id })
}

/// Which schemas were read, and when.
pub(super) type Cached = HashMap<(Connection, crate::domain::record::ObjectKind), options::Known>;

/// The facts of a conversation's timeline entry, and whose conversation it is.
pub(super) use timeline::facts as timeline_facts;
