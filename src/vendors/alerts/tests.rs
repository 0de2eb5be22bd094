//! Addresses that may be called, messages that cannot be abused, refusals read right.

use std::sync::Arc;

use super::super::answer::Answer;
use super::*;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::monitor::{MonitorName, Severity, Tidings};
use crate::domain::record::Connection;

struct Named(Vec<(&'static str, &'static str)>);

impl Credentials for Named {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn named(&self, name: &str) -> Option<Secret> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| Secret::new(value))
    }
}

fn channels(named: &[(&'static str, &'static str)]) -> Result<Channels, SetupError> {
    let clock = Arc::new(ManualClock::at(Timestamp(1_795_000_000_000)));
    Channels::new(&Settings::default(), &Named(named.to_vec()), clock, "prod")
}

fn alert(sentence: &str) -> Alert {
    Alert {
        id: 1,
        key: "failures/contact-to-crm/alert/1".into(),
        monitor: Some(MonitorName::Failures),
        subject: "contact-to-crm".into(),
        kind: Tidings::Alert,
        severity: Severity::Error,
        sentence: sentence.into(),
        value: 1.0,
        threshold: 1.0,
        at: Timestamp(1_795_000_000_000),
    }
}

#[test]
fn an_address_is_checked_and_never_shown() {
    let good =
        channels(&[(SLACK_URL, "http://127.0.0.1:9/services/T0/B0/verysecrettoken")]).expect("loopback");
    assert_eq!(good.configured(), [ChannelKind::Slack]);
    assert_eq!(good.shown(ChannelKind::Slack), "127.0.0.1/••••");
    assert!(!format!("{good:?}").contains("verysecret"));
    for bad in [
        "http://hooks.example.com/verysecrettoken",
        "verysecrettoken",
        "https://me:verysecrettoken@x.example/",
    ] {
        let error = channels(&[(WEBHOOK_URL, bad)]).expect_err("refused").to_string();
        assert!(error.contains(WEBHOOK_URL) && !error.contains("verysecret"), "{error}");
    }
    let query =
        channels(&[(WEBHOOK_URL, "http://127.0.0.1:9/in?token=verysecrettoken")]).expect("a query is fine");
    let url = query.url(ChannelKind::Webhook).expect("set");
    let words = query.words(url, "Cannot POST /in?token=verysecrettoken of verysecrettoken");
    assert!(!words.contains("verysecret"), "{words}");
    assert!(channels(&[]).expect("none").configured().is_empty());
}

#[test]
fn a_slack_text_mentions_nobody_and_marks_a_repeat() {
    let alerts: Vec<Alert> =
        (0..20).map(|_| alert("<!channel> & <https://evil.example|click>\u{202e}")).collect();
    let body = slack::body("prod", &alerts, true);
    let text = serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["text"].to_string();
    assert!(!text.contains('<') && !text.contains('\u{202e}'), "{text}");
    assert!(
        text.contains("20 alerts") && text.contains("May repeat") && text.contains("and 5 more"),
        "{text}"
    );
}

#[test]
fn r79_slacks_refusals_are_told_apart() {
    let now = Timestamp(0);
    let read = |status: u16, said: &str, headers: &[(&'static str, &'static str)]| {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), reqwest::header::HeaderValue::from_static(value))
        });
        slack::read(&Answer { status, headers: headers.collect(), body: said.to_owned() }, String::new(), now)
    };
    assert_eq!(read(200, "ok", &[]), Receipt::Taken);
    for (status, said) in [
        (404, "no_service"),
        (403, "invalid_token"),
        (404, "channel_not_found"),
        (410, "channel_is_archived"),
        (404, ""),
    ] {
        assert!(matches!(read(status, said, &[]), Receipt::Gone(_)), "{status} {said}");
    }
    assert!(matches!(read(429, "", &[("retry-after", "7")]), Receipt::NotBefore(Timestamp(7_000), _)));
    assert!(matches!(read(400, "invalid_payload", &[]), Receipt::Refused(_)));
    assert!(matches!(read(500, "rollup_error", &[]), Receipt::Unanswered(_)));
    assert!(matches!(read(200, "<html>sign in</html>", &[]), Receipt::Unanswered(_)));
}

#[test]
fn what_goes_to_ones_own_receiver_is_signed_with_its_time() {
    let key = Secret::new("a-key-of-the-receiver");
    let now = Timestamp(1_795_000_000_000);
    let alerts = [alert("one")];
    let body = webhook::body("prod", &alerts, false);
    let headers = webhook::headers(Some(&key), &alerts, &body, now);
    let signed = super::super::signature::hmac_sha256(
        key.reveal().as_bytes(),
        &[format!("1795000000.{body}").as_bytes()],
    );
    assert_eq!(
        headers["x-reknit-signature"].to_str().expect("text"),
        format!("sha256={}", super::super::signature::hex(&signed))
    );
    assert!(!webhook::headers(None, &alerts, &body, now).contains_key("x-reknit-signature"));
}

use reqwest::header::HeaderName;
