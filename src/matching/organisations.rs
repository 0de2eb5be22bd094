//! Duplicate companies and accounts. A subsidiary is a relation, not a duplicate. It merges nothing.

mod compare;
mod firm;

pub(crate) use firm::{Firm, Landscape};

use super::blocking::{self, KeyRow};
use super::hashing::combine;
use super::people::sort;
use super::record::{Candidate, Organisation, Settings};
use super::waterfall::Waterfall;

/// All duplicate candidates among organisations, strongest first, then by keys.
pub fn duplicate_organisations(organisations: &[Organisation], settings: &Settings) -> Vec<Candidate> {
    let firms: Vec<Firm> = organisations.iter().map(Firm::build).collect();
    let landscape = Landscape::of(&firms);
    let mut keys: Vec<KeyRow> = Vec::with_capacity(firms.len() * 14);
    let mut of_one = Vec::new();
    for (row, firm) in firms.iter().enumerate() {
        of_one.clear();
        firm.keys(&landscape.rarity, &mut of_one);
        keys.extend(of_one.iter().map(|key| (*key, row as u32)));
    }
    keys.sort_unstable();
    keys.dedup();
    let order: Vec<(u64, u64)> = firms.iter().map(|firm| (firm.company.id(), firm.identity)).collect();
    let mut candidates = Vec::new();
    for (left, right) in blocking::pairs(&keys, &order, settings.block_limit) {
        let (one, other) = (&firms[left as usize], &firms[right as usize]);
        let (one, other) = if one.key <= other.key { (one, other) } else { (other, one) };
        let sum = compare::compare(one, other, &landscape, Waterfall::sum_only());
        if sum.probability() >= settings.minimum_probability {
            let waterfall = compare::compare(one, other, &landscape, Waterfall::default());
            let probability = waterfall.probability();
            candidates.push(Candidate {
                left: one.key.clone(),
                right: other.key.clone(),
                probability,
                band: settings.band(probability, waterfall.is_guarded()),
                evidence: waterfall.into_evidence(),
                fingerprint: format!(
                    "{:016x}{:016x}",
                    combine(one.identity, other.identity),
                    combine(other.identity, one.identity)
                ),
            });
        }
    }
    sort(&mut candidates);
    candidates.truncate(settings.maximum_candidates);
    candidates
}

#[cfg(test)]
mod tests;
