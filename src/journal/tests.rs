//! The journal's behaviour, verb by verb, on a real file.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::intake::{Appended, Disposition, NewExecution};
use super::queue::{Intent, Settlement};
use super::*;
use crate::domain::agreement::Agreement;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::{Outcome, Priority, Status};
use crate::domain::filter::Filter;
use crate::domain::ids::ExecutionId;
use crate::domain::page::Anchor;
use crate::domain::plan::{Effect, Plan, Step, StepState};
use crate::domain::record::{Connection, ObjectKind, RecordRef, System};

const LEASE: Duration = Duration::from_secs(60);

struct Fixture {
    _folder: tempfile::TempDir,
    clock: ManualClock,
    journal: Journal,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(Timestamp(1_795_000_000_000));
    let journal =
        Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).expect("a new journal");
    Fixture { _folder: folder, clock, journal }
}

fn person(id: &str) -> RecordRef {
    RecordRef::new(System::Intercom, ObjectKind::Contact, id)
}

fn event(key: &str) -> NewEvent {
    NewEvent {
        connection: Connection::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.into(),
        topic: "contact.user.updated".into(),
        kind: EventKind::ContactUpdated,
        record: Some(person("p1")),
        occurred_at: None,
        sent: Sent::default(),
        body: "{}".into(),
    }
}

fn run(lane: &str, due: Timestamp) -> Disposition {
    Disposition::Run(vec![NewExecution {
        recipe: "contact-to-crm".into(),
        subject: format!("Person of {lane}"),
        record: Some(person(lane)),
        person: None,
        lane: lane.into(),
        priority: Priority::Live,
        due_at: due,
        sentence: "Waits for a worker.".into(),
        max_attempts: 12,
    }])
}

async fn queue(fixture: &Fixture, key: &str, lane: &str) -> ExecutionId {
    let due = fixture.journal.now();
    match fixture.journal.append(vec![(event(key), run(lane, due))]).await.expect("stored")[0] {
        Appended::Queued(_, id) => id,
        other => panic!("not queued: {other:?}"),
    }
}

#[tokio::test]
async fn a_second_delivery_is_counted_shown_and_not_run() {
    let fixture = fixture();
    let first = queue(&fixture, "n1", "p1").await;
    let due = fixture.journal.now();
    let again = fixture.journal.append(vec![(event("n1"), run("p1", due))]).await.expect("stored");
    assert!(matches!(again[0], Appended::Duplicate(_)));
    let page = fixture.journal.executions(&Filter::default(), Anchor::First, 10).await.expect("rows");
    assert_eq!(page.total, 2);
    assert_eq!(page.rows[0].outcome, Some(Outcome::Duplicate));
    let claims = fixture.journal.claim(10, LEASE).await.expect("claims");
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].execution.id, first);
    let detail = fixture.journal.execution(first).await.expect("read").expect("there");
    assert_eq!(detail.delivered.times, 2);
}

#[tokio::test]
async fn one_person_has_one_execution_in_flight_and_a_waiting_head_holds_back_only_its_lane() {
    let fixture = fixture();
    let head = queue(&fixture, "a", "p1").await;
    queue(&fixture, "b", "p1").await;
    let other = queue(&fixture, "c", "p2").await;
    let claims = fixture.journal.claim(10, LEASE).await.expect("claims");
    assert_eq!(claims.iter().map(|claim| claim.execution.id).collect::<Vec<_>>(), [head, other]);
    assert!(fixture.journal.claim(10, LEASE).await.expect("claims").is_empty());
    let later = fixture.journal.now().plus(Duration::from_secs(30));
    let settlement = Settlement { due_at: Some(later), failed_try: true, ..Settlement::default() };
    fixture.journal.settle(head, claims[0].token, Status::Retrying, settlement).await.expect("settled");
    assert!(
        fixture.journal.claim(10, LEASE).await.expect("claims").is_empty(),
        "the head waits, so its lane does"
    );
    fixture.clock.advance(Duration::from_secs(31));
    let claims = fixture.journal.claim(10, LEASE).await.expect("claims");
    assert_eq!(claims.iter().map(|claim| claim.execution.id).collect::<Vec<_>>(), [head]);
    assert_eq!(claims[0].execution.attempts, 1);
}

