//! Which field of one system is which of the other, who owns it, and what to do when the two differ.
//!
//! Pure: the same input gives the same answer; nothing here waits, reads a clock or knows a vendor's API.
//! [`mod@file`] holds a mapping as it is used, [`mappings`] all of them by name, [`transform`] turns values,
//! [`judge`](mod@judge) compares three ways, [`chain`] counts writes that answer each other, [`edit`] changes a file
//! and keeps its comments. Left is always Intercom, right the CRM.

pub mod chain;
mod check;
pub mod edit;
pub mod file;
pub mod gone;
pub mod identity;
pub mod import;
pub mod judge;
pub mod lint;
pub mod mappings;
mod read;
pub mod transform;

pub use file::{Blank, Direction, FieldMapping, Mapping, MappingError, MatchKey, Owner, Side};
pub use mappings::Mappings;

#[cfg(test)]
mod tests;
