//! How fast webhooks are taken in, and what it costs: through real HTTP, with signatures, each answer after its commit.
//!
//! `cargo bench --bench ingest` prints four figures and judges nothing:
//! - (a) durable ingest through HTTP as a share of raw SQLite committing the same rows in groups as large, in turns;
//! - (b) 500 webhooks a second while the service works: how long each answer took (`REKNIT_INGEST_SECONDS=60` for the
//!   long form, `REKNIT_INGEST_RATE` for another rate);
//! - (c) 128 senders, each sending its next webhook as soon as the last one is answered;
//! - (d) memory of the process while it serves a journal of `REKNIT_INGEST_EXECUTIONS` (100000) executions.
//!
//! The senders run in the same process and on the same cores, so the figures are what is left for the service.
//! `--quick` after `--` makes everything small, for builds that are not optimised.
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use reknit::cli::background::Background;
use reknit::cli::clock::SystemClock;
use reknit::domain::clock::SharedClock;
use reknit::domain::record::System;
use reknit::engine::{self, Engine};
use reknit::journal::Journal;
use reknit::mapping::Mapping;
use reknit::sandbox::{Sandbox, Settings};
use reknit::vault::Given;
use reknit::vendors::{self, Clients};
use reknit::webhook::{self, Receiver};
use rusqlite::{Connection, params};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Senders at once in (a) and (c); the raw rows of (a) are committed in groups of as many.
const SENDERS: usize = 128;
/// Turns of (a).
const ROUNDS: usize = 6;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let per_round = if quick { 300 } else { 4_000 };
    let seconds = number("REKNIT_INGEST_SECONDS", if quick { 2 } else { 10 });
    let rate = number("REKNIT_INGEST_RATE", if quick { 100 } else { 500 });
    let rows = number("REKNIT_INGEST_EXECUTIONS", if quick { 2_000 } else { 100_000 });
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("{cores} cores; process at start: {}", memory());

    ratio(per_round).await;
    let place = Place::new(true).await;
    steady(&place, rate, seconds).await;
    place.end().await;
    let place = Place::new(false).await;
    together(&place, per_round * 3).await;
    place.end().await;
    remembering(rows, rate, seconds).await;
}

/// A service over a journal of its own and the emulated vendors.
struct Place {
    sandbox: Sandbox,
    engine: Engine,
    background: Option<Background>,
    address: SocketAddr,
    secret: String,
    folder: tempfile::TempDir,
}

impl Place {
    /// Starts it; with workers that carry out what comes, or without.
    async fn new(working: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::over(folder, working).await
    }

    async fn over(folder: tempfile::TempDir, working: bool) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let sandbox = Sandbox::start(Settings {
            seeded: false,
            intercom_window_limit: 1_000_000,
            hubspot_window_limit: 1_000_000,
            hubspot_search_per_second: 1_000_000,
            ..Settings::default()
        })
        .await
        .expect("the emulated vendors");
        let mut settings = vendors::Settings::default();
        sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
        sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
        let credentials = Arc::new(
            Given::default()
                .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
                .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret()),
        );
        let clients = Clients::new(&settings, credentials.clone(), Arc::clone(&clock)).expect("clients");
        let journal =
            Journal::open(&folder.path().join("journal.db"), Arc::clone(&clock)).expect("a journal");
        let mapping = Arc::new(Mapping::shipped());
        // As fast as the vendors allow at the most, so that the workers have their share of the cores.
        let pace = engine::Settings {
            intercom_calls_per_10_seconds: 1_666,
            hubspot_calls_per_10_seconds: 190,
            ..engine::Settings::default()
        };
        let engine = Engine::new(journal, clients, mapping, Arc::clone(&clock), pace);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let receiver = Receiver {
            tally: Arc::default(),
            inbox: Arc::new(engine.intake()),
            credentials,
            clock,
            settings: webhook::Settings::default(),
        };
        let background = if working {
            let mut background = Background::start(&engine);
            background.receive(listener, receiver);
            Some(background)
        } else {
            tokio::spawn(webhook::serve(listener, receiver, std::future::pending()));
            None
        };
        let secret = sandbox.intercom_client_secret().to_owned();
        Self { sandbox, engine, background, address, secret, folder }
    }

    fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.db")
    }

    async fn end(self) {
        if let Some(background) = self.background {
            background.stop().await;
        }
        self.sandbox.shutdown().await;
    }
}

