//! `reknit list`: the console's lists without a screen, as columns or JSON.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place, clock};
use crate::domain::evidence::percent;
use crate::domain::filter::{Filter, List};
use crate::domain::page::{Anchor, Page};
use crate::domain::record::value_text;
use crate::journal::JournalError;

/// What can be listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Runs of recipes
    Executions,
    /// Fields held back for a human
    Conflicts,
    /// Records believed to be the same
    Duplicates,
    /// People without the company they belong to
    Unlinked,
    /// Duplicates judged different or unsure, the longest unseen first
    Exceptions,
    /// Duplicates of our own making, and why they came about
    Incidents,
    /// Why executions fail: one row for each cause, by its fingerprint
    Causes,
    /// What was merged, and whether it can be taken back
    Merges,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to list
    kind: Kind,
    /// As behind / in the console: words, and status: recipe: error: cause: code: id: person: record: system: kind: field: role:
    /// domain: outcome: since: until: age: attempts: priority: assignee: claimed:, each turned round by a leading -, for example
    /// "status:failed error:permission -jane since:2h sort:-attempts". A word is the beginning of one that is shown; "two
    /// words" in quotes; a,b is either; a trailing * leaves the rest open; age:>3d, attempts:>2; status: takes open;
    /// sort:COLUMN orders, sort:-COLUMN from the other end
    #[arg(long, default_value = "")]
    filter: String,
    /// Only conflicts that this role decides, as revops
    #[arg(long)]
    role: Option<String>,
    /// How many rows at most
    #[arg(long, default_value_t = 200, value_parser = at_least_one)]
    limit: usize,
    /// Of duplicates: each group once, by its surest pair, as the screen shows them; else every pair
    #[arg(long)]
    groups: bool,
    /// Print {"total":n,"total_is_least":bool,"rows":[…]}
    #[arg(long)]
    json: bool,
}

/// A list of no rows would look like nothing to do.
fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|rows| *rows > 0).ok_or_else(|| "write a number from 1 on".to_owned())
}

/// A journal that cannot be read, as a person reads it.
pub fn unread(error: &JournalError) -> Problem {
    Problem::runtime("The journal cannot be read.", error.to_string(), "check the journal's file and disk")
}

