//! The first screen of somebody who has set nothing up: what Reknit is, and three ways on. It opens no journal, reads no
//! secret and does nothing itself: it only answers which way was chosen.

use std::error::Error;
use std::io;

use crossterm::event::{Event as Input, KeyEventKind};
use futures_util::{Stream, StreamExt as _};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::ctx::{Ctx, Target};
use super::footer::{self, Hint};
use super::text::{left, put, span, width, wipe, wrap};
use super::theme::{self, Theme};
use super::widgets::boxes::Panel;
use super::widgets::list::mark_selected;
use super::{Settings, keys};
use crate::domain::clock::Timestamp;

/// A way on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Try it with emulated vendors.
    Demo,
    /// Write a settings file.
    Init,
    /// Look again whether everything is there for one's own accounts.
    Connect,
    /// Leave.
    Leave,
}

/// One thing that one's own accounts need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// It is there.
    pub met: bool,
    /// What.
    pub what: String,
    /// How it comes about; where it is there, from where.
    pub how: String,
}

/// What the screen knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Where the settings file is or would be written.
    pub settings: String,
    /// It is there already.
    pub has_settings: bool,
    /// What one's own accounts need.
    pub needs: Vec<Need>,
    /// What the last choice led to.
    pub said: Option<String>,
}

const WAYS: [(Way, &str, &str); 3] =
    [(Way::Demo, "d", "Demo"), (Way::Init, "i", "Settings file"), (Way::Connect, "c", "Your own accounts")];

/// The screen's state.
#[derive(Debug)]
pub struct FirstRun {
    found: Found,
    at: usize,
    ctx: Ctx,
    ascii: bool,
}

impl FirstRun {
    /// The screen.
    pub fn new(found: Found, settings: &Settings, terminal: theme::Terminal, size: (u16, u16)) -> Self {
        let terminal = theme::Terminal { light: terminal.light || settings.light_ground, ..terminal };
        let theme: Theme = settings.themes.theme(settings.scheme(), terminal);
        // No time is shown here.
        let ctx = Ctx::new(Timestamp(0), theme, TimeZone::UTC, size);
        Self { found, at: 0, ctx, ascii: settings.ascii }
    }

