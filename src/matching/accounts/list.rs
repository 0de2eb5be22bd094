//! A whole list of people linked at once: the list itself teaches which domains are providers and which domains
//! belong to an account. It learns from confident links only, and never from one person.

use std::collections::BTreeSet;

use super::super::company::{Company, bare_stem};
use super::super::counts::Counts;
use super::super::email::Mailbox;
use super::super::hashing::hash_text;
use super::super::record::{Organisation, Person, Settings};
use super::super::web_domain::WebDomain;
use super::{AccountCandidate, AccountIndex, AccountKnowledge, rank_accounts};

/// The candidates of one person of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonLink {
    /// Key of the person.
    pub person: String,
    /// Accounts, best first.
    pub candidates: Vec<AccountCandidate>,
}

/// Ranks accounts for everybody in a list, in the list's order, on as many threads as told.
pub fn link_people(
    people: &[Person],
    organisations: &[Organisation],
    knowledge: &AccountKnowledge,
    settings: &Settings,
    threads: usize,
) -> Vec<PersonLink> {
    let mut knowledge = knowledge.clone();
    knowledge.providers.extend(providers_of(people));
    let mut index = AccountIndex::with_knowledge(organisations, &knowledge);
    let mut links = rank_all(people, &index, settings, threads);
    let taught = lessons(people, &links, &index);
    if taught.is_empty() {
        return links;
    }
    index.teach(&taught);
    let domains: BTreeSet<&str> = taught.iter().map(|(domain, _)| domain.as_str()).collect();
    for (person, link) in people.iter().zip(&mut links) {
        if mailbox_domain(person).is_some_and(|domain| domains.contains(domain.registrable.as_str())) {
            link.candidates = rank_accounts(person, &index, settings);
        }
    }
    links
}

/// Every person on their own, so that the number of threads changes nothing but the time.
fn rank_all(people: &[Person], index: &AccountIndex, settings: &Settings, threads: usize) -> Vec<PersonLink> {
    let rank = |part: &[Person]| -> Vec<PersonLink> {
        part.iter()
            .map(|person| PersonLink {
                person: person.key.clone(),
                candidates: rank_accounts(person, index, settings),
            })
            .collect()
    };
    let share = people.len().div_ceil(threads.max(1)).max(256);
    if share >= people.len() {
        return rank(people);
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = people.chunks(share).map(|part| scope.spawn(move || rank(part))).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("ranking one person cannot panic"))
            .collect()
    })
}

/// Domains whose people name many unrelated firms: providers that no list knows.
fn providers_of(people: &[Person]) -> Vec<String> {
    let mut firms = Vec::new();
    let mut named: Vec<(u64, String)> = Vec::new();
    for person in people {
        let Some(domain) = mailbox_domain(person) else { continue };
        let company = Company::parse(&person.company);
        if let Some(word) = company.core.first() {
            firms.push((domain.id(), hash_text(word.get(..3).unwrap_or(word))));
            let fits = bare_stem(&domain).contains(word.as_str()) || word.contains(bare_stem(&domain));
            named.push((domain.id(), if fits { String::new() } else { domain.registrable }));
        }
    }
    let firms = Counts::of_distinct(firms);
    named.sort_unstable();
    named
        .chunk_by(|one, other| one.0 == other.0)
        .filter(|run| {
            let unlike = run.iter().filter(|entry| !entry.1.is_empty()).count();
            // A firm's own people may write this or that, but most of them write its name.
            firms.get(run[0].0) >= 8
                && firms.get(run[0].0) as usize * 2 > run.len()
                && unlike * 4 > run.len() * 3
        })
        .filter_map(|run| run.iter().map(|entry| entry.1.clone()).find(|domain| !domain.is_empty()))
        .collect()
}

fn mailbox_domain(person: &Person) -> Option<WebDomain> {
    let mailbox = person.emails.iter().find_map(|email| Mailbox::parse(email))?;
    (!mailbox.dummy && mailbox.domain.is_corporate()).then_some(mailbox.domain)
}

/// A link as confident as this may teach.
const TEACHES_FROM: f64 = 0.9;

/// (Domain, account) pairs that confident links by other evidence than the domain agree on.
fn lessons(people: &[Person], links: &[PersonLink], index: &AccountIndex) -> Vec<(String, String)> {
    let mut seen: Vec<(String, u32, u32, bool)> = Vec::new();
    for (person, link) in people.iter().zip(links) {
        let Some(domain) = mailbox_domain(person) else { continue };
        if index.providers.binary_search(&domain.id()).is_ok() {
            continue;
        }
        let known = index.at(domain.id()).any(|number| {
            index.firms[number as usize].domains.iter().any(|own| own.registrable == domain.registrable)
        });
        let Some(best) = link.candidates.first().filter(|best| best.probability >= TEACHES_FROM) else {
            continue;
        };
        if known {
            continue;
        }
        let Some(number) = index.number_of(&best.key) else { continue };
        let firm = &index.firms[number as usize];
        let stem = bare_stem(&domain);
        let fits = stem.len() >= 3
            && firm.company.core.iter().any(|word| word.len() >= 4 && stem.contains(word.as_str()))
            || firm.company.joined == stem
            || firm.company.acronym == stem;
        seen.push((domain.registrable, index.group[number as usize], number, fits));
    }
    seen.sort();
    let mut taught = Vec::new();
    for run in seen.chunk_by(|one, other| one.0 == other.0) {
        let groups = run.chunk_by(|one, other| one.1 == other.1).count();
        let fits = run.iter().any(|entry| entry.3);
        // An agency's people name its clients: a domain unlike the account's name needs more witnesses.
        if groups == 1 && run.len() >= if fits { 2 } else { 4 } {
            taught
                .extend(run.iter().map(|entry| (entry.0.clone(), index.firms[entry.2 as usize].key.clone())));
        }
    }
    taught
}
