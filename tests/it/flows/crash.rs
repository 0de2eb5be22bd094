//! A worker that dies: its lease runs out and the work is done again, once; what may have happened is looked up.

use std::time::Duration;

use reknit::domain::execution::Status;
use reknit::domain::ids::ExecutionId;
use reknit::journal::JournalError;
use reknit::journal::queue::Settlement;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

const LEASE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_claim_that_is_never_settled_runs_again_exactly_once() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.delivered().await;
    let updates = bench.count("hubspot.contact.update.api");
    let claims = bench.journal.claim(8, LEASE).await.unwrap();
    assert_eq!(claims.len(), 1);
    // The worker is dead. Nobody takes its work before its lease is over.
    assert_eq!(bench.work().await, 0);
    bench.advance(LEASE);
    assert_eq!((bench.journal.rescue().await.unwrap(), bench.work().await), (0, 0));
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.journal.rescue().await.unwrap(), 1);
    assert!(bench.newest().await.sentence.starts_with("Given back by a worker that stopped"));
    assert_eq!(bench.work().await, 1);
    assert_eq!(bench.newest().await.status, Status::Succeeded);
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
    assert_eq!(bench.count("hubspot.contact.update.api"), updates + 1);
    assert_eq!((bench.journal.rescue().await.unwrap(), bench.work().await), (0, 0));
    // It was not dead, only late: its result is refused.
    let claim = &claims[0];
    let late =
        bench.journal.settle(claim.execution.id, claim.token, Status::Failed, Settlement::default()).await;
    assert!(matches!(late, Err(JournalError::LeaseLost)), "{late:?}");
    assert_eq!(bench.newest().await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_of_a_create_makes_no_second_contact() {
    let mut bench = Bench::build().patience(30).start().await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect).method("POST");
    bench.sandbox.add_fault(fault.writes_about(&["mara@quint.example"]).times(1));
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.delivered().await;
    let engine = bench.engine.clone();
    let worker = tokio::spawn(async move { engine.work_off().await });
    // The vendor has done it, the answer is not here: this is when the worker dies.
    while bench.count("hubspot.contact.create.api") == 0 {
        tokio::task::yield_now().await;
    }
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    assert_eq!(bench.row(1).await.status, Status::Running);
    bench.advance(LEASE + Duration::from_secs(1));
    assert_eq!(bench.journal.rescue().await.unwrap(), 1);
    let row = bench.row(1).await;
    assert_eq!(row.status, Status::InDoubt);
    assert!(row.sentence.contains("may have happened"), "{}", row.sentence);
    bench.work().await;
    assert_eq!(
        bench.row(1).await.status,
        Status::InDoubt,
        "a call still on its way is given the time to arrive"
    );
    bench.advance(Duration::from_secs(4));
    bench.work().await;
    assert_eq!(bench.row(1).await.status, Status::Succeeded);
    assert_eq!(bench.count("hubspot.contact.create.api"), 1);
    assert_eq!(bench.books()["calls"]["hubspot POST /crm/v3/objects/contacts"], 1);
}

#[tokio::test]
async fn g6_work_that_kills_three_workers_is_put_aside() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.delivered().await;
    for _ in 0..3 {
        assert_eq!(bench.journal.claim(8, LEASE).await.unwrap().len(), 1);
        bench.advance(LEASE + Duration::from_secs(1));
        assert_eq!(bench.journal.rescue().await.unwrap(), 1);
    }
    assert_eq!(bench.work().await, 0);
    let row = bench.newest().await;
    assert_eq!(row.status, Status::Failed);
    assert!(row.sentence.starts_with("Quarantined"), "{}", row.sentence);
    bench.press("2").await;
    bench.says("Quarantined");
    bench.press("r").await;
    bench.work().await;
    assert_eq!(bench.newest().await.status, Status::Succeeded);
}

#[tokio::test]
async fn g5_two_workers_share_the_work_and_do_each_piece_once() {
    let mut bench = Bench::new().await;
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(bench.known_person(&format!("p{number}@quint.example"), &json!({})).await);
    }
    let updates = bench.count("hubspot.contact.update.api");
    for (place, (left, _)) in people.iter().enumerate() {
        let change = json!({"phone": format!("+4930111111{place}")});
        bench.sandbox.edit_intercom_contact(left, &change, Webhook::Sent).unwrap();
    }
    bench.delivered().await;
    let (one, other) = (bench.engine.clone(), bench.engine.clone());
    let (one, other) = tokio::join!(one.work_off(), other.work_off());
    assert_eq!(one + other, 6);
    assert_eq!(bench.count("hubspot.contact.update.api"), updates + 6);
    bench.work().await;
}

