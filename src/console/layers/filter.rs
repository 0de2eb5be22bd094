//! The line that filters the list while it is typed; a mistake is explained in the line and changes nothing.
//!
//! Above it stand the keys and values that would go on from here, each with what it means. Older filters come back
//! with the arrows. What there is to complete with comes from the filter language, names from the journal.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Reply;
use super::input::TextLine;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::msg::{Loaded, Ticket};
use crate::console::panes::Screen;
use crate::console::panes::listing;
use crate::console::text::{cut_end, left, put, span, thousands, width, wipe};
use crate::console::views;
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::domain::filter::{Filter, FilterError, Key, Sort};
use crate::journal::pages::Offered;

mod complete;

use complete::Candidate;

/// Rows of the drop list.
const ROWS: usize = 8;

/// The filter line.
#[derive(Debug)]
pub struct FilterLine {
    screen: Screen,
    line: TextLine,
    problem: Option<String>,
    /// The order that the list had when the line was opened.
    sort: Option<Sort>,
    /// How many rows there are without a filter, where that is known.
    whole: Option<u64>,
    /// Older filters, the newest first.
    recent: Vec<String>,
    /// Which of them is shown, and what was typed before it.
    back: Option<(usize, String)>,
    /// The drop list was asked for, though nothing was typed yet.
    open: bool,
    /// The row of the drop list that is chosen.
    at: Option<usize>,
    /// What the journal was asked to complete, and the question under way.
    asked: Option<(Ticket, (Key, String))>,
    /// What it answered.
    held: Option<(Key, Vec<Offered>)>,
}

/// What a filter of a screen may look like.
const fn sample(screen: Screen) -> &'static str {
    match screen {
        Screen::Audit => "words, actor:ana, verb:merge, object:du_4, since:2h, -word",
        Screen::Log => "words, status:4xx, method:post, system:hubspot, since:2h, -word",
        _ => "words, status:failed, error:auth, since:2h, -word",
    }
}

impl FilterLine {
    /// Begins with the present filter of a list.
    pub fn new(
        screen: Screen,
        text: &str,
        sort: Option<Sort>,
        recent: &[String],
        whole: Option<u64>,
    ) -> Self {
        Self {
            screen,
            line: TextLine::selecting(text),
            problem: None,
            sort,
            whole,
            recent: recent.to_vec(),
            back: None,
            open: false,
            at: None,
            asked: None,
            held: None,
        }
    }

    /// Asks for the values of the key that is being typed, when they are others than before.
    fn ask(&mut self, ctx: &Ctx) -> Option<Effect> {
        let list = listing::list_of(self.screen)?;
        let wanted = complete::wanted(list, self.line.text()).filter(|_| !self.line.is_selected())?;
        if self.asked.as_ref().is_some_and(|(_, asked)| *asked == wanted) {
            return None;
        }
        let ticket = ctx.ticket();
        let (key, start) = wanted.clone();
        self.asked = Some((ticket, wanted));
        Some(Effect::Load(ticket, Query::Values { list, key, start }))
    }

    /// Takes the values in that were asked for; an older answer is dropped.
    pub fn loaded(&mut self, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        let Loaded::Values(key, answer) = loaded else { return Err(loaded) };
        // Without them the keys and words still complete: the rows say if the journal cannot be read.
        if let (Some((asked, _)), Ok(values)) = (&self.asked, answer)
            && *asked == ticket
        {
            self.held = Some((key, values));
        }
        Ok(Vec::new())
    }

    fn parse(&self) -> Result<Filter, FilterError> {
        self.parse_text(self.line.text())
    }

    fn parse_text(&self, text: &str) -> Result<Filter, FilterError> {
        match listing::list_of(self.screen) {
            Some(list) => Filter::parse_for(list, text),
            None => Filter::parse(text),
        }
    }

    /// The longest part before the mistake that is a filter; none within quotes, which may hold anything.
    fn sound(&self) -> Option<(&str, Filter)> {
        let mut text = self.line.text();
        if text.matches('"').count() % 2 == 1 {
            return None;
        }
        loop {
            text = text.rfind(char::is_whitespace).map_or("", |at| text[..at].trim());
            match self.parse_text(text) {
                Ok(filter) => return Some((text, filter)),
                Err(_) if text.is_empty() => return None,
                Err(_) => {}
            }
        }
    }

