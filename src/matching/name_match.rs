//! Compares two names as one field: exact, variant, swapped, close, initial, partial, or a conflict.
//! It gives no weights.

use super::lists::lists;
use super::person_name::PersonName;
use super::similarity::{jaro, slip};
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
    if left.id == right.id {
        return (NameLevel::Exact, left.given != right.given);
    }
    if left.is_full() && right.is_full() && joined(left) == joined(right) {
        return (NameLevel::Exact, false);
    }
    if words_within(left, right) {
        return (NameLevel::Variant, false);
    }
    let straight = level(given(&left.given, &right.given), family(&left.family, &right.family));
    let swapped = if left.family.is_empty() && right.family.is_empty() {
        NameLevel::Conflict
    } else {
        // Which part is called given is arbitrary here, so both readings count and the order does not.
        let (one, other) = (part(&left.given, &right.family), part(&left.family, &right.given));
        level(one, other).min(level(other, one))
    };
    // A change of places explains agreement of both parts, never of one alone.
    if swapped < straight && swapped <= NameLevel::GivenOnly {
        return (swapped.max(NameLevel::Variant), true);
    }
    if left.native != right.native && straight > NameLevel::Unknown {
        return (NameLevel::Unknown, false);
    }
    (straight, false)
}

/// Two or more words of one name are all words of the other: only the split or a further name differs.
fn words_within(left: &PersonName, right: &PersonName) -> bool {
    let words = |name: &PersonName| -> Vec<String> { name.words().cloned().collect() };
    let (one, other) = (words(left), words(right));
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    few.len() >= 2 && few.iter().all(|word| many.contains(word))
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
    } else if sounds_alike(left, right) {
        Part::Variant
    } else if slip(left, right) || (left.len().min(right.len()) >= 5 && jaro(left, right) >= 0.93) {
        Part::Close
    } else {
        Part::Conflict
    }
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
    let glued = word(&left.concat(), &right.concat());
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

fn part(left: &[String], right: &[String]) -> Part {
    if left.is_empty() || right.is_empty() {
        return Part::Missing;
    }
    word(&left.concat(), &right.concat())
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
