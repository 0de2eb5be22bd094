//! Duplicate companies and accounts. A subsidiary is a relation, not a duplicate. It merges nothing.

use super::blocking::{self, KeyRow};
use super::company::Company;
use super::country::country_code;
use super::counts::Counts;
use super::hashing::{combine, hash_text};
use super::people::sort;
use super::phone::Phone;
use super::record::{Candidate, Organisation, Settings};
use super::similarity::{jaro, within};
use super::text::fold;
use super::waterfall::Waterfall;
use super::web_domain::WebDomain;

/// One organisation in comparable form.
#[derive(Clone, Debug)]
pub(crate) struct Firm {
    pub(crate) key: String,
    pub(crate) company: Company,
    /// Own domains; platforms and mail providers are not among them.
    pub(crate) domains: Vec<WebDomain>,
    pub(crate) phone: Option<Phone>,
    pub(crate) city: u64,
    pub(crate) city_shown: String,
    pub(crate) country: u8,
    /// The country was read from the ending of the domain.
    country_guessed: bool,
    pub(crate) parent: Option<String>,
    identity: u64,
}

impl Firm {
    /// Normalises an organisation.
    pub(crate) fn build(organisation: &Organisation) -> Self {
        let company = Company::parse(&organisation.name);
        let mut domains: Vec<WebDomain> = Vec::new();
        for text in [&organisation.domain, &organisation.website] {
            if let Some(domain) = WebDomain::parse(text)
                && domain.is_corporate()
                && domains.iter().all(|other| other.host != domain.host)
            {
                domains.push(domain);
            }
        }
        if domains.is_empty() {
            domains.extend(company.domain.clone());
        }
        let stated = country_code(&organisation.country).or(company.country);
        let country = stated.or_else(|| domains.iter().find_map(WebDomain::country)).unwrap_or(0);
        let identity = [
            &organisation.name,
            &organisation.domain,
            &organisation.website,
            &organisation.phone,
            &organisation.city,
            &organisation.country,
            &organisation.industry,
        ]
        .iter()
        .fold(7, |state, text| combine(state, hash_text(text)));
        Self {
            key: organisation.key.clone(),
            company,
            domains,
            phone: Phone::parse(&organisation.phone),
            city: hash_text(&fold(&organisation.city)),
            city_shown: organisation.city.trim().to_owned(),
            country,
            country_guessed: stated.is_none(),
            parent: organisation.parent_key.clone().filter(|key| !key.is_empty()),
            identity,
        }
    }

    fn keys(&self, out: &mut Vec<u64>) {
        let mut add = |kind: u64, value: u64| {
            if value != 0 {
                out.push(combine(kind, value));
            }
        };
        for domain in &self.domains {
            add(1, domain.id());
            // Name and domain stem meet under one kind.
            add(2, domain.stem_id());
            add(5, prefix_id(&domain.stem, 6));
        }
        let joined = &self.company.joined;
        add(2, self.company.id());
        add(5, prefix_id(joined, 6));
        let mut letters: Vec<u8> = joined.bytes().collect();
        letters.sort_unstable();
        letters.dedup();
        add(6, hash_text(&String::from_utf8(letters).unwrap_or_default()));
        add(3, self.phone.as_ref().map_or(0, |phone| phone.id));
        add(4, hash_text(&self.company.acronym));
        if let [first, .., last] = self.company.words.as_slice() {
            add(7, combine(prefix_id(first, 3), prefix_id(last, 4)));
            add(8, hash_text(&format!("{last}{}", first.len())));
        }
        add(9, self.identity);
    }
}

fn prefix_id(text: &str, length: usize) -> u64 {
    if text.len() < length { 0 } else { hash_text(text.get(..length).unwrap_or(text)) }
}

