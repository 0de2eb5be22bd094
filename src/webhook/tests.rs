//! The routes without a socket, and the server with one.

use std::sync::Mutex;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tower_service::Service;

use super::*;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::event::EventKind;
use crate::domain::record::Connection;
use crate::domain::secret::Secret;

/// Keeps what it is given, refuses, or waits until it is let go.
#[derive(Default)]
struct Shelf {
    kept: Mutex<Vec<NewEvent>>,
    refusing: Option<RefusedWhy>,
    gate: Option<Arc<(Notify, Notify)>>,
}

impl Inbox for Shelf {
    fn accept(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move {
            if let Some(gate) = &self.gate {
                gate.0.notify_one();
                gate.1.notified().await;
            }
            if let Some(why) = self.refusing {
                return Err(Refused { why, retry_after_seconds: 7 });
            }
            let stored = events.len();
            self.kept.lock().unwrap().extend(events);
            Ok(Accepted { stored, duplicates: 0 })
        })
    }

    fn is_ready(&self) -> bool {
        self.refusing.is_none()
    }
}

struct Secrets(Option<&'static str>);

impl Credentials for Secrets {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        None
    }
    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        self.0.map(Secret::new)
    }
}

const HUBSPOT_SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";

fn receiver(inbox: Arc<Shelf>, secret: Option<&'static str>) -> Receiver {
    Receiver {
        tally: Arc::default(),
        inbox,
        credentials: Arc::new(Secrets(secret)),
        clock: Arc::new(ManualClock::at(Timestamp(1_732_147_200_000))),
        settings: Settings::default(),
    }
}

async fn ask(receiver: &Receiver, request: Request<Body>) -> Response {
    router(receiver.clone()).call(request).await.unwrap()
}

fn vector(name: &str, field: &str) -> String {
    let vectors: Value =
        serde_json::from_str(include_str!("../../tests/fixtures/signatures/vectors.json")).unwrap();
    vectors[name][field].as_str().unwrap().to_owned()
}

