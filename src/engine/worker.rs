//! The loop: claim what is due, give each claim a task of its own, keep their leases alive, rescue what others left,
//! notice that the clock was set, stop without loss.
//!
//! It registers for the wake-up before it looks, and a due time or a change of the journal wakes it; there is no
//! regular tick but a slow one as a safety net for changes of other processes.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Engine;
use super::batch::Seat;
use super::held::Grip;
use super::turn::Turn;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Drift;
use crate::domain::ids::ExecutionId;
use crate::journal::JournalError;
use crate::journal::queue::Claim;

/// The longest look away from the journal: for what other processes queue.
const SAFETY_NET: Duration = Duration::from_millis(500);
/// Between two looks for silent workers, unless leases are shorter.
const RESCUE_EVERY: Duration = Duration::from_secs(15);
/// The beat is raised so many times within a lease.
const BEATS: u32 = 4;
/// By less than this the wall's clock is corrected, not set.
const CORRECTION: Duration = Duration::from_secs(2);
/// Looks for times from the future after the clock was set back: what was on its way to the journal then.
const LOOKS_AFTER_A_JUMP: u32 = 4;

/// What a worker runs.
#[derive(Default)]
struct Running {
    turns: JoinSet<ExecutionId>,
    /// The one that runs may be the cause of a death: nothing is started beside it.
    alone: bool,
}

impl Engine {
    /// Works until `stop` turns true, then lets running turns end (each is bounded by the vendors' timeouts). Dropped
    /// before they have, it leaves what they had to [`Engine::give_back_all`].
    pub async fn work(&self, stop: watch::Receiver<bool>) {
        // The beat is a future of its own: it goes on whatever the loop waits for.
        tokio::select! {
            () = self.beat() => {}
            () = self.serve(stop) => {}
        }
    }

    async fn serve(&self, mut stop: watch::Receiver<bool>) {
        let mut running = Running::default();
        let mut changes = self.journal.watch();
        let mut drift = Drift::new(&*self.clock);
        let mut rescue_at = self.clock.steady();
        let mut looks = 1;
        let rescue_every = RESCUE_EVERY.min(self.lease() / BEATS);
        self.limits.stop(false);
        self.finish_erasures().await;
        self.number_rules().await;
        while !*stop.borrow() {
            changes.borrow_and_update();
            if let Some(jump) = drift.jump(&*self.clock, CORRECTION) {
                tracing::warn!(jump, "the clock was set, or the machine slept (milliseconds)");
                if jump < 0 {
                    looks = LOOKS_AFTER_A_JUMP;
                    self.redate(Some(jump)).await;
                }
            }
            if self.clock.steady() >= rescue_at {
                rescue_at = self.clock.steady() + rescue_every;
                if let Err(error) = self.journal.rescue().await {
                    tracing::warn!(%error, "could not look for expired leases");
                }
                if looks > 0 {
                    looks -= 1;
                    self.redate(None).await;
                }
            }
            // Looks at a connection may take as long as its answers do: not in this loop.
            if self.holds.is_stale() {
                let tender = self.clone();
                tokio::spawn(async move { tender.tend().await });
            }
            // All that have ended: one taken out a round would let one in a round, and a round costs a commit.
            while running.turns.try_join_next().is_some() {}
            let claimed = self.claim(&mut running).await;
            self.limits.tell().await;
            for state in self.limits.news() {
                if let Err(error) = self.journal.put_connection(state).await {
                    tracing::warn!(%error, "could not store a connection's state");
                }
            }
            let full = running.turns.len() >= self.settings.workers || running.alone;
            if claimed > 0 && !full {
                continue;
            }
            let now = self.clock.now();
            let due = self.journal.next_due().await.ok().flatten().filter(|due| *due > now);
            let until = due.map_or(now.plus(SAFETY_NET), |due| due.min(now.plus(SAFETY_NET)));
            tokio::select! {
                _ = changes.changed(), if !full => {}
                Some(_) = running.turns.join_next(), if !running.turns.is_empty() => {}
                () = self.clock.until(until) => {}
                _ = stop.changed() => {}
            }
            running.alone &= !running.turns.is_empty();
        }
        // Whoever waits for a window gives its work back instead.
        self.limits.stop(true);
        while running.turns.join_next().await.is_some() {}
        self.give_back().await;
        self.limits.tell().await;
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(self.settings.lease_seconds.max(1))
    }

