//! Intercom takes no merge apart either: the lead is made anew, its conversations stay with the user.

use reknit::domain::execution::Status;
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::domain::review::{Decision, Duplicate};
use reknit::domain::undo::{Comes, Part};
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::{is_different, merge, said, undo};
use crate::support::Bench;

fn values(contact: &Value) -> Value {
    let mut kept = json!({});
    for name in ["role", "email", "name", "phone", "external_id", "unsubscribed_from_emails"] {
        kept[name] = contact[name].clone();
    }
    kept["custom_attributes"] = contact["custom_attributes"].clone();
    kept
}

#[tokio::test]
async fn g7_a_lead_that_went_into_a_user_is_made_anew() {
    let mut bench = Bench::build().start().await;
    let (user, _) = bench.known_person("mara@quint.example", &json!({"phone": null})).await;
    let lead = json!({"role": "lead", "email": "mara@quint.example", "name": "Mara Quint",
        "phone": "+493011111111", "custom_attributes": {"job_title": "Head of Finance"}});
    let lead = bench.sandbox.new_intercom_user(&lead, Webhook::Silent).unwrap();
    bench.load().await;
    bench.scan().await;
    let contact = |id: &str| RecordRef::new(System::Intercom, ObjectKind::Contact, id);
    let (survivor, absorbed) = (contact(&user), contact(&lead));
    let pairs = bench.duplicates().await;
    let ours =
        |pair: &&Duplicate| [&pair.left, &pair.right].iter().all(|it| [&survivor, &absorbed].contains(it));
    let pair = pairs.iter().find(ours).unwrap_or_else(|| panic!("{pairs:#?}")).clone();
    let before = [&user, &lead].map(|id| values(&bench.intercom(id)));
    let merging = merge(&mut bench, &pair, &survivor).await;
    assert_eq!(bench.intercom(&user)["phone"], json!("+493011111111"), "the merge filled a gap");

    let preview = bench.operator().preview(&Decision::UndoMerge { merge: merging }).await.unwrap();
    assert_eq!(said(&preview.returns, &absorbed, Part::Record), Comes::Partly);
    assert_eq!(said(&preview.returns, &absorbed, Part::Timeline), Comes::Not);
    let row = undo(&mut bench, merging).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    assert_eq!(values(&bench.intercom(&user)), before[0]);
    let all = bench.sandbox.intercom_find_by_email("mara@quint.example");
    let leads: Vec<&Value> = all.iter().filter(|one| one["role"] == "lead").collect();
    assert_eq!(leads.len(), 1, "{all:#?}");
    assert_eq!(values(leads[0]), before[1]);
    let again = contact(leads[0]["id"].as_str().unwrap());
    is_different(&mut bench, &survivor, &again).await;
    let twice = bench.operator().decide(&Decision::UndoMerge { merge: merging }).await.unwrap_err();
    assert!(twice.to_string().contains("taken back already"), "{twice}");
}
