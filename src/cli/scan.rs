//! `reknit scan`: a look over everybody for duplicates and missing relations, now. It asks no vendor and sends nothing.

use clap::Args;
use serde_json::json;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::progress::{Desk, Line};
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Looks over everybody.
pub async fn run(
    place: &super::wiring::Place,
    read_only: bool,
    arguments: &Arguments,
) -> Result<(), Problem> {
    let desk = Desk::of_copies(place, read_only, "a scan").await?;
    let mut line = Line::new();
    let found = desk
        .engine
        .scan_people(|progress| {
            line.show(&format!("{}: {} {}", progress.connection, progress.done, progress.stage));
        })
        .await
        .map_err(|error| unread(&error))?;
    desk.engine.scan_unlinked().await.map_err(|error| unread(&error))?;
    line.clear();
    let journal = desk.engine.journal();
    let all = Filter::default();
    let pairs = journal.duplicates(&all, Anchor::First, 1).await.map_err(|error| unread(&error))?.total;
    let groups =
        journal.duplicate_groups(&all, Anchor::First, 1).await.map_err(|error| unread(&error))?.total;
    let unlinked = journal.unlinked(&all, Anchor::First, 1).await.map_err(|error| unread(&error))?.total;
    if arguments.json {
        return output::json(&json!({
            "records": found.records, "found": found.pairs, "open_pairs": pairs, "open_groups": groups,
            "open_unlinked": unlinked,
        }));
    }
    output::line(&format!(
        "{} records compared; {groups} duplicates to decide ({pairs} pairs), {unlinked} people without their company. \
         `reknit list duplicates` shows them.",
        found.records
    ))
}
