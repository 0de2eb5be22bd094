//! `reknit explain`: how a field of a person came to be what it is, newest first.

use clap::Args;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place};
use crate::domain::text::clean;
use crate::engine::explain::{Unexplained, explain};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An e-mail, a record as hubspot/contact/151, or a person as pe_3
    person: String,
    /// The field, as the mapping or either side calls it
    field: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Explains.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let journal = place.open(&config, Opening::Look)?;
    let account = explain(&journal, &mapping, &arguments.person, &arguments.field).await.map_err(|error| {
        match error {
            Unexplained::Journal(error) => unread(&error),
            error => Problem::usage(
                "There is nothing to explain.",
                clean(&error.to_string()).into_owned(),
                "name an e-mail, a record (`reknit list executions` shows some) or pe_N, and a field of the mapping",
            ),
        }
    })?;
    if arguments.json {
        return output::json(&account);
    }
    let say = |text: &str| output::line(&clean(text));
    let records: Vec<String> = account.records.iter().map(ToString::to_string).collect();
    say(&format!("{} of {}  ({})", account.field, account.subject, records.join(", ")))?;
    for entry in &account.entries {
        let at = if entry.at.0 == 0 { "                    ".to_owned() } else { entry.at.rfc3339() };
        say(&format!("{at}  {}", entry.sentence))?;
        for link in &entry.links {
            say(&format!("    {:<9}  {}", link.what, link.words))?;
        }
    }
    if account.entries.iter().all(|entry| entry.kind == "now") {
        say("Reknit has never written it, skipped it or held it back.")?;
    }
    if account.others > 0 {
        say(&format!("{} other executions of this person did not touch it.", account.others))?;
    }
    Ok(())
}
