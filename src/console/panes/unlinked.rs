//! Screen 5: people whose company one side knows and the other does not; the companies they may belong to, and why.
//!
//! A link always goes through the dialog that shows the call; choosing a candidate never acts.

use std::cell::Cell;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::duplicates::percent;
use super::parts::{self, Frame};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::links::Wish;
use crate::console::msg::{Loaded, Msg};
use crate::console::text::{age, counted, cut_end, cut_middle, left, put, right, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::gauge;
use crate::console::widgets::list::{Column, Kind, mark_selected};
use crate::domain::ids::UnlinkedId;
use crate::domain::links::LinkVerdict;
use crate::domain::review::{Decision, LinkAs, LinkCandidate, ReviewState, Unlinked as Person};

const COLUMNS: [Column; 4] = [
    Column { title: "CONTACT", kind: Kind::Words, drop: 0, most: 26 },
    Column { title: "DOMAIN", kind: Kind::Words, drop: 1, most: 22 },
    Column { title: "BEST", kind: Kind::Number, drop: 0, most: 5 },
    Column { title: "AGE", kind: Kind::Number, drop: 2, most: 4 },
];

impl Row for Person {
    fn key(&self) -> i64 {
        self.id.0
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Unlinked {
    window: Window<Person>,
    focus: Focus,
    chosen: usize,
    top: Cell<usize>,
    /// Whom a link was asked for last: they may have left the list.
    last: Option<(UnlinkedId, String)>,
}

impl Default for Unlinked {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Unlinked),
            focus: Focus::List,
            chosen: 0,
            top: Cell::new(0),
            last: None,
        }
    }
}

impl Unlinked {
    fn candidate(&self) -> Option<&LinkCandidate> {
        let candidates = &self.window.current()?.candidates;
        candidates.get(self.chosen.min(candidates.len().saturating_sub(1)))
    }

    fn link(&self) -> Vec<Effect> {
        let (Some(person), Some(candidate)) = (self.window.current(), self.candidate()) else {
            return Vec::new();
        };
        let company = candidate.company.clone();
        let decision = Decision::Link { unlinked: person.id, company, how: LinkAs::Auto };
        let title = format!("Link {} to {}", cut_end(&person.subject, 30), cut_end(&candidate.name, 30));
        vec![Effect::Confirm(Box::new(Pending::Decide { decision, title }))]
    }

    fn wish(wish: Wish, title: String) -> Vec<Effect> {
        vec![Effect::Confirm(Box::new(Pending::Link { wish, title }))]
    }

    /// Everybody of the domain, with or without those who come later.
    fn link_domain(&self) -> Vec<Effect> {
        let (Some(person), Some(candidate)) = (self.window.current(), self.candidate()) else {
            return Vec::new();
        };
        let entry = |words: &str, remember| Entry {
            words: words.to_owned(),
            pending: Pending::Link {
                wish: Wish::Domain(person.domain.clone(), candidate.company.clone(), remember),
                title: format!(
                    "Link all of {} to {}",
                    cut_end(&person.domain, 30),
                    cut_end(&candidate.name, 30)
                ),
            },
        };
        let entries = vec![
            entry("link those who are here", false),
            entry("link them, and propose it for whoever comes later", true),
        ];
        let title = format!("All of {}", cut_end(&person.domain, 40));
        let label = "Shows whom it concerns and the calls first.".to_owned();
        vec![Effect::Offer(Box::new(Menu::new(title, label, entries)))]
    }

    fn later(&self, ctx: &Ctx) -> Vec<Effect> {
        let Some(person) = self.window.current() else { return Vec::new() };
        let entries = [("a day", 1), ("a week", 7), ("four weeks", 28)]
            .into_iter()
            .map(|(words, days)| {
                let at = ctx.now.plus(Duration::from_secs(days * 24 * 3600));
                Entry {
                    words: format!("leave them alone for {words}"),
                    pending: Pending::Link {
                        wish: Wish::Judge(person.id, LinkVerdict::Later(at)),
                        title: format!("Leave {} alone for {words}", cut_end(&person.subject, 30)),
                    },
                }
            })
            .collect();
        let label = "They come back at once when the evidence changes.".to_owned();
        vec![Effect::Offer(Box::new(Menu::new(format!("{}: later", person.subject), label, entries)))]
    }

