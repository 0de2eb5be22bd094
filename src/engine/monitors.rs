//! Watching over the sync: measures, judges, and tells who has to know; each change once, whoever watches.
//!
//! Any process may watch: the journal gives the turn to one of them in each period, and what was told stands there
//! with it. Telling never holds up the sync: alerts wait in the journal, and a task of their own sends them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Engine;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::monitor::{Alert, ChannelKind, MonitorName, Receipt, Rule, Severity};
use crate::domain::record::{Connection, System};
use crate::journal::{Journal, JournalError};
use crate::vendors::alerts::Channels;

pub mod exposition;
pub mod measure;
pub mod settings;

pub use settings::Settings;

use measure::Credential;

/// How long a message may be on its way before whoever sends it is taken for dead.
const LEASE: Duration = Duration::from_secs(120);
/// Slack takes one message a second.
const SLACK_PAUSE: Duration = Duration::from_secs(1);
/// The longest look away from what is to be sent: for what other processes queue.
const SAFETY_NET: Duration = Duration::from_secs(15);

/// One who watches. Clones share their wake-up.
#[derive(Clone)]
pub struct Watch {
    pub(super) engine: Engine,
    pub(super) channels: Channels,
    settings: Arc<Settings>,
    to_send: Arc<Notify>,
}

impl Watch {
    /// Puts the parts together.
    pub fn new(engine: &Engine, channels: Channels, settings: Settings) -> Self {
        Self { engine: engine.clone(), channels, settings: Arc::new(settings), to_send: Arc::default() }
    }

    /// Watches and sends until `stop` turns true; an alert under way is brought to its end.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        tokio::join!(
            self.keep_evaluating(stop.clone()),
            self.keep_sending(stop.clone()),
            self.keep_telling(stop)
        );
    }

    async fn keep_evaluating(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.evaluate().await {
                tracing::warn!(%error, "the monitors could not be looked at");
            }
            let next = self.engine.clock.now().plus(self.settings.period());
            tokio::select! {
                () = self.engine.clock.until(next) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn keep_sending(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let woken = self.to_send.notified();
            if let Err(error) = self.send_due().await {
                tracing::warn!(%error, "alerts could not be taken from the journal; tried again");
            }
            let now = self.engine.clock.now();
            let net = now.plus(SAFETY_NET);
            let due = self.engine.journal.next_delivery().await.ok().flatten();
            // What is due and was not taken belongs to a channel that is not set up here.
            let next = due.filter(|due| *due > now).map_or(net, |due| due.min(net));
            tokio::select! {
                () = woken => {}
                () = self.engine.clock.until(next) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// One look, if it is this process's turn: what has changed and is told now.
    pub async fn evaluate(&self) -> Result<Vec<Alert>, JournalError> {
        let journal = &self.engine.journal;
        if !journal.take_monitor_turn(self.settings.period()).await? {
            return Ok(Vec::new());
        }
        let credentials = self.credentials().await;
        let gauges = journal.gauges().await?;
        let readings = measure::readings(&gauges, &credentials, &self.settings);
        journal.put_samples(measure::samples(&gauges, &readings)).await?;
        let alerts = journal.judge(readings, self.settings.rules(), self.channels.configured()).await?;
        if !alerts.is_empty() {
            self.to_send.notify_one();
        }
        Ok(alerts)
    }

    /// How the connections stand with their tokens, as this process knows them.
    async fn credentials(&self) -> Vec<Credential> {
        let mut known = Vec::new();
        let salesforce = Connection::only(System::Salesforce);
        let also = (self.engine.crm != salesforce).then_some(&salesforce);
        for connection in [&self.engine.intercom, &self.engine.crm].into_iter().chain(also) {
            let standing = self.engine.clients.standing(connection).await;
            let used = *connection == self.engine.intercom || *connection == self.engine.crm;
            // An org that was never set up lacks nothing.
            if used || standing.grant.is_ok() {
                known.push(Credential { connection: connection.clone(), standing });
            }
        }
        known
    }

    /// Sends what is due, as one message for each channel; what comes back is stored.
    pub async fn send_due(&self) -> Result<(), JournalError> {
        for channel in self.channels.configured() {
            let Some(batch) = self.engine.journal.claim_deliveries(channel, LEASE).await? else { continue };
            let receipt = self.channels.send(channel, &batch.alerts, batch.repeat).await;
            if let Some(words) = complaint(&receipt) {
                tracing::warn!(%channel, words, "an alert was not taken");
            }
            let pause = if channel == ChannelKind::Slack { SLACK_PAUSE } else { Duration::ZERO };
            self.engine.journal.settle_deliveries(batch, receipt, pause).await?;
        }
        Ok(())
    }
}

/// What is wrong with a channel by what came back.
pub fn complaint(receipt: &Receipt) -> Option<&str> {
    match receipt {
        Receipt::Taken => None,
        Receipt::Unanswered(words)
        | Receipt::Unsent(words)
        | Receipt::NotBefore(_, words)
        | Receipt::Refused(words)
        | Receipt::Gone(words) => Some(words),
    }
}

/// Tells of every alert that comes into the journal from now on, whichever process put it there; until `stop`.
pub async fn follow(
    journal: Journal,
    clock: SharedClock,
    mut stop: watch::Receiver<bool>,
    tell: impl Fn(&Alert) + Send,
) {
    let newest = async || journal.alerts(1).await.map(|alerts| alerts.first().map_or(0, |alert| alert.id));
    let mut seen = newest().await.unwrap_or(i64::MAX);
    let mut changes = journal.watch();
    while !*stop.borrow() {
        changes.borrow_and_update();
        if let Ok(alerts) = journal.alerts_since(seen).await {
            for alert in alerts {
                seen = seen.max(alert.id);
                tell(&alert);
            }
        }
        tokio::select! {
            () = clock.until(clock.now().plus(SAFETY_NET)) => {}
            Ok(()) = changes.changed() => {}
            _ = stop.changed() => {}
        }
    }
}

/// A monitor's thresholds with how bad it is.
pub type Judged = (MonitorName, Rule, Severity);

/// Since when nothing was looked at, if longer than three periods: nobody watches.
pub fn unwatched_since(
    evaluated_at: Option<Timestamp>,
    now: Timestamp,
    settings: &Settings,
) -> Option<Timestamp> {
    let patience = settings.period().as_millis() as i64 * 3;
    evaluated_at.filter(|at| now.since(*at) > patience)
}

#[cfg(test)]
mod tests;
