//! All mapping files by name: the shipped ones, and those of one's own in their place.
//!
//! Texts come in and mappings go out; who reads the directory is not known here. Either all files are good, or none
//! is used and every error of every file is told.

use super::check;
use super::file::{Mapping, MappingError};
use crate::domain::record::{ObjectKind, System};

/// The files that ship with Reknit, by their names on disk.
pub const SHIPPED: [(&str, &str); 11] = [
    ("contact.toml", include_str!("../../assets/mapping/contact.toml")),
    ("contact-salesforce.toml", include_str!("../../assets/mapping/contact-salesforce.toml")),
    ("lead.toml", include_str!("../../assets/mapping/lead.toml")),
    ("company.toml", include_str!("../../assets/mapping/company.toml")),
    ("company-salesforce.toml", include_str!("../../assets/mapping/company-salesforce.toml")),
    ("conversation-note.toml", include_str!("../../assets/mapping/conversation-note.toml")),
    ("conversation-ticket.toml", include_str!("../../assets/mapping/conversation-ticket.toml")),
    ("conversation-task.toml", include_str!("../../assets/mapping/conversation-task.toml")),
    ("conversation-case.toml", include_str!("../../assets/mapping/conversation-case.toml")),
    ("deal.toml", include_str!("../../assets/mapping/deal.toml")),
    ("deal-salesforce.toml", include_str!("../../assets/mapping/deal-salesforce.toml")),
];

/// The mappings of an installation.
#[derive(Debug, Clone, PartialEq)]
pub struct Mappings {
    all: Vec<Mapping>,
}

/// Files that must not be used: all that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct MappingErrors(pub Vec<MappingError>);

impl Mappings {
    /// Those that ship with Reknit.
    pub fn shipped() -> Self {
        Self::with(&[]).expect("the shipped mappings are checked by a test")
    }

    /// The shipped ones, and files of one's own (name for messages, text) that take the place of those they are named
    /// like, or stand beside them.
    pub fn with(files: &[(String, String)]) -> Result<Self, MappingErrors> {
        let mut errors = Vec::new();
        let mut own: Vec<Mapping> = Vec::new();
        for (file, text) in files {
            match Mapping::read(text, file) {
                Err(found) => errors.extend(found),
                Ok(mapping) => match own.iter().find(|other| other.name == mapping.name) {
                    Some(other) => errors.push(MappingError {
                        file: file.clone(),
                        line: 1,
                        why: format!("the mapping \"{}\" stands in {} already", mapping.name, other.file),
                        fix: "give one of them another name under [mapping]".into(),
                    }),
                    None => own.push(mapping),
                },
            }
        }
        let mut all = Vec::new();
        for (file, text) in SHIPPED {
            match Mapping::read(text, file) {
                Err(found) => errors.extend(found),
                Ok(mapping) if own.iter().any(|other| other.name == mapping.name) => {}
                Ok(mapping) => all.push(mapping),
            }
        }
        // Behind the shipped ones, so that what contradicts those is told at one's own file.
        all.extend(own);
        for error in check::together(&all.iter().collect::<Vec<_>>()) {
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
        if errors.is_empty() { Ok(Self { all }) } else { Err(MappingErrors(errors)) }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.all.iter()
    }

    /// The mapping of a name.
    pub fn named(&self, name: &str) -> Option<&Mapping> {
        self.all.iter().find(|mapping| mapping.name == name)
    }

    /// The mapping of a pair of objects at one CRM; of several, one that names the CRM comes before one that does not,
    /// and one's own before a shipped one.
    pub fn for_pair(&self, system: System, intercom: ObjectKind, crm: ObjectKind) -> Option<&Mapping> {
        let fitting = self.all.iter().rev().filter(|mapping| {
            mapping.intercom == intercom
                && mapping.crm == crm
                && mapping.system.is_none_or(|own| own == system)
        });
        fitting.max_by_key(|mapping| u8::from(mapping.system.is_some()))
    }

    /// Those that may run with a CRM.
    pub fn of_system(&self, system: System) -> impl Iterator<Item = &Mapping> {
        self.all.iter().filter(move |mapping| mapping.system.is_none_or(|own| own == system))
    }
}
