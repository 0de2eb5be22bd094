//! The overview's boxes that only tell: connections, the last day, what happened last.
//!
//! Nothing here can be selected; what needs a human stands in `overview` itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Overview;
use crate::console::ctx::Ctx;
use crate::console::text::{age, counted, cut_end, left, put, right, span, thousands, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::{gauge, limit_style, sparkline};
use crate::domain::overview::{ConnectionState, Health, Hour};

/// One number of an hour.
type Pick = fn(&Hour) -> u64;

impl Overview {
    pub(super) fn draw_systems(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let inner = Panel::new(theme, "Systems", false).draw(theme, buffer, area);
        let Some(facts) = self.facts.as_ref().filter(|_| inner.width > 0) else { return };
        let mut lines = Vec::new();
        let cells = usize::from(inner.width.saturating_sub(2));
        let names = facts.connections.iter().map(|state| width(&name(state))).max().unwrap_or(0);
        for state in &facts.connections {
            let [head, gauges, notes] = system_lines(ctx, state, names, cells);
            lines.extend(head.into_iter().chain(gauges).chain(notes));
        }
        if lines.len() > usize::from(inner.height) {
            // Too low for gauges: one line for each connection, and the words of what is wrong as long as they fit.
            let mut room = usize::from(inner.height).saturating_sub(facts.connections.len());
            lines.clear();
            for state in &facts.connections {
                let [head, _, notes] = system_lines(ctx, state, names, cells);
                lines.extend(head);
                let shown = if state.health == Health::Up { 0 } else { notes.len().min(room) };
                room -= shown;
                lines.extend(notes.into_iter().take(shown));
            }
        }
        if lines.is_empty() {
            lines.push(Line::from(span("No connection was called yet.", theme.muted)));
        }
        for (index, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
            put(buffer, inner.x + 1, inner.y + index as u16, cells as u16, line);
        }
    }

    pub(super) fn draw_day(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let inner = Panel::new(theme, "Last 24 h", false)
            .right(Line::from(span("by hour", theme.muted)))
            .draw(theme, buffer, area);
        let Some(facts) = self.facts.as_ref().filter(|_| inner.width > 0) else { return };
        let cells = usize::from(inner.width.saturating_sub(2));
        let hours: Vec<Hour> = facts.hours.iter().rev().take(24).rev().copied().collect();
        // Where a bar for each hour does not fit beside the total, the older hours are left out.
        let room = cells.saturating_sub(10 + 8).min(24);
        let long = hours.len().min(room);
        let parts: [(&str, Pick, Style); 3] = [
            ("succeeded", |hour| hour.succeeded, theme.accent),
            ("failed", |hour| hour.failed, theme.error),
            ("skipped", |hour| hour.skipped, theme.muted),
        ];
        for (index, (word, pick, style)) in parts.into_iter().enumerate() {
            if index as u16 >= inner.height {
                return;
            }
            let numbers: Vec<u64> = hours.iter().map(pick).collect();
            let total = numbers.iter().fold(0_u64, |sum, number| sum.saturating_add(*number));
            let bars =
                if hours.is_empty() { "—".to_owned() } else { sparkline(&numbers[numbers.len() - long..]) };
            let line = Line::from(vec![
                span(format!("{word:<10}"), theme.text),
                span(left(&bars, room), style),
                span(right(&thousands(total), cells.saturating_sub(10 + room)), theme.bold),
            ]);
            put(buffer, inner.x + 1, inner.y + index as u16, cells as u16, &line);
        }
        if inner.height > 3 {
            let text = format!(
                "{} of our own writes dropped",
                counted(facts.echoes_dropped, "echo").replace("echos", "echoes")
            );
            put(buffer, inner.x + 1, inner.y + 3, cells as u16, &Line::from(span(text, theme.muted)));
        }
    }

    pub(super) fn draw_latest(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let inner = Panel::new(theme, "Latest", false).draw(theme, buffer, area);
        let Some(facts) = self.facts.as_ref().filter(|_| inner.width > 0) else { return };
        if facts.latest.is_empty() {
            let line = Line::from(span("Nothing happened yet.", theme.muted));
            put(buffer, inner.x + 1, inner.y, inner.width.saturating_sub(2), &line);
        }
        let shown = || facts.latest.iter().take(usize::from(inner.height));
        let actors = shown().map(|activity| width(&activity.actor)).max().unwrap_or(0).min(12);
        let verbs = shown().map(|activity| width(&activity.verb)).max().unwrap_or(0).min(12);
        let objects = shown().map(|activity| width(&activity.object)).max().unwrap_or(0).min(32);
        for (index, activity) in shown().enumerate() {
            let line = Line::from(vec![
                span(format!("{}  ", ctx.clock(activity.at)), theme.muted),
                span(format!("{}  ", left(&activity.actor, actors)), theme.text),
                span(format!("{}  ", left(&activity.verb, verbs)), theme.bold),
                span(format!("{}  ", left(&activity.object, objects)), theme.text),
                span(activity.note.clone(), theme.muted),
            ]);
            let cells = inner.width.saturating_sub(2);
            let line = fit(line, usize::from(cells));
            put(buffer, inner.x + 1, inner.y + index as u16, cells, &line);
        }
    }
}

/// Cuts the last span with `…` when the line is wider than `cells`.
fn fit(mut line: Line<'static>, cells: usize) -> Line<'static> {
    let used: usize = line.spans.iter().rev().skip(1).map(|part| width(&part.content)).sum();
    if let Some(last) = line.spans.last_mut() {
        *last = Span::styled(cut_end(&last.content, cells.saturating_sub(used)), last.style);
    }
    line
}

fn name(state: &ConnectionState) -> String {
    if state.connection.name.is_empty() {
        state.connection.system.title().to_owned()
    } else {
        format!("{} {}", state.connection.system.title(), state.connection.name)
    }
}

/// What stands of a connection: its line, the gauges of its limits, and words where something is wrong.
fn system_lines(ctx: &Ctx, state: &ConnectionState, names: usize, cells: usize) -> [Vec<Line<'static>>; 3] {
    let theme = &ctx.theme;
    let (glyph, style) = theme.health(state.health);
    let since = age(ctx.now, state.since);
    let word = match state.health {
        Health::Up => "ok".to_owned(),
        Health::Degraded => format!("slow {since}"),
        Health::Down => format!("down {since}"),
        Health::Unknown => "not called yet".to_owned(),
    };
    let latency = match state.latency_ms {
        0 => String::new(),
        fast @ 1..1_000 => format!("{fast} ms"),
        slow => format!("{}.{} s", slow / 1_000, slow % 1_000 / 100),
    };
    let used = 2 + names + 2;
    let head = vec![Line::from(vec![
        span(format!("{glyph} "), style),
        span(format!("{}  ", left(&name(state), names)), theme.bold),
        span(word.clone(), if state.health == Health::Up { theme.text } else { style }),
        span(right(&latency, cells.saturating_sub(used + width(&word))), theme.muted),
    ])];
    let measure = |word: &str, used: u32, limit: u32| {
        let share = f64::from(used) / f64::from(limit);
        let numbers = format!("{} of {}", thousands(u64::from(used)), thousands(u64::from(limit)));
        let bar = cells.saturating_sub(2 + 8 + width(&numbers) + 2).min(20);
        let [full, rest] = gauge(theme, share, bar, limit_style(theme, share));
        Line::from(vec![
            span(format!("  {word:<8}"), theme.muted),
            full,
            rest,
            span(right(&numbers, cells.saturating_sub(10 + bar)), theme.muted),
        ])
    };
    let mut gauges = Vec::new();
    if state.limit > 0 {
        let window = match state.window_seconds {
            0..60 => format!("{} s", state.window_seconds),
            60 => "minute".to_owned(),
            61..86_400 => format!("{} min", state.window_seconds / 60),
            _ => "day".to_owned(),
        };
        gauges.push(measure(&window, state.used, state.limit));
    }
    // Salesforce's window is the day already.
    let day = state.families.iter().find(|family| family.daily_limit > 0 && state.window_seconds < 86_400);
    let mut notes = Vec::new();
    if let Some(day) = day {
        gauges.push(measure("day", day.daily_used, day.daily_limit));
        if let Some(at) = day.budget_reached_at {
            let text = format!("at this pace the day's budget is reached at {}", ctx.clock(at));
            notes
                .push(Line::from(span(format!("  {}", cut_end(&text, cells.saturating_sub(2))), theme.warn)));
        }
    }
    if !state.note.is_empty() {
        for line in wrap(&state.note, cells.saturating_sub(2)).into_iter().take(2) {
            notes.push(Line::from(span(format!("  {line}"), theme.muted)));
        }
    }
    [head, gauges, notes]
}
