//! What is open: the screens, the layers over them, where one has been. Small on purpose: panes own their state.

mod frame;
mod results;

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use results::{Heard, Results};

use super::Settings;
use super::actions::{Action, Scope, TABLE};
use super::ctx::{Ctx, Target};
use super::effect::{Effect, Query};
use super::keys;
use super::layers::confirm::Confirm;
use super::layers::filter::FilterLine;
use super::layers::help::Help;
use super::layers::palette::{Entry, Palette};
use super::layers::prompt::Prompt;
use super::layers::toast::{Toasts, Tone};
use super::layers::{Layer, Reply};
use super::msg::{Answer, Event, Loaded, Msg, Ticket};
use super::panes::conflicts::Conflicts;
use super::panes::duplicates::Duplicates;
use super::panes::executions::Executions;
use super::panes::overview::Overview;
use super::panes::unlinked::Unlinked;
use super::panes::{Pane, Screen};
use super::text::{counted, cut_end};
use super::theme::{Terminal, Theme};
use crate::domain::clock::Timestamp;
use crate::domain::filter::Filter;
use crate::domain::overview::Health;
use crate::domain::page::Counts;
use crate::journal::operate::Report;

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
    layers: Vec<Layer>,
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
}

impl App {
    /// The console before its first frame.
    pub fn new(ctx: Ctx, title: String, settings: Settings, terminal: Terminal) -> Self {
        let overview_at = ctx.now;
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
        }
    }

    /// The same console, without the right to change anything.
    #[must_use]
    pub const fn looking_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// The first questions.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = self.load_counts();
        effects.extend(self.update(Msg::Shown));
        effects
    }

    fn pane(&mut self) -> &mut dyn Pane {
        self.pane_of(self.screen).0
    }

    fn pane_of(&mut self, screen: Screen) -> (&mut dyn Pane, &Ctx) {
        let pane: &mut dyn Pane = match screen {
            Screen::Overview => &mut self.overview,
            Screen::Executions => &mut self.executions,
            Screen::Conflicts => &mut self.conflicts,
            Screen::Duplicates => &mut self.duplicates,
            Screen::Unlinked => &mut self.unlinked,
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
        }
    }

    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        self.update_of(self.screen, msg)
    }

    fn update_of(&mut self, screen: Screen, msg: Msg) -> Vec<Effect> {
        let (pane, ctx) = self.pane_of(screen);
        let effects = pane.update(ctx, msg);
        self.apply(effects)
    }

    /// Keeps what the loop must perform; carries out what concerns the screen itself.
    fn apply(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut outside = Vec::new();
        for effect in effects {
            match effect {
                Effect::Go(screen, filter) => outside.extend(self.go(screen, filter)),
                Effect::Confirm(pending) => {
                    let (layer, effect) = Confirm::open(&self.ctx, *pending);
                    self.layers.push(Layer::Confirm(Box::new(layer)));
                    outside.extend(effect);
                }
                Effect::Offer(menu) => self.layers.push(Layer::Menu(menu)),
                Effect::Tell(telling) => {
                    let (layer, effect) = telling.open(&self.ctx);
                    self.layers.push(Layer::Telling(Box::new(layer)));
                    outside.push(effect);
                }
                Effect::Ask(question) => self.layers.push(Layer::Prompt(Box::new(Prompt::open(*question)))),
                Effect::Toast(tone, text) => self.toasts.push(self.ctx.now, tone, text),
                Effect::Copy(text) => {
                    let shown = cut_end(text.trim(), 60);
                    self.toasts.push(self.ctx.now, Tone::Good, format!("Copied {shown}"));
                    outside.push(Effect::Copy(text));
                }
                effect => outside.push(effect),
            }
        }
        outside
    }

    fn go(&mut self, screen: Screen, filter: Option<String>) -> Vec<Effect> {
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
        let mut effects = Vec::new();
        if let Some(text) = filter {
            // The filters that panes write are their own words; one that would not parse shows all rows.
            let filter = Filter::parse(&text).unwrap_or_default();
            effects.extend(self.update(Msg::Filter(text, filter)));
        }
        effects.extend(self.update(Msg::Shown));
        effects
    }

    fn travel(&mut self, forward: bool) -> Vec<Effect> {
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
        let mut effects = self.update(Msg::Shown);
        if let Some(key) = key {
            effects.extend(self.update(Msg::Select(key)));
        }
        effects
    }

    fn load_counts(&mut self) -> Vec<Effect> {
        if self.counts_asked.is_some() {
            self.counts_dirty = true;
            return Vec::new();
        }
        let ticket = self.ctx.ticket();
        self.counts_asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Counts)]
    }

    /// The scopes whose keys work now, nearest first.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = Vec::with_capacity(4);
        if self.shown().choices() > 0 {
            scopes.push(Scope::Choices);
        }
        scopes.push(self.screen.scope());
        if self.screen != Screen::Overview {
            scopes.push(Scope::Lists);
        }
        scopes.push(Scope::Everywhere);
        scopes
    }

    /// A key, click, paste or new size.
    pub fn input(&mut self, input: Input) -> Vec<Effect> {
        match input {
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

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if keys::leaves(key) {
            self.quit = true;
            return Vec::new();
        }
        if let Some(layer) = self.layers.last_mut() {
            let reply = layer.key(&self.ctx, key);
            return self.reply(reply);
        }
        let mut scopes = self.scopes();
        let choices = 1..=self.shown().choices();
        if let Some(digit) = keys::digit(key).filter(|digit| choices.contains(&usize::from(*digit))) {
            return self.update(Msg::Choose(digit));
        }
        scopes.retain(|scope| *scope != Scope::Choices);
        keys::action(key, &scopes).map_or_else(Vec::new, |row| self.act(row.action))
    }

    fn reply(&mut self, reply: Reply) -> Vec<Effect> {
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
        match action {
            Action::Quit => self.quit = true,
            Action::Back => return self.back(),
            Action::Help => self.layers.push(Layer::Help(Help::new(&self.scopes()))),
            Action::Palette => {
                let palette = Palette::new(self.entries());
                self.layers.push(Layer::Palette(Box::new(palette)));
            }
            Action::Filter => self.layers.push(Layer::Filter(FilterLine::new(self.shown().filter()))),
            Action::Overview => return self.go(Screen::Overview, None),
            Action::Executions => return self.go(Screen::Executions, None),
            Action::Conflicts => return self.go(Screen::Conflicts, None),
            Action::Duplicates => return self.go(Screen::Duplicates, None),
            Action::Unlinked => return self.go(Screen::Unlinked, None),
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
                Scope::Lists => "only in a list (2 to 5)".to_owned(),
                scope => format!("only on the screen {}", scope.title()),
            });
        }
        if self.read_only && row.operation.is_some() {
            return Err("this Reknit runs read-only; start it without --read-only".to_owned());
        }
        self.shown().can(action)
    }

    fn entries(&self) -> Vec<Entry> {
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

    fn back(&mut self) -> Vec<Effect> {
        if self.toasts.dismiss() {
            return Vec::new();
        }
        let (pane, ctx) = self.pane_of(self.screen);
        match pane.back(ctx) {
            Some(effects) => self.apply(effects),
            None => Vec::new(),
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        let by = match mouse.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::Down(MouseButton::Left) => 0,
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
                match self.layers.last_mut() {
                    Some(Layer::Palette(palette)) => palette.click(at),
                    Some(Layer::Menu(menu)) => menu.click(at),
                    _ => {}
                }
                Vec::new()
            }
            Some(_) if !self.layers.is_empty() => Vec::new(),
            Some(Target::Screen(screen)) => self.go(screen, None),
            Some(target) => self.update(Msg::Click(target, double)),
            None => Vec::new(),
        }
    }

    /// Something came back, or happened by itself.
    pub fn event(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Loaded(ticket, loaded) => self.loaded(ticket, loaded),
            Event::Previewed(ticket, answer) => self.asked(|layer| layer.previewed(ticket, answer)),
            Event::Proposed(ticket, answer) => self.asked(|layer| layer.proposed(ticket, answer)),
            Event::LinkProposed(ticket, answer) => self.asked(|layer| layer.link_proposed(ticket, answer)),
            Event::Explained(ticket, answer) => {
                if let Some(Layer::Telling(layer)) = self.layers.last_mut() {
                    layer.told(ticket, answer);
                }
                Vec::new()
            }
            Event::CarriedOut(Ok(applied)) => {
                let tone = if applied.refused.is_empty() { Tone::Good } else { Tone::Warning };
                self.toasts.push(self.ctx.now, tone, applied.sentence);
                self.results.follow(applied.executions);
                self.results.follow(applied.retried);
                self.refresh()
            }
            Event::CarriedOut(Err(why)) => self.refused(why),
            Event::Decided(_, Ok(id)) => {
                self.toasts.push(
                    self.ctx.now,
                    Tone::Good,
                    format!("Decided. It is sent as {id}; 2 shows it."),
                );
                self.results.follow([id]);
                self.refresh()
            }
            Event::Parted(_, Ok(())) => {
                self.toasts.push(self.ctx.now, Tone::Good, "Noted: two different people.".to_owned());
                self.refresh()
            }
            Event::Judged(Ok(pair)) => {
                let (tone, words) = super::panes::duplicates::told(&pair);
                self.toasts.push(self.ctx.now, tone, words);
                self.refresh()
            }
            Event::Decided(_, Err(why)) | Event::Parted(_, Err(why)) | Event::Judged(Err(why)) => {
                self.refused(why)
            }
            Event::Retried(answer) => {
                if let Ok(report) = &answer {
                    self.results.follow(report.queued.iter().copied());
                }
                self.reported(answer, "queued again")
            }
            Event::Discarded(answer) => self.reported(answer, "discarded"),
            Event::Changed if self.ctx.paused => {
                self.missed = true;
                Vec::new()
            }
            Event::Changed => self.refresh(),
            Event::Reach(Ok(())) => {
                if self.unreachable.take().is_some() {
                    self.refresh()
                } else {
                    Vec::new()
                }
            }
            Event::Reach(Err(why)) => {
                if self.unreachable.is_none() {
                    self.unreachable = Some((self.ctx.now, why));
                    return self.refresh();
                }
                Vec::new()
            }
            Event::Second => {
                self.toasts.expire(self.ctx.now);
                Vec::new()
            }
            Event::Notice(text) => {
                self.toasts.push(self.ctx.now, Tone::Bad, text);
                Vec::new()
            }
        }
    }

    fn loaded(&mut self, ticket: Ticket, loaded: Loaded) -> Vec<Effect> {
        if let Loaded::Execution(_, Ok(detail)) = &loaded {
            match self.results.answer(&self.ctx, ticket, detail.as_ref().map(|detail| &detail.execution)) {
                Heard::NotMine => {}
                Heard::Silent => return Vec::new(),
                Heard::Said(tone, text) => {
                    self.toasts.drop_passing();
                    self.toasts.push(self.ctx.now, tone, text);
                    return Vec::new();
                }
            }
        }
        match loaded {
            Loaded::Counts(answer) => {
                if self.counts_asked == Some(ticket) {
                    self.counts_asked = None;
                    if let Ok(counts) = answer {
                        self.counts = Some(counts);
                    }
                    if std::mem::take(&mut self.counts_dirty) {
                        return self.load_counts();
                    }
                }
                Vec::new()
            }
            Loaded::Overview(_) => self.update_of(Screen::Overview, Msg::Loaded(ticket, loaded)),
            Loaded::Executions(_) | Loaded::Execution(..) => {
                self.update_of(Screen::Executions, Msg::Loaded(ticket, loaded))
            }
            Loaded::Conflicts(_) => self.update_of(Screen::Conflicts, Msg::Loaded(ticket, loaded)),
            Loaded::Duplicates(_) => self.update_of(Screen::Duplicates, Msg::Loaded(ticket, loaded)),
            Loaded::Unlinked(_) => self.update_of(Screen::Unlinked, Msg::Loaded(ticket, loaded)),
        }
    }

    fn refresh(&mut self) -> Vec<Effect> {
        let mut effects = self.load_counts();
        effects.extend(self.results.look(&self.ctx));
        effects.extend(self.update(Msg::Refresh));
        // The dot in the first row comes from the overview; on other screens now and then is enough.
        if self.screen != Screen::Overview && self.ctx.now.since(self.overview_at) > 5_000 {
            self.overview_at = self.ctx.now;
            effects.extend(self.update_of(Screen::Overview, Msg::Refresh));
        }
        effects
    }

    /// An answer for the question that is on top; a late one goes nowhere.
    fn asked(&mut self, take: impl FnOnce(&mut Confirm)) -> Vec<Effect> {
        if let Some(Layer::Confirm(layer)) = self.layers.last_mut() {
            take(layer);
        }
        Vec::new()
    }

    fn refused(&mut self, why: String) -> Vec<Effect> {
        self.toasts.push(self.ctx.now, Tone::Bad, why);
        self.refresh()
    }

    fn reported(&mut self, answer: Answer<Report>, word: &str) -> Vec<Effect> {
        match answer {
            Err(why) => return self.refused(why),
            Ok(report) => {
                let done = report.queued.len() as u64;
                if done > 0 {
                    let text = format!("{} {word}.", counted(done, "execution"));
                    self.toasts.push(self.ctx.now, Tone::Good, text);
                    let effects = self.update_of(Screen::Executions, Msg::Act(Action::ClearMarks));
                    debug_assert!(!effects.iter().any(|effect| matches!(effect, Effect::Retry(_))));
                }
                if let Some((id, why)) = report.refused.first() {
                    let more = match report.refused.len() - 1 {
                        0 => String::new(),
                        more => format!(" And {more} more, each for its reason."),
                    };
                    self.toasts.push(self.ctx.now, Tone::Bad, format!("{id} was not {word}: {why}{more}"));
                }
            }
        }
        self.refresh()
    }

    /// How the connections fare; for tests of the first row.
    pub fn health(&self) -> Health {
        self.overview.health()
    }

    /// The screen that is shown.
    pub const fn screen(&self) -> Screen {
        self.screen
    }

    /// The number of the selected row.
    pub fn selected(&mut self) -> Option<i64> {
        self.pane().selected()
    }
}
