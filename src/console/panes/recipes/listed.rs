//! Screen 6 as the machine of every list sees it: order, columns, views and the file of its rows. All of them are in
//! memory, so that nothing is asked of the journal; nothing is done to several rules at once, so that none is marked.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{Item, Recipes, Tab, list};
use crate::console::actions::Action;
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::panes::Screen;
use crate::console::panes::listing::{self, Change, Chosen, Given, Listed, Shape, sortable};
use crate::console::widgets::list::Column;
use crate::domain::execution::Outcome;
use crate::domain::filter::{Column as By, Filter, Sort, with_sort};
use crate::engine::operate::switching::Position;

impl Recipes {
    /// The order that was chosen, where the tab has its column.
    pub(super) fn order_of(&self, tab: Tab) -> Option<Sort> {
        self.sort.filter(|sort| list::columns(tab).iter().any(|column| column.sort == Some(sort.column)))
    }

    pub(super) fn order(&self) -> Option<Sort> {
        self.order_of(self.tab)
    }

    /// Takes a filter over; an order within it is the order from then on.
    pub(super) fn filtered(&mut self, text: String, filter: Filter) {
        self.sort = filter.sort.or(self.sort);
        self.text = if filter.sort.is_some() { with_sort(&text, None) } else { text };
        self.filter = Filter { sort: None, ..filter };
    }

    fn settle(&mut self) {
        if self.text != self.settled {
            self.previous = Some(std::mem::replace(&mut self.settled, self.text.clone()));
        }
    }

    fn filter_by(&mut self, ctx: &Ctx, text: String) -> Vec<Effect> {
        // A filter that is not understood was kept by another Reknit; then it shows all.
        let filter = Filter::parse(&text).unwrap_or_default();
        self.filtered(text, filter);
        self.select(ctx, 0)
    }

    /// What the machine of every list does to this one.
    pub(super) fn change(&mut self, ctx: &Ctx, change: Change) -> Vec<Effect> {
        match change {
            Change::Open(shape) => {
                self.settle();
                self.shown = shape.columns;
                self.sort = listing::order(&shape.sort);
                return self.filter_by(ctx, shape.filter);
            }
            Change::Restore(shape) => {
                self.shown = shape.columns;
                self.sort = listing::order(&shape.sort);
            }
            Change::Columns(shown) => {
                // What was chosen for the other tabs stays.
                let here = |name: &String| list::columns(self.tab).iter().any(|column| column.name == name);
                self.shown.retain(|name| !here(name));
                self.shown.extend(shown);
            }
            Change::Sort(sort) => self.sort = sort,
            Change::Settle => self.settle(),
            Change::Unmark => {}
        }
        Vec::new()
    }

