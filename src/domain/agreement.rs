//! What both sides held when they last agreed, and what we wrote ourselves: the memory that conflict detection and
//! the loop guard live on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::RecordRef;

/// What both sides held when a field last agreed, each in its own terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The mapping's name of the field.
    pub field: String,
    /// Intercom's value.
    pub left: Value,
    /// The CRM's value; a list where the field has several parts there.
    pub right: Value,
}

/// A value we are about to write, remembered so that its coming back is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The record written.
    pub record: RecordRef,
    /// The vendor's field.
    pub field: String,
    /// SHA-256 of the value as text.
    pub value_hash: String,
}

/// Our last write to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldWrite {
    /// The vendor's field.
    pub field: String,
    /// SHA-256 of the value as text.
    pub value_hash: String,
    /// How many of our writes, this one included, answered each other without a human in between.
    pub hops: u32,
}
