//! Screen 4: pairs of records believed the same, surest first; both beside what survives, and why they match.
//!
//! A merge always goes through the dialog that shows calls and losses; nothing is merged from here.

mod known;

pub use known::told;

use std::cell::Cell;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::parts::{self, Frame};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::msg::{Loaded, Msg};
use crate::console::text::{age, counted, cut_end, cut_middle, left, put, right, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::{Column, Kind, hidden, scrolled};
use crate::domain::evidence::Evidence;
use crate::domain::ids::DuplicateId;
use crate::domain::merge::{Instead, MergeWish};
use crate::domain::record::{Fields, value_text};
use crate::domain::review::{Band, Decision, Duplicate, ReviewState, Verdict};
use crate::journal::verdicts::NewVerdict;

const COLUMNS: [Column; 4] = [
    Column { title: "SURE", kind: Kind::Number, drop: 0, most: 5 },
    Column { title: "NAME", kind: Kind::Words, drop: 0, most: 28 },
    Column { title: "WHERE", kind: Kind::Words, drop: 1, most: 12 },
    Column { title: "AGE", kind: Kind::Number, drop: 2, most: 4 },
];

impl Row for Duplicate {
    fn key(&self) -> i64 {
        self.id.0
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Duplicates {
    window: Window<Duplicate>,
    focus: Focus,
    /// The pair whose right record survives; any other pair keeps its left, older one.
    swapped: Option<i64>,
    scroll: Cell<usize>,
    /// The pair something was said of last: it may have left the list.
    said: Option<DuplicateId>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Duplicates),
            focus: Focus::List,
            swapped: None,
            scroll: Cell::new(0),
            said: None,
        }
    }
}

impl Duplicates {
    fn right_survives(&self) -> bool {
        self.swapped.is_some() && self.swapped == self.window.selected()
    }

    fn merge(&self) -> Vec<Effect> {
        let Some(pair) = self.window.current() else { return Vec::new() };
        let (survivor, gone) =
            if self.right_survives() { (&pair.right, &pair.left) } else { (&pair.left, &pair.right) };
        let instead = Instead::offered_by(pair.obstacle.as_deref());
        let wish = MergeWish { instead, ..MergeWish::default() };
        let decision =
            Decision::Merge { duplicate: pair.id, survivor: survivor.clone(), wish: Box::new(wish) };
        let system = survivor.system().title();
        let title = if instead.is_some() {
            format!("Copy over, then archive {system} {}", gone.id)
        } else {
            format!("Merge {system} {} into {}", gone.id, survivor.id)
        };
        vec![Effect::Confirm(Box::new(Pending::Decide { decision, title }))]
    }

    fn part(&self) -> Vec<Effect> {
        let Some(pair) = self.window.current() else { return Vec::new() };
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

    fn below(&self, ctx: &Ctx) -> Vec<Line<'static>> {
        let certain = self.window.rows().iter().filter(|pair| pair.band == Band::Auto).count() as u64;
        if certain == 0 {
            return Vec::new();
        }
        let verb = if certain == 1 { "is" } else { "are" };
        let text = format!("{} {verb} certain.", counted(certain, "pair"));
        vec![Line::from(span(text, ctx.theme.muted))]
    }

    fn draw_pair(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect, pair: &Duplicate) {
        let theme = &ctx.theme;
        ctx.target(area, Target::Detail);
        let focused = self.focus == Focus::Detail;
        let system = pair.left.system().title();
        let lines = self.comparison(ctx, pair, usize::from(area.width.saturating_sub(4)));
        let hidden = hidden(lines.len(), area.height.saturating_sub(2), &self.scroll);
        let more = if hidden > 0 { Line::from(span("↓ more", theme.muted)) } else { Line::default() };
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
        let inner = Panel::new(theme, &cut_end(&pair.subject, 40), focused)
            .right(Line::from(span(format!("2 {system} {}s", pair.left.object), theme.muted)))
            .bottom_left(more)
            .bottom_right(hint)
            .draw(theme, buffer, area);
        if inner.width > 2 {
            let body = Rect { x: inner.x + 1, width: inner.width - 2, ..inner };
            scrolled(buffer, body, &lines, &self.scroll);
        }
    }

