//! Bodies with holes, of the wrong shape, or as the sources print them: all kept, none makes anybody stumble.

use serde_json::json;

use crate::support::{Bench, Delivery, Sender};

/// The payload that source 001 prints, as it stands there.
const SAMPLE: &str = include_str!("../../fixtures/intercom/sample_conversation_user_created.json");

#[tokio::test]
async fn r30_r31_payloads_with_missing_fields_are_kept_and_nothing_stumbles() {
    let mut bench = Bench::new().await;
    let notice = |item: serde_json::Value| json!({"type": "notification_event", "topic": "contact.user.created", "data": {"item": item}});
    let intercom = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        "\"\\ud800\"".to_owned(),
        json!({}).to_string(),
        json!({"topic": null, "data": null}).to_string(),
        json!({"topic": 7, "data": {"item": 7}}).to_string(),
        notice(json!(null)).to_string(),
        notice(json!({})).to_string(),
        notice(json!({"type": "contact"})).to_string(),
        notice(json!({"type": "contact", "id": null})).to_string(),
        notice(json!({"type": "contact", "id": ""})).to_string(),
        notice(json!({"type": "contact", "id": {"nested": true}})).to_string(),
        notice(json!({"type": "contact", "id": "64e2", "email": null, "name": null, "custom_attributes": null, "companies": null})).to_string(),
        notice(json!({"type": "contact", "id": "64e3", "email": 5, "name": ["x"], "companies": "none", "updated_at": "yesterday"})).to_string(),
        "[".repeat(3_000),
    ];
    let hubspot = [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "[null, 1, \"a\", [], {}]".to_owned(),
        json!([{"subscriptionType": "contact.propertyChange"}]).to_string(),
        json!([{"subscriptionType": "contact.propertyChange", "objectId": "x", "propertyName": null}])
            .to_string(),
        json!([{"subscriptionType": "contact.creation", "objectId": null, "occurredAt": "soon"}]).to_string(),
        json!([{"subscriptionType": "contact.merge", "mergedObjectIds": "many"}]).to_string(),
        json!([{"subscriptionType": "contact.associationChange", "associationType": 4}]).to_string(),
        "[".repeat(3_000),
    ];
    for body in intercom {
        let status = bench.deliver(Delivery::new(Sender::Intercom, body.clone())).await;
        assert_eq!(status, 200, "{}", &body[..body.len().min(80)]);
    }
    for body in hubspot {
        let status = bench.deliver(Delivery::new(Sender::Hubspot, body.clone())).await;
        assert_eq!(status, 200, "{}", &body[..body.len().min(80)]);
    }
    bench.work().await;
    let stumbled = bench.tables().texts("SELECT sentence FROM executions WHERE sentence LIKE '%stumbled%'");
    assert_eq!(stumbled, Vec::<String>::new());
    assert!(bench.effects().is_empty(), "{:#?}", bench.effects());
    // All that named no record are there to be looked at, with the reason why nothing ran.
    assert!(bench.tables().number("SELECT count(*) FROM events WHERE ignored IS NOT NULL") >= 15);
    bench.press("2").await;
    bench.says("Executions");
}

#[tokio::test]
async fn r103_the_sources_sample_payload_is_accepted_and_kept_as_it_came() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, SAMPLE)).await, 200);
    assert_eq!(bench.work().await, 0);
    let event = bench.tables().row("SELECT topic, kind, record, ignored, deliveries FROM events");
    assert_eq!(event["topic"], "conversation.user.created", "the oldest payloads carry no topic");
    assert_eq!(
        (&event["kind"], &event["record"]),
        (&json!("conversation.created"), &json!("intercom/conversation/29325834"))
    );
    assert_eq!(event["ignored"], "no recipe for conversations is on");
    assert_eq!(bench.tables().bodies(), [SAMPLE]);
    // data.item.contacts.contacts[] is understood.
    assert_eq!(reknit::vendors::intercom::hook::contact_ids(SAMPLE), ["64e2f1a3c2b4a1001e3f0021"]);
    // R104: the count of attempts does not make it another event.
    let again = SAMPLE.replace("\"delivery_attempts\": 1", "\"delivery_attempts\": 2");
    assert_ne!(again, SAMPLE);
    assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, again)).await, 200);
    assert_eq!(bench.tables().row("SELECT deliveries FROM events")["deliveries"], 2);
}
