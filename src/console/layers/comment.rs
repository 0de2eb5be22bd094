//! A remark on items, of several lines: Enter leaves it, Alt-Enter begins a new line. A paste keeps its lines and never
//! presses a key.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation as _;

use super::bulk::Bulk;
use super::{Layer, Reply, dialog};
use crate::console::bulk::{Deed, Hint as Left};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::panes::Screen;
use crate::console::panes::listing::Chosen;
use crate::console::text::{counted, cut_end, put, span, thousands, width};
use crate::console::widgets::boxes::Panel;
use crate::console::wishes::Wish;
use crate::console::wishes::team::Wish as TeamWish;
use crate::domain::team::{Item, LONGEST_COMMENT};

/// Lines shown at least and at most.
const HEIGHT: (usize, usize) = (4, 12);

/// The dialog.
#[derive(Debug)]
pub struct Comment {
    items: Vec<Item>,
    /// Many rows of a list, most of them never loaded; in the place of the items.
    many: Option<(Screen, Chosen)>,
    /// Grapheme by grapheme; a line's end is one too.
    text: Vec<String>,
    at: usize,
    problem: Option<String>,
}

impl Comment {
    /// On these items.
    pub const fn new(items: Vec<Item>) -> Self {
        Self { items, many: None, text: Vec::new(), at: 0, problem: None }
    }

    /// On many rows of a list: what was said goes on to a bulk, which shows them first.
    pub const fn on_many(screen: Screen, chosen: Chosen) -> Self {
        Self { items: Vec::new(), many: Some((screen, chosen)), text: Vec::new(), at: 0, problem: None }
    }

    fn insert(&mut self, text: &str) {
        let room = LONGEST_COMMENT.saturating_sub(self.text.len());
        let cleaned: String = text
            .replace("\r\n", "\n")
            .chars()
            .map(|letter| match letter {
                '\r' => '\n',
                '\t' => ' ',
                letter => letter,
            })
            .filter(|letter| *letter == '\n' || !letter.is_control())
            .collect();
        let graphemes: Vec<String> = cleaned.graphemes(true).take(room).map(str::to_owned).collect();
        let count = graphemes.len();
        self.text.splice(self.at..self.at, graphemes);
        self.at += count;
        self.problem = (count < cleaned.graphemes(true).count())
            .then(|| format!("A comment has at most {} letters.", thousands(LONGEST_COMMENT as u64)));
    }

    fn line_start(&self) -> usize {
        self.text[..self.at].iter().rposition(|it| it == "\n").map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].iter().position(|it| it == "\n").map_or(self.text.len(), |at| self.at + at)
    }

    fn up(&mut self) {
        let start = self.line_start();
        let column = self.at - start;
        if start > 0 {
            self.at = start - 1;
            let above = self.line_start();
            self.at = (above + column).min(start - 1);
        }
    }

    fn down(&mut self) {
        let (start, end) = (self.line_start(), self.line_end());
        let column = self.at - start;
        if end < self.text.len() {
            self.at = end + 1;
            self.at = (end + 1 + column).min(self.line_end());
        }
    }

    fn delete_word(&mut self) {
        let blank = |it: &String| it.trim().is_empty();
        let mut from = self.at;
        while from > 0 && blank(&self.text[from - 1]) {
            from -= 1;
        }
        while from > 0 && !blank(&self.text[from - 1]) {
            from -= 1;
        }
        self.text.drain(from..self.at);
        self.at = from;
    }

    fn answer(&mut self) -> Reply {
        let text = self.text.concat().trim().to_owned();
        if text.is_empty() {
            self.problem = Some("Nothing is said yet; Esc leaves without a word.".to_owned());
            return Reply::stay();
        }
        if let Some((screen, chosen)) = &self.many {
            let deed = Deed::Hint(*screen, Left::Comment(text));
            return Reply::then(vec![Bulk::open(deed, chosen.clone())]);
        }
        let wish = Wish::Team(TeamWish::Comment(self.items.clone(), text));
        Reply::then(vec![Effect::Do(Box::new(wish))])
    }

    /// The text wrapped to a width, and the row in which the cursor is.
    fn rows(&self, ctx: &Ctx, cells: usize) -> (Vec<Line<'static>>, usize) {
        let theme = &ctx.theme;
        let (mut rows, mut spans, mut used, mut cursor) = (Vec::new(), Vec::new(), 0, 0);
        for at in 0..=self.text.len() {
            let grapheme = self.text.get(at).map_or("\n", String::as_str);
            let ends = grapheme == "\n";
            let shown = if ends { " " } else { grapheme };
            if used + width(shown) > cells && !ends {
                rows.push(Line::from(std::mem::take(&mut spans)));
                used = 0;
            }
            if at == self.at {
                cursor = rows.len();
                spans.push(span(shown.to_owned(), theme.text.add_modifier(Modifier::REVERSED)));
            } else if !ends {
                spans.push(span(shown.to_owned(), theme.text));
            }
            used += width(shown);
            if ends {
                rows.push(Line::from(std::mem::take(&mut spans)));
                used = 0;
            }
        }
        (rows, cursor)
    }
}

