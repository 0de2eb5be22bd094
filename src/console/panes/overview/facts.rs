//! The overview's boxes beside what needs a human: connections, causes of failures, trends, what happened last; and what
//! stands in their borders. Rows only; drawn elsewhere.

use ratatui::style::Style;
use ratatui::text::Line;

use super::rows::{Cell, Door, Row};
use super::{Overview, Screen, Spot, door};
use crate::console::ctx::Ctx;
use crate::console::text::{age, cut_end, span, thousands, wrap, wrap_most};
use crate::console::widgets::gauge::{bars, limit_style, lines, sparkline};
use crate::domain::error_class::{ErrorClass, Retry};
use crate::domain::fingerprint::Cause;
use crate::domain::limit::DAY;
use crate::domain::overview::{ConnectionState, Health, Slot};
use crate::domain::trouble::{Advice, Fix, advise, recognise};

/// Cells of a gauge: beside other boxes as many as its numbers leave it.
fn gauge_cells(ctx: &Ctx) -> usize {
    if ctx.narrow() { 15 } else { usize::from(ctx.size.0 / 4).saturating_sub(18).clamp(6, 15) }
}

/// Bars of a sparkline that fit beside its word and its number; the oldest are left out first.
fn spark_cells(ctx: &Ctx) -> usize {
    if ctx.narrow() { 24 } else { usize::from(ctx.size.0 * 2 / 5).saturating_sub(26).clamp(6, 24) }
}

/// What mends a cause.
fn fix_of(cause: &Cause) -> Fix {
    if let Some(trouble) = recognise(cause.system, cause.class, &cause.words) {
        return trouble.fix;
    }
    match cause.class {
        ErrorClass::Auth => Fix::Token,
        ErrorClass::Permission => Fix::Grant,
        ErrorClass::UnknownField | ErrorClass::Recipe => Fix::Settings,
        ErrorClass::Validation | ErrorClass::NotAllowedValue => Fix::Resolve,
        ErrorClass::DuplicateDetected => Fix::Merge,
        class if class.treatment().retry == Retry::Later => Fix::Wait,
        _ => Fix::Retry,
    }
}

/// A fix in one or two words.
const fn short(fix: Fix) -> &'static str {
    match fix {
        Fix::Wait => "wait",
        Fix::Retry => "retry",
        Fix::Resolve => "decide",
        Fix::Merge => "merge",
        Fix::Token => "new token",
        Fix::Grant => "grant",
        Fix::Settings => "edit rules",
        Fix::Doctor => "doctor",
    }
}

fn of_cause(cause: &Cause) -> Door {
    door(Screen::Executions, &format!("cause:{} status:failed", cause.cause))
}

/// Where a cause is mended: where the conflict, the pair, the token stands; else with its executions.
pub(super) fn mended_at(cause: &Cause) -> Door {
    match (fix_of(cause), cause.system) {
        (Fix::Resolve, _) => door(Screen::Conflicts, ""),
        (Fix::Merge, _) => door(Screen::Duplicates, ""),
        (Fix::Token | Fix::Grant | Fix::Doctor, Some(system)) => {
            door(Screen::Health, &format!("connection/{system}"))
        }
        (Fix::Settings, _) => door(Screen::Recipes, ""),
        _ => of_cause(cause),
    }
}

fn advice_of(cause: &Cause) -> Advice {
    advise(cause.system, cause.class, &cause.words)
}

/// Whether somebody knows what is behind it.
fn is_known(cause: &Cause) -> bool {
    cause.class != ErrorClass::Unknown || advice_of(cause).key.is_some()
}

/// The same request would be refused again.
fn fails_again(cause: &Cause) -> bool {
    cause.class.treatment().retry == Retry::Never && fix_of(cause) != Fix::Retry
}

fn name(state: &ConnectionState) -> String {
    if state.connection.name.is_empty() {
        state.connection.system.title().to_owned()
    } else {
        format!("{} {}", state.connection.system.title(), state.connection.name)
    }
}

/// Milliseconds as people say them: `84 ms`, `1.9 s`, `3 min`.
pub(in crate::console::panes) fn took(milliseconds: i64) -> String {
    match milliseconds.max(0) {
        fast @ 0..1_000 => format!("{fast} ms"),
        slow @ 1_000..100_000 => format!("{}.{} s", slow / 1_000, slow % 1_000 / 100),
        long @ 100_000..6_000_000 => format!("{} min", long / 60_000),
        long => format!("{} h", long / 3_600_000),
    }
}

