//! Why a duplicate of our own making came about, read off what its executions did. It changes no record.

use crate::engine::Engine;
use crate::journal::JournalError;

impl Engine {
    /// Labels the incidents that have no cause yet.
    pub(super) async fn label_incidents(&self) -> Result<(), JournalError> {
        Ok(())
    }
}
