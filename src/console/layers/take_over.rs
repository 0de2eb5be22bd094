//! The question before somebody else's claim is taken over. They are told by nothing but what they see; Enter is no yes.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Layer, Reply, dialog};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::text::{ahead, cut_end, put, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::wishes::Wish;
use crate::console::wishes::team::Wish as TeamWish;
use crate::domain::team::{Claim, Item};

/// The dialog.
#[derive(Debug)]
pub struct TakeOver {
    item: Item,
    claim: Claim,
}

impl TakeOver {
    /// About an item and who has it.
    pub const fn new(item: Item, claim: Claim) -> Self {
        Self { item, claim }
    }
}

impl Layer for TakeOver {
    fn key(&mut self, _ctx: &Ctx, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "Enter") => Reply::close(),
            Some("Y") => {
                let wish = TeamWish::Claim { items: vec![self.item], over: true };
                Reply::then(vec![Effect::Do(Box::new(Wish::Team(wish)))])
            }
            _ => Reply::stay(),
        }
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("Esc", "cancel"), Hint::new("Y", "take over")])
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 66.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6));
        let text = format!(
            "{} has it since {}; the claim ends {}. Ask them first: they may be deciding it at this moment. \
             The audit log says that you took it over.",
            self.claim.who,
            ctx.clock(self.claim.since),
            ahead(ctx.now, self.claim.until)
        );
        let lines = wrap(&text, cells);
        let place = dialog(ctx, buffer, area, wide, lines.len() as u16 + 4);
        let title = cut_end(&format!("Take {} over from {}?", self.item, self.claim.who), cells);
        let inner = Panel::new(theme, &title, true).draw(theme, buffer, place);
        for (index, line) in lines.into_iter().enumerate() {
            let y = inner.y + index as u16;
            if y + 1 < inner.bottom() {
                put(buffer, inner.x + 2, y, cells as u16, &Line::from(span(line, theme.text)));
            }
        }
        let (cancel, yes) = (" Esc Cancel ", "Y Take over");
        let y = inner.bottom().saturating_sub(1);
        let yes_x = inner.right().saturating_sub(3 + width(yes) as u16);
        let cancel_x = yes_x.saturating_sub(3 + width(cancel) as u16);
        put(buffer, cancel_x, y, width(cancel) as u16, &Line::from(span(cancel, theme.tab)));
        ctx.target_key(Rect::new(cancel_x, y, width(cancel) as u16, 1), "Esc");
        let line = Line::from(vec![span("Y", theme.key), span(" Take over", theme.bold)]);
        put(buffer, yes_x, y, width(yes) as u16, &line);
        ctx.target_key(Rect::new(yes_x, y, width(yes) as u16, 1), "Y");
    }
}
