//! Where Intercom merges no such pair: the chosen contact gets what it lacks, and the other goes to the archive.
//!
//! Conversations, events and notes stay with the archived contact; nothing is deleted, and it can be brought back.

use serde_json::Value;

use super::survivors::Survivor;
use super::{Group, Merging, obstacle};
use crate::domain::plan::{Effect, Step};
use crate::domain::record::{Fields, System, value_text};
use crate::recipes::mend::Impossible;

/// Adds the copy, the references and the archiving.
pub(super) fn steps(
    merging: &mut Merging,
    group: &Group<'_>,
    survivors: &[Survivor],
) -> Result<(), Impossible> {
    let master = group.master()?;
    let others = &group.records[1..];
    if group.system() != System::Intercom {
        return Err(Impossible(
            "Copying over and archiving is for Intercom's users, which Intercom cannot merge; this pair can be merged: \
             leave --instead out."
                .to_owned(),
        ));
    }
    if others.iter().all(|other| obstacle(master, other).is_none()) {
        return Err(Impossible("Intercom can merge this pair: leave --instead out.".to_owned()));
    }
    if others.iter().any(|other| master.text("role") == "lead" && other.text("role") == "user") {
        return Err(Impossible(
            "Intercom only merges a lead into a user: choose the user as survivor.".to_owned(),
        ));
    }
    let fields: Fields = survivors
        .iter()
        .filter(|one| one.writable && value_text(&one.value) != master.text(&one.field))
        .map(|one| (one.field.clone(), one.value.clone()))
        .collect();
    let steps = &mut merging.planned.plan.steps;
    if !fields.is_empty() {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        steps.push(Step::new(
            format!("Copy to {}: {}", master.record.title(), names.join(", ")),
            Effect::Update { record: master.record.clone(), fields },
        ));
    }
    let reference = &group.mapping.crm_identity;
    for linked in &group.linked {
        let named = linked.text(reference);
        if others.iter().any(|other| other.record.id == named) {
            let fields = [(reference.clone(), Value::String(master.record.id.clone()))].into_iter().collect();
            steps.push(Step::new(
                format!("Point {} to the contact that goes on", linked.record.title()),
                Effect::Update { record: linked.record.clone(), fields },
            ));
        }
    }
    for other in others {
        steps.push(Step::new(
            format!("Archive {}", other.record.title()),
            Effect::Archive { record: other.record.clone() },
        ));
    }
    merging.notes.push(
        "This is no merge: conversations, events, tags and notes stay with the archived contact, where Intercom still \
         shows them. Unarchiving brings it back."
            .to_owned(),
    );
    Ok(())
}
