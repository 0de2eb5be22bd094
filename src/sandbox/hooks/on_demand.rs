//! What tests want of webhooks besides their coming: held back and let go in another order, sent again, lost,
//! or never sent for some topics. It changes which letters go out and when, never what they say.

use serde_json::{Value, json};

use super::{Letter, Outbox, topic};
use crate::sandbox::Sandbox;
use crate::sandbox::desk::lock;
use crate::sandbox::fault::Vendor;

/// In which order held events are let go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Release {
    /// As they happened.
    InOrder,
    /// The newest first.
    Reversed,
    /// None of them: they are lost.
    Dropped,
}

/// How one vendor's events are treated now.
#[derive(Default)]
pub(super) struct Mood {
    /// Events waiting, while they are held back.
    held: Option<Vec<Value>>,
    /// Topics that are not told; a text counts wherever it stands in the topic.
    silenced: Vec<String>,
    /// How many of the next events are lost.
    losing: usize,
}

impl Outbox {
    /// Whether an event does not go out now: silenced, lost, or held for later.
    pub(super) fn withheld(&self, vendor: Vendor, content: &Value) -> bool {
        let mood = &mut lock(&self.moods)[super::slot(vendor)];
        let topic = topic(vendor, content);
        if mood.silenced.iter().any(|silenced| topic.contains(silenced.as_str())) {
            return true;
        }
        if mood.losing > 0 {
            mood.losing -= 1;
            return true;
        }
        if let Some(held) = &mut mood.held {
            held.push(content.clone());
            return true;
        }
        false
    }

    fn hold(&self, vendor: Vendor) {
        lock(&self.moods)[super::slot(vendor)].held.get_or_insert_default();
    }

    /// Lets held events go; the answer is how many there were.
    fn release(&self, vendor: Vendor, order: Release) -> usize {
        let mut held = lock(&self.moods)[super::slot(vendor)].held.take().unwrap_or_default();
        let count = held.len();
        match order {
            Release::InOrder => {}
            Release::Reversed => held.reverse(),
            Release::Dropped => held.clear(),
        }
        for content in held {
            self.dispatch(vendor, content);
        }
        count
    }

    /// Sends the newest events of a vendor once more, oldest of them first; the answer is how many.
    fn redeliver(&self, vendor: Vendor, count: usize) -> usize {
        let past = lock(&self.past);
        let mut again: Vec<Value> = past
            .iter()
            .filter(|(sender, _)| *sender == vendor)
            .take(count)
            .map(|(_, content)| content.clone())
            .collect();
        drop(past);
        again.reverse();
        let count = again.len();
        for content in again {
            self.queue(vendor, Letter { content, twice: false });
        }
        count
    }

    fn silence(&self, vendor: Vendor, topics: Vec<String>) {
        lock(&self.moods)[super::slot(vendor)].silenced = topics;
    }

    fn lose(&self, vendor: Vendor, count: usize) {
        lock(&self.moods)[super::slot(vendor)].losing = count;
    }

    /// What `POST /_sandbox/webhooks` takes: `vendor`, and any of `hold` (true), `release` (`in_order`,
    /// `reversed`, `dropped`), `redeliver` (how many), `repeat_every` (n-th, of all vendors), `silence`
    /// (topics), `lose` (how many).
    pub(in crate::sandbox) fn command(&self, body: &Value) -> Result<Value, String> {
        let known = ["vendor", "hold", "release", "redeliver", "repeat_every", "silence", "lose"];
        let fields =
            body.as_object().ok_or_else(|| format!("the body is an object of {}", known.join(", ")))?;
        if fields.keys().all(|key| key == "vendor") {
            return Err(format!("nothing is asked for; beside vendor there is {}", known[1..].join(", ")));
        }
        if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("unknown key `{unknown}`; there is {}", known.join(", ")));
        }
        let named = body["vendor"].as_str().map(|word| Vendor::read(word).ok_or(word));
        let vendors = match named {
            None => Vendor::ALL.to_vec(),
            Some(Ok(vendor)) => vec![vendor],
            Some(Err(word)) => return Err(format!("`{word}` is no vendor")),
        };
        let number = |name: &str| body[name].as_u64().map(|number| number as usize);
        let order = match body["release"].as_str() {
            None => None,
            Some("in_order") => Some(Release::InOrder),
            Some("reversed") => Some(Release::Reversed),
            Some("dropped") => Some(Release::Dropped),
            Some(other) => return Err(format!("`release` is in_order, reversed or dropped, not {other}")),
        };
        if let Some(every) = number("repeat_every") {
            self.repeat_every(every);
        }
        let (mut released, mut redelivered) = (0, 0);
        for vendor in vendors {
            if let Some(topics) = body["silence"].as_array() {
                let topics = topics.iter().filter_map(Value::as_str).map(str::to_owned);
                self.silence(vendor, topics.collect());
            }
            if let Some(count) = number("lose") {
                self.lose(vendor, count);
            }
            if body["hold"] == true {
                self.hold(vendor);
            }
            if let Some(order) = order {
                released += self.release(vendor, order);
            }
            if let Some(count) = number("redeliver") {
                redelivered += self.redeliver(vendor, count);
            }
        }
        Ok(json!({"released": released, "redelivered": redelivered}))
    }
}

impl Sandbox {
    /// Keeps a vendor's events back until `release_webhooks`. They do not count as pending meanwhile.
    pub fn hold_webhooks(&self, vendor: Vendor) {
        self.world.desk.outbox.hold(vendor);
    }

    /// Lets the held events go and says how many there were.
    pub fn release_webhooks(&self, vendor: Vendor, order: Release) -> usize {
        self.world.desk.outbox.release(vendor, order)
    }

    /// Delivers a vendor's newest events once more and says how many there were.
    pub fn redeliver_webhooks(&self, vendor: Vendor, count: usize) -> usize {
        self.world.desk.outbox.redeliver(vendor, count)
    }

    /// Events whose topic holds one of these texts are never sent from now on (archives that tell nobody);
    /// an empty list ends that.
    pub fn silence_webhooks(&self, vendor: Vendor, topics: &[&str]) {
        self.world.desk.outbox.silence(vendor, topics.iter().map(|topic| (*topic).to_owned()).collect());
    }

    /// Loses the next events of a vendor.
    pub fn lose_webhooks(&self, vendor: Vendor, count: usize) {
        self.world.desk.outbox.lose(vendor, count);
    }

    /// Delivers every n-th event of all vendors twice; 0 ends that.
    pub fn repeat_webhooks_every(&self, every: usize) {
        self.world.desk.outbox.repeat_every(every);
    }
}
