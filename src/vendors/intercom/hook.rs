//! Intercom's webhooks: is it really Intercom, and what does it tell us. Pure functions over the raw bytes.
//!
//! Topics have had several names over the years; [`topics`] maps all of them to our kinds. What cannot be understood
//! still becomes an event of kind `other`, so that it is stored and can be looked at: nothing is thrown away here.

use serde_json::Value;

use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::record::{Connection, ObjectKind, RecordRef, System, value_text};
use crate::domain::secret::Secret;

use super::super::signature::{body_text, delivery_key, hmac_sha1, same, unhex};
use super::super::topics;
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

/// Our name for a topic; unknown ones are [`EventKind::Other`].
pub fn kind_of(topic: &str) -> EventKind {
    topics::known(System::Intercom, topic).map_or(EventKind::Other, |row| row.kind)
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
            sent: Sent::default(),
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
        sent: sent(&notice),
        body: text,
    }
}

/// What Intercom says of its own attempts. It has sent a delivery of which it counts none as often as the others.
fn sent(notice: &Value) -> Sent {
    let attempt = notice.get("delivery_attempts").and_then(Value::as_u64);
    Sent {
        first_at: notice.get("first_sent_at").and_then(wire::time),
        attempt: attempt.and_then(|attempt| u32::try_from(attempt.max(1)).ok()),
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
    // What somebody did in the product is about them; an event's own id means nothing to any call.
    if topic.starts_with("event.") || item.get("type").and_then(Value::as_str) == Some("event") {
        return actor(item).map(|id| of(ObjectKind::Contact, id));
    }
    // A part alone names the conversation it stands in.
    if item.get("type").and_then(Value::as_str) == Some("conversation_part") {
        let of_talk = item.get("conversation").and_then(wire::id);
        let named = item.get("conversation_id").map(value_text).filter(|id| !id.is_empty());
        return of_talk.or(named).map(|id| of(ObjectKind::Conversation, id));
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

/// Intercom's id of whoever an event is about; the id given to them by the customer leads to no record.
fn actor(item: &Value) -> Option<String> {
    let id = ["intercom_user_id", "contact_id"].iter().find_map(|name| item.get(*name)).map(value_text);
    id.filter(|id| !id.is_empty()).or_else(|| item.get("contact").and_then(wire::id))
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
    push(actor(item));
    for contact in item.get("contacts").map(wire::items).unwrap_or_default() {
        push(wire::id(contact));
    }
    ids
}

/// The parts of a conversation whose texts were taken back, by their ids, in a `conversation_part.redacted` body.
pub fn redacted_parts(body: &str) -> Vec<String> {
    let Ok(notice) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let Some(item) = notice.pointer("/data/item") else { return Vec::new() };
    if item.get("type").and_then(Value::as_str) == Some("conversation_part") {
        return wire::id(item).into_iter().collect();
    }
    let parts = match item.get("conversation_parts") {
        Some(Value::Array(parts)) => parts.as_slice(),
        Some(list) => list.get("conversation_parts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice),
        None => &[],
    };
    let is_redacted = |part: &&Value| part.get("redacted").and_then(Value::as_bool).unwrap_or(false);
    parts.iter().chain(item.get("source")).filter(is_redacted).filter_map(wire::id).collect()
}

/// The name of the tag that was put on a contact or a conversation, or taken off.
///
/// A contact's body names it. A conversation's says which tags were added, or has them on the part that was tagged; else
/// it is the newest of all its tags.
pub fn tag_name(body: &str) -> Option<String> {
    let notice: Value = serde_json::from_str(body).ok()?;
    let item = notice.pointer("/data/item")?;
    let name = |tag: &Value| tag.get("name").and_then(Value::as_str).map(str::to_owned);
    if let Some(tag) = item.get("tag") {
        return name(tag);
    }
    let list = |holder: &Value, path: &str| holder.pointer(path).and_then(Value::as_array).cloned();
    if let Some(added) = list(item, "/tags_added/tags").or_else(|| list(item, "/tags_added"))
        && let Some(tag) = added.last()
    {
        return name(tag);
    }
    let parts = list(item, "/conversation_parts/conversation_parts")
        .or_else(|| list(item, "/conversation_parts"))
        .unwrap_or_default();
    let own = list(item, "/tags/tags").or_else(|| list(item, "/tags")).unwrap_or_default();
    let tagged = parts.iter().rev().find_map(|part| {
        let tags = list(part, "/tags/tags").or_else(|| list(part, "/tags"))?;
        tags.last().cloned()
    });
    if let Some(tag) = tagged {
        return name(&tag);
    }
    let applied = |tag: &&Value| tag.get("applied_at").and_then(wire::time);
    own.iter().max_by_key(applied).and_then(name)
}

/// The contact that went away in a `contact.merged` body, where Intercom names it; older ones do not.
pub fn merged_from(body: &str) -> Option<String> {
    let notice: Value = serde_json::from_str(body).ok()?;
    wire::id(notice.pointer("/data/item/merged_from")?)
}

#[cfg(test)]
mod tests;