/// What Intercom sends when a contact changed, three kilobytes of it.
fn body(key: &str) -> String {
    let whole = include_str!("../fixtures/intercom/hook_contact_user_created.json");
    whole
        .replace("contact.user.created", "contact.user.updated")
        .replace("notif_3690afb3-f427-4e37-a164-b98284119e57", key)
        .replace("6961d162fb0ef1f1ac90ce8c", &format!("c-{key}"))
}

/// The request as it goes over the wire.
fn request(secret: &str, key: &str) -> Vec<u8> {
    let body = body(key);
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(body.as_bytes());
    let mut head = String::from("POST /webhooks/intercom HTTP/1.1\r\nhost: h\r\nx-hub-signature: sha1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(head, "{byte:02x}");
    }
    let _ = write!(head, "\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A kept connection of one sender.
struct Sender {
    stream: TcpStream,
    address: SocketAddr,
}

impl Sender {
    async fn new(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("connected"), address }
    }

    /// Sends one request; the status of its answer, 0 when there was none. A kept connection that the service has closed
    /// meanwhile is no answer either: as every client does, it is sent again on a new one.
    async fn send(&mut self, request: &[u8]) -> u16 {
        for _ in 0..2 {
            if let Some(status) = self.exchange(request).await {
                return status;
            }
            self.stream = TcpStream::connect(self.address).await.expect("connected");
        }
        0
    }

    async fn exchange(&mut self, request: &[u8]) -> Option<u16> {
        self.stream.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        let mut piece = [0; 1024];
        loop {
            let count = self.stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
            answer.extend_from_slice(&piece[..count]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned))
                .and_then(|length| length.trim().parse::<usize>().ok())
                .unwrap_or(0);
            if rest.len() >= length {
                return head.split(' ').nth(1)?.parse().ok();
            }
        }
    }
}

/// Answers and how long they took.
#[derive(Default)]
struct Answers {
    codes: BTreeMap<u16, usize>,
    milliseconds: Vec<f64>,
}

impl Answers {
    fn add(&mut self, status: u16, took: Duration) {
        *self.codes.entry(status).or_default() += 1;
        self.milliseconds.push(took.as_secs_f64() * 1_000.0);
    }

    fn take(&mut self, other: Self) {
        self.milliseconds.extend(other.milliseconds);
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
    }

    fn words(mut self) -> String {
        self.milliseconds.sort_by(f64::total_cmp);
        let at =
            |share: f64| self.milliseconds[((self.milliseconds.len() - 1) as f64 * share).round() as usize];
        let late = self.milliseconds.iter().filter(|took| **took > 1_000.0).count();
        format!(
            "p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms, {late} over 1 s; answers {:?}",
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0),
            self.codes
        )
    }
}

/// Every sender sends its next one as soon as the last is answered, until all are sent.
async fn flood(address: SocketAddr, requests: Arc<Vec<Vec<u8>>>) -> (Answers, Duration) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut connected = Vec::new();
    for _ in 0..SENDERS {
        connected.push(Sender::new(address).await);
    }
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for mut sender in connected {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        senders.spawn(async move {
            let mut answers = Answers::default();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let status = sender.send(request).await;
                answers.add(status, sent.elapsed());
            }
            answers
        });
    }
    let mut all = Answers::default();
    while let Some(some) = senders.join_next().await {
        all.take(some.expect("a sender ends"));
    }
    (all, began.elapsed())
}

