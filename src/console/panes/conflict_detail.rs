//! What the screen of conflicts says about one: both values with their writers and times, what they last agreed on, the
//! rule and where it stands, and every way out with its key. Only draws.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;

use super::parts::{labelled, rule};
use crate::console::ctx::Ctx;
use crate::console::text::{age, cut_end, left, span, width, wrap};
use crate::domain::clock::Timestamp;
use crate::domain::record::value_text;
use crate::domain::review::{Conflict, ConflictKind, ReviewState, Writer};

/// The field of a conflict about who somebody is, as the planners call it.
const IDENTITY: &str = "Identity";

/// Every line about a conflict; `others` are the fields of the same record that wait too.
pub fn lines(ctx: &Ctx, conflict: &Conflict, others: &[&str], cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    match conflict.state {
        ReviewState::Deciding => {
            let by = conflict.deciding.map_or_else(String::new, |id| format!(" by {id}"));
            let ruled = conflict.ruled_by.as_ref().map_or_else(String::new, |rule| format!(" (rule {rule})"));
            lines.push(Line::from(span(format!("↻ Decided{ruled}; being carried out{by}."), theme.warn)));
            lines.push(Line::default());
        }
        ReviewState::Ignored => {
            let until = conflict.ignored_until.map_or_else(
                || "until one of the values changes".to_owned(),
                |until| format!("until {}, or until one of the values changes", ctx.day(until)),
            );
            lines.push(Line::from(span(format!("‖ Left alone {until}."), theme.warn)));
            lines.push(Line::default());
        }
        _ => {
            if let Some(words) = &conflict.resolution {
                lines.extend(labelled(ctx, "Last", words, theme.warn, cells));
                lines.push(Line::default());
            }
        }
    }
    lines.extend(sides(ctx, conflict, cells));
    lines.push(Line::default());
    lines.extend(history(ctx, conflict, cells));
    lines.push(Line::default());
    lines.extend(why(ctx, conflict, cells));
    lines.push(rule(ctx, "What to do", cells));
    lines.extend(ways_out(ctx, conflict, cells));
    if let Some(execution) = conflict.execution {
        lines.push(Line::default());
        let text = format!(
            "{execution} found it {} ago; the other fields of the record are written.",
            age(ctx.now, conflict.created_at)
        );
        lines.extend(wrap(&text, cells).into_iter().map(|line| Line::from(span(line, theme.muted))));
    }
    if !others.is_empty() {
        lines.extend(labelled(
            ctx,
            "Also",
            &format!("{} of the same record", others.join(", ")),
            theme.text,
            cells,
        ));
    }
    lines
}

/// The two values beside each other, what differs underlined, and when each changed.
fn sides(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let half = cells.saturating_sub(2) / 2;
    let a = value_text(&conflict.left_value);
    let b = value_text(&conflict.right_value);
    // Who and when on lines of their own: a name wraps, a time never does.
    let written = |by: Option<&Writer>, at: Option<Timestamp>, room: usize| {
        let mut rows = by.map_or_else(Vec::new, |by| wrap(&by.who, room));
        rows.truncate(2);
        rows.push(match by.and_then(|by| by.at).or(at) {
            Some(at) => format!("changed {}", ctx.day(at)),
            None => "when: unknown".to_owned(),
        });
        rows
    };
    let row = |l: Vec<Span<'static>>, r: Vec<Span<'static>>| {
        let used: usize = l.iter().map(|part| width(&part.content)).sum();
        let mut spans = l;
        spans.push(span(" ".repeat((half + 2).saturating_sub(used)), theme.text));
        spans.extend(r);
        Line::from(spans)
    };
    let head = |arrow: &str, name: String| {
        let spans = vec![
            span(arrow.to_owned(), theme.key),
            span(" ", theme.text),
            span(cut_end(&name, half.saturating_sub(2)), theme.muted),
        ];
        spans
    };
    let mut lines = vec![row(
        head("←", format!("{} {}", conflict.left.system().title().to_uppercase(), conflict.left_field)),
        head("→", format!("{} {}", conflict.right.system().title().to_uppercase(), conflict.right_field)),
    )];
    if width(&a) <= half.saturating_sub(2) && width(&b) <= half.saturating_sub(2) {
        let (l, r) = differing(&a, &b, theme.bold);
        let indent = |mut spans: Vec<Span<'static>>| {
            spans.insert(0, span("  ", theme.text));
            spans
        };
        lines.push(row(indent(l), indent(r)));
    } else {
        let (l, r) = (wrap(&a, half.saturating_sub(2)), wrap(&b, half.saturating_sub(2)));
        for index in 0..l.len().max(r.len()).min(8) {
            let part = |lines: &[String]| {
                vec![span(format!("  {}", lines.get(index).cloned().unwrap_or_default()), theme.bold)]
            };
            lines.push(row(part(&l), part(&r)));
        }
    }
    let room = half.saturating_sub(2);
    let (l, r) = (
        written(conflict.left_by.as_ref(), conflict.left_changed_at, room),
        written(conflict.right_by.as_ref(), conflict.right_changed_at, room),
    );
    for index in 0..l.len().max(r.len()).min(3) {
        let part = |lines: &[String]| {
            vec![span(format!("  {}", lines.get(index).cloned().unwrap_or_default()), theme.muted)]
        };
        lines.push(row(part(&l), part(&r)));
    }
    lines
}

