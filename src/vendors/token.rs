//! The access tokens: who has one, who must renew it, and that one renewal serves everybody who waits for it.
//!
//! A token goes only to a host that is configured or that the token endpoint itself has named. A renewal runs to its
//! end even when whoever asked for it is gone, since it may void the token before it; what it brings is stored before
//! it is used. How a grant is spoken stands in `token/grant.rs`. Nothing here decides whether a call is made again.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{self, HeaderMap, HeaderValue};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::error_class::{ErrorClass, Retry};
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::secret::{Credentials, Grant, Kept, Renewed, Secret};

use super::error::{Context, SetupError, VendorError};
use super::http::transport::{Outgoing, Transport};
use super::http::{Exchange, Log, shown_url, without};
use super::redact;
use super::request::Expects;
use super::settings::{PRODUCTION_LOGIN, Settings, base_url, is_plain};

mod grant;

/// A refusal is not asked for again for so long; neither is a new token that never worked.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// Nor a token endpoint that did not answer.
const PAUSE_AFTER_SILENCE: Duration = Duration::from_secs(3);
/// A token is renewed so long before it runs out, or a fifth of its life if that is less.
const MARGIN: Duration = Duration::from_secs(120);

/// What a call needs.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) token: Secret,
    /// The host to call, where it belongs to the token: Salesforce.
    pub(crate) instance: Option<String>,
    obtained_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// It came from the token endpoint just now, and not from a person or the disk.
    fresh: bool,
    worked: Arc<AtomicBool>,
}

impl Access {
    /// The vendor has answered a call made with it.
    pub(crate) fn worked(&self) {
        self.worked.store(true, Ordering::Relaxed);
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let Some(end) = self.expires_at else { return false };
        let life = Duration::from_millis(u64::try_from(end.since(self.obtained_at)).unwrap_or(0));
        now.plus(MARGIN.min(life / 5)) >= end
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now >= end)
    }
}

/// How a connection stands with its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How it comes by them ("a refresh token"), or what is missing.
    pub grant: Result<&'static str, String>,
    /// They can be renewed.
    pub renews: bool,
    /// When the present one runs out, where the vendor said so.
    pub expires_at: Option<Timestamp>,
    /// The host it is good for, where the token endpoint named one.
    pub instance_url: Option<String>,
    /// The vendor replaced the refresh token, and the new one will not survive the end of this process.
    pub rotated_unkept: bool,
    /// Why the last token could not be written to disk.
    pub not_written: Option<String>,
}

/// The tokens of all connections.
#[derive(Clone)]
pub(crate) struct Tokens(Arc<Inner>);

struct Inner {
    settings: Settings,
    credentials: Arc<dyn Credentials>,
    transport: Arc<Transport>,
    clock: SharedClock,
    slots: std::sync::Mutex<HashMap<Connection, Arc<Mutex<Slot>>>>,
    /// Of this process alone: what it hashes cannot be found out from the hash.
    marks: std::hash::RandomState,
}

/// One connection's token. Whoever holds it renews; the others wait and find what came of it.
#[derive(Default)]
struct Slot {
    access: Option<Access>,
    failed: Option<Failure>,
    rotated_unkept: bool,
    not_written: Option<String>,
}

/// A renewal that did not succeed, and until when it counts for everybody, by the steady clock.
struct Failure {
    until: Duration,
    error: VendorError,
}

impl Tokens {
    pub(crate) fn new(
        settings: Settings,
        credentials: Arc<dyn Credentials>,
        transport: Arc<Transport>,
        clock: SharedClock,
    ) -> Self {
        Self(Arc::new(Inner {
            settings,
            credentials,
            transport,
            clock,
            slots: std::sync::Mutex::default(),
            marks: std::hash::RandomState::new(),
        }))
    }

    /// A token that has not run out as far as we know; renewed before it does.
    pub(crate) async fn access(&self, connection: &Connection, log: &mut Log) -> Result<Access, VendorError> {
        let slot = self.slot(connection).lock_owned().await;
        let now = self.0.clock.now();
        if let Some(access) = slot.access.as_ref().filter(|access| !access.is_due(now)) {
            return Ok(access.clone());
        }
        if slot.access.is_none()
            && let Grant::Fixed(token) = self.0.grant(connection)?
        {
            // Read anew for every call: whoever replaces it need not restart anything.
            return self.0.given(connection, token);
        }
        let usable = slot.access.clone().filter(|access| !access.is_over(now));
        match (self.renew(connection, slot, None, log).await, usable) {
            // It could not be renewed ahead of time, but it is still good.
            (Err(_), Some(access)) => Ok(access),
            (outcome, _) => outcome,
        }
    }

