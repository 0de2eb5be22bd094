//! The loop: claim what is due, give each claim a task of its own, rescue what others left, stop without loss.
//!
//! It registers for the wake-up before it looks, and a due time or a change of the journal wakes it; there is no
//! regular tick but a slow one as a safety net for changes of other processes.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Engine;
use super::turn::Turn;
use crate::domain::audit::NewEntry;
use crate::domain::ids::ExecutionId;
use crate::journal::JournalError;
use crate::journal::queue::Claim;

/// The longest look away from the journal: for what other processes queue.
const SAFETY_NET: Duration = Duration::from_millis(500);
/// Between two looks for expired leases, unless leases are shorter.
const RESCUE_EVERY: Duration = Duration::from_secs(15);

impl Engine {
    /// Works until `stop` turns true, then lets running turns end (each is bounded by the vendors' timeouts).
    pub async fn work(&self, mut stop: watch::Receiver<bool>) {
        let mut running: JoinSet<ExecutionId> = JoinSet::new();
        let mut changes = self.journal.watch();
        let mut rescue_at = self.clock.now();
        let rescue_every = RESCUE_EVERY.min(Duration::from_secs(self.settings.lease_seconds.max(1)));
        self.limits.stop(false);
        self.finish_erasures().await;
        while !*stop.borrow() {
            changes.borrow_and_update();
            if self.clock.now() >= rescue_at {
                rescue_at = self.clock.now().plus(rescue_every);
                if let Err(error) = self.journal.rescue().await {
                    tracing::warn!(%error, "could not look for expired leases");
                }
            }
            let free = self.settings.workers.saturating_sub(running.len());
            let claimed = if free == 0 { 0 } else { self.claim(free, &mut running).await };
            self.limits.tell().await;
            for state in self.limits.news() {
                if let Err(error) = self.journal.put_connection(state).await {
                    tracing::warn!(%error, "could not store a connection's state");
                }
            }
            if claimed > 0 && running.len() < self.settings.workers {
                continue;
            }
            let now = self.clock.now();
            let due = self.journal.next_due().await.ok().flatten().filter(|due| *due > now);
            let until = due.map_or(now.plus(SAFETY_NET), |due| due.min(now.plus(SAFETY_NET)));
            tokio::select! {
                _ = changes.changed(), if running.len() < self.settings.workers => {}
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = self.clock.until(until) => {}
                _ = stop.changed() => {}
            }
        }
        // Whoever waits for a window gives its work back instead.
        self.limits.stop(true);
        while running.join_next().await.is_some() {}
        self.limits.tell().await;
    }

    async fn claim(&self, free: usize, running: &mut JoinSet<ExecutionId>) -> usize {
        match self.journal.claim(free, Duration::from_secs(self.settings.lease_seconds)).await {
            Ok(claims) => {
                let count = claims.len();
                for claim in claims {
                    let engine = self.clone();
                    running.spawn(async move { engine.turn(claim).await });
                }
                count
            }
            Err(error) => {
                tracing::warn!(%error, "could not claim work");
                0
            }
        }
    }

    /// Works until nothing is due any more; for tests and for commands that want one piece of work done.
    pub async fn work_off(&self) -> usize {
        let mut done = 0;
        loop {
            let mut running = JoinSet::new();
            if self.claim(self.settings.workers, &mut running).await == 0 {
                return done;
            }
            while running.join_next().await.is_some() {
                done += 1;
            }
        }
    }

    /// Runs one execution now, and nothing else; does nothing when it is not due or its person is being worked on.
    pub async fn run_one(&self, id: ExecutionId) -> Result<(), JournalError> {
        let lease = Duration::from_secs(self.settings.lease_seconds);
        while let Some(claim) = self.journal.claim_one(id, lease).await? {
            self.turn(claim).await;
        }
        Ok(())
    }

    async fn turn(&self, claim: Claim) -> ExecutionId {
        let (id, token) = (claim.execution.id, claim.token);
        let mut turn = Turn::new(self, claim);
        let (status, settlement) = match AssertUnwindSafe(turn.run()).catch_unwind().await {
            Ok(Ok(settled)) => settled,
            Ok(Err(error)) => {
                // Nothing can be stored now; the lease runs out and the work is found again.
                tracing::warn!(%error, execution = %id, "the journal failed during a turn");
                self.note_lateness(id, &error, turn.log.len()).await;
                return id;
            }
            Err(panic) => turn.panicked(panic_text(panic.as_ref())),
        };
        let calls = settlement.attempts.len();
        let moved = !settlement.mirrors.is_empty() || !settlement.remapped.is_empty();
        if let Err(error) = self.journal.settle(id, token, status, settlement).await {
            tracing::warn!(%error, execution = %id, "a result was not stored");
            self.note_lateness(id, &error, calls).await;
        }
        if moved {
            self.scan_wanted.notify_one();
        }
        id
    }

    /// A result that came after its lease had gone to another worker is refused, and the refusal kept.
    async fn note_lateness(&self, id: ExecutionId, error: &JournalError, calls: usize) {
        if !matches!(error, JournalError::LeaseLost) {
            return;
        }
        let entry = NewEntry {
            actor: "engine".into(),
            verb: "refuse".into(),
            object: id.to_string(),
            note: format!(
                "A worker came back after its lease had run out. What {calls} calls told it was not stored; the \
                 worker that has the work now looks for itself."
            ),
        };
        if let Err(error) = self.journal.audit(vec![entry]).await {
            tracing::warn!(%error, execution = %id, "a refusal was not noted");
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}