impl Layer for Comment {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let other = key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Esc => return Reply::close(),
            KeyCode::Enter if control || other => self.insert("\n"),
            KeyCode::Enter => return self.answer(),
            KeyCode::Char('j' | 'n') if control => self.insert("\n"),
            KeyCode::Char('w') if control => self.delete_word(),
            KeyCode::Char('a') if control => self.at = self.line_start(),
            KeyCode::Char('e') if control => self.at = self.line_end(),
            KeyCode::Char('u') if control => {
                let start = self.line_start();
                self.text.drain(start..self.at);
                self.at = start;
            }
            KeyCode::Char('k') if control => {
                let end = self.line_end();
                self.text.drain(self.at..end);
            }
            KeyCode::Char(letter) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(letter.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace if self.at > 0 => {
                self.at -= 1;
                self.text.remove(self.at);
                self.problem = None;
            }
            KeyCode::Delete if self.at < self.text.len() => {
                self.text.remove(self.at);
            }
            KeyCode::Left => self.at = self.at.saturating_sub(1),
            KeyCode::Right => self.at = (self.at + 1).min(self.text.len()),
            KeyCode::Up => self.up(),
            KeyCode::Down => self.down(),
            KeyCode::Home => self.at = self.line_start(),
            KeyCode::End => self.at = self.line_end(),
            _ => drop(keys::name(key)),
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str) -> Reply {
        self.insert(text);
        Reply::stay()
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![
            Hint::new("Enter", "leave it"),
            Hint::new("Alt-Enter", "new line"),
            Hint::new("Esc", "cancel"),
        ])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 72.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6)).max(4);
        let (rows, cursor) = self.rows(ctx, cells);
        let shown = rows.len().clamp(HEIGHT.0, HEIGHT.1);
        let place = dialog(ctx, buffer, area, wide, shown as u16 + 4);
        let title = match self.items.as_slice() {
            [one] => format!("Comment on {one}"),
            many => format!("Comment on {}", counted(many.len() as u64, "item")),
        };
        let inner = Panel::new(theme, &title, true)
            .right(Line::from(span(
                format!("{} of {}", thousands(self.text.len() as u64), thousands(LONGEST_COMMENT as u64)),
                theme.muted,
            )))
            .draw(theme, buffer, place);
        if inner.height < 2 {
            return;
        }
        let height = usize::from(inner.height - 2).max(1);
        let from = (cursor + 1).saturating_sub(height);
        for (index, row) in rows.iter().skip(from).take(height).enumerate() {
            put(buffer, inner.x + 2, inner.y + index as u16, cells as u16, row);
        }
        let (text, style) = match &self.problem {
            Some(problem) => (problem.as_str(), theme.error),
            None => ("Everybody who opens this journal can read it. It is never changed.", theme.muted),
        };
        let last = inner.bottom() - 1;
        put(buffer, inner.x + 2, last, cells as u16, &Line::from(span(cut_end(text, cells), style)));
    }
}
