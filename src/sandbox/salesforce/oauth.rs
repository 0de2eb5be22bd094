//! The OAuth endpoints: tokens given, refreshed, revoked, and who they belong to. Refusals are objects here,
//! not arrays. No token or secret is ever written into the books.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ORGANIZATION_ID, Org, Setup, Trouble, answers, jwt, user_id};
use crate::sandbox::desk::Who;
use crate::sandbox::wire::{Answer, Call, decoded_pairs};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Hosts an assertion may be addressed to, besides the org's own.
const LOGIN_HOSTS: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

/// The tokens that are good now.
pub(super) struct Sessions {
    /// Access tokens, with the refresh token each came from.
    access: HashMap<String, Option<String>>,
    refresh: HashSet<String>,
    given: u64,
}

impl Sessions {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            access: HashMap::from([(setup.access_token.clone(), Some(setup.refresh_token.clone()))]),
            refresh: HashSet::from([setup.refresh_token.clone()]),
            given: 0,
        }
    }

    fn next_access(&mut self, refresh: Option<&str>) -> String {
        self.given += 1;
        let token =
            format!("{}!AQsandbox{:06}{:016x}", &ORGANIZATION_ID[..15], self.given, fastrand::u64(..));
        self.access.insert(token.clone(), refresh.map(str::to_owned));
        token
    }
}

fn refused(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, json!({"error": error, "error_description": description}))
        .with("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private")
}

impl Org {
    /// Whether an access token is good now.
    pub(super) fn session_stands(&self, token: &str) -> bool {
        self.trouble != Some(Trouble::NoSession) && self.sessions.access.contains_key(token)
    }

    /// Ends every access token; the answer is how many there were.
    pub(in crate::sandbox) fn expire_access_tokens(&mut self) -> usize {
        std::mem::take(&mut self.sessions.access).len()
    }

    /// Ends every refresh token; the answer is how many there were.
    pub(in crate::sandbox) fn revoke_refresh_tokens(&mut self) -> usize {
        std::mem::take(&mut self.sessions.refresh).len()
    }

    /// Everything under `/services/oauth2`.
    pub(super) fn oauth(&mut self, call: &Call, path: &[&str]) -> Answer {
        match (call.method.as_str(), path) {
            ("POST", ["token"]) => self.token(call),
            ("POST" | "GET", ["revoke"]) => self.revoke(call),
            ("GET" | "POST", ["userinfo"]) => self.user_info(call),
            _ => answers::missing(),
        }
    }

