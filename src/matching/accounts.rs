//! Which account a person belongs to: ranked, explained, and silent rather than wrong.
//!
//! A wrong link costs more than a missing one, so that private mail, ties between unrelated accounts and
//! contradictions push a candidate below an even chance instead of deciding by a hair.

use serde::{Deserialize, Serialize};

use super::company::Company;
use super::country::country_code;
use super::hashing::hash_text;
use super::organisations::{Firm, NameRelation, legal_forms_conflict, relate_names};
use super::phone::Phone;
use super::prepare::People;
use super::record::{Band, Organisation, Person, Settings};
use super::text::fold;
use super::waterfall::Waterfall;
use super::web_domain::WebDomain;
use crate::domain::evidence::Evidence;

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

/// Accounts prepared for looking up.
#[derive(Clone, Debug)]
pub struct AccountIndex {
    firms: Vec<Firm>,
    /// Accounts of one group (same domain, parent, or name without contradiction) carry the same number.
    group: Vec<u32>,
    /// (identity of a domain, stem, name, phone or name prefix; account), sorted.
    keys: Vec<(u64, u32)>,
    /// (identity of a domain, account, number of colleagues), sorted.
    colleagues: Vec<(u64, u32, u32)>,
}

/// A margin between unrelated accounts below which nothing is decided.
const MARGIN_BITS: f64 = 3.0;
/// Accounts looked at for one person; a name shared by more is not telling.
const LOOKED_AT: usize = 200;

impl AccountIndex {
    /// Prepares accounts. `colleagues` are (work domain or e-mail address, account key) of people already linked.
    pub fn build(organisations: &[Organisation], colleagues: &[(String, String)]) -> Self {
        let firms: Vec<Firm> = organisations.iter().map(Firm::build).collect();
        let mut keys = Vec::new();
        for (number, firm) in firms.iter().enumerate() {
            let mut add = |key: u64| keys.push((key, number as u32));
            for domain in &firm.domains {
                add(domain.id());
                add(domain.stem_id());
                add(prefix_key(&domain.stem));
            }
            add(firm.company.id());
            add(prefix_key(&firm.company.joined));
            add(suffix_key(&firm.company.joined));
            add(hash_text(&firm.company.acronym));
            add(firm.phone.as_ref().map_or(0, |phone| phone.id));
        }
        keys.retain(|entry| entry.0 != 0);
        keys.sort_unstable();
        keys.dedup();
        let mut numbers: Vec<(&str, u32)> =
            firms.iter().enumerate().map(|(number, firm)| (firm.key.as_str(), number as u32)).collect();
        numbers.sort_unstable();
        let number_of =
            |key: &str| numbers.binary_search_by_key(&key, |entry| entry.0).ok().map(|at| numbers[at].1);
        let mut seen: Vec<(u64, u32)> = colleagues
            .iter()
            .filter_map(|(domain, key)| {
                let domain = WebDomain::parse(domain.rsplit('@').next().unwrap_or(domain))?;
                domain.is_corporate().then_some((domain.id(), number_of(key)?))
            })
            .collect();
        seen.sort_unstable();
        let colleagues = seen
            .chunk_by(|one, other| one == other)
            .map(|run| (run[0].0, run[0].1, run.len() as u32))
            .collect();
        let group = groups(&firms, number_of);
        Self { firms, group, keys, colleagues }
    }

    fn at(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let from = self.keys.partition_point(|entry| entry.0 < key);
        self.keys[from..].iter().take_while(move |entry| entry.0 == key).map(|entry| entry.1).take(LOOKED_AT)
    }

    fn colleagues_at(&self, domain: u64, account: u32) -> u32 {
        match self.colleagues.binary_search_by(|entry| (entry.0, entry.1).cmp(&(domain, account))) {
            Ok(at) => self.colleagues[at].2,
            Err(_) => 0,
        }
    }
}

