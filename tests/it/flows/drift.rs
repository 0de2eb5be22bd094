//! Somebody changes the vendor's fields: what names them is held, and nothing else; it goes on when the change is
//! accepted, mended, or resumed, and what was left out meanwhile is carried over then.

use std::sync::Arc;

use reknit::cli::clock::SystemClock;
use reknit::domain::drift::{DriftKind, DriftState, Finding};
use reknit::domain::execution::{Outcome, Status};
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, ObjectKind, System};
use reknit::domain::schema::FieldKind;
use reknit::engine::drift::{accept_finding, resume_finding};
use reknit::mapping::Mapping;
use reknit::sandbox::{PropertyEdit, Sandbox, Settings, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients, Log};
use serde_json::json;

use crate::support::Bench;

const CONTACTS: &str = "contacts";

/// A person both sides know, and everything as it is expected.
async fn world() -> (Bench, String, String) {
    let mut bench = Bench::new().await;
    bench.load().await;
    let (left, right) = bench
        .known_person(
            "mara@quint.example",
            &json!({"phone": "+49 30 1", "custom_attributes": {"job_title": "VP"}}),
        )
        .await;
    let first = bench.engine.look_for_drift().await.unwrap();
    assert_eq!((first.open.len(), first.unread.len()), (0, 0), "{first:?}");
    assert!(first.read >= 2, "{first:?}");
    (bench, left, right)
}

async fn only(bench: &Bench) -> Finding {
    let looked = bench.engine.look_for_drift().await.unwrap();
    let [finding] = &looked.open[..] else { panic!("{looked:#?}") };
    finding.clone()
}

fn edit(bench: &Bench, name: &str, edit: PropertyEdit<'_>) {
    assert!(bench.sandbox.edit_hubspot_property(CONTACTS, name, edit), "{name}");
}

/// Phone, title and plan change in Intercom.
async fn everything_changes(bench: &mut Bench, left: &str, mark: &str) {
    let change = json!({
        "phone": format!("+49 30 {mark}"),
        "custom_attributes": {"job_title": format!("title {mark}"), "plan": "pro"},
    });
    bench.sandbox.edit_intercom_contact(left, &change, Webhook::Sent).unwrap();
    bench.work().await;
}

async fn accept(bench: &Bench, id: i64) -> Finding {
    let rules = bench.engine.rules().current();
    accept_finding(&bench.journal, &rules.book, bench.now(), id, "olga".into()).await.unwrap()
}

#[tokio::test]
async fn r143_r229_a_renamed_property_holds_its_field_and_goes_on_by_itself_when_it_is_back() {
    let (mut bench, left, right) = world().await;
    edit(&bench, "jobtitle", PropertyEdit::Label("Job title"));
    bench.engine.look_for_drift().await.unwrap();
    let relabelled = only(&bench).await;
    assert_eq!(
        (relabelled.change.kind, relabelled.holding),
        (DriftKind::Relabelled, false),
        "{relabelled:?}"
    );
    accept(&bench, relabelled.id).await;

    edit(&bench, "jobtitle", PropertyEdit::Name("position_title"));
    let finding = only(&bench).await;
    assert_eq!((finding.change.kind, finding.change.now.as_str()), (DriftKind::Renamed, "position_title"));
    let line = Mapping::shipped().field("Job title").unwrap().line;
    let hits: Vec<_> =
        finding.hits.iter().map(|hit| (hit.file.as_str(), hit.line, hit.place.as_str())).collect();
    assert_eq!(hits, [("contact.toml", line, "Job title")]);
    everything_changes(&mut bench, &left, "2").await;
    let row = bench.newest().await;
    assert_eq!((row.status, row.outcome), (Status::Succeeded, Some(Outcome::Updated)), "{}", row.sentence);
    let skips = bench.detail(row.id).await.plan.unwrap().skips;
    let skip = skips.iter().find(|skip| skip.field == "Job title").expect("it is skipped");
    assert!(skip.reason.contains(&format!("drift show {}", finding.id)), "{}", skip.reason);
    let properties = bench.hubspot(&right);
    assert_eq!(
        (&properties["phone"], &properties["hs_lead_status"]),
        (&json!("+49 30 2"), &json!("IN_PROGRESS"))
    );
    assert_eq!(properties["jobtitle"], json!("VP"), "the held field was written");
    assert!(bench.journal.pauses().await.unwrap().is_empty(), "a whole recipe was paused");

    edit(&bench, "position_title", PropertyEdit::Name("jobtitle"));
    let looked = bench.engine.look_for_drift().await.unwrap();
    assert_eq!((looked.open.len(), looked.mended[0].id), (0, finding.id), "{looked:?}");
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["jobtitle"], json!("title 2"), "what was left out was not carried over");
    let audit = bench.audit().await.join("\n");
    assert!(audit.contains("drift-mended"), "{audit}");
}

