//! A row of any list, as the machine of every list needs it: its number, how it reads in one line, whether it has
//! changed, and all of it as JSON. Reads only; decides nothing.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::msg::Answer;
use super::panes::Screen;
use crate::domain::audit::AuditEntry;
use crate::domain::evidence::percent;
use crate::domain::execution::{Call, Execution};
use crate::domain::filter::Filter;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::page::Anchor;
use crate::domain::record::value_text;
use crate::domain::review::{Conflict, Duplicate, Unlinked};
use crate::domain::secret::holds_a_token;
use crate::journal::Journal;

/// Rows read at once where all of a list are gone through.
pub(super) const PAGE: usize = 500;

/// One row.
#[derive(Debug, Clone)]
pub(in crate::console) enum Row {
    /// Of the executions.
    Execution(Box<Execution>),
    /// Of the conflicts.
    Conflict(Box<Conflict>),
    /// Of the duplicates.
    Duplicate(Box<Duplicate>),
    /// Of the unlinked people.
    Unlinked(Box<Unlinked>),
    /// Of the audit log.
    Entry(Box<AuditEntry>),
    /// Of the calls.
    Call(Box<Call>),
}

impl Row {
    /// Its number.
    pub(in crate::console) fn key(&self) -> i64 {
        match self {
            Self::Execution(row) => row.id.0,
            Self::Conflict(row) => row.id.0,
            Self::Duplicate(row) => row.id.0,
            Self::Unlinked(row) => row.id.0,
            Self::Entry(row) => row.number,
            Self::Call(row) => row.id,
        }
    }

    /// Its public id.
    pub(in crate::console) fn id(&self) -> String {
        match self {
            Self::Execution(row) => row.id.to_string(),
            Self::Conflict(row) => row.id.to_string(),
            Self::Duplicate(row) => row.id.to_string(),
            Self::Unlinked(row) => row.id.to_string(),
            Self::Entry(row) => row.number.to_string(),
            Self::Call(row) => row.id.to_string(),
        }
    }

    /// Its state, as a word.
    pub(in crate::console) fn state(&self) -> &'static str {
        match self {
            Self::Execution(row) => row.status.as_str(),
            Self::Conflict(row) => row.state.as_str(),
            Self::Duplicate(row) => row.state.as_str(),
            Self::Unlinked(row) => row.state.as_str(),
            Self::Entry(row) if row.erased => "erased",
            Self::Entry(_) => "written",
            Self::Call(row) if row.class.is_some() => "failed",
            Self::Call(_) => "answered",
        }
    }

    /// What it is about, in one line.
    pub(in crate::console) fn label(&self) -> String {
        match self {
            Self::Execution(row) => format!("{}  {}", row.recipe, row.subject),
            Self::Conflict(row) => {
                let (left, right) = (value_text(&row.left_value), value_text(&row.right_value));
                format!("{}  {}: {left} | {right}", row.subject, row.field)
            }
            Self::Duplicate(row) => format!("{}  {}", row.subject, percent(row.probability)),
            Self::Unlinked(row) => match row.candidates.first() {
                Some(best) => format!("{}  {} {}", row.subject, best.name, percent(best.probability)),
                None => format!("{}  {}", row.subject, row.domain),
            },
            Self::Entry(row) => format!("{}  {}", row.entry.verb, row.entry.object),
            Self::Call(row) => format!("{}  {}", row.method, row.url),
        }
    }

    /// What its label tells of people: fields and their values.
    pub(in crate::console) fn people(&self) -> Vec<(String, String)> {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self {
            Self::Execution(row) => vec![field("subject", &row.subject)],
            Self::Conflict(row) => vec![
                field("subject", &row.subject),
                (row.field.clone(), value_text(&row.left_value)),
                (row.field.clone(), value_text(&row.right_value)),
            ],
            Self::Duplicate(row) => vec![field("subject", &row.subject)],
            Self::Unlinked(row) => {
                let mut people = vec![field("subject", &row.subject), field("domain", &row.domain)];
                people.extend(row.candidates.first().map(|best| field("company", &best.name)));
                people
            }
            // They name no people but by the ids of their records.
            Self::Entry(_) | Self::Call(_) => Vec::new(),
        }
    }

    /// All of it.
    pub(in crate::console) fn json(&self) -> Value {
        let json = match self {
            Self::Execution(row) => serde_json::to_value(row),
            Self::Conflict(row) => serde_json::to_value(row),
            Self::Duplicate(row) => serde_json::to_value(row),
            Self::Unlinked(row) => serde_json::to_value(row),
            Self::Entry(row) => Ok(ledgered(row)),
            Self::Call(row) => serde_json::to_value(row),
        };
        // These types hold nothing that JSON has no word for.
        let mut json = json.unwrap_or_default();
        if matches!(self, Self::Entry(_) | Self::Call(_)) {
            conceal(&mut json);
        }
        json
    }

    /// A number that is another one once the row is another one.
    pub(in crate::console) fn stamp(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.json().to_string().hash(&mut hasher);
        hasher.finish()
    }
}

