//! The functions of expressions: a short list, each with one meaning. What a record lacks stays missing.

use std::sync::Arc;

use cel::Value as Cel;
use cel::common::ast::IdedExpr;

use super::evaluate::{Computed, Evaluation, Stop, of_the_crate};
use super::explain::named;
use super::values::{double, entry, json, kind};
use crate::domain::clock::Timestamp;
use crate::domain::record::value_text;
use crate::domain::text::shorten;
use crate::mapping::transform::time;

/// Seconds of a day, for windows: 7 days are 7×24 hours, whatever the clocks did.
const DAY: f64 = 86_400.0;

/// Every function with what it gives, for `reknit recipe facts`.
pub const FUNCTIONS: [(&str, &str); 26] = [
    ("number(x)", "a number, or a text that is one; missing when blank or no number"),
    ("string(x)", "as a text"),
    ("yes(x)", "whether it is true, or the text \"true\", \"yes\" or \"1\": a CRM's checkboxes are texts"),
    ("blank(x)", "whether it is null, or a text of blanks, or an empty list"),
    ("or_else(x, y)", "x, or y where x is missing"),
    ("lower(x)", "a text in small letters, to compare without regard to case"),
    ("trim(x)", "a text without blanks around it"),
    ("words(x)", "the words of a text in small letters, as a list"),
    ("x.contains(y)", "whether a text has y in it; also contains(x, y)"),
    ("x.startsWith(y)", "whether a text begins with y"),
    ("x.endsWith(y)", "whether a text ends with y"),
    ("x.matches(y)", "whether a text fits a regular expression"),
    ("size(x)", "letters of a text, elements of a list"),
    ("seconds(x)", "a time in seconds since 1970: from seconds, milliseconds or an ISO text"),
    ("date(x)", "the day of a time in UTC, as 2026-01-10"),
    ("days(n)", "seconds of n days of 24 hours: now - seconds(x) < days(7)"),
    ("count_within(list, n)", "elements of a list with begun_at at most n×24 hours ago"),
    (
        "crossed(conversations, count, n)",
        "whether the conversation of the event (else the newest) is the count-th within n×24 hours: true once for each crossing",
    ),
    ("in_any(list, tags)", "whether one of the tags is in the list; an empty list lets nobody through"),
    ("options(x)", "the values of a CRM's multiple choice, which is one text with semicolons, as a list"),
    ("distinct(list)", "each value once"),
    ("join(list, separator)", "as one text"),
    ("first(list)", "its first element, or null"),
    ("sum(list)", "the sum of its numbers; what is missing counts nothing"),
    ("round(x, digits)", "a number rounded half away from zero"),
    ("list.exists(x, …)", "also all, exists_one, filter and map: x is each element in turn"),
];

/// The names that can be called.
pub const CALLS: [&str; 26] = [
    "number",
    "string",
    "yes",
    "blank",
    "or_else",
    "lower",
    "trim",
    "words",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "size",
    "seconds",
    "date",
    "days",
    "count_within",
    "crossed",
    "in_any",
    "options",
    "distinct",
    "join",
    "first",
    "sum",
    "round",
    "has",
];

