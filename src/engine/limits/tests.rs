//! Pace: whatever several processes do on one journal, no window of the vendor's holds more calls than it allows.

use std::sync::Arc;

use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::limit::GUARD;

const START: Timestamp = Timestamp(1_795_000_000_000);

/// One process: its own handle on the journal's file, its own limits.
struct Process {
    limits: Limits,
    /// Admitted and not sent yet.
    begun: u32,
}

struct Desk {
    clock: ManualClock,
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Desk {
    fn new(hubspot: u32) -> Self {
        let settings = Settings { hubspot_calls_per_10_seconds: hubspot, ..Settings::default() };
        Self { clock: ManualClock::at(START), folder: tempfile::tempdir().unwrap(), settings }
    }

    fn process(&self) -> Process {
        let clock: SharedClock = Arc::new(self.clock.clone());
        let journal = Journal::open(&self.folder.path().join("journal.db"), clock.clone()).unwrap();
        Process { limits: Limits::new(clock, journal, &self.settings), begun: 0 }
    }
}

fn hubspot() -> Connection {
    Connection::only(System::Hubspot)
}

/// The most calls that any stretch of this length holds.
fn fullest(sent: &mut [i64], length: i64) -> usize {
    sent.sort_unstable();
    (0..sent.len())
        .map(|first| sent[first..].iter().take_while(|at| **at - sent[first] < length).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn r19_no_window_of_ten_seconds_holds_more_calls_than_allowed() {
    let desk = Desk::new(110);
    let process = desk.process();
    let mut sent: Vec<i64> = Vec::new();
    let mut waits = 0;
    while sent.len() < 500 {
        match process.limits.admit(&hubspot(), Family::General, Urgency::Usual).await {
            Ok(()) => {
                drop(process.limits.pass(&hubspot(), Family::General).await);
                sent.push(desk.clock.now().0);
            }
            Err(parked) => {
                let wait = parked.until.since(desk.clock.now());
                assert!(wait > 0 && parked.soon);
                desk.clock.advance(Duration::from_millis(wait as u64));
                waits += 1;
            }
        }
    }
    assert_eq!(fullest(&mut sent, 10_000), 110);
    // Full speed: the window is used to its last call, and refilled as soon as it has passed.
    assert_eq!(waits, 4);
    assert_eq!(desk.clock.now(), START.plus(4 * (Duration::from_secs(10) + GUARD)));
}

#[derive(Debug, Clone)]
enum Step {
    /// Time passes.
    Pass(u64),
    /// A process wants so many calls and makes them at once.
    Call(usize, u32),
    /// A process is admitted and makes the call later.
    Begin(usize),
    /// It makes the calls it was admitted to.
    Finish(usize),
    /// It is killed, and another one starts in its place.
    Kill(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop_oneof![0_u64..40, 0_u64..400, 0_u64..4_000].prop_map(Step::Pass),
        4 => (0_usize..3, 1_u32..12).prop_map(|(process, calls)| Step::Call(process, calls)),
        2 => (0_usize..3).prop_map(Step::Begin),
        2 => (0_usize..3).prop_map(Step::Finish),
        1 => (0_usize..3).prop_map(Step::Kill),
    ];
    proptest::collection::vec(step, 40..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn processes_of_one_journal_share_its_windows(steps in steps(), most in 5_u32..30) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fullest = runtime.block_on(async {
            let desk = Desk::new(most);
            let mut processes = vec![desk.process(), desk.process(), desk.process()];
            let mut sent = Vec::new();
            for step in steps {
                match step {
                    Step::Pass(milliseconds) => {
                        // A worker wakes up at least twice a second.
                        for part in std::iter::repeat_n(400, (milliseconds / 400) as usize).chain([milliseconds % 400]) {
                            desk.clock.advance(Duration::from_millis(part));
                            for process in &processes {
                                process.limits.tell().await;
                            }
                        }
                    }
                    Step::Call(which, calls) => {
                        let process = &processes[which];
                        for _ in 0..calls {
                            if process.limits.admit(&hubspot(), Family::General, Urgency::Usual).await.is_err() {
                                break;
                            }
                            drop(process.limits.pass(&hubspot(), Family::General).await);
                            sent.push(desk.clock.now().0);
                        }
                    }
                    Step::Begin(which) => {
                        let process = &mut processes[which];
                        let admitted = process.limits.admit(&hubspot(), Family::General, Urgency::Usual).await;
                        process.begun += u32::from(admitted.is_ok());
                    }
                    Step::Finish(which) => {
                        let begun = std::mem::take(&mut processes[which].begun);
                        let connection = hubspot();
                        for _ in 0..begun {
                            // Where the promise has lapsed the gate waits for a window, so time has to pass.
                            let mut pass = processes[which].limits.pass(&connection, Family::General);
                            while (&mut pass).now_or_never().is_none() {
                                tokio::task::yield_now().await;
                                desk.clock.advance(Duration::from_millis(1));
                                for process in &processes {
                                    process.limits.tell().await;
                                }
                            }
                            sent.push(desk.clock.now().0);
                        }
                    }
                    Step::Kill(which) => {
                        // What it made later than admitted within its last second is lost with it: the documented
                        // price. All else it held lapses with the window.
                        desk.clock.advance(Duration::from_secs(1));
                        for process in &processes {
                            process.limits.tell().await;
                        }
                        processes[which] = desk.process();
                    }
                }
            }
            fullest(&mut sent, 10_000)
        });
        prop_assert!(fullest <= most as usize, "{fullest} calls within 10 s, allowed are {most}");
    }
}

#[tokio::test]
async fn a_killed_process_costs_the_window_no_more_than_its_block() {
    let desk = Desk::new(190);
    let killed = desk.process();
    // It has shown that it uses calls up at once, so it takes blocks.
    for _ in 0..20 {
        killed.limits.admit(&hubspot(), Family::General, Urgency::Usual).await.unwrap();
        drop(killed.limits.pass(&hubspot(), Family::General).await);
    }
    drop(killed);
    let next = desk.process();
    let mut calls = 0;
    while next.limits.admit(&hubspot(), Family::General, Urgency::Usual).await.is_ok() {
        drop(next.limits.pass(&hubspot(), Family::General).await);
        calls += 1;
    }
    assert!((190 - 20 - 19..=190 - 20).contains(&calls), "{calls}");
}

#[tokio::test]
async fn searches_have_a_limit_of_their_own() {
    let desk = Desk::new(100);
    let process = desk.process();
    for _ in 0..5 {
        process.limits.admit(&hubspot(), Family::Search, Urgency::Usual).await.unwrap();
    }
    let parked = process.limits.admit(&hubspot(), Family::Search, Urgency::Usual).await.unwrap_err();
    assert_eq!(parked.until, START.plus(Duration::from_secs(1) + GUARD));
    assert_eq!(parked.why, "our limit of 5 calls in 1 s to HubSpot");
    process.limits.admit(&hubspot(), Family::General, Urgency::Usual).await.unwrap();
}

#[tokio::test]
async fn what_one_process_is_told_closes_the_connection_for_the_other() {
    let desk = Desk::new(100);
    let (one, other) = (desk.process(), desk.process());
    let until = START.plus(Duration::from_secs(60));
    one.limits.close(&hubspot(), Family::General, until, "HubSpot's rate limit");
    let parked = one.limits.admit(&hubspot(), Family::General, Urgency::Operator).await.unwrap_err();
    assert_eq!((parked.until, parked.soon), (until, false));
    one.limits.tell().await;
    let parked = other.limits.admit(&hubspot(), Family::General, Urgency::Usual).await.unwrap_err();
    assert_eq!((parked.until, parked.why.as_str()), (until, "HubSpot's rate limit"));
    assert_eq!(other.limits.closed(&hubspot(), Urgency::Usual).map(|parked| parked.until), Some(until));
    desk.clock.advance(Duration::from_secs(60));
    other.limits.admit(&hubspot(), Family::General, Urgency::Usual).await.unwrap();
}
