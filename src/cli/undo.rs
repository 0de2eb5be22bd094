//! `reknit merge undo` and `reknit list merges`: what was merged, whether it can be taken back, and taking it back after
//! having shown what comes back and what does not. The same decision as the console's key.

use clap::{Args, Subcommand};
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
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct MergeCommand {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    merge: Option<MergeArguments>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take a merge back, as far as the vendor allows
    Undo(UndoArguments),
}

/// Arguments of `merge undo`.
#[derive(Debug, Args)]
struct UndoArguments {
    /// Which merge: the execution that merged, as ex_12, or the candidate, as du_7
    id: String,
    #[command(flatten)]
    how: How,
}

/// Merges, or takes a merge back.
pub async fn run(place: &Place, read_only: bool, arguments: &MergeCommand) -> Result<(), Problem> {
    match (&arguments.action, &arguments.merge) {
        (Some(Action::Undo(undo)), _) => take_back(place, read_only, undo).await,
        (None, Some(arguments)) => merge::merge(place, read_only, arguments).await,
        (None, None) => Err(Problem::usage(
            "Nothing was merged.",
            "no duplicate candidate is named",
            "`reknit list duplicates` shows the candidates; `reknit merge du_7` merges one",
        )),
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
