//! The right box of screen 7: everything there is to say of a line, what mends it, and the command of the same meaning.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::entries::{Entry, Fix, Part};
use crate::console::ctx::Ctx;
use crate::console::text::{left, put, right, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::{gauge, limit_style, sparkline};
use crate::console::widgets::list::{hidden, scrolled};

/// The widest word before a fact.
const WORD: usize = 30;
/// Cells of a gauge.
const GAUGE: usize = 24;

/// Draws a line's detail in its box.
pub(super) fn draw(
    ctx: &Ctx,
    buffer: &mut Buffer,
    area: Rect,
    entry: Option<&Entry>,
    focused: bool,
    scroll: &Cell<usize>,
) {
    let theme = &ctx.theme;
    let Some(entry) = entry else {
        Panel::new(theme, "", focused).draw(theme, buffer, area);
        return;
    };
    let (glyph, style) = entry.level.look(theme);
    let cells = usize::from(area.width.saturating_sub(6)).min(96);
    let lines = lines(ctx, entry, cells);
    let foot = foot(ctx, entry, cells);
    let room = area.height.saturating_sub(2 + foot.len() as u16 + 1);
    let more = hidden(lines.len(), room, scroll);
    let below = if more > 0 { format!("↓ {more} more lines") } else { String::new() };
    let title =
        if focused { span(entry.name.clone(), theme.key) } else { span(entry.name.clone(), theme.bold) };
    let inner = Panel::titled(Line::from(title), focused)
        .right(Line::from(vec![span(format!("{glyph} "), style), span(entry.level.word(), style)]))
        .bottom_left(Line::from(span(entry.section, theme.muted)))
        .bottom_right(Line::from(span(below, theme.muted)))
        .draw(theme, buffer, area);
    if inner.width == 0 {
        return;
    }
    let body = Rect {
        x: inner.x + 2,
        width: inner.width.saturating_sub(3),
        height: room.min(inner.height),
        ..inner
    };
    scrolled(buffer, body, &lines, scroll);
    // What mends it stands near what it mends, at the foot at the latest.
    let first = inner.bottom().saturating_sub(foot.len() as u16);
    let first = first.min(inner.y + (lines.len() as u16).min(room) + 1).max(inner.y);
    for (index, line) in foot.iter().enumerate() {
        put(buffer, inner.x + 2, first + index as u16, inner.width.saturating_sub(3), line);
    }
}

fn lines(ctx: &Ctx, entry: &Entry, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let word = |part: &Part| match part {
        Part::Fact(word, ..) | Part::Gauge(word, ..) | Part::Spark(word, ..) => width(word),
        _ => 0,
    };
    let words = entry.parts.iter().map(word).max().unwrap_or(0).min(WORD).min(cells / 2);
    let mut lines = Vec::new();
    let mut below = false;
    for part in &entry.parts {
        match part {
            Part::Blank => lines.push(Line::default()),
            Part::Head(title) => lines.push(crate::console::panes::parts::rule(ctx, title, cells)),
            Part::Say(text, style) => {
                lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, *style))));
            }
            Part::Fact(word, text, style) => {
                let beside = wrap(text, cells.saturating_sub(words + 2));
                // In a narrow column long words read badly: they go below theirs, and what belongs to them too.
                below = if word.is_empty() { below } else { beside.len() > 3 && words + 40 > cells };
                if below {
                    if !word.is_empty() {
                        lines.push(Line::from(span(word.clone(), theme.muted)));
                    }
                    let rows = wrap(text, cells.saturating_sub(2)).into_iter();
                    lines.extend(rows.map(|line| Line::from(span(format!("  {line}"), *style))));
                    continue;
                }
                for (index, line) in beside.into_iter().enumerate() {
                    let word = if index == 0 { word.as_str() } else { "" };
                    lines.push(Line::from(vec![
                        span(format!("{}  ", left(word, words)), theme.muted),
                        span(line, *style),
                    ]));
                }
            }
            Part::Gauge(word, share, numbers) => {
                let bar = GAUGE.min(cells.saturating_sub(words + 2 + width(numbers) + 2));
                let [full, rest] = gauge(theme, *share, bar, limit_style(theme, *share));
                lines.push(Line::from(vec![
                    span(format!("{}  ", left(word, words)), theme.muted),
                    full,
                    rest,
                    span(format!("  {numbers}"), theme.text),
                ]));
            }
            Part::Spark(word, numbers, right_words) => {
                let room = cells.saturating_sub(words + 2 + 10).min(24);
                let shown = &numbers[numbers.len().saturating_sub(room)..];
                lines.push(Line::from(vec![
                    span(format!("{}  ", left(word, words)), theme.muted),
                    span(left(&sparkline(shown), room), theme.accent),
                    span(right(right_words, 10), theme.bold),
                ]));
            }
        }
    }
    lines
}

/// What mends it and where the same stands in a shell.
fn foot(ctx: &Ctx, entry: &Entry, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    if entry.fix != Fix::Nothing {
        lines.push(Line::from(vec![
            span("Fix ", theme.muted),
            span("f", theme.key),
            span(format!(" {}", entry.mends), theme.text),
        ]));
        if let Fix::Run(command) = &entry.fix {
            lines.push(Line::from(span(
                left(&format!("      {command}"), cells).trim_end().to_owned(),
                theme.bold,
            )));
        }
    }
    if !entry.command.is_empty() {
        lines.push(Line::from(vec![
            span("In a shell  ", theme.muted),
            span(entry.command.clone(), theme.text),
            span("  Y", theme.key),
            span(" copies it", theme.muted),
        ]));
    }
    lines
}
