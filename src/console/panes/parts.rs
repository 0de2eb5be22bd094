//! What the four list panes share: the list's box with its counts and states, and the answers to common keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::listing::picked;
use super::window::{Row, Window};
use crate::console::ctx::{Ctx, Target};
use crate::console::text::{put, span, thousands, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Table};
use crate::domain::pause::Pause;

/// What a list's box says around its rows.
pub struct Frame<'a> {
    /// Its title.
    pub title: &'a str,
    /// How it is ordered.
    pub order: &'a str,
    /// Its columns.
    pub columns: &'a [Column],
    /// Said when there is nothing at all: that it is well, in one or two sentences.
    pub nothing: &'a str,
    /// The list has the focus.
    pub focused: bool,
    /// Lines below the rows, when there is room.
    pub below: Vec<Line<'static>>,
}

/// Draws a list in its box.
pub fn list<T: Row>(
    ctx: &Ctx,
    buffer: &mut Buffer,
    area: Rect,
    frame: &Frame<'_>,
    window: &Window<T>,
    cells: impl Fn(&T) -> Vec<(String, Style)>,
) {
    let theme = &ctx.theme;
    ctx.target(area, Target::List);
    let more = if window.total_is_least() { "+" } else { "" };
    let total = format!("{}{more}", thousands(window.total()));
    let count = match (window.loaded(), window.place()) {
        (None, _) => "…".to_owned(),
        (Some(_), Some(place)) => format!("{} of {total}", thousands(place)),
        (Some(_), None) => total,
    };
    ctx.found.set(window.loaded().map(|_| (window.total(), window.total_is_least())));
    let mut right = Vec::new();
    if window.fresh() > 0 {
        right.push(span(format!("{} new ↑ ", thousands(window.fresh())), theme.accent));
        right.push(span("g", theme.key));
        right.push(span(" · ", theme.muted));
    }
    if let (Some(_), Some(at)) = (window.failed(), window.loaded()) {
        let stale = format!("as of {}", ctx.clock(at));
        let taken = width(frame.title) + width(&stale) + width(&count) + " · ".len() + 9;
        right.push(span(stale, theme.warn));
        // How old it is says more than how much it is.
        if taken <= usize::from(area.width) {
            right.push(span(" · ", theme.warn));
            right.push(span(count, theme.muted));
        }
    } else {
        right.push(span(count, theme.muted));
    }
    let picked = picked(frame.columns, window.shown());
    let sorted = window.sort().and_then(|sort| {
        let at = picked.iter().position(|at| frame.columns[*at].sort == Some(sort.column))?;
        Some((at, sort.descending))
    });
    let mut order = match window.sort() {
        None => vec![span(frame.order.to_owned(), theme.muted)],
        Some(sort) => {
            let arrow = if sort.descending { "▼" } else { "▲" };
            vec![span(format!("by {} {arrow}", sort.column), theme.accent)]
        }
    };
    if !window.text().is_empty() {
        order.insert(0, span(window.text().to_owned(), theme.text));
        order.insert(1, span(" · ", theme.muted));
    }
    let marks = match (window.marked(), window.ranging()) {
        _ if window.ranged() => Line::from(span("marking the range…", theme.accent)),
        (0, _) => Line::default(),
        (n, _) if window.marks_all() => {
            let which = if n == window.total() { "all " } else { "" };
            Line::from(span(format!("{which}{}{more} marked", thousands(n)), theme.accent))
        }
        (n, false) => Line::from(span(format!("{} marked", thousands(n)), theme.accent)),
        (n, true) => Line::from(span(format!("range: {} marked · v ends it", thousands(n)), theme.accent)),
    };
    // What is marked is about to be acted on: in a narrow list the order gives way to it.
    let taken = marks.width() + order.iter().map(Span::width).sum::<usize>();
    if marks.width() > 0 && taken + 10 > usize::from(area.width) {
        order.clear();
    }
    let inner = Panel::new(theme, frame.title, frame.focused)
        .right(Line::from(right))
        .bottom_left(Line::from(order))
        .bottom_right(marks)
        .draw(theme, buffer, area);
    if inner.height == 0 {
        return;
    }
    if window.rows().is_empty() {
        empty(ctx, buffer, inner, frame, window);
        return;
    }
    let height = usize::from(inner.height.saturating_sub(1));
    let (rows, selected) = window.visible(height);
    for index in 0..rows.len() {
        ctx.target(Rect::new(inner.x, inner.y + 1 + index as u16, inner.width, 1), Target::Row(index));
    }
    let shown = rows.len();
    let columns: Vec<Column> = picked.iter().map(|at| frame.columns[*at]).collect();
    let marked: Vec<bool> = rows.iter().map(|row| window.marks().contains(&row.key())).collect();
    let chosen = |row: &T| {
        let mut cells: Vec<Option<(String, Style)>> = cells(row).into_iter().map(Some).collect();
        let cell = |at: &usize| cells.get_mut(*at).and_then(Option::take);
        picked.iter().map(cell).map(Option::unwrap_or_default).collect()
    };
    let table = Table {
        columns: &columns,
        rows: rows.iter().map(chosen).collect(),
        selected,
        focused: frame.focused,
        sorted,
        // A list that has a column of its own for marks shows them there.
        marked: if frame.columns.first().is_some_and(|first| first.name.is_empty() && first.most == 1) {
            None
        } else {
            Some(marked)
        },
    };
    let badges = ctx.hints.badges(ctx, rows.iter().map(Row::item));
    table.draw(theme, buffer, badges.beside(inner));
    badges.draw(ctx, buffer, inner, selected.filter(|_| frame.focused));
    let free = height.saturating_sub(shown);
    if !frame.below.is_empty() && free > frame.below.len() {
        let y = inner.bottom() - frame.below.len() as u16;
        for (index, line) in frame.below.iter().enumerate() {
            put(buffer, inner.x + 2, y + index as u16, inner.width.saturating_sub(3), line);
        }
    }
}

