//! The left box of screen 6: tabs in its title, the rows of the one that is shown, and why there are none. Only draws.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::words::{percent, position};
use super::{Item, Recipes, Tab};
use crate::console::ctx::{Ctx, Target};
use crate::console::panes::Focus;
use crate::console::panes::listing::picked;
use crate::console::text::{age, put, span, thousands, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::sparkline;
use crate::console::widgets::list::{Column, Kind, Table};
use crate::domain::execution::Outcome;
use crate::domain::filter::Column as By;

const RECIPES: [Column; 8] = [
    Column::new("", Kind::Words, 1),
    Column::new("RECIPE", Kind::Words, 26).at_least(24).named("recipe", "its name").sorts(By::Recipe),
    Column::new("STATE", Kind::Words, 8).named("state", "off, shadow or on").drops(3).sorts(By::Status),
    Column::new("LAST 24 H", Kind::Number, 24).named("day", "runs of each of the last 24 hours").drops(4),
    Column::new("RUNS", Kind::Number, 9).named("runs", "runs within a day").drops(1).sorts(By::Runs),
    Column::new("FAIL", Kind::Number, 6).named("fails", "the share that failed").drops(2).sorts(By::Fails),
    Column::new("LAST", Kind::Number, 4).named("last", "since its newest run").drops(5).sorts(By::Age),
    Column::new("WHEN", Kind::Words, 26).named("when", "what makes it run").drops(6),
];

const MAPPING: [Column; 8] = [
    Column::new("", Kind::Words, 1),
    Column::new("FIELD", Kind::Words, 24).named("field", "what people call it").sorts(By::Field),
    Column::new("INTERCOM", Kind::Words, 30).named("intercom", "Intercom's fields").drops(1),
    Column::new(" ", Kind::Words, 1).named("direction", "who writes whom"),
    Column::new("CRM", Kind::Words, 26).named("crm", "the CRM's fields").drops(1),
    Column::new("OWNER", Kind::Words, 9).named("owner", "whose value counts").drops(2).sorts(By::Owner),
    Column::new("≠", Kind::Number, 4).named("conflicts", "conflicts that are open").sorts(By::Conflicts),
    Column::new("TRANSFORM", Kind::Words, 12).named("transform", "how a value is turned").drops(3),
];

const DRIFT: [Column; 4] = [
    Column::new("", Kind::Words, 1),
    Column::new("WHAT CHANGED", Kind::Words, 90).named("change", "what changed at the vendor"),
    Column::new("HITS", Kind::Number, 4).named("hits", "rules it hits").drops(1).sorts(By::Members),
    Column::new("AGE", Kind::Number, 4).named("age", "since when it is known").sorts(By::Age),
];

/// The columns of a tab.
pub(super) const fn columns(tab: Tab) -> &'static [Column] {
    match tab {
        Tab::Recipes => &RECIPES,
        Tab::Mapping => &MAPPING,
        Tab::Drift => &DRIFT,
    }
}

/// Draws the list.
pub(super) fn draw(pane: &Recipes, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
    let theme = &ctx.theme;
    ctx.target(area, Target::List);
    let items = pane.items();
    let at = pane.index(&items);
    let focused = pane.focus == Focus::List;
    let inner = frame(pane, ctx, items.len(), at).draw(theme, buffer, area);
    tabs(pane, ctx, buffer, area);
    if inner.height == 0 {
        return;
    }
    if items.is_empty() {
        return empty(pane, ctx, buffer, inner);
    }
    let trouble = trouble(pane, ctx, inner);
    let rows = Rect { height: inner.height.saturating_sub(trouble.len() as u16), ..inner };
    let height = usize::from(rows.height.saturating_sub(1));
    pane.height.set(height);
    let place = pane.place();
    let at = at.unwrap_or(0);
    let most = items.len().saturating_sub(height);
    let top = place.top.get().min(most).min(at).max((at + 1).saturating_sub(height));
    place.top.set(top);
    let shown = &items[top..(top + height).min(items.len())];
    for index in 0..shown.len() {
        ctx.target(Rect::new(rows.x, rows.y + 1 + index as u16, rows.width, 1), Target::Row(index));
    }
    let all = columns(pane.tab);
    let mut picked = picked(all, &pane.shown);
    // Names are read, triggers stand in the detail too.
    if pane.tab == Tab::Recipes && rows.width < 108 && !pane.shown.iter().any(|name| name == "when") {
        picked.retain(|at| *at < 7);
    }
    let columns: Vec<Column> = picked.iter().map(|at| all[*at]).collect();
    let sorted = pane.order().and_then(|sort| {
        let at = columns.iter().position(|column| column.sort == Some(sort.column))?;
        Some((at, sort.descending))
    });
    let chosen = |item: &Item<'_>| {
        let mut cells: Vec<_> = cells(ctx, *item).into_iter().map(Some).collect();
        picked.iter().map(|at| cells.get_mut(*at).and_then(Option::take).unwrap_or_default()).collect()
    };
    let table = Table {
        columns: &columns,
        rows: shown.iter().map(chosen).collect(),
        selected: at.checked_sub(top),
        focused,
        sorted,
        marked: None,
    };
    table.draw(theme, buffer, rows);
    for (index, line) in trouble.iter().enumerate() {
        put(buffer, inner.x + 2, rows.bottom() + index as u16, inner.width.saturating_sub(3), line);
    }
}

