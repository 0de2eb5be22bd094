//! Expressions of recipes: CEL, parsed and computed with the crate `cel`, judged so that what is not known is no error.
//!
//! What CEL leaves to the host is settled here, alike for every recipe. A field a record does not have is null. To
//! compare or compute with null gives neither true nor false but *missing*: `&&`, `||` and `!` carry it on as they
//! carry an error in CEL (`missing && false` is false), `?:` takes its second way, `filter` and `exists` leave the
//! element out, and a condition that ends in it is not true, because something is missing. `== null` and `!= null` tell
//! the two apart. Every judgement says which comparison decided it, and with which values.
//!
//! Record data is only ever a value here, never an expression. Length, nesting and the number of steps are bounded, so
//! no expression and no record keeps the engine busy; nothing here panics.

mod evaluate;
mod explain;
mod functions;
mod parse;
mod values;

use std::collections::HashMap;

use cel::Value as Cel;
use serde_json::{Map, Value};

use super::facts::Facts;
use super::recipe::Recipe;
use evaluate::{Evaluation, Stop};
pub use functions::{CALLS, FUNCTIONS};
pub(crate) use parse::deep;
pub use parse::{Mentions, mentions};

/// An expression or template that does not fit the facts: a mistake of the recipe, not of the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}\"{expression}\" could not be judged: {why}", .place.as_deref().map(|place| format!("{place}: ")).unwrap_or_default())]
pub struct RecipeFault {
    /// File and line, where known.
    pub place: Option<String>,
    /// The expression.
    pub expression: String,
    /// What is wrong with it.
    pub why: String,
}

impl RecipeFault {
    pub(super) fn new(expression: &str, why: impl Into<String>) -> Self {
        Self { place: None, expression: expression.to_owned(), why: why.into() }
    }

    /// With the place in a recipe's file where it stands.
    pub(super) fn at(mut self, recipe: &Recipe, path: &str) -> Self {
        self.place = Some(format!("{}, line {}", recipe.file, recipe.line(path)));
        self
    }
}

/// What expressions see.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    variables: HashMap<String, Cel>,
}

impl Scope {
    /// The names and values of a JSON object.
    pub fn new(variables: &Map<String, Value>) -> Self {
        Self { variables: variables.iter().map(|(name, value)| (name.clone(), values::cel(value))).collect() }
    }

    /// What a recipe sees of its facts; a name that was not gathered is null.
    pub fn of(facts: &Facts) -> Self {
        let mut scope = Self::new(&facts.variables());
        scope.variables.entry("route".to_owned()).or_insert(Cel::Null);
        scope
    }

    /// One more name, or another value of one.
    pub fn set(&mut self, name: &str, value: &Value) {
        self.variables.insert(name.to_owned(), values::cel(value));
    }
}

/// What became of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// It is true.
    pub holds: bool,
    /// What was missing, when it is neither true nor false.
    pub missing: Option<String>,
    /// Which comparison decided it, with its values.
    pub explanation: String,
}

/// Whether an expression can be read at all; the error says why not.
pub fn check(expression: &str) -> Result<(), RecipeFault> {
    parse::expression(expression).map(drop)
}

/// Judges a condition.
pub fn judge(expression: &str, scope: &Scope) -> Result<Judged, RecipeFault> {
    let parsed = parse::expression(expression)?;
    let evaluation = Evaluation::new(scope);
    let (decided, reasons) = explain::decide(&evaluation, &parsed);
    let explanation = reasons.join("; ");
    match decided {
        Ok(holds) => Ok(Judged { holds, missing: None, explanation }),
        Err(Stop::Missing(what)) => Ok(Judged { holds: false, missing: Some(what), explanation }),
        Err(Stop::Fault(why)) => Err(RecipeFault::new(expression, why)),
    }
}

/// What an expression gives; none when something in it is missing.
pub fn evaluate(expression: &str, scope: &Scope) -> Result<Option<Value>, RecipeFault> {
    let parsed = parse::expression(expression)?;
    match Evaluation::new(scope).value(&parsed) {
        Ok(Cel::Null) | Err(Stop::Missing(_)) => Ok(None),
        Ok(value) => values::json(&value).map(Some).map_err(|why| RecipeFault::new(expression, why)),
        Err(Stop::Fault(why)) => Err(RecipeFault::new(expression, why)),
    }
}

#[cfg(test)]
mod tests;
