//! The breakers of connections at work: when one opens, who looks whether it may close, and how long it rests.
//!
//! A refused token is believed only after the cheapest call was refused too: a vendor may answer 401 for one endpoint.
//! Silence is believed when several executions in a row met with it. The one look that an open breaker allows is taken
//! in the journal, so that of all processes one looks. Nothing here settles an execution.

use std::time::Duration;

use serde::Deserialize;

use super::Engine;
use super::limits::Parked;
use crate::domain::breaker::{BreakerCause, Rest};
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::Connection;
use crate::journal::holds::Opening;
use crate::vendors::VendorError;

/// A look takes no longer than this, or another process may look.
const LOOK: Duration = Duration::from_secs(60);
/// Opened again within this, a breaker rests as long as if it had never closed.
const RELAPSE: Duration = Duration::from_secs(120);

/// When breakers open and how long they rest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// Executions in a row that a connection failed before it is left alone.
    pub failures: usize,
    /// Seconds within which they must have failed.
    pub window_seconds: u64,
    /// Seconds of rest before the first look at a connection that does not answer; each further rest is twice as long.
    pub rest_seconds: u64,
    /// Its longest rest.
    pub longest_rest_seconds: u64,
    /// Seconds of rest before the first look at a connection whose token is refused.
    pub refused_rest_seconds: u64,
    /// Its longest rest.
    pub longest_refused_rest_seconds: u64,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            window_seconds: 120,
            rest_seconds: 5,
            longest_rest_seconds: 60,
            refused_rest_seconds: 60,
            longest_refused_rest_seconds: 300,
        }
    }
}

impl BreakerSettings {
    /// Whether every value makes sense. The error names the setting and shows a right one.
    pub fn check(&self) -> Result<(), String> {
        if self.failures == 0 {
            return Err(
                "engine.breaker.failures = 0 would leave every connection alone for ever; write 5".into()
            );
        }
        for (name, first, longest) in [
            ("longest_rest_seconds", self.rest_seconds, self.longest_rest_seconds),
            ("longest_refused_rest_seconds", self.refused_rest_seconds, self.longest_refused_rest_seconds),
        ] {
            if first == 0 || longest < first {
                return Err(format!(
                    "engine.breaker.{name} = {longest} must not be less than the first rest ({first}), which must be 1 or \
                     more; write 60"
                ));
            }
        }
        Ok(())
    }

    fn rest(&self, cause: BreakerCause) -> Rest {
        let (first, longest) = match cause {
            BreakerCause::Auth => (self.refused_rest_seconds, self.longest_refused_rest_seconds),
            BreakerCause::Unavailable => (self.rest_seconds, self.longest_rest_seconds),
        };
        Rest { first: Duration::from_secs(first), longest: Duration::from_secs(longest) }
    }
}

impl Engine {
    fn opening(&self, connection: &Connection, cause: BreakerCause, error: &VendorError) -> Opening {
        Opening {
            connection: connection.clone(),
            cause,
            words: error.words.clone(),
            rest: self.settings.breaker.rest(cause),
            not_before: error.retry_at,
            relapse: RELAPSE,
        }
    }

    /// A turn met with a failure. When the connection is left alone from now on, or was already, what to wait for; none
    /// when the failure is this execution's own.
    pub(super) async fn judge(
        &self,
        connection: &Connection,
        error: &VendorError,
        whose: i64,
    ) -> Option<Parked> {
        let Some(cause) = BreakerCause::of(error.class) else {
            self.holds.answered(connection);
            return None;
        };
        let judging = self.holds.judging(connection);
        let _one = judging.lock().await;
        self.holds.read().await;
        if let Some(parked) = self.holds.parked(connection) {
            return Some(parked);
        }
        let opening = match cause {
            BreakerCause::Auth => {
                let refusal = self.token_is_refused(connection).await?;
                self.opening(connection, cause, &refusal)
            }
            BreakerCause::Unavailable => {
                let window = Duration::from_secs(self.settings.breaker.window_seconds);
                if self.holds.failed(connection, whose, window) < self.settings.breaker.failures {
                    return None;
                }
                // Some records that always fail are no outage: the vendor still answers the cheapest call there is.
                let Some(silence) = self.is_silent(connection).await else {
                    self.holds.answered(connection);
                    return None;
                };
                self.opening(connection, cause, &silence)
            }
        };
        match self.journal.open_breaker(opening).await {
            Ok(true) => {
                tracing::warn!(%connection, %cause, words = %error.words, "left alone for now; its work waits");
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, %connection, "its breaker could not be opened"),
        }
        self.holds.answered(connection);
        self.holds.read().await;
        self.holds.parked(connection)
    }

