//! What the levels are worth before and after a look at the data: one table of shipped beliefs, and the shift that the
//! user's own pairs suggest. It never moves a weight far, and without enough pairs not at all.
//!
//! Comparisons whose rarity is counted value by value (names, domains, cities) keep that; what is learned here is how
//! much the whole level errs on this data, for instance where titles are copied from a list, or cities guessed.

use crate::matching::estimate::{Belief, NOTHING, Start, count, estimate};
use crate::matching::waterfall::Waterfall;

/// One level of one comparison with its usual chance among candidates that are not the same.
struct Row {
    comparison: &'static str,
    level: &'static str,
    other: f64,
}

const fn row(comparison: &'static str, level: &'static str, other: f64) -> Row {
    Row { comparison, level, other }
}

/// The shipped beliefs; levels of one comparison stand together, from the closest to the most distant.
const TABLE: [Row; 5] = [
    row("title", "same", 0.10),
    row("title", "similar", 0.12),
    row("title", "different", 0.78),
    row("place", "same city", 0.40),
    row("place", "different city", 0.60),
];

/// What is learned. Names, mailboxes, numbers and firms are what candidates are found by, so among candidates even strangers
/// share them and nothing could be learned about them there.
const COMPARISONS: [&str; 2] = ["title", "place"];

/// How many pairs of each kind the shipped beliefs weigh against the data.
const PSEUDO_PAIRS: f64 = 150.0;
/// Below that many candidates nothing is learned.
const FEWEST_PAIRS: usize = 400;
/// The furthest a level may move, in hundredths of a bit.
const FURTHEST: i32 = 100;
/// Share of what the data suggests that is taken: fields depend on one another more than the model knows.
const TRUST: f64 = 0.5;
/// What the evidence that is not learned may say, in bits.
const ANCHOR: i32 = 14;

/// How many levels are learned.
pub(crate) const LEARNED: usize = TABLE.len();

/// The learned shifts, by row of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weights {
    /// In hundredths of a bit, so that what is kept and read again is the same number.
    shifts: [i32; TABLE.len()],
}

impl Weights {
    /// What a level is worth more or less on this data than shipped.
    pub(crate) fn shift(&self, comparison: &str, level: &str) -> f64 {
        find(comparison, level).map_or(0.0, |at| f64::from(self.shifts[at]) / 100.0)
    }

    /// As whole numbers, for keeping.
    pub(crate) fn to_numbers(self) -> [u32; LEARNED] {
        self.shifts.map(|shift| (shift + FURTHEST).unsigned_abs())
    }

    /// What `to_numbers` gave.
    pub(crate) fn from_numbers(numbers: &[u32; LEARNED]) -> Self {
        Self { shifts: numbers.map(|number| number.min(2 * FURTHEST.unsigned_abs()) as i32 - FURTHEST) }
    }

    /// Learns from compared pairs whose mailboxes did not decide by themselves.
    pub(crate) fn learn(pairs: impl Iterator<Item = Waterfall>) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut shipped = [(0_i64, 0_i64); TABLE.len()];
        for waterfall in pairs {
            let mut pattern = vec![0, NOTHING, NOTHING];
            let mut rest = waterfall.millibits();
            for (comparison, level, millibits) in waterfall.bars() {
                let Some(place) = COMPARISONS.iter().position(|name| *name == comparison) else { continue };
                let Some(at) = find(comparison, level) else { continue };
                pattern[place + 1] = (at - first_of(comparison)) as u8;
                rest -= i64::from(millibits);
                shipped[at] = (shipped[at].0 + i64::from(millibits), shipped[at].1 + 1);
            }
            let anchor = (rest as f64 / 1000.0).round().clamp(f64::from(-ANCHOR), f64::from(ANCHOR)) as i32;
            pattern[0] = (ANCHOR - anchor) as u8;
            patterns.push(pattern);
        }
        if patterns.len() < FEWEST_PAIRS {
            return Self::default();
        }
        // The evidence that is not learned enters as one comparison whose levels are its bits, the strongest first.
        let same: Vec<f64> = (-ANCHOR..=ANCHOR).map(chance).collect();
        let other: Vec<f64> = (-ANCHOR..=ANCHOR).rev().map(chance).collect();
        let mut anchor = Belief::new(&same, &other, f64::from(u32::MAX));
        (anchor.learn_m, anchor.learn_u, anchor.ordered) = (false, false, false);
        // What a level is worth as shipped depends on the rarity of the value; the average stands for it.
        let worth = |at: usize| {
            let (sum, count) = shipped[at];
            if count == 0 { 0.0 } else { sum as f64 / count as f64 / 1000.0 }
        };
        let mut beliefs = vec![anchor];
        for comparison in COMPARISONS {
            let rows = TABLE.iter().enumerate().filter(|(_, row)| row.comparison == comparison);
            let (same, other): (Vec<f64>, Vec<f64>) =
                rows.map(|(at, row)| (row.other * worth(at).exp2(), row.other)).unzip();
            let mut belief = Belief::new(&same, &other, PSEUDO_PAIRS);
            belief.ordered = false;
            beliefs.push(belief);
        }
        // The table is of few numbers and the weights of many values: what both would give without data is the base.
        let start = Start::new(beliefs, 0.5, f64::from(u32::MAX));
        let believed = estimate(&[], &start);
        let counted = count(patterns.iter().map(Vec::as_slice));
        let learned = estimate(&counted, &start);
        let mut weights = Self::default();
        for (at, row) in TABLE.iter().enumerate() {
            let place = COMPARISONS.iter().position(|name| *name == row.comparison).unwrap_or(0) + 1;
            let level = (at - first_of(row.comparison)) as u8;
            let shift = (learned.bits(place, level) - believed.bits(place, level)) * TRUST;
            // Rounded, so that a sum in another order cannot show.
            weights.shifts[at] = ((shift * 100.0).round() as i32).clamp(-FURTHEST, FURTHEST);
        }
        weights
    }
}

/// One half of a ratio of 2^-bits, the other half being `chance(-bits)`.
fn chance(bits: i32) -> f64 {
    1.0 / (1.0 + f64::from(bits).exp2())
}

fn find(comparison: &str, level: &str) -> Option<usize> {
    TABLE.iter().position(|row| row.level == level && row.comparison == comparison)
}

fn first_of(comparison: &str) -> usize {
    TABLE.iter().position(|row| row.comparison == comparison).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: f64, title: (&'static str, f64)) -> Waterfall {
        let mut waterfall = Waterfall::default();
        waterfall.add("name", "equal", name, "", "");
        waterfall.add("title", title.0, title.1, "", "");
        waterfall
    }

    #[test]
    fn a_title_that_everybody_has_loses_weight_but_not_much() {
        let mut pairs = Vec::new();
        for _ in 0..2000 {
            pairs.push(pair(-12.0, ("same", 2.5)));
            pairs.push(pair(12.0, ("same", 2.5)));
        }
        let weights = Weights::learn(pairs.into_iter());
        assert!(weights.shift("title", "same") < -0.5);
        assert!(weights.shift("title", "same") >= -1.0);
        assert!(weights.shift("name", "equal").abs() < 1e-12);
    }

    #[test]
    fn few_pairs_teach_nothing() {
        let pairs: Vec<Waterfall> = (0..50).map(|_| pair(-12.0, ("same", 2.5))).collect();
        assert_eq!(Weights::learn(pairs.into_iter()), Weights::default());
    }
}
