//! How rows are cut into jobs, and found again in what the jobs answer.

use serde_json::json;

use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::record::System;

fn fields(value: &Value) -> Fields {
    value.as_object().expect("an object").clone()
}

fn settled(rows: &[Fields], operation: &Operation, tables: [&str; 3]) -> Vec<Result<Loaded, VendorError>> {
    let connection = Connection::only(System::Salesforce);
    let context = super::super::Context {
        connection: &connection,
        object: ObjectKind::Lead,
        writes: true,
        expects: Expects::Text,
        now: Timestamp(0),
    };
    let tables: Vec<Table> = tables.iter().map(|text| csv::read(text).expect("a table")).collect();
    settle(rows, operation, &tables, Ended { job: "750", state: "Failed", why: "timed out" }, &context)
}

#[test]
fn rows_are_found_again_by_their_external_id() {
    let rows: Vec<Fields> =
        ["a", "b", "c", "d"].iter().map(|id| fields(&json!({"Ext__c": id, "LastName": "Doe"}))).collect();
    let results = settled(
        &rows,
        &Operation::Upsert("Ext__c".into()),
        [
            "\"sf__Id\",\"sf__Created\",\"LastName\",\"Ext__c\"\n\"00Qaj000002oTld\",\"false\",\"Doe\",\"c\"\n",
            "sf__Id,sf__Error,Ext__c,LastName\n,REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --,a,Doe\n",
            "Ext__c,LastName\nd,Doe\n",
        ],
    );
    let loaded = results[2].as_ref().expect("done");
    assert_eq!(
        (loaded.record.to_string().as_str(), loaded.created),
        ("salesforce/lead/00Qaj000002oTldEAE", false)
    );
    let refused = results[0].as_ref().expect_err("refused");
    assert_eq!((refused.class, refused.field.as_deref()), (ErrorClass::Validation, Some("Company")));
    let left = results[3].as_ref().expect_err("not tried");
    assert!(!left.may_have_happened && left.words.contains("timed out"), "{left}");
    let unsaid = results[1].as_ref().expect_err("nobody says");
    assert_eq!((unsaid.class, unsaid.may_have_happened), (ErrorClass::Malformed, true));
}

#[test]
fn rows_to_be_made_are_found_by_their_cells_equal_ones_in_order() {
    let row = |name: &str| fields(&json!({"LastName": name, "Title": null}));
    let results = settled(
        &[row("Doe"), row("Roe"), row("Doe")],
        &Operation::Insert,
        [
            "sf__Id,sf__Created,LastName,Title\n00Q2,true,Roe,#N/A\n00Q1,true,Doe,#N/A\n00Q3,true,Doe,#N/A\n00Q4,true,Poe,#N/A\n",
            "",
            "",
        ],
    );
    let ids: Vec<String> = results.into_iter().map(|result| result.expect("done").record.id).collect();
    assert_eq!(ids, ["00Q1", "00Q2", "00Q3"]);
}

#[test]
fn short_and_long_ids_are_the_same() {
    let results = settled(
        &[fields(&json!({"Id": "00Qaj000002oTld"}))],
        &Operation::Delete,
        ["sf__Id,sf__Created,Id\n00Qaj000002oTldEAE,false,00Qaj000002oTldEAE\n", "", ""],
    );
    assert!(results[0].is_ok());
}

#[test]
fn parts_fit_both_the_upload_and_the_answer() {
    let rows: Vec<Fields> =
        (0..100).map(|n| fields(&json!({"Ext__c": format!("{n}"), "Note__c": "\"".repeat(500)}))).collect();
    let operation = Operation::Upsert("Ext__c".into());
    let load = Load { object: ObjectKind::Lead, operation: &operation, rows: &rows };
    let settings = Settings { max_response_bytes: 20_000, ..Settings::default() };
    let parts = parts(&settings, &load);
    assert!(parts.len() > 5);
    let mut next = 0;
    for part in &parts {
        assert_eq!(part.start, next, "every row once, in order");
        next = part.end;
        let chosen = &rows[part.clone()];
        assert!(csv::write(&csv::columns(chosen), chosen).len() + chosen.len() * REMARK <= 20_000);
    }
    assert_eq!(next, 100);
    let one = Settings { max_response_bytes: 1, ..Settings::default() };
    assert_eq!(super::parts(&one, &load).len(), 100, "a row too big for its answer still goes alone");
    assert!(super::parts(&settings, &Load { rows: &[], ..load }).is_empty());
}

#[test]
fn a_job_says_what_it_is_about() {
    let settings = Settings::default();
    let request = jobs::create(&settings, "Lead", &Operation::Upsert("Ext__c".into())).expect("a request");
    assert_eq!(request.path, "/services/data/v66.0/jobs/ingest");
    assert_eq!(
        request.body,
        Some(json!({"object": "Lead", "operation": "upsert", "contentType": "CSV", "lineEnding": "LF",
                    "columnDelimiter": "COMMA", "externalIdFieldName": "Ext__c"}))
    );
    assert_eq!(
        jobs::put(&settings, "750/x", String::new()).path,
        "/services/data/v66.0/jobs/ingest/750%2Fx/batches"
    );
    assert!(jobs::create(&settings, "Lead", &Operation::Upsert("a b".into())).is_err());
}
