//! What the console asks about taking things back and about showing what is hidden; asked in a task, never in the loop.

use super::msg::Answer;
use crate::engine::operate::Operator;
use crate::engine::operate::past::{Done, Way};

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// How one thing that was done can be taken back now, and its number.
    Way(u64, Box<Done>),
    /// The same for many, in their order.
    Ways(Vec<Done>),
    /// Whether what is hidden of an item may be shown: yes comes with its line in the audit log.
    Reveal(String),
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// How one thing can be taken back.
    Way(u64, Answer<Way>),
    /// How many can.
    Ways(Vec<Answer<Way>>),
    /// It may be shown.
    Reveal(Answer<()>),
}

/// Finds the answer.
pub async fn answer(operator: &Operator, ask: Ask) -> Told {
    let words = |error: crate::engine::operate::OperateError| error.to_string();
    match ask {
        Ask::Way(number, done) => Told::Way(number, operator.way_back(&done).await.map_err(words)),
        Ask::Ways(all) => {
            let mut ways = Vec::with_capacity(all.len());
            for done in &all {
                ways.push(operator.way_back(done).await.map_err(words));
            }
            Told::Ways(ways)
        }
        Ask::Reveal(object) => {
            Told::Reveal(operator.reveal(&object, super::mask::REVEALED_SECONDS).await.map_err(words))
        }
    }
}
