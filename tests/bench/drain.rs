//! How close to the vendors' limits we drain a backlog: 100,000 contact upserts into the sandbox, in virtual time.
//!
//! `cargo bench --bench drain` prints figures and judges nothing. Calls are real HTTP on loopback through the product's
//! clients, paced by the product's limits over one journal that two processes' worth of workers share; only the time is
//! not real: it stands still while anybody works and jumps to the next moment somebody waits for. The least time is
//! what a scheduler that knew everything would need: full windows from the first millisecond on.
//! After `--`: `--rows N` for another backlog, `--quick` for a short one that an unoptimised build can stand.
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use reknit::domain::clock::{Clock, SharedClock, Timestamp, Wait};
use reknit::domain::limit::{Family, Urgency};
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, Fields, ObjectKind, System};
use reknit::engine;
use reknit::engine::limits::Limits;
use reknit::journal::Journal;
use reknit::sandbox::{Sandbox, Settings};
use reknit::vault::Given;
use reknit::vendors::{self, Clients, Log};
use serde_json::json;
use tokio::task::JoinSet;

/// Begins a window of ten seconds, the start that is best for the least time.
const START: i64 = 1_795_000_000_000;
const WORKERS: usize = 16;
const INTERCOM: u32 = 1_667;
const HUBSPOT: u32 = 190;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let rows = arguments.iter().position(|argument| argument == "--rows").map_or(
        if quick { 20_000 } else { 100_000 },
        |at| {
            arguments
                .get(at + 1)
                .and_then(|rows| rows.replace('_', "").parse().ok())
                .expect("--rows wants a number")
        },
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        println!("{rows} contact upserts, {WORKERS} workers on two handles of one journal, virtual time");
        for way in Way::ALL {
            drain(way, rows, way.batch(), true).await;
        }
        println!("\nnegative control: the same without our limits");
        for way in Way::ALL {
            drain(way, 2 * way.most() as usize, 1, false).await;
        }
    });
}

/// What is drained where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Hubspot,
    Intercom,
}

impl Way {
    const ALL: [Self; 2] = [Self::Hubspot, Self::Intercom];

    fn connection(self) -> Connection {
        Connection::only(match self {
            Self::Hubspot => System::Hubspot,
            Self::Intercom => System::Intercom,
        })
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Hubspot => "HubSpot, batch/upsert, 190 calls in any 10 s",
            Self::Intercom => "Intercom, one call each, 1,667 calls in each 10 s",
        }
    }

    /// Contacts in one call.
    const fn batch(self) -> usize {
        match self {
            Self::Hubspot => 100,
            Self::Intercom => 1,
        }
    }

    /// Calls that the vendor takes in ten seconds.
    const fn most(self) -> u32 {
        match self {
            Self::Hubspot => HUBSPOT,
            Self::Intercom => INTERCOM,
        }
    }

    /// Seconds that nobody could be faster in: the first window's calls leave at once, the next ones ten seconds later.
    fn least(self, calls: usize) -> f64 {
        (calls.div_ceil(self.most() as usize) - 1) as f64 * 10.0
    }
}

async fn drain(way: Way, rows: usize, batch: usize, limited: bool) {
    let time = VirtualTime::new();
    let shared: SharedClock = Arc::new(time.clone());
    let sandbox = Sandbox::start(Settings {
        seeded: false,
        intercom_window_limit: INTERCOM,
        hubspot_window_limit: HUBSPOT,
        clock: Some(Arc::clone(&time.0.now)),
        ..Settings::default()
    })
    .await
    .expect("a sandbox");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.db");
    let mut settings = vendors::Settings::default();
    sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
    sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
    let credentials = Arc::new(
        Given::default()
            .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
            .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret()),
    );
    let pace = engine::Settings {
        intercom_calls_per_10_seconds: INTERCOM,
        hubspot_calls_per_10_seconds: HUBSPOT,
        ..engine::Settings::default()
    };
    let handles: Vec<(Clients, Option<Limits>)> = (0..2)
        .map(|_| {
            let clients = Clients::new(&settings, credentials.clone(), Arc::clone(&shared)).expect("clients");
            if !limited {
                return (clients, None);
            }
            let journal = Journal::open(&path, Arc::clone(&shared)).expect("a journal");
            let limits = Limits::new(Arc::clone(&shared), journal, &pace);
            (clients.gated(Arc::new(limits.clone())), Some(limits))
        })
        .collect();
    let calls = rows.div_ceil(batch);
    let (next, last) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(START)));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let (clients, limits) = handles[worker % 2].clone();
        let (time, next, last) = (time.clone(), Arc::clone(&next), Arc::clone(&last));
        time.begins();
        workers.spawn(async move {
            let connection = way.connection();
            let mut failed = 0;
            loop {
                // Admitted first: who waits for a window must not sit on a row that another could send.
                if let Some(limits) = &limits {
                    while let Err(parked) =
                        limits.admit(&connection, Family::usual(connection.system), Urgency::Usual).await
                    {
                        time.until(parked.until).await;
                    }
                }
                let call = next.fetch_add(1, Ordering::SeqCst);
                if call >= calls {
                    break;
                }
                let mut log = Log::new();
                let first = call * batch;
                failed += upsert(way, &clients, first..(first + batch).min(rows), &mut log).await;
                last.fetch_max(time.now().0, Ordering::SeqCst);
                if let Some(limits) = &limits {
                    limits.learn_all(&log);
                }
            }
            time.ends();
            failed
        });
    }
    let failed: usize = workers.join_all().await.into_iter().sum();
    let seconds = (last.load(Ordering::SeqCst) - START) as f64 / 1_000.0;
    let books = sandbox.books();
    let answers = &books["answers"];
    let word = if way == Way::Intercom { "intercom" } else { "hubspot" };
    let refused = answers[format!("{word} 429")].as_u64().unwrap_or(0);
    let made = books["counts"][format!("{word}.contact.create.api")].as_u64().unwrap_or(0);
    let sent: u64 = answers.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    println!("\n{}", way.about());
    if limited {
        let least = way.least(calls);
        println!(
            "  {seconds:.2} s, least {least:.2} s: {:.4} times the least; {refused} answers 429",
            seconds / least.max(f64::MIN_POSITIVE)
        );
    } else {
        println!("  {refused} of {sent} answers were 429, so the sandbox does refuse");
    }
    println!(
        "  {sent} calls (least {calls}), {made} contacts made, {failed} rows failed, {:.1} s of real time",
        started.elapsed().as_secs_f64()
    );
    sandbox.shutdown().await;
}

