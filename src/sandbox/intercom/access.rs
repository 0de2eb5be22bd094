//! Intercom's front door: the token, the rate limit, the version, the workspace's plan. Knows no record.

use super::answers::refused;
use super::{Version, Workspace, conversations};
use crate::sandbox::desk::request_id;
use crate::sandbox::limits::Window;
use crate::sandbox::wire::{Answer, Call, Payload};

/// Who gets in, how often, and what an unversioned call is taken for.
pub(super) struct Access {
    token: String,
    /// Tokens that were good once.
    revoked: Vec<String>,
    window: Window,
    /// Used where a call names no version, as the app's own setting is at the vendor.
    default_version: Version,
    /// Conversations need a plan; without one they are refused.
    subscribed: bool,
    /// First words of paths the token has no permission for.
    withheld: Vec<String>,
}

impl Access {
    pub(super) fn new(token: String, window_limit: u32) -> Self {
        Self {
            token,
            revoked: Vec::new(),
            window: Window::new(window_limit, 10_000),
            default_version: Version::NEWEST,
            subscribed: true,
            withheld: Vec::new(),
        }
    }
}

/// Types a JSON answer satisfies; clients that name none take anything.
fn accepts_json(call: &Call) -> bool {
    call.header("accept").is_none_or(|accepted| {
        accepted.split(',').any(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            matches!(kind, "" | "*/*" | "application/*" | "application/json") || kind.ends_with("+json")
        })
    })
}

impl Workspace {
    /// The token stops working, as after a reinstall or a click on "revoke": `token_not_found` from now on.
    pub(in crate::sandbox) fn revoke_token(&mut self) {
        let token = std::mem::take(&mut self.access.token);
        self.access.revoked.push(token);
    }

    /// Another token works from now on; one that worked until now is revoked.
    pub(in crate::sandbox) fn issue_token(&mut self, token: &str) {
        if self.access.token != token && !self.access.token.is_empty() {
            self.revoke_token();
        }
        self.access.revoked.retain(|revoked| revoked != token);
        token.clone_into(&mut self.access.token);
    }

    /// Which version a call without the header gets; false when there is no such version.
    pub(in crate::sandbox) fn set_default_version(&mut self, version: &str) -> bool {
        let Some(version) = Version::read(version) else { return false };
        self.access.default_version = version;
        true
    }

    /// Whether the workspace pays; without that, conversations are refused.
    pub(in crate::sandbox) fn set_subscribed(&mut self, subscribed: bool) {
        self.access.subscribed = subscribed;
    }

    /// Takes the token's permission for everything under `/area` away, or gives it back.
    pub(in crate::sandbox) fn withhold(&mut self, area: &str, withheld: bool) {
        self.access.withheld.retain(|known| known != area);
        if withheld {
            self.access.withheld.push(area.to_owned());
        }
    }

    /// Answers one call as the vendor would.
    pub(in crate::sandbox) fn answer(&mut self, call: &Call) -> Answer {
        let given = call.bearer().unwrap_or_default();
        if given.is_empty() || given != self.access.token {
            // The limit's headers stand on answers to known callers only.
            return if self.access.revoked.iter().any(|revoked| revoked == given) {
                // The code is the vendor's, the words are ours.
                refused(401, "token_not_found", "Access Token Not Found")
            } else {
                refused(401, "unauthorized", "Access Token Invalid")
            };
        }
        let now = self.now();
        let answer = if self.access.window.admit(now) {
            self.versioned(call)
        } else {
            let message = format!("Exceeded rate limit of {} in 10_seconds", self.access.window.limit);
            refused(429, "rate_limit_exceeded", &message)
        };
        // Rounded up: a client that waits until then must find the window turned over.
        let reset = (self.access.window.resets_at() + 999) / 1_000;
        answer
            .with("X-RateLimit-Limit", self.access.window.limit.to_string())
            .with("X-RateLimit-Remaining", self.access.window.remaining().to_string())
            .with("X-RateLimit-Reset", reset.to_string())
    }

    fn versioned(&mut self, call: &Call) -> Answer {
        let asked = call.header("intercom-version");
        let Some(version) = asked.map_or(Some(self.access.default_version), Version::read) else {
            // The words are ours; the document has the code for a call that its version lacks.
            let message = format!("The requested version '{}' is not supported", asked.unwrap_or_default());
            return refused(400, "intercom_version_invalid", &message);
        };
        if !accepts_json(call) {
            return refused(
                406,
                "media_type_not_acceptable",
                "The Accept header should send application/json",
            );
        }
        if !call.body_is_json {
            return refused(400, "bad_request", "The request body is not valid JSON");
        }
        let area = call.segments.first().map(String::as_str).unwrap_or_default();
        if self.access.withheld.iter().any(|withheld| withheld == area) {
            return refused(401, "token_unauthorized", "Not authorized to access resource");
        }
        if area == "conversations" && !self.access.subscribed {
            return refused(403, "api_plan_restricted", "Active subscription needed.");
        }
        self.wake_conversations();
        let mut answer = self.routed(call, version);
        if let Payload::Json(body) = &mut answer.body {
            conversations::in_words_of(version, body);
        }
        answer.with("Intercom-Version", format!("2.{}", version.0)).with("X-Request-Id", request_id())
    }
}
