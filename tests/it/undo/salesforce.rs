//! Salesforce brings a merged record back from its recycle bin; a converted lead it does not.

use reknit::domain::execution::Status;
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::domain::review::{Decision, Duplicate};
use reknit::domain::undo::{Comes, Part};
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::{is_different, merge, said, undo};
use crate::support::Bench;

fn record(object: ObjectKind, id: &str) -> RecordRef {
    RecordRef::new(System::Salesforce, object, id)
}

const FIELDS: [&str; 8] =
    ["FirstName", "LastName", "Email", "Phone", "Title", "AccountId", "Intercom_Contact_ID__c", "IsDeleted"];

fn fields(bench: &Bench, object: &str, id: &str) -> Value {
    let row = bench.sandbox.salesforce_row(object, id).unwrap_or_else(|| panic!("no {object} {id}"));
    let mut kept = json!({});
    for name in FIELDS {
        kept[name] = row.get(name).cloned().unwrap_or(Value::Null);
    }
    kept
}

async fn paired(bench: &mut Bench, one: &RecordRef, other: &RecordRef) -> Duplicate {
    bench.work().await;
    bench.load().await;
    bench.scan().await;
    let pairs = bench.duplicates().await;
    let ours = |pair: &&Duplicate| [&pair.left, &pair.right].iter().all(|it| [one, other].contains(it));
    pairs.iter().find(ours).unwrap_or_else(|| panic!("{pairs:#?}")).clone()
}

#[tokio::test]
async fn g7_a_salesforce_merge_is_taken_back_by_undelete() {
    let mut bench = Bench::build().salesforce().start().await;
    let account = bench
        .sandbox
        .new_salesforce_row("Account", &json!({"Name": "Quint Werke"}), Webhook::Silent)
        .unwrap();
    let (user, gone) =
        bench.known_in_salesforce("m.quint@quint.example", &json!({"phone": "+493011111111"})).await;
    let kept = json!({"FirstName": "Mara", "LastName": "Quint", "Email": "mara.quint@quint.example",
        "Phone": "+493011111111"});
    let kept = bench.sandbox.new_salesforce_row("Contact", &kept, Webhook::Sent).unwrap();
    let change = json!({"Title": "Head of Finance", "AccountId": account});
    bench.sandbox.edit_salesforce_row("Contact", &gone, &change, Webhook::Sent).unwrap();
    let (survivor, absorbed) = (record(ObjectKind::Contact, &kept), record(ObjectKind::Contact, &gone));
    let pair = paired(&mut bench, &survivor, &absorbed).await;
    let before = [&kept, &gone].map(|id| fields(&bench, "Contact", id));
    let merging = merge(&mut bench, &pair, &survivor).await;
    assert_eq!(fields(&bench, "Contact", &gone)["IsDeleted"], json!(true));

    let preview = bench.operator().preview(&Decision::UndoMerge { merge: merging }).await.unwrap();
    for (part, comes) in [
        (Part::Record, Comes::Back),
        (Part::Fields, Comes::Back),
        (Part::Associations, Comes::Partly),
        (Part::Timeline, Comes::Not),
        (Part::Ids, Comes::Back),
    ] {
        assert_eq!(said(&preview.returns, &absorbed, part), comes, "{part}");
    }
    let row = undo(&mut bench, merging).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    assert_eq!([&kept, &gone].map(|id| fields(&bench, "Contact", id)), before);
    assert_eq!(bench.intercom(&user)["custom_attributes"]["salesforce_contact_id"], json!(gone));
    assert_eq!(bench.count("salesforce.Contact.undelete.api"), 1);
    is_different(&mut bench, &survivor, &absorbed).await;
    let twice = bench.operator().decide(&Decision::UndoMerge { merge: merging }).await.unwrap_err();
    assert!(twice.to_string().contains("taken back already"), "{twice}");
}

#[tokio::test]
async fn g7_a_converted_lead_that_the_orgs_rules_refuse_loses_nothing() {
    let mut bench = Bench::build().salesforce().start().await;
    let account = bench
        .sandbox
        .new_salesforce_row("Account", &json!({"Name": "Quint Werke"}), Webhook::Silent)
        .unwrap();
    let kept = json!({"FirstName": "Mara", "LastName": "Quint", "Email": "mara.quint@quint.example",
        "Phone": "+493011111111", "AccountId": account});
    let kept = bench.sandbox.new_salesforce_row("Contact", &kept, Webhook::Sent).unwrap();
    let lead = json!({"FirstName": "Mara", "LastName": "Quint", "Email": "m.quint@quint.example",
        "Phone": "+493011111111", "Company": "Quint Werke", "Title": "Head of Finance"});
    let lead = bench.sandbox.new_salesforce_row("Lead", &lead, Webhook::Sent).unwrap();
    let (survivor, absorbed) = (record(ObjectKind::Contact, &kept), record(ObjectKind::Lead, &lead));
    let pair = paired(&mut bench, &survivor, &absorbed).await;
    let before = fields(&bench, "Contact", &kept);
    let merging = merge(&mut bench, &pair, &survivor).await;
    let preview = bench.operator().preview(&Decision::UndoMerge { merge: merging }).await.unwrap();
    assert_eq!(said(&preview.returns, &absorbed, Part::Record), Comes::Partly);
    // The org's duplicate rule takes the new lead for the contact: refused, said, and nothing is lost.
    let row = undo(&mut bench, merging).await;
    assert_eq!(row.status, Status::Failed, "{}", row.sentence);
    assert_eq!(fields(&bench, "Contact", &kept), before);
    let again =
        bench.operator().decide(&Decision::UndoMerge { merge: merging }).await.unwrap_err().to_string();
    assert!(again.contains(&format!("reknit retry {}", row.id)), "{again}");
    let leads = bench.sandbox.salesforce_find("Lead", "Email", "m.quint@quint.example");
    assert_eq!(leads.len(), 1, "only the converted one: {leads:#?}");
    let kept = bench.journal.before_merge(merging).await.unwrap();
    assert!(
        kept.iter()
            .any(|image| image.mirror.record == absorbed && image.mirror.text("Title") == "Head of Finance")
    );
}