fn intercom(body: &str, signature: &str) -> Request<Body> {
    Request::post("/webhook/intercom-events")
        .header("x-hub-signature", signature)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn good_intercom() -> Request<Body> {
    intercom(&vector("intercom", "body"), &vector("intercom", "value"))
}

fn hubspot_v3(host: &str, path: &str, signature: &str) -> Request<Body> {
    Request::post(path)
        .header("host", host)
        .header("x-hubspot-signature-v3", signature)
        .header("x-hubspot-request-timestamp", vector("hubspot_v3", "timestamp"))
        .body(Body::from(vector("hubspot_v3", "body")))
        .unwrap()
}

#[tokio::test]
async fn a_genuine_delivery_is_stored_before_200() {
    let inbox = Arc::new(Shelf::default());
    let receiver = receiver(inbox.clone(), Some("client-secret"));
    assert_eq!(ask(&receiver, good_intercom()).await.status(), StatusCode::OK);
    let kept = inbox.kept.lock().unwrap();
    assert_eq!((kept.len(), kept[0].topic.as_str()), (1, "ping"));
    assert_eq!(kept[0].body, vector("intercom", "body"));
}

#[tokio::test]
async fn a_wrong_signature_is_401_and_stores_nothing() {
    let inbox = Arc::new(Shelf::default());
    let receiver = receiver(inbox.clone(), Some("client-secret"));
    let altered = format!("{} ", vector("intercom", "body"));
    assert_eq!(ask(&receiver, intercom(&altered, &vector("intercom", "value"))).await.status(), 401);
    assert_eq!(ask(&receiver, intercom(&altered, "")).await.status(), 401);
    let v1 = Request::post("/webhooks/hubspot")
        .header("x-hubspot-signature", "00")
        .body(Body::from("[]"))
        .unwrap();
    assert_eq!(ask(&receiver, v1).await.status(), 401);
    assert!(inbox.kept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_judged_or_stored_is_503_with_a_time() {
    let locked = receiver(Arc::default(), None);
    let answer = ask(&locked, good_intercom()).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"60".parse().unwrap()));
    for why in [RefusedWhy::Busy, RefusedWhy::Unavailable] {
        let inbox = Arc::new(Shelf { refusing: Some(why), ..Shelf::default() });
        let answer = ask(&receiver(inbox, Some("client-secret")), good_intercom()).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"7".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn hubspots_signature_is_judged_by_the_public_url() {
    let (inbox, value) = (Arc::new(Shelf::default()), vector("hubspot_v3", "value"));
    let mut receiver = receiver(inbox.clone(), Some(HUBSPOT_SECRET));
    // The vector was signed for https://hooks.example.com/hubspot; our path is another, so nothing fits.
    let ours = || hubspot_v3("hooks.example.com", "/webhooks/hubspot", &value);
    assert_eq!(ask(&receiver, ours()).await.status(), 503, "without a public URL we cannot be sure");
    receiver.settings.public_url = Some("https://hooks.example.com/".to_owned());
    assert_eq!(ask(&receiver, ours()).await.status(), 401);
    assert!(inbox.kept.lock().unwrap().is_empty());
    let v1 = Request::post("/webhooks/hubspot")
        .header("x-hubspot-signature", vector("hubspot_v1", "value"))
        .body(Body::from(vector("hubspot_v1", "body")))
        .unwrap();
    assert_eq!(ask(&receiver, v1).await.status(), 200);
    assert_eq!(inbox.kept.lock().unwrap()[0].kind, EventKind::ContactCreated);
}

fn signed_now(host: &str, body: &str, made: i64) -> Request<Body> {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(HUBSPOT_SECRET.as_bytes()).unwrap();
    mac.update(format!("POSThttps://{host}/webhooks/hubspot?a=1/2{body}{made}").as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    Request::post("/webhooks/hubspot?a=1%2F2")
        .header("host", host)
        .header("x-hubspot-signature-v3", signature)
        .header("x-hubspot-request-timestamp", made.to_string())
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_good_v3_signature_passes_and_an_old_one_is_put_off() {
    let inbox = Arc::new(Shelf::default());
    let receiver = receiver(inbox.clone(), Some(HUBSPOT_SECRET));
    let now = 1_732_147_200_000;
    assert_eq!(ask(&receiver, signed_now("hooks.example.com", "[{\"x\":1}]", now)).await.status(), 200);
    // HubSpot would never send again after 400, so what is signed and not understood is kept.
    assert_eq!(ask(&receiver, signed_now("hooks.example.com", "{\"half", now)).await.status(), 200);
    assert_eq!(ask(&receiver, signed_now("hooks.example.com", "[]", now - 300_001)).await.status(), 503);
    let kept = inbox.kept.lock().unwrap();
    assert!(kept.iter().all(|event| event.kind == EventKind::Other));
    assert_eq!(kept.iter().map(|event| event.body.as_str()).collect::<Vec<_>>(), ["{\"x\":1}", "{\"half"]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_announced_or_not() {
    let mut receiver = receiver(Arc::default(), Some("client-secret"));
    receiver.settings.max_body_bytes = 100;
    assert_eq!(ask(&receiver, intercom(&"x".repeat(101), "sha1=00")).await.status(), 413);
    let chunks = (0..20).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 10]));
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    let request = Request::post("/webhooks/intercom").body(body).unwrap();
    assert_eq!(ask(&receiver, request).await.status(), 413);
    assert_eq!(ask(&receiver, intercom(&"x".repeat(100), "sha1=00")).await.status(), 401);
}

#[tokio::test]
async fn handshakes_and_health_are_answered() {
    let healthy = receiver(Arc::default(), Some("client-secret"));
    for path in ["/webhook/intercom-events", "/webhooks/intercom", "/webhooks/hubspot"] {
        for method in ["HEAD", "GET"] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(ask(&healthy, request).await.status(), 200, "{method} {path}");
        }
    }
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(ask(&healthy, get("/healthz")).await.status(), 200);
    assert_eq!(ask(&healthy, get("/readyz")).await.status(), 200);
    assert_eq!(ask(&receiver(Arc::default(), None), get("/readyz")).await.status(), 503);
    let full = Arc::new(Shelf { refusing: Some(RefusedWhy::Unavailable), ..Shelf::default() });
    assert_eq!(ask(&receiver(full, Some("x")), get("/readyz")).await.status(), 503);
    assert_eq!(ask(&healthy, get("/elsewhere")).await.status(), 404);
}

/// A running server: its address, the way to stop it, and its end.
async fn serving(
    receiver: Receiver,
) -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, receiver, async move {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

async fn say(address: std::net::SocketAddr, words: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    stream
}

/// Everything the server says until it closes; a reset counts as closed.
async fn rest_of(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let patience = std::time::Duration::from_secs(20);
    let _ = tokio::time::timeout(patience, stream.read_to_end(&mut said)).await.expect("the server closes");
    String::from_utf8_lossy(&said).into_owned()
}

fn good_request() -> String {
    let (body, value) = (vector("intercom", "body"), vector("intercom", "value"));
    format!(
        "POST /webhooks/intercom HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-hub-signature: {value}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn slow_and_idle_callers_are_closed_in_time() {
    let mut receiver = receiver(Arc::default(), Some("client-secret"));
    receiver.settings.header_timeout_milliseconds = 100;
    receiver.settings.body_timeout_milliseconds = 100;
    let (address, _stop, _server) = serving(receiver).await;
    let half = say(address, "POST /webhooks/intercom HTTP/1.1\r\nhost: h\r\nx-hub").await;
    let idle = say(address, "").await;
    let kept = say(address, "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let body =
        say(address, "POST /webhooks/intercom HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert!(!rest_of(half).await.contains("200"));
    assert!(!rest_of(idle).await.contains("200"));
    assert!(rest_of(kept).await.starts_with("HTTP/1.1 200"));
    assert!(rest_of(body).await.starts_with("HTTP/1.1 408"));
    assert!(rest_of(say(address, &good_request()).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn r95_only_addresses_that_the_settings_name_may_deliver_and_all_may_look() {
    for (allowed, answer, stored) in [("127.0.0.0/8", "200", 1), ("198.51.100.7", "503", 0)] {
        let inbox = Arc::new(Shelf::default());
        let mut receiver = receiver(inbox.clone(), Some("client-secret"));
        receiver.settings.allow_from = vec![allowed.to_owned()];
        let (address, _stop, _server) = serving(receiver).await;
        let said = rest_of(say(address, &good_request()).await).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {answer}")), "{allowed}: {said}");
        assert_eq!(said.contains("retry-after: 600"), stored == 0, "a vendor comes again: {said}");
        assert_eq!(inbox.kept.lock().unwrap().len(), stored, "{allowed}");
        let look = "GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        assert!(rest_of(say(address, look).await).await.starts_with("HTTP/1.1 200"));
    }
    let wrong = Settings { allow_from: vec!["hubspot.com".into()], ..Settings::default() };
    assert!(wrong.check().unwrap_err().starts_with("webhook.allow_from: \"hubspot.com\""));
}

#[tokio::test]
async fn headers_have_an_end() {
    let (address, _stop, _server) = serving(receiver(Arc::default(), Some("client-secret"))).await;
    let long = format!("GET /healthz HTTP/1.1\r\nhost: h\r\nx-pad: {}\r\n\r\n", "x".repeat(40_000));
    let answer = rest_of(say(address, &long).await).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let allowed = format!(
        "GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-pad: {}\r\n\r\n",
        "x".repeat(30_000)
    );
    assert!(rest_of(say(address, &allowed).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn many_slow_callers_do_not_delay_a_vendor() {
    let mut receiver = receiver(Arc::default(), Some("client-secret"));
    receiver.settings.connections = 8;
    receiver.settings.header_timeout_milliseconds = 600_000;
    let (address, _stop, _server) = serving(receiver).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        slow.push(say(address, "POST /webhooks/intercom HTTP/1.1\r\nx-slow: ").await);
    }
    assert!(rest_of(say(address, &good_request()).await).await.starts_with("HTTP/1.1 200"));
    // The first ones had to go long before their ten minutes were over.
    assert_eq!(rest_of(slow.remove(0)).await, "");
}

#[tokio::test]
async fn idle_callers_cannot_keep_others_out_but_work_is_finished() {
    let gate = Arc::new((Notify::new(), Notify::new()));
    let inbox = Arc::new(Shelf { gate: Some(gate.clone()), ..Shelf::default() });
    let mut receiver = receiver(inbox.clone(), Some("client-secret"));
    receiver.settings.connections = 2;
    let (address, stop, server) = serving(receiver).await;

    let working = say(address, &good_request()).await;
    gate.0.notified().await;
    let idle = say(address, "POST /webhooks").await;
    let next = say(address, "GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert!(rest_of(next).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest_of(idle).await, "", "the idle one gave its place");

    // A stop lets the delivery under way be stored and answered, and takes no more.
    stop.send(()).unwrap();
    gate.1.notify_one();
    assert!(rest_of(working).await.starts_with("HTTP/1.1 200"));
    server.await.unwrap();
    assert_eq!(inbox.kept.lock().unwrap().len(), 1);
    assert!(TcpStream::connect(address).await.is_err());
}
