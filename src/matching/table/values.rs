//! Field values in comparable form, each distinct value of a column read once. It compares nothing.

use std::collections::HashMap;

use super::dates::{Date, DateOrder};
use super::schema::FieldType;
use crate::matching::company::Company;
use crate::matching::country::country_code;
use crate::matching::email::Mailbox;
use crate::matching::hashing::hash_text;
use crate::matching::job_title::JobTitle;
use crate::matching::lists::lists;
use crate::matching::person_name::PersonName;
use crate::matching::phone::Phone;
use crate::matching::similarity::slip;
use crate::matching::text::{fold, short, sound};
use crate::matching::web_domain::WebDomain;

/// What a type needs beyond letters.
#[derive(Clone, Debug)]
pub(super) enum Special {
    None,
    Date(Date),
    Mail(Box<Mailbox>),
    Firm(Box<Company>),
    Title(Box<JobTitle>),
}

/// What the numbers in two texts say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Nothing either way.
    Unknown,
    /// Each has numbers that the other has not.
    Differ,
    /// A code as rare as any word of the text is in both.
    SameCode,
}

/// One distinct value of a column.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Identity of the comparable form; 0 means that there is nothing to compare.
    pub(super) id: u64,
    /// The comparable form without blanks.
    pub(super) joined: String,
    /// Its words.
    pub(super) words: Vec<String>,
    /// Identity of how it sounds, or of another coarse form; 0 where there is none.
    pub(super) sound: u64,
    pub(super) special: Special,
    /// In free text: what each word is worth, by how few values have it; sorted by word.
    pub(super) weights: Vec<(u64, f64)>,
    /// As written, shortened.
    pub(super) shown: String,
}

