//! Salesforce's client against the emulated org: what it is asked to do, and what then stands in the org's own rows.

use std::sync::Arc;
use std::time::Duration;

use reknit::cli::clock::SystemClock;
use reknit::domain::clock::{Clock as _, Timestamp};
use reknit::domain::error_class::ErrorClass;
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, Fields, ObjectKind, RecordRef, System};
use reknit::domain::secret::{Credentials, Grant, Secret};
use reknit::sandbox::{DuplicateRules, Fault, FaultKind, Sandbox, Settings, Vendor};
use reknit::vault::Given;
use reknit::vendors::salesforce::soql::{Comparison, Literal, Query};
use reknit::vendors::salesforce::{self, bulk, collections, composite, merging};
use reknit::vendors::{self, Clients, Log, VendorError, operation};
use serde_json::{Value, json};

struct Org {
    sandbox: Sandbox,
    clients: Clients,
    settings: vendors::Settings,
    connection: Connection,
    log: Log,
}

async fn org() -> Org {
    org_with(
        Settings { seeded: false, salesforce_duplicate_rules: DuplicateRules::Off, ..Settings::default() },
        |_| {},
    )
    .await
}

async fn org_with(settings: Settings, change: impl FnOnce(&mut vendors::Settings)) -> Org {
    let sandbox = Sandbox::start(settings).await.unwrap();
    let mut settings = vendors::Settings::default();
    sandbox.salesforce_instance_url().clone_into(&mut settings.salesforce.instance_url);
    change(&mut settings);
    let given = Given::default().with(System::Salesforce, sandbox.salesforce_token(), "");
    let clients = Clients::new(&settings, Arc::new(given), Arc::new(SystemClock)).unwrap();
    Org { sandbox, clients, settings, connection: Connection::only(System::Salesforce), log: Log::new() }
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

impl Org {
    async fn make(&mut self, object: ObjectKind, values: Value) -> RecordRef {
        let effect = self.create(object, values);
        self.perform(&effect).await.unwrap()
    }

    fn create(&self, object: ObjectKind, values: Value) -> Effect {
        let fields = fields(values);
        Effect::Create {
            connection: self.connection.clone(),
            object,
            fields,
            identity: "Email".to_owned(),
            related: Vec::new(),
        }
    }

    async fn perform(&mut self, effect: &Effect) -> Result<RecordRef, VendorError> {
        vendors::perform(&self.clients, effect, &mut self.log).await
    }

    async fn read(&mut self, record: &RecordRef) -> Result<reknit::domain::record::Mirror, VendorError> {
        vendors::read(&self.clients, record, &mut self.log).await
    }

    /// The org's own row.
    fn row(&self, record: &RecordRef) -> Value {
        let object = match record.object {
            ObjectKind::Contact => "Contact",
            ObjectKind::Lead => "Lead",
            ObjectKind::Company => "Account",
            ObjectKind::Deal => "Opportunity",
            ObjectKind::Ticket => "Case",
            _ => "Task",
        };
        self.sandbox.salesforce_row(object, &record.id).unwrap_or_default()
    }

    /// How many rows of the org hold a value.
    async fn count(&mut self, object: &str, field: &str, value: &str) -> usize {
        let query = Query::of(object, &["Id"]).and(field, Comparison::Is, Literal::Text(value));
        let page =
            salesforce::query_page(&self.clients, &self.connection, &query, false, None, &mut self.log).await;
        page.unwrap().0.len()
    }

    /// How many calls the client has made, by the last path segment asked for.
    fn asked(&self, text: &str) -> usize {
        self.log.iter().filter(|exchange| exchange.url.contains(text)).count()
    }
}

#[tokio::test]
async fn a_lead_with_an_external_id_is_made_once_however_often_it_is_made() {
    let mut org = org().await;
    let values = json!({"LastName": "Doe", "Company": "Łódź & Co", "Email": "doe@x.co", "Intercom_Contact_ID__c": "a/b?1"});
    let first = org.make(ObjectKind::Lead, values.clone()).await;
    for _ in 0..9 {
        assert_eq!(org.make(ObjectKind::Lead, values.clone()).await, first);
    }
    assert_eq!(first.id.len(), 18);
    let rows = org.sandbox.salesforce_find("Lead", "Intercom_Contact_ID__c", "a/b?1");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["Company"], "Łódź & Co");
    let looked = vendors::probe(&org.clients, &org.create(ObjectKind::Lead, values), &mut org.log).await;
    assert_eq!(looked.unwrap(), Some(first));
    let other = json!({"LastName": "Roe", "Company": "X", "Intercom_Contact_ID__c": "other"});
    let looked = vendors::probe(&org.clients, &org.create(ObjectKind::Lead, other), &mut org.log).await;
    assert_eq!(looked.unwrap(), None);
}

