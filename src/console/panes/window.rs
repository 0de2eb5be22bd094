//! The part of a list that is in memory: what is visible and a margin, loaded by keyset pages around it.
//!
//! The selection is a record, not a place: it stays on its record through every refresh, and new rows above never
//! push it. Never holds more than a few screens of rows, however long the list is.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::console::actions::Action;
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Answer, Ticket};
use crate::console::panes::Screen;
use crate::domain::clock::Timestamp;
use crate::domain::filter::Filter;
use crate::domain::page::{Anchor, Page};
use crate::domain::team::Item;

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
    Last,
    Above,
    Below,
    Again,
    At(i64),
}

/// Rows around the visible ones.
#[derive(Debug)]
pub struct Window<T> {
    screen: Screen,
    rows: Vec<T>,
    before: u64,
    total: u64,
    selected: Option<i64>,
    top: Cell<usize>,
    height: Cell<usize>,
    text: String,
    /// The filter the list opens with: a view, not something the operator typed.
    view: &'static str,
    filter: Filter,
    marks: BTreeSet<i64>,
    range: Option<i64>,
    fresh: u64,
    asked: Option<(Ticket, Want)>,
    dirty: bool,
    /// The filter changed while a question was under way; its answer is not wanted any more.
    refiltered: bool,
    loaded: Option<Timestamp>,
    failed: Option<String>,
}

