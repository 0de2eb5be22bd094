//! `reknit data-map`: which field of a person goes where, told from the mappings and recipes in force, for whoever
//! reviews how data moves.

use clap::Args;
use serde_json::{Value, json};

use super::output;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::record::{ObjectKind, System};
use crate::engine::rules::InForce;
use crate::mapping::{Mapping, Side};
use crate::recipes::recipe::{Act, State};

/// Arguments of `data-map`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the rows as JSON
    #[arg(long)]
    json: bool,
    /// Recipes that are off too
    #[arg(long)]
    all: bool,
}

struct Row {
    from: String,
    to: String,
    data: String,
    by: String,
    at: String,
    runs: bool,
}

/// Prints one row for each way a field takes.
pub fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let rules = wiring::rules(&place.settings()?)?.current();
    let rows: Vec<Row> = rows(&rules).into_iter().filter(|row| row.runs || arguments.all).collect();
    if arguments.json {
        let shapes: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({"from": row.from, "to": row.to, "data": row.data, "by": row.by, "at": row.at, "runs": row.runs})
            })
            .collect();
        return output::json(&shapes);
    }
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| vec![row.from, row.to, row.data, row.by, row.at]).collect();
    output::table(&["FROM", "TO", "DATA", "BY", "AT"], &rows)?;
    output::line("The journal keeps copies of these records; `reknit erase` empties them too.")
}

fn rows(rules: &InForce) -> Vec<Row> {
    let mut rows = Vec::new();
    let crm = rules.crm;
    for recipe in rules.book.all() {
        let runs = rules.state(recipe) == State::On;
        let system = recipe.crm.unwrap_or(crm);
        for (number, action) in recipe.actions.iter().enumerate() {
            let at = format!("{}:{}", recipe.file, action.line);
            let mut row = |from: &str, to: String, data: String, at: &str| {
                let (from, by, at) = (from.to_owned(), recipe.name.clone(), at.to_owned());
                rows.push(Row { from, to, data, by, at, runs });
            };
            let object = |system: System, object: ObjectKind| format!("{} {object}", system.title());
            match &action.act {
                Act::Sync { mapping, to_crm, .. } => {
                    let Some(mapping) = mapping_of(rules, mapping) else { continue };
                    let side = if *to_crm { Side::Crm } else { Side::Intercom };
                    for field in mapping.fields.iter().filter(|field| field.direction.writes(side)) {
                        let left = object(System::Intercom, mapping.intercom);
                        let right = object(mapping.system.unwrap_or(crm), mapping.crm);
                        let (from, to) = if *to_crm { (left, right) } else { (right, left) };
                        let left = field.intercom_fields().collect::<Vec<_>>().join(" + ");
                        let data = format!(
                            "{}: {left} {} {}",
                            field.name,
                            field.direction.arrow(),
                            field.crm.join(" + ")
                        );
                        row(&from, to, data, &format!("{}:{}", mapping.file, field.line));
                    }
                }
                Act::Log { .. } => row(
                    "Intercom conversation",
                    format!("{} timeline", system.title()),
                    "what was said, by whom and when".into(),
                    &at,
                ),
                Act::Update { target, set, forward } => {
                    let to = if matches!(target.as_str(), "contact" | "intercom_company" | "conversation") {
                        System::Intercom
                    } else {
                        system
                    };
                    let fields: Vec<&str> = set.keys().chain(forward.keys()).map(String::as_str).collect();
                    row("recipe", format!("{} {target}", to.title()), fields.join(", "), &at);
                }
                Act::Create { object: kind, in_intercom, set, .. } => {
                    let to = if *in_intercom { System::Intercom } else { system };
                    let fields: Vec<&str> = set.keys().map(String::as_str).collect();
                    row("recipe", object(to, *kind), fields.join(", "), &at);
                }
                Act::Tag { tag, .. } => row("recipe", "Intercom tags".into(), tag.clone(), &at),
                Act::Track { event, details } => {
                    let details: Vec<&str> = details.keys().map(String::as_str).collect();
                    row("recipe", "Intercom events".into(), format!("{event}: {}", details.join(", ")), &at);
                }
                Act::Converse { .. } | Act::Reply { .. } => {
                    row(
                        "recipe",
                        "Intercom conversation".into(),
                        format!("a message (action {})", number + 1),
                        &at,
                    );
                }
                Act::Tell { channel, fields, .. } => {
                    let fields: Vec<&str> = fields.keys().map(String::as_str).collect();
                    row("recipe", format!("channel {channel}"), fields.join(", "), &at);
                }
                Act::Relate { .. } | Act::Assign { .. } => {}
            }
        }
    }
    rows
}

fn mapping_of<'a>(rules: &'a InForce, name: &str) -> Option<&'a Mapping> {
    match rules.mappings.named(name) {
        Some(mapping) if (mapping.intercom, mapping.crm) != (ObjectKind::Contact, ObjectKind::Contact) => {
            Some(mapping)
        }
        // Of people the settings may name another file.
        _ => Some(&*rules.contact),
    }
}
