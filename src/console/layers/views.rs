//! The views of a list, ready-made and one's own: open one, keep the present look under a name, rename or delete.
//!
//! A view is a filter, an order and columns; none holds rows.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::input::TextLine;
use super::toast::Tone;
use super::{Layer, Reply, dialog};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::panes::listing::{Change, Shape};
use crate::console::text::{cut_end, left, put, span, width};
use crate::console::views::{self, View};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;

/// At most so long a name.
const LONGEST: usize = 60;

/// What is typed.
#[derive(Debug)]
enum Typing {
    /// The name of a new view.
    Save(TextLine),
    /// The new name of the chosen one.
    Rename(TextLine),
}

/// The picker.
#[derive(Debug)]
pub struct Picker {
    list: String,
    /// How the list is looked at now.
    present: Shape,
    ready: Vec<View>,
    saved: Vec<View>,
    at: usize,
    top: Cell<usize>,
    typing: Option<Typing>,
    /// Pressed once: the second time deletes.
    deleting: bool,
    problem: Option<String>,
    /// Where they are kept, in words.
    place: String,
}

impl Picker {
    /// Of a list, as it is looked at now.
    pub fn new(list: String, present: Shape, ready: Vec<View>, saved: Vec<View>, place: String) -> Self {
        let at = saved
            .iter()
            .chain(&ready)
            .position(|view| view.shape.filter == present.filter && view.shape.sort == present.sort)
            .unwrap_or(0);
        Self {
            list,
            present,
            ready,
            saved,
            at,
            top: Cell::new(0),
            typing: None,
            deleting: false,
            problem: None,
            place,
        }
    }

    /// One's own first.
    fn all(&self) -> impl Iterator<Item = &View> {
        self.saved.iter().chain(&self.ready)
    }

    fn count(&self) -> usize {
        self.saved.len() + self.ready.len()
    }

    fn shift(&mut self, by: i64) {
        let last = self.count().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by).clamp(0, last) as usize;
        self.deleting = false;
        self.problem = None;
    }

    fn open(&self) -> Reply {
        let Some(view) = self.all().nth(self.at) else { return Reply::stay() };
        Reply::then(vec![Effect::List(Change::Open(view.shape.clone()))])
    }

    fn own(&mut self) -> bool {
        let own = self.at < self.saved.len();
        if !own {
            self.problem = Some("This one is ready-made; a saves a view of your own.".to_owned());
        }
        own
    }

    fn save(&mut self, name: &str) -> Reply {
        if self.saved.iter().any(|view| view.name == name) && self.problem.is_none() {
            self.problem = Some("There is one of this name; Enter again replaces it.".to_owned());
            return Reply::stay();
        }
        let view = View { list: self.list.clone(), name: name.to_owned(), shape: self.present.clone() };
        let said = format!("Saved the view {}; V opens it.", cut_end(name, 40));
        Reply::then(vec![Effect::Views(views::Change::Save(view)), Effect::Toast(Tone::Good, said)])
    }

    fn rename(&mut self, name: &str) -> Reply {
        if self.saved.iter().enumerate().any(|(at, view)| at != self.at && view.name == name) {
            self.problem = Some("There is one of this name already.".to_owned());
            return Reply::stay();
        }
        let Some(view) = self.saved.get_mut(self.at) else { return Reply::stay() };
        let from = std::mem::replace(&mut view.name, name.to_owned());
        self.typing = None;
        let change = views::Change::Rename { list: self.list.clone(), from, to: name.to_owned() };
        Reply { effects: vec![Effect::Views(change)], ..Reply::default() }
    }

    fn delete(&mut self) -> Reply {
        if !self.own() {
            return Reply::stay();
        }
        if !std::mem::replace(&mut self.deleting, true) {
            return Reply::stay();
        }
        let view = self.saved.remove(self.at);
        self.shift(0);
        let change = views::Change::Delete { list: self.list.clone(), name: view.name };
        Reply { effects: vec![Effect::Views(change)], ..Reply::default() }
    }

    fn typed(&mut self, key: KeyEvent) -> Reply {
        let Some(Typing::Save(line) | Typing::Rename(line)) = &mut self.typing else { return Reply::stay() };
        match keys::name(key).as_deref() {
            Some("Esc") => {
                self.typing = None;
                self.problem = None;
            }
            Some("Enter") => {
                let name = line.text().trim().to_owned();
                if name.is_empty() || width(&name) > LONGEST {
                    self.problem = Some(format!("A name of at most {LONGEST} letters is wanted."));
                    return Reply::stay();
                }
                return match self.typing {
                    Some(Typing::Rename(_)) => self.rename(&name),
                    _ => self.save(&name),
                };
            }
            _ => {
                if line.key(key) {
                    self.problem = None;
                }
            }
        }
        Reply::stay()
    }
}