#[tokio::test]
async fn what_is_written_is_read_and_null_clears() {
    let mut org = org().await;
    let account = org.make(ObjectKind::Company, json!({"Name": "Acme"})).await;
    let contact = org
        .make(ObjectKind::Contact, json!({"LastName": "O'Hara", "Email": "o'hara@x.co", "Title": "VP"}))
        .await;
    org.perform(&Effect::link(contact.clone(), account.clone())).await.unwrap();
    let update =
        Effect::Update { record: contact.clone(), fields: fields(json!({"Title": null, "Phone": "+1 555"})) };
    assert_eq!(org.perform(&update).await.unwrap(), contact);

    let mirror = org.read(&contact).await.unwrap();
    assert_eq!(mirror.record, contact);
    assert_eq!((mirror.text("Title").as_str(), mirror.text("Phone").as_str()), ("", "+1 555"));
    assert_eq!(mirror.companies, [account.id]);
    assert!(mirror.vendor_updated_at.is_some() && !mirror.fields.contains_key("attributes"));
    let short = RecordRef { id: contact.id[..15].to_owned(), ..contact.clone() };
    assert_eq!(org.read(&short).await.unwrap().record, contact, "both lengths of an id are one record");

    let found = vendors::find_contact(&org.clients, &org.connection, "email", "o'hara@x.co", &mut org.log)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].record, contact);
    let none = "' OR Email != '";
    let found =
        vendors::find_contact(&org.clients, &org.connection, "Email", none, &mut org.log).await.unwrap();
    assert!(found.is_empty(), "a value is never a question: {found:?}");
    let wrong =
        vendors::find_contact(&org.clients, &org.connection, "Email FROM User", "x", &mut org.log).await;
    assert_eq!(wrong.unwrap_err().class, ErrorClass::Validation);
    let unknown = vendors::find_contact(&org.clients, &org.connection, "Nope__c", "x", &mut org.log).await;
    assert_eq!(unknown.unwrap_err().class, ErrorClass::UnknownField);
}

#[tokio::test]
async fn tasks_notes_cases_and_opportunities_have_their_own_kinds() {
    let mut org = org().await;
    let contact = org.make(ObjectKind::Contact, json!({"LastName": "Doe"})).await;
    let note = org.make(ObjectKind::Note, json!({"Subject": "Chat", "WhoId": contact.id})).await;
    assert_eq!((note.object, org.row(&note)["Status"].as_str()), (ObjectKind::Note, Some("Completed")));
    let task = org.make(ObjectKind::Task, json!({"Subject": "Call", "WhoId": contact.id})).await;
    assert_ne!(org.row(&task)["Status"], "Completed");
    let ticket = org.make(ObjectKind::Ticket, json!({"Subject": "Broken", "ContactId": contact.id})).await;
    assert_eq!(org.read(&ticket).await.unwrap().record, ticket);
    let deal = json!({"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"});
    let deal = org.make(ObjectKind::Deal, deal).await;
    assert_eq!(org.row(&deal)["StageName"], "Prospecting");
    assert_eq!(org.read(&note).await.unwrap().record, note);
}

