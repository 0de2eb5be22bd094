//! Short words at the lower right: success leaves after five seconds, errors stay until Esc.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::ctx::Ctx;
use crate::console::text::{put, span, width, wipe, wrap_most};
use crate::console::widgets::boxes::Panel;
use crate::domain::clock::Timestamp;

/// How a toast is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// It did not happen, for a reason.
    Warning,
    /// It failed; stays until it is dismissed.
    Bad,
}

#[derive(Debug)]
struct Toast {
    tone: Tone,
    text: String,
    until: Option<Timestamp>,
}

/// The toasts that are shown.
#[derive(Debug, Default)]
pub struct Toasts(Vec<Toast>);

impl Toasts {
    /// Shows one more; the oldest of more than three goes.
    pub fn push(&mut self, now: Timestamp, tone: Tone, text: String) {
        self.0.retain(|toast| toast.text != text);
        let until = (tone != Tone::Bad).then(|| now.plus(Duration::from_secs(5)));
        self.0.push(Toast { tone, text, until });
        if self.0.len() > 3 {
            self.0.remove(0);
        }
    }

    /// Drops what was only said until something better is known.
    pub fn drop_passing(&mut self) {
        self.0.retain(|toast| toast.tone != Tone::Good);
    }

    /// Drops those whose time is over.
    pub fn expire(&mut self, now: Timestamp) {
        self.0.retain(|toast| toast.until.is_none_or(|until| now < until));
    }

    /// Dismisses the newest; false when there is none.
    pub fn dismiss(&mut self) -> bool {
        self.0.pop().is_some()
    }

    /// Draws them above the last row, the newest lowest.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let most =
            usize::from(area.width.saturating_sub(6)).min((usize::from(area.width) * 3 / 5).clamp(50, 72));
        let mut bottom = area.bottom().saturating_sub(2);
        for toast in self.0.iter().rev() {
            let lines = wrap_most(&toast.text, most.saturating_sub(4), 4);
            let cells = lines.iter().map(|line| width(line)).max().unwrap_or(0) as u16 + 6;
            let height = lines.len() as u16 + 2;
            let Some(y) = bottom.checked_sub(height).filter(|y| *y > area.y + 2) else { return };
            let (glyph, style) = match toast.tone {
                Tone::Good => ("✓", theme.ok),
                Tone::Warning => ("–", theme.warn),
                Tone::Bad => ("✗", theme.error),
            };
            let place = Rect::new(area.right().saturating_sub(cells + 1), y, cells, height);
            wipe(buffer, place, theme.surface);
            let panel = Panel::default();
            let panel = if toast.tone == Tone::Bad {
                panel.bottom_right(Line::from(vec![span("Esc", theme.key), span(" dismiss", theme.muted)]))
            } else {
                panel
            };
            let inner = panel.draw(theme, buffer, place);
            put(buffer, inner.x + 1, inner.y, 1, &Line::from(span(glyph, style)));
            for (index, line) in lines.into_iter().enumerate() {
                let room = inner.width.saturating_sub(3);
                put(buffer, inner.x + 3, inner.y + index as u16, room, &Line::from(span(line, theme.text)));
            }
            bottom = y;
        }
    }
}
