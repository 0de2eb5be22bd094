//! Somebody is erased: by command, by a deletion at one vendor, with a side that fails, and never comes back.

use std::time::Duration;

use reknit::domain::clock::Timestamp;
use reknit::domain::erasure::{Erasure, ErasureState, PartState, Ways};
use reknit::domain::execution::Status;
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::engine::erasure::{OnHubspot, OnIntercom, Whom};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::{Value, json};

use crate::support::Bench;

const EMAIL: &str = "mara@quint.example";

async fn bench(on_hubspot: OnHubspot, on_intercom: OnIntercom) -> Bench {
    Bench::build()
        .engine(|engine| {
            engine.erasure.on_hubspot_deletion = on_hubspot;
            engine.erasure.on_intercom_deletion = on_intercom;
        })
        .start()
        .await
}

fn contact(system: System, id: &str) -> RecordRef {
    RecordRef::new(system, ObjectKind::Contact, id)
}

async fn only(bench: &Bench) -> Erasure {
    let mut all = bench.journal.erasures(false).await.unwrap();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn states(erasure: &Erasure) -> Vec<String> {
    erasure.parts.iter().map(|part| format!("{} {} {}", part.system, part.way, part.state)).collect()
}

/// No file of the journal says the address or the name.
fn forgotten(bench: &Bench) {
    for entry in std::fs::read_dir(bench.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).to_lowercase();
        for text in [EMAIL, "mara quint", "+49301111111"] {
            assert!(!bytes.contains(text), "{} holds {text}", path.display());
        }
    }
}

/// Looks, loads and scans bring nobody back, and nothing is written to a vendor.
async fn stays_erased(bench: &mut Bench) {
    let effects = bench.effects();
    bench.engine.poll_once().await.unwrap();
    bench.load().await;
    bench.work().await;
    bench.scan().await;
    assert_eq!(bench.effects(), effects);
    let tables = bench.tables();
    assert_eq!(tables.number("SELECT count(*) FROM mirror WHERE object = 'contact'"), 0);
    assert_eq!(tables.number("SELECT count(*) FROM identities"), 0);
    drop(tables);
    bench.journal.scrub().await.unwrap();
    forgotten(bench);
    bench.audit().await;
}

#[tokio::test]
async fn r88_an_operator_erases_somebody_in_both_systems() {
    let mut bench = Bench::new().await;
    // Intercom tells whole seconds, and who signs up within the erasure's own second counts as erased: theirs is a
    // later one.
    bench.clock.set(Timestamp(bench.now().0 - 2_000));
    let (left, right) = bench.known_person(EMAIL, &json!({"phone": "+49301111111"})).await;
    let operator = bench.operator();
    let whom = Whom::Address(EMAIL.to_uppercase());
    let (person, preview) = operator.preview_erasure(&whom, &[], Ways::EVERYWHERE).await.unwrap();
    assert_eq!(person.records.len(), 2);
    let calls: Vec<String> =
        preview.calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    assert_eq!(
        calls,
        [format!("DELETE /contacts/{left}"), "POST /crm/v3/objects/contacts/gdpr-delete".to_owned()]
    );
    assert!(bench.journal.erasures(false).await.unwrap().is_empty(), "a preview changes nothing");
    operator.erase(&whom, &[], Ways::EVERYWHERE).await.unwrap();
    bench.work().await;
    assert!(
        bench.sandbox.intercom_contact(&left).is_none() && bench.sandbox.hubspot_contact(&right).is_none()
    );
    let erasure = only(&bench).await;
    assert_eq!(erasure.state, ErasureState::Done, "{erasure:#?}");
    assert_eq!(states(&erasure), ["hubspot erase done", "intercom erase done", "journal overwrite done"]);
    for part in erasure.parts.iter().filter(|part| part.system != "journal") {
        let told = bench.tables().texts(&format!(
            "SELECT coalesce(max(request_id), '') FROM attempts WHERE execution_id = {}",
            part.execution.unwrap().0
        ));
        assert!(part.at.is_some() && part.request_id.clone().unwrap_or_default() == told[0], "{part:?}");
    }
    // What the vendors tell of our own deletions starts nothing and is kept without a body.
    assert!(bench.tables().number("SELECT count(*) FROM events WHERE ignored LIKE '%erased%'") >= 2);
    assert!(bench.audit().await.iter().any(|line| line.starts_with("olga erase er_1")));
    stays_erased(&mut bench).await;
    // They sign up again: a new person, who reaches the CRM like any other.
    let back = bench.known_person(EMAIL, &json!({})).await;
    assert_ne!((&back.0, &back.1), (&left, &right));
}

#[tokio::test]
async fn r86_a_privacy_deletion_in_hubspot_deletes_the_intercom_contact() {
    let mut bench = bench(OnHubspot::Delete, OnIntercom::Anonymise).await;
    let (left, right) = bench.known_person(EMAIL, &json!({"phone": "+49301111111"})).await;
    assert!(bench.sandbox.erase_hubspot_contact(&right, Webhook::Sent));
    bench.work().await;
    assert!(bench.sandbox.intercom_contact(&left).is_none());
    assert_eq!(
        bench.books()["calls"][format!("intercom DELETE /contacts/{left}").as_str()].as_u64().or(Some(1)),
        Some(1)
    );
    let erasure = only(&bench).await;
    assert_eq!(erasure.state, ErasureState::Done, "{erasure:#?}");
    assert_eq!(erasure.asked_by, "hubspot");
    assert_eq!(states(&erasure), ["hubspot told done", "intercom erase done", "journal overwrite done"]);
    stays_erased(&mut bench).await;
}