/// A window's length as people say it.
pub(in crate::console::panes) fn window(milliseconds: u32) -> String {
    match milliseconds / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        60 => "minute".to_owned(),
        seconds @ 61..86_400 => format!("{} min", seconds / 60),
        _ => "day".to_owned(),
    }
}

/// How a connection's token stands, in two words, where that is known.
fn token(ctx: &Ctx, state: &ConnectionState) -> (String, Style) {
    let theme = &ctx.theme;
    let outside = ctx.outside.borrow();
    let Some(credential) = outside.credential(&state.connection) else { return (String::new(), theme.muted) };
    match (&credential.grant, credential.expires_at) {
        (Err(_), _) => ("no token".to_owned(), theme.error),
        (Ok(_), Some(at)) if !credential.renews => match at.since(ctx.now) {
            left if left <= 0 => ("token expired".to_owned(), theme.error),
            left if left < 7 * DAY => (format!("token {} d", left / DAY), theme.warn),
            left => (format!("token {} d", left / DAY), theme.muted),
        },
        (Ok(_), _) => ("token ok".to_owned(), theme.muted),
    }
}

impl Overview {
    /// The causes for which executions wait for a human.
    pub(super) fn failing(&self) -> Vec<&Cause> {
        self.causes.iter().filter(|cause| cause.failed > 0).collect()
    }

