//! Fills an index with people who come one at a time, a portion at once on several threads. It keeps no record,
//! only its normalised values.

use std::sync::OnceLock;

use crate::matching::blocking::{over, thread_count};
use crate::matching::model::Model;
use crate::matching::prepare::{People, Statistics};
use crate::matching::record::{Person, Settings};

use super::Index;

/// People normalised by one thread in one go.
const PORTION: usize = 4096;
/// Portions that wait for each other before the threads start.
const PORTIONS: usize = 8;

/// An [`Index`] in the making.
#[derive(Debug)]
pub struct IndexBuilder {
    settings: Settings,
    threads: usize,
    people: People,
    waiting: Vec<Person>,
}

impl IndexBuilder {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, threads: thread_count(0), people: People::default(), waiting: Vec::new() }
    }

    /// Uses so many threads, here and in the scan; 0 (and the default) is one for each core. No result depends on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = thread_count(threads);
        self
    }

    /// Adds a person.
    pub fn push(&mut self, person: Person) {
        self.waiting.push(person);
        if self.waiting.len() == PORTION * PORTIONS {
            let waiting = std::mem::take(&mut self.waiting);
            self.extend(&waiting);
            self.waiting = waiting;
            self.waiting.clear();
        }
    }

    /// Adds people who are in memory anyway.
    pub fn extend(&mut self, people: &[Person]) {
        for many in people.chunks(PORTION * PORTIONS) {
            let portions: Vec<&[Person]> = many.chunks(PORTION).collect();
            for portion in over(self.threads, portions.len(), |number| People::build(portions[number])) {
                self.people.append(portion);
            }
        }
    }

    /// Number of people so far.
    pub fn len(&self) -> usize {
        self.people.rows.len() + self.waiting.len()
    }

    /// Whether nobody came yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts what is rare and what is common; the list is complete.
    pub fn finish(mut self) -> Index {
        let waiting = std::mem::take(&mut self.waiting);
        self.extend(&waiting);
        drop(waiting);
        self.people.freeze();
        self.people.sort_by_key();
        let statistics = Statistics::build(&self.people, self.threads);
        let mut index = Index {
            people: self.people,
            statistics,
            settings: self.settings,
            threads: self.threads,
            keys: OnceLock::new(),
        };
        index.statistics.weights = index.learned();
        index
    }

    /// Only what the list teaches; the list itself is forgotten.
    pub fn into_model(self) -> Model {
        let index = self.finish();
        Model { statistics: index.statistics, settings: index.settings }
    }
}
