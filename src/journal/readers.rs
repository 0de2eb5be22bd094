//! A few reading connections, lent out for one call each; never held between calls, so the WAL can be checkpointed.
//!
//! The first is there from the start, the others are opened when they are needed. A read whose answer nobody waits for
//! any more is interrupted: whoever types the next letter is not behind the question of the last.
//!
//! One that met a failing disk is closed and opened again: it may remember pages that were never there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{JournalError, Result};

/// How many reads go on at once.
const READERS: usize = 4;

/// Steps of SQLite between two looks whether the answer is still wanted: well below a millisecond.
const LOOK_EVERY: i32 = 4_000;

/// Says so when the future that waits for an answer is dropped.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type Open = dyn Fn() -> Result<Connection> + Send + Sync;

#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
    open: Arc<Open>,
}

impl Readers {
    pub(super) fn start(open: impl Fn() -> Result<Connection> + Send + Sync + 'static) -> Result<Self> {
        let idle = vec![open()?];
        let places = Arc::new(Semaphore::new(READERS));
        Ok(Self { places, idle: Arc::new(Mutex::new(idle)), open: Arc::new(open) })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let (idle, open) = (Arc::clone(&self.idle), Arc::clone(&self.open));
        let unwanted = Arc::new(AtomicBool::new(false));
        let _waiting = Unwanted(Arc::clone(&unwanted));
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let lent = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match lent {
                Some(connection) => connection,
                None => open()?,
            };
            let look = move || unwanted.load(Ordering::Relaxed);
            let _ = connection.progress_handler(LOOK_EVERY, Some(look));
            let result = catch_unwind(AssertUnwindSafe(|| work(&connection)))
                .unwrap_or_else(|_| Err(JournalError::Sql("a read panicked".into())));
            let _ = connection.progress_handler(0, None::<fn() -> bool>);
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

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    #[tokio::test]
    async fn r07_a_read_nobody_waits_for_is_interrupted_and_its_connection_serves_the_next() {
        let readers = Readers::start(|| Ok(Connection::open_in_memory()?)).expect("readers");
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (ended, ends) = tokio::sync::oneshot::channel();
        let asking = readers.clone();
        let task = tokio::spawn(async move {
            asking
                .run(move |connection| {
                    let _ = begun.send(());
                    let answer = connection.query_row(ENDLESS, [], |row| row.get::<_, i64>(0));
                    let _ = ended.send(answer.is_err());
                    Ok(())
                })
                .await
        });
        begins.await.expect("begun");
        task.abort();
        assert!(ends.await.expect("ended"), "it went on to its end");
        let next = readers
            .run(|connection| Ok(connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0))?))
            .await;
        assert_eq!(next.expect("an answer"), 7);
    }
}