/// Calls a function by its name; `parts` are what it is called on and with.
pub(super) fn call(with: &Evaluation<'_>, name: &str, parts: &[&IdedExpr], member: bool) -> Computed {
    match (name, parts) {
        ("number", [one]) => with.known(one).and_then(|value| number(&value, &named(one))).map(Cel::Float),
        ("yes", [one]) => Ok(Cel::Bool(match with.known(one)? {
            Cel::Bool(flag) => flag,
            Cel::String(text) => matches!(text.trim().to_lowercase().as_str(), "true" | "yes" | "1"),
            other => double(&other).is_some_and(|number| number != 0.0),
        })),
        ("blank", [one]) => match with.value(one) {
            Ok(value) => Ok(Cel::Bool(is_blank(&value))),
            Err(Stop::Missing(_)) => Ok(Cel::Bool(true)),
            Err(fault) => Err(fault),
        },
        ("string", [one]) => with.known(one).and_then(|value| plain(&value)).map(text),
        ("lower", [one]) => texts(with, name, one).map(|found| text(found.to_lowercase())),
        ("trim", [one]) => texts(with, name, one).map(|found| text(found.trim().to_owned())),
        ("words", [one]) => {
            let found = texts(with, name, one)?.to_lowercase();
            let words = found.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            Ok(list(words.map(|word| text(word.to_owned())).collect()))
        }
        ("contains", [one, other]) => match with.known(one)? {
            Cel::List(list) => Ok(Cel::Bool(list.contains(&with.value(other)?))),
            Cel::String(found) => Ok(Cel::Bool(found.contains(texts(with, name, other)?.as_str()))),
            value => Err(wrong(name, one, &value, "a text or a list")),
        },
        ("startsWith", [one, other]) => {
            Ok(Cel::Bool(texts(with, name, one)?.starts_with(texts(with, name, other)?.as_str())))
        }
        ("endsWith", [one, other]) => {
            Ok(Cel::Bool(texts(with, name, one)?.ends_with(texts(with, name, other)?.as_str())))
        }
        ("matches", [one, other]) => {
            let found = [Cel::String(texts(with, name, one)?), Cel::String(texts(with, name, other)?)];
            of_the_crate(name, &found, true)
        }
        ("size", [one]) => match with.known(one)? {
            Cel::List(list) => Ok(Cel::Int(list.len() as i64)),
            Cel::Map(map) => Ok(Cel::Int(map.map.len() as i64)),
            Cel::String(found) => Ok(Cel::Int(found.chars().count() as i64)),
            value => Err(wrong(name, one, &value, "a text or a list")),
        },
        ("seconds", [one]) => moment(with, one).map(|at| Cel::Int(at.seconds())),
        ("date", [one]) => moment(with, one).map(|at| text(at.rfc3339().chars().take(10).collect())),
        ("days", [one]) => Ok(Cel::Float(needed(with, name, one)? * DAY)),
        ("count_within", [one, days]) => {
            let (begun, window) = (beginnings(with, name, one)?, needed(with, name, days)? * DAY);
            let now = double(&with.variable("now")).unwrap_or_default();
            Ok(Cel::Int(begun.iter().filter(|(at, _)| now - at <= window).count() as i64))
        }
        ("crossed", [one, count, days]) => {
            let (begun, count) = (beginnings(with, name, one)?, needed(with, name, count)?);
            Ok(Cel::Bool(crossed(with, begun, count, needed(with, name, days)? * DAY)))
        }
        ("in_any", [allowed, tags]) => {
            let (allowed, tags) = (lists(with, name, allowed)?, lists(with, name, tags)?);
            Ok(Cel::Bool(tags.iter().any(|tag| allowed.contains(tag))))
        }
        ("options", [one]) => {
            let found = texts(with, name, one)?;
            let options = found.split(';').map(str::trim).filter(|option| !option.is_empty());
            Ok(list(options.map(|option| text(option.to_owned())).collect()))
        }
        ("distinct", [one]) => {
            let mut once: Vec<Cel> = Vec::new();
            for value in lists(with, name, one)?.iter() {
                if !once.contains(value) {
                    once.push(value.clone());
                }
            }
            Ok(list(once))
        }
        ("join", [one, separator]) => {
            let found: Result<Vec<String>, Stop> =
                lists(with, name, one)?.iter().filter(|value| !is_blank(value)).map(plain).collect();
            Ok(text(found?.join(texts(with, name, separator)?.as_str())))
        }
        ("first", [one]) => Ok(lists(with, name, one)?.first().cloned().unwrap_or(Cel::Null)),
        ("sum", [one]) => {
            let mut sum = 0.0;
            for value in lists(with, name, one)?.iter() {
                match number(value, &named(one)) {
                    Ok(found) => sum += found,
                    Err(Stop::Missing(_)) => {}
                    Err(fault) => return Err(fault),
                }
            }
            Ok(Cel::Float(sum))
        }
        ("round", [one, digits]) => {
            let scale = 10_f64.powi(needed(with, name, digits)?.clamp(-12.0, 12.0) as i32);
            Ok(Cel::Float((needed(with, name, one)? * scale).round() / scale))
        }
        (known, _) if CALLS.contains(&known) => Err(Stop::Fault(format!(
            "{known}() takes another number of values{}",
            if member { " here" } else { "" }
        ))),
        _ => Err(Stop::Fault(format!("there is no function {name}() (reknit recipe facts lists them)"))),
    }
}

