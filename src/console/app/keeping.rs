//! What outlives the console: the session it leaves and takes up again, the tour that was seen, and settings that were
//! changed while it runs. Reads and writes no file itself.

use super::App;
use crate::console::Settings;
use crate::console::effect::Effect;
use crate::console::layers::toast::Tone;
use crate::console::layers::tour::Tour;
use crate::console::msg::Msg;
use crate::console::panes::Screen;
use crate::console::session::{Chosen, Kept, Session, keepable};
use crate::domain::filter::Filter;

/// Between two looks whether the session has changed, in milliseconds.
const EVERY: i64 = 5_000;

impl App {
    /// Takes up what was left last time; before the first questions.
    pub(in crate::console) fn resume(&mut self, session: Session) {
        if !self.settings.restore {
            self.tour_seen = session.tour_seen;
            return;
        }
        if let Some(screen) = session.shown() {
            self.screen = screen;
            self.visited = vec![(screen, None)];
        }
        if let Some(chosen) = &session.theme
            && chosen.over == self.settings.theme
            && !self.terminal.no_color
            && let Ok(scheme) = self.settings.themes.named(&chosen.theme)
        {
            self.ctx.theme = self.settings.themes.theme(scheme, self.terminal);
        }
        let share = session.more.get("share").and_then(|share| share.parse().ok());
        self.ctx.share = share.filter(|share| (20..=80).contains(share));
        self.tour_seen = session.tour_seen;
        self.to_restore.clone_from(&session.screens);
        self.left = session;
    }

    /// Offers the tour to whoever has not seen it.
    pub(in crate::console) fn offer_tour(&mut self) {
        if !self.tour_seen {
            let text = format!("New here? T begins a tour of {} stops.", Tour::STOPS);
            self.toasts.push(self.ctx.now, Tone::Good, text);
        }
    }

    /// Begins the tour, or ends it.
    pub(super) fn toggle_tour(&mut self) {
        self.tour_seen = true;
        self.tour = match self.tour {
            Some(_) => None,
            None => Some(Tour::begin()),
        };
    }

    /// Says goodbye when the last stop's key was pressed.
    pub(super) fn tour_after(&mut self, action: crate::console::actions::Action) {
        let Some(tour) = self.tour else { return };
        self.tour = tour.after(action);
        if self.tour.is_none() {
            let text = "That was the tour. T begins it again, ? shows every key.".to_owned();
            self.toasts.push(self.ctx.now, Tone::Good, text);
        }
    }

    /// A screen is shown for the first time: its filter and selection are as they were left.
    pub(super) fn restore(&mut self, screen: Screen) -> Vec<Effect> {
        let Some(kept) = self.to_restore.remove(screen.title()) else { return Vec::new() };
        let (pane, ctx) = self.pane_of(screen);
        pane.restore(ctx, &kept.more);
        let mut effects = Vec::new();
        // What another Reknit wrote and this one cannot read any more shows all rows.
        if pane.kept().filter != kept.filter
            && let Ok(filter) = Filter::parse(&kept.filter)
        {
            effects.extend(self.update_of(screen, Msg::Filter(kept.filter, filter)));
        }
        self.reselect = kept.selected.map(|key| (screen, key));
        effects
    }

    /// The first rows are there: the row that was selected is selected again.
    pub(super) fn select_again(&mut self, screen: Screen) -> Vec<Effect> {
        let Some((_, key)) = self.reselect.filter(|(of, _)| *of == screen) else { return Vec::new() };
        if self.pane_of(screen).0.loaded_items().is_empty() {
            return Vec::new();
        }
        self.reselect = None;
        self.update_of(screen, Msg::Select(key))
    }

    /// What the next start is to find.
    pub(in crate::console) fn session(&mut self) -> Session {
        let mut session = Session::new();
        self.screen.title().clone_into(&mut session.screen);
        for screen in Screen::ALL {
            let kept = match self.to_restore.get(screen.title()) {
                Some(kept) => kept.clone(),
                None => {
                    let kept = self.pane_of(screen).0.kept();
                    Kept { filter: keepable(&kept.filter), ..kept }
                }
            };
            if kept != Kept::default() {
                session.screens.insert(screen.title().to_owned(), kept);
            }
        }
        let scheme = self.ctx.theme.scheme;
        if scheme != self.settings.scheme() {
            let theme = self.settings.themes.name(scheme).to_owned();
            session.theme = Some(Chosen { theme, over: self.settings.theme.clone() });
        }
        if let Some(share) = self.ctx.share {
            session.more.insert("share".to_owned(), share.to_string());
        }
        session.tour_seen = self.tour_seen;
        session
    }

    /// A second went by: keeps the session now and then, so that not even a power cut loses much of it.
    pub(super) fn keep_now_and_then(&mut self) -> Vec<Effect> {
        if self.ctx.now.since(self.kept_at) < EVERY {
            return Vec::new();
        }
        self.kept_at = self.ctx.now;
        let session = self.session();
        if session == self.left {
            return Vec::new();
        }
        self.left = session.clone();
        vec![Effect::KeepSession(Box::new(session))]
    }

    /// Takes over changed settings at once.
    pub(super) fn settle_in(&mut self, settings: Settings, said: String) -> Vec<Effect> {
        let settings = Settings { light_ground: self.settings.light_ground, ..settings };
        let before = std::mem::replace(&mut self.settings, settings);
        let now = &self.settings;
        if now.theme != before.theme || now.themes != before.themes {
            self.ctx.theme = now.themes.theme(now.scheme(), self.terminal);
        }
        self.ctx.reduced_motion = now.reduced_motion;
        let mut effects = Vec::new();
        if now.mouse != before.mouse && now.mouse != self.mouse {
            self.mouse = now.mouse;
            effects.push(Effect::Mouse(self.mouse));
        }
        if now.role != before.role {
            let role = now.role.clone();
            self.conflicts.set_role(&role);
        }
        self.toasts.push(self.ctx.now, Tone::Good, said);
        effects
    }
}
