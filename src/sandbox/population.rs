//! The standing data: a small SaaS business whose people mostly exist on both sides and agree, dated back
//! from the moment the world begins. Deterministic by seed; makes no calls and causes no webhooks.

mod salesforce;
mod troubles;
mod words;

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;
use serde_json::{Value, json};

pub(super) use self::words::PLANS;
use self::words::{COMPANY_FIRST, COMPANY_SECOND, FIRST, LAST, PLACES, SIZES, TITLES};
use super::Settings;
use super::desk::iso;
use super::hubspot::{Kind, Portal, Record, owner_id};
use super::intercom::{Company, Contact, Workspace};
use super::salesforce::Org;

const DAY: i64 = 86_400_000;
/// Stages ordinary people are in: none at the far end, so that each can still move on.
const USUAL_STAGES: [&str; 5] =
    ["lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer"];

/// What seeding leaves behind for the sandbox itself.
#[derive(Default)]
pub(super) struct Population {
    /// What is wrong on purpose.
    pub(super) truth: Value,
    /// People with no trouble at all, for the day's scenes.
    pub(super) cast: VecDeque<(String, u64)>,
}

/// A company on both sides.
#[derive(Clone)]
struct Firm {
    name: String,
    domain: String,
    place: usize,
    intercom: String,
    hubspot: u64,
}

/// A person before being written to either side.
#[derive(Clone, Default)]
struct Person {
    first: String,
    last: String,
    email: Option<String>,
    phone: Option<String>,
    title: String,
    plan: usize,
    stage: usize,
    firm: Option<usize>,
    place: usize,
    created: i64,
    signed_up: Option<i64>,
}

impl Person {
    fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// The seeding at work.
struct Settlement<'a> {
    rng: Rng,
    now: i64,
    intercom: &'a mut Workspace,
    hubspot: &'a mut Portal,
    firms: Vec<Firm>,
    local_parts: HashMap<String, usize>,
    serial: usize,
    truth: troubles::Truth,
    cast: VecDeque<(String, u64)>,
}

/// Fills the vendors; Salesforce only when the settings ask for it.
pub(super) fn settle(
    settings: &Settings,
    now: i64,
    intercom: &mut Workspace,
    hubspot: &mut Portal,
    org: &mut Org,
) -> Population {
    let mut settlement = Settlement {
        rng: Rng::with_seed(settings.seed),
        // Whole minutes: two starts within one must make the same world.
        now: now - now.rem_euclid(60_000),
        intercom,
        hubspot,
        firms: Vec::new(),
        local_parts: HashMap::new(),
        serial: 0,
        truth: troubles::Truth::default(),
        cast: VecDeque::new(),
    };
    for index in 0..settings.companies {
        settlement.found(index);
    }
    settlement.troubles();
    while settlement.serial < settings.people {
        settlement.ordinary();
    }
    settlement.rng.shuffle(settlement.cast.make_contiguous());
    let (now, cast) = (settlement.now, std::mem::take(&mut settlement.cast));
    let mut truth = settlement.truth.report();
    if settings.salesforce_people {
        truth["salesforce"] = salesforce::settle(settings.seed, now, settings.people, intercom, org);
    }
    Population { truth, cast }
}

