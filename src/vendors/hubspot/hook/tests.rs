//! HubSpot's deliveries: signatures by its own vectors, events of every shape.

use super::*;
use crate::domain::record::System;

fn connection() -> Connection {
    Connection::only(System::Hubspot)
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/signatures/vectors.json")).expect("json")
}

fn text(vector: &Value, name: &str) -> String {
    vector[name].as_str().expect("a text").to_owned()
}

#[test]
fn the_v3_vector_fits_within_five_minutes_either_way() {
    let all = vectors();
    let vector = &all["hubspot_v3"];
    let (body, value, timestamp) = (text(vector, "body"), text(vector, "value"), text(vector, "timestamp"));
    let secret = Secret::new(&text(vector, "secret"));
    let uris = [text(vector, "uri")];
    let signed = Signed {
        method: "POST",
        uris: &uris,
        body: body.as_bytes(),
        v3: Some(&value),
        timestamp: Some(&timestamp),
        older: None,
        version: None,
    };
    let made = Timestamp(1_732_147_200_000);
    let at = |offset: i64| verify(&secret, &signed, Timestamp(made.0 + offset));
    assert_eq!(at(0), Verdict::Genuine);
    assert_eq!(at(300_000), Verdict::Genuine);
    assert_eq!(at(-300_000), Verdict::Genuine);
    assert_eq!(at(300_001), Verdict::Stale);
    assert_eq!(at(-300_001), Verdict::Stale);
    assert_eq!(verify(&Secret::new("other"), &signed, made), Verdict::Wrong);
    assert_eq!(verify(&secret, &Signed { method: "PUT", ..signed }, made), Verdict::Wrong);
    assert_eq!(verify(&secret, &Signed { timestamp: Some("1732147200001"), ..signed }, made), Verdict::Wrong);
    assert_eq!(verify(&secret, &Signed { timestamp: None, ..signed }, made), Verdict::Wrong);
    assert_eq!(verify(&secret, &Signed { uris: &[], ..signed }, made), Verdict::Wrong);
    assert_eq!(verify(&secret, &Signed { body: b"[]", ..signed }, made), Verdict::Wrong);
}

#[test]
fn the_older_vectors_of_the_vendor_fit() {
    let all = vectors();
    for (name, version) in [("hubspot_v1", "v1"), ("hubspot_v2", "v2")] {
        let vector = &all[name];
        let (body, value) = (text(vector, "body"), text(vector, "value"));
        let uris = [vector["uri"].as_str().unwrap_or("https://nowhere.example/").to_owned()];
        let signed = Signed {
            method: vector["method"].as_str().unwrap_or("POST"),
            uris: &uris,
            body: body.as_bytes(),
            v3: None,
            timestamp: None,
            older: Some(&value),
            version: Some(version),
        };
        let secret = Secret::new(&text(vector, "secret"));
        assert_eq!(verify(&secret, &signed, Timestamp(0)), Verdict::Genuine, "{name}");
        assert_eq!(
            verify(&secret, &Signed { version: None, ..signed }, Timestamp(0)),
            Verdict::Genuine,
            "{name}"
        );
        assert_eq!(verify(&secret, &Signed { body: b"x", ..signed }, Timestamp(0)), Verdict::Wrong, "{name}");
        assert_eq!(verify(&Secret::new("no"), &signed, Timestamp(0)), Verdict::Wrong, "{name}");
        assert_eq!(
            verify(&secret, &Signed { older: None, ..signed }, Timestamp(0)),
            Verdict::Wrong,
            "{name}"
        );
    }
}

#[test]
fn only_the_listed_escapes_of_the_url_are_undone() {
    assert_eq!(decoded("https://h.example/a%2fb?x=%3A%3a%20%26"), "https://h.example/a/b?x=::%20%26");
    assert_eq!(decoded("100%"), "100%");
    assert_eq!(decoded("%é%4"), "%é%4");
    assert_eq!(decoded("%253A"), "%253A");
}

