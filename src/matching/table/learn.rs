//! What agreement is worth in one table: `u` counted on pairs that are surely different, `m` fitted on the candidates,
//! how common each value is. Everything is learned from the table; it decides no pair.

use std::collections::HashMap;

use super::plan::Plan;
use super::values::Column;
use crate::matching::estimate::{Belief, Estimate, NOTHING, Start, count, estimate};
use crate::matching::hashing::combine;

/// Pairs of any two rows that `u` is counted on.
const RANDOM_PAIRS: usize = 60_000;
/// Pairs that agree in one comparison, on which the ones that repeat it are counted.
const SAID_PAIRS: usize = 5_000;
/// What shipped beliefs are worth in pairs.
const PSEUDO_PAIRS: f64 = 30.0;
/// How often counting and fitting follow on one another.
const PASSES: usize = 3;
/// The most that the rarity or frequency of a value adds or takes, in bits.
const FREQUENCY_BITS: (f64, f64) = (-9.0, 4.0);

/// The rows of a table as the learning sees them.
pub(super) struct Sight<'a> {
    pub(super) plan: &'a Plan,
    pub(super) columns: &'a [Column],
    pub(super) sides: &'a [u8],
    pub(super) across: bool,
    pub(super) members: &'a [u32],
    /// Candidates, smaller row first, sorted.
    pub(super) pairs: &'a [(u32, u32)],
    /// Their plain levels, one after another.
    pub(super) levels: &'a [u8],
}

/// What was learned: hundredths of a bit, so that sums are exact.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) prior: i32,
    /// Per slot of a pattern, per level.
    slots: Vec<Vec<i32>>,
    /// Per comparison: what the frequency of a value adds when it is shared.
    frequency: Vec<HashMap<u64, i32>>,
}

impl Weights {
    /// Weight of a level in its slot.
    pub(super) fn of(&self, slot: usize, level: u8) -> i32 {
        self.slots[slot].get(usize::from(level)).copied().unwrap_or(0)
    }

    /// What it adds that the shared value is rarer or more common than others.
    pub(super) fn frequency(&self, comparison: usize, value: u64) -> i32 {
        self.frequency[comparison].get(&value).copied().unwrap_or(0)
    }

    /// The sum for a pair with these plain levels.
    pub(super) fn sum(&self, sight: &Sight<'_>, pair: (u32, u32), levels: &[u8]) -> i32 {
        let mut sum = self.prior;
        for (comparison, level) in levels.iter().enumerate().filter(|(_, level)| **level != NOTHING) {
            let slot = sight.plan.slot(comparison, levels);
            sum += self.of(slot, *level);
            if *level == 0 && slot.is_multiple_of(2) {
                sum += self.frequency(comparison, shared(sight.plan, sight.columns, comparison, pair));
            }
        }
        sum
    }
}

/// The value that two rows share in a comparison.
pub(super) fn shared(plan: &Plan, columns: &[Column], comparison: usize, pair: (u32, u32)) -> u64 {
    let of = &plan.comparisons[comparison].columns;
    let mine = of.iter().map(|column| columns[*column].value(pair.0).id);
    let mut theirs: Vec<u64> = of.iter().map(|column| columns[*column].value(pair.1).id).collect();
    theirs.retain(|id| *id != 0);
    mine.filter(|id| *id != 0).find(|id| theirs.contains(id)).unwrap_or(0)
}

