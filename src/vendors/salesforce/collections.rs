//! Up to 200 records in one call, with a result of its own for every row; longer lists are cut.
//!
//! `allOrNone` is false: one person's bad value never holds back the others. Rows answer in order; a row without an
//! answer is in doubt. When the org refuses a whole call because of one row (an unknown field does that), the rows are
//! sent one by one: that is not a retry, nothing of the call was done.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::request::{Expects, Manner, Request, encode};
use super::super::settings::Settings;
use super::{calls, context, errors, followed, objects, soql, wire};

/// Rows in one call.
pub const ROWS: usize = 200;

/// One row to write.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Which kind of record.
    pub object: ObjectKind,
    /// Its id, for an update.
    pub id: Option<&'a str>,
    /// Its values; null clears.
    pub fields: &'a Fields,
}

/// What is done with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb<'a> {
    /// Made.
    Create,
    /// Changed, by id.
    Update,
    /// Made or changed, by this external id; all rows are of one kind.
    Upsert(&'a str),
}

/// The request for up to 200 rows of one kind.
pub(crate) fn request_of(
    settings: &Settings,
    verb: Verb<'_>,
    sobject: &str,
    rows: &[Row<'_>],
    all_or_none: bool,
) -> Result<Request, VendorError> {
    let names = vec![sobject; rows.len()];
    build(settings, verb, &names, rows, all_or_none)
}

/// The request for up to 200 rows.
fn request(settings: &Settings, verb: Verb<'_>, rows: &[Row<'_>]) -> Result<Request, VendorError> {
    let names = rows.iter().map(|row| objects::name(row.object)).collect::<Result<Vec<_>, _>>()?;
    build(settings, verb, &names, rows, false)
}

