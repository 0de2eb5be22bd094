//! The log of API calls over any screen: the pane of screen 9, in a box of its own.
//!
//! It asks its own questions and keeps its own answers; the pane behind never sees them.

use std::collections::HashSet;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::export::Export;
use super::filter::FilterLine;
use super::{Layer, Over, Reply};
use crate::console::actions::{Action, Scope};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::panes::Screen;
use crate::console::panes::log::Log;
use crate::console::panes::{Focus, Pane};
use crate::console::text::wipe;

/// The layer.
#[derive(Debug, Default)]
pub struct Calls {
    pane: Log,
    line: Option<FilterLine>,
    mine: HashSet<Ticket>,
}

impl Calls {
    /// Keeps the numbers of the questions, so that their answers are known.
    fn noted(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        self.mine.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Load(ticket, _) => Some(*ticket),
            _ => None,
        }));
        effects
    }

    fn tell(&mut self, ctx: &Ctx, msg: Msg) -> Reply {
        let effects = self.pane.update(ctx, msg);
        // Going to another screen leaves this one behind.
        let close = effects.iter().any(|effect| matches!(effect, Effect::Open(..) | Effect::Go(..)));
        Reply { close, effects: self.noted(effects), ..Reply::default() }
    }

    fn filtered(&mut self, ctx: &Ctx, mut reply: Reply) -> Reply {
        if reply.close {
            self.line = None;
        }
        let asked = self.noted(std::mem::take(&mut reply.effects));
        let mut reply = match reply.filter.take() {
            Some((text, filter)) => self.tell(ctx, Msg::Filter(text, filter)),
            None => Reply::stay(),
        };
        // Older filters are the screen's, not this layer's.
        reply.effects.extend(asked.into_iter().filter(|effect| matches!(effect, Effect::Load(..))));
        reply
    }
}

impl Layer for Calls {
    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        self.tell(ctx, Msg::Shown).effects
    }

    fn loaded(&mut self, ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        if !self.mine.remove(&ticket) {
            return Err(loaded);
        }
        if matches!(loaded, Loaded::Values(..)) {
            return self.line.as_mut().map_or(Ok(Vec::new()), |line| line.loaded(ticket, loaded));
        }
        Ok(self.tell(ctx, Msg::Loaded(ticket, loaded)).effects)
    }

    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        if let Some(line) = &mut self.line {
            let reply = line.key(ctx, key);
            return self.filtered(ctx, reply);
        }
        let scopes = [Scope::Log, Scope::Lists, Scope::Everywhere];
        let Some(row) = keys::action(key, &scopes) else { return Reply::stay() };
        match row.action {
            Action::Calls | Action::Quit => Reply::close(),
            Action::Back => match self.pane.back(ctx) {
                Some(effects) => Reply { effects: self.noted(effects), ..Reply::default() },
                None => Reply::close(),
            },
            Action::Filter => {
                self.line = Some(FilterLine::new(Screen::Log, self.pane.filter(), None, &[], None));
                Reply::stay()
            }
            Action::Export if self.pane.list().is_some_and(|list| list.can(Action::Export).is_ok()) => {
                let export = self.pane.list().map(Export::of_list);
                let over = export.map(|export| Effect::Over(Over(Box::new(export))));
                Reply { effects: over.into_iter().collect(), ..Reply::default() }
            }
            action => {
                let near = matches!(row.scope, Scope::Log | Scope::Lists) || keys::moves(action);
                let box_change = matches!(action, Action::NextBox | Action::PreviousBox);
                if (near || box_change) && self.pane.can(action).is_ok() {
                    self.tell(ctx, Msg::Act(action))
                } else {
                    Reply::stay()
                }
            }
        }
    }

    fn paste(&mut self, text: &str) -> Reply {
        // Without a line to type in, a paste is nothing. The filter comes with the next key.
        if let Some(line) = &mut self.line {
            drop(line.paste(text));
        }
        Reply::stay()
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        if self.line.is_some() {
            return None;
        }
        let enter = if self.pane.focus() == Focus::Detail { "execution" } else { "open" };
        Some(vec![
            Hint::new("Esc", "close"),
            Hint::new("Enter", enter),
            Hint::new("/", "filter"),
            Hint::new("Y", "copy as curl"),
            Hint::new("y", "copy"),
            Hint::new("Tab", "box"),
        ])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let margin = if area.width >= 100 { 3 } else { 0 };
        let place = Rect {
            x: area.x + margin,
            y: area.y + 1,
            width: area.width.saturating_sub(2 * margin),
            height: area.height.saturating_sub(2),
        };
        wipe(buffer, place, ctx.theme.surface);
        self.pane.draw(ctx, buffer, place);
        if let Some(line) = &self.line {
            line.draw(ctx, buffer, area);
        }
    }
}