/// Upserts these contacts; how many failed.
async fn upsert(way: Way, clients: &Clients, rows: std::ops::Range<usize>, log: &mut Log) -> usize {
    let connection = way.connection();
    match way {
        Way::Hubspot => {
            let rows: Vec<vendors::hubspot::UpsertRow> = rows
                .map(|row| vendors::hubspot::UpsertRow {
                    value: format!("ic-{row}"),
                    fields: fields(&json!({"email": email(row), "firstname": "Mara"})),
                })
                .collect();
            let by = vendors::hubspot::UpsertBy::Unique("intercom_contact_id");
            let done =
                vendors::hubspot::upsert_batch(clients, &connection, ObjectKind::Contact, by, &rows, log)
                    .await;
            done.iter().filter(|result| result.is_err()).count()
        }
        Way::Intercom => {
            let mut failed = 0;
            for row in rows {
                let effect = Effect::Create {
                    connection: connection.clone(),
                    object: ObjectKind::Contact,
                    fields: fields(
                        &json!({"role": "user", "email": email(row), "external_id": format!("x-{row}")}),
                    ),
                    identity: "external_id".to_owned(),
                };
                failed += usize::from(vendors::perform(clients, &effect, log).await.is_err());
            }
            failed
        }
    }
}

fn email(row: usize) -> String {
    format!("person{row}@drain.example")
}

fn fields(value: &serde_json::Value) -> Fields {
    value.as_object().cloned().expect("an object")
}

/// Time that jumps to the next awaited moment when everybody waits, and stands still while anybody works.
#[derive(Clone)]
struct VirtualTime(Arc<Shared>);

struct Shared {
    /// Also the sandbox's time.
    now: Arc<AtomicI64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    working: usize,
    waiting: Vec<(i64, Waker)>,
}

impl VirtualTime {
    fn new() -> Self {
        Self(Arc::new(Shared { now: Arc::new(AtomicI64::new(START)), state: Mutex::default() }))
    }

    fn begins(&self) {
        self.0.state.lock().expect("no panic").working += 1;
    }

    fn ends(&self) {
        let mut state = self.0.state.lock().expect("no panic");
        state.working -= 1;
        self.jump(&mut state);
    }

    fn jump(&self, state: &mut State) {
        if state.working > 0 {
            return;
        }
        let Some(next) = state.waiting.iter().map(|(at, _)| *at).min() else { return };
        self.0.now.fetch_max(next, Ordering::SeqCst);
        let (due, later) = std::mem::take(&mut state.waiting).into_iter().partition(|(at, _)| *at <= next);
        state.waiting = later;
        let due: Vec<(i64, Waker)> = due;
        state.working += due.len();
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Clock for VirtualTime {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.now.load(Ordering::SeqCst))
    }

    fn until(&self, at: Timestamp) -> Wait {
        Box::pin(Waiting { time: self.clone(), at: at.0, registered: false })
    }
}

struct Waiting {
    time: VirtualTime,
    at: i64,
    registered: bool,
}

impl Future for Waiting {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now().0 >= self.at {
            return Poll::Ready(());
        }
        // Each wait is registered once: its waker stays good, since nothing else wakes these tasks meanwhile.
        if !self.registered {
            self.registered = true;
            let mut state = self.time.0.state.lock().expect("no panic");
            state.waiting.push((self.at, context.waker().clone()));
            state.working -= 1;
            let time = self.time.clone();
            time.jump(&mut state);
        }
        Poll::Pending
    }
}
