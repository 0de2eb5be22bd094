//! Every message of a conversation as an entry on the person's timeline in the CRM, once.

use reknit::sandbox::Webhook;
use serde_json::json;

use super::world::World;

const NAME: &str = "conversation-log";

fn body(note: &serde_json::Value) -> &str {
    note["hs_note_body"].as_str().unwrap()
}

#[tokio::test]
async fn r7_r41_r122_created_and_replied_are_two_entries_and_a_replay_adds_none() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let conversation = world.starts(&person, "Can we pay yearly?", "").await;
    world.bench.work().await;
    assert_eq!(world.notes().await.len(), 1);
    world.bench.sandbox.redeliver_last_webhook();
    world.bench.work().await;
    assert_eq!(world.notes().await.len(), 1, "the same event is one entry");
    world.bench.sandbox.reply_to_conversation(&conversation, "Of course.", Webhook::Sent);
    world.bench.work().await;
    world.bench.sandbox.redeliver_last_webhook();
    world.bench.work().await;
    let notes = world.notes().await;
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|note| note["contacts"] == json!([person.right])));
    assert!(body(&notes[0]).contains("Can we pay yearly?") && body(&notes[1]).contains("Of course."));
    // Run again by hand, as a human may: still two.
    let ids = world.bench.tables().texts(&format!("SELECT id FROM executions WHERE recipe = '{NAME}'"));
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn r40_r42_an_entry_holds_id_first_words_without_markup_and_a_link() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    // A long first message with markup, whose cut would fall into a family of seven code points.
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";
    let words = format!("<p>Is <b>our</b> plan &amp; price right? {}</p>", family.repeat(120));
    let conversation = world.starts(&person, &words, "").await;
    world.bench.work().await;
    let notes = world.notes().await;
    let text = body(&notes[0]);
    assert!(text.contains(&conversation), "{text}");
    assert!(
        text.contains("Is our plan &amp; price right?") || text.contains("Is our plan & price right?"),
        "{text}"
    );
    assert!(!text.contains("<b>"), "{text}");
    assert!(text.contains("https://") && text.contains("/conversation/"), "a link: {text}");
    let rest = text.replace(family, "");
    assert!(!rest.contains('\u{200D}'), "no cluster is cut apart: {text}");
    // It can be looked for.
    let filter = json!({"propertyName": "hs_note_body", "operator": "CONTAINS_TOKEN", "value": conversation});
    let search = json!({"filterGroups": [{"filters": [filter]}]});
    let found = world.hubspot("POST", "/crm/v3/objects/notes/search", &search).await;
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn r65_an_entry_holds_author_role_time_text_attachments_and_link() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let conversation = world.starts(&person, "Can we pay yearly?", "").await;
    world.bench.work().await;
    let admins = world.intercom("GET", "/admins", &serde_json::Value::Null).await;
    let admin = &admins["admins"][0];
    let reply = json!({
        "message_type": "comment", "type": "admin", "admin_id": admin["id"], "body": "Here is the offer.",
        "attachment_urls": ["https://files.example/offer-2026.pdf"],
    });
    world.intercom("POST", &format!("/conversations/{conversation}/reply"), &reply).await;
    world.bench.work().await;
    let notes = world.notes().await;
    assert_eq!(notes.len(), 2);
    let (first, second) = (body(&notes[0]), body(&notes[1]));
    assert!(
        first.contains("Mara Quint") && first.to_lowercase().contains("contact"),
        "author and role: {first}"
    );
    assert!(second.contains(admin["name"].as_str().unwrap()), "author: {second}");
    assert!(second.to_lowercase().contains("team"), "role: {second}");
    assert!(second.contains("Here is the offer."), "{second}");
    assert!(second.contains("offer-2026.pdf"), "attachments: {second}");
    for note in &notes {
        assert!(body(note).contains("/conversation/"), "link: {}", body(note));
        assert!(body(note).contains("20") && note["hs_timestamp"].is_string(), "time: {note}");
    }
}

#[tokio::test]
async fn r46_a_started_and_closed_conversation_stands_on_the_timeline() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let conversation = world.starts(&person, "Can we pay yearly?", "").await;
    world.closes(&conversation);
    world.bench.work().await;
    let notes = world.notes().await;
    assert_eq!((notes.len(), &notes[0]["contacts"]), (1, &json!([person.right])));
}

#[tokio::test]
async fn r7_a_note_among_teammates_and_somebody_unknown_give_no_entry() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let conversation = world.starts(&person, "Can we pay yearly?", "").await;
    world.bench.work().await;
    world.bench.sandbox.note_on_conversation(&conversation, "She sounds cross.", Webhook::Sent);
    world.bench.work().await;
    assert_eq!(world.notes().await.len(), 1);
    let lead = json!({"role": "lead", "name": "Nobody"});
    let left = world.bench.sandbox.new_intercom_user(&lead, Webhook::Sent).unwrap();
    world.bench.sandbox.start_conversation(&left, "Who is there?", Webhook::Sent).unwrap();
    world.bench.work().await;
    let (status, sentence) = world.outcome(NAME).await;
    assert_eq!((status.as_str(), world.notes().await.len()), ("skipped", 1), "{sentence}");
}
