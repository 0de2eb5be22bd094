//! The clients against a small server on loopback that answers badly.

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Incoming;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::*;
use crate::domain::clock::ManualClock;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{ObjectKind, RecordRef};
use crate::domain::secret::Secret;
use crate::vendors;

const TOKEN: &str = "canary-0123456789-token";

mod hostile;

struct Tokens(Option<&'static str>);

impl Credentials for Tokens {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        self.0.map(Secret::new)
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
}

/// The same time for every kind of call.
fn times(each: Duration) -> Times {
    let connect = Duration::from_secs(5);
    Times { connect, read: each, page: each, write: each, slow_write: each, token: each, idle: each }
}

/// A server that answers by a function, and what it was asked.
struct Bench {
    clients: Clients,
    asked: Arc<Mutex<Vec<String>>>,
}

type Answering = fn(&str, &str) -> Response;

async fn bench(answering: Answering) -> Bench {
    bench_with(answering, Tokens(Some(TOKEN)), Duration::from_secs(10)).await
}

async fn bench_with(answering: Answering, tokens: Tokens, timeout: Duration) -> Bench {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let routes = Router::new().fallback(move |request: Incoming| {
        let seen = seen.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let line = format!("{} {}", parts.method, parts.uri);
            assert_eq!(parts.headers["authorization"], format!("Bearer {TOKEN}"));
            let answer = answering(&line, &body);
            seen.lock().unwrap().push(format!("{line} {body}").trim().to_owned());
            answer
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut settings = Settings { max_response_bytes: 4_096, ..Settings::default() };
    settings.intercom.base_url.clone_from(&base);
    settings.hubspot.base_url = base;
    let clock = Arc::new(ManualClock::at(Timestamp(1_768_018_294_000)));
    let clients = Clients::with_times(&settings, Arc::new(tokens), clock, times(timeout)).unwrap();
    Bench { clients, asked }
}

impl Bench {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn contact(system: System, id: &str) -> RecordRef {
    RecordRef::new(system, ObjectKind::Contact, id)
}

fn update(system: System, id: &str, city: &str) -> Effect {
    let fields = json!({"city": city}).as_object().unwrap().clone();
    Effect::Update { record: contact(system, id), fields }
}

fn create(system: System) -> Effect {
    Effect::Create {
        connection: Connection::only(system),
        object: ObjectKind::Contact,
        fields: json!({"email": "jane@example.com"}).as_object().unwrap().clone(),
        identity: "email".to_owned(),
        related: Vec::new(),
    }
}

fn ok(body: &Value) -> Response {
    body.to_string().into_response()
}

/// Performs an effect that fails, and gives the error with the one exchange.
async fn failing(bench: &Bench, effect: &Effect) -> (VendorError, Exchange) {
    let mut log = Log::new();
    let error = vendors::perform(&bench.clients, effect, &mut log).await.expect_err("it fails");
    assert_eq!(log.len(), 1, "sent once, never again");
    let exchange = log.remove(0);
    assert_eq!(exchange.class, Some(error.class));
    assert!(!format!("{exchange:?} {error:?} {error} {:?}", bench.clients).contains(TOKEN));
    (error, exchange)
}

#[tokio::test]
async fn an_answer_too_long_is_cut_off_and_leaves_doubt() {
    let bench = bench(|_, _| ok(&json!({"id": "1", "pad": "x".repeat(100_000)}))).await;
    let (error, exchange) = failing(&bench, &create(System::Hubspot)).await;
    assert_eq!(error.class, ErrorClass::Malformed);
    assert!(error.may_have_happened && error.words.contains("4096"), "{error}");
    assert_eq!(exchange.status, Some(200));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_too() {
    let bench = bench(|_, _| {
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1_000]));
        Body::from_stream(chunks).into_response()
    })
    .await;
    assert_eq!(failing(&bench, &create(System::Intercom)).await.0.class, ErrorClass::Malformed);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let bench =
        bench(|_, _| (StatusCode::FOUND, [("location", "https://evil.example/steal")]).into_response()).await;
    let (error, _) = failing(&bench, &create(System::Hubspot)).await;
    assert!(error.words.contains("https://evil.example/steal"), "{error}");
    assert!(!error.may_have_happened);
    assert_eq!(bench.asked().len(), 1);
}

#[tokio::test]
async fn a_proxys_page_and_half_a_json_leave_doubt_only_after_writes() {
    let page = bench(|_, _| {
        (StatusCode::BAD_GATEWAY, "<html><head><title>502 Bad Gateway</title></head></html>").into_response()
    })
    .await;
    let (error, exchange) = failing(&page, &create(System::Intercom)).await;
    assert_eq!((error.class, error.may_have_happened), (ErrorClass::Unavailable, true));
    assert!(error.words.contains("502 Bad Gateway") && exchange.response.contains("<html>"), "{error}");

    let half = bench(|_, _| "{\"id\":\"15".into_response()).await;
    let (error, _) = failing(&half, &create(System::Hubspot)).await;
    assert_eq!((error.class, error.may_have_happened), (ErrorClass::Malformed, true));
    let read = vendors::read(&half.clients, &contact(System::Hubspot, "15"), &mut Log::new()).await;
    assert!(!read.expect_err("half a JSON").may_have_happened);
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_and_nobody_there_is_not() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::default();
    settings.hubspot.base_url = format!("http://{}", silent.local_addr().unwrap());
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let times = times(Duration::from_millis(50));
    let clients = Clients::with_times(&settings, Arc::new(Tokens(Some(TOKEN))), clock, times).unwrap();
    let bench = Bench { clients, asked: Arc::default() };
    let (error, exchange) = failing(&bench, &create(System::Hubspot)).await;
    assert_eq!((error.class, error.may_have_happened), (ErrorClass::Timeout, true));
    assert_eq!(exchange.status, None);
    drop(silent);

    let (error, _) = failing(&bench, &create(System::Hubspot)).await;
    assert_eq!((error.class, error.may_have_happened), (ErrorClass::Unavailable, false), "{error}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let bench =
        bench_with(|_, _| unreachable!("nothing is sent"), Tokens(None), Duration::from_secs(1)).await;
    let mut log = Log::new();
    let error =
        vendors::perform(&bench.clients, &create(System::Hubspot), &mut log).await.expect_err("no token");
    assert_eq!((error.class, log.len(), error.may_have_happened), (ErrorClass::Auth, 0, false));
    assert!(error.words.contains("no access token for hubspot"), "{error}");
}

#[tokio::test]
async fn a_token_repeated_by_the_vendor_is_recorded_nowhere() {
    let bench = bench(|_, _| {
        let words = format!("the token {TOKEN} is bad");
        (StatusCode::UNAUTHORIZED, ok(&json!({"errors": [{"code": "unauthorized", "message": words}]})))
            .into_response()
    })
    .await;
    let (error, _) = failing(&bench, &create(System::Intercom)).await;
    assert_eq!(error.class, ErrorClass::Auth);
}

#[tokio::test]
async fn the_preview_shows_exactly_what_is_sent() {
    let bench = bench(|_, _| ok(&json!({"id": "200", "properties": {}}))).await;
    let merge = Effect::merge(contact(System::Hubspot, "151"), contact(System::Hubspot, "152"));
    let company = RecordRef::new(System::Intercom, ObjectKind::Company, "c1");
    let link = Effect::link(contact(System::Intercom, "64e2"), company);
    for effect in [&create(System::Hubspot), &merge, &link, &update(System::Intercom, "64e2", "Łódź")] {
        let mut log = Log::new();
        let calls = vendors::calls(bench.clients.settings(), effect);
        vendors::perform(&bench.clients, effect, &mut log).await.unwrap();
        let body = calls[0].body.as_ref().map(Value::to_string).unwrap_or_default();
        let shown = format!("{} {} {body}", calls[0].method, calls[0].path);
        assert_eq!(bench.asked().last().unwrap(), shown.trim());
        assert_eq!(log[0].request, body);
        assert!(
            log[0].url.starts_with("127.0.0.1:") && log[0].url.ends_with(&calls[0].path),
            "{}",
            log[0].url
        );
    }
    let merged = vendors::perform(&bench.clients, &merge, &mut Log::new()).await.unwrap();
    assert_eq!(merged.id, "200", "a merge may end in a new id");
}

#[tokio::test]
async fn every_row_of_a_batch_has_its_own_result() {
    let bench = bench(|_, _| {
        let body = include_str!("../../../tests/fixtures/hubspot/207_batch_update.json");
        (StatusCode::MULTI_STATUS, body).into_response()
    })
    .await;
    let effects: Vec<Effect> =
        ["101", "102", "103", "104", "105"].iter().map(|id| update(System::Hubspot, id, "x")).collect();
    let mut log = Log::new();
    let results =
        vendors::perform_updates(&bench.clients, &effects.iter().collect::<Vec<_>>(), &mut log).await;
    assert_eq!(log.len(), 1);
    assert_eq!(results[0].as_ref().unwrap().id, "101");
    let refused = results[1].as_ref().unwrap_err();
    assert_eq!((refused.class, refused.field.as_deref()), (ErrorClass::NotAllowedValue, Some("tier")));
    assert_eq!(results[2].as_ref().unwrap().id, "777", "found by its trace id though it was merged");
    assert_eq!(results[3].as_ref().unwrap_err().class, ErrorClass::NotFound);
    let silent = results[4].as_ref().unwrap_err();
    assert_eq!((silent.class, silent.may_have_happened), (ErrorClass::Malformed, true));
}

#[tokio::test]
async fn one_bad_row_does_not_hold_back_the_others() {
    let bench = bench(|line, body| match line {
        line if line.contains("batch") || body.contains("bad") => {
            let body = include_str!("../../../tests/fixtures/hubspot/error_400_option.json");
            (StatusCode::BAD_REQUEST, body).into_response()
        }
        line => ok(&json!({"id": line.rsplit('/').next()})),
    })
    .await;
    let effects =
        [update(System::Hubspot, "1", "a"), update(System::Hubspot, "2", "bad"), create(System::Hubspot)];
    let results =
        vendors::perform_updates(&bench.clients, &effects.iter().collect::<Vec<_>>(), &mut Log::new()).await;
    assert_eq!(results[0].as_ref().unwrap().id, "1");
    assert_eq!(results[1].as_ref().unwrap_err().class, ErrorClass::NotAllowedValue);
    assert_eq!(results[2].as_ref().unwrap().id, "contacts");
}

#[tokio::test]
async fn a_lost_merge_is_looked_up_on_both_records() {
    let merge = |system| Effect::merge(contact(system, "151"), contact(system, "152"));
    let gone = bench(|line, _| match line {
        line if line.contains("/contacts/152") && !line.contains("crm") => {
            let body = include_str!("../../../tests/fixtures/intercom/error_410.json");
            (StatusCode::GONE, [("link", "</contacts/151>; rel=\"canonical\"")], body).into_response()
        }
        line if line.contains("crm") => ok(&json!({"id": "200"})),
        _ => ok(&json!({"id": "151"})),
    })
    .await;
    let mut log = Log::new();
    let intercom = vendors::probe(&gone.clients, &merge(System::Intercom), &mut log).await.unwrap();
    assert_eq!(intercom.unwrap().id, "151");
    let hubspot = vendors::probe(&gone.clients, &merge(System::Hubspot), &mut log).await.unwrap();
    assert_eq!(hubspot.unwrap().id, "200");

    let there = bench(|line, _| ok(&json!({"id": if line.contains("152") { "152" } else { "151" }}))).await;
    for system in [System::Intercom, System::Hubspot] {
        assert_eq!(vendors::probe(&there.clients, &merge(system), &mut log).await.unwrap(), None);
    }
    let update = update(System::Hubspot, "1", "x");
    assert_eq!(vendors::probe(&there.clients, &update, &mut log).await.unwrap(), None);
    assert!(there.asked().iter().all(|line| line.starts_with("GET ")));
}

#[tokio::test]
async fn a_lost_create_is_looked_up_by_its_identity() {
    let found = bench(|line, _| match line {
        "POST /contacts/search" => ok(&json!({"data": [{"id": "64e2"}]})),
        line if line.contains("batch/read") => ok(&json!({"results": []})),
        line if line.contains("idProperty=email") => ok(&json!({"id": "151", "properties": {}})),
        _ => StatusCode::NOT_FOUND.into_response(),
    })
    .await;
    let mut log = Log::new();
    for (system, id) in [(System::Intercom, "64e2"), (System::Hubspot, "151")] {
        assert_eq!(vendors::probe(&found.clients, &create(system), &mut log).await.unwrap().unwrap().id, id);
    }
    let none = bench(|line, _| match line {
        "POST /contacts/search" => ok(&json!({"data": []})),
        _ => StatusCode::NOT_FOUND.into_response(),
    })
    .await;
    for system in [System::Intercom, System::Hubspot] {
        assert_eq!(vendors::probe(&none.clients, &create(system), &mut log).await.unwrap(), None);
    }
}

#[tokio::test]
async fn reading_a_merged_record_names_the_survivor() {
    let bench = bench(|_, _| ok(&json!({"id": "200", "properties": {}}))).await;
    let error =
        vendors::read(&bench.clients, &contact(System::Hubspot, "151"), &mut Log::new()).await.unwrap_err();
    assert_eq!((error.class, error.existing.unwrap().id), (ErrorClass::MergedAway, "200".to_owned()));
}

#[tokio::test]
async fn pages_lead_on_until_the_last() {
    let bench = bench(|line, body| match line {
        "GET /contacts?per_page=150" => {
            ok(&json!({"data": [{"id": "a"}], "pages": {"next": {"starting_after": "c=1"}}}))
        }
        "GET /contacts?per_page=150&starting_after=c%3D1" => ok(&json!({"data": [{"id": "b"}], "pages": {}})),
        line if line.contains("associations/contacts/companies/batch/read") => ok(&json!({"results": [
            {"from": {"id": "1"}, "to": [{"toObjectId": 9, "associationTypes": []}]}]})),
        line if line.contains("/search") && body.contains("hs_object_id\",\"operator") => {
            ok(&json!({"results": [
            {"id": "3", "properties": {"lastmodifieddate": "2026-01-10T04:11:14.436Z"}}]}))
        }
        line if line.contains("/search") => ok(&json!({"results": [
            {"id": "1", "properties": {"lastmodifieddate": "2026-01-10T04:11:14.000Z"}},
            {"id": "2", "properties": {"lastmodifieddate": "2026-01-10T04:11:14.436Z"}}],
            "paging": {"next": {"after": "200"}}})),
        line => panic!("{line}"),
    })
    .await;
    let (clients, mut log) = (&bench.clients, Log::new());
    let intercom = Connection::only(System::Intercom);
    let (first, cursor) = vendors::list_contacts(clients, &intercom, None, &mut log).await.unwrap();
    let (second, end) =
        vendors::list_contacts(clients, &intercom, cursor.as_deref(), &mut log).await.unwrap();
    assert_eq!((first[0].record.id.as_str(), second[0].record.id.as_str(), end), ("a", "b", None));

    let hubspot = Connection::only(System::Hubspot);
    let since = Timestamp(1_000);
    // The rows of a page's last millisecond are left for the next page: more of them may follow in any order.
    let (rows, cursor) = vendors::changed_contacts(clients, &hubspot, since, None, &mut log).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.record.id.as_str()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(rows[0].companies, ["9"]);
    assert_eq!(cursor.as_deref(), Some("1768018274436/"));
    vendors::changed_contacts(clients, &hubspot, since, cursor.as_deref(), &mut log).await.unwrap();
    assert!(bench.asked().iter().any(|line| line.contains("\"value\":\"1768018274436\"")));
    // A millisecond that fills a page is read by id.
    let within = Some("1768018274436/2");
    let (rows, cursor) = vendors::changed_contacts(clients, &hubspot, since, within, &mut log).await.unwrap();
    assert_eq!((rows[0].record.id.as_str(), cursor.as_deref()), ("3", Some("1768018274436/after")));
}
