//! What the keys of every list do to a window: marks, ranges, order, columns, views, and why one cannot be done.
//!
//! Asks for rows only through the window; opens no layer.

use super::{Row, Want, Window};
use crate::console::actions::Action;
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::layers::toast::Tone;
use crate::console::msg::{Answer, Ticket};
use crate::console::panes::Screen;
use crate::console::panes::listing::{self, Change, Chosen, Listed, Shape, sortable};
use crate::console::widgets::list::Column;
use crate::domain::filter::{Filter, Sort};

impl<T: Row> Window<T> {
    /// Sorts the rows; the selection stays on its record.
    fn set_sort(&mut self, ctx: &Ctx, sort: Option<Sort>) -> Option<Effect> {
        if sort == self.sort {
            return None;
        }
        self.sort = sort;
        self.filter.sort = sort;
        self.loaded?;
        let short = !self.least.0 && self.total <= self.limit(ctx) as u64;
        let want = match self.selected {
            Some(key) if !short => Want::At(key),
            _ => Want::Filtered,
        };
        self.ask(ctx, want)
    }

    /// What the machine of every list does to this one.
    pub fn change(&mut self, ctx: &Ctx, change: Change) -> Vec<Effect> {
        let effect = match change {
            Change::Open(shape) => {
                self.shown = shape.columns;
                self.settle();
                self.sort = listing::order(&shape.sort);
                // A view of another Reknit may name what is not known here; then it shows all.
                let filter = Filter::parse(&shape.filter).unwrap_or_default();
                self.set_filter(ctx, shape.filter, filter)
            }
            Change::Restore(shape) => {
                self.shown = shape.columns;
                self.sort = listing::order(&shape.sort);
                self.filter.sort = self.sort;
                None
            }
            Change::Columns(shown) => {
                self.shown = shown;
                None
            }
            Change::Sort(sort) => self.set_sort(ctx, sort),
            Change::Settle => {
                self.settle();
                None
            }
            Change::Unmark => {
                self.marks.clear();
                None
            }
        };
        effect.into_iter().collect()
    }

    /// Notes the present filter as one to come back to.
    fn settle(&mut self) {
        if self.text != self.settled {
            self.previous = Some(std::mem::replace(&mut self.settled, self.text.clone()));
        }
    }