#[tokio::test]
async fn a_result_without_the_lease_is_refused_and_stores_nothing() {
    let fixture = fixture();
    let id = queue(&fixture, "a", "p1").await;
    let claim = fixture.journal.claim(1, LEASE).await.expect("claims").remove(0);
    fixture.clock.advance(Duration::from_secs(61));
    assert_eq!(fixture.journal.rescue().await.expect("rescued"), 1);
    let second = fixture.journal.claim(1, LEASE).await.expect("claims").remove(0);
    let agreements = vec![Agreement { field: "phone".into(), left: json!("1"), right: json!("1") }];
    let settlement = Settlement { identity: vec![person("p1")], agreements, ..Settlement::default() };
    let late = fixture.journal.settle(id, claim.token, Status::Succeeded, settlement).await;
    assert!(matches!(late, Err(JournalError::LeaseLost)), "{late:?}");
    assert!(fixture.journal.known(&person("p1")).await.expect("read").agreements.is_empty());
    fixture
        .journal
        .settle(id, second.token, Status::Succeeded, Settlement::default())
        .await
        .expect("the holder settles");
}

#[tokio::test]
async fn a_worker_that_died_during_a_create_leaves_doubt_and_one_that_always_dies_is_quarantined() {
    let fixture = fixture();
    let id = queue(&fixture, "a", "p1").await;
    for start in 1..=3 {
        let claim = fixture.journal.claim(1, LEASE).await.expect("claims").remove(0);
        assert_eq!(claim.execution.id, id);
        let mut step = Step::new(
            "Create HubSpot contact",
            Effect::Create {
                connection: Connection::only(System::Hubspot),
                object: ObjectKind::Contact,
                fields: serde_json::Map::new(),
                identity: "email".into(),
                related: Vec::new(),
            },
        );
        step.state = StepState::Begun;
        let plan = Plan { steps: vec![step], ..Plan::default() };
        fixture
            .journal
            .begin(id, claim.token, Intent { plan, ..Intent::default() }, LEASE)
            .await
            .expect("begun");
        fixture.clock.advance(Duration::from_secs(61));
        fixture.journal.rescue().await.expect("rescued");
        let execution = fixture.journal.execution(id).await.expect("read").expect("there").execution;
        assert_eq!(execution.status, Status::InDoubt, "start {start}");
        assert_eq!(execution.sentence.starts_with("Quarantined"), start == 3, "{}", execution.sentence);
        assert_eq!(execution.due_at.is_none(), start == 3);
        // What was on its way when the worker died gets time to arrive before anybody looks for it.
        assert!(fixture.journal.claim(1, LEASE).await.expect("claims").is_empty());
        fixture.clock.advance(Duration::from_secs(3));
    }
    assert!(fixture.journal.claim(1, LEASE).await.expect("claims").is_empty());
}

#[tokio::test]
async fn g3_a_doubt_holds_back_all_other_work_on_its_person_also_older_work() {
    let fixture = fixture();
    let older = queue(&fixture, "a", "p1").await;
    let newer = queue(&fixture, "b", "p1").await;
    let put = async |id, status| {
        let claim = fixture.journal.claim_one(id, LEASE).await.expect("claims").expect("free");
        let due_at = Some(fixture.journal.now().plus(Duration::from_secs(5)));
        let settlement = Settlement { due_at, ..Settlement::default() };
        fixture.journal.settle(id, claim.token, status, settlement).await.expect("settled");
    };
    put(newer, Status::InDoubt).await;
    assert!(
        fixture.journal.claim(8, LEASE).await.expect("claims").is_empty(),
        "{older} would create it again"
    );
    fixture.clock.advance(Duration::from_secs(5));
    put(newer, Status::Succeeded).await;
    assert_eq!(fixture.journal.claim(8, LEASE).await.expect("claims")[0].execution.id, older);
}

#[tokio::test]
async fn claiming_reads_only_what_is_in_flight_of_a_person_however_long_the_backlog() {
    let fixture = fixture();
    let plan = fixture
        .journal
        .read(|connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", queue::due(1)))?;
            let found = statement.query_map(rusqlite::params![0, 8, None::<i64>], |row| row.get("detail"))?;
            Ok(found.collect::<std::result::Result<Vec<String>, _>>()?)
        })
        .await
        .expect("explained");
    assert!(
        plan.iter().any(|line| line.contains("other USING INDEX executions_active (lane=?)")),
        "{plan:?}"
    );
}

