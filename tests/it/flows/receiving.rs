//! Webhooks through the real server: who is believed, who is not, and what is said when nobody can tell.

use serde_json::json;

use crate::support::{Bench, Delivery, Sender};

const PING: &str = r#"{"type":"notification_event","topic":"ping","data":{"item":{"type":"ping"}}}"#;
const CREATION: &str = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123}]"#;

fn events(bench: &Bench) -> i64 {
    bench.tables().number("SELECT count(*) FROM events")
}

#[tokio::test]
async fn a_right_signature_is_200_and_stored_a_wrong_one_is_401_and_not() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    for (sender, body) in [(Sender::Intercom, PING), (Sender::Hubspot, CREATION)] {
        let before = events(&bench);
        let wrong = Delivery::new(sender, body).secret("somebody-else").to(bench.address).await;
        assert_eq!((wrong.status, events(&bench)), (401, before), "{sender:?}");
        let right = Delivery::new(sender, body).to(bench.address).await;
        assert_eq!((right.status, events(&bench)), (200, before + 1), "{sender:?}");
    }
}

#[tokio::test]
async fn r102_r125_a_ping_is_answered_and_journaled_and_runs_nothing() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, PING)).await, 200);
    assert_eq!(bench.work().await, 0);
    let event = bench.tables().row("SELECT topic, ignored FROM events");
    assert_eq!(
        event,
        json!({"topic": "ping", "ignored": "no recipe for the topic \"ping\" (Test of the subscription) is on"})
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["/webhooks/intercom", "/webhooks/hubspot", "/webhook/intercom-events"] {
        for method in ["HEAD", "GET"] {
            let request = client.request(method.parse().unwrap(), format!("http://{}{path}", bench.address));
            assert_eq!(request.send().await.unwrap().status().as_u16(), 200, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn an_old_signature_is_not_believed_and_not_called_wrong() {
    let bench = Bench::new().await;
    let answer = Delivery::new(Sender::Hubspot, CREATION).aged(301_000).to(bench.address).await;
    assert_eq!((answer.status, events(&bench)), (503, 0));
    assert!(answer.retry_after.is_some());
    let wrong = Delivery::new(Sender::Hubspot, CREATION).aged(301_000).secret("x").to(bench.address).await;
    assert_eq!(wrong.status, 401);
}

#[tokio::test]
async fn without_a_secret_it_is_503_with_a_time_to_come_back() {
    let bench = Bench::build().without_secrets().start().await;
    for (sender, body) in [(Sender::Intercom, PING), (Sender::Hubspot, CREATION)] {
        let answer = Delivery::new(sender, body).to(bench.address).await;
        assert_eq!((answer.status, answer.retry_after), (503, Some(60)), "{sender:?}");
    }
    assert_eq!(events(&bench), 0);
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_413_and_one_just_below_is_taken() {
    let bench = Bench::new().await;
    let filled = |bytes: usize| {
        let frame = json!({"topic": "ping", "filler": ""}).to_string().len();
        json!({"topic": "ping", "filler": "x".repeat(bytes - frame)}).to_string()
    };
    let most = 1024 * 1024;
    let fits = Delivery::new(Sender::Intercom, filled(most)).to(bench.address).await;
    assert_eq!((fits.status, events(&bench)), (200, 1));
    let answer = Delivery::new(Sender::Intercom, filled(most + 1)).to(bench.address).await;
    assert_eq!((answer.status, events(&bench)), (413, 1));
}

#[tokio::test]
async fn what_cannot_be_stored_is_503_and_taken_when_it_can() {
    let bench = Bench::new().await;
    let stranger = rusqlite::Connection::open(bench.path()).unwrap();
    stranger
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        )
        .unwrap();
    let answer = Delivery::new(Sender::Intercom, PING).to(bench.address).await;
    assert_eq!((answer.status, answer.retry_after, events(&bench)), (503, Some(60), 0));
    stranger.execute_batch("DROP TRIGGER full").unwrap();
    let answer = Delivery::new(Sender::Intercom, PING).to(bench.address).await;
    assert_eq!((answer.status, events(&bench)), (200, 1));
}
