//! Screen 4: records believed the same, each group once, surest first; a column per record beside what survives, why they
//! match, and what a merge would send, lose and keep.
//!
//! Values and the survivor are chosen here; a merge always goes through the dialog that shows calls and losses.

mod drawing;
mod grid;
mod known;
mod listed;
mod why;

pub use known::told;

use std::cell::Cell;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use grid::Grid;
use listed::COLUMNS;

use super::listing::Listed;
use super::parts::{self, Frame};
use super::reviews::{Ask, Beside, Merging, Told as Heard};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::layers::toast::Tone;
use crate::console::links::Wish as Sending;
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{age, span, thousands};
use crate::domain::evidence::percent;
use crate::domain::ids::DuplicateId;
use crate::domain::merge::{Instead, MergeWish, Take};
use crate::domain::record::{RecordRef, value_text};
use crate::domain::review::{Band, Decision, Duplicate, ReviewState, Verdict};
use crate::domain::team::Item;
use crate::journal::verdicts::NewVerdict;

impl Row for Duplicate {
    fn key(&self) -> i64 {
        self.id.0
    }

    fn item(&self) -> Option<Item> {
        Some(Item::Duplicate(self.id))
    }
}

/// What was chosen for a pair: who goes on, and whose values.
#[derive(Debug, Clone, PartialEq, Default)]
struct Chosen {
    survivor: Option<RecordRef>,
    take: Vec<Take>,
}

/// A pair and how it would be merged.
type Wanted = (DuplicateId, Option<RecordRef>, MergeWish);

/// The screen's state.
#[derive(Debug)]
pub struct Duplicates {
    window: Window<Duplicate>,
    focus: Focus,
    /// Of the selected pair alone: another one begins anew.
    chosen: Chosen,
    /// The cell under the cursor.
    cell: (usize, usize),
    scroll: Cell<usize>,
    follow: Cell<bool>,
    /// Of the box that says why.
    beneath: Cell<usize>,
    merging: Beside<Wanted, Box<Merging>>,
    /// The pair something was said of last: it may have left the list.
    said: Option<DuplicateId>,
    /// The pair a merge was asked for last.
    merged: Option<DuplicateId>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Duplicates).of(&COLUMNS),
            focus: Focus::List,
            chosen: Chosen::default(),
            cell: (0, 0),
            scroll: Cell::new(0),
            follow: Cell::new(false),
            beneath: Cell::new(0),
            merging: Beside::default(),
            said: None,
            merged: None,
        }
    }
}

impl Duplicates {
    fn wanted(&self) -> Option<Wanted> {
        let pair = self.window.current()?;
        let wish = MergeWish {
            group: pair.standing.members > 2,
            take: self.chosen.take.clone(),
            instead: Instead::offered_by(pair.obstacle.as_deref()),
            ..MergeWish::default()
        };
        Some((pair.id, self.chosen.survivor.clone(), wish))
    }

    /// What is known of the selected pair's merge: for the newest choice, else for the one before.
    fn planned(&self) -> Option<&Merging> {
        let wanted = self.wanted()?;
        let known = self.merging.told(&wanted).and_then(|answer| answer.as_ref().ok());
        let known = known.or_else(|| self.merging.last())?;
        let same = matches!(&known.decision, Decision::Merge { duplicate, .. } if *duplicate == wanted.0);
        same.then_some(known.as_ref())
    }

    fn grid(&self) -> Option<Grid> {
        let pair = self.window.current()?;
        if let Some(Merging { records, preview: Ok(preview), .. }) = self.planned()
            && let Some(table) = preview.merges.first()
        {
            return Some(Grid::planned(table, records));
        }
        Some(Grid::found(pair, self.chosen.survivor.as_ref()))
    }

    fn records(&self) -> Vec<RecordRef> {
        self.grid().map(|grid| grid.records).unwrap_or_default()
    }

    fn merge(&mut self) -> Vec<Effect> {
        let Some((duplicate, survivor, wish)) = self.wanted() else { return Vec::new() };
        let Some(pair) = self.window.current() else { return Vec::new() };
        // With the records that are shown; a group is named record by record.
        let decision = match self.planned() {
            Some(planned) if self.merging.told(&(duplicate, survivor.clone(), wish.clone())).is_some() => {
                planned.decision.clone()
            }
            _ => Decision::Merge {
                duplicate,
                survivor: survivor.unwrap_or_else(|| pair.left.clone()),
                wish: Box::new(wish),
            },
        };
        let Decision::Merge { survivor, wish, .. } = &decision else { return Vec::new() };
        let system = survivor.system().title();
        let others: Vec<RecordRef> = self.records().into_iter().filter(|record| record != survivor).collect();
        let title = match others.as_slice() {
            [gone] if wish.instead.is_some() => format!("Copy over, then archive {system} {}", gone.id),
            [gone] => format!("Merge {system} {} into {}", gone.id, survivor.id),
            _ => format!("Merge {} {system} {}s into {}", others.len() + 1, survivor.object, survivor.id),
        };
        self.merged = Some(duplicate);
        vec![Effect::Confirm(Box::new(Pending::Decide { decision, title }))]
    }

