//! What both emulated vendors share behind the counter: the clock, the books of every effect and call,
//! and the way out for webhooks. Never looks at a vendor's records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::hooks::Outbox;

/// Takes a lock even after a panic elsewhere: the sandbox's state is a toy world, a torn write in it is not data loss.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time that starts where the settings say and then runs on with the machine, or one that is moved by hand.
pub(super) enum SandboxClock {
    Running { start_milliseconds: i64, since: Instant },
    ByHand(Arc<AtomicI64>),
}

impl SandboxClock {
    pub(super) fn starting_at(start: Timestamp) -> Self {
        Self::Running { start_milliseconds: start.as_millisecond(), since: Instant::now() }
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        match self {
            Self::Running { start_milliseconds, since } => {
                start_milliseconds + since.elapsed().as_millis() as i64
            }
            Self::ByHand(time) => time.load(Ordering::SeqCst),
        }
    }
}

/// ISO-8601 in UTC with milliseconds, the way HubSpot writes a moment.
pub(super) fn iso(milliseconds: i64) -> String {
    let moment = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{moment:.3}")
}

/// A random request id in the form both vendors use.
pub(super) fn request_id() -> String {
    let bits = fastrand::u128(..);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        (bits >> 96) as u32,
        (bits >> 80) as u16,
        (bits >> 68) as u16 & 0xfff,
        (bits >> 56) as u16 & 0xfff,
        bits & 0xffff_ffff_ffff
    )
}

/// Who made a change: a client through the API, or one of the vendor's own users.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Api,
    Ui,
}

impl Who {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ui => "ui",
        }
    }
}

/// The independent record of what really happened in the emulated vendors.
#[derive(Default)]
pub(super) struct Books {
    effects: Vec<Value>,
    counts: BTreeMap<String, u64>,
    calls: BTreeMap<String, u64>,
    answers: BTreeMap<String, u64>,
    webhooks: Vec<Value>,
}

impl Books {
    pub(super) fn call(&mut self, vendor: &str, route: &str) {
        *self.calls.entry(format!("{vendor} {route}")).or_default() += 1;
    }

    pub(super) fn answered(&mut self, vendor: &str, status: u16) {
        *self.answers.entry(format!("{vendor} {status}")).or_default() += 1;
    }

    pub(super) fn webhook(&mut self, entry: Value) {
        self.webhooks.push(entry);
    }

    pub(super) fn report(&self) -> Value {
        json!({
            "counts": self.counts,
            "effects": self.effects,
            "calls": self.calls,
            "answers": self.answers,
            "webhooks": self.webhooks,
        })
    }
}

/// One per sandbox, shared by both vendors.
pub(super) struct Desk {
    pub(super) clock: SandboxClock,
    pub(super) books: Mutex<Books>,
    pub(super) outbox: Outbox,
}

impl Desk {
    /// Writes one effect into the books.
    pub(super) fn effect(&self, vendor: &str, what: (&str, &str), id: &str, who: Who, detail: &Value) {
        let (object, kind) = what;
        let mut books = lock(&self.books);
        *books.counts.entry(format!("{vendor}.{object}.{kind}.{}", who.word())).or_default() += 1;
        books.effects.push(json!({
            "vendor": vendor,
            "object": object,
            "kind": kind,
            "id": id,
            "who": who.word(),
            "at": iso(self.clock.now()),
            "detail": detail,
        }));
    }
}
