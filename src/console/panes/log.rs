//! Screen 9, and the layer of `@`: every call to a vendor, newest first, with what was sent and answered.
//!
//! Sends nothing and repeats no call; what is copied holds no secret.

pub mod asks;

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::listing::Listed;
use super::parts::{self, Frame, labelled, rule};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::curl;
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Msg, Ticket};
use crate::console::text::{span, thousands, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::json;
use crate::console::widgets::list::{Column, Kind, hidden, scrolled};
use crate::domain::execution::{Attempt, Call};
use crate::domain::filter::Filter;
use crate::domain::record::System;
use crate::journal::calls::reaches_all;
use asks::{Ask, Told};

const COLUMNS: [Column; 7] = [
    Column::new("TIME", Kind::Words, 8).named("time", "when"),
    Column::new("SYS", Kind::Words, 3).named("system", "which vendor"),
    Column::new("METHOD", Kind::Words, 6).named("method", "the HTTP method"),
    Column::new("CODE", Kind::Number, 4).named("code", "the HTTP status of the answer"),
    Column::new("MS", Kind::Number, 7).named("ms", "how long it took").drops(1),
    Column::new("PATH", Kind::Path, 90).named("path", "what was called"),
    Column::new("EXECUTION", Kind::Words, 11).named("execution", "for which execution").drops(2),
];

impl Row for Call {
    fn key(&self) -> i64 {
        self.id
    }
}

type Known = (i64, Answer<Option<Box<Attempt>>>);

/// The screen's state.
#[derive(Debug)]
pub struct Log {
    window: Window<Call>,
    /// The filter leaves out what lies far back.
    near: bool,
    focus: Focus,
    asked: Option<(Ticket, i64)>,
    known: Option<Known>,
    scroll: Cell<usize>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Log).of(&COLUMNS),
            near: false,
            focus: Focus::List,
            asked: None,
            known: None,
            scroll: Cell::new(0),
        }
    }
}

/// The path of an address, without its host.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or(rest, |at| &rest[at..])
}

impl Log {
    /// Loads the selected call whole; only the newest question counts.
    fn look(&mut self, ctx: &Ctx) -> Option<Effect> {
        let id = self.window.current()?.id;
        let known = self.known.as_ref().is_some_and(|(known, _)| *known == id)
            || self.asked.is_some_and(|(_, asked)| asked == id);
        if known {
            return None;
        }
        let ticket = ctx.ticket();
        self.asked = Some((ticket, id));
        self.scroll.set(0);
        Some(Effect::Load(ticket, Query::Log(Ask::Call(id))))
    }

    fn whole(&self) -> Option<&Attempt> {
        let id = self.window.current()?.id;
        let (known, answer) = self.known.as_ref()?;
        if *known == id { answer.as_ref().ok()?.as_deref() } else { None }
    }

    fn told(&mut self, ctx: &Ctx, ticket: Ticket, told: Told) -> Vec<Effect> {
        match told {
            Told::Rows(page) => self.window.answer(ctx, ticket, page).1.into_iter().collect(),
            Told::Call(id, answer) => {
                if self.asked == Some((ticket, id)) {
                    self.asked = None;
                    self.known = Some((id, answer));
                }
                Vec::new()
            }
        }
    }

    /// What a vendor's support asks for, in one line.
    fn ticket_line(&self, ctx: &Ctx) -> Option<String> {
        let call = self.window.current()?;
        let code = call.status.map_or_else(|| "no answer".to_owned(), |code| code.to_string());
        let id = self.whole().and_then(|whole| whole.request_id.clone());
        let id = id.map_or_else(String::new, |id| format!(", request id {id}"));
        Some(format!("{} {} answered {code} at {}{id}", call.method, call.url, ctx.full(call.started_at)))
    }

    fn copy_as_curl(&self) -> Vec<Effect> {
        let Some(call) = self.whole() else { return Vec::new() };
        vec![Effect::copied(curl::of(call))]
    }

