//! How fast the engine works off a backlog, and how soon a lone event is settled, against the sandbox without limits.
//!
//! `cargo bench --bench throughput` prints figures and judges nothing. Real HTTP on loopback, real commits on this
//! disk, real time; webhooks go the whole way through the receiver. Each rate stands beside the least time measured in
//! the same run: the same number of calls by the same client with nothing else to do, and two group commits of a copy
//! for each execution. After `--`: `--people N`, `--runs N`, `--workers N`, `--wait MS`; `--quick` for an unoptimised
//! build.
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reknit::cli::clock::SystemClock;
use reknit::domain::execution::Status;
use reknit::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use reknit::engine::settings::{HubspotLimits, LimitSettings};
use reknit::engine::{self, Engine};
use reknit::journal::Journal;
use reknit::mapping::Mapping;
use reknit::sandbox::{Sandbox, Settings, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients, Log};
use reknit::webhook::{self, Receiver};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Calls, and commits, on their way at once where the least time is measured.
const AT_ONCE: usize = 64;
/// Lone events.
const LONE: usize = 40;

struct Options {
    people: usize,
    runs: usize,
    workers: Option<usize>,
    wait: Option<u64>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).and_then(|text| text.parse().ok()).expect("wants a number"))
    };
    let options = Options {
        people: number("--people").unwrap_or(if quick { 60 } else { 1_000 }),
        runs: number("--runs").unwrap_or(if quick { 1 } else { 3 }),
        workers: number("--workers"),
        wait: number("--wait").map(|wait| wait as u64),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        println!(
            "{} people sign up, then each is changed once; median of {} runs (least to most)",
            options.people, options.runs
        );
        for rows in [100, 1] {
            let mut rounds = Vec::new();
            for _ in 0..options.runs {
                rounds.push(round(&options, rows).await);
            }
            report(rows, &rounds);
        }
    });
}

/// What one run of one setting gave.
struct Round {
    parts: Vec<Part>,
    latencies: Vec<f64>,
    raw_calls: f64,
    commits: f64,
}

struct Part {
    name: &'static str,
    executions: f64,
    seconds: f64,
    calls: f64,
    bytes: f64,
    packed: f64,
}

async fn round(options: &Options, rows: usize) -> Round {
    let mut settings = engine::Settings {
        intercom_calls_per_10_seconds: 10_000_000,
        hubspot_calls_per_10_seconds: 10_000_000,
        limits: LimitSettings {
            hubspot: HubspotLimits {
                searches_per_second: 1_000_000,
                daily: 100_000_000,
                ..HubspotLimits::default()
            },
            ..LimitSettings::default()
        },
        batch_rows: rows,
        ..engine::Settings::default()
    };
    settings.workers = options.workers.unwrap_or(settings.workers);
    settings.batch_wait_milliseconds = options.wait.unwrap_or(settings.batch_wait_milliseconds);
    let plant = Plant::new(settings).await;
    let mut parts = Vec::new();
    let mut people = Vec::new();
    for number in 0..options.people {
        let user = json!({"role": "user", "email": format!("person{number}@rate.example"),
            "name": format!("Mara Quint{number}"), "phone": format!("+4930{:07}", 1_000_000 + number)});
        people.push(plant.sandbox.new_intercom_user(&user, Webhook::Sent).expect("a user"));
    }
    parts.push(plant.work_off("sign-ups", people.len()).await);
    for (number, id) in people.iter().enumerate() {
        let change = json!({"custom_attributes": {"job_title": format!("Rate {number}")}});
        plant.sandbox.edit_intercom_contact(id, &change, Webhook::Sent).expect("an edit");
    }
    parts.push(plant.work_off("changes", people.len()).await);
    let latencies = plant.lone(&people).await;
    let raw_calls = plant.raw_calls(&people).await;
    let commits = plant.raw_commits(2 * people.len()).await;
    plant.end().await;
    Round { parts, latencies, raw_calls, commits }
}

/// Emulated vendors, journal, engine and receiver.
struct Plant {
    sandbox: Sandbox,
    engine: Engine,
    journal: Journal,
    clients: Clients,
    folder: tempfile::TempDir,
    stop: watch::Sender<bool>,
}

