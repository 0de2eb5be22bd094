//! A question with a few answers, each of which is a wish: how long to wait, and the like. Nothing here is grave; what is
//! asks by `confirm`.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::input::TextLine;
use super::{Layer, Reply, dialog};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::text::{cut_end, put, span};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::console::wishes::Wish;

/// The answers, one to choose.
#[derive(Debug)]
pub struct Choice {
    title: String,
    entries: Vec<(String, Wish)>,
    at: usize,
}

impl Choice {
    /// A question with at least one answer.
    pub const fn new(title: String, entries: Vec<(String, Wish)>) -> Self {
        Self { title, entries, at: 0 }
    }
}

impl Layer for Choice {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        let last = self.entries.len().saturating_sub(1);
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Down" | "j" | "Tab") => self.at = (self.at + 1).min(last),
            Some("Up" | "k" | "Shift-Tab") => self.at = self.at.saturating_sub(1),
            Some("Enter") => {
                if let Some((_, wish)) = self.entries.get(self.at) {
                    return Reply::then(vec![Effect::Do(Box::new(wish.clone()))]);
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

    fn wheel(&mut self, by: i64) {
        let last = self.entries.len().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by.signum()).clamp(0, last) as usize;
    }

    fn click(&mut self, at: usize) {
        self.at = at.min(self.entries.len().saturating_sub(1));
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "do it"), Hint::new("Esc", "cancel")])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let place = dialog(ctx, buffer, area, 64, self.entries.len() as u16 + 2);
        let cells = usize::from(place.width.saturating_sub(6));
        let inner = Panel::new(theme, &cut_end(&self.title, cells), true).draw(theme, buffer, place);
        for (at, (words, _)) in self.entries.iter().enumerate() {
            let y = inner.y + at as u16;
            if y >= inner.bottom() {
                return;
            }
            let line = Line::from(vec![
                span((at + 1).to_string(), theme.key),
                span("  ", theme.text),
                span(cut_end(words, cells.saturating_sub(3)), theme.text),
            ]);
            put(buffer, inner.x + 2, y, cells as u16, &line);
            let whole = Rect::new(inner.x, y, inner.width, 1);
            ctx.target(whole, Target::Choice(at));
            if at == self.at {
                mark_selected(theme, buffer, whole, true);
            }
        }
    }
}

/// A line of text that a wish needs; an empty one is not taken.
#[derive(Debug)]
pub struct Phrase {
    title: String,
    label: &'static str,
    line: TextLine,
    empty: bool,
    subject: String,
    wish: fn(String, String) -> Wish,
}

impl Phrase {
    /// A question whose answer, with the subject, makes a wish.
    pub fn new(
        title: String,
        label: &'static str,
        subject: String,
        wish: fn(String, String) -> Wish,
    ) -> Self {
        Self { title, label, line: TextLine::default(), empty: false, subject, wish }
    }
}

impl Layer for Phrase {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Enter") => {
                let text = self.line.text().trim().to_owned();
                if text.is_empty() {
                    self.empty = true;
                    return Reply::stay();
                }
                let wish = (self.wish)(self.subject.clone(), text);
                return Reply::then(vec![Effect::Do(Box::new(wish))]);
            }
            _ => {
                if self.line.key(key) {
                    self.empty = false;
                }
            }
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        Reply::stay()
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("Enter", "do it"), Hint::new("Esc", "cancel")])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let place = dialog(ctx, buffer, area, 72, 5);
        let cells = usize::from(place.width.saturating_sub(6));
        let inner = Panel::new(theme, &cut_end(&self.title, cells), true).draw(theme, buffer, place);
        put(buffer, inner.x + 2, inner.y, cells as u16, &Line::from(span(self.label, theme.muted)));
        let mut typed = vec![span("› ", theme.key)];
        typed.extend(self.line.spans(ctx, cells.saturating_sub(2)));
        put(buffer, inner.x + 2, inner.y + 1, cells as u16, &Line::from(typed));
        if self.empty {
            let text = "A reason is wanted: everybody who sees what waits reads it.";
            put(buffer, inner.x + 2, inner.y + 2, cells as u16, &Line::from(span(text, theme.error)));
        }
    }
}
