//! What a capsule holds of a record: all its values and what it is related to, as they were before a merge.
//!
//! Evidence for whoever mends a wrong merge; nothing here restores anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::Mirror;

/// One record before it was merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreImage {
    /// The record with every value the vendor gave.
    #[serde(flatten)]
    pub mirror: Mirror,
    /// Ids of related records by their kind, in the vendor's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub associations: BTreeMap<String, Vec<String>>,
    /// What could not be read, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}