fn build(
    settings: &Settings,
    verb: Verb<'_>,
    names: &[&str],
    rows: &[Row<'_>],
    all_or_none: bool,
) -> Result<Request, VendorError> {
    let object = rows.first().map_or(ObjectKind::Contact, |row| row.object);
    let mut records = Vec::with_capacity(rows.len());
    for (row, name) in rows.iter().zip(names) {
        let mut record = serde_json::Map::new();
        record.insert("attributes".to_owned(), json!({"type": name}));
        if let (Verb::Update, Some(id)) = (verb, row.id) {
            record.insert("id".to_owned(), objects::whole_id(id).into());
        }
        record.extend(calls::without(row.fields, &["Id", "attributes"])?);
        records.push(Value::Object(record));
    }
    let mut path = "composite/sobjects".to_owned();
    let (method, word) = match verb {
        Verb::Create => (Method::POST, "create"),
        Verb::Update => (Method::PATCH, "update"),
        Verb::Upsert(field) => {
            path = format!("{path}/{}/{}", names.first().unwrap_or(&""), soql::identifier(field)?);
            (Method::PATCH, "create or update")
        }
    };
    Ok(calls::write(Manner::SlowWrite, method, object, calls::data(settings, &path))
        .body(json!({"allOrNone": all_or_none, "records": records}))
        .purpose(format!("{word} {} {object} records", rows.len())))
}

/// The request that puts up to 200 records into the recycle bin.
pub(crate) fn delete_request(
    settings: &Settings,
    object: ObjectKind,
    ids: &[&str],
    all_or_none: bool,
) -> Request {
    let ids: Vec<String> = ids.iter().map(|id| encode(&objects::whole_id(id))).collect();
    let path = format!("composite/sobjects?ids={}&allOrNone={all_or_none}", ids.join(","));
    calls::write(Manner::SlowWrite, Method::DELETE, object, calls::data(settings, &path))
        .purpose(format!("delete {} records", ids.len()))
}

/// The request that reads up to 200 records of a kind.
pub(crate) fn retrieve_request(
    settings: &Settings,
    sobject: &str,
    ids: &[&str],
    fields: &[String],
) -> Result<Request, VendorError> {
    let names = fields.iter().map(|field| soql::identifier(field)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<String> = ids.iter().map(|id| encode(&objects::whole_id(id))).collect();
    let path = format!(
        "composite/sobjects/{}?ids={}&fields={}",
        soql::identifier(sobject)?,
        ids.join(","),
        names.join(",")
    );
    let kind = calls::kind(sobject);
    Ok(Request::get(kind, calls::data(settings, &path))
        .page()
        .purpose(format!("read {} {kind} records", ids.len())))
}

/// Makes records.
pub async fn create(
    clients: &Clients,
    connection: &Connection,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    write(clients, connection, Verb::Create, rows, log).await
}

/// Changes records by id. What was merged or converted meanwhile says into what.
pub async fn update(
    clients: &Clients,
    connection: &Connection,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    let mut results = write(clients, connection, Verb::Update, rows, log).await;
    for (result, row) in results.iter_mut().zip(rows) {
        if let (Err(error), Some(id)) = (&*result, row.id) {
            let record = objects::record(connection, row.object, id);
            *result = Err(followed(clients, &record, error.clone(), log).await);
        }
    }
    results
}

/// Makes or changes records of one kind by an external id, which stands in every row's fields.
pub async fn upsert(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    write(clients, connection, Verb::Upsert(field), rows, log).await
}

/// Puts records into the recycle bin.
pub async fn delete(
    clients: &Clients,
    records: &[RecordRef],
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    let mut results = Vec::with_capacity(records.len());
    for chunk in records.chunks(ROWS) {
        let first = &chunk[0];
        let ids: Vec<&str> = chunk.iter().map(|record| record.id.as_str()).collect();
        let request = delete_request(clients.settings(), first.object, &ids, false);
        let answer = clients.send(&first.connection, &request, log).await;
        let kinds: Vec<ObjectKind> = chunk.iter().map(|record| record.object).collect();
        results.extend(settle(clients, &first.connection, &kinds, answer, log));
    }
    results
}

/// Reads records of a kind, with the usual fields; none where there is no such record.
pub async fn retrieve(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    ids: &[&str],
    log: &mut Log,
) -> Result<Vec<Option<Mirror>>, VendorError> {
    let fields = objects::fields(clients.settings(), object);
    let mut mirrors = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(ROWS) {
        let request = retrieve_request(clients.settings(), objects::name(object)?, chunk, &fields)?;
        let answer = clients.send(connection, &request, log).await?;
        let rows = answer.as_array().map_or(&[][..], Vec::as_slice);
        for place in 0..chunk.len() {
            mirrors.push(match rows.get(place) {
                None | Some(Value::Null) => None,
                Some(row) => Some(wire::mirror(connection, object, row)?),
            });
        }
    }
    Ok(mirrors)
}

async fn write(
    clients: &Clients,
    connection: &Connection,
    verb: Verb<'_>,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    let mut results = Vec::with_capacity(rows.len());
    for chunk in cut(verb, rows) {
        let answer = send(clients, connection, verb, chunk, log).await;
        match answer {
            Err(error) if chunk.len() > 1 && is_about_a_row(&error) => {
                for row in chunk {
                    let one = std::slice::from_ref(row);
                    let answer = send(clients, connection, verb, one, log).await;
                    results.extend(settle(clients, connection, &[row.object], answer, log));
                }
            }
            answer => {
                let kinds: Vec<ObjectKind> = chunk.iter().map(|row| row.object).collect();
                results.extend(settle(clients, connection, &kinds, answer, log));
            }
        }
    }
    results
}

async fn send(
    clients: &Clients,
    connection: &Connection,
    verb: Verb<'_>,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Result<Value, VendorError> {
    let request = request(clients.settings(), verb, rows)?;
    clients.send(connection, &request, log).await
}

/// Pieces of at most 200 rows in which no record stands twice: a second change of it would be refused.
fn cut<'r, 'a>(verb: Verb<'_>, rows: &'r [Row<'a>]) -> Vec<&'r [Row<'a>]> {
    let name = |row: &Row<'_>| match verb {
        Verb::Create => None,
        Verb::Update => row.id.map(objects::whole_id),
        Verb::Upsert(field) => row.fields.get(field).map(value_text),
    };
    let mut pieces = Vec::new();
    let (mut start, mut seen) = (0, HashSet::new());
    for (place, row) in rows.iter().enumerate() {
        let twice = name(row).is_some_and(|name| !seen.insert(name));
        if twice || place - start == ROWS {
            pieces.push(&rows[start..place]);
            start = place;
            seen = name(row).into_iter().collect();
        }
    }
    if start < rows.len() {
        pieces.push(&rows[start..]);
    }
    pieces
}

fn is_about_a_row(error: &VendorError) -> bool {
    !error.may_have_happened
        && error.status == Some(400)
        && matches!(
            error.class,
            ErrorClass::Validation
                | ErrorClass::UnknownField
                | ErrorClass::NotAllowedValue
                | ErrorClass::NotFound
                | ErrorClass::DuplicateDetected
                | ErrorClass::Unknown
        )
}

/// Every row's own result.
fn settle(
    clients: &Clients,
    connection: &Connection,
    kinds: &[ObjectKind],
    answer: Result<Value, VendorError>,
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return kinds.iter().map(|_| Err(error.clone())).collect(),
    };
    let rows = answer.as_array().map_or(&[][..], Vec::as_slice);
    let results: Vec<Result<RecordRef, VendorError>> = kinds
        .iter()
        .enumerate()
        .map(|(place, object)| row(rows.get(place), &context(clients, connection, *object, Expects::Json)))
        .collect();
    if let (Some(class), Some(exchange)) =
        (results.iter().find_map(|result| result.as_ref().err().map(|error| error.class)), log.last_mut())
    {
        exchange.class = Some(class);
    }
    results
}

/// One row of an answer.
fn row(row: Option<&Value>, context: &super::Context<'_>) -> Result<RecordRef, VendorError> {
    let silent = || VendorError {
        may_have_happened: true,
        ..VendorError::new(
            ErrorClass::Malformed,
            &format!("Salesforce's answer to many rows says nothing about a {}.", context.object),
        )
    };
    let row = row.ok_or_else(silent)?;
    match (row.get("success").and_then(Value::as_bool), wire::id(row)) {
        (Some(true), Some(id)) => Ok(objects::record(context.connection, context.object, &id)),
        (Some(false), _) => {
            let refusals = errors::Refusal::list(row.get("errors").unwrap_or(&Value::Null));
            Err(errors::refused(None, &refusals, context))
        }
        _ => Err(silent()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_at_most_two_hundred_rows_and_no_record_twice() {
        let ids: Vec<String> = (0..450).map(|number| format!("00Q{number}")).collect();
        let fields = Fields::new();
        let mut rows: Vec<Row<'_>> =
            ids.iter().map(|id| Row { object: ObjectKind::Lead, id: Some(id), fields: &fields }).collect();
        assert_eq!(
            cut(Verb::Update, &rows).iter().map(|piece| piece.len()).collect::<Vec<_>>(),
            [200, 200, 50]
        );
        rows.push(rows[449]);
        assert_eq!(
            cut(Verb::Update, &rows).iter().map(|piece| piece.len()).collect::<Vec<_>>(),
            [200, 200, 50, 1]
        );
        assert!(cut(Verb::Create, &[]).is_empty());
    }

    #[test]
    fn every_row_says_what_it_is() {
        let fields = json!({"Title": "VP", "Id": "x", "attributes": 1}).as_object().expect("object").clone();
        let rows = [Row { object: ObjectKind::Lead, id: Some("00Qaj000002oTld"), fields: &fields }];
        let request = request(&Settings::default(), Verb::Update, &rows).expect("a request");
        assert_eq!(request.path, "/services/data/v66.0/composite/sobjects");
        assert_eq!(
            request.body,
            Some(json!({"allOrNone": false, "records": [
                {"attributes": {"type": "Lead"}, "id": "00Qaj000002oTldEAE", "Title": "VP"}
            ]}))
        );
        let request = super::request(&Settings::default(), Verb::Upsert("Ext__c"), &rows).expect("a request");
        assert_eq!(request.path, "/services/data/v66.0/composite/sobjects/Lead/Ext__c");
        assert!(super::request(&Settings::default(), Verb::Upsert("a/b"), &rows).is_err());
    }
}
