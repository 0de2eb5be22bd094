//! An answer, or the lack of one: read to a limit, and judged as far as all vendors agree.
//!
//! What a refusal means beyond that is for the vendor's own `errors.rs`. Nothing here decides about trying again.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::System;
use crate::domain::text;

use super::error::{Context, VendorError, readable};
use super::request::Expects;
use super::{hubspot, intercom, salesforce};

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
    /// The request certainly did not reach the vendor.
    pub(crate) const fn is_unsent(&self) -> bool {
        self.unsent
    }

    fn new(class: ErrorClass, status: Option<u16>, why: &str) -> Self {
        Self { class, why: why.to_owned(), status, unsent: false }
    }

    /// As the caller is told.
    pub(crate) fn error(&self, title: &str, context: &Context<'_>) -> VendorError {
        let what = match (self.unsent, self.class, self.status) {
            (true, ..) => format!("{title} could not be reached"),
            (_, ErrorClass::Timeout, None) => format!("{title} did not answer in time"),
            (_, ErrorClass::Timeout, Some(_)) => format!("{title} began to answer and did not end in time"),
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

/// How long and how much an exchange may take.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// When it ends at the latest.
    pub(crate) until: Instant,
    /// The same as a length, for the message.
    pub(crate) within: Duration,
    /// The longest silence inside an answer.
    pub(crate) idle: Duration,
    /// The most bytes of a body.
    pub(crate) limit: usize,
}

impl Patience {
    /// The time is up.
    pub(crate) fn over(&self, status: Option<u16>) -> Lost {
        let what = if status.is_some() { "the answer had not ended after" } else { "no answer came within" };
        Lost::new(ErrorClass::Timeout, status, &format!("{what} {} s", self.within.as_secs_f32()))
    }
}

/// Reads an answer to its end, or until it is too long or too slow. Takes no more memory than the limit and one piece.
pub(crate) async fn read(mut response: reqwest::Response, patience: &Patience) -> Result<Answer, Lost> {
    let limit = patience.limit;
    let status = Some(response.status().as_u16());
    let too_long = || Lost::new(ErrorClass::Malformed, status, &format!("it is longer than {limit} bytes"));
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let headers = response.headers().clone();
    if let Some(coding) = headers.get(header::CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        // None was asked for, and unpacking would need a limit of its own.
        let why = format!(
            "it is compressed ({}), which was not asked for",
            String::from_utf8_lossy(coding.as_bytes())
        );
        return Err(Lost::new(ErrorClass::Malformed, status, &text::shorten(&text::clean(&why), 120)));
    }
    let mut body = Vec::new();
    loop {
        let idle = Instant::now() + patience.idle;
        match timeout_at(patience.until.min(idle), response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() > limit => return Err(too_long()),
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(Lost { status, unsent: false, ..Lost::from(&error) }),
            Err(_) if idle < patience.until => {
                let why = format!("nothing more came for {} s", patience.idle.as_secs_f32());
                return Err(Lost::new(ErrorClass::Timeout, status, &why));
            }
            Err(_) => return Err(patience.over(status)),
        }
    }
    // Lossy on purpose: a proxy's error page in another encoding is still worth showing.
    let body = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Answer { status: response.status().as_u16(), headers, body })
}

/// What an answer amounts to: its JSON, or an error with its class.
pub(crate) fn judge(answer: &Answer, context: &Context<'_>) -> Result<Value, VendorError> {
    let title = context.connection.system.title();
    match answer.status {
        200..=299 if context.expects == Expects::Text && is_page(answer) => {
            Err(not_due(answer, context, "a web page"))
        }
        200..=299 if answer.body.trim().is_empty() => Ok(Value::Null),
        200..=299 if context.expects == Expects::Text => Ok(Value::String(answer.body.clone())),
        // A content type alone condemns nothing: proxies and old endpoints mislabel JSON, and the parser knows better.
        200..=299 => serde_json::from_str(&answer.body).map_err(|error| {
            let what = if is_page(answer) { "a web page" } else { "something that is not JSON" };
            not_due(answer, context, &format!("{what} ({error})"))
        }),
        // 300 and 304 lead nowhere: they are answers, and the vendor's own rules read them.
        304 if context.connection.system == System::Salesforce => Ok(Value::Null),
        301..=303 | 305..=399 => Err(VendorError {
            status: Some(answer.status),
            // "See other" is what a server says after it did what was asked.
            may_have_happened: context.writes && answer.status == 303,
            ..VendorError::new(
                ErrorClass::Unknown,
                &format!(
                    "{title} sent us on to \"{}\". Reknit follows no redirect, so that the token stays with the \
                     configured host and a write stays a write; check base_url.",
                    answer.header("location").unwrap_or("(nowhere)")
                ),
            )
        }),
        _ => Err(match context.connection.system {
            System::Intercom => intercom::errors::classify(answer, context),
            System::Hubspot => hubspot::errors::classify(answer, context),
            System::Salesforce => salesforce::errors::classify(answer, context),
        }),
    }
}

/// It says that it is a web page, or looks like one.
fn is_page(answer: &Answer) -> bool {
    let labelled =
        answer.header("content-type").is_some_and(|media| media.trim_start().starts_with("text/html"));
    let body = answer.body.trim_start();
    let begins = |word: &str| body.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins("<!doctype html") || begins("<html") || (labelled && begins("<"))
}

/// A good status over something else than what is due: mostly a proxy or a login page that answers for the vendor.
fn not_due(answer: &Answer, context: &Context<'_>, what: &str) -> VendorError {
    let title = context.connection.system.title();
    let words = if is_page(answer) {
        inner(&answer.body, "<title>", "</title>").unwrap_or_default()
    } else {
        &answer.body
    };
    VendorError {
        status: Some(answer.status),
        may_have_happened: context.writes,
        ..VendorError::new(
            ErrorClass::Malformed,
            &format!("{title} answered {} with {what}: {}", answer.status, text::shorten(words, 120)),
        )
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
