//! What can go wrong with a call, read once into a class.
//!
//! How a vendor's status and body become a class stands in `intercom/errors.rs` and `hubspot/errors.rs`. Nothing
//! here decides whether to try again.

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, ObjectKind, RecordRef};
use crate::domain::text;

use super::redact;
use super::request::Expects;

/// The clients could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A base URL that must not be called.
    #[error("vendors.{setting} = \"{url}\" cannot be used: {why}")]
    BaseUrl {
        /// Which setting.
        setting: &'static str,
        /// What it held.
        url: String,
        /// Why not.
        why: String,
    },
    /// A proxy that cannot be used.
    #[error("vendors.proxy cannot be used: {why}")]
    Proxy {
        /// Why not; never repeats the setting.
        why: String,
    },
    /// The proxy's login is not where the settings say.
    #[error(
        "the environment variable {variable}, named by vendors.proxy_login_variable, cannot be used: {why}"
    )]
    ProxyLogin {
        /// The variable.
        variable: String,
        /// Why not; never repeats its value.
        why: String,
    },
    /// The additional authorities cannot be used.
    #[error("vendors.ca_file = \"{path}\" cannot be used: {why}")]
    Authorities {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// A path that is none.
    #[error("vendors.hubspot.oauth_path = \"{path}\" cannot be used: it must begin with /oauth/")]
    TokenPath {
        /// What it held.
        path: String,
    },
    /// An address for alerts that must not be called.
    #[error("{name} cannot be used: {why}")]
    AlertAddress {
        /// The secret's name.
        name: String,
        /// Why not; never repeats the address.
        why: String,
    },
    /// TLS or the certificate store of the system would not start.
    #[error("the HTTPS client could not start: {0}")]
    Client(#[from] reqwest::Error),
}

/// One value of a write that the vendor refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRefusal {
    /// The vendor's name of the field.
    pub field: String,
    /// The vendor's words about it, redacted and cleaned.
    pub why: String,
    /// What kind of refusal.
    pub class: ErrorClass,
}

impl FieldRefusal {
    /// The options the vendor says it would take, as it lists them at the end of its words: `… options: [A, B]`.
    pub fn allowed(&self) -> Vec<String> {
        let list = self.why.rsplit_once("options: [").and_then(|(_, rest)| rest.split_once(']'));
        let Some((list, _)) = list else { return Vec::new() };
        list.split(',').map(|option| option.trim().to_owned()).filter(|option| !option.is_empty()).collect()
    }
}

/// A call that did not go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// The vendor's own words (or ours, when none came), redacted and safe to show.
    pub words: String,
    /// The vendor's name of the field it is about, if one.
    pub field: Option<String>,
    /// Every refused value, where the vendor names them.
    pub fields: Vec<FieldRefusal>,
    /// The record that already holds the identity, or the one this one was merged into. Boxed, as
    /// most errors have none.
    pub existing: Option<Box<RecordRef>>,
    /// Every record that may be meant, `existing` among them, where the vendor names several.
    pub candidates: Box<[RecordRef]>,
    /// When the vendor says to come back.
    pub retry_at: Option<Timestamp>,
    /// A write was sent and nothing readable says that it did not happen: look before sending it again.
    pub may_have_happened: bool,
}

impl VendorError {
    /// An error with words and nothing else.
    pub fn new(class: ErrorClass, words: &str) -> Self {
        Self {
            class,
            status: None,
            words: readable(words),
            field: None,
            fields: Vec::new(),
            existing: None,
            candidates: Box::default(),
            retry_at: None,
            may_have_happened: false,
        }
    }
}

impl std::fmt::Display for VendorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ({status}): {}", self.class, self.words),
            None => write!(f, "{}: {}", self.class, self.words),
        }
    }
}

impl std::error::Error for VendorError {}

/// A vendor's words: no secret, no control character, no page of HTML.
pub(crate) fn readable(words: &str) -> String {
    const LONGEST: usize = 600;
    text::shorten(&text::clean(redact::mask(words.trim(), &[]).trim()), LONGEST).into_owned()
}

/// What the readers of answers need to know about the call.
#[derive(Debug, Clone)]
pub(crate) struct Context<'a> {
    /// Where it was sent.
    pub connection: &'a Connection,
    /// What kind of record it was about.
    pub object: ObjectKind,
    /// It would have changed something.
    pub writes: bool,
    /// What a good answer would hold.
    pub expects: Expects,
    /// The time of the answer.
    pub now: Timestamp,
}

impl Context<'_> {
    /// A record of the same connection and kind.
    pub(crate) fn record(&self, id: &str) -> RecordRef {
        RecordRef { connection: self.connection.clone(), object: self.object, id: id.to_owned() }
    }
}
