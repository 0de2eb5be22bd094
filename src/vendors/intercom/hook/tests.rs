//! Intercom's deliveries: the signature, every topic, bodies with holes.

use serde_json::json;

use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::record::System;

fn connection() -> Connection {
    Connection::only(System::Intercom)
}

fn contact(id: &str) -> RecordRef {
    RecordRef::new(System::Intercom, ObjectKind::Contact, id)
}

#[test]
fn the_signature_vector_fits_and_nothing_else_does() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/signatures/vectors.json"))
            .expect("json");
    let vector = &vectors["intercom"];
    let text = |name: &str| vector[name].as_str().expect("a text").to_owned();
    let (secret, body, value) = (Secret::new(&text("client_secret")), text("body"), text("value"));
    assert!(is_genuine(&secret, body.as_bytes(), Some(&value)));
    assert!(!is_genuine(&secret, format!("{body} ").as_bytes(), Some(&value)));
    assert!(!is_genuine(&Secret::new("other"), body.as_bytes(), Some(&value)));
    for wrong in ["", "sha1=", "sha1=zz", "sha1=0906", &value[5..], &value[..value.len() - 1]] {
        assert!(!is_genuine(&secret, body.as_bytes(), Some(wrong)), "{wrong}");
    }
    assert!(!is_genuine(&secret, body.as_bytes(), None));
}

#[test]
fn deliveries_become_events() {
    let jane = Some(contact("6961d162fb0ef1f1ac90ce8c"));
    let talk = Some(RecordRef::new(System::Intercom, ObjectKind::Conversation, "29325834"));
    for (body, topic, kind, record) in [
        (
            include_str!("../../../../tests/fixtures/intercom/hook_contact_user_created.json"),
            "contact.user.created",
            EventKind::ContactCreated,
            jane.clone(),
        ),
        (
            include_str!("../../../../tests/fixtures/intercom/hook_contact_deleted.json"),
            "contact.deleted",
            EventKind::ContactErased,
            Some(contact("696122fb2591e0cadd20073a")),
        ),
        (
            include_str!("../../../../tests/fixtures/intercom/hook_contact_merged.json"),
            "contact.merged",
            EventKind::ContactMerged,
            jane.clone(),
        ),
        (
            include_str!("../../../../tests/fixtures/intercom/hook_company_contact_attached.json"),
            "company.contact.attached",
            EventKind::ContactRelated,
            jane.clone(),
        ),
        (
            include_str!("../../../../tests/fixtures/intercom/hook_conversation_user_created.json"),
            "conversation.user.created",
            EventKind::ConversationCreated,
            talk.clone(),
        ),
        (
            include_str!("../../../../tests/fixtures/intercom/hook_conversation_rating_added.json"),
            "conversation.rating.added",
            EventKind::ConversationChanged,
            talk,
        ),
        (include_str!("../../../../tests/fixtures/intercom/hook_ping.json"), "ping", EventKind::Other, None),
    ] {
        let event = parse(&connection(), body.as_bytes());
        assert_eq!((event.topic.as_str(), event.kind), (topic, kind));
        assert_eq!(event.record, record, "{topic}");
        assert_eq!(event.occurred_at, Some(Timestamp(1_768_018_294_000)), "{topic}");
        assert_eq!(event.body, body);
        let key = if topic == "ping" { "sha256:" } else { "notif_3690afb3-f427-4e37-a164-b98284119e57" };
        assert!(event.delivery_key.starts_with(key), "{}", event.delivery_key);
    }
}

#[test]
fn the_oldest_payload_without_topic_and_id_is_understood() {
    let body = include_str!("../../../../tests/fixtures/intercom/hook_without_topic.json");
    let event = parse(&connection(), body.as_bytes());
    assert_eq!(
        (event.topic.as_str(), event.kind),
        ("conversation.user.created", EventKind::ConversationCreated)
    );
    assert_eq!(
        event.record.map(|record| record.to_string()).as_deref(),
        Some("intercom/conversation/29325834")
    );
    assert_eq!(event.occurred_at, Some(Timestamp(1_698_765_482_000)));
    assert_eq!(contact_ids(body), ["64e2f1a3c2b4a1001e3f0021"]);

    let again = body.replace("\"delivery_attempts\": 1", "\"delivery_attempts\": 2");
    assert_ne!(again, body);
    assert_eq!(parse(&connection(), again.as_bytes()).delivery_key, event.delivery_key);
    let other = body.replace("1698765480", "1698765481");
    assert_ne!(parse(&connection(), other.as_bytes()).delivery_key, event.delivery_key);
}