/// All duplicate candidates among organisations, strongest first, then by keys.
pub fn duplicate_organisations(organisations: &[Organisation], settings: &Settings) -> Vec<Candidate> {
    let firms: Vec<Firm> = organisations.iter().map(Firm::build).collect();
    let mut keys: Vec<KeyRow> = Vec::with_capacity(firms.len() * 9);
    let mut of_one = Vec::new();
    for (row, firm) in firms.iter().enumerate() {
        of_one.clear();
        firm.keys(&mut of_one);
        keys.extend(of_one.iter().map(|key| (*key, row as u32)));
    }
    keys.sort_unstable();
    keys.dedup();
    let order: Vec<(u64, u64)> = firms.iter().map(|firm| (firm.company.id(), firm.identity)).collect();
    let lines = firms
        .iter()
        .filter_map(|firm| firm.phone.as_ref().map(|phone| (phone.id, firm.company.id())))
        .collect();
    let lines = Counts::of_distinct(lines);
    let mut candidates = Vec::new();
    for (left, right) in blocking::pairs(&keys, &order, settings.block_limit) {
        let (one, other) = (&firms[left as usize], &firms[right as usize]);
        let (one, other) = if one.key <= other.key { (one, other) } else { (other, one) };
        let waterfall = compare(one, other, firms.len(), &lines);
        let probability = waterfall.probability();
        if probability >= settings.minimum_probability {
            candidates.push(Candidate {
                left: one.key.clone(),
                right: other.key.clone(),
                probability,
                band: settings.band(probability, waterfall.is_guarded()),
                evidence: waterfall.into_evidence(),
                fingerprint: format!(
                    "{:016x}{:016x}",
                    combine(one.identity, other.identity),
                    combine(other.identity, one.identity)
                ),
            });
        }
    }
    sort(&mut candidates);
    candidates.truncate(settings.maximum_candidates);
    candidates
}

/// How two company names relate, from most to least similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NameRelation {
    /// Equal without legal dress.
    Same,
    /// One or two letters apart.
    Slip,
    /// One is the beginning of the other.
    Shortened,
    /// One is the initials of the other.
    Acronym,
    /// No name on one side.
    Unknown,
    /// Different names.
    Different,
}

/// Compares two company names.
pub(crate) fn relate_names(one: &Company, other: &Company) -> NameRelation {
    if one.is_missing() || other.is_missing() {
        return NameRelation::Unknown;
    }
    let (left, right) = (one.joined.as_str(), other.joined.as_str());
    if left == right {
        return NameRelation::Same;
    }
    let short = left.len().min(right.len());
    if (short >= 5 && within(left, right, 1))
        || (short >= 10 && (within(left, right, 2) || jaro(left, right) > 0.97))
    {
        return NameRelation::Slip;
    }
    let (few, many) = if one.words.len() < other.words.len() { (one, other) } else { (other, one) };
    if few.words.len() < many.words.len() && few.joined.len() >= 4 && many.words.starts_with(&few.words) {
        return NameRelation::Shortened;
    }
    if (!one.acronym.is_empty() && one.acronym == right)
        || (!other.acronym.is_empty() && other.acronym == left)
    {
        return NameRelation::Acronym;
    }
    NameRelation::Different
}

/// Forms that say the same in one country, so that "Inc" and "Corp" are no contradiction.
pub(crate) fn legal_forms_conflict(one: &Company, other: &Company) -> bool {
    let class = |company: &Company| -> String {
        match company.legal_form.as_str() {
            "inc" | "incorporated" | "corp" | "corporation" | "co" | "company" | "llc" => "us".to_owned(),
            "ltd" | "limited" | "coltd" | "companylimited" | "plc" | "llp" => "limited".to_owned(),
            text if text.starts_with("pvt") || text.starts_with("private") => "pvt".to_owned(),
            text if text.starts_with("pty") => "pty".to_owned(),
            text => text.to_owned(),
        }
    };
    let (one, other) = (class(one), class(other));
    !one.is_empty() && !other.is_empty() && one != other
}

