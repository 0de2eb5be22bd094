//! Keys of the console and what the vendors' own books say afterwards: running again from the start, holding back, giving
//! up, relating a whole domain, making a company, translating, looking at a connection again.

use reknit::domain::execution::Status;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

/// Somebody known on both sides, whose next change HubSpot refused once.
async fn refused(bench: &mut Bench, phone: &str) -> (String, String) {
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).writes_about(&[&right]).times(1);
    bench.sandbox.add_fault(fault);
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": phone}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.newest().await.status, Status::Failed, "{:?}", bench.newest().await);
    (left, right)
}

#[tokio::test]
async fn from_the_start_writes_what_is_so_today_and_once() {
    let mut bench = Bench::new().await;
    let (left, right) = refused(&mut bench, "+49301111111").await;
    let before = bench.count("hubspot.contact.update.api");
    let now = json!({"phone": "+49302222222"});
    bench.sandbox.edit_intercom_contact(&left, &now, Webhook::Silent).unwrap();
    bench.press("2 F Enter").await;
    assert_eq!(bench.work().await, 0, "Enter is never yes");
    bench.press("F Y").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49302222222");
    assert_eq!(bench.count("hubspot.contact.update.api"), before + 1);
    assert_eq!(bench.newest().await.status, Status::Succeeded);
}

#[tokio::test]
async fn what_is_given_up_is_never_sent() {
    let mut bench = Bench::new().await;
    let (_, right) = refused(&mut bench, "+49301111111").await;
    let effects = bench.effects().len();
    bench.press("2 D o l d Enter Y").await;
    assert_eq!(bench.newest().await.status, Status::Discarded);
    bench.work_out().await;
    assert_eq!(bench.effects().len(), effects, "{:?}", &bench.effects()[effects..]);
    assert!(bench.hubspot(&right)["phone"].is_null());
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with("olga discard ex_")), "{audit:#?}");
}

#[tokio::test]
async fn what_is_held_waits_and_goes_on_by_the_same_key() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let phone = json!({"phone": "+49301111111"});
    bench.sandbox.edit_intercom_contact(&left, &phone, Webhook::Sent).unwrap();
    bench.delivered().await;
    bench.look().await;
    let effects = bench.effects().len();
    bench.press("2 h").await;
    bench.says("held");
    bench.work().await;
    assert_eq!(bench.effects().len(), effects, "nothing of it is sent meanwhile");
    bench.press("h").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
}

#[tokio::test]
async fn a_paused_recipe_sends_nothing_until_it_is_let_go_on_after_a_yes() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.show_all().await;
    bench.press("H b a d Enter").await;
    let effects = bench.effects().len();
    let phone = json!({"phone": "+49301111111"});
    bench.sandbox.edit_intercom_contact(&left, &phone, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.effects().len(), effects);
    bench.show_all().await;
    bench.press("H Enter").await;
    bench.work().await;
    assert_eq!(bench.effects().len(), effects, "Enter is never yes");
    bench.press("H Y").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
}

fn person(bench: &Bench, mail: &str, company: &str) -> String {
    let name = mail.split('@').next().unwrap();
    let fields = json!({"email": mail, "firstname": "Ana", "lastname": name, "company": company});
    bench.sandbox.new_hubspot_contact(&fields, Webhook::Silent).unwrap()
}

#[tokio::test]
async fn a_whole_domain_is_related_person_by_person_after_one_yes() {
    let mut bench = Bench::new().await;
    let fields = json!({"name": "Northlight GmbH", "domain": "northlight.example"});
    let company = bench.sandbox.new_hubspot_company(&fields, Webhook::Silent).unwrap();
    let people = ["ana@northlight.example", "ben@northlight.example"].map(|mail| person(&bench, mail, ""));
    bench.load().await;
    bench.scan().await;
    let effects = bench.effects().len();
    bench.press("5 L Enter Enter").await;
    assert_eq!(bench.work().await, 0, "Enter is never yes");
    bench.press("L Enter Y").await;
    bench.work().await;
    for id in &people {
        assert_eq!(bench.sandbox.hubspot_companies_of(id), [company.as_str()]);
    }
    let new = bench.effects().split_off(effects);
    assert!(new.len() == 2 && new.iter().all(|line| line.contains("associate")), "{new:?}");
}

#[tokio::test]
async fn a_company_that_is_nowhere_is_made_once_and_related() {
    let mut bench = Bench::new().await;
    let id = person(&bench, "ana@northlight.example", "Northlight GmbH");
    bench.load().await;
    bench.scan().await;
    assert_eq!(bench.unlinked().await.len(), 1);
    bench.press("5 c").await;
    bench.says("/crm/v3/objects/companies");
    bench.press("Enter").await;
    assert_eq!(bench.work().await, 0, "Enter is never yes");
    bench.press("c Y").await;
    bench.work().await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&id).len(), 1);
    assert_eq!(bench.count("hubspot.company.create.api"), 1, "{:?}", bench.effects());
    assert_eq!(bench.books()["double_creates"], json!([]));
}

#[tokio::test]
async fn a_domain_that_is_never_asked_about_again_changes_nothing_at_the_vendor() {
    let mut bench = Bench::new().await;
    let fields = json!({"name": "Northlight GmbH", "domain": "northlight.example"});
    bench.sandbox.new_hubspot_company(&fields, Webhook::Silent).unwrap();
    person(&bench, "ana@northlight.example", "");
    bench.load().await;
    bench.scan().await;
    let effects = bench.effects().len();
    bench.press("5 D Y").await;
    bench.work().await;
    bench.scan().await;
    assert!(bench.unlinked().await.is_empty());
    assert_eq!(bench.effects().len(), effects);
}

#[tokio::test]
async fn a_translation_by_key_mends_everybody_who_has_the_value() {
    let mut bench = Bench::new().await;
    let pro = json!({"custom_attributes": {"plan": "pro"}});
    let mut people = Vec::new();
    for mail in ["ana@quint.example", "ben@quint.example"] {
        people.push(bench.known_person(mail, &pro).await);
    }
    for (left, _) in &people {
        let gold = json!({"custom_attributes": {"plan": "gold"}});
        bench.sandbox.edit_intercom_contact(left, &gold, Webhook::Sent).unwrap();
    }
    bench.work().await;
    assert_eq!(bench.conflicts().await.len(), 2);
    bench.press("3 f").await;
    bench.retype("CONNECTED").await;
    bench.press("Enter").await;
    bench.says("+gold = \"CONNECTED\"");
    bench.press("Y").await;
    bench.engine.rules().look(&bench.journal).await.unwrap();
    bench.work().await;
    assert!(bench.conflicts().await.is_empty());
    for (_, right) in &people {
        assert_eq!(bench.hubspot(right)["hs_lead_status"], "CONNECTED");
    }
}

#[tokio::test]
async fn a_connection_that_was_mended_is_looked_at_by_key_and_what_waited_is_sent() {
    let mut bench = Bench::new().await;
    bench.load().await;
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized));
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.journal.breakers().await.unwrap().len(), 1);
    bench.sandbox.clear_faults();
    assert_eq!(bench.work().await, 0, "it rests");
    bench.press("7").await;
    bench.says("HubSpot");
    bench.press("f Enter").await;
    assert_eq!(bench.work().await, 0, "Enter is never yes");
    bench.press("f Y").await;
    bench.work_out().await;
    assert_eq!(bench.count("hubspot.contact.create.api"), 1, "{:?}", bench.effects());
}