impl Value {
    fn missing() -> Self {
        Self {
            id: 0,
            joined: String::new(),
            words: Vec::new(),
            sound: 0,
            special: Special::None,
            weights: Vec::new(),
            shown: String::new(),
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.id == 0
    }

    /// Cosine of the weighed words, slips allowed in long ones, 0..1.
    pub(super) fn weighed(&self, other: &Self) -> f64 {
        let square = |value: &Self| value.weights.iter().map(|word| word.1 * word.1).sum::<f64>();
        let both = square(self) * square(other);
        if both <= 0.0 {
            return 0.0;
        }
        let mut shared = 0.0;
        let mut open: Vec<usize> = Vec::new();
        for (at, (word, weight)) in self.weights.iter().enumerate() {
            match other.weights.binary_search_by_key(word, |entry| entry.0) {
                Ok(found) => shared += weight * other.weights[found].1,
                Err(_) => open.push(at),
            }
        }
        // Words that no word equals may still be a slip of one.
        let mut taken: Vec<&str> = Vec::new();
        for at in open.into_iter().take(12) {
            let (hash, weight) = self.weights[at];
            let Some(word) = self.words.iter().find(|word| hash_text(word) == hash) else { continue };
            if word.len() < 5 || word.chars().any(|c| c.is_ascii_digit()) {
                continue;
            }
            let near = other.words.iter().take(40).find(|theirs| {
                theirs.len() >= 5
                    && !self.words.contains(theirs)
                    && !taken.contains(&theirs.as_str())
                    && slip(word, theirs)
            });
            if let Some(near) = near {
                taken.push(near);
                let theirs = hash_text(near);
                if let Ok(found) = other.weights.binary_search_by_key(&theirs, |entry| entry.0) {
                    shared += weight.min(other.weights[found].1).powi(2) * 0.9;
                }
            }
        }
        (shared / both.sqrt()).min(1.0)
    }

    /// What the numbers and codes in two texts say: another model, or the same one.
    pub(super) fn numbers(&self, other: &Self) -> Numbers {
        let of = |value: &Self| -> Vec<String> {
            value.words.iter().filter(|word| word.chars().any(|c| c.is_ascii_digit())).cloned().collect()
        };
        let (mine, theirs) = (of(self), of(other));
        let within = |few: &[String], many: &[String]| few.iter().all(|word| many.contains(word));
        if mine.is_empty() || theirs.is_empty() {
            return Numbers::Unknown;
        }
        if !within(&mine, &theirs) && !within(&theirs, &mine) {
            return Numbers::Differ;
        }
        let heaviest = self.weights.iter().map(|word| word.1).fold(0.0, f64::max);
        let rare = self.weights.iter().any(|(word, weight)| {
            *weight * 1.3 >= heaviest
                && mine
                    .iter()
                    .any(|number| number.len() >= 3 && hash_text(number) == *word && theirs.contains(number))
        });
        if rare { Numbers::SameCode } else { Numbers::Unknown }
    }

    /// Reads a value of a type; dates in the order of day and month that their column uses.
    pub(super) fn parse(text: &str, kind: FieldType, order: DateOrder) -> Self {
        let mut value = Self { shown: short(text.trim()), ..Self::missing() };
        let folded = fold(text);
        if folded.is_empty() || lists().is_placeholder(&folded) {
            return Self::missing();
        }
        let mut words: Vec<String> = folded.split(' ').map(str::to_owned).collect();
        match kind {
            FieldType::GivenName | FieldType::FamilyName => {
                if words.iter().all(|word| word.chars().any(|c| c.is_ascii_digit())) {
                    return Self::missing();
                }
                while words.len() > 1 && lists().is_before_name(&words[0]) {
                    words.remove(0);
                }
                while words.len() > 1 && words.last().is_some_and(|word| lists().is_after_name(word)) {
                    words.pop();
                }
                value.sound = hash_text(&sound(&words.concat()));
            }
            FieldType::FullName | FieldType::Ignore => {}
            FieldType::Email => match Mailbox::parse(text) {
                Some(mailbox) if mailbox.dummy => return Self::missing(),
                Some(mailbox) => {
                    words = vec![mailbox.address.clone()];
                    value.sound = hash_text(&mailbox.letters);
                    value.special = Special::Mail(Box::new(mailbox));
                }
                None => words = vec![words.concat()],
            },
            FieldType::Phone => {
                let Some(phone) = Phone::parse(text) else { return Self::missing() };
                words = vec![phone.digits];
            }
            FieldType::Company => {
                let company = Company::parse(text);
                if company.is_missing() {
                    return Self::missing();
                }
                words.clone_from(&company.words);
                value.sound = hash_text(&sound(&company.joined));
                value.special = Special::Firm(Box::new(company));
            }
            FieldType::Domain => match WebDomain::parse(text) {
                Some(domain) if !domain.is_corporate() => return Self::missing(),
                Some(domain) => {
                    words = vec![domain.registrable.clone()];
                    value.sound = domain.stem_id();
                }
                None => words = vec![words.concat()],
            },
            FieldType::Title => {
                let title = JobTitle::parse(text);
                if title.id == 0 {
                    return Self::missing();
                }
                words.clone_from(&title.words);
                value.special = Special::Title(Box::new(title));
            }
            FieldType::Country => {
                if let Some(code) = country_code(text) {
                    words = vec![format!("country{code}")];
                }
            }
            FieldType::Date => {
                if let Some(date) = Date::parse(text, order) {
                    words = vec![date.digits()];
                    value.sound = hash_text(&date.digits()[..6]);
                    value.special = Special::Date(date);
                }
            }
            FieldType::HouseNumber => {
                words = vec![words.concat().trim_start_matches('0').to_owned()];
            }
            FieldType::NationalId | FieldType::Postcode | FieldType::Exact | FieldType::Category => {
                words = vec![words.concat()];
            }
            FieldType::City | FieldType::Region => value.sound = hash_text(&sound(&words.concat())),
            FieldType::Street | FieldType::Address | FieldType::Text => {}
        }
        if matches!(kind, FieldType::NationalId | FieldType::Phone) && is_filler(&words.concat()) {
            return Self::missing();
        }
        value.joined = words.concat();
        value.id = match kind {
            // Word order in free text and addresses is a habit, not a difference.
            FieldType::Text | FieldType::Street | FieldType::Address => {
                let mut sorted: Vec<&str> = words.iter().map(String::as_str).collect();
                sorted.sort_unstable();
                hash_text(&sorted.join(" "))
            }
            _ => hash_text(&value.joined),
        };
        value.words = words;
        value
    }
}

/// One bit per letter and digit that occurs, one for all other signs.
pub(super) fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |mask, byte| {
        mask | match byte {
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'0'..=b'9' => 1 << (26 + byte - b'0'),
            _ => 1 << 36,
        }
    })
}