/// (a)
async fn ratio(count: usize) {
    let place = Place::new(false).await;
    let raw = tempfile::tempdir().expect("a temporary folder");
    let path = raw.path().join("journal.db");
    drop(Journal::open(&path, Arc::new(SystemClock)).expect("a journal"));
    let bare = bare(&path);
    let mut shares = Vec::new();
    println!("(a) events a second, each durable; {count} a turn; raw SQLite commits groups of {SENDERS}");
    for round in 0..ROUNDS {
        let keys: Vec<String> = (0..count).map(|place| format!("r{round}-{place:06}")).collect();
        let requests = Arc::new(keys.iter().map(|key| request(&place.secret, key)).collect::<Vec<_>>());
        // Half before and half after: whoever goes first finds the disk in another state than whoever follows.
        let (before, after) = keys.split_at(count / 2);
        let mut raw = group_commits(&bare, before);
        let http = flood(place.address, requests).await;
        raw += group_commits(&bare, after);
        let ours = count as f64 / http.1.as_secs_f64();
        let theirs = count as f64 / raw.as_secs_f64();
        shares.push(ours / theirs);
        println!(
            "    turn {}: {ours:.0} through HTTP, {theirs:.0} raw, {:.3}; {}",
            round + 1,
            ours / theirs,
            http.0.words()
        );
    }
    // The first turn warms both up.
    shares.remove(0);
    shares.sort_by(f64::total_cmp);
    let stored = count_events(&place.journal());
    println!(
        "    share of raw SQLite: median {:.3}, from {:.3} to {:.3}; {stored} of {} events stored",
        shares[shares.len() / 2],
        shares[0],
        shares[shares.len() - 1],
        count * ROUNDS
    );
    place.end().await;
}

fn bare(path: &Path) -> Connection {
    let bare = Connection::open(path).expect("opened");
    bare.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000;",
    )
    .expect("set");
    bare.set_prepared_statement_cache_capacity(64);
    bare
}

/// The same rows, with the same triggers and indexes, and nothing around them.
fn group_commits(bare: &Connection, keys: &[String]) -> Duration {
    let bodies: Vec<String> = keys.iter().map(|key| body(key)).collect();
    let began = Instant::now();
    for (keys, bodies) in keys.chunks(SENDERS).zip(bodies.chunks(SENDERS)) {
        bare.execute_batch("BEGIN IMMEDIATE").expect("begun");
        for (key, body) in keys.iter().zip(bodies) {
            let hash = Sha256::digest(body.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            let record = format!("intercom/contact/c-{key}");
            bare.prepare_cached(
                "INSERT INTO events (connection, source, delivery_key, topic, kind, record, occurred_at, received_at, \
                 body, body_sha256, first_sent_at, vendor_attempt) VALUES ('intercom', 'webhook', ?1, \
                 'contact.user.updated', 'contact.updated', ?2, 1768018294000, 1768018294000, ?3, ?4, 1768018294000, 1)",
            )
            .and_then(|mut statement| statement.execute(params![key, record, body, hash]))
            .expect("an event");
            bare.prepare_cached(
                "INSERT INTO executions (event_id, recipe, subject, record, lane, status, sentence, max_attempts, \
                 due_at, priority, created_at, updated_at) VALUES (?1, 'contact-to-crm', 'Jane Doe', ?2, ?2, 'pending', \
                 'Waits for a worker.', 12, 1768018294000, 1, 1768018294000, 1768018294000)",
            )
            .and_then(|mut statement| statement.execute(params![bare.last_insert_rowid(), record]))
            .expect("an execution");
        }
        bare.execute_batch("COMMIT").expect("committed");
    }
    began.elapsed()
}

fn count_events(path: &Path) -> i64 {
    let looking = Connection::open(path).expect("opened");
    looking.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).expect("a number")
}

