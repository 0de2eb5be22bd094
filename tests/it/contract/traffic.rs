//! Our clients driven through the recorders: every public function of `vendors`, every kind of effect, refusals that
//! belong to daily life. Each step has a label, under which what it sent is compared with the golden.

use std::sync::Arc;

use reknit::cli::clock::SystemClock;
use reknit::domain::clock::{Clock as _, Timestamp};
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, Fields, ObjectKind, RecordRef, System};
use reknit::sandbox::{Sandbox, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients, HubspotPaths, Log};
use serde_json::{Value, json};

use super::raw;
use crate::support::Recorder;

/// The sandbox, a recorder before each vendor, and our clients calling the recorders.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) intercom: Recorder,
    pub(crate) hubspot: Recorder,
    pub(crate) salesforce: Recorder,
    pub(crate) clients: Clients,
}

impl Stage {
    /// Empty vendors behind recorders, called with a token of HubSpot's.
    async fn new(version: &str, paths: HubspotPaths, public_app: bool) -> Self {
        let sandbox = empty_sandbox().await;
        let intercom = Recorder::before(sandbox.intercom_base_url()).await;
        let hubspot = Recorder::before(sandbox.hubspot_base_url()).await;
        let salesforce = Recorder::before(sandbox.salesforce_instance_url()).await;
        let mut settings = vendors::Settings::default();
        salesforce.url().clone_into(&mut settings.salesforce.instance_url);
        intercom.url().clone_into(&mut settings.intercom.base_url);
        version.clone_into(&mut settings.intercom.version);
        hubspot.url().clone_into(&mut settings.hubspot.base_url);
        settings.hubspot.paths = paths;
        settings.hubspot.timeline_app = true;
        // Only a public app may post timeline events, so its token comes from the token endpoint.
        let token = if public_app {
            raw::hubspot_access_token(&sandbox).await
        } else {
            sandbox.hubspot_token().to_owned()
        };
        let tokens = Given::default()
            .with(System::Intercom, sandbox.intercom_token(), "")
            .with(System::Hubspot, &token, "")
            .with(System::Salesforce, sandbox.salesforce_token(), "");
        let clients = Clients::new(&settings, Arc::new(tokens), Arc::new(SystemClock)).unwrap();
        Self { sandbox, intercom, hubspot, salesforce, clients }
    }

    /// Where one system is called in one of its variants, the other as it is by default.
    pub(crate) async fn of(system: System, variant: &str) -> Self {
        match system {
            System::Intercom => Self::new(variant, HubspotPaths::V3v4, false).await,
            System::Salesforce => Self::new("2.16", HubspotPaths::V3v4, false).await,
            System::Hubspot => Self::new("2.16", paths(variant), false).await,
        }
    }

    /// HubSpot called by a public app.
    pub(crate) async fn of_public_app(variant: &str) -> Self {
        Self::new("2.16", paths(variant), true).await
    }

    /// What stands before a vendor.
    pub(crate) fn recorder(&self, system: System) -> &Recorder {
        match system {
            System::Intercom => &self.intercom,
            System::Hubspot => &self.hubspot,
            System::Salesforce => &self.salesforce,
        }
    }

    fn step(&self, system: System, label: &str) {
        self.recorder(system).label(label);
    }

    /// Performs an effect that must succeed.
    async fn perform(&self, label: &str, effect: &Effect) -> RecordRef {
        self.step(effect.connection().system, label);
        let done = vendors::perform(&self.clients, effect, &mut Log::new()).await;
        done.unwrap_or_else(|error| panic!("{label}: {error:?}"))
    }

    /// Performs an effect, whatever comes of it.
    async fn attempt(&self, label: &str, effect: &Effect) {
        self.step(effect.connection().system, label);
        let _ = vendors::perform(&self.clients, effect, &mut Log::new()).await;
    }

