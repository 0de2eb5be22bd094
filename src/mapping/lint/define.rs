//! Attributes that a mapping writes and Intercom does not have yet: each becomes one effect that makes it.

use crate::domain::plan::Effect;
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema};
use crate::mapping::file::{FieldMapping, Mapping, Side};
use crate::mapping::transform::Transform;

/// What would have to be made in Intercom so that the mapping can be carried out; nothing where the mapping says
/// `define = false`. Of the right kind where the CRM's schema tells it, else text.
pub fn missing_attributes(
    mapping: &Mapping,
    intercom: &ObjectSchema,
    crm: Option<&ObjectSchema>,
) -> Vec<Effect> {
    if !mapping.define {
        return Vec::new();
    }
    let mut effects: Vec<Effect> = Vec::new();
    let mut add = |field: &str, kind, options| {
        let custom = field.starts_with("custom_attributes.");
        let known = effects
            .iter()
            .any(|effect| matches!(effect, Effect::DefineField { field: made, .. } if made == field));
        if custom && !known && intercom.field(field).is_none() {
            effects.push(Effect::DefineField {
                connection: intercom.connection.clone(),
                object: intercom.object,
                field: field.to_owned(),
                kind,
                options,
            });
        }
    };
    for field in mapping.fields.iter().filter(|field| field.direction.writes(Side::Intercom)) {
        let source = field.crm.first().and_then(|name| crm.and_then(|schema| schema.field(name)));
        let (kind, options) = kind(field, source);
        add(&field.intercom, kind, options);
    }
    add(&mapping.intercom_identity, FieldKind::Text, Vec::new());
    effects
}

fn kind(field: &FieldMapping, source: Option<&FieldSchema>) -> (FieldKind, Vec<String>) {
    let transform = match &field.transform {
        Transform::Translate(_, inner) => inner,
        other => other,
    };
    let kind = match transform {
        Transform::UnixToIso | Transform::Date => FieldKind::DateTime,
        Transform::Number => FieldKind::Number,
        Transform::Boolean => FieldKind::Boolean,
        Transform::Constant(value) if value.is_boolean() => FieldKind::Boolean,
        Transform::Constant(value) if value.is_number() => FieldKind::Number,
        // A list in Intercom would refuse what the CRM adds to its own one day: text takes it.
        Transform::Direct => match source.map(|source| source.kind) {
            Some(kind @ (FieldKind::Number | FieldKind::Boolean)) => kind,
            _ => FieldKind::Text,
        },
        _ => FieldKind::Text,
    };
    if let Some(told) = field.kind.filter(|_| !field.direction.writes(Side::Crm)) {
        let options = if told == FieldKind::Option { field.allowed.clone() } else { Vec::new() };
        return (told, options);
    }
    (kind, Vec::new())
}
