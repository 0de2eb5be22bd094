//! How a value came about: event, edition of the mapping, transform, rule, call, decision; newest first, in sentences.
//!
//! Read from the journal alone. What is not known any more is said to be so; nothing is guessed.

use serde::Serialize;

use crate::domain::clock::Timestamp;
use crate::domain::execution::ExecutionDetail;
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::{RecordRef, value_text};
use crate::domain::review::{Conflict, Writer};
use crate::domain::text::shorten;
use crate::journal::{Journal, JournalError};
use crate::mapping::{FieldMapping, Mapping};

/// Letters of a value in a sentence.
const SHOWN: usize = 120;
/// Executions looked through.
const LOOKED_THROUGH: usize = 100;

/// One thing that happened to the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What kind of thing: `now`, `execution`, `conflict`, `direction`, `decision`.
    pub kind: &'static str,
    /// Its id, to show it whole.
    pub id: String,
    /// In one sentence.
    pub sentence: String,
    /// The links of the chain, in their order: event, mapping, transform, rule, call, decision.
    pub links: Vec<Link>,
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Which: `event`, `mapping`, `transform`, `rule`, `call`, `writer`, `decision`, `skip`.
    pub what: &'static str,
    /// In words.
    pub words: String,
}

/// Everything that happened to one field of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Who, as the journal calls them.
    pub subject: String,
    /// Their records.
    pub records: Vec<RecordRef>,
    /// The field, as the mapping calls it.
    pub field: String,
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Executions of the person that did not touch the field.
    pub others: usize,
}

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum Unexplained {
    /// Nobody of that name.
    #[error("nobody in this journal is \"{0}\"")]
    Nobody(String),
    /// No such field.
    #[error("the mapping has no field \"{0}\"; it has {1}")]
    NoField(String, String),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Tells how a field of a person came to be what it is. `field` is the mapping's name, or either side's.
pub async fn explain(
    journal: &Journal,
    mapping: &Mapping,
    person: &str,
    field: &str,
) -> Result<Account, Unexplained> {
    let known = mapping.fields.iter().find(|known| {
        known.name.eq_ignore_ascii_case(field)
            || known.intercom == field
            || known.crm.iter().any(|name| name == field)
    });
    let Some(field) = known else {
        let names: Vec<&str> = mapping.fields.iter().map(|field| field.name.as_str()).collect();
        return Err(Unexplained::NoField(field.to_owned(), names.join(", ")));
    };
    let named = journal.named(person).await?;
    let Some(first) = named.records.first() else { return Err(Unexplained::Nobody(person.to_owned())) };
    let mut account = Account {
        subject: person.to_owned(),
        records: named.records.clone(),
        field: field.name.clone(),
        entries: Vec::new(),
        others: 0,
    };
    let mut now = Vec::new();
    for record in &named.records {
        if let Some(mirror) = journal.mirror(record).await? {
            if account.subject == person {
                account.subject = mirror.display_name();
            }
            let names: Vec<&String> = if record.system() == crate::domain::record::System::Intercom {
                vec![&field.intercom]
            } else {
                field.crm.iter().collect()
            };
            for name in names {
                let value = mirror.fields.get(name).map(value_text).unwrap_or_default();
                let at = mirror.vendor_updated_at.unwrap_or_default();
                now.push((at, format!("{}: {name} = {}", record.title(), quoted(&value))));
            }
        }
    }
    for hold in journal.known(first).await?.off.iter().filter(|hold| hold.field == field.name) {
        account.entries.push(Entry {
            at: hold.since,
            kind: "direction",
            id: hold.direction.to_string(),
            sentence: format!("{} ({})", hold.sentence(), hold.reason),
            links: Vec::new(),
        });
    }
    for id in journal.executions_of(named.records.clone()).await?.into_iter().take(LOOKED_THROUGH) {
        let Some(detail) = journal.execution(id).await? else { continue };
        match execution(journal, mapping, field, &detail).await? {
            Some(entry) => account.entries.push(entry),
            None => account.others += 1,
        }
    }
    for conflict in journal.conflicts_of(named.records.clone(), &field.name).await? {
        account.entries.push(of_conflict(journal, field, &conflict).await?);
    }
    account.entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    for (at, sentence) in now.into_iter().rev() {
        account.entries.insert(
            0,
            Entry {
                at,
                kind: "now",
                id: String::new(),
                sentence: format!("Now {sentence}"),
                links: Vec::new(),
            },
        );
    }
    Ok(account)
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", shorten(value, SHOWN)) }
}

/// The writes of a plan that touch the field: in words, and whether each is done.
fn writes(field: &FieldMapping, plan: &Plan) -> Vec<(usize, String, StepState)> {
    let mut found = Vec::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let (fields, side, whose) = match &step.effect {
            Effect::Create { fields, connection, .. } => {
                (fields, connection.system, format!("a new {} record", connection.system.title()))
            }
            Effect::Update { record, fields } => (fields, record.system(), record.title()),
            _ => continue,
        };
        let own = side == crate::domain::record::System::Intercom;
        for (name, value) in fields {
            let ours = if own { *name == field.intercom } else { field.crm.contains(name) };
            if ours {
                let words = format!("{name} of {whose} becomes {}", quoted(&value_text(value)));
                found.push((place, words, step.state));
            }
        }
    }
    found
}

