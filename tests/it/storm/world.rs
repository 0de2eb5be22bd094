//! What goes on around the service during the storm: people edit and sign up, vendors stumble, webhooks are sent, many
//! of them three times and in another order. Every choice comes from the seed; what was answered 200 is written down
//! as acknowledged.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use reknit::sandbox::{Fault, FaultKind, Release, Sandbox, Vendor, Webhook};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;
use tokio::sync::watch;

/// Somebody on both sides; edits happen on one side only, so nothing here is a true conflict.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) intercom: String,
    /// The HubSpot id of somebody whose edits happen there.
    pub(super) edited_in_hubspot: Option<String>,
}

/// Where the service receives.
#[derive(Clone)]
pub(super) struct Urls {
    pub(super) intercom: String,
    pub(super) hubspot: String,
}

/// A webhook of our own senders.
#[derive(Clone)]
struct Letter {
    url: String,
    body: String,
    events: Events,
}

/// The vendor's ids of what a letter tells.
#[derive(Clone)]
enum Events {
    Intercom(String),
    HubSpot(Vec<i64>),
}

/// The world and what is known of it.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    people: Mutex<Vec<Person>>,
    edited: Mutex<HashSet<String>>,
    acknowledged: Mutex<Vec<String>>,
    hubspot_acknowledged: Mutex<Vec<i64>>,
    odd_answers: Mutex<Vec<String>>,
    acks: watch::Sender<u64>,
    pub(super) faults: Mutex<u32>,
    pub(super) signups: Mutex<u32>,
    /// Events of our own senders that were delivered three times.
    pub(super) tripled: Mutex<u32>,
}

impl World {
    /// The seeded people without a trouble of their own.
    pub(super) async fn new(sandbox: Sandbox) -> Arc<Self> {
        let truth = sandbox.truth().to_string();
        let answer: Value = reqwest::Client::new()
            .get(format!("{}/contacts?per_page=150", sandbox.intercom_base_url()))
            .bearer_auth(sandbox.intercom_token())
            .send()
            .await
            .expect("the sandbox answers")
            .json()
            .await
            .expect("JSON");
        let mut people = Vec::new();
        for contact in answer["data"].as_array().expect("a list") {
            let id = contact["id"].as_str().expect("an id");
            let other = contact["custom_attributes"]["hubspot_contact_id"].as_str().unwrap_or_default();
            let Some(crm) = sandbox.hubspot_contact(other) else { continue };
            if crm["properties"]["intercom_contact_id"] != json!(id)
                || truth.contains(id)
                || truth.contains(other)
                || !disagreements(contact, &crm).is_empty()
            {
                continue;
            }
            let edited_in_hubspot = (people.len() % 3 == 2).then(|| other.to_owned());
            people.push(Person { intercom: id.to_owned(), edited_in_hubspot });
        }
        assert!(people.len() > 9, "only {} people without trouble", people.len());
        Arc::new(Self {
            sandbox,
            people: Mutex::new(people),
            edited: Mutex::default(),
            acknowledged: Mutex::default(),
            hubspot_acknowledged: Mutex::default(),
            odd_answers: Mutex::default(),
            acks: watch::Sender::new(0),
            faults: Mutex::new(0),
            signups: Mutex::new(0),
            tripled: Mutex::new(0),
        })
    }

    fn some_person(&self, rng: &mut Rng) -> Person {
        let people = self.people.lock().expect("unpoisoned");
        people[rng.usize(..people.len())].clone()
    }

    /// Somebody whose edits happen in Intercom.
    pub(super) fn somebody(&self) -> Person {
        let people = self.people.lock().expect("unpoisoned");
        people.iter().find(|person| person.edited_in_hubspot.is_none()).cloned().expect("most are")
    }

    /// Looks at this person too when differences are asked for.
    pub(super) fn watch_over(&self, intercom: &str) {
        self.edited.lock().expect("unpoisoned").insert(intercom.to_owned());
    }

    /// How often something was done to the records: `hubspot.contact.create.api`.
    pub(super) fn times(&self, effect: &str) -> i64 {
        self.sandbox.books()["counts"][effect].as_i64().unwrap_or(0)
    }

    /// Webhooks answered 200 so far.
    pub(super) fn acks(&self) -> watch::Receiver<u64> {
        self.acks.subscribe()
    }

