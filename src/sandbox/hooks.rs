//! Webhooks on their way out: signed as the vendors sign them, sent in the background, tried again when
//! nobody answers. Never blocks the call that caused them, and never invents an event.

mod on_demand;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;
use tokio::sync::{mpsc, watch};

use super::World;
use super::desk::{Desk, iso, lock};
use super::fault::Vendor;
use super::salesforce;

/// Gaps before each further try when the subscriber cannot be reached: it is often not up yet.
const UNREACHABLE_GAPS: [u64; 6] = [50, 100, 250, 500, 1_000, 2_000];
/// One more try after an answer that is not 2xx; the real gap is a minute, which no test can wait for.
const REFUSED_GAP: u64 = 250;
/// How many events HubSpot and Salesforce put into one delivery.
const BATCH: usize = 100;

/// How many events are remembered for sending again.
const REMEMBERED: usize = 500;

use self::on_demand::Mood;
pub use self::on_demand::Release;

/// One event for one subscriber.
pub(super) struct Letter {
    pub(super) content: Value,
    twice: bool,
}

/// The post box the vendors drop their events into.
pub(super) struct Outbox {
    intercom: mpsc::UnboundedSender<Letter>,
    hubspot: mpsc::UnboundedSender<Letter>,
    salesforce: mpsc::UnboundedSender<Letter>,
    subscribers: Mutex<[Option<String>; 3]>,
    pending: watch::Sender<usize>,
    sent: AtomicUsize,
    repeat_every: AtomicUsize,
    past: Mutex<VecDeque<(Vendor, Value)>>,
    moods: Mutex<[Mood; 3]>,
}

/// The reading ends, given to the delivery tasks.
pub(super) struct Inlets {
    pub(super) intercom: mpsc::UnboundedReceiver<Letter>,
    pub(super) hubspot: mpsc::UnboundedReceiver<Letter>,
    pub(super) salesforce: mpsc::UnboundedReceiver<Letter>,
}

impl Outbox {
    pub(super) fn new() -> (Self, Inlets) {
        let (intercom, intercom_out) = mpsc::unbounded_channel();
        let (hubspot, hubspot_out) = mpsc::unbounded_channel();
        let (salesforce, salesforce_out) = mpsc::unbounded_channel();
        let outbox = Self {
            intercom,
            hubspot,
            salesforce,
            subscribers: Mutex::new([None, None, None]),
            pending: watch::Sender::new(0),
            sent: AtomicUsize::new(0),
            repeat_every: AtomicUsize::new(0),
            past: Mutex::new(VecDeque::new()),
            moods: Mutex::new(Default::default()),
        };
        (outbox, Inlets { intercom: intercom_out, hubspot: hubspot_out, salesforce: salesforce_out })
    }

    pub(super) fn subscribe(&self, vendor: Vendor, url: Option<String>) {
        lock(&self.subscribers)[slot(vendor)] = url;
    }

    fn subscriber(&self, vendor: Vendor) -> Option<String> {
        lock(&self.subscribers)[slot(vendor)].clone()
    }

    /// Delivers every n-th event twice from now on; 0 stops that.
    pub(super) fn repeat_every(&self, every: usize) {
        self.repeat_every.store(every, Ordering::Relaxed);
    }

    /// Queues an event; without a subscriber there is nobody to tell and nothing is kept, as at the vendors.
    pub(super) fn post(&self, vendor: Vendor, content: Value) {
        if self.subscriber(vendor).is_none() {
            return;
        }
        if self.withheld(vendor, &content) {
            return;
        }
        self.dispatch(vendor, content);
    }

    /// Sends an event on its way and remembers it.
    fn dispatch(&self, vendor: Vendor, content: Value) {
        let count = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let every = self.repeat_every.load(Ordering::Relaxed);
        let twice = every > 0 && count.is_multiple_of(every);
        let mut past = lock(&self.past);
        past.truncate(REMEMBERED - 1);
        past.push_front((vendor, content.clone()));
        drop(past);
        self.queue(vendor, Letter { content, twice });
    }

