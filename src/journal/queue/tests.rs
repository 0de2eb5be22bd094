//! The queue under attack: leases, deaths, clocks, order, fairness. Each test prints its figure.
//!
//! `REKNIT_QUEUE_EVENTS=10000` shuffles so many events (1,000 else), `REKNIT_QUEUE_ROWS=1000000` claims from a backlog
//! of so many rows (20,000 else).

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::Priority;
use crate::domain::pause::{Pause, PauseScope};
use crate::domain::plan::{Effect, Step, StepState};
use crate::domain::record::{Connection as Account, ObjectKind, System};
use crate::journal::holds::Shelf;
use crate::journal::intake::{Appended, Disposition, NewExecution};

pub(super) const LEASE: Duration = Duration::from_secs(60);
pub(super) const NOW: Timestamp = Timestamp(1_795_000_000_000);
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Figures belong to whoever reads the test's output, passed or not.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

pub(super) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

pub(super) struct Desk {
    pub(super) clock: ManualClock,
    folder: tempfile::TempDir,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { clock: ManualClock::at(NOW), folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.db")
    }

    /// A handle of its own, as a process has.
    pub(super) fn journal(&self) -> Journal {
        open(&self.path(), &self.clock)
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn open(path: &Path, clock: &ManualClock) -> Journal {
    Journal::open(path, Arc::new(clock.clone())).expect("a journal")
}

pub(super) fn record(id: &str) -> RecordRef {
    RecordRef::new(System::Intercom, ObjectKind::Contact, id)
}

pub(super) fn incoming(
    key: &str,
    id: &str,
    priority: Priority,
    due_at: Timestamp,
) -> (NewEvent, Disposition) {
    let event = NewEvent {
        connection: Account::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.into(),
        topic: "contact.user.updated".into(),
        kind: EventKind::ContactUpdated,
        record: Some(record(id)),
        occurred_at: None,
        sent: Sent::default(),
        body: "{}".into(),
    };
    let execution = NewExecution {
        recipe: "contact-to-crm".into(),
        subject: format!("Person {id}"),
        record: Some(record(id)),
        person: None,
        lane: record(id).to_string(),
        priority,
        due_at,
        sentence: "Waits for a worker.".into(),
        max_attempts: 12,
    };
    (event, Disposition::Run(vec![execution]))
}

async fn queue(journal: &Journal, key: &str, id: &str) -> ExecutionId {
    queue_as(journal, key, id, Priority::Live).await
}

async fn queue_as(journal: &Journal, key: &str, id: &str, priority: Priority) -> ExecutionId {
    match journal.append(vec![incoming(key, id, priority, journal.now())]).await.expect("stored")[0] {
        Appended::Queued(_, id) => id,
        other => panic!("not queued: {other:?}"),
    }
}

async fn settle_as(journal: &Journal, claim: &Claim, status: Status, due_at: Option<Timestamp>) {
    let settlement = Settlement { due_at, ..Settlement::default() };
    journal.settle(claim.execution.id, claim.token, status, settlement).await.expect("settled");
}

async fn row(journal: &Journal, id: ExecutionId) -> Execution {
    journal.execution(id).await.expect("read").expect("there").execution
}

/// A plan whose one step creates something and has begun.
pub(super) fn begun() -> Intent {
    let mut step = Step::new(
        "Create HubSpot contact",
        Effect::Create {
            connection: Account::only(System::Hubspot),
            object: ObjectKind::Contact,
            fields: serde_json::Map::new(),
            identity: "email".into(),
            related: Vec::new(),
        },
    );
    step.state = StepState::Begun;
    Intent { plan: Plan { steps: vec![step], ..Plan::default() }, ..Intent::default() }
}

async fn lane_of(journal: &Journal, id: ExecutionId) -> String {
    journal
        .read(move |connection| {
            Ok(connection.query_row("SELECT lane FROM executions WHERE id = ?1", [id.0], |row| row.get(0))?)
        })
        .await
        .expect("read")
}

#[tokio::test]
async fn g5_a_turn_longer_than_its_lease_keeps_it_and_a_silent_one_loses_it() {
    let desk = Desk::new();
    let (worker, other) = (desk.journal(), desk.journal());
    let id = queue(&worker, "a", "p1").await;
    let silent = queue(&worker, "b", "p2").await;
    let claims = worker.claim(8, LEASE).await.expect("claims");
    let mut taken_after = None;
    for quarter in 1..=40 {
        desk.pass(15);
        let held = vec![(id, claims[0].token)];
        assert!(worker.renew(held, LEASE).await.expect("renewed").is_empty());
        if other.rescue().await.expect("looked") == 1 {
            assert_eq!(taken_after.replace(quarter * 15), None, "only the silent one, and once");
        }
    }
    let lost = worker.renew(vec![(silent, claims[1].token)], LEASE).await.expect("asked");
    assert_eq!(lost, [silent], "its worker is told");
    settle_as(&worker, &claims[0], Status::Succeeded, None).await;
    let taken_after = taken_after.expect("taken");
    say(&format!(
        "G5 leases of 60 s: one renewed for 600 s was kept; one without a beat was taken after {taken_after} s"
    ));
    assert!(taken_after <= 90);
    // Beats are nothing to show.
    let changes = worker.change_number().await.expect("read");
    let claim = worker.claim(1, LEASE).await.expect("claims").remove(0);
    let claimed = worker.change_number().await.expect("read");
    worker.renew(vec![(silent, claim.token)], LEASE).await.expect("renewed");
    assert!(claimed > changes && worker.change_number().await.expect("read") == claimed);
}

#[tokio::test]
async fn g12_no_jump_of_the_clock_takes_a_lease_or_keeps_work_waiting() {
    let jumps = [HOUR, -HOUR, DAY, -DAY, -NOW.0, 2_147_483_647_000 - NOW.0];
    let mut longest = 0;
    for jump in jumps {
        let desk = Desk::new();
        let (worker, other) = (desk.journal(), desk.journal());
        let running = queue(&worker, "running", "p0").await;
        let claim = worker.claim(1, LEASE).await.expect("claims").remove(0);
        assert_eq!(other.rescue().await.expect("looked"), 0);
        // Old work that was put off for a minute two days ago and again now, new work, and work that waits its turn.
        let old = queue(&worker, "old", "p1").await;
        desk.pass(2 * 24 * 3_600);
        worker.renew(vec![(running, claim.token)], LEASE).await.expect("renewed");
        let waits = worker.claim(1, LEASE).await.expect("claims").remove(0);
        assert_eq!(waits.execution.id, old);
        settle_as(&worker, &waits, Status::Retrying, Some(desk.clock.now().plus(Duration::from_secs(40))))
            .await;
        let fresh = queue(&worker, "fresh", "p2").await;
        let after = queue(&worker, "after", "p2").await;
        let behind = queue(&worker, "behind", "p0").await;

        let before = desk.clock.now();
        desk.clock.set(Timestamp(before.0 + jump));
        let mut ends = HashMap::new();
        for second in 0..=60 {
            if second == 1 && jump < 0 {
                // As the worker does when it notices.
                worker.redate(Some(jump)).await.expect("redated");
            }
            for claim in worker.claim(8, LEASE).await.expect("claims") {
                assert_eq!(ends.insert(claim.execution.id, second), None, "run twice");
                settle_as(&worker, &claim, Status::Succeeded, None).await;
            }
            if second % 15 == 0 {
                assert!(worker.renew(vec![(running, claim.token)], LEASE).await.expect("renewed").is_empty());
            }
            assert_eq!(other.rescue().await.expect("looked"), 0, "nobody takes a living worker's work");
            desk.pass(1);
        }
        assert_eq!(ends.len(), 3, "{jump}: {ends:?}");
        assert!(ends[&fresh] <= ends[&after], "in order");
        assert!(!ends.contains_key(&behind));
        if jump < 0 {
            assert!((39..=42).contains(&ends[&old]), "{jump}: it waits as long as it was meant to: {ends:?}");
        }
        settle_as(&worker, &claim, Status::Succeeded, None).await;
        assert_eq!(worker.claim(8, LEASE).await.expect("claims")[0].execution.id, behind);
        longest = longest.max(ends.values().copied().max().unwrap_or(0));
    }
    say(&format!(
        "G12 clock set by +-1 h, +-1 day, to 1970 and to 2038: 6 running kept, 18 waiting ran once, the last after {longest} s \
         (it was to wait 40 s)"
    ));
}

#[tokio::test]
async fn g12_held_work_keeps_its_wait_though_the_clock_is_set_back() {
    for jump in [None, Some(-HOUR), Some(-DAY)] {
        let desk = Desk::new();
        let journal = desk.journal();
        let count = 5_000;
        let due = desk.clock.now().plus(Duration::from_secs(20));
        let events =
            (0..count).map(|n| incoming(&format!("k{n}"), &format!("p{}", n % 10), Priority::Live, due));
        journal.append(events.collect()).await.expect("stored");
        let scope = PauseScope::recipe("contact-to-crm");
        let pause = Pause {
            scope: scope.clone(),
            actor: "olga".into(),
            reason: String::new(),
            since: desk.clock.now(),
            until: None,
        };
        journal.pause(pause.clone()).await.expect("paused");
        let shelf = Shelf { recipes: vec!["contact-to-crm".into()], records_of: None };
        while journal.shelve(&pause, shelf.clone()).await.expect("held") > 0 {}
        assert_eq!(journal.next_due().await.expect("read"), None, "all of it is held");
        desk.clock.set(Timestamp(desk.clock.now().0 + jump.unwrap_or(-DAY)));
        assert_eq!(journal.redate(jump).await.expect("redated"), count);
        assert!(jump.is_some() || journal.redate(None).await.expect("redated") == 0, "once is enough");
        assert!(journal.resume(scope, "olga".into()).await.expect("resumed"));
        while journal.release_ended().await.expect("let go") > 0 {}
        let next = journal.next_due().await.expect("read").expect("waits");
        assert_eq!(next.since(desk.clock.now()), 20_000, "{jump:?}");
        desk.pass(20);
        let claims = journal.claim(8, LEASE).await.expect("claims");
        let ids: Vec<i64> = claims.iter().map(|claim| claim.execution.id.0).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8], "in the old order");
    }
}

