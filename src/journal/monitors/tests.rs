//! The monitors' rows: counted where things settle, told once, delivered at most as often as is said.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::series::{DAY, MINUTE, Point};
use super::*;
use crate::domain::clock::{Clock, ManualClock};
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::{Priority, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::monitor::{DeliveryStatus, Receipt};
use crate::domain::plan::{Effect, Plan, Step, StepState};
use crate::domain::record::{Connection, ObjectKind, RecordRef, System};
use crate::journal::intake::{Appended, Disposition, NewExecution};
use crate::journal::queue::Settlement;

const LEASE: Duration = Duration::from_secs(60);

struct Fixture {
    folder: tempfile::TempDir,
    clock: ManualClock,
    journal: Journal,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    // A day begins here, so that slots are easy to name.
    let clock = ManualClock::at(Timestamp(1_795_046_400_000));
    let journal =
        Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).expect("a new journal");
    Fixture { folder, clock, journal }
}

fn incoming(key: &str, due: Timestamp) -> (NewEvent, Disposition) {
    let record = RecordRef::new(System::Intercom, ObjectKind::Contact, key);
    let event = NewEvent {
        connection: Connection::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.into(),
        topic: "contact.user.updated".into(),
        kind: EventKind::ContactUpdated,
        record: Some(record.clone()),
        occurred_at: None,
        sent: Sent::default(),
        body: "{}".into(),
    };
    let execution = NewExecution {
        recipe: "contact-to-crm".into(),
        subject: key.into(),
        record: Some(record),
        person: None,
        lane: key.into(),
        priority: Priority::Live,
        due_at: due,
        sentence: "Waits for a worker.".into(),
        max_attempts: 12,
    };
    (event, Disposition::Run(vec![execution]))
}

impl Fixture {
    async fn queue(&self, key: &str, due: Timestamp) -> ExecutionId {
        match self.journal.append(vec![incoming(key, due)]).await.expect("stored")[0] {
            Appended::Queued(_, id) => id,
            other => panic!("not queued: {other:?}"),
        }
    }

    async fn settle(&self, id: ExecutionId, status: Status, settlement: Settlement) {
        let claim = self.journal.claim_one(id, LEASE).await.expect("claims").expect("due");
        self.journal.settle(id, claim.token, status, settlement).await.expect("settled");
    }

    async fn points(&self, name: &str, step: i64) -> Vec<Point> {
        self.journal.series(name.into(), Timestamp(0), step).await.expect("read")
    }
}

fn made(id: &str) -> Plan {
    let effect = Effect::Create {
        connection: Connection::only(System::Hubspot),
        object: ObjectKind::Contact,
        fields: serde_json::Map::new(),
        identity: "email".into(),
        related: Vec::new(),
    };
    let mut step = Step::new("Create HubSpot contact", effect);
    step.state = StepState::Done;
    step.result = Some(RecordRef::new(System::Hubspot, ObjectKind::Contact, id));
    Plan { steps: vec![step], ..Plan::default() }
}

#[tokio::test]
async fn r210_processing_is_timed_from_the_event_the_planned_time_or_the_retry() {
    let fixture = fixture();
    let start = fixture.clock.now();
    let at_once = fixture.queue("a", start).await;
    let planned = fixture.queue("b", start.plus(Duration::from_secs(3_600))).await;
    let failing = fixture.queue("c", start).await;
    fixture.clock.advance(Duration::from_secs(2));
    fixture.settle(at_once, Status::Succeeded, Settlement::default()).await;
    let failed = Settlement { failed_try: true, ..Settlement::default() };
    fixture.settle(failing, Status::Failed, failed).await;
    assert_eq!(fixture.journal.latency(start).await.expect("read").most, 2_000);
    fixture.clock.advance(Duration::from_secs(3_600));
    fixture.settle(planned, Status::Succeeded, Settlement::default()).await;
    fixture.clock.advance(Duration::from_secs(7_200));
    fixture.journal.retry(vec![failing], "ana".into()).await.expect("retried");
    fixture.clock.advance(Duration::from_secs(5));
    fixture.settle(failing, Status::Succeeded, Settlement::default()).await;
    let latency = fixture.journal.latency(start).await.expect("read");
    assert_eq!((latency.count(), latency.most, latency.sum), (3, 5_000, 2_000 + 2_000 + 5_000));
    let counted = |points: Vec<Point>| {
        points.iter().map(|point| (point.label.clone(), point.count)).collect::<Vec<_>>()
    };
    assert_eq!(counted(fixture.points("failed", DAY).await), [("contact-to-crm".into(), 1)]);
    assert_eq!(counted(fixture.points("tries", DAY).await), [("contact-to-crm".into(), 1)]);
    assert_eq!(counted(fixture.points("succeeded", DAY).await), [("contact-to-crm".into(), 3)]);
}