impl<T: Row> Window<T> {
    /// An empty window on a screen's list.
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            rows: Vec::new(),
            before: 0,
            total: 0,
            selected: None,
            top: Cell::new(0),
            height: Cell::new(0),
            text: String::new(),
            view: "",
            filter: Filter::default(),
            marks: BTreeSet::new(),
            range: None,
            fresh: 0,
            asked: None,
            dirty: false,
            refiltered: false,
            loaded: None,
            failed: None,
        }
    }

    /// The same window, filtered from its first load on.
    #[must_use]
    pub fn filtered(mut self, text: &'static str) -> Self {
        self.view = text;
        text.clone_into(&mut self.text);
        self.filter = Filter::parse(text).unwrap_or_default();
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

    /// The text of the filter.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Marked rows, by number.
    pub const fn marks(&self) -> &BTreeSet<i64> {
        &self.marks
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

    /// The marked rows, else the selected one.
    pub fn chosen(&self) -> Vec<i64> {
        if self.marks.is_empty() {
            self.selected.into_iter().collect()
        } else {
            self.marks.iter().copied().collect()
        }
    }

    /// The selected row.
    pub fn current(&self) -> Option<&T> {
        self.index().map(|index| &self.rows[index])
    }

    /// `4 of 1,298`'s first number.
    pub fn place(&self) -> Option<u64> {
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
            Want::First => (Anchor::First, limit),
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
        self.refiltered = false;
        self.asked = Some((ticket, want));
        let query = Query::Rows { screen: self.screen, filter: self.filter.clone(), anchor, limit };
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

    /// Filters the list anew from its top. Each letter typed comes here: while one question is under way the next
    /// waits, so that a long list is not searched for every letter at once and nobody waits behind that.
    pub fn set_filter(&mut self, ctx: &Ctx, text: String, filter: Filter) -> Option<Effect> {
        self.text = text;
        if filter == self.filter && self.loaded.is_some() {
            return None;
        }
        self.filter = filter;
        self.marks.clear();
        self.range = None;
        if self.asked.is_some() {
            self.refiltered = true;
            return None;
        }
        self.ask(ctx, Want::First)
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
        let Some((asked, want)) = self.asked else { return (false, None) };
        if asked != ticket {
            return (false, None);
        }
        self.asked = None;
        let dirty = std::mem::take(&mut self.dirty);
        if self.refiltered {
            return (true, self.ask(ctx, Want::First));
        }
        match page {
            Err(why) => self.failed = Some(why),
            Ok(page) => {
                self.failed = None;
                self.loaded = Some(ctx.now);
                let lost = page.rows.is_empty() && page.total > 0;
                if lost && matches!(want, Want::Again | Want::At(_)) {
                    return (true, self.ask(ctx, Want::Last));
                }
                self.take(want, page);
            }
        }
        let again = if dirty { self.ask(ctx, Want::Again) } else { None };
        (true, again)
    }

    fn take(&mut self, want: Want, page: Page<T>) {
        let index = self.index();
        let top_key = self.rows.get(self.top.get()).map(Row::key);
        self.total = page.total;
        let keep = self.height.get().max(20) * 8;
        match want {
            Want::Above => {
                let added = page.rows.len();
                self.before = page.before;
                let mut rows = page.rows;
                rows.append(&mut self.rows);
                rows.truncate(keep.max(added));
                self.rows = rows;
            }
            Want::Below => {
                self.rows.extend(page.rows);
                let excess = self.rows.len().saturating_sub(keep);
                self.rows.drain(..excess);
                self.before += excess as u64;
            }
            Want::First | Want::Last | Want::Again | Want::At(_) => {
                if want == Want::Again {
                    self.fresh = (self.fresh + page.before.saturating_sub(self.before)).min(page.before);
                } else {
                    self.fresh = 0;
                }
                self.before = page.before;
                self.rows = page.rows;
            }
        }
        let find = |rows: &[T], key: i64| rows.iter().position(|row| row.key() == key);
        self.selected = match want {
            Want::First => self.rows.first().map(Row::key),
            Want::Last => self.rows.last().map(Row::key),
            Want::At(key) if find(&self.rows, key).is_some() => Some(key),
            // The record went away (decided, or filtered out): the one now in its place follows.
            _ => self.selected.filter(|key| find(&self.rows, *key).is_some()).or_else(|| {
                let at = index.unwrap_or(0).min(self.rows.len().saturating_sub(1));
                self.rows.get(at).map(Row::key)
            }),
        };
        match want {
            Want::First => self.top.set(0),
            Want::Last => self.top.set(self.rows.len()),
            _ => {
                if let Some(top) = top_key.and_then(|key| find(&self.rows, key)) {
                    self.top.set(top);
                }
            }
        }
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
                if self.before + self.rows.len() as u64 >= self.total {
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
        if let Some(from) = self.range {
            self.mark_between(from, at as usize);
        }
        if self.asked.is_some() {
            return Vec::new();
        }
        let margin = self.height.get().max(10) as i64;
        let more_below = self.before + (self.rows.len() as u64) < self.total;
        let wanted = if by > 0 && last - at < margin && more_below {
            self.ask(ctx, Want::Below)
        } else if by < 0 && at < margin && self.before > 0 && self.fresh < self.before {
            self.ask(ctx, Want::Above)
        } else {
            None
        };
        wanted.into_iter().collect()
    }

    /// Marks the selected row, or takes its mark away, and goes one down.
    pub fn toggle_mark(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let Some(key) = self.selected else { return Vec::new() };
        if !self.marks.remove(&key) {
            self.marks.insert(key);
        }
        self.shift(ctx, 1)
    }

    /// Begins a range at the selected row, or ends it there.
    pub fn toggle_range(&mut self) {
        if self.range.take().is_none() {
            self.range = self.selected;
            self.marks.extend(self.selected);
        }
    }

    /// A range is being marked.
    pub const fn ranging(&self) -> bool {
        self.range.is_some()
    }

    fn mark_between(&mut self, from: i64, to: usize) {
        let Some(from) = self.rows.iter().position(|row| row.key() == from) else { return };
        let (low, high) = (from.min(to), from.max(to));
        self.marks.extend(self.rows[low..=high].iter().map(Row::key));
    }

    /// Marks every row in memory that `same` says yes to; returns how many are marked now.
    pub fn mark_where(&mut self, same: impl Fn(&T) -> bool) -> usize {
        self.marks.extend(self.rows.iter().filter(|row| same(row)).map(Row::key));
        self.marks.len()
    }

    /// Takes all marks away; false when there were none.
    pub fn clear_marks(&mut self) -> bool {
        self.range = None;
        let any = !self.marks.is_empty();
        self.marks.clear();
        any
    }

    /// Changes a row in memory, to show at once what was asked for.
    pub fn edit(&mut self, key: i64, change: impl FnOnce(&mut T)) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.key() == key) {
            change(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::console::theme::{Scheme, Terminal, Theme};

    #[derive(Debug)]
    struct Line(i64);

    impl Row for Line {
        fn key(&self) -> i64 {
            self.0
        }
    }

    fn asked(effect: Option<Effect>) -> (Ticket, Filter) {
        match effect {
            Some(Effect::Load(ticket, Query::Rows { filter, .. })) => (ticket, filter),
            other => panic!("no rows were asked for: {other:?}"),
        }
    }

    #[test]
    fn letters_typed_while_a_question_is_under_way_become_one_more_question() {
        let theme = Theme::new(Scheme::Dark, Terminal { truecolor: true, ..Terminal::default() });
        let ctx = Ctx::new(Timestamp(0), theme, TimeZone::UTC, (100, 30));
        let mut window = Window::<Line>::new(Screen::Executions);
        let typed = |text: &str| (text.to_owned(), Filter::parse(text).expect("a filter"));
        let type_in = |window: &mut Window<Line>, text| {
            let (text, filter) = typed(text);
            window.set_filter(&ctx, text, filter)
        };
        let (first, _) = asked(type_in(&mut window, "j"));
        assert!(type_in(&mut window, "ja").is_none());
        assert!(type_in(&mut window, "jan").is_none());
        let page = || Ok(Page::new(vec![Line(7)], 1, 0));
        let (second, filter) = asked(window.answer(&ctx, first, page()).1);
        assert_eq!(filter, typed("jan").1);
        assert!(window.rows().is_empty(), "the answer to a filter nobody wants any more is not shown");
        assert!(window.answer(&ctx, second, page()).1.is_none());
        assert_eq!(window.selected(), Some(7));
    }
}
