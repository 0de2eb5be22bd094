//! How many calls a connection may take: asked before work begins, and again right before each call is sent.
//!
//! The counting is the journal's, where all workers and processes meet ([`crate::journal::limits`]). Each process
//! takes small blocks of calls from it, one call at first and more while they are used up at once, so that not every
//! call costs a commit. What is not used within a few hundredths of a second is given back with the next word.
//!
//! - `admit` is asked before work: it never waits, it answers "go" or "not before", and the work is parked.
//! - the gate ([`crate::vendors::Gate`]) is passed by every call: it takes the call that was admitted, or waits for one where an
//!   operation needs more calls than one. Work that has begun is not stopped by a budget.
//! - `learn` takes in what answers say; `tell` brings it to the journal, if no reservation did before.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::Settings;
use super::holds::Holds;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::error_class::ErrorClass;
use crate::domain::limit::{Family, Rule, Urgency, Waiting};
use crate::domain::overview::ConnectionState;
use crate::domain::pause::PauseScope;
use crate::domain::record::{Connection, System};
use crate::journal::Journal;
use crate::journal::limits::{Grant, Reading};
use crate::vendors::{Exchange, Gate, Pass};

mod fare;
mod lane;
mod rules;

use fare::{Closed, Fare};
use lane::{Lane, Refusal};
use rules::Rules;

/// How long to wait when the journal cannot be asked.
const JOURNAL_PAUSE: Duration = Duration::from_secs(1);

/// How long a connection rests when the vendor says that the day's calls are used up: looked at again in between.
const QUOTA_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The calls of all connections; clones share them.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    journal: Journal,
    rules: Rules,
    holds: Holds,
    lanes: Mutex<HashMap<(Connection, Family), Arc<Shared>>>,
    fares: Mutex<HashMap<Connection, Fare>>,
    places: Mutex<HashMap<Connection, Arc<Semaphore>>>,
    stopping: watch::Sender<bool>,
}

