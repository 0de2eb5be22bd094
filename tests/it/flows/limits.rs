//! The vendors' limits hold for whoever works on one journal: two engines, real calls, time that jumps, and the
//! sandbox's books as the witness.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use reknit::domain::clock::{Clock as _, SharedClock, Timestamp};
use reknit::domain::execution::Status;
use reknit::domain::filter::Filter;
use reknit::domain::ids::ExecutionId;
use reknit::domain::limit::{Family, HubspotTier};
use reknit::domain::page::Anchor;
use reknit::domain::record::System;
use reknit::engine::settings::{HubspotLimits, LimitSettings};
use reknit::engine::{self, Engine};
use reknit::journal::Journal;
use reknit::mapping::Mapping;
use reknit::sandbox::{Fault, FaultKind, Sandbox, Settings, Vendor, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Tables, VirtualTime};

/// A noon, UTC: far from any day's renewal.
const START: i64 = 1_795_262_400_000;

struct World {
    time: VirtualTime,
    sandbox: Sandbox,
    engines: Vec<Engine>,
    journal: Journal,
    folder: tempfile::TempDir,
}

impl World {
    /// Two engines, each with its own handle on one journal, as two processes have.
    async fn new(settings: engine::Settings, intercom: u32, hubspot: u32) -> Self {
        let time = VirtualTime::at(START);
        let clock: SharedClock = Arc::new(time.clone());
        let sandbox = Sandbox::start(Settings {
            seeded: false,
            intercom_window_limit: intercom,
            hubspot_window_limit: hubspot,
            clock: Some(time.shared()),
            ..Settings::default()
        })
        .await
        .unwrap();
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
        let folder = tempfile::tempdir().unwrap();
        let journal = || Journal::open(&folder.path().join("journal.db"), Arc::clone(&clock)).unwrap();
        let engines: Vec<Engine> = (0..2)
            .map(|_| {
                let clients = Clients::new(&vendors, credentials.clone(), Arc::clone(&clock)).unwrap();
                Engine::new(journal(), clients, Arc::clone(&mapping), Arc::clone(&clock), settings.clone())
            })
            .collect();
        let journal = journal();
        let world = Self { time, sandbox, engines, journal, folder };
        world.time.begins();
        world.engines[0].first_load().await.unwrap();
        world.time.ends();
        world
    }

    /// People sign up, and a look finds them.
    async fn sign_ups(&self, count: usize) {
        for number in 0..count {
            let user =
                json!({"role": "user", "email": format!("p{number}@pace.example"), "name": "Mara Quint"});
            self.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
        }
        self.time.begins();
        assert_eq!(self.engines[0].poll_once().await.unwrap(), count);
        self.time.ends();
    }

    /// Two workers of each engine run everything that is due now, once.
    async fn work(&self) {
        let due: VecDeque<ExecutionId> =
            self.rows().await.into_iter().filter(|row| !row.1.is_finished()).map(|row| row.0).collect();
        let due = Arc::new(Mutex::new(due));
        let mut workers = JoinSet::new();
        for worker in 0..4 {
            let (engine, due, time) = (self.engines[worker % 2].clone(), Arc::clone(&due), self.time.clone());
            time.begins();
            workers.spawn(async move {
                loop {
                    let next = due.lock().unwrap().pop_front();
                    let Some(id) = next else { break };
                    engine.run_one(id).await.unwrap();
                }
                time.ends();
            });
        }
        workers.join_all().await;
    }

    async fn pass_until(&self, at: Timestamp) {
        self.time.begins();
        self.time.until(at).await;
        self.time.ends();
    }

    fn tables(&self) -> Tables {
        Tables::open(&self.folder.path().join("journal.db"))
    }

    async fn rows(&self) -> Vec<(ExecutionId, Status, String, Option<Timestamp>, u32)> {
        let page = self.journal.executions(&Filter::default(), Anchor::First, 10_000).await.unwrap();
        page.rows
            .into_iter()
            .map(|row| (row.id, row.status, row.sentence, row.due_at, row.attempts))
            .collect()
    }

    fn answers(&self, status: &str) -> u64 {
        self.sandbox.books()["answers"][status].as_u64().unwrap_or(0)
    }

    /// Calls of a vendor, searches apart.
    fn calls(&self, vendor: &str) -> (u64, u64) {
        let books = self.sandbox.books();
        let calls = books["calls"].as_object().unwrap().iter();
        calls.filter(|(name, _)| name.starts_with(vendor)).fold((0, 0), |(usual, searches), (name, count)| {
            let count = count.as_u64().unwrap_or(0);
            let search = vendor == "hubspot" && name.ends_with("/search");
            if search { (usual, searches + count) } else { (usual + count, searches) }
        })
    }
}

