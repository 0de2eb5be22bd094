//! Which field of one system is which of the other, who owns it, and what to do when the two differ.
//!
//! Pure: the same input gives the same answer; nothing here waits, reads a clock or knows a vendor's API.
//! [`mod@file`] reads the mapping from TOML, [`transform`] turns values, [`judge`](mod@judge) compares three ways,
//! [`chain`] counts writes that answer each other.
//! Left is always Intercom, right the CRM.

pub mod chain;
pub mod file;
pub mod judge;
pub mod transform;

pub use file::{Direction, FieldMapping, Mapping, MappingError, Owner};

#[cfg(test)]
mod tests;
