//! The question for a line of text: the value of a conflict, with the allowed ones offered, or a reason.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::confirm::Pending;
use super::input::TextLine;
use super::{Reply, dialog};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::text::{cut_end, put, span};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::review::Choice;
use crate::engine::operate::disputes::{Reach, Wish};

/// What the text is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// The value that settles a conflict.
    Value {
        /// Which.
        conflict: ConflictId,
        /// The field and the person, in words.
        title: String,
        /// What the target takes, nearest first; empty when anything.
        allowed: Vec<String>,
        /// What to begin with.
        present: String,
    },
    /// What Intercom's value is in the CRM.
    Translation {
        /// Of which conflict.
        conflict: ConflictId,
        /// The field.
        field: String,
        /// Intercom's value.
        from: String,
        /// What the CRM is known to take, nearest first.
        allowed: Vec<String>,
    },
    /// Why executions are given up.
    Reason {
        /// Which.
        ids: Vec<ExecutionId>,
        /// One line for each.
        subjects: Vec<String>,
    },
}

/// A question for a line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What it is for.
    pub purpose: Purpose,
}

impl Question {
    /// A question.
    pub const fn new(purpose: Purpose) -> Self {
        Self { purpose }
    }
}

/// The dialog.
#[derive(Debug)]
pub struct Prompt {
    purpose: Purpose,
    line: TextLine,
    at: Option<usize>,
    problem: Option<String>,
}

impl Prompt {
    /// Opens the dialog.
    pub fn open(question: Question) -> Self {
        let line = match &question.purpose {
            Purpose::Value { present, allowed, .. } if allowed.is_empty() => TextLine::with(present),
            _ => TextLine::default(),
        };
        Self { purpose: question.purpose, line, at: None, problem: None }
    }

    /// The allowed values that contain what was typed, in their order.
    fn offered(&self) -> Vec<&String> {
        let (Purpose::Value { allowed, .. } | Purpose::Translation { allowed, .. }) = &self.purpose else {
            return Vec::new();
        };
        let typed = self.line.text().to_lowercase();
        let matching: Vec<&String> =
            allowed.iter().filter(|value| value.to_lowercase().contains(&typed)).collect();
        if matching.is_empty() || allowed.iter().any(|value| value == self.line.text()) {
            return allowed.iter().collect();
        }
        matching
    }

