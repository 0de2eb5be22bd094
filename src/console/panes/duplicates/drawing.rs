//! The detail of a group: the comparison with its cursor, and the box that says why. Draws; changes nothing but scroll
//! positions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Duplicates, known, why};
use crate::console::ctx::{Ctx, Target};
use crate::console::panes::{Focus, parts};
use crate::console::text::{cut_end, span, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, mark_selected, scrolled};
use crate::domain::evidence::percent;
use crate::domain::merge::Instead;
use crate::domain::review::Duplicate;

impl Duplicates {
    /// The lines about the records, and which of them are rows of the comparison.
    fn about(
        &self,
        ctx: &Ctx,
        pair: &Duplicate,
        cells: usize,
    ) -> (Vec<Line<'static>>, std::ops::Range<usize>) {
        let theme = &ctx.theme;
        let mut lines = known::lines(ctx, pair, cells);
        if let Some(obstacle) = &pair.obstacle {
            lines.extend(wrap(obstacle, cells).into_iter().map(|line| Line::from(span(line, theme.warn))));
            lines.push(Line::default());
        }
        let before = lines.len();
        let cursor = (self.focus == Focus::Detail).then_some(self.cell);
        let Some(grid) = self.grid() else { return (lines, 0..0) };
        let (table, rows) = grid.lines(ctx, cells, cursor);
        lines.extend(table);
        (lines, before + rows.start..before + rows.end)
    }

    fn why(&self, ctx: &Ctx, pair: &Duplicate, cells: usize) -> Vec<Line<'static>> {
        why::lines(ctx, pair, self.planned().map(|known| &known.preview), cells)
    }

    fn draw_records(
        &self,
        ctx: &Ctx,
        buffer: &mut Buffer,
        area: Rect,
        pair: &Duplicate,
        (lines, rows): (Vec<Line<'static>>, std::ops::Range<usize>),
    ) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let system = pair.left.system().title();
        let height = area.height.saturating_sub(2);
        if self.follow.take() && focused {
            let (at, tall, line) = (self.scroll.get(), usize::from(height), rows.start + self.cell.0);
            let top = if self.cell.0 == 0 { 0 } else { line };
            self.scroll.set(at.min(top).max((line + 2).saturating_sub(tall)));
        }
        let hidden = hidden(lines.len(), height, &self.scroll);
        let grid = self.grid();
        let below = if hidden > 0 {
            format!("↓ {hidden} more")
        } else {
            match grid.as_ref().map(|grid| grid.master.as_str()) {
                None | Some("") => "values come from the ticked cells".to_owned(),
                Some(master) => format!("survivor: {master}"),
            }
        };
        let hint = if pair.mergeable {
            Line::from(vec![span("m", theme.key), span(" shows the exact calls first", theme.muted)])
        } else {
            let word = if Instead::offered_by(pair.obstacle.as_deref()).is_some() {
                "m copies over and archives instead"
            } else {
                "cannot be merged from here"
            };
            Line::from(span(word, theme.warn))
        };
        let many = grid.map_or(2, |grid| grid.records.len()).max(pair.standing.members);
        let inner = Panel::new(theme, &cut_end(&pair.subject, 40), focused)
            .right(Line::from(span(format!("{many} {system} {}s", pair.left.object), theme.muted)))
            .bottom_left(Line::from(span(cut_end(&below, usize::from(area.width) / 2), theme.muted)))
            .bottom_right(hint)
            .draw(theme, buffer, area);
        if inner.width <= 2 {
            return;
        }
        let body = Rect { x: inner.x + 1, width: inner.width - 2, ..inner };
        scrolled(buffer, body, &lines, &self.scroll);
        let from = self.scroll.get();
        for (index, line) in rows.enumerate() {
            if line < from || line >= from + usize::from(inner.height) {
                continue;
            }
            let place = Rect::new(inner.x, inner.y + (line - from) as u16, inner.width, 1);
            ctx.target(place, Target::Choice(index));
            if focused && index == self.cell.0 {
                mark_selected(theme, buffer, Rect { width: 1, ..place }, true);
            }
        }
    }

    fn draw_why(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect, pair: &Duplicate) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Tab(0));
        let lines = self.why(ctx, pair, usize::from(area.width.saturating_sub(4)).min(90));
        let hidden = hidden(lines.len(), area.height.saturating_sub(2), &self.beneath);
        let more = if hidden > 0 { format!("↓ {hidden} more, PgDn in this box") } else { String::new() };
        let inner = Panel::new(theme, &format!("Why {}", percent(pair.probability)), false)
            .right(Line::from(span("evidence, in bits", theme.muted)))
            .bottom_left(Line::from(span(more, theme.muted)))
            .bottom_right(Line::from(span(pair.id.to_string(), theme.muted)))
            .draw(theme, buffer, area);
        if inner.width > 2 {
            let body = Rect { x: inner.x + 1, width: inner.width - 2, ..inner };
            scrolled(buffer, body, &lines, &self.beneath);
        }
    }

    pub(super) fn draw_detail(&self, ctx: &Ctx, buffer: &mut Buffer, detail: Rect) {
        let theme = &ctx.theme;
        let Some(pair) = self.window.current() else {
            Panel::new(theme, "Detail", false).draw(theme, buffer, detail);
            return;
        };
        let cells = |area: Rect| usize::from(area.width.saturating_sub(4));
        if detail.width >= 136 {
            // Room for both beside each other.
            let left = Rect { width: detail.width * 58 / 100, ..detail };
            let right = Rect { x: detail.x + left.width, width: detail.width - left.width, ..detail };
            self.draw_records(ctx, buffer, left, pair, self.about(ctx, pair, cells(left)));
            self.draw_why(ctx, buffer, right, pair);
            return;
        }
        let (mut lines, rows) = self.about(ctx, pair, cells(detail));
        if detail.height < 20 {
            // One box: the evidence follows the records.
            lines.push(Line::default());
            lines.push(parts::rule(
                ctx,
                &format!("Why {}, in bits", percent(pair.probability)),
                cells(detail),
            ));
            lines.extend(self.why(ctx, pair, cells(detail)));
            self.draw_records(ctx, buffer, detail, pair, (lines, rows));
            return;
        }
        let wanted = lines.len() as u16 + 2;
        let why = self.why(ctx, pair, cells(detail).min(90)).len() as u16 + 2;
        // Each gets what it wants where both fit; else the records get the greater half.
        let upper = if wanted + why <= detail.height {
            wanted.max(6)
        } else {
            wanted.min((detail.height * 55 / 100).max(detail.height.saturating_sub(why)))
        };
        let upper = Rect { height: upper.min(detail.height - 5), ..detail };
        let lower = Rect { y: detail.y + upper.height, height: detail.height - upper.height, ..detail };
        self.draw_records(ctx, buffer, upper, pair, (lines, rows));
        self.draw_why(ctx, buffer, lower, pair);
    }
}