#[tokio::test]
async fn g5_who_has_the_lock_takes_a_dead_workers_work_over_at_once_and_in_its_old_order() {
    let fixture = fixture();
    let first = queue(&fixture, "a", "p1").await;
    let dead = fixture.journal.claim(1, LEASE).await.expect("claims").remove(0);
    fixture.clock.advance(Duration::from_millis(10));
    queue(&fixture, "b", "p1").await;
    assert_eq!(fixture.journal.rescue().await.expect("looked"), 0, "the lease has not run out");
    assert_eq!(fixture.journal.rescue_all().await.expect("taken over"), 1);
    let settled = fixture.journal.settle(first, dead.token, Status::Succeeded, Settlement::default()).await;
    assert!(matches!(settled, Err(JournalError::LeaseLost)));
    assert_eq!(fixture.journal.claim(1, LEASE).await.expect("claims")[0].execution.id, first);
}

#[tokio::test]
async fn pages_walk_the_whole_list_both_ways_without_gap_or_repeat() {
    let fixture = fixture();
    for number in 0..57 {
        queue(&fixture, &format!("k{number}"), &format!("p{number}")).await;
    }
    let all = fixture.journal.executions(&Filter::default(), Anchor::First, 100).await.expect("rows");
    let ids: Vec<i64> = all.rows.iter().map(|row| row.id.0).collect();
    assert_eq!((all.total, ids.len()), (57, 57));
    let mut walked = Vec::new();
    let mut anchor = Anchor::First;
    loop {
        let page = fixture.journal.executions(&Filter::default(), anchor, 10).await.expect("rows");
        assert_eq!(page.before, walked.len() as u64);
        let Some(last) = page.rows.last() else { break };
        anchor = Anchor::After(last.id.0);
        walked.extend(page.rows.iter().map(|row| row.id.0));
        if page.rows.len() < 10 {
            break;
        }
    }
    assert_eq!(walked, ids);
    let end = fixture.journal.executions(&Filter::default(), Anchor::Last, 10).await.expect("rows");
    assert_eq!((end.before, end.rows[9].id.0), (47, ids[56]));
    let before = fixture
        .journal
        .executions(&Filter::default(), Anchor::Before(end.rows[0].id.0), 10)
        .await
        .expect("rows");
    assert_eq!(before.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), ids[37..47]);
    let filter = Filter::parse("p12 status:pending").expect("valid");
    let found = fixture.journal.executions(&filter, Anchor::First, 10).await.expect("rows");
    assert_eq!(found.rows.len(), 1);
    let none = Filter::parse("status:failed").expect("valid");
    assert_eq!(fixture.journal.executions(&none, Anchor::First, 10).await.expect("rows").total, 0);
}

#[tokio::test]
async fn two_terminals_that_retry_at_once_run_it_once_and_the_counters_hold() {
    let fixture = fixture();
    let id = queue(&fixture, "a", "p1").await;
    let claim = fixture.journal.claim(1, LEASE).await.expect("claims").remove(0);
    fixture.journal.settle(id, claim.token, Status::Failed, Settlement::default()).await.expect("settled");
    let (one, two) = tokio::join!(
        fixture.journal.retry(vec![id], "ana".into()),
        fixture.journal.retry(vec![id], "ben".into())
    );
    // The second press finds it pending, which a retry leaves pending: one run all the same.
    assert_eq!(one.expect("stored").queued.len() + two.expect("stored").queued.len(), 2);
    assert_eq!(fixture.journal.claim(10, LEASE).await.expect("claims").len(), 1);
    let counts = fixture.journal.counts().await.expect("counts");
    assert_eq!(
        (counts.of(Status::Running), counts.of(Status::Failed), counts.of(Status::Pending)),
        (1, 0, 0)
    );
    assert_eq!(fixture.journal.verify_audit().await.expect("read").broken, None);
}

#[tokio::test]
async fn an_audit_entry_cannot_be_changed_and_a_forced_change_is_found() {
    let fixture = fixture();
    let id = queue(&fixture, "a", "p1").await;
    fixture.journal.retry(vec![id], "ana".into()).await.expect("stored");
    fixture.journal.discard(vec![id], "test".into(), "ana".into()).await.expect("stored");
    let edit = fixture
        .journal
        .write(|connection| Ok(connection.execute("UPDATE audit SET actor = 'eve' WHERE number = 1", [])?))
        .await;
    assert!(edit.expect_err("refused").to_string().contains("never changed"));
    fixture
        .journal
        .write(|connection| {
            connection.execute_batch("DROP TRIGGER audit_is_append_only_update")?;
            Ok(connection.execute("UPDATE audit SET actor = 'eve' WHERE number = 1", [])?)
        })
        .await
        .expect("forced");
    assert_eq!(fixture.journal.verify_audit().await.expect("read").broken.map(|broken| broken.0), Some(1));
}

