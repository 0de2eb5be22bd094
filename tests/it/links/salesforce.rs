//! Salesforce: the account of a contact, further accounts, leads that are converted.

use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::domain::review::{Decision, LinkAs};
use reknit::engine::operate::Operator;
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::{company, decided, link};
use crate::support::Bench;

async fn world() -> (Bench, Operator, String, String) {
    let bench = Bench::build().salesforce().start().await;
    let operator = bench.operator().of_crm(System::Salesforce, None);
    let account = json!({"Name": "Northlight GmbH", "Website": "northlight.example"});
    let account = bench.sandbox.new_salesforce_row("Account", &account, Webhook::Silent).unwrap();
    let contact = json!({"LastName": "Berg", "FirstName": "Ana", "Email": "ana@northlight.example"});
    let contact = bench.sandbox.new_salesforce_row("Contact", &contact, Webhook::Silent).unwrap();
    (bench, operator, account, contact)
}

fn further(bench: &Bench, contact: &str) -> Vec<Value> {
    let rows = bench.sandbox.salesforce_find("AccountContactRelation", "ContactId", contact);
    rows.into_iter().filter(|row| row["IsDirect"] != json!(true)).collect()
}

#[tokio::test]
async fn an_empty_account_is_filled_and_emptied_again() {
    let (mut bench, operator, account, contact) = world().await;
    bench.load().await;
    bench.scan().await;
    let before = bench.salesforce("Contact", &contact);
    let to = company(System::Salesforce, &account);
    let made = link(&mut bench, &operator, &to, LinkAs::Auto).await;
    assert_eq!(bench.salesforce("Contact", &contact)["AccountId"], json!(account));
    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    decided(&mut bench, &operator, &undo).await;
    assert_eq!(bench.salesforce("Contact", &contact), before);
    assert!(further(&bench, &contact).is_empty());
}

#[tokio::test]
async fn an_account_somebody_chose_meanwhile_stays_and_the_link_goes_beside_it() {
    let (mut bench, operator, account, contact) = world().await;
    let other = json!({"Name": "Quint"});
    let other = bench.sandbox.new_salesforce_row("Account", &other, Webhook::Silent).unwrap();
    bench.load().await;
    bench.scan().await;
    let chosen = json!({"AccountId": other});
    bench.sandbox.edit_salesforce_row("Contact", &contact, &chosen, Webhook::Silent).unwrap();
    let to = company(System::Salesforce, &account);
    let made = link(&mut bench, &operator, &to, LinkAs::Auto).await;
    assert_eq!(bench.salesforce("Contact", &contact)["AccountId"], json!(other));
    assert_eq!(further(&bench, &contact)[0]["AccountId"], json!(account));
    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    decided(&mut bench, &operator, &undo).await;
    assert!(further(&bench, &contact).is_empty());
    assert_eq!(bench.salesforce("Contact", &contact)["AccountId"], json!(other));
}

#[tokio::test]
async fn what_somebody_changed_since_is_not_undone() {
    let (mut bench, operator, account, contact) = world().await;
    let other =
        bench.sandbox.new_salesforce_row("Account", &json!({"Name": "Quint"}), Webhook::Silent).unwrap();
    bench.load().await;
    bench.scan().await;
    let to = company(System::Salesforce, &account);
    let made = link(&mut bench, &operator, &to, LinkAs::Auto).await;
    let chosen = json!({"AccountId": other});
    bench.sandbox.edit_salesforce_row("Contact", &contact, &chosen, Webhook::Silent).unwrap();
    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    let id = operator.decide(&undo).await.unwrap();
    bench.work().await;
    let said = bench.detail(id).await.execution.sentence;
    assert!(said.contains("somebody changed it since"), "{said}");
    assert_eq!(bench.salesforce("Contact", &contact)["AccountId"], json!(other));
}

#[tokio::test]
async fn an_account_is_made_and_a_whole_domain_linked() {
    let (mut bench, operator, account, contact) = world().await;
    let second = json!({"LastName": "Cole", "Email": "bo@northlight.example"});
    let second = bench.sandbox.new_salesforce_row("Contact", &second, Webhook::Silent).unwrap();
    let third = json!({"LastName": "Dahl", "Email": "di@quint.example"});
    let third = bench.sandbox.new_salesforce_row("Contact", &third, Webhook::Silent).unwrap();
    bench.load().await;
    bench.scan().await;
    let to = company(System::Salesforce, &account);
    let proposal = operator.propose_domain("northlight.example", &to, true).await.unwrap();
    assert_eq!(proposal.rows.len(), 2);
    operator.carry_out_domain(&proposal).await.unwrap();
    bench.work().await;
    for id in [&contact, &second] {
        assert_eq!(bench.salesforce("Contact", id)["AccountId"], json!(account));
    }
    // The third names no company anywhere: a rule makes them a question, and the account is made for them.
    operator.rule_for_domain("quint.example", Some(to), "").await.unwrap();
    bench.scan().await;
    let open = bench.unlinked().await;
    let item = open.iter().find(|item| item.contact.id == third).unwrap();
    let found = Decision::Found { unlinked: item.id, name: "Quint".into(), domain: "quint.example".into() };
    decided(&mut bench, &operator, &found).await;
    let made = bench.salesforce("Contact", &third)["AccountId"].as_str().unwrap().to_owned();
    let made = bench.salesforce("Account", &made);
    assert_eq!((&made["Name"], &made["Website"]), (&json!("Quint"), &json!("quint.example")));
    assert_eq!(bench.count("salesforce.Account.create.api"), 1);
}

#[tokio::test]
async fn a_lead_becomes_a_contact_of_the_account_when_asked_to() {
    let (mut bench, operator, account, contact) = world().await;
    let gone = json!({"AccountId": account});
    bench.sandbox.edit_salesforce_row("Contact", &contact, &gone, Webhook::Silent).unwrap();
    let lead = json!({"LastName": "Ekman", "Company": "Northlight", "Email": "eva@northlight.example"});
    let lead = bench.sandbox.new_salesforce_row("Lead", &lead, Webhook::Silent).unwrap();
    bench.load().await;
    bench.scan().await;
    let open = bench.unlinked().await;
    assert_eq!(open[0].contact, RecordRef::new(System::Salesforce, ObjectKind::Lead, &lead));
    let to = company(System::Salesforce, &account);
    let plain = Decision::Link { unlinked: open[0].id, company: to.clone(), how: LinkAs::Auto };
    assert!(operator.decide(&plain).await.is_err(), "never unasked");
    let made = link(&mut bench, &operator, &to, LinkAs::Convert).await;
    let contacts = bench.sandbox.salesforce_find("Contact", "Email", "eva@northlight.example");
    assert_eq!(contacts[0]["AccountId"], json!(account));
    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    assert!(operator.preview(&undo).await.is_err(), "there is no way back");
}
