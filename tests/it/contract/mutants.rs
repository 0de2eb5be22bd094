//! Requests spoilt on purpose: a key dropped, a key with another name, a value of another type. A contract that lets
//! them pass is none.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::check::Contract;
use super::golden;
use crate::support::Exchange;

/// What was done to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Damage {
    Dropped,
    Renamed,
    Retyped,
}

/// How many spoilt requests were noticed, and by what.
#[derive(Default)]
pub(crate) struct Score {
    /// All of them.
    pub(crate) made: usize,
    /// Refused by the vendor's document.
    pub(crate) refused: usize,
    /// Let pass by the document (a row's names are the customer's with Salesforce), but not what the golden says we send.
    pub(crate) unlike: usize,
    /// A dropped or renamed key that nobody noticed.
    pub(crate) missed: Vec<String>,
    /// A value of another type that the document allows.
    pub(crate) allowed: Vec<String>,
}

impl Score {
    /// Two scores as one.
    pub(crate) fn add(&mut self, other: Self) {
        self.made += other.made;
        self.refused += other.refused;
        self.unlike += other.unlike;
        self.missed.extend(other.missed);
        self.allowed.extend(other.allowed);
    }

    /// As it is told.
    pub(crate) fn in_words(&self) -> String {
        let noticed = self.refused + self.unlike;
        format!(
            "{noticed} of {} spoilt requests noticed ({} refused by the document, {} unlike what we send)",
            self.made, self.refused, self.unlike
        )
    }
}

/// Spoils every request with a body in every way, each way of sending once.
pub(crate) fn score(contract: &Contract, exchanges: &[Exchange]) -> Score {
    let mut score = Score::default();
    let mut seen = BTreeSet::new();
    for exchange in exchanges {
        let Ok(body) = serde_json::from_slice::<Value>(&exchange.body) else { continue };
        if !seen.insert(golden::line(exchange)) || !contract.request(exchange).is_empty() {
            continue;
        }
        for path in keys(&body) {
            for damage in [Damage::Dropped, Damage::Renamed, Damage::Retyped] {
                // In a free map any name will do, and one fewer as well.
                if damage != Damage::Retyped && golden::is_free(&path) {
                    continue;
                }
                let mut spoilt = body.clone();
                spoil(&mut spoilt, &path, damage);
                let mutant = Exchange { body: spoilt.to_string().into(), ..exchange.clone() };
                score.made += 1;
                let title = format!("{} {}: {} {damage:?}", exchange.method, exchange.path, path.join("."));
                if !contract.request(&mutant).is_empty() {
                    score.refused += 1;
                } else if damage == Damage::Retyped {
                    score.allowed.push(title);
                } else if golden::line(&mutant) == golden::line(exchange) {
                    score.missed.push(title);
                } else if damage == Damage::Renamed && !exchange.path.starts_with("/services/data/") {
                    score.missed.push(format!("{title} (only the golden noticed)"));
                } else {
                    score.unlike += 1;
                }
            }
        }
    }
    score
}

/// Every key of a body with the keys it is under; all items of a list are one.
pub(crate) fn keys(body: &Value) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut add = |under: &[&str], value: &Value| {
        for path in keys(value) {
            found.insert(under.iter().map(|step| (*step).to_owned()).chain(path).collect());
        }
    };
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                add(&[name], value);
            }
            found.extend(members.keys().map(|name| vec![name.clone()]));
        }
        Value::Array(items) => items.iter().for_each(|item| add(&["[]"], item)),
        _ => {}
    }
    found
}

fn spoil(body: &mut Value, path: &[String], damage: Damage) {
    match (body, path) {
        (Value::Array(items), [_, rest @ ..]) => items.iter_mut().for_each(|item| spoil(item, rest, damage)),
        (Value::Object(members), [name]) => {
            let whole = std::mem::take(members);
            *members =
                whole.into_iter().filter_map(|member| damaged(member, name, damage)).collect::<Map<_, _>>();
        }
        (Value::Object(members), [name, rest @ ..]) => {
            if let Some(value) = members.get_mut(name) {
                spoil(value, rest, damage);
            }
        }
        _ => {}
    }
}

fn damaged((name, value): (String, Value), wanted: &str, damage: Damage) -> Option<(String, Value)> {
    if name != wanted {
        return Some((name, value));
    }
    match damage {
        Damage::Dropped => None,
        Damage::Renamed => Some((format!("{name}_x"), value)),
        Damage::Retyped => {
            Some((name, if value.is_object() { json!("text") } else { json!({"an": "object"}) }))
        }
    }
}
