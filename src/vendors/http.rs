//! One exchange with a vendor: sent once, read to a limit, recorded redacted. The only place that owns HTTP clients.
//!
//! It never follows a redirect and never lets a token into a log, an error or a record. It sends once; only a call
//! whose token was refused, which therefore did nothing, is sent a second time with a new one (`token`). What is sent
//! is made in `request` and the vendors' `calls`; what the answer means is told in `answer` and their `errors`.

use std::sync::Arc;
use std::time::Instant;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::error_class::ErrorClass;
use crate::domain::limit::Family;
use crate::domain::record::{Connection, System};
use crate::domain::secret::{Credentials, Secret};
use crate::domain::text;

use super::answer::{Answer, judge};
use super::error::{Context, SetupError, VendorError};
use super::gate::{Gate, Pass};
use super::request::{Expects, Request, TOKEN_PLACE, encode};
use super::settings::{Settings, base_url};
use super::token::{Access, Standing, Tokens};
use super::{hubspot, intercom, redact, salesforce};

pub(crate) mod transport;

use transport::{Outgoing, Times, Transport};

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
pub struct Clients(Arc<Inner>, Option<Arc<dyn Gate>>);

struct Inner {
    settings: Settings,
    intercom: String,
    hubspot: String,
    tokens: Tokens,
    transport: Arc<Transport>,
    clock: SharedClock,
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
        let times = Times::new(&settings.timeouts);
        Self::with_times(settings, credentials, clock, times)
    }

    pub(crate) fn with_times(
        settings: &Settings,
        credentials: Arc<dyn Credentials>,
        clock: SharedClock,
        times: Times,
    ) -> Result<Self, SetupError> {
        let intercom = base_url("intercom.base_url", &settings.intercom.base_url)?;
        let hubspot = base_url("hubspot.base_url", &settings.hubspot.base_url)?;
        if !settings.hubspot.oauth_path.starts_with("/oauth/") {
            return Err(SetupError::TokenPath { path: settings.hubspot.oauth_path.clone() });
        }
        let mut bases = vec![intercom.as_str(), hubspot.as_str()];
        for (setting, url) in [
            ("salesforce.instance_url", &settings.salesforce.instance_url),
            ("salesforce.login_url", &settings.salesforce.login_url),
        ] {
            if !url.is_empty() {
                base_url(setting, url)?;
                bases.push(url);
            }
        }
        let transport = Arc::new(Transport::new(settings, &*credentials, times, &bases)?);
        let tokens = Tokens::new(settings.clone(), credentials, Arc::clone(&transport), Arc::clone(&clock));
        let inner = Inner { settings: settings.clone(), intercom, hubspot, tokens, transport, clock };
        Ok(Self(Arc::new(inner), None))
    }

    /// The same clients, every call of which passes a gate first. Asking for a token is no call of a limited kind.
    #[must_use]
    pub fn gated(self, gate: Arc<dyn Gate>) -> Self {
        Self(self.0, Some(gate))
    }

    /// The settings they were made with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How a connection stands with its tokens, without asking the vendor.
    pub async fn standing(&self, connection: &Connection) -> Standing {
        self.0.tokens.standing(connection).await
    }

    /// A number that changes when what the connection's tokens come from does; it means nothing to another process.
    pub fn token_mark(&self, connection: &Connection) -> u64 {
        self.0.tokens.mark(connection)
    }

    /// A refused renewal no longer counts: the next call asks again.
    pub async fn forget_refusal(&self, connection: &Connection) {
        self.0.tokens.forget_refusal(connection).await;
    }

    /// Sends a request once and reads its JSON answer; an empty answer is null.
    ///
    /// When the vendor refuses the access token, and it can be renewed, the call is sent once more with the new one:
    /// a call that was refused at the door has done nothing.
    pub(crate) async fn send(
        &self,
        connection: &Connection,
        request: &Request,
        log: &mut Log,
    ) -> Result<Value, VendorError> {
        let access = self.0.tokens.access(connection, log).await?;
        let outcome = self.once(connection, request, &access, log).await;
        let refused = |error: &VendorError| error.class == ErrorClass::Auth && !error.may_have_happened;
        if !outcome.as_ref().is_err_and(refused) {
            return outcome;
        }
        match self.0.tokens.after_refusal(connection, &access, log).await? {
            Some(fresh) => self.once(connection, request, &fresh, log).await,
            None => outcome,
        }
    }

    /// What hides a connection's secrets in parts of its exchanges.
    pub(crate) async fn mask(&self, connection: &Connection) -> Mask {
        // Without a token nothing is sent, and nothing can repeat it.
        let access = self.0.tokens.access(connection, &mut Log::new()).await.ok();
        Mask(access.map(|access| access.token).into_iter().collect())
    }

    async fn once(
        &self,
        connection: &Connection,
        request: &Request,
        access: &Access,
        log: &mut Log,
    ) -> Result<Value, VendorError> {
        let system = connection.system;
        let title = system.title();
        let base = match system {
            System::Intercom => &self.0.intercom,
            System::Hubspot => &self.0.hubspot,
            System::Salesforce => access.instance.as_ref().ok_or_else(no_instance)?,
        };
        let token = access.token.reveal();
        let headers = headers(&self.0.settings, connection, request, token)?;
        // A path never holds the mark by itself: whatever stands in one is percent-encoded.
        let url = format!("{base}{}", request.path.replacen(TOKEN_PLACE, &encode(token), 1));
        let told = format!("{base}{}", request.path);
        // What is recorded is what stands before the token is put in.
        let (body, sent) = match (&request.body, &request.text) {
            (Some(body), _) => (Some(("application/json", body.to_string())), body.to_string()),
            (None, Some((media, text))) if request.token_in_text => {
                // Only the first place: what follows may be record data, and that must never become a token.
                (Some((*media, text.replacen(TOKEN_PLACE, &in_xml(token), 1))), text.clone())
            }
            (None, Some((media, text))) => (Some((*media, text.clone())), text.clone()),
            (None, None) => (None, String::new()),
        };
        let within = self.0.transport.times().of(request.manner);
        let outgoing = Outgoing { method: request.method.clone(), url: url.clone(), headers, body, within };

        // Held until the answer has been read.
        let _pass = match &self.1 {
            Some(gate) => {
                let family = Family::of_call(system, request.method.as_str(), &request.path);
                gate.pass(connection, family).await
            }
            None => Pass::default(),
        };
        let started_at = self.0.clock.now();
        let started = Instant::now();
        let answer = self.0.transport.exchange(outgoing).await;
        let duration_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);

        let context = Context {
            connection,
            object: request.object,
            writes: request.manner.writes(),
            expects: request.expects,
            now: self.0.clock.now(),
        };
        let secrets = [token];
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
        if answer.is_ok() && !outcome.as_ref().is_err_and(|error| error.class == ErrorClass::Auth) {
            access.worked();
        }
        log.push(Exchange {
            purpose: request.purpose.clone(),
            connection: connection.clone(),
            started_at,
            duration_ms,
            method: request.method.to_string(),
            url: shown_url(&told, &secrets),
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

/// Hides a connection's secrets in a part of what was sent or answered, as a whole exchange's are hidden.
pub(crate) struct Mask(Vec<Secret>);

impl Mask {
    /// Hides what another hides too.
    pub(crate) fn add(&mut self, other: Self) {
        for secret in other.0 {
            if self.0.iter().all(|known| known.reveal() != secret.reveal()) {
                self.0.push(secret);
            }
        }
    }

    /// A text as it may be kept.
    pub(crate) fn recorded(&self, text: &str) -> String {
        let secrets: Vec<&str> = self.0.iter().map(Secret::reveal).collect();
        redact::recorded(text, &secrets)
    }
}

/// The URL as it is recorded: without its scheme and without secrets.
pub(crate) fn shown_url(url: &str, secrets: &[&str]) -> String {
    redact::mask(url.split_once("://").map_or(url, |(_, rest)| rest), secrets).into_owned()
}

fn headers(
    settings: &Settings,
    connection: &Connection,
    request: &Request,
    token: &str,
) -> Result<HeaderMap, VendorError> {
    let Ok(mut authorization) = HeaderValue::from_str(&format!("Bearer {token}")) else {
        return Err(VendorError::new(
            ErrorClass::Auth,
            &format!(
                "The access token for {connection} holds characters no token has; {} was not called.",
                connection.system.title()
            ),
        ));
    };
    authorization.set_sensitive(true);
    let accept = if request.expects == Expects::Text { "*/*" } else { "application/json" };
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    let mut add = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|_| {
            VendorError::new(
                ErrorClass::Validation,
                &format!("The header {name} cannot hold \"{value}\"; nothing was sent."),
            )
        })?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            VendorError::new(
                ErrorClass::Validation,
                &format!("\"{name}\" names no header; nothing was sent."),
            )
        })?;
        headers.insert(name, value);
        Ok::<_, VendorError>(())
    };
    if connection.system == System::Intercom {
        add("intercom-version", &settings.intercom.version)?;
    }
    for (name, value) in &request.headers {
        add(name, value)?;
    }
    Ok(headers)
}

/// A token as text of an XML element.
fn in_xml(token: &str) -> String {
    token.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn no_instance() -> VendorError {
    VendorError::new(
        ErrorClass::Unknown,
        "Nobody says where the Salesforce org is, so nothing was sent: set instance_url under [vendors.salesforce], or \
         SALESFORCE_INSTANCE_URL.",
    )
}

fn limits(system: System, answer: &Answer) -> Option<LimitReading> {
    match system {
        System::Intercom => intercom::errors::limits(answer),
        System::Hubspot => hubspot::errors::limits(answer),
        System::Salesforce => salesforce::errors::limits(answer),
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
pub(crate) fn without(mut error: VendorError, secrets: &[&str]) -> VendorError {
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
