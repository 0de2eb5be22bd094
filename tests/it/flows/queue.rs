//! The worker under jumps of the clock and under panics, against real calls; the sandbox's books are the witness.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reknit::domain::clock::Timestamp;
use reknit::domain::execution::Status;
use reknit::domain::record::{Connection, System};
use reknit::domain::secret::{Credentials, Secret};
use reknit::engine::{self, Engine};
use reknit::mapping::Mapping;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients};
use serde_json::json;
use tokio::sync::watch;

use crate::support::Bench;

const HOUR: i64 = 3_600_000;

/// Lets the worker do what it can do now: real calls over loopback take real time, however short.
async fn breathe(ticks: &mut tokio::time::Interval) {
    for _ in 0..3 {
        ticks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g12_a_clock_that_is_set_while_running_loses_nothing_and_holds_up_nothing() {
    let mut bench = Bench::new().await;
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(bench.known_person(&format!("p{number}@quint.example"), &json!({})).await);
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let real = bench.now();
    let jumps = [HOUR, -HOUR, 24 * HOUR, -24 * HOUR, -real.0, 2_147_483_647_000 - real.0];
    let (mut longest, mut edits) = (0, 0);
    for (round, jump) in jumps.into_iter().enumerate() {
        let updates = bench.count("hubspot.contact.update.api");
        // One person's row is refused, alone and with whoever travels with it, until the clock has been set: that one
        // is tried again a few seconds later.
        let fault = Fault::new(Vendor::HubSpot, FaultKind::ServerError).body(&format!("+4930{round}11110"));
        bench.sandbox.add_fault(fault);
        for (place, (left, _)) in people.iter().enumerate() {
            let change = json!({"phone": format!("+4930{round}1111{place}")});
            bench.sandbox.edit_intercom_contact(left, &change, Webhook::Sent).unwrap();
            edits += 1;
        }
        bench.delivered().await;
        let (stop, stopped) = watch::channel(false);
        let engine = bench.engine.clone();
        let worker = tokio::spawn(async move { engine.work(stopped).await });
        loop {
            breathe(&mut ticks).await;
            if bench.rows().await.iter().any(|row| row.status == Status::Retrying) {
                break;
            }
        }
        let before = bench.now();
        bench.clock.set(Timestamp(before.0 + jump));
        bench.sandbox.clear_faults();
        let mut halves = 0;
        loop {
            breathe(&mut ticks).await;
            if bench.rows().await.iter().all(|row| row.status.is_finished()) {
                break;
            }
            bench.advance(Duration::from_millis(500));
            halves += 1;
            assert!(halves <= 120, "{jump}: stuck: {:#?}", bench.rows().await);
        }
        stop.send_replace(true);
        worker.await.unwrap();
        longest = longest.max(halves);
        assert_eq!(bench.count("hubspot.contact.update.api"), updates + people.len() as u64, "{jump}");
        for (place, (_, right)) in people.iter().enumerate() {
            assert_eq!(bench.hubspot(right)["phone"], json!(format!("+4930{round}1111{place}")));
        }
        // Set right again: the vendors' webhooks are believed only within five minutes.
        bench.clock.set(Timestamp(before.0 + halves * 500));
        bench.work().await;
    }
    let _ = writeln!(
        std::io::stderr(),
        "G12 a worker with its clock set by +-1 h, +-1 day, to 1970 and to 2038: {edits} edits, {edits} effects, 0 lost, 0 twice, \
         at rest after {:.1} s at the longest, a retry's pause of 5 s included",
        longest as f64 / 2.0
    );
}

/// Credentials that panic when asked, so many times.
struct Panicking {
    given: Given,
    left: AtomicU32,
}

impl Credentials for Panicking {
    fn access_token(&self, connection: &Connection) -> Option<Secret> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(left.is_err(), "a bug of ours, on purpose");
        self.given.access_token(connection)
    }

    fn webhook_secret(&self, connection: &Connection) -> Option<Secret> {
        self.given.webhook_secret(connection)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g6_a_panic_is_recorded_with_its_execution_and_the_worker_lives() {
    let mut bench = Bench::new().await;
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(bench.known_person(&format!("p{number}@quint.example"), &json!({})).await);
    }
    for (left, _) in &people {
        bench.sandbox.edit_intercom_contact(left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    }
    bench.delivered().await;
    let given = Given::default()
        .with(System::Intercom, bench.sandbox.intercom_token(), bench.sandbox.intercom_client_secret())
        .with(System::Hubspot, bench.sandbox.hubspot_token(), bench.sandbox.hubspot_client_secret());
    let mut settings = vendors::Settings::default();
    bench.sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
    bench.sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
    let clock = Arc::new(bench.clock.clone());
    let credentials = Arc::new(Panicking { given, left: AtomicU32::new(2) });
    let clients = Clients::new(&settings, credentials, clock.clone()).unwrap();
    let engine = Engine::new(
        bench.journal.clone(),
        clients,
        Arc::new(Mapping::shipped()),
        clock,
        engine::Settings::default(),
    );
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(async move { engine.work(stopped).await });
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while bench.rows().await.iter().any(|row| !row.status.is_finished()) {
        breathe(&mut ticks).await;
    }
    stop.send_replace(true);
    worker.await.unwrap();
    let failed: Vec<_> = bench.rows().await.into_iter().filter(|row| row.status == Status::Failed).collect();
    assert_eq!(failed.len(), 2);
    for row in &failed {
        assert!(row.sentence.starts_with("Reknit stumbled over this execution"), "{}", row.sentence);
        let words = bench.detail(row.id).await.vendor_words.unwrap_or_default();
        assert!(words.contains("a bug of ours, on purpose"), "{words}");
    }
    bench.journal.retry(failed.iter().map(|row| row.id).collect(), "olga".into()).await.unwrap();
    bench.work().await;
    assert!(bench.rows().await.iter().all(|row| row.status != Status::Failed));
    for (_, right) in &people {
        assert_eq!(bench.hubspot(right)["phone"], "+49301111111");
    }
    let _ = writeln!(
        std::io::stderr(),
        "G6 panics: 2 of 4 executions panicked and were recorded, the worker did the other 2, retries did the rest"
    );
}
