//! Everything that can happen to a pane, as values: actions, answers with their ticket, clicks.

use super::actions::Action;
use super::ctx::Target;
use super::panes::listing::Change;
use super::panes::{self, Screen};
use super::{bulk, export};
use crate::domain::execution::{Execution, ExecutionDetail};
use crate::domain::filter::{Filter, Key};
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId};
use crate::domain::overview::Overview;
use crate::domain::page::{Counts, Page};
use crate::domain::plan::Preview;
use crate::domain::review::{Conflict, Decision, Duplicate, Unlinked};
use crate::engine::explain::Account;
use crate::engine::operate::disputes::{Applied, Proposal};
use crate::journal::operate::Report;
use crate::journal::pages::Offered;

/// The number of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// An answer, or the sentence that says why there is none.
pub type Answer<T> = Result<T, String>;

/// What an update is told.
#[derive(Debug)]
pub enum Msg {
    /// A key, the palette or the mouse set it off; it is known to be allowed.
    Act(Action),
    /// A numbered choice, from 1.
    Choose(u8),
    /// The pane is shown: load what is missing.
    Shown,
    /// The journal changed, or the size did: load again what is visible.
    Refresh,
    /// An answer of the journal.
    Loaded(Ticket, Loaded),
    /// The filter line was changed.
    Filter(String, Filter),
    /// The machine of every list changes this one.
    List(Box<Change>),
    /// Go to the row with this number, if the list has it.
    Select(i64),
    /// A value was typed for a conflict.
    Typed(ConflictId, String),
    /// A click; `true` for a double one.
    Click(Target, bool),
    /// The wheel turned over it, down when positive.
    Wheel(Target, i64),
}

/// What was loaded.
#[derive(Debug)]
pub enum Loaded {
    /// Numbers of the overview.
    Overview(Answer<Box<Overview>>),
    /// For the overview: how it went lately.
    Outlook(Box<panes::overview::asks::Told>),
    /// Counts for the tabs.
    Counts(Answer<Counts>),
    /// Rows of the executions.
    Executions(Answer<Page<Execution>>),
    /// One execution whole; none when it is gone.
    Execution(ExecutionId, Answer<Option<Box<ExecutionDetail>>>),
    /// What screen 2 asked beyond its rows.
    AboutExecutions(Box<panes::executions::asks::Told>),
    /// Rows of the conflicts.
    Conflicts(Answer<Page<Conflict>>),
    /// Rows of the duplicates.
    Duplicates(Answer<Page<Duplicate>>),
    /// Rows of the unlinked people.
    Unlinked(Answer<Page<Unlinked>>),
    /// The numbers of the rows between two, of a list.
    Keys(Screen, Answer<Vec<i64>>),
    /// What can stand after a key of the filter.
    Values(Key, Answer<Vec<Offered>>),
    /// For a bulk.
    Bulk(Box<bulk::Told>),
    /// For an export.
    Export(Box<export::Told>),
    /// For the recipes.
    Recipes(Box<panes::recipes::asks::Told>),
    /// For the health.
    Health(Box<panes::health::asks::Told>),
    /// For the audit log.
    Audit(Box<panes::audit::asks::Told>),
    /// For the log of API calls.
    Log(Box<panes::log::asks::Told>),
    /// Who works on what.
    Team(Box<super::hints::Told>),
    /// For conflicts, duplicates and unlinked people, beside their rows.
    Reviews(Box<panes::reviews::Told>),
    /// What was done and can be taken back, and what a masked screen may show.
    Safety(Box<super::safety::Told>),
}

/// What comes back to the loop.
#[derive(Debug)]
pub enum Event {
    /// An answer of the journal.
    Loaded(Ticket, Loaded),
    /// What a decision would send.
    Previewed(Ticket, Answer<Preview>),
    /// What a wish about a conflict would do.
    Proposed(Ticket, Answer<Box<Proposal>>),
    /// What a wish about unlinked people would do.
    LinkProposed(Ticket, Answer<Box<super::links::Proposed>>),
    /// A proposal was carried out, or not.
    CarriedOut(Answer<Applied>),
    /// How a field came about.
    Explained(Ticket, Answer<Box<Account>>),
    /// A decision was recorded, or not.
    Decided(Decision, Answer<ExecutionId>),
    /// Executions were queued again.
    Retried(Answer<Report>),
    /// Executions were given up.
    Discarded(Answer<Report>),
    /// A duplicate was called different.
    Parted(DuplicateId, Answer<()>),
    /// Something was said of a duplicate, or taken back.
    Judged(Answer<Box<Duplicate>>),
    /// The operator's own editor was closed: what it saved.
    Edited(Answer<String>),
    /// What is kept of views was written down.
    Kept,
    /// The journal's change number moved.
    Changed,
    /// The journal cannot be read, or can again.
    Reach(Answer<()>),
    /// A second went by.
    Second,
    /// The service has something to say.
    Notice(String),
    /// Something of passing interest: rules were read again.
    Told(String),
    /// The settings file was changed: the console's part of it, and what else to say.
    Settings(Box<super::Settings>, String),
}
