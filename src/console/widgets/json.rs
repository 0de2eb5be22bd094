//! Payloads as indented, coloured lines: keys muted, strings plain, what is longer than the width goes on below.
//!
//! What is not JSON is shown as it came. Numbers keep their digits.

use ratatui::text::Line;

use crate::console::text::{cut_end, span, width, wrap};
use crate::console::theme::Theme;

/// At most this many lines of one body; the rest is counted.
const LIMIT: usize = 400;

/// The lines of a body.
pub fn lines(theme: &Theme, body: &str, indent: usize, cells: usize) -> Vec<Line<'static>> {
    let room = cells.saturating_sub(indent).max(8);
    let pad = " ".repeat(indent);
    if body.trim().is_empty() {
        return vec![Line::from(span(format!("{pad}— no body"), theme.muted))];
    }
    let pretty = serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let mut shown = Vec::new();
    match pretty {
        Some(pretty) => {
            for line in pretty.lines() {
                shown.extend(json_line(theme, line, &pad, room));
            }
        }
        None => {
            for line in wrap(body, room) {
                shown.push(Line::from(span(format!("{pad}{line}"), theme.text)));
            }
        }
    }
    if shown.len() > LIMIT {
        let rest = shown.len() - LIMIT;
        shown.truncate(LIMIT);
        shown.push(Line::from(span(format!("{pad}… {rest} more lines"), theme.muted)));
    }
    shown
}

fn json_line(theme: &Theme, line: &str, pad: &str, room: usize) -> Vec<Line<'static>> {
    let trimmed = line.trim_start();
    let blanks = (line.len() - trimmed.len()).min(room / 2);
    let start = format!("{pad}{}", " ".repeat(blanks));
    let (key, value) = trimmed.split_at(key_end(trimmed).unwrap_or(0));
    let style =
        if value.chars().all(|c| "{}[], ".contains(c)) && key.is_empty() { theme.muted } else { theme.text };
    let key = cut_end(key, room.saturating_sub(blanks + 8));
    // A long value goes on under itself, or a little way in where its key leaves it no room.
    let beside = room.saturating_sub(blanks + width(&key));
    let (inset, cells) = if beside >= 24 || key.is_empty() {
        (width(&key) + usize::from(!key.is_empty()), beside.saturating_sub(usize::from(!key.is_empty())))
    } else {
        (2, room.saturating_sub(blanks + 2))
    };
    let whole = width(value) <= beside;
    let parts = if whole { vec![value.to_owned()] } else { wrap(value.trim_start(), cells.max(8)) };
    let mut lines: Vec<Line<'static>> = Vec::new();
    if !whole && inset == 2 {
        lines.push(Line::from(vec![span(start.clone(), theme.text), span(key.clone(), theme.muted)]));
    }
    for part in parts {
        let before = match (lines.is_empty(), whole) {
            (true, true) => key.clone(),
            (true, false) if !key.is_empty() => format!("{key} "),
            (true, false) => String::new(),
            (false, _) => " ".repeat(inset),
        };
        lines.push(Line::from(vec![
            span(start.clone(), theme.text),
            span(before, theme.muted),
            span(part, style),
        ]));
    }
    lines
}

/// Where the key of a line `"key": value` ends, its colon included.
fn key_end(line: &str) -> Option<usize> {
    if !line.starts_with('"') {
        return None;
    }
    let mut escaped = false;
    for (at, c) in line.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return line[at + 1..].starts_with(':').then_some(at + 2),
            _ => escaped = false,
        }
    }
    None
}