/// An entry as `reknit audit` tells it.
fn ledgered(row: &AuditEntry) -> Value {
    json!({
        "number": row.number,
        "at": row.at,
        "actor": row.entry.actor,
        "verb": row.entry.verb,
        "object": row.entry.object,
        "note": row.entry.note,
        "erased": row.erased,
        "hash": row.hash,
    })
}

/// Texts that look as if they held a token do not travel on; they are kept out before they are stored, but what goes
/// into a file leaves this machine.
pub(super) fn conceal(json: &mut Value) {
    if let Value::Object(members) = json {
        for value in members.values_mut() {
            if let Value::String(text) = value
                && (holds_a_token(text) || text.contains("token="))
            {
                *value = Value::from("[left out: it looks as if it held a secret]");
            }
        }
    }
}

fn said(error: &impl ToString) -> String {
    error.to_string()
}

/// The rows of a list from a place on.
pub(super) async fn page(
    journal: &Journal,
    screen: Screen,
    filter: &Filter,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<Row>> {
    macro_rules! rows {
        ($verb:ident, $kind:ident) => {{
            let page = journal.$verb(filter, anchor, limit).await.map_err(|error| said(&error))?;
            page.rows.into_iter().map(|row| Row::$kind(Box::new(row))).collect()
        }};
    }
    Ok(match screen {
        Screen::Executions => rows!(executions, Execution),
        Screen::Conflicts => rows!(conflicts, Conflict),
        Screen::Duplicates => rows!(duplicate_groups, Duplicate),
        Screen::Unlinked => rows!(unlinked, Unlinked),
        Screen::Audit => rows!(audit_page, Entry),
        Screen::Log => rows!(calls, Call),
        other => return Err(format!("The rows of {} cannot be gone through as a whole.", other.title())),
    })
}

/// Rows by their numbers, as they stand; those that are gone are left out.
pub(super) async fn numbered(journal: &Journal, screen: Screen, keys: &[i64]) -> Answer<Vec<Row>> {
    macro_rules! each {
        ($verb:ident, $id:ident, $kind:ident) => {{
            let mut rows = Vec::with_capacity(keys.len());
            for key in keys {
                let row = journal.$verb($id(*key)).await.map_err(|error| said(&error))?;
                rows.extend(row.map(|row| Row::$kind(Box::new(row))));
            }
            rows
        }};
    }
    Ok(match screen {
        Screen::Executions => {
            let ids = keys.iter().map(|key| ExecutionId(*key)).collect();
            let rows = journal.executions_numbered(ids).await.map_err(|error| said(&error))?;
            rows.into_iter().map(|row| Row::Execution(Box::new(row))).collect()
        }
        Screen::Conflicts => each!(conflict, ConflictId, Conflict),
        Screen::Duplicates => each!(duplicate, DuplicateId, Duplicate),
        Screen::Unlinked => each!(unlinked_one, UnlinkedId, Unlinked),
        other => return Err(format!("Nothing is done to several rows of {}.", other.title())),
    })
}

/// The numbers of the rows from one to another in the order of the list, both included; refused beyond `most`.
pub(super) async fn between(
    journal: &Journal,
    screen: Screen,
    filter: &Filter,
    (from, to): (i64, i64),
    most: usize,
) -> Answer<Vec<i64>> {
    let mut keys = Vec::new();
    let mut anchor = Anchor::At(from);
    loop {
        let rows = page(journal, screen, filter, anchor, PAGE).await?;
        let full = rows.len() == PAGE;
        for row in &rows {
            keys.push(row.key());
            if row.key() == to {
                return Ok(keys);
            }
        }
        if keys.len() > most {
            return Err(format!(
                "The range holds more than {most} rows and was not marked; Ctrl-a marks all that match."
            ));
        }
        match keys.last() {
            Some(last) if full => anchor = Anchor::After(*last),
            _ => return Ok(keys),
        }
    }
}
