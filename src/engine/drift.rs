//! Drift: whether the vendors' objects still look as the rules expect; what a change hits is held back, and no more.
//!
//! Looks on a schedule and when asked. A mapping's field is held alone, a recipe only when it names what changed; both go
//! on by themselves when the vendor's side is as it was, or no rule names it any more. Writes nothing to a vendor but the
//! attributes that a mapping lacks in Intercom, and those only where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use super::poll::{PollError, key_of};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::drift::{
    Change, DriftKind, Finding, Hit, UserKind, Uses, accept, diff, hits, take_gains, unreadable,
};
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::limit::Family;
use crate::domain::lint::Lint;
use crate::domain::pause::{Pause, PauseKind, PauseScope};
use crate::domain::plan::{Effect, Plan};
use crate::domain::record::{Connection, ObjectKind, RecordRef, System};
use crate::domain::schema::ObjectSchema;
use crate::journal::drift::{Checked, Missed};
use crate::journal::{Journal, JournalError};
use crate::mapping::Mapping;
use crate::mapping::lint as mapping_lint;
use crate::recipes::book::Book;
use crate::recipes::lint::schema as recipe_lint;
use crate::recipes::recipe::{Act, Recipe, State};
use crate::vendors;

/// Whose pauses these are; a human's pause of the same recipe is never touched.
pub const ACTOR: &str = "drift";
/// The mark that says when everything was last looked at.
const LOOKED: &str = "drift-looked";
/// How things look is first read so long after the first load.
const SETTLING: Duration = Duration::from_secs(300);
/// Records looked at again in one go.
const AT_ONCE: usize = 500;

/// What a look found.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// Kinds of records that were read.
    pub read: usize,
    /// Findings nobody knew.
    pub new: Vec<Finding>,
    /// Findings that are none any more.
    pub mended: Vec<Finding>,
    /// All that wait for a human.
    pub open: Vec<Finding>,
    /// What could not be read, and why; nothing was concluded from it.
    pub unread: Vec<String>,
}

/// Schemas by connection and kind of record, as read for one purpose.
#[derive(Debug, Clone, Default)]
pub struct Schemas(BTreeMap<(System, ObjectKind), ObjectSchema>);

impl Schemas {
    /// Those that were last seen, as the journal keeps them.
    pub fn seen(known: Vec<crate::journal::drift::Known>) -> Self {
        let each = known.into_iter().map(|one| ((one.seen.connection.system, one.seen.object), one.seen));
        Self(each.collect())
    }

    /// One of them.
    pub fn get(&self, system: System, object: ObjectKind) -> Option<&ObjectSchema> {
        self.0.get(&(system, object))
    }

    /// What is wrong with a mapping.
    pub fn lint_mapping(&self, mapping: &Mapping, crm: System) -> Vec<Lint> {
        let crm = mapping.system.unwrap_or(crm);
        mapping_lint::against_schemas(
            mapping,
            self.get(System::Intercom, mapping.intercom),
            self.get(crm, mapping.crm),
        )
    }

    /// What is wrong with a recipe itself; its mappings are asked for apart.
    pub fn lint_recipe(&self, recipe: &Recipe, crm: System) -> Vec<Lint> {
        recipe_lint::against_schemas(recipe, crm, &|system, object| self.get(system, object))
    }
}

/// Everything that the rules that run use.
pub fn uses_of<'a>(book: &Book, mappings: impl Iterator<Item = &'a Mapping> + Clone, crm: System) -> Uses {
    let mut uses = Uses::default();
    let running: Vec<&Recipe> = book.all().map(AsRef::as_ref).filter(|it| it.state != State::Off).collect();
    for mapping in mappings {
        if running.iter().any(|recipe| goes_by(recipe, mapping)) {
            uses.add(mapping_lint::uses(mapping, mapping.system.unwrap_or(crm)));
        }
    }
    for recipe in running {
        uses.add(recipe_lint::uses(recipe, crm));
    }
    uses
}

/// The mapping of people, whatever its file calls it, is the one recipes know by this name.
const PEOPLE: &str = "contact";

