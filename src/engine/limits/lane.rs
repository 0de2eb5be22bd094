//! One process's calls of one family: the block it holds, what is promised to work that has begun, what it has to
//! tell the journal with its next word.
//!
//! Never asks the journal itself and never waits.

use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::limit::{GUARD, SLACK, Urgency, Waiting};
use crate::journal::limits::{Grant, Reading, Reservation, Told};

/// A refusal is believed for so long before the journal is asked again: other processes learn too.
const BELIEVED: i64 = 5_000;

/// No call before this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) until: Timestamp,
    pub(super) why: Waiting,
    at: Timestamp,
}

impl Refusal {
    pub(super) const fn new(at: Timestamp, until: Timestamp, why: Waiting) -> Self {
        Self { until, why, at }
    }
}

#[derive(Debug)]
pub(super) struct Lane {
    /// A promised call that was not made after so long, in milliseconds, is given back. Well within the window: until
    /// the journal is told that a call was made later, it counts from its grant.
    promise: i64,
    block: Option<Grant>,
    /// Calls of the block when it was taken.
    taken: u32,
    /// How many calls to ask for next.
    pace: u32,
    promised: Vec<Grant>,
    refused: [Option<Refusal>; 3],
    told: Told,
    told_at: Option<Timestamp>,
}

const fn place(urgency: Urgency) -> usize {
    match urgency {
        Urgency::Usual => 0,
        Urgency::Operator => 1,
        Urgency::Begun => 2,
    }
}

impl Lane {
    pub(super) fn new(window: Option<Duration>) -> Self {
        let promise = match window {
            Some(window) if window < Duration::from_secs(5) => SLACK.as_millis() as i64,
            _ => 5_000,
        };
        Self {
            promise,
            block: None,
            taken: 0,
            pace: 1,
            promised: Vec::new(),
            refused: [None, None, None],
            told: Told::default(),
            told_at: None,
        }
    }

    /// A call from the block at hand, or a refusal that still stands; none when the journal has to be asked.
    pub(super) fn at_hand(&mut self, now: Timestamp, urgency: Urgency) -> Option<Result<Grant, Refusal>> {
        if let Some(refusal) = &self.refused[place(urgency)] {
            let age = now.since(refusal.at);
            if refusal.until > now && (0..BELIEVED).contains(&age) {
                return Some(Err(refusal.clone()));
            }
            self.refused[place(urgency)] = None;
        }
        let block = self.block.as_mut()?;
        let age = now.since(block.at);
        if block.calls == 0 || !(0..=SLACK.as_millis() as i64).contains(&age) {
            let left = self.block.take()?;
            if left.calls > 0 {
                // More than was needed in time.
                self.pace = self.taken.saturating_sub(left.calls).max(1);
                self.told.returned.push(left);
            } else {
                self.pace = self.taken.saturating_mul(2);
            }
            return None;
        }
        block.calls -= 1;
        Some(Ok(Grant { calls: 1, ..*block }))
    }

    /// What to ask the journal for, and what to tell it.
    pub(super) fn ask(&mut self, now: Timestamp, most: u32) -> (u32, Told) {
        self.pace = self.pace.clamp(1, most);
        (self.pace, self.tell(now))
    }

    /// What there is to tell.
    pub(super) fn tell(&mut self, now: Timestamp) -> Told {
        let promise = self.promise;
        let kept = |grant: &Grant| (0..=promise).contains(&now.since(grant.at));
        let (kept, old): (Vec<Grant>, Vec<Grant>) =
            std::mem::take(&mut self.promised).into_iter().partition(kept);
        self.promised = kept;
        self.told.returned.extend(old);
        if self.block.as_ref().is_some_and(|block| now.since(block.at) > SLACK.as_millis() as i64) {
            self.told.returned.extend(self.block.take().filter(|block| block.calls > 0));
        }
        self.told_at = Some(now);
        std::mem::take(&mut self.told)
    }

    /// Something waits to be told that others should not wait for any longer.
    pub(super) fn wants_to_tell(&self, now: Timestamp) -> bool {
        let second = self.told_at.is_none_or(|at| now.since(at) >= 1_000 || now < at);
        let lapsed = self
            .block
            .as_ref()
            .is_some_and(|block| block.calls > 0 && now.since(block.at) > GUARD.as_millis() as i64);
        self.told.closed.is_some() || (second && (lapsed || !self.told.is_empty()))
    }

    /// What could not be told is kept for the next time.
    pub(super) fn untold(&mut self, told: Told) {
        self.told.returned.extend(told.returned);
        self.told.late.extend(told.late);
        self.told.reading = self.told.reading.take().or(told.reading);
        self.told.closed = self.told.closed.take().or(told.closed);
    }

    /// Takes in the journal's answer; a granted block's first call goes to who asked.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        urgency: Urgency,
        answer: Reservation,
    ) -> Result<Grant, Refusal> {
        match answer {
            Reservation::Granted(grant) => {
                self.taken = grant.calls;
                self.block = Some(Grant { calls: grant.calls - 1, ..grant });
                Ok(Grant { calls: 1, ..grant })
            }
            Reservation::NotBefore { until, why } => {
                let refusal = Refusal { until, why, at: now };
                self.refused[place(urgency)] = Some(refusal.clone());
                Err(refusal)
            }
        }
    }

    /// A call for work that has begun; it is made a little later.
    pub(super) fn promise(&mut self, call: Grant) {
        self.promised.push(call);
    }

    /// A call that was promised.
    pub(super) fn promised(&mut self, now: Timestamp) -> Option<Grant> {
        let place =
            self.promised.iter().rposition(|grant| (0..=self.promise).contains(&now.since(grant.at)))?;
        Some(self.promised.swap_remove(place))
    }

    /// The call is made now, which may be later than it counts from.
    pub(super) fn made(&mut self, call: Grant, now: Timestamp) {
        let late = now.since(call.at);
        if late > SLACK.as_millis() as i64 || late < 0 {
            match self.told.late.last_mut() {
                Some((last, at)) if last.id == call.id && *at == now => last.calls += call.calls,
                _ => self.told.late.push((call, now)),
            }
        }
    }

    pub(super) fn read(&mut self, reading: Reading) {
        self.told.reading = Some(reading);
    }

    /// The vendor said "not before".
    pub(super) fn close(&mut self, now: Timestamp, until: Timestamp, why: &str) {
        if self.told.closed.as_ref().is_none_or(|(known, _)| *known < until) {
            self.told.closed = Some((until, why.to_owned()));
        }
        for refused in &mut self.refused[..2] {
            let why = Waiting::Closed(why.to_owned());
            if refused.as_ref().is_none_or(|known| known.until < until) {
                *refused = Some(Refusal { until, why, at: now });
            }
        }
        // What is at hand was granted before the vendor spoke.
        self.told.returned.extend(self.block.take().filter(|block| block.calls > 0));
    }

    /// Until when such work is kept out by more than a window, as far as is known here.
    pub(super) fn closed(&self, now: Timestamp, urgency: Urgency) -> Option<Refusal> {
        let refusal = self.refused[place(urgency)].as_ref()?;
        (refusal.until > now && !matches!(refusal.why, Waiting::Window(_))).then(|| refusal.clone())
    }
}