    /// The two, or in a group the record under the cursor, are different people.
    fn part(&self) -> Vec<Effect> {
        let Some(pair) = self.window.current() else { return Vec::new() };
        let record = self.records().get(self.cell.1).cloned();
        if let (Focus::Detail, Some(record)) = (self.focus, record)
            && let Some(group) = self.planned().and_then(|known| known.group.as_ref())
            && group.members.len() > 2
        {
            let pairs: Vec<DuplicateId> = group
                .pairs
                .iter()
                .filter(|pair| pair.left == record || pair.right == record)
                .filter(|pair| matches!(pair.state, ReviewState::Open | ReviewState::Ignored))
                .map(|pair| pair.id)
                .collect();
            if !pairs.is_empty() {
                let title = format!("{} is somebody else", record.title());
                let wish = Sending::Apart(pairs, record.title());
                return vec![Effect::Confirm(Box::new(Pending::Link { wish, title }))];
            }
        }
        let text =
            format!("{} and {} ({}) stay two records.", pair.left.title(), pair.right.id, pair.subject);
        vec![Effect::Confirm(Box::new(Pending::Part { id: pair.id, text }))]
    }

    fn unsure(&self) -> Vec<Effect> {
        let Some(pair) = self.window.current() else { return Vec::new() };
        let verdict =
            NewVerdict { id: pair.id, verdict: Verdict::Unsure, until: None, reason: String::new() };
        vec![Effect::Judge(verdict)]
    }

    fn put_off(&self, ctx: &Ctx) -> Vec<Effect> {
        let Some(pair) = self.window.current() else { return Vec::new() };
        let days = |days: u64| Some(ctx.now.plus(Duration::from_secs(days * 24 * 3600)));
        let rows = [
            ("for a day", days(1)),
            ("for a week", days(7)),
            ("for four weeks", days(28)),
            ("until one of the compared fields changes", None),
        ];
        let entries = rows
            .into_iter()
            .map(|(words, until)| Entry {
                words: format!("put it off {words}"),
                pending: Pending::PutOff {
                    verdict: NewVerdict {
                        id: pair.id,
                        verdict: Verdict::Later,
                        until,
                        reason: String::new(),
                    },
                    text: format!("{} is put off {words}. Nothing is sent.", pair.subject),
                },
            })
            .collect();
        let label = "It comes back at once when one of the compared fields changes.".to_owned();
        vec![Effect::Offer(Box::new(Menu::new(format!("{}: later", pair.subject), label, entries)))]
    }

    /// The pair whose verdict is taken back: this one, else the last one something was said of.
    fn taken_back(&self) -> Option<DuplicateId> {
        let judged = self.window.current().filter(|pair| pair.standing.judgement.is_some());
        judged.map(|pair| pair.id).or(self.said)
    }

    /// Takes back the newest thing: what was said of this pair, the last word, or the last merge.
    fn undo(&mut self) -> Vec<Effect> {
        let done = self.window.current().filter(|pair| pair.state == ReviewState::Done).map(|pair| pair.id);
        if done.is_none()
            && let Some(id) = self.taken_back()
        {
            self.said = None;
            return vec![Effect::TakeBack(id)];
        }
        let Some(id) = done.or(self.merged) else { return Vec::new() };
        let title = format!("Take the merge of {id} back");
        vec![Effect::Confirm(Box::new(Pending::Link { wish: Sending::Unmerge(id), title }))]
    }

    /// Lets the value under the cursor survive, or leaves it to the rules again.
    fn take_value(&mut self) {
        let Some(grid) = self.grid() else { return };
        let (Some(row), Some(record)) = (grid.rows.get(self.cell.0), grid.records.get(self.cell.1)) else {
            return;
        };
        let take = Take { field: row.field.clone(), record: record.clone() };
        let again = self.chosen.take.contains(&take);
        self.chosen.take.retain(|other| other.field != take.field);
        if !again {
            self.chosen.take.push(take);
        }
    }

    fn step(&mut self, rows: i64, columns: i64) {
        let Some(grid) = self.grid() else { return };
        let moved = |at: usize, by: i64, many: usize| {
            (at as i64).saturating_add(by).clamp(0, many.saturating_sub(1) as i64) as usize
        };
        self.cell =
            (moved(self.cell.0, rows, grid.rows.len()), moved(self.cell.1, columns, grid.records.len()));
        self.follow.set(true);
    }