/// Whether a recipe carries fields over by a mapping.
fn goes_by(recipe: &Recipe, mapping: &Mapping) -> bool {
    let people = (mapping.intercom, mapping.crm) == (ObjectKind::Contact, ObjectKind::Contact);
    syncs_by(recipe, &mapping.name) || (people && syncs_by(recipe, PEOPLE))
}

fn syncs_by(recipe: &Recipe, name: &str) -> bool {
    recipe.actions.iter().any(|action| matches!(&action.act, Act::Sync { mapping, .. } if mapping == name))
}

/// Pauses what findings hold, and ends the pauses whose finding is none any more. Which recipes go on.
pub async fn settle_holds(
    journal: &Journal,
    book: &Book,
    now: Timestamp,
) -> Result<Vec<String>, JournalError> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for finding in journal.drift(true).await? {
        for hit in finding.held() {
            let recipes: Vec<String> = match hit.kind {
                UserKind::Recipe => vec![hit.user.clone()],
                UserKind::Mapping if hit.whole => {
                    let syncing = book.all().filter(|recipe| {
                        // Of the mapping of people the name may be any.
                        syncs_by(recipe, &hit.user)
                            || (finding.change.object == ObjectKind::Contact && syncs_by(recipe, PEOPLE))
                    });
                    syncing.map(|recipe| recipe.name.clone()).collect()
                }
                UserKind::Mapping => Vec::new(),
            };
            for recipe in recipes {
                let reason = format!("{} See `reknit drift show {}`.", finding.change.sentence(), finding.id);
                wanted.entry(recipe).or_insert(reason);
            }
        }
    }
    let pauses = journal.pauses().await?;
    for (recipe, reason) in &wanted {
        let scope = PauseScope::recipe(recipe);
        if !pauses.iter().any(|pause| pause.scope == scope) {
            let pause = Pause { scope, actor: ACTOR.into(), reason: reason.clone(), since: now, until: None };
            journal.pause(pause).await?;
        }
    }
    let mut ended = Vec::new();
    for pause in pauses {
        let ours = pause.actor == ACTOR && pause.scope.kind == PauseKind::Recipe;
        if ours && !wanted.contains_key(&pause.scope.name) {
            ended.push(pause.scope.name.clone());
            journal.resume(pause.scope, ACTOR.into()).await?;
        }
    }
    if !ended.is_empty() {
        while journal.release_ended().await? > 0 {}
    }
    Ok(ended)
}

/// Takes a change as it is now: it is what is expected from here on.
pub async fn accept_finding(
    journal: &Journal,
    book: &Book,
    now: Timestamp,
    id: i64,
    actor: String,
) -> Result<Finding, JournalError> {
    let finding = journal.drift_finding(id).await?;
    let change = &finding.change;
    if change.kind == DriftKind::Unreadable {
        return Err(JournalError::Refused(format!(
            "there is nothing to accept: {} `reknit drift resume {id}` lets what is held go on all the same",
            change.advice()
        )));
    }
    let accepted = match journal.schema(&change.connection, change.object).await? {
        Some(known) => {
            let mut accepted = known.accepted;
            accept(&mut accepted, &known.seen, change);
            Some(accepted)
        }
        None => None,
    };
    let finding = journal.accept_drift(id, accepted, actor).await?;
    settle_holds(journal, book, now).await?;
    Ok(finding)
}

/// Lets what a finding holds go on; the finding stays open.
pub async fn resume_finding(
    journal: &Journal,
    book: &Book,
    now: Timestamp,
    id: i64,
    actor: String,
) -> Result<Finding, JournalError> {
    let finding = journal.resume_drift(id, actor).await?;
    settle_holds(journal, book, now).await?;
    Ok(finding)
}

/// Notes that a held field was not carried over, so that the record is looked at again once it may be.
pub(super) async fn note_missed(
    journal: &Journal,
    mapping: &str,
    held: &[(String, String)],
    plan: &Plan,
    record: &RecordRef,
) -> Result<(), JournalError> {
    let missed: Vec<Missed> = plan
        .skips
        .iter()
        .filter(|skip| held.iter().any(|(field, reason)| *field == skip.field && *reason == skip.reason))
        .map(|skip| Missed { record: record.clone(), mapping: mapping.to_owned(), field: skip.field.clone() })
        .collect();
    if missed.is_empty() { Ok(()) } else { journal.note_missed(missed).await }
}

