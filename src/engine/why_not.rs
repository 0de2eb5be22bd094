//! Why nothing came of a person: the gates between an event and a written record, in their order, the first that stopped
//! it marked with what to do.
//!
//! Looks at the newest thing the journal knows of the person; reads the journal alone.

use serde::Serialize;

use crate::domain::breaker;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::EventRow;
use crate::domain::execution::{ExecutionDetail, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::ReviewState;
use crate::domain::trouble::advise;
use crate::domain::words;
use crate::journal::events::Wanted;
use crate::journal::told::Named;
use crate::journal::{Journal, JournalError};

words! {
    /// How a gate stood.
    pub enum Verdict {
        /// It let through.
        Passed = "passed",
        /// It stopped it: the first that did.
        Stopped = "stopped",
        /// It was never come to.
        NotReached = "not_reached",
    }
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Its name: `event`, `erased`, `taken in`, `recipe`, `paused`, `limit`, `data`, `lookup`, `condition`, `conflict`,
    /// `validation`, `written`.
    pub gate: &'static str,
    /// How it stood.
    pub verdict: Verdict,
    /// What was found, in one sentence; empty where it was not reached.
    pub sentence: String,
    /// What to do, where it stopped.
    pub next: Option<String>,
}

/// Everything there is to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Whom it is about.
    pub person: String,
    /// Their records.
    pub records: Vec<RecordRef>,
    /// The gates in order.
    pub gates: Vec<Gate>,
    /// The execution looked at.
    pub execution: Option<ExecutionId>,
}

const GATES: [&str; 12] = [
    "event",
    "erased",
    "taken in",
    "recipe",
    "paused",
    "limit",
    "data",
    "lookup",
    "condition",
    "conflict",
    "validation",
    "written",
];

/// What was found: how far it came, and what stopped it.
struct Walk {
    passed: Vec<(usize, String)>,
    stopped: Option<(usize, String, Option<String>)>,
}

impl Walk {
    fn pass(&mut self, gate: &str, sentence: impl Into<String>) {
        self.passed.push((place(gate), sentence.into()));
    }

    fn stop(&mut self, gate: &str, sentence: impl Into<String>, next: impl Into<String>) {
        if self.stopped.is_none() {
            self.stopped = Some((place(gate), sentence.into(), Some(next.into())));
        }
    }

    fn gates(self) -> Vec<Gate> {
        let last = self.stopped.as_ref().map_or(GATES.len(), |(at, ..)| *at);
        GATES
            .iter()
            .enumerate()
            .map(|(at, gate)| {
                let said = self.passed.iter().find(|(passed, _)| *passed == at);
                let sentence = said.map(|(_, sentence)| sentence.clone()).unwrap_or_default();
                match &self.stopped {
                    Some((stopped, sentence, next)) if *stopped == at => Gate {
                        gate,
                        verdict: Verdict::Stopped,
                        sentence: sentence.clone(),
                        next: next.clone(),
                    },
                    _ if at < last => Gate { gate, verdict: Verdict::Passed, sentence, next: None },
                    _ => Gate { gate, verdict: Verdict::NotReached, sentence: String::new(), next: None },
                }
            })
            .collect()
    }
}

fn place(gate: &str) -> usize {
    GATES.iter().position(|known| *known == gate).unwrap_or(0)
}

