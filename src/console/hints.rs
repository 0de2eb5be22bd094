//! Who works on what, as the console shows it: a badge at the end of a row, a box under the detail, a word of warning
//! before a decision. Asked for rows in memory in one question; somebody alone never sees any of it.

use std::cell::Cell;
use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::ctx::Ctx;
use super::effect::{Effect, Query};
use super::msg::{Answer, Ticket};
use super::panes::Screen;
use super::text::{age, ahead, cut_end, put, span, width, wrap};
use super::widgets::boxes::Panel;
use super::widgets::list::mark_selected;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::team::{Claim, Comment, Hint, Item};
use crate::engine::operate::Operator;
use crate::journal::Journal;

/// Cells of a badge at most.
const BADGE: usize = 14;
/// Comments shown under the detail: the latest.
const SHOWN: usize = 3;
/// Lines of one comment.
const LINES: usize = 2;

/// A question about who works on what.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The hints on these items, and the comments on the selected one.
    Of(Vec<Item>, Option<Item>),
    /// Names to assign to.
    Names,
}

/// Its answer.
#[derive(Debug)]
pub enum Told {
    /// Hints, and comments on the selected item.
    Of(Answer<(Vec<Hint>, Vec<Comment>)>),
    /// Names that were seen.
    Names(Answer<Vec<String>>),
}

/// Asks the journal.
pub(super) async fn answer(journal: &Journal, operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Of(mut items, selected) => {
            items.extend(selected.filter(|item| !items.contains(item)));
            let found = async {
                let hints = journal.hints(items).await?;
                let spoken =
                    selected.filter(|item| hints.iter().any(|hint| hint.item == *item && hint.comments > 0));
                let comments = match spoken {
                    Some(item) => journal.comments_on(item).await?,
                    None => Vec::new(),
                };
                Ok((hints, comments))
            };
            Told::Of(found.await.map_err(|error: crate::journal::JournalError| error.to_string()))
        }
        Ask::Names => {
            let names = journal.names().await.map_err(|error| error.to_string());
            Told::Names(names.map(|mut names| {
                let me = operator.name().to_owned();
                if !names.contains(&me) {
                    names.push(me);
                }
                names
            }))
        }
    }
}

/// A sentence that warns before a decision on an item, and on so many more, that somebody else has claimed.
pub fn warning(ctx: &Ctx, item: Item, claim: &Claim, more: usize) -> String {
    let others = match more {
        0 => String::new(),
        more => format!(" So it is with {more} more of them."),
    };
    format!(
        "{} has claimed {item} and may be deciding it at this moment; the claim ends {}.{others} Yes decides it all the \
         same.",
        claim.who,
        ahead(ctx.now, claim.until)
    )
}

/// The item of a screen's row.
pub fn item(screen: Screen, key: i64) -> Option<Item> {
    match screen {
        Screen::Executions => Some(Item::Execution(ExecutionId(key))),
        Screen::Conflicts => Some(Item::Conflict(ConflictId(key))),
        Screen::Duplicates => Some(Item::Duplicate(DuplicateId(key))),
        Screen::Unlinked => Some(Item::Unlinked(UnlinkedId(key))),
        _ => None,
    }
}

type Rows = (Screen, Option<Item>, Option<Item>, usize, Option<Item>);

/// What is known of who works on what.
#[derive(Debug, Default)]
pub struct Hints {
    me: String,
    known: BTreeMap<Item, Hint>,
    comments: Vec<Comment>,
    selected: Option<Item>,
    rows: Option<Rows>,
    asked: Option<Ticket>,
    dirty: bool,
    place: Cell<Option<Rect>>,
}

impl Hints {
    /// Hints as somebody sees them.
    pub fn of(me: &str) -> Self {
        Self { me: me.to_owned(), ..Self::default() }
    }

    /// In whose name.
    pub fn me(&self) -> &str {
        &self.me
    }

    /// The question for the rows in memory, if others than before, or if they may look different by now.
    pub(super) fn look(
        &mut self,
        ticket: Ticket,
        screen: Screen,
        items: Vec<Item>,
        selected: Option<i64>,
        again: bool,
    ) -> Option<Effect> {
        let selected = selected.and_then(|key| item(screen, key));
        let rows = (screen, items.first().copied(), items.last().copied(), items.len(), selected);
        if self.selected != selected {
            self.selected = selected;
            self.comments.clear();
        }
        if items.is_empty() && selected.is_none() {
            self.rows = Some(rows);
            return None;
        }
        if self.rows == Some(rows) && !again {
            return None;
        }
        if self.asked.is_some() {
            self.dirty = true;
            return None;
        }
        self.rows = Some(rows);
        self.asked = Some(ticket);
        Some(Effect::Load(ticket, Query::Team(Ask::Of(items, selected))))
    }

