//! A create whose answer never comes: in doubt, looked up, never made twice.

use reknit::domain::execution::{Outcome, Status};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

const CREATE: &str = "hubspot POST /crm/v3/objects/contacts";

async fn doubtful(kind: FaultKind) -> Bench {
    let mut bench = Bench::build().patience(1).start().await;
    let fault =
        Fault::new(Vendor::HubSpot, kind).method("POST").writes_about(&["mara@quint.example"]).times(1);
    bench.sandbox.add_fault(fault);
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    let row = bench.row(1).await;
    assert_eq!((row.status, row.attempts), (Status::InDoubt, 1), "{}", row.sentence);
    assert!(row.sentence.contains("It may have happened: looked up before anything is sent again."));
    let wait = row.due_at.unwrap().since(bench.now());
    assert!((1..=10_000).contains(&wait), "{wait} ms");
    bench.show_all().await;
    bench.press("G").await;
    bench.says("? in_doubt");
    bench
}

#[tokio::test]
async fn what_happened_unseen_is_found_and_not_made_again() {
    let mut bench = doubtful(FaultKind::TimeoutAfterEffect).await;
    assert_eq!(bench.books()["calls"][CREATE], 1);
    bench.work_when_due().await;
    let row = bench.row(1).await;
    assert_eq!((row.status, row.outcome), (Status::Succeeded, Some(Outcome::Created)), "{}", row.sentence);
    assert_eq!((&bench.books()["calls"][CREATE], bench.count("hubspot.contact.create.api")), (&json!(1), 1));
    assert_eq!(bench.books()["double_creates"], json!([]));
    let contact = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    let user = &bench.sandbox.intercom_find_by_email("mara@quint.example")[0];
    assert_eq!(user["custom_attributes"]["hubspot_contact_id"], contact["id"]);
}

#[tokio::test]
async fn what_did_not_happen_is_made_once() {
    let mut bench = doubtful(FaultKind::TimeoutBeforeEffect).await;
    bench.work_when_due().await;
    let row = bench.row(1).await;
    assert_eq!((row.status, row.outcome), (Status::Succeeded, Some(Outcome::Created)), "{}", row.sentence);
    assert_eq!((&bench.books()["calls"][CREATE], bench.count("hubspot.contact.create.api")), (&json!(2), 1));
    assert_eq!(bench.books()["double_creates"], json!([]));
}

#[tokio::test]
async fn an_impatient_key_still_looks_first() {
    let mut bench = doubtful(FaultKind::TimeoutAfterEffect).await;
    bench.press("r").await;
    bench.work().await;
    assert_eq!(bench.row(1).await.status, Status::Succeeded);
    assert_eq!(bench.count("hubspot.contact.create.api"), 1);
    assert_eq!(bench.books()["calls"][CREATE], 1);
}
