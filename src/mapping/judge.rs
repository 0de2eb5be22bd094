//! The three-way comparison of one field: what both held when they last agreed, what each holds now, whose it is.
//!
//! The answer is a verdict about this field alone; a conflict never holds back another field. Nothing is written
//! here, and a value that a side owns is never lost silently: it is written, kept, or shown as a conflict.

mod target;

use std::borrow::Cow;

use serde_json::Value;

use super::file::{Blank, Direction, FieldMapping, Mapping, Owner, Side, Write};
use super::transform::{Refusal, Transform, is_blank, plain, time};
use super::transform::{day, numbers_alike, truth};
use crate::domain::agreement::Agreement;
use crate::domain::clock::Timestamp;
use crate::domain::record::{Fields, named};
use crate::domain::review::ConflictKind;
use crate::domain::schema::OptionValue;
pub use target::Schemas;

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

/// What a field that is not there holds.
static NOTHING: Value = Value::Null;

/// Intercom's value of a field; null when missing, a list where a name or text is made of several fields.
pub fn left_value(field: &FieldMapping, fields: &Fields) -> Value {
    left_seen(field, fields).into_owned()
}

fn left_seen<'a>(field: &'a FieldMapping, fields: &'a Fields) -> Cow<'a, Value> {
    if let Transform::Constant(value) = &field.transform {
        return Cow::Borrowed(value);
    }
    if field.also.is_empty() {
        return Cow::Borrowed(fields.get(&field.intercom).unwrap_or(&NOTHING));
    }
    let values = field.intercom_fields().map(|name| fields.get(name).cloned().unwrap_or(Value::Null));
    Cow::Owned(Value::Array(values.collect()))
}

/// The CRM's values of a field; null where missing.
pub fn right_values(field: &FieldMapping, fields: &Fields) -> Vec<Value> {
    right_seen(field, fields).into_iter().cloned().collect()
}

fn right_seen<'a>(field: &FieldMapping, fields: &'a Fields) -> Vec<&'a Value> {
    field.crm.iter().map(|name| named(fields, name).unwrap_or(&NOTHING)).collect()
}

/// The CRM's side as one value: the value itself, or the list where a field has several parts.
pub fn right_as_one(values: &[Value]) -> Value {
    match values {
        [one] => one.clone(),
        several => Value::Array(several.to_vec()),
    }
}

fn as_one(values: &[&Value]) -> Value {
    match values {
        [one] => (*one).clone(),
        several => Value::Array(several.iter().map(|value| (*value).clone()).collect()),
    }
}

/// One field on both sides, as it is looked at while it is judged.
struct Seen<'a> {
    field: &'a FieldMapping,
    left: Cow<'a, Value>,
    right: Vec<&'a Value>,
    left_blank: bool,
    right_blank: bool,
    all_left: &'a Fields,
    all_right: &'a Fields,
    schemas: Schemas<'a>,
}

/// Compares a field three ways.
pub fn judge(field: &FieldMapping, sides: &Sides<'_>) -> Verdict {
    judge_against(field, sides, Schemas::default())
}

