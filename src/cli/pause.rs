//! `reknit pause` and `reknit resume`: hold work back on purpose and let it go on, with who, why and until when.
//!
//! Events are taken in and stored all the while, and every held execution keeps its place.

use clap::{Args, Subcommand};
use jiff::{Span, SpanRelativeTo};
use serde_json::json;

use super::list::unread;
use super::operate::refused;
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::breaker::Breaker;
use crate::domain::clock::Timestamp;
use crate::domain::pause::{Pause, PauseKind, PauseScope};
use crate::domain::text::clean;
use crate::engine::operate::Operator;
use crate::journal::Journal;

/// Arguments of `pause`.
#[derive(Debug, Args)]
pub struct PauseArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Hold back everything one recipe does, as contact-to-crm
    Recipe(Set),
    /// Leave a vendor alone: no call to it, no look for changes, as hubspot
    Connection(Set),
    /// Write nothing into one side: to-crm or to-intercom; reading goes on
    Direction(Set),
    /// What is paused, by whom and why, and which connections are left alone because they do not work
    List(List),
}

/// Flags of a pause.
#[derive(Debug, Args)]
struct Set {
    /// Its name
    name: String,
    /// Why; everybody who sees a held execution reads it
    #[arg(long)]
    reason: String,
    /// Until when, as 2026-11-21T18:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "length")]
    until: Option<String>,
    /// For how long, as 30m, 2h or 1d
    #[arg(long = "for", id = "length", value_name = "LENGTH")]
    length: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Flags of `pause list`.
#[derive(Debug, Args)]
struct List {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArguments {
    #[command(subcommand)]
    what: Ended,
}

#[derive(Debug, Subcommand)]
enum Ended {
    /// Let a recipe go on
    Recipe(Named),
    /// Call a vendor again; where its token was refused or it did not answer, look at once whether it works
    Connection(Named),
    /// Write into a side again
    Direction(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// Its name
    name: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Sets a pause, or lists what holds.
pub async fn pause(place: &Place, read_only: bool, arguments: &PauseArguments) -> Result<(), Problem> {
    let (kind, set) = match &arguments.what {
        What::Recipe(set) => (PauseKind::Recipe, set),
        What::Connection(set) => (PauseKind::Connection, set),
        What::Direction(set) => (PauseKind::Direction, set),
        What::List(flags) => return list(place, flags.json).await,
    };
    let until = until(set)?;
    let scope = PauseScope { kind, name: set.name.clone() };
    let operator = operator(place, read_only)?;
    let done = operator.pause(scope, &set.reason, until).await.map_err(|error| refused(&error))?;
    if set.json {
        return output::json(&json!({"pause": shape(&done.pause), "held": done.held}));
    }
    output::line(&clean(&format!(
        "{}. Held: {}; what runs ends, what comes is stored and waits. `reknit resume {}` lets it go on.",
        done.pause.sentence().trim_end_matches('.'),
        counted(done.held),
        done.pause.scope
    )))
}

/// Ends a pause.
pub async fn resume(place: &Place, read_only: bool, arguments: &ResumeArguments) -> Result<(), Problem> {
    let (kind, named) = match &arguments.what {
        Ended::Recipe(named) => (PauseKind::Recipe, named),
        Ended::Connection(named) => (PauseKind::Connection, named),
        Ended::Direction(named) => (PauseKind::Direction, named),
    };
    let scope = PauseScope { kind, name: named.name.clone() };
    let operator = operator(place, read_only)?;
    let done = operator.resume(scope.clone()).await.map_err(|error| refused(&error))?;
    if named.json {
        return output::json(&json!({
            "resumed": scope.to_string(), "ended": done.ended, "released": done.released, "looks_at": done.looks.is_some(),
        }));
    }
    let worker = "`reknit serve` or the console carries it out";
    if done.ended {
        output::line(&clean(&format!("{scope} goes on; {worker}.")))?;
    }
    if let Some(breaker) = done.looks {
        output::line(&clean(&format!(
            "Looks at once whether {} works again ({} waiting for {}); {worker}.",
            breaker.connection.system.title(),
            counted(done.released),
            breaker.phrase()
        )))?;
    }
    Ok(())
}

async fn list(place: &Place, as_json: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let (pauses, breakers) = standing(&journal).await?;
    let mut rows = Vec::new();
    let mut shapes = Vec::new();
    for pause in &pauses {
        let held = journal.held_by(pause.scope.key()).await.map_err(|error| unread(&error))?;
        let mut shape = shape(pause);
        shape["held"] = json!(held);
        shapes.push(shape);
        rows.push(vec![
            pause.scope.to_string(),
            clean(&pause.actor).into_owned(),
            pause.since.rfc3339(),
            pause.until.map_or_else(|| "resumed".to_owned(), Timestamp::rfc3339),
            held.to_string(),
            clean(&pause.reason).into_owned(),
        ]);
    }
    let mut open = Vec::new();
    for breaker in &breakers {
        let held = journal.held_by(breaker.key()).await.map_err(|error| unread(&error))?;
        let mut shape = breaker_shape(breaker);
        shape["held"] = json!(held);
        open.push(shape);
        rows.push(vec![
            format!("connection {}", breaker.connection),
            "engine".to_owned(),
            breaker.since.rfc3339(),
            "it works again".to_owned(),
            held.to_string(),
            clean(&format!("waits for {}", breaker.phrase())).into_owned(),
        ]);
    }
    if as_json {
        return output::json(&json!({"pauses": shapes, "breakers": open}));
    }
    if rows.is_empty() {
        return output::line("Nothing is paused, and every connection is used.");
    }
    output::table(&["WHAT", "BY", "SINCE", "UNTIL", "HELD", "WHY"], &rows)
}

/// What holds work back now: pauses, and breakers that are not closed.
pub(super) async fn standing(journal: &Journal) -> Result<(Vec<Pause>, Vec<Breaker>), Problem> {
    let pauses = journal.pauses().await.map_err(|error| unread(&error))?;
    let breakers = journal.breakers().await.map_err(|error| unread(&error))?;
    Ok((pauses, breakers.into_iter().filter(Breaker::holds).collect()))
}

/// A breaker as `--json` shows it.
pub(super) fn breaker_shape(breaker: &Breaker) -> serde_json::Value {
    json!({
        "connection": breaker.connection.to_string(),
        "state": breaker.state,
        "cause": breaker.cause,
        "since": breaker.since.rfc3339(),
        "look_at": breaker.look_at.map(Timestamp::rfc3339),
        "words": breaker.words,
        "advice": breaker.advice(),
    })
}

fn shape(pause: &Pause) -> serde_json::Value {
    json!({
        "kind": pause.scope.kind,
        "name": pause.scope.name,
        "actor": pause.actor,
        "reason": pause.reason,
        "since": pause.since.rfc3339(),
        "until": pause.until.map(Timestamp::rfc3339),
    })
}

fn counted(count: u64) -> String {
    if count == 1 { "1 execution".to_owned() } else { format!("{count} executions") }
}

pub(super) fn operator(place: &Place, read_only: bool) -> Result<Operator, Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let journal = place.open(&config, if read_only { Opening::Look } else { Opening::Work })?;
    Ok(wiring::operator(&config, journal, mapping, read_only))
}

fn until(set: &Set) -> Result<Option<Timestamp>, Problem> {
    let wrong = |why: String, next: &str| Problem::usage("Nothing was paused.", why, next.to_owned());
    if let Some(text) = &set.until {
        let at = Timestamp::parse_rfc3339(text)
            .ok_or_else(|| wrong(format!("--until {text} is no time"), "write it as 2026-11-21T18:00:00Z"))?;
        return Ok(Some(at));
    }
    let Some(text) = &set.length else { return Ok(None) };
    let length = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|length| std::time::Duration::try_from(length).ok())
        .filter(|length| !length.is_zero())
        .ok_or_else(|| wrong(format!("--for {text} is no length of time"), "write it as 30m, 2h or 1d"))?;
    Ok(Some(wiring::clock().now().plus(length)))
}
