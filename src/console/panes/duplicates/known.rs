//! What is known of a pair beside the comparison: verdict, alarm, group, age, as lines of the detail. Draws no fields.

use ratatui::text::Line;

use crate::console::ctx::Ctx;
use crate::console::layers::toast::Tone;
use crate::console::text::{age, span, wrap};
use crate::domain::evidence::turning;
use crate::domain::review::{Duplicate, ReviewState, Verdict};

/// The glyph of a verdict, for the list.
pub(super) fn mark(pair: &Duplicate) -> Option<&'static str> {
    if pair.standing.alarm.is_some() {
        return Some("!");
    }
    let Some(judgement) = pair.standing.judgement.as_ref() else {
        return pair.standing.origin.is_some().then_some("*");
    };
    match judgement.verdict {
        Verdict::Same => Some("✓"),
        Verdict::Different => Some("≠"),
        Verdict::Unsure => Some("?"),
        Verdict::Later => Some("‖"),
    }
}

/// The lines above the comparison.
pub(super) fn lines(ctx: &Ctx, pair: &Duplicate, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    let mut say = |text: &str, style| {
        lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))));
    };
    let standing = &pair.standing;
    if pair.state == ReviewState::Deciding {
        let by = pair.deciding.map_or_else(String::new, |id| format!(" by {id}"));
        say(&format!("↻ Decided; being carried out{by}."), theme.warn);
    }
    if let Some(alarm) = &standing.alarm {
        say(&format!("! {alarm}"), theme.error);
    }
    if let Some(judgement) = &standing.judgement {
        let words = match judgement.verdict {
            Verdict::Same => "one person",
            Verdict::Different => "two different people",
            Verdict::Unsure => "nobody can tell",
            Verdict::Later => "put off",
        };
        let why = if judgement.reason.is_empty() { String::new() } else { format!(": {}", judgement.reason) };
        say(
            &format!(
                "{} says {words}, {} ago{why}. u takes it back.",
                judgement.by,
                age(ctx.now, judgement.at)
            ),
            theme.text,
        );
    }
    if let Some(reopened) = &standing.reopened {
        say(reopened, theme.warn);
    }
    if let Some(tied) = standing.tied() {
        say(&tied, theme.text);
    }
    if let Some(origin) = &standing.origin {
        say(&format!("* {origin}"), theme.warn);
    }
    if standing.members > 2 {
        say(
            &format!(
                "One of a group of {} records, beside each other below; `reknit show {}` lists their pairs.",
                standing.members, pair.id
            ),
            theme.muted,
        );
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

/// What would change the verdict, below the waterfall.
pub(super) fn turns(ctx: &Ctx, pair: &Duplicate, cells: usize) -> Vec<Line<'static>> {
    let (review, auto) = ctx.thresholds;
    let threshold = if pair.probability >= auto { auto } else { review };
    turning::sentences(&pair.evidence, threshold)
        .iter()
        .flat_map(|words| wrap(words, cells))
        .map(|line| Line::from(span(line, ctx.theme.muted)))
        .collect()
}

/// What is said once a verdict is stored.
pub fn told(pair: &Duplicate) -> (Tone, String) {
    if pair.standing.alarm.is_some() {
        return (
            Tone::Warning,
            format!("Noted, but {} contradicts another verdict: its detail says which.", pair.id),
        );
    }
    let words = match pair.standing.judgement.as_ref().map(|judgement| judgement.verdict) {
        None => "Taken back: the pair is in the list again.",
        Some(Verdict::Same) => "Noted: one person.",
        Some(Verdict::Different) => "Noted: two different people.",
        Some(Verdict::Unsure) => "Noted: the pair stays, below the others.",
        Some(Verdict::Later) => "Put off; it comes back by itself.",
    };
    (Tone::Good, words.to_owned())
}
