//! How a value of one side becomes the other side's: a closed list, each a pure function.
//!
//! | name | to the CRM | back to Intercom |
//! |---|---|---|
//! | `direct` | as it is, without blanks around it | as it is |
//! | `split_name` | at the first blank: first name, rest; one word is the first name | joined with a blank |
//! | `split_last_name` | the same, but one word is the last name (Salesforce wants one) | joined with a blank |
//! | `join_name` | several fields of Intercom joined with a blank | none |
//! | `table` | looked up in `[field.table]`; a missing entry is refused, nearest first | looked up where only one entry fits |
//! | `translate` | looked up in `[field.translate]`; a missing entry goes as it is | the same |
//! | `unix_to_iso` | seconds or milliseconds since 1970, or RFC 3339, to RFC 3339 UTC | to seconds |
//! | `number` | a number, also written as text; its digits stay | a number |
//! | `boolean` | true, yes, 1 and their opposites | true or false |
//! | `date` | the day in UTC, `2026-11-21` | midnight UTC of that day, in seconds |
//! | `option` | what people see to what is stored, by `[field.options]` or the vendor's own list | the other way round |
//! | `template` | several fields of Intercom in one text, `"{name} ({email})"` | none |
//! | `constant` | always the same, from `value = …` | none |
//!
//! `[field.translate]` may stand under any of them with one field on each side: its pairs (Intercom's value = the
//! CRM's) are looked at first. A value is never guessed: what does not fit is refused.

mod nearest;
mod template;
mod values;

use serde_json::Value;

use crate::domain::record::{Fields, value_text};
use crate::domain::schema::{FieldKind, OptionValue};

pub(super) use nearest::nearest;
pub use template::Template;
pub(super) use values::{day, number, numbers_alike, plain, truth};
pub use values::{is_blank, time};

/// A way to turn a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// As it is.
    Direct,
    /// A full name into first name and the rest.
    SplitName,
    /// A full name into first and last name; one word alone is the last name.
    SplitLastName,
    /// Several of Intercom's fields into one name.
    JoinName,
    /// By a table of Intercom's to the CRM's values.
    Table(Fields),
    /// Pairs of Intercom's and the CRM's values that are looked at before the transform proper.
    Translate(Fields, Box<Transform>),
    /// A time into RFC 3339.
    UnixToIso,
    /// A number, however it is written.
    Number,
    /// Yes or no, however it is written.
    Boolean,
    /// A day.
    Date,
    /// A label of an option list into its stored value; without options of its own, the vendor's list is asked.
    Option(Vec<OptionValue>),
    /// Several of Intercom's fields into one text.
    Template(Template),
    /// Always this.
    Constant(Value),
}

/// A value that cannot be turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is not one of the known ones; here are those, nearest first.
    NotAllowed(Vec<String>),
    /// It has the wrong type.
    WrongType,
}

impl Transform {
    /// All names a mapping file may use.
    pub const NAMES: [&'static str; 13] = [
        "direct",
        "split_name",
        "split_last_name",
        "join_name",
        "table",
        "translate",
        "unix_to_iso",
        "number",
        "boolean",
        "date",
        "option",
        "template",
        "constant",
    ];

