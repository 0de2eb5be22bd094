//! What recipes told people or other systems, and what became of it. Data only; what is told is [`super::plan::Notice`].

use serde::Serialize;

use super::clock::Timestamp;
use super::ids::ExecutionId;
use super::monitor::DeliveryStatus;
use super::plan::Notice;

/// Where a notice of a recipe stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoticeRow {
    /// Its number.
    pub id: i64,
    /// To whom: `slack`, `webhook`, or a sink of the settings.
    pub channel: String,
    /// What told it.
    pub execution: ExecutionId,
    /// In one line.
    pub title: String,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How often it may have arrived.
    pub sends: u32,
    /// What came back, redacted.
    pub words: String,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// When it was settled.
    pub done_at: Option<Timestamp>,
}

/// A notice that is about to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Its number in the outbox.
    pub id: i64,
    /// What is told, and to whom.
    pub notice: Notice,
    /// It was sent before, and nobody knows whether it arrived.
    pub repeat: bool,
    /// When it was put into the outbox.
    pub at: Timestamp,
}
