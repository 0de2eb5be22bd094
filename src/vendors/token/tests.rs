//! Tokens against a small server that is both token endpoint and API.

use std::sync::Mutex as Lock;

use axum::Router;
use axum::extract::Request as Incoming;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::http::Clients;
use super::super::request::{Request, TOKEN_PLACE};
use super::*;
use crate::domain::clock::ManualClock;

const START: Timestamp = Timestamp(1_768_018_294_000);

/// A vault of one connection: what it holds, and what it was given to keep.
#[derive(Clone)]
struct Memory {
    grant: Grant,
    state: Arc<Lock<(Option<Renewed>, Vec<Renewed>)>>,
    durable: bool,
    instance: Option<String>,
}

impl Credentials for Memory {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn grant(&self, _: &Connection) -> Result<Grant, String> {
        let replaced = self.state.lock().unwrap().1.iter().rev().find_map(|kept| kept.refresh_token.clone());
        let mut grant = self.grant.clone();
        if let (Grant::RefreshToken { refresh_token, .. }, Some(replaced)) = (&mut grant, replaced) {
            *refresh_token = replaced;
        }
        Ok(grant)
    }
    fn renewed(&self, _: &Connection) -> Option<Renewed> {
        self.state.lock().unwrap().0.clone()
    }
    fn store(&self, _: &Connection, renewed: &Renewed) -> Result<Kept, String> {
        let mut state = self.state.lock().unwrap();
        state.0 = Some(renewed.clone());
        state.1.push(renewed.clone());
        Ok(if self.durable { Kept::Durably } else { Kept::InMemory })
    }
    fn instance_url(&self, _: &Connection) -> Option<String> {
        self.instance.clone()
    }
}

fn refresh() -> Grant {
    Grant::RefreshToken {
        client_id: "app-1".to_owned(),
        client_secret: Some(Secret::new("s3cret+of/the=app")),
        refresh_token: Secret::new("first-refresh-token"),
    }
}

struct World {
    clients: Clients,
    clock: ManualClock,
    vault: Memory,
    /// Every request: method, path, token and body.
    asked: Arc<Lock<Vec<String>>>,
    base: String,
}

impl World {
    fn posts(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|line| line.contains("/token ")).cloned().collect()
    }

    async fn call(&self, system: System) -> (Result<Value, VendorError>, Log) {
        let mut log = Log::new();
        let request = Request::get(ObjectKind::Contact, "/things/1").purpose("read a thing");
        let outcome = self.clients.send(&Connection::only(system), &request, &mut log).await;
        let shown = format!("{log:?} {outcome:?} {:?}", self.clients);
        for secret in ["s3cret", "refresh-token", "good-", "first-"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        (outcome, log)
    }
}

/// Answers by the request's line (`POST /oauth/v1/token`), its token and its body.
type Answering = fn(&str, &str, &str, usize) -> Response;

async fn world(grant: Grant, answering: Answering) -> World {
    world_with(grant, answering, |_| {}).await
}

