//! Screen 8: who did what to which record, newest first, what it changed, and whether the chain is intact.
//!
//! Never changes an entry, and never holds more of the log than what is shown.

pub mod asks;
mod detail;

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::listing::Listed;
use super::parts::{self, Frame};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::layers::toast::Tone;
use crate::console::msg::{Answer, Loaded, Msg, Ticket};
use crate::console::text::{span, thousands};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Kind, scrolled};
use crate::domain::audit::{AuditEntry, Verdict};
use crate::domain::filter::Filter;
use crate::journal::audit::pages::reaches_all;
use asks::{Ask, Door, Named, Progress, Told};

const COLUMNS: [Column; 5] = [
    Column::new("TIME", Kind::Words, 8).named("time", "when"),
    Column::new("ACTOR", Kind::Words, 14).named("actor", "who did it"),
    Column::new("VERB", Kind::Words, 14).named("verb", "what was done"),
    Column::new("OBJECT", Kind::Id, 30).named("object", "to what"),
    Column::new("OUTCOME", Kind::Words, 80).named("outcome", "why, or what came of it").drops(1),
];

impl Row for AuditEntry {
    fn key(&self) -> i64 {
        self.number
    }
}

/// What is known of the whole chain.
#[derive(Debug, Default)]
enum Chain {
    #[default]
    Unasked,
    Reading(Ticket, Progress),
    Told(Answer<Verdict>),
}

/// The screen's state.
#[derive(Debug)]
pub struct Audit {
    window: Window<AuditEntry>,
    /// The filter leaves out what lies far back.
    near: bool,
    focus: Focus,
    asked: Option<(Ticket, i64)>,
    named: Option<(i64, Answer<Named>)>,
    door: usize,
    scroll: Cell<usize>,
    chain: Chain,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Audit).of(&COLUMNS),
            near: false,
            focus: Focus::List,
            asked: None,
            named: None,
            door: 0,
            scroll: Cell::new(0),
            chain: Chain::Unasked,
        }
    }
}

impl Audit {
    /// Asks what the selected entry names; only the newest question counts.
    fn look(&mut self, ctx: &Ctx) -> Option<Effect> {
        let row = self.window.current()?;
        let known = self.named.as_ref().is_some_and(|(number, _)| *number == row.number)
            || self.asked.is_some_and(|(_, number)| number == row.number);
        if known {
            return None;
        }
        let ticket = ctx.ticket();
        let text = format!("{} {}", row.entry.object, row.entry.note);
        self.asked = Some((ticket, row.number));
        self.door = 0;
        self.scroll.set(0);
        Some(Effect::Load(ticket, Query::Audit(Ask::Entry(row.number, text))))
    }

    fn named(&self) -> Option<&Named> {
        let row = self.window.current()?;
        self.named.as_ref().filter(|(number, _)| *number == row.number)?.1.as_ref().ok()
    }

    fn doors(&self) -> &[Door] {
        self.named().map_or(&[], |named| &named.doors)
    }

    fn verify(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let (ticket, progress) = (ctx.ticket(), Progress::default());
        self.chain = Chain::Reading(ticket, progress.clone());
        vec![Effect::Load(ticket, Query::Audit(Ask::Verify(progress)))]
    }

    fn told(&mut self, ctx: &Ctx, ticket: Ticket, told: Told) -> Vec<Effect> {
        match told {
            Told::Rows(page) => self.window.answer(ctx, ticket, page).1.into_iter().collect(),
            Told::Entry(number, answer) => {
                if self.asked == Some((ticket, number)) {
                    self.asked = None;
                    self.named = Some((number, answer));
                }
                Vec::new()
            }
            Told::Verified(answer) => {
                if !matches!(self.chain, Chain::Reading(asked, _) if asked == ticket) {
                    return Vec::new();
                }
                let toast = match &answer {
                    Ok(verdict) => match &verdict.broken {
                        None => (Tone::Good, format!("✓ chain intact, {} entries", counted(verdict.entries))),
                        Some((number, why)) => (
                            Tone::Bad,
                            format!(
                                "The audit log was changed: entry {number} does not fit ({why}). The {} entries \
                                 before it are intact. Compare with a backup of the journal.",
                                counted(verdict.entries)
                            ),
                        ),
                    },
                    Err(why) => (Tone::Bad, format!("The chain could not be read to its end: {why}")),
                };
                self.chain = Chain::Told(answer);
                vec![Effect::Toast(toast.0, toast.1)]
            }
        }
    }

