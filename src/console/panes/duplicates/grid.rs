//! Records beside each other: a column for each, a tick on the cell that survives, and what comes out. The columns keep
//! their places whoever survives. Only holds and draws.

use std::ops::Range;

use ratatui::text::Line;

use crate::console::ctx::Ctx;
use crate::console::text::{counted, cut_end, cut_middle, fair, left, span, width};
use crate::domain::merge::MergeTable;
use crate::domain::record::{Fields, RecordRef, value_text};
use crate::domain::review::Duplicate;

/// A column is no narrower than this; what does not fit is a step to the side.
const LEAST: usize = 16;
/// Fields of the machinery: last and muted.
const TECHNICAL: usize = 100;

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The vendor's name.
    pub field: String,
    /// What each record holds.
    pub values: Vec<String>,
    /// What comes out.
    pub merged: String,
    /// Whose value that is; none where it comes from several or was typed.
    pub from: Option<usize>,
    /// Why, as a phrase; empty where nothing was planned.
    pub rule: String,
    /// A value of one of the records goes away.
    pub lost: bool,
}

impl Row {
    fn equal(&self) -> bool {
        self.from.is_some() && self.values.iter().all(|value| *value == self.values[0])
    }
}

/// Records and their fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    /// The records, in the order of their columns.
    pub records: Vec<RecordRef>,
    /// Which of them goes on.
    pub survivor: usize,
    /// Why that one; empty where nothing was planned.
    pub master: String,
    /// The fields in which they differ, what a person looks at first.
    pub rows: Vec<Row>,
    /// How many fields are equal, and not among the rows.
    pub equal: usize,
}

impl Grid {
    /// What a merge was planned to make of the records.
    pub(super) fn planned(table: &MergeTable, columns: &[RecordRef]) -> Self {
        let mut records: Vec<RecordRef> =
            columns.iter().filter(|record| table.records.contains(record)).cloned().collect();
        records.extend(table.records.iter().filter(|record| !columns.contains(record)).cloned());
        let places: Vec<usize> = records
            .iter()
            .filter_map(|record| table.records.iter().position(|other| other == record))
            .collect();
        let rows = table
            .rows
            .iter()
            .map(|row| Row {
                field: row.field.clone(),
                values: places.iter().map(|at| row.values.get(*at).cloned().unwrap_or_default()).collect(),
                merged: row.merged.clone(),
                from: row.from.and_then(|from| places.iter().position(|at| *at == from)),
                rule: row.rule.clone(),
                lost: row.lost,
            })
            .collect();
        let survivor = places.iter().position(|at| *at == 0).unwrap_or(0);
        Self::sorted(records, survivor, table.master.clone(), rows)
    }

    /// A pair as the look found it, with what the vendors' usual rule makes of it: the survivor's value, else the other's.
    pub(super) fn found(pair: &Duplicate, survivor: Option<&RecordRef>) -> Self {
        let second = survivor == Some(&pair.right);
        let mut names: Vec<&String> = pair.left_fields.keys().collect();
        names.extend(pair.right_fields.keys().filter(|name| !pair.left_fields.contains_key(*name)));
        let text = |fields: &Fields, name: &str| fields.get(name).map(value_text).unwrap_or_default();
        let rows = names
            .into_iter()
            .map(|name| {
                let values = vec![text(&pair.left_fields, name), text(&pair.right_fields, name)];
                let own = usize::from(second);
                let from = if values[own].is_empty() && !values[1 - own].is_empty() { 1 - own } else { own };
                Row {
                    field: name.clone(),
                    merged: values[from].clone(),
                    from: Some(from),
                    rule: String::new(),
                    lost: values[0] != values[1] && values.iter().all(|value| !value.is_empty()),
                    values,
                }
            })
            .filter(|row| row.values.iter().any(|value| !value.is_empty()))
            .collect();
        Self::sorted(vec![pair.left.clone(), pair.right.clone()], usize::from(second), String::new(), rows)
    }

    fn sorted(records: Vec<RecordRef>, survivor: usize, master: String, rows: Vec<Row>) -> Self {
        let all = rows.len();
        let mut rows: Vec<Row> = rows.into_iter().filter(|row| !row.equal()).collect();
        let equal = all - rows.len();
        rows.sort_by_key(|row| standing(&row.field));
        Self { records, survivor, master, rows, equal }
    }