#[tokio::test]
async fn r231_an_option_that_goes_holds_the_table_that_writes_it_until_it_is_accepted() {
    let (mut bench, left, right) = world().await;
    edit(&bench, "hs_lead_status", PropertyEdit::WithoutOption("CONNECTED"));
    edit(&bench, "hs_lead_status", PropertyEdit::Option("NURTURE", "Nurture"));
    let looked = bench.engine.look_for_drift().await.unwrap();
    let of = |kind| looked.open.iter().find(|finding| finding.change.kind == kind).expect("found");
    let (removed, added) = (of(DriftKind::OptionsRemoved), of(DriftKind::OptionsAdded));
    assert_eq!((removed.change.values.clone(), removed.holding), (vec!["CONNECTED".to_owned()], true));
    assert_eq!((added.change.values.clone(), added.holding), (vec!["NURTURE".to_owned()], false));
    everything_changes(&mut bench, &left, "3").await;
    let properties = bench.hubspot(&right);
    assert_eq!(properties["jobtitle"], json!("title 3"));
    assert_eq!(properties["hs_lead_status"], json!(null), "the held field was written");
    for finding in [removed, added] {
        assert_eq!(accept(&bench, finding.id).await.state, DriftState::Accepted);
    }
    let again = bench.engine.look_for_drift().await.unwrap();
    assert_eq!((again.open.len(), again.new.len()), (0, 0), "{again:?}");
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["hs_lead_status"], json!("IN_PROGRESS"));
}

#[tokio::test]
async fn r230_a_right_that_is_taken_holds_what_writes_and_resume_lets_it_go_on() {
    let (mut bench, left, right) = world().await;
    edit(&bench, "phone", PropertyEdit::ReadOnly(true));
    let finding = only(&bench).await;
    assert_eq!((finding.change.kind, finding.holding), (DriftKind::ReadOnly, true));
    everything_changes(&mut bench, &left, "4").await;
    assert_eq!(bench.hubspot(&right)["phone"], json!("+49 30 1"));
    assert_eq!(bench.hubspot(&right)["jobtitle"], json!("title 4"));
    edit(&bench, "phone", PropertyEdit::ReadOnly(false));
    let rules = bench.engine.rules().current();
    let resumed = resume_finding(&bench.journal, &rules.book, bench.now(), finding.id, "olga".into());
    let resumed = resumed.await.unwrap();
    assert_eq!((resumed.state, resumed.holding), (DriftState::Open, false));
    bench.engine.look_for_drift().await.unwrap();
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], json!("+49 30 4"));
}

#[tokio::test]
async fn a_cross_reference_that_goes_pauses_the_sync_and_no_other_recipe() {
    let (mut bench, left, right) = world().await;
    edit(&bench, "intercom_contact_id", PropertyEdit::Archived(true));
    let finding = only(&bench).await;
    assert_eq!((finding.change.kind, finding.hits[0].whole), (DriftKind::Removed, true), "{finding:?}");
    let paused: Vec<String> =
        bench.journal.pauses().await.unwrap().into_iter().map(|pause| pause.scope.name).collect();
    assert_eq!(paused, ["contact-to-crm", "contact-to-intercom"]);
    everything_changes(&mut bench, &left, "5").await;
    assert_eq!(bench.hubspot(&right)["phone"], json!("+49 30 1"), "a paused recipe ran");
    edit(&bench, "intercom_contact_id", PropertyEdit::Archived(false));
    bench.engine.look_for_drift().await.unwrap();
    assert!(bench.journal.pauses().await.unwrap().is_empty(), "the pause did not lift itself");
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], json!("+49 30 5"));
}

#[tokio::test]
async fn a_humans_pause_of_the_same_recipe_stays_theirs() {
    let (mut bench, ..) = world().await;
    let scope = reknit::domain::pause::PauseScope::recipe("contact-to-crm");
    bench.operator().pause(scope.clone(), "a move of house", None).await.unwrap();
    edit(&bench, "intercom_contact_id", PropertyEdit::Archived(true));
    bench.engine.look_for_drift().await.unwrap();
    edit(&bench, "intercom_contact_id", PropertyEdit::Archived(false));
    bench.engine.look_for_drift().await.unwrap();
    let left: Vec<_> = bench.journal.pauses().await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].scope == scope && left[0].reason.contains("a move of house"), "{left:?}");
    bench.look().await;
}

