//! Salesforce: contacts and leads by threes with the surviving values in the same call, leads by conversion.

use reknit::domain::execution::Status;
use reknit::domain::merge::MergeWish;
use reknit::domain::record::ObjectKind;
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::{believed, carried_out, merge, salesforce, take};
use crate::support::Bench;

async fn bench() -> Bench {
    Bench::build().salesforce().start().await
}

fn row(bench: &Bench, object: &str, values: &Value) -> String {
    bench.sandbox.new_salesforce_row(object, values, Webhook::Silent).unwrap()
}

fn effects(bench: &Bench, kind: &str) -> Vec<Value> {
    let books = bench.books();
    let all = books["effects"].as_array().unwrap();
    all.iter().filter(|effect| effect["kind"] == kind && effect["who"] == "api").cloned().collect()
}

#[tokio::test]
async fn two_contacts_become_one_with_the_chosen_values_in_one_call() {
    let mut bench = bench().await;
    let account = row(&bench, "Account", &json!({"Name": "Berg GmbH"}));
    let one = row(
        &bench,
        "Contact",
        &json!({"LastName": "Berg", "Email": "ana@berg.example", "Phone": "+49301", "AccountId": account}),
    );
    let other = row(
        &bench,
        "Contact",
        &json!({"LastName": "Berg", "Email": "a@home.example", "Phone": "+49302", "Title": "CTO", "DoNotCall": true,
            "HasOptedOutOfEmail": true}),
    );
    bench.load().await;
    let (left, right) = (salesforce(ObjectKind::Contact, &one), salesforce(ObjectKind::Contact, &other));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let decision = merge(id, &left, MergeWish { take: vec![take("Phone", &right)], ..MergeWish::default() });
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let now = bench.salesforce("Contact", &left.id);
    for (field, value) in [
        ("Phone", json!("+49302")),
        ("Title", json!("CTO")),
        ("Email", json!("ana@berg.example")),
        ("HasOptedOutOfEmail", json!(true)),
    ] {
        assert_eq!(now[field], value, "{field}");
    }
    assert_eq!(effects(&bench, "merge").len(), 1);
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().unwrap();
    assert_eq!(merged.remapped(), [(right.clone(), left.clone())]);
    assert_eq!(bench.journal.before_merge(run.id).await.unwrap().len(), 2);
    // The values went with the merge: no further write.
    assert_eq!(bench.count("salesforce.Contact.update.api"), bench.count("salesforce.Contact.merge.api"));
}

#[tokio::test]
async fn four_leads_become_one_by_threes() {
    let mut bench = bench().await;
    let leads: Vec<_> = (0..4)
        .map(|number| {
            let lead = json!({"LastName": "Berg", "Company": "Berg GmbH", "Email": format!("ana{number}@berg.example"),
                "DoNotCall": number == 3});
            salesforce(ObjectKind::Lead, &row(&bench, "Lead", &lead))
        })
        .collect();
    bench.load().await;
    let mut pairs = Vec::new();
    for (place, left) in leads.iter().enumerate() {
        pairs.extend(leads[place + 1..].iter().map(|right| (left, right)));
    }
    let id = believed(&bench, &pairs).await[0];
    let decision =
        bench.operator().whole_merge(id, Some(leads[0].clone()), MergeWish::default()).await.unwrap();
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let merges = effects(&bench, "merge");
    let losers: Vec<usize> =
        merges.iter().map(|merge| merge["detail"]["losers"].as_array().unwrap().len()).collect();
    assert_eq!(losers, [2, 1], "three records are the most one call takes");
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().unwrap();
    assert_eq!(merged.done().count(), 3);
    assert_eq!(merged.remapped().len(), 3);
    assert_eq!(bench.journal.before_merge(run.id).await.unwrap().len(), 4);
    assert_eq!(bench.salesforce("Lead", &leads[0].id)["DoNotCall"], json!(true), "an opt-out survives");
}

#[tokio::test]
async fn a_lead_is_converted_into_its_contact_without_an_opportunity() {
    let mut bench = bench().await;
    let account = row(&bench, "Account", &json!({"Name": "Berg GmbH"}));
    let contact = row(
        &bench,
        "Contact",
        &json!({"LastName": "Berg", "Email": "ana@berg.example", "AccountId": account}),
    );
    let lead = row(
        &bench,
        "Lead",
        &json!({"LastName": "Berg", "Company": "Berg", "Email": "ana@berg.example", "Phone": "+49302", "City": "Bonn"}),
    );
    bench.load().await;
    let (contact, lead) = (salesforce(ObjectKind::Contact, &contact), salesforce(ObjectKind::Lead, &lead));
    let owner = bench.salesforce("Contact", &contact.id)["OwnerId"].clone();
    let id = believed(&bench, &[(&contact, &lead)]).await[0];
    // By the rules the contact goes on, whoever is older.
    assert_eq!(bench.operator().survivor_of(id).await.unwrap(), contact);
    let wrong = bench.operator().decide(&merge(id, &lead, MergeWish::default())).await.unwrap_err();
    assert!(wrong.to_string().contains("choose the contact"), "{wrong}");
    let run = carried_out(&mut bench, &merge(id, &contact, MergeWish::default())).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let now = bench.salesforce("Contact", &contact.id);
    assert_eq!((&now["Phone"], &now["MailingCity"]), (&json!("+49302"), &json!("Bonn")));
    assert_eq!((&now["OwnerId"], &now["AccountId"]), (&owner, &json!(account)));
    assert_eq!(bench.salesforce("Lead", &lead.id)["ConvertedContactId"], json!(contact.id));
    assert_eq!(bench.sandbox.salesforce_rows("Opportunity"), Vec::<Value>::new());
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().unwrap();
    assert_eq!(merged.remapped(), [(lead.clone(), contact.clone())]);
    assert_eq!(bench.journal.before_merge(run.id).await.unwrap().len(), 2, "both kinds are kept");
}

#[tokio::test]
async fn a_contact_without_an_account_takes_no_lead_and_says_so_before_anything_is_sent() {
    let bench = bench().await;
    let contact = row(&bench, "Contact", &json!({"LastName": "Berg", "Email": "ana@berg.example"}));
    let lead =
        row(&bench, "Lead", &json!({"LastName": "Berg", "Company": "Berg", "Email": "ana@berg.example"}));
    bench.load().await;
    let (contact, lead) = (salesforce(ObjectKind::Contact, &contact), salesforce(ObjectKind::Lead, &lead));
    let id = believed(&bench, &[(&contact, &lead)]).await[0];
    let error = bench.operator().decide(&merge(id, &contact, MergeWish::default())).await.unwrap_err();
    assert!(error.to_string().contains("belongs to an account"), "{error}");
    assert_eq!(bench.effects(), Vec::<String>::new());
}
