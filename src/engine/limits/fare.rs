//! How a connection fares, judged by its last answers: up, degraded or down, and how long an answer takes.

use std::collections::VecDeque;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::overview::{ConnectionState, Health};
use crate::domain::pause::Pause;
use crate::domain::record::Connection;
use crate::vendors::Exchange;

/// Answers that a connection's health is judged by.
const RECENT: usize = 20;

/// Why no work with the connection begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Closed<'a> {
    /// It does.
    No,
    /// A limit or the vendor's word, as a phrase.
    Limited(&'a str),
    /// Its breaker is open, as a phrase.
    Broken(&'a str),
    /// Somebody paused it.
    Paused(&'a Pause),
}

#[derive(Debug, Default)]
pub(super) struct Fare {
    recent: VecDeque<(bool, u32)>,
    used: u32,
    limit: u32,
    window_seconds: u32,
    trouble: String,
    health: Option<(Health, Timestamp)>,
    told: Option<ConnectionState>,
}

impl Fare {
    /// Takes in an answer, or its absence.
    pub(super) fn learn(&mut self, exchange: &Exchange) {
        if let Some(reading) = &exchange.limits {
            (self.used, self.limit, self.window_seconds) =
                (reading.used, reading.limit, reading.window_seconds);
        }
        // A refusal of one record says nothing about the connection; a broken one does.
        let broken = matches!(
            exchange.class,
            Some(ErrorClass::Unavailable | ErrorClass::Timeout | ErrorClass::Malformed | ErrorClass::Auth)
        );
        if broken {
            let class = exchange.class.map_or("", ErrorClass::as_str);
            self.trouble = match exchange.status {
                Some(status) => format!("answered {status} ({class})"),
                None => format!("no answer ({class})"),
            };
        }
        self.recent.push_back((broken, exchange.duration_ms));
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// The state, when it is worth telling: new or visibly changed since it was last told.
    pub(super) fn news(
        &mut self,
        connection: &Connection,
        closed: Closed<'_>,
        now: Timestamp,
    ) -> Option<ConnectionState> {
        let state = self.state(connection, closed, now);
        if self.told.as_ref() == Some(&state) {
            return None;
        }
        self.told = Some(state.clone());
        Some(state)
    }

    fn state(&mut self, connection: &Connection, closed: Closed<'_>, now: Timestamp) -> ConnectionState {
        let broken = self.recent.iter().filter(|(broken, _)| *broken).count();
        let last_three_broken =
            self.recent.len() >= 3 && self.recent.iter().rev().take(3).all(|(broken, _)| *broken);
        let health = match () {
            () if matches!(closed, Closed::Broken(_)) => Health::Down,
            () if self.recent.is_empty() => Health::Unknown,
            () if last_three_broken && broken * 2 > self.recent.len() => Health::Down,
            () if broken > 0 || matches!(closed, Closed::Limited(_)) => Health::Degraded,
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
            (Closed::Limited(why) | Closed::Broken(why), _) => format!("waits for {why}"),
            (Closed::Paused(pause), _) => pause.sentence(),
            (Closed::No, Health::Degraded | Health::Down) => self.trouble.clone(),
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
            families: Vec::new(),
        }
    }
}