impl Layer for Picker {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        if self.typing.is_some() {
            return self.typed(key);
        }
        let name = keys::name(key);
        if name.as_deref() != Some("D") {
            self.deleting = false;
        }
        match name.as_deref() {
            Some("Esc" | "V" | "q") => return Reply::close(),
            Some("Enter") => return self.open(),
            Some("Down" | "j" | "Tab") => self.shift(1),
            Some("Up" | "k" | "Shift-Tab") => self.shift(-1),
            Some("g" | "Home") => self.at = 0,
            Some("G" | "End") => self.shift(i64::from(u16::MAX)),
            Some("a") => {
                self.problem = None;
                self.typing = Some(Typing::Save(TextLine::default()));
            }
            Some("r") if self.own() => {
                let name = self.saved.get(self.at).map_or("", |view| view.name.as_str());
                self.typing = Some(Typing::Rename(TextLine::with(name)));
            }
            Some("D") => return self.delete(),
            _ => {
                if let Some(digit) = keys::digit(key).map(usize::from).filter(|digit| *digit > 0)
                    && digit <= self.count()
                {
                    self.at = digit - 1;
                    return self.open();
                }
            }
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str) -> Reply {
        if let Some(Typing::Save(line) | Typing::Rename(line)) = &mut self.typing {
            line.paste(text);
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }

    fn click(&mut self, at: usize) {
        if self.typing.is_none() {
            self.at = at.min(self.count().saturating_sub(1));
        }
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        if self.typing.is_some() {
            return Some(vec![Hint::new("Enter", "keep"), Hint::new("Esc", "back")]);
        }
        let mut hints = vec![Hint::new("Enter", "open"), Hint::new("a", "save this as")];
        if self.at < self.saved.len() {
            hints.push(Hint::new("r", "rename"));
            hints.push(Hint::new("D", if self.deleting { "again deletes" } else { "delete" }));
        }
        hints.push(Hint::new("Esc", "close"));
        Some(hints)
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let extra = 3 + u16::from(!self.saved.is_empty());
        let place = dialog(ctx, buffer, area, 78, self.count() as u16 + 4 + extra);
        let inner = Panel::new(theme, &format!("Views of {}", self.list), true)
            .bottom_left(Line::from(span(self.place.clone(), theme.muted)))
            .draw(theme, buffer, place);
        if inner.height < 5 {
            return;
        }
        let cells = usize::from(inner.width.saturating_sub(4));
        let height = usize::from(inner.height - 3);
        // Rows and the headings between them, as lines.
        let mut lines: Vec<(Option<usize>, &str)> = Vec::new();
        if !self.saved.is_empty() {
            lines.push((None, "Your own"));
            lines.extend((0..self.saved.len()).map(|at| (Some(at), "")));
        }
        lines.push((None, "Ready-made"));
        lines.extend((self.saved.len()..self.count()).map(|at| (Some(at), "")));
        let chosen = lines.iter().position(|(row, _)| *row == Some(self.at)).unwrap_or(0);
        let top = self.top.get().min(chosen.saturating_sub(1)).max((chosen + 1).saturating_sub(height));
        self.top.set(top);
        let views: Vec<&View> = self.all().collect();
        let names = views.iter().map(|view| width(&view.name)).max().unwrap_or(0).min(cells / 2);
        for (index, (row, heading)) in lines.iter().enumerate().skip(top).take(height) {
            let y = inner.y + (index - top) as u16;
            let Some(at) = *row else {
                put(buffer, inner.x + 2, y, cells as u16, &Line::from(span(*heading, theme.muted)));
                continue;
            };
            let view = views[at];
            let number = if at < 9 { (at + 1).to_string() } else { " ".to_owned() };
            let line = Line::from(vec![
                span(format!("{number} "), theme.key),
                span(left(&view.name, names), theme.text),
                span("  ", theme.text),
                span(cut_end(&told(&view.shape), cells.saturating_sub(names + 4)), theme.muted),
            ]);
            put(buffer, inner.x + 2, y, cells as u16, &line);
            let whole = Rect::new(inner.x, y, inner.width, 1);
            ctx.target(whole, Target::Choice(at));
            if at == self.at {
                mark_selected(theme, buffer, whole, true);
            }
        }
        self.draw_line(ctx, buffer, inner, cells);
    }
}

impl Picker {
    /// The line below the rows: what is typed, or how the list is looked at now.
    fn draw_line(&self, ctx: &Ctx, buffer: &mut Buffer, inner: Rect, cells: usize) {
        let theme = &ctx.theme;
        let y = inner.bottom() - 2;
        let line = match &self.typing {
            Some(Typing::Save(line) | Typing::Rename(line)) => {
                let word = if matches!(self.typing, Some(Typing::Save(_))) { "Save as" } else { "Rename to" };
                let mut spans = vec![span(format!("{word} › "), theme.key)];
                spans.extend(line.spans(ctx, cells.saturating_sub(14)));
                Line::from(spans)
            }
            None if self.deleting => {
                let name = self.saved.get(self.at).map_or("", |view| view.name.as_str());
                Line::from(span(format!("D again deletes {}.", cut_end(name, 40)), theme.warn))
            }
            None => Line::from(vec![
                span("Now   ", theme.muted),
                span(cut_end(&told(&self.present), cells.saturating_sub(6)), theme.text),
            ]),
        };
        put(buffer, inner.x + 2, y, cells as u16, &line);
        if let Some(problem) = &self.problem {
            put(
                buffer,
                inner.x + 2,
                y + 1,
                cells as u16,
                &Line::from(span(cut_end(problem, cells), theme.error)),
            );
        }
    }
}

/// A look in one line: filter, order, number of columns.
fn told(shape: &Shape) -> String {
    let mut parts = Vec::new();
    parts.push(if shape.filter.is_empty() { "no filter".to_owned() } else { shape.filter.clone() });
    if !shape.sort.is_empty() {
        parts.push(format!("sort:{}", shape.sort));
    }
    if !shape.columns.is_empty() {
        parts.push(format!("{} columns", shape.columns.len()));
    }
    parts.join(" · ")
}
