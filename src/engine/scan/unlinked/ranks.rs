//! Which accounts each person was ranked to belong to, and who is to be ranked anew: whoever changed, and whom a changed
//! account or a newly linked colleague concerns. It ranks; it decides nothing.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::matching::{self, AccountCandidate, AccountIndex, Organisation, Person, Settings};

/// With more changes than this share of all accounts, everybody is ranked anew: it costs less than to tell them apart.
const ALL_ANEW: usize = 8;

/// What the last look left.
#[derive(Debug, Default)]
pub struct Ranks {
    index: Option<AccountIndex>,
    /// Account to the hash of what is compared of it.
    firms: HashMap<String, (u64, Vec<u64>)>,
    /// Domain and account to the number of colleagues.
    colleagues: HashMap<(String, String), u32>,
    people: HashMap<String, (u64, Vec<AccountCandidate>)>,
    ranked: usize,
}

impl Ranks {
    /// How many people the last look ranked; all others were as they had been.
    pub const fn ranked(&self) -> usize {
        self.ranked
    }

    /// Begins a look over these accounts.
    pub(super) fn over(
        &mut self,
        organisations: &[Organisation],
        colleagues: &[(String, String)],
    ) -> Ranking<'_> {
        let firms: HashMap<String, (u64, Vec<u64>)> = organisations
            .iter()
            .map(|firm| (firm.key.clone(), (hash(firm_fields(firm)), words_of_firm(firm))))
            .collect();
        let mut counted: HashMap<(String, String), u32> = HashMap::new();
        for (mail, key) in colleagues {
            if let Some(domain) = matching::own_domain(mail.rsplit('@').next().unwrap_or(mail)) {
                *counted.entry((domain, key.clone())).or_default() += 1;
            }
        }
        let mut concerned: HashSet<u64> = HashSet::new();
        let mut changed: HashSet<String> = HashSet::new();
        for (key, (now, words)) in &firms {
            let before = self.firms.get(key);
            if before.is_none_or(|(then, _)| then != now) {
                concerned.extend(words);
                concerned.extend(before.into_iter().flat_map(|(_, words)| words));
                changed.insert(key.clone());
            }
        }
        for (key, (_, words)) in self.firms.iter().filter(|(key, _)| !firms.contains_key(*key)) {
            concerned.extend(words);
            changed.insert(key.clone());
        }
        let firms_changed = changed.len();
        for (pair, many) in &counted {
            if self.colleagues.get(pair) != Some(many) {
                concerned.insert(hash(&pair.0));
                changed.insert(pair.1.clone());
            }
        }
        for pair in self.colleagues.keys().filter(|pair| !counted.contains_key(*pair)) {
            concerned.insert(hash(&pair.0));
            changed.insert(pair.1.clone());
        }
        if firms_changed * ALL_ANEW > firms.len() {
            self.people.clear();
        }
        if self.index.is_none() || !changed.is_empty() {
            self.index = Some(AccountIndex::build(organisations, colleagues));
        }
        (self.firms, self.colleagues, self.ranked) = (firms, counted, 0);
        Ranking { ranks: self, concerned, changed, seen: HashSet::new() }
    }
}

/// One look; at its end, who was not seen in it is forgotten.
pub(super) struct Ranking<'a> {
    ranks: &'a mut Ranks,
    concerned: HashSet<u64>,
    changed: HashSet<String>,
    seen: HashSet<String>,
}

impl Ranking<'_> {
    /// The accounts of a person, ranked; those of the last look where nothing changed.
    pub(super) fn rank(&mut self, key: &str, person: &Person, settings: &Settings) -> Vec<AccountCandidate> {
        self.seen.insert(key.to_owned());
        let now = hash(person_fields(person));
        if let Some((then, known)) = self.ranks.people.get(key)
            && *then == now
            && !known.iter().any(|candidate| self.changed.contains(&candidate.key))
            && !words_of_person(person).iter().any(|word| self.concerned.contains(word))
        {
            return known.clone();
        }
        let Some(index) = &self.ranks.index else { return Vec::new() };
        let found = matching::rank_accounts(person, index, settings);
        self.ranks.ranked += 1;
        self.ranks.people.insert(key.to_owned(), (now, found.clone()));
        found
    }
}

impl Drop for Ranking<'_> {
    fn drop(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        self.ranks.people.retain(|key, _| seen.contains(key));
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn firm_fields(firm: &Organisation) -> [&str; 8] {
    [
        &firm.name,
        &firm.domain,
        &firm.website,
        &firm.phone,
        &firm.city,
        &firm.country,
        &firm.industry,
        firm.parent_key.as_deref().unwrap_or_default(),
    ]
}

fn person_fields(person: &Person) -> (&str, &str, &str, &[String], &[String], [&str; 5]) {
    (
        &person.name,
        &person.given_name,
        &person.family_name,
        &person.emails,
        &person.phones,
        [&person.company, &person.company_domain, &person.title, &person.city, &person.country],
    )
}

/// The words by which a name can be found: each of them, how it begins and ends, and its initials.
fn words_of_name(name: &str, words: &mut Vec<u64>) {
    let lower = name.to_lowercase();
    let parts: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let joined: Vec<char> = parts.concat().chars().collect();
    if joined.is_empty() {
        return;
    }
    words.extend(parts.iter().filter(|part| part.chars().count() > 2).map(hash));
    let (begins, ends) = (joined.len().min(4), joined.len().saturating_sub(4));
    words.push(hash(("begins", &joined[..begins])));
    words.push(hash(("ends", &joined[ends..])));
    if parts.len() > 1 {
        words.push(hash(parts.iter().filter_map(|part| part.chars().next()).collect::<String>()));
    } else {
        words.push(hash(parts[0]));
    }
}

fn words_of_domain(text: &str, words: &mut Vec<u64>) {
    if let Some(domain) = matching::own_domain(text) {
        words_of_name(domain.split('.').next().unwrap_or_default(), words);
        words.push(hash(&domain));
    }
}

fn words_of_firm(firm: &Organisation) -> Vec<u64> {
    let mut words = Vec::new();
    words_of_name(&firm.name, &mut words);
    words_of_domain(&firm.domain, &mut words);
    words_of_domain(&firm.website, &mut words);
    words.extend((!firm.phone.is_empty()).then(|| hash(digits(&firm.phone))));
    words
}

fn words_of_person(person: &Person) -> Vec<u64> {
    let mut words = Vec::new();
    words_of_name(&person.company, &mut words);
    words_of_domain(&person.company_domain, &mut words);
    for mail in &person.emails {
        words_of_domain(mail.rsplit('@').next().unwrap_or(mail), &mut words);
    }
    words.extend(person.phones.iter().map(|phone| hash(digits(phone))));
    words
}

/// The last digits of a number, which are the same in all ways to write it.
fn digits(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(7)..].iter().collect()
}
