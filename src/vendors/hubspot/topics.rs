//! HubSpot's subscription types. The generic `object.*` types say the object by its type id; they are read as the
//! named ones.

use super::super::topics::{Topic, row};
use crate::domain::event::EventKind::{
    CompanyChanged, CompanyCreated, CompanyDeleted, ContactCreated, ContactDeleted, ContactErased,
    ContactMerged, ContactRelated, ContactUpdated, ConversationChanged, ConversationCreated,
    ConversationReplied, DealChanged, Other, TicketChanged,
};

/// Every subscription type.
pub(crate) const TOPICS: &[Topic] = &[
    row(&["contact.creation"], ContactCreated, "Contact created"),
    row(&["contact.propertyChange"], ContactUpdated, "Contact property changed"),
    row(&["contact.restore"], ContactUpdated, "Contact restored"),
    row(&["contact.deletion"], ContactDeleted, "Contact deleted"),
    row(&["contact.privacyDeletion"], ContactErased, "Contact deleted for privacy"),
    row(&["contact.merge"], ContactMerged, "Contacts merged"),
    row(&["contact.associationChange"], ContactRelated, "Contact association changed"),
    row(&["company.creation"], CompanyCreated, "Company created"),
    row(&["company.propertyChange"], CompanyChanged, "Company property changed"),
    row(&["company.restore"], CompanyChanged, "Company restored"),
    row(&["company.deletion"], CompanyDeleted, "Company deleted"),
    row(&["company.merge"], CompanyChanged, "Companies merged"),
    row(&["company.associationChange"], Other, "Company association changed"),
    row(&["deal.creation"], DealChanged, "Deal created"),
    row(&["deal.propertyChange"], DealChanged, "Deal property changed"),
    row(&["deal.restore"], DealChanged, "Deal restored"),
    row(&["deal.deletion"], Other, "Deal deleted"),
    row(&["deal.merge"], DealChanged, "Deals merged"),
    row(&["deal.associationChange"], Other, "Deal association changed"),
    row(&["ticket.creation"], TicketChanged, "Ticket created"),
    row(&["ticket.propertyChange"], TicketChanged, "Ticket property changed"),
    row(&["ticket.restore"], TicketChanged, "Ticket restored"),
    row(&["ticket.deletion"], Other, "Ticket deleted"),
    row(&["ticket.merge"], TicketChanged, "Tickets merged"),
    row(&["ticket.associationChange"], Other, "Ticket association changed"),
    row(&["product.creation"], Other, "Product created"),
    row(&["product.propertyChange"], Other, "Product property changed"),
    row(&["product.restore"], Other, "Product restored"),
    row(&["product.deletion"], Other, "Product deleted"),
    row(&["product.merge"], Other, "Products merged"),
    row(&["line_item.creation"], Other, "Line item created"),
    row(&["line_item.propertyChange"], Other, "Line item property changed"),
    row(&["line_item.restore"], Other, "Line item restored"),
    row(&["line_item.deletion"], Other, "Line item deleted"),
    row(&["line_item.merge"], Other, "Line items merged"),
    row(&["line_item.associationChange"], Other, "Line item association changed"),
    row(&["conversation.creation"], ConversationCreated, "Conversation started"),
    row(&["conversation.newMessage"], ConversationReplied, "Message in conversation"),
    row(&["conversation.propertyChange"], ConversationChanged, "Conversation property changed"),
    row(&["conversation.deletion"], ConversationChanged, "Conversation archived"),
    row(&["conversation.privacyDeletion"], ConversationChanged, "Conversation deleted for privacy"),
    row(&["object.creation"], Other, "Record created"),
    row(&["object.propertyChange"], Other, "Record property changed"),
    row(&["object.restore"], Other, "Record restored"),
    row(&["object.deletion"], Other, "Record deleted"),
    row(&["object.merge"], Other, "Records merged"),
    row(&["object.associationChange"], Other, "Record association changed"),
];

/// HubSpot has written the parts of a type with other capitals; one that fits a known one but for them is that one.
pub(crate) fn canonical(topic: &str) -> &str {
    TOPICS
        .iter()
        .flat_map(|row| row.names)
        .find(|name| name.eq_ignore_ascii_case(topic))
        .copied()
        .unwrap_or(topic)
}
