//! Screen 6: the recipes with their switch and how they fared, the mapping field by field, and what vendors changed under
//! both. Shows the facts that the commands print; what it switches or takes is asked first.

pub mod asks;
mod detail;
mod list;
mod listed;
mod words;

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::listing::{self, Listed};
use super::{Focus, Pane, Screen, pausing, scroll_as, scroll_by, split};
use crate::console::actions::{Action, Scope};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::layers::Over;
use crate::console::layers::editions::Editions;
use crate::console::layers::reading::Reading;
use crate::console::layers::switching::Switching;
use crate::console::layers::trying::{Subject, Trying};
use crate::console::msg::{Answer, Loaded, Msg, Ticket};
use crate::console::wishes::{self, Wish};
use crate::domain::clock::Timestamp;
use crate::domain::drift::Finding;
use crate::domain::edition::EditionKind;
use crate::domain::filter::{Filter, Key, Sort, Term, beginning, quoted};
use crate::engine::operate::funnel::Funnel;
use crate::engine::operate::shelf::{FieldCard, MappingCard, RecipeCard, Shelf};
use crate::engine::operate::switching::Position;
use asks::{Ask, Told};

/// What the screen shows of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tab {
    #[default]
    Recipes,
    Mapping,
    Drift,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Recipes, Self::Mapping, Self::Drift];

    const fn title(self) -> &'static str {
        match self {
            Self::Recipes => "Recipes",
            Self::Mapping => "Mapping",
            Self::Drift => "Drift",
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Recipes => 0,
            Self::Mapping => 1,
            Self::Drift => 2,
        }
    }
}

