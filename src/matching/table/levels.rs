//! How close two values of a type are, as one of a few named levels from closest to most distant. It gives no weights.

use super::dates::Date;
use super::schema::FieldType;
use super::values::{Numbers, Special, Value, letters};
use crate::matching::estimate::NOTHING;
use crate::matching::lists::lists;
use std::sync::LazyLock;

use crate::matching::company::{NameRelation, Rarity, relate};
use crate::matching::similarity;

/// The names of the levels of a type, and what is believed of them before any data: chance among equal pairs, chance
/// among different ones.
#[derive(Debug)]
pub(super) struct Scale {
    pub(super) names: &'static [&'static str],
    pub(super) m: &'static [f64],
    pub(super) u: &'static [f64],
    /// Levels up to this one count as agreement.
    pub(super) agrees: u8,
}

pub(super) const SWAPPED: u8 = 4;

const GIVEN: Scale = Scale {
    names: &["same", "variant", "close", "similar", "swapped", "initial", "different"],
    m: &[0.78, 0.04, 0.06, 0.03, 0.03, 0.02, 0.04],
    u: &[0.008, 0.004, 0.006, 0.02, 0.0005, 0.05, 0.91],
    agrees: 4,
};
const FAMILY: Scale = Scale {
    names: &["same", "variant", "close", "similar", "swapped", "part", "different"],
    m: &[0.8, 0.03, 0.06, 0.02, 0.03, 0.02, 0.04],
    u: &[0.003, 0.001, 0.003, 0.01, 0.0005, 0.005, 0.977],
    agrees: 4,
};
const DATE: Scale = Scale {
    names: &["same", "slip", "two parts same", "same year", "different"],
    m: &[0.87, 0.05, 0.03, 0.02, 0.03],
    u: &[0.0003, 0.001, 0.006, 0.02, 0.9727],
    agrees: 1,
};
const NUMBER: Scale = Scale {
    names: &["same", "slip", "two slips", "different"],
    m: &[0.88, 0.05, 0.02, 0.05],
    u: &[0.00001, 0.00005, 0.0005, 0.99944],
    agrees: 1,
};
const PHONE: Scale = Scale {
    names: &["same", "slip", "different"],
    m: &[0.7, 0.05, 0.25],
    u: &[0.0005, 0.0002, 0.9993],
    agrees: 1,
};
const EMAIL: Scale = Scale {
    names: &["same", "slip", "same local part", "same domain", "different"],
    m: &[0.6, 0.05, 0.1, 0.08, 0.17],
    u: &[0.0003, 0.0002, 0.001, 0.01, 0.9885],
    agrees: 3,
};
const DOMAIN: Scale = Scale {
    names: &["same", "same stem", "different"],
    m: &[0.82, 0.05, 0.13],
    u: &[0.004, 0.002, 0.994],
    agrees: 1,
};
const COMPANY: Scale = Scale {
    names: &["same", "slip", "shortened", "shared words", "different"],
    m: &[0.72, 0.07, 0.08, 0.05, 0.08],
    u: &[0.003, 0.002, 0.003, 0.02, 0.972],
    agrees: 2,
};
const TITLE: Scale = Scale {
    names: &["same", "close", "different"],
    m: &[0.45, 0.2, 0.35],
    u: &[0.02, 0.05, 0.93],
    agrees: 0,
};
const PLACE: Scale = Scale {
    names: &["same", "close", "different"],
    m: &[0.82, 0.08, 0.1],
    u: &[0.02, 0.01, 0.97],
    agrees: 1,
};
const REGION: Scale = Scale {
    names: &["same", "close", "different"],
    m: &[0.9, 0.03, 0.07],
    u: &[0.15, 0.03, 0.82],
    agrees: 0,
};
const POSTCODE: Scale = Scale {
    names: &["same", "slip", "same area", "different"],
    m: &[0.84, 0.07, 0.04, 0.05],
    u: &[0.003, 0.01, 0.05, 0.937],
    agrees: 1,
};
const STREET: Scale = Scale {
    names: &["same", "close", "similar", "part", "swapped", "different"],
    m: &[0.68, 0.14, 0.04, 0.02, 0.03, 0.09],
    u: &[0.002, 0.002, 0.006, 0.015, 0.001, 0.974],
    agrees: 2,
};
const HOUSE_NUMBER: Scale = Scale {
    names: &["same", "slip", "different"],
    m: &[0.85, 0.06, 0.09],
    u: &[0.03, 0.06, 0.91],
    agrees: 0,
};
const CATEGORY: Scale = Scale { names: &["same", "different"], m: &[0.87, 0.13], u: &[0.3, 0.7], agrees: 0 };
const EXACT: Scale = Scale { names: &["same", "different"], m: &[0.87, 0.13], u: &[0.03, 0.97], agrees: 0 };
const TEXT: Scale = Scale {
    names: &["same", "nearly same", "very similar", "similar", "partly", "different"],
    m: &[0.35, 0.2, 0.2, 0.12, 0.06, 0.07],
    u: &[0.0005, 0.0005, 0.002, 0.006, 0.03, 0.961],
    agrees: 2,
};

