//! Carrying out what a human decided about a conflict; merges and links have files of their own beside this one.
//!
//! The same functions make the preview and the plan that runs; only the facts differ in age. They never widen a
//! decision: a conflict writes its own field and no other.

use serde_json::Value;

use super::contact_sync::{Planned, update_step};
use crate::domain::agreement::Agreement;
use crate::domain::merge::is_stamp;
use crate::domain::record::{Fields, Mirror, RecordRef, System, value_text};
use crate::domain::review::{Choice, Conflict, ConflictKind};
use crate::mapping::judge::{left_value, right_as_one, right_values, same};
use crate::mapping::transform::{Refusal, Transform, is_blank};
use crate::mapping::{FieldMapping, Mapping};

/// A decision that cannot be carried out; says why and what would be possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

/// Plans the settlement of a conflict of a kind on `field`.
pub fn resolve(
    choice: &Choice,
    kind: ConflictKind,
    field: &FieldMapping,
    left: &Mirror,
    right: &Mirror,
    mapping: &Mapping,
) -> Result<Planned, Impossible> {
    let left_now = left_value(field, &left.fields);
    let right_now = right_values(field, &right.fields);
    let (left_then, right_then) = outcome(choice, kind, field, &left_now, &right_now)?;
    let mut planned = Planned::default();
    let to_right: Fields = field
        .crm
        .iter()
        .zip(&right_then)
        .zip(&right_now)
        .filter(|((_, new), old)| !same(field, new, old))
        .map(|((name, new), _)| (name.clone(), new.clone()))
        .collect();
    if !to_right.is_empty() {
        planned.plan.steps.push(update_step(right, to_right, mapping));
    }
    // A field that Intercom does not hold as such (the name of a company record) cannot be written there.
    let writable = !field.intercom.starts_with("company.");
    if !same(field, &left_then, &left_now) && writable {
        let fields = [(field.intercom.clone(), left_then.clone())].into_iter().collect();
        planned.plan.steps.push(update_step(left, fields, mapping));
    }
    let left_after = if writable { left_then } else { left_now };
    planned.will_agree.push(Agreement {
        field: field.name.clone(),
        left: left_after,
        right: right_as_one(&right_then),
    });
    if planned.plan.steps.is_empty() {
        planned.plan.nothing =
            Some(format!("Both sides are taken as agreed on {}; nothing had to be written.", field.name));
    }
    Ok(planned)
}

/// What Intercom and the CRM hold after a choice.
pub fn outcome(
    choice: &Choice,
    kind: ConflictKind,
    field: &FieldMapping,
    left_now: &Value,
    right_now: &[Value],
) -> Result<(Value, Vec<Value>), Impossible> {
    Ok(match choice {
        Choice::Left => {
            let turned =
                field.transform.forward(left_now).map_err(|refusal| not_turned(field, left_now, refusal))?;
            (left_now.clone(), turned)
        }
        // The CRM has no such field: its emptiness is no value that could be taken over to Intercom.
        Choice::Right if kind == ConflictKind::UnknownField => (left_now.clone(), right_now.to_vec()),
        Choice::Right => {
            // Without a way back, the CRM's value stands beside Intercom's, and both are taken as agreed.
            (field.transform.backward(right_now).unwrap_or_else(|| left_now.clone()), right_now.to_vec())
        }
        Choice::Value(text) => typed(field, text, left_now)?,
        Choice::Clear if kind == ConflictKind::Identity => {
            return Err(Impossible("Who somebody is cannot be emptied: take one of the two.".into()));
        }
        // An e-mail is what a person is found by: without it the next event would make a second one.
        Choice::Clear if field.crm.iter().any(|name| name == "email") => {
            return Err(Impossible(
                "An e-mail is not emptied on both sides: the person could not be found any more.".into(),
            ));
        }
        Choice::Clear => (Value::Null, vec![Value::Null; field.crm.len()]),
        Choice::Translate(to) if field.crm.len() == 1 => {
            (left_now.clone(), vec![Value::String(to.trim().to_owned())])
        }
        Choice::Translate(_) => {
            return Err(Impossible(format!(
                "{} is split over several fields of the CRM; a table cannot say what each becomes.",
                field.name
            )));
        }
    })
}

