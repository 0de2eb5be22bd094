//! Why nothing came of a person, or what let it through: the gates in their order. Only shows; the engine tells.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Layer, Reply, dialog};
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Ticket};
use crate::console::panes::executions::asks::{Ask, Told};
use crate::console::text::{cut_end, left, span, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, scrolled};
use crate::domain::record::RecordRef;
use crate::engine::why_not::{Reason, Verdict};

/// The layer.
#[derive(Debug)]
pub struct Gates {
    title: String,
    record: RecordRef,
    asked: Option<Ticket>,
    told: Option<Answer<Box<Reason>>>,
    at: Cell<usize>,
}

impl Gates {
    /// About a person, named by one of their records.
    pub const fn of(title: String, record: RecordRef) -> Self {
        Self { title, record, asked: None, told: None, at: Cell::new(0) }
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let reason = match &self.told {
            None => return vec![Line::from(span("Looking through the journal…", theme.muted))],
            Some(Err(why)) => {
                return wrap(why, cells)
                    .into_iter()
                    .map(|line| Line::from(span(line, theme.error)))
                    .collect();
            }
            Some(Ok(reason)) => reason,
        };
        let mut lines = Vec::new();
        for gate in &reason.gates {
            let (glyph, style, text) = match gate.verdict {
                Verdict::Passed => ("✓", theme.ok, gate.sentence.as_str()),
                Verdict::Stopped => ("✗", theme.error, gate.sentence.as_str()),
                Verdict::NotReached => ("○", theme.muted, "not reached"),
            };
            let words = if gate.verdict == Verdict::NotReached { theme.muted } else { theme.text };
            for (at, row) in wrap(text, cells.saturating_sub(15)).into_iter().enumerate() {
                let (glyph, name) = if at == 0 { (glyph, gate.gate) } else { (" ", "") };
                lines.push(Line::from(vec![
                    span(format!("{glyph} "), style),
                    span(left(name, 12), theme.muted),
                    span(row, words),
                ]));
            }
            for row in gate.next.iter().flat_map(|next| wrap(next, cells.saturating_sub(19))) {
                lines.push(Line::from(vec![
                    span(" ".repeat(14), theme.text),
                    span(format!("→ {row}"), theme.bold),
                ]));
            }
        }
        if reason.gates.iter().all(|gate| gate.verdict == Verdict::Passed) {
            lines.push(Line::from(span("Nothing stopped it.", theme.ok)));
        }
        lines
    }
}

impl Layer for Gates {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "Enter" | "w" | "q") => return Reply::close(),
            Some("Down" | "j") => self.wheel(1),
            Some("Up" | "k") => self.wheel(-1),
            Some("PgDn" | "Ctrl-d") => self.wheel(10),
            Some("PgUp" | "Ctrl-u") => self.wheel(-10),
            _ => {}
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        let at = self.at.get() as i64;
        self.at.set(at.saturating_add(by).max(0) as usize);
    }

    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::AboutExecutions(Ask::Why(self.record.clone())))]
    }

    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        match loaded {
            Loaded::AboutExecutions(told) if self.asked == Some(ticket) => {
                if let Told::Why(answer) = *told {
                    self.told = Some(answer);
                }
                Ok(Vec::new())
            }
            loaded => Err(loaded),
        }
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("Esc", "close"), Hint::new("↑↓", "scroll")])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
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
            .bottom_right(more)
            .draw(theme, buffer, place);
        let body = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
        scrolled(buffer, body, &lines, &self.at);
    }
}
