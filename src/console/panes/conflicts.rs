//! Screen 3: fields two sides disagree on; what each side says, what they last agreed on, and which value wins.
//!
//! A decision always goes through the dialog that shows the calls; nothing is written from here.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;

use super::parts::{self, Frame, labelled, rule};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::prompt::{Purpose, Question};
use crate::console::msg::{Loaded, Msg};
use crate::console::text::{age, cut_end, cut_middle, left, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Kind, hidden, scrolled};
use crate::domain::clock::Timestamp;
use crate::domain::record::value_text;
use crate::domain::review::{Choice, Conflict, ConflictKind, Decision, ReviewState};

const COLUMNS: [Column; 4] = [
    Column { title: "RECORD", kind: Kind::Words, drop: 0, most: 26 },
    Column { title: "FIELD", kind: Kind::Words, drop: 0, most: 20 },
    Column { title: "WHY", kind: Kind::Words, drop: 1, most: 18 },
    Column { title: "AGE", kind: Kind::Number, drop: 0, most: 4 },
];

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
}

impl Default for Conflicts {
    fn default() -> Self {
        Self { window: Window::new(Screen::Conflicts), focus: Focus::List, scroll: Cell::new(0) }
    }
}

impl Conflicts {
    fn take(&self, choice: Choice) -> Vec<Effect> {
        let Some(conflict) = self.window.current() else { return Vec::new() };
        let (from, value) = match choice {
            Choice::Left => (conflict.left.system(), &conflict.left_value),
            _ => (conflict.right.system(), &conflict.right_value),
        };
        let value = cut_end(&value_text(value), 24);
        let title = format!("{}: take {}'s \"{value}\"", conflict.field, from.title());
        let decision = Decision::Resolve { conflict: conflict.id, choice };
        vec![Effect::Confirm(Box::new(Pending::Decide { decision, title }))]
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
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        if conflict.state == ReviewState::Deciding {
            let by = conflict.deciding.map_or_else(String::new, |id| format!(" by {id}"));
            lines.push(Line::from(span(format!("↻ Decided; being carried out{by}."), theme.warn)));
            lines.push(Line::default());
        }
        lines.extend(sides(ctx, conflict, cells));
        lines.push(Line::default());
        lines.extend(history(ctx, conflict, cells));
        lines.push(Line::default());
        lines.push(rule(ctx, "What to do", cells));
        lines.extend(advice(ctx, conflict, cells));
        if let Some(execution) = conflict.execution {
            lines.push(Line::default());
            let text = format!(
                "{execution} found it {} ago; the other fields of the record are written.",
                age(ctx.now, conflict.created_at)
            );
            lines.extend(wrap(&text, cells).into_iter().map(|line| Line::from(span(line, theme.muted))));
        }
        let others: Vec<&str> = self
            .window
            .rows()
            .iter()
            .filter(|other| {
                other.left == conflict.left && other.subject == conflict.subject && other.id != conflict.id
            })
            .map(|other| other.field.as_str())
            .collect();
        if !others.is_empty() {
            lines.extend(labelled(
                ctx,
                "Also",
                &format!("{} of the same record", others.join(", ")),
                theme.text,
                cells,
            ));
        }
        lines
    }
}