struct Shared {
    lane: Mutex<Lane>,
    /// One question to the journal at a time; who waits here mostly finds a call at hand afterwards.
    asking: tokio::sync::Mutex<()>,
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut Lane) -> T) -> T {
        work(&mut self.lane.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// No call before this time, and why, as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// When to come back.
    pub until: Timestamp,
    /// What for.
    pub why: String,
    /// It is only the window, which opens within seconds: waiting in place is cheaper than beginning anew.
    pub soon: bool,
    /// The breaker that holds the work until it closes, by its key: waiting for the time alone would not do.
    pub held_by: Option<String>,
}

impl Limits {
    /// Limits as the settings say; what was used is in the journal.
    pub fn new(clock: SharedClock, journal: Journal, settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            holds: Holds::new(clock.clone(), journal.clone()),
            clock,
            journal,
            rules: Rules::new(settings),
            lanes: Mutex::default(),
            fares: Mutex::default(),
            places: Mutex::default(),
            stopping: watch::Sender::new(false),
        }))
    }

    /// What else holds work back.
    pub(super) fn holds(&self) -> Holds {
        self.0.holds.clone()
    }

    fn lane(&self, connection: &Connection, family: Family) -> Arc<Shared> {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry((connection.clone(), family)).or_insert_with(|| {
            let rule = self.0.rules.rule(connection, family, self.0.clock.now());
            let lane = Lane::new(rule.window.map(|window| window.length));
            Arc::new(Shared { lane: Mutex::new(lane), asking: tokio::sync::Mutex::default() })
        });
        Arc::clone(lane)
    }

    /// Asks for one call for work that is about to begin. "Go" holds it until the gate is passed.
    pub async fn admit(
        &self,
        connection: &Connection,
        family: Family,
        urgency: Urgency,
    ) -> Result<(), Parked> {
        self.0.holds.refresh().await;
        if let Some(parked) = self.0.holds.parked(connection) {
            return Err(parked);
        }
        let call = self.take(connection, family, urgency).await.map_err(|refusal| Parked {
            held_by: None,
            until: refusal.until,
            soon: matches!(refusal.why, Waiting::Window(_)),
            why: refusal.why.phrase(connection.system),
        })?;
        self.lane(connection, family).with(|lane| lane.promise(call));
        Ok(())
    }

    async fn take(
        &self,
        connection: &Connection,
        family: Family,
        urgency: Urgency,
    ) -> Result<Grant, Refusal> {
        let shared = self.lane(connection, family);
        let at_hand = || shared.with(|lane| lane.at_hand(self.0.clock.now(), urgency));
        if let Some(answer) = at_hand() {
            return answer;
        }
        let _asking = shared.asking.lock().await;
        if let Some(answer) = at_hand() {
            return answer;
        }
        let now = self.0.clock.now();
        let rule = self.0.rules.rule(connection, family, now);
        let (calls, told) = shared.with(|lane| lane.ask(now, Rules::block(&rule)));
        match self.0.journal.reserve_calls(rule, calls, urgency, told.clone()).await {
            Ok(answer) => shared.with(|lane| lane.answered(self.0.clock.now(), urgency, answer)),
            Err(error) => {
                // Nobody calls without being counted; what the journal cannot store it cannot settle either.
                tracing::warn!(%error, %connection, "no call could be reserved");
                shared.with(|lane| lane.untold(told));
                let why = Waiting::Closed("the journal, which could not be written".into());
                Err(Refusal::new(now, now.plus(JOURNAL_PAUSE), why))
            }
        }
    }

    /// Until when work with a connection is kept out by its breaker, the vendor's word or a budget (not by a window), as
    /// far as this process heard when it last asked.
    pub fn closed(&self, connection: &Connection, urgency: Urgency) -> Option<Parked> {
        if let Some(parked) = self.0.holds.parked(connection) {
            return Some(parked);
        }
        let shared = self.lane(connection, Family::usual(connection.system));
        let now = self.0.clock.now();
        shared.with(|lane| lane.closed(now, urgency)).map(|refusal| Parked {
            until: refusal.until,
            why: refusal.why.phrase(connection.system),
            soon: false,
            held_by: None,
        })
    }

    /// Learns from several answers.
    pub fn learn_all(&self, exchanges: &[Exchange]) {
        for exchange in exchanges {
            self.learn(exchange);
        }
    }

    /// Learns from an answer: what is used, what is allowed, whether all is well.
    pub fn learn(&self, exchange: &Exchange) {
        let now = self.0.clock.now();
        let connection = &exchange.connection;
        let family = family_of(exchange);
        let usual = Family::usual(connection.system);
        if let Some(reading) = &exchange.limits {
            let day = reading.daily_used.zip(reading.daily_limit);
            // Figures of another stretch of time (Salesforce's are a day's) say nothing about the window.
            let length =
                self.0.rules.rule(connection, family, now).window.map(|window| window.length.as_secs());
            let window = (reading.limit > 0 && length == Some(u64::from(reading.window_seconds)))
                .then_some((reading.used, reading.limit));
            if family == usual {
                self.lane(connection, family).with(|lane| lane.read(Reading { at: now, window, day }));
            } else {
                // The day is counted for all endpoints together, under the usual ones.
                self.lane(connection, usual).with(|lane| lane.read(Reading { at: now, window: None, day }));
            }
        }
        let title = connection.system.title();
        match exchange.class {
            Some(ErrorClass::RateLimited) => {
                let rule = self.0.rules.rule(connection, family, now);
                let said =
                    exchange.limits.as_ref().and_then(|reading| reading.reset_at).filter(|at| *at > now);
                let length = rule.window.map_or(Duration::from_secs(10), |window| window.length);
                let until = said.unwrap_or_else(|| now.plus(length));
                self.close(connection, family, until, &format!("{title}'s rate limit"));
            }
            Some(ErrorClass::QuotaExhausted) => {
                self.close(connection, usual, now.plus(QUOTA_PAUSE), &format!("{title}'s daily allowance"));
            }
            _ => {}
        }
        self.0
            .fares
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(connection.clone())
            .or_default()
            .learn(exchange);
    }

    /// The vendor said "not before": no work begins with these endpoints until then, in this process at once, in all
    /// others with the next word to the journal.
    pub fn close(&self, connection: &Connection, family: Family, until: Timestamp, why: &str) {
        self.lane(connection, family).with(|lane| lane.close(self.0.clock.now(), until, why));
    }

    /// Brings what this process learnt and did not use to the journal, where no reservation did.
    pub async fn tell(&self) {
        let now = self.0.clock.now();
        let lanes: Vec<_> = {
            let lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.iter().map(|(name, shared)| (name.clone(), Arc::clone(shared))).collect()
        };
        for ((connection, family), shared) in lanes {
            if !shared.with(|lane| lane.wants_to_tell(now)) {
                continue;
            }
            let told = shared.with(|lane| lane.tell(now));
            let rule = self.0.rules.rule(&connection, family, now);
            if let Err(error) = self.0.journal.tell_calls(rule, told.clone()).await {
                tracing::warn!(%error, %connection, "what was learnt of its limits is not stored yet");
                shared.with(|lane| lane.untold(told));
            }
        }
    }

    /// The connections' states that are worth telling: new or visibly changed since they were last told.
    pub fn news(&self) -> Vec<ConnectionState> {
        let now = self.0.clock.now();
        let mut fares = self.0.fares.lock().unwrap_or_else(PoisonError::into_inner);
        for breaker in self.0.holds.open() {
            // Nobody calls it, so nothing else would tell of it after a restart.
            fares.entry(breaker.connection).or_default();
        }
        let mut news = Vec::new();
        for (connection, fare) in fares.iter_mut() {
            let closed = self.closed(connection, Urgency::Usual);
            let pause = self.0.holds.paused(&[PauseScope::connection(connection)]);
            let closed = match (&closed, &pause) {
                (Some(parked), _) if parked.held_by.is_some() => Closed::Broken(&parked.why),
                (_, Some(pause)) => Closed::Paused(pause),
                (Some(parked), None) => Closed::Limited(&parked.why),
                (None, None) => Closed::No,
            };
            news.extend(fare.news(connection, closed, now));
        }
        news.sort_by_key(|state| state.connection.to_string());
        news
    }

    /// Whether whoever waits in place should stop waiting: the worker ends.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    pub(super) fn stop(&self, stopping: bool) {
        self.0.stopping.send_replace(stopping);
    }

    fn place(&self, connection: &Connection) -> Option<Arc<Semaphore>> {
        let most = self.0.rules.at_once(connection.system)?;
        let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(connection.clone()).or_insert_with(|| Arc::new(Semaphore::new(most)));
        Some(Arc::clone(place))
    }
}

