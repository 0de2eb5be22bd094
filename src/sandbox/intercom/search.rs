//! Intercom's search: what a query may say, and whether a record matches it. Reads only.
//!
//! Contacts' dates are whole days of the workspace's zone, conversations' dates are seconds; the caller says which.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::answers::{bad_cursor, pages, read_cursor, refused};
use super::{answers, dates};
use crate::sandbox::wire::{Answer, Call};

/// Groups in each other, at most.
const LEVELS: usize = 2;
/// Filters in a group, at most.
const FILTERS: usize = 15;

/// What a field holds, which decides how it may be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    Number,
    Date,
    Flag,
    /// Ids of tags of contacts, which compare by `=` and `!=` only.
    Tag,
    /// Anything: custom attributes nobody has described.
    Any,
}

/// What a query is read by.
pub(super) struct Rules<'a> {
    /// The kind of a field; none for fields that cannot be searched.
    pub(super) kind_of: &'a dyn Fn(&str) -> Option<Kind>,
    /// Dates are whole days of this zone; else they are seconds, and `>` and `<` include the value itself.
    pub(super) days_of: Option<&'a TimeZone>,
}

/// A field's value in one record.
pub(super) enum Cell<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
    /// A list: it matches when one of them does.
    Several(Vec<Cow<'a, str>>),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(Cow::Borrowed(text)))
    }

    pub(super) fn seconds(seconds: Option<i64>) -> Self {
        seconds.map_or(Self::Nothing, |seconds| Self::Number(seconds as f64))
    }

    pub(super) fn of(value: Option<&'a Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Nothing,
            Some(Value::String(text)) => Self::Text(Cow::Borrowed(text)),
            Some(Value::Bool(flag)) => Self::Flag(*flag),
            Some(Value::Number(number)) => Self::Number(number.as_f64().unwrap_or_default()),
            Some(other) => Self::Text(Cow::Owned(other.to_string())),
        }
    }

    /// What rows are ordered by.
    pub(super) fn key(&self) -> Value {
        match self {
            Self::Nothing | Self::Several(_) => Value::Null,
            Self::Text(text) => json!(text.to_lowercase()),
            Self::Number(number) => json!(number),
            Self::Flag(flag) => json!(i32::from(*flag)),
        }
    }
}

/// A value looked for.
pub(super) struct Wanted {
    text: String,
    number: Option<f64>,
}

impl Wanted {
    fn read(value: &Value) -> Self {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        Self { number: text.parse().ok(), text }
    }

    fn is(&self, cell: &Cell<'_>) -> bool {
        match cell {
            Cell::Nothing => self.text.is_empty(),
            Cell::Text(text) => text.to_lowercase() == self.text,
            Cell::Number(number) => self.number == Some(*number),
            Cell::Flag(flag) => self.text == flag.to_string(),
            Cell::Several(several) => several.iter().any(|one| one.to_lowercase() == self.text),
        }
    }
}

/// One comparison.
pub(super) enum Test {
    /// From the first, up to and without the second; in seconds.
    Span(i64, i64),
    Is(Wanted),
    Among(Vec<Wanted>),
    Above(f64, bool),
    Below(f64, bool),
    Contains(String),
    Starts(String),
    Ends(String),
    Not(Box<Test>),
}

impl Test {
    fn holds(&self, cell: &Cell<'_>) -> bool {
        let number = || match cell {
            Cell::Number(number) => Some(*number),
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        };
        let text = |matches: &dyn Fn(&str) -> bool| match cell {
            Cell::Text(text) => matches(&text.to_lowercase()),
            Cell::Several(several) => several.iter().any(|one| matches(&one.to_lowercase())),
            Cell::Number(number) => matches(&number.to_string()),
            _ => false,
        };
        match self {
            Self::Span(from, to) => {
                number().is_some_and(|number| (*from..*to).contains(&(number.floor() as i64)))
            }
            Self::Is(wanted) => wanted.is(cell),
            Self::Among(several) => several.iter().any(|wanted| wanted.is(cell)),
            Self::Above(limit, itself) => number().is_some_and(|number| {
                let order = number.total_cmp(limit);
                order.is_gt() || (*itself && order.is_eq())
            }),
            Self::Below(limit, itself) => number().is_some_and(|number| {
                let order = number.total_cmp(limit);
                order.is_lt() || (*itself && order.is_eq())
            }),
            Self::Contains(part) => text(&|whole| whole.contains(part.as_str())),
            Self::Starts(part) => text(&|whole| whole.starts_with(part.as_str())),
            Self::Ends(part) => text(&|whole| whole.ends_with(part.as_str())),
            Self::Not(test) => !test.holds(cell),
        }
    }
}

/// A query as the client nested it.
pub(super) enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Field { field: String, test: Test },
}

