//! The breaker of a connection: open when calling it makes no sense, because its token is refused or it does not answer.
//!
//! An open breaker holds work back without failing it. This module decides nothing and stores nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::error_class::ErrorClass;
use super::record::Connection;
use super::text::shorten;

/// Letters of the vendor's words that a sentence quotes.
const QUOTED: usize = 160;

words! {
    /// Whether calls go out.
    pub enum BreakerState {
        /// They do.
        Closed = "closed",
        /// They do not; work for the connection waits.
        Open = "open",
        /// One call tries whether they may again.
        HalfOpen = "half_open",
    }
}

words! {
    /// Why a breaker opened last.
    pub enum BreakerCause {
        /// The token is refused, also after it was renewed.
        Auth = "auth",
        /// No answer, or none that makes sense, several times in a row.
        Unavailable = "unavailable",
    }
}

impl BreakerCause {
    /// What a failure of a class says about the connection as a whole; none when it says nothing.
    pub const fn of(class: ErrorClass) -> Option<Self> {
        match class {
            ErrorClass::Auth => Some(Self::Auth),
            ErrorClass::Unavailable | ErrorClass::Timeout | ErrorClass::Malformed => Some(Self::Unavailable),
            _ => None,
        }
    }
}

/// The breaker of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Which connection.
    pub connection: Connection,
    /// Whether calls go out.
    pub state: BreakerState,
    /// Why it opened last.
    pub cause: BreakerCause,
    /// Since when it is closed, or has not been closed: looks that failed in between do not count.
    pub since: Timestamp,
    /// When one call may try whether it goes again.
    pub look_at: Option<Timestamp>,
    /// The vendor's own words, redacted.
    pub words: String,
}

/// A time as people say it: nobody needs the milliseconds.
fn minute(at: Timestamp) -> String {
    let text = at.rfc3339();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

impl Breaker {
    /// Work for the connection waits.
    pub fn holds(&self) -> bool {
        self.state != BreakerState::Closed
    }

    /// Its name where an execution says what holds it.
    pub fn key(&self) -> String {
        key(&self.connection)
    }

    /// As the end of "Waits for ...".
    pub fn phrase(&self) -> String {
        let title = self.connection.system.title();
        let words = shorten(&self.words, QUOTED);
        match self.cause {
            BreakerCause::Auth => {
                format!("{title}'s token: refused since {} (\"{words}\")", minute(self.since))
            }
            BreakerCause::Unavailable => {
                format!("{title} to answer: it does not since {} (\"{words}\")", minute(self.since))
            }
        }
    }

    /// What a person can do about it, in the imperative.
    pub fn advice(&self) -> String {
        let name = &self.connection;
        match self.cause {
            BreakerCause::Auth => format!(
                "Put a token in place that works (`reknit vault set` or the environment and a restart); what waits goes \
                 on by itself, at once with `reknit resume connection {name}`."
            ),
            BreakerCause::Unavailable => format!(
                "Nothing to do but to look at the vendor's status page; what waits goes on by itself, and `reknit resume \
                 connection {name}` looks at once."
            ),
        }
    }
}

/// The name of a connection's breaker where an execution says what holds it.
pub fn key(connection: &Connection) -> String {
    format!("breaker/{connection}")
}

/// How long a breaker rests between two looks: twice as long after each that failed, up to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// After it opened.
    pub first: Duration,
    /// However often it failed.
    pub longest: Duration,
}

impl Rest {
    /// The rest after so many looks that failed.
    pub fn after(&self, failed: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(failed.min(16))).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_the_longest() {
        let rest = Rest { first: Duration::from_secs(5), longest: Duration::from_secs(60) };
        let seconds: Vec<u64> = (0..6).map(|failed| rest.after(failed).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
        assert_eq!(rest.after(u32::MAX).as_secs(), 60);
    }

    #[test]
    fn only_failures_of_the_whole_connection_concern_a_breaker() {
        let concerned: Vec<&str> = ErrorClass::ALL
            .iter()
            .filter(|class| BreakerCause::of(**class).is_some())
            .map(|it| it.as_str())
            .collect();
        assert_eq!(concerned, ["auth", "unavailable", "timeout", "malformed"]);
    }
}
