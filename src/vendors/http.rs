//! One exchange with a vendor: sent once, read to a limit, recorded redacted. The only place that owns HTTP clients.
//!
//! It never tries again, never follows a redirect, and never lets a token into a log, an error or a record. What is
//! sent is made in `request` and the vendors' `calls`; what the answer means is told in `answer` and their `errors`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{self, HeaderValue};
use reqwest::redirect;
use serde_json::Value;

use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, System};
use crate::domain::secret::Credentials;
use crate::domain::text;

use super::answer::{Answer, Lost, judge, read};
use super::error::{Context, SetupError, VendorError};
use super::request::{Expects, Request};
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

/// The clients of all vendors. Cheap to clone.
#[derive(Clone)]
pub struct Clients(Arc<Inner>);

struct Inner {
    settings: Settings,
    intercom: Vendor,
    hubspot: Vendor,
    salesforce: Option<Vendor>,
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
            let base = base_url(setting, url)?;
            Ok::<_, SetupError>(Vendor { client: client(settings, &base)?, base })
        };
        Ok(Self(Arc::new(Inner {
            intercom: vendor("intercom.base_url", &settings.intercom.base_url)?,
            hubspot: vendor("hubspot.base_url", &settings.hubspot.base_url)?,
            salesforce: match settings.salesforce.instance_url.as_str() {
                "" => None,
                url => Some(vendor("salesforce.instance_url", url)?),
            },
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
            System::Salesforce => self.0.salesforce.as_ref().ok_or_else(|| no_client(system)),
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
            .header(
                header::ACCEPT,
                if request.expects == Expects::Text { "*/*" } else { "application/json" },
            );
        if system == System::Intercom {
            builder = builder.header("Intercom-Version", &self.0.settings.intercom.version);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let (media, sent) = match (&request.body, &request.text) {
            (Some(body), _) => (Some("application/json"), body.to_string()),
            (None, Some((media, text))) => (Some(*media), text.clone()),
            (None, None) => (None, String::new()),
        };
        if let Some(media) = media {
            builder = builder.header(header::CONTENT_TYPE, media).body(sent.clone());
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
            expects: request.expects,
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

fn client(settings: &Settings, base: &str) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(Duration::from_secs(settings.connect_timeout_seconds.max(1)))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    // Plain http goes to this machine only (the sandbox), which must work where no certificates are installed.
    if base.starts_with("http://") { builder.tls_certs_only([]).build() } else { builder.build() }
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

#[cfg(test)]
mod tests;