    /// The vendor refused this token: the one to try once more with, if there can be one.
    pub(crate) async fn after_refusal(
        &self,
        connection: &Connection,
        refused: &Access,
        log: &mut Log,
    ) -> Result<Option<Access>, VendorError> {
        let slot = self.slot(connection).lock_owned().await;
        if let Some(access) = slot.access.as_ref().filter(|it| it.token.reveal() != refused.token.reveal()) {
            return Ok(Some(access.clone()));
        }
        if slot.access.is_none() && !self.0.grant(connection)?.renews() {
            return Ok(None);
        }
        // A token from the future is one from before the clock was set back: of unknown age, so not young.
        let age = u64::try_from(self.0.clock.now().since(refused.obtained_at)).ok();
        let young = age.is_some_and(|age| Duration::from_millis(age) < PAUSE_AFTER_REFUSAL);
        if refused.fresh && young && !refused.worked.load(Ordering::Relaxed) {
            // Brand-new and refused: it is not its age, so another one would fare no better.
            return Ok(None);
        }
        self.renew(connection, slot, Some(refused.token.clone()), log).await.map(Some)
    }

    /// What is known about a connection's token.
    pub(crate) async fn standing(&self, connection: &Connection) -> Standing {
        let slot = self.slot(connection).lock_owned().await;
        let grant = self.0.credentials.grant(connection);
        Standing {
            renews: grant.as_ref().is_ok_and(Grant::renews),
            grant: grant.map(|grant| grant.title()),
            expires_at: slot.access.as_ref().and_then(|access| access.expires_at),
            instance_url: slot.access.as_ref().and_then(|access| access.instance.clone()),
            rotated_unkept: slot.rotated_unkept,
            not_written: slot.not_written.clone(),
        }
    }

    /// A number that changes with what the tokens come from.
    pub(crate) fn mark(&self, connection: &Connection) -> u64 {
        let grant = match self.0.credentials.grant(connection) {
            Ok(Grant::Fixed(token)) => vec![token.reveal().to_owned()],
            Ok(Grant::RefreshToken { client_id, client_secret, refresh_token }) => {
                let secret = client_secret.map(|secret| secret.reveal().to_owned());
                vec![client_id, secret.unwrap_or_default(), refresh_token.reveal().to_owned()]
            }
            Ok(Grant::ClientCredentials { client_id, client_secret }) => {
                vec![client_id, client_secret.reveal().to_owned()]
            }
            Ok(Grant::SignedAssertion { client_id, username, private_key }) => {
                vec![client_id, username, private_key.reveal().to_owned()]
            }
            Err(_) => Vec::new(),
        };
        let parts = zeroize::Zeroizing::new(grant);
        self.0.marks.hash_one(&*parts)
    }

    /// The last refusal of a renewal counts no longer.
    pub(crate) async fn forget_refusal(&self, connection: &Connection) {
        self.slot(connection).lock_owned().await.failed = None;
    }

    fn slot(&self, connection: &Connection) -> Arc<Mutex<Slot>> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(connection.clone()).or_default())
    }

    async fn renew(
        &self,
        connection: &Connection,
        slot: OwnedMutexGuard<Slot>,
        refused: Option<Secret>,
        log: &mut Log,
    ) -> Result<Access, VendorError> {
        if let Some(failure) = slot.failed.as_ref().filter(|failure| self.0.clock.steady() < failure.until) {
            return Err(failure.error.clone());
        }
        // A task of its own: a caller that is given up must not take a half-done renewal along.
        let task = tokio::spawn(Arc::clone(&self.0).renewal(connection.clone(), slot, refused));
        match task.await {
            Ok((outcome, exchange)) => {
                log.extend(exchange);
                outcome
            }
            Err(_) => Err(VendorError::new(
                ErrorClass::Unavailable,
                &format!("The access token for {connection} could not be renewed: Reknit is ending."),
            )),
        }
    }
}

impl Inner {
    fn grant(&self, connection: &Connection) -> Result<Grant, VendorError> {
        self.credentials.grant(connection).map_err(|why| {
            let title = connection.system.title();
            VendorError::new(ErrorClass::Auth, &format!("{} {title} was not called.", why.trim_end()))
        })
    }