    /// The connections. Where the box is too low for everything, first the words of what is well go, then gauges that are
    /// far from their end, then all words; a connection itself and a limit that is near always stay.
    pub(super) fn systems(&self, ctx: &Ctx, height: usize) -> Vec<Row> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let mut rows: Vec<(u8, Row)> = Vec::new();
        for state in &facts.connections {
            Self::system(ctx, state, &mut rows);
        }
        for rank in [4, 3, 2, 1] {
            let over = rows.len().saturating_sub(height);
            let mut left = over;
            // From the end, so that the first connection keeps its words longest.
            for index in (0..rows.len()).rev() {
                if left > 0 && rows[index].0 == rank {
                    rows.remove(index);
                    left -= 1;
                }
            }
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn system(ctx: &Ctx, state: &ConnectionState, rows: &mut Vec<(u8, Row)>) {
        let theme = &ctx.theme;
        let (glyph, style) = theme.health(state.health);
        let since = age(ctx.now, state.since);
        let well = state.health == Health::Up;
        let word = match state.health {
            Health::Up => "ok".to_owned(),
            Health::Degraded => format!("slow {since}"),
            Health::Down => format!("down {since}"),
            Health::Unknown => "not called yet".to_owned(),
        };
        let latency = if state.latency_ms == 0 { String::new() } else { took(i64::from(state.latency_ms)) };
        let connection = state.connection.to_string();
        let (token, token_style) = token(ctx, state);
        rows.push((
            0,
            Row {
                group: 10,
                cells: vec![
                    Cell::words(glyph, style).gap(1),
                    Cell::words(name(state), theme.bold)
                        .to(Screen::Health, format!("connection/{connection}")),
                    Cell::fill(word, if well { theme.text } else { style }),
                    Cell::words(token, token_style).drop(2),
                    Cell::number(latency, theme.muted)
                        .to(Screen::Health, format!("answers/{}", state.connection.system))
                        .drop(1),
                ],
            },
        ));
        let cells = gauge_cells(ctx);
        let mut measure = |word: String, used: u32, limit: u32, key: String| {
            let share = f64::from(used) / f64::from(limit.max(1));
            let style = limit_style(theme, share);
            let numbers = format!("{} of {}", thousands(u64::from(used)), thousands(u64::from(limit)));
            let rank = if share >= 0.8 { 0 } else { 2 };
            rows.push((
                rank,
                Row {
                    group: 11,
                    cells: vec![
                        Cell::words(format!("  {word}"), theme.muted),
                        Cell::words(bars(share, cells), style).then(lines(share, cells), theme.faint).drop(1),
                        Cell::fill("", theme.muted).gap(0),
                        Cell::number(numbers, if share >= 0.8 { style } else { theme.muted })
                            .to(Screen::Health, key),
                    ],
                },
            ));
        };
        for family in &state.families {
            let key = |part: &str| format!("limit/{connection}/{}/{part}", family.family);
            let usual = family.family == crate::domain::limit::Family::usual(state.connection.system);
            // Endpoints of their own limit are shown here only when they come near it; Health has all.
            if family.limit > 0
                && (usual || u64::from(family.used) * 10 >= u64::from(family.limit) * 8)
                && i64::from(family.window_milliseconds) < DAY
            {
                let word = if usual { String::new() } else { format!("{} ", family.family) };
                measure(
                    format!("{word}{}", window(family.window_milliseconds)),
                    family.used,
                    family.limit,
                    key("window"),
                );
            }
            if family.daily_limit > 0 {
                measure("day".to_owned(), family.daily_used, family.daily_limit, key("day"));
            }
        }
        if state.families.is_empty() && state.limit > 0 {
            let word = window(state.window_seconds.saturating_mul(1_000));
            measure(word, state.used, state.limit, format!("connection/{connection}"));
        }
        let mut note = |rank: u8, text: &str, style: Style| {
            rows.push((
                rank,
                Row {
                    group: 12,
                    cells: vec![Cell::words("  ", theme.muted).gap(0), Cell::fill(text, style)],
                },
            ));
        };
        for day in state.families.iter().filter(|family| family.daily_limit > 0) {
            if let Some(at) = day.limit_reached_at {
                note(1, &format!("day limit reached at {} at this rate", ctx.day(at)), theme.warn);
            } else if let Some(at) = day.budget_reached_at {
                note(
                    1,
                    &format!("our budget of the day is reached at {} at this rate", ctx.day(at)),
                    theme.warn,
                );
            }
        }
        if !state.note.is_empty() {
            for (index, line) in wrap(&state.note, 48).into_iter().take(2).enumerate() {
                let rank = if well { 4 } else { 1 + 2 * u8::from(index > 0) };
                note(rank, &line, theme.muted);
            }
        }
    }

    pub(super) fn why(&self, ctx: &Ctx) -> Vec<Row> {
        let theme = &ctx.theme;
        let row = |cause: &&Cause| {
            let code = cause.code.map_or_else(|| "—".to_owned(), |code| code.to_string());
            let class = cause.class.as_str().replace('_', " ");
            let words = if cause.words.is_empty() { advice_of(cause).meaning } else { &cause.words };
            let field = cause.field.as_deref().map_or_else(String::new, |field| format!(" {field}"));
            Row {
                group: 0,
                cells: vec![
                    Cell::number(thousands(cause.failed), theme.error)
                        .to(Screen::Executions, format!("cause:{} status:failed", cause.cause)),
                    Cell::words(cause.system.map_or("—", crate::domain::record::System::title), theme.text)
                        .drop(1),
                    Cell::number(code, theme.muted),
                    Cell::fill(format!("{class}{field}: {words}"), theme.text),
                    Cell::words(format!("fix: {}", short(fix_of(cause))), theme.text).drop(2),
                    Cell::number(age(ctx.now, cause.first_at), theme.muted),
                ],
            }
        };
        self.failing().iter().map(row).collect()
    }

    /// Whether the days are shown instead of the hours.
    fn by_day(&self) -> bool {
        self.places[Spot::Trend as usize].door > 0
    }

    pub(super) fn trend(&self, ctx: &Ctx) -> Vec<Row> {
        let Some(lately) = self.lately.as_ref().filter(|lately| !lately.trends.hours.is_empty()) else {
            return Vec::new();
        };
        let theme = &ctx.theme;
        let trends = &lately.trends;
        let by_day = self.by_day();
        let slots = if by_day { &trends.days } else { &trends.hours };
        let bars_of = |pick: &dyn Fn(&Slot) -> u64| sparkline(&slots.iter().map(pick).collect::<Vec<_>>());
        let room = spark_cells(ctx);
        let row = |word: &str, bars: String, style: Style, numbers: [String; 2], to: [Door; 2]| {
            let [hours, days] = numbers;
            let [of_hours, of_days] = to;
            let strong = |day: bool| if by_day == day { theme.bold } else { theme.muted };
            Row {
                group: 0,
                cells: vec![
                    Cell::words(word, theme.text),
                    Cell::words(newest(&bars, room), style),
                    Cell::fill("", theme.muted).gap(0),
                    Cell::number(hours, strong(false)).through(of_hours).drop(u8::from(by_day)),
                    Cell::number(days, strong(true)).through(of_days).drop(u8::from(!by_day)),
                ],
            }
        };
        let count = |word: &str, style: Style, pick: fn(&Slot) -> u64, screen: Screen, filter: &str| {
            let sum = |slots: &[Slot]| thousands(slots.iter().map(pick).fold(0, u64::saturating_add));
            let to = |span: &str| {
                if screen == Screen::Health {
                    door(screen, filter)
                } else {
                    door(screen, format!("{filter} since:{span}").trim())
                }
            };
            row(word, bars_of(&pick), style, [sum(&trends.hours), sum(&trends.days)], [to("24h"), to("14d")])
        };
        let lag = |word: &str, style: Style, pick: fn((i64, i64)) -> i64| {
            let shown = |lag: Option<(i64, i64)>| lag.map_or_else(|| "—".to_owned(), |lag| took(pick(lag)));
            let to = || door(Screen::Health, "lag");
            row(
                word,
                bars_of(&|slot| slot.lag.map_or(0, |lag| pick(lag).max(0).cast_unsigned())),
                style,
                [shown(trends.lag_of_hours), shown(trends.lag_of_days)],
                [to(), to()],
            )
        };
        // The share changes by points of a hundred: the lowest of the days is the ground it is drawn on.
        let known = || trends.coverage.iter().filter_map(|share| *share);
        let ground = known().fold(f64::INFINITY, f64::min);
        let shares: Vec<u64> = trends
            .coverage
            .iter()
            .map(|share| share.map_or(0, |share| ((share - ground) * 10.0) as u64 + 1))
            .collect();
        let share =
            |share: Option<f64>| share.map_or_else(|| "—".to_owned(), |share| format!("{share:.0} %"));
        let linked = row(
            "linked",
            if known().next().is_some() { sparkline(&shares) } else { String::new() },
            theme.accent,
            [
                share(trends.coverage.last().copied().flatten().or_else(|| known().next_back())),
                share(known().next()),
            ],
            [door(Screen::Unlinked, ""), door(Screen::Unlinked, "")],
        );
        vec![
            count("succeeded", theme.accent, |slot| slot.succeeded, Screen::Executions, "status:succeeded"),
            count("failed", theme.error, |slot| slot.failed, Screen::Executions, "status:failed"),
            lag("lag p95", theme.warn, |(_, most)| most),
            lag("lag p50", theme.accent, |(half, _)| half),
            count("conflicts", theme.warn, |slot| slot.conflicts, Screen::Conflicts, ""),
            linked,
            count("skipped", theme.muted, |slot| slot.skipped, Screen::Executions, "status:skipped"),
            count("echoes", theme.muted, |slot| slot.echoes, Screen::Health, "echoes"),
        ]
    }

    pub(super) fn latest(&self, ctx: &Ctx) -> Vec<Row> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let theme = &ctx.theme;
        let cut = |text: &str, cells: usize| cut_end(text, cells);
        let row = |activity: &crate::domain::overview::Activity| Row {
            group: 0,
            cells: vec![
                Cell::words(ctx.clock(activity.at), theme.muted),
                Cell::words(cut(&activity.actor, 12), theme.text).drop(1),
                Cell::words(cut(&activity.verb, 12), theme.bold),
                Cell::words(cut(&activity.object, 32), theme.text).to(Screen::Audit, activity.object.clone()),
                Cell::fill(activity.note.clone(), theme.muted),
            ],
        };
        facts.latest.iter().map(row).collect()
    }

