//! One execution told as a story: what it means, why, what mends it, every call, and the vendor's own words.
//!
//! Only turns facts into lines; loads nothing and decides nothing.

use ratatui::text::Line;

use super::executions::asks::Around;
use super::executions::fixing::{self, Fixing};
use super::parts::{labelled, rule};
use crate::console::ctx::Ctx;
use crate::console::text::{ahead, cut_end, left, right, span, thousands, width, wrap};
use crate::domain::error_class::{ErrorClass, Retry};
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, PROBE, Status};
use crate::domain::plan::{Effect, StepState};
use crate::domain::record::{RecordRef, System, value_text};
use crate::domain::trouble::advise;
use crate::engine::intake::title;

/// A page of the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// What happened and what to do.
    Explain,
    /// What was going to be done.
    Plan,
    /// Requests and responses.
    Calls,
    /// Every try with its clock.
    Timeline,
    /// What the vendor told us.
    Event,
    /// What stands around it.
    Related,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; 6] =
        [Self::Explain, Self::Plan, Self::Calls, Self::Timeline, Self::Event, Self::Related];

    /// Its word.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Explain => "Explain",
            Self::Plan => "Plan",
            Self::Calls => "Calls",
            Self::Timeline => "Timeline",
            Self::Event => "Event",
            Self::Related => "Related",
        }
    }

    /// Its word where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Explain => "Expl",
            Self::Timeline => "Time",
            Self::Event => "Ev",
            Self::Related => "Rel",
            tab => tab.title(),
        }
    }
}

/// The lines of a tab that is read, not walked through; what the row knows is shown before the detail is loaded.
pub fn lines(
    ctx: &Ctx,
    row: &Execution,
    detail: Option<&ExecutionDetail>,
    around: Option<&Around>,
    tab: Tab,
    cells: usize,
) -> Vec<Line<'static>> {
    match (tab, detail) {
        (Tab::Explain, detail) => explain(ctx, row, detail, around, cells),
        (Tab::Plan, Some(detail)) => plan(ctx, detail, cells),
        (Tab::Timeline, Some(detail)) => timeline(ctx, row, detail, cells, true),
        _ => Vec::new(),
    }
}

fn explain(
    ctx: &Ctx,
    row: &Execution,
    detail: Option<&ExecutionDetail>,
    around: Option<&Around>,
    cells: usize,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    let (first, rest) = split_sentence(&row.sentence);
    let loud = match row.status {
        Status::Failed => theme.error.add_modifier(ratatui::style::Modifier::BOLD),
        Status::Retrying | Status::InDoubt | Status::Held => {
            theme.warn.add_modifier(ratatui::style::Modifier::BOLD)
        }
        _ => theme.bold,
    };
    lines.extend(wrap(first, cells).into_iter().map(|line| Line::from(span(line, loud))));
    if !rest.is_empty() {
        lines.extend(wrap(rest, cells).into_iter().map(|line| Line::from(span(line, theme.text))));
    }
    if let Some(sentence) = detail.and_then(|detail| written(row, detail))
        && !row.sentence.contains("Nothing was written")
    {
        lines.push(Line::from(span(sentence, theme.text)));
    }
    lines.push(Line::default());
    if let Some(class) = row.error_class.filter(|_| row.status != Status::Succeeded) {
        let words = detail.and_then(|detail| detail.vendor_words.as_deref()).unwrap_or_default();
        let told = advise(detail.and_then(ExecutionDetail::failed_at), class, words);
        lines.extend(labelled(ctx, "Why", told.meaning, theme.text, cells));
        let advice = if row.status == Status::Failed && class.treatment().retry == Retry::Later {
            "Press r to try again; its tries are used up."
        } else {
            told.hint
        };
        lines.extend(labelled(ctx, "Fix", advice, theme.bold, cells));
        lines.extend(keys_of(ctx, row, detail, cells));
    } else if row.status == Status::Held && around.is_none_or(|around| around.related.aside.is_none()) {
        let text = "Decide what it waits for; it goes on by itself then.";
        lines.extend(labelled(ctx, "Fix", text, theme.bold, cells));
    }
    lines.extend(around.map(|around| linked(ctx, row, around, cells)).unwrap_or_default());
    if let Some(due) = row.due_at.filter(|_| !row.status.is_finished()) {
        let text = format!("{}, {}", ahead(ctx.now, due), ctx.full(due));
        lines.extend(labelled(ctx, "Next", &text, theme.text, cells));
    }
    if let Some(detail) = detail {
        if !detail.conflicts.is_empty() {
            let ids: Vec<String> = detail.conflicts.iter().map(ToString::to_string).collect();
            let text = format!("{} still open: press 3 to decide", ids.join(" "));
            lines.extend(labelled(ctx, "Holds", &text, theme.warn, cells));
        }
        if lines.last().is_some_and(|line| line.width() > 0) {
            lines.push(Line::default());
        }
        lines.extend(timeline(ctx, row, detail, cells, false));
        if let Some(words) = &detail.vendor_words {
            lines.push(Line::default());
            let who = detail.failed_at().map_or("The vendor", System::title);
            let quoted = format!("{who} said \"{words}\"");
            let said = width(who) + 6;
            for (index, line) in wrap(&quoted, cells).into_iter().enumerate() {
                if index == 0 && line.len() >= said {
                    let (label, words) = line.split_at(said.min(line.len()));
                    lines.push(Line::from(vec![
                        span(label.to_owned(), theme.muted),
                        span(words.to_owned(), theme.quote),
                    ]));
                } else {
                    lines.push(Line::from(span(line, theme.quote)));
                }
            }
        }
        lines.push(Line::default());
        let from =
            row.record.as_ref().map_or_else(String::new, |record| format!(" · from {}", record.title()));
        let made = format!("Made {}{from}", ctx.full(row.created_at));
        lines.extend(wrap(&made, cells).into_iter().map(|line| Line::from(span(line, theme.muted))));
    }
    lines
}

