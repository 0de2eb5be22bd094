//! Running an action, or saying why it cannot run: what concerns every screen is done here, the rest by the pane.

use super::App;
use crate::console::actions::{Action, Scope, TABLE};
use crate::console::effect::Effect;
use crate::console::layers::filter::FilterLine;
use crate::console::layers::help::Help;
use crate::console::layers::palette::{Entry, Palette};
use crate::console::layers::toast::Tone;
use crate::console::msg::Msg;
use crate::console::panes::Screen;
use crate::console::theme::{Terminal, Theme};

impl App {
    /// The scopes whose keys work now, nearest first.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = Vec::with_capacity(4);
        if self.shown().choices() > 0 {
            scopes.push(Scope::Choices);
        }
        scopes.push(self.screen.scope());
        if self.shown().lists() {
            scopes.push(Scope::Lists);
        }
        scopes.push(Scope::Everywhere);
        scopes
    }

    /// Runs an action, or says why it cannot run.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        if let Err(why) = self.can(action) {
            self.toasts.push(
                self.ctx.now,
                Tone::Warning,
                format!("Cannot {}: {why}.", action.row().id.replace('-', " ")),
            );
            return Vec::new();
        }
        if let Some(effects) = self.act_safety(action) {
            return effects;
        }
        match action {
            Action::Quit => self.quit = true,
            Action::Back => return self.back(),
            Action::Help => self.layers.push(Box::new(Help::new(&self.scopes()))),
            Action::Palette => {
                let palette = Palette::new(self.entries());
                self.layers.push(Box::new(palette));
            }
            Action::Filter => self.layers.push(Box::new(FilterLine::new(self.shown().filter()))),
            Action::Overview => return self.go(Screen::Overview, None),
            Action::Executions => return self.go(Screen::Executions, None),
            Action::Conflicts => return self.go(Screen::Conflicts, None),
            Action::Duplicates => return self.go(Screen::Duplicates, None),
            Action::Unlinked => return self.go(Screen::Unlinked, None),
            Action::Recipes => return self.go(Screen::Recipes, None),
            Action::Health => return self.go(Screen::Health, None),
            Action::Audit => return self.go(Screen::Audit, None),
            Action::Log => return self.go(Screen::Log, None),
            Action::HistoryBack => return self.travel(false),
            Action::HistoryForward => return self.travel(true),
            Action::Pause => {
                self.ctx.paused = !self.ctx.paused;
                if !self.ctx.paused && std::mem::take(&mut self.missed) {
                    let mut effects = self.load_counts();
                    effects.extend(self.update(Msg::Refresh));
                    return effects;
                }
            }
            Action::Theme => {
                let scheme = self.ctx.theme.scheme.next();
                let plain = Terminal { no_color: false, ..self.terminal };
                self.ctx.theme = Theme::new(scheme, plain);
                self.toasts.push(self.ctx.now, Tone::Good, format!("Theme: {}", scheme.as_str()));
            }
            action => return self.update(Msg::Act(action)),
        }
        Vec::new()
    }

    /// Whether an action can run now, and if not, why.
    pub fn can(&self, action: Action) -> Result<(), String> {
        let row = action.row();
        if !self.scopes().contains(&row.scope) {
            return Err(match row.scope {
                Scope::Choices => "only in the right box of duplicates and unlinked people (Tab)".to_owned(),
                Scope::Lists => "only in a list".to_owned(),
                scope => format!("only on the screen {}", scope.title()),
            });
        }
        if self.read_only && row.operation.is_some() {
            return Err("this Reknit runs read-only; start it without --read-only".to_owned());
        }
        if Self::writes(row)
            && let Some(why) = self.disarmed()
        {
            return Err(why);
        }
        self.can_safety(action)?;
        self.shown().can(action)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let scopes = self.scopes();
        let near = TABLE.iter().filter(|row| scopes.contains(&row.scope));
        let far = TABLE.iter().filter(|row| !scopes.contains(&row.scope));
        near.chain(far)
            .map(|row| Entry {
                action: row.action,
                off: match row.action {
                    Action::Choose => Some("press the digit itself, in the right box".to_owned()),
                    action => self.can(action).err(),
                },
            })
            .collect()
    }
}