#[tokio::test]
async fn g12_work_queued_before_a_restart_with_the_clock_set_back_is_not_stuck() {
    let desk = Desk::new();
    let journal = desk.journal();
    let count = 5_000;
    let due = desk.clock.now().plus(Duration::from_secs(20));
    let events = (0..count).map(|n| incoming(&format!("k{n}"), &format!("p{}", n % 10), Priority::Live, due));
    journal.append(events.collect()).await.expect("stored");
    drop(journal);
    desk.clock.set(Timestamp(NOW.0 - DAY));
    let journal = desk.journal();
    assert_eq!(journal.redate(None).await.expect("redated"), count);
    assert_eq!(journal.redate(None).await.expect("redated"), 0, "once is enough");
    let next = journal.next_due().await.expect("read").expect("waits");
    assert_eq!(next.since(desk.clock.now()), 20_000);
    desk.pass(20);
    let claims = journal.claim(8, LEASE).await.expect("claims");
    let ids: Vec<i64> = claims.iter().map(|claim| claim.execution.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8], "in the old order");
}

#[tokio::test]
async fn g6_what_kills_its_process_is_quarantined_after_three_starts_and_takes_nobody_with_it() {
    let desk = Desk::new();
    let journal = desk.journal();
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(queue(&journal, &format!("k{number}"), &format!("p{number}")).await);
    }
    let poison = ids[3];
    let mut starts: HashMap<ExecutionId, u32> = HashMap::new();
    let mut deaths = 0;
    // A worker of eight places: who is left when one ends is still running when the next is claimed.
    let mut running: Vec<Claim> = Vec::new();
    let mut alone = false;
    loop {
        if !alone && running.len() < 8 {
            let free = 8 - running.len();
            for claim in journal.claim_beside(running.len(), free, LEASE).await.expect("claims") {
                *starts.entry(claim.execution.id).or_default() += 1;
                alone |= claim.alone;
                running.push(claim);
            }
        }
        if alone {
            assert_eq!(running.len(), 1, "nothing runs beside a suspect");
        }
        if running.is_empty() {
            break;
        }
        if running.iter().any(|claim| claim.execution.id == poison) {
            deaths += 1;
            running.clear();
            journal.rescue_all().await.expect("taken over");
        } else {
            let claim = running.remove(0);
            settle_as(&journal, &claim, Status::Succeeded, None).await;
        }
        alone &= !running.is_empty();
    }
    let mut quarantined = 0;
    for id in &ids {
        let row = row(&journal, *id).await;
        quarantined += usize::from(row.sentence.starts_with("Quarantined"));
        assert_eq!(row.status, if *id == poison { Status::Failed } else { Status::Succeeded });
    }
    let most = starts.iter().filter(|(id, _)| **id != poison).map(|(_, starts)| *starts).max();
    say(&format!(
        "G6 poison among 40: {} starts, {deaths} deaths, {quarantined} quarantined, innocent ones started {} times at most",
        starts[&poison],
        most.unwrap_or(0)
    ));
    assert_eq!((starts[&poison], deaths, quarantined, most), (3, 3, 1, Some(2)));
    assert!(
        journal.audit_entries(10).await.expect("read").iter().any(|line| line.entry.verb == "quarantine")
    );
    // A human's retry counts from zero.
    journal.retry(vec![poison], "ana".into()).await.expect("asked");
    let claim = journal.claim(8, LEASE).await.expect("claims").remove(0);
    assert!(!claim.alone, "a human looked at it");
    journal.rescue_all().await.expect("taken over");
    assert_eq!(row(&journal, poison).await.status, Status::Pending);
}

