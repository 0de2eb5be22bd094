//! `reknit drift`: whether the vendors' fields, options and rights still are what the rules expect; what is held back for
//! it, and taking a change as it is.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::progress::Desk;
use super::wiring::{self, Opening, Place};
use crate::domain::drift::{DriftState, Finding};
use crate::domain::plan::Effect;
use crate::domain::text::clean;
use crate::engine::drift::{Looked, accept_finding, resume_finding};
use crate::journal::{Journal, JournalError};

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Accept everything that is found
    #[arg(long)]
    accept: bool,
    /// Make the attributes in Intercom that a mapping writes and Intercom does not have
    #[arg(long, conflicts_with = "accept")]
    create_missing: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What was found and waits for a human
    List(List),
    /// One finding with every recipe and mapping it hits
    Show(Chosen),
    /// Take a change as it is: it is what is expected from here on
    Accept(Chosen),
    /// Let what a finding holds go on without accepting it
    Resume(Chosen),
}

#[derive(Debug, Args)]
struct List {
    /// Those that are decided too
    #[arg(long)]
    all: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// A finding's number, with or without what stands before it in lists.
fn finding(text: &str) -> Result<i64, String> {
    let number = text.strip_prefix("df_").unwrap_or(text);
    number.parse().map_err(|_| "a finding is named like df_3; `reknit drift list` shows them".to_owned())
}

#[derive(Debug, Args)]
struct Chosen {
    /// The finding, as `drift list` names it
    #[arg(value_parser = finding, value_name = "FINDING")]
    id: i64,
    /// Print the finding as JSON
    #[arg(long)]
    json: bool,
}

/// Looks, or says and decides what was found.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.command {
        None if arguments.create_missing => create_missing(place, read_only, arguments.json).await,
        None => look(place, read_only, arguments).await,
        Some(Command::List(list)) => {
            let findings =
                journal(place, Opening::Look)?.drift(!list.all).await.map_err(|error| unread(&error))?;
            if list.json {
                return output::json(&findings.iter().map(shape).collect::<Vec<_>>());
            }
            rows(&findings)
        }
        Some(Command::Show(chosen)) => {
            let finding = journal(place, Opening::Look)?.drift_finding(chosen.id).await;
            let finding = finding.map_err(|error| unread(&error))?;
            if chosen.json {
                return output::json(&shape(&finding));
            }
            tell(&finding)
        }
        Some(Command::Accept(chosen)) => decide(place, read_only, chosen, true).await,
        Some(Command::Resume(chosen)) => decide(place, read_only, chosen, false).await,
    }
}

fn journal(place: &Place, opening: Opening) -> Result<Journal, Problem> {
    let config = place.settings()?;
    place.open(&config, opening)
}

async fn look(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let desk = Desk::open(place, read_only, "a look for drift").await?;
    let engine = &desk.engine;
    let mut looked = engine.look_for_drift().await.map_err(|error| not_stored(&error))?;
    if arguments.accept {
        let rules = engine.rules().current();
        let now = wiring::clock().now();
        for finding in std::mem::take(&mut looked.open) {
            let taken = accept_finding(engine.journal(), &rules.book, now, finding.id, wiring::actor()).await;
            match taken {
                Ok(finding) => looked.new.push(finding),
                // What cannot be accepted goes on to stand open.
                Err(JournalError::Refused(_)) => looked.open.push(finding),
                Err(error) => return Err(not_stored(&error)),
            }
        }
    }
    if arguments.json {
        output::json(&report(&looked))?;
    } else {
        for finding in &looked.mended {
            output::line(&clean(&format!("Mended: {}", finding.change.sentence())))?;
        }
        if arguments.accept {
            for finding in looked.new.iter().filter(|it| it.state == DriftState::Accepted) {
                output::line(&clean(&format!("Accepted: {}", finding.change.sentence())))?;
            }
        }
        if looked.open.is_empty() {
            output::line(&format!(
                "{} kinds of records were read; the rules fit what the vendors have.",
                looked.read
            ))?;
        } else {
            rows(&looked.open)?;
        }
        for unread in &looked.unread {
            output::aside(&format!("Not read, so nothing was concluded: {unread}"));
        }
    }
    if looked.unread.is_empty() {
        return Ok(());
    }
    Err(Problem::runtime(
        "Not everything could be read; what was held back before stays held.",
        looked.unread.join("; "),
        "see `reknit doctor`, then run `reknit drift` again",
    ))
}

fn report(looked: &Looked) -> Value {
    let all = |findings: &[Finding]| findings.iter().map(shape).collect::<Vec<_>>();
    json!({
        "read": looked.read, "new": all(&looked.new), "mended": all(&looked.mended), "open": all(&looked.open),
        "unread": looked.unread,
    })
}

