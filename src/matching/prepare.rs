//! Normalises every distinct value once and counts how common it is; it compares nothing.
//!
//! Values are kept in tables and rows hold their numbers; equality is tested by 64-bit identity, so that a record
//! prepared on its own can be compared with an index built earlier.

mod intern;

use super::blocking::over;
use super::company::Company;
use super::country::country_code;
use super::counts::Counts;
use super::email::Mailbox;
use super::hashing::{combine, hash_text};
use super::job_title::JobTitle;
use super::people::weights::{LEARNED, Weights};
use super::person_name::PersonName;
use super::phone::Phone;
use super::record::{Person, Source};
use super::text::fold;
use super::web_domain::WebDomain;

pub(crate) use intern::KeyColumn;
use intern::Table;

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
    /// The same without the time of creation, but with the source: records that are equal in it are twins.
    pub(crate) twin: u64,
    pub(crate) test: bool,
    nameless: bool,
}

/// All people, normalised.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    pub(crate) keys: KeyColumn,
    pub(crate) rows: Vec<Row>,
    names: Table<PersonName>,
    mailboxes: Table<Option<Mailbox>>,
    phones: Table<Option<Phone>>,
    companies: Table<Company>,
    domains: Table<Option<WebDomain>>,
    titles: Table<JobTitle>,
    cities: Table<City>,
    countries: Table<u8>,
    mailbox_column: Vec<u32>,
    phone_column: Vec<u32>,
}

impl People {
    /// Normalises a list of people.
    pub(crate) fn build(people: &[Person]) -> Self {
        let mut all = Self::default();
        for person in people {
            all.push(person);
        }
        all
    }

    /// Adds what another list holds, in its order; afterwards this list is as if it had been given those people.
    pub(crate) fn append(&mut self, other: Self) {
        let names = self.names.absorb(other.names);
        let mailboxes = self.mailboxes.absorb(other.mailboxes);
        let phones = self.phones.absorb(other.phones);
        let companies = self.companies.absorb(other.companies);
        let domains = self.domains.absorb(other.domains);
        let titles = self.titles.absorb(other.titles);
        let cities = self.cities.absorb(other.cities);
        let (mailbox, phone) = (self.mailbox_column.len() as u32, self.phone_column.len() as u32);
        let moved = |of: &[u32], number: u32| of[number as usize];
        self.mailbox_column.extend(other.mailbox_column.iter().map(|number| moved(&mailboxes, *number)));
        self.phone_column.extend(other.phone_column.iter().map(|number| moved(&phones, *number)));
        self.keys.append(&other.keys);
        self.rows.extend(other.rows.into_iter().map(|row| Row {
            name: moved(&names, row.name),
            mailboxes: (row.mailboxes.0 + mailbox, row.mailboxes.1 + mailbox),
            phones: (row.phones.0 + phone, row.phones.1 + phone),
            company: moved(&companies, row.company),
            web: row.web.map(|web| moved(&domains, web)),
            title: moved(&titles, row.title),
            city: moved(&cities, row.city),
            ..row
        }));
    }

    /// Puts the rows in the order of their keys.
    pub(crate) fn sort_by_key(&mut self) {
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        if order.is_sorted_by_key(|row| self.keys.get(*row)) {
            return;
        }
        order.sort_by_key(|row| self.keys.get(*row));
        let mut keys = KeyColumn::default();
        for row in &order {
            keys.push(self.keys.get(*row));
        }
        self.keys = keys;
        self.rows = order.iter().map(|row| self.rows[*row as usize].clone()).collect();
    }

    /// Gives back the memory that only a growing list needs.
    pub(crate) fn freeze(&mut self) {
        self.names.freeze();
        self.mailboxes.freeze();
        self.phones.freeze();
        self.companies.freeze();
        self.domains.freeze();
        self.titles.freeze();
        self.cities.freeze();
        self.countries.freeze();
        self.rows.shrink_to_fit();
        self.mailbox_column.shrink_to_fit();
        self.phone_column.shrink_to_fit();
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
        let country_raw = hash_text(&person.country);
        let country = self.countries.intern(country_raw, || country_code(&person.country).unwrap_or(0));
        for raw in [company_raw, web_raw, title_raw, city_raw, country_raw] {
            identity = combine(identity, raw);
        }
        let twin = combine(identity, person.source as u64);
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
        self.keys.push(&person.key);
        self.rows.push(Row {
            source: person.source,
            name,
            mailboxes,
            phones: (first_phone, self.phone_column.len() as u32),
            company,
            web: self.domains.get(web).is_some().then_some(web),
            title,
            city,
            country: *self.countries.get(country),
            created_at: person.created_at,
            identity,
            twin,
            nameless: false,
            test: name_is_test
                || (reserved && company_is_test)
                || (reserved && self.names.get(name).is_missing()),
        });
        let last = self.rows.len() - 1;
        self.rows[last].nameless = self.side(last).names_nobody();
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
        self.row.nameless
    }