#[tokio::test]
async fn rolling_up_loses_no_count_and_grows_with_time_not_with_work() {
    let fixture = fixture();
    let mut all = 0;
    for day in 0..60_i64 {
        for sample in 0..5 {
            let value = day * 10 + sample;
            fixture.journal.put_samples(vec![("queue".into(), String::new(), value)]).await.expect("stored");
            all += 1;
            fixture.clock.advance(Duration::from_secs(3_600));
        }
        fixture.clock.advance(Duration::from_secs(19 * 3_600));
    }
    let points = fixture.points("queue", 1_000 * DAY).await;
    assert_eq!((points.len(), points[0].count, points[0].most), (1, all, 594));
    let spans = fixture
        .journal
        .read(|connection| {
            let mut statement =
                connection.prepare("SELECT span, count(*) FROM series GROUP BY span ORDER BY span")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            Ok(rows.collect::<std::result::Result<Vec<_>, _>>()?)
        })
        .await
        .expect("read");
    let minutes = spans.iter().find(|(span, _)| *span == MINUTE).expect("recent minutes").1;
    let days = spans.iter().find(|(span, _)| *span == DAY).expect("old days").1;
    assert!(minutes <= 15 && (20..=30).contains(&days), "{spans:?}");
}

#[tokio::test]
async fn r211_a_duplicate_of_our_making_names_its_recipe_and_execution() {
    let fixture = fixture();
    let id = fixture.queue("a", fixture.clock.now()).await;
    let settlement = Settlement { plan: Some(made("77")), ..Settlement::default() };
    fixture.settle(id, Status::Succeeded, settlement).await;
    let pair = |left: i64, right: i64, band: &'static str| {
        fixture.journal.write(move |connection| {
            connection.execute(
                "INSERT INTO duplicates (subject, left_record, left_fields, right_record, right_fields, probability, \
                 band, evidence, fingerprint, state, created_at) VALUES ('x', ?1, '{}', ?2, '{}', 0.99, ?3, '[]', 'f', \
                 'open', 1795046400000)",
                params![format!("hubspot/contact/{left}"), format!("hubspot/contact/{right}"), band],
            )?;
            Ok(())
        })
    };
    pair(1, 2, "auto").await.expect("stored");
    assert!(fixture.journal.incidents(Timestamp(0)).await.expect("read").is_empty(), "not of our making");
    pair(12, 77, "auto").await.expect("stored");
    pair(13, 77, "review").await.expect("stored");
    let incidents = fixture.journal.incidents(Timestamp(0)).await.expect("read");
    assert_eq!(incidents.iter().filter(|incident| incident.certain).count(), 1);
    assert!(incidents.iter().all(|incident| incident.execution == id && incident.recipe == "contact-to-crm"));
    let dismissed = "UPDATE duplicates SET state = 'dismissed' WHERE left_record = 'hubspot/contact/12'";
    fixture.journal.write(move |connection| Ok(connection.execute(dismissed, [])?)).await.expect("judged");
    let incidents = fixture.journal.incidents(Timestamp(0)).await.expect("read");
    assert!(incidents.iter().all(|incident| !incident.certain), "two people are no incident");
}

fn rules() -> Vec<(MonitorName, Rule, Severity)> {
    let rule = Rule { alert: 1.0, recover: 0.0, hold: Duration::ZERO };
    vec![(MonitorName::Failures, rule, Severity::Error)]
}

fn failing(count: f64) -> Vec<Reading> {
    vec![Reading {
        monitor: MonitorName::Failures,
        subject: "contact-to-crm".into(),
        value: count,
        sentence: "Something failed.".into(),
    }]
}

