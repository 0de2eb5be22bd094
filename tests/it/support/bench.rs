//! The whole product on one table: emulated vendors on loopback, journal, engine, receiver and console, one clock.
//!
//! Nothing here waits for time to pass: the engine's clock is moved by hand, work is worked off when asked. Dropping
//! a bench that still has work due, or work that says it is running, fails the test that forgot it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event as Input;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use reknit::cli::clock::SystemClock;
use reknit::console::{Console, keys, msg::Event, theme};
use reknit::domain::clock::{Clock as _, ManualClock, SharedClock, Timestamp};
use reknit::domain::execution::{Execution, ExecutionDetail};
use reknit::domain::filter::Filter;
use reknit::domain::ids::ExecutionId;
use reknit::domain::page::Anchor;
use reknit::domain::record::System;
use reknit::domain::review::{Conflict, Duplicate, Unlinked};
use reknit::domain::secret::Credentials;
use reknit::engine::operate::Operator;
use reknit::engine::rulebook::Rulebook;
use reknit::engine::rules::{Rules, Sources};
use reknit::engine::{self, Engine};
use reknit::journal::Journal;
use reknit::mapping::Mapping;
use reknit::sandbox::{Sandbox, Settings, Webhook};
use reknit::vault::Given;
use reknit::vendors::{self, Clients};
use reknit::webhook::{self, Receiver};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Delivery, Recorder, Tables};

/// The operator's name in every audit line.
pub(crate) const OPERATOR: &str = "olga";

/// How a bench is set up; the defaults are an empty world and patient limits.
pub(crate) struct Builder {
    seeded: Option<(u64, usize, usize)>,
    engine: engine::Settings,
    vendors: vendors::Settings,
    secrets: bool,
    read_only: bool,
    recorded: bool,
    size: (u16, u16),
    recipes: Vec<(String, String)>,
}

impl Builder {
    /// Recipes of the workspace's own, or shipped ones as it has changed them: name and text.
    pub(crate) fn recipes(mut self, recipes: Vec<(String, String)>) -> Self {
        self.recipes = recipes;
        self
    }

    /// Seeded people and companies instead of empty vendors.
    pub(crate) fn seeded(mut self, seed: u64, people: usize, companies: usize) -> Self {
        self.seeded = Some((seed, people, companies));
        self
    }

    /// With Salesforce as the CRM, whose outbound messages come as webhooks.
    pub(crate) fn salesforce(mut self) -> Self {
        self.engine.crm = System::Salesforce;
        self
    }

    /// Changes the engine's settings.
    pub(crate) fn engine(mut self, change: impl FnOnce(&mut engine::Settings)) -> Self {
        change(&mut self.engine);
        self
    }

    /// HubSpot properties that are read besides the usual ones.
    pub(crate) fn hubspot_properties(mut self, names: &[&str]) -> Self {
        self.vendors.hubspot.extra_properties = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Seconds a vendor may take to answer.
    pub(crate) fn patience(mut self, seconds: u64) -> Self {
        self.vendors.timeouts = vendors::Timeouts::of(seconds);
        self
    }

    /// Seconds a vendor may take for each kind of call.
    pub(crate) fn timeouts(mut self, timeouts: vendors::Timeouts) -> Self {
        self.vendors.timeouts = timeouts;
        self
    }

    /// No webhook secret at hand.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.secrets = false;
        self
    }

    /// Everything between the clients and the vendors is written down, to be read from `recorders`.
    pub(crate) fn recorded(mut self) -> Self {
        self.recorded = true;
        self
    }

