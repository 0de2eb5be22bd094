//! One field by itself: that its owner, direction, transform and rule for blanks do not contradict each other.

use crate::domain::record::{ObjectKind, value_text};
use crate::domain::schema::FieldKind;
use crate::mapping::file::{Blank, Direction, FieldMapping, Mapping, Owner, Side, Write};
use crate::mapping::gone::gone;
use crate::mapping::transform::Transform;

type Note<'a> = &'a mut dyn FnMut(usize, String, String);

/// Notes all that is wrong with it.
pub(super) fn check(mapping: &Mapping, field: &FieldMapping, note: Note<'_>) {
    shape(field, note);
    ownership(field, note);
    single_writer(mapping, field, note);
    blanks(field, note);
    values(field, note);
    intercom(mapping, field, note);
}

fn shape(field: &FieldMapping, note: Note<'_>) {
    let name = &field.name;
    let transform = &field.transform;
    if field.crm.len() != transform.parts() {
        note(
            field.line,
            format!(
                "field \"{name}\": transform {} gives {} value(s), but crm names {}",
                transform.name(),
                transform.parts(),
                field.crm.len()
            ),
            format!("name {} field(s) under crm, or use another transform", transform.parts()),
        );
    }
    let left = field.intercom_fields().count();
    if transform.is_constant() != (left == 0) {
        let (why, fix) = if left == 0 {
            ("intercom is missing", "add intercom = \"…\"")
        } else {
            ("a constant reads nothing from Intercom", "take intercom out, or use another transform")
        };
        note(field.line, format!("field \"{name}\": {why}"), fix.into());
    }
    if left > 1 && !transform.proper().takes_several() {
        note(
            field.line,
            format!(
                "field \"{name}\": transform {} takes one field of Intercom, not {left}",
                transform.name()
            ),
            "use join_name or template for several".into(),
        );
    }
    if field.direction.writes(Side::Intercom) && !transform.proper().turns_back() {
        note(
            field.line,
            format!("field \"{name}\": there is no way back from transform {}", transform.name()),
            "write direction = \"to_crm\"".into(),
        );
    }
    if matches!(transform, Transform::Translate(_, inner) if inner.parts() > 1 || inner.takes_several() || inner.is_constant())
    {
        note(
            field.line,
            format!(
                "field \"{name}\": a single value cannot be translated under transform {}",
                transform.name()
            ),
            "take [field.translate] out".into(),
        );
    }
    if field.write == Write::Create && field.direction == Direction::ToIntercom {
        note(
            field.line,
            format!(
                "field \"{name}\": write = \"create\" is about records made in the CRM, but it goes to Intercom only"
            ),
            "take write out".into(),
        );
    }
}

fn ownership(field: &FieldMapping, note: Note<'_>) {
    let name = &field.name;
    if field.owner == Owner::Consent
        && !matches!(field.transform.proper(), Transform::Direct | Transform::Boolean | Transform::Table(_))
    {
        note(
            field.line,
            format!(
                "field \"{name}\": consent is a yes or a no, which transform {} does not give",
                field.transform.name()
            ),
            "use boolean or direct".into(),
        );
    }
    if (field.owner == Owner::Mirrored) != field.original.is_some() {
        let (why, fix) = if field.original.is_none() {
            (
                "a mirrored field does not say which side holds the original",
                "add original = \"crm\" or \"intercom\"",
            )
        } else {
            ("original is only for mirrored fields", "take it out, or write owner = \"mirrored\"")
        };
        note(field.line, format!("field \"{name}\": {why}"), fix.into());
        return;
    }
    let Some(owner) = field.one_owner() else {
        if field.fill {
            note(
                field.line,
                format!("field \"{name}\": fill is for fields with one owner"),
                "take it out: with this owner both sides may write anyway".into(),
            );
        }
        return;
    };
    let (own, other, way) = match owner {
        Side::Intercom => ("Intercom", "the CRM", "to_crm"),
        Side::Crm => ("the CRM", "Intercom", "to_intercom"),
    };
    match field.direction {
        Direction::Off => {}
        Direction::Both if field.owner == Owner::Mirrored => note(
            field.line,
            format!(
                "field \"{name}\": {other}'s copy is read-only, but direction = \"both\" takes changes from it"
            ),
            format!("write direction = \"{way}\""),
        ),
        Direction::Both if !field.fill => note(
            field.line,
            format!("field \"{name}\": {own} owns it, but both sides may write it"),
            format!(
                "write direction = \"{way}\", or add fill = true to take {other}'s value where {own} has none, or \
                 name a rule for two writers: owner = \"newest\" or \"review\""
            ),
        ),
        Direction::Both => {}
        direction if direction.writes(owner) => note(
            field.line,
            format!("field \"{name}\": it is only written to {own}, so {own} cannot own it"),
            format!("write direction = \"{way}\", or another owner"),
        ),
        _ if field.fill => note(
            field.line,
            format!("field \"{name}\": fill takes values from {other}, but nothing is written to {own}"),
            "take fill out, or write direction = \"both\"".into(),
        ),
        _ => {}
    }
}

