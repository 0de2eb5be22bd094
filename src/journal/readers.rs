//! A few reading connections, lent out for one call each; never held between calls, so the WAL can be checkpointed.
//!
//! One that met a failing disk is closed and opened again: it may remember pages that were never there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{JournalError, Result};

/// How many reads go on at once.
const READERS: usize = 4;

type Open = dyn Fn() -> Result<Connection> + Send + Sync;

#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
    open: Arc<Open>,
}

impl Readers {
    pub(super) fn start(open: impl Fn() -> Result<Connection> + Send + Sync + 'static) -> Result<Self> {
        let idle = (0..READERS).map(|_| open()).collect::<Result<Vec<_>>>()?;
        let places = Arc::new(Semaphore::new(idle.len()));
        Ok(Self { places, idle: Arc::new(Mutex::new(idle)), open: Arc::new(open) })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let (idle, open) = (Arc::clone(&self.idle), Arc::clone(&self.open));
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let lent = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match lent {
                Some(connection) => connection,
                None => open()?,
            };
            let result = catch_unwind(AssertUnwindSafe(|| work(&connection)))
                .unwrap_or_else(|_| Err(JournalError::Sql("a read panicked".into())));
            let sound = !matches!(result, Err(JournalError::Disk(_) | JournalError::Damaged { .. }));
            // A transaction left open would hold back every checkpoint from now on.
            if sound && connection.is_autocommit() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            } else if let Ok(fresh) = open() {
                // First the new one, then the old one's end: the last connection takes the shared index along.
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(fresh);
                drop(connection);
            }
            result
        })
        .await
        .unwrap_or_else(|_| Err(JournalError::Sql("a read panicked".into())))
    }
}
