//! `reknit replay`, `probe`, `hold`, `release` and `snooze`: what the console's keys do to executions, without a screen.
//!
//! A replay is checked against what is known of the vendor's fields before anything is stored; a probe only reads.

use std::io::Read as _;

use clap::Args;
use jiff::{Span, SpanRelativeTo};
use serde_json::{Value, json};

use super::list::{parse, unread};
use super::operate::{Desk, How, record, refused, report, show_preview};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::clock::Timestamp;
use crate::domain::edits::{Draft, Problem as Wrong};
use crate::domain::ids::ExecutionId;
use crate::domain::review::Decision;
use crate::domain::text::clean;
use crate::journal::operate::Report;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// Which execution, as ex_12
    id: String,
    /// A value of the step that failed, as dealstage=demo_requested; JSON is taken as JSON, null clears the field
    #[arg(long, value_name = "FIELD=VALUE", conflicts_with = "payload")]
    set: Vec<String>,
    /// A field of that step that is not to be written
    #[arg(long, value_name = "FIELD", conflicts_with = "payload")]
    leave: Vec<String>,
    /// Another payload of the event, as JSON in a file; - reads standard input
    #[arg(long, value_name = "FILE")]
    payload: Option<String>,
    /// Print what can be edited, as JSON, and do nothing
    #[arg(long, conflicts_with_all = ["set", "leave"])]
    show: bool,
    #[command(flatten)]
    how: How,
}

/// Arguments of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArguments {
    /// Which execution, as ex_12
    id: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `hold`.