/// One row of a tab.
#[derive(Debug, Clone, Copy)]
enum Item<'a> {
    Recipe(&'a RecipeCard),
    /// The mapping itself, above its fields.
    Mapping(&'a MappingCard),
    Field(&'a MappingCard, &'a FieldCard),
    Drift(&'a Finding),
}

impl Item<'_> {
    /// What stays the same when rows come, go and change their order.
    fn key(&self) -> String {
        match self {
            Self::Recipe(recipe) => recipe.name.clone(),
            Self::Mapping(mapping) => mapping.name.clone(),
            Self::Field(mapping, field) => format!("{}/{}", mapping.name, field.name),
            Self::Drift(finding) => format!("df_{}", finding.id),
        }
    }
}

/// Which row of a tab is selected, and from where it is drawn.
#[derive(Debug, Default)]
struct Place {
    key: Option<String>,
    at: usize,
    top: Cell<usize>,
}

/// The screen's state.
#[derive(Debug, Default)]
pub struct Recipes {
    tab: Tab,
    focus: Focus,
    places: [Place; 3],
    height: Cell<usize>,
    scroll: Cell<usize>,
    shelf: Option<Box<Shelf>>,
    loaded: Option<Timestamp>,
    asked: Option<Ticket>,
    dirty: bool,
    failed: Option<String>,
    /// How far the runs of the recipe of this name came.
    funnel: Option<(String, Answer<Box<Funnel>>)>,
    funnel_asked: Option<(Ticket, String)>,
    text: String,
    filter: Filter,
    /// The filter to come back to, and the one before it.
    settled: String,
    previous: Option<String>,
    /// The chosen columns of all tabs, by name; a tab of which none is there shows its own.
    shown: Vec<String>,
    /// The chosen order; it holds on tabs that have the column.
    sort: Option<Sort>,
}

impl Recipes {
    fn items(&self) -> Vec<Item<'_>> {
        self.items_of(self.tab)
    }

    fn items_of(&self, tab: Tab) -> Vec<Item<'_>> {
        let mut items = self.items_in_their_order(tab);
        listed::sort(&mut items, self.order_of(tab));
        items
    }

    fn items_in_their_order(&self, tab: Tab) -> Vec<Item<'_>> {
        let Some(shelf) = self.shelf.as_deref() else { return Vec::new() };
        match tab {
            Tab::Recipes => {
                let mut found: Vec<&RecipeCard> =
                    shelf.recipes.iter().filter(|recipe| self.lets(Item::Recipe(recipe))).collect();
                // What runs is looked at more often than what does not.
                found.sort_by_key(|recipe| match recipe.position {
                    Position::On => 0,
                    Position::Shadow => 1,
                    Position::Off => 2,
                });
                found.into_iter().map(Item::Recipe).collect()
            }
            Tab::Mapping => {
                let mut found = Vec::new();
                for mapping in &shelf.mappings {
                    let fields: Vec<Item<'_>> = mapping
                        .fields
                        .iter()
                        .map(|field| Item::Field(mapping, field))
                        .filter(|item| self.lets(*item))
                        .collect();
                    if !fields.is_empty() || self.lets(Item::Mapping(mapping)) {
                        found.push(Item::Mapping(mapping));
                    }
                    found.extend(fields);
                }
                found
            }
            Tab::Drift => {
                let all = shelf.drift.iter().map(Item::Drift);
                all.filter(|item| self.lets(*item)).collect()
            }
        }
    }

    /// Whether the filter lets a row through.
    fn lets(&self, item: Item<'_>) -> bool {
        self.filter.terms.iter().all(|term| holds(term, item) != term.negated)
    }

    fn place(&self) -> &Place {
        &self.places[self.tab.place()]
    }

    /// Where the selected row is by now: its record goes before its place.
    fn index(&self, items: &[Item<'_>]) -> Option<usize> {
        let place = self.place();
        let by_key = place.key.as_ref().and_then(|key| items.iter().position(|item| item.key() == *key));
        by_key.or_else(|| items.len().checked_sub(1).map(|last| place.at.min(last)))
    }

    fn current(&self) -> Option<Item<'_>> {
        let items = self.items();
        self.index(&items).map(|at| items[at])
    }

    fn select(&mut self, ctx: &Ctx, at: usize) -> Vec<Effect> {
        let (key, at) = {
            let items = self.items();
            let at = at.min(items.len().saturating_sub(1));
            (items.get(at).map(Item::key), at)
        };
        let place = &mut self.places[self.tab.place()];
        if place.key != key {
            self.scroll.set(0);
        }
        (place.key, place.at) = (key, at);
        self.load_funnel(ctx)
    }

    fn shift(&mut self, ctx: &Ctx, by: i64) -> Vec<Effect> {
        let at = self.index(&self.items()).unwrap_or(0) as i64;
        self.select(ctx, at.saturating_add(by).max(0) as usize)
    }

    fn moved(&mut self, ctx: &Ctx, action: Action) -> Vec<Effect> {
        if self.focus == Focus::Detail {
            scroll_as(&self.scroll, action);
            return Vec::new();
        }
        let page = self.height.get().max(2) as i64;
        match action {
            Action::Down => self.shift(ctx, 1),
            Action::Up => self.shift(ctx, -1),
            Action::HalfDown => self.shift(ctx, page / 2),
            Action::HalfUp => self.shift(ctx, -page / 2),
            Action::PageDown => self.shift(ctx, page),
            Action::PageUp => self.shift(ctx, -page),
            Action::First => self.select(ctx, 0),
            Action::Last => self.select(ctx, usize::MAX),
            _ => Vec::new(),
        }
    }

    fn load(&mut self, ctx: &Ctx) -> Vec<Effect> {
        if self.asked.is_some() {
            self.dirty = true;
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Recipes(Ask::Everything))]
    }

    /// Asks how far the selected recipe's runs came; one question at a time.
    fn load_funnel(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let Some(Item::Recipe(recipe)) = self.current() else { return Vec::new() };
        let name = recipe.name.clone();
        if self.funnel_asked.is_some() {
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.funnel_asked = Some((ticket, name.clone()));
        vec![Effect::Load(ticket, Query::Recipes(Ask::Funnel(name)))]
    }

    fn told(&mut self, ctx: &Ctx, ticket: Ticket, told: Told) -> Vec<Effect> {
        match told {
            Told::Everything(answer) if self.asked == Some(ticket) => {
                self.asked = None;
                match answer {
                    Ok(shelf) => {
                        self.shelf = Some(shelf);
                        self.loaded = Some(ctx.now);
                        self.failed = None;
                    }
                    Err(why) => self.failed = Some(why),
                }
                let mut effects = if std::mem::take(&mut self.dirty) { self.load(ctx) } else { Vec::new() };
                effects.extend(self.load_funnel(ctx));
                effects
            }
            Told::Funnel(answer) => {
                let Some((_, name)) = self.funnel_asked.take_if(|(asked, _)| *asked == ticket) else {
                    return Vec::new();
                };
                let here = matches!(self.current(), Some(Item::Recipe(recipe)) if recipe.name == name);
                self.funnel = Some((name, answer));
                if here { Vec::new() } else { self.load_funnel(ctx) }
            }
            _ => Vec::new(),
        }
    }

    fn show(&mut self, ctx: &Ctx, tab: Tab) -> Vec<Effect> {
        self.tab = tab;
        self.focus = Focus::List;
        self.scroll.set(0);
        self.load_funnel(ctx)
    }

    fn act(&mut self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        let over = |layer: Box<dyn crate::console::layers::Layer>| vec![Effect::Over(Over(layer))];
        let place = self.tab.place();
        Some(match (action, self.current()) {
            (Action::NextRules, _) => self.show(ctx, Tab::ALL[(place + 1) % 3]),
            (Action::PreviousRules, _) => self.show(ctx, Tab::ALL[(place + 2) % 3]),
            (Action::AdvanceRecipe | Action::BackRecipe, Some(Item::Recipe(recipe))) => {
                let to = match action {
                    Action::AdvanceRecipe => recipe.position.advanced(),
                    _ => recipe.position.back(),
                };
                match to {
                    Some(to) => over(Box::new(Switching::new(recipe.name.clone(), recipe.position, to))),
                    None => Vec::new(),
                }
            }
            (Action::PauseThis, Some(Item::Recipe(recipe))) => {
                vec![pausing::question(&recipe.name, recipe.pause.as_ref())]
            }
            (Action::TryRules, Some(Item::Recipe(recipe))) => {
                over(Box::new(Trying::new(Subject::Recipe(recipe.name.clone()), "")))
            }
            (Action::TryRules, Some(Item::Mapping(mapping) | Item::Field(mapping, _))) => {
                let begin = mapping.draft.clone().unwrap_or_default();
                over(Box::new(Trying::new(Subject::Mapping(mapping.name.clone()), &begin)))
            }
            (Action::DraftMapping, Some(Item::Mapping(mapping) | Item::Field(mapping, _))) => {
                let wish = wishes::recipes::Wish::Draft(mapping.name.clone());
                vec![Effect::Do(Box::new(Wish::Recipes(wish)))]
            }
            (Action::Versions, Some(Item::Recipe(recipe))) => {
                over(Box::new(Editions::new(EditionKind::Recipe, recipe.name.clone())))
            }
            (Action::Versions, Some(Item::Mapping(mapping) | Item::Field(mapping, _))) => {
                over(Box::new(Editions::new(EditionKind::Mapping, mapping.name.clone())))
            }
            (Action::Lints, Some(item)) => {
                let seen = self.shelf.as_ref().is_some_and(|shelf| shelf.schemas);
                let (title, paragraphs) = words::lints(item, seen);
                over(Box::new(Reading::new(title, paragraphs)))
            }
            (Action::WhyRule, Some(item)) => {
                let (title, paragraphs) = words::why(item);
                over(Box::new(Reading::new(title, paragraphs)))
            }
            (Action::AcceptDrift | Action::ResumeDrift, Some(Item::Drift(finding))) => {
                let accept = action == Action::AcceptDrift;
                let (title, paragraphs) = words::drift_question(finding, accept);
                let wish = wishes::recipes::Wish::Drift { id: finding.id, accept };
                let verb = if accept { "Accept" } else { "Let go on" };
                over(Box::new(Reading::new(title, paragraphs).asking(verb, Wish::Recipes(wish))))
            }
            (Action::Open, Some(item)) if self.focus == Focus::Detail => door(item),
            (Action::Open, Some(_)) => {
                self.focus = Focus::Detail;
                Vec::new()
            }
            (Action::NextBox | Action::PreviousBox, _) => {
                self.focus = self.focus.other();
                Vec::new()
            }
            (Action::Copy, Some(item)) => vec![Effect::Copy(match item {
                Item::Recipe(recipe) => recipe.name.clone(),
                Item::Mapping(mapping) => mapping.name.clone(),
                Item::Field(_, field) => field.name.clone(),
                Item::Drift(finding) => format!("df_{}", finding.id),
            })],
            _ => return None,
        })
    }
}

