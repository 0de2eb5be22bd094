//! Intercom: leads into users, and what is done where Intercom merges no such pair.

use reknit::domain::execution::Status;
use reknit::domain::merge::{Instead, MergeWish};
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::{believed, carried_out, hubspot, intercom, merge, take};
use crate::support::Bench;

fn contact(bench: &Bench, role: &str, values: &Value) -> String {
    let mut contact = json!({"role": role, "name": "Ana Berg"});
    for (name, value) in values.as_object().unwrap() {
        contact[name] = value.clone();
    }
    bench.sandbox.new_intercom_user(&contact, Webhook::Silent).unwrap()
}

#[tokio::test]
async fn a_lead_goes_into_its_user_and_the_crm_refers_to_the_user() {
    let mut bench = Bench::new().await;
    let user = contact(&bench, "user", &json!({"email": "ana@berg.example", "phone": "+49301"}));
    let lead = contact(
        &bench,
        "lead",
        &json!({"email": "ana@berg.example", "phone": "+49302", "unsubscribed_from_emails": true,
            "custom_attributes": {"job_title": "CTO"}}),
    );
    let properties = json!({"email": "ana@berg.example", "lastname": "Berg", "intercom_contact_id": lead});
    let crm = bench.sandbox.new_hubspot_contact(&properties, Webhook::Silent).unwrap();
    bench.load().await;
    bench.journal.unite(vec![(vec![intercom(&lead), hubspot(&crm)], Vec::new())]).await.unwrap();
    let (left, right) = (intercom(&user), intercom(&lead));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let decision = merge(id, &left, MergeWish { take: vec![take("phone", &right)], ..MergeWish::default() });
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let now = bench.intercom(&user);
    assert_eq!((&now["phone"], &now["unsubscribed_from_emails"]), (&json!("+49302"), &json!(true)));
    assert_eq!(now["custom_attributes"]["job_title"], json!("CTO"));
    assert_eq!(
        bench.hubspot(&crm)["intercom_contact_id"],
        json!(user),
        "the CRM refers to the one that goes on"
    );
    let known = bench.journal.known(&hubspot(&crm)).await.unwrap().records;
    assert!(known.contains(&left) && !known.contains(&right), "{known:?}");
    assert_eq!(bench.count("intercom.contact.merge.api"), 1);
}

#[tokio::test]
async fn two_users_cannot_be_merged_and_the_alternative_loses_nothing() {
    let mut bench = Bench::new().await;
    let one = contact(&bench, "user", &json!({"email": "ana@berg.example", "external_id": "u1"}));
    let other = contact(
        &bench,
        "user",
        &json!({"email": "a@home.example", "external_id": "u2", "phone": "+49302", "unsubscribed_from_emails": true}),
    );
    let properties = json!({"email": "a@home.example", "lastname": "Berg", "intercom_contact_id": other});
    let crm = bench.sandbox.new_hubspot_contact(&properties, Webhook::Silent).unwrap();
    bench.load().await;
    bench.journal.unite(vec![(vec![intercom(&other), hubspot(&crm)], Vec::new())]).await.unwrap();
    let (left, right) = (intercom(&one), intercom(&other));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let error = bench.operator().decide(&merge(id, &left, MergeWish::default())).await.unwrap_err();
    assert!(
        error.to_string().contains("cannot merge two users")
            && error.to_string().contains("--instead copy-and-archive"),
        "{error}"
    );
    let wish = MergeWish { instead: Some(Instead::CopyAndArchive), ..MergeWish::default() };
    let decision = merge(id, &left, wish);
    let preview = bench.operator().preview(&decision).await.unwrap();
    assert!(
        !preview.irreversible && preview.calls.iter().any(|call| call.path.ends_with("/archive")),
        "{preview:#?}"
    );
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let now = bench.intercom(&one);
    assert_eq!((&now["phone"], &now["email"]), (&json!("+49302"), &json!("ana@berg.example")));
    assert_eq!(now["unsubscribed_from_emails"], json!(true), "an opt-out survives here too");
    assert_eq!(bench.count("intercom.contact.merge.api"), 0);
    assert_eq!(bench.count("intercom.contact.archive.api"), 1);
    assert_eq!(bench.hubspot(&crm)["intercom_contact_id"], json!(one));
    let images = bench.journal.before_merge(run.id).await.unwrap();
    assert_eq!(images.len(), 2, "both are kept whole, as before a merge");
    assert_eq!(images.iter().find(|image| image.mirror.record == left).unwrap().mirror.text("phone"), "");
    let known = bench.journal.known(&hubspot(&crm)).await.unwrap().records;
    assert!(known.contains(&left), "{known:?}");
    let row = bench.tables().row(&format!("SELECT state FROM duplicates WHERE id = {}", id.0));
    assert_eq!(row["state"], "done");
}

#[tokio::test]
async fn what_intercom_can_merge_is_not_archived_instead() {
    let bench = Bench::new().await;
    let user = contact(&bench, "user", &json!({"email": "ana@berg.example"}));
    let lead = contact(&bench, "lead", &json!({"email": "ana@berg.example"}));
    bench.load().await;
    let (left, right) = (intercom(&user), intercom(&lead));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let wish = MergeWish { instead: Some(Instead::CopyAndArchive), ..MergeWish::default() };
    let error = bench.operator().decide(&merge(id, &left, wish)).await.unwrap_err();
    assert!(error.to_string().contains("leave --instead out"), "{error}");
}
