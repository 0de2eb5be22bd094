//! The columns a list can be sorted by; the list behind shows each choice at once.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Layer, Reply, dialog};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::panes::listing::{Change, first_order};
use crate::console::text::{left, put, span, width};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, mark_selected};
use crate::domain::filter::Sort;

/// The menu.
#[derive(Debug)]
pub struct SortMenu {
    columns: Vec<Column>,
    sort: Option<Sort>,
    at: usize,
    top: Cell<usize>,
}

impl SortMenu {
    /// Of a list's columns, with the present order.
    pub fn new(columns: &[Column], sort: Option<Sort>) -> Self {
        let columns: Vec<Column> = columns.iter().filter(|column| column.sort.is_some()).copied().collect();
        let at = sort.and_then(|sort| columns.iter().position(|column| column.sort == Some(sort.column)));
        Self { columns, sort, at: at.unwrap_or(0), top: Cell::new(0) }
    }

    fn shift(&mut self, by: i64) {
        let last = self.columns.len().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by).clamp(0, last) as usize;
    }

    fn choose(&mut self) -> Reply {
        let Some(column) = self.columns.get(self.at) else { return Reply::stay() };
        self.sort = match self.sort {
            Some(sort) if Some(sort.column) == column.sort => {
                Some(Sort { descending: !sort.descending, ..sort })
            }
            _ => first_order(column),
        };
        Reply { effects: vec![Effect::List(Change::Sort(self.sort))], ..Reply::default() }
    }
}

impl Layer for SortMenu {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "s" | "q") => return Reply::close(),
            Some("Down" | "j" | "Tab") => self.shift(1),
            Some("Up" | "k" | "Shift-Tab") => self.shift(-1),
            Some("g" | "Home") => self.at = 0,
            Some("G" | "End") => self.shift(i64::from(u16::MAX)),
            Some("Space" | "Left" | "Right") => return self.choose(),
            Some("Enter") => return Reply { close: true, ..self.choose() },
            Some("0") => {
                self.sort = None;
                return Reply::then(vec![Effect::List(Change::Sort(None))]);
            }
            _ => {
                if let Some(digit) =
                    keys::digit(key).filter(|digit| usize::from(*digit) <= self.columns.len())
                {
                    self.at = usize::from(digit) - 1;
                    return Reply { close: true, ..self.choose() };
                }
            }
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }

    fn click(&mut self, at: usize) {
        self.at = at.min(self.columns.len().saturating_sub(1));
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![
            Hint::new("Enter", "sort"),
            Hint::new("Space", "sort, turn"),
            Hint::new("0", "own order"),
            Hint::new("Esc", "close"),
        ])
    }

    fn dims(&self) -> bool {
        false
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let names = self.columns.iter().map(|column| width(column.title)).max().unwrap_or(0);
        let place = dialog(ctx, buffer, area, 62, self.columns.len() as u16 + 2);
        let inner = Panel::new(theme, "Sort by", true)
            .bottom_right(Line::from(span("again turns it", theme.muted)))
            .draw(theme, buffer, place);
        let height = usize::from(inner.height);
        let top = self.top.get().min(self.at).max((self.at + 1).saturating_sub(height));
        self.top.set(top);
        for (index, column) in self.columns.iter().enumerate().skip(top).take(height) {
            let row = Rect::new(inner.x, inner.y + (index - top) as u16, inner.width, 1);
            let arrow = match self.sort.filter(|sort| Some(sort.column) == column.sort) {
                Some(Sort { descending: true, .. }) => "▼",
                Some(_) => "▲",
                None => " ",
            };
            let number = if index < 9 { (index + 1).to_string() } else { " ".to_owned() };
            let line = Line::from(vec![
                span(format!("{number} "), theme.key),
                span(format!("{arrow} "), theme.accent),
                span(left(column.title, names + 2), theme.text),
                span(column.words, theme.muted),
            ]);
            put(buffer, row.x + 1, row.y, row.width.saturating_sub(1), &line);
            ctx.target(row, Target::Choice(index));
            if index == self.at {
                mark_selected(theme, buffer, row, true);
            }
        }
    }
}
