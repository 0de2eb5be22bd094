//! HubSpot contacts: chosen values, united lists, second addresses, opt-outs, groups, and what HubSpot keeps otherwise.

use reknit::domain::execution::Status;
use reknit::domain::merge::{MergeState, MergeWish};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::{Value, json};

use super::{believed, carried_out, fields, hubspot, merge, take};
use crate::support::Bench;

const INTERESTS: &str = "interests";

async fn bench() -> Bench {
    let bench = Bench::build().hubspot_properties(&[INTERESTS, "hs_email_optout", "city"]).start().await;
    let option = |value: &str| json!({"label": value, "value": value});
    bench
        .sandbox
        .new_hubspot_property(
            "contacts",
            &json!({"name": INTERESTS, "label": "Interests", "type": "enumeration", "fieldType": "checkbox",
                "groupName": "contactinformation", "options": [option("api"), option("sso"), option("seo")]}),
        )
        .unwrap();
    bench
}

fn contact(bench: &Bench, properties: &Value) -> String {
    bench.sandbox.new_hubspot_contact(properties, Webhook::Silent).unwrap()
}

#[tokio::test]
async fn what_the_human_chose_is_what_the_merged_contact_holds() {
    let mut bench = bench().await;
    let one = contact(
        &bench,
        &json!({"email": "ana@berg.example", "firstname": "Ana", "lastname": "Berg", "phone": "+49301",
            "jobtitle": "Buyer", INTERESTS: "api;sso"}),
    );
    let other = contact(
        &bench,
        &json!({"email": "a.berg@home.example", "firstname": "Ana", "lastname": "Berg", "phone": "+49302",
            "jobtitle": "CTO", INTERESTS: "seo;sso", "city": "Bonn"}),
    );
    bench.load().await;
    let (left, right) = (hubspot(&one), hubspot(&other));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let wish = MergeWish {
        take: vec![take("phone", &right)],
        set: fields(&json!({"jobtitle": "VP"})),
        ..MergeWish::default()
    };
    let decision = merge(id, &left, wish);
    let before = bench.sandbox.state_hash();
    let preview = bench.operator().preview(&decision).await.unwrap();
    assert_eq!(bench.sandbox.state_hash(), before, "a preview changes nothing");
    let row = |field: &str| preview.merges[0].rows.iter().find(|row| row.field == field).unwrap().clone();
    assert_eq!((row("phone").merged.as_str(), row("phone").from), ("+49302", Some(1)));
    assert_eq!((row("jobtitle").merged.as_str(), row("jobtitle").from), ("VP", None));
    assert_eq!(row(INTERESTS).merged, "api;sso;seo", "lists are united");
    assert!(!row(INTERESTS).lost && row("phone").lost);
    assert_eq!((row("city").merged.as_str(), row("city").rule.as_str()), ("Bonn", "the survivor has none"));
    let lost: Vec<_> = preview.losses.iter().map(|loss| (loss.field.as_str(), loss.lost.as_str())).collect();
    assert!(lost.contains(&("phone", "+49301")) && lost.contains(&("jobtitle", "CTO")), "{lost:?}");
    assert!(!lost.iter().any(|(field, _)| *field == "email"), "the second address stays: {lost:?}");
    let notes = preview.notes.join("\n");
    assert!(notes.contains("a.berg@home.example stays as an additional"), "{notes}");
    let patch =
        preview.calls.iter().find(|call| call.method == "PATCH").expect("what HubSpot decides otherwise");
    assert_eq!(
        patch.body.as_ref().unwrap()["properties"],
        json!({"phone": "+49302", "jobtitle": "VP", INTERESTS: "api;sso;seo"})
    );

    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().expect("noted");
    assert_eq!(bench.journal.merge_of_duplicate(id).await.unwrap().as_ref(), Some(&merged));
    assert_eq!((merged.merged.len(), merged.merged[0].state), (1, MergeState::Done));
    let new = merged.merged[0].result.clone().unwrap();
    assert_ne!(new, left);
    assert_eq!(merged.remapped(), [(right.clone(), new.clone()), (left.clone(), new.clone())]);
    assert!(merged.merged[0].capsule.is_some() && merged.merged[0].duplicate == Some(id));
    let images = bench.journal.before_merge(run.id).await.unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(
        images.iter().find(|image| image.mirror.record == left).unwrap().mirror.text("phone"),
        "+49301"
    );
    let now = bench.hubspot(&new.id);
    for (field, value) in [
        ("phone", "+49302"),
        ("jobtitle", "VP"),
        (INTERESTS, "api;sso;seo"),
        ("city", "Bonn"),
        ("email", "ana@berg.example"),
    ] {
        assert_eq!(now[field], json!(value), "{field}");
    }
    assert_eq!(now["hs_additional_emails"], json!("a.berg@home.example"));
    assert_eq!(bench.count("hubspot.contact.merge.api"), 1);
    assert_eq!(
        bench.count("hubspot.contact.update.api"),
        1,
        "one call for all that HubSpot decided otherwise"
    );
    let mirror = bench.journal.mirror(&new).await.unwrap().unwrap();
    assert_eq!((mirror.text("phone"), mirror.text("jobtitle")), ("+49302".into(), "VP".into()));
}

