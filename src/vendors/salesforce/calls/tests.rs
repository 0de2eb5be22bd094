//! What is sent for an effect, to the letter.

use serde_json::json;

use super::*;
use crate::domain::record::{Connection, System};

fn record(object: ObjectKind, id: &str) -> RecordRef {
    RecordRef::new(System::Salesforce, object, id)
}

fn fields(value: &Value) -> Fields {
    value.as_object().expect("an object").clone()
}

fn create(object: ObjectKind, values: &Value) -> Effect {
    Effect::Create {
        connection: Connection::only(System::Salesforce),
        object,
        fields: fields(values),
        identity: "Email".to_owned(),
        related: Vec::new(),
    }
}

fn sent(effect: &Effect) -> (String, Value) {
    let request = request(&Settings::default(), effect).expect("a request");
    assert!(request.headers.contains(&("sforce-call-options", "client=reknit".to_owned())), "{request:?}");
    (format!("{} {}", request.method, request.path), request.body.unwrap_or_default())
}

#[test]
fn a_record_with_an_external_id_is_made_by_it() {
    let values =
        json!({"LastName": "Doe", "Company": "Acme", "Intercom_Contact_ID__c": "abc/1?x", "Id": "00Q1"});
    assert_eq!(
        sent(&create(ObjectKind::Lead, &values)),
        (
            "PATCH /services/data/v66.0/sobjects/Lead/Intercom_Contact_ID__c/abc%2F1%3Fx".to_owned(),
            json!({"LastName": "Doe", "Company": "Acme"})
        )
    );
    let values = json!({"LastName": "Doe", "Intercom_Contact_ID__c": null});
    assert_eq!(
        sent(&create(ObjectKind::Contact, &values)).0,
        "POST /services/data/v66.0/sobjects/Contact",
        "without a value it is made"
    );
    let values = json!({"Name": "Acme", "Intercom_Contact_ID__c": "a"});
    assert_eq!(sent(&create(ObjectKind::Company, &values)).0, "POST /services/data/v66.0/sobjects/Account");
}

#[test]
fn a_note_is_a_completed_task() {
    let (line, body) = sent(&create(ObjectKind::Note, &json!({"Subject": "Chat", "WhoId": "003"})));
    assert_eq!(line, "POST /services/data/v66.0/sobjects/Task");
    assert_eq!(body, json!({"Subject": "Chat", "WhoId": "003", "Status": "Completed"}));
    let (_, body) = sent(&create(ObjectKind::Task, &json!({"Subject": "Call"})));
    assert_eq!(body, json!({"Subject": "Call"}));
}

#[test]
fn a_lead_taken_for_a_contact_is_written_as_a_lead() {
    let effect = Effect::Update {
        record: record(ObjectKind::Contact, "00Qaj000002oTldEAE"),
        fields: fields(&json!({"Title": null})),
    };
    assert_eq!(
        sent(&effect),
        ("PATCH /services/data/v66.0/sobjects/Lead/00Qaj000002oTldEAE".to_owned(), json!({"Title": null}))
    );
}

#[test]
fn a_link_is_the_contacts_account() {
    let company = record(ObjectKind::Company, "0013h00000Kzv3A");
    let effect = Effect::link(record(ObjectKind::Contact, "0033h00000Kzv3AAAR"), company.clone());
    assert_eq!(
        sent(&effect),
        (
            "PATCH /services/data/v66.0/sobjects/Contact/0033h00000Kzv3AAAR".to_owned(),
            json!({"AccountId": "0013h00000Kzv3AAAR"})
        )
    );
    let lead = Effect::link(record(ObjectKind::Contact, "00Qaj000002oTldEAE"), company);
    assert_eq!(request(&Settings::default(), &lead).expect_err("a lead").class, ErrorClass::Validation);
}

