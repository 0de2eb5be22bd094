//! How often a value occurs among distinct holders, kept as one sorted column; it never stores the values.

/// Value identity and number of distinct holders, sorted by identity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    entries: Vec<(u64, u32)>,
}

impl Counts {
    /// Counts distinct holders per value from (value, holder) rows; value 0 is "missing" and not counted.
    pub(crate) fn of_distinct(mut rows: Vec<(u64, u64)>) -> Self {
        rows.retain(|row| row.0 != 0);
        rows.sort_unstable();
        rows.dedup();
        let mut entries: Vec<(u64, u32)> = Vec::new();
        for (value, _) in rows {
            match entries.last_mut() {
                Some(last) if last.0 == value => last.1 += 1,
                _ => entries.push((value, 1)),
            }
        }
        entries.shrink_to_fit();
        Self { entries }
    }

    /// Number of holders of a value; 0 for one never seen.
    pub(crate) fn get(&self, value: u64) -> u32 {
        match self.entries.binary_search_by_key(&value, |entry| entry.0) {
            Ok(at) => self.entries[at].1,
            Err(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_counts_once_and_missing_values_never() {
        let counts = Counts::of_distinct(vec![(7, 1), (7, 1), (7, 2), (0, 3), (9, 3)]);
        assert_eq!((counts.get(7), counts.get(9), counts.get(0), counts.get(8)), (2, 1, 0, 0));
    }
}
