//! The batcher: errands of all turns of an engine that share a batch endpoint wait a moment for each other and travel
//! together; each gets its own result back.
//!
//! Waiting is bounded and never idle: an errand goes at once when nobody else is on the way, and after
//! `engine.batch_wait_milliseconds` whoever is. Per record the order of arrival is kept: two errands about one record
//! never share a batch, and the later waits for the earlier. Nothing waits here that has no turn any more. What a batch
//! is sent as, and what is stored before it, is `carry`'s; nothing here knows a vendor.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::limits::Parked;
use crate::domain::clock::SharedClock;
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::ExecutionId;
use crate::domain::limit::Urgency;
use crate::journal::JournalError;
use crate::journal::queue::Intent;
use crate::vendors::VendorError;
use crate::vendors::together::{Endpoint, Errand, Returned};

pub(super) mod carry;

/// What stands in the journal before a step is sent.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub(super) id: ExecutionId,
    pub(super) token: i64,
    pub(super) lease: Duration,
    pub(super) intent: Intent,
}

/// An errand with what it needs on its way.
#[derive(Debug)]
pub(super) struct Cargo {
    pub(super) errand: Errand,
    pub(super) urgency: Urgency,
    /// For what writes: stored before it is sent.
    pub(super) begin: Option<Box<Begin>>,
}

/// What became of an errand.
#[derive(Debug)]
pub(super) enum Outcome {
    /// No call is allowed before a time; nothing was stored and nothing sent.
    Parked(Parked),
    /// Its intent was not stored, so nothing was sent.
    Journal(JournalError),
    /// It went, and this came back.
    Back(Returned),
}

/// How batches are sent.
pub(super) trait Carry: Send + Sync + 'static {
    /// Sends cargo of one endpoint together, no key twice; an outcome for each, in the given order.
    fn carry<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        cargo: Vec<Cargo>,
    ) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>>;
}

/// All turns' errands; clones share them.
#[derive(Clone)]
pub(super) struct Batcher(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    carry: Box<dyn Carry>,
    /// How long an errand waits for company.
    wait: Duration,
    /// Rows in one batch, whatever an endpoint takes.
    rows: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Turns that run.
    turns: usize,
    /// Turns of which that wait for a time, not on their way to anybody.
    resting: usize,
    lines: HashMap<Endpoint, Line>,
}

/// Who waits at one endpoint.
struct Line {
    waiting: VecDeque<Ticket>,
    /// Keys of what is on its way.
    busy: HashSet<String>,
    /// Rows in a batch at the most: fewer while whole batches fail, since one row may be the cause.
    most: usize,
}

struct Ticket {
    key: String,
    /// By the steady clock: a wall's clock that is set makes nobody wait longer.
    since: Duration,
    cargo: Cargo,
    /// Says that it has left the line.
    left: oneshot::Sender<()>,
    answer: oneshot::Sender<Outcome>,
}

/// A turn's seat: while it is held, others may wait for this turn.
pub(super) struct Seat(Batcher);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.change(|state| state.turns = state.turns.saturating_sub(1));
    }
}

/// A turn that waits for a time; nobody waits for it meanwhile.
pub(super) struct Rest(Batcher);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.change(|state| state.resting = state.resting.saturating_sub(1));
    }
}

impl Batcher {
    pub(super) fn new(clock: SharedClock, carry: Box<dyn Carry>, wait: Duration, rows: usize) -> Self {
        Self(Arc::new(Inner { clock, carry, wait, rows: rows.max(1), state: Mutex::default() }))
    }

    /// A turn begins.
    pub(super) fn seat(&self) -> Seat {
        self.change(|state| state.turns += 1);
        Seat(self.clone())
    }

    /// A turn waits for a time.
    pub(super) fn rest(&self) -> Rest {
        self.change(|state| state.resting += 1);
        Rest(self.clone())
    }

    /// Sends an errand with others of its endpoint. Dropping the future before it has left takes it back.
    pub(super) async fn send(&self, endpoint: &Endpoint, cargo: Cargo) -> Outcome {
        let may_have_happened = cargo.begin.is_some();
        let since = self.0.clock.steady();
        let (left, mut has_left) = oneshot::channel();
        let (answer, outcome) = oneshot::channel();
        let ticket = Ticket { key: cargo.errand.key(), since, cargo, left, answer };
        self.change(|state| {
            let most = endpoint.most().min(self.0.rows);
            let line = state.lines.entry(endpoint.clone()).or_insert_with(|| Line {
                waiting: VecDeque::new(),
                busy: HashSet::new(),
                most,
            });
            line.waiting.push_back(ticket);
        });
        tokio::select! {
            biased;
            _ = &mut has_left => {}
            () = self.0.clock.rest(self.0.wait) => {
                self.change(|_| ());
                // Only who waits for an earlier errand about the same record is still here.
                let _ = has_left.await;
            }
        }
        outcome.await.unwrap_or_else(|_| {
            let words = "Something went wrong in Reknit while this was on its way with others.";
            let error = VendorError { may_have_happened, ..VendorError::new(ErrorClass::Unknown, words) };
            Outcome::Back(Returned { result: Err(error), log: Vec::new() })
        })
    }

