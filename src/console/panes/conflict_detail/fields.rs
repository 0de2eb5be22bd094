//! The fields of a record that wait, in columns: Intercom, what they last agreed on where there is room, the CRM, and
//! what each will be; below them those that agree, folded. Only draws.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Shown, Told, written};
use crate::console::ctx::Ctx;
use crate::console::text::{counted, cut_end, left, span, width};
use crate::console::widgets::diff::{Piece, compare, lay};
use crate::domain::record::value_text;
use crate::domain::review::{Choice, Conflict, ReviewState};
use crate::engine::operate::compare::{After, Compared, Disputed};

/// Lines of one value.
const ROWS: usize = 3;
/// From so many cells on, what they last agreed on has a column of its own.
const WIDE: usize = 88;
/// Below so many cells the two values stand under each other.
const STACKED: usize = 60;

/// Widths of the columns.
struct Columns {
    field: usize,
    value: usize,
    agreed: usize,
    will: usize,
}

impl Columns {
    fn of(conflicts: &[&Conflict], cells: usize) -> Self {
        let longest = conflicts.iter().map(|one| width(&one.field)).max().unwrap_or(5);
        let field = longest.clamp(5, 16) + 1;
        let will = if cells >= 76 { 18 } else { 14 };
        let agreed = if cells >= WIDE { 16 } else { 0 };
        let value = cells.saturating_sub(2 + field + agreed + will) / 2;
        Self { field, value, agreed, will }
    }
}

/// Appends the fields that wait, and the count or list of those that do not.
pub(super) fn lines(ctx: &Ctx, shown: &Shown<'_>, cells: usize, told: &mut Told) {
    let theme = &ctx.theme;
    let alone = [shown.conflict];
    let conflicts: Vec<&Conflict> = match shown.compared {
        Some(compared) => compared.disputed.iter().map(|one| &one.conflict).collect(),
        None => alone.to_vec(),
    };
    let columns = Columns::of(&conflicts, cells);
    let (ic, crm) = (
        shown.conflict.left.system().title().to_uppercase(),
        shown.conflict.right.system().title().to_uppercase(),
    );
    if cells >= STACKED {
        let mut head = vec![span(left("  FIELD", 2 + columns.field), theme.muted)];
        head.push(span("← ", theme.key));
        head.push(span(left(&ic, columns.value - 2), theme.muted));
        if columns.agreed > 0 {
            head.push(span(left("LAST AGREED", columns.agreed), theme.muted));
        }
        head.push(span("→ ", theme.key));
        head.push(span(left(&crm, columns.value - 2), theme.muted));
        head.push(span("WILL BE", theme.muted));
        told.lines.push(Line::from(head));
    }
    for (index, conflict) in conflicts.iter().enumerate() {
        let from = told.lines.len();
        let disputed = shown.compared.and_then(|compared| compared.disputed.get(index));
        let one = Row { ctx, shown, conflict, disputed };
        if cells >= STACKED {
            told.lines.extend(one.beside(&columns));
        } else {
            told.lines.extend(one.stacked(cells));
        }
        told.fields.push((conflict.id, from..told.lines.len()));
        if index + 1 < conflicts.len() && (cells < STACKED || conflicts.len() <= 6) {
            told.lines.push(Line::default());
        }
    }
    if let Some(compared) = shown.compared {
        told.lines.extend(settled(ctx, compared, shown.unfolded, cells));
    }
}

/// One field that waits.
struct Row<'a> {
    ctx: &'a Ctx,
    shown: &'a Shown<'a>,
    conflict: &'a Conflict,
    disputed: Option<&'a Disputed>,
}