async fn execution(
    journal: &Journal,
    mapping: &Mapping,
    field: &FieldMapping,
    detail: &ExecutionDetail,
) -> Result<Option<Entry>, JournalError> {
    let execution = &detail.execution;
    let Some(plan) = &detail.plan else { return Ok(None) };
    let writes = writes(field, plan);
    let skip = plan.skips.iter().find(|skip| skip.field == field.name);
    let conflict = plan.conflicts.iter().find(|conflict| conflict.field == field.name);
    if writes.is_empty() && skip.is_none() && conflict.is_none() {
        return Ok(None);
    }
    let mut links = Vec::new();
    let mut link = |what: &'static str, words: String| links.push(Link { what, words });
    if let (Some(event), Some(topic)) = (execution.event, &detail.topic) {
        let told = detail.told_by.as_ref().map_or("a vendor", |by| by.system.title());
        let at = detail.received_at.map_or_else(String::new, |at| format!(", received {}", at.rfc3339()));
        link("event", format!("{event}: {told} told \"{topic}\"{at}"));
    }
    if let Some(id) = execution.decision
        && let Some(decided) = journal.decided_by(id).await?
    {
        link("decision", format!("{} decided it at {}", decided.actor, decided.at.rfc3339()));
    }
    let edition =
        execution.editions.clone().unwrap_or_else(|| format!("mapping edition {}", mapping.version));
    link("mapping", format!("{} by {edition}", execution.recipe));
    link("transform", format!("{}: {}", field.transform.name(), turns(field)));
    link("rule", field.rule());
    for (_, words, _) in &writes {
        link("write", words.clone());
    }
    for (place, ..) in &writes {
        for attempt in detail.attempts.iter().filter(|attempt| attempt.step == Some(*place as u32)) {
            let url = attempt.url.split('?').next().unwrap_or_default();
            let answer = attempt.status.map_or_else(|| "no answer".into(), |status| status.to_string());
            link("call", format!("{} {url} → {answer}, {} ms", attempt.method, attempt.duration_ms));
        }
    }
    if let Some(words) = &detail.vendor_words {
        link("call", format!("the vendor said: \"{}\"", shorten(words, SHOWN)));
    }
    let sentence = match (writes.as_slice(), skip, conflict) {
        ([], Some(skip), _) => format!("{} looked at it and left it: {}.", execution.id, skip.reason),
        ([], None, Some(conflict)) => {
            format!("{} held it back: {}.", execution.id, conflict.kind.phrase())
        }
        (all, ..) if all.iter().all(|(.., state)| *state == StepState::Done) => {
            format!("{} wrote it ({}).", execution.id, execution.recipe)
        }
        _ => {
            format!("{} wanted to write it; it is {}: {}", execution.id, execution.status, execution.sentence)
        }
    };
    if let Some(skip) = skip.filter(|_| !writes.is_empty()) {
        link("skip", skip.reason.clone());
    }
    let at = execution.updated_at;
    Ok(Some(Entry { at, kind: "execution", id: execution.id.to_string(), sentence, links }))
}

fn turns(field: &FieldMapping) -> String {
    format!("{} {} {}", field.intercom, field.direction.arrow(), field.crm.join(" + "))
}

async fn of_conflict(
    journal: &Journal,
    field: &FieldMapping,
    conflict: &Conflict,
) -> Result<Entry, JournalError> {
    let mut links = Vec::new();
    let mut link = |what: &'static str, words: String| links.push(Link { what, words });
    let by = |writer: &Option<Writer>| {
        writer
            .as_ref()
            .map_or_else(|| "by whom is not known".to_owned(), |writer| format!("by {}", writer.who))
    };
    let left = quoted(&value_text(&conflict.left_value));
    let right = quoted(&value_text(&conflict.right_value));
    link("writer", format!("{} = {left}, {}", conflict.left.title(), by(&conflict.left_by)));
    link("writer", format!("{} = {right}, {}", conflict.right.title(), by(&conflict.right_by)));
    link(
        "agreed",
        match &conflict.base {
            Some(base) => format!("both held {} when they last agreed", quoted(&value_text(base))),
            None => "the two never agreed before".to_owned(),
        },
    );
    let line = if conflict.line.is_empty() { String::new() } else { format!(" ({})", conflict.line) };
    link("rule", format!("{}{line}", field.rule()));
    if let Some(execution) = conflict.execution {
        link("execution", format!("found by {execution}"));
    }
    for note in journal.noted_about(vec![conflict.id.to_string()]).await? {
        link("decision", format!("{} {} {}: {}", note.at.rfc3339(), note.actor, note.verb, note.note));
    }
    let outcome = conflict.resolution.as_ref().map_or_else(String::new, |words| format!(" {words}"));
    Ok(Entry {
        at: conflict.created_at,
        kind: "conflict",
        id: conflict.id.to_string(),
        sentence: format!("{} {}, {}.{outcome}", conflict.id, conflict.kind.phrase(), conflict.state),
        links,
    })
}
