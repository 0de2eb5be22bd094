//! One exchange with a vendor: sent once, read to a limit, recorded redacted. The only place that owns HTTP clients.
//!
//! It never tries again, never follows a redirect, and never lets a token into a log, an error or a record. What an
//! answer means is for the vendor's own `errors.rs`; here stand only the failures that all of them share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, redirect};
use serde_json::Value;

use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Call;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::secret::Credentials;
use crate::domain::text;

use super::error::{Context, SetupError, VendorError, readable};
use super::settings::{Settings, base_url};
use super::{hubspot, intercom, redact};

/// What a vendor's headers say about how much more we may call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitReading {
    /// Calls used in the present window.
    pub used: u32,
    /// Calls allowed in a window.
    pub limit: u32,
    /// How long a window is.
    pub window_seconds: u32,
    /// When the window ends, where the vendor says so.
    pub reset_at: Option<Timestamp>,
    /// Calls used today, by all apps of the account.
    pub daily_used: Option<u32>,
    /// Calls allowed in a day.
    pub daily_limit: Option<u32>,
}

/// One exchange as it happened, redacted, for the journal's attempt rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// What it was for: `find contact by email`.
    pub purpose: String,
    /// Where it was sent.
    pub connection: Connection,
    /// When it was sent.
    pub started_at: Timestamp,
    /// How long the answer took, in milliseconds.
    pub duration_ms: u32,
    /// HTTP method.
    pub method: String,
    /// Host, path and query.
    pub url: String,
    /// The request's body, at most 8 KiB of it.
    pub request: String,
    /// The answer's status; none when no answer came.
    pub status: Option<u16>,
    /// The answer's body, at most 8 KiB of it; when no answer came, why.
    pub response: String,
    /// The vendor's id for the request, for a support ticket.
    pub request_id: Option<String>,
    /// The class of the failure; none when it went well.
    pub class: Option<ErrorClass>,
    /// What the headers said about limits.
    pub limits: Option<LimitReading>,
}

/// Every exchange of a turn, oldest first, whether it went well or not. The caller owns it.
pub type Log = Vec<Exchange>;

/// How a request behaves: how long it may take and whether it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads one record.
    Read,
    /// Reads many.
    Page,
    /// Changes one record.
    Write,
    /// Changes many, or does something slow.
    SlowWrite,
}

impl Manner {
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::SlowWrite)
    }

    const fn patience(self) -> u32 {
        match self {
            Self::Read | Self::Write => 1,
            Self::Page | Self::SlowWrite => 3,
        }
    }
}

/// A request before it has a host or a token; made by pure code, shown in previews and sent as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) purpose: String,
    pub(crate) method: Method,
    /// Path and query, already percent-encoded.
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) manner: Manner,
    /// The kind of record it is about.
    pub(crate) object: ObjectKind,
}

impl Request {
    pub(crate) fn new(manner: Manner, method: Method, object: ObjectKind, path: impl Into<String>) -> Self {
        Self { purpose: String::new(), method, path: path.into(), body: None, manner, object }
    }

    pub(crate) fn get(object: ObjectKind, path: impl Into<String>) -> Self {
        Self::new(Manner::Read, Method::GET, object, path)
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = purpose.into();
        self
    }

    pub(crate) fn page(mut self) -> Self {
        self.manner = Manner::Page;
        self
    }

    /// As the preview shows it.
    pub(crate) fn call(&self, base: &str) -> Call {
        Call {
            method: self.method.to_string(),
            host: base.trim_end_matches('/').to_owned(),
            path: self.path.clone(),
            body: self.body.clone(),
        }
    }
}

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

/// The clients of all vendors. Cheap to clone.
#[derive(Clone)]
pub struct Clients(Arc<Inner>);

struct Inner {
    settings: Settings,
    intercom: Vendor,
    hubspot: Vendor,
    credentials: Arc<dyn Credentials>,
    clock: SharedClock,
    timeout: Duration,
}

struct Vendor {
    base: String,
    client: reqwest::Client,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Clients {
    /// Checks the settings and opens nothing yet: connections are made when needed.
    pub fn new(
        settings: &Settings,
        credentials: Arc<dyn Credentials>,
        clock: SharedClock,
    ) -> Result<Self, SetupError> {
        Self::with_timeout(settings, credentials, clock, Duration::from_secs(settings.timeout_seconds.max(1)))
    }

    pub(crate) fn with_timeout(
        settings: &Settings,
        credentials: Arc<dyn Credentials>,
        clock: SharedClock,
        timeout: Duration,
    ) -> Result<Self, SetupError> {
        // The error only says that somebody installed one before: theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let vendor = |setting, url: &str| {
            Ok::<_, SetupError>(Vendor { base: base_url(setting, url)?, client: client(settings)? })
        };
        Ok(Self(Arc::new(Inner {
            intercom: vendor("intercom.base_url", &settings.intercom.base_url)?,
            hubspot: vendor("hubspot.base_url", &settings.hubspot.base_url)?,
            settings: settings.clone(),
            credentials,
            clock,
            timeout,
        })))
    }

