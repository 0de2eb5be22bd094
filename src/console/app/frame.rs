//! The frame around the panes: first row with the screens, last row with the keys, layers and toasts between.
//!
//! Only draws; what is open is decided in `app`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::App;
use crate::console::actions::{Action, Row, TABLE, shown_keys};
use crate::console::ctx::Target;
use crate::console::footer::{self, Hint};
use crate::console::mask;
use crate::console::panes::Screen;
use crate::console::text::{cut_end, put, span, thousands, tint, width, wipe, wrap};
use crate::console::theme;
use crate::console::widgets::boxes::Panel;
use crate::domain::execution::Status;

/// Rows of what a script says: two lines in a box.
const SAID: u16 = 4;

impl App {
    /// Draws everything; the buffer's area is the whole screen.
    pub fn draw(&self, buffer: &mut Buffer) {
        mask::under(self.safety.mask.veil(), buffer, |buffer| self.draw_all(buffer));
    }

    /// Where the console is drawn: all of the screen, or what a script's words at the foot leave of it. They get a place
    /// of their own, so that nothing they speak of lies under them.
    pub const fn stage(&self, screen: Rect) -> Rect {
        if self.said.is_some() && screen.height >= 15 + SAID {
            Rect { height: screen.height - SAID, ..screen }
        } else {
            screen
        }
    }

    fn draw_all(&self, buffer: &mut Buffer) {
        let area = self.stage(buffer.area);
        self.ctx.clear_targets();
        if area.width < 60 || area.height < 15 {
            let text = format!("{}x{} is too small; Reknit needs 60x15. q quits.", area.width, area.height);
            put(buffer, area.x, area.y, area.width, &Line::from(span(text, self.ctx.theme.text)));
        } else {
            self.header(buffer, Rect { height: 1, ..area });
            let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
            self.ctx.hints.clear_place();
            self.shown().draw(&self.ctx, buffer, body);
            self.ctx.hints.draw(&self.ctx, buffer);
            if let (Some(tour), true) = (self.tour, self.layers.is_empty()) {
                tour.draw(&self.ctx, buffer, area);
            }
            mask::before_more_is_laid_over(buffer);
            self.toasts.draw(&self.ctx, buffer, area);
            let last = Rect { y: area.bottom() - 1, height: 1, ..area };
            if !self.layers.is_empty() {
                self.ctx.clear_targets();
            }
            match self.layers.last().map(|layer| layer.hints()) {
                None => self.footer(buffer, last),
                Some(Some(hints)) => footer::draw(&self.ctx, buffer, last, &hints, &[], ""),
                Some(None) => {}
            }
            if let Some(layer) = self.layers.last() {
                if layer.dims() {
                    let behind = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
                    tint(buffer, behind, self.ctx.theme.dimmed);
                }
                layer.draw(&self.ctx, buffer, area);
            }
        }
        if let Some(words) = &self.said {
            self.caption(buffer, buffer.area, words);
        }
        if self.settings.ascii {
            for cell in &mut buffer.content {
                if let Some(plain) = theme::ascii(cell.symbol()) {
                    cell.set_symbol(plain);
                }
            }
        }
    }

    /// What a script says, in a box at the foot; on a screen too low to spare its rows, over what is there.
    fn caption(&self, buffer: &mut Buffer, screen: Rect, words: &str) {
        let theme = &self.ctx.theme;
        let foot =
            Rect { y: screen.bottom().saturating_sub(SAID), height: SAID, ..screen }.intersection(screen);
        wipe(buffer, foot, theme.surface);
        let wide = screen.width.saturating_sub(2).min(120);
        let place = Rect { x: foot.x + (foot.width - wide) / 2, width: wide, ..foot };
        let inner = Panel::new(theme, "Watch", true).draw(theme, buffer, place);
        let lines = wrap(words, usize::from(inner.width.saturating_sub(4)));
        for (row, line) in lines.into_iter().enumerate().take(usize::from(inner.height)) {
            let line = Line::from(span(line, theme.bold));
            put(buffer, inner.x + 2, inner.y + row as u16, inner.width.saturating_sub(3), &line);
        }
    }

    fn open_count(&self, screen: Screen) -> u64 {
        let Some(counts) = &self.counts else { return 0 };
        match screen {
            Screen::Overview | Screen::Recipes | Screen::Health | Screen::Audit | Screen::Log => 0,
            Screen::Executions => counts.of(Status::Failed) + counts.of(Status::InDoubt),
            Screen::Conflicts => counts.conflicts,
            Screen::Duplicates => counts.duplicates,
            Screen::Unlinked => counts.unlinked,
        }
    }