#[test]
fn a_batch_becomes_one_event_for_each_element() {
    let body = include_str!("../../../../tests/fixtures/hubspot/hook_batch.json");
    let events = parse(&connection(), body.as_bytes());
    let seen: Vec<(EventKind, String)> = events
        .iter()
        .map(|event| (event.kind, event.record.as_ref().expect("a record").to_string()))
        .collect();
    assert_eq!(
        seen,
        [
            (EventKind::ContactCreated, "hubspot/contact/123".to_owned()),
            (EventKind::ContactUpdated, "hubspot/contact/123".to_owned()),
            (EventKind::ContactMerged, "hubspot/contact/125".to_owned()),
            (EventKind::ContactRelated, "hubspot/contact/123".to_owned()),
            (EventKind::ContactErased, "hubspot/contact/126".to_owned()),
        ]
    );
    let keys: std::collections::HashSet<_> = events.iter().map(|event| &event.delivery_key).collect();
    assert_eq!(keys.len(), 5);
    for event in &events {
        assert!(body.contains(&event.body), "{}", event.body);
        assert_eq!(event.occurred_at, Some(Timestamp(1_767_945_600_123)));
    }
    assert_eq!(
        merged_ids(&events[2].body),
        Some((vec!["124".to_owned(), "123".to_owned()], "125".to_owned()))
    );
}

#[test]
fn a_repeated_delivery_has_the_same_keys() {
    let body = include_str!("../../../../tests/fixtures/hubspot/hook_batch.json");
    let again = body.replace("\"attemptNumber\": 0", "\"attemptNumber\": 3").replace("38162793", "99162793");
    assert_ne!(again, body);
    let keys = |body: &str| -> Vec<String> {
        parse(&connection(), body.as_bytes()).into_iter().map(|event| event.delivery_key).collect()
    };
    assert_eq!(keys(body), keys(&again));
    assert_ne!(keys(body), keys(&body.replace("salesqualifiedlead", "customer")));
}

