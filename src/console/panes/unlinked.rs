//! Screen 5: people whose company one side knows and the other does not; the companies they may belong to, and why.
//!
//! People of one domain stand together, with how many they are. A link always goes through the dialog that shows the call;
//! choosing a candidate never acts.

mod candidates;
mod facts;
mod listed;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use listed::COLUMNS;

use super::listing::{Change, Listed};
use super::parts::{self, Frame};
use super::reviews::{Ask, Beside, Told as Heard};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::keys;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::links::Wish;
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::text::{age, cut_end, thousands};
use crate::domain::evidence::percent;
use crate::domain::filter::{Column as By, Sort};
use crate::domain::ids::UnlinkedId;
use crate::domain::links::LinkVerdict;
use crate::domain::plan::Preview;
use crate::domain::record::RecordRef;
use crate::domain::review::{Decision, LinkAs, LinkCandidate, ReviewState, Unlinked as Person};
use crate::domain::team::Item;
use crate::engine::operate::person::Facts;

/// The order that puts people of one domain together.
const GROUPED: Sort = Sort { column: By::Domain, descending: false };

impl Row for Person {
    fn key(&self) -> i64 {
        self.id.0
    }

    fn item(&self) -> Option<Item> {
        Some(Item::Unlinked(self.id))
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Unlinked {
    window: Window<Person>,
    focus: Focus,
    chosen: usize,
    top: Cell<usize>,
    /// What was asked for last: they may have left the list.
    last: Option<Last>,
    facts: Beside<UnlinkedId, Box<Facts>>,
    would: Beside<(UnlinkedId, RecordRef), Box<Preview>>,
    domains: Beside<Vec<String>, Vec<(String, u64)>>,
    counts: BTreeMap<String, u64>,
}

/// What was last done from here, for the way back.
#[derive(Debug, Clone, PartialEq)]
enum Last {
    /// A person was linked or judged.
    Person(UnlinkedId, String),
    /// A domain is not asked about any more.
    Domain(String),
}

impl Default for Unlinked {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Unlinked).of(&COLUMNS),
            focus: Focus::List,
            chosen: 0,
            top: Cell::new(0),
            last: None,
            facts: Beside::default(),
            would: Beside::default(),
            domains: Beside::default(),
            counts: BTreeMap::new(),
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

    /// What is taken back: this person's link or verdict where there is one, else what was done last.
    fn undone(&self) -> Option<Last> {
        let said = [ReviewState::Done, ReviewState::Ignored, ReviewState::Dismissed];
        let here = self.window.current().filter(|person| said.contains(&person.state));
        here.map(|person| Last::Person(person.id, person.subject.clone())).or_else(|| self.last.clone())
    }

    /// People of one domain stand together.
    fn grouped(&self) -> bool {
        self.window.sort() == Some(GROUPED)
    }

    /// Sorts by domain, or by how sure the best candidate is.
    fn group(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let sort = (!self.grouped()).then_some(GROUPED);
        self.window.change(ctx, Change::Sort(sort))
    }

    /// What is known of the selected person.
    fn known(&self) -> Option<&Facts> {
        let selected = self.window.selected().map(UnlinkedId)?;
        self.facts.told(&selected).and_then(|answer| answer.as_ref().ok()).map(AsRef::as_ref)
    }

    fn act(&mut self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        let name = |person: &Person| cut_end(&person.subject, 30);
        if action == Action::LinkUndo {
            return Some(match self.undone()? {
                Last::Person(id, subject) => Self::wish(
                    Wish::Undo(id),
                    format!("Take back what was done about {}", cut_end(&subject, 30)),
                ),
                Last::Domain(domain) => {
                    let title = format!("Ask about {} again", cut_end(&domain, 40));
                    Self::wish(Wish::Again(domain), title)
                }
            });
        }
        let person = self.window.current()?;
        let here = Some(Last::Person(person.id, person.subject.clone()));
        let (last, effects) = match action {
            Action::Link => (here, self.link()),
            Action::LinkDomain => (None, self.link_domain()),
            Action::LinkLater => (here, self.later(ctx)),
            Action::FoundCompany => {
                (here, Self::wish(Wish::Found(person.id), format!("Make a company for {}", name(person))))
            }
            Action::NoneFits => {
                let title = format!("No company fits {}", name(person));
                (here, Self::wish(Wish::Judge(person.id, LinkVerdict::NoneFits), title))
            }
            Action::LinkUnsure => {
                let title = format!("Unsure about {}", name(person));
                (here, Self::wish(Wish::Judge(person.id, LinkVerdict::Unsure), title))
            }
            Action::NeverDomain => {
                let domain = person.domain.clone();
                let title = format!("Never ask about {}", cut_end(&domain, 40));
                (Some(Last::Domain(domain.clone())), Self::wish(Wish::Never(domain), title))
            }
            _ => return None,
        };
        if last.is_some() {
            self.last = last;
        }
        Some(effects)
    }

    fn choose(&mut self, by: i64) {
        let count = self.window.current().map_or(0, |person| person.candidates.len());
        let last = count.saturating_sub(1) as i64;
        self.chosen = (self.chosen as i64).saturating_add(by).clamp(0, last) as usize;
    }

    /// Whom the next link would be for, and to which company.
    fn would(&self) -> Option<(UnlinkedId, RecordRef)> {
        let person = self.window.current()?;
        let waits = matches!(person.state, ReviewState::Open | ReviewState::Ignored);
        waits.then(|| self.candidate()).flatten().map(|candidate| (person.id, candidate.company.clone()))
    }

    /// Questions beside the list, as far as they are not answered yet.
    fn questions(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let mut effects = Vec::new();
        let selected = self.window.selected().map(UnlinkedId);
        effects.extend(self.facts.want(ctx, selected, Ask::Person));
        let would = self.would();
        effects.extend(self.would.want(ctx, would, |(unlinked, company)| {
            Ask::Would(Box::new(Decision::Link { unlinked, company, how: LinkAs::Auto }))
        }));
        let domains: BTreeSet<String> = self
            .window
            .rows()
            .iter()
            .map(|person| person.domain.clone())
            .filter(|text| !text.is_empty())
            .collect();
        let domains: Vec<String> = domains.into_iter().collect();
        effects.extend(self.domains.want(ctx, (!domains.is_empty()).then_some(domains), Ask::Domains));
        effects
    }

    fn hear(&mut self, ticket: Ticket, told: Heard) {
        match told {
            Heard::Person(answer) => {
                self.facts.answer(ticket, answer);
            }
            Heard::Would(answer) => {
                self.would.answer(ticket, answer);
            }
            Heard::Domains(answer) => {
                if let Some((_, Ok(counted))) = self.domains.answer(ticket, answer) {
                    self.counts = counted.iter().cloned().collect();
                }
            }
            _ => {}
        }
    }

    /// How many people of a domain wait; empty where it is one.
    fn of_domain(&self, person: &Person) -> String {
        match self.counts.get(&person.domain).copied().unwrap_or(1) {
            0 | 1 => String::new(),
            many => format!("×{}", thousands(many)),
        }
    }

    fn draw_list(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let frame = Frame {
            title: "Contacts without an account",
            order: if self.grouped() { "by domain" } else { "surest first" },
            columns: &COLUMNS,
            nothing: "Everybody has a company.\nPeople whose company only one side knows appear here.",
            focused: self.focus == Focus::List,
            below: Vec::new(),
        };
        // The first of a run of people of one domain says so in full; the others follow, muted.
        let rows = self.window.rows();
        let first: BTreeSet<i64> = rows
            .iter()
            .enumerate()
            .filter(|(at, person)| *at == 0 || rows[at - 1].domain != person.domain)
            .map(|(_, person)| person.id.0)
            .collect();
        parts::list(ctx, buffer, area, &frame, &self.window, |person| {
            let quiet = matches!(person.state, ReviewState::Deciding | ReviewState::Ignored);
            let deciding = person.state == ReviewState::Deciding;
            let best =
                person.candidates.first().map_or_else(|| "—".to_owned(), |best| percent(best.probability));
            let heads = first.contains(&person.id.0);
            let dash = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
            vec![
                (person.subject.clone(), if quiet { theme.muted } else { theme.text }),
                (dash(&person.domain), if heads { theme.text } else { theme.muted }),
                (self.of_domain(person), theme.accent),
                (
                    match person.state {
                        ReviewState::Deciding => "↻".to_owned(),
                        ReviewState::Ignored => "‖".to_owned(),
                        _ => best,
                    },
                    if deciding { theme.warn } else { theme.bold },
                ),
                (age(ctx.now, person.created_at), theme.muted),
                (
                    person.candidates.first().map_or_else(|| "—".to_owned(), |best| best.name.clone()),
                    theme.muted,
                ),
                (person.owner.clone(), theme.muted),
                (person.contact.id.clone(), theme.muted),
                (person.state.to_string(), theme.muted),
                (person.id.to_string(), theme.muted),
            ]
        });
    }
}

impl Pane for Unlinked {
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
            Msg::Loaded(ticket, Loaded::Reviews(told)) => {
                self.hear(ticket, *told);
                Vec::new()
            }
            Msg::Act(Action::GroupByDomain) => self.group(ctx),
            Msg::Click(Target::Choice(at), _) => {
                self.focus = Focus::Detail;
                self.chosen = at;
                Vec::new()
            }
            Msg::Wheel(Target::Detail | Target::Choice(_), by) => {
                self.choose(by.signum());
                Vec::new()
            }
            other => {
                if matches!(other, Msg::Refresh | Msg::Shown) {
                    self.facts.age();
                    self.would.age();
                    self.domains.age();
                }
                super::list_beside_detail(&mut self.window, &mut self.focus, ctx, other)
            }
        };
        if self.window.selected() != before {
            self.chosen = 0;
            self.top.set(0);
        }
        effects.extend(self.questions(ctx));
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let (list, detail) = split(
            ctx,
            area,
            self.focus,
            if area.width < 130 { area.width * 2 / 5 } else { (area.width * 12 / 25).min(74) },
        );
        if let Some(list) = list {
            let facts = facts::lines(
                ctx,
                self.window.current(),
                self.known(),
                usize::from(list.width.saturating_sub(4)),
            );
            let tall = facts.len() as u16 + 2;
            // The person's facts have a box of their own where that leaves the list its rows.
            if detail.is_some() && tall > 2 && list.height >= tall + 9 {
                let upper = Rect { height: list.height - tall, ..list };
                self.draw_list(ctx, buffer, upper);
                facts::draw(
                    ctx,
                    buffer,
                    Rect { y: list.y + upper.height, height: tall, ..list },
                    self.window.current(),
                    &facts,
                );
            } else {
                self.draw_list(ctx, buffer, list);
            }
        }
        if let Some(detail) = detail {
            self.draw_candidates(ctx, buffer, detail, list.is_some());
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
            action if self.many_marked() && listed::on_many(action) => Ok(()),
            Action::TakeValue => Err("only in the comparison of duplicates".to_owned()),
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

    fn list(&self) -> Option<&dyn Listed> {
        Some(&self.window)
    }

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        Some((row.id.to_string(), vec![row.subject.clone(), row.domain.clone()]))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn loaded_items(&self) -> Vec<Item> {
        self.window.items()
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
