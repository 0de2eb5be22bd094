//! Faults a test or a person switches on: which calls they hit, how often, and what they do.
//! A fault changes answers and timing only; it never edits records.

use serde_json::{Map, Value, json};

use super::desk::request_id;
use super::hubspot::{missing_scopes, needed_scopes};
use super::wire::{Answer, Call, Payload};

/// The emulated system a fault stands in front of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Vendor {
    /// The helpdesk.
    Intercom,
    /// The CRM.
    HubSpot,
    /// The other CRM.
    Salesforce,
}

impl Vendor {
    /// The word used in the books and in faults given as JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Intercom => "intercom",
            Self::HubSpot => "hubspot",
            Self::Salesforce => "salesforce",
        }
    }
}

/// What happens to a call that a fault hits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// 429 of the short window.
    RateLimited,
    /// 429 of the daily allowance (HubSpot's; Intercom has none and answers its usual 429).
    RateLimitedDaily,
    /// 502 with a gateway's HTML page.
    ServerErrorHtml,
    /// 500 in the vendor's own JSON.
    ServerError,
    /// 503, optionally saying when to come back.
    Unavailable {
        /// Seconds for the `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// The connection is held and nothing is done.
    TimeoutBeforeEffect,
    /// The effect is done, the connection is held, the acknowledgement never comes.
    TimeoutAfterEffect,
    /// The answer comes, but late.
    Slow {
        /// How late.
        millis: u64,
    },
    /// The effect is done and its JSON arrives cut in half.
    MalformedJson,
    /// 403 for a scope the token lacks.
    MissingScopes,
    /// 423.
    Locked,
    /// 401.
    Unauthorized,
}