impl Row<'_> {
    fn choice(&self) -> Option<&Choice> {
        self.shown.decided.get(&self.conflict.id)
    }

    /// Both values in pieces; an empty one says so.
    fn pieces(&self) -> (Vec<Piece>, Vec<Piece>) {
        let (a, b) = (value_text(&self.conflict.left_value), value_text(&self.conflict.right_value));
        let empty = || vec![Piece { text: "— empty".to_owned(), changed: false }];
        let (mut left, mut right) = compare(&a, &b);
        // Where nothing at all is common, underlining everything says nothing.
        if !left.iter().chain(&right).any(|piece| !piece.changed) {
            for piece in left.iter_mut().chain(&mut right) {
                piece.changed = false;
            }
        }
        if a.is_empty() {
            left = empty();
        }
        if b.is_empty() {
            right = empty();
        }
        (left, right)
    }

    /// What the field will be, and on which side that is written.
    fn will(&self) -> (String, String, Style) {
        let theme = &self.ctx.theme;
        let (ic, crm) = (self.conflict.left.system().title(), self.conflict.right.system().title());
        match self.conflict.state {
            ReviewState::Deciding => {
                let by = self.conflict.deciding.map_or_else(String::new, |id| id.to_string());
                return (format!("↻ {by}"), "being written".to_owned(), theme.warn);
            }
            ReviewState::Done | ReviewState::Dismissed | ReviewState::Obsolete => {
                return ("✓ settled".to_owned(), String::new(), theme.ok);
            }
            ReviewState::Ignored if self.choice().is_none() => {
                return ("‖ left alone".to_owned(), String::new(), theme.muted);
            }
            _ => {}
        }
        let Some(choice) = self.choice() else {
            let who = match self.conflict.decides.as_str() {
                "" => String::new(),
                role => format!("{role} decides"),
            };
            return ("? ← or →".to_owned(), who, theme.warn);
        };
        let (now_left, now_right) =
            (value_text(&self.conflict.left_value), value_text(&self.conflict.right_value));
        let dash = |text: &str| if text.is_empty() { "— empty".to_owned() } else { text.to_owned() };
        let found = |after: &Result<After, String>| match after {
            Err(_) => ("✗ cannot be".to_owned(), "Enter says why".to_owned(), theme.error),
            Ok(after) => {
                let (to_left, to_right) = (after.left != now_left, after.right != now_right);
                let to = match (to_left, to_right) {
                    (true, true) => "→ both".to_owned(),
                    (true, false) => format!("→ {ic}"),
                    (false, true) => format!("→ {crm}"),
                    (false, false) => "nothing is written".to_owned(),
                };
                (dash(if to_right { &after.right } else { &after.left }), to, theme.ok)
            }
        };
        match (choice, self.disputed) {
            (Choice::Left, Some(disputed)) => found(&disputed.by_left),
            (Choice::Right, Some(disputed)) => found(&disputed.by_right),
            (Choice::Left, None) => (dash(&now_left), format!("→ {crm}"), theme.ok),
            (Choice::Right, None) => (dash(&now_right), format!("→ {ic}"), theme.ok),
            (Choice::Value(text), _) => (text.clone(), "typed".to_owned(), theme.ok),
            (Choice::Clear, _) => ("— empty".to_owned(), "→ both".to_owned(), theme.ok),
            (Choice::Translate(to), _) => (to.clone(), format!("→ {crm}"), theme.ok),
        }
    }

    /// Text and writer of each side in columns.
    fn beside(&self, columns: &Columns) -> Vec<Line<'static>> {
        let theme = &self.ctx.theme;
        let (a, b) = self.pieces();
        let ticked = |own: bool| match self.choice() {
            Some(Choice::Left) => own,
            Some(Choice::Right) => !own,
            _ => false,
        };
        let room = columns.value.saturating_sub(3);
        let style =
            |own: bool| if self.choice().is_some() && !ticked(own) { theme.muted } else { theme.bold };
        let (left_rows, right_rows) = (lay(&a, room, ROWS, style(true)), lay(&b, room, ROWS, style(false)));
        let base = self.conflict.base.as_ref().map(value_text);
        let agreed = match &base {
            None => vec![vec![span("never", theme.muted)]],
            Some(base) if base.is_empty() => vec![vec![span("— empty", theme.muted)]],
            Some(base) => lay(
                &[Piece {
                    text: crate::console::text::cut_end(base, columns.agreed.max(4) * ROWS),
                    changed: false,
                }],
                columns.agreed.saturating_sub(2),
                ROWS,
                theme.text,
            ),
        };
        let (will, to, will_style) = self.will();
        let wills = crate::console::text::wrap(&will, columns.will.saturating_sub(1));
        let values =
            left_rows.len().max(right_rows.len()).max(if columns.agreed > 0 { agreed.len() } else { 0 });
        let mut lines = Vec::new();
        for index in 0..=values {
            let mut spans = vec![span("  ", theme.text)];
            let name = if index == 0 { self.conflict.field.as_str() } else { "" };
            spans.push(span(left(&cut_end(name, columns.field - 1), columns.field), theme.text));
            for own in [true, false] {
                let tick = if index == 0 && ticked(own) { "✓ " } else { "  " };
                spans.push(span(tick, theme.ok));
                let rows = if own { &left_rows } else { &right_rows };
                if index == values {
                    let who = written(self.ctx, self.conflict, own, room.saturating_sub(1));
                    spans.push(span(left(&who, columns.value - 2), theme.muted));
                } else {
                    fill(&mut spans, rows.get(index), columns.value - 2, theme.text);
                }
                if own && columns.agreed > 0 {
                    let row = if index == values { None } else { agreed.get(index) };
                    fill(&mut spans, row, columns.agreed, theme.text);
                }
            }
            let (text, style) = if index == values {
                (to.as_str(), theme.muted)
            } else {
                let last = index + 1 == values && wills.len() > values;
                let text = wills.get(index).map_or("", String::as_str);
                if last {
                    spans.push(span(cut_end(&format!("{text}…"), columns.will), will_style));
                    lines.push(Line::from(spans));
                    continue;
                }
                (text, will_style)
            };
            spans.push(span(cut_end(text, columns.will), style));
            lines.push(Line::from(spans));
        }
        lines
    }

    /// The same under each other, for a narrow screen.
    fn stacked(&self, cells: usize) -> Vec<Line<'static>> {
        let theme = &self.ctx.theme;
        let (a, b) = self.pieces();
        let (will, to, style) = self.will();
        let mut lines = vec![Line::from(vec![
            span("  ", theme.text),
            span(cut_end(&self.conflict.field, cells / 2), theme.text),
            span("  ", theme.text),
            span(cut_end(&will, cells.saturating_sub(6 + width(&self.conflict.field).min(cells / 2))), style),
        ])];
        if self.choice().is_some() {
            lines.push(Line::from(span(format!("  {}", cut_end(&to, cells.saturating_sub(2))), theme.muted)));
        }
        for (own, arrow, pieces) in [(true, "←", a), (false, "→", b)] {
            for (index, row) in lay(&pieces, cells.saturating_sub(5), 2, theme.bold).into_iter().enumerate() {
                let mut spans =
                    vec![span(if index == 0 { format!("  {arrow} ") } else { "    ".to_owned() }, theme.key)];
                spans.extend(row);
                lines.push(Line::from(spans));
            }
            let who = written(self.ctx, self.conflict, own, cells.saturating_sub(5));
            lines.push(Line::from(span(format!("    {who}"), theme.muted)));
        }
        lines
    }
}