#[tokio::test]
async fn a_merge_keeps_one_and_the_other_leads_to_it() {
    let mut org = org().await;
    let survivor = org.make(ObjectKind::Lead, json!({"LastName": "Doe", "Company": "A"})).await;
    let absorbed =
        org.make(ObjectKind::Lead, json!({"LastName": "Dough", "Company": "A", "Phone": "1"})).await;
    let merge = Effect::merge(survivor.clone(), absorbed.clone());
    let before = vendors::probe(&org.clients, &merge, &mut org.log).await.unwrap();
    assert_eq!(before, None, "not done yet");

    let previewed = vendors::calls(&org.settings, &merge);
    assert_eq!(previewed.len(), 1);
    assert_eq!(org.perform(&merge).await.unwrap(), survivor);
    let sent = org.log.last().unwrap();
    assert!(
        !format!("{previewed:?} {:?}", org.log).contains(org.sandbox.salesforce_token()),
        "{}",
        sent.request
    );
    assert!(sent.request.contains("sessionId"), "{}", sent.request);

    assert_eq!(org.row(&absorbed)["MasterRecordId"], json!(survivor.id));
    let error = org.read(&absorbed).await.unwrap_err();
    assert_eq!((error.class, error.existing.as_deref()), (ErrorClass::MergedAway, Some(&survivor)));
    let update = Effect::Update { record: absorbed.clone(), fields: fields(json!({"Title": "x"})) };
    let error = org.perform(&update).await.unwrap_err();
    assert_eq!((error.class, error.existing.as_deref()), (ErrorClass::MergedAway, Some(&survivor)));
    assert_eq!(vendors::probe(&org.clients, &merge, &mut org.log).await.unwrap(), Some(survivor.clone()));
    let again = org.perform(&merge).await.unwrap_err();
    assert_eq!((again.class, again.existing.as_deref()), (ErrorClass::MergedAway, Some(&survivor)));

    // Merged again: the first loser leads to the last survivor.
    let last = org.make(ObjectKind::Lead, json!({"LastName": "Last", "Company": "A"})).await;
    org.perform(&Effect::merge(last.clone(), survivor)).await.unwrap();
    assert_eq!(org.read(&absorbed).await.unwrap_err().existing.as_deref(), Some(&last));
}

/// Credentials that renew themselves, as a connected app's do.
struct Renewing(Secret, Secret, String);

