//! G13: a disk that fails once at any write or sync, and one that is full.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use reknit::journal::{Condition, Journal, JournalError};

use super::{beside, clock, event, keys, note, open};

async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while !look() {
        ticks.tick().await;
        assert!(began.elapsed() < Duration::from_secs(60), "{what}: not in a minute");
    }
}

/// In the child: for each write and each sync in turn, a journal is made, filled and closed while that one fails.
/// Prints how many failed.
pub(super) async fn every_error_once(place: &Path) {
    let control = std::path::PathBuf::from(std::env::var_os("REKNIT_DISK_CONTROL").expect("a control file"));
    let fired = beside(&control, ".fired");
    for kind in ["sync", "write"] {
        // In the short form not each of the writes, which are hundreds.
        let step = if kind == "write" { super::times(9, 1) } else { 1 };
        let (mut number, mut failed, mut unknown, mut refused) = (1, 0, 0, 0);
        loop {
            let path = place.join(format!("{kind}{number}-journal.db"));
            std::fs::write(&control, format!("{kind} {number}")).expect("armed");
            let mut acknowledged = Vec::new();
            let mut expected_audit = 0;
            // A start that fails is told to whoever started it; the next one goes on from there.
            let journal = match Journal::open(&path, clock()) {
                Ok(journal) => journal,
                Err(_) => open(&path),
            };
            for event_number in 0..12 {
                let key = format!("k{event_number}");
                match journal.append(vec![event(&key, 200)]).await {
                    Ok(_) => acknowledged.push(key),
                    Err(JournalError::Unknown(_)) => unknown += 1,
                    Err(JournalError::Disk(_) | JournalError::InDoubt) => refused += 1,
                    Err(other) => panic!("{kind} {number}: {other}"),
                }
                if event_number % 4 == 0 && journal.audit(vec![note(event_number)]).await.is_ok() {
                    expected_audit += 1;
                }
            }
            // The one failure may still be to come; then it comes here, once.
            let mut tries = 0;
            loop {
                until("good again", || journal.condition() == Condition::Good).await;
                tries += 1;
                match journal.append(vec![event("after", 10)]).await {
                    Ok(_) => break acknowledged.push("after".to_owned()),
                    Err(error) => assert!(tries < 2, "{kind} {number}: it does not go on by itself: {error}"),
                }
            }
            let verdict = journal.verify_audit().await.expect("readable");
            assert_eq!(verdict.broken, None, "{kind} {number}");
            assert!(verdict.entries >= expected_audit, "{kind} {number}");
            drop(journal);
            let was_fired = fired.exists();
            let _ = std::fs::remove_file(&fired);
            std::fs::write(&control, "none 0").expect("disarmed");
            let journal = open(&path);
            let found = journal.examine().await.expect("readable");
            assert!(found.findings.is_empty(), "{kind} {number}: {:?}", found.findings);
            drop(journal);
            let stored: HashSet<String> = keys(&path).expect("readable");
            let missing: Vec<_> = acknowledged.iter().filter(|key| !stored.contains(*key)).collect();
            assert!(missing.is_empty(), "{kind} {number}: acknowledged and missing: {missing:?}");
            if !was_fired {
                break;
            }
            failed += 1;
            number += step;
        }
        assert!(failed > 10, "{kind}: only {failed} failed");
        super::say(&format!(
            "G13 EIO once at each {kind}: {failed} calls failed in turn, {unknown} outcomes unknown, {refused} refused, 0 acknowledged \
             events missing, each went on by itself"
        ));
    }
}