    /// The lines as wide as `cells`, and which of them are rows. `cursor` is row and column under the cursor.
    pub(super) fn lines(
        &self,
        ctx: &Ctx,
        cells: usize,
        cursor: Option<(usize, usize)>,
    ) -> (Vec<Line<'static>>, Range<usize>) {
        let theme = &ctx.theme;
        let dash = |value: &str| if value.is_empty() { "—".to_owned() } else { value.to_owned() };
        let widest = |values: &mut dyn Iterator<Item = &str>| values.map(width).max().unwrap_or(0);
        let label = self.rows.iter().map(|row| width(&row.field)).max().unwrap_or(5).clamp(5, 26) + 1;
        // A record's column: tick, its widest value or its head, a blank.
        let natural: Vec<usize> = (0..self.records.len())
            .map(|place| {
                let values =
                    widest(&mut self.rows.iter().filter_map(|row| Some(row.values.get(place)?.as_str())));
                let word = if place == self.survivor { " survivor" } else { "" };
                let head = width(&(place + 1).to_string()) + 1 + width(&self.records[place].id) + width(word);
                values.max(head) + 3
            })
            .collect();
        let merged = widest(&mut self.rows.iter().map(|row| row.merged.as_str())).max(6) + 2;
        let shared = |seen: &Range<usize>| {
            let columns: Vec<usize> =
                [label].iter().chain(&natural[seen.clone()]).chain(&[merged]).copied().collect();
            fair(&columns, cells)
        };
        // The columns that are seen: the cursor's is among them.
        let at = cursor.map_or(0, |(_, column)| column);
        let all = self.records.len();
        let window = |fit: usize| {
            let first = (at + 1).saturating_sub(fit).min(all.saturating_sub(fit));
            first..(first + fit).min(all)
        };
        let narrow = |seen: &Range<usize>| shared(seen).iter().max().is_some_and(|widest| *widest < LEAST);
        let mut fit = all.max(1);
        while fit > 1 && narrow(&window(fit)) {
            fit -= 1;
        }
        let seen = window(fit);
        let first = seen.start;
        let widths = shared(&seen);
        let (label, merged) = (widths[0].max(2), widths[widths.len() - 1]);
        let column = |place: usize| widths[1 + place - first].max(6);
        let mut head = vec![span(left(if first > 0 { "‹" } else { "" }, label), theme.muted)];
        for place in seen.clone() {
            let record = &self.records[place];
            let number = (place + 1).to_string();
            let column = column(place);
            let room = column.saturating_sub(3 + width(&number) + width(&record.id));
            // The word gives way to the id, and then the tick alone says it.
            let word = match (place == self.survivor, room) {
                (false, _) => "",
                (true, 9..) => " survivor",
                (true, _) => " ✓",
            };
            let id = cut_middle(&record.id, column.saturating_sub(3 + width(&number) + width(word)).max(4));
            let used = 3 + width(&number) + width(&id) + width(word);
            head.push(span(format!("  {number} "), theme.key));
            head.push(span(id, theme.bold));
            head.push(span(word.to_owned(), theme.ok));
            head.push(span(" ".repeat(column.saturating_sub(used)), theme.text));
        }
        let more = if seen.end < self.records.len() { "› MERGED" } else { "  MERGED" };
        head.push(span(more, theme.muted));
        let mut lines = vec![Line::from(head)];
        for (index, row) in self.rows.iter().enumerate() {
            let technical = standing(&row.field) == TECHNICAL;
            let mut spans = vec![span(left(&cut_end(&row.field, label - 1), label), theme.muted)];
            for place in seen.clone() {
                let value = row.values.get(place).map_or("", String::as_str);
                let wins = row.from == Some(place);
                let tick = if wins { "✓ " } else { "  " };
                let style = match (cursor == Some((index, place)), wins && !technical) {
                    (true, _) => theme.tab,
                    (_, true) => theme.bold,
                    _ => theme.muted,
                };
                let value = dash(value);
                let column = column(place);
                let wide = column.saturating_sub(3);
                let value =
                    if value.contains('@') { cut_middle(&value, wide) } else { cut_end(&value, wide) };
                spans.push(span(tick, theme.ok));
                spans.push(span(value.clone(), style));
                spans.push(span(" ".repeat(column.saturating_sub(2 + width(&value))), theme.text));
            }
            let shown = dash(&row.merged);
            let style = if technical {
                theme.muted
            } else if row.lost {
                theme.warn
            } else {
                theme.text
            };
            let wide = merged.saturating_sub(2);
            let shown = if shown.contains('@') { cut_middle(&shown, wide) } else { cut_end(&shown, wide) };
            spans.push(span(format!("  {shown}"), style));
            lines.push(Line::from(spans));
        }
        let rows = 1..lines.len();
        if self.equal > 0 {
            let words = format!("= {} alike, folded", counted(self.equal as u64, "field"));
            lines.push(Line::from(span(words, theme.muted)));
        }
        if let Some(row) = cursor.and_then(|(row, _)| self.rows.get(row)).filter(|row| !row.rule.is_empty()) {
            let words = format!("{}: {}", row.field, row.rule);
            lines.push(Line::from(span(cut_end(&words, cells), theme.muted)));
        }
        (lines, rows)
    }
}

/// Where a field stands in the comparison: what a person looks at first, then the rest, then ids and stamps.
fn standing(name: &str) -> usize {
    const FIRST: [&str; 20] = [
        "name",
        "firstname",
        "lastname",
        "role",
        "email",
        "hs_additional_emails",
        "phone",
        "mobilephone",
        "company",
        "jobtitle",
        "custom_attributes.job_title",
        "lifecyclestage",
        "custom_attributes.lifecycle_stage",
        "hs_lead_status",
        "custom_attributes.plan",
        "hubspot_owner_id",
        "city",
        "country",
        "createdate",
        "created_at",
    ];
    let machinery = name.starts_with("hs_")
        || name.ends_with("_id")
        || name.ends_with("id")
        || name.ends_with("_at")
        || matches!(name, "id" | "lastmodifieddate" | "email_domain" | "associatedcompanyid");
    FIRST.iter().position(|first| *first == name).unwrap_or(if machinery { TECHNICAL } else { FIRST.len() })
}
