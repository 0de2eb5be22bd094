//! What screen 2 asks beyond its rows: what stands around an execution, causes, drafts to edit, addresses; asked in a
//! task, never in the loop.

use crate::console::msg::Answer;
use crate::domain::edits::{Change, Draft};
use crate::domain::fingerprint::Cause;
use crate::domain::ids::ExecutionId;
use crate::domain::pause::{Pause, PauseKind};
use crate::domain::plan::Preview;
use crate::domain::record::RecordRef;
use crate::domain::related::Related;
use crate::engine::operate::Operator;
use crate::engine::why_not::{Reason, why_not};
use crate::journal::Journal;

/// Causes that are shown.
const CAUSES: usize = 200;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// What stands around an execution of a recipe.
    Around(ExecutionId, String),
    /// Why executions fail.
    Causes,
    /// What of an execution can be edited; with `true` the payload of its event.
    Draft(ExecutionId, bool),
    /// What a replay would send.
    Preview(ExecutionId, Change),
    /// Where a record is seen at its vendor.
    Page(RecordRef),
    /// Why nothing came of a person.
    Why(RecordRef),
}

/// What stands around an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Around {
    /// Records, items, other executions.
    pub related: Related,
    /// The pause of its recipe.
    pub paused: Option<Pause>,
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// What stands around an execution; none when it is gone.
    Around(ExecutionId, Answer<Option<Box<Around>>>),
    /// Why executions fail.
    Causes(Answer<Vec<Cause>>),
    /// What can be edited.
    Draft(Answer<Box<Draft>>),
    /// What a replay would send.
    Preview(Answer<Box<Preview>>),
    /// An address.
    Page(Answer<String>),
    /// The gates.
    Why(Answer<Box<Reason>>),
}

/// Finds the answer.
pub async fn answer(journal: &Journal, operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Around(id, recipe) => Told::Around(id, around(journal, id, &recipe).await),
        Ask::Causes => Told::Causes(journal.causes(CAUSES).await.map_err(|error| error.to_string())),
        Ask::Draft(id, payload) => {
            let draft = operator.draft(id, payload).await;
            Told::Draft(draft.map(Box::new).map_err(|error| error.to_string()))
        }
        Ask::Preview(id, change) => {
            let preview = operator.preview_replay(id, &change).await;
            Told::Preview(preview.map(Box::new).map_err(|error| error.to_string()))
        }
        Ask::Page(record) => Told::Page(operator.page_of(&record).await),
        Ask::Why(record) => {
            let reason = why_not(journal, &record.to_string()).await;
            Told::Why(reason.map(Box::new).map_err(|error| error.to_string()))
        }
    }
}

async fn around(journal: &Journal, id: ExecutionId, recipe: &str) -> Answer<Option<Box<Around>>> {
    let words = |error: crate::journal::JournalError| error.to_string();
    let Some(related) = journal.related(id).await.map_err(words)? else { return Ok(None) };
    let pauses = journal.pauses().await.map_err(words)?;
    let paused =
        pauses.into_iter().find(|pause| pause.scope.kind == PauseKind::Recipe && pause.scope.name == recipe);
    Ok(Some(Box::new(Around { related, paused })))
}
