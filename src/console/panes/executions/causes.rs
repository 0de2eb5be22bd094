//! Failures by their cause: one row each, with how many wait, since when, and what is to be done once for all of them.
//!
//! Holds at most as many causes as were asked for; opening one shows its executions.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::asks::Ask;
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Answer, Ticket};
use crate::console::panes::parts::{labelled, rule};
use crate::console::text::{age, counted, put, span, thousands, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Kind, Table};
use crate::domain::fingerprint::Cause;
use crate::domain::trouble::advise;

const COLUMNS: [Column; 7] = [
    Column::new("", Kind::Words, 1),
    Column::new("WAIT", Kind::Number, 7),
    Column::new("CAUSE", Kind::Words, 44).at_least(32),
    Column::new("WORDS", Kind::Words, 80).at_least(20).drops(3),
    Column::new("FIRST", Kind::Number, 5).drops(1),
    Column::new("LAST", Kind::Number, 4),
    Column::new("EVER", Kind::Number, 7).drops(2),
];

/// The causes and which of them is selected.
#[derive(Debug, Default)]
pub(super) struct Causes {
    rows: Option<Vec<Cause>>,
    selected: Option<String>,
    asked: Option<Ticket>,
    failed: Option<String>,
    top: Cell<usize>,
    height: Cell<usize>,
}

