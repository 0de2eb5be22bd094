//! Keys, clicks, pastes and new sizes: the layer on top sees them first, then the pane. Decides nothing itself.

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::App;
use crate::console::actions::{Action, Scope};
use crate::console::ctx::Target;
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::Reply;
use crate::console::msg::Msg;

impl App {
    /// A key, click, paste or new size.
    pub fn input(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::FocusGained => {
                self.focused();
                Vec::new()
            }
            // The way back to this window must not be a way into a dialog.
            Input::Key(key) if self.settling() && !keys::leaves(key) => Vec::new(),
            Input::Mouse(_) if self.settling() => Vec::new(),
            // Nothing is decided by who cannot see the question; the line that is shown says what works.
            Input::Key(key) if self.too_small() && !keys::leaves(key) => {
                self.quit |= key.kind != KeyEventKind::Release && keys::name(key).as_deref() == Some("q");
                Vec::new()
            }
            Input::Mouse(_) | Input::Paste(_) if self.too_small() => Vec::new(),
            Input::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Input::Mouse(mouse) => self.mouse(mouse),
            Input::Paste(text) => match self.layers.last_mut() {
                Some(layer) => {
                    let reply = layer.paste(&text);
                    self.reply(reply)
                }
                None => Vec::new(),
            },
            Input::Resize(columns, rows) => {
                self.ctx.size = (columns, rows);
                self.update(Msg::Refresh)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if keys::leaves(key) {
            self.quit = true;
            return Vec::new();
        }
        if let Some(layer) = self.layers.last_mut() {
            let reply = layer.key(&self.ctx, key);
            return self.reply(reply);
        }
        if let Some(effects) = self.sending_key(key) {
            return effects;
        }
        let mut scopes = self.scopes();
        let choices = 1..=self.shown().choices();
        if let Some(digit) = keys::digit(key).filter(|digit| choices.contains(&usize::from(*digit))) {
            return self.update(Msg::Choose(digit));
        }
        // What the right box means by a key goes first, where it can be done at all.
        if scopes.contains(&Scope::Choices)
            && let Some(row) = keys::action(key, &[Scope::Choices])
            && row.action != Action::Choose
            && self.can(row.action).is_ok()
        {
            return self.act(row.action);
        }
        scopes.retain(|scope| *scope != Scope::Choices);
        keys::action(key, &scopes).map_or_else(Vec::new, |row| self.act(row.action))
    }

    pub(super) fn reply(&mut self, reply: Reply) -> Vec<Effect> {
        if reply.close {
            self.layers.pop();
        }
        let mut effects = self.apply(reply.effects);
        if let Some((text, filter)) = reply.filter {
            effects.extend(self.update(Msg::Filter(text, filter)));
        }
        if let Some(action) = reply.run {
            effects.extend(self.act(action));
        }
        effects
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        let by = match mouse.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::Down(MouseButton::Left) => 0,
            MouseEventKind::Drag(MouseButton::Left) if self.dragging => {
                let columns = u32::from(self.ctx.size.0.max(1));
                let share = (u32::from(mouse.column) + 1) * 100 / columns;
                self.ctx.share = Some((share as u16).clamp(20, 80));
                return Vec::new();
            }
            MouseEventKind::Up(MouseButton::Left) => {
                self.dragging = false;
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        let target = self.ctx.hit(mouse.column, mouse.row);
        if by != 0 {
            if let Some(layer) = self.layers.last_mut() {
                layer.wheel(by);
                return Vec::new();
            }
            return target.map_or_else(Vec::new, |target| self.update(Msg::Wheel(target, by)));
        }
        let place = (mouse.column, mouse.row);
        let double = self.clicked.is_some_and(|(x, y, at)| (x, y) == place && self.ctx.now.since(at) < 400);
        self.clicked = if double { None } else { Some((place.0, place.1, self.ctx.now)) };
        match target {
            Some(Target::Key(name)) => keys::press(&name).map_or_else(Vec::new, |key| self.key(key)),
            Some(Target::Choice(at)) if !self.layers.is_empty() => {
                if let Some(layer) = self.layers.last_mut() {
                    layer.click(at);
                }
                Vec::new()
            }
            Some(_) if !self.layers.is_empty() => Vec::new(),
            Some(Target::Divider) => {
                self.dragging = true;
                Vec::new()
            }
            Some(Target::Screen(screen)) => self.go(screen, None),
            Some(target) => self.update(Msg::Click(target, double)),
            None => Vec::new(),
        }
    }
}
