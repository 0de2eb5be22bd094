//! Every effect that makes something, at every vendor that can, with its answer lost: looked up it is found, not made
//! again; and with answers that make no sense. Driven without an engine: what `perform` and `probe` promise it.

use std::sync::Arc;

use reknit::cli::clock::SystemClock;
use reknit::domain::clock::Timestamp;
use reknit::domain::error_class::ErrorClass;
use reknit::domain::plan::{Effect, key_for};
use reknit::domain::record::{Connection, ObjectKind, RecordRef, System};
use reknit::sandbox::{Fault, FaultKind, Sandbox, Settings, Vendor, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients, Log, Timeouts};
use serde_json::{Value, json};

const ADMIN: &str = "7400102";

/// Empty vendors, clients that give up on a write after a second, and somebody everywhere.
struct World {
    sandbox: Sandbox,
    clients: Clients,
    intercom: RecordRef,
    hubspot: RecordRef,
    company: RecordRef,
    salesforce: RecordRef,
    account: RecordRef,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Settings { seeded: false, ..Settings::default() }).await.unwrap();
        let mut settings = vendors::Settings {
            timeouts: Timeouts { write_seconds: 1, slow_write_seconds: 1, ..Timeouts::of(20) },
            ..vendors::Settings::default()
        };
        sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
        sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
        sandbox.salesforce_instance_url().clone_into(&mut settings.salesforce.instance_url);
        let tokens = Given::default()
            .with(System::Intercom, sandbox.intercom_token(), "")
            .with(System::Hubspot, sandbox.hubspot_token(), "")
            .with(System::Salesforce, sandbox.salesforce_token(), "");
        let clients = Clients::new(&settings, Arc::new(tokens), Arc::new(SystemClock)).unwrap();
        let silent = Webhook::Silent;
        let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
        let user = sandbox.new_intercom_user(&user, silent).unwrap();
        let person = sandbox.new_hubspot_contact(&json!({"email": "mara@quint.example"}), silent).unwrap();
        let company = sandbox.new_hubspot_company(&json!({"name": "Quint"}), silent).unwrap();
        let account = sandbox.new_salesforce_row("Account", &json!({"Name": "Quint"}), silent).unwrap();
        let contact = json!({"LastName": "Quint", "AccountId": account});
        let contact = sandbox.new_salesforce_row("Contact", &contact, silent).unwrap();
        Self {
            clients,
            intercom: RecordRef::new(System::Intercom, ObjectKind::Contact, user),
            hubspot: RecordRef::new(System::Hubspot, ObjectKind::Contact, person),
            company: RecordRef::new(System::Hubspot, ObjectKind::Company, company),
            salesforce: RecordRef::new(System::Salesforce, ObjectKind::Contact, contact),
            account: RecordRef::new(System::Salesforce, ObjectKind::Company, account),
            sandbox,
        }
    }

    fn count(&self, what: &str) -> u64 {
        self.sandbox.books()["counts"][what].as_u64().unwrap_or(0)
    }

    /// An effect whose answer is lost after the work was done, and one that is lost before: made once each.
    async fn is_made_once(&self, effect: &Effect, (method, path): (&str, &str), counted: &str) -> RecordRef {
        let vendor = match effect.connection().system {
            System::Intercom => Vendor::Intercom,
            System::Hubspot => Vendor::HubSpot,
            System::Salesforce => Vendor::Salesforce,
        };
        let before = self.count(counted);
        for (kind, made) in [(FaultKind::TimeoutBeforeEffect, 0), (FaultKind::TimeoutAfterEffect, 1)] {
            let mut fault = Fault::new(vendor, kind).method(method).path(path).times(1);
            fault.writes_only = true;
            self.sandbox.add_fault(fault);
            let lost = vendors::perform(&self.clients, effect, &mut Log::new()).await.expect_err("no answer");
            assert!(lost.may_have_happened, "{effect:?}: {lost:?}");
            assert_eq!(self.count(counted) - before, made, "{effect:?}");
            let found = vendors::probe(&self.clients, effect, &mut Log::new()).await.unwrap();
            assert_eq!(found.is_some(), made == 1, "{effect:?}");
            self.sandbox.clear_faults();
        }
        let found = vendors::probe(&self.clients, effect, &mut Log::new()).await.unwrap();
        found.expect("it was made")
    }
}

fn create(object: ObjectKind, identity: &str, values: &Value, related: &[&RecordRef]) -> Effect {
    Effect::Create {
        connection: related[0].connection.clone(),
        object,
        fields: values.as_object().unwrap().clone(),
        identity: identity.to_owned(),
        related: related.iter().map(|record| (*record).clone()).collect(),
    }
}

