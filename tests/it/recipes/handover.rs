//! What is handed on: a tagged conversation to sales, feedback to product, points to a contact.

use reknit::sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};

use super::world::{Person, World};
use crate::support::{Delivery, Sender};

const SALES: &str = "sales-handoff";
const FEEDBACK: &str = "product-feedback";
const SCORING: &str = "lead-scoring";
const OWNERS: [&str; 4] = ["71400201", "71400202", "71400203", "71400204"];

fn routed(_: &str, mut text: String) -> String {
    let [_, territory, enterprise, fallback] = OWNERS;
    text = text
        .replace("enterprise_owner = \"\"", &format!("enterprise_owner = \"{enterprise}\""))
        .replace("fallback_owner = \"\"", &format!("fallback_owner = \"{fallback}\""))
        .replace("[settings.territories]", &format!("[settings.territories]\nDE = \"{territory}\""));
    text
}

async fn handed_over(world: &mut World, person: &Person, tag: &str) -> String {
    let conversation = world.starts(person, "We need 400 seats in Bremen.", "").await;
    world.bench.work().await;
    world.tags(&conversation, tag).await;
    world.bench.work().await;
    conversation
}

#[tokio::test]
async fn r168_r169_r170_r171_the_lead_is_moved_on_with_context_owner_and_task() {
    let [account, territory, enterprise, fallback] = OWNERS;
    let cases = [
        // The account's owner comes before the territory, that before the segment.
        (
            json!({"country": "DE"}),
            json!({"hubspot_owner_id": account, "numberofemployees": "5000"}),
            account,
            "account owner",
        ),
        (json!({"country": "DE"}), json!({"numberofemployees": "5000"}), territory, "territory"),
        (json!({"country": "FR"}), json!({"numberofemployees": "1000"}), enterprise, "segment"),
        (json!({"country": "FR"}), json!({"numberofemployees": "999"}), fallback, "no rule fits"),
        (json!({}), Value::Null, fallback, "no rule fits"),
    ];
    for (contact, company, owner, because) in cases {
        let mut world = World::changed(&[SALES], routed).await;
        let person = world.person("mara@quint.example", &contact).await;
        if company.is_object() {
            let mut company = company;
            company["name"] = json!("Quint");
            world.company(&person, &company);
        }
        let conversation = handed_over(&mut world, &person, "hand-to-sales").await;
        let (status, sentence) = world.outcome(SALES).await;
        assert_eq!(status, "succeeded", "{sentence}");
        assert_eq!(world.property(&person, "lifecyclestage"), "salesqualifiedlead");
        assert_eq!(world.property(&person, "hubspot_owner_id"), owner, "{because}");
        let notes = world.notes().await;
        assert!(notes.iter().any(|note| note["hs_note_body"].as_str().unwrap().contains("400 seats")));
        let tasks = world.tasks().await;
        assert_eq!((tasks.len(), &tasks[0]["hubspot_owner_id"]), (1, &json!(owner)));
        let body = tasks[0]["hs_task_body"].as_str().unwrap();
        assert!(body.contains(because) && body.contains(&conversation), "{body}");
        // The tag again, on another part: it is handed over once.
        world.tags(&conversation, "hand-to-sales").await;
        world.bench.work().await;
        assert_eq!(world.tasks().await.len(), 1);
    }
}

#[tokio::test]
async fn r108_r156_another_tag_hands_nothing_over() {
    let mut world = World::changed(&[SALES], routed).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    handed_over(&mut world, &person, "billing").await;
    assert_eq!(world.outcome(SALES).await.0, "skipped");
    assert_eq!((world.tasks().await.len(), world.notes().await.len()), (0, 0));
}

