//! What a human pauses waits in its place, says by whom and why, and goes on when it is resumed.

use std::time::Duration;

use reknit::domain::execution::Status;
use reknit::domain::pause::{Direction, PauseScope};
use reknit::domain::record::{Connection, System};
use reknit::engine::operate::OperateError;
use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

async fn edit(bench: &Bench, left: &str, phone: &str) {
    bench.sandbox.edit_intercom_contact(left, &json!({"phone": phone}), Webhook::Sent).unwrap();
    bench.delivered().await;
}

#[tokio::test]
async fn a_paused_recipe_keeps_its_work_in_order_and_says_who_and_why() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let operator = bench.operator();
    edit(&bench, &left, "+49301111111").await;
    let scope = PauseScope::recipe("contact-to-crm");
    let paused = operator.pause(scope.clone(), "The CRM is being cleaned up.", None).await.unwrap();
    assert_eq!(paused.held, 1, "what waited is held at once");
    edit(&bench, &left, "+49302222222").await;
    let calls = bench.calls();
    bench.work().await;
    assert_eq!(bench.calls(), calls, "nothing is read for what is paused");
    let row = bench.newest().await;
    assert_eq!((row.status, row.due_at), (Status::Pending, None));
    let begins = format!("Paused by olga since {}", paused.pause.since.rfc3339());
    assert!(row.sentence.starts_with(&begins), "{}", row.sentence);
    assert!(
        row.sentence.ends_with("(recipe contact-to-crm): The CRM is being cleaned up."),
        "{}",
        row.sentence
    );
    // The other way goes on, and a restart changes nothing.
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "customer"}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    let other_way =
        "SELECT status FROM executions WHERE recipe = 'contact-to-intercom' ORDER BY id DESC LIMIT 1";
    assert_eq!(bench.tables().texts(other_way), ["succeeded"]);
    assert_eq!(bench.intercom(&left)["custom_attributes"]["lifecycle_stage"], "customer");
    assert_eq!(bench.another_engine().work_off().await, 0);
    let resumed = operator.resume(scope.clone()).await.unwrap();
    assert!(resumed.ended && resumed.released >= 2);
    bench.work().await;
    let order = bench.tables().texts(
        "SELECT e.id FROM executions e JOIN attempts a ON a.execution_id = e.id WHERE e.recipe = 'contact-to-crm' \
         GROUP BY e.id ORDER BY min(a.id)",
    );
    let mut sorted = order.clone();
    sorted.sort_by_key(|id| id.parse::<i64>().unwrap());
    assert_eq!(order, sorted);
    assert_eq!(bench.hubspot(&right)["phone"], "+49302222222");
    assert!(matches!(operator.resume(scope).await, Err(OperateError::Impossible(_))));
    let audit = bench
        .tables()
        .texts("SELECT actor || ' ' || verb || ' ' || object FROM audit WHERE verb IN ('pause', 'resume')");
    assert_eq!(audit, ["olga pause recipe contact-to-crm", "olga resume recipe contact-to-crm"]);
}

#[tokio::test]
async fn a_paused_connection_is_not_called_at_all_and_nothing_is_lost_by_that() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.load().await;
    let operator = bench.operator();
    let scope = PauseScope::connection(&Connection::only(System::Hubspot));
    operator.pause(scope.clone(), "Migration.", None).await.unwrap();
    edit(&bench, &left, "+49301111111").await;
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "customer"}), Webhook::Silent)
        .unwrap();
    bench.advance(Duration::from_secs(3_600));
    let calls = |bench: &Bench| {
        let books = bench.books();
        let calls = books["calls"].as_object().unwrap().iter();
        calls
            .filter(|(name, _)| name.starts_with("hubspot"))
            .filter_map(|(_, count)| count.as_u64())
            .sum::<u64>()
    };
    let before = calls(&bench);
    bench.engine.poll_once().await.unwrap();
    bench.work().await;
    assert_eq!(calls(&bench), before);
    operator.resume(scope).await.unwrap();
    bench.engine.poll_once().await.unwrap();
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
    assert_eq!(bench.intercom(&left)["custom_attributes"]["lifecycle_stage"], "customer");
}

