//! Marketing stays quiet while somebody waits for support, in whatever order conversations open and close.

use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::world::{Person, World};
use crate::cli::shell;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r58_the_doctor_prints_the_filter_and_finds_leaks_both_ways() {
    let mut world = World::with(&[NAME]).await;
    let (waits, calm) = (
        world.person("mara@quint.example", &json!({})).await,
        world.person("bo@quint.example", &json!({})).await,
    );
    let conversation = world.starts(&waits, "It is broken", "Support").await;
    world.starts(&calm, "Hello", "Sales").await;
    world.bench.work().await;
    let shell = shell(&world.bench);
    let good = shell.run(&["doctor", "suppression"]).await;
    assert_eq!(good.code(), 0, "{good:#?}");
    assert!(good.text().contains("open_support_ticket is not equal to true"), "{good:#?}");
    assert!(good.text().contains("Every flag is right"), "{good:#?}");
    // Somebody changes both by hand: one may be written to, one may not.
    let (off, on) = (json!({"open_support_ticket": "false"}), json!({"open_support_ticket": "true"}));
    world.edit(&waits.right, &off).await;
    let other = world.person("cy@quint.example", &on).await;
    let leaks = shell.run(&["doctor", "suppression"]).await;
    assert_eq!(leaks.code(), 1, "{leaks:#?}");
    let line = format!(
        "hubspot/contact/{} may get marketing although conversation {conversation} is open",
        waits.right
    );
    assert!(leaks.text().contains(&line), "{leaks:#?}");
    let line = format!("hubspot/contact/{} gets no marketing although no conversation is open", other.right);
    assert!(leaks.text().contains(&line), "{leaks:#?}");
    assert!(!leaks.text().contains(&format!("hubspot/contact/{} ", calm.right)), "{leaks:#?}");
    let told = shell.run(&["doctor", "suppression", "--json"]).await;
    let told: Value = serde_json::from_str(told.text().lines().next().unwrap()).unwrap();
    let wrong: Vec<&str> = told["report"]["leaks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|leak| leak["wrong"].as_str())
        .collect();
    assert_eq!(wrong, ["not_flagged", "still_flagged"]);
    world.closes(&conversation);
    world.bench.work().await;
}