/// One switch. Empty conditions match every call to the vendor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Whose calls.
    pub vendor: Vendor,
    /// Only this HTTP method, in capitals.
    pub method: Option<String>,
    /// Only paths that hold this text.
    pub path_contains: Option<String>,
    /// Only bodies that hold this text.
    pub body_contains: Option<String>,
    /// Only calls with one of these texts in the path or the body: a person is known by several ids.
    pub mentions_any: Vec<String>,
    /// Leave reads that happen to be POSTs (search, batch read) alone.
    pub writes_only: bool,
    /// How often it strikes; `None` is always.
    pub times: Option<u32>,
    /// What it does.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that hits every call to the vendor until it is cleared.
    pub fn new(vendor: Vendor, kind: FaultKind) -> Self {
        Self {
            vendor,
            method: None,
            path_contains: None,
            body_contains: None,
            mentions_any: Vec::new(),
            writes_only: false,
            times: None,
            kind,
        }
    }

    /// Narrows to one HTTP method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Narrows to paths that hold the text.
    #[must_use]
    pub fn path(mut self, text: &str) -> Self {
        self.path_contains = Some(text.to_owned());
        self
    }

    /// Narrows to bodies that hold the text.
    #[must_use]
    pub fn body(mut self, text: &str) -> Self {
        self.body_contains = Some(text.to_owned());
        self
    }

    /// Narrows to writes that name one of the texts in path or body.
    #[must_use]
    pub fn writes_about(mut self, texts: &[&str]) -> Self {
        self.mentions_any = texts.iter().map(|text| (*text).to_owned()).collect();
        self.writes_only = true;
        self
    }

    /// Strikes only so often.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Reads the form `POST /_sandbox/faults` takes.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let Some(fields) = value.as_object() else { return Err("a fault is a JSON object".to_owned()) };
        let known = [
            "vendor",
            "method",
            "path_contains",
            "body_contains",
            "mentions_any",
            "writes_only",
            "times",
            "kind",
            "millis",
            "retry_after",
        ];
        if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("unknown key `{unknown}`; a fault has {}", known.join(", ")));
        }
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let vendor = match text("vendor").as_deref() {
            Some("intercom") => Vendor::Intercom,
            Some("hubspot") => Vendor::HubSpot,
            Some("salesforce") => Vendor::Salesforce,
            _ => return Err("`vendor` must be intercom, hubspot or salesforce".to_owned()),
        };
        let kind = match text("kind").as_deref() {
            Some("rate_limited") => FaultKind::RateLimited,
            Some("rate_limited_daily") => FaultKind::RateLimitedDaily,
            Some("server_error_html") => FaultKind::ServerErrorHtml,
            Some("server_error") => FaultKind::ServerError,
            Some("unavailable") => FaultKind::Unavailable {
                retry_after: fields.get("retry_after").and_then(Value::as_u64).map(|seconds| seconds as u32),
            },
            Some("timeout_before_effect") => FaultKind::TimeoutBeforeEffect,
            Some("timeout_after_effect") => FaultKind::TimeoutAfterEffect,
            Some("slow") => {
                FaultKind::Slow { millis: fields.get("millis").and_then(Value::as_u64).unwrap_or(1_000) }
            }
            Some("malformed_json") => FaultKind::MalformedJson,
            Some("missing_scopes") => FaultKind::MissingScopes,
            Some("locked") => FaultKind::Locked,
            Some("unauthorized") => FaultKind::Unauthorized,
            other => return Err(format!("unknown fault kind {other:?}")),
        };
        let mut fault = Self::new(vendor, kind);
        fault.method = text("method").map(|method| method.to_ascii_uppercase());
        fault.path_contains = text("path_contains");
        fault.body_contains = text("body_contains");
        fault.mentions_any = fields
            .get("mentions_any")
            .and_then(Value::as_array)
            .map(|texts| texts.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        fault.writes_only = fields.get("writes_only").and_then(Value::as_bool).unwrap_or(false);
        fault.times = fields.get("times").and_then(Value::as_u64).map(|times| times as u32);
        Ok(fault)
    }

    /// The same form, for showing what stands.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("vendor".into(), json!(self.vendor.word()));
        fields.insert("method".into(), json!(self.method));
        fields.insert("path_contains".into(), json!(self.path_contains));
        fields.insert("body_contains".into(), json!(self.body_contains));
        fields.insert("mentions_any".into(), json!(self.mentions_any));
        fields.insert("writes_only".into(), json!(self.writes_only));
        fields.insert("times".into(), json!(self.times));
        let kind = match &self.kind {
            FaultKind::RateLimited => "rate_limited",
            FaultKind::RateLimitedDaily => "rate_limited_daily",
            FaultKind::ServerErrorHtml => "server_error_html",
            FaultKind::ServerError => "server_error",
            FaultKind::Unavailable { retry_after } => {
                fields.insert("retry_after".into(), json!(retry_after));
                "unavailable"
            }
            FaultKind::TimeoutBeforeEffect => "timeout_before_effect",
            FaultKind::TimeoutAfterEffect => "timeout_after_effect",
            FaultKind::Slow { millis } => {
                fields.insert("millis".into(), json!(millis));
                "slow"
            }
            FaultKind::MalformedJson => "malformed_json",
            FaultKind::MissingScopes => "missing_scopes",
            FaultKind::Locked => "locked",
            FaultKind::Unauthorized => "unauthorized",
        };
        fields.insert("kind".into(), json!(kind));
        Value::Object(fields)
    }

    fn hits(&self, vendor: Vendor, method: &str, path: &str, body: &str) -> bool {
        let reads = method == "GET" || path.ends_with("/search") || path.ends_with("/batch/read");
        self.vendor == vendor
            && self.times != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path_contains.as_deref().is_none_or(|text| path.contains(text))
            && self.body_contains.as_deref().is_none_or(|text| body.contains(text))
            && (self.mentions_any.is_empty()
                || self.mentions_any.iter().any(|text| path.contains(text) || body.contains(text)))
            && !(self.writes_only && reads)
    }

    /// The answer that replaces the vendor's own, for the kinds that have one.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        if self.vendor == Vendor::HubSpot && self.kind == FaultKind::MissingScopes {
            let (method, path) = call.route();
            return Some(missing_scopes(&needed_scopes(method, &path)));
        }
        let (status, code, message) = match &self.kind {
            FaultKind::RateLimited => {
                (429, "rate_limit_exceeded", "Exceeded rate limit of 1667 in 10_seconds")
            }
            FaultKind::RateLimitedDaily => {
                (429, "rate_limit_exceeded", "Exceeded rate limit of 250000 in 1_day")
            }
            FaultKind::ServerErrorHtml => {
                let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
                return Some(Answer {
                    status: 502,
                    headers: Vec::new(),
                    body: Payload::Text("text/html", page.to_owned()),
                });
            }
            FaultKind::ServerError => (500, "server_error", "Something went wrong on our side"),
            FaultKind::Unavailable { .. } => {
                (503, "service_unavailable", "The service is temporarily unavailable")
            }
            FaultKind::MissingScopes => (403, "forbidden", "The token lacks a permission this call needs"),
            FaultKind::Locked => (423, "locked", "The resource is locked, try again in a moment"),
            FaultKind::Unauthorized => (401, "unauthorized", "Access Token Invalid"),
            _ => return None,
        };
        let body = match self.vendor {
            Vendor::Intercom => json!({
                "type": "error.list",
                "request_id": request_id(),
                "errors": [{"code": code, "message": message}],
            }),
            Vendor::HubSpot => self.hubspot_body(message),
            Vendor::Salesforce => self.salesforce_body(message),
        };
        let mut answer = Answer::json(status, body);
        if let FaultKind::Unavailable { retry_after: Some(seconds) } = &self.kind {
            answer = answer.with("Retry-After", seconds.to_string());
        }
        if self.vendor == Vendor::Intercom && status == 429 {
            let reset = jiff::Timestamp::now().as_second() + 1;
            answer = answer
                .with("X-RateLimit-Limit", "1667")
                .with("X-RateLimit-Remaining", "0")
                .with("X-RateLimit-Reset", reset.to_string());
        }
        Some(answer)
    }

    fn salesforce_body(&self, message: &str) -> Value {
        json!([{"message": message, "errorCode": "UNKNOWN_EXCEPTION"}])
    }

    fn hubspot_body(&self, message: &str) -> Value {
        match &self.kind {
            FaultKind::RateLimited => limit_body("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
            FaultKind::RateLimitedDaily => limit_body("DAILY", "daily"),
            FaultKind::Unauthorized => json!({
                "status": "error",
                "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
                "correlationId": request_id(),
                "category": "INVALID_AUTHENTICATION",
            }),
            _ => json!({"status": "error", "message": message, "correlationId": request_id()}),
        }
    }
}

/// HubSpot's 429, which names the policy that was broken.
pub(super) fn limit_body(policy: &str, words: &str) -> Value {
    json!({
        "status": "error",
        "message": format!("You have reached your {words} limit."),
        "errorType": "RATE_LIMIT",
        "correlationId": request_id(),
        "policyName": policy,
        "requestId": request_id(),
    })
}

/// The first standing fault that hits the call; its count goes down.
pub(super) fn strike(
    faults: &mut [Fault],
    vendor: Vendor,
    method: &str,
    path: &str,
    body: &str,
) -> Option<Fault> {
    let fault = faults.iter_mut().find(|fault| fault.hits(vendor, method, path, body))?;
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    Some(fault.clone())
}