/// Learns from a table.
pub(super) fn learn(sight: &Sight<'_>) -> Weights {
    let plan = sight.plan;
    let width = plan.comparisons.len();
    let mut pattern = Vec::with_capacity(plan.slots());
    let mut patterns: Vec<Vec<u8>> = Vec::with_capacity(sight.pairs.len());
    for levels in sight.levels.chunks_exact(width.max(1)) {
        plan.pattern(levels, &mut pattern);
        patterns.push(pattern.clone());
    }
    let counted = count(patterns.iter().map(Vec::as_slice));
    drop(patterns);
    let random = Sampled::of(sight, random_pairs(sight));
    let said: Vec<Sampled> =
        (0..width).map(|comparison| Sampled::of(sight, said_pairs(sight, comparison))).collect();
    let mut weight = group_weights(sight, None);
    let mut model: Option<(Estimate, Weights)> = None;
    for _ in 0..PASSES {
        let same = |pair: (u32, u32), levels: &[u8]| -> f64 {
            match &model {
                Some((_, weights)) => probability(weights.sum(sight, pair, levels)),
                // Nothing is known yet: pairs that agree in all they can be compared in do not teach what different
                // ones look like.
                None => f64::from(u8::from(plan.agrees_throughout(levels))),
            }
        };
        let (exact, frequencies) = frequencies(sight, &weight);
        let beliefs: Vec<Belief> = (0..width)
            .flat_map(|comparison| {
                let scale = plan.comparisons[comparison].scale();
                let mut plain = random.shares(plan, comparison, scale.u, 100.0, false, &same);
                if let Some(exact) = exact[comparison] {
                    set_first(&mut plain, exact);
                }
                let half: Vec<f64> = scale.m.iter().zip(&plain).map(|(m, u)| 0.4 * m + 0.6 * u).collect();
                let said = said[comparison].shares(plan, comparison, &half, PSEUDO_PAIRS, true, &same);
                [plain, said].map(|u| Belief::new(scale.m, &u, PSEUDO_PAIRS).with_fixed_u())
            })
            .collect();
        let rows = sight.members.len() as f64;
        let all_pairs = all_pairs(sight);
        // A row in five has a partner: the guess of somebody who has not looked.
        let prior = (0.1 * rows / all_pairs.max(1.0)).min(0.1);
        let mut start = Start::new(beliefs, prior, 5.0 / prior);
        start.outside_pairs = all_pairs - sight.pairs.len() as f64;
        let fitted = estimate(&counted, &start);
        let weights = weights(plan, &fitted, &exact, &frequencies);
        weight = group_weights(sight, Some(&weights));
        model = Some((fitted, weights));
    }
    model.map_or_else(|| unreachable_weights(plan), |(_, weights)| weights)
}

fn unreachable_weights(plan: &Plan) -> Weights {
    Weights {
        prior: 0,
        slots: vec![Vec::new(); plan.slots()],
        frequency: vec![HashMap::new(); plan.comparisons.len()],
    }
}

fn probability(centibits: i32) -> f64 {
    1.0 / (1.0 + (-f64::from(centibits) / 100.0).exp2())
}

fn all_pairs(sight: &Sight<'_>) -> f64 {
    let rows = sight.members.len() as f64;
    if !sight.across {
        return rows * (rows - 1.0) / 2.0;
    }
    let other = sight.members.iter().filter(|row| sight.sides[**row as usize] == 1).count() as f64;
    (rows - other) * other
}

fn set_first(shares: &mut [f64], exact: f64) {
    let Some((first, rest)) = shares.split_first_mut() else { return };
    let exact = exact.clamp(1e-8, 0.999);
    let scale = (1.0 - exact) / (1.0 - *first).max(1e-6);
    *first = exact;
    for share in rest {
        *share *= scale;
    }
}

fn centibits(bits: f64) -> i32 {
    (bits.clamp(-30.0, 30.0) * 100.0).round() as i32
}

fn weights(
    plan: &Plan,
    fitted: &Estimate,
    exact: &[Option<f64>],
    frequencies: &[HashMap<u64, f64>],
) -> Weights {
    let slots = (0..plan.slots())
        .map(|slot| {
            (0..fitted.m[slot].len()).map(|level| centibits(fitted.bits(slot, level as u8))).collect()
        })
        .collect();
    let frequency = frequencies
        .iter()
        .zip(exact)
        .map(|(shares, exact)| {
            let Some(exact) = exact else { return HashMap::new() };
            let bits = |share: &f64| (exact / share).log2().clamp(FREQUENCY_BITS.0, FREQUENCY_BITS.1);
            shares.iter().map(|(value, share)| (*value, centibits(bits(share)))).collect()
        })
        .collect();
    Weights { prior: centibits(fitted.prior_bits()), slots, frequency }
}

