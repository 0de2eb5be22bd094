//! Who is to look at items: names that were seen, one to choose or a new one to type. Assigning tells nobody outside.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::bulk::Bulk;
use super::input::TextLine;
use super::{Layer, Reply, dialog};
use crate::console::bulk::{Deed, Hint as Left};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::hints::{Ask, Told};
use crate::console::keys;
use crate::console::msg::{Loaded, Ticket};
use crate::console::panes::Screen;
use crate::console::panes::listing::Chosen;
use crate::console::text::{counted, cut_end, put, span};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::mark_selected;
use crate::console::wishes::Wish;
use crate::console::wishes::team::Wish as TeamWish;
use crate::domain::team::{self, Item};

/// Names shown at once.
const SHOWN: usize = 8;

/// The dialog.
#[derive(Debug)]
pub struct Assign {
    items: Vec<Item>,
    /// Many rows of a list, most of them never loaded; in the place of the items.
    many: Option<(Screen, Chosen)>,
    me: String,
    now: Option<String>,
    names: Vec<String>,
    line: TextLine,
    at: usize,
    asked: Option<Ticket>,
    problem: Option<String>,
}

/// What a row of the list stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    Somebody(String),
    Nobody,
}

impl Assign {
    /// For these items; `now` is who they are assigned to, where that is one and the same.
    pub fn new(items: Vec<Item>, me: &str, now: Option<String>) -> Self {
        Self {
            items,
            many: None,
            me: me.to_owned(),
            now,
            names: vec![me.to_owned()],
            line: TextLine::default(),
            at: 0,
            asked: None,
            problem: None,
        }
    }

    /// For many rows of a list: who it is goes on to a bulk, which shows them first.
    pub fn of_many(screen: Screen, chosen: Chosen, me: &str) -> Self {
        Self { many: Some((screen, chosen)), ..Self::new(Vec::new(), me, None) }
    }

    /// Oneself, then the others whose names hold what was typed, then the typed name itself, then nobody.
    fn offered(&self) -> Vec<To> {
        let typed = self.line.text().trim().to_lowercase();
        let mut names: Vec<&String> =
            self.names.iter().filter(|name| name.to_lowercase().contains(&typed)).collect();
        names.sort_by_key(|name| (**name != self.me, !name.to_lowercase().starts_with(&typed)));
        let mut offered: Vec<To> = names.into_iter().map(|name| To::Somebody(name.clone())).collect();
        if let Some(new) = team::name(self.line.text())
            && !self.names.contains(&new)
        {
            offered.push(To::Somebody(new));
        }
        if typed.is_empty() && (self.now.is_some() || self.many.is_some()) {
            offered.push(To::Nobody);
        }
        offered
    }

    fn shift(&mut self, by: i64) {
        let last = self.offered().len().saturating_sub(1) as i64;
        self.at = (self.at as i64 + by).clamp(0, last) as usize;
    }

    fn answer(&mut self) -> Reply {
        let to = match self.offered().get(self.at) {
            Some(To::Somebody(name)) => Some(name.clone()),
            Some(To::Nobody) => None,
            None => {
                self.problem = Some("That is no name: one line of at most 80 letters.".to_owned());
                return Reply::stay();
            }
        };
        if let Some((screen, chosen)) = &self.many {
            let deed = Deed::Hint(*screen, Left::Assign(to));
            return Reply::then(vec![Bulk::open(deed, chosen.clone())]);
        }
        let wish = Wish::Team(TeamWish::Assign(self.items.clone(), to));
        Reply::then(vec![Effect::Do(Box::new(wish))])
    }
}

impl Layer for Assign {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Enter") => return self.answer(),
            Some("Down" | "Tab") => self.shift(1),
            Some("Up" | "Shift-Tab") => self.shift(-1),
            _ => {
                if self.line.key(key) {
                    (self.at, self.problem) = (0, None);
                }
            }
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        (self.at, self.problem) = (0, None);
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }

    fn click(&mut self, at: usize) {
        self.at = at.min(self.offered().len().saturating_sub(1));
    }

    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Team(Ask::Names))]
    }

    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        let Loaded::Team(told) = loaded else { return Err(loaded) };
        match *told {
            Told::Names(names) if self.asked == Some(ticket) => {
                self.asked = None;
                match names {
                    Ok(names) => self.names = names,
                    Err(why) => self.problem = Some(why),
                }
                Ok(Vec::new())
            }
            told => Err(Loaded::Team(Box::new(told))),
        }
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "assign"), Hint::new("Esc", "cancel")])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let offered = self.offered();
        let shown = offered.len().min(SHOWN);
        let place = dialog(ctx, buffer, area, 60, shown as u16 + 5);
        let title = match (&self.many, self.items.as_slice()) {
            (Some((_, chosen)), _) => format!("Assign {}", counted(chosen.count(), "item")),
            (None, [one]) => format!("Assign {one}"),
            (None, many) => format!("Assign {}", counted(many.len() as u64, "item")),
        };
        let inner = Panel::new(theme, &title, true).draw(theme, buffer, place);
        let cells = usize::from(inner.width.saturating_sub(4));
        let row = |buffer: &mut Buffer, y: u16, line: &Line<'static>| {
            if y < inner.bottom() {
                put(buffer, inner.x + 2, y, cells as u16, line);
            }
        };
        let mut typed = vec![span("› ", theme.key)];
        typed.extend(self.line.spans(ctx, cells.saturating_sub(2)));
        row(buffer, inner.y, &Line::from(typed));
        let (text, style) = match &self.problem {
            Some(problem) => (problem.clone(), theme.error),
            None => match &self.now {
                Some(now) => (format!("now {now}"), theme.muted),
                None => ("a name of the list, or a new one".to_owned(), theme.muted),
            },
        };
        row(buffer, inner.y + 1, &Line::from(span(cut_end(&text, cells), style)));
        let from = (self.at + 1).saturating_sub(shown.max(1));
        for (index, to) in offered.iter().enumerate().skip(from).take(shown) {
            let y = inner.y + 2 + (index - from) as u16;
            let line = match to {
                To::Somebody(name) if *name == self.me => {
                    Line::from(vec![span(cut_end(name, cells - 4), theme.text), span("  you", theme.muted)])
                }
                To::Somebody(name) if !self.names.contains(name) => {
                    Line::from(vec![span(cut_end(name, cells - 4), theme.text), span("  new", theme.muted)])
                }
                To::Somebody(name) => Line::from(span(cut_end(name, cells), theme.text)),
                To::Nobody => Line::from(span("nobody in particular", theme.muted)),
            };
            row(buffer, y, &line);
            if y < inner.bottom() {
                let whole = Rect::new(inner.x, y, inner.width, 1);
                ctx.target(whole, Target::Choice(index));
                if index == self.at {
                    mark_selected(theme, buffer, whole, true);
                }
            }
        }
    }
}