/// Both texts with what differs between their common ends underlined.
fn differing(a: &str, b: &str, style: Style) -> (Vec<Span<'static>>, Vec<Span<'static>>) {
    if a.is_empty() || b.is_empty() {
        let show = |text: &str| {
            vec![span(if text.is_empty() { "— empty".to_owned() } else { text.to_owned() }, style)]
        };
        return (show(a), show(b));
    }
    let left: Vec<&str> = a.graphemes(true).collect();
    let right: Vec<&str> = b.graphemes(true).collect();
    let head = left.iter().zip(&right).take_while(|(l, r)| l == r).count();
    let most = left.len().min(right.len()) - head;
    let tail = left.iter().rev().zip(right.iter().rev()).take(most).take_while(|(l, r)| l == r).count();
    let marked = style.add_modifier(Modifier::UNDERLINED);
    let show = |all: &[&str]| {
        let end = all.len() - tail;
        vec![
            span(all[..head].concat(), style),
            span(all[head..end].concat(), marked),
            span(all[end..].concat(), style),
        ]
    };
    (show(&left), show(&right))
}

fn history(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines =
        vec![rule(ctx, &format!("{}: how they came apart", cut_end(&conflict.field, cells / 2)), cells)];
    let a = value_text(&conflict.left_value);
    let b = value_text(&conflict.right_value);
    let base = conflict.base.as_ref().map(value_text);
    let when = |at: Option<Timestamp>| at.map_or_else(|| "?".to_owned(), |at| ctx.day(at));
    let sides = [&conflict.left, &conflict.right].map(|record| width(record.system().title()));
    let names = sides.into_iter().max().unwrap_or(0) + 2;
    let days = [conflict.left_changed_at, conflict.right_changed_at].map(|at| width(&when(at)));
    let days = days.into_iter().max().unwrap_or(0).max(6) + 2;
    let mut say = |when: String, who: &str, value: &str, remark: &str| {
        let room = cells.saturating_sub(days + names + 2 + width(remark) + 2).max(8);
        lines.push(Line::from(vec![
            span(left(&when, days), theme.muted),
            span(left(who, names), theme.text),
            span(cut_end(if value.is_empty() { "— empty" } else { value }, room), theme.bold),
            span(format!("  {remark}"), theme.muted),
        ]));
    };
    match &base {
        Some(base) => say("before".to_owned(), "both", base, "last agreed"),
        None => say("before".to_owned(), "both", "—", "they never agreed so far"),
    }
    let mut seen = [
        (conflict.right_changed_at, conflict.right.system().title(), &b),
        (conflict.left_changed_at, conflict.left.system().title(), &a),
    ];
    seen.sort_by_key(|(at, ..)| *at);
    for (at, who, value) in seen {
        let remark = match &base {
            Some(base) if base == value => "unchanged",
            Some(_) => "changed here",
            None => "",
        };
        say(when(at), who, value, remark);
    }
    lines
}

