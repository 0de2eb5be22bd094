//! String distances with cheap refusals before the kernels; it decides no level.

use rapidfuzz::distance::{jaro_winkler, osa};

/// Jaro-Winkler similarity, 0..1; equal strings are 1.
pub(crate) fn jaro(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    jaro_winkler::normalized_similarity(left.chars(), right.chars())
}

/// Whether two words are within `limit` insertions, deletions, replacements or swaps of neighbours.
pub(crate) fn within(left: &str, right: &str, limit: usize) -> bool {
    left.len().abs_diff(right.len()) <= limit * 4 && osa::distance(left.chars(), right.chars()) <= limit
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
}
