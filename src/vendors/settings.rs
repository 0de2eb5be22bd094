//! Where the vendors' APIs are and how patient we are with them; one `[vendors]` table of the configuration.
//!
//! Holds no secret and never will: tokens come from [`crate::domain::secret::Credentials`] at the moment of a call.

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::error::SetupError;

/// Settings of the HTTP clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Intercom's API.
    pub intercom: IntercomSettings,
    /// HubSpot's API.
    pub hubspot: HubspotSettings,
    /// Salesforce's API.
    pub salesforce: SalesforceSettings,
    /// How long each kind of call may take.
    pub timeouts: Timeouts,
    /// A longer answer is cut off while it streams in, and is an error.
    pub max_response_bytes: usize,
    /// Empty: none. `environment`: what `HTTPS_PROXY` and `NO_PROXY` say. Else the proxy's URL. This machine itself is
    /// never called through one.
    pub proxy: String,
    /// The name of the environment variable that holds the proxy's `user:password`; empty when it wants none.
    pub proxy_login_variable: String,
    /// A PEM file of certificate authorities trusted besides those of the system; empty for none.
    pub ca_file: String,
    /// What the vendors see as the caller's name.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            intercom: IntercomSettings::default(),
            hubspot: HubspotSettings::default(),
            salesforce: SalesforceSettings::default(),
            timeouts: Timeouts::default(),
            max_response_bytes: 8 * 1024 * 1024,
            proxy: String::new(),
            proxy_login_variable: String::new(),
            ca_file: String::new(),
            user_agent: concat!("reknit/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// How long a call may take, from asking to the last byte of the answer, in seconds. A server that drips its answer
/// byte by byte stretches none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect_seconds: u64,
    /// Reading one record.
    pub read_seconds: u64,
    /// Reading many.
    pub page_seconds: u64,
    /// Changing one record.
    pub write_seconds: u64,
    /// Changing many, or what the vendor is slow at: merges, conversions.
    pub slow_write_seconds: u64,
    /// Asking for an access token.
    pub token_seconds: u64,
    /// Between two pieces of an answer.
    pub idle_seconds: u64,
}

impl Timeouts {
    /// One length for reads, writes and tokens; three times that for what is slow.
    pub fn of(seconds: u64) -> Self {
        Self {
            connect_seconds: seconds.min(5),
            read_seconds: seconds,
            page_seconds: seconds * 3,
            write_seconds: seconds,
            slow_write_seconds: seconds * 3,
            token_seconds: seconds,
            idle_seconds: seconds,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { idle_seconds: 15, ..Self::of(20) }
    }
}

/// Which Intercom, and which version of its API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntercomSettings {
    /// `https://api.intercom.io`, or the EU or AU host.
    pub base_url: String,
    /// Sent as `Intercom-Version`; without it the workspace's own setting would decide.
    pub version: String,
    /// The teammate in whose name Reknit tags conversations, and speaks where nobody else is named; empty = whoever the
    /// token belongs to.
    pub admin_id: String,
}

impl Default for IntercomSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.intercom.io".to_owned(),
            version: "2.16".to_owned(),
            admin_id: String::new(),
        }
    }
}

/// Properties that rules name, written as `extra_properties` are. All copies of the settings share one list, so that an
/// edited recipe is served by the clients there are; no setting of a file, so all are alike.
#[derive(Clone, Default)]
pub struct Wanted(Arc<RwLock<Arc<[String]>>>);

impl Wanted {
    /// Takes another list; the same one costs a look.
    pub fn put(&self, names: &Arc<[String]>) {
        if !Arc::ptr_eq(&self.names(), names) {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(names);
        }
    }

    /// The list.
    pub fn names(&self) -> Arc<[String]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names().iter()).finish()
    }
}

impl PartialEq for Wanted {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Wanted {}

/// Which HubSpot, and which of its two ways to spell paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubspotSettings {
    /// `https://api.hubapi.com`.
    pub base_url: String,
    /// Which family of paths is called.
    pub paths: HubspotPaths,
    /// Where a refresh token is exchanged: `/oauth/v1/token`, `/oauth/v3/token` or `/oauth/2026-03/token`.
    pub oauth_path: String,
    /// Properties to read beside the usual ones: `deal.region` of that kind of record alone, a bare name of contacts and
    /// companies alike. HubSpot ignores names it does not know.
    pub extra_properties: Vec<String>,
    /// Properties that the rules in force name, read as `extra_properties` are.
    #[serde(skip)]
    pub wanted: Wanted,
    /// Contact properties with unique values: looked up by a read instead of a search.
    pub unique_properties: Vec<String>,
    /// The token belongs to a public app that may post timeline events; a private app's never may.
    pub timeline_app: bool,
    /// The event template of that app, by its number, for conversations: its tokens are `title` and `text`. Empty logs
    /// them as notes.
    pub timeline_template: String,
}

