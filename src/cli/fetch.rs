//! `reknit fetch`: all leads, users, contacts or companies of a vendor, compared with what Reknit knows.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::output;
use super::problem::Problem;
use super::progress::{Carried, Desk, Line, about, broke_off, moment};
use super::wiring::{self, Place};
use crate::domain::clock::Timestamp;
use crate::domain::job::Job;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::engine::fetch::{Cost, Fetched, Wish};
use crate::vendors::reading::{Role, Stock};

/// What can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Intercom's leads
    Leads,
    /// Intercom's users
    Users,
    /// People of any role
    Contacts,
    /// Companies: their copies are refreshed, nothing is written
    Companies,
}

/// Arguments of `fetch`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to read
    #[arg(value_enum)]
    what: What,
    /// Where: intercom, hubspot or salesforce [default: intercom for leads and users, both for the rest]
    #[arg(long, value_parser = ["intercom", "hubspot", "salesforce"])]
    system: Option<String>,
    /// Only what changed since then, as 2026-01-31
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Read and compare, store nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn wishes(&self, config: &crate::config::Config) -> Result<Vec<Wish>, Problem> {
        let since = self.since.as_deref().map(|text| moment("--since", text)).transpose()?;
        let (name, object, role) = match self.what {
            What::Leads => ("leads", ObjectKind::Contact, Some(Role::Lead)),
            What::Users => ("users", ObjectKind::Contact, Some(Role::User)),
            What::Contacts => ("contacts", ObjectKind::Contact, None),
            What::Companies => ("companies", ObjectKind::Company, None),
        };
        let systems = match (self.system.as_deref(), role) {
            (Some(word @ ("hubspot" | "salesforce")), Some(_)) => {
                let crm = wiring::crm_named(word, config)?;
                return Err(Problem::usage(
                    "Nothing was read or changed.",
                    format!("{} has no {name}: leads and users are Intercom's roles", crm.title()),
                    format!("run `reknit fetch contacts --system {crm}`"),
                ));
            }
            (Some(word @ ("hubspot" | "salesforce")), None) => vec![wiring::crm_named(word, config)?],
            (Some(_), _) | (None, Some(_)) => vec![System::Intercom],
            (None, None) => wiring::systems(config).to_vec(),
        };
        Ok(systems
            .into_iter()
            .map(|system| Wish {
                connection: Connection::only(system),
                name,
                stock: Stock { object, role, since },
            })
            .collect())
    }
}

/// Reads, compares, carries out what differs.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let wishes = arguments.wishes(&place.settings()?)?;
    let desk = Desk::open(place, read_only, "a fetch").await?;
    let mut rows = Vec::new();
    let mut unfinished = 0;
    for wish in &wishes {
        let (row, carried) = one(&desk, wish, arguments).await?;
        unfinished += carried.unfinished.len();
        rows.push(row);
    }
    if arguments.json {
        output::json(&rows)?;
    }
    if unfinished == 0 {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("{unfinished} of the changes found could not be carried over; the rest is done."),
        "see the sentence of each",
        "`reknit list executions --filter status:failed` shows them; those to be tried again go on with `reknit serve`",
    ))
}

async fn one(desk: &Desk<'_>, wish: &Wish, arguments: &Arguments) -> Result<(Value, Carried), Problem> {
    let next = "run the same command again: it goes on where this one stopped";
    let scope = format!("{} {}", wish.connection.system.title(), wish.name);
    let failed = |error| broke_off(&error, &format!("{scope} could not be read to the end"), next);
    let cost = desk.engine.fetch_cost(wish).await.map_err(failed)?;
    if !arguments.json {
        output::aside(&estimate(&scope, &cost));
    }
    if !arguments.dry_run {
        let since = wish.stock.since.map_or_else(String::new, |at| format!(" since {}", at.rfc3339()));
        desk.audit("fetch", &wish.connection.to_string(), format!("all {}{since}", wish.name)).await?;
    }
    let mut line = Line::new();
    let told = |job: &Job| line.show(&pace(&scope, job));
    let fetched = desk.engine.fetch(wish, arguments.dry_run, cost.records, told).await.map_err(failed)?;
    let carried = desk.carry_out(&fetched.executions, &mut line).await?;
    line.clear();
    if !arguments.json {
        output::line(&summary(&scope, wish, &fetched, arguments.dry_run))?;
        if let Some(sentence) = carried.sentence() {
            output::line(&sentence)?;
        }
    }
    let row = json!({
        "system": wish.connection.system,
        "what": wish.name,
        "since": wish.stock.since.map(Timestamp::rfc3339),
        "dry_run": arguments.dry_run,
        "resumed": fetched.resumed,
        "records": fetched.job.records,
        "total": fetched.job.total,
        "pages": fetched.job.pages,
        "calls": fetched.job.calls,
        "unknown": fetched.unknown,
        "differing": fetched.differing,
        "events": fetched.job.events,
        "carried_out": carried.json(),
    });
    Ok((row, carried))
}

fn estimate(scope: &str, cost: &Cost) -> String {
    let records = match (cost.records, cost.calls) {
        (Some(records), Some(calls)) => {
            format!("{scope}: {records} records, about {calls} calls to read them")
        }
        _ => format!("{scope}: how many there are is not told"),
    };
    match cost.day {
        Some((used, limit)) => format!("{records}; {used} of {limit} calls of the day are used."),
        None => format!("{records}."),
    }
}

fn pace(scope: &str, job: &Job) -> String {
    let of = job.total.map_or_else(String::new, |total| format!(" of {total}"));
    format!(
        "{scope}: page {}, {}{of} records, {} calls, {}",
        job.pages,
        job.records,
        job.calls,
        about(job.seconds_left())
    )
}

fn summary(scope: &str, wish: &Wish, fetched: &Fetched, dry_run: bool) -> String {
    let job = &fetched.job;
    let resumed = if fetched.resumed { ", going on where an earlier fetch stopped" } else { "" };
    let then = match (dry_run, wish.stock.object, fetched.unknown + fetched.differing) {
        (_, _, 0) => "nothing to do",
        (true, ..) => "nothing was stored",
        (_, ObjectKind::Company, _) => "their copies are refreshed",
        _ => "they are carried over",
    };
    format!(
        "{scope}: {} records read with {} calls{resumed}; {} were unknown, {} differ: {then}.",
        job.records, job.calls, fetched.unknown, fetched.differing
    )
}
