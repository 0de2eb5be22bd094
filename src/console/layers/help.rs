//! Every key in words: this screen's first, then those of every screen. Read from the action table alone.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Reply, dialog};
use crate::console::actions::{Scope, TABLE, shown_keys};
use crate::console::ctx::Ctx;
use crate::console::keys;
use crate::console::text::{left, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, scrolled};

/// The overlay with the keys.
#[derive(Debug)]
pub struct Help {
    scopes: Vec<Scope>,
    at: Cell<usize>,
}

impl Help {
    /// Help for a screen with these scopes; the others' keys follow below.
    pub fn new(scopes: &[Scope]) -> Self {
        let mut scopes = scopes.to_vec();
        scopes.extend(Scope::ALL.into_iter().filter(|scope| !scopes.contains(scope)).collect::<Vec<_>>());
        Self { scopes, at: Cell::new(0) }
    }

    /// Scrolls by lines.
    pub fn scroll(&mut self, by: i64) {
        let at = self.at.get() as i64;
        self.at.set(at.saturating_add(by).max(0) as usize);
    }

    /// A key: Esc, `?` and `q` close, the rest scrolls.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "?" | "q" | "Enter") => return Reply::close(),
            Some("Down" | "j") => self.scroll(1),
            Some("Up" | "k") => self.scroll(-1),
            Some("PgDn" | "Ctrl-d" | "Space") => self.scroll(10),
            Some("PgUp" | "Ctrl-u") => self.scroll(-10),
            Some("g" | "Home") => self.at.set(0),
            Some("G" | "End") => self.at.set(usize::MAX),
            _ => {}
        }
        Reply::stay()
    }

    /// The lines: a heading for each scope, then key and sentence.
    pub fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let keys_cells = 14;
        let mut lines = Vec::new();
        for scope in &self.scopes {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            lines.push(crate::console::panes::parts::rule(ctx, scope.title(), cells));
            for row in TABLE.iter().filter(|row| row.scope == *scope) {
                let keys = shown_keys(row).join(" ");
                for (index, text) in
                    wrap(row.help, cells.saturating_sub(keys_cells + 2)).into_iter().enumerate()
                {
                    let keys = if index == 0 { keys.as_str() } else { "" };
                    lines.push(Line::from(vec![
                        span(format!("  {}", left(keys, keys_cells.max(width(keys)))), theme.key),
                        span(text, theme.text),
                    ]));
                }
            }
        }
        lines.push(Line::default());
        lines.push(crate::console::panes::parts::rule(ctx, "Signs", cells));
        for signs in [
            "○ pending   ◐ running   ✓ succeeded   – skipped   ↻ retrying",
            "✗ failed    ? in doubt  ‖ held        × discarded + marked",
        ] {
            lines.push(Line::from(span(format!("  {signs}"), theme.text)));
        }
        lines
    }

    /// Draws itself in the middle.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let width = 84.min(area.width.saturating_sub(2));
        let lines = self.lines(ctx, usize::from(width.saturating_sub(4)));
        let place = dialog(ctx, buffer, area, width, lines.len() as u16 + 2);
        let hidden = hidden(lines.len(), place.height.saturating_sub(2), &self.at);
        let more = if hidden > 0 { format!("↓ {hidden} more lines") } else { String::new() };
        let inner = Panel::new(theme, "Keys", true)
            .right(Line::from(span("Ctrl-C leaves at once", theme.muted)))
            .bottom_right(if more.is_empty() { Line::default() } else { Line::from(span(more, theme.muted)) })
            .draw(theme, buffer, place);
        let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        scrolled(buffer, body, &lines, &self.at);
    }
}