    /// Takes an answer in; true when rows have changed meanwhile, so that it is to be asked again.
    pub(super) fn take(&mut self, ticket: Ticket, told: Told) -> bool {
        if self.asked != Some(ticket) {
            return false;
        }
        self.asked = None;
        // One that failed leaves what was known: the rows say that the journal cannot be read.
        if let Told::Of(Ok((hints, comments))) = told {
            self.known = hints.into_iter().map(|hint| (hint.item, hint)).collect();
            self.comments = comments;
        }
        std::mem::take(&mut self.dirty)
    }

    /// What is known of an item.
    pub fn on(&self, item: Item) -> Option<&Hint> {
        self.known.get(&item)
    }

    /// The first of these items that somebody else has claimed.
    pub fn claimed(&self, ctx: &Ctx, items: &[Item]) -> Option<(Item, &Claim)> {
        items.iter().find_map(|item| Some((*item, self.on(*item)?.claimed_by_another(&self.me, ctx.now)?)))
    }

    /// Whether one has claimed all of these oneself.
    pub fn all_mine(&self, ctx: &Ctx, items: &[Item]) -> bool {
        let mine = |item: &Item| {
            self.on(*item)
                .and_then(|hint| hint.claim.as_ref())
                .is_some_and(|claim| claim.who == self.me && claim.until > ctx.now)
        };
        !items.is_empty() && items.iter().all(mine)
    }

    /// A sentence that warns before a decision on what somebody else has claimed.
    pub fn warning(&self, ctx: &Ctx, items: &[Item]) -> Option<String> {
        let (item, claim) = self.claimed(ctx, items)?;
        Some(warning(ctx, item, claim, 0))
    }

    /// The badges of visible rows.
    pub fn badges(&self, ctx: &Ctx, rows: impl Iterator<Item = Option<Item>>) -> Badges {
        let badges: Vec<_> = if self.known.is_empty() {
            Vec::new()
        } else {
            rows.map(|item| item.and_then(|item| self.badge(ctx, self.on(item)?))).collect()
        };
        let wide = badges.iter().flatten().map(|(text, _)| width(text)).max().unwrap_or(0);
        Badges { badges, wide: wide as u16 }
    }

    fn badge(&self, ctx: &Ctx, hint: &Hint) -> Option<(String, Style)> {
        let theme = &ctx.theme;
        let name = |who: &str| if who == self.me { "me".to_owned() } else { cut_end(who, BADGE - 4) };
        let claim = hint.claim.as_ref().filter(|claim| claim.until > ctx.now);
        let (mut text, style) = match (claim, &hint.assignee) {
            (Some(claim), _) if claim.who == self.me => ("@me".to_owned(), theme.accent),
            (Some(claim), _) => (format!("@{}", name(&claim.who)), theme.warn),
            (None, Some(to)) if to.who == self.me => ("→me".to_owned(), theme.accent),
            (None, Some(to)) => (format!("→{}", name(&to.who)), theme.muted),
            (None, None) => (String::new(), theme.muted),
        };
        if hint.comments > 0 {
            let gap = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{gap}¶{}", hint.comments));
        }
        (!text.is_empty()).then(|| (cut_end(&text, BADGE), style))
    }

    /// What is left of a detail's place when the selected item has hints, which are drawn below it.
    pub fn beside(&self, ctx: &Ctx, area: Rect) -> Rect {
        self.place.set(None);
        let Some(hint) = self.selected.and_then(|item| self.on(item)) else { return area };
        let lines = self.lines(ctx, hint, usize::from(area.width.saturating_sub(4)).min(90));
        let height = (lines.len() as u16 + 2).min(area.height / 3);
        if lines.is_empty() || height < 3 || area.height < 14 {
            return area;
        }
        let (above, below) = (area.height - height, height);
        self.place.set(Some(Rect { y: area.y + above, height: below, ..area }));
        Rect { height: above, ..area }
    }

    /// Forgets where the last frame had the box.
    pub fn clear_place(&self) {
        self.place.set(None);
    }

