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
fn r173_the_tag_of_a_conversation_is_read_wherever_intercom_writes_it() {
    let body =
        |item: &str| format!(r#"{{"topic": "conversation_part.tag.created", "data": {{"item": {item}}}}}"#);
    for item in [
        r#"{"type": "conversation", "id": "1", "tags_added": {"type": "tag.list", "tags": [{"id": "9", "name": "billing"}]}}"#,
        r#"{"type": "conversation", "id": "1", "tags": {"tags": [{"name": "old", "applied_at": 5}]},
            "conversation_parts": {"conversation_parts": [{"id": "3", "tags": [{"id": "9", "name": "billing"}]}]}}"#,
        r#"{"type": "conversation", "id": "1", "conversation_parts": {"conversation_parts": [{"id": "3", "tags": []}]},
            "tags": {"tags": [{"name": "old", "applied_at": 5}, {"name": "billing", "applied_at": 9}, {"name": "x"}]}}"#,
        r#"{"type": "conversation_part", "tag": {"name": "billing"}}"#,
    ] {
        assert_eq!(tag_name(&body(item)).as_deref(), Some("billing"), "{item}");
    }
    assert_eq!(tag_name(&body(r#"{"type": "conversation", "tags": {"tags": []}}"#)), None);
}

#[test]
fn what_a_person_did_is_about_that_person() {
    let body = r#"{"topic": "event.created", "id": "notif_1", "data": {"item": {"type": "event", "id": "e1",
        "event_name": "placed-order", "intercom_user_id": "64e2f1a3c2b4a1001e3f0021", "user_id": "314159"}}}"#;
    let event = parse(&Connection::only(System::Intercom), body.as_bytes());
    assert_eq!(event.kind, EventKind::PersonActed);
    assert_eq!(
        event.record.map(|record| record.to_string()).as_deref(),
        Some("intercom/contact/64e2f1a3c2b4a1001e3f0021")
    );
    assert_eq!(contact_ids(body), ["64e2f1a3c2b4a1001e3f0021"]);
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
            EventKind::ConversationRated,
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

/// A row of the sources: its requirement, the topic, today's name for it, our kind, the title people read.
type Row = (&'static str, &'static str, &'static str, EventKind, &'static str);

