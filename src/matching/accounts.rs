//! Which account a person belongs to: ranked, explained, and silent rather than wrong.
//!
//! A wrong link costs more than a missing one, so that private mail, ties between unrelated accounts and
//! contradictions push a candidate below an even chance instead of deciding by a hair.

mod groups;
mod list;
mod seeker;
mod weigh;

pub use list::{PersonLink, link_people};

use serde::{Deserialize, Serialize};

use super::company::{Company, bare_stem};
use super::hashing::hash_text;
use super::organisations::{Firm, Landscape};
use super::record::{Band, Organisation, Person, Settings};
use super::waterfall::Waterfall;
use super::web_domain::WebDomain;
use crate::domain::evidence::Evidence;
use seeker::Seeker;

/// An account that a person may belong to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountCandidate {
    /// Key of the account.
    pub key: String,
    /// Probability; below one half means "do not link".
    pub probability: f64,
    /// What to do with it.
    pub band: Band,
    /// Every bar, adding up to the probability exactly.
    pub evidence: Vec<Evidence>,
}

/// What a human decided about a mail domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRule {
    /// The domain; its sub-domains follow it unless they have a rule of their own.
    pub domain: String,
    /// The account all people of the domain belong to; none means that nobody is linked by this domain.
    pub account: Option<String>,
}

/// What is known besides the accounts themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountKnowledge {
    /// (Work domain or e-mail address, account key) of people who are linked already.
    pub colleagues: Vec<(String, String)>,
    /// Decisions about domains.
    pub rules: Vec<DomainRule>,
    /// Domains that turned out to be providers of private mailboxes.
    pub providers: Vec<String>,
}

/// Accounts prepared for looking up.
#[derive(Clone, Debug)]
pub struct AccountIndex {
    firms: Vec<Firm>,
    landscape: Landscape,
    /// Accounts of one group (same domain, parent, or name without contradiction) carry the same number.
    group: Vec<u32>,
    /// (identity of a domain, stem, name, phone or part of a name; account), sorted.
    keys: Vec<(u64, u32)>,
    /// (identity of a domain, account, number of colleagues), sorted.
    colleagues: Vec<(u64, u32, u32)>,
    /// (host or registrable domain, what was decided), sorted by domain.
    rules: Vec<(String, Ruling)>,
    /// Identities of domains that are providers, sorted.
    providers: Vec<u64>,
}

/// A domain rule with its account looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ruling {
    Always(u32),
    Never,
}

/// A margin between unrelated accounts below which nothing is decided.
const MARGIN_BITS: f64 = 3.0;
/// Accounts looked at for one key of a person; a name shared by more is not telling.
const LOOKED_AT: usize = 200;
/// The same for a key that only a part of the name makes.
const LOOKED_AT_PART: usize = 60;
/// More than any sum of other evidence: a human decided, or another system knows.
const DECISIVE_BITS: f64 = 24.0;

impl AccountIndex {
    /// Prepares accounts. `colleagues` are (work domain or e-mail address, account key) of people already linked.
    pub fn build(organisations: &[Organisation], colleagues: &[(String, String)]) -> Self {
        let knowledge = AccountKnowledge { colleagues: colleagues.to_vec(), ..AccountKnowledge::default() };
        Self::with_knowledge(organisations, &knowledge)
    }

