//! How close to the vendors' limits we drain a backlog: 100,000 contact upserts into the sandbox, in virtual time.
//!
//! `cargo bench --bench drain` prints figures and judges nothing. Calls are real HTTP on loopback through the product's
//! clients, paced by the product's limits over one journal that two processes' worth of workers share; only the time is
//! not real: it stands still while anybody works and jumps to the next moment somebody waits for. The least time is
//! what a scheduler that knew everything would need: full windows from the first millisecond on.
//! After `--`: `--rows N` for another backlog, `--quick` for a short one that an unoptimised build can stand.
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

#[path = "../it/support/virtual_time.rs"]
mod virtual_time;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reknit::domain::clock::{Clock as _, SharedClock};
use reknit::domain::limit::{Family, Urgency};
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, Fields, ObjectKind, System};
use reknit::engine;
use reknit::engine::limits::Limits;
use reknit::journal::Journal;
use reknit::sandbox::{Sandbox, Settings};
use reknit::vault::Given;
use reknit::vendors::salesforce::bulk;
use reknit::vendors::salesforce::collections::{self, Row};
use reknit::vendors::{self, Clients, Log};
use serde_json::json;
use tokio::task::JoinSet;
use virtual_time::VirtualTime;

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
            drain(way, rows, way.batch(rows), true).await;
        }
        println!("\nnegative control: the same without our limits");
        for way in [Way::Hubspot, Way::Intercom] {
            drain(way, 2 * way.most().map_or(0, |most| most as usize), 1, false).await;
        }
    });
}

/// What is drained where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Hubspot,
    Intercom,
    Collections,
    Bulk,
}

impl Way {
    const ALL: [Self; 4] = [Self::Hubspot, Self::Intercom, Self::Collections, Self::Bulk];

    fn connection(self) -> Connection {
        Connection::only(match self {
            Self::Hubspot => System::Hubspot,
            Self::Intercom => System::Intercom,
            Self::Collections | Self::Bulk => System::Salesforce,
        })
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Hubspot => "HubSpot, batch/upsert by the hundred, 190 calls in any 10 s",
            Self::Intercom => "Intercom, one call each, 1,667 calls in each 10 s",
            Self::Collections => "Salesforce, collections by two hundred, 100,000 calls in 24 hours",
            Self::Bulk => "Salesforce, Bulk API 2.0, 100,000 calls in 24 hours",
        }
    }

    /// Contacts in one call, or in one job.
    const fn batch(self, rows: usize) -> usize {
        match self {
            Self::Hubspot => 100,
            Self::Intercom => 1,
            Self::Collections => 200,
            Self::Bulk => rows,
        }
    }

    /// Calls that the vendor takes in ten seconds; none where only the day is limited.
    const fn most(self) -> Option<u32> {
        match self {
            Self::Hubspot => Some(HUBSPOT),
            Self::Intercom => Some(INTERCOM),
            Self::Collections | Self::Bulk => None,
        }
    }

    /// Calls that one batch takes at least: a job is made, uploaded, closed, asked after twice (the first time it has
    /// only begun) and read in three parts.
    const fn calls(self) -> usize {
        if matches!(self, Self::Bulk) { 8 } else { 1 }
    }

    /// Seconds that nobody could be faster in: the first window's calls leave at once, the next ones ten seconds later.
    fn least(self, calls: usize) -> Option<f64> {
        Some((calls.div_ceil(self.most()? as usize) - 1) as f64 * 10.0)
    }
}

