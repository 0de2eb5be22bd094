//! Time: an instant in UTC milliseconds, and the clock everything asks for it.
//!
//! Nothing in Reknit reads the system's clock but the implementation that `cli` hands in, so tests set the time and
//! move it. This module never formats for a locale: that is the reader's business.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Ends when [`Clock::now`] has reached `at`.
    fn until(&self, at: Timestamp) -> Wait;
}

/// A clock as it is passed around.
pub type SharedClock = Arc<dyn Clock>;

/// A clock that stands still until it is moved; for tests and for replaying a day in a moment.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Debug)]
struct Manual {
    now: Timestamp,
    waiting: Vec<Waker>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Manual { now, waiting: Vec::new() })))
    }

    /// Moves the time forward and wakes who waited for it.
    pub fn advance(&self, by: Duration) {
        let woken = {
            let mut manual = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            manual.now = manual.now.plus(by);
            std::mem::take(&mut manual.waiting)
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn until(&self, at: Timestamp) -> Wait {
        Box::pin(ManualWait { clock: self.clone(), at })
    }
}

struct ManualWait {
    clock: ManualClock,
    at: Timestamp,
}

impl Future for ManualWait {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut manual = self.clock.0.lock().unwrap_or_else(PoisonError::into_inner);
        if manual.now >= self.at {
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
}