/// The scale of a type.
pub(super) fn scale(kind: FieldType) -> &'static Scale {
    match kind {
        FieldType::GivenName => &GIVEN,
        FieldType::FamilyName | FieldType::FullName => &FAMILY,
        FieldType::Email => &EMAIL,
        FieldType::Phone => &PHONE,
        FieldType::Company => &COMPANY,
        FieldType::Domain => &DOMAIN,
        FieldType::Title => &TITLE,
        FieldType::City => &PLACE,
        FieldType::Country | FieldType::Category => &CATEGORY,
        FieldType::Region => &REGION,
        FieldType::Postcode => &POSTCODE,
        FieldType::Street | FieldType::Address => &STREET,
        FieldType::HouseNumber => &HOUSE_NUMBER,
        FieldType::Date => &DATE,
        FieldType::NationalId => &NUMBER,
        FieldType::Exact | FieldType::Ignore => &EXACT,
        FieldType::Text => &TEXT,
    }
}

/// The level of two values of a type that are compared on their own; swapped ones are found by the caller.
pub(super) fn level(kind: FieldType, left: &Value, right: &Value) -> u8 {
    if left.is_missing() || right.is_missing() {
        return NOTHING;
    }
    if left.id == right.id {
        return 0;
    }
    let (one, other) = (left.joined.as_str(), right.joined.as_str());
    match kind {
        FieldType::GivenName => given(left, right),
        FieldType::FamilyName | FieldType::FullName => family(left, right),
        FieldType::Date => date(left, right),
        FieldType::NationalId => match () {
            () if one.len().min(other.len()) >= 4 && within(one, other, 1) => 1,
            () if one.len().min(other.len()) >= 6 && within(one, other, 2) => 2,
            () => 3,
        },
        FieldType::Phone => {
            // One with the area code, one without.
            let tail = one.len().min(other.len()) >= 7 && (one.ends_with(other) || other.ends_with(one));
            if tail || within(one, other, 1) { 1 } else { 2 }
        }
        FieldType::Email => email(left, right),
        FieldType::Domain => {
            if left.sound != 0 && left.sound == right.sound || (one.len() >= 8 && within(one, other, 1)) {
                1
            } else {
                2
            }
        }
        FieldType::Company => company(left, right),
        FieldType::Title => match (&left.special, &right.special) {
            (Special::Title(one), Special::Title(other)) if one.is_close(other) => 1,
            _ => 2,
        },
        FieldType::City | FieldType::Region => {
            if left.sound == right.sound || is_slip(one, other) || is_beginning(left, right) { 1 } else { 2 }
        }
        FieldType::Postcode => match () {
            () if one.len().min(other.len()) >= 4 && within(one, other, 1) => 1,
            () if one.len().min(other.len()) >= 4 && one.get(..3) == other.get(..3) => 2,
            () => 3,
        },
        FieldType::Street | FieldType::Address => address(left, right),
        FieldType::HouseNumber => {
            let digits =
                |text: &str| -> String { text.chars().take_while(char::is_ascii_digit).collect::<String>() };
            let near = !digits(one).is_empty() && digits(one) == digits(other);
            if near || (one.len().max(other.len()) >= 2 && within(one, other, 1)) { 1 } else { 2 }
        }
        FieldType::Country | FieldType::Category | FieldType::Exact | FieldType::Ignore => 1,
        FieldType::Text => text(left, right),
    }
}

