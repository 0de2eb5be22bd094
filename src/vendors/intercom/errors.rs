//! What Intercom's refusals mean: status and `errors[].code` to a class, with the ids its words give away.
//!
//! One table has every code of the vendor's documents; a code that is not in it is read by its status, and its words
//! are kept either way. Bodies these rules were made from stand in `tests/fixtures/intercom`. Decides nothing about
//! trying again.

use serde::Deserialize;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{ObjectKind, RecordRef};

use super::super::answer::{Answer, by_status, foreign_body, leaves_doubt};
use super::super::error::{Context, FieldRefusal, VendorError, readable};
use super::super::http::LimitReading;

#[derive(Debug, Default, Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    field: Option<String>,
}

/// Every code of the documents (2.14 and 2.16), and those seen on live answers besides.
const CODES: &[(&str, ErrorClass)] = &[
    // The token.
    ("unauthorized", ErrorClass::Auth),
    ("token_unauthorized", ErrorClass::Auth),
    ("token_not_found", ErrorClass::Auth),
    // What it, or the workspace's plan, does not allow.
    ("forbidden", ErrorClass::Permission),
    ("api_plan_restricted", ErrorClass::Permission),
    // What is not there.
    ("not_found", ErrorClass::NotFound),
    ("company_not_found", ErrorClass::NotFound),
    ("tag_not_found", ErrorClass::NotFound),
    ("conversation_not_found", ErrorClass::NotFound),
    ("conversation_part_or_message_not_found", ErrorClass::NotFound),
    ("conversation_attribute_not_found", ErrorClass::NotFound),
    ("admin_not_found", ErrorClass::NotFound),
    ("team_not_found", ErrorClass::NotFound),
    ("job_not_found", ErrorClass::NotFound),
    // A data attribute is a field, so a missing one is an unknown field.
    ("field_not_found", ErrorClass::UnknownField),
    // Identity.
    ("conflict", ErrorClass::DuplicateDetected),
    ("contact_merged", ErrorClass::MergedAway),
    // What was asked for is wrong, and would be again.
    ("bad_request", ErrorClass::Validation),
    ("parameter_invalid", ErrorClass::Validation),
    ("parameter_not_found", ErrorClass::Validation),
    ("data_invalid", ErrorClass::Validation),
    ("invalid_merge", ErrorClass::Validation),
    ("merge_failed", ErrorClass::Validation),
    ("invalid_sort_order", ErrorClass::Validation),
    ("contact_company_limit_exceeded", ErrorClass::Validation),
    ("tag_has_dependent_objects", ErrorClass::Validation),
    ("intercom_version_invalid", ErrorClass::Validation),
    ("media_type_not_acceptable", ErrorClass::Validation),
    // Too fast.
    ("rate_limit_exceeded", ErrorClass::RateLimited),
];

fn class_of(status: u16, code: &str, message: &str) -> ErrorClass {
    let listed = CODES.iter().find(|(known, _)| *known == code).map(|(_, class)| *class);
    match listed {
        Some(_) if matches!(code, "bad_request" | "parameter_invalid") && names_no_field(message) => {
            ErrorClass::UnknownField
        }
        // "already open": whoever holds it lets go within a minute. The documents name no code for it.
        _ if status == 400 && message.contains("scroll already") => ErrorClass::Locked,
        Some(class) => class,
        None if status == 410 => ErrorClass::NotFound,
        None => by_status(status),
    }
}

/// Reads an answer that is neither a success nor a redirect.
pub(crate) fn classify(answer: &Answer, context: &Context<'_>) -> VendorError {
    let body: Option<Body> = serde_json::from_str(&answer.body).ok();
    let first = body.and_then(|body| body.errors.into_iter().next());
    let known = first.is_some();
    let first = first.unwrap_or_default();
    let code = first.code.as_deref().unwrap_or_default();
    let message = first.message.as_deref().unwrap_or_default();
    let field = first.field.or_else(|| named_field(message));

    let class = class_of(answer.status, code, message);

    let existing = match class {
        ErrorClass::DuplicateDetected => id_in(message).map(|id| Box::new(context.record(id))),
        ErrorClass::MergedAway => answer.header("link").and_then(canonical).map(|id| {
            Box::new(RecordRef {
                connection: context.connection.clone(),
                object: ObjectKind::Contact,
                id: id.to_owned(),
            })
        }),
        _ => None,
    };
    let words = match (known, message, code) {
        (true, "", code) => readable(code),
        // Its own words do not say that it is the workspace's plan that lacks this, not the token.
        (true, message, "api_plan_restricted") => readable(&format!(
            "{} (The workspace's Intercom plan does not include this call: it needs Starter or above.)",
            message.trim()
        )),
        (true, message, _) => readable(message),
        (false, ..) => readable(&foreign_body("Intercom", answer)),
    };
    let fields = match (&field, class) {
        (Some(field), ErrorClass::UnknownField | ErrorClass::Validation | ErrorClass::NotAllowedValue) => {
            vec![FieldRefusal { field: field.clone(), why: words.clone(), class }]
        }
        _ => Vec::new(),
    };
    let retry_at = answer.retry_after(context.now).or_else(|| match class {
        ErrorClass::RateLimited => reset(answer),
        _ => None,
    });
    VendorError {
        class,
        status: Some(answer.status),
        words,
        field,
        fields,
        existing,
        candidates: Box::default(),
        retry_at,
        may_have_happened: context.writes && leaves_doubt(answer.status),
    }
}

/// What the rate-limit headers say; they describe a window of ten seconds.
pub(crate) fn limits(answer: &Answer) -> Option<LimitReading> {
    let limit = u32::try_from(answer.number("x-ratelimit-limit")?).ok()?;
    let remaining = u32::try_from(answer.number("x-ratelimit-remaining")?).ok()?;
    Some(LimitReading {
        used: limit.saturating_sub(remaining),
        limit,
        window_seconds: 10,
        reset_at: reset(answer),
        daily_used: None,
        daily_limit: None,
    })
}

fn reset(answer: &Answer) -> Option<Timestamp> {
    answer.number("x-ratelimit-reset").map(Timestamp::from_seconds)
}

/// `Custom attribute 'x' does not exist`, `bad 'x' parameter`: the field meant is the quoted one.
fn names_no_field(message: &str) -> bool {
    message.contains("does not exist") || (message.starts_with("bad '") && message.ends_with("' parameter"))
}

fn named_field(message: &str) -> Option<String> {
    let (before, rest) = message.split_once('\'')?;
    let (name, _) = rest.split_once('\'')?;
    if !names_no_field(message) || name.is_empty() || name.len() > 200 {
        return None;
    }
    let custom = before.to_ascii_lowercase().contains("custom attribute") && !name.contains('.');
    Some(if custom { format!("custom_attributes.{name}") } else { name.to_owned() })
}

/// `... already exists with id=5da6f18e3d7cf967e4582d05`.
fn id_in(message: &str) -> Option<&str> {
    let (_, rest) = message.rsplit_once("id=")?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// `</contacts/64e2>; rel="canonical"`.
fn canonical(link: &str) -> Option<&str> {
    let target = link.split(',').find(|part| part.contains("canonical"))?;
    let (_, rest) = target.split_once("/contacts/")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests;
