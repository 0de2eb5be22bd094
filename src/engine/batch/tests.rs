//! The batcher in virtual time, with a carrier that answers as it is told: who goes when, with whom, and how often.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock, Timestamp};
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::vendors::together::{Brought, Verb};

const WAIT: Duration = Duration::from_millis(75);
const START: Timestamp = Timestamp(1_795_000_000_000);

/// One batch as it was carried.
#[derive(Debug, Clone)]
struct Carried {
    at: Timestamp,
    keys: Vec<String>,
}

/// Answers each batch after a while, or never, or with a panic.
#[derive(Clone)]
struct Carrier {
    clock: ManualClock,
    /// Milliseconds until the answer, by the batch's number.
    takes: Vec<u64>,
    panics_at: Option<usize>,
    fails_at: Vec<usize>,
    carried: Arc<Mutex<Vec<Carried>>>,
    /// Keys on their way: a second one of a key is a broken promise.
    flying: Arc<Mutex<HashSet<String>>>,
}

impl Carrier {
    fn new(clock: &ManualClock) -> Self {
        Self {
            clock: clock.clone(),
            takes: vec![0],
            panics_at: None,
            fails_at: Vec::new(),
            carried: Arc::default(),
            flying: Arc::default(),
        }
    }

    fn carried(&self) -> Vec<Carried> {
        self.carried.lock().unwrap().clone()
    }
}

impl Carry for Carrier {
    fn carry<'a>(
        &'a self,
        _: &'a Endpoint,
        cargo: Vec<Cargo>,
    ) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>> {
        Box::pin(async move {
            let keys: Vec<String> = cargo.iter().map(|cargo| cargo.errand.key()).collect();
            let number = {
                let mut carried = self.carried.lock().unwrap();
                carried.push(Carried { at: self.clock.now(), keys: keys.clone() });
                let mut flying = self.flying.lock().unwrap();
                assert!(keys.iter().all(|key| flying.insert(key.clone())), "two of one record at once");
                carried.len() - 1
            };
            let takes = self.takes[number % self.takes.len()];
            self.clock.rest(Duration::from_millis(takes)).await;
            self.flying.lock().unwrap().retain(|key| !keys.contains(key));
            assert!(self.panics_at != Some(number), "a batch that goes wrong");
            let fails = self.fails_at.contains(&number);
            let outcome = |cargo: Cargo| {
                let result = match cargo.errand {
                    _ if fails => Err(VendorError::new(ErrorClass::Unavailable, "")),
                    Errand::Perform(Effect::Update { record, .. }) => Ok(Brought::Done(record)),
                    Errand::Read(record) => Ok(Brought::Record(Mirror {
                        record,
                        fields: Fields::new(),
                        vendor_updated_at: None,
                        companies: Vec::new(),
                        deleted: false,
                    })),
                    errand => panic!("{errand:?}"),
                };
                Outcome::Back(Returned { result, log: Vec::new() })
            };
            cargo.into_iter().map(outcome).collect()
        })
    }
}

fn record(id: usize) -> RecordRef {
    RecordRef::new(System::Hubspot, ObjectKind::Contact, id.to_string())
}

fn update(id: usize) -> Cargo {
    let errand = Errand::Perform(Effect::Update { record: record(id), fields: Fields::new() });
    Cargo { errand, urgency: Urgency::Usual, begin: None }
}

fn updates() -> Endpoint {
    Endpoint {
        connection: Connection::only(System::Hubspot),
        verb: Verb::Update,
        object: ObjectKind::Contact,
        by: String::new(),
    }
}

fn batcher(carrier: &Carrier, rows: usize) -> Batcher {
    Batcher::new(Arc::new(carrier.clock.clone()), Box::new(carrier.clone()), WAIT, rows)
}

/// One thread: whatever can run has run after enough yields, so nothing here waits for real time.
fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

fn went_well(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Back(Returned { result: Ok(_), .. }))
}

