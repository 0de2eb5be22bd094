//! The standing data and the books.

use serde_json::{Value, json};

use super::{empty, fixed, hubspot, intercom, started};
use crate::sandbox::{Sandbox, Settings};

#[tokio::test]
async fn one_seed_makes_one_world_and_another_seed_another() {
    let first = started().await.state_hash();
    assert_eq!(first, started().await.state_hash());
    let other = Sandbox::start(Settings { seed: 8, ..fixed() }).await.unwrap();
    assert_ne!(first, other.state_hash());
}

#[tokio::test]
async fn the_standing_data_has_its_troubles_and_linked_people_agree() {
    let sandbox = started().await;
    let count = |kind: &str| sandbox.truth()[kind].as_array().map_or(0, Vec::len);
    assert!(count("duplicates") >= 14 && count("false_friends") >= 7 && count("unlinked") >= 12);
    assert_eq!((count("intercom_leads"), count("duplicate_companies")), (4, 2));
    for entry in sandbox.truth()["unlinked"].as_array().unwrap() {
        assert!(sandbox.hubspot_companies_of(entry["contact"].as_str().unwrap()).is_empty());
    }
    for group in sandbox.truth()["duplicates"].as_array().unwrap() {
        for id in group.as_array().unwrap() {
            assert!(sandbox.hubspot_contact(id.as_str().unwrap()).is_some());
        }
    }
    let mut people = 0;
    while let Some((user, contact)) = sandbox.next_clean_person() {
        let (user, contact) =
            (sandbox.intercom_contact(&user).unwrap(), sandbox.hubspot_contact(&contact).unwrap());
        let properties = &contact["properties"];
        let name = format!(
            "{} {}",
            properties["firstname"].as_str().unwrap(),
            properties["lastname"].as_str().unwrap()
        );
        assert_eq!(user["name"], name);
        assert_eq!((&user["email"], &user["phone"]), (&properties["email"], &properties["phone"]));
        assert_eq!(user["custom_attributes"]["job_title"], properties["jobtitle"]);
        assert_eq!(user["custom_attributes"]["lifecycle_stage"], properties["lifecyclestage"]);
        assert_eq!(user["custom_attributes"]["hubspot_contact_id"], contact["id"]);
        assert_eq!(properties["intercom_contact_id"], user["id"]);
        let signed_up: jiff::Timestamp =
            properties["intercom_signed_up_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(user["signed_up_at"], signed_up.as_second());
        people += 1;
    }
    assert!(people > 120, "{people}");
}

#[tokio::test]
async fn the_books_tell_who_did_what() {
    let sandbox = empty().await;
    hubspot(
        &sandbox,
        "POST",
        "/crm/v3/objects/contacts",
        Some(json!({"properties": {"email": "ana@northlight.com"}})),
    )
    .await;
    for _ in 0..2 {
        intercom(&sandbox, "POST", "/contacts", Some(json!({"role": "lead", "email": "zoe@gmail.com"})))
            .await;
    }
    let url = format!("{}/_sandbox/books", sandbox.intercom_base_url());
    let books: Value = super::read(super::client().get(url).send().await.unwrap()).await.body;
    assert_eq!(books["counts"], json!({"hubspot.contact.create.api": 1, "intercom.contact.create.api": 2}));
    assert_eq!(books["double_creates"][0]["value"], "zoe@gmail.com");
    assert_eq!(books["calls"]["intercom POST /contacts"], 2);
    assert_eq!(books["answers"]["hubspot 201"], 1);
}

#[tokio::test]
async fn shutting_down_lets_held_connections_go() {
    let sandbox = empty().await;
    sandbox.add_fault(crate::sandbox::Fault::new(
        crate::sandbox::Vendor::HubSpot,
        crate::sandbox::FaultKind::TimeoutBeforeEffect,
    ));
    let url = format!("{}/crm/v3/owners", sandbox.hubspot_base_url());
    let held = tokio::spawn(super::client().get(url).bearer_auth(sandbox.hubspot_token()).send());
    while sandbox.books()["calls"]["hubspot GET /crm/v3/owners"].is_null() {
        tokio::task::yield_now().await;
    }
    sandbox.shutdown().await;
    assert_eq!(held.await.unwrap().unwrap().status(), 504);
}

#[tokio::test]
async fn a_large_world_keeps_its_e_mails_apart() {
    let settings = Settings { people: 3_000, companies: 300, ..fixed() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let mut emails = std::collections::HashSet::new();
    let mut people = 0;
    while let Some((user, contact)) = sandbox.next_clean_person() {
        let user = sandbox.intercom_contact(&user).unwrap();
        let email = user["email"].as_str().unwrap().to_owned();
        assert_eq!(sandbox.hubspot_find_by_email(&email).unwrap()["id"], contact, "{email}");
        assert!(emails.insert(email));
        people += 1;
    }
    assert!(people > 2_000, "{people}");
}

#[tokio::test]
async fn salesforce_knows_the_same_people_under_the_same_keys_and_some_twice() {
    let sandbox = started().await;
    let report = sandbox.books();
    let census = &report["records"]["salesforce"];
    for object in ["Lead", "Contact", "Account", "User", "LeadStatus"] {
        assert!(census[object].as_u64().unwrap() > 2, "{census}");
    }
    let mut known = 0;
    while let Some((user, _)) = sandbox.next_clean_person() {
        let user = sandbox.intercom_contact(&user).unwrap();
        for object in ["Lead", "Contact"] {
            let id = user["id"].as_str().unwrap();
            for row in sandbox.salesforce_find(object, "Intercom_Contact_ID__c", id) {
                assert_eq!((&row["Name"], &row["Email"]), (&user["name"], &user["email"]));
                assert_eq!(row["Plan__c"], user["custom_attributes"]["plan"]);
                if object == "Contact" {
                    assert!(sandbox.salesforce_row("Account", row["AccountId"].as_str().unwrap()).is_some());
                }
                known += 1;
            }
        }
    }
    assert!(known > 80, "{known}");
    let truth = &sandbox.truth()["salesforce"];
    for pair in truth["duplicate_leads"].as_array().unwrap() {
        let email = |index: usize| {
            sandbox.salesforce_row("Lead", pair[index].as_str().unwrap()).unwrap()["Email"].clone()
        };
        assert_eq!(email(0), email(1));
    }
    assert!(!truth["leads_and_contacts"].as_array().unwrap().is_empty());
    let without = Sandbox::start(Settings { salesforce_people: false, ..fixed() }).await.unwrap();
    assert_eq!(
        without.books()["records"]["salesforce"],
        json!({"Organization": 1, "User": 3, "LeadStatus": 4, "OpportunityStage": 8, "CaseStatus": 4})
    );
    assert_eq!(without.truth()["duplicates"], sandbox.truth()["duplicates"]);
}
