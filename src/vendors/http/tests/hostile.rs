//! Servers that mean harm or are broken: each ends in a class, in bounded time and memory.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::vendors::request::Manner;

/// What a bad server does with a connection once it has read a request.
type Doing = Box<dyn Fn(TcpStream) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

/// A server below HTTP, where a body can be anything. Returns its base URL.
async fn raw(doing: Doing) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            tokio::spawn(doing(stream));
        }
    });
    base
}

fn clients(base: &str, limit: usize, times: Times) -> Clients {
    let mut settings = Settings { max_response_bytes: limit, ..Settings::default() };
    for url in [
        &mut settings.intercom.base_url,
        &mut settings.hubspot.base_url,
        &mut settings.salesforce.instance_url,
    ] {
        base.clone_into(url);
    }
    let clock = Arc::new(ManualClock::at(Timestamp(1_768_018_294_000)));
    Clients::with_times(&settings, Arc::new(Tokens(Some(TOKEN))), clock, times).unwrap()
}

async fn read(clients: &Clients) -> (VendorError, Exchange) {
    let mut log = Log::new();
    let error = vendors::read(clients, &contact(System::Hubspot, "15"), &mut log).await.unwrap_err();
    assert_eq!(log.len(), 1);
    (error, log.remove(0))
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn two_gigabytes_are_refused_when_announced_and_cut_off_when_not() {
    const LIMIT: usize = 64 * 1024;
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2147483648\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n",
    ] {
        let (taken, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(tokio::sync::Notify::new()));
        let (count, end) = (taken.clone(), ended.clone());
        let base = raw(Box::new(move |mut stream| {
            let (count, end) = (count.clone(), end.clone());
            Box::pin(async move {
                stream.write_all(head.as_bytes()).await.unwrap();
                let piece = [b'x'; 16 * 1024];
                while count.load(Ordering::Relaxed) < 2 << 30 && stream.write_all(&piece).await.is_ok() {
                    count.fetch_add(piece.len() as u64, Ordering::Relaxed);
                }
                end.notify_one();
            })
        }))
        .await;
        let (error, exchange) = read(&clients(&base, LIMIT, times(LONG))).await;
        assert_eq!(error.class, ErrorClass::Malformed, "{error}");
        assert!(error.words.contains("longer than 65536 bytes"), "{error}");
        assert!(exchange.response.len() < 200);
        // The connection was closed on it: what was ever taken off its hands is the limit and the sockets' buffers.
        tokio::time::timeout(LONG, ended.notified()).await.expect("the server was cut off");
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < 16 << 20, "{taken} bytes were taken");
    }
}

#[tokio::test]
async fn a_dripping_body_does_not_stretch_the_deadline() {
    let base = raw(Box::new(|mut stream| {
        Box::pin(async move {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            while stream.write_all(b" ").await.is_ok() {
                tick.tick().await;
            }
        })
    }))
    .await;
    let within = Duration::from_millis(400);
    let began = Instant::now();
    let (error, exchange) = read(&clients(&base, 1 << 20, Times { idle: LONG, ..times(within) })).await;
    assert!(began.elapsed() >= within && began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!((error.class, exchange.status), (ErrorClass::Timeout, Some(200)));
    assert!(error.words.contains("had not ended after 0.4 s"), "{error}");

    // The other way round: a deadline far away, and silence in the middle of the answer.
    let silent = raw(Box::new(|mut stream| {
        Box::pin(async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await.unwrap();
            std::future::pending::<()>().await;
        })
    }))
    .await;
    let idle = Duration::from_millis(100);
    let (error, _) = read(&clients(&silent, 1 << 20, Times { idle, ..times(LONG) })).await;
    assert_eq!(error.class, ErrorClass::Timeout);
    assert!(error.words.contains("nothing more came for 0.1 s"), "{error}");
}

