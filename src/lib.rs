//! Reknit: a terminal operations console for the sync between Intercom and a CRM.

pub mod console;
pub mod domain;
pub mod engine;
pub mod journal;