/// A contact was made and the worker died while its number was written into Intercom; the next one failed at it. The
/// bench, and the contact in Intercom.
async fn made_but_not_ended() -> (Bench, String) {
    let mut bench = Bench::new().await;
    // The contact is made; the worker dies while its number is written into Intercom, and the next one may not.
    bench
        .sandbox
        .add_fault(Fault::new(Vendor::Intercom, FaultKind::TimeoutBeforeEffect).method("PUT").times(1));
    let user =
        json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint", "phone": "+49301111111"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.delivered().await;
    let engine = bench.engine.clone();
    let worker = tokio::spawn(async move { engine.work_off().await });
    bench.sandbox.call_held().await;
    worker.abort();
    let _ = worker.await;
    bench.sandbox.clear_faults();
    bench.advance(std::time::Duration::from_secs(61));
    bench.journal.rescue().await.unwrap();
    bench.sandbox.add_fault(Fault::new(Vendor::Intercom, FaultKind::MissingScopes).method("PUT").times(1));
    bench.advance(std::time::Duration::from_secs(5));
    bench.work().await;
    assert_eq!(bench.row(1).await.status, Status::Failed, "{}", bench.row(1).await.sentence);
    (bench, left)
}

#[tokio::test]
async fn a_create_that_ends_late_does_not_set_back_what_was_agreed_meanwhile() {
    let (mut bench, left) = made_but_not_ended().await;
    let edit = |bench: &Bench, phone: &str| {
        bench.sandbox.edit_intercom_contact(&left, &json!({"phone": phone}), Webhook::Sent).unwrap();
    };
    edit(&bench, "+49302222222");
    bench.work().await;
    bench.advance(std::time::Duration::from_secs(1));
    bench.operator().retry(&[ExecutionId(1)]).await.unwrap();
    bench.engine.run_one(ExecutionId(1)).await.unwrap();
    assert_eq!(bench.row(1).await.status, Status::Succeeded, "{}", bench.row(1).await.sentence);
    let agreed = bench.tables().texts("SELECT left_value FROM agreements WHERE field = 'Phone'");
    assert_eq!(agreed, ["\"+49302222222\""], "an older value would make the next edit a conflict");
    edit(&bench, "+49303333333");
    bench.work().await;
    let contact = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    assert_eq!(contact["properties"]["phone"], "+49303333333");
}

#[tokio::test]
async fn g3_a_create_that_ends_late_does_not_hide_a_write_whose_worker_died() {
    let (mut bench, left) = made_but_not_ended().await;
    let edit = |bench: &Bench, phone: &str| {
        bench.sandbox.edit_intercom_contact(&left, &json!({"phone": phone}), Webhook::Sent).unwrap();
    };
    // Its new number is written, and the worker dies before it can say so.
    let lost =
        Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect).path("contacts").method("PATCH").times(1);
    bench.sandbox.add_fault(lost);
    edit(&bench, "+49302222222");
    bench.delivered().await;
    let engine = bench.engine.clone();
    let worker = tokio::spawn(async move { engine.work_off().await });
    bench.sandbox.call_held().await;
    worker.abort();
    let _ = worker.await;
    bench.sandbox.clear_faults();
    let contact = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    assert_eq!(contact["properties"]["phone"], "+49302222222", "written before the worker died");
    bench.advance(std::time::Duration::from_secs(61));
    bench.journal.rescue().await.unwrap();
    bench.operator().retry(&[ExecutionId(1)]).await.unwrap();
    bench.engine.run_one(ExecutionId(1)).await.unwrap();
    assert_eq!(bench.row(1).await.status, Status::Succeeded, "{}", bench.row(1).await.sentence);
    edit(&bench, "+49303333333");
    bench.work().await;
    bench.advance(std::time::Duration::from_secs(120));
    bench.work().await;
    let conflicts = bench.tables().texts("SELECT field || ' ' || kind FROM conflicts");
    assert!(conflicts.is_empty(), "one side alone was edited: {conflicts:?}");
    let contact = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    assert_eq!(contact["properties"]["phone"], "+49303333333");
}
