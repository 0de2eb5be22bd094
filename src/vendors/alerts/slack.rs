//! Slack's incoming webhook: one text, and short words of refusal.

use serde_json::json;

use super::super::answer::Answer;
use crate::domain::clock::Timestamp;
use crate::domain::monitor::{Alert, Receipt, Severity, Tidings};

/// Alerts named in one message; of more only their number is told.
const NAMED: usize = 15;
/// How long one alert's sentence may be.
const SENTENCE: usize = 500;
/// How long Slack is left alone when it does not say.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(30);

/// Words by which Slack says that this address takes nothing any more.
const GONE: [&str; 11] = [
    "no_service",
    "no_service_id",
    "no_team",
    "no_active_hooks",
    "team_disabled",
    "invalid_token",
    "channel_not_found",
    "channel_is_archived",
    "user_not_found",
    "action_prohibited",
    "posting_to_general_channel_denied",
];

/// The message. Slack reads `&`, `<` and `>` as its own marks, and mentions and links begin with one of them.
pub(super) fn body(who: &str, alerts: &[Alert], repeat: bool) -> String {
    let mut lines = Vec::new();
    let workspace = if who.is_empty() { String::new() } else { format!(" ({})", escaped(who)) };
    let several = if alerts.len() > 1 { format!(": {} alerts", alerts.len()) } else { String::new() };
    lines.push(format!("*Reknit*{workspace}{several}"));
    if repeat {
        lines.push("_May repeat: an earlier message of the same was not answered._".to_owned());
    }
    for alert in alerts.iter().take(NAMED) {
        let mark = match (alert.kind, alert.severity) {
            (Tidings::Recovered, _) => ":white_check_mark:",
            (Tidings::Test | Tidings::Message, _) => ":speech_balloon:",
            (_, Severity::Error) => ":rotating_light:",
            (_, Severity::Warning) => ":warning:",
        };
        let line = crate::domain::text::clean(&alert.line()).into_owned();
        lines.push(format!("{mark} {}", escaped(&crate::domain::text::shorten(&line, SENTENCE))));
    }
    if alerts.len() > NAMED {
        lines.push(format!("and {} more; `reknit monitors` shows all", alerts.len() - NAMED));
    }
    json!({"text": lines.join("\n")}).to_string()
}

/// A message of these lines, which are escaped already.
pub(super) fn message(who: &str, told: &[String], repeat: bool) -> String {
    let workspace = if who.is_empty() { String::new() } else { format!(" ({})", escaped(who)) };
    let mut lines = vec![format!("*Reknit*{workspace}")];
    if repeat {
        lines.push("_May repeat: an earlier message of the same was not answered._".to_owned());
    }
    lines.extend_from_slice(told);
    json!({"text": lines.join("\n")}).to_string()
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What Slack made of it.
pub(super) fn read(answer: &Answer, words: String, now: Timestamp) -> Receipt {
    let said = answer.body.trim();
    if GONE.contains(&said) {
        return Receipt::Gone(words);
    }
    match answer.status {
        200 if said == "ok" => Receipt::Taken,
        // Not Slack's way to say so: a proxy's page, or a body that broke off.
        200..300 => Receipt::Unanswered(words),
        429 => Receipt::NotBefore(answer.retry_after(now).unwrap_or_else(|| now.plus(PAUSE)), words),
        // An address that moved, is gone or is not allowed.
        300..400 | 401 | 403 | 404 | 410 => Receipt::Gone(words),
        400..500 => Receipt::Refused(words),
        _ => Receipt::Unanswered(words),
    }
}
