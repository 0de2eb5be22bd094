//! What this process is running at the moment: whose beat to raise, whom to tell that its lease is lost, what to give
//! back because its turn ended without a settlement.
//!
//! It only keeps the list; the [`super::worker`] speaks to the journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::ids::ExecutionId;

/// The leases this process holds.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: HashMap<ExecutionId, (i64, watch::Sender<bool>)>,
    /// Turns that ended without a settlement: dropped when the process stops, or the journal could not be written.
    left: Vec<(ExecutionId, i64)>,
}

/// One turn's hold on its lease. Dropped without [`Grip::settled`], the work is given back.
#[derive(Debug)]
pub(super) struct Grip {
    held: Arc<Held>,
    id: ExecutionId,
    token: i64,
    lost: watch::Receiver<bool>,
    settled: bool,
}

impl Held {
    /// A turn begins.
    pub(super) fn hold(self: &Arc<Self>, id: ExecutionId, token: i64) -> Grip {
        let (tell, lost) = watch::channel(false);
        self.state().running.insert(id, (token, tell));
        Grip { held: Arc::clone(self), id, token, lost, settled: false }
    }

    /// The leases whose beat is to be raised.
    pub(super) fn all(&self) -> Vec<(ExecutionId, i64)> {
        self.state().running.iter().map(|(id, (token, _))| (*id, *token)).collect()
    }

    /// Tells the turns that others have their work now.
    pub(super) fn tell_lost(&self, lost: &[ExecutionId]) {
        let state = self.state();
        for (_, tell) in lost.iter().filter_map(|id| state.running.get(id)) {
            tell.send_replace(true);
        }
    }

    /// Takes what is to be given back.
    pub(super) fn take_left(&self) -> Vec<(ExecutionId, i64)> {
        std::mem::take(&mut self.state().left)
    }

    /// Takes what is to be given back when the process ends: what was left, and what still runs.
    pub(super) fn take_all(&self) -> Vec<(ExecutionId, i64)> {
        let mut state = self.state();
        let mut all = std::mem::take(&mut state.left);
        all.extend(state.running.drain().map(|(id, (token, _))| (id, token)));
        all
    }

    /// Puts back what could not be given back.
    pub(super) fn put_left(&self, left: Vec<(ExecutionId, i64)>) {
        self.state().left.extend(left);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grip {
    /// Turns true when the lease is lost.
    pub(super) fn lost(&self) -> watch::Receiver<bool> {
        self.lost.clone()
    }

    /// Nothing is to be given back: the result is stored, or another worker has the work.
    pub(super) fn settled(&mut self) {
        self.settled = true;
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        let mut state = self.held.state();
        if state.running.get(&self.id).is_some_and(|(token, _)| *token == self.token) {
            state.running.remove(&self.id);
        }
        if !self.settled {
            state.left.push((self.id, self.token));
        }
    }
}
