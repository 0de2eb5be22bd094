//! The table of Salesforce's operations. Builds requests only; the paths and bodies are in `calls`.

use super::super::operation::Operation;

/// Every operation, by area.
pub(crate) const TABLE: &[Operation] = &[];
