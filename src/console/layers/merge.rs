//! The table in a merge's dialog: a column per record and one for what comes out; the cursor takes values.
//!
//! It changes the decision that is asked about, never a record. The dialog around it asks for the preview anew and is
//! the only one that says yes.

use ratatui::text::Line;

use crate::console::ctx::Ctx;
use crate::console::text::{cut_end, cut_middle, fair, left, span, width};
use crate::domain::merge::{MergeRow, MergeTable, MergeWish, Take};
use crate::domain::plan::Preview;
use crate::domain::review::Decision;

/// Where the cursor is, and what the decision was before a group was taken in.
#[derive(Debug, Clone, Default)]
pub struct Choosing {
    row: usize,
    column: usize,
    alone: Option<MergeWish>,
}

/// What a key in the table led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Chose {
    /// The cursor moved to this line of the table.
    Moved(usize),
    /// Another decision, of which the preview is to be asked for.
    Decided(Decision),
}

/// Rows worth a look: the records differ, or a value was typed.
fn differs(row: &MergeRow) -> bool {
    row.from.is_none() || row.values.iter().any(|value| *value != row.values[0])
}

fn rows(preview: &Preview) -> Vec<(&MergeTable, &MergeRow)> {
    preview
        .merges
        .iter()
        .flat_map(|table| table.rows.iter().filter(|row| differs(row)).map(move |row| (table, row)))
        .collect()
}

impl Choosing {
    /// A key, by its name; none when the table has no use for it.
    pub fn key(&mut self, name: &str, preview: &Preview, decision: &Decision) -> Option<Chose> {
        let Decision::Merge { duplicate, survivor, wish } = decision else { return None };
        let all = rows(preview);
        let decided = |survivor, wish: MergeWish| {
            Chose::Decided(Decision::Merge { duplicate: *duplicate, survivor, wish: Box::new(wish) })
        };
        match name {
            "Down" | "j" => {
                self.row = (self.row + 1).min(all.len().saturating_sub(1));
                Some(Chose::Moved(self.row))
            }
            "Up" | "k" => {
                self.row = self.row.saturating_sub(1);
                Some(Chose::Moved(self.row))
            }
            "Right" | "l" => {
                let last = all.get(self.row).map_or(0, |(table, _)| table.records.len().saturating_sub(1));
                self.column = (self.column + 1).min(last);
                Some(Chose::Moved(self.row))
            }
            "Left" | "h" => {
                self.column = self.column.saturating_sub(1);
                Some(Chose::Moved(self.row))
            }
            "Space" => {
                let (table, row) = all.get(self.row)?;
                let record = table.records.get(self.column)?.clone();
                let mut wish = MergeWish::clone(wish);
                let same =
                    |take: &Take| take.field == row.field && take.record.connection == record.connection;
                let again = wish.take.iter().any(|take| same(take) && take.record == record);
                wish.take.retain(|take| !same(take));
                wish.set.shift_remove(&row.field);
                if !again {
                    wish.take.push(Take { field: row.field.clone(), record });
                }
                Some(decided(survivor.clone(), wish))
            }
            "g" => {
                let wish = match self.alone.take() {
                    Some(alone) => MergeWish { take: wish.take.clone(), set: wish.set.clone(), ..alone },
                    None => {
                        self.alone = Some(MergeWish::clone(wish));
                        MergeWish { group: true, ..MergeWish::clone(wish) }
                    }
                };
                (self.row, self.column) = (0, 0);
                Some(decided(survivor.clone(), wish))
            }
            digit => {
                let place = digit.parse::<usize>().ok()?.checked_sub(1)?;
                let chosen = preview
                    .merges
                    .iter()
                    .find(|table| table.records.contains(survivor))?
                    .records
                    .get(place)?;
                let mut wish = MergeWish::clone(wish);
                let named = |wish: &MergeWish| wish.also.contains(chosen);
                // The one that went on before is one of the others from now on.
                if !wish.also.is_empty() && !wish.also.contains(survivor) && named(&wish) {
                    wish.also.push(survivor.clone());
                }
                (self.row, self.column) = (0, 0);
                Some(decided(chosen.clone(), wish))
            }
        }
    }

