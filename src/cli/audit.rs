//! `reknit audit`: the chained log, shown and verified.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place};
use crate::domain::text::clean;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every entry against the one before it
    Verify {
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// The newest entries, newest first
    List {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Shows or verifies.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let failed = |error: crate::journal::JournalError| {
        Problem::runtime(
            "The audit log cannot be read.",
            error.to_string(),
            "check the journal's file and disk",
        )
    };
    match arguments.command {
        Command::Verify { json } => {
            let verdict = journal.verify_audit().await.map_err(failed)?;
            if json {
                output::json(&json!({
                    "intact": verdict.broken.is_none(),
                    "entries": verdict.entries,
                    "head": verdict.head,
                    "broken": verdict.broken.as_ref().map(|(number, why)| json!({"entry": number, "why": why})),
                }))?;
            } else if verdict.broken.is_none() {
                output::line(&format!(
                    "The chain is intact: {} entries, head {}.",
                    verdict.entries, verdict.head
                ))?;
            }
            match verdict.broken {
                None => Ok(()),
                Some((number, why)) => Err(Problem::runtime(
                    format!(
                        "The audit log was changed: entry {number} does not fit. The {} entries before it are intact.",
                        verdict.entries
                    ),
                    why,
                    "compare with a backup of the journal, and find out who could write to the file",
                )),
            }
        }
        Command::List { limit, json } => {
            let entries = journal.audit_entries(limit).await.map_err(failed)?;
            if json {
                return output::json(&entries);
            }
            let rows: Vec<Vec<String>> = entries
                .iter()
                .map(|entry| {
                    vec![
                        entry.number.to_string(),
                        entry.at.rfc3339(),
                        entry.entry.actor.clone(),
                        entry.entry.verb.clone(),
                        entry.entry.object.clone(),
                        clean(&entry.entry.note).into_owned(),
                    ]
                })
                .collect();
            output::table(&["NR", "TIME", "ACTOR", "VERB", "OBJECT", "NOTE"], &rows)
        }
    }
}