    /// Changes what is known and sends whatever can go now.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let batches = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut state);
            state.ready(self.0.clock.steady(), self.0.wait)
        };
        for (endpoint, tickets) in batches {
            // Few rows go by themselves where a batch would take no fewer calls; all at once.
            if tickets.len() < endpoint.fewest() {
                for ticket in tickets {
                    tokio::spawn(self.clone().carry(endpoint.clone(), vec![ticket]));
                }
            } else {
                tokio::spawn(self.clone().carry(endpoint, tickets));
            }
        }
    }

    async fn carry(self, endpoint: Endpoint, tickets: Vec<Ticket>) {
        let mut cargo = Vec::with_capacity(tickets.len());
        let mut answers = Vec::with_capacity(tickets.len());
        let mut keys = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            // Who went away meanwhile does not mind.
            let _ = ticket.left.send(());
            cargo.push(ticket.cargo);
            answers.push(ticket.answer);
            keys.push(ticket.key);
        }
        let rows = keys.len();
        // A panic leaves the answers unsent, which their turns hear as an error; the line goes on.
        let outcomes = AssertUnwindSafe(self.0.carry.carry(&endpoint, cargo)).catch_unwind().await;
        let outcomes = outcomes.unwrap_or_default();
        let failed = !outcomes.is_empty() && outcomes.iter().all(is_whole_failure);
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            let _ = answer.send(outcome);
        }
        let most = endpoint.most().min(self.0.rows);
        self.change(|state| {
            let Some(line) = state.lines.get_mut(&endpoint) else { return };
            for key in &keys {
                line.busy.remove(key);
            }
            if failed && rows > 1 {
                line.most = (rows / 2).max(1);
            } else if !failed {
                line.most = (line.most * 2).min(most);
            }
        });
    }
}

/// The vendor failed, or did not answer.
fn is_whole_failure(outcome: &Outcome) -> bool {
    let Outcome::Back(Returned { result: Err(error), .. }) = outcome else { return false };
    matches!(error.class, ErrorClass::Unavailable | ErrorClass::Timeout | ErrorClass::Malformed)
}

impl State {
    /// Takes out what goes now.
    fn ready(&mut self, now: Duration, wait: Duration) -> Vec<(Endpoint, Vec<Ticket>)> {
        for line in self.lines.values_mut() {
            // Whose turn is gone has nobody to send for.
            line.waiting.retain(|ticket| !ticket.answer.is_closed());
        }
        let standing: usize = self.lines.values().map(|line| line.waiting.len()).sum();
        let alone = self.turns <= standing + self.resting;
        let mut batches = Vec::new();
        for (endpoint, line) in &mut self.lines {
            while let Some(batch) = line.take(now, wait, alone) {
                batches.push((endpoint.clone(), batch));
            }
        }
        batches
    }
}

impl Line {
    /// The next batch, if there is reason to send one now.
    fn take(&mut self, now: Duration, wait: Duration, alone: bool) -> Option<Vec<Ticket>> {
        let mut keys = HashSet::new();
        let mut places = Vec::new();
        let mut due = alone;
        for (place, ticket) in self.waiting.iter().enumerate() {
            // An earlier one with its key stands before it or is on its way.
            if self.busy.contains(&ticket.key) || !keys.insert(ticket.key.as_str()) {
                continue;
            }
            due |= now.saturating_sub(ticket.since) >= wait;
            places.push(place);
            if places.len() == self.most {
                due = true;
                break;
            }
        }
        if places.is_empty() || !due {
            return None;
        }
        let batch: Vec<Ticket> =
            places.iter().rev().filter_map(|&place| self.waiting.remove(place)).collect();
        let batch: Vec<Ticket> = batch.into_iter().rev().collect();
        self.busy.extend(batch.iter().map(|ticket| ticket.key.clone()));
        Some(batch)
    }
}

#[cfg(test)]
mod tests;