impl Credentials for Renewing {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn grant(&self, _: &Connection) -> Result<Grant, String> {
        let Self(refresh_token, client_secret, client_id) = self;
        Ok(Grant::RefreshToken {
            client_id: client_id.clone(),
            client_secret: Some(client_secret.clone()),
            refresh_token: refresh_token.clone(),
        })
    }
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_for_an_envelope_too() {
    let mut org = org().await;
    let renewing = Renewing(
        Secret::new(org.sandbox.salesforce_refresh_token()),
        Secret::new(org.sandbox.salesforce_client_secret()),
        org.sandbox.salesforce_client_id().to_owned(),
    );
    org.clients = Clients::new(&org.settings, Arc::new(renewing), Arc::new(SystemClock)).unwrap();
    let survivor = org.make(ObjectKind::Lead, json!({"LastName": "Doe", "Company": "A"})).await;
    let absorbed = org.make(ObjectKind::Lead, json!({"LastName": "Dough", "Company": "A"})).await;
    org.sandbox.expire_salesforce_tokens();
    org.log.clear();
    let merge = Effect::merge(survivor.clone(), absorbed.clone());
    assert_eq!(org.perform(&merge).await.unwrap(), survivor);
    assert_eq!(org.row(&absorbed)["MasterRecordId"], json!(survivor.id));
    let asked: Vec<(&str, Option<u16>)> = org
        .log
        .iter()
        .map(|exchange| (exchange.url.rsplit_once("/services/").unwrap().1, exchange.status))
        .collect();
    assert_eq!(asked, [("Soap/u/66.0", Some(500)), ("oauth2/token", Some(200)), ("Soap/u/66.0", Some(200))]);
}

#[tokio::test]
async fn many_are_merged_two_at_a_time_and_values_are_kept() {
    let mut org = org().await;
    let mut records = Vec::new();
    for number in 0..6 {
        records.push(org.make(ObjectKind::Contact, json!({"LastName": format!("Doe {number}")})).await);
    }
    let (survivor, absorbed) = records.split_first().unwrap();
    let values = fields(json!({"Description": "a < b & {session} ••••", "Title": null}));
    let results = merging::many(&org.clients, survivor, absorbed, &values, &mut org.log).await;
    assert_eq!(results.len(), 5);
    assert!(results.iter().all(|result| result.as_ref() == Ok(survivor)), "{results:?}");
    assert_eq!(org.asked("/services/Soap/"), 3);
    assert_eq!(org.row(survivor)["Description"], "a < b & {session} ••••");

    // The second step names a record that is gone: nothing after it is sent.
    let calls = org.asked("/services/Soap/");
    let fresh = org.make(ObjectKind::Contact, json!({"LastName": "New"})).await;
    let other = org.make(ObjectKind::Contact, json!({"LastName": "Newer"})).await;
    let last = org.make(ObjectKind::Contact, json!({"LastName": "Newest"})).await;
    let list = [fresh, other, absorbed[0].clone(), absorbed[1].clone(), last.clone()];
    let results = merging::many(&org.clients, survivor, &list, &Fields::new(), &mut org.log).await;
    assert!(results[0].is_ok() && results[1].is_ok());
    assert_eq!(results[2].as_ref().unwrap_err().class, ErrorClass::MergedAway);
    assert!(results[4].is_err());
    assert_eq!(org.asked("/services/Soap/"), calls + 2);
    assert_eq!(org.row(&last)["IsDeleted"], false);
}

#[tokio::test]
async fn a_lead_is_converted_into_the_contact_it_turned_out_to_be() {
    let mut org = org().await;
    let lead =
        json!({"LastName": "Doe", "Company": "Acme", "Email": "doe@x.co", "Intercom_Contact_ID__c": "ic1"});
    let lead = org.make(ObjectKind::Lead, lead).await;
    let contact = org.make(ObjectKind::Contact, json!({"LastName": "Doe"})).await;
    let merge = Effect::merge(contact.clone(), lead.clone());
    let alone = org.perform(&merge).await.unwrap_err();
    assert_eq!(alone.class, ErrorClass::Validation, "a contact without an account takes no lead: {alone}");
    assert_eq!(org.row(&lead)["IsConverted"], false);

    let account = org.make(ObjectKind::Company, json!({"Name": "Acme"})).await;
    org.perform(&Effect::link(contact.clone(), account)).await.unwrap();
    assert_eq!(vendors::calls(&org.settings, &merge).len(), 2);
    assert_eq!(vendors::probe(&org.clients, &merge, &mut org.log).await.unwrap(), None);
    assert_eq!(org.perform(&merge).await.unwrap(), contact);
    assert_eq!(org.row(&lead)["ConvertedContactId"], json!(contact.id));
    assert_eq!(vendors::probe(&org.clients, &merge, &mut org.log).await.unwrap(), Some(contact.clone()));

    let error = org.read(&lead).await.unwrap_err();
    assert_eq!((error.class, error.existing.as_deref()), (ErrorClass::Converted, Some(&contact)));
    let update = Effect::Update { record: lead.clone(), fields: fields(json!({"Title": "x"})) };
    let error = org.perform(&update).await.unwrap_err();
    assert_eq!((error.class, error.existing.as_deref()), (ErrorClass::Converted, Some(&contact)));
    let again = org.perform(&merge).await.unwrap_err();
    assert_eq!((again.class, again.existing.as_deref()), (ErrorClass::Converted, Some(&contact)));
    let found =
        vendors::find_contact(&org.clients, &org.connection, "Intercom_Contact_ID__c", "ic1", &mut org.log)
            .await;
    let found: Vec<RecordRef> = found.unwrap().into_iter().map(|mirror| mirror.record).collect();
    assert_eq!(found, [contact], "a converted lead stands for its contact");
}

#[tokio::test]
async fn updates_travel_together_and_each_has_its_own_result() {
    let mut org = org().await;
    let mut effects = Vec::new();
    for number in 0..205 {
        let lead =
            org.make(ObjectKind::Lead, json!({"LastName": format!("Doe {number}"), "Company": "A"})).await;
        let values =
            if number == 7 { json!({"Email": "no address"}) } else { json!({"Title": format!("T{number}")}) };
        effects.push(Effect::Update { record: lead, fields: fields(values) });
    }
    let gone = RecordRef { id: "00Qxx0000009999AAA".to_owned(), ..record_of(&effects[0]).clone() };
    effects.push(Effect::Update { record: gone, fields: fields(json!({"Title": "x"})) });
    org.log.clear();
    let refs: Vec<&Effect> = effects.iter().collect();
    let results = vendors::perform_updates(&org.clients, &refs, &mut org.log).await;
    assert_eq!(org.asked("/composite/sobjects"), 2);
    assert_eq!(results.len(), 206);
    let refused = results[7].as_ref().unwrap_err();
    assert_eq!((refused.class, refused.field.as_deref()), (ErrorClass::Validation, Some("Email")));
    assert_eq!(results[205].as_ref().unwrap_err().class, ErrorClass::NotFound);
    for place in [0, 6, 8, 204] {
        assert_eq!(results[place].as_ref().unwrap(), record_of(&effects[place]));
        assert_eq!(org.row(record_of(&effects[place]))["Title"], format!("T{place}"));
    }
}

fn record_of(effect: &Effect) -> &RecordRef {
    match effect {
        Effect::Update { record, .. } => record,
        other => panic!("no update: {other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_field_of_one_row_does_not_hold_back_the_others() {
    let mut org = org().await;
    let rows: Vec<Fields> = [
        json!({"LastName": "A", "Company": "X", "Intercom_Contact_ID__c": "1"}),
        json!({"LastName": "B", "Company": "X", "Intercom_Contact_ID__c": "2", "Nope__c": "?"}),
        json!({"LastName": "C", "Company": "X", "Intercom_Contact_ID__c": "3"}),
        json!({"LastName": "D", "Company": "X", "Intercom_Contact_ID__c": "1"}),
    ]
    .map(fields)
    .to_vec();
    let rows: Vec<collections::Row<'_>> =
        rows.iter().map(|fields| collections::Row { object: ObjectKind::Lead, id: None, fields }).collect();
    let field = "Intercom_Contact_ID__c";
    let results = collections::upsert(&org.clients, &org.connection, field, &rows, &mut org.log).await;
    assert_eq!(results[1].as_ref().unwrap_err().class, ErrorClass::UnknownField);
    assert_eq!(results[0].as_ref().unwrap(), results[3].as_ref().unwrap(), "{results:?}");
    assert!(results[2].is_ok());
    assert_eq!(org.count("Lead", "Company", "X").await, 2);

    let made: Vec<RecordRef> = [&results[0], &results[2]].map(|result| result.clone().unwrap()).to_vec();
    let ids = [made[0].id.as_str(), "00Qxx0000009999AAA", made[1].id.as_str()];
    let read = collections::retrieve(&org.clients, &org.connection, ObjectKind::Lead, &ids, &mut org.log)
        .await
        .unwrap();
    assert_eq!(read[0].as_ref().map(|mirror| mirror.text("LastName")).as_deref(), Some("D"));
    assert!(read[1].is_none() && read[2].is_some());
    let deleted = collections::delete(&org.clients, &made, &mut org.log).await;
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    assert_eq!(org.read(&made[0]).await.unwrap_err().class, ErrorClass::NotFound);
}

#[tokio::test]
async fn an_account_and_its_contact_are_made_in_one_call_or_not_at_all() {
    let mut org = org().await;
    let (account, contact) = (fields(json!({"Name": "Acme"})), fields(json!({"LastName": "Doe"})));
    let made = composite::contact_with_account(
        &org.clients,
        &org.connection,
        &account,
        &contact,
        None,
        &mut org.log,
    );
    let (contact, account) = made.await.unwrap();
    assert_eq!(org.row(&contact)["AccountId"], json!(account.id));
    assert_eq!(org.log.len(), 1);

    let (account, contact) = (fields(json!({"Name": "Ghost"})), fields(json!({"FirstName": "No last name"})));
    let made = composite::contact_with_account(
        &org.clients,
        &org.connection,
        &account,
        &contact,
        None,
        &mut org.log,
    );
    let error = made.await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (ErrorClass::Validation, Some("LastName")));
    assert_eq!(org.count("Account", "Name", "Ghost").await, 0, "nothing of it was done");
    assert_eq!(org.count("Account", "Name", "Acme").await, 1);
}

#[tokio::test]
async fn a_bulk_job_gives_every_row_its_own_result() {
    let mut org = org_with(
        Settings { seeded: false, salesforce_duplicate_rules: DuplicateRules::Off, ..Settings::default() },
        |settings| settings.max_response_bytes = 200_000,
    )
    .await;
    let rows: Vec<Fields> = (0..1_000)
        .map(|number| {
            let mut row = fields(json!({
                "Intercom_Contact_ID__c": format!("ic-{number}"),
                "LastName": format!("Doe \"{number}\",\nŁódź"),
                "Company": "Bulk",
            }));
            if number % 100 == 3 {
                row.insert("Email".to_owned(), json!("no address"));
            }
            row
        })
        .collect();
    let operation = bulk::Operation::Upsert("Intercom_Contact_ID__c".to_owned());
    let load = bulk::Load { object: ObjectKind::Lead, operation: &operation, rows: &rows };
    let parts = bulk::parts(&org.settings, &load);
    assert!(parts.len() > 1, "the rows do not fit one answer");
    let mut results = Vec::new();
    for rows in parts {
        let part = bulk::start(&org.clients, &org.connection, &load, rows, &mut org.log).await.unwrap();
        // Kept across a restart.
        let part: bulk::Part = serde_json::from_value(serde_json::to_value(&part).unwrap()).unwrap();
        let ended = loop {
            match bulk::progress(&org.clients, &org.connection, &load, &part, &mut org.log).await.unwrap() {
                bulk::Progress::NotYet { .. } => {}
                bulk::Progress::Ended(results) => break results,
            }
        };
        bulk::forget(&org.clients, &org.connection, &part, &mut org.log).await.unwrap();
        results.extend(ended);
    }
    assert_eq!(results.len(), 1_000);
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(loaded) => {
                assert!(loaded.created);
                let row = org.row(&loaded.record);
                assert_eq!(row["Intercom_Contact_ID__c"], format!("ic-{number}"));
                assert_eq!(row["LastName"], format!("Doe \"{number}\",\nŁódź"));
            }
            Err(error) => {
                assert_eq!(number % 100, 3, "{error}");
                assert_eq!((error.class, error.field.as_deref()), (ErrorClass::Validation, Some("Email")));
            }
        }
    }
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 10);

    let bad: [Fields; 1] = [fields(json!({"LastName": "no id"}))];
    let load = bulk::Load { rows: &bad, ..load };
    let calls = org.log.len();
    let error = bulk::start(&org.clients, &org.connection, &load, 0..1, &mut org.log).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Validation);
    assert_eq!(org.log.len(), calls, "nothing was sent");
}