#[tokio::test]
async fn what_no_rule_uses_is_no_finding_and_what_cannot_be_read_proves_nothing() {
    let (bench, ..) = world().await;
    edit(&bench, "salutation", PropertyEdit::Archived(true));
    let looked = bench.engine.look_for_drift().await.unwrap();
    assert_eq!(looked.open, []);
    bench.sandbox.revoke_intercom_token();
    let looked = bench.engine.look_for_drift().await.unwrap();
    assert!(!looked.unread.is_empty() && looked.open.is_empty(), "{looked:?}");
}

#[tokio::test]
async fn r196_r56_a_recipe_is_held_against_the_live_fields_before_it_is_switched_on() {
    let (bench, ..) = world().await;
    edit(&bench, "jobtitle", PropertyEdit::Archived(true));
    let rules = bench.engine.rules().current();
    let recipe = rules.book.recipe("contact-to-crm").unwrap();
    let found = bench.engine.check_recipe(recipe).await.unwrap();
    let missing = found.iter().find(|lint| lint.field == "jobtitle").expect("it is told");
    assert!(missing.refuses() && missing.file == "contact.toml" && missing.line > 1, "{missing}");
}

#[tokio::test]
async fn r252_an_attribute_is_made_once_and_stands_in_the_audit_log() {
    let (bench, ..) = world().await;
    let effect = Effect::DefineField {
        connection: Connection::only(System::Intercom),
        object: ObjectKind::Contact,
        field: "custom_attributes.deal_count".into(),
        kind: FieldKind::Number,
        options: Vec::new(),
    };
    bench.engine.define(&effect, "olga").await.unwrap();
    bench.engine.define(&effect, "olga").await.unwrap();
    let audit = bench.audit().await.join("\n");
    assert!(audit.contains("define-field") && audit.contains("custom_attributes.deal_count"), "{audit}");
    let effects = bench.effects();
    let made = effects.iter().filter(|effect| effect.contains("data_attribute.create")).count();
    assert!(made <= 1, "{effects:?}");
}

#[tokio::test]
async fn every_vendor_tells_what_its_records_look_like() {
    let sandbox = Sandbox::start(Settings { seeded: false, ..Settings::default() }).await.unwrap();
    let mut settings = vendors::Settings::default();
    sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
    sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
    sandbox.salesforce_instance_url().clone_into(&mut settings.salesforce.instance_url);
    let given = Given::default()
        .with(System::Intercom, sandbox.intercom_token(), "")
        .with(System::Hubspot, sandbox.hubspot_token(), "")
        .with(System::Salesforce, sandbox.salesforce_token(), "");
    let clients = Clients::new(&settings, Arc::new(given), Arc::new(SystemClock)).unwrap();
    for system in [System::Intercom, System::Hubspot, System::Salesforce] {
        let connection = Connection::only(system);
        for object in vendors::described_objects(system) {
            let schema = vendors::schema(&clients, &connection, *object, &mut Log::new()).await.unwrap();
            assert!(schema.fields.iter().any(|field| field.writable), "{connection} {object}");
            assert!(schema.fields.is_sorted_by_key(|field| &field.name), "{connection} {object}");
        }
    }
    let hubspot = Connection::only(System::Hubspot);
    let deal = vendors::schema(&clients, &hubspot, ObjectKind::Deal, &mut Log::new()).await.unwrap();
    let stage = deal.field("dealstage").unwrap();
    assert!(stage.options.iter().all(|one| one.value != one.label) && !stage.options.is_empty(), "{stage:?}");
    let salesforce = Connection::only(System::Salesforce);
    let lead = vendors::schema(&clients, &salesforce, ObjectKind::Lead, &mut Log::new()).await.unwrap();
    assert!(lead.field("company").is_some_and(|field| field.required && field.name == "Company"));
    assert!(!lead.field("Id").unwrap().writable);
    let rights = vendors::rights(&clients, &salesforce, &mut Log::new()).await.unwrap().unwrap();
    assert!(rights.iter().any(|right| right.object == Some(ObjectKind::Deal)), "{rights:?}");
}
