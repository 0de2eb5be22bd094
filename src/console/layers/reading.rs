//! Lines to read in the middle of the screen, and, where something is to be decided about them, the question below: what a
//! field is decided by, what is wrong with a recipe, what taking a vendor's change means. Cancel has the focus; only a
//! capital `Y` says yes.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{Layer, Reply, dialog};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::text::{cut_end, put, span, width, wrap};
use crate::console::theme::Theme;
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, scrolled};
use crate::console::wishes::Wish;

/// How a paragraph is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The thing itself.
    Bold,
    /// Facts.
    Plain,
    /// What stands beside.
    Muted,
    /// Something to look at.
    Warning,
    /// Something refused.
    Bad,
    /// Something that is well, or came.
    Good,
}

impl Weight {
    /// Its style.
    pub const fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Bold => theme.bold,
            Self::Plain => theme.text,
            Self::Muted => theme.muted,
            Self::Warning => theme.warn,
            Self::Bad => theme.error,
            Self::Good => theme.ok,
        }
    }
}

/// A paragraph; one with a label has it in a column of its own at the left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// At the left; empty = none.
    pub label: String,
    /// The text.
    pub text: String,
    /// How it is set.
    pub weight: Weight,
}

impl Paragraph {
    /// Without a label.
    pub fn new(weight: Weight, text: impl Into<String>) -> Self {
        Self { label: String::new(), text: text.into(), weight }
    }

    /// With a label.
    pub fn labelled(label: &str, weight: Weight, text: impl Into<String>) -> Self {
        Self { label: label.to_owned(), text: text.into(), weight }
    }

    /// An empty line.
    pub fn gap() -> Self {
        Self::new(Weight::Plain, "")
    }
}

/// Sets paragraphs into lines of so many cells; labels share one column.
pub fn set(theme: &Theme, paragraphs: &[Paragraph], cells: usize) -> Vec<Line<'static>> {
    let label = paragraphs.iter().map(|it| width(&it.label)).max().unwrap_or(0);
    let indent = if label == 0 { 0 } else { label + 2 };
    let mut lines = Vec::new();
    for one in paragraphs {
        let style = one.weight.style(theme);
        let beside = if one.label.is_empty() { 0 } else { indent };
        let rows = wrap(&one.text, cells.saturating_sub(beside).max(8));
        if rows.is_empty() {
            lines.push(Line::default());
        }
        for (index, row) in rows.into_iter().enumerate() {
            let name = if index == 0 { one.label.as_str() } else { "" };
            let blanks = " ".repeat(beside.saturating_sub(width(name)));
            lines.push(Line::from(vec![span(format!("{name}{blanks}"), theme.muted), span(row, style)]));
        }
    }
    lines
}

/// The layer.
#[derive(Debug)]
pub struct Reading {
    title: String,
    paragraphs: Vec<Paragraph>,
    /// The word for yes, and what it sets off.
    question: Option<(&'static str, Wish)>,
    at: Cell<usize>,
}

impl Reading {
    /// Something to read.
    pub const fn new(title: String, paragraphs: Vec<Paragraph>) -> Self {
        Self { title, paragraphs, question: None, at: Cell::new(0) }
    }

