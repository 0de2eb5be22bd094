//! Lines of limits: one for each window the vendors count calls in, with its forecast; and what batches saved.

use super::super::asks::Facts;
use super::connections::title;
use super::{Entry, Fix, Level, Part};
use crate::console::ctx::Ctx;
use crate::console::panes::Screen;
use crate::console::panes::overview::window;
use crate::console::text::{ahead, thousands};
use crate::domain::limit::{DAY, Family, FamilyState};

const SECTION: &str = "Limits";

pub(super) fn of(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let mut entries = Vec::new();
    for family in &facts.gauges.families {
        if family.limit > 0 && i64::from(family.window_milliseconds) < DAY {
            entries.push(of_window(ctx, family));
        }
        if family.daily_limit > 0 {
            entries.push(of_day(ctx, family));
        }
    }
    entries.extend(saved(ctx, facts));
    entries
}

fn named(family: &FamilyState, part: &str) -> Entry {
    let usual = family.family == Family::usual(family.connection.system);
    let which = if usual { String::new() } else { format!(" {}", family.family) };
    let word = if part == "day" { "day".to_owned() } else { window(family.window_milliseconds) };
    let key = format!("limit/{}/{}/{part}", family.connection, family.family);
    let mut entry = Entry::new(key, SECTION, format!("{}{which} {word}", title(&family.connection)));
    "reknit limits".clone_into(&mut entry.command);
    entry.rows = Some((Screen::Executions, format!("status:pending system:{}", family.connection.system)));
    entry
}

fn numbers(used: u32, limit: u32) -> String {
    format!("{} of {}", thousands(u64::from(used)), thousands(u64::from(limit)))
}

/// What the vendor has closed for a time concerns window and day alike.
fn closed(ctx: &Ctx, entry: &mut Entry, family: &FamilyState) {
    if let Some(until) = family.closed_until {
        entry.at_least(Level::Warning);
        entry.fact(
            "Closed",
            format!("{} by {}; what waits goes on by itself then", ahead(ctx.now, until), family.closed_why),
            ctx.theme.warn,
        );
    }
}

fn of_window(ctx: &Ctx, family: &FamilyState) -> Entry {
    let theme = &ctx.theme;
    let mut entry = named(family, "window");
    let share = f64::from(family.used) / f64::from(family.limit.max(1));
    entry.level = Level::of_share(share);
    entry.state = format!("{:.0} %", share * 100.0);
    entry.number = numbers(family.used, family.limit);
    let word = window(family.window_milliseconds);
    entry.parts.push(Part::Gauge(word.clone(), share, numbers(family.used, family.limit)));
    entry.say(
        format!(
            "Calls within any {word}, those of other apps included as far as they are known. A full window makes calls \
             wait, it does not fail them.",
        ),
        theme.text,
    );
    closed(ctx, &mut entry, family);
    if entry.level >= Level::Warning {
        let filter = format!("status:pending system:{}", family.connection.system);
        entry.mended_by("open what waits", Fix::Go(Screen::Executions, filter));
    }
    entry
}

fn of_day(ctx: &Ctx, family: &FamilyState) -> Entry {
    let theme = &ctx.theme;
    let mut entry = named(family, "day");
    let share = f64::from(family.daily_used) / f64::from(family.daily_limit.max(1));
    entry.level = Level::of_share(share);
    entry.number = numbers(family.daily_used, family.daily_limit);
    entry.state = format!("{:.0} %", share * 100.0);
    entry.parts.push(Part::Gauge("day".to_owned(), share, numbers(family.daily_used, family.daily_limit)));
    let budget = f64::from(family.daily_used) / f64::from(family.daily_budget.max(1));
    entry.parts.push(Part::Gauge(
        "our budget".to_owned(),
        budget,
        numbers(family.daily_used, family.daily_budget),
    ));
    let reached = |at| if at <= ctx.now { "now".to_owned() } else { format!("at {}", ctx.day(at)) };
    if let Some(at) = family.limit_reached_at {
        entry.at_least(Level::Warning);
        entry.state = format!("full {}", reached(at));
        entry.say(format!("day limit reached {} at this rate", reached(at)), theme.error);
    } else if let Some(at) = family.budget_reached_at {
        entry.at_least(Level::Warning);
        entry.state = format!("budget {}", reached(at));
    }
    if let Some(at) = family.budget_reached_at {
        entry.say(
            format!(
                "our budget is reached {} at this rate; then only what an operator asks for is sent",
                reached(at)
            ),
            theme.warn,
        );
    } else {
        entry.say("At this rate the day's calls last until they are renewed.", theme.text);
    }
    let renewed = family.renewed_at.map_or_else(
        || "always the last 24 hours".to_owned(),
        |at| format!("{} ({})", ctx.day(at), ahead(ctx.now, at)),
    );
    entry.fact("Renewed", renewed, theme.text);
    closed(ctx, &mut entry, family);
    if entry.level >= Level::Warning {
        entry.say(
            "Fewer looks for changes (engine.poll_seconds), webhooks instead of polling and larger batches save calls; a \
             recipe that can wait is paused with H on its executions.",
            theme.muted,
        );
        let filter = format!("status:pending system:{}", family.connection.system);
        entry.mended_by("open what waits for it", Fix::Go(Screen::Executions, filter));
    }
    entry
}

fn saved(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let line = |saved: &crate::journal::vitals::Saved| {
        let name = saved.connection.parse().map_or_else(|_| saved.connection.clone(), |name| title(&name));
        let mut entry = Entry::new(format!("saved/{}", saved.connection), SECTION, format!("{name} batches"));
        "calls saved, 24 h".clone_into(&mut entry.state);
        entry.number = thousands(saved.calls);
        entry.say(
            format!(
                "{} calls were not needed in the last 24 hours, because {} batches carried work that would have gone one \
                 by one.",
                thousands(saved.calls),
                thousands(saved.batches)
            ),
            ctx.theme.text,
        );
        "reknit monitors --series saved".clone_into(&mut entry.command);
        entry
    };
    facts.vitals.saved.iter().map(line).collect()
}
