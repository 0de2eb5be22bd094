//! Finds the pairs worth comparing: those that share a key. It never looks at weights.
//!
//! Keys are 64-bit numbers with a row, sorted once; equal neighbours form a block. A block above the limit is
//! refined by the records' own identity and compared among sorted neighbours, so that nothing is dropped silently
//! and nothing explodes.

mod blocks;
mod threads;

pub(crate) use blocks::Blocks;
pub(crate) use threads::{over, thread_count};

use super::hashing::{combine, hash_text};
use super::prepare::{Side, Statistics};

/// How many sorted neighbours are compared in a block that is too large.
pub(crate) const WINDOW: usize = 12;

/// One entry of the key column.
pub(crate) type KeyRow = (u64, u32);

/// All keys of one record.
pub(crate) fn keys_of(side: Side<'_>, statistics: &Statistics, out: &mut Vec<u64>) {
    let mut add = |kind: u64, parts: &[u64]| {
        if parts.iter().all(|part| *part != 0) {
            out.push(parts.iter().fold(combine(0x5eed, kind), |state, part| combine(state, *part)));
        }
    };
    let name = side.name();
    let nameless = side.is_nameless();
    let mut stems: Vec<u64> = Vec::with_capacity(3);
    for domain in side.work_domains(statistics) {
        stems.push(domain.stem_id());
    }
    let company = side.company();
    stems.push(company.id());
    // Spelling slips and dropped last words of a firm: its first six letters stand in for it.
    let company_prefix = company.joined.get(..6).map_or(0, hash_text);
    stems.sort_unstable();
    stems.dedup();
    stems.retain(|stem| *stem != 0);
    for mailbox in side.mailboxes() {
        add(1, &[mailbox.id]);
        if !mailbox.role && mailbox.local.len() >= 5 {
            add(7, &[hash_text(&mailbox.local)]);
        }
        if !mailbox.role {
            if mailbox.letters.len() >= 8 {
                // A slip in the first letters leaves the last ones alone.
                add(17, &[hash_text(&mailbox.letters[mailbox.letters.len() - 5..]), mailbox.domain.id()]);
            }
            add(
                13,
                &[hash_text(&sorted_letters(&mailbox.letters)), hash_text(prefix(&mailbox.domain.host, 4))],
            );
            if mailbox.domain.is_corporate() {
                add(11, &[hash_text(&mailbox.letters), mailbox.domain.stem_id()]);
                add(8, &[hash_text(prefix(&mailbox.letters, 4)), mailbox.domain.stem_id()]);
            } else {
                add(14, &[hash_text(prefix(&mailbox.local, 5)), mailbox.domain.id()]);
            }
            if !company.is_missing() {
                add(11, &[hash_text(&mailbox.letters), company.id()]);
            }
        }
    }
    for phone in side.phones() {
        add(2, &[phone.tail_id()]);
    }
    // Whatever else is missing: records that are equal in every field must meet.
    add(15, &[side.row.identity]);
    if nameless {
        return;
    }
    let (given, family) = (name.given_id(), name.family_id());
    let initial = name.given.first().map_or(0, |word| hash_text(prefix(word, 1)));
    let family_prefix = name.family_sounds.first().map_or(0, |word| hash_text(prefix(word, 3)));
    let given_prefix = hash_text(prefix(&name.given_sound, 3));
    for stem in &stems {
        add(3, &[name.id, *stem]);
        for sound in &name.family_sounds {
            add(5, &[hash_text(sound), *stem]);
        }
        add(6, &[given, *stem]);
        add(9, &[family_prefix, initial, *stem]);
        // What the mailbox of this person would look like at that firm.
        let joined = name.family.concat();
        if let (Some(first), false) = (name.given.first(), joined.is_empty()) {
            add(11, &[hash_text(&format!("{first}{joined}")), *stem]);
            add(11, &[hash_text(&format!("{}{joined}", prefix(first, 1))), *stem]);
            add(11, &[hash_text(&format!("{joined}{}", prefix(first, 1))), *stem]);
        }
        if let Some(first) = name.given.first() {
            add(11, &[hash_text(first), *stem]);
        }
    }
    add(6, &[given, company_prefix]);
    add(5, &[family, company_prefix]);
    add(4, &[name.id, side.city().id]);
    // A swapped pair shares the sum of its two sounds.
    add(10, &[given.wrapping_add(family).max(1), u64::from(name.is_full())]);
    if name.is_full() {
        add(
            16,
            &[
                family_prefix.wrapping_add(given_prefix).max(1),
                side.city().id.max(u64::from(side.row.country)),
            ],
        );
        let letters = format!("{}{}", name.given.concat(), name.family.concat());
        add(7, &[hash_text(&letters)]);
    } else {
        add(12, &[name.id, side.city().id.max(u64::from(side.row.country))]);
    }
}

fn prefix(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(at, _)| &text[..at])
}

fn sorted_letters(letters: &str) -> String {
    let mut sorted: Vec<u8> = letters.bytes().collect();
    sorted.sort_unstable();
    String::from_utf8(sorted).unwrap_or_default()
}

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
