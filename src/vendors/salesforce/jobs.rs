//! The requests of bulk jobs, both ways: rows in, and a query's rows out. Pure; what is done with them is in `bulk`.

use reqwest::Method;
use serde_json::json;

use crate::domain::record::ObjectKind;

use super::super::error::VendorError;
use super::super::request::{Manner, Request, encode};
use super::super::settings::Settings;
use super::bulk::Operation;
use super::{calls, soql};

/// The three tables of an ended job.
pub(crate) const RESULTS: [&str; 3] = ["successfulResults", "failedResults", "unprocessedrecords"];

fn path(settings: &Settings, rest: &str) -> String {
    calls::data(settings, &format!("jobs/ingest{rest}"))
}

/// Makes a job.
pub(crate) fn create(
    settings: &Settings,
    sobject: &str,
    operation: &Operation,
) -> Result<Request, VendorError> {
    let mut body = json!({
        "object": soql::identifier(sobject)?,
        "operation": operation.word(),
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    });
    if let Operation::Upsert(field) = operation {
        body["externalIdFieldName"] = json!(soql::identifier(field)?);
    }
    Ok(calls::write(Manner::Write, Method::POST, calls::kind(sobject), path(settings, ""))
        .body(body)
        .purpose(format!("make a bulk job: {} {sobject}", operation.word())))
}

/// Uploads a job's rows.
pub(crate) fn put(settings: &Settings, job: &str, rows: String) -> Request {
    let path = path(settings, &format!("/{}/batches", encode(job)));
    calls::write(Manner::SlowWrite, Method::PUT, ObjectKind::Contact, path)
        .text("text/csv", rows)
        .expects_text()
        .purpose("upload the rows of a bulk job")
}

/// Closes (`UploadComplete`) or aborts (`Aborted`) a job.
pub(crate) fn set_state(settings: &Settings, job: &str, state: &str) -> Request {
    let path = path(settings, &format!("/{}", encode(job)));
    let word = if state == "Aborted" { "abort a bulk job" } else { "close a bulk job" };
    calls::write(Manner::Write, Method::PATCH, ObjectKind::Contact, path)
        .body(json!({"state": state}))
        .purpose(word)
}

/// Asks how a job stands.
pub(crate) fn status(settings: &Settings, job: &str) -> Request {
    Request::get(ObjectKind::Contact, path(settings, &format!("/{}", encode(job))))
        .purpose("look at a bulk job")
}

/// Reads one of an ended job's tables.
pub(crate) fn results(settings: &Settings, job: &str, which: &str) -> Request {
    let path = path(settings, &format!("/{}/{}", encode(job), encode(which)));
    Request::get(ObjectKind::Contact, path)
        .page()
        .expects_text()
        .purpose(format!("read {which} of a bulk job"))
}

/// Forgets a job.
pub(crate) fn delete(settings: &Settings, job: &str) -> Request {
    let path = path(settings, &format!("/{}", encode(job)));
    calls::write(Manner::Write, Method::DELETE, ObjectKind::Contact, path).purpose("forget a bulk job")
}

/// Makes a job that runs a query; `all` shows deleted and merged records too.
pub(crate) fn create_query(settings: &Settings, soql: &str, all: bool) -> Request {
    let operation = if all { "queryAll" } else { "query" };
    // It changes no record, but makes a job: sent twice, there are two.
    calls::write(Manner::Write, Method::POST, ObjectKind::Contact, calls::data(settings, "jobs/query"))
        .body(json!({"operation": operation, "query": soql}))
        .purpose("make a query job")
}

/// Asks how a query job stands.
pub(crate) fn query_status(settings: &Settings, job: &str) -> Request {
    let path = calls::data(settings, &format!("jobs/query/{}", encode(job)));
    Request::get(ObjectKind::Contact, path).purpose("look at a query job")
}

/// Reads rows of an ended query job.
pub(crate) fn query_results(
    settings: &Settings,
    job: &str,
    most: Option<i64>,
    locator: Option<&str>,
) -> Request {
    let mut path = calls::data(settings, &format!("jobs/query/{}/results", encode(job)));
    let asked =
        [most.map(|most| format!("maxRecords={most}")), locator.map(|at| format!("locator={}", encode(at)))];
    for (place, part) in asked.into_iter().flatten().enumerate() {
        path.push(if place == 0 { '?' } else { '&' });
        path.push_str(&part);
    }
    Request::get(ObjectKind::Contact, path).page().expects_text().purpose("read rows of a query job")
}
