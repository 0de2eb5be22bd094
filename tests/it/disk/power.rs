//! G1: the power fails at any moment while events are taken in. Nothing acknowledged before is missing afterwards.

#![cfg(target_os = "linux")]

use std::collections::HashSet;

use fastrand::Rng;

use super::child::{command, done};
use super::recording::{Disk, Recording};
use super::{folder, keys, say, seed, times};

/// Images of a recording: how many there were, how many lost something acknowledged, how many raised an alarm.
async fn cut_at_random(recording: &Recording, count: usize, rng: &mut Rng) -> (usize, usize, Vec<String>) {
    // Many of them while the file is being made.
    let point = |number: usize| match number % 5 {
        0 => rng.usize(1..=recording.0.len().min(60)),
        _ => rng.usize(1..=recording.0.len()),
    };
    let mut points: Vec<usize> = (0..count).map(point).collect();
    points.sort_unstable();
    let (mut disk, mut at, mut lossy, mut acknowledged) = (Disk::default(), 0, 0, 0);
    let mut alarms = Vec::new();
    for point in points {
        recording.0[at..point].iter().for_each(|done| disk.step(done));
        at = point;
        let image = folder();
        disk.leave(image.path(), Some(rng));
        let path = image.path().join("journal.db");
        let acks = recording.lines("acks", point);
        acknowledged += acks.len();
        let journal = match reknit::journal::Journal::open(&path, super::clock()) {
            Ok(journal) => journal,
            Err(error) => {
                alarms.push(format!("at {point}: {error}"));
                lossy += usize::from(!acks.is_empty());
                continue;
            }
        };
        let stored: HashSet<String> = keys(&path).expect("readable");
        if acks.iter().any(|key| !stored.contains(key)) {
            lossy += 1;
        }
        let verdict = journal.verify_audit().await.expect("readable");
        alarms.extend(verdict.broken.map(|(entry, why)| format!("at {point}: audit entry {entry}: {why}")));
    }
    (acknowledged, lossy, alarms)
}

#[tokio::test]
async fn g1_nothing_acknowledged_is_missing_after_a_power_cut() {
    let place = folder();
    let log = place.path().join("recording");
    let files = folder();
    let mut child = command("ingest", files.path());
    child.env("REKNIT_DISK_LOG", &log);
    done(child);
    let recording = Recording::read(&log);
    let mut rng = Rng::with_seed(seed());
    let images = times(100, 3_000);
    let (acknowledged, lossy, alarms) = cut_at_random(&recording, images, &mut rng).await;
    say(&format!(
        "G1 power cut: {images} images of {} calls, {} events acknowledged before each on average, {lossy} images with a loss, \
         {} false alarms of the audit log",
        recording.0.len(),
        acknowledged / images,
        alarms.len()
    ));
    let control = images.min(300);
    let (_, lost, _) = cut_at_random(&recording.as_if_normal(), control, &mut rng).await;
    say(&format!("G1 power cut, control with synchronous=NORMAL: {lost} of {control} images with a loss"));
    assert_eq!((lossy, alarms), (0, Vec::new()));
    assert!(lost > 0, "a check that finds no loss where there must be some is worth nothing");
}
