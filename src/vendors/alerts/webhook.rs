//! One's own receiver: a JSON POST, signed when there is a key, with the time in what is signed.
//!
//! `X-Reknit-Signature: sha256=HEX` is HMAC-SHA256 over the timestamp, a dot and the body. What
//! went out together has one `Idempotency-Key`, and every alert a key of its own: a receiver tells repeats apart by them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::signature::{delivery_key, hex, hmac_sha256};
use crate::domain::clock::Timestamp;
use crate::domain::monitor::{Alert, Receipt};
use crate::domain::secret::Secret;

/// How long a receiver is left alone that says "too many" without a time.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(30);

pub(super) fn body(who: &str, alerts: &[Alert], repeat: bool) -> String {
    let alerts: Vec<Value> = alerts
        .iter()
        .map(|alert| {
            json!({
                "key": alert.key,
                "kind": alert.kind,
                "severity": alert.severity,
                "monitor": alert.monitor,
                "subject": alert.subject,
                "sentence": alert.sentence,
                "value": alert.value,
                "threshold": alert.threshold,
                "at": alert.at.rfc3339(),
            })
        })
        .collect();
    json!({"source": "reknit", "workspace": who, "may_repeat": repeat, "alerts": alerts}).to_string()
}

pub(super) fn headers(key: Option<&Secret>, alerts: &[Alert], body: &str, now: Timestamp) -> HeaderMap {
    let keys: Vec<&str> = alerts.iter().map(|alert| alert.key.as_str()).collect();
    signed(key, &keys, body, now)
}

/// The headers of what goes out under these keys.
pub(super) fn signed(key: Option<&Secret>, keys: &[&str], body: &str, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let seconds = now.seconds().to_string();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-reknit-timestamp", &seconds);
    put("idempotency-key", &delivery_key(keys));
    if let Some(key) = key {
        let signature = hmac_sha256(key.reveal().as_bytes(), &[seconds.as_bytes(), b".", body.as_bytes()]);
        put("x-reknit-signature", &format!("sha256={}", hex(&signature)));
    }
    headers
}

/// What the receiver made of it.
pub(super) fn read(answer: &Answer, words: String, now: Timestamp) -> Receipt {
    match answer.status {
        200..300 => Receipt::Taken,
        429 => Receipt::NotBefore(answer.retry_after(now).unwrap_or_else(|| now.plus(PAUSE)), words),
        503 if answer.retry_after(now).is_some() => {
            Receipt::NotBefore(answer.retry_after(now).unwrap_or(now), words)
        }
        300..400 | 401 | 403 | 404 | 410 => Receipt::Gone(words),
        408 => Receipt::Unanswered(words),
        400..500 => Receipt::Refused(words),
        _ => Receipt::Unanswered(words),
    }
}