#[test]
fn a_lone_errand_goes_at_once() {
    runtime().block_on(async {
        let carrier = Carrier::new(&ManualClock::at(START));
        let batcher = batcher(&carrier, 100);
        let _seat = batcher.seat();
        assert!(went_well(&batcher.send(&updates(), update(1)).await));
        assert_eq!(carrier.carried()[0].at, START, "nobody was on the way, so nobody was waited for");
    });
}

#[test]
fn errands_wait_for_turns_on_their_way_and_no_longer_than_allowed() {
    runtime().block_on(async {
        let clock = ManualClock::at(START);
        let carrier = Carrier::new(&clock);
        let batcher = batcher(&carrier, 100);
        let seats: Vec<Seat> = (0..4).map(|_| batcher.seat()).collect();
        let mut sent = JoinSet::new();
        for id in 0..3 {
            let batcher = batcher.clone();
            sent.spawn(async move { batcher.send(&updates(), update(id)).await });
        }
        settle().await;
        assert!(carrier.carried().is_empty(), "the fourth turn may want the same");
        clock.advance(WAIT.saturating_sub(Duration::from_millis(1)));
        settle().await;
        assert!(carrier.carried().is_empty());
        clock.advance(Duration::from_millis(1));
        sent.join_all().await;
        assert_eq!(carrier.carried()[0].keys, ["0", "1", "2"]);
        // Once the others are done, or wait for a time themselves, nobody is waited for.
        let mut seats = seats.into_iter();
        seats.next();
        seats.next();
        let resting = batcher.rest();
        assert!(went_well(&batcher.send(&updates(), update(9)).await));
        drop(resting);
        assert_eq!(carrier.carried().len(), 2);
    });
}

#[test]
fn who_is_gone_is_not_sent_and_a_panic_is_heard_by_its_own_batch_only() {
    runtime().block_on(async {
        let clock = ManualClock::at(START);
        let mut carrier = Carrier::new(&clock);
        carrier.panics_at = Some(0);
        let batcher = batcher(&carrier, 100);
        let _seats: Vec<Seat> = (0..8).map(|_| batcher.seat()).collect();
        let mut sent = JoinSet::new();
        for id in 0..2 {
            let batcher = batcher.clone();
            sent.spawn(async move { batcher.send(&updates(), update(id)).await });
        }
        let other = batcher.clone();
        let gone = tokio::spawn(async move { other.send(&updates(), update(7)).await });
        settle().await;
        gone.abort();
        settle().await;
        let silence = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        clock.advance(WAIT);
        let outcomes = sent.join_all().await;
        std::panic::set_hook(silence);
        assert!(outcomes.iter().all(|outcome| !went_well(outcome)), "{outcomes:?}");
        assert_eq!(carrier.carried()[0].keys, ["0", "1"], "an aborted turn's errand was sent");
        // The line goes on, and no record of the lost batch is held for ever.
        let again = batcher.clone();
        let next = tokio::spawn(async move { again.send(&updates(), update(0)).await });
        settle().await;
        clock.advance(WAIT);
        assert!(went_well(&next.await.unwrap()));
    });
}

#[test]
fn while_whole_batches_fail_they_become_smaller_until_one_goes_well() {
    runtime().block_on(async {
        let clock = ManualClock::at(START);
        let mut carrier = Carrier::new(&clock);
        carrier.fails_at = vec![0];
        let batcher = batcher(&carrier, 100);
        let _seat: Vec<Seat> = (0..8).map(|_| batcher.seat()).collect();
        for round in 0..3 {
            let mut sent = JoinSet::new();
            for id in 0..8 {
                let batcher = batcher.clone();
                sent.spawn(async move { batcher.send(&updates(), update(round * 10 + id)).await });
            }
            sent.join_all().await;
        }
        let sizes: Vec<usize> = carrier.carried().iter().map(|carried| carried.keys.len()).collect();
        assert_eq!(sizes, [8, 4, 4, 8]);
    });
}

/// What arrives: after how many milliseconds, about which record.
type Arrivals = Vec<(u64, usize)>;