/// The disk is filled up, worked on, and freed. On whatever disk `place` is: `fill` and `free` know how.
async fn fill_and_free(place: &Path, fill: impl Fn(), free: impl Fn(), how: &str) {
    let path = place.join("journal.db");
    let journal = open(&path);
    let reserve = beside(&path, "-reserve");
    until("the reserve is made", || reserve.exists()).await;
    let mut acknowledged = Vec::new();
    let failed = match &journal.append(vec![event("early", 10)]).await.expect("room")[0] {
        reknit::journal::intake::Appended::Queued(_, id) => *id,
        other => panic!("{other:?}"),
    };
    acknowledged.push("early".to_owned());
    fill();
    let mut refused = 0;
    for number in 0..3_000 {
        let key = format!("k{number}");
        match journal.append(vec![event(&key, 20_000)]).await {
            Ok(_) => acknowledged.push(key),
            Err(JournalError::Full) => refused += 1,
            Err(JournalError::Unknown(_) | JournalError::Disk(_) | JournalError::InDoubt) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        if refused > 20 {
            break;
        }
    }
    assert!(refused > 20, "it never was full");
    until("full is known", || journal.condition() == Condition::Full).await;
    assert!(!reserve.exists(), "the reserve was given up");
    // People's decisions are stored all the same, and everything can be read.
    let done =
        journal.discard(vec![failed], "no room".into(), "ana".into()).await.expect("there is room for it");
    assert_eq!(done.queued, [failed]);
    for number in 0..50 {
        journal.audit(vec![note(number)]).await.expect("there is room for it");
    }
    assert_eq!(journal.verify_audit().await.expect("readable").broken, None);
    assert!(matches!(journal.append(vec![event("late", 10)]).await, Err(JournalError::Full)));
    // Another process can be started on it too.
    let second = open(&path);
    second.audit(vec![note(99)]).await.expect("there is room for it");
    drop(second);
    free();
    until("good again", || journal.condition() == Condition::Good).await;
    assert!(reserve.exists(), "the reserve was made anew");
    journal.append(vec![event("late", 10)]).await.expect("there is room");
    acknowledged.push("late".to_owned());
    assert!(journal.examine().await.expect("readable").findings.is_empty());
    drop(journal);
    let stored = keys(&path).expect("readable");
    let missing = acknowledged.iter().filter(|key| !stored.contains(*key)).count();
    super::say(&format!(
        "G13 full disk ({how}): {} events acknowledged, {refused} refused, {missing} missing; decisions stored while full, \
         went on by itself",
        acknowledged.len()
    ));
    assert_eq!(missing, 0);
}

/// In the child: the library plays a small disk.
pub(super) async fn full_and_free_again(place: &Path) {
    let control = std::path::PathBuf::from(std::env::var_os("REKNIT_DISK_CONTROL").expect("a control file"));
    let taken = || -> u64 {
        let entries = std::fs::read_dir(place).expect("a folder");
        entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
    };
    let fill = || std::fs::write(&control, format!("limit {}", taken() + 1_000_000)).expect("written");
    let free = || std::fs::write(&control, "limit 100000000").expect("written");
    fill_and_free(place, fill, free, "played by the fault library").await;
}

#[cfg(target_os = "linux")]
mod with_a_child {
    use super::super::child::{command, done};
    use super::super::{folder, say};
    use super::fill_and_free;

    fn told(task: &str) {
        let (files, elsewhere) = (folder(), folder());
        let mut child = command(task, files.path());
        child.env("REKNIT_DISK_CONTROL", elsewhere.path().join("control"));
        let said = done(child);
        said.lines().filter(|line| line.starts_with("G13")).for_each(say);
    }

    #[test]
    fn g13_an_error_at_any_write_or_sync_loses_nothing_acknowledged() {
        told("errors");
    }

    #[test]
    fn g13_a_full_disk_is_survived_as_the_library_plays_it() {
        told("full");
    }

    /// Mounted by whoever may; elsewhere the library's disk has to do.
    struct Small(tempfile::TempDir);

    impl Small {
        fn mount() -> Option<Self> {
            let folder = tempfile::tempdir().ok()?;
            let mount = std::process::Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
                .arg(folder.path())
                .output()
                .ok()?;
            mount.status.success().then_some(Self(folder))
        }
    }

    impl Drop for Small {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
        }
    }

    #[tokio::test]
    async fn g13_a_full_disk_is_survived_on_a_small_tmpfs() {
        let Some(small) = Small::mount() else {
            say("G13 full disk (tmpfs): nothing can be mounted here; the library's disk was used alone");
            return;
        };
        let place = small.0.path().join("data");
        std::fs::create_dir(&place).expect("a folder");
        let ballast = small.0.path().join("ballast");
        let fill = || {
            use std::io::Write as _;
            let mut file = std::fs::File::create(&ballast).expect("a file");
            while file.write_all(&[7; 4096]).is_ok() {}
        };
        fill_and_free(&place, fill, || std::fs::remove_file(&ballast).expect("removed"), "tmpfs of 48 MiB")
            .await;
    }
}
