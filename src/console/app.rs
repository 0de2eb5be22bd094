//! What is open: the screens, the layers over them, where one has been. Small on purpose: panes own their state.

mod acting;
mod events;
mod frame;
mod input;
mod keeping;
mod lists;
mod places;
mod results;
mod safety;
mod team;

use std::collections::BTreeMap;

use results::Results;
use safety::Safety;

use super::Settings;
use super::ctx::Ctx;
use super::effect::Effect;
use super::layers::Layer;
use super::layers::bulk::Bulk;
use super::layers::confirm::{Confirm, Pending};
use super::layers::prompt::Prompt;
use super::layers::toast::{Toasts, Tone};
use super::layers::tour::Tour;
use super::msg::{Msg, Ticket};
use super::panes::audit::Audit;
use super::panes::conflicts::Conflicts;
use super::panes::duplicates::Duplicates;
use super::panes::executions::Executions;
use super::panes::health::Health as HealthPane;
use super::panes::log::Log;
use super::panes::overview::Overview;
use super::panes::recipes::Recipes;
use super::panes::unlinked::Unlinked;
use super::panes::{Pane, Screen};
use super::session::{Kept, Session};
use super::text::cut_end;
use super::theme::Terminal;
use super::views::Views;
use crate::domain::clock::Timestamp;
use crate::domain::overview::Health;
use crate::domain::page::Counts;

/// Everything on the screen.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none excludes another")]
pub struct App {
    /// The surroundings of every update.
    pub ctx: Ctx,
    /// The operator wants to leave.
    pub quit: bool,
    title: String,
    read_only: bool,
    settings: Settings,
    terminal: Terminal,
    screen: Screen,
    overview: Overview,
    executions: Executions,
    conflicts: Conflicts,
    duplicates: Duplicates,
    unlinked: Unlinked,
    recipes: Recipes,
    health: HealthPane,
    audit: Audit,
    log: Log,
    layers: Vec<Box<dyn Layer>>,
    toasts: Toasts,
    results: Results,
    counts: Option<Counts>,
    counts_asked: Option<Ticket>,
    counts_dirty: bool,
    missed: bool,
    unreachable: Option<(Timestamp, String)>,
    visited: Vec<(Screen, Option<i64>)>,
    at: usize,
    overview_at: Timestamp,
    clicked: Option<(u16, u16, Timestamp)>,
    dragging: bool,
    mouse: bool,
    views: Views,
    /// Executions there were when the refresh was paused, and since.
    paused: Option<(u64, u64)>,
    tour: Option<Tour>,
    tour_seen: bool,
    to_restore: BTreeMap<String, Kept>,
    reselect: Option<(Screen, i64)>,
    left: Session,
    kept_at: Timestamp,
    said: Option<String>,
    safety: Safety,
}

impl App {
    /// The console before its first frame.
    pub fn new(mut ctx: Ctx, title: String, settings: Settings, terminal: Terminal) -> Self {
        let overview_at = ctx.now;
        let mouse = settings.mouse;
        ctx.typed_count_from = settings.typed_count_from;
        ctx.reduced_motion = settings.reduced_motion;
        let conflicts = Conflicts::of_role(&settings.role);
        Self {
            ctx,
            quit: false,
            title,
            read_only: false,
            settings,
            terminal,
            screen: Screen::Overview,
            overview: Overview::default(),
            executions: Executions::default(),
            conflicts,
            duplicates: Duplicates::default(),
            unlinked: Unlinked::default(),
            recipes: Recipes::default(),
            health: HealthPane::default(),
            audit: Audit::default(),
            log: Log::default(),
            layers: Vec::new(),
            toasts: Toasts::default(),
            results: Results::default(),
            counts: None,
            counts_asked: None,
            counts_dirty: false,
            missed: false,
            unreachable: None,
            visited: vec![(Screen::Overview, None)],
            at: 0,
            overview_at,
            clicked: None,
            dragging: false,
            mouse,
            views: Views::default(),
            paused: None,
            tour: None,
            tour_seen: false,
            to_restore: BTreeMap::new(),
            reselect: None,
            left: Session::new(),
            kept_at: overview_at,
            said: None,
            safety: Safety::default(),
        }
    }

    /// The same console, without the right to change anything.
    #[must_use]
    pub const fn looking_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// The same console with a user's views, and each list as it was left.
    #[must_use]
    pub fn with_views(mut self, views: Views) -> Self {
        self.take_views(views);
        self
    }

    /// What a script that is played says, above the keys; none takes it away.
    pub fn say(&mut self, words: Option<String>) {
        self.said = words;
    }

    /// Says something at the lower right.
    pub fn tell(&mut self, tone: Tone, text: String) {
        self.toasts.push(self.ctx.now, tone, text);
    }