/// Whether two values are within some slips; each slip brings at most two letters that the other does not have.
fn within(one: &str, other: &str, limit: usize) -> bool {
    one.len().abs_diff(other.len()) <= limit * 2
        && (letters(one) ^ letters(other)).count_ones() as usize <= limit * 2
        && similarity::within(one, other, limit)
}

/// Jaro-Winkler, or 0 where the letters alone rule `least` out.
fn jaro(one: &str, other: &str, least: f64) -> f64 {
    let (mine, theirs) = (letters(one), letters(other));
    let (long, wide) = (one.len() as f64, other.len() as f64);
    // Letters that only one side has match nothing; a common beginning lifts the measure by at most 0.4 of the rest.
    let most = (long - f64::from((mine & !theirs).count_ones()))
        .min(wide - f64::from((theirs & !mine).count_ones()));
    let bound = (most / long + most / wide + 1.0) / 3.0;
    if bound + 0.4 * (1.0 - bound) < least { 0.0 } else { similarity::jaro(one, other) }
}

/// One or two typing slips, more of them in longer words.
fn is_slip(one: &str, other: &str) -> bool {
    match one.chars().count().min(other.chars().count()) {
        0..=2 => false,
        3..=6 => within(one, other, 1),
        _ => within(one, other, 2) || jaro(one, other, 0.94) >= 0.94,
    }
}

fn is_beginning(left: &Value, right: &Value) -> bool {
    let (few, many) = if left.words.len() < right.words.len() { (left, right) } else { (right, left) };
    few.joined.len() >= 4 && many.words.len() > few.words.len() && many.words.starts_with(&few.words)
}

/// Letters apart by more than a slip, alike by more than chance.
fn is_alike(one: &str, other: &str) -> bool {
    let short = one.chars().count().min(other.chars().count());
    (short >= 4 && within(one, other, 2)) || (short >= 5 && jaro(one, other, 0.86) >= 0.86)
}

fn given(left: &Value, right: &Value) -> u8 {
    let (one, other) = (left.joined.as_str(), right.joined.as_str());
    let (Some(first), Some(second)) = (left.words.first(), right.words.first()) else { return 6 };
    if first.len() == 1 || second.len() == 1 {
        return if first.as_bytes().first() == second.as_bytes().first() { 5 } else { 6 };
    }
    // A second given name that only one record has, a nickname, the same sound.
    if first == second || left.sound == right.sound || lists().same_nickname_family(first, second) {
        return 1;
    }
    if is_slip(one, other) || is_slip(first, second) {
        return 2;
    }
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if is_alike(one, other) || (short.len() >= 3 && long.starts_with(short)) {
        return 3;
    }
    6
}

fn family(left: &Value, right: &Value) -> u8 {
    let (one, other) = (left.joined.as_str(), right.joined.as_str());
    if left.sound == right.sound {
        return 1;
    }
    if is_slip(one, other) {
        return 2;
    }
    if is_alike(one, other) {
        return 3;
    }
    let shared = left.words.iter().any(|word| word.len() >= 3 && right.words.contains(word));
    let initial = one.len() == 1 || other.len() == 1;
    if shared || (initial && one.as_bytes().first() == other.as_bytes().first()) { 5 } else { 6 }
}

fn date(left: &Value, right: &Value) -> u8 {
    let (Special::Date(one), Special::Date(other)) = (&left.special, &right.special) else {
        return if within(&left.joined, &right.joined, 1) { 1 } else { 4 };
    };
    let swapped = one.year == other.year && one.month == other.day && one.day == other.month;
    let partial = |date: &Date| date.month == 0;
    if swapped || within(&left.joined, &right.joined, 1) {
        return 1;
    }
    if one.year == other.year && (partial(one) || partial(other)) {
        return 2;
    }
    let equal = u8::from(one.year == other.year)
        + u8::from(one.month == other.month)
        + u8::from(one.day == other.day);
    match equal {
        2.. => 2,
        _ if one.year == other.year => 3,
        _ => 4,
    }
}