    fn changed(&mut self) -> Reply {
        self.at = None;
        match self.parse() {
            Ok(filter) => {
                self.problem = None;
                let filter = Filter { sort: filter.sort.or(self.sort), ..filter };
                let text = self.line.text().trim().to_owned();
                Reply { filter: Some((text, filter)), ..Reply::default() }
            }
            Err(error) => {
                self.problem = Some(error.to_string());
                // Half a term was looked for as a word meanwhile: what stands before the mistake holds again.
                let filter = self.sound().map(|(text, filter)| {
                    (text.to_owned(), Filter { sort: filter.sort.or(self.sort), ..filter })
                });
                Reply { filter, ..Reply::default() }
            }
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        self.back = None;
        self.changed()
    }

    /// A key: Enter keeps the filter, Esc drops it, Tab completes, the arrows go through what is offered, or back
    /// through older filters; Ctrl-T turns the last term round.
    pub fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        let mut reply = self.pressed(key);
        if !reply.close {
            reply.effects.extend(self.ask(ctx));
        }
        reply
    }

    fn pressed(&mut self, key: KeyEvent) -> Reply {
        let offered = self.offered();
        match keys::name(key).as_deref() {
            Some("Enter") if self.at.is_some() => self.take(&offered),
            Some("Enter") if self.problem.is_none() => self.keep(),
            Some("Enter") => Reply::stay(),
            Some("Esc") if self.at.is_some() || self.open => {
                (self.at, self.open) = (None, false);
                Reply::stay()
            }
            Some("Esc") => {
                let filter = Filter { sort: self.sort, ..Filter::default() };
                Reply { close: true, filter: Some((String::new(), filter)), ..Reply::default() }
            }
            Some("Tab") if offered.is_empty() => {
                self.line.keep();
                self.open = true;
                self.at = (!self.offered().is_empty()).then_some(0);
                Reply::stay()
            }
            Some("Tab") => self.take(&offered),
            Some("Shift-Tab" | "Up") if !offered.is_empty() && self.back.is_none() => {
                let last = offered.len() - 1;
                self.at = Some(self.at.map_or(last, |at| at.checked_sub(1).unwrap_or(last)));
                Reply::stay()
            }
            Some("Down") if !offered.is_empty() && self.back.is_none() => {
                self.at = Some(self.at.map_or(0, |at| (at + 1) % offered.len()));
                Reply::stay()
            }
            Some("Up") => self.older(),
            Some("Down") => self.newer(),
            Some("Ctrl-t") => {
                let turned = complete::turned(self.line.text());
                self.line.set(&turned);
                self.changed()
            }
            _ if self.line.key(key) => {
                self.back = None;
                self.open = false;
                self.changed()
            }
            _ => Reply::stay(),
        }
    }

    /// The filter stays, and is one to come back to.
    fn keep(&self) -> Reply {
        let text = self.line.text().trim();
        let used = views::Change::Used(self.screen, text.to_owned());
        let effects = if text.is_empty() { Vec::new() } else { vec![Effect::Views(used)] };
        Reply::then(effects)
    }

    /// Takes the chosen row of the drop list, or the best.
    fn take(&mut self, offered: &[Candidate]) -> Reply {
        let Some(candidate) = offered.get(self.at.unwrap_or(0)) else { return Reply::stay() };
        self.line.set(&candidate.whole);
        self.open = false;
        self.back = None;
        self.changed()
    }

    fn older(&mut self) -> Reply {
        let at = self.back.as_ref().map_or(0, |(at, _)| at + 1);
        let Some(text) = self.recent.get(at).cloned() else { return Reply::stay() };
        let typed = self.back.take().map_or_else(|| self.line.text().to_owned(), |(_, typed)| typed);
        self.back = Some((at, typed));
        self.line.set(&text);
        self.changed()
    }

    fn newer(&mut self) -> Reply {
        let Some((at, typed)) = self.back.take() else { return Reply::stay() };
        let text = match at.checked_sub(1) {
            Some(newer) => {
                let text = self.recent.get(newer).cloned().unwrap_or_default();
                self.back = Some((newer, typed));
                text
            }
            None => typed,
        };
        self.line.set(&text);
        self.changed()
    }