#[tokio::test]
async fn a_paused_direction_is_never_written_into_by_whichever_recipe() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let operator = bench.operator();
    let scope = PauseScope::direction(Direction::ToIntercom);
    operator.pause(scope.clone(), "Support works on the attributes.", None).await.unwrap();
    // An update into the CRM goes on; a new contact would be named in Intercom too, so it waits before it is made.
    edit(&bench, &left, "+49301111111").await;
    let user = json!({"role": "user", "email": "new@quint.example", "name": "Ada"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "customer"}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
    assert!(bench.sandbox.hubspot_find_by_email("new@quint.example").is_none());
    assert_ne!(bench.intercom(&left)["custom_attributes"]["lifecycle_stage"], "customer");
    let held = bench
        .tables()
        .number("SELECT count(*) FROM executions WHERE held_by = 'pause/direction/to-intercom'");
    assert_eq!(held, 2);
    operator.resume(scope).await.unwrap();
    bench.work().await;
    assert!(bench.sandbox.hubspot_find_by_email("new@quint.example").is_some());
    assert_eq!(bench.intercom(&left)["custom_attributes"]["lifecycle_stage"], "customer");
}

#[tokio::test]
async fn a_pause_runs_out_and_the_off_peak_window_holds_all_the_same() {
    let mut bench = Bench::build().engine(|settings| settings.off_peak = "22:00-05:00".into()).start().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.load().await;
    // The next noon: outside of the window.
    let day = 24 * 3_600_000;
    let noon = (bench.now().0 / day + 1) * day + day / 2;
    bench.advance(Duration::from_millis((noon - bench.now().0) as u64));
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Silent).unwrap();
    bench.engine.poll_once().await.unwrap();
    let due = bench.newest().await.due_at;
    let sentence = bench.newest().await.sentence;
    let operator = bench.operator();
    let scope = PauseScope::recipe("contact-to-crm");
    // Paused and resumed before the window: it gets its time and its words back.
    operator.pause(scope.clone(), "Lunch.", None).await.unwrap();
    assert_eq!(bench.newest().await.due_at, None);
    operator.resume(scope.clone()).await.unwrap();
    assert_eq!((bench.newest().await.due_at, bench.newest().await.sentence), (due, sentence));
    // Paused until after the window: it waits for the next one.
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    operator.pause(scope, "Night shift.", Some(bench.now().plus(hours(20)))).await.unwrap();
    bench.advance(hours(11));
    assert_eq!(bench.work().await, 0, "23:00, paused");
    bench.advance(hours(10));
    bench.work().await;
    let row = bench.newest().await;
    assert_eq!(row.due_at.map(|at| at.since(bench.now())), Some(13 * 3_600_000), "{}", row.sentence);
    assert!(row.sentence.starts_with("Waits for the off-peak window (22:00-05:00 UTC)"), "{}", row.sentence);
    assert_eq!(row.attempts, 0);
    bench.advance(hours(13));
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
    let ended = bench
        .tables()
        .texts("SELECT actor || ' ' || note FROM audit WHERE verb = 'resume' ORDER BY number DESC LIMIT 1");
    assert_eq!(ended, ["engine The pause has run out."]);
}

#[tokio::test]
async fn who_may_only_look_cannot_pause() {
    let bench = Bench::new().await;
    let operator = bench.operator().read_only();
    let scope = PauseScope::recipe("contact-to-crm");
    assert!(matches!(operator.pause(scope.clone(), "No.", None).await, Err(OperateError::ReadOnly)));
    assert!(matches!(operator.resume(scope).await, Err(OperateError::ReadOnly)));
    let nowhere = bench.operator().pause(PauseScope::recipe("contact-to-moon"), "", None).await;
    assert!(nowhere.unwrap_err().to_string().contains("contact-to-crm, "));
    assert!(bench.journal.pauses().await.unwrap().is_empty());
}
