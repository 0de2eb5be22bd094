//! Churn risk: a low rating of who pays enough, and a third conversation within seven days. Nothing else fires.

use reknit::sandbox::{AlertTrouble, Webhook};
use serde_json::{Value, json};

use super::world::{Person, World};

const RATING: &str = "churn-low-rating";
const OFTEN: &str = "churn-high-frequency";
const FLAG: &str = "high_contact_frequency";
const NORA: &str = "71400201";
const DAY: i64 = 86_400;

async fn customer(world: &mut World, email: &str, mrr: &str) -> Person {
    let person = world.person(email, &json!({"lifecyclestage": "customer"})).await;
    let company = json!({"name": "Quint", "mrr": mrr, "hubspot_owner_id": NORA});
    world.company(&person, &company);
    person
}

async fn rated(world: &mut World, person: &Person, score: i64, rated_first: bool) {
    let conversation = world.starts(person, "It is broken", "").await;
    world.bench.work().await;
    if rated_first {
        world.rates(&conversation, score);
        world.bench.work().await;
        world.closes(&conversation);
    } else {
        world.closes(&conversation);
        world.bench.work().await;
        world.rates(&conversation, score);
    }
    world.bench.work().await;
}

#[tokio::test]
async fn r59_r60_five_hundred_does_not_fire_and_a_cent_more_does() {
    for rated_first in [false, true] {
        for (mrr, fires) in
            [("500.00", false), ("500.01", true), ("500", false), ("12000", true), ("", false)]
        {
            let mut world = World::with(&[RATING]).await;
            let person = customer(&mut world, "mara@quint.example", mrr).await;
            rated(&mut world, &person, 2, rated_first).await;
            let tasks = world.tasks().await;
            assert_eq!(tasks.len(), usize::from(fires), "{mrr}: {:?}", world.outcome(RATING).await);
            if fires {
                assert_eq!(tasks[0]["hubspot_owner_id"], NORA);
                let body = tasks[0]["hs_task_body"].as_str().unwrap();
                assert!(body.contains(&format!("MRR {mrr} USD")), "the currency is noted: {body}");
            }
        }
    }
}

#[tokio::test]
async fn r59_two_and_less_fire_and_three_and_more_do_not() {
    for score in 1..=5 {
        let mut world = World::with(&[RATING]).await;
        let person = customer(&mut world, "mara@quint.example", "900").await;
        rated(&mut world, &person, score, false).await;
        assert_eq!(world.tasks().await.len(), usize::from(score <= 2), "score {score}");
    }
}

#[tokio::test]
async fn r59_somebody_the_crm_does_not_know_waits_for_a_human_when_the_rating_is_low() {
    let mut world = World::with(&[RATING]).await;
    // No e-mail, so the contact sync makes no contact either.
    let lead = json!({"role": "lead", "name": "Nobody"});
    let left = world.bench.sandbox.new_intercom_user(&lead, Webhook::Sent).unwrap();
    let person = Person { left, right: String::new(), email: String::new() };
    for (score, status) in [(5, "skipped"), (1, "failed")] {
        rated(&mut world, &person, score, false).await;
        let (now, sentence) = world.outcome(RATING).await;
        assert_eq!(now, status, "{sentence}");
    }
    let (_, sentence) = world.outcome(RATING).await;
    assert!(sentence.contains("CRM does not know the person"), "{sentence}");
    let class = world
        .bench
        .tables()
        .texts("SELECT error_class FROM executions WHERE recipe = 'churn-low-rating' AND status = 'failed'");
    assert_eq!(class, ["missing_data"]);
}

