//! Why a duplicate of our own making came about, read off what its executions did. It changes no record.

use crate::domain::review::incident::cause;
use crate::engine::Engine;
use crate::journal::JournalError;
use crate::mapping::transform::time;

/// Incidents looked into at once.
const BATCH: usize = 100;

impl Engine {
    /// Labels the incidents that have no cause yet.
    pub(super) async fn label_incidents(&self) -> Result<(), JournalError> {
        for mut traces in self.journal.unlabelled_incidents(BATCH).await? {
            // HubSpot, Intercom and Salesforce name it differently.
            traces.other_created = ["createdate", "created_at", "CreatedDate"]
                .iter()
                .find_map(|name| traces.other_fields.get(*name).and_then(time));
            let (cause, sentence) = cause(&traces);
            self.journal.label_incident(traces.duplicate, cause, sentence).await?;
        }
        Ok(())
    }
}
