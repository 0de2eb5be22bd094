//! G8: any change to the audit log is found, none is found where there is none, and verifying is fast.

use std::path::Path;
use std::time::Instant;

use fastrand::Rng;
use reknit::domain::audit::{AuditEntry, NewEntry};
use reknit::domain::clock::Timestamp;
use reknit::journal::Journal;
use rusqlite::params;

use super::{beside, clock, folder, note, open, raw, say, seed, times};

const ENTRIES: i64 = 60;

/// A journal with entries, and its file as it was when there were fewer.
async fn journal(path: &Path) -> (Vec<u8>, i64) {
    let journal = open(path);
    for number in 0..40 {
        journal.audit(vec![note(number)]).await.expect("stored");
    }
    drop(journal);
    let old = std::fs::read(path).expect("readable");
    let journal = open(path);
    assert_eq!(journal.redact_audit(vec![7, 8], "ana".into(), "asked for".into()).await.expect("stored"), 2);
    for number in 41..ENTRIES as usize {
        journal.audit(vec![note(number)]).await.expect("stored");
    }
    let verdict = journal.verify_audit().await.expect("readable");
    assert_eq!((verdict.broken, verdict.erased, verdict.vouched), (None, 2, ENTRIES));
    (old, 40)
}

/// Someone with SQL and some skill; says which entry is the first that is not as it was.
fn change(path: &Path, kind: usize, old: &(Vec<u8>, i64), rng: &mut Rng) -> (String, i64) {
    if kind == 5 {
        std::fs::write(path, &old.0).expect("written");
        return ("an old file in its place".into(), old.1 + 1);
    }
    let connection = raw(path);
    connection
        .execute_batch(
            "DROP TRIGGER audit_is_append_only_update; DROP TRIGGER audit_is_append_only_delete; \
             DROP TRIGGER audit_is_append_only_insert",
        )
        .expect("dropped");
    let number = rng.i64(1..=ENTRIES);
    match kind {
        0 => {
            let column = [
                "at", "actor", "verb", "object", "note", "previous", "hash", "salt", "seal", "erased",
                "format",
            ][rng.usize(..11)];
            let value = match column {
                "at" => "at + 1",
                "erased" => "1 - erased",
                "format" => "3 - format",
                _ => &format!("coalesce({column}, '') || 'x'"),
            };
            connection
                .execute(&format!("UPDATE audit SET {column} = {value} WHERE number = ?1"), [number])
                .expect("edited");
            (format!("{column} edited"), number)
        }
        1 => {
            let number = rng.i64(1..ENTRIES);
            connection.execute("DELETE FROM audit WHERE number = ?1", [number]).expect("deleted");
            // Half of them close the gap in the numbers.
            if rng.bool() {
                connection
                    .execute_batch(&format!(
                        "UPDATE audit SET number = -number WHERE number > {number}; \
                         UPDATE audit SET number = -number - 1 WHERE number < 0"
                    ))
                    .expect("closed up");
            }
            ("deleted".into(), number)
        }
        2 => {
            // Chained as it should be, in the midst or at the end.
            let at = rng.i64(1..=ENTRIES + 1);
            let previous = if at == 1 {
                "0".repeat(64)
            } else {
                connection
                    .query_row("SELECT hash FROM audit WHERE number = ?1", [at - 1], |row| row.get(0))
                    .expect("there")
            };
            let new = NewEntry {
                actor: "ana".into(),
                verb: "merge".into(),
                object: "dup_1".into(),
                note: String::new(),
            };
            let forged = AuditEntry::chain(at, Timestamp(5), new, "5a17".into(), previous);
            let AuditEntry { entry, previous, hash, binding, .. } = forged;
            let reknit::domain::audit::Binding::Sealed { seal, .. } = binding else { panic!("sealed") };
            connection
                .execute_batch(&format!(
                    "UPDATE audit SET number = -number WHERE number >= {at}; UPDATE audit SET number = 1 - number WHERE number < 0"
                ))
                .expect("moved up");
            connection
                .execute(
                    "INSERT INTO audit (number, at, actor, verb, object, note, previous, hash, format, salt, seal, erased) \
                     VALUES (?1, 5, ?2, ?3, ?4, ?5, ?6, ?7, 2, '5a17', ?8, 0)",
                    params![at, entry.actor, entry.verb, entry.object, entry.note, previous, hash, seal],
                )
                .expect("inserted");
            ("inserted".into(), at)
        }
        3 => {
            let (one, other) = (rng.i64(1..ENTRIES), ENTRIES);
            let other = rng.i64(one + 1..=other);
            connection
                .execute_batch(&format!(
                    "UPDATE audit SET number = -1 WHERE number = {one}; UPDATE audit SET number = {one} WHERE number = {other}; \
                     UPDATE audit SET number = {other} WHERE number = -1"
                ))
                .expect("swapped");
            ("swapped".into(), one)
        }
        _ => {
            connection.execute("DELETE FROM audit WHERE number >= ?1", [number]).expect("cut off");
            ("cut off".into(), number)
        }
    }
}

