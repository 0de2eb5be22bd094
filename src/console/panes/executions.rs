//! Screen 2: executions, newest first, and beside them what happened, why, and what mends it.
//!
//! Never retries by itself and never hides a failure: it only asks the operator module and shows its answer.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::execution_detail::{self, Tab};
use super::parts::{self, Frame};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::prompt::{Purpose, Question};
use crate::console::layers::toast::Tone;
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{age, ahead, counted, span};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Kind, hidden, scrolled};
use crate::domain::execution::{Execution, ExecutionDetail, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::review::Decision;
use crate::domain::undo::MERGING;

const COLUMNS: [Column; 8] = [
    Column { title: "", kind: Kind::Words, drop: 0, most: 1 },
    Column { title: "", kind: Kind::Words, drop: 0, most: 1 },
    Column { title: "AGE", kind: Kind::Number, drop: 0, most: 4 },
    Column { title: "RECIPE", kind: Kind::Words, drop: 0, most: 24 },
    Column { title: "RECORD", kind: Kind::Words, drop: 0, most: 28 },
    Column { title: "TRY", kind: Kind::Number, drop: 3, most: 7 },
    Column { title: "CODE", kind: Kind::Number, drop: 1, most: 4 },
    Column { title: "NEXT", kind: Kind::Number, drop: 2, most: 8 },
];

/// What needs or awaits something; Esc shows everything.
const OPEN: &str = "status:open";

impl Row for Execution {
    fn key(&self) -> i64 {
        self.id.0
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Executions {
    window: Window<Execution>,
    focus: Focus,
    tab: Tab,
    detail: Option<Box<ExecutionDetail>>,
    asked: Option<(Ticket, ExecutionId)>,
    gone: Option<ExecutionId>,
    scroll: Cell<usize>,
}

impl Default for Executions {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Executions).filtered(OPEN),
            focus: Focus::List,
            tab: Tab::Explain,
            detail: None,
            asked: None,
            gone: None,
            scroll: Cell::new(0),
        }
    }
}

impl Executions {
    /// The marked executions, else the selected one.
    fn chosen(&self) -> Vec<ExecutionId> {
        if self.window.marks().is_empty() {
            return self.window.current().map(|row| row.id).into_iter().collect();
        }
        self.window.marks().iter().map(|key| ExecutionId(*key)).collect()
    }

    /// Loads the selected execution whole; only the newest question counts.
    fn look(&mut self, ctx: &Ctx, again: bool) -> Vec<Effect> {
        let Some(id) = self.window.current().map(|row| row.id) else { return Vec::new() };
        let shown = self.detail.as_ref().is_some_and(|detail| detail.execution.id == id);
        let asked = self.asked.is_some_and(|(_, asked)| asked == id);
        if !again && (shown || asked) {
            return Vec::new();
        }
        if !shown {
            self.scroll.set(0);
        }
        let ticket = ctx.ticket();
        self.asked = Some((ticket, id));
        vec![Effect::Load(ticket, Query::Execution(id))]
    }

    fn retry(&mut self) -> Vec<Effect> {
        let ids = self.chosen();
        if ids.len() > 1 {
            let subjects = self.subjects(&ids);
            return vec![Effect::Confirm(Box::new(Pending::Retry { ids, subjects }))];
        }
        for id in &ids {
            self.window.edit(id.0, |row| row.status = Status::Retrying);
        }
        if ids.is_empty() { Vec::new() } else { vec![Effect::Retry(ids)] }
    }

    fn subjects(&self, ids: &[ExecutionId]) -> Vec<String> {
        ids.iter()
            .map(|id| match self.window.rows().iter().find(|row| row.id == *id) {
                Some(row) => format!("{id}  {}  {}", row.recipe, row.subject),
                None => id.to_string(),
            })
            .collect()
    }

    /// Asks to take back what the row's execution merged.
    fn undo(&self) -> Vec<Effect> {
        let Some(row) = self.window.current() else { return Vec::new() };
        let title = format!("Take back the merge of {}", row.subject);
        let decision = Decision::UndoMerge { merge: row.id };
        vec![Effect::Confirm(Box::new(Pending::Decide { decision, title }))]
    }

    fn mark_same(&mut self) -> Vec<Effect> {
        let Some((class, code)) = self.window.current().map(|row| (row.error_class, row.error_code)) else {
            return Vec::new();
        };
        let count = self
            .window
            .mark_where(|row| row.error_class == class && row.error_code == code && row.status.can_retry());
        let text =
            format!("{} of this cause marked; r retries, D discards", counted(count as u64, "execution"));
        vec![Effect::Toast(Tone::Good, text)]
    }

