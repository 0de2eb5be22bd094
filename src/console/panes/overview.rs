//! Screen 1: what needs a human, why executions fail, how the connections fare, the last day, what happened last.
//!
//! Every count leads to the rows it counts. Shows only what the journal says; computes no health of its own.

mod facts;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{Focus, Pane, Screen};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{age, ahead, cut_end, left, put, right, span, thousands, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::links::Coverage;
use crate::domain::overview::{Cluster, Health, Overview as Facts};
use crate::domain::text::clean;

/// The screen's state.
#[derive(Debug, Default)]
pub struct Overview {
    facts: Option<Box<Facts>>,
    loaded: Option<Timestamp>,
    failed: Option<String>,
    asked: Option<Ticket>,
    dirty: bool,
    focus: Focus,
    need: usize,
    cause: usize,
}

/// One line of "Needs you".
struct Need {
    glyph: &'static str,
    style: Style,
    count: u64,
    what: String,
    more: String,
    since: Option<Timestamp>,
    screen: Screen,
    filter: Option<&'static str>,
}

impl Overview {
    /// The worst health of all connections, for the dot in the first row.
    pub fn health(&self) -> Health {
        let states = self.facts.iter().flat_map(|facts| &facts.connections).map(|state| state.health);
        states
            .max_by_key(|health| match health {
                Health::Unknown => 0,
                Health::Up => 1,
                Health::Degraded => 2,
                Health::Down => 3,
            })
            .unwrap_or(Health::Unknown)
    }

    fn needs(&self, ctx: &Ctx) -> Vec<Need> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let theme = &ctx.theme;
        let of = |status| facts.counts.of(status);
        let same = facts.clusters.iter().filter(|c| c.status == Status::Failed).map(|c| c.count).max();
        let mut needs = Vec::new();
        let mut push = |glyph, style, count, what: String, more: String, since, screen, filter| {
            if count > 0 {
                needs.push(Need { glyph, style, count, what, more, since, screen, filter });
            }
        };
        let plural =
            |count: u64, one: &str, many: &str| if count == 1 { one.to_owned() } else { many.to_owned() };
        let alerts = facts.alerts.len() as u64;
        push(
            "!",
            theme.error,
            alerts,
            plural(alerts, "alert", "alerts"),
            facts.alerts.first().map_or_else(String::new, |first| clean(first).into_owned()),
            None,
            Screen::Executions,
            Some("status:failed"),
        );
        let failed = of(Status::Failed);
        push(
            "✗",
            theme.error,
            failed,
            plural(failed, "failed execution", "failed executions"),
            match same {
                Some(same) if same > 1 && same < failed => format!("{same} of them share one cause"),
                Some(same) if same > 1 => "all share one cause".to_owned(),
                _ => String::new(),
            },
            facts.oldest[0],
            Screen::Executions,
            Some("status:failed"),
        );
        let doubt = of(Status::InDoubt);
        push(
            "?",
            theme.warn,
            doubt,
            "in doubt".into(),
            "looked up before any replay".into(),
            None,
            Screen::Executions,
            Some("status:in_doubt"),
        );
        let retrying = of(Status::Retrying);
        push(
            "↻",
            theme.warn,
            retrying,
            "retrying by themselves".into(),
            facts.next_due.map_or_else(String::new, |due| format!("next try {}", ahead(ctx.now, due))),
            None,
            Screen::Executions,
            Some("status:retrying"),
        );
        let conflicts = facts.counts.conflicts;
        push(
            "≠",
            theme.warn,
            conflicts,
            plural(conflicts, "field conflict", "field conflicts"),
            "the rest of each record is written".into(),
            facts.oldest[1],
            Screen::Conflicts,
            None,
        );
        let duplicates = facts.counts.duplicates;
        push(
            "≈",
            theme.warn,
            duplicates,
            plural(duplicates, "duplicate pair", "duplicate pairs"),
            match facts.certain_duplicates {
                0 => "all need a look".to_owned(),
                certain => format!("{certain} certain, {} need a look", duplicates.saturating_sub(certain)),
            },
            facts.oldest[2],
            Screen::Duplicates,
            None,
        );
        let unlinked = facts.counts.unlinked;
        push(
            "∅",
            theme.warn,
            unlinked,
            plural(unlinked, "contact without an account", "contacts without an account"),
            linked(facts),
            facts.oldest[3],
            Screen::Unlinked,
            None,
        );
        let held = of(Status::Held);
        push(
            "‖",
            theme.muted,
            held,
            "held".into(),
            "wait for a decision".into(),
            None,
            Screen::Executions,
            Some("status:held"),
        );
        needs
    }

