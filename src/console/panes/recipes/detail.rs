//! The right box of screen 6: one recipe, mapping, field or change of a vendor in full. Only draws.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::words::{outcomes, percent, position, standing};
use super::{Item, Recipes};
use crate::console::ctx::{Ctx, Target};
use crate::console::panes::Focus;
use crate::console::panes::parts::{paused, rule};
use crate::console::text::{age, counted, cut_end, left, right, span, thousands, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::sparkline;
use crate::console::widgets::list::{hidden, scrolled};
use crate::domain::drift::Finding;
use crate::engine::operate::funnel::{Funnel, Stage};
use crate::engine::operate::shelf::{FieldCard, MappingCard, RecipeCard, Remark};

/// Cells of the labels at the left.
const LABEL: usize = 9;

/// Draws the detail of the selected row.
pub(super) fn draw(pane: &Recipes, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
    let theme = &ctx.theme;
    ctx.target(area, Target::Detail);
    let focused = pane.focus == Focus::Detail;
    let Some(item) = pane.current() else {
        Panel::new(theme, "Detail", focused).draw(theme, buffer, area);
        return;
    };
    let cells = usize::from(area.width.saturating_sub(6)).min(100);
    let mut page = Page { ctx, cells, lines: Vec::new() };
    let (title, state, door) = match item {
        Item::Recipe(recipe) => {
            let funnel = pane.funnel.as_ref().filter(|(name, _)| *name == recipe.name).map(|(_, told)| told);
            page.recipe(recipe, funnel);
            let (glyph, style, word) = position(theme, recipe);
            (recipe.name.clone(), Line::from(span(format!("{glyph} {word}"), style)), "Enter its runs")
        }
        Item::Mapping(mapping) => {
            page.mapping(mapping);
            let count = counted(mapping.fields.len() as u64, "field");
            (mapping.name.clone(), Line::from(span(count, theme.muted)), "")
        }
        Item::Field(mapping, field) => {
            page.field(mapping, field);
            let door = if field.conflicts > 0 { "Enter its conflicts" } else { "" };
            (field.name.clone(), Line::from(span(mapping.name.clone(), theme.muted)), door)
        }
        Item::Drift(finding) => {
            page.drift(finding);
            (format!("df_{}", finding.id), Line::from(span(finding.state.to_string(), theme.muted)), "")
        }
    };
    let lines = page.lines;
    let below = hidden(lines.len(), area.height.saturating_sub(2), &pane.scroll);
    let more = if below > 0 { format!("↓ {below} more lines") } else { String::new() };
    let door = if focused { door } else { "" };
    let inner = Panel::new(theme, &cut_end(&title, cells), focused)
        .right(state)
        .bottom_left(Line::from(span(door, theme.muted)))
        .bottom_right(Line::from(span(more, theme.muted)))
        .draw(theme, buffer, area);
    let body = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
    scrolled(buffer, body, &lines, &pane.scroll);
}

struct Page<'a> {
    ctx: &'a Ctx,
    cells: usize,
    lines: Vec<Line<'static>>,
}

