//! A sorted list that can say at once how many of its entries lie between two: what a search's total needs. Knows
//! nothing of records.

/// A moment and a record's id.
pub(super) type Entry = (i64, u64);

/// Entries in a chunk before it is cut in two: small enough to move about, few enough chunks to add up.
const FULL: usize = 1_024;

/// Entries in order, each once, in chunks none of which is empty.
#[derive(Default)]
pub(super) struct Order {
    chunks: Vec<Vec<Entry>>,
}

impl Order {
    /// The chunk an entry is in or belongs into.
    fn chunk(&self, entry: &Entry) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.first().is_some_and(|first| first <= entry))
            .saturating_sub(1)
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let at = self.chunk(&entry);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(vec![entry]);
            return;
        };
        if let Err(place) = chunk.binary_search(&entry) {
            chunk.insert(place, entry);
        }
        if chunk.len() > FULL {
            let rest = chunk.split_off(FULL / 2);
            self.chunks.insert(at + 1, rest);
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        let at = self.chunk(entry);
        let Some(chunk) = self.chunks.get_mut(at) else { return };
        if let Ok(place) = chunk.binary_search(entry) {
            chunk.remove(place);
        }
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
    }

    /// How many entries come before one, be it there or not.
    pub(super) fn before(&self, entry: &Entry) -> usize {
        let at = self.chunk(entry);
        let whole: usize = self.chunks[..at].iter().map(Vec::len).sum();
        whole + self.chunks.get(at).map_or(0, |chunk| chunk.partition_point(|known| known < entry))
    }

    /// The entries at these places.
    pub(super) fn slice(&self, places: std::ops::Range<usize>) -> Vec<Entry> {
        let mut start = 0;
        let mut entries = Vec::new();
        for chunk in &self.chunks {
            let end = start + chunk.len();
            let (from, to) = (places.start.max(start), places.end.min(end));
            if from < to {
                entries.extend_from_slice(&chunk[from - start..to - start]);
            }
            start = end;
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_says_what_a_set_says(
            steps in prop::collection::vec((any::<bool>(), 0_i64..60, 0_u64..60), 0..6_000),
            asked in prop::collection::vec((0_i64..61, 0_u64..61), 10),
        ) {
            let (mut order, mut set) = (Order::default(), BTreeSet::new());
            for (insert, moment, id) in steps {
                if insert || id % 3 == 0 {
                    order.insert((moment, id));
                    set.insert((moment, id));
                } else {
                    order.remove(&(moment, id));
                    set.remove(&(moment, id));
                }
            }
            let all: Vec<Entry> = set.iter().copied().collect();
            prop_assert_eq!(&order.slice(0..usize::MAX), &all);
            for entry in asked {
                let place = order.before(&entry);
                prop_assert_eq!(place, set.range(..entry).count());
                let end = (place + 7).min(all.len());
                prop_assert_eq!(&order.slice(place..end), &all[place..end]);
            }
        }
    }
}
