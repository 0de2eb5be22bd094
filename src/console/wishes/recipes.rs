//! Wishes about recipes and the mapping: a switch moved, a draft written, a vendor's change taken or let go on.

use crate::console::msg::Answer;
use crate::domain::text::clean;
use crate::engine::operate::Operator;
use crate::engine::operate::disputes::Applied;
use crate::engine::operate::switching::Switch;
use crate::journal::Journal;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Move a recipe's switch as it was shown.
    Switch(Box<Switch>),
    /// Write a copy of a mapping to be edited.
    Draft(String),
    /// Take a vendor's change as it is, or let what it holds back go on without accepting it.
    Drift {
        /// Which finding.
        id: i64,
        /// It is what is expected from here on.
        accept: bool,
    },
}

/// Does it.
pub(super) async fn carry_out(_journal: &Journal, operator: &Operator, wish: Wish) -> Answer<Applied> {
    let sentence = match wish {
        Wish::Switch(switch) => operator.switch(&switch).await.map(|said| {
            if switch.changes.is_empty() { said } else { format!("{said} In force within a second.") }
        }),
        Wish::Draft(mapping) => operator.draft_mapping(&mapping).await.map(|path| {
            format!("The draft is {}: edit it there, then d shows what it would change.", path.display())
        }),
        Wish::Drift { id, accept } => operator.decide_drift(id, accept).await.map(|finding| {
            let what = if accept { "Accepted" } else { "Goes on" };
            clean(&format!("{what}: {}", finding.change.sentence())).into_owned()
        }),
    };
    let sentence = sentence.map_err(|error| error.to_string())?;
    Ok(Applied { sentence, executions: Vec::new(), retried: Vec::new(), refused: Vec::new() })
}