#[tokio::test]
async fn lists_and_changes_are_paged_to_their_end() {
    let mut org = org_with(Settings { people: 300, companies: 40, ..Settings::default() }, |_| {}).await;
    let mut cursor: Option<String> = None;
    let mut people = Vec::new();
    loop {
        let page =
            vendors::list_contacts(&org.clients, &org.connection, cursor.as_deref(), &mut org.log).await;
        let (mirrors, next) = page.unwrap();
        people.extend(mirrors);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let kinds = |kind| people.iter().filter(|mirror| mirror.record.object == kind).count();
    let census = org.sandbox.books();
    assert!(kinds(ObjectKind::Contact) > 0 && kinds(ObjectKind::Lead) > 0, "{}", census["census"]);
    let (companies, _) =
        vendors::list_companies(&org.clients, &org.connection, None, &mut org.log).await.unwrap();
    assert!(!companies.is_empty() && companies.iter().all(|mirror| !mirror.text("name").is_empty()));

    let query = Query::of("Lead", &["Id"]).by("Id");
    let (rows, _) = salesforce::query_page(&org.clients, &org.connection, &query, false, None, &mut org.log)
        .await
        .unwrap();
    assert!(rows.len() >= kinds(ObjectKind::Lead));

    let since =
        Timestamp(people.iter().filter_map(|mirror| mirror.vendor_updated_at).max().unwrap().0 + 1_000);
    let made = org.make(ObjectKind::Lead, json!({"LastName": "New", "Company": "X"})).await;
    let absorbed = org.make(ObjectKind::Lead, json!({"LastName": "Newer", "Company": "X"})).await;
    org.perform(&Effect::merge(made.clone(), absorbed.clone())).await.unwrap();
    let mut changed = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page =
            vendors::changed_contacts(&org.clients, &org.connection, since, cursor.as_deref(), &mut org.log)
                .await;
        let (mirrors, next) = page.unwrap();
        changed.extend(mirrors.into_iter().map(|mirror| (mirror.record, mirror.deleted)));
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert!(changed.contains(&(made, false)) && changed.contains(&(absorbed, true)), "{changed:?}");
    assert!(
        vendors::check(&org.clients, &org.connection, &mut org.log).await.unwrap().starts_with("org 00D")
    );
}

#[tokio::test]
async fn refusals_have_their_class_and_say_who_is_meant() {
    let mut org = org_with(Settings { seeded: false, ..Settings::default() }, |_| {}).await;
    let lead = json!({"LastName": "Doe", "Company": "Acme", "Email": "doe@acme.example"});
    let first = org.make(ObjectKind::Lead, lead.clone()).await;
    let twin = org.perform(&org.create(ObjectKind::Lead, lead)).await.unwrap_err();
    assert_eq!((twin.class, &twin.existing), (ErrorClass::DuplicateDetected, &None), "alike is not the same");
    assert_eq!(*twin.candidates, *std::slice::from_ref(&first));

    for (values, class, field) in [
        (json!({"LastName": "Doe"}), ErrorClass::Validation, Some("Company")),
        (json!({"LastName": "D", "Company": "A", "Nope__c": 1}), ErrorClass::UnknownField, Some("Nope__c")),
        (json!({"LastName": "D".repeat(100), "Company": "A"}), ErrorClass::Validation, Some("LastName")),
    ] {
        let error = org.perform(&org.create(ObjectKind::Lead, values)).await.unwrap_err();
        assert_eq!(
            (error.class, error.field.as_deref(), error.may_have_happened),
            (class, field, false),
            "{error}"
        );
    }
    let never = RecordRef { id: "00Qxx0000009999AAA".to_owned(), ..first.clone() };
    assert_eq!(org.read(&never).await.unwrap_err().class, ErrorClass::NotFound);
    let rubbish = RecordRef { id: "64e2 ' OR".to_owned(), ..first.clone() };
    assert_eq!(org.read(&rubbish).await.unwrap_err().class, ErrorClass::NotFound);

    let mut settings = org.settings.clone();
    "Not_There__c".clone_into(&mut settings.salesforce.external_id_field);
    let given = Given::default().with(System::Salesforce, org.sandbox.salesforce_token(), "");
    let other = Clients::new(&settings, Arc::new(given), Arc::new(SystemClock)).unwrap();
    let effect = org.create(ObjectKind::Lead, json!({"LastName": "D", "Company": "A", "Not_There__c": "1"}));
    let error = vendors::perform(&other, &effect, &mut org.log).await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (ErrorClass::UnknownField, Some("Not_There__c")));

    for (kind, class) in [
        (FaultKind::RateLimitedDaily, ErrorClass::QuotaExhausted),
        (FaultKind::Locked, ErrorClass::Locked),
        (FaultKind::ServerErrorHtml, ErrorClass::Unavailable),
        (FaultKind::Unauthorized, ErrorClass::Auth),
    ] {
        org.sandbox.add_fault(Fault::new(Vendor::Salesforce, kind));
        let update = Effect::Update { record: first.clone(), fields: fields(json!({"Title": "x"})) };
        let error = org.perform(&update).await.unwrap_err();
        org.sandbox.clear_faults();
        assert_eq!(error.class, class, "{error}");
    }
    let reading =
        org.log.iter().rev().find_map(|exchange| exchange.limits.clone()).expect("every answer says it");
    assert_eq!(reading.daily_limit, Some(100_000));
    assert!(reading.daily_used.is_some_and(|used| used > 0));
}

