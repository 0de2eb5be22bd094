//! `reknit sweep`: who is gone without a word; and when that was last looked for.

use clap::Args;
use serde_json::json;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::progress::{Desk, Line, broke_off};
use super::wiring::{self, Opening, Place};
use crate::domain::clock::Timestamp;
use crate::domain::job::JobState;
use crate::domain::record::{Connection, System};
use crate::engine::sweep::{How, Standing, Swept, WHY, standing};
use crate::journal::Journal;

/// Arguments of `sweep`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where: intercom, hubspot or salesforce [default: Intercom and the CRM]
    #[arg(long, value_parser = ["intercom", "hubspot", "salesforce"])]
    system: Option<String>,
    /// Say when the last sweeps were and what they found
    #[arg(long, conflicts_with_all = ["dry_run", "yes", "system"])]
    status: bool,
    #[command(flatten)]
    how: Wanted,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// How it is to be done.
#[derive(Debug, Args)]
struct Wanted {
    /// Look, store nothing
    #[arg(long)]
    dry_run: bool,
    /// So many are gone and it is right
    #[arg(long)]
    yes: bool,
}

/// Sweeps, or says how it stands.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    if arguments.status {
        let config = place.settings()?;
        let journal = place.open(&config, Opening::Look)?;
        return status(&journal, wiring::systems(&config), arguments.json).await;
    }
    let desk = Desk::open(place, read_only, "a sweep").await?;
    let systems: Vec<System> = match arguments.system.as_deref() {
        Some("intercom") => vec![System::Intercom],
        Some(word) => vec![wiring::crm_named(word, &desk.config)?],
        None => wiring::systems(&desk.config).to_vec(),
    };
    let how = How { dry_run: arguments.how.dry_run, even_many: arguments.how.yes };
    let mut rows = Vec::new();
    let mut refused: Vec<Swept> = Vec::new();
    let mut unfinished = Vec::new();
    for connection in systems.into_iter().map(Connection::only) {
        if !how.dry_run {
            let note = if how.even_many { "even if many are missing" } else { "people who are gone" };
            desk.audit("sweep", &connection.to_string(), note.to_owned()).await?;
        }
        let title = connection.system.title();
        let mut line = Line::new();
        let told = |listed, calls| line.show(&format!("{title}: {listed} people listed, {calls} calls"));
        let swept = desk.engine.sweep(&connection, how, told).await.map_err(|error| {
            broke_off(
                &error,
                &format!("The sweep of {title} broke off, so nobody was marked as deleted"),
                "try again; `reknit sweep --status` tells of the last one",
            )
        })?;
        let carried = desk.carry_out(&swept.executions, &mut line).await?;
        line.clear();
        rows.push(json!({
            "system": swept.connection.system, "known": swept.known, "listed": swept.listed,
            "missing": swept.missing, "archived": swept.archived, "deleted": swept.gone, "merged": swept.merged,
            "living": swept.living, "dry_run": how.dry_run, "refused": swept.refused,
            "carried_out": carried.json(),
        }));
        if !arguments.json {
            output::line(&swept.sentence)?;
            if let Some(sentence) = carried.sentence() {
                output::line(&sentence)?;
            }
        }
        unfinished.extend(carried.unfinished);
        if swept.refused.is_some() {
            refused.push(swept);
        }
    }
    if arguments.json {
        output::json(&rows)?;
    }
    if let Some(swept) = refused.first() {
        return Err(Problem::runtime(
            "Too many people are missing, so nobody was marked as deleted.",
            format!("{} of {} in {}", swept.missing, swept.known, swept.connection.system.title()),
            "check with `reknit doctor` whose token it is; if it is right, run the same command with --yes",
        ));
    }
    if let Some(first) = unfinished.first() {
        return Err(Problem::runtime(
            format!(
                "{} of the people who are gone could not be dealt with; the rest is done.",
                unfinished.len()
            ),
            "see the sentence of each",
            format!("`reknit show {first}` explains the first"),
        ));
    }
    Ok(())
}

async fn status(journal: &Journal, systems: [System; 2], json: bool) -> Result<(), Problem> {
    let mut standings = Vec::new();
    for system in systems {
        standings.push(standing(journal, &Connection::only(system)).await.map_err(|error| unread(&error))?);
    }
    if json {
        let rows: Vec<_> = standings
            .iter()
            .map(|one| {
                json!({
                    "system": one.connection.system,
                    "last": one.finished,
                    "later": one.later,
                    "why": WHY,
                })
            })
            .collect();
        return output::json(&rows);
    }
    for one in &standings {
        output::line(&words(one).1)?;
    }
    output::line(WHY)
}

/// How the sweeps of a connection stand: whether all is well, and in words.
pub fn words(standing: &Standing) -> (bool, String) {
    let title = standing.connection.system.title();
    let last = match &standing.finished {
        Some(job) => {
            format!("{title}: last deletion sweep {}. {}", job.updated_at.rfc3339(), job.sentence)
        }
        None => format!("{title}: no deletion sweep yet."),
    };
    match &standing.later {
        Some(job) => {
            let at: Timestamp = job.updated_at;
            let text = format!("{last} A later one ({}, {}): {}", job.state, at.rfc3339(), job.sentence);
            (job.state != JobState::Stopped, text)
        }
        None => (true, last),
    }
}
