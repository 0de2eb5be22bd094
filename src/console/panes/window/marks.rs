//! Which rows are marked: by number, all that the filter lets through, or a range whose middle was never loaded.
//!
//! Knows numbers only. All that match are kept as that, with the few that were taken out again.

use std::collections::BTreeSet;

use crate::console::msg::Ticket;

/// A range that is being marked.
#[derive(Debug)]
struct Range {
    /// Where it began.
    from: i64,
    /// The place of that row in the whole list.
    place: u64,
    /// What was marked before.
    base: BTreeSet<i64>,
}

/// The marks of a list.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Marked rows; of all that match, those that were loaded.
    set: BTreeSet<i64>,
    /// All that match, but these.
    all: Option<BTreeSet<i64>>,
    range: Option<Range>,
    /// The rows of a range are being asked for, with what was marked before.
    asked: Option<(Ticket, BTreeSet<i64>)>,
}

impl Marks {
    pub(super) const fn set(&self) -> &BTreeSet<i64> {
        &self.set
    }

    /// All that match, but these; none when single rows are marked.
    pub(super) const fn all(&self) -> Option<&BTreeSet<i64>> {
        self.all.as_ref()
    }

    pub(super) const fn ranging(&self) -> bool {
        self.range.is_some()
    }

    pub(super) const fn asking(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.all.is_none()
    }

    pub(super) fn count(&self, total: u64) -> u64 {
        match &self.all {
            Some(except) => total.saturating_sub(except.len() as u64),
            None => self.set.len() as u64,
        }
    }

    pub(super) fn toggle(&mut self, key: i64) {
        let removed = self.set.remove(&key);
        if !removed {
            self.set.insert(key);
        }
        if let Some(except) = &mut self.all {
            if removed {
                except.insert(key);
            } else {
                except.remove(&key);
            }
        }
    }

    pub(super) fn add(&mut self, keys: impl IntoIterator<Item = i64>) {
        self.set.extend(keys);
    }

    /// Rows came into memory: of all that match they are.
    pub(super) fn seen(&mut self, keys: impl Iterator<Item = i64>) {
        if let Some(except) = &self.all {
            self.set.extend(keys.filter(|key| !except.contains(key)));
        }
    }

    /// Marks all that match; `whole` when every one of them is in memory.
    pub(super) fn take_all(&mut self, keys: impl Iterator<Item = i64>, whole: bool) {
        self.range = None;
        self.set.extend(keys);
        self.all = (!whole).then(BTreeSet::new);
    }

    pub(super) fn clear(&mut self) -> bool {
        let any = !self.is_empty() || self.range.is_some();
        *self = Self::default();
        any
    }

    pub(super) fn begin(&mut self, from: i64, place: u64) {
        self.range = Some(Range { from, place, base: self.set.clone() });
        self.set.insert(from);
    }

    /// Where the range that is being marked began: row and place.
    pub(super) fn begun(&self) -> Option<(i64, u64)> {
        self.range.as_ref().map(|range| (range.from, range.place))
    }

    /// The range reaches over these rows of those in memory.
    pub(super) fn reach(&mut self, keys: impl Iterator<Item = i64>) {
        if let Some(range) = &self.range {
            self.set.clone_from(&range.base);
            self.set.extend(keys);
            self.set.insert(range.from);
        }
    }

    /// The range ends with what is in memory.
    pub(super) fn end(&mut self) {
        self.range = None;
    }

    /// The range ends; its rows were asked for.
    pub(super) fn ask(&mut self, ticket: Ticket) {
        if let Some(range) = self.range.take() {
            self.asked = Some((ticket, range.base));
        }
    }

    /// The rows that were asked for; false when they were for somebody else.
    pub(super) fn told(&mut self, ticket: Ticket, keys: Option<Vec<i64>>) -> bool {
        if self.asked.as_ref().is_none_or(|(asked, _)| *asked != ticket) {
            return false;
        }
        if let (Some((_, base)), Some(keys)) = (self.asked.take(), keys) {
            self.set = base;
            self.set.extend(keys);
        }
        true
    }
}
