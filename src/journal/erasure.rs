//! Erased people: their tombstones, checked by everything that could bring a record back.

use super::{Journal, Result};
use crate::domain::record::RecordRef;

impl Journal {
    /// Whether a record belongs to somebody who was erased.
    pub async fn is_erased(&self, record: &RecordRef) -> Result<bool> {
        let record = record.to_string();
        self.read(move |connection| {
            Ok(connection.prepare_cached("SELECT 1 FROM tombstones WHERE record = ?1")?.exists([record])?)
        })
        .await
    }
}
