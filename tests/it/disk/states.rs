//! What can stand where a journal should: a folder, nothing, somebody else's file, a place that cannot be written. And
//! two processes on one journal, and readers that are never done.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reknit::domain::filter::Filter;
use reknit::domain::page::Anchor;
use reknit::journal::{Journal, JournalError};

use super::{beside, clock, event, folder, note, open, say, times};

fn why(path: &Path) -> String {
    let one = Journal::open(path, clock()).expect_err("refused");
    let other = Journal::open_to_look(path, clock()).expect_err("refused");
    assert!(
        matches!((&one, &other), (JournalError::Unreadable { .. }, JournalError::Unreadable { .. })),
        "{one} {other}"
    );
    one.to_string()
}

#[tokio::test]
async fn g13_what_is_no_journal_is_named_and_left_alone() {
    let place = folder();
    let path = place.path().join("journal.db");
    std::fs::create_dir(&path).expect("a folder");
    assert!(why(&path).contains("it is a folder, not a file"));
    std::fs::remove_dir(&path).expect("removed");

    std::fs::write(&path, "a shopping list that is longer than a hundred letters, ".repeat(9))
        .expect("written");
    let before = std::fs::read(&path).expect("bytes");
    assert!(why(&path).contains("not a database"), "{}", why(&path));
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    std::fs::remove_file(&path).expect("removed");

    rusqlite::Connection::open(&path)
        .expect("open")
        .execute_batch("CREATE TABLE recipes (name)")
        .expect("made");
    let before = std::fs::read(&path).expect("bytes");
    assert!(why(&path).contains("another program"));
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    std::fs::remove_file(&path).expect("removed");

    // Nothing in it: there is nothing to look at, and a journal can begin.
    std::fs::write(&path, "").expect("written");
    let error = Journal::open_to_look(&path, clock()).expect_err("refused");
    assert!(error.to_string().contains("it is empty"), "{error}");
    open(&path).append(vec![event("a", 1)]).await.expect("stored");
}

#[tokio::test]
async fn g13_a_missing_or_damaged_head_is_told_of_until_somebody_accepts_it() {
    let place = folder();
    let path = place.path().join("journal.db");
    let journal = open(&path);
    journal.audit(vec![note(1), note(2)]).await.expect("stored");
    drop(journal);
    for damage in [true, false] {
        if damage {
            std::fs::write(beside(&path, "-head"), "?".repeat(2_048)).expect("written");
        } else {
            std::fs::remove_file(beside(&path, "-head")).expect("removed");
        }
        let looked = Journal::open_to_look(&path, clock()).expect("opens").examine().await.expect("readable");
        assert!(!looked.findings.is_empty());
        for _ in 0..2 {
            let journal = open(&path);
            assert!(journal.examine_head().await.expect("readable").is_some());
            assert!(journal.verify_audit().await.expect("readable").broken.is_some());
        }
        let journal = open(&path);
        assert!(journal.accept_head("ana".into(), "I moved the disk".into()).await.expect("stored"));
        assert!(!journal.accept_head("ana".into(), "again".into()).await.expect("stored"));
        assert!(journal.examine().await.expect("readable").findings.is_empty());
        let told = journal.audit_entries(1).await.expect("readable").remove(0).entry;
        assert_eq!((told.actor.as_str(), told.verb.as_str()), ("ana", "accept"));
        assert!(told.note.contains("I moved the disk"), "{}", told.note);
    }
}