impl Engine {
    /// The mappings in force.
    fn mappings(&self) -> Vec<&Mapping> {
        let own = |mapping: &&Mapping| mapping.name != self.mapping.name;
        let others = self.in_force.mappings.of_system(self.crm.system).filter(own);
        std::iter::once(&*self.mapping).chain(others).collect()
    }

    /// The CRM it works with.
    pub fn crm_system(&self) -> System {
        self.crm.system
    }

    fn connection_of(&self, system: System) -> Connection {
        [&self.intercom, &self.crm]
            .into_iter()
            .find(|connection| connection.system == system)
            .cloned()
            .unwrap_or_else(|| Connection::only(system))
    }

    /// Reads how a kind of record looks now.
    async fn read_schema(
        &self,
        connection: &Connection,
        object: ObjectKind,
    ) -> Result<ObjectSchema, PollError> {
        self.wait_for_a_call(connection, Family::usual(connection.system)).await;
        let mut log = vendors::Log::new();
        let read = vendors::schema(&self.clients, connection, object, &mut log).await;
        self.limits.learn_all(&log);
        read.map_err(|error| self.failed(connection, error, &log))
    }

    /// Looks at everything that the rules use, holds what changed under them and lets go what is as it was.
    pub async fn look_for_drift(&self) -> Result<Looked, JournalError> {
        let engine = self.current();
        let mappings = engine.mappings();
        let uses = uses_of(&engine.in_force.book, mappings.iter().copied(), engine.crm.system);
        let mut looked = Looked::default();
        let (mut new, mut mended) = (BTreeSet::new(), BTreeSet::new());
        for system in [System::Intercom, System::Hubspot, System::Salesforce] {
            let connection = engine.connection_of(system);
            for object in vendors::described_objects(system) {
                // What nothing uses any more is looked at only to close what stands open of it.
                let open = engine.journal.drift(true).await?;
                let stands =
                    open.iter().any(|it| it.change.connection == connection && it.change.object == *object);
                if !uses.of(system, *object) && !stands {
                    continue;
                }
                let checked = match engine.read_schema(&connection, *object).await {
                    Ok(seen) => engine.drifted(&connection, *object, seen, &uses).await?,
                    Err(PollError::Vendor { error, .. }) if error.class == ErrorClass::Permission => {
                        let change = unreadable(&connection, *object, &error.words);
                        let hits = hits(&change, &uses);
                        let findings = if hits.is_empty() { Vec::new() } else { vec![(change, hits)] };
                        Checked { connection: connection.clone(), object: *object, schema: None, findings }
                    }
                    Err(PollError::Journal(error)) => return Err(error),
                    Err(error) => {
                        looked.unread.push(format!("{connection} {object}: {error}"));
                        continue;
                    }
                };
                looked.read += 1;
                let stored = engine.journal.put_drift(checked).await?;
                new.extend(stored.new);
                mended.extend(stored.mended);
            }
        }
        settle_holds(&engine.journal, &engine.in_force.book, engine.clock.now()).await?;
        engine.holds.read().await;
        engine.look_again().await?;
        if looked.unread.is_empty() {
            engine.journal.set_mark(LOOKED, &engine.clock.now().rfc3339()).await?;
        }
        for finding in engine.journal.drift(false).await? {
            if new.contains(&finding.id) {
                looked.new.push(finding.clone());
            }
            if mended.contains(&finding.id) {
                looked.mended.push(finding.clone());
            }
            if finding.state == crate::domain::drift::DriftState::Open {
                looked.open.push(finding);
            }
        }
        Ok(looked)
    }

    /// What is seen against what is expected. A change no rule uses is accepted by itself.
    async fn drifted(
        &self,
        connection: &Connection,
        object: ObjectKind,
        seen: ObjectSchema,
        uses: &Uses,
    ) -> Result<Checked, JournalError> {
        let known = self.journal.schema(connection, object).await?;
        let mut accepted = known.map_or_else(|| seen.clone(), |known| known.accepted);
        let mut findings: Vec<(Change, Vec<Hit>)> = Vec::new();
        for change in diff(&accepted, &seen) {
            let hits = hits(&change, uses);
            if hits.is_empty() {
                accept(&mut accepted, &seen, &change);
            } else {
                findings.push((change, hits));
            }
        }
        take_gains(&mut accepted, &seen);
        Ok(Checked { connection: connection.clone(), object, schema: Some((accepted, seen)), findings })
    }