    fn below(&self, ctx: &Ctx) -> Vec<Line<'static>> {
        let Some(row) = self.window.current() else { return Vec::new() };
        let Some(class) = row.error_class else { return Vec::new() };
        let same = self.window.rows().iter().filter(|other| {
            other.error_class == Some(class)
                && other.error_code == row.error_code
                && other.status == row.status
        });
        let count = same.count();
        if count < 2 || row.status != Status::Failed {
            return Vec::new();
        }
        let theme = &ctx.theme;
        vec![Line::from(vec![
            span(format!("{count} failed for this cause: "), theme.muted),
            span("*", theme.key),
            span(" marks them, ", theme.muted),
            span("r", theme.key),
            span(" retries", theme.muted),
        ])]
    }

    fn draw_detail(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let row = self.window.current();
        let mut title = Vec::new();
        let mut x = area.x + 3;
        for (index, tab) in Tab::ALL.into_iter().enumerate() {
            let word = if tab == self.tab { format!("[{}]", tab.title()) } else { tab.title().to_owned() };
            let style = match (tab == self.tab, focused) {
                (true, true) => theme.key,
                (true, false) => theme.bold,
                _ => theme.muted,
            };
            if index > 0 {
                title.push(span("  ", theme.muted));
                x += 2;
            }
            let cells = crate::console::text::width(&word) as u16;
            ctx.target(Rect::new(x, area.y, cells, 1), Target::Tab(index));
            x += cells;
            title.push(span(word, style));
        }
        let state = row.map_or_else(Line::default, |row| {
            Line::from(span(format!("{} {}", row.status.glyph(), row.status), theme.status(row.status)))
        });
        let id = row.map_or_else(Line::default, |row| {
            Line::from(vec![
                span(format!("{} ", row.id), theme.muted),
                span("y", theme.key),
                span(" copy", theme.muted),
            ])
        });
        let lines = self.lines(ctx, usize::from(area.width.saturating_sub(4)));
        let hidden = hidden(lines.len(), area.height.saturating_sub(2), &self.scroll);
        let more = if hidden > 0 { Line::from(span("↓ more", theme.muted)) } else { Line::default() };
        let inner = Panel::titled(Line::from(title), focused)
            .right(state)
            .bottom_left(more)
            .bottom_right(id)
            .draw(theme, buffer, area);
        let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        if inner.width > 0 {
            scrolled(buffer, body, &lines, &self.scroll);
        }
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let Some(row) = self.window.current() else { return Vec::new() };
        if self.gone == Some(row.id) {
            return vec![Line::from(span("This execution is no longer in the journal.", ctx.theme.muted))];
        }
        let detail = self.detail.as_deref().filter(|detail| detail.execution.id == row.id);
        execution_detail::lines(ctx, row, detail, self.tab, cells)
    }
}

