//! Where two people work, from domain and company text together: they say the same thing twice, so they are one
//! comparison. It gives no final weights.

use crate::matching::company::Company;
use crate::matching::prepare::{Side, Statistics};
use crate::matching::similarity::{jaro, within};

/// How two workplaces relate, from most to least similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Workplace {
    /// A work domain in common.
    SameDomain,
    /// Equal company names.
    SameName,
    /// A name that equals the stem of the other's domain, or two endings of one stem.
    SameStem,
    /// A slip, a dropped word, an acronym.
    CloseName,
    /// Nothing known on one side.
    Unknown,
    /// Two firms.
    Different,
}

/// The level, the rarity of what agreed in bits, and the two values.
pub(crate) fn relate(
    left: Side<'_>,
    right: Side<'_>,
    statistics: &Statistics,
) -> (Workplace, f64, String, String) {
    let (mine, theirs) = (left.work_domains(statistics), right.work_domains(statistics));
    let (one, other) = (left.company(), right.company());
    for domain in &mine {
        if theirs.iter().any(|theirs| theirs.registrable == domain.registrable) {
            let bits = statistics.domain_bits(domain.id());
            return (Workplace::SameDomain, bits, domain.registrable.clone(), domain.registrable.clone());
        }
    }
    let shown = |company: &Company, domains: &[&crate::matching::web_domain::WebDomain]| {
        if company.is_missing() {
            domains.first().map(|domain| domain.registrable.clone()).unwrap_or_default()
        } else {
            company.shown.clone()
        }
    };
    let values = (shown(one, &mine), shown(other, &theirs));
    if !one.is_missing() && one.joined == other.joined {
        let bits = statistics.company_bits(one.id());
        return (Workplace::SameName, bits, values.0, values.1);
    }
    let stems = |company: &Company, domains: &[&crate::matching::web_domain::WebDomain]| {
        let mut stems: Vec<String> = domains.iter().map(|domain| domain.stem.clone()).collect();
        if !company.is_missing() {
            stems.push(company.joined.clone());
        }
        stems
    };
    let (mine, theirs) = (stems(one, &mine), stems(other, &theirs));
    if mine.is_empty() || theirs.is_empty() {
        return (Workplace::Unknown, 0.0, values.0, values.1);
    }
    let id = crate::matching::hashing::hash_text;
    if let Some(stem) = mine.iter().find(|stem| theirs.contains(stem)) {
        return (Workplace::SameStem, statistics.company_bits(id(stem)), values.0, values.1);
    }
    let wears = |company: &Company, stems: &[String]| {
        let first = company.words.first();
        stems.iter().any(|stem| {
            (company.joined.len() >= 6
                && stem.len() <= company.joined.len() + 6
                && stem.contains(company.joined.as_str()))
                || (company.words.len() > 1 && first.is_some_and(|word| word.len() >= 5 && word == stem))
        })
    };
    let close = wears(one, &theirs)
        || wears(other, &mine)
        || mine.iter().any(|stem| theirs.iter().any(|other| is_close(stem, other)))
        || is_subset(one, other)
        || is_acronym(one, other);
    if close {
        let bits = statistics.company_bits(one.id()).min(statistics.company_bits(other.id()));
        return (Workplace::CloseName, bits, values.0, values.1);
    }
    (Workplace::Different, 0.0, values.0, values.1)
}

fn is_close(one: &str, other: &str) -> bool {
    let short = one.len().min(other.len());
    (short >= 5 && within(one, other, 1))
        || (short >= 9 && within(one, other, 2))
        || (short >= 10 && jaro(one, other) >= 0.96)
}

/// All words of the shorter name open the longer one, and the shorter has more than a few letters.
fn is_subset(one: &Company, other: &Company) -> bool {
    let (few, many) = if one.words.len() < other.words.len() { (one, other) } else { (other, one) };
    !few.is_missing()
        && few.words.len() < many.words.len()
        && few.joined.len() >= 5
        && many.words.starts_with(&few.words)
}

fn is_acronym(one: &Company, other: &Company) -> bool {
    (!one.acronym.is_empty() && one.acronym == other.joined)
        || (!other.acronym.is_empty() && other.acronym == one.joined)
}
