//! The HTTP door for vendors' webhooks: verify on the raw bytes, store, and only then say 200.
//!
//! 401 is said only when a signature was computed and is wrong. Whenever we cannot judge or cannot store, it is 503
//! with `Retry-After`, because HubSpot never sends again after 400, 401, 403, 404 or 405. This module never calls a
//! vendor, never waits for work to be done, and reaches the journal only through [`Inbox`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::get;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::event::NewEvent;
use crate::domain::record::Connection;
use crate::domain::secret::Credentials;

mod callers;
mod inbox;
mod intake;
mod metrics;
mod serve;

pub use serve::serve;

/// Settings of the webhook server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen. Put a proxy with TLS before it: vendors call https only.
    pub bind: String,
    /// How vendors call us from outside, as `https://hooks.example.com`. HubSpot signs this URL; behind a proxy it
    /// cannot be known from the request.
    pub public_url: Option<String>,
    /// Longer bodies are refused.
    pub max_body_bytes: usize,
    /// Longer headers are refused; not less than 8 KiB.
    pub max_header_bytes: usize,
    /// Connections at the same time. When all are taken, the one that has been idle longest is closed.
    pub connections: usize,
    /// How long a caller may take for its headers, and how long a kept connection may be idle.
    pub header_timeout_milliseconds: u64,
    /// How long a caller may take for its body.
    pub body_timeout_milliseconds: u64,
    /// How long a delivery may wait for the journal before the vendor is asked to send it again. Vendors give up after
    /// 5 seconds.
    pub commit_timeout_milliseconds: u64,
    /// Addresses and networks that may deliver; empty = all. A signature is wanted of them all the same.
    pub allow_from: Vec<String>,
    /// Addresses and networks of our own proxies: of them alone `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
}

impl Settings {
    /// What is wrong with it, beginning with the setting's name.
    pub fn check(&self) -> Result<(), String> {
        callers::Networks::read(&self.allow_from).map_err(|why| format!("webhook.allow_from: {why}"))?;
        callers::Networks::read(&self.trusted_proxies)
            .map_err(|why| format!("webhook.trusted_proxies: {why}"))?;
        Ok(())
    }

    /// Who may deliver. What cannot be read lets nobody in; [`Settings::check`] refuses it before that.
    fn callers(&self) -> callers::Callers {
        let read = |texts| callers::Networks::read(texts).unwrap_or_default();
        let allowed = (!self.allow_from.is_empty()).then(|| read(&self.allow_from));
        callers::Callers::new(allowed, read(&self.trusted_proxies))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:8787".to_owned(),
            public_url: None,
            max_body_bytes: 1024 * 1024,
            max_header_bytes: 32 * 1024,
            connections: 256,
            header_timeout_milliseconds: 5_000,
            body_timeout_milliseconds: 10_000,
            commit_timeout_milliseconds: 3_500,
            allow_from: Vec::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// What became of a delivery that is stored and committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Events we had not seen.
    pub stored: usize,
    /// Events we had.
    pub duplicates: usize,
}

/// A delivery that is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why not.
    pub why: RefusedWhy,
    /// When the vendor may try again.
    pub retry_after_seconds: u32,
}

/// Why a delivery is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedWhy {
    /// The queue is full.
    Busy,
    /// The journal cannot be written: locked, full, read-only, in doubt.
    Unavailable,
    /// The journal did not say in time that it is stored. It may yet be: sent again, it is counted, not done twice.
    Late,
}

/// Where deliveries go. Implemented over the journal.
pub trait Inbox: Send + Sync + 'static {
    /// Stores events, all or none; ready only after the commit is on disk.
    fn accept(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Accepted, Refused>>;

    /// Whether an event could be stored now, for `/readyz`.
    fn is_ready(&self) -> bool {
        true
    }

    /// Deliveries of a connection were refused for a wrong signature; to be noted, never to be waited for.
    fn refused(&self, _connection: Connection, _count: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The figures for `/metrics`, in Prometheus' text format; none where there are none to be had.
    fn metrics(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(std::future::ready(None))
    }
}

/// How many deliveries came and what became of them, since the process began.
#[derive(Debug, Default)]
pub struct Tally {
    deliveries: AtomicU64,
    stored: AtomicU64,
    repeated: AtomicU64,
    put_off: AtomicU64,
    wrong: AtomicU64,
    untold: Mutex<HashMap<Connection, Untold>>,
}

/// Wrong signatures that are not noted yet.
#[derive(Debug, Default)]
struct Untold {
    count: u64,
    told_at: Option<Timestamp>,
}

/// However many wrong signatures come, they are noted no more often than this: whoever guesses does not fill the journal.
const TOLD_EVERY: i64 = 5_000;

impl Tally {
    fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// One more wrong signature; how many are to be noted now, if any are.
    fn wrong(&self, connection: &Connection, now: Timestamp) -> Option<u64> {
        Self::add(&self.wrong, 1);
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = untold.entry(connection.clone()).or_default();
        untold.count += 1;
        // A clock that was set back makes nobody wait for the time it was wrong by.
        if untold.told_at.is_some_and(|at| (0..TOLD_EVERY).contains(&now.since(at))) {
            return None;
        }
        untold.told_at = Some(now);
        Some(std::mem::take(&mut untold.count))
    }

    /// In a sentence, for the end of a service.
    pub fn words(&self) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (came, put_off, wrong) = (read(&self.deliveries), read(&self.put_off), read(&self.wrong));
        let mut words = format!(
            "{came} webhooks taken in ({} events new, {} repeated)",
            read(&self.stored),
            read(&self.repeated)
        );
        if put_off > 0 {
            words.push_str(&format!(", {put_off} put off with 503 for the vendor to send again"));
        }
        if wrong > 0 {
            words.push_str(&format!(", {wrong} refused for a wrong signature"));
        }
        words
    }
}

/// Everything the routes need. Cheap to clone.
#[derive(Clone)]
pub struct Receiver {
    /// Where deliveries go.
    pub inbox: Arc<dyn Inbox>,
    /// Where the signing secrets come from.
    pub credentials: Arc<dyn Credentials>,
    /// What the age of a signature is measured by.
    pub clock: SharedClock,
    /// Limits and the public URL.
    pub settings: Settings,
    /// Counts what comes.
    pub tally: Arc<Tally>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The routes, without a socket.
pub fn router(receiver: Receiver) -> Router {
    // A GET route answers HEAD too, which is how Intercom validates a URL.
    let intercom = || get(intake::handshake).post(intake::intercom);
    Router::new()
        .route("/webhook/intercom-events", intercom())
        .route("/webhooks/intercom", intercom())
        .route("/webhooks/hubspot", get(intake::handshake).post(intake::hubspot))
        .route("/webhooks/salesforce/{secret}", get(intake::handshake).post(intake::salesforce))
        .route("/webhook/agent", get(intake::handshake).post(intake::agent))
        .route("/healthz", get(intake::alive))
        .route("/readyz", get(intake::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(receiver)
}

#[cfg(test)]
mod tests;
