//! Screen 1: what needs a human, what came since the last visit, why executions fail, how the connections fare, how it
//! went lately, what happened last.
//!
//! Every number is a door to the rows it counts. Shows only what the journal says; computes no health of its own.

pub mod asks;
mod facts;
mod needs;
mod rows;

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::asks::{Ask, Lately};
pub(super) use self::facts::{took, window};
use self::rows::{Door, Place, Row};
use super::{Focus, Pane, Screen};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{put, span, wrap};
use crate::console::widgets::boxes::Panel;
use crate::domain::clock::Timestamp;
use crate::domain::fingerprint::Cause;
use crate::domain::overview::{Health, Overview as Facts};

/// How it went lately is asked again after so many milliseconds.
const LATELY_EVERY: i64 = 5_000;

/// A box, in the order in which Tab goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Spot {
    /// What needs a human.
    #[default]
    Needs,
    /// The connections.
    Systems,
    /// Since the last visit.
    Since,
    /// Why executions fail.
    Causes,
    /// How it went lately.
    Trend,
    /// The last lines of the audit log.
    Latest,
}

impl Spot {
    const ALL: [Self; 6] = [Self::Needs, Self::Systems, Self::Since, Self::Causes, Self::Trend, Self::Latest];

    const fn title(self) -> &'static str {
        match self {
            Self::Needs => "Needs you",
            Self::Systems => "Systems",
            Self::Since => "Since your last visit",
            Self::Causes => "Why executions fail",
            Self::Trend => "Trend",
            Self::Latest => "Latest",
        }
    }
}

/// The screen's state.
#[derive(Debug, Default)]
pub struct Overview {
    facts: Option<Box<Facts>>,
    loaded: Option<Timestamp>,
    failed: Option<String>,
    asked: Option<Ticket>,
    dirty: bool,
    causes: Vec<Cause>,
    lately: Option<Box<Lately>>,
    lately_at: Option<Timestamp>,
    looked: Option<Ticket>,
    spot: Spot,
    places: [Place; 6],
    /// How high each box was drawn last: a low one leaves rows out.
    heights: [Cell<u16>; 6],
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

    fn load(&mut self, ctx: &Ctx, visit: bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.asked.is_some() {
            self.dirty = true;
        } else {
            let ticket = ctx.ticket();
            self.asked = Some(ticket);
            effects.push(Effect::Load(ticket, Query::Overview));
        }
        let due = self.lately_at.is_none_or(|at| !(0..LATELY_EVERY).contains(&ctx.now.since(at)));
        if self.looked.is_none() || visit {
            let ticket = ctx.ticket();
            self.looked = Some(ticket);
            effects.push(Effect::Load(ticket, Query::Outlook(Ask { lately: due || visit, visit })));
        }
        effects
    }