#[test]
fn relations_are_told_from_both_ends_and_other_objects_are_kept() {
    let one = |body: &str| {
        let event = parse(&connection(), body.as_bytes()).pop().expect("one event");
        (event.kind, event.record.map(|record| record.to_string()))
    };
    assert_eq!(
        one(
            r#"[{"subscriptionType":"company.associationChange","associationType":"COMPANY_TO_CONTACT","fromObjectId":9,"toObjectId":7}]"#
        ),
        (EventKind::ContactRelated, Some("hubspot/contact/7".to_owned()))
    );
    assert_eq!(
        one(r#"[{"eventType":"object.propertyChange","objectTypeId":"0-2","objectId":"9"}]"#),
        (EventKind::CompanyChanged, Some("hubspot/company/9".to_owned()))
    );
    assert_eq!(
        one(r#"[{"subscriptionType":"deal.creation","objectId":4}]"#),
        (EventKind::DealChanged, Some("hubspot/deal/4".to_owned()))
    );
    assert_eq!(one("[17]"), (EventKind::Other, None));
    assert_eq!(one("not json"), (EventKind::Other, None));
    assert!(parse(&connection(), b"[]").is_empty());
}

#[test]
fn the_pieces_of_a_list_are_cut_where_they_end() {
    assert_eq!(
        elements_of(r#" [ {"a":"],[\"{"} , [1,2] ,"x,y", 3 ] "#),
        [r#"{"a":"],[\"{"}"#, "[1,2]", "\"x,y\"", "3"]
    );
    assert!(elements_of("[ ]").is_empty());
}

proptest::proptest! {
    /// Real payloads with pieces of them put elsewhere, cut off, or made no text at all.
    #[test]
    fn no_body_can_bring_the_parser_down(cuts in proptest::collection::vec((0_usize..2_000, 0_usize..2_000), 1..4), noise: Vec<u8>) {
        let whole = include_bytes!("../../../../tests/fixtures/hubspot/hook_batch.json");
        let mut body = whole.to_vec();
        for (from, to) in cuts {
            let (from, to) = (from.min(body.len()), to.min(body.len()));
            let piece = body[from.min(to)..from.max(to)].to_vec();
            body.truncate(from.max(to));
            body.extend(piece);
        }
        for body in [body, noise] {
            let text = String::from_utf8_lossy(&body).into_owned();
            let _ = (elements_of(&text), decoded(&text), merged_ids(&text));
            for event in parse(&connection(), &body) {
                proptest::prop_assert!(!event.delivery_key.is_empty());
            }
        }
    }
}

#[test]
fn every_subscription_type_has_its_kind_its_title_and_its_record() {
    use crate::vendors::topics;
    for row in super::super::topics::TOPICS {
        for topic in row.names {
            let body = serde_json::json!([{
                "eventId": 1, "subscriptionId": 25, "portalId": 62_515, "appId": 1_160_452,
                "occurredAt": 1_767_945_600_123_i64, "attemptNumber": 2, "subscriptionType": topic,
                "objectId": 123, "propertyName": "phone", "propertyValue": "1", "changeSource": "CRM_UI",
            }]);
            let event = parse(&connection(), body.to_string().as_bytes()).pop().expect("one event");
            // A relation without its two ends names nobody.
            let related = topic.ends_with("associationChange");
            let kind =
                if related && topic.starts_with("contact.") { EventKind::ContactRelated } else { row.kind };
            assert_eq!(event.kind, kind, "{topic}");
            assert_eq!(topics::title(System::Hubspot, topic), Some(row.title));
            assert_eq!(event.sent.attempt, Some(3), "HubSpot counts from 0");
        }
    }
    assert_eq!(topics::title(System::Hubspot, "contact.propertychange"), Some("Contact property changed"));
    assert_eq!(topics::title(System::Hubspot, "contact.danced"), None);
}

#[test]
fn the_generic_types_are_read_as_the_named_ones() {
    for (number, what, kind) in [
        ("0-1", "creation", EventKind::ContactCreated),
        ("0-1", "merge", EventKind::ContactMerged),
        ("0-2", "deletion", EventKind::CompanyDeleted),
        ("0-3", "propertyChange", EventKind::DealChanged),
        ("0-5", "creation", EventKind::TicketChanged),
        ("0-3", "deletion", EventKind::Other),
    ] {
        let body =
            format!(r#"[{{"subscriptionType":"object.{what}","objectTypeId":"{number}","objectId":9}}]"#);
        assert_eq!(parse(&connection(), body.as_bytes())[0].kind, kind, "{number} {what}");
    }
}

#[test]
fn g2_the_same_event_twice_in_a_batch_is_one_and_a_shared_event_id_is_not() {
    let one = r#"{"eventId":7,"subscriptionId":25,"occurredAt":1,"subscriptionType":"contact.propertyChange","objectId":9,"propertyName":"phone","propertyValue":"1"}"#;
    let other = one.replace("\"objectId\":9", "\"objectId\":10");
    let events = parse(&connection(), format!("[{one},{one},{other}]").as_bytes());
    assert_eq!(events[0].delivery_key, events[1].delivery_key);
    assert_ne!(events[0].delivery_key, events[2].delivery_key, "HubSpot's event ids are not unique");
    let merge = |merged: u32| {
        let body = format!(
            r#"[{{"eventId":7,"subscriptionId":25,"occurredAt":1,"subscriptionType":"contact.merge","objectId":1,"primaryObjectId":1,"mergedObjectIds":[{merged}],"newObjectId":1}}]"#
        );
        parse(&connection(), body.as_bytes()).pop().expect("one event").delivery_key
    };
    assert_ne!(merge(2), merge(3), "two merges into one record at one moment");
    assert_eq!(merge(2), merge(2));
}
