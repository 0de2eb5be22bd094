//! The screens, each owning its state, its update and its drawing; none knows another.

pub mod audit;
pub mod conflict_detail;
pub mod conflicts;
pub mod duplicates;
pub mod execution_detail;
pub mod executions;
pub mod health;
pub mod listing;
pub mod log;
pub mod overview;
pub mod parts;
mod pausing;
pub mod recipes;
pub mod reviews;
pub mod unlinked;
pub mod window;

use std::cell::Cell;
use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::actions::{Action, Scope};
use super::ctx::{Ctx, Target};
use super::effect::Effect;
use super::keys;
use super::msg::{Loaded, Msg};
use super::session::Kept;
use crate::domain::filter::Filter;
use crate::domain::team::Item;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    /// What needs a human, and how everything fares.
    Overview,
    /// Every execution.
    Executions,
    /// Fields two sides disagree on.
    Conflicts,
    /// Records believed the same.
    Duplicates,
    /// People without a company.
    Unlinked,
    /// Recipes and the mapping.
    Recipes,
    /// Limits, connections, monitors, webhooks.
    Health,
    /// Who did what.
    Audit,
    /// Every API call.
    Log,
}

impl Screen {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Overview,
        Self::Executions,
        Self::Conflicts,
        Self::Duplicates,
        Self::Unlinked,
        Self::Recipes,
        Self::Health,
        Self::Audit,
        Self::Log,
    ];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Executions => "Executions",
            Self::Conflicts => "Conflicts",
            Self::Duplicates => "Duplicates",
            Self::Unlinked => "Unlinked",
            Self::Recipes => "Recipes",
            Self::Health => "Health",
            Self::Audit => "Audit",
            Self::Log => "Log",
        }
    }

    /// The scope of its own actions.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Overview => Scope::Overview,
            Self::Executions => Scope::Executions,
            Self::Conflicts => Scope::Conflicts,
            Self::Duplicates => Scope::Duplicates,
            Self::Unlinked => Scope::Unlinked,
            Self::Recipes => Scope::Recipes,
            Self::Health => Scope::Health,
            Self::Audit => Scope::Audit,
            Self::Log => Scope::Log,
        }
    }
}

/// Which box of a pane has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The list at the left.
    #[default]
    List,
    /// The detail at the right.
    Detail,
}

impl Focus {
    /// The other box.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::List => Self::Detail,
            Self::Detail => Self::List,
        }
    }
}

/// What the loop asks of every screen.
pub trait Pane {
    /// Takes in what happened and says what is to be done.
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect>;
    /// Draws itself; changes nothing but scroll positions and sizes.
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect);
    /// Whether an action can run now, and if not, why.
    fn can(&self, action: Action) -> Result<(), String>;
    /// The box with the focus.
    fn focus(&self) -> Focus;
    /// Takes one step back; false when there is none.
    fn back(&mut self, ctx: &Ctx) -> Option<Vec<Effect>>;
    /// The text of its filter.
    fn filter(&self) -> &str;
    /// The number of the selected row.
    fn selected(&self) -> Option<i64> {
        None
    }
    /// What the next action would be about, by its public ids (`ex_12`, `cf_3`): the marked rows, else the selected one.
    fn items(&self) -> Vec<String> {
        Vec::new()
    }
    /// The list as the machine of every list sees it; none where rows are not marked, sorted or filtered.
    fn list(&self) -> Option<&dyn listing::Listed> {
        None
    }
    /// The rows in memory, as what people leave hints on: those are looked up for them.
    fn loaded_items(&self) -> Vec<Item> {
        Vec::new()
    }
    /// What the next start should find again: filter, selected row, and whatever else the pane names.
    fn kept(&self) -> Kept {
        Kept { filter: self.filter().to_owned(), selected: self.selected(), more: BTreeMap::new() }
    }
    /// Takes up again what else it named; filter and selection come as messages.
    fn restore(&mut self, _ctx: &Ctx, _more: &BTreeMap<String, String>) {}
    /// What is selected and the values of it that name a person; shown by `K` while such values are hidden.
    fn personal(&self) -> Option<(String, Vec<String>)> {
        None
    }
    /// It is a list: the keys of every list work on it.
    fn lists(&self) -> bool {
        true
    }
    /// How many numbered choices take their digits now; the digits above stay with the screens.
    fn choices(&self) -> usize {
        0
    }
}

