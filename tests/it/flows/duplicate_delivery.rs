//! The same webhook again, while it waits and after it is done: a row that says so, and no second call.

use reknit::domain::execution::{Outcome, Status};
use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::{Bench, Delivery, Sender};

#[tokio::test]
async fn a_second_delivery_is_a_row_of_its_own_and_sends_nothing() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let (rows, updates) = (bench.rows().await.len(), bench.count("hubspot.contact.update.api"));

    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301234567"}), Webhook::Sent).unwrap();
    bench.delivered().await;
    assert!(bench.sandbox.redeliver_last_webhook());
    bench.work().await;

    let all = bench.rows().await;
    assert_eq!(all.len(), rows + 2);
    let (again, first) = (&all[0], &all[1]);
    assert_eq!((first.status, first.outcome), (Status::Succeeded, Some(Outcome::Updated)));
    assert_eq!((again.status, again.outcome), (Status::Skipped, Some(Outcome::Duplicate)));
    assert_eq!(again.event, first.event);
    assert!(again.sentence.contains("nothing was done again"), "{}", again.sentence);
    assert_eq!(bench.count("hubspot.contact.update.api"), updates + 1);
    assert_eq!(bench.hubspot(&right)["phone"], "+49301234567");

    bench.show_all().await;
    bench.says("– skipped");
    bench.says("nothing was done again");
    bench.press("j").await;
    bench.says("delivered 2 times, run once");
}

#[tokio::test]
async fn a_delivery_repeated_after_the_work_is_done_costs_no_call() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let change = json!({"phone": "+49301234567"});
    bench.sandbox.edit_intercom_contact(&left, &change, Webhook::Silent).unwrap();
    let body = |attempt: u32| {
        json!({
            "type": "notification_event", "topic": "contact.user.updated", "id": "notif_77", "app_id": "abc123",
            "data": {"type": "notification_event_data", "item": {
                "type": "contact", "id": left, "email": "mara@quint.example", "phone": "+49301234567",
            }},
            "delivery_attempts": attempt, "first_sent_at": 1_698_765_482 + i64::from(attempt),
        })
        .to_string()
    };
    assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, body(1))).await, 200);
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49301234567");
    let calls = bench.calls();
    assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, body(2))).await, 200);
    assert_eq!(bench.work().await, 0);
    assert_eq!(bench.calls(), calls);
    let again = bench.newest().await;
    assert_eq!((again.status, again.outcome), (Status::Skipped, Some(Outcome::Duplicate)));
    let event = bench.tables().row("SELECT deliveries FROM events WHERE delivery_key = 'notif_77'");
    assert_eq!(event["deliveries"], 2);
}
