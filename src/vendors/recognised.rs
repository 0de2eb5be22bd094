//! Tests only: the troubleshooting rows of the requirements, from the vendor's body to the words a person reads.

use reqwest::header::HeaderMap;

use super::answer::{Answer, judge};
use super::error::Context;
use super::request::Expects;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::trouble::{COOKBOOK, Fix, recognise};

macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!("../../tests/fixtures/", $path))
    };
}

/// Requirement, system, status, body, class, row of the cookbook, what mends it.
const ROWS: &[(&str, System, u16, &str, ErrorClass, &str, Fix)] = &[
    (
        "R73",
        System::Hubspot,
        409,
        fixture!("hubspot/error_409.json"),
        ErrorClass::DuplicateDetected,
        "hubspot_duplicate_contact",
        Fix::Retry,
    ),
    (
        "R74",
        System::Hubspot,
        403,
        fixture!("hubspot/error_403_timeline.json"),
        ErrorClass::Permission,
        "hubspot_timeline_scope",
        Fix::Grant,
    ),
    (
        "R75",
        System::Hubspot,
        429,
        fixture!("hubspot/error_429.json"),
        ErrorClass::RateLimited,
        "hubspot_rate",
        Fix::Wait,
    ),
    (
        "R75",
        System::Hubspot,
        429,
        fixture!("hubspot/error_429_search.json"),
        ErrorClass::RateLimited,
        "hubspot_search_limit",
        Fix::Wait,
    ),
    (
        "R75",
        System::Hubspot,
        429,
        fixture!("hubspot/error_429_daily.json"),
        ErrorClass::QuotaExhausted,
        "hubspot_daily",
        Fix::Wait,
    ),
    (
        "R77",
        System::Hubspot,
        400,
        fixture!("hubspot/error_400_option.json"),
        ErrorClass::NotAllowedValue,
        "hubspot_option",
        Fix::Resolve,
    ),
    (
        "R110",
        System::Intercom,
        401,
        fixture!("intercom/error_401.json"),
        ErrorClass::Auth,
        "intercom_token",
        Fix::Token,
    ),
    (
        "R111",
        System::Salesforce,
        400,
        r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#,
        ErrorClass::Auth,
        "salesforce_refresh_token",
        Fix::Token,
    ),
    (
        "R111",
        System::Salesforce,
        401,
        r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
        ErrorClass::Auth,
        "salesforce_session",
        Fix::Token,
    ),
    (
        "R112",
        System::Salesforce,
        403,
        r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
        ErrorClass::QuotaExhausted,
        "salesforce_daily",
        Fix::Wait,
    ),
    (
        "R114",
        System::Salesforce,
        400,
        fixture!("salesforce/error_400_duplicates.json"),
        ErrorClass::DuplicateDetected,
        "salesforce_duplicate_lead",
        Fix::Merge,
    ),
    (
        "R132",
        System::Intercom,
        403,
        fixture!("intercom/error_403.json"),
        ErrorClass::Permission,
        "intercom_plan",
        Fix::Grant,
    ),
    (
        "R132",
        System::Hubspot,
        401,
        fixture!("hubspot/error_401_expired.json"),
        ErrorClass::Auth,
        "hubspot_token_expired",
        Fix::Token,
    ),
    (
        "R134",
        System::Intercom,
        404,
        fixture!("intercom/error_404_contact.json"),
        ErrorClass::NotFound,
        "intercom_user_not_found",
        Fix::Retry,
    ),
];

#[test]
fn r73_r75_r77_r110_to_r114_r132_r134_are_recognised_from_the_vendors_own_bodies() {
    for (requirement, system, status, body, class, key, fix) in ROWS {
        let connection = Connection::only(*system);
        let context = Context {
            connection: &connection,
            object: ObjectKind::Contact,
            writes: true,
            expects: Expects::Json,
            now: Timestamp(1_768_018_294_000),
        };
        let answer = Answer { status: *status, headers: HeaderMap::new(), body: (*body).to_owned() };
        let error = judge(&answer, &context).expect_err(requirement);
        let met = recognise(Some(*system), error.class, &error.words);
        let seen = met.map(|trouble| (trouble.key, trouble.fix));
        assert_eq!((error.class, seen), (*class, Some((*key, *fix))), "{requirement}: {error}");
    }
}

/// R72, R76, R78 and R133 show in no answer of a vendor: they are rows a person looks up, and what `doctor` checks.
#[test]
fn r72_r76_r78_r133_stand_in_the_cookbook() {
    for key in ["webhooks_not_subscribed", "webhook_signature", "rating_missing", "conversations_missing"] {
        let row = COOKBOOK.iter().find(|trouble| trouble.key == key).expect(key);
        assert!(row.class.is_none() && matches!(row.fix, Fix::Doctor | Fix::Settings), "{key}");
    }
}

#[test]
fn an_unknown_refusal_keeps_the_vendors_words() {
    let words = "A refusal nobody has written a row for";
    for (system, body) in [
        (
            System::Intercom,
            format!(r#"{{"type":"error.list","errors":[{{"code":"brand_new","message":"{words}"}}]}}"#),
        ),
        (System::Hubspot, format!(r#"{{"status":"error","category":"BRAND_NEW","message":"{words}"}}"#)),
        (System::Salesforce, format!(r#"[{{"errorCode":"BRAND_NEW","message":"{words}"}}]"#)),
    ] {
        let connection = Connection::only(system);
        let context = Context {
            connection: &connection,
            object: ObjectKind::Contact,
            writes: true,
            expects: Expects::Json,
            now: Timestamp(1_768_018_294_000),
        };
        let answer = Answer { status: 418, headers: HeaderMap::new(), body };
        let error = judge(&answer, &context).expect_err("a refusal");
        assert_eq!(error.class, ErrorClass::Unknown, "{system}");
        assert!(error.words.contains(words), "{system}: {}", error.words);
    }
}