    /// The state of the chain, for the border.
    fn chain(&self, ctx: &Ctx) -> Line<'static> {
        let theme = &ctx.theme;
        match &self.chain {
            Chain::Unasked => {
                Line::from(vec![span("V", theme.key), span(" verifies the chain", theme.muted)])
            }
            Chain::Reading(_, progress) => Line::from(span(
                format!("verifying: {} entries read", counted(progress.read())),
                theme.accent,
            )),
            Chain::Told(Ok(verdict)) => match &verdict.broken {
                None => Line::from(span(
                    format!("✓ chain intact, {} entries", counted(verdict.entries)),
                    theme.ok,
                )),
                Some((number, _)) => {
                    Line::from(span(format!("✗ chain broken at entry {}", counted(*number)), theme.error))
                }
            },
            Chain::Told(Err(_)) => Line::from(span("✗ not verified", theme.error)),
        }
    }

    fn filtered(&mut self, filter: &Filter) {
        self.near = !reaches_all(filter);
    }

    fn draw_list(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let frame = Frame {
            title: "Audit",
            order: if self.near { "newest first, of the newest 50,000" } else { "newest first" },
            columns: &COLUMNS,
            nothing: "Nothing was done yet.\nEvery write, decision and change of settings is noted here, and stays.",
            focused: self.focus == Focus::List,
            below: Vec::new(),
        };
        parts::list(ctx, buffer, area, &frame, &self.window, |row| {
            let engine = row.entry.actor == "engine";
            vec![
                (ctx.moment(row.at), theme.muted),
                (row.entry.actor.clone(), if engine { theme.muted } else { theme.bold }),
                (row.entry.verb.clone(), theme.text),
                (row.entry.object.clone(), if row.erased { theme.muted } else { theme.text }),
                (row.entry.note.clone(), theme.muted),
            ]
        });
        if self.window.marks().is_empty() {
            parts::bottom_right(ctx, buffer, area, &self.chain(ctx));
        }
    }

    fn draw_detail(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let Some(row) = self.window.current() else {
            Panel::new(theme, "Entry", focused).draw(theme, buffer, area);
            return;
        };
        let mut panel = Panel::new(theme, &format!("Entry {}", counted(row.number)), focused)
            .right(Line::from(span(row.entry.verb.clone(), theme.muted)));
        if focused && !self.doors().is_empty() {
            panel = panel.bottom_left(Line::from(vec![
                span("↑↓", theme.key),
                span(" choose  ", theme.muted),
                span("Enter", theme.key),
                span(" go there", theme.muted),
            ]));
        }
        let inner = panel.draw(theme, buffer, area);
        if inner.width == 0 {
            return;
        }
        let body = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let named = self.named.as_ref().filter(|(number, _)| *number == row.number).map(|(_, named)| named);
        let door = focused.then_some(self.door);
        let lines = detail::lines(ctx, row, named, door, usize::from(body.width));
        scrolled(buffer, body, &lines, &self.scroll);
    }
}

fn counted(number: i64) -> String {
    thousands(u64::try_from(number).unwrap_or(0))
}

impl Pane for Audit {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let mut effects = match msg {
            Msg::Act(Action::Verify) => return self.verify(ctx),
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                let last = self.doors().len().saturating_sub(1);
                match action {
                    Action::Down if self.door < last => self.door += 1,
                    Action::Up if self.door > 0 => self.door -= 1,
                    action => super::scroll_as(&self.scroll, action),
                }
                return Vec::new();
            }
            Msg::Act(Action::Open) if self.focus == Focus::Detail => {
                return match self.doors().get(self.door) {
                    Some(door) => vec![Effect::Open(door.screen, door.key)],
                    None => Vec::new(),
                };
            }
            Msg::Act(Action::Copy) => {
                return self
                    .window
                    .current()
                    .map(|row| Effect::Copy(row.entry.object.clone()))
                    .into_iter()
                    .collect();
            }
            Msg::Loaded(ticket, Loaded::Audit(told)) => self.told(ctx, ticket, *told),
            Msg::Refresh | Msg::Shown => {
                // What it names may stand differently by now.
                self.named = None;
                super::list_beside_detail(&mut self.window, &mut self.focus, ctx, msg)
            }
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
            Action::Verify if matches!(self.chain, Chain::Reading(..)) => {
                Err("the chain is being read already".to_owned())
            }
            Action::Open if self.focus == Focus::Detail && self.doors().is_empty() => {
                Err("this entry names nothing that has a screen of its own".to_owned())
            }
            Action::Open | Action::Copy if self.window.current().is_none() => {
                Err("there is no entry here".to_owned())
            }
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

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        let named = self.named()?;
        let changed = named.changes.iter().flat_map(|change| change.before.iter().chain([&change.after]));
        let values = named.doors.iter().map(|door| &door.subject).chain(changed);
        Some((format!("audit entry {}", row.number), values.cloned().collect()))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn list(&self) -> Option<&dyn Listed> {
        Some(&self.window)
    }

    fn items(&self) -> Vec<String> {
        self.window.chosen().iter().map(ToString::to_string).collect()
    }
}