#[tokio::test]
async fn r172_a_later_step_never_runs_when_an_earlier_one_failed() {
    let mut world = World::changed(&[SALES], routed).await;
    let person = world.person("mara@quint.example", &json!({"country": "DE"})).await;
    // The note is refused for good; stage before it, owner and task after it.
    let fault =
        Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").path("/crm/v3/objects/notes");
    world.bench.sandbox.add_fault(fault.writes_about(&["hs_timestamp"]));
    let conversation = handed_over(&mut world, &person, "hand-to-sales").await;
    assert_eq!(world.outcome(SALES).await.0, "failed");
    assert_eq!(world.property(&person, "lifecyclestage"), "salesqualifiedlead", "it came first");
    assert_eq!(world.property(&person, "hubspot_owner_id"), "", "it comes later");
    assert_eq!(world.tasks().await.len(), 0, "it comes last");
    // Once the scope is there, a retry goes on where it stopped.
    world.bench.sandbox.clear_faults();
    let failed = world.bench.tables().number("SELECT id FROM executions WHERE status = 'failed'");
    world.bench.operator().retry(&[reknit::domain::ids::ExecutionId(failed)]).await.unwrap();
    world.bench.work().await;
    let (status, sentence) = world.outcome(SALES).await;
    assert_eq!(status, "succeeded", "{sentence}");
    assert_eq!((world.notes().await.len(), world.tasks().await.len()), (1, 1));
    assert!(world.tasks().await[0]["hs_task_body"].as_str().unwrap().contains(&conversation));
}

#[tokio::test]
async fn r180_r181_r234_feedback_reaches_the_sink_as_fields_and_never_as_the_chat() {
    let mut world = World::with(&[FEEDBACK]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let company = json!({"name": "Quint", "industry": "Retail", "mrr": "900"});
    world.company(&person, &company);
    let conversation = world.starts(&person, "The export loses my umlauts, you villains!", "").await;
    world.bench.work().await;
    world.tags(&conversation, "billing").await;
    world.bench.work().await;
    assert_eq!(world.outcome(FEEDBACK).await.0, "skipped");
    world.bench.sandbox.prioritise_conversation(&conversation, "high", reknit::sandbox::Webhook::Silent);
    world.tags(&conversation, "feedback: export").await;
    world.bench.work().await;
    world.send_notices().await;
    let told: Vec<Value> = world.told().into_iter().filter(|entry| entry["receiver"] == "webhook").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let sent = told[0].to_string();
    for part in ["export", "Retail", "Quint", "900", &conversation] {
        assert!(sent.contains(part), "no {part}: {sent}");
    }
    for word in ["umlauts", "villains"] {
        assert!(!sent.contains(word), "the chat itself: {sent}");
    }
    // The loop is closed in Intercom, and nothing of it went into the CRM.
    let now = world.intercom("GET", &format!("/conversations/{conversation}"), &Value::Null).await;
    assert!(now["tags"].to_string().contains("passed on to product"), "{}", now["tags"]);
    assert_eq!((world.notes().await.len(), world.tasks().await.len()), (0, 0));
}

async fn acts(world: &mut World, person: &Person, number: u32, event: &str) {
    let item = json!({"type": "event", "id": format!("act-{number}"), "event_name": event,
        "created_at": world.bench.now().seconds(), "email": person.email, "intercom_user_id": person.left,
        "metadata": {}});
    let body = json!({"type": "notification_event", "id": format!("notif_act_{number}"), "topic": "event.created",
        "app_id": "sandbox", "created_at": world.bench.now().seconds(), "data": {"item": item}});
    assert_eq!(world.bench.deliver(Delivery::new(Sender::Intercom, body.to_string())).await, 200);
    world.bench.work().await;
}

#[tokio::test]
async fn r91_r145_events_give_points_by_the_workspaces_own_table_each_once() {
    let own = |_: &str, text: String| {
        text.replace("viewed-pricing = 5", "viewed-pricing = 7\nsecret-handshake = 30")
    };
    let mut world = World::changed(&[SCORING], own).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    for (number, (event, score)) in
        [("viewed-pricing", "7"), ("signed-in", "8"), ("moved-the-mouse", "8"), ("secret-handshake", "38")]
            .into_iter()
            .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        acts(&mut world, &person, number, event).await;
        assert_eq!(
            world.property(&person, "engagement_score"),
            score,
            "{event}: {:?}",
            world.outcome(SCORING).await
        );
        acts(&mut world, &person, number, event).await;
        assert_eq!(world.property(&person, "engagement_score"), score, "{event} told twice");
    }
}