/// R15, R101, R126, R265 to R289, topic by topic.
fn rows() -> Vec<Row> {
    use EventKind as Kind;
    vec![
        (
            "R15",
            "conversation.created",
            "conversation.user.created",
            Kind::ConversationCreated,
            "User started conversation",
        ),
        (
            "R15",
            "conversation.replied",
            "conversation.user.replied",
            Kind::ConversationReplied,
            "User replied to conversation",
        ),
        ("R15", "user.created", "contact.user.created", Kind::ContactCreated, "User created"),
        ("R15", "user.updated", "contact.user.updated", Kind::ContactUpdated, "User updated"),
        (
            "R15",
            "conversation.closed",
            "conversation.admin.closed",
            Kind::ConversationClosed,
            "Admin closed conversation",
        ),
        (
            "R101",
            "conversation.user.created",
            "conversation.user.created",
            Kind::ConversationCreated,
            "User started conversation",
        ),
        (
            "R101",
            "conversation.tag.created",
            "conversation_part.tag.created",
            Kind::ConversationTagged,
            "Conversation Part Tag Added",
        ),
        ("R101", "contact.user.updated", "contact.user.updated", Kind::ContactUpdated, "User updated"),
        (
            "R126",
            "conversation.user.replied",
            "conversation.user.replied",
            Kind::ConversationReplied,
            "User replied to conversation",
        ),
        (
            "R265",
            "conversation.user.created",
            "conversation.user.created",
            Kind::ConversationCreated,
            "User started conversation",
        ),
        (
            "R266",
            "conversation.user.replied",
            "conversation.user.replied",
            Kind::ConversationReplied,
            "User replied to conversation",
        ),
        (
            "R267",
            "conversation.admin.replied",
            "conversation.admin.replied",
            Kind::ConversationReplied,
            "Admin replied to conversation",
        ),
        (
            "R268",
            "conversation.admin.single.created",
            "conversation.admin.single.created",
            Kind::ConversationCreated,
            "Admin started conversation",
        ),
        (
            "R269",
            "conversation.admin.assigned",
            "conversation.admin.assigned",
            Kind::ConversationAssigned,
            "Admin assigned conversation",
        ),
        (
            "R270",
            "conversation.admin.opened",
            "conversation.admin.opened",
            Kind::ConversationOpened,
            "Admin opened conversation",
        ),
        (
            "R271",
            "conversation.admin.closed",
            "conversation.admin.closed",
            Kind::ConversationClosed,
            "Admin closed conversation",
        ),
        (
            "R272",
            "conversation.admin.noted",
            "conversation.admin.noted",
            Kind::ConversationNoted,
            "Admin added note to conversation",
        ),
        (
            "R273",
            "conversation.admin.snoozed",
            "conversation.admin.snoozed",
            Kind::ConversationSnoozed,
            "Admin snoozed a conversation",
        ),
        (
            "R274",
            "conversation.admin.unsnoozed",
            "conversation.admin.unsnoozed",
            Kind::ConversationOpened,
            "Admin unsnoozed a conversation",
        ),
        (
            "R275",
            "conversation_part.tag.created",
            "conversation_part.tag.created",
            Kind::ConversationTagged,
            "Conversation Part Tag Added",
        ),
        (
            "R276",
            "conversation_part.redacted",
            "conversation_part.redacted",
            Kind::ConversationRedacted,
            "Conversation Part Redacted",
        ),
        ("R277", "user.created", "contact.user.created", Kind::ContactCreated, "User created"),
        ("R278", "user.deleted", "contact.archived", Kind::ContactDeleted, "Contact archived"),
        (
            "R279",
            "user.unsubscribed",
            "contact.unsubscribed",
            Kind::ContactUnsubscribed,
            "Unsubscribed from emails",
        ),
        ("R280", "user.tag.created", "contact.user.tag.created", Kind::ContactTagged, "User tag added"),
        ("R281", "user.tag.deleted", "contact.user.tag.deleted", Kind::ContactUntagged, "User tag removed"),
        (
            "R282",
            "user.email.updated",
            "contact.email.updated",
            Kind::ContactEmailChanged,
            "Email address changed",
        ),
        ("R283", "contact.created", "contact.lead.created", Kind::ContactCreated, "Lead created"),
        (
            "R284",
            "contact.added_email",
            "contact.lead.added_email",
            Kind::ContactEmailChanged,
            "Updated email address",
        ),
        ("R285", "contact.signed_up", "contact.lead.signed_up", Kind::ContactSignedUp, "Lead signed up"),
        ("R286", "contact.tag.created", "contact.lead.tag.created", Kind::ContactTagged, "Lead tag added"),
        (
            "R287",
            "contact.tag.deleted",
            "contact.lead.tag.deleted",
            Kind::ContactUntagged,
            "Lead tag removed",
        ),
        ("R288", "visitor.signed_up", "visitor.signed_up", Kind::ContactSignedUp, "Visitor signed up"),
        ("R289", "company.created", "company.created", Kind::CompanyCreated, "Company created"),
    ]
}