#[derive(Debug, Args)]
pub struct HoldArguments {
    /// Which executions, as ex_12
    #[arg(required = true)]
    ids: Vec<String>,
    /// Why; everybody who sees them reads it
    #[arg(long, default_value = "")]
    reason: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `release`.
#[derive(Debug, Args)]
pub struct ReleaseArguments {
    /// Which executions, as ex_12
    #[arg(required = true)]
    ids: Vec<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `snooze`.
#[derive(Debug, Args)]
pub struct SnoozeArguments {
    /// Which executions, as ex_12
    #[arg(required = true)]
    ids: Vec<String>,
    /// For how long, as 30m, 2h or 1d
    #[arg(long = "for", value_name = "LENGTH", required_unless_present = "until")]
    length: Option<String>,
    /// Until when, as 2026-11-21T18:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "length")]
    until: Option<String>,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `page`.
#[derive(Debug, Args)]
pub struct PageArguments {
    /// Which record, as hubspot/contact/151
    record: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs an execution again with edits.
pub async fn replay(place: &Place, read_only: bool, arguments: &ReplayArguments) -> Result<(), Problem> {
    let id: ExecutionId = parse(&arguments.id)?;
    let desk = Desk::open(place, read_only)?;
    let draft =
        desk.operator.draft(id, arguments.payload.is_some()).await.map_err(|error| refused(&error))?;
    if arguments.show {
        return output::line(&draft.text);
    }
    let text = match &arguments.payload {
        Some(file) => contents(file)?,
        None => edited(&draft, &arguments.set, &arguments.leave)?,
    };
    let change = draft.read(&text).map_err(|problems| wrong(&problems))?;
    if arguments.how.dry_run() {
        let preview = desk.operator.preview_replay(id, &change).await.map_err(|error| refused(&error))?;
        return show_preview(&preview, arguments.how.json());
    }
    let new = desk.operator.replay(id, change).await.map_err(|error| refused(&error))?;
    let results = desk.carry_out(&[new]).await?;
    report(&results, &[], arguments.how.json())
}

/// The draft's values with those of the command line.
fn edited(draft: &Draft, set: &[String], leave: &[String]) -> Result<String, Problem> {
    let nothing = |why: String| {
        let next = "write --set field=value; `reknit replay ID --show` prints what can be edited";
        Problem::usage("Nothing was replayed.", why, next)
    };
    let mut fields: serde_json::Map<String, Value> =
        serde_json::from_str(&draft.text).map_err(|error| nothing(error.to_string()))?;
    if set.is_empty() && leave.is_empty() {
        return Err(nothing("no value was given".to_owned()));
    }
    for one in set {
        let Some((name, value)) = one.split_once('=') else {
            return Err(nothing(format!("\"{one}\" names no field and value")));
        };
        let planned = fields.get(name);
        // A text stays a text: HubSpot's numbers are texts, and "007" is no number.
        let value = match serde_json::from_str::<Value>(value) {
            Ok(read) if !planned.is_some_and(Value::is_string) || read.is_null() || read.is_string() => read,
            _ => Value::String(value.to_owned()),
        };
        fields.insert(name.to_owned(), value);
    }
    for name in leave {
        fields.shift_remove(name);
    }
    Ok(Value::Object(fields).to_string())
}

fn contents(file: &str) -> Result<String, Problem> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(|error| {
        Problem::usage("Nothing was replayed.", format!("{file}: {error}"), "name a file with JSON in it")
    })?;
    Ok(text)
}

fn wrong(problems: &[Wrong]) -> Problem {
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Problem::usage(
        "Nothing was replayed; the edit would be refused.",
        all.join("; "),
        "`reknit replay ID --show` prints what can be edited",
    )
}

/// Looks up what became of an execution's writes.
pub async fn probe(place: &Place, read_only: bool, arguments: &ProbeArguments) -> Result<(), Problem> {
    let execution: ExecutionId = parse(&arguments.id)?;
    let desk = Desk::open(place, read_only)?;
    let decision = Decision::Probe { execution };
    let id = desk.operator.decide(&decision).await.map_err(|error| refused(&error))?;
    let results = desk.carry_out(&[id]).await?;
    report(&results, &[], arguments.json)
}

/// Holds executions until somebody lets them go.
pub async fn hold(place: &Place, read_only: bool, arguments: &HoldArguments) -> Result<(), Problem> {
    let ids = ids(&arguments.ids)?;
    let desk = Desk::open(place, read_only)?;
    let done =
        desk.operator.put_aside(&ids, None, &arguments.reason).await.map_err(|error| refused(&error))?;
    told(&done, "held", arguments.json)
}

/// Lets executions go that were held or put off.
pub async fn release(place: &Place, read_only: bool, arguments: &ReleaseArguments) -> Result<(), Problem> {
    let ids = ids(&arguments.ids)?;
    let desk = Desk::open(place, read_only)?;
    let done = desk.operator.take_up(&ids).await.map_err(|error| refused(&error))?;
    told(&done, "released", arguments.json)
}

/// Puts executions off until a time.
pub async fn snooze(place: &Place, read_only: bool, arguments: &SnoozeArguments) -> Result<(), Problem> {
    let ids = ids(&arguments.ids)?;
    let until = until(arguments)?;
    let desk = Desk::open(place, read_only)?;
    let done = desk
        .operator
        .put_aside(&ids, Some(until), &arguments.reason)
        .await
        .map_err(|error| refused(&error))?;
    told(&done, "put off", arguments.json)
}

/// Prints where a record is seen at its vendor.
pub async fn page(place: &Place, arguments: &PageArguments) -> Result<(), Problem> {
    let record = record(&arguments.record)?;
    let desk = Desk::open(place, true)?;
    let url = desk.operator.page_of(&record).await.map_err(|why| {
        Problem::usage("There is no address to print.", why, "`reknit show ID` names the records")
    })?;
    if arguments.json {
        return output::json(&json!({ "record": record, "url": url }));
    }
    output::line(&url)
}

fn ids(texts: &[String]) -> Result<Vec<ExecutionId>, Problem> {
    texts.iter().map(|id| parse(id)).collect()
}

fn until(arguments: &SnoozeArguments) -> Result<Timestamp, Problem> {
    let wrong = |why: String, next: &str| Problem::usage("Nothing was put off.", why, next);
    if let Some(text) = &arguments.until {
        return Timestamp::parse_rfc3339(text)
            .ok_or_else(|| wrong(format!("--until {text} is no time"), "write it as 2026-11-21T18:00:00Z"));
    }
    let text = arguments.length.as_deref().unwrap_or_default();
    let length = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|length| std::time::Duration::try_from(length).ok())
        .filter(|length| !length.is_zero())
        .ok_or_else(|| wrong(format!("--for {text} is no length of time"), "write it as 30m, 2h or 1d"))?;
    Ok(wiring::clock().now().plus(length))
}

fn told(done: &Report, word: &str, json: bool) -> Result<(), Problem> {
    if json {
        output::json(&json!({
            "done": done.queued,
            "refused": done.refused.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        }))?;
    } else {
        for id in &done.queued {
            output::line(&format!("{id} {word}"))?;
        }
    }
    super::operate::refusals(&done.refused)
}

/// Causes for which executions wait, most first.
pub async fn causes(journal: &crate::journal::Journal, limit: usize, json: bool) -> Result<(), Problem> {
    let causes = journal.causes(limit).await.map_err(|error| unread(&error))?;
    if json {
        return output::json(&json!({ "total": causes.len(), "rows": causes }));
    }
    let rows: Vec<Vec<String>> = causes
        .iter()
        .map(|cause| {
            vec![
                cause.cause.clone(),
                cause.failed.to_string(),
                cause.retrying.to_string(),
                cause.seen.to_string(),
                cause.first_at.rfc3339(),
                cause.last_at.rfc3339(),
                cause.title(),
                clean(if cause.words.is_empty() { &cause.sentence } else { &cause.words }).into_owned(),
            ]
        })
        .collect();
    output::table(&["CAUSE", "FAILED", "RETRYING", "SEEN", "FIRST", "LAST", "WHAT", "WORDS"], &rows)?;
    if rows.is_empty() {
        return output::line("Nothing waits for a cause to be mended.");
    }
    Ok(())
}