#[tokio::test]
async fn where_hubspot_keeps_what_was_planned_nothing_more_is_sent() {
    let mut bench = bench().await;
    let one = contact(&bench, &json!({"email": "ana@berg.example", "phone": "+49301", "lastname": "Berg"}));
    let other = contact(&bench, &json!({"email": "a@home.example", "phone": "+49302", "city": "Bonn"}));
    bench.load().await;
    let (left, right) = (hubspot(&one), hubspot(&other));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let run = carried_out(&mut bench, &merge(id, &left, MergeWish::default())).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    assert_eq!(bench.count("hubspot.contact.update.api"), 0);
    let detail = bench.detail(run.id).await;
    assert_eq!(detail.plan.unwrap().deviations, []);
}

#[tokio::test]
async fn a_value_hubspot_does_not_take_is_shown_and_holds_nothing_back() {
    let mut bench = bench().await;
    let one = contact(&bench, &json!({"email": "ana@berg.example", "phone": "+49301"}));
    let other = contact(&bench, &json!({"email": "a@home.example", "phone": "+49302"}));
    bench.load().await;
    let (left, right) = (hubspot(&one), hubspot(&other));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    // No option of the list.
    let wish = MergeWish { set: fields(&json!({"lifecyclestage": "astronaut"})), ..MergeWish::default() };
    let run = carried_out(&mut bench, &merge(id, &left, wish)).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    assert!(run.sentence.contains("Kept otherwise than planned: lifecyclestage"), "{}", run.sentence);
    let plan = bench.detail(run.id).await.plan.unwrap();
    let deviation = &plan.deviations[0];
    assert_eq!((deviation.field.as_str(), deviation.expected.as_str()), ("lifecyclestage", "astronaut"));
    assert!(deviation.words.as_ref().is_some_and(|words| words.contains("astronaut")), "{deviation:?}");
    assert_eq!(bench.count("hubspot.contact.merge.api"), 1);
}

#[tokio::test]
async fn an_opt_out_survives_and_no_choice_takes_it_back() {
    let bench = bench().await;
    let one = contact(&bench, &json!({"email": "ana@berg.example"}));
    let other = contact(&bench, &json!({"email": "a@home.example", "hs_email_optout": "true"}));
    bench.load().await;
    let (left, right) = (hubspot(&one), hubspot(&other));
    let id = believed(&bench, &[(&left, &right)]).await[0];
    let preview = bench.operator().preview(&merge(id, &left, MergeWish::default())).await.unwrap();
    let row = preview.merges[0].rows.iter().find(|row| row.field == "hs_email_optout").unwrap();
    assert_eq!((row.merged.as_str(), row.rule.as_str()), ("true", "opted out on one of them"));
    assert!(preview.notes.iter().any(|note| note.contains("lets no app set that")), "{:#?}", preview.notes);
    assert!(!preview.calls.iter().any(|call| call.method == "PATCH"), "{:#?}", preview.calls);
    let wish = MergeWish { take: vec![take("hs_email_optout", &left)], ..MergeWish::default() };
    let error = bench.operator().decide(&merge(id, &left, wish)).await.unwrap_err();
    assert!(error.to_string().contains("opted out"), "{error}");
}

#[tokio::test]
async fn three_contacts_become_one_by_two_merges_and_every_id_leads_there() {
    let mut bench = bench().await;
    let people = ["ana@berg.example", "a@home.example", "ana.berg@old.example"].map(|email| {
        hubspot(&contact(&bench, &json!({"email": email, "firstname": "Ana", "lastname": "Berg", "phone": email.len().to_string()})))
    });
    let company = bench.sandbox.new_hubspot_company(&json!({"name": "Berg GmbH"}), Webhook::Silent).unwrap();
    bench.sandbox.link_hubspot_company(&people[2].id, &company, Webhook::Silent).unwrap();
    let user = json!({"role": "user", "email": "ana.berg@old.example", "name": "Ana Berg"});
    let user = bench.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
    bench.load().await;
    bench.journal.unite(vec![(vec![super::intercom(&user), people[2].clone()], Vec::new())]).await.unwrap();
    let [one, two, three] = &people;
    let ids = believed(&bench, &[(one, two), (one, three), (two, three)]).await;

    // The pair alone says that a third one belongs to it.
    let alone = bench.operator().preview(&merge(ids[0], one, MergeWish::default())).await.unwrap();
    assert!(alone.notes.iter().any(|note| note.contains(&three.title())), "{:#?}", alone.notes);
    let decision = merge(ids[0], one, MergeWish { group: true, ..MergeWish::default() });
    let preview = bench.operator().preview(&decision).await.unwrap();
    assert_eq!(preview.merges[0].records, people);
    let contacts = bench.books()["records"]["hubspot"]["contacts"].as_u64().unwrap();
    let run = carried_out(&mut bench, &preview.decision.map_or(decision, |shown| *shown)).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    assert_eq!(bench.count("hubspot.contact.merge.api"), 2);
    assert_eq!(bench.books()["records"]["hubspot"]["contacts"].as_u64().unwrap(), contacts - 2);
    let merged = bench.journal.merge_of_execution(run.id).await.unwrap().unwrap();
    let last = merged.merged[1].result.clone().unwrap();
    for old in &people {
        assert!(merged.remapped().contains(&(old.clone(), last.clone())), "{old}: {:?}", merged.remapped());
    }
    assert_eq!(bench.sandbox.hubspot_companies_of(&last.id), [company]);
    let emails = bench.hubspot(&last.id)["hs_additional_emails"].as_str().unwrap().to_owned();
    assert!(emails.contains("a@home.example") && emails.contains("ana.berg@old.example"), "{emails}");
    assert_eq!(bench.intercom(&user)["custom_attributes"]["hubspot_contact_id"], json!(last.id));
    let known = bench.journal.known(&super::intercom(&user)).await.unwrap().records;
    assert!(known.contains(&last) && !people.iter().any(|old| known.contains(old)), "{known:?}");
    assert_eq!(bench.journal.before_merge(run.id).await.unwrap().len(), 4, "each merge has its pre-image");
    let open = bench.tables().number("SELECT count(*) FROM duplicates WHERE state IN ('open', 'deciding')");
    assert_eq!(open, 0, "no pair asks about a record that is gone");
    assert_eq!(
        bench.tables().number(&format!("SELECT state = 'done' FROM duplicates WHERE id = {}", ids[0].0)),
        1
    );
}