#[tokio::test]
async fn r47_r52_what_is_made_in_hubspot_is_made_once_and_related() {
    let world = World::new().await;
    let words = format!("Somebody was unhappy. {}", key_for("csat 20001"));
    let about = [&world.hubspot, &world.company];
    let rows = [
        (
            ObjectKind::Deal,
            "dealname",
            json!({"dealname": "Inbound Chat — Mara Quint", "dealstage": "qualifiedtobuy"}),
        ),
        (
            ObjectKind::Ticket,
            "content",
            json!({"subject": "Billing", "content": words, "hs_pipeline_stage": "1"}),
        ),
        (
            ObjectKind::Task,
            "hs_task_body",
            json!({"hs_task_subject": "Low CSAT follow-up — contact within 24 hours",
            "hs_task_body": words, "hs_timestamp": "2026-10-01T10:00:00.000Z"}),
        ),
        (
            ObjectKind::Note,
            "hs_note_body",
            json!({"hs_note_body": words, "hs_timestamp": "2026-10-01T10:00:00.000Z"}),
        ),
    ];
    for (object, identity, values) in rows {
        let effect = create(object, identity, &values, &about);
        let (path, counted) = (format!("objects/{object}s"), format!("hubspot.{object}.create.api"));
        let made = world.is_made_once(&effect, ("POST", &path), &counted).await;
        let related = world.sandbox.hubspot_records_of(&world.hubspot.id, object.as_str());
        assert_eq!(related.len(), 1, "{object}");
        assert_eq!(related[0]["id"], json!(made.id));
        assert_eq!(related[0]["properties"][identity], values[identity]);
    }
}

#[tokio::test]
async fn r97_r175_what_is_made_in_salesforce_is_made_once_and_related() {
    let world = World::new().await;
    let key = key_for("20001");
    let words = format!("What was said\n\n{key}");
    let about = [&world.salesforce, &world.account];
    let rows = [
        (
            ObjectKind::Deal,
            "Opportunity",
            json!({"Name": "Inbound", "StageName": "Prospecting", "CloseDate": "2027-01-31", "Description": words}),
        ),
        (
            ObjectKind::Ticket,
            "Case",
            json!({"Subject": "Billing", "Origin": "Intercom", "Description": words}),
        ),
        (ObjectKind::Task, "Task", json!({"Subject": "Call", "Description": words})),
        (
            ObjectKind::Event,
            "Event",
            json!({"Subject": "Met", "StartDateTime": "2026-10-01T10:00:00Z",
            "EndDateTime": "2026-10-01T10:30:00Z", "Description": words}),
        ),
    ];
    for (object, name, values) in rows {
        let effect = create(object, "Description", &values, &about);
        let (path, counted) = (format!("sobjects/{name}"), format!("salesforce.{name}.create.api"));
        let made = world.is_made_once(&effect, ("POST", &path), &counted).await;
        let row = world.sandbox.salesforce_row(name, &made.id).unwrap();
        let whose =
            if matches!(object, ObjectKind::Task | ObjectKind::Event) { "WhoId" } else { "ContactId" };
        assert_eq!(row[whose], json!(world.salesforce.id), "{object}");
    }
    for template in [None, Some("event".to_owned())] {
        let name = if template.is_some() { "Event" } else { "Task" };
        let entry = Effect::Log {
            contact: world.salesforce.clone(),
            key: key_for(name),
            at: Timestamp(1_768_018_294_000),
            title: "Intercom conversation 20001: it's <b>bold</b>".to_owned(),
            text: "x".repeat(40_000),
            template,
        };
        let (path, counted) = (format!("sobjects/{name}"), format!("salesforce.{name}.create.api"));
        world.is_made_once(&entry, ("POST", &path), &counted).await;
        // Done again by somebody who does not look, it is still one.
        let before = world.count(&counted);
        vendors::perform(&world.clients, &entry, &mut Log::new()).await.unwrap();
        assert_eq!(world.count(&counted), before);
    }
}

#[tokio::test]
async fn r97_an_activity_about_a_converted_lead_is_about_its_contact() {
    let world = World::new().await;
    let lead = json!({"LastName": "Roe", "Company": "Quint"});
    let lead = world.sandbox.new_salesforce_row("Lead", &lead, Webhook::Silent).unwrap();
    let lead = RecordRef::new(System::Salesforce, ObjectKind::Lead, lead);
    let merge = Effect::merge(world.salesforce.clone(), lead.clone());
    vendors::perform(&world.clients, &merge, &mut Log::new()).await.unwrap();
    let task = create(ObjectKind::Task, "Subject", &json!({"Subject": "Call"}), &[&lead]);
    let made = vendors::perform(&world.clients, &task, &mut Log::new()).await.unwrap();
    let row = world.sandbox.salesforce_row("Task", &made.id).unwrap();
    assert_eq!(row["WhoId"], json!(world.salesforce.id));
}

