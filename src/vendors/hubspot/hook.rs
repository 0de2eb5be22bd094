//! HubSpot's webhooks: is it really HubSpot, and what does it tell us. Pure functions over the raw bytes.
//!
//! A delivery is a list of up to a hundred events; each becomes one event of ours with its own piece of the body.
//! What cannot be understood still becomes an event of kind `other`: HubSpot never sends again what was refused.

use std::time::Duration;

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent};
use crate::domain::record::{Connection, ObjectKind, RecordRef, value_text};
use crate::domain::secret::Secret;

use super::super::signature::{body_text, delivery_key, hmac_sha256, same, sha256, unbase64, unhex};

/// Carries the newest signature.
pub const SIGNATURE_V3: &str = "x-hubspot-signature-v3";
/// Carries when a v3 signature was made, in milliseconds.
pub const TIMESTAMP: &str = "x-hubspot-request-timestamp";
/// Carries a v1 or v2 signature.
pub const SIGNATURE: &str = "x-hubspot-signature";
/// Says whether [`SIGNATURE`] is `v1` or `v2`.
pub const SIGNATURE_VERSION: &str = "x-hubspot-signature-version";

/// A v3 signature older or newer than this is not taken: it may be a replay, or our clock may be wrong.
const OLDEST: Duration = Duration::from_secs(300);

/// A request as HubSpot signed it.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// What the caller may have called us, most likely first: the whole URL with its query.
    pub uris: &'a [String],
    /// The body's bytes.
    pub body: &'a [u8],
    /// See [`SIGNATURE_V3`].
    pub v3: Option<&'a str>,
    /// See [`TIMESTAMP`].
    pub timestamp: Option<&'a str>,
    /// See [`SIGNATURE`].
    pub older: Option<&'a str>,
    /// See [`SIGNATURE_VERSION`].
    pub version: Option<&'a str>,
}

/// What a look at the signature told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// HubSpot sent it.
    Genuine,
    /// It does not fit, or there is none.
    Wrong,
    /// It fits but was made more than five minutes away from our clock: a replay, or a clock that is wrong.
    Stale,
}

/// Looks at the newest signature there is.
pub fn verify(secret: &Secret, signed: &Signed<'_>, now: Timestamp) -> Verdict {
    let key = secret.reveal().as_bytes();
    if let Some(v3) = signed.v3 {
        let (Some(given), Some(timestamp)) = (unbase64(v3), signed.timestamp) else { return Verdict::Wrong };
        let fits = signed.uris.iter().any(|uri| {
            let uri = decoded(uri);
            let parts = [signed.method.as_bytes(), uri.as_bytes(), signed.body, timestamp.as_bytes()];
            same(&given, &hmac_sha256(key, &parts))
        });
        return match timestamp.trim().parse::<i64>() {
            _ if !fits => Verdict::Wrong,
            Ok(made) if u128::from(now.since(Timestamp(made)).unsigned_abs()) <= OLDEST.as_millis() => {
                Verdict::Genuine
            }
            _ => Verdict::Stale,
        };
    }
    let Some(given) = signed.older.and_then(unhex) else { return Verdict::Wrong };
    let first = || same(&given, &sha256(&[key, signed.body]));
    let second = || {
        signed
            .uris
            .iter()
            .any(|uri| same(&given, &sha256(&[key, signed.method.as_bytes(), uri.as_bytes(), signed.body])))
    };
    let fits = match signed.version.map(str::trim) {
        Some("v1") => first(),
        Some("v2") => second(),
        _ => first() || second(),
    };
    if fits { Verdict::Genuine } else { Verdict::Wrong }
}

/// HubSpot signs the URL with these escapes undone, and no others.
fn decoded(uri: &str) -> String {
    const ESCAPES: [(&str, char); 12] = [
        ("3A", ':'),
        ("2F", '/'),
        ("3F", '?'),
        ("40", '@'),
        ("21", '!'),
        ("24", '$'),
        ("27", '\''),
        ("28", '('),
        ("29", ')'),
        ("2A", '*'),
        ("2C", ','),
        ("3B", ';'),
    ];
    let mut text = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3);
        let plain = digits
            .and_then(|digits| ESCAPES.iter().find(|(escape, _)| escape.eq_ignore_ascii_case(digits)))
            .map(|(_, plain)| *plain);
        text.push(plain.unwrap_or('%'));
        rest = &rest[at + if plain.is_some() { 3 } else { 1 }..];
    }
    text.push_str(rest);
    text
}

/// Reads a delivery: one event for each element, in their order; one of kind `other` for a body that is no list.
pub fn parse(connection: &Connection, body: &[u8]) -> Vec<NewEvent> {
    let text = body_text(body);
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(elements)) => {
            let pieces = elements_of(&text);
            elements
                .iter()
                .enumerate()
                .map(|(place, element)| {
                    let piece =
                        pieces.get(place).map_or_else(|| element.to_string(), |piece| (*piece).to_owned());
                    event(connection, element, piece)
                })
                .collect()
        }
        Ok(element @ Value::Object(_)) => vec![event(connection, &element, text)],
        _ => vec![unread(connection, text)],
    }
}

