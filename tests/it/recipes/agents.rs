//! A support agent of the customer's own: what it tells, and what is done about it.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::salesforce::intercom;
use super::world::World;
use crate::support::AGENT_SECRET;

const ESCALATION: &str = "agent-escalation";

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn post(world: &World, body: &str, signature: &str) -> u16 {
    let url = format!("http://{}/webhook/agent", world.bench.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).header("x-reknit-signature", signature).body(body.to_owned());
    request.send().await.unwrap().status().as_u16()
}

async fn tells(world: &mut World, event: &Value) {
    let body = event.to_string();
    assert_eq!(post(world, &body, &signed(AGENT_SECRET, &body)).await, 200);
    world.bench.work().await;
}

/// The open conversations of somebody.
async fn talks(world: &World, left: &str) -> Vec<Value> {
    let body = json!({"query": {"field": "contact_ids", "operator": "=", "value": left}});
    let found = intercom(&world.bench, "POST", "/conversations/search", &body).await;
    let mut whole = Vec::new();
    for row in found["conversations"].as_array().unwrap() {
        let id = row["id"].as_str().unwrap();
        whole.push(world.bench.sandbox.intercom_conversation(id).unwrap());
    }
    whole
}

async fn teams(world: &World) -> (String, String) {
    let found = intercom(&world.bench, "GET", "/teams", &Value::Null).await;
    let teams: Vec<String> = found["teams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|team| team["id"].as_str().unwrap().to_owned())
        .collect();
    (teams[0].clone(), teams.get(1).unwrap_or(&teams[0]).clone())
}

#[tokio::test]
async fn r127_r128_r129_what_needs_a_human_and_what_does_not() {
    for (number, (event, fires)) in [
        (json!({"confidence": 0.39}), true),
        (json!({"confidence": 0.40}), false),
        (json!({"confidence": 0.95}), false),
        (json!({"confidence": 0.95, "human_requested": true}), true),
        (json!({"confidence": 0.95, "human_requested": false}), false),
        (json!({"confidence": 0.95, "category": "billing"}), true),
        (json!({"confidence": 0.95, "category": "legal"}), true),
        (json!({"confidence": 0.95, "category": "account_deletion"}), true),
        (json!({"confidence": 0.95, "category": "Billing"}), false),
        (json!({"confidence": 0.95, "category": "billing question"}), false),
        (json!({"category": "other"}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut world = World::with(&[ESCALATION]).await;
        let person = world.person("mara@quint.example", &json!({})).await;
        let mut told = event.clone();
        told["event_id"] = json!(format!("e{number}"));
        told["userId"] = json!(person.left);
        tells(&mut world, &told).await;
        let found = talks(&world, &person.left).await;
        assert_eq!(found.len(), usize::from(fires), "{event}: {:?}", world.outcome(ESCALATION).await);
    }
}

#[tokio::test]
async fn r117_r118_r121_r130_an_escalation_is_begun_tagged_assigned_and_has_its_history_as_a_note() {
    let world = World::with(&[ESCALATION]).await;
    let (first, second) = teams(&world).await;
    let mut world = World::changed(&[ESCALATION], move |_, text| {
        text.replace("[settings.team_of]", &format!("[settings.team_of]\nbilling = \"{second}\""))
            .replace("fallback_team = \"\"", &format!("fallback_team = \"{first}\""))
    })
    .await;
    let (first, second) = teams(&world).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let event = json!({
        "event_id": "e1", "userEmail": "Mara@Quint.example", "confidence": 0.2, "category": "billing",
        "question": "Why was I charged <b>twice</b>?",
        "history": [{"role": "user", "text": "Why was I charged twice?"}, {"role": "agent", "text": "I am not sure."}],
    });
    tells(&mut world, &event).await;
    let found = talks(&world, &person.left).await;
    assert_eq!(found.len(), 1, "{:?}", world.outcome(ESCALATION).await);
    let talk = &found[0];
    assert!(talk["source"]["body"].as_str().unwrap().contains("charged"), "{talk}");
    assert_eq!(talk["tags"]["tags"][0]["name"], json!("ai-escalation"));
    assert_eq!(talk["team_assignee_id"].to_string().trim_matches('"'), second);
    let parts = talk["conversation_parts"]["conversation_parts"].as_array().unwrap();
    let note = parts.iter().find(|part| part["part_type"] == "note").expect("a note");
    let body = note["body"].as_str().unwrap();
    for words in ["I am not sure.", "confidence 0.2", "issue category"] {
        assert!(body.contains(words), "{words}: {body}");
    }
    // The same once more is the same; another of no category goes to the fallback, into the conversation it names.
    tells(&mut world, &event).await;
    assert_eq!(talks(&world, &person.left).await.len(), 1);
    let id = talk["id"].as_str().unwrap().to_owned();
    tells(&mut world, &json!({"event_id": "e2", "conversation_id": id, "human_requested": true})).await;
    let found = talks(&world, &person.left).await;
    assert_eq!(found.len(), 1, "no second conversation");
    assert_eq!(found[0]["team_assignee_id"].to_string().trim_matches('"'), first);
}

#[tokio::test]
async fn r134_somebody_intercom_does_not_know_waits_until_they_are_made() {
    let mut world = World::with(&[ESCALATION]).await;
    tells(&mut world, &json!({"event_id": "e1", "userEmail": "new@quint.example", "confidence": 0.1})).await;
    let (status, sentence) = world.outcome(ESCALATION).await;
    assert_eq!(status, "failed");
    assert!(sentence.contains("new@quint.example") && sentence.contains("Create the contact"), "{sentence}");
    let user = json!({"role": "user", "email": "new@quint.example"});
    let left = world.bench.sandbox.new_intercom_user(&user, reknit::sandbox::Webhook::Silent).unwrap();
    let row = world.bench.rows().await.into_iter().find(|row| row.recipe == ESCALATION).unwrap();
    world.bench.operator().retry(&[row.id]).await.unwrap();
    world.bench.work().await;
    assert_eq!(talks(&world, &left).await.len(), 1);
}

#[tokio::test]
async fn r129_the_list_is_a_setting() {
    let mut world = World::changed(&[ESCALATION], |_, text| {
        text.replace("[\"billing\", \"legal\", \"account_deletion\"]", "[\"refund\"]")
    })
    .await;
    let person = world.person("mara@quint.example", &json!({})).await;
    for (number, category) in ["billing", "refund"].iter().enumerate() {
        let event = json!({"event_id": format!("e{number}"), "userId": person.left, "confidence": 0.9, "category": category});
        tells(&mut world, &event).await;
        assert_eq!(talks(&world, &person.left).await.len(), number);
    }
}

#[tokio::test]
async fn what_is_not_signed_by_the_agent_is_refused_and_what_is_is_stored_before_anything_else() {
    let world = World::with(&[]).await;
    let body = r#"{"event_id": "e1", "userId": "64e2f1a3c2b4a1001e3f0021", "confidence": 0.1}"#;
    for signature in
        [signed("another-secret", body), signed(AGENT_SECRET, "{}"), String::new(), "sha256=".into()]
    {
        assert_eq!(post(&world, body, &signature).await, 401, "{signature}");
    }
    let count = || world.bench.tables().number("SELECT count(*) FROM events");
    assert_eq!(count(), 0);
    assert_eq!(post(&world, body, &signed(AGENT_SECRET, body)).await, 200);
    assert_eq!(post(&world, body, &signed(AGENT_SECRET, body)).await, 200);
    assert_eq!(count(), 1, "a repeat is the same event");
    let kind = world.bench.tables().texts("SELECT kind FROM events");
    assert_eq!(kind, ["agent.answered"]);
}
