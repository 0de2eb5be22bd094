//! One audit entry told: who, when, why, what it changed, and doors to what it names. Only turns facts into lines.

use ratatui::text::Line;

use super::asks::{Change, Door, Named};
use crate::console::ctx::Ctx;
use crate::console::msg::Answer;
use crate::console::panes::parts::{labelled, rule};
use crate::console::text::{cut_end, fair, left, span, width, wrap, wrap_most};
use crate::domain::audit::{AuditEntry, Binding};

/// The lines of an entry; `door` is the chosen one, while the box has the focus.
pub(super) fn lines(
    ctx: &Ctx,
    row: &AuditEntry,
    named: Option<&Answer<Named>>,
    door: Option<usize>,
    cells: usize,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    let title = format!("{}: {} {}", row.entry.actor, row.entry.verb, row.entry.object);
    lines.extend(wrap(&title, cells).into_iter().map(|line| Line::from(span(line, theme.bold))));
    if row.erased {
        lines.push(Line::from(span("What it said was erased on purpose; the chain holds.", theme.warn)));
    } else {
        lines.extend(wrap(&row.entry.note, cells).into_iter().map(|line| Line::from(span(line, theme.text))));
    }
    lines.push(Line::default());
    lines.extend(labelled(ctx, "When", &ctx.full(row.at), theme.text, cells));
    match named {
        None => {}
        Some(Err(why)) => lines.extend(labelled(ctx, "Names", why, theme.error, cells)),
        Some(Ok(named)) => {
            changes(ctx, named, cells, &mut lines);
            doors(ctx, &named.doors, door, cells, &mut lines);
        }
    }
    lines.push(Line::default());
    lines.push(rule(ctx, "Chain", cells));
    let bound = match &row.binding {
        Binding::Sealed { .. } => "object and note are bound by a salted seal",
        Binding::Plain => "bound as before Reknit sealed entries",
        Binding::Unknown { .. } => "bound by something a newer Reknit knows",
    };
    lines.extend(labelled(ctx, "Hash", &row.hash, theme.muted, cells));
    lines.extend(labelled(ctx, "After", &row.previous, theme.muted, cells));
    lines.push(Line::from(span(cut_end(bound, cells), theme.muted)));
    lines
}

fn changes(ctx: &Ctx, named: &Named, cells: usize, lines: &mut Vec<Line<'static>>) {
    if named.changes.is_empty() {
        return;
    }
    let theme = &ctx.theme;
    lines.push(Line::default());
    lines.push(rule(ctx, "What was written", cells));
    let value = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
    let before = |change: &Change| change.before.as_deref().map_or_else(|| "not kept".to_owned(), value);
    let widest = |cells: &dyn Fn(&Change) -> usize, head: usize| {
        named.changes.iter().map(cells).max().unwrap_or(0).max(head)
    };
    let natural = [
        widest(&|change| width(&change.field), 5).min(30),
        widest(&|change| width(&before(change)), 6),
        widest(&|change| width(&change.after), 5),
    ];
    let widths = fair(&natural, cells.saturating_sub(4));
    let [names, old, new] = [widths[0], widths[1], widths[2]];
    lines.push(Line::from(span(
        format!("{}  {}  AFTER", left("FIELD", names), left("BEFORE", old)),
        theme.muted,
    )));
    let mut shown = None;
    for change in &named.changes {
        if shown != Some(&change.record) {
            lines.push(Line::from(span(cut_end(&change.record.title(), cells), theme.bold)));
            shown = Some(&change.record);
        }
        for (index, part) in wrap_most(&value(&change.after), new, 3).into_iter().enumerate() {
            let (field, before) =
                if index == 0 { (change.field.as_str(), before(change)) } else { ("", String::new()) };
            lines.push(Line::from(vec![
                span(format!("{}  ", left(field, names)), theme.muted),
                span(format!("{}  ", left(&before, old)), theme.muted),
                span(part, theme.text),
            ]));
        }
    }
}

fn doors(ctx: &Ctx, doors: &[Door], chosen: Option<usize>, cells: usize, lines: &mut Vec<Line<'static>>) {
    if doors.is_empty() {
        return;
    }
    let theme = &ctx.theme;
    lines.push(Line::default());
    lines.push(rule(ctx, "Names", cells));
    for (index, door) in doors.iter().enumerate() {
        let here = chosen == Some(index);
        let words = format!("{}  {}", door.subject, door.state);
        lines.push(Line::from(vec![
            span(if here { "▌ " } else { "  " }, theme.key),
            span(left(&door.id, 10), if here { theme.key } else { theme.bold }),
            span(cut_end(&words, cells.saturating_sub(12)), theme.text),
        ]));
    }
}