/// The keys that mend it, the best first.
fn keys_of(
    ctx: &Ctx,
    row: &Execution,
    detail: Option<&ExecutionDetail>,
    cells: usize,
) -> Option<Line<'static>> {
    let theme = &ctx.theme;
    let fixing = fixing::of(row, detail?)?;
    let mut keys = vec![("f", fixing.words())];
    if row.decision.is_none() && fixing != Fixing::Values {
        keys.push(("e", "edit and replay"));
    }
    if row.status == Status::InDoubt {
        keys.insert(0, ("P", "look it up"));
    }
    keys.push(("w", "why"));
    let mut spans = vec![span("      ", theme.muted)];
    let mut used = 6;
    for (key, words) in keys {
        used += width(words) + 5;
        if used > cells {
            break;
        }
        spans.push(span(key, theme.key));
        spans.push(span(format!(" {words}   "), theme.muted));
    }
    Some(Line::from(spans))
}

/// What it repeats, what repeats it, who holds it.
fn linked(ctx: &Ctx, row: &Execution, around: &Around, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    if let Some(of) = around.related.replay_of {
        let what = if row.recipe == PROBE { "what became of" } else { "with edits" };
        let text = if row.recipe == PROBE {
            format!("Looks up {what} {of}")
        } else {
            format!("Replays {of} {what}")
        };
        lines.extend(labelled(ctx, "Of", &text, theme.text, cells));
    }
    if let Some(other) = around.related.replayed_as {
        let text = format!("Replayed with edits as {other}; this one is kept as it was");
        lines.extend(labelled(ctx, "Goes", &text, theme.text, cells));
    }
    if around.related.aside.is_some() {
        lines.extend(labelled(ctx, "Held", "h lets it go on", theme.warn, cells));
    }
    if let Some(pause) = &around.paused {
        let text = format!("{}. H lets {} go on.", super::parts::paused(ctx, pause), row.recipe);
        lines.extend(labelled(ctx, "Pause", &text, theme.warn, cells));
    }
    lines
}

/// The first sentence and the rest.
fn split_sentence(text: &str) -> (&str, &str) {
    match text.find(". ") {
        Some(at) => (&text[..=at], text[at + 2..].trim_start()),
        None => (text, ""),
    }
}

