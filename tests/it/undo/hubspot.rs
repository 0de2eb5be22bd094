//! HubSpot takes no merge apart: fields go back, the other contact is made anew, and what cannot come back is said first.

use std::time::Duration;

use reknit::domain::execution::Status;
use reknit::domain::ids::ExecutionId;
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::domain::review::{Decision, Duplicate};
use reknit::domain::undo::{Comes, Part};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::{Value, json};

use super::{is_different, merge, said, undo};
use crate::support::Bench;

fn contact(id: &str) -> RecordRef {
    RecordRef::new(System::Hubspot, ObjectKind::Contact, id)
}

/// Two contacts of HubSpot that look alike, each with values and a company of its own; the second is known to Intercom.
struct World {
    bench: Bench,
    pair: Duplicate,
    kept: RecordRef,
    gone: RecordRef,
    user: String,
    company: String,
}

impl World {
    async fn new() -> Self {
        let mut bench = Bench::build().patience(2).start().await;
        let company = bench
            .sandbox
            .new_hubspot_company(&json!({"name": "Quint Werke", "domain": "quint.example"}), Webhook::Sent)
            .unwrap();
        let kept = json!({"email": "mara.quint@quint.example", "firstname": "Mara", "lastname": "Quint",
            "city": "Berlin", "phone": "+493011111111"});
        let kept = bench.sandbox.new_hubspot_contact(&kept, Webhook::Sent).unwrap();
        bench.work().await;
        let more = json!({"name": "Mara Quint", "phone": "+493011111111"});
        let (user, gone) = bench.known_person("m.quint@quint.example", &more).await;
        let values = json!({"jobtitle": "Head of Finance", "zip": "10115", "city": "Hamburg"});
        bench.sandbox.edit_hubspot_contact(&gone, &values, Webhook::Sent).unwrap();
        bench.sandbox.link_hubspot_company(&gone, &company, Webhook::Sent).unwrap();
        bench.work().await;
        bench.load().await;
        bench.scan().await;
        let (kept, gone) = (contact(&kept), contact(&gone));
        let pairs = bench.duplicates().await;
        let is_ours =
            |pair: &&Duplicate| [&pair.left, &pair.right].iter().all(|one| [&kept, &gone].contains(one));
        let pair = pairs.iter().find(is_ours).unwrap_or_else(|| panic!("{pairs:#?}")).clone();
        Self { bench, pair, kept, gone, user, company }
    }

    /// The properties that the two hold and that people or apps have written.
    fn properties(&self, id: &str) -> Value {
        let all = self.bench.sandbox.hubspot_contact(id).unwrap()["properties"].clone();
        let mut kept = json!({});
        for name in [
            "email",
            "firstname",
            "lastname",
            "phone",
            "city",
            "zip",
            "jobtitle",
            "intercom_contact_id",
            "hs_additional_emails",
            "lifecyclestage",
        ] {
            kept[name] = all.get(name).cloned().unwrap_or(Value::Null);
        }
        kept
    }