    /// The keys of every list that change how this one is looked at.
    pub(super) fn machine(&mut self, ctx: &Ctx, action: Action) -> Vec<Effect> {
        match action {
            Action::SortLeft => self.sort_beside(false),
            Action::SortRight => self.sort_beside(true),
            Action::SortTurn => {
                self.sort = self.sort.map(|sort| Sort { descending: !sort.descending, ..sort });
            }
            Action::LastFilter => {
                self.settle();
                if let Some(text) = self.previous.take() {
                    self.previous = Some(std::mem::replace(&mut self.settled, text.clone()));
                    return self.filter_by(ctx, text);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn sort_beside(&mut self, right: bool) {
        let columns = list::columns(self.tab);
        let places = sortable(columns, &self.shown);
        let Some(last) = places.len().checked_sub(1) else { return };
        let here =
            self.order().and_then(|sort| places.iter().position(|at| columns[*at].sort == Some(sort.column)));
        let to = match (here, right) {
            (None, true) => 0,
            (None, false) => last,
            (Some(at), true) => (at + 1) % places.len(),
            (Some(at), false) => at.checked_sub(1).unwrap_or(last),
        };
        self.sort = listing::first_order(&columns[places[to]]);
    }
}

impl Listed for Recipes {
    fn screen(&self) -> Screen {
        Screen::Recipes
    }

    fn columns(&self) -> &'static [Column] {
        list::columns(self.tab)
    }

    fn shape(&self) -> Shape {
        Shape { filter: self.text.clone(), sort: listing::written(self.sort), columns: self.shown.clone() }
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn total(&self) -> u64 {
        self.written().count() as u64
    }

    fn marked(&self) -> u64 {
        0
    }

    fn subject(&self) -> Chosen {
        Chosen::These(Vec::new())
    }

    fn given(&self) -> Option<Given> {
        let (name, columns): (_, &'static [&'static str]) = match self.tab {
            Tab::Recipes => (
                "recipes",
                &[
                    "name", "title", "state", "owner", "trigger", "runs", "failed", "last_at", "paused",
                    "file",
                ],
            ),
            Tab::Mapping => (
                "mapping",
                &[
                    "mapping",
                    "field",
                    "intercom",
                    "direction",
                    "crm",
                    "owner",
                    "transform",
                    "decides",
                    "conflicts",
                    "rule",
                ],
            ),
            Tab::Drift => (
                "drift",
                &[
                    "id",
                    "change",
                    "connection",
                    "object",
                    "field",
                    "was",
                    "now",
                    "hits",
                    "holding",
                    "found_at",
                ],
            ),
        };
        Some(Given { name, columns, rows: self.written().map(row).collect() })
    }

    fn can(&self, action: Action) -> Result<(), String> {
        let unsorted = sortable(list::columns(self.tab), &self.shown).is_empty();
        let why = match action {
            Action::Mark | Action::MarkRange | Action::MarkAll | Action::ClearMarks => {
                "rules are changed one at a time, so none is marked"
            }
            Action::LastFilter if self.previous.is_none() && self.text == self.settled => {
                "there was no other filter here yet"
            }
            Action::Sort | Action::SortLeft | Action::SortRight | Action::SortTurn if unsorted => {
                "these rows have one order only"
            }
            Action::SortTurn if self.order().is_none() => "no column is sorted by; s chooses one",
            Action::Export if self.written().next().is_none() => "there are no rows to write",
            _ => return Ok(()),
        };
        Err(why.to_owned())
    }
}

impl Recipes {
    /// The rows that are written to a file: a mapping is its fields.
    fn written(&self) -> impl Iterator<Item = Item<'_>> {
        self.items().into_iter().filter(|item| !matches!(item, Item::Mapping(_)))
    }
}

fn row(item: Item<'_>) -> Value {
    match item {
        Item::Recipe(recipe) => json!({
            "name": recipe.name,
            "title": recipe.title,
            "state": recipe.position.as_str(),
            "owner": recipe.owner,
            "trigger": recipe.trigger,
            "runs": recipe.tally.all(),
            "failed": recipe.tally.of(Outcome::Error),
            "last_at": recipe.last.as_ref().map(|last| last.at),
            "paused": recipe.pause.as_ref().map(|pause| pause.sentence()),
            "file": recipe.file,
        }),
        Item::Mapping(mapping) => json!({ "mapping": mapping.name }),
        Item::Field(mapping, field) => json!({
            "mapping": mapping.name,
            "field": field.name,
            "intercom": field.left,
            "direction": field.arrow,
            "crm": field.right,
            "owner": field.owner,
            "transform": field.transform,
            "decides": field.decides,
            "conflicts": field.conflicts,
            "rule": field.rule,
        }),
        Item::Drift(finding) => json!({
            "id": format!("df_{}", finding.id),
            "change": finding.change.sentence(),
            "connection": finding.change.connection.to_string(),
            "object": finding.change.object.as_str(),
            "field": finding.change.field,
            "was": finding.change.was,
            "now": finding.change.now,
            "hits": finding.hits.len(),
            "holding": finding.holding,
            "found_at": finding.found_at,
        }),
    }
}

/// Puts rows into an order; the fields of a mapping stay below it.
pub(super) fn sort(items: &mut [Item<'_>], order: Option<Sort>) {
    let Some(order) = order else { return };
    let by = |one: &Item<'_>, other: &Item<'_>| {
        let way = compared(order.column, *one, *other);
        if order.descending { way.reverse() } else { way }
    };
    let mut rest = items;
    while !rest.is_empty() {
        let group = rest.iter().skip(1).position(|item| matches!(item, Item::Mapping(_)));
        let (group, after) = rest.split_at_mut(group.map_or(rest.len(), |at| at + 1));
        let fields = usize::from(matches!(group.first(), Some(Item::Mapping(_))));
        group[fields..].sort_by(by);
        rest = after;
    }
}

fn compared(by: By, one: Item<'_>, other: Item<'_>) -> Ordering {
    let place = |position: Position| match position {
        Position::On => 0,
        Position::Shadow => 1,
        Position::Off => 2,
    };
    match (one, other) {
        (Item::Recipe(one), Item::Recipe(other)) => match by {
            By::Status => place(one.position).cmp(&place(other.position)),
            By::Runs => one.tally.all().cmp(&other.tally.all()),
            By::Fails => {
                let rate = |recipe: &super::RecipeCard| recipe.tally.failure_rate().unwrap_or(-1.0);
                rate(one).total_cmp(&rate(other))
            }
            By::Age => {
                let last = |recipe: &super::RecipeCard| recipe.last.as_ref().map(|last| last.at);
                // The youngest is the smallest; what never ran is older than all.
                last(other).cmp(&last(one))
            }
            _ => one.name.cmp(&other.name),
        },
        (Item::Field(_, one), Item::Field(_, other)) => match by {
            By::Owner => one.owner.cmp(&other.owner),
            By::Conflicts => one.conflicts.cmp(&other.conflicts),
            _ => one.name.cmp(&other.name),
        },
        (Item::Drift(one), Item::Drift(other)) => match by {
            By::Members => one.hits.len().cmp(&other.hits.len()),
            _ => other.found_at.cmp(&one.found_at),
        },
        _ => Ordering::Equal,
    }
}
