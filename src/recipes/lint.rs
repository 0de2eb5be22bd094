//! What is wrong with recipes that can be read: what they name, what they would do twice, what they forget.
//!
//! Pure and without a vendor: whether a field exists there is checked against the schemas elsewhere. Every finding names
//! file, line, what, and what would be right.

mod reach;

use std::collections::BTreeSet;

pub mod schema;

use super::book::Book;
use super::condition::{self, CALLS, Mentions};
use super::facts::Facts;
use super::finding::{Finding, instead_of, nearest};
use super::needs;
use super::recipe::{Act, Recipe, State, Trigger};
use super::template;
use crate::domain::record::{ObjectKind, System, value_text};

/// Everything found in a book, in the order of its recipes.
pub fn book(book: &Book) -> Vec<Finding> {
    let mut findings: Vec<Finding> = book.all().flat_map(|recipe| self::recipe(recipe)).collect();
    let all: Vec<&Recipe> = book.all().map(AsRef::as_ref).collect();
    findings.extend(makers(&all));
    findings
}

/// Everything found in one recipe, in the order of its lines.
pub fn recipe(recipe: &Recipe) -> Vec<Finding> {
    let mut lint = Lint { recipe, findings: Vec::new() };
    lint.names();
    lint.routes();
    lint.actions();
    lint.gate();
    lint.findings.sort_by_key(|finding| finding.line);
    lint.findings
}

struct Lint<'a> {
    recipe: &'a Recipe,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn error(&mut self, path: &str, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding::error(&self.recipe.file, self.recipe.line(path), what, fix));
    }

    fn warning(&mut self, path: &str, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding::warning(&self.recipe.file, self.recipe.line(path), what, fix));
    }

    /// Every expression can be read and names only what there is.
    fn names(&mut self) {
        let recipe = self.recipe;
        for (path, text) in needs::templates(recipe) {
            if let Err(fault) = template::pieces(&text) {
                self.error(&path, format!("\"{}\": {}", fault.expression, fault.why), "correct the brackets");
            }
        }
        // One broken template must not hide the others' expressions.
        let plain = Recipe { once: None, ..recipe.clone() };
        let found = needs::expressions(recipe).or_else(|_| needs::expressions(&plain)).unwrap_or_default();
        for (path, expression) in found {
            match condition::mentions(&expression) {
                Err(fault) => self.error(
                    &path,
                    format!("\"{}\" is no expression: {}", fault.expression, fault.why),
                    "correct it (reknit recipe facts lists names and functions)",
                ),
                Ok(mentions) => self.mentions(&path, &mentions),
            }
        }
    }

    fn mentions(&mut self, path: &str, mentions: &Mentions) {
        let known: Vec<&str> = Facts::VARIABLES.iter().map(|(name, _)| *name).collect();
        for named in &mentions.paths {
            let mut parts = named.split('.');
            let variable = parts.next().unwrap_or_default();
            if !known.contains(&variable) {
                self.error(path, format!("there is no \"{variable}\""), instead_of(variable, &known));
            }
            if let (true, Some(setting)) = (variable == "settings", parts.next())
                && !self.recipe.settings.contains_key(setting)
            {
                let own: Vec<&str> = self.recipe.settings.keys().map(String::as_str).collect();
                let fix = match nearest(setting, own) {
                    Some(near) => {
                        format!("did you mean settings.{near}? Else add {setting} below [settings]")
                    }
                    None => format!("add {setting} below [settings]"),
                };
                self.error(path, format!("[settings] has no \"{setting}\""), fix);
            }
            if variable == "route" && self.recipe.routes.is_empty() {
                self.error(path, "there is no routing table", "add [[route]] rows, or name the value itself");
            }
            if variable == "tag" && !reach::tells_a_tag(self.recipe.trigger) {
                let fix = "trigger on = \"conversation.tagged\" or \"contact.tagged\", or look through tags";
                self.error(path, format!("{} tells no tag", self.recipe.trigger), fix);
            }
        }
        for function in &mentions.functions {
            if !CALLS.contains(&function.as_str()) {
                self.error(path, format!("there is no function {function}()"), instead_of(function, &CALLS));
            }
        }
    }

    fn routes(&mut self) {
        let rows = &self.recipe.routes;
        let Some(last) = rows.len().checked_sub(1) else { return };
        if rows[last].when.is_some() {
            self.error(
                &format!("route.{last}"),
                "the routing table has no last row that always fits, so some would lead nowhere",
                "add a last [[route]] with to and because and without when",
            );
        }
        for (place, _) in rows[..last].iter().enumerate().filter(|(_, row)| row.when.is_none()) {
            self.error(
                &format!("route.{place}"),
                "a row without when always fits: the rows below it are never reached",
                "give it a when, or move it to the end",
            );
        }
    }

    fn actions(&mut self) {
        let recipe = self.recipe;
        let creates = |act: &Act| matches!(act, Act::Create { .. } | Act::Sync { create: true, .. });
        let makers: Vec<usize> =
            (0..recipe.actions.len()).filter(|place| creates(&recipe.actions[*place].act)).collect();
        if let [_, second, ..] = &makers[..] {
            self.warning(
                &format!("action.{second}"),
                "it makes more than one kind of record: one recipe, one job",
                "move one of the actions into a recipe of its own",
            );
        }
        for (place, action) in recipe.actions.iter().enumerate() {
            let path = format!("action.{place}");
            for target in reach::targets(&action.act) {
                if !reach::gives(recipe.trigger, target) {
                    self.error(
                        &path,
                        format!("{} gives no {}", recipe.trigger, target.as_str().replace('_', " ")),
                        "take another target, or another trigger",
                    );
                }
            }
            match &action.act {
                Act::Update { set, forward, .. } => self.forward(&path, set, forward),
                Act::Relate { from, to } if from == to => {
                    self.error(&path, "a record is not related to itself", "name two different records");
                }
                Act::Create { object: ObjectKind::Conversation, .. } => self.error(
                    &path,
                    "a conversation is not made like a record",
                    "write do = \"converse\" with what the person says",
                ),
                Act::Create { object: ObjectKind::Lead, in_intercom: false, .. }
                    if recipe.crm == Some(System::Hubspot) =>
                {
                    self.error(&path, "HubSpot has no leads of their own", "write object = \"contact\"");
                }
                Act::Converse { .. }
                    if matches!(
                        recipe.trigger,
                        Trigger::ConversationCreated | Trigger::ConversationMessage
                    ) =>
                {
                    self.error(
                        &path,
                        "it begins a conversation whenever one begins: it would answer itself without end",
                        "reply in the conversation (do = \"reply\"), or take another trigger",
                    );
                }
                _ => {}
            }
        }
    }

    fn forward(
        &mut self,
        path: &str,
        set: &crate::domain::record::Fields,
        forward: &std::collections::BTreeMap<String, Vec<String>>,
    ) {
        for (field, order) in forward {
            let place = format!("{path}.forward.{field}");
            if order.len() < 2 {
                self.error(
                    &place,
                    format!("\"{field}\" only moves forward, but in no order"),
                    format!("list its values from first to last: forward = {{ {field} = [\"…\", \"…\"] }}"),
                );
            }
            match set.get(field).map(value_text) {
                None => self.error(
                    &place,
                    format!("\"{field}\" is ordered but not set"),
                    format!("add {field} to set, or take the order out"),
                ),
                Some(value) if !value.contains('{') && order.len() >= 2 && !order.contains(&value) => {
                    let known: Vec<&str> = order.iter().map(String::as_str).collect();
                    self.error(
                        &place,
                        format!("the order of \"{field}\" does not name \"{value}\", which is set"),
                        instead_of(&value, &known),
                    );
                }
                Some(_) => {}
            }
        }
    }

    /// Not every conversation makes a record.
    fn gate(&mut self) {
        let recipe = self.recipe;
        let of_a_conversation = recipe.trigger.as_str().starts_with("conversation.");
        if !of_a_conversation || recipe.condition.is_some() {
            return;
        }
        for (place, action) in recipe.actions.iter().enumerate() {
            if action.when.is_none() && matches!(action.act, Act::Create { .. }) {
                self.error(
                    &format!("action.{place}"),
                    "every conversation would make a record, also casual ones and spam",
                    "add a [condition], or a when to the action",
                );
            }
        }
    }
}