#[tokio::test]
async fn operations_by_name_reach_the_org() {
    let mut org = org().await;
    let run = async |org: &mut Org, name: &str, given: Value| {
        let operation = operation::find(System::Salesforce, name).expect(name);
        let arguments = operation::Arguments::new(operation, fields(given)).expect(name);
        operation::run(&org.clients, &org.connection, operation, &arguments, &mut org.log).await
    };
    let lead = json!({"sobject": "Lead", "record": {"LastName": "Doe", "Company": "A"}, "allowSave": true});
    let id = run(&mut org, "sobjects.create", lead).await.unwrap()["id"].as_str().unwrap().to_owned();
    let read = run(&mut org, "sobjects.get", json!({"sobject": "Lead", "id": id, "fields": "Id,LastName"}))
        .await
        .unwrap();
    assert_eq!(read["LastName"], "Doe");
    let described = run(&mut org, "sobjects.describe", json!({"sobject": "Lead"})).await.unwrap();
    assert!(described["fields"].as_array().is_some_and(|fields| fields.len() > 10));
    let since = json!({"sobject": "Lead", "ifModifiedSince": "Fri, 01 Jan 2100 00:00:00 GMT"});
    assert_eq!(run(&mut org, "sobjects.describe", since).await.unwrap(), Value::Null, "not changed since");
    let picklists = run(&mut org, "sobjects.picklists", json!({"sobject": "Lead"})).await.unwrap();
    assert!(picklists["picklistFieldValues"]["Status"]["values"].is_array(), "{picklists}");
    for name in ["org.versions", "org.limits", "org.user", "sobjects.list"] {
        run(&mut org, name, json!({})).await.expect(name);
    }
    let q = json!({"q": "SELECT Id FROM Lead"});
    assert_eq!(run(&mut org, "query.run", q.clone()).await.unwrap()["totalSize"], 1);
    let now = SystemClock.now();
    let window = json!({"sobject": "Lead", "start": Timestamp(now.0 - 3_600_000).rfc3339(), "end": now.plus(Duration::from_secs(60)).rfc3339()});
    let updated = run(&mut org, "sobjects.updated", window.clone()).await.unwrap();
    assert_eq!(updated["ids"], json!([id]));
    run(&mut org, "sobjects.delete", json!({"sobject": "Lead", "id": id})).await.unwrap();
    assert_eq!(run(&mut org, "query.run", q.clone()).await.unwrap()["totalSize"], 0);
    let deleted = run(&mut org, "sobjects.deleted", window).await.unwrap();
    assert_eq!(deleted["deletedRecords"][0]["id"], json!(id));
    assert_eq!(run(&mut org, "query.all", q.clone()).await.unwrap()["totalSize"], 1);

    let job =
        run(&mut org, "query_jobs.create", json!({"q": "SELECT Id FROM Lead", "all": true})).await.unwrap();
    let job = json!({"jobId": job["id"]});
    for _ in 0..5 {
        if run(&mut org, "query_jobs.get", job.clone()).await.unwrap()["state"] == "JobComplete" {
            break;
        }
    }
    let rows = run(&mut org, "query_jobs.results", job).await.unwrap();
    assert!(rows.as_str().is_some_and(|csv| csv.contains(&id)), "{rows}");
}
