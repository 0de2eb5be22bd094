//! Looks over our copies for records that are one person, and for people without the company they belong to.
//!
//! Finds and stores candidates only; deciding is a human's. Reads nothing from a vendor. A look over everything learns
//! what is common and what is rare; between two of them each changed record is compared by itself (`changed`).

mod changed;
pub(super) mod groups;
mod incidents;
mod people;
mod unlinked;
pub mod whole;

use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use crate::domain::clock::Timestamp;

use crate::journal::JournalError;
use people::person;

pub use changed::Models;
pub(super) use people::compared;
pub use unlinked::Ranks;

impl Engine {
    /// One scan over everything.
    pub async fn scan_once(&self) -> Result<(), JournalError> {
        Box::pin(self.scan_people(|_| {})).await?;
        Box::pin(self.scan_unlinked()).await
    }

    /// Drops old change numbers and old values of the echo ledger.
    async fn tidy(&self) -> Result<(), JournalError> {
        self.journal.forget_old_changes().await?;
        self.journal
            .forget_echoes(Timestamp(self.clock.now().0 - super::intake::ECHO_LIFE.as_millis() as i64))
            .await
    }

    /// Compares what changed at once; looks over everything when that is due, and for missing relations, at most once
    /// per interval, until `stop` turns true.
    pub async fn scan(&self, mut stop: watch::Receiver<bool>) {
        // The first time everything is looked over: nobody knows what changed while nobody looked.
        let (mut rested, mut wanted) = (self.clock.now(), false);
        while !*stop.borrow() {
            tokio::select! {
                () = self.scan_wanted.notified() => wanted = true,
                () = self.clock.until(rested), if wanted => {}
                _ = stop.changed() => return,
            }
            if let Err(error) = self.match_changed().await {
                tracing::warn!(%error, "could not compare what changed");
            }
            if self.clock.now() < rested {
                continue;
            }
            wanted = false;
            if let Err(error) = self.look_around().await {
                tracing::warn!(%error, "could not scan for duplicates and missing relations");
            }
            self.finish_erasures().await;
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "could not drop what nobody asks for any more");
            }
            rested = self.clock.now().plus(Duration::from_secs(self.settings.scan_seconds));
        }
    }

    /// A look over everybody where it is due, and one for missing relations.
    async fn look_around(&self) -> Result<(), JournalError> {
        if self.whole_look_is_due().await? {
            self.scan_people(|_| {}).await?;
        }
        self.scan_unlinked().await
    }
}