fn prefix_key(joined: &str) -> u64 {
    if joined.len() < 4 { 0 } else { hash_text(joined.get(..4).unwrap_or(joined)).rotate_left(7) }
}

/// The end of a name, for slips at its beginning; a short name has its first letter in it instead.
fn suffix_key(joined: &str) -> u64 {
    let end = |length: usize| joined.get(joined.len() - length..).unwrap_or_default();
    match joined.len() {
        0..=4 => 0,
        5..=8 => hash_text(&format!("{}{}", &joined[..1], end(3))).rotate_left(13),
        _ => hash_text(end(7)).rotate_left(19),
    }
}

/// Numbers the groups: each account points at the smallest one it is related to.
fn groups<'a>(firms: &'a [Firm], number_of: impl Fn(&'a str) -> Option<u32>) -> Vec<u32> {
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
        firms.iter().enumerate().map(|(number, firm)| (firm.company.id(), number as u32)).collect();
    named.retain(|entry| entry.0 != 0);
    named.sort_unstable();
    for run in named.chunk_by(|one, other| one.0 == other.0) {
        for (at, entry) in run.iter().enumerate().take(LOOKED_AT) {
            for other in &run[at + 1..run.len().min(LOOKED_AT)] {
                if !contradict(&firms[entry.1 as usize], &firms[other.1 as usize]) {
                    join(&mut parents, entry.1, other.1);
                }
            }
        }
    }
    (0..firms.len() as u32).map(|number| root(&mut parents, number)).collect()
}

/// Two firms of one name that are not one: other country and nothing of the domains in common.
fn contradict(one: &Firm, other: &Firm) -> bool {
    let countries = one.country != 0 && other.country != 0 && one.country != other.country;
    let stems = one.domains.iter().any(|mine| other.domains.iter().any(|theirs| mine.stem == theirs.stem));
    countries && !stems
}

/// What is known of the person, for linking.
struct Seeker {
    mailbox_domains: Vec<WebDomain>,
    other_domains: Vec<WebDomain>,
    company: Company,
    phones: Vec<Phone>,
    city: u64,
    country: u8,
    guessed_place: bool,
}

impl Seeker {
    fn read(person: &Person) -> Self {
        let alone = People::build(std::slice::from_ref(person));
        let side = alone.side(0);
        let company = side.company().clone();
        let mailbox_domains: Vec<WebDomain> =
            side.mailboxes().map(|mailbox| mailbox.domain.clone()).filter(WebDomain::is_corporate).collect();
        let other_domains = side
            .web()
            .into_iter()
            .chain(company.domain.as_ref())
            .filter(|domain| domain.is_corporate())
            .cloned()
            .collect();
        Self {
            mailbox_domains,
            other_domains,
            phones: side.phones().cloned().collect(),
            city: hash_text(&fold(&person.city)),
            country: country_code(&person.country).unwrap_or(0),
            guessed_place: person.source.has_guessed_place(),
            company,
        }
    }

    fn domains(&self) -> impl Iterator<Item = &WebDomain> {
        self.mailbox_domains.iter().chain(&self.other_domains)
    }
}