    pub(super) fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().expect("unpoisoned").clone()
    }

    /// The event ids that our HubSpot sender got a 200 for.
    pub(super) fn hubspot_acknowledged(&self) -> Vec<i64> {
        self.hubspot_acknowledged.lock().expect("unpoisoned").clone()
    }

    /// Answers that were neither 200 nor 503.
    pub(super) fn odd_answers(&self) -> Vec<String> {
        self.odd_answers.lock().expect("unpoisoned").clone()
    }

    /// Everybody who was edited or signed up.
    pub(super) fn edited(&self) -> Vec<String> {
        let mut edited: Vec<String> = self.edited.lock().expect("unpoisoned").iter().cloned().collect();
        edited.sort();
        edited
    }

    /// Edits, sign-ups and faults until told to stop.
    pub(super) async fn live(self: Arc<Self>, seed: u64, mut stop: watch::Receiver<bool>) {
        let mut rng = Rng::with_seed(seed);
        let mut number = 0;
        let mut ticks = tokio::time::interval(Duration::from_millis(40));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.changed() => break,
            }
            number += 1;
            match rng.u32(..100) {
                0..80 => self.edit(&mut rng, number),
                80..93 => self.sign_up(&mut rng, number),
                93..96 => self.shuffle(&mut rng),
                _ => self.stumble(&mut rng),
            }
        }
        for vendor in [Vendor::Intercom, Vendor::HubSpot] {
            self.sandbox.release_webhooks(vendor, Release::Reversed);
        }
    }

    /// The sandbox's own webhooks are held back, come the newest first, or come again long after.
    fn shuffle(&self, rng: &mut Rng) {
        let vendor = [Vendor::Intercom, Vendor::HubSpot][rng.usize(..2)];
        match rng.u32(..4) {
            0 => self.sandbox.hold_webhooks(vendor),
            1 => {
                self.sandbox.release_webhooks(vendor, Release::Reversed);
            }
            _ => {
                let count = rng.usize(1..8);
                // Twice: with the first delivery that makes three.
                self.sandbox.redeliver_webhooks(vendor, count);
                self.sandbox.redeliver_webhooks(vendor, count);
            }
        }
    }

    fn edit(&self, rng: &mut Rng, number: u32) {
        let person = self.some_person(rng);
        let edited = match &person.edited_in_hubspot {
            Some(id) => {
                let changes = match rng.u32(..2) {
                    0 => json!({"phone": phone(number)}),
                    _ => json!({"jobtitle": format!("Storm rider {number}")}),
                };
                self.sandbox.edit_hubspot_contact(id, &changes, Webhook::Sent)
            }
            None => {
                let changes = match rng.u32(..4) {
                    0 => json!({"name": format!("Storm Number{number}")}),
                    1 => json!({"phone": phone(number)}),
                    2 => json!({"custom_attributes": {"job_title": format!("Storm rider {number}")}}),
                    _ => json!({"custom_attributes": {"plan": PLANS[rng.usize(..PLANS.len())].0}}),
                };
                self.sandbox.edit_intercom_contact(&person.intercom, &changes, Webhook::Sent)
            }
        };
        edited.expect("the sandbox takes the edit");
        self.edited.lock().expect("unpoisoned").insert(person.intercom);
    }

    fn sign_up(&self, rng: &mut Rng, number: u32) {
        let contact = json!({
            "role": "user",
            "email": format!("storm.{number}@stormhq{}.com", rng.u32(..99)),
            "name": format!("Storm Newcomer{number}"),
            "phone": phone(number),
            "signed_up_at": 1_760_000_000 + number,
            "custom_attributes": {"job_title": "Newcomer", "plan": "trial"},
        });
        let id = self.sandbox.new_intercom_user(&contact, Webhook::Sent).expect("a new user");
        self.edited.lock().expect("unpoisoned").insert(id.clone());
        self.people.lock().expect("unpoisoned").push(Person { intercom: id, edited_in_hubspot: None });
        *self.signups.lock().expect("unpoisoned") += 1;
    }

    fn stumble(&self, rng: &mut Rng) {
        use FaultKind::{
            MalformedJson, RateLimited, ServerErrorHtml, TimeoutAfterEffect, TimeoutBeforeEffect,
        };
        use Vendor::{HubSpot, Intercom};
        let troubles = [
            (HubSpot, TimeoutAfterEffect, "POST"),
            (HubSpot, TimeoutAfterEffect, "POST"),
            (HubSpot, MalformedJson, "POST"),
            (HubSpot, TimeoutBeforeEffect, "POST"),
            (HubSpot, TimeoutAfterEffect, "PATCH"),
            (HubSpot, TimeoutBeforeEffect, "PATCH"),
            (HubSpot, ServerErrorHtml, "PATCH"),
            (Intercom, TimeoutAfterEffect, "PUT"),
            (Intercom, MalformedJson, "PUT"),
            (Intercom, ServerErrorHtml, "PUT"),
            (Intercom, RateLimited, "GET"),
            (Intercom, TimeoutBeforeEffect, "GET"),
        ];
        // HubSpot names no time after which it takes calls again, so this one stops its whole side for ten seconds.
        let (vendor, kind, method) = match rng.u32(..50) {
            0 => (HubSpot, RateLimited, "PATCH"),
            _ => troubles[rng.usize(..troubles.len())].clone(),
        };
        let mut fault = Fault::new(vendor, kind).method(method).path("contacts").times(1);
        fault.writes_only = method != "GET";
        self.sandbox.add_fault(fault);
        *self.faults.lock().expect("unpoisoned") += 1;
    }

    /// Sends signed webhooks of its own, each until it is answered 200, every third one three times: whenever and in
    /// whatever order, whoever listens by then. Until told to stop; then what is owed still goes out.
    pub(super) async fn send(self: Arc<Self>, url: Urls, seed: u64, stop: watch::Receiver<bool>) {
        let mut rng = Rng::with_seed(seed);
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client");
        let mut number = 0_u64;
        let mut owed: Vec<Letter> = Vec::new();
        let mut ticks = tokio::time::interval(Duration::from_millis(30));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !*stop.borrow() {
            ticks.tick().await;
            number += 1;
            let letter = self.letter(&url, seed, number, &mut rng);
            while !self.deliver(&client, &letter).await {
                ticks.tick().await;
            }
            match &letter.events {
                Events::Intercom(id) => self.acknowledged.lock().expect("unpoisoned").push(id.clone()),
                Events::HubSpot(ids) => {
                    self.hubspot_acknowledged.lock().expect("unpoisoned").extend(ids);
                }
            }
            self.acks.send_modify(|acks| *acks += 1);
            if rng.u32(..3) == 0 {
                owed.extend([letter.clone(), letter]);
                *self.tripled.lock().expect("unpoisoned") += 1;
            }
            while !owed.is_empty() && (owed.len() > 60 || rng.bool()) {
                let letter = owed.swap_remove(rng.usize(..owed.len()));
                if !self.deliver(&client, &letter).await {
                    owed.push(letter);
                    break;
                }
            }
        }
        rng.shuffle(&mut owed);
        for letter in owed {
            while !self.deliver(&client, &letter).await {
                ticks.tick().await;
            }
        }
    }

    /// A hint that somebody changed: mostly Intercom's, every sixth a list of HubSpot's.
    fn letter(&self, url: &Urls, seed: u64, number: u64, rng: &mut Rng) -> Letter {
        if rng.u32(..6) > 0 {
            let id = format!("storm_{seed}_{number}");
            let body = notice(&id, &self.some_person(rng).intercom);
            return Letter { url: url.intercom.clone(), body, events: Events::Intercom(id) };
        }
        let people = self.people.lock().expect("unpoisoned");
        let known: Vec<&String> =
            people.iter().filter_map(|person| person.edited_in_hubspot.as_ref()).collect();
        let ids: Vec<i64> =
            (0..rng.i64(1..6)).map(|place| (seed * 1_000_000 + number * 10) as i64 + place).collect();
        let list: Vec<Value> =
            ids.iter().map(|id| property_change(*id, known[rng.usize(..known.len())])).collect();
        Letter { url: url.hubspot.clone(), body: json!(list).to_string(), events: Events::HubSpot(ids) }
    }

    async fn deliver(&self, client: &reqwest::Client, letter: &Letter) -> bool {
        let request = client.post(&letter.url).header("content-type", "application/json");
        let request = match letter.events {
            Events::Intercom(_) => request
                .header("x-hub-signature", signature(self.sandbox.intercom_client_secret(), &letter.body)),
            Events::HubSpot(_) => {
                let stamp = jiff::Timestamp::now().as_millisecond().to_string();
                let signature = signature_v3(self.sandbox.hubspot_client_secret(), letter, &stamp);
                request
                    .header("x-hubspot-request-timestamp", stamp)
                    .header("x-hubspot-signature-v3", signature)
            }
        };
        // No answer says nothing: the event may be stored or not, and is sent again like the vendors do.
        let Ok(answer) = request.body(letter.body.clone()).send().await else { return false };
        let status = answer.status().as_u16();
        if status != 200 && status != 503 {
            self.odd_answers.lock().expect("unpoisoned").push(status.to_string());
        }
        status == 200
    }

    /// Who of the edited people is not the same on both sides, and in what.
    pub(super) fn differences(&self) -> Vec<(String, Vec<&'static str>)> {
        let mut found = Vec::new();
        for id in self.edited() {
            let Some(contact) = self.sandbox.intercom_contact(&id) else {
                found.push((id, vec!["Intercom contact"]));
                continue;
            };
            let Some(crm) = self.sandbox.hubspot_find("intercom_contact_id", &id) else {
                found.push((id, vec!["HubSpot contact"]));
                continue;
            };
            let fields = disagreements(&contact, &crm);
            if !fields.is_empty() {
                found.push((id, fields));
            }
        }
        found
    }
}