fn invalid(message: &str) -> Answer {
    // The code is the vendor's; what it says about each mistake, no document tells.
    refused(400, "parameter_invalid", message)
}

impl Query {
    pub(super) fn of(call: &Call, rules: &Rules<'_>) -> Result<Self, Answer> {
        match call.body.get("query") {
            Some(query) => Self::read(query, rules, 0),
            None => Err(refused(400, "parameter_not_found", "query is required")),
        }
    }

    fn read(value: &Value, rules: &Rules<'_>, depth: usize) -> Result<Self, Answer> {
        let operator = value.get("operator").and_then(Value::as_str).unwrap_or_default();
        if let Some(field) = value.get("field").and_then(Value::as_str) {
            let Some(kind) = (rules.kind_of)(field) else {
                return Err(invalid(&format!("field '{field}' cannot be searched")));
            };
            let value = value.get("value").unwrap_or(&Value::Null);
            let test =
                test(kind, operator, value, rules).map_err(|why| invalid(&format!("{field}: {why}")))?;
            return Ok(Self::Field { field: field.to_owned(), test });
        }
        let Some(parts) = value.get("value").and_then(Value::as_array) else {
            return Err(invalid("query needs field, operator and value, or AND/OR and a list"));
        };
        if depth >= LEVELS || parts.len() > FILTERS {
            return Err(invalid("a query has at most 2 levels and 15 filters in a group"));
        }
        let parts =
            parts.iter().map(|part| Self::read(part, rules, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        match operator {
            "AND" => Ok(Self::All(parts)),
            "OR" => Ok(Self::Any(parts)),
            _ => Err(invalid("a group's operator is AND or OR")),
        }
    }

    /// Whether a record matches, given how to look up its fields.
    pub(super) fn matches<'a>(&self, lookup: &dyn Fn(&str) -> Cell<'a>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(lookup)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(lookup)),
            Self::Field { field, test } => test.holds(&lookup(field)),
        }
    }

    /// An equality every match fulfils, of a field an index knows.
    pub(super) fn pinned(&self, indexed: &[&str]) -> Option<(&str, &str)> {
        match self {
            Self::Field { field, test: Test::Is(wanted) } if indexed.contains(&field.as_str()) => {
                Some((field.as_str(), wanted.text.as_str())).filter(|(_, text)| !text.is_empty())
            }
            Self::All(parts) => parts.iter().find_map(|part| part.pinned(indexed)),
            _ => None,
        }
    }

    /// The span of a date every match is in; whether that is all the query says.
    pub(super) fn span_of(&self, date: &str) -> Option<((i64, i64), bool)> {
        match self {
            Self::Field { field, test: Test::Span(from, to) } if field == date => Some(((*from, *to), true)),
            Self::All(parts) => {
                let alone = parts.len() == 1;
                parts.iter().find_map(|part| part.span_of(date)).map(|(span, all)| (span, all && alone))
            }
            _ => None,
        }
    }
}

fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn test(kind: Kind, operator: &str, value: &Value, rules: &Rules<'_>) -> Result<Test, String> {
    let unsupported = || Err(format!("operator '{operator}' is not supported for this field"));
    let (operator, negated) = match operator {
        "!=" => ("=", true),
        "NIN" => ("IN", true),
        "!~" => ("~", true),
        other => (other, false),
    };
    let several = || {
        let list = value.as_array().ok_or_else(|| "the value must be an array".to_owned())?;
        Ok::<_, String>(list.iter().map(Wanted::read).collect::<Vec<_>>())
    };
    if kind == Kind::Date && operator != "IN" {
        let Some(moment) = seconds(value) else {
            return Err("the value must be a UNIX timestamp in seconds".to_owned());
        };
        let test = match rules.days_of {
            Some(zone) => {
                let (start, next) = dates::day_of(moment, zone);
                match operator {
                    "=" if !negated => Test::Span(start, next),
                    ">" => Test::Span(next, i64::MAX),
                    "<" => Test::Span(i64::MIN, start),
                    _ => return unsupported(),
                }
            }
            None => match operator {
                "=" => Test::Span(moment, moment.saturating_add(1)),
                ">" | ">=" => Test::Span(moment, i64::MAX),
                "<" | "<=" => Test::Span(i64::MIN, moment.saturating_add(1)),
                _ => return unsupported(),
            },
        };
        return Ok(if negated { Test::Not(Box::new(test)) } else { test });
    }
    if kind == Kind::Date && rules.days_of.is_some() {
        return unsupported();
    }
    if kind == Kind::Tag && operator != "=" {
        return unsupported();
    }
    let test = match operator {
        "=" => {
            let fits = match kind {
                Kind::Flag => {
                    matches!(value, Value::Bool(_)) || matches!(value.as_str(), Some("true" | "false"))
                }
                Kind::Number => value.is_null() || Wanted::read(value).number.is_some(),
                _ => !value.is_array() && !value.is_object(),
            };
            if !fits {
                return Err("the value is not of the field's type".to_owned());
            }
            Test::Is(Wanted::read(value))
        }
        "IN" => Test::Among(several()?),
        ">" | "<" | ">=" | "<=" if matches!(kind, Kind::Number | Kind::Any) => {
            let Some(limit) = Wanted::read(value).number else {
                return Err("the value must be a number".to_owned());
            };
            let itself = operator.ends_with('=') || rules.days_of.is_none();
            if operator.starts_with('>') { Test::Above(limit, itself) } else { Test::Below(limit, itself) }
        }
        "~" | "^" | "$" if matches!(kind, Kind::Text | Kind::Any) => {
            let part = Wanted::read(value).text;
            match operator {
                "~" => Test::Contains(part),
                "^" => Test::Starts(part),
                _ => Test::Ends(part),
            }
        }
        _ => return unsupported(),
    };
    Ok(if negated { Test::Not(Box::new(test)) } else { test })
}

