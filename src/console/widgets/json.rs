//! Payloads as indented, coloured lines: keys muted, strings plain, everything cut to the width it has.
//!
//! What is not JSON is shown as it came. Numbers keep their digits.

use ratatui::text::Line;

use crate::console::text::{cut_end, span, wrap};
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
                shown.push(json_line(theme, line, &pad, room));
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

fn json_line(theme: &Theme, line: &str, pad: &str, room: usize) -> Line<'static> {
    let line = cut_end(line, room);
    let trimmed = line.trim_start();
    let blanks = line.len() - trimmed.len();
    let mut spans = vec![span(format!("{pad}{}", " ".repeat(blanks)), theme.text)];
    if let Some(at) = key_end(trimmed) {
        spans.push(span(trimmed[..at].to_owned(), theme.muted));
        spans.push(span(trimmed[at..].to_owned(), theme.text));
    } else if trimmed.chars().all(|c| "{}[],".contains(c)) {
        spans.push(span(trimmed.to_owned(), theme.muted));
    } else {
        spans.push(span(trimmed.to_owned(), theme.text));
    }
    Line::from(spans)
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
