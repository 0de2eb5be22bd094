//! Compares two names as one field: exact, variant, swapped, close, initial, partial, or a conflict.
//! It gives no weights.

use super::lists::lists;
use super::person_name::PersonName;
use super::similarity::{jaro, within};
use super::text::sounds_alike;

/// How two names relate, from most to least similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NameLevel {
    /// Given and family name equal, in either order.
    Exact,
    /// Equal but for a nickname, a transliteration or a second family name.
    Variant,
    /// Both within a typing slip.
    Close,
    /// Family name agrees, the given name only by its initial; or the other way round.
    Initial,
    /// Only the family name is known on one side, and it agrees.
    FamilyOnly,
    /// Only the given name is known on one side, and it agrees.
    GivenOnly,
    /// Nothing to compare.
    Unknown,
    /// Family names agree, given names only resemble: a short form nobody listed, or a relative.
    GivenDoubtful,
    /// Family names agree, given names do not: relatives, or colleagues.
    GivenDiffers,
    /// Given names agree, family names do not.
    FamilyDiffers,
    /// Nothing agrees.
    Conflict,
}

/// How one part of a name relates to the other record's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Exact,
    Variant,
    Close,
    Initial,
    Missing,
    Conflict,
}

/// The level, and whether given and family name had to change places for it.
pub(crate) fn compare(left: &PersonName, right: &PersonName) -> (NameLevel, bool) {
    if left.is_missing() || right.is_missing() {
        return (NameLevel::Unknown, false);
    }
    if left.id == right.id && (left.given.is_empty() || left.family.is_empty()) {
        // One word on both sides: it agrees, but it is half a name.
        let family = left.given.is_empty() && right.given.is_empty();
        return (if family { NameLevel::FamilyOnly } else { NameLevel::GivenOnly }, false);
    }
    if left.id == right.id {
        return (NameLevel::Exact, left.given != right.given);
    }
    if left.is_full() && right.is_full() && joined(left) == joined(right) {
        return (NameLevel::Exact, false);
    }
    let straight = level(given(&left.given, &right.given), family(&left.family, &right.family));
    if straight <= NameLevel::Variant {
        return (straight, false);
    }
    let swapped = if left.family.is_empty() && right.family.is_empty() {
        NameLevel::Conflict
    } else {
        // Which part is called given is arbitrary here, so both readings count and the order does not.
        let (one, other) = (crossed(&left.given, &right.family), crossed(&left.family, &right.given));
        level(one, other).min(level(other, one))
    };
    let aligned = aligned(left, right).unwrap_or(NameLevel::Conflict);
    if aligned < straight && aligned <= swapped {
        return (aligned, false);
    }
    // A change of places explains agreement of both parts, never of one alone.
    if swapped < straight && swapped <= NameLevel::GivenOnly {
        return (swapped.max(NameLevel::Variant), true);
    }
    if left.native != right.native && straight > NameLevel::Unknown {
        return (NameLevel::Unknown, false);
    }
    if straight == NameLevel::GivenDiffers && resembles(&left.given[0], &right.given[0]) {
        return (NameLevel::GivenDoubtful, false);
    }
    (straight, false)
}

/// The same first letter and something more in common: `Kostas` and `Konstantinos`, `Yuna` and `Yeonah`.
fn resembles(left: &str, right: &str) -> bool {
    left.as_bytes().first() == right.as_bytes().first() && jaro(left, right) >= 0.7
}

/// Every word of the shorter name has its own counterpart in the longer one, whatever the order and however the
/// words are glued: middle names, second family names, `Hao Ran` and `Haoran`.
fn aligned(left: &PersonName, right: &PersonName) -> Option<NameLevel> {
    if left.family.is_empty() || right.family.is_empty() || left.given.is_empty() || right.given.is_empty() {
        return None;
    }
    let (count, others) = (left.given.len() + left.family.len(), right.given.len() + right.family.len());
    if count.max(others) < 3 || count.max(others) > 8 {
        return None;
    }
    let (few, many) = if count <= others { (left, right) } else { (right, left) };
    let few: Vec<&str> = few.given.iter().chain(&few.family).map(String::as_str).collect();
    let many: Vec<&str> = many.given.iter().chain(&many.family).map(String::as_str).collect();
    let mut taken = [false; 8];
    let (mut whole, mut initials, mut slips) = (0, 0, 0);
    // Whole words first, so that an initial cannot take the place of one.
    for one in few.iter().filter(|word| word.len() > 1).chain(few.iter().filter(|word| word.len() == 1)) {
        let best = many
            .iter()
            .enumerate()
            .filter(|(at, _)| !taken[*at])
            .map(|(at, other)| (any_word(one, other), at))
            .min()
            .unwrap_or((Part::Conflict, 0));
        // An initial stands for a first or last name, a slip for a word in the same place; neither for a middle name.
        let edge = best.1 == 0 || best.1 + 1 == many.len();
        let part = match best.0 {
            Part::Initial | Part::Close if !edge && few.len() != many.len() => Part::Conflict,
            part => part,
        };
        match part {
            Part::Exact | Part::Variant => whole += 1,
            Part::Close => slips += 1,
            Part::Initial => initials += 1,
            Part::Missing | Part::Conflict => {
                // Two words of the longer name written as one.
                let glued = (0..many.len().saturating_sub(1)).find(|at| {
                    !taken[*at]
                        && !taken[at + 1]
                        && one.len() == many[*at].len() + many[at + 1].len()
                        && one.starts_with(many[*at])
                        && one.ends_with(many[at + 1])
                })?;
                taken[glued] = true;
                taken[glued + 1] = true;
                whole += 1;
                continue;
            }
        }
        taken[best.1] = true;
    }
    match (whole, slips, initials) {
        (2.., 0, 0) => Some(NameLevel::Variant),
        (1.., 1, 0) => Some(NameLevel::Close),
        (1.., 0, 1..) => Some(NameLevel::Initial),
        _ => None,
    }
}

