//! The question before a recipe's switch moves: what it means, what the recipe will do, which line of which file changes,
//! and what the vendors' fields say. Only what was shown is done.

use std::cell::Cell;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::reading::{Paragraph, Weight, draw, scrolls, set, wheel};
use super::trying::signed;
use super::{Layer, Reply};
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Ticket};
use crate::console::panes::recipes::asks::{Ask, Told};
use crate::console::wishes::{self, Wish};
use crate::engine::operate::switching::{Position, Switch};

/// The layer.
#[derive(Debug)]
pub struct Switching {
    recipe: String,
    from: Position,
    to: Position,
    asked: Option<Ticket>,
    told: Option<Answer<Box<Switch>>>,
    at: Cell<usize>,
}

impl Switching {
    /// A recipe's switch, and where it is to stand.
    pub const fn new(recipe: String, from: Position, to: Position) -> Self {
        Self { recipe, from, to, asked: None, told: None, at: Cell::new(0) }
    }

    fn ready(&self) -> Option<&Switch> {
        match &self.told {
            Some(Ok(switch)) if !switch.changes.is_empty() => Some(switch),
            _ => None,
        }
    }

    fn paragraphs(&self) -> Vec<Paragraph> {
        let mut told = vec![
            Paragraph::new(Weight::Bold, format!("{} → {}", self.from, self.to)),
            Paragraph::new(Weight::Plain, self.to.means()),
        ];
        match &self.told {
            None => {
                told.push(Paragraph::gap());
                told.push(Paragraph::new(Weight::Muted, "Looking at the files and the vendors' fields…"));
            }
            Some(Err(why)) => {
                told.push(Paragraph::gap());
                told.push(Paragraph::new(Weight::Bad, "It cannot be switched now."));
                told.push(Paragraph::new(Weight::Plain, why.clone()));
            }
            Some(Ok(switch)) if switch.changes.is_empty() => {
                told.push(Paragraph::gap());
                told.push(Paragraph::new(Weight::Plain, "It is there already; nothing has to be changed."));
            }
            Some(Ok(switch)) => {
                for change in &switch.changes {
                    told.push(Paragraph::gap());
                    let verb = match self.to {
                        Position::Off => "It will not do any more",
                        Position::Shadow => "It will plan, and not do",
                        Position::On => "It will do",
                    };
                    told.push(Paragraph::new(Weight::Muted, verb));
                    for (place, does) in change.does.iter().enumerate() {
                        told.push(Paragraph::new(Weight::Plain, format!("{}. {does}", place + 1)));
                    }
                    told.push(Paragraph::gap());
                    told.push(Paragraph::labelled("File", Weight::Bold, change.path.display().to_string()));
                    told.extend(change.diff.iter().map(|line| signed(line)));
                    if change.diff.is_empty() {
                        let words = "Its text stays; this journal notes that somebody switched it on.";
                        told.push(Paragraph::new(Weight::Muted, words));
                    }
                }
                if !switch.notes.is_empty() {
                    told.push(Paragraph::gap());
                }
                told.extend(switch.notes.iter().map(|note| Paragraph::new(Weight::Warning, note.clone())));
                told.push(Paragraph::gap());
                let back = match self.to {
                    Position::Off => "a moves it back; the audit log keeps who did it.",
                    _ => {
                        "b moves it back; what was written until then stays. The audit log keeps who did it."
                    }
                };
                told.push(Paragraph::new(Weight::Muted, back));
            }
        }
        told
    }
}

impl Layer for Switching {
    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Recipes(Ask::Switch(self.recipe.clone(), self.to)))]
    }

    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        match loaded {
            Loaded::Recipes(told) if self.asked == Some(ticket) => {
                if let Told::Switch(answer) = *told {
                    self.told = Some(answer);
                }
                Ok(Vec::new())
            }
            loaded => Err(loaded),
        }
    }

    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        let name = keys::name(key);
        match name.as_deref() {
            Some("Esc" | "Enter") => return Reply::close(),
            Some("Y") => {
                if let Some(switch) = self.ready() {
                    let wish = wishes::recipes::Wish::Switch(Box::new(switch.clone()));
                    return Reply::then(vec![Effect::Do(Box::new(Wish::Recipes(wish)))]);
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
        let lines = set(&ctx.theme, &self.paragraphs(), cells);
        let verb = self.ready().map(|_| verb(self.to));
        let title = format!("{} {}?", verb_of(self.to), self.recipe);
        draw(ctx, buffer, area, &title, "", &lines, &self.at, Some(verb));
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        let mut hints = vec![Hint::new("Esc", "cancel")];
        if self.ready().is_some() {
            hints.push(Hint::new("Y", verb(self.to).to_lowercase()));
        }
        hints.push(Hint::new("↑↓", "scroll"));
        Some(hints)
    }
}

const fn verb(to: Position) -> &'static str {
    match to {
        Position::Off => "Switch off",
        Position::Shadow => "Into shadow",
        Position::On => "Switch on",
    }
}

const fn verb_of(to: Position) -> &'static str {
    match to {
        Position::Off => "Switch off",
        Position::Shadow => "Put into shadow",
        Position::On => "Switch on",
    }
}