/// The accounts a person may belong to, best first. Link only the first, and only from one half on.
pub fn rank_accounts(person: &Person, accounts: &AccountIndex, settings: &Settings) -> Vec<AccountCandidate> {
    let seeker = Seeker::read(person);
    let mut found: Vec<u32> = Vec::new();
    for domain in seeker.domains() {
        for key in [domain.id(), domain.stem_id(), prefix_key(&domain.stem)] {
            found.extend(accounts.at(key));
        }
        let from = accounts.colleagues.partition_point(|entry| entry.0 < domain.id());
        found.extend(
            accounts.colleagues[from..]
                .iter()
                .take_while(|entry| entry.0 == domain.id())
                .map(|entry| entry.1),
        );
    }
    let company = &seeker.company;
    for key in
        [company.id(), prefix_key(&company.joined), suffix_key(&company.joined), hash_text(&company.acronym)]
    {
        if key != 0 {
            found.extend(accounts.at(key));
        }
    }
    for phone in &seeker.phones {
        found.extend(accounts.at(phone.id));
    }
    found.sort_unstable();
    found.dedup();
    let mut ranked: Vec<(u32, Waterfall)> =
        found.into_iter().map(|number| (number, weigh(&seeker, number, accounts))).collect();
    ranked.sort_by(|one, other| {
        let keys = |number: u32| &accounts.firms[number as usize].key;
        other.1.millibits().cmp(&one.1.millibits()).then_with(|| keys(one.0).cmp(keys(other.0)))
    });
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

fn weigh(seeker: &Seeker, number: u32, accounts: &AccountIndex) -> Waterfall {
    let firm = &accounts.firms[number as usize];
    let size = (accounts.firms.len().max(64) as f64).log2();
    let mut waterfall = Waterfall::default();
    waterfall.add("prior", "chance of a random account", -size, "", "");
    let name = relate_names(&seeker.company, &firm.company);
    let domain = add_domain(&mut waterfall, seeker, number, accounts, size, name);
    add_name(&mut waterfall, seeker, firm, size, name, domain);
    if seeker.phones.iter().any(|phone| firm.phone.as_ref().is_some_and(|other| other.id == phone.id)) {
        waterfall.add("phone", "same number", 4.0, "", "");
    }
    let soft = if seeker.guessed_place { 0.5 } else { 1.0 };
    let stated = seeker.company.country.unwrap_or(0);
    if stated != 0 && firm.country != 0 && stated != firm.country {
        waterfall.add(
            "country",
            "company text names another country",
            -3.0,
            &seeker.company.shown,
            &firm.company.shown,
        );
    }
    if seeker.country != 0 && firm.country != 0 {
        if seeker.country == firm.country {
            waterfall.add("country", "same", 1.0, "", "");
        } else {
            waterfall.add("country", "different", -1.5 * soft, "", "");
        }
    }
    if seeker.city != 0 && firm.city == seeker.city {
        waterfall.add("city", "same", 1.5, "", &firm.city_shown);
    }
    if legal_forms_conflict(&seeker.company, &firm.company) {
        waterfall.add("legal form", "different", -1.5, &seeker.company.legal_form, &firm.company.legal_form);
    }
    waterfall
}

/// How the domains agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DomainRelation {
    Same,
    Colleagues,
    SameStem,
    Unknown,
    Different,
}

fn add_domain(
    waterfall: &mut Waterfall,
    seeker: &Seeker,
    number: u32,
    accounts: &AccountIndex,
    size: f64,
    name: NameRelation,
) -> DomainRelation {
    let firm = &accounts.firms[number as usize];
    let own = firm.domains.first().map_or("", |domain| domain.host.as_str());
    let first = seeker.domains().next().map_or("", |domain| domain.host.as_str());
    let any = |test: &dyn Fn(&WebDomain, &WebDomain) -> bool| {
        seeker.domains().find(|mine| firm.domains.iter().any(|theirs| test(mine, theirs)))
    };
    if let Some(domain) = any(&|mine, theirs| mine.host == theirs.host) {
        waterfall.add("domain", "same", size + 6.0, &domain.host, own);
        return DomainRelation::Same;
    }
    if let Some(domain) = any(&|mine, theirs| mine.registrable == theirs.registrable) {
        waterfall.add("domain", "same registrable domain", size + 4.5, &domain.host, own);
        return DomainRelation::Same;
    }
    let from = seeker
        .mailbox_domains
        .first()
        .map_or(0, |domain| accounts.colleagues.partition_point(|entry| entry.0 < domain.id()));
    let colleague = seeker
        .mailbox_domains
        .iter()
        .map(|domain| (accounts.colleagues_at(domain.id(), number), domain))
        .max_by_key(|found| found.0);
    if let Some((count, domain)) = colleague
        && count > 0
    {
        let everybody: u32 = accounts.colleagues[from..]
            .iter()
            .take_while(|entry| entry.0 == domain.id())
            .map(|entry| entry.2)
            .sum();
        // One colleague may be linked by mistake, and a domain whose people are everywhere says little.
        let bits = size
            + if count > 1 { 2.5 } else { -1.0 }
            + (f64::from(count) / f64::from(everybody.max(1))).log2() * 2.0;
        waterfall.add("domain", "colleagues are linked", bits, &domain.host, own);
        waterfall.note(format!("{count} people of this domain are linked to the account"));
        return DomainRelation::Colleagues;
    }
    if let Some(domain) = any(&|mine, theirs| mine.stem == theirs.stem) {
        // The stem repeats the name; a homonym in another country has it too.
        let bits = if name <= NameRelation::Acronym {
            if ending_slip(domain, firm) { 0.0 } else { -4.0 }
        } else {
            size - 1.5
        };
        waterfall.add("domain", "same stem, other ending", bits, &domain.host, own);
        return DomainRelation::SameStem;
    }
    if seeker.mailbox_domains.is_empty() || firm.domains.is_empty() {
        return DomainRelation::Unknown;
    }
    waterfall.add("domain", "different", -3.0, first, own);
    DomainRelation::Different
}

