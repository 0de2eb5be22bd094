//! Records of the vendors as we know them: where they live, what they hold, when we last saw them.
//!
//! Field names are the vendor's own, nested ones joined by a dot (`custom_attributes.plan`). Values are JSON as
//! received; this module never interprets them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock::Timestamp;

words! {
    /// A vendor's product that Reknit syncs.
    pub enum System {
        /// Intercom: conversations, users and leads.
        Intercom = "intercom",
        /// HubSpot: contacts, companies, deals.
        Hubspot = "hubspot",
        /// Salesforce: leads, contacts, accounts, opportunities.
        Salesforce = "salesforce",
    }
}

impl System {
    /// The product's name as its maker writes it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Intercom => "Intercom",
            Self::Hubspot => "HubSpot",
            Self::Salesforce => "Salesforce",
        }
    }

    /// Two letters for narrow columns.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Intercom => "IC",
            Self::Hubspot => "HS",
            Self::Salesforce => "SF",
        }
    }

    /// Whose address that is: by its host, else by the paths that only one of them has.
    pub fn of_url(url: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| url.contains(part));
        let hubspot = ["hubapi", "/crm/", "/communication-preferences/", "/account-info/", "/integrators/"];
        if has(&hubspot) {
            Self::Hubspot
        } else if has(&["salesforce", "/services/"]) {
            Self::Salesforce
        } else {
            Self::Intercom
        }
    }
}

words! {
    /// The kind of object a record is, named alike for all vendors.
    pub enum ObjectKind {
        /// A person; Intercom's roles user and lead are both contacts.
        Contact = "contact",
        /// A person not yet taken on, where that is a kind of its own (Salesforce: lead).
        Lead = "lead",
        /// An organisation (Salesforce: account).
        Company = "company",
        /// A sale (Salesforce: opportunity).
        Deal = "deal",
        /// A chat or e-mail thread.
        Conversation = "conversation",
        /// A support case.
        Ticket = "ticket",
        /// Something for a colleague to do.
        Task = "task",
        /// A text on a record's timeline.
        Note = "note",
        /// Something with a beginning and an end, in a calendar (Salesforce: event).
        Event = "event",
    }
}

/// One configured workspace, portal or org of a system. Written `hubspot`, or `hubspot:emea` when it has a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Connection {
    /// Whose API it is.
    pub system: System,
    /// Its name in the configuration; empty for the only one of its system.
    pub name: String,
}

impl Connection {
    /// The only connection of a system.
    pub fn only(system: System) -> Self {
        Self { system, name: String::new() }
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            f.pad(self.system.as_str())
        } else {
            f.pad(&format!("{}:{}", self.system, self.name))
        }
    }
}

impl FromStr for Connection {
    type Err = super::UnknownWord;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (system, name) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self { system: system.parse()?, name: name.to_owned() })
    }
}

/// A text that does not name a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" does not name a record: expected SYSTEM/OBJECT/ID, for example hubspot/company/812")]
pub struct BadRecordRef(String);

/// Where one record lives. Written `hubspot/contact/151`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordRef {
    /// The workspace, portal or org.
    pub connection: Connection,
    /// What kind of object it is.
    pub object: ObjectKind,
    /// The vendor's id, as text.
    pub id: String,
}

/// No vendor gives such an id.
const TO_BE_MADE: &str = "(to be made)";

impl RecordRef {
    /// A record of the only connection of a system.
    pub fn new(system: System, object: ObjectKind, id: impl Into<String>) -> Self {
        Self { connection: Connection::only(system), object, id: id.into() }
    }

    /// Stands for a contact that is about to be made and has no id yet; all of a connection share it.
    pub fn to_be_made(connection: &Connection) -> Self {
        Self { connection: connection.clone(), object: ObjectKind::Contact, id: TO_BE_MADE.to_owned() }
    }

    /// Whether it stands for records that have no id yet.
    pub fn is_to_be_made(&self) -> bool {
        self.id == TO_BE_MADE
    }

    /// Whose record it is.
    pub fn system(&self) -> System {
        self.connection.system
    }

    /// The record in words: `HubSpot contact 151`.
    pub fn title(&self) -> String {
        format!("{} {} {}", self.system().title(), self.object, self.id)
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}/{}", self.connection, self.object, self.id))
    }
}

impl FromStr for RecordRef {
    type Err = BadRecordRef;
    fn from_str(text: &str) -> Result<Self, BadRecordRef> {
        let bad = || BadRecordRef(text.to_owned());
        let mut parts = text.splitn(3, '/');
        let connection = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let object = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let id = parts.next().filter(|part| !part.is_empty()).ok_or_else(bad)?;
        Ok(Self { connection, object, id: id.to_owned() })
    }
}

macro_rules! serde_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
serde_as_text!(Connection);
serde_as_text!(RecordRef);

/// Field name to JSON value, in the vendor's order.
pub type Fields = Map<String, Value>;

/// Our last known copy of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mirror {
    /// Whose copy it is.
    pub record: RecordRef,
    /// The fields as received, flattened with dots.
    pub fields: Fields,
    /// When the vendor says it last changed.
    pub vendor_updated_at: Option<Timestamp>,
    /// The company records it is related to, in the same system, the primary one first.
    pub companies: Vec<String>,
    /// Gone at the vendor (deleted, archived or merged away).
    pub deleted: bool,
}

impl Mirror {
    /// A field as text: strings as they are, numbers and booleans written out, null and missing as `""`.
    ///
    /// Salesforce's names do not mind case: `email` finds its `Email`.
    pub fn text(&self, field: &str) -> String {
        self.value(field).map(value_text).unwrap_or_default()
    }

    /// A field's value, found like its [`Mirror::text`].
    pub fn value(&self, field: &str) -> Option<&Value> {
        match self.record.system() {
            System::Salesforce => named(&self.fields, field),
            _ => self.fields.get(field),
        }
    }

    /// What a person would call this record: its name, else its e-mail, else its id.
    pub fn display_name(&self) -> String {
        let joined = format!("{} {}", self.text("firstname"), self.text("lastname"));
        for candidate in [self.text("name"), joined, self.text("email"), self.text("domain")] {
            let candidate = candidate.trim();
            if !candidate.is_empty() {
                return candidate.to_owned();
            }
        }
        self.record.title()
    }
}

/// A field by its name as it is written, else in other capitals: Salesforce's names do not mind, and of the other systems
/// none has two names that differ in nothing else.
pub fn named<'a>(fields: &'a Fields, field: &str) -> Option<&'a Value> {
    fields
        .get(field)
        .or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value))
}

/// A JSON value as a person reads it: null is empty, objects and lists are compact JSON.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reference_reads_back() {
        for text in ["hubspot/contact/151", "intercom:eu/contact/64e2", "hubspot/company/a/b"] {
            let record: RecordRef = text.parse().expect("valid");
            assert_eq!(record.to_string(), text);
        }
        assert!("hubspot/contact/".parse::<RecordRef>().is_err());
        assert!("zendesk/contact/1".parse::<RecordRef>().is_err());
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let value: Value = serde_json::from_str("12345678901234567890.10").expect("json");
        assert_eq!(value_text(&value), "12345678901234567890.10");
    }
}
