//! JSON to CEL and back. Texts stay texts whatever they look like; a number that fits a whole one is a whole one.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value as Cel;
use cel::objects::{Key, Map};
use serde_json::{Number, Value};

/// Whole numbers beyond are no longer exact as a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// JSON in CEL's terms.
pub(super) fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cel::Int(whole),
            (None, Some(double)) => Cel::Float(double),
            (None, None) => Cel::String(Arc::new(number.to_string())),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(list) => Cel::List(Arc::new(list.iter().map(cel).collect())),
        Value::Object(object) => {
            let map: HashMap<Key, Cel> =
                object.iter().map(|(name, value)| (Key::from(name.clone()), cel(value))).collect();
            Cel::Map(Map { map: Arc::new(map) })
        }
    }
}

/// A value of CEL in JSON's terms; a double without a fraction is a whole number.
pub(super) fn json(value: &Cel) -> Result<Value, String> {
    Ok(match value {
        Cel::Null => Value::Null,
        Cel::Bool(flag) => Value::Bool(*flag),
        Cel::Int(number) => Value::from(*number),
        Cel::UInt(number) => Value::from(*number),
        Cel::Float(number) if number.fract() == 0.0 && number.abs() < EXACT => Value::from(*number as i64),
        Cel::Float(number) => Value::Number(
            Number::from_f64(*number).ok_or("it gives a number that is none (infinite or not a number)")?,
        ),
        Cel::String(text) => Value::String(text.as_str().to_owned()),
        Cel::List(list) => Value::Array(list.iter().map(json).collect::<Result<_, _>>()?),
        Cel::Map(map) => {
            let mut entries: Vec<(String, Value)> = Vec::new();
            for (key, value) in map.map.iter() {
                entries.push((key.to_string(), json(value)?));
            }
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        other => return Err(format!("it gives {}, which no field holds", kind(other))),
    })
}

/// What a value is, for messages.
pub(super) fn kind(value: &Cel) -> &'static str {
    match value {
        Cel::Null => "nothing",
        Cel::Bool(_) => "true or false",
        Cel::Int(_) | Cel::UInt(_) | Cel::Float(_) => "a number",
        Cel::String(_) => "a text",
        Cel::List(_) => "a list",
        Cel::Map(_) => "a record",
        _ => "something else",
    }
}

/// A number as a double.
pub(super) fn double(value: &Cel) -> Option<f64> {
    match value {
        Cel::Int(number) => Some(*number as f64),
        Cel::UInt(number) => Some(*number as f64),
        Cel::Float(number) => Some(*number),
        _ => None,
    }
}

/// What a name of a record or a place of a list holds; none when it is not there.
pub(super) fn entry<'a>(of: &'a Cel, key: &Cel) -> Option<&'a Cel> {
    match (of, key) {
        (Cel::Map(map), Cel::String(name)) => map.map.get(&Key::String(Arc::clone(name))),
        // A table of a recipe has texts for keys, as TOML wants it; a rating that looks something up is a number.
        (Cel::Map(map), Cel::Int(number)) => {
            map.map.get(&Key::Int(*number)).or_else(|| map.map.get(&Key::from(number.to_string())))
        }
        (Cel::Map(map), Cel::Bool(flag)) => {
            map.map.get(&Key::Bool(*flag)).or_else(|| map.map.get(&Key::from(flag.to_string())))
        }
        (Cel::List(list), Cel::Int(place)) => usize::try_from(*place).ok().and_then(|place| list.get(place)),
        _ => None,
    }
}
