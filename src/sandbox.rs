//! The sandbox: Intercom, HubSpot and Salesforce emulated on loopback as real HTTP servers over one in-memory world,
//! with seeded people, scripted events, faults and signed webhooks. It is the independent witness of what
//! really happened, so it imports nothing of this crate, and it never talks to anything but loopback
//! subscribers it was given.

mod alerts;
mod control;
mod day;
mod desk;
mod fault;
mod hooks;
mod hubspot;
mod intercom;
mod limits;
mod population;
mod records;
mod salesforce;
mod server;
mod steps;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::alerts::AlertTrouble;
pub use self::day::{Played, Scene};
use self::desk::{Books, Desk, SandboxClock, lock};
pub use self::fault::{Fault, FaultKind, Vendor};
pub use self::hooks::Release;
use self::hooks::{Courier, Outbox};
pub use self::hubspot::{HubspotRules, PropertyEdit};
use self::hubspot::{Kind, Portal};
use self::intercom::Workspace;
use self::salesforce::{Org, Setup};
pub use self::steps::Webhook;

/// What Salesforce's standard duplicate rules do when a new or changed row resembles another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DuplicateRules {
    /// Nothing is compared.
    Off,
    /// Refused, and saved all the same when the call's `Sforce-Duplicate-Rule-Header` says so.
    Alert,
    /// Refused whatever the call says.
    Block,
}

/// What a sandbox is started with; `Settings::default()` is the demo's world.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decides every name, number and trouble: one seed, one world.
    pub seed: u64,
    /// How many people the standing data holds, duplicates not counted.
    pub people: usize,
    /// How many companies.
    pub companies: usize,
    /// 0 lets the system choose.
    pub intercom_port: u16,
    /// 0 lets the system choose.
    pub hubspot_port: u16,
    /// 0 lets the system choose.
    pub salesforce_port: u16,
    /// Where Intercom's webhooks go from the start; `subscribe_intercom` may say so later.
    pub intercom_webhook_url: Option<String>,
    /// Where HubSpot's webhooks go from the start; `subscribe_hubspot` may say so later.
    pub hubspot_webhook_url: Option<String>,
    /// Where Salesforce's outbound messages go from the start; `subscribe_salesforce` may say so later.
    pub salesforce_webhook_url: Option<String>,
    /// Calls per window of ten seconds before 429; the windows lie fixed in the minute.
    pub intercom_window_limit: u32,
    /// Calls in any ten seconds before 429; search does not count.
    pub hubspot_window_limit: u32,
    /// HubSpot's search allowance.
    pub hubspot_search_per_second: u32,
    /// How the HubSpot portal behaves beyond its records.
    pub hubspot: HubspotRules,
    /// API calls per 24 hours before 403 `REQUEST_LIMIT_EXCEEDED`.
    pub salesforce_daily_limit: u32,
    /// Whether each refresh answers with a new refresh token and the old one dies.
    pub salesforce_rotates_refresh_tokens: bool,
    /// The public key (PEM: a certificate, `PUBLIC KEY` or `RSA PUBLIC KEY`) that signed JWT bearer
    /// assertions are checked against; without one every assertion is refused.
    pub salesforce_jwt_public_key: Option<String>,
    /// What a resembling row leads to.
    pub salesforce_duplicate_rules: DuplicateRules,
    /// Whether the seeded people and companies also exist in Salesforce.
    pub salesforce_people: bool,
    /// False leaves the records empty; properties, attributes, owners and pipelines are always there.
    pub seeded: bool,
    /// The moment the world begins at; `None` is now. The data is dated back from it.
    pub now: Option<Timestamp>,
    /// Milliseconds since 1970, moved by whoever holds them: windows and quotas then turn over in that time. `None`
    /// lets the time run with the machine.
    pub clock: Option<Arc<AtomicI64>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 7,
            people: 250,
            companies: 60,
            intercom_port: 0,
            hubspot_port: 0,
            salesforce_port: 0,
            intercom_webhook_url: None,
            hubspot_webhook_url: None,
            salesforce_webhook_url: None,
            intercom_window_limit: 1_667,
            hubspot_window_limit: 190,
            hubspot_search_per_second: 5,
            hubspot: HubspotRules::default(),
            salesforce_daily_limit: 100_000,
            salesforce_rotates_refresh_tokens: false,
            salesforce_jwt_public_key: None,
            salesforce_duplicate_rules: DuplicateRules::Alert,
            salesforce_people: true,
            seeded: true,
            now: None,
            clock: None,
        }
    }
}

