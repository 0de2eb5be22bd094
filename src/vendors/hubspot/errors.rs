//! What HubSpot's refusals mean: the words of its error body to a class by the table in `classes`, with the ids,
//! scopes and fields they give away.
//!
//! Every field of its error body is optional, and refused values come as JSON inside the message. Bodies these rules
//! were made from stand in `tests/fixtures/hubspot`. Decides nothing about trying again.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

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
    // An object in some documents, a text in most answers.
    #[serde(default, rename = "subCategory")]
    sub_category: Option<Value>,
    // "error" nearly always; OAuth's endpoints put their code here.
    #[serde(default)]
    status: Option<Value>,
    #[serde(default)]
    context: Value,
    #[serde(default)]
    errors: Vec<Detail>,
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Detail {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default, rename = "subCategory")]
    sub_category: Option<Value>,
    // The documents show an object here and, in their own example, a text.
    #[serde(default)]
    context: Value,
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
    let Some(body) = body.filter(Body::says_something) else {
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

impl Body {
    fn says_something(&self) -> bool {
        self.message.is_some() || self.category.is_some() || !self.errors.is_empty()
    }

    /// Every word of the body that may be in the table, the most telling first.
    fn codes(&self) -> impl Iterator<Item = &str> {
        let details = self.errors.iter().flat_map(|detail| {
            [detail.code.as_deref(), detail.sub_category.as_ref().and_then(Value::as_str)]
        });
        let own = [
            self.policy.as_deref(),
            self.sub_category.as_ref().and_then(Value::as_str),
            self.category.as_deref(),
            self.error_type.as_deref(),
            self.status.as_ref().and_then(Value::as_str),
        ];
        details.chain(own).flatten()
    }

    /// The scopes the token lacks, under whichever name the answer gives them.
    fn scopes(&self) -> Vec<String> {
        const NAMES: [&str; 3] = ["requiredGranularScopes", "requiredScopes", "missingScopes"];
        let contexts = self.errors.iter().map(|detail| &detail.context).chain([&self.context]);
        let mut scopes: Vec<String> = Vec::new();
        for context in contexts {
            for scope in NAMES.iter().filter_map(|name| context.get(*name)).flat_map(texts) {
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        scopes
    }
}

/// Reads HubSpot's error body; `status` is the answer's, or what the category of a batch row amounts to.
pub(crate) fn classify_body(status: u16, body: &Body, context: &Context<'_>) -> VendorError {
    let message = body.message.as_deref().unwrap_or_default();
    let category = body.category.as_deref().unwrap_or_default();
    let mut fields = refused_values(message);
    fields.extend(required_fields(body));
    let existing = existing_id(message).map(|id| Box::new(context.record(id)));
    let class = if status == 429 && message.contains("daily limit") {
        ErrorClass::QuotaExhausted
    } else if existing.is_some() && matches!(status, 400 | 409) {
        ErrorClass::DuplicateDetected
    } else if let Some(refusal) = fields.first() {
        refusal.class
    } else {
        class(status, body)
    };
    // Refused values are a list in JSON: a person reads the sentences, not the brackets.
    let words = if fields.is_empty() {
        let mut words = if message.is_empty() { category.to_owned() } else { message.to_owned() };
        for detail in &body.errors {
            if let Some(more) = detail.message.as_deref().filter(|more| !message.contains(more)) {
                words.push(' ');
                words.push_str(more);
            }
        }
        let scopes = body.scopes();
        if !scopes.is_empty() {
            words.push_str(" Scopes: ");
            words.push_str(&scopes.join(", "));
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

/// The class of the first word in the table; without one, the status decides where it says enough by itself.
fn class(status: u16, body: &Body) -> ErrorClass {
    let found = body.codes().find_map(classes::of);
    match (status, found) {
        // "Validation" is HubSpot's word for many things; a status that says more exactly what it was wins over it.
        (400 | 409 | 422, Some(class)) => return class,
        (_, Some(class)) if class != ErrorClass::Validation => return class,
        _ => {}
    }
    match status {
        // A refusal under a name we have no row for: nobody should believe that a value is wrong.
        400 | 409 | 422 if body.category.is_some() => ErrorClass::Unknown,
        _ => by_status(status),
    }
}

/// One row's entry in the `errors` of a batch, read as if it had been refused alone.
pub(crate) fn classify_row(row: &Value, context: &Context<'_>) -> VendorError {
    let body: Body = serde_json::from_value(row.clone()).unwrap_or_default();
    let status = match body.category.as_deref().unwrap_or_default() {
        "OBJECT_NOT_FOUND" => 404,
        "CONFLICT" | "OBJECT_ALREADY_EXISTS" => 409,
        "MISSING_SCOPES" => 403,
        "RATE_LIMITS" => 429,
        "LOCKED" => 423,
        _ => 400,
    };
    classify_body(status, &body, context)
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
            class: refused.error.as_deref().and_then(classes::of).unwrap_or(ErrorClass::Validation),
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

mod classes;

#[cfg(test)]
mod tests;
