//! A preview as lines: what it means, what comes back, the calls in their order, what becomes of each conflict.
//!
//! Only draws; what is asked and answered stands beside it.

use ratatui::text::Line;

use super::super::merge::Choosing;
use crate::console::ctx::Ctx;
use crate::console::text::{cut_end, cut_middle, fair, left, span, width, wrap};
use crate::domain::plan::Preview;
use crate::domain::undo::Comes;

/// A preview as it is confirmed, for a dialog of another kind.
pub(in crate::console::layers) fn preview_lines_of(
    ctx: &Ctx,
    preview: &Preview,
    cells: usize,
) -> Vec<Line<'static>> {
    preview_lines(ctx, preview, &Choosing::default(), cells)
}

pub(super) fn preview_lines(
    ctx: &Ctx,
    preview: &Preview,
    choosing: &Choosing,
    cells: usize,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    if preview.irreversible {
        let style = theme.warn.add_modifier(ratatui::style::Modifier::BOLD);
        lines.push(Line::from(span("This cannot be taken back at the vendor.", style)));
    }
    lines.extend(wrap(&preview.title, cells).into_iter().map(|line| Line::from(span(line, theme.text))));
    lines.extend(returns(ctx, preview, cells));
    // A merge's calls and table come first: the remarks on it are many.
    let merges = !preview.merges.is_empty();
    let notes = preview
        .notes
        .iter()
        .flat_map(|note| wrap(note, cells))
        .map(|line| Line::from(span(line, theme.muted)));
    if merges {
        call_lines(ctx, preview, cells, &mut lines);
        lines.extend(choosing.lines(ctx, preview, cells));
    } else {
        lines.extend(notes.clone());
    }
    if !preview.losses.is_empty() {
        lines.push(Line::default());
        let names = preview.losses.iter().map(|loss| width(&loss.field)).max().unwrap_or(0).min(24);
        for (index, loss) in preview.losses.iter().enumerate() {
            let label = if index == 0 { "Lost  " } else { "      " };
            let room = cells.saturating_sub(6 + names + 2) / 2;
            lines.push(Line::from(vec![
                span(label, theme.muted),
                span(format!("{}  ", left(&loss.field, names)), theme.muted),
                span(cut_end(&loss.lost, room.saturating_sub(2)), theme.warn),
                span("  stays ", theme.muted),
                span(
                    cut_end(if loss.kept.is_empty() { "—" } else { &loss.kept }, room.saturating_sub(8)),
                    theme.text,
                ),
            ]));
        }
    }
    lines.extend(becomes(ctx, preview, cells));
    for edit in &preview.edits {
        lines.push(Line::default());
        lines.push(Line::from(vec![
            span("File  ", theme.muted),
            span(cut_middle(&edit.file, cells.saturating_sub(6)), theme.bold),
        ]));
        for line in edit.diff.iter().take(16) {
            let style = match line.as_bytes().first() {
                Some(b'+') => theme.ok,
                Some(b'-') => theme.error,
                _ => theme.muted,
            };
            lines.push(Line::from(span(format!("      {}", cut_end(line, cells.saturating_sub(6))), style)));
        }
    }
    if merges {
        lines.push(Line::default());
        lines.extend(notes);
    } else {
        call_lines(ctx, preview, cells, &mut lines);
    }
    lines
}

fn call_lines(ctx: &Ctx, preview: &Preview, cells: usize, lines: &mut Vec<Line<'static>>) {
    let theme = &ctx.theme;
    lines.push(Line::default());
    let heading = match preview.calls.len() {
        0 => "No call is sent.".to_owned(),
        1 => "1 call".to_owned(),
        // Several conflicts are executions of their own.
        many if preview.becomes.len() > 1 => format!("{many} calls, in this order"),
        many => format!("{many} calls, in this order; it stops at the first that fails"),
    };
    lines.push(Line::from(span(heading, theme.muted)));
    let methods = preview.calls.iter().map(|call| call.method.len()).max().unwrap_or(0);
    for (index, call) in preview.calls.iter().enumerate() {
        let host = call.host.trim_start_matches("https://").trim_start_matches("http://");
        let indent = 2 + methods + 2;
        let mut rest = wrap(&call.path, cells.saturating_sub(indent + width(host)).max(16)).into_iter();
        lines.push(Line::from(vec![
            span(format!("{} ", index + 1), theme.key),
            span(format!("{:<methods$}  ", call.method), theme.bold),
            span(host.to_owned(), theme.muted),
            span(rest.next().unwrap_or_default(), theme.bold),
        ]));
        for line in rest {
            lines.push(Line::from(span(format!("{}{line}", " ".repeat(indent)), theme.bold)));
        }
        if let Some(body) = &call.body {
            let compact = body.to_string();
            for line in wrap(&breakable(&compact), cells.saturating_sub(indent)).into_iter().take(12) {
                lines.push(Line::from(span(format!("{}{line}", " ".repeat(indent)), theme.muted)));
            }
        }
    }
}

