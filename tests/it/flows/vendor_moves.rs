//! What people do at the vendors behind our back: archive, merge, take an e-mail; and how the operator mends it.

use reknit::domain::execution::{Outcome, Status};
use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn a_contact_archived_in_the_crm_fails_once_and_a_key_makes_it_anew() {
    let mut bench = Bench::new().await;
    let (left, old) = bench.known_person("mara@quint.example", &json!({})).await;
    assert!(bench.sandbox.archive_hubspot_contact(&old, Webhook::Silent));
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.work().await;
    let row = bench.newest().await;
    assert_eq!(
        (row.status, row.error_class.map(|c| c.to_string()).as_deref()),
        (Status::Failed, Some("not_found"))
    );
    bench.press("2").await;
    bench.says("is gone there");
    bench.says("Press r to look the person up again and create the record anew");
    let created = bench.count("hubspot.contact.create.api");
    bench.press("r").await;
    bench.work().await;
    let row = bench.row(row.id.0).await;
    assert_eq!((row.status, row.outcome), (Status::Succeeded, Some(Outcome::Created)), "{}", row.sentence);
    assert_eq!(bench.count("hubspot.contact.create.api"), created + 1);
    let new = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    assert_ne!(new["id"], old);
    assert_eq!(new["properties"]["phone"], "+49301111111");
    assert_eq!(bench.intercom(&left)["custom_attributes"]["hubspot_contact_id"], new["id"]);
}

#[tokio::test]
async fn a_contact_archived_in_intercom_leaves_the_crm_alone() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let (before, effects) = (bench.hubspot(&right), bench.effects());
    assert!(bench.sandbox.archive_intercom_contact(&left, Webhook::Sent));
    bench.work().await;
    let row = bench.newest().await;
    assert_eq!((row.status, row.outcome), (Status::Skipped, Some(Outcome::Skip)), "{}", row.sentence);
    assert_eq!((bench.hubspot(&right), bench.effects()), (before, effects));
}

#[tokio::test]
async fn somebody_archived_before_they_reached_the_crm_is_not_made_there() {
    let mut bench = Bench::new().await;
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
    assert!(bench.sandbox.archive_intercom_contact(&left, Webhook::Sent));
    bench.work().await;
    assert_eq!(bench.effects(), Vec::<String>::new());
    let row = bench.row(1).await;
    assert_eq!((row.status, row.outcome), (Status::Skipped, Some(Outcome::Skip)));
    assert!(row.sentence.contains("archived"), "{}", row.sentence);
}

#[tokio::test]
async fn a_merge_made_in_the_crm_is_followed() {
    for webhook in [Webhook::Sent, Webhook::Silent] {
        let mut bench = Bench::new().await;
        let (left, old) = bench.known_person("mara@quint.example", &json!({})).await;
        let other =
            json!({"email": "m.quint@old.example", "firstname": "Mara", "lastname": "Quint", "city": "Graz"});
        let other = bench.sandbox.new_hubspot_contact(&other, Webhook::Sent).unwrap();
        bench.work().await;
        let merged = bench.sandbox.merge_hubspot_contacts(&old, &other, webhook).unwrap();
        bench.work().await;
        bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
        bench.work().await;
        let after = bench.hubspot(&merged);
        assert_eq!(
            (&after["phone"], &after["city"]),
            (&json!("+49301111111"), &json!("Graz")),
            "{webhook:?}"
        );
        assert_eq!(
            bench.intercom(&left)["custom_attributes"]["hubspot_contact_id"],
            json!(merged),
            "{webhook:?}"
        );
        assert_eq!(bench.count("hubspot.contact.create.api"), 1);
        let failed = bench
            .tables()
            .texts("SELECT sentence FROM executions WHERE status NOT IN ('succeeded', 'skipped')");
        assert_eq!(failed, Vec::<String>::new());
        let ids = bench.tables().texts("SELECT record FROM identities ORDER BY record");
        assert_eq!(
            ids,
            [format!("hubspot/contact/{merged}"), format!("intercom/contact/{left}")],
            "{webhook:?}"
        );
    }
}

