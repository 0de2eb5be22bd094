//! The journal on a bad disk: power cuts, failing and full disks, flipped bits, changed audit logs, cut migrations
//! (G1, G8, G13, G14). Each test prints its figure on standard error.
//!
//! `cargo test --test it disk::` runs the short forms. The long ones:
//! `REKNIT_DISK_LONG=1 cargo test --release --test it disk:: -- --nocapture` (3,000 power-cut images, 200 points of
//! each migration, 600 and 200 flipped bits, 1,000 changes of the audit log, 1,000 restarts, 100,000 entries).
//! `REKNIT_DISK_SEED=n` makes other choices. What needs a disk that fails loads `tests/faults/disk.c` into a child
//! process, a run of this test binary that does what [`child`] is told.

mod audit;
mod child;
mod failing;
mod flips;
mod migration;
mod power;
#[cfg(target_os = "linux")]
mod recording;
mod states;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reknit::domain::clock::{ManualClock, SharedClock, Timestamp};
use reknit::domain::event::{EventKind, EventSource, NewEvent, Sent};
use reknit::domain::execution::Priority;
use reknit::domain::record::{Connection, ObjectKind, RecordRef, System};
use reknit::journal::Journal;
use reknit::journal::intake::{Disposition, NewExecution};
use tempfile::TempDir;

/// The long form where it is asked for.
fn times(short: usize, long: usize) -> usize {
    if std::env::var_os("REKNIT_DISK_LONG").is_some() { long } else { short }
}

fn seed() -> u64 {
    std::env::var("REKNIT_DISK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// In memory where there is such a folder: syncs of thousands of images would only wait.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        .expect("a temporary folder")
}

fn clock() -> SharedClock {
    Arc::new(ManualClock::at(Timestamp(1_795_000_000_000)))
}

fn open(path: &Path) -> Journal {
    Journal::open(path, clock()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn beside(journal: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", journal.display()))
}

/// An event of which every column can be told from its key.
fn event(key: &str, letters: usize) -> (NewEvent, Disposition) {
    let record = RecordRef::new(System::Intercom, ObjectKind::Contact, format!("p-{key}"));
    let event = NewEvent {
        connection: Connection::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.to_owned(),
        topic: "contact.user.updated".into(),
        kind: EventKind::ContactUpdated,
        record: Some(record.clone()),
        occurred_at: None,
        body: format!("{{\"key\":\"{key}\",\"text\":\"{}\"}}", "x".repeat(letters)),
        sent: Sent::default(),
    };
    let run = NewExecution {
        recipe: "contact-to-crm".into(),
        subject: format!("Person of {key}"),
        record: Some(record),
        person: None,
        lane: key.to_owned(),
        priority: Priority::Live,
        due_at: Timestamp(0),
        sentence: "Waits for a worker.".into(),
        max_attempts: 12,
    };
    (event, Disposition::Run(vec![run]))
}

fn note(number: usize) -> reknit::domain::audit::NewEntry {
    reknit::domain::audit::NewEntry {
        actor: "ana".into(),
        verb: "retry".into(),
        object: format!("ex_{number}"),
        note: format!("Reason {number}."),
    }
}

/// The journal's file by SQL of our own: what it says must not be believed by the code that wrote it alone.
fn raw(path: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).expect("the file can be opened");
    connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a timeout can be set");
    connection
}

fn keys(path: &Path) -> rusqlite::Result<std::collections::HashSet<String>> {
    let connection = raw(path);
    let mut statement = connection.prepare("SELECT delivery_key FROM events NOT INDEXED")?;
    let found = statement.query_map([], |row| row.get(0))?;
    found.collect()
}
