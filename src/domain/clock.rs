//! Time: an instant in UTC milliseconds, and the clock everything asks for it.
//!
//! Nothing in Reknit reads the system's clock but the implementation that `cli` hands in, so tests set the time and
//! move it. This module never formats for a locale: that is the reader's business.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds, as Intercom counts.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since 1970.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T14:03:02.120Z`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| self.0.to_string(), |instant| format!("{instant:.3}"))
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|instant| Self(instant.as_millisecond()))
    }
}

/// The future that ends when the clock reaches an instant.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the time comes from.
///
/// Two clocks in one. [`Clock::now`] is the wall's: it is shown, stored and compared with vendors' stamps, and may be
/// set by anybody at any moment, forward or back. [`Clock::steady`] only ever goes on: whatever asks "how long since?"
/// (leases, heartbeats, rests) asks it.
pub trait Clock: Send + Sync + 'static {
    /// The time on the wall.
    fn now(&self) -> Timestamp;
    /// How long this clock has been running; never goes back, means nothing to another process.
    fn steady(&self) -> Duration;
    /// Ends after a length of steady time.
    fn rest(&self, length: Duration) -> Wait;
    /// Ends when [`Clock::now`] has reached `at`, should nobody set the clock meanwhile; a rest of the time that is
    /// left until then, so that a clock that is set does not make it last for days.
    fn until(&self, at: Timestamp) -> Wait {
        self.rest(Duration::from_millis(u64::try_from(at.since(self.now())).unwrap_or(0)))
    }
}

/// A clock as it is passed around.
pub type SharedClock = Arc<dyn Clock>;

/// Notices that the wall's clock was set, by comparing how far it and the steady one went between two looks. What is
/// corrected a little all the time never adds up, since every look begins anew.
#[derive(Debug, Clone, Copy)]
pub struct Drift {
    wall: Timestamp,
    steady: Duration,
}

impl Drift {
    /// Begins to watch.
    pub fn new(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), steady: clock.steady() }
    }

    /// By how many milliseconds the wall's clock was set since the last look, when by at least `tolerance`: positive
    /// for forward. A machine that slept looks like one whose clock was set forward.
    pub fn jump(&mut self, clock: &dyn Clock, tolerance: Duration) -> Option<i64> {
        let seen = Self::new(clock);
        let passed = i64::try_from(seen.steady.saturating_sub(self.steady).as_millis()).unwrap_or(i64::MAX);
        let jump = seen.wall.since(self.wall).saturating_sub(passed);
        *self = seen;
        (jump.unsigned_abs() >= tolerance.as_millis().try_into().unwrap_or(u64::MAX)).then_some(jump)
    }
}

/// A clock that stands still until it is moved; for tests and for replaying a day in a moment.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Debug)]
struct Manual {
    now: Timestamp,
    steady: Duration,
    waiting: Vec<Waker>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Manual { now, steady: Duration::ZERO, waiting: Vec::new() })))
    }

    /// Lets time pass, and wakes who waited for it.
    pub fn advance(&self, by: Duration) {
        let woken = {
            let mut manual = self.manual();
            manual.now = manual.now.plus(by);
            manual.steady += by;
            std::mem::take(&mut manual.waiting)
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Sets the wall's clock, as an administrator or a time server does: no time passes by that, and nobody is woken.
    pub fn set(&self, now: Timestamp) {
        self.manual().now = now;
    }

    fn manual(&self) -> MutexGuard<'_, Manual> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.manual().now
    }

    fn steady(&self) -> Duration {
        self.manual().steady
    }

    fn rest(&self, length: Duration) -> Wait {
        let until = self.steady().saturating_add(length);
        Box::pin(ManualWait { clock: self.clone(), until })
    }
}

struct ManualWait {
    clock: ManualClock,
    until: Duration,
}

impl Future for ManualWait {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut manual = self.clock.manual();
        if manual.steady >= self.until {
            return Poll::Ready(());
        }
        manual.waiting.push(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_reads_back() {
        let instant = Timestamp(1_795_000_000_123);
        assert_eq!(Timestamp::parse_rfc3339(&instant.rfc3339()), Some(instant));
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_wait_ends_when_the_time_is_moved_there() {
        let clock = ManualClock::at(Timestamp(1_000));
        let mut wait = clock.until(Timestamp(5_000));
        let mut context = Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut context).is_pending());
        clock.advance(Duration::from_secs(4));
        assert!(wait.as_mut().poll(&mut context).is_ready());
    }
    #[test]
    fn g12_a_clock_that_is_set_is_noticed_and_wakes_nobody() {
        const HOUR: i64 = 3_600_000;
        let clock = ManualClock::at(Timestamp(1_795_000_000_000));
        let mut drift = Drift::new(&clock);
        let tolerance = Duration::from_secs(2);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(drift.jump(&clock, tolerance), None, "an hour that passed is no jump");
        let mut wait = clock.until(clock.now().plus(Duration::from_secs(30)));
        for jump in [HOUR, -HOUR, 24 * HOUR, -24 * HOUR, -1_795_003_600_000, 4_000_000_000_000] {
            clock.set(Timestamp(clock.now().0 + jump));
            clock.advance(Duration::from_secs(1));
            assert_eq!(drift.jump(&clock, tolerance), Some(jump));
            assert_eq!(drift.jump(&clock, tolerance), None, "told once");
            let mut context = Context::from_waker(Waker::noop());
            assert!(wait.as_mut().poll(&mut context).is_pending());
        }
        // A time server's small corrections are none, however many.
        for _ in 0..1_000 {
            clock.advance(Duration::from_secs(1));
            clock.set(Timestamp(clock.now().0 + 500));
            assert_eq!(drift.jump(&clock, tolerance), None);
        }
    }
}