    /// Whose link is taken back: this person's where it was made, else the last one's.
    fn undone(&self) -> Option<(UnlinkedId, String)> {
        let done = self.window.current().filter(|person| person.state == ReviewState::Done);
        done.map(|person| (person.id, person.subject.clone())).or_else(|| self.last.clone())
    }

    fn act(&mut self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        let name = |person: &Person| cut_end(&person.subject, 30);
        let current = self.window.current();
        Some(match action {
            Action::Link => {
                self.last = current.map(|person| (person.id, person.subject.clone()));
                self.link()
            }
            Action::LinkDomain => self.link_domain(),
            Action::LinkLater => self.later(ctx),
            Action::LinkUndo => {
                let (id, subject) = self.undone()?;
                Self::wish(Wish::Undo(id), format!("Take the link of {} back", cut_end(&subject, 30)))
            }
            Action::FoundCompany => {
                let person = current?;
                let (id, title) = (person.id, format!("Make a company for {}", name(person)));
                self.last = Some((id, person.subject.clone()));
                Self::wish(Wish::Found(id), title)
            }
            Action::NoneFits => {
                let person = current?;
                let title = format!("No company fits {}", name(person));
                Self::wish(Wish::Judge(person.id, LinkVerdict::NoneFits), title)
            }
            Action::LinkUnsure => {
                let person = current?;
                let title = format!("Unsure about {}", name(person));
                Self::wish(Wish::Judge(person.id, LinkVerdict::Unsure), title)
            }
            Action::NeverDomain => {
                let domain = current?.domain.clone();
                let title = format!("Never ask about {}", cut_end(&domain, 40));
                Self::wish(Wish::Never(domain), title)
            }
            _ => return None,
        })
    }

    fn choose(&mut self, by: i64) {
        let count = self.window.current().map_or(0, |person| person.candidates.len());
        let last = count.saturating_sub(1) as i64;
        self.chosen = (self.chosen as i64).saturating_add(by).clamp(0, last) as usize;
    }