    /// A title of a box that is not always the same; empty = its usual one.
    pub(super) fn title(&self, ctx: &Ctx, spot: Spot) -> String {
        match (spot, self.lately.as_ref().and_then(|lately| lately.since.as_ref())) {
            (Spot::Since, Some(since)) => {
                format!("Since your last visit, {} ago ({})", age(ctx.now, since.at), ctx.day(since.at))
            }
            (Spot::Trend, _) if self.by_day() => "Last 14 days".to_owned(),
            (Spot::Trend, _) => "Last 24 h".to_owned(),
            _ => String::new(),
        }
    }

    /// What stands right in the upper border of a box.
    pub(super) fn right(&self, ctx: &Ctx, spot: Spot) -> Line<'static> {
        let theme = &ctx.theme;
        let muted = |text: String| Line::from(span(text, theme.muted));
        match spot {
            Spot::Needs => {
                let mut words = Vec::new();
                if let (Some(_), Some(at)) = (&self.failed, self.loaded) {
                    words.push(span(format!("as of {} · ", ctx.clock(at)), theme.warn));
                }
                words.push(span(
                    if self.facts.is_some() {
                        format!("{} open", thousands(self.open_things()))
                    } else {
                        "…".into()
                    },
                    theme.muted,
                ));
                Line::from(words)
            }
            Spot::Causes => muted("failed now, by cause".to_owned()),
            Spot::Trend if self.by_day() => muted("by day · ← 24 h".to_owned()),
            Spot::Trend => muted("by hour · → 14 days".to_owned()),
            Spot::Systems | Spot::Since | Spot::Latest => Line::default(),
        }
    }

    /// What stands below the rows of a box: what mends the chosen cause, and whether retrying helps.
    pub(super) fn foot(&self, ctx: &Ctx, spot: Spot, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let failing = self.failing();
        if spot != Spot::Causes || failing.is_empty() {
            return Vec::new();
        }
        // Where boxes stand under each other, their lines are few.
        let most = if ctx.narrow() { 1 } else { 2 };
        let mut lines: Vec<Line<'static>> = wrap_most(&judgement(&failing), cells, most)
            .into_iter()
            .map(|line| Line::from(span(line, theme.text)))
            .collect();
        let chosen = self.places[Spot::Causes as usize].row.min(failing.len() - 1);
        let hint = advice_of(failing[chosen]).hint;
        for (index, line) in wrap_most(hint, cells.saturating_sub(4), most).into_iter().enumerate() {
            let label = if index == 0 { "Fix " } else { "    " };
            lines.push(Line::from(vec![span(label, theme.muted), span(line, theme.text)]));
        }
        lines
    }

    /// What a box without rows says.
    pub(super) fn nothing(&self, ctx: &Ctx, spot: Spot) -> Option<(&'static str, Style, String)> {
        let theme = &ctx.theme;
        if self.facts.is_none() {
            return match &self.failed {
                _ if spot != Spot::Needs => None,
                Some(why) => Some((
                    "✗",
                    theme.error,
                    format!(
                        "The journal cannot be read. {why}\nIt is asked again by itself; nothing is lost meanwhile."
                    ),
                )),
                None => ctx.reading(),
            };
        }
        Some(match spot {
            Spot::Needs => ("✓", theme.ok, "Nothing needs you. New work appears here by itself.".to_owned()),
            Spot::Causes => ("✓", theme.ok, "Nothing has failed.".to_owned()),
            Spot::Systems => {
                ("○", theme.muted, "No connection was called yet; 7 shows what is set up.".to_owned())
            }
            Spot::Latest => ("–", theme.muted, "Nothing happened yet.".to_owned()),
            Spot::Trend | Spot::Since => return None,
        })
    }
}

