//! One person, two records in the CRM and two in Intercom: merged in both, in order; taken back where the second refuses;
//! resumed after a kill without merging twice.

use std::time::Duration;

use reknit::domain::execution::Status;
use reknit::domain::ids::DuplicateId;
use reknit::domain::merge::MergeWish;
use reknit::domain::record::RecordRef;
use reknit::domain::review::Decision;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use super::{believed, carried_out, hubspot, intercom, merge, take};
use crate::support::Bench;

struct Person {
    crm: [RecordRef; 2],
    user: RecordRef,
    lead: RecordRef,
    pairs: Vec<DuplicateId>,
}

/// A user and a lead, each with a contact of their own.
async fn person(bench: &Bench) -> Person {
    let contact = |role: &str| {
        let contact = json!({"role": role, "name": "Ana Berg", "email": "ana@berg.example"});
        bench.sandbox.new_intercom_user(&contact, Webhook::Silent).unwrap()
    };
    let (user, lead) = (contact("user"), contact("lead"));
    let crm = [("ana@berg.example", &user, "+49301"), ("a@home.example", &lead, "+49302")].map(
        |(email, id, phone)| {
            let properties =
                json!({"email": email, "lastname": "Berg", "phone": phone, "intercom_contact_id": id});
            hubspot(&bench.sandbox.new_hubspot_contact(&properties, Webhook::Silent).unwrap())
        },
    );
    bench.load().await;
    let (user, lead) = (intercom(&user), intercom(&lead));
    let people = vec![
        (vec![user.clone(), crm[0].clone()], Vec::new()),
        (vec![lead.clone(), crm[1].clone()], Vec::new()),
    ];
    bench.journal.unite(people).await.unwrap();
    let pairs = believed(bench, &[(&crm[0], &crm[1]), (&user, &lead)]).await;
    Person { crm, user, lead, pairs }
}

async fn decision(bench: &Bench, person: &Person) -> Decision {
    let wish = MergeWish { take: vec![take("phone", &person.crm[1])], ..MergeWish::default() };
    bench.operator().whole_merge(person.pairs[0], Some(person.crm[0].clone()), wish).await.unwrap()
}

#[tokio::test]
async fn both_systems_are_merged_in_order_and_refer_to_each_other() {
    let mut bench = Bench::new().await;
    let person = person(&bench).await;
    let decision = decision(&bench, &person).await;
    let preview = bench.operator().preview(&decision).await.unwrap();
    let merges: Vec<&str> = preview
        .calls
        .iter()
        .filter(|call| call.path.ends_with("/merge"))
        .map(|call| call.path.as_str())
        .collect();
    assert_eq!(merges, ["/crm/v3/objects/contacts/merge", "/contacts/merge"], "HubSpot goes before Intercom");
    assert_eq!(preview.merges.len(), 2);
    assert!(preview.notes.iter().any(|note| note.contains("If a later one refuses")), "{:#?}", preview.notes);
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().unwrap();
    let new = merged.merged[0].result.clone().unwrap();
    assert_eq!(bench.intercom(&person.user.id)["custom_attributes"]["hubspot_contact_id"], json!(new.id));
    let contact = bench.hubspot(&new.id);
    assert_eq!(
        (&contact["intercom_contact_id"], &contact["phone"]),
        (&json!(person.user.id), &json!("+49302"))
    );
    assert_eq!(bench.journal.before_merge(run.id).await.unwrap().len(), 4);
    assert_eq!((bench.count("hubspot.contact.merge.api"), bench.count("intercom.contact.merge.api")), (1, 1));
    let known = bench.journal.known(&new).await.unwrap().records;
    assert!(known.contains(&person.user) && known.len() == 2, "{known:?}");
    assert_eq!(bench.tables().number("SELECT count(*) FROM duplicates WHERE state = 'open'"), 0);
}

