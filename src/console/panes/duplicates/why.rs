//! Why a pair is believed to be one: the waterfall whose bars sum to the score, what would turn it, and what a merge
//! would send, lose and keep. Only draws.

use ratatui::text::Line;

use super::known;
use crate::console::ctx::Ctx;
use crate::console::panes::parts::rule;
use crate::console::text::{counted, cut_end, left, right, span, width, wrap};
use crate::domain::evidence::{Evidence, percent};
use crate::domain::plan::Preview;
use crate::domain::review::Duplicate;

/// Calls, and values that are lost, that are named here; the dialog names all.
const NAMED: usize = 5;

/// Every line below the comparison.
pub(super) fn lines(
    ctx: &Ctx,
    pair: &Duplicate,
    planned: Option<&Result<Preview, String>>,
    cells: usize,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = waterfall(ctx, &pair.evidence, pair.probability, cells);
    let (review, auto) = ctx.thresholds;
    let limits = format!("certain from {}, shown from {}", percent(auto), percent(review));
    lines.push(Line::from(span(cut_end(&limits, cells), theme.muted)));
    lines.extend(known::turns(ctx, pair, cells));
    let preview = match planned {
        None => return lines,
        Some(Err(why)) => {
            lines.push(Line::default());
            lines.push(rule(ctx, "If merged", cells));
            lines.extend(wrap(why, cells).into_iter().map(|line| Line::from(span(line, theme.warn))));
            return lines;
        }
        Some(Ok(preview)) => preview,
    };
    lines.push(Line::default());
    lines.push(rule(ctx, &format!("If merged: {}", counted(preview.calls.len() as u64, "call")), cells));
    let methods = preview.calls.iter().map(|call| call.method.len()).max().unwrap_or(0);
    for (index, call) in preview.calls.iter().take(NAMED).enumerate() {
        let body = call.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let path = cut_end(&call.path, cells.saturating_sub(methods + 4));
        let room = cells.saturating_sub(methods + 6 + width(&path));
        let mut spans = vec![
            span(format!("{} ", index + 1), theme.key),
            span(format!("{:<methods$}  ", call.method), theme.bold),
            span(path, theme.bold),
        ];
        if room >= 12 {
            spans.push(span(format!("  {}", cut_end(&body, room)), theme.muted));
        }
        lines.push(Line::from(spans));
    }
    let mut more = |many: usize, what: &str| {
        if many > NAMED {
            lines.push(Line::from(vec![
                span("  m", theme.key),
                span(format!(" shows {} more {what}", many - NAMED), theme.muted),
            ]));
        }
    };
    more(preview.calls.len(), "calls");
    let names = preview.losses.iter().map(|loss| width(&loss.field)).max().unwrap_or(0).min(20);
    for (index, loss) in preview.losses.iter().take(NAMED).enumerate() {
        let label = if index == 0 { "Lost  " } else { "      " };
        let room = cells.saturating_sub(6 + names + 2 + 8) / 2;
        let kept = if loss.kept.is_empty() { "—" } else { &loss.kept };
        lines.push(Line::from(vec![
            span(label, theme.muted),
            span(format!("{}  ", left(&loss.field, names)), theme.muted),
            span(cut_end(&loss.lost, room), theme.warn),
            span("  stays ", theme.muted),
            span(cut_end(kept, room), theme.text),
        ]));
    }
    if preview.losses.is_empty() {
        lines.push(Line::from(vec![span("Lost  ", theme.muted), span("no value", theme.text)]));
    } else if preview.losses.len() > NAMED {
        lines.push(Line::from(vec![
            span("  m", theme.key),
            span(format!(" shows {} more that are lost", preview.losses.len() - NAMED), theme.muted),
        ]));
    }
    if preview.irreversible {
        let words = "every record, whole, in a capsule right before the call. `u` here afterwards, or `reknit merge undo`, \
                     shows what of it can be brought back, and brings it back.";
        lines.extend(crate::console::panes::parts::labelled(ctx, "Kept", words, theme.text, cells));
    }
    for note in preview
        .notes
        .iter()
        .filter(|note| note.contains("stays as it is") || note.contains("stay as they are"))
    {
        lines.extend(wrap(note, cells).into_iter().map(|line| Line::from(span(line, theme.warn))));
    }
    lines
}

/// The waterfall: each bar begins where the one before it ended; all of them sum to the score.
pub(super) fn waterfall(
    ctx: &Ctx,
    evidence: &[Evidence],
    probability: f64,
    cells: usize,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let words: Vec<String> = evidence
        .iter()
        .map(|bar| match (&bar.note, bar.level.is_empty()) {
            (Some(note), _) => format!("{} {}: {note}", bar.comparison, bar.level),
            (None, true) => bar.comparison.clone(),
            (None, false) => format!("{} {}", bar.comparison, bar.level),
        })
        .collect();
    let label = words.iter().map(|word| width(word)).max().unwrap_or(0).min(cells / 2);
    let room = cells.saturating_sub(label + 10);
    let mut sum = 0_i64;
    let (mut low, mut high) = (0_i64, 0_i64);
    for bar in evidence {
        sum += i64::from(bar.millibits);
        low = low.min(sum);
        high = high.max(sum);
    }
    let scale = |bits: i64| {
        let share = (bits - low) as f64 / (high - low).max(1) as f64;
        (share * room as f64).round() as usize
    };
    let mut at = 0_i64;
    let mut lines = Vec::new();
    for (bar, word) in evidence.iter().zip(&words) {
        let to = at + i64::from(bar.millibits);
        let (from_cell, to_cell) = (scale(at.min(to)), scale(at.max(to)));
        let long = (to_cell - from_cell).max(usize::from(bar.millibits != 0)).min(room);
        let start = from_cell.min(room.saturating_sub(long));
        let (glyph, style) = if bar.millibits < 0 { ("▒", theme.error) } else { ("▆", theme.ok) };
        let sign = if bar.millibits < 0 { "−" } else { "+" };
        let number = format!("{sign}{}.{}", bar.millibits.abs() / 1000, bar.millibits.abs() % 1000 / 100);
        lines.push(Line::from(vec![
            span(left(word, label), theme.text),
            span(right(&number, 7), style),
            span(format!("  {}", " ".repeat(start)), theme.text),
            span(glyph.repeat(long), style),
        ]));
        at = to;
    }
    let total = format!("{:.1} bits → {}", sum as f64 / 1000.0, percent(probability));
    lines.push(Line::from(vec![span(right(&total, cells), theme.bold)]));
    lines
}
