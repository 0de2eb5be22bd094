//! What a fault answers in place of the vendor, in that vendor's own words. Holds no state.

use serde_json::{Value, json};

use super::{Fault, FaultKind, Vendor};
use crate::sandbox::desk::request_id;
use crate::sandbox::hubspot::{missing_scopes, needed_scopes};
use crate::sandbox::wire::{Answer, Call, Payload};

impl Fault {
    /// The answer that replaces the vendor's own, for the kinds that have one.
    pub(in crate::sandbox) fn answer(&self, call: &Call) -> Option<Answer> {
        if self.vendor == Vendor::HubSpot && self.kind == FaultKind::MissingScopes {
            let (method, path) = call.route();
            return Some(missing_scopes(&needed_scopes(method, &path)));
        }
        let by_the_org = matches!(
            self.kind,
            FaultKind::RateLimited
                | FaultKind::RateLimitedDaily
                | FaultKind::Locked
                | FaultKind::Unauthorized
        );
        if self.vendor == Vendor::Salesforce && by_the_org {
            return None;
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
            FaultKind::RedirectElsewhere { location } => {
                let elsewhere = || format!("https://elsewhere.invalid{}", call.path);
                return Some(Answer::empty(307).with("Location", location.clone().unwrap_or_else(elsewhere)));
            }
            FaultKind::WrongContentType => {
                let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form method=\"post\"><input name=\"user\"><input type=\"password\" name=\"password\"></form></body></html>\n";
                return Some(Answer {
                    status: 200,
                    headers: Vec::new(),
                    body: Payload::Text("text/html", page.to_owned()),
                });
            }
            _ => return None,
        };
        let body = match self.vendor {
            Vendor::Intercom => json!({
                "type": "error.list",
                "request_id": request_id(),
                "errors": [{"code": code, "message": message}],
            }),
            Vendor::HubSpot => self.hubspot_body(message),
            Vendor::Salesforce => self.salesforce_body(),
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

    /// Salesforce's array; a lock, a dead session and a used-up day are answered by the org itself.
    fn salesforce_body(&self) -> Value {
        let (code, message) = match &self.kind {
            FaultKind::Unavailable { .. } => ("SERVER_UNAVAILABLE", "Server is unavailable, try again later"),
            FaultKind::MissingScopes => {
                ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
            }
            _ => (
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred. Please include this ErrorId if you contact support",
            ),
        };
        json!([{"message": message, "errorCode": code}])
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
pub(in crate::sandbox) fn limit_body(policy: &str, words: &str) -> Value {
    json!({
        "status": "error",
        "message": format!("You have reached your {words} limit."),
        "errorType": "RATE_LIMIT",
        "correlationId": request_id(),
        "policyName": policy,
        "requestId": request_id(),
    })
}