/// Lists.
pub async fn list(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let mut text = arguments.filter.clone();
    if let Some(role) = &arguments.role {
        text.push_str(&format!(" role:{role}"));
    }
    let filter = match arguments.kind {
        Kind::Executions => Filter::parse_for(List::Executions, &text),
        Kind::Conflicts => Filter::parse_for(List::Conflicts, &text),
        Kind::Duplicates => Filter::parse_for(List::Duplicates, &text),
        Kind::Unlinked => Filter::parse_for(List::Unlinked, &text),
        Kind::Exceptions | Kind::Incidents | Kind::Causes | Kind::Merges => Filter::parse(&text),
    };
    let filter = filter.map_err(|error| {
        Problem::usage(
            "Nothing was listed.",
            error.to_string(),
            "see the filter language in `reknit help list`",
        )
    })?;
    let filter = filter.of(&super::wiring::actor());
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let limit = arguments.limit;
    match arguments.kind {
        Kind::Executions => {
            let page =
                journal.executions(&filter, Anchor::First, limit).await.map_err(|error| unread(&error))?;
            print(
                arguments,
                &page,
                &["ID", "STATUS", "RECIPE", "SUBJECT", "TRY", "CODE", "NEXT", "WHAT"],
                |row| {
                    let now = clock().now();
                    vec![
                        row.id.to_string(),
                        format!("{} {}", row.status.glyph(), row.status),
                        row.recipe.clone(),
                        row.subject.clone(),
                        format!("{}/{}", row.attempts, row.max_attempts),
                        row.error_code.map_or_else(|| "—".into(), |code| code.to_string()),
                        row.due_at
                            .filter(|due| *due > now)
                            .map_or_else(|| "—".into(), |due| format!("in {} s", due.since(now) / 1000)),
                        row.sentence.clone(),
                    ]
                },
            )
        }
        Kind::Conflicts => {
            let page =
                journal.conflicts(&filter, Anchor::First, limit).await.map_err(|error| unread(&error))?;
            print(arguments, &page, &["ID", "SUBJECT", "FIELD", "KIND", "ROLE", "INTERCOM", "CRM"], |row| {
                vec![
                    row.id.to_string(),
                    row.subject.clone(),
                    row.field.clone(),
                    row.kind.phrase().to_owned(),
                    row.decides.clone(),
                    value_text(&row.left_value),
                    value_text(&row.right_value),
                ]
            })
        }
        Kind::Duplicates => {
            let grouped = journal
                .duplicate_groups(&filter, Anchor::First, if arguments.groups { limit } else { 1 })
                .await
                .map_err(|error| unread(&error))?;
            let pairs = journal
                .duplicates(&filter, Anchor::First, if arguments.groups { 1 } else { limit })
                .await
                .map_err(|error| unread(&error))?;
            let (all, groups) = (pairs.total, grouped.total);
            let page = if arguments.groups { grouped } else { pairs };
            if arguments.json {
                return output::json(&json!({
                    "total": page.total,
                    "total_is_least": page.total_is_least,
                    "pairs": all,
                    "groups": groups,
                    "rows": page.rows,
                }));
            }
            print(
                arguments,
                &page,
                &["ID", "SURE", "SUBJECT", "LEFT", "RIGHT", "BAND", "SAID", "GROUP"],
                |row| {
                    vec![
                        row.id.to_string(),
                        percent(row.probability),
                        row.subject.clone(),
                        row.left.to_string(),
                        row.right.to_string(),
                        row.band.to_string(),
                        row.standing
                            .judgement
                            .as_ref()
                            .map_or_else(|| "—".into(), |said| said.verdict.to_string()),
                        if row.standing.members > 2 {
                            format!("of {}", row.standing.members)
                        } else {
                            "—".into()
                        },
                    ]
                },
            )?;
            if all != groups {
                // The screen counts groups: whoever compares the two numbers is told why they differ.
                output::line(&format!(
                    "{all} pairs in {groups} groups; the screen shows each group once (--groups)."
                ))?;
            }
            Ok(())
        }
        Kind::Exceptions => {
            super::exceptions::exceptions(&journal, &config.engine, limit, arguments.json).await
        }
        Kind::Causes => super::replay::causes(&journal, limit, arguments.json).await,
        Kind::Incidents => super::exceptions::incidents(&journal, limit, arguments.json).await,
        Kind::Merges => {
            let mapping = place.mapping(&config)?;
            let operator = super::wiring::operator(&config, journal, mapping, true);
            super::undo::list(&operator, limit, arguments.json).await
        }
        Kind::Unlinked => {
            let page =
                journal.unlinked(&filter, Anchor::First, limit).await.map_err(|error| unread(&error))?;
            print(arguments, &page, &["ID", "SUBJECT", "DOMAIN", "BEST", "COMPANY", "HINT"], |row| {
                let best = row.candidates.first();
                vec![
                    row.id.to_string(),
                    row.subject.clone(),
                    row.domain.clone(),
                    best.map_or_else(|| "—".into(), |best| percent(best.probability)),
                    best.map_or_else(|| "—".into(), |best| format!("{} ({})", best.name, best.company)),
                    row.hint.clone(),
                ]
            })
        }
    }
}

fn print<T: Serialize>(
    arguments: &Arguments,
    page: &Page<T>,
    head: &[&str],
    cells: impl Fn(&T) -> Vec<String>,
) -> Result<(), Problem> {
    if arguments.json {
        return output::json(
            &json!({ "total": page.total, "total_is_least": page.total_is_least, "rows": page.rows }),
        );
    }
    output::table(head, &page.rows.iter().map(cells).collect::<Vec<_>>())?;
    if page.rows.is_empty() {
        return output::line("Nothing to list: no row matches.");
    }
    if page.rows.len() as u64 != page.total {
        let more = if page.total_is_least { " or more" } else { "" };
        output::line(&format!("{} of {}{more}", page.rows.len(), page.total))?;
    }
    Ok(())
}

/// Reads an id with an error a person can act on.
pub fn parse<T: std::str::FromStr>(id: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    id.parse().map_err(|error: T::Err| {
        Problem::usage(
            "Nothing was done.",
            error.to_string(),
            "`reknit list executions` (conflicts, duplicates, unlinked) shows the ids",
        )
    })
}