/// Why a server could not open its port; the inner error of what `Sandbox::start` answers then.
#[derive(Debug)]
pub struct PortProblem {
    /// Whose port.
    pub vendor: Vendor,
    /// The number that was asked for.
    pub port: u16,
    error: io::Error,
}

impl fmt::Display for PortProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vendor, port, error } = self;
        let name = vendor.name();
        if error.kind() == io::ErrorKind::AddrInUse {
            return write!(f, "{name}'s port {port} is in use");
        }
        write!(f, "{name}'s port {port} cannot be opened: {error}")
    }
}

impl std::error::Error for PortProblem {}

/// Everything the servers, the scripted people and the tests share.
struct World {
    desk: Arc<Desk>,
    intercom: Mutex<Workspace>,
    hubspot: Mutex<Portal>,
    salesforce: Mutex<Org>,
    faults: Mutex<Vec<Fault>>,
    alerts: Mutex<alerts::AlertDesk>,
    /// Calls that a timeout fault has held back so far.
    held: watch::Sender<u64>,
    shutdown: watch::Sender<bool>,
}

/// Three running vendors. Dropping it stops the servers.
pub struct Sandbox {
    world: Arc<World>,
    intercom_url: String,
    hubspot_url: String,
    salesforce_url: String,
    truth: Value,
    /// Cleanly linked people no scene has used yet: Intercom id, HubSpot id.
    cast: Mutex<VecDeque<(String, u64)>>,
    staging: Mutex<fastrand::Rng>,
    tasks: Vec<JoinHandle<()>>,
}

const INTERCOM_TOKEN: &str = "sandbox-intercom-token";
const INTERCOM_SECRET: &str = "sandbox-intercom-client-secret";
const HUBSPOT_TOKEN: &str = "sandbox-hubspot-token";
const HUBSPOT_SECRET: &str = "sandbox-hubspot-client-secret";
const SALESFORCE_TOKEN: &str = "00Dxx0000000001!AQsandboxSalesforceAccessToken";
const SALESFORCE_REFRESH_TOKEN: &str = "5Aep861sandboxSalesforceRefreshToken";
const SALESFORCE_CLIENT_ID: &str = "3MVG9sandboxSalesforceClientId";
const SALESFORCE_CLIENT_SECRET: &str = "sandbox-salesforce-client-secret";