fn email(left: &Value, right: &Value) -> u8 {
    let (Special::Mail(one), Special::Mail(other)) = (&left.special, &right.special) else {
        return if within(&left.joined, &right.joined, 1) { 1 } else { 4 };
    };
    if one.local.len() >= 4 && within(&one.address, &other.address, 1) {
        return 1;
    }
    if one.letters.len() >= 5 && one.letters == other.letters && one.number == other.number && !one.role {
        return 2;
    }
    if one.domain.registrable == other.domain.registrable && one.domain.is_corporate() { 3 } else { 4 }
}

/// How rare the words of firms are is learned for the column as a whole, so the shipped guess does here.
static GUESS: LazyLock<Rarity> = LazyLock::new(|| Rarity::of(std::iter::empty()));

fn company(left: &Value, right: &Value) -> u8 {
    let (Special::Firm(one), Special::Firm(other)) = (&left.special, &right.special) else { return 4 };
    match relate(one, other, &GUESS).relation {
        NameRelation::Same => 0,
        NameRelation::Dressed | NameRelation::Slip => 1,
        NameRelation::Alias | NameRelation::Shortened | NameRelation::Acronym => 2,
        _ if shared_words(left, right) >= 0.5 => 3,
        _ if is_alike(&left.joined, &right.joined) => 3,
        _ => 4,
    }
}

fn address(left: &Value, right: &Value) -> u8 {
    let (one, other) = (left.joined.as_str(), right.joined.as_str());
    if one == other {
        return 0;
    }
    // Another number in the text is another house, however alike the rest.
    let numbers = |value: &Value| -> Vec<String> {
        value.words.iter().filter(|word| word.chars().any(|c| c.is_ascii_digit())).cloned().collect()
    };
    let (mine, theirs) = (numbers(left), numbers(right));
    let other_number = !mine.is_empty() && !theirs.is_empty() && mine != theirs;
    if is_slip(one, other) {
        return if other_number { 2 } else { 1 };
    }
    let shared = shared_words(left, right);
    if !other_number && (shared >= 0.75 || jaro(one, other, 0.92) >= 0.92) {
        return 1;
    }
    if is_alike(one, other) || shared >= 0.6 {
        return 2;
    }
    if shared >= 0.34 || jaro(one, other, 0.78) >= 0.78 { 3 } else { 5 }
}

/// Share of the letters in words that both have, slips allowed in longer words.
fn shared_words(left: &Value, right: &Value) -> f64 {
    let mut taken = vec![false; right.words.len()];
    let mut shared = 0;
    for word in &left.words {
        let hit = (0..right.words.len()).find(|at| {
            !taken[*at]
                && (right.words[*at] == *word || (word.len() >= 4 && is_slip(word, &right.words[*at])))
        });
        if let Some(at) = hit {
            taken[at] = true;
            shared += word.len().min(right.words[at].len());
        }
    }
    let longer = left.joined.len().max(right.joined.len()).max(1);
    shared as f64 / longer as f64
}

/// Free text by the weights of its words; the caller has put rare words' weights into the values.
fn text(left: &Value, right: &Value) -> u8 {
    if left.joined == right.joined {
        return 0;
    }
    let similar = left.weighed(right);
    let whole = if left.joined.len().min(right.joined.len()) >= 6 {
        jaro(&left.joined, &right.joined, 0.9)
    } else {
        0.0
    };
    let level = match () {
        () if similar >= 0.92 || whole >= 0.975 => 1,
        () if similar >= 0.75 || whole >= 0.94 => 2,
        () if similar >= 0.55 || whole >= 0.9 => 3,
        () if similar >= 0.35 => 4,
        () => 5,
    };
    match left.numbers(right) {
        // The same words with another model number are another thing.
        Numbers::Differ if level < 4 => (level + 2).min(4),
        // The same model number in few other words is the same thing described by somebody else.
        Numbers::SameCode if (2..=4).contains(&level) => level - 1,
        _ => level,
    }
}
