//! From facts to what is done: whether a recipe has something to do, what is looked up first, and the steps in order.
//!
//! Pure: the same recipe and facts give the same plan with the same keys, so that planning again after a crash finds what
//! was done. A record is only made when its lookup was asked and found none; where several fit, nothing is made or changed
//! and the duplicate is named. Nothing here evaluates what a record says.

mod create;
mod steps;

use serde_json::{Map, Value, json};

use super::condition::{self, RecipeFault, Scope};
use super::contact_sync::Planned;
use super::facts::Facts;
use super::recipe::{Act, Recipe, Target};
use super::template;
use crate::domain::plan::key_for;
use crate::domain::record::{Connection, ObjectKind, RecordRef};
use crate::mapping::Mapping;

/// Where the routing table leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The value; blank when not even the last row gives one.
    pub to: String,
    /// By which strategy.
    pub because: String,
}

/// What a recipe makes of its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It has something to do.
    Go {
        /// It runs once for this value.
        once: Option<String>,
        /// Where the routing table leads; none without one.
        route: Option<Routed>,
        /// Why the condition is true; empty without one.
        explanation: String,
    },
    /// It has nothing to do.
    Skip {
        /// The recipe's own words for it.
        reason: String,
        /// Which comparison decided it, with its values.
        explanation: String,
    },
    /// It lacks what it cannot do without: a sentence that says what, and what to do.
    Missing(String),
}

/// How a record is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// By the value of a field; a blank value finds nothing and is not asked.
    Field {
        /// The vendor's name of the field.
        field: String,
        /// The value.
        value: String,
    },
    /// The open one of this person, the oldest first.
    OpenOfPerson(RecordRef),
    /// By a key of ours, among the records of this person or organisation.
    Key {
        /// Whose.
        of: RecordRef,
        /// The key.
        key: String,
    },
}

/// A lookup that has to be made before a recipe can be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The place of the action, from 0: where in [`Facts::found`] the answer belongs.
    pub action: usize,
    /// Where.
    pub connection: Connection,
    /// Of which kind.
    pub object: ObjectKind,
    /// How.
    pub by: By,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a {} in {} ", self.object, self.connection.system.title())?;
        match &self.by {
            By::Field { field, value } => write!(f, "whose {field} is {value}"),
            By::OpenOfPerson(person) => write!(f, "of {} that is open", person.title()),
            By::Key { of, key } => write!(f, "of {} with the key {key}", of.title()),
        }
    }
}

/// Judges a recipe: what it cannot do without, then its condition, then its routes.
pub fn judge(recipe: &Recipe, facts: &Facts) -> Result<Ruling, RecipeFault> {
    let mut scope = scope(recipe, facts);
    for (place, require) in recipe.require.iter().enumerate() {
        let at = |fault: RecipeFault| fault.at(recipe, &format!("require.{place}"));
        if !condition::judge(&require.that, &scope).map_err(at)?.holds {
            return Ok(Ruling::Missing(template::text(&require.otherwise, &scope).map_err(at)?));
        }
    }
    let mut explanation = String::new();
    if let Some(condition) = &recipe.condition {
        let judged =
            condition::judge(&condition.when, &scope).map_err(|fault| fault.at(recipe, "condition.when"))?;
        if !judged.holds {
            return Ok(Ruling::Skip { reason: condition.otherwise.clone(), explanation: judged.explanation });
        }
        explanation = judged.explanation;
    }
    let route = routed(recipe, &mut scope)?;
    let once = once(recipe, &scope)?;
    Ok(Ruling::Go { once, route, explanation })
}

/// What has to be looked up before the recipe can be planned; only for actions that will run.
pub fn lookups(recipe: &Recipe, facts: &Facts) -> Result<Vec<Wanted>, RecipeFault> {
    let mut scope = scope(recipe, facts);
    routed(recipe, &mut scope)?;
    let mut wanted = Vec::new();
    for place in 0..recipe.actions.len() {
        if steps::runs(recipe, place, &scope)? {
            wanted.extend(create::wanted(recipe, place, facts, &scope)?);
        }
    }
    Ok(wanted)
}