    fn header(&self, buffer: &mut Buffer, row: Rect) {
        let theme = &self.ctx.theme;
        wipe(buffer, row, theme.text);
        let (glyph, style) = match &self.unreachable {
            Some(_) => ("✗", theme.error),
            None => theme.health(self.overview.health()),
        };
        let title = cut_end(&self.title, 16);
        let mut x = row.x + 1;
        put(buffer, x, row.y, 1, &Line::from(span(glyph, style)));
        x += 2;
        let badge = self.mask_badge();
        // Where both do not fit, that data is hidden says more than the name of the workspace.
        if badge.is_none() || row.width >= 140 {
            put(buffer, x, row.y, 16, &Line::from(span(title.clone(), theme.bold)));
            x += width(&title) as u16 + 1;
        }
        if let Some((word, style)) = badge {
            let cells = width(&word) as u16;
            put(buffer, x, row.y, cells, &Line::from(span(word, style)));
            x += cells + 1;
        }
        let words: Vec<(Screen, String, String)> = Screen::ALL
            .into_iter()
            .enumerate()
            .map(|(index, screen)| {
                let count = self.open_count(screen);
                let count = if count > 0 { thousands(count) } else { String::new() };
                (screen, format!("{} {}", index + 1, screen.title()), count)
            })
            .collect();
        let cells = |(_, name, count): &(Screen, String, String)| {
            width(name) + 2 + if count.is_empty() { 0 } else { width(count) + 1 }
        };
        let full: usize = words.iter().map(cells).sum();
        if usize::from(x) + full <= usize::from(row.right()) {
            for word in &words {
                let wide = cells(word) as u16;
                let (screen, name, count) = word;
                let here = *screen == self.screen;
                let [number, rest] = [&name[..1], &name[1..]];
                let plain = if here { theme.tab } else { theme.text };
                let mut spans = vec![
                    span(" ", plain),
                    span(number, if here { theme.tab } else { theme.muted }),
                    span(rest, plain),
                ];
                if !count.is_empty() {
                    spans.push(span(format!(" {count}"), if here { theme.tab } else { theme.warn }));
                }
                spans.push(span(" ", plain));
                put(buffer, x, row.y, wide, &Line::from(spans));
                self.ctx.target(Rect::new(x, row.y, wide, 1), Target::Screen(*screen));
                x += wide;
            }
        } else {
            let mut end = row.right().saturating_sub(1);
            for (index, (screen, name, count)) in words.iter().enumerate().rev() {
                if *screen == self.screen {
                    let gap = if count.is_empty() { "" } else { " " };
                    let text = format!(" {name}{gap}{count} ");
                    let wide = width(&text) as u16;
                    put(buffer, x, row.y, wide, &Line::from(span(text, theme.tab)));
                    continue;
                }
                let number = (index + 1).to_string();
                let dot = if count.is_empty() { "" } else { "·" };
                let wide = (number.len() + width(dot) + width(count)) as u16;
                end = end.saturating_sub(wide);
                let line = Line::from(vec![
                    span(number, theme.muted),
                    span(dot, theme.faint),
                    span(count.clone(), theme.warn),
                ]);
                put(buffer, end, row.y, wide, &line);
                self.ctx.target(Rect::new(end, row.y, wide, 1), Target::Screen(*screen));
                end = end.saturating_sub(2);
            }
        }
    }

    fn footer(&self, buffer: &mut Buffer, row: Rect) {
        let scopes = self.scopes();
        let hint = |row: &'static Row| {
            let key = shown_keys(row).first().cloned().unwrap_or_default();
            Hint { key, word: row.hint.to_owned(), on: self.can(row.action).is_ok() }
        };
        let always_shown = |action| matches!(action, Action::Palette | Action::Help | Action::Quit);
        let mut hints: Vec<Hint> = Vec::new();
        for scope in &scopes {
            let rows = TABLE
                .iter()
                .filter(|row| row.scope == *scope && !row.hint.is_empty() && !always_shown(row.action));
            hints.extend(rows.map(hint));
        }
        let warning = match (&self.unreachable, self.ctx.paused) {
            (Some((since, _)), _) => format!("journal unreadable since {}", self.ctx.clock(*since)),
            (None, true) if self.missed => self.waiting(),
            (None, true) => "paused: p goes on".to_owned(),
            (None, false) if self.read_only => "read-only".to_owned(),
            (None, false) => self.safety_words(),
        };
        let always = [Hint::new(":", "commands"), Hint::new("?", "help")];
        footer::draw(&self.ctx, buffer, row, &hints, &always, &warning);
    }
}
