//! How many calls a connection may take: a sliding window of our own, and whatever the vendor's answers say.
//!
//! A worker asks before each call; the answer is "go" or "not before". Waiting is the worker's business (the
//! execution is parked, its slot is free for others), so nothing here sleeps. Kept in memory by each process: the
//! vendor's headers put two processes on one journal right within a window.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Settings;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::error_class::ErrorClass;
use crate::domain::overview::{ConnectionState, Health};
use crate::domain::record::{Connection, System};
use crate::vendors::Exchange;

const WINDOW: Duration = Duration::from_secs(10);
/// Answers that a connection's health is judged by.
const RECENT: usize = 20;

/// The calls of all connections.
#[derive(Clone)]
pub struct Limits {
    clock: SharedClock,
    intercom: u32,
    hubspot: u32,
    gates: Arc<Mutex<HashMap<Connection, Gate>>>,
}

#[derive(Default)]
struct Gate {
    calls: VecDeque<Timestamp>,
    closed_until: Option<(Timestamp, String)>,
    recent: VecDeque<(bool, u32)>,
    used: u32,
    limit: u32,
    window_seconds: u32,
    trouble: String,
    health: Option<(Health, Timestamp)>,
    told: Option<ConnectionState>,
}

/// No call before this time, and why, as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// When to come back.
    pub until: Timestamp,
    /// What for.
    pub why: String,
}

impl Limits {
    /// Limits as the settings say, nothing used yet.
    pub fn new(clock: SharedClock, settings: &Settings) -> Self {
        Self {
            clock,
            intercom: settings.intercom_calls_per_10_seconds.max(1),
            hubspot: settings.hubspot_calls_per_10_seconds.max(1),
            gates: Arc::default(),
        }
    }

    fn with<T>(&self, connection: &Connection, work: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        work(gates.entry(connection.clone()).or_default())
    }

    /// Asks for one call. "Go" counts it.
    pub fn admit(&self, connection: &Connection) -> Result<(), Parked> {
        let now = self.clock.now();
        let most = match connection.system {
            System::Intercom => self.intercom,
            System::Hubspot | System::Salesforce => self.hubspot,
        } as usize;
        self.with(connection, |gate| {
            if let Some((until, why)) = &gate.closed_until {
                if *until > now {
                    return Err(Parked { until: *until, why: why.clone() });
                }
                gate.closed_until = None;
            }
            while gate.calls.front().is_some_and(|first| now.since(*first) >= WINDOW.as_millis() as i64) {
                gate.calls.pop_front();
            }
            if gate.calls.len() >= most {
                let until = gate.calls.front().map_or(now, |first| first.plus(WINDOW));
                let why = format!("our limit of {most} calls in 10 s to {}", connection.system.title());
                return Err(Parked { until, why });
            }
            gate.calls.push_back(now);
            Ok(())
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
        let now = self.clock.now();
        self.with(&exchange.connection, |gate| {
            if let Some(reading) = &exchange.limits {
                (gate.used, gate.limit, gate.window_seconds) =
                    (reading.used, reading.limit, reading.window_seconds);
                if reading.limit > 0 && reading.used >= reading.limit {
                    let until = reading.reset_at.unwrap_or_else(|| now.plus(WINDOW));
                    gate.close(until, format!("{}'s rate limit", exchange.connection.system.title()));
                }
            }
            // A refusal of one record says nothing about the connection; a broken one does.
            let broken = matches!(
                exchange.class,
                Some(
                    ErrorClass::Unavailable | ErrorClass::Timeout | ErrorClass::Malformed | ErrorClass::Auth
                )
            );
            if broken {
                let class = exchange.class.map_or("", ErrorClass::as_str);
                gate.trouble = match exchange.status {
                    Some(status) => format!("answered {status} ({class})"),
                    None => format!("no answer ({class})"),
                };
            }
            gate.recent.push_back((broken, exchange.duration_ms));
            while gate.recent.len() > RECENT {
                gate.recent.pop_front();
            }
        });
    }

    /// The vendor said "not before": nobody calls until then.
    pub fn close(&self, connection: &Connection, until: Timestamp, why: &str) {
        self.with(connection, |gate| gate.close(until, why.to_owned()));
    }

    /// The connections' states that are worth telling: new or visibly changed since they were last told.
    pub fn news(&self) -> Vec<ConnectionState> {
        let now = self.clock.now();
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        for (connection, gate) in gates.iter_mut() {
            let state = gate.state(connection, now);
            if gate.told.as_ref() != Some(&state) {
                gate.told = Some(state.clone());
                news.push(state);
            }
        }
        news.sort_by_key(|state| state.connection.to_string());
        news
    }
}

impl Gate {
    fn close(&mut self, until: Timestamp, why: String) {
        if self.closed_until.as_ref().is_none_or(|(known, _)| *known < until) {
            self.closed_until = Some((until, why));
        }
    }

    fn state(&mut self, connection: &Connection, now: Timestamp) -> ConnectionState {
        let broken = self.recent.iter().filter(|(broken, _)| *broken).count();
        let last_three_broken =
            self.recent.len() >= 3 && self.recent.iter().rev().take(3).all(|(broken, _)| *broken);
        let closed = self.closed_until.as_ref().filter(|(until, _)| *until > now);
        let health = match () {
            () if self.recent.is_empty() => Health::Unknown,
            () if last_three_broken && broken * 2 > self.recent.len() => Health::Down,
            () if broken > 0 || closed.is_some() => Health::Degraded,
            () => Health::Up,
        };
        let since = match self.health {
            Some((known, since)) if known == health => since,
            _ => now,
        };
        self.health = Some((health, since));
        let mut durations: Vec<u32> = self.recent.iter().map(|(_, duration)| *duration).collect();
        durations.sort_unstable();
        let note = match (closed, health) {
            (Some((_, why)), _) => format!("waits for {why}"),
            (None, Health::Degraded | Health::Down) => self.trouble.clone(),
            _ => String::new(),
        };
        ConnectionState {
            connection: connection.clone(),
            health,
            since,
            latency_ms: durations.get(durations.len() / 2).copied().unwrap_or(0),
            used: self.used,
            limit: self.limit,
            window_seconds: self.window_seconds,
            note,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::clock::ManualClock;

    #[test]
    fn r19_no_window_of_ten_seconds_holds_more_calls_than_allowed() {
        let clock = ManualClock::at(Timestamp(1_000_000));
        let settings = Settings { hubspot_calls_per_10_seconds: 110, ..Settings::default() };
        let limits = Limits::new(Arc::new(clock.clone()), &settings);
        let hubspot = Connection::only(System::Hubspot);
        let mut sent: Vec<i64> = Vec::new();
        while sent.len() < 500 {
            match limits.admit(&hubspot) {
                Ok(()) => sent.push(crate::domain::clock::Clock::now(&clock).0),
                Err(parked) => {
                    let wait = parked.until.since(crate::domain::clock::Clock::now(&clock));
                    assert!(wait > 0);
                    clock.advance(Duration::from_millis(wait as u64));
                }
            }
        }
        for (place, first) in sent.iter().enumerate() {
            let inside = sent[place..].iter().take_while(|at| *at - first < 10_000).count();
            assert!(inside <= 110, "{inside} calls within 10 s");
        }
    }
}
