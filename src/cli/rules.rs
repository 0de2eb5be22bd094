//! `reknit rules`: what decides conflicts by itself: which rules there are, what one says, taking one away.
//!
//! Rules are made from a decision (`reknit resolve cf_3 --left --as-rule`, `R` in the console) or written as TOML.

use clap::{Args, Subcommand};
use serde_json::json;

use super::operate::refused;
use super::output;
use super::pause::operator as open_operator;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::text::clean;
use crate::engine::rulebook::{Listed, Rulebook, text_of};

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every rule, in words
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// One rule as its file holds it
    Show {
        /// Its name
        name: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a rule away: what is found from now on goes to a human again; what it decided stays
    Remove {
        /// Its name
        name: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let book = wiring::rulebook(&place.settings()?);
    match &arguments.command {
        Command::List { json } => list(&book, *json),
        Command::Show { name, json } => {
            let found = book.found();
            let listed = found.rules.iter().find(|listed| listed.rule.name == *name);
            let listed = listed.ok_or_else(|| unknown(name, &found.rules))?;
            if *json {
                return output::json(&as_json(listed));
            }
            output::line(&clean(&format!("{}", listed.file.display())))?;
            output::line(&clean(&listed.rule.sentence()))?;
            text_of(&listed.rule).lines().try_for_each(|line| output::line(&clean(line)))
        }
        Command::Remove { name, json } => {
            let operator = open_operator(place, read_only)?;
            if !operator.remove_rule(name).await.map_err(|error| refused(&error))? {
                return Err(unknown(name, &book.found().rules));
            }
            if *json {
                return output::json(&json!({"removed": name}));
            }
            output::line(&format!(
                "{} is removed; conflicts of its shape go to a human again. What it decided stays.",
                clean(name)
            ))
        }
    }
}

fn list(book: &Rulebook, json: bool) -> Result<(), Problem> {
    let found = book.found();
    if json {
        return output::json(&json!({
            "rules": found.rules.iter().map(as_json).collect::<Vec<_>>(),
            "problems": found.problems,
        }));
    }
    let rows: Vec<Vec<String>> = found
        .rules
        .iter()
        .map(|listed| vec![listed.rule.name.clone(), listed.rule.by.clone(), listed.rule.sentence()])
        .collect();
    if rows.is_empty() {
        output::line(
            "No rule decides conflicts: each goes to a human. `reknit resolve cf_3 --left --as-rule` makes one.",
        )?;
    } else {
        output::table(&["NAME", "BY", "RULE"], &rows)?;
    }
    for problem in &found.problems {
        output::aside(&format!("not used: {problem}"));
    }
    Ok(())
}

fn as_json(listed: &Listed) -> serde_json::Value {
    let rule = &listed.rule;
    json!({
        "name": rule.name, "mapping": rule.mapping, "field": rule.field, "kind": rule.kind, "left": rule.left,
        "right": rule.right, "choice": rule.choice, "by": rule.by, "sentence": rule.sentence(),
        "file": listed.file.display().to_string(),
    })
}

fn unknown(name: &str, rules: &[Listed]) -> Problem {
    let known: Vec<&str> = rules.iter().map(|listed| listed.rule.name.as_str()).collect();
    let known =
        if known.is_empty() { "there are none".to_owned() } else { format!("there is {}", known.join(", ")) };
    Problem::usage(
        "Nothing was changed.",
        format!("no rule is named \"{}\"; {known}", clean(name)),
        "`reknit rules list` shows every rule with what it decides",
    )
}
