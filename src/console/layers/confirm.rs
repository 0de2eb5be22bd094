//! The question before something grave: what exactly will be sent, what is lost, what cannot be taken back.
//!
//! Cancel has the focus. Only a capital `Y` says yes; Enter never does, nor does the key that opened it.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::merge::{Choosing, Chose};
use super::{Reply, dialog};
use crate::console::ctx::Ctx;
use crate::console::curl;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::hints;
use crate::console::keys;
use crate::console::links::Proposed as LinkProposed;
use crate::console::msg::{Answer, Ticket};
use crate::console::panes::parts::labelled;
use crate::console::text::{counted, cut_end, put, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, scrolled};
use crate::domain::plan::{Call, Preview};
use crate::domain::review::Decision;
use crate::engine::operate::disputes::Proposal;

mod demand;
mod pending;
mod preview;

pub use demand::Demand;
pub use pending::{Pending, Then};
pub(super) use preview::preview_lines_of;

use demand::Typed;
use preview::preview_lines;

#[derive(Debug)]
enum Body {
    Asked(Ticket),
    Known(Box<Preview>),
    Proposed(Box<Proposal>),
    LinkProposed(Box<LinkProposed>),
    Failed(String),
    Own,
}

/// The dialog.
#[derive(Debug)]
pub struct Confirm {
    pending: Pending,
    body: Body,
    at: Cell<usize>,
    choosing: Choosing,
    typed: Typed,
    demand: Option<Demand>,
    /// What is shown while the preview of another choice is on its way.
    before: Option<Box<Preview>>,
    /// It was drawn with the word that somebody else has claimed what it decides.
    warned: Cell<bool>,
}

impl Confirm {
    /// Opens the dialog; a decision's calls are asked for with the effect that comes with it.
    pub fn open(ctx: &Ctx, pending: Pending) -> (Self, Option<Effect>) {
        let (body, effect) = match &pending {
            Pending::Decide { decision, .. } => {
                let ticket = ctx.ticket();
                (Body::Asked(ticket), Some(Effect::Preview(ticket, decision.clone())))
            }
            Pending::Propose { conflict, wish, reach, .. } => {
                let ticket = ctx.ticket();
                (Body::Asked(ticket), Some(Effect::Propose(ticket, *conflict, wish.clone(), *reach)))
            }
            Pending::Link { wish, .. } => {
                let ticket = ctx.ticket();
                (Body::Asked(ticket), Some(Effect::ProposeLink(ticket, wish.clone())))
            }
            _ => (Body::Own, None),
        };
        let mut confirm = Self {
            pending,
            body,
            at: Cell::new(0),
            choosing: Choosing::default(),
            typed: Typed::default(),
            demand: None,
            before: None,
            warned: Cell::new(false),
        };
        confirm.demand = confirm.pending.demand(&confirm.body, ctx.typed_count_from);
        (confirm, effect)
    }

    /// Pasted text: a number or a name that is asked for may be pasted like any other text.
    pub fn paste(&mut self, text: &str) {
        if self.demand.is_some() {
            self.typed.paste(text);
        }
    }

    /// Takes in the preview it asked for; a late one of another dialog is dropped.
    pub fn previewed(&mut self, ticket: Ticket, answer: Answer<Preview>) {
        if !matches!(self.body, Body::Asked(asked) if asked == ticket) {
            return;
        }
        self.before = None;
        self.body = match answer {
            Ok(mut preview) => {
                // What is shown is what is confirmed: a group by its records.
                if let (Some(shown), Pending::Decide { decision, .. }) =
                    (preview.decision.take(), &mut self.pending)
                {
                    *decision = *shown;
                }
                Body::Known(Box::new(preview))
            }
            Err(why) => Body::Failed(why),
        };
    }

    /// Takes in the proposal it asked for; a late one of another dialog is dropped.
    pub fn proposed(&mut self, ctx: &Ctx, ticket: Ticket, answer: Answer<Box<Proposal>>) {
        if !matches!(self.body, Body::Asked(asked) if asked == ticket) {
            return;
        }
        self.body = match answer {
            Ok(proposal) => Body::Proposed(proposal),
            Err(why) => Body::Failed(why),
        };
        self.demand = self.pending.demand(&self.body, ctx.typed_count_from);
    }

    /// Takes in what it asked for about unlinked people; a late answer of another dialog is dropped.
    pub fn link_proposed(&mut self, ctx: &Ctx, ticket: Ticket, answer: Answer<Box<LinkProposed>>) {
        if !matches!(self.body, Body::Asked(asked) if asked == ticket) {
            return;
        }
        self.body = match answer {
            Ok(proposed) => Body::LinkProposed(proposed),
            Err(why) => Body::Failed(why),
        };
        self.demand = self.pending.demand(&self.body, ctx.typed_count_from);
    }

