//! The line that filters the list while it is typed; a mistake is explained and changes nothing.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Reply;
use super::input::TextLine;
use crate::console::ctx::Ctx;
use crate::console::keys;
use crate::console::text::{cut_end, put, span, width, wipe};
use crate::domain::error_class::ErrorClass;
use crate::domain::execution::Status;
use crate::domain::filter::{Filter, Key};
use crate::domain::record::System;
use crate::domain::review::ConflictKind;

/// The filter line.
#[derive(Debug)]
pub struct FilterLine {
    line: TextLine,
    problem: Option<String>,
}

impl FilterLine {
    /// Begins with the present filter.
    pub fn new(text: &str) -> Self {
        Self { line: TextLine::with(text), problem: None }
    }

    fn changed(&mut self) -> Reply {
        match Filter::parse(self.line.text()) {
            Ok(filter) => {
                self.problem = None;
                let text = self.line.text().trim().to_owned();
                Reply { filter: Some((text, filter)), ..Reply::default() }
            }
            Err(error) => {
                self.problem = Some(error.to_string());
                Reply::stay()
            }
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        self.changed()
    }

    /// A key: Enter keeps the filter, Esc drops it, Tab completes.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Enter") if self.problem.is_none() => Reply::close(),
            Some("Enter") => Reply::stay(),
            Some("Esc") => {
                Reply { close: true, filter: Some((String::new(), Filter::default())), ..Reply::default() }
            }
            Some("Tab") => match self.completion() {
                Some(text) => {
                    self.line.set(&text);
                    self.changed()
                }
                None => Reply::stay(),
            },
            _ if self.line.key(key) => self.changed(),
            _ => Reply::stay(),
        }
    }

    /// The text with its last word completed, if there is exactly one best way to go on.
    fn completion(&self) -> Option<String> {
        let text = self.line.text();
        let at = text.rfind(' ').map_or(0, |at| at + 1);
        let (head, word) = text.split_at(at);
        let bare = word.trim_start_matches(['-', '!']);
        let sign = &word[..word.len() - bare.len()];
        if bare.is_empty() {
            return None;
        }
        let words: Vec<String> = match bare.split_once(':') {
            None => Key::ALL.iter().map(|key| format!("{key}:")).collect(),
            Some((key, _)) => {
                let values: Vec<&str> = match key.parse::<Key>().ok()? {
                    Key::Status => Status::ALL.iter().map(|word| word.as_str()).chain(["open"]).collect(),
                    Key::Error => ErrorClass::ALL.iter().map(|word| word.as_str()).collect(),
                    Key::System => System::ALL.iter().map(|word| word.as_str()).collect(),
                    Key::Kind => ConflictKind::ALL.iter().map(|word| word.as_str()).collect(),
                    _ => return None,
                };
                values.iter().map(|value| format!("{key}:{value}")).collect()
            }
        };
        let found = words.into_iter().find(|candidate| candidate.starts_with(bare) && candidate != bare)?;
        Some(format!("{head}{sign}{found}"))
    }

    /// Draws itself over the last row.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let y = area.bottom().saturating_sub(1);
        let row = Rect { y, height: 1, ..area };
        wipe(buffer, row, theme.text);
        let cells = usize::from(area.width.saturating_sub(2));
        let mut spans = vec![span("/ ", theme.key)];
        spans.extend(self.line.spans(ctx, cells * 2 / 3));
        let used = 2 + width(self.line.text()) + 3;
        put(buffer, area.x + 1, y, cells as u16, &Line::from(spans));
        let (text, style) = match &self.problem {
            Some(problem) => (problem.clone(), theme.error),
            None if self.line.text().is_empty() => (
                "words, or status: recipe: error: system: since:2h age:3d, - negates · Tab completes"
                    .to_owned(),
                theme.muted,
            ),
            None => ("Enter keep  Esc clear  Tab complete".to_owned(), theme.muted),
        };
        let text = cut_end(&text, cells.saturating_sub(used));
        let x = area.right().saturating_sub(1 + width(&text) as u16);
        put(buffer, x, y, width(&text) as u16, &Line::from(span(text, style)));
    }
}