    /// The whole renewal, with the slot held so that it is the only one.
    async fn renewal(
        self: Arc<Self>,
        connection: Connection,
        mut slot: OwnedMutexGuard<Slot>,
        refused: Option<Secret>,
    ) -> (Result<Access, VendorError>, Option<Exchange>) {
        let mut exchange = None;
        let outcome = self.renewed(&connection, &mut slot, refused.as_ref(), &mut exchange).await;
        match &outcome {
            Ok(access) => {
                slot.access = Some(access.clone());
                slot.failed = None;
            }
            Err(error) => {
                let refused = error.class.treatment().retry == Retry::Never;
                let pause = if refused { PAUSE_AFTER_REFUSAL } else { PAUSE_AFTER_SILENCE };
                let now = self.clock.now();
                let said = error.retry_at.map_or(0, |at| u64::try_from(at.since(now)).unwrap_or(0));
                let until = self.clock.steady() + pause.max(Duration::from_millis(said));
                slot.failed = Some(Failure { until, error: error.clone() });
                tracing::warn!(%connection, words = %error.words, "the access token could not be renewed");
            }
        }
        (outcome, exchange)
    }

    async fn renewed(
        &self,
        connection: &Connection,
        slot: &mut Slot,
        refused: Option<&Secret>,
        exchange: &mut Option<Exchange>,
    ) -> Result<Access, VendorError> {
        let _held = self.begin(connection).await?;
        // Another process may have renewed it while we waited: then its token is ours as well.
        if let Some(renewed) = self.credentials.renewed(connection) {
            let access = self.access_of(connection, &renewed, false)?;
            let is_the_refused = refused.is_some_and(|token| token.reveal() == access.token.reveal());
            if !is_the_refused && !access.is_due(self.clock.now()) {
                return Ok(access);
            }
        }
        let grant = self.grant(connection)?;
        let renewed = self.ask(connection, &grant, exchange).await?;
        self.keep(connection, slot, &renewed).await;
        self.access_of(connection, &renewed, true)
    }

    /// Waits for its turn among processes, no longer than a token may take.
    async fn begin(&self, connection: &Connection) -> Result<crate::domain::secret::Renewal, VendorError> {
        let credentials = Arc::clone(&self.credentials);
        let wanted = connection.clone();
        let turn = tokio::task::spawn_blocking(move || credentials.begin_renewal(&wanted));
        let failed = |why: &str| {
            VendorError::new(
                ErrorClass::Unavailable,
                &format!("The access token for {connection} cannot be renewed now: {why}."),
            )
        };
        match tokio::time::timeout(self.transport.times().token * 2, turn).await {
            Ok(Ok(Ok(held))) => Ok(held),
            Ok(Ok(Err(why))) => Err(failed(why.trim_end_matches('.'))),
            Ok(Err(_)) => Err(failed("Reknit is ending")),
            Err(_) => Err(failed("another process has been renewing it for too long")),
        }
    }