fn joined(name: &PersonName) -> String {
    name.given.concat() + &name.family.concat()
}

fn level(given: Part, family: Part) -> NameLevel {
    use Part::{Close, Conflict, Exact, Initial, Missing, Variant};
    match (given, family) {
        (Exact, Exact) => NameLevel::Exact,
        (Exact | Variant, Exact | Variant) => NameLevel::Variant,
        (Exact | Variant | Close, Exact | Variant | Close) => NameLevel::Close,
        (Initial, Exact | Variant | Close) | (Exact | Variant | Close, Initial) => NameLevel::Initial,
        (Missing, Exact | Variant) => NameLevel::FamilyOnly,
        (Exact | Variant, Missing) => NameLevel::GivenOnly,
        // One word that is only close may be another name: Alexandre, Alexandria.
        (Initial | Missing | Close, Initial | Missing) | (Missing, Close) => NameLevel::Unknown,
        (Conflict, Exact | Variant | Close) => NameLevel::GivenDiffers,
        (Exact | Variant, Conflict) => NameLevel::FamilyDiffers,
        _ => NameLevel::Conflict,
    }
}

fn word(left: &str, right: &str) -> Part {
    if left == right {
        Part::Exact
    } else if left.len() == 1 || right.len() == 1 {
        if left.as_bytes().first() == right.as_bytes().first() { Part::Initial } else { Part::Conflict }
    } else if sounds_alike(left, right)
        || lists().same_family_spelling(left, right)
        || without_particle(left, right)
    {
        Part::Variant
    } else if slip(left, right) || (left.len().min(right.len()) >= 5 && jaro(left, right) >= 0.93) {
        Part::Close
    } else {
        Part::Conflict
    }
}

fn any_word(left: &str, right: &str) -> Part {
    let part = word(left, right);
    if part > Part::Variant && lists().same_nickname_family(left, right) { Part::Variant } else { part }
}

/// A typing slip. Short names differ from one another by little (Wang, Yang, Wong), so they get less leave.
fn slip(left: &str, right: &str) -> bool {
    let same_first = left.as_bytes().first() == right.as_bytes().first();
    match left.len().min(right.len()) {
        0..=2 => false,
        3..=6 => within(left, right, 1) && (same_first || transposed_start(left, right)),
        _ => within(left, right, 1) || (same_first && within(left, right, 2)),
    }
}

/// The first two letters changed places.
fn transposed_start(left: &str, right: &str) -> bool {
    let (one, other) = (left.as_bytes(), right.as_bytes());
    one.len() == other.len() && one.len() > 2 && one[0] == other[1] && one[1] == other[0]
}

/// `vandenberg` and `berg`, `alhashmi` and `hashmi`: the particles are written with the name.
fn without_particle(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    short.len() >= 4
        && long.strip_suffix(short).is_some_and(|rest| {
            matches!(
                rest,
                "van"
                    | "vander"
                    | "vanden"
                    | "vande"
                    | "von"
                    | "vonder"
                    | "de"
                    | "del"
                    | "della"
                    | "dela"
                    | "delos"
                    | "di"
                    | "da"
                    | "dos"
                    | "das"
                    | "le"
                    | "la"
                    | "el"
                    | "al"
                    | "mac"
                    | "mc"
                    | "ter"
                    | "ten"
                    | "abu"
                    | "ben"
                    | "bin"
                    | "san"
                    | "st"
                    | "saint"
            )
        })
}