impl Plant {
    async fn new(settings: engine::Settings) -> Self {
        let sandbox = Sandbox::start(Settings {
            seeded: false,
            intercom_window_limit: 10_000_000,
            hubspot_window_limit: 10_000_000,
            hubspot_search_per_second: 1_000_000,
            ..Settings::default()
        })
        .await
        .expect("a sandbox");
        let mut vendors = vendors::Settings::default();
        sandbox.intercom_base_url().clone_into(&mut vendors.intercom.base_url);
        sandbox.hubspot_base_url().clone_into(&mut vendors.hubspot.base_url);
        let mapping = Arc::new(Mapping::shipped());
        vendors.hubspot.extra_properties.extend(mapping.fields.iter().flat_map(|field| field.crm.clone()));
        let credentials = Arc::new(
            Given::default()
                .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
                .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret()),
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(SystemClock);
        let journal = Journal::open(&folder.path().join("journal.db"), clock.clone()).expect("a journal");
        let clients = Clients::new(&vendors, credentials.clone(), clock.clone()).expect("clients");
        let engine = Engine::new(journal.clone(), clients.clone(), mapping, clock.clone(), settings);
        engine.first_load().await.expect("a first load");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let receiver = Receiver {
            inbox: Arc::new(engine.intake()),
            credentials,
            clock,
            settings: webhook::Settings {
                public_url: Some(format!("http://{address}")),
                ..webhook::Settings::default()
            },
            tally: Arc::default(),
        };
        let (stop, mut stopped) = watch::channel(false);
        tokio::spawn(webhook::serve(listener, receiver, async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        sandbox.subscribe_intercom(&format!("http://{address}/webhooks/intercom"));
        sandbox.subscribe_hubspot(&format!("http://{address}/webhooks/hubspot"));
        Self { sandbox, engine, journal, clients, folder, stop }
    }

    async fn end(self) {
        self.stop.send_replace(true);
        self.sandbox.shutdown().await;
    }

    /// Works until everything that waits is settled.
    async fn work_off(&self, name: &'static str, expected: usize) -> Part {
        self.sandbox.webhooks_drained().await;
        let (bytes, packed) = self.size();
        let (calls, finished) = (self.calls(), self.finished().await);
        let (stop, stopped) = watch::channel(false);
        let engine = self.engine.clone();
        let started = Instant::now();
        let worker = tokio::spawn(async move { engine.work(stopped).await });
        self.until(|finished_now, open| finished_now >= finished + expected && open == 0).await;
        let seconds = started.elapsed().as_secs_f64();
        self.sandbox.webhooks_drained().await;
        self.until(|_, open| open == 0).await;
        stop.send_replace(true);
        worker.await.expect("the worker ends");
        let executions = (self.finished().await - finished) as f64;
        let (bytes_now, packed_now) = self.size();
        let failed = self.count(&[Status::Failed, Status::InDoubt]).await;
        assert_eq!(failed, 0, "executions failed");
        Part {
            name,
            executions,
            seconds,
            calls: (self.calls() - calls) as f64,
            bytes: (bytes_now - bytes) as f64 / executions,
            packed: (packed_now - packed) as f64 / executions,
        }
    }

    /// Milliseconds from a change in Intercom to the settled execution, with nothing else to do.
    async fn lone(&self, people: &[String]) -> Vec<f64> {
        let (stop, stopped) = watch::channel(false);
        let engine = self.engine.clone();
        let worker = tokio::spawn(async move { engine.work(stopped).await });
        let mut latencies = Vec::new();
        for (number, id) in people.iter().take(LONE).enumerate() {
            let finished = self.finished().await;
            let change = json!({"custom_attributes": {"job_title": format!("Lone {number}")}});
            let started = Instant::now();
            self.sandbox.edit_intercom_contact(id, &change, Webhook::Sent).expect("an edit");
            self.until(|finished_now, open| finished_now > finished && open == 0).await;
            latencies.push(started.elapsed().as_secs_f64() * 1_000.0);
            self.sandbox.webhooks_drained().await;
            self.until(|_, open| open == 0).await;
        }
        stop.send_replace(true);
        worker.await.expect("the worker ends");
        latencies
    }

    /// Calls in a second that the client and the sandbox can do with nothing else around them.
    async fn raw_calls(&self, people: &[String]) -> f64 {
        let started = Instant::now();
        let mut callers = JoinSet::new();
        for caller in 0..AT_ONCE {
            let (clients, people) = (self.clients.clone(), people.to_vec());
            callers.spawn(async move {
                for id in people.iter().skip(caller).step_by(AT_ONCE) {
                    let record = RecordRef::new(System::Intercom, ObjectKind::Contact, id.clone());
                    vendors::read(&clients, &record, &mut Log::new()).await.expect("a contact");
                }
            });
        }
        callers.join_all().await;
        people.len() as f64 / started.elapsed().as_secs_f64()
    }

    /// Durable writes in a second that the journal takes, many at once.
    async fn raw_commits(&self, writes: usize) -> f64 {
        let started = Instant::now();
        let mut writers = JoinSet::new();
        for writer in 0..AT_ONCE {
            let journal = self.journal.clone();
            writers.spawn(async move {
                for number in (writer..writes).step_by(AT_ONCE) {
                    let record = RecordRef {
                        connection: Connection::only(System::Intercom),
                        object: ObjectKind::Company,
                        id: format!("raw-{number}"),
                    };
                    let fields: Fields = (0..12)
                        .map(|field| (format!("field{field}"), json!("a value of a usual length")))
                        .collect();
                    let mirror = Mirror {
                        record,
                        fields,
                        vendor_updated_at: None,
                        companies: Vec::new(),
                        deleted: false,
                    };
                    journal.put_mirrors(vec![mirror]).await.expect("a write");
                }
            });
        }
        writers.join_all().await;
        writes as f64 / started.elapsed().as_secs_f64()
    }

    async fn until(&self, is: impl Fn(usize, usize) -> bool) {
        let mut changes = self.journal.watch();
        loop {
            changes.borrow_and_update();
            let open = [Status::Pending, Status::Running, Status::Retrying];
            if is(self.finished().await, self.count(&open).await) {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
        }
    }

    async fn count(&self, statuses: &[Status]) -> usize {
        let counts = self.journal.counts().await.expect("counts");
        counts
            .executions
            .iter()
            .filter(|(status, _)| statuses.contains(status))
            .map(|(_, count)| usize::try_from(*count).unwrap_or(0))
            .sum()
    }

    async fn finished(&self) -> usize {
        self.count(&[Status::Succeeded, Status::Skipped, Status::Failed, Status::InDoubt]).await
    }

    fn calls(&self) -> u64 {
        let books = self.sandbox.books();
        books["calls"].as_object().into_iter().flatten().filter_map(|(_, calls)| Value::as_u64(calls)).sum()
    }

    /// The journal's bytes after a checkpoint, as it is and packed.
    fn size(&self) -> (u64, u64) {
        let path = self.folder.path().join("journal.db");
        let packed = self.folder.path().join("packed.db");
        let connection = rusqlite::Connection::open(&path).expect("the journal");
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = std::fs::remove_file(&packed);
        connection.execute("VACUUM INTO ?1", [packed.to_string_lossy()]).expect("a packed copy");
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        (bytes(&path), bytes(&packed))
    }
}

/// The median, the least and the most.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

fn report(rows: usize, rounds: &[Round]) {
    let of = |value: &dyn Fn(&Round) -> f64| spread(rounds.iter().map(value).collect());
    let (calls, ..) = of(&|round| round.raw_calls);
    let (commits, ..) = of(&|round| round.commits);
    match rows {
        1 => println!("\neach call by itself"),
        _ => println!("\nup to {rows} rows travel together"),
    }
    println!("  by themselves: {calls:.0} calls/s, {commits:.0} durable writes/s");
    for place in 0..rounds[0].parts.len() {
        let part = |value: &dyn Fn(&Part, &Round) -> f64| of(&|round| value(&round.parts[place], round));
        let (rate, low, high) = part(&|part, _| part.executions / part.seconds);
        let (ratio, least, most) = part(&|part, round| {
            let alone = part.calls / round.raw_calls + 2.0 * part.executions / round.commits;
            part.seconds / alone
        });
        let (each, ..) = part(&|part, _| part.calls / part.executions);
        let (bytes, ..) = part(&|part, _| part.bytes);
        let (packed, ..) = part(&|part, _| part.packed);
        println!(
            "  {}: {rate:.0} executions/s ({low:.0} to {high:.0}); {ratio:.2} times the least ({least:.2} to {most:.2}); \
             {each:.2} calls each; {bytes:.0} bytes each, {packed:.0} packed",
            rounds[0].parts[place].name
        );
    }
    let mut latencies: Vec<f64> = rounds.iter().flat_map(|round| round.latencies.clone()).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    println!(
        "  a lone event: p50 {:.1} ms, p95 {:.1} ms from the change to the settled execution",
        at(0.5),
        at(0.95)
    );
}
