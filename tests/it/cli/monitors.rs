//! Alerts from a failing execution to a receiver, and what a person sees of it: monitors, doctor, overview, metrics.

use std::sync::Arc;
use std::time::Duration;

use reknit::domain::execution::Status;
use reknit::engine::monitors::{self, Watch};
use reknit::sandbox::{AlertTrouble, Fault, FaultKind, Vendor, Webhook};
use reknit::vault::Given;
use reknit::vendors;
use reknit::vendors::alerts::{Channels, SLACK_URL, WEBHOOK_SECRET, WEBHOOK_URL};
use serde_json::{Value, json};

use super::{Shell, shell};
use crate::support::Bench;

const KEY: &str = "the-receivers-signing-key-8841";
/// What must stand nowhere: the parts of the addresses that open them, and the key.
const SECRETS: [&str; 3] = ["sandboxSlackWebhookToken", "sandbox-receiver-9d1f", KEY];

/// Somebody who watches the bench's journal, with both channels.
fn watch(bench: &Bench) -> Watch {
    let given = Given::default()
        .with_named(SLACK_URL, &bench.sandbox.slack_webhook_url())
        .with_named(WEBHOOK_URL, &bench.sandbox.alert_webhook_url())
        .with_named(WEBHOOK_SECRET, KEY);
    let settings = vendors::Settings { timeouts: vendors::Timeouts::of(5), ..vendors::Settings::default() };
    let channels = Channels::new(&settings, &given, Arc::new(bench.clock.clone()), "bench").unwrap();
    Watch::new(&bench.engine, channels, monitors::Settings::default())
}

fn shell_with_channels(bench: &Bench) -> Shell {
    shell(bench)
        .with(SLACK_URL, &bench.sandbox.slack_webhook_url())
        .with(WEBHOOK_URL, &bench.sandbox.alert_webhook_url())
        .with(WEBHOOK_SECRET, KEY)
}

async fn fail_one(bench: &mut Bench, email: &str) {
    let fault = Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").body(email).times(1);
    bench.sandbox.add_fault(fault);
    let user = json!({"role": "user", "email": email, "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.newest().await.status, Status::Failed);
}

/// Some looks, each with what is sent after it.
async fn look(bench: &Bench, watch: &Watch, times: usize) {
    for _ in 0..times {
        watch.evaluate().await.unwrap();
        for _ in 0..2 {
            watch.send_due().await.unwrap();
            bench.advance(Duration::from_secs(15));
        }
    }
}

fn taken<'a>(book: &'a [Value], receiver: &str) -> Vec<&'a Value> {
    book.iter().filter(|entry| entry["receiver"] == receiver && entry["taken"] == true).collect()
}

/// No secret is in a text.
#[track_caller]
fn keeps_quiet(what: &str, text: &[u8]) {
    for secret in SECRETS {
        let found = text.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is in {what}");
    }
}