impl Sandbox {
    /// Seeds the world and opens the three servers on loopback.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let (outbox, inlets) = Outbox::new();
        outbox.subscribe(Vendor::Intercom, settings.intercom_webhook_url.clone());
        outbox.subscribe(Vendor::HubSpot, settings.hubspot_webhook_url.clone());
        outbox.subscribe(Vendor::Salesforce, settings.salesforce_webhook_url.clone());
        let clock = match &settings.clock {
            Some(time) => SandboxClock::ByHand(Arc::clone(time)),
            None => SandboxClock::starting_at(settings.now.unwrap_or_else(Timestamp::now)),
        };
        let desk = Arc::new(Desk { clock, books: Mutex::new(Books::default()), outbox });
        let mut intercom =
            Workspace::new(Arc::clone(&desk), INTERCOM_TOKEN.to_owned(), settings.intercom_window_limit);
        let mut hubspot = Portal::new(
            Arc::clone(&desk),
            HUBSPOT_TOKEN.to_owned(),
            settings.hubspot_window_limit,
            settings.hubspot_search_per_second,
            settings.hubspot.clone(),
        );
        let mut salesforce = Org::new(Arc::clone(&desk), salesforce_setup(&settings));
        let population = if settings.seeded {
            population::settle(&settings, desk.clock.now(), &mut intercom, &mut hubspot, &mut salesforce)
        } else {
            population::Population::default()
        };
        let world = Arc::new(World {
            desk: Arc::clone(&desk),
            intercom: Mutex::new(intercom),
            hubspot: Mutex::new(hubspot),
            salesforce: Mutex::new(salesforce),
            faults: Mutex::new(Vec::new()),
            alerts: Mutex::default(),
            held: watch::Sender::new(0),
            shutdown: watch::Sender::new(false),
        });
        let mut tasks = Vec::new();
        let intercom_url = open(&world, Vendor::Intercom, settings.intercom_port, &mut tasks).await?;
        let hubspot_url = open(&world, Vendor::HubSpot, settings.hubspot_port, &mut tasks).await?;
        let salesforce_url = open(&world, Vendor::Salesforce, settings.salesforce_port, &mut tasks).await?;
        lock(&world.salesforce).instance_url.clone_from(&salesforce_url);
        let client = webhook_client()?;
        let couriers = [
            (Vendor::Intercom, INTERCOM_SECRET, inlets.intercom),
            (Vendor::HubSpot, HUBSPOT_SECRET, inlets.hubspot),
            // Outbound messages are not signed.
            (Vendor::Salesforce, "", inlets.salesforce),
        ];
        for (vendor, secret, inlet) in couriers {
            let courier = Courier {
                desk: Arc::clone(&desk),
                world: Arc::clone(&world),
                client: client.clone(),
                secret: secret.to_owned(),
                vendor,
                shutdown: world.shutdown.subscribe(),
            };
            tasks.push(tokio::spawn(courier.run(inlet)));
        }
        Ok(Self {
            world,
            intercom_url,
            hubspot_url,
            salesforce_url,
            truth: population.truth,
            cast: Mutex::new(population.cast),
            staging: Mutex::new(fastrand::Rng::with_seed(settings.seed ^ 0x5ca1_ab1e)),
            tasks,
        })
    }

    /// `http://127.0.0.1:port`, to be used in place of `https://api.intercom.io`.
    pub fn intercom_base_url(&self) -> &str {
        &self.intercom_url
    }

    /// The only token the emulated Intercom takes.
    pub fn intercom_token(&self) -> &'static str {
        INTERCOM_TOKEN
    }

    /// The key of `X-Hub-Signature`.
    pub fn intercom_client_secret(&self) -> &'static str {
        INTERCOM_SECRET
    }

    /// `http://127.0.0.1:port`, to be used in place of `https://api.hubapi.com`.
    pub fn hubspot_base_url(&self) -> &str {
        &self.hubspot_url
    }

    /// The only token the emulated HubSpot takes.
    pub fn hubspot_token(&self) -> &'static str {
        HUBSPOT_TOKEN
    }

    /// The key of `X-HubSpot-Signature-v3`.
    pub fn hubspot_client_secret(&self) -> &'static str {
        HUBSPOT_SECRET
    }

    /// `http://127.0.0.1:port`: the org's instance address and its login host in one.
    pub fn salesforce_instance_url(&self) -> &str {
        &self.salesforce_url
    }

    /// An access token that is good from the start.
    pub fn salesforce_token(&self) -> &'static str {
        SALESFORCE_TOKEN
    }

    /// A refresh token that is good from the start.
    pub fn salesforce_refresh_token(&self) -> &'static str {
        SALESFORCE_REFRESH_TOKEN
    }

    /// The only client the token endpoint knows.
    pub fn salesforce_client_id(&self) -> &'static str {
        SALESFORCE_CLIENT_ID
    }

    /// That client's secret.
    pub fn salesforce_client_secret(&self) -> &'static str {
        SALESFORCE_CLIENT_SECRET
    }

    /// Sends Intercom's webhooks there from now on; earlier events are not sent after.
    pub fn subscribe_intercom(&self, url: &str) {
        self.world.desk.outbox.subscribe(Vendor::Intercom, Some(url.to_owned()));
    }

    /// Sends HubSpot's webhooks there from now on; earlier events are not sent after.
    pub fn subscribe_hubspot(&self, url: &str) {
        self.world.desk.outbox.subscribe(Vendor::HubSpot, Some(url.to_owned()));
    }

    /// Ends every Salesforce access token, as the session's timeout would; the next call meets a 401.
    pub fn expire_salesforce_tokens(&self) {
        lock(&self.world.salesforce).expire_access_tokens();
    }

    /// Revokes every Salesforce refresh token, as an administrator would; access tokens live on.
    pub fn revoke_salesforce_refresh_tokens(&self) {
        lock(&self.world.salesforce).revoke_refresh_tokens();
    }

    /// A Salesforce row with all its fields, deleted ones too; ids of 15 or 18 characters.
    pub fn salesforce_row(&self, object: &str, id: &str) -> Option<Value> {
        let org = lock(&self.world.salesforce);
        org.row(object, id).map(|row| org.shape(row, None))
    }

    /// Live Salesforce rows with that value of an indexed field (e-mail, external id, reference, telephone).
    pub fn salesforce_find(&self, object: &str, field: &str, value: &str) -> Vec<Value> {
        let org = lock(&self.world.salesforce);
        org.live(object, field, value).into_iter().map(|row| org.shape(row, None)).collect()
    }

    /// Sends Salesforce's outbound messages there from now on; earlier events are not sent after.
    pub fn subscribe_salesforce(&self, url: &str) {
        self.world.desk.outbox.subscribe(Vendor::Salesforce, Some(url.to_owned()));
    }

    /// The address of an emulated incoming webhook of Slack.
    pub fn slack_webhook_url(&self) -> String {
        format!("{}{}", self.intercom_url, alerts::SLACK)
    }

    /// The address of an emulated receiver of one's own.
    pub fn alert_webhook_url(&self) -> String {
        format!("{}{}", self.intercom_url, alerts::WEBHOOK)
    }

    /// Every message that came to the two, taken or not, oldest first.
    pub fn alert_book(&self) -> Vec<Value> {
        lock(&self.world.alerts).book()
    }

    /// Makes Slack's receiver (or the other) do something else than take messages, so many times or for good; none
    /// ends it.
    pub fn trouble_alerts(&self, slack: bool, trouble: Option<AlertTrouble>, times: Option<u32>) {
        lock(&self.world.alerts).trouble(slack, trouble, times);
    }

    /// Switches a fault on; the oldest matching fault strikes first.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.world.faults).push(fault);
    }

    /// The faults as they stand; of those that strike so often, how often still.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.world.faults).clone()
    }

    /// Switches all faults off. Connections already held stay held.
    pub fn clear_faults(&self) {
        lock(&self.world.faults).clear();
    }

    /// Waits until a timeout fault holds a call back that was not held when this was called; what the fault lets happen
    /// has happened then.
    pub async fn call_held(&self) {
        let mut held = self.world.held.subscribe();
        held.borrow_and_update();
        // It ends with the sandbox, which outlives this borrow.
        let _ = held.changed().await;
    }

    /// Every effect, call and webhook so far, with live records that were created twice through the API.
    pub fn books(&self) -> Value {
        self.world.report()
    }

    /// What the seeding did on purpose: `duplicates` (groups of HubSpot contact ids), `false_friends`,
    /// `intercom_leads` (lead and user), `unlinked` (contact, the right company or null),
    /// `duplicate_companies`. For judging results; the product must never read it.
    pub fn truth(&self) -> &Value {
        &self.truth
    }

    /// Other apps of the HubSpot account make so many calls: they count in the day's allowance, not in our app's window.
    pub fn add_hubspot_usage(&self, calls: u32) {
        lock(&self.world.hubspot).add_usage(calls);
    }

    /// Whether every webhook so far has been delivered or given up.
    pub fn webhooks_idle(&self) -> bool {
        self.world.desk.outbox.idle()
    }

    /// Waits for `webhooks_idle`.
    pub async fn webhooks_drained(&self) {
        self.world.desk.outbox.drained().await;
    }

    /// Delivers the newest webhook once more, as both vendors may; false when none was sent yet.
    pub fn redeliver_last_webhook(&self) -> bool {
        self.world.desk.outbox.repeat_last()
    }

    /// A HubSpot contact with all its values, old ids of merged contacts included; `None` when archived.
    pub fn hubspot_contact(&self, id: &str) -> Option<Value> {
        lock(&self.world.hubspot).shape(Kind::Contacts, id.parse().ok()?)
    }

    /// A HubSpot company with all its values.
    pub fn hubspot_company(&self, id: &str) -> Option<Value> {
        lock(&self.world.hubspot).shape(Kind::Companies, id.parse().ok()?)
    }

    /// The HubSpot contact with that e-mail, also as an additional one.
    pub fn hubspot_find_by_email(&self, email: &str) -> Option<Value> {
        self.hubspot_find("email", email)
    }

    /// The HubSpot contact with that value of a unique property, such as `intercom_contact_id`.
    pub fn hubspot_find(&self, property: &str, value: &str) -> Option<Value> {
        let hubspot = lock(&self.world.hubspot);
        let id = hubspot.shelf(Kind::Contacts).with_unique(property, value)?.id;
        hubspot.shape(Kind::Contacts, id)
    }

    /// Ids of a HubSpot contact's companies, the primary one first.
    pub fn hubspot_companies_of(&self, contact_id: &str) -> Vec<String> {
        let Ok(id) = contact_id.parse() else { return Vec::new() };
        let hubspot = lock(&self.world.hubspot);
        let Some(record) = hubspot.shelf(Kind::Contacts).live(id) else { return Vec::new() };
        let ids = hubspot.linked_ids((Kind::Contacts, record.id), Kind::Companies);
        ids.into_iter().map(|id| id.to_string()).collect()
    }

    /// An Intercom contact as REST shows it.
    pub fn intercom_contact(&self, id: &str) -> Option<Value> {
        lock(&self.world.intercom).contact_shape(id)
    }

    /// Intercom contacts with that e-mail, leads and users.
    pub fn intercom_find_by_email(&self, email: &str) -> Vec<Value> {
        let intercom = lock(&self.world.intercom);
        intercom.with_email(email).filter_map(|contact| intercom.contact_shape(&contact.id)).collect()
    }

    /// A number over all records of all vendors: equal worlds, equal numbers.
    pub fn state_hash(&self) -> u64 {
        self.world.state_hash()
    }

    /// Stops the servers and the webhook couriers; held connections are let go.
    pub async fn shutdown(mut self) {
        self.world.shutdown.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(1), task).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.world.shutdown.send_replace(true);
    }
}

