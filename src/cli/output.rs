//! Printing results: JSON on one line, or plain columns; record data cleaned either way it could reach a terminal.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::problem::Problem;
use crate::domain::text::clean;

/// Prints one value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        Problem::runtime("The result cannot be shown.", error.to_string(), "report this as a bug of Reknit")
    })?;
    line(&escaped(&text))
}

/// Prints one value as JSON over several lines, for people.
pub fn pretty(value: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        Problem::runtime("The result cannot be shown.", error.to_string(), "report this as a bug of Reknit")
    })?;
    line(&escaped(&text))
}

/// Says something beside the result, on standard error.
pub fn aside(text: &str) {
    // Where it cannot be said there is nobody to hear it.
    let _ = writeln!(io::stderr().lock(), "{}", clean(text));
}

/// JSON whose texts hold nothing a terminal would obey. JSON itself only escapes what lies below a blank; what else
/// could move a cursor or turn text round is written as `\uXXXX`, which means the very same to whoever parses it.
fn escaped(json: &str) -> Cow<'_, str> {
    let mut one = [0; 4];
    // Blank and above in ASCII is JSON's own; DEL is the one it forgets.
    let mut hostile = |c: char| c >= '\u{7f}' && matches!(clean(c.encode_utf8(&mut one)), Cow::Owned(_));
    if !json.contains(&mut hostile) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hostile(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g15_hostile_letters_are_escaped_and_mean_the_same() {
        let value = serde_json::json!({"name": "Zoë \u{7f}\u{9b}2J\u{202e}\u{e0041} 佐藤 \u{1b}[31m"});
        let text = value.to_string();
        let shown = escaped(&text);
        assert!(shown.contains("Zoë \\u007f\\u009b2J\\u202e\\udb40\\udc41 佐藤 \\u001b"), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
        assert!(matches!(escaped("{\"name\":\"Zoë\"}"), Cow::Borrowed(_)));
    }
}
