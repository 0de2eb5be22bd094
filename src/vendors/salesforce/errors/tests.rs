//! What Salesforce's refusals are read as, in each of their shapes.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::vendors::request::Expects;

const NOW: Timestamp = Timestamp(1_768_018_294_000);

const DUPLICATES: &str = include_str!("../../../../tests/fixtures/salesforce/error_400_duplicates.json");
const SEVERAL: &str = include_str!("../../../../tests/fixtures/salesforce/error_300_upsert.json");
const FAULT: &str = include_str!("../../../../tests/fixtures/salesforce/error_500_fault.xml");

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}

fn within<T>(work: impl FnOnce(&Context<'_>) -> T) -> T {
    let connection = Connection::only(System::Salesforce);
    work(&Context {
        connection: &connection,
        object: ObjectKind::Lead,
        writes: true,
        expects: Expects::Json,
        now: NOW,
    })
}

fn read(status: u16, body: &str) -> VendorError {
    within(|context| classify(&answer(status, &[], body), context))
}

/// Status, code, message, fields (JSON) and what they amount to.
const SEEN: &[(u16, &str, &str, &str, ErrorClass)] = &[
    (401, "INVALID_SESSION_ID", "Session expired or invalid", "[]", ErrorClass::Auth),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "[]", ErrorClass::QuotaExhausted),
    (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        "[]",
        ErrorClass::RateLimited,
    ),
    (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", "[]", ErrorClass::RateLimited),
    (404, "NOT_FOUND", "The requested resource does not exist", "[]", ErrorClass::NotFound),
    (
        404,
        "NOT_FOUND",
        "Provided external ID field does not exist or is not accessible: Plan_Id__c",
        "[]",
        ErrorClass::UnknownField,
    ),
    (
        404,
        "NOT_FOUND",
        "Provided external ID field does not exist or is not accessible: rubbish",
        "[]",
        ErrorClass::NotFound,
    ),
    (404, "ENTITY_IS_DELETED", "entity is deleted", "[]", ErrorClass::NotFound),
    (400, "MALFORMED_ID", "Lead ID: id value of incorrect type: bad id", "[\"Id\"]", ErrorClass::NotFound),
    (
        400,
        "MALFORMED_ID",
        "Account ID: id value of incorrect type: 1",
        "[\"AccountId\"]",
        ErrorClass::Validation,
    ),
    (
        400,
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [Company]",
        "[\"Company\"]",
        ErrorClass::Validation,
    ),
    (
        400,
        "INVALID_FIELD",
        "No such column 'Nope__c' on sobject of type Lead",
        "null",
        ErrorClass::UnknownField,
    ),
    (
        400,
        "STRING_TOO_LONG",
        "First Name: data value too large: xxxxx (max length=40)",
        "[\"FirstName\"]",
        ErrorClass::Validation,
    ),
    (
        400,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Status: bad value for restricted picklist field: Foo",
        "[\"Status\"]",
        ErrorClass::NotAllowedValue,
    ),
    (400, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: x", "[\"Email\"]", ErrorClass::Validation),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Phones begin with +", "[\"Phone\"]", ErrorClass::Validation),
    (400, "FIELD_INTEGRITY_EXCEPTION", "There is no such country", "[\"Country\"]", ErrorClass::Validation),
    (
        400,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "LeadTrigger: execution of BeforeInsert",
        "[]",
        ErrorClass::Validation,
    ),
    (
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: IsConverted",
        "[\"IsConverted\"]",
        ErrorClass::Validation,
    ),
    (
        400,
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "insufficient access rights on object id",
        "[]",
        ErrorClass::Permission,
    ),
    (
        403,
        "API_DISABLED_FOR_ORG",
        "API is not enabled for this Organization or Partner",
        "[]",
        ErrorClass::Permission,
    ),
    (
        400,
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record or 1 records: 001",
        "[]",
        ErrorClass::Locked,
    ),
    (
        400,
        "DUPLICATE_VALUE",
        "duplicate value found: Intercom_Contact_ID__c duplicates value on record with id: 00Qaj000002oTld",
        "[\"Intercom_Contact_ID__c\"]",
        ErrorClass::DuplicateDetected,
    ),
    (400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", "[]", ErrorClass::Converted),
    (400, "INVALID_QUERY_LOCATOR", "invalid query locator", "[]", ErrorClass::Conflict),
    (400, "MALFORMED_QUERY", "unexpected token: SELEC", "[]", ErrorClass::Unknown),
    (400, "SOMETHING_NEW", "of which we know nothing", "[]", ErrorClass::Unknown),
    (503, "SERVER_UNAVAILABLE", "Too many requests waiting for connections", "[]", ErrorClass::Unavailable),
    (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.", "[]", ErrorClass::Unavailable),
];

#[test]
fn every_refusal_has_its_class_in_rest_in_rows_in_soap_and_in_bulk() {
    for (status, code, message, fields, class) in SEEN {
        let body = format!("[{{\"message\":\"{message}\",\"errorCode\":\"{code}\",\"fields\":{fields}}}]");
        let error = read(*status, &body);
        assert_eq!(error.class, *class, "{code}: {message}");
        assert_eq!(error.status, Some(*status));
        assert_eq!(error.may_have_happened, *status >= 500, "{code}");
        assert!(error.words.contains(message), "{}", error.words);

        let row: Value = serde_json::from_str(&body.replace("errorCode", "statusCode")).expect("json");
        let row = within(|context| refused(None, &Refusal::list(&row), context));
        assert_eq!((row.class, row.may_have_happened), (*class, false), "a row: {code}");
        assert_eq!(row.fields, error.fields, "{code}");

        let fields: Vec<String> =
            serde_json::from_str::<Option<_>>(fields).expect("a list").unwrap_or_default();
        let cell = Refusal::of_cell(&format!("{code}:{message}:{} --", fields.join(",")));
        assert_eq!(within(|context| refused(None, &[cell], context)).class, *class, "a cell: {code}");

        let fault = format!(
            "<e:Envelope xmlns:e=\"x\"><e:Body><e:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: \
             {}</faultstring></e:Fault></e:Body></e:Envelope>",
            xml::escape(message)
        );
        let fault = read(500, &fault);
        let by_fields_or_status = ["MALFORMED_ID", "MALFORMED_QUERY", "SOMETHING_NEW"].contains(code);
        assert!(fault.class == *class || by_fields_or_status, "a fault: {code}: {}", fault.class);
        assert!(fault.words.contains(message) && !fault.words.starts_with(code), "{}", fault.words);
    }
}

#[test]
fn bodies_that_are_not_the_vendors_are_told_by_their_status() {
    for (status, body, class) in [
        (401, "", ErrorClass::Auth),
        (502, "<html><title>Bad Gateway</title></html>", ErrorClass::Unavailable),
        (503, "{\"unexpected\":true}", ErrorClass::Unavailable),
        (404, "[]", ErrorClass::NotFound),
        (
            405,
            "[{\"errorCode\":\"METHOD_NOT_ALLOWED\",\"message\":\"HTTP Method 'PUT' not allowed.\"}]",
            ErrorClass::Unknown,
        ),
        (414, "", ErrorClass::TooLarge),
        (429, "", ErrorClass::RateLimited),
        (429, "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"slow down\"}]", ErrorClass::RateLimited),
        (
            429,
            "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit exceeded.\"}]",
            ErrorClass::QuotaExhausted,
        ),
    ] {
        let error = read(status, body);
        assert_eq!(error.class, class, "{status} {body}");
        assert_eq!(error.may_have_happened, status >= 500);
        assert!(!error.words.is_empty() && !error.words.contains('<'), "{}", error.words);
    }
}

#[test]
fn oauth_answers_with_an_object_and_soap_with_a_fault() {
    let oauth =
        read(400, "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}");
    assert_eq!((oauth.class, oauth.words.as_str()), (ErrorClass::Auth, "expired access/refresh token"));
    let fault = read(500, FAULT);
    assert_eq!(fault.class, ErrorClass::Auth);
    assert_eq!(fault.words, "Invalid Session ID found in SessionHeader: Illegal Session");
    assert!(!fault.may_have_happened, "a refused session did nothing");
}

#[test]
fn who_holds_a_value_is_known_and_who_resembles_is_only_named() {
    let message =
        "duplicate value found: Intercom_Contact_ID__c duplicates value on record with id: 00Qaj000002oTld";
    let taken = read(400, &format!("[{{\"message\":\"{message}\",\"errorCode\":\"DUPLICATE_VALUE\"}}]"));
    assert_eq!(
        taken.existing.map(|record| record.to_string()).as_deref(),
        Some("salesforce/lead/00Qaj000002oTldEAE")
    );

    let alike = read(400, DUPLICATES);
    assert_eq!((alike.class, alike.existing), (ErrorClass::DuplicateDetected, None));
    let named: Vec<String> = alike.candidates.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["salesforce/lead/00Qaj000002oTldEAE"]);

    let several = read(300, SEVERAL);
    assert_eq!((several.class, several.status), (ErrorClass::DuplicateDetected, Some(300)));
    assert_eq!(several.existing, None);
    assert_eq!(several.candidates.len(), 2);
    assert_eq!(several.candidates[1].to_string(), "salesforce/contact/0033h00000Kzv3BAAR");
    assert!(several.words.contains("0033h00000Kzv3AAAR"), "{}", several.words);
}

#[test]
fn fields_and_pauses_are_taken_from_where_they_stand() {
    let missing = "[{\"message\":\"Required fields are missing: [Company, LastName]\",\"errorCode\":\"REQUIRED_FIELD_MISSING\"}]";
    let fields: Vec<String> = read(400, missing).fields.into_iter().map(|refusal| refusal.field).collect();
    assert_eq!(fields, ["Company", "LastName"]);
    let unknown = "[{\"message\":\"No such column 'Nope__c' on sobject of type Lead\",\"errorCode\":\"INVALID_FIELD\"}]";
    assert_eq!(read(400, unknown).field.as_deref(), Some("Nope__c"));

    let locked = read(400, "[{\"message\":\"busy\",\"errorCode\":\"UNABLE_TO_LOCK_ROW\"}]");
    assert_eq!(locked.retry_at.map(|at| at.since(NOW)), Some(2_000));
    let spent = read(
        403,
        "[{\"message\":\"TotalRequests Limit exceeded.\",\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]",
    );
    assert_eq!(spent.retry_at, None);

    let cell = Refusal::of_cell("REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --");
    assert_eq!(cell.fields, ["Company"]);
    assert_eq!(cell.message, "Required fields are missing: [Company]");
    for odd in ["", "no code at all: really", "CODE", "CODE:", ":x", "CODE:words:--"] {
        let error = within(|context| refused(None, &[Refusal::of_cell(odd)], context));
        assert_eq!(error.class, ErrorClass::Unknown, "{odd}");
    }
}

#[test]
fn the_days_calls_are_read_from_every_answer() {
    let limits_of = |header: &'static str| limits(&answer(200, &[("sforce-limit-info", header)], ""));
    let reading = limits_of("api-usage=10018/100000").expect("a reading");
    assert_eq!((reading.daily_used, reading.daily_limit), (Some(10_018), Some(100_000)));
    let reading = limits_of("api-bursts=1/750; api-usage=5/15000; per-app-api-usage=17/250(appName=x)");
    assert_eq!(reading.expect("a reading").daily_used, Some(5));
    for odd in ["", "api-usage=", "api-usage=1", "api-usage=x/y", "per-app-api-usage=17/250(appName=x)"] {
        assert_eq!(limits_of(odd), None, "{odd}");
    }
    assert_eq!(limits(&answer(200, &[], "")), None);
}