/// The last bars of a sparkline.
fn newest(bars: &str, room: usize) -> String {
    bars.chars().skip(bars.chars().count().saturating_sub(room)).collect()
}

/// Whether the causes are known, and whether retrying helps before they are mended.
fn judgement(failing: &[&Cause]) -> String {
    let sum = |pick: fn(&Cause) -> bool| -> u64 {
        failing.iter().filter(|cause| pick(cause)).map(|cause| cause.failed).sum()
    };
    let (all, known, futile) = (sum(|_| true), sum(is_known), sum(fails_again));
    let head = match (known == all, all) {
        (true, 1) => "It has a known cause.".to_owned(),
        (true, _) => format!("All {} have a known cause.", thousands(all)),
        (false, _) => format!("{} of {} have a known cause.", thousands(known), thousands(all)),
    };
    let tail = match futile {
        0 => "Retrying may help.".to_owned(),
        _ if futile == all => "Retrying before the fix fails again.".to_owned(),
        _ => format!("Retrying before the fix fails again for {}.", thousands(futile)),
    };
    format!("{head} {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::ids::ExecutionId;
    use crate::domain::record::System;

    fn cause(class: ErrorClass, failed: u64) -> Cause {
        Cause {
            cause: "0a1b2c3d".to_owned(),
            class,
            code: Some(400),
            system: Some(System::Hubspot),
            field: None,
            failed,
            retrying: 0,
            first_at: Timestamp(0),
            last_at: Timestamp(0),
            seen: failed,
            newest: ExecutionId(1),
            subject: String::new(),
            sentence: String::new(),
            words: String::new(),
        }
    }

    #[test]
    fn r7_what_is_said_of_all_causes_is_true_of_all() {
        let (auth, unknown, value) = (
            cause(ErrorClass::Auth, 6),
            cause(ErrorClass::Unknown, 2),
            cause(ErrorClass::NotAllowedValue, 3),
        );
        assert_eq!(
            judgement(&[&auth, &value]),
            "All 9 have a known cause. Retrying before the fix fails again."
        );
        assert_eq!(
            judgement(&[&auth, &unknown]),
            "6 of 8 have a known cause. Retrying before the fix fails again for 6."
        );
        assert_eq!(judgement(&[&unknown]), "0 of 2 have a known cause. Retrying may help.");
    }

    #[test]
    fn r7_a_cause_is_mended_where_its_conflict_pair_or_token_stands() {
        for (class, screen) in [
            (ErrorClass::Auth, Screen::Health),
            (ErrorClass::NotAllowedValue, Screen::Conflicts),
            (ErrorClass::DuplicateDetected, Screen::Duplicates),
            (ErrorClass::Unknown, Screen::Executions),
        ] {
            assert_eq!(mended_at(&cause(class, 1)).screen, screen, "{class}");
        }
    }
}