/// Where a row of the detail leads.
fn door(item: Item<'_>) -> Vec<Effect> {
    match item {
        Item::Recipe(recipe) => {
            vec![Effect::Go(Screen::Executions, Some(format!("recipe:{}", quoted(&recipe.name))))]
        }
        Item::Field(_, field) => {
            vec![Effect::Go(Screen::Conflicts, Some(format!("field:{}", quoted(&field.name))))]
        }
        Item::Mapping(_) | Item::Drift(_) => Vec::new(),
    }
}

/// Whether one term fits a row, as it stands without its sign.
fn holds(term: &Term, item: Item<'_>) -> bool {
    let is = |text: &str| {
        let text = text.to_lowercase();
        term.values.iter().any(|value| {
            let value = value.to_lowercase();
            match beginning(&value) {
                Some(begin) => text.starts_with(begin),
                None => text == value,
            }
        })
    };
    let has = |text: &str| {
        let text = text.to_lowercase();
        term.values.iter().any(|value| text.contains(&value.to_lowercase()))
    };
    match (term.key, item) {
        (None, Item::Recipe(recipe)) => {
            has(&recipe.name)
                || has(&recipe.title)
                || has(&recipe.trigger)
                || recipe.does.iter().any(|it| has(it))
        }
        (None, Item::Mapping(mapping)) => has(&mapping.name),
        (None, Item::Field(mapping, field)) => {
            has(&mapping.name) || has(&field.name) || has(&field.left) || has(&field.right)
        }
        (None, Item::Drift(finding)) => {
            has(&finding.change.sentence()) || finding.hits.iter().any(|hit| has(&hit.user))
        }
        (Some(Key::Status), Item::Recipe(recipe)) => {
            is(recipe.position.as_str()) || (is("paused") && recipe.pause.is_some())
        }
        (Some(Key::Recipe), Item::Recipe(recipe)) => is(&recipe.name),
        (Some(Key::Recipe), Item::Drift(finding)) => finding.hits.iter().any(|hit| is(&hit.user)),
        (Some(Key::Role), Item::Recipe(recipe)) => is(&recipe.owner),
        (Some(Key::Role), Item::Field(_, field)) => is(&field.decides),
        (Some(Key::Field), Item::Field(_, field)) => is(&field.name) || is(&field.left) || is(&field.right),
        (Some(Key::Field), Item::Drift(finding)) => is(&finding.change.field),
        (Some(Key::System), Item::Drift(finding)) => is(finding.change.connection.system.as_str()),
        // A key that says nothing of such rows lets none through.
        _ => false,
    }
}