    /// Its name in a mapping file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::SplitName => "split_name",
            Self::SplitLastName => "split_last_name",
            Self::JoinName => "join_name",
            Self::Table(_) => "table",
            Self::Translate(_, inner) if **inner == Self::Direct => "translate",
            Self::Translate(_, inner) => inner.name(),
            Self::UnixToIso => "unix_to_iso",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Option(_) => "option",
            Self::Template(_) => "template",
            Self::Constant(_) => "constant",
        }
    }

    /// How many of the CRM's fields it fills.
    pub const fn parts(&self) -> usize {
        match self {
            Self::SplitName | Self::SplitLastName => 2,
            _ => 1,
        }
    }

    /// What it needs no field of Intercom for.
    pub const fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// It reads any number of Intercom's fields.
    pub const fn takes_several(&self) -> bool {
        matches!(self, Self::JoinName | Self::Template(_))
    }

    /// There is a way from the CRM to Intercom.
    pub const fn turns_back(&self) -> bool {
        !matches!(self, Self::JoinName | Self::Template(_) | Self::Constant(_))
    }

    /// The transform proper, under the pairs that are looked at first.
    pub fn proper(&self) -> &Self {
        match self {
            Self::Translate(_, inner) => inner,
            other => other,
        }
    }

    /// What kind of value the CRM gets; none where it depends on the value (`direct`).
    pub fn gives(&self) -> Option<FieldKind> {
        match self {
            Self::Direct => None,
            Self::SplitName | Self::SplitLastName | Self::JoinName | Self::Template(_) => {
                Some(FieldKind::Text)
            }
            Self::Table(_) | Self::Option(_) => Some(FieldKind::Option),
            Self::Translate(_, inner) => inner.gives(),
            Self::UnixToIso => Some(FieldKind::DateTime),
            Self::Number => Some(FieldKind::Number),
            Self::Boolean => Some(FieldKind::Boolean),
            Self::Date => Some(FieldKind::Date),
            Self::Constant(Value::Number(_)) => Some(FieldKind::Number),
            Self::Constant(Value::Bool(_)) => Some(FieldKind::Boolean),
            Self::Constant(_) => Some(FieldKind::Text),
        }
    }

    /// What kind of value Intercom gets; none where it depends on the value, or where there is no way back.
    pub fn gives_back(&self) -> Option<FieldKind> {
        match self {
            Self::SplitName | Self::SplitLastName | Self::Table(_) | Self::Option(_) => Some(FieldKind::Text),
            Self::Translate(_, inner) => inner.gives_back(),
            Self::UnixToIso | Self::Date => Some(FieldKind::DateTime),
            Self::Number => Some(FieldKind::Number),
            Self::Boolean => Some(FieldKind::Boolean),
            _ => None,
        }
    }

    /// The values it may give to the CRM, where those are known beforehand: a table's, a constant.
    pub fn known_values(&self) -> Vec<&Value> {
        match self {
            Self::Table(table) => table.values().collect(),
            Self::Translate(pairs, inner) => pairs.values().chain(inner.known_values()).collect(),
            Self::Constant(value) => vec![value],
            _ => Vec::new(),
        }
    }

    /// Intercom's value in the CRM's terms. A blank value stays blank. Several fields of Intercom come as a list.
    pub fn forward(&self, left: &Value) -> Result<Vec<Value>, Refusal> {
        self.forward_among(left, &[])
    }

    /// The same, where the vendor's own option list is known.
    pub fn forward_among(&self, left: &Value, known: &[OptionValue]) -> Result<Vec<Value>, Refusal> {
        if let Self::Constant(value) = self {
            return Ok(vec![value.clone()]);
        }
        if is_blank(left) {
            return Ok(vec![Value::Null; self.parts()]);
        }
        match self {
            Self::Direct => match left {
                Value::Array(_) | Value::Object(_) => Err(Refusal::WrongType),
                Value::String(text) => Ok(vec![Value::String(text.trim().to_owned())]),
                other => Ok(vec![other.clone()]),
            },
            Self::SplitName | Self::SplitLastName => {
                let Value::String(text) = left else { return Err(Refusal::WrongType) };
                let name = text.trim();
                let (first, rest) = match name.split_once(char::is_whitespace) {
                    Some(parts) => parts,
                    None if *self == Self::SplitLastName => ("", name),
                    None => (name, ""),
                };
                Ok([first, rest.trim()]
                    .map(|part| if part.is_empty() { Value::Null } else { Value::String(part.to_owned()) })
                    .to_vec())
            }
            Self::JoinName => {
                let parts = match left {
                    Value::Array(parts) => parts.as_slice(),
                    one => std::slice::from_ref(one),
                };
                let mut name = String::new();
                for part in parts.iter().filter(|part| !is_blank(part)) {
                    let Value::String(part) = part else { return Err(Refusal::WrongType) };
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(part.trim());
                }
                Ok(vec![Value::String(name)])
            }
            Self::Table(table) => {
                let text = plain(left);
                match table.get(text.trim()) {
                    Some(value) => Ok(vec![value.clone()]),
                    None => Err(Refusal::NotAllowed(nearest(
                        &text,
                        table.iter().map(|(key, value)| (key.as_str(), value_text(value))),
                    ))),
                }
            }
            Self::Translate(pairs, inner) => match pairs.get(plain(left).trim()) {
                Some(value) => Ok(vec![value.clone()]),
                None => inner.forward_among(left, known),
            },
            Self::UnixToIso => {
                let at = time(left).filter(|at| jiff::Timestamp::from_millisecond(at.0).is_ok());
                at.map(|at| vec![Value::String(at.rfc3339())]).ok_or(Refusal::WrongType)
            }
            Self::Number => number(left).map(|number| vec![Value::Number(number)]).ok_or(Refusal::WrongType),
            Self::Boolean => truth(left).map(|truth| vec![Value::Bool(truth)]).ok_or(Refusal::WrongType),
            Self::Date => day(left).map(|day| vec![Value::String(day.to_string())]).ok_or(Refusal::WrongType),
            Self::Option(own) => option_value(left, if own.is_empty() { known } else { own }),
            Self::Template(template) => template.fill(left).map(|text| vec![Value::String(text)]),
            Self::Constant(_) => unreachable!("a constant was answered above"),
        }
    }

    /// The CRM's values in Intercom's terms; none when there is no way back.
    pub fn backward(&self, right: &[Value]) -> Option<Value> {
        let right: Vec<&Value> = right.iter().collect();
        self.backward_among(&right, &[]).ok()
    }

    /// The same, where the vendor's own option list is known; a refusal names what Intercom would take.
    pub fn backward_among(&self, right: &[&Value], known: &[OptionValue]) -> Result<Value, Refusal> {
        if right.iter().all(|value| is_blank(value)) {
            return Ok(Value::Null);
        }
        let first = right.first().copied().unwrap_or(&Value::Null);
        match self {
            Self::Direct => match first {
                Value::Array(_) | Value::Object(_) => Err(Refusal::WrongType),
                other => Ok(other.clone()),
            },
            Self::SplitName | Self::SplitLastName => {
                let mut name = String::new();
                for part in right.iter().filter(|part| !is_blank(part)) {
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(plain(part).trim());
                }
                Ok(Value::String(name))
            }
            Self::Table(table) => looked_up_back(first, table).ok_or_else(|| {
                let text = plain(first);
                let pairs = table.iter().map(|(key, value)| (value_text(value), key.clone()));
                let pairs: Vec<(String, String)> = pairs.collect();
                Refusal::NotAllowed(nearest(
                    &text,
                    pairs.iter().map(|(value, key)| (value.as_str(), key.clone())),
                ))
            }),
            Self::Translate(pairs, inner) => match looked_up_back(first, pairs) {
                Some(value) => Ok(value),
                None => inner.backward_among(right, known),
            },
            Self::UnixToIso => time(first).map(|at| Value::from(at.seconds())).ok_or(Refusal::WrongType),
            Self::Number => number(first).map(Value::Number).ok_or(Refusal::WrongType),
            Self::Boolean => truth(first).map(Value::Bool).ok_or(Refusal::WrongType),
            Self::Date => {
                let midnight = day(first).and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
                midnight.map(|at| Value::from(at.timestamp().as_second())).ok_or(Refusal::WrongType)
            }
            Self::Option(own) => option_label(first, if own.is_empty() { known } else { own }),
            Self::JoinName | Self::Template(_) | Self::Constant(_) => Err(Refusal::WrongType),
        }
    }
}

