//! Reknit: a terminal operations console for the sync between Intercom and a CRM.

pub mod matching;
