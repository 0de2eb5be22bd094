//! A mapping as it is used: which field of one object is which of the other, who owns it, what an empty value does.
//!
//! Read from TOML by `read`; here are the words of such a file and what they mean. Nothing here compares
//! or turns values.

use std::fmt;

use serde_json::Value;

use super::read;
use super::transform::Transform;
use crate::domain::record::{Fields, ObjectKind, System};
use crate::domain::schema::FieldKind;
use crate::domain::words;

words! {
    /// One of the two sides: left is always Intercom, right the CRM.
    pub enum Side {
        /// Intercom.
        Intercom = "intercom",
        /// The CRM.
        Crm = "crm",
    }
}

impl Side {
    /// As it stands in a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Intercom => "Intercom",
            Self::Crm => "the CRM",
        }
    }
}

words! {
    /// Which way a field's changes travel.
    pub enum Direction {
        /// From Intercom to the CRM only.
        ToCrm = "to_crm",
        /// From the CRM to Intercom only.
        ToIntercom = "to_intercom",
        /// Both ways.
        Both = "both",
        /// Neither way: switched off, for now or for good.
        Off = "off",
    }
}

impl Direction {
    /// As an arrow between Intercom (left) and the CRM (right).
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::ToCrm => "→",
            Self::ToIntercom => "←",
            Self::Both => "↔",
            Self::Off => "·",
        }
    }

    /// A change may be written to this side.
    pub const fn writes(self, side: Side) -> bool {
        match side {
            Side::Crm => matches!(self, Self::ToCrm | Self::Both),
            Side::Intercom => matches!(self, Self::ToIntercom | Self::Both),
        }
    }

    /// What is left of it when nothing is written to this side any more.
    #[must_use]
    pub const fn without(self, side: Side) -> Self {
        match (self, side) {
            (Self::Both, Side::Crm) => Self::ToIntercom,
            (Self::Both, Side::Intercom) => Self::ToCrm,
            (Self::ToCrm, Side::Crm) | (Self::ToIntercom, Side::Intercom) => Self::Off,
            (other, _) => other,
        }
    }
}

words! {
    /// Whose value counts: the source of truth of a field.
    pub enum Owner {
        /// Intercom's.
        Intercom = "intercom",
        /// The CRM's.
        Crm = "crm",
        /// That of the side called the original; the other side shows a copy that is put right when it was changed.
        Mirrored = "mirrored",
        /// That of the record changed last.
        Newest = "newest",
        /// A human's, when both changed.
        Review = "review",
        /// The person's own: who opted out on either side is out on both, whatever else says otherwise.
        Consent = "consent",
    }
}

words! {
    /// What an empty value does to a filled one.
    pub enum Blank {
        /// It leaves it as it is.
        Keep = "keep",
        /// It empties it.
        Clear = "clear",
        /// It leaves it as it is, and where both are empty the default is written.
        Default = "default",
    }
}

/// What each way of saying nothing does: no such field, null, and a text of blanks are told apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Blanks {
    /// The record came without the field.
    pub missing: Blank,
    /// The field is null.
    pub null: Blank,
    /// The field is an empty text.
    pub empty: Blank,
    /// What is written where the rule says so; in the target's terms.
    pub default: Value,
}

impl Default for Blanks {
    fn default() -> Self {
        Self { missing: Blank::Keep, null: Blank::Keep, empty: Blank::Keep, default: Value::Null }
    }
}

impl Blanks {
    /// What a blank value does: none where the record came without the field.
    pub fn rule(&self, value: Option<&Value>) -> Blank {
        match value {
            None => self.missing,
            Some(Value::Null) => self.null,
            Some(_) => self.empty,
        }
    }
}

words! {
    /// When a field is written.
    pub enum Write {
        /// On create and on update.
        Always = "always",
        /// Only when the record is made.
        Create = "create",
        /// Only on records that exist.
        Update = "update",
    }
}

/// One field pair.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldMapping {
    /// What people call it.
    pub name: String,
    /// Intercom's field; empty for a constant.
    pub intercom: String,
    /// Further fields of Intercom that a name or text is made of.
    pub also: Vec<String>,
    /// The CRM's fields; more than one where a value is split.
    pub crm: Vec<String>,
    /// Which way changes travel.
    pub direction: Direction,
    /// Whose value counts.
    pub owner: Owner,
    /// Of a mirrored field: the side that holds the original.
    pub original: Option<Side>,
    /// Of a field both ways with one owner: the other side's value is taken where the owner has none.
    pub fill: bool,
    /// How a value is turned.
    pub transform: Transform,
    /// What an empty value does.
    pub blanks: Blanks,
    /// When it is written.
    pub write: Write,
    /// Upper and lower case are the same here.
    pub ignore_case: bool,
    /// The values the target takes (of a field both ways: the CRM); empty for any.
    pub allowed: Vec<String>,
    /// What the target holds, where the file says so; checked before a write.
    pub kind: Option<FieldKind>,
    /// Only for Intercom contacts of this role: `user` or `lead`; empty for all.
    pub role: String,
    /// The role that conflicts are shown to first.
    pub decides: String,
    /// Where it begins in its file, counted from 1.
    pub line: usize,
}