    fn clusters(&self) -> Vec<&Cluster> {
        let facts = self.facts.as_deref();
        facts.map_or_else(Vec::new, |facts| {
            facts.clusters.iter().filter(|c| c.status == Status::Failed).collect()
        })
    }

    fn load(&mut self, ctx: &Ctx) -> Vec<Effect> {
        if self.asked.is_some() {
            self.dirty = true;
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Overview)]
    }

    fn open(&self, ctx: &Ctx) -> Vec<Effect> {
        if self.focus == Focus::Detail {
            let clusters = self.clusters();
            let Some(cluster) = clusters.get(self.cause.min(clusters.len().saturating_sub(1))) else {
                return Vec::new();
            };
            let filter = format!("status:failed error:{}", cluster.class);
            return vec![Effect::Go(Screen::Executions, Some(filter))];
        }
        let needs = self.needs(ctx);
        let Some(need) = needs.get(self.need.min(needs.len().saturating_sub(1))) else { return Vec::new() };
        vec![Effect::Go(need.screen, need.filter.map(str::to_owned))]
    }

    fn shift(&mut self, ctx: &Ctx, by: i64) {
        let (at, count) = match self.focus {
            Focus::List => (&mut self.need, self.facts.as_ref().map_or(0, |_| 7)),
            Focus::Detail => (&mut self.cause, 64),
        };
        let moved = (*at as i64).saturating_add(by).clamp(0, count);
        *at = moved as usize;
        self.need = self.need.min(self.needs(ctx).len().saturating_sub(1));
        self.cause = self.cause.min(self.clusters().len().saturating_sub(1));
    }

    fn draw_needs(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::List);
        let needs = self.needs(ctx);
        let focused = self.focus == Focus::List;
        // An alert is about work that is counted below it.
        let open: u64 = needs.iter().filter(|need| need.glyph != "!").map(|need| need.count).sum();
        let mut right_words = Vec::new();
        if let (Some(_), Some(at)) = (&self.failed, self.loaded) {
            right_words.push(span(format!("as of {} · ", ctx.clock(at)), theme.warn));
        }
        right_words.push(span(
            if self.facts.is_some() { format!("{} open", thousands(open)) } else { "…".into() },
            theme.muted,
        ));
        let inner =
            Panel::new(theme, "Needs you", focused).right(Line::from(right_words)).draw(theme, buffer, area);
        if inner.width == 0 {
            return;
        }
        if needs.is_empty() {
            let (glyph, style, text) = match (&self.failed, &self.facts) {
                (Some(why), None) => ("✗", theme.error, format!("The journal cannot be read. {why}")),
                (_, None) => return,
                (_, Some(_)) => {
                    ("✓", theme.ok, "Nothing needs you. New work appears here by itself.".to_owned())
                }
            };
            put(buffer, inner.x + 2, inner.y, 1, &Line::from(span(glyph, style)));
            let cells = usize::from(inner.width.saturating_sub(6));
            for (index, line) in wrap(&text, cells).into_iter().take(usize::from(inner.height)).enumerate() {
                put(
                    buffer,
                    inner.x + 4,
                    inner.y + index as u16,
                    cells as u16,
                    &Line::from(span(line, theme.text)),
                );
            }
            return;
        }
        let count_cells = needs.iter().map(|need| width(&thousands(need.count))).max().unwrap_or(1);
        let what_cells = needs.iter().map(|need| width(&need.what)).max().unwrap_or(1);
        let from = scroll_to(self.need, usize::from(inner.height));
        for (index, need) in needs.iter().enumerate().skip(from).take(usize::from(inner.height)) {
            let y = inner.y + (index - from) as u16;
            ctx.target(Rect::new(inner.x, y, inner.width, 1), Target::Row(index));
            let age = need.since.map_or_else(String::new, |since| age(ctx.now, since));
            let used = 5 + count_cells + 1 + what_cells + 2;
            let room = usize::from(inner.width).saturating_sub(used + 6);
            let line = Line::from(vec![
                span(format!("{}  ", need.glyph), need.style),
                span(right(&thousands(need.count), count_cells), theme.bold),
                span(format!(" {}  ", left(&need.what, what_cells)), theme.text),
                span(left(&need.more, room), theme.muted),
                span(right(&age, 5), theme.muted),
            ]);
            put(buffer, inner.x + 2, y, inner.width.saturating_sub(3), &line);
            if index == self.need {
                mark_selected(theme, buffer, Rect::new(inner.x, y, inner.width, 1), focused);
            }
        }
    }

    fn draw_causes(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let inner = Panel::new(theme, "Why executions fail", focused)
            .right(Line::from(span("failed now, by cause", theme.muted)))
            .draw(theme, buffer, area);
        if inner.width == 0 || self.facts.is_none() {
            return;
        }
        let clusters = self.clusters();
        if clusters.is_empty() {
            put(
                buffer,
                inner.x + 2,
                inner.y,
                inner.width.saturating_sub(3),
                &Line::from(vec![span("✓ ", theme.ok), span("Nothing has failed.", theme.text)]),
            );
            return;
        }
        let rows = usize::from(inner.height).saturating_sub(usize::from(inner.height > 3)).max(1);
        let counts = clusters.iter().map(|c| thousands(c.count).len()).max().unwrap_or(1);
        let classes = clusters.iter().map(|c| c.class.as_str().len()).max().unwrap_or(1);
        let from = scroll_to(self.cause, rows);
        for (index, cluster) in clusters.iter().enumerate().skip(from).take(rows) {
            let y = inner.y + (index - from) as u16;
            ctx.target(Rect::new(inner.x, y, inner.width, 1), Target::Choice(index));
            let code = cluster.code.map_or_else(|| "—".to_owned(), |code| code.to_string());
            let used = 2 + counts + 2 + 3 + 2 + classes + 2;
            let room = usize::from(inner.width).saturating_sub(used + 6);
            let line = Line::from(vec![
                span(
                    right(&thousands(cluster.count), counts),
                    theme.error.add_modifier(ratatui::style::Modifier::BOLD),
                ),
                span(format!("  {}", right(&code, 3)), theme.muted),
                span(format!("  {}", left(&cluster.class.as_str().replace('_', " "), classes)), theme.bold),
                span(format!("  {}", left(cluster.class.treatment().meaning, room)), theme.muted),
                span(right(&age(ctx.now, cluster.first_at), 5), theme.muted),
            ]);
            put(buffer, inner.x + 2, y, inner.width.saturating_sub(3), &line);
            if index == self.cause && focused {
                mark_selected(theme, buffer, Rect::new(inner.x, y, inner.width, 1), true);
            }
        }
        if usize::from(inner.height) > rows {
            let advice =
                clusters.get(self.cause).or(clusters.first()).map_or("", |c| c.class.treatment().advice);
            let line = Line::from(vec![
                span("Fix ", theme.muted),
                span(cut_end(advice, usize::from(inner.width.saturating_sub(7))), theme.text),
            ]);
            put(buffer, inner.x + 2, inner.bottom() - 1, inner.width.saturating_sub(3), &line);
        }
    }
}

