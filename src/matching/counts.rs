//! How often a value occurs among distinct holders, kept as one sorted column; it never stores the values.
//!
//! Values are hashes, so their leading bits say where in the column they stand: a look-up reads two neighbouring
//! places and not a twentieth of them. A value with one holder is not kept: it tells as much as one never seen, and in
//! a list of people most addresses and numbers are such.

/// Value identity and number of distinct holders, sorted by identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    values: Vec<u64>,
    holders: Vec<u32>,
    /// Where the values with given leading bits begin.
    starts: Vec<u32>,
    shift: u32,
}

impl Counts {
    /// Counts distinct holders per value from (value, holder) rows; value 0 is "missing" and not counted.
    pub(crate) fn of_distinct(mut rows: Vec<(u64, u64)>) -> Self {
        rows.retain(|row| row.0 != 0);
        rows.sort_unstable();
        rows.dedup();
        let (mut values, mut holders) = (Vec::new(), Vec::new());
        for run in rows.chunk_by(|one, other| one.0 == other.0) {
            if run.len() > 1 {
                values.push(run[0].0);
                holders.push(run.len() as u32);
            }
        }
        values.shrink_to_fit();
        holders.shrink_to_fit();
        Self::of_columns(values, holders)
    }

    /// From columns of equal length, the values ascending.
    pub(crate) fn of_columns(values: Vec<u64>, holders: Vec<u32>) -> Self {
        // Four values per start on average.
        let bits = (values.len() / 4).max(2).ilog2();
        let shift = 64 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0;
        for lead in 0..1_u64 << bits {
            while at < values.len() && values[at] >> shift < lead {
                at += 1;
            }
            starts.push(at as u32);
        }
        starts.push(values.len() as u32);
        Self { values, holders, starts, shift }
    }

    /// Number of holders of a value, 1 when nobody but the asker is known to hold it; a missing value has none.
    pub(crate) fn get(&self, value: u64) -> u32 {
        if value == 0 {
            return 0;
        }
        if self.values.is_empty() {
            return 1;
        }
        let lead = (value >> self.shift) as usize;
        let (from, to) = (self.starts[lead] as usize, self.starts[lead + 1] as usize);
        self.values[from..to].binary_search(&value).map_or(1, |at| self.holders[from + at])
    }

    /// All values with more than one holder, ascending.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (u64, u32)> + '_ {
        self.values.iter().copied().zip(self.holders.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::hashing::hash_text;

    #[test]
    fn a_holder_counts_once_and_missing_values_never() {
        let counts = Counts::of_distinct(vec![(7, 1), (7, 1), (7, 2), (0, 3), (9, 3)]);
        assert_eq!((counts.get(7), counts.get(9), counts.get(0), counts.get(8)), (2, 1, 0, 1));
        assert_eq!(Counts::default().get(7), 1);
    }

    #[test]
    fn every_value_is_found_again_in_a_long_column() {
        let value = |number: u64| hash_text(&number.to_string());
        let rows = (0..5000_u64).flat_map(|number| (0..=number % 3).map(move |one| (value(number), one)));
        let counts = Counts::of_distinct(rows.collect());
        for number in 0..5000 {
            assert_eq!(u64::from(counts.get(value(number))), number % 3 + 1, "{number}");
        }
        assert_eq!(counts.entries().len(), 5000 - 1667);
    }
}
