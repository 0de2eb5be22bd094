//! Reknit: a terminal operations console for the sync between Intercom and a CRM.

pub mod domain;
pub mod vendors;
pub mod webhook;
