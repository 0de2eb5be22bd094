//! Screen 7: limits with their forecast, tokens and rights, answer times, webhooks, monitors, breakers, pauses, drift.
//!
//! A line for each thing at the left, all there is to say of it at the right, what mends it on `f`. Shows only what the
//! journal says and what the console was told; computes no health of its own.

pub mod asks;
mod detail;
mod entries;

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::asks::Facts;
use self::entries::{Entry, Fix, Level};
use super::{Focus, Pane, Screen, scroll_as, scroll_by, split};
use crate::console::actions::{Action, Scope};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::toast::Tone;
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{counted, left, put, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::console::wishes::{Wish, health as wishes};
use crate::domain::clock::Timestamp;
use crate::domain::pause::{PauseKind, PauseScope};

/// How another screen names one of these lines in the place of a filter.
const LINE: &str = "line:";
/// How wide the list is beside the detail.
const LIST: u16 = 62;
/// Everything is asked no more often than this, in milliseconds, however often the journal changes.
const EVERY: i64 = 1_000;

/// In the place of a filter: the line with a key.
pub(super) fn line(key: &str) -> String {
    format!("{LINE}{key}")
}

/// The screen's state.
#[derive(Debug, Default)]
pub struct Health {
    facts: Option<Box<Facts>>,
    loaded: Option<Timestamp>,
    failed: Option<String>,
    asked: Option<Ticket>,
    dirty: bool,
    focus: Focus,
    /// The key of the selected line, and where it stood: one that is gone leaves its place to the next.
    chosen: Option<String>,
    at: Cell<usize>,
    text: String,
    words: Vec<(bool, String)>,
    scroll: Cell<usize>,
    height: Cell<usize>,
    /// Whether the line that was drawn last can be mended, and has rows behind it.
    offers: Cell<(bool, bool)>,
}

impl Health {
    fn load(&mut self, ctx: &Ctx, at_once: bool) -> Vec<Effect> {
        let fresh = self.loaded.is_some_and(|at| (0..EVERY).contains(&ctx.now.since(at)));
        if self.asked.is_some() || fresh && !at_once && self.failed.is_none() {
            self.dirty = true;
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        self.dirty = false;
        vec![Effect::Load(ticket, Query::Health(asks::Ask::Everything))]
    }

    /// The lines that the filter lets through.
    fn entries(&self, ctx: &Ctx) -> Vec<Entry> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let mut entries = entries::of(ctx, facts);
        entries.retain(|entry| entry.matches(&self.words));
        entries
    }

    /// Where the selected line stands: by its key, by the beginning of one, else where it stood.
    fn place(&self, entries: &[Entry]) -> usize {
        let found = self.chosen.as_ref().and_then(|chosen| {
            let exact = entries.iter().position(|entry| entry.key == *chosen);
            exact.or_else(|| entries.iter().position(|entry| entry.key.starts_with(&format!("{chosen}/"))))
        });
        let at = found.unwrap_or_else(|| self.at.get()).min(entries.len().saturating_sub(1));
        self.at.set(at);
        at
    }

    fn entry(&self, ctx: &Ctx) -> Option<Entry> {
        let mut entries = self.entries(ctx);
        if entries.is_empty() {
            return None;
        }
        let at = self.place(&entries);
        Some(entries.swap_remove(at))
    }

    fn choose(&mut self, entries: &[Entry], at: usize) {
        let at = at.min(entries.len().saturating_sub(1));
        let key = entries.get(at).map(|entry| entry.key.clone());
        if key != self.chosen {
            self.scroll.set(0);
        }
        self.chosen = key;
        self.at.set(at);
    }

    fn shift(&mut self, ctx: &Ctx, by: i64) {
        let entries = self.entries(ctx);
        let at = (self.place(&entries) as i64).saturating_add(by).max(0);
        self.choose(&entries, usize::try_from(at).unwrap_or(usize::MAX));
    }

    fn step(&mut self, ctx: &Ctx, action: Action) {
        let page = self.height.get().max(2) as i64;
        match action {
            Action::Down => self.shift(ctx, 1),
            Action::Up => self.shift(ctx, -1),
            Action::HalfDown => self.shift(ctx, page / 2),
            Action::HalfUp => self.shift(ctx, -page / 2),
            Action::PageDown => self.shift(ctx, page),
            Action::PageUp => self.shift(ctx, -page),
            Action::First => self.shift(ctx, i64::MIN / 2),
            _ => self.shift(ctx, i64::MAX / 2),
        }
    }

    fn take(&mut self, ctx: &Ctx, told: asks::Told) -> Vec<Effect> {
        self.asked = None;
        let asks::Told::Everything(answer) = told;
        match answer {
            Ok(facts) => {
                let first = self.facts.is_none();
                self.facts = Some(facts);
                self.loaded = Some(ctx.now);
                self.failed = None;
                if first && self.chosen.is_none() {
                    // What needs somebody first is what they came for.
                    let entries = self.entries(ctx);
                    let worst = entries.iter().map(|entry| entry.level).max().filter(|it| *it > Level::Well);
                    let at = entries.iter().position(|entry| Some(entry.level) == worst).unwrap_or(0);
                    self.choose(&entries, at);
                }
            }
            Err(why) => self.failed = Some(why),
        }
        // What changed meanwhile is asked when the journal changes again or the screen is shown: never in a circle.
        Vec::new()
    }

    fn mend(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let Some(entry) = self.entry(ctx) else { return Vec::new() };
        match entry.fix.clone() {
            Fix::Nothing => Vec::new(),
            Fix::Go(screen, filter) => vec![go(screen, filter)],
            Fix::Line(key) => {
                self.text.clear();
                self.words.clear();
                self.chosen = Some(key);
                self.scroll.set(0);
                Vec::new()
            }
            Fix::Resume(scope, waiting) => vec![Effect::Confirm(Box::new(resume(&entry, scope, waiting)))],
            Fix::Run(command) => vec![
                Effect::Copy(command),
                Effect::Toast(
                    Tone::Good,
                    "Run it in a shell beside this console; then this line mends itself.".to_owned(),
                ),
            ],
        }
    }

    fn set_filter(&mut self, text: &str, words: Vec<(bool, String)>) {
        if let Some(key) = text.strip_prefix(LINE) {
            self.text.clear();
            self.words.clear();
            self.chosen = Some(key.to_owned());
            self.focus = Focus::List;
        } else {
            text.clone_into(&mut self.text);
            self.words = words;
        }
        self.scroll.set(0);
    }

    fn draw_list(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::List);
        let entries = self.entries(ctx);
        let focused = self.focus == Focus::List;
        let open = entries.iter().filter(|entry| entry.level >= Level::Warning).count() as u64;
        let mut words = Vec::new();
        if let (Some(_), Some(at)) = (&self.failed, self.loaded) {
            words.push(span(format!("as of {} · ", ctx.clock(at)), theme.warn));
        }
        words.push(match (&self.facts, open) {
            (None, _) => span("…", theme.muted),
            (Some(_), 0) => span("all well", theme.muted),
            (Some(_), 1) => span("1 needs a look", theme.warn),
            (Some(_), open) => span(format!("{open} need a look"), theme.warn),
        });
        let at = self.place(&entries);
        let place =
            if entries.is_empty() { String::new() } else { format!("{} of {}", at + 1, entries.len()) };
        let inner = Panel::new(theme, "Health", focused)
            .right(Line::from(words))
            .bottom_left(Line::from(span(self.text.clone(), theme.text)))
            .bottom_right(Line::from(span(place, theme.muted)))
            .draw(theme, buffer, area);
        if inner.width == 0 {
            return;
        }
        self.height.set(usize::from(inner.height));
        if entries.is_empty() {
            self.draw_nothing(ctx, buffer, inner);
            return;
        }
        let names = entries.iter().map(|entry| width(&entry.name)).max().unwrap_or(0).min(30);
        let room = usize::from(inner.width.saturating_sub(3));
        // The number of a line takes only its own room from the words before it.
        let rest = room.saturating_sub(2 + names + 2);
        // A group's name stands before its first line.
        let mut lines: Vec<Result<usize, &str>> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if index == 0 || entries[index - 1].section != entry.section {
                lines.push(Err(entry.section));
            }
            lines.push(Ok(index));
        }
        let chosen = lines.iter().position(|line| *line == Ok(at)).unwrap_or(0);
        let height = usize::from(inner.height);
        let last = (chosen + 3).min(lines.len());
        let from = last.saturating_sub(height).min(chosen.saturating_sub(1));
        for (offset, line) in lines.iter().enumerate().skip(from).take(height) {
            let y = inner.y + (offset - from) as u16;
            let row = Rect::new(inner.x, y, inner.width, 1);
            match line {
                Err(section) => {
                    let line = Line::from(span(section.to_uppercase(), theme.muted));
                    put(buffer, inner.x + 2, y, inner.width.saturating_sub(3), &line);
                }
                Ok(index) => {
                    let entry = &entries[*index];
                    let (glyph, style) = entry.level.look(theme);
                    let numbers = width(&entry.number);
                    let states = rest.saturating_sub(numbers + 2 * usize::from(numbers > 0));
                    let loud = entry.level >= Level::Held;
                    let line = Line::from(vec![
                        span(format!("{glyph} "), style),
                        span(left(&entry.name, names), theme.bold),
                        span("  ", theme.text),
                        span(left(&entry.state, states), if loud { style } else { theme.text }),
                        span(if numbers > 0 { "  " } else { "" }, theme.text),
                        span(entry.number.clone(), theme.muted),
                    ]);
                    ctx.target(row, Target::Row(*index));
                    put(buffer, inner.x + 2, y, inner.width.saturating_sub(3), &line);
                    if *index == at {
                        mark_selected(theme, buffer, row, focused);
                    }
                }
            }
        }
    }

    fn draw_nothing(&self, ctx: &Ctx, buffer: &mut Buffer, inner: Rect) {
        let theme = &ctx.theme;
        let (glyph, style, text) = match (&self.failed, &self.facts) {
            (Some(why), _) => (
                "✗",
                theme.error,
                format!(
                    "The journal cannot be read.\n{why}\nIt is asked again by itself; nothing is lost meanwhile."
                ),
            ),
            (None, None) => match ctx.reading() {
                Some(reading) => reading,
                None => return,
            },
            (None, Some(_)) => (
                "–",
                theme.muted,
                format!("Nothing matches \"{}\".\nEsc shows all again, / changes the filter.", self.text),
            ),
        };
        put(buffer, inner.x + 2, inner.y + 1, 1, &Line::from(span(glyph, style)));
        let cells = usize::from(inner.width.saturating_sub(6)).min(70);
        for (index, line) in wrap(&text, cells).into_iter().take(usize::from(inner.height)).enumerate() {
            let style = if index == 0 { theme.bold } else { theme.muted };
            put(
                buffer,
                inner.x + 4,
                inner.y + 1 + index as u16,
                cells as u16,
                &Line::from(span(line, style)),
            );
        }
    }
}

