//! What Salesforce's refusals mean: its codes to our classes, with the ids and fields its words give away.
//!
//! It has five shapes for one thing: an array of errors (REST), an object (OAuth), rows with `statusCode` (collections
//! and composite), a SOAP fault, and lines of CSV (bulk); all become a [`Refusal`] and are judged by one table. Decides
//! nothing about trying again.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::RecordRef;

use super::super::answer::{Answer, by_status, foreign_body, leaves_doubt};
use super::super::error::{Context, FieldRefusal, VendorError, readable};
use super::super::http::LimitReading;
use super::xml::Element;
use super::{objects, xml};

/// One error, in whichever shape it came.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default, alias = "statusCode", rename = "errorCode")]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default, deserialize_with = "listed")]
    pub(crate) fields: Vec<String>,
    /// What a duplicate rule found.
    #[serde(default, rename = "duplicateResult")]
    duplicates: Value,
}

/// Fields come as a list; null and other things mean none.
fn listed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(texts.map(str::to_owned).collect())
}

impl Refusal {
    /// One of a list, in a collection's row or a REST answer.
    pub(crate) fn list(errors: &Value) -> Vec<Self> {
        let errors = errors.as_array().map_or(&[][..], Vec::as_slice);
        errors.iter().filter_map(|error| serde_json::from_value(error.clone()).ok()).collect()
    }

    /// `<errors>` of a SOAP result.
    pub(crate) fn of_element(element: &Element) -> Self {
        Self {
            code: element.text_of("statusCode").to_owned(),
            message: element.text_of("message").to_owned(),
            fields: element.all("fields").map(|field| field.text.trim().to_owned()).collect(),
            duplicates: Value::Null,
        }
    }

    /// A bulk job's `sf__Error`: `CODE:message:Field --`, where nearly everything may be missing.
    pub(crate) fn of_cell(cell: &str) -> Self {
        let is_code = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let Some((code, rest)) = cell.split_once(':').filter(|(code, _)| is_code(code)) else {
            return Self { message: cell.to_owned(), ..Self::default() };
        };
        let rest = rest.trim_end();
        let (message, fields) = match rest.strip_suffix("--").and_then(|rest| rest.rsplit_once(':')) {
            Some((message, fields)) => (message, fields),
            None => (rest, ""),
        };
        let fields = fields.split(',').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty());
        Self {
            code: code.to_owned(),
            message: message.trim().to_owned(),
            fields: fields.collect(),
            duplicates: Value::Null,
        }
    }
}

/// The class of a code; none for codes there is no row for.
fn class_of(refusal: &Refusal) -> Option<ErrorClass> {
    let Refusal { code, message, fields, .. } = refusal;
    Some(match code.as_str() {
        "INVALID_SESSION_ID"
        | "INVALID_AUTH_HEADER"
        | "INVALID_LOGIN"
        | "invalid_grant"
        | "invalid_client"
        | "invalid_client_id"
        | "inactive_user"
        | "inactive_org"
        | "unsupported_grant_type" => ErrorClass::Auth,
        "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "FUNCTIONALITY_NOT_ENABLED" => ErrorClass::Permission,
        // The same code for too many at once, which passes in seconds, and for the day's allowance, which does not.
        "REQUEST_LIMIT_EXCEEDED" if message.contains("Concurrent") => ErrorClass::RateLimited,
        "REQUEST_LIMIT_EXCEEDED" => ErrorClass::QuotaExhausted,
        "UNABLE_TO_LOCK_ROW" => ErrorClass::Locked,
        "DUPLICATES_DETECTED" | "DUPLICATE_VALUE" | "DUPLICATE_EXTERNAL_ID" => ErrorClass::DuplicateDetected,
        // The same code and words for a missing record and for a missing field, of which only the latter ends so.
        "NOT_FOUND" if lacking_field(message).is_some() => ErrorClass::UnknownField,
        "NOT_FOUND" | "ENTITY_IS_DELETED" => ErrorClass::NotFound,
        // A cross-reference in one of the values is a bad value; without a field it is the record itself.
        "MALFORMED_ID" | "INVALID_CROSS_REFERENCE_KEY" | "INVALID_ID_FIELD" => {
            if fields.iter().all(|field| field.eq_ignore_ascii_case("Id")) {
                ErrorClass::NotFound
            } else {
                ErrorClass::Validation
            }
        }
        "CANNOT_UPDATE_CONVERTED_LEAD" => ErrorClass::Converted,
        "INVALID_FIELD" => ErrorClass::UnknownField,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => ErrorClass::NotAllowedValue,
        "REQUIRED_FIELD_MISSING"
        | "STRING_TOO_LONG"
        | "INVALID_EMAIL_ADDRESS"
        | "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        | "FIELD_INTEGRITY_EXCEPTION"
        | "FIELD_FILTER_VALIDATION_EXCEPTION"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_TYPE_ON_FIELD_IN_RECORD"
        | "NUMBER_OUTSIDE_VALID_RANGE"
        | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        | "JSON_PARSER_ERROR" => ErrorClass::Validation,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK" | "PROCESSING_HALTED" | "INVALID_QUERY_LOCATOR" => {
            ErrorClass::Conflict
        }
        "EXCEEDED_ID_LIMIT" | "REQUEST_TOO_LARGE" => ErrorClass::TooLarge,
        "QUERY_TIMEOUT" => ErrorClass::Timeout,
        "SERVER_UNAVAILABLE" | "UNKNOWN_EXCEPTION" => ErrorClass::Unavailable,
        _ => return None,
    })
}