#[tokio::test]
async fn each_kind_of_call_has_its_own_patience() {
    let silent = raw(Box::new(|stream| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(stream);
        })
    }))
    .await;
    let short = Duration::from_millis(50);
    // Were the wrong length used, this would wait for a minute.
    let times = Times { read: short, ..times(LONG) };
    let (error, _) = read(&clients(&silent, 1 << 20, times.clone())).await;
    assert_eq!(error.class, ErrorClass::Timeout);
    let kinds = [Manner::Read, Manner::Page, Manner::Write, Manner::SlowWrite];
    assert_eq!(kinds.map(|manner| times.of(manner)), [short, LONG, LONG, LONG]);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_doubt_after_a_write_only() {
    let base = raw(Box::new(|mut stream| {
        Box::pin(async move {
            let _ =
                stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 90\r\n\r\n{\"id\":\"1\"}").await;
        })
    }))
    .await;
    let clients = clients(&base, 1 << 20, times(LONG));
    let (error, _) = read(&clients).await;
    assert_eq!((error.class, error.may_have_happened), (ErrorClass::Unavailable, false), "{error}");
    assert!(error.words.contains("could not be read to its end"), "{error}");
    let wrote = vendors::perform(&clients, &create(System::Hubspot), &mut Log::new()).await.unwrap_err();
    assert!(wrote.may_have_happened && wrote.status == Some(201));
}

#[tokio::test]
async fn a_page_in_place_of_json_is_called_a_page() {
    let page = "<!DOCTYPE html><html><head><title>Sign in to Wi-Fi</title></head></html>";
    for media in ["text/html", "application/json"] {
        let base = raw(Box::new(move |mut stream| {
            Box::pin(async move {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n",
                    page.len()
                );
                let _ = stream.write_all((head + page).as_bytes()).await;
            })
        }))
        .await;
        let (error, _) = read(&clients(&base, 1 << 20, times(LONG))).await;
        assert_eq!(error.class, ErrorClass::Malformed);
        assert!(error.words.contains("a web page") && error.words.contains("Sign in to Wi-Fi"), "{error}");
        // Where text is due, a page is not taken for it either.
        let request = Request::get(ObjectKind::Contact, "/results.csv").expects_text();
        let clients = clients(&base, 1 << 20, times(LONG));
        let outcome =
            clients.send(&Connection::only(System::Hubspot), &request, &mut Log::new()).await.unwrap_err();
        assert_eq!(outcome.class, ErrorClass::Malformed);
    }
}

#[tokio::test]
async fn a_packed_answer_is_refused_unopened() {
    let base = raw(Box::new(|mut stream| {
        Box::pin(async move {
            let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\u{8}\u{8}";
            let _ = stream.write_all(head.as_bytes()).await;
        })
    }))
    .await;
    let (error, _) = read(&clients(&base, 1 << 20, times(LONG))).await;
    assert_eq!(error.class, ErrorClass::Malformed);
    assert!(error.words.contains("compressed (gzip)"), "{error}");
}