    /// A column per record and one for what comes out, the surviving cell ticked.
    fn comparison(&self, ctx: &Ctx, pair: &Duplicate, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let right_survives = self.right_survives();
        let mut names: Vec<&String> = pair.left_fields.keys().collect();
        names.extend(pair.right_fields.keys().filter(|name| !pair.left_fields.contains_key(*name)));
        let blank =
            |fields: &Fields, name: &str| fields.get(name).map(value_text).unwrap_or_default().is_empty();
        names.retain(|name| !(blank(&pair.left_fields, name) && blank(&pair.right_fields, name)));
        names.sort_by_key(|name| standing(name));
        let label = names.iter().map(|name| width(name)).max().unwrap_or(5).clamp(5, 18) + 1;
        let column = cells.saturating_sub(label + 2 + 3 * 2) / 3;
        let mut lines = Vec::new();
        lines.extend(known::lines(ctx, pair, cells));
        if let Some(obstacle) = &pair.obstacle {
            lines.extend(wrap(obstacle, cells).into_iter().map(|line| Line::from(span(line, theme.warn))));
            lines.push(Line::default());
        }
        let head = |number: &str, id: &str, survives: bool| {
            let word = if survives { " survivor" } else { "" };
            let id = cut_middle(id, column.saturating_sub(2 + width(word)).max(4));
            let used = 2 + width(&id) + width(word);
            vec![
                span("  ", theme.text),
                span(format!("{number} "), theme.key),
                span(id, theme.bold),
                span(word.to_owned(), theme.ok),
                span(" ".repeat(column.saturating_sub(used)), theme.text),
            ]
        };
        let mut spans = vec![span(" ".repeat(label), theme.muted)];
        spans.extend(head("1", &pair.left.id, !right_survives));
        spans.extend(head("2", &pair.right.id, right_survives));
        spans.push(span("  MERGED", theme.muted));
        lines.push(Line::from(spans));
        let text = |fields: &Fields, name: &str| fields.get(name).map(value_text).unwrap_or_default();
        for name in names {
            let (a, b) = (text(&pair.left_fields, name), text(&pair.right_fields, name));
            let (first, second) = if right_survives { (&b, &a) } else { (&a, &b) };
            let from_survivor = !first.is_empty() || second.is_empty();
            let merged = if from_survivor { first } else { second };
            let left_wins = from_survivor != right_survives;
            let equal = a == b;
            let technical = standing(name) == TECHNICAL;
            let cell = |value: &str, wins: bool| {
                let tick = if wins && !equal { "✓ " } else { "  " };
                let style = if wins && !equal && !technical { theme.bold } else { theme.muted };
                let shown = if value.is_empty() { "—" } else { value };
                let shown = if shown.contains('@') { cut_middle(shown, column) } else { shown.to_owned() };
                [span(tick, theme.ok), span(left(&shown, column), style)]
            };
            let mut spans = vec![span(left(name, label), theme.muted)];
            spans.extend(cell(&a, left_wins));
            spans.extend(cell(&b, !left_wins));
            let shown = if merged.is_empty() { "—" } else { merged };
            // Two filled values that differ: one of them goes away.
            let lost = !equal && !a.is_empty() && !b.is_empty() && !technical;
            let style = if lost {
                theme.warn
            } else if equal || technical {
                theme.muted
            } else {
                theme.text
            };
            spans.push(span(format!("  {}", cut_end(shown, column)), style));
            lines.push(Line::from(spans));
        }
        lines
    }
}

/// Fields of the machinery: last and muted.
const TECHNICAL: usize = 100;

/// Where a field stands in the comparison: what a person looks at first, then the rest, then ids and stamps.
fn standing(name: &str) -> usize {
    const FIRST: [&str; 20] = [
        "name",
        "firstname",
        "lastname",
        "role",
        "email",
        "hs_additional_emails",
        "phone",
        "mobilephone",
        "company",
        "jobtitle",
        "custom_attributes.job_title",
        "lifecyclestage",
        "custom_attributes.lifecycle_stage",
        "hs_lead_status",
        "custom_attributes.plan",
        "hubspot_owner_id",
        "city",
        "country",
        "createdate",
        "created_at",
    ];
    let machinery = name.starts_with("hs_")
        || name.ends_with("_id")
        || name.ends_with("id")
        || name.ends_with("_at")
        || matches!(name, "id" | "lastmodifieddate" | "email_domain" | "associatedcompanyid");
    FIRST.iter().position(|first| *first == name).unwrap_or(if machinery { TECHNICAL } else { FIRST.len() })
}

