//! `reknit api`: every call of the vendors' APIs that Reknit knows, by name: listed, shown, made once.
//!
//! What reads is sent at once. What writes shows its exact call and waits for `--yes`, and stands in the audit log
//! before it is sent and after. Nothing here is tried again, and no record of the journal is touched by it.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::audit::NewEntry;
use crate::domain::error_class::Retry;
use crate::domain::limit::{Family, Urgency};
use crate::domain::plan::Call;
use crate::domain::record::{Connection, System, value_text};
use crate::domain::text::clean_lines;
use crate::domain::trouble::advise;
use crate::engine::limits::Limits;
use crate::journal::Journal;
use crate::vendors::operation::{self, Operation, ParameterKind};
use crate::vendors::{Log, VendorError};

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
    let Some(name) = &arguments.operation else { return list(system, arguments.json) };
    let Some(operation) = operation::find(system, name) else { return Err(unknown(system, name)) };
    let config = place.settings()?;
    let values = values(operation, arguments)?;
    let id = named_id(&values);
    let given = operation::Arguments::new(operation, values).map_err(|error| wrong(system, &error))?;
    let vault = wiring::vault(place)?;
    let settings = wiring::with_instance(&config.vendors, Some(&*vault));
    let call = operation.preview(&settings, system, &given).map_err(|error| wrong(system, &error))?;
    let writes = operation.writes(&settings, &given).map_err(|error| wrong(system, &error))?;

    if arguments.dry_run {
        return show(&call, writes, arguments.json);
    }
    if writes && read_only {
        return Err(Problem::usage(
            "Nothing was sent.",
            format!("{name} changes something at {}, and --read-only forbids that", system.title()),
            "leave --read-only away, or see the call with --dry-run",
        ));
    }
    if writes && !arguments.yes {
        show(&call, writes, arguments.json)?;
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
        let desk = Desk::new(journal, &connection, operation, &id, &call);
        desk.note("about to be sent by hand").await?;
        let outcome = operation::run(&clients, &connection, operation, &given, &mut log).await;
        let told = match &outcome {
            Ok(_) => "done".to_owned(),
            Err(error) if error.may_have_happened => {
                format!("failed ({}); it may have happened", error.class)
            }
            Err(error) => format!("failed ({}); it did not happen", error.class),
        };
        desk.note(&told).await?;
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
        Ok(answer) => print(&answer, arguments.json),
        Err(error) => Err(failed(system, &error, writes)),
    }
}

/// Where writes by hand are noted.
struct Desk {
    journal: Journal,
    actor: String,
    object: String,
    what: String,
}

impl Desk {
    fn new(journal: Journal, connection: &Connection, operation: &Operation, id: &str, call: &Call) -> Self {
        Self {
            journal,
            actor: wiring::actor(),
            object: format!("{connection}{id}"),
            // Not the path: an address may stand in it, and the log keeps no personal data.
            what: format!("{} ({})", operation.name, call.method),
        }
    }

    async fn note(&self, what: &str) -> Result<(), Problem> {
        let entry = NewEntry {
            actor: self.actor.clone(),
            verb: "call".to_owned(),
            object: self.object.clone(),
            note: format!("{}: {what}", self.what),
        };
        self.journal.audit(vec![entry]).await.map_err(|error| {
            Problem::runtime(
                format!("The audit log cannot be written ({what})."),
                error.to_string(),
                "check the journal's file and disk; `reknit audit list` shows what is noted",
            )
        })
    }
}

fn list(system: System, as_json: bool) -> Result<(), Problem> {
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

fn unknown(system: System, name: &str) -> Problem {
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

fn wrong(system: System, error: &VendorError) -> Problem {
    let next = format!("see what each call takes with `reknit api {system}`");
    Problem::usage("Nothing was sent.", error.words.clone(), next)
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

/// `/151` when the call names one record by its id; empty otherwise. For the audit log, which keeps no personal data.
fn named_id(values: &Map<String, Value>) -> String {
    let plain =
        |id: &String| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    values
        .iter()
        .filter(|(name, _)| *name == "id" || name.ends_with("_id") || name.ends_with("Id"))
        .map(|(_, id)| value_text(id))
        .find(plain)
        .map(|id| format!("/{id}"))
        .unwrap_or_default()
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

/// The call as it would go out, without secrets.
fn show(call: &Call, writes: bool, as_json: bool) -> Result<(), Problem> {
    if as_json {
        return output::json(&json!({"sent": false, "writes": writes, "call": call}));
    }
    output::line(&clean_lines(&format!("{} {}{}", call.method, call.host, call.path)).join(" "))?;
    match &call.body {
        None => Ok(()),
        Some(Value::String(text)) => text_lines(text),
        Some(body) => output::pretty(body),
    }
}

fn print(answer: &Value, as_json: bool) -> Result<(), Problem> {
    match answer {
        _ if as_json => output::json(answer),
        Value::Null => output::line("Done; the answer is empty."),
        Value::String(text) => text_lines(text),
        answer => output::pretty(answer),
    }
}

fn text_lines(text: &str) -> Result<(), Problem> {
    clean_lines(text).iter().try_for_each(|line| output::line(line))
}

fn failed(system: System, error: &VendorError, wrote: bool) -> Problem {
    let told = advise(Some(system), error.class, &error.words);
    let title = system.title();
    let consequence = match (wrote, error.may_have_happened) {
        (false, _) => "nothing was changed",
        (true, false) => "it did not happen",
        (true, true) => "nobody can tell from here whether it happened",
    };
    let status = error.status.map(|status| format!(", {status}")).unwrap_or_default();
    let mut why = format!("{} ({}{status}) {title} said: \"{}\"", told.meaning, error.class, error.words);
    if let Some(existing) = &error.existing {
        why.push_str(&format!(" It concerns {existing}."));
    }
    let next = match (error.may_have_happened, error.class.treatment().retry) {
        (true, _) => "look at the vendor before you send it again".to_owned(),
        (_, Retry::Later) => "send it again in a while".to_owned(),
        (_, Retry::Wait) => match error.retry_at {
            Some(at) => format!("send it again after {}", at.rfc3339()),
            None => "send it again when the vendor allows more calls".to_owned(),
        },
        // The table speaks to who sits at the console; here there is no key to press.
        _ => {
            let advice = told.hint.split(", then press r").next().unwrap_or_default();
            if advice.contains("ress r") || advice.contains("(3)") || advice.contains("(4)") {
                "mend what it names, then send it again".to_owned()
            } else {
                format!("{}; then send it again", advice.trim_end_matches('.'))
            }
        }
    };
    Problem::runtime(format!("{title} did not do it; {consequence}."), why, next)
}
