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
        self.perform("link", &Effect::Link { contact: user.clone(), company: company.clone() }).await;
        let nobody = RecordRef::new(System::Intercom, ObjectKind::Company, "000000000000000000000000");
        self.refused(
            "link to nothing",
            &Effect::Link { contact: user.clone(), company: nobody.clone() },
            404,
        )
        .await;
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

        let merge = Effect::Merge { survivor: user.clone(), absorbed: lead.clone() };
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
        self.perform("link", &Effect::Link { contact: contact.clone(), company: company.clone() }).await;
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
        self.perform("merge leads", &Effect::Merge { survivor: lead, absorbed: twin }).await;
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
        self.perform("link", &Effect::Link { contact: contact.clone(), company: company.clone() }).await;
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

        let merge = Effect::Merge { survivor: contact.clone(), absorbed: twin };
        self.probe("probe merge before", &merge, false).await;
        self.perform("merge contacts", &merge).await;
        self.probe("probe merge after", &merge, true).await;
        self.perform("merge companies", &Effect::Merge { survivor: company, absorbed: second }).await;

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
