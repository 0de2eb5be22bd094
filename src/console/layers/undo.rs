//! What was done in this session: what can be taken back, what that would do, and why the rest cannot.
//!
//! Takes nothing back itself: Enter asks for the one that is chosen, as `u` does for the last.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Layer, Reply, dialog};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Ticket};
use crate::console::safety::{Ask, Told};
use crate::console::text::{age, cut_end, left, put, right, span, wrap};
use crate::console::undo::Entry;
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::engine::operate::past::Way;

/// Entries whose way back is looked up.
const ASKED: usize = 40;

/// The layer.
#[derive(Debug)]
pub struct UndoList {
    entries: Vec<Entry>,
    ways: Vec<Answer<Way>>,
    asked: Option<Ticket>,
    at: usize,
}

impl UndoList {
    /// Over what was done, newest first.
    pub const fn new(entries: Vec<Entry>) -> Self {
        Self { entries, ways: Vec::new(), asked: None, at: 0 }
    }

    fn shift(&mut self, by: i64) {
        let last = self.entries.len().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by).clamp(0, last) as usize;
    }

    /// A word, and a sentence.
    fn state(&self, index: usize) -> (&'static str, String) {
        if self.entries[index].taken {
            return ("taken back", String::new());
        }
        match self.ways.get(index) {
            None if index >= ASKED => ("", "Enter looks whether it can be taken back.".to_owned()),
            None => ("…", String::new()),
            Some(Ok(Way::Decide(_))) => {
                ("can", "Enter shows the calls that take it back, and asks.".to_owned())
            }
            Some(Ok(Way::AtOnce(what))) => ("can", format!("Enter takes it back at once. {what}")),
            Some(Ok(Way::None(why))) => ("cannot", format!("It cannot be taken back: {why}.")),
            Some(Err(why)) => ("unknown", why.clone()),
        }
    }
}

impl Layer for UndoList {
    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        let asked = self.entries.iter().take(ASKED).map(|entry| entry.done.clone()).collect();
        vec![Effect::Load(ticket, Query::Safety(Ask::Ways(asked)))]
    }

    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        match loaded {
            Loaded::Safety(told) if self.asked == Some(ticket) => {
                if let Told::Ways(ways) = *told {
                    self.ways = ways;
                }
                Ok(Vec::new())
            }
            loaded => Err(loaded),
        }
    }

    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "U" | "q") => return Reply::close(),
            Some("Down" | "j") => self.shift(1),
            Some("Up" | "k") => self.shift(-1),
            Some("PgDn" | "Ctrl-d") => self.shift(10),
            Some("PgUp" | "Ctrl-u") => self.shift(-10),
            Some("g" | "Home") => self.at = 0,
            Some("G" | "End") => self.shift(i64::MAX / 2),
            Some("Enter" | "u") => {
                if let Some(entry) = self.entries.get(self.at).filter(|entry| !entry.taken) {
                    let ask = Ask::Way(entry.number, Box::new(entry.done.clone()));
                    return Reply::then(vec![Effect::Load(ctx.ticket(), Query::Safety(ask))]);
                }
            }
            _ => {}
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }

    fn click(&mut self, at: usize) {
        self.at = at.min(self.entries.len().saturating_sub(1));
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "take back"), Hint::new("Esc", "close")])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let rows = self.entries.len().min(usize::from(area.height.saturating_sub(12))).max(1);
        let place = dialog(ctx, buffer, area, 92, rows as u16 + 6);
        let title = "Done in this session";
        let inner = Panel::new(theme, title, true)
            .right(Line::from(span("newest first", theme.muted)))
            .draw(theme, buffer, place);
        if inner.height < 5 {
            return;
        }
        let cells = usize::from(inner.width.saturating_sub(4));
        let rows = rows.min(usize::from(inner.height.saturating_sub(4)));
        let from = (self.at + 1).saturating_sub(rows);
        for (line, index) in (from..self.entries.len()).take(rows).enumerate() {
            let entry = &self.entries[index];
            let (word, _) = self.state(index);
            let y = inner.y + line as u16;
            let (glyph, style) = match word {
                "can" => ("✓", theme.ok),
                "cannot" => ("–", theme.muted),
                "taken back" => ("×", theme.muted),
                _ => (" ", theme.muted),
            };
            let what = cells.saturating_sub(21);
            let shown = Line::from(vec![
                span(format!("{}  ", right(&age(ctx.now, entry.done.at), 4)), theme.muted),
                span(format!("{glyph} "), style),
                span(left(word, 11), style),
                span(cut_end(&entry.done.what, what), theme.text),
            ]);
            put(buffer, inner.x + 2, y, cells as u16, &shown);
            let whole = Rect::new(inner.x, y, inner.width, 1);
            ctx.target(whole, Target::Choice(index));
            if index == self.at {
                mark_selected(theme, buffer, whole, true);
            }
        }
        let (_, sentence) = self.state(self.at);
        for (line, text) in wrap(&sentence, cells).into_iter().take(3).enumerate() {
            let y = inner.y + rows as u16 + 1 + line as u16;
            if y < inner.bottom() {
                put(buffer, inner.x + 2, y, cells as u16, &Line::from(span(text, theme.text)));
            }
        }
    }
}
