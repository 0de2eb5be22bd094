//! Deliveries go to the engine's intake, which stores them in the journal; what cannot be stored is refused with a
//! time to come back, so that the vendor sends it again.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Accepted, Inbox, Refused, RefusedWhy};
use crate::domain::event::NewEvent;
use crate::domain::record::Connection;
use crate::engine::intake::Intake;
use crate::engine::monitors::exposition;
use crate::journal::JournalError;
use crate::journal::intake::Appended;

/// Seconds after which a busy journal has worked off what waits.
const BUSY: u32 = 5;
/// Seconds after which somebody may have made room on the disk.
const UNAVAILABLE: u32 = 60;

impl Inbox for Intake {
    fn is_ready(&self) -> bool {
        Self::is_ready(self)
    }

    fn accept(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        async move {
            match Self::accept(self, events).await {
                Ok(appended) => {
                    let duplicates =
                        appended.iter().filter(|one| matches!(one, Appended::Duplicate(_))).count();
                    Ok(Accepted { stored: appended.len() - duplicates, duplicates })
                }
                Err(JournalError::Busy) => Err(Refused { why: RefusedWhy::Busy, retry_after_seconds: BUSY }),
                Err(error) => {
                    tracing::error!(%error, "a webhook could not be stored");
                    Err(Refused { why: RefusedWhy::Unavailable, retry_after_seconds: UNAVAILABLE })
                }
            }
        }
        .boxed()
    }

    fn refused(&self, connection: Connection, count: u64) -> BoxFuture<'static, ()> {
        let journal = self.journal().clone();
        async move {
            if let Err(error) = journal.note_refused_deliveries(&connection, count).await {
                tracing::warn!(%error, "deliveries with a wrong signature could not be noted");
            }
        }
        .boxed()
    }

    fn metrics(&self) -> BoxFuture<'_, Option<String>> {
        async move {
            let told = exposition::metrics(self.journal()).await;
            told.inspect_err(|error| tracing::warn!(%error, "the metrics could not be read")).ok()
        }
        .boxed()
    }
}
