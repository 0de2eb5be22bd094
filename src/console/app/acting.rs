//! Running an action, or saying why it cannot run: what concerns every screen is done here, the rest by the pane.

use super::App;
use crate::console::actions::{Action, Scope, TABLE};
use crate::console::crash;
use crate::console::ctx::Target;
use crate::console::effect::Effect;
use crate::console::layers::help::Help;
use crate::console::layers::palette::{Entry, Palette};
use crate::console::layers::toast::Tone;
use crate::console::msg::Msg;
use crate::console::panes::{Screen, listing};
use crate::console::theme::Terminal;

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
        // On a conflict that is not settled, its key is the undo of what was done last.
        let action = match action {
            Action::Reopen if self.can(action).is_err() => Action::UndoLast,
            action => action,
        };
        if let Err(why) = self.can(action) {
            self.toasts.push(
                self.ctx.now,
                Tone::Warning,
                format!("Cannot {}: {why}.", action.row().id.replace('-', " ")),
            );
            return Vec::new();
        }
        crash::note(action.row().id);
        self.tour_after(action);
        if let Some(effects) = self.act_safety(action) {
            return effects;
        }
        match action {
            Action::Claim | Action::Assign | Action::Comment => return self.hint(action),
            Action::Tour => self.toggle_tour(),
            Action::Quit => self.quit = true,
            Action::Back => return self.back(),
            Action::Help => self.layers.push(Box::new(Help::new(&self.scopes()))),
            Action::Palette => {
                let palette = Palette::new(self.entries());
                self.layers.push(Box::new(palette));
            }
            Action::Filter => return self.open_filter(),
            Action::Views => self.open_views(),
            Action::Columns => self.open_columns(),
            Action::Sort => self.open_sort(),
            Action::Export => self.open_export(),
            Action::Copy if self.several_marked() => return self.copy_marked(),
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
                self.paused = self.ctx.paused.then(|| self.executions_counted()).map(|count| (count, count));
                if !self.ctx.paused && std::mem::take(&mut self.missed) {
                    let mut effects = self.load_counts();
                    effects.extend(self.update(Msg::Refresh));
                    return effects;
                }
            }
            Action::Narrower => self.ctx.share = Some(self.share().saturating_sub(5).max(20)),
            Action::Wider => self.ctx.share = Some((self.share() + 5).min(80)),
            Action::Mouse => {
                self.mouse = !self.mouse;
                let words = if self.mouse {
                    "The mouse works here; Shift leaves a click to the terminal."
                } else {
                    "The mouse is the terminal's now."
                };
                self.toasts.push(self.ctx.now, Tone::Good, words.to_owned());
                return vec![Effect::Mouse(self.mouse)];
            }
            Action::Theme => {
                let themes = &self.settings.themes;
                let scheme = themes.after(self.ctx.theme.scheme);
                // Who asks for a theme by a key wants its colours, whatever NO_COLOR says.
                let plain = Terminal { no_color: false, ..self.terminal };
                self.ctx.theme = themes.theme(scheme, plain);
                let words = format!("Theme: {}", themes.name(scheme));
                self.toasts.push(self.ctx.now, Tone::Good, words);
            }
            action => {
                let mut effects = self.update(Msg::Act(action));
                effects.extend(self.note_left());
                return effects;
            }
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
        if matches!(action, Action::Claim | Action::Assign | Action::Comment) {
            return self.can_hint();
        }
        if matches!(action, Action::Narrower | Action::Wider) && self.ctx.narrow() {
            return Err("one box fills this width; from 100 columns on there are two".to_owned());
        }
        if listing::concerns(action) {
            match self.shown().list() {
                Some(list) => list.can(action)?,
                None => return Err("there are no rows here to mark, sort or write".to_owned()),
            }
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

    /// The list's share of the width: as it was drawn, so that the first step moves by a step.
    fn share(&self) -> u16 {
        let drawn = || {
            let divider = self.ctx.place_of(&Target::Divider)?;
            Some((u32::from(divider.x + 1) * 100 / u32::from(self.ctx.size.0.max(1))) as u16)
        };
        self.ctx.share.or_else(drawn).unwrap_or(50)
    }
}