    fn hear(&mut self, ticket: Ticket, told: Heard) -> Vec<Effect> {
        let Heard::Merge(answer) = told else { return Vec::new() };
        let refused = match self.merging.answer(ticket, answer) {
            Some((wanted, Ok(known))) if !wanted.2.take.is_empty() => match &known.preview {
                Err(why) => Some((wanted.0, why.clone())),
                Ok(_) => None,
            },
            _ => None,
        };
        // A value that cannot be taken is given back at once, with the reason.
        if let Some((id, why)) = refused
            && self.window.selected() == Some(id.0)
            && self.chosen.take.pop().is_some()
        {
            return vec![Effect::Toast(Tone::Warning, why)];
        }
        Vec::new()
    }

    fn below(&self, ctx: &Ctx) -> Vec<Line<'static>> {
        let rows = self.window.rows();
        let certain = rows.iter().filter(|pair| pair.band == Band::Auto).count() as u64;
        let ours = rows.iter().any(|pair| pair.standing.origin.is_some());
        let mut lines = Vec::new();
        if certain > 0 {
            let verb = if certain == 1 { "is" } else { "are" };
            lines.push(Line::from(vec![
                span(format!("{} {verb} certain: ", thousands(certain)), ctx.theme.muted),
                span("m", ctx.theme.key),
                span(" reviews", ctx.theme.muted),
            ]));
        }
        if ours {
            lines.push(Line::from(span("* of Reknit's own making, with the cause.", ctx.theme.muted)));
        }
        lines
    }
}

