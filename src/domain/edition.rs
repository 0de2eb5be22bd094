//! Editions: every text of a recipe or mapping that was ever in force, by number. Data only.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

words! {
    /// What a text is of.
    pub enum EditionKind {
        /// A recipe.
        Recipe = "recipe",
        /// A mapping.
        Mapping = "mapping",
    }
}

/// One text of a recipe or mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// What it is of.
    pub kind: EditionKind,
    /// The recipe's or mapping's name.
    pub name: String,
    /// From 1, in the order of their coming.
    pub number: u32,
    /// When it was first in force.
    pub loaded_at: Timestamp,
}
