//! Who is calling: the private app's token that never expires, and an OAuth app's that does, with the endpoints that
//! give, describe and end them. Never looks at records.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::answers::{missing, refused};
use super::{HubspotRules, PORTAL_ID, Portal, scopes};
use crate::sandbox::desk::{iso, lock, request_id};
use crate::sandbox::wire::{Answer, Call};
use crate::sandbox::{HUBSPOT_SECRET, Sandbox};

const CLIENT_ID: &str = "sandbox-hubspot-client-id";
const REFRESH_TOKEN: &str = "sandbox-hubspot-refresh-token";
const APP: u64 = 4_160_452;
const USER: u64 = 60_200_100;

/// Whose token came with a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Caller {
    PrivateApp,
    OauthApp,
}

/// Every token the portal has given out.
pub(super) struct Tokens {
    private: String,
    /// Access token to the moment it ends.
    access: HashMap<String, i64>,
    /// The newest is the last one.
    refresh: Vec<String>,
    serial: u64,
}

impl Tokens {
    pub(super) fn new(private: String) -> Self {
        Self { private, access: HashMap::new(), refresh: vec![REFRESH_TOKEN.to_owned()], serial: 0 }
    }

    fn issue(&mut self, rules: &HubspotRules, now: i64, renewed: Option<&str>) -> Value {
        self.serial += 1;
        let access = format!("sandbox-hubspot-access-token-{}", self.serial);
        self.access.insert(access.clone(), now + rules.token_life_seconds * 1_000);
        if let Some(old) = renewed.filter(|_| rules.rotates_refresh_tokens) {
            self.refresh.retain(|token| token != old);
            self.refresh.push(format!("{REFRESH_TOKEN}-{}", self.serial));
        }
        json!({
            "token_type": "bearer",
            "token_use": "access_token",
            "access_token": access,
            "refresh_token": self.refresh.last(),
            "expires_in": rules.token_life_seconds,
            "hub_id": PORTAL_ID,
            "user_id": USER,
            "scopes": scopes::ALL,
        })
    }
}

/// A form's fields.
fn form(call: &Call) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(&call.raw);
    let uri = format!("/?{text}").parse().unwrap_or_default();
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
    let mut fields: HashMap<String, String> = call.query.iter().cloned().collect();
    fields.extend(pairs.map(|pairs| pairs.0).unwrap_or_default());
    fields
}

/// The token endpoints' own way to refuse.
fn no_token(status: &str, message: &str) -> Answer {
    Answer::json(400, json!({"status": status, "message": message, "correlationId": request_id()}))
}

impl Portal {
    /// Whose token a call carries, or the refusal.
    pub(super) fn caller(&self, call: &Call) -> Result<Caller, Answer> {
        let given = call.bearer();
        if given == Some(self.tokens.private.as_str()) {
            return Ok(Caller::PrivateApp);
        }
        let now = self.now();
        match given.and_then(|token| self.tokens.access.get(token)) {
            Some(ends) if *ends > now => Ok(Caller::OauthApp),
            Some(ends) => {
                let ago = (now - ends) / 1_000;
                let mut body = json!({
                    "status": "error",
                    "message": format!("The OAuth token used to make this call expired {ago} second(s) ago."),
                    "correlationId": request_id(),
                    "category": "EXPIRED_AUTHENTICATION",
                });
                body["context"] = json!({"expire time": [iso(*ends)]});
                Err(Answer::json(401, body))
            }
            None => {
                let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
                Err(refused(401, "INVALID_AUTHENTICATION", message))
            }
        }
    }

    /// Refuses a call whose scopes the token lacks, naming them.
    pub(super) fn allowed(&self, caller: Caller, method: &str, path: &[&str]) -> Result<(), Answer> {
        let mut lacks = scopes::needed(method, path);
        // Custom timeline events are for public apps: a private app cannot even be given the scope.
        let never = |scope: &String| caller == Caller::PrivateApp && scope == "timeline";
        lacks.retain(|scope| self.rules.without_scopes.contains(scope) || never(scope));
        if lacks.is_empty() { Ok(()) } else { Err(missing_scopes(&lacks)) }
    }