fn typed(field: &FieldMapping, text: &str, left_now: &Value) -> Result<(Value, Vec<Value>), Impossible> {
    let value = Value::String(text.trim().to_owned());
    if is_blank(&value) {
        return Err(Impossible(
            "An empty value cannot be typed here: take the side that is empty, or empty both (0, --clear)."
                .into(),
        ));
    }
    match &field.transform {
        Transform::Table(table) => match table.get(text.trim()) {
            // One of Intercom's own values: it goes to Intercom, and what the table makes of it to the CRM.
            Some(turned) => Ok((value, vec![turned.clone()])),
            // Else it is meant for the CRM; Intercom keeps what it has, and the pair is the agreed exception.
            None => Ok((left_now.clone(), vec![value])),
        },
        transform => match transform.forward(&value) {
            Ok(turned) => {
                let back = transform.backward(&turned).unwrap_or(value);
                Ok((back, turned))
            }
            Err(refusal) => Err(not_turned(field, &value, refusal)),
        },
    }
}

fn not_turned(field: &FieldMapping, value: &Value, refusal: Refusal) -> Impossible {
    let shown = value_text(value);
    Impossible(match refusal {
        Refusal::NotAllowed(allowed) => format!(
            "\"{shown}\" has no counterpart in the CRM for {}; type one of {}, or take the CRM's value.",
            field.name,
            allowed.join(", ")
        ),
        Refusal::WrongType => {
            format!("\"{shown}\" cannot become a value of {}; type one, or take the CRM's value.", field.name)
        }
    })
}

/// The field of a conflict about who somebody is.
pub const IDENTITY: &str = "Identity";

/// The record that a choice names, and the one it does not: left is the external id's, right the e-mail's.
pub fn named(conflict: &Conflict, choice: &Choice) -> Result<(RecordRef, RecordRef), Impossible> {
    let record = |value: &Value| {
        value_text(value)
            .parse::<RecordRef>()
            .map_err(|error| Impossible(format!("{} names no record: {error}.", conflict.id)))
    };
    let (left, right) = (record(&conflict.left_value)?, record(&conflict.right_value)?);
    match choice {
        Choice::Left => Ok((left, right)),
        Choice::Right => Ok((right, left)),
        _ => Err(Impossible("Who somebody is, is one of the two records: take left or right.".into())),
    }
}

/// The record whose other side is in question.
pub fn own<'a>(conflict: &'a Conflict, chosen: &RecordRef) -> &'a RecordRef {
    if chosen.connection == conflict.left.connection { &conflict.right } else { &conflict.left }
}

/// Plans that two records are one person: each gets the other's id, and whoever had it by mistake loses it.
pub fn identify(own: &Mirror, chosen: &Mirror, dropped: Option<&Mirror>, mapping: &Mapping) -> Planned {
    let mut planned = Planned::default();
    let reference = |mirror: &Mirror| match mirror.record.system() {
        System::Intercom => mapping.intercom_identity.clone(),
        _ => mapping.crm_identity.clone(),
    };
    let mut point = |mirror: &Mirror, id: Value| {
        let name = reference(mirror);
        if !name.is_empty() && mirror.text(&name) != value_text(&id) {
            let fields = [(name, id)].into_iter().collect();
            planned.plan.steps.push(update_step(mirror, fields, mapping));
        }
    };
    if let Some(dropped) = dropped
        && dropped.text(&reference(dropped)) == own.record.id
    {
        point(dropped, Value::Null);
    }
    point(own, Value::String(chosen.record.id.clone()));
    point(chosen, Value::String(own.record.id.clone()));
    if planned.plan.steps.is_empty() {
        planned.plan.nothing = Some("The two are one person from now on; nothing had to be written.".into());
    }
    planned
}

/// The first field of substance that is not what was shown when a human decided; stamps and counters do not count.
pub fn changed_since<'a>(shown: &'a Fields, now: &'a Mirror) -> Option<&'a str> {
    // A Salesforce record that is read by itself has fields that a list of records leaves out.
    let whole = now.record.system() == System::Salesforce;
    let names = shown.keys().chain(now.fields.keys().filter(|name| !whole && !shown.contains_key(*name)));
    names
        .map(String::as_str)
        .filter(|name| !is_stamp(name))
        .find(|name| shown.get(*name).map(value_text).unwrap_or_default() != now.text(name))
}