    /// Carries over what was left out while a field was held.
    async fn look_again(&self) -> Result<(), JournalError> {
        loop {
            let missed = self.journal.missed(AT_ONCE).await?;
            if missed.is_empty() {
                return Ok(());
            }
            let now = self.clock.now();
            let records: BTreeSet<RecordRef> = missed.iter().map(|one| one.record.clone()).collect();
            let events = records.into_iter().map(|record| resumed(record, now)).collect();
            self.intake().accept(events).await?;
            self.journal.forget_missed(missed).await?;
        }
    }

    /// When the next look is due; none when looks are off, or before the first load.
    pub async fn next_drift_look(&self) -> Result<Option<Timestamp>, JournalError> {
        if self.settings.drift_hours == 0 {
            return Ok(None);
        }
        let Some(loaded) = self.loaded_at().await? else { return Ok(None) };
        let now = self.clock.now();
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap_or(now);
        let period = Duration::from_secs(self.settings.drift_hours.saturating_mul(3600));
        let Some(last) = self.journal.mark(LOOKED).await? else {
            // Nothing can drift from what was never read: that is not put off until the night.
            return Ok(Some(at(&loaded).plus(SETTLING)));
        };
        // A clock that was set back must not put it off.
        let due = if at(&last) > now { now } else { at(&last).plus(period) };
        let window = self.settings.off_peak_window().ok().flatten();
        Ok(Some(window.map_or(due, |window| window.next(due.max(now)))))
    }

