//! One user with everything the mapping knows arrives in the CRM with exactly that, once; the stage comes back.

use reknit::domain::execution::{Outcome, Status};
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use crate::support::Bench;

/// A user with every mapped field; its id.
fn everybody(bench: &Bench, webhook: Webhook) -> String {
    let user = json!({
        "role": "user",
        "external_id": "user_8821",
        "email": "Mara@Quint.example",
        "name": "Mara  van der Quint",
        "phone": "+49 30 1111111",
        "signed_up_at": 1_698_765_432,
        "custom_attributes": {"plan": "pro", "job_title": "VP of Engineering"},
    });
    let company =
        bench.sandbox.new_intercom_company("acme-1", &json!({"name": "Acme GmbH & Co. KG"}), Webhook::Silent);
    let id = bench.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
    bench.sandbox.attach_intercom_company(&id, &company, Webhook::Silent);
    // The one webhook comes when all is in place.
    bench
        .sandbox
        .edit_intercom_contact(&id, &json!({"custom_attributes": {"company_size": "201-500"}}), webhook)
        .unwrap();
    id
}

#[tokio::test]
async fn r34_to_r39_a_user_with_everything_arrives_with_exactly_that() {
    let mut bench = Bench::new().await;
    let left = everybody(&bench, Webhook::Sent);
    bench.delivered().await;
    assert!(bench.sandbox.redeliver_last_webhook(), "R32: the same event twice");
    bench.work().await;
    let row = bench.row(1).await;
    assert_eq!((row.status, row.outcome), (Status::Succeeded, Some(Outcome::Created)), "{}", row.sentence);
    let contact = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    let mut properties = bench.hubspot(contact["id"].as_str().unwrap());
    // What HubSpot sets itself.
    for own in ["hs_object_id", "createdate", "lifecyclestage"] {
        assert!(properties.as_object_mut().unwrap().remove(own).is_some(), "{own}");
    }
    properties.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let email = properties.as_object_mut().unwrap().remove("email").unwrap();
    assert_eq!(email.as_str().unwrap().to_lowercase(), "mara@quint.example");
    assert_eq!(
        properties,
        json!({
            "firstname": "Mara",
            "lastname": "van der Quint",
            "phone": "+49 30 1111111",
            "company": "Acme GmbH & Co. KG",
            "jobtitle": "VP of Engineering",
            "hs_lead_status": "IN_PROGRESS",
            "intercom_signed_up_at": "2023-10-31T15:17:12.000Z",
            "intercom_contact_id": left,
        })
    );
    assert_eq!(bench.count("hubspot.contact.create.api"), 1);
    assert_eq!(bench.books()["records"]["hubspot"]["contacts"], 1);
    assert_eq!(bench.intercom(&left)["custom_attributes"]["hubspot_contact_id"], contact["id"]);
}

#[tokio::test]
async fn r32_somebody_the_crm_knows_by_email_is_updated_not_created() {
    let mut bench = Bench::new().await;
    let known = json!({"email": "mara@quint.example", "firstname": "M.", "city": "Graz"});
    let right = bench.sandbox.new_hubspot_contact(&known, Webhook::Silent).unwrap();
    let left = everybody(&bench, Webhook::Sent);
    bench.work().await;
    assert_eq!(bench.count("hubspot.contact.create.api"), 0);
    assert_eq!(bench.books()["records"]["hubspot"]["contacts"], 1);
    let properties = bench.hubspot(&right);
    let read = |name: &str| properties[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (read("firstname"), read("lastname"), read("city")),
        ("Mara".into(), "van der Quint".into(), "Graz".into())
    );
    assert_eq!(read("intercom_contact_id"), left);
}

