//! Steps of many executions in one call: fewer calls, and still each execution with a result and a record of its own.

use std::time::Duration;

use reknit::domain::execution::{Outcome, Status};
use reknit::domain::ids::ExecutionId;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

const PEOPLE: usize = 30;
const CREATE: &str = "hubspot POST /crm/v3/objects/contacts/batch/create";
const UPDATE: &str = "hubspot POST /crm/v3/objects/contacts/batch/update";
const READ: &str = "hubspot POST /crm/v3/objects/contacts/batch/read";

fn email(number: usize) -> String {
    format!("person{number}@together.example")
}

/// People sign up; nothing is worked off yet.
fn sign_up(bench: &Bench) -> Vec<String> {
    let user =
        |number| json!({"role": "user", "email": email(number), "name": format!("Mara Quint{number}")});
    (0..PEOPLE).map(|number| bench.sandbox.new_intercom_user(&user(number), Webhook::Sent).unwrap()).collect()
}

fn calls(bench: &Bench, name: &str) -> u64 {
    bench.books()["calls"][name].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn thirty_people_travel_together_and_each_keeps_only_its_own_rows() {
    let mut bench = Bench::new().await;
    sign_up(&bench);
    bench.delivered().await;
    bench.engine.work_off().await;
    assert_eq!(calls(&bench, "hubspot POST /crm/v3/objects/contacts"), 0, "{:#}", bench.books()["calls"]);
    assert!(calls(&bench, CREATE) <= 2, "{:#}", bench.books()["calls"]);
    // Two lookups for each of them, and what their webhooks cause: a hundred and more, each by itself.
    assert!(calls(&bench, READ) <= 15, "{:#}", bench.books()["calls"]);
    assert_eq!(bench.count("hubspot.contact.create.api"), PEOPLE as u64);
    for id in 1..=PEOPLE {
        let detail = bench.detail(ExecutionId(id as i64)).await;
        assert_eq!(detail.execution.outcome, Some(Outcome::Created), "{}", detail.execution.sentence);
        let own = detail.attempts.iter().find(|attempt| attempt.method == "GET").expect("its own read");
        let address =
            (0..PEOPLE).map(email).find(|address| own.response.contains(address)).expect("a person");
        let create = detail.attempts.iter().find(|attempt| attempt.url.ends_with("/batch/create")).unwrap();
        assert!(create.purpose.starts_with("create contact, in a batch of "), "{}", create.purpose);
        for text in [&create.request, &create.response] {
            assert!(text.contains(&address), "{text}");
            assert_eq!(text.matches("@together.example").count(), 1, "somebody else's data: {text}");
        }
        let contact = bench.sandbox.hubspot_find_by_email(&address).unwrap();
        let user = &bench.sandbox.intercom_find_by_email(&address)[0];
        assert_eq!(user["custom_attributes"]["hubspot_contact_id"], contact["id"]);
        assert_eq!(contact["properties"]["intercom_contact_id"], user["id"]);
    }
    bench.work().await;
}

#[tokio::test]
async fn g3_a_batch_of_creates_whose_answer_is_lost_is_looked_up_and_made_once() {
    for kind in [FaultKind::TimeoutAfterEffect, FaultKind::TimeoutBeforeEffect, FaultKind::MalformedJson] {
        let mut bench = Bench::build().patience(2).start().await;
        sign_up(&bench);
        bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, kind.clone()).path("batch/create").times(1));
        bench.delivered().await;
        bench.engine.work_off().await;
        let mut doubtful = 0;
        for id in 1..=PEOPLE {
            let row = bench.row(id as i64).await;
            doubtful += usize::from(row.status == Status::InDoubt);
            assert!(matches!(row.status, Status::InDoubt | Status::Succeeded), "{}", row.sentence);
        }
        assert!(doubtful >= PEOPLE / 2, "only {doubtful} travelled in the batch");
        let before = calls(&bench, READ);
        bench.advance(Duration::from_secs(5));
        bench.work().await;
        assert!(calls(&bench, READ) > before, "the doubts were looked up together");
        for id in 1..=PEOPLE {
            let row = bench.row(id as i64).await;
            assert_eq!(
                (row.status, row.outcome),
                (Status::Succeeded, Some(Outcome::Created)),
                "{}",
                row.sentence
            );
        }
        assert_eq!(bench.count("hubspot.contact.create.api"), PEOPLE as u64, "{kind:?}");
        assert_eq!(bench.books()["double_creates"], json!([]));
    }
}

#[tokio::test]
async fn a_bad_row_fails_by_itself_with_the_vendors_words_and_the_others_arrive() {
    let mut bench = Bench::new().await;
    let people = sign_up(&bench);
    bench.work().await;
    let from = bench.rows().await[0].id.0;
    for (number, id) in people.iter().enumerate() {
        // HubSpot has no such lead status.
        let plan = if number == 7 { "churned" } else { "pro" };
        let change = json!({"custom_attributes": {"plan": plan, "job_title": format!("Rider {number}")}});
        bench.sandbox.edit_intercom_contact(id, &change, Webhook::Sent).unwrap();
    }
    bench.work().await;
    assert!((1..=2).contains(&calls(&bench, UPDATE)), "{:#}", bench.books()["calls"]);
    let failed: Vec<_> = bench
        .rows()
        .await
        .into_iter()
        .filter(|row| row.id.0 > from && row.status == Status::Failed)
        .collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(failed[0].subject.contains("Quint7"), "{}", failed[0].subject);
    let written = (0..PEOPLE)
        .filter(|number| {
            let contact = bench.sandbox.hubspot_find_by_email(&email(*number)).unwrap();
            contact["properties"]["jobtitle"] == json!(format!("Rider {number}"))
        })
        .count();
    assert_eq!(written, PEOPLE - 1);
}

#[tokio::test]
async fn a_batch_that_fails_once_is_sent_again_in_halves_and_costs_nobody_a_try() {
    let mut bench = Bench::new().await;
    let people = sign_up(&bench);
    bench.work().await;
    for id in &people {
        let change = json!({"custom_attributes": {"job_title": "Rider"}});
        bench.sandbox.edit_intercom_contact(id, &change, Webhook::Sent).unwrap();
    }
    let fault = Fault::new(Vendor::HubSpot, FaultKind::ServerError).path("batch/update").times(1);
    bench.sandbox.add_fault(fault);
    bench.work().await;
    assert!(bench.journal.breakers().await.unwrap().is_empty());
    for row in bench.rows().await {
        assert!(row.status.is_finished() && row.status != Status::Failed, "{}", row.sentence);
        assert_eq!(row.attempts, 0, "{}", row.sentence);
    }
    for number in 0..PEOPLE {
        let contact = bench.sandbox.hubspot_find_by_email(&email(number)).unwrap();
        assert_eq!(contact["properties"]["jobtitle"], json!("Rider"));
    }
}
