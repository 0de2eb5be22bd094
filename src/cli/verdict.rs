//! `reknit verdict` and its short form `reknit distinct`: a human's word on a duplicate candidate. They write nothing at a
//! vendor.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::list::{parse, unread};
use super::operate::{Desk, refused};
use super::output;
use super::problem::Problem;
use super::wiring::{Place, clock};
use crate::domain::filter::span;
use crate::domain::ids::DuplicateId;
use crate::domain::review::{Duplicate, Verdict};
use crate::journal::verdicts::NewVerdict;

/// Arguments of `distinct`.
#[derive(Debug, Args)]
pub struct DistinctArguments {
    /// Which duplicate candidate, as du_7
    id: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// They are one; merging them is `reknit merge`
    Same,
    /// They are two: kept away until the compared fields change
    Different,
    /// Nobody can tell: stays in the list, marked, below the others
    Unsure,
    /// Not now: comes back with --until, or when the compared fields change
    Later,
}

/// Arguments of `verdict`.
#[derive(Debug, Args)]
pub struct VerdictArguments {
    /// Which duplicate candidate, as du_7
    id: String,
    /// What the two records are
    #[arg(value_enum, required_unless_present_any = ["undo", "history"], conflicts_with_all = ["undo", "history"])]
    verdict: Option<Word>,
    /// With later: how long, as 12h, 3d or 2w [default: until one of the compared fields changes]
    #[arg(long, value_name = "SPAN")]
    until: Option<String>,
    /// Why; it stays with the verdict and in the audit log
    #[arg(long, default_value = "")]
    reason: String,
    /// Take the verdict back
    #[arg(long, conflicts_with = "history")]
    undo: bool,
    /// Show every verdict there was, and how each ended
    #[arg(long)]
    history: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Keeps a duplicate candidate apart.
pub async fn distinct(place: &Place, read_only: bool, arguments: &DistinctArguments) -> Result<(), Problem> {
    let id: DuplicateId = parse(&arguments.id)?;
    let desk = Desk::open(place, read_only)?;
    desk.operator.distinct(id).await.map_err(|error| refused(&error))?;
    if arguments.json {
        return output::json(&json!({"id": id, "state": "dismissed"}));
    }
    output::line(&format!("{id} is two different records; it comes back only when their data changes."))
}

/// Says what a duplicate candidate is, takes that back, or shows what was said.
pub async fn verdict(place: &Place, read_only: bool, arguments: &VerdictArguments) -> Result<(), Problem> {
    let id: DuplicateId = parse(&arguments.id)?;
    let verdict = match arguments.verdict {
        Some(Word::Same) => Some(Verdict::Same),
        Some(Word::Different) => Some(Verdict::Different),
        Some(Word::Unsure) => Some(Verdict::Unsure),
        Some(Word::Later) => Some(Verdict::Later),
        None => None,
    };
    let wrong = |why: String, next: &str| Problem::usage("Nothing was changed.", why, next);
    let until = match (&arguments.until, verdict) {
        (None, _) => None,
        (Some(text), Some(Verdict::Later)) => {
            let span = span(text)
                .ok_or_else(|| wrong(format!("\"{text}\" is no span of time"), "write 12h, 3d or 2w"))?;
            Some(clock().now().plus(span))
        }
        (Some(_), _) => {
            return Err(wrong(
                "--until goes with the verdict later alone".into(),
                "drop --until, or say later",
            ));
        }
    };
    let desk = Desk::open(place, read_only)?;
    if arguments.history {
        return history(&desk, id, arguments.json).await;
    }
    let pair = match verdict {
        Some(verdict) => {
            let new = NewVerdict { id, verdict, until, reason: arguments.reason.clone() };
            desk.operator.judge(new).await
        }
        None => desk.operator.take_back_verdict(id).await,
    }
    .map_err(|error| refused(&error))?;
    if arguments.json {
        return output::json(&pair);
    }
    output::line(&sentence(&pair))?;
    match &pair.standing.alarm {
        Some(alarm) => output::line(&format!("But: {alarm}")),
        None => Ok(()),
    }
}

/// What a verdict means for the pair, in one sentence.
fn sentence(pair: &Duplicate) -> String {
    let id = pair.id;
    let Some(judgement) = &pair.standing.judgement else {
        return format!("{id} has no verdict any more: it is in the list again.");
    };
    match (judgement.verdict, judgement.until) {
        (Verdict::Same, _) if pair.mergeable => {
            format!("{id} is one person; nothing was sent. `reknit merge {id}` makes one record of the two.")
        }
        (Verdict::Same, _) => format!(
            "{id} is one person; that is remembered. {}",
            pair.obstacle.as_deref().unwrap_or("The vendor cannot merge the two.")
        ),
        (Verdict::Different, _) => {
            format!("{id} is two different records; it comes back only when their data changes.")
        }
        (Verdict::Unsure, _) => format!("{id} stays in the list, marked, below the others."),
        (Verdict::Later, Some(until)) => {
            format!("{id} is put off until {}, or until its data changes.", until.rfc3339())
        }
        (Verdict::Later, None) => format!("{id} is put off until its data changes."),
    }
}

async fn history(desk: &Desk<'_>, id: DuplicateId, json: bool) -> Result<(), Problem> {
    let spoken = desk.journal.verdicts_on(id).await.map_err(|error| unread(&error))?;
    if json {
        return output::json(&json!({"id": id, "verdicts": spoken}));
    }
    if spoken.is_empty() {
        return output::line(&format!("Nobody has said anything of {id} yet."));
    }
    let rows: Vec<Vec<String>> = spoken
        .iter()
        .map(|one| {
            vec![
                one.at.rfc3339(),
                one.verdict.to_string(),
                one.actor.clone(),
                one.reason.clone(),
                one.ended
                    .as_ref()
                    .map_or_else(|| "stands".to_owned(), |(at, how)| format!("{how}, {}", at.rfc3339())),
            ]
        })
        .collect();
    output::table(&["WHEN", "VERDICT", "WHO", "WHY", "NOW"], &rows)
}