/// One character over and over: nobody's number.
fn is_filler(joined: &str) -> bool {
    let mut letters = joined.chars();
    let first = letters.next();
    joined.len() >= 3 && letters.all(|letter| Some(letter) == first)
}

/// A column of a table: distinct values, and which of them each row has.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: FieldType,
    /// The first is "missing".
    pub(super) values: Vec<Value>,
    /// Number of the value per row.
    pub(super) rows: Vec<u32>,
}

impl Column {
    pub(super) fn value(&self, row: u32) -> &Value {
        &self.values[self.rows[row as usize] as usize]
    }
}

/// Collects the texts of one column, equal ones once.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<u64, u32>,
    distinct: Vec<String>,
    rows: Vec<u32>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        // A megabyte in a field is an accident; what it begins with is enough to compare.
        let cut = text.char_indices().nth(600).map_or(text, |(at, _)| &text[..at]);
        let hash = hash_text(cut);
        let next = self.distinct.len() as u32;
        let number = *self.numbers.entry(hash).or_insert_with(|| {
            self.distinct.push(cut.to_owned());
            next
        });
        self.rows.push(number);
    }

    pub(super) fn text(&self, row: usize) -> &str {
        &self.distinct[self.rows[row] as usize]
    }

    /// Reads every distinct text; rows in the given order.
    pub(super) fn into_column(self, name: String, kind: FieldType, order: &[u32]) -> Column {
        let dates = if kind == FieldType::Date {
            DateOrder::of(self.distinct.iter().map(String::as_str))
        } else {
            DateOrder::default()
        };
        let mut values = vec![Value::missing()];
        let mut by_id: HashMap<u64, u32> = HashMap::new();
        let mut number_of = Vec::with_capacity(self.distinct.len());
        for text in &self.distinct {
            let value = Value::parse(text, kind, dates);
            if value.is_missing() {
                number_of.push(0);
                continue;
            }
            // Addresses and texts with other word order stay apart: their id is equal, their letters are not.
            let key = crate::matching::hashing::combine(value.id, hash_text(&value.joined));
            let next = values.len() as u32;
            number_of.push(*by_id.entry(key).or_insert_with(|| {
                values.push(value);
                next
            }));
        }
        if kind == FieldType::Text {
            weigh(&mut values);
        }
        let rows = order.iter().map(|row| number_of[self.rows[*row as usize] as usize]).collect();
        Column { name, kind, values, rows }
    }
}

/// Gives every word of free texts its weight: the fewer texts have it, the more.
fn weigh(values: &mut [Value]) {
    let mut having: HashMap<u64, u32> = HashMap::new();
    for value in values.iter_mut() {
        let mut words: Vec<u64> = value.words.iter().map(|word| hash_text(word)).collect();
        words.sort_unstable();
        words.dedup();
        for word in &words {
            *having.entry(*word).or_default() += 1;
        }
        value.weights = words.into_iter().map(|word| (word, 0.0)).collect();
    }
    let all = values.len() as f64;
    for value in values {
        for (word, weight) in &mut value.weights {
            *weight = 1.0 + (all / f64::from(having[word])).ln();
        }
    }
}

/// Given and family names out of whole names, where the table has no better.
pub(super) fn split_name(whole: &str) -> (String, String) {
    let name = PersonName::parse(whole, "", "", false);
    (name.given.join(" "), name.family.join(" "))
}
