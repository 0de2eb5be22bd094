//! Matches the rows of any table whose columns are described by a schema: persons, firms, products, works.
//!
//! Pure, like the matcher of people: the same rows in any order give the same pairs with the same bits. It knows
//! nothing about the data but the types of the columns; what agreement in a column is worth is learned from the
//! table itself, beginning with shipped beliefs that count for little as soon as there are many rows.

mod dates;
mod keys;
mod learn;
mod levels;
mod plan;
mod schema;
mod values;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;

use super::estimate::NOTHING;
use super::hashing::combine;
use super::record::{Band, Settings};
use crate::domain::evidence::{Evidence, probability_of};

use keys::Rows;
use learn::{Sight, Weights, learn};
use plan::Plan;
pub use schema::{FieldType, Schema, SchemaError};
use values::{Column, Texts, split_name};

/// Identical rows above this number are paired with the first of them only.
const STAR: usize = 50;

/// Rows being collected.
#[derive(Clone, Debug)]
pub struct TableBuilder {
    fields: Vec<(String, FieldType)>,
    texts: Vec<Texts>,
    ids: Vec<String>,
    sides: Vec<u8>,
}

impl TableBuilder {
    /// A table with the columns of a schema.
    pub fn new(schema: &Schema) -> Self {
        let fields: Vec<(String, FieldType)> =
            schema.fields.iter().filter(|field| field.1 != FieldType::Ignore).cloned().collect();
        let texts = vec![Texts::default(); fields.len()];
        Self { fields, texts, ids: Vec::new(), sides: Vec::new() }
    }

    /// The columns in the order that [`Self::push`] takes their texts.
    pub fn fields(&self) -> &[(String, FieldType)] {
        &self.fields
    }

    /// Adds a row of the first or of the second file. Ids must differ.
    pub fn push<'a>(&mut self, id: &str, second: bool, texts: impl IntoIterator<Item = &'a str>) {
        self.ids.push(id.to_owned());
        self.sides.push(u8::from(second));
        let mut given = texts.into_iter();
        for column in &mut self.texts {
            column.push(given.next().unwrap_or_default());
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Reads all values; rows are put in the order of their ids, so that their order in the file says nothing.
    fn into_table(mut self) -> Table {
        self.derive_names();
        let mut order: Vec<u32> = (0..self.ids.len() as u32).collect();
        order.sort_unstable_by(|one, other| self.ids[*one as usize].cmp(&self.ids[*other as usize]));
        let columns = self
            .fields
            .into_iter()
            .zip(self.texts)
            .filter(|(field, _)| field.1 != FieldType::FullName)
            .map(|((name, kind), texts)| texts.into_column(name, kind, &order))
            .collect();
        let sides = order.iter().map(|row| self.sides[*row as usize]).collect();
        let mut ids: Vec<String> = Vec::with_capacity(order.len());
        for row in &order {
            ids.push(std::mem::take(&mut self.ids[*row as usize]));
        }
        Table { ids, sides, columns }
    }

    /// Whole names are read into given and family name, where the row has no better.
    fn derive_names(&mut self) {
        let first =
            |fields: &[(String, FieldType)], kind: FieldType| fields.iter().position(|it| it.1 == kind);
        let Some(whole) = first(&self.fields, FieldType::FullName) else { return };
        let name = self.fields[whole].0.clone();
        let given = first(&self.fields, FieldType::GivenName);
        let family = first(&self.fields, FieldType::FamilyName);
        let (mut given_texts, mut family_texts) = (Texts::default(), Texts::default());
        for row in 0..self.ids.len() {
            let text = |column: Option<usize>| column.map_or("", |column| self.texts[column].text(row));
            let (mine, theirs) = (text(given), text(family));
            if mine.trim().is_empty() && theirs.trim().is_empty() {
                let (mine, theirs) = split_name(self.texts[whole].text(row));
                given_texts.push(&mine);
                family_texts.push(&theirs);
            } else {
                given_texts.push(mine);
                family_texts.push(theirs);
            }
        }
        for (at, kind, part, texts) in [
            (given, FieldType::GivenName, "given", given_texts),
            (family, FieldType::FamilyName, "family", family_texts),
        ] {
            if let Some(at) = at {
                self.texts[at] = texts;
            } else {
                self.fields.push((format!("{name} ({part})"), kind));
                self.texts.push(texts);
            }
        }
    }
}

/// Rows in the order of their ids.
#[derive(Clone, Debug)]
struct Table {
    ids: Vec<String>,
    sides: Vec<u8>,
    columns: Vec<Column>,
}

/// How a table is matched.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// Thresholds and the cap.
    pub settings: Settings,
    /// Only pairs across the two files.
    pub across: bool,
    /// Threads to compare with; any number gives the same result.
    pub threads: NonZeroUsize,
}