/// Looks for what stopped a person.
pub async fn why_not(journal: &Journal, person: &str) -> Result<Reason, JournalError> {
    let named = journal.named(person).await?;
    let mut walk = Walk { passed: Vec::new(), stopped: None };
    let mut reason = Reason {
        person: person.to_owned(),
        records: named.records.clone(),
        gates: Vec::new(),
        execution: None,
    };
    if is_erased(journal, person, &named).await? {
        walk.pass("event", "What came about this person is not kept.");
        walk.stop(
            "erased",
            "This person was erased; everything about them is refused, by every way in.",
            "nothing: that is what the erasure promises. `reknit erase --help` shows what stands open",
        );
        reason.gates = walk.gates();
        return Ok(reason);
    }
    let event = newest_event(journal, &named).await?;
    let executions = journal.executions_of(named.records.clone()).await?;
    if event.is_none() && executions.is_empty() {
        let seen = if named.records.is_empty() {
            format!("No event about \"{person}\" has arrived, and no record of that name has ever been read.")
        } else {
            "The person is known from reading a list, but nothing has ever told that they changed.".to_owned()
        };
        walk.stop(
            "event",
            seen,
            "look whether the vendor sends (`reknit doctor`, `reknit events`): a delivery with a wrong signature is \
             refused before it is stored. `reknit fetch` reads everybody without an event",
        );
        reason.gates = walk.gates();
        return Ok(reason);
    }
    if let Some(event) = &event {
        let former = if named.by_former_address { " (by an address they had before)" } else { "" };
        walk.pass(
            "event",
            format!(
                "{} \"{}\" of {} arrived {}{former}.",
                event.id,
                event.topic,
                event.connection,
                event.received_at.rfc3339()
            ),
        );
    } else {
        walk.pass("event", "No event: the work was found by reading, or a human asked for it.");
    }
    walk.pass("erased", "Not erased.");
    // An event that ran nothing is the newest word only when no later work is known.
    let ignored = event.as_ref().filter(|event| event.execution.is_none()).and_then(|event| {
        let why = event.ignored.clone()?;
        Some((event.clone(), why))
    });
    let newest = match executions.first() {
        Some(id) => journal.execution(*id).await?,
        None => None,
    };
    let later = newest.as_ref().map(|detail| detail.execution.created_at);
    if let Some((event, why)) = ignored.filter(|(event, _)| later.is_none_or(|at| at < event.received_at)) {
        let gate = if why.contains("recipe") { "recipe" } else { "taken in" };
        if gate == "recipe" {
            walk.pass("taken in", "Stored.");
        }
        walk.stop(gate, format!("{} ran nothing: {why}.", event.id), next_for_ignored(&why));
        reason.gates = walk.gates();
        return Ok(reason);
    }
    walk.pass("taken in", "Stored, and no echo of our own write.");
    let Some(detail) = newest else {
        walk.stop("recipe", "It caused no execution.", "`reknit events` shows what became of it");
        reason.gates = walk.gates();
        return Ok(reason);
    };
    reason.execution = Some(detail.execution.id);
    walk.pass("recipe", format!("{} runs it as {}.", detail.execution.recipe, detail.execution.id));
    of_execution(journal, &named, &detail, &mut walk).await?;
    reason.gates = walk.gates();
    Ok(reason)
}

fn next_for_ignored(why: &str) -> String {
    if why.contains("recipe") {
        "switch a recipe on that knows this topic: `reknit recipe list`, `reknit recipe on NAME`".to_owned()
    } else if why.contains("mapping") {
        "nothing, unless that property should travel: then add it to the mapping".to_owned()
    } else if why.contains("segment") {
        "take the tag out of engine.segment_tags in the settings if it is no segment".to_owned()
    } else {
        "`reknit events --help` shows the event as it came".to_owned()
    }
}

async fn is_erased(journal: &Journal, person: &str, named: &Named) -> Result<bool, JournalError> {
    for record in &named.records {
        if journal.is_erased(record).await? {
            return Ok(true);
        }
    }
    if !person.contains('@') {
        return Ok(false);
    }
    let fields: Fields =
        [("email".to_owned(), serde_json::Value::String(person.trim().to_lowercase()))].into_iter().collect();
    let record = RecordRef {
        connection: Connection::only(System::Intercom),
        object: ObjectKind::Contact,
        id: "nobody".to_owned(),
    };
    let asked = Mirror { record, fields, vendor_updated_at: None, companies: Vec::new(), deleted: false };
    journal.is_barred(&asked).await
}

async fn newest_event(journal: &Journal, named: &Named) -> Result<Option<EventRow>, JournalError> {
    let mut newest: Option<EventRow> = None;
    for record in &named.records {
        let wanted = Wanted { record: Some(record.clone()), ..Wanted::default() };
        let found = journal.events(wanted, 1).await?;
        if let Some(event) = found.into_iter().next()
            && newest.as_ref().is_none_or(|known| known.id < event.id)
        {
            newest = Some(event);
        }
    }
    Ok(newest)
}