fn compare(one: &Firm, other: &Firm, records: usize, lines: &Counts) -> Waterfall {
    let size = (records.max(64) as f64).log2();
    let mut waterfall = Waterfall::default();
    waterfall.add("prior", "chance of a random pair", -size, "", "");
    let shown = |firm: &Firm| firm.domains.first().map(|domain| domain.host.clone()).unwrap_or_default();
    let (left, right) = (shown(one), shown(other));
    let any = |test: &dyn Fn(&WebDomain, &WebDomain) -> bool| {
        one.domains.iter().any(|mine| other.domains.iter().any(|theirs| test(mine, theirs)))
    };
    let same_host = any(&|mine, theirs| mine.host == theirs.host);
    let same_domain = any(&|mine, theirs| mine.registrable == theirs.registrable);
    let same_stem = any(&|mine, theirs| mine.stem == theirs.stem);
    let both_domains = !one.domains.is_empty() && !other.domains.is_empty();
    let stem_is_name = one.domains.iter().any(|domain| domain.stem == other.company.joined)
        || other.domains.iter().any(|domain| domain.stem == one.company.joined);
    let name = relate_names(&one.company, &other.company);
    if same_host {
        waterfall.add("domain", "same", size + 1.5, &left, &right);
    } else if same_domain {
        waterfall.add("domain", "same, other host", size - 3.0, &left, &right);
    } else if same_stem {
        // The stem repeats the name; another ending is another country's firm about as often as not.
        let bits = if name <= NameRelation::Acronym { -1.5 } else { size - 4.0 };
        waterfall.add("domain", "same stem, other ending", bits, &left, &right);
    } else if both_domains {
        waterfall.add("domain", "different", -3.5, &left, &right);
    } else if stem_is_name && name != NameRelation::Same {
        waterfall.add("domain", "spells the other's name", size - 2.0, &left, &right);
    }
    let (level, bits) = match name {
        NameRelation::Same => ("same", if same_domain { 2.5 } else { size + 1.5 }),
        NameRelation::Slip => ("one slip", if same_domain { 2.0 } else { size - 1.0 }),
        NameRelation::Shortened => ("shortened", if same_domain { 1.0 } else { size - 5.0 }),
        NameRelation::Acronym => ("acronym", if same_domain { 1.5 } else { size - 4.0 }),
        NameRelation::Unknown => ("missing", 0.0),
        NameRelation::Different => ("different", if same_domain { -2.5 } else { -6.0 }),
    };
    if name != NameRelation::Unknown {
        waterfall.add("name", level, bits, &one.company.shown, &other.company.shown);
    }
    if let (Some(mine), Some(theirs)) = (&one.phone, &other.phone) {
        if mine.id == theirs.id {
            let firms = lines.get(mine.id);
            let bits = if firms > 2 { 1.0 } else { 5.0 };
            waterfall.add("phone", "same number", bits, &mine.shown, &theirs.shown);
            if firms > 2 {
                waterfall.note(format!("phone is shared by {firms} firms"));
            }
        } else {
            waterfall.add("phone", "different numbers", -0.5, &mine.shown, &theirs.shown);
        }
    }
    let countries_differ = one.country != 0 && other.country != 0 && one.country != other.country;
    if one.city != 0 && other.city != 0 {
        let same = one.city == other.city;
        let bits = if same { 1.5 } else { -1.5 };
        waterfall.add(
            "place",
            if same { "same city" } else { "different city" },
            bits,
            &one.city_shown,
            &other.city_shown,
        );
    } else if one.country != 0 && one.country == other.country {
        waterfall.add("place", "same country", 0.7, "", "");
    }
    if legal_forms_conflict(&one.company, &other.company) {
        waterfall.add("legal form", "different", -2.0, &one.company.legal_form, &other.company.legal_form);
    }
    if one.parent.as_deref() == Some(&other.key) || other.parent.as_deref() == Some(&one.key) {
        waterfall.guard("subsidiary", -8.0, "one is recorded as the parent of the other");
    } else if countries_differ {
        let bits = if one.country_guessed || other.country_guessed { -2.5 } else { -6.0 };
        waterfall.guard(
            "subsidiary",
            bits,
            "firms of one name in two countries are usually parent and subsidiary",
        );
    }
    waterfall
}