#[tokio::test]
async fn a_newer_journal_and_a_foreign_file_are_refused_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let path = folder.path().join("journal.db");
    drop(Journal::open(&path, clock.clone()).expect("new"));
    let raw = rusqlite::Connection::open(&path).expect("open");
    raw.pragma_update(None, "user_version", 99).expect("set");
    drop(raw);
    let before = std::fs::read(&path).expect("bytes");
    let error = Journal::open(&path, clock.clone()).expect_err("newer");
    assert!(matches!(error, JournalError::Newer { found: 99, .. }), "{error}");
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    let foreign = folder.path().join("notes.txt");
    std::fs::write(&foreign, "this is not a database, it is a shopping list of some length")
        .expect("written");
    assert!(matches!(Journal::open(&foreign, clock), Err(JournalError::Unreadable { .. })));
}

#[tokio::test]
async fn a_failing_write_takes_nothing_of_its_group_with_it() {
    let fixture = fixture();
    let bad = fixture.journal.write(|connection| {
        connection.execute("INSERT INTO settings VALUES ('half', '1')", [])?;
        Err::<(), _>(JournalError::Refused("changed my mind".into()))
    });
    let good = fixture.journal.set_mark("whole", "1");
    let (bad, good) = tokio::join!(bad, good);
    assert!(bad.is_err() && good.is_ok());
    assert_eq!(fixture.journal.mark("half").await.expect("read"), None);
    assert_eq!(fixture.journal.mark("whole").await.expect("read"), Some("1".into()));
}

#[tokio::test]
async fn a_damaged_event_is_set_aside_and_holds_back_nobody() {
    let fixture = fixture();
    let damaged = queue(&fixture, "a", "p1").await;
    let sound = queue(&fixture, "b", "p2").await;
    fixture
        .journal
        .write(|connection| Ok(connection.execute("UPDATE events SET body = '{\"x\":1}' WHERE id = 1", [])?))
        .await
        .expect("forced");
    let claims = fixture.journal.claim(10, LEASE).await.expect("claims");
    assert_eq!(claims.iter().map(|claim| claim.execution.id).collect::<Vec<_>>(), [sound]);
    let row = fixture
        .journal
        .executions(&Filter::default(), Anchor::At(damaged.0), 1)
        .await
        .expect("rows")
        .rows
        .remove(0);
    assert_eq!(row.status, Status::Failed);
    assert!(row.sentence.contains("SHA-256"), "{}", row.sentence);
}

#[tokio::test]
async fn who_follows_the_changes_sees_each_once_and_is_told_when_too_late() {
    let fixture = fixture();
    let start = fixture.journal.change_number().await.expect("number");
    let id = queue(&fixture, "a", "p1").await;
    let changes = fixture.journal.changes_since(start, 100).await.expect("read").expect("recent");
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].kind.as_str(), changes[0].row), ("execution", id.0));
    let mut seen = changes[0].number;
    assert_eq!(*fixture.journal.watch().borrow(), seen);
    fixture.journal.retry(vec![id], "ana".into()).await.expect("stored");
    let changes = fixture.journal.changes_since(seen, 100).await.expect("read").expect("recent");
    assert_eq!(changes.len(), 1);
    seen = changes[0].number;
    assert!(fixture.journal.changes_since(seen, 100).await.expect("read").expect("recent").is_empty());
    fixture
        .journal
        .write(|connection| Ok(connection.execute("DELETE FROM changes WHERE number <= 1", [])?))
        .await
        .expect("pruned");
    assert_eq!(fixture.journal.changes_since(0, 100).await.expect("read"), None);
}

#[tokio::test]
async fn g10_a_journal_opened_to_look_is_not_written_by_a_byte() {
    let fixture = fixture();
    let id = queue(&fixture, "a", "p1").await;
    let looking =
        Journal::open_to_look(fixture.journal.path(), Arc::new(fixture.clock.clone())).expect("opens");
    let page = looking.executions(&Filter::default(), Anchor::First, 10).await.expect("rows");
    assert_eq!(page.rows[0].id, id);
    let refused = looking.retry(vec![id], "ana".into()).await.expect_err("refused");
    assert!(matches!(refused, JournalError::NotWritable(_)), "{refused}");
    // It sees what others commit, and waits in peace for changes of its own, which never come.
    queue(&fixture, "b", "p2").await;
    assert_eq!(looking.executions(&Filter::default(), Anchor::First, 10).await.expect("rows").total, 2);
    let mut changes = looking.watch();
    assert!(!changes.has_changed().expect("the channel is open"));
    assert!(tokio::time::timeout(Duration::from_millis(20), changes.changed()).await.is_err());
}