    /// Something to decide: a capital `Y` sets the wish off.
    #[must_use]
    pub fn asking(mut self, verb: &'static str, wish: Wish) -> Self {
        self.question = Some((verb, wish));
        self
    }
}

/// Moves a scroll position by a key of reading; false when it is none.
pub fn scrolls(at: &Cell<usize>, name: Option<&str>) -> bool {
    let by = match name {
        Some("Down" | "j") => 1,
        Some("Up" | "k") => -1,
        Some("PgDn" | "Ctrl-d" | "Space") => 10,
        Some("PgUp" | "Ctrl-u") => -10,
        Some("g" | "Home") => i64::from(i32::MIN),
        Some("G" | "End") => i64::from(i32::MAX),
        _ => return false,
    };
    wheel(at, by);
    true
}

/// Moves a scroll position by lines.
pub fn wheel(at: &Cell<usize>, by: i64) {
    at.set((at.get() as i64).saturating_add(by).max(0) as usize);
}

/// Draws a dialog around lines, with the buttons of a question when there is one; `Y` is only there when it can be said.
#[expect(
    clippy::too_many_arguments,
    reason = "what is drawn and where, each once; called from three dialogs"
)]
pub fn draw(
    ctx: &Ctx,
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    right: &str,
    lines: &[Line<'static>],
    at: &Cell<usize>,
    verb: Option<Option<&str>>,
) {
    let theme = &ctx.theme;
    let wide = 96.min(area.width.saturating_sub(2));
    let cells = usize::from(wide.saturating_sub(6));
    let foot = if verb.is_some() { 2 } else { 0 };
    let place = dialog(ctx, buffer, area, wide, (lines.len() as u16).saturating_add(2 + foot));
    let hidden = hidden(lines.len(), place.height.saturating_sub(2 + foot), at);
    let more = match hidden {
        0 => Line::default(),
        hidden => Line::from(span(format!("↓ {hidden} more lines"), theme.muted)),
    };
    let inner = Panel::new(theme, &cut_end(title, cells), true)
        .right(Line::from(span(right.to_owned(), theme.muted)))
        .bottom_right(more)
        .draw(theme, buffer, place);
    if inner.height <= foot {
        return;
    }
    let body =
        Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), height: inner.height - foot, ..inner };
    scrolled(buffer, body, lines, at);
    if let Some(verb) = verb {
        buttons(ctx, buffer, inner, verb);
    }
}

fn buttons(ctx: &Ctx, buffer: &mut Buffer, inner: Rect, verb: Option<&str>) {
    let theme = &ctx.theme;
    let y = inner.bottom() - 1;
    let cancel = " Esc Cancel ";
    let yes = verb.map_or_else(String::new, |verb| format!("Y {verb}"));
    let yes_x = inner.right().saturating_sub(3 + width(&yes) as u16);
    let cancel_x = yes_x.saturating_sub(3 + width(cancel) as u16);
    put(buffer, cancel_x, y, width(cancel) as u16, &Line::from(span(cancel, theme.tab)));
    ctx.target_key(Rect::new(cancel_x, y, width(cancel) as u16, 1), "Esc");
    if let Some(verb) = verb {
        let line = Line::from(vec![span("Y", theme.key), span(format!(" {verb}"), theme.bold)]);
        put(buffer, yes_x, y, width(&yes) as u16, &line);
        ctx.target_key(Rect::new(yes_x, y, width(&yes) as u16, 1), "Y");
    }
}

impl Layer for Reading {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        let name = keys::name(key);
        match name.as_deref() {
            Some("Esc" | "Enter" | "q") => return Reply::close(),
            Some("Y") => {
                if let Some((_, wish)) = &self.question {
                    return Reply::then(vec![Effect::Do(Box::new(wish.clone()))]);
                }
            }
            name => {
                scrolls(&self.at, name);
            }
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        wheel(&self.at, by);
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let cells = usize::from(96.min(area.width.saturating_sub(2)).saturating_sub(6));
        let lines = set(&ctx.theme, &self.paragraphs, cells);
        let verb = self.question.as_ref().map(|(verb, _)| Some(*verb));
        draw(ctx, buffer, area, &self.title, "", &lines, &self.at, verb);
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        let mut hints = vec![match self.question {
            Some(_) => Hint::new("Esc", "cancel"),
            None => Hint::new("Esc", "close"),
        }];
        if let Some((verb, _)) = &self.question {
            hints.push(Hint::new("Y", verb.to_lowercase()));
        }
        hints.push(Hint::new("↑↓", "scroll"));
        Some(hints)
    }
}
