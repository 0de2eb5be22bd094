//! String distances with cheap refusals before the kernels; it decides no level.

use rapidfuzz::distance::{jaro_winkler, osa};

/// Jaro-Winkler similarity, 0..1; equal strings are 1.
pub(crate) fn jaro(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    if left.len() <= 64 && right.len() <= 64 && left.is_ascii() && right.is_ascii() {
        return jaro_ascii(left.as_bytes(), right.as_bytes());
    }
    jaro_winkler::normalized_similarity(left.chars(), right.chars())
}

/// The same for up to 64 ASCII letters a side: matched places are bits of one number each.
fn jaro_ascii(left: &[u8], right: &[u8]) -> f64 {
    if left.is_empty() || right.is_empty() {
        return 0.0;
    }
    let reach = (left.len().max(right.len()) / 2).saturating_sub(1);
    let (mut mine, mut theirs) = (0_u64, 0_u64);
    for (at, letter) in left.iter().enumerate() {
        let (from, to) = (at.saturating_sub(reach), (at + reach + 1).min(right.len()));
        let free = (from..to).find(|other| right[*other] == *letter && theirs >> other & 1 == 0);
        if let Some(other) = free {
            mine |= 1 << at;
            theirs |= 1 << other;
        }
    }
    let common = mine.count_ones();
    if common == 0 {
        return 0.0;
    }
    let places = |mut bits: u64| {
        std::iter::from_fn(move || {
            let place = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (place < 64).then_some(place)
        })
    };
    let moved = places(mine).zip(places(theirs)).filter(|(one, other)| left[*one] != right[*other]).count();
    let common = f64::from(common);
    let share =
        (common / left.len() as f64 + common / right.len() as f64 + (common - (moved / 2) as f64) / common)
            / 3.0;
    if share <= 0.7 {
        return share;
    }
    let prefix = left.iter().zip(right).take(4).take_while(|(one, other)| one == other).count();
    share + prefix as f64 * 0.1 * (1.0 - share)
}

/// Whether two words are within `limit` insertions, deletions, replacements or swaps of neighbours.
pub(crate) fn within(left: &str, right: &str, limit: usize) -> bool {
    if left == right {
        return true;
    }
    if left.is_ascii() && right.is_ascii() {
        return within_ascii(left.as_bytes(), right.as_bytes(), limit);
    }
    left.len().abs_diff(right.len()) <= limit * 4 && osa::distance(left.chars(), right.chars()) <= limit
}

fn within_ascii(left: &[u8], right: &[u8], limit: usize) -> bool {
    if left.len().abs_diff(right.len()) > limit {
        return false;
    }
    let prefix = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let (left, right) = (&left[prefix..], &right[prefix..]);
    let suffix = left.iter().rev().zip(right.iter().rev()).take_while(|(one, other)| one == other).count();
    let (left, right) = (&left[..left.len() - suffix], &right[..right.len() - suffix]);
    match (left, right, limit) {
        ([], rest, _) | (rest, [], _) => rest.len() <= limit,
        (_, _, 0) => false,
        ([_], [_], _) => true,
        ([a, b], [c, d], _) if a == d && b == c => true,
        (_, _, 1) => false,
        _ => {
            // An edit changes at most two of the sets of letters; most pairs end here.
            let letters = |word: &[u8]| word.iter().fold(0_u64, |set, letter| set | 1 << (letter & 63));
            (letters(left) ^ letters(right)).count_ones() as usize <= limit * 2
                && osa::distance(left.iter().copied(), right.iter().copied()) <= limit
        }
    }
}

/// A typing slip: one edit in a short word, two in a long one; too short a word never has one.
pub(crate) fn slip(left: &str, right: &str) -> bool {
    let shorter = left.chars().count().min(right.chars().count());
    match shorter {
        0..=2 => false,
        3..=6 => within(left, right, 1),
        _ => within(left, right, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_small() {
        assert!(slip("smith", "smiht"));
        assert!(slip("hutchinson", "hutchison"));
        assert!(!slip("li", "lu"));
        assert!(!slip("martin", "morton"));
        assert!(jaro("martha", "marhta") > 0.95);
    }

    #[test]
    fn the_short_ways_give_what_the_long_ones_give() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut word = |letters: usize| -> String {
            (0..random.usize(0..10)).map(|_| char::from(b'a' + random.usize(0..letters) as u8)).collect()
        };
        let mut near = 0;
        for round in 0..40_000 {
            let letters = 2 + round % 5;
            let (left, right) = (word(letters), word(letters));
            let long = jaro_winkler::normalized_similarity(left.chars(), right.chars());
            assert!((jaro(&left, &right) - long).abs() < 1e-12, "{left} {right}");
            for limit in 0..3 {
                let long = osa::distance(left.chars(), right.chars()) <= limit;
                assert_eq!(within(&left, &right, limit), long, "{left} {right} {limit}");
                near += usize::from(long);
            }
        }
        assert!(near > 1000, "the words must be near one another often enough");
    }
}
