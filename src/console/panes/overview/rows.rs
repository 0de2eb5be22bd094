//! Rows whose numbers are doors: cells in columns, some of which lead to the rows they count.
//!
//! Columns take their natural width, the one that fills takes the rest, and what is worth least gives way first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::console::ctx::{Ctx, Target};
use crate::console::panes::Screen;
use crate::console::text::{left, put, right, span, width};
use crate::console::widgets::list::mark_selected;

/// A column that fills is not squeezed below this before others give way.
const LEAST: usize = 25;

/// Where a number leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    /// Which screen.
    pub(super) screen: Screen,
    /// Which of its rows; all without.
    pub(super) filter: Option<String>,
}

/// How a cell is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Words,
    Number,
    Fill,
}

/// A piece of a row.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    style: Style,
    tail: Option<(String, Style)>,
    set: Set,
    door: Option<Door>,
    gap: usize,
    drop: u8,
}

impl Cell {
    fn of(set: Set, text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, tail: None, set, door: None, gap: 2, drop: 0 }
    }

    /// Words, left-aligned.
    pub(super) fn words(text: impl Into<String>, style: Style) -> Self {
        Self::of(Set::Words, text, style)
    }

    /// A number, right-aligned.
    pub(super) fn number(text: impl Into<String>, style: Style) -> Self {
        Self::of(Set::Number, text, style)
    }

    /// Words that take what room is left, and are cut.
    pub(super) fn fill(text: impl Into<String>, style: Style) -> Self {
        Self::of(Set::Fill, text, style)
    }

    /// The same, with more in another style right behind it.
    pub(super) fn then(mut self, text: impl Into<String>, style: Style) -> Self {
        self.tail = Some((text.into(), style));
        self
    }

    fn width(&self) -> usize {
        width(&self.text) + self.tail.as_ref().map_or(0, |(text, _)| width(text))
    }

    /// The same, leading somewhere.
    pub(super) fn to(mut self, screen: Screen, filter: impl Into<String>) -> Self {
        self.door = Some(super::door(screen, &filter.into()));
        self
    }

    /// The same, leading there.
    pub(super) fn through(mut self, door: Door) -> Self {
        self.door = Some(door);
        self
    }

    /// The same, that many blanks before the next one.
    pub(super) const fn gap(mut self, gap: usize) -> Self {
        self.gap = gap;
        self
    }

    /// The same, given up when room is short: the highest first.
    pub(super) const fn drop(mut self, drop: u8) -> Self {
        self.drop = drop;
        self
    }
}

/// A line of a box.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Rows of one group share their columns.
    pub(super) group: u8,
    /// From left to right.
    pub(super) cells: Vec<Cell>,
}

impl Row {
    /// Where its numbers lead, from left to right.
    pub(super) fn doors(&self) -> impl Iterator<Item = &Door> {
        self.cells.iter().filter_map(|cell| cell.door.as_ref())
    }
}

/// What is chosen in a box.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The row.
    pub(super) row: usize,
    /// The number in it.
    pub(super) door: usize,
}

/// A box's number with a place in it, as a target of the mouse.
pub(super) const fn target(spot: usize, place: Place) -> Target {
    Target::Row(spot * 1_000_000 + place.row * 100 + place.door)
}

/// The box and the place of a target.
pub(super) const fn place_of(target: usize) -> (usize, Place) {
    (target / 1_000_000, Place { row: target % 1_000_000 / 100, door: target % 100 })
}

/// The widths of a group's columns; none for those that gave way.
fn widths(rows: &[&Row], room: usize) -> Vec<Option<usize>> {
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let at = |column: usize| rows.iter().filter_map(move |row| row.cells.get(column));
    let mut natural: Vec<Option<usize>> =
        (0..columns).map(|column| Some(at(column).map(Cell::width).max().unwrap_or(0))).collect();
    let fills = |column: usize| at(column).any(|cell| cell.set == Set::Fill);
    let gap = |column: usize| at(column).map(|cell| cell.gap).max().unwrap_or(0);
    loop {
        let shown = |column: &usize| natural[*column].is_some_and(|cells| cells > 0 || fills(*column));
        let last = (0..columns).filter(shown).max();
        let fixed: usize = (0..columns)
            .filter(shown)
            .map(|column| {
                let cells = if fills(column) { 0 } else { natural[column].unwrap_or(0) };
                cells + if Some(column) == last { 0 } else { gap(column) }
            })
            .sum();
        let wanted = (0..columns).filter(|column| fills(*column)).filter_map(|column| natural[column]).max();
        let rest = room.saturating_sub(fixed);
        let enough = wanted.is_none_or(|wanted| rest >= wanted.min(LEAST)) && fixed <= room;
        let victim = (0..columns)
            .filter(|column| natural[*column].is_some_and(|cells| cells > 0))
            .map(|column| (at(column).map(|cell| cell.drop).max().unwrap_or(0), column))
            .filter(|(drop, _)| *drop > 0)
            .max();
        match victim {
            Some((_, column)) if !enough => natural[column] = None,
            _ => {
                for (column, cells) in natural.iter_mut().enumerate() {
                    if fills(column) {
                        *cells = cells.map(|_| rest);
                    } else if *cells == Some(0) {
                        *cells = None;
                    }
                }
                return natural;
            }
        }
    }
}