#[tokio::test]
async fn g13_two_processes_write_one_journal_and_see_each_other() {
    let place = folder();
    let path = place.path().join("journal.db");
    let (one, other) = (open(&path), open(&path));
    let write = |journal: Journal, name: &'static str| async move {
        for number in 0..60 {
            journal.append(vec![event(&format!("{name}{number}"), 100)]).await.expect("stored");
            journal.audit(vec![note(number)]).await.expect("stored");
        }
    };
    tokio::join!(write(one.clone(), "a"), write(other.clone(), "b"));
    for journal in [&one, &other] {
        assert_eq!(journal.executions(&Filter::default(), Anchor::First, 10).await.expect("rows").total, 120);
        let found = journal.examine().await.expect("readable");
        assert_eq!((found.findings, found.events), (Vec::new(), 120));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g13_the_log_stays_short_while_readers_are_never_done() {
    let place = folder();
    let path = place.path().join("journal.db");
    let journal = open(&path);
    journal.append(vec![event("first", 10)]).await.expect("stored");
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let (journal, stop) = (journal.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut reads = 0;
                while !stop.load(Ordering::Relaxed) {
                    journal.executions(&Filter::default(), Anchor::First, 200).await.expect("rows");
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    let (mut largest, mut written) = (0, 0);
    for number in 0..times(400, 4_000) {
        let batch = (0..8).map(|part| event(&format!("k{number}-{part}"), 20_000)).collect();
        journal.append(batch).await.expect("stored");
        written += 8 * 20_000;
        largest = largest.max(std::fs::metadata(beside(&path, "-wal")).map_or(0, |log| log.len()));
    }
    stop.store(true, Ordering::Relaxed);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.expect("the reader ended well");
    }
    let mib = |bytes: u64| bytes / 1024 / 1024;
    say(&format!(
        "G13 log under readers: {} MiB of events written during {reads} reads, largest write-ahead log {} MiB",
        mib(written),
        mib(largest)
    ));
    assert!(largest < 48 * 1024 * 1024, "{largest}");
}

#[tokio::test]
async fn g8_g13_the_commands_say_what_is_affected_and_what_to_do() {
    let place = folder();
    let path = place.path().join("journal.db");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_reknit"))
            .args(["--data", place.path().to_str().expect("text")])
            .args(arguments)
            .env("REKNIT_CONFIG", place.path().join("reknit.toml"))
            .env("REKNIT_USER", "ana")
            .output()
            .expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    std::fs::write(place.path().join("reknit.toml"), "").expect("written");
    let journal = open(&path);
    for number in 0..3 {
        journal.append(vec![event(&format!("k{number}"), 10)]).await.expect("stored");
        journal.audit(vec![note(number)]).await.expect("stored");
    }
    drop(journal);
    let (code, head, _) = run(&["audit", "export-head"]);
    assert!(code == Some(0) && head.starts_with("reknit-audit-head 3 "), "{head}");
    let kept = place.path().join("kept");
    std::fs::write(&kept, &head).expect("written");
    let (code, said, _) = run(&["--read-only", "journal", "check"]);
    assert!(code == Some(0) && said.contains("3 events and 3 audit entries"), "{said}");
    let (code, said, _) = run(&["audit", "verify", "--head", kept.to_str().expect("text")]);
    assert!(code == Some(0) && said.contains("up to entry 3"), "{said}");
    assert_eq!(run(&["audit", "verify", "--head", "nonsense"]).0, Some(2));

    // One who can rewrite the journal and the head beside it, but not what was kept elsewhere.
    let connection = super::raw(&path);
    connection
        .execute_batch(
            "DROP TRIGGER audit_is_append_only_delete; DELETE FROM audit WHERE number = 3; \
             UPDATE events SET body = '{}' WHERE id = 2",
        )
        .expect("forced");
    drop(connection);
    std::fs::remove_file(beside(&path, "-head")).expect("removed");
    let (code, _, said) = run(&["audit", "verify", "--head", head.trim()]);
    assert!(code == Some(1) && said.contains("entry 3"), "{said}");
    let (code, said, _) = run(&["journal", "check", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &found["intact"]), (Some(1), &serde_json::json!(false)));
    let what: Vec<_> =
        found["findings"].as_array().expect("a list").iter().map(|finding| &finding["what"]).collect();
    assert!(what.contains(&&serde_json::json!("events.body of ev_2")), "{what:?}");
    assert!(what.contains(&&serde_json::json!("the end of the journal")), "{what:?}");
    assert_eq!(run(&["--read-only", "journal", "accept", "why"]).0, Some(2));
    let (code, said, _) = run(&["journal", "accept", "restored from a backup"]);
    assert!(code == Some(0) && said.contains("Accepted"), "{said}");
    let (_, said, _) = run(&["journal", "check"]);
    assert!(said.contains("events.body of ev_2") && !said.contains("the end of the journal"), "{said}");
}

/// Mounted read-only by whoever may; others are kept out by the folder's permissions.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn g13_what_cannot_be_written_can_be_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    let place = folder();
    let path = place.path().join("journal.db");
    let journal = open(&path);
    for number in 0..5 {
        journal.append(vec![event(&format!("k{number}"), 10)]).await.expect("stored");
        journal.audit(vec![note(number)]).await.expect("stored");
    }
    // As a process leaves them that was killed: with a log, and without the index that reading it needs.
    let dead = folder();
    for suffix in ["", "-wal", "-head"] {
        std::fs::copy(beside(&path, suffix), beside(&dead.path().join("journal.db"), suffix))
            .expect("copied");
    }
    drop(journal);
    let path = dead.path().join("journal.db");
    let before = std::fs::read(&path).expect("bytes");
    let run = |command: &str, arguments: &[&str]| {
        Command::new(command)
            .args(arguments)
            .arg(dead.path())
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let target = dead.path().to_str().expect("text");
    let mounted = run("mount", &["--bind", target]) && run("mount", &["-o", "remount,ro,bind"]);
    if !mounted {
        std::fs::set_permissions(dead.path(), std::fs::Permissions::from_mode(0o500)).expect("set");
    }
    if std::fs::write(dead.path().join("probe"), "").is_ok() {
        say("G13 read-only folder: nothing here keeps this user from writing; not tested");
        return;
    }
    let refused = Journal::open(&path, clock()).map(|_| ());
    let looked = Journal::open_to_look(&path, clock());
    let found = match &looked {
        Ok(journal) => journal.examine().await.map(|found| (found.events, found.findings)),
        Err(error) => Err(error.clone()),
    };
    drop(looked);
    if mounted {
        let _ = run("umount", &["-l"]);
    } else {
        std::fs::set_permissions(dead.path(), std::fs::Permissions::from_mode(0o700)).expect("set");
    }
    assert!(matches!(refused, Err(JournalError::Unreadable { .. })), "{refused:?}");
    assert_eq!(found.expect("it can be looked at"), (5, Vec::new()));
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
}