#[tokio::test]
async fn g8_every_change_of_the_audit_log_is_found_at_its_place() {
    let place = folder();
    let path = place.path().join("journal.db");
    let old = journal(&path).await;
    let (whole, head) =
        (std::fs::read(&path).expect("readable"), std::fs::read(beside(&path, "-head")).expect("readable"));
    let mut rng = Rng::with_seed(seed());
    let changes = times(120, 1_000);
    let mut unfound = Vec::new();
    let mut elsewhere = Vec::new();
    for number in 0..changes {
        let place = folder();
        let path = place.path().join("journal.db");
        std::fs::write(&path, &whole).expect("written");
        std::fs::write(beside(&path, "-head"), &head).expect("written");
        let (what, first) = change(&path, number % 6, &old, &mut rng);
        // Half of them are looked at, half are worked on again first, which must not paper it over.
        let verdict = if number / 6 % 2 == 0 {
            Journal::open_to_look(&path, clock()).expect("opens").verify_audit().await.expect("readable")
        } else {
            let journal = open(&path);
            journal.append(vec![super::event("later", 10)]).await.expect("stored");
            drop(journal);
            open(&path).verify_audit().await.expect("readable")
        };
        match verdict.broken {
            None => unfound.push(format!("{what} at {first}")),
            // A gap is seen at the entry behind it, a changed hash at the entry that should follow from it.
            Some((named, why)) if (named - first).abs() > 1 => {
                elsewhere.push(format!("{what} at {first}: {named}, {why}"));
            }
            Some(_) => {}
        }
    }
    say(&format!(
        "G8 changes of the audit log: {changes} of 6 kinds, {} found, {} named another entry",
        changes - unfound.len(),
        elsewhere.len()
    ));
    assert_eq!((unfound, elsewhere), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn g8_clean_restarts_raise_no_alarm() {
    let place = folder();
    let path = place.path().join("journal.db");
    let restarts = times(40, 1_000);
    let mut alarms = Vec::new();
    for number in 0..restarts {
        let journal = open(&path);
        let verdict = journal.verify_audit().await.expect("readable");
        alarms.extend(verdict.broken);
        if number % 3 != 0 {
            journal.audit(vec![note(number)]).await.expect("stored");
        }
        if number % 5 == 0 {
            journal.append(vec![super::event(&format!("k{number}"), 10)]).await.expect("stored");
        }
        // Two processes on one journal at once, now and then.
        if number % 7 == 0 {
            let second = open(&path);
            let (one, other) = tokio::join!(second.audit(vec![note(1)]), journal.audit(vec![note(2)]));
            one.and(other).expect("stored");
        }
    }
    say(&format!("G8 clean restarts: {restarts}, {} false alarms", alarms.len()));
    assert_eq!(alarms, Vec::new());
}

#[tokio::test]
async fn g8_verifying_is_fast() {
    let place = folder();
    let path = place.path().join("journal.db");
    let journal = open(&path);
    let entries = times(5_000, 100_000);
    for from in (0..entries).step_by(5_000) {
        journal.audit((from..from + 5_000).map(note).collect()).await.expect("stored");
    }
    let began = Instant::now();
    let verdict = journal.verify_audit().await.expect("readable");
    let took = began.elapsed();
    say(&format!("G8 verifying {entries} entries: {} ms", took.as_millis()));
    assert_eq!((verdict.broken, verdict.entries), (None, entries as i64));
    // The promise is the release build's; a debug build on a busy machine is only kept from being hopeless.
    let allowed = if cfg!(debug_assertions) { 100.0 } else { 2.0 } * entries as f64 / 100_000.0;
    assert!(took.as_secs_f64() < allowed.max(0.5), "{took:?}");
}

#[tokio::test]
async fn g8_what_a_person_is_named_in_can_be_erased_and_only_in_the_open() {
    let place = folder();
    let path = place.path().join("journal.db");
    let journal = open(&path);
    for number in 1..=5 {
        journal.audit(vec![note(number)]).await.expect("stored");
    }
    let kept = journal.audit_head().await.expect("readable");
    let about = journal.audit_entries_about(vec!["ex_2".into(), "ex_4".into()]).await.expect("readable");
    assert_eq!(about, [2, 4]);
    journal.redact_audit(about, "ana".into(), "a person asked for it".into()).await.expect("stored");
    let verdict = journal.verify_audit_against(vec![kept]).await.expect("readable");
    assert_eq!((verdict.broken, verdict.erased), (None, 2));
    let shown = serde_json::to_string(&journal.audit_entries(10).await.expect("readable")).expect("JSON");
    assert!(!shown.contains("Reason 2") && !shown.contains("ex_4") && shown.contains("Reason 3"), "{shown}");
    drop(journal);
    let connection = raw(&path);
    for refused in [
        "UPDATE audit SET note = 'erased', object = 'erased', salt = NULL, erased = 1, actor = 'eve' WHERE number = 1",
        "UPDATE audit SET note = 'other' WHERE number = 1",
        "UPDATE audit SET note = 'erased', object = 'erased', salt = NULL, erased = 1 WHERE verb = 'redact'",
        "UPDATE audit SET note = 'back', erased = 0 WHERE number = 2",
        "DELETE FROM audit WHERE number = 6",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE number = 1",
    ] {
        assert!(connection.execute(refused, []).is_err(), "{refused}");
    }
    // Emptied behind our back, within what the trigger allows: found.
    connection
        .execute(
            "UPDATE audit SET note = 'erased', object = 'erased', salt = NULL, erased = 1 WHERE number = 3",
            [],
        )
        .expect("the trigger lets it pass");
    drop(connection);
    let verdict = open(&path).verify_audit().await.expect("readable");
    assert_eq!(verdict.broken.map(|broken| broken.0), Some(3));
}