/// `Provided external ID field does not exist or is not accessible: Plan_Id__c`: the field, where it is one. Of an id
/// that cannot be one, Salesforce says the same.
fn lacking_field(message: &str) -> Option<&str> {
    let (words, name) = message.rsplit_once(": ")?;
    (words.contains("external ID field") && name.ends_with("__c")).then_some(name)
}

/// Codes after which a write may have been done all the same.
fn is_uncertain(code: &str) -> bool {
    matches!(code, "SERVER_UNAVAILABLE" | "UNKNOWN_EXCEPTION" | "QUERY_TIMEOUT")
}

/// Reads an answer that is no success.
pub(crate) fn classify(answer: &Answer, context: &Context<'_>) -> VendorError {
    let body = answer.body.trim();
    if body.starts_with('<')
        && let Ok(root) = xml::read(body)
        && let Some(fault_element) = root.find("Fault")
    {
        return fault(answer.status, fault_element, context);
    }
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    if answer.status == 300 {
        return several(&parsed, context);
    }
    let refusals = match &parsed {
        Value::Array(_) => Refusal::list(&parsed),
        Value::Object(object) if object.contains_key("error") => {
            let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            vec![Refusal { code: text("error"), message: text("error_description"), ..Refusal::default() }]
        }
        Value::Object(_) => Refusal::list(&Value::Array(vec![parsed.clone()])),
        _ => Vec::new(),
    };
    let refusals: Vec<Refusal> =
        refusals.into_iter().filter(|one| !one.code.is_empty() || !one.message.is_empty()).collect();
    if refusals.is_empty() {
        return VendorError {
            status: Some(answer.status),
            retry_at: answer.retry_after(context.now),
            may_have_happened: context.writes && leaves_doubt(answer.status),
            ..VendorError::new(by_status(answer.status), &foreign_body("Salesforce", answer))
        };
    }
    let mut error = refused(Some(answer.status), &refusals, context);
    error.retry_at = answer.retry_after(context.now).or(error.retry_at);
    error
}

/// Judges a list of errors; the first one says what kind of failure it is. `status` is none for a row of many.
pub(crate) fn refused(status: Option<u16>, refusals: &[Refusal], context: &Context<'_>) -> VendorError {
    let Some(first) = refusals.first() else {
        return VendorError {
            status,
            ..VendorError::new(ErrorClass::Unknown, "Salesforce refused without a word.")
        };
    };
    // Salesforce's own word for "too many" is a 403; the status says so only where something before the org does.
    let limited = status == Some(429);
    let class = class_of(first)
        .filter(|class| !limited || *class == ErrorClass::QuotaExhausted)
        .unwrap_or_else(|| match status {
            // A refusal with a code we do not know is not a bad value just because its status is 400.
            Some(400) | None => ErrorClass::Unknown,
            Some(status) => by_status(status),
        });
    let fields: Vec<FieldRefusal> = refusals.iter().flat_map(fields_of).collect();
    let words: Vec<String> = refusals
        .iter()
        .map(|one| match (one.message.trim(), one.code.as_str()) {
            ("", code) => code.to_owned(),
            // An unknown code is what a person would search for.
            (message, code) if class_of(one).is_none() && !code.is_empty() => format!("{message} ({code})"),
            (message, _) => message.to_owned(),
        })
        .collect();
    let mut candidates: Vec<RecordRef> = Vec::new();
    for id in refusals.iter().flat_map(ids_of) {
        let record =
            objects::record(context.connection, objects::kind_of(&id).unwrap_or(context.object), &id);
        if !candidates.contains(&record) {
            candidates.push(record);
        }
    }
    // A unique value is an identity. What a duplicate rule found only resembles: that is for a human to look at.
    let same = first.code == "DUPLICATE_VALUE" && candidates.len() == 1;
    VendorError {
        status,
        field: fields.first().map(|refusal| refusal.field.clone()),
        fields,
        existing: same.then(|| Box::new(candidates[0].clone())),
        candidates: candidates.into(),
        retry_at: pause(class).map(|pause| context.now.plus(pause)),
        may_have_happened: context.writes
            && status.is_some_and(leaves_doubt)
            && (is_uncertain(&first.code) || class_of(first).is_none()),
        ..VendorError::new(class, &words.join("; "))
    }
}

