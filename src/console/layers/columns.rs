//! Which columns a list shows and in which order; the list behind shows each change at once.

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
use crate::console::panes::listing::{Change, picked};
use crate::console::text::{left, put, span, width};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, mark_selected};

/// The chooser.
#[derive(Debug)]
pub struct Columns {
    own: &'static [Column],
    /// All of them, the shown ones first and in their order.
    rows: Vec<(&'static Column, bool)>,
    at: usize,
    top: Cell<usize>,
}

impl Columns {
    /// Of a list's columns, with those that are chosen.
    pub fn new(own: &'static [Column], chosen: &[String]) -> Self {
        Self { own, rows: rows(own, chosen), at: 0, top: Cell::new(0) }
    }

    fn shift(&mut self, by: i64) {
        let last = self.rows.len().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by).clamp(0, last) as usize;
    }

    /// Tells the list; the one column that is left stays.
    fn tell(&self) -> Reply {
        let shown = self.rows.iter().filter(|(_, shown)| *shown);
        let names = shown.map(|(column, _)| column.name.to_owned()).collect();
        Reply { effects: vec![Effect::List(Change::Columns(names))], ..Reply::default() }
    }

    fn toggle(&mut self) -> Reply {
        let shown = self.rows.iter().filter(|(_, shown)| *shown).count();
        let Some(row) = self.rows.get_mut(self.at) else { return Reply::stay() };
        if row.1 && shown == 1 {
            return Reply::stay();
        }
        row.1 = !row.1;
        self.tell()
    }

    fn carry(&mut self, down: bool) -> Reply {
        let to = if down { self.at + 1 } else { self.at.wrapping_sub(1) };
        if to >= self.rows.len() {
            return Reply::stay();
        }
        self.rows.swap(self.at, to);
        self.at = to;
        self.tell()
    }
}

fn rows(own: &'static [Column], chosen: &[String]) -> Vec<(&'static Column, bool)> {
    let picked = picked(own, chosen);
    let shown = picked.iter().map(|at| (&own[*at], true));
    let rest = (0..own.len()).filter(|at| !picked.contains(at)).map(|at| (&own[at], false));
    shown.chain(rest).filter(|(column, _)| !column.name.is_empty()).collect()
}

impl Layer for Columns {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "Enter" | "|" | "q") => return Reply::close(),
            Some("Down" | "j" | "Tab") => self.shift(1),
            Some("Up" | "k" | "Shift-Tab") => self.shift(-1),
            Some("g" | "Home") => self.at = 0,
            Some("G" | "End") => self.shift(i64::from(u16::MAX)),
            Some("Space" | "x") => return self.toggle(),
            Some("Shift-Down" | "J" | "Right") => return self.carry(true),
            Some("Shift-Up" | "K" | "Left") => return self.carry(false),
            Some("0") => {
                self.rows = rows(self.own, &[]);
                return Reply {
                    effects: vec![Effect::List(Change::Columns(Vec::new()))],
                    ..Reply::default()
                };
            }
            _ => {}
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }

    fn click(&mut self, at: usize) {
        self.at = at.min(self.rows.len().saturating_sub(1));
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![
            Hint::new("Space", "show, hide"),
            Hint::new("←→", "move"),
            Hint::new("0", "as they were"),
            Hint::new("Esc", "close"),
        ])
    }

    fn dims(&self) -> bool {
        false
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let place = dialog(ctx, buffer, area, 64, self.rows.len() as u16 + 2);
        let shown = self.rows.iter().filter(|(_, shown)| *shown).count();
        let names = self.rows.iter().map(|(column, _)| width(column.title)).max().unwrap_or(0);
        let inner = Panel::new(theme, "Columns", true)
            .right(Line::from(span(format!("{shown} of {} shown", self.rows.len()), theme.muted)))
            .bottom_right(Line::from(span("remembered for this list", theme.muted)))
            .draw(theme, buffer, place);
        let height = usize::from(inner.height);
        let top = self.top.get().min(self.at).max((self.at + 1).saturating_sub(height));
        self.top.set(top);
        for (index, (column, shown)) in self.rows.iter().enumerate().skip(top).take(height) {
            let row = Rect::new(inner.x, inner.y + (index - top) as u16, inner.width, 1);
            let (tick, style) = if *shown { ("✓", theme.text) } else { (" ", theme.muted) };
            let line = Line::from(vec![
                span(format!("{tick} "), theme.ok),
                span(left(column.title, names + 2), style),
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