    /// The first questions.
    pub fn start(&mut self) -> Vec<Effect> {
        self.ctx.shown_at = self.ctx.now;
        let mut effects = self.load_counts();
        effects.extend(self.update(Msg::Shown));
        effects
    }

    fn pane_of(&mut self, screen: Screen) -> (&mut dyn Pane, &Ctx) {
        let pane: &mut dyn Pane = match screen {
            Screen::Overview => &mut self.overview,
            Screen::Executions => &mut self.executions,
            Screen::Conflicts => &mut self.conflicts,
            Screen::Duplicates => &mut self.duplicates,
            Screen::Unlinked => &mut self.unlinked,
            Screen::Recipes => &mut self.recipes,
            Screen::Health => &mut self.health,
            Screen::Audit => &mut self.audit,
            Screen::Log => &mut self.log,
        };
        (pane, &self.ctx)
    }

    fn shown(&self) -> &dyn Pane {
        match self.screen {
            Screen::Overview => &self.overview,
            Screen::Executions => &self.executions,
            Screen::Conflicts => &self.conflicts,
            Screen::Duplicates => &self.duplicates,
            Screen::Unlinked => &self.unlinked,
            Screen::Recipes => &self.recipes,
            Screen::Health => &self.health,
            Screen::Audit => &self.audit,
            Screen::Log => &self.log,
        }
    }

    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        self.update_of(self.screen, msg)
    }

    fn update_of(&mut self, screen: Screen, msg: Msg) -> Vec<Effect> {
        let again = matches!(msg, Msg::Shown | Msg::Refresh);
        let mut before = Vec::new();
        match msg {
            Msg::Shown => before = self.restore(screen),
            // A door's filter goes before the one that was left.
            Msg::Filter(..) => drop(self.to_restore.remove(screen.title())),
            _ => {}
        }
        let (pane, ctx) = self.pane_of(screen);
        let effects = pane.update(ctx, msg);
        before.extend(self.apply(effects));
        if screen == self.screen {
            before.extend(self.look_for_hints(again));
        }
        before
    }

    /// Keeps what the loop must perform; carries out what concerns the screen itself.
    fn apply(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut outside = Vec::new();
        for effect in effects {
            match effect {
                Effect::Go(screen, filter) => outside.extend(self.go(screen, filter)),
                Effect::Confirm(pending) if matches!(*pending, Pending::Bulk { .. }) => {
                    if let Pending::Bulk { deed, chosen } = *pending {
                        outside.extend(self.apply(vec![Bulk::open(deed, chosen)]));
                    }
                }
                Effect::Open(screen, key) => outside.extend(self.open(screen, key)),
                Effect::Unmask => self.unmask(),
                Effect::Confirm(pending) => {
                    let (layer, effect) = Confirm::open(&self.ctx, *pending);
                    self.layers.push(Box::new(layer));
                    outside.extend(effect);
                }
                Effect::Offer(menu) => self.layers.push(menu),
                Effect::Over(mut over) => {
                    outside.extend(over.0.opened(&self.ctx));
                    self.layers.push(over.0);
                }
                Effect::Tell(telling) => {
                    let (layer, effect) = telling.open(&self.ctx);
                    self.layers.push(Box::new(layer));
                    outside.push(effect);
                }
                Effect::Typed(conflict, text) => outside.extend(self.update(Msg::Typed(conflict, text))),
                Effect::Ask(question) => self.layers.push(Box::new(Prompt::open(*question))),
                Effect::List(change) => outside.extend(self.change_list(change)),
                Effect::Views(change) => outside.extend(self.keep_view(change)),
                Effect::Follow(ids) => {
                    self.results.follow(ids);
                    outside.extend(self.refresh());
                }
                Effect::Toast(tone, text) => self.toasts.push(self.ctx.now, tone, text),
                Effect::Copy(text) => {
                    let text = self.safety.mask.copied(text);
                    let shown = cut_end(text.trim(), 60);
                    self.toasts.push(self.ctx.now, Tone::Good, format!("Copied {shown}"));
                    outside.push(Effect::Copy(text));
                }
                effect => outside.push(effect),
            }
        }
        outside
    }

    /// How the connections fare; for tests of the first row.
    pub fn health(&self) -> Health {
        self.overview.health()
    }

    /// The screen that is shown.
    pub const fn screen(&self) -> Screen {
        self.screen
    }

    /// The number of the selected row, without the right to change anything.
    pub fn shown_selection(&self) -> Option<i64> {
        self.shown().selected()
    }

    /// The number of the selected row.
    pub fn selected(&self) -> Option<i64> {
        self.shown().selected()
    }
}
