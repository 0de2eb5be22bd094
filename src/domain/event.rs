//! What a system told us, or what we noticed: stored raw, exactly once per connection and delivery key.
//!
//! An event is a hint that something changed, never the truth about what it is now: order is not promised by any
//! vendor, so whoever acts on one reads the record again.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{EventId, ExecutionId};
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
        /// A person has another e-mail address, or the first one.
        ContactEmailChanged = "contact.email_changed",
        /// A visitor or lead became a user.
        ContactSignedUp = "contact.signed_up",
        /// A person wants no more e-mails.
        ContactUnsubscribed = "contact.unsubscribed",
        /// A person wants e-mails again.
        ContactSubscribed = "contact.subscribed",
        /// A tag was put on a person.
        ContactTagged = "contact.tagged",
        /// A tag was taken off a person.
        ContactUntagged = "contact.untagged",
        /// A person is gone in a way that can be taken back (archived, recycle bin).
        ContactDeleted = "contact.deleted",
        /// A person was deleted for good: HubSpot's privacy deletion, Intercom's permanent one.
        ContactErased = "contact.erased",
        /// Two people became one at the vendor.
        ContactMerged = "contact.merged",
        /// A person's company relation changed.
        ContactRelated = "contact.related",
        /// An organisation appeared.
        CompanyCreated = "company.created",
        /// An organisation changed.
        CompanyChanged = "company.changed",
        /// An organisation is gone.
        CompanyDeleted = "company.deleted",
        /// A conversation began.
        ConversationCreated = "conversation.created",
        /// Somebody wrote in a conversation.
        ConversationReplied = "conversation.replied",
        /// A conversation was closed.
        ConversationClosed = "conversation.closed",
        /// A conversation is open again, by hand or at the end of a snooze.
        ConversationOpened = "conversation.opened",
        /// A conversation rests until later; it counts as open.
        ConversationSnoozed = "conversation.snoozed",
        /// A conversation has another assignee.
        ConversationAssigned = "conversation.assigned",
        /// A teammate left a note.
        ConversationNoted = "conversation.noted",
        /// A part of a conversation was tagged.
        ConversationTagged = "conversation.tagged",
        /// A customer gave a rating.
        ConversationRated = "conversation.rated",
        /// A text in a conversation was taken back: no copy of it may stay.
        ConversationRedacted = "conversation.redacted",
        /// A conversation changed in another way (read, priority, participants, deletion).
        ConversationChanged = "conversation.changed",
        /// A sale appeared or changed.
        DealChanged = "deal.changed",
        /// A support case appeared or changed.
        TicketChanged = "ticket.changed",
        /// A person did something in the product, told by Intercom's own events.
        PersonActed = "person.acted",
        /// A support agent (a bot) of the customer's own asked for a human, or answered.
        AgentAnswered = "agent.answered",
        /// A topic we know and have no recipe for, or do not know; journaled, with the reason.
        Other = "other",
    }
}

impl EventKind {
    /// A person's fields may have changed: it may be our own write coming back.
    pub const fn is_change_of_a_contact(self) -> bool {
        matches!(
            self,
            Self::ContactUpdated
                | Self::ContactEmailChanged
                | Self::ContactSignedUp
                | Self::ContactUnsubscribed
                | Self::ContactSubscribed
        )
    }

    /// It is about a conversation.
    pub fn is_of_a_conversation(self) -> bool {
        self.as_str().starts_with("conversation.")
    }
}

/// What the vendor says of its own sending; nothing for what no vendor sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sent {
    /// When it was first sent.
    pub first_at: Option<Timestamp>,
    /// Which of the vendor's attempts this is, from 1.
    pub attempt: Option<u32>,
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
    /// What the vendor says of its sending.
    pub sent: Sent,
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

/// An event as a list shows it: without its body, with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its number, in the order of arrival.
    pub id: EventId,
    /// Who told us.
    pub connection: Connection,
    /// How we came to know.
    pub source: EventSource,
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
    /// How its deliveries went.
    pub delivered: Delivered,
    /// Why no recipe ran, where none did.
    pub ignored: Option<String>,
    /// The first execution it caused.
    pub execution: Option<ExecutionId>,
}

/// How often an event came, and what the vendor said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivered {
    /// How often it was delivered to us in all; 1 for most, 0 for what no event caused.
    pub times: u32,
    /// When the last delivery came, where there was more than one.
    pub last_at: Option<Timestamp>,
    /// When the vendor first sent it, and the highest of its attempts we have seen.
    pub sent: Sent,
}

impl Delivered {
    /// In words, where there is more to tell than "once": `delivered 3 times, run once; first sent …, attempt 2 of the
    /// vendor`. `time` writes a time as the reader sees times.
    pub fn words(&self, time: impl Fn(Timestamp) -> String) -> Option<String> {
        let attempt = self.sent.attempt.unwrap_or(1);
        if self.times < 2 && attempt < 2 {
            return None;
        }
        let mut words = if self.times < 2 {
            "delivered once".to_owned()
        } else {
            format!("delivered {} times, run once", self.times)
        };
        if let Some(first) = self.sent.first_at {
            words.push_str(&format!("; first sent {}", time(first)));
        }
        if attempt > 1 {
            let before = if self.times < attempt { ", an earlier one did not reach us" } else { "" };
            words.push_str(&format!(", attempt {attempt} of the vendor{before}"));
        }
        if let Some(last) = self.last_at {
            words.push_str(&format!(", last {}", time(last)));
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r104_a_repeated_delivery_is_told_in_words() {
        let time = |at: Timestamp| at.rfc3339();
        let at = |text: &str| Timestamp::parse_rfc3339(text).expect("a time");
        let sent = Sent { first_at: Some(at("2026-11-21T12:00:01Z")), attempt: Some(2) };
        let often = Delivered { times: 3, last_at: Some(at("2026-11-21T12:01:02Z")), sent };
        let words = often.words(time).expect("something to tell");
        for part in
            ["delivered 3 times", "first sent 2026-11-21T12:00:01", "attempt 2 of the vendor", "12:01:02"]
        {
            assert!(words.contains(part), "{words}");
        }
        assert!(!words.contains("did not reach us"), "{words}");
        let late = Delivered { times: 1, last_at: None, sent };
        assert!(late.words(time).expect("news").contains("an earlier one did not reach us"));
        let first = Delivered { times: 1, last_at: None, sent: Sent { attempt: Some(1), ..sent } };
        assert_eq!(first.words(time), None);
    }
}