/// One recipe makes each kind of record of a system; two of them make duplicates. Activities (tasks, notes, events) are
/// about one thing each and found again by a key, so several recipes may make them.
fn makers(recipes: &[&Recipe]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known: Vec<(ObjectKind, bool, &Recipe)> = Vec::new();
    for recipe in recipes.iter().filter(|recipe| recipe.state != State::Off) {
        let mut told = BTreeSet::new();
        for (place, action) in recipe.actions.iter().enumerate() {
            let Some((object, in_intercom)) = made(&action.act) else { continue };
            let other = known.iter().find(|(kind, intercom, other)| {
                *kind == object
                    && *intercom == in_intercom
                    && other.name != recipe.name
                    && (in_intercom || other.crm.is_none() || recipe.crm.is_none() || other.crm == recipe.crm)
            });
            if let Some((_, _, other)) = other
                && told.insert(object)
            {
                let side = if in_intercom { "in Intercom" } else { "in the CRM" };
                findings.push(Finding::error(
                    &recipe.file,
                    recipe.line(&format!("action.{place}")),
                    format!("\"{}\" makes {object}s {side} already: two makers make duplicates", other.name),
                    format!("switch one of them off, or let \"{}\" only update", recipe.name),
                ));
            }
            known.push((object, in_intercom, recipe));
        }
    }
    findings
}

fn made(act: &Act) -> Option<(ObjectKind, bool)> {
    match act {
        Act::Create { object: ObjectKind::Task | ObjectKind::Note | ObjectKind::Event, .. } => None,
        Act::Create { object, in_intercom, .. } => Some((*object, *in_intercom)),
        Act::Sync { mapping, to_crm, create: true } => {
            let object = if mapping.starts_with("company") {
                ObjectKind::Company
            } else if mapping.starts_with("lead") {
                ObjectKind::Lead
            } else {
                ObjectKind::Contact
            };
            Some((object, !to_crm))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
