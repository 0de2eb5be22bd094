//! Whether the target of a write would take a value: asked before the write, so that only this field is held back.
//!
//! It knows what the mapping's file says and, where given, what the vendor's schema says; it never changes a value.

use serde_json::Value;

use crate::domain::review::ConflictKind;
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};
use crate::mapping::file::{FieldMapping, Side};
use crate::mapping::transform::{day, is_blank, nearest, number, plain, time, truth};

/// The vendors' schemas of the two records, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schemas<'a> {
    /// Intercom's.
    pub left: Option<&'a ObjectSchema>,
    /// The CRM's.
    pub right: Option<&'a ObjectSchema>,
}

impl<'a> Schemas<'a> {
    fn of(&self, side: Side) -> Option<&'a ObjectSchema> {
        match side {
            Side::Intercom => self.left,
            Side::Crm => self.right,
        }
    }

    fn field(&self, side: Side, name: &str) -> Option<&'a FieldSchema> {
        self.of(side)?.field(name)
    }

    /// The options of a field; none where it has none or nothing is known.
    pub(super) fn options(&self, side: Side, name: &str) -> &'a [OptionValue] {
        self.field(side, name).map(|field| field.options.as_slice()).unwrap_or_default()
    }
}

/// The target takes the value, or why not and what it would take.
pub(super) fn takes(
    field: &FieldMapping,
    side: Side,
    name: &str,
    value: &Value,
    schemas: Schemas<'_>,
) -> Result<(), (ConflictKind, Vec<String>)> {
    let schema = schemas.field(side, name);
    if schemas.of(side).is_some() && schema.is_none() {
        return Err((ConflictKind::UnknownField, Vec::new()));
    }
    if is_blank(value) {
        return Ok(());
    }
    // What the file says is about the CRM where the field goes there at all.
    let spoken_of = side == Side::Crm || !field.direction.writes(Side::Crm);
    if spoken_of && !field.allowed.is_empty() {
        let text = plain(value);
        let text = text.trim();
        let alike = |allowed: &String| {
            allowed == text || (field.ignore_case && allowed.to_lowercase() == text.to_lowercase())
        };
        if !field.allowed.iter().any(alike) {
            let offered = field.allowed.iter().map(|allowed| (allowed.as_str(), allowed.clone()));
            return Err((ConflictKind::NotAllowed, nearest(text, offered)));
        }
    }
    if spoken_of && field.kind.is_some_and(|kind| !fits(kind, value)) {
        return Err((ConflictKind::WrongType, Vec::new()));
    }
    let Some(schema) = schema else { return Ok(()) };
    if !fits(schema.kind, value) {
        return Err((ConflictKind::WrongType, Vec::new()));
    }
    let text = plain(value);
    let chosen: Vec<&str> = match schema.kind {
        FieldKind::Option => vec![text.trim()],
        FieldKind::Options => text.split(';').map(str::trim).filter(|one| !one.is_empty()).collect(),
        _ => Vec::new(),
    };
    let offered = || schema.options.iter().filter(|option| !option.retired);
    for one in chosen {
        if !schema.options.is_empty() && !offered().any(|option| option.value == one) {
            // By label as well as by value: people type what they see.
            let words = offered().flat_map(|option| {
                [(option.value.as_str(), option.value.clone()), (option.label.as_str(), option.value.clone())]
            });
            return Err((ConflictKind::NotAllowed, nearest(one, words)));
        }
    }
    if schema.longest.is_some_and(|longest| text.chars().nth(longest as usize).is_some()) {
        return Err((ConflictKind::WrongType, Vec::new()));
    }
    Ok(())
}

/// A value could stand in a field of a kind.
fn fits(kind: FieldKind, value: &Value) -> bool {
    let scalar = !matches!(value, Value::Array(_) | Value::Object(_));
    match kind {
        FieldKind::Number => number(value).is_some(),
        FieldKind::Boolean => truth(value).is_some(),
        FieldKind::Date => day(value).is_some(),
        FieldKind::DateTime => time(value).is_some(),
        FieldKind::Text | FieldKind::Option | FieldKind::Options | FieldKind::Reference => scalar,
        FieldKind::Other => true,
    }
}