/// What Intercom sends for a topic: the item by its shape, from captured deliveries.
fn delivery(topic: &str, now: &str) -> (String, &'static str) {
    let whole = |body: &str| -> Value { serde_json::from_str(body).expect("a fixture") };
    let person = || {
        whole(include_str!("../../../../tests/fixtures/intercom/hook_contact_user_created.json"))["data"]["item"].clone()
    };
    let mut notice =
        whole(include_str!("../../../../tests/fixtures/intercom/hook_conversation_user_created.json"));
    let (item, about) = if now.contains(".tag.") && now.starts_with("contact.") {
        let tag = json!({"type": "tag", "id": "17", "name": "VIP"});
        let item =
            json!({"type": "contact_tag", "created_at": 1_768_018_294, "tag": tag, "contact": person()});
        (item, "intercom/contact/6961d162fb0ef1f1ac90ce8c")
    } else if topic == "user.deleted" {
        (
            json!({"id": "6961d162fb0ef1f1ac90ce8c", "external_id": null, "type": "contact", "deleted": true}),
            "intercom/contact/6961d162fb0ef1f1ac90ce8c",
        )
    } else if now.starts_with("contact.") || now.starts_with("visitor.") {
        let mut item = person();
        if now.contains(".lead.") || topic.starts_with("contact.") {
            item["role"] = "lead".into();
        }
        (item, "intercom/contact/6961d162fb0ef1f1ac90ce8c")
    } else if now.starts_with("company.") {
        let attached =
            whole(include_str!("../../../../tests/fixtures/intercom/hook_company_contact_attached.json"));
        (attached["data"]["item"]["company"].clone(), "intercom/company/6961d175205cf6a4438f0c21")
    } else {
        (notice["data"]["item"].clone(), "intercom/conversation/29325834")
    };
    notice["data"]["item"] = item;
    notice["topic"] = topic.into();
    (notice.to_string(), about)
}

#[test]
fn r15_r101_r126_r265_to_r289_every_topic_of_the_sources_under_its_old_and_its_new_name() {
    for (row, source, now, kind, title) in rows() {
        for topic in [source, now] {
            let (body, about) = delivery(topic, now);
            let event = parse(&connection(), body.as_bytes());
            assert_eq!((event.topic.as_str(), event.kind), (topic, kind), "{row}");
            assert_eq!(topics::title(System::Intercom, topic), Some(title), "{row}");
            assert_eq!(
                event.record.map(|record| record.to_string()).as_deref(),
                Some(about),
                "{row} {topic}"
            );
            assert_eq!(event.sent.attempt, Some(1), "{row}");
        }
    }
}

#[test]
fn r288_r289_the_copy_errors_of_the_source_are_not_ours() {
    let closing: Vec<_> = super::super::topics::TOPICS
        .iter()
        .filter(|row| row.title == "Admin closed conversation")
        .flat_map(|row| row.names)
        .collect();
    assert_eq!(closing, [&"conversation.admin.closed", &"conversation.closed"]);
}

#[test]
fn a_topic_nobody_told_us_of_is_kept_as_it_is() {
    assert_eq!(kind_of("something.new"), EventKind::Other);
    assert_eq!(topics::title(System::Intercom, "something.new"), None);
}

#[test]
fn r104_intercoms_count_of_its_attempts_is_read() {
    let body = include_str!("../../../../tests/fixtures/intercom/hook_contact_user_created.json");
    let again = body.replace("\"delivery_attempts\": 1", "\"delivery_attempts\": 2");
    let event = parse(&connection(), again.as_bytes());
    assert_eq!(event.sent, Sent { first_at: Some(Timestamp(1_768_018_294_000)), attempt: Some(2) });
    assert_eq!(event.delivery_key, parse(&connection(), body.as_bytes()).delivery_key);
}

#[test]
fn r276_the_redacted_parts_are_named_whatever_the_shape() {
    let (body, _) = delivery("conversation_part.redacted", "conversation_part.redacted");
    let mut notice: Value = serde_json::from_str(&body).expect("json");
    assert!(redacted_parts(&body).is_empty(), "none of them is redacted");
    notice["data"]["item"]["source"]["redacted"] = true.into();
    notice["data"]["item"]["conversation_parts"]["conversation_parts"] =
        json!([{"type": "conversation_part", "id": "7", "redacted": true}, {"id": "8", "redacted": false}]);
    assert_eq!(redacted_parts(&notice.to_string()), ["7", "331499307"]);
    let part = json!({"type": "conversation_part", "id": 7, "conversation_id": 29_325_834});
    notice["data"]["item"] = part;
    assert_eq!(redacted_parts(&notice.to_string()), ["7"]);
    let record = parse(&connection(), notice.to_string().as_bytes()).record.expect("the conversation");
    assert_eq!(record.to_string(), "intercom/conversation/29325834");
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