    /// What would go on from what was typed; nothing while older filters are looked through.
    fn offered(&self) -> Vec<Candidate> {
        if self.back.is_some() || self.line.is_selected() {
            return Vec::new();
        }
        let Some(list) = listing::list_of(self.screen) else { return Vec::new() };
        let wanted = complete::wanted(list, self.line.text()).map(|(key, _)| key);
        let held = self.held.as_ref().filter(|(key, _)| Some(*key) == wanted);
        let held = held.map(|(_, values)| values.as_slice()).unwrap_or_default();
        complete::candidates(list, self.line.text(), self.open, held)
    }

    /// Draws itself over the last row, and the drop list above it.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let y = area.bottom().saturating_sub(1);
        let row = Rect { y, height: 1, ..area };
        wipe(buffer, row, theme.text);
        let cells = usize::from(area.width.saturating_sub(2));
        let mut spans = vec![span("/ ", theme.key)];
        spans.extend(self.line.spans(ctx, cells * 2 / 3));
        let used = 2 + width(self.line.text()) + 3;
        put(buffer, area.x + 1, y, cells as u16, &Line::from(spans));
        let offered = self.offered();
        let (text, style) = match (&self.problem, self.line.text().is_empty()) {
            (Some(problem), _) => (problem.clone(), theme.error),
            (None, true) => {
                (format!("{} · Tab completes · ↑ older filters", sample(self.screen)), theme.muted)
            }
            (None, false) if self.line.is_selected() => {
                (format!("typing replaces it, → edits it · {}", self.found(ctx)), theme.muted)
            }
            (None, false) => (self.found(ctx), theme.muted),
        };
        let text = cut_end(&text, cells.saturating_sub(used));
        let x = area.right().saturating_sub(1 + width(&text) as u16);
        put(buffer, x, y, width(&text) as u16, &Line::from(span(text, style)));
        self.draw_offered(ctx, buffer, area, &offered);
    }

    /// `14 of 1,298`, and the keys.
    fn found(&self, ctx: &Ctx) -> String {
        let keys = "Enter keep  Esc clear";
        let Some((found, least)) = ctx.found.get() else { return keys.to_owned() };
        let more = if least { "+" } else { "" };
        let whole = self
            .whole
            .filter(|whole| *whole >= found)
            .map_or_else(String::new, |whole| format!(" of {}", thousands(whole)));
        format!("{}{more}{whole} · {keys}", thousands(found))
    }

    fn draw_offered(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect, offered: &[Candidate]) {
        let rows = offered.len().min(ROWS).min(usize::from(area.height.saturating_sub(6)));
        if rows == 0 {
            return;
        }
        let theme = &ctx.theme;
        let names = offered.iter().map(|one| width(&one.name)).max().unwrap_or(0).min(32);
        let words = offered.iter().map(|one| width(&one.words)).max().unwrap_or(0);
        let wide = (names + 2 + words + 4).clamp(16, usize::from(area.width.saturating_sub(4))) as u16;
        let typed = width(self.line.text()) as u16;
        let x = (area.x + 2 + typed.saturating_sub(8)).min(area.right().saturating_sub(wide + 1));
        let height = rows as u16 + 2;
        let place = Rect { x, y: area.bottom().saturating_sub(1 + height), width: wide, height };
        wipe(buffer, place, theme.surface);
        let more = offered.len() - rows;
        let more = if more > 0 { format!("{more} more") } else { String::new() };
        let inner = Panel::titled(Line::default(), true)
            .bottom_right(Line::from(span(more, theme.muted)))
            .draw(theme, buffer, place);
        let from = self.at.map_or(0, |at| (at + 1).saturating_sub(rows));
        for (index, one) in offered.iter().enumerate().skip(from).take(rows) {
            let line = Rect::new(inner.x, inner.y + (index - from) as u16, inner.width, 1);
            let room = usize::from(line.width).saturating_sub(names + 3);
            let shown = Line::from(vec![
                span(left(&one.name, names), theme.text),
                span("  ", theme.text),
                span(cut_end(&one.words, room), theme.muted),
            ]);
            put(buffer, line.x + 1, line.y, line.width.saturating_sub(1), &shown);
            ctx.target(line, Target::Choice(index));
            if self.at == Some(index) {
                mark_selected(theme, buffer, line, true);
            }
        }
    }

    /// Chooses a row of the drop list by the mouse.
    pub fn click(&mut self, at: usize) {
        let offered = self.offered();
        if let Some(candidate) = offered.get(at) {
            self.line.set(&candidate.whole);
            self.open = true;
            self.at = None;
        }
    }
}