/// A matched table.
#[derive(Clone, Debug)]
pub struct MatchedTable {
    table: Table,
    plan: Plan,
    weights: Weights,
    /// Sum in hundredths of a bit, smaller row, larger row; strongest first, then by rows.
    pairs: Vec<(i32, u32, u32)>,
    settings: Settings,
    /// Identical rows, each group with the one that stands for it first; only that one is in pairs with the others.
    stars: Vec<Vec<u32>>,
    compared: usize,
    left_out: usize,
}

/// One pair as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePair<'a> {
    /// The smaller id in byte order.
    pub left: &'a str,
    /// The other id.
    pub right: &'a str,
    /// Probability that both are the same.
    pub probability: f64,
    /// What to do with it.
    pub band: Band,
    /// Every addend; they add up to the probability.
    pub evidence: Vec<Evidence>,
}

impl MatchedTable {
    /// Number of pairs found.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether no pair was found.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Number of pairs compared.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// Pairs that the cap left out, the weakest.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// All ids in byte order.
    pub fn ids(&self) -> &[String] {
        &self.table.ids
    }

    /// Groups of more than fifty identical rows as places among [`Self::ids`]: in them, only the first is in pairs
    /// with the others.
    pub fn stars(&self) -> &[Vec<u32>] {
        &self.stars
    }

    /// Every pair without its evidence, for making groups: places among [`Self::ids`] and hundredths of a bit.
    pub fn sums(&self) -> impl Iterator<Item = (u32, u32, i32)> + '_ {
        self.pairs.iter().map(|pair| (pair.1, pair.2, pair.0))
    }

    /// All pairs with their evidence, strongest first, then by ids.
    pub fn pairs(&self) -> impl Iterator<Item = TablePair<'_>> + '_ {
        let mut levels = Vec::new();
        self.pairs.iter().map(move |(_, left, right)| {
            self.plan.levels(&self.table.columns, *left, *right, &mut levels);
            let evidence = self.evidence((*left, *right), &levels);
            let probability = Evidence::probability(&evidence);
            TablePair {
                left: &self.table.ids[*left as usize],
                right: &self.table.ids[*right as usize],
                probability,
                band: self.settings.band(probability, false),
                evidence,
            }
        })
    }

    fn evidence(&self, pair: (u32, u32), levels: &[u8]) -> Vec<Evidence> {
        let bar = |comparison: &str, level: &str, centibits: i32, left: &str, right: &str| Evidence {
            comparison: comparison.to_owned(),
            level: level.to_owned(),
            millibits: centibits * 10,
            left: left.to_owned(),
            right: right.to_owned(),
            note: None,
        };
        let mut bars = vec![bar("prior", "chance of any two rows", self.weights.prior, "", "")];
        for (number, comparison) in self.plan.comparisons.iter().enumerate() {
            let level = levels[number];
            if level == NOTHING {
                continue;
            }
            let slot = self.plan.slot(number, levels);
            let column = &self.table.columns[comparison.columns[0]];
            let (left, right) = (column.value(pair.0), column.value(pair.1));
            let name = comparison.scale().names[usize::from(level)];
            bars.push(bar(&comparison.name, name, self.weights.of(slot, level), &left.shown, &right.shown));
            if level == 0 && slot.is_multiple_of(2) {
                let shared = learn::shared(&self.plan, &self.table.columns, number, pair);
                let bits = self.weights.frequency(number, shared);
                if bits != 0 {
                    let level = if bits > 0 { "rare value" } else { "common value" };
                    bars.push(bar(&format!("{} frequency", comparison.name), level, bits, "", ""));
                }
            }
        }
        bars
    }
}