/// What the failure means for the data, from how far the plan got.
fn written(row: &Execution, detail: &ExecutionDetail) -> Option<String> {
    if !matches!(row.status, Status::Failed | Status::Retrying | Status::Discarded) {
        return None;
    }
    let steps = &detail.plan.as_ref()?.steps;
    let done = steps.iter().filter(|step| step.state == StepState::Done).count();
    let doubt = steps.iter().any(|step| step.state == StepState::InDoubt);
    Some(match (done, doubt) {
        (_, true) => "One write may have happened; it is looked up before anything is sent again.".to_owned(),
        (0, false) => "Nothing was written.".to_owned(),
        (done, false) => {
            format!("{done} of {} steps were written before; they are not sent again.", steps.len())
        }
    })
}

/// Clock, glyph, what, method and status, duration: one line per thing that happened.
pub(super) fn timeline(
    ctx: &Ctx,
    row: &Execution,
    detail: &ExecutionDetail,
    cells: usize,
    whole: bool,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    if let (Some(topic), Some(at)) = (&detail.topic, detail.received_at) {
        let title = told(detail, topic);
        let room = cells.saturating_sub(11);
        let named = if title == topic { String::new() } else { format!("  {topic}") };
        lines.push(Line::from(vec![
            span(format!("{} ", ctx.clock(at)), theme.muted),
            span("● ", theme.accent),
            span(cut_end(title, room), theme.text),
            span(cut_end(&named, room.saturating_sub(width(title))), theme.muted),
        ]));
        if let Some(words) = detail.delivered.words(|at| ctx.clock(at)) {
            let words = wrap(&words, room).into_iter();
            lines.extend(words.map(|line| Line::from(span(format!("           {line}"), theme.muted))));
        }
    }
    // Method and code, and how long it took where that leaves the purpose its room.
    let took = |attempt: &Attempt| format!("{} ms", thousands(u64::from(attempt.duration_ms)));
    let longest = detail.attempts.iter().map(|attempt| width(&took(attempt))).max().unwrap_or(0);
    let timed = if cells >= 11 + 24 + 12 + 2 + longest { longest + 2 } else { 0 };
    let tail = 12 + timed;
    let purpose_cells = detail
        .attempts
        .iter()
        .map(|attempt| width(&purpose(attempt)))
        .max()
        .unwrap_or(0)
        .min(cells.saturating_sub(11 + tail).max(12));
    for attempt in &detail.attempts {
        let (glyph, style) = match attempt.class {
            None => ("✓", theme.ok),
            Some(class) if class.treatment().retry == Retry::Never => ("✗", theme.error),
            Some(ErrorClass::Timeout) => ("?", theme.warn),
            Some(_) => ("↻", theme.warn),
        };
        let code = attempt.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        lines.push(Line::from(vec![
            span(format!("{} ", ctx.clock(attempt.started_at)), theme.muted),
            span(format!("{glyph} "), style),
            span(left(&purpose(attempt), purpose_cells), theme.text),
            span(format!("  {}", left(&attempt.method, 6)), theme.muted),
            span(right(&code, 4), theme.code(attempt.status, attempt.class)),
            span(if timed > 0 { right(&took(attempt), timed) } else { String::new() }, theme.muted),
        ]));
        if whole {
            let (_, path) = split_url(&attempt.url);
            let room = cells.saturating_sub(11);
            lines.push(Line::from(span(format!("           {}", cut_end(path, room)), theme.muted)));
            if let Some(class) = attempt.class {
                let words = wrap(class.treatment().meaning, room).into_iter();
                lines.extend(words.map(|line| Line::from(span(format!("           {line}"), theme.text))));
            }
        }
    }
    let at = ctx.clock(row.updated_at);
    let last = match row.status {
        Status::Failed => {
            let tried_out = row.error_class.is_some_and(|class| class.treatment().retry == Retry::Later);
            Some(if tried_out {
                ("‖", theme.error, format!("stopped after {} of {} tries", row.attempts, row.max_attempts))
            } else {
                ("‖", theme.error, "stopped: refused until the cause is mended".to_owned())
            })
        }
        Status::Discarded => Some(("×", theme.muted, "given up by a human".to_owned())),
        Status::Held => Some(("‖", theme.warn, "waits: it is held".to_owned())),
        Status::Retrying => row
            .due_at
            .map(|due| ("↻", theme.warn, format!("try {} {}", row.attempts + 1, ahead(ctx.now, due)))),
        _ => None,
    };
    if let Some((glyph, style, text)) = last {
        lines.push(Line::from(vec![
            span(format!("{at} "), theme.muted),
            span(format!("{glyph} "), style),
            span(cut_end(&text, cells.saturating_sub(11)), theme.text),
        ]));
    }
    lines
}

