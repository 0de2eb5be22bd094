//! How a value of one side becomes the other side's: a closed list, each a pure function.
//!
//! | name | to the CRM | back |
//! |---|---|---|
//! | `direct` | as it is | as it is |
//! | `split_name` | at the first blank: first name, rest | joined with a blank |
//! | `table` | looked up; a missing entry is refused with the nearest ones | looked up where only one entry fits |
//! | `unix_to_iso` | seconds or milliseconds since 1970, or RFC 3339, to RFC 3339 UTC | to seconds |

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::record::{Fields, value_text};

/// At and above this, a number of time is milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// A way to turn a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// As it is.
    Direct,
    /// A full name into first name and the rest.
    SplitName,
    /// By a table of Intercom's to the CRM's values.
    Table(Fields),
    /// A time into RFC 3339.
    UnixToIso,
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
    /// The transform of a name, with its table where it needs one.
    pub fn named(name: &str, table: Option<Fields>) -> Result<Self, String> {
        match (name, table) {
            ("direct", None) => Ok(Self::Direct),
            ("split_name", None) => Ok(Self::SplitName),
            ("unix_to_iso", None) => Ok(Self::UnixToIso),
            ("table", Some(table)) => Ok(Self::Table(table)),
            ("table", None) => Err("transform \"table\" wants a [field.table] below it".into()),
            ("direct" | "split_name" | "unix_to_iso", Some(_)) => {
                Err(format!("transform \"{name}\" takes no table; write transform = \"table\""))
            }
            _ => Err(format!(
                "there is no transform \"{name}\"; known are direct, split_name, table, unix_to_iso"
            )),
        }
    }

    /// Its name in a mapping file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::SplitName => "split_name",
            Self::Table(_) => "table",
            Self::UnixToIso => "unix_to_iso",
        }
    }

    /// How many of the CRM's fields it fills.
    pub const fn parts(&self) -> usize {
        match self {
            Self::SplitName => 2,
            _ => 1,
        }
    }

    /// Intercom's value in the CRM's terms. A blank value stays blank.
    pub fn forward(&self, left: &Value) -> Result<Vec<Value>, Refusal> {
        if is_blank(left) {
            return Ok(vec![Value::Null; self.parts()]);
        }
        match self {
            Self::Direct => match left {
                Value::Array(_) | Value::Object(_) => Err(Refusal::WrongType),
                Value::String(text) => Ok(vec![Value::String(text.trim().to_owned())]),
                other => Ok(vec![other.clone()]),
            },
            Self::SplitName => {
                let Value::String(text) = left else { return Err(Refusal::WrongType) };
                let name = text.trim();
                let (first, rest) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
                Ok([first, rest.trim()]
                    .map(|part| if part.is_empty() { Value::Null } else { Value::String(part.to_owned()) })
                    .to_vec())
            }
            Self::Table(table) => {
                let text = value_text(left);
                match table.get(text.trim()) {
                    Some(value) => Ok(vec![value.clone()]),
                    None => Err(Refusal::NotAllowed(nearest(&text, table))),
                }
            }
            Self::UnixToIso => {
                time(left).map(|at| vec![Value::String(at.rfc3339())]).ok_or(Refusal::WrongType)
            }
        }
    }

    /// The CRM's values in Intercom's terms; none when there is no way back.
    pub fn backward(&self, right: &[Value]) -> Option<Value> {
        if right.iter().all(is_blank) {
            return Some(Value::Null);
        }
        match self {
            Self::Direct => right.first().cloned(),
            Self::SplitName => {
                let parts: Vec<String> =
                    right.iter().map(|part| value_text(part).trim().to_owned()).collect();
                Some(Value::String(parts.join(" ").trim().to_owned()))
            }
            Self::Table(table) => {
                let wanted = value_text(right.first()?);
                let mut keys =
                    table.iter().filter(|(_, value)| value_text(value) == wanted).map(|(key, _)| key);
                match (keys.next(), keys.next()) {
                    (Some(key), None) => Some(Value::String(key.clone())),
                    _ => None,
                }
            }
            Self::UnixToIso => time(right.first()?).map(|at| Value::from(at.seconds())),
        }
    }
}

/// Null, missing and texts of blanks say nothing.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_blank),
        _ => false,
    }
}

/// An instant, from seconds, milliseconds (also as text) or RFC 3339.
pub fn time(value: &Value) -> Option<Timestamp> {
    let text = value_text(value);
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(number) if number.abs() >= MILLISECONDS_FROM => Some(Timestamp(number)),
        Ok(number) => Some(Timestamp::from_seconds(number)),
        Err(_) => Timestamp::parse_rfc3339(text),
    }
}

/// The table's values, those whose key resembles the text first.
fn nearest(text: &str, table: &Fields) -> Vec<String> {
    let text = text.to_lowercase();
    let mut scored: Vec<(f64, usize, String)> = table
        .iter()
        .enumerate()
        .map(|(place, (key, value))| {
            let alike =
                rapidfuzz::distance::jaro_winkler::similarity(text.chars(), key.to_lowercase().chars());
            (alike, place, value_text(value))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().map(|(_, _, value)| value).collect()
}
