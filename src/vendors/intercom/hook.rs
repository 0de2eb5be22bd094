//! Intercom's webhooks: is it really Intercom, and what does it tell us. Pure functions over the raw bytes.
//!
//! Topics have had several names over the years; one table maps all of them to our kinds. What cannot be understood
//! still becomes an event of kind `other`, so that it is stored and can be looked at: nothing is thrown away here.

use serde_json::Value;

use crate::domain::event::{EventKind, EventSource, NewEvent};
use crate::domain::record::{Connection, ObjectKind, RecordRef, value_text};
use crate::domain::secret::Secret;

use super::super::signature::{body_text, delivery_key, hmac_sha1, same, unhex};
use super::wire;

/// The header that carries the signature.
pub const SIGNATURE: &str = "x-hub-signature";

/// Whether `header` (`sha1=` and 40 hex digits) is the HMAC-SHA1 of the body under the app's client secret.
pub fn is_genuine(secret: &Secret, body: &[u8], header: Option<&str>) -> bool {
    let Some(given) = header.and_then(|header| header.trim().strip_prefix("sha1=")).and_then(unhex) else {
        return false;
    };
    same(&given, &hmac_sha1(secret.reveal().as_bytes(), body))
}

/// Every topic name, past and present, and what it means to us.
const TOPICS: &[(&str, EventKind)] = {
    use EventKind::{
        CompanyChanged, ContactCreated, ContactDeleted, ContactErased, ContactMerged, ContactRelated,
        ContactUpdated, ConversationChanged, ConversationClosed, ConversationCreated, ConversationReplied,
        Other,
    };
    &[
        ("contact.user.created", ContactCreated),
        ("contact.lead.created", ContactCreated),
        ("contact.created", ContactCreated),
        ("user.created", ContactCreated),
        ("visitor.signed_up", ContactCreated),
        ("contact.unarchive", ContactCreated),
        ("contact.user.updated", ContactUpdated),
        ("contact.lead.updated", ContactUpdated),
        ("contact.updated", ContactUpdated),
        ("user.updated", ContactUpdated),
        ("contact.lead.added_email", ContactUpdated),
        ("contact.added_email", ContactUpdated),
        ("contact.lead.signed_up", ContactUpdated),
        ("contact.signed_up", ContactUpdated),
        ("contact.email.updated", ContactUpdated),
        ("user.email.updated", ContactUpdated),
        ("contact.subscribed", ContactUpdated),
        ("contact.unsubscribed", ContactUpdated),
        ("user.unsubscribed", ContactUpdated),
        ("contact.user.tag.created", ContactUpdated),
        ("contact.user.tag.deleted", ContactUpdated),
        ("contact.lead.tag.created", ContactUpdated),
        ("contact.lead.tag.deleted", ContactUpdated),
        ("contact.tag.created", ContactUpdated),
        ("contact.tag.deleted", ContactUpdated),
        ("user.tag.created", ContactUpdated),
        ("user.tag.deleted", ContactUpdated),
        ("contact.deleted", ContactErased),
        ("contact.archived", ContactDeleted),
        ("user.deleted", ContactDeleted),
        ("contact.merged", ContactMerged),
        ("company.contact.attached", ContactRelated),
        ("company.contact.detached", ContactRelated),
        ("company.created", CompanyChanged),
        ("company.updated", CompanyChanged),
        ("company.deleted", CompanyChanged),
        ("conversation.user.created", ConversationCreated),
        ("conversation.admin.single.created", ConversationCreated),
        ("conversation.created", ConversationCreated),
        ("conversation.user.replied", ConversationReplied),
        ("conversation.admin.replied", ConversationReplied),
        ("conversation.operator.replied", ConversationReplied),
        ("conversation.replied", ConversationReplied),
        ("conversation.admin.closed", ConversationClosed),
        ("conversation.closed", ConversationClosed),
        ("conversation.admin.assigned", ConversationChanged),
        ("conversation.admin.open.assigned", ConversationChanged),
        ("conversation.admin.opened", ConversationChanged),
        ("conversation.admin.noted", ConversationChanged),
        ("conversation.admin.snoozed", ConversationChanged),
        ("conversation.admin.unsnoozed", ConversationChanged),
        ("conversation.contact.attached", ConversationChanged),
        ("conversation.contact.detached", ConversationChanged),
        ("conversation.rating.added", ConversationChanged),
        ("conversation.priority.updated", ConversationChanged),
        ("conversation.read", ConversationChanged),
        ("conversation.deleted", ConversationChanged),
        ("conversation_part.tag.created", ConversationChanged),
        ("conversation.tag.created", ConversationChanged),
        ("conversation_part.redacted", ConversationChanged),
        ("event.created", Other),
        ("job.completed", Other),
        ("ping", Other),
    ]
};

