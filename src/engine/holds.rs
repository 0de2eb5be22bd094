//! What holds work back at this moment, as this process last read it: open breakers and pauses; and how the
//! connections' last answers were, in a row.
//!
//! Never calls a vendor and never waits for one: opening, looking and closing stand in `breaker`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::limits::Parked;
use crate::domain::breaker::Breaker;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::drift::DriftHold;
use crate::domain::pause::{Pause, PauseScope};
use crate::domain::record::Connection;
use crate::journal::Journal;

/// What is believed for so long without asking the journal again: other processes open breakers and pause too.
const BELIEVED: Duration = Duration::from_millis(200);
/// Whoever waits in place for a breaker looks again after so long, when nobody knows a time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What holds work back; clones share it.
#[derive(Clone)]
pub struct Holds(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    journal: Journal,
    known: Mutex<Known>,
    /// One judgement of a connection at a time: who waits here finds the breaker open afterwards.
    judging: Mutex<HashMap<Connection, Arc<tokio::sync::Mutex<()>>>>,
    /// Held by who tends to the holds; another one need not.
    tending: tokio::sync::Mutex<()>,
    started_at: Timestamp,
}

#[derive(Default)]
struct Known {
    read_at: Option<Instant>,
    breakers: Vec<Breaker>,
    pauses: Vec<Pause>,
    fields: Vec<DriftHold>,
    ended: bool,
    /// Failures of a connection in a row: whose, and when.
    streaks: HashMap<Connection, Vec<(i64, Timestamp)>>,
    /// Connections whose token was refused where nobody could look at once.
    suspected: HashMap<Connection, String>,
    /// What the tokens were when a connection was last looked at in vain.
    marks: HashMap<Connection, u64>,
}

impl Holds {
    /// Nothing is known yet.
    pub(super) fn new(clock: SharedClock, journal: Journal) -> Self {
        let started_at = clock.now();
        Self(Arc::new(Inner {
            clock,
            journal,
            known: Mutex::default(),
            judging: Mutex::default(),
            tending: tokio::sync::Mutex::default(),
            started_at,
        }))
    }

    /// The right to tend; none while somebody does.
    pub(super) fn tending(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.0.tending.try_lock().ok()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.0.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn judging(&self, connection: &Connection) -> Arc<tokio::sync::Mutex<()>> {
        let mut judging = self.0.judging.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(judging.entry(connection.clone()).or_default())
    }

    /// Reads what holds, unless that was done just now.
    pub async fn refresh(&self) {
        if self.is_stale() {
            self.read().await;
        }
    }

    /// What is known was read some time ago.
    pub(super) fn is_stale(&self) -> bool {
        self.with(|known| known.read_at.is_none_or(|at| at.elapsed() >= BELIEVED))
    }

    /// Reads what holds.
    pub(super) async fn read(&self) {
        match self.0.journal.holding().await {
            Ok(holding) => self.with(|known| {
                known.breakers = holding.breakers;
                known.pauses = holding.pauses;
                known.fields = holding.fields;
                known.ended = holding.ended;
                known.read_at = Some(Instant::now());
            }),
            // What was known goes on to hold; whoever writes next hears of it.
            Err(error) => tracing::warn!(%error, "what holds work back cannot be read"),
        }
    }

    /// The breaker of a connection, where it is not closed.
    pub fn breaker(&self, connection: &Connection) -> Option<Breaker> {
        self.with(|known| {
            known.breakers.iter().find(|it| it.connection == *connection && it.holds()).cloned()
        })
    }

    /// Every breaker that is not closed.
    pub(super) fn open(&self) -> Vec<Breaker> {
        self.with(|known| known.breakers.iter().filter(|breaker| breaker.holds()).cloned().collect())
    }

    /// "Not before" for calls to a connection whose breaker is not closed.
    pub(super) fn parked(&self, connection: &Connection) -> Option<Parked> {
        let now = self.0.clock.now();
        self.breaker(connection).map(|breaker| Parked {
            until: breaker.look_at.filter(|at| *at > now).unwrap_or_else(|| now.plus(LOOK_AGAIN)),
            why: breaker.phrase(),
            soon: false,
            held_by: Some(breaker.key()),
        })
    }

    /// The first pause among these scopes.
    pub fn paused(&self, scopes: &[PauseScope]) -> Option<Pause> {
        let now = self.0.clock.now();
        self.with(|known| {
            known.pauses.iter().find(|pause| pause.holds(now) && scopes.contains(&pause.scope)).cloned()
        })
    }

    /// The fields of a mapping that are not carried over for now, with the reason.
    pub(super) fn fields_of(&self, mapping: &str) -> Vec<DriftHold> {
        self.with(|known| known.fields.iter().filter(|hold| hold.mapping == mapping).cloned().collect())
    }

    pub(super) fn ended(&self) -> bool {
        self.with(|known| known.ended)
    }

    /// A connection has answered, with whatever.
    pub(super) fn answered(&self, connection: &Connection) {
        self.with(|known| known.streaks.remove(connection));
    }

    /// A connection has failed an execution; how many different ones in a row within the window.
    pub(super) fn failed(&self, connection: &Connection, whose: i64, window: Duration) -> usize {
        let now = self.0.clock.now();
        self.with(|known| {
            let streak = known.streaks.entry(connection.clone()).or_default();
            streak.retain(|(known, at)| {
                *known != whose && now.since(*at).unsigned_abs() <= window.as_millis() as u64
            });
            streak.push((whose, now));
            streak.len()
        })
    }

    /// A token was refused where nobody could look at once whether it is refused for everything.
    pub(super) fn suspect(&self, connection: &Connection, words: &str) {
        self.with(|known| known.suspected.insert(connection.clone(), words.to_owned()));
    }

    pub(super) fn suspected(&self) -> Vec<(Connection, String)> {
        self.with(|known| known.suspected.drain().collect())
    }

    /// Notes what the tokens are when a connection is looked at in vain.
    pub(super) fn mark(&self, connection: &Connection, mark: u64) {
        self.with(|known| known.marks.insert(connection.clone(), mark));
    }

    /// Whether the tokens are others than those that were refused, as far as this process can know. One that began after
    /// the breaker opened knows nothing: a restart is how a token in the environment is replaced.
    pub(super) fn is_replaced(&self, breaker: &Breaker, mark: u64) -> bool {
        let seen_before = breaker.since >= self.0.started_at;
        self.with(|known| match known.marks.get(&breaker.connection) {
            Some(noted) => *noted != mark,
            None if seen_before => {
                known.marks.insert(breaker.connection.clone(), mark);
                false
            }
            None => true,
        })
    }
}