#[tokio::test]
async fn an_email_that_another_contact_holds_is_explained_and_a_merge_mends_it() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    let other = json!({"email": "mara.quint@new.example", "firstname": "Mara", "lastname": "Quint", "phone": "+49301111111"});
    let other = bench.sandbox.new_hubspot_contact(&other, Webhook::Silent).unwrap();
    bench.load().await;
    // One topic for one change: a new e-mail is told under two.
    bench.sandbox.subscribe_intercom_topic("contact.email.updated", false);
    bench
        .sandbox
        .edit_intercom_contact(&left, &json!({"email": "mara.quint@new.example"}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    let row = bench.newest().await;
    assert_eq!(
        (row.status, row.error_class.map(|c| c.to_string()).as_deref()),
        (Status::Failed, Some("duplicate_detected")),
        "{}",
        row.sentence
    );
    assert_eq!(bench.hubspot(&right)["email"], "mara@quint.example");
    bench.press("2").await;
    bench.says(&other);
    bench.scan().await;
    bench.press("4 m").await;
    bench.says("/crm/v3/objects/contacts/merge");
    bench.press("Y").await;
    bench.work().await;
    assert_eq!(bench.books()["records"]["hubspot"]["contacts"], 1);
    // The merge does not guess which address counts: that conflict is the operator's, and now it can be carried out.
    bench.press("3").await;
    bench.says("identity disagrees");
    bench.press("Left d Y").await;
    bench.work().await;
    assert!(bench.conflicts().await.is_empty());
    let row = bench.row(row.id.0).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    let one = bench.sandbox.hubspot_find_by_email("mara.quint@new.example").unwrap();
    assert_eq!(one["properties"]["email"], "mara.quint@new.example");
    assert_eq!(bench.intercom(&left)["custom_attributes"]["hubspot_contact_id"], one["id"]);
}

#[tokio::test]
async fn two_crm_contacts_that_fit_are_not_a_coin_toss() {
    let mut bench = Bench::new().await;
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
    let one = json!({"email": "mara@quint.example", "firstname": "Mara"});
    let right = bench.sandbox.new_hubspot_contact(&one, Webhook::Silent).unwrap();
    // Somebody else in the CRM claims to be this Intercom contact.
    let two = json!({"email": "else@quint.example", "intercom_contact_id": left});
    let other = bench.sandbox.new_hubspot_contact(&two, Webhook::Silent).unwrap();
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.count("hubspot.contact.create.api"), 0);
    assert_eq!(bench.books()["records"]["hubspot"]["contacts"], 2);
    // The external id counts before the e-mail; the other contact is left alone.
    assert!(bench.hubspot(&right)["phone"].is_null());
    let row = bench.row(1).await;
    assert!(
        row.status == Status::Failed || bench.hubspot(&other)["phone"] == "+49301111111",
        "{}",
        row.sentence
    );
}

#[tokio::test]
async fn a_decision_about_something_gone_says_so_and_comes_back() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+49303333333"}), Webhook::Sent).unwrap();
    bench.work().await;
    bench.press("3 Left d").await;
    assert!(bench.sandbox.archive_hubspot_contact(&right, Webhook::Silent));
    let effects = bench.effects();
    bench.press("Y").await;
    bench.work().await;
    let row = bench.newest().await;
    assert_eq!((row.status, row.recipe.as_str()), (Status::Failed, "resolve-conflict"));
    assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "open");
    assert_eq!(bench.effects(), effects);
    bench.says("+49302222222");
}

#[tokio::test]
async fn somebody_deleted_in_intercom_for_good_stays_in_the_crm_as_they_were() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let (before, effects) = (bench.hubspot(&right), bench.effects());
    assert!(bench.sandbox.delete_intercom_contact(&left, Webhook::Sent));
    bench.work().await;
    assert_eq!((bench.hubspot(&right), bench.effects()), (before, effects));
    assert_eq!(bench.newest().await.status, Status::Skipped);
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"lifecyclestage": "customer"}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    assert_eq!(bench.count("intercom.contact.create.api"), 0);
    let failed = bench.tables().texts("SELECT sentence FROM executions WHERE status = 'failed'");
    assert_eq!(failed, Vec::<String>::new());
}

#[tokio::test]
async fn a_value_that_changed_after_it_was_shown_is_not_written_unseen() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+49303333333"}), Webhook::Sent).unwrap();
    bench.work().await;
    bench.press("3 Left d").await;
    bench.says("+49302222222");
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49309999999"}), Webhook::Silent).unwrap();
    let before = bench.hubspot(&right);
    bench.press("Y").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right), before);
    let row = bench.newest().await;
    assert_eq!(row.status, Status::Failed);
    assert!(row.sentence.contains("changed since it was decided on"), "{}", row.sentence);
    // The item is back, with the value as it is now; deciding again writes that one.
    bench.says("+49309999999");
    bench.says_not("+49302222222");
    bench.press("Left d").await;
    bench.says("+49309999999");
    bench.press("Y").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49309999999");
    assert!(bench.conflicts().await.is_empty());
}