/// What comes back and what does not, record by record.
fn returns(ctx: &Ctx, preview: &Preview, cells: usize) -> Vec<Line<'static>> {
    const INDENT: usize = 24;
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    let mut shown = None;
    for one in &preview.returns {
        if shown != Some(&one.record) {
            lines.push(Line::default());
            lines.push(Line::from(span(cut_end(&one.record.title(), cells), theme.bold)));
            shown = Some(&one.record);
        }
        let (word, style) = match one.comes {
            Comes::Back => ("back", theme.ok),
            Comes::Partly => ("in part", theme.warn),
            Comes::Not => ("not", theme.error),
        };
        for (at, text) in wrap(&one.why, cells.saturating_sub(INDENT).max(16)).into_iter().enumerate() {
            lines.push(if at == 0 {
                Line::from(vec![
                    span(format!("  {}", left(word, 8)), style),
                    span(left(one.part.as_str(), INDENT - 10), theme.muted),
                    span(text, theme.text),
                ])
            } else {
                Line::from(span(format!("{}{text}", " ".repeat(INDENT)), theme.text))
            });
        }
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

/// Which conflicts a decision settles, and what each becomes.
fn becomes(ctx: &Ctx, preview: &Preview, cells: usize) -> Vec<Line<'static>> {
    /// Rows that are shown; the count says how many there are.
    const ROWS: usize = 200;
    let theme = &ctx.theme;
    if preview.becomes.is_empty() {
        return Vec::new();
    }
    let dash = |value: &str| if value.is_empty() { "—".to_owned() } else { value.to_owned() };
    let both = |left: &str, right: &str| format!("{} | {}", dash(left), dash(right));
    let rows = || preview.becomes.iter().take(ROWS);
    let natural = [
        8,
        rows().map(|row| width(&row.subject)).max().unwrap_or(0).max(6) + 2,
        rows().map(|row| width(&both(&row.left, &row.right))).max().unwrap_or(0).max(14) + 2,
        rows().map(|row| width(&row.becomes)).max().unwrap_or(0).max(7),
    ];
    let columns = fair(&natural, cells);
    let rest = columns[3];
    let cell = |text: &str, wide: usize| left(&cut_end(text, wide.saturating_sub(2)), wide);
    let mut lines = vec![
        Line::default(),
        Line::from(span(
            format!(
                "{}{}{}WILL BE",
                cell("", columns[0]),
                cell("RECORD", columns[1]),
                cell("INTERCOM | CRM", columns[2])
            ),
            theme.muted,
        )),
    ];
    for row in preview.becomes.iter().take(ROWS) {
        let stays = row.becomes.starts_with("stays open");
        lines.push(Line::from(vec![
            span(cell(&row.conflict.to_string(), columns[0]), theme.muted),
            span(cell(&row.subject, columns[1]), theme.text),
            span(cell(&both(&row.left, &row.right), columns[2]), theme.muted),
            span(cut_end(&row.becomes, rest), if stays { theme.warn } else { theme.bold }),
        ]));
    }
    if preview.becomes.len() > ROWS {
        lines.push(Line::from(span(format!("and {} more", preview.becomes.len() - ROWS), theme.muted)));
    }
    lines
}

/// Compact JSON with a blank after the commas between its members, so that it wraps there.
fn breakable(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() + 16);
    let mut quoted = false;
    let mut escaped = false;
    for c in json.chars() {
        shown.push(c);
        match c {
            '\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => shown.push(' '),
            _ => {}
        }
        escaped = false;
    }
    shown
}