/// What revenue and service report from must not depend on who wrote last.
fn single_writer(mapping: &Mapping, field: &FieldMapping, note: Note<'_>) {
    let lower: Vec<String> =
        field.intercom_fields().chain(field.crm.iter().map(String::as_str)).map(str::to_lowercase).collect();
    let lifecycle = lower.iter().any(|name| name.contains("lifecycle"));
    let status = mapping.crm == ObjectKind::Ticket
        && field.crm.iter().any(|name| name == "Status" || name == "hs_pipeline_stage");
    let what = match (lifecycle, status) {
        (true, _) => "the lifecycle stage",
        (_, true) => "the status of a case",
        _ => return,
    };
    let two_writers = field.direction == Direction::Both || field.one_owner().is_none();
    if two_writers && field.direction != Direction::Off {
        note(
            field.line,
            format!("field \"{}\": {what} has one writer, but here two sides may write it", field.name),
            "write owner = \"crm\" with direction = \"to_intercom\", or owner = \"intercom\" with \"to_crm\""
                .into(),
        );
    }
}

fn blanks(field: &FieldMapping, note: Note<'_>) {
    let name = &field.name;
    let rules = [field.blanks.missing, field.blanks.null, field.blanks.empty];
    let used = rules.contains(&Blank::Default);
    if used == field.blanks.default.is_null() {
        let (why, fix) = if used {
            ("a blank becomes the default, but there is none", "add default = …")
        } else {
            ("there is a default that nothing uses", "write blank = \"default\", or missing, null or empty")
        };
        note(field.line, format!("field \"{name}\": {why}"), fix.into());
        return;
    }
    if used && field.direction == Direction::Both {
        note(
            field.line,
            format!("field \"{name}\": a default has to know its target, but both sides are written"),
            "use it for a field of one direction".into(),
        );
    }
    if used && field.transform.is_constant() {
        note(
            field.line,
            format!("field \"{name}\": a constant is never blank"),
            "take the default out".into(),
        );
    }
}

fn values(field: &FieldMapping, note: Note<'_>) {
    let name = &field.name;
    let to_crm = field.direction.writes(Side::Crm);
    let gives = if to_crm { field.transform.gives() } else { field.transform.gives_back() };
    if let (Some(kind), Some(gives)) = (field.kind, gives)
        && !becomes(gives, kind)
    {
        note(
            field.line,
            format!(
                "field \"{name}\": transform {} gives a {gives}, but type = \"{kind}\"",
                field.transform.name()
            ),
            "use the transform that gives this type, or correct type".into(),
        );
    }
    if field.allowed.is_empty() {
        return;
    }
    let mut given = if to_crm { field.transform.known_values() } else { Vec::new() };
    if !field.blanks.default.is_null() {
        given.push(&field.blanks.default);
    }
    for value in given {
        let text = value_text(value);
        let alike = |allowed: &String| {
            *allowed == text || (field.ignore_case && allowed.to_lowercase() == text.to_lowercase())
        };
        if !field.allowed.iter().any(alike) {
            note(
                field.line,
                format!("field \"{name}\": it would write \"{text}\", which is not among the allowed values"),
                format!("add it to allowed, or write one of {}", field.allowed.join(", ")),
            );
        }
    }
}

/// A value of one kind may stand in a field of the other.
fn becomes(gives: FieldKind, kind: FieldKind) -> bool {
    match kind {
        FieldKind::Text | FieldKind::Option | FieldKind::Options | FieldKind::Reference => !matches!(
            (gives, kind),
            (FieldKind::Date | FieldKind::DateTime, FieldKind::Option | FieldKind::Options)
        ),
        FieldKind::DateTime => matches!(gives, FieldKind::DateTime | FieldKind::Date),
        // A table's values are what its author wrote: looked at when they are written.
        FieldKind::Number | FieldKind::Boolean | FieldKind::Date => {
            gives == kind || gives == FieldKind::Option
        }
        FieldKind::Other => true,
    }
}

fn intercom(mapping: &Mapping, field: &FieldMapping, note: Note<'_>) {
    let name = &field.name;
    if mapping.intercom != ObjectKind::Contact {
        if !field.role.is_empty() {
            note(field.line, format!("field \"{name}\": only contacts have a role"), "take role out".into());
        }
        return;
    }
    for left in field.intercom_fields() {
        if let Some((why, fix)) = gone(left) {
            note(field.line, format!("field \"{name}\": {why}"), fix);
        }
        if left.starts_with("company.") && field.direction.writes(Side::Intercom) {
            note(
                field.line,
                format!(
                    "field \"{name}\": {left} belongs to the company and cannot be written through a contact"
                ),
                "write direction = \"to_crm\", or map it in the company's file".into(),
            );
        }
    }
}
