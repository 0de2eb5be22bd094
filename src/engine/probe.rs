//! Looking up what became of an execution's writes: for lost answers and refusals that nobody trusts.
//!
//! Writes nothing to a vendor and changes nothing about the execution that is looked up; what was found is a sentence.
//! It asks what a retry would ask before it sends anything again.

use super::turn::{Stop, Turn};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::{Effect, Step, StepState};
use crate::domain::record::{RecordRef, value_text};
use crate::domain::text::shorten;
use crate::journal::facts::value_hash;
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::Impossible;
use crate::vendors::VendorError;

/// Letters of a value that a sentence repeats.
const VALUE: usize = 40;

/// Looks at every step that may have happened or was refused.
pub(super) async fn look(turn: &mut Turn<'_>, id: ExecutionId) -> Result<Planned, Stop> {
    let Some(detail) = turn.engine.journal.execution(id).await? else {
        return Err(Impossible(format!("{id} is gone from the journal.")).into());
    };
    let steps = detail.plan.map(|plan| plan.steps).unwrap_or_default();
    let doubtful = |step: &&Step| !matches!(step.state, StepState::Done | StepState::Waiting);
    let mut found = Vec::new();
    for (place, step) in steps.iter().enumerate().filter(|(_, step)| doubtful(step)) {
        found.push(one(turn, place, step).await?);
    }
    if found.is_empty() {
        let done = steps.iter().filter(|step| step.state == StepState::Done).count();
        found.push(match (done, steps.len()) {
            (_, 0) => format!("{id} has no plan, so nothing of it was ever sent."),
            (0, _) => format!("Nothing of {id} was ever sent."),
            (done, all) if done == all => format!("Every step of {id} was answered; there is no doubt."),
            (done, all) => {
                format!("{done} of {all} steps of {id} were answered; the others were never sent.")
            }
        });
    }
    found.push("Nothing was written.".to_owned());
    Ok(Planned::nothing(found.join(" ")))
}

async fn one(turn: &mut Turn<'_>, place: usize, step: &Step) -> Result<String, Stop> {
    let told = match &step.effect {
        Effect::Update { record, fields } => {
            let mirror = match turn.read(record).await? {
                Ok(mirror) => mirror,
                Err(error) => return Ok(unknown(step, &error)),
            };
            let none = serde_json::Value::Null;
            let other: Vec<String> = fields
                .iter()
                .filter(|(name, value)| value_hash(mirror.value(name).unwrap_or(&none)) != value_hash(value))
                .map(|(name, _)| {
                    let there = value_text(mirror.value(name).unwrap_or(&none));
                    format!("{name} is \"{}\"", shorten(&there, VALUE))
                })
                .collect();
            if other.is_empty() {
                format!("It happened: {} has every value.", record.title())
            } else {
                format!(
                    "It did not happen, or was changed since: in {} {}.",
                    record.title(),
                    other.join(", ")
                )
            }
        }
        effect if !effect.is_repeatable() => match turn.probe(place, effect).await? {
            Ok(Some(record)) => format!("It happened: {} is there.", record.title()),
            Ok(None) => "It did not happen: the vendor has no trace of it.".to_owned(),
            Err(error) => return Ok(unknown(step, &error)),
        },
        Effect::Link { contact, company, .. } => belongs(turn, step, contact, company).await?,
        _ => "It cannot be looked up; doing it again changes nothing if it happened.".to_owned(),
    };
    Ok(format!("{}: {told}", step.title))
}

async fn belongs(
    turn: &mut Turn<'_>,
    step: &Step,
    contact: &RecordRef,
    company: &RecordRef,
) -> Result<String, Stop> {
    Ok(match turn.read(contact).await? {
        Err(error) => unknown(step, &error),
        Ok(mirror) if mirror.companies.contains(&company.id) => {
            format!("It happened: {} belongs to it.", contact.title())
        }
        Ok(_) => format!("It did not happen: {} does not belong to it.", contact.title()),
    })
}

fn unknown(step: &Step, error: &VendorError) -> String {
    format!("{}: it could not be looked up, the vendor said \"{}\".", step.title, error.words)
}
