//! Screen 9: every API call, newest first, with request and response.
//!
//! Never shows a secret; never sends anything.

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
pub struct Log {
    asked: Option<Ticket>,
    failed: Option<String>,
}

impl Pane for Log {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Shown | Msg::Refresh if self.asked.is_none() => {
                let ticket = ctx.ticket();
                self.asked = Some(ticket);
                return vec![Effect::Load(ticket, Query::Log(asks::Ask::Everything))];
            }
            Msg::Loaded(ticket, Loaded::Log(told)) if self.asked == Some(ticket) => {
                self.asked = None;
                let asks::Told::Everything(answer) = *told;
                self.failed = answer.err();
            }
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let inner = Panel::new(&ctx.theme, "Log", true).draw(&ctx.theme, buffer, area);
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
