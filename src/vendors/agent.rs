//! What a support agent of the customer's own tells us: it answered, how sure it was, or that a human is asked for.
//!
//! The body is JSON, signed like Intercom's: `X-Reknit-Signature: sha256=` and the HMAC-SHA256 of the raw body in hex, with
//! `REKNIT_AGENT_SECRET`. Nothing here decides whether a human is needed; that is the recipe's.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::record::{Connection, ObjectKind, RecordRef, value_text};
use crate::domain::secret::Secret;

use super::signature::{body_text, delivery_key, hmac_sha256, same, unhex};

/// The header with the signature.
pub const SIGNATURE: &str = "x-reknit-signature";
/// The name of the secret that signs.
pub const SECRET: &str = "REKNIT_AGENT_SECRET";
/// What such an event is called.
pub const TOPIC: &str = "agent.answered";

/// Whether the signature is of this body; compared in constant time.
pub fn is_genuine(secret: &Secret, body: &[u8], signature: Option<&str>) -> bool {
    let Some(given) = signature.and_then(|text| text.trim().strip_prefix("sha256=")).and_then(unhex) else {
        return false;
    };
    !secret.reveal().is_empty() && same(&hmac_sha256(secret.reveal().as_bytes(), &[body]), &given)
}

/// The event of a body. Whom it is about: `conversation_id`, else `userId`, else `userEmail`, which stands in for an id
/// until somebody looks the person up. `event_id` makes a repeat the same event; without one, the body does.
pub fn parse(connection: &Connection, body: &[u8]) -> NewEvent {
    let text = body_text(body);
    let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let said = |names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(*name)).map(value_text);
        found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let record = |object, id| RecordRef { connection: connection.clone(), object, id };
    let about = said(&["conversation_id", "conversationId"])
        .map(|id| record(ObjectKind::Conversation, id))
        .or_else(|| said(&["userId", "user_id", "contact_id"]).map(|id| record(ObjectKind::Contact, id)))
        .or_else(|| {
            let address = said(&["userEmail", "user_email", "email"]).filter(|it| it.contains('@'))?;
            Some(record(ObjectKind::Contact, address.to_lowercase()))
        });
    let key = match said(&["event_id", "eventId", "id"]) {
        Some(id) => delivery_key(&["agent", &id]),
        None => delivery_key(&["agent", "body", &text]),
    };
    let at = value.get("at").or_else(|| value.get("created_at"));
    let occurred_at = at.and_then(|at| match at {
        Value::Number(seconds) => seconds.as_i64().map(Timestamp::from_seconds),
        other => Timestamp::parse_rfc3339(&value_text(other)),
    });
    NewEvent {
        connection: connection.clone(),
        source: EventSource::Webhook,
        delivery_key: key,
        topic: TOPIC.to_owned(),
        kind: if value.is_object() { EventKind::AgentAnswered } else { EventKind::Other },
        record: about,
        occurred_at,
        sent: Sent::default(),
        body: text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::signature::hex;
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn only_the_signature_of_this_very_body_is_genuine() {
        let secret = Secret::new("agent-secret-0123456789");
        let body = br#"{"confidence": 0.39}"#;
        let sign = |key: &str, body: &[u8]| format!("sha256={}", hex(&hmac_sha256(key.as_bytes(), &[body])));
        assert!(is_genuine(&secret, body, Some(&sign("agent-secret-0123456789", body))));
        let others = [
            sign("another", body),
            sign("agent-secret-0123456789", br#"{"confidence": 0.40}"#),
            sign("agent-secret-0123456789", body).replace("sha256=", "sha1="),
            "sha256=".to_owned(),
            "sha256=zz".to_owned(),
            String::new(),
        ];
        for other in &others {
            assert!(!is_genuine(&secret, body, Some(other)), "{other}");
        }
        assert!(!is_genuine(&secret, body, None));
        assert!(!is_genuine(&Secret::new(""), body, Some(&sign("", body))));
    }

    #[test]
    fn who_is_meant_is_read_from_whichever_name_is_there() {
        let only = Connection::only(System::Intercom);
        for (body, record) in [
            (r#"{"conversation_id": "29", "userId": "64e2"}"#, Some("intercom/conversation/29")),
            (r#"{"userId": "64e2", "userEmail": "A@b.example"}"#, Some("intercom/contact/64e2")),
            (r#"{"userEmail": " A@b.example"}"#, Some("intercom/contact/a@b.example")),
            (r#"{"userEmail": "nobody"}"#, None),
            ("[]", None),
        ] {
            let event = parse(&only, body.as_bytes());
            assert_eq!(event.record.map(|record| record.to_string()).as_deref(), record, "{body}");
        }
        let keyed = |body: &str| parse(&only, body.as_bytes()).delivery_key;
        assert_eq!(keyed(r#"{"event_id": "e1", "a": 1}"#), keyed(r#"{"event_id": "e1"}"#));
        assert_ne!(keyed(r#"{"a": 1}"#), keyed(r#"{"a": 2}"#));
        assert_eq!(parse(&only, b"no json").kind, EventKind::Other);
    }
}