/// The waterfall: each bar begins where the one before it ended; all of them sum to the score.
pub(super) fn waterfall(
    ctx: &Ctx,
    evidence: &[Evidence],
    probability: f64,
    cells: usize,
) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let words: Vec<String> = evidence
        .iter()
        .map(|bar| match (&bar.note, bar.level.is_empty()) {
            (Some(note), _) => format!("{} {}: {note}", bar.comparison, bar.level),
            (None, true) => bar.comparison.clone(),
            (None, false) => format!("{} {}", bar.comparison, bar.level),
        })
        .collect();
    let label = words.iter().map(|word| width(word)).max().unwrap_or(0).min(cells / 2);
    let room = cells.saturating_sub(label + 10);
    let mut sum = 0_i64;
    let (mut low, mut high) = (0_i64, 0_i64);
    for bar in evidence {
        sum += i64::from(bar.millibits);
        low = low.min(sum);
        high = high.max(sum);
    }
    let scale = |bits: i64| {
        let share = (bits - low) as f64 / (high - low).max(1) as f64;
        (share * room as f64).round() as usize
    };
    let mut at = 0_i64;
    let mut lines = Vec::new();
    for (bar, word) in evidence.iter().zip(&words) {
        let to = at + i64::from(bar.millibits);
        let (from_cell, to_cell) = (scale(at.min(to)), scale(at.max(to)));
        let long = (to_cell - from_cell).max(usize::from(bar.millibits != 0)).min(room);
        let start = from_cell.min(room.saturating_sub(long));
        let (glyph, style) = if bar.millibits < 0 { ("▒", theme.error) } else { ("▆", theme.ok) };
        let sign = if bar.millibits < 0 { "−" } else { "+" };
        let number = format!("{sign}{}.{}", bar.millibits.abs() / 1000, bar.millibits.abs() % 1000 / 100);
        lines.push(Line::from(vec![
            span(left(word, label), theme.text),
            span(right(&number, 7), style),
            span(format!("  {}", " ".repeat(start)), theme.text),
            span(glyph.repeat(long), style),
        ]));
        at = to;
    }
    let total = format!("{:.1} bits → {}", sum as f64 / 1000.0, percent(probability));
    lines.push(Line::from(vec![span(right(&total, cells), theme.bold)]));
    lines
}

/// `97 %`; never 100, because nothing is that certain.
pub(super) fn percent(probability: f64) -> String {
    let share = if probability.is_finite() { (probability * 100.0).clamp(0.0, 99.0) } else { 0.0 };
    format!("{share:.0} %")
}

impl Pane for Duplicates {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let before = self.window.selected();
        let effects = match msg {
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                super::scroll_as(&self.scroll, action);
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
            Msg::Act(Action::UndoVerdict) => {
                let effect = self.taken_back().map(Effect::TakeBack);
                self.said = None;
                effect.into_iter().collect()
            }
            Msg::Act(Action::SwapSurvivor) => {
                self.swapped = if self.right_survives() { None } else { self.window.selected() };
                Vec::new()
            }
            Msg::Choose(digit) => {
                match digit {
                    1 => self.swapped = None,
                    2 => self.swapped = self.window.selected(),
                    _ => {}
                }
                Vec::new()
            }
            Msg::Act(Action::Copy) => {
                self.window.current().map(|pair| Effect::Copy(pair.left.id.clone())).into_iter().collect()
            }
            Msg::Loaded(ticket, Loaded::Duplicates(page)) => {
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
        let (list, detail) = split(ctx, area, self.focus, (area.width * 3 / 10).clamp(34, 56));
        if let Some(list) = list {
            let frame = Frame {
                title: "Duplicates",
                order: "surest first",
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
                ]
            });
        }
        let Some(detail) = detail else { return };
        let Some(pair) = self.window.current() else {
            Panel::new(theme, "Detail", false).draw(theme, buffer, detail);
            return;
        };
        let why = pair.evidence.len() as u16 + 3;
        let why = if detail.height > why + 8 { why } else { detail.height / 3 };
        // The evidence follows the records; what is left over goes to it.
        let wanted = self.comparison(ctx, pair, usize::from(detail.width.saturating_sub(4))).len() as u16 + 3;
        let why = why.max(detail.height.saturating_sub(wanted));
        let upper = Rect { height: detail.height - why, ..detail };
        let lower = Rect { y: detail.y + upper.height, height: why, ..detail };
        self.draw_pair(ctx, buffer, upper, pair);
        let inner = Panel::new(theme, &format!("Why {}", percent(pair.probability)), false)
            .right(Line::from(span("evidence, in bits", theme.muted)))
            .draw(theme, buffer, lower);
        let cells = inner.width.saturating_sub(2);
        let mut lines = waterfall(ctx, &pair.evidence, pair.probability, usize::from(cells));
        lines.extend(known::turns(ctx, pair, usize::from(cells)));
        for (index, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
            put(buffer, inner.x + 1, inner.y + index as u16, cells, line);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let Some(pair) = self.window.current() else {
            return match action {
                Action::UndoVerdict if self.said.is_some() => Ok(()),
                Action::Merge
                | Action::Distinct
                | Action::Unsure
                | Action::PutOff
                | Action::UndoVerdict
                | Action::SwapSurvivor
                | Action::Copy
                | Action::Open => Err("there is no pair here".to_owned()),
                _ => Ok(()),
            };
        };
        match action {
            Action::UndoVerdict if self.taken_back().is_none() => {
                Err("nothing was said of this pair".to_owned())
            }
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

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        let fields = row.left_fields.values().chain(row.right_fields.values()).map(value_text);
        Some((row.id.to_string(), [row.subject.clone()].into_iter().chain(fields).collect()))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn items(&self) -> Vec<String> {
        self.window.chosen().into_iter().map(|key| crate::domain::ids::DuplicateId(key).to_string()).collect()
    }

    fn choices(&self) -> usize {
        if self.focus == Focus::Detail { 2 } else { 0 }
    }
}