    fn names_nobody(&self) -> bool {
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
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) records: u32,
    /// Distinct full names.
    pub(crate) names: u32,
    /// How many countries the people are spread over: the effective number, by their shares.
    pub(crate) countries: f64,
    /// What the levels turned out to be worth on this data.
    pub(crate) weights: Weights,
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
    /// Counts the values of all rows, column by column, so that few of them are in the making at one time.
    pub(crate) fn build(people: &People, threads: usize) -> Self {
        let mut columns = over(threads, COLUMNS + 1, |column| {
            let mut rows = Vec::new();
            for (number, side) in (0..people.rows.len()).map(|row| people.side(row)).enumerate() {
                holders(column, side, number as u64, &mut rows);
            }
            if column < COLUMNS {
                return Counts::of_distinct(rows);
            }
            rows.sort_unstable();
            rows.dedup();
            Counts::of_columns(vec![1], vec![rows.len() as u32])
        });
        let names = columns.pop().map_or(0, |names| names.get(1));
        // In thousandths, so that what is kept and read again is the same number.
        let countries = (spread(people.rows.iter().map(|row| row.country)) * 1000.0).round() as u32;
        let mut numbers = [0; NUMBERS];
        numbers[..3].copy_from_slice(&[people.rows.len() as u32, names, countries]);
        numbers[3..].copy_from_slice(&Weights::default().to_numbers());
        Self::from_columns(numbers, columns).expect("as many columns as are named")
    }

    /// Number of records, of names, of countries in thousandths, and all counts in a fixed order.
    pub(crate) fn columns(&self) -> ([u32; NUMBERS], [&Counts; COLUMNS]) {
        let columns = [
            &self.given,
            &self.family,
            &self.mailbox_people,
            &self.phone_people,
            &self.domain_people,
            &self.domain_companies,
            &self.company_people,
            &self.city_people,
            &self.title_people,
            &self.created,
        ];
        let mut numbers = [0; NUMBERS];
        let countries = (self.countries * 1000.0).round() as u32;
        numbers[..3].copy_from_slice(&[self.records, self.names, countries]);
        numbers[3..].copy_from_slice(&self.weights.to_numbers());
        (numbers, columns)
    }

    /// What [`Statistics::columns`] gave; `None` when there are more or fewer columns.
    pub(crate) fn from_columns(numbers: [u32; NUMBERS], columns: Vec<Counts>) -> Option<Self> {
        let [records, names, countries, ref weights @ ..] = numbers;
        let columns: [Counts; COLUMNS] = columns.try_into().ok()?;
        let [
            given,
            family,
            mailbox_people,
            phone_people,
            domain_people,
            domain_companies,
            company_people,
            city_people,
            title_people,
            created,
        ] = columns;
        Some(Self {
            records,
            names,
            countries: f64::from(countries) / 1000.0,
            weights: Weights::from_numbers(weights),
            given,
            family,
            mailbox_people,
            phone_people,
            domain_people,
            domain_companies,
            company_people,
            city_people,
            title_people,
            created,
        })
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

/// Number of counted columns.
const COLUMNS: usize = 10;

/// How many single numbers statistics consist of.
pub(crate) const NUMBERS: usize = 3 + LEARNED;

/// What a row adds to a column, as (value, holder); behind the last column come the names themselves.
fn holders(column: usize, side: Side<'_>, row: u64, out: &mut Vec<(u64, u64)>) {
    let name = side.name();
    let full = name.is_full() && !side.is_nameless();
    let holder = || {
        let first_mailbox = side.mailboxes().next().map_or(0, |mailbox| mailbox.id);
        if full { name.id } else { first_mailbox.max(row + 1) }
    };
    match column {
        0 if full => out.push((name.given_id(), name.id)),
        1 if full => out.extend(name.family_sounds.iter().map(|sound| (hash_text(sound), name.id))),
        // Two initials: spellings of one person agree in them, two people rarely do.
        // A script without Latin readings would make two people of one.
        2 if full && !name.native => {
            let initials = initials(name);
            out.extend(side.mailboxes().map(|mailbox| (mailbox.id, initials)));
        }
        3 if full => {
            let initials = if name.native { 0 } else { initials(name) };
            out.extend(side.phones().map(|phone| (phone.id, initials)));
        }
        4 => {
            let holder = holder();
            out.extend(side.mailboxes().map(|mailbox| (mailbox.domain.id(), holder)));
            out.extend(side.web().map(|web| (web.id(), holder)));
        }
        5 if !side.company().is_missing() => {
            let joined = &side.company().joined;
            let strangers = side.mailboxes().filter(|mailbox| !is_named_after(&mailbox.domain.stem, joined));
            out.extend(strangers.map(|mailbox| (mailbox.domain.id(), prefix_id(joined))));
        }
        6 => out.push((side.company().id(), holder())),
        7 => out.push((side.city().id, holder())),
        8 => out.push((side.title().id, holder())),
        9 => out.push((side.row.created_at.map_or(0, |seconds| seconds as u64), row)),
        COLUMNS if full => out.push((1, name.id)),
        _ => {}
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
