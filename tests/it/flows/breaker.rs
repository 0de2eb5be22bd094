//! G6: a connection that refuses its token or does not answer is left alone: nothing fails, little is called, one looks
//! whether it works again, and everything that waited goes on.

use std::io::Write as _;
use std::time::Duration;

use reknit::domain::breaker::{BreakerCause, BreakerState};
use reknit::domain::record::{Connection, System};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

const PEOPLE: usize = 500;

fn hubspot() -> Connection {
    Connection::only(System::Hubspot)
}

fn tell(figure: &str) {
    let _ = writeln!(std::io::stderr(), "{figure}");
}

fn calls(bench: &Bench, vendor: &str) -> u64 {
    let books = bench.books();
    let calls = books["calls"].as_object().unwrap().iter();
    calls.filter(|(name, _)| name.starts_with(vendor)).filter_map(|(_, count)| count.as_u64()).sum()
}

/// Of the first execution of each person; what our own writes bring back may make further ones.
fn statuses(bench: &Bench) -> Vec<String> {
    bench.tables().texts(
        "SELECT status || ' ' || count(*) FROM executions WHERE id IN (SELECT min(id) FROM executions \
         WHERE recipe = 'contact-to-crm' GROUP BY record) GROUP BY status ORDER BY status",
    )
}

async fn sign_up(bench: &Bench, count: usize) {
    for number in 0..count {
        let user = json!({"role": "user", "email": format!("p{number}@held.example"), "name": "Mara Quint"});
        bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    }
    bench.delivered().await;
}

/// The token is revoked while 500 webhooks arrive: one open breaker, no failed row, a handful of calls, no try counted;
/// when it works again everything is done, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g6_a_revoked_token_fails_nothing() {
    let mut bench = Bench::new().await;
    bench.load().await;
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized));
    let before = calls(&bench, "hubspot");
    sign_up(&bench, PEOPLE).await;
    bench.work().await;
    let held = format!("pending {PEOPLE}");
    assert_eq!(statuses(&bench), std::slice::from_ref(&held));
    assert_eq!(bench.tables().number("SELECT max(attempts) FROM executions"), 0);
    let breakers = bench.journal.breakers().await.unwrap();
    let [breaker] = breakers.as_slice() else { panic!("{breakers:?}") };
    assert_eq!((breaker.state, breaker.cause), (BreakerState::Open, BreakerCause::Auth));
    let sentence = bench.newest().await.sentence;
    assert!(sentence.starts_with("Waits for HubSpot's token: refused since "), "{sentence}");
    assert!(sentence.ends_with("goes on by itself."), "{sentence}");
    let refused = calls(&bench, "hubspot") - before;
    // Nobody asks for anything before the rest is over; then one asks.
    for _ in 0..5 {
        assert_eq!(bench.work().await, 0);
    }
    assert_eq!(calls(&bench, "hubspot") - before, refused);
    bench.advance(Duration::from_secs(60));
    bench.work().await;
    assert_eq!(calls(&bench, "hubspot") - before, refused + 1);
    bench.advance(Duration::from_secs(60));
    bench.work().await;
    assert_eq!(calls(&bench, "hubspot") - before, refused + 1, "the second rest is longer");
    assert_eq!(statuses(&bench), [held]);
    bench.sandbox.clear_faults();
    bench.advance(Duration::from_secs(60));
    bench.work().await;
    assert_eq!(statuses(&bench), [format!("succeeded {PEOPLE}")]);
    assert_eq!(bench.count("hubspot.contact.create.api"), PEOPLE as u64);
    let failed =
        bench.tables().number("SELECT count(*) FROM executions WHERE status = 'failed' OR attempts > 0");
    assert_eq!(failed, 0);
    let breakers = bench.journal.breakers().await.unwrap();
    assert_eq!(breakers[0].state, BreakerState::Closed);
    tell(&format!(
        "G6 revoked token: {PEOPLE} webhooks, 0 failed, 0 tries counted, {refused} calls refused before it was left alone, \
         1 call for each look, {PEOPLE} done afterwards"
    ));
}

/// A human's retry does not wait for the rest: it is the look, and what it finds counts for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_humans_retry_is_the_look() {
    let mut bench = Bench::new().await;
    bench.load().await;
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized));
    sign_up(&bench, 12).await;
    bench.work().await;
    let before = calls(&bench, "hubspot");
    let id = bench.newest().await.id;
    bench.advance(Duration::from_secs(1));
    bench.journal.retry(vec![id], "olga".to_owned()).await.unwrap();
    bench.work().await;
    assert_eq!(calls(&bench, "hubspot"), before + 1);
    assert_eq!(statuses(&bench), ["pending 12"]);
    bench.sandbox.clear_faults();
    bench.advance(Duration::from_secs(1));
    bench.journal.retry(vec![id], "olga".to_owned()).await.unwrap();
    bench.work().await;
    assert_eq!(statuses(&bench), ["succeeded 12"]);
}

