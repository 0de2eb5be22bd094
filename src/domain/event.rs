//! What a system told us, or what we noticed: stored raw, exactly once per connection and delivery key.
//!
//! An event is a hint that something changed, never the truth about what it is now: order is not promised by any
//! vendor, so whoever acts on one reads the record again.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::EventId;
use super::record::{Connection, RecordRef};

words! {
    /// How we came to know of it.
    pub enum EventSource {
        /// The vendor called us.
        Webhook = "webhook",
        /// We asked what changed.
        Poll = "poll",
        /// A human pressed a key or ran a command.
        Operator = "operator",
        /// We looked for records that are gone without a word.
        Sweep = "sweep",
        /// We brought in what happened before Reknit was there.
        Backfill = "backfill",
    }
}

words! {
    /// What happened, in one vocabulary for all vendors and all of their topic names.
    pub enum EventKind {
        /// A person appeared.
        ContactCreated = "contact.created",
        /// A person's fields changed.
        ContactUpdated = "contact.updated",
        /// A person is gone in a way that can be taken back (archived, recycle bin).
        ContactDeleted = "contact.deleted",
        /// A person was deleted for good: HubSpot's privacy deletion, Intercom's permanent one.
        ContactErased = "contact.erased",
        /// Two people became one at the vendor.
        ContactMerged = "contact.merged",
        /// A person's company relation changed.
        ContactRelated = "contact.related",
        /// An organisation appeared or changed.
        CompanyChanged = "company.changed",
        /// A conversation began.
        ConversationCreated = "conversation.created",
        /// Somebody wrote in a conversation.
        ConversationReplied = "conversation.replied",
        /// A conversation was closed.
        ConversationClosed = "conversation.closed",
        /// A conversation changed in another way (assigned, noted, snoozed, tagged, rated).
        ConversationChanged = "conversation.changed",
        /// A topic we know and have no recipe for, or do not know; journaled, with the reason.
        Other = "other",
    }
}

/// How often a connection told us of something, one way and by one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrivals {
    /// Who told us.
    pub connection: Connection,
    /// How we came to know.
    pub source: EventSource,
    /// The vendor's own name for what happened.
    pub topic: String,
    /// How often.
    pub count: u64,
    /// When the last one came.
    pub last_at: Timestamp,
}

/// An event before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Who told us.
    pub connection: Connection,
    /// How we came to know.
    pub source: EventSource,
    /// What makes this delivery the same as another: the vendor's event id where it is unique, else a hash.
    pub delivery_key: String,
    /// The vendor's own name for what happened.
    pub topic: String,
    /// Our name for it.
    pub kind: EventKind,
    /// The record it is about, where the payload names one.
    pub record: Option<RecordRef>,
    /// When it happened, by the vendor's clock.
    pub occurred_at: Option<Timestamp>,
    /// The body as received.
    pub body: String,
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, in the order of arrival.
    pub id: EventId,
    /// Who told us.
    pub connection: Connection,
    /// How we came to know.
    pub source: EventSource,
    /// See [`NewEvent::delivery_key`].
    pub delivery_key: String,
    /// The vendor's own name for what happened.
    pub topic: String,
    /// Our name for it.
    pub kind: EventKind,
    /// The record it is about.
    pub record: Option<RecordRef>,
    /// When it happened, by the vendor's clock.
    pub occurred_at: Option<Timestamp>,
    /// When we stored it.
    pub received_at: Timestamp,
    /// How often it was delivered in all; 1 for most.
    pub deliveries: u32,
    /// The body as received.
    pub body: String,
}
