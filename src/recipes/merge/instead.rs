//! Where Intercom merges no such pair: the chosen contact gets what it lacks, and the other goes to the archive.
//!
//! Conversations, events and notes stay with the archived contact; nothing is deleted.

use super::survivors::Survivor;
use super::{Group, Merging};
use crate::domain::plan::{Effect, Step};
use crate::domain::record::{Fields, System, value_text};
use crate::recipes::mend::Impossible;

/// Adds the copy and the archiving.
pub(super) fn steps(
    merging: &mut Merging,
    group: &Group<'_>,
    survivors: &[Survivor],
) -> Result<(), Impossible> {
    let master = group.master()?;
    if group.system() != System::Intercom {
        return Err(Impossible("Only Intercom's contacts are copied and archived.".to_owned()));
    }
    // An address that another contact still holds can be refused for a user: it is left where it is.
    let fields: Fields = survivors
        .iter()
        .filter(|one| one.writable && value_text(&one.value) != master.text(&one.field))
        .map(|one| (one.field.clone(), one.value.clone()))
        .collect();
    if !fields.is_empty() {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        merging.planned.plan.steps.push(Step::new(
            format!("Copy to {}: {}", master.record.title(), names.join(", ")),
            Effect::Update { record: master.record.clone(), fields },
        ));
    }
    if merging.planned.plan.steps.is_empty() {
        merging.planned.plan.nothing = Some(format!("{} holds everything already.", master.record.title()));
    }
    merging.notes.push(
        "This is no merge: conversations, events, tags and notes stay with the other contact.".to_owned(),
    );
    Ok(())
}
