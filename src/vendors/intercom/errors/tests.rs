//! What Intercom's refusals are read as, on bodies as received.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::domain::record::{Connection, System};
use crate::vendors::request::Expects;

const NOW: Timestamp = Timestamp(1_768_018_294_000);

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}

fn read(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> VendorError {
    let connection = Connection::only(System::Intercom);
    let context = Context {
        connection: &connection,
        object: ObjectKind::Contact,
        writes: true,
        expects: Expects::Json,
        now: NOW,
    };
    classify(&answer(status, headers, body), &context)
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/intercom/error_", $name, ".json"))
    };
}

#[test]
fn every_refusal_we_have_seen_has_its_class() {
    for (status, body, class) in [
        (401, fixture!("401"), ErrorClass::Auth),
        (403, fixture!("403"), ErrorClass::Permission),
        (404, fixture!("404_contact"), ErrorClass::NotFound),
        (404, fixture!("404_company"), ErrorClass::NotFound),
        (409, fixture!("409"), ErrorClass::DuplicateDetected),
        (409, fixture!("409_archived"), ErrorClass::DuplicateDetected),
        (410, fixture!("410"), ErrorClass::MergedAway),
        (429, fixture!("429"), ErrorClass::RateLimited),
        (400, fixture!("400_merge"), ErrorClass::Validation),
        (400, fixture!("400_attribute"), ErrorClass::UnknownField),
        (400, fixture!("400_company_key"), ErrorClass::UnknownField),
        (422, fixture!("422"), ErrorClass::Validation),
        (500, fixture!("500"), ErrorClass::Unavailable),
        (502, "<html><head><title>502 Bad Gateway</title></head></html>", ErrorClass::Unavailable),
        (503, "", ErrorClass::Unavailable),
        (413, "", ErrorClass::TooLarge),
        (423, "{}", ErrorClass::Locked),
        (418, "[]", ErrorClass::Unknown),
        (410, "{\"errors\":null}", ErrorClass::NotFound),
    ] {
        let error = read(status, &[], body);
        assert_eq!(error.class, class, "{status} {body}");
        assert_eq!(error.status, Some(status));
        assert_eq!(error.may_have_happened, status >= 500, "{status}");
        assert!(!error.words.is_empty() && !error.words.contains('<'), "{}", error.words);
    }
}

#[test]
fn ids_fields_and_times_are_taken_from_where_intercom_puts_them() {
    let twin = read(409, &[], fixture!("409"));
    assert_eq!(
        twin.existing.map(|record| record.to_string()).as_deref(),
        Some("intercom/contact/5da6f18e3d7cf967e4582d05")
    );
    let merged = read(410, &[("link", "</contacts/64e2f1a3>; rel=\"canonical\"")], fixture!("410"));
    assert_eq!(merged.existing.map(|record| record.id).as_deref(), Some("64e2f1a3"));
    assert_eq!(read(410, &[], fixture!("410")).existing, None);

    let unknown = read(400, &[], fixture!("400_attribute"));
    assert_eq!(unknown.field.as_deref(), Some("custom_attributes.seats_used"));
    assert_eq!(unknown.fields.len(), 1);
    assert_eq!(read(400, &[], fixture!("400_company_key")).field.as_deref(), Some("test"));
    assert_eq!(read(422, &[], fixture!("422")).field.as_deref(), Some("email"));

    let limited = read(429, &[("x-ratelimit-reset", "1768018300")], fixture!("429"));
    assert_eq!(limited.retry_at, Some(Timestamp(1_768_018_300_000)));
    let told = read(503, &[("retry-after", "30")], "");
    assert_eq!(told.retry_at, Some(Timestamp(NOW.0 + 30_000)));
}

#[test]
fn limits_are_read_from_the_headers() {
    let reading = limits(&answer(
        200,
        &[
            ("x-ratelimit-limit", "1667"),
            ("x-ratelimit-remaining", "1600"),
            ("x-ratelimit-reset", "1768018300"),
        ],
        "",
    ))
    .expect("a reading");
    assert_eq!((reading.used, reading.limit, reading.window_seconds), (67, 1667, 10));
    assert_eq!(reading.reset_at, Some(Timestamp(1_768_018_300_000)));
    assert_eq!(limits(&answer(401, &[], "")), None);
}

#[test]
fn words_cannot_move_the_cursor_or_leak_a_token() {
    let body =
        "{\"errors\":[{\"code\":\"x\",\"message\":\"\\u001b[31mBearer pat-na1-0123456789-abc\\u202e\"}]}";
    let words = read(400, &[], body).words;
    assert!(
        !words.contains('\u{1b}') && !words.contains('\u{202e}') && !words.contains("pat-na1-0"),
        "{words}"
    );
}

#[test]
fn every_refusal_of_the_documents_has_its_class_and_every_code_its_row() {
    let documented: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/intercom/errors_documented.json"))
            .expect("JSON");
    let answers = documented["answers"].as_array().expect("a list");
    assert!(answers.len() > 40, "{}", answers.len());
    for one in answers {
        let status = u16::try_from(one["status"].as_u64().expect("a status")).expect("small");
        let error = read(status, &[], &one["body"].to_string());
        assert_eq!(error.class.as_str(), one["class"], "{one}");
        let words = one["body"]["errors"][0]["message"].as_str().expect("words");
        assert!(error.words.starts_with(words), "the vendor's own words: {error}");
        let code = one["body"]["errors"][0]["code"].as_str().expect("a code");
        assert!(CODES.iter().any(|(known, _)| *known == code), "{code} has no row");
    }
}

#[test]
fn a_code_nobody_has_told_us_of_keeps_its_words() {
    let body = r#"{"type":"error.list","errors":[{"code":"moon_in_the_wrong_phase","message":"Come back at dusk"}]}"#;
    let error = read(418, &[], body);
    assert_eq!((error.class, error.words.as_str()), (ErrorClass::Unknown, "Come back at dusk"));
    let wordless = read(400, &[], r#"{"type":"error.list","errors":[{"code":"moon_in_the_wrong_phase"}]}"#);
    assert_eq!(
        (wordless.class, wordless.words.as_str()),
        (ErrorClass::Validation, "moon_in_the_wrong_phase")
    );
}

#[test]
fn a_scroll_in_use_is_waited_for_and_a_broken_one_is_unavailable() {
    let busy = r#"{"type":"error.list","errors":[{"code":"scroll_exists","message":"scroll already exists for this workspace"}]}"#;
    assert_eq!(read(400, &[], busy).class, ErrorClass::Locked);
    assert_eq!(read(500, &[], fixture!("500")).class, ErrorClass::Unavailable);
}