    fn take(&mut self, ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Vec<Effect> {
        match loaded {
            Loaded::Overview(answer) if self.asked == Some(ticket) => {
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
                    return self.load(ctx, false);
                }
            }
            Loaded::Outlook(told) if self.looked == Some(ticket) => {
                self.looked = None;
                // What cannot be read is said by the first facts; here the old ones stay.
                if let Ok(causes) = told.causes {
                    self.causes = causes;
                }
                if let Some(Ok(lately)) = told.lately {
                    self.lately = Some(lately);
                    self.lately_at = Some(ctx.now);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// The boxes there are now: without a visit before there is nothing to say of it.
    fn spots(&self) -> Vec<Spot> {
        let known = self.lately.as_ref().is_some_and(|lately| lately.since.is_some());
        Spot::ALL.into_iter().filter(|spot| *spot != Spot::Since || known).collect()
    }

    fn rows(&self, ctx: &Ctx, spot: Spot) -> Vec<Row> {
        match spot {
            Spot::Needs => self.needs(ctx),
            Spot::Systems => self.systems(ctx, usize::from(self.heights[Spot::Systems as usize].get())),
            Spot::Since => self.since(ctx),
            Spot::Causes => self.why(ctx),
            Spot::Trend => self.trend(ctx),
            Spot::Latest => self.latest(ctx),
        }
    }

    /// What is chosen in a box, as far as it still exists.
    fn place(&self, rows: &[Row], spot: Spot) -> Place {
        let wanted = self.places[spot as usize];
        let row = wanted.row.min(rows.len().saturating_sub(1));
        let doors = rows.get(row).map_or(0, |row| row.doors().count());
        Place { row, door: wanted.door.min(doors.saturating_sub(1)) }
    }

    fn door(&self, ctx: &Ctx) -> Option<Door> {
        let rows = self.rows(ctx, self.spot);
        let place = self.place(&rows, self.spot);
        rows.get(place.row)?.doors().nth(place.door).cloned()
    }

    fn open(&self, ctx: &Ctx) -> Vec<Effect> {
        match self.door(ctx) {
            Some(Door { screen, filter }) => vec![Effect::Go(screen, filter)],
            None => Vec::new(),
        }
    }

    /// Goes to what mends it: for a cause that is not where its executions are.
    fn mend(&self, ctx: &Ctx) -> Vec<Effect> {
        if self.spot == Spot::Causes {
            let failing = self.failing();
            let place = self.places[Spot::Causes as usize].row.min(failing.len().saturating_sub(1));
            if let Some(Door { screen, filter }) = failing.get(place).map(|cause| facts::mended_at(cause)) {
                return vec![Effect::Go(screen, filter)];
            }
        }
        self.open(ctx)
    }

    fn shift(&mut self, ctx: &Ctx, by: i64) {
        let rows = self.rows(ctx, self.spot);
        let at = self.place(&rows, self.spot);
        let row = (at.row as i64).saturating_add(by).clamp(0, rows.len().saturating_sub(1) as i64);
        self.places[self.spot as usize].row = row as usize;
    }

    fn sidle(&mut self, ctx: &Ctx, by: i64) {
        let rows = self.rows(ctx, self.spot);
        let at = self.place(&rows, self.spot);
        let doors = rows.get(at.row).map_or(0, |row| row.doors().count());
        let door = (at.door as i64).saturating_add(by).clamp(0, doors.saturating_sub(1) as i64);
        self.places[self.spot as usize].door = door as usize;
    }

    fn turn(&mut self, by: usize) {
        let spots = self.spots();
        let here = spots.iter().position(|spot| *spot == self.spot).unwrap_or(0);
        self.spot = spots[(here + by) % spots.len()];
    }

    /// Draws a box with its rows and what stands below them.
    fn draw_box(&self, ctx: &Ctx, buffer: &mut Buffer, spot: Spot, area: Rect) {
        let theme = &ctx.theme;
        let focused = self.spot == spot;
        let before = rows::target(spot as usize, self.places[spot as usize]);
        ctx.target(area, before);
        self.heights[spot as usize].set(area.height.saturating_sub(2));
        let rows = self.rows(ctx, spot);
        let place = self.place(&rows, spot);
        let mut title = self.title(ctx, spot);
        if title.is_empty() {
            spot.title().clone_into(&mut title);
        }
        let foot = self.foot(ctx, spot, usize::from(area.width.saturating_sub(6)));
        let inside = usize::from(area.height.saturating_sub(2));
        // Advice gives way to rows, as long as some of them are hidden.
        let foot =
            &foot[..foot.len().min(inside.saturating_sub(rows.len().min(inside.saturating_sub(1)).max(1)))];
        let room = inside - foot.len();
        let hidden = rows.len().saturating_sub(room);
        let mut panel = Panel::new(theme, &title, focused).right(self.right(ctx, spot));
        if hidden > 0 {
            panel = panel.bottom_right(Line::from(span(format!("{hidden} more"), theme.muted)));
        }
        let inner = panel.draw(theme, buffer, area);
        if inner.width == 0 {
            return;
        }
        if rows.is_empty() {
            if let Some((glyph, style, text)) = self.nothing(ctx, spot) {
                put(buffer, inner.x + 2, inner.y, 1, &Line::from(span(glyph, style)));
                let cells = inner.width.saturating_sub(6);
                for (index, line) in
                    wrap(&text, usize::from(cells)).into_iter().take(usize::from(inner.height)).enumerate()
                {
                    let line = Line::from(span(line, theme.text));
                    put(buffer, inner.x + 4, inner.y + index as u16, cells, &line);
                }
            }
            return;
        }
        let upper = Rect { height: room as u16, ..inner };
        rows::draw(ctx, buffer, upper, (spot as usize, &rows), place, focused);
        for (index, line) in foot.iter().enumerate() {
            put(buffer, inner.x + 2, inner.y + (room + index) as u16, inner.width.saturating_sub(3), line);
        }
    }

    /// The boxes one below the other, beginning so that the one with the focus is seen.
    fn draw_stack(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let spots = self.spots();
        let height = |spot: Spot| {
            let rows = self.rows(ctx, spot).len().max(1) as u16;
            let foot = self.foot(ctx, spot, usize::from(area.width.saturating_sub(6))).len() as u16;
            match spot {
                Spot::Needs => rows.clamp(3, 8) + 2,
                Spot::Since => 3,
                Spot::Causes => rows.min(4) + foot.min(2) + 2,
                Spot::Systems => rows.min(6) + 2,
                Spot::Trend => rows.min(8) + 2,
                Spot::Latest => rows.min(10) + 2,
            }
        };
        let focused = spots.iter().position(|spot| *spot == self.spot).unwrap_or(0);
        let mut first = focused;
        let mut used = height(spots[focused]).min(area.height);
        while first > 0 && used + height(spots[first - 1]) <= area.height {
            first -= 1;
            used += height(spots[first]);
        }
        let mut y = area.y;
        for spot in &spots[first..] {
            let left = area.bottom().saturating_sub(y);
            if left < 3 {
                break;
            }
            // The last box takes what is left: rows, where it has some more.
            let wanted = height(*spot).min(left);
            let wanted = if left - wanted < 3 { left } else { wanted };
            self.draw_box(ctx, buffer, *spot, Rect { y, height: wanted, ..area });
            y += wanted;
        }
    }

    /// The boxes side by side.
    fn draw_wide(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let left_cells = area.width * 3 / 5;
        let halves = |y: u16, height: u16| {
            let left = Rect { x: area.x, y: area.y + y, width: left_cells, height };
            (left, Rect { x: area.x + left_cells, width: area.width - left_cells, ..left })
        };
        let full = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
        let since: u16 = if self.spots().contains(&Spot::Since) { 3 } else { 0 };
        self.heights[Spot::Systems as usize].set(u16::MAX);
        let systems = self.rows(ctx, Spot::Systems).len();
        let wanted = (self.needs(ctx).len().max(systems).max(5) as u16).saturating_add(2);
        // Three rows of causes and of trends are left whatever else there is.
        let top = wanted.min(area.height.saturating_sub(since + 6).max(7)).min(area.height);
        let (needs, systems) = halves(0, top);
        self.draw_box(ctx, buffer, Spot::Needs, needs);
        self.draw_box(ctx, buffer, Spot::Systems, systems);
        let mut y = top;
        if since > 0 && area.height >= y + since {
            self.draw_box(ctx, buffer, Spot::Since, full(y, since));
            y += since;
        }
        let rest = area.height - y;
        let trend = self.rows(ctx, Spot::Trend).len() as u16 + 2;
        let foot = self.foot(ctx, Spot::Causes, usize::from(left_cells.saturating_sub(6))).len() as u16;
        let wanted = (self.failing().len() as u16 + 2 + foot).max(trend).min(14);
        // The last lines keep a third of what is left, where that is enough for a box.
        let middle = if rest >= wanted + 4 { wanted.min(rest - 4) } else { rest };
        let middle = middle.min(if rest > 12 { rest - rest / 4 } else { rest });
        if middle >= 3 {
            let (causes, trend) = halves(y, middle);
            self.draw_box(ctx, buffer, Spot::Causes, causes);
            self.draw_box(ctx, buffer, Spot::Trend, trend);
        }
        y += middle;
        if area.height - y >= 3 {
            self.draw_box(ctx, buffer, Spot::Latest, full(y, area.height - y));
        }
    }
}

impl Pane for Overview {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Shown => return self.load(ctx, true),
            Msg::Refresh => return self.load(ctx, false),
            Msg::Loaded(ticket, loaded) => return self.take(ctx, ticket, loaded),
            Msg::Act(Action::GoThere) => return self.open(ctx),
            Msg::Act(Action::MendThere) => return self.mend(ctx),
            Msg::Act(Action::NextBox) => self.turn(1),
            Msg::Act(Action::PreviousBox) => self.turn(self.spots().len() - 1),
            Msg::Act(Action::PreviousNumber) => self.sidle(ctx, -1),
            Msg::Act(Action::NextNumber) => self.sidle(ctx, 1),
            Msg::Act(Action::Down) => self.shift(ctx, 1),
            Msg::Act(Action::Up) => self.shift(ctx, -1),
            Msg::Act(Action::First | Action::PageUp | Action::HalfUp) => self.shift(ctx, -1_000),
            Msg::Act(Action::Last | Action::PageDown | Action::HalfDown) => self.shift(ctx, 1_000),
            Msg::Click(Target::Row(target), double) => {
                let (spot, place) = rows::place_of(target);
                if let Some(spot) = Spot::ALL.get(spot) {
                    self.spot = *spot;
                    self.places[*spot as usize] = place;
                    if double {
                        return self.open(ctx);
                    }
                }
            }
            Msg::Wheel(target, by) => {
                if let Target::Row(target) = target
                    && let Some(spot) = Spot::ALL.get(rows::place_of(target).0)
                {
                    self.spot = *spot;
                }
                self.shift(ctx, by.signum());
            }
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        if ctx.narrow() {
            self.draw_stack(ctx, buffer, area);
        } else {
            self.draw_wide(ctx, buffer, area);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        match action {
            Action::GoThere | Action::MendThere if self.facts.is_none() => {
                Err("nothing is loaded yet".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn filter(&self) -> &'static str {
        ""
    }

    fn focus(&self) -> Focus {
        if self.spot == Spot::Needs { Focus::List } else { Focus::Detail }
    }

    fn lists(&self) -> bool {
        false
    }

    fn back(&mut self, _: &Ctx) -> Option<Vec<Effect>> {
        if self.spot == Spot::Needs {
            return None;
        }
        self.spot = Spot::Needs;
        Some(Vec::new())
    }
}

/// Where a number leads that counts rows of a screen; on the health screen, the line with that key.
fn door(screen: Screen, filter: &str) -> Door {
    let filter = match (screen, filter) {
        (_, "") => None,
        (Screen::Health, key) => Some(super::health::line(key)),
        (_, filter) => Some(filter.to_owned()),
    };
    Door { screen, filter }
}
