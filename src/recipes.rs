//! What to do on an event or a decision: one file per recipe, each a pure function from facts to a plan.
//!
//! No recipe waits, calls a vendor or reads a clock. [`route`] says which recipe an event runs; the planners take
//! the facts the engine gathered. A create is always preceded by a lookup: the facts carry its result.

use crate::domain::event::EventKind;
use crate::domain::record::System;

pub mod contact_sync;
pub mod erasure;
pub mod mend;

/// Carries an Intercom contact's changes to the CRM.
pub const CONTACT_TO_CRM: &str = "contact-to-crm";
/// Carries a CRM contact's changes to Intercom.
pub const CONTACT_TO_INTERCOM: &str = "contact-to-intercom";
/// Carries out a decision on a conflict.
pub const RESOLVE_CONFLICT: &str = "resolve-conflict";
/// Carries out a merge.
pub const MERGE_DUPLICATES: &str = "merge-duplicates";
/// Carries out a link to a company.
pub const LINK_COMPANY: &str = "link-company";
/// Erases a person everywhere, or asks a human whether to.
pub const ERASE_PERSON: &str = crate::domain::erasure::RECIPE;

/// Which recipe an event of a system runs, or why none does.
pub fn route(system: System, kind: EventKind) -> Result<&'static str, &'static str> {
    use EventKind as Kind;
    match (system, kind) {
        (
            System::Intercom,
            Kind::ContactCreated
            | Kind::ContactUpdated
            | Kind::ContactRelated
            | Kind::ContactMerged
            | Kind::ContactDeleted,
        ) => Ok(CONTACT_TO_CRM),
        (
            System::Hubspot | System::Salesforce,
            Kind::ContactCreated | Kind::ContactUpdated | Kind::ContactMerged | Kind::ContactDeleted,
        ) => Ok(CONTACT_TO_INTERCOM),
        (_, Kind::ContactErased) => Ok(ERASE_PERSON),
        (_, Kind::ContactRelated) => Err("relations are reconciled by the scan, not by an event"),
        (_, Kind::CompanyChanged) => Err("no recipe for companies is on"),
        (
            _,
            Kind::ConversationCreated
            | Kind::ConversationReplied
            | Kind::ConversationClosed
            | Kind::ConversationChanged,
        ) => Err("no recipe for conversations is on"),
        (_, Kind::Other) => Err("no recipe knows this topic"),
    }
}

#[cfg(test)]
mod tests;
