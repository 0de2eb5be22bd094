//! The mapping as it stands in a TOML file, read with errors that name the line; without an owner it does not load.

use serde::Deserialize;
use toml::Spanned;

use super::transform::Transform;
use crate::domain::record::{Fields, System};
use crate::domain::words;

words! {
    /// Which way a field's changes travel.
    pub enum Direction {
        /// From Intercom to the CRM only.
        ToCrm = "to_crm",
        /// From the CRM to Intercom only.
        ToIntercom = "to_intercom",
        /// Both ways.
        Both = "both",
    }
}

impl Direction {
    /// As an arrow between Intercom (left) and the CRM (right).
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::ToCrm => "→",
            Self::ToIntercom => "←",
            Self::Both => "↔",
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
    /// Intercom's field.
    pub intercom: String,
    /// The CRM's fields; more than one where a value is split.
    pub crm: Vec<String>,
    /// Which way changes travel.
    pub direction: Direction,
    /// Whose value counts.
    pub owner: Owner,
    /// How a value is turned.
    pub transform: Transform,
    /// What an empty value does.
    pub blank: Blank,
    /// When it is written.
    pub write: Write,
    /// Upper and lower case are the same here.
    pub ignore_case: bool,
    /// The role that conflicts are shown to first.
    pub decides: String,
}

impl FieldMapping {
    /// The rule in words, for a conflict's explanation.
    pub fn rule(&self) -> String {
        let owner = match self.owner {
            Owner::Intercom => "Intercom owns it",
            Owner::Crm => "the CRM owns it",
            Owner::Newest => "the newest value wins",
            Owner::Review => "a human decides when both changed",
            Owner::Consent => "an opt-out on either side wins",
        };
        format!("{} {} {}: {owner}", self.intercom, self.direction.arrow(), self.crm.join(" + "))
    }
}

/// A whole mapping of one pair of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Counts its editions.
    pub version: u32,
    /// The CRM's field that holds Intercom's id.
    pub crm_identity: String,
    /// Intercom's field that holds the CRM's id.
    pub intercom_identity: String,
    /// The field pairs, in the order of the file.
    pub fields: Vec<FieldMapping>,
}

/// A mapping that must not be used; says where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {why}")]
pub struct MappingError {
    /// The file as given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    version: u32,
    identity: IdentityText,
    #[serde(default)]
    field: Vec<Spanned<FieldText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityText {
    crm: String,
    intercom: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldText {
    name: String,
    intercom: String,
    crm: Vec<String>,
    direction: Spanned<Direction>,
    owner: Option<Spanned<Owner>>,
    transform: Spanned<String>,
    #[serde(default)]
    table: Option<Fields>,
    blank: Option<Blank>,
    write: Option<Write>,
    #[serde(default)]
    ignore_case: bool,
    decides: Option<String>,
}

impl Mapping {
    /// The mapping that ships with Reknit.
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

    /// Reads a mapping; `file` is only for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, MappingError> {
        let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let fail = |at: usize, why: String| MappingError { file: file.to_owned(), line: line_of(at), why };
        let parsed: FileText = toml::from_str(text).map_err(|error| {
            fail(error.span().map_or(0, |span| span.start), error.message().trim().to_owned())
        })?;
        let mut fields: Vec<FieldMapping> = Vec::new();
        for spanned in parsed.field {
            let at = spanned.span().start;
            let field = spanned.into_inner();
            let Some(owner) = field.owner else {
                return Err(fail(
                    at,
                    format!(
                        "field \"{}\" has no owner; add owner = \"intercom\", \"crm\", \"newest\" or \"review\"",
                        field.name
                    ),
                ));
            };
            let transform_at = field.transform.span().start;
            let transform = Transform::named(field.transform.get_ref(), field.table)
                .map_err(|why| fail(transform_at, why))?;
            if field.crm.len() != transform.parts() {
                return Err(fail(
                    at,
                    format!(
                        "field \"{}\": transform {} gives {} value(s), but crm names {}",
                        field.name,
                        transform.name(),
                        transform.parts(),
                        field.crm.len()
                    ),
                ));
            }
            let (direction_at, direction) = (field.direction.span().start, field.direction.into_inner());
            let wrong_way = match (direction, *owner.get_ref()) {
                (Direction::ToCrm, Owner::Crm) => {
                    Some("it is only written to the CRM, so the CRM cannot own it")
                }
                (Direction::ToIntercom, Owner::Intercom) => {
                    Some("it is only written to Intercom, so Intercom cannot own it")
                }
                _ => None,
            };
            if let Some(why) = wrong_way {
                return Err(fail(direction_at, format!("field \"{}\": {why}", field.name)));
            }
            for earlier in &fields {
                if earlier.name == field.name {
                    return Err(fail(at, format!("field \"{}\" stands here twice", field.name)));
                }
                let both_to_crm =
                    earlier.direction != Direction::ToIntercom && direction != Direction::ToIntercom;
                if let Some(shared) = earlier.crm.iter().find(|name| both_to_crm && field.crm.contains(name))
                {
                    return Err(fail(
                        at,
                        format!(
                            "\"{}\" and \"{}\" both write the CRM's {shared}: one field, one writer",
                            earlier.name, field.name
                        ),
                    ));
                }
            }
            fields.push(FieldMapping {
                name: field.name,
                intercom: field.intercom,
                crm: field.crm,
                direction,
                owner: owner.into_inner(),
                transform,
                blank: field.blank.unwrap_or(Blank::Keep),
                write: field.write.unwrap_or(Write::Always),
                ignore_case: field.ignore_case,
                decides: field.decides.unwrap_or_else(|| "revops".to_owned()),
            });
        }
        Ok(Self {
            version: parsed.version,
            crm_identity: parsed.identity.crm,
            intercom_identity: parsed.identity.intercom,
            fields,
        })
    }

    /// A field by the name people call it.
    pub fn field(&self, name: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that writes one of the CRM's fields.
    pub fn field_of_crm(&self, crm: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|field| field.crm.iter().any(|name| name.eq_ignore_ascii_case(crm)))
    }
}