fn unread(connection: &Connection, body: String) -> NewEvent {
    NewEvent {
        connection: connection.clone(),
        source: EventSource::Webhook,
        delivery_key: delivery_key(&[&body]),
        topic: String::new(),
        kind: EventKind::Other,
        record: None,
        occurred_at: None,
        body,
    }
}

fn event(connection: &Connection, element: &Value, body: String) -> NewEvent {
    let text = |name: &str| element.get(name).map(value_text).unwrap_or_default();
    let topic = [text("subscriptionType"), text("eventType")].into_iter().find(|topic| !topic.is_empty());
    let Some(topic) = topic else { return unread(connection, body) };
    let (object, what) = topic.split_once('.').unwrap_or((topic.as_str(), ""));
    let object = if object == "object" { named(&text("objectTypeId")) } else { named(object) };
    let related = what == "associationChange";
    let record = if related { related_contact(element) } else { None }.or_else(|| {
        let names: &[&str] = match what {
            // After a merge the two old ids lead to the new one.
            "merge" => &["newObjectId", "primaryObjectId", "objectId"],
            _ => &["objectId", "fromObjectId"],
        };
        let id = names.iter().map(|name| text(name)).find(|id| !id.is_empty())?;
        Some((object?, id))
    });
    let kind = match (record.as_ref().map(|(object, _)| *object), what) {
        (Some(ObjectKind::Contact), "creation") => EventKind::ContactCreated,
        (Some(ObjectKind::Contact), "propertyChange" | "restore") => EventKind::ContactUpdated,
        (Some(ObjectKind::Contact), "deletion") => EventKind::ContactDeleted,
        (Some(ObjectKind::Contact), "privacyDeletion") => EventKind::ContactErased,
        (Some(ObjectKind::Contact), "merge") => EventKind::ContactMerged,
        (Some(ObjectKind::Contact), "associationChange") => EventKind::ContactRelated,
        (Some(ObjectKind::Company), "creation" | "propertyChange" | "deletion" | "merge" | "restore") => {
            EventKind::CompanyChanged
        }
        _ => EventKind::Other,
    };
    // The event id "is not guaranteed to be unique", and the count of attempts differs between deliveries.
    let parts = [
        "subscriptionId",
        "objectId",
        "propertyName",
        "occurredAt",
        "propertyValue",
        "associationType",
        "fromObjectId",
        "toObjectId",
        "associationRemoved",
    ]
    .map(text);
    let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    parts.push(&topic);
    NewEvent {
        connection: connection.clone(),
        source: EventSource::Webhook,
        delivery_key: delivery_key(&parts),
        kind,
        record: record.map(|(object, id)| RecordRef { connection: connection.clone(), object, id }),
        occurred_at: element.get("occurredAt").and_then(Value::as_i64).map(Timestamp),
        topic,
        body,
    }
}

fn named(object: &str) -> Option<ObjectKind> {
    match object {
        "contact" | "0-1" => Some(ObjectKind::Contact),
        "company" | "0-2" => Some(ObjectKind::Company),
        "deal" | "0-3" => Some(ObjectKind::Deal),
        "ticket" | "0-5" => Some(ObjectKind::Ticket),
        "task" | "0-27" => Some(ObjectKind::Task),
        "note" | "0-46" => Some(ObjectKind::Note),
        "conversation" => Some(ObjectKind::Conversation),
        _ => None,
    }
}

/// The person of a changed relation between a person and a company, from whichever end HubSpot tells it.
fn related_contact(element: &Value) -> Option<(ObjectKind, String)> {
    let end = match element.get("associationType")?.as_str()? {
        "CONTACT_TO_COMPANY" => "fromObjectId",
        "COMPANY_TO_CONTACT" => "toObjectId",
        _ => return None,
    };
    Some((ObjectKind::Contact, value_text(element.get(end)?)))
}

/// The text of each element of a JSON list, as it stands there. The text must be a valid list.
fn elements_of(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    pieces.push(text[start..at].trim());
                }
            }
            b',' if depth == 1 => {
                pieces.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// What a `*.merge` body says about ids: those that were merged, and the one that all of them lead to now.
pub fn merged_ids(body: &str) -> Option<(Vec<String>, String)> {
    let element: Value = serde_json::from_str(body).ok()?;
    let into =
        ["newObjectId", "primaryObjectId"].iter().find_map(|name| element.get(*name)).map(value_text)?;
    let mut merged: Vec<String> =
        element.get("mergedObjectIds").map(super::errors::texts).unwrap_or_default();
    merged.extend(element.get("primaryObjectId").map(value_text));
    merged.retain(|id| *id != into);
    Some((merged, into))
}

#[cfg(test)]
mod tests;