async fn world_with(grant: Grant, answering: Answering, change: impl FnOnce(&mut Memory)) -> World {
    let asked = Arc::new(Lock::new(Vec::new()));
    let seen = asked.clone();
    let routes = Router::new().fallback(move |request: Incoming| {
        let seen = seen.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let line = format!("{} {}", parts.method, parts.uri);
            let token = parts.headers.get("authorization").map_or("", |value| value.to_str().unwrap());
            let token = token.trim_start_matches("Bearer ");
            let before = {
                let mut seen: std::sync::MutexGuard<'_, Vec<String>> = seen.lock().unwrap();
                seen.push(format!("{line} {token} {body}"));
                seen.iter().filter(|line| line.contains("/token ")).count()
            };
            // A moment in which everybody else arrives.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            answering(&line, token, &body, before)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut settings = Settings::default();
    settings.hubspot.base_url.clone_from(&base);
    settings.intercom.base_url.clone_from(&base);
    settings.salesforce.instance_url.clone_from(&base);
    let clock = ManualClock::at(START);
    let mut vault = Memory { grant, state: Arc::default(), durable: true, instance: None };
    change(&mut vault);
    let clients = Clients::new(&settings, Arc::new(vault.clone()), Arc::new(clock.clone())).unwrap();
    World { clients, clock, vault, asked, base }
}

fn ok(body: &Value) -> Response {
    body.to_string().into_response()
}

fn refused() -> Response {
    let body = json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
    (StatusCode::UNAUTHORIZED, body.to_string()).into_response()
}

/// Gives good-1, good-2, …, each for half an hour; the API takes whatever begins with `good-`.
fn well(line: &str, token: &str, _: &str, renewals: usize) -> Response {
    if line.contains("/token") {
        return ok(
            &json!({"access_token": format!("good-{renewals}"), "expires_in": 1800, "token_type": "bearer",
            "refresh_token": "first-refresh-token", "hub_id": 7}),
        );
    }
    if token.starts_with("good-") { ok(&json!({"id": "1"})) } else { refused() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_at_once_make_one_renewal() {
    let world = Arc::new(world(refresh(), well).await);
    let calls = (0..50).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { world.call(System::Hubspot).await })
    });
    let mut renewals = 0;
    for call in futures_util::future::join_all(calls).await {
        let (outcome, log) = call.unwrap();
        assert_eq!(outcome.unwrap()["id"], "1");
        renewals += log.iter().filter(|exchange| exchange.purpose == "renew the access token").count();
    }
    assert_eq!((world.posts().len(), renewals), (1, 1));
    let post = &world.posts()[0];
    assert!(
        post.ends_with(
            "grant_type=refresh_token&client_id=app-1&client_secret=s3cret%2Bof%2Fthe%3Dapp&\
             refresh_token=first-refresh-token"
        ) && post.starts_with("POST /oauth/v1/token "),
        "{post}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refused_calls_make_one_renewal_and_are_each_sent_once_more() {
    let world =
        world(
            refresh(),
            |line, token, body, renewals| {
                if token == "good-1" { refused() } else { well(line, token, body, renewals) }
            },
        )
        .await;
    let world = Arc::new(world);
    // The first token is old by now, so its refusal says that it ran out.
    world.vault.state.lock().unwrap().0 = Some(Renewed {
        access_token: Secret::new("good-1"),
        refresh_token: None,
        obtained_at: Timestamp(0),
        expires_at: None,
        instance_url: None,
    });
    world.asked.lock().unwrap().push("an earlier POST /oauth/v1/token ".to_owned());
    let calls = (0..50).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { world.call(System::Hubspot).await.0 })
    });
    for outcome in futures_util::future::join_all(calls).await {
        assert_eq!(outcome.unwrap().unwrap()["id"], "1");
    }
    assert_eq!(world.posts().len(), 2, "the earlier one and one more");
    let asked = world.asked.lock().unwrap();
    let with = |token: &str| asked.iter().filter(|line| line.contains(&format!("/things/1 {token}"))).count();
    assert_eq!(with("good-2"), 50, "each once");
    assert!(with("good-1") >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_refused_renewal_is_everybodys_answer_and_is_not_hammered() {
    let world = Arc::new(
        world(refresh(), |line, _, _, _| {
            assert!(line.contains("/token"), "nothing is called without a token");
            let body = json!({"error": "invalid_grant", "error_description": "expired access/refresh token"});
            (StatusCode::BAD_REQUEST, body.to_string()).into_response()
        })
        .await,
    );
    let calls = (0..50).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { world.call(System::Salesforce).await.0 })
    });
    let mut errors = Vec::new();
    for outcome in futures_util::future::join_all(calls).await {
        errors.push(outcome.unwrap().unwrap_err());
    }
    assert!(errors.iter().all(|error| error == &errors[0]), "{errors:?}");
    assert_eq!((errors[0].class, errors[0].may_have_happened), (ErrorClass::Auth, false));
    assert!(errors[0].words.contains("\"expired access/refresh token\" (invalid_grant)"), "{}", errors[0]);
    assert_eq!(world.posts().len(), 1);
    world.call(System::Salesforce).await.0.unwrap_err();
    assert_eq!(world.posts().len(), 1, "not again within the pause");
    world.clock.advance(PAUSE_AFTER_REFUSAL);
    world.call(System::Salesforce).await.0.unwrap_err();
    assert_eq!(world.posts().len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out_and_used_to_its_end_when_that_fails() {
    let world = world(refresh(), |line, token, body, renewals| {
        if line.contains("/token") && renewals == 2 {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        well(line, token, body, renewals)
    })
    .await;
    let (_, log) = world.call(System::Hubspot).await;
    assert_eq!(
        log.iter().map(|it| it.purpose.as_str()).collect::<Vec<_>>(),
        ["renew the access token", "read a thing"]
    );
    assert!(log[0].request.contains("client_secret=••••&refresh_token=••••"), "{}", log[0].request);
    assert!(
        log[0].response.contains("\"hub_id\":7") && log[0].response.contains("\"access_token\":\"••••\"")
    );
    world.clock.advance(Duration::from_secs(1_679));
    world.call(System::Hubspot).await.0.unwrap();
    assert_eq!(world.posts().len(), 1, "two minutes and a second are left");
    world.clock.advance(Duration::from_secs(1));
    let (outcome, log) = world.call(System::Hubspot).await;
    outcome.expect("the old one is good for two minutes more");
    assert_eq!((world.posts().len(), log.len(), log[0].class), (2, 2, Some(ErrorClass::Unavailable)));
    world.clock.advance(PAUSE_AFTER_SILENCE);
    world.call(System::Hubspot).await.0.unwrap();
    assert_eq!(world.posts().len(), 3);
    assert!(world.asked.lock().unwrap().last().unwrap().contains("/things/1 good-3"));
}

#[tokio::test]
async fn a_new_token_that_is_refused_at_once_is_not_renewed_for_ever() {
    let world =
        world(
            refresh(),
            |line, token, body, renewals| {
                if line.contains("/token") { well(line, token, body, renewals) } else { refused() }
            },
        )
        .await;
    for _ in 0..3 {
        let error = world.call(System::Hubspot).await.0.unwrap_err();
        assert_eq!(error.class, ErrorClass::Auth);
    }
    assert_eq!(world.posts().len(), 1);
    world.clock.advance(PAUSE_AFTER_REFUSAL);
    world.call(System::Hubspot).await.0.unwrap_err();
    assert_eq!(world.posts().len(), 2, "after a while it is worth another try, one");
}

#[tokio::test]
async fn a_fixed_token_is_never_renewed_nor_repeated() {
    let world = world(Grant::Fixed(Secret::new("bad-token-0123456789")), |_, _, _, _| refused()).await;
    let (outcome, log) = world.call(System::Hubspot).await;
    assert_eq!((outcome.unwrap_err().class, log.len(), world.posts().len()), (ErrorClass::Auth, 1, 0));
}

#[tokio::test]
async fn a_replaced_refresh_token_is_stored_before_it_is_needed_and_used_from_then_on() {
    let rotating: Answering = |line, token, body, renewals| {
        if !line.contains("/token") {
            return well(line, token, body, renewals);
        }
        ok(
            &json!({"access_token": format!("good-{renewals}"), "expires_in": 60, "refresh_token": format!("refresh-token-{renewals}")}),
        )
    };
    let world = world(refresh(), rotating).await;
    world.call(System::Hubspot).await.0.unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.call(System::Hubspot).await.0.unwrap();
    assert!(world.posts()[1].ends_with("&refresh_token=refresh-token-1"));
    let standing = world.clients.standing(&Connection::only(System::Hubspot)).await;
    assert_eq!((standing.rotated_unkept, standing.renews), (false, true));
    assert_eq!(standing.expires_at, Some(START.plus(Duration::from_secs(120))));

    let forgetful = world_with(refresh(), rotating, |vault| vault.durable = false).await;
    forgetful.call(System::Hubspot).await.0.unwrap();
    assert!(forgetful.clients.standing(&Connection::only(System::Hubspot)).await.rotated_unkept);
}

#[tokio::test]
async fn what_another_process_has_renewed_is_taken_over() {
    let world = world(refresh(), well).await;
    world.call(System::Hubspot).await.0.unwrap();
    let elsewhere = Renewed {
        access_token: Secret::new("good-elsewhere"),
        refresh_token: None,
        obtained_at: START.plus(Duration::from_secs(1_700)),
        expires_at: Some(START.plus(Duration::from_secs(3_500))),
        instance_url: None,
    };
    world.vault.state.lock().unwrap().0 = Some(elsewhere);
    world.clock.advance(Duration::from_secs(1_700));
    world.call(System::Hubspot).await.0.unwrap();
    assert_eq!(world.posts().len(), 1, "the one of the beginning");
    assert!(world.asked.lock().unwrap().last().unwrap().contains("/things/1 good-elsewhere"));
}

#[tokio::test]
async fn salesforce_is_called_at_the_instance_its_endpoint_names_if_that_may_be_called() {
    // The instance is another port of this machine: the configured one only gives tokens.
    let instance = world(refresh(), well).await;
    let named = instance.base.clone();
    let front = world(refresh(), |_, _, _, _| StatusCode::IM_A_TEAPOT.into_response()).await;
    front.vault.state.lock().unwrap().0 = Some(Renewed {
        access_token: Secret::new("good-9"),
        refresh_token: None,
        obtained_at: START,
        expires_at: None,
        instance_url: Some(named.clone()),
    });
    front.call(System::Salesforce).await.0.unwrap();
    assert_eq!(front.asked.lock().unwrap().len(), 0);
    assert_eq!(instance.asked.lock().unwrap().as_slice(), ["GET /things/1 good-9 "]);
    let standing = front.clients.standing(&Connection::only(System::Salesforce)).await;
    assert_eq!(standing.instance_url, Some(named));

    for bad in ["http://evil.example", "ftp://x", "https://u:p@x.my.salesforce.com", "nonsense"] {
        let world = world(refresh(), |_, _, _, _| unreachable!("no token goes anywhere")).await;
        world.vault.state.lock().unwrap().0 = Some(Renewed {
            access_token: Secret::new("good-9"),
            refresh_token: None,
            obtained_at: START,
            expires_at: None,
            instance_url: Some(bad.to_owned()),
        });
        let error = world.call(System::Salesforce).await.0.unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed, "{bad}: {error}");
    }
    let world = world(refresh(), |line, _, _, _| {
        assert!(line.contains("/services/oauth2/token"), "no token goes anywhere");
        ok(&json!({"access_token": "good-1", "instance_url": "http://evil.example", "token_type": "Bearer"}))
    })
    .await;
    let error = world.call(System::Salesforce).await.0.unwrap_err();
    assert!(error.class == ErrorClass::Malformed && error.words.contains("evil.example"), "{error}");
}

#[tokio::test]
async fn an_instance_on_this_machine_is_not_believed_of_an_endpoint_elsewhere() {
    let vault = Memory { grant: refresh(), state: Arc::default(), durable: true, instance: None };
    vault.state.lock().unwrap().0 = Some(Renewed {
        access_token: Secret::new("good-1"),
        refresh_token: None,
        obtained_at: START,
        expires_at: None,
        instance_url: Some("http://127.0.0.1:1".to_owned()),
    });
    let mut settings = Settings::default();
    settings.salesforce.instance_url = "https://acme.my.salesforce.com".to_owned();
    let clients = Clients::new(&settings, Arc::new(vault), Arc::new(ManualClock::at(START))).unwrap();
    let request = Request::get(ObjectKind::Contact, "/x");
    let error =
        clients.send(&Connection::only(System::Salesforce), &request, &mut Log::new()).await.unwrap_err();
    assert!(error.class == ErrorClass::Malformed && error.words.contains("is this machine"), "{error}");
}

#[tokio::test]
async fn without_an_instance_salesforce_is_not_called() {
    let vault = Memory {
        grant: Grant::Fixed(Secret::new("good-1")),
        state: Arc::default(),
        durable: true,
        instance: None,
    };
    let clients = |vault: &Memory| {
        Clients::new(&Settings::default(), Arc::new(vault.clone()), Arc::new(ManualClock::at(START))).unwrap()
    };
    let request = Request::get(ObjectKind::Contact, "/x");
    let connection = Connection::only(System::Salesforce);
    let error = clients(&vault).send(&connection, &request, &mut Log::new()).await.unwrap_err();
    assert!(error.words.contains("SALESFORCE_INSTANCE_URL"), "{error}");
    let wrong = Memory { instance: Some("http://evil.example".to_owned()), ..vault };
    let error = clients(&wrong).send(&connection, &request, &mut Log::new()).await.unwrap_err();
    assert!(error.words.contains("SALESFORCE_INSTANCE_URL cannot be used"), "{error}");
}

#[tokio::test]
async fn a_session_in_a_soap_body_is_sent_and_never_recorded_nor_put_into_record_data() {
    let world = world(refresh(), well).await;
    let text = format!("<s>{TOKEN_PLACE}</s><Name>{TOKEN_PLACE}</Name>");
    let request =
        Request::new(super::super::request::Manner::SlowWrite, Method::POST, ObjectKind::Contact, "/soap")
            .text("text/xml", text.clone())
            .token_in_text();
    let mut log = Log::new();
    world.clients.send(&Connection::only(System::Salesforce), &request, &mut log).await.unwrap();
    let sent = world.asked.lock().unwrap().last().cloned().unwrap();
    assert!(sent.ends_with(&format!("<s>good-1</s><Name>{TOKEN_PLACE}</Name>")), "{sent}");
    assert_eq!(log[1].request, text);
}

#[tokio::test]
async fn a_signed_assertion_says_who_asks_and_verifies() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as URL;
    use rustls::pki_types::pem::PemObject as _;
    // Made for this test and used nowhere else; without its frame, so that nobody takes it for a lost key.
    let base64 = include_str!("../../../tests/fixtures/oauth/throwaway_rsa_pkcs8.base64");
    let key = &format!("-----BEGIN PRIVATE KEY-----\n{base64}-----END PRIVATE KEY-----\n");
    let grant = Grant::SignedAssertion {
        client_id: "app-1".to_owned(),
        username: "ops@acme.example".to_owned(),
        private_key: Secret::new(key),
    };
    let world = world(grant, well).await;
    world.call(System::Salesforce).await.0.unwrap();
    let post = world.posts().remove(0);
    let (head, assertion) = post.split_once("&assertion=").unwrap();
    assert!(head.ends_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"), "{head}");
    let parts: Vec<&str> = assertion.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(
        claims,
        json!({"iss": "app-1", "sub": "ops@acme.example", "aud": "https://login.salesforce.com",
            "exp": START.seconds() + 120})
    );
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let pair = ring::signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = ring::signature::UnparsedPublicKey::new(
        &ring::signature::RSA_PKCS1_2048_8192_SHA256,
        pair.public().as_ref().to_vec(),
    );
    let signed = format!("{}.{}", parts[0], parts[1]);
    public.verify(signed.as_bytes(), &URL.decode(parts[2]).unwrap()).expect("signed with the key");

    let odd = Grant::SignedAssertion {
        client_id: "app-1".to_owned(),
        username: "ops@acme.example".to_owned(),
        private_key: Secret::new("not a key"),
    };
    let error = self::world(odd, well).await.call(System::Salesforce).await.0.unwrap_err();
    assert!(error.class == ErrorClass::Auth && error.words.contains("no PEM"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_makes_no_sense_ends_in_a_class() {
    let cases: [(Answering, ErrorClass); 5] = [
        (|_, _, _, _| "<html><title>Sign in</title></html>".into_response(), ErrorClass::Malformed),
        (|_, _, _, _| ok(&json!({"token_type": "bearer"})), ErrorClass::Malformed),
        (|_, _, _, _| (StatusCode::TOO_MANY_REQUESTS, "slow down").into_response(), ErrorClass::RateLimited),
        (|_, _, _, _| StatusCode::BAD_GATEWAY.into_response(), ErrorClass::Unavailable),
        (
            |_, _, _, _| {
                let body = json!({"status": "BAD_CLIENT_ID", "message": "missing or unknown client id"});
                (StatusCode::BAD_REQUEST, body.to_string()).into_response()
            },
            ErrorClass::Auth,
        ),
    ];
    for (answering, class) in cases {
        let (outcome, log) = world(refresh(), answering).await.call(System::Hubspot).await;
        assert_eq!(outcome.unwrap_err().class, class);
        assert_eq!((log.len(), log[0].class), (1, Some(class)));
    }
}

#[tokio::test]
async fn a_caller_that_is_given_up_does_not_take_the_renewal_along() {
    let world = Arc::new(world(refresh(), well).await);
    let abandoned = tokio::spawn({
        let world = world.clone();
        async move { world.call(System::Hubspot).await }
    });
    while world.posts().is_empty() {
        tokio::task::yield_now().await;
    }
    abandoned.abort();
    world.call(System::Hubspot).await.0.unwrap();
    assert_eq!(world.posts().len(), 1, "the second call found what the first had begun");
}
