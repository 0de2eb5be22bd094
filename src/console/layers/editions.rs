//! Every version of a recipe or mapping that was in force, newest first, and the lines in which the chosen one differs from
//! the one before. Only shows.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::reading::{draw, scrolls, set, wheel};
use super::trying::signed;
use super::{Layer, Reply};
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Ticket};
use crate::console::panes::recipes::asks::{Ask, Told};
use crate::console::text::{age, counted, span, wrap};
use crate::domain::edition::{Edition, EditionKind};

/// The layer.
#[derive(Debug)]
pub struct Editions {
    kind: EditionKind,
    name: String,
    asked: Option<Ticket>,
    all: Option<Answer<Vec<Edition>>>,
    chosen: usize,
    lines: Option<Answer<Vec<String>>>,
    at: Cell<usize>,
}

impl Editions {
    /// Of a recipe or mapping.
    pub const fn new(kind: EditionKind, name: String) -> Self {
        Self { kind, name, asked: None, all: None, chosen: 0, lines: None, at: Cell::new(0) }
    }

    fn known(&self) -> &[Edition] {
        match &self.all {
            Some(Ok(all)) => all,
            _ => &[],
        }
    }

    fn choose(&mut self, ctx: &Ctx, by: i64) -> Vec<Effect> {
        let last = self.known().len().saturating_sub(1) as i64;
        self.chosen = (self.chosen as i64 + by).clamp(0, last) as usize;
        self.at.set(0);
        let Some(number) = self.known().get(self.chosen).map(|edition| edition.number) else {
            return Vec::new();
        };
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        self.lines = None;
        vec![Effect::Load(ticket, Query::Recipes(Ask::Lines(self.kind, self.name.clone(), number)))]
    }

    fn body(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let said = |text: &str, style| -> Vec<Line<'static>> {
            wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))).collect()
        };
        let all = match &self.all {
            None => return said("Reading the versions…", theme.muted),
            Some(Err(why)) => return said(why, theme.error),
            Some(Ok(all)) if all.is_empty() => {
                let words = "No version is kept yet: they are numbered when a worker takes the rules over \
                             (reknit serve, or the console with tokens).";
                return said(words, theme.text);
            }
            Some(Ok(all)) => all,
        };
        let mut lines = Vec::new();
        for (at, edition) in all.iter().enumerate() {
            let here = at == self.chosen;
            let mark = if here { "▌" } else { " " };
            let since =
                format!("since {} · {} ago", ctx.full(edition.loaded_at), age(ctx.now, edition.loaded_at));
            let force = if at == 0 { "  in force" } else { "" };
            lines.push(Line::from(vec![
                span(format!("{mark} "), theme.key),
                span(format!("version {}", edition.number), if here { theme.bold } else { theme.text }),
                span(format!("  {since}"), theme.muted),
                span(force, theme.ok),
            ]));
        }
        lines.push(Line::default());
        let number = all.get(self.chosen).map_or(1, |edition| edition.number);
        let heading = match number {
            0 | 1 => "The first one, whole".to_owned(),
            number => format!("What {number} changed against {}", number - 1),
        };
        lines.push(Line::from(span(heading, theme.muted)));
        match &self.lines {
            None => lines.extend(said("…", theme.muted)),
            Some(Err(why)) => lines.extend(said(why, theme.error)),
            Some(Ok(text)) => {
                let paragraphs: Vec<_> = text.iter().map(|line| signed(line)).collect();
                lines.extend(set(theme, &paragraphs, cells));
            }
        }
        lines
    }
}

impl Layer for Editions {
    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Recipes(Ask::Editions(self.kind, self.name.clone())))]
    }

    fn loaded(&mut self, ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        match loaded {
            Loaded::Recipes(told) if self.asked == Some(ticket) => {
                self.asked = None;
                match *told {
                    Told::Editions(answer) => {
                        self.all = Some(answer);
                        return Ok(self.choose(ctx, 0));
                    }
                    Told::Lines(_, answer) => self.lines = Some(answer),
                    _ => {}
                }
                Ok(Vec::new())
            }
            loaded => Err(loaded),
        }
    }

    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        let name = keys::name(key);
        let effects = match name.as_deref() {
            Some("Esc" | "Enter" | "q" | "v") => return Reply::close(),
            Some("Left" | "Up" | "k") => self.choose(ctx, -1),
            Some("Right" | "Down" | "j") => self.choose(ctx, 1),
            name => {
                scrolls(&self.at, name);
                Vec::new()
            }
        };
        Reply { effects, ..Reply::default() }
    }

    fn wheel(&mut self, by: i64) {
        wheel(&self.at, by);
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let cells = usize::from(96.min(area.width.saturating_sub(2)).saturating_sub(6));
        let lines = self.body(ctx, cells);
        let right = match &self.all {
            Some(Ok(all)) => counted(all.len() as u64, "version"),
            _ => "…".to_owned(),
        };
        draw(ctx, buffer, area, &format!("Versions of {}", self.name), &right, &lines, &self.at, None);
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("Esc", "close"), Hint::new("↑↓", "version"), Hint::new("PgDn", "scroll")])
    }
}