async fn of_execution(
    journal: &Journal,
    named: &Named,
    detail: &ExecutionDetail,
    walk: &mut Walk,
) -> Result<(), JournalError> {
    let execution = &detail.execution;
    let id = execution.id;
    let holding = journal.holding().await?;
    let waits = matches!(execution.status, Status::Pending | Status::Retrying | Status::InDoubt);
    if waits && execution.due_at.is_none() {
        let pause = holding.pauses.iter().find(|pause| execution.sentence.contains(&pause.scope.to_string()));
        match pause {
            Some(pause) => walk.stop(
                "paused",
                format!("{id} waits: {}", pause.sentence()),
                format!("`reknit resume {} {}`", pause.scope.kind, pause.scope.name),
            ),
            None => {
                let open = holding.breakers.iter().find(|breaker| breaker.holds());
                let words = open.map_or_else(|| execution.sentence.clone(), breaker::Breaker::phrase);
                let next = open.map_or_else(
                    || "it goes on by itself".to_owned(),
                    |open| format!("{}; then `reknit resume connection {}`", open.advice(), open.connection),
                );
                walk.stop("paused", format!("{id} waits for {words}."), next);
            }
        }
    }
    walk.pass("paused", "Nothing holds it back.");
    if let Some(first) = detail.waits_for {
        walk.stop(
            "limit",
            format!("{id} waits for {first} of the same person: one at a time, in order."),
            format!("`reknit show {first}` explains that one; it goes first"),
        );
    }
    if waits && let Some(due) = execution.due_at {
        walk.stop(
            "limit",
            format!("{id} is due {}: {}", due.rfc3339(), execution.sentence),
            "it goes on by itself; `reknit limits` shows what the connections may still do",
        );
    }
    walk.pass("limit", "Not held up by a limit.");
    let nothing = detail.plan.as_ref().and_then(|plan| plan.nothing.clone());
    if let Some(why) =
        nothing.clone().or_else(|| (execution.status == Status::Skipped).then(|| execution.sentence.clone()))
    {
        let (gate, next) = stopped_by(&why);
        walk.stop(gate, format!("{id} did nothing: {why}"), next);
    }
    if execution.error_class == Some(ErrorClass::MissingData) {
        walk.stop(
            "data",
            format!("{id}: {}", execution.sentence),
            "fill in what is missing, then `reknit retry`",
        );
    }
    walk.pass("data", "What the recipe needs is there.");
    walk.pass("lookup", "Found, or certainly not there yet; never two.");
    walk.pass("condition", "The recipe's condition holds.");
    for conflict in journal.conflicts_of(named.records.clone(), "").await? {
        if matches!(conflict.state, ReviewState::Open | ReviewState::Deciding | ReviewState::Ignored) {
            walk.stop(
                "conflict",
                format!(
                    "{} of this person is held back by {} ({}); their other fields are written.",
                    conflict.field,
                    conflict.id,
                    conflict.kind.phrase()
                ),
                format!("`reknit show {0}`, then `reknit resolve {0}`", conflict.id),
            );
        }
    }
    walk.pass("conflict", "No field is held back.");
    if matches!(execution.status, Status::Failed | Status::Discarded | Status::Held) {
        let told = execution.error_class.map(|class| {
            advise(detail.failed_at(), class, detail.vendor_words.as_deref().unwrap_or_default())
        });
        let said =
            detail.vendor_words.as_ref().map_or_else(String::new, |words| format!(" It said: \"{words}\"."));
        walk.stop(
            "validation",
            format!("{id} {}: {}{said}", execution.status, execution.sentence),
            told.map_or_else(
                || format!("`reknit retry {id}`"),
                |told| format!("{}; then `reknit retry {id}`", told.hint),
            ),
        );
    }
    walk.pass("validation", "The vendor took it.");
    if execution.status == Status::Running {
        walk.stop("written", format!("{id} is running at this moment."), "look again in a moment");
    }
    walk.pass("written", format!("{id}: {}", execution.sentence));
    Ok(())
}

/// Which gate a reason for doing nothing belongs to, and what to do.
fn stopped_by(why: &str) -> (&'static str, String) {
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if has(&["no e-mail", "names no record", "needs"]) {
        ("data", "give the contact what is missing in Intercom; the event that follows runs it again".into())
    } else if has(&["fit this person", "belongs to Intercom contact", "look like one person"]) {
        ("lookup", "`reknit list duplicates`: merge them or tell them apart, then retry".into())
    } else if has(&["is gone", "not in Intercom", "creating people"]) {
        ("lookup", "there is no record to write to; make it there, or let a recipe that makes it run".into())
    } else if has(&["erased"]) {
        ("erased", "nothing: erased people stay erased".into())
    } else {
        ("condition", "`reknit recipe show` tells the condition; nothing, if it is meant so".into())
    }
}