/// A row of a cell, filled with blanks to its width.
fn fill(spans: &mut Vec<Span<'static>>, row: Option<&Vec<Span<'static>>>, cells: usize, style: Style) {
    let used: usize = row.map_or(0, |row| row.iter().map(|part| width(&part.content)).sum());
    spans.extend(row.into_iter().flatten().cloned());
    spans.push(span(" ".repeat(cells.saturating_sub(used)), style));
}

/// The fields that do not wait: how many, or each.
fn settled(ctx: &Ctx, compared: &Compared, unfolded: bool, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let equal = compared.settled.iter().filter(|one| one.equal).count();
    let other = compared.settled.len() - equal;
    if compared.settled.is_empty() {
        return Vec::new();
    }
    let mut words = counted(equal as u64, "field");
    words.push_str(if equal == 1 { " agrees" } else { " agree" });
    if other > 0 {
        words.push_str(&format!(", {other} may differ by the mapping"));
    }
    if !unfolded {
        // That they are folded is said at every width.
        if width(&words) + 10 > cells {
            words = words.replace(" by the mapping", "");
        }
        return vec![Line::from(vec![
            span("= ", theme.key),
            span(cut_end(&format!("{words}; folded"), cells.saturating_sub(2)), theme.muted),
        ])];
    }
    let mut lines = vec![Line::from(vec![span("= ", theme.key), span(format!("{words}:"), theme.muted)])];
    let field = compared.settled.iter().map(|one| width(&one.field)).max().unwrap_or(5).clamp(5, 20) + 2;
    let room = cells.saturating_sub(field + 2);
    for one in &compared.settled {
        let dash = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
        let value = if one.equal && one.left == one.right {
            cut_end(&one.left, room)
        } else {
            let mark = if one.equal { "=" } else { "≠" };
            let half = room.saturating_sub(3) / 2;
            format!("{} {mark} {}", cut_end(&dash(&one.left), half), cut_end(&dash(&one.right), half))
        };
        lines.push(Line::from(vec![
            span(format!("  {}", left(&one.field, field)), theme.muted),
            span(value, theme.text),
        ]));
    }
    lines
}
