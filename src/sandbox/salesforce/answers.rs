//! Salesforce's error bodies: arrays everywhere but at the OAuth endpoints. Shapes only, no state.

use serde_json::{Value, json};

use super::verbs::RowError;
use crate::sandbox::wire::Answer;

/// The array REST answers with.
pub(super) fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!([{"message": message, "errorCode": code}]))
}

/// What is not there.
pub(super) fn missing() -> Answer {
    let message = "The requested resource does not exist";
    Answer::json(404, json!([{"errorCode": "NOT_FOUND", "message": message}]))
}

/// The method is not for this path.
pub(super) fn wrong_method(method: &str) -> Answer {
    let message = format!("HTTP Method '{method}' not allowed");
    refused(405, "METHOD_NOT_ALLOWED", &message)
}

/// A body that is no JSON.
pub(super) fn not_json() -> Answer {
    refused(
        400,
        "JSON_PARSER_ERROR",
        "The HTTP entity body is required, but this request has no JSON entity body.",
    )
}

/// A refusal as a single row's own answer.
pub(super) fn from_row(error: &RowError) -> Answer {
    Answer::json(error.status, body_of(error))
}

/// The body of a single row's refusal.
pub(super) fn body_of(error: &RowError) -> Value {
    match (&error.detail, error.code) {
        (Some(addresses), "DUPLICATE_EXTERNAL_ID") => Value::clone(addresses),
        (Some(result), "DUPLICATES_DETECTED") => {
            json!([{"duplicateResult": result, "errorCode": error.code, "message": error.message}])
        }
        _ if error.code == "NOT_FOUND" => json!([{"errorCode": error.code, "message": error.message}]),
        _ if error.code == "INVALID_FIELD" && error.fields.is_empty() => {
            json!([{"message": error.message, "errorCode": error.code}])
        }
        _ => json!([{"message": error.message, "errorCode": error.code, "fields": error.fields}]),
    }
}

/// A refusal as one row's part of a collection's answer.
pub(super) fn in_collection(error: &RowError) -> Value {
    json!({
        "success": false,
        "errors": [{"statusCode": error.code, "message": error.message, "fields": error.fields}],
    })
}
