//! All records of a kind, because a human asked; and companies, whose copies follow every way a change is told.

use reknit::domain::job::Job;
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::engine::fetch::Wish;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use reknit::vendors::reading::{Role, Stock};
use serde_json::json;

use super::{Setup, World, only};
use crate::support::Bench;

fn wish(system: System, name: &'static str, object: ObjectKind, role: Option<Role>) -> Wish {
    Wish { connection: only(system), name, stock: Stock { object, role, since: None } }
}

#[tokio::test]
async fn a_fetch_carries_over_what_differs_and_nothing_else() {
    let world = World::new(Setup { people: 200, ..Setup::PLAIN }).await;
    let engine = world.loaded().await;
    let lead = json!({"role": "lead", "email": "lea@quint.example", "name": "Lea Quint"});
    world.sandbox.new_intercom_user(&lead, Webhook::Silent).unwrap();
    let leads = wish(System::Intercom, "leads", ObjectKind::Contact, Some(Role::Lead));
    let users = wish(System::Intercom, "users", ObjectKind::Contact, Some(Role::User));
    let cost = engine.fetch_cost(&leads).await.unwrap();
    assert!(cost.records.unwrap() > 1 && cost.calls == Some(1), "{cost:?}");
    assert!(engine.fetch_cost(&users).await.unwrap().calls > Some(1));
    let mut pages = Vec::new();
    let looked = engine.fetch(&leads, true, cost.records, |job| pages.push(job.pages)).await.unwrap();
    assert_eq!((looked.unknown, looked.differing, pages.as_slice()), (1, 0, &[1][..]));
    assert_eq!(world.tables().number("SELECT count(*) FROM jobs"), 0, "a dry run stores nothing");
    let fetched = engine.fetch(&leads, false, cost.records, |_| {}).await.unwrap();
    assert_eq!(
        (fetched.unknown, fetched.executions.len(), fetched.job.records),
        (1, 1, cost.records.unwrap())
    );
    assert_eq!(engine.work_off().await, 1);
    assert!(world.sandbox.hubspot_find_by_email("lea@quint.example").is_some());
    let source = world.tables().texts("SELECT source || ' ' || topic FROM events");
    assert_eq!(source, ["operator operator"]);
    let again = engine.fetch(&leads, false, None, |_| {}).await.unwrap();
    assert_eq!((again.unknown, again.differing, again.executions.len()), (0, 0, 0));
    let people = wish(System::Hubspot, "contacts", ObjectKind::Contact, None);
    // What HubSpot itself filled in for the new contact.
    let own = engine.fetch(&people, false, None, |_| {}).await.unwrap();
    assert_eq!((own.unknown, own.differing), (0, 1));
    world.work_out(&engine).await;
    assert_eq!(engine.fetch(&people, false, None, |_| {}).await.unwrap().differing, 0);
}

#[tokio::test]
async fn a_fetch_that_broke_off_goes_on_where_it_was() {
    let world = World::new(Setup { people: 400, ..Setup::PLAIN }).await;
    let engine = world.loaded().await;
    let people = wish(System::Intercom, "contacts", ObjectKind::Contact, None);
    let whole = engine.fetch(&people, true, None, |_| {}).await.unwrap().job;
    assert!(whole.pages >= 3, "{whole:?}");
    let fault = Fault::new(Vendor::Intercom, FaultKind::ServerError).path("/contacts").times(1);
    let after_the_first_page = |_: &Job| world.sandbox.add_fault(fault.clone());
    assert!(engine.fetch(&people, false, None, after_the_first_page).await.is_err());
    world.sandbox.clear_faults();
    drop(engine);
    let engine = world.engine();
    let mut seen = Vec::new();
    let fetched = engine.fetch(&people, false, None, |job| seen.push(job.pages)).await.unwrap();
    assert!(fetched.resumed && seen[0] == 2, "the first page is not read again: {seen:?}");
    assert_eq!((fetched.job.records, fetched.job.pages), (whole.records, whole.pages));
}

#[tokio::test]
async fn companies_are_followed_by_webhook_by_looking_and_by_hand() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.load().await;
    let id = bench.sandbox.new_intercom_company("quint-1", &json!({"name": "Quint GmbH"}), Webhook::Sent);
    bench.sandbox.attach_intercom_company(&left, &id, Webhook::Silent);
    bench.work().await;
    let name = |record: RecordRef| {
        let journal = bench.journal.clone();
        async move { journal.mirror(&record).await.unwrap().map(|mirror| mirror.text("name")) }
    };
    let intercom = RecordRef::new(System::Intercom, ObjectKind::Company, &id);
    assert_eq!(name(intercom.clone()).await.as_deref(), Some("Quint GmbH"), "company.created");
    let effects = bench.effects().len();
    let made = bench.sandbox.new_hubspot_company(&json!({"name": "Quint Inc"}), Webhook::Silent).unwrap();
    let hubspot = RecordRef::new(System::Hubspot, ObjectKind::Company, &made);
    assert_eq!(name(hubspot.clone()).await, None);
    assert_eq!(bench.engine.poll_companies().await.unwrap(), 1);
    assert_eq!(name(hubspot).await.as_deref(), Some("Quint Inc"), "found by looking");
    assert_eq!(bench.engine.poll_companies().await.unwrap(), 0);
    let other =
        bench.sandbox.new_intercom_company("quint-2", &json!({"name": "Quint SARL"}), Webhook::Silent);
    bench.sandbox.attach_intercom_company(&left, &other, Webhook::Silent);
    let other = RecordRef::new(System::Intercom, ObjectKind::Company, &other);
    assert_eq!(bench.engine.poll_companies().await.unwrap(), 0, "Intercom's are read once an hour");
    let companies = wish(System::Intercom, "companies", ObjectKind::Company, None);
    let fetched = bench.engine.fetch(&companies, false, None, |_| {}).await.unwrap();
    assert!(fetched.unknown >= 1 && fetched.executions.is_empty(), "{fetched:?}");
    assert_eq!(name(other).await.as_deref(), Some("Quint SARL"), "fetched by hand");
    bench.advance(std::time::Duration::from_secs(3601));
    assert_eq!(bench.engine.poll_companies().await.unwrap(), 0, "and read again after that");
    assert_eq!(bench.effects().len(), effects, "nothing was written to a vendor");
}