/// Words at the right of the bottom border, where the list itself has nothing to say there.
pub fn bottom_right(ctx: &Ctx, buffer: &mut Buffer, area: Rect, line: &Line<'_>) {
    let cells = line.width() as u16;
    if area.height > 1 && cells + 30 < area.width {
        let (x, y) = (area.right() - 3 - cells, area.bottom() - 1);
        put(buffer, x - 1, y, 1, &Line::from(span(" ", ctx.theme.text)));
        put(buffer, x, y, cells, line);
        put(buffer, x + cells, y, 1, &Line::from(span(" ", ctx.theme.text)));
    }
}

/// Says why there are no rows: not loaded, broken, filtered away, or nothing to do.
fn empty<T: Row>(ctx: &Ctx, buffer: &mut Buffer, inner: Rect, frame: &Frame<'_>, window: &Window<T>) {
    let theme = &ctx.theme;
    let (glyph, style, text) = match (window.failed(), window.loaded()) {
        (Some(why), _) => (
            "✗",
            theme.error,
            format!(
                "The journal cannot be read.\n{why}\nIt is asked again by itself; nothing is lost meanwhile."
            ),
        ),
        (None, None) => match ctx.reading() {
            Some(reading) => reading,
            None => return,
        },
        (None, Some(_)) if !window.typed().is_empty() => (
            "–",
            theme.muted,
            format!("Nothing matches \"{}\".\nEsc shows all again, / changes the filter.", window.text()),
        ),
        (None, Some(_)) => ("✓", theme.ok, frame.nothing.to_owned()),
    };
    let cells = usize::from(inner.width.saturating_sub(6)).min(70);
    put(buffer, inner.x + 2, inner.y + 1, 1, &Line::from(span(glyph, style)));
    let rows = usize::from(inner.height.saturating_sub(1));
    for (index, line) in wrap(&text, cells).into_iter().take(rows).enumerate() {
        let style = if index == 0 { theme.bold } else { theme.muted };
        put(buffer, inner.x + 4, inner.y + 1 + index as u16, cells as u16, &Line::from(span(line, style)));
    }
}

/// Who paused what since when, and why, without a full stop; its time is the operator's own.
pub fn paused(ctx: &Ctx, pause: &Pause) -> String {
    let since = ctx.moment(pause.since);
    let until = pause.until.map_or_else(String::new, |until| format!(" until {}", ctx.moment(until)));
    let reason = pause.reason.trim_end_matches('.');
    format!("by {} since {since}{until}, {}: {reason}", pause.actor, pause.scope)
}

/// A heading with a thin rule to the end of the line.
pub fn rule(ctx: &Ctx, title: &str, cells: usize) -> Line<'static> {
    let used = crate::console::text::width(title) + 1;
    Line::from(vec![
        span(title.to_owned(), ctx.theme.bold),
        span(format!(" {}", "─".repeat(cells.saturating_sub(used))), ctx.theme.faint),
    ])
}

/// A label in muted and its text wrapped beside it.
pub fn labelled(ctx: &Ctx, label: &str, text: &str, style: Style, cells: usize) -> Vec<Line<'static>> {
    const LABEL: usize = 6;
    wrap(text, cells.saturating_sub(LABEL))
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let label = if index == 0 { label } else { "" };
            Line::from(vec![span(format!("{label:<LABEL$}"), ctx.theme.muted), span(line, style)])
        })
        .collect()
}