    /// Prepares accounts with everything that is known besides.
    pub fn with_knowledge(organisations: &[Organisation], knowledge: &AccountKnowledge) -> Self {
        let mut firms: Vec<Firm> = organisations.iter().map(Firm::build).collect();
        // From here on an account's number says nothing about the order in which it came.
        firms.sort_by(|one, other| one.key.cmp(&other.key));
        let landscape = Landscape::of(&firms);
        let mut keys = Vec::with_capacity(firms.len() * 12);
        let mut of_one = Vec::new();
        for (number, firm) in firms.iter().enumerate() {
            of_one.clear();
            for domain in &firm.domains {
                of_one.extend(domain_keys(domain));
                of_one.push(prefix_key(&domain.stem));
            }
            for company in firm.company.names() {
                of_one.extend(name_keys(company));
                of_one.extend(part_keys(company, &landscape));
            }
            of_one.push(firm.phone.as_ref().map_or(0, |phone| phone.id));
            keys.extend(of_one.iter().filter(|key| **key != 0).map(|key| (*key, number as u32)));
        }
        keys.sort_unstable();
        keys.dedup();
        let number_of = |key: &str| {
            firms.binary_search_by(|firm| firm.key.as_str().cmp(key)).ok().map(|number| number as u32)
        };
        let mut providers: Vec<u64> =
            knowledge.providers.iter().filter_map(|text| WebDomain::parse(text)).map(|d| d.id()).collect();
        providers.sort_unstable();
        let mut rules: Vec<(String, Ruling)> = knowledge
            .rules
            .iter()
            .filter_map(|rule| {
                let domain = WebDomain::parse(rule.domain.trim_start_matches('@'))?;
                let ruling = match &rule.account {
                    Some(account) => Ruling::Always(number_of(account)?),
                    None => Ruling::Never,
                };
                Some((domain.host, ruling))
            })
            .collect();
        rules.sort();
        rules.dedup_by(|later, earlier| later.0 == earlier.0);
        let group = groups::groups(&firms, &landscape, number_of);
        let mut index = Self { firms, landscape, group, keys, colleagues: Vec::new(), rules, providers };
        index.teach(&knowledge.colleagues);
        index
    }

    /// Number of accounts.
    pub fn len(&self) -> usize {
        self.firms.len()
    }

    /// Whether there is no account at all.
    pub fn is_empty(&self) -> bool {
        self.firms.is_empty()
    }

    fn at(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let from = self.keys.partition_point(|entry| entry.0 < key);
        self.keys[from..].iter().take_while(move |entry| entry.0 == key).map(|entry| entry.1).take(LOOKED_AT)
    }

    /// The accounts of a key that only part of a name makes, unless so many share it that it says nothing.
    fn at_part(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let from = self.keys.partition_point(|entry| entry.0 < key);
        let common = self.keys.get(from + LOOKED_AT_PART).is_some_and(|entry| entry.0 == key);
        let run = if common { &[] } else { &self.keys[from..] };
        run.iter().take_while(move |entry| entry.0 == key).map(|entry| entry.1)
    }

    /// Counts further people whose account is known.
    fn teach(&mut self, colleagues: &[(String, String)]) {
        let mut seen: Vec<(u64, u32, u32)> = std::mem::take(&mut self.colleagues);
        seen.extend(colleagues.iter().filter_map(|(domain, key)| {
            let domain = WebDomain::parse(domain.rsplit('@').next().unwrap_or(domain))?;
            let work = domain.is_corporate() && self.providers.binary_search(&domain.id()).is_err();
            work.then_some((domain.id(), self.number_of(key)?, 1))
        }));
        seen.sort_unstable();
        self.colleagues = seen
            .chunk_by(|one, other| (one.0, one.1) == (other.0, other.1))
            .map(|run| (run[0].0, run[0].1, run.iter().map(|entry| entry.2).sum()))
            .collect();
    }

    fn colleagues_of(&self, domain: u64) -> impl Iterator<Item = &(u64, u32, u32)> {
        let from = self.colleagues.partition_point(|entry| entry.0 < domain);
        self.colleagues[from..].iter().take_while(move |entry| entry.0 == domain)
    }

    fn colleagues_at(&self, domain: u64, account: u32) -> u32 {
        match self.colleagues.binary_search_by(|entry| (entry.0, entry.1).cmp(&(domain, account))) {
            Ok(at) => self.colleagues[at].2,
            Err(_) => 0,
        }
    }

    fn number_of(&self, key: &str) -> Option<u32> {
        self.firms.binary_search_by(|firm| firm.key.as_str().cmp(key)).ok().map(|number| number as u32)
    }