    fn draw_list(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let frame = Frame {
            title: "API calls",
            order: if self.near { "newest first, of the newest 50,000" } else { "newest first" },
            columns: &COLUMNS,
            nothing: "No call was made yet.\nThey appear with the first execution; reknit doctor makes one to each \
                      connection.",
            focused: self.focus == Focus::List,
            below: Vec::new(),
        };
        parts::list(ctx, buffer, area, &frame, &self.window, |call| {
            let code = call.status.map_or_else(|| "—".to_owned(), |code| code.to_string());
            vec![
                (ctx.moment(call.started_at), theme.muted),
                (System::of_url(&call.url).short().to_owned(), theme.muted),
                (call.method.clone(), theme.text),
                (code, theme.code(call.status, call.class)),
                (thousands(u64::from(call.duration_ms)), theme.muted),
                // What is asked of the record stands in the detail.
                (
                    path(&call.url)
                        .split_once('?')
                        .map_or_else(|| path(&call.url).to_owned(), |(path, _)| format!("{path}?…")),
                    theme.text,
                ),
                (call.execution.to_string(), theme.muted),
            ]
        });
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let Some(call) = self.window.current() else { return Vec::new() };
        let mut lines = Vec::new();
        let title = format!("{} {}", call.method, path(&call.url));
        lines.extend(wrap(&title, cells).into_iter().map(|line| Line::from(span(line, theme.bold))));
        lines.extend(wrap(&call.purpose, cells).into_iter().map(|line| Line::from(span(line, theme.text))));
        let answered = match (call.status, call.class) {
            (Some(code), None) => format!("{code}"),
            (Some(code), Some(class)) => format!("{code}, {class}"),
            (None, Some(class)) => format!("no answer, {class}"),
            (None, None) => "no answer".to_owned(),
        };
        let after = format!("{answered}, after {} ms", thousands(u64::from(call.duration_ms)));
        lines.push(Line::default());
        lines.extend(labelled(ctx, "Said", &after, theme.code(call.status, call.class), cells));
        lines.extend(labelled(ctx, "When", &ctx.full(call.started_at), theme.text, cells));
        lines.extend(labelled(ctx, "At", System::of_url(&call.url).title(), theme.text, cells));
        lines.extend(labelled(ctx, "For", &call.execution.to_string(), theme.bold, cells));
        match self.known.as_ref().filter(|(id, _)| *id == call.id).map(|(_, answer)| answer) {
            None => {}
            Some(Err(why)) => lines.extend(labelled(ctx, "Body", why, theme.error, cells)),
            Some(Ok(None)) => lines.extend(labelled(ctx, "Body", "no longer kept", theme.muted, cells)),
            Some(Ok(Some(whole))) => {
                let id = whole.request_id.as_deref().unwrap_or("the vendor gave none");
                lines.extend(labelled(ctx, "Id", id, theme.text, cells));
                lines.push(Line::default());
                lines.push(rule(ctx, "Request", cells));
                lines.extend(json::lines(theme, &whole.request, 0, cells));
                lines.push(Line::default());
                lines.push(rule(ctx, "Response", cells));
                lines.extend(json::lines(theme, &whole.response, 0, cells));
            }
        }
        lines
    }

    fn draw_detail(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let lines = self.lines(ctx, usize::from(area.width.saturating_sub(4)));
        let hidden = hidden(lines.len(), area.height.saturating_sub(2), &self.scroll);
        let more = if hidden > 0 { Line::from(span("↓ more", theme.muted)) } else { Line::default() };
        let right = Line::from(vec![
            span("Enter", theme.key),
            span(" execution  ", theme.muted),
            span("Y", theme.key),
            span(" curl", theme.muted),
        ]);
        let inner = Panel::new(theme, "Call", focused)
            .bottom_left(more)
            .bottom_right(if focused { right } else { Line::default() })
            .draw(theme, buffer, area);
        if inner.width > 0 {
            let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
            scrolled(buffer, body, &lines, &self.scroll);
        }
    }

    fn filtered(&mut self, filter: &Filter) {
        self.near = !reaches_all(filter);
    }
}

impl Pane for Log {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let mut effects = match msg {
            Msg::Act(Action::CopyCall) => return self.copy_as_curl(),
            Msg::Act(Action::Copy) => return self.ticket_line(ctx).map(Effect::Copy).into_iter().collect(),
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                super::scroll_as(&self.scroll, action);
                return Vec::new();
            }
            Msg::Act(Action::Open) if self.focus == Focus::Detail => {
                let call = self.window.current();
                return call
                    .map(|call| Effect::Open(Screen::Executions, call.execution.0))
                    .into_iter()
                    .collect();
            }
            Msg::Wheel(Target::Detail, by) => {
                super::scroll_by(&self.scroll, by);
                return Vec::new();
            }
            Msg::Loaded(ticket, Loaded::Log(told)) => self.told(ctx, ticket, *told),
            Msg::Filter(text, filter) => {
                self.filtered(&filter);
                self.window.set_filter(ctx, text, filter).into_iter().collect()
            }
            msg => super::list_beside_detail(&mut self.window, &mut self.focus, ctx, msg),
        };
        effects.extend(self.look(ctx));
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let (list, detail) = split(ctx, area, self.focus, area.width * 3 / 5);
        if let Some(list) = list {
            self.draw_list(ctx, buffer, list);
        }
        if let Some(detail) = detail {
            self.draw_detail(ctx, buffer, detail);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Open | Action::Copy | Action::CopyCall if self.window.current().is_none() => {
                Err("there is no call here".to_owned())
            }
            Action::CopyCall if self.whole().is_none() => Err("what was sent is not loaded yet".to_owned()),
            _ => Ok(()),
        }
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn back(&mut self, ctx: &Ctx) -> Option<Vec<Effect>> {
        let effects = super::step_back(&mut self.window, &mut self.focus, ctx);
        if self.window.text().is_empty() {
            self.near = false;
        }
        effects
    }

    fn filter(&self) -> &str {
        self.window.typed()
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    /// The executions behind the calls; of marked ones those that were loaded.
    fn items(&self) -> Vec<String> {
        if self.window.marked() == 0 {
            return self.window.current().map(|call| call.execution.to_string()).into_iter().collect();
        }
        let marked = self.window.rows().iter().filter(|call| self.window.marks().contains(&call.id));
        let mut ids: Vec<String> = marked.map(|call| call.execution.to_string()).collect();
        ids.dedup();
        ids
    }

    fn list(&self) -> Option<&dyn Listed> {
        Some(&self.window)
    }
}
