//! How two company names relate, and how telling their common words are. It decides nothing.

use super::super::similarity::{jaro, slip, within};
use super::{Company, Rarity};

/// How two company names relate, from most to least similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NameRelation {
    /// Equal without legal dress.
    Same,
    /// Equal but for "Group", or "Tech" for "Technologies".
    Dressed,
    /// One or two letters apart, or the words in another order.
    Slip,
    /// Another name in the text ("formerly", "trading as") is the other's.
    Alias,
    /// One has further words: "Acme" and "Acme Software".
    Shortened,
    /// One is the initials of the other.
    Acronym,
    /// No name on one side.
    Unknown,
    /// Both have words that the other has not: "Acme Software" and "Acme Media".
    Sibling,
    /// Different names.
    Different,
}

impl NameRelation {
    /// Whether the names agree at least in part.
    pub(crate) fn agrees(self) -> bool {
        self <= Self::Acronym
    }

    /// Whether the names are two spellings of one.
    pub(crate) fn is_one_name(self) -> bool {
        self <= Self::Alias
    }
}

/// A relation with the bits of what agrees and of what one side has too much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameFit {
    pub(crate) relation: NameRelation,
    /// Bits of the common words: how rarely two random names have them in common.
    pub(crate) shared: f64,
    /// Bits of the words that only one side has.
    pub(crate) lost: f64,
}

impl NameFit {
    fn new(relation: NameRelation, shared: f64) -> Self {
        Self { relation, shared, lost: 0.0 }
    }
}

/// Compares two company names, other names in the texts included.
pub(crate) fn relate(one: &Company, other: &Company, rarity: &Rarity) -> NameFit {
    let mut best = relate_single(one, other, rarity);
    if best.relation > NameRelation::Slip && !(one.aliases.is_empty() && other.aliases.is_empty()) {
        for left in one.names() {
            for right in other.names() {
                let fit = relate_single(left, right, rarity);
                if fit.relation <= NameRelation::Slip && best.relation > NameRelation::Alias {
                    best = NameFit::new(NameRelation::Alias, fit.shared);
                }
            }
        }
    }
    best
}

fn relate_single(one: &Company, other: &Company, rarity: &Rarity) -> NameFit {
    if one.is_missing() || other.is_missing() {
        return NameFit::new(NameRelation::Unknown, 0.0);
    }
    let (left, right) = (one.joined.as_str(), other.joined.as_str());
    // Written together on one side, the words of the other side say how rare the name is.
    let whole = || rarity.name_bits(one).min(rarity.name_bits(other));
    if left == right {
        return NameFit::new(NameRelation::Same, whole());
    }
    let (mine, theirs) = (one.core_joined.as_str(), other.core_joined.as_str());
    if mine == theirs {
        return NameFit::new(NameRelation::Dressed, rarity.core_bits(one).min(rarity.core_bits(other)));
    }
    let short = mine.len().min(theirs.len());
    let full = left.len().min(right.len());
    let close = |left: &str, right: &str, short: usize| {
        (short >= 5 && within(left, right, 1))
            || (short >= 10 && (within(left, right, 2) || jaro(left, right) > 0.975))
    };
    // A whole other word of one's own is no slip of the pen ("North Mill", "South Mill").
    let fit = align(one, other, rarity);
    let one_off = (short >= 5 && within(mine, theirs, 1)) || (full >= 5 && within(left, right, 1));
    let near = one_off || !fit.words_differ && (close(mine, theirs, short) || close(left, right, full));
    if one.bag == other.bag || near && !only_digits_differ(left, right) {
        return NameFit::new(NameRelation::Slip, whole());
    }
    if (fit.left_lost == 0.0 && fit.right_lost == 0.0) && fit.shared > 0.0 {
        return NameFit::new(NameRelation::Slip, fit.shared);
    }
    if !one.acronym.is_empty() && one.acronym == right || !other.acronym.is_empty() && other.acronym == left {
        return NameFit::new(NameRelation::Acronym, 2.5 * short as f64);
    }
    if fit.shared == 0.0 {
        return NameFit::new(NameRelation::Different, 0.0);
    }
    let lost = fit.left_lost.max(fit.right_lost);
    if fit.left_lost == 0.0 || fit.right_lost == 0.0 {
        return NameFit { relation: NameRelation::Shortened, shared: fit.shared, lost };
    }
    let lost = fit.left_lost.min(fit.right_lost);
    if fit.shared > lost {
        return NameFit { relation: NameRelation::Sibling, shared: fit.shared, lost };
    }
    NameFit { relation: NameRelation::Different, shared: 0.0, lost }
}

struct Alignment {
    shared: f64,
    left_lost: f64,
    right_lost: f64,
    /// Both sides have a word of their own that is no spelling of the other's.
    words_differ: bool,
}

/// Pairs the words of two names, equal ones first, then slips; long names are cut.
fn align(one: &Company, other: &Company, rarity: &Rarity) -> Alignment {
    const MOST: usize = 8;
    let mut left: Vec<&str> = one.core.iter().take(MOST).map(String::as_str).collect();
    let mut right: Vec<&str> = other.core.iter().take(MOST).map(String::as_str).collect();
    let mut shared = 0.0;
    left.retain(|word| match right.iter().position(|other| other == word) {
        Some(at) => {
            right.remove(at);
            shared += rarity.bits(word);
            false
        }
        None => true,
    });
    left.retain(|word| match right.iter().position(|other| spelled_alike(word, other)) {
        Some(at) => {
            let other = right.remove(at);
            shared += rarity.bits(word).min(rarity.bits(other));
            false
        }
        None => true,
    });
    // Without a common word nobody asks what is lost.
    let weighed = shared > 0.0;
    let bits = |words: &[&str]| words.iter().filter(|_| weighed).map(|word| rarity.bits(word)).sum();
    Alignment {
        shared,
        left_lost: bits(&left),
        right_lost: bits(&right),
        words_differ: !left.is_empty() && !right.is_empty(),
    }
}

/// Slips, and an abbreviation that is the beginning of the word ("Intern." for "International").
fn spelled_alike(one: &str, other: &str) -> bool {
    if one.len().min(other.len()) < 4 || one.as_bytes()[0] != other.as_bytes()[0] && one.len() < 6 {
        return false;
    }
    slip(one, other) && !only_digits_differ(one, other)
}

/// "Studio 54" and "Studio 55" are two studios.
fn only_digits_differ(one: &str, other: &str) -> bool {
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    digits(one) != digits(other)
}

/// Forms that say the same in one country, so that "Inc" and "Corp" are no contradiction.
pub(crate) fn legal_forms_conflict(one: &Company, other: &Company) -> bool {
    let class = |company: &Company| -> String {
        match company.legal_form.as_str() {
            "inc" | "incorporated" | "corp" | "corporation" | "co" | "company" | "llc" | "lp" | "pllc" => {
                "us".to_owned()
            }
            "ltd" | "limited" | "coltd" | "companylimited" | "plc" | "llp" => "limited".to_owned(),
            text if text.starts_with("pvt") || text.starts_with("private") => "pvt".to_owned(),
            text if text.starts_with("pty") => "pty".to_owned(),
            text => text.to_owned(),
        }
    };
    let (one, other) = (class(one), class(other));
    !one.is_empty() && !other.is_empty() && one != other
}