/// Draws rows from the top of an area, those around the chosen one where they are too many, and says where a click on
/// each number leads. Returns how many rows stand above and below what is seen.
pub(super) fn draw(
    ctx: &Ctx,
    buffer: &mut Buffer,
    area: Rect,
    (spot, rows): (usize, &[Row]),
    chosen: Place,
    focused: bool,
) -> (usize, usize) {
    let theme = &ctx.theme;
    let height = usize::from(area.height);
    let room = usize::from(area.width.saturating_sub(3));
    let row_chosen = chosen.row.min(rows.len().saturating_sub(1));
    // An unfocused box shows its beginning.
    let from = if focused { (row_chosen + 1).saturating_sub(height.max(1)) } else { 0 };
    for (index, row) in rows.iter().enumerate().skip(from).take(height) {
        let y = area.y + (index - from) as u16;
        let line = Rect::new(area.x, y, area.width, 1);
        ctx.target(line, target(spot, Place { row: index, door: 0 }));
        let group: Vec<&Row> = rows.iter().filter(|other| other.group == row.group).collect();
        let here = focused && index == row_chosen;
        let many = row.doors().count() > 1;
        let door_chosen = chosen.door.min(row.doors().count().saturating_sub(1));
        let mut x = area.x + 2;
        let mut door = 0;
        let mut spans = Vec::new();
        let widths = widths(&group, room);
        let mut taken = 0;
        for (at, cell) in row.cells.iter().enumerate() {
            let is_door = cell.door.is_some();
            let Some(mut cells) = widths[at].filter(|_| at >= taken) else {
                door += usize::from(is_door);
                continue;
            };
            let mut gap = cell.gap;
            taken = at + 1;
            // Words that fill go on over the columns in which this row has nothing.
            while cell.set == Set::Fill && row.cells.get(taken).is_some_and(|next| next.width() == 0) {
                if let Some(more) = widths[taken] {
                    cells += gap + more;
                    gap = row.cells[taken].gap;
                }
                taken += 1;
            }
            let mut style = cell.style;
            if is_door {
                ctx.target(Rect::new(x, y, cells as u16, 1), target(spot, Place { row: index, door }));
                if here && many && door == door_chosen {
                    style = style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
                }
                door += 1;
            }
            let blanks = cells.saturating_sub(width(&cell.text));
            let shown =
                if cell.set == Set::Number { right(&cell.text, cells) } else { left(&cell.text, cells) };
            if cell.set == Set::Number && blanks > 0 {
                // The line under a chosen number stands under the number alone.
                spans.push(span(" ".repeat(blanks), cell.style));
                spans.push(span(shown.trim_start().to_owned(), style));
            } else if let Some((tail, tail_style)) = &cell.tail {
                spans.push(span(cell.text.clone(), style));
                spans.push(span(tail.clone(), *tail_style));
                spans.push(span(" ".repeat(cells.saturating_sub(cell.width())), cell.style));
            } else {
                let words = shown.trim_end().to_owned();
                let rest = cells.saturating_sub(width(&words));
                spans.push(span(words, style));
                spans.push(span(" ".repeat(rest), cell.style));
            }
            spans.push(span(" ".repeat(gap), Style::new()));
            x += (cells + gap) as u16;
        }
        put(buffer, area.x + 2, y, area.width.saturating_sub(3), &Line::from(spans));
        if index == row_chosen {
            if focused {
                mark_selected(theme, buffer, line, true);
            } else if spot == 0 {
                mark_selected(theme, buffer, line, false);
            }
        }
    }
    (from, rows.len().saturating_sub(from + height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(texts: &[&str]) -> Row {
        let mut cells: Vec<Cell> = texts.iter().map(|text| Cell::words(*text, Style::new())).collect();
        cells[1] = Cell::fill(texts[1], Style::new());
        cells[2] = Cell::words(texts[2], Style::new()).drop(1);
        Row { group: 0, cells }
    }

    #[test]
    fn what_is_worth_least_gives_way_before_the_words_are_squeezed() {
        let (one, two) = (row(&["ab", "a long sentence", "who", "3h"]), row(&["a", "short", "", "12d"]));
        let rows = [&one, &two];
        assert_eq!(widths(&rows, 40), [Some(2), Some(26), Some(3), Some(3)]);
        assert_eq!(widths(&rows, 26), [Some(2), Some(17), None, Some(3)]);
        assert_eq!(widths(&rows, 10), [Some(2), Some(1), None, Some(3)]);
        assert_eq!(widths(&rows, 2), [Some(2), Some(0), None, Some(3)]);
    }

    #[test]
    fn a_target_reads_back() {
        let place = Place { row: 59, door: 3 };
        let Target::Row(number) = target(5, place) else { panic!("a row") };
        assert_eq!(place_of(number), (5, place));
    }
}
