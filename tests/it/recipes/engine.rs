//! What the engine does with recipes, whatever they say: fan-out, shadow, once, hot reload, editions, lanes, the outbox.

use reknit::domain::edition::EditionKind;
use reknit::domain::execution::Status;
use reknit::engine::rules::Refused;
use reknit::sandbox::{AlertTrouble, Webhook};
use serde_json::{Value, json};

use super::world::World;

const TALK: &str = "
title = \"Tag who writes\"
about = \"For tests.\"
owner = \"tests\"
state = \"STATE\"

[trigger]
on = \"conversation.created\"

[[action]]
do = \"tag\"
target = \"contact\"
tag = \"TAG\"

[error]
tell = \"\"
advice = \"Look.\"
";

/// A recipe that tags who begins a conversation.
fn tagging(name: &str, state: &str, tag: &str) -> String {
    format!("name = \"{name}\"{}", TALK.replace("STATE", state).replace("TAG", tag))
}

/// A world with these recipes besides the shipped ones.
async fn world(recipes: &[(&str, String)]) -> World {
    let mut world = World::with(&[]).await;
    world.bench = crate::support::Bench::build()
        .recipes(recipes.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect())
        .start()
        .await;
    world
}

fn put(world: &World, name: &str, text: &str) {
    std::fs::write(world.bench.folder().join("recipes").join(format!("{name}.toml")), text).unwrap();
}