#[tokio::test]
async fn r117_r118_r121_what_is_said_in_intercom_is_said_once() {
    let world = World::new().await;
    let converse = Effect::Converse {
        contact: world.intercom.clone(),
        text: "I'd like to talk to a human <now>".to_owned(),
        key: key_for("agent 1"),
    };
    let talk =
        world.is_made_once(&converse, ("POST", "/conversations"), "intercom.conversation.create.api").await;
    for note in [false, true] {
        let reply = Effect::Reply {
            conversation: talk.clone(),
            speaker: ADMIN.to_owned(),
            text: "A teammate <b>takes over</b>\n& answers soon.".to_owned(),
            note,
            key: key_for("agent 2"),
        };
        let counted = "intercom.conversation_part.create.api";
        world.is_made_once(&reply, ("POST", "/reply"), counted).await;
    }
    let shown = world.sandbox.intercom_conversation(&talk.id).unwrap();
    let parts = shown["conversation_parts"]["conversation_parts"].as_array().unwrap();
    let said: Vec<(&str, &str)> = parts
        .iter()
        .map(|part| (part["part_type"].as_str().unwrap(), part["author"]["id"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("comment", ADMIN), ("note", ADMIN)]);
    assert!(parts[0]["body"].as_str().unwrap().contains("&lt;b&gt;takes over"), "{}", parts[0]["body"]);
    // What may be repeated is the same however often it is done.
    let track = Effect::Track {
        contact: world.intercom.clone(),
        event: "closed-won".to_owned(),
        at: Timestamp(1_768_018_294_000),
        details: json!({"plan": "pro"}).as_object().unwrap().clone(),
    };
    let tag = Effect::Tag { record: talk.clone(), tag: "escalated".to_owned(), on: true };
    for _ in 0..3 {
        vendors::perform(&world.clients, &track, &mut Log::new()).await.unwrap();
        vendors::perform(&world.clients, &tag, &mut Log::new()).await.unwrap();
    }
    assert_eq!(world.count("intercom.event.create.api"), 1);
    assert_eq!(world.count("intercom.conversation_tag.attach.api"), 1);
    assert_eq!(world.count("intercom.tag.create.api"), 1);
}

#[tokio::test]
async fn answers_that_make_no_sense_leave_a_doubt_and_never_a_lie() {
    let world = World::new().await;
    let words = format!("Call them {}", key_for("hostile"));
    let task =
        json!({"hs_task_subject": "Call", "hs_task_body": words, "hs_timestamp": "2026-10-01T10:00:00.000Z"});
    let task = create(ObjectKind::Task, "hs_task_body", &task, &[&world.hubspot]);
    let case = create(
        ObjectKind::Ticket,
        "Description",
        &json!({"Subject": "Call", "Description": words}),
        &[&world.salesforce],
    );
    let talk =
        Effect::Converse { contact: world.intercom.clone(), text: words.clone(), key: key_for("hostile") };
    for (vendor, effect) in [(Vendor::HubSpot, task), (Vendor::Salesforce, case), (Vendor::Intercom, talk)] {
        for kind in
            [FaultKind::MalformedJson, FaultKind::WrongContentType, FaultKind::HugeBody { bytes: 20_000_000 }]
        {
            let mut fault = Fault::new(vendor, kind.clone()).method("POST").times(1);
            fault.writes_only = true;
            world.sandbox.add_fault(fault);
            let error =
                vendors::perform(&world.clients, &effect, &mut Log::new()).await.expect_err("no sense");
            assert!(error.may_have_happened, "{vendor:?} {kind:?}: {error:?}");
            assert!(!error.words.contains("hostile") && error.words.len() < 2_000, "{error:?}");
            world.sandbox.clear_faults();
            // Reads that make no sense are errors too, never "it is not there".
            world.sandbox.add_fault(Fault::new(vendor, FaultKind::MalformedJson).times(1));
            let looked = vendors::probe(&world.clients, &effect, &mut Log::new()).await;
            assert!(looked.is_err(), "{vendor:?} {kind:?}: {looked:?}");
            world.sandbox.clear_faults();
        }
    }
}

#[tokio::test]
async fn what_a_vendor_has_no_call_for_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    let before = world.sandbox.books()["calls"].clone();
    let tag = |record: &RecordRef| Effect::Tag { record: record.clone(), tag: "vip".to_owned(), on: true };
    let field = |connection: &Connection, object| Effect::DefineField {
        connection: connection.clone(),
        object,
        field: "plan".to_owned(),
        kind: reknit::domain::schema::FieldKind::Text,
        options: Vec::new(),
    };
    let nobody = RecordRef::to_be_made(&world.hubspot.connection);
    for effect in [
        tag(&world.hubspot),
        tag(&world.salesforce),
        field(&world.salesforce.connection, ObjectKind::Contact),
        field(&world.intercom.connection, ObjectKind::Contact),
        create(
            ObjectKind::Deal,
            "dealname",
            &json!({"dealname": "x", "dealstage": "qualifiedtobuy"}),
            &[&nobody],
        ),
        create(
            ObjectKind::Task,
            "Subject",
            &json!({"Subject": "x"}),
            &[&RecordRef::to_be_made(&world.salesforce.connection)],
        ),
        Effect::link(world.account.clone(), world.account.clone()),
    ] {
        assert!(vendors::calls(world.clients.settings(), &effect).is_empty(), "{effect:?}");
        let error = vendors::perform(&world.clients, &effect, &mut Log::new()).await.expect_err("refused");
        assert!(matches!(error.class, ErrorClass::Unknown | ErrorClass::Validation), "{error:?}");
        assert!(error.words.to_lowercase().contains("nothing was sent"), "{error:?}");
        assert!(!error.may_have_happened);
    }
    assert_eq!(world.sandbox.books()["calls"], before);
}
