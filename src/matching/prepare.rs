//! Normalises every distinct value once and counts how common it is; it compares nothing.
//!
//! Values are kept in tables and rows hold their numbers; equality is tested by 64-bit identity, so that a record
//! prepared on its own can be compared with an index built earlier.

use std::collections::HashMap;

use super::company::Company;
use super::country::country_code;
use super::counts::Counts;
use super::email::Mailbox;
use super::hashing::{combine, hash_text};
use super::job_title::JobTitle;
use super::person_name::PersonName;
use super::phone::Phone;
use super::record::{Person, Source};
use super::text::fold;
use super::web_domain::WebDomain;

/// One kind of value, each distinct raw text parsed once.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    values: Vec<T>,
    by_raw: HashMap<u64, u32>,
}

impl<T> Table<T> {
    fn new() -> Self {
        Self { values: Vec::new(), by_raw: HashMap::new() }
    }

    /// The number of a raw value, parsing it the first time.
    pub(crate) fn intern(&mut self, raw: u64, parse: impl FnOnce() -> T) -> u32 {
        let values = &mut self.values;
        *self.by_raw.entry(raw).or_insert_with(|| {
            values.push(parse());
            values.len() as u32 - 1
        })
    }

    /// The value with a number that `intern` gave out.
    pub(crate) fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}

/// A city as written and as compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct City {
    pub(crate) id: u64,
    pub(crate) shown: String,
}

/// One person as numbers into the tables.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) source: Source,
    name: u32,
    mailboxes: (u32, u32),
    phones: (u32, u32),
    company: u32,
    web: Option<u32>,
    title: u32,
    city: u32,
    pub(crate) country: u8,
    pub(crate) created_at: Option<i64>,
    /// Hash of all compared fields in raw form.
    pub(crate) identity: u64,
    pub(crate) test: bool,
}

/// All people, normalised.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pub(crate) keys: Vec<String>,
    pub(crate) rows: Vec<Row>,
    names: Table<PersonName>,
    mailboxes: Table<Option<Mailbox>>,
    phones: Table<Option<Phone>>,
    companies: Table<Company>,
    domains: Table<Option<WebDomain>>,
    titles: Table<JobTitle>,
    cities: Table<City>,
    mailbox_column: Vec<u32>,
    phone_column: Vec<u32>,
}

impl People {
    /// Normalises a list of people.
    pub(crate) fn build(people: &[Person]) -> Self {
        let mut all = Self {
            keys: Vec::with_capacity(people.len()),
            rows: Vec::with_capacity(people.len()),
            names: Table::new(),
            mailboxes: Table::new(),
            phones: Table::new(),
            companies: Table::new(),
            domains: Table::new(),
            titles: Table::new(),
            cities: Table::new(),
            mailbox_column: Vec::new(),
            phone_column: Vec::new(),
        };
        for person in people {
            all.push(person);
        }
        all
    }