/// `acme.co` for `acme.com`: an ending mistyped rather than another firm's.
fn ending_slip(domain: &WebDomain, firm: &Firm) -> bool {
    firm.domains.iter().any(|other| {
        other.stem == domain.stem && super::similarity::within(&other.registrable, &domain.registrable, 1)
    })
}

fn add_name(
    waterfall: &mut Waterfall,
    seeker: &Seeker,
    firm: &Firm,
    size: f64,
    name: NameRelation,
    domain: DomainRelation,
) {
    let same_domain = matches!(domain, DomainRelation::Same | DomainRelation::Colleagues);
    let (one, other) = (seeker.company.shown.as_str(), firm.company.shown.as_str());
    let spelled = firm.domains.iter().any(|domain| domain.stem == seeker.company.joined)
        || seeker.domains().any(|domain| domain.stem == firm.company.joined);
    let stated = seeker.other_domains.iter().any(|domain| domain.stem == firm.company.joined);
    let (level, bits) = match name {
        NameRelation::Same => ("same", if same_domain { 2.0 } else { size + 3.5 }),
        NameRelation::Slip => ("one slip", if same_domain { 1.5 } else { size + 0.5 }),
        NameRelation::Shortened => ("shortened", if same_domain { 1.0 } else { size - 2.5 }),
        NameRelation::Acronym => ("acronym", if same_domain { 1.0 } else { size - 2.5 }),
        _ if same_domain && spelled => ("equals the domain", 0.5),
        _ if spelled
            && !seeker.company.is_missing()
            && firm.domains.iter().any(|domain| domain.stem == seeker.company.joined) =>
        {
            ("equals the domain", size - 0.5)
        }
        _ if stated && firm.domains.is_empty() => ("stated domain equals the name", size + 1.0),
        _ if spelled && domain == DomainRelation::Unknown => ("mailbox domain equals the name", size - 0.5),
        NameRelation::Unknown => return,
        NameRelation::Different => ("different", if same_domain { -2.0 } else { -5.0 }),
    };
    waterfall.add("company", level, bits, one, other);
    if same_domain && name == NameRelation::Different && !spelled && !related_to_own_domain(seeker) {
        waterfall.guard("conflicting employer", -2.0, "mail domain and company text name two firms");
    }
}

/// The company text fits the person's own domain, so that text and domain do not contradict one another.
fn related_to_own_domain(seeker: &Seeker) -> bool {
    seeker.mailbox_domains.iter().any(|domain| {
        let (stem, joined) = (domain.stem.as_str(), seeker.company.joined.as_str());
        stem.contains(joined) || joined.contains(stem) || super::similarity::jaro(stem, joined) > 0.9
    })
}