/// The first of `height` visible rows, so that row `at` is among them.
fn scroll_to(at: usize, height: usize) -> usize {
    (at + 1).saturating_sub(height.max(1))
}

/// How many of the unlinked are clear, and how many people have an account by now.
fn linked(facts: &Facts) -> String {
    let clear = match facts.clear_links {
        0 => None,
        1 => Some("1 has one clear match".to_owned()),
        clear => Some(format!("{clear} have one clear match")),
    };
    let share = facts.coverage.and_then(|(people, linked, trend)| {
        let arrow = match trend {
            0.05.. => " ↑",
            ..=-0.05 => " ↓",
            _ => "",
        };
        Some(format!("{:.0} % linked{arrow}", Coverage::percent(people, linked)?))
    });
    clear.into_iter().chain(share).collect::<Vec<_>>().join(" · ")
}

impl Pane for Overview {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Shown | Msg::Refresh => return self.load(ctx),
            Msg::Loaded(ticket, Loaded::Overview(answer)) if self.asked == Some(ticket) => {
                self.asked = None;
                match answer {
                    Ok(facts) => {
                        self.facts = Some(facts);
                        self.loaded = Some(ctx.now);
                        self.failed = None;
                    }
                    Err(why) => self.failed = Some(why),
                }
                if std::mem::take(&mut self.dirty) {
                    return self.load(ctx);
                }
            }
            Msg::Act(Action::GoThere) => return self.open(ctx),
            Msg::Act(Action::NextBox | Action::PreviousBox) => self.focus = self.focus.other(),
            Msg::Act(Action::Down) => self.shift(ctx, 1),
            Msg::Act(Action::Up) => self.shift(ctx, -1),
            Msg::Act(Action::First | Action::PageUp | Action::HalfUp) => self.shift(ctx, -100),
            Msg::Act(Action::Last | Action::PageDown | Action::HalfDown) => self.shift(ctx, 100),
            Msg::Click(Target::Row(at), double) => {
                self.focus = Focus::List;
                self.need = at;
                if double {
                    return self.open(ctx);
                }
            }
            Msg::Click(Target::Choice(at), double) => {
                self.focus = Focus::Detail;
                self.cause = at;
                if double {
                    return self.open(ctx);
                }
            }
            Msg::Wheel(_, by) => self.shift(ctx, by.signum()),
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
        if ctx.narrow() {
            let needs = (self.needs(ctx).len().max(3) as u16 + 2).min(area.height);
            self.draw_needs(ctx, buffer, row(0, needs));
            let rest = area.height - needs;
            let causes = (self.clusters().len() as u16 + 3).clamp(4, 7).min(rest);
            self.draw_causes(ctx, buffer, row(needs, causes));
            let rest = rest - causes;
            if rest >= 3 {
                self.draw_systems(ctx, buffer, row(needs + causes, rest));
            }
            return;
        }
        let left_cells = area.width * 3 / 5;
        let halves = |area: Rect| {
            let right = Rect { x: area.x + left_cells, width: area.width - left_cells, ..area };
            (Rect { width: left_cells, ..area }, right)
        };
        let top = (self.needs(ctx).len().max(5) as u16 + 2).min(area.height);
        let (needs, systems) = halves(row(0, top));
        self.draw_needs(ctx, buffer, needs);
        self.draw_systems(ctx, buffer, systems);
        // As many causes as there are, as long as the latest lines keep a third of the screen.
        let wanted = (self.clusters().len() as u16 + 3).clamp(6, 12);
        let middle =
            wanted.min((area.height - top).saturating_sub(area.height / 3).max(6)).min(area.height - top);
        let (causes, day) = halves(row(top, middle));
        self.draw_causes(ctx, buffer, causes);
        self.draw_day(ctx, buffer, day);
        let rest = area.height - top - middle;
        if rest >= 3 {
            self.draw_latest(ctx, buffer, row(top + middle, rest));
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        match action {
            Action::GoThere if self.facts.is_none() => Err("nothing is loaded yet".to_owned()),
            _ => Ok(()),
        }
    }

    fn filter(&self) -> &'static str {
        ""
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn lists(&self) -> bool {
        false
    }

    fn back(&mut self, _: &Ctx) -> Option<Vec<Effect>> {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
            return Some(Vec::new());
        }
        None
    }
}
