//! The part of a list that is in memory: what is visible and a margin, loaded by keyset pages around it.
//!
//! The selection is a record, not a place: it stays on its record through every refresh, and new rows above never
//! push it. Never holds more than a few screens of rows, however long the list is.

use std::cell::Cell;
use std::collections::BTreeSet;

use self::marks::Marks;
use super::listing::Chosen;
use crate::console::actions::Action;
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Answer, Ticket};
use crate::console::panes::Screen;
use crate::console::widgets::list::Column;
use crate::domain::clock::Timestamp;
use crate::domain::filter::{Filter, Sort, with_sort};
use crate::domain::page::{Anchor, Page};
use crate::domain::team::Item;

mod acting;
mod marks;
#[cfg(test)]
mod tests;

/// A row that a keyset page can be anchored at.
pub trait Row {
    /// Its number.
    fn key(&self) -> i64;
    /// Its public id, where people may leave hints on it.
    fn item(&self) -> Option<Item> {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    First,
    /// The top of the list, with the selection on its record if it is there.
    Filtered,
    Last,
    Above,
    Below,
    Again,
    At(i64),
}

/// How a list asks for its rows.
pub type Asking = fn(Filter, Anchor, usize) -> Query;

/// Rows around the visible ones.
#[derive(Debug)]
pub struct Window<T> {
    screen: Screen,
    rows: Vec<T>,
    before: u64,
    total: u64,
    /// There are more than `total`, and more before than `before`.
    least: (bool, bool),
    /// The last row in memory is the last of the list.
    bottom: bool,
    selected: Option<i64>,
    top: Cell<usize>,
    height: Cell<usize>,
    text: String,
    /// The filter the list opens with: a view, not something the operator typed.
    view: &'static str,
    filter: Filter,
    columns: &'static [Column],
    asking: Option<Asking>,
    /// The chosen columns; none = the list's own.
    shown: Vec<String>,
    sort: Option<Sort>,
    /// The filter to come back to, and the one before it.
    settled: String,
    previous: Option<String>,
    marks: Marks,
    /// In which line of the screen the selection is to stand once the rows above it are there.
    pin: Option<usize>,
    fresh: u64,
    asked: Option<(Ticket, Want, usize)>,
    dirty: bool,
    loaded: Option<Timestamp>,
    failed: Option<String>,
    /// Rows shown ahead of what the journal will say of them, as they were.
    edited: Vec<T>,
}

impl<T: Row> Window<T> {
    /// An empty window on a screen's list.
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            rows: Vec::new(),
            before: 0,
            total: 0,
            least: (false, false),
            bottom: false,
            selected: None,
            top: Cell::new(0),
            height: Cell::new(0),
            text: String::new(),
            view: "",
            filter: Filter::default(),
            columns: &[],
            asking: None,
            shown: Vec::new(),
            sort: None,
            settled: String::new(),
            previous: None,
            marks: Marks::default(),
            pin: None,
            fresh: 0,
            asked: None,
            dirty: false,
            loaded: None,
            failed: None,
            edited: Vec::new(),
        }
    }

    /// The same window, filtered from its first load on.
    #[must_use]
    pub fn filtered(mut self, text: &'static str) -> Self {
        self.view = text;
        text.clone_into(&mut self.text);
        text.clone_into(&mut self.settled);
        self.filter = Filter::parse(text).unwrap_or_default();
        self
    }

    /// The same window, of rows with these columns: they can be chosen and sorted by.
    #[must_use]
    pub fn of(mut self, columns: &'static [Column]) -> Self {
        self.columns = columns;
        self
    }

    /// The same window, asking for its rows in its own way.
    #[must_use]
    pub fn asking(mut self, asking: Asking) -> Self {
        self.asking = Some(asking);
        self
    }

    /// What the operator typed to filter; empty while the list shows the view it opened with.
    pub fn typed(&self) -> &str {
        if self.text == self.view { "" } else { &self.text }
    }

    /// The rows in memory.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// The rows in memory, as what people leave hints on.
    pub fn items(&self) -> Vec<Item> {
        self.rows.iter().filter_map(Row::item).collect()
    }

    /// How many rows the filter lets through.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// There are more rows than [`Window::total`].
    pub const fn total_is_least(&self) -> bool {
        self.least.0
    }

    /// The text of the filter, without its order.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Marked rows, by number; when all that match are marked, those of them that were loaded.
    pub const fn marks(&self) -> &BTreeSet<i64> {
        self.marks.set()
    }

    /// How many rows are marked, loaded or not.
    pub fn marked(&self) -> u64 {
        self.marks.count(self.total)
    }

    /// All that match are marked, by the filter and not by number.
    pub const fn marks_all(&self) -> bool {
        self.marks.all().is_some()
    }

    /// The chosen columns; none = the list's own.
    pub fn shown(&self) -> &[String] {
        &self.shown
    }

    /// The order that was chosen; none = the list's own.
    pub const fn sort(&self) -> Option<Sort> {
        self.sort
    }

    /// What an action is about when it is about more than the selected row: the marked ones.
    pub fn several(&self) -> Option<Chosen> {
        if self.marks.is_empty() {
            return None;
        }
        Some(match self.marks.all() {
            Some(except) => {
                Chosen::Matching { filter: self.filter.clone(), total: self.total, except: except.clone() }
            }
            None => Chosen::These(self.marks.set().iter().copied().collect()),
        })
    }

    /// How many rows came in above since the top was last seen.
    pub const fn fresh(&self) -> u64 {
        self.fresh
    }

    /// When the rows were last loaded.
    pub const fn loaded(&self) -> Option<Timestamp> {
        self.loaded
    }

    /// Why the last load failed.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// The selected row's number.
    pub const fn selected(&self) -> Option<i64> {
        self.selected
    }

    /// The marked rows, else the selected one; of all that match, those that were loaded.
    pub fn chosen(&self) -> Vec<i64> {
        if self.marks.is_empty() {
            self.selected.into_iter().collect()
        } else {
            self.marks.set().iter().copied().collect()
        }
    }

    /// The selected row.
    pub fn current(&self) -> Option<&T> {
        self.index().map(|index| &self.rows[index])
    }

    /// `4 of 1,298`'s first number; none when nobody counted so far.
    pub fn place(&self) -> Option<u64> {
        if self.least.1 {
            return None;
        }
        self.index().map(|index| self.before + index as u64 + 1)
    }

    fn index(&self) -> Option<usize> {
        let selected = self.selected?;
        self.rows.iter().position(|row| row.key() == selected)
    }

    /// The rows to draw in `height` lines, and which of them is selected.
    pub fn visible(&self, height: usize) -> (&[T], Option<usize>) {
        self.height.set(height);
        let index = self.index();
        let most = self.rows.len().saturating_sub(height);
        let mut top = self.top.get().min(most);
        if let Some(index) = index {
            top = top.min(index).max((index + 1).saturating_sub(height));
        }
        self.top.set(top);
        let end = (top + height).min(self.rows.len());
        (&self.rows[top..end], index.and_then(|index| index.checked_sub(top)).filter(|at| *at < height))
    }

    fn limit(&self, ctx: &Ctx) -> usize {
        let height = self.height.get().max(usize::from(ctx.size.1));
        (height * 3).clamp(30, 600)
    }

    fn ask(&mut self, ctx: &Ctx, want: Want) -> Option<Effect> {
        let first = self.rows.first().map(Row::key);
        let last = self.rows.last().map(Row::key);
        let limit = self.limit(ctx);
        let (anchor, limit) = match want {
            Want::First | Want::Filtered => (Anchor::First, limit),
            Want::Last => (Anchor::Last, limit),
            Want::Above => (Anchor::Before(first?), limit),
            Want::Below => (Anchor::After(last?), limit),
            Want::At(key) => (Anchor::At(key), limit),
            Want::Again => match first {
                Some(first) => (Anchor::At(first), self.rows.len().max(limit)),
                None => (Anchor::First, limit),
            },
        };
        let ticket = ctx.ticket();
        self.asked = Some((ticket, want, limit));
        let filter = self.filter.clone();
        let query = match self.asking {
            Some(asking) => asking(filter, anchor, limit),
            None => Query::Rows { screen: self.screen, filter, anchor, limit },
        };
        Some(Effect::Load(ticket, query))
    }

    /// Loads again what is in memory; at most one such question is under way.
    pub fn refresh(&mut self, ctx: &Ctx) -> Option<Effect> {
        if self.asked.is_some() {
            self.dirty = true;
            return None;
        }
        self.ask(ctx, Want::Again)
    }

    /// Filters the list anew. Each letter typed comes here and asks at once: the question it takes the place of is
    /// interrupted where it is carried out, so nobody waits behind the search for half a word.
    pub fn set_filter(&mut self, ctx: &Ctx, text: String, filter: Filter) -> Option<Effect> {
        self.text = if filter.sort.is_some() { with_sort(&text, None) } else { text };
        // The order stays until another one is asked for.
        self.sort = filter.sort.or(self.sort);
        let filter = Filter { sort: self.sort, ..filter };
        if filter == self.filter && self.loaded.is_some() {
            return None;
        }
        self.filter = filter;
        self.marks.clear();
        self.ask(ctx, Want::Filtered)
    }

    /// Goes to a row by its number.
    pub fn select(&mut self, ctx: &Ctx, key: i64) -> Option<Effect> {
        if self.rows.iter().any(|row| row.key() == key) {
            self.selected = Some(key);
            return None;
        }
        self.ask(ctx, Want::At(key))
    }

    /// Selects row `n` of the visible ones.
    pub fn click(&mut self, at: usize) -> bool {
        let key = self.rows.get(self.top.get() + at).map(Row::key);
        let moved = key.is_some() && key != self.selected;
        if key.is_some() {
            self.selected = key;
        }
        moved
    }

    /// Takes in an answer; a late one is dropped. True when it was the one waited for.
    pub fn answer(&mut self, ctx: &Ctx, ticket: Ticket, page: Answer<Page<T>>) -> (bool, Option<Effect>) {
        let Some((asked, want, limit)) = self.asked else { return (false, None) };
        if asked != ticket {
            return (false, None);
        }
        self.asked = None;
        let dirty = std::mem::take(&mut self.dirty);
        match page {
            Err(why) => {
                self.failed = Some(why);
                // What was shown ahead is not known to be so.
                for was in self.edited.drain(..).rev() {
                    if let Some(row) = self.rows.iter_mut().find(|row| row.key() == was.key()) {
                        *row = was;
                    }
                }
            }
            Ok(page) => {
                self.failed = None;
                self.edited.clear();
                self.loaded = Some(ctx.now);
                let lost = page.rows.is_empty() && page.total > 0;
                if lost && matches!(want, Want::Again | Want::At(_)) {
                    return (true, self.ask(ctx, Want::Last));
                }
                if let Some(more) = self.take(want, page, limit) {
                    self.dirty = dirty;
                    return (true, self.ask(ctx, more));
                }
            }
        }
        let again = if dirty { self.ask(ctx, Want::Again) } else { None };
        (true, again)
    }

    /// Takes rows in; says what else is needed, so that the row under the cursor stays where it is.
    fn take(&mut self, want: Want, page: Page<T>, limit: usize) -> Option<Want> {
        let index = self.index();
        let line = index.map(|index| index.saturating_sub(self.top.get()));
        self.total = page.total;
        self.least.0 = page.total_is_least;
        let keep = self.height.get().max(20) * 8;
        let find = |rows: &[T], key: i64| rows.iter().position(|row| row.key() == key);
        match want {
            Want::Above => {
                let added = page.rows.len();
                (self.before, self.least.1) = (page.before, page.before_is_least);
                let mut rows = page.rows;
                rows.append(&mut self.rows);
                self.bottom &= rows.len() <= keep.max(added);
                rows.truncate(keep.max(added));
                self.rows = rows;
            }
            Want::Below => {
                self.bottom = page.rows.len() < limit;
                self.rows.extend(page.rows);
                let excess = self.rows.len().saturating_sub(keep).min(index.unwrap_or(0));
                self.rows.drain(..excess);
                self.before += excess as u64;
            }
            Want::Again => {
                // Rows that are sorted by what changes may have moved away from the selected one, and so many may have
                // come in between that the page ends before it: it is followed.
                let lost = self.selected.filter(|key| find(&page.rows, *key).is_none());
                let elsewhere = self.sort.is_some() || page.rows.len() >= limit;
                if let (Some(key), None, true) = (lost, self.pin, elsewhere) {
                    self.pin = line;
                    return Some(Want::At(key));
                }
                if !page.before_is_least {
                    self.fresh = (self.fresh + page.before.saturating_sub(self.before)).min(page.before);
                }
                (self.before, self.least.1) = (page.before, page.before_is_least);
                self.bottom = page.rows.len() < limit;
                self.rows = page.rows;
            }
            // It was followed, and is gone: the place where it was is shown after all.
            Want::At(key) if self.pin.is_some() && find(&page.rows, key).is_none() => {
                return Some(Want::Again);
            }
            Want::First | Want::Filtered | Want::Last | Want::At(_) => {
                self.fresh = 0;
                (self.before, self.least.1) = (page.before, page.before_is_least);
                self.bottom = want == Want::Last || page.rows.len() < limit;
                self.rows = page.rows;
            }
        }
        self.selected = match want {
            Want::First => self.rows.first().map(Row::key),
            Want::Last => self.rows.last().map(Row::key),
            Want::At(key) if find(&self.rows, key).is_some() => Some(key),
            Want::Filtered => self
                .selected
                .filter(|key| find(&self.rows, *key).is_some())
                .or_else(|| self.rows.first().map(Row::key)),
            // The record went away (decided, or filtered out): the one now in its place follows.
            _ => self.selected.filter(|key| find(&self.rows, *key).is_some()).or_else(|| {
                let at = index.unwrap_or(0).min(self.rows.len().saturating_sub(1));
                self.rows.get(at).map(Row::key)
            }),
        };
        self.marks.seen(self.rows.iter().map(Row::key));
        let now = self.index().unwrap_or(0);
        match want {
            Want::First | Want::Filtered => self.top.set(0),
            Want::Last => self.top.set(self.rows.len()),
            _ => {
                let line = self.pin.or(line).unwrap_or(0);
                self.top.set(now.saturating_sub(line));
            }
        }
        // What stood above the cursor's line, or under it, is not in memory: it is fetched, and the line kept meanwhile.
        let wanted = self.pin.or(line).unwrap_or(0);
        let short = now < wanted || self.rows.len() < self.height.get();
        if short && self.before > 0 && matches!(want, Want::At(_) | Want::Again) {
            self.pin.get_or_insert(wanted);
            return Some(Want::Above);
        }
        let under = self.rows.len().saturating_sub(now);
        if !self.bottom
            && under < self.height.get().saturating_sub(wanted)
            && matches!(want, Want::At(_) | Want::Again | Want::Above)
        {
            self.pin.get_or_insert(wanted);
            return Some(Want::Below);
        }
        self.pin = None;
        None
    }

    /// Moves the selection; loads more where the window's edge comes near.
    pub fn step(&mut self, ctx: &Ctx, action: Action) -> Vec<Effect> {
        let page = self.height.get().max(2) as i64;
        match action {
            Action::Down => self.shift(ctx, 1),
            Action::Up => self.shift(ctx, -1),
            Action::HalfDown => self.shift(ctx, page / 2),
            Action::HalfUp => self.shift(ctx, -page / 2),
            Action::PageDown => self.shift(ctx, page),
            Action::PageUp => self.shift(ctx, -page),
            Action::First => {
                if self.before == 0 && self.fresh == 0 {
                    self.selected = self.rows.first().map(Row::key);
                    return Vec::new();
                }
                self.ask(ctx, Want::First).into_iter().collect()
            }
            Action::Last => {
                if self.bottom {
                    self.selected = self.rows.last().map(Row::key);
                    return Vec::new();
                }
                self.ask(ctx, Want::Last).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Moves by rows, down when positive.
    pub fn shift(&mut self, ctx: &Ctx, by: i64) -> Vec<Effect> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let last = self.rows.len() as i64 - 1;
        let at = (self.index().unwrap_or(0) as i64 + by).clamp(0, last);
        self.selected = Some(self.rows[at as usize].key());
        self.reach();
        if self.asked.is_some() {
            return Vec::new();
        }
        let margin = self.height.get().max(10) as i64;
        let wanted = if by > 0 && last - at < margin && !self.bottom {
            self.ask(ctx, Want::Below)
        } else if by < 0 && at < margin && self.before > 0 && self.fresh < self.before {
            self.ask(ctx, Want::Above)
        } else {
            None
        };
        wanted.into_iter().collect()
    }

    /// Changes a row in memory, to show at once what was asked for.
    pub fn edit(&mut self, key: i64, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        if let Some(row) = self.rows.iter_mut().find(|row| row.key() == key) {
            self.edited.push(row.clone());
            change(row);
        }
    }
}
