//! What an update wants done, as values that a test can compare; `perform` and `app` carry them out.

use std::path::PathBuf;

use super::layers::Over;
use super::layers::confirm::Pending;
use super::layers::menu::Menu;
use super::layers::prompt::Question;
use super::layers::telling::Telling;
use super::layers::toast::Tone;
use super::links::{Proposed as LinkProposed, Wish as LinkWish};
use super::msg::Ticket;
use super::panes::listing::Change;
use super::panes::{self, Screen};
use super::wishes::Wish as AnyWish;
use super::{bulk, export, views};
use crate::domain::filter::{Filter, Key, List};
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
    /// The same although somebody else has claimed what it decides: that was said, and the answer was yes.
    Despite(Box<Effect>),
    /// Keep what is open for the next start.
    KeepSession(Box<super::session::Session>),
    /// Lay this over the panes.
    Over(Over),
    /// Change the list that is shown.
    List(Change),
    /// Do the next piece of a bulk.
    Bulk(Ticket, Box<bulk::Ask>),
    /// Write the next piece of an export.
    Export(Ticket, Box<export::Ask>),
    /// Change what is kept of views, here and in the file.
    Views(views::Change),
    /// Write it to the file of views.
    Keep(PathBuf, views::Change),
    /// Say what becomes of these executions, once it is known.
    Follow(Vec<ExecutionId>),
    /// A value was typed for a conflict: it decides the field, and nothing is sent.
    Typed(ConflictId, String),
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Hand a text to the operator's own editor; the terminal is its meanwhile.
    Outside(String),
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

impl Effect {
    /// Into the clipboard; what cannot be copied is told with the reason.
    pub fn copied(text: Result<String, String>) -> Self {
        match text {
            Ok(text) => Self::Copy(text),
            Err(why) => Self::Toast(Tone::Bad, format!("Nothing was copied: {why}.")),
        }
    }
}

/// A question to the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The overview.
    Overview,
    /// For the overview: how it went lately.
    Outlook(panes::overview::asks::Ask),
    /// Counts for the tabs.
    Counts,
    /// One execution whole.
    Execution(ExecutionId),
    /// What screen 2 asks beyond its rows.
    AboutExecutions(panes::executions::asks::Ask),
    /// The numbers of the rows from one to another, both included.
    Keys {
        /// Of which list.
        screen: Screen,
        /// Which rows.
        filter: Filter,
        /// The first, as the list is ordered.
        from: i64,
        /// The last.
        to: i64,
    },
    /// What can stand after a key of the filter, beginning so.
    Values {
        /// In which list.
        list: List,
        /// After which key.
        key: Key,
        /// What was typed of it.
        start: String,
    },
    /// For the recipes.
    Recipes(panes::recipes::asks::Ask),
    /// For the health.
    Health(panes::health::asks::Ask),
    /// For the audit log.
    Audit(panes::audit::asks::Ask),
    /// For the log of API calls.
    Log(panes::log::asks::Ask),
    /// About who works on what.
    Team(super::hints::Ask),
    /// For conflicts, duplicates and unlinked people, beside their rows.
    Reviews(Box<panes::reviews::Ask>),
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