    /// Performs an effect that the vendor must refuse with this status.
    async fn refused(&self, label: &str, effect: &Effect, status: u16) {
        self.step(effect.connection().system, label);
        let error = vendors::perform(&self.clients, effect, &mut Log::new()).await.expect_err(label);
        assert_eq!(error.status, Some(status), "{label}: {error:?}");
    }

    async fn probe(&self, label: &str, effect: &Effect, happened: bool) {
        self.step(effect.connection().system, label);
        let found = vendors::probe(&self.clients, effect, &mut Log::new()).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{label}: {error:?}")).is_some(), happened, "{label}");
    }

    async fn read(&self, label: &str, record: &RecordRef) {
        self.step(record.system(), label);
        let read = vendors::read(&self.clients, record, &mut Log::new()).await;
        read.unwrap_or_else(|error| panic!("{label}: {error:?}"));
    }

    async fn find(&self, label: &str, system: System, field: &str, value: &str) -> usize {
        self.step(system, label);
        let found =
            vendors::find_contact(&self.clients, &Connection::only(system), field, value, &mut Log::new())
                .await;
        found.unwrap_or_else(|error| panic!("{label}: {error:?}")).len()
    }

    /// What both vendors have in common: lists, changes, the check.
    async fn lists(&self, system: System) {
        let (clients, connection) = (&self.clients, Connection::only(system));
        let log = &mut Log::new();
        self.step(system, "check");
        vendors::check(clients, &connection, log).await.unwrap();
        self.step(system, "list contacts");
        let mut cursor = None;
        loop {
            let (_, next) =
                vendors::list_contacts(clients, &connection, cursor.as_deref(), log).await.unwrap();
            self.step(system, "list contacts, next page");
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        self.step(system, "list companies");
        vendors::list_companies(clients, &connection, None, log).await.unwrap();
        self.step(system, "changed contacts");
        let since = Timestamp(SystemClock.now().0 - 86_400_000);
        let (_, next) = vendors::changed_contacts(clients, &connection, since, None, log).await.unwrap();
        self.step(system, "changed contacts, next page");
        let next = next.expect("there are more than one page's");
        vendors::changed_contacts(clients, &connection, since, Some(&next), log).await.unwrap();
    }

    /// Everything our Intercom client does.
    pub(crate) async fn drive_intercom(&self, knows_company_notes: bool) {
        let user = self
            .perform(
                "create user",
                &create(System::Intercom, ObjectKind::Contact, "email", &json!({
                    "role": "user", "external_id": "u-1", "email": "mara@northlight.com", "name": "Mara Quint",
                    "phone": "+4930901820", "signed_up_at": 1_760_000_000, "unsubscribed_from_emails": false,
                    "custom_attributes.plan": "pro", "custom_attributes.lifecycle_stage": null,
                })),
            )
            .await;
        let lead_effect = create(
            System::Intercom,
            ObjectKind::Contact,
            "email",
            &json!({
                "role": "lead", "email": "mara@northlight.com",
            }),
        );
        let lead = self.perform("create lead", &lead_effect).await;
        self.refused(
            "create a user that exists",
            &create(
                System::Intercom,
                ObjectKind::Contact,
                "email",
                &json!({"role": "user", "email": "mara@northlight.com"}),
            ),
            409,
        )
        .await;
        self.refused(
            "create with an unknown attribute",
            &create(
                System::Intercom,
                ObjectKind::Contact,
                "email",
                &json!({"email": "a@b.com", "custom_attributes.nobody": 1}),
            ),
            400,
        )
        .await;
        let company_effect = create(
            System::Intercom,
            ObjectKind::Company,
            "company_id",
            &json!({
                "company_id": "c-1", "name": "Northlight", "website": "https://northlight.com", "industry": "Optics",
                "size": 40, "plan": "pro", "monthly_spend": 1200,
            }),
        );
        let company = self.perform("create company", &company_effect).await;
        self.perform(
            "update contact",
            &update(
                &user,
                &json!({
                    "name": "Mara Quint-Sol", "custom_attributes.plan": "basic",
                }),
            ),
        )
        .await;
        self.perform("update company", &update(&company, &json!({"industry": "Glass", "size": 41}))).await;
        self.perform("link", &Effect::link(user.clone(), company.clone())).await;
        let nobody = RecordRef::new(System::Intercom, ObjectKind::Company, "000000000000000000000000");
        self.refused("link to nothing", &Effect::link(user.clone(), nobody.clone()), 404).await;
        self.perform(
            "note on contact",
            &create(
                System::Intercom,
                ObjectKind::Note,
                "body",
                &json!({
                    "contact_id": user.id, "body": "<p>Called.</p>",
                }),
            ),
        )
        .await;
        if knows_company_notes {
            self.attempt(
                "note on company",
                &create(
                    System::Intercom,
                    ObjectKind::Note,
                    "body",
                    &json!({
                        "company_id": company.id, "body": "<p>Visited.</p>",
                    }),
                ),
            )
            .await;
        }
        let conversation =
            self.sandbox.start_conversation(&user.id, "Hello, it does not load", Webhook::Silent).unwrap();
        self.sandbox.reply_to_conversation(&conversation, "Which page?", Webhook::Silent);
        let conversation = RecordRef::new(System::Intercom, ObjectKind::Conversation, conversation);
        self.perform("update conversation", &update(&conversation, &json!({"read": true}))).await;
        self.read("read conversation", &conversation).await;
        self.read("read contact", &user).await;
        self.read("read company", &company).await;
        self.step(System::Intercom, "read nobody");
        let nobody = RecordRef::new(System::Intercom, ObjectKind::Contact, "000000000000000000000000");
        vendors::read(&self.clients, &nobody, &mut Log::new()).await.unwrap_err();

        self.probe("probe create by e-mail", &lead_effect, true).await;
        self.probe(
            "probe create by external id",
            &create(System::Intercom, ObjectKind::Contact, "external_id", &json!({"external_id": "u-1"})),
            true,
        )
        .await;
        self.probe(
            "probe create by an external id nobody has",
            &create(System::Intercom, ObjectKind::Contact, "external_id", &json!({"external_id": "u-2"})),
            false,
        )
        .await;
        self.probe("probe company by company_id", &company_effect, true).await;
        self.probe(
            "probe company by name",
            &create(System::Intercom, ObjectKind::Company, "name", &json!({"name": "Northlight"})),
            true,
        )
        .await;
        assert_eq!(
            self.find("find by attribute", System::Intercom, "custom_attributes.plan", "basic").await,
            1
        );

        self.drive_deeds(&user, &company, &conversation).await;

        let merge = Effect::merge(user.clone(), lead.clone());
        self.probe("probe merge before", &merge, false).await;
        self.perform("merge", &merge).await;
        if knows_company_notes {
            self.probe("probe merge after", &merge, true).await;
        }
        self.refused("merge twice", &merge, 404).await;

        // More companies than a contact itself names.
        for number in 0..12 {
            let id = self.sandbox.new_intercom_company(
                &format!("more-{number}"),
                &json!({"name": "More"}),
                Webhook::Silent,
            );
            self.sandbox.attach_intercom_company(&user.id, &id, Webhook::Silent);
        }
        self.read("read contact with many companies", &user).await;
        for number in 0..160 {
            let user = json!({"role": "user", "email": format!("person{number}@northlight.com")});
            self.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
        }
        self.lists(System::Intercom).await;
    }

    /// Tags, events, words, assignments, attributes, and what is read around a person.
    async fn drive_deeds(&self, user: &RecordRef, company: &RecordRef, conversation: &RecordRef) {
        let admin = "7400101".to_owned();
        for on in [true, false, false] {
            for record in [user, company, conversation] {
                let label = format!("{} {}", if on { "tag" } else { "untag" }, record.object);
                let tag = Effect::Tag { record: record.clone(), tag: "churn".to_owned(), on };
                self.perform(&label, &tag).await;
                self.step(System::Intercom, &format!("tags of {}", record.object));
                let tags = vendors::tags_of(&self.clients, record, &mut Log::new()).await.unwrap();
                assert_eq!(tags, if on { vec!["churn"] } else { Vec::new() }, "{label}");
            }
        }
        let event = Effect::Track {
            contact: user.clone(),
            event: "closed-won".to_owned(),
            at: Timestamp(SystemClock.now().0),
            details: fields(&json!({"plan": "pro"})),
        };
        self.perform("track", &event).await;
        self.perform("track again", &event).await;
        let converse = Effect::Converse {
            contact: user.clone(),
            text: "I need help".to_owned(),
            key: "reknit77".to_owned(),
        };
        self.probe("probe converse before", &converse, false).await;
        let begun = self.perform("converse", &converse).await;
        self.probe("probe converse after", &converse, true).await;
        for note in [false, true] {
            let reply = Effect::Reply {
                conversation: begun.clone(),
                speaker: admin.clone(),
                text: "On <my> way\n& soon there".to_owned(),
                note,
                key: "reknit78".to_owned(),
            };
            let word = if note { "note" } else { "reply" };
            self.probe(&format!("probe {word} before"), &reply, false).await;
            assert_eq!(self.perform(word, &reply).await, begun);
            self.probe(&format!("probe {word} after"), &reply, true).await;
        }
        for (label, to, team) in
            [("assign to a team", "814865", true), ("assign", "7400101", false), ("unassign", "0", false)]
        {
            let assign =
                Effect::Assign { conversation: begun.clone(), by: admin.clone(), to: to.to_owned(), team };
            self.attempt(label, &assign).await;
        }
        for _ in 0..2 {
            let define = Effect::DefineField {
                connection: Connection::only(System::Intercom),
                object: ObjectKind::Contact,
                field: "custom_attributes.deal_stage".to_owned(),
                kind: reknit::domain::schema::FieldKind::Option,
                options: vec!["new".to_owned(), "won".to_owned()],
            };
            self.perform("define attribute", &define).await;
        }
        let (clients, log) = (&self.clients, &mut Log::new());
        self.step(System::Intercom, "conversations of a contact");
        let talks = vendors::conversations_of(clients, user, log).await.unwrap();
        assert_eq!(talks.iter().map(|talk| &talk.record).collect::<Vec<_>>(), [&begun, conversation]);
        self.step(System::Intercom, "teammates");
        assert!(!vendors::owners(clients, &user.connection, log).await.unwrap().is_empty());
        self.step(System::Intercom, "company of a contact");
        let person = vendors::read(clients, user, log).await.unwrap();
        let found = vendors::company_of(clients, &person, log).await.unwrap();
        assert_eq!(found.map(|found| found.record).as_ref(), Some(company));
    }

    /// Sales, cases, tasks and what is read around a person, in Salesforce.
    async fn drive_salesforce_sales(&self, contact: &RecordRef, company: &RecordRef, lead: &RecordRef) {
        let key = reknit::domain::plan::key_for("sample");
        let make = |object, identity: &str, values: Value, related: &[&RecordRef]| Effect::Create {
            connection: Connection::only(System::Salesforce),
            object,
            fields: fields(&values),
            identity: identity.to_owned(),
            related: related.iter().map(|record| (*record).clone()).collect(),
        };
        let words = format!("What was said\n\n{key}");
        let deal = make(
            ObjectKind::Deal,
            "Description",
            json!({"Name": "Inbound", "StageName": "Prospecting", "CloseDate": "2027-01-31", "Description": words}),
            &[contact, company],
        );
        let case = make(
            ObjectKind::Ticket,
            "Description",
            json!({"Subject": "Billing", "Origin": "Intercom", "Description": words}),
            &[contact, company],
        );
        let task = make(
            ObjectKind::Task,
            "Description",
            json!({"Subject": "Call", "Description": words}),
            &[contact, company],
        );
        let event = make(
            ObjectKind::Event,
            "Description",
            json!({"Subject": "Met", "StartDateTime": "2026-10-01T10:00:00Z", "EndDateTime": "2026-10-01T10:30:00Z",
                   "Description": words}),
            &[lead],
        );
        let (clients, log, only) = (&self.clients, &mut Log::new(), Connection::only(System::Salesforce));
        for (label, effect) in [("deal", &deal), ("case", &case), ("task", &task), ("event", &event)] {
            self.probe(&format!("probe {label} before"), effect, false).await;
            let made = self.perform(&format!("create {label}"), effect).await;
            self.probe(&format!("probe {label} after"), effect, true).await;
            self.read(&format!("read {label}"), &made).await;
        }
        for (label, template) in [("log", None), ("log as event", Some("event".to_owned()))] {
            let entry = Effect::Log {
                contact: contact.clone(),
                key: reknit::domain::plan::key_for(label),
                at: Timestamp(1_768_018_294_000),
                title: "Intercom conversation 20001".to_owned(),
                text: "Hello".to_owned(),
                template,
            };
            self.probe(&format!("probe {label} before"), &entry, false).await;
            let made = self.perform(label, &entry).await;
            assert_eq!(self.perform(&format!("{label} again"), &entry).await, made);
            self.probe(&format!("probe {label} after"), &entry, true).await;
        }
        for object in [ObjectKind::Deal, ObjectKind::Ticket] {
            self.step(System::Salesforce, &format!("open {object}s"));
            let open = vendors::open_of(clients, &only, object, contact, log).await.unwrap();
            assert_eq!(open.len(), 1, "{object}");
            self.step(System::Salesforce, &format!("stages of {object}s"));
            let stages = vendors::stages(clients, &only, object, log).await.unwrap();
            assert!(stages.iter().any(|stage| stage.closed), "{object}");
        }
        self.step(System::Salesforce, "find case");
        let found =
            vendors::find(clients, &only, ObjectKind::Ticket, "Subject", "Billing", log).await.unwrap();
        assert_eq!(found.len(), 1);
        let deal =
            vendors::open_of(clients, &only, ObjectKind::Deal, contact, log).await.unwrap().swap_remove(0);
        let roe = create(System::Salesforce, ObjectKind::Contact, "Email", &json!({"LastName": "Roe"}));
        let roe = self.perform("create another contact", &roe).await;
        for _ in 0..2 {
            let link = Effect::link(roe.clone(), deal.record.clone());
            self.perform("give a role", &link).await;
        }
        assert_eq!(self.sandbox.salesforce_rows("OpportunityContactRole").len(), 2);
        self.perform("relate case", &Effect::link(found[0].record.clone(), roe.clone())).await;
        self.step(System::Salesforce, "users");
        assert_eq!(vendors::owners(clients, &only, log).await.unwrap().len(), 3);
        self.step(System::Salesforce, "company of a contact");
        let person = vendors::read(clients, contact, log).await.unwrap();
        let found = vendors::company_of(clients, &person, log).await.unwrap();
        assert_eq!(found.map(|found| found.record).as_ref(), Some(company));
        self.step(System::Salesforce, "changed deals");
        let since = Timestamp(SystemClock.now().0 - 86_400_000);
        let changed =
            vendors::reading::changed(clients, &only, ObjectKind::Deal, since, None, log).await.unwrap();
        assert_eq!(changed.0.len(), 1);
    }

    /// Sales, tickets, tasks and what is read around a person, in HubSpot.
    async fn drive_hubspot_sales(&self, contact: &RecordRef, company: &RecordRef) {
        let key = reknit::domain::plan::key_for("sample");
        let words = format!("What was said {key}");
        let make = |object, identity: &str, values: Value| Effect::Create {
            connection: Connection::only(System::Hubspot),
            object,
            fields: fields(&values),
            identity: identity.to_owned(),
            related: vec![contact.clone(), company.clone()],
        };
        let deal = make(
            ObjectKind::Deal,
            "dealname",
            json!({"dealname": "Inbound Chat — Mara", "dealstage": "qualifiedtobuy", "pipeline": "default"}),
        );
        let ticket = make(
            ObjectKind::Ticket,
            "content",
            json!({"subject": "Billing", "content": words, "hs_pipeline": "0", "hs_pipeline_stage": "1"}),
        );
        let task = make(
            ObjectKind::Task,
            "hs_task_body",
            json!({"hs_task_subject": "Low CSAT", "hs_task_body": words, "hs_timestamp": "2026-10-01T10:00:00.000Z"}),
        );
        let (clients, log, only) = (&self.clients, &mut Log::new(), Connection::only(System::Hubspot));
        for (label, effect) in [("deal", &deal), ("ticket", &ticket), ("task", &task)] {
            let label = format!("related {label}");
            self.probe(&format!("probe {label} before"), effect, false).await;
            let made = self.perform(&format!("create {label}"), effect).await;
            self.probe(&format!("probe {label} after"), effect, true).await;
            self.read(&format!("read {label}"), &made).await;
        }
        for object in [ObjectKind::Deal, ObjectKind::Ticket] {
            self.step(System::Hubspot, &format!("open {object}s"));
            let open = vendors::open_of(clients, &only, object, contact, log).await.unwrap();
            assert_eq!(open.len(), 1, "{object}");
            self.step(System::Hubspot, &format!("stages of {object}s"));
            let stages = vendors::stages(clients, &only, object, log).await.unwrap();
            assert!(stages.iter().any(|stage| stage.closed), "{object}");
        }
        self.step(System::Hubspot, "find by key");
        let found = vendors::find_by_key(clients, &only, ObjectKind::Task, contact, &key, log).await.unwrap();
        assert!(found.is_some());
        self.step(System::Hubspot, "find ticket");
        let found =
            vendors::find(clients, &only, ObjectKind::Ticket, "subject", "Billing", log).await.unwrap();
        let deal =
            vendors::open_of(clients, &only, ObjectKind::Deal, contact, log).await.unwrap().swap_remove(0);
        self.perform("relate deal to ticket", &Effect::link(deal.record.clone(), found[0].record.clone()))
            .await;
        self.perform("close deal", &update(&deal.record, &json!({"dealstage": "closedwon"}))).await;
        self.step(System::Hubspot, "open deals");
        assert!(vendors::open_of(clients, &only, ObjectKind::Deal, contact, log).await.unwrap().is_empty());
        self.step(System::Hubspot, "owners");
        assert_eq!(vendors::owners(clients, &only, log).await.unwrap().len(), 4);
        self.step(System::Hubspot, "company of a contact");
        let person = vendors::read(clients, contact, log).await.unwrap();
        let found = vendors::company_of(clients, &person, log).await.unwrap();
        assert_eq!(found.map(|found| found.record).as_ref(), Some(company));
        self.step(System::Hubspot, "changed deals");
        let since = Timestamp(SystemClock.now().0 - 86_400_000);
        let changed =
            vendors::reading::changed(clients, &only, ObjectKind::Deal, since, None, log).await.unwrap();
        assert!(!changed.0.is_empty());
        for _ in 0..2 {
            let define = Effect::DefineField {
                connection: only.clone(),
                object: ObjectKind::Contact,
                field: "open_support_ticket".to_owned(),
                kind: reknit::domain::schema::FieldKind::Boolean,
                options: Vec::new(),
            };
            self.perform("define property", &define).await;
        }
    }

    /// Everything our Salesforce client does for the engine.
    pub(crate) async fn drive_salesforce(&self) {
        let create = |object, identity: &str, values| create(System::Salesforce, object, identity, &values);
        let lead_effect = create(
            ObjectKind::Lead,
            "Email",
            json!({"LastName": "Quint", "Company": "Northlight", "Email": "mara@northlight.com", "Intercom_Contact_ID__c": "64e2"}),
        );
        let lead = self.perform("create lead", &lead_effect).await;
        let other = json!({"LastName": "Roe", "Company": "Northlight", "Email": "roe@northlight.com"});
        let twin = self.perform("create second lead", &create(ObjectKind::Lead, "Email", other)).await;
        let company = create(ObjectKind::Company, "Name", json!({"Name": "Northlight"}));
        let company = self.perform("create account", &company).await;
        let contact = json!({"LastName": "Sol", "Email": "sol@northlight.com"});
        let contact = self.perform("create contact", &create(ObjectKind::Contact, "Email", contact)).await;
        self.refused(
            "create without company",
            &create(ObjectKind::Lead, "LastName", json!({"LastName": "A"})),
            400,
        )
        .await;
        self.perform("update lead", &update(&lead, &json!({"Title": "CTO", "Phone": null}))).await;
        self.perform("link", &Effect::link(contact.clone(), company.clone())).await;
        for (label, record) in [("read lead", &lead), ("read contact", &contact), ("read account", &company)]
        {
            self.read(label, record).await;
        }
        self.probe("probe lead", &lead_effect, true).await;
        assert_eq!(self.find("find by e-mail", System::Salesforce, "Email", "mara@northlight.com").await, 1);
        let updates = [update(&lead, &json!({"Title": "CEO"})), update(&twin, &json!({"Title": "CFO"}))];
        self.step(System::Salesforce, "many updates");
        let rows = updates.iter().collect::<Vec<_>>();
        let results = vendors::perform_updates(&self.clients, &rows, &mut Log::new()).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        self.drive_salesforce_sales(&contact, &company, &lead).await;
        self.perform("merge leads", &Effect::merge(lead, twin)).await;
        let (connection, log) = (Connection::only(System::Salesforce), &mut Log::new());
        self.step(System::Salesforce, "check");
        vendors::check(&self.clients, &connection, log).await.unwrap();
        self.step(System::Salesforce, "list contacts");
        vendors::list_contacts(&self.clients, &connection, None, log).await.unwrap();
        self.step(System::Salesforce, "list companies");
        vendors::list_companies(&self.clients, &connection, None, log).await.unwrap();
        self.step(System::Salesforce, "changed contacts");
        let since = Timestamp(SystemClock.now().0 - 86_400_000);
        vendors::changed_contacts(&self.clients, &connection, since, None, log).await.unwrap();
    }

    /// Everything our HubSpot client does.
    pub(crate) async fn drive_hubspot(&self) {
        let contact_effect = create(
            System::Hubspot,
            ObjectKind::Contact,
            "email",
            &json!({
                "email": "mara@northlight.com", "firstname": "Mara", "lastname": "Quint", "intercom_contact_id": "64e2",
            }),
        );
        let contact = self.perform("create contact", &contact_effect).await;
        self.refused("create a contact that exists", &contact_effect, 409).await;
        self.refused(
            "create with an unknown property",
            &create(
                System::Hubspot,
                ObjectKind::Contact,
                "email",
                &json!({"email": "a@b.com", "nobody_knows": "1"}),
            ),
            400,
        )
        .await;
        let twin = self
            .perform(
                "create twin",
                &create(
                    System::Hubspot,
                    ObjectKind::Contact,
                    "email",
                    &json!({"email": "m.quint@northlight.com"}),
                ),
            )
            .await;
        let company_effect = create(
            System::Hubspot,
            ObjectKind::Company,
            "domain",
            &json!({
                "name": "Northlight", "domain": "northlight.com",
            }),
        );
        let company = self.perform("create company", &company_effect).await;
        let second = self
            .perform(
                "create second company",
                &create(
                    System::Hubspot,
                    ObjectKind::Company,
                    "domain",
                    &json!({
                        "name": "Northlight Inc", "domain": "northlight.io",
                    }),
                ),
            )
            .await;
        self.perform(
            "create note",
            &create(
                System::Hubspot,
                ObjectKind::Note,
                "hs_note_body",
                &json!({
                    "hs_note_body": "Called.", "hs_timestamp": "2026-10-01T10:00:00.000Z",
                }),
            ),
        )
        .await;
        self.perform("create task", &create(System::Hubspot, ObjectKind::Task, "hs_task_subject", &json!({
            "hs_task_subject": "Call back", "hs_task_status": "NOT_STARTED", "hs_timestamp": "2026-10-01T10:00:00.000Z",
        }))).await;
        let deal = self.perform("create deal", &create(System::Hubspot, ObjectKind::Deal, "dealname", &json!({
            "dealname": "Forty seats", "dealstage": "appointmentscheduled", "pipeline": "default", "amount": 1200,
        }))).await;
        self.perform("update contact", &update(&contact, &json!({"jobtitle": "CTO", "phone": null}))).await;
        self.refused(
            "update nobody",
            &update(&RecordRef::new(System::Hubspot, ObjectKind::Contact, "1"), &json!({"jobtitle": "x"})),
            404,
        )
        .await;
        self.perform("update company", &update(&company, &json!({"industry": "COMPUTER_SOFTWARE"}))).await;
        self.perform("link", &Effect::link(contact.clone(), company.clone())).await;
        self.read("read contact", &contact).await;
        self.read("read company", &company).await;
        self.read("read deal", &deal).await;

        self.probe("probe contact by e-mail", &contact_effect, true).await;
        self.probe(
            "probe a contact nobody has",
            &create(System::Hubspot, ObjectKind::Contact, "email", &json!({"email": "no@body.com"})),
            false,
        )
        .await;
        self.probe("probe company by domain", &company_effect, true).await;
        assert_eq!(
            self.find("find by unique property", System::Hubspot, "intercom_contact_id", "64e2").await,
            1
        );
        assert_eq!(self.find("find by last name", System::Hubspot, "lastname", "Quint").await, 1);

        self.drive_hubspot_sales(&contact, &company).await;

        let updates = [
            update(&contact, &json!({"jobtitle": "CEO"})),
            update(&twin, &json!({"jobtitle": "CFO"})),
            update(&company, &json!({"city": "Oslo"})),
        ];
        self.step(System::Hubspot, "batch update");
        let results =
            vendors::perform_updates(&self.clients, &updates.iter().collect::<Vec<_>>(), &mut Log::new())
                .await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        self.step(System::Hubspot, "batch update with a bad row");
        let updates = [
            update(&contact, &json!({"jobtitle": "CEO"})),
            update(&RecordRef::new(System::Hubspot, ObjectKind::Contact, "1"), &json!({"jobtitle": "x"})),
        ];
        let results =
            vendors::perform_updates(&self.clients, &updates.iter().collect::<Vec<_>>(), &mut Log::new())
                .await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");

        let merge = Effect::merge(contact.clone(), twin);
        self.probe("probe merge before", &merge, false).await;
        self.perform("merge contacts", &merge).await;
        self.probe("probe merge after", &merge, true).await;
        self.perform("merge companies", &Effect::merge(company, second)).await;

        for number in 0..210 {
            let contact = json!({"email": format!("person{number}@northlight.com")});
            self.sandbox.new_hubspot_contact(&contact, Webhook::Silent).unwrap();
        }
        self.lists(System::Hubspot).await;
    }
}

fn paths(family: &str) -> HubspotPaths {
    if family == "dated" { HubspotPaths::Dated } else { HubspotPaths::V3v4 }
}

/// Vendors without records and with patient limits.
pub(crate) async fn empty_sandbox() -> Sandbox {
    let settings = reknit::sandbox::Settings {
        seeded: false,
        intercom_window_limit: 1_000_000,
        hubspot_window_limit: 1_000_000,
        hubspot_search_per_second: 1_000_000,
        ..reknit::sandbox::Settings::default()
    };
    Sandbox::start(settings).await.unwrap()
}

fn fields(value: &Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn create(system: System, object: ObjectKind, identity: &str, values: &Value) -> Effect {
    Effect::Create {
        connection: Connection::only(system),
        object,
        fields: fields(values),
        identity: identity.to_owned(),
        related: Vec::new(),
    }
}

fn update(record: &RecordRef, values: &Value) -> Effect {
    Effect::Update { record: record.clone(), fields: fields(values) }
}
