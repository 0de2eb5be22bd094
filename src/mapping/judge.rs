//! The three-way comparison of one field: what both held when they last agreed, what each holds now, whose it is.
//!
//! The answer is a verdict about this field alone; a conflict never holds back another field. Nothing is written
//! here, and a value that a side owns is never lost silently: it is written, kept, or shown as a conflict.

use serde_json::Value;

use super::file::{Blank, Direction, FieldMapping, Owner};
use super::transform::{Refusal, is_blank, time};
use crate::domain::agreement::Agreement;
use crate::domain::clock::Timestamp;
use crate::domain::record::{Fields, named, value_text};
use crate::domain::review::ConflictKind;

/// What is known about one field on both sides.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// Intercom's fields.
    pub left: &'a Fields,
    /// When Intercom says the record last changed.
    pub left_at: Option<Timestamp>,
    /// The CRM's fields.
    pub right: &'a Fields,
    /// When the CRM says the record last changed.
    pub right_at: Option<Timestamp>,
    /// What both held when they last agreed.
    pub agreed: Option<&'a Agreement>,
}

/// What to do about one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Both sides say the same, in their own terms.
    Agree(Agreement),
    /// Nothing changed since they last agreed.
    Unchanged,
    /// Write these to the CRM.
    WriteRight(Vec<(String, Value)>, Agreement),
    /// Write this to Intercom.
    WriteLeft(String, Value, Agreement),
    /// Leave it, for this reason.
    Leave(String),
    /// A human decides.
    Conflict {
        /// Why.
        kind: ConflictKind,
        /// What the target would take, nearest first.
        allowed: Vec<String>,
    },
}

/// Intercom's value of a field; null when missing.
pub fn left_value(field: &FieldMapping, fields: &Fields) -> Value {
    fields.get(&field.intercom).cloned().unwrap_or(Value::Null)
}

/// The CRM's values of a field; null where missing.
pub fn right_values(field: &FieldMapping, fields: &Fields) -> Vec<Value> {
    field.crm.iter().map(|name| named(fields, name).cloned().unwrap_or(Value::Null)).collect()
}

/// The CRM's side as one value: the value itself, or the list where a field has several parts.
pub fn right_as_one(values: &[Value]) -> Value {
    match values {
        [one] => one.clone(),
        several => Value::Array(several.to_vec()),
    }
}

/// Compares a field three ways.
pub fn judge(field: &FieldMapping, sides: &Sides<'_>) -> Verdict {
    let left = left_value(field, sides.left);
    let right = right_values(field, sides.right);
    let agreement =
        || Agreement { field: field.name.clone(), left: left.clone(), right: right_as_one(&right) };
    let (left_changed, right_changed) = match sides.agreed {
        Some(agreed) => {
            (!same(field, &agreed.left, &left), !same(field, &agreed.right, &right_as_one(&right)))
        }
        None => first_meeting(field, sides, is_blank(&left), right.iter().all(is_blank)),
    };
    if sides.agreed.is_some() && !left_changed && !right_changed {
        return Verdict::Unchanged;
    }
    let forward = field.transform.forward(&left);
    if let Ok(turned) = &forward
        && turned.iter().zip(&right).all(|(one, other)| same(field, one, other))
    {
        return Verdict::Agree(agreement());
    }
    let to_right = || write_right(field, &left, &right, forward.clone());
    let to_left = || write_left(field, &left, &right);
    let breach = || Verdict::Conflict { kind: ConflictKind::OwnershipBreach, allowed: Vec::new() };
    if field.owner == Owner::Consent {
        let out_before = sides.agreed.is_some_and(|agreed| is_out(&agreed.left) && is_out(&agreed.right));
        return match (is_out(&left), right.iter().any(is_out)) {
            // Somebody took an opt-out back on one side only: nobody is written to because of that unasked.
            (true, false) | (false, true) if out_before => breach(),
            (true, false) => to_right(),
            (false, true) => to_left(),
            _ => Verdict::Agree(agreement()),
        };
    }
    match (left_changed, right_changed, field.owner) {
        (false, false, _) => Verdict::Leave("nothing known on the side that owns it".into()),
        (true, false, Owner::Crm) if sides.agreed.is_some() => breach(),
        (false, true, Owner::Intercom) if sides.agreed.is_some() => breach(),
        (true, false, _) | (true, true, Owner::Intercom) => to_right(),
        (false, true, _) | (true, true, Owner::Crm) => to_left(),
        (true, true, Owner::Newest) => match (sides.left_at, sides.right_at) {
            (Some(left_at), Some(right_at)) if left_at > right_at => to_right(),
            (Some(left_at), Some(right_at)) if right_at > left_at => to_left(),
            _ => Verdict::Conflict { kind: ConflictKind::BothChanged, allowed: Vec::new() },
        },
        (true, true, Owner::Review | Owner::Consent) => {
            Verdict::Conflict { kind: ConflictKind::BothChanged, allowed: Vec::new() }
        }
    }
}