#[tokio::test]
async fn g3_a_quarantined_doubt_goes_on_holding_its_person_and_they_say_so() {
    let desk = Desk::new();
    let journal = desk.journal();
    let head = queue(&journal, "a", "p1").await;
    let earlier = queue(&journal, "b", "p1").await;
    for _ in 0..3 {
        let claim = journal.claim(1, LEASE).await.expect("claims").remove(0);
        assert_eq!(claim.execution.id, head);
        journal.begin(head, claim.token, begun(), LEASE).await.expect("begun");
        journal.rescue_all().await.expect("taken over");
        desk.pass(10);
    }
    let later = queue(&journal, "c", "p1").await;
    let free = queue(&journal, "d", "p2").await;
    desk.pass(1_000_000);
    let claims = journal.claim(8, LEASE).await.expect("claims");
    assert_eq!(claims.iter().map(|claim| claim.execution.id).collect::<Vec<_>>(), [free]);
    for id in [earlier, later] {
        let detail = journal.execution(id).await.expect("read").expect("there");
        assert_eq!(detail.waits_for, Some(head));
        assert!(
            detail.execution.sentence.contains(&format!("Waits for {head}")),
            "{}",
            detail.execution.sentence
        );
    }
    journal.retry(vec![head], "ana".into()).await.expect("asked");
    let claim = journal.claim(8, LEASE).await.expect("claims").remove(0);
    assert_eq!(
        (claim.execution.id, claim.execution.status),
        (head, Status::InDoubt),
        "it is looked up first"
    );
    settle_as(&journal, &claim, Status::Succeeded, None).await;
    let next = journal.claim(8, LEASE).await.expect("claims").remove(0);
    assert_eq!(next.execution.id, earlier);
    say(
        "G3 quarantined in doubt: 2 later events of the person waited 11 days, went on when a human had it looked up",
    );
}

