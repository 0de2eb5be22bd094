//! HubSpot's client against the emulated portal: what it is asked to do, and what then stands in the portal's records.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use reknit::cli::clock::SystemClock;
use reknit::domain::clock::Timestamp;
use reknit::domain::error_class::ErrorClass;
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, Fields, ObjectKind, RecordRef, System};
use reknit::domain::secret::{Credentials, Grant, Kept, Renewed, Secret};
use reknit::sandbox::{HubspotRules, Sandbox, Settings};
use reknit::vendors::hubspot::{UpsertBy, UpsertRow, Upserted, upsert_batch};
use reknit::vendors::operation::{Arguments, find, run};
use reknit::vendors::{self, Clients, HubspotPaths, Log, VendorError};
use serde_json::{Value, json};

/// The private app's token, or the OAuth app's newest refresh token.
struct Key(Mutex<Grant>);

impl Credentials for Key {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn grant(&self, _: &Connection) -> Result<Grant, String> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn store(&self, _: &Connection, renewed: &Renewed) -> Result<Kept, String> {
        if let (Grant::RefreshToken { refresh_token, .. }, Some(next)) =
            (&mut *self.0.lock().unwrap(), &renewed.refresh_token)
        {
            *refresh_token = next.clone();
        }
        Ok(Kept::InMemory)
    }
}

struct Stage {
    sandbox: Sandbox,
    clients: Clients,
    connection: Connection,
    log: Log,
}

fn empty() -> Settings {
    Settings {
        seeded: false,
        hubspot_window_limit: 10_000,
        hubspot_search_per_second: 10_000,
        ..Settings::default()
    }
}

impl Stage {
    async fn new(settings: Settings, oauth: bool, change: impl FnOnce(&mut vendors::Settings)) -> Self {
        let sandbox = Sandbox::start(settings).await.unwrap();
        let mut settings = vendors::Settings::default();
        sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
        change(&mut settings);
        let grant = if oauth {
            Grant::RefreshToken {
                client_id: sandbox.hubspot_client_id().to_owned(),
                client_secret: Some(Secret::new(sandbox.hubspot_client_secret())),
                refresh_token: Secret::new(sandbox.hubspot_refresh_token()),
            }
        } else {
            Grant::Fixed(Secret::new(sandbox.hubspot_token()))
        };
        let clients =
            Clients::new(&settings, Arc::new(Key(Mutex::new(grant))), Arc::new(SystemClock)).unwrap();
        Self { sandbox, clients, connection: Connection::only(System::Hubspot), log: Log::new() }
    }

    async fn upsert(&mut self, by: UpsertBy<'_>, rows: &[UpsertRow]) -> Vec<Result<Upserted, VendorError>> {
        upsert_batch(&self.clients, &self.connection, ObjectKind::Contact, by, rows, &mut self.log).await
    }

    async fn run(&mut self, name: &str, arguments: Value) -> Result<Value, VendorError> {
        let operation = find(System::Hubspot, name).unwrap();
        let arguments = Arguments::new(operation, fields(arguments))?;
        run(&self.clients, &self.connection, operation, &arguments, &mut self.log).await
    }

    async fn perform(&mut self, effect: &Effect) -> Result<RecordRef, VendorError> {
        vendors::perform(&self.clients, effect, &mut self.log).await
    }