    /// The console may only look.
    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Starts everything.
    pub(crate) async fn start(mut self) -> Bench {
        let (seed, people, companies) = self.seeded.unwrap_or((7, 0, 0));
        let sandbox = Sandbox::start(Settings {
            seed,
            people,
            companies,
            seeded: self.seeded.is_some(),
            intercom_window_limit: 1_000_000,
            hubspot_window_limit: 1_000_000,
            hubspot_search_per_second: 1_000_000,
            ..Settings::default()
        })
        .await
        .unwrap();
        sandbox.intercom_base_url().clone_into(&mut self.vendors.intercom.base_url);
        sandbox.hubspot_base_url().clone_into(&mut self.vendors.hubspot.base_url);
        sandbox.salesforce_instance_url().clone_into(&mut self.vendors.salesforce.instance_url);
        let mut recorders = Vec::new();
        if self.recorded {
            for base in [&mut self.vendors.intercom.base_url, &mut self.vendors.hubspot.base_url] {
                let recorder = Recorder::before(base).await;
                recorder.url().clone_into(base);
                recorders.push(recorder);
            }
        }
        let mapping = Arc::new(Mapping::shipped_for(self.engine.crm));
        let config = reknit::config::Config {
            engine: self.engine.clone(),
            vendors: self.vendors.clone(),
            ..reknit::config::Config::default()
        };
        self.vendors = reknit::cli::wiring::vendor_settings(&config, &mapping);
        let leads = reknit::cli::wiring::leads(&config);
        let secret = |text: &'static str| if self.secrets { text } else { "" };
        let credentials: Arc<dyn Credentials> = Arc::new(Tokens {
            given: Given::default()
                .with(System::Intercom, sandbox.intercom_token(), secret(sandbox.intercom_client_secret()))
                .with(System::Hubspot, sandbox.hubspot_token(), secret(sandbox.hubspot_client_secret()))
                .with(System::Salesforce, sandbox.salesforce_token(), "")
                .with_named(vendors::salesforce::hook::SECRET, secret(OUTBOUND_SECRET))
                .with_named(vendors::agent::SECRET, secret(AGENT_SECRET)),
            secrets: self.secrets,
        });
        let clock = ManualClock::at(SystemClock.now());
        let shared = Arc::new(clock.clone());
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db"), shared.clone()).unwrap();
        let clients = Clients::new(&self.vendors, Arc::clone(&credentials), shared.clone()).unwrap();
        let rulebook = Rulebook::in_folder(folder.path().join("rules"));
        let engine =
            Engine::new(journal.clone(), clients, Arc::clone(&mapping), shared.clone(), self.engine.clone())
                .with_rulebook(rulebook.clone());
        let engine = with_recipes(engine, folder.path(), &self.recipes, self.engine.crm);
        let parts = (self.vendors.clone(), Arc::clone(&credentials), self.engine.clone());
        let (stop, address) = receive(&engine, credentials).await;
        sandbox.subscribe_intercom(&format!("http://{address}/webhooks/intercom"));
        sandbox.subscribe_hubspot(&format!("http://{address}/webhooks/hubspot"));
        if self.engine.crm == System::Salesforce {
            sandbox.subscribe_salesforce(&format!("http://{address}/webhooks/salesforce/{OUTBOUND_SECRET}"));
        }
        let operator = Operator::new(
            journal.clone(),
            mapping,
            Arc::new(self.vendors.clone()),
            shared.clone(),
            OPERATOR.to_owned(),
            self.engine.max_attempts,
        )
        .of_crm(self.engine.crm, leads)
        .merging_by(self.engine.merge.clone());
        let operator = operator
            .with_rulebook(rulebook)
            .with_mappings(folder.path().join("mappings"), None)
            .with_sources(Sources {
                recipes: Some(folder.path().join("recipes")),
                mappings: Some(folder.path().join("mappings")),
                contact: None,
            });
        let operator = if self.read_only { operator.read_only() } else { operator };
        let console = show(journal.clone(), operator.clone(), shared, self.size).await;
        let screen = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        Bench {
            sandbox,
            engine: Box::new(engine),
            journal,
            clock,
            console: Box::new(console),
            screen,
            address,
            stop,
            folder,
            leftovers: false,
            recorders,
            parts,
            recipes: self.recipes,
        }
    }
}

/// The same engine with these recipes beside the shipped ones; without any, as it was.
fn with_recipes(engine: Engine, folder: &Path, recipes: &[(String, String)], crm: System) -> Engine {
    if recipes.is_empty() {
        return engine;
    }
    let own = folder.join("recipes");
    std::fs::create_dir_all(&own).unwrap();
    for (name, text) in recipes {
        std::fs::write(own.join(format!("{name}.toml")), text).unwrap();
    }
    let sources = Sources { recipes: Some(own), ..Sources::default() };
    engine.with_rules(Rules::read(sources, crm).unwrap_or_else(|wrong| panic!("{wrong:#?}")))
}