#[tokio::test]
async fn r87_a_deletion_in_intercom_clears_the_hubspot_contact() {
    let mut bench = bench(OnHubspot::Delete, OnIntercom::Anonymise).await;
    let (left, right) = bench.known_person(EMAIL, &json!({"phone": "+49301111111"})).await;
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "customer"}), Webhook::Silent)
        .unwrap();
    assert!(bench.sandbox.delete_intercom_contact(&left, Webhook::Sent));
    bench.work().await;
    let after = bench.hubspot(&right);
    for field in ["email", "firstname", "lastname", "phone", "intercom_contact_id"] {
        assert!(matches!(&after[field], Value::Null) || after[field] == "", "{field}: {after:#}");
    }
    assert_eq!(after["lifecyclestage"], "customer");
    let erasure = only(&bench).await;
    assert_eq!(erasure.state, ErasureState::Done, "{erasure:#?}");
    assert_eq!(states(&erasure), ["hubspot anonymise done", "intercom told done", "journal overwrite done"]);
    stays_erased(&mut bench).await;
}

#[tokio::test]
async fn archiving_is_no_deletion_and_an_unset_side_asks_a_human() {
    let mut bench = bench(OnHubspot::Nothing, OnIntercom::Nothing).await;
    let (left, right) = bench.known_person(EMAIL, &json!({})).await;
    assert!(bench.sandbox.archive_intercom_contact(&left, Webhook::Sent));
    bench.work().await;
    assert!(bench.journal.erasures(false).await.unwrap().is_empty());
    let before = bench.hubspot(&right);
    assert!(bench.sandbox.delete_intercom_contact(&left, Webhook::Sent));
    bench.work().await;
    assert_eq!(bench.hubspot(&right), before);
    let erasure = only(&bench).await;
    assert_eq!(erasure.state, ErasureState::Asked, "{erasure:#?}");
    assert_eq!(states(&erasure), ["hubspot nothing open", "intercom told done"]);
    bench.operator().approve_erasure(erasure.id, Ways::EVERYWHERE).await.unwrap();
    bench.work().await;
    assert!(bench.sandbox.hubspot_contact(&right).is_none());
    assert_eq!(only(&bench).await.state, ErasureState::Done);
    stays_erased(&mut bench).await;
}

#[tokio::test]
async fn r88_a_side_that_fails_stays_open_and_a_retry_finishes_it() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person(EMAIL, &json!({"phone": "+49301111111"})).await;
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).path("gdpr-delete"));
    let operator = bench.operator();
    operator.erase(&Whom::Record(contact(System::Hubspot, &right)), &[], Ways::EVERYWHERE).await.unwrap();
    bench.work().await;
    assert!(bench.sandbox.intercom_contact(&left).is_none(), "the other side does not wait for it");
    let erasure = only(&bench).await;
    assert_eq!(erasure.state, ErasureState::Open);
    assert_eq!(states(&erasure), ["hubspot erase failed", "intercom erase done", "journal overwrite done"]);
    bench.sandbox.clear_faults();
    assert_eq!(operator.retry_erasure(erasure.id).await.unwrap().len(), 1);
    bench.work().await;
    assert!(bench.sandbox.hubspot_contact(&right).is_none());
    assert_eq!(only(&bench).await.state, ErasureState::Done);
    stays_erased(&mut bench).await;
}

#[tokio::test]
async fn g3_a_deletion_whose_answer_was_lost_is_looked_up_and_done_once() {
    let mut bench = Bench::build().patience(30).start().await;
    let (left, right) = bench.known_person(EMAIL, &json!({})).await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect).path("gdpr-delete");
    bench.sandbox.add_fault(fault.times(1));
    bench
        .operator()
        .erase(&Whom::Record(contact(System::Intercom, &left)), &[], Ways::EVERYWHERE)
        .await
        .unwrap();
    let engine = bench.engine.clone();
    let worker = tokio::spawn(async move { engine.work_off().await });
    while bench.count("hubspot.contact.gdpr_delete.api") == 0 {
        tokio::task::yield_now().await;
    }
    // The vendor has done it, the answer is not here: this is when the worker dies.
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    bench.advance(Duration::from_secs(61));
    bench.journal.rescue().await.unwrap();
    bench.advance(Duration::from_secs(5));
    bench.work().await;
    let erasure = only(&bench).await;
    assert_eq!(erasure.state, ErasureState::Done, "{erasure:#?}");
    assert!(
        bench.sandbox.hubspot_contact(&right).is_none() && bench.sandbox.intercom_contact(&left).is_none()
    );
    assert_eq!(bench.count("hubspot.contact.gdpr_delete.api"), 1);
    assert!(bench.rows().await.iter().all(|row| row.status != Status::Running));
    assert!(erasure.parts.iter().all(|part| part.state == PartState::Done));
}