/// Order of two sort values: numbers by size, text by letters, nothing first.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => left.as_str().cmp(&right.as_str()),
        },
    }
}

/// One page of matches: the ids shown, how many there are in all, and `pages`.
pub(super) struct Page<Id> {
    pub(super) shown: Vec<Id>,
    pub(super) total: usize,
    pub(super) pages: Value,
}

/// Which page a search asks for: its size, its number and the position it goes on after.
pub(super) struct Wish {
    pub(super) per_page: usize,
    pub(super) number: usize,
    pub(super) after: Option<Value>,
}

impl Wish {
    pub(super) fn of(call: &Call, default_size: usize) -> Result<Self, Answer> {
        let paging = call.body.get("pagination");
        let per_page = paging
            .and_then(|paging| paging.get("per_page"))
            .and_then(Value::as_u64)
            .map_or(default_size, |size| size as usize);
        if !(1..=150).contains(&per_page) {
            return Err(invalid("per_page must be between 1 and 150"));
        }
        let start = paging.and_then(|paging| paging.get("starting_after")).and_then(Value::as_str);
        let (number, after) = match start.filter(|text| !text.is_empty()) {
            None => (1, None),
            Some(text) => match read_cursor(text) {
                Some((number, position)) => (number, Some(position)),
                None => return Err(bad_cursor()),
            },
        };
        Ok(Self { per_page, number, after })
    }

    /// The page, once it is known what it shows and where the next one goes on.
    pub(super) fn page<Id>(&self, shown: Vec<Id>, total: usize, next: Option<&Value>) -> Page<Id> {
        let next = next.map(|position| answers::cursor(self.number + 1, position));
        Page { shown, total, pages: pages(total, self.number, self.per_page, next.as_deref()) }
    }
}

/// Sorts matches and cuts the page the client asked for. A page goes on after a position, not after a count,
/// so records that move meanwhile are not skipped.
pub(super) fn cut<Id: Clone + Ord + serde::Serialize>(
    wish: &Wish,
    mut matches: Vec<(Value, Id)>,
    ascending: bool,
) -> Page<Id> {
    matches.sort_by(|left, right| {
        let order = compare(&left.0, &right.0).then_with(|| left.1.cmp(&right.1));
        if ascending { order } else { order.reverse() }
    });
    let total = matches.len();
    let first = wish.after.as_ref().map_or(0, |position| {
        matches.partition_point(|(value, id)| {
            let order = compare(value, &position[0]).then_with(|| compare(&json!(id), &position[1]));
            if ascending { order != Ordering::Greater } else { order != Ordering::Less }
        })
    });
    let end = (first + wish.per_page).min(total);
    let next = (end < total && end > first).then(|| json!([matches[end - 1].0, matches[end - 1].1]));
    let shown = matches[first..end].iter().map(|(_, id)| id.clone()).collect();
    wish.page(shown, total, next.as_ref())
}

/// The sort the body asks for: field and whether it ascends.
pub(super) fn sort(call: &Call) -> Result<(String, bool), Answer> {
    let sort = call.body.get("sort");
    let field = sort.and_then(|sort| sort.get("field")).and_then(Value::as_str).unwrap_or("created_at");
    match sort.and_then(|sort| sort.get("order")).and_then(Value::as_str) {
        Some("ascending") => Ok((field.to_owned(), true)),
        None | Some("descending") => Ok((field.to_owned(), false)),
        Some(other) => {
            let message = format!("Invalid sort order '{other}'. Must be one of: ascending, descending");
            Err(refused(400, "invalid_sort_order", &message))
        }
    }
}
