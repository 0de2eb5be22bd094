//! What a single value says: nothing, a time, a day, a number, yes or no; however the vendor writes it.
//!
//! Nothing here knows a mapping, and no value is ever bent into a type it does not have.

use std::borrow::Cow;

use jiff::civil;
use serde_json::{Number, Value};

use crate::domain::clock::Timestamp;

/// At and above this, a number of time is milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;
/// A number with more digits is a text that happens to have none but digits.
const DIGITS: usize = 64;

/// A value as a person reads it, without copying texts.
pub(in crate::mapping) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        // With its digits kept, a number holds its own text.
        Value::Number(number) => Cow::Borrowed(number.as_str()),
        other => Cow::Owned(other.to_string()),
    }
}

/// Null, missing and texts of blanks say nothing.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim_start().is_empty(),
        Value::Array(list) => list.iter().all(is_blank),
        _ => false,
    }
}

/// An instant, from seconds, milliseconds (also as text) or RFC 3339.
pub fn time(value: &Value) -> Option<Timestamp> {
    if !matches!(value, Value::String(_) | Value::Number(_)) {
        return None;
    }
    let text = plain(value);
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(number) if number.unsigned_abs() >= MILLISECONDS_FROM.unsigned_abs() => Some(Timestamp(number)),
        Ok(number) => Some(Timestamp::from_seconds(number)),
        Err(_) => Timestamp::parse_rfc3339(text),
    }
}

/// A day: a date as such, else the day in UTC of an instant.
pub(in crate::mapping) fn day(value: &Value) -> Option<civil::Date> {
    if let Value::String(text) = value
        && let text = text.trim()
        && text.len() == 10
        && let Ok(day) = text.parse::<civil::Date>()
    {
        return Some(day);
    }
    let at = jiff::Timestamp::from_millisecond(time(value)?.0).ok()?;
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    (day.year() >= 0).then_some(day)
}

/// A number as JSON writes them, also as text; `007`, `1,5` and `ten` are none.
pub(in crate::mapping) fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => {
            let text = text.trim();
            (text.len() <= DIGITS).then(|| text.parse().ok()).flatten()
        }
        _ => None,
    }
}

/// Two numbers are the same number: 12, "12" and 12.0 are.
pub(in crate::mapping) fn numbers_alike(one: &str, other: &str) -> bool {
    match (decimal(one), decimal(other)) {
        (Some(one), Some(other)) => one == other,
        // With an exponent: as exact as floating point is.
        _ => match (one.parse::<f64>(), other.parse::<f64>()) {
            (Ok(one), Ok(other)) => one.is_finite() && other.is_finite() && one.to_bits() == other.to_bits(),
            _ => false,
        },
    }
}

/// Sign, whole digits and fraction without the zeros that mean nothing.
fn decimal(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some((negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction))
}

/// Yes or no.
pub(in crate::mapping) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(_) | Value::Number(_) => {
            let text = plain(value);
            let text = text.trim();
            let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
            match (is(["true", "yes", "1"]), is(["false", "no", "0"])) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}
