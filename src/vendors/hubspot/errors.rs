//! What HubSpot's refusals mean: status, `category` and `policyName` to a class, with the ids and fields its words
//! give away.
//!
//! Every field of its error body is optional, and refused values come as JSON inside the message. Bodies these rules
//! were made from stand in `tests/fixtures/hubspot`. Decides nothing about trying again.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;

use super::super::answer::{Answer, by_status, foreign_body, leaves_doubt};
use super::super::error::{Context, FieldRefusal, VendorError, readable};
use super::super::http::LimitReading;

/// HubSpot's error body, also as it stands for one row of a batch.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Body {
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default, rename = "policyName")]
    policy: Option<String>,
    #[serde(default, rename = "errorType")]
    error_type: Option<String>,
    #[serde(default)]
    errors: Vec<Detail>,
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Detail {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    context: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Refused {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// Reads an answer that is neither a success nor a redirect.
pub(crate) fn classify(answer: &Answer, context: &Context<'_>) -> VendorError {
    let body: Option<Body> = serde_json::from_str(&answer.body).ok();
    let Some(body) = body.filter(|body| body.message.is_some() || body.category.is_some()) else {
        return VendorError {
            status: Some(answer.status),
            retry_at: retry_at(answer, &Body::default(), by_status(answer.status), context.now),
            may_have_happened: context.writes && leaves_doubt(answer.status),
            ..VendorError::new(by_status(answer.status), &foreign_body("HubSpot", answer))
        };
    };
    let mut error = classify_body(answer.status, &body, context);
    error.retry_at = retry_at(answer, &body, error.class, context.now);
    error
}

/// Reads HubSpot's error body; `status` is the answer's, or what the category of a batch row amounts to.
pub(crate) fn classify_body(status: u16, body: &Body, context: &Context<'_>) -> VendorError {
    let message = body.message.as_deref().unwrap_or_default();
    let category = body.category.as_deref().unwrap_or_default();
    let mut fields = refused_values(message);
    fields.extend(required_fields(body));

    let limited = status == 429
        || matches!(category, "RATE_LIMITS")
        || body.error_type.as_deref().is_some_and(|error_type| error_type == "RATE_LIMIT");
    let existing = existing_id(message).map(|id| Box::new(context.record(id)));
    let class = match category {
        _ if limited && is_daily(body, message) => ErrorClass::QuotaExhausted,
        _ if limited => ErrorClass::RateLimited,
        "INVALID_AUTHENTICATION" | "EXPIRED_AUTHENTICATION" => ErrorClass::Auth,
        "MISSING_SCOPES" => ErrorClass::Permission,
        "OBJECT_NOT_FOUND" => ErrorClass::NotFound,
        "OBJECT_ALREADY_EXISTS" => ErrorClass::DuplicateDetected,
        _ if existing.is_some() && matches!(status, 400 | 409) => ErrorClass::DuplicateDetected,
        _ if fields.is_empty() => by_status(status),
        _ => fields[0].class,
    };
    // Refused values are a list in JSON: a person reads the sentences, not the brackets.
    let words = if fields.is_empty() {
        let mut words = if message.is_empty() { category.to_owned() } else { message.to_owned() };
        for detail in &body.errors {
            if let Some(more) = detail.message.as_deref().filter(|more| !message.contains(more)) {
                words.push(' ');
                words.push_str(more);
            }
            if let Some(scopes) = detail.context.get("requiredGranularScopes") {
                words.push_str(" requiredGranularScopes: ");
                words.push_str(&texts(scopes).join(", "));
            }
        }
        readable(&words)
    } else {
        readable(&fields.iter().map(|refusal| refusal.why.as_str()).collect::<Vec<_>>().join("; "))
    };
    VendorError {
        class,
        status: Some(status),
        words,
        field: fields.first().map(|refusal| refusal.field.clone()),
        fields,
        existing,
        candidates: Box::default(),
        retry_at: None,
        may_have_happened: context.writes && leaves_doubt(status),
    }
}

/// The HTTP status that the category of one row of a batch would have had on its own.
pub(crate) fn row_status(category: &str) -> u16 {
    match category {
        "OBJECT_NOT_FOUND" => 404,
        "CONFLICT" | "OBJECT_ALREADY_EXISTS" => 409,
        "MISSING_SCOPES" => 403,
        "RATE_LIMITS" => 429,
        _ => 400,
    }
}

/// What the rate-limit headers say. Search answers carry none.
pub(crate) fn limits(answer: &Answer) -> Option<LimitReading> {
    let number = |name: &str| answer.number(name).and_then(|number| u32::try_from(number).ok());
    let limit = number("x-hubspot-ratelimit-max")?;
    let remaining = number("x-hubspot-ratelimit-remaining")?;
    let daily_limit = number("x-hubspot-ratelimit-daily");
    let daily_remaining = number("x-hubspot-ratelimit-daily-remaining");
    Some(LimitReading {
        used: limit.saturating_sub(remaining),
        limit,
        window_seconds: number("x-hubspot-ratelimit-interval-milliseconds")
            .map_or(10, |ms| (ms / 1000).max(1)),
        reset_at: None,
        daily_used: daily_limit
            .zip(daily_remaining)
            .map(|(limit, remaining)| limit.saturating_sub(remaining)),
        daily_limit,
    })
}

fn is_daily(body: &Body, message: &str) -> bool {
    body.policy.as_deref() == Some("DAILY") || message.contains("daily limit")
}

fn retry_at(answer: &Answer, body: &Body, class: ErrorClass, now: Timestamp) -> Option<Timestamp> {
    let pause = match class {
        ErrorClass::RateLimited => match body.policy.as_deref() {
            Some("SECONDLY") => 1,
            _ if body.message.as_deref().is_some_and(|message| message.contains("secondly limit")) => 1,
            _ => 10,
        },
        ErrorClass::Locked => 2,
        _ => return answer.retry_after(now),
    };
    answer.retry_after(now).or_else(|| Some(now.plus(Duration::from_secs(pause))))
}

/// `Property values were not valid: [{...}]`: the list between the first `[` and the last `]`.
fn refused_values(message: &str) -> Vec<FieldRefusal> {
    let Some((_, list)) = message.split_once("Property values were not valid:") else { return Vec::new() };
    let (Some(start), Some(end)) = (list.find('['), list.rfind(']')) else { return Vec::new() };
    if start > end {
        return Vec::new();
    }
    let refused: Vec<Refused> = serde_json::from_str(&list[start..=end]).unwrap_or_default();
    refused
        .into_iter()
        .map(|refused| FieldRefusal {
            class: match refused.error.as_deref() {
                Some("PROPERTY_DOESNT_EXIST") => ErrorClass::UnknownField,
                Some("INVALID_OPTION") => ErrorClass::NotAllowedValue,
                _ => ErrorClass::Validation,
            },
            why: readable(&refused.message.or(refused.error).unwrap_or_default()),
            field: refused.name.unwrap_or_default(),
        })
        .collect()
}

fn required_fields(body: &Body) -> impl Iterator<Item = FieldRefusal> + '_ {
    let missing =
        |code: &str| matches!(code, "MISSING_REQUIRED_PROPERTY" | "MISSING_CONDITIONAL_REQUIRED_PROPERTY");
    body.errors.iter().filter(move |detail| detail.code.as_deref().is_some_and(missing)).map(|detail| {
        let names = ["propertyName", "propertyNames", "properties"];
        let field = names.iter().find_map(|name| detail.context.get(*name)).map(texts).unwrap_or_default();
        FieldRefusal {
            field: field.into_iter().next().unwrap_or_default(),
            why: readable(detail.message.as_deref().or(detail.code.as_deref()).unwrap_or_default()),
            class: ErrorClass::Validation,
        }
    })
}

/// `Contact already exists. Existing ID: 3401`.
fn existing_id(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Existing ID:")?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// A text or a list of texts.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests;