/// Everybody arrives, time passes; each errand's outcome, and how long it waited for its call.
fn play(arrivals: &Arrivals, seats: usize, takes: Vec<u64>, rows: usize) -> (Vec<Carried>, Vec<bool>) {
    runtime().block_on(async {
        let clock = ManualClock::at(START);
        let mut carrier = Carrier::new(&clock);
        carrier.takes = takes;
        let batcher = batcher(&carrier, rows);
        let _seats: Vec<Seat> = (0..seats.max(1)).map(|_| batcher.seat()).collect();
        let mut sent = JoinSet::new();
        for (number, (after, id)) in arrivals.iter().enumerate() {
            for _ in 0..*after {
                clock.advance(Duration::from_millis(1));
                settle().await;
            }
            let (batcher, id) = (batcher.clone(), *id);
            sent.spawn(async move { (number, batcher.send(&updates(), update(id)).await) });
            settle().await;
        }
        let mut outcomes = vec![false; arrivals.len()];
        let mut left = 10_000;
        while !sent.is_empty() {
            clock.advance(Duration::from_millis(1));
            settle().await;
            while let Some(ended) = sent.try_join_next() {
                let (number, outcome) = ended.expect("no panic");
                assert!(!outcomes[number], "two results");
                outcomes[number] = went_well(&outcome);
            }
            left -= 1;
            assert!(left > 0, "somebody waits for ever");
        }
        (carrier.carried(), outcomes)
    })
}

#[test]
#[expect(clippy::print_stderr, reason = "a guarantee's check prints its figure")]
fn g4_any_arrivals_are_answered_once_in_order_and_in_time() {
    let cases = std::env::var("REKNIT_BATCH_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let (errands, batches) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let longest = AtomicUsize::new(0);
    let input = (
        prop::collection::vec((prop_oneof![3 => Just(0_u64), 2 => 0_u64..40], 0_usize..12), 1..40),
        1_usize..60,
        prop::collection::vec(0_u64..120, 1..5),
        1_usize..9,
    );
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(&input, |(arrivals, seats, takes, rows)| {
            let (carried, outcomes) = play(&arrivals, seats, takes.clone(), rows);
            errands.fetch_add(arrivals.len(), Ordering::Relaxed);
            batches.fetch_add(carried.len(), Ordering::Relaxed);
            prop_assert!(outcomes.iter().all(|well| *well));
            prop_assert!(carried.iter().all(|batch| batch.keys.len() <= rows));
            let sent: usize = carried.iter().map(|batch| batch.keys.len()).sum();
            prop_assert_eq!(sent, arrivals.len(), "each was sent once");
            // By record, the n-th that arrived is the n-th that went: nobody overtakes, and nobody waits longer than
            // allowed but for those before it about the same record.
            let mut at = START;
            let mut seen: HashMap<usize, usize> = HashMap::new();
            let slowest = takes.iter().max().copied().unwrap_or(0) as i64;
            for (after, id) in &arrivals {
                at = at.plus(Duration::from_millis(*after));
                let earlier = *seen.entry(*id).and_modify(|count| *count += 1).or_insert(0);
                let key = id.to_string();
                let went = carried.iter().filter(|batch| batch.keys.contains(&key)).nth(earlier);
                let Some(went) = went else { return Err(TestCaseError::fail("it never went")) };
                let waited = went.at.since(at);
                let bound = WAIT.as_millis() as i64 + earlier as i64 * (WAIT.as_millis() as i64 + slowest);
                prop_assert!((0..=bound).contains(&waited), "{} ms of {}", waited, bound);
                if earlier == 0 {
                    longest.fetch_max(waited as usize, Ordering::Relaxed);
                }
            }
            Ok(())
        })
        .expect("holds");
    eprintln!(
        "G4 batches: {cases} cases, {} errands in {} batches, each once and in its record's order; longest wait for \
         company {} ms of {}",
        errands.into_inner(),
        batches.into_inner(),
        longest.into_inner(),
        WAIT.as_millis()
    );
}