    fn preview(&self) -> Option<&Preview> {
        match &self.body {
            Body::LinkProposed(proposed) => Some(&proposed.preview),
            Body::Known(preview) => Some(preview),
            Body::Proposed(proposal) => Some(&proposal.preview),
            _ => None,
        }
    }

    /// What will be done is known.
    fn known(&self) -> bool {
        matches!(self.body, Body::Known(_) | Body::Proposed(_) | Body::LinkProposed(_) | Body::Own)
    }

    fn ready(&self) -> bool {
        self.known() && self.typed.meets(self.demand.as_ref())
    }

    /// Scrolls by lines.
    pub fn scroll(&mut self, by: i64) {
        let at = self.at.get() as i64;
        self.at.set(at.saturating_add(by).max(0) as usize);
    }

    /// A key in the table of a merge; none when it is not one of the table's.
    fn choose(&mut self, ctx: &Ctx, name: &str) -> Option<Reply> {
        let (Body::Known(preview), Pending::Decide { decision, title }) = (&self.body, &mut self.pending)
        else {
            return None;
        };
        if preview.merges.is_empty() {
            return None;
        }
        match self.choosing.key(name, preview, decision)? {
            Chose::Moved(row) => {
                self.at.set((preview.calls.len() * 2 + row).saturating_sub(4));
                Some(Reply::stay())
            }
            Chose::Decided(chosen) => {
                if let Decision::Merge { survivor, .. } = &chosen {
                    *title = format!("Merge into {}", survivor.title());
                }
                *decision = chosen;
                let ticket = ctx.ticket();
                let effect = Effect::Preview(ticket, decision.clone());
                if let Body::Known(shown) = std::mem::replace(&mut self.body, Body::Asked(ticket)) {
                    self.before = Some(shown);
                }
                Some(Reply { effects: vec![effect], ..Reply::default() })
            }
        }
    }

