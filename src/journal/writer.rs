//! The one writing thread: everything that waits when it is free goes into one transaction and one sync.
//!
//! Each piece of work has a savepoint of its own, so one that fails takes nothing with it. Nobody hears "done"
//! before the commit that holds it has returned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{JournalError, Result};

/// Waiting pieces of work before callers hear "busy".
const QUEUE: usize = 1_024;
/// Pieces of work in one commit.
const GROUP: usize = 256;

trait Work: Send {
    fn run(&mut self, connection: &Connection) -> bool;
    fn finish(self: Box<Self>, commit: Result<()>);
}

struct Piece<F, T> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Work for Piece<F, T>
where
    F: FnOnce(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            Err(JournalError::Sql("a write panicked; it was rolled back and nothing of it was stored".into()))
        });
        let good = result.is_ok();
        self.result = Some(result);
        good
    }

    fn finish(self: Box<Self>, commit: Result<()>) {
        let result = match commit {
            Ok(()) => self.result.unwrap_or(Err(JournalError::Closed)),
            Err(error) => Err(error),
        };
        // A caller that went away does not mind.
        let _ = self.reply.send(result);
    }
}

/// A handle on the writing thread. Dropping the last one ends it after the work that waits.
pub(super) struct Writer {
    queue: SyncSender<Box<dyn Work>>,
}

impl Writer {
    /// Starts the thread on a connection that is ready to write.
    pub(super) fn start(connection: Connection, change: watch::Sender<i64>) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        thread::Builder::new().name("journal".into()).spawn(move || serve(&connection, &waiting, &change))?;
        Ok(Self { queue })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let piece = Box::new(Piece { work: Some(work), result: None, reply });
        match self.queue.try_send(piece) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(JournalError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(JournalError::Closed),
        }
        answer.await.unwrap_or(Err(JournalError::Closed))
    }
}

fn serve(connection: &Connection, waiting: &Receiver<Box<dyn Work>>, change: &watch::Sender<i64>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let commit = commit_together(connection, &mut group);
        if commit.is_ok()
            && let Ok(number) = super::overview::last_change(connection)
        {
            change.send_if_modified(|known| std::mem::replace(known, number) != number);
        }
        for piece in group {
            piece.finish(commit.clone());
        }
    }
}

fn commit_together(connection: &Connection, group: &mut [Box<dyn Work>]) -> Result<()> {
    // IMMEDIATE: a deferred transaction that turns into a writer fails at once with SQLITE_BUSY_SNAPSHOT.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut work = || -> Result<()> {
        for piece in group.iter_mut() {
            connection.execute_batch("SAVEPOINT piece")?;
            if !piece.run(connection) {
                connection.execute_batch("ROLLBACK TO piece")?;
            }
            connection.execute_batch("RELEASE piece")?;
        }
        connection.execute_batch("COMMIT")?;
        Ok(())
    };
    let result = work();
    if result.is_err() && !connection.is_autocommit() {
        // The rollback's own failure adds nothing: the error that led here is what counts.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}
