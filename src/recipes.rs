//! What to do on an event or a decision: one file per recipe, each a pure function from facts to a plan.
//!
//! No recipe waits, calls a vendor or reads a clock. [`route`] says which recipe an event runs; the planners take
//! the facts the engine gathered. A create is always preceded by a lookup: the facts carry its result.

use crate::domain::event::EventKind;
use crate::domain::record::System;

pub mod contact_sync;
pub mod erasure;
pub mod facts;
pub mod mend;
pub mod newcomer;
pub mod recipe;
pub mod timeline;

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

/// Every recipe there is.
pub const ALL: [&str; 8] = [
    CONTACT_TO_CRM,
    CONTACT_TO_INTERCOM,
    RESOLVE_CONFLICT,
    MERGE_DUPLICATES,
    LINK_COMPANY,
    MIRROR_COMPANY,
    CONVERSATION_TO_TIMELINE,
    ERASE_PERSON,
];
/// Refreshes our copy of a company; writes nothing to a vendor.
pub const MIRROR_COMPANY: &str = "mirror-company";
/// Logs a conversation of the past on the CRM contact's timeline.
pub const CONVERSATION_TO_TIMELINE: &str = "conversation-to-timeline";

/// Which recipe an event of a system runs, or why none does.
pub fn route(system: System, kind: EventKind) -> Result<&'static str, &'static str> {
    use EventKind as Kind;
    match (system, kind) {
        (
            System::Intercom,
            Kind::ContactCreated
            | Kind::ContactUpdated
            | Kind::ContactEmailChanged
            | Kind::ContactSignedUp
            | Kind::ContactUnsubscribed
            | Kind::ContactSubscribed
            | Kind::ContactRelated
            | Kind::ContactMerged
            | Kind::ContactDeleted,
        ) => Ok(CONTACT_TO_CRM),
        (
            System::Hubspot | System::Salesforce,
            Kind::ContactCreated
            | Kind::ContactUpdated
            | Kind::ContactEmailChanged
            | Kind::ContactSignedUp
            | Kind::ContactUnsubscribed
            | Kind::ContactSubscribed
            | Kind::ContactMerged
            | Kind::ContactDeleted,
        ) => Ok(CONTACT_TO_INTERCOM),
        (_, Kind::ContactErased) => Ok(ERASE_PERSON),
        (_, Kind::ContactRelated) => Err("relations are reconciled by the scan, not by an event"),
        (_, Kind::ContactTagged | Kind::ContactUntagged) => Err("no recipe for tags is on"),
        (_, Kind::CompanyCreated | Kind::CompanyChanged | Kind::CompanyDeleted) => Ok(MIRROR_COMPANY),
        (
            _,
            Kind::ConversationCreated
            | Kind::ConversationReplied
            | Kind::ConversationClosed
            | Kind::ConversationOpened
            | Kind::ConversationSnoozed
            | Kind::ConversationAssigned
            | Kind::ConversationNoted
            | Kind::ConversationTagged
            | Kind::ConversationRated
            | Kind::ConversationRedacted
            | Kind::ConversationChanged,
        ) => Err("no recipe for conversations is on"),
        (_, Kind::DealChanged | Kind::TicketChanged | Kind::PersonActed | Kind::AgentAnswered) => {
            Err("no recipe for it is on")
        }
        (_, Kind::Other) => Err("no recipe knows this topic"),
    }
}

#[cfg(test)]
mod tests;
