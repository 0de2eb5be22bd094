//! Tables: columns at their natural width two blanks apart, dropped by priority when narrow; and scrolled text.

use std::cell::Cell as Slot;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::console::text::{cut_end, cut_middle, cut_path, put, span, tint, width};
use crate::console::theme::Theme;
use crate::domain::filter::Column as By;

/// How a column is cut and set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words: left-aligned, cut at the end.
    Words,
    /// Ids and e-mails: left-aligned, cut in the middle.
    Id,
    /// Paths: left-aligned; what they begin with gives way first, then their middle.
    Path,
    /// Numbers, ages, codes: right-aligned, never cut.
    Number,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its header, in capitals.
    pub title: &'static str,
    /// How it is set.
    pub kind: Kind,
    /// Dropped first when highest; 0 stays.
    pub drop: u8,
    /// Another column is dropped before this one is cut to less.
    pub least: usize,
    /// Its widest.
    pub most: usize,
    /// Its stable name, for views and the chooser; empty for marks and glyphs, which are always shown and first.
    pub name: &'static str,
    /// What it shows, for the chooser.
    pub words: &'static str,
    /// Not shown until the operator chooses it.
    pub hidden: bool,
    /// What `sort:` orders the rows by; none where they cannot be.
    pub sort: Option<By>,
}

impl Column {
    /// A column of nothing, for `..Column::PLAIN`.
    pub const PLAIN: Self = Self::new("", Kind::Words, 0);

    /// A column that always stays, is not in the chooser and cannot be sorted by.
    pub const fn new(title: &'static str, kind: Kind, most: usize) -> Self {
        Self { title, kind, drop: 0, least: LEAST, most, name: "", words: "", hidden: false, sort: None }
    }

    /// The same, in the chooser: its stable name, and what it shows in a few words.
    #[must_use]
    pub const fn named(self, name: &'static str, words: &'static str) -> Self {
        Self { name, words, ..self }
    }

    /// The same, dropped when the list is narrow: the highest first.
    #[must_use]
    pub const fn drops(self, drop: u8) -> Self {
        Self { drop, ..self }
    }

    /// The same, cut to no less than this while there is a column to drop instead.
    #[must_use]
    pub const fn at_least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    /// The same, sorted by this.
    #[must_use]
    pub const fn sorts(self, by: By) -> Self {
        Self { sort: Some(by), ..self }
    }

    /// The same, shown only once it is chosen.
    #[must_use]
    pub const fn hides(self) -> Self {
        Self { hidden: true, ..self }
    }
}

/// A table about to be drawn.
pub struct Table<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// The visible rows: one text and style per column.
    pub rows: Vec<Vec<(String, Style)>>,
    /// Which of the visible rows is selected.
    pub selected: Option<usize>,
    /// The pane has the focus.
    pub focused: bool,
    /// The column the rows are sorted by, and whether downwards: its header shows which.
    pub sorted: Option<(usize, bool)>,
    /// Which of the visible rows are marked; none where the rows show it themselves.
    pub marked: Option<Vec<bool>>,
}

/// A column of words is cut to no less, unless it says otherwise and there is another to drop: most names have room.
const LEAST: usize = 14;
/// Cells before the first column: the selection bar and a blank.
const MARGIN: u16 = 2;

