//! Duplicate people: pairs from blocking, bars from the comparisons, candidates with their evidence.
//! It merges nothing and remembers no verdicts.

mod builder;
mod compare;
mod guards;
mod mailboxes;
mod scan;
pub(crate) mod weights;
mod workplace;

use std::sync::OnceLock;

use super::blocking;
use super::hashing::combine;
use super::model::Model;
use super::prepare::{People, Side, Statistics};
use super::record::{Candidate, Person, Settings};
use super::waterfall::Waterfall;

pub use builder::IndexBuilder;
pub use scan::{Pair, Scan};

/// With so many others at most one record is compared; ordinary ones have a hundred.
const PARTNERS: usize = 4000;

/// A prepared list of people: for the full scan, and for asking about one new record at a time.
///
/// Its rows stand in the order of the keys, so that nothing depends on the order in which the people came.
#[derive(Clone, Debug)]
pub struct Index {
    people: People,
    statistics: Statistics,
    settings: Settings,
    threads: usize,
    keys: OnceLock<KeyRun>,
}

/// The keys of all records, sorted, each beside its row; made when the first question about one record comes.
#[derive(Clone, Debug)]
struct KeyRun {
    keys: Vec<u64>,
    rows: Vec<u32>,
}

impl Index {
    /// Prepares a list with the default settings.
    pub fn build(people: &[Person]) -> Self {
        Self::with_settings(people, Settings::default())
    }

    /// Prepares a list.
    pub fn with_settings(people: &[Person], settings: Settings) -> Self {
        let mut builder = Self::builder(settings);
        builder.extend(people);
        builder.finish()
    }

    /// Prepares people who come one at a time.
    pub fn builder(settings: Settings) -> IndexBuilder {
        IndexBuilder::new(settings)
    }