/// How probable it is that a pair with some levels is one.
type Same<'a> = dyn Fn((u32, u32), &[u8]) -> f64 + 'a;

/// Pairs of rows with their levels, compared once and weighed anew in each pass.
struct Sampled {
    pairs: Vec<(u32, u32)>,
    levels: Vec<u8>,
    width: usize,
}

impl Sampled {
    fn of(sight: &Sight<'_>, pairs: Vec<(u32, u32)>) -> Self {
        let width = sight.plan.comparisons.len();
        let mut levels = Vec::with_capacity(pairs.len() * width);
        let mut one = Vec::with_capacity(width);
        for (left, right) in &pairs {
            sight.plan.levels(sight.columns, *left, *right, &mut one);
            levels.extend_from_slice(&one);
        }
        Self { pairs, levels, width }
    }

    /// Shares of the levels of a comparison among the pairs that are different.
    fn shares(
        &self,
        plan: &Plan,
        comparison: usize,
        believed: &[f64],
        pseudo: f64,
        said: bool,
        same: &Same<'_>,
    ) -> Vec<f64> {
        let mut counts: Vec<f64> = believed.iter().map(|share| share * pseudo).collect();
        for (pair, levels) in self.pairs.iter().zip(self.levels.chunks_exact(self.width.max(1))) {
            let level = levels[comparison];
            if level == NOTHING || plan.is_said(comparison, levels) != said {
                continue;
            }
            let same = same(*pair, levels);
            if same < 0.5 {
                counts[usize::from(level)] += 1.0 - same;
            }
        }
        let sum: f64 = counts.iter().sum();
        counts.iter().map(|count| count / sum.max(1e-12)).collect()
    }
}

/// Pairs of any rows: all of a small table, evenly spread ones of a large table.
fn random_pairs(sight: &Sight<'_>) -> Vec<(u32, u32)> {
    let members = sight.members;
    let count = members.len();
    let wanted = |left: u32, right: u32| {
        left != right && (!sight.across || sight.sides[left as usize] != sight.sides[right as usize])
    };
    let mut pairs = Vec::new();
    if count * count.saturating_sub(1) / 2 <= RANDOM_PAIRS {
        for (at, one) in members.iter().enumerate() {
            pairs.extend(
                members[at + 1..].iter().filter(|other| wanted(*one, **other)).map(|other| (*one, *other)),
            );
        }
        return pairs;
    }
    for number in 0..RANDOM_PAIRS as u64 * 2 {
        let left = members[(combine(1, number) % count as u64) as usize];
        let right = members[(combine(2, number) % count as u64) as usize];
        if wanted(left, right) {
            pairs.push((left.min(right), left.max(right)));
        }
        if pairs.len() == RANDOM_PAIRS {
            break;
        }
    }
    pairs
}

/// Pairs that agree in something that half says what a comparison says.
fn said_pairs(sight: &Sight<'_>, comparison: usize) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for parent in &sight.plan.comparisons[comparison].parents {
        let column = &sight.columns[sight.plan.comparisons[*parent].columns[0]];
        let mut rows: Vec<(u64, u64, u32)> = sight
            .members
            .iter()
            .map(|row| (column.value(*row).id, combine(3, u64::from(*row)), *row))
            .filter(|entry| entry.0 != 0)
            .collect();
        rows.sort_unstable();
        let mut of_parent = Vec::new();
        for run in rows.chunk_by(|left, right| left.0 == right.0).filter(|run| run.len() > 1) {
            // Neighbours in an order by chance: every row of a block in two or three pairs.
            for (at, one) in run.iter().enumerate() {
                of_parent.extend(run[at + 1..].iter().take(3).map(|other| (one.2, other.2)));
            }
        }
        of_parent.retain(|(left, right)| {
            !sight.across || sight.sides[*left as usize] != sight.sides[*right as usize]
        });
        of_parent.sort_unstable_by_key(|pair| combine(u64::from(pair.0), u64::from(pair.1)));
        of_parent.truncate(SAID_PAIRS);
        pairs.extend(of_parent.into_iter().map(|(left, right)| (left.min(right), left.max(right))));
    }
    pairs
}