#[tokio::test]
async fn no_redirect_is_followed_not_even_to_the_same_host() {
    for (status, place, doubt) in [
        ("302 Found", "/elsewhere", false),
        ("307 Temporary Redirect", "https://evil.example/steal", false),
        ("308 Permanent Redirect", "//evil.example/", false),
        ("303 See Other", "/done", true),
    ] {
        let asked = Arc::new(AtomicU64::new(0));
        let count = asked.clone();
        let base = raw(Box::new(move |mut stream| {
            let count = count.clone();
            Box::pin(async move {
                count.fetch_add(1, Ordering::Relaxed);
                let head = format!("HTTP/1.1 {status}\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
            })
        }))
        .await;
        let clients = clients(&base, 1 << 20, times(LONG));
        let error = vendors::perform(&clients, &create(System::Hubspot), &mut Log::new()).await.unwrap_err();
        assert!(error.words.contains(place) && error.may_have_happened == doubt, "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn the_world_is_called_through_the_proxy_and_this_machine_is_not() {
    struct WithLogin;
    impl Credentials for WithLogin {
        fn access_token(&self, _: &Connection) -> Option<Secret> {
            Some(Secret::new(TOKEN))
        }
        fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
            None
        }
        fn named(&self, name: &str) -> Option<Secret> {
            (name == "PROXY_LOGIN").then(|| Secret::new("olga:pr0xy-pass"))
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings { proxy_login_variable: "PROXY_LOGIN".to_owned(), ..Settings::default() };
    settings.proxy = format!("http://{}", listener.local_addr().unwrap());
    let here = bench(|_, _| ok(&json!({"id": "15", "properties": {}}))).await;
    settings.intercom.base_url.clone_from(&here.clients.settings().intercom.base_url);
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let clients = Clients::with_times(&settings, Arc::new(WithLogin), clock, times(LONG)).unwrap();
    let (error, exchange) = read(&clients).await;
    assert_eq!((error.class, error.may_have_happened), (ErrorClass::Unavailable, false), "{error}");
    let head = asked.await.unwrap();
    assert!(head.starts_with("CONNECT api.hubapi.com:443 "), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic b2xnytpwcjb4es1wyxnz"), "{head}");
    assert!(!head.contains(TOKEN) && !format!("{exchange:?}{error}").contains("pr0xy-pass"));

    vendors::read(&clients, &contact(System::Intercom, "15"), &mut Log::new()).await.unwrap();
    assert_eq!(here.asked().len(), 1, "without the proxy, which answers nothing but refusals");
}

#[test]
fn settings_of_the_network_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let missing = folder.path().join("none.pem").display().to_string();
    let key = file("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let broken = file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let endless = file("endless.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n");
    let clock = || Arc::new(ManualClock::at(Timestamp(0)));
    let error = |settings: Settings| {
        Clients::new(&settings, Arc::new(Tokens(Some(TOKEN))), clock()).expect_err("refused").to_string()
    };
    for ca_file in [missing, key, broken, endless] {
        let words = error(Settings { ca_file: ca_file.clone(), ..Settings::default() });
        assert!(words.starts_with("vendors.ca_file = ") && words.contains(&ca_file), "{words}");
    }
    for proxy in ["not a url", "socks5://127.0.0.1:1", "http://olga:hunter22@127.0.0.1:1"] {
        let words = error(Settings { proxy: proxy.to_owned(), ..Settings::default() });
        assert!(words.starts_with("vendors.proxy cannot be used") && !words.contains("hunter22"), "{words}");
    }
    let login = Settings {
        proxy: "http://127.0.0.1:1".to_owned(),
        proxy_login_variable: "NOT_SET".to_owned(),
        ..Settings::default()
    };
    assert!(error(login).contains("NOT_SET"));
    let mut settings = Settings::default();
    settings.hubspot.oauth_path = "/crm/v3/objects".to_owned();
    assert!(error(settings).contains("oauth_path"));
}

/// A server with a certificate of an authority nobody knows; answers each whole request with a contact.
fn behind_tls() -> String {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read as _, Write as _};

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
    let certificate = CertificateDer::from_pem_file(format!("{folder}/server.pem")).unwrap();
    // Made for this test and used nowhere else; without its frame, so that nobody takes it for a lost key.
    let key = std::fs::read_to_string(format!("{folder}/server_pkcs8.base64")).unwrap();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream.unwrap());
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok_and(|length| length > 0) {
                let body = r#"{"id":"15","properties":{}}"#;
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    base
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_the_settings_name_it_and_only_then() {
    let base = behind_tls();
    let clients = |ca_file: &str| {
        let mut settings = Settings { ca_file: ca_file.to_owned(), ..Settings::default() };
        settings.hubspot.base_url.clone_from(&base);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        Clients::with_times(&settings, Arc::new(Tokens(Some(TOKEN))), clock, times(LONG)).unwrap()
    };
    let (error, exchange) = read(&clients("")).await;
    assert_eq!((error.class, exchange.status), (ErrorClass::Unavailable, None));
    assert!(error.words.to_lowercase().contains("certificate"), "{error}");
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");
    let person = contact(System::Hubspot, "15");
    let mirror = vendors::read(&clients(authority), &person, &mut Log::new()).await.unwrap();
    assert_eq!(mirror.record.id, "15");
}