    /// Sends the newest event once more; false when there was none.
    pub(super) fn repeat_last(&self) -> bool {
        let Some((vendor, content)) = lock(&self.past).front().cloned() else { return false };
        self.queue(vendor, Letter { content, twice: false });
        true
    }

    fn queue(&self, vendor: Vendor, letter: Letter) {
        self.pending.send_modify(|pending| *pending += 1);
        let channel = match vendor {
            Vendor::Intercom => &self.intercom,
            Vendor::HubSpot => &self.hubspot,
            Vendor::Salesforce => &self.salesforce,
        };
        if channel.send(letter).is_err() {
            // The delivery task has ended: the sandbox is shutting down.
            self.settled(1);
        }
    }

    fn settled(&self, letters: usize) {
        self.pending.send_modify(|pending| *pending = pending.saturating_sub(letters));
    }

    pub(super) fn idle(&self) -> bool {
        *self.pending.borrow() == 0
    }

    pub(super) async fn drained(&self) {
        let mut pending = self.pending.subscribe();
        // The sender lives in `self`, so waiting cannot fail while we are here.
        let _ = pending.wait_for(|pending| *pending == 0).await;
    }
}

fn slot(vendor: Vendor) -> usize {
    match vendor {
        Vendor::Intercom => 0,
        Vendor::HubSpot => 1,
        Vendor::Salesforce => 2,
    }
}

/// What kind of event it is, under the name each vendor has for that.
fn topic(vendor: Vendor, content: &Value) -> &str {
    let topic = match vendor {
        Vendor::HubSpot => &content["subscriptionType"],
        _ => &content["topic"],
    };
    topic.as_str().unwrap_or_default()
}

/// Intercom's signature header: HMAC-SHA1 over the raw body.
pub(super) fn intercom_signature(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    let mut header = "sha1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(header, "{byte:02x}");
    }
    header
}

