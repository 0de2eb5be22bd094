//! What lies over the panes: a stack whose top sees every key first and says what comes of it.
//!
//! A layer never reaches into a pane: it answers with effects, an action to run, or a filter.

pub mod confirm;
pub mod filter;
pub mod help;
pub mod input;
pub mod menu;
pub mod merge;
pub mod palette;
pub mod prompt;
pub mod telling;
pub mod toast;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::actions::Action;
use super::ctx::Ctx;
use super::effect::Effect;
use super::footer::Hint;
use super::text::{tint, wipe};
use crate::domain::filter::Filter;

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

/// A layer.
#[derive(Debug)]
pub enum Layer {
    /// Every key, in words.
    Help(help::Help),
    /// Every command, by name.
    Palette(Box<palette::Palette>),
    /// The line that filters the list.
    Filter(filter::FilterLine),
    /// The question before something grave.
    Confirm(Box<confirm::Confirm>),
    /// The question for a line of text.
    Prompt(Box<prompt::Prompt>),
    /// Several things to do, one to choose.
    Menu(Box<menu::Menu>),
    /// How a field came about.
    Telling(Box<telling::Telling>),
}

impl Layer {
    /// A key for this layer.
    pub fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        match self {
            Self::Help(layer) => layer.key(key),
            Self::Palette(layer) => layer.key(key),
            Self::Filter(layer) => layer.key(key),
            Self::Confirm(layer) => layer.key(ctx, key),
            Self::Prompt(layer) => layer.key(key),
            Self::Menu(layer) => layer.key(key),
            Self::Telling(layer) => layer.key(key),
        }
    }

    /// Pasted text for this layer.
    pub fn paste(&mut self, text: &str) -> Reply {
        match self {
            Self::Palette(layer) => layer.paste(text),
            Self::Filter(layer) => layer.paste(text),
            Self::Prompt(layer) => layer.paste(text),
            Self::Help(_) | Self::Confirm(_) | Self::Menu(_) | Self::Telling(_) => Reply::stay(),
        }
    }

    /// The wheel turned.
    pub fn wheel(&mut self, by: i64) {
        match self {
            Self::Help(layer) => layer.scroll(by),
            Self::Confirm(layer) => layer.scroll(by),
            Self::Palette(layer) => layer.shift(by.signum()),
            Self::Menu(layer) => layer.shift(by.signum()),
            Self::Telling(layer) => layer.scroll(by),
            Self::Filter(_) | Self::Prompt(_) => {}
        }
    }

    /// Draws itself over what is there.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        if !matches!(self, Self::Filter(_)) {
            tint(
                buffer,
                Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area },
                ctx.theme.dimmed,
            );
        }
        match self {
            Self::Help(layer) => layer.draw(ctx, buffer, area),
            Self::Palette(layer) => layer.draw(ctx, buffer, area),
            Self::Filter(layer) => layer.draw(ctx, buffer, area),
            Self::Confirm(layer) => layer.draw(ctx, buffer, area),
            Self::Prompt(layer) => layer.draw(ctx, buffer, area),
            Self::Menu(layer) => layer.draw(ctx, buffer, area),
            Self::Telling(layer) => layer.draw(ctx, buffer, area),
        }
    }

    /// Its keys, for the last row; none when it draws that row itself.
    pub fn hints(&self) -> Option<Vec<Hint>> {
        match self {
            Self::Help(_) => Some(vec![Hint::new("Esc", "close"), Hint::new("↑↓", "scroll")]),
            Self::Palette(_) => {
                Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "run"), Hint::new("Esc", "close")])
            }
            Self::Filter(_) => None,
            Self::Confirm(layer) => Some(layer.hints()),
            Self::Prompt(layer) => Some(layer.hints()),
            Self::Menu(_) => {
                Some(vec![Hint::new("↑↓", "choose"), Hint::new("Enter", "go on"), Hint::new("Esc", "cancel")])
            }
            Self::Telling(_) => Some(vec![Hint::new("Esc", "close"), Hint::new("↑↓", "scroll")]),
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
