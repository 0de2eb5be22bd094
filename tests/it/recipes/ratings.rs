//! A low rating makes the contact At-Risk and a task for the owner, whether it comes before or after the close.

use reknit::domain::clock::Timestamp;
use serde_json::{Value, json};

use super::world::{Person, World};

const NAME: &str = "low-rating-follow-up";
const SUBJECT: &str = "Low CSAT follow-up \u{2014} contact within 24 hours";
const AT_RISK: &str = "51000";
const NORA: &str = "71400201";
const TOMASZ: &str = "71400202";

async fn rated(world: &mut World, person: &Person, score: i64, rated_first: bool) {
    let conversation = world.starts(person, "It is broken", "").await;
    world.bench.work().await;
    if rated_first {
        world.rates(&conversation, score);
        world.bench.work().await;
        assert_eq!(world.tasks().await.len(), 0, "it is not closed yet");
        world.closes(&conversation);
    } else {
        world.closes(&conversation);
        world.bench.work().await;
        assert_eq!(world.tasks().await.len(), 0, "it is not rated yet");
        world.rates(&conversation, score);
    }
    world.bench.work().await;
}

fn due(task: &Value) -> i64 {
    let text = task["hs_timestamp"].as_str().unwrap();
    Timestamp::parse_rfc3339(text).map_or_else(|| text.parse().unwrap(), |at| at.0)
}

#[tokio::test]
async fn r43_r44_r47_scores_below_three_raise_at_risk_and_one_task_in_either_order() {
    for rated_first in [false, true] {
        for score in 1..=5 {
            let mut world = World::with(&[NAME]).await;
            let properties = json!({"lifecyclestage": "customer", "hubspot_owner_id": TOMASZ});
            let person = world.person("mara@quint.example", &properties).await;
            world.company(&person, &json!({"name": "Quint", "hubspot_owner_id": NORA}));
            rated(&mut world, &person, score, rated_first).await;
            let tasks = world.tasks().await;
            if score < 3 {
                assert_eq!(world.property(&person, "lifecyclestage"), AT_RISK, "score {score}");
                assert_eq!(tasks.len(), 1, "score {score}");
                assert_eq!(tasks[0]["hs_task_subject"], SUBJECT);
                assert_eq!(tasks[0]["hubspot_owner_id"], NORA, "the account's owner");
                assert_eq!(tasks[0]["contacts"], json!([person.right]));
                let late = due(&tasks[0]) - world.bench.now().plus(std::time::Duration::from_secs(86_400)).0;
                assert!(late.abs() <= 1_000, "due {late} ms beside 24 hours from now");
            } else {
                assert_eq!(
                    (world.property(&person, "lifecyclestage").as_str(), tasks.len()),
                    ("customer", 0)
                );
            }
            world.bench.sandbox.redeliver_last_webhook();
            world.bench.work().await;
            assert_eq!(world.tasks().await.len(), tasks.len(), "a repeat makes no second one");
        }
    }
}

#[tokio::test]
async fn r78_without_a_rating_it_is_skipped_as_such_with_the_survey_named() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "customer"})).await;
    let conversation = world.starts(&person, "It is broken", "").await;
    world.closes(&conversation);
    world.bench.work().await;
    let (status, sentence) = world.outcome(NAME).await;
    assert_eq!(status, "skipped", "{sentence}");
    assert!(sentence.contains("CSAT"), "{sentence}");
    assert_eq!(
        (world.tasks().await.len(), world.property(&person, "lifecyclestage")),
        (0, "customer".into())
    );
}

#[tokio::test]
async fn r44_without_an_owner_the_fallback_gets_the_task_and_it_says_so() {
    let fallback = |_: &str, text: String| {
        text.replace("fallback_owner = \"\"", &format!("fallback_owner = \"{TOMASZ}\""))
    };
    let mut world = World::changed(&[NAME], fallback).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "customer"})).await;
    rated(&mut world, &person, 1, false).await;
    let tasks = world.tasks().await;
    assert_eq!((tasks.len(), &tasks[0]["hubspot_owner_id"]), (1, &json!(TOMASZ)));
    assert!(tasks[0]["hs_task_body"].as_str().unwrap().contains("nobody owns the account"), "{tasks:?}");
    let newest = world.bench.newest().await;
    let detail = world.bench.detail(newest.id).await;
    assert!(format!("{detail:?}").contains("nobody owns the account"), "the run says so");
}

#[tokio::test]
async fn r44_a_contact_with_an_owner_and_no_company_gives_it_to_that_owner() {
    let mut world = World::with(&[NAME]).await;
    let properties = json!({"lifecyclestage": "customer", "hubspot_owner_id": TOMASZ});
    let person = world.person("mara@quint.example", &properties).await;
    rated(&mut world, &person, 2, true).await;
    assert_eq!(world.tasks().await[0]["hubspot_owner_id"], TOMASZ);
}

#[tokio::test]
async fn r1_a_step_that_fails_ends_as_failed_and_the_later_ones_never_run() {
    let mut world = World::with(&[NAME]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "customer"})).await;
    // The portal does not know the stage any more, which the first step needs.
    world.bench.sandbox.set_hubspot_contact_options("lifecyclestage", &["lead", "customer"]);
    rated(&mut world, &person, 1, false).await;
    let (status, sentence) = world.outcome(NAME).await;
    assert_eq!(status, "failed", "{sentence}");
    assert_eq!(world.tasks().await.len(), 0, "the second step");
}