    /// One call of the token endpoint, and what it brought.
    async fn ask(
        &self,
        connection: &Connection,
        grant: &Grant,
        exchange: &mut Option<Exchange>,
    ) -> Result<Renewed, VendorError> {
        let title = connection.system.title();
        let endpoint = self.endpoint(connection)?;
        let started_at = self.clock.now();
        let audience = self.settings.salesforce.assertion_audience.trim_end_matches('/');
        let form = grant::form(grant, audience, started_at).map_err(|why| {
            VendorError::new(ErrorClass::Auth, &format!("{title} was not asked for an access token: {why}."))
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let outgoing = Outgoing {
            method: Method::POST,
            url: endpoint.clone(),
            headers,
            body: Some(("application/x-www-form-urlencoded", form.text())),
            within: self.transport.times().token,
        };
        let started = Instant::now();
        let answer = self.transport.exchange(outgoing).await;
        let duration_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        let context = Context {
            connection,
            object: ObjectKind::Contact,
            writes: false,
            expects: Expects::Json,
            now: self.clock.now(),
        };
        let secrets = form.secrets();
        let (outcome, status, response) = match &answer {
            Ok(answer) => (
                grant::read(answer, grant, started_at, &context),
                Some(answer.status),
                grant::shown(&answer.body),
            ),
            Err(lost) => (Err(lost.error(title, &context)), lost.status, lost.why.clone()),
        };
        let outcome = outcome.map_err(|error| without(error, &secrets));
        *exchange = Some(Exchange {
            purpose: "renew the access token".to_owned(),
            connection: connection.clone(),
            started_at,
            duration_ms,
            method: "POST".to_owned(),
            url: shown_url(&endpoint, &secrets),
            request: redact::recorded(&form.shown(), &secrets),
            status,
            response: redact::recorded(&response, &secrets),
            request_id: None,
            class: outcome.as_ref().err().map(|error| error.class),
            limits: None,
        });
        outcome
    }

    async fn keep(&self, connection: &Connection, slot: &mut Slot, renewed: &Renewed) {
        let credentials = Arc::clone(&self.credentials);
        let (wanted, brought) = (connection.clone(), renewed.clone());
        let kept = tokio::task::spawn_blocking(move || credentials.store(&wanted, &brought)).await;
        let kept = kept.unwrap_or_else(|_| Err("Reknit is ending".to_owned()));
        let durably = kept == Ok(Kept::Durably);
        slot.not_written = kept.err();
        if renewed.refresh_token.is_some() {
            slot.rotated_unkept = !durably;
        }
        if slot.rotated_unkept {
            tracing::error!(
                %connection,
                why = slot.not_written.as_deref().unwrap_or("there is no vault"),
                "the vendor replaced the refresh token and the new one is only in memory: after a restart this \
                 connection must be authorised anew. Set REKNIT_VAULT_PASSPHRASE, so that Reknit can keep it"
            );
        } else if let Some(why) = &slot.not_written {
            tracing::warn!(%connection, %why, "the renewed access token is only in memory");
        }
    }

    /// A person's own token, at the host that is configured.
    fn given(&self, connection: &Connection, token: Secret) -> Result<Access, VendorError> {
        Ok(Access {
            token,
            instance: self.configured_instance(connection)?,
            obtained_at: Timestamp(0),
            expires_at: None,
            fresh: false,
            worked: Arc::default(),
        })
    }

    fn access_of(
        &self,
        connection: &Connection,
        renewed: &Renewed,
        fresh: bool,
    ) -> Result<Access, VendorError> {
        let instance = match &renewed.instance_url {
            Some(named) if connection.system == System::Salesforce => Some(self.accept(connection, named)?),
            _ => self.configured_instance(connection)?,
        };
        Ok(Access {
            token: renewed.access_token.clone(),
            instance,
            obtained_at: renewed.obtained_at,
            expires_at: renewed.expires_at,
            fresh,
            worked: Arc::default(),
        })
    }

    /// The host the token endpoint names: https, or this machine when the endpoint itself is on it.
    fn accept(&self, connection: &Connection, named: &str) -> Result<String, VendorError> {
        let refused = |why: String| {
            VendorError::new(
                ErrorClass::Malformed,
                &format!("Salesforce's token endpoint names an instance that is not called: {why}"),
            )
        };
        let base = base_url("salesforce.instance_url", named).map_err(|error| refused(error.to_string()))?;
        if is_plain(&base) && !is_plain(&self.endpoint(connection)?) {
            return Err(refused(format!("\"{base}\" is this machine, and the endpoint is not")));
        }
        Ok(base)
    }

    fn configured_instance(&self, connection: &Connection) -> Result<Option<String>, VendorError> {
        if connection.system != System::Salesforce {
            return Ok(None);
        }
        let named = self.credentials.instance_url(connection);
        let url = named.unwrap_or_else(|| self.settings.salesforce.instance_url.clone());
        host("SALESFORCE_INSTANCE_URL", &url)
    }

    fn endpoint(&self, connection: &Connection) -> Result<String, VendorError> {
        let settings = &self.settings;
        match connection.system {
            System::Hubspot => Ok(format!(
                "{}{}",
                settings.hubspot.base_url.trim_end_matches('/'),
                settings.hubspot.oauth_path
            )),
            System::Salesforce => {
                let named = self.credentials.login_url(connection);
                let login = host(
                    "SALESFORCE_LOGIN_URL",
                    &named.unwrap_or_else(|| settings.salesforce.login_url.clone()),
                )?;
                let base = match login {
                    Some(login) => login,
                    None => {
                        self.configured_instance(connection)?.unwrap_or_else(|| PRODUCTION_LOGIN.to_owned())
                    }
                };
                Ok(format!("{base}/services/oauth2/token"))
            }
            System::Intercom => Err(VendorError::new(
                ErrorClass::Auth,
                "Intercom's access tokens do not run out, so there is nowhere to renew one.",
            )),
        }
    }
}

/// A host by the name of what holds it; none when that is empty.
fn host(name: &'static str, url: &str) -> Result<Option<String>, VendorError> {
    if url.trim().is_empty() {
        return Ok(None);
    }
    base_url(name, url.trim()).map(Some).map_err(|error| {
        let why = match error {
            SetupError::BaseUrl { why, .. } => why,
            other => other.to_string(),
        };
        VendorError::new(ErrorClass::Unknown, &format!("{name} cannot be used, so nothing was sent: {why}."))
    })
}

#[cfg(test)]
mod tests;