fn slug(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

impl Settlement<'_> {
    fn found(&mut self, index: usize) {
        let round = COMPANY_FIRST.len() * COMPANY_SECOND.len();
        let first = COMPANY_FIRST[index % COMPANY_FIRST.len()];
        let (second, industry) = COMPANY_SECOND[(index / COMPANY_FIRST.len() + index) % COMPANY_SECOND.len()];
        let number = if index < round { String::new() } else { format!(" {}", index / round + 1) };
        let name = format!("{first} {second}{number}");
        let domain = format!("{}.com", slug(&name));
        let place = self.rng.usize(..PLACES.len());
        self.firm(&name, &domain, place, industry);
    }

    /// Writes a company to both sides.
    fn firm(&mut self, name: &str, domain: &str, place: usize, industry: &str) -> usize {
        let created = self.past(900, 500);
        let size = self.rng.i64(3..900);
        let id = self.intercom.next_hex_id(created);
        self.intercom.put_company(Company {
            id: id.clone(),
            company_id: format!("acct_{:04}", self.firms.len() + 1),
            name: name.to_owned(),
            website: Some(format!("https://{domain}")),
            industry: Some(industry.to_owned()),
            size: Some(size),
            created,
            updated: created,
            ..Company::default()
        });
        let hubspot = self.hubspot_company(name, domain, place, created);
        self.firms.push(Firm {
            name: name.to_owned(),
            domain: domain.to_owned(),
            place,
            intercom: id,
            hubspot,
        });
        self.firms.len() - 1
    }

    fn hubspot_company(&mut self, name: &str, domain: &str, place: usize, created: i64) -> u64 {
        let id = self.hubspot.next_id();
        let (city, country, _) = PLACES[place];
        let values =
            [("name", name), ("domain", domain), ("website", domain), ("city", city), ("country", country)];
        let record = Record {
            id,
            values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            created,
            updated: created,
            ..Record::default()
        };
        self.hubspot.shelf_mut(Kind::Companies).put(record);
        id
    }

    /// A moment between `farthest` and `nearest` days ago.
    fn past(&mut self, farthest: i64, nearest: i64) -> i64 {
        self.now - self.rng.i64(nearest * DAY..farthest * DAY) / 1_000 * 1_000
    }

    fn random_person(&mut self) -> Person {
        let first = FIRST[self.rng.usize(..FIRST.len())];
        let last = LAST[self.rng.usize(..LAST.len())];
        let firm = (!self.firms.is_empty()).then(|| self.rng.usize(..self.firms.len()));
        self.person(first, last, firm)
    }

    /// A person of that name with an own mailbox at the firm and an own number.
    fn person(&mut self, first: &str, last: &str, firm: Option<usize>) -> Person {
        self.serial += 1;
        let place = firm.map_or_else(|| self.rng.usize(..PLACES.len()), |firm| self.firms[firm].place);
        let domain = firm.map_or("gmail.com", |firm| &self.firms[firm].domain);
        let address = format!("{}.{}@{domain}", slug(first), slug(last));
        let taken = self.local_parts.entry(address.clone()).or_default();
        *taken += 1;
        let email = if *taken == 1 { address } else { address.replacen('@', &format!("{taken}@"), 1) };
        let created = self.past(480, 12);
        let signed_up = created / 1_000;
        Person {
            first: first.to_owned(),
            last: last.to_owned(),
            email: Some(email),
            phone: Some(format!("{}{:07}", PLACES[place].2, 2_000_000 + self.serial * 37)),
            title: TITLES[self.rng.usize(..TITLES.len())].to_owned(),
            plan: self.rng.usize(..PLANS.len()),
            stage: self.rng.usize(..USUAL_STAGES.len()),
            firm,
            place,
            created,
            signed_up: Some(signed_up),
        }
    }

    fn ordinary(&mut self) {
        let person = self.random_person();
        match self.rng.u32(..100) {
            0..88 => {
                let pair = self.both(&person);
                self.cast.push_back(pair);
            }
            // Known by e-mail only: nobody has written the ids across yet.
            88..94 => {
                let intercom = self.user(&person);
                self.contact(&person, Some(&intercom), false);
            }
            94..98 => {
                self.contact(&person, None, true);
            }
            _ => {
                self.user(&person);
            }
        }
    }

    /// The person on both sides, linked both ways.
    fn both(&mut self, person: &Person) -> (String, u64) {
        let intercom = self.user(person);
        let hubspot = self.contact(person, Some(&intercom), true);
        if let Some(record) = self.hubspot.shelf(Kind::Contacts).live(hubspot) {
            let mut record = record.clone();
            record.values.insert("intercom_contact_id".to_owned(), intercom.clone());
            self.hubspot.shelf_mut(Kind::Contacts).put(record);
        }
        if let Some(user) = self.intercom.contacts.get_mut(&intercom) {
            user.custom.insert("hubspot_contact_id".to_owned(), json!(hubspot.to_string()));
        }
        (intercom, hubspot)
    }

    fn user(&mut self, person: &Person) -> String {
        self.intercom_contact(person, true)
    }

    fn intercom_contact(&mut self, person: &Person, user: bool) -> String {
        let id = self.intercom.next_hex_id(person.created);
        let (city, country, _) = PLACES[person.place];
        let mut contact = Contact {
            id: id.clone(),
            user,
            external_id: Some(format!("{}_{:06}", if user { "user" } else { "visitor" }, self.serial)),
            email: person.email.clone(),
            phone: person.phone.clone(),
            name: Some(person.name()).filter(|name| !name.trim().is_empty()),
            created: person.created,
            updated: person.created + DAY,
            signed_up: person.signed_up,
            last_seen: Some((self.now - DAY) / 1_000),
            city: Some(city.to_owned()),
            country: Some(country.to_owned()),
            ..Contact::default()
        };
        if user {
            contact.custom.insert("plan".to_owned(), json!(PLANS[person.plan].0));
            contact.custom.insert("job_title".to_owned(), json!(person.title));
            contact.custom.insert("lifecycle_stage".to_owned(), json!(USUAL_STAGES[person.stage]));
            contact.custom.insert("company_size".to_owned(), json!(SIZES[person.plan % SIZES.len()]));
        }
        if let Some(firm) = person.firm.filter(|_| user) {
            let company = self.firms[firm].intercom.clone();
            if let Some(company) = self.intercom.companies.get_mut(&company) {
                company.contacts.insert(id.clone());
            }
            contact.companies.push(company);
        }
        self.intercom.put_contact(contact);
        id
    }

    /// The person in HubSpot; `related` puts the company beside it.
    fn contact(&mut self, person: &Person, intercom: Option<&String>, related: bool) -> u64 {
        let id = self.hubspot.next_id();
        let (city, country, _) = PLACES[person.place];
        let firm = person.firm.map(|firm| self.firms[firm].clone());
        let mut record =
            Record { id, created: person.created, updated: person.created + DAY, ..Record::default() };
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                record.values.insert(name.to_owned(), value.to_owned());
            }
        };
        set("firstname", &person.first);
        set("lastname", &person.last);
        set("email", person.email.as_deref().unwrap_or_default());
        set("phone", person.phone.as_deref().unwrap_or_default());
        set("jobtitle", &person.title);
        set("city", city);
        set("country", country);
        set("lifecyclestage", USUAL_STAGES[person.stage]);
        set("hubspot_owner_id", owner_id(self.serial));
        if let Some(firm) = &firm {
            set("company", &firm.name);
            set("website", &firm.domain);
        }
        if intercom.is_some() {
            set("hs_lead_status", PLANS[person.plan].1);
            set("intercom_source", "intercom");
            if let Some(signed_up) = person.signed_up {
                set("intercom_signed_up_at", &iso(signed_up * 1_000));
            }
        }
        self.hubspot.shelf_mut(Kind::Contacts).put(record);
        if let Some(firm) = firm.filter(|_| related) {
            self.relate(id, firm.hubspot);
        }
        id
    }

    fn relate(&mut self, contact: u64, company: u64) {
        self.hubspot.seed_link((Kind::Contacts, contact), (Kind::Companies, company));
    }
}

/// Somebody nobody knows yet: name, e-mail, phone. The number keeps them apart from everyone else.
pub(super) fn stranger(rng: &mut Rng) -> (String, String, String) {
    let first = FIRST[rng.usize(..FIRST.len())];
    let last = LAST[rng.usize(..LAST.len())];
    let house = COMPANY_FIRST[rng.usize(..COMPANY_FIRST.len())];
    let number = rng.u32(1_000..9_999_999);
    let email = format!("{}.{}.{number}@{}hq.com", slug(first), slug(last), slug(house));
    let (_, _, code) = PLACES[rng.usize(..PLACES.len())];
    (format!("{first} {last}"), email, format!("{code}{number:07}"))
}

/// A job title and a number, for edits.
pub(super) fn new_title(rng: &mut Rng) -> String {
    format!("{}, team {}", TITLES[rng.usize(..TITLES.len())], rng.u32(2..99))
}