fn why(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
    let a = value_text(&conflict.left_value);
    let b = value_text(&conflict.right_value);
    let base = conflict.base.as_ref().map(value_text);
    let why = match conflict.kind {
        ConflictKind::BothChanged => match &base {
            Some(base) if *base == a => {
                format!("Only {crm} changed it since they agreed: → keeps that edit.")
            }
            Some(base) if *base == b => format!("Only {ic} changed it since they agreed: ← keeps that edit."),
            _ => "Both sides changed it since they last agreed.".to_owned(),
        },
        ConflictKind::NotAllowed => {
            "The target takes only certain values, and this is none of them.".to_owned()
        }
        ConflictKind::WrongType => "The value cannot become what the target's field holds.".to_owned(),
        ConflictKind::UnknownField => {
            "The target has no such field; create it there or change the mapping.".to_owned()
        }
        ConflictKind::OwnershipBreach => "The side that does not own the field changed it.".to_owned(),
        ConflictKind::Identity if conflict.field == IDENTITY => {
            "The external id names one record and the e-mail another. Nothing of this person is written until you say \
             which of the two they are."
                .to_owned()
        }
        ConflictKind::Identity => format!(
            "Another {crm} record has this identity already. Take the other value, type a right one, or merge the \
             two records (4) if they are one person."
        ),
        ConflictKind::Flapping => {
            "The value went back and forth; syncing it was stopped until you decide.".to_owned()
        }
    };
    let mut lines = labelled(ctx, "Why", &why, theme.text, cells);
    lines.extend(labelled(ctx, "Rule", &conflict.rule, theme.text, cells));
    let mut place = Vec::new();
    if !conflict.line.is_empty() {
        place.push(conflict.line.clone());
    }
    if !conflict.decides.is_empty() {
        place.push(format!("{} decides", conflict.decides));
    }
    if !place.is_empty() {
        lines.extend(labelled(ctx, "", &place.join(" · "), theme.muted, cells));
    }
    if !conflict.allowed.is_empty() {
        let text = format!("{} (nearest first)", conflict.allowed.join(", "));
        lines.extend(labelled(ctx, "Takes", &text, theme.muted, cells).into_iter().take(3));
    }
    lines
}

/// Every decision with its key: the values first, a line each; the others in two columns where there is room.
fn ways_out(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
    let shown = |value: &str| {
        if value.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", cut_end(value, 28)) }
    };
    let (a, b) = (shown(&value_text(&conflict.left_value)), shown(&value_text(&conflict.right_value)));
    let refused = if conflict.kind == ConflictKind::NotAllowed { " (works once it takes it)" } else { "" };
    let key = |key: &str, word: &str, room: usize| {
        vec![
            span("   ", theme.text),
            span(key.to_owned(), theme.key),
            span("  ", theme.text),
            span(left(&cut_end(word, room.saturating_sub(6)), room.saturating_sub(6)), theme.text),
        ]
    };
    let mut lines = Vec::new();
    let whose = conflict.field == IDENTITY;
    let mut alone = |name: &str, word: String| lines.push(Line::from(key(name, &word, cells)));
    if whose {
        alone("←", format!("the external id is right: {a}"));
        alone("→", format!("the e-mail is right: {b}"));
    } else {
        alone("←", format!("take {ic}'s value: {a}{refused}"));
    }
    if whose {
    } else if conflict.kind == ConflictKind::UnknownField {
        alone("→", format!("leave the field out of {crm}; both sides stay as they are"));
    } else {
        alone("→", format!("take {crm}'s value: {b}"));
    }
    if conflict.kind == ConflictKind::NotAllowed && !conflict.allowed.is_empty() {
        alone("f", format!("say what {a} is in {crm}, for everybody from now on"));
    }
    let mut small: Vec<(&str, &str)> = Vec::new();
    if conflict.kind != ConflictKind::UnknownField && !whose {
        small.push(("e", "type another value"));
    }
    if conflict.kind != ConflictKind::Identity {
        small.push(("R", "a rule for all like it"));
        small.push(("0", "empty it on both sides"));
    }
    small.push(("z", "leave it alone for now"));
    if !matches!(conflict.kind, ConflictKind::Identity | ConflictKind::UnknownField) {
        small.push(("b", "one direction off"));
    }
    small.push(("w", "how it came about"));
    if cells >= 48 {
        for pair in small.chunks(2) {
            let spans = pair.iter().flat_map(|(name, word)| key(name, word, cells / 2));
            lines.push(Line::from(spans.collect::<Vec<_>>()));
        }
    } else {
        lines.extend(small.iter().map(|(name, word)| Line::from(key(name, word, cells))));
    }
    let how = "Each shows first what it does; only a capital Y does it.";
    lines.extend(
        wrap(how, cells.saturating_sub(6))
            .into_iter()
            .map(|line| Line::from(span(format!("      {line}"), theme.muted))),
    );
    lines
}