/// Finds the duplicate rows of a table, or the pairs across its two files.
pub fn match_table(rows: TableBuilder, options: &TableOptions) -> MatchedTable {
    let table = rows.into_table();
    let plan = Plan::of(&table.columns);
    let groups = identical(&table);
    let mut members: Vec<u32> = Vec::with_capacity(table.ids.len());
    let mut stars: Vec<(u32, u32)> = Vec::new();
    let mut equals: Vec<(u32, u32)> = Vec::new();
    let mut alike: Vec<Vec<u32>> = Vec::new();
    let wanted =
        |one: u32, other: u32| !options.across || table.sides[one as usize] != table.sides[other as usize];
    for group in &groups {
        if group.len() > STAR {
            // One of each file stands for the others, which are paired with it alone.
            let first_of = |side: u8| group.iter().copied().find(|row| table.sides[*row as usize] == side);
            for hub in [first_of(0), first_of(1)].into_iter().flatten() {
                members.push(hub);
                let spokes = group.iter().filter(|row| **row != hub && wanted(hub, **row));
                stars.extend(spokes.map(|row| (hub.min(*row), hub.max(*row))));
            }
            alike.push(group.clone());
            continue;
        }
        members.extend(group);
        for (at, one) in group.iter().enumerate() {
            equals.extend(group[at + 1..].iter().filter(|row| wanted(*one, **row)).map(|row| (*one, *row)));
        }
    }
    members.sort_unstable();
    let rows =
        Rows { columns: &table.columns, sides: &table.sides, across: options.across, members: &members };
    let mut pairs = keys::pairs(&rows);
    pairs.extend(equals);
    pairs.sort_unstable();
    pairs.dedup();
    let levels = compare_all(&table, &plan, &pairs, options.threads);
    let sight = Sight {
        plan: &plan,
        columns: &table.columns,
        sides: &table.sides,
        across: options.across,
        members: &members,
        pairs: &pairs,
        levels: &levels,
    };
    let weights = learn(&sight);
    let width = plan.comparisons.len();
    let least = options.settings.minimum_probability;
    let mut found: Vec<(i32, u32, u32)> = Vec::new();
    let compared = pairs.len() + stars.len();
    for (at, pair) in pairs.iter().enumerate() {
        let sum = weights.sum(&sight, *pair, &levels[at * width..(at + 1) * width]);
        if probability_of(i64::from(sum) * 10) >= least {
            found.push((sum, pair.0, pair.1));
        }
    }
    stars.sort_unstable();
    stars.dedup();
    let mut one = Vec::new();
    for pair in stars {
        plan.levels(&table.columns, pair.0, pair.1, &mut one);
        let sum = weights.sum(&sight, pair, &one);
        if probability_of(i64::from(sum) * 10) >= least {
            found.push((sum, pair.0, pair.1));
        }
    }
    // Rows stand in the order of their ids, so that rows in order are ids in order.
    found.sort_unstable_by_key(|pair| (std::cmp::Reverse(pair.0), pair.1, pair.2));
    found.dedup();
    let left_out = found.len().saturating_sub(options.settings.maximum_candidates);
    found.truncate(options.settings.maximum_candidates);
    // Probabilities are shown with six digits: what is equal there is in the order of the ids.
    found.sort_by_cached_key(|pair| (std::cmp::Reverse(shown(pair.0)), pair.1, pair.2));
    let stars = if options.across { Vec::new() } else { alike };
    MatchedTable {
        table,
        plan,
        weights,
        pairs: found,
        settings: options.settings.clone(),
        stars,
        compared,
        left_out,
    }
}

/// A sum as the millionths of probability that are shown.
fn shown(centibits: i32) -> u32 {
    (probability_of(i64::from(centibits) * 10) * 1_000_000.0).round() as u32
}

/// Rows that are equal in every compared value, and rows that are equal to no other; all-empty rows are equal to none.
fn identical(table: &Table) -> Vec<Vec<u32>> {
    let mut keyed: Vec<(u64, u32)> = (0..table.ids.len() as u32)
        .map(|row| {
            let values = table.columns.iter().map(|column| column.rows[row as usize]);
            let (key, filled) = values.fold((7, false), |(key, filled), value| {
                (combine(key, u64::from(value)), filled || value != 0)
            });
            // Nothing in a row is no agreement with nothing in another.
            (if filled { key } else { combine(key, u64::from(row) + 1) }, row)
        })
        .collect();
    keyed.sort_unstable();
    keyed
        .chunk_by(|left, right| left.0 == right.0)
        .map(|run| run.iter().map(|entry| entry.1).collect())
        .collect()
}

/// The levels of all pairs, one after another, whatever the number of threads.
fn compare_all(table: &Table, plan: &Plan, pairs: &[(u32, u32)], threads: NonZeroUsize) -> Vec<u8> {
    let width = plan.comparisons.len();
    let mut levels = vec![NOTHING; pairs.len() * width];
    if width == 0 || pairs.is_empty() {
        return levels;
    }
    let share = pairs.len().div_ceil(threads.get()).max(1);
    std::thread::scope(|scope| {
        for (pairs, levels) in pairs.chunks(share).zip(levels.chunks_mut(share * width)) {
            scope.spawn(move || {
                let mut one = Vec::with_capacity(width);
                for (pair, out) in pairs.iter().zip(levels.chunks_exact_mut(width)) {
                    plan.levels(&table.columns, pair.0, pair.1, &mut one);
                    out.copy_from_slice(&one);
                }
            });
        }
    });
    levels
}
