//! `reknit api`: every call of the vendors' APIs that Reknit knows, by name: listed, shown, made once.
//!
//! What reads is sent at once. What writes shows its exact call and waits for `--yes`, and stands in the audit log
//! before it is sent and after. Nothing here is tried again, and no record of the journal is touched by it.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::limit::{Family, Urgency};
use crate::domain::record::{Connection, System};
use crate::engine::limits::Limits;
use crate::vendors::operation::{self, Operation, ParameterKind};
use crate::vendors::{Log, VendorError};

mod answer;
mod audit;
mod usage;

/// Arguments of `api`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// intercom, hubspot or salesforce
    system: System,
    /// Which call; without it they are listed
    operation: Option<String>,
    /// What it takes: id=151, body='{"a":1}', body=@FILE
    #[arg(value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// A file with one JSON object of such values, or - for standard input; NAME=VALUE goes before it
    #[arg(long, value_name = "FILE")]
    input: Option<String>,
    /// A named workspace, portal or org
    #[arg(long, value_name = "NAME", default_value = "")]
    connection: String,
    /// Show the exact call, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send it although it changes something
    #[arg(long)]
    yes: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Lists, shows or makes a call.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let system = arguments.system;
    let Some(name) = &arguments.operation else { return usage::list(system, arguments.json) };
    let Some(operation) = operation::find(system, name) else { return Err(usage::unknown(system, name)) };
    let config = place.settings()?;
    let values = values(operation, arguments)?;
    let id = audit::named_id(&values);
    let kind = audit::kind(&values);
    let given = match operation::Arguments::new(operation, values) {
        Ok(given) => given,
        Err(error) => return wrong(system, operation, arguments, &error),
    };
    let vault = wiring::vault(place)?;
    let settings = wiring::with_instance(&config.vendors, Some(&*vault));
    let built = operation
        .preview(&settings, system, &given)
        .and_then(|call| operation.writes(&settings, &given).map(|writes| (call, writes)));
    let (call, writes) = match built {
        Ok(built) => built,
        Err(error) => return wrong(system, operation, arguments, &error),
    };

    if arguments.dry_run {
        return answer::show(&call, writes, arguments.json);
    }
    if writes && read_only {
        return Err(Problem::usage(
            "Nothing was sent.",
            format!("{name} changes something at {}, and --read-only forbids that", system.title()),
            "leave --read-only away, or see the call with --dry-run",
        ));
    }
    if writes && !arguments.yes {
        answer::show(&call, writes, arguments.json)?;
        return Err(Problem::usage(
            "Nothing was sent.",
            format!("{name} changes something at {}", system.title()),
            "read the call above; add --yes to send it",
        ));
    }

    let mapping = place.mapping(&config)?;
    let connection = Connection { system, name: arguments.connection.clone() };
    let mut clients = wiring::clients(&config, &mapping, vault)?;
    // Where there is a journal, a call by hand counts against the limits that everybody on it shares. What only looks
    // may not write even that count.
    let journal = if writes || (place.journal(&config).exists() && !read_only) {
        // Not made here: a mistyped --data would hide the audit line of a write where nobody looks for it.
        Some(place.open(&config, Opening::Work).map_err(|mut problem| {
            problem.what = format!("Nothing was sent. {}", problem.what);
            problem
        })?)
    } else {
        None
    };
    let limits = journal.clone().map(|journal| Limits::new(wiring::clock(), journal, &config.engine));
    if let Some(limits) = &limits {
        clients = clients.gated(Arc::new(limits.clone()));
        let family = Family::of_call(system, &call.method, &call.path);
        if let Err(parked) = limits.admit(&connection, family, Urgency::Operator).await
            && !parked.soon
        {
            return Err(Problem::runtime(
                "Nothing was sent.",
                format!("{} takes no call now: {}", system.title(), parked.why),
                format!("send it again after {}; `reknit limits` shows what is used", parked.until.rfc3339()),
            ));
        }
    }
    let mut log = Log::new();
    let outcome = if let Some(journal) = journal.filter(|_| writes) {
        let desk = audit::Desk::new(journal, &connection, operation, &id, &call);
        desk.note("about to be sent by hand").await?;
        let outcome = operation::run(&clients, &connection, operation, &given, &mut log).await;
        desk.note(&audit::told(&outcome, &kind, &id)).await?;
        outcome
    } else {
        operation::run(&clients, &connection, operation, &given, &mut log).await
    };
    if let Some(limits) = &limits {
        limits.learn_all(&log);
        limits.tell().await;
    }
    wiring::tell_unkept(&clients, &connection).await;
    match outcome {
        Ok(answer) => {
            answer::print(&answer, arguments.json)?;
            answer::Refused::of(&answer).map_or(Ok(()), |it| Err(it.problem(system, writes)))
        }
        Err(error) => Err(answer::failed(system, &error, writes, !log.is_empty())),
    }
}

/// A call that Reknit does not send as it was given; what the call takes is shown first.
fn wrong(
    system: System,
    operation: &Operation,
    arguments: &Arguments,
    error: &VendorError,
) -> Result<(), Problem> {
    // One line of JSON was asked for, and this is none of it.
    if !arguments.json {
        usage::usage(system, operation)?;
    }
    Err(Problem::usage(
        "Nothing was sent.",
        answer::reason(&error.words),
        format!("give what {} takes; `reknit api {system}` lists every call", operation.name),
    ))
}

/// What the call takes, from the file and the command line.
fn values(operation: &Operation, arguments: &Arguments) -> Result<Map<String, Value>, Problem> {
    let mut found = match &arguments.input {
        None => Map::new(),
        Some(path) => {
            let text = read(path)?;
            serde_json::from_str(&text)
                .map_err(|error| unusable(format!("{path} must hold one JSON object: {error}")))?
        }
    };
    let mut named = HashSet::new();
    for pair in &arguments.values {
        let Some((name, text)) = pair.split_once('=') else {
            return Err(unusable(format!("\"{pair}\" is not NAME=VALUE")));
        };
        if !named.insert(name) {
            return Err(unusable(format!("\"{name}\" is given twice")));
        }
        let text = match text.strip_prefix('@') {
            // Two of them are one that is meant as it stands.
            Some(rest) if rest.starts_with('@') => rest.to_owned(),
            Some(path) => read(path)?,
            None => text.to_owned(),
        };
        let kind = operation.parameters.iter().find(|it| it.name == name).map(|it| it.kind);
        let value = match kind {
            Some(ParameterKind::Json) => serde_json::from_str(&text)
                .map_err(|error| unusable(format!("\"{name}\" must be JSON: {error}")))?,
            Some(ParameterKind::Number | ParameterKind::Flag) => {
                serde_json::from_str(text.trim()).unwrap_or(Value::String(text))
            }
            // An unknown name is refused with the known ones where the whole is checked.
            Some(ParameterKind::Text) | None => Value::String(text),
            // Where it is no JSON list, it is commas or CSV.
            Some(ParameterKind::List | ParameterKind::Rows) => {
                serde_json::from_str(&text).ok().filter(Value::is_array).unwrap_or(Value::String(text))
            }
        };
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn read(path: &str) -> Result<String, Problem> {
    let read = if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| unusable(format!("{path}: {error}")))
}

fn unusable(why: String) -> Problem {
    Problem::usage(
        "Nothing was sent.",
        why,
        "give NAME=VALUE, NAME=@FILE, or --input FILE with one JSON object",
    )
}
