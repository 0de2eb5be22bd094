//! Which kinds of values a transform takes and gives, and which of two fields' kinds therefore do not fit.

use crate::domain::schema::FieldKind as K;
use crate::domain::schema::{FieldKind, FieldSchema};
use crate::mapping::file::{FieldMapping, Side};
use crate::mapping::transform::Transform;

/// Why a field's value cannot go into a target of this kind, and what to write instead. Without a source only the
/// target is judged.
pub(super) fn misfit(
    field: &FieldMapping,
    side: Side,
    source: Option<&FieldSchema>,
    target: &FieldSchema,
) -> Option<(String, String)> {
    let transform = inner(&field.transform);
    let (name, kind) = (&target.name, target.kind);
    let from = source.map(|source| (source.name.as_str(), source.kind));
    if kind == FieldKind::Other {
        let what = format!("{name} holds {}, which Reknit does not write", word(target));
        return Some((what, "map another field".into()));
    }
    let does_not_hold = |gives: &str, fix: &str| {
        Some((
            format!("transform {} gives {gives}, and {name} holds {}", transform.name(), word(target)),
            fix.to_owned(),
        ))
    };
    let is = |kinds: &[FieldKind]| kinds.contains(&kind);
    match transform {
        Transform::Direct => {
            let (from, source) = from?;
            let fix = direct(source, target, side, !field.allowed.is_empty())?;
            Some((format!("{from} holds {} and {name} holds {}", phrase(source), word(target)), fix))
        }
        Transform::SplitName | Transform::SplitLastName | Transform::JoinName | Transform::Template(_)
            if !is(&[K::Text]) =>
        {
            does_not_hold("a text", "map a text field")
        }
        Transform::UnixToIso => {
            let fits = if side == Side::Crm {
                is(&[K::DateTime, K::Text])
            } else {
                is(&[K::DateTime, K::Number, K::Text])
            };
            let takes =
                from.is_none_or(|(_, kind)| matches!(kind, K::DateTime | K::Date | K::Number | K::Text));
            match (takes, fits) {
                (false, _) => refuses(field, from),
                (_, false) if kind == K::Date => does_not_hold("an instant", "write transform = \"date\""),
                (_, false) => {
                    does_not_hold("an instant", "map a field for a date and time, or another transform")
                }
                _ => None,
            }
        }
        Transform::Date => {
            let takes =
                from.is_none_or(|(_, kind)| matches!(kind, K::DateTime | K::Date | K::Number | K::Text));
            let fits = if side == Side::Crm {
                is(&[K::Date, K::Text])
            } else {
                is(&[K::DateTime, K::Date, K::Number, K::Text])
            };
            match (takes, fits) {
                (false, _) => refuses(field, from),
                (_, false) if kind == K::DateTime => {
                    does_not_hold("a day", "write transform = \"unix_to_iso\"")
                }
                (_, false) => does_not_hold("a day", "map a field for a date, or another transform"),
                _ => None,
            }
        }
        Transform::Number => match from {
            Some((_, kind)) if !matches!(kind, K::Number | K::Text | K::Option) => refuses(field, from),
            _ if !is(&[K::Number, K::Text]) => {
                does_not_hold("a number", "map a number field, or write transform = \"direct\"")
            }
            _ => None,
        },
        Transform::Boolean => match from {
            Some((_, kind)) if !matches!(kind, K::Boolean | K::Text | K::Number | K::Option) => {
                refuses(field, from)
            }
            _ if !is(&[K::Boolean, K::Text, K::Option]) => {
                does_not_hold("yes or no", "map a field for yes or no")
            }
            _ => None,
        },
        Transform::Option(_) if side == Side::Crm && !is(&[K::Option, K::Options, K::Reference, K::Text]) => {
            does_not_hold("an option", "map a field with a list of options, or write transform = \"table\"")
        }
        Transform::Option(_) if side == Side::Intercom && !is(&[K::Text, K::Option]) => {
            does_not_hold("a label", "map a text attribute")
        }
        // What stands in a table or a constant is judged value by value.
        _ => None,
    }
}

/// The transform proper, behind a table of translations.
fn inner(transform: &Transform) -> &Transform {
    match transform {
        Transform::Translate(_, inner) => inner,
        other => other,
    }
}

fn refuses(field: &FieldMapping, from: Option<(&str, FieldKind)>) -> Option<(String, String)> {
    let (name, kind) = from?;
    let what =
        format!("transform {} does not take {}, which {name} holds", field.transform.name(), phrase(kind));
    Some((what, "write transform = \"direct\", or map another field".into()))
}

/// What to write instead of `direct`; none where values can go as they are.
fn direct(source: FieldKind, target: &FieldSchema, side: Side, has_values: bool) -> Option<String> {
    let by = |transform: &str| Some(format!("write transform = \"{transform}\""));
    let table = || Some("write transform = \"table\" with a [field.table] of both sides' values".to_owned());
    match (source, target.kind) {
        // Intercom's instants are seconds since 1970, which say little in a text; a CRM's are texts already.
        (K::DateTime, K::Text) => (side == Side::Crm).then(|| "write transform = \"unix_to_iso\"".to_owned()),
        (K::DateTime, K::DateTime) => by("unix_to_iso"),
        (K::DateTime | K::Date, K::Date) | (K::Date, K::DateTime) => by("date"),
        (_, K::Text) => None,
        (one, other) if one == other && one != K::Reference => None,
        (K::Text | K::Option, K::Number) => by("number"),
        (K::Text | K::Option, K::Boolean) => by("boolean"),
        (K::Text | K::Number, K::DateTime) => by("unix_to_iso"),
        (K::Text | K::Number, K::Date) => by("date"),
        (K::Text, K::Option | K::Options) if has_values => None,
        (K::Option, K::Options) => None,
        (_, K::Option | K::Options) => table(),
        (_, K::Reference) => Some(
            "write transform = \"table\" with the ids of both sides: an id of one system means nothing to the other".into(),
        ),
        _ => Some("map a field of the same kind, or choose a transform that turns one into the other".into()),
    }
}

/// The kind as a person says it.
const fn phrase(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Number => "a number",
        FieldKind::Boolean => "yes or no",
        FieldKind::Date => "a date",
        FieldKind::DateTime => "a date and time",
        FieldKind::Option => "one of a list",
        FieldKind::Options => "several of a list",
        FieldKind::Reference => "another record",
        FieldKind::Other => "something else",
    }
}

/// The same, with the vendor's word where it says more.
fn word(field: &FieldSchema) -> String {
    let kind = field.kind.as_str();
    if field.vendor_kind.is_empty() || field.vendor_kind.eq_ignore_ascii_case(kind) {
        return phrase(field.kind).to_owned();
    }
    format!("{} ({})", phrase(field.kind), field.vendor_kind)
}
