//! Several things to do about the same item, one to choose; nothing is done from here, the choice is confirmed next.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::confirm::Pending;
use super::{Reply, dialog};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::text::{cut_end, put, span, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;

/// One thing to choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// In a few words.
    pub words: String,
    /// What it leads to.
    pub pending: Pending,
}

/// The dialog.
#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    title: String,
    label: String,
    entries: Vec<Entry>,
    at: usize,
}

impl Menu {
    /// A choice among things, of which there is at least one.
    pub const fn new(title: String, label: String, entries: Vec<Entry>) -> Self {
        Self { title, label, entries, at: 0 }
    }

    /// Moves the choice.
    pub fn shift(&mut self, by: i64) {
        let last = self.entries.len().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by).clamp(0, last) as usize;
    }

    /// Chooses a row by the mouse.
    pub fn click(&mut self, at: usize) {
        self.at = at.min(self.entries.len().saturating_sub(1));
    }

    /// A key: arrows or digits choose, Enter goes on to the question.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Down" | "j" | "Tab") => self.shift(1),
            Some("Up" | "k" | "Shift-Tab") => self.shift(-1),
            Some("Enter") => {
                if let Some(entry) = self.entries.get(self.at) {
                    return Reply::then(vec![Effect::Confirm(Box::new(entry.pending.clone()))]);
                }
            }
            _ => {
                if let Some(digit) = keys::digit(key).filter(|digit| *digit > 0) {
                    self.click(usize::from(digit) - 1);
                }
            }
        }
        Reply::stay()
    }

    /// Draws itself in the middle.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 76.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6));
        let label = wrap(&self.label, cells);
        let height = (label.len() + self.entries.len() + 3) as u16;
        let place = dialog(ctx, buffer, area, wide, height);
        let inner = Panel::new(theme, &cut_end(&self.title, cells), true).draw(theme, buffer, place);
        let mut y = inner.y;
        for line in label {
            if y < inner.bottom() {
                put(buffer, inner.x + 2, y, cells as u16, &Line::from(span(line, theme.muted)));
            }
            y += 1;
        }
        y += 1;
        for (index, entry) in self.entries.iter().enumerate() {
            if y >= inner.bottom() {
                return;
            }
            let line = Line::from(vec![
                span((index + 1).to_string(), theme.key),
                span("  ", theme.text),
                span(cut_end(&entry.words, cells.saturating_sub(3)), theme.text),
            ]);
            put(buffer, inner.x + 2, y, cells as u16, &line);
            let whole = Rect::new(inner.x, y, inner.width, 1);
            ctx.target(whole, Target::Choice(index));
            if index == self.at {
                mark_selected(theme, buffer, whole, true);
            }
            y += 1;
        }
    }
}