fn text(of: String) -> Cel {
    Cel::String(Arc::new(of))
}

fn list(of: Vec<Cel>) -> Cel {
    Cel::List(Arc::new(of))
}

fn wrong(name: &str, node: &IdedExpr, value: &Cel, wanted: &str) -> Stop {
    Stop::Fault(format!("{name}() takes {wanted}, and {} is {}", named(node), kind(value)))
}

fn is_blank(value: &Cel) -> bool {
    match value {
        Cel::Null => true,
        Cel::String(text) => text.trim().is_empty(),
        Cel::List(list) => list.is_empty(),
        _ => false,
    }
}

fn number(value: &Cel, called: &str) -> Result<f64, Stop> {
    if let Some(number) = double(value) {
        return Ok(number);
    }
    let Cel::String(text) = value else { return Err(Stop::Missing(format!("a number in {called}"))) };
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ if text.trim().is_empty() => Err(Stop::Missing(called.to_owned())),
        _ => Err(Stop::Missing(format!("a number in {called} (it is \"{}\")", shorten(text.trim(), 40)))),
    }
}

fn plain(value: &Cel) -> Result<String, Stop> {
    json(value).map(|value| value_text(&value)).map_err(Stop::Fault)
}

fn texts(with: &Evaluation<'_>, name: &str, node: &IdedExpr) -> Result<Arc<String>, Stop> {
    match with.known(node)? {
        Cel::String(text) => Ok(text),
        value => Err(wrong(name, node, &value, "a text")),
    }
}

fn lists(with: &Evaluation<'_>, name: &str, node: &IdedExpr) -> Result<Arc<Vec<Cel>>, Stop> {
    match with.known(node)? {
        Cel::List(list) => Ok(list),
        value => Err(wrong(name, node, &value, "a list")),
    }
}

fn needed(with: &Evaluation<'_>, name: &str, node: &IdedExpr) -> Result<f64, Stop> {
    let value = with.known(node)?;
    double(&value).ok_or_else(|| wrong(name, node, &value, "a number"))
}

fn moment(with: &Evaluation<'_>, node: &IdedExpr) -> Result<Timestamp, Stop> {
    let value = with.known(node)?;
    let value = match &value {
        Cel::Float(number) if number.is_finite() => Cel::Int(*number as i64),
        other => other.clone(),
    };
    let missing = || Stop::Missing(format!("a time in {}", named(node)));
    time(&json(&value).map_err(Stop::Fault)?).ok_or_else(missing)
}

/// When each conversation of a list began, and its id.
fn beginnings(with: &Evaluation<'_>, name: &str, node: &IdedExpr) -> Result<Vec<(f64, String)>, Stop> {
    let (at, id) = (text("begun_at".to_owned()), text("id".to_owned()));
    Ok(lists(with, name, node)?
        .iter()
        .filter_map(|one| {
            let id = entry(one, &id).and_then(|id| plain(id).ok()).unwrap_or_default();
            Some((double(entry(one, &at)?)?, id))
        })
        .collect())
}

/// Whether the conversation of the event, else the newest, is the `count`-th in the window that ends with it. That one
/// counts, those after it do not: late and repeated events are judged as the first would have been. Before it there
/// were `count - 1`, which is below; the one after it makes `count + 1`, which is no crossing until some fall out.
fn crossed(with: &Evaluation<'_>, mut begun: Vec<(f64, String)>, count: f64, window: f64) -> bool {
    begun.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    let own = entry(&with.variable("conversation"), &text("id".to_owned())).and_then(|id| plain(id).ok());
    let place = own.and_then(|own| begun.iter().position(|(_, id)| *id == own));
    let Some(last) = place.or_else(|| begun.len().checked_sub(1)) else { return false };
    let within = begun[..=last].iter().filter(|(at, _)| begun[last].0 - at <= window).count();
    (within as f64).total_cmp(&count).is_eq()
}
