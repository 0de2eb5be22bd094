//! Screen 3: fields two sides disagree on; what each side says, what they last agreed on, and which value wins.
//!
//! A decision always goes through the dialog that shows the calls; nothing is written from here.

use std::cell::Cell;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::conflict_detail;
use super::parts::{self, Frame};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::layers::prompt::{Purpose, Question};
use crate::console::layers::telling::Telling;
use crate::console::msg::{Loaded, Msg};
use crate::console::text::{age, cut_end, cut_middle, span};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Kind, hidden, scrolled};
use crate::domain::filter::Filter;
use crate::domain::pause::Direction;
use crate::domain::record::value_text;
use crate::domain::review::{Choice, Conflict, ConflictKind, ReviewState};
use crate::engine::operate::disputes::{Reach, Wish};

const COLUMNS: [Column; 4] = [
    Column { title: "RECORD", kind: Kind::Words, drop: 0, most: 26 },
    Column { title: "FIELD", kind: Kind::Words, drop: 0, most: 20 },
    Column { title: "WHY", kind: Kind::Words, drop: 1, most: 18 },
    Column { title: "AGE", kind: Kind::Number, drop: 0, most: 4 },
];

/// Asks before a wish is carried out.
fn ask(conflict: &Conflict, wish: Wish, reach: Reach, title: String) -> Vec<Effect> {
    vec![Effect::Confirm(Box::new(Pending::Propose { conflict: conflict.id, wish, reach, title }))]
}

impl Row for Conflict {
    fn key(&self) -> i64 {
        self.id.0
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Conflicts {
    window: Window<Conflict>,
    focus: Focus,
    scroll: Cell<usize>,
    role: String,
}

impl Default for Conflicts {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Conflicts),
            focus: Focus::List,
            scroll: Cell::new(0),
            role: String::new(),
        }
    }
}

impl Conflicts {
    /// The screen of somebody with a role; empty when they have none.
    pub fn of_role(role: &str) -> Self {
        Self { role: role.to_owned(), ..Self::default() }
    }

    fn settle(&self, choice: Choice) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let value = |value| cut_end(&value_text(value), 24);
        let title = match &choice {
            Choice::Left => format!(
                "{}: take {}'s \"{}\"",
                conflict.field,
                conflict.left.system().title(),
                value(&conflict.left_value)
            ),
            Choice::Right => format!(
                "{}: take {}'s \"{}\"",
                conflict.field,
                conflict.right.system().title(),
                value(&conflict.right_value)
            ),
            _ => format!("{} of {}: empty it on both sides", conflict.field, conflict.subject),
        };
        ask(conflict, Wish::Settle(choice), Reach::This, title)
    }

    fn translate(&self) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        vec![Effect::Ask(Box::new(Question::new(Purpose::Translation {
            conflict: conflict.id,
            field: conflict.field.clone(),
            from: value_text(&conflict.left_value),
            allowed: conflict.allowed.clone(),
        })))]
    }

    fn offer(&self, title: String, label: &str, rows: Vec<(String, Wish, Reach)>) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let entries = rows
            .into_iter()
            .map(|(words, wish, reach)| Entry {
                pending: Pending::Propose {
                    conflict: conflict.id,
                    wish,
                    reach,
                    title: format!("{}: {words}", conflict.field),
                },
                words,
            })
            .collect();
        vec![Effect::Offer(Box::new(Menu::new(title, label.to_owned(), entries)))]
    }

    fn make_rule(&self) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
        let choices = [
            (format!("{ic}'s value counts"), Choice::Left),
            (format!("{crm}'s value counts"), Choice::Right),
            ("both are emptied".to_owned(), Choice::Clear),
        ];
        let mut rows = Vec::new();
        for (which, reach) in [
            ("when the two values are these", Reach::SameValues),
            ("whatever the values are", Reach::AnyValues),
        ] {
            for (words, choice) in &choices {
                rows.push((format!("{words}, {which}"), Wish::Settle(choice.clone()), reach));
            }
        }
        self.offer(
            format!("A rule for {}, {}", conflict.field, conflict.kind.phrase()),
            "Decides every open conflict like this one, and those found later. What each becomes is shown next.",
            rows,
        )
    }

    fn later(&self, ctx: &Ctx) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let hours = |hours: u64| Some(ctx.now.plus(Duration::from_secs(hours * 3600)));
        let rows = [
            ("for a day", hours(24)),
            ("for a week", hours(7 * 24)),
            ("for four weeks", hours(28 * 24)),
            ("until one of the values changes", None),
        ];
        let rows = rows
            .into_iter()
            .map(|(words, until)| (format!("leave it alone {words}"), Wish::Ignore(until), Reach::This))
            .collect();
        self.offer(
            format!("{} of {}: later", conflict.field, conflict.subject),
            "Both sides stay as they are. It comes back at once when one of the values changes.",
            rows,
        )
    }

    fn block(&self) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
        let rows = vec![
            (format!("write it to {crm} no more"), Wish::Disable(Direction::ToCrm), Reach::This),
            (format!("write it to {ic} no more"), Wish::Disable(Direction::ToIntercom), Reach::This),
        ];
        self.offer(
            format!("{}: one direction off, for everybody", conflict.field),
            "The side that is still written from becomes its source. Taken back by `reknit mapping direction`.",
            rows,
        )
    }

    fn why(&self) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let title = format!("{} of {}: how it came about", conflict.field, conflict.subject);
        let telling = Telling::of(title, conflict.left.clone(), conflict.field.clone());
        vec![Effect::Tell(Box::new(telling))]
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

    fn type_value(&self) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        vec![Effect::Ask(Box::new(Question::new(Purpose::Value {
            conflict: conflict.id,
            title: format!("{} of {}", conflict.field, conflict.subject),
            allowed: conflict.allowed.clone(),
            present: value_text(&conflict.left_value),
        })))]
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let others: Vec<&str> = self
            .window
            .rows()
            .iter()
            .filter(|other| {
                other.left == conflict.left && other.subject == conflict.subject && other.id != conflict.id
            })
            .map(|other| other.field.as_str())
            .collect();
        conflict_detail::lines(ctx, conflict, &others, cells)
    }
}