impl Pane for Duplicates {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        if let Msg::Act(action) = &msg
            && let Some(effects) = self.many(ctx, *action)
        {
            return effects;
        }
        let before = self.window.selected();
        let mut effects = match msg {
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                match action {
                    Action::Down => self.step(1, 0),
                    Action::Up => self.step(-1, 0),
                    Action::First => self.step(i64::MIN / 4, 0),
                    Action::Last => self.step(i64::MAX / 4, 0),
                    _ => {
                        super::scroll_as(&self.beneath, action);
                        if ctx.size.1 < 26 {
                            super::scroll_as(&self.scroll, action);
                        }
                    }
                }
                Vec::new()
            }
            Msg::Act(action @ (Action::ColumnLeft | Action::ColumnRight)) => {
                // From the list it only goes over; the first column is where one arrives.
                if self.focus == Focus::Detail {
                    self.step(0, if action == Action::ColumnRight { 1 } else { -1 });
                } else {
                    self.focus = Focus::Detail;
                }
                Vec::new()
            }
            Msg::Act(Action::TakeValue) => {
                self.take_value();
                Vec::new()
            }
            Msg::Act(Action::Merge) => self.merge(),
            Msg::Act(Action::Distinct) => {
                self.said = self.window.current().map(|pair| pair.id);
                self.part()
            }
            Msg::Act(Action::Unsure) => {
                self.said = self.window.current().map(|pair| pair.id);
                self.unsure()
            }
            Msg::Act(Action::PutOff) => {
                self.said = self.window.current().map(|pair| pair.id);
                self.put_off(ctx)
            }
            Msg::Act(Action::UndoVerdict) => self.undo(),
            Msg::Act(Action::SwapSurvivor) => {
                if let Some(grid) = self.grid() {
                    let next = (grid.survivor + 1) % grid.records.len().max(1);
                    self.chosen.survivor = grid.records.get(next).cloned();
                }
                Vec::new()
            }
            Msg::Choose(digit) => {
                if let Some(record) = self.records().get(usize::from(digit).wrapping_sub(1)) {
                    self.chosen.survivor = Some(record.clone());
                }
                Vec::new()
            }
            Msg::Act(Action::Copy) => {
                let grid = self.grid();
                let cell = grid.as_ref().filter(|_| self.focus == Focus::Detail).and_then(|grid| {
                    grid.rows.get(self.cell.0).and_then(|row| row.values.get(self.cell.1)).cloned()
                });
                let id = self.window.current().map(|pair| pair.left.id.clone());
                cell.or(id).map(Effect::Copy).into_iter().collect()
            }
            Msg::Loaded(ticket, Loaded::Duplicates(page)) => {
                self.window.answer(ctx, ticket, page).1.into_iter().collect()
            }
            Msg::Loaded(ticket, Loaded::Reviews(told)) => self.hear(ticket, *told),
            Msg::Click(Target::Choice(row), _) => {
                self.focus = Focus::Detail;
                self.cell.0 = row;
                Vec::new()
            }
            Msg::Wheel(Target::Detail | Target::Choice(_), by) => {
                super::scroll_by(&self.scroll, by);
                Vec::new()
            }
            Msg::Wheel(Target::Tab(_), by) => {
                super::scroll_by(&self.beneath, by);
                Vec::new()
            }
            other => {
                if matches!(other, Msg::Refresh | Msg::Shown) {
                    self.merging.age();
                }
                super::list_beside_detail(&mut self.window, &mut self.focus, ctx, other)
            }
        };
        if self.window.selected() != before {
            self.scroll.set(0);
            self.beneath.set(0);
            self.cell = (0, 0);
            self.chosen = Chosen::default();
        }
        let wanted = self.wanted();
        effects.extend(
            self.merging.want(ctx, wanted, |(id, survivor, wish)| Ask::Merge(id, survivor, Box::new(wish))),
        );
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let (list, detail) = split(ctx, area, self.focus, (area.width * 33 / 100).clamp(34, 56));
        if let Some(list) = list {
            let frame = Frame {
                title: "Duplicates",
                order: "groups, surest first",
                columns: &COLUMNS,
                nothing: "No duplicates.\nRecords that look alike appear here with the evidence for it.",
                focused: self.focus == Focus::List,
                below: self.below(ctx),
            };
            parts::list(ctx, buffer, list, &frame, &self.window, |pair| {
                let deciding = pair.state == ReviewState::Deciding;
                let low =
                    pair.standing.judgement.as_ref().is_some_and(|said| said.verdict == Verdict::Unsure);
                let text = if deciding || low { theme.muted } else { theme.text };
                let mark = known::mark(pair).map_or_else(String::new, |mark| format!("{mark} "));
                vec![
                    (
                        if deciding { "↻".to_owned() } else { percent(pair.probability) },
                        if deciding { theme.warn } else { theme.bold },
                    ),
                    (format!("{mark}{}", pair.subject), text),
                    (
                        format!("{} ×{}", pair.left.system().short(), pair.standing.members.max(2)),
                        theme.muted,
                    ),
                    (age(ctx.now, pair.created_at), theme.muted),
                    (pair.left.id.clone(), theme.muted),
                    (pair.state.to_string(), theme.muted),
                    (pair.id.to_string(), theme.muted),
                ]
            });
        }
        if let Some(detail) = detail {
            self.draw_detail(ctx, buffer, detail);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let Some(pair) = self.window.current() else {
            return match action {
                Action::UndoVerdict if self.said.or(self.merged).is_some() => Ok(()),
                Action::Merge
                | Action::Distinct
                | Action::Unsure
                | Action::PutOff
                | Action::UndoVerdict
                | Action::SwapSurvivor
                | Action::TakeValue
                | Action::Copy
                | Action::Open => Err("there is no group here".to_owned()),
                _ => Ok(()),
            };
        };
        match action {
            Action::UndoVerdict
                if self.taken_back().or(self.merged).is_none() && pair.state != ReviewState::Done =>
            {
                Err("nothing was said of this pair, and nothing was merged".to_owned())
            }
            Action::TakeValue if self.focus != Focus::Detail => {
                Err("choose a cell of the comparison first (Tab, arrows)".to_owned())
            }
            Action::Distinct | Action::Unsure | Action::PutOff if self.many_marked() => Ok(()),
            Action::Merge | Action::Distinct | Action::Unsure | Action::PutOff
                if pair.state == ReviewState::Deciding =>
            {
                Err(format!("{} is decided and being carried out", pair.id))
            }
            Action::Merge if !pair.mergeable && Instead::offered_by(pair.obstacle.as_deref()).is_none() => {
                Err(pair
                    .obstacle
                    .as_deref()
                    .unwrap_or("the vendor cannot merge these two")
                    .trim_end_matches('.')
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn back(&mut self, ctx: &Ctx) -> Option<Vec<Effect>> {
        super::step_back(&mut self.window, &mut self.focus, ctx)
    }

    fn filter(&self) -> &str {
        self.window.text()
    }

    fn list(&self) -> Option<&dyn Listed> {
        Some(&self.window)
    }

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        let fields = row.left_fields.values().chain(row.right_fields.values()).map(value_text);
        Some((row.id.to_string(), [row.subject.clone()].into_iter().chain(fields).collect()))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn loaded_items(&self) -> Vec<Item> {
        self.window.items()
    }

    fn items(&self) -> Vec<String> {
        self.window.chosen().into_iter().map(|key| crate::domain::ids::DuplicateId(key).to_string()).collect()
    }

    fn choices(&self) -> usize {
        if self.focus == Focus::Detail { self.records().len().min(9) } else { 0 }
    }
}