#[tokio::test]
async fn r61_a_failure_is_told_once_in_each_channel_and_recovers_once_over_restarts() {
    let mut bench = Bench::new().await;
    fail_one(&mut bench, "mara@quint.example").await;
    let first = watch(&bench);
    look(&bench, &first, 2).await;
    drop(first);
    // A restart, and a second service beside it.
    let (one, two) = (watch(&bench), watch(&bench));
    look(&bench, &one, 1).await;
    look(&bench, &two, 35).await;
    let book = bench.sandbox.alert_book();
    let texts: Vec<&str> =
        taken(&book, "slack").iter().map(|entry| entry["body"]["text"].as_str().unwrap()).collect();
    let of = |word: &str| texts.iter().filter(|text| text.contains(word)).count();
    assert_eq!(
        (of("ALERT failures contact-to-crm"), of("RECOVERED failures contact-to-crm")),
        (1, 1),
        "{texts:#?}"
    );
    assert!(texts.iter().all(|text| !text.contains("May repeat") && !text.contains("Mara")), "{texts:#?}");
    let posted = taken(&book, "webhook");
    assert_eq!(posted.len(), texts.len());
    assert!(posted.iter().all(|entry| entry["signature"].as_str().unwrap().starts_with("sha256=")));
    assert_eq!(posted[0]["body"]["alerts"][0]["kind"], "alert");
    // One message a second at the most.
    let times: Vec<&str> = taken(&book, "slack").iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[tokio::test]
async fn r79_an_expired_slack_address_is_found_shown_and_mended_by_a_test() {
    let mut bench = Bench::new().await;
    let shell = shell_with_channels(&bench);
    bench.sandbox.trouble_alerts(true, Some(AlertTrouble::Refuses("no_service".into())), None);
    fail_one(&mut bench, "mara@quint.example").await;
    let watching = watch(&bench);
    look(&bench, &watching, 3).await;

    let mut outputs = Vec::new();
    let shown = shell.run(&["monitors"]).await.fine();
    assert!(shown.out.contains("UNHEALTHY") && shown.out.contains("no_service"), "{}", shown.out);
    assert!(shown.out.contains("failures") && shown.out.contains("alerting"), "{}", shown.out);
    let told = shell.run(&["monitors", "--json"]).await.fine();
    let slack = &told.json()["channels"][0];
    assert_eq!((&slack["channel"], &slack["healthy"]), (&json!("slack"), &json!(false)));
    let doctor = shell.run(&["doctor"]).await;
    assert!(
        doctor.code == 1 && doctor.out.contains("✗ Alerts") && doctor.out.contains("no_service"),
        "{doctor:#?}"
    );
    bench.look().await;
    bench.says("alerts");
    // The other channel works, and tells of the deaf one.
    let book = bench.sandbox.alert_book();
    let told_elsewhere =
        taken(&book, "webhook").iter().any(|entry| entry["raw"].as_str().unwrap().contains("no_service"));
    assert!(told_elsewhere, "{book:#?}");
    assert!(taken(&book, "slack").is_empty());
    let refused = shell.run(&["monitors", "test-alert"]).await;
    assert!(
        refused.code == 1 && refused.out.contains("no_service") && refused.err.contains(SLACK_URL),
        "{refused:#?}"
    );

    bench.sandbox.trouble_alerts(true, None, None);
    let tested = shell.run(&["monitors", "test-alert"]).await.fine();
    assert!(tested.out.contains("✓ slack (127.0.0.1/••••): taken"), "{}", tested.out);
    look(&bench, &watching, 1).await;
    let book = bench.sandbox.alert_book();
    let missed = taken(&book, "slack")
        .iter()
        .filter(|entry| entry["body"]["text"].as_str().unwrap().contains("failures"))
        .count();
    assert_eq!(missed, 1, "what it missed and is still true");
    let series = shell.run(&["monitors", "--series", "failed"]).await.fine();
    assert!(series.out.contains("contact-to-crm") && series.out.contains('█'), "{}", series.out);
    outputs.extend([shown, told, doctor, refused, tested, series]);

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let address = format!("http://{}/metrics", bench.address);
    let metrics = client.get(&address).send().await.unwrap().text().await.unwrap();
    for row in [
        "reknit_executions{status=\"failed\"} 1\n",
        "reknit_failed_24h{recipe=\"contact-to-crm\"} 1\n",
        "reknit_alerting{monitor=\"failures\",subject=\"contact-to-crm\"} 1\n",
        "reknit_alert_channel_healthy{channel=\"slack\"} 1\n",
        "reknit_events_total{connection=\"intercom\",source=\"webhook\"}",
        "reknit_processing_seconds_24h_bucket{le=\"+Inf\"}",
    ] {
        assert!(metrics.contains(row), "no {row} in:\n{metrics}");
    }
    assert!(!metrics.contains("mara") && !metrics.contains("Quint"), "personal data:\n{metrics}");
    let proxied = client.get(&address).header("X-Forwarded-For", "203.0.113.9").send().await.unwrap();
    assert_eq!(proxied.status().as_u16(), 404);

    for output in &outputs {
        keeps_quiet("an output", output.out.as_bytes());
        keeps_quiet("an error", output.err.as_bytes());
    }
    keeps_quiet("the metrics", metrics.as_bytes());
    let mut files = 0;
    for file in std::fs::read_dir(bench.folder()).unwrap() {
        let path = file.unwrap().path();
        keeps_quiet(&path.display().to_string(), &std::fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files >= 2, "the journal and its log were looked at");
    bench.leave_work();
}

#[tokio::test]
async fn r61_a_channel_that_is_down_holds_nothing_up_and_nothing_is_lost_in_it() {
    let mut bench = Bench::new().await;
    bench.sandbox.trouble_alerts(true, Some(AlertTrouble::TakenAndFails), Some(1));
    bench.sandbox.trouble_alerts(false, Some(AlertTrouble::Status(503)), Some(2));
    fail_one(&mut bench, "mara@quint.example").await;
    let watching = watch(&bench);
    look(&bench, &watching, 1).await;
    let user = json!({"role": "user", "email": "ben@quint.example", "name": "Ben Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.newest().await.status, Status::Succeeded);
    look(&bench, &watching, 12).await;
    let book = bench.sandbox.alert_book();
    let texts: Vec<&str> =
        taken(&book, "slack").iter().map(|entry| entry["body"]["text"].as_str().unwrap()).collect();
    // Its answer was lost though it was taken: twice, and the second says so.
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(!texts[0].contains("May repeat") && texts[1].contains("May repeat"), "{texts:#?}");
    let posted = taken(&book, "webhook");
    assert_eq!(posted.len(), 1, "{book:#?}");
    let sent: Vec<&Value> = book.iter().filter(|entry| entry["receiver"] == "webhook").collect();
    assert!(
        sent.iter().all(|entry| entry["idempotency_key"] == sent[0]["idempotency_key"]) && sent.len() == 3
    );
    bench.leave_work();
}