    /// Looks when it is time, until `stop` turns true; `report` hears what was found and what went wrong.
    pub async fn look_for_drift_regularly(&self, mut stop: watch::Receiver<bool>, report: impl Fn(&str)) {
        // What a command resumed is looked at again soon.
        const GLANCE: Duration = Duration::from_secs(60);
        const AFTER_TROUBLE: Duration = Duration::from_secs(600);
        let mut not_before = self.clock.now();
        while !*stop.borrow() {
            let now = self.clock.now();
            let mut until = now.plus(GLANCE);
            let due = self.next_drift_look().await;
            match due {
                Ok(Some(due)) if due.max(not_before) <= now => {
                    let looked = tokio::select! {
                        looked = self.look_for_drift() => looked,
                        _ = stop.wait_for(|stop| *stop) => return,
                    };
                    match looked {
                        Ok(looked) => {
                            for finding in &looked.new {
                                report(&format!("{} {}", finding.change.sentence(), finding.change.advice()));
                            }
                            if !looked.unread.is_empty() {
                                not_before = now.plus(AFTER_TROUBLE);
                                report(&format!(
                                    "How records look could not be read everywhere, so nothing was concluded there: {}. \
                                     Tried again by itself.",
                                    looked.unread.join("; ")
                                ));
                            }
                        }
                        Err(error) => {
                            not_before = now.plus(AFTER_TROUBLE);
                            report(&format!(
                                "Whether the vendors' fields changed could not be stored: {error}."
                            ));
                        }
                    }
                }
                Ok(Some(due)) => until = until.min(due.max(not_before)),
                Ok(None) => {}
                Err(error) => report(&format!("Cannot tell when the next look for drift is due: {error}.")),
            }
            if let Err(error) = self.look_again().await {
                report(&format!("What was held back for drift could not be looked at again: {error}."));
            }
            tokio::select! {
                () = self.clock.until(until) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// The schemas of everything these uses name, as they are now.
    pub async fn schemas_for(&self, uses: &Uses) -> Result<Schemas, PollError> {
        let mut schemas = Schemas::default();
        for system in [System::Intercom, System::Hubspot, System::Salesforce] {
            for object in vendors::described_objects(system).iter().filter(|object| uses.of(system, **object))
            {
                let schema = self.read_schema(&self.connection_of(system), *object).await?;
                schemas.0.insert((system, *object), schema);
            }
        }
        Ok(schemas)
    }

    /// What is wrong with a recipe and the mappings it goes by, as the vendors' objects are now; before it is switched on.
    pub async fn check_recipe(&self, recipe: &Recipe) -> Result<Vec<Lint>, PollError> {
        let engine = self.current();
        let mut uses = recipe_lint::uses(recipe, engine.crm.system);
        let mappings: Vec<&Mapping> =
            engine.mappings().into_iter().filter(|mapping| goes_by(recipe, mapping)).collect();
        for mapping in &mappings {
            uses.add(mapping_lint::uses(mapping, mapping.system.unwrap_or(engine.crm.system)));
        }
        let schemas = engine.schemas_for(&uses).await?;
        let mut found = schemas.lint_recipe(recipe, engine.crm.system);
        for mapping in mappings {
            found.extend(schemas.lint_mapping(mapping, engine.crm.system));
        }
        Ok(found)
    }

    /// What is wrong with mappings, as the vendors' objects are now.
    pub async fn check_mappings(&self, mappings: &[&Mapping]) -> Result<Vec<Lint>, PollError> {
        let crm = self.crm.system;
        let mut uses = Uses::default();
        for mapping in mappings {
            uses.add(mapping_lint::uses(mapping, mapping.system.unwrap_or(crm)));
        }
        let schemas = self.schemas_for(&uses).await?;
        Ok(mappings.iter().flat_map(|mapping| schemas.lint_mapping(mapping, crm)).collect())
    }

    /// The attributes that Intercom does not have and the mappings write: of one recipe, or of all that run.
    pub async fn missing_attributes(&self, of: Option<&Recipe>) -> Result<Vec<Effect>, PollError> {
        let engine = self.current();
        let mut effects: Vec<Effect> = Vec::new();
        let running = |mapping: &Mapping| match of {
            Some(recipe) => goes_by(recipe, mapping),
            None => {
                let mut all = engine.in_force.book.all();
                all.any(|recipe| recipe.state != State::Off && goes_by(recipe, mapping))
            }
        };
        for mapping in engine.mappings().into_iter().filter(|mapping| running(mapping)) {
            let crm = mapping.system.unwrap_or(engine.crm.system);
            let schemas = engine.schemas_for(&mapping_lint::uses(mapping, crm)).await?;
            let Some(intercom) = schemas.get(System::Intercom, mapping.intercom) else { continue };
            for effect in mapping_lint::missing_attributes(mapping, intercom, schemas.get(crm, mapping.crm)) {
                if !effects.contains(&effect) {
                    effects.push(effect);
                }
            }
        }
        Ok(effects)
    }

    /// Makes an attribute, noted in the audit log before and after; one that is there by now is left as it is.
    pub async fn define(&self, effect: &Effect, actor: &str) -> Result<(), PollError> {
        let Effect::DefineField { connection, object, field, kind, .. } = effect else { return Ok(()) };
        let note = |words: String| NewEntry {
            actor: actor.to_owned(),
            verb: "define-field".into(),
            object: format!("{connection}/{object}/{field}"),
            note: words,
        };
        self.journal.audit(vec![note(format!("A {kind} field is to be made."))]).await?;
        self.wait_for_a_call(connection, Family::usual(connection.system)).await;
        let mut log = vendors::Log::new();
        let done = vendors::perform(&self.clients, effect, &mut log).await;
        self.limits.learn_all(&log);
        let words = match &done {
            Ok(_) => "It was made.".to_owned(),
            Err(error) => format!("It was not made: {}", error.words),
        };
        self.journal.audit(vec![note(words)]).await?;
        match done {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(connection, error, &log)),
        }
    }
}

fn resumed(record: RecordRef, now: Timestamp) -> NewEvent {
    NewEvent {
        connection: record.connection.clone(),
        source: EventSource::Operator,
        delivery_key: key_of("drift", &[&record.to_string(), &now.0.to_string()]),
        topic: "drift.resumed".to_owned(),
        kind: EventKind::ContactUpdated,
        body: serde_json::json!({"id": record.id}).to_string(),
        record: Some(record),
        occurred_at: None,
        sent: Sent::default(),
    }
}
