//! An answer, or the lack of one: read to a limit, and judged as far as all vendors agree.
//!
//! What a refusal means beyond that is for the vendor's own `errors.rs`. Nothing here decides about trying again.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::System;
use crate::domain::text;

use super::error::{Context, VendorError, readable};
use super::request::Expects;
use super::{hubspot, intercom};

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.header(name)?.trim().parse().ok()
    }

    /// When `Retry-After` says to come back; at most a day and an hour ahead, whatever it says.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = u64::try_from(self.number("retry-after")?).ok()?;
        Some(now.plus(Duration::from_secs(seconds.min(25 * 3600))))
    }
}

/// No whole answer came.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) class: ErrorClass,
    pub(crate) why: String,
    pub(crate) status: Option<u16>,
    /// The request certainly did not reach the vendor.
    unsent: bool,
}

impl From<&reqwest::Error> for Lost {
    fn from(error: &reqwest::Error) -> Self {
        let class = if error.is_timeout() { ErrorClass::Timeout } else { ErrorClass::Unavailable };
        // The chain's last link says what happened ("connection refused"); the first repeats the URL.
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        Self { class, why: cause.to_string(), status: None, unsent: error.is_connect() || error.is_builder() }
    }
}

impl Lost {
    /// As the caller is told.
    pub(crate) fn error(&self, title: &str, context: &Context<'_>) -> VendorError {
        let what = match (self.unsent, self.class, self.status) {
            (true, ..) => format!("{title} could not be reached"),
            (_, ErrorClass::Timeout, _) => format!("{title} did not answer in time"),
            (_, _, Some(_)) => format!("{title}'s answer could not be read to its end"),
            _ => format!("The connection to {title} broke before an answer came"),
        };
        VendorError {
            status: self.status,
            // A refusal whose words broke off is a refusal all the same.
            may_have_happened: context.writes
                && !self.unsent
                && self.status.is_none_or(|status| status < 300 || leaves_doubt(status)),
            ..VendorError::new(self.class, &format!("{what}: {}.", self.why.trim_end_matches('.')))
        }
    }
}

/// Reads an answer to its end, or to the limit.
pub(crate) async fn read(mut response: reqwest::Response, limit: usize) -> Result<Answer, Lost> {
    let status = response.status().as_u16();
    let too_long = || Lost {
        class: ErrorClass::Malformed,
        why: format!("it is longer than {limit} bytes"),
        status: Some(status),
        unsent: false,
    };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let headers = response.headers().clone();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_long()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(Lost { status: Some(status), unsent: false, ..Lost::from(&error) }),
        }
    }
    // Lossy on purpose: a proxy's error page in another encoding is still worth showing.
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// What an answer amounts to: its JSON, or an error with its class.
pub(crate) fn judge(answer: &Answer, context: &Context<'_>) -> Result<Value, VendorError> {
    let title = context.connection.system.title();
    match answer.status {
        // The content type is not looked at: proxies and old endpoints mislabel JSON, and the parser knows better.
        200..=299 if answer.body.trim().is_empty() => Ok(Value::Null),
        200..=299 if context.expects == Expects::Text => Ok(Value::String(answer.body.clone())),
        200..=299 => serde_json::from_str(&answer.body).map_err(|error| VendorError {
            status: Some(answer.status),
            may_have_happened: context.writes,
            ..VendorError::new(
                ErrorClass::Malformed,
                &format!(
                    "{title} answered {} with something that is not JSON ({error}): {}",
                    answer.status,
                    text::shorten(&answer.body, 120)
                ),
            )
        }),
        300..=399 => Err(VendorError {
            status: Some(answer.status),
            ..VendorError::new(
                ErrorClass::Unknown,
                &format!(
                    "{title} sent us on to \"{}\". Reknit follows no redirect, so that the token stays with the \
                     configured host; check base_url.",
                    answer.header("location").unwrap_or("(nowhere)")
                ),
            )
        }),
        _ => Err(match context.connection.system {
            System::Intercom => intercom::errors::classify(answer, context),
            System::Hubspot => hubspot::errors::classify(answer, context),
            System::Salesforce => super::http::no_client(System::Salesforce),
        }),
    }
}

/// What all vendors' statuses mean when the body says nothing better.
pub(crate) fn by_status(status: u16) -> ErrorClass {
    match status {
        401 => ErrorClass::Auth,
        403 => ErrorClass::Permission,
        404 => ErrorClass::NotFound,
        408 => ErrorClass::Timeout,
        409 => ErrorClass::Conflict,
        413 | 414 | 431 => ErrorClass::TooLarge,
        400 | 422 => ErrorClass::Validation,
        423 => ErrorClass::Locked,
        429 => ErrorClass::RateLimited,
        477 | 500..=599 => ErrorClass::Unavailable,
        _ => ErrorClass::Unknown,
    }
}

/// After these a write may have been done all the same.
pub(crate) fn leaves_doubt(status: u16) -> bool {
    status == 408 || status >= 500
}

/// An error body that is no JSON of the vendor's, in words: usually a proxy's page.
pub(crate) fn foreign_body(title: &str, answer: &Answer) -> String {
    let body = answer.body.trim();
    if body.is_empty() {
        return format!("{title} answered {} without a word.", answer.status);
    }
    if body.starts_with('<') {
        let page = inner(body, "<title>", "</title>").unwrap_or_default();
        return format!("{title} answered {} with a web page: \"{}\".", answer.status, readable(page));
    }
    format!("{title} answered {}: \"{}\".", answer.status, text::shorten(body, 200))
}

fn inner<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let start = text.find(open)? + open.len();
    let end = start + text[start..].find(close)?;
    Some(&text[start..end])
}