#[tokio::test]
async fn what_was_judged_different_is_never_merged_also_not_in_a_group() {
    let bench = bench().await;
    let people = ["ana@berg.example", "a@home.example", "ana.berg@old.example"]
        .map(|email| hubspot(&contact(&bench, &json!({"email": email, "lastname": "Berg"}))));
    bench.load().await;
    let [one, two, three] = &people;
    let ids = believed(&bench, &[(one, two), (one, three), (two, three)]).await;
    bench.operator().distinct(ids[2]).await.unwrap();
    let error = bench.operator().decide(&merge(ids[2], two, MergeWish::default())).await.unwrap_err();
    assert!(error.to_string().contains("judged different"), "{error}");
    let wish = MergeWish { also: vec![three.clone()], ..MergeWish::default() };
    let error = bench.operator().decide(&merge(ids[0], one, wish)).await.unwrap_err();
    assert!(
        error.to_string().contains(&ids[2].to_string()) && error.to_string().contains("judged different"),
        "{error}"
    );
    // A group leaves the third one out by itself.
    let group = bench.operator().whole_merge(ids[0], None, MergeWish::default()).await.unwrap();
    let preview = bench.operator().preview(&group).await.unwrap();
    assert_eq!(preview.merges[0].records.len(), 2);
    assert_eq!(bench.effects(), Vec::<String>::new());
}

#[tokio::test]
async fn a_further_record_that_changed_since_the_decision_is_not_merged_unseen() {
    let mut bench = bench().await;
    let people = ["ana@berg.example", "a@home.example", "ana.berg@old.example"]
        .map(|email| hubspot(&contact(&bench, &json!({"email": email, "lastname": "Berg"}))));
    bench.load().await;
    let [one, two, three] = &people;
    let ids = believed(&bench, &[(one, two), (one, three), (two, three)]).await;
    let decision = bench.operator().whole_merge(ids[0], None, MergeWish::default()).await.unwrap();
    let execution = bench.operator().decide(&decision).await.unwrap();
    bench.sandbox.edit_hubspot_contact(&three.id, &json!({"phone": "+4930999"}), Webhook::Silent).unwrap();
    bench.work().await;
    let run = bench.row(execution.0).await;
    assert_eq!(run.status, Status::Failed);
    assert!(run.sentence.contains("changed since it was shown"), "{}", run.sentence);
    assert_eq!(bench.count("hubspot.contact.merge.api"), 0);
}

#[tokio::test]
async fn g7_a_lost_answer_in_a_group_merges_each_record_once() {
    let mut bench = Bench::build().patience(1).start().await;
    let people = ["ana@berg.example", "a@home.example", "ana.berg@old.example"]
        .map(|email| hubspot(&contact(&bench, &json!({"email": email, "lastname": "Berg"}))));
    bench.load().await;
    let [one, two, three] = &people;
    let ids = believed(&bench, &[(one, two), (one, three), (two, three)]).await;
    let decision = bench.operator().whole_merge(ids[0], None, MergeWish::default()).await.unwrap();
    // The second merge is done and nobody says so.
    bench.sandbox.add_fault(
        Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect)
            .method("POST")
            .path("/merge")
            .after(1)
            .times(1),
    );
    let run = carried_out(&mut bench, &decision).await;
    assert_eq!(run.status, Status::InDoubt, "{}", run.sentence);
    bench.work_when_due().await;
    let run = bench.row(run.id.0).await;
    assert_eq!(run.status, Status::Succeeded, "{}", run.sentence);
    assert_eq!(bench.count("hubspot.contact.merge.api"), 2);
    assert_eq!(bench.journal.merge_of_execution(run.id).await.unwrap().unwrap().done().count(), 2);
}
