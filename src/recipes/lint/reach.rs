//! Which records a trigger leads to: an action about any other would never do anything.

use super::super::recipe::{Act, Target, Trigger};

/// The records an action is about.
pub(super) fn targets(act: &Act) -> Vec<Target> {
    match act {
        Act::Sync { .. } | Act::Tell { .. } => Vec::new(),
        Act::Log { .. } | Act::Reply { .. } | Act::Assign { .. } => vec![Target::Conversation],
        Act::Update { target, .. } | Act::Tag { target, .. } => vec![*target],
        Act::Create { relate, .. } => relate.clone(),
        Act::Relate { from, to } => vec![*from, *to],
        Act::Track { .. } | Act::Converse { .. } => vec![Target::Contact],
    }
}

/// Whether a trigger leads to a record of this kind.
pub(super) fn gives(trigger: Trigger, target: Target) -> bool {
    use Target as T;
    match trigger {
        Trigger::IntercomCompanyChanged | Trigger::CrmCompanyChanged => {
            matches!(target, T::Company | T::IntercomCompany)
        }
        Trigger::IntercomContactChanged
        | Trigger::CrmContactChanged
        | Trigger::ContactTagged
        | Trigger::PersonActed
        | Trigger::DealChanged => !matches!(target, T::Conversation | T::Ticket),
        Trigger::TicketChanged => target != T::Conversation,
        Trigger::ConversationCreated
        | Trigger::ConversationMessage
        | Trigger::ConversationClosed
        | Trigger::ConversationOpenOrClosed
        | Trigger::ConversationRated
        | Trigger::ConversationTagged
        | Trigger::AgentAnswered => true,
    }
}

/// Whether a trigger's event is about a tag.
pub(super) const fn tells_a_tag(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::ContactTagged | Trigger::ConversationTagged)
}