impl Pane for Executions {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        match msg {
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                super::scroll_as(&self.scroll, action);
            }
            Msg::Act(action) if keys::moves(action) => effects = self.window.step(ctx, action),
            Msg::Act(Action::Retry) => return self.retry(),
            Msg::Act(Action::Discard) => {
                let ids = self.chosen();
                let subjects = self.subjects(&ids);
                return vec![Effect::Ask(Box::new(Question::new(Purpose::Reason { ids, subjects })))];
            }
            Msg::Act(Action::UndoMerge) => return self.undo(),
            Msg::Act(Action::MarkSame) => return self.mark_same(),
            Msg::Act(Action::Mark) => effects = self.window.toggle_mark(ctx),
            Msg::Act(Action::MarkRange) => self.window.toggle_range(),
            Msg::Act(Action::ClearMarks) => {
                self.window.clear_marks();
            }
            Msg::Act(Action::Open) | Msg::Click(Target::Detail, _) => self.focus = Focus::Detail,
            Msg::Act(Action::NextBox | Action::PreviousBox) => self.focus = self.focus.other(),
            Msg::Act(Action::NextTab) => self.turn(1),
            Msg::Act(Action::PreviousTab) => self.turn(Tab::ALL.len() - 1),
            Msg::Act(Action::Copy) => {
                return self
                    .window
                    .current()
                    .map(|row| Effect::Copy(row.id.to_string()))
                    .into_iter()
                    .collect();
            }
            Msg::Shown | Msg::Refresh => {
                effects.extend(self.window.refresh(ctx));
                effects.extend(self.look(ctx, true));
            }
            Msg::Filter(text, filter) => effects.extend(self.window.set_filter(ctx, text, filter)),
            Msg::Select(key) => effects.extend(self.window.select(ctx, key)),
            Msg::Loaded(ticket, Loaded::Executions(page)) => {
                effects.extend(self.window.answer(ctx, ticket, page).1);
            }
            Msg::Loaded(ticket, Loaded::Execution(id, answer)) => {
                if self.asked.is_some_and(|(asked, _)| asked == ticket) {
                    self.asked = None;
                    match answer {
                        Ok(Some(detail)) => {
                            self.window.edit(id.0, |row| *row = detail.execution.clone());
                            self.detail = Some(detail);
                            self.gone = None;
                        }
                        Ok(None) => self.gone = Some(id),
                        // The rows say that the journal cannot be read; saying it twice helps nobody.
                        Err(_) => {}
                    }
                }
                return Vec::new();
            }
            Msg::Click(Target::Row(at), double) => {
                self.window.click(at);
                self.focus = if double { Focus::Detail } else { Focus::List };
            }
            Msg::Click(Target::Tab(at), _) => {
                if let Some(tab) = Tab::ALL.get(at) {
                    self.tab = *tab;
                    self.scroll.set(0);
                }
                self.focus = Focus::Detail;
            }
            Msg::Click(Target::List, _) => self.focus = Focus::List,
            Msg::Wheel(Target::Detail | Target::Tab(_), by) => super::scroll_by(&self.scroll, by),
            Msg::Wheel(_, by) => effects = self.window.shift(ctx, by),
            _ => {}
        }
        effects.extend(self.look(ctx, false));
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let list_width = if ctx.size.0 >= 160 { 84 } else { area.width * 11 / 20 };
        let (list, detail) = split(ctx, area, self.focus, list_width);
        if let Some(list) = list {
            let frame = Frame {
                title: "Executions",
                order: "newest first",
                columns: &COLUMNS,
                nothing: if self.window.text() == OPEN {
                    "Nothing needs you, and nothing waits.\nEsc shows every execution."
                } else {
                    "No executions yet.\nThey appear with the first webhook or poll; reknit doctor checks \
                     the connections."
                },
                focused: self.focus == Focus::List,
                below: self.below(ctx),
            };
            let theme = &ctx.theme;
            parts::list(ctx, buffer, list, &frame, &self.window, |row| {
                let marked = self.window.marks().contains(&row.id.0);
                let tries = if row.attempts > 0 || !row.status.is_finished() {
                    format!("{}/{}", row.attempts, row.max_attempts)
                } else {
                    String::new()
                };
                let code = row.error_code.filter(|_| row.error_class.is_some());
                vec![
                    (if marked { "+" } else { " " }.to_owned(), theme.key),
                    (row.status.glyph().to_owned(), theme.status(row.status)),
                    (age(ctx.now, row.updated_at), theme.muted),
                    (row.recipe.clone(), theme.text),
                    (row.subject.clone(), theme.text),
                    (tries, theme.muted),
                    (
                        code.map_or_else(String::new, |code| code.to_string()),
                        if row.status == Status::Failed {
                            theme.error
                        } else {
                            theme.code(code, row.error_class)
                        },
                    ),
                    (
                        row.due_at
                            .filter(|due| *due > ctx.now)
                            .map_or_else(String::new, |due| ahead(ctx.now, due)),
                        theme.muted,
                    ),
                ]
            });
        }
        if let Some(detail) = detail {
            self.draw_detail(ctx, buffer, detail);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let Some(row) = self.window.current() else {
            return match action {
                Action::Retry
                | Action::Discard
                | Action::UndoMerge
                | Action::MarkSame
                | Action::Mark
                | Action::MarkRange
                | Action::Copy
                | Action::Open => Err("there is no execution here".to_owned()),
                _ => Ok(()),
            };
        };
        let marks = self.window.marks();
        let status = row.status;
        match action {
            Action::Retry if marks.is_empty() && !status.can_retry() => {
                Err(format!("{} is {status}; only failed or waiting ones are retried", row.id))
            }
            Action::Discard if marks.is_empty() && matches!(status, Status::Succeeded | Status::Skipped) => {
                Err(format!("{} is {status}; there is nothing to give up", row.id))
            }
            Action::Discard if marks.is_empty() && status == Status::Discarded => {
                Err(format!("{} is discarded already", row.id))
            }
            Action::Discard if marks.is_empty() && status == Status::Running => {
                Err(format!("{} is running at this moment", row.id))
            }
            Action::UndoMerge if row.recipe != MERGING => {
                Err(format!("{} is no merge; only a merge can be taken back", row.id))
            }
            Action::UndoMerge if !matches!(status, Status::Succeeded | Status::Failed) => {
                Err(format!("{} is {status}; a merge is taken back once it is done", row.id))
            }
            Action::MarkSame if row.error_class.is_none() => Err("this one has not failed".to_owned()),
            Action::ClearMarks if marks.is_empty() => Err("nothing is marked".to_owned()),
            _ => Ok(()),
        }
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn back(&mut self, ctx: &Ctx) -> Option<Vec<Effect>> {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
            return Some(Vec::new());
        }
        if self.window.clear_marks() {
            return Some(Vec::new());
        }
        super::clear_filter(&mut self.window, ctx)
    }

    fn filter(&self) -> &str {
        self.window.typed()
    }

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        Some((row.id.to_string(), vec![row.subject.clone()]))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn items(&self) -> Vec<String> {
        self.chosen().iter().map(ToString::to_string).collect()
    }
}

impl Executions {
    fn turn(&mut self, by: usize) {
        let at = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        self.tab = Tab::ALL[(at + by) % Tab::ALL.len()];
        self.scroll.set(0);
    }
}
