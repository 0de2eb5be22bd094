//! Small changes to a mapping file that keep everything else as it was written, comments too.
//!
//! Text in, text out; each result has been read again, so a change that would not load is refused with its reason
//! and changes nothing. Who writes the file, and when, is decided elsewhere.

use toml_edit::{DocumentMut, Item, Table, value};

use super::file::{Direction, Mapping, MappingError, Side};
use super::transform::Transform;

/// Why a file stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file, before or after the change, would not load.
    #[error("{0}")]
    NotLoaded(MappingError),
    /// The file has no such field.
    #[error("{file} has no field \"{field}\"; it has {known}")]
    NoField {
        /// The name asked for.
        field: String,
        /// The mapping's name.
        file: String,
        /// The fields there are.
        known: String,
    },
    /// A value with several parts has no table.
    #[error("field \"{0}\" splits or joins values: a single value cannot be translated there")]
    NoTable(String),
}

/// Adds a pair to the field's table: Intercom's value becomes the CRM's, and back. A pair that is there is replaced.
pub fn add_translation(text: &str, field: &str, from: &str, to: &str) -> Result<String, EditError> {
    let mapping = read(text)?;
    let known = find(&mapping, field)?;
    let key = match known.transform.proper() {
        Transform::Table(_) => "table",
        transform if transform.parts() == 1 && !transform.takes_several() && !transform.is_constant() => {
            "translate"
        }
        _ => return Err(EditError::NoTable(field.to_owned())),
    };
    changed(text, field, |entry| {
        let table = entry.entry(key).or_insert_with(|| Item::Table(Table::new()));
        if let Some(table) = table.as_table_like_mut() {
            match table.get_mut(from) {
                Some(item) => put(item, to),
                None => {
                    table.insert(from, value(to));
                }
            }
        }
    })
}

/// Sets which way a field's changes travel.
pub fn set_direction(text: &str, field: &str, direction: Direction) -> Result<String, EditError> {
    find(&read(text)?, field)?;
    changed(text, field, |entry| {
        // With one way left there is nothing to fill from the other side any more.
        if direction != Direction::Both {
            entry.remove("fill");
        }
        match entry.get_mut("direction") {
            Some(item) => put(item, direction.as_str()),
            None => {
                entry.insert("direction", value(direction.as_str()));
            }
        }
    })
}

/// Takes one direction out of a field: nothing of it is written to that side any more. The last one switches it off.
pub fn disable(text: &str, field: &str, side: Side) -> Result<String, EditError> {
    let mapping = read(text)?;
    let left = find(&mapping, field)?.direction.without(side);
    set_direction(text, field, left)
}

fn read(text: &str) -> Result<Mapping, EditError> {
    Mapping::parse(text, "the mapping").map_err(EditError::NotLoaded)
}

fn find<'a>(mapping: &'a Mapping, field: &str) -> Result<&'a super::FieldMapping, EditError> {
    mapping.field(field).ok_or_else(|| EditError::NoField {
        field: field.to_owned(),
        file: format!("the mapping \"{}\"", mapping.name),
        known: mapping.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// A new value in the place of an old one, with what stood around it.
fn put(item: &mut Item, text: &str) {
    let decor = item.as_value().map(|value| value.decor().clone());
    *item = value(text);
    if let (Some(decor), Some(value)) = (decor, item.as_value_mut()) {
        *value.decor_mut() = decor;
    }
}

fn changed(text: &str, field: &str, change: impl FnOnce(&mut Table)) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        EditError::NotLoaded(MappingError {
            file: "the mapping".into(),
            line: 1,
            why: error.message().trim().to_owned(),
            fix: String::new(),
        })
    })?;
    let tables = document.get_mut("field").and_then(Item::as_array_of_tables_mut);
    let entry = tables.and_then(|tables| {
        tables.iter_mut().find(|entry| entry.get("name").and_then(Item::as_str) == Some(field))
    });
    if let Some(entry) = entry {
        change(entry);
    }
    let changed = document.to_string();
    read(&changed)?;
    Ok(changed)
}

#[cfg(test)]
mod tests;
