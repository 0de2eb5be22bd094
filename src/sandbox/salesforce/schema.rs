//! The org's objects and fields: names, types, lengths, what may be written, which values a picklist takes.
//! A fixed description; rows and rules are elsewhere.

mod objects;

use std::collections::HashMap;
use std::sync::OnceLock;

/// A field's type as `describe` names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FieldType {
    Id,
    Text,
    TextArea,
    Email,
    Phone,
    Url,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Picklist,
    MultiPicklist,
    Reference,
}

impl FieldType {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Reference => "reference",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Currency | Self::Percent)
    }
}

/// One field.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "`describe` names each of them, independently of the others"
)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: FieldType,
    /// 0 where the type has none.
    pub(super) length: u32,
    pub(super) nillable: bool,
    pub(super) createable: bool,
    pub(super) updateable: bool,
    pub(super) custom: bool,
    pub(super) external_id: bool,
    pub(super) unique: bool,
    /// What a row gets when the creator says nothing.
    pub(super) default: Option<&'static str>,
    pub(super) picklist: &'static [&'static str],
    pub(super) restricted: bool,
    pub(super) reference_to: &'static [&'static str],
    /// The name SOQL and nested records use for the parent, such as `Account`.
    pub(super) relationship: Option<&'static str>,
}

impl Field {
    /// Whether the org keeps an index over it.
    pub(super) fn indexed(&self) -> bool {
        self.external_id
            || self.unique
            || matches!(self.kind, FieldType::Email | FieldType::Phone)
            // Half the org belongs to one user: an index over owners would cost more than it finds.
            || (self.kind == FieldType::Reference && self.reference_to != ["User"])
            || (self.name == "Name" && self.createable)
    }

    /// Whether leaving it out at creation is an error.
    pub(super) fn required(&self) -> bool {
        self.createable && !self.nillable && self.default.is_none() && self.kind != FieldType::Boolean
    }
}

/// One object type.
pub(super) struct ObjectType {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) plural: &'static str,
    pub(super) prefix: &'static str,
    /// Whether clients may create, change and delete rows.
    pub(super) writable: bool,
    pub(super) fields: Vec<Field>,
    by_name: HashMap<String, usize>,
}

impl ObjectType {
    /// A field by its API name, in any case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.by_name
            .get(name)
            .or_else(|| self.by_name.get(&name.to_ascii_lowercase()))
            .map(|index| &self.fields[*index])
    }

    /// The reference field behind a relationship name such as `Account` or `Owner`.
    pub(super) fn relationship(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| {
            field.relationship.is_some_and(|relationship| relationship.eq_ignore_ascii_case(name))
        })
    }
}

/// A record type: the same fields with fewer options.
pub(super) struct RecordType {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) developer_name: &'static str,
    /// Picklists that offer less here.
    narrowed: &'static [(&'static str, &'static [&'static str])],
}

impl RecordType {
    /// Whether this is the one every object has.
    pub(super) fn master(&self) -> bool {
        self.developer_name == "Master"
    }

    /// The options of a picklist under this record type.
    pub(super) fn options(&self, field: &Field) -> &'static [&'static str] {
        let narrowed = self.narrowed.iter().find(|(name, _)| *name == field.name);
        narrowed.map_or(field.picklist, |(_, options)| options)
    }
}

const MASTER: RecordType =
    RecordType { id: "012000000000000AAA", name: "Master", developer_name: "Master", narrowed: &[] };

/// Leads that came in by themselves; sales sees fewer options for them.
const SELF_SERVICE: RecordType = RecordType {
    id: "012xx0000000001AAA",
    name: "Self Service",
    developer_name: "Self_Service",
    narrowed: &[("LeadSource", &["Web", "Chat"]), ("Plan__c", &["trial", "starter"])],
};

impl ObjectType {
    /// The record types of the object, the master first.
    pub(super) fn record_types(&self) -> &'static [RecordType] {
        if self.name == "Lead" { &[MASTER, SELF_SERVICE] } else { &[MASTER] }
    }
}

/// Every object type of the org.
pub(super) fn all() -> &'static [ObjectType] {
    static ALL: OnceLock<Vec<ObjectType>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut types = objects::standing();
        for object in &mut types {
            for (index, field) in object.fields.iter().enumerate() {
                object.by_name.insert(field.name.to_owned(), index);
                object.by_name.insert(field.name.to_ascii_lowercase(), index);
            }
        }
        types
    })
}

/// Where an object type stands in `all`, by its API name in any case.
pub(super) fn position(name: &str) -> Option<usize> {
    all().iter().position(|object| object.name.eq_ignore_ascii_case(name))
}

/// An object type by its API name, in any case.
pub(super) fn object(name: &str) -> Option<&'static ObjectType> {
    position(name).map(|index| &all()[index])
}

/// The object type whose ids begin so.
pub(super) fn of_id(id: &str) -> Option<&'static ObjectType> {
    let prefix = id.get(..3)?;
    all().iter().find(|object| object.prefix == prefix)
}
