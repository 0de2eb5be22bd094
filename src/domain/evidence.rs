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

/// A share as a person reads it: `97 %`; with decimals near certainty, where whole numbers would all be the same; never
/// 100, because nothing is that certain.
pub fn percent(probability: f64) -> String {
    let share = if probability.is_finite() { (probability * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    if share < 98.5 {
        format!("{share:.0} %")
    } else if share < 99.9 {
        format!("{:.1} %", (share * 10.0).floor() / 10.0)
    } else {
        format!("{:.2} %", ((share * 100.0).floor() / 100.0).min(99.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_certainty_a_share_has_decimals_and_is_never_whole() {
        let shown: Vec<String> =
            [0.5, 0.97, 0.984, 0.992, 0.998_96, 0.999_4, 0.999_999_9, 1.0, f64::NAN].map(percent).to_vec();
        assert_eq!(
            shown,
            ["50 %", "97 %", "98 %", "99.2 %", "99.8 %", "99.94 %", "99.99 %", "99.99 %", "0 %"]
        );
    }

    #[test]
    fn no_bits_is_an_even_chance_and_ten_bits_is_a_thousand_to_one() {
        assert!((probability_of(0) - 0.5).abs() < 1e-12);
        assert!((probability_of(10_000) - 1024.0 / 1025.0).abs() < 1e-12);
        assert!(probability_of(-2_000_000) < 1e-300);
    }
}
