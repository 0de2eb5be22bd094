//! Single moments of the storm, each brought about on purpose: killed between a call and its answer, stopped longer than
//! the lease, asked to end while a vendor hangs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reknit::cli::wiring;
use reknit::domain::record::System;
use reknit::engine::{self, Engine};
use reknit::journal::Journal;
use reknit::mapping::Mapping;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::child::Wishes;
use super::evidence::Evidence;
use super::{at_rest, at_rest_within, number, say, started, until};

/// Nothing here goes on by itself: no polling, no lease that runs out early.
const PATIENT: Wishes = Wishes { timeout: 30, lease: 60, poll: 3_600 };

fn lost_answer(vendor: Vendor, method: &str) -> Fault {
    let mut fault =
        Fault::new(vendor, FaultKind::TimeoutAfterEffect).method(method).path("contacts").times(1);
    fault.writes_only = true;
    fault
}

fn newcomer() -> Value {
    json!({
        "role": "user",
        "email": "new.comer@stormhq.com",
        "name": "New Comer",
        "phone": "+49305000001",
        "signed_up_at": 1_760_000_000,
        "custom_attributes": {"job_title": "Newcomer", "plan": "trial"},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_write_whose_answer_died_with_us_is_no_change_of_the_other_side() {
    let (world, place, service) = started(11, &PATIENT).await;
    let person = world.somebody().intercom;
    world.watch_over(&person);
    let edit = |phone: &str| {
        world
            .sandbox
            .edit_intercom_contact(&person, &json!({"phone": phone}), Webhook::Sent)
            .expect("the sandbox takes the edit");
    };
    world.sandbox.add_fault(lost_answer(Vendor::HubSpot, "PATCH"));
    edit("+49305000010");
    until(Duration::from_secs(20), || match world.times("hubspot.contact.update.api") {
        0 => Err("nothing written".to_owned()),
        _ => Ok(()),
    })
    .await
    .expect("the first number reaches HubSpot");
    service.kill();
    edit("+49305000020");
    let mut service = place.serve();
    assert!(service.is_receiving().await, "{}", place.log());
    world.sandbox.webhooks_drained().await;
    at_rest(&world, &place).await;
    assert!(service.terminate().await.0.success());

    let evidence = Evidence::open(&place.journal());
    assert_eq!(evidence.rows("SELECT * FROM conflicts"), Vec::<String>::new());
    let told = evidence.count("SELECT count(*) FROM audit WHERE verb = 'update' AND object LIKE 'hubspot/%'");
    assert_eq!(told, world.times("hubspot.contact.update.api"), "every write is in the audit log, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_a_create_that_was_done_before_the_kill_is_told_of_once_and_remembered_as_agreed() {
    let (world, place, service) = started(12, &PATIENT).await;
    world.sandbox.add_fault(lost_answer(Vendor::Intercom, "PUT"));
    let id = world.sandbox.new_intercom_user(&newcomer(), Webhook::Sent).expect("a new user");
    world.watch_over(&id);
    until(Duration::from_secs(20), || match world.times("intercom.contact.update.api") {
        0 => Err("no cross-reference".to_owned()),
        _ => Ok(()),
    })
    .await
    .expect("the contact is made and named in Intercom");
    service.kill();
    let mut service = place.serve();
    assert!(service.is_receiving().await, "{}", place.log());
    at_rest(&world, &place).await;
    let phone = json!({"phone": "+49305000002"});
    world.sandbox.edit_intercom_contact(&id, &phone, Webhook::Sent).expect("an edit");
    world.sandbox.webhooks_drained().await;
    at_rest(&world, &place).await;
    assert!(service.terminate().await.0.success());

    let evidence = Evidence::open(&place.journal());
    assert_eq!(world.times("hubspot.contact.create.api"), 1);
    assert_eq!(evidence.count("SELECT count(*) FROM audit WHERE verb = 'create'"), 1);
    assert_eq!(evidence.rows("SELECT * FROM conflicts"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_worker_that_slept_through_its_lease_is_refused_and_the_work_is_done_once() {
    let stopped_for = Duration::from_secs(number("REKNIT_STOP_SECONDS", 0));
    let lease = if stopped_for.is_zero() { 4 } else { 60 };
    let wishes = Wishes { timeout: 10, lease, poll: 3_600 };
    let (world, place, service) = started(13, &wishes).await;
    world.sandbox.add_fault(lost_answer(Vendor::HubSpot, "POST"));
    let id = world.sandbox.new_intercom_user(&newcomer(), Webhook::Sent).expect("a new user");
    world.watch_over(&id);
    until(Duration::from_secs(20), || match world.times("hubspot.contact.create.api") {
        0 => Err("nothing made".to_owned()),
        _ => Ok(()),
    })
    .await
    .expect("the contact is made");
    service.signal("-STOP");
    // Stopped in the middle of a commit it would hold back everybody: that is another test.
    until(Duration::from_secs(5), || {
        if can_be_written(&place.journal()) {
            return Ok(());
        }
        service.signal("-CONT");
        service.signal("-STOP");
        Err("the stopped worker holds the journal".to_owned())
    })
    .await
    .expect("a moment between two commits");

    let credentials = Given::default()
        .with(System::Intercom, world.sandbox.intercom_token(), world.sandbox.intercom_client_secret())
        .with(System::Hubspot, world.sandbox.hubspot_token(), world.sandbox.hubspot_client_secret());
    let mut settings = vendors::Settings::default();
    world.sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
    world.sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
    let clients = Clients::new(&settings, Arc::new(credentials), wiring::clock()).expect("clients");
    let journal = Journal::open(&place.journal(), wiring::clock()).expect("the same journal");
    let began = Instant::now();
    let other = engine::Settings { lease_seconds: lease, ..engine::Settings::default() };
    let engine = Engine::new(journal, clients, Arc::new(Mapping::shipped()), wiring::clock(), other);
    let (stop, stopped) = watch::channel(false);
    let second = tokio::spawn(async move { engine.work(stopped).await });
    at_rest_within(Duration::from_secs(30 + 2 * lease), &world, &place).await;
    let taken_over = began.elapsed();
    until(stopped_for + Duration::from_secs(1), || {
        (began.elapsed() >= stopped_for).then_some(()).ok_or_else(|| "still to be stopped".to_owned())
    })
    .await
    .expect("time passes");
    let slept = began.elapsed();
    service.signal("-CONT");
    let evidence = Evidence::open(&place.journal());
    until(Duration::from_secs(20), || {
        match evidence.count("SELECT count(*) FROM audit WHERE verb = 'refuse'") {
            0 => Err("no refusal".to_owned()),
            _ => Ok(()),
        }
    })
    .await
    .unwrap_or_else(|why| panic!("{why}\n{}", place.log()));
    at_rest(&world, &place).await;
    stop.send_replace(true);
    second.await.expect("the second engine ends");
    assert!(service.terminate().await.0.success());

    say(&format!(
        "G5 SIGSTOP for {} s, lease {lease} s: finished by another worker after {} s; {} effect, {} refusals in the audit log",
        slept.as_secs(),
        taken_over.as_secs(),
        world.times("hubspot.contact.create.api"),
        evidence.count("SELECT count(*) FROM audit WHERE verb = 'refuse'"),
    ));
    assert_eq!(world.times("hubspot.contact.create.api"), 1);
    assert_eq!(evidence.count("SELECT count(*) FROM audit WHERE verb = 'create'"), 1);
    // One refusal for each execution it held when it was stopped: the create, and on a busy machine what its webhooks
    // had begun.
    let held = evidence.count("SELECT count(DISTINCT object) FROM audit WHERE verb = 'refuse'");
    assert_eq!(
        evidence.count("SELECT count(*) FROM audit WHERE verb = 'refuse'"),
        held,
        "none is refused twice"
    );
    assert_eq!(evidence.rows("SELECT status FROM executions WHERE outcome = 'created'"), ["succeeded"]);
}

fn can_be_written(journal: &Path) -> bool {
    let connection = rusqlite::Connection::open(journal).expect("the journal can be opened");
    connection.busy_timeout(Duration::from_millis(100)).expect("a timeout can be set");
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_stop_lasts_twenty_seconds_at_most_though_a_vendor_hangs_and_loses_nothing() {
    let (world, place, service) = started(14, &PATIENT).await;
    let person = world.somebody().intercom;
    world.watch_over(&person);
    world.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::TimeoutBeforeEffect).path("contacts"));
    let phone = json!({"phone": "+49305000030"});
    world.sandbox.edit_intercom_contact(&person, &phone, Webhook::Sent).expect("an edit");
    let evidence = Evidence::open(&place.journal());
    until(Duration::from_secs(20), || {
        match evidence.count("SELECT count(*) FROM executions WHERE status = 'running'") {
            0 => Err("nothing runs".to_owned()),
            _ => Ok(()),
        }
    })
    .await
    .expect("the edit is worked on");
    let (status, took) = service.terminate().await;
    assert!(status.success() && took < Duration::from_secs(20), "{status} after {took:?}");
    // It was given back, and not left to whoever comes next; and a stop is no death.
    assert_eq!(evidence.count("SELECT count(*) FROM executions WHERE status = 'running' OR starts > 0"), 0);
    say(&format!("G5 stop while a vendor hangs: {:.1} s, nothing left running", took.as_secs_f64()));

    world.sandbox.clear_faults();
    let mut service = place.serve();
    assert!(service.is_receiving().await, "{}", place.log());
    at_rest(&world, &place).await;
    assert!(service.terminate().await.0.success());
    // Polling may have found the same edit after the restart; it had nothing left to write.
    assert_eq!(evidence.count("SELECT count(*) FROM executions WHERE outcome = 'updated'"), 1);
    assert_eq!(world.times("hubspot.contact.update.api"), 1);
}