async fn show(journal: Journal, operator: Operator, clock: SharedClock, size: (u16, u16)) -> Console {
    let mut console = Console::new(
        journal,
        operator,
        clock,
        "bench".to_owned(),
        reknit::console::Settings::default(),
        theme::Terminal { truecolor: true, ..theme::Terminal::default() },
        TimeZone::UTC,
        size,
    );
    console.start();
    console.settle().await;
    console
}

/// The end of the address that Salesforce's outbound messages are sent to.
const OUTBOUND_SECRET: &str = "outbound-secret-0123456789";
/// What a support agent signs with.
pub(crate) const AGENT_SECRET: &str = "agent-secret-0123456789";

/// Tokens as the vault hands them out; without secrets, as a locked one does.
struct Tokens {
    given: Given,
    secrets: bool,
}

impl Credentials for Tokens {
    fn access_token(
        &self,
        connection: &reknit::domain::record::Connection,
    ) -> Option<reknit::domain::secret::Secret> {
        self.given.access_token(connection)
    }

    fn webhook_secret(
        &self,
        connection: &reknit::domain::record::Connection,
    ) -> Option<reknit::domain::secret::Secret> {
        self.given.webhook_secret(connection).filter(|_| self.secrets)
    }

    fn named(&self, name: &str) -> Option<reknit::domain::secret::Secret> {
        self.given.named(name).filter(|_| self.secrets)
    }
}

