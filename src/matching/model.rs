//! What a scan learned about the data at hand, enough to compare two records later without all the others.
//!
//! The engine keeps it between scans, so that one changed record is matched in milliseconds. It holds counts and
//! hashes, never a value of a record.

mod bytes;

pub use bytes::BadModel;

use super::blocking;
use super::people::{Index, candidates_among, compare_pair};
use super::prepare::{People, Statistics};
use super::record::{Candidate, Person, Settings};

/// Counts and settings of the last scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(crate) statistics: Statistics,
    pub(crate) settings: Settings,
}

impl Model {
    /// Learns from all people of one system.
    pub fn learn(people: &[Person], settings: &Settings) -> Self {
        let mut builder = Index::builder(settings.clone());
        builder.extend(people);
        builder.into_model()
    }

    /// Learns from people who come one at a time, so that nobody need hold them all.
    pub fn learn_from(people: impl IntoIterator<Item = Person>, settings: &Settings) -> Self {
        let mut builder = Index::builder(settings.clone());
        for person in people {
            builder.push(person);
        }
        builder.into_model()
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

    /// The candidates of one record among a few others, strongest first; a record with its key is not one of them.
    ///
    /// The one is normalised once, and bars and texts are made only for what reaches the minimum.
    pub fn candidates<'a>(
        &self,
        one: &Person,
        others: impl IntoIterator<Item = &'a Person>,
    ) -> Vec<Candidate> {
        candidates_among(one, others, &self.statistics, &self.settings)
    }

    /// The thresholds the model was learned with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same counts under other thresholds: a changed setting needs no new scan.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The model in a form to keep: versioned, with a checksum, a few bytes for each value that several records hold.
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes::write(self)
    }

    /// Reads what [`Model::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadModel> {
        bytes::read(bytes)
    }
}
