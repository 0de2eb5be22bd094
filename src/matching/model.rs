//! What a scan learned about the data at hand, enough to compare two records later without all the others.
//!
//! The engine keeps it between scans, so that one changed record is matched in milliseconds. It holds counts and
//! hashes, never a value of a record.

use super::blocking;
use super::people::compare_pair;
use super::prepare::{People, Statistics};
use super::record::{Candidate, Person, Settings};

/// Counts and settings of the last scan.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) statistics: Statistics,
    pub(crate) settings: Settings,
}

impl Model {
    /// Learns from all people of one system.
    pub fn learn(people: &[Person], settings: &Settings) -> Self {
        Self { statistics: Statistics::build(&People::build(people)), settings: settings.clone() }
    }

    /// The keys a record is found by: two records that share none are never compared. Sorted, each once.
    pub fn keys(&self, person: &Person) -> Vec<u64> {
        let alone = People::build(std::slice::from_ref(person));
        let mut keys = Vec::new();
        blocking::keys_of(alone.side(0), &self.statistics, &mut keys);
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Compares two records, whatever their probability.
    pub fn compare(&self, one: &Person, other: &Person) -> Candidate {
        compare_pair(one, other, &self.statistics, &self.settings)
    }
}
