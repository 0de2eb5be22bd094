//! What a vendor's objects look like: their fields, types, option lists and who may write them.
//!
//! The lints and the drift check compare it with mappings and recipes; it holds no values of records and asks nobody.

use serde::{Deserialize, Serialize};

use super::record::{Connection, ObjectKind};

words! {
    /// What a field holds, in one vocabulary for all vendors.
    pub enum FieldKind {
        /// Letters.
        Text = "text",
        /// A number with or without a fraction.
        Number = "number",
        /// Yes or no.
        Boolean = "boolean",
        /// A day.
        Date = "date",
        /// An instant.
        DateTime = "datetime",
        /// One of a list.
        Option = "option",
        /// Several of a list.
        Options = "options",
        /// Another record: an owner, a parent.
        Reference = "reference",
        /// Something Reknit neither reads nor writes.
        Other = "other",
    }
}

/// One value of an option list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionValue {
    /// What is written and compared.
    pub value: String,
    /// What people see.
    pub label: String,
    /// Not offered any more; records may still hold it.
    #[serde(default)]
    pub retired: bool,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSchema {
    /// The vendor's name of it, as [`crate::domain::record::Fields`] hold it.
    pub name: String,
    /// What people see.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// The vendor's own word for its type.
    pub vendor_kind: String,
    /// The values it takes, where it is a list; empty for all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionValue>,
    /// Our token may write it.
    pub writable: bool,
    /// A record cannot be made without it.
    #[serde(default)]
    pub required: bool,
    /// No two records hold one value.
    #[serde(default)]
    pub unique: bool,
    /// Letters it takes, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<u32>,
}

/// All fields of one kind of record at one connection, as the token sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// Whose.
    pub connection: Connection,
    /// Of which kind of record.
    pub object: ObjectKind,
    /// In the order of their names.
    pub fields: Vec<FieldSchema>,
    /// Our token may make such records.
    pub creatable: bool,
    /// Our token may change such records.
    pub updatable: bool,
}

impl ObjectSchema {
    /// A field by name; Salesforce's names do not mind case.
    pub fn field(&self, name: &str) -> Option<&FieldSchema> {
        let exact = self.fields.iter().find(|field| field.name == name);
        match self.connection.system {
            super::record::System::Salesforce => {
                exact.or_else(|| self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)))
            }
            _ => exact,
        }
    }
}