/// A token that is refused for one call only is that call's own trouble: the connection stays in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_one_endpoint_opens_nothing() {
    // Each call by itself: the people of one batch would share the refusal.
    let mut bench = Bench::build().engine(|settings| settings.batch_rows = 1).start().await;
    bench.load().await;
    bench
        .sandbox
        .add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized).writes_about(&["p0@held.example"]));
    sign_up(&bench, 2).await;
    bench.work().await;
    assert!(bench.journal.breakers().await.unwrap().is_empty());
    assert_eq!(statuses(&bench), ["retrying 1", "succeeded 1"]);
    bench.work_when_due().await;
    bench.work_when_due().await;
    assert_eq!(statuses(&bench), ["failed 1", "succeeded 1"]);
}

/// Ten minutes without an answer: few calls, and soon after the end all is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g6_an_outage_is_met_with_few_calls() {
    const OUTAGE: u64 = 600;
    const PEOPLE: usize = 100;
    let mut bench = Bench::new().await;
    bench.load().await;
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unavailable { retry_after: None }));
    let before = calls(&bench, "hubspot");
    sign_up(&bench, PEOPLE).await;
    let start = bench.now();
    for _ in 0..OUTAGE {
        bench.work().await;
        bench.advance(Duration::from_secs(1));
    }
    let during = calls(&bench, "hubspot") - before;
    let tries = bench.tables().number("SELECT sum(attempts) FROM executions");
    assert_eq!(bench.tables().number("SELECT count(*) FROM executions WHERE status = 'failed'"), 0);
    bench.sandbox.clear_faults();
    let end = bench.now();
    while statuses(&bench) != [format!("succeeded {PEOPLE}")] {
        bench.work().await;
        assert!(bench.now().since(end) < 120_000, "{:?}", statuses(&bench));
        bench.advance(Duration::from_secs(1));
    }
    tell(&format!(
        "G6 outage of {} min: {PEOPLE} executions, {during} calls during it, {tries} tries counted, all done {} s after its end",
        end.since(start) / 60_000,
        bench.now().since(end) / 1_000
    ));
    assert!(during <= 40, "{during}");
    assert!(tries <= 10, "{tries}");
}

/// Of two processes on one journal one looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g6_of_two_processes_one_looks() {
    let mut bench = Bench::new().await;
    bench.load().await;
    let other = bench.another_engine();
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized));
    sign_up(&bench, 20).await;
    bench.work().await;
    other.work_off().await;
    let mut looks = 0;
    for rest in [60, 120, 240] {
        bench.advance(Duration::from_secs(rest));
        let before = calls(&bench, "hubspot");
        let (one, two) = (bench.engine.clone(), other.clone());
        tokio::join!(async { one.work_off().await }, async { two.work_off().await });
        assert_eq!(calls(&bench, "hubspot"), before + 1);
        looks += 1;
    }
    bench.sandbox.clear_faults();
    bench.advance(Duration::from_secs(300));
    tokio::join!(bench.engine.work_off(), other.work_off());
    bench.work().await;
    assert_eq!(statuses(&bench), ["succeeded 20"]);
    assert_eq!(bench.journal.breakers().await.unwrap()[0].connection, hubspot());
    tell(&format!("G6 two processes: {looks} rests, {looks} looks"));
}

/// What was in doubt when the breaker opened stays so, and is looked up when it closes: nothing is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_doubt_stays_so_while_it_is_held() {
    let mut bench = Bench::new().await;
    bench.load().await;
    // The contacts are made, and no answer comes; from then on nothing works.
    let lost = Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect);
    bench.sandbox.add_fault(lost.method("POST").writes_about(&["@held.example"]));
    sign_up(&bench, 8).await;
    bench.work().await;
    bench.sandbox.clear_faults();
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unavailable { retry_after: None }));
    for _ in 0..20 {
        bench.advance(Duration::from_secs(2));
        bench.work().await;
    }
    let doubts = bench
        .tables()
        .number("SELECT count(*) FROM executions WHERE status = 'in_doubt' AND held_by IS NOT NULL");
    assert!(doubts > 0, "{:?}", statuses(&bench));
    bench.sandbox.clear_faults();
    for _ in 0..60 {
        bench.advance(Duration::from_secs(5));
        bench.work().await;
    }
    assert_eq!(statuses(&bench), ["succeeded 8"]);
    assert_eq!(bench.count("hubspot.contact.create.api"), 8);
    assert_eq!(bench.books()["double_creates"], json!([]));
    assert_eq!(bench.tables().number("SELECT count(*) FROM executions WHERE status = 'failed'"), 0);
}