fn frame(pane: &Recipes, ctx: &Ctx, count: usize, at: Option<usize>) -> Panel {
    let theme = &ctx.theme;
    let mut right = Vec::new();
    if let (Some(_), Some(at)) = (&pane.failed, pane.loaded) {
        right.push(span(format!("as of {} · ", ctx.clock(at)), theme.warn));
    }
    right.push(span(
        match (pane.shelf.is_some(), at) {
            (false, _) => "…".to_owned(),
            (true, Some(at)) => format!("{} of {}", at + 1, thousands(count as u64)),
            (true, None) => "0".to_owned(),
        },
        theme.muted,
    ));
    let order = match (pane.order(), pane.tab) {
        (Some(sort), _) => {
            let arrow = if sort.descending { "▼" } else { "▲" };
            span(format!("by {} {arrow}", sort.column), theme.accent)
        }
        (None, Tab::Recipes) => span("running first", theme.muted),
        (None, Tab::Mapping) => span("as in the file", theme.muted),
        (None, Tab::Drift) => span("newest first", theme.muted),
    };
    let mut below = vec![order];
    if !pane.text.is_empty() {
        below.insert(0, span(pane.text.clone(), theme.text));
        below.insert(1, span(" · ", theme.muted));
    }
    let rollout = match pane.shelf.as_deref().map(|shelf| shelf.rollout) {
        Some((good, wrong)) if good + wrong > 0 && pane.tab == Tab::Recipes => {
            let wrong = if wrong > 0 { format!(", {wrong} wrong") } else { String::new() };
            Line::from(span(format!("rollout: {good} ticked{wrong}"), theme.muted))
        }
        _ => Line::default(),
    };
    // The tabs are drawn over the border, so that each can be clicked.
    let title: String = Tab::ALL.iter().map(|tab| " ".repeat(tab_cells(pane, *tab))).collect();
    Panel::titled(Line::from(span(title, theme.text)), pane.focus == Focus::List)
        .right(Line::from(right))
        .bottom_left(Line::from(below))
        .bottom_right(rollout)
}

/// What a tab's title says: its name, and how much waits there.
fn tab_words(pane: &Recipes, tab: Tab) -> (String, String) {
    let count = match (tab, pane.shelf.as_deref()) {
        (Tab::Drift, Some(shelf)) if !shelf.drift.is_empty() => shelf.drift.len().to_string(),
        _ => String::new(),
    };
    (tab.title().to_owned(), count)
}

fn tab_cells(pane: &Recipes, tab: Tab) -> usize {
    let (name, count) = tab_words(pane, tab);
    let marks = if tab == pane.tab { 2 } else { 0 };
    width(&name) + marks + if count.is_empty() { 0 } else { width(&count) + 1 } + 2
}

fn tabs(pane: &Recipes, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
    let theme = &ctx.theme;
    let mut x = area.x + 3;
    for (index, tab) in Tab::ALL.into_iter().enumerate() {
        let (name, count) = tab_words(pane, tab);
        let here = tab == pane.tab;
        let style = match (here, pane.focus == Focus::List) {
            (true, true) => theme.key,
            (true, false) => theme.bold,
            _ => theme.muted,
        };
        let mut spans = vec![span(if here { format!("[{name}]") } else { name }, style)];
        if !count.is_empty() {
            spans.push(span(format!(" {count}"), theme.warn));
        }
        let cells = tab_cells(pane, tab) as u16;
        if x + cells > area.right() {
            return;
        }
        put(buffer, x, area.y, cells, &Line::from(spans));
        ctx.target(Rect::new(x, area.y, cells.saturating_sub(2), 1), Target::Tab(index));
        x += cells;
    }
}