    /// The endpoints that take no bearer token; none for any other path.
    pub(super) fn oauth(&mut self, call: &Call) -> Option<Answer> {
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("POST", ["oauth", "v1" | "v3" | "2026-03" | "2026-09", "token"]) => {
                Some(self.give_token(&form(call)))
            }
            ("POST", ["oauth", "v3", "token", "introspect"]) => {
                Some(self.introspect(form(call).get("token").map(String::as_str).unwrap_or_default()))
            }
            ("POST", ["oauth", "v3", "token", "revoke"]) => {
                self.end_token(form(call).get("token").map(String::as_str).unwrap_or_default());
                Some(Answer::empty(200))
            }
            ("GET", ["oauth", "v1", "access-tokens", token]) => Some(self.describe_access(token)),
            ("GET", ["oauth", "v1", "refresh-tokens", token]) => Some(self.describe_refresh(token)),
            ("DELETE", ["oauth", "v1", "refresh-tokens", token]) => {
                self.end_token(token);
                Some(Answer::empty(204))
            }
            _ => None,
        }
    }

    fn give_token(&mut self, form: &HashMap<String, String>) -> Answer {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("client_id") != CLIENT_ID {
            return no_token("BAD_CLIENT_ID", "missing or unknown client id");
        }
        if field("client_secret") != HUBSPOT_SECRET {
            return no_token("BAD_CLIENT_SECRET", "missing or invalid client secret");
        }
        let now = self.now();
        match field("grant_type") {
            "refresh_token" if self.tokens.refresh.iter().any(|known| known == field("refresh_token")) => {
                let used = field("refresh_token").to_owned();
                Answer::ok(self.tokens.issue(&self.rules, now, Some(&used)))
            }
            "refresh_token" => no_token("BAD_REFRESH_TOKEN", "missing or invalid refresh token"),
            "authorization_code" if field("code") == "sandbox-code" => {
                if self.tokens.refresh.is_empty() {
                    self.tokens.refresh.push(format!("{REFRESH_TOKEN}-{}", self.tokens.serial + 1));
                }
                Answer::ok(self.tokens.issue(&self.rules, now, None))
            }
            "authorization_code" => no_token("BAD_AUTH_CODE", "missing or unknown auth code"),
            "client_credentials" => {
                let mut given = self.tokens.issue(&self.rules, now, None);
                if let Some(given) = given.as_object_mut() {
                    given.remove("refresh_token");
                    given.insert("token_use".to_owned(), json!("client_credentials"));
                }
                Answer::ok(given)
            }
            _ => no_token("BAD_GRANT_TYPE", "missing or unknown grant type"),
        }
    }

    fn end_token(&mut self, token: &str) {
        self.tokens.access.remove(token);
        self.tokens.refresh.retain(|known| known != token);
    }

    /// What version 3 says of a token, for both sorts. Of a token nobody gave out the document has no success.
    fn introspect(&self, token: &str) -> Answer {
        if self.tokens.refresh.iter().any(|known| known == token) {
            let mut told = told(token, "refresh");
            told["active"] = json!(true);
            told["app_id"] = json!(APP);
            told["client_id"] = json!(CLIENT_ID);
            told["token_use"] = json!("refresh_token");
            return Answer::ok(told);
        }
        let Some(ends) = self.tokens.access.get(token) else { return missing() };
        let mut told = told(token, "access");
        told["active"] = json!(*ends > self.now());
        told["app_id"] = json!(APP);
        told["client_id"] = json!(CLIENT_ID);
        told["token_use"] = json!("access_token");
        told["expires_in"] = json!(((ends - self.now()) / 1_000).max(0));
        told["is_private_distribution"] = json!(false);
        told["signed_access_token"] = signed(*ends);
        Answer::ok(told)
    }

    fn describe_access(&self, token: &str) -> Answer {
        let Some(ends) = self.tokens.access.get(token) else { return missing() };
        let mut told = told(token, "access");
        told["app_id"] = json!(APP);
        told["expires_in"] = json!(((ends - self.now()) / 1_000).max(0));
        Answer::ok(told)
    }

    fn describe_refresh(&self, token: &str) -> Answer {
        if !self.tokens.refresh.iter().any(|known| known == token) {
            return missing();
        }
        let mut told = told(token, "refresh");
        told["client_id"] = json!(CLIENT_ID);
        Answer::ok(told)
    }
}

/// What every description of a token says.
fn told(token: &str, kind: &str) -> Value {
    json!({
        "token": token,
        "user": "nora@brightharbor.io",
        "hub_domain": "brightharbor.io",
        "scopes": scopes::ALL,
        "hub_id": PORTAL_ID,
        "user_id": USER,
        "token_type": kind,
    })
}

/// HubSpot's inner form of an access token, whose signature nobody but HubSpot can check: here it signs nothing.
fn signed(ends: i64) -> Value {
    json!({
        "expiresAt": ends,
        "scopes": "",
        "scopeToScopeGroupPks": "",
        "trialScopes": "",
        "trialScopeToScopeGroupPks": "",
        "hubId": PORTAL_ID,
        "hublet": "na1",
        "userId": USER,
        "installingUserId": USER,
        "appId": APP,
        "appInstallId": "sandbox",
        "audience": "",
        "signature": "sandbox",
        "newSignature": "sandbox",
        "isUserLevel": false,
        "isPrivateDistribution": false,
        "isServiceAccount": false,
    })
}

/// The refusal that names what the token lacks.
pub(in crate::sandbox) fn missing_scopes(scopes: &[String]) -> Answer {
    Answer::json(
        403,
        json!({
            "status": "error",
            "message": "This app hasn't been granted all required scopes to make this call.",
            "correlationId": request_id(),
            "errors": [{
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": scopes},
            }],
            "links": {"scopes": "https://developers.hubspot.com/scopes"},
            "category": "MISSING_SCOPES",
        }),
    )
}

impl Sandbox {
    /// The client id HubSpot's token endpoint knows; its secret is [`Sandbox::hubspot_client_secret`].
    pub fn hubspot_client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// The refresh token HubSpot's token endpoint takes; with rotation, until it is used.
    pub fn hubspot_refresh_token(&self) -> &'static str {
        REFRESH_TOKEN
    }

    /// Ends every access token HubSpot has given out, as time would.
    pub fn expire_hubspot_tokens(&self) {
        let mut hubspot = lock(&self.world.hubspot);
        let now = hubspot.now();
        hubspot.tokens.access.values_mut().for_each(|ends| *ends = (*ends).min(now));
    }

    /// Takes HubSpot's OAuth app its consent: its tokens are unknown from now on.
    pub fn revoke_hubspot_tokens(&self) {
        let mut hubspot = lock(&self.world.hubspot);
        hubspot.tokens.access.clear();
        hubspot.tokens.refresh.clear();
    }
}
