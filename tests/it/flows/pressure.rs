//! Webhooks under pressure, through real HTTP: a journal that is locked, full, read-only or slow; everything delivered
//! three times and shuffled; callers who dawdle. What is not answered with 200 comes again and is done once.
//!
//! `REKNIT_PRESSURE_EVENTS=n` sets how many events the shuffled deliveries are made from (60).
//! `REKNIT_PRESSURE_SLOW_SECONDS=5` gives dawdlers their full time instead of a second.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use reknit::cli::clock::SystemClock;
use reknit::domain::record::System;
use reknit::vault::Given;
use reknit::webhook::{self, Receiver};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{Bench, Delivery, Sender};

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A second receiver over the bench's journal, with other patience.
async fn receiver(bench: &Bench, change: impl FnOnce(&mut webhook::Settings)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut settings =
        webhook::Settings { public_url: Some(format!("http://{address}")), ..webhook::Settings::default() };
    change(&mut settings);
    let sandbox = &bench.sandbox;
    let credentials = Given::default()
        .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
        .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret());
    let receiver = Receiver {
        tally: Arc::default(),
        inbox: Arc::new(bench.engine.intake()),
        credentials: Arc::new(credentials),
        clock: Arc::new(SystemClock),
        settings,
    };
    tokio::spawn(webhook::serve(listener, receiver, std::future::pending()));
    address
}

fn delivery(id: &str) -> Delivery {
    let body = json!({
        "type": "notification_event", "topic": "contact.user.updated", "id": id, "app_id": "abc123",
        "data": {"item": {"type": "contact", "id": format!("c-{id}"), "email": format!("{id}@quint.example")}},
        "delivery_attempts": 1, "first_sent_at": 1_768_018_294,
    });
    Delivery::new(Sender::Intercom, body.to_string())
}

