//! Printing results: JSON on one line, or plain columns; record data cleaned either way it could reach a terminal.

use std::io::{self, Write};

use serde::Serialize;

use super::problem::Problem;
use crate::domain::text::clean;

/// Prints one value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        Problem::runtime("The result cannot be shown.", error.to_string(), "report this as a bug of Reknit")
    })?;
    line(&text)
}

/// Prints one line. A closed pipe (`| head`) ends quietly.
pub fn line(text: &str) -> Result<(), Problem> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Problem::runtime(
            "The result cannot be printed.",
            error.to_string(),
            "look where standard output goes",
        )),
        _ => Ok(()),
    }
}

/// Prints rows in columns of their natural width, two blanks apart; the last column is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), Problem> {
    use unicode_width::UnicodeWidthStr;
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|title| title.width()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let shown = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (place, cell) in cells.enumerate() {
            text.push_str(cell);
            if place + 1 < widths.len() {
                text.push_str(&" ".repeat(widths[place].saturating_sub(cell.width()) + 2));
            }
        }
        text
    };
    line(&shown(&mut head.iter().copied()))?;
    for row in &rows {
        line(&shown(&mut row.iter().map(String::as_str)))?;
    }
    Ok(())
}