#[tokio::test]
async fn a_transition_is_told_once_whoever_looks_and_however_often_it_restarts() {
    let fixture = fixture();
    let other =
        Journal::open(fixture.journal.path(), Arc::new(fixture.clock.clone())).expect("a second process");
    let look = async |journal: &Journal, count: f64| {
        let readings = if count > 0.0 { failing(count) } else { Vec::new() };
        let told = journal.judge(readings, rules(), vec![ChannelKind::Slack]).await.expect("judged");
        told.iter().map(|alert| alert.kind).collect::<Vec<_>>()
    };
    let (one, two) = tokio::join!(look(&fixture.journal, 2.0), look(&other, 2.0));
    assert_eq!([one, two].concat(), [Tidings::Alert]);
    drop(other);
    let again = Journal::open(fixture.journal.path(), Arc::new(fixture.clock.clone())).expect("a restart");
    assert!(look(&again, 3.0).await.is_empty());
    fixture.clock.advance(Duration::from_secs(30));
    assert_eq!(look(&again, 0.0).await, [Tidings::Recovered]);
    assert!(look(&fixture.journal, 0.0).await.is_empty());
    assert!(fixture.journal.take_monitor_turn(Duration::from_secs(30)).await.expect("asked"));
    assert!(
        !again.take_monitor_turn(Duration::from_secs(30)).await.expect("asked"),
        "one process in a period"
    );
    fixture.clock.advance(Duration::from_secs(30));
    assert!(again.take_monitor_turn(Duration::from_secs(30)).await.expect("asked"));
}