fn given(left: &[String], right: &[String]) -> Part {
    let (Some(one), Some(other)) = (left.first(), right.first()) else { return Part::Missing };
    let first = word(one, other);
    if first == Part::Exact {
        return if left.len() > 1
            && right.len() > 1
            && left[1..] != right[1..]
            && !subset(&left[1..], &right[1..])
        {
            // "Maria Teresa" and "Maria Elena" are two people more often than not.
            Part::Close
        } else {
            Part::Exact
        };
    }
    if lists().same_nickname_family(one, other) {
        return Part::Variant;
    }
    let glued = if left.len() > 1 || right.len() > 1 { word(&left.concat(), &right.concat()) } else { first };
    // A short form by cutting: "Alex" / "Alexej", "Ekat" / "Ekaterina".
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if first == Part::Conflict && short.len() >= 3 && long.starts_with(short.as_str()) {
        return Part::Variant.max(glued.min(Part::Variant));
    }
    // Known by the second given name.
    if first == Part::Conflict && (left[1..].contains(other) || right[1..].contains(one)) {
        return Part::Variant;
    }
    first.min(glued)
}

fn family(left: &[String], right: &[String]) -> Part {
    if left.is_empty() || right.is_empty() {
        return Part::Missing;
    }
    if left == right {
        return Part::Exact;
    }
    let glued = part(left, right);
    if left.len() > 1 || right.len() > 1 {
        let (few, many) = if left.len() < right.len() { (left, right) } else { (right, left) };
        let worst = few
            .iter()
            .map(|one| many.iter().map(|other| word(one, other)).min().unwrap_or(Part::Conflict))
            .max()
            .unwrap_or(Part::Conflict);
        return glued.min(if worst == Part::Exact { Part::Variant } else { worst });
    }
    glued
}

/// A given name against a family name.
fn crossed(left: &[String], right: &[String]) -> Part {
    if left.is_empty() || right.is_empty() {
        return Part::Missing;
    }
    let whole = part(left, right);
    if whole > Part::Variant && (left.len() > 1) != (right.len() > 1) {
        let (one, many) = if left.len() == 1 { (&left[0], right) } else { (&right[0], left) };
        let best = many.iter().map(|other| word(one, other)).min().unwrap_or(Part::Conflict);
        return whole.min(best.max(Part::Variant));
    }
    if whole > Part::Variant && left.len() == 1 && lists().same_nickname_family(&left[0], &right[0]) {
        return Part::Variant;
    }
    whole
}

fn part(left: &[String], right: &[String]) -> Part {
    match (left, right) {
        ([], _) | (_, []) => Part::Missing,
        ([one], [other]) => word(one, other),
        _ => word(&left.concat(), &right.concat()),
    }
}

fn subset(left: &[String], right: &[String]) -> bool {
    left.iter().all(|word| right.contains(word)) || right.iter().all(|word| left.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(left: (&str, &str), right: (&str, &str)) -> NameLevel {
        let left = PersonName::parse("", left.0, left.1, false);
        let right = PersonName::parse("", right.0, right.1, false);
        let there = compare(&left, &right).0;
        assert_eq!(there, compare(&right, &left).0);
        there
    }

    #[test]
    fn levels_from_same_to_other() {
        assert_eq!(level_of(("Ada", "King"), ("ADA", "KING")), NameLevel::Exact);
        assert_eq!(level_of(("Ada", "King"), ("King", "Ada")), NameLevel::Exact);
        assert_eq!(level_of(("Bob", "King"), ("Robert", "King")), NameLevel::Variant);
        assert_eq!(level_of(("Jürgen", "Müller"), ("Juergen", "Mueller")), NameLevel::Variant);
        assert_eq!(level_of(("Юрій", "Коваль"), ("Yurii", "Koval")), NameLevel::Variant);
        assert_eq!(level_of(("Carmen", "Ruiz"), ("Carmen", "Ruiz Ortega")), NameLevel::Variant);
        assert_eq!(level_of(("Matilda", "Hutchinson"), ("Matilda", "Hutchnison")), NameLevel::Close);
        assert_eq!(level_of(("A.", "King"), ("Ada", "King")), NameLevel::Initial);
        assert_eq!(level_of(("Ada", ""), ("Ada", "King")), NameLevel::GivenOnly);
        assert_eq!(level_of(("Ada", "King"), ("Bruno", "King")), NameLevel::GivenDiffers);
        assert_eq!(level_of(("Ada", "King"), ("Ada", "Moreau")), NameLevel::FamilyDiffers);
        assert_eq!(level_of(("Ada", "King"), ("Bruno", "Moreau")), NameLevel::Conflict);
        assert_eq!(level_of(("", ""), ("Bruno", "Moreau")), NameLevel::Unknown);
        assert_eq!(level_of(("健一", "清水"), ("Kenichi", "Shimizu")), NameLevel::Unknown);
    }
}