async fn decide(place: &Place, read_only: bool, chosen: &Chosen, accept: bool) -> Result<(), Problem> {
    if read_only {
        return Err(Problem::usage(
            "Nothing was changed.",
            "a decision is stored in the journal, and --read-only forbids that",
            "leave --read-only away",
        ));
    }
    let config = place.settings()?;
    let rules = wiring::rules(&config)?.current();
    let journal = place.open(&config, Opening::Work)?;
    let (now, actor) = (wiring::clock().now(), wiring::actor());
    let done = if accept {
        accept_finding(&journal, &rules.book, now, chosen.id, actor).await
    } else {
        resume_finding(&journal, &rules.book, now, chosen.id, actor).await
    };
    let finding = done.map_err(|error| refused(&error))?;
    if chosen.json {
        return output::json(&shape(&finding));
    }
    let what = if accept { "Accepted" } else { "Goes on" };
    output::line(&clean(&format!("{what}: {}", finding.change.sentence())))?;
    output::line(
        "What was left out meanwhile is looked at again by `reknit serve` or the console within a minute.",
    )
}

async fn create_missing(place: &Place, read_only: bool, as_json: bool) -> Result<(), Problem> {
    let desk = Desk::open(place, read_only, "making attributes").await?;
    let failed = |error: crate::engine::poll::PollError| {
        Problem::runtime(
            "Not every attribute was made; those that were are in the audit log.",
            error.to_string(),
            "see `reknit doctor`, then run the same command again: what is there is left as it is",
        )
    };
    let missing = desk.engine.missing_attributes(None).await.map_err(failed)?;
    let mut made = Vec::new();
    for effect in &missing {
        desk.engine.define(effect, &wiring::actor()).await.map_err(failed)?;
        if let Effect::DefineField { object, field, kind, .. } = effect {
            made.push(json!({"object": object, "field": field, "kind": kind}));
            if !as_json {
                output::line(&clean(&format!("Intercom has the {object} attribute {field} ({kind}) now.")))?;
            }
        }
    }
    if as_json {
        return output::json(&json!({"made": made}));
    }
    if made.is_empty() {
        output::line("Intercom has every attribute that the mappings write; nothing was made.")?;
    }
    Ok(())
}

fn rows(findings: &[Finding]) -> Result<(), Problem> {
    if findings.is_empty() {
        return output::line("No finding waits; `reknit drift` looks again.");
    }
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let held = finding.held().count();
            let state = match finding.state {
                DriftState::Open if held > 0 => format!("holds {held}"),
                DriftState::Open => "open".to_owned(),
                state => state.to_string(),
            };
            let hits: Vec<String> =
                finding.hits.iter().map(|hit| format!("{} {}", hit.user, hit.at())).collect();
            vec![finding.id.to_string(), state, finding.change.sentence(), hits.join(", ")]
        })
        .collect();
    output::table(&["ID", "STATE", "WHAT", "HITS"], &rows)
}

fn tell(finding: &Finding) -> Result<(), Problem> {
    let change = &finding.change;
    let since = format!("found {}", finding.found_at.rfc3339());
    output::line(&clean(&format!("{}  {} ({}, {since})", finding.id, change.sentence(), finding.state)))?;
    if !change.was.is_empty() || !change.now.is_empty() {
        output::line(&clean(&format!("Was    {}", change.was)))?;
        output::line(&clean(&format!("Now    {}", change.now)))?;
    }
    for hit in &finding.hits {
        let held = if finding.held().any(|held| held == hit) { "held back" } else { "goes on" };
        output::line(&clean(&format!("Hits   {} {}: {} ({held})", hit.kind, hit.user, hit.at())))?;
    }
    match &finding.resolution {
        Some(resolution) => output::line(&clean(resolution)),
        None => output::line(&clean(&format!(
            "Next   {} `reknit drift accept {id}` takes it as it is, `reknit drift resume {id}` lets what is held go on.",
            change.advice(),
            id = finding.id
        ))),
    }
}

fn shape(finding: &Finding) -> Value {
    let hits: Vec<Value> = finding
        .hits
        .iter()
        .map(|hit| {
            json!({
                "kind": hit.kind, "name": hit.user, "file": hit.file, "line": hit.line, "place": hit.place,
                "held": finding.held().any(|held| held == hit),
            })
        })
        .collect();
    let change = &finding.change;
    json!({
        "id": finding.id, "state": finding.state, "kind": change.kind, "connection": change.connection.to_string(),
        "object": change.object, "field": change.field, "was": change.was, "now": change.now, "values": change.values,
        "sentence": change.sentence(), "advice": change.advice(), "hits": hits, "holding": finding.holding,
        "found_at": finding.found_at.rfc3339(), "changed_at": finding.changed_at.rfc3339(),
        "resolution": finding.resolution,
    })
}

fn not_stored(error: &JournalError) -> Problem {
    Problem::runtime(
        "What was found could not be stored; what was held back before stays held.",
        error.to_string(),
        "try again in a moment; if it stays so, check the journal's file and disk",
    )
}

fn refused(error: &JournalError) -> Problem {
    match error {
        JournalError::Refused(_) | JournalError::Missing(_) => {
            Problem::usage("Nothing was changed.", error.to_string(), "see `reknit drift list --all`")
        }
        error => not_stored(error),
    }
}
