//! What screen 9 asks of the journal, and the answers; asked in a task, never in the loop.

use crate::console::msg::Answer;
use crate::domain::execution::{Attempt, Call};
use crate::domain::page::Page;
use crate::engine::operate::Operator;
use crate::journal::Journal;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// One call whole, by its number.
    Call(i64),
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// Rows of the list.
    Rows(Answer<Page<Call>>),
    /// One call whole; none when it is gone.
    Call(i64, Answer<Option<Box<Attempt>>>),
}

/// Finds the answer.
pub async fn answer(journal: &Journal, _operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Call(id) => {
            let found = journal.call(id).await;
            Told::Call(id, found.map(|found| found.map(Box::new)).map_err(|error| error.to_string()))
        }
    }
}
