//! One line of typed or pasted text with a cursor; a paste is text and never a key.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;
use ratatui::text::Span;
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::console::ctx::Ctx;
use crate::console::text::{cut_end, span, width};

/// At most this many characters; more is a mistake, not a value.
const LIMIT: usize = 4_000;

/// The text and its cursor.
#[derive(Debug, Default, Clone)]
pub struct TextLine {
    input: Input,
    /// All of it is selected: what is typed next takes its place.
    selected: bool,
}

impl TextLine {
    /// Begins with a text, the cursor behind it.
    pub fn with(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), selected: false }
    }

    /// Begins with a text that the first letter replaces, and the first move of the cursor keeps.
    pub fn selecting(text: &str) -> Self {
        Self { selected: !text.is_empty(), ..Self::with(text) }
    }

    /// All of the text is selected.
    pub const fn is_selected(&self) -> bool {
        self.selected
    }

    /// Keeps the text as it is, the cursor behind it.
    pub const fn keep(&mut self) {
        self.selected = false;
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Replaces the text.
    pub fn set(&mut self, text: &str) {
        *self = Self::with(text);
    }

    /// Takes a key; true when it was one for a line of text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let request = match key.code {
            KeyCode::Char('a') if control => InputRequest::GoToStart,
            KeyCode::Char('e') if control => InputRequest::GoToEnd,
            KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
            KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
            KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                if self.text().len() >= LIMIT {
                    return true;
                }
                InputRequest::InsertChar(c)
            }
            KeyCode::Backspace => InputRequest::DeletePrevChar,
            KeyCode::Delete => InputRequest::DeleteNextChar,
            KeyCode::Left => InputRequest::GoToPrevChar,
            KeyCode::Right => InputRequest::GoToNextChar,
            KeyCode::Home => InputRequest::GoToStart,
            KeyCode::End => InputRequest::GoToEnd,
            _ => return false,
        };
        if std::mem::take(&mut self.selected) {
            match request {
                // As in any line that came with its text selected: the cursor goes to that end of it.
                InputRequest::GoToPrevChar => return self.went(InputRequest::GoToStart),
                InputRequest::GoToNextChar => return self.went(InputRequest::GoToEnd),
                InputRequest::GoToStart | InputRequest::GoToEnd => {}
                InputRequest::InsertChar(_) => self.set(""),
                _ => {
                    self.set("");
                    return true;
                }
            }
        }
        self.went(request)
    }

    fn went(&mut self, request: InputRequest) -> bool {
        self.input.handle(request);
        true
    }

    /// Takes pasted text; line breaks become blanks, other control characters are left out.
    pub fn paste(&mut self, text: &str) {
        if std::mem::take(&mut self.selected) {
            self.set("");
        }
        let room = LIMIT.saturating_sub(self.text().len());
        for c in text.chars().take(room) {
            let c = if matches!(c, '\n' | '\t') { ' ' } else { c };
            if !c.is_control() {
                self.input.handle(InputRequest::InsertChar(c));
            }
        }
    }

    /// The end of the text that fits, with the cursor as a reversed cell.
    pub fn spans(&self, ctx: &Ctx, cells: usize) -> Vec<Span<'static>> {
        if self.selected {
            let shown = cut_end(self.text(), cells);
            return vec![span(shown, ctx.theme.text.add_modifier(Modifier::REVERSED))];
        }
        let at = self.input.cursor();
        let before: String = self.text().chars().take(at).collect();
        let rest: String = self.text().chars().skip(at).collect();
        let under = rest.graphemes(true).next().unwrap_or(" ").to_owned();
        let after = rest.strip_prefix(&under).unwrap_or("").to_owned();
        let mut shown: Vec<&str> = Vec::new();
        let mut used = width(&under);
        for grapheme in before.graphemes(true).rev() {
            used += width(grapheme);
            if used > cells {
                break;
            }
            shown.push(grapheme);
        }
        shown.reverse();
        let style = ctx.theme.text;
        vec![
            span(shown.concat(), style),
            span(under, style.add_modifier(Modifier::REVERSED)),
            span(after, style),
        ]
    }
}