    fn answer(&mut self) -> Reply {
        let text = self.line.text().trim().to_owned();
        match &self.purpose {
            Purpose::Value { conflict, allowed, .. } => {
                if !allowed.is_empty() && !allowed.contains(&text) {
                    self.problem = Some(match self.offered().first() {
                        Some(nearest) => format!("Not one of the allowed values; Tab takes \"{nearest}\"."),
                        None => "Not one of the allowed values.".to_owned(),
                    });
                    return Reply::stay();
                }
                if text.is_empty() {
                    self.problem = Some("A value is wanted; 0 empties the field on both sides.".to_owned());
                    return Reply::stay();
                }
                Reply::then(vec![Effect::Typed(*conflict, text)])
            }
            Purpose::Translation { conflict, field, from, .. } => {
                if text.is_empty() {
                    self.problem = Some("Which value the CRM takes for it is wanted.".to_owned());
                    return Reply::stay();
                }
                let title = format!("{field}: \"{}\" is \"{text}\" in the CRM", cut_end(from, 24));
                let wish = Wish::Settle(Choice::Translate(text));
                let pending = Pending::Propose { conflict: *conflict, wish, reach: Reach::This, title };
                Reply::then(vec![Effect::Confirm(Box::new(pending))])
            }
            Purpose::Reason { ids, subjects } => {
                if text.is_empty() {
                    self.problem =
                        Some("A reason is wanted: whoever reads the audit log asks for it.".to_owned());
                    return Reply::stay();
                }
                let pending = Pending::Discard { ids: ids.clone(), subjects: subjects.clone(), reason: text };
                Reply::then(vec![Effect::Confirm(Box::new(pending))])
            }
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        self.at = None;
        self.problem = None;
        Reply::stay()
    }

    /// A key: arrows choose an allowed value, Tab takes it, Enter goes on to the confirmation.
    pub fn key(&mut self, key: KeyEvent) -> Reply {
        let offered: Vec<String> = self.offered().into_iter().cloned().collect();
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Enter") => {
                if let Some(value) = self.at.and_then(|at| offered.get(at)) {
                    self.line.set(value);
                }
                return self.answer();
            }
            Some("Tab") => {
                if let Some(value) = offered.get(self.at.unwrap_or(0)) {
                    self.line.set(value);
                    self.at = None;
                    self.problem = None;
                }
            }
            Some("Down") if !offered.is_empty() => {
                self.at = Some(self.at.map_or(0, |at| (at + 1).min(offered.len() - 1)));
            }
            Some("Up") if !offered.is_empty() => {
                self.at = self.at.and_then(|at| at.checked_sub(1));
            }
            _ => {
                if self.line.key(key) {
                    self.at = None;
                    self.problem = None;
                }
            }
        }
        Reply::stay()
    }

    /// Its keys.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = vec![Hint::new("Enter", "go on"), Hint::new("Esc", "cancel")];
        if !self.offered().is_empty() {
            hints.push(Hint::new("Tab", "complete"));
            hints.push(Hint::new("↑↓", "choose"));
        }
        hints
    }

    /// Draws itself in the middle.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let offered = self.offered();
        let shown = offered.len().min(8);
        let height = 5 + if shown > 0 { shown as u16 + 1 } else { 0 };
        let place = dialog(ctx, buffer, area, 72, height);
        let (title, label) = match &self.purpose {
            Purpose::Value { title, .. } => (title.clone(), "New value, written to both sides"),
            Purpose::Translation { field, from, .. } => (
                format!("{field}: \"{from}\" of Intercom"),
                "What it is in the CRM, for everybody from now on",
            ),
            Purpose::Reason { ids, .. } => {
                let word = if ids.len() == 1 { "it" } else { "them" };
                (
                    format!("Discard {}", crate::console::text::counted(ids.len() as u64, "execution")),
                    match word {
                        "it" => "Why give it up?",
                        _ => "Why give them up?",
                    },
                )
            }
        };
        let cells = usize::from(place.width.saturating_sub(6));
        let inner = Panel::new(theme, &cut_end(&title, cells), true).draw(theme, buffer, place);
        if inner.height < 3 {
            return;
        }
        let row = |buffer: &mut Buffer, y: u16, line: Line<'static>| {
            if y < inner.bottom() {
                put(buffer, inner.x + 2, y, inner.width.saturating_sub(4), &line);
            }
        };
        row(buffer, inner.y, Line::from(span(label, theme.muted)));
        let mut typed = vec![span("› ", theme.key)];
        typed.extend(self.line.spans(ctx, cells.saturating_sub(2)));
        row(buffer, inner.y + 1, Line::from(typed));
        if let Some(problem) = &self.problem {
            row(buffer, inner.y + 2, Line::from(span(cut_end(problem, cells), theme.error)));
        }
        let from = self.at.map_or(0, |at| (at + 1).saturating_sub(shown));
        for (index, value) in offered.iter().enumerate().skip(from).take(shown) {
            let y = inner.y + 3 + (index - from) as u16;
            row(
                buffer,
                y,
                Line::from(span(format!("  {}", cut_end(value, cells.saturating_sub(2))), theme.text)),
            );
            if self.at == Some(index) && y < inner.bottom() {
                mark_selected(theme, buffer, Rect::new(inner.x, y, inner.width, 1), true);
            }
        }
        if offered.len() > shown && shown > 0 {
            let text = format!("  {} allowed values in all", offered.len());
            row(buffer, inner.y + 3 + shown as u16, Line::from(span(text, theme.muted)));
        }
    }
}