/// Intercom's plan and HubSpot's lead status, as the shipped mapping has it. Without "churned", which the sandbox's
/// HubSpot refuses on purpose.
const PLANS: [(&str, &str); 5] = [
    ("trial", "NEW"),
    ("starter", "OPEN"),
    ("pro", "IN_PROGRESS"),
    ("scale", "CONNECTED"),
    ("enterprise", "OPEN_DEAL"),
];

/// An independent reading of the shipped mapping: which fields differ. Names are the mapping's.
fn disagreements(contact: &Value, crm: &Value) -> Vec<&'static str> {
    let left = |path: &str| contact.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let right = |name: &str| crm["properties"][name].as_str().unwrap_or_default().to_owned();
    let plan = left("/custom_attributes/plan");
    let status = PLANS.iter().find(|(name, _)| *name == plan).map_or("", |(_, status)| *status);
    let name = format!("{} {}", right("firstname"), right("lastname"));
    let mut differ = Vec::new();
    for (field, one, other) in [
        ("Email", left("/email").to_lowercase(), right("email").to_lowercase()),
        ("Name", left("/name"), name.trim().to_owned()),
        ("Phone", left("/phone"), right("phone")),
        ("Job title", left("/custom_attributes/job_title"), right("jobtitle")),
        ("Plan", status.to_owned(), right("hs_lead_status")),
        (
            "cross-reference",
            left("/custom_attributes/hubspot_contact_id"),
            crm["id"].as_str().unwrap_or_default().to_owned(),
        ),
    ] {
        if one != other {
            differ.push(field);
        }
    }
    differ
}