    /// The settings they were made with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn vendor(&self, system: System) -> Result<&Vendor, VendorError> {
        match system {
            System::Intercom => Ok(&self.0.intercom),
            System::Hubspot => Ok(&self.0.hubspot),
            System::Salesforce => Err(no_client(system)),
        }
    }

    /// Sends a request once and reads its JSON answer; an empty answer is null.
    pub(crate) async fn send(
        &self,
        connection: &Connection,
        request: &Request,
        log: &mut Log,
    ) -> Result<Value, VendorError> {
        let system = connection.system;
        let vendor = self.vendor(system)?;
        let title = system.title();
        let Some(token) = self.0.credentials.access_token(connection) else {
            return Err(VendorError::new(
                ErrorClass::Auth,
                &format!("There is no access token for {connection}, so {title} was not called."),
            ));
        };
        let Ok(mut authorization) = HeaderValue::from_str(&format!("Bearer {}", token.reveal())) else {
            return Err(VendorError::new(
                ErrorClass::Auth,
                &format!(
                    "The access token for {connection} holds characters no token has; {title} was not called."
                ),
            ));
        };
        authorization.set_sensitive(true);

        let url = format!("{}{}", vendor.base, request.path);
        let mut builder = vendor
            .client
            .request(request.method.clone(), &url)
            .timeout(self.0.timeout * request.manner.patience())
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json");
        if system == System::Intercom {
            builder = builder.header("Intercom-Version", &self.0.settings.intercom.version);
        }
        let sent = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        if request.body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "application/json").body(sent.clone());
        }

        let started_at = self.0.clock.now();
        let started = Instant::now();
        let answer = match builder.send().await {
            Ok(response) => read(response, self.0.settings.max_response_bytes).await,
            Err(error) => Err(Lost::from(&error)),
        };
        let duration_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);

        let context = Context {
            connection,
            object: request.object,
            writes: request.manner.writes(),
            now: self.0.clock.now(),
        };
        let secrets = [token.reveal()];
        let outcome = match &answer {
            Ok(answer) => judge(answer, &context),
            Err(lost) => Err(lost.error(title, &context)),
        };
        let (status, response, request_id, limits) = match &answer {
            Ok(answer) => (
                Some(answer.status),
                redact::recorded(&answer.body, &secrets),
                request_id(system, answer),
                limits(system, answer),
            ),
            Err(lost) => (lost.status, redact::recorded(&lost.why, &secrets), None, None),
        };
        let outcome = outcome.map_err(|error| without(error, &secrets));
        log.push(Exchange {
            purpose: request.purpose.clone(),
            connection: connection.clone(),
            started_at,
            duration_ms,
            method: request.method.to_string(),
            url: redact::mask(url.split_once("://").map_or(url.as_str(), |(_, rest)| rest), &secrets)
                .into_owned(),
            request: redact::recorded(&sent, &secrets),
            status,
            response,
            request_id: request_id.map(|id| redact::mask(&id, &secrets).into_owned()),
            class: outcome.as_ref().err().map(|error| error.class),
            limits,
        });
        outcome
    }
}

/// A system we have no client for.
pub(crate) fn no_client(system: System) -> VendorError {
    VendorError::new(
        ErrorClass::Unknown,
        &format!("This version of Reknit has no client for {}; nothing was sent.", system.title()),
    )
}

fn client(settings: &Settings) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(Duration::from_secs(settings.connect_timeout_seconds.max(1)))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
}

/// No whole answer came.
#[derive(Debug)]
struct Lost {
    class: ErrorClass,
    why: String,
    status: Option<u16>,
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
    fn error(&self, title: &str, context: &Context<'_>) -> VendorError {
        let what = match (self.unsent, self.class, self.status) {
            (true, ..) => format!("{title} could not be reached"),
            (_, ErrorClass::Timeout, _) => format!("{title} did not answer in time"),
            (_, _, Some(_)) => format!("{title}'s answer could not be read to its end"),
            _ => format!("The connection to {title} broke before an answer came"),
        };
        VendorError {
            status: self.status,
            may_have_happened: context.writes && !self.unsent,
            ..VendorError::new(self.class, &format!("{what}: {}.", self.why.trim_end_matches('.')))
        }
    }
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Answer, Lost> {
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

fn judge(answer: &Answer, context: &Context<'_>) -> Result<Value, VendorError> {
    let title = context.connection.system.title();
    match answer.status {
        // The content type is not looked at: proxies and old endpoints mislabel JSON, and the parser knows better.
        200..=299 if answer.body.trim().is_empty() => Ok(Value::Null),
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
            System::Salesforce => no_client(System::Salesforce),
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

fn limits(system: System, answer: &Answer) -> Option<LimitReading> {
    match system {
        System::Intercom => intercom::errors::limits(answer),
        System::Hubspot => hubspot::errors::limits(answer),
        System::Salesforce => None,
    }
}

fn request_id(system: System, answer: &Answer) -> Option<String> {
    let header = match system {
        System::Intercom => answer.header("x-request-id"),
        System::Hubspot => answer.header("x-hubspot-correlation-id"),
        System::Salesforce => None,
    };
    let from_body = || {
        let body: Value = serde_json::from_str(&answer.body).ok()?;
        let name = if system == System::Intercom { "request_id" } else { "correlationId" };
        body.get(name)?.as_str().map(str::to_owned)
    };
    let id = header.map(str::to_owned).or_else(|| if answer.status >= 400 { from_body() } else { None })?;
    Some(text::shorten(&text::clean(&id), 100).into_owned())
}

/// The same error, should a vendor have repeated our token in its words.
fn without(mut error: VendorError, secrets: &[&str]) -> VendorError {
    let mask = |text: &mut String| {
        if let std::borrow::Cow::Owned(masked) = redact::mask(text, secrets) {
            *text = masked;
        }
    };
    mask(&mut error.words);
    error.fields.iter_mut().for_each(|refusal| mask(&mut refusal.why));
    error
}

/// A path segment or query value, percent-encoded: everything but letters, digits and `-._~`.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    // "." and ".." are steps in a path even as %2E; no record has such an id, so it may as well not be found.
    if matches!(encoded.as_str(), "." | "..") { encoded.replace('.', "%252E") } else { encoded }
}

#[cfg(test)]
mod tests;