fn pause(class: ErrorClass) -> Option<Duration> {
    // Salesforce sends no Retry-After; the day's allowance renews by the hour and is for the engine to pace.
    match class {
        ErrorClass::Locked => Some(Duration::from_secs(2)),
        ErrorClass::RateLimited => Some(Duration::from_secs(5)),
        _ => None,
    }
}

/// The values an error is about.
fn fields_of(refusal: &Refusal) -> Vec<FieldRefusal> {
    let class = class_of(refusal).unwrap_or(ErrorClass::Validation);
    let field = |name: &str| FieldRefusal { field: name.to_owned(), why: readable(&refusal.message), class };
    if !refusal.fields.is_empty() {
        return refusal.fields.iter().map(|name| field(name)).collect();
    }
    let named = match refusal.code.as_str() {
        // No such column 'Nope__c' on sobject of type Lead
        "INVALID_FIELD" => between(&refusal.message, '\'', '\''),
        "NOT_FOUND" => lacking_field(&refusal.message),
        // Required fields are missing: [Company, LastName]
        "REQUIRED_FIELD_MISSING" => between(&refusal.message, '[', ']'),
        _ => None,
    };
    named.into_iter().flat_map(|names| names.split(',')).map(|name| field(name.trim())).collect()
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner)
}

/// The records an error names: the holder of a value, or what a duplicate rule found.
fn ids_of(refusal: &Refusal) -> Vec<String> {
    let mut ids = Vec::new();
    if let Some((_, rest)) = refusal.message.split_once("on record with id:") {
        let id: String = rest.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        if objects::is_id(&id) {
            ids.push(id);
        }
    }
    let results = refusal.duplicates.get("matchResults").and_then(Value::as_array);
    for matched in results.into_iter().flatten() {
        let records = matched.get("matchRecords").and_then(Value::as_array);
        for record in records.into_iter().flatten() {
            if let Some(id) =
                record.pointer("/record/Id").and_then(Value::as_str).filter(|id| objects::is_id(id))
            {
                ids.push(id.to_owned());
            }
        }
    }
    ids
}

/// An upsert whose external id stands on several records: nothing was written, and a human must say which one is meant.
fn several(paths: &Value, context: &Context<'_>) -> VendorError {
    let ids: Vec<&str> = paths
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|path| path.rsplit('/').next())
        .filter(|id| objects::is_id(id))
        .collect();
    let candidates: Vec<RecordRef> =
        ids.iter().map(|id| objects::record(context.connection, context.object, id)).collect();
    let words = format!(
        "Several records hold this external id, so Salesforce wrote to none of them: {}. Its field should be marked \
         unique.",
        if ids.is_empty() { "(it names none)".to_owned() } else { ids.join(", ") }
    );
    VendorError {
        status: Some(300),
        candidates: candidates.into(),
        ..VendorError::new(ErrorClass::DuplicateDetected, &words)
    }
}

/// A SOAP fault, whatever its status.
pub(crate) fn fault(status: u16, fault: &Element, context: &Context<'_>) -> VendorError {
    let code = fault.text_of("faultcode");
    let code = code.rsplit(':').next().unwrap_or_default().to_owned();
    let words = fault.text_of("faultstring");
    // `INVALID_SESSION_ID: Invalid Session ID found ...`: the code once is enough.
    let message = words.strip_prefix(&format!("{code}: ")).unwrap_or(words).to_owned();
    refused(Some(status), &[Refusal { code, message, ..Refusal::default() }], context)
}

/// What every answer says about the day's calls: `api-usage=10018/100000`, the org's rolling twenty-four hours.
pub(crate) fn limits(answer: &Answer) -> Option<LimitReading> {
    let header = answer.header("sforce-limit-info")?;
    let usage = header.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = usage.split_once('/')?;
    let (used, limit): (u32, u32) = (used.trim().parse().ok()?, limit.trim().parse().ok()?);
    Some(LimitReading {
        used,
        limit,
        window_seconds: 24 * 60 * 60,
        reset_at: None::<Timestamp>,
        daily_used: Some(used),
        daily_limit: Some(limit),
    })
}

#[cfg(test)]
mod tests;