async fn tags(world: &World, contact: &str) -> Vec<String> {
    let found = world.intercom("GET", &format!("/contacts/{contact}/tags"), &Value::Null).await;
    let mut names: Vec<String> = found["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn r90_r148_one_event_runs_each_recipe_that_is_on_and_one_failing_is_nothing_to_the_other() {
    let broken =
        tagging("broken", "on", "x").replace("do = \"tag\"", "do = \"tag\"\nwhen = \"1 / (now - now) > 0\"");
    let mut world = world(&[
        ("broken", broken),
        ("works", tagging("works", "on", "wrote")),
        ("silent", tagging("silent", "off", "never")),
    ])
    .await;
    let person = world.person("ada@acme.example", &json!({})).await;
    world.starts(&person, "Hello", "").await;
    world.bench.work().await;
    assert_eq!(tags(&world, &person.left).await, ["wrote"]);
    assert_eq!(world.outcome("works").await.0, "succeeded");
    let (status, sentence) = world.outcome("broken").await;
    assert_eq!(status, "failed", "{sentence}");
    assert!(sentence.contains("broken.toml, line") && sentence.contains("Nothing was written"), "{sentence}");
    assert!(world.outcomes("silent").await.is_empty());
    world.bench.leave_work();
}

#[tokio::test]
async fn r149_a_recipe_in_shadow_says_what_it_would_do_and_does_nothing() {
    let told = tagging("quiet", "shadow", "wrote").replace(
        "[error]",
        "[[action]]\ndo = \"tell\"\nchannel = \"slack\"\ntitle = \"Somebody wrote\"\n\n[error]",
    );
    let mut world = world(&[("quiet", told)]).await;
    let person = world.person("ada@acme.example", &json!({})).await;
    world.starts(&person, "Hello", "").await;
    world.bench.work().await;
    let (status, sentence) = world.outcome("quiet").await;
    assert_eq!(status, "skipped");
    assert!(sentence.starts_with("Shadow: would put the tag \"wrote\" on"), "{sentence}");
    assert!(tags(&world, &person.left).await.is_empty());
    assert!(world.bench.journal.notices(None, 10).await.unwrap().is_empty());
    // Switched on, it is planned anew and runs.
    put(&world, "quiet", &tagging("quiet", "on", "wrote"));
    assert!(world.bench.engine.rules().look(&world.bench.journal).await.unwrap());
    let id = world.bench.rows().await.into_iter().find(|row| row.recipe == "quiet").expect("a run").id;
    let operator = world.bench.operator();
    assert!(operator.retry(&[id]).await.unwrap().queued.is_empty(), "it has ended");
    assert_eq!(operator.replan(&[id]).await.unwrap().queued, [id]);
    world.bench.work().await;
    assert_eq!(tags(&world, &person.left).await, ["wrote"]);
    let row = world.bench.rows().await.into_iter().find(|row| row.id == id).expect("the run");
    assert_eq!((row.status, row.editions.as_deref()), (Status::Succeeded, Some("quiet 2")));
}

#[tokio::test]
async fn what_runs_once_for_a_key_runs_once() {
    let once = tagging("first", "on", "wrote").replacen("\nstate", "\nonce = \"{contact.id}\"\nstate", 1);
    let mut world = world(&[("first", once)]).await;
    let person = world.person("ada@acme.example", &json!({})).await;
    for words in ["One", "Two"] {
        world.starts(&person, words, "").await;
        world.bench.work().await;
    }
    let outcomes = world.outcomes("first").await;
    assert_eq!(outcomes.len(), 2);
    assert_eq!((outcomes[0].0.as_str(), outcomes[1].0.as_str()), ("skipped", "succeeded"));
    assert!(outcomes[0].1.contains("runs once for this, and ex_"), "{}", outcomes[0].1);
}

#[tokio::test]
async fn a_good_edit_is_in_force_at_once_and_a_bad_one_leaves_the_last_good_rules() {
    let mut world = world(&[("greet", tagging("greet", "on", "one"))]).await;
    let person = world.person("ada@acme.example", &json!({})).await;
    let journal = world.bench.journal.clone();
    let rules = world.bench.engine.rules().clone();
    assert!(!rules.look(&journal).await.unwrap(), "nothing has changed");
    put(&world, "greet", &tagging("greet", "on", "two"));
    assert!(rules.look(&journal).await.unwrap());
    put(&world, "greet", &tagging("greet", "on", "three").replace("do = \"tag\"", "do = \"tagg\""));
    let Err(Refused::Wrong(wrong)) = rules.look(&journal).await else { panic!("it was taken over") };
    assert!(wrong[0].contains("greet.toml, line 11") && wrong[0].contains("tagg"), "{wrong:?}");
    assert!(!rules.look(&journal).await.unwrap(), "told once");
    let kept = journal.mark(reknit::engine::rules::TROUBLE).await.unwrap().unwrap_or_default();
    assert!(kept.contains("greet.toml, line 11"), "whoever looks sees it too: {kept}");
    world.starts(&person, "Hello", "").await;
    world.bench.work().await;
    assert_eq!(tags(&world, &person.left).await, ["two"], "the last good one");
    let row = world.bench.rows().await.into_iter().find(|row| row.recipe == "greet").expect("a run");
    assert_eq!(row.editions.as_deref(), Some("greet 2"));
    put(&world, "greet", &tagging("greet", "on", "one"));
    assert!(rules.look(&journal).await.unwrap());
    assert_eq!(journal.mark(reknit::engine::rules::TROUBLE).await.unwrap().as_deref(), Some(""));
    assert_eq!(
        journal.history(EditionKind::Recipe, "greet").await.unwrap().len(),
        2,
        "gone back to the first"
    );
    std::fs::remove_file(world.bench.folder().join("recipes/greet.toml")).unwrap();
    assert!(rules.look(&journal).await.unwrap());
    assert!(rules.current().book.recipe("greet").is_none());
}

#[tokio::test]
async fn r55_conversations_of_one_person_are_worked_on_one_after_the_other() {
    let mut world = world(&[("greet", tagging("greet", "on", "one"))]).await;
    let person = world.person("ada@acme.example", &json!({})).await;
    let other = world.person("bea@acme.example", &json!({})).await;
    for whose in [&person, &person, &other] {
        world.starts(whose, "Hello", "").await;
    }
    world.bench.delivered().await;
    let lease = std::time::Duration::from_secs(60);
    let claims = world.bench.journal.claim(10, lease).await.unwrap();
    assert_eq!(claims.len(), 2, "one of each person");
    let given: Vec<_> = claims.iter().map(|claim| (claim.execution.id, claim.token)).collect();
    world.bench.journal.give_back(given).await.unwrap();
    world.bench.work().await;
    assert_eq!(world.outcomes("greet").await.len(), 3);
}

#[tokio::test]
async fn r61_what_slack_does_not_take_fails_no_execution_and_is_told_again() {
    let telling = tagging("tells", "on", "wrote").replace(
        "[error]",
        "[[action]]\ndo = \"tell\"\nchannel = \"slack\"\ntitle = \"{contact.email} wrote\"\nfields = { conversation = \
         \"{conversation.id}\" }\n\n[error]",
    );
    let mut world = world(&[("tells", telling)]).await;
    let person = world.person("ada@acme.example", &json!({})).await;
    let trouble = AlertTrouble::Refuses("no_service".into());
    world.bench.sandbox.trouble_alerts(true, Some(trouble), Some(1));
    world.starts(&person, "Hello", "").await;
    world.bench.work().await;
    world.send_notices().await;
    assert_eq!(world.outcome("tells").await.0, "succeeded");
    let journal = world.bench.journal.clone();
    let row = journal.notices(None, 10).await.unwrap().remove(0);
    assert_eq!(row.status.as_str(), "failed");
    assert!(row.words.contains("no_service"), "an address that takes nothing any more: {}", row.words);
    assert_eq!(journal.resend_notices(None, "olga".into()).await.unwrap(), 1);
    world.send_notices().await;
    assert_eq!(journal.notices(None, 10).await.unwrap()[0].status.as_str(), "sent");
    let told = world.told();
    let taken = told.last().expect("a message").to_string();
    assert!(taken.contains("ada@acme.example wrote") && taken.contains("conversation: "), "{told:#?}");
}

#[tokio::test]
async fn r107_what_is_missing_is_a_dead_letter_with_what_to_do_and_can_be_run_again() {
    let text = tagging("needs-email", "on", "wrote")
        .replace(
            "[[action]]",
            "[[require]]\nthat = \"contact.email != null && contact.email != ''\"\notherwise = \"The person has no \
             e-mail address: ask for it, then retry.\"\n\n[[action]]",
        )
        .replace("tell = \"\"", "tell = \"slack\"");
    let mut world = world(&[("needs-email", text)]).await;
    let lead = world.intercom("POST", "/contacts", &json!({"role": "lead", "name": "No Mail"})).await;
    let lead = lead["id"].as_str().unwrap().to_owned();
    world.bench.sandbox.start_conversation(&lead, "Hello", Webhook::Sent).unwrap();
    world.bench.work().await;
    let row = world.bench.rows().await.into_iter().find(|row| row.recipe == "needs-email").expect("a run");
    assert_eq!(
        (row.status, row.error_class.map(|class| class.to_string())),
        (Status::Failed, Some("missing_data".into()))
    );
    assert!(row.sentence.contains("no e-mail address"), "{}", row.sentence);
    let told = world.bench.journal.notices(Some(row.id), 10).await.unwrap();
    assert_eq!((told.len(), told[0].channel.as_str()), (1, "slack"));
    world.intercom("PUT", &format!("/contacts/{lead}"), &json!({"email": "no@mail.example"})).await;
    assert_eq!(world.bench.operator().retry(&[row.id]).await.unwrap().queued, [row.id]);
    world.bench.work().await;
    assert_eq!(tags(&world, &lead).await, ["wrote"]);
}
