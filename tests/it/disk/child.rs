//! The other side of the tests that need a disk of their own: this test binary, run again with a task in its
//! environment and the fault library loaded. Without a task there is nothing to do.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use reknit::journal::Journal;

use super::{event, folder, note, open};

/// A command that does a task of this module with its files in `place`, on the disk that the library plays.
#[cfg(target_os = "linux")]
pub(super) fn command(task: &str, place: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test is a file"));
    command
        .args(["--exact", "disk::child::does_its_task", "--nocapture", "--test-threads=1"])
        .env("REKNIT_DISK_TASK", task)
        .env("REKNIT_DISK_DIR", place)
        .env("LD_PRELOAD", library());
    command
}

/// The fault library, compiled once for each run of the tests.
#[cfg(target_os = "linux")]
pub(super) fn library() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &BUILT
        .get_or_init(|| {
            let folder = folder();
            let library = folder.path().join("disk.so");
            let built = Command::new("cc")
                .args(["-O1", "-shared", "-fPIC", "-o"])
                .arg(&library)
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/disk.c"))
                .args(["-ldl", "-lpthread"])
                .output()
                .expect("cc can be run");
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            (folder, library)
        })
        .1
}

/// Runs a command and shows what it said when it failed.
#[cfg(target_os = "linux")]
pub(super) fn done(mut command: Command) -> String {
    let output = command.output().expect("the child can be started");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

/// A child may outlive what the parent needs of it; its folder is the parent's.
#[test]
fn does_its_task() {
    let (Ok(task), Some(place)) = (std::env::var("REKNIT_DISK_TASK"), std::env::var_os("REKNIT_DISK_DIR"))
    else {
        // Run as one of all tests: what it stands for is tested by those that start it.
        return;
    };
    let place = PathBuf::from(place);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    runtime.block_on(async {
        match task.as_str() {
            "ingest" => ingest(&place).await,
            "open" => drop(open(&place.join("journal.db"))),
            "errors" => super::failing::every_error_once(&place).await,
            "full" => super::failing::full_and_free_again(&place).await,
            other => panic!("no such task: {other}"),
        }
    });
}

/// Takes events in from four sides at once and notes each that was acknowledged; opens and closes in between.
async fn ingest(place: &Path) {
    let journal_path = place.join("journal.db");
    let acks = OpenOptions::new().create(true).append(true).open(place.join("acks")).expect("a file");
    let acks = Arc::new(Mutex::new(acks));
    for session in 0..4 {
        let journal = open(&journal_path);
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                tokio::spawn(send(journal.clone(), Arc::clone(&acks), format!("s{session}-{sender}")))
            })
            .collect();
        for sender in senders {
            sender.await.expect("the sender ended well");
        }
        // The second session alone writes enough for a checkpoint in the midst of it.
        if session == 1 {
            for number in 0..120 {
                store(&journal, &acks, format!("long-{number}"), 40_000).await;
            }
        }
        drop(journal);
    }
}

async fn send(journal: Journal, acks: Arc<Mutex<File>>, name: String) {
    for number in 0..15 {
        store(&journal, &acks, format!("{name}-{number}"), number * 300).await;
        if number % 4 == 0 {
            journal.audit(vec![note(number)]).await.expect("stored");
        }
    }
}

async fn store(journal: &Journal, acks: &Mutex<File>, key: String, letters: usize) {
    journal.append(vec![event(&key, letters)]).await.expect("stored");
    // What a sender would see as 200.
    acks.lock().expect("unpoisoned").write_all(format!("{key}\n").as_bytes()).expect("noted");
}