    /// Raises the beat of all running turns again and again.
    async fn beat(&self) {
        loop {
            self.clock.rest(self.lease() / BEATS).await;
            let held = self.held.all();
            if !held.is_empty() {
                match self.journal.renew(held, self.lease()).await {
                    Ok(lost) => self.held.tell_lost(&lost),
                    Err(error) => tracing::warn!(%error, "the leases of running work could not be renewed"),
                }
            }
            self.give_back().await;
        }
    }

    /// Gives back everything this process holds, so that it runs again at once instead of after its lease; for the end
    /// of a process, after [`Engine::work`] was dropped. A turn ends some time after it was told to, so those not yet
    /// ended are given back too: what one of them still brings is refused like any late worker's.
    pub async fn give_back_all(&self) {
        self.give_back_these(self.held.take_all()).await;
    }

    /// Gives back what turns of this process left without a settlement.
    async fn give_back(&self) {
        self.give_back_these(self.held.take_left()).await;
    }

    async fn give_back_these(&self, left: Vec<(ExecutionId, i64)>) {
        if left.is_empty() {
            return;
        }
        if let Err(error) = self.journal.give_back(left.clone()).await {
            tracing::warn!(%error, "unfinished work could not be given back yet");
            self.held.put_left(left);
        }
    }

    async fn redate(&self, jump: Option<i64>) {
        match self.journal.redate(jump).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "waiting work keeps its waits though the clock was set back"),
            Err(error) => tracing::warn!(%error, "times of waiting work could not be corrected"),
        }
    }

    /// Starts what is due, as far as there is room.
    async fn claim(&self, running: &mut Running) -> usize {
        let free = self.settings.workers.saturating_sub(running.turns.len());
        if free == 0 || running.alone {
            return 0;
        }
        match self.journal.claim_beside(running.turns.len(), free, self.lease()).await {
            Ok(claims) => {
                let count = claims.len();
                for claim in claims {
                    running.alone |= claim.alone;
                    let engine = self.clone();
                    // All of them, before the first one looks around for company.
                    let seat = self.batcher.seat();
                    // Held from now on: a turn that is dropped before it begins leaves its work like any other.
                    let grip = self.held.hold(claim.execution.id, claim.token);
                    running.turns.spawn(async move { engine.turn(claim, seat, grip).await });
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
        self.number_rules().await;
        loop {
            let mut running = Running::default();
            self.tend().await;
            if self.claim(&mut running).await == 0 {
                return done;
            }
            while running.turns.join_next().await.is_some() {
                done += 1;
            }
        }
    }

    /// Runs one execution now, and nothing else; does nothing when it is not due or its person is being worked on. No
    /// beat is raised: who calls this holds the lock of the journal's worker, so nobody looks for silent ones.
    pub async fn run_one(&self, id: ExecutionId) -> Result<(), JournalError> {
        self.number_rules().await;
        while let Some(claim) = self.journal.claim_one(id, self.lease()).await? {
            let grip = self.held.hold(claim.execution.id, claim.token);
            Box::pin(self.turn(claim, self.batcher.seat(), grip)).await;
        }
        self.give_back().await;
        Ok(())
    }

    async fn turn(&self, claim: Claim, seat: Seat, mut grip: Grip) -> ExecutionId {
        let (id, token) = (claim.execution.id, claim.token);
        let recipe = self.rules.current().book.recipe(&claim.execution.recipe).cloned();
        let engine = self.current_for(recipe.as_deref());
        let mut turn = Turn::new(&engine, claim, grip.lost());
        let (status, settlement) = match AssertUnwindSafe(Box::pin(turn.run())).catch_unwind().await {
            Ok(Ok(settled)) => settled,
            Ok(Err(error)) => {
                // Nothing can be stored now; the work is given back with the next beat.
                tracing::warn!(%error, execution = %id, "the journal failed during a turn");
                if matches!(error, JournalError::LeaseLost) {
                    grip.settled();
                }
                self.note_lateness(id, &error, turn.log.len()).await;
                return id;
            }
            Err(panic) => turn.panicked(panic_text(panic.as_ref())),
        };
        // Nobody waits for a turn that sends nothing more.
        drop(seat);
        let calls = settlement.attempts.len();
        let moved = !settlement.mirrors.is_empty() || !settlement.remapped.is_empty();
        let stored = self.journal.settle(id, token, status, settlement).await;
        if matches!(stored, Ok(()) | Err(JournalError::LeaseLost)) {
            grip.settled();
        }
        if let Err(error) = stored {
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
