//! `reknit audit`: the chained log, shown, verified, and its head exported so that people can keep it elsewhere.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place};
use crate::domain::audit::Head;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
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
        /// A line of `audit export-head` kept elsewhere, or a file of such lines; may be given again
        #[arg(long, value_name = "FILE|TEXT")]
        head: Vec<String>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Where the log ends now, as one line to keep elsewhere: number and hash
    ExportHead {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// The newest entries, newest first
    List {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those: actor:olga verb:merge record:du_4 since:2d, or words of the note
        #[arg(long, value_name = "FILTER", default_value = "")]
        filter: String,
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
    match &arguments.command {
        Command::Verify { head, json } => {
            let verdict = journal.verify_audit_against(heads(head)?).await.map_err(failed)?;
            if *json {
                output::json(&json!({
                    "intact": verdict.broken.is_none(),
                    "entries": verdict.entries,
                    "head": verdict.head,
                    "erased": verdict.erased,
                    "vouched": verdict.vouched,
                    "broken": verdict.broken.as_ref().map(|(number, why)| json!({"entry": number, "why": why})),
                }))?;
            } else if verdict.broken.is_none() {
                output::line(&format!(
                    "The chain is intact: {} entries, head {}.",
                    verdict.entries, verdict.head
                ))?;
                if verdict.erased > 0 {
                    output::line(&format!(
                        "{} of them were erased on purpose, and later entries say so: that is no damage.",
                        verdict.erased
                    ))?;
                }
                output::line(&format!(
                    "Heads kept outside the journal vouch for it up to entry {}.",
                    verdict.vouched
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
        Command::ExportHead { json } => {
            let head = journal.audit_head().await.map_err(failed)?;
            if *json { output::json(&head) } else { output::line(&head.to_string()) }
        }
        Command::List { limit, filter, json } => {
            let filter = Filter::parse(filter).map_err(|error| {
                Problem::usage(
                    "Nothing was listed.",
                    error.to_string(),
                    "see the keys in `reknit audit list --help`",
                )
            })?;
            let entries = journal.audit_page(&filter, Anchor::First, *limit).await.map_err(failed)?.rows;
            if *json {
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

/// Heads as they were given: each a line, or a file with one in each line.
fn heads(given: &[String]) -> Result<Vec<Head>, Problem> {
    let mut heads = Vec::new();
    for text in given {
        let wrong = |why: String| {
            Problem::usage(
                "Nothing was verified: a head given with --head cannot be read.",
                why,
                "give a line as `reknit audit export-head` prints it, or a file of such lines",
            )
        };
        let lines = match text.parse::<Head>() {
            Ok(head) => {
                heads.push(head);
                continue;
            }
            Err(why) if !std::path::Path::new(text).exists() => return Err(wrong(why)),
            Err(_) => std::fs::read_to_string(text).map_err(|error| wrong(format!("{text}: {error}")))?,
        };
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            heads.push(line.parse().map_err(wrong)?);
        }
    }
    Ok(heads)
}