/// Which side counts as changed when the two never agreed before: the owner's, or the one that knows something.
fn first_meeting(
    field: &FieldMapping,
    sides: &Sides<'_>,
    left_blank: bool,
    right_blank: bool,
) -> (bool, bool) {
    match field.owner {
        Owner::Intercom => (!left_blank, false),
        Owner::Crm => (false, !right_blank),
        Owner::Newest | Owner::Review if left_blank || right_blank => (!left_blank, !right_blank),
        Owner::Newest => match (sides.left_at, sides.right_at) {
            (Some(left_at), Some(right_at)) => (left_at > right_at, right_at > left_at),
            _ => (true, true),
        },
        Owner::Review | Owner::Consent => (true, true),
    }
}

/// The value says that the person wants no more e-mails.
fn is_out(value: &Value) -> bool {
    matches!(value_text(value).trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "opted_out")
}

fn write_right(
    field: &FieldMapping,
    left: &Value,
    right: &[Value],
    forward: Result<Vec<Value>, Refusal>,
) -> Verdict {
    if field.direction == Direction::ToIntercom {
        return Verdict::Leave("the mapping only writes it to Intercom".into());
    }
    if is_blank(left) && field.blank == Blank::Keep {
        return Verdict::Leave("blank in Intercom: the CRM's value is kept".into());
    }
    match forward {
        Err(Refusal::NotAllowed(allowed)) => Verdict::Conflict { kind: ConflictKind::NotAllowed, allowed },
        Err(Refusal::WrongType) => Verdict::Conflict { kind: ConflictKind::WrongType, allowed: Vec::new() },
        Ok(turned) => {
            let writes = field
                .crm
                .iter()
                .zip(&turned)
                .zip(right)
                .filter(|((_, new), old)| !same(field, new, old))
                .map(|((name, new), _)| (name.clone(), new.clone()))
                .collect();
            let agreement =
                Agreement { field: field.name.clone(), left: left.clone(), right: right_as_one(&turned) };
            Verdict::WriteRight(writes, agreement)
        }
    }
}

fn write_left(field: &FieldMapping, left: &Value, right: &[Value]) -> Verdict {
    if field.direction == Direction::ToCrm {
        return Verdict::Leave("the mapping only writes it to the CRM".into());
    }
    if right.iter().all(is_blank) && field.blank == Blank::Keep {
        return Verdict::Leave("blank in the CRM: Intercom's value is kept".into());
    }
    match field.transform.backward(right) {
        None => Verdict::Leave("the CRM's value has no single counterpart in Intercom".into()),
        Some(value) if same(field, &value, left) => Verdict::Agree(Agreement {
            field: field.name.clone(),
            left: left.clone(),
            right: right_as_one(right),
        }),
        Some(value) => {
            let agreement =
                Agreement { field: field.name.clone(), left: value.clone(), right: right_as_one(right) };
            Verdict::WriteLeft(field.intercom.clone(), value, agreement)
        }
    }
}

/// Two values of one side say the same: blanks are alike, numbers equal their text, times their instant.
pub fn same(field: &FieldMapping, one: &Value, other: &Value) -> bool {
    if let (Value::Array(one), Value::Array(other)) = (one, other) {
        return one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(field, a, b));
    }
    if is_blank(one) || is_blank(other) {
        return is_blank(one) && is_blank(other);
    }
    if one == other {
        return true;
    }
    let (a, b) = (value_text(one), value_text(other));
    let (a, b) = (a.trim(), b.trim());
    a == b
        || (field.ignore_case && a.to_lowercase() == b.to_lowercase())
        || (field.transform == super::transform::Transform::UnixToIso
            && matches!((time(one), time(other)), (Some(x), Some(y)) if x.seconds() == y.seconds()))
}
