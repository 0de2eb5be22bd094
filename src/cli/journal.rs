//! `reknit journal`: is the journal whole, and what to do where it is not.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::text::clean;
use crate::journal::JournalError;

/// Arguments of `journal`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every page, body, audit entry and counter, compare with the head kept outside; changes nothing
    Check {
        /// Print the findings as JSON
        #[arg(long)]
        json: bool,
    },
    /// End the alarm about an end that was lost, once you have looked into it; the reason goes into the audit log
    Accept {
        /// What you found and did; no personal data
        reason: String,
    },
}

/// Checks or accepts.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let failed = |error: JournalError| {
        Problem::runtime(
            "The journal cannot be examined; nothing was changed.",
            error.to_string(),
            "check its file, its folder and the disk",
        )
    };
    match &arguments.command {
        Command::Check { json } => {
            let journal = place.open(&config, Opening::Look)?;
            let found = journal.examine().await.map_err(failed)?;
            if *json {
                output::json(&json!({
                    "intact": found.findings.is_empty(),
                    "events": found.events,
                    "audit_entries": found.audit.as_ref().map(|verdict| verdict.entries),
                    "findings": found.findings,
                }))?;
            } else if found.findings.is_empty() {
                let entries = found.audit.as_ref().map_or(0, |verdict| verdict.entries);
                output::line(&format!(
                    "The journal is whole: {} events and {entries} audit entries read, every page and counter fits, and its end \
                     is where the head kept outside says.",
                    found.events
                ))?;
            } else {
                for finding in &found.findings {
                    output::line(&format!("✗ {}: {}", clean(&finding.what), clean(&finding.why)))?;
                    output::line(&format!("  what to do: {}", finding.next))?;
                }
            }
            match found.findings.len() {
                0 => Ok(()),
                count => Err(Problem::runtime(
                    format!("The journal is not whole: {count} findings; nothing was changed."),
                    "each is told above with what is affected",
                    "keep a copy of the journal and the files beside it before you do anything else",
                )),
            }
        }
        Command::Accept { reason } => {
            if read_only {
                return Err(Problem::usage(
                    "Nothing was changed.",
                    "accepting writes to the audit log, and --read-only forbids that",
                    "leave --read-only away",
                ));
            }
            let journal = place.open(&config, Opening::Work)?;
            let done = journal.accept_head(wiring::actor(), reason.clone()).await.map_err(failed)?;
            output::line(if done {
                "Accepted; the audit log has your reason and what it was about."
            } else {
                "There is no such alarm; nothing was changed."
            })
        }
    }
}