impl FieldMapping {
    /// The rule in words, for a conflict's explanation.
    pub fn rule(&self) -> String {
        let owner = match (self.owner, self.original) {
            (Owner::Intercom, _) => "Intercom owns it",
            (Owner::Crm, _) => "the CRM owns it",
            (Owner::Mirrored, Some(Side::Crm)) => "Intercom shows a read-only copy of the CRM's",
            (Owner::Mirrored, _) => "the CRM shows a read-only copy of Intercom's",
            (Owner::Newest, _) => "the newest value wins",
            (Owner::Review, _) => "a human decides when both changed",
            (Owner::Consent, _) => "an opt-out on either side wins",
        };
        let left: Vec<&str> = match &self.transform {
            Transform::Constant(_) => vec!["(constant)"],
            _ => self.intercom_fields().collect(),
        };
        format!("{} {} {}: {owner}", left.join(" + "), self.direction.arrow(), self.crm.join(" + "))
    }

    /// Intercom's fields it reads or writes: none for a constant, several for a name or text made of them.
    pub fn intercom_fields(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.intercom.as_str())
            .filter(|field| !field.is_empty())
            .chain(self.also.iter().map(String::as_str))
    }

    /// The fields it may write on a side.
    pub fn written(&self, side: Side) -> Vec<&str> {
        match side {
            _ if !self.direction.writes(side) => Vec::new(),
            Side::Crm => self.crm.iter().map(String::as_str).collect(),
            Side::Intercom => vec![self.intercom.as_str()],
        }
    }

    /// The side whose value counts, where it is always the same one.
    pub const fn one_owner(&self) -> Option<Side> {
        match (self.owner, self.original) {
            (Owner::Intercom, _) => Some(Side::Intercom),
            (Owner::Crm, _) => Some(Side::Crm),
            (Owner::Mirrored, original) => original,
            _ => None,
        }
    }

    /// The side that only shows a copy which nobody should edit, of a mirrored field.
    pub const fn read_only(&self) -> Option<Side> {
        match (self.owner, self.original) {
            (Owner::Mirrored, Some(Side::Intercom)) => Some(Side::Crm),
            (Owner::Mirrored, Some(Side::Crm)) => Some(Side::Intercom),
            _ => None,
        }
    }
}

/// By which pair of fields records of the two sides are looked up before one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchKey {
    /// Intercom's field.
    pub intercom: String,
    /// The CRM's field.
    pub crm: String,
}

/// A whole mapping of one pair of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// What files and commands call it.
    pub name: String,
    /// Counts its editions.
    pub version: u32,
    /// Which of Intercom's objects.
    pub intercom: ObjectKind,
    /// Which of the CRM's objects.
    pub crm: ObjectKind,
    /// Whose CRM; none for any.
    pub system: Option<System>,
    /// Records of the CRM are made by it.
    pub creates: bool,
    /// Attributes that Intercom does not have yet may be defined there.
    pub define: bool,
    /// The CRM's field that holds Intercom's id; empty where nothing is made there.
    pub crm_identity: String,
    /// Intercom's field that holds the CRM's id; may be empty.
    pub intercom_identity: String,
    /// How a record without a cross-reference is looked up: each is asked, in this order.
    pub keys: Vec<MatchKey>,
    /// The field pairs, in the order of the file.
    pub fields: Vec<FieldMapping>,
    /// The file it was read from, for messages.
    pub file: String,
    /// The file's text, for showing and editing.
    pub text: String,
}

/// A mapping that must not be used; says where, why and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MappingError {
    /// The file as given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
    /// What would be right; may be empty.
    pub fix: String,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.why)?;
        if !self.fix.is_empty() {
            write!(f, "; {}", self.fix)?;
        }
        Ok(())
    }
}

impl Mapping {
    /// The contact mapping that ships with Reknit, for HubSpot.
    pub fn shipped() -> Self {
        Self::parse(include_str!("../../assets/mapping/contact.toml"), "contact.toml")
            .expect("the shipped mapping is checked by a test")
    }

    /// The shipped mapping of contacts with a CRM.
    pub fn shipped_for(crm: System) -> Self {
        match crm {
            System::Salesforce => Self::parse(
                include_str!("../../assets/mapping/contact-salesforce.toml"),
                "contact-salesforce.toml",
            )
            .expect("the shipped mappings are checked by a test"),
            _ => Self::shipped(),
        }
    }

    /// The shipped mapping of Salesforce's leads.
    pub fn shipped_leads() -> Self {
        Self::parse(include_str!("../../assets/mapping/lead.toml"), "lead.toml")
            .expect("the shipped mappings are checked by a test")
    }

    /// Reads a mapping; `file` is only for messages. Of several errors the first is given.
    pub fn parse(text: &str, file: &str) -> Result<Self, MappingError> {
        Self::read(text, file).map_err(|errors| {
            errors.into_iter().next().unwrap_or_else(|| MappingError {
                file: file.to_owned(),
                line: 1,
                why: "it cannot be read".into(),
                fix: String::new(),
            })
        })
    }

    /// Reads a mapping; all that is wrong with it is told at once, in the order of its lines.
    pub fn read(text: &str, file: &str) -> Result<Self, Vec<MappingError>> {
        read::mapping(text, file)
    }

    /// A field by the name people call it.
    pub fn field(&self, name: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that writes one of the CRM's fields.
    pub fn field_of_crm(&self, crm: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|field| field.crm.iter().any(|name| name.eq_ignore_ascii_case(crm)))
    }

    /// What a new record of the CRM begins with: every field that has something to say, and those that cannot be
    /// turned, each with the reason. Fields that are only updated are left out.
    pub fn made(&self, left: &Fields) -> (Fields, Vec<(&FieldMapping, super::transform::Refusal)>) {
        super::judge::made(self, left)
    }
}
