//! `reknit events`: what the vendors told us and what became of it, the ignored deliveries too.

use clap::Args;
use serde_json::{Value, json};

use super::list::{parse, unread};
use super::output;
use super::problem::Problem;
use super::show::missing;
use super::wiring::{Opening, Place};
use crate::domain::clock::Timestamp;
use crate::domain::event::EventRow;
use crate::domain::record::{Connection, RecordRef};
use crate::domain::text::clean;
use crate::engine::intake::title;
use crate::journal::Journal;
use crate::journal::events::Wanted;

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// One event with its body: ev_12
    id: Option<String>,
    /// Told by this connection, for example intercom or hubspot:emea
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// The vendor's name for what happened; a trailing * stands for any rest: "contact.*"
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// About this record, for example intercom/contact/64e2f1a3
    #[arg(long, value_name = "RECORD")]
    record: Option<String>,
    /// Only those for which nothing was run, each with the reason
    #[arg(long)]
    ignored: bool,
    /// Only those delivered more than once
    #[arg(long)]
    repeated: bool,
    /// Only those before this one, for the next page
    #[arg(long, value_name = "EVENT")]
    before: Option<String>,
    /// How many rows at most
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print {"rows":[…]}, or one event with its body
    #[arg(long)]
    json: bool,
}

/// Lists events, newest first, or shows one.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let wanted = wanted(arguments)?;
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    if let Some(id) = &arguments.id {
        return one(&journal, id, arguments.json).await;
    }
    let rows = journal.events(wanted, arguments.limit).await.map_err(|error| unread(&error))?;
    if arguments.json {
        let rows: Vec<Value> = rows.iter().map(with_title).collect();
        return output::json(&json!({ "rows": rows }));
    }
    if rows.is_empty() {
        return output::line("Nothing to list: no event matches.");
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.id.to_string(),
                row.received_at.rfc3339(),
                row.connection.to_string(),
                title(row.connection.system, &row.topic).to_owned(),
                row.topic.clone(),
                row.record.as_ref().map_or_else(|| "—".into(), ToString::to_string),
                row.delivered.times.to_string(),
                outcome(row),
            ]
        })
        .collect();
    output::table(&["ID", "RECEIVED", "FROM", "WHAT", "TOPIC", "RECORD", "TIMES", "OUTCOME"], &cells)?;
    match rows.last() {
        Some(last) if rows.len() == arguments.limit => {
            output::line(&format!("Older ones: --before {}", last.id))
        }
        _ => Ok(()),
    }
}

fn wanted(arguments: &Arguments) -> Result<Wanted, Problem> {
    let unclear = |what: &str, text: &str, why: String, example: &str| {
        Problem::usage(
            "Nothing was listed.",
            format!("{what} {text}: {why}"),
            format!("write {what} {example}"),
        )
    };
    let connection = arguments
        .connection
        .as_deref()
        .map(|text| {
            text.parse::<Connection>().map_err(|error| {
                unclear(
                    "--connection",
                    text,
                    error.to_string(),
                    "intercom, hubspot, salesforce or SYSTEM:NAME",
                )
            })
        })
        .transpose()?;
    let record = arguments
        .record
        .as_deref()
        .map(|text| {
            text.parse::<RecordRef>()
                .map_err(|error| unclear("--record", text, error.to_string(), "SYSTEM/OBJECT/ID"))
        })
        .transpose()?;
    Ok(Wanted {
        connection,
        topic: arguments.topic.clone(),
        record,
        ignored: arguments.ignored.then_some(true),
        repeated: arguments.repeated,
        before: arguments.before.as_deref().map(parse).transpose()?,
    })
}

/// An event as `reknit events ev_12` and `reknit show ev_12` tell it.
pub async fn one(journal: &Journal, id: &str, json: bool) -> Result<(), Problem> {
    let found = journal.event(parse(id)?).await.map_err(|error| unread(&error))?;
    let (row, body) = found.ok_or_else(|| missing(id))?;
    if json {
        let mut told = with_title(&row);
        // As text: what was received need not be JSON, and its bytes are the evidence.
        told["body"] = Value::String(body);
        return output::json(&told);
    }
    let mut lines = vec![
        format!(
            "{}  {}  ({} {})",
            row.id,
            title(row.connection.system, &row.topic),
            row.connection,
            row.topic
        ),
        format!("Told   by {}, {}", row.source, row.received_at.rfc3339()),
    ];
    lines.extend(row.occurred_at.map(|at| format!("Was    {} by the vendor's clock", at.rfc3339())));
    lines.extend(row.record.as_ref().map(|record| format!("About  {record}")));
    lines.extend(row.delivered.words(Timestamp::rfc3339).map(|words| format!("Came   {words}")));
    lines.push(format!("Then   {}", outcome(&row)));
    lines.push(format!("Body   {body}"));
    lines.iter().try_for_each(|line| output::line(&clean(line)))
}

fn outcome(row: &EventRow) -> String {
    match (&row.ignored, row.execution) {
        (Some(reason), _) => format!("ignored: {reason}"),
        (None, Some(execution)) => execution.to_string(),
        (None, None) => "—".to_owned(),
    }
}

fn with_title(row: &EventRow) -> Value {
    let mut told = serde_json::to_value(row).unwrap_or_default();
    told["title"] = title(row.connection.system, &row.topic).into();
    told
}
