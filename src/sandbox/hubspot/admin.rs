//! What an administrator of the portal does to its properties from outside the API: new names, other types, options that
//! go, rights that are taken. Changes no record.

use super::Portal;
use super::shelf::Kind;
use crate::sandbox::Sandbox;
use crate::sandbox::desk::lock;

/// One thing an administrator does to a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyEdit<'a> {
    /// It has another internal name.
    Name(&'a str),
    /// It reads otherwise.
    Label(&'a str),
    /// It holds another type of values: `string`, `number`, …
    Type(&'a str),
    /// It offers an option no more.
    WithoutOption(&'a str),
    /// It offers an option more: value and label.
    Option(&'a str, &'a str),
    /// Whether apps may write its values.
    ReadOnly(bool),
    /// Whether it is in the bin.
    Archived(bool),
}

impl Portal {
    fn edit_property(&mut self, kind: Kind, name: &str, edit: PropertyEdit<'_>) -> bool {
        if let PropertyEdit::Name(new) = edit {
            return self.shelf_mut(kind).rename_property(name, new);
        }
        let Some(property) = self.shelf_mut(kind).property_mut(name) else { return false };
        match edit {
            PropertyEdit::Name(_) => {}
            PropertyEdit::Label(label) => label.clone_into(&mut property.label),
            PropertyEdit::Type(data_type) => data_type.clone_into(&mut property.data_type),
            PropertyEdit::WithoutOption(value) => property.options.retain(|(known, _)| known != value),
            PropertyEdit::Option(value, label) => property.options.push((value.to_owned(), label.to_owned())),
            PropertyEdit::ReadOnly(read_only) => property.read_only = read_only,
            PropertyEdit::Archived(archived) => property.archived = archived,
        }
        true
    }
}

impl Sandbox {
    /// An administrator of HubSpot's portal changes a property of `contacts`, `companies`, `deals` or `tickets`; false
    /// where there is none of that name.
    pub fn edit_hubspot_property(&self, kind: &str, name: &str, edit: PropertyEdit<'_>) -> bool {
        let Some(kind) = Kind::read(kind) else { return false };
        lock(&self.world.hubspot).edit_property(kind, name, edit)
    }
}