/// Polls until it is so.
async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while !look() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        ticks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_a_journal_held_up_answers_503_in_time_and_the_repeat_is_one_event() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let address = receiver(&bench, |settings| settings.commit_timeout_milliseconds = 300).await;
    let stranger = rusqlite::Connection::open(bench.path()).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let answer = delivery("held").to(address).await;
    let waited = began.elapsed();
    assert_eq!((answer.status, answer.retry_after), (503, Some(5)));
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    assert_eq!(bench.tables().number("SELECT count(*) FROM events"), 0);
    stranger.execute_batch("ROLLBACK").unwrap();
    // What was given up on may be stored after all; the vendor sends it again, and it is one event and one run.
    assert_eq!(delivery("held").to(address).await.status, 200);
    until("stored", || bench.tables().number("SELECT count(*) FROM events") == 1).await;
    assert_eq!(bench.tables().number("SELECT count(*) FROM executions WHERE status = 'pending'"), 1);
    say(&format!("G1 held up: 503 after {} ms, then 200 and one event", waited.as_millis()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_a_full_queue_answers_503_at_once_and_takes_everything_afterwards() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let stranger = rusqlite::Connection::open(bench.path()).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = JoinSet::new();
    let refused = Arc::new(AtomicUsize::new(0));
    for number in 0..1_400 {
        let (journal, refused) = (bench.journal.clone(), Arc::clone(&refused));
        waiting.spawn(async move {
            if journal.set_mark(&format!("mark {number}"), "x").await.is_err() {
                refused.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    until("the queue is full", || refused.load(Ordering::SeqCst) > 0).await;
    let began = Instant::now();
    let answer = delivery("many").to(bench.address).await;
    let waited = began.elapsed();
    assert_eq!((answer.status, answer.retry_after), (503, Some(5)));
    stranger.execute_batch("ROLLBACK").unwrap();
    while waiting.join_next().await.is_some() {}
    assert_eq!(delivery("many").to(bench.address).await.status, 200);
    assert_eq!(bench.tables().number("SELECT count(*) FROM events"), 1);
    say(&format!("G1 full queue: 503 after {} ms", waited.as_millis()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_a_read_only_or_full_journal_answers_503_and_takes_it_again() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let stranger = rusqlite::Connection::open(bench.path()).unwrap();
    for (words, id) in [("database or disk is full", "full"), ("attempt to write a readonly database", "ro")]
    {
        stranger
            .execute_batch(&format!(
                "CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, '{words}'); END"
            ))
            .unwrap();
        let answer = delivery(id).to(bench.address).await;
        assert_eq!((answer.status, answer.retry_after), (503, Some(60)), "{words}");
        stranger.execute_batch("DROP TRIGGER no").unwrap();
        assert_eq!(delivery(id).to(bench.address).await.status, 200);
    }
    assert_eq!(bench.tables().number("SELECT count(*) FROM events"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_everything_delivered_three_times_and_shuffled_is_one_event_and_one_run_each() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let events = number("REKNIT_PRESSURE_EVENTS", 60);
    let mut order: Vec<usize> = (0..events * 3).map(|place| place % events).collect();
    Rng::with_seed(7).shuffle(&mut order);
    let order = Arc::new(order);
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..16 {
        let (order, next, address) = (Arc::clone(&order), Arc::clone(&next), bench.address);
        senders.spawn(async move {
            let mut answers: HashMap<u16, usize> = HashMap::new();
            while let Some(event) = order.get(next.fetch_add(1, Ordering::SeqCst)) {
                *answers.entry(delivery(&format!("e{event}")).to(address).await.status).or_default() += 1;
            }
            answers
        });
    }
    let mut answers: HashMap<u16, usize> = HashMap::new();
    while let Some(some) = senders.join_next().await {
        for (status, count) in some.unwrap() {
            *answers.entry(status).or_default() += count;
        }
    }
    assert_eq!(answers, HashMap::from([(200, events * 3)]));
    let tables = bench.tables();
    let whole = |query: &str| tables.number(query) as usize;
    assert_eq!(whole("SELECT count(*) FROM events"), events);
    assert_eq!(whole("SELECT sum(deliveries) FROM events"), events * 3);
    assert_eq!(whole("SELECT count(*) FROM events WHERE deliveries <> 3"), 0);
    let runs = tables.texts("SELECT event_id FROM executions WHERE status = 'pending'");
    assert_eq!((runs.len(), runs.iter().collect::<HashSet<_>>().len()), (events, events));
    assert_eq!(whole("SELECT count(*) FROM executions WHERE outcome = 'duplicate'"), events * 2);
    say(&format!(
        "G2 intake: {} deliveries of {events} events, shuffled, 16 senders: {events} events, {events} runs, 0 twice, {:.1} s",
        events * 3,
        began.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g15_400_slow_senders_are_closed_in_time_and_delay_nobody() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let seconds = number("REKNIT_PRESSURE_SLOW_SECONDS", 1) as u64;
    let address = receiver(&bench, |settings| {
        settings.header_timeout_milliseconds = seconds * 1_000;
        settings.body_timeout_milliseconds = seconds * 2_000;
    })
    .await;
    let began = Instant::now();
    let mut slow = JoinSet::new();
    for number in 0..400 {
        let half = match number % 4 {
            0 => "",
            1 => "POST /webhooks/intercom HTTP/1.1\r\nhost: h\r\nx-hub",
            2 => "POST /webhooks/intercom HTTP/1.1\r\nhost: h\r\ncontent-length: 900\r\n\r\n{\"half",
            _ => "POST /webhooks/hubspot HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        };
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        slow.spawn(async move {
            // Everything until the server closes; a reset counts as closed.
            let _ = stream.read_to_end(&mut Vec::new()).await;
            began.elapsed()
        });
    }
    let mut waits = Vec::new();
    for number in 0..100 {
        let sent = Instant::now();
        assert_eq!(delivery(&format!("q{number}")).to(address).await.status, 200);
        waits.push(sent.elapsed());
    }
    let mut last = Duration::ZERO;
    while let Some(closed) = slow.join_next().await {
        last = last.max(closed.unwrap());
    }
    waits.sort();
    let p99 = waits[98];
    // Twice the header's time for bodies, and a margin for a machine that is busy with other tests.
    assert!(last < Duration::from_secs(seconds * 2 + 10), "{last:?}");
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    say(&format!(
        "G15 slow senders: 400 half requests, the last closed after {:.1} s (limits {seconds} s and {} s); meanwhile p99 {} ms",
        last.as_secs_f64(),
        seconds * 2,
        p99.as_millis()
    ));
}