impl Causes {
    pub(super) fn ask(&mut self, ctx: &Ctx) -> Vec<Effect> {
        if self.asked.is_some() {
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::AboutExecutions(Ask::Causes))]
    }

    pub(super) fn take(&mut self, ticket: Ticket, answer: Answer<Vec<Cause>>) {
        if self.asked != Some(ticket) {
            return;
        }
        self.asked = None;
        match answer {
            Ok(rows) => {
                self.failed = None;
                if self.selected.as_ref().is_none_or(|key| !rows.iter().any(|row| row.cause == *key)) {
                    self.selected = rows.first().map(|row| row.cause.clone());
                }
                self.rows = Some(rows);
            }
            Err(why) => self.failed = Some(why),
        }
    }

    fn rows(&self) -> &[Cause] {
        self.rows.as_deref().unwrap_or_default()
    }

    fn index(&self) -> Option<usize> {
        let key = self.selected.as_ref()?;
        self.rows().iter().position(|row| row.cause == *key)
    }

    pub(super) fn current(&self) -> Option<&Cause> {
        self.index().map(|at| &self.rows()[at])
    }

    pub(super) fn step(&mut self, action: Action) {
        let page = self.height.get().max(2) as i64;
        self.shift(match action {
            Action::Down => 1,
            Action::Up => -1,
            Action::HalfDown => page / 2,
            Action::HalfUp => -page / 2,
            Action::PageDown => page - 1,
            Action::PageUp => 1 - page,
            Action::First => i64::MIN / 2,
            Action::Last => i64::MAX / 2,
            _ => 0,
        });
    }

    pub(super) fn shift(&mut self, by: i64) {
        let last = self.rows().len().saturating_sub(1) as i64;
        let at = (self.index().unwrap_or(0) as i64).saturating_add(by).clamp(0, last.max(0));
        self.selected = self.rows().get(at as usize).map(|row| row.cause.clone());
    }

    pub(super) fn click(&mut self, at: usize) {
        let at = self.top.get() + at;
        if let Some(row) = self.rows().get(at) {
            self.selected = Some(row.cause.clone());
        }
    }

    pub(super) fn draw_list(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect, focused: bool) {
        let theme = &ctx.theme;
        ctx.target(area, Target::List);
        let waiting: u64 = self.rows().iter().map(Cause::waiting).sum();
        let right = match &self.rows {
            None => "…".to_owned(),
            Some(rows) => {
                format!("{} of {}", counted(rows.len() as u64, "cause"), counted(waiting, "execution"))
            }
        };
        let inner = Panel::new(theme, "Why executions fail", focused)
            .right(Line::from(span(right, theme.muted)))
            .bottom_left(Line::from(span("most failed first", theme.muted)))
            .bottom_right(Line::from(vec![span("#", theme.key), span(" executions", theme.muted)]))
            .draw(theme, buffer, area);
        if inner.height < 2 {
            return;
        }
        if self.rows().is_empty() {
            let text = match (&self.failed, &self.rows) {
                (Some(why), _) => format!(
                    "The causes cannot be read.\n{why}\nThey are asked for again by themselves; nothing is lost meanwhile."
                ),
                (None, None) => match ctx.reading() {
                    Some((_, _, text)) => text,
                    None => return,
                },
                (None, Some(_)) => {
                    "Nothing waits for a cause to be mended.\n# shows every execution.".to_owned()
                }
            };
            let cells = usize::from(inner.width.saturating_sub(6));
            for (at, line) in wrap(&text, cells).into_iter().take(usize::from(inner.height)).enumerate() {
                let style = if at == 0 { theme.bold } else { theme.muted };
                put(buffer, inner.x + 4, inner.y + at as u16, cells as u16, &Line::from(span(line, style)));
            }
            return;
        }
        let height = usize::from(inner.height - 1);
        self.height.set(height);
        let index = self.index();
        let mut top = self.top.get().min(self.rows().len().saturating_sub(height));
        if let Some(index) = index {
            top = top.min(index).max((index + 1).saturating_sub(height));
        }
        self.top.set(top);
        let shown: Vec<&Cause> = self.rows().iter().skip(top).take(height).collect();
        for at in 0..shown.len() {
            ctx.target(Rect::new(inner.x, inner.y + 1 + at as u16, inner.width, 1), Target::Row(at));
        }
        let rows = shown
            .iter()
            .map(|cause| {
                let (glyph, style) =
                    if cause.failed > 0 { ("✗", theme.error) } else { ("↻", theme.warn) };
                let words = if cause.words.is_empty() { cause.sentence.clone() } else { cause.words.clone() };
                vec![
                    (glyph.to_owned(), style),
                    (thousands(cause.waiting()), theme.bold),
                    (cause.title(), theme.text),
                    (words, theme.muted),
                    (age(ctx.now, cause.first_at), theme.muted),
                    (age(ctx.now, cause.last_at), theme.muted),
                    (thousands(cause.seen), theme.muted),
                ]
            })
            .collect();
        let selected = index.map(|at| at - top);
        let table = Table { columns: &COLUMNS, rows, selected, focused, sorted: None, marked: None };
        table.draw(theme, buffer, inner);
    }

    /// What the selected cause is and what mends it.
    pub(super) fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let Some(cause) = self.current() else { return Vec::new() };
        let told = advise(cause.system, cause.class, &cause.words);
        let mut lines = Vec::new();
        let mut say = |text: &str, style| {
            lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))));
        };
        say(&cause.title(), theme.error.add_modifier(ratatui::style::Modifier::BOLD));
        let parts = [(cause.failed, "failed"), (cause.retrying, "tried again by themselves")];
        let counts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", thousands(count)))
            .collect();
        say(&format!("{}: {}.", counted(cause.waiting(), "execution"), counts.join(", ")), theme.text);
        say("", theme.text);
        lines.extend(labelled(ctx, "Why", told.meaning, theme.text, cells));
        lines.extend(labelled(ctx, "Fix", told.hint, theme.bold, cells));
        let first =
            format!("{}; {} tries failed for it since", ctx.full(cause.first_at), thousands(cause.seen));
        lines.extend(labelled(ctx, "First", &first, theme.text, cells));
        lines.extend(labelled(ctx, "Last", &ctx.full(cause.last_at), theme.text, cells));
        lines.push(Line::default());
        if !cause.words.is_empty() {
            lines.push(rule(ctx, "What all of them were told", cells));
            lines.extend(
                wrap(&cause.words, cells).into_iter().map(|line| Line::from(span(line, theme.quote))),
            );
            lines.push(Line::default());
        }
        lines.push(rule(ctx, &format!("The newest, {}", cause.newest), cells));
        lines.extend(wrap(&cause.sentence, cells).into_iter().map(|line| Line::from(span(line, theme.text))));
        lines.push(Line::default());
        lines.push(Line::from(vec![
            span("Enter", theme.key),
            span(" shows them", theme.muted),
            span("   then * marks all, r retries", theme.muted),
        ]));
        lines
    }
}