async fn open(
    world: &Arc<World>,
    vendor: Vendor,
    port: u16,
    tasks: &mut Vec<JoinHandle<()>>,
) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| io::Error::new(error.kind(), PortProblem { vendor, port, error }))?;
    let address = listener.local_addr()?;
    tasks.push(tokio::spawn(server::serve(Arc::clone(world), vendor, listener)));
    Ok(format!("http://{address}"))
}

fn salesforce_setup(settings: &Settings) -> Setup {
    Setup {
        access_token: SALESFORCE_TOKEN.to_owned(),
        refresh_token: SALESFORCE_REFRESH_TOKEN.to_owned(),
        client_id: SALESFORCE_CLIENT_ID.to_owned(),
        client_secret: SALESFORCE_CLIENT_SECRET.to_owned(),
        daily_limit: settings.salesforce_daily_limit,
        rotates_refresh_tokens: settings.salesforce_rotates_refresh_tokens,
        jwt_public_key: settings.salesforce_jwt_public_key.clone(),
        duplicate_rules: settings.salesforce_duplicate_rules,
    }
}

fn webhook_client() -> io::Result<reqwest::Client> {
    // Somebody may have installed a provider already; either is fine, webhooks stay on loopback.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .map_err(|error| io::Error::other(error.to_string()))
}

impl World {
    fn report(&self) -> Value {
        let mut report = lock(&self.desk.books).report();
        let mut twice = lock(&self.intercom).created_twice();
        twice.extend(lock(&self.hubspot).created_twice());
        twice.extend(lock(&self.salesforce).created_twice());
        report["double_creates"] = Value::Array(twice);
        report["records"] = json!({
            "intercom": lock(&self.intercom).census(),
            "hubspot": lock(&self.hubspot).census(),
            "salesforce": lock(&self.salesforce).census(),
        });
        report
    }

    fn state_hash(&self) -> u64 {
        use std::hash::{DefaultHasher, Hasher};
        let mut hasher = DefaultHasher::new();
        let lines =
            [lock(&self.intercom).lines(), lock(&self.hubspot).lines(), lock(&self.salesforce).lines()];
        for line in lines.iter().flatten() {
            hasher.write(line.as_bytes());
        }
        hasher.finish()
    }
}
