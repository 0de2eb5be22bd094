//! A request before it has a host or a token: made by pure code, shown in previews, sent as it is.

use reqwest::Method;
use serde_json::Value;

use crate::domain::plan::Call;
use crate::domain::record::ObjectKind;

/// How a request behaves: how long it may take and whether it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads one record.
    Read,
    /// Reads many.
    Page,
    /// Changes one record.
    Write,
    /// Changes many, or does something slow.
    SlowWrite,
}

impl Manner {
    /// It would change something.
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::SlowWrite)
    }
}

/// Stands where the access token goes: in a text body, as SOAP wants it (see [`Request::token_in_text`]), or in a
/// path. It is put in when the call is sent, and nowhere shown.
pub(crate) const TOKEN_PLACE: &str = "••••";

/// A request before it has a host or a token; made by pure code, shown in previews and sent as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) purpose: String,
    pub(crate) method: Method,
    /// Path and query, already percent-encoded.
    pub(crate) path: String,
    /// A JSON body.
    pub(crate) body: Option<Value>,
    /// A body that is not JSON: its media type and text. Never together with `body`.
    pub(crate) text: Option<(&'static str, String)>,
    /// The first [`TOKEN_PLACE`] in `text` is replaced by the access token when it is sent, and nowhere shown.
    pub(crate) token_in_text: bool,
    /// Headers of this call alone, beside those every call to the vendor carries.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// What a good answer holds.
    pub(crate) expects: Expects,
    pub(crate) manner: Manner,
    /// The kind of record it is about.
    pub(crate) object: ObjectKind,
}

/// What a good answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Expects {
    /// JSON, or nothing at all.
    #[default]
    Json,
    /// Text, taken as one JSON string: CSV or XML.
    Text,
}

impl Request {
    pub(crate) fn new(manner: Manner, method: Method, object: ObjectKind, path: impl Into<String>) -> Self {
        Self {
            purpose: String::new(),
            method,
            path: path.into(),
            body: None,
            text: None,
            token_in_text: false,
            headers: Vec::new(),
            expects: Expects::Json,
            manner,
            object,
        }
    }

    pub(crate) fn get(object: ObjectKind, path: impl Into<String>) -> Self {
        Self::new(Manner::Read, Method::GET, object, path)
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends text instead of JSON.
    pub(crate) fn text(mut self, media: &'static str, text: impl Into<String>) -> Self {
        self.text = Some((media, text.into()));
        self
    }

    /// The text's first [`TOKEN_PLACE`] is where the access token goes. It must stand before any record data.
    pub(crate) fn token_in_text(mut self) -> Self {
        self.token_in_text = true;
        self
    }

    /// Adds a header of this call alone.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A good answer is text.
    pub(crate) fn expects_text(mut self) -> Self {
        self.expects = Expects::Text;
        self
    }

    pub(crate) fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = purpose.into();
        self
    }

    pub(crate) fn page(mut self) -> Self {
        self.manner = Manner::Page;
        self
    }

    /// As the preview shows it.
    pub(crate) fn call(&self, base: &str) -> Call {
        Call {
            method: self.method.to_string(),
            host: base.trim_end_matches('/').to_owned(),
            path: self.path.clone(),
            body: self
                .body
                .clone()
                .or_else(|| self.text.as_ref().map(|(_, text)| Value::String(text.clone()))),
        }
    }
}

/// A path segment or query value, percent-encoded: everything but letters, digits and `-._~`.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    // "." and ".." are steps in a path even as %2E; no record has such an id, so it may as well not be found.
    if matches!(encoded.as_str(), "." | "..") { encoded.replace('.', "%252E") } else { encoded }
}
