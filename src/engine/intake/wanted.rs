//! Which recipes an event runs: each that it triggers, that looks at what changed, and that did not cause it itself.
//!
//! Decided from the rules in force and from what the journal knows; nothing here calls a vendor.

use std::sync::Arc;

use super::{Heard, Intake};
use crate::domain::event::{EventSource, NewEvent};
use crate::domain::record::{ObjectKind, RecordRef};
use crate::journal::Result;
use crate::journal::intake::{Disposition, NewExecution, Sight};
use crate::recipes;
use crate::recipes::recipe::{Act, Recipe};

/// A recipe's own write comes back within this time, in milliseconds; after it, the same change is somebody else's.
const OWN_ECHO: i64 = 10 * 60_000;

/// A recipe that an event is to run: one of the book's, or one that is part of Reknit.
enum Wanted {
    OfTheBook(Arc<Recipe>),
    BuiltIn(&'static str),
}

impl Wanted {
    fn name(&self) -> &str {
        match self {
            Self::OfTheBook(recipe) => &recipe.name,
            Self::BuiltIn(name) => name,
        }
    }

    /// It carries fields over by a mapping, whose loop guard knows our own writes.
    fn syncs(&self) -> bool {
        match self {
            Self::OfTheBook(recipe) => syncs(recipe),
            Self::BuiltIn(_) => false,
        }
    }
}

/// Whether a recipe carries fields over by a mapping.
pub(in crate::engine) fn syncs(recipe: &Recipe) -> bool {
    recipe.actions.iter().any(|action| matches!(action.act, Act::Sync { .. }))
        || [recipes::CONTACT_TO_CRM, recipes::CONTACT_TO_INTERCOM].contains(&recipe.name.as_str())
}

impl Intake {
    /// What becomes of an event that concerns a living record, or nobody's.
    pub(super) fn fan_out(&self, sight: Sight<'_>, event: &NewEvent, heard: &Heard) -> Result<Disposition> {
        let system = event.connection.system;
        let (running, _) = self.in_force.triggered(system, event.kind);
        let mut wanted: Vec<Wanted> =
            recipes::built_in(event.kind).into_iter().map(Wanted::BuiltIn).collect();
        wanted.extend(running.into_iter().map(Wanted::OfTheBook));
        if wanted.is_empty() {
            let why = recipes::unwanted(event.kind).map(str::to_owned);
            return Ok(Disposition::Ignore(why.unwrap_or_else(|| super::unrouted(system, event))));
        }
        let Some(record) = &event.record else {
            return Ok(Disposition::Ignore("the payload names no record".to_owned()));
        };
        if sight.is_erased(record)? {
            return Ok(Disposition::Erased);
        }
        if let Some((property, _)) = &heard.property {
            wanted.retain(|wanted| self.looks_at(wanted, record, property));
            if wanted.is_empty() {
                return Ok(Disposition::Ignore("the mapping does not use this property".to_owned()));
            }
        }
        if event.source == EventSource::Webhook && self.is_echo(sight, event, heard, record)? {
            let mut kept = Vec::new();
            for one in wanted {
                if !one.syncs() && !sight.wrote_lately(record, one.name(), self.clock.now().0 - OWN_ECHO)? {
                    kept.push(one);
                }
            }
            wanted = kept;
            if wanted.is_empty() {
                return Ok(Disposition::Echo);
            }
        }
        // What ties a person together goes before what needs them tied.
        wanted.sort_by(|a, b| (!a.syncs(), a.name()).cmp(&(!b.syncs(), b.name())));
        let (priority, due_at, sentence) = self.when(event, self.clock.now());
        let person = if record.object == ObjectKind::Contact { None } else { heard.people.first().cloned() };
        let subject = super::subject(sight, heard, person.as_ref().unwrap_or(record))?;
        let run = |wanted: &Wanted| NewExecution {
            recipe: wanted.name().to_owned(),
            subject: subject.clone(),
            // A person's other records are looked up where the execution is made.
            lane: record.to_string(),
            record: Some(record.clone()),
            person: person.clone(),
            priority,
            due_at,
            sentence: sentence.clone(),
            max_attempts: self.settings.max_attempts,
        };
        Ok(Disposition::Run(wanted.iter().map(run).collect()))
    }

    /// A property that a mapping of companies names.
    fn of_companies(&self, property: &str) -> bool {
        let of_companies = self.in_force.mappings.iter().filter(|mapping| mapping.crm == ObjectKind::Company);
        of_companies
            .flat_map(|mapping| &mapping.fields)
            .any(|field| field.crm.iter().any(|name| name == property))
    }

    /// Whether a recipe has to do with a property: its mapping names it, or its text does. Of a deal or a ticket every
    /// change may matter.
    fn looks_at(&self, wanted: &Wanted, record: &RecordRef, property: &str) -> bool {
        match wanted {
            Wanted::OfTheBook(recipe) if record.object != ObjectKind::Contact || !syncs(recipe) => {
                matches!(record.object, ObjectKind::Deal | ObjectKind::Ticket)
                    || recipe.text.contains(property)
                    || syncs(recipe)
                        && (self.uses(record, property)
                            || record.object == ObjectKind::Company && self.of_companies(property))
            }
            _ => self.uses(record, property),
        }
    }
}
