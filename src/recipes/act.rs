//! What an operator does by hand: begin a conversation, reply, assign, tag, set values, hand a case to somebody else.
//!
//! The effects are the operator's own, so nothing is judged; a value that stands there already is written once more, which
//! changes nothing. Pure: nothing is looked up here.

use super::contact_sync::Planned;
use super::mend::Impossible;
use crate::domain::plan::{Effect, Step};
use crate::domain::text::shorten;

/// Letters of somebody's words that a title repeats.
const WORDS: usize = 60;

/// The effects as a plan, in order.
pub fn plan(effects: &[Effect]) -> Result<Planned, Impossible> {
    if effects.is_empty() {
        return Err(Impossible("There is nothing to do.".into()));
    }
    let mut planned = Planned::default();
    for effect in effects {
        planned.plan.steps.push(Step::new(title(effect), effect.clone()));
    }
    Ok(planned)
}

/// An effect in words.
pub fn title(effect: &Effect) -> String {
    match effect {
        Effect::Converse { contact, text, .. } => {
            format!("Begin a conversation as {}: \"{}\"", contact.title(), shorten(text, WORDS))
        }
        Effect::Reply { conversation, text, note, .. } => {
            let verb = if *note { "Leave a note in" } else { "Reply in" };
            format!("{verb} {}: \"{}\"", conversation.title(), shorten(text, WORDS))
        }
        Effect::Assign { conversation, to, team, .. } => {
            let whom = if *team { "team" } else { "teammate" };
            format!("Assign {} to {whom} {}", conversation.title(), shorten(to, WORDS))
        }
        Effect::Tag { record, tag, on: true } => {
            format!("Tag {} \"{}\"", record.title(), shorten(tag, WORDS))
        }
        Effect::Tag { record, tag, on: false } => {
            format!("Take the tag \"{}\" off {}", shorten(tag, WORDS), record.title())
        }
        Effect::Update { record, fields } => {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!("Update {}: {}", record.title(), names.join(", "))
        }
        Effect::Create { connection, object, .. } => format!("Create {} {object}", connection.system.title()),
        other => format!("Write to {}", other.connection()),
    }
}
