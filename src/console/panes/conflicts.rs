//! Screen 3: fields two sides disagree on; what each side says, what they last agreed on, and which value wins.
//!
//! A decision is only marked here; what is decided goes through the dialog that shows the calls, all of them together.
//! What a key offers beyond that (a rule, a translation, later) is in `offers`.

mod listed;
mod offers;

use std::cell::Cell;
use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use serde_json::Value;

use listed::COLUMNS;

use super::conflict_detail::{self, Shown, Told};
use super::listing::Listed;
use super::parts::{self, Frame};
use super::reviews::{Ask, Beside, Told as Heard};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::links::Wish as Sending;
use crate::console::msg::{Loaded, Msg};
use crate::console::text::{age, counted, cut_end, cut_middle, span};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{hidden, mark_selected, scrolled};
use crate::domain::filter::Filter;
use crate::domain::ids::ConflictId;
use crate::domain::record::{RecordRef, value_text};
use crate::domain::review::{Choice, Conflict, ConflictKind, ReviewState};
use crate::domain::team::Item;
use crate::engine::explain::Account;
use crate::engine::operate::compare::Compared;

impl Row for Conflict {
    fn key(&self) -> i64 {
        self.id.0
    }

    fn item(&self) -> Option<Item> {
        Some(Item::Conflict(self.id))
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Conflicts {
    window: Window<Conflict>,
    focus: Focus,
    scroll: Cell<usize>,
    /// The field under the cursor is to be scrolled into sight.
    follow: Cell<bool>,
    role: String,
    /// Decided, and not sent.
    decided: BTreeMap<ConflictId, Choice>,
    /// The two values each was decided on: another one asks anew.
    shown: BTreeMap<ConflictId, (Value, Value)>,
    /// The field under the cursor of the detail.
    at: Option<ConflictId>,
    unfolded: bool,
    record: Beside<ConflictId, Box<Compared>>,
    history: Beside<(RecordRef, String), Box<Account>>,
    waiting: Beside<Vec<ConflictId>, Vec<ConflictId>>,
}

impl Default for Conflicts {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Conflicts).of(&COLUMNS),
            focus: Focus::List,
            scroll: Cell::new(0),
            follow: Cell::new(false),
            role: String::new(),
            decided: BTreeMap::new(),
            shown: BTreeMap::new(),
            at: None,
            unfolded: false,
            record: Beside::default(),
            history: Beside::default(),
            waiting: Beside::default(),
        }
    }
}

impl Conflicts {
    /// The screen of somebody with a role; empty when they have none.
    pub fn of_role(role: &str) -> Self {
        Self { role: role.to_owned(), ..Self::default() }
    }

    /// The role changed while the console runs.
    pub fn set_role(&mut self, role: &str) {
        role.clone_into(&mut self.role);
    }

    /// What is known of the record of the selected row.
    fn compared(&self) -> Option<&Compared> {
        let row = self.window.current()?;
        let known = self.record.last()?;
        let same = known.disputed.iter().any(|one| one.conflict.id == row.id);
        same.then_some(known.as_ref())
    }

    /// The conflict that keys are about: the field under the cursor in the detail, else the row.
    fn target(&self) -> Option<&Conflict> {
        let row = self.window.current();
        if self.focus == Focus::List {
            return row;
        }
        let at = self.at?;
        let known = self.compared().and_then(|known| known.disputed.iter().find(|one| one.conflict.id == at));
        known.map(|one| &one.conflict).or(row)
    }

    /// Goes to another field of the record; false at the first and last.
    fn move_field(&mut self, ctx: &Ctx, by: i64) -> Option<Vec<Effect>> {
        let target = self.target()?.id;
        let ids: Vec<ConflictId> = self.compared()?.disputed.iter().map(|one| one.conflict.id).collect();
        let place = ids.iter().position(|id| *id == target)? as i64 + by;
        let next = *ids.get(usize::try_from(place).ok()?)?;
        Some(self.go_to(ctx, next))
    }