    fn push(&mut self, person: &Person) {
        let invented = person.source.has_guessed_place();
        let raw_name = combine(
            combine(hash_text(&person.name), u64::from(invented)),
            combine(hash_text(&person.given_name), hash_text(&person.family_name)),
        );
        let name = self.names.intern(raw_name, || {
            PersonName::parse(&person.name, &person.given_name, &person.family_name, invented)
        });
        let mut identity = raw_name;
        let first_mailbox = self.mailbox_column.len() as u32;
        for email in person.emails.iter().flat_map(|text| super::email::several(text)) {
            let raw = hash_text(email);
            identity = combine(identity, raw);
            let number = self.mailboxes.intern(raw, || Mailbox::parse(email));
            let known = self.mailboxes.get(number).as_ref().map(|mailbox| mailbox.id);
            let seen = self.mailbox_column[first_mailbox as usize..]
                .iter()
                .any(|other| self.mailboxes.get(*other).as_ref().map(|mailbox| mailbox.id) == known);
            if known.is_some() && !seen {
                self.mailbox_column.push(number);
            }
        }
        let first_phone = self.phone_column.len() as u32;
        for phone in person.phones.iter().flat_map(|text| super::phone::several(text)) {
            let raw = hash_text(phone);
            identity = combine(identity, raw.rotate_left(1));
            let number = self.phones.intern(raw, || Phone::parse(phone));
            if self.phones.get(number).is_some() {
                self.phone_column.push(number);
            }
        }
        let company_raw = hash_text(&person.company);
        let company = self.companies.intern(company_raw, || Company::parse(&person.company));
        let web_raw = hash_text(&person.company_domain);
        let web = self.domains.intern(web_raw, || WebDomain::parse(&person.company_domain));
        let title_raw = hash_text(&person.title);
        let title = self.titles.intern(title_raw, || JobTitle::parse(&person.title));
        let city_raw = hash_text(&person.city);
        let city = self.cities.intern(city_raw, || City {
            id: hash_text(&fold(&person.city)),
            shown: person.city.trim().to_owned(),
        });
        for raw in [company_raw, web_raw, title_raw, city_raw, hash_text(&person.country)] {
            identity = combine(identity, raw);
        }
        identity = combine(identity, person.created_at.map_or(0, |seconds| seconds as u64 | 1 << 63));
        let mailboxes = (first_mailbox, self.mailbox_column.len() as u32);
        let reserved = self.mailbox_column[first_mailbox as usize..]
            .iter()
            .filter_map(|number| self.mailboxes.get(*number).as_ref())
            .any(|mailbox| mailbox.dummy && !mailbox.letters.starts_with("no"));
        let name_is_test = self.names.get(name).test;
        let company_is_test =
            matches!(self.companies.get(company).words.first().map(String::as_str), Some("test" | "testing"))
                || self.companies.get(company).words.last().is_some_and(|word| word == "test");
        self.keys.push(person.key.clone());
        self.rows.push(Row {
            source: person.source,
            name,
            mailboxes,
            phones: (first_phone, self.phone_column.len() as u32),
            company,
            web: self.domains.get(web).is_some().then_some(web),
            title,
            city,
            country: country_code(&person.country).unwrap_or(0),
            created_at: person.created_at,
            identity,
            test: name_is_test
                || (reserved && company_is_test)
                || (reserved && self.names.get(name).is_missing()),
        });
    }

    /// One person with access to the tables.
    pub(crate) fn side(&self, row: usize) -> Side<'_> {
        Side { people: self, row: &self.rows[row] }
    }
}

/// One record to be compared.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    people: &'a People,
    pub(crate) row: &'a Row,
}

impl<'a> Side<'a> {
    pub(crate) fn name(&self) -> &'a PersonName {
        self.people.names.get(self.row.name)
    }

    pub(crate) fn all_mailboxes(&self) -> impl Iterator<Item = &'a Mailbox> + use<'a> {
        let people = self.people;
        let (from, to) = self.row.mailboxes;
        people.mailbox_column[from as usize..to as usize]
            .iter()
            .filter_map(move |number| people.mailboxes.get(*number).as_ref())
    }

    /// Mailboxes that are evidence: dummies are as good as missing.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &'a Mailbox> + use<'a> {
        self.all_mailboxes().filter(|mailbox| !mailbox.dummy)
    }

    pub(crate) fn phones(&self) -> impl Iterator<Item = &'a Phone> + use<'a> {
        let people = self.people;
        let (from, to) = self.row.phones;
        people.phone_column[from as usize..to as usize]
            .iter()
            .filter_map(move |number| people.phones.get(*number).as_ref())
    }

    pub(crate) fn company(&self) -> &'a Company {
        self.people.companies.get(self.row.company)
    }

    pub(crate) fn web(&self) -> Option<&'a WebDomain> {
        self.row.web.and_then(|number| self.people.domains.get(number).as_ref())
    }

    pub(crate) fn title(&self) -> &'a JobTitle {
        self.people.titles.get(self.row.title)
    }

    pub(crate) fn city(&self) -> &'a City {
        self.people.cities.get(self.row.city)
    }

    /// The domains that may stand for the employer, the mailbox first.
    pub(crate) fn work_domains(&self, statistics: &Statistics) -> Vec<&'a WebDomain> {
        let mut domains: Vec<&WebDomain> = Vec::with_capacity(2);
        let text = self.company().domain.as_ref();
        for domain in self.mailboxes().map(|mailbox| &mailbox.domain).chain(self.web()).chain(text) {
            if domain.is_corporate()
                && !statistics.is_provider(domain.id())
                && domains.iter().all(|other| other.registrable != domain.registrable)
            {
                domains.push(domain);
            }
        }
        domains
    }

    /// The name is that of the firm or of a function, so nobody is named.
    pub(crate) fn is_nameless(&self) -> bool {
        let name = self.name();
        if name.is_missing() {
            return true;
        }
        let company = self.company();
        let domain_stem = self.mailboxes().map(|mailbox| &mailbox.domain).chain(self.web()).next();
        let role = self.mailboxes().any(|mailbox| mailbox.role);
        let joined: String = name.given.iter().chain(&name.family).map(String::as_str).collect();
        let is_firm = |word: &str| {
            word.len() > 1
                && (company.words.iter().any(|other| other == word)
                    || domain_stem.is_some_and(|domain| domain.stem.contains(word))
                    || super::lists::lists().is_role_word(word))
        };
        (!company.joined.is_empty() && company.joined == joined)
            || domain_stem.is_some_and(|domain| domain.is_corporate() && domain.stem == joined)
            || (role && name.given.iter().chain(&name.family).all(|word| is_firm(word)))
    }
}