    /// Draws the box below the detail, if the pane has left a place for it.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer) {
        let (Some(place), Some(hint)) = (self.place.get(), self.selected.and_then(|item| self.on(item)))
        else {
            return;
        };
        let theme = &ctx.theme;
        let inner = Panel::new(theme, "Team", false)
            .right(Line::from(vec![
                span("a", theme.key),
                span(" claim  ", theme.muted),
                span("A", theme.key),
                span(" assign  ", theme.muted),
                span("C", theme.key),
                span(" comment", theme.muted),
            ]))
            .draw(theme, buffer, place);
        let cells = usize::from(inner.width.saturating_sub(2)).min(90);
        let lines = self.lines(ctx, hint, cells);
        // Of too many lines the last are the newest words.
        let from = if lines.len() > usize::from(inner.height) && hint.claim.is_none() {
            lines.len() - usize::from(inner.height)
        } else {
            0
        };
        for (index, line) in lines.iter().skip(from).take(usize::from(inner.height)).enumerate() {
            put(buffer, inner.x + 1, inner.y + index as u16, cells as u16, line);
        }
    }

    fn lines(&self, ctx: &Ctx, hint: &Hint, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let you = |who: &str| if who == self.me { "you".to_owned() } else { cut_end(who, 32) };
        if let Some(claim) = hint.claim.as_ref().filter(|claim| claim.until > ctx.now) {
            let mine = claim.who == self.me;
            let style = if mine { theme.accent } else { theme.warn };
            let has = if mine { "have" } else { "has" };
            lines.push(Line::from(vec![
                span(format!("{} {has} it", you(&claim.who)), style),
                span(
                    format!(
                        " since {}; the claim ends {}",
                        ctx.clock(claim.since),
                        ahead(ctx.now, claim.until)
                    ),
                    theme.muted,
                ),
            ]));
        }
        if let Some(to) = &hint.assignee {
            lines.push(Line::from(vec![
                span("for ", theme.muted),
                span(you(&to.who), theme.bold),
                span(format!(", said {} {} ago", you(&to.by), age(ctx.now, to.at)), theme.muted),
            ]));
        }
        let mine = self.selected == Some(hint.item);
        let comments: &[Comment] = if mine { &self.comments } else { &[] };
        let hidden = comments.len().saturating_sub(SHOWN);
        if hidden > 0 {
            let text = format!("{hidden} earlier: reknit show {}", hint.item);
            lines.push(Line::from(span(text, theme.muted)));
        }
        for comment in comments.iter().skip(hidden) {
            let head = format!("{} {}  ", you(&comment.who), age(ctx.now, comment.at));
            let room = cells.saturating_sub(width(&head)).max(10);
            if comment.erased {
                lines.push(Line::from(vec![
                    span(head, theme.muted),
                    span("erased with the person it spoke of", theme.muted),
                ]));
                continue;
            }
            let words = comment.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut wrapped = wrap(&words, room);
            if wrapped.len() > LINES {
                wrapped.truncate(LINES);
                if let Some(last) = wrapped.last_mut() {
                    *last = format!("{}…", cut_end(last, room.saturating_sub(1)));
                }
            }
            for (index, line) in wrapped.into_iter().enumerate() {
                let label = if index == 0 { head.clone() } else { " ".repeat(width(&head)) };
                lines.push(Line::from(vec![span(label, theme.muted), span(line, theme.text)]));
            }
        }
        lines
    }
}

/// The badges of the visible rows, and the room they take.
#[derive(Debug)]
pub struct Badges {
    badges: Vec<Option<(String, Style)>>,
    wide: u16,
}

impl Badges {
    /// The place that is left for the table beside them: all of it where nobody left a hint.
    pub fn beside(&self, inner: Rect) -> Rect {
        let taken = if self.wide == 0 || inner.width < 30 { 0 } else { self.wide + 2 };
        Rect { width: inner.width.saturating_sub(taken), ..inner }
    }

    /// Draws them at the end of their rows, which begin one line below the top.
    pub fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, inner: Rect, selected: Option<usize>) {
        if self.beside(inner).width == inner.width {
            return;
        }
        let x = inner.right().saturating_sub(self.wide + 1);
        for (index, badge) in self.badges.iter().enumerate() {
            let y = inner.y + 1 + index as u16;
            if y >= inner.bottom() {
                return;
            }
            if let Some((text, style)) = badge {
                put(buffer, x, y, self.wide, &Line::from(span(text.clone(), *style)));
            }
            if selected == Some(index) {
                mark_selected(&ctx.theme, buffer, Rect::new(inner.x, y, inner.width, 1), true);
            }
        }
    }
}