/// Plans a recipe that was judged to go. `mapping` gives the mappings of a name for the CRM at hand.
pub fn plan<'m>(
    recipe: &Recipe,
    facts: &Facts,
    mapping: &dyn Fn(&str) -> Option<&'m Mapping>,
) -> Result<Planned, RecipeFault> {
    if let Some(sentence) = duplicate(recipe, facts) {
        return Ok(Planned::nothing(sentence));
    }
    let mut scope = scope(recipe, facts);
    routed(recipe, &mut scope)?;
    let base = base(recipe, facts, &scope)?;
    let mut drawing = steps::Drawing::new(recipe, facts, &scope, base);
    for place in 0..recipe.actions.len() {
        if steps::runs(recipe, place, &scope)? {
            drawing.act(place, mapping)?;
        }
    }
    Ok(drawing.done())
}

fn scope(recipe: &Recipe, facts: &Facts) -> Scope {
    let mut scope = Scope::of(facts);
    scope.set("settings", &Value::Object(recipe.settings.clone()));
    scope
}

/// Finds the first row that fits and leads somewhere, and puts it among the names.
fn routed(recipe: &Recipe, scope: &mut Scope) -> Result<Option<Routed>, RecipeFault> {
    if recipe.routes.is_empty() {
        return Ok(None);
    }
    let mut found = Routed { to: String::new(), because: String::new() };
    for (place, route) in recipe.routes.iter().enumerate() {
        let at = |fault: RecipeFault| fault.at(recipe, &format!("route.{place}"));
        let fits = match &route.when {
            Some(when) => condition::judge(when, scope).map_err(at)?.holds,
            None => true,
        };
        if fits {
            found =
                Routed { to: template::text(&route.to, scope).map_err(at)?, because: route.because.clone() };
            if !found.to.trim().is_empty() {
                break;
            }
        }
    }
    let to = if found.to.trim().is_empty() { Value::Null } else { Value::String(found.to.clone()) };
    scope.set("route", &json!({"to": to, "because": found.because}));
    Ok(Some(found))
}

fn once(recipe: &Recipe, scope: &Scope) -> Result<Option<String>, RecipeFault> {
    let Some(once) = &recipe.once else { return Ok(None) };
    let value = template::text(once, scope).map_err(|fault| fault.at(recipe, "once"))?;
    if value.trim().is_empty() {
        let fault =
            RecipeFault::new(once, "it is blank with these facts, so nobody knows for what it runs once");
        return Err(fault.at(recipe, "once"));
    }
    Ok(Some(value))
}

/// What keys of ours are made of: the same for whatever runs the recipe again for the same thing.
fn base(recipe: &Recipe, facts: &Facts, scope: &Scope) -> Result<String, RecipeFault> {
    Ok(match once(recipe, scope)? {
        Some(once) => format!("{}|{once}", recipe.name),
        None => {
            let id = |record: &Option<crate::domain::record::Mirror>| {
                record.as_ref().map(|mirror| mirror.record.to_string()).unwrap_or_default()
            };
            let mut event: Vec<(&String, &Value)> = facts.event.iter().collect();
            event.sort_by_key(|(name, _)| *name);
            let event: Map<String, Value> =
                event.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            format!("{}|{}|{}", recipe.name, Value::Object(event), id(&facts.conversation))
        }
    })
}

/// A key of ours for an action.
fn key(base: &str, place: usize, more: &str) -> String {
    key_for(&format!("{base}|{place}|{more}"))
}

/// Two records of the CRM that both fit the person are one to merge, not one to choose.
fn duplicate(recipe: &Recipe, facts: &Facts) -> Option<String> {
    let one = facts.crm.as_ref()?;
    if facts.also.is_empty() || !recipe.actions.iter().any(|action| touches_the_person(&action.act)) {
        return None;
    }
    let others: Vec<String> = facts.also.iter().map(RecordRef::title).collect();
    Some(format!(
        "{} and {} both fit this person: merge them first, then retry.",
        one.record.title(),
        others.join(", ")
    ))
}

fn touches_the_person(act: &Act) -> bool {
    match act {
        Act::Update { target, .. } | Act::Tag { target, .. } => *target == Target::Crm,
        Act::Create { relate, find, .. } => {
            relate.contains(&Target::Crm) || *find == super::recipe::Lookup::OpenOfPerson
        }
        Act::Relate { from, to } => [from, to].contains(&&Target::Crm),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
