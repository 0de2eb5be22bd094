//! The breaker of a connection: open when calling it makes no sense, because its token is refused or it does not answer.
//!
//! An open breaker holds work back without failing it. This module decides nothing and stores nothing.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::record::Connection;

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

/// The breaker of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Which connection.
    pub connection: Connection,
    /// Whether calls go out.
    pub state: BreakerState,
    /// Why it opened last.
    pub cause: BreakerCause,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When one call may try whether it goes again.
    pub look_at: Option<Timestamp>,
    /// The vendor's own words, redacted.
    pub words: String,
}