/// Splits a pane into list and detail: beside each other, or only the focused one when narrow.
pub fn split(ctx: &Ctx, area: Rect, focus: Focus, list: u16) -> (Option<Rect>, Option<Rect>) {
    if ctx.narrow() {
        return match focus {
            Focus::List => (Some(area), None),
            Focus::Detail => (None, Some(ctx.hints.beside(ctx, area))),
        };
    }
    let wanted = ctx.share.map_or(list, |share| (u32::from(area.width) * u32::from(share) / 100) as u16);
    let cells = wanted.clamp(30, area.width.saturating_sub(30));
    let left = Rect { width: cells, ..area };
    let right = Rect { x: area.x + cells, width: area.width - cells, ..area };
    ctx.target(
        Rect { x: right.x - 1, width: 2, y: area.y + 1, height: area.height.saturating_sub(2) },
        Target::Divider,
    );
    (Some(left), Some(ctx.hints.beside(ctx, right)))
}

/// Moves a scroll position as an action says; drawing draws it back to what exists.
fn scroll_as(scroll: &Cell<usize>, action: Action) {
    match action {
        Action::Down => scroll_by(scroll, 1),
        Action::Up => scroll_by(scroll, -1),
        Action::HalfDown => scroll_by(scroll, 10),
        Action::HalfUp => scroll_by(scroll, -10),
        Action::PageDown => scroll_by(scroll, 20),
        Action::PageUp => scroll_by(scroll, -20),
        Action::First => scroll.set(0),
        Action::Last => scroll.set(usize::MAX),
        _ => {}
    }
}

fn scroll_by(scroll: &Cell<usize>, by: i64) {
    let at = scroll.get();
    scroll.set(if by < 0 {
        at.saturating_sub(by.unsigned_abs() as usize)
    } else {
        at.saturating_add(by as usize)
    });
}

/// What every list beside a detail does alike: moving, opening, changing the box, refreshing, filtering, the mouse.
/// Panes handle their own messages first and hand the rest here.
fn list_beside_detail<T: window::Row>(
    window: &mut window::Window<T>,
    focus: &mut Focus,
    ctx: &Ctx,
    msg: Msg,
) -> Vec<Effect> {
    match msg {
        Msg::Act(action) if keys::moves(action) => return window.step(ctx, action),
        Msg::Act(Action::Open) | Msg::Click(Target::Detail, _) => *focus = Focus::Detail,
        Msg::Act(Action::NextBox | Action::PreviousBox) => *focus = focus.other(),
        Msg::Shown | Msg::Refresh => return window.refresh(ctx).into_iter().collect(),
        Msg::Filter(text, filter) => return window.set_filter(ctx, text, filter).into_iter().collect(),
        Msg::Act(action) if listing::concerns(action) => return window.act(ctx, action),
        Msg::List(change) => return window.change(ctx, *change),
        Msg::Loaded(ticket, Loaded::Keys(_, keys)) => return window.keys(ticket, keys),
        Msg::Select(key) => return window.select(ctx, key).into_iter().collect(),
        Msg::Click(Target::Row(at), double) => {
            window.click(at);
            *focus = if double { Focus::Detail } else { Focus::List };
        }
        Msg::Wheel(_, by) => return window.shift(ctx, by),
        _ => {}
    }
    Vec::new()
}

/// One step back in such a pane: from the detail to the list, then the marks go, then the filter.
fn step_back<T: window::Row>(
    window: &mut window::Window<T>,
    focus: &mut Focus,
    ctx: &Ctx,
) -> Option<Vec<Effect>> {
    if *focus == Focus::Detail {
        *focus = Focus::List;
        return Some(Vec::new());
    }
    if window.clear_marks() {
        return Some(Vec::new());
    }
    clear_filter(window, ctx)
}

/// Drops a list's filter, if it has one: the last step back.
fn clear_filter<T: window::Row>(window: &mut window::Window<T>, ctx: &Ctx) -> Option<Vec<Effect>> {
    if window.text().is_empty() {
        return None;
    }
    Some(window.set_filter(ctx, String::new(), Filter::default()).into_iter().collect())
}