async fn drain(way: Way, rows: usize, batch: usize, limited: bool) {
    let time = VirtualTime::at(START);
    let shared: SharedClock = Arc::new(time.clone());
    let sandbox = Sandbox::start(Settings {
        seeded: false,
        intercom_window_limit: INTERCOM,
        hubspot_window_limit: HUBSPOT,
        clock: Some(time.shared()),
        ..Settings::default()
    })
    .await
    .expect("a sandbox");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.db");
    let mut settings = vendors::Settings::default();
    sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
    sandbox.hubspot_base_url().clone_into(&mut settings.hubspot.base_url);
    sandbox.salesforce_instance_url().clone_into(&mut settings.salesforce.instance_url);
    settings.max_response_bytes = 64 * 1024 * 1024;
    let credentials = Arc::new(
        Given::default()
            .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
            .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret())
            .with(System::Salesforce, sandbox.salesforce_token(), sandbox.salesforce_client_secret()),
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
                failed += upsert(way, &clients, &time, first..(first + batch).min(rows), &mut log).await;
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
    let word = way.connection().system.as_str();
    let answers = |status: u16| books["answers"][format!("{word} {status}")].as_u64().unwrap_or(0);
    let refused = answers(429) + answers(403);
    let counts = books["counts"].as_object().into_iter().flatten();
    let made: u64 = counts
        .filter(|(name, _)| name.eq_ignore_ascii_case(&format!("{word}.contact.create.api")))
        .filter_map(|(_, count)| count.as_u64())
        .sum();
    let sent: u64 =
        books["answers"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    let fewest = calls * way.calls();
    println!("\n{}", way.about());
    match way.least(calls) {
        _ if !limited => println!("  {refused} of {sent} answers were 429, so the sandbox does refuse"),
        Some(least) => println!(
            "  {seconds:.2} s, least {least:.2} s: {:.4} times the least; {refused} refusals for a limit",
            seconds / least.max(f64::MIN_POSITIVE)
        ),
        None => println!(
            "  {sent} calls, least {fewest}: {:.4} times the least; {refused} refusals for a limit; {:.2} % of the day",
            sent as f64 / fewest as f64,
            sent as f64 / 1_000.0
        ),
    }
    println!(
        "  {sent} calls (least {fewest}), {made} contacts made, {failed} rows failed, {:.1} s of real time",
        started.elapsed().as_secs_f64()
    );
    sandbox.shutdown().await;
}

/// Upserts these contacts; how many failed.
async fn upsert(
    way: Way,
    clients: &Clients,
    time: &VirtualTime,
    rows: std::ops::Range<usize>,
    log: &mut Log,
) -> usize {
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
        Way::Collections => {
            let fields: Vec<Fields> = rows.map(salesforce).collect();
            let rows: Vec<Row<'_>> =
                fields.iter().map(|fields| Row { object: ObjectKind::Contact, id: None, fields }).collect();
            let done = collections::upsert(clients, &connection, "Intercom_Contact_ID__c", &rows, log).await;
            done.iter().filter(|result| result.is_err()).count()
        }
        Way::Bulk => {
            let rows: Vec<Fields> = rows.map(salesforce).collect();
            let operation = bulk::Operation::Upsert("Intercom_Contact_ID__c".to_owned());
            let load = bulk::Load { object: ObjectKind::Contact, operation: &operation, rows: &rows };
            let mut failed = 0;
            for range in bulk::parts(clients.settings(), &load) {
                let part = match bulk::start(clients, &connection, &load, range.clone(), log).await {
                    Ok(part) => part,
                    Err(error) => {
                        println!("  {error:?}");
                        failed += range.len();
                        continue;
                    }
                };
                loop {
                    match bulk::progress(clients, &connection, &load, &part, log).await {
                        Ok(bulk::Progress::NotYet { .. }) => {
                            time.until(time.now().plus(Duration::from_secs(5))).await;
                        }
                        Ok(bulk::Progress::Ended(results)) => {
                            failed += results.iter().filter(|result| result.is_err()).count();
                            break;
                        }
                        Err(error) => {
                            println!("  {error:?}");
                            failed += range.len();
                            break;
                        }
                    }
                }
            }
            failed
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
                    related: Vec::new(),
                };
                failed += usize::from(vendors::perform(clients, &effect, log).await.is_err());
            }
            failed
        }
    }
}

fn salesforce(row: usize) -> Fields {
    fields(&json!({
        "Intercom_Contact_ID__c": format!("ic-{row}"),
        "LastName": format!("Quint {row}"),
        "Email": email(row),
    }))
}

fn email(row: usize) -> String {
    format!("person{row}@drain.example")
}

fn fields(value: &serde_json::Value) -> Fields {
    value.as_object().cloned().expect("an object")
}
