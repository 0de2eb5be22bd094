//! A part of the detail that one walks through line by line: JSON that folds, and doors to other rows.
//!
//! Only the lines in sight are built; nothing is loaded here and nothing decided.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::text::{put, span};
use crate::console::theme::Theme;
use crate::console::widgets::list::mark_selected;
use crate::console::widgets::tree::Tree;
use crate::domain::ids::ExecutionId;
use crate::domain::record::RecordRef;

/// The weight of a word; the theme says how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Text,
    Bold,
    Muted,
    Ok,
    Warn,
    Error,
    Key,
}

impl Role {
    const fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Text => theme.text,
            Self::Bold => theme.bold,
            Self::Muted => theme.muted,
            Self::Ok => theme.ok,
            Self::Warn => theme.warn,
            Self::Error => theme.error,
            Self::Key => theme.key,
        }
    }
}

/// Words of one line.
pub(super) type Words = Vec<(String, Role)>;

/// Where a line leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Another execution.
    Execution(ExecutionId),
    /// A review item, by its public id.
    Item(String),
    /// A record, at its vendor.
    Record(RecordRef),
}

#[derive(Debug)]
enum Part {
    Words(Words),
    /// A heading with a rule to the end of the line.
    Heading(String),
    Door(Words, Way),
    Tree(Tree),
}

impl Part {
    const fn len(&self) -> usize {
        match self {
            Self::Tree(tree) => tree.len(),
            _ => 1,
        }
    }
}

/// The lines and the one the cursor is on.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    parts: Vec<Part>,
    at: usize,
    top: Cell<usize>,
    height: Cell<usize>,
}

impl Sheet {
    pub(super) fn words(&mut self, words: Words) {
        self.parts.push(Part::Words(words));
    }

    pub(super) fn heading(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Heading(text.into()));
    }

    pub(super) fn blank(&mut self) {
        self.parts.push(Part::Words(Vec::new()));
    }

    pub(super) fn door(&mut self, words: Words, way: Way) {
        self.parts.push(Part::Door(words, way));
    }

    /// A body; what says so where there is none.
    pub(super) fn body(&mut self, text: &str) {
        let tree = Tree::new(text);
        if tree.is_empty() {
            self.words(vec![("— no body".to_owned(), Role::Muted)]);
        } else {
            self.parts.push(Part::Tree(tree));
        }
    }

    /// The same place as in another sheet, as far as it is there.
    #[must_use]
    pub(super) fn at_place_of(mut self, other: Option<&Self>) -> Self {
        if let Some(other) = other {
            self.at = other.at.min(self.len().saturating_sub(1));
            self.top.set(other.top.get());
        }
        self
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// How many lines are out of sight below.
    pub(super) fn below(&self, height: u16) -> usize {
        self.len().saturating_sub(self.top.get() + usize::from(height))
    }

    fn place(&self, line: usize) -> Option<(usize, usize)> {
        let mut left = line;
        for (at, part) in self.parts.iter().enumerate() {
            if left < part.len() {
                return Some((at, left));
            }
            left -= part.len();
        }
        None
    }

    /// The line a part begins on.
    fn begins(&self, part: usize) -> usize {
        self.parts.iter().take(part).map(Part::len).sum()
    }

    /// Moves the cursor.
    pub(super) fn step(&mut self, action: Action) {
        let page = self.height.get().max(2) as i64;
        let by = match action {
            Action::Down => 1,
            Action::Up => -1,
            Action::HalfDown => page / 2,
            Action::HalfUp => -page / 2,
            Action::PageDown => page - 1,
            Action::PageUp => 1 - page,
            Action::First => i64::MIN / 2,
            Action::Last => i64::MAX / 2,
            _ => 0,
        };
        self.shift(by);
    }

    /// Moves the cursor by lines.
    pub(super) fn shift(&mut self, by: i64) {
        let last = self.len().saturating_sub(1) as i64;
        self.at = (self.at as i64).saturating_add(by).clamp(0, last.max(0)) as usize;
    }

    /// Whether the cursor is on something that folds, and is unfolded.
    pub(super) fn is_open(&self) -> Option<bool> {
        let (part, row) = self.place(self.at)?;
        match &self.parts[part] {
            Part::Tree(tree) => tree.is_open(row),
            _ => None,
        }
    }

    /// Folds or unfolds what the cursor is in; false when that does not fold.
    pub(super) fn toggle(&mut self) -> bool {
        let Some((part, row)) = self.place(self.at) else { return false };
        let begins = self.begins(part);
        let Part::Tree(tree) = &mut self.parts[part] else { return false };
        let Some(row) = tree.toggle(row) else { return false };
        self.at = begins + row;
        true
    }

    /// Where the cursor's line leads.
    pub(super) fn way(&self) -> Option<&Way> {
        match &self.parts[self.place(self.at)?.0] {
            Part::Door(_, way) => Some(way),
            _ => None,
        }
    }

    /// The whole value on the cursor's line.
    pub(super) fn value(&self) -> Option<String> {
        let (part, row) = self.place(self.at)?;
        match &self.parts[part] {
            Part::Tree(tree) => tree.value(row).map(str::to_owned),
            Part::Door(_, Way::Record(record)) => Some(record.to_string()),
            Part::Door(_, Way::Execution(id)) => Some(id.to_string()),
            Part::Door(_, Way::Item(id)) => Some(id.clone()),
            _ => None,
        }
    }

    /// Puts the cursor on line `n` of those in sight.
    pub(super) fn click(&mut self, line: usize) {
        self.at = (self.top.get() + line).min(self.len().saturating_sub(1));
    }

    pub(super) fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect, focused: bool) {
        let theme = &ctx.theme;
        let height = usize::from(area.height);
        self.height.set(height);
        let most = self.len().saturating_sub(height);
        let mut top = self.top.get().min(most);
        if focused {
            top = top.min(self.at).max((self.at + 1).saturating_sub(height));
        }
        self.top.set(top);
        let cells = usize::from(area.width.saturating_sub(2));
        for line in 0..height {
            let Some((part, row)) = self.place(top + line) else { break };
            let y = area.y + line as u16;
            let shown = match &self.parts[part] {
                Part::Words(words) | Part::Door(words, _) => Line::from(
                    words
                        .iter()
                        .map(|(text, role)| span(text.clone(), role.style(theme)))
                        .collect::<Vec<_>>(),
                ),
                Part::Heading(text) => {
                    let used = crate::console::text::width(text) + 1;
                    Line::from(vec![
                        span(text.clone(), theme.bold),
                        span(format!(" {}", "─".repeat(cells.saturating_sub(used))), theme.faint),
                    ])
                }
                Part::Tree(tree) => tree.line(theme, row, cells),
            };
            ctx.target(Rect::new(area.x, y, area.width, 1), Target::Choice(line));
            put(buffer, area.x + 1, y, area.width.saturating_sub(2), &shown);
            if focused && top + line == self.at {
                mark_selected(theme, buffer, Rect::new(area.x, y, area.width, 1), true);
            }
        }
    }
}