fn settings(intercom: u32, hubspot: u32, limits: LimitSettings) -> engine::Settings {
    engine::Settings {
        intercom_calls_per_10_seconds: intercom,
        hubspot_calls_per_10_seconds: hubspot,
        limits,
        ..engine::Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r19_two_workers_on_one_journal_keep_to_the_vendors_windows() {
    // Each call by itself: what travels together is told of below.
    let settings = engine::Settings { batch_rows: 1, ..settings(25, 20, LimitSettings::default()) };
    let world = World::new(settings, 25, 20).await;
    world.sign_ups(40).await;
    let before = world.calls("hubspot").0;
    world.work().await;
    // Whoever met with a full window too often was parked for it; that is rare, and costs a lookup and no try.
    while let Some(due) = world.rows().await.iter().filter_map(|row| row.3).max() {
        world.pass_until(due).await;
        world.work().await;
    }
    for (id, status, sentence, _, attempts) in world.rows().await {
        assert_eq!((status, attempts), (Status::Succeeded, 0), "{id}: {sentence}");
    }
    assert_eq!((world.answers("hubspot 429"), world.answers("intercom 429")), (0, 0));
    assert_eq!(world.sandbox.books()["counts"]["hubspot.contact.create.api"], json!(40));
    // The limits did hold it up, and waiting in place repeated hardly a lookup: two reads and one create for each person.
    let used = world.calls("hubspot").0 - before;
    assert!((3 * 40..3 * 40 + 8).contains(&used), "{used}: {:?}", world.sandbox.books()["calls"]);
    let seconds = (world.time.now().0 - START) / 1_000;
    assert!(seconds >= 50, "{seconds} s for {used} calls at 20 in 10 s");
    // Counted here as there; each engine may hold an unused block of a tenth of a window that it has not told of yet.
    let states = world.journal.call_limits().await.unwrap();
    let general = states.iter().find(|state| state.family == Family::General).unwrap();
    let (counted, sent) = (u64::from(general.daily_used), world.calls("hubspot").0);
    assert!((sent..=sent + 2 * 2).contains(&counted), "{counted} counted, {sent} sent");
}

/// 150 executions; `REKNIT_429_EXECUTIONS=1000` runs the whole thousand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g6_a_crowd_that_meets_one_429_keeps_to_the_permitted_rate_and_pays_no_try() {
    let count = std::env::var("REKNIT_429_EXECUTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(150);
    let world = World::new(settings(100_000, 60, LimitSettings::default()), 1_000_000, 60).await;
    world.sign_ups(count).await;
    world.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::RateLimited).method("POST").times(1));
    let (before, began) = (world.calls("hubspot").0, world.time.now());
    world.work().await;
    while let Some(due) = world.rows().await.iter().filter_map(|row| row.3).max() {
        world.pass_until(due).await;
        world.work().await;
    }
    for (id, status, sentence, _, attempts) in world.rows().await {
        assert_eq!((status, attempts), (Status::Succeeded, 0), "{id}: {sentence}");
    }
    let seconds = world.time.now().since(began) as f64 / 1_000.0;
    let calls = world.calls("hubspot").0 - before;
    let _ = writeln!(
        std::io::stderr(),
        "G6 {count} executions on one 429: {calls} calls in {seconds:.0} s of virtual time, {:.1} in 10 s of 60 permitted; {} refused, \
         0 tries spent",
        calls as f64 / seconds * 10.0,
        world.answers("hubspot 429"),
    );
    // The sandbox counts its own window: one call more than permitted would be another refusal.
    assert_eq!(world.answers("hubspot 429"), 1);
    assert_eq!(world.sandbox.books()["counts"]["hubspot.contact.create.api"], json!(count));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_a_reached_budget_parks_the_work_once_and_it_goes_on_after_midnight() {
    let limits = LimitSettings {
        daily_budget_percent: 50,
        daily_urgent_percent: 95,
        hubspot: HubspotLimits { tier: HubspotTier::Professional, ..HubspotLimits::default() },
        ..LimitSettings::default()
    };
    let world = World::new(settings(1_000, 0, limits), 1_000, 190).await;
    // Another app has used half of the account's 625,000 calls but a few.
    world.sandbox.add_hubspot_usage(312_500 - 20);
    world.sign_ups(30).await;
    world.work().await;
    let rows = world.rows().await;
    let parked: Vec<_> = rows.iter().filter(|row| row.1 == Status::Pending).collect();
    assert!((20..=26).contains(&parked.len()), "{}", parked.len());
    let midnight = Timestamp(START + 12 * 3_600_000);
    for (id, _, sentence, due_at, attempts) in &parked {
        assert_eq!((*due_at, *attempts), (Some(midnight), 0), "{id}: {sentence}");
        assert!(sentence.starts_with("Waits for HubSpot's daily calls to be renewed: 312"), "{sentence}");
        let until = midnight.rfc3339();
        let end = format!("our budget is 50 %; goes on by itself at {until}.");
        assert!(sentence.ends_with(&end), "{sentence}");
    }
    // Looking again before that costs no call.
    let calls = |world: &World| (world.calls("hubspot"), world.calls("intercom"));
    let before = calls(&world);
    world.work().await;
    assert_eq!(calls(&world), before);
    world.pass_until(midnight).await;
    world.work().await;
    for (id, status, sentence, ..) in world.rows().await {
        assert_eq!(status, Status::Succeeded, "{id}: {sentence}");
    }
    assert_eq!(world.answers("hubspot 429"), 0);
}

/// The day's allowance ends while people's changes wait: all park until the account's midnight, none counts a try, a
/// human's own work passes by the urgent share, and afterwards each person's changes happen in the order they came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g6_what_the_days_allowance_parks_goes_on_in_order_after_midnight() {
    const PEOPLE: usize = 15;
    let limits = LimitSettings {
        daily_budget_percent: 50,
        daily_urgent_percent: 95,
        hubspot: HubspotLimits {
            tier: HubspotTier::Professional,
            time_zone: "America/New_York".into(),
            ..HubspotLimits::default()
        },
        ..LimitSettings::default()
    };
    let world = World::new(settings(1_000, 0, limits), 1_000, 190).await;
    world.sign_ups(PEOPLE).await;
    world.time.begins();
    world.engines[0].work_off().await;
    world.sandbox.add_hubspot_usage(312_500);
    let people: Vec<String> = world
        .tables()
        .texts("SELECT DISTINCT record FROM executions")
        .iter()
        .map(|it| it[17..].to_owned())
        .collect();
    for phone in ["+49301111111", "+49302222222"] {
        for left in &people {
            world.sandbox.edit_intercom_contact(left, &json!({"phone": phone}), Webhook::Silent).unwrap();
        }
        world.engines[0].poll_once().await.unwrap();
    }
    world.engines[0].work_off().await;
    let midnight = Timestamp::parse_rfc3339("2026-11-22T05:00:00Z").unwrap();
    let parked: Vec<_> = world.rows().await.into_iter().filter(|row| row.1 == Status::Pending).collect();
    assert!(parked.len() >= 2 * PEOPLE - 3, "{}", parked.len());
    for (id, _, sentence, due_at, attempts) in &parked {
        assert_eq!((*due_at, *attempts), (Some(midnight), 0), "{id}: {sentence}");
        assert!(sentence.ends_with("goes on by itself at 2026-11-22T05:00:00.000Z."), "{sentence}");
    }
    // One of them a human wants now.
    let wanted = parked.last().unwrap().0;
    world.journal.retry(vec![wanted], "olga".into()).await.unwrap();
    world.engines[0].work_off().await;
    assert!(world.rows().await.iter().any(|row| row.0 == wanted && row.1 == Status::Succeeded));
    world.time.ends();
    world.pass_until(midnight).await;
    world.time.begins();
    world.engines[0].work_off().await;
    world.time.ends();
    for (id, status, sentence, _, attempts) in world.rows().await {
        assert_eq!((status, attempts), (Status::Succeeded, 0), "{id}: {sentence}");
    }
    let out_of_order = world.tables().number(&format!(
        "SELECT count(*) FROM executions a JOIN executions b ON a.lane = b.lane AND a.id < b.id \
         WHERE a.id <> {0} AND b.id <> {0} AND (SELECT min(id) FROM attempts WHERE execution_id = a.id) \
         > (SELECT min(id) FROM attempts WHERE execution_id = b.id)",
        wanted.0
    ));
    assert_eq!(out_of_order, 0);
    assert_eq!(world.answers("hubspot 429"), 0);
    let _ = writeln!(
        std::io::stderr(),
        "G6 daily allowance: {} parked until the account's midnight, 0 tries counted, 0 out of order, all done after it",
        parked.len()
    );
}
