//! What an update wants done, as values that a test can compare; `perform` and `app` carry them out.

use super::layers::Over;
use super::layers::confirm::Pending;
use super::layers::menu::Menu;
use super::layers::prompt::Question;
use super::layers::telling::Telling;
use super::layers::toast::Tone;
use super::links::{Proposed as LinkProposed, Wish as LinkWish};
use super::msg::Ticket;
use super::panes::{self, Screen};
use super::wishes::Wish as AnyWish;
use crate::domain::filter::Filter;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId};
use crate::domain::page::Anchor;
use crate::domain::record::RecordRef;
use crate::domain::review::Decision;
use crate::engine::operate::disputes::{Proposal, Reach, Wish};
use crate::journal::verdicts::NewVerdict;

/// Something to be done outside the pane that wants it.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Ask the journal.
    Load(Ticket, Query),
    /// Ask what a decision would send.
    Preview(Ticket, Decision),
    /// Ask what a wish about a conflict would do, and to whom.
    Propose(Ticket, ConflictId, Wish, Reach),
    /// Do what was proposed.
    CarryOut(Box<Proposal>),
    /// Ask how a field of a person came to be what it is.
    Explain(Ticket, RecordRef, String),
    /// Choose among several things to do.
    Offer(Box<Menu>),
    /// Show how a field came about, once it is known.
    Tell(Box<Telling>),
    /// Record a decision; it becomes an execution.
    Decide(Decision),
    /// Queue executions again.
    Retry(Vec<ExecutionId>),
    /// Give up on executions, for a reason.
    Discard(Vec<ExecutionId>, String),
    /// Call a duplicate different.
    Part(DuplicateId),
    /// Say what a duplicate is.
    Judge(NewVerdict),
    /// Take back what was said of a duplicate.
    TakeBack(DuplicateId),
    /// Ask what a wish about unlinked people would do.
    ProposeLink(Ticket, LinkWish),
    /// Do what was proposed about unlinked people.
    CarryOutLink(Box<LinkProposed>),
    /// Do what was wished for; the answer is one sentence and what it set off.
    Do(Box<AnyWish>),
    /// Lay this over the panes.
    Over(Over),
    /// Put text on the clipboard.
    Copy(String),
    /// Show a screen, with a filter when one is given.
    Go(Screen, Option<String>),
    /// Show a screen, unfiltered, and on it the row with a number.
    Open(Screen, i64),
    /// Open the dialog that asks before something grave.
    Confirm(Box<Pending>),
    /// Show what is hidden for the screen's being shared.
    Unmask,
    /// Ask for a line of text.
    Ask(Box<Question>),
    /// Say something at the lower right.
    Toast(Tone, String),
}

/// A question to the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The overview.
    Overview,
    /// Counts for the tabs.
    Counts,
    /// One execution whole.
    Execution(ExecutionId),
    /// For the recipes.
    Recipes(panes::recipes::asks::Ask),
    /// For the health.
    Health(panes::health::asks::Ask),
    /// For the audit log.
    Audit(panes::audit::asks::Ask),
    /// For the log of API calls.
    Log(panes::log::asks::Ask),
    /// What was done and can be taken back, and what a masked screen may show.
    Safety(super::safety::Ask),
    /// Rows of a list.
    Rows {
        /// Of which list.
        screen: Screen,
        /// Which rows.
        filter: Filter,
        /// From where.
        anchor: Anchor,
        /// At most how many.
        limit: usize,
    },
}
