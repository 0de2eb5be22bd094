//! How a field of a person came to be what it is: newest first, each with its chain of event, mapping, rule, call and
//! decision. Only shows; the engine tells.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Reply, dialog};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::msg::{Answer, Ticket};
use crate::console::text::{cut_end, left, span, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, scrolled};
use crate::domain::record::RecordRef;
use crate::engine::explain::Account;

/// The layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    title: String,
    record: RecordRef,
    field: String,
    asked: Option<Ticket>,
    told: Option<Answer<Box<Account>>>,
    at: Cell<usize>,
}

impl Telling {
    /// About a field of a person, named by one of their records.
    pub const fn of(title: String, record: RecordRef, field: String) -> Self {
        Self { title, record, field, asked: None, told: None, at: Cell::new(0) }
    }

    /// Opens it, with the question that goes with it.
    pub fn open(mut self, ctx: &Ctx) -> (Self, Effect) {
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        let effect = Effect::Explain(ticket, self.record.clone(), self.field.clone());
        (self, effect)
    }

    /// Takes in the answer; a late one of another layer is dropped.
    pub fn told(&mut self, ticket: Ticket, answer: Answer<Box<Account>>) {
        if self.asked == Some(ticket) {
            self.told = Some(answer);
        }
    }

    /// Scrolls by lines.
    pub fn scroll(&mut self, by: i64) {
        let at = self.at.get() as i64;
        self.at.set(at.saturating_add(by).max(0) as usize);
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "Enter" | "w" | "q") => return Reply::close(),
            Some("Down" | "j") => self.scroll(1),
            Some("Up" | "k") => self.scroll(-1),
            Some("PgDn" | "Ctrl-d") => self.scroll(10),
            Some("PgUp" | "Ctrl-u") => self.scroll(-10),
            Some("g" | "Home") => self.at.set(0),
            Some("G" | "End") => self.at.set(usize::MAX / 2),
            _ => {}
        }
        Reply::stay()
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let account = match &self.told {
            None => return vec![Line::from(span("Looking through the journal…", theme.muted))],
            Some(Err(why)) => {
                return wrap(why, cells)
                    .into_iter()
                    .map(|line| Line::from(span(line, theme.error)))
                    .collect();
            }
            Some(Ok(account)) => account,
        };
        for entry in &account.entries {
            let now = entry.kind == "now";
            if !now && !lines.is_empty() {
                lines.push(Line::default());
            }
            let at = if entry.at.0 == 0 { String::new() } else { ctx.day(entry.at) };
            let rows = wrap(&entry.sentence, cells.saturating_sub(14));
            for (index, row) in rows.into_iter().enumerate() {
                let when = if index == 0 { at.clone() } else { String::new() };
                lines.push(Line::from(vec![
                    span(left(&when, 14), theme.muted),
                    span(row, if now { theme.text } else { theme.bold }),
                ]));
            }
            for link in &entry.links {
                for (index, row) in wrap(&link.words, cells.saturating_sub(26)).into_iter().enumerate() {
                    let what = if index == 0 { link.what } else { "" };
                    lines.push(Line::from(vec![
                        span(format!("{}{}", " ".repeat(14), left(what, 12)), theme.muted),
                        span(row, theme.text),
                    ]));
                }
            }
        }
        if account.entries.iter().all(|entry| entry.kind == "now") {
            lines.push(Line::default());
            lines.push(Line::from(span(
                "Reknit has never written it, skipped it or held it back.",
                theme.text,
            )));
        }
        if account.others > 0 {
            lines.push(Line::default());
            let words = format!("{} other executions of this person did not touch it.", account.others);
            lines.push(Line::from(span(words, theme.muted)));
        }
        lines
    }

    /// Draws itself in the middle.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 96.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6));
        let lines = self.lines(ctx, cells);
        let place = dialog(ctx, buffer, area, wide, lines.len() as u16 + 2);
        let hidden = hidden(lines.len(), place.height.saturating_sub(2), &self.at);
        let more = if hidden > 0 {
            Line::from(span(format!("↓ {hidden} more lines"), theme.muted))
        } else {
            Line::default()
        };
        let inner = Panel::new(theme, &cut_end(&self.title, cells), true)
            .right(Line::from(span("newest first", theme.muted)))
            .bottom_right(more)
            .draw(theme, buffer, place);
        let body = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
        scrolled(buffer, body, &lines, &self.at);
    }
}
