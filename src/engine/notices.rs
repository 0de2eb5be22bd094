//! Sends what recipes tell: one notice after the other for each channel, beside the sync and never holding it up.
//!
//! What a channel makes of a notice is stored with the notice; the execution that told it stays what it is.

use std::time::Duration;

use tokio::sync::watch;

use super::monitors::Watch;
use crate::journal::JournalError;

/// How long a notice may be on its way before whoever sends it is taken for dead.
const LEASE: Duration = Duration::from_secs(120);
/// Slack takes one message a second.
const SLACK_PAUSE: Duration = Duration::from_secs(1);
/// The longest look away from the outbox.
const SAFETY_NET: Duration = Duration::from_secs(15);

impl Watch {
    /// Sends until `stop` turns true; one that is under way is brought to its end.
    pub(super) async fn keep_telling(&self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.engine.journal.watch();
        while !*stop.borrow() {
            changes.borrow_and_update();
            if let Err(error) = self.tell_due().await {
                tracing::warn!(%error, "notices could not be taken from the journal; tried again");
            }
            let now = self.engine.clock.now();
            let net = now.plus(SAFETY_NET);
            let due = self.engine.journal.next_notice().await.ok().flatten();
            let next = due.filter(|due| *due > now).map_or(net, |due| due.min(net));
            tokio::select! {
                _ = changes.changed() => {}
                () = self.engine.clock.until(next) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends all that is due now; how many notices were sent, taken or not.
    pub async fn tell_due(&self) -> Result<usize, JournalError> {
        let journal = &self.engine.journal;
        let mut sent = 0;
        for channel in journal.channels_wanted().await? {
            while let Some(outgoing) = journal.claim_notice(&channel, LEASE).await? {
                let receipt = self.channels.tell(&outgoing).await;
                if let Some(words) = super::monitors::complaint(&receipt) {
                    tracing::warn!(channel, words, "a notice was not taken");
                }
                let pause = if channel == "slack" { SLACK_PAUSE } else { Duration::ZERO };
                journal.settle_notice(outgoing, receipt, pause).await?;
                sent += 1;
            }
        }
        Ok(sent)
    }
}