impl Page<'_> {
    fn say(&mut self, text: &str, style: Style) {
        let rows = wrap(text, self.cells);
        self.lines.extend(rows.into_iter().map(|row| Line::from(span(row, style))));
    }

    fn line(&mut self, spans: Vec<Span<'static>>) {
        self.lines.push(Line::from(spans));
    }

    fn gap(&mut self) {
        self.lines.push(Line::default());
    }

    fn heading(&mut self, text: &str) {
        self.gap();
        self.lines.push(rule(self.ctx, text, self.cells));
    }

    fn labelled(&mut self, label: &str, text: &str, style: Style) {
        let muted = self.ctx.theme.muted;
        for (index, row) in wrap(text, self.cells.saturating_sub(LABEL)).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.line(vec![span(left(label, LABEL), muted), span(row, style)]);
        }
    }

    fn recipe(&mut self, recipe: &RecipeCard, funnel: Option<&Result<Box<Funnel>, String>>) {
        let theme = &self.ctx.theme;
        self.say(&recipe.title, theme.bold);
        if let Some(pause) = &recipe.pause {
            self.say(&format!("Paused {}.", paused(self.ctx, pause)), theme.warn);
        }
        self.say(&standing(recipe), theme.muted);
        self.gap();
        self.labelled("When", &recipe.trigger, theme.text);
        for (place, (that, otherwise)) in recipe.requires.iter().enumerate() {
            self.labelled(if place == 0 { "Needs" } else { "" }, that, theme.text);
            self.labelled("", otherwise, theme.muted);
        }
        if let Some((when, otherwise)) = &recipe.condition {
            self.labelled("Only if", when, theme.text);
            self.labelled("", &format!("else skipped: {otherwise}"), theme.muted);
        }
        if let Some(once) = &recipe.once {
            self.labelled("Once for", once, theme.text);
        }
        for (place, does) in recipe.does.iter().enumerate() {
            let label = if place == 0 { "Does" } else { "" };
            self.labelled(label, &format!("{}. {does}", place + 1), theme.text);
        }
        let tells = if recipe.tells.is_empty() { "the monitors" } else { &recipe.tells };
        self.labelled("Failing", &format!("tells {tells}. {}", recipe.advice), theme.muted);
        self.day(recipe);
        match funnel {
            None => {}
            Some(Err(why)) => self.say(why, theme.error),
            Some(Ok(funnel)) => self.funnel(funnel),
        }
        if !recipe.settings.is_empty() {
            self.heading("Guards and settings");
            for (name, value) in &recipe.settings {
                self.say(&format!("{name} = {}", cut_end(value, 200)), theme.text);
            }
        }
        if let Some(Ok(funnel)) = funnel
            && !funnel.fields.is_empty()
        {
            self.heading("Fields it needs");
            for (whose, fields) in &funnel.fields {
                self.say(&format!("{whose}: {}", fields.join(", ")), theme.text);
            }
        }
        self.remarks(&recipe.remarks);
        if !recipe.about.is_empty() {
            self.heading("About");
            self.say(&recipe.about, theme.text);
        }
        self.heading("File");
        self.say(&recipe.file, theme.muted);
        if let Some(edition) = &recipe.edition {
            let since = self.ctx.full(edition.loaded_at);
            self.say(&format!("version {} since {since} · v shows all", edition.number), theme.muted);
        }
    }

    /// How the last 24 hours went.
    fn day(&mut self, recipe: &RecipeCard) {
        let theme = &self.ctx.theme;
        self.heading("Last 24 h");
        let tally = &recipe.tally;
        let all = tally.all();
        if all == 0 {
            let last = recipe.last.as_ref().map_or_else(
                || "It has never run in this journal.".to_owned(),
                |last| format!("No run ended; the last was {} {} ago.", last.id, age(self.ctx.now, last.at)),
            );
            self.say(&last, theme.muted);
            return;
        }
        let runs: Vec<u64> = tally.hours.iter().map(|(all, _)| *all).collect();
        let failed: Vec<u64> = tally.hours.iter().map(|(_, failed)| *failed).collect();
        // The newest hours, as far as the numbers behind them leave room.
        let room = self.cells.saturating_sub(LABEL + 14);
        let bars = |hours: &[u64]| sparkline(&hours[hours.len().saturating_sub(room)..]);
        self.line(vec![
            span(left("ended", LABEL), theme.muted),
            span(bars(&runs), theme.accent),
            span(format!("  {}", thousands(all)), theme.bold),
        ]);
        if let Some(rate) = tally.failure_rate().filter(|rate| *rate > 0.0) {
            let count: u64 = failed.iter().sum();
            self.line(vec![
                span(left("failed", LABEL), theme.muted),
                span(bars(&failed), theme.error),
                span(format!("  {}", thousands(count)), theme.error),
                span(format!(" · {}", percent(rate)), theme.muted),
            ]);
        }
        self.labelled("", &outcomes(tally), theme.text);
        if let Some(last) = &recipe.last {
            let words = format!("{} {}, {} ago", last.id, last.status, age(self.ctx.now, last.at));
            self.line(vec![
                span(left("last", LABEL), theme.muted),
                span(format!("{} ", last.status.glyph()), theme.status(last.status)),
                span(words, theme.text),
            ]);
        }
    }

    fn funnel(&mut self, funnel: &Funnel) {
        let theme = &self.ctx.theme;
        if funnel.runs == 0 {
            return;
        }
        self.heading(&format!("How far the newest {} came", counted(funnel.runs, "run")));
        let cells = |of: fn(&Stage) -> u64| {
            let most = funnel.stages.iter().map(of).max().unwrap_or(0);
            if most == 0 { 0 } else { thousands(most).len() + 4 }
        };
        let widths = [cells(|it| it.passed), cells(|it| it.stopped), cells(|it| it.waiting)];
        let names = funnel.stages.iter().map(|stage| width(&stage.name)).max().unwrap_or(0);
        let names = names.min(self.cells.saturating_sub(widths.iter().sum()));
        for stage in &funnel.stages {
            let (stop, stop_style) = if stage.fine { ("–", theme.muted) } else { ("✗", theme.error) };
            let mut spans = vec![span(left(&stage.name, names), theme.text)];
            for (glyph, style, count, cells) in [
                ("✓", theme.ok, stage.passed, widths[0]),
                (stop, stop_style, stage.stopped, widths[1]),
                ("○", theme.muted, stage.waiting, widths[2]),
            ] {
                let shown =
                    if count == 0 { String::new() } else { format!("  {glyph} {}", thousands(count)) };
                spans.push(span(left(&shown, cells), style));
            }
            self.line(spans);
        }
        for (reason, count) in &funnel.reasons {
            self.labelled(&right(&thousands(*count), LABEL - 2), reason, theme.muted);
        }
    }

    fn remarks(&mut self, remarks: &[Remark]) {
        let theme = &self.ctx.theme;
        if remarks.is_empty() {
            return;
        }
        self.heading(&format!("Lints {}", remarks.len()));
        for remark in remarks {
            let (glyph, style) = if remark.refuses { ("✗ ", theme.error) } else { ("! ", theme.warn) };
            self.say(&format!("{glyph}{}", remark.sentence), style);
        }
    }

    fn mapping(&mut self, mapping: &MappingCard) {
        let theme = &self.ctx.theme;
        self.say(&format!("{} and {}", mapping.intercom, mapping.crm), theme.bold);
        self.gap();
        let count = |arrow: &str| mapping.fields.iter().filter(|field| field.arrow == arrow).count() as u64;
        for (arrow, words) in [
            ("→", "go to the CRM only"),
            ("←", "come from the CRM only"),
            ("↔", "go both ways"),
            ("·", "go neither way"),
        ] {
            if count(arrow) > 0 {
                self.line(vec![
                    span(format!("{arrow}  "), theme.bold),
                    span(right(&thousands(count(arrow)), 3), theme.text),
                    span(format!(" {words}"), theme.muted),
                ]);
            }
        }
        let blocked = mapping.fields.iter().filter(|field| !field.blocked.is_empty()).count() as u64;
        let held = mapping.fields.iter().filter(|field| !field.held.is_empty()).count() as u64;
        let conflicts: u64 = mapping.fields.iter().map(|field| field.conflicts).sum();
        self.gap();
        self.labelled("≠", &counted(conflicts, "open conflict"), theme.text);
        if blocked > 0 {
            self.labelled(
                "‖",
                &format!("{} with a direction switched off", counted(blocked, "field")),
                theme.warn,
            );
        }
        if held > 0 {
            self.labelled(
                "‖",
                &format!("{} held back since a vendor changed it", counted(held, "field")),
                theme.warn,
            );
        }
        self.gap();
        self.labelled("File", &mapping.file, theme.text);
        let edition = match &mapping.edition {
            Some(edition) => {
                let since = self.ctx.full(edition.loaded_at);
                format!("{} (kept as {} since {since})", mapping.version, edition.number)
            }
            None => mapping.version.to_string(),
        };
        self.labelled("Version", &edition, theme.text);
        self.labelled("Edit", "e writes a draft, d shows whom it would change", theme.muted);
        self.remarks(&mapping.remarks);
    }

    fn field(&mut self, mapping: &MappingCard, field: &FieldCard) {
        let theme = &self.ctx.theme;
        self.line(vec![
            span(cut_end(&field.left, self.cells / 2), theme.bold),
            span(format!(" {} ", field.arrow), theme.accent),
            span(cut_end(&field.right, self.cells / 2), theme.bold),
        ]);
        self.labelled("", direction(field.arrow), theme.muted);
        self.gap();
        self.labelled("Owner", &field.owner, theme.text);
        self.labelled("Rule", &field.rule, theme.text);
        self.labelled("Turned", field.transform, theme.text);
        let decides = if field.decides.is_empty() { "—" } else { &field.decides };
        self.labelled("Decides", decides, theme.text);
        if !field.flags.is_empty() {
            self.labelled("Also", &field.flags.join(", "), theme.text);
        }
        for (way, why) in &field.blocked {
            self.labelled("Off", &format!("{way}: {why}"), theme.warn);
        }
        for why in &field.held {
            self.labelled("Held", why, theme.warn);
        }
        let conflicts = match field.conflicts {
            0 => "none is open".to_owned(),
            some => format!("{} open · Enter here shows them", thousands(some)),
        };
        self.labelled("≠", &conflicts, if field.conflicts > 0 { theme.warn } else { theme.muted });
        self.labelled("Stands", &format!("{}, line {}", mapping.file, field.line), theme.muted);
        self.remarks(&field.remarks);
    }

    fn drift(&mut self, finding: &Finding) {
        let theme = &self.ctx.theme;
        let change = &finding.change;
        self.say(&change.sentence(), theme.bold);
        self.say(&format!("found {} ago", age(self.ctx.now, finding.found_at)), theme.muted);
        self.gap();
        if !change.was.is_empty() || !change.now.is_empty() {
            self.labelled("Was", &change.was, theme.text);
            self.labelled("Now", &change.now, theme.text);
        }
        for hit in &finding.hits {
            let held = finding.held().any(|held| held == hit);
            let (word, style) = if held { ("held back", theme.warn) } else { ("goes on", theme.muted) };
            self.labelled("Hits", &format!("{} {}: {} ({word})", hit.kind, hit.user, hit.at()), style);
        }
        self.gap();
        self.say(&change.advice(), theme.text);
        self.gap();
        self.labelled("f", "takes it as it is: it is expected from then on", theme.muted);
        if finding.held().next().is_some() {
            self.labelled("h", "lets what is held go on, without accepting it", theme.muted);
        }
    }
}

/// An arrow in words.
fn direction(arrow: &str) -> &'static str {
    match arrow {
        "→" => "from Intercom to the CRM only",
        "←" => "from the CRM to Intercom only",
        "↔" => "both ways",
        _ => "neither way",
    }
}