impl Pane for Conflicts {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let before = self.window.selected();
        let effects = match msg {
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                super::scroll_as(&self.scroll, action);
                Vec::new()
            }
            Msg::Act(Action::TakeLeft) => self.settle(Choice::Left),
            Msg::Act(Action::TakeRight) => self.settle(Choice::Right),
            Msg::Act(Action::ClearBoth) => self.settle(Choice::Clear),
            Msg::Act(Action::Translate) => self.translate(),
            Msg::Act(Action::MakeRule) => self.make_rule(),
            Msg::Act(Action::Later) => self.later(ctx),
            Msg::Act(Action::Block) => self.block(),
            Msg::Act(Action::Why) => self.why(),
            Msg::Act(Action::Mine) => self.mine(ctx),
            Msg::Act(Action::TypeValue) => self.type_value(),
            Msg::Act(Action::Copy) => self
                .window
                .current()
                .map(|conflict| Effect::Copy(value_text(&conflict.left_value)))
                .into_iter()
                .collect(),
            Msg::Loaded(ticket, Loaded::Conflicts(page)) => {
                self.window.answer(ctx, ticket, page).1.into_iter().collect()
            }
            Msg::Wheel(Target::Detail, by) => {
                super::scroll_by(&self.scroll, by);
                Vec::new()
            }
            other => super::list_beside_detail(&mut self.window, &mut self.focus, ctx, other),
        };
        if self.window.selected() != before {
            self.scroll.set(0);
        }
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let (list, detail) = split(ctx, area, self.focus, (area.width * 45 / 100).min(78));
        if let Some(list) = list {
            let frame = Frame {
                title: "Conflicts",
                order: "oldest first",
                columns: &COLUMNS,
                nothing: "Nothing to decide.\nWhere the mapping's rules cannot decide a field, it is held back and appears here; \
                          the rest of the record is written.",
                focused: self.focus == Focus::List,
                below: Vec::new(),
            };
            parts::list(ctx, buffer, list, &frame, &self.window, |row| {
                let (deciding, ignored) =
                    (row.state == ReviewState::Deciding, row.state == ReviewState::Ignored);
                let text = if deciding || ignored { theme.muted } else { theme.text };
                vec![
                    (row.subject.clone(), text),
                    (row.field.clone(), text),
                    (
                        match row.state {
                            ReviewState::Deciding => "↻ being written".to_owned(),
                            ReviewState::Ignored => "‖ left alone".to_owned(),
                            _ => row.kind.phrase().to_owned(),
                        },
                        if deciding || ignored { theme.muted } else { theme.warn },
                    ),
                    (age(ctx.now, row.created_at), theme.muted),
                ]
            });
        }
        let Some(detail) = detail else { return };
        ctx.target(detail, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let current = self.window.current();
        let title = current.map_or_else(|| "Detail".to_owned(), |row| cut_end(&row.subject, 40));
        let ends = current.map_or_else(Line::default, |row| {
            Line::from(span(
                format!(
                    "{} {} ⇄ {} {}",
                    row.left.system().title(),
                    cut_middle(&row.left.id, 11),
                    row.right.system().title(),
                    cut_middle(&row.right.id, 11)
                ),
                theme.muted,
            ))
        });
        let lines = self.lines(ctx, usize::from(detail.width.saturating_sub(4)).min(90));
        let hidden = hidden(lines.len(), detail.height.saturating_sub(2), &self.scroll);
        let more = if hidden > 0 { Line::from(span("↓ more", theme.muted)) } else { Line::default() };
        let id = current.map_or_else(Line::default, |row| Line::from(span(row.id.to_string(), theme.muted)));
        let inner = Panel::new(theme, &title, focused)
            .right(ends)
            .bottom_left(more)
            .bottom_right(id)
            .draw(theme, buffer, detail);
        if inner.width > 2 {
            let body = Rect { x: inner.x + 1, width: inner.width - 2, ..inner };
            scrolled(buffer, body, &lines, &self.scroll);
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
        if action == Action::Mine && self.role.is_empty() {
            return Err(
                "no role is set (console.role in the settings); / role:revops filters by one".to_owned()
            );
        }
        let Some(conflict) = self.window.current() else {
            return if decides || matches!(action, Action::Why | Action::Copy | Action::Open) {
                Err("there is no conflict here".to_owned())
            } else {
                Ok(())
            };
        };
        if decides && !matches!(conflict.state, ReviewState::Open | ReviewState::Ignored) {
            return Err(format!("{} is decided and being carried out", conflict.id));
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

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        let values = [&row.left_value, &row.right_value].map(value_text);
        Some((row.id.to_string(), [row.subject.clone()].into_iter().chain(values).collect()))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn items(&self) -> Vec<String> {
        self.window.chosen().into_iter().map(|key| crate::domain::ids::ConflictId(key).to_string()).collect()
    }
}
