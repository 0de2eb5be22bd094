//! One company's record in comparable form, and what is common among all of them. It compares nothing.

use super::super::company::{Company, Rarity, bare_stem};
use super::super::country::country_code;
use super::super::counts::Counts;
use super::super::hashing::{combine, hash_text};
use super::super::phone::Phone;
use super::super::record::Organisation;
use super::super::text::fold;
use super::super::web_domain::WebDomain;

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
    pub(crate) country_guessed: bool,
    pub(crate) parent: Option<String>,
    /// Hash of all compared fields in raw form.
    pub(crate) identity: u64,
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
        let country = stated
            .or_else(|| domains.iter().find_map(WebDomain::country))
            .or_else(|| company.form_country())
            .unwrap_or(0);
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

    /// The word that a name is recognised by, for counting how many firms share a line or a domain.
    pub(crate) fn head(&self) -> u64 {
        let word = self.company.core.first().map_or("", String::as_str);
        hash_text(word.get(..4).unwrap_or(word))
    }

    /// All blocking keys.
    pub(crate) fn keys(&self, rarity: &Rarity, out: &mut Vec<u64>) {
        let mut add = |kind: u64, value: u64| {
            if value != 0 {
                out.push(combine(kind, value));
            }
        };
        for domain in &self.domains {
            add(1, domain.id());
            // Name and domain stem meet under one kind.
            add(2, domain.stem_id());
            add(2, hash_text(bare_stem(domain)));
            add(5, prefix_id(&domain.stem, 6));
        }
        add(3, self.phone.as_ref().map_or(0, |phone| phone.id));
        add(9, self.identity);
        for company in self.company.names() {
            add(2, company.id());
            let joined = company.core_joined.as_str();
            add(2, hash_text(joined));
            add(5, prefix_id(joined, 6));
            let mut letters: Vec<u8> = joined.bytes().collect();
            letters.sort_unstable();
            letters.dedup();
            add(6, hash_text(&String::from_utf8(letters).unwrap_or_default()));
            add(2, hash_text(&company.acronym));
            add(4, company.bag);
            if let [first, .., last] = company.core.as_slice() {
                add(7, combine(prefix_id(first, 3), prefix_id(last, 4)));
                add(8, hash_text(&format!("{last}{}", first.len())));
                // Reordered and extended names meet at their two most telling words.
                let mut telling: Vec<(u64, &String)> =
                    company.core.iter().map(|word| ((rarity.bits(word) * 1000.0) as u64, word)).collect();
                telling.sort_unstable_by(|one, other| other.cmp(one));
                let two = [hash_text(telling[0].1), hash_text(telling[1].1)];
                add(10, combine(two[0].min(two[1]), two[0].max(two[1])));
                add(11, two[0]);
            } else if let [only] = company.core.as_slice() {
                add(11, hash_text(only));
            }
        }
    }
}

fn prefix_id(text: &str, length: usize) -> u64 {
    if text.len() < length { 0 } else { hash_text(text.get(..length).unwrap_or(text)) }
}

/// What is common among the records at hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landscape {
    pub(crate) records: usize,
    pub(crate) rarity: Rarity,
    /// Firms by the look of their names per phone line.
    lines: Counts,
    /// Firms by the look of their names per domain.
    tenants: Counts,
    /// Unlike domains per name: how many firms seem to share it.
    homonyms: Counts,
    /// Stated countries per domain: where a group keeps one website, a bare name says little.
    spread: Counts,
    /// Identities of all cities, sorted.
    cities: Vec<u64>,
}

impl Landscape {
    /// Counts over all firms.
    pub(crate) fn of(firms: &[Firm]) -> Self {
        let (mut lines, mut tenants, mut homonyms) = (vec![], vec![], vec![]);
        let (mut spread, mut cities) = (vec![], vec![]);
        for firm in firms {
            if let Some(phone) = &firm.phone {
                lines.push((phone.id, firm.head()));
            }
            let name = firm.company.bag;
            for domain in &firm.domains {
                tenants.push((domain.id(), firm.head()));
                if firm.country != 0 && !firm.country_guessed {
                    spread.push((domain.id(), u64::from(firm.country)));
                }
                homonyms.push((name, hash_text(bare_stem(domain))));
            }
            cities.push(firm.city);
        }
        cities.sort_unstable();
        cities.dedup();
        Self {
            records: firms.len(),
            rarity: Rarity::of(firms.iter().map(|firm| &firm.company)),
            lines: Counts::of_distinct(lines),
            tenants: Counts::of_distinct(tenants),
            homonyms: Counts::of_distinct(homonyms),
            spread: Counts::of_distinct(spread),
            cities,
        }
    }

    /// Bits that tell one record out of all.
    pub(crate) fn size(&self) -> f64 {
        (self.records.max(64) as f64).log2()
    }

    /// How many firms share a phone line.
    pub(crate) fn firms_on_line(&self, id: u64) -> u32 {
        self.lines.get(id)
    }

    /// How many firms, by the look of their names, share a domain.
    pub(crate) fn firms_at_domain(&self, id: u64) -> u32 {
        self.tenants.get(id)
    }

    /// In how many countries the firms of a domain are.
    pub(crate) fn countries_of_domain(&self, id: u64) -> u32 {
        self.spread.get(id)
    }

    /// How many unlike domains firms of this name have.
    pub(crate) fn domains_of_name(&self, company: &Company) -> u32 {
        self.homonyms.get(company.bag)
    }

    /// Whether a word is a city in the data.
    pub(crate) fn is_city(&self, word: &str) -> bool {
        self.cities.binary_search(&hash_text(word)).is_ok()
    }
}
