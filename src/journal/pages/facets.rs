//! What executions have in common: the combinations of their small fields, each with how many have it.
//!
//! There are some hundred of them however many executions there are, so a filter is asked of them and not of the
//! executions, and its exact count is a sum.

use std::cmp::Ordering;
use std::collections::HashMap;

use rusqlite::Connection;

use crate::domain::execution::{Priority, Status};
use crate::domain::filter::{Column, Compared, Filter, Key, Term, beginning};
use crate::journal::Result;

/// One combination.
#[derive(Debug)]
pub(super) struct Facet {
    pub(super) id: i64,
    pub(super) status: String,
    pub(super) recipe: String,
    pub(super) system: String,
    pub(super) kind: String,
    pub(super) outcome: String,
    pub(super) error: String,
    pub(super) code: i64,
    pub(super) cause: String,
    pub(super) attempts: i64,
    pub(super) priority: i64,
    pub(super) number: u64,
}

/// What a row is sorted by; rows that have nothing there come last, whichever way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rank {
    Number(i64),
    Text(String),
    Nothing,
}

impl Rank {
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text.to_owned()) }
    }

    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            (Self::Nothing, _) => Ordering::Greater,
            (_, Self::Nothing) => Ordering::Less,
            (Self::Number(one), Self::Number(other)) => turned(one.cmp(other)),
            (Self::Text(one), Self::Text(other)) => turned(one.cmp(other)),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl Facet {
    /// What it is sorted by in a column that is one of its own; none for the other columns.
    pub(super) fn rank(&self, column: Column) -> Option<Rank> {
        Some(match column {
            Column::Status => Rank::Number(
                Status::ALL
                    .iter()
                    .position(|status| status.as_str() == self.status)
                    .map_or(99, |at| at as i64),
            ),
            Column::Recipe => Rank::text(&self.recipe),
            Column::System => Rank::text(&self.system),
            Column::Kind => Rank::text(&self.kind),
            Column::Outcome => Rank::text(&self.outcome),
            Column::Error => Rank::text(&self.error),
            Column::Cause => Rank::text(&self.cause),
            Column::Code if self.code == 0 => Rank::Nothing,
            Column::Code => Rank::Number(self.code),
            Column::Attempts => Rank::Number(self.attempts),
            Column::Priority => Rank::Number(self.priority),
            _ => return None,
        })
    }

    /// Whether a term holds for it; none when the term is not about what it knows.
    fn holds(&self, term: &Term) -> Option<bool> {
        let word = |text: &str, value: &str| match beginning(value) {
            Some(start) => text.starts_with(start),
            None => text == value,
        };
        let one: &dyn Fn(&str) -> bool = match term.key? {
            Key::Status => &|value| {
                if value == "open" { is_open(&self.status) } else { word(&self.status, value) }
            },
            Key::Recipe => &|value| word(&self.recipe, value),
            Key::Error => {
                &|value| word(&self.error, value) || (self.code != 0 && word(&self.code.to_string(), value))
            }
            Key::System => &|value| {
                word(&self.system, value)
                    || self.system.split(':').next().is_some_and(|system| system == value)
            },
            Key::Kind => &|value| word(&self.kind, value),
            Key::Outcome => &|value| word(&self.outcome, value),
            Key::Cause => &|value| word(&self.cause, value),
            Key::Code => &|value| {
                self.code != 0
                    && match beginning(value) {
                        Some(start) => self.code.to_string().starts_with(start),
                        None => Compared::parse(value).is_some_and(|compared| compared.holds(self.code)),
                    }
            },
            Key::Attempts => {
                &|value| Compared::parse(value).is_some_and(|compared| compared.holds(self.attempts))
            }
            Key::Priority => &|value| {
                Priority::ALL.iter().any(|one| one.rank() == self.priority && word(one.as_str(), value))
            },
            _ => return None,
        };
        Some(term.values.iter().any(|value| one(value)) != term.negated)
    }
}

/// Everything that needs or awaits something.
fn is_open(status: &str) -> bool {
    !["succeeded", "skipped", "discarded"].contains(&status)
}

/// The combinations a filter lets through.
#[derive(Debug)]
pub(super) struct Facets {
    pub(super) by_id: HashMap<i64, Facet>,
    /// The filter says nothing about what they know.
    pub(super) all: bool,
}

impl Facets {
    pub(super) fn read(connection: &Connection) -> Result<Vec<Facet>> {
        let mut statement = connection.prepare_cached(
            "SELECT id, status, recipe, system, kind, outcome, error, code, cause, attempts, priority, number \
             FROM execution_facets WHERE number > 0",
        )?;
        let mut found = statement.query([])?;
        let mut facets = Vec::new();
        while let Some(row) = found.next()? {
            facets.push(Facet {
                id: row.get(0)?,
                status: row.get(1)?,
                recipe: row.get(2)?,
                system: row.get(3)?,
                kind: row.get(4)?,
                outcome: row.get(5)?,
                error: row.get(6)?,
                code: row.get(7)?,
                cause: row.get(8)?,
                attempts: row.get(9)?,
                priority: row.get(10)?,
                number: row.get::<_, i64>(11)?.unsigned_abs(),
            });
        }
        Ok(facets)
    }

    pub(super) fn of(connection: &Connection, filter: &Filter) -> Result<Self> {
        let every = Self::read(connection)?;
        let mut all = true;
        let mut by_id = HashMap::with_capacity(every.len());
        for facet in every {
            let said: Vec<bool> = filter.terms.iter().filter_map(|term| facet.holds(term)).collect();
            all &= said.is_empty();
            if said.into_iter().all(|holds| holds) {
                by_id.insert(facet.id, facet);
            }
        }
        Ok(Self { by_id, all })
    }

    pub(super) fn number(&self) -> u64 {
        self.by_id.values().map(|facet| facet.number).sum()
    }

    pub(super) fn ids(&self) -> Vec<i64> {
        self.by_id.keys().copied().collect()
    }
}