    fn go_to(&mut self, ctx: &Ctx, id: ConflictId) -> Vec<Effect> {
        self.at = Some(id);
        self.follow.set(true);
        // The list follows where it has the row; nothing is loaded for that.
        if self.window.rows().iter().any(|row| row.id == id) {
            return self.window.select(ctx, id.0).into_iter().collect();
        }
        Vec::new()
    }

    /// The rows a decision is about: the marked ones, else the one under the cursor.
    fn meant(&self) -> Vec<ConflictId> {
        if self.focus == Focus::List && !self.window.marks().is_empty() {
            return self.window.chosen().into_iter().map(ConflictId).collect();
        }
        self.target().map(|conflict| conflict.id).into_iter().collect()
    }

    /// Decides, or takes the same decision back.
    fn decide(&mut self, choice: &Choice) {
        let meant = self.meant();
        let all = meant.iter().all(|id| self.decided.get(id) == Some(choice));
        for id in meant {
            if all {
                self.decided.remove(&id);
            } else {
                self.set(id, choice.clone());
            }
        }
    }

    fn set(&mut self, id: ConflictId, choice: Choice) {
        let rows = self.window.rows().iter();
        let beside =
            self.record.last().into_iter().flat_map(|known| known.disputed.iter().map(|one| &one.conflict));
        let found = rows.chain(beside).find(|conflict| conflict.id == id);
        if let Some(conflict) = found {
            self.shown.insert(id, (conflict.left_value.clone(), conflict.right_value.clone()));
        }
        self.decided.insert(id, choice);
    }

    /// Decisions on values that are not there any more go.
    fn forget_changed(&mut self) {
        let Self { window, decided, shown, .. } = self;
        for row in window.rows() {
            let other = shown
                .get(&row.id)
                .is_some_and(|(left, right)| *left != row.left_value || *right != row.right_value);
            if other || row.state == ReviewState::Deciding {
                decided.remove(&row.id);
                shown.remove(&row.id);
            }
        }
    }

    /// The dialog with every write of what is decided.
    fn send(&self) -> Vec<Effect> {
        let wanted: Vec<(ConflictId, Choice)> =
            self.decided.iter().map(|(id, choice)| (*id, choice.clone())).collect();
        let title = format!("Send {}", counted(wanted.len() as u64, "decision"));
        vec![Effect::Confirm(Box::new(Pending::Link { wish: Sending::Settle(wanted), title }))]
    }

    /// Questions beside the list, as far as they are not answered yet.
    fn questions(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let mut effects = Vec::new();
        let selected = self.window.selected().map(ConflictId);
        effects.extend(self.record.want(ctx, selected, Ask::Record));
        let about = self.target().map(|conflict| (conflict.left.clone(), conflict.field.clone()));
        effects.extend(self.history.want(ctx, about, |(record, field)| Ask::History(record, field)));
        let decided: Vec<ConflictId> = self.decided.keys().copied().collect();
        let decided = (!decided.is_empty()).then_some(decided);
        effects.extend(self.waiting.want(ctx, decided, Ask::Waiting));
        effects
    }

    fn hear(&mut self, ticket: crate::console::msg::Ticket, told: Heard) {
        match told {
            Heard::Record(answer) => {
                self.record.answer(ticket, answer);
            }
            Heard::History(answer) => {
                self.history.answer(ticket, answer);
            }
            Heard::Waiting(answer) => {
                if let Some((asked, Ok(still))) = self.waiting.answer(ticket, answer) {
                    // What is being written, or was settled meanwhile, is not decided here any more.
                    self.decided.retain(|id, _| !asked.contains(id) || still.contains(id));
                }
            }
            _ => {}
        }
    }

    fn mine(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let term = format!("role:{}", self.role);
        let has = self.window.text().split_whitespace().any(|word| word == term);
        let mut words: Vec<&str> =
            self.window.text().split_whitespace().filter(|word| *word != term).collect();
        if !has {
            words.push(&term);
        }
        let text = words.join(" ");
        let filter = Filter::parse(&text).unwrap_or_default();
        self.window.set_filter(ctx, text, filter).into_iter().collect()
    }

