//! `reknit notices`: what recipes told people and other systems, and what became of it; sending again what was given up.

use clap::{Args, Subcommand};
use serde_json::json;

use super::list::{parse, unread};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ExecutionId;
use crate::domain::text::clean;

/// Arguments of `notices`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The newest notices first
    List {
        /// Only those of one execution, as ex_12
        #[arg(long, value_name = "EXECUTION")]
        of: Option<String>,
        /// How many at the most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Send again what was given up
    Resend {
        /// The notice's number; leave away for all
        number: Option<i64>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    match &arguments.command {
        Command::List { of, limit, json } => {
            let of: Option<ExecutionId> = of.as_deref().map(parse).transpose()?;
            let journal = place.open(&config, Opening::Look)?;
            let notices = journal.notices(of, *limit).await.map_err(|error| unread(&error))?;
            if *json {
                let rows: Vec<_> = notices
                    .iter()
                    .map(|row| {
                        json!({
                            "id": row.id, "channel": row.channel, "execution": row.execution.to_string(),
                            "title": row.title, "status": row.status, "sends": row.sends, "words": row.words,
                            "created_at": row.created_at.rfc3339(), "done_at": row.done_at.map(Timestamp::rfc3339),
                        })
                    })
                    .collect();
                return output::json(&rows);
            }
            if notices.is_empty() {
                return output::line("No recipe has told anybody anything.");
            }
            for row in notices {
                let words = if row.words.is_empty() { String::new() } else { format!("  {}", row.words) };
                output::line(&clean(&format!(
                    "{:>5}  {}  {:<10}  {:<10}  {}  {}{words}",
                    row.id,
                    row.created_at.rfc3339(),
                    row.channel,
                    row.status,
                    row.execution,
                    row.title
                )))?;
            }
            Ok(())
        }
        Command::Resend { number, json } => {
            if read_only {
                return Err(Problem::usage(
                    "Nothing is sent again.",
                    "--read-only forbids it",
                    "leave --read-only away",
                ));
            }
            let journal = place.open(&config, Opening::Work)?;
            let sent =
                journal.resend_notices(*number, wiring::actor()).await.map_err(|error| unread(&error))?;
            if *json {
                return output::json(&json!({"queued": sent}));
            }
            output::line(&format!(
                "{sent} notices that were given up wait for a running Reknit to send them."
            ))
        }
    }
}