fn go(screen: Screen, filter: String) -> Effect {
    Effect::Go(screen, Some(filter).filter(|filter| !filter.is_empty()))
}

/// The question before a pause ends or a connection is looked at.
fn resume(entry: &Entry, scope: PauseScope, waiting: u64) -> Pending {
    let looks = scope.kind == PauseKind::Connection && entry.state != "paused";
    let what = match waiting {
        0 => "Nothing waits for it now.".to_owned(),
        1 => "1 execution waits for it and goes on.".to_owned(),
        many => format!("{} wait for it and go on.", counted(many, "execution")),
    };
    let text = if looks {
        format!(
            "One cheap call asks whether it works again; if not, it is left alone as before. If it does: {what}"
        )
    } else {
        format!("{what} What they write goes to the vendors as if they had never waited.")
    };
    Pending::Wish {
        title: if looks { format!("Look at {} now", entry.name) } else { format!("Resume {scope}") },
        verb: if looks { "Look now" } else { "Resume" },
        text,
        wish: Wish::Health(wishes::Wish::Resume(scope)),
    }
}

impl Pane for Health {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Shown => return self.load(ctx, true),
            Msg::Refresh => return self.load(ctx, false),
            Msg::Loaded(ticket, Loaded::Health(told)) if self.asked == Some(ticket) => {
                return self.take(ctx, *told);
            }
            Msg::Act(Action::Mend) => return self.mend(ctx),
            Msg::Act(Action::OpenThere) => {
                return self
                    .entry(ctx)
                    .and_then(|entry| entry.rows)
                    .map(|(screen, filter)| go(screen, filter))
                    .into_iter()
                    .collect();
            }
            Msg::Act(Action::CopyCommand) => {
                return self.entry(ctx).map(|entry| Effect::Copy(entry.command)).into_iter().collect();
            }
            Msg::Act(Action::Copy) => {
                let text =
                    |entry: Entry| Effect::Copy(format!("{}: {} {}", entry.name, entry.state, entry.number));
                return self.entry(ctx).map(text).into_iter().collect();
            }
            Msg::Act(action) if keys::moves(action) => match self.focus {
                Focus::List => self.step(ctx, action),
                Focus::Detail => scroll_as(&self.scroll, action),
            },
            Msg::Act(Action::Open) | Msg::Click(Target::Detail, _) => self.focus = Focus::Detail,
            Msg::Act(Action::NextBox | Action::PreviousBox) => self.focus = self.focus.other(),
            Msg::Filter(text, filter) => {
                let words =
                    filter.terms.into_iter().map(|term| (term.negated, term.values.join(",").to_lowercase()));
                self.set_filter(&text, words.collect());
                let entries = self.entries(ctx);
                if !entries.is_empty() {
                    let at = self.place(&entries);
                    self.choose(&entries, at);
                }
            }
            Msg::Select(key) => {
                let entries = self.entries(ctx);
                self.choose(&entries, usize::try_from(key).unwrap_or(0));
            }
            Msg::Click(Target::Row(at), double) => {
                let entries = self.entries(ctx);
                self.choose(&entries, at);
                self.focus = if double { Focus::Detail } else { Focus::List };
            }
            Msg::Wheel(Target::Detail, by) => scroll_by(&self.scroll, by),
            Msg::Wheel(_, by) => self.shift(ctx, by.signum()),
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let (list, detail) = split(ctx, area, self.focus, LIST.min(area.width * 27 / 50));
        let entry = self.entry(ctx);
        self.offers.set(
            entry.as_ref().map_or((false, false), |entry| (entry.fix != Fix::Nothing, entry.rows.is_some())),
        );
        if let Some(list) = list {
            self.draw_list(ctx, buffer, list);
        }
        if let Some(place) = detail {
            ctx.target(place, Target::Detail);
            detail::draw(ctx, buffer, place, entry.as_ref(), self.focus == Focus::Detail, &self.scroll);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        // Without a context the lines cannot be made; what was drawn last says where one stands.
        match action {
            Action::Mend | Action::OpenThere | Action::CopyCommand | Action::Copy if self.facts.is_none() => {
                Err("nothing is loaded yet".to_owned())
            }
            Action::Mend if !self.offers.get().0 => Err("nothing is wrong with this line".to_owned()),
            Action::OpenThere if !self.offers.get().1 => Err("no rows stand behind this line".to_owned()),
            Action::Open | Action::Filter | Action::Copy => Ok(()),
            other if other.row().scope == Scope::Lists => {
                Err("the lines of this screen are no records; / finds one".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn back(&mut self, _ctx: &Ctx) -> Option<Vec<Effect>> {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
            return Some(Vec::new());
        }
        if self.text.is_empty() {
            return None;
        }
        self.set_filter("", Vec::new());
        Some(Vec::new())
    }

    fn filter(&self) -> &str {
        &self.text
    }

    fn selected(&self) -> Option<i64> {
        self.facts.as_ref().map(|_| self.at.get() as i64)
    }
}
