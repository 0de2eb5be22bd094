//! `reknit merge undo` and `reknit list merges`: what was merged, whether it can be taken back, and taking it back after
//! having shown what comes back and what does not. The same decision as the console's key.

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::json;

use super::merge::{self, MergeArguments};
use super::operate::{Desk, How, refused};
use super::output;
use super::problem::Problem;
use super::wiring::{Place, clock};
use crate::domain::review::Decision;
use crate::domain::undo::Undoable;
use crate::engine::operate::Operator;

/// `merge`, or `merge undo`.
#[derive(Debug)]
pub enum MergeCommand {
    /// Make one record out of several.
    Merge(Box<MergeArguments>),
    /// Take a merge back.
    Undo(UndoArguments),
}

// By hand, because what a merge requires is not required beside its subcommand.
impl FromArgMatches for MergeCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((_, undo)) => UndoArguments::from_arg_matches(undo).map(Self::Undo),
            None => MergeArguments::from_arg_matches(matches).map(|merge| Self::Merge(Box::new(merge))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for MergeCommand {
    fn augment_args(command: clap::Command) -> clap::Command {
        let undo = clap::Command::new("undo").about("Take a merge back, as far as the vendor allows");
        MergeArguments::augment_args(command)
            .subcommand(UndoArguments::augment_args(undo))
            .args_conflicts_with_subcommands(true)
            .subcommand_negates_reqs(true)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Take a merge back, as far as the vendor allows.
#[derive(Debug, Args)]
pub struct UndoArguments {
    /// Which merge: the execution that merged, as ex_12, or the candidate, as du_7
    id: String,
    #[command(flatten)]
    how: How,
}

/// Merges, or takes a merge back.
pub async fn run(place: &Place, read_only: bool, arguments: &MergeCommand) -> Result<(), Problem> {
    match arguments {
        MergeCommand::Undo(undo) => take_back(place, read_only, undo).await,
        MergeCommand::Merge(arguments) => merge::merge(place, read_only, arguments).await,
    }
}

async fn take_back(place: &Place, read_only: bool, arguments: &UndoArguments) -> Result<(), Problem> {
    let desk = Desk::open(place, read_only)?;
    let merge = desk.operator.merge_behind(&arguments.id).await.map_err(|error| refused(&error))?;
    desk.decide(&Decision::UndoMerge { merge }, &arguments.how).await
}

/// The newest merges, and whether each can be taken back.
pub(super) async fn list(operator: &Operator, limit: usize, as_json: bool) -> Result<(), Problem> {
    let rows = operator.undoables(limit).await.map_err(|error| refused(&error))?;
    if as_json {
        return output::json(&json!({ "total": rows.len(), "rows": rows }));
    }
    let now = clock().now();
    let cells = |row: &Undoable| {
        let absorbed: Vec<String> = row.absorbed.iter().map(ToString::to_string).collect();
        vec![
            row.execution.to_string(),
            row.duplicate.map_or_else(|| "—".to_owned(), |id| id.to_string()),
            age(now.since(row.at)),
            row.subject.clone(),
            row.result.to_string(),
            absorbed.join(", "),
            if row.undoable { "yes" } else { "no" }.to_owned(),
            row.how.clone(),
        ]
    };
    let table: Vec<Vec<String>> = rows.iter().map(cells).collect();
    output::table(
        &["ID", "PAIR", "AGE", "SUBJECT", "IS NOW", "WENT AWAY", "UNDO", "WHAT COMES BACK"],
        &table,
    )?;
    if rows.is_empty() {
        return output::line("Nothing was merged so far.");
    }
    Ok(())
}

/// A span of time in its greatest unit.
fn age(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
