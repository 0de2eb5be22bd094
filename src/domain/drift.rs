//! What changed in a vendor's objects since somebody last accepted how they look, and which rules use what changed.
//!
//! Pure: two schemas and a list of uses give the same findings each time. It pauses nothing and stores nothing; a change
//! that no rule uses is no finding.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::record::{Connection, ObjectKind};
use super::schema::FieldSchema;

mod compare;
mod uses;

pub use compare::{accept, diff, take_gains};
pub use uses::{CreateUse, FieldUse, UserKind, Uses, hits};

words! {
    /// What kind of change.
    pub enum DriftKind {
        /// The field is gone, or we may not see it any more.
        Removed = "removed",
        /// The field has another name.
        Renamed = "renamed",
        /// What people see of it reads otherwise.
        Relabelled = "relabelled",
        /// It holds another kind of value.
        Retyped = "retyped",
        /// Options are gone or not offered any more.
        OptionsRemoved = "options_removed",
        /// There are options more.
        OptionsAdded = "options_added",
        /// Options read otherwise; what is written is the same.
        OptionsRelabelled = "options_relabelled",
        /// We may not write it any more.
        ReadOnly = "read_only",
        /// A record cannot be made without it any more.
        Required = "required",
        /// We may not make such records any more.
        NotCreatable = "not_creatable",
        /// We may not change such records any more.
        NotUpdatable = "not_updatable",
        /// We may not see what such records look like any more.
        Unreadable = "unreadable",
    }
}

/// One thing that is not as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    pub connection: Connection,
    /// Of which kind of record.
    pub object: ObjectKind,
    /// Which field, by the name it had; empty where it is about all records of the kind.
    pub field: String,
    /// What kind of change.
    pub kind: DriftKind,
    /// How it was, in words.
    pub was: String,
    /// How it is.
    pub now: String,
    /// The options it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Change {
    /// What makes it the same finding when it is seen again.
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.connection, self.object, self.field, self.kind)
    }

    /// What happened, as a sentence.
    pub fn sentence(&self) -> String {
        use DriftKind as K;
        let (title, object, field) = (self.connection.system.title(), self.object, &self.field);
        let (was, now, values) = (&self.was, &self.now, self.values.join(", "));
        match self.kind {
            K::Removed => {
                format!("{title} has no {object} field \"{field}\" any more, or hides it from our token.")
            }
            K::Renamed => format!("{title}'s {object} field \"{field}\" is called \"{now}\" now."),
            K::Relabelled => {
                format!(
                    "{title}'s {object} field \"{field}\" reads \"{now}\" now instead of \"{was}\"; its name is the same."
                )
            }
            K::Retyped => format!("{title}'s {object} field \"{field}\" holds {now} now instead of {was}."),
            K::OptionsRemoved => {
                format!("{title}'s {object} field \"{field}\" does not take {values} any more.")
            }
            K::OptionsAdded => format!("{title}'s {object} field \"{field}\" takes {values} as well."),
            K::OptionsRelabelled => {
                format!("Options of {title}'s {object} field \"{field}\" read otherwise now: {values}.")
            }
            K::ReadOnly => {
                format!("{title} does not let our token write the {object} field \"{field}\" any more.")
            }
            K::Required => format!("{title} makes no {object} without \"{field}\" any more."),
            K::NotCreatable => format!("{title} does not let our token make a {object} any more."),
            K::NotUpdatable => format!("{title} does not let our token change a {object} any more."),
            K::Unreadable => {
                format!("{title} does not tell our token what a {object} looks like any more: {now}")
            }
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        use DriftKind as K;
        let (title, object, field) = (self.connection.system.title(), self.object, &self.field);
        match self.kind {
            K::Removed => format!(
                "Bring \"{field}\" back in {title}, give our token the right to see it, or map another field, and accept."
            ),
            K::Renamed => {
                format!("Write \"{}\" instead of \"{field}\" in the files named, and accept.", self.now)
            }
            K::Relabelled | K::OptionsRelabelled | K::OptionsAdded => {
                "Nothing has to be done; accept it when you have seen it.".to_owned()
            }
            K::Retyped => {
                format!("Choose a transform that fits {} in the files named, and accept.", self.now)
            }
            K::OptionsRemoved => {
                format!(
                    "Give \"{field}\" its options back in {title}, or take them out of the files named, and accept."
                )
            }
            K::ReadOnly => {
                format!("Give our token the right to write \"{field}\", or map it the other way, and accept.")
            }
            K::Required => format!("Fill \"{field}\" in the files named, and accept."),
            K::NotCreatable | K::NotUpdatable | K::Unreadable => {
                format!("Give our token its right to {object} records of {title} back.")
            }
        }
    }
}

words! {
    /// Where a finding stands.
    pub enum DriftState {
        /// A human has not decided yet.
        Open = "open",
        /// A human took it as it is now.
        Accepted = "accepted",
        /// It is as it was, or nothing uses it any more.
        Mended = "mended",
    }
}

/// One place of a rule that a change hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Mapping or recipe.
    pub kind: UserKind,
    /// Its name.
    pub user: String,
    /// Its file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// What people call the place: the mapping's field, the recipe's action.
    pub place: String,
    /// It is held back because of this.
    pub holds: bool,
    /// Without this field nothing of the mapping can be written.
    #[serde(default)]
    pub whole: bool,
}

impl Hit {
    /// Where it is, for a list: `contact.toml:41 (Plan)`.
    pub fn at(&self) -> String {
        format!("{}:{} ({})", self.file, self.line, self.place)
    }
}

/// A finding as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its number.
    pub id: i64,
    /// What changed.
    pub change: Change,
    /// What it hits.
    pub hits: Vec<Hit>,
    /// Where it stands.
    pub state: DriftState,
    /// What it hits is held back; false once somebody resumed it.
    pub holding: bool,
    /// When it was found.
    pub found_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// What became of it, as a sentence.
    pub resolution: Option<String>,
}

impl Finding {
    /// The hits that hold something back now.
    pub fn held(&self) -> impl Iterator<Item = &Hit> {
        let holds = self.state == DriftState::Open && self.holding;
        self.hits.iter().filter(move |hit| holds && hit.holds)
    }

    /// Why something is held back, as a phrase in a plan.
    pub fn reason(&self) -> String {
        format!(
            "held back since the vendor changed it: {} (reknit drift show {})",
            self.change.sentence(),
            self.id
        )
    }
}

/// A field of a mapping that is not carried over for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftHold {
    /// The mapping's name.
    pub mapping: String,
    /// The field's name in it.
    pub field: String,
    /// Why, as a phrase.
    pub reason: String,
}

/// The kind of a field's values, with the vendor's own word where it is another.
fn word_of(field: &FieldSchema) -> String {
    if field.vendor_kind.is_empty() || field.vendor_kind == field.kind.as_str() {
        return field.kind.to_string();
    }
    format!("{} ({})", field.kind, field.vendor_kind)
}

/// A schema nobody may see: what is compared when a vendor refuses to tell.
pub fn unreadable(connection: &Connection, object: ObjectKind, words: &str) -> Change {
    Change {
        connection: connection.clone(),
        object,
        field: String::new(),
        kind: DriftKind::Unreadable,
        was: "readable".into(),
        now: words.to_owned(),
        values: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
