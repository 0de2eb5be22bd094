//! A few reading connections, lent out for one call each; never held between calls, so the WAL can be checkpointed.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{JournalError, Result};

/// How many reads go on at once.
const READERS: usize = 4;

#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn start(mut open: impl FnMut() -> Result<Connection>) -> Result<Self> {
        let idle = (0..READERS).map(|_| open()).collect::<Result<Vec<_>>>()?;
        Ok(Self { places: Arc::new(Semaphore::new(idle.len())), idle: Arc::new(Mutex::new(idle)) })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let idle = Arc::clone(&self.idle);
        tokio::task::spawn_blocking(move || {
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(connection) = connection else { return Err(JournalError::Closed) };
            let result = work(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(place);
            result
        })
        .await
        .unwrap_or_else(|_| Err(JournalError::Sql("a read panicked".into())))
    }
}