    async fn contact(&mut self, email: &str) -> RecordRef {
        let fields = fields(json!({"email": email}));
        let connection = self.connection.clone();
        let identity = "email".to_owned();
        let create =
            Effect::Create { connection, object: ObjectKind::Contact, fields, identity, related: Vec::new() };
        self.perform(&create).await.unwrap()
    }
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

fn row(value: String, values: Value) -> UpsertRow {
    UpsertRow { value, fields: fields(values) }
}

#[tokio::test]
async fn contacts_are_upserted_by_the_hundred_and_bad_rows_fail_alone() {
    for paths in [HubspotPaths::V3v4, HubspotPaths::Dated] {
        let mut stage = Stage::new(empty(), false, |settings| settings.hubspot.paths = paths).await;
        let rows: Vec<UpsertRow> = (0..250)
            .map(|n| {
                let status = if n % 50 == 7 { "UNQUALIFIED" } else { "NEW" };
                row(format!("c{n}"), json!({"email": format!("p{n}@b.co"), "hs_lead_status": status}))
            })
            .collect();
        let by = UpsertBy::Unique("intercom_contact_id");
        for new in [true, false] {
            let before = stage.log.len();
            let results = stage.upsert(by, &rows).await;
            assert_eq!(stage.log.len() - before, 3, "a hundred rows in a call, refused ones among them");
            for (n, result) in results.iter().enumerate() {
                match result {
                    Ok(done) => {
                        assert_eq!(done.new, new);
                        let known = stage.sandbox.hubspot_find("intercom_contact_id", &format!("c{n}"));
                        assert_eq!(known.unwrap()["id"], done.record.id);
                    }
                    Err(error) => {
                        assert_eq!((n % 50, error.class), (7, ErrorClass::NotAllowedValue));
                        assert_eq!(error.field.as_deref(), Some("hs_lead_status"));
                        assert!(!error.may_have_happened);
                    }
                }
            }
            assert_eq!(results.iter().filter(|result| result.is_err()).count(), 5);
        }
    }
}

#[tokio::test]
async fn an_upsert_by_email_holds_every_mapped_field_or_is_not_sent() {
    let rules = HubspotRules { refuses_partial_upserts_by_email: true, ..HubspotRules::default() };
    let mut stage = Stage::new(Settings { hubspot: rules, ..empty() }, false, |_| {}).await;
    let mapped = ["email", "city", "lifecyclestage"];
    let rows = [
        row("a@b.co".to_owned(), json!({"city": "Lyon", "lifecyclestage": "lead"})),
        row("c@d.co".to_owned(), json!({"city": "Lyon"})),
    ];
    for new in [true, false] {
        let results = stage.upsert(UpsertBy::Email(&mapped), &rows).await;
        assert_eq!(results[0].as_ref().unwrap().new, new);
        assert!(results[1].as_ref().unwrap_err().words.contains("lifecyclestage"));
    }
    assert!(stage.sandbox.hubspot_find_by_email("c@d.co").is_none());
}

#[tokio::test]
async fn hundreds_of_changes_in_one_millisecond_are_each_read_once() {
    let clock = Arc::new(AtomicI64::new(1_768_018_294_000));
    let mut stage = Stage::new(Settings { clock: Some(clock.clone()), ..empty() }, false, |_| {}).await;
    let by = UpsertBy::Unique("intercom_contact_id");
    for (count, pass) in [(3, 1), (550, 1), (150, 0)] {
        let rows: Vec<UpsertRow> = (0..count).map(|n| row(format!("{count}-{n}"), json!({}))).collect();
        assert!(stage.upsert(by, &rows).await.iter().all(Result::is_ok));
        clock.fetch_add(pass, std::sync::atomic::Ordering::SeqCst);
    }
    let (mut seen, mut times, mut cursor) = (BTreeSet::new(), Vec::new(), None::<String>);
    loop {
        let since = Timestamp(1_768_018_294_000);
        let page = vendors::changed_contacts(
            &stage.clients,
            &stage.connection,
            since,
            cursor.as_deref(),
            &mut stage.log,
        );
        let (rows, next) = page.await.unwrap();
        for row in rows {
            times.push(row.vendor_updated_at);
            assert!(seen.insert(row.record.id.clone()), "{} was read twice", row.record.id);
        }
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 703);
    assert!(times.is_sorted(), "oldest first");
}

#[tokio::test]
async fn a_merge_whose_answer_was_lost_is_found_again_under_its_new_id() {
    let mut stage = Stage::new(empty(), false, |_| {}).await;
    let (survivor, absorbed) =
        (stage.contact("ana@northlight.com").await, stage.contact("ana@gmail.com").await);
    let merge = Effect::merge(survivor.clone(), absorbed.clone());
    let looked = vendors::probe(&stage.clients, &merge, &mut stage.log).await.unwrap();
    assert_eq!(looked, None);
    let merged = stage.perform(&merge).await.unwrap();
    assert!(merged != survivor && merged != absorbed);
    let looked = vendors::probe(&stage.clients, &merge, &mut stage.log).await.unwrap();
    assert_eq!(looked, Some(merged.clone()));
    let error = vendors::read(&stage.clients, &absorbed, &mut stage.log).await.unwrap_err();
    assert_eq!((error.class, error.existing), (ErrorClass::MergedAway, Some(Box::new(merged))));
}

#[tokio::test]
async fn an_oauth_app_goes_on_when_its_token_ends_and_tells_nobody_the_token() {
    let rules = HubspotRules { rotates_refresh_tokens: true, ..HubspotRules::default() };
    let settings = Settings { hubspot: rules, ..empty() };
    let mut stage = Stage::new(settings, true, |settings| settings.hubspot.timeline_app = true).await;
    for _ in 0..2 {
        stage.run("account.details", json!({})).await.unwrap();
        let about = stage.run("oauth.token_info", json!({})).await.unwrap();
        assert!(about["scopes"].as_array().unwrap().contains(&json!("timeline")), "{about}");
        stage.sandbox.expire_hubspot_tokens();
    }
    let event = json!({"eventTemplateId": "1001", "id": "c-1", "email": "ana@northlight.com"});
    let posted = stage.run("timeline.post", json!({"events": event})).await.unwrap();
    assert_eq!(posted["id"], "c-1");
    let told = format!("{:?}", stage.log);
    assert!(!told.contains("access-token-1") && told.contains("/oauth/v1/access-tokens/"), "{told}");
    let renewals = stage.log.iter().filter(|exchange| exchange.url.ends_with("/oauth/v1/token")).count();
    assert_eq!(renewals, 3, "once at the start and once for each token that had ended");

    stage.sandbox.revoke_hubspot_tokens();
    let error = stage.run("account.details", json!({})).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Auth);
}