    /// The refusal of the cheapest call there is; none when that is not refused.
    async fn token_is_refused(&self, connection: &Connection) -> Option<VendorError> {
        let mark = self.clients.token_mark(connection);
        match self.check(connection).await {
            Err(refusal) if refusal.class == ErrorClass::Auth => {
                self.holds.mark(connection, mark);
                Some(refusal)
            }
            _ => None,
        }
    }

    /// What became of the cheapest call there is, when it does not do either.
    async fn is_silent(&self, connection: &Connection) -> Option<VendorError> {
        let error = self.check(connection).await.err()?;
        (BreakerCause::of(error.class) == Some(BreakerCause::Unavailable)).then_some(error)
    }

    /// Looks whether a connection works again, if it is time, or if a human asked for it since the last look. Whether
    /// it does.
    pub(super) async fn look(&self, connection: &Connection, asked_at: Option<Timestamp>) -> bool {
        let token = match self.journal.begin_look(connection, asked_at, LOOK).await {
            Ok(Some(token)) => token,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(%error, %connection, "it cannot be looked at whether it works again");
                return false;
            }
        };
        self.clients.forget_refusal(connection).await;
        let mark = self.clients.token_mark(connection);
        let failed = match self.check(connection).await {
            // Any answer but a refused token says that it works: the limits know what "too many" means.
            Err(error) => BreakerCause::of(error.class).map(|cause| self.opening(connection, cause, &error)),
            Ok(_) => None,
        };
        let works = failed.is_none();
        self.holds.mark(connection, mark);
        let stored = match failed {
            None => self.journal.close_breaker(connection, token).await,
            Some(opening) => self.journal.reopen_breaker(opening, token).await,
        };
        match stored {
            Ok(true) if works => {
                tracing::info!(%connection, "it works again; what waited goes on");
                self.release().await;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, %connection, "what a look told could not be stored"),
        }
        self.holds.read().await;
        works
    }

    /// Everything about holds that is due: pauses that have run out, what waits for something that has ended, and looks
    /// at connections whose breaker has rested or whose token is another one by now.
    pub(super) async fn tend(&self) {
        let Some(_one) = self.holds.tending() else { return };
        self.holds.read().await;
        if self.holds.ended() {
            self.release().await;
        }
        if let Err(error) = self.journal.wake_later().await {
            tracing::warn!(%error, "could not look for duplicates that were put off");
        }
        if let Err(error) = self.journal.wake_ignored().await {
            tracing::warn!(%error, "conflicts that were left alone for a time cannot be shown again yet");
        }
        if let Err(error) = self.journal.wake_unlinked().await {
            tracing::warn!(%error, "people who were left alone for a time cannot be shown again yet");
        }
        if let Err(error) = self.journal.wake_put_off().await {
            tracing::warn!(%error, "executions that were put off cannot go on yet");
        }
        for (connection, words) in self.holds.suspected() {
            let refusal = VendorError::new(ErrorClass::Auth, &words);
            self.judge(&connection, &refusal, 0).await;
        }
        for breaker in self.holds.open() {
            let now = self.clock.now();
            let mark = self.clients.token_mark(&breaker.connection);
            // A token nobody has tried yet is worth a look at any time.
            let replaced = breaker.cause == BreakerCause::Auth && self.holds.is_replaced(&breaker, mark);
            // Whether it is time the journal decides; it also knows whether a time far ahead comes from a clock that
            // has gone back since.
            let settings = &self.settings.breaker;
            let longest =
                settings.longest_rest_seconds.max(settings.longest_refused_rest_seconds) as i64 * 1_000;
            let due =
                breaker.look_at.is_none_or(|at| at <= now || at.since(now) > longest) || breaker.since > now;
            if due || replaced {
                self.look(&breaker.connection, replaced.then_some(now)).await;
            }
        }
    }

    async fn release(&self) {
        loop {
            match self.journal.release_ended().await {
                Ok(0) => break,
                Ok(count) => tracing::info!(count, "what was held back goes on"),
                Err(error) => {
                    tracing::warn!(%error, "what was held back could not be let go yet");
                    break;
                }
            }
        }
        self.holds.read().await;
    }
}
