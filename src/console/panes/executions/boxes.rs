//! The boxes beside the list of executions: the detail under its tabs, and on a wide screen a third one.
//!
//! Draws what the pane holds and changes nothing but how far it is scrolled.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::Focus;
use super::super::execution_detail::{self, Tab};
use super::{Executions, around};
use crate::console::ctx::{Ctx, Target};
use crate::console::text::span;
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, scrolled};

impl Executions {
    /// The detail of what is selected, under the tabs; of a cause, what is known about it.
    pub(super) fn draw_detail(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        if let Some(causes) = &self.causes {
            let inner = Panel::new(theme, "Cause", focused).draw(theme, buffer, area);
            let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
            if inner.width > 0 {
                scrolled(buffer, body, &causes.lines(ctx, usize::from(body.width)), &self.scroll);
            }
            return;
        }
        let row = self.window.current();
        let mut title = Vec::new();
        let mut x = area.x + 3;
        let state = row.map_or_else(Line::default, |row| {
            Line::from(span(format!("{} {}", row.status.glyph(), row.status), theme.status(row.status)))
        });
        // Whole words, as long as they leave the state at the right its room: first the blanks give way.
        let whole: usize =
            Tab::ALL.iter().map(|tab| tab.title().len()).sum::<usize>() + 2 + Tab::ALL.len() - 1;
        let room = usize::from(area.width).saturating_sub(9 + state.width());
        let (narrow, gap) = (whole > room, if whole + Tab::ALL.len() - 1 > room { " " } else { "  " });
        // Where even the short words leave the state no room, its glyph says it.
        let state = match row {
            Some(row) if narrow && usize::from(area.width) < 42 + state.width() => {
                Line::from(span(row.status.glyph(), theme.status(row.status)))
            }
            _ => state,
        };
        for (index, tab) in Tab::ALL.into_iter().enumerate() {
            let name = if narrow && tab != self.tab { tab.short() } else { tab.title() };
            let word = if tab == self.tab { format!("[{name}]") } else { name.to_owned() };
            let style = match (tab == self.tab, focused) {
                (true, true) => theme.key,
                (true, false) => theme.bold,
                _ => theme.muted,
            };
            if index > 0 {
                title.push(span(gap, theme.muted));
                x += gap.len() as u16;
            }
            let cells = crate::console::text::width(&word) as u16;
            ctx.target(Rect::new(x, area.y, cells, 1), Target::Tab(index));
            x += cells;
            title.push(span(word, style));
        }
        let id = row.map_or_else(Line::default, |row| {
            Line::from(vec![
                span(format!("{} ", row.id), theme.muted),
                span("y", theme.key),
                span(" copy", theme.muted),
            ])
        });
        let height = area.height.saturating_sub(2);
        let lines = self.lines(ctx, usize::from(area.width.saturating_sub(4)));
        let hidden = match &self.sheet {
            _ if row.is_none() => 0,
            Some(sheet) => sheet.below(height),
            None => hidden(lines.len(), height, &self.scroll),
        };
        let mut more = vec![];
        if self.tab == Tab::Calls {
            let words = if self.compared { " all calls" } else { " only what differs" };
            more.extend([span("=", theme.key), span(words, theme.muted)]);
        }
        if hidden > 0 {
            more.push(span(if more.is_empty() { "↓ more" } else { " · ↓ more" }, theme.muted));
        }
        let inner = Panel::titled(Line::from(title), focused)
            .right(state)
            .bottom_left(Line::from(more))
            .bottom_right(id)
            .draw(theme, buffer, area);
        if inner.width == 0 {
            return;
        }
        match &self.sheet {
            _ if row.is_none() => {}
            Some(sheet) => sheet.draw(ctx, buffer, inner, focused),
            None => {
                let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
                scrolled(buffer, body, &lines, &self.scroll);
            }
        }
    }

    /// The third box: the call beside its explanation, the history beside everything else.
    pub(super) fn draw_context(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let explain = self.tab == Tab::Explain;
        let inner =
            Panel::new(theme, if explain { "Last call" } else { "History" }, false).draw(theme, buffer, area);
        let (Some(row), Some(detail)) = (self.window.current(), self.known()) else { return };
        if inner.width == 0 {
            return;
        }
        if explain {
            around::last_call(ctx, detail).draw(ctx, buffer, inner, false);
        } else {
            let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
            let lines = execution_detail::timeline(ctx, row, detail, usize::from(body.width), false);
            scrolled(buffer, body, &lines, &Cell::new(0));
        }
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let Some(row) = self.window.current() else { return Vec::new() };
        if self.gone == Some(row.id) {
            return vec![Line::from(span("This execution is no longer in the journal.", ctx.theme.muted))];
        }
        execution_detail::lines(ctx, row, self.known(), self.known_around(), self.tab, cells)
    }
}