/// The only key whose value this is.
fn looked_up_back(value: &Value, table: &Fields) -> Option<Value> {
    let wanted = plain(value);
    let mut keys = table.iter().filter(|(_, value)| plain(value).trim() == wanted.trim()).map(|(key, _)| key);
    match (keys.next(), keys.next()) {
        (Some(key), None) => Some(Value::String(key.clone())),
        _ => None,
    }
}

/// A stored value stays; a label that stands once becomes its value. Retired options are not written any more.
fn option_value(left: &Value, options: &[OptionValue]) -> Result<Vec<Value>, Refusal> {
    if matches!(left, Value::Array(_) | Value::Object(_)) {
        return Err(Refusal::WrongType);
    }
    let text = plain(left);
    let text = text.trim();
    if options.is_empty() {
        return Ok(vec![Value::String(text.to_owned())]);
    }
    let offered = || options.iter().filter(|option| !option.retired);
    if offered().any(|option| option.value == text) {
        return Ok(vec![Value::String(text.to_owned())]);
    }
    let lowered = text.to_lowercase();
    let mut labelled = offered().filter(|option| option.label.trim().to_lowercase() == lowered);
    match (labelled.next(), labelled.next()) {
        (Some(option), None) => Ok(vec![Value::String(option.value.clone())]),
        _ => Err(Refusal::NotAllowed(nearest(
            text,
            offered().map(|option| (option.label.as_str(), option.value.clone())),
        ))),
    }
}

/// What people see instead of a stored value; a value without a label, and one whose label is not its own, stay.
fn option_label(right: &Value, options: &[OptionValue]) -> Result<Value, Refusal> {
    if matches!(right, Value::Array(_) | Value::Object(_)) {
        return Err(Refusal::WrongType);
    }
    let text = plain(right);
    let text = text.trim();
    let Some(found) = options.iter().find(|option| option.value == text) else {
        return Ok(Value::String(text.to_owned()));
    };
    // The way back must lead to the same option, else the label would say something else than the value.
    let back = option_value(&Value::String(found.label.clone()), options);
    let unmistakable = back.is_ok_and(|back| back.first().and_then(Value::as_str) == Some(text));
    Ok(Value::String(if unmistakable { found.label.clone() } else { text.to_owned() }))
}
