//! What screen 8 asks of the journal, and the answers; asked in a task, never in the loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::console::msg::Answer;
use crate::console::panes::Screen;
use crate::domain::audit::{AuditEntry, Verdict};
use crate::domain::ids::{CapsuleId, ConflictId, DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::page::Page;
use crate::domain::plan::{Effect, StepState};
use crate::domain::record::{RecordRef, value_text};
use crate::engine::operate::Operator;
use crate::journal::{Journal, JournalError};

/// Doors and changed values that one entry shows at most.
const MOST: usize = 40;

/// How far a look over the whole chain has got; read while it goes on.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicI64>);

impl Progress {
    /// Entries read so far.
    pub fn read(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl PartialEq for Progress {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// What an entry names: its number, and its object and note.
    Entry(i64, String),
    /// Whether the chain is intact.
    Verify(Progress),
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// Rows of the list.
    Rows(Answer<Page<AuditEntry>>),
    /// What an entry names.
    Entry(i64, Answer<Named>),
    /// What a look over the chain found.
    Verified(Answer<Verdict>),
}

/// Something an entry names, and where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its id: `ex_12`.
    pub id: String,
    /// Where.
    pub screen: Screen,
    /// Its number there.
    pub key: i64,
    /// Whose it is.
    pub subject: String,
    /// How it stands, as a sentence.
    pub state: String,
}

/// A value that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of which record.
    pub record: RecordRef,
    /// Which field.
    pub field: String,
    /// What it was, where that was kept.
    pub before: Option<String>,
    /// What it became.
    pub after: String,
}

/// What an entry names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Where to go from it.
    pub doors: Vec<Door>,
    /// What was written.
    pub changes: Vec<Change>,
}

/// Finds the answer.
pub async fn answer(journal: &Journal, _operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Entry(number, text) => {
            Told::Entry(number, named(journal, &text).await.map_err(|error| error.to_string()))
        }
        Ask::Verify(progress) => {
            let read = progress.0;
            let verdict = journal.verify_audit_watched(move |entries| read.store(entries, Ordering::Relaxed));
            Told::Verified(verdict.await.map_err(|error| error.to_string()))
        }
    }
}

/// The ids in a text, in their order, each once.
fn ids(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let known = ["ex_", "cf_", "du_", "un_"].iter().any(|prefix| {
            word.strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        });
        if known && !found.contains(&word) {
            found.push(word);
        }
    }
    found.truncate(MOST);
    found
}

async fn named(journal: &Journal, text: &str) -> Result<Named, JournalError> {
    let mut named = Named::default();
    for id in ids(text) {
        let door = |screen, key, subject: String, state: String| Door {
            id: id.to_owned(),
            screen,
            key,
            subject,
            state,
        };
        if let Ok(execution) = id.parse::<ExecutionId>() {
            let Some(detail) = journal.execution(execution).await? else { continue };
            let row = &detail.execution;
            named.doors.push(door(
                Screen::Executions,
                row.id.0,
                row.subject.clone(),
                format!("{} {}", row.status, row.sentence),
            ));
            let images = capsules(journal, execution).await?;
            for step in detail.plan.iter().flat_map(|plan| &plan.steps) {
                if step.state == StepState::Done {
                    changes(&step.effect, step.result.as_ref(), &images, &mut named.changes);
                }
            }
        } else if let Ok(conflict) = id.parse::<ConflictId>() {
            let Some(row) = journal.conflict(conflict).await? else { continue };
            // What the two sides held is what a settlement changed.
            for (record, field, value) in [
                (&row.left, &row.left_field, &row.left_value),
                (&row.right, &row.right_field, &row.right_value),
            ] {
                named.changes.push(Change {
                    record: record.clone(),
                    field: field.clone(),
                    before: Some(value_text(value)),
                    after: String::new(),
                });
            }
            let state = row.resolution.clone().unwrap_or_default();
            named.doors.push(door(
                Screen::Conflicts,
                row.id.0,
                row.subject.clone(),
                format!("{} {}: {state}", row.state, row.field),
            ));
        } else if let Ok(duplicate) = id.parse::<DuplicateId>() {
            let Some(row) = journal.duplicate(duplicate).await? else { continue };
            let state = row.resolution.clone().unwrap_or_default();
            named.doors.push(door(
                Screen::Duplicates,
                row.id.0,
                row.subject,
                format!("{} {state}", row.state),
            ));
        } else if let Ok(unlinked) = id.parse::<UnlinkedId>() {
            let Some(row) = journal.unlinked_one(unlinked).await? else { continue };
            let state = row.resolution.clone().unwrap_or_default();
            named.doors.push(door(Screen::Unlinked, row.id.0, row.subject, format!("{} {state}", row.state)));
        }
    }
    named.changes = joined(named.changes);
    named.changes.truncate(MOST);
    Ok(named)
}

/// What was held before and what was written after, of one field in one line.
fn joined(found: Vec<Change>) -> Vec<Change> {
    let mut lines: Vec<Change> = Vec::new();
    for change in found {
        let same = lines.iter_mut().find(|line| line.record == change.record && line.field == change.field);
        match same {
            Some(line) => {
                line.before = line.before.take().or(change.before);
                if line.after.is_empty() {
                    line.after = change.after;
                }
            }
            None => lines.push(change),
        }
    }
    lines
}

type Image = (RecordRef, Vec<(String, String)>);

async fn capsules(journal: &Journal, execution: ExecutionId) -> Result<Vec<Image>, JournalError> {
    let mut images = Vec::new();
    let found: Vec<CapsuleId> = journal.capsules_of(execution).await?;
    for id in found.into_iter().take(4) {
        // One that was erased has nothing to show, and is no reason to show nothing else.
        let Ok(Some(records)) = journal.capsule(id).await else { continue };
        for image in records {
            let fields =
                image.mirror.fields.iter().map(|(name, value)| (name.clone(), value_text(value))).collect();
            images.push((image.mirror.record.clone(), fields));
        }
    }
    Ok(images)
}

fn changes(effect: &Effect, made: Option<&RecordRef>, images: &[Image], found: &mut Vec<Change>) {
    let (record, fields) = match (effect, made) {
        (Effect::Update { record, fields }, _) => (record, fields),
        (Effect::Create { fields, .. }, Some(made)) => (made, fields),
        _ => return,
    };
    let image = images.iter().find(|(known, _)| known == record);
    for (field, value) in fields {
        let before = image.map(|(_, fields)| {
            fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone()).unwrap_or_default()
        });
        let before = if matches!(effect, Effect::Create { .. }) { Some(String::new()) } else { before };
        found.push(Change { record: record.clone(), field: field.clone(), before, after: value_text(value) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_in_a_line_are_found_once_and_in_order() {
        assert_eq!(
            ids("du_4 Survivor hubspot/contact/1. Carried out by ex_12, ex_12; next_3 ex_ ex_1a."),
            ["du_4", "ex_12"]
        );
    }
}
