//! How rows are cut, sent and found again, against a HubSpot in a few lines.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use proptest::prelude::*;

use super::*;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::record::System;
use crate::domain::secret::{Credentials, Secret};

#[test]
fn a_batch_has_at_most_a_hundred_rows_and_no_record_twice() {
    let records: Vec<RecordRef> = (0..250)
        .map(|number| RecordRef::new(System::Hubspot, ObjectKind::Contact, number.to_string()))
        .collect();
    let fields = Fields::new();
    let mut rows: Vec<Row<'_>> =
        records.iter().enumerate().map(|(place, record)| (place, record, &fields)).collect();
    assert_eq!(batches(&rows).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    rows.push((250, &records[249], &fields));
    assert_eq!(batches(&rows).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50, 1]);
}

proptest! {
    #[test]
    fn cutting_keeps_every_row_in_order_and_no_key_twice_in_a_batch(
        keys in prop::collection::vec(0_u8..40, 0..400),
    ) {
        let batches = cut(&keys, |key| key);
        for batch in &batches {
            let distinct: HashSet<u8> = batch.iter().copied().collect();
            prop_assert!(distinct.len() == batch.len() && batch.len() <= BATCH && !batch.is_empty());
        }
        prop_assert_eq!(batches.concat(), keys);
    }
}

struct Token;

impl Credentials for Token {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        Some(Secret::new("canary-0123456789-token"))
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
}

/// How the server names what it answers about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Naming {
    Traces,
    Ids,
    /// The batch as a whole is refused when a row is bad.
    Whole,
}

/// A HubSpot that knows values beginning with `old`, refuses those beginning with `bad`, answers backwards, and
/// gives the sizes of the batches it was sent.
async fn upsert(values: &[String], naming: Naming) -> (Vec<Result<Upserted, VendorError>>, Vec<usize>) {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = sizes.clone();
    let routes = Router::new().fallback(move |body: String| {
        let seen = seen.clone();
        async move {
            let body: Value = serde_json::from_str(&body).unwrap();
            let inputs = body["inputs"].as_array().unwrap();
            seen.lock().unwrap().push(inputs.len());
            let bad = |input: &&Value| input["id"].as_str().unwrap().starts_with("bad");
            let refusal = json!({"status": "error", "category": "VALIDATION_ERROR", "message":
                "Property values were not valid: [{\"message\":\"no\",\"error\":\"INVALID_OPTION\",\"name\":\"tier\"}]"});
            if naming == Naming::Whole && inputs.iter().any(|input| bad(&input)) {
                return (StatusCode::BAD_REQUEST, refusal.to_string()).into_response();
            }
            let results: Vec<Value> = inputs
                .iter()
                .rev()
                .filter(|input| !bad(input))
                .map(|input| {
                    let mut row = json!({"id": format!("r-{}", input["id"].as_str().unwrap())});
                    row["new"] = json!(!input["id"].as_str().unwrap().starts_with("old"));
                    match naming {
                        Naming::Ids => row["properties"] = json!({"key": input["id"]}),
                        _ => row["objectWriteTraceId"] = input["objectWriteTraceId"].clone(),
                    }
                    row
                })
                .collect();
            let errors: Vec<Value> = inputs
                .iter()
                .filter(bad)
                .map(|input| {
                    let mut error = refusal.clone();
                    error["context"] = match naming {
                        Naming::Ids => json!({"ids": [input["id"]]}),
                        _ => json!({"objectWriteTraceId": [input["objectWriteTraceId"]]}),
                    };
                    error
                })
                .collect();
            (StatusCode::MULTI_STATUS, json!({"results": results, "errors": errors}).to_string()).into_response()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::default();
    settings.hubspot.base_url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let clock = Arc::new(ManualClock::at(Timestamp(1_768_018_294_000)));
    let clients = Clients::new(&settings, Arc::new(Token), clock).unwrap();
    let rows: Vec<UpsertRow> =
        values.iter().map(|value| UpsertRow { value: value.clone(), fields: Fields::new() }).collect();
    let connection = Connection::only(System::Hubspot);
    let mut log = Log::new();
    let by = UpsertBy::Unique("key");
    let results = upsert_batch(&clients, &connection, ObjectKind::Contact, by, &rows, &mut log).await;
    server.abort();
    let sizes = sizes.lock().unwrap().clone();
    assert_eq!(log.len(), sizes.len());
    (results, sizes)
}

fn assert_as_given(values: &[String], results: &[Result<Upserted, VendorError>]) {
    assert_eq!(results.len(), values.len());
    for (value, result) in values.iter().zip(results) {
        match result {
            Ok(done) => {
                assert_eq!(done.record.id, format!("r-{value}"));
                assert_eq!(done.new, !value.starts_with("old"));
            }
            Err(error) => {
                assert!(value.starts_with("bad"), "{value}: {error}");
                assert_eq!(
                    (error.class, error.field.as_deref()),
                    (ErrorClass::NotAllowedValue, Some("tier"))
                );
            }
        }
    }
}

#[tokio::test]
async fn results_come_in_the_given_order_however_hubspot_names_and_orders_them() {
    let values: Vec<String> = (0..230)
        .map(|n| match n % 7 {
            0 => format!("bad{n}"),
            1 => "old-twice".to_owned(),
            2 => format!("old{n}"),
            _ => format!("new{n}"),
        })
        .collect();
    for naming in [Naming::Traces, Naming::Ids] {
        let (results, sizes) = upsert(&values, naming).await;
        assert_as_given(&values, &results);
        assert_eq!(sizes.iter().sum::<usize>(), values.len(), "{naming:?}: nothing is sent twice");
    }
}

#[tokio::test]
async fn a_batch_refused_as_a_whole_is_halved_until_the_bad_row_stands_alone() {
    let mut values: Vec<String> = (0..100).map(|n| format!("new{n}")).collect();
    values[37] = "bad37".to_owned();
    let (results, sizes) = upsert(&values, Naming::Whole).await;
    assert_as_given(&values, &results);
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert!(sizes.len() <= 15, "{sizes:?}");
}

#[test]
fn what_cannot_be_found_again_is_not_sent() {
    let row = |value: &str, fields: Value| UpsertRow {
        value: value.to_owned(),
        fields: fields.as_object().expect("object").clone(),
    };
    let whole = row("a@b.co", json!({"city": null, "phone": "1"}));
    let by_email = UpsertBy::Email(&["email", "city", "phone"]);
    assert_eq!(fit(ObjectKind::Contact, by_email, &whole), Ok(()));
    for (object, by, row, word) in [
        (ObjectKind::Contact, by_email, row("a@b.co", json!({"city": "x"})), "phone"),
        (ObjectKind::Company, by_email, whole.clone(), "only contacts"),
        (ObjectKind::Contact, UpsertBy::Unique("email"), whole, "partial"),
        (ObjectKind::Contact, UpsertBy::Unique("key"), row(" ", json!({})), "no key"),
    ] {
        let error = fit(object, by, &row).expect_err(word);
        assert!(error.words.contains(word) && error.class == ErrorClass::Validation, "{error}");
    }
}
