//! What lies over the panes: a stack whose top sees every key first and says what comes of it.
//!
//! A layer never reaches into a pane: it answers with effects, an action to run, or a filter.

pub mod assign;
pub mod bulk;
pub mod calls;
pub mod choice;
pub mod columns;
pub mod comment;
pub mod confirm;
pub mod edit;
pub mod editions;
pub mod export;
pub mod filter;
pub mod gates;
pub mod help;
pub mod input;
pub mod menu;
pub mod merge;
pub mod palette;
pub mod prompt;
pub mod reading;
pub mod sort;
pub mod switching;
pub mod take_over;
pub mod telling;
pub mod textarea;
pub mod toast;
pub mod tour;
pub mod trying;
pub mod undo;
pub mod views;

use std::fmt::Debug;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::actions::Action;
use super::ctx::Ctx;
use super::effect::Effect;
use super::footer::Hint;
use super::links::Proposed as LinkProposed;
use super::msg::{Answer, Loaded, Ticket};
use super::text::wipe;
use crate::domain::filter::Filter;
use crate::domain::plan::Preview;
use crate::engine::explain::Account;
use crate::engine::operate::disputes::Proposal;

/// What a key in a layer leads to.
#[derive(Debug, Default)]
pub struct Reply {
    /// The layer is done.
    pub close: bool,
    /// To be carried out.
    pub effects: Vec<Effect>,
    /// To be run as if its key had been pressed.
    pub run: Option<Action>,
    /// The new filter of the pane.
    pub filter: Option<(String, Filter)>,
}

impl Reply {
    /// The layer stays and nothing happens.
    pub fn stay() -> Self {
        Self::default()
    }

    /// The layer is done.
    pub fn close() -> Self {
        Self { close: true, ..Self::default() }
    }

    /// The layer is done, and this is to be carried out.
    pub fn then(effects: Vec<Effect>) -> Self {
        Self { close: true, effects, ..Self::default() }
    }
}

/// An answer for the layer on top.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, handed on at once")]
pub enum Told {
    /// What a decision would send.
    Previewed(Ticket, Answer<Preview>),
    /// What a wish about a conflict would do.
    Proposed(Ticket, Answer<Box<Proposal>>),
    /// What a wish about unlinked people would do.
    LinkProposed(Ticket, Answer<Box<LinkProposed>>),
    /// How a field came about.
    Explained(Ticket, Answer<Box<Account>>),
    /// What the operator's own editor saved.
    Edited(Answer<String>),
}

/// What lies over the panes. A new one is a file here and nothing else: it is opened by [`Effect::Over`].
pub trait Layer: Debug {
    /// A key for this layer.
    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply;
    /// Pasted text for this layer.
    fn paste(&mut self, _text: &str) -> Reply {
        Reply::stay()
    }
    /// The wheel turned.
    fn wheel(&mut self, _by: i64) {}
    /// Its choice `n` was clicked.
    fn click(&mut self, _at: usize) {}
    /// Draws itself over what is there.
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect);
    /// Its keys, for the last row; none when it draws that row itself.
    fn hints(&self) -> Option<Vec<Hint>>;
    /// What lies behind is dimmed.
    fn dims(&self) -> bool {
        true
    }
    /// An answer it may have asked for; a late one goes nowhere.
    fn told(&mut self, _ctx: &Ctx, _told: Told) {}
    /// Rows or facts it may have asked for; given back when they are for a pane.
    fn loaded(&mut self, _ctx: &Ctx, _ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        Err(loaded)
    }
    /// What opens it, when it opens with a question.
    fn opened(&mut self, _ctx: &Ctx) -> Vec<Effect> {
        Vec::new()
    }
}

/// A layer on its way to the stack; two are the same when they show the same.
#[derive(Debug)]
pub struct Over(pub Box<dyn Layer>);

impl PartialEq for Over {
    fn eq(&self, other: &Self) -> bool {
        format!("{:?}", self.0) == format!("{:?}", other.0)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the trait's method answers")]
fn scrolling() -> Option<Vec<Hint>> {
    Some(vec![Hint::new("Esc", "close"), Hint::new("↑↓", "scroll")])
}

impl Layer for help::Help {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(key)
    }
    fn wheel(&mut self, by: i64) {
        self.scroll(by);
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        scrolling()
    }
}

impl Layer for telling::Telling {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(key)
    }
    fn wheel(&mut self, by: i64) {
        self.scroll(by);
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        scrolling()
    }
    fn told(&mut self, _ctx: &Ctx, told: Told) {
        if let Told::Explained(ticket, answer) = told {
            self.told(ticket, answer);
        }
    }
}

impl Layer for palette::Palette {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(key)
    }
    fn paste(&mut self, text: &str) -> Reply {
        self.paste(text)
    }
    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }
    fn click(&mut self, at: usize) {
        self.click(at);
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "run"), Hint::new("Esc", "close")])
    }
}

impl Layer for menu::Menu {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(key)
    }
    fn wheel(&mut self, by: i64) {
        self.shift(by.signum());
    }
    fn click(&mut self, at: usize) {
        self.click(at);
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "go on"), Hint::new("Esc", "cancel")])
    }
}

impl Layer for filter::FilterLine {
    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(ctx, key)
    }
    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        self.loaded(ticket, loaded)
    }
    fn paste(&mut self, text: &str) -> Reply {
        self.paste(text)
    }
    fn click(&mut self, at: usize) {
        self.click(at);
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        None
    }
    fn dims(&self) -> bool {
        false
    }
}

impl Layer for prompt::Prompt {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(key)
    }
    fn paste(&mut self, text: &str) -> Reply {
        self.paste(text)
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        Some(self.hints())
    }
}

impl Layer for confirm::Confirm {
    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        self.key(ctx, key)
    }
    fn wheel(&mut self, by: i64) {
        self.scroll(by);
    }
    fn paste(&mut self, text: &str) -> Reply {
        self.paste(text);
        Reply::stay()
    }
    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        self.draw(ctx, buffer, area);
    }
    fn hints(&self) -> Option<Vec<Hint>> {
        Some(self.hints())
    }
    fn told(&mut self, ctx: &Ctx, told: Told) {
        match told {
            Told::Previewed(ticket, answer) => self.previewed(ticket, answer),
            Told::Proposed(ticket, answer) => self.proposed(ctx, ticket, answer),
            Told::LinkProposed(ticket, answer) => self.link_proposed(ctx, ticket, answer),
            Told::Explained(..) | Told::Edited(_) => {}
        }
    }
}

/// A rectangle in the middle of an area, at most as big as it, emptied to the surface.
pub fn dialog(ctx: &Ctx, buffer: &mut Buffer, area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width.saturating_sub(2));
    let height = height.min(area.height.saturating_sub(2));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    let place = Rect { x, y, width, height };
    wipe(buffer, place, ctx.theme.surface);
    place
}