#[tokio::test]
async fn r61_the_owner_is_told_in_slack_and_slack_being_down_fails_nothing() {
    for down in [false, true] {
        let mut world = World::with(&[RATING]).await;
        if down {
            world.bench.sandbox.trouble_alerts(
                true,
                Some(AlertTrouble::Refuses("no_service".to_owned())),
                None,
            );
        }
        let person = customer(&mut world, "mara@quint.example", "900").await;
        rated(&mut world, &person, 1, false).await;
        let (status, sentence) = world.outcome(RATING).await;
        assert_eq!((status.as_str(), world.tasks().await.len()), ("succeeded", 1), "{sentence}");
        world.send_notices().await;
        let told: Vec<Value> = world.told().into_iter().filter(|entry| entry["taken"] == true).collect();
        let rows = world.bench.tables().rows("SELECT channel, status FROM notices");
        assert_eq!(rows.len(), 1, "{rows:?}");
        if down {
            assert_eq!((told.len(), rows[0]["status"] == "sent"), (0, false), "{rows:?}");
        } else {
            assert_eq!((told.len(), &rows[0]["status"]), (1, &json!("sent")), "{rows:?}");
            assert!(told[0].to_string().contains("mara@quint.example"), "{told:?}");
            world.bench.sandbox.redeliver_last_webhook();
            world.bench.work().await;
            world.send_notices().await;
            assert_eq!(world.told().len(), 1, "a repeat tells nobody twice");
        }
    }
}

/// Which of the conversations, begun at these times, fired.
async fn fired(times: &[i64]) -> Vec<bool> {
    let mut world = World::with(&[OFTEN]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let now = world.bench.now().seconds() - 40 * DAY;
    let mut fired = Vec::new();
    for at in times {
        let before = world.bench.tables().number("SELECT count(*) FROM notices");
        world.started_at(&person, "Me again", now + at).await;
        world.bench.work().await;
        fired.push(world.bench.tables().number("SELECT count(*) FROM notices") > before);
    }
    let flag = world.property(&person, FLAG);
    assert_eq!(flag == "true", fired.contains(&true), "{times:?}");
    fired
}

#[tokio::test]
async fn r62_the_third_within_seven_days_fires_once_for_each_crossing() {
    assert_eq!(fired(&[0, DAY, 2 * DAY]).await, [false, false, true]);
    assert_eq!(fired(&[0, DAY, 7 * DAY]).await, [false, false, true], "7 times 24 hours is within");
    assert_eq!(fired(&[0, DAY, 7 * DAY + 1]).await, [false, false, false], "a second more is not");
    assert_eq!(fired(&[0, 1, 2, 3, 4]).await, [false, false, true, false, false], "once");
    // It falls below three on the eighth day, then rises again.
    assert_eq!(
        fired(&[0, DAY, 2 * DAY, 3 * DAY, 20 * DAY, 21 * DAY, 22 * DAY]).await,
        [false, false, true, false, false, false, true]
    );
    assert_eq!(fired(&[5, 5, 5]).await.iter().filter(|fired| **fired).count(), 1, "in the same second");
}

#[tokio::test]
async fn r63_the_outreach_is_started_once_for_a_crossing() {
    let mut world = World::with(&[OFTEN]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    for words in ["One", "Two", "Three", "Four"] {
        world.starts(&person, words, "").await;
        world.bench.work().await;
        world.bench.sandbox.redeliver_last_webhook();
        world.bench.work().await;
    }
    world.send_notices().await;
    let told = world.told();
    let hooks: Vec<&Value> = told.iter().filter(|entry| entry["receiver"] == "webhook").collect();
    assert_eq!(hooks.len(), 1, "{told:?}");
    assert!(hooks[0].to_string().contains(&person.email), "{hooks:?}");
}

/// A frustrated customer is escalated: a task, and a message in Slack that the journal knows of. Nothing else fires.
#[tokio::test]
async fn r4_r10_churn() {
    let mut world = World::with(&[RATING, OFTEN]).await;
    let person = customer(&mut world, "mara@quint.example", "900").await;
    let calm = customer(&mut world, "bo@quint.example", "900").await;
    rated(&mut world, &person, 1, false).await;
    rated(&mut world, &calm, 5, false).await;
    world.send_notices().await;
    let tasks = world.tasks().await;
    assert_eq!((tasks.len(), &tasks[0]["contacts"]), (1, &json!([person.right])));
    let rows = world.bench.tables().rows("SELECT channel, status FROM notices");
    assert_eq!(rows, [json!({"channel": "slack", "status": "sent"})]);
    assert_eq!(world.property(&calm, FLAG), "");
}