impl Pane for Recipes {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Shown | Msg::Refresh => self.load(ctx),
            Msg::Loaded(ticket, Loaded::Recipes(told)) => self.told(ctx, ticket, *told),
            Msg::Act(action) if keys::moves(action) => self.moved(ctx, action),
            Msg::Act(action) if listing::concerns(action) => self.machine(ctx, action),
            Msg::List(change) => self.change(ctx, *change),
            Msg::Act(action) => self.act(ctx, action).unwrap_or_default(),
            Msg::Filter(text, filter) => {
                self.filtered(text, filter);
                self.select(ctx, 0)
            }
            Msg::Click(Target::Tab(at), _) => match Tab::ALL.get(at) {
                Some(tab) => self.show(ctx, *tab),
                None => Vec::new(),
            },
            Msg::Click(Target::Row(at), double) => {
                self.focus = if double { Focus::Detail } else { Focus::List };
                self.select(ctx, self.place().top.get() + at)
            }
            Msg::Click(Target::Detail, _) => {
                self.focus = Focus::Detail;
                Vec::new()
            }
            Msg::Wheel(Target::Detail, by) => {
                scroll_by(&self.scroll, by);
                Vec::new()
            }
            Msg::Wheel(_, by) => self.shift(ctx, by.signum()),
            _ => Vec::new(),
        }
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let wide = match area.width {
            0..130 => area.width * 57 / 100,
            cells => (cells * 3 / 5).min(104),
        };
        let (left, right) = split(ctx, area, self.focus, wide);
        if let Some(left) = left {
            list::draw(self, ctx, buffer, left);
        }
        if let Some(right) = right {
            detail::draw(self, ctx, buffer, right);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let row = action.row();
        let ours = row.scope == Scope::Recipes || matches!(action, Action::Open | Action::Copy);
        if !ours || matches!(action, Action::NextRules | Action::PreviousRules) {
            return Ok(());
        }
        if self.shelf.is_none() {
            return Err("nothing is loaded yet".to_owned());
        }
        let Some(item) = self.current() else { return Err("no row is selected".to_owned()) };
        let only = |what: &str| Err(format!("only {what} (← →)"));
        match (action, item) {
            (Action::AdvanceRecipe, Item::Recipe(recipe)) if recipe.position.advanced().is_none() => {
                Err(format!("{} is on already", recipe.name))
            }
            (Action::BackRecipe, Item::Recipe(recipe)) if recipe.position.back().is_none() => {
                Err(format!("{} is off already", recipe.name))
            }
            (Action::AdvanceRecipe | Action::BackRecipe | Action::PauseThis, Item::Recipe(_)) => Ok(()),
            (Action::PauseThis, _) => only("recipes are paused"),
            (Action::AdvanceRecipe | Action::BackRecipe, _) => only("recipes have a switch"),
            (Action::AcceptDrift | Action::ResumeDrift, Item::Drift(finding)) => {
                if action == Action::ResumeDrift && finding.held().next().is_none() {
                    return Err("nothing is held back by it".to_owned());
                }
                Ok(())
            }
            (Action::AcceptDrift | Action::ResumeDrift, _) => only("a vendor's change can be accepted"),
            (Action::DraftMapping, Item::Mapping(_) | Item::Field(..)) => {
                if self.shelf.as_ref().is_some_and(|shelf| shelf.read_only) {
                    Err("this Reknit runs read-only; start it without --read-only".to_owned())
                } else {
                    Ok(())
                }
            }
            (Action::DraftMapping, _) => only("a mapping is drafted"),
            (Action::TryRules | Action::Versions | Action::Lints, Item::Drift(_)) => {
                Err("a vendor's change has no rule of its own".to_owned())
            }
            (Action::TryRules | Action::Versions | Action::Lints | Action::WhyRule, _) => Ok(()),
            (Action::Open | Action::Copy, _) => Ok(()),
            (_, _) => Ok(()),
        }
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn back(&mut self, ctx: &Ctx) -> Option<Vec<Effect>> {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
            return Some(Vec::new());
        }
        if !self.text.is_empty() {
            (self.text, self.filter) = (String::new(), Filter::default());
            return Some(self.select(ctx, 0));
        }
        if self.tab != Tab::Recipes {
            return Some(self.show(ctx, Tab::Recipes));
        }
        None
    }

    fn filter(&self) -> &str {
        &self.text
    }

    fn list(&self) -> Option<&dyn Listed> {
        Some(self)
    }
}
