//! One condition of a search, read once and held against many records. Knows no index.

use std::cmp::Ordering;

use serde_json::Value;

use crate::sandbox::hubspot::answers::invalid;
use crate::sandbox::hubspot::shelf::Record;
use crate::sandbox::wire::Answer;

const OPERATORS: [&str; 13] = [
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
];

pub(super) struct Filter<'a> {
    pub(super) property: &'a str,
    pub(super) operator: &'a str,
    pub(super) value: Operand,
    pub(super) high: Operand,
    values: Vec<Operand>,
}

/// A value to compare with, and what it is as a number and as a moment.
pub(super) struct Operand {
    pub(super) text: String,
    number: Option<f64>,
    pub(super) moment: Option<i64>,
}

impl Operand {
    fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        Self { number: text.parse().ok(), moment: moment(&text), text }
    }

    /// How an actual value, in lower case, stands to this one.
    fn order(&self, actual: &str) -> Ordering {
        if let (Some(wanted), Ok(actual)) = (self.number, actual.parse::<f64>())
            && let Some(order) = actual.partial_cmp(&wanted)
        {
            return order;
        }
        match (moment(actual), self.moment) {
            (Some(actual), Some(wanted)) => actual.cmp(&wanted),
            _ => actual.cmp(self.text.as_str()),
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl<'a> Filter<'a> {
    pub(super) fn read(given: &'a Value) -> Result<Self, Answer> {
        let (Some(property), Some(operator)) = (given["propertyName"].as_str(), given["operator"].as_str())
        else {
            return Err(invalid("Every filter needs propertyName and operator"));
        };
        if !OPERATORS.contains(&operator) {
            return Err(invalid(&format!("Invalid input JSON: operator {operator} is unknown")));
        }
        let list = given["values"].as_array().into_iter().flatten();
        let values: Vec<Operand> = list.map(|one| Operand::new(&text(one))).collect();
        if matches!(operator, "IN" | "NOT_IN") && values.is_empty() {
            return Err(invalid(&format!("operator {operator} requires values")));
        }
        let valued = !matches!(operator, "IN" | "NOT_IN" | "HAS_PROPERTY" | "NOT_HAS_PROPERTY");
        if valued && given["value"].is_null() {
            return Err(invalid(&format!("operator {operator} requires a value")));
        }
        if operator == "BETWEEN" && given["highValue"].is_null() {
            return Err(invalid("operator BETWEEN requires a highValue"));
        }
        let (value, high) = (Operand::new(&text(&given["value"])), Operand::new(&text(&given["highValue"])));
        Ok(Self { property, operator, value, high, values })
    }

    pub(super) fn matches(&self, record: &Record) -> bool {
        if let Some(actual) = record.moment(self.property) {
            let order = |wanted: &Operand| wanted.moment.map(|wanted| actual.cmp(&wanted));
            return self.compared(order, |wanted| wanted.moment == Some(actual));
        }
        let Some(actual) = record.value(self.property) else {
            return matches!(self.operator, "NOT_HAS_PROPERTY" | "NEQ" | "NOT_IN" | "NOT_CONTAINS_TOKEN");
        };
        let actual = actual.to_lowercase();
        match self.operator {
            "CONTAINS_TOKEN" => has_token(&actual, &self.value.text),
            "NOT_CONTAINS_TOKEN" => !has_token(&actual, &self.value.text),
            _ => self.compared(|wanted| Some(wanted.order(&actual)), |wanted| actual == wanted.text),
        }
    }

    fn compared(
        &self,
        order: impl Fn(&Operand) -> Option<Ordering>,
        same: impl Fn(&Operand) -> bool,
    ) -> bool {
        let at_least = |wanted: &Operand| matches!(order(wanted), Some(Ordering::Greater | Ordering::Equal));
        let at_most = |wanted: &Operand| matches!(order(wanted), Some(Ordering::Less | Ordering::Equal));
        match self.operator {
            "EQ" => same(&self.value),
            "NEQ" => !same(&self.value),
            "IN" => self.values.iter().any(same),
            "NOT_IN" => !self.values.iter().any(same),
            "LT" => order(&self.value) == Some(Ordering::Less),
            "LTE" => at_most(&self.value),
            "GT" => order(&self.value) == Some(Ordering::Greater),
            "GTE" => at_least(&self.value),
            "BETWEEN" => at_least(&self.value) && at_most(&self.high),
            "HAS_PROPERTY" => true,
            _ => false,
        }
    }

    /// Values an index can look up.
    pub(super) fn pinned(&self) -> Option<Vec<&str>> {
        match self.operator {
            "EQ" => Some(vec![&self.value.text]),
            "IN" => Some(self.values.iter().map(|value| value.text.as_str()).collect()),
            _ => None,
        }
    }

    /// The whole numbers it lets through, where `number` reads its operands; both ends belong to it.
    pub(super) fn range(&self, number: impl Fn(&Operand) -> Option<i64>) -> Option<(i64, i64)> {
        let value = number(&self.value)?;
        Some(match self.operator {
            "EQ" => (value, value),
            "LT" => (i64::MIN, value.checked_sub(1)?),
            "LTE" => (i64::MIN, value),
            "GT" => (value.checked_add(1)?, i64::MAX),
            "GTE" => (value, i64::MAX),
            "BETWEEN" => (value, number(&self.high)?),
            _ => return None,
        })
    }
}

/// A moment given as epoch milliseconds or in ISO-8601.
fn moment(text: &str) -> Option<i64> {
    if let Ok(milliseconds) = text.parse() {
        return Some(milliseconds);
    }
    // Most values are no moments; only what begins like a year is worth the parser's time.
    if !text.as_bytes().starts_with(b"1") && !text.as_bytes().starts_with(b"2") {
        return None;
    }
    text.to_uppercase().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Token search: whole words, `*` at either end widens.
fn has_token(actual: &str, wanted: &str) -> bool {
    let core = wanted.trim_matches('*');
    let (open_start, open_end) = (wanted.starts_with('*'), wanted.ends_with('*'));
    let fits = |token: &str| match (open_start, open_end) {
        (true, true) => token.contains(core),
        (true, false) => token.ends_with(core),
        (false, true) => token.starts_with(core),
        (false, false) => token == core,
    };
    fits(actual) || actual.split(|letter: char| !letter.is_alphanumeric()).any(fits)
}
