//! The last row: keys of what has the focus, most used first; whole items drop when narrow, never half of one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::ctx::Ctx;
use super::text::{put, span, width};

/// One hint: key and word, and whether it can be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key as people read it.
    pub key: String,
    /// One or two words.
    pub word: String,
    /// Off hints are muted.
    pub on: bool,
}

impl Hint {
    /// A hint that can be used.
    pub fn new(key: impl Into<String>, word: impl Into<String>) -> Self {
        Self { key: key.into(), word: word.into(), on: true }
    }
}

/// Draws hints from the left and `always` at the right; `warning` stands before them.
pub fn draw(ctx: &Ctx, buffer: &mut Buffer, row: Rect, hints: &[Hint], always: &[Hint], warning: &str) {
    let theme = &ctx.theme;
    let gap = 2;
    let mut end = row.right().saturating_sub(1);
    let room = usize::from(row.width.saturating_sub(2));
    let mut fixed: Vec<&Hint> = always.iter().collect();
    while fixed.iter().map(|hint| cells(hint) + gap).sum::<usize>() > room && !fixed.is_empty() {
        fixed.remove(0);
    }
    for hint in fixed.iter().rev() {
        let cells = cells(hint) as u16;
        end = end.saturating_sub(cells);
        put(buffer, end, row.y, cells, &line(ctx, hint));
        ctx.target_key(Rect::new(end, row.y, cells, 1), &hint.key);
        end = end.saturating_sub(gap as u16);
    }
    if !warning.is_empty() {
        let cells = width(warning) as u16;
        if cells + 2 < end {
            end -= cells;
            put(buffer, end, row.y, cells, &Line::from(span(warning, theme.warn)));
            end -= gap as u16;
        }
    }
    let mut x = row.x + 1;
    // Where not all fit, what cannot be used now gives way first.
    let mut hints: Vec<&Hint> = hints.iter().collect();
    let wide = |hints: &[&Hint]| hints.iter().map(|hint| cells(hint) + gap).sum::<usize>();
    while usize::from(x) + wide(&hints) > usize::from(end) + gap
        && let Some(off) = hints.iter().rposition(|hint| !hint.on)
    {
        hints.remove(off);
    }
    for hint in hints {
        let cells = cells(hint) as u16;
        if x + cells > end {
            continue;
        }
        put(buffer, x, row.y, cells, &line(ctx, hint));
        ctx.target_key(Rect::new(x, row.y, cells, 1), &hint.key);
        x += cells + gap as u16;
    }
}

fn cells(hint: &Hint) -> usize {
    width(&hint.key) + 1 + width(&hint.word)
}

fn line(ctx: &Ctx, hint: &Hint) -> Line<'static> {
    let theme = &ctx.theme;
    let style: Style = if hint.on { theme.key } else { theme.muted };
    Line::from(vec![span(hint.key.clone(), style), span(format!(" {}", hint.word), theme.muted)])
}