/// The two values beside each other, what differs underlined, and when each changed.
fn sides(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let half = cells.saturating_sub(2) / 2;
    let a = value_text(&conflict.left_value);
    let b = value_text(&conflict.right_value);
    let changed = |at: Option<Timestamp>| {
        at.map_or_else(|| "when: unknown".to_owned(), |at| format!("changed {}", ctx.day(at)))
    };
    let row = |l: Vec<Span<'static>>, r: Vec<Span<'static>>| {
        let used: usize = l.iter().map(|part| width(&part.content)).sum();
        let mut spans = l;
        spans.push(span(" ".repeat((half + 2).saturating_sub(used)), theme.text));
        spans.extend(r);
        Line::from(spans)
    };
    let head = |arrow: &str, name: String| {
        let spans = vec![
            span(arrow.to_owned(), theme.key),
            span(" ", theme.text),
            span(cut_end(&name, half.saturating_sub(2)), theme.muted),
        ];
        spans
    };
    let mut lines = vec![row(
        head("←", format!("{} {}", conflict.left.system().title().to_uppercase(), conflict.left_field)),
        head("→", format!("{} {}", conflict.right.system().title().to_uppercase(), conflict.right_field)),
    )];
    if width(&a) <= half.saturating_sub(2) && width(&b) <= half.saturating_sub(2) {
        let (l, r) = differing(&a, &b, theme.bold);
        let indent = |mut spans: Vec<Span<'static>>| {
            spans.insert(0, span("  ", theme.text));
            spans
        };
        lines.push(row(indent(l), indent(r)));
    } else {
        let (l, r) = (wrap(&a, half.saturating_sub(2)), wrap(&b, half.saturating_sub(2)));
        for index in 0..l.len().max(r.len()).min(8) {
            let part = |lines: &[String]| {
                vec![span(format!("  {}", lines.get(index).cloned().unwrap_or_default()), theme.bold)]
            };
            lines.push(row(part(&l), part(&r)));
        }
    }
    lines.push(row(
        vec![span(
            format!("  {}", cut_end(&changed(conflict.left_changed_at), half.saturating_sub(2))),
            theme.muted,
        )],
        vec![span(
            format!("  {}", cut_end(&changed(conflict.right_changed_at), half.saturating_sub(2))),
            theme.muted,
        )],
    ));
    lines
}

/// Both texts with what differs between their common ends underlined.
fn differing(a: &str, b: &str, style: Style) -> (Vec<Span<'static>>, Vec<Span<'static>>) {
    if a.is_empty() || b.is_empty() {
        let show = |text: &str| {
            vec![span(if text.is_empty() { "— empty".to_owned() } else { text.to_owned() }, style)]
        };
        return (show(a), show(b));
    }
    let left: Vec<&str> = a.graphemes(true).collect();
    let right: Vec<&str> = b.graphemes(true).collect();
    let head = left.iter().zip(&right).take_while(|(l, r)| l == r).count();
    let most = left.len().min(right.len()) - head;
    let tail = left.iter().rev().zip(right.iter().rev()).take(most).take_while(|(l, r)| l == r).count();
    let marked = style.add_modifier(Modifier::UNDERLINED);
    let show = |all: &[&str]| {
        let end = all.len() - tail;
        vec![
            span(all[..head].concat(), style),
            span(all[head..end].concat(), marked),
            span(all[end..].concat(), style),
        ]
    };
    (show(&left), show(&right))
}

fn history(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let mut lines =
        vec![rule(ctx, &format!("{}: how they came apart", cut_end(&conflict.field, cells / 2)), cells)];
    let a = value_text(&conflict.left_value);
    let b = value_text(&conflict.right_value);
    let base = conflict.base.as_ref().map(value_text);
    let when = |at: Option<Timestamp>| at.map_or_else(|| "?".to_owned(), |at| ctx.day(at));
    let sides = [&conflict.left, &conflict.right].map(|record| width(record.system().title()));
    let names = sides.into_iter().max().unwrap_or(0) + 2;
    let days = [conflict.left_changed_at, conflict.right_changed_at].map(|at| width(&when(at)));
    let days = days.into_iter().max().unwrap_or(0).max(6) + 2;
    let mut say = |when: String, who: &str, value: &str, remark: &str| {
        let room = cells.saturating_sub(days + names + 2 + width(remark) + 2).max(8);
        lines.push(Line::from(vec![
            span(left(&when, days), theme.muted),
            span(left(who, names), theme.text),
            span(cut_end(if value.is_empty() { "— empty" } else { value }, room), theme.bold),
            span(format!("  {remark}"), theme.muted),
        ]));
    };
    match &base {
        Some(base) => say("before".to_owned(), "both", base, "last agreed"),
        None => say("before".to_owned(), "both", "—", "they never agreed so far"),
    }
    let mut seen = [
        (conflict.right_changed_at, conflict.right.system().title(), &b),
        (conflict.left_changed_at, conflict.left.system().title(), &a),
    ];
    seen.sort_by_key(|(at, ..)| *at);
    for (at, who, value) in seen {
        let remark = match &base {
            Some(base) if base == value => "unchanged",
            Some(_) => "changed here",
            None => "",
        };
        say(when(at), who, value, remark);
    }
    lines
}

