//! Learns what agreement is worth from the data itself: the Fellegi-Sunter model, fitted by expectation maximisation.
//!
//! It knows patterns of levels and how often each occurs, never records. Nothing is random: patterns are sorted first
//! and sums run in that order, so the same patterns in any order give the same bits on every machine.
//!
//! The model is that of I. P. Fellegi and A. B. Sunter, "A Theory for Record Linkage" (JASA 64, 1969): each comparison
//! falls into a level, `m` is the chance of a level among pairs that are the same, `u` among pairs that are not, and
//! log2(m/u) is what the level is worth. The fit without labels is that of W. E. Winkler, "Using the EM Algorithm for
//! Weight Computation in the Fellegi-Sunter Model of Record Linkage" (1988), on counted patterns, with pseudo-counts
//! (a Dirichlet prior, hence maximum a posteriori) so that little data moves little. A closer level is never worth
//! less than a more distant one: neighbours that break the order are pooled (adjacent violators, M. Ayer et al. 1955).

use std::collections::BTreeMap;

/// The level of a comparison that had nothing to compare: it weighs nothing and teaches nothing.
pub const NOTHING: u8 = u8::MAX;

/// A chance is never taken for smaller: a level nobody has seen is rare, not impossible.
const LEAST: f64 = 1e-9;

/// What is believed about one comparison before the data speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// Chance of each level among pairs that are the same, from the closest level to the most distant.
    pub m: Vec<f64>,
    /// Chance of each level among pairs that are not.
    pub u: Vec<f64>,
    /// How many pairs of each kind the belief is worth against the data.
    pub pseudo_pairs: f64,
    /// Whether `m` may move.
    pub learn_m: bool,
    /// Whether `u` may move; not where it was counted on random pairs.
    pub learn_u: bool,
    /// Whether the levels are ordered, so that a closer one may not weigh less.
    pub ordered: bool,
}

impl Belief {
    /// A belief that the data may move in every way.
    pub fn new(m: &[f64], u: &[f64], pseudo_pairs: f64) -> Self {
        Self { m: m.to_vec(), u: u.to_vec(), pseudo_pairs, learn_m: true, learn_u: true, ordered: true }
    }

    /// The same with `u` as it is.
    #[must_use]
    pub fn with_fixed_u(mut self) -> Self {
        self.learn_u = false;
        self
    }
}

/// How the fit begins and when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// One belief per comparison, in the order of a pattern's levels.
    pub beliefs: Vec<Belief>,
    /// Share of pairs believed to be the same.
    pub prior: f64,
    /// How many pairs that belief is worth.
    pub prior_pairs: f64,
    /// Pairs that were never compared and are taken for different: they count in the prior alone.
    pub outside_pairs: f64,
    /// The fit ends when no chance moves by more than this.
    pub tolerance: f64,
    /// The fit ends after so many rounds in any case.
    pub rounds: usize,
}

impl Start {
    /// The usual end of a fit.
    pub fn new(beliefs: Vec<Belief>, prior: f64, prior_pairs: f64) -> Self {
        Self { beliefs, prior, prior_pairs, outside_pairs: 0.0, tolerance: 1e-5, rounds: 200 }
    }
}

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Chance of each level among pairs that are the same, per comparison.
    pub m: Vec<Vec<f64>>,
    /// Chance of each level among pairs that are not.
    pub u: Vec<Vec<f64>>,
    /// Share of all pairs, also those never compared, that are the same.
    pub prior: f64,
    /// Natural logarithm of the data's likelihood under the model, pseudo-pairs not counted.
    pub log_likelihood: f64,
    /// Rounds until the fit ended.
    pub rounds: usize,
    /// Whether it ended because nothing moved any more.
    pub settled: bool,
}

impl Estimate {
    /// What a level is worth in bits; [`NOTHING`] and unknown levels are worth 0.
    pub fn bits(&self, comparison: usize, level: u8) -> f64 {
        let chance =
            |of: &[Vec<f64>]| of.get(comparison).and_then(|levels| levels.get(usize::from(level))).copied();
        match (chance(&self.m), chance(&self.u)) {
            (Some(m), Some(u)) => (m.max(f64::MIN_POSITIVE) / u.max(LEAST)).log2(),
            _ => 0.0,
        }
    }

    /// The share of equal pairs in bits.
    pub fn prior_bits(&self) -> f64 {
        (self.prior / (1.0 - self.prior)).log2()
    }

    /// The probability that a pair with these levels is the same.
    pub fn probability(&self, levels: &[u8]) -> f64 {
        let bits: f64 = levels.iter().enumerate().map(|(at, level)| self.bits(at, *level)).sum();
        1.0 / (1.0 + (-(bits + self.prior_bits())).exp2())
    }
}

/// Counts patterns; equal ones become one, in the order of their levels.
pub fn count<'a>(patterns: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, f64)> {
    let mut counted: BTreeMap<&[u8], u64> = BTreeMap::new();
    for levels in patterns {
        *counted.entry(levels).or_default() += 1;
    }
    counted.into_iter().map(|(levels, count)| (levels.to_vec(), count as f64)).collect()
}

