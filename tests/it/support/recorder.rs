//! A proxy on loopback between our clients and the sandbox: passes everything on and writes everything down. Changes
//! nothing.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// One call and its answer, as they passed.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// What the test was doing.
    pub(crate) label: String,
    /// HTTP method.
    pub(crate) method: String,
    /// The path, still percent-encoded.
    pub(crate) path: String,
    /// The query, still percent-encoded.
    pub(crate) query: String,
    /// The request's headers.
    pub(crate) headers: HeaderMap,
    /// The request's body.
    pub(crate) body: Bytes,
    /// The answer's status; none when no answer came.
    pub(crate) status: Option<u16>,
    /// The answer's `Content-Type`.
    pub(crate) answer_type: String,
    /// The answer's body.
    pub(crate) answer: Bytes,
}

impl Exchange {
    /// The vendor did it.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status < 300)
    }
}

/// A running proxy. Dropping it closes it.
pub(crate) struct Recorder {
    state: Arc<Shared>,
    url: String,
    server: AbortHandle,
}

struct Shared {
    target: String,
    client: reqwest::Client,
    label: Mutex<String>,
    seen: Mutex<Vec<Exchange>>,
}

impl Recorder {
    /// Opens a proxy in front of a base URL.
    pub(crate) async fn before(target: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let state = Arc::new(Shared {
            target: target.to_owned(),
            client: reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            label: Mutex::default(),
            seen: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Self { state, url, server }
    }

    /// Where clients are to call.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What the test does from now on.
    pub(crate) fn label(&self, label: &str) {
        label.clone_into(&mut self.state.label.lock().unwrap());
    }

    /// How many calls so far.
    pub(crate) fn count(&self) -> usize {
        self.state.seen.lock().unwrap().len()
    }

    /// Everything so far.
    pub(crate) fn seen(&self) -> Vec<Exchange> {
        self.state.seen.lock().unwrap().clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Headers that belong to one connection, not to the message.
const OF_THE_CONNECTION: [&str; 4] = ["host", "content-length", "connection", "transfer-encoding"];

async fn pass(State(state): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024 * 1024).await.unwrap();
    let place = {
        let mut seen = state.seen.lock().unwrap();
        seen.push(Exchange {
            label: state.label.lock().unwrap().clone(),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.clone(),
            body: body.clone(),
            status: None,
            answer_type: String::new(),
            answer: Bytes::new(),
        });
        seen.len() - 1
    };
    let url = format!("{}{}", state.target, head.uri.path_and_query().unwrap());
    let mut headers = head.headers;
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    let answer = state.client.request(head.method, url).headers(headers).body(body).send().await;
    let Ok(answer) = answer else {
        let mut gone = Response::new(Body::empty());
        *gone.status_mut() = StatusCode::BAD_GATEWAY;
        return gone;
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let answer = answer.bytes().await.unwrap();
    {
        let exchange = &mut state.seen.lock().unwrap()[place];
        exchange.status = Some(status.as_u16());
        let named = headers.get("content-type").and_then(|value| value.to_str().ok());
        named.unwrap_or_default().clone_into(&mut exchange.answer_type);
        exchange.answer = answer.clone();
    }
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    let mut passed = Response::new(Body::from(answer));
    *passed.status_mut() = status;
    *passed.headers_mut() = headers;
    passed
}