impl Gate for Limits {
    fn pass<'a>(
        &'a self,
        connection: &'a Connection,
        family: Family,
    ) -> Pin<Box<dyn Future<Output = Pass> + Send + 'a>> {
        Box::pin(async move {
            let place = match self.place(connection) {
                // It is never closed.
                Some(places) => places.acquire_owned().await.ok(),
                None => None,
            };
            let shared = self.lane(connection, family);
            let promised = || shared.with(|lane| lane.promised(self.0.clock.now()));
            let call = loop {
                if let Some(call) = promised() {
                    break call;
                }
                match self.take(connection, family, Urgency::Begun).await {
                    Ok(call) => break call,
                    Err(refusal) => self.0.clock.until(refusal.until).await,
                }
            };
            shared.with(|lane| lane.made(call, self.0.clock.now()));
            Pass::holding(place)
        })
    }
}

/// What holds for each family of a connection by the settings; the vendor's answers may say less.
pub fn rules(settings: &Settings, connection: &Connection, now: Timestamp) -> Vec<Rule> {
    let rules = Rules::new(settings);
    let families = Family::of_system(connection.system).iter();
    families.map(|family| rules.rule(connection, *family, now)).collect()
}

/// The family an exchange was counted in.
pub(super) fn family_of(exchange: &Exchange) -> Family {
    Family::of_call(exchange.connection.system, &exchange.method, &exchange.url)
}

/// The family a lookup of contacts by a field needs. HubSpot reads by unique values and searches by all others.
pub(super) fn family_of_lookup(settings: &crate::vendors::Settings, system: System, field: &str) -> Family {
    let unique = field == "email" || settings.hubspot.unique_properties.iter().any(|name| name == field);
    if system == System::Hubspot && !unique { Family::Search } else { Family::usual(system) }
}

#[cfg(test)]
mod tests;
