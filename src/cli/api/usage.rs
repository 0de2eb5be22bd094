//! What calls there are and what each takes, as a person reads it. Makes no call.

use serde_json::{Value, json};

use crate::cli::output;
use crate::cli::problem::Problem;
use crate::domain::record::System;
use crate::vendors::operation::{self, Operation, ParameterKind};

/// All calls of a system.
pub(super) fn list(system: System, as_json: bool) -> Result<(), Problem> {
    let operations = operation::operations(system);
    if as_json {
        let rows: Vec<Value> = operations
            .iter()
            .map(|operation| {
                let parameters: Vec<Value> = operation
                    .parameters
                    .iter()
                    .map(|it| json!({"name": it.name, "kind": kind(it.kind), "required": it.required, "about": it.about}))
                    .collect();
                json!({"name": operation.name, "about": operation.about, "parameters": parameters})
            })
            .collect();
        return output::json(&rows);
    }
    let rows: Vec<Vec<String>> = operations
        .iter()
        .map(|operation| {
            let takes: Vec<String> = operation
                .parameters
                .iter()
                .map(|it| if it.required { it.name.to_owned() } else { format!("[{}]", it.name) })
                .collect();
            vec![operation.name.to_owned(), operation.about.to_owned(), takes.join(" ")]
        })
        .collect();
    output::table(&["OPERATION", "WHAT IT DOES", "TAKES ([] = may be left out)"], &rows)
}

/// How a kind is called.
const fn kind(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Text => "text",
        ParameterKind::Number => "number",
        ParameterKind::Flag => "flag",
        ParameterKind::Json => "json",
        ParameterKind::List => "list",
        ParameterKind::Rows => "rows",
    }
}

/// What one call takes, with an example that can be copied.
pub(super) fn usage(system: System, operation: &Operation) -> Result<(), Problem> {
    output::line(&format!("{}: {}.", operation.name, operation.about))?;
    let rows: Vec<Vec<String>> = operation
        .parameters
        .iter()
        .map(|it| {
            let needed = if it.required { "required" } else { "optional" };
            [it.name, kind(it.kind), needed, it.about].map(str::to_owned).to_vec()
        })
        .collect();
    if rows.is_empty() {
        output::line("It takes nothing.")?;
    } else {
        output::table(&["TAKES", "KIND", "", "WHAT IT IS"], &rows)?;
    }
    output::line(&format!("Example: {}", example(system, operation)))
}

/// A line of the shell with every argument the call needs.
fn example(system: System, operation: &Operation) -> String {
    let given = operation.parameters.iter().filter(|it| it.required).map(|it| {
        let value = match it.kind {
            ParameterKind::Text => "...".to_owned(),
            ParameterKind::Number => "1".to_owned(),
            ParameterKind::Flag => "true".to_owned(),
            ParameterKind::List => "...,...".to_owned(),
            ParameterKind::Json => format!("@{}.json", it.name),
            ParameterKind::Rows => format!("@{}.csv", it.name),
        };
        format!(" {}={value}", it.name)
    });
    format!("reknit api {system} {}{}", operation.name, given.collect::<String>())
}

/// Says which call may have been meant.
pub(super) fn unknown(system: System, name: &str) -> Problem {
    let alike = |operation: &&Operation| {
        rapidfuzz::distance::jaro_winkler::similarity(name.chars(), operation.name.chars())
    };
    let nearest = operation::operations(system).iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    let hint = nearest.map(|it| format!("; did you mean {}?", it.name)).unwrap_or_default();
    Problem::usage(
        "Nothing was sent.",
        format!("Reknit knows no call \"{name}\" of {}{hint}", system.title()),
        format!("see them all with `reknit api {system}`"),
    )
}