/// The same, where the vendors' schemas are known: fields they lack and values they do not take are found beforehand.
pub fn judge_against(field: &FieldMapping, sides: &Sides<'_>, schemas: Schemas<'_>) -> Verdict {
    if field.direction == Direction::Off {
        return Verdict::Leave("switched off in the mapping".into());
    }
    if other_role(field, sides.left) {
        return Verdict::Leave(format!("only for Intercom contacts that are a {}", field.role));
    }
    // Most fields of most records: nothing is copied, nothing is turned.
    if let Some(agreed) = sides.agreed
        && same(field, &agreed.left, &left_seen(field, sides.left))
        && right_unchanged(field, &agreed.right, sides.right)
    {
        return Verdict::Unchanged;
    }
    let seen = Seen::of(field, sides, schemas);
    let (left_changed, right_changed) = match sides.agreed {
        Some(agreed) => {
            (!same(field, &agreed.left, &seen.left), !right_unchanged(field, &agreed.right, sides.right))
        }
        None => seen.first_meeting(sides),
    };
    // Two blanks say the same, except where a default is to stand in one of them.
    let due = seen.default_due(Side::Crm) || seen.default_due(Side::Intercom);
    // What looks alike needs no copy of the value turned.
    let alike = !due && field.transform == Transform::Direct && same(field, &seen.left, seen.right[0]);
    let forward = if alike { Ok(Vec::new()) } else { seen.forward() };
    let turned_alike = || {
        let turned = forward.as_ref().map(Vec::as_slice).unwrap_or_default();
        forward.is_ok() && turned.iter().zip(&seen.right).all(|(one, other)| same(field, one, other))
    };
    if alike || (!due && turned_alike()) {
        return Verdict::Agree(seen.agreement());
    }
    let known_before = sides.agreed.is_some();
    if field.write == Write::Create && known_before {
        return Verdict::Leave("only written when the record is made".into());
    }
    let breach = || Verdict::Conflict { kind: ConflictKind::OwnershipBreach, allowed: Vec::new() };
    if field.owner == Owner::Consent {
        let out_before = sides.agreed.is_some_and(|agreed| is_out(&agreed.left) && is_out(&agreed.right));
        return match (is_out(&seen.left), seen.right.iter().any(|value| is_out(value))) {
            // Somebody took an opt-out back on one side only: nobody is written to because of that unasked.
            (true, false) | (false, true) if out_before => breach(),
            (true, false) => seen.to_right(forward),
            (false, true) => seen.to_left(),
            _ => Verdict::Agree(seen.agreement()),
        };
    }
    match (left_changed, right_changed, field.owner) {
        (false, false, _) => Verdict::Leave("nothing known on the side that owns it".into()),
        // A copy that was edited shows the original again.
        (_, _, Owner::Mirrored) if field.original == Some(Side::Crm) => seen.to_left(),
        (_, _, Owner::Mirrored) => seen.to_right(forward),
        (true, false, Owner::Crm) if known_before && !(field.fill && seen.right_blank) => breach(),
        (false, true, Owner::Intercom) if known_before && seen.left_blank && field.fill => seen.to_left(),
        (false, true, Owner::Intercom)
            if known_before && seen.left_blank && seen.left_rule() == Blank::Default =>
        {
            Verdict::Leave("blank in Intercom: the CRM's value is kept".into())
        }
        (false, true, Owner::Intercom) if known_before => breach(),
        (true, false, _) | (true, true, Owner::Intercom) => seen.to_right(forward),
        (false, true, _) | (true, true, Owner::Crm) => seen.to_left(),
        (true, true, Owner::Newest) => match (sides.left_at, sides.right_at) {
            (Some(left_at), Some(right_at)) if left_at > right_at => seen.to_right(forward),
            (Some(left_at), Some(right_at)) if right_at > left_at => seen.to_left(),
            _ => Verdict::Conflict { kind: ConflictKind::BothChanged, allowed: Vec::new() },
        },
        (true, true, Owner::Review | Owner::Consent) => {
            Verdict::Conflict { kind: ConflictKind::BothChanged, allowed: Vec::new() }
        }
    }
}

/// The value says that the person wants no more e-mails.
fn is_out(value: &Value) -> bool {
    truth(value) == Some(true) || plain(value).trim().eq_ignore_ascii_case("opted_out")
}

impl<'a> Seen<'a> {
    fn of(field: &'a FieldMapping, sides: &Sides<'a>, schemas: Schemas<'a>) -> Self {
        let left = left_seen(field, sides.left);
        let right = right_seen(field, sides.right);
        Self {
            left_blank: is_blank(&left),
            right_blank: right.iter().all(|value| is_blank(value)),
            all_left: sides.left,
            all_right: sides.right,
            field,
            left,
            right,
            schemas,
        }
    }

    /// What a blank value of Intercom's does.
    fn left_rule(&self) -> Blank {
        self.field.blanks.rule(self.field.intercom_fields().find_map(|name| self.all_left.get(name)))
    }

    /// What a blank value of the CRM's does.
    fn right_rule(&self) -> Blank {
        self.field.blanks.rule(self.field.crm.iter().find_map(|name| named(self.all_right, name)))
    }

    fn agreement(&self) -> Agreement {
        self.agree(self.left.clone().into_owned(), as_one(&self.right))
    }

    fn agree(&self, left: Value, right: Value) -> Agreement {
        Agreement { field: self.field.name.clone(), left, right }
    }