fn cells(ctx: &Ctx, item: Item<'_>) -> Vec<(String, Style)> {
    let theme = &ctx.theme;
    match item {
        Item::Recipe(recipe) => {
            let (glyph, style, word) = position(theme, recipe);
            let tally = &recipe.tally;
            let runs: Vec<u64> = tally.hours.iter().map(|(all, _)| *all).collect();
            let all = tally.all();
            let failed = tally.of(Outcome::Error);
            let wrong = recipe.remarks.iter().any(|remark| remark.refuses);
            vec![
                (glyph.to_owned(), style),
                (recipe.name.clone(), if wrong { theme.error } else { theme.text }),
                (word.to_owned(), style),
                if all > 0 { (sparkline(&runs), theme.accent) } else { ("—".to_owned(), theme.muted) },
                (thousands(all), theme.text),
                (
                    tally.failure_rate().map_or_else(|| "—".to_owned(), percent),
                    if failed > 0 { theme.error } else { theme.muted },
                ),
                (
                    recipe.last.as_ref().map_or_else(|| "—".to_owned(), |last| age(ctx.now, last.at)),
                    theme.muted,
                ),
                (recipe.trigger.clone(), theme.muted),
            ]
        }
        Item::Mapping(mapping) => {
            let wrong = mapping.remarks.iter().any(|remark| remark.refuses);
            let blank = || (String::new(), theme.text);
            vec![
                ("■".to_owned(), theme.muted),
                (mapping.name.clone(), if wrong { theme.error } else { theme.bold }),
                (mapping.intercom.clone(), theme.muted),
                blank(),
                (mapping.crm.clone(), theme.muted),
                blank(),
                blank(),
                blank(),
            ]
        }
        Item::Field(_, field) => {
            let refused = field.remarks.iter().any(|remark| remark.refuses);
            let (glyph, style) = if refused {
                ("✗", theme.error)
            } else if !field.held.is_empty() || !field.blocked.is_empty() {
                ("‖", theme.warn)
            } else if !field.remarks.is_empty() {
                ("!", theme.warn)
            } else {
                (" ", theme.text)
            };
            let conflicts = if field.conflicts > 0 { thousands(field.conflicts) } else { String::new() };
            vec![
                (glyph.to_owned(), style),
                (field.name.clone(), theme.text),
                // Every attribute of one's own begins alike; the detail has it whole.
                (field.left.replace("custom_attributes.", ""), theme.muted),
                (field.arrow.to_owned(), if field.blocked.is_empty() { theme.bold } else { theme.warn }),
                (field.right.clone(), theme.muted),
                (field.owner.clone(), theme.text),
                (conflicts, theme.warn),
                (field.transform.to_owned(), theme.muted),
            ]
        }
        Item::Drift(finding) => {
            let held = finding.held().count();
            let (glyph, style) = if held > 0 { ("‖", theme.warn) } else { ("○", theme.muted) };
            vec![
                (glyph.to_owned(), style),
                (finding.change.sentence(), theme.text),
                (thousands(finding.hits.len() as u64), theme.muted),
                (age(ctx.now, finding.found_at), theme.muted),
            ]
        }
    }
}

/// Why what the files say is not in force; at most a third of the box.
fn trouble(pane: &Recipes, ctx: &Ctx, inner: Rect) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let Some(told) = pane.shelf.as_deref().map(|shelf| &shelf.trouble).filter(|told| !told.is_empty()) else {
        return Vec::new();
    };
    let cells = usize::from(inner.width.saturating_sub(4));
    let mut lines =
        vec![Line::from(span("✗ The last edit is not in force; the last good rules stay.", theme.error))];
    for why in told {
        lines.extend(wrap(why, cells).into_iter().map(|line| Line::from(span(line, theme.muted))));
    }
    lines.truncate(usize::from(inner.height / 3));
    lines
}

fn empty(pane: &Recipes, ctx: &Ctx, buffer: &mut Buffer, inner: Rect) {
    let theme = &ctx.theme;
    let (glyph, style, text) = match (&pane.failed, pane.shelf.is_some()) {
        (Some(why), false) => (
            "✗",
            theme.error,
            format!("The rules cannot be shown.\n{why}\nThey are asked for again by themselves; nothing is lost meanwhile."),
        ),
        (None, false) => match ctx.reading() {
            Some(reading) => reading,
            None => return,
        },
        (_, true) if !pane.text.is_empty() => (
            "–",
            theme.muted,
            format!("Nothing matches \"{}\".\nEsc shows all again, / changes the filter.", pane.text),
        ),
        (_, true) => match pane.tab {
            Tab::Drift => (
                "✓",
                theme.ok,
                "The rules fit what the vendors have.\nWhat a vendor changes under them appears here by itself; reknit \
                 drift looks now."
                    .to_owned(),
            ),
            _ => ("–", theme.muted, "There are no rules.".to_owned()),
        },
    };
    let cells = usize::from(inner.width.saturating_sub(6)).min(70);
    put(buffer, inner.x + 2, inner.y + 1, 1, &Line::from(span(glyph, style)));
    let rows = usize::from(inner.height.saturating_sub(1));
    for (index, line) in wrap(&text, cells).into_iter().take(rows).enumerate() {
        let style = if index == 0 { theme.bold } else { theme.muted };
        put(buffer, inner.x + 4, inner.y + 1 + index as u16, cells as u16, &Line::from(span(line, style)));
    }
}
