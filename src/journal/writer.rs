//! The one writing thread: everything that waits when it is free goes into one transaction and one sync.
//!
//! Each piece of work has a savepoint of its own, so one that fails takes nothing with it. Nobody hears "done"
//! before the commit that holds it has returned.
//!
//! A disk that fails is met here. Full: nothing is stored, the reserve is given up so that the journal can be
//! checkpointed and people's decisions still fit, events are refused until there is room for a new reserve. A failed
//! write or sync: the outcome is unknown, so nothing more is acknowledged until the connection has been closed, a new
//! one has been opened, and all that the journal holds has been written and synced anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::head::{self, HeadFile, Mark};
use super::reserve::Reserve;
use super::{Condition, JournalError, Result, open};

/// Waiting pieces of work before callers hear "busy".
const QUEUE: usize = 1_024;
/// Pieces of work in one commit.
const GROUP: usize = 256;
/// How often a thread without work looks after its files.
const PULSE: Duration = Duration::from_secs(1);
/// How long a bad disk is left alone before it is tried again.
const PATIENCE: Duration = Duration::from_secs(2);
/// A log that readers let grow beyond this is cut back, though they wait for a moment.
const LONGEST_LOG: u64 = 32 * 1024 * 1024;
/// How long readers may keep us from that.
const CUT_WAIT: Duration = Duration::from_millis(250);

trait Work: Send {
    /// Does it; the error when it failed.
    fn run(&mut self, connection: &Connection) -> Option<JournalError>;
    fn finish(self: Box<Self>, commit: Result<()>);
    /// Takes room for more of what the world sends: refused first when there is little.
    fn grows(&self) -> bool;
}

struct Piece<F, T> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
    grows: bool,
}

impl<F, T> Work for Piece<F, T>
where
    F: FnOnce(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> Option<JournalError> {
        let work = self.work.take()?;
        let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            Err(JournalError::Sql("a write panicked; it was rolled back and nothing of it was stored".into()))
        });
        let error = result.as_ref().err().cloned();
        self.result = Some(result);
        error
    }

    fn finish(self: Box<Self>, commit: Result<()>) {
        let result = match commit {
            Ok(()) => self.result.unwrap_or(Err(JournalError::Closed)),
            Err(error) => Err(error),
        };
        // A caller that went away does not mind.
        let _ = self.reply.send(result);
    }

    fn grows(&self) -> bool {
        self.grows
    }
}

enum Message {
    Work(Box<dyn Work>),
    /// Look after the files now, as without work, and say when it is done.
    Rest(oneshot::Sender<()>),
}

/// A handle on the writing thread. Dropping it ends the thread after the work that waits, and waits for that.
pub(super) struct Writer {
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    pub(super) condition: watch::Receiver<Condition>,
}

impl Writer {
    /// Starts the thread on a connection that is ready to write.
    pub(super) fn start(
        connection: Connection,
        path: PathBuf,
        head: HeadFile,
        change: watch::Sender<i64>,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let (condition, told) = watch::channel(Condition::Good);
        let now = Instant::now();
        let mut desk = Desk {
            reserve: Reserve::beside(&path),
            connection: Some(connection),
            path,
            head,
            change,
            condition,
            try_again: now + PULSE,
            cut_again: now,
            checkpointed: false,
        };
        let thread = thread::Builder::new().name("journal".into()).spawn(move || desk.serve(&waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), condition: told })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        grows: bool,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let piece = Box::new(Piece { work: Some(work), result: None, reply, grows });
        let Some(queue) = &self.queue else { return Err(JournalError::Closed) };
        match queue.try_send(Message::Work(piece)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(JournalError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(JournalError::Closed),
        }
        answer.await.unwrap_or(Err(JournalError::Closed))
    }

    pub(super) async fn rest(&self) {
        let (reply, answer) = oneshot::channel();
        // A thread with a full queue or none at all has no rest to give.
        if self.queue.as_ref().is_some_and(|queue| queue.try_send(Message::Rest(reply)).is_ok()) {
            let _ = answer.await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has been told of already.
            let _ = thread.join();
        }
    }
}

/// Why a group was not committed.
struct Failure {
    error: JournalError,
    /// It failed so late that it may be stored all the same.
    late: bool,
}

impl Failure {
    fn early(error: impl Into<JournalError>) -> Self {
        Self { error: error.into(), late: false }
    }
}

