//! Where one is and has been: going to a screen, the history of `[` and `]`, and one step back. Draws nothing.

use super::App;
use crate::console::effect::Effect;
use crate::console::layers::toast::Tone;
use crate::console::msg::Msg;
use crate::console::panes::Screen;
use crate::domain::filter::Filter;

impl App {
    pub(super) fn go(&mut self, screen: Screen, filter: Option<String>) -> Vec<Effect> {
        if screen != self.screen {
            let here = self.shown().selected();
            if let Some(place) = self.visited.get_mut(self.at) {
                place.1 = here;
            }
            self.visited.truncate(self.at + 1);
            self.visited.push((screen, None));
            if self.visited.len() > 64 {
                self.visited.remove(0);
            }
            self.at = self.visited.len() - 1;
        }
        self.screen = screen;
        self.ctx.shown_at = self.ctx.now;
        let mut effects = Vec::new();
        if let Some(text) = filter {
            // The filters that panes write are their own words; one that would not parse shows all rows.
            let filter = Filter::parse(&text).unwrap_or_default();
            effects.extend(self.update(Msg::Filter(text, filter)));
        }
        effects.extend(self.update(Msg::Shown));
        effects
    }

    /// Goes to a screen and to the row with a number, whatever its state.
    pub(super) fn open(&mut self, screen: Screen, key: i64) -> Vec<Effect> {
        let filter = match screen {
            // Their lists show what is open unless they are asked for more.
            Screen::Conflicts | Screen::Duplicates | Screen::Unlinked => {
                "status:open,deciding,ignored,done,dismissed,obsolete"
            }
            _ => "",
        };
        let mut effects = self.go(screen, Some(filter.to_owned()));
        effects.extend(self.update(Msg::Select(key)));
        effects
    }

    pub(super) fn travel(&mut self, forward: bool) -> Vec<Effect> {
        let to = if forward { self.at + 1 } else { self.at.wrapping_sub(1) };
        let Some((screen, key)) = self.visited.get(to).copied() else {
            let way = if forward { "forward" } else { "back" };
            self.toasts.push(self.ctx.now, Tone::Warning, format!("There is nothing to go {way} to."));
            return Vec::new();
        };
        let here = self.shown().selected();
        self.visited[self.at].1 = here;
        self.at = to;
        self.screen = screen;
        self.ctx.shown_at = self.ctx.now;
        let mut effects = self.update(Msg::Shown);
        if let Some(key) = key {
            effects.extend(self.update(Msg::Select(key)));
        }
        effects
    }

    pub(super) fn back(&mut self) -> Vec<Effect> {
        if self.toasts.dismiss() {
            return Vec::new();
        }
        if self.tour.take().is_some() {
            return Vec::new();
        }
        let (pane, ctx) = self.pane_of(self.screen);
        match pane.back(ctx) {
            Some(effects) => self.apply(effects),
            None => Vec::new(),
        }
    }
}
