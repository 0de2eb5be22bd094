//! What keys want done beyond the decisions that have effects of their own: one value each, carried out in a task.
//!
//! The answer is a sentence for the operator and the executions that were set off. Nothing is asked here: a wish that
//! is grave was confirmed before.

pub mod executions;
pub mod health;
pub mod recipes;
pub mod reviews;
pub mod safety;
pub mod team;

use super::msg::Answer;
use crate::domain::team::Item;
use crate::engine::operate::Operator;
use crate::engine::operate::disputes::Applied;
use crate::journal::Journal;

/// Something wished for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// About executions: replay, probe, hold.
    Executions(executions::Wish),
    /// About conflicts, duplicates and unlinked people beyond one decision.
    Reviews(reviews::Wish),
    /// About recipes and the mapping.
    Recipes(recipes::Wish),
    /// About connections, monitors and limits.
    Health(health::Wish),
    /// About who works on what, and what is said about it.
    Team(team::Wish),
    /// About arming and taking back.
    Safety(safety::Wish),
}

impl Wish {
    /// What it decides, where people may have claimed it.
    pub fn items(&self) -> Vec<Item> {
        match self {
            Self::Executions(wish) => wish.items(),
            _ => Vec::new(),
        }
    }
}

/// Does it.
pub(super) async fn carry_out(journal: &Journal, operator: &Operator, wish: Wish) -> Answer<Applied> {
    // Whoever works on what is a hint among colleagues; everything else waits until the console may write.
    if !matches!(wish, Wish::Team(_) | Wish::Safety(_)) {
        operator.allows_writing().map_err(|error| error.to_string())?;
    }
    match wish {
        Wish::Safety(wish) => safety::carry_out(operator, wish).await,
        Wish::Executions(wish) => executions::carry_out(journal, operator, wish).await,
        Wish::Reviews(wish) => reviews::carry_out(journal, operator, wish).await,
        Wish::Recipes(wish) => recipes::carry_out(journal, operator, wish).await,
        Wish::Health(wish) => health::carry_out(journal, operator, wish).await,
        Wish::Team(wish) => team::carry_out(journal, operator, wish).await,
    }
}