#[tokio::test]
async fn a_conversation_becomes_a_note_at_its_own_time_on_person_and_company() {
    let mut stage = Stage::new(empty(), false, |_| {}).await;
    let contact = stage.contact("ana@northlight.com").await;
    let company = stage
        .run("objects.create", json!({"objectType": "companies", "properties": {"name": "Northlight"}}))
        .await
        .unwrap();
    let arguments = json!({"body": "Asked for a demo.", "timestamp": "2026-01-10T04:11:34Z",
        "contactId": contact.id, "companyId": company["id"]});
    let note = stage.run("notes.log", arguments).await.unwrap();
    let related = json!({"objectType": "contacts", "objectId": contact.id, "toObjectType": "notes"});
    let listed = stage.run("associations.list", related).await.unwrap();
    assert_eq!(listed["results"][0]["toObjectId"], note["id"]);
    let shown = json!({"objectType": "notes", "objectId": note["id"], "properties": "hs_timestamp"});
    let shown = stage.run("objects.get", shown).await.unwrap();
    assert_eq!(shown["properties"]["hs_timestamp"], "2026-01-10T04:11:34.000Z");

    let event = json!({"events": {"eventTemplateId": "1", "id": "e", "email": "a@b.co"}});
    let before = stage.log.len();
    let error = stage.run("timeline.post", event).await.unwrap_err();
    assert_eq!((error.class, stage.log.len()), (ErrorClass::Permission, before), "nothing was sent");
}

#[tokio::test]
async fn r74_a_missing_scope_is_named_to_the_operator() {
    let rules = HubspotRules {
        without_scopes: vec!["crm.schemas.contacts.write".to_owned()],
        ..HubspotRules::default()
    };
    let mut stage = Stage::new(Settings { hubspot: rules, ..empty() }, false, |_| {}).await;
    let definition = json!({"name": "plan", "label": "Plan", "type": "string", "fieldType": "text",
        "groupName": "contactinformation"});
    let arguments = json!({"objectType": "contacts", "definition": definition});
    let error = stage.run("properties.create", arguments).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Permission);
    assert!(error.words.contains("crm.schemas.contacts.write"), "{error}");
}