/// Opens the receiver. It measures signatures by the real time, which the sandbox signs with.
async fn receive(engine: &Engine, credentials: Arc<dyn Credentials>) -> (watch::Sender<bool>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let receiver = Receiver {
        tally: Arc::default(),
        inbox: Arc::new(engine.intake()),
        credentials,
        clock: Arc::new(SystemClock),
        settings: webhook::Settings {
            public_url: Some(format!("http://{address}")),
            ..webhook::Settings::default()
        },
    };
    let (stop, mut stopped) = watch::channel(false);
    tokio::spawn(webhook::serve(listener, receiver, async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    (stop, address)
}

/// See the module.
pub(crate) struct Bench {
    /// The emulated vendors.
    pub(crate) sandbox: Sandbox,
    /// The engine.
    pub(crate) engine: Box<Engine>,
    /// The journal.
    pub(crate) journal: Journal,
    /// The engine's and the console's clock.
    pub(crate) clock: ManualClock,
    console: Box<Console>,
    screen: Terminal<TestBackend>,
    /// Where the receiver listens.
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    folder: TempDir,
    leftovers: bool,
    /// Intercom's and HubSpot's, if they were asked for.
    pub(crate) recorders: Vec<Recorder>,
    /// What engines are made of.
    parts: (vendors::Settings, Arc<dyn Credentials>, engine::Settings),
    recipes: Vec<(String, String)>,
}

impl Bench {
    /// Another engine with its own handle on the journal, as another process has, or this one after a restart.
    pub(crate) fn another_engine(&self) -> Engine {
        let (vendors, credentials, settings) = &self.parts;
        let clock = Arc::new(self.clock.clone());
        let journal = Journal::open(&self.path(), clock.clone()).unwrap();
        let clients = Clients::new(vendors, Arc::clone(credentials), clock.clone()).unwrap();
        let mapping = Arc::new(Mapping::shipped_for(settings.crm));
        let engine = Engine::new(journal, clients, mapping, clock, settings.clone());
        with_recipes(engine, self.folder.path(), &self.recipes, settings.crm)
    }

    /// The operator, as a command has one.
    pub(crate) fn operator(&self) -> Operator {
        let (vendors, _, settings) = &self.parts;
        let mapping = Arc::new(Mapping::shipped());
        let clock = Arc::new(self.clock.clone());
        let vendors = Arc::new(vendors.clone());
        Operator::new(
            self.journal.clone(),
            mapping,
            vendors,
            clock,
            OPERATOR.to_owned(),
            settings.max_attempts,
        )
    }

    /// Empty vendors, nothing loaded.
    pub(crate) async fn new() -> Self {
        Self::build().start().await
    }

    /// To be set up.
    pub(crate) fn build() -> Builder {
        let engine = engine::Settings {
            intercom_calls_per_10_seconds: 1_000_000,
            hubspot_calls_per_10_seconds: 1_000_000,
            limits: engine::settings::LimitSettings {
                hubspot: engine::settings::HubspotLimits {
                    searches_per_second: 1_000_000,
                    ..engine::settings::HubspotLimits::default()
                },
                ..engine::settings::LimitSettings::default()
            },
            ..engine::Settings::default()
        };
        let vendors =
            vendors::Settings { timeouts: vendors::Timeouts::of(10), ..vendors::Settings::default() };
        Builder {
            seeded: None,
            engine,
            vendors,
            secrets: true,
            read_only: false,
            recorded: false,
            size: (150, 50),
            recipes: Vec::new(),
        }
    }

    /// Shows the journal as `reknit --read-only` does, opened to look only, instead of as before.
    pub(crate) async fn look_only(&mut self) {
        let clock: SharedClock = Arc::new(self.clock.clone());
        let journal = Journal::open_to_look(&self.path(), clock.clone()).unwrap();
        let operator = Operator::new(
            journal.clone(),
            Arc::new(Mapping::shipped()),
            Arc::default(),
            clock.clone(),
            OPERATOR.to_owned(),
            12,
        );
        let area = self.screen.size().unwrap();
        *self.console = show(journal, operator.read_only(), clock, (area.width, area.height)).await;
    }

    /// The test means to leave work behind.
    pub(crate) fn leave_work(&mut self) {
        self.leftovers = true;
    }

    /// Copies both vendors into the journal, as the service does when it starts.
    pub(crate) async fn load(&self) {
        self.engine.first_load().await.unwrap();
    }

    /// Waits until every webhook of the sandbox has been answered.
    pub(crate) async fn delivered(&self) {
        self.sandbox.webhooks_drained().await;
    }

    /// Delivers what the vendors have to tell and works until nothing is due any more; how many turns that took.
    pub(crate) async fn work(&mut self) -> usize {
        let mut turns = 0;
        loop {
            self.delivered().await;
            let done = self.engine.work_off().await;
            turns += done;
            if done == 0 && self.sandbox.webhooks_idle() {
                break;
            }
        }
        Box::pin(self.look()).await;
        turns
    }

    /// Moves the time.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Moves the time to when the next execution is due and works it off.
    pub(crate) async fn work_when_due(&mut self) -> usize {
        let now = self.clock.now();
        // What is due already waits for its person's turn, not for a time.
        let due = self.tables().number(&format!(
            "SELECT min(due_at) FROM executions WHERE status IN ('pending', 'retrying', 'in_doubt') AND due_at > {}",
            now.0
        ));
        assert!(due > now.0, "nothing waits for a time");
        self.advance(Duration::from_millis((due - now.0) as u64));
        self.work().await
    }

    /// Works and moves the time until nothing waits any more.
    pub(crate) async fn work_out(&mut self) {
        for _ in 0..1_000 {
            self.work().await;
            let now = self.clock.now();
            // What is due already waits for its person's turn, and what is held for its vendor: not for a time.
            let due = self.tables().number(&format!(
                "SELECT coalesce(min(due_at), 0) FROM executions WHERE status IN ('pending', 'retrying', 'in_doubt') \
                 AND due_at > {}",
                now.0
            ));
            if due > 0 {
                self.advance(Duration::from_millis((due - now.0) as u64));
            } else if self.tables().number("SELECT count(*) FROM executions WHERE held_by IS NOT NULL") > 0 {
                self.advance(Duration::from_secs(5));
            } else {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Scans for duplicates and missing relations.
    pub(crate) async fn scan(&mut self) {
        self.engine.scan_once().await.unwrap();
        self.look().await;
    }

    /// Sends a delivery made by hand; the status it got.
    pub(crate) async fn deliver(&self, delivery: Delivery) -> u16 {
        delivery.to(self.address).await.status
    }

    /// Lets the console see what changed.
    pub(crate) async fn look(&mut self) {
        self.console.event(Event::Changed);
        self.console.settle().await;
    }

    /// Presses keys, named as in the table and separated by blanks.
    pub(crate) async fn press(&mut self, names: &str) {
        for name in names.split(' ') {
            let key = keys::press(name).unwrap_or_else(|| panic!("{name} is no key"));
            self.console.input(Input::Key(key));
            self.console.settle().await;
        }
    }

    /// The executions, all of them: `Esc` takes away notices, then the filter for what is open.
    pub(crate) async fn show_all(&mut self) {
        self.press("2").await;
        for _ in 0..4 {
            if self.text().contains("status:open") {
                self.press("Esc").await;
            }
        }
        self.says_not("status:open");
        self.press("g").await;
    }

    /// Types letters.
    pub(crate) async fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            let name = if letter == ' ' { "Space".to_owned() } else { letter.to_string() };
            self.press(&name).await;
        }
    }

    /// Empties a line of text and types another.
    pub(crate) async fn retype(&mut self, text: &str) {
        self.press("Ctrl-u").await;
        self.type_text(text).await;
    }

    /// The screen, line by line.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let frame = self.console.frame();
        self.screen.draw(|target| target.buffer_mut().merge(&frame)).unwrap();
        let buffer = self.screen.backend().buffer();
        let width = usize::from(buffer.area.width);
        let row = |cells: &[ratatui::buffer::Cell]| {
            let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        };
        buffer.content.chunks(width).map(row).collect()
    }

    /// The screen as one text.
    pub(crate) fn text(&mut self) -> String {
        self.lines().join("\n")
    }

    /// The boxes of the screen read one after the other, with wrapped lines joined.
    fn boxes(&mut self) -> String {
        let lines = self.lines();
        let most = lines.iter().map(|line| line.split('│').count()).max().unwrap_or(0);
        let column = |place: usize| {
            let cells = lines.iter().filter_map(|line| line.split('│').nth(place)).map(str::trim);
            cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ")
        };
        (0..most).map(column).collect::<Vec<_>>().join("\n")
    }

    /// The screen shows it, wrapped or not.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) {
        let screen = self.text();
        let shown = screen.contains(text) || self.boxes().contains(text);
        assert!(shown, "no {text:?} on:\n{screen}");
    }

    /// The screen does not show it.
    #[track_caller]
    pub(crate) fn says_not(&mut self, text: &str) {
        let screen = self.text();
        assert!(!screen.contains(text), "{text:?} is on:\n{screen}");
    }

    /// All executions, newest first.
    pub(crate) async fn rows(&self) -> Vec<Execution> {
        self.journal.executions(&Filter::default(), Anchor::First, 10_000).await.unwrap().rows
    }

    /// The newest execution.
    pub(crate) async fn newest(&self) -> Execution {
        self.rows().await.into_iter().next().expect("an execution")
    }

    /// One execution's row.
    pub(crate) async fn row(&self, id: i64) -> Execution {
        self.detail(ExecutionId(id)).await.execution
    }

    /// One execution whole.
    pub(crate) async fn detail(&self, id: ExecutionId) -> ExecutionDetail {
        self.journal.execution(id).await.unwrap().expect("an execution")
    }

    /// Open conflicts.
    pub(crate) async fn conflicts(&self) -> Vec<Conflict> {
        self.journal.conflicts(&Filter::default(), Anchor::First, 1_000).await.unwrap().rows
    }

    /// Open duplicate candidates.
    pub(crate) async fn duplicates(&self) -> Vec<Duplicate> {
        self.journal.duplicate_groups(&Filter::default(), Anchor::First, 1_000).await.unwrap().rows
    }

    /// Open unlinked people.
    pub(crate) async fn unlinked(&self) -> Vec<Unlinked> {
        self.journal.unlinked(&Filter::default(), Anchor::First, 1_000).await.unwrap().rows
    }

    /// Audit lines, oldest first, as `actor verb object: note`; the chain is verified on the way.
    pub(crate) async fn audit(&self) -> Vec<String> {
        let verdict = self.journal.verify_audit().await.unwrap();
        assert_eq!(verdict.broken, None);
        let mut entries = self.journal.audit_entries(10_000).await.unwrap();
        entries.reverse();
        entries
            .iter()
            .map(|line| {
                let entry = &line.entry;
                format!("{} {} {}: {}", entry.actor, entry.verb, entry.object, entry.note)
            })
            .collect()
    }

    /// What really happened at the vendors.
    pub(crate) fn books(&self) -> Value {
        self.sandbox.books()
    }

    /// A count of the books, such as `hubspot.contact.create.api`.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.books()["counts"][name].as_u64().unwrap_or(0)
    }

    /// Every API call that the vendors have seen.
    pub(crate) fn calls(&self) -> u64 {
        let books = self.books();
        books["calls"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    }

    /// Effects that came through the API, as `vendor object kind id`.
    pub(crate) fn effects(&self) -> Vec<String> {
        let books = self.books();
        let effects = books["effects"].as_array().unwrap();
        effects
            .iter()
            .filter(|effect| effect["who"] == "api")
            .map(|effect| {
                let text = |name: &str| effect[name].as_str().unwrap_or_default().to_owned();
                format!("{} {} {} {}", text("vendor"), text("object"), text("kind"), text("id"))
            })
            .collect()
    }

    /// A HubSpot contact's properties without the times the vendor keeps itself.
    pub(crate) fn hubspot(&self, id: &str) -> Value {
        let mut contact = self.sandbox.hubspot_contact(id).unwrap_or_else(|| panic!("no contact {id}"));
        let mut properties = contact["properties"].take();
        for own in ["lastmodifieddate", "hs_lastmodifieddate", "updatedAt"] {
            properties.as_object_mut().unwrap().remove(own);
        }
        properties
    }

    /// A Salesforce row without the times and users the org keeps itself; a field without a value is not there.
    pub(crate) fn salesforce(&self, object: &str, id: &str) -> Value {
        let mut row = self.sandbox.salesforce_row(object, id).unwrap_or_else(|| panic!("no {object} {id}"));
        let fields = row.as_object_mut().unwrap();
        for own in ["attributes", "LastModifiedDate", "SystemModstamp", "LastModifiedById"] {
            fields.remove(own);
        }
        fields.retain(|_, value| !value.is_null());
        row
    }

    /// Somebody signs up in Intercom and reaches Salesforce; both ids.
    pub(crate) async fn known_in_salesforce(&mut self, email: &str, more: &Value) -> (String, String) {
        let mut user = json!({"role": "user", "email": email, "name": "Mara Quint"});
        for (name, value) in more.as_object().into_iter().flatten() {
            user[name] = value.clone();
        }
        let (object, identity) = match user["role"].as_str() {
            Some("lead") => ("Lead", "salesforce_lead_id"),
            _ => ("Contact", "salesforce_contact_id"),
        };
        let left = self.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
        self.work().await;
        let found = self.sandbox.salesforce_find(object, "Email", email);
        let right = found.first().expect("it reached Salesforce")["Id"].as_str().unwrap().to_owned();
        assert_eq!(self.intercom(&left)["custom_attributes"][identity], json!(right));
        (left, right)
    }

    /// An Intercom contact without the time of its last change.
    pub(crate) fn intercom(&self, id: &str) -> Value {
        let mut contact = self.sandbox.intercom_contact(id).unwrap_or_else(|| panic!("no contact {id}"));
        contact.as_object_mut().unwrap().remove("updated_at");
        contact
    }

    /// The journal's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// The journal's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The journal's file, read by a stranger.
    pub(crate) fn tables(&self) -> Tables {
        Tables::open(&self.path())
    }

    /// Now, by the bench's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Another app of the HubSpot account writes a contact through the API.
    pub(crate) async fn hubspot_app_writes(&self, id: &str, properties: &Value) {
        let answer = reqwest::Client::new()
            .patch(format!("{}/crm/v3/objects/contacts/{id}", self.sandbox.hubspot_base_url()))
            .bearer_auth(self.sandbox.hubspot_token())
            .json(&json!({"properties": properties}))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Somebody signs up in Intercom and reaches HubSpot; both ids.
    pub(crate) async fn known_person(&mut self, email: &str, more: &Value) -> (String, String) {
        let mut user = json!({"role": "user", "email": email, "name": "Mara Quint"});
        for (name, value) in more.as_object().into_iter().flatten() {
            user[name] = value.clone();
        }
        let left = self.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
        self.work().await;
        let contact = self.sandbox.hubspot_find_by_email(email).expect("it reached HubSpot");
        let right = contact["id"].as_str().unwrap().to_owned();
        assert_eq!(self.intercom(&left)["custom_attributes"]["hubspot_contact_id"], json!(right));
        (left, right)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if std::thread::panicking() || self.leftovers {
            return;
        }
        let left = self.tables().texts(&format!(
            "SELECT id || ' ' || status || ': ' || sentence FROM executions WHERE status = 'running' \
             OR (status IN ('pending', 'retrying', 'in_doubt') AND due_at <= {})",
            self.clock.now().0
        ));
        assert!(left.is_empty(), "the bench was left with work: {left:#?}");
    }
}
