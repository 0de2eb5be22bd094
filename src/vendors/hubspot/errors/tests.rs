//! What HubSpot's refusals are read as, on bodies as received.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::domain::record::{Connection, ObjectKind, System};
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
    let connection = Connection::only(System::Hubspot);
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
        include_str!(concat!("../../../../tests/fixtures/hubspot/error_", $name, ".json"))
    };
}

#[test]
fn every_refusal_we_have_seen_has_its_class() {
    for (status, body, class) in [
        (401, fixture!("401"), ErrorClass::Auth),
        (403, fixture!("403_scope"), ErrorClass::Permission),
        (404, fixture!("404"), ErrorClass::NotFound),
        (409, fixture!("409"), ErrorClass::DuplicateDetected),
        (409, fixture!("409_property"), ErrorClass::DuplicateDetected),
        (409, "{\"message\":\"changed meanwhile\"}", ErrorClass::Conflict),
        (400, fixture!("400_property"), ErrorClass::UnknownField),
        (400, fixture!("400_option"), ErrorClass::NotAllowedValue),
        (400, fixture!("400_required"), ErrorClass::Validation),
        (400, "{\"message\":\"Property values were not valid: oops ] [\"}", ErrorClass::Validation),
        (423, fixture!("423"), ErrorClass::Locked),
        (429, fixture!("429"), ErrorClass::RateLimited),
        (429, fixture!("429_search"), ErrorClass::RateLimited),
        (429, fixture!("429_daily"), ErrorClass::QuotaExhausted),
        (429, "{\"category\":\"RATE_LIMITS\"}", ErrorClass::RateLimited),
        (477, fixture!("477"), ErrorClass::Unavailable),
        (414, "", ErrorClass::TooLarge),
        (502, "<html><title>bad gateway</title>", ErrorClass::Unavailable),
        (521, "", ErrorClass::Unavailable),
        (401, fixture!("401_expired"), ErrorClass::Auth),
        (400, fixture!("400_refresh"), ErrorClass::Auth),
        (403, fixture!("403_timeline"), ErrorClass::Permission),
        (400, fixture!("400_email"), ErrorClass::Validation),
        (400, fixture!("400_unique"), ErrorClass::Validation),
        (400, fixture!("400_taken"), ErrorClass::DuplicateDetected),
        (400, fixture!("400_conditional"), ErrorClass::Validation),
        (400, fixture!("400_search"), ErrorClass::Validation),
        (414, fixture!("414_merges"), ErrorClass::TooLarge),
        (429, fixture!("429_category"), ErrorClass::RateLimited),
        (400, fixture!("400_new_word"), ErrorClass::Unknown),
        (503, fixture!("400_new_word"), ErrorClass::Unavailable),
        (500, "", ErrorClass::Unavailable),
        (503, "", ErrorClass::Unavailable),
        (504, "", ErrorClass::Unavailable),
        (523, "", ErrorClass::Unavailable),
        (524, "", ErrorClass::Unavailable),
        (405, "", ErrorClass::Unknown),
    ] {
        let error = read(status, &[], body);
        assert_eq!(error.class, class, "{status} {body}");
        assert_eq!(error.may_have_happened, status >= 500, "{status}");
        assert!(!error.words.is_empty() && !error.words.contains('<'), "{}", error.words);
    }
}

#[test]
fn ids_fields_scopes_and_times_are_taken_from_where_hubspot_puts_them() {
    let twin = read(409, &[], fixture!("409"));
    assert_eq!(twin.existing.map(|record| record.to_string()).as_deref(), Some("hubspot/contact/3401"));

    let unknown = read(400, &[], fixture!("400_property"));
    assert_eq!(unknown.field.as_deref(), Some("bogus"));
    assert_eq!(unknown.words, "Property \"bogus\" does not exist");
    let option = read(400, &[], fixture!("400_option"));
    assert_eq!(option.fields[0].field, "dealstage");
    assert!(option.fields[0].why.contains("appointmentscheduled"), "{:?}", option.fields);
    assert_eq!(read(400, &[], fixture!("400_required")).field.as_deref(), Some("jobtitle"));
    assert!(read(403, &[], fixture!("403_scope")).words.contains("crm.objects.contacts.write"));

    assert!(read(403, &[], fixture!("403_timeline")).words.ends_with("Scopes: timeline"));
    assert!(
        read(400, &[], fixture!("400_new_word")).words.contains("quota of widgets"),
        "its words are kept"
    );
    let values = read(400, &[], fixture!("400_email"));
    let refused: Vec<_> = values.fields.iter().map(|it| (it.field.as_str(), it.class)).collect();
    assert_eq!(
        refused,
        [
            ("email", ErrorClass::Validation),
            ("hubspot_owner_id", ErrorClass::Validation),
            ("createdate", ErrorClass::Validation),
            ("lifecyclestage", ErrorClass::NotAllowedValue),
        ]
    );
    assert_eq!(values.fields[3].allowed(), ["subscriber", "lead", "customer"]);

    let after = |error: VendorError| error.retry_at.map(|at| at.since(NOW));
    assert_eq!(after(read(429, &[], fixture!("429"))), Some(10_000));
    assert_eq!(after(read(429, &[], fixture!("429_search"))), Some(1_000));
    assert_eq!(after(read(429, &[], fixture!("429_daily"))), None);
    assert_eq!(after(read(423, &[], fixture!("423"))), Some(2_000));
    assert_eq!(after(read(477, &[("retry-after", "3600")], fixture!("477"))), Some(3_600_000));
    assert_eq!(after(read(429, &[("retry-after", "3")], fixture!("429"))), Some(3_000));
}

#[test]
fn limits_are_read_from_the_headers() {
    let reading = limits(&answer(
        200,
        &[
            ("x-hubspot-ratelimit-max", "190"),
            ("x-hubspot-ratelimit-remaining", "180"),
            ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
            ("x-hubspot-ratelimit-daily", "625000"),
            ("x-hubspot-ratelimit-daily-remaining", "624000"),
        ],
        "",
    ))
    .expect("a reading");
    assert_eq!((reading.used, reading.limit, reading.window_seconds), (10, 190, 10));
    assert_eq!((reading.daily_used, reading.daily_limit), (Some(1_000), Some(625_000)));
    assert_eq!(limits(&answer(200, &[], "")), None);
}

#[test]
fn a_row_of_a_batch_is_read_as_if_it_had_been_refused_alone() {
    let connection = Connection::only(System::Hubspot);
    let context = Context {
        connection: &connection,
        object: ObjectKind::Contact,
        writes: true,
        expects: Expects::Json,
        now: NOW,
    };
    for (body, class) in [
        (fixture!("404"), ErrorClass::NotFound),
        (fixture!("409"), ErrorClass::DuplicateDetected),
        (fixture!("400_option"), ErrorClass::NotAllowedValue),
        (fixture!("403_scope"), ErrorClass::Permission),
        (fixture!("400_new_word"), ErrorClass::Unknown),
        ("null", ErrorClass::Validation),
    ] {
        let row: Value = serde_json::from_str(body).expect("json");
        let error = classify_row(&row, &context);
        assert_eq!((error.class, error.may_have_happened), (class, false), "{body}");
    }
}

#[test]
fn no_word_has_two_classes() {
    for (place, (word, _)) in classes::TABLE.iter().enumerate() {
        assert!(classes::TABLE[..place].iter().all(|(other, _)| other != word), "{word} stands twice");
    }
}