    fn token(&mut self, call: &Call) -> Answer {
        let mut form = decoded_pairs(&call.raw);
        form.extend(call.query.iter().cloned());
        let given = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (mut client, mut secret) = (given("client_id"), given("client_secret"));
        if let Some((id, key)) = basic(call) {
            (client, secret) = (client.or(Some(id)), secret.or(Some(key)));
        }
        let grant = given("grant_type").unwrap_or_default();
        if grant == JWT_BEARER {
            return self.by_assertion(given("assertion").as_deref());
        }
        if grant != "refresh_token" && grant != "client_credentials" {
            return refused(400, "unsupported_grant_type", "grant type not supported");
        }
        let known = client.as_deref() == Some(self.setup.client_id.as_str())
            && secret.as_deref() == Some(self.setup.client_secret.as_str());
        if !known {
            return refused(400, "invalid_client", "invalid client credentials");
        }
        if grant == "client_credentials" {
            return self.granted("client_credentials", None, None);
        }
        let Some(token) = given("refresh_token").filter(|token| self.sessions.refresh.contains(token)) else {
            return refused(400, "invalid_grant", "expired access/refresh token");
        };
        if !self.setup.rotates_refresh_tokens {
            return self.granted("refresh", Some(&token), None);
        }
        self.sessions.refresh.remove(&token);
        let fresh = format!("5Aep861sandbox{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        self.sessions.refresh.insert(fresh.clone());
        self.granted("refresh", Some(&fresh), Some(&fresh))
    }

    fn by_assertion(&mut self, assertion: Option<&str>) -> Answer {
        let key = self.setup.jwt_public_key.as_deref();
        let claims = key.and_then(|key| jwt::verified(assertion?, key));
        let Some(claims) = claims else { return refused(400, "invalid_grant", "invalid assertion") };
        let addressed = LOGIN_HOSTS.contains(&claims.audience.trim_end_matches('/'))
            || claims.audience.trim_end_matches('/') == self.instance_url;
        if !addressed {
            return refused(400, "invalid_grant", "audience is invalid");
        }
        // A client signs by its own clock: the machine's, or the world's when a test lent it that.
        let clocks = [jiff::Timestamp::now().as_second(), self.now() / 1_000];
        if !clocks.iter().any(|second| claims.stand_at(*second)) {
            return refused(400, "invalid_grant", "assertion has expired");
        }
        if claims.issuer != self.setup.client_id {
            return refused(400, "invalid_client", "invalid client credentials");
        }
        let user = self.row("User", &user_id(Who::Api)).and_then(|row| row.text("Username"));
        if user != Some(claims.subject.as_str()) {
            return refused(400, "invalid_grant", "user hasn't approved this consumer");
        }
        self.granted("jwt_bearer", None, None)
    }

    /// A new access token; `refresh` is where it came from, `shown` a refresh token that replaces it.
    fn granted(&mut self, how: &'static str, refresh: Option<&str>, shown: Option<&str>) -> Answer {
        let token = self.sessions.next_access(refresh);
        let serial = self.sessions.given.to_string();
        let detail = json!({"client_id": self.setup.client_id});
        self.desk.effect("salesforce", ("oauth", how), &serial, Who::Api, &detail);
        let mut body = json!({
            "access_token": token,
            "signature": STANDARD.encode(format!("sandbox signature {serial}")),
            "scope": "refresh_token api",
            "instance_url": self.instance_url,
            "id": self.identity_url(),
            "token_type": "Bearer",
            "issued_at": self.now().to_string(),
        });
        if let Some(shown) = shown {
            body["refresh_token"] = json!(shown);
        }
        Answer::ok(body).with("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private")
    }

    fn revoke(&mut self, call: &Call) -> Answer {
        let mut form = decoded_pairs(&call.raw);
        form.extend(call.query.iter().cloned());
        let token =
            form.into_iter().find(|(name, _)| name == "token").map(|(_, token)| token).unwrap_or_default();
        let refresh = self.sessions.refresh.remove(&token);
        if refresh {
            // A refresh token takes its access tokens along.
            self.sessions.access.retain(|_, from| from.as_deref() != Some(token.as_str()));
        }
        if refresh || self.sessions.access.remove(&token).is_some() {
            self.desk.effect("salesforce", ("oauth", "revoke"), "0", Who::Api, &Value::Null);
            return Answer::empty(200);
        }
        refused(400, "invalid_token", "the token is not known")
    }

    pub(super) fn identity_url(&self) -> String {
        format!("{}/id/{ORGANIZATION_ID}/{}", self.instance_url, user_id(Who::Api))
    }

    fn user_info(&self, call: &Call) -> Answer {
        if !self.has_session(call) {
            return Answer::json(403, json!("Bad_OAuth_Token"));
        }
        Answer::ok(self.identity())
    }

    /// `GET /id/{organization}/{user}`, the address a token answer names.
    pub(super) fn identity_answer(&self, call: &Call) -> Answer {
        if !self.has_session(call) {
            return Answer::json(403, json!("Bad_OAuth_Token"));
        }
        let mut body = self.identity();
        body["id"] = json!(self.identity_url());
        body["asserted_user"] = json!(true);
        body["username"] = body["preferred_username"].clone();
        Answer::ok(body)
    }

    fn identity(&self) -> Value {
        let id = user_id(Who::Api);
        let user = self.row("User", &id);
        let text = |field: &str| user.and_then(|row| row.text(field)).unwrap_or_default();
        json!({
            "sub": self.identity_url(),
            "user_id": id,
            "organization_id": ORGANIZATION_ID,
            "preferred_username": text("Username"),
            "name": text("Name"),
            "email": text("Email"),
            "email_verified": true,
            "given_name": text("FirstName"),
            "family_name": text("LastName"),
            "active": true,
            "user_type": "STANDARD",
            "urls": {
                "rest": format!("{}/services/data/v{{version}}/", self.instance_url),
                "sobjects": format!("{}/services/data/v{{version}}/sobjects/", self.instance_url),
                "query": format!("{}/services/data/v{{version}}/query/", self.instance_url),
                "partner": format!("{}/services/Soap/u/{{version}}/{}", self.instance_url, &ORGANIZATION_ID[..15]),
            },
        })
    }

    /// Whether a call carries a good access token.
    pub(super) fn has_session(&self, call: &Call) -> bool {
        let header = call.header("authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("OAuth "));
        token.is_some_and(|token| self.session_stands(token.trim()))
    }
}

/// Client id and secret from an `Authorization: Basic` header.
fn basic(call: &Call) -> Option<(String, String)> {
    let encoded = call.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}