    /// Weights from a part of the candidates; which part depends on the names, not on the order of the records.
    fn learned(&self) -> weights::Weights {
        const MOST_ROWS: usize = 20_000;
        const MOST_PAIRS: usize = 60_000;
        let step = (self.len() / MOST_ROWS + 1) as u64;
        let mut keys: Vec<(u64, u32)> = Vec::new();
        let mut of_one = Vec::new();
        for row in 0..self.len() as u32 {
            let side = self.side(row);
            if !side.name().family_id().is_multiple_of(step) {
                continue;
            }
            of_one.clear();
            blocking::keys_of(side, &self.statistics, &mut of_one);
            keys.extend(of_one.iter().map(|key| (*key, row)));
        }
        keys.sort_unstable();
        keys.dedup();
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for run in keys.chunk_by(|left, right| left.0 == right.0).filter(|run| run.len() <= 8) {
            for (at, one) in run.iter().enumerate() {
                pairs.extend(run[at + 1..].iter().map(|other| (one.1, other.1)));
            }
            if pairs.len() > MOST_PAIRS * 8 {
                break;
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let compared = pairs
            .iter()
            .take(MOST_PAIRS)
            .map(|pair| compare::compare(self.side(pair.0), self.side(pair.1), &self.statistics));
        weights::Weights::learn(compared.filter(|waterfall| !waterfall.is_decided()))
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.people.rows.len()
    }

    /// Whether the index holds no record.
    pub fn is_empty(&self) -> bool {
        self.people.rows.is_empty()
    }

    /// The caller's key of a row.
    pub fn key(&self, row: u32) -> &str {
        self.people.keys.get(row)
    }

    /// What this list teaches about rarity, to be kept when the list is gone.
    pub fn model(&self) -> Model {
        Model { statistics: self.statistics.clone(), settings: self.settings.clone() }
    }

    /// All candidates, strongest first, then by keys.
    ///
    /// For a long list [`Index::scan`] and [`Index::candidate`] do the same with a few bytes per pair.
    pub fn duplicates(&self) -> Vec<Candidate> {
        self.scan().pairs().iter().map(|pair| self.candidate(pair)).collect()
    }

    /// A pair of a scan with its evidence.
    pub fn candidate(&self, pair: &Pair) -> Candidate {
        let key = |row: u32| (self.people.keys.get(row), self.side(row));
        weighed(key(pair.left), key(pair.right), &self.statistics, &self.settings)
    }

    fn side(&self, row: u32) -> Side<'_> {
        self.people.side(row as usize)
    }

    fn key_run(&self) -> &KeyRun {
        self.keys.get_or_init(|| {
            let mut entries: Vec<(u64, u32)> = Vec::with_capacity(self.len() * 32);
            let mut keys = Vec::new();
            for row in 0..self.len() {
                keys.clear();
                blocking::keys_of(self.people.side(row), &self.statistics, &mut keys);
                entries.extend(keys.iter().map(|key| (*key, row as u32)));
            }
            entries.sort_unstable();
            entries.dedup();
            KeyRun {
                keys: entries.iter().map(|entry| entry.0).collect(),
                rows: entries.iter().map(|entry| entry.1).collect(),
            }
        })
    }
}

/// Compares in the order of the keys, so that even which of several equal mailboxes is shown does not depend
/// on the order of the records.
fn weighed(
    one: (&str, Side<'_>),
    other: (&str, Side<'_>),
    statistics: &Statistics,
    settings: &Settings,
) -> Candidate {
    let (left, right) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    let waterfall = compare::compare(left.1, right.1, statistics);
    let (first, second) = (left.1.row.identity, right.1.row.identity);
    let probability = waterfall.probability();
    Candidate {
        left: left.0.to_owned(),
        right: right.0.to_owned(),
        probability,
        band: settings.band(probability, waterfall.is_guarded()),
        evidence: waterfall.into_evidence(),
        fingerprint: format!("{:016x}{:016x}", combine(first, second), combine(second, first)),
    }
}

/// The sum of the bars of two records, given in the order of their keys.
fn sum(left: Side<'_>, right: Side<'_>, statistics: &Statistics) -> Waterfall {
    compare::weigh(left, right, statistics, Waterfall::sum_only())
}

/// Compares two records that are in no index.
pub(crate) fn compare_pair(
    one: &Person,
    other: &Person,
    statistics: &Statistics,
    settings: &Settings,
) -> Candidate {
    let (left, right) =
        (People::build(std::slice::from_ref(one)), People::build(std::slice::from_ref(other)));
    weighed((&one.key, left.side(0)), (&other.key, right.side(0)), statistics, settings)
}

/// The candidates of one record among others that are in no index.
pub(crate) fn candidates_among<'a>(
    one: &Person,
    others: impl IntoIterator<Item = &'a Person>,
    statistics: &Statistics,
    settings: &Settings,
) -> Vec<Candidate> {
    let alone = People::build(std::slice::from_ref(one));
    let side = alone.side(0);
    let mut candidates = Vec::new();
    for other in others.into_iter().filter(|other| other.key != one.key) {
        let prepared = People::build(std::slice::from_ref(other));
        let (left, right) =
            if one.key <= other.key { (side, prepared.side(0)) } else { (prepared.side(0), side) };
        if sum(left, right, statistics).probability() >= settings.minimum_probability {
            candidates.push(weighed((&one.key, side), (&other.key, prepared.side(0)), statistics, settings));
        }
    }
    sort(&mut candidates);
    candidates
}

/// All duplicate candidates of a list, strongest first, then by keys.
pub fn duplicate_people(people: &[Person], settings: &Settings) -> Vec<Candidate> {
    Index::with_settings(people, settings.clone()).duplicates()
}

/// The duplicate candidates of one record against an index; a record with the same key is not its own duplicate.
pub fn duplicate_people_of(one: &Person, index: &Index) -> Vec<Candidate> {
    let alone = People::build(std::slice::from_ref(one));
    let side = alone.side(0);
    let mut keys = Vec::new();
    blocking::keys_of(side, &index.statistics, &mut keys);
    keys.sort_unstable();
    keys.dedup();
    let run = index.key_run();
    let mut blocks: Vec<&[u32]> = keys
        .into_iter()
        .map(|key| {
            let from = run.keys.partition_point(|other| *other < key);
            let length = run.keys[from..].partition_point(|other| *other == key);
            &run.rows[from..from + length]
        })
        .collect();
    // Rare keys first: what two records share with few others tells most. One record may look at longer blocks than
    // the scan does, for its cost is linear here.
    blocks.sort_by_key(|block| block.len());
    let mut rows: Vec<u32> = Vec::new();
    for block in blocks {
        let room = PARTNERS.saturating_sub(rows.len()).min(index.settings.block_limit * 20);
        rows.extend_from_slice(&block[..block.len().min(room)]);
    }
    rows.sort_unstable();
    rows.dedup();
    let mut candidates: Vec<Candidate> = Vec::new();
    for row in rows {
        let (key, other) = (index.key(row), index.side(row));
        if key == one.key {
            continue;
        }
        let (left, right) = if one.key.as_str() <= key { (side, other) } else { (other, side) };
        if sum(left, right, &index.statistics).probability() >= index.settings.minimum_probability {
            candidates.push(weighed((&one.key, side), (key, other), &index.statistics, &index.settings));
        }
    }
    sort(&mut candidates);
    candidates
}

/// Strongest first, then by keys: the order does not depend on the order of the records.
pub(crate) fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(|one, other| {
        (other.millibits().cmp(&one.millibits()))
            .then_with(|| one.left.cmp(&other.left))
            .then_with(|| one.right.cmp(&other.right))
    });
}
