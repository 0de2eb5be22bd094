//! Groups of records that are one person or firm, built so that false friends do not chain.
//!
//! Records are joined by average link over the candidates: a group grows only while its members on average agree
//! with the newcomer, and a pair that was never a candidate counts as strong disagreement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::{Candidate, Person, Settings};
use super::waterfall::corroborates;
use crate::domain::evidence::{Evidence, probability_of};

/// Records believed to be one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Keys in byte order; the first is the name of the group.
    pub members: Vec<String>,
    /// Probability of the weakest link that the group needs to hold together.
    pub weakest: f64,
    /// Some pair inside carries a guard: a human should look even if every probability is high.
    pub guarded: bool,
}

/// A name in common, even a rare one in one city, is shown to a human; it joins nobody. Something else has to
/// agree: a mailbox, a number, a firm, one form sent twice.
fn is_corroborated(candidate: &Candidate) -> bool {
    candidate.evidence.iter().any(|bar| bar.millibits > 0 && corroborates(&bar.comparison))
}

/// What an unlisted pair is taken for, in bits: blocking found nothing common, or too little.
const UNLISTED_BITS: f64 = -6.0;
/// One very strong pair must not outvote several contradictions.
const LIMIT_BITS: f64 = 10.0;

/// Joins people by their candidates. People without a candidate are in no group.
pub fn groups(people: &[Person], candidates: &[Candidate], settings: &Settings) -> Vec<Group> {
    let keys: Vec<&str> = people.iter().map(|person| person.key.as_str()).collect();
    groups_of_keys(&keys, candidates, settings)
}

/// The same for any records with keys.
pub fn groups_of_keys(keys: &[&str], candidates: &[Candidate], settings: &Settings) -> Vec<Group> {
    let mut sorted: Vec<&str> = keys.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let number = |key: &str| sorted.binary_search(&key).ok();
    let links = candidates.iter().filter_map(|candidate| {
        let (left, right) = (number(&candidate.left)?, number(&candidate.right)?);
        let guarded = candidate.evidence.iter().any(|bar: &Evidence| bar.comparison == "guard");
        Some(Link {
            left: left.min(right),
            right: left.max(right),
            millibits: candidate.millibits(),
            guarded,
            corroborated: is_corroborated(candidate),
        })
    });
    groups_of_links(&sorted, links, settings)
}

/// A candidate as numbers: places in a sorted list of keys, the smaller one first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) millibits: i64,
    pub(crate) guarded: bool,
    /// Something personal beside the name speaks for it.
    pub(crate) corroborated: bool,
}

/// The same for links between places in a sorted list of keys.
pub(crate) fn groups_of_links(
    sorted: &[&str],
    links: impl Iterator<Item = Link>,
    settings: &Settings,
) -> Vec<Group> {
    let mut edges: BTreeMap<(usize, usize), (f64, bool)> = BTreeMap::new();
    let mut joins: Vec<(i64, usize, usize, f64)> = Vec::new();
    for Link { left, right, millibits, guarded, corroborated } in links {
        let probability = probability_of(millibits);
        let bits = (millibits as f64 / 1000.0).clamp(-LIMIT_BITS, LIMIT_BITS);
        edges.insert((left, right), (bits, guarded));
        if probability >= settings.join_probability && corroborated {
            joins.push((millibits, left, right, probability));
        }
    }
    joins.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)).then(one.2.cmp(&other.2)));
    let join_bits =
        (settings.join_probability / (1.0 - settings.join_probability).max(1e-9)).log2().min(LIMIT_BITS);
    let mut group_of: Vec<usize> = (0..sorted.len()).collect();
    let mut members: Vec<Vec<usize>> = (0..sorted.len()).map(|row| vec![row]).collect();
    let mut weakest = vec![1.0_f64; sorted.len()];
    for (_, left, right, probability) in joins {
        let (one, other) = (group_of[left], group_of[right]);
        if one == other {
            continue;
        }
        if average(&members[one], &members[other], &edges) < join_bits {
            continue;
        }
        let (keep, drop) =
            if members[one].len() >= members[other].len() { (one, other) } else { (other, one) };
        let moved = std::mem::take(&mut members[drop]);
        for row in &moved {
            group_of[*row] = keep;
        }
        members[keep].extend(moved);
        weakest[keep] = weakest[keep].min(weakest[drop]).min(probability);
    }
    // By edges, not by pairs of members: a group of twenty thousand equals has few of the one, many of the other.
    let mut guards = vec![false; sorted.len()];
    for ((left, right), edge) in &edges {
        if edge.1 && group_of[*left] == group_of[*right] {
            guards[group_of[*left]] = true;
        }
    }
    let mut groups: Vec<Group> = members
        .into_iter()
        .zip(weakest)
        .zip(guards)
        .filter(|((rows, _), _)| rows.len() > 1)
        .map(|((mut rows, weakest), guarded)| {
            rows.sort_unstable();
            Group { members: rows.iter().map(|row| sorted[*row].to_owned()).collect(), weakest, guarded }
        })
        .collect();
    groups.sort_by(|one, other| one.members.cmp(&other.members));
    groups
}

/// Average bits between two groups; large groups are sampled so that a huge cluster of equals stays cheap.
fn average(one: &[usize], other: &[usize], edges: &BTreeMap<(usize, usize), (f64, bool)>) -> f64 {
    const SAMPLE: usize = 16;
    let (mut sum, mut known, mut count) = (0.0, 0_u32, 0_u32);
    for left in one.iter().take(SAMPLE) {
        for right in other.iter().take(SAMPLE) {
            count += 1;
            if let Some(edge) = edges.get(&(*left.min(right), *left.max(right))) {
                sum += edge.0;
                known += 1;
            } else {
                sum += UNLISTED_BITS;
            }
        }
    }
    if one.len() > SAMPLE || other.len() > SAMPLE {
        // Blocks of that size were compared in windows: an unlisted pair says nothing there.
        return if known == 0 {
            LIMIT_BITS
        } else {
            (sum - UNLISTED_BITS * f64::from(count - known)) / f64::from(known)
        };
    }
    sum / f64::from(count.max(1))
}