/// How common values are in the data at hand.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    pub(crate) records: u32,
    /// Distinct full names.
    pub(crate) names: u32,
    /// How many countries the people are spread over: the effective number, by their shares.
    pub(crate) countries: f64,
    /// What the levels turned out to be worth on this data.
    pub(crate) weights: super::people::weights::Weights,
    given: Counts,
    family: Counts,
    mailbox_people: Counts,
    phone_people: Counts,
    domain_people: Counts,
    domain_companies: Counts,
    company_people: Counts,
    city_people: Counts,
    title_people: Counts,
    created: Counts,
}

impl Statistics {
    /// Counts the values of all rows.
    pub(crate) fn build(people: &People) -> Self {
        let rows = people.rows.len();
        let (mut given, mut family, mut mailbox_people, mut phone_people) = (vec![], vec![], vec![], vec![]);
        let (mut domain_people, mut domain_companies, mut company_people) = (vec![], vec![], vec![]);
        let (mut city_people, mut title_people, mut created, mut names) = (vec![], vec![], vec![], vec![]);
        for row in 0..rows {
            let side = people.side(row);
            let name = side.name();
            let full = name.is_full() && !side.is_nameless();
            let first_mailbox = side.mailboxes().next().map_or(0, |mailbox| mailbox.id);
            let holder = if full { name.id } else { first_mailbox.max(row as u64 + 1) };
            if full {
                names.push((1, name.id));
                given.push((name.given_id(), name.id));
                for sound in &name.family_sounds {
                    family.push((hash_text(sound), name.id));
                }
                // Two initials: spellings of one person agree in them, two people rarely do.
                let initials = initials(name);
                // A script without Latin readings would make two people of one.
                let initials = if name.native { 0 } else { initials };
                if initials != 0 {
                    mailbox_people.extend(side.mailboxes().map(|mailbox| (mailbox.id, initials)));
                }
                phone_people.extend(side.phones().map(|phone| (phone.id, initials)));
            }
            let company = side.company();
            for mailbox in side.mailboxes() {
                domain_people.push((mailbox.domain.id(), holder));
                if !company.is_missing() && !is_named_after(&mailbox.domain.stem, &company.joined) {
                    domain_companies.push((mailbox.domain.id(), prefix_id(&company.joined)));
                }
            }
            if let Some(web) = side.web() {
                domain_people.push((web.id(), holder));
            }
            company_people.push((company.id(), holder));
            city_people.push((side.city().id, holder));
            title_people.push((side.title().id, holder));
            created.push((side.row.created_at.map_or(0, |seconds| seconds as u64), row as u64));
        }
        let names = Counts::of_distinct(names).get(1);
        let countries = spread(people.rows.iter().map(|row| row.country));
        Self {
            records: rows as u32,
            names,
            countries,
            weights: super::people::weights::Weights::default(),
            given: Counts::of_distinct(given),
            family: Counts::of_distinct(family),
            mailbox_people: Counts::of_distinct(mailbox_people),
            phone_people: Counts::of_distinct(phone_people),
            domain_people: Counts::of_distinct(domain_people),
            domain_companies: Counts::of_distinct(domain_companies),
            company_people: Counts::of_distinct(company_people),
            city_people: Counts::of_distinct(city_people),
            title_people: Counts::of_distinct(title_people),
            created: Counts::of_distinct(created),
        }
    }