    fn below(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let Some(person) = self.window.current() else { return Vec::new() };
        let theme = &ctx.theme;
        let mut lines = vec![parts::rule(ctx, &cut_end(&person.subject, cells.saturating_sub(4)), cells)];
        let mut say = |label: &str, text: &str| {
            for (index, line) in wrap(text, cells.saturating_sub(11)).into_iter().take(2).enumerate() {
                let label = if index == 0 { label } else { "" };
                lines.push(Line::from(vec![span(left(label, 11), theme.muted), span(line, theme.text)]));
            }
        };
        say("Knows", &person.hint);
        let system = person.contact.system().title();
        say(system, &format!("{} {}", person.contact.object, person.contact.id));
        if !person.domain.is_empty() {
            say("Domain", &person.domain);
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
        let id = match candidate.family.as_str() {
            "" => cut_middle(&candidate.company.id, 14),
            family => cut_end(family, 34),
        };
        let score = percent(candidate.probability);
        let bar = 14.min(cells / 6);
        let used = 2 + 2 + width(&score) + 2 + bar + 2 + width(&id);
        let name = cells.saturating_sub(used).clamp(8, 36);
        let [full, rest] = gauge(theme, candidate.probability, bar, theme.accent);
        let mut lines = vec![Line::from(vec![
            span(format!("{} ", index + 1), theme.key),
            span(left(&candidate.name, name), theme.bold),
            span(format!("  {}  ", right(&score, 4)), theme.bold),
            full,
            rest,
            span(right(&id, cells.saturating_sub(2 + name + 4 + width(&score).max(4) + bar)), theme.muted),
        ])];
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

    fn draw_candidates(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
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
        let mut blocks: Vec<(Option<usize>, Vec<Line<'static>>)> = Vec::new();
        if person.state == ReviewState::Deciding {
            let by = person.deciding.map_or_else(String::new, |id| format!(" by {id}"));
            blocks.push((
                None,
                vec![Line::from(span(format!("↻ Decided; being carried out{by}."), theme.warn))],
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
    }
}

impl Pane for Unlinked {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let before = self.window.selected();
        let effects = match msg {
            Msg::Act(action) if keys::moves(action) && self.focus == Focus::Detail => {
                match action {
                    Action::Down => self.choose(1),
                    Action::Up => self.choose(-1),
                    Action::First | Action::HalfUp | Action::PageUp => self.choose(-100),
                    _ => self.choose(100),
                }
                Vec::new()
            }
            Msg::Act(
                action @ (Action::Link
                | Action::LinkDomain
                | Action::LinkLater
                | Action::LinkUndo
                | Action::FoundCompany
                | Action::NoneFits
                | Action::LinkUnsure
                | Action::NeverDomain),
            ) => self.act(ctx, action).unwrap_or_default(),
            Msg::Choose(digit) => {
                let count = self.window.current().map_or(0, |person| person.candidates.len());
                let at = usize::from(digit.max(1)) - 1;
                if at < count {
                    self.chosen = at;
                }
                Vec::new()
            }
            Msg::Act(Action::Copy) => self
                .window
                .current()
                .map(|person| Effect::Copy(person.contact.id.clone()))
                .into_iter()
                .collect(),
            Msg::Loaded(ticket, Loaded::Unlinked(page)) => {
                self.window.answer(ctx, ticket, page).1.into_iter().collect()
            }
            Msg::Click(Target::Choice(at), _) => {
                self.focus = Focus::Detail;
                self.chosen = at;
                Vec::new()
            }
            Msg::Wheel(Target::Detail | Target::Choice(_), by) => {
                self.choose(by.signum());
                Vec::new()
            }
            other => super::list_beside_detail(&mut self.window, &mut self.focus, ctx, other),
        };
        if self.window.selected() != before {
            self.chosen = 0;
            self.top.set(0);
        }
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let (list, detail) = split(ctx, area, self.focus, (area.width * 2 / 5).min(74));
        if let Some(list) = list {
            let frame = Frame {
                title: "Contacts without an account",
                order: "surest first",
                columns: &COLUMNS,
                nothing: "Everybody has a company.\nPeople whose company only one side knows appear here.",
                focused: self.focus == Focus::List,
                below: self.below(ctx, usize::from(list.width.saturating_sub(6))),
            };
            parts::list(ctx, buffer, list, &frame, &self.window, |person| {
                let deciding = person.state == ReviewState::Deciding;
                let text = if deciding { theme.muted } else { theme.text };
                let dash = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
                let best = person
                    .candidates
                    .first()
                    .map_or_else(|| "—".to_owned(), |best| percent(best.probability));
                vec![
                    (person.subject.clone(), text),
                    (dash(&person.domain), theme.muted),
                    (
                        if deciding { "↻".to_owned() } else { best },
                        if deciding { theme.warn } else { theme.bold },
                    ),
                    (age(ctx.now, person.created_at), theme.muted),
                ]
            });
        }
        if let Some(detail) = detail {
            self.draw_candidates(ctx, buffer, detail);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let Some(person) = self.window.current() else {
            return match action {
                Action::LinkUndo if self.last.is_some() => Ok(()),
                Action::Link
                | Action::LinkDomain
                | Action::LinkLater
                | Action::LinkUndo
                | Action::FoundCompany
                | Action::NoneFits
                | Action::LinkUnsure
                | Action::NeverDomain
                | Action::Copy
                | Action::Open => Err("there is nobody here".to_owned()),
                _ => Ok(()),
            };
        };
        let waits = matches!(person.state, ReviewState::Open | ReviewState::Ignored);
        match action {
            Action::LinkUndo if self.undone().is_none() => Err("no link was made here yet".to_owned()),
            Action::LinkDomain | Action::NeverDomain if person.domain.is_empty() => {
                Err("the person has no e-mail domain".to_owned())
            }
            Action::LinkDomain if person.candidates.is_empty() => {
                Err("no company fits this person".to_owned())
            }
            Action::NoneFits | Action::LinkUnsure | Action::LinkLater | Action::FoundCompany if !waits => {
                Err(format!("{} is decided already", person.id))
            }
            Action::Link if !waits => Err(format!("{} is decided and being carried out", person.id)),
            Action::Link if person.candidates.is_empty() => Err("no company fits this person".to_owned()),
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
        Some((row.id.to_string(), vec![row.subject.clone(), row.domain.clone()]))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn items(&self) -> Vec<String> {
        self.window.chosen().into_iter().map(|key| crate::domain::ids::UnlinkedId(key).to_string()).collect()
    }

    fn choices(&self) -> usize {
        if self.focus == Focus::Detail {
            self.window.current().map_or(0, |person| person.candidates.len())
        } else {
            0
        }
    }
}
