//! What the screen of conflicts says about one record: every field that waits in columns, how the field under the cursor
//! came apart, the rule and where it stands, and every way out with its key. Only draws.

mod fields;

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::text::{Line, Span};

use super::parts::{labelled, rule};
use crate::console::ctx::Ctx;
use crate::console::text::{age, cut_end, left, span, thousands, width, wrap, wrap_most};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ConflictId;
use crate::domain::record::value_text;
use crate::domain::review::{Choice, Conflict, ConflictKind, ReviewState};
use crate::engine::explain::Account;
use crate::engine::operate::compare::{Compared, Disputed};

/// The field of a conflict about who somebody is, as the planners call it.
const IDENTITY: &str = "Identity";
/// Things that happened to the field which are told inline; `w` tells all.
const TOLD: usize = 4;

/// What is shown of a record.
pub struct Shown<'a> {
    /// The field under the cursor.
    pub conflict: &'a Conflict,
    /// The whole record, once it is known.
    pub compared: Option<&'a Compared>,
    /// How the field under the cursor came about, once it is known.
    pub account: Option<&'a Account>,
    /// Decided and not sent yet.
    pub decided: &'a BTreeMap<ConflictId, Choice>,
    /// Fields that agree are listed.
    pub unfolded: bool,
}

/// The lines, and which of them belong to which field that waits.
pub struct Told {
    /// Every line.
    pub lines: Vec<Line<'static>>,
    /// The lines of each field, in their order.
    pub fields: Vec<(ConflictId, Range<usize>)>,
}

impl Shown<'_> {
    fn disputed(&self) -> Option<&Disputed> {
        self.compared?.disputed.iter().find(|one| one.conflict.id == self.conflict.id)
    }
}

/// Every line about a record.
pub fn lines(ctx: &Ctx, shown: &Shown<'_>, cells: usize) -> Told {
    let conflict = shown.conflict;
    let mut told = Told { lines: standing(ctx, conflict, cells), fields: Vec::new() };
    fields::lines(ctx, shown, cells, &mut told);
    told.lines.push(Line::default());
    told.lines.extend(history(ctx, shown, cells));
    told.lines.push(Line::default());
    told.lines.extend(why(ctx, conflict, cells));
    if !over(conflict) {
        told.lines.push(Line::default());
        let title = format!("What to do about {}", cut_end(&conflict.field, cells / 2));
        told.lines.push(rule(ctx, &title, cells));
        told.lines.extend(ways_out(ctx, shown, cells));
    }
    if let Some(execution) = conflict.execution {
        told.lines.push(Line::default());
        let text = format!(
            "{execution} found it {} ago; the other fields of the record are written.",
            age(ctx.now, conflict.created_at)
        );
        told.lines.extend(wrap(&text, cells).into_iter().map(|line| Line::from(span(line, ctx.theme.muted))));
    }
    told
}

/// There is nothing to decide about it any more.
pub(super) const fn over(conflict: &Conflict) -> bool {
    matches!(conflict.state, ReviewState::Done | ReviewState::Dismissed | ReviewState::Obsolete)
}

/// That it is being carried out or left alone, or what became of the last decision.
fn standing(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    let mut say = |text: &str| {
        lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, theme.warn))));
    };
    match conflict.state {
        ReviewState::Deciding => {
            let by = conflict.deciding.map_or_else(String::new, |id| format!(" by {id}"));
            let ruled = conflict.ruled_by.as_ref().map_or_else(String::new, |rule| format!(" (rule {rule})"));
            say(&format!("↻ Decided{ruled}; being carried out{by}."));
        }
        ReviewState::Ignored => {
            let until = conflict.ignored_until.map_or_else(
                || "until one of the values changes".to_owned(),
                |until| format!("until {}, or until one of the values changes", ctx.day(until)),
            );
            say(&format!("‖ Left alone {until}."));
        }
        ReviewState::Done | ReviewState::Dismissed | ReviewState::Obsolete => {
            let words = conflict.resolution.as_deref().unwrap_or("nothing had to be written");
            let text = format!("✓ Settled: {words}");
            let said = wrap(&text, cells).into_iter().map(|line| Line::from(span(line, theme.ok)));
            lines.extend(said);
            let text = "Below it is shown as it was found.".to_owned()
                + if conflict.state == ReviewState::Done {
                    " u takes the decision back; it shows the calls first."
                } else {
                    ""
                };
            let said = wrap(&text, cells).into_iter().map(|line| Line::from(span(line, theme.muted)));
            lines.extend(said);
        }
        ReviewState::Open => match &conflict.resolution {
            Some(words) => lines.extend(labelled(ctx, "Last", words, theme.warn, cells)),
            None => return lines,
        },
    }
    lines.push(Line::default());
    lines
}

/// Who wrote a value and when, in one phrase; a name is cut before a time is.
fn written(ctx: &Ctx, conflict: &Conflict, own: bool, cells: usize) -> String {
    let (by, at) = if own {
        (conflict.left_by.as_ref(), conflict.left_changed_at)
    } else {
        (conflict.right_by.as_ref(), conflict.right_changed_at)
    };
    let when = by.and_then(|by| by.at).or(at).map(|at| ctx.day(at));
    match (by, when) {
        (Some(by), Some(when)) => {
            let room = cells.saturating_sub(width(&when) + 3);
            // "somebody in HubSpot's screens": the column says where.
            let who = match by.who.split_once(" in ") {
                Some((who, _)) if width(&by.who) > room => who,
                _ => &by.who,
            };
            if room < 6 { when } else { format!("{} · {when}", cut_end(who, room)) }
        }
        (Some(by), None) => cut_end(&by.who, cells),
        (None, Some(when)) => cut_end(&format!("changed {when}"), cells),
        (None, None) => cut_end("when: unknown", cells),
    }
}

