//! Two conversations of one person at once open one deal. `REKNIT_DEAL_RACE=200` runs so many races.

use std::sync::Arc;

use serde_json::json;

use super::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r55_two_conversations_at_once_open_one_deal() {
    let runs: usize = std::env::var("REKNIT_DEAL_RACE").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let mut world = World::with(&["chat-to-deal"]).await;
    let (mut one_deal, mut worst) = (0, 0);
    for run in 0..runs {
        let email = format!("mara{run}@quint.example");
        let person = world.person(&email, &json!({"lifecyclestage": "lead"})).await;
        let first = world.starts(&person, "What does it cost?", "").await;
        let second = world.starts(&person, "What does it cost, please?", "").await;
        world.bench.delivered().await;
        // Two processes on one journal, side by side.
        let (here, there) = (Arc::new(world.bench.engine.as_ref().clone()), Arc::new(world.another_engine()));
        let workers = [here, there].map(|engine| tokio::spawn(async move { engine.work_off().await }));
        for worker in workers {
            worker.await.unwrap();
        }
        world.bench.work_out().await;
        let deals = world.deals().await;
        let own: Vec<_> = deals.iter().filter(|deal| deal["contacts"] == json!([person.right])).collect();
        worst = worst.max(own.len());
        one_deal += usize::from(own.len() == 1);
        assert_eq!(own.len(), 1, "run {run}: {own:?} for {first} and {second}");
        let done = world.outcomes("chat-to-deal").await;
        assert!(done.iter().all(|(status, _)| status == "succeeded"), "run {run}: {done:?}");
    }
    super::world::say(&format!(
        "deals under two conversations at once: {one_deal} of {runs} runs with one open deal, at most {worst}"
    ));
}