fn phone(number: u32) -> String {
    format!("+4930{:07}", 5_000_000 + number)
}

/// A hint that a contact changed, as Intercom sends it.
fn notice(id: &str, contact: &str) -> String {
    json!({
        "type": "notification_event",
        "app_id": "rk7sbx01",
        "id": id,
        "topic": "contact.user.updated",
        "delivery_attempts": 1,
        "data": {"type": "notification_event_data", "item": {"type": "contact", "id": contact, "role": "user"}},
    })
    .to_string()
}

fn signature(secret: &str, body: &str) -> String {
    use std::fmt::Write as _;
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().fold("sha1=".to_owned(), |mut header, byte| {
        let _ = write!(header, "{byte:02x}");
        header
    })
}

/// A hint that a property changed, as HubSpot sends it in its lists.
fn property_change(id: i64, contact: &str) -> Value {
    json!({
        "eventId": id,
        "subscriptionId": 42,
        "portalId": 4711,
        "appId": 1,
        "occurredAt": 1_760_000_000_000_i64 + id,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": contact.parse::<i64>().expect("HubSpot's ids are numbers"),
        "propertyName": "jobtitle",
        "propertyValue": format!("Told of by {id}"),
        "changeSource": "CRM_UI",
    })
}

fn signature_v3(secret: &str, letter: &Letter, stamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in ["POST", &letter.url, &letter.body, stamp] {
        mac.update(part.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
