//! Which accounts belong together (one domain, parent and child, one name without contradiction): any of them may
//! be linked, and they are no rivals of one another.

use super::super::company::bare_stem;
use super::super::organisations::{Firm, Landscape};
use super::LOOKED_AT;

/// Numbers the groups: each account points at the smallest one it is related to.
pub(super) fn groups<'a>(
    firms: &'a [Firm],
    landscape: &Landscape,
    number_of: impl Fn(&'a str) -> Option<u32>,
) -> Vec<u32> {
    fn root(parents: &mut [u32], mut at: u32) -> u32 {
        while parents[at as usize] != at {
            parents[at as usize] = parents[parents[at as usize] as usize];
            at = parents[at as usize];
        }
        at
    }
    let mut parents: Vec<u32> = (0..firms.len() as u32).collect();
    let join = |parents: &mut Vec<u32>, one: u32, other: u32| {
        let (one, other) = (root(parents, one), root(parents, other));
        let (small, large) = (one.min(other), one.max(other));
        parents[large as usize] = small;
    };
    let mut shared: Vec<(u64, u32)> = Vec::new();
    for (number, firm) in firms.iter().enumerate() {
        shared.extend(firm.domains.iter().map(|domain| (domain.id(), number as u32)));
        if let Some(parent) = firm.parent.as_deref().and_then(&number_of) {
            join(&mut parents, parent, number as u32);
        }
    }
    shared.sort_unstable();
    for run in shared.chunk_by(|one, other| one.0 == other.0) {
        for entry in &run[1..] {
            join(&mut parents, run[0].1, entry.1);
        }
    }
    let mut named: Vec<(u64, u32)> =
        firms.iter().enumerate().map(|(number, firm)| (firm.company.bag, number as u32)).collect();
    // Written together or with the gap in the wrong place, it is still the name.
    named.extend(firms.iter().enumerate().map(|(number, firm)| (firm.company.id(), number as u32)));
    named.retain(|entry| entry.0 != 0);
    named.sort_unstable();
    for run in named.chunk_by(|one, other| one.0 == other.0) {
        let run = &run[..run.len().min(LOOKED_AT)];
        for (at, entry) in run.iter().enumerate() {
            for other in &run[at + 1..] {
                if !contradict(&firms[entry.1 as usize], &firms[other.1 as usize], landscape) {
                    join(&mut parents, entry.1, other.1);
                }
            }
        }
    }
    (0..firms.len() as u32).map(|number| root(&mut parents, number)).collect()
}

/// Two firms of one name that are not one: other country, or a common name, and nothing of the domains in common.
fn contradict(one: &Firm, other: &Firm, landscape: &Landscape) -> bool {
    let stems = one
        .domains
        .iter()
        .any(|mine| other.domains.iter().any(|theirs| bare_stem(mine) == bare_stem(theirs)));
    if stems {
        return false;
    }
    let countries = one.country != 0 && other.country != 0 && one.country != other.country;
    let domains = !one.domains.is_empty() && !other.domains.is_empty();
    let common = landscape.rarity.name_bits(&one.company) < landscape.size() + 1.0;
    countries || (domains && common)
}
