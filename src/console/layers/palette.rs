//! Every command by name, found fuzzily; one that cannot run now stays in the list and says why.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::input::TextLine;
use super::{Reply, dialog};
use crate::console::actions::{Action, shown_keys};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::toast::Tone;
use crate::console::text::{cut_end, left, put, span, width};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;

/// A command and whether it can run now.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it runs.
    pub action: Action,
    /// Why it cannot run now.
    pub off: Option<String>,
}

/// How what was typed lies in a name, best first: who types a name in full means that command, however well its
/// letters fit a longer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Beginning,
    Loose,
}

impl Fit {
    fn of(name: &str, typed: &str) -> Self {
        if name == typed {
            Self::Whole
        } else if name.starts_with(typed) {
            Self::Beginning
        } else {
            Self::Loose
        }
    }
}

/// The overlay with the commands.
#[derive(Debug)]
pub struct Palette {
    line: TextLine,
    entries: Vec<Entry>,
    found: Vec<usize>,
    at: usize,
    top: Cell<usize>,
}

impl Palette {
    /// All commands, the present screen's first.
    pub fn new(entries: Vec<Entry>) -> Self {
        let found = (0..entries.len()).collect();
        Self { line: TextLine::default(), entries, found, at: 0, top: Cell::new(0) }
    }

    /// The commands that match, best first.
    pub fn found(&self) -> impl Iterator<Item = &Entry> {
        self.found.iter().map(|index| &self.entries[*index])
    }

    fn search(&mut self) {
        self.at = 0;
        let typed = self.line.text().trim();
        if typed.is_empty() {
            self.found = (0..self.entries.len()).collect();
            return;
        }
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut text = Vec::new();
        let lower = typed.to_lowercase();
        let mut scored: Vec<(Fit, bool, u32, usize)> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let row = entry.action.row();
            let name = row.id.replace('-', " ");
            let by_name = pattern.score(Utf32Str::new(&name, &mut text), &mut matcher);
            let by_help = pattern.score(Utf32Str::new(row.help, &mut text), &mut matcher);
            // The name weighs more than a sentence in which the letters merely occur.
            let score = by_name.map(|score| score * 2).max(by_help);
            if let Some(score) = score {
                // Of names that fit alike, what can be run now comes first.
                scored.push((Fit::of(&name, &lower), entry.off.is_some(), score, index));
            }
        }
        scored.sort_by_key(|(fit, off, score, index)| (*fit, *off, std::cmp::Reverse(*score), *index));
        self.found = scored.into_iter().map(|(.., index)| index).collect();
    }

    /// Moves the choice.
    pub fn shift(&mut self, by: i64) {
        let last = self.found.len().saturating_sub(1) as i64;
        self.at = (self.at as i64).saturating_add(by).clamp(0, last) as usize;
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        self.search();
        Reply::stay()
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Down" | "Ctrl-n") => self.shift(1),
            Some("Up" | "Ctrl-p") => self.shift(-1),
            Some("PgDn") => self.shift(8),
            Some("PgUp") => self.shift(-8),
            Some("Enter") => {
                let Some(entry) = self.found.get(self.at).map(|index| &self.entries[*index]) else {
                    return Reply::stay();
                };
                return match &entry.off {
                    None => Reply { close: true, run: Some(entry.action), ..Reply::default() },
                    Some(why) => Reply {
                        effects: vec![Effect::Toast(Tone::Warning, format!("Cannot do that: {why}."))],
                        ..Reply::default()
                    },
                };
            }
            _ => {
                if self.line.key(key) {
                    self.search();
                }
            }
        }
        Reply::stay()
    }

    /// Draws itself in the upper middle.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let place = dialog(ctx, buffer, area, 86, 20);
        let count = format!("{} of {}", self.found.len(), self.entries.len());
        let inner = Panel::new(theme, "Commands", true)
            .right(Line::from(span(count, theme.muted)))
            .draw(theme, buffer, place);
        if inner.height < 3 {
            return;
        }
        let mut typed = vec![span(": ", theme.key)];
        typed.extend(self.line.spans(ctx, usize::from(inner.width.saturating_sub(6))));
        put(buffer, inner.x + 2, inner.y, inner.width.saturating_sub(3), &Line::from(typed));
        let rows = usize::from(inner.height - 2);
        let mut top = self.top.get().min(self.at);
        top = top.max((self.at + 1).saturating_sub(rows));
        self.top.set(top);
        let names = self.entries.iter().map(|entry| entry.action.row().id.len()).max().unwrap_or(0);
        let cells = usize::from(inner.width.saturating_sub(4));
        if self.found.is_empty() {
            let line = Line::from(span("No command matches.", theme.muted));
            put(buffer, inner.x + 2, inner.y + 2, cells as u16, &line);
        }
        for (index, entry) in self.found().enumerate().skip(top).take(rows) {
            let y = inner.y + 2 + (index - top) as u16;
            let row = entry.action.row();
            let keys = shown_keys(row).first().cloned().unwrap_or_default();
            let room = cells.saturating_sub(names + 2 + width(&keys) + 2);
            let (name_style, text, text_style) = match &entry.off {
                None => (theme.bold, row.help.to_owned(), theme.muted),
                Some(why) => (theme.muted, format!("off: {why}"), theme.muted),
            };
            let line = Line::from(vec![
                span(left(&row.id.replace('-', " "), names + 2), name_style),
                span(left(&cut_end(&text, room), room), text_style),
                span("  ", theme.key.remove_modifier(ratatui::style::Modifier::UNDERLINED)),
                span(keys, if entry.off.is_none() { theme.key } else { theme.muted }),
            ]);
            put(buffer, inner.x + 2, y, cells as u16, &line);
            let whole = Rect::new(inner.x, y, inner.width, 1);
            ctx.target(whole, Target::Choice(index));
            if index == self.at {
                mark_selected(theme, buffer, whole, true);
            }
        }
    }

    /// Chooses a row by the mouse.
    pub fn click(&mut self, at: usize) {
        self.at = at.min(self.found.len().saturating_sub(1));
    }
}