    /// The rule of the longest domain that the person's address is at or below.
    fn rule_for(&self, person: &Person) -> Option<&(String, Ruling)> {
        if self.rules.is_empty() {
            return None;
        }
        let rule_of = |email: &String| {
            let host = WebDomain::parse(email.trim().rsplit('@').next().unwrap_or_default())?.host;
            let mut rest = host.as_str();
            loop {
                if let Ok(at) = self.rules.binary_search_by(|rule| rule.0.as_str().cmp(rest)) {
                    return Some(&self.rules[at]);
                }
                rest = rest.split_once('.')?.1;
            }
        };
        person.emails.iter().find_map(rule_of)
    }
}

/// Keys under which the firm of a domain may be found.
fn domain_keys(domain: &WebDomain) -> [u64; 3] {
    [domain.id(), domain.stem_id(), hash_text(bare_stem(domain))]
}

/// Keys under which the firm of a name may be found.
fn name_keys(company: &Company) -> [u64; 4] {
    let bag = company.bag.rotate_left(3);
    [company.id(), hash_text(&company.core_joined), bag, hash_text(&company.acronym)]
}

/// Keys for misspelt, reordered and extended names: the ends of the name and its most telling word.
fn part_keys(company: &Company, landscape: &Landscape) -> [u64; 3] {
    let telling = company
        .core
        .iter()
        .filter(|word| word.len() >= 3)
        .map(|word| ((landscape.rarity.bits(word) * 1000.0) as u64, word))
        .max();
    let telling = telling.map_or(0, |(_, word)| hash_text(word).rotate_left(29));
    [prefix_key(&company.joined), suffix_key(&company.joined), telling]
}

fn prefix_key(joined: &str) -> u64 {
    if joined.len() < 4 { 0 } else { hash_text(joined.get(..4).unwrap_or(joined)).rotate_left(7) }
}

/// The end of a name, for slips at its beginning; a short name has its first letter in it instead.
fn suffix_key(joined: &str) -> u64 {
    let end = |length: usize| joined.get(joined.len() - length..).unwrap_or_default();
    match joined.len() {
        0..=4 => 0,
        5..=8 => hash_text(&format!("{}{}", joined.get(..1).unwrap_or_default(), end(3))).rotate_left(13),
        _ => hash_text(end(7)).rotate_left(19),
    }
}

/// The accounts a person may belong to, best first. Link only the first, and only from one half on.
pub fn rank_accounts(person: &Person, accounts: &AccountIndex, settings: &Settings) -> Vec<AccountCandidate> {
    rank_accounts_knowing(person, None, accounts, settings)
}

/// The same for a person of whom another system knows the account (by the identity map of companies).
pub fn rank_accounts_knowing(
    person: &Person,
    known_account: Option<&str>,
    accounts: &AccountIndex,
    settings: &Settings,
) -> Vec<AccountCandidate> {
    let seeker = Seeker::read(person, |domain| accounts.providers.binary_search(&domain).is_ok());
    let known = known_account.and_then(|key| accounts.number_of(key));
    let rule = accounts.rule_for(person);
    let mut numbers = found(&seeker, accounts, known, rule);
    if known.is_none() && rule.is_none() {
        keep_likely(&mut numbers, &seeker, accounts, settings);
    }
    let mut ranked: Vec<(u32, Waterfall)> = numbers
        .into_iter()
        .map(|number| (number, weigh::weigh(&seeker, number, accounts, Waterfall::default())))
        .collect();
    for (number, waterfall) in &mut ranked {
        if known == Some(*number) {
            let bits = accounts.landscape.size() + 8.0;
            waterfall.add("identity", "another system's company is this account", bits, "", "");
        }
        match rule {
            Some((domain, Ruling::Always(account))) if account == number => {
                waterfall.add("rule", "all people of the domain", DECISIVE_BITS, domain, "");
                waterfall
                    .note(format!("a domain rule says that everybody at {domain} belongs to this account"));
            }
            Some((domain, Ruling::Always(_))) => {
                waterfall.guard(
                    "domain rule",
                    -DECISIVE_BITS,
                    &format!("a rule gives {domain} to another account"),
                );
            }
            Some((domain, Ruling::Never)) => {
                let note = format!("a rule says that nobody is linked by {domain}");
                waterfall.guard("never this domain", -DECISIVE_BITS, &note);
            }
            None => {}
        }
    }
    sort(&mut ranked, accounts);
    hold_back_on_ties(&mut ranked, accounts);
    let mut candidates: Vec<AccountCandidate> = ranked
        .into_iter()
        .filter(|(_, waterfall)| waterfall.probability() >= settings.minimum_probability)
        .map(|(number, waterfall)| {
            let probability = waterfall.probability();
            AccountCandidate {
                key: accounts.firms[number as usize].key.clone(),
                probability,
                band: settings.band(probability, waterfall.is_guarded()),
                evidence: waterfall.into_evidence(),
            }
        })
        .collect();
    candidates.sort_by(|one, other| {
        other.probability.total_cmp(&one.probability).then_with(|| one.key.cmp(&other.key))
    });
    candidates
}

