//! G13: one flipped bit, anywhere in the file or in its write-ahead log. Nothing acknowledged is missing or changed
//! without an alarm.

use std::collections::HashMap;
use std::path::Path;

use fastrand::Rng;
use reknit::journal::Journal;

use super::{beside, clock, event, folder, note, open, raw, say, seed, times};

/// Events by key: what they are about, and their bodies.
fn stored(path: &Path) -> HashMap<String, (String, String)> {
    let connection = raw(path);
    let read = || -> rusqlite::Result<Vec<(String, (String, String))>> {
        let mut statement = connection.prepare(
            "SELECT delivery_key, connection || ' ' || source || ' ' || topic || ' ' || kind || ' ' || coalesce(record, ''), \
             body FROM events NOT INDEXED",
        )?;
        let mut found = statement.query([])?;
        let mut rows = Vec::new();
        while let Ok(Some(row)) = found.next() {
            if let (Ok(key), Ok(about), Ok(body)) = (row.get(0), row.get(1), row.get(2)) {
                rows.push((key, (about, body)));
            }
        }
        Ok(rows)
    };
    read().unwrap_or_default().into_iter().collect()
}

/// What was said when a journal was opened and examined; empty when all was well.
async fn alarms(path: &Path) -> Vec<String> {
    match Journal::open(path, clock()) {
        Err(error) => vec![error.to_string()],
        Ok(journal) => match journal.examine().await {
            Err(error) => vec![error.to_string()],
            Ok(found) => found
                .findings
                .into_iter()
                .map(|finding| format!("{}: {}", finding.what, finding.why))
                .collect(),
        },
    }
}

struct Figures {
    harmed: usize,
    alarmed: usize,
    silent_losses: Vec<String>,
    silent_changes: usize,
}

async fn flip(
    files: &[(&str, Vec<u8>)],
    victim: &str,
    times: usize,
    truth: &HashMap<String, (String, String)>,
) -> Figures {
    let mut rng = Rng::with_seed(seed());
    let mut figures = Figures { harmed: 0, alarmed: 0, silent_losses: Vec::new(), silent_changes: 0 };
    for _ in 0..times {
        let place = folder();
        let path = place.path().join("journal.db");
        let mut told = String::new();
        for (suffix, bytes) in files {
            let mut bytes = bytes.clone();
            if *suffix == victim {
                let (at, bit) = (rng.usize(..bytes.len()), rng.u8(..8));
                bytes[at] ^= 1 << bit;
                told = format!("byte {at}, bit {bit}");
            }
            std::fs::write(beside(&path, suffix), bytes).expect("written");
        }
        let alarms = alarms(&path).await;
        let after = stored(&path);
        let missing = truth
            .iter()
            .filter(|(key, (_, body))| after.get(*key).is_none_or(|found| found.1 != *body))
            .count();
        let changed =
            truth.iter().filter(|(key, row)| after.get(*key).is_some_and(|found| found != *row)).count();
        figures.harmed += usize::from(missing + changed > 0);
        figures.alarmed += usize::from(!alarms.is_empty());
        if alarms.is_empty() && missing > 0 {
            figures.silent_losses.push(format!("{told}: {missing} missing"));
        }
        figures.silent_changes += usize::from(alarms.is_empty() && missing == 0 && changed > 0);
    }
    figures
}

/// A journal with events and audit entries: its files while it is open, and after it was closed.
async fn files()
-> (Vec<(&'static str, Vec<u8>)>, Vec<(&'static str, Vec<u8>)>, HashMap<String, (String, String)>) {
    let place = folder();
    let path = place.path().join("journal.db");
    let journal = open(&path);
    for number in 0..60 {
        journal.append(vec![event(&format!("k{number}"), 20 * number)]).await.expect("stored");
        if number % 6 == 0 {
            journal.audit(vec![note(number)]).await.expect("stored");
        }
    }
    let copy = |names: &[&'static str]| -> Vec<_> {
        names.iter().map(|name| (*name, std::fs::read(beside(&path, name)).expect("readable"))).collect()
    };
    let open_files = copy(&["", "-wal", "-head"]);
    drop(journal);
    let closed = copy(&["", "-head"]);
    let truth = stored(&path);
    assert_eq!((truth.len(), alarms(&path).await), (60, Vec::new()));
    (open_files, closed, truth)
}

#[tokio::test]
async fn g13_a_flipped_bit_in_the_file_loses_nothing_in_silence() {
    let (_, closed, truth) = files().await;
    let bits = times(60, 600);
    let found = flip(&closed, "", bits, &truth).await;
    say(&format!(
        "G13 flipped bits in the database: {bits}, {} harmed events, {} raised an alarm, {} silent losses, {} events with a \
         changed column besides the body and no alarm",
        found.harmed,
        found.alarmed,
        found.silent_losses.len(),
        found.silent_changes
    ));
    assert_eq!(found.silent_losses, Vec::<String>::new());
}

#[tokio::test]
async fn g13_a_flipped_bit_in_the_log_loses_nothing_in_silence() {
    let (open_files, _, truth) = files().await;
    let bits = times(30, 200);
    let found = flip(&open_files, "-wal", bits, &truth).await;
    say(&format!(
        "G13 flipped bits in the write-ahead log: {bits}, {} harmed events, {} raised an alarm, {} silent losses",
        found.harmed,
        found.alarmed,
        found.silent_losses.len()
    ));
    assert_eq!(found.silent_losses, Vec::<String>::new());
}