#[tokio::test]
async fn g5_a_stop_gives_back_what_did_not_end_and_counts_no_death() {
    let desk = Desk::new();
    let journal = desk.journal();
    let plain = queue(&journal, "a", "p1").await;
    let create = queue(&journal, "b", "p2").await;
    for _ in 0..5 {
        let claims = journal.claim(8, LEASE).await.expect("claims");
        assert_eq!(claims.len(), 2);
        let held: Vec<_> = claims.iter().map(|claim| (claim.execution.id, claim.token)).collect();
        journal
            .begin(
                create,
                claims.iter().find(|claim| claim.execution.id == create).expect("claimed").token,
                begun(),
                LEASE,
            )
            .await
            .expect("begun");
        assert_eq!(journal.give_back(held.clone()).await.expect("given back"), 2);
        assert_eq!(journal.give_back(held).await.expect("asked"), 0, "once");
        assert_eq!(row(&journal, plain).await.status, Status::Pending);
        assert_eq!(row(&journal, create).await.status, Status::InDoubt);
        desk.pass(4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_two_terminals_and_a_thousand_retries_make_a_thousand_runs() {
    const COUNT: usize = 1_000;
    let desk = Desk::new();
    let (one, two) = (desk.journal(), desk.journal());
    let now = desk.clock.now();
    let events =
        (0..COUNT).map(|n| incoming(&format!("k{n}"), &format!("p{n}"), Priority::Live, now)).collect();
    one.append(events).await.expect("stored");
    let mut ids = Vec::new();
    loop {
        let claims = one.claim(500, LEASE).await.expect("claims");
        if claims.is_empty() {
            break;
        }
        for claims in claims.chunks(250) {
            futures_util::future::join_all(
                claims.iter().map(|claim| settle_as(&one, claim, Status::Failed, None)),
            )
            .await;
        }
        ids.extend(claims.iter().map(|claim| claim.execution.id));
    }
    assert_eq!(ids.len(), COUNT);
    let runs = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicU64::new(0));
    let workers = [one.clone(), two.clone()].map(|journal| {
        let (runs, done) = (Arc::clone(&runs), Arc::clone(&done));
        tokio::spawn(async move {
            loop {
                // Both terminals had ended before this look: what it does not find is not there.
                let last = done.load(Ordering::SeqCst) == 2;
                let claims = journal.claim(8, LEASE).await.unwrap_or_default();
                if claims.is_empty() && last {
                    return;
                }
                for claim in &claims {
                    runs.fetch_add(1, Ordering::SeqCst);
                    settle_as(&journal, claim, Status::Succeeded, None).await;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let terminals = [one.clone(), two].map(|journal| {
        let (ids, done) = (ids.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut accepted = 0;
            for ids in ids.chunks(200) {
                let presses = ids.iter().map(|id| journal.retry(vec![*id], "ana".into()));
                for report in futures_util::future::join_all(presses).await {
                    accepted += report.expect("stored").queued.len();
                }
            }
            done.fetch_add(1, Ordering::SeqCst);
            accepted
        })
    });
    let mut accepted = 0;
    for terminal in terminals {
        accepted += terminal.await.expect("ended well");
    }
    for worker in workers {
        worker.await.expect("ended well");
    }
    let runs = runs.load(Ordering::SeqCst);
    say(&format!(
        "G5 retry pressed {} times from two terminals for {COUNT} executions ({accepted} accepted): {runs} runs",
        2 * COUNT
    ));
    assert_eq!(runs, COUNT as u64);
    assert_eq!(one.verify_audit().await.expect("read").broken, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_shuffled_events_on_fifty_records_end_as_the_sorted_replay_without_an_overlap() {
    const RECORDS: usize = 50;
    let count = usize::try_from(number("REKNIT_QUEUE_EVENTS", 1_000)).expect("a count");
    let seed = number("REKNIT_QUEUE_SEED", 4);
    let mut rng = fastrand::Rng::with_seed(seed);
    let desk = Desk::new();
    let journals = [desk.journal(), desk.journal()];
    // The source: each change has a number, and its event arrives at any later moment.
    let source: Arc<Vec<AtomicU64>> = Arc::new((0..RECORDS).map(|_| AtomicU64::new(0)).collect());
    let target: Arc<Vec<AtomicU64>> = Arc::new((0..RECORDS).map(|_| AtomicU64::new(0)).collect());
    let busy: Arc<Vec<AtomicU64>> = Arc::new((0..RECORDS).map(|_| AtomicU64::new(0)).collect());
    let (overlaps, older, runs) =
        (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let fed = Arc::new(AtomicU64::new(0));
    let mut changes: Vec<(usize, u64)> = Vec::new();
    let mut sorted = vec![0_u64; RECORDS];
    for _ in 0..count {
        let record = rng.usize(..RECORDS);
        sorted[record] += 1;
        changes.push((record, sorted[record]));
    }
    let mut shuffled = changes.clone();
    rng.shuffle(&mut shuffled);
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let journal = journals[worker % 2].clone();
            let (source, target, busy) = (Arc::clone(&source), Arc::clone(&target), Arc::clone(&busy));
            let (overlaps, older, runs) = (Arc::clone(&overlaps), Arc::clone(&older), Arc::clone(&runs));
            let fed = Arc::clone(&fed);
            tokio::spawn(async move {
                loop {
                    let last = fed.load(Ordering::SeqCst) == 1;
                    let claims = journal.claim(2, LEASE).await.unwrap_or_default();
                    if claims.is_empty() && last {
                        return;
                    }
                    for claim in &claims {
                        let id = &claim.execution.record.as_ref().expect("a record").id;
                        let place: usize = id.trim_start_matches('p').parse().expect("a number");
                        if busy[place].fetch_add(1, Ordering::SeqCst) > 0 {
                            overlaps.fetch_add(1, Ordering::SeqCst);
                        }
                        // What an execution does: read what is so now, and a moment later write it.
                        let value = source[place].load(Ordering::SeqCst);
                        for _ in 0..3 {
                            tokio::task::yield_now().await;
                        }
                        if target[place].swap(value, Ordering::SeqCst) > value {
                            older.fetch_add(1, Ordering::SeqCst);
                        }
                        busy[place].fetch_sub(1, Ordering::SeqCst);
                        runs.fetch_add(1, Ordering::SeqCst);
                        settle_as(&journal, claim, Status::Succeeded, None).await;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // Changes happen in their order; the events come shuffled, also before later changes of the same record.
    for (batch, (made, told)) in changes.chunks(20).zip(shuffled.chunks(20)).enumerate() {
        for (record, number) in made {
            source[*record].store(*number, Ordering::SeqCst);
        }
        let now = desk.clock.now();
        let events = told.iter().map(|(record, number)| {
            incoming(&format!("{record}-{number}"), &format!("p{record}"), Priority::Live, now)
        });
        journals[batch % 2].append(events.collect()).await.expect("stored");
    }
    // An event of each record's last change may have come before that change: a sweep brings what was told too early.
    let now = desk.clock.now();
    let sweep = (0..RECORDS)
        .map(|record| incoming(&format!("sweep-{record}"), &format!("p{record}"), Priority::Live, now));
    journals[0].append(sweep.collect()).await.expect("stored");
    fed.store(1, Ordering::SeqCst);
    for worker in workers {
        worker.await.expect("ended well");
    }
    // A worker may have looked for the last time while another held a lane's head.
    while let Some(claim) = journals[0].claim(1, LEASE).await.expect("claims").pop() {
        let id = claim.execution.record.as_ref().expect("a record").id.clone();
        let place: usize = id.trim_start_matches('p').parse().expect("a number");
        target[place].store(source[place].load(Ordering::SeqCst), Ordering::SeqCst);
        runs.fetch_add(1, Ordering::SeqCst);
        settle_as(&journals[0], &claim, Status::Succeeded, None).await;
    }
    let ended: Vec<u64> = target.iter().map(|value| value.load(Ordering::SeqCst)).collect();
    let (overlaps, older, runs) =
        (overlaps.load(Ordering::SeqCst), older.load(Ordering::SeqCst), runs.load(Ordering::SeqCst));
    say(&format!(
        "G4 {count} shuffled events on {RECORDS} records, 8 workers, 2 processes' handles, seed {seed}: {runs} runs, {overlaps} overlaps, \
         {older} older values over newer ones, final state {} the sorted replay",
        if ended == sorted { "equals" } else { "differs from" }
    ));
    assert_eq!((overlaps, older, runs), (0, 0, (count + RECORDS) as u64));
    assert_eq!(ended, sorted);
}

#[tokio::test]
async fn g4_records_that_become_one_person_share_a_lane_and_part_with_it() {
    let desk = Desk::new();
    let journal = desk.journal();
    let mut ids = BTreeMap::new();
    for name in ["a", "b", "c", "d"] {
        ids.insert(name, queue(&journal, name, name).await);
    }
    // Tied after they were queued.
    journal.unite(vec![(vec![record("b"), record("c")], Vec::new())]).await.expect("united");
    assert_eq!(lane_of(&journal, ids["b"]).await, lane_of(&journal, ids["c"]).await);
    let claims = journal.claim(8, LEASE).await.expect("claims");
    let claimed: Vec<ExecutionId> = claims.iter().map(|claim| claim.execution.id).collect();
    assert_eq!(claimed, [ids["a"], ids["b"], ids["d"]], "one of the person at a time");
    // b is absorbed by a: both are running; whatever waits of either waits for both.
    let head = &claims[2];
    let settlement = Settlement { remapped: vec![(record("b"), record("a"))], ..Settlement::default() };
    journal.settle(head.execution.id, head.token, Status::Succeeded, settlement).await.expect("settled");
    let lane = lane_of(&journal, ids["a"]).await;
    for name in ["b", "c"] {
        assert_eq!(lane_of(&journal, ids[name]).await, lane, "{name}");
    }
    let late = queue(&journal, "late", "c").await;
    assert_eq!(lane_of(&journal, late).await, lane);
    assert!(journal.claim(8, LEASE).await.expect("claims").is_empty());
    // a, after which the lane is named, is gone: its person goes on under another name, together.
    let settlement = Settlement { gone: vec![record("a")], ..Settlement::default() };
    journal.settle(ids["a"], claims[0].token, Status::Succeeded, settlement).await.expect("settled");
    let after = queue(&journal, "after", "c").await;
    let lanes =
        [lane_of(&journal, ids["c"]).await, lane_of(&journal, late).await, lane_of(&journal, after).await];
    assert!(lanes.iter().all(|lane| *lane == lanes[0] && *lane == record("c").to_string()), "{lanes:?}");
    // And a record that comes back as a stranger has a lane of its own.
    let back = queue(&journal, "back", "a").await;
    assert_eq!(lane_of(&journal, back).await, record("a").to_string());
}

#[tokio::test]
async fn g4_no_priority_waits_forever() {
    let desk = Desk::new();
    let journal = desk.journal();
    let mut number = 0;
    let mut flood = async |priority, count: usize| {
        let now = desk.clock.now();
        let events = (0..count).map(|_| {
            number += 1;
            incoming(&format!("k{number}"), &format!("p{number}"), priority, now)
        });
        journal.append(events.collect()).await.expect("stored");
    };
    flood(Priority::Background, 100).await;
    flood(Priority::Live, 100).await;
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..60 {
        // However much is done, as much urgent work comes in.
        flood(Priority::Operator, 4).await;
        for claim in journal.claim(4, LEASE).await.expect("claims") {
            *shares.entry(claim.execution.priority.as_str()).or_default() += 1;
            settle_as(&journal, &claim, Status::Succeeded, None).await;
        }
    }
    say(&format!("G4 shares of 240 starts while operators' work never ends: {shares:?}"));
    assert!(shares["operator"] >= 120 && shares["live"] >= 24 && shares["background"] >= 24, "{shares:?}");
}

#[tokio::test]
async fn g5_claiming_stays_fast_however_long_the_backlog() {
    let desk = Desk::new();
    let journal = desk.journal();
    let plans = journal
        .read(|connection| {
            let mut plans = Vec::new();
            for sql in [due(0), due(2), due_suspects(), due_one()] {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let found =
                    statement.query_map(params![0, 8, None::<i64>], |row| row.get::<_, String>("detail"))?;
                plans.push(found.collect::<std::result::Result<Vec<_>, _>>()?);
            }
            Ok(plans)
        })
        .await
        .expect("explained");
    for plan in &plans {
        assert!(
            !plan.iter().any(|line| line.contains("TEMP B-TREE") || line.starts_with("SCAN other")),
            "{plans:#?}"
        );
        assert!(plan.iter().any(|line| line.contains("other USING INDEX executions_active")), "{plans:#?}");
    }
    assert!(
        plans[1].iter().any(|line| line.contains("executions_due (priority=? AND due_at<?)")),
        "{plans:#?}"
    );
    assert!(plans[2].iter().any(|line| line.contains("executions_suspects")), "{plans:#?}");
    assert!(plans[3].iter().any(|line| line.contains("mine USING INTEGER PRIMARY KEY")), "{plans:#?}");

    let rows = number("REKNIT_QUEUE_ROWS", 20_000);
    journal
        .write(move |connection| {
            // Half of it done, half of it waiting, on a tenth as many people.
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                 INSERT INTO executions (recipe, subject, lane, status, sentence, max_attempts, due_at, priority, created_at, \
                 updated_at) SELECT 'contact-to-crm', 'Person', 'lane' || (i % (?1 / 10)), \
                 iif(i % 2, 'succeeded', 'pending'), '', 12, iif(i % 2, NULL, ?2 - i), 1 + (i % 4 = 0), ?2, ?2 FROM n",
                params![rows as i64, NOW.0],
            )?;
            Ok(())
        })
        .await
        .expect("filled");
    let mut took = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        let claims = journal.claim(8, LEASE).await.expect("claims");
        took.push(began.elapsed());
        assert_eq!(claims.len(), 8);
    }
    took.sort_unstable();
    let began = Instant::now();
    journal.rescue().await.expect("looked");
    let rescued = began.elapsed();
    let began = Instant::now();
    journal.next_due().await.expect("read");
    say(&format!(
        "G5 claim of 8 from {rows} rows: median {:.1} ms, worst {:.1} ms, with its commit; looking for silent ones \
         {:.1} ms, for the next time {:.1} ms",
        took[25].as_secs_f64() * 1e3,
        took[49].as_secs_f64() * 1e3,
        rescued.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64() * 1e3,
    ));
    assert!(took[25] < Duration::from_millis(500), "{took:?}");
}