    fn below(&self, ctx: &Ctx) -> Vec<Line<'static>> {
        if self.decided.is_empty() {
            return Vec::new();
        }
        let theme = &ctx.theme;
        let total = counted(self.decided.len() as u64, "field");
        vec![
            Line::from(span(format!("{total} decided, not sent."), theme.ok)),
            Line::from(vec![span("Enter", theme.key), span(" shows the writes, then sends", theme.muted)]),
        ]
    }

    /// How a row stands, as two glyphs and their style.
    fn glyph(&self, ctx: &Ctx, row: &Conflict) -> (String, ratatui::style::Style) {
        let theme = &ctx.theme;
        let (text, style) = match (row.state, self.decided.get(&row.id)) {
            (ReviewState::Deciding, _) => ("↻", theme.warn),
            (ReviewState::Done | ReviewState::Dismissed | ReviewState::Obsolete, _) => ("✓", theme.ok),
            (_, Some(Choice::Left)) => ("✓ ←", theme.ok),
            (_, Some(Choice::Right)) => ("✓ →", theme.ok),
            (_, Some(Choice::Clear)) => ("✓ 0", theme.ok),
            (_, Some(Choice::Value(_) | Choice::Translate(_))) => ("✓ e", theme.ok),
            (ReviewState::Ignored, None) => ("‖", theme.muted),
            _ => ("≠", theme.warn),
        };
        (text.to_owned(), style)
    }

    fn told(&self, ctx: &Ctx, cells: usize) -> Option<Told> {
        let conflict = self.target()?;
        let about = (conflict.left.clone(), conflict.field.clone());
        let account = self.history.told(&about).and_then(|answer| answer.as_ref().ok());
        let shown = Shown {
            conflict,
            compared: self.compared(),
            account: account.map(AsRef::as_ref),
            decided: &self.decided,
            unfolded: self.unfolded,
        };
        Some(conflict_detail::lines(ctx, &shown, cells))
    }

    fn draw_detail(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let Some(target) = self.target() else {
            Panel::new(theme, "Detail", focused).draw(theme, buffer, area);
            return;
        };
        let name = |record: &RecordRef| {
            let system = record.system();
            if area.width < 66 { system.short() } else { system.title() }
        };
        let ends = format!(
            "{} {} ⇄ {} {}",
            name(&target.left),
            cut_middle(&target.left.id, 11),
            name(&target.right),
            cut_middle(&target.right.id, 11)
        );
        // Columns may be wide, prose may not: nobody reads lines of 200 letters.
        let cells = usize::from(area.width.saturating_sub(4)).min(130);
        let Some(told) = self.told(ctx, cells) else { return };
        let height = area.height.saturating_sub(2);
        let under = told.fields.iter().find(|(id, _)| *id == target.id).map(|(_, lines)| lines.clone());
        if self.follow.take()
            && let Some(under) = &under
        {
            let (at, tall) = (self.scroll.get(), usize::from(height));
            self.scroll.set(at.min(under.start.saturating_sub(1)).max(under.end.saturating_sub(tall)));
        }
        let hidden = hidden(told.lines.len(), height, &self.scroll);
        let more = if hidden > 0 { format!("↓ {hidden} more") } else { String::new() };
        let open = told.fields.iter().filter(|(id, _)| !self.decided.contains_key(id)).count();
        let sum = format!("{} decided · {open} open · {}", told.fields.len() - open, target.id);
        let inner = Panel::new(theme, &cut_end(&target.subject, 40), focused)
            .right(Line::from(span(ends, theme.muted)))
            .bottom_left(Line::from(span(more, theme.muted)))
            .bottom_right(Line::from(span(sum, theme.muted)))
            .draw(theme, buffer, area);
        if inner.width <= 2 {
            return;
        }
        let body = Rect { x: inner.x + 1, width: inner.width - 2, ..inner };
        scrolled(buffer, body, &told.lines, &self.scroll);
        let from = self.scroll.get();
        for (index, (id, lines)) in told.fields.iter().enumerate() {
            let (top, end) = (lines.start.max(from), lines.end.min(from + usize::from(inner.height)));
            if top >= end {
                continue;
            }
            let place = Rect { y: inner.y + (top - from) as u16, height: (end - top) as u16, ..inner };
            ctx.target(place, Target::Choice(index));
            if *id == target.id && told.fields.len() > 1 {
                mark_selected(theme, buffer, place, focused);
            }
        }
    }
}