fn advice(ctx: &Ctx, conflict: &Conflict, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
    let a = value_text(&conflict.left_value);
    let b = value_text(&conflict.right_value);
    let base = conflict.base.as_ref().map(value_text);
    let why = match conflict.kind {
        ConflictKind::BothChanged => match &base {
            Some(base) if *base == a => {
                format!("Only {crm} changed it since they agreed: → keeps that edit.")
            }
            Some(base) if *base == b => format!("Only {ic} changed it since they agreed: ← keeps that edit."),
            _ => "Both sides changed it since they last agreed.".to_owned(),
        },
        ConflictKind::NotAllowed => {
            "The target takes only certain values, and this is none of them.".to_owned()
        }
        ConflictKind::WrongType => "The value cannot become what the target's field holds.".to_owned(),
        ConflictKind::UnknownField => {
            "The target has no such field; create it there or change the mapping.".to_owned()
        }
        ConflictKind::OwnershipBreach => "The side that does not own the field changed it.".to_owned(),
        ConflictKind::Identity => format!(
            "Another {crm} record has this identity already. Take the other value, type a right one, or merge the \
             two records (4) if they are one person."
        ),
        ConflictKind::Flapping => {
            "The value went back and forth; syncing it was stopped until you decide.".to_owned()
        }
    };
    let mut lines = labelled(ctx, "Why", &why, theme.text, cells);
    lines.extend(labelled(ctx, "Rule", &conflict.rule, theme.text, cells));
    let shown = |value: &str| {
        if value.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", cut_end(value, 28)) }
    };
    let mut key = |key: &str, word: String| {
        lines.push(Line::from(vec![
            span("   ", theme.text),
            span(key.to_owned(), theme.key),
            span("  ", theme.text),
            span(cut_end(&word, cells.saturating_sub(6)), theme.text),
        ]));
    };
    let refused =
        if conflict.kind == ConflictKind::NotAllowed { " (works once the target takes it)" } else { "" };
    key("←", format!("take {ic}'s value: {}{refused}", shown(&a)));
    if conflict.kind == ConflictKind::UnknownField {
        key("→", format!("leave the field out of {crm}; both sides stay as they are"));
    } else {
        key("→", format!("take {crm}'s value: {}", shown(&b)));
        key("e", "type another value".to_owned());
    }
    let how = "Each shows its exact calls first; only a capital Y sends them.";
    lines.extend(
        wrap(how, cells.saturating_sub(6))
            .into_iter()
            .map(|line| Line::from(span(format!("      {line}"), theme.muted))),
    );
    if !conflict.allowed.is_empty() {
        let text = format!("{} (nearest first)", conflict.allowed.join(", "));
        lines.extend(labelled(ctx, "Takes", &text, theme.muted, cells).into_iter().take(4));
    }
    lines
}

impl Pane for Conflicts {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let before = self.window.selected();
        let effects = match msg {
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                super::scroll_as(&self.scroll, action);
                Vec::new()
            }
            Msg::Act(Action::TakeLeft) => self.take(Choice::Left),
            Msg::Act(Action::TakeRight) => self.take(Choice::Right),
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
                let deciding = row.state == ReviewState::Deciding;
                let text = if deciding { theme.muted } else { theme.text };
                vec![
                    (row.subject.clone(), text),
                    (row.field.clone(), text),
                    (
                        if deciding { "↻ being written".to_owned() } else { row.kind.phrase().to_owned() },
                        if deciding { theme.muted } else { theme.warn },
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
        let Some(conflict) = self.window.current() else {
            return match action {
                Action::TakeLeft | Action::TakeRight | Action::TypeValue | Action::Copy | Action::Open => {
                    Err("there is no conflict here".to_owned())
                }
                _ => Ok(()),
            };
        };
        match action {
            Action::TakeLeft | Action::TakeRight | Action::TypeValue
                if conflict.state != ReviewState::Open =>
            {
                Err(format!("{} is decided and being carried out", conflict.id))
            }
            Action::TypeValue if conflict.kind == ConflictKind::UnknownField => {
                Err("the target has no such field, so it takes no value at all".to_owned())
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

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }
}