#[tokio::test]
async fn r33_a_stage_moved_in_the_crm_reaches_the_attribute_by_webhook_and_by_looking() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let stage = |bench: &Bench| bench.intercom(&left)["custom_attributes"]["lifecycle_stage"].clone();
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "opportunity"}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    assert_eq!(stage(&bench), "opportunity");
    bench.load().await;
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "customer"}), Webhook::Silent)
        .unwrap();
    assert_eq!(bench.engine.poll_once().await.unwrap(), 1);
    bench.work().await;
    assert_eq!(stage(&bench), "customer");
}

#[tokio::test]
async fn r38_an_unmapped_plan_is_a_conflict_and_everything_else_is_written() {
    let mut bench = Bench::new().await;
    let (left, right) =
        bench.known_person("mara@quint.example", &json!({"custom_attributes": {"plan": "pro"}})).await;
    assert_eq!(bench.hubspot(&right)["hs_lead_status"], "IN_PROGRESS");
    let change = json!({"phone": "+49301111111", "custom_attributes": {"plan": "enterprise_plus"}});
    bench.sandbox.edit_intercom_contact(&left, &change, Webhook::Sent).unwrap();
    bench.work().await;
    let after = bench.hubspot(&right);
    assert_eq!((&after["hs_lead_status"], &after["phone"]), (&json!("IN_PROGRESS"), &json!("+49301111111")));
    let open = bench.conflicts().await;
    assert_eq!((open.len(), open[0].kind.to_string().as_str()), (1, "not_allowed"));
    assert_eq!(
        open[0].allowed[0], "OPEN_DEAL",
        "what the nearest tier stands for comes first: {:?}",
        open[0].allowed
    );
    bench.press("3").await;
    bench.says("value not allowed");
    bench.press("e").await;
    bench.type_text("open_d").await;
    bench.press("Enter").await;
    bench.says("Tab takes \"OPEN_DEAL\"");
    bench.press("Tab Enter d Y").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["hs_lead_status"], "OPEN_DEAL");
    assert_eq!(
        bench.intercom(&left)["custom_attributes"]["plan"],
        "enterprise_plus",
        "Intercom's tier is its own"
    );
    assert!(bench.conflicts().await.is_empty());
}

#[tokio::test]
async fn r109_somebody_without_an_email_is_skipped_with_a_reason() {
    let mut bench = Bench::new().await;
    bench
        .sandbox
        .new_intercom_user(&json!({"role": "user", "external_id": "u1", "name": "No Mail"}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    let row = bench.row(1).await;
    assert_eq!((row.status, row.outcome), (Status::Skipped, Some(Outcome::Skip)));
    assert!(row.sentence.contains("no e-mail"), "{}", row.sentence);
    assert_eq!(bench.effects(), Vec::<String>::new());
    let none: Option<Value> = bench.sandbox.hubspot_find("lastname", "Mail");
    assert!(none.is_none());
}

#[tokio::test]
async fn r37_a_company_attached_later_is_carried_over() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let company =
        bench.sandbox.new_intercom_company("acme-1", &json!({"name": "Acme GmbH"}), Webhook::Silent);
    bench.sandbox.attach_intercom_company(&left, &company, Webhook::Sent);
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["company"], "Acme GmbH");
}

#[tokio::test]
async fn a_lead_with_a_users_email_does_not_take_over_the_users_contact() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    let before = bench.hubspot(&right);
    let lead = json!({"role": "lead", "email": "mara@quint.example", "name": "mq", "phone": "+49309999999"});
    let lead = bench.sandbox.new_intercom_user(&lead, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.hubspot(&right), before);
    assert_eq!(bench.count("hubspot.contact.create.api"), 1);
    let row = bench.newest().await;
    assert_eq!((row.status, row.outcome), (Status::Skipped, Some(Outcome::Skip)));
    assert!(
        row.sentence.contains(&left) && row.sentence.contains("look like one person"),
        "{}",
        row.sentence
    );
    assert_eq!(bench.intercom(&lead)["custom_attributes"]["hubspot_contact_id"], Value::Null);
    // And the user's own changes still arrive.
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49302222222");
}