/// Leaves the accounts that will be shown, and the rivals of the best; only their bars are made into text.
fn keep_likely(numbers: &mut Vec<u32>, seeker: &Seeker, accounts: &AccountIndex, settings: &Settings) {
    let sums: Vec<(u32, Waterfall)> = numbers
        .iter()
        .map(|number| (*number, weigh::weigh(seeker, *number, accounts, Waterfall::sum_only())))
        .collect();
    let top = sums.iter().map(|(_, sum)| sum.millibits()).max().unwrap_or(0);
    let margin = (MARGIN_BITS * 1000.0) as i64;
    numbers.clear();
    numbers.extend(
        sums.iter()
            .filter(|(_, sum)| {
                sum.probability() >= settings.minimum_probability || top - sum.millibits() < margin
            })
            .map(|(number, _)| *number),
    );
}

/// Numbers of all accounts worth weighing.
fn found(
    seeker: &Seeker,
    accounts: &AccountIndex,
    known: Option<u32>,
    rule: Option<&(String, Ruling)>,
) -> Vec<u32> {
    let (mut keys, mut parts) = (Vec::with_capacity(24), Vec::with_capacity(12));
    let mut found: Vec<u32> = Vec::new();
    for domain in seeker.domains() {
        keys.extend(domain_keys(domain));
        parts.push(prefix_key(&domain.stem));
        found.extend(accounts.colleagues_of(domain.id()).map(|entry| entry.1));
    }
    for company in seeker.company.names() {
        keys.extend(name_keys(company));
        parts.extend(part_keys(company, &accounts.landscape));
    }
    keys.extend(seeker.phones.iter().map(|phone| phone.id));
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        if key != 0 {
            found.extend(accounts.at(key));
        }
    }
    for part in parts.into_iter().filter(|part| *part != 0) {
        found.extend(accounts.at_part(part));
    }
    found.extend(known);
    if let Some((_, Ruling::Always(account))) = rule {
        found.push(*account);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn sort(ranked: &mut [(u32, Waterfall)], accounts: &AccountIndex) {
    ranked.sort_by(|one, other| {
        let keys = |number: u32| &accounts.firms[number as usize].key;
        other.1.millibits().cmp(&one.1.millibits()).then_with(|| keys(one.0).cmp(keys(other.0)))
    });
}

/// Two unrelated accounts that fit about equally well: offer both, decide for neither.
fn hold_back_on_ties(ranked: &mut [(u32, Waterfall)], accounts: &AccountIndex) {
    let Some(best) = ranked.first() else { return };
    let (group, top) = (accounts.group[best.0 as usize], best.1.millibits());
    let margin = (MARGIN_BITS * 1000.0) as i64;
    let rival = ranked.iter().any(|(number, waterfall)| {
        accounts.group[*number as usize] != group && top - waterfall.millibits() < margin
    });
    if !rival {
        return;
    }
    for (_, waterfall) in ranked.iter_mut() {
        let total = waterfall.millibits();
        if total > -1000 {
            let bits = -(total as f64 / 1000.0) - 1.0 - (top - total) as f64 / 4000.0;
            waterfall.guard("ambiguous", bits, "an unrelated account fits about as well");
        }
    }
}

#[cfg(test)]
mod tests;
