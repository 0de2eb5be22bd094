//! Several lines of typed or pasted text with a cursor: for JSON that is edited in place. Everything typed is text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::console::text::{span, width};
use crate::console::theme::Theme;

/// At most so many letters; more is edited in an editor.
const LIMIT: usize = 200_000;

/// The text and its cursor, in letters as people count them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextArea {
    lines: Vec<String>,
    row: usize,
    column: usize,
}

impl TextArea {
    /// Begins with a text, the cursor at its first letter.
    pub fn with(text: &str) -> Self {
        let mut lines: Vec<String> =
            text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        Self { lines, row: 0, column: 0 }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Line and column of the cursor, from 0.
    pub const fn cursor(&self) -> (usize, usize) {
        (self.row, self.column)
    }

    /// Puts the cursor somewhere; drawn back to what exists.
    pub fn go(&mut self, row: usize, column: usize) {
        self.row = row.min(self.lines.len().saturating_sub(1));
        self.column = column.min(letters(&self.lines[self.row]));
    }

    /// Replaces the cursor's line; the cursor stays in it.
    pub fn set_line(&mut self, text: String) {
        self.lines[self.row] = text;
        self.go(self.row, self.column);
    }

    /// A key; true when it was one for a text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return false;
        }
        match key.code {
            KeyCode::Char(c) => self.insert(&c.to_string()),
            KeyCode::Enter => self.new_line(),
            KeyCode::Backspace => self.backspace(),
            KeyCode::Delete => {
                if self.column < letters(&self.lines[self.row]) || self.row + 1 < self.lines.len() {
                    self.right();
                    self.backspace();
                }
            }
            KeyCode::Left if self.column > 0 => self.column -= 1,
            KeyCode::Left if self.row > 0 => self.go(self.row - 1, usize::MAX),
            KeyCode::Left => {}
            KeyCode::Right => self.right(),
            KeyCode::Up => self.go(self.row.saturating_sub(1), self.column),
            KeyCode::Down => self.go(self.row + 1, self.column),
            KeyCode::PageUp => self.go(self.row.saturating_sub(10), self.column),
            KeyCode::PageDown => self.go(self.row + 10, self.column),
            KeyCode::Home => self.column = 0,
            KeyCode::End => self.go(self.row, usize::MAX),
            _ => return false,
        }
        true
    }

    /// Pasted text, several lines and all.
    pub fn paste(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.split();
            }
            let clean: String =
                line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect();
            self.insert(&clean);
        }
    }

    fn insert(&mut self, text: &str) {
        if self.lines.iter().map(String::len).sum::<usize>() + text.len() > LIMIT {
            return;
        }
        let at = place(&self.lines[self.row], self.column);
        self.lines[self.row].insert_str(at, text);
        // A mark joins the letter before it, so the letters are counted anew.
        self.column = letters(&self.lines[self.row][..at + text.len()]);
    }

    /// A new line begins where the one before does.
    fn new_line(&mut self) {
        let line = &self.lines[self.row];
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let pad = " ".repeat(blanks.min(self.column));
        self.split();
        self.insert(&pad);
    }

    fn split(&mut self) {
        let at = place(&self.lines[self.row], self.column);
        let rest = self.lines[self.row].split_off(at);
        self.lines.insert(self.row + 1, rest);
        self.row += 1;
        self.column = 0;
    }

    fn backspace(&mut self) {
        if self.column == 0 {
            if self.row > 0 {
                let line = self.lines.remove(self.row);
                self.row -= 1;
                self.column = letters(&self.lines[self.row]);
                self.lines[self.row].push_str(&line);
            }
            return;
        }
        let (from, to) =
            (place(&self.lines[self.row], self.column - 1), place(&self.lines[self.row], self.column));
        self.lines[self.row].replace_range(from..to, "");
        self.column -= 1;
    }

    fn right(&mut self) {
        if self.column < letters(&self.lines[self.row]) {
            self.column += 1;
        } else if self.row + 1 < self.lines.len() {
            self.go(self.row + 1, 0);
        }
    }

    /// One line as it is drawn, moved so that the cursor is in sight.
    pub fn line(&self, theme: &Theme, row: usize, cells: usize) -> Line<'static> {
        let Some(line) = self.lines.get(row) else { return Line::default() };
        if row != self.row {
            return Line::from(span(line.chars().take(cells).collect::<String>(), theme.text));
        }
        let all: Vec<&str> = line.graphemes(true).collect();
        let mut from = 0;
        while from < self.column && width(&all[from..self.column].concat()) >= cells.saturating_sub(1) {
            from += 1;
        }
        let under = all.get(self.column).copied().unwrap_or(" ").to_owned();
        let after: String = all.iter().skip(self.column + 1).copied().collect();
        Line::from(vec![
            span(all[from..self.column].concat(), theme.text),
            span(under, theme.text.add_modifier(Modifier::REVERSED)),
            span(after, theme.text),
        ])
    }
}

fn letters(text: &str) -> usize {
    text.graphemes(true).count()
}

/// The byte at which a letter begins.
fn place(text: &str, column: usize) -> usize {
    text.grapheme_indices(true).nth(column).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys;
    use proptest::prelude::*;

    fn press(area: &mut TextArea, names: &str) {
        for name in names.split(' ') {
            let code = match name {
                "Backspace" => KeyCode::Backspace,
                "Delete" => KeyCode::Delete,
                name => keys::press(name).expect("a key").code,
            };
            area.key(KeyEvent::new(code, KeyModifiers::NONE));
        }
    }

    #[test]
    fn lines_split_and_join_at_the_cursor() {
        let mut area = TextArea::with("{\n  \"a\": 1\n}");
        press(&mut area, "Down End Enter x");
        assert_eq!(area.text(), "{\n  \"a\": 1\n  x\n}");
        press(&mut area, "Backspace Backspace Backspace Backspace");
        assert_eq!((area.text(), area.cursor()), ("{\n  \"a\": 1\n}".to_owned(), (1, 8)));
        press(&mut area, "Delete");
        assert_eq!(area.text(), "{\n  \"a\": 1}");
        area.paste("\u{1b}[31mä\nb\tc");
        assert_eq!(area.text(), "{\n  \"a\": 1[31mä\nb c}");
    }

    proptest! {
        #[test]
        fn no_keys_lose_the_cursor(text in "(.|\n){0,40}", names in prop::collection::vec(0_usize..9, 0..60)) {
            let keys = ["Left", "Right", "Up", "Down", "Home", "End", "Enter", "x", "Backspace"];
            let mut area = TextArea::with(&text);
            for at in names {
                press(&mut area, keys[at]);
                let (row, column) = area.cursor();
                prop_assert!(row < area.lines().len());
                prop_assert!(column <= letters(&area.lines()[row]));
            }
        }
    }
}