/// Fits the model to counted patterns.
pub fn estimate(patterns: &[(Vec<u8>, f64)], start: &Start) -> Estimate {
    let mut merged: BTreeMap<&[u8], f64> = BTreeMap::new();
    for (levels, count) in patterns.iter().filter(|pattern| pattern.1.is_finite() && pattern.1 > 0.0) {
        *merged.entry(levels.as_slice()).or_default() += count;
    }
    let believed: Vec<(Vec<f64>, Vec<f64>)> =
        start.beliefs.iter().map(|belief| (shares(&belief.m), shares(&belief.u))).collect();
    let mut now = Estimate {
        m: believed.iter().map(|belief| belief.0.clone()).collect(),
        u: believed.iter().map(|belief| belief.1.clone()).collect(),
        prior: start.prior.clamp(LEAST, 1.0 - LEAST),
        log_likelihood: 0.0,
        rounds: 0,
        settled: false,
    };
    for (at, belief) in start.beliefs.iter().enumerate().filter(|(_, belief)| belief.ordered) {
        now.m[at] = in_order(&now.m[at], &now.u[at], belief.learn_m);
    }
    let total: f64 = merged.values().sum();
    if total <= 0.0 {
        now.settled = true;
        return now;
    }
    while now.rounds < start.rounds && !now.settled {
        now.rounds += 1;
        let weights = Weights::of(&now);
        let mut same: Vec<Vec<f64>> = now.m.iter().map(|levels| vec![0.0; levels.len()]).collect();
        let mut other = same.clone();
        let (mut same_pairs, mut log_likelihood) = (0.0, 0.0);
        for (levels, count) in &merged {
            let (one, two) = weights.of_pattern(levels);
            let highest = one.max(two);
            let (one, two) = ((one - highest).exp(), (two - highest).exp());
            let share = one / (one + two);
            log_likelihood += count * (highest + (one + two).ln());
            same_pairs += count * share;
            for (at, level) in levels.iter().enumerate() {
                let level = usize::from(*level);
                if let (Some(same), Some(other)) = (
                    same.get_mut(at).and_then(|levels| levels.get_mut(level)),
                    other.get_mut(at).and_then(|levels| levels.get_mut(level)),
                ) {
                    *same += count * share;
                    *other += count * (1.0 - share);
                }
            }
        }
        let mut moved = 0.0_f64;
        for (at, belief) in start.beliefs.iter().enumerate() {
            if belief.learn_u {
                let u = posterior(&other[at], &believed[at].1, belief.pseudo_pairs);
                moved = moved.max(distance(&u, &now.u[at]));
                now.u[at] = u;
            }
            if belief.learn_m {
                let m = posterior(&same[at], &believed[at].0, belief.pseudo_pairs);
                let m = if belief.ordered { in_order(&m, &now.u[at], true) } else { m };
                moved = moved.max(distance(&m, &now.m[at]));
                now.m[at] = m;
            }
        }
        let pseudo = start.prior_pairs.max(0.0);
        let prior = (same_pairs + pseudo * start.prior) / (total + pseudo + start.outside_pairs.max(0.0));
        let prior = prior.clamp(LEAST, 1.0 - LEAST);
        // A prior of one in a million moves by little and matters all the same.
        moved = moved.max((prior / now.prior).ln().abs() * 0.01);
        now.prior = prior;
        now.log_likelihood = log_likelihood;
        now.settled = moved < start.tolerance;
    }
    now
}

/// Natural logarithms of all chances, taken once per round.
struct Weights {
    same: Vec<Vec<f64>>,
    other: Vec<Vec<f64>>,
    start: (f64, f64),
}

impl Weights {
    fn of(estimate: &Estimate) -> Self {
        let logs = |of: &[Vec<f64>]| -> Vec<Vec<f64>> {
            of.iter()
                .map(|levels| levels.iter().map(|chance| chance.max(f64::MIN_POSITIVE).ln()).collect())
                .collect()
        };
        Self {
            same: logs(&estimate.m),
            other: logs(&estimate.u),
            start: (estimate.prior.ln(), (1.0 - estimate.prior).ln()),
        }
    }

    fn of_pattern(&self, levels: &[u8]) -> (f64, f64) {
        let (mut same, mut other) = self.start;
        for (at, level) in levels.iter().enumerate() {
            let log =
                |of: &[Vec<f64>]| of.get(at).and_then(|levels| levels.get(usize::from(*level))).copied();
            if let (Some(one), Some(two)) = (log(&self.same), log(&self.other)) {
                same += one;
                other += two;
            }
        }
        (same, other)
    }
}

/// Chances that add up to one; what is no number counts as the least.
fn shares(chances: &[f64]) -> Vec<f64> {
    let clean = |chance: &f64| if chance.is_finite() { chance.clamp(LEAST, 1e9) } else { LEAST };
    let sum: f64 = chances.iter().map(clean).sum();
    chances.iter().map(|chance| clean(chance) / sum).collect()
}

/// Counts and belief together.
fn posterior(counts: &[f64], believed: &[f64], pseudo_pairs: f64) -> Vec<f64> {
    let pseudo = pseudo_pairs.max(LEAST);
    let with: Vec<f64> = counts.iter().zip(believed).map(|(count, share)| count + pseudo * share).collect();
    shares(&with)
}

/// The `m` nearest to the given one with which no level weighs less than the next more distant one.
fn in_order(m: &[f64], u: &[f64], may_move: bool) -> Vec<f64> {
    if !may_move {
        return m.to_vec();
    }
    // Blocks of pooled levels: sum of m, sum of u, number of levels.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(m.len());
    for (m, u) in m.iter().zip(u) {
        blocks.push((*m, u.max(LEAST), 1));
        while let [.., before, last] = blocks.as_slice()
            && last.0 * before.1 > before.0 * last.1
        {
            let pooled = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
            blocks.truncate(blocks.len() - 2);
            blocks.push(pooled);
        }
    }
    let ratios = blocks.iter().flat_map(|block| std::iter::repeat_n(block.0 / block.1, block.2));
    ratios.zip(u).map(|(ratio, u)| ratio * u.max(LEAST)).collect()
}

fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
