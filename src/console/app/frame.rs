//! The frame around the panes: first row with the screens, last row with the keys, layers and toasts between.
//!
//! Only draws; what is open is decided in `app`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::text::Line;

use super::App;
use crate::console::actions::{Action, Row, TABLE, shown_keys};
use crate::console::ctx::Target;
use crate::console::footer::{self, Hint};
use crate::console::mask;
use crate::console::panes::{Screen, listing};
use crate::console::text::{cut_end, put, span, thousands, tint, width, wipe, wrap};
use crate::console::theme;
use crate::console::widgets::boxes::Panel;
use crate::domain::execution::Status;

/// Rows of what a script says: two lines in a box.
const SAID: u16 = 4;

/// How much of the screens' names the first row has room for.
#[derive(Debug, Clone, Copy)]
enum Words {
    Whole,
    Short,
    Shorter,
    None,
}

impl Words {
    const ALL: [Self; 4] = [Self::Whole, Self::Short, Self::Shorter, Self::None];

    const fn of(self, screen: Screen) -> &'static str {
        match (self, screen) {
            (Self::None, _) => "",
            (Self::Short, Screen::Executions) => "Execs",
            (Self::Short, Screen::Conflicts) => "Confl",
            (Self::Short, Screen::Duplicates) => "Dupl",
            (Self::Short, Screen::Unlinked) => "Unlink",
            (Self::Shorter, Screen::Overview) => "Over",
            (Self::Shorter, Screen::Executions) => "Exec",
            (Self::Shorter, Screen::Conflicts) => "Conf",
            (Self::Shorter, Screen::Duplicates) => "Dup",
            (Self::Shorter, Screen::Unlinked) => "Unl",
            (Self::Shorter, Screen::Recipes) => "Rec",
            (_, screen) => screen.title(),
        }
    }
}

/// A screen's place in the first row.
struct Tab {
    screen: Screen,
    number: usize,
    word: &'static str,
    count: String,
}

impl Tab {
    /// Blank, digit, word, count, blank; a bare digit's count follows its dot.
    fn cells(&self) -> usize {
        let word = if self.word.is_empty() { 0 } else { width(self.word) + 1 };
        let count = if self.count.is_empty() { 0 } else { width(&self.count) + 1 };
        3 + word + count
    }
}

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

    /// Nothing of use fits, so that nothing but the size is said.
    pub(super) const fn too_small(&self) -> bool {
        let (columns, rows) = self.ctx.size;
        columns < 60 || rows < 15
    }

    fn draw_all(&self, buffer: &mut Buffer) {
        let area = self.stage(buffer.area);
        self.ctx.clear_targets();
        if self.too_small() {
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
        if let Some(ground) = self.ctx.theme.ground {
            for cell in &mut buffer.content {
                if cell.bg == Color::Reset {
                    cell.bg = ground;
                }
            }
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
        put(buffer, row.x + 1, row.y, 1, &Line::from(span(glyph, style)));
        let badge = self.mask_badge();
        let before = |titled: bool| {
            let title = if titled { width(&title) + 1 } else { 0 };
            3 + title + badge.as_ref().map_or(0, |(word, _)| width(word) + 1)
        };
        let room = usize::from(row.width);
        // The fullest words that fit; before the name of the workspace is given up, they are the barest.
        let forms = [true, false].into_iter().flat_map(|titled| Words::ALL.map(|words| (titled, words)));
        let (titled, words) = forms
            .into_iter()
            .find(|(titled, words)| {
                before(*titled) + self.tabs(*words).iter().map(Tab::cells).sum::<usize>() <= room
            })
            .unwrap_or((false, Words::None));
        let mut x = row.x + 3;
        if titled {
            put(buffer, x, row.y, 16, &Line::from(span(title.clone(), theme.bold)));
            x += width(&title) as u16 + 1;
        }
        if let Some((word, style)) = badge {
            let cells = width(&word) as u16;
            put(buffer, x, row.y, cells, &Line::from(span(word, style)));
            x += cells + 1;
        }
        let tabs = self.tabs(words);
        // Bare numbers stand at the right, out of the way of the one word that is left.
        let mut gap = match words {
            Words::None => {
                room.saturating_sub(usize::from(x - row.x) + tabs.iter().map(Tab::cells).sum::<usize>())
            }
            _ => 0,
        } as u16;
        let (here, others): (Vec<Tab>, Vec<Tab>) = match words {
            Words::None => tabs.into_iter().partition(|tab| tab.screen == self.screen),
            _ => (Vec::new(), tabs),
        };
        for tab in here.into_iter().chain(others) {
            let wide = tab.cells() as u16;
            let here = tab.screen == self.screen;
            let of = |style| if here { theme.tab } else { style };
            let dot = if tab.word.is_empty() && !tab.count.is_empty() { "·" } else { "" };
            let word = if tab.word.is_empty() { String::new() } else { format!(" {}", tab.word) };
            let mut spans = vec![
                span(" ", of(theme.text)),
                span(tab.number.to_string(), of(theme.muted)),
                span(word, of(theme.text)),
                span(dot, of(theme.muted)),
            ];
            if !tab.count.is_empty() {
                let blank = if dot.is_empty() { " " } else { "" };
                spans.push(span(format!("{blank}{}", tab.count), of(theme.warn)));
            }
            spans.push(span(" ", of(theme.text)));
            put(buffer, x, row.y, wide, &Line::from(spans));
            self.ctx.target(Rect::new(x, row.y, wide, 1), Target::Screen(tab.screen));
            x += wide + std::mem::take(&mut gap);
        }
    }

    /// The screens as the first row names them; the one that is shown keeps its whole name.
    fn tabs(&self, words: Words) -> Vec<Tab> {
        let named = |(index, screen): (usize, Screen)| {
            let count = self.open_count(screen);
            let count = if count > 0 { thousands(count) } else { String::new() };
            let word = if screen == self.screen { screen.title() } else { words.of(screen) };
            Tab { screen, number: index + 1, word, count }
        };
        Screen::ALL.into_iter().enumerate().map(named).collect()
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
                .filter(|row| row.scope == *scope && !row.hint.is_empty() && !always_shown(row.action))
                // Rows that are never marked or sorted need no word about it.
                .filter(|row| self.shown().list().is_some() || !listing::concerns(row.action));
            for hint in rows.map(hint) {
                // A screen's own key comes before the one of every list.
                if !hints.iter().any(|other| other.key == hint.key) {
                    hints.push(hint);
                }
            }
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