    async fn merged(&mut self) -> (ExecutionId, String) {
        let (pair, kept) = (self.pair.clone(), self.kept.clone());
        let id = merge(&mut self.bench, &pair, &kept).await;
        let merged = self.bench.sandbox.hubspot_find_by_email("mara.quint@quint.example").unwrap();
        (id, merged["id"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn g7_a_hubspot_merge_is_taken_back_as_far_as_hubspot_allows() {
    let mut world = World::new().await;
    let before = [&world.kept, &world.gone].map(|record| world.properties(&record.id));
    let (merging, merged) = world.merged().await;
    assert_eq!(world.properties(&merged)["jobtitle"], json!("Head of Finance"), "the merge filled a gap");
    let contacts = world.bench.books()["records"]["hubspot"]["contacts"].as_u64().unwrap();

    // First what comes back and what does not; then the calls.
    let preview = world.bench.operator().preview(&Decision::UndoMerge { merge: merging }).await.unwrap();
    for (part, comes) in [
        (Part::Record, Comes::Partly),
        (Part::Associations, Comes::Back),
        (Part::Timeline, Comes::Not),
        (Part::Subscriptions, Comes::Not),
        (Part::Ids, Comes::Partly),
        (Part::Lists, Comes::Not),
    ] {
        assert_eq!(said(&preview.returns, &world.gone, part), comes, "{part}");
    }
    assert_eq!(said(&preview.returns, &contact(&merged), Part::Fields), Comes::Back);
    let paths: Vec<&str> = preview.calls.iter().map(|call| call.path.as_str()).collect();
    assert!(paths.iter().any(|path| path.contains("/secondary-email/")), "{paths:?}");
    assert!(paths.contains(&"/crm/v3/objects/contacts"), "{paths:?}");
    assert_eq!(world.bench.books()["records"]["hubspot"]["contacts"], json!(contacts), "nothing was sent");

    let row = undo(&mut world.bench, merging).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    assert_eq!(world.properties(&merged), before[0], "the survivor is as it was");
    let again = world.bench.sandbox.hubspot_find_by_email("m.quint@quint.example").unwrap();
    let again = again["id"].as_str().unwrap().to_owned();
    assert_ne!(again, merged);
    assert_eq!(world.properties(&again), before[1], "the other one is there again");
    assert_eq!(world.bench.sandbox.hubspot_companies_of(&again), [world.company.clone()]);
    assert_eq!(world.bench.books()["records"]["hubspot"]["contacts"].as_u64(), Some(contacts + 1));

    // Intercom and the identity map follow; the pair is called different.
    let user = world.bench.intercom(&world.user);
    assert_eq!(user["custom_attributes"]["hubspot_contact_id"], json!(again));
    let person = |record: &str| {
        world.bench.tables().number(&format!(
            "SELECT coalesce((SELECT person_id FROM identities WHERE record = '{record}'), 0)"
        ))
    };
    let intercom = person(&format!("intercom/contact/{}", world.user));
    assert_eq!(intercom, person(&format!("hubspot/contact/{again}")));
    assert_ne!(intercom, person(&format!("hubspot/contact/{merged}")));
    is_different(&mut world.bench, &contact(&merged), &contact(&again)).await;

    // What was before the undo is kept too, and the audit names who and what.
    let capsules = world
        .bench
        .tables()
        .number(&format!("SELECT count(*) FROM capsules WHERE execution_id = {}", row.id.0));
    assert_eq!(capsules, 1);
    let audit = world.bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with(&format!("olga undo_merge {merging}: "))), "{audit:#?}");

    // Not twice.
    let twice = world.bench.operator().decide(&Decision::UndoMerge { merge: merging }).await.unwrap_err();
    let twice = twice.to_string();
    assert!(twice.contains("taken back already") && twice.contains("olga"), "{twice}");
    assert_eq!(world.bench.count("hubspot.contact.create.api"), 2, "Mara by the sync, and again by the undo");
}

#[tokio::test]
async fn g7_what_was_changed_since_the_merge_is_left() {
    let mut world = World::new().await;
    let (merging, merged) = world.merged().await;
    let change = json!({"jobtitle": "Chief Financial Officer"});
    world.bench.sandbox.edit_hubspot_contact(&merged, &change, Webhook::Sent).unwrap();
    world.bench.work().await;
    let preview = world.bench.operator().preview(&Decision::UndoMerge { merge: merging }).await.unwrap();
    assert_eq!(said(&preview.returns, &contact(&merged), Part::Fields), Comes::Partly);
    let row = undo(&mut world.bench, merging).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    let now = world.properties(&merged);
    assert_eq!(now["jobtitle"], json!("Chief Financial Officer"), "a human's later word stands");
    assert_eq!(now["zip"], Value::Null, "what nobody touched went back");
}

/// Kills the worker at every call of an undo, before and after the vendor has done it, and lets another take over.
#[tokio::test]
async fn g7_a_kill_between_any_two_steps_makes_nothing_twice() {
    let mut kills = 0;
    for kind in [FaultKind::TimeoutBeforeEffect, FaultKind::TimeoutAfterEffect] {
        for call in 0.. {
            let mut world = World::new().await;
            let (merging, merged) = world.merged().await;
            let before = world.bench.count("hubspot.contact.create.api");
            world.bench.operator().decide(&Decision::UndoMerge { merge: merging }).await.unwrap();
            let mut fault = Fault::new(Vendor::HubSpot, kind.clone()).after(call).times(1);
            fault.writes_only = true;
            world.bench.sandbox.add_fault(fault);
            let engine = world.bench.engine.clone();
            let mut worker = tokio::spawn(async move { engine.work_off().await });
            let hung = tokio::select! {
                () = world.bench.sandbox.call_held() => true,
                _ = &mut worker => false,
            };
            if hung {
                worker.abort();
                let _ = worker.await;
            }
            world.bench.sandbox.clear_faults();
            if hung {
                kills += 1;
                world.bench.advance(Duration::from_secs(61));
                world.bench.journal.rescue().await.unwrap();
                world.bench.advance(Duration::from_secs(5));
            }
            world.bench.work_out().await;
            let row = world
                .bench
                .tables()
                .row("SELECT status, sentence FROM executions WHERE recipe = 'undo-merge'");
            assert_eq!(row["status"], "succeeded", "{kind:?} {call}: {row}");
            assert_eq!(world.bench.count("hubspot.contact.create.api"), before + 1, "{kind:?} {call}");
            assert_eq!(world.properties(&merged)["zip"], Value::Null, "{kind:?} {call}");
            if !hung {
                break;
            }
        }
    }
    assert!(kills >= 6, "{kills} kills");
}

#[tokio::test]
async fn g7_the_console_shows_what_comes_back_and_asks() {
    let mut world = World::new().await;
    let (merging, _) = world.merged().await;
    let effects = world.bench.effects().len();
    world.bench.press("2").await;
    world.bench.show_all().await;
    let rows = world.bench.rows().await;
    let place = rows.iter().position(|row| row.id == merging).unwrap();
    world.bench.press("g").await;
    for _ in 0..place {
        world.bench.press("j").await;
    }
    world.bench.press("u").await;
    world.bench.says("Take back the merge of");
    world.bench.says("in part");
    world.bench.says("HubSpot takes no merge apart");
    world.bench.press("Enter").await;
    assert_eq!(world.bench.work().await, 0, "Enter is never yes");
    assert_eq!(world.bench.effects().len(), effects);
    world.bench.press("u Y").await;
    world.bench.work().await;
    assert!(world.bench.sandbox.hubspot_find_by_email("m.quint@quint.example").is_some());
    let row = world.bench.tables().row("SELECT status FROM executions WHERE recipe = 'undo-merge'");
    assert_eq!(row["status"], "succeeded");
}