/// The row that stands for a group of rows joined so far.
fn find(parent: &mut HashMap<u32, u32>, mut row: u32) -> u32 {
    while let Some(next) = parent.get(&row).copied()
        && next != row
    {
        let over = parent.get(&next).copied().unwrap_or(next);
        parent.insert(row, over);
        row = next;
    }
    row
}

/// What each row counts: rows believed to be one together count once.
fn group_weights(sight: &Sight<'_>, weights: Option<&Weights>) -> HashMap<u32, f64> {
    let mut parent: HashMap<u32, u32> = HashMap::new();
    let width = sight.plan.comparisons.len().max(1);
    if let Some(weights) = weights {
        for (pair, levels) in sight.pairs.iter().zip(sight.levels.chunks_exact(width)) {
            if weights.sum(sight, *pair, levels) >= 300 {
                let (one, other) = (find(&mut parent, pair.0), find(&mut parent, pair.1));
                parent.insert(one.max(other), one.min(other));
            }
        }
    }
    let mut sizes: HashMap<u32, u32> = HashMap::new();
    let roots: Vec<(u32, u32)> = sight.members.iter().map(|row| (*row, find(&mut parent, *row))).collect();
    for (_, root) in &roots {
        *sizes.entry(*root).or_default() += 1;
    }
    roots.into_iter().map(|(row, root)| (row, 1.0 / f64::from(sizes[&root]))).collect()
}

/// Per comparison the chance that two different records share a value, and each value's share.
fn frequencies(sight: &Sight<'_>, weight: &HashMap<u32, f64>) -> (Vec<Option<f64>>, Vec<HashMap<u64, f64>>) {
    let mut exact = Vec::new();
    let mut shares = Vec::new();
    for comparison in &sight.plan.comparisons {
        let mut held: Vec<(u64, f64)> = Vec::new();
        for row in sight.members {
            let share = weight.get(row).copied().unwrap_or(1.0);
            for column in &comparison.columns {
                let id = sight.columns[*column].value(*row).id;
                if id != 0 {
                    held.push((id, share));
                }
            }
        }
        held.sort_by_key(|one| one.0);
        let mut counts: Vec<(u64, f64)> = Vec::new();
        for (id, share) in held {
            match counts.last_mut() {
                Some(last) if last.0 == id => last.1 += share,
                _ => counts.push((id, share)),
            }
        }
        let all: f64 = counts.iter().map(|count| count.1).sum();
        let equal: f64 = counts.iter().map(|count| count.1 * (count.1 - 1.0).max(0.0)).sum();
        let believed = comparison.scale().u.first().copied().unwrap_or(0.01);
        // A small table has not seen its common values often enough to know them.
        let pseudo = 2_000.0;
        let chance = (equal + believed * pseudo) / ((all * (all - 1.0)).max(0.0) + pseudo);
        exact.push(Some(chance));
        // How many others hold it, drawn towards what is usual: a value that is one record's alone (a number of
        // a register) is not rarer than the column's values are, a surname held once among thousands is.
        let share = |count: f64| ((count - 1.0).max(0.0) + 1.0) / (all + 1.0 / chance);
        shares.push(counts.into_iter().map(|(id, count)| (id, share(count).min(1.0))).collect());
    }
    (exact, shares)
}