#[tokio::test]
async fn when_the_second_system_refuses_what_can_be_is_taken_back_and_the_rest_is_said() {
    let mut bench = Bench::new().await;
    let person = person(&bench).await;
    let decision = decision(&bench, &person).await;
    let fault = Fault::new(Vendor::Intercom, FaultKind::MissingScopes).method("POST").path("/contacts/merge");
    bench.sandbox.add_fault(fault);
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Failed, "{}", run.sentence);
    for words in ["Taken back: Set back phone", "HubSpot cannot take its merge apart", "still open"] {
        assert!(run.sentence.contains(words), "{words}: {}", run.sentence);
    }
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().unwrap();
    assert_eq!(merged.done().count(), 1);
    let new = merged.done().next().unwrap().result.clone().unwrap();
    assert_eq!(bench.hubspot(&new.id)["phone"], json!("+49301"), "the survivor's own value is back");
    for contact in [&person.user, &person.lead] {
        let refers = bench.intercom(&contact.id)["custom_attributes"]["hubspot_contact_id"].clone();
        assert_eq!(refers, json!(new.id), "{contact} refers to the merged contact");
    }
    let state = |id: DuplicateId| {
        bench.tables().row(&format!("SELECT state FROM duplicates WHERE id = {}", id.0))["state"].clone()
    };
    assert_eq!((state(person.pairs[0]), state(person.pairs[1])), (json!("done"), json!("open")));
    // Trying again does nothing twice: what was merged stays said, and nothing is sent.
    bench.sandbox.clear_faults();
    let effects = bench.effects().len();
    bench.operator().retry(&[run.id]).await.unwrap();
    bench.work().await;
    assert_eq!(bench.row(run.id.0).await.status, Status::Failed);
    assert_eq!(bench.effects().len(), effects);
    // The pair that is left is merged by itself.
    let shown_anew = believed(&bench, &[(&person.user, &person.lead)]).await[0];
    assert_eq!(shown_anew, person.pairs[1]);
    let rest = carried_out(&mut bench, &merge(shown_anew, &person.user, MergeWish::default())).await;
    assert_eq!(rest.status, Status::Succeeded, "{}", rest.sentence);
    assert_eq!(bench.count("intercom.contact.merge.api"), 1);
}

#[tokio::test]
async fn g7_a_kill_between_any_two_steps_of_both_systems_merges_each_once() {
    let mut kills = 0;
    for kind in [FaultKind::TimeoutBeforeEffect, FaultKind::TimeoutAfterEffect] {
        for call in 0.. {
            let mut bench = Bench::build().patience(3).start().await;
            let person = person(&bench).await;
            let decision = decision(&bench, &person).await;
            let id = bench.operator().decide(&decision).await.unwrap();
            for vendor in [Vendor::HubSpot, Vendor::Intercom] {
                bench.sandbox.add_fault(Fault::new(vendor, kind.clone()).after(call).times(1));
            }
            let engine = bench.engine.clone();
            let mut worker = tokio::spawn(async move { engine.work_off().await });
            let hung = tokio::select! {
                () = bench.sandbox.call_held() => true,
                _ = &mut worker => false,
            };
            if hung {
                worker.abort();
                let _ = worker.await;
                kills += 1;
            }
            bench.sandbox.clear_faults();
            bench.advance(Duration::from_secs(61));
            bench.journal.rescue().await.unwrap();
            bench.advance(Duration::from_secs(5));
            bench.work().await;
            let run = bench.row(id.0).await;
            assert_eq!(run.status, Status::Succeeded, "{kind:?} {call}: {}", run.sentence);
            let counts =
                (bench.count("hubspot.contact.merge.api"), bench.count("intercom.contact.merge.api"));
            assert_eq!(counts, (1, 1), "{kind:?} {call}");
            let merged = bench.journal.merge_of_execution(id).await.unwrap().unwrap();
            assert_eq!(merged.done().count(), 2, "{kind:?} {call}");
            assert!(merged.merged.iter().all(|one| one.capsule.is_some()), "{kind:?} {call}: {merged:?}");
            let new = merged.merged[0].result.clone().unwrap();
            assert_eq!(bench.hubspot(&new.id)["phone"], json!("+49302"), "{kind:?} {call}");
            let refers = bench.intercom(&person.user.id)["custom_attributes"]["hubspot_contact_id"].clone();
            assert_eq!(refers, json!(new.id), "{kind:?} {call}");
            if !hung {
                break;
            }
        }
    }
    assert!(kills > 12, "{kills}");
}
