//! Changes no webhook told of, asked for: fetches by hand, sweeps for who is gone, conversations of the past. Each with
//! engines that die in the middle and vendors that lose their answers.

use std::sync::Arc;
use std::time::Duration;

use reknit::cli::clock::SystemClock;
use reknit::domain::clock::{Clock as _, ManualClock, SharedClock};
use reknit::domain::record::{Connection, System};
use reknit::engine::{self, Engine};
use reknit::journal::Journal;
use reknit::mapping::Mapping;
use reknit::sandbox::{HubspotRules, Sandbox, Settings};
use reknit::vault::Given;
use reknit::vendors::{self, Clients};
use serde_json::{Value, json};

use crate::support::Tables;

pub(super) mod backfilling;
mod fetching;
mod sweeping;

/// Vendors, a journal, and engines that come and go.
struct World {
    sandbox: Sandbox,
    clock: ManualClock,
    folder: tempfile::TempDir,
    vendors: vendors::Settings,
    settings: engine::Settings,
    hubspot_token: String,
    client: reqwest::Client,
}

/// How the world is.
struct Setup {
    people: usize,
    search_lag: i64,
    timeline_app: bool,
}

impl Setup {
    const PLAIN: Self = Self { people: 0, search_lag: 0, timeline_app: false };
}

impl World {
    async fn new(setup: Setup) -> Self {
        let sandbox = Sandbox::start(Settings {
            people: setup.people,
            companies: 20,
            seeded: setup.people > 0,
            intercom_window_limit: 1_000_000,
            hubspot_window_limit: 1_000_000,
            hubspot_search_per_second: 1_000_000,
            hubspot: HubspotRules { search_lag_milliseconds: setup.search_lag, ..HubspotRules::default() },
            ..Settings::default()
        })
        .await
        .unwrap();
        let mut vendors =
            vendors::Settings { timeouts: vendors::Timeouts::of(1), ..vendors::Settings::default() };
        sandbox.intercom_base_url().clone_into(&mut vendors.intercom.base_url);
        sandbox.hubspot_base_url().clone_into(&mut vendors.hubspot.base_url);
        let mapping = Mapping::shipped();
        vendors.hubspot.extra_properties.extend(mapping.fields.iter().flat_map(|field| field.crm.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut hubspot_token = sandbox.hubspot_token().to_owned();
        if setup.timeline_app {
            vendors.hubspot.timeline_app = true;
            vendors.hubspot.timeline_template = "1001".into();
            let answer: Value = client
                .post(format!("{}/oauth/v1/token", sandbox.hubspot_base_url()))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(format!(
                    "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
                    sandbox.hubspot_client_id(),
                    sandbox.hubspot_client_secret(),
                    sandbox.hubspot_refresh_token()
                ))
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            answer["access_token"].as_str().unwrap().clone_into(&mut hubspot_token);
        }
        let limits = engine::settings::LimitSettings {
            hubspot: engine::settings::HubspotLimits {
                searches_per_second: 1_000_000,
                ..engine::settings::HubspotLimits::default()
            },
            ..engine::settings::LimitSettings::default()
        };
        let settings = engine::Settings {
            intercom_calls_per_10_seconds: 1_000_000,
            hubspot_calls_per_10_seconds: 1_000_000,
            limits,
            ..engine::Settings::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(SystemClock.now());
        Self { sandbox, clock, folder, vendors, settings, hubspot_token, client }
    }

    /// An engine as a process that has just started has it, on a journal by its name.
    fn engine_on(&self, journal: &str) -> Engine {
        let clock: SharedClock = Arc::new(self.clock.clone());
        let journal = Journal::open(&self.folder.path().join(journal), Arc::clone(&clock)).unwrap();
        let given = Given::default()
            .with(System::Intercom, self.sandbox.intercom_token(), self.sandbox.intercom_client_secret())
            .with(System::Hubspot, &self.hubspot_token, self.sandbox.hubspot_client_secret());
        let clients = Clients::new(&self.vendors, Arc::new(given), Arc::clone(&clock)).unwrap();
        Engine::new(journal, clients, Arc::new(Mapping::shipped()), clock, self.settings.clone())
    }

    fn engine(&self) -> Engine {
        self.engine_on("journal.db")
    }

    async fn loaded(&self) -> Engine {
        let engine = self.engine();
        engine.first_load().await.unwrap();
        engine
    }

    fn tables(&self) -> Tables {
        Tables::open(&self.folder.path().join("journal.db"))
    }

    fn count(&self, name: &str) -> u64 {
        self.sandbox.books()["counts"][name].as_u64().unwrap_or(0)
    }

    /// Moves the time to when the next execution is due.
    async fn pass_to_next(&self, journal: &Journal) -> bool {
        let Some(due) = journal.next_due().await.unwrap() else { return false };
        let wait = due.since(self.clock.now()).max(0);
        self.clock.advance(Duration::from_millis(wait as u64));
        true
    }

    /// Works until nothing waits any more, whatever it waits for.
    async fn work_out(&self, engine: &Engine) {
        loop {
            if engine.work_off().await == 0 && !self.pass_to_next(engine.journal()).await {
                return;
            }
        }
    }

    async fn hubspot(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.hubspot_base_url());
        let answer = self.client.get(url).bearer_auth(&self.hubspot_token).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn intercom_post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.sandbox.intercom_base_url());
        let token = self.sandbox.intercom_token();
        let answer = self.client.post(url).bearer_auth(token).json(body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// A conversation that began then; its id.
    async fn conversation(&self, contact: &str, body: &str, created_at: i64) -> String {
        let from = json!({"type": "contact", "id": contact});
        let message = json!({"from": from, "body": body, "created_at": created_at});
        let answer = self.intercom_post("/conversations", &message).await;
        answer["conversation_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

fn only(system: System) -> Connection {
    Connection::only(system)
}

/// Says a figure where whoever runs the checks reads it.
fn say(figure: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{figure}");
}