    /// A key.
    pub fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        if let Some(reply) = keys::name(key).and_then(|name| self.choose(ctx, &name)) {
            return reply;
        }
        let asks = self.demand.is_some() && self.known();
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            // Half a number and Enter is somebody who thinks that Enter confirms: nothing happens at all.
            Some("Enter") if asks => {}
            Some("Enter") => return Reply::close(),
            Some("Y") if self.ready() => {
                let effect = self.pending.effect(&self.body);
                // Only who was warned has said that they mean to.
                let effect = if self.warned.get() { Effect::Despite(Box::new(effect)) } else { effect };
                return Reply::then(vec![effect]);
            }
            Some("Down") => self.scroll(1),
            Some("Up") => self.scroll(-1),
            Some("PgDn") => self.scroll(10),
            Some("PgUp") => self.scroll(-10),
            _ if asks => drop(self.typed.key(key)),
            Some("y") => {
                if let Some(preview) = self.preview().filter(|preview| !preview.calls.is_empty()) {
                    return Reply { effects: vec![Effect::copied(curls(preview))], ..Reply::default() };
                }
            }
            Some("j") => self.scroll(1),
            Some("k") => self.scroll(-1),
            Some("Ctrl-d") => self.scroll(10),
            Some("Ctrl-u") => self.scroll(-10),
            _ => {}
        }
        Reply::stay()
    }

    /// Its keys.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = vec![Hint::new("Esc", "cancel")];
        if self.ready() {
            hints.push(Hint::new("Y", self.pending.verb().to_lowercase()));
        }
        if self.preview().is_some_and(|preview| !preview.calls.is_empty()) {
            hints.push(Hint::new("y", "copy as curl"));
        }
        if self.preview().is_some_and(|preview| !preview.merges.is_empty()) {
            hints.push(Hint::new("↑↓←→", "cell"));
            hints.push(Hint::new("Space", "take value"));
            hints.push(Hint::new("1-9", "survivor"));
            hints.push(Hint::new("g", "whole group"));
            return hints;
        }
        hints.push(Hint::new("↑↓", "scroll"));
        hints
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let mut say = |text: &str, style| {
            lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))));
        };
        if let Some(preview) = self.preview().or(self.before.as_deref()) {
            return preview_lines(ctx, preview, &self.choosing, cells);
        }
        match (&self.body, &self.pending) {
            (Body::Asked(_), _) => say("Asking what will be sent…", theme.muted),
            (Body::Failed(why), _) => {
                say("This cannot be done now. Nothing was sent.", theme.error);
                say(why, theme.text);
            }
            (Body::Own, Pending::Retry { ids, subjects }) => {
                say(
                    "Each goes on at its first step that is not done; what was written is not sent again.",
                    theme.text,
                );
                say(
                    &format!("At least {}, as fast as the vendors allow.", counted(ids.len() as u64, "call")),
                    theme.muted,
                );
                say("", theme.text);
                for subject in subjects {
                    say(subject, theme.muted);
                }
            }
            (Body::Own, Pending::Discard { subjects, reason, .. }) => {
                say(
                    "They will not be sent any more. A retry brings one back; the record stays as it is.",
                    theme.warn,
                );
                lines.extend(labelled(ctx, "Why", reason, theme.text, cells));
                lines.push(Line::default());
                lines.extend(
                    subjects.iter().map(|subject| Line::from(span(cut_end(subject, cells), theme.muted))),
                );
            }
            (Body::Own, Pending::Part { text, .. }) => {
                say(text, theme.text);
                say(
                    "They are not shown again until one of the compared fields changes. Nothing is sent.",
                    theme.muted,
                );
            }
            (Body::Own, Pending::PutOff { text, .. } | Pending::Wish { text, .. }) => say(text, theme.text),
            (Body::Own, Pending::Bulk { deed, .. }) => say(&deed.means(), theme.text),
            (Body::Own, Pending::Grave { lines: said, .. }) => {
                for line in said {
                    say(line, theme.text);
                }
            }
            (Body::Known(_) | Body::Proposed(_) | Body::LinkProposed(_), _)
            | (Body::Own, Pending::Decide { .. } | Pending::Propose { .. } | Pending::Link { .. }) => {}
        }
        lines
    }

    /// What it decides is claimed by somebody else: as the proposal found it, else as the rows in memory say.
    fn warning(&self, ctx: &Ctx) -> Option<String> {
        if let Body::LinkProposed(proposed) = &self.body
            && let Some((item, claim)) = proposed.claimed.first_key_value()
        {
            return Some(hints::warning(ctx, *item, claim, proposed.claimed.len() - 1));
        }
        ctx.hints.warning(ctx, &self.pending.items())
    }

    /// Draws itself in the middle.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide =
            self.preview().or(self.before.as_deref()).is_some_and(|preview| !preview.merges.is_empty());
        let width_wanted = if wide { 120 } else { 84 }.min(area.width.saturating_sub(2));
        let cells = usize::from(width_wanted.saturating_sub(6));
        let mut lines = self.lines(ctx, cells);
        let warning = self.warning(ctx);
        self.warned.set(warning.is_some());
        if let Some(words) = warning {
            let style = theme.warn;
            let said = wrap(&words, cells).into_iter().map(|line| Line::from(span(line, style)));
            lines.splice(0..0, said.chain([Line::default()]));
        }
        let place = dialog(ctx, buffer, area, width_wanted, lines.len() as u16 + 4);
        let irreversible = self.preview().is_some_and(|preview| preview.irreversible);
        let title_style =
            if irreversible { theme.warn.add_modifier(ratatui::style::Modifier::BOLD) } else { theme.key };
        let title = cut_end(&self.pending.title(), cells);
        let hidden = hidden(lines.len(), place.height.saturating_sub(4), &self.at);
        let more = if hidden > 0 {
            Line::from(span(format!("↓ {hidden} more lines"), theme.muted))
        } else {
            Line::default()
        };
        let inner = Panel::titled(Line::from(span(title, title_style)), true)
            .bottom_right(more)
            .draw(theme, buffer, place);
        if inner.height < 3 {
            return;
        }
        let body = Rect {
            x: inner.x + 2,
            y: inner.y,
            width: inner.width.saturating_sub(4),
            height: inner.height - 2,
        };
        scrolled(buffer, body, &lines, &self.at);
        let y = inner.bottom() - 1;
        if let Some(demand) = self.demand.as_ref().filter(|_| self.known()) {
            let line = self.typed.line(ctx, demand, usize::from(body.width));
            put(buffer, body.x, y - 1, body.width, &line);
        }
        let cancel = " Esc Cancel ";
        let yes = format!("Y {}", self.pending.verb());
        let right_edge = inner.right().saturating_sub(3);
        let yes_x = right_edge.saturating_sub(width(&yes) as u16);
        let cancel_x = yes_x.saturating_sub(3 + width(cancel) as u16);
        put(buffer, cancel_x, y, width(cancel) as u16, &Line::from(span(cancel, theme.tab)));
        ctx.target_key(Rect::new(cancel_x, y, width(cancel) as u16, 1), "Esc");
        if self.ready() {
            let line =
                Line::from(vec![span("Y", theme.key), span(format!(" {}", self.pending.verb()), theme.bold)]);
            put(buffer, yes_x, y, width(&yes) as u16, &line);
            ctx.target_key(Rect::new(yes_x, y, width(&yes) as u16, 1), "Y");
        }
    }
}

/// The calls as curl commands; the token stays a variable.
fn curls(preview: &Preview) -> Result<String, String> {
    let command = |call: &Call| {
        let body = call.body.as_ref().map(ToString::to_string).unwrap_or_default();
        curl::command(&call.method, &format!("{}{}", call.host, call.path), &body)
    };
    Ok(preview.calls.iter().map(command).collect::<Result<Vec<_>, _>>()?.join("\n"))
}
