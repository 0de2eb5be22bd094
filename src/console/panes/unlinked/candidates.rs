//! The companies a person may belong to, best first, each with what speaks for and against it, and the calls of the link
//! that is chosen. Draws; changes nothing but a scroll position.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Unlinked, facts};
use crate::console::ctx::{Ctx, Target};
use crate::console::panes::Focus;
use crate::console::text::{counted, cut_end, cut_middle, left, put, right, span, width, wrap, wrap_most};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::gauge;
use crate::console::widgets::list::mark_selected;
use crate::domain::evidence::percent;
use crate::domain::review::{LinkCandidate, ReviewState};

/// Calls that are named inline; the dialog names all.
const CALLS: usize = 3;

impl Unlinked {
    /// What the link to the chosen company would send.
    fn will_send(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let Some(answer) = self.would().and_then(|key| self.would.told(&key)) else { return Vec::new() };
        let preview = match answer {
            Ok(preview) => preview,
            Err(why) => {
                return wrap(why, cells)
                    .into_iter()
                    .map(|line| Line::from(span(line, theme.warn)))
                    .take(3)
                    .collect();
            }
        };
        let mut lines = Vec::new();
        for (index, call) in preview.calls.iter().take(CALLS).enumerate() {
            let label = if index == 0 { "Will send  " } else { "           " };
            let room = cells.saturating_sub(11 + call.method.len() + 2);
            // What is sent is shown whole.
            for (at, part) in wrap(&call.path, room).into_iter().enumerate() {
                let before = if at == 0 { call.method.as_str() } else { "" };
                lines.push(Line::from(vec![
                    span(if at == 0 { label } else { "           " }, theme.muted),
                    span(left(before, call.method.len() + 2), theme.bold),
                    span(part, theme.bold),
                ]));
            }
            if let Some(body) = &call.body {
                let body = cut_end(&body.to_string(), cells.saturating_sub(11));
                lines.push(Line::from(span(format!("           {body}"), theme.muted)));
            }
        }
        let rest = preview.calls.len().saturating_sub(CALLS);
        if rest > 0 {
            lines.push(Line::from(span(
                format!("           and {}", counted(rest as u64, "more call")),
                theme.muted,
            )));
        }
        if preview.calls.is_empty() {
            lines.push(Line::from(vec![span("Will send  ", theme.muted), span("no call", theme.text)]));
        }
        if let Some(note) = preview.notes.first() {
            for line in wrap_most(note, cells.saturating_sub(11), 3) {
                lines.push(Line::from(span(format!("           {line}"), theme.muted)));
            }
        }
        lines
    }

