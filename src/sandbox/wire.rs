//! The shape of one HTTP exchange with an emulated vendor. Knows nothing of either vendor's rules.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use futures_util::{StreamExt as _, stream};
use reqwest::Url;
use serde_json::Value;
use tokio::sync::watch;

const JSON: &str = "application/json;charset=utf-8";
/// Bytes of a dripping answer's piece.
const DRIP: usize = 8;
/// Bytes of a huge answer's piece; all pieces share them.
const BLOCK: usize = 64 * 1024;

/// A request, taken apart once.
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) raw: Bytes,
    /// `Null` when the body is empty or no JSON; `body_is_json` tells them apart.
    pub(super) body: Value,
    pub(super) body_is_json: bool,
}

impl Call {
    pub(super) fn new(method: &str, uri: &Uri, headers: HeaderMap, raw: Bytes) -> Self {
        let query =
            Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
        let path = uri.path().to_owned();
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(percent_decoded).collect();
        let (body, body_is_json) = if raw.is_empty() {
            (Value::Null, true)
        } else {
            serde_json::from_slice(&raw).map_or((Value::Null, false), |value| (value, true))
        };
        Self { method: method.to_owned(), path, segments, query, headers, raw, body, body_is_json }
    }

    /// A call inside another one: `url` is a path with its query, where spaces may stand unescaped.
    pub(super) fn inner(method: &str, url: &str, headers: HeaderMap, body: Value) -> Option<Self> {
        let uri: Uri = url.replace(' ', "%20").parse().ok()?;
        let mut call = Self::new(method, &uri, headers, Bytes::new());
        call.body = body;
        Some(call)
    }

    /// The method and the path as words, for one `match`.
    pub(super) fn route(&self) -> (&str, Vec<&str>) {
        (&self.method, self.segments.iter().map(String::as_str).collect())
    }

    /// The path with everything that looks like an id replaced, for counting.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = self.method.clone();
        pattern.push(' ');
        // A Salesforce path may name a row by any value of a custom field.
        let mut after_external_id = false;
        for segment in &self.segments {
            let identifier = segment.bytes().all(|byte| byte.is_ascii_digit())
                || after_external_id
                || is_salesforce_id(segment)
                || (segment.len() == 24 && segment.bytes().all(|byte| byte.is_ascii_hexdigit()))
                || segment.contains('@');
            pattern.push('/');
            pattern.push_str(if identifier { "{id}" } else { segment });
            after_external_id = segment.ends_with("__c");
        }
        if self.segments.is_empty() {
            pattern.push('/');
        }
        pattern
    }

    /// This call's own address with some parameters set otherwise: links to further pages stay with the server that
    /// was asked, for a client follows them with its token.
    pub(super) fn link(&self, changed: &[(&str, String)]) -> String {
        let path = &self.path;
        let base = self.header("host").and_then(|host| Url::parse(&format!("http://{host}{path}")).ok());
        // A request without a usable Host header gets a link that stays on whatever host it is joined to.
        let Some(mut url) = base else {
            let pairs: Vec<String> = changed.iter().map(|(name, value)| format!("{name}={value}")).collect();
            return format!("{path}?{}", pairs.join("&"));
        };
        let kept = self.query.iter().filter(|(name, _)| changed.iter().all(|(other, _)| name != other));
        url.query_pairs_mut()
            .extend_pairs(kept)
            .extend_pairs(changed.iter().map(|(name, value)| (*name, value.as_str())));
        url.into()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::trim)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name).and_then(|value| value.parse().ok())
    }

    /// A list given as repeated parameters, as one comma-separated parameter, or both.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Value::as_str)
    }
}

/// Fifteen or eighteen letters and digits behind one of the usual key prefixes, a counter among them.
fn is_salesforce_id(segment: &str) -> bool {
    matches!(segment.len(), 15 | 18)
        && segment.starts_with(|first: char| first.is_ascii_digit())
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && segment.bytes().filter(u8::is_ascii_digit).count() > 3
}

/// A form's names and values.
pub(super) fn decoded_pairs(raw: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(raw);
    let decoded = |part: &str| percent_decoded(&part.replace('+', " "));
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn percent_decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let escape = (bytes[position] == b'%')
            .then(|| segment.get(position + 1..position + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escape {
            decoded.push(byte);
            position += 3;
        } else {
            decoded.push(bytes[position]);
            position += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What goes back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Payload,
}

/// A body is JSON nearly always; gateways in front of the vendors answer in HTML, and 204 has none.
pub(super) enum Payload {
    None,
    Json(Value),
    Text(&'static str, String),
    /// A body that comes piece by piece.
    Stream(&'static str, Body),
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Payload::Json(body) }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Payload::None }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer with its JSON cut in half, as a broken proxy would pass it on.
    pub(super) fn cut_short(mut self) -> Self {
        if let Payload::Json(value) = &self.body {
            let whole = value.to_string();
            let half: String = whole.chars().take(whole.chars().count() / 2).collect();
            self.body = Payload::Text(JSON, half);
        }
        self
    }

    /// The answer in small pieces with a pause before each; it ends early when the sandbox stops.
    pub(super) fn dripping(mut self, pause: Duration, shutdown: watch::Receiver<bool>) -> Self {
        let (content_type, text) = match self.body {
            Payload::Json(value) => (JSON, value.to_string()),
            Payload::Text(content_type, text) => (content_type, text),
            other => {
                self.body = other;
                return self;
            }
        };
        let pieces =
            stream::unfold((Bytes::from(text), shutdown), move |(mut rest, mut shutdown)| async move {
                let stopping = tokio::time::timeout(pause, shutdown.wait_for(|stop| *stop));
                if rest.is_empty() || stopping.await.is_ok() {
                    return None;
                }
                let piece = rest.split_to(rest.len().min(DRIP));
                Some((Ok::<_, Infallible>(piece), (rest, shutdown)))
            });
        self.body = Payload::Stream(content_type, Body::from_stream(pieces));
        self
    }

    /// A JSON document of that many bytes, made while it is sent.
    pub(super) fn huge(bytes: u64) -> Self {
        let (head, tail) = ("{\"padding\":\"", "\"}");
        let padding = bytes.saturating_sub((head.len() + tail.len()) as u64);
        let block = Bytes::from(vec![b'x'; BLOCK]);
        let middle = stream::unfold(padding, move |left| {
            let size = left.min(BLOCK as u64);
            let piece = block.slice(..size as usize);
            std::future::ready((left > 0).then(|| (Ok::<_, Infallible>(piece), left - size)))
        });
        let edge = |text: &'static str| stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
        let body = Body::from_stream(edge(head).chain(middle).chain(edge(tail)));
        Self { status: 200, headers: Vec::new(), body: Payload::Stream(JSON, body) }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let (content_type, body) = match self.body {
            Payload::None => (None, Body::empty()),
            Payload::Json(value) => (Some(JSON), Body::from(value.to_string())),
            Payload::Text(content_type, text) => (Some(content_type), Body::from(text)),
            Payload::Stream(content_type, body) => (Some(content_type), body),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(content_type) = content_type {
            response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        }
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
