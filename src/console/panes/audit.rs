//! Screen 8: who did what to which record, and whether the chain is intact.
//!
//! Never changes an entry.

pub mod asks;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Focus, Pane};
use crate::console::actions::Action;
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{put, span};
use crate::console::widgets::boxes::Panel;

/// The screen's state.
#[derive(Debug, Default)]
pub struct Audit {
    asked: Option<Ticket>,
    failed: Option<String>,
}

impl Pane for Audit {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Shown | Msg::Refresh if self.asked.is_none() => {
                let ticket = ctx.ticket();
                self.asked = Some(ticket);
                return vec![Effect::Load(ticket, Query::Audit(asks::Ask::Everything))];
            }
            Msg::Loaded(ticket, Loaded::Audit(told)) if self.asked == Some(ticket) => {
                self.asked = None;
                let asks::Told::Everything(answer) = *told;
                self.failed = answer.err();
            }
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let inner = Panel::new(&ctx.theme, "Audit", true).draw(&ctx.theme, buffer, area);
        if let Some(why) = &self.failed {
            put(buffer, inner.x + 2, inner.y, inner.width, &Line::from(span(why.clone(), ctx.theme.error)));
        }
    }

    fn can(&self, _action: Action) -> Result<(), String> {
        Ok(())
    }

    fn focus(&self) -> Focus {
        Focus::List
    }

    fn back(&mut self, _ctx: &Ctx) -> Option<Vec<Effect>> {
        None
    }

    fn filter(&self) -> &str {
        ""
    }
}
