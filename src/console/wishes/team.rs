//! Wishes about who works on what, and what is said about it.

use crate::console::msg::Answer;
use crate::engine::operate::Operator;
use crate::engine::operate::disputes::Applied;
use crate::journal::Journal;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {}

/// Does it.
#[expect(clippy::unused_async, reason = "nothing can be wished for yet")]
pub(super) async fn carry_out(_journal: &Journal, _operator: &Operator, wish: Wish) -> Answer<Applied> {
    match wish {}
}
