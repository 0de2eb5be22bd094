//! Wishes about executions: replay, probe, hold, put off, plan anew, pause their recipe.

use crate::console::msg::Answer;
use crate::console::text::counted;
use crate::domain::clock::Timestamp;
use crate::domain::edits::Change;
use crate::domain::ids::ExecutionId;
use crate::domain::pause::PauseScope;
use crate::domain::review::Decision;
use crate::domain::team::Item;
use crate::engine::operate::disputes::Applied;
use crate::engine::operate::{OperateError, Operator};
use crate::journal::Journal;
use crate::journal::operate::Report;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Run again with edits.
    Replay(ExecutionId, Change),
    /// Plan anew and run from the first step.
    FromStart(Vec<ExecutionId>),
    /// Look up what became of its writes.
    Probe(ExecutionId),
    /// Put aside until a time, or until let go.
    Aside(Vec<ExecutionId>, Option<Timestamp>),
    /// Let go what was put aside.
    TakeUp(Vec<ExecutionId>),
    /// Hold back everything a recipe does, for a reason.
    Pause(String, String),
    /// Let a recipe go on.
    Resume(String),
}

impl Wish {
    /// The executions it decides on; a look decides nothing, and a recipe is nobody's.
    pub(super) fn items(&self) -> Vec<Item> {
        match self {
            Self::Replay(id, _) => vec![Item::Execution(*id)],
            Self::FromStart(ids) | Self::Aside(ids, _) | Self::TakeUp(ids) => {
                ids.iter().map(|id| Item::Execution(*id)).collect()
            }
            Self::Probe(_) | Self::Pause(..) | Self::Resume(_) => Vec::new(),
        }
    }
}

/// Does it.
pub(super) async fn carry_out(_journal: &Journal, operator: &Operator, wish: Wish) -> Answer<Applied> {
    let words = |error: OperateError| error.to_string();
    let said = |sentence: String| Applied { sentence, ..Applied::default() };
    Ok(match wish {
        Wish::Replay(of, change) => {
            let id = operator.replay(of, change).await.map_err(words)?;
            let sentence = format!("{of} is replayed with your edits as {id}.");
            Applied { sentence, executions: vec![id], ..Applied::default() }
        }
        Wish::FromStart(ids) => {
            let report = operator.replan(&ids).await.map_err(words)?;
            let sentence = told(&report, "planned anew and run from the start")?;
            Applied { sentence, retried: report.queued, ..Applied::default() }
        }
        Wish::Probe(execution) => {
            let id = operator.decide(&Decision::Probe { execution }).await.map_err(words)?;
            let sentence =
                format!("{execution} is being looked up at the vendor ({id}); only reads are sent.");
            Applied { sentence, executions: vec![id], ..Applied::default() }
        }
        Wish::Aside(ids, until) => {
            let report = operator.put_aside(&ids, until, "").await.map_err(words)?;
            let what =
                until.map_or_else(|| "held; h lets go".to_owned(), |_| "put off; h brings back".to_owned());
            said(told(&report, &what)?)
        }
        Wish::TakeUp(ids) => said(told(&operator.take_up(&ids).await.map_err(words)?, "let go")?),
        Wish::Pause(recipe, reason) => {
            let done = operator.pause(PauseScope::recipe(&recipe), &reason, None).await.map_err(words)?;
            let held = counted(done.held, "execution");
            said(format!("{recipe} is paused: {held} held, what comes waits. H lets it go on."))
        }
        Wish::Resume(recipe) => {
            let done = operator.resume(PauseScope::recipe(&recipe)).await.map_err(words)?;
            said(format!("{recipe} goes on: {} released.", counted(done.released, "execution")))
        }
    })
}

/// What was done and what was not; an error when nothing was.
fn told(report: &Report, what: &str) -> Answer<String> {
    let refused = report.refused.first().map(|(id, why)| {
        let more = match report.refused.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{id} was left as it is: {why}{more}.")
    });
    match (report.queued.len() as u64, refused) {
        (0, Some(why)) => Err(why),
        (done, refused) => {
            let rest = refused.map_or_else(String::new, |why| format!(" {why}"));
            Ok(format!("{} {what}.{rest}", counted(done, "execution")))
        }
    }
}