impl Pane for Conflicts {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        if let Msg::Act(action) = &msg
            && let Some(effects) = self.many(ctx, *action)
        {
            return effects;
        }
        let before = self.window.selected();
        let mut effects = match msg {
            Msg::Act(action @ (Action::Down | Action::Up)) if self.focus == Focus::Detail => {
                let by = if action == Action::Down { 1 } else { -1 };
                self.move_field(ctx, by).unwrap_or_else(|| {
                    super::scroll_as(&self.scroll, action);
                    Vec::new()
                })
            }
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                super::scroll_as(&self.scroll, action);
                Vec::new()
            }
            Msg::Act(action @ (Action::TakeLeft | Action::TakeRight | Action::ClearBoth)) => {
                self.decide(&match action {
                    Action::TakeLeft => Choice::Left,
                    Action::TakeRight => Choice::Right,
                    _ => Choice::Clear,
                });
                Vec::new()
            }
            Msg::Typed(id, text) => {
                self.set(id, Choice::Value(text));
                Vec::new()
            }
            Msg::Act(Action::Open) if !self.decided.is_empty() => self.send(),
            Msg::Act(Action::SendDecided) => self.send(),
            Msg::Act(Action::EqualFields) => {
                self.unfolded = !self.unfolded;
                Vec::new()
            }
            Msg::Act(Action::Translate) => self.translate(),
            Msg::Act(Action::Reopen) => self.reopen(),
            Msg::Act(Action::MakeRule) => self.make_rule(),
            Msg::Act(Action::Later) => self.later(ctx),
            Msg::Act(Action::Block) => self.block(),
            Msg::Act(Action::Why) => self.why(),
            Msg::Act(Action::Mine) => self.mine(ctx),
            Msg::Act(Action::TypeValue) => self.type_value(),
            Msg::Act(Action::Copy) => self
                .target()
                .map(|conflict| Effect::Copy(value_text(&conflict.left_value)))
                .into_iter()
                .collect(),
            Msg::Loaded(ticket, Loaded::Conflicts(page)) => {
                let effects = self.window.answer(ctx, ticket, page).1.into_iter().collect();
                self.forget_changed();
                effects
            }
            Msg::Loaded(ticket, Loaded::Reviews(told)) => {
                self.hear(ticket, *told);
                Vec::new()
            }
            Msg::Click(Target::Choice(at), _) => {
                self.focus = Focus::Detail;
                let id = self.compared().and_then(|known| known.disputed.get(at)).map(|one| one.conflict.id);
                id.map_or_else(Vec::new, |id| self.go_to(ctx, id))
            }
            Msg::Wheel(Target::Detail | Target::Choice(_), by) => {
                super::scroll_by(&self.scroll, by);
                Vec::new()
            }
            other => {
                if matches!(other, Msg::Refresh | Msg::Shown) {
                    self.record.age();
                    self.waiting.age();
                }
                super::list_beside_detail(&mut self.window, &mut self.focus, ctx, other)
            }
        };
        if self.window.selected() != before {
            let stays = self.at.is_some() && self.at.map(|at| at.0) == self.window.selected();
            if !stays {
                self.scroll.set(0);
            }
            self.at = self.window.selected().map(ConflictId);
            self.follow.set(true);
        } else if self.at.is_none() {
            self.at = self.window.selected().map(ConflictId);
        }
        effects.extend(self.questions(ctx));
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let (list, detail) = split(ctx, area, self.focus, (area.width * 33 / 100).clamp(45, 72));
        if let Some(list) = list {
            let frame = Frame {
                title: "Conflicts",
                order: "oldest first",
                columns: &COLUMNS,
                nothing: "Nothing to decide.\nWhere the mapping's rules cannot decide a field, it is held back and appears here; \
                          the rest of the record is written.",
                focused: self.focus == Focus::List,
                below: self.below(ctx),
            };
            parts::list(ctx, buffer, list, &frame, &self.window, |row| {
                let quiet = !matches!(row.state, ReviewState::Open);
                let text = if quiet { theme.muted } else { theme.text };
                let why = match row.state {
                    ReviewState::Deciding => "being written",
                    ReviewState::Ignored => "left alone",
                    ReviewState::Done => "settled",
                    ReviewState::Dismissed | ReviewState::Obsolete => "no more",
                    ReviewState::Open => row.kind.phrase(),
                };
                vec![
                    self.glyph(ctx, row),
                    (row.subject.clone(), text),
                    (row.field.clone(), text),
                    (why.to_owned(), theme.muted),
                    (age(ctx.now, row.created_at), theme.muted),
                    (value_text(&row.left_value), theme.muted),
                    (value_text(&row.right_value), theme.muted),
                    (row.decides.clone(), theme.muted),
                    (row.kind.phrase().to_owned(), theme.muted),
                    (row.right.id.clone(), theme.muted),
                    (row.id.to_string(), theme.muted),
                ]
            });
        }
        if let Some(detail) = detail {
            self.draw_detail(ctx, buffer, detail);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let decides = matches!(
            action,
            Action::TakeLeft
                | Action::TakeRight
                | Action::TypeValue
                | Action::ClearBoth
                | Action::Translate
                | Action::MakeRule
                | Action::Later
                | Action::Block
        );
        if action == Action::Reopen
            && self.target().is_none_or(|conflict| conflict.state != ReviewState::Done)
        {
            return Err("only what is settled is taken back; / status:done shows it".to_owned());
        }
        if action == Action::Mine && self.role.is_empty() {
            return Err(
                "no role is set (console.role in the settings); / role:revops filters by one".to_owned()
            );
        }
        if action == Action::SendDecided && self.decided.is_empty() {
            return Err("nothing is decided yet: ← → e 0 decide".to_owned());
        }
        let Some(conflict) = self.target() else {
            return if decides
                || matches!(action, Action::Why | Action::Copy | Action::Open | Action::EqualFields)
            {
                Err("there is no conflict here".to_owned())
            } else {
                Ok(())
            };
        };
        if self.by_filter(action) {
            return Ok(());
        }
        if decides && !matches!(conflict.state, ReviewState::Open | ReviewState::Ignored) {
            return Err(if conflict.state == ReviewState::Deciding {
                format!("{} is decided and being carried out", conflict.id)
            } else {
                format!("{} is settled; u takes that back", conflict.id)
            });
        }
        match (action, conflict.kind) {
            (Action::TypeValue, ConflictKind::Identity) if conflict.field == "Identity" => {
                Err("who somebody is, is one of the two records".to_owned())
            }
            (Action::TypeValue, ConflictKind::UnknownField) => {
                Err("the target has no such field, so it takes no value at all".to_owned())
            }
            (Action::Translate, kind) if kind != ConflictKind::NotAllowed || conflict.allowed.is_empty() => {
                Err("only where the target takes certain values and this is none of them".to_owned())
            }
            (Action::MakeRule | Action::ClearBoth, ConflictKind::Identity) => {
                Err("who somebody is, is decided one by one".to_owned())
            }
            (Action::Block, ConflictKind::Identity | ConflictKind::UnknownField) => {
                Err("this conflict does not come from a direction".to_owned())
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
        let values = [&row.left_value, &row.right_value].map(value_text);
        Some((row.id.to_string(), [row.subject.clone()].into_iter().chain(values).collect()))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn loaded_items(&self) -> Vec<Item> {
        self.window.items()
    }

    fn items(&self) -> Vec<String> {
        self.window.chosen().into_iter().map(|key| crate::domain::ids::ConflictId(key).to_string()).collect()
    }
}