struct Desk {
    path: PathBuf,
    /// None while the outcome of the last commit is unknown.
    connection: Option<Connection>,
    head: HeadFile,
    reserve: Reserve,
    change: watch::Sender<i64>,
    condition: watch::Sender<Condition>,
    /// When a bad disk is tried next.
    try_again: Instant,
    /// When the log may be cut next.
    cut_again: Instant,
    /// Nothing was committed since the last checkpoint.
    checkpointed: bool,
}

impl Desk {
    fn serve(&mut self, waiting: &Receiver<Message>) {
        loop {
            match waiting.recv_timeout(PULSE) {
                Ok(first) => {
                    let (mut group, mut resting, mut next) = (Vec::new(), Vec::new(), Some(first));
                    while let Some(message) = next {
                        match message {
                            Message::Work(piece) => group.push(piece),
                            Message::Rest(reply) => resting.push(reply),
                        }
                        next = if group.len() < GROUP { waiting.try_recv().ok() } else { None };
                    }
                    if !group.is_empty() {
                        self.perform(group);
                    }
                    if !resting.is_empty() {
                        self.try_again = Instant::now();
                    }
                    self.look_after(!resting.is_empty());
                    for reply in resting {
                        let _ = reply.send(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.look_after(true),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.head.sync(Instant::now(), true);
    }

    fn is(&self, condition: Condition) -> bool {
        *self.condition.borrow() == condition
    }

    fn perform(&mut self, mut group: Vec<Box<dyn Work>>) {
        if self.is(Condition::Full) {
            let (growing, others) = group.into_iter().partition::<Vec<_>, _>(|piece| piece.grows());
            for piece in growing {
                piece.finish(Err(JournalError::Full));
            }
            group = others;
            if group.is_empty() {
                return;
            }
        }
        let Some(connection) = &self.connection else {
            for piece in group {
                piece.finish(Err(JournalError::InDoubt));
            }
            return;
        };
        let failure = match commit_together(connection, &mut group) {
            Ok(None) => None,
            Ok(Some(mark)) => {
                self.checkpointed = false;
                self.head.update(mark);
                if let Ok(number) = super::overview::last_change(connection) {
                    self.change.send_if_modified(|known| std::mem::replace(known, number) != number);
                }
                None
            }
            Err(failure) => Some(failure),
        };
        // Whoever hears of the failure finds the condition it caused.
        if let Some(failure) = &failure {
            self.note(failure);
        }
        let answer = match &failure {
            None => Ok(()),
            Some(Failure { error, late: true }) => Err(JournalError::Unknown(error.to_string())),
            Some(Failure { error, late: false }) => Err(error.clone()),
        };
        for piece in group {
            piece.finish(answer.clone());
        }
        if failure.is_some() {
            if self.is(Condition::InDoubt) {
                self.recover();
            } else if self.is(Condition::Full) {
                self.make_room();
            }
        }
    }

    fn note(&mut self, failure: &Failure) {
        let condition = match &failure.error {
            _ if failure.late => Condition::InDoubt,
            JournalError::Disk(_) => Condition::InDoubt,
            JournalError::Full => Condition::Full,
            _ => return,
        };
        let before = self.condition.send_replace(condition);
        if condition == Condition::InDoubt {
            self.connection = None;
        }
        if before != condition {
            let error = &failure.error;
            match condition {
                Condition::Full => tracing::error!(
                    "the disk is full: events are refused with 503 until there is room, so that the vendors send them again; \
                     free some on the journal's disk, nothing else is needed"
                ),
                _ => {
                    tracing::error!(%error, "the disk failed: nothing is acknowledged until the journal has been read again");
                }
            }
        }
    }

    /// Opens the journal anew. The readers stay: with them stays the shared index, which knows nothing of the commit
    /// that failed, so it is either overwritten or, after the checkpoint, gone. What a failed sync left in the
    /// system's cache may not be on the disk, so everything is written and synced anew before anybody hears "done".
    fn recover(&mut self) {
        self.connection = None;
        self.try_again = Instant::now() + PATIENCE;
        let opened = (|| -> Result<Connection> {
            let connection = open::writing(&self.path)?;
            if !cut_log(&connection)? {
                return Err(JournalError::Busy);
            }
            self.head.reconcile(&connection)?;
            Ok(connection)
        })();
        match opened {
            Ok(connection) => {
                self.connection = Some(connection);
                self.checkpointed = true;
                self.condition.send_replace(Condition::Good);
                tracing::warn!("the journal has been read again and goes on; what was in doubt comes again");
            }
            Err(JournalError::Full) => {
                self.reserve.release();
                tracing::warn!("the disk is full and failing; tried again in a moment");
            }
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be opened again yet; tried again in a moment");
            }
        }
    }

    fn make_room(&mut self) {
        self.try_again = Instant::now() + PATIENCE;
        self.reserve.release();
        if let Some(connection) = &self.connection {
            // Moves the log into the journal and gives its room back; what does not fit stays where it is.
            let cut = cut_log(connection);
            self.checkpointed = cut.is_ok();
        }
    }

    fn look_after(&mut self, at_rest: bool) {
        let now = Instant::now();
        self.head.sync(now, at_rest);
        let condition = *self.condition.borrow();
        match condition {
            Condition::InDoubt if now >= self.try_again => self.recover(),
            Condition::InDoubt => {}
            Condition::Full if now >= self.try_again => match self.reserve.make() {
                Ok(()) => {
                    self.condition.send_replace(Condition::Good);
                    tracing::warn!("there is room on the disk again: events are taken in");
                }
                Err(_) => self.try_again = Instant::now() + PATIENCE,
            },
            Condition::Full => {}
            Condition::Good => self.look_after_files(now, at_rest),
        }
    }

    fn look_after_files(&mut self, now: Instant, at_rest: bool) {
        if now >= self.try_again && !self.reserve.is_there() {
            self.try_again = Instant::now() + 30 * PATIENCE;
            // Without it the journal works as well, until the disk is full.
            if self.reserve.make().is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull) {
                self.note(&Failure::early(JournalError::Full));
                self.make_room();
                return;
            }
        }
        let Some(connection) = &self.connection else { return };
        if at_rest && !self.checkpointed {
            self.checkpointed = connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").is_ok();
        }
        if now >= self.cut_again {
            self.cut_again = now + PULSE / 4;
            let log = super::beside(&self.path, "-wal");
            if std::fs::metadata(log).is_ok_and(|log| log.len() > LONGEST_LOG) {
                let _ = connection.busy_timeout(CUT_WAIT);
                let _ = cut_log(connection);
                let _ = connection.busy_timeout(open::BUSY);
            }
        }
    }
}

/// Moves the whole log into the journal, durably, and empties it; false when somebody reads an old state of it.
fn cut_log(connection: &Connection) -> Result<bool> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// Commits what the pieces did; how far the journal has come with it, or none when nothing changed.
fn commit_together(connection: &Connection, group: &mut [Box<dyn Work>]) -> Result<Option<Mark>, Failure> {
    // IMMEDIATE: a deferred transaction that turns into a writer fails at once with SQLITE_BUSY_SNAPSHOT.
    connection.execute_batch("BEGIN IMMEDIATE").map_err(Failure::early)?;
    let result = work_through(connection, group).and_then(|mark| {
        connection.execute_batch("COMMIT").map_err(|error| {
            let error = JournalError::from(error);
            Failure { late: !matches!(error, JournalError::Full | JournalError::Busy), error }
        })?;
        Ok(mark)
    });
    if result.is_err() && !connection.is_autocommit() {
        // The rollback's own failure adds nothing: the error that led here is what counts.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}

fn work_through(connection: &Connection, group: &mut [Box<dyn Work>]) -> Result<Option<Mark>, Failure> {
    let before = connection.total_changes();
    for piece in group.iter_mut() {
        connection.execute_batch("SAVEPOINT piece").map_err(Failure::early)?;
        if let Some(error) = piece.run(connection) {
            // SQLite undoes the whole transaction when the disk fails in the midst of it.
            if connection.is_autocommit() || matches!(error, JournalError::Disk(_) | JournalError::Full) {
                return Err(Failure::early(error));
            }
            connection.execute_batch("ROLLBACK TO piece").map_err(Failure::early)?;
        }
        connection.execute_batch("RELEASE piece").map_err(Failure::early)?;
    }
    if connection.total_changes() == before {
        return Ok(None);
    }
    head::advance(connection).map(Some).map_err(Failure::early)
}
