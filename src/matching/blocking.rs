//! Finds the pairs worth comparing: those that share a key. It never looks at weights.
//!
//! Keys are 64-bit numbers with a row, sorted once; equal neighbours form a block. A block above the limit is
//! refined by the records' own identity and compared among sorted neighbours, so that nothing is dropped silently
//! and nothing explodes.

mod blocks;
mod keys;
mod threads;

pub(crate) use blocks::Blocks;
pub(crate) use keys::keys_of;
pub(crate) use threads::{over, thread_count};

/// How many sorted neighbours are compared in a block that is too large.
pub(crate) const WINDOW: usize = 12;

/// One entry of the key column.
pub(crate) type KeyRow = (u64, u32);

/// The distinct pairs of rows (smaller first) that share a key, sorted. The key column comes sorted, without repeats.
///
/// `order` (name, then whole record) sorts the members of a block that is above the limit.
pub(crate) fn pairs(keys: &[KeyRow], order: &[(u64, u64)], limit: usize) -> Vec<(u32, u32)> {
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let mut compact_at = 1 << 20;
    for run in keys.chunk_by(|left, right| left.0 == right.0) {
        if run.len() < 2 {
            continue;
        }
        if run.len() <= limit {
            for (at, one) in run.iter().enumerate() {
                pairs.extend(run[at + 1..].iter().map(|other| (one.1, other.1)));
            }
        } else {
            let mut rows: Vec<u32> = run.iter().map(|entry| entry.1).collect();
            rows.sort_unstable_by_key(|row| (order[*row as usize], *row));
            for (at, one) in rows.iter().enumerate() {
                for other in rows[at + 1..].iter().take(WINDOW) {
                    pairs.push((*one.min(other), *one.max(other)));
                }
            }
        }
        // Keys overlap heavily; removing repeats as we go keeps memory near the number of distinct pairs.
        if pairs.len() > compact_at {
            pairs.sort_unstable();
            pairs.dedup();
            compact_at = (pairs.len() * 2).max(1 << 20);
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_needs_one_common_key_and_comes_once() {
        let keys = vec![(5, 0), (5, 2), (7, 1), (9, 0), (9, 2)];
        assert_eq!(pairs(&keys, &[(1, 1), (2, 2), (3, 3)], 50), vec![(0, 2)]);
    }

    #[test]
    fn a_huge_block_stays_linear_and_keeps_identical_records_together() {
        let identities: Vec<(u64, u64)> =
            (0..20_000_u64).map(|row| (row % 10_000 % 7, row % 10_000)).collect();
        let keys: Vec<KeyRow> = (0..20_000).map(|row| (1, row)).collect();
        let found = pairs(&keys, &identities, 60);
        assert!(found.len() <= 20_000 * WINDOW);
        for row in 0..10_000_u32 {
            assert!(found.binary_search(&(row, row + 10_000)).is_ok());
        }
    }
}