/// HubSpot's third signature: HMAC-SHA256 over method, address, body and time.
pub(super) fn hubspot_signature(secret: &str, url: &str, body: &[u8], timestamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(b"POST");
    mac.update(url.as_bytes());
    mac.update(body);
    mac.update(timestamp.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A delivery task's belongings.
pub(super) struct Courier {
    pub(super) desk: Arc<Desk>,
    /// Salesforce tells the values of the moment a message goes out, so its rows are asked then.
    pub(super) world: Arc<World>,
    pub(super) client: reqwest::Client,
    pub(super) secret: String,
    pub(super) vendor: Vendor,
    pub(super) shutdown: watch::Receiver<bool>,
}

impl Courier {
    /// Runs until the sandbox shuts down.
    pub(super) async fn run(mut self, mut inlet: mpsc::UnboundedReceiver<Letter>) {
        loop {
            let letter = tokio::select! {
                letter = inlet.recv() => letter,
                _ = self.shutdown.wait_for(|stop| *stop) => None,
            };
            let Some(letter) = letter else { return };
            let mut letters = vec![letter];
            if self.vendor != Vendor::Intercom {
                while letters.len() < BATCH
                    && let Ok(more) = inlet.try_recv()
                {
                    letters.push(more);
                }
            }
            if self.vendor == Vendor::Salesforce {
                // One message type belongs to one object; deliveries of several hold no order anyway.
                letters
                    .sort_by(|one, two| one.content["object"].as_str().cmp(&two.content["object"].as_str()));
            }
            let together = |one: &Letter, two: &Letter| {
                self.vendor != Vendor::Salesforce || one.content["object"] == two.content["object"]
            };
            let bundles: Vec<usize> = letters.chunk_by(together).map(<[Letter]>::len).collect();
            let mut rest = letters.as_slice();
            for size in bundles {
                let (bundle, after) = rest.split_at(size);
                rest = after;
                let times = if bundle.iter().any(|letter| letter.twice) { 2 } else { 1 };
                for round in 0..times {
                    self.deliver(bundle, round).await;
                }
            }
            self.desk.outbox.settled(letters.len());
        }
    }

    async fn deliver(&mut self, letters: &[Letter], round: u32) {
        let Some(url) = self.desk.outbox.subscriber(self.vendor) else { return };
        let mut attempt = round;
        let mut unreachable = UNREACHABLE_GAPS.iter();
        let mut refused_once = false;
        loop {
            let Some(body) = self.body(letters, attempt) else { return };
            let outcome = self.send(&url, &body).await;
            self.note(letters, attempt, &outcome);
            let gap = match outcome {
                Ok(status) if (200..300).contains(&status) || status == 410 => return,
                // Salesforce keeps trying whatever the answer was; its gaps grow to two hours within a day.
                Ok(_) if self.vendor == Vendor::Salesforce => match unreachable.next() {
                    Some(gap) => *gap,
                    None => return,
                },
                Ok(_) if refused_once => return,
                Ok(_) => {
                    refused_once = true;
                    REFUSED_GAP
                }
                Err(_) => match unreachable.next() {
                    Some(gap) => *gap,
                    None => return,
                },
            };
            attempt += 1;
            let stopping = self.shutdown.wait_for(|stop| *stop);
            if tokio::time::timeout(Duration::from_millis(gap), stopping).await.is_ok() {
                return;
            }
        }
    }

    /// The next delivery's body; `None` when there is nothing to tell any more.
    fn body(&self, letters: &[Letter], attempt: u32) -> Option<Vec<u8>> {
        let content = match self.vendor {
            Vendor::Intercom => {
                let mut envelope = letters[0].content.clone();
                envelope["delivery_attempts"] = json!(attempt + 1);
                envelope
            }
            Vendor::HubSpot => letters
                .iter()
                .map(|letter| {
                    let mut event = letter.content.clone();
                    event["attemptNumber"] = json!(attempt);
                    event
                })
                .collect(),
            Vendor::Salesforce => {
                let notifications: Vec<&Value> = letters.iter().map(|letter| &letter.content).collect();
                return lock(&self.world.salesforce).outbound_body(&notifications).map(String::into_bytes);
            }
        };
        Some(content.to_string().into_bytes())
    }

    async fn send(&self, url: &str, body: &[u8]) -> Result<u16, String> {
        let content_type = match self.vendor {
            Vendor::Salesforce => "text/xml; charset=UTF-8",
            _ => "application/json",
        };
        let request = self.client.post(url).header("content-type", content_type);
        let request = match self.vendor {
            Vendor::Salesforce => request.header("soapaction", "\"\""),
            Vendor::Intercom => request
                .header("user-agent", "intercom-parrot-service-client/1.0")
                .header("x-hub-signature", intercom_signature(&self.secret, body)),
            Vendor::HubSpot => {
                // Receivers refuse stamps older than five minutes by their own clock, so this one is real time.
                let stamp = jiff::Timestamp::now().as_millisecond().to_string();
                request
                    .header(
                        "user-agent",
                        "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)",
                    )
                    .header("x-hubspot-signature-version", "v3")
                    .header("x-hubspot-signature-v3", hubspot_signature(&self.secret, url, body, &stamp))
                    .header("x-hubspot-request-timestamp", stamp)
            }
        };
        let answer = request.body(body.to_vec()).send().await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        if self.vendor != Vendor::Salesforce {
            return Ok(status);
        }
        let words = answer.text().await.map_err(|error| error.to_string())?;
        // Anything but an acknowledgement counts as a refusal, whatever its status.
        match status {
            200 if salesforce::acknowledged(&words) => Ok(200),
            200..300 | 410 => Ok(422),
            other => Ok(other),
        }
    }

    fn note(&self, letters: &[Letter], attempt: u32, outcome: &Result<u16, String>) {
        let at = iso(self.desk.clock.now());
        let mut books = lock(&self.desk.books);
        for letter in letters {
            let id = match self.vendor {
                Vendor::HubSpot => &letter.content["eventId"],
                _ => &letter.content["id"],
            };
            let topic = topic(self.vendor, &letter.content);
            books.webhook(json!({
                "vendor": self.vendor.word(),
                "topic": topic,
                "id": id,
                "attempt": attempt,
                "status": outcome.as_ref().ok(),
                "error": outcome.as_ref().err(),
                "at": at,
            }));
        }
    }
}