impl Default for HubspotSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.hubapi.com".to_owned(),
            paths: HubspotPaths::V3v4,
            oauth_path: "/oauth/v1/token".to_owned(),
            extra_properties: Vec::new(),
            wanted: Wanted::default(),
            unique_properties: vec!["intercom_contact_id".to_owned()],
            timeline_app: false,
            timeline_template: String::new(),
        }
    }
}

/// HubSpot's two families of paths, which answer alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HubspotPaths {
    /// `/crm/v3/objects/...` and `/crm/v4/...`; supported until 2027.
    V3v4,
    /// `/crm/objects/2026-09/...`.
    Dated,
}

/// Which Salesforce org, and which version of its API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SalesforceSettings {
    /// `https://NAME.my.salesforce.com`; empty when there is no org. What the token endpoint names goes before it.
    pub instance_url: String,
    /// Where tokens are asked for; empty = at `instance_url`, or at login.salesforce.com when that is empty too.
    pub login_url: String,
    /// Whom a signed assertion is made out to; a sandbox org's is `https://test.salesforce.com`.
    pub assertion_audience: String,
    /// Written into every path: `66.0` is Spring '26.
    pub version: String,
    /// The field of leads and contacts that holds the Intercom contact's id: an external id with unique values.
    pub external_id_field: String,
    /// Fields to read beside the usual ones, with their object: `Lead.Plan__c`. One the org lacks is refused by it.
    pub extra_fields: Vec<String>,
    /// Ids of users that other apps work as: what they change, no human did. The one behind our token counts as one.
    pub app_users: Vec<String>,
    /// Fields that may hold a key of ours, with their object: `Case.Intercom_Conversation_ID__c`, an external id with
    /// unique values. What is made with one is made or changed by it, so that it is never made twice.
    pub key_fields: Vec<String>,
    /// The lead status a converted lead gets: one of the org's that mean "converted".
    pub converted_status: String,
}

impl Default for SalesforceSettings {
    fn default() -> Self {
        Self {
            instance_url: String::new(),
            login_url: String::new(),
            assertion_audience: PRODUCTION_LOGIN.to_owned(),
            version: "66.0".to_owned(),
            external_id_field: "Intercom_Contact_ID__c".to_owned(),
            extra_fields: Vec::new(),
            app_users: Vec::new(),
            key_fields: Vec::new(),
            converted_status: "Closed - Converted".to_owned(),
        }
    }
}

/// Salesforce's login host where none is named.
pub(crate) const PRODUCTION_LOGIN: &str = "https://login.salesforce.com";

/// A base URL without its trailing slash, if a token may be sent there: https anywhere, http only to this machine.
pub(crate) fn base_url(setting: &'static str, text: &str) -> Result<String, SetupError> {
    let bad = |why: &str| SetupError::BaseUrl { setting, url: text.to_owned(), why: why.to_owned() };
    let url = reqwest::Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SetupError::BaseUrl {
            setting,
            url: "(not shown, it holds a password)".to_owned(),
            why: "a URL with a user name or password in it is not accepted".to_owned(),
        });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("it must end with the host or a path"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(bad("http would send the token in clear; only this machine may be called so")),
        _ => return Err(bad("it must begin with https://")),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Plain http, which [`base_url`] lets through for this machine alone.
pub(crate) fn is_plain(base: &str) -> bool {
    base.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

/// Whether an address is of this machine: an emulated vendor.
pub fn is_on_this_machine(address: &str) -> bool {
    reqwest::Url::parse(address).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_leaves_this_machine_in_clear() {
        for good in
            ["https://api.intercom.io", "http://127.0.0.1:4010/", "http://localhost:1", "http://[::1]:9"]
        {
            assert!(base_url("intercom.base_url", good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.intercom.io",
            "http://127.0.0.1.evil.example",
            "ftp://127.0.0.1",
            "api.intercom.io",
            "",
        ] {
            assert!(base_url("intercom.base_url", bad).is_err(), "{bad}");
        }
        let error = base_url("hubspot.base_url", "https://me:hunter22@api.hubapi.com").expect_err("userinfo");
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(toml::from_str::<Settings>("timeout_secnds = 3").is_err());
        let settings: Settings = toml::from_str("[hubspot]\npaths = \"dated\"").expect("valid");
        assert_eq!(settings.hubspot.paths, HubspotPaths::Dated);
        assert_eq!(settings.timeouts.page_seconds, 60);
    }
}