pub(super) fn purpose(attempt: &Attempt) -> String {
    match attempt.step {
        Some(_) => format!("try {} {}", attempt.number, attempt.purpose),
        None => attempt.purpose.clone(),
    }
}

fn plan(ctx: &Ctx, detail: &ExecutionDetail, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let Some(plan) = &detail.plan else {
        return vec![Line::from(span(
            "There is no plan yet: it is made when a worker takes it up.",
            theme.muted,
        ))];
    };
    let mut lines = Vec::new();
    if let Some(nothing) = &plan.nothing {
        lines.extend(wrap(nothing, cells).into_iter().map(|line| Line::from(span(line, theme.bold))));
        lines.push(Line::default());
    }
    for (index, step) in plan.steps.iter().enumerate() {
        let (glyph, style) = match step.state {
            StepState::Waiting => ("○", theme.muted),
            StepState::Begun => ("◐", theme.accent),
            StepState::Done => ("✓", theme.ok),
            StepState::Failed => ("✗", theme.error),
            StepState::InDoubt => ("?", theme.warn),
        };
        let state = step.state.as_str().replace('_', " ");
        for (at, line) in wrap(&step.title, cells.saturating_sub(16)).into_iter().enumerate() {
            lines.push(if at == 0 {
                let blanks = cells.saturating_sub(6 + width(&line) + state.len() + 2);
                Line::from(vec![
                    span(format!("{} ", index + 1), theme.muted),
                    span(format!("{glyph} "), style),
                    span(line, theme.bold),
                    span(" ".repeat(blanks), theme.text),
                    span(state.clone(), style),
                ])
            } else {
                Line::from(span(format!("    {line}"), theme.bold))
            });
        }
        match &step.effect {
            Effect::Create { fields, .. } | Effect::Update { fields, .. } => {
                let names = fields.keys().map(|name| width(name)).max().unwrap_or(0).min(36);
                for (name, value) in fields {
                    let text = value_text(value);
                    let (shown, style) = if text.is_empty() {
                        ("— cleared".to_owned(), theme.muted)
                    } else {
                        (text, theme.text)
                    };
                    lines.push(Line::from(vec![
                        span(format!("    {}  ", left(name, names)), theme.muted),
                        span(cut_end(&shown, cells.saturating_sub(names + 7)), style),
                    ]));
                }
            }
            Effect::Tag { record, .. } => lines.push(about(&record.title(), theme)),
            Effect::Track { contact, .. } | Effect::Converse { contact, .. } => {
                lines.push(about(&contact.title(), theme));
            }
            Effect::Reply { conversation, text, .. } => {
                lines.push(about(&conversation.title(), theme));
                lines.push(Line::from(span(cut_end(text, cells.saturating_sub(6)), theme.text)));
            }
            Effect::Assign { conversation, .. } => lines.push(about(&conversation.title(), theme)),
            Effect::DefineField { field, .. } => lines.push(about(field, theme)),
            Effect::Merge { survivor, .. } => lines.push(Line::from(vec![
                span(
                    format!(
                        "    {}",
                        step.effect.absorbed().map(RecordRef::title).collect::<Vec<_>>().join(" and ")
                    ),
                    theme.text,
                ),
                span(" becomes part of ", theme.muted),
                span(survivor.title(), theme.text),
            ])),
            Effect::Link { contact, company, .. } => lines.push(Line::from(vec![
                span(format!("    {}", contact.title()), theme.text),
                span(" belongs to ", theme.muted),
                span(company.title(), theme.text),
            ])),
            Effect::Unlink { contact, company, .. } => lines.push(Line::from(vec![
                span(format!("    {}", contact.title()), theme.text),
                span(" no longer belongs to ", theme.muted),
                span(company.title(), theme.text),
            ])),
            Effect::Log { contact, at, title, .. } => {
                lines.push(Line::from(vec![
                    span(format!("    {}", contact.title()), theme.text),
                    span(" dated ", theme.muted),
                    span(at.rfc3339(), theme.text),
                ]));
                lines.push(Line::from(span(
                    format!("    {}", cut_end(title, cells.saturating_sub(5))),
                    theme.text,
                )));
            }
            Effect::Archive { record } => lines.push(Line::from(vec![
                span(format!("    {}", record.title()), theme.text),
                span(" is put away", theme.muted),
            ])),
            Effect::Restore { record } => lines.push(Line::from(vec![
                span(format!("    {}", record.title()), theme.text),
                span(" is brought back", theme.muted),
            ])),
            Effect::Release { contact, email } => lines.push(Line::from(vec![
                span(format!("    {}", contact.title()), theme.text),
                span(" gives up ", theme.muted),
                span(cut_end(email, cells.saturating_sub(30)), theme.text),
            ])),
            Effect::Erase { record } => lines.push(Line::from(vec![
                span(format!("    {}", record.title()), theme.text),
                span(" is deleted for good", theme.muted),
            ])),
        }
        for fill in &step.fills {
            lines.push(Line::from(vec![
                span(format!("    {}  ", fill.field), theme.muted),
                span(format!("the id from step {}", fill.from_step + 1), theme.quote),
            ]));
        }
        if let Some(result) = &step.result {
            lines.push(Line::from(vec![span("    → ", theme.ok), span(result.title(), theme.text)]));
        }
        lines.push(Line::default());
    }
    for one in &plan.deviations {
        let text = format!(
            "{} of {} is kept as \"{}\", planned was \"{}\"",
            one.field,
            one.record.title(),
            one.kept,
            one.expected
        );
        lines.extend(labelled(ctx, "Kept", &text, ctx.theme.warn, cells));
    }
    if !plan.conflicts.is_empty() {
        lines.push(rule(ctx, "Held back for you", cells));
        for conflict in &plan.conflicts {
            lines.push(Line::from(vec![
                span("≠ ", theme.warn),
                span(conflict.field.clone(), theme.bold),
                span(format!("  {}", conflict.kind.phrase()), theme.muted),
            ]));
        }
        lines.push(Line::default());
    }
    if !plan.skips.is_empty() {
        lines.push(rule(ctx, "Left alone", cells));
        for skip in &plan.skips {
            lines.push(Line::from(vec![
                span("– ", theme.muted),
                span(format!("{}  ", skip.field), theme.text),
                span(cut_end(&skip.reason, cells.saturating_sub(width(&skip.field) + 4)), theme.muted),
            ]));
        }
    }
    if let Some(editions) = &detail.execution.editions {
        lines.push(Line::default());
        let told = format!("Planned by {editions}.");
        lines.extend(wrap(&told, cells).into_iter().map(|line| Line::from(span(line, theme.muted))));
    }
    lines
}

/// A record a step is about, on a line of its own.
fn about(title: &str, theme: &crate::console::theme::Theme) -> Line<'static> {
    Line::from(span(format!("    {title}"), theme.text))
}

pub(super) fn split_url(url: &str) -> (&str, &str) {
    let from = url.find("://").map_or(0, |at| at + 3);
    match url[from..].find('/') {
        Some(at) => (&url[from..from + at], &url[from + at..]),
        None => (&url[from..], ""),
    }
}

/// What a person reads for the event's topic.
pub(super) fn told<'a>(detail: &ExecutionDetail, topic: &'a str) -> &'a str {
    detail.told_by.as_ref().map_or(topic, |connection| title(connection.system, topic))
}