/// Sends at a steady rate, each when its time has come, whether the earlier ones are answered or not.
async fn paced(place: &Place, prefix: &str, rate: usize, seconds: usize) -> Answers {
    let total = rate * seconds;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut idle = Vec::new();
    let mut under_way: JoinSet<(Sender, u16, Duration)> = JoinSet::new();
    let mut answers = Answers::default();
    let began = Instant::now();
    let mut sent = 0;
    while sent < total {
        ticks.tick().await;
        while let Some(done) = under_way.try_join_next() {
            let (sender, status, took) = done.expect("a sender ends");
            answers.add(status, took);
            idle.push(sender);
        }
        let due = ((began.elapsed().as_secs_f64() * rate as f64) as usize).min(total);
        while sent < due {
            let request = request(&place.secret, &format!("{prefix}-{sent:07}"));
            // Measured from when it was due to be sent, so that a sender that is late hides nothing.
            let at = began + Duration::from_secs_f64(sent as f64 / rate as f64);
            let (kept, address) = (idle.pop(), place.address);
            under_way.spawn(async move {
                let mut sender = match kept {
                    Some(sender) => sender,
                    None => Sender::new(address).await,
                };
                let status = sender.send(&request).await;
                (sender, status, at.elapsed())
            });
            sent += 1;
        }
    }
    while let Some(done) = under_way.join_next().await {
        let (_, status, took) = done.expect("a sender ends");
        answers.add(status, took);
    }
    answers
}

/// (b)
async fn steady(place: &Place, rate: usize, seconds: usize) {
    let answers = paced(place, "s", rate, seconds).await;
    let stored = count_events(&place.journal());
    println!(
        "(b) {rate} webhooks a second for {seconds} s, service working: {}; {stored} of {} stored; {} calls to the \
         emulated vendors meanwhile",
        answers.words(),
        rate * seconds,
        place.sandbox.books()["answers"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum::<u64>()
    );
}

/// (c)
async fn together(place: &Place, count: usize) {
    let requests: Vec<Vec<u8>> =
        (0..count).map(|one| request(&place.secret, &format!("t-{one:07}"))).collect();
    let (answers, took) = flood(place.address, Arc::new(requests)).await;
    println!(
        "(c) {SENDERS} senders, {count} webhooks, {:.0} a second: {}; {} stored",
        count as f64 / took.as_secs_f64(),
        answers.words(),
        count_events(&place.journal())
    );
}

/// (d)
async fn remembering(rows: usize, rate: usize, seconds: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.db");
    drop(Journal::open(&path, Arc::new(SystemClock)).expect("a journal"));
    fill(&path, rows);
    let size = std::fs::metadata(&path).map_or(0, |file| file.len()) / 1_000_000;
    let before = memory();
    let place = Place::over(folder, true).await;
    let opened = memory();
    let answers = paced(&place, "m", rate, seconds).await;
    println!(
        "(d) a journal of {rows} executions ({size} MB): before it was opened {before}; open {opened}; after {} webhooks \
         {}; {}",
        rate * seconds,
        memory(),
        answers.words()
    );
    let counts = place.engine.journal().counts().await.expect("counts");
    let all: u64 = counts.executions.iter().map(|(_, count)| count).sum();
    println!("    executions in the end: {all}");
    place.end().await;
}

/// Finished executions, each with its event.
fn fill(path: &Path, rows: usize) {
    let bare = bare(path);
    bare.execute_batch(&format!(
        "BEGIN IMMEDIATE; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         INSERT INTO events (connection, source, delivery_key, topic, kind, record, received_at, body, body_sha256) \
         SELECT 'intercom', 'webhook', 'old-' || i, 'contact.user.updated', 'contact.updated', \
         'intercom/contact/' || (i % 50000), i, '{{\"filler\":\"' || hex(zeroblob(400)) || '\"}}', 'x' FROM n; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         INSERT INTO executions (event_id, recipe, subject, record, lane, status, outcome, sentence, max_attempts, \
         priority, created_at, updated_at) \
         SELECT i, 'contact-to-crm', 'Person ' || i, 'intercom/contact/' || (i % 50000), 'intercom/contact/' || (i % 50000), \
         'succeeded', 'updated', 'Updated HubSpot contact.', 12, 1, i, i FROM n; \
         COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
    ))
    .expect("filled");
}

/// Memory of this process as the system counts it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes.map_or_else(|| "unknown".to_owned(), |kilobytes| format!("{} MB", kilobytes / 1_000))
    };
    format!("{} (at most {})", of("VmRSS"), of("VmHWM"))
}
