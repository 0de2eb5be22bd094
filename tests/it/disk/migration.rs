//! G14: an older journal is brought up to date; cut off anywhere it is old or new, never between, with a copy first.

use std::path::Path;

use reknit::journal::{Journal, JournalError};

use super::{beside, clock, folder, open, raw};

fn steps() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/journal/sqlite");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).expect("readable")).collect()
}

/// A journal of an older format with some rows, made by its own steps.
fn older(path: &Path, format: usize) {
    let connection = raw(path);
    connection.execute_batch("PRAGMA journal_mode = WAL; BEGIN").expect("begun");
    for step in &steps()[..format] {
        connection.execute_batch(step).expect("a step");
    }
    for number in 1..=40 {
        connection
            .execute(
                "INSERT INTO events (id, connection, source, delivery_key, topic, kind, received_at, body, body_sha256) \
                 VALUES (?1, 'intercom', 'webhook', 'k' || ?1, 't', 'contact.updated', 0, ?2, ?3)",
                rusqlite::params![number, "{}", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"],
            )
            .expect("a row");
        connection.execute("INSERT INTO people VALUES (?1)", [number]).expect("a row");
    }
    connection.pragma_update(None, "user_version", format as i64).expect("set");
    connection.pragma_update(None, "application_id", 0x526B_6E74).expect("set");
    connection.execute_batch("COMMIT").expect("committed");
}

fn version(path: &Path) -> i64 {
    raw(path).pragma_query_value(None, "user_version", |row| row.get(0)).expect("readable")
}

fn schema(path: &Path) -> Vec<String> {
    let connection = raw(path);
    let mut statement = connection
        .prepare("SELECT coalesce(sql, '') FROM sqlite_master ORDER BY type, name")
        .expect("readable");
    let found = statement.query_map([], |row| row.get(0)).expect("readable");
    found.collect::<Result<_, _>>().expect("readable")
}

fn rows(path: &Path) -> i64 {
    raw(path)
        .query_row("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM people)", [], |row| {
            row.get(0)
        })
        .expect("readable")
}

#[test]
fn g14_a_copy_comes_first_and_one_that_is_not_what_it_says_is_not_trusted() {
    let place = folder();
    let path = place.path().join("journal.db");
    older(&path, 2);
    // Somebody's file of the same name, and one of an earlier attempt that broke off.
    std::fs::write(beside(&path, "-format-2"), "not a copy").expect("written");
    std::fs::write(beside(&path, "-format-2-1-making"), "half a copy").expect("written");
    drop(open(&path));
    assert_eq!(version(&path), steps().len() as i64);
    let copy = beside(&path, "-format-2-1");
    assert_eq!((version(&copy), rows(&copy)), (2, 80));
    assert_eq!(std::fs::read(beside(&path, "-format-2")).expect("still there"), b"not a copy");
    assert!(!beside(&path, "-format-2-1-making").exists());
}

#[test]
fn g14_a_newer_journal_says_which_version_reads_it_and_is_not_touched() {
    let place = folder();
    let path = place.path().join("journal.db");
    drop(open(&path));
    raw(&path)
        .execute_batch(
            "PRAGMA user_version = 99; UPDATE settings SET value = '7.8.9' WHERE name = 'format-written-by'",
        )
        .expect("set");
    let before = std::fs::read(&path).expect("bytes");
    for opened in [Journal::open(&path, clock()), Journal::open_to_look(&path, clock())] {
        let error = opened.expect_err("refused");
        assert!(matches!(error, JournalError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("Reknit 7.8.9 or later"), "{error}");
    }
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn g14_a_cut_at_any_point_leaves_the_old_journal_or_the_new_one() {
    use super::child::{command, done};
    use super::recording::{Disk, Recording};
    use super::{say, seed, times};
    let known = steps().len();
    let mut rng = fastrand::Rng::with_seed(seed());
    let points = times(16, 200);
    let (mut olds, mut news) = (0, 0);
    // In the short form the first, the last frozen and the newest.
    let formats: Vec<usize> = if points == 200 { (1..known).collect() } else { vec![1, 2, known - 1] };
    for format in &formats {
        let (files, elsewhere) = (folder(), folder());
        let path = files.path().join("journal.db");
        older(&path, *format);
        let start = std::fs::read(&path).expect("closed and whole");
        let old_schema = schema(&path);
        let log = elsewhere.path().join("recording");
        let mut child = command("open", files.path());
        child.env("REKNIT_DISK_LOG", &log);
        done(child);
        let new_schema = schema(&path);
        assert_eq!(version(&path), known as i64);
        let recording = Recording::read(&log);
        let (mut disk, mut at) = (Disk::with("journal.db", start), 0);
        for number in 0..points {
            let point = (number + 1) * recording.0.len() / points;
            recording.0[at..point].iter().for_each(|done| disk.step(done));
            at = point;
            let image = folder();
            // Every other one is a kill: all that was written is there, synced or not.
            disk.leave(image.path(), (number % 2 == 0).then_some(&mut rng));
            let path = image.path().join("journal.db");
            let found = version(&path);
            let expected = if found == *format as i64 { &old_schema } else { &new_schema };
            assert!(found == *format as i64 || found == known as i64, "between: {found}, cut at {point}");
            assert_eq!(&schema(&path), expected, "format {found}, cut at {point} of {}", recording.0.len());
            assert_eq!(rows(&path), 80);
            if found == known as i64 {
                news += 1;
                assert_eq!(version(&beside(&path, &format!("-format-{format}"))), *format as i64);
            } else {
                olds += 1;
            }
            let journal = open(&path);
            let examined = journal.examine().await.expect("readable");
            assert!(examined.findings.is_empty(), "cut at {point}: {:?}", examined.findings);
            drop(journal);
            assert_eq!((version(&path), rows(&path)), (known as i64, 80));
        }
    }
    say(&format!(
        "G14 migration: cut at {points} points of {} migrations: {olds} old, {news} new, 0 between; every one could be opened",
        formats.len()
    ));
    assert!(olds > 0 && news > 0, "the cuts fell on both sides");
}
