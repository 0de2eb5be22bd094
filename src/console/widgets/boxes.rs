//! Rounded thin boxes with words set in their borders; the focused one is the accent's, or heavy without colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::console::text::{cut_end, put, span, tint};
use crate::console::theme::Theme;

/// A box about to be drawn.
#[derive(Debug, Default)]
pub struct Panel {
    title: Line<'static>,
    right: Line<'static>,
    bottom_left: Line<'static>,
    bottom_right: Line<'static>,
    focused: bool,
}

impl Panel {
    /// A box with a plain title; bold, and in the accent when focused.
    pub fn new(theme: &Theme, title: &str, focused: bool) -> Self {
        let style = if focused { theme.key } else { theme.bold };
        Self { title: Line::from(span(title, style)), focused, ..Self::default() }
    }

    /// A box with a title of several words of their own style.
    pub fn titled(title: Line<'static>, focused: bool) -> Self {
        Self { title, focused, ..Self::default() }
    }

    /// Words at the right of the top border: a count or a state.
    #[must_use]
    pub fn right(mut self, line: impl Into<Line<'static>>) -> Self {
        self.right = line.into();
        self
    }

    /// Words at the left of the bottom border: filter and order.
    #[must_use]
    pub fn bottom_left(mut self, line: impl Into<Line<'static>>) -> Self {
        self.bottom_left = line.into();
        self
    }

    /// Words at the right of the bottom border: position or marks.
    #[must_use]
    pub fn bottom_right(mut self, line: impl Into<Line<'static>>) -> Self {
        self.bottom_right = line.into();
        self
    }

    /// Draws the border and returns what is inside.
    pub fn draw(self, theme: &Theme, buffer: &mut Buffer, area: Rect) -> Rect {
        let area = area.intersection(buffer.area);
        if area.width < 4 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let heavy = self.focused && theme.heavy;
        let [top_left, top_right, bottom_left, bottom_right, across, down] = if heavy {
            ["┏", "┓", "┗", "┛", "━", "┃"]
        } else {
            ["╭", "╮", "╰", "╯", "─", "│"]
        };
        let style = if self.focused { theme.accent } else { theme.faint };
        let (last_x, last_y) = (area.right() - 1, area.bottom() - 1);
        for x in area.left()..area.right() {
            buffer[(x, area.y)].set_symbol(across).set_style(style);
            buffer[(x, last_y)].set_symbol(across).set_style(style);
        }
        for y in area.top()..area.bottom() {
            buffer[(area.x, y)].set_symbol(down).set_style(style);
            buffer[(last_x, y)].set_symbol(down).set_style(style);
        }
        for (x, y, symbol) in [
            (area.x, area.y, top_left),
            (last_x, area.y, top_right),
            (area.x, last_y, bottom_left),
            (last_x, last_y, bottom_right),
        ] {
            buffer[(x, y)].set_symbol(symbol);
        }
        border_words(theme, buffer, area, area.y, &self.title, &self.right);
        border_words(theme, buffer, area, last_y, &self.bottom_left, &self.bottom_right);
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }
}

/// What is left of a title that gives way.
const TITLE: u16 = 12;

/// Sets words into a border with a blank around them. Where both do not fit, a plain title is cut, since a count or the
/// age of what is shown says more than its end; what stands right gives way to everything else.
fn border_words(theme: &Theme, buffer: &mut Buffer, area: Rect, y: u16, left: &Line<'_>, right: &Line<'_>) {
    // Words take nothing from the border's own look, which may be bold, faint or the accent.
    let plain = Style::new().fg(theme.text.fg.unwrap_or(Color::Reset)).remove_modifier(Modifier::all());
    let mut set = |x: u16, cells: u16, line: &Line<'_>| {
        tint(buffer, Rect::new(x - 1, y, cells + 2, 1), plain);
        put(buffer, x - 1, y, 1, &Line::raw(" "));
        put(buffer, x, y, cells, line);
        put(buffer, x + cells, y, 1, &Line::raw(" "));
    };
    let room = area.width.saturating_sub(6);
    let beside = room.saturating_sub(right.width() as u16 + 3);
    let cut = match left.spans.as_slice() {
        [title] if right.width() > 0 && left.width() as u16 > beside && beside >= TITLE => {
            Some(Line::from(span(cut_end(&title.content, usize::from(beside)), title.style)))
        }
        _ => None,
    };
    let left = cut.as_ref().unwrap_or(left);
    let left_width = (left.width() as u16).min(room);
    if left_width > 0 {
        set(area.x + 3, left_width, left);
    }
    let right_width = right.width() as u16;
    let used = if left_width > 0 { left_width + 3 } else { 0 };
    if right_width > 0 && used + right_width <= room {
        set(area.right() - 3 - right_width, right_width, right);
    }
}