/// What both held when they last agreed, what each wrote since and who did, then what Reknit did about it.
fn history(ctx: &Ctx, shown: &Shown<'_>, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let conflict = shown.conflict;
    let mut lines = vec![rule(
        ctx,
        &format!("{}, {}: how they came apart", cut_end(&conflict.field, cells / 3), conflict.kind.phrase()),
        cells,
    )];
    let (a, b) = (value_text(&conflict.left_value), value_text(&conflict.right_value));
    let base = conflict.base.as_ref().map(value_text);
    let agreed = shown.disputed().and_then(|one| one.agreed_at);
    let day = |at: Option<Timestamp>| at.map_or_else(|| "?".to_owned(), |at| ctx.day(at));
    let sides = [&conflict.left, &conflict.right].map(|record| width(record.system().title()));
    let names = sides.into_iter().max().unwrap_or(0).max(4) + 2;
    let at = |own: bool| {
        let (by, at) = if own {
            (conflict.left_by.as_ref(), conflict.left_changed_at)
        } else {
            (conflict.right_by.as_ref(), conflict.right_changed_at)
        };
        by.and_then(|by| by.at).or(at)
    };
    let first = agreed.map_or_else(|| "before".to_owned(), |at| ctx.day(at));
    let days =
        [first.clone(), day(at(true)), day(at(false))].iter().map(|text| width(text)).max().unwrap_or(0) + 2;
    let mut say = |when: &str, who: &str, value: &str, remark: &str| {
        let room = cells.saturating_sub(days + names);
        let value_cells = width(value).max(7).min(room * 2 / 5);
        let rest = room.saturating_sub(value_cells + 2);
        lines.push(Line::from(vec![
            span(left(when, days), theme.muted),
            span(left(who, names), theme.text),
            span(
                left(&cut_end(if value.is_empty() { "— empty" } else { value }, value_cells), value_cells),
                theme.bold,
            ),
            span(format!("  {}", cut_end(remark, rest)), theme.muted),
        ]));
    };
    match &base {
        Some(base) => say(&first, "both", base, "the last time they agreed"),
        None => say(&first, "both", "—", "they never agreed so far"),
    }
    let mut seen = [(at(false), false, &b), (at(true), true, &a)];
    seen.sort_by_key(|(at, ..)| *at);
    for (when, own, value) in seen {
        let (record, by) =
            if own { (&conflict.left, &conflict.left_by) } else { (&conflict.right, &conflict.right_by) };
        let who = by.as_ref().map_or_else(|| "by whom is not known".to_owned(), |by| by.who.clone());
        let remark = match &base {
            Some(base) if base == value => format!("unchanged; {who}"),
            _ => who,
        };
        say(&day(when), record.system().title(), value, &remark);
    }
    let Some(account) = shown.account else { return lines };
    let happened: Vec<_> = account.entries.iter().filter(|entry| entry.kind != "now").collect();
    for entry in happened.iter().take(TOLD).rev() {
        let rows = wrap_most(&entry.sentence, cells.saturating_sub(days + names).max(10), 3);
        for (index, row) in rows.into_iter().enumerate() {
            let (when, who) = if index == 0 { (ctx.day(entry.at), "Reknit") } else { (String::new(), "") };
            lines.push(Line::from(vec![
                span(left(&when, days), theme.muted),
                span(left(who, names), theme.muted),
                span(row, theme.text),
            ]));
        }
    }
    if happened.len() > TOLD {
        lines.push(Line::from(vec![
            span(left("", days + names), theme.muted),
            span("w", theme.key),
            span(format!(" tells {} more", happened.len() - TOLD), theme.muted),
        ]));
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
fn ways_out(ctx: &Ctx, shown: &Shown<'_>, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let conflict = shown.conflict;
    let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
    let quoted = |value: &str| {
        if value.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", cut_end(value, 28)) }
    };
    let (a, b) = (quoted(&value_text(&conflict.left_value)), quoted(&value_text(&conflict.right_value)));
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
        if conflict.kind == ConflictKind::UnknownField {
            alone("→", format!("leave the field out of {crm}; both sides stay as they are"));
        } else {
            alone("→", format!("take {crm}'s value: {b}"));
        }
    }
    if conflict.kind == ConflictKind::NotAllowed && !conflict.allowed.is_empty() {
        alone("f", format!("say what {a} is in {crm}, for everybody from now on"));
    }
    if conflict.kind != ConflictKind::Identity {
        let like = shown.disputed().map(|one| one.alike).filter(|alike| alike.any_values > 1);
        let words = like.map_or_else(
            || "a rule for all like it".to_owned(),
            |alike| {
                format!(
                    "a rule for all like it: {} open, {} with the same values",
                    thousands(alike.any_values),
                    thousands(alike.same_values)
                )
            },
        );
        alone("R", words);
    }
    let mut small: Vec<(&str, &str)> = Vec::new();
    if conflict.kind != ConflictKind::UnknownField && !whose {
        small.push(("e", "type another value"));
    }
    if conflict.kind != ConflictKind::Identity {
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
            lines.push(Line::from(spans.collect::<Vec<Span<'static>>>()));
        }
    } else {
        lines.extend(small.iter().map(|(name, word)| Line::from(key(name, word, cells))));
    }
    let how = if shown.decided.is_empty() {
        "← → e 0 only decide. Enter then shows every write, and only a capital Y sends it."
    } else {
        "Decided, not sent: Enter or d shows every write, and only a capital Y sends it."
    };
    lines.extend(
        wrap(how, cells.saturating_sub(6))
            .into_iter()
            .map(|line| Line::from(span(format!("      {line}"), theme.muted))),
    );
    lines
}
