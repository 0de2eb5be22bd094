//! Which changes Intercom tells of, under which topics, and which it keeps to itself.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use serde_json::{Value, json};

use super::{create, empty, good};
use crate::sandbox::{Sandbox, Webhook};

type Inbox = Arc<Mutex<Vec<Value>>>;

async fn subscribed() -> (Sandbox, Inbox) {
    let (sandbox, inbox) = (empty().await, Inbox::default());
    let kept = Arc::clone(&inbox);
    let router = Router::new().fallback(move |body: Bytes| {
        kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        async { "ok" }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    sandbox.subscribe_intercom(&format!("http://{}/hooks", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (sandbox, inbox)
}

/// The topics told since the last look, in order, with their items.
async fn told(sandbox: &Sandbox, inbox: &Inbox) -> Vec<(String, Value)> {
    sandbox.webhooks_drained().await;
    let taken = std::mem::take(&mut *inbox.lock().unwrap());
    taken
        .into_iter()
        .map(|event| (event["topic"].as_str().unwrap().to_owned(), event["data"]["item"].clone()))
        .collect()
}

async fn topics(sandbox: &Sandbox, inbox: &Inbox) -> Vec<String> {
    told(sandbox, inbox).await.into_iter().map(|(topic, _)| topic).collect()
}

#[tokio::test]
async fn what_happens_to_a_contact_is_told_under_its_topics() {
    let (sandbox, inbox) = subscribed().await;
    let id = create(&sandbox, json!({"role": "lead"})).await;
    assert_eq!(topics(&sandbox, &inbox).await, ["contact.lead.created"]);
    let path = format!("/contacts/{id}");
    for (change, expected) in [
        (json!({"name": "Ana"}), vec!["contact.lead.updated"]),
        (json!({"name": "Ana"}), vec![]),
        (json!({"email": "ana@northlight.com"}), vec!["contact.lead.updated", "contact.lead.added_email"]),
        (json!({"email": "a@northlight.com"}), vec!["contact.lead.updated", "contact.email.updated"]),
        (json!({"role": "user"}), vec!["contact.user.updated", "contact.lead.signed_up"]),
        (json!({"unsubscribed_from_emails": true}), vec!["contact.user.updated", "contact.unsubscribed"]),
        (json!({"unsubscribed_from_emails": false}), vec!["contact.user.updated", "contact.subscribed"]),
    ] {
        good(&sandbox, "PUT", &path, change.clone()).await;
        assert_eq!(topics(&sandbox, &inbox).await, expected, "{change}");
    }
    // R72: what the app has not ticked is not told.
    sandbox.subscribe_intercom_topic("contact.email.updated", false);
    good(&sandbox, "PUT", &path, json!({"email": "ana@quint.example"})).await;
    assert_eq!(topics(&sandbox, &inbox).await, ["contact.user.updated"]);
    let tag = good(&sandbox, "POST", "/tags", json!({"name": "vip"})).await["id"].clone();
    good(&sandbox, "POST", &format!("{path}/tags"), json!({"id": tag})).await;
    good(&sandbox, "DELETE", &format!("{path}/tags/{}", tag.as_str().unwrap()), Value::Null).await;
    let of_tag = told(&sandbox, &inbox).await;
    assert_eq!(of_tag[0].0, "contact.user.tag.created");
    assert_eq!(of_tag[1].0, "contact.user.tag.deleted");
    assert_eq!((&of_tag[0].1["type"], &of_tag[0].1["contact"]["id"]), (&json!("contact_tag"), &json!(id)));
    for how in ["archive", "archive", "unarchive"] {
        good(&sandbox, "POST", &format!("{path}/{how}"), Value::Null).await;
    }
    assert_eq!(topics(&sandbox, &inbox).await, ["contact.archived", "contact.unarchive"]);
    good(&sandbox, "DELETE", &path, Value::Null).await;
    let deleted = told(&sandbox, &inbox).await;
    assert_eq!(deleted[0].0, "contact.deleted");
    assert_eq!(deleted[0].1["deleted"], true);
    assert_eq!(deleted[0].1.as_object().unwrap().len(), 4, "a minimal item: {}", deleted[0].1);
}

#[tokio::test]
async fn some_changes_are_told_to_nobody() {
    let (sandbox, inbox) = subscribed().await;
    let mut people = Vec::new();
    for number in 0..50 {
        people.push(create(&sandbox, json!({"role": "user", "external_id": format!("u{number}")})).await);
    }
    told(&sandbox, &inbox).await;
    // R291: archived by the dozen in the UI; R292: deleted for good, where that is not subscribed.
    let many: Vec<&str> = people[..49].iter().map(String::as_str).collect();
    assert_eq!(sandbox.archive_intercom_contacts_in_bulk(&many), 49);
    assert!(sandbox.delete_intercom_contact(&people[49], Webhook::Silent));
    let contact = create(&sandbox, json!({"role": "user"})).await;
    let path = format!("/contacts/{contact}");
    good(&sandbox, "POST", &format!("{path}/notes"), json!({"body": "called"})).await;
    let event = json!({"event_name": "e", "created_at": 1, "id": contact});
    good(&sandbox, "POST", "/events", event).await;
    let choice = json!({"id": "9120301", "consent_type": "opt_out"});
    good(&sandbox, "POST", &format!("{path}/subscriptions"), choice).await;
    good(&sandbox, "POST", &format!("{path}/block"), Value::Null).await;
    assert_eq!(topics(&sandbox, &inbox).await, ["contact.user.created"]);
    assert_eq!(good(&sandbox, "GET", "/contacts", Value::Null).await["total_count"], 1);
}

#[tokio::test]
async fn companies_and_merges_are_told() {
    let (sandbox, inbox) = subscribed().await;
    let contact = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com"})).await;
    let lead = create(&sandbox, json!({"role": "lead", "email": "ana@northlight.com"})).await;
    let company = good(&sandbox, "POST", "/companies", json!({"company_id": "c1"})).await["id"].clone();
    let same = good(&sandbox, "POST", "/companies", json!({"company_id": "c1", "name": "North"})).await;
    good(&sandbox, "POST", "/companies", json!({"company_id": "c1", "name": "North"})).await;
    assert_eq!(same["id"], company);
    let companies = format!("/contacts/{contact}/companies");
    good(&sandbox, "POST", &companies, json!({"id": company})).await;
    good(&sandbox, "POST", &companies, json!({"id": company})).await;
    good(&sandbox, "DELETE", &format!("{companies}/{}", company.as_str().unwrap()), Value::Null).await;
    good(&sandbox, "DELETE", &format!("/companies/{}", company.as_str().unwrap()), Value::Null).await;
    good(&sandbox, "POST", "/contacts/merge", json!({"from": lead, "into": contact})).await;
    let all = told(&sandbox, &inbox).await;
    let names: Vec<&str> = all.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(
        names,
        [
            "contact.user.created",
            "contact.lead.created",
            "company.created",
            "company.updated",
            "company.contact.attached",
            "company.contact.detached",
            "company.deleted",
            "contact.merged",
        ]
    );
    let (attached, merged) = (&all[4].1, &all[7].1);
    assert_eq!((attached.get("type"), &attached["contact"]["id"]), (None, &json!(contact)));
    assert_eq!((&merged["id"], &merged["merged_from"]["id"]), (&json!(contact), &json!(lead)));
}

#[tokio::test]
async fn a_conversations_life_is_told_step_by_step() {
    let (sandbox, inbox) = subscribed().await;
    let contact = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com"})).await;
    create(&sandbox, json!({"role": "user", "external_id": "second"})).await;
    let tag = good(&sandbox, "POST", "/tags", json!({"name": "churn"})).await["id"].clone();
    told(&sandbox, &inbox).await;
    let id = sandbox.start_conversation(&contact, "Hello", Webhook::Sent).unwrap();
    let path = format!("/conversations/{id}");
    sandbox.reply_as_contact(&id, "Anybody?", Webhook::Sent);
    sandbox.reply_to_conversation(&id, "Here", Webhook::Sent);
    sandbox.note_on_conversation(&id, "a regular", Webhook::Sent);
    for part in [
        json!({"message_type": "assignment", "type": "admin", "assignee_id": "7400102"}),
        json!({"message_type": "snoozed", "snoozed_until": 1_900_000_000}),
        json!({"message_type": "open"}),
        json!({"message_type": "close", "type": "admin"}),
        json!({"message_type": "open"}),
    ] {
        let mut part = part;
        part["admin_id"] = json!("7400101");
        good(&sandbox, "POST", &format!("{path}/parts"), part).await;
    }
    good(&sandbox, "POST", &format!("{path}/tags"), json!({"id": tag, "admin_id": "7400101"})).await;
    let second = json!({"admin_id": "7400101", "customer": {"user_id": "second"}});
    good(&sandbox, "POST", &format!("{path}/customers"), second).await;
    let detach = format!("{path}/customers/{contact}");
    good(&sandbox, "DELETE", &detach, json!({"admin_id": "7400101"})).await;
    good(&sandbox, "PUT", &path, json!({"read": true})).await;
    sandbox.rate_conversation(&id, 5, "thanks", Webhook::Sent);
    sandbox.prioritise_conversation(&id, "high", Webhook::Sent);
    let source = good(&sandbox, "GET", &path, Value::Null).await["source"]["id"].clone();
    let redaction = json!({"type": "source", "conversation_id": id, "source_id": source});
    good(&sandbox, "POST", "/conversations/redact", redaction).await;
    good(&sandbox, "DELETE", &path, Value::Null).await;
    sandbox.start_conversation_as_admin(&contact, "How is it going?", Webhook::Sent).unwrap();
    let all = told(&sandbox, &inbox).await;
    let names: Vec<&str> = all.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(
        names,
        [
            "conversation.user.created",
            "conversation.user.replied",
            "conversation.admin.replied",
            "conversation.admin.noted",
            "conversation.admin.assigned",
            "conversation.admin.snoozed",
            "conversation.admin.unsnoozed",
            "conversation.admin.closed",
            "conversation.admin.opened",
            "conversation_part.tag.created",
            "conversation.contact.attached",
            "conversation.contact.detached",
            "conversation.read",
            "conversation.rating.added",
            "conversation.priority.updated",
            "conversation_part.redacted",
            "conversation.deleted",
            "conversation.admin.single.created",
        ]
    );
    let replied = &all[1].1;
    let parts = replied["conversation_parts"]["conversation_parts"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[0]["body"]), (1, &json!("<p>Anybody?</p>")), "only the newest part");
    assert!(replied["created_at"].is_i64(), "conversations are dated in seconds in webhooks too");
    assert_eq!(all[13].1["conversation_rating"]["rating"], 5);
}