    /// A key of every list; those that open a layer are the app's.
    pub fn act(&mut self, ctx: &Ctx, action: Action) -> Vec<Effect> {
        match action {
            Action::Mark => self.toggle_mark(ctx),
            Action::MarkRange => self.toggle_range(ctx),
            Action::MarkAll => {
                let whole = self.bottom && self.before == 0 && !self.least.1;
                self.marks.take_all(self.rows.iter().map(Row::key), whole);
                Vec::new()
            }
            Action::ClearMarks => {
                self.clear_marks();
                Vec::new()
            }
            Action::LastFilter => {
                self.settle();
                let Some(text) = self.previous.take() else { return Vec::new() };
                self.previous = Some(std::mem::replace(&mut self.settled, text.clone()));
                let filter = Filter::parse(&text).unwrap_or_default();
                self.set_filter(ctx, text, filter).into_iter().collect()
            }
            Action::SortLeft => self.sort_beside(ctx, false),
            Action::SortRight => self.sort_beside(ctx, true),
            Action::SortTurn => {
                let turned = self.sort.map(|sort| Sort { descending: !sort.descending, ..sort });
                self.set_sort(ctx, turned).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn sort_beside(&mut self, ctx: &Ctx, right: bool) -> Vec<Effect> {
        let places = sortable(self.columns, &self.shown);
        let Some(last) = places.len().checked_sub(1) else { return Vec::new() };
        let here = self
            .sort
            .and_then(|sort| places.iter().position(|at| self.columns[*at].sort == Some(sort.column)));
        let to = match (here, right) {
            (None, true) => 0,
            (None, false) => last,
            (Some(at), true) => (at + 1) % places.len(),
            (Some(at), false) => at.checked_sub(1).unwrap_or(last),
        };
        let sort = listing::first_order(&self.columns[places[to]]);
        self.set_sort(ctx, sort).into_iter().collect()
    }

    /// Marks the selected row, or takes its mark away, and goes one down.
    pub fn toggle_mark(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let Some(key) = self.selected else { return Vec::new() };
        self.marks.toggle(key);
        self.shift(ctx, 1)
    }

    /// Begins a range at the selected row, or ends it there: the rows between that were never loaded are asked for.
    pub fn toggle_range(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let (Some(to), Some(place)) = (self.selected, self.place()) else { return Vec::new() };
        let Some((from, began)) = self.marks.begun() else {
            self.marks.begin(to, place);
            return Vec::new();
        };
        if self.rows.iter().any(|row| row.key() == from) {
            self.reach();
            self.marks.end();
            return Vec::new();
        }
        if self.asking.is_some() {
            self.marks.end();
            let text = "A range is marked as far as its rows are loaded; this one is longer.".to_owned();
            return vec![Effect::Toast(Tone::Warning, text)];
        }
        let ticket = ctx.ticket();
        self.marks.ask(ticket);
        let (from, to) = if began <= place { (from, to) } else { (to, from) };
        vec![Effect::Load(ticket, Query::Keys { screen: self.screen, filter: self.filter.clone(), from, to })]
    }

    /// The rows of a range that were asked for.
    pub fn keys(&mut self, ticket: Ticket, answer: Answer<Vec<i64>>) -> Vec<Effect> {
        match answer {
            Ok(keys) => {
                self.marks.told(ticket, Some(keys));
                Vec::new()
            }
            Err(why) if self.marks.told(ticket, None) => vec![Effect::Toast(Tone::Bad, why)],
            Err(_) => Vec::new(),
        }
    }

    /// A range is being marked.
    pub const fn ranging(&self) -> bool {
        self.marks.ranging()
    }

    /// The rows of a range are being asked for.
    pub const fn ranged(&self) -> bool {
        self.marks.asking()
    }

    /// Marks what lies between the beginning of the range and the selection, as far as it is in memory.
    pub(super) fn reach(&mut self) {
        let (Some((from, began)), Some(to), Some(place)) = (self.marks.begun(), self.index(), self.place())
        else {
            return;
        };
        let beyond = if began <= place { 0 } else { self.rows.len().saturating_sub(1) };
        let from = self.rows.iter().position(|row| row.key() == from).unwrap_or(beyond);
        let (low, high) = (from.min(to), from.max(to));
        self.marks.reach(self.rows[low..=high].iter().map(Row::key));
    }

    /// Marks every row in memory that `same` says yes to; returns how many are marked now.
    pub fn mark_where(&mut self, same: impl Fn(&T) -> bool) -> usize {
        self.marks.add(self.rows.iter().filter(|row| same(row)).map(Row::key));
        self.marks.set().len()
    }

    /// Takes all marks away; false when there were none.
    pub fn clear_marks(&mut self) -> bool {
        self.marks.clear()
    }
}

impl<T: Row> Listed for Window<T> {
    fn screen(&self) -> Screen {
        self.screen
    }

    fn columns(&self) -> &'static [Column] {
        self.columns
    }

    fn shape(&self) -> Shape {
        Shape { filter: self.text.clone(), sort: listing::written(self.sort), columns: self.shown.clone() }
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn total(&self) -> u64 {
        self.total
    }

    fn marked(&self) -> u64 {
        Self::marked(self)
    }

    fn subject(&self) -> Chosen {
        self.several().unwrap_or_else(|| Chosen::These(self.selected.into_iter().collect()))
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let none = self.selected.is_none();
        let why = match action {
            Action::Mark | Action::MarkRange | Action::MarkAll if none => "there is no row here",
            Action::ClearMarks if self.marks.is_empty() && !self.ranging() => "nothing is marked",
            Action::LastFilter if self.previous.is_none() && self.text == self.settled => {
                "there was no other filter here yet"
            }
            Action::Sort | Action::SortLeft | Action::SortRight | Action::SortTurn
                if sortable(self.columns, &self.shown).is_empty() =>
            {
                "these rows have one order only"
            }
            Action::SortTurn if self.sort.is_none() => "no column is sorted by; s chooses one",
            Action::Columns if self.columns.iter().all(|column| column.name.is_empty()) => {
                "this list has no columns to choose"
            }
            Action::Export if none => "there are no rows to write",
            _ => return Ok(()),
        };
        Err(why.to_owned())
    }
}