#[test]
fn what_cannot_be_merged_is_not_sent() {
    let (lead, contact) = (record(ObjectKind::Lead, "00Q1"), record(ObjectKind::Contact, "0031"));
    assert_eq!(merging(&contact, &lead).expect("a conversion"), Merging::Conversion);
    assert_eq!(merging(&lead, &record(ObjectKind::Lead, "00Q2")).expect("a merge"), Merging::Rows);
    for (survivor, absorbed) in [
        (&lead, &contact),
        (&lead, &lead),
        (&contact, &record(ObjectKind::Company, "0011")),
        (&record(ObjectKind::Deal, "0061"), &record(ObjectKind::Deal, "0062")),
    ] {
        assert_eq!(merging(survivor, absorbed).expect_err("no way").class, ErrorClass::Validation);
    }
}

#[test]
fn a_conversion_is_previewed_with_both_its_calls() {
    let effect = Effect::merge(
        record(ObjectKind::Contact, "0033h00000Kzv3AAAR"),
        record(ObjectKind::Lead, "00Qaj000002oTldEAE"),
    );
    let sent = requests(&Settings::default(), &effect).expect("requests");
    assert_eq!(sent[0].path, "/services/data/v66.0/sobjects/Contact/0033h00000Kzv3AAAR?fields=Id,AccountId");
    assert_eq!(sent[1].path, "/services/Soap/u/66.0");
    let envelope = &sent[1].text.as_ref().expect("an envelope").1;
    assert!(envelope.contains("<urn:leadId>00Qaj000002oTldEAE</urn:leadId>"), "{envelope}");
    assert!(envelope.contains("(the contact&apos;s account)"), "{envelope}");
}

#[test]
fn the_next_page_is_on_the_same_host() {
    assert!(next(ObjectKind::Lead, "/services/data/v66.0/query/01gxx0000000001-200").is_ok());
    for bad in [
        "https://evil.example/services/data/v66.0/query/1",
        "//evil.example/services/data/v66.0/query/1",
        "@evil.example/services/data/v66.0/query/1",
        "/services/data/v66.0/../../query",
        "/services/data/v66.0//query",
        "/services/data/v66.0/sobjects/Lead",
        "/services/data/v66.0/query/1 HTTP/1.1",
        "",
    ] {
        assert_eq!(next(ObjectKind::Lead, bad).expect_err(bad).class, ErrorClass::Malformed);
    }
}

#[test]
fn times_and_options_stand_where_they_belong() {
    let settings = Settings::default();
    let (start, end) = (Timestamp(0), Timestamp(1_768_018_294_436));
    assert_eq!(
        replicated(&settings, "Lead", true, (start, end)).expect("a request").path,
        "/services/data/v66.0/sobjects/Lead/deleted/?start=1970-01-01T00%3A00%3A00Z&end=2026-01-10T04%3A11%3A34Z"
    );
    let query =
        query(&settings, ObjectKind::Lead, "SELECT Id FROM Lead WHERE Email = 'a@b.co'", true, Some(5));
    assert_eq!(
        query.path,
        "/services/data/v66.0/queryAll?q=SELECT%20Id%20FROM%20Lead%20WHERE%20Email%20%3D%20%27a%40b.co%27"
    );
    assert_eq!(query.headers, [("sforce-query-options", "batchSize=200".to_owned())]);
    let rule = DuplicateRule { allow_save: true, ..DuplicateRule::default() };
    let request = ruled(super::create(&settings, "Lead", &Fields::new()).expect("a request"), Some(rule));
    assert_eq!(request.headers[1].1, "allowSave=true; includeRecordDetails=false; runAsCurrentUser=false");
    let upsert = upsert(&settings, "Lead", ("Email", "a"), &Fields::new(), true).expect("a request");
    assert!(upsert.path.ends_with("/Lead/Email/a?updateOnly=true"));
    assert!(super::upsert(&settings, "Lead", ("Email", ""), &Fields::new(), true).is_err());
    assert!(get(&settings, "Lead/../User", "1", &[]).is_err());
    assert!(update(&settings, "Lead", "1", &fields(&json!({"a&b": 1}))).is_err());
}
