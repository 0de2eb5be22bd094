//! What screen 8 asks of the journal, and the answers; asked in a task, never in the loop.

use crate::console::msg::Answer;
use crate::engine::operate::Operator;
use crate::journal::Journal;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// All that the screen shows.
    Everything,
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// All that the screen shows.
    Everything(Answer<()>),
}

/// Finds the answer.
pub async fn answer(journal: &Journal, _operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Everything => {
            Told::Everything(journal.change_number().await.map(|_| ()).map_err(|error| error.to_string()))
        }
    }
}
