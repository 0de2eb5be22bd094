//! The bars of the waterfall that explains a score; it never computes one.

use serde::{Deserialize, Serialize};

pub mod turning;

/// One bar of the waterfall: what was compared, how it came out, and what that was worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name of the comparison (`name`, `email`, `guard`, `prior`); never contains `:` or `;`.
    pub comparison: String,
    /// The level the comparison fell into (`same mailbox`, `first name differs`); never contains `:` or `;`.
    pub level: String,
    /// Weight in thousandths of a bit (log2 odds); positive speaks for "the same".
    pub millibits: i32,
    /// The left value, shortened for display; hostile text, escape before drawing.
    pub left: String,
    /// The right value, shortened for display; hostile text, escape before drawing.
    pub right: String,
    /// Why the bar is not longer or shorter ("phone is shared by 41 contacts").
    pub note: Option<String>,
}

impl Evidence {
    /// The probability that a list of bars adds up to: 1 / (1 + 2^-bits).
    pub fn probability(bars: &[Self]) -> f64 {
        probability_of(bars.iter().map(|bar| i64::from(bar.millibits)).sum())
    }
}

/// Turns a sum of millibits into a probability; the one place where this is done.
pub fn probability_of(millibits: i64) -> f64 {
    let bits = millibits as f64 / 1000.0;
    1.0 / (1.0 + (-bits).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bits_is_an_even_chance_and_ten_bits_is_a_thousand_to_one() {
        assert!((probability_of(0) - 0.5).abs() < 1e-12);
        assert!((probability_of(10_000) - 1024.0 / 1025.0).abs() < 1e-12);
        assert!(probability_of(-2_000_000) < 1e-300);
    }
}