    /// Bits that agreement on a first name is worth; shrunk to an average name while the data is small.
    pub(crate) fn given_bits(&self, id: u64) -> f64 {
        self.name_bits(self.given.get(id), 1.0 / 300.0)
    }

    /// Bits that agreement on a family name is worth.
    pub(crate) fn family_bits(&self, id: u64) -> f64 {
        self.name_bits(self.family.get(id), 1.0 / 1500.0)
    }

    fn name_bits(&self, count: u32, usual: f64) -> f64 {
        const PSEUDO_NAMES: f64 = 50.0;
        let share = (f64::from(count.max(1)) + PSEUDO_NAMES * usual) / (f64::from(self.names) + PSEUDO_NAMES);
        -share.log2()
    }

    /// Whether several full names hold this given name, so that it is a name of its own and no typo.
    pub(crate) fn is_known_given(&self, id: u64) -> bool {
        self.given.get(id) >= 3
    }

    /// Whether several full names hold this family name.
    pub(crate) fn is_known_family(&self, id: u64) -> bool {
        self.family.get(id) >= 3
    }

    /// What given and family name have in common: those of one culture come together.
    pub(crate) fn shared_culture_bits(&self) -> f64 {
        self.countries.log2().clamp(0.0, 5.0)
    }

    /// Bits of a value held by some of all records.
    fn share_bits(&self, holders: u32) -> f64 {
        ((f64::from(self.records) + 50.0) / (f64::from(holders.max(1)) + 1.0)).log2()
    }

    /// Log2 of the number of records, never less than that of a small address book.
    pub(crate) fn size_bits(&self) -> f64 {
        f64::from(self.records.max(64)).log2()
    }

    pub(crate) fn people_at_mailbox(&self, id: u64) -> u32 {
        self.mailbox_people.get(id)
    }

    pub(crate) fn people_at_phone(&self, id: u64) -> u32 {
        self.phone_people.get(id)
    }

    pub(crate) fn people_at_domain(&self, id: u64) -> u32 {
        self.domain_people.get(id)
    }

    pub(crate) fn domain_bits(&self, id: u64) -> f64 {
        self.share_bits(self.domain_people.get(id))
    }

    pub(crate) fn company_bits(&self, id: u64) -> f64 {
        self.share_bits(self.company_people.get(id))
    }

    pub(crate) fn city_bits(&self, id: u64) -> f64 {
        self.share_bits(self.city_people.get(id))
    }

    pub(crate) fn title_bits(&self, id: u64) -> f64 {
        self.share_bits(self.title_people.get(id))
    }

    /// How many records were created in that second.
    pub(crate) fn created_together(&self, seconds: i64) -> u32 {
        self.created.get(seconds as u64)
    }

    /// A domain whose people name many unrelated firms is a provider, listed or not.
    pub(crate) fn is_provider(&self, id: u64) -> bool {
        let companies = self.domain_companies.get(id);
        (companies >= 12 && companies * 2 > self.domain_people.get(id))
            || (companies >= 4 && companies * 10 > self.domain_people.get(id) * 3)
    }
}

/// The effective number of values, by their shares: 1 when one value has all, n when n values share evenly.
fn spread(values: impl Iterator<Item = u8>) -> f64 {
    let mut counts = [0_u32; 256];
    for value in values {
        counts[usize::from(value)] += 1;
    }
    let total: f64 = counts[1..].iter().map(|count| f64::from(*count)).sum();
    let squares: f64 = counts[1..].iter().map(|count| f64::from(*count).powi(2)).sum();
    if squares > 0.0 { total * total / squares } else { 1.0 }
}

/// The firm's own domain: its stem and the name have their beginning in common, or one holds the other.
fn is_named_after(stem: &str, joined: &str) -> bool {
    let short = stem.len().min(joined.len()).min(5);
    stem.get(..short).is_some_and(|start| joined.contains(start))
        || joined.get(..short).is_some_and(|start| stem.contains(start))
}

/// The first letters of a company: its spellings agree in them, so that typos do not count as firms.
fn prefix_id(joined: &str) -> u64 {
    hash_text(joined.get(..3).unwrap_or(joined))
}

fn initials(name: &PersonName) -> u64 {
    let letter = |words: &[String]| words.first().and_then(|word| word.bytes().next()).unwrap_or(0);
    let (one, other) = (letter(&name.given), letter(&name.family));
    combine(u64::from(one.min(other)), u64::from(one.max(other)))
}
