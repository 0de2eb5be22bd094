//! Where alerts go: an incoming webhook of Slack, and a signed JSON POST to an address of one's own.
//!
//! Both addresses are secrets: they are in memory and on the wire, never in an error, a log or the journal. Sends
//! once and says what came back; trying again, folding and waiting are the engine's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderMap;

use super::answer::Answer;
use super::error::SetupError;
use super::http::transport::{Outgoing, Times, Transport};
use super::redact;
use super::settings::{Settings, base_url};
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::monitor::{Alert, ChannelKind, Receipt};
use crate::domain::secret::{Credentials, Secret};
use crate::domain::text;

mod notice;
mod slack;
mod webhook;

pub use notice::SinkSettings;

/// The secret that holds the address of Slack's incoming webhook.
pub const SLACK_URL: &str = "REKNIT_SLACK_WEBHOOK_URL";
/// The secret that holds the address of one's own receiver.
pub const WEBHOOK_URL: &str = "REKNIT_ALERT_WEBHOOK_URL";
/// The key that what is sent there is signed with.
pub const WEBHOOK_SECRET: &str = "REKNIT_ALERT_WEBHOOK_SECRET";

/// What came back is kept this long at the most.
const WORDS: usize = 200;

/// The channels that are set up. Cheap to clone.
#[derive(Clone)]
pub struct Channels(Arc<Inner>);

struct Inner {
    transport: Transport,
    slack: Option<Secret>,
    webhook: Option<Secret>,
    key: Option<Secret>,
    sinks: BTreeMap<String, notice::Sink>,
    clock: SharedClock,
    who: String,
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Channels").field(&self.configured()).finish()
    }
}

impl Channels {
    /// Reads the addresses from the secrets and checks that they may be called. `who` is the name of the workspace.
    pub fn new(
        settings: &Settings,
        credentials: &dyn Credentials,
        clock: SharedClock,
        who: &str,
    ) -> Result<Self, SetupError> {
        Self::with_sinks(settings, credentials, clock, who, &BTreeMap::new())
    }

    /// The same with sinks that recipes tell things to.
    pub fn with_sinks(
        settings: &Settings,
        credentials: &dyn Credentials,
        clock: SharedClock,
        who: &str,
        sinks: &BTreeMap<String, SinkSettings>,
    ) -> Result<Self, SetupError> {
        let sinks = notice::sinks(sinks, credentials)?;
        let slack = address(SLACK_URL, credentials)?;
        let webhook = address(WEBHOOK_URL, credentials)?;
        let own = sinks.values().filter_map(|sink| match sink {
            notice::Sink::Webhook(url, _) => url.as_ref(),
            notice::Sink::File(_) => None,
        });
        let bases: Vec<&str> =
            [&slack, &webhook].into_iter().flatten().chain(own).map(Secret::reveal).collect();
        let transport = Transport::new(settings, credentials, Times::new(&settings.timeouts), &bases)?;
        let key = credentials.named(WEBHOOK_SECRET).filter(|key| !key.reveal().is_empty());
        Ok(Self(Arc::new(Inner { transport, slack, webhook, key, sinks, clock, who: who.to_owned() })))
    }

    /// The channels that have an address.
    pub fn configured(&self) -> Vec<ChannelKind> {
        ChannelKind::ALL.iter().copied().filter(|kind| self.url(*kind).is_some()).collect()
    }

    /// An address as it may be shown: its host and no more.
    pub fn shown(&self, kind: ChannelKind) -> String {
        let host = self.url(kind).and_then(|url| reqwest::Url::parse(url.reveal()).ok());
        let host = host.as_ref().and_then(reqwest::Url::host_str).unwrap_or("no address");
        format!("{host}/••••")
    }

    /// What is sent there is signed.
    pub fn signs(&self) -> bool {
        self.0.key.is_some()
    }

    fn url(&self, kind: ChannelKind) -> Option<&Secret> {
        match kind {
            ChannelKind::Slack => self.0.slack.as_ref(),
            ChannelKind::Webhook => self.0.webhook.as_ref(),
        }
    }

    /// Sends alerts as one message, once. `repeat`: they were sent before and nobody knows whether they arrived.
    pub async fn send(&self, kind: ChannelKind, alerts: &[Alert], repeat: bool) -> Receipt {
        let Some(url) = self.url(kind) else {
            return Receipt::Gone("no address is set for it any more".to_owned());
        };
        let now = self.0.clock.now();
        let (body, headers) = match kind {
            ChannelKind::Slack => (slack::body(&self.0.who, alerts, repeat), HeaderMap::new()),
            ChannelKind::Webhook => {
                let body = webhook::body(&self.0.who, alerts, repeat);
                let headers = webhook::headers(self.0.key.as_ref(), alerts, &body, now);
                (body, headers)
            }
        };
        match kind {
            ChannelKind::Slack => self.post(url, body, headers, slack::read).await,
            ChannelKind::Webhook => self.post(url, body, headers, webhook::read).await,
        }
    }

    /// One POST, and what its receiver made of it.
    async fn post(
        &self,
        url: &Secret,
        body: String,
        headers: HeaderMap,
        read: fn(&Answer, String, Timestamp) -> Receipt,
    ) -> Receipt {
        let outgoing = Outgoing {
            method: Method::POST,
            url: url.reveal().to_owned(),
            headers,
            body: Some(("application/json; charset=utf-8", body)),
            within: self.0.transport.times().write,
        };
        match self.0.transport.exchange(outgoing).await {
            Ok(answer) => {
                let words = self.words(url, &answer.body);
                let told = format!("it answered {}: \"{words}\"", answer.status);
                let told = if words.is_empty() { format!("it answered {}", answer.status) } else { told };
                read(&answer, told, self.0.clock.now())
            }
            Err(lost) if lost.is_unsent() => {
                Receipt::Unsent(format!("it could not be reached: {}", self.words(url, &lost.why)))
            }
            Err(lost) => Receipt::Unanswered(self.words(url, &lost.why)),
        }
    }

    /// Words that came back, without the address or any part of it that opens it.
    fn words(&self, url: &Secret, words: &str) -> String {
        let mut parts = vec![url.reveal().to_owned()];
        if let Ok(parsed) = reqwest::Url::parse(url.reveal()) {
            parts.push(parsed.path().to_owned());
            parts.extend(parsed.path_segments().into_iter().flatten().map(str::to_owned));
            parts.extend(parsed.query().map(str::to_owned));
            parts.extend(parsed.query_pairs().map(|(_, value)| value.into_owned()));
        }
        parts.extend(self.0.key.iter().map(|key| key.reveal().to_owned()));
        // Longest first: a part must not be hidden before the whole it belongs to.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let near: String = words.trim().chars().take(4 * WORDS).collect();
        text::shorten(&text::clean(&redact::mask(&near, &parts)), WORDS).into_owned()
    }
}

/// An address that may be called, or none; what is wrong with one is told without it.
fn address(name: &str, credentials: &dyn Credentials) -> Result<Option<Secret>, SetupError> {
    let Some(url) = credentials.named(name).filter(|url| !url.reveal().is_empty()) else { return Ok(None) };
    let bad = |why: &str| SetupError::AlertAddress { name: name.to_owned(), why: why.to_owned() };
    let parsed = reqwest::Url::parse(url.reveal()).map_err(|_| bad("it is no URL"))?;
    let mut plain = parsed.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    base_url("address", plain.as_str()).map_err(|_| {
        bad("it must begin with https:// (http only for this machine) and hold no user name or password")
    })?;
    Ok(Some(url))
}

#[cfg(test)]
mod tests;
