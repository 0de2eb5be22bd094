//! Duplicate people: pairs from blocking, bars from the comparisons, candidates with their evidence.
//! It merges nothing and remembers no verdicts.

mod compare;
mod guards;
mod mailboxes;
pub(crate) mod weights;
mod workplace;

use super::blocking::{self, KeyRow};
use super::hashing::combine;
use super::prepare::{People, Side, Statistics};
use super::record::{Candidate, Person, Settings};

/// A prepared list of people: for the full scan, and for asking about one new record at a time.
#[derive(Clone, Debug)]
pub struct Index {
    people: People,
    statistics: Statistics,
    keys: Vec<KeyRow>,
    settings: Settings,
}

impl Index {
    /// Prepares a list with the default settings.
    pub fn build(people: &[Person]) -> Self {
        Self::with_settings(people, Settings::default())
    }

    /// Prepares a list.
    pub fn with_settings(people: &[Person], settings: Settings) -> Self {
        let people = People::build(people);
        let statistics = Statistics::build(&people);
        let mut keys = Vec::with_capacity(people.rows.len() * 12);
        let mut of_one = Vec::new();
        for row in 0..people.rows.len() {
            of_one.clear();
            blocking::keys_of(people.side(row), &statistics, &mut of_one);
            keys.extend(of_one.iter().map(|key| (*key, row as u32)));
        }
        keys.sort_unstable();
        keys.dedup();
        let mut index = Self { people, statistics, keys, settings };
        index.statistics.weights = index.learned();
        index
    }

    /// Weights from a part of the candidates that does not depend on the order of the records.
    fn learned(&self) -> weights::Weights {
        const MOST_PAIRS: usize = 100_000;
        let mut samples: Vec<(u64, u32, u32)> = Vec::new();
        for run in self.keys.chunk_by(|left, right| left.0 == right.0) {
            if (2..=8).contains(&run.len()) {
                for (at, one) in run.iter().enumerate() {
                    samples.extend(run[at + 1..].iter().map(|other| (run[0].0, one.1, other.1)));
                }
            }
            if samples.len() > MOST_PAIRS * 4 {
                break;
            }
        }
        samples.sort_unstable_by_key(|sample| (sample.1, sample.2, sample.0));
        samples.dedup_by_key(|sample| (sample.1, sample.2));
        let compared: Vec<super::waterfall::Waterfall> = samples
            .iter()
            .take(MOST_PAIRS)
            .map(|sample| compare::compare(self.side(sample.1), self.side(sample.2), &self.statistics))
            .filter(|waterfall| !waterfall.is_decided())
            .collect();
        weights::Weights::learn(compared.iter())
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.people.rows.len()
    }

    /// Whether the index holds no record.
    pub fn is_empty(&self) -> bool {
        self.people.rows.is_empty()
    }

    /// All candidates, strongest first, then by keys.
    pub fn duplicates(&self) -> Vec<Candidate> {
        let order: Vec<(u64, u64)> = (0..self.len())
            .map(|row| {
                let side = self.people.side(row);
                (side.name().id, side.row.identity)
            })
            .collect();
        let pairs = blocking::pairs(&self.keys, &order, self.settings.block_limit);
        let mut found: Vec<(i64, u32, u32)> = Vec::new();
        for (left, right) in pairs {
            let waterfall = compare::compare(self.side(left), self.side(right), &self.statistics);
            if waterfall.probability() >= self.settings.minimum_probability {
                found.push((waterfall.millibits(), left, right));
            }
        }
        if found.len() > self.settings.maximum_candidates {
            found.sort_unstable_by(|left, right| right.cmp(left));
            found.truncate(self.settings.maximum_candidates);
        }
        // Texts are made in a second pass, so that a scan holds three numbers per pair and not a waterfall.
        let mut candidates: Vec<Candidate> = found
            .into_iter()
            .map(|(_, left, right)| {
                let key = |row: u32| &self.people.keys[row as usize];
                self.candidate((key(left), self.side(left)), (key(right), self.side(right)))
            })
            .collect();
        sort(&mut candidates);
        candidates
    }

    fn side(&self, row: u32) -> Side<'_> {
        self.people.side(row as usize)
    }

    fn candidate(&self, one: (&String, Side<'_>), other: (&String, Side<'_>)) -> Candidate {
        weighed(one, other, &self.statistics, &self.settings)
    }
}

/// Compares in the order of the keys, so that even which of several equal mailboxes is shown does not depend
/// on the order of the records.
fn weighed(
    one: (&String, Side<'_>),
    other: (&String, Side<'_>),
    statistics: &Statistics,
    settings: &Settings,
) -> Candidate {
    let (left, right) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    let waterfall = compare::compare(left.1, right.1, statistics);
    let (first, second) = (left.1.row.identity, right.1.row.identity);
    let probability = waterfall.probability();
    Candidate {
        left: left.0.clone(),
        right: right.0.clone(),
        probability,
        band: settings.band(probability, waterfall.is_guarded()),
        evidence: waterfall.into_evidence(),
        fingerprint: format!("{:016x}{:016x}", combine(first, second), combine(second, first)),
    }
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
    let mut rows: Vec<u32> = Vec::new();
    for key in keys {
        let from = index.keys.partition_point(|entry| entry.0 < key);
        let run = index.keys[from..].iter().take_while(|entry| entry.0 == key).map(|entry| entry.1);
        // One record may look at a longer block than the scan does: the cost is linear here.
        rows.extend(run.take(index.settings.block_limit * 20));
    }
    rows.sort_unstable();
    rows.dedup();
    let mut candidates: Vec<Candidate> = Vec::new();
    for row in rows {
        let key = &index.people.keys[row as usize];
        if *key == one.key {
            continue;
        }
        let found = index.candidate((&one.key, side), (key, index.side(row)));
        if found.probability >= index.settings.minimum_probability {
            candidates.push(found);
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