    /// The tables, in lines as wide as `cells`.
    pub fn lines(&self, ctx: &Ctx, preview: &Preview, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let mut number = 0;
        for table in &preview.merges {
            lines.push(Line::default());
            let differing: Vec<&MergeRow> = table.rows.iter().filter(|row| differs(row)).collect();
            let label = differing.iter().map(|row| width(&row.field)).max().unwrap_or(5).clamp(5, 24);
            // A record's column: tick, its widest value or its head, a blank.
            let mut natural: Vec<usize> = table
                .records
                .iter()
                .enumerate()
                .map(|(place, record)| {
                    let values = differing.iter().filter_map(|row| Some(width(row.values.get(place)?)));
                    let head = width(&record.id) + if place == 0 { 10 } else { 1 };
                    values.max().unwrap_or(0).max(head) + 3
                })
                .collect();
            natural.push(differing.iter().map(|row| width(&row.merged)).max().unwrap_or(0).max(6));
            let widths = fair(&natural, cells.saturating_sub(label + 3));
            let column = |place: usize| widths[place].max(6);
            let mut head = vec![span(left("", label + 2), theme.muted)];
            for (place, record) in table.records.iter().enumerate() {
                // The word gives way to the id.
                let word = match (place, column(place).saturating_sub(width(&record.id) + 3)) {
                    (0, 10..) => " survivor",
                    (0, _) => " ✓",
                    _ => "",
                };
                let id = cut_middle(&record.id, column(place).saturating_sub(width(word) + 4).max(4));
                let used = 3 + width(&id) + width(word);
                head.push(span(format!(" {} ", place + 1), theme.key));
                head.push(span(id, theme.bold));
                head.push(span(
                    format!("{word}{}", " ".repeat(column(place).saturating_sub(used))),
                    theme.ok,
                ));
            }
            head.push(span("MERGED", theme.muted));
            lines.push(Line::from(head));
            for row in &differing {
                let here = number == self.row;
                number += 1;
                let mark = if here { "▌" } else { " " };
                let mut cells = vec![
                    span(mark, theme.key),
                    span(format!("{} ", left(&cut_end(&row.field, label), label)), theme.muted),
                ];
                for (place, value) in row.values.iter().enumerate() {
                    let tick = if row.from == Some(place) { "✓ " } else { "  " };
                    let shown = if value.is_empty() { "—" } else { value };
                    let style = match (here && place == self.column, row.from == Some(place)) {
                        (true, _) => theme.tab,
                        (_, true) => theme.bold,
                        _ => theme.muted,
                    };
                    cells.push(span(tick, theme.ok));
                    let wide = column(place);
                    let shown = cut_end(shown, wide.saturating_sub(3));
                    let blanks = " ".repeat(wide.saturating_sub(2 + width(&shown)));
                    cells.push(span(shown, style));
                    cells.push(span(blanks, theme.text));
                }
                let shown = if row.merged.is_empty() { "—" } else { &row.merged };
                cells.push(span(
                    cut_end(shown, column(table.records.len())),
                    if row.lost { theme.warn } else { theme.text },
                ));
                lines.push(Line::from(cells));
            }
            let equal = table.rows.len() - differing.len();
            if equal > 0 {
                lines.push(Line::from(span(format!("  = {equal} equal, not shown"), theme.muted)));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DuplicateId;
    use crate::domain::record::{ObjectKind, RecordRef, System};

    fn record(id: &str) -> RecordRef {
        RecordRef::new(System::Hubspot, ObjectKind::Contact, id)
    }

    fn shown() -> Preview {
        let row = |field: &str, values: [&str; 2]| MergeRow {
            field: field.into(),
            values: values.map(str::to_owned).to_vec(),
            merged: values[0].into(),
            from: Some(0),
            rule: "the survivor's".into(),
            lost: true,
        };
        let rows =
            vec![row("phone", ["1", "2"]), row("city", ["Bonn", "Bonn"]), row("jobtitle", ["CTO", "VP"])];
        let table = MergeTable { records: vec![record("151"), record("152")], master: String::new(), rows };
        Preview { merges: vec![table], ..Preview::default() }
    }

    #[test]
    fn the_value_under_the_cursor_is_taken_and_given_back() {
        let mut choosing = Choosing::default();
        let mut decision = Decision::merge(DuplicateId(7), record("151"));
        for key in ["Down", "Right"] {
            assert!(matches!(choosing.key(key, &shown(), &decision), Some(Chose::Moved(1))));
        }
        let Some(Chose::Decided(taken)) = choosing.key("Space", &shown(), &decision) else { panic!("taken") };
        let Decision::Merge { wish, .. } = &taken else { panic!("a merge") };
        assert_eq!(wish.take, [Take { field: "jobtitle".into(), record: record("152") }]);
        decision = taken;
        let Some(Chose::Decided(back)) = choosing.key("Space", &shown(), &decision) else {
            panic!("given back")
        };
        assert_eq!(back, Decision::merge(DuplicateId(7), record("151")));
    }

    #[test]
    fn a_digit_chooses_who_goes_on() {
        let decision = Decision::merge(DuplicateId(7), record("151"));
        let chose = Choosing::default().key("2", &shown(), &decision);
        assert_eq!(chose, Some(Chose::Decided(Decision::merge(DuplicateId(7), record("152")))));
        assert_eq!(Choosing::default().key("3", &shown(), &decision), None);
    }
}