    /// The lines of one candidate: a head with gauge, then its reasons.
    fn candidate_lines(
        ctx: &Ctx,
        index: usize,
        candidate: &LinkCandidate,
        cells: usize,
    ) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let id = cut_middle(&candidate.company.id, 14);
        let score = percent(candidate.probability);
        let bar = 14.min(cells / 6);
        let used = 2 + 2 + width(&score).max(7) + 2 + bar + 2 + width(&id);
        let name = cells.saturating_sub(used).clamp(8, 36);
        let [full, rest] = gauge(theme, candidate.probability, bar, theme.accent);
        let mut lines = vec![Line::from(vec![
            span(format!("{} ", index + 1), theme.key),
            span(left(&candidate.name, name), theme.bold),
            span(format!("  {}  ", right(&score, 7)), theme.bold),
            full,
            rest,
            span(right(&id, cells.saturating_sub(2 + name + 4 + width(&score).max(7) + bar)), theme.muted),
        ])];
        if !candidate.family.is_empty() {
            lines.push(Line::from(vec![
                span("   └ ", theme.muted),
                span(cut_end(&candidate.family, cells.saturating_sub(6)), theme.text),
            ]));
        }
        for evidence in &candidate.evidence {
            if evidence.comparison == "prior" {
                continue;
            }
            let (glyph, style) = match evidence.millibits {
                1.. => ("✓", theme.ok),
                0 => ("–", theme.muted),
                _ => ("✗", theme.error),
            };
            let note = evidence.note.as_ref().map_or_else(String::new, |note| format!(", {note}"));
            let both = match (evidence.left.is_empty(), evidence.right.is_empty()) {
                (false, false) if evidence.left != evidence.right => {
                    format!(" ({} / {})", evidence.left, evidence.right)
                }
                (false, false) => format!(" ({})", evidence.left),
                _ => String::new(),
            };
            let text = format!("{}: {}{note}{both}", evidence.comparison, evidence.level);
            let bits = f64::from(evidence.millibits) / 1000.0;
            let room = cells.saturating_sub(6 + 7);
            lines.push(Line::from(vec![
                span(format!("   {glyph} "), style),
                span(left(&text, room), theme.text),
                span(right(&format!("{bits:+.1}").replace('-', "−"), 7), theme.muted),
            ]));
        }
        lines
    }

    pub(super) fn draw_candidates(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect, beside: bool) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let Some(person) = self.window.current() else {
            Panel::new(theme, "Accounts", focused).draw(theme, buffer, area);
            return;
        };
        let title = format!("Accounts for {}", cut_end(&person.subject, 36));
        let inner = Panel::new(theme, &title, focused)
            .right(Line::from(span(counted(person.candidates.len() as u64, "candidate"), theme.muted)))
            .bottom_left(Line::from(vec![span("l", theme.key), span(" shows the call first", theme.muted)]))
            .draw(theme, buffer, area);
        if inner.width < 10 || inner.height == 0 {
            return;
        }
        let cells = usize::from(inner.width - 3).min(90);
        let mut inner = inner;
        let mut will = self.will_send(ctx, cells);
        let below = will.len() as u16 + 1;
        if will.is_empty() || inner.height < below + 6 {
            // No room: the dialog shows it all the same.
            will.clear();
        } else {
            inner.height -= below;
        }
        let mut blocks: Vec<(Option<usize>, Vec<Line<'static>>)> = Vec::new();
        if person.state == ReviewState::Deciding {
            let by = person.deciding.map_or_else(String::new, |id| format!(" by {id}"));
            blocks.push((
                None,
                vec![Line::from(span(format!("↻ Decided; being carried out{by}."), theme.warn))],
            ));
        }
        if person.state == ReviewState::Ignored || person.state == ReviewState::Dismissed {
            let words = person.resolution.clone().unwrap_or_default();
            let mut lines: Vec<Line<'static>> = wrap(&format!("‖ {words}"), cells)
                .into_iter()
                .map(|line| Line::from(span(line, theme.warn)))
                .collect();
            lines.push(Line::from(vec![span("u", theme.key), span(" takes that back", theme.muted)]));
            blocks.push((None, lines));
        }
        if !beside {
            // Nothing stands beside it: the person's facts come first.
            blocks.push((
                None,
                facts::lines(ctx, Some(person), self.known(), cells).into_iter().take(4).collect(),
            ));
        }
        if person.candidates.is_empty() {
            let text = "No company fits. c makes it.";
            let more = "Neither the e-mail domain nor the other side names a company that exists here. Once one does, it appears by itself.";
            let mut lines = vec![Line::from(span(text, theme.bold))];
            lines.extend(wrap(more, cells).into_iter().map(|line| Line::from(span(line, theme.muted))));
            blocks.push((None, lines));
        }
        for (index, candidate) in person.candidates.iter().enumerate() {
            blocks.push((Some(index), Self::candidate_lines(ctx, index, candidate, cells)));
        }
        if !person.candidates.is_empty() {
            let line = Line::from(vec![
                span("c ", theme.key),
                span("makes a new company; ", theme.muted),
                span("x ", theme.key),
                span("none fits; ", theme.muted),
                span("n ", theme.key),
                span("unsure", theme.muted),
            ]);
            blocks.push((None, vec![line]));
        }
        let chosen = self.chosen.min(person.candidates.len().saturating_sub(1));
        let height = usize::from(inner.height);
        // Scrolls by whole candidates, so that the chosen one is always seen from its head.
        let chosen_block = blocks.iter().position(|(index, _)| *index == Some(chosen)).unwrap_or(0);
        let mut from = self.top.get().min(chosen_block);
        while blocks[from..=chosen_block].iter().map(|(_, lines)| lines.len() + 1).sum::<usize>() > height + 1
            && from < chosen_block
        {
            from += 1;
        }
        self.top.set(from);
        let mut y = inner.y;
        for (index, lines) in &blocks[from..] {
            if y >= inner.bottom() {
                break;
            }
            let rows = (lines.len() as u16).min(inner.bottom() - y);
            for (at, line) in lines.iter().take(usize::from(rows)).enumerate() {
                put(buffer, inner.x + 2, y + at as u16, cells as u16, line);
            }
            if let Some(index) = index {
                let whole = Rect::new(inner.x, y, inner.width, rows);
                ctx.target(whole, Target::Choice(*index));
                if *index == chosen {
                    mark_selected(theme, buffer, whole, focused);
                }
            }
            y += rows + 1;
        }
        // What it would send stands right below what it follows from, at the foot at the latest.
        let first = y.min(inner.bottom() + 1);
        for (index, line) in will.iter().enumerate() {
            put(buffer, inner.x + 2, first + index as u16, cells as u16, line);
        }
    }
}
