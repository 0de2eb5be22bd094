//! Who shares a key with whom, in a few bytes per record and key. It compares nothing.
//!
//! Keys are made once, dealt out by their leading bits, sorted part by part, and forgotten: what stays is the
//! membership of blocks with two members or more. A key is cut to the bits that tell it from all others of the list;
//! should two keys fall together in a list of millions, one more pair is compared and nothing is lost.

use super::WINDOW;
use super::threads::over;

/// Records handled by one piece of work.
const SLICE: usize = 1 << 14;
/// Keys per part that sort well within a processor's cache.
const PART: usize = 1 << 15;
/// Roughly the keys of one record.
const KEYS_PER_ROW: usize = 32;

/// Blocks of rows that share a key.
pub(crate) struct Blocks {
    /// The members of all blocks, one block after the other.
    members: Vec<u32>,
    /// Where each block ends in `members`.
    ends: Vec<u32>,
    /// The blocks of all rows, one row after the other.
    of_rows: Vec<u32>,
    /// Where each row ends in `of_rows`.
    row_ends: Vec<u32>,
    limit: usize,
}

impl Blocks {
    /// Builds the blocks of `rows` records. `keys_of` writes the keys of one; `order` (name, then whole record) sorts
    /// the members of a block above the limit.
    pub(crate) fn build(
        rows: usize,
        threads: usize,
        limit: usize,
        keys_of: impl Fn(usize, &mut Vec<u64>) + Sync,
        order: impl Fn(u32) -> (u64, u64) + Sync,
    ) -> Self {
        let bits = (rows * KEYS_PER_ROW / PART).next_power_of_two().ilog2().clamp(1, 12);
        let parts = 1_usize << bits;
        let dealt = over(threads, rows.div_ceil(SLICE), |slice| {
            let mut parts: Vec<Vec<u64>> = vec![Vec::new(); parts];
            let mut keys = Vec::with_capacity(64);
            for row in slice * SLICE..((slice + 1) * SLICE).min(rows) {
                keys.clear();
                keys_of(row, &mut keys);
                keys.sort_unstable();
                keys.dedup();
                for key in &keys {
                    // The leading bits name the part, the next 32 stand before the row.
                    let rest = key << bits >> 32 << 32;
                    parts[(key >> (64 - bits)) as usize].push(rest | row as u64);
                }
            }
            for part in &mut parts {
                part.shrink_to_fit();
            }
            parts
        });
        let found = over(threads, parts, |part| {
            let mut entries: Vec<u64> = Vec::with_capacity(dealt.iter().map(|slice| slice[part].len()).sum());
            for slice in &dealt {
                entries.extend_from_slice(&slice[part]);
            }
            entries.sort_unstable();
            entries.dedup();
            let (mut members, mut lengths) = (Vec::new(), Vec::new());
            for run in entries.chunk_by(|one, other| one >> 32 == other >> 32) {
                if run.len() > 1 {
                    let from = members.len();
                    members.extend(run.iter().map(|entry| *entry as u32));
                    if run.len() > limit {
                        members[from..].sort_by_cached_key(|row| (order(*row), *row));
                    }
                    lengths.push(run.len() as u32);
                }
            }
            (members, lengths)
        });
        drop(dealt);
        Self::of_parts(rows, limit, found)
    }

    fn of_parts(rows: usize, limit: usize, parts: Vec<(Vec<u32>, Vec<u32>)>) -> Self {
        let entries: usize = parts.iter().map(|part| part.0.len()).sum();
        let (mut members, mut ends) = (Vec::with_capacity(entries), Vec::new());
        let mut end = 0;
        for (part, lengths) in parts {
            members.extend_from_slice(&part);
            ends.extend(lengths.iter().map(|length| {
                end += length;
                end
            }));
        }
        let mut row_ends = vec![0_u32; rows + 1];
        for row in &members {
            row_ends[*row as usize + 1] += 1;
        }
        for row in 0..rows {
            row_ends[row + 1] += row_ends[row];
        }
        let mut of_rows = vec![0_u32; entries];
        let mut from = 0;
        for (block, end) in ends.iter().enumerate() {
            for row in &members[from..*end as usize] {
                // The beginnings move up to the ends while the rows are filled.
                let at = &mut row_ends[*row as usize];
                of_rows[*at as usize] = block as u32;
                *at += 1;
            }
            from = *end as usize;
        }
        row_ends.pop();
        Self { members, ends, of_rows, row_ends, limit }
    }

    /// The rows behind `row` that share a key with it, ascending, each once.
    pub(crate) fn partners(&self, row: usize, order: impl Fn(u32) -> (u64, u64), out: &mut Vec<u32>) {
        out.clear();
        let from = if row == 0 { 0 } else { self.row_ends[row - 1] };
        let row = row as u32;
        for block in &self.of_rows[from as usize..self.row_ends[row as usize] as usize] {
            let block = *block as usize;
            let from = if block == 0 { 0 } else { self.ends[block - 1] };
            let members = &self.members[from as usize..self.ends[block] as usize];
            if members.len() <= self.limit {
                out.extend_from_slice(&members[members.partition_point(|other| *other <= row)..]);
            } else {
                let own = (order(row), row);
                let at = members.partition_point(|other| (order(*other), *other) < own);
                let near = &members[at.saturating_sub(WINDOW)..(at + WINDOW + 1).min(members.len())];
                out.extend(near.iter().filter(|other| **other > row));
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::hashing::hash_text;

    fn pairs(blocks: &Blocks, rows: usize, order: impl Fn(u32) -> (u64, u64)) -> Vec<(u32, u32)> {
        let (mut all, mut partners) = (Vec::new(), Vec::new());
        for row in 0..rows {
            blocks.partners(row, &order, &mut partners);
            all.extend(partners.iter().map(|other| (row as u32, *other)));
        }
        all
    }

    #[test]
    fn a_pair_needs_one_common_key_and_comes_once() {
        let keys = [vec![5, 9], vec![7], vec![5, 9], vec![]];
        let spread: Vec<Vec<u64>> = keys
            .iter()
            .map(|keys| keys.iter().map(|key: &u64| hash_text(&key.to_string())).collect())
            .collect();
        let order = |row: u32| (u64::from(row), 0);
        for threads in [1, 3] {
            let blocks = Blocks::build(4, threads, 50, |row, out| out.extend(&spread[row]), order);
            assert_eq!(pairs(&blocks, 4, order), vec![(0, 2)]);
        }
    }

    #[test]
    fn a_huge_block_stays_linear_and_keeps_identical_records_together() {
        let order = |row: u32| (u64::from(row % 10_000 % 7), u64::from(row % 10_000));
        let blocks = Blocks::build(20_000, 2, 60, |_, out| out.push(1), order);
        let found = pairs(&blocks, 20_000, order);
        assert!(found.len() <= 20_000 * WINDOW);
        for row in 0..10_000_u32 {
            assert!(found.binary_search(&(row, row + 10_000)).is_ok());
        }
    }
}
