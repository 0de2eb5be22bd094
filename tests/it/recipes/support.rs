//! Marketing stays quiet while somebody waits for support, in whatever order conversations open and close.

use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::world::{Person, World};

const NAME: &str = "support-suppression";
const FLAG: &str = "open_support_ticket";

async fn flag(world: &mut World, person: &Person) -> String {
    world.bench.work().await;
    world.property(person, FLAG)
}

#[tokio::test]
async fn r56_a_support_conversation_sets_the_flag_and_other_types_skip() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    for kind in ["Sales", "support", ""] {
        world.starts(&person, "Hello", kind).await;
        assert_eq!(flag(&mut world, &person).await, "", "{kind}");
        let (status, sentence) = world.outcome(NAME).await;
        assert_eq!(status, "skipped", "{sentence}");
    }
    world.starts(&person, "It is broken", "Support").await;
    assert_eq!(flag(&mut world, &person).await, "true");
}

#[tokio::test]
async fn r57_r273_only_the_last_close_takes_the_flag_back_and_a_snoozed_one_is_open() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let one = world.starts(&person, "It is broken", "Support").await;
    let two = world.starts(&person, "So is this", "Support").await;
    assert_eq!(flag(&mut world, &person).await, "true");
    world.closes(&one);
    assert_eq!(flag(&mut world, &person).await, "true", "one is still open");
    let admins = world.intercom("GET", "/admins", &Value::Null).await;
    let until = world.bench.now().seconds() + 86_400;
    let admin = &admins["admins"][0]["id"];
    let snooze = json!({"message_type": "snoozed", "admin_id": admin, "snoozed_until": until});
    world.intercom("POST", &format!("/conversations/{two}/parts"), &snooze).await;
    assert_eq!(flag(&mut world, &person).await, "true", "a snoozed one is open");
    world.closes(&two);
    assert_eq!(flag(&mut world, &person).await, "false");
    let reopen = json!({"message_type": "open", "admin_id": admin});
    world.intercom("POST", &format!("/conversations/{one}/parts"), &reopen).await;
    assert_eq!(flag(&mut world, &person).await, "true", "opened again");
    world.closes(&one);
    assert_eq!(flag(&mut world, &person).await, "false");
    // Somebody else's conversation is nobody's business.
    let other = world.person("bo@quint.example", &json!({})).await;
    world.starts(&other, "Mine is broken too", "Support").await;
    assert_eq!(flag(&mut world, &other).await, "true");
    assert_eq!(flag(&mut world, &person).await, "false");
}

#[tokio::test]
async fn r57_the_order_in_which_news_comes_does_not_matter() {
    // Two conversations, their four events in every order that is left when the vendor shuffles.
    for order in 0..6 {
        let mut world = World::with(&[NAME]).await;
        let person = world.person("mara@quint.example", &json!({})).await;
        let control = format!("{}/_sandbox/webhooks", world.bench.sandbox.intercom_base_url());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let tell = async |body: Value| {
            assert!(client.post(&control).json(&body).send().await.unwrap().status().is_success());
        };
        tell(json!({"hold": true})).await;
        let one = world.starts(&person, "It is broken", "Support").await;
        let two = world.starts(&person, "So is this", "Support").await;
        let (first, last) = if order % 2 == 0 { (&one, &two) } else { (&two, &one) };
        world.closes(first);
        if order < 4 {
            world.closes(last);
        }
        tell(json!({"release": if order % 4 < 2 { "reversed" } else { "in_order" }})).await;
        let expected = if order < 4 { "false" } else { "true" };
        let now = flag(&mut world, &person).await;
        // Never set at all is as quiet as taken back.
        assert!(now == expected || (now.is_empty() && expected == "false"), "order {order}: {now:?}");
    }
}

/// Nobody with an open ticket gets a marketing e-mail.
#[tokio::test]
async fn r9_suppression() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let mailed = async |world: &World| {
        let filter = json!({"propertyName": FLAG, "operator": "NEQ", "value": "true"});
        let none = json!({"propertyName": FLAG, "operator": "NOT_HAS_PROPERTY"});
        let body = json!({"filterGroups": [{"filters": [filter]}, {"filters": [none]}], "limit": 100});
        let found = world.hubspot("POST", "/crm/v3/objects/contacts/search", &body).await;
        found["results"].as_array().unwrap().iter().any(|row| row["id"] == json!(person.right))
    };
    assert!(mailed(&world).await);
    let one = world.starts(&person, "It is broken", "Support").await;
    let two = world.starts(&person, "And this", "Support").await;
    world.bench.work().await;
    assert!(!mailed(&world).await, "one or more open");
    world.bench.sandbox.close_conversation(&one, Webhook::Sent);
    world.bench.work().await;
    assert!(!mailed(&world).await, "one open");
    world.bench.sandbox.close_conversation(&two, Webhook::Sent);
    world.bench.work().await;
    assert!(mailed(&world).await, "none open");
}