#[tokio::test]
async fn g3_slack_is_sent_a_message_twice_at_most_and_the_second_says_so() {
    let fixture = fixture();
    let journal = &fixture.journal;
    journal.judge(failing(1.0), rules(), vec![ChannelKind::Slack]).await.expect("judged");
    let first = journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("one");
    assert!(!first.repeat);
    assert!(journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").is_none());
    // The process that sends it dies.
    fixture.clock.advance(LEASE);
    assert!(
        journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").is_none(),
        "a pause first"
    );
    fixture.clock.advance(Duration::from_secs(10));
    let second = journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("again");
    assert!(second.repeat);
    let lost = Receipt::Unanswered("no answer".into());
    journal.settle_deliveries(second, lost, Duration::from_secs(1)).await.expect("settled");
    fixture.clock.advance(Duration::from_secs(86_400));
    assert!(journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").is_none());
    let delivery = journal.deliveries(1).await.expect("read").remove(0);
    assert_eq!((delivery.status, delivery.sends), (DeliveryStatus::Failed, 2));
    // A repeat that is taken is marked for what it is.
    journal
        .put_message("churn/1".into(), "Call Ana".into(), None, vec![ChannelKind::Slack])
        .await
        .expect("queued");
    journal
        .put_message("churn/1".into(), "Call Ana".into(), None, vec![ChannelKind::Slack])
        .await
        .expect("the same");
    for receipt in [Receipt::Unanswered("lost".into()), Receipt::Taken] {
        fixture.clock.advance(Duration::from_secs(60));
        let batch =
            journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("there");
        assert_eq!(batch.alerts.len(), 1);
        journal.settle_deliveries(batch, receipt, Duration::ZERO).await.expect("settled");
    }
    let delivery = journal.deliveries(1).await.expect("read").remove(0);
    assert_eq!((delivery.status, delivery.sends), (DeliveryStatus::MayRepeat, 2));
}

#[tokio::test]
async fn many_alerts_are_one_message_and_a_limit_is_waited_out() {
    let fixture = fixture();
    let journal = &fixture.journal;
    for number in 0..30 {
        let channels = vec![ChannelKind::Slack];
        journal.put_message(format!("m/{number}"), "x".into(), None, channels).await.expect("queued");
    }
    let batch = journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("all");
    assert_eq!(batch.alerts.len(), 30);
    let until = fixture.clock.now().plus(Duration::from_secs(30));
    journal
        .settle_deliveries(batch, Receipt::NotBefore(until, "429".into()), Duration::from_secs(1))
        .await
        .expect("settled");
    fixture.clock.advance(Duration::from_secs(29));
    assert!(journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("asked").is_none());
    assert_eq!(journal.next_delivery().await.expect("read"), Some(until));
    fixture.clock.advance(Duration::from_secs(1));
    let batch =
        journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("all again");
    assert_eq!((batch.alerts.len(), batch.repeat), (30, false), "what was refused did not arrive");
}

#[tokio::test]
async fn r79_a_channel_that_is_gone_is_unhealthy_until_a_test_succeeds_and_then_gets_what_it_missed() {
    let fixture = fixture();
    let journal = &fixture.journal;
    journal.judge(failing(1.0), rules(), vec![ChannelKind::Slack]).await.expect("judged");
    let batch = journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("one");
    let gone = Receipt::Gone("it answered 404: \"no_service\"".into());
    journal.settle_deliveries(batch, gone.clone(), Duration::from_secs(1)).await.expect("settled");
    let channel = journal.channels().await.expect("read").remove(0);
    assert!(!channel.healthy && channel.words.contains("no_service"));
    fixture.clock.advance(Duration::from_secs(600));
    assert!(journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("asked").is_none(), "given up");
    journal.channel_tested(ChannelKind::Slack, gone).await.expect("noted");
    assert!(!journal.channels().await.expect("read")[0].healthy);
    journal.channel_tested(ChannelKind::Slack, Receipt::Taken).await.expect("noted");
    assert!(journal.channels().await.expect("read")[0].healthy);
    let batch =
        journal.claim_deliveries(ChannelKind::Slack, LEASE).await.expect("claimed").expect("caught up");
    assert_eq!(batch.alerts[0].kind, Tidings::Alert);
}

/// Prints what the series cost when 10,000 executions settle; `MONITORS_EXECUTIONS` says another number, and
/// then, on an idle machine and built with `--release`, the ratio has to be below 1.5.
#[tokio::test]
async fn the_series_cost_little_when_thousands_settle() {
    let fixture = fixture();
    let all: usize =
        std::env::var("MONITORS_EXECUTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let now = fixture.clock.now();
    for chunk in (0..all).collect::<Vec<_>>().chunks(1_000) {
        let events = chunk.iter().map(|number| incoming(&format!("k{number}"), now)).collect();
        fixture.journal.append(events).await.expect("stored");
    }
    let mut ids = Vec::new();
    let mut settling = Duration::ZERO;
    while ids.len() < all {
        let claims = fixture.journal.claim(250, LEASE).await.expect("claims");
        assert!(!claims.is_empty());
        fixture.clock.advance(Duration::from_millis(700));
        let began = Instant::now();
        let settled = claims.iter().map(|claim| {
            fixture.journal.settle(claim.execution.id, claim.token, Status::Succeeded, Settlement::default())
        });
        for one in futures_util::future::join_all(settled).await {
            one.expect("settled");
        }
        settling += began.elapsed();
        ids.extend(claims.iter().map(|claim| claim.execution.id));
    }
    let before = fixture.journal.latency(Timestamp(0)).await.expect("read").count();
    assert_eq!(before as usize, all);
    // The same counting once more and alone: what settling takes without it is the difference.
    let counted = ids.clone();
    let alone = fixture
        .journal
        .write(move |connection| {
            let began = Instant::now();
            for id in counted {
                series::settled(connection, Timestamp(now.0 + 60_000), id, Status::Succeeded, false, None)?;
            }
            Ok(began.elapsed())
        })
        .await
        .expect("counted");
    let with = settling.as_secs_f64();
    let without = (with - alone.as_secs_f64()).max(f64::EPSILON);
    let ratio = with / without;
    let each = alone.as_secs_f64() * 1e6 / all as f64;
    let line = format!(
        "R210 series: settling {all} executions takes {with:.2} s with and {without:.2} s without, ratio {ratio:.2}; {each:.0} us each\n"
    );
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    // Time says something only on a machine that does nothing else; how much is written is the same everywhere.
    let rows =
        fixture.points("latency", MINUTE).await.len() + fixture.points("succeeded", MINUTE).await.len();
    assert!(rows < 250, "{rows} rows of series for {all} executions");
    if std::env::var_os("MONITORS_EXECUTIONS").is_some() {
        assert!(ratio < 1.5, "{ratio}");
    }
    assert_eq!(fixture.folder.path().join("journal.db"), fixture.journal.path());
}
