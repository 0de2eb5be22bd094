//! What screen 6 asks, and the answers; asked in a task, never in the loop. Every answer is the operator's: the same facts
//! that the commands print.

use std::path::PathBuf;
use std::time::Duration;

use crate::console::msg::Answer;
use crate::domain::edition::{Edition, EditionKind};
use crate::engine::operate::Operator;
use crate::engine::operate::drafts::Planned;
use crate::engine::operate::funnel::Funnel;
use crate::engine::operate::shelf::Shelf;
use crate::engine::operate::switching::{Position, Switch};
use crate::engine::operate::trial::Trial;
use crate::journal::Journal;

/// Of whom a mapping is planned: those who were told of within this span.
pub const SPAN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Pairs that are judged at most; a command judges all.
pub const MOST: u64 = 20_000;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Everything on the shelf.
    Everything,
    /// How far the newest runs of a recipe came.
    Funnel(String),
    /// What moving a recipe's switch would change.
    Switch(String, Position),
    /// What a recipe would do for somebody.
    Try(String, String),
    /// What the mapping in a file would change.
    Plan(PathBuf),
    /// The editions of a recipe or mapping.
    Editions(EditionKind, String),
    /// The lines in which an edition differs from the one before.
    Lines(EditionKind, String, u32),
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// Everything on the shelf.
    Everything(Answer<Box<Shelf>>),
    /// How far the newest runs of a recipe came.
    Funnel(Answer<Box<Funnel>>),
    /// What moving a recipe's switch would change.
    Switch(Answer<Box<Switch>>),
    /// What a recipe would do for somebody.
    Try(Answer<Box<Trial>>),
    /// What the mapping in a file would change.
    Plan(Answer<Box<Planned>>),
    /// The editions of a recipe or mapping, the newest first.
    Editions(Answer<Vec<Edition>>),
    /// Lines of an edition, each with its sign.
    Lines(u32, Answer<Vec<String>>),
}

/// Finds the answer.
pub async fn answer(_journal: &Journal, operator: &Operator, ask: Ask) -> Told {
    macro_rules! ask {
        ($call:expr) => {
            $call.await.map_err(|error| error.to_string())
        };
    }
    match ask {
        Ask::Everything => Told::Everything(ask!(operator.shelf()).map(Box::new)),
        Ask::Funnel(name) => Told::Funnel(ask!(operator.funnel(&name)).map(Box::new)),
        Ask::Switch(name, to) => Told::Switch(ask!(operator.propose_switch(&name, to)).map(Box::new)),
        Ask::Try(name, whom) => Told::Try(ask!(operator.try_recipe(&name, &whom)).map(Box::new)),
        Ask::Plan(path) => Told::Plan(ask!(operator.plan_mapping(path, SPAN, MOST)).map(Box::new)),
        Ask::Editions(kind, name) => Told::Editions(ask!(operator.editions(kind, &name))),
        Ask::Lines(kind, name, number) => {
            Told::Lines(number, ask!(operator.edition_lines(kind, &name, number)))
        }
    }
}