#[test]
fn who_was_merged_and_who_takes_part_can_be_asked() {
    let merged = include_str!("../../../../tests/fixtures/intercom/hook_contact_merged.json");
    assert_eq!(merged_from(merged).as_deref(), Some("6a3b2c4d5e6f7a8b9c0d1e2f"));
    assert_eq!(contact_ids(merged), ["6961d162fb0ef1f1ac90ce8c"]);
    let attached = include_str!("../../../../tests/fixtures/intercom/hook_company_contact_attached.json");
    assert_eq!(contact_ids(attached), ["6961d162fb0ef1f1ac90ce8c"]);
    assert_eq!(merged_from(attached), None);
}

#[test]
fn every_name_a_topic_ever_had_is_known() {
    use EventKind as Kind;
    for (topic, kind) in [
        // R15
        ("conversation.created", Kind::ConversationCreated),
        ("conversation.replied", Kind::ConversationReplied),
        ("user.created", Kind::ContactCreated),
        ("user.updated", Kind::ContactUpdated),
        ("conversation.closed", Kind::ConversationClosed),
        // R101, R126
        ("conversation.user.created", Kind::ConversationCreated),
        ("conversation.tag.created", Kind::ConversationChanged),
        ("contact.user.updated", Kind::ContactUpdated),
        ("conversation.user.replied", Kind::ConversationReplied),
        // R265 to R289
        ("conversation.admin.replied", Kind::ConversationReplied),
        ("conversation.admin.single.created", Kind::ConversationCreated),
        ("conversation.admin.assigned", Kind::ConversationChanged),
        ("conversation.admin.opened", Kind::ConversationChanged),
        ("conversation.admin.closed", Kind::ConversationClosed),
        ("conversation.admin.noted", Kind::ConversationChanged),
        ("conversation.admin.snoozed", Kind::ConversationChanged),
        ("conversation.admin.unsnoozed", Kind::ConversationChanged),
        ("conversation_part.tag.created", Kind::ConversationChanged),
        ("conversation_part.redacted", Kind::ConversationChanged),
        ("user.deleted", Kind::ContactDeleted),
        ("user.unsubscribed", Kind::ContactUpdated),
        ("user.tag.created", Kind::ContactUpdated),
        ("user.tag.deleted", Kind::ContactUpdated),
        ("user.email.updated", Kind::ContactUpdated),
        ("contact.created", Kind::ContactCreated),
        ("contact.added_email", Kind::ContactUpdated),
        ("contact.signed_up", Kind::ContactUpdated),
        ("contact.tag.created", Kind::ContactUpdated),
        ("contact.tag.deleted", Kind::ContactUpdated),
        ("visitor.signed_up", Kind::ContactCreated),
        ("company.created", Kind::CompanyChanged),
        ("something.new", Kind::Other),
    ] {
        assert_eq!(kind_of(topic), kind, "{topic}");
    }
}

#[test]
fn a_body_that_is_no_json_is_kept_to_the_byte() {
    let event = parse(&connection(), b"{\"type\":");
    assert_eq!((event.kind, event.body.as_str()), (EventKind::Other, "{\"type\":"));
    let event = parse(&connection(), &[0xff, 0x00, 0xfe]);
    assert_eq!(event.body, "base64:/wD+");
    let odd = json!({"topic": "contact.user.created", "id": 7, "data": {"item": [1]}}).to_string();
    assert_eq!(parse(&connection(), odd.as_bytes()).record, None);
}

proptest::proptest! {
    /// Real payloads with pieces of them put elsewhere, cut off, or made no text at all.
    #[test]
    fn no_body_can_bring_the_parser_down(cuts in proptest::collection::vec((0_usize..2_000, 0_usize..2_000), 1..4), noise: Vec<u8>) {
        let whole = include_bytes!("../../../../tests/fixtures/intercom/hook_contact_merged.json");
        let mut body = whole.to_vec();
        for (from, to) in cuts {
            let (from, to) = (from.min(body.len()), to.min(body.len()));
            let piece = body[from.min(to)..from.max(to)].to_vec();
            body.truncate(from.max(to));
            body.extend(piece);
        }
        for body in [body, noise] {
            let text = String::from_utf8_lossy(&body).into_owned();
            let _ = (contact_ids(&text), merged_from(&text), is_genuine(&Secret::new("x"), &body, Some(&text)));
            proptest::prop_assert!(!parse(&connection(), &body).delivery_key.is_empty());
        }
    }
}
