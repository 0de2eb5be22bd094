//! `reknit mapping plan`: what an edited mapping would change, from what the journal holds; nobody is called.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::filter::span;
use crate::domain::text::clean;
use crate::engine::rehearse::rehearse;
use crate::mapping::Mapping;

/// Arguments of `mapping plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The edited mapping
    file: PathBuf,
    /// Records that something was told of since then, as 30d
    #[arg(long, default_value = "30d", value_name = "SPAN")]
    since: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Shows it.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let wrong = |why: String, next: &str| Problem::usage("Nothing was compared.", why, next.to_owned());
    let since = span(&arguments.since).filter(|since| *since > Duration::ZERO).ok_or_else(|| {
        wrong(format!("\"{}\" is not a time span", arguments.since), "write 12h, 7d or 30d")
    })?;
    let name = arguments.file.display().to_string();
    let text = std::fs::read_to_string(&arguments.file)
        .map_err(|error| wrong(format!("{name}: {error}"), "check the path"))?;
    let edited = Mapping::parse(&text, &name)
        .map_err(|error| wrong(error.to_string(), "correct it; this mapping would not load"))?;
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let journal = place.open(&config, Opening::Look)?;
    let now = wiring::clock().now();
    let since =
        crate::domain::clock::Timestamp(now.0 - i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2));
    let plan =
        rehearse(&journal, &mapping, &edited, since, u64::MAX).await.map_err(|error| unread(&error))?;
    if arguments.json {
        return output::json(&plan);
    }
    let rows: Vec<Vec<String>> = plan
        .fields
        .iter()
        .map(|field| {
            let signed = |count: u64, sign: &str| {
                if count == 0 { "0".to_owned() } else { format!("{sign}{count}") }
            };
            vec![
                field.field.clone(),
                field.changed.to_string(),
                signed(field.new_conflicts, "+"),
                signed(field.fewer_conflicts, "-"),
            ]
        })
        .collect();
    output::table(&["FIELD", "RECORDS", "NEW CONFLICTS", "SETTLED"], &rows)?;
    for field in plan.fields.iter().filter(|field| !field.examples.is_empty()) {
        output::line("")?;
        output::line(&clean(&field.field))?;
        for example in &field.examples {
            output::line(&clean(&format!("  {}: {} → {}", example.subject, example.before, example.after)))?;
        }
    }
    output::line("")?;
    output::line(&format!(
        "{} pairs looked at since {}; {} records have no other side yet. Nothing was written, nobody was called.",
        plan.pairs,
        since.rfc3339(),
        plan.alone
    ))
}
