//! What to do on an event or a decision: one file per recipe, each a pure function from facts to a plan.
//!
//! No recipe waits, calls a vendor or reads a clock. The [`book::Book`] says which recipes an event triggers; the planners
//! take the facts the engine gathered. A create is always preceded by a lookup: the facts carry its result.

use crate::domain::event::EventKind;

pub mod act;
pub mod book;
pub mod company_sync;
pub mod condition;
pub mod contact_sync;
pub mod erasure;
pub mod facts;
pub mod file;
pub mod finding;
pub mod graph;
pub mod link;
pub mod lint;
pub mod mend;
pub mod merge;
pub mod needs;
pub mod newcomer;
pub mod planner;
pub mod recipe;
pub mod rehearsal;
pub mod reopen;
pub mod standing;
pub mod template;
pub mod timeline;
pub mod undo;

/// Carries an Intercom contact's changes to the CRM.
pub const CONTACT_TO_CRM: &str = "contact-to-crm";
/// Carries a CRM contact's changes to Intercom.
pub const CONTACT_TO_INTERCOM: &str = "contact-to-intercom";
/// Carries out a decision on a conflict.
pub const RESOLVE_CONFLICT: &str = "resolve-conflict";
/// Takes back what a settled conflict wrote.
pub const REOPEN_CONFLICT: &str = "reopen-conflict";
/// Carries out a merge.
pub const MERGE_DUPLICATES: &str = crate::domain::undo::MERGING;
/// Takes a merge back, as far as the vendor allows.
pub const UNDO_MERGE: &str = "undo-merge";
/// Carries out a link to a company.
pub const LINK_COMPANY: &str = "link-company";
/// Takes a link to a company back.
pub const UNLINK_COMPANY: &str = "unlink-company";
/// Does what an operator asked for by hand.
pub const OPERATOR_ACTION: &str = "operator-action";
/// Looks up at the vendor what became of an execution's writes.
pub const PROBE: &str = crate::domain::execution::PROBE;
/// Erases a person everywhere, or asks a human whether to.
pub const ERASE_PERSON: &str = crate::domain::erasure::RECIPE;

/// Every recipe there is.
pub const ALL: [&str; 13] = [
    CONTACT_TO_CRM,
    CONTACT_TO_INTERCOM,
    RESOLVE_CONFLICT,
    REOPEN_CONFLICT,
    MERGE_DUPLICATES,
    UNDO_MERGE,
    LINK_COMPANY,
    UNLINK_COMPANY,
    MIRROR_COMPANY,
    CONVERSATION_TO_TIMELINE,
    ERASE_PERSON,
    OPERATOR_ACTION,
    PROBE,
];
/// Refreshes our copy of a company; writes nothing to a vendor.
pub const MIRROR_COMPANY: &str = "mirror-company";
/// Logs a conversation of the past on the CRM contact's timeline.
pub const CONVERSATION_TO_TIMELINE: &str = "conversation-to-timeline";

/// What is part of Reknit and runs on an event whatever the recipes say.
pub fn built_in(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::ContactErased => Some(ERASE_PERSON),
        EventKind::CompanyCreated | EventKind::CompanyChanged | EventKind::CompanyDeleted => {
            Some(MIRROR_COMPANY)
        }
        _ => None,
    }
}

/// Why an event that no recipe wants runs nothing; none where its topic says it best.
pub fn unwanted(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::ContactRelated => Some("relations are reconciled by the scan, not by an event"),
        EventKind::ContactTagged | EventKind::ContactUntagged => Some("no recipe for tags is on"),
        kind if kind.is_of_a_conversation() => Some("no recipe for conversations is on"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
