//! Receivers for alerts on every port: a Slack incoming webhook and one of one's own, with their refusals on demand.
//!
//! What they took is in a book of its own. They check what the real ones check of a message and verify no signature:
//! whoever reads the book has headers and body to do it with.

use serde_json::{Value, json};

use super::World;
use super::desk::{iso, lock};
use super::wire::{Answer, Call, Payload};

/// The path of the emulated incoming webhook; its last part is as secret as a real one's.
pub(super) const SLACK: &str = "/alerts/slack/services/T0SANDBOX/B0SANDBOX/sandboxSlackWebhookToken";
/// The path of one's own receiver.
pub(super) const WEBHOOK: &str = "/alerts/webhook/sandbox-receiver-9d1f";

/// What a receiver does instead of taking a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertTrouble {
    /// Slack's own words, with the status it sends them with: `no_service`, `invalid_token`, `channel_not_found`.
    Refuses(String),
    /// 429 with that many seconds.
    TooMany(u32),
    /// An answer of that status.
    Status(u16),
    /// The message is taken, and the answer is a server error all the same.
    TakenAndFails,
}

/// What the receivers took, and what they do instead.
#[derive(Default)]
pub(super) struct AlertDesk {
    book: Vec<Value>,
    slack: Option<(AlertTrouble, Option<u32>)>,
    webhook: Option<(AlertTrouble, Option<u32>)>,
}

impl AlertDesk {
    pub(super) fn book(&self) -> Vec<Value> {
        self.book.clone()
    }

    /// Sets or ends the trouble of one receiver; `times` none is for good.
    pub(super) fn trouble(&mut self, slack: bool, trouble: Option<AlertTrouble>, times: Option<u32>) {
        let place = if slack { &mut self.slack } else { &mut self.webhook };
        *place = trouble.map(|trouble| (trouble, times));
    }

    fn strike(&mut self, slack: bool) -> Option<AlertTrouble> {
        let place = if slack { &mut self.slack } else { &mut self.webhook };
        let (trouble, times) = place.as_mut()?;
        let trouble = trouble.clone();
        if let Some(times) = times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                *place = None;
            }
        }
        Some(trouble)
    }
}

/// Answers a call under `/alerts`.
pub(super) fn answer(world: &World, call: &Call) -> Answer {
    let slack = call.path == SLACK;
    if !slack && call.path != WEBHOOK {
        // As Slack says it of an address nobody has.
        return text(404, "no_service");
    }
    if call.method != "POST" {
        return text(405, "method_not_allowed");
    }
    let mut desk = lock(&world.alerts);
    let trouble = desk.strike(slack);
    let take = trouble.is_none() || trouble == Some(AlertTrouble::TakenAndFails);
    if take && slack {
        if !call.body_is_json || !call.body.is_object() {
            return text(400, "invalid_payload");
        }
        if call.text("text").is_none_or(str::is_empty) {
            return text(400, "no_text");
        }
    }
    let answer = match &trouble {
        None => text(200, "ok"),
        Some(AlertTrouble::Refuses(word)) => text(status_of(word), word),
        Some(AlertTrouble::TooMany(seconds)) => {
            text(429, "rate_limited").with("Retry-After", seconds.to_string())
        }
        Some(AlertTrouble::Status(status)) => text(*status, ""),
        Some(AlertTrouble::TakenAndFails) => text(500, "rollup_error"),
    };
    let header = |name: &str| call.header(name).map(str::to_owned);
    desk.book.push(json!({
        "receiver": if slack { "slack" } else { "webhook" },
        "at": iso(world.desk.clock.now()),
        "taken": take,
        "status": answer.status,
        "body": call.body,
        "raw": String::from_utf8_lossy(&call.raw),
        "timestamp": header("x-reknit-timestamp"),
        "signature": header("x-reknit-signature"),
        "idempotency_key": header("idempotency-key"),
    }));
    answer
}

/// `POST /_sandbox/alerts`: `{"receiver": "slack", "trouble": "no_service", "times": 1}`; without trouble it is well.
pub(super) fn command(world: &World, body: &Value) -> Result<Value, String> {
    let takes = "the body takes `receiver` (slack or webhook), `trouble` (a refusal's word, `taken_and_fails`, a status, \
                 or null) , `retry_after` and `times`";
    let fields = body.as_object().ok_or(takes)?;
    let known = ["receiver", "trouble", "retry_after", "times"];
    if let Some(wrong) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("`{wrong}` means nothing here: {takes}"));
    }
    let slack = match body["receiver"].as_str() {
        Some("slack") => true,
        Some("webhook") => false,
        _ => return Err(takes.to_owned()),
    };
    let number = |name: &str| body[name].as_u64().and_then(|number| u32::try_from(number).ok());
    let trouble = match (&body["trouble"], number("retry_after")) {
        (_, Some(seconds)) => Some(AlertTrouble::TooMany(seconds)),
        (Value::String(word), _) if word == "taken_and_fails" => Some(AlertTrouble::TakenAndFails),
        (Value::String(word), _) => Some(AlertTrouble::Refuses(word.clone())),
        (Value::Number(status), _) => {
            let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
            Some(AlertTrouble::Status(status.filter(|status| (200..600).contains(status)).ok_or(takes)?))
        }
        _ => None,
    };
    let set = trouble.is_some();
    lock(&world.alerts).trouble(slack, trouble, number("times"));
    Ok(json!({"trouble": set}))
}

fn status_of(word: &str) -> u16 {
    match word {
        "invalid_payload" | "no_text" | "too_many_attachments" => 400,
        "invalid_token" | "action_prohibited" | "posting_to_general_channel_denied" => 403,
        "channel_is_archived" => 410,
        "rollup_error" => 500,
        _ => 404,
    }
}

fn text(status: u16, words: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: Payload::Text("text/html", words.to_owned()) }
}