    fn options(&self, side: Side) -> &'a [OptionValue] {
        match side {
            Side::Crm => self.schemas.options(Side::Crm, &self.field.crm[0]),
            Side::Intercom => self.schemas.options(Side::Intercom, &self.field.intercom),
        }
    }

    fn forward(&self) -> Result<Vec<Value>, Refusal> {
        self.field.transform.forward_among(&self.left, self.options(Side::Crm))
    }

    /// Neither side knows anything, and the mapping has a default for this one.
    fn default_due(&self, target: Side) -> bool {
        self.left_blank
            && self.right_blank
            && self.field.direction.writes(target)
            && Blank::Default
                == match target {
                    Side::Crm => self.left_rule(),
                    Side::Intercom => self.right_rule(),
                }
    }

    /// Which side counts as changed when the two never agreed before: the owner's, or the one that knows something.
    fn first_meeting(&self, sides: &Sides<'_>) -> (bool, bool) {
        let field = self.field;
        let (left, right) = (!self.left_blank, !self.right_blank);
        // Where neither knows anything, a default speaks for the side the value would come from.
        let left_says = left || self.default_due(Side::Crm);
        let right_says = right || self.default_due(Side::Intercom);
        match field.one_owner() {
            Some(Side::Intercom) => return (left_says, field.fill && !left && right),
            Some(Side::Crm) => return (field.fill && !right && left, right_says),
            None => {}
        }
        match field.owner {
            Owner::Consent => (true, true),
            _ if !left || !right => (left_says, right_says),
            Owner::Newest => match (sides.left_at, sides.right_at) {
                (Some(left_at), Some(right_at)) => (left_at > right_at, right_at > left_at),
                _ => (true, true),
            },
            _ => (true, true),
        }
    }

    fn to_right(&self, forward: Result<Vec<Value>, Refusal>) -> Verdict {
        let field = self.field;
        if !field.direction.writes(Side::Crm) {
            return Verdict::Leave("the mapping only writes it to Intercom".into());
        }
        let mut turned = match forward {
            Err(refusal) => return refused(refusal),
            Ok(turned) => turned,
        };
        if self.left_blank {
            match self.left_rule() {
                // Of a name that is split, the default is a name like any other.
                Blank::Default if self.right_blank && turned.len() > 1 => {
                    match field.transform.forward(&field.blanks.default) {
                        Err(refusal) => return refused(refusal),
                        Ok(default) => turned = default,
                    }
                }
                Blank::Default if self.right_blank => turned = vec![field.blanks.default.clone()],
                Blank::Keep | Blank::Default => {
                    return Verdict::Leave("blank in Intercom: the CRM's value is kept".into());
                }
                Blank::Clear => {}
            }
        }
        let mut writes = Vec::with_capacity(field.crm.len());
        for ((name, new), old) in field.crm.iter().zip(&turned).zip(&self.right) {
            if let Err((kind, allowed)) = target::takes(field, Side::Crm, name, new, self.schemas) {
                return Verdict::Conflict { kind, allowed };
            }
            if !same(field, new, old) {
                writes.push((name.clone(), new.clone()));
            }
        }
        let right = if turned.len() == 1 { turned.swap_remove(0) } else { Value::Array(turned) };
        let agreement = self.agree(self.left.clone().into_owned(), right);
        if writes.is_empty() { Verdict::Agree(agreement) } else { Verdict::WriteRight(writes, agreement) }
    }

    fn to_left(&self) -> Verdict {
        let field = self.field;
        if !field.direction.writes(Side::Intercom) {
            return Verdict::Leave("the mapping only writes it to the CRM".into());
        }
        let value = if self.right_blank {
            match self.right_rule() {
                Blank::Default if self.left_blank => field.blanks.default.clone(),
                Blank::Keep | Blank::Default => {
                    return Verdict::Leave("blank in the CRM: Intercom's value is kept".into());
                }
                Blank::Clear => Value::Null,
            }
        } else {
            match field.transform.backward_among(&self.right, self.options(Side::Crm)) {
                Err(refusal) => return refused(refusal),
                Ok(value) => value,
            }
        };
        if same(field, &value, &self.left) {
            return Verdict::Agree(self.agreement());
        }
        if let Err((kind, allowed)) =
            target::takes(field, Side::Intercom, &field.intercom, &value, self.schemas)
        {
            return Verdict::Conflict { kind, allowed };
        }
        let agreement = self.agree(value.clone(), as_one(&self.right));
        Verdict::WriteLeft(field.intercom.clone(), value, agreement)
    }
}