/// Our name for a topic; unknown ones are [`EventKind::Other`].
pub fn kind_of(topic: &str) -> EventKind {
    TOPICS.iter().find(|(name, _)| *name == topic).map_or(EventKind::Other, |(_, kind)| *kind)
}

/// Reads a delivery. Always one event, even of a body that is no JSON.
pub fn parse(connection: &Connection, body: &[u8]) -> NewEvent {
    let text = body_text(body);
    let Ok(notice) = serde_json::from_slice::<Value>(body) else {
        return NewEvent {
            connection: connection.clone(),
            source: EventSource::Webhook,
            delivery_key: delivery_key(&[&text]),
            topic: String::new(),
            kind: EventKind::Other,
            record: None,
            occurred_at: None,
            body: text,
        };
    };
    let item = notice.pointer("/data/item").unwrap_or(&Value::Null);
    let topic = topic(&notice, item);
    let times = [&notice["created_at"], &notice["first_sent_at"], &item["updated_at"], &item["created_at"]];
    let occurred_at = times.into_iter().find_map(wire::time);
    NewEvent {
        connection: connection.clone(),
        source: EventSource::Webhook,
        delivery_key: key(&notice, &topic, &text),
        kind: kind_of(&topic),
        record: record(connection, &topic, item),
        topic,
        occurred_at,
        body: text,
    }
}

/// The topic given, or what the item must be about: the oldest payloads carry none.
fn topic(notice: &Value, item: &Value) -> String {
    if let Some(topic) = notice.get("topic").and_then(Value::as_str).filter(|topic| !topic.is_empty()) {
        return topic.to_owned();
    }
    let flag = |name: &str| item.get(name).and_then(Value::as_bool).unwrap_or(false);
    let topic = match item.get("type").and_then(Value::as_str).unwrap_or_default() {
        "conversation" if flag("deleted") => "conversation.deleted",
        "conversation" => "conversation.user.created",
        "contact" | "user" | "lead" if flag("deleted") => "contact.deleted",
        // Updated, not created: whoever acts on it looks first whether we know the person.
        "contact" | "user" | "lead" => "contact.updated",
        "company" if flag("deleted") => "company.deleted",
        "company" => "company.updated",
        "ping" => "ping",
        _ => "",
    };
    topic.to_owned()
}

/// Intercom's notification id; without one, what stays the same when a delivery is repeated.
fn key(notice: &Value, topic: &str, text: &str) -> String {
    match notice.get("id").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => id.to_owned(),
        // Not the whole body: its count of attempts and its delivery times differ from one delivery to the next.
        _ if notice.get("data").is_some_and(|data| !data.is_null()) => delivery_key(&[
            topic,
            &value_text(&notice["app_id"]),
            &value_text(&notice["created_at"]),
            &value_text(&notice["first_sent_at"]),
            &notice["data"].to_string(),
        ]),
        _ => delivery_key(&[text]),
    }
}

fn record(connection: &Connection, topic: &str, item: &Value) -> Option<RecordRef> {
    let of = |object, id| RecordRef { connection: connection.clone(), object, id };
    // A contact inside the item is who a relation or a tag is about.
    if let Some(contact) = item.get("contact").and_then(wire::id) {
        let own = item.get("type").and_then(Value::as_str);
        if matches!(own, None | Some("contact_tag")) {
            return Some(of(ObjectKind::Contact, contact));
        }
    }
    let id = wire::id(item)?;
    let object = match item.get("type").and_then(Value::as_str)? {
        "contact" | "user" | "lead" | "visitor" => ObjectKind::Contact,
        "company" => ObjectKind::Company,
        "conversation" => ObjectKind::Conversation,
        "ticket" => ObjectKind::Ticket,
        _ if topic.starts_with("conversation.") => ObjectKind::Conversation,
        _ => return None,
    };
    Some(of(object, id))
}

/// The people a stored body speaks of: the item itself, the contact in it, or those taking part in a conversation.
pub fn contact_ids(body: &str) -> Vec<String> {
    let Ok(notice) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let Some(item) = notice.pointer("/data/item") else { return Vec::new() };
    let mut ids: Vec<String> = Vec::new();
    let mut push = |id: Option<String>| {
        if let Some(id) = id.filter(|id| !ids.contains(id)) {
            ids.push(id);
        }
    };
    if matches!(item.get("type").and_then(Value::as_str), Some("contact" | "user" | "lead" | "visitor")) {
        push(wire::id(item));
    }
    push(item.get("contact").and_then(wire::id));
    for contact in item.get("contacts").map(wire::items).unwrap_or_default() {
        push(wire::id(contact));
    }
    ids
}

/// The contact that went away in a `contact.merged` body, where Intercom names it; older ones do not.
pub fn merged_from(body: &str) -> Option<String> {
    let notice: Value = serde_json::from_str(body).ok()?;
    wire::id(notice.pointer("/data/item/merged_from")?)
}

#[cfg(test)]
mod tests;