impl Table<'_> {
    /// Draws header and rows; row `n` stands at `area.y + 1 + n`.
    pub fn draw(&self, theme: &Theme, buffer: &mut Buffer, area: Rect) {
        let margin = MARGIN + u16::from(self.marked.is_some());
        let room = usize::from(area.width.saturating_sub(margin + 1));
        let widths = self.widths(room);
        let header: Vec<(String, Style)> = (0..self.columns.len())
            .map(|at| {
                let sorted = self.sorted.is_some_and(|(by, _)| by == at);
                (self.header(at), if sorted { theme.key } else { theme.muted })
            })
            .collect();
        let line = self.line(&header, &widths);
        put(buffer, area.x + margin, area.y, area.width.saturating_sub(margin), &line);
        for (index, row) in self.rows.iter().enumerate() {
            let y = area.y + 1 + index as u16;
            if y >= area.bottom() {
                break;
            }
            put(buffer, area.x + margin, y, area.width.saturating_sub(margin), &self.line(row, &widths));
            if self.marked.as_ref().and_then(|marked| marked.get(index)).copied().unwrap_or_default() {
                put(buffer, area.x + 1, y, 1, &Line::from(span("+", theme.key)));
            }
            if self.selected == Some(index) {
                mark_selected(theme, buffer, Rect::new(area.x, y, area.width, 1), self.focused);
            }
        }
    }

    fn header(&self, at: usize) -> String {
        let title = self.columns[at].title;
        match self.sorted {
            Some((by, true)) if by == at => format!("{title}▼"),
            Some((by, false)) if by == at => format!("{title}▲"),
            _ => title.to_owned(),
        }
    }

    fn line(&self, row: &[(String, Style)], widths: &[Option<usize>]) -> Line<'static> {
        let mut spans = Vec::new();
        let mut glyphs = false;
        for ((column, (text, style)), cells) in self.columns.iter().zip(row).zip(widths) {
            let Some(cells) = *cells else { continue };
            let shown = match column.kind {
                Kind::Id => cut_middle(text, cells),
                Kind::Path => cut_path(text, cells),
                Kind::Words | Kind::Number => cut_end(text, cells),
            };
            let blanks = " ".repeat(cells.saturating_sub(width(&shown)));
            // Blanks are never underlined.
            let blank = style.remove_modifier(Modifier::UNDERLINED);
            if !spans.is_empty() {
                // Mark and state stand together; everything else is two blanks apart.
                spans.push(span(if glyphs && column.most == 1 { " " } else { "  " }, blank));
            }
            glyphs = column.most == 1;
            let style = if shown.trim_start().is_empty() { &blank } else { style };
            if column.kind == Kind::Number {
                spans.push(span(blanks, blank));
                spans.push(span(shown, *style));
            } else {
                spans.push(span(shown, *style));
                spans.push(span(blanks, blank));
            }
        }
        Line::from(spans)
    }

    /// Natural widths, narrowed to fit; columns are dropped, by priority, rather than narrowed beyond sense.
    fn widths(&self, room: usize) -> Vec<Option<usize>> {
        let mut natural: Vec<Option<usize>> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let widest = self.rows.iter().map(|row| row.get(at).map_or(0, |cell| width(&cell.0))).max();
                let plain = widest.unwrap_or(0).max(width(column.title)).min(column.most);
                // The arrow of the sorted column is never cut.
                let sorted = self.sorted.is_some_and(|(by, _)| by == at);
                Some(if sorted { plain.max(width(column.title) + 1) } else { plain })
            })
            .collect();
        loop {
            let dropped = (0..natural.len())
                .filter(|at| natural[*at].is_some() && self.columns[*at].drop > 0)
                .max_by_key(|at| self.columns[*at].drop);
            let (fits, widths) = self.narrowed(natural.clone(), room, dropped.is_some());
            match dropped {
                Some(at) if !fits => natural[at] = None,
                _ => return widths,
            }
        }
    }

    /// Takes a cell at a time from the widest column of words, down to the least it wants to be: first the gentle one,
    /// and where nothing can be dropped any more, down to a few letters.
    fn narrowed(
        &self,
        mut widths: Vec<Option<usize>>,
        room: usize,
        gentle: bool,
    ) -> (bool, Vec<Option<usize>>) {
        let least = |at: usize| if gentle { self.columns[at].least } else { 6 };
        loop {
            let shown = widths.iter().flatten().count();
            let used: usize = widths.iter().flatten().sum::<usize>() + 2 * shown.saturating_sub(1);
            if used <= room {
                return (true, widths);
            }
            let widest = (0..widths.len())
                .filter(|at| {
                    self.columns[*at].kind != Kind::Number
                        && widths[*at].is_some_and(|cells| cells > least(*at))
                })
                .max_by_key(|at| widths[*at]);
            match widest {
                Some(at) => widths[at] = widths[at].map(|cells| cells - 1),
                None => return (false, widths),
            }
        }
    }
}

/// The selection: a bar at the left, and the ground of the whole row when its pane has the focus.
pub fn mark_selected(theme: &Theme, buffer: &mut Buffer, row: Rect, focused: bool) {
    if focused {
        tint(buffer, row, theme.selection);
    }
    for y in row.top()..row.bottom() {
        let key = theme.key.remove_modifier(Modifier::UNDERLINED);
        let bar = if focused { key.patch(theme.selection) } else { theme.accent };
        put(buffer, row.x, y, 1, &Line::from(span("▌", bar)));
    }
}

/// How many of `count` lines lie below the `height` that are visible from a scroll position.
pub fn hidden(count: usize, height: u16, scroll: &Slot<usize>) -> usize {
    let most = count.saturating_sub(usize::from(height));
    most - scroll.get().min(most)
}

/// Draws lines from a scroll position, which is drawn back to what exists.
pub fn scrolled(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], scroll: &Slot<usize>) {
    let height = usize::from(area.height);
    let from = scroll.get().min(lines.len().saturating_sub(height));
    scroll.set(from);
    for (index, line) in lines.iter().skip(from).take(height).enumerate() {
        put(buffer, area.x, area.y + index as u16, area.width, line);
    }
}