fn refused(refusal: Refusal) -> Verdict {
    match refusal {
        Refusal::NotAllowed(allowed) => Verdict::Conflict { kind: ConflictKind::NotAllowed, allowed },
        Refusal::WrongType => Verdict::Conflict { kind: ConflictKind::WrongType, allowed: Vec::new() },
    }
}

/// The CRM still holds what was agreed.
fn right_unchanged(field: &FieldMapping, agreed: &Value, fields: &Fields) -> bool {
    let now = |name: &str| named(fields, name).unwrap_or(&NOTHING);
    match (agreed, field.crm.as_slice()) {
        (agreed, [one]) => same(field, agreed, now(one)),
        (Value::Array(agreed), names) => {
            agreed.len() == names.len()
                && agreed.iter().zip(names).all(|(agreed, name)| same(field, agreed, now(name)))
        }
        (agreed, names) => is_blank(agreed) && names.iter().all(|name| is_blank(now(name))),
    }
}

/// The field is for users only and this is a lead, or the other way round.
fn other_role(field: &FieldMapping, left: &Fields) -> bool {
    !field.role.is_empty() && left.get("role").and_then(Value::as_str).is_some_and(|role| role != field.role)
}

/// Two values of one side say the same: blanks are alike, numbers equal their text, times their instant.
pub fn same(field: &FieldMapping, one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    if let (Value::Array(one), Value::Array(other)) = (one, other) {
        return one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(field, a, b));
    }
    if is_blank(one) || is_blank(other) {
        return is_blank(one) && is_blank(other);
    }
    let (a, b) = (plain(one), plain(other));
    let (a, b) = (a.trim(), b.trim());
    if a == b || (field.ignore_case && a.to_lowercase() == b.to_lowercase()) {
        return true;
    }
    match field.transform.proper() {
        Transform::UnixToIso => {
            matches!((time(one), time(other)), (Some(x), Some(y)) if x.seconds() == y.seconds())
        }
        Transform::Number => numbers_alike(a, b),
        Transform::Boolean => truth(one).is_some() && truth(one) == truth(other),
        Transform::Date => day(one).is_some() && day(one) == day(other),
        _ => false,
    }
}

/// What a new record of the CRM begins with, and the fields that cannot be turned.
pub(super) fn made<'a>(mapping: &'a Mapping, left: &Fields) -> (Fields, Vec<(&'a FieldMapping, Refusal)>) {
    let mut made = Fields::with_capacity(mapping.fields.len() + 1);
    let mut refused = Vec::new();
    for field in &mapping.fields {
        if field.write == Write::Update || !field.direction.writes(Side::Crm) || other_role(field, left) {
            continue;
        }
        match made_of(field, left) {
            Ok(turned) => {
                let filled = field.crm.iter().zip(turned).filter(|(_, value)| !is_blank(value));
                made.extend(filled.map(|(name, value)| (name.clone(), value)));
            }
            Err(refusal) => refused.push((field, refusal)),
        }
    }
    (made, refused)
}

fn made_of(field: &FieldMapping, left: &Fields) -> Result<Vec<Value>, Refusal> {
    let seen = left_seen(field, left);
    let turned = if is_blank(&seen) {
        let raw = field.intercom_fields().find_map(|name| left.get(name));
        match field.blanks.rule(raw) {
            Blank::Default if field.crm.len() > 1 => field.transform.forward(&field.blanks.default)?,
            Blank::Default => vec![field.blanks.default.clone()],
            Blank::Keep | Blank::Clear => return Ok(Vec::new()),
        }
    } else {
        field.transform.forward(&seen)?
    };
    for (name, value) in field.crm.iter().zip(&turned) {
        target::takes(field, Side::Crm, name, value, Schemas::default()).map_err(|(kind, allowed)| {
            if kind == ConflictKind::NotAllowed { Refusal::NotAllowed(allowed) } else { Refusal::WrongType }
        })?;
    }
    Ok(turned)
}