    /// A key, click or new size; the way that was chosen by it.
    pub fn input(&mut self, input: &Input) -> Option<Way> {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => {
                if keys::leaves(*key) {
                    return Some(Way::Leave);
                }
                self.press(&keys::name(*key)?)
            }
            Input::Mouse(mouse)
                if mouse.kind
                    == crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left) =>
            {
                match self.ctx.hit(mouse.column, mouse.row)? {
                    Target::Choice(at) if at == self.at => Some(WAYS[at].0),
                    Target::Choice(at) => {
                        self.at = at;
                        None
                    }
                    Target::Key(key) => self.press(&key),
                    _ => None,
                }
            }
            Input::Resize(columns, rows) => {
                self.ctx.size = (*columns, *rows);
                None
            }
            _ => None,
        }
    }

    fn press(&mut self, key: &str) -> Option<Way> {
        match key {
            "q" => return Some(Way::Leave),
            "Down" | "j" | "Tab" => self.at = (self.at + 1).min(WAYS.len() - 1),
            "Up" | "k" | "Shift-Tab" => self.at = self.at.saturating_sub(1),
            "Enter" => return Some(WAYS[self.at].0),
            key => {
                let at = WAYS.iter().position(|(_, letter, _)| *letter == key)?;
                self.at = at;
                return Some(WAYS[at].0);
            }
        }
        None
    }

    fn about(&self, way: Way) -> String {
        let found = &self.found;
        match way {
            Way::Demo => "Emulated Intercom and HubSpot on this machine, with people, companies and a morning of trouble. \
                          Needs no account and no token, sends nothing anywhere, and leaves nothing behind."
                .to_owned(),
            Way::Init if found.has_settings => {
                format!("{} is there already; every line of it is explained. `reknit init --print` shows the defaults.", found.settings)
            }
            Way::Init => format!(
                "Writes {} with every setting, its default and what it means. Touches nothing else; no secret ever stands in it.",
                found.settings
            ),
            Way::Connect => "Looks for what Intercom and your CRM need, as listed below, and opens the console once all of it is \
                             there. In a new journal recipes only plan and write nothing until you switch them on."
                .to_owned(),
            Way::Leave => String::new(),
        }
    }

    fn lines(&self, cells: usize) -> Vec<(Option<usize>, Line<'static>)> {
        let theme = &self.ctx.theme;
        let mut lines = vec![(None, Line::from(span("Nothing is set up here yet.", theme.bold)))];
        let intro =
            "Reknit keeps Intercom and your CRM in step, and shows what failed, why, and what mends it.";
        lines.extend(wrap(intro, cells).into_iter().map(|line| (None, Line::from(span(line, theme.muted)))));
        for (index, (way, key, name)) in WAYS.into_iter().enumerate() {
            lines.push((None, Line::default()));
            lines.push((
                Some(index),
                Line::from(vec![span(key, theme.key), span(format!("  {name}"), theme.bold)]),
            ));
            lines.extend(
                wrap(&self.about(way), cells.saturating_sub(3))
                    .into_iter()
                    .map(|line| (Some(index), Line::from(span(format!("   {line}"), theme.muted)))),
            );
            if way == Way::Connect {
                // What is needed in one column, how it is got in the next.
                let names = self.found.needs.iter().map(|need| width(&need.what)).max().unwrap_or(0);
                for need in &self.found.needs {
                    let (glyph, style) = if need.met { ("✓", theme.ok) } else { ("○", theme.warn) };
                    let room = cells.saturating_sub(7 + names).max(12);
                    let mut how = wrap(&need.how, room).into_iter();
                    let first = how.next().unwrap_or_default();
                    lines.push((
                        Some(index),
                        Line::from(vec![
                            span(format!("   {glyph} "), style),
                            span(left(&need.what, names), theme.text),
                            span(format!("  {first}"), theme.muted),
                        ]),
                    ));
                    let indent = " ".repeat(7 + names);
                    lines.extend(
                        how.map(|line| {
                            (Some(index), Line::from(span(format!("{indent}{line}"), theme.muted)))
                        }),
                    );
                }
            }
        }
        if let Some(said) = &self.found.said {
            lines.push((None, Line::default()));
            lines
                .extend(wrap(said, cells).into_iter().map(|line| (None, Line::from(span(line, theme.warn)))));
        }
        lines
    }

    /// The screen as it is now.
    pub fn draw(&self, buffer: &mut Buffer) {
        let (area, theme) = (buffer.area, &self.ctx.theme);
        self.ctx.clear_targets();
        wipe(buffer, area, theme.text);
        if area.width < 30 || area.height < 6 {
            put(buffer, area.x, area.y, area.width, &Line::from(span("Too small. q quits.", theme.text)));
            return;
        }
        let wide = 84.min(area.width);
        let cells = usize::from(wide.saturating_sub(6));
        let lines = self.lines(cells);
        let room = area.height - 1;
        let height = (lines.len() as u16 + 2).min(room);
        let place = Rect::new(
            area.x + (area.width - wide) / 2,
            area.y + room.saturating_sub(height) / 3,
            wide,
            height,
        );
        let inner = Panel::new(theme, "Reknit", true)
            .right(Line::from(span(env!("CARGO_PKG_VERSION"), theme.muted)))
            .draw(theme, buffer, place);
        // The chosen way stays in sight on a low terminal.
        let visible = usize::from(inner.height);
        let end = lines.iter().rposition(|(of, _)| *of == Some(self.at)).map_or(0, |at| at + 1);
        let head = lines.iter().position(|(of, _)| *of == Some(self.at)).unwrap_or(0);
        let from = if lines.len() <= visible { 0 } else { end.saturating_sub(visible).min(head) };
        for (index, (of, line)) in lines.iter().skip(from).take(visible).enumerate() {
            let row = Rect::new(inner.x, inner.y + index as u16, inner.width, 1);
            put(buffer, row.x + 2, row.y, cells as u16, line);
            if let Some(way) = of {
                self.ctx.target(row, Target::Choice(*way));
                if *way == self.at {
                    mark_selected(theme, buffer, row, true);
                }
            }
        }
        let last = Rect { y: area.bottom() - 1, height: 1, ..area };
        let mut hints: Vec<Hint> =
            WAYS.iter().map(|(_, key, name)| Hint::new(*key, name.to_lowercase())).collect();
        hints.push(Hint::new("Enter", "go on"));
        footer::draw(&self.ctx, buffer, last, &hints, &[Hint::new("q", "quit")], "");
        if self.ascii {
            for cell in &mut buffer.content {
                if let Some(plain) = theme::ascii(cell.symbol()) {
                    cell.set_symbol(plain);
                }
            }
        }
    }
}

/// Shows the screen until a way is chosen; the end of the input leaves.
pub async fn ask<B>(
    terminal: &mut Terminal<B>,
    input: &mut (impl Stream<Item = io::Result<Input>> + Unpin),
    found: Found,
    settings: &Settings,
) -> anyhow::Result<Way>
where
    B: Backend,
    B::Error: Error + Send + Sync + 'static,
{
    let size = terminal.size()?;
    let environment = theme::Terminal::from_environment();
    let mut screen = FirstRun::new(found, settings, environment, (size.width, size.height));
    let mut signals = super::run::Signals::new()?;
    loop {
        terminal.draw(|frame| {
            let area = frame.area();
            let mut buffer = Buffer::empty(area);
            screen.draw(&mut buffer);
            frame.buffer_mut().merge(&buffer);
        })?;
        tokio::select! {
            () = signals.received() => return Ok(Way::Leave),
            event = input.next() => match event {
                None => return Ok(Way::Leave),
                Some(event) => {
                    if let Some(way) = screen.input(&event?) {
                        return Ok(way);
                    }
                }
            },
        }
    }
}
