//! People nobody has met: any number of records with known truth, the same for the same seed on every machine.
//!
//! It imitates what makes real address books slow and hard: firms whose sizes fall off slowly with one giant among
//! them, frequent and rare names, private mailboxes, shared inboxes, switchboards, numbers typed to fill a field,
//! families, namesakes, and one record in twelve that repeats another with slips. It stores no person: each record
//! is computed from its number, so that a benchmark's memory is the matcher's.

use std::collections::HashMap;

use reknit::matching::{Person, Source};

use super::words;

/// Of 25 rows, these repeat an entity: 8 %.
const REPEATS: [usize; 2] = [7, 19];

/// A list of people of a given size.
pub(crate) struct Crowd {
    seed: u64,
    rows: usize,
    entities: usize,
    firms: usize,
    /// How many earlier entities had the same address: what a firm's mail administrator would count.
    numbers: Vec<u16>,
}

/// What is true of one human.
#[derive(Clone)]
struct Human {
    given: String,
    family: String,
    firm: Option<usize>,
    private: String,
    work: String,
    shared_inbox: bool,
    phone: String,
    title: &'static str,
    city: String,
    country: &'static str,
}

impl Crowd {
    /// A crowd of `rows` records.
    pub(crate) fn new(seed: u64, rows: usize) -> Self {
        let entities = (0..rows).filter(|row| !is_repeat(*row)).count();
        let mut crowd = Self { seed, rows, entities, firms: (rows / 12).max(3), numbers: Vec::new() };
        let mut seen: HashMap<u64, u16> = HashMap::with_capacity(entities);
        for entity in 0..entities {
            let human = crowd.human(entity);
            let at = seen.entry(hash(&human.work) ^ hash(&human.private).rotate_left(7)).or_default();
            crowd.numbers.push(*at);
            *at = at.saturating_add(1);
        }
        crowd
    }

    /// The record of a row and the number of the human it is about.
    pub(crate) fn row(&self, row: usize) -> (Person, u32) {
        let mut random = Random::new(self.seed, row as u64, 1);
        let entity = if is_repeat(row) { random.below(self.entities) } else { first_of(row) };
        let mut human = self.human(entity);
        self.count_off(&mut human, entity);
        let mut person = Self::record(&human, &mut random);
        person.key = format!("p{row:08}");
        if is_repeat(row) {
            spoil(&mut person, &human, &mut random);
        }
        (person, entity as u32)
    }

    /// The numbers of the humans of all rows.
    pub(crate) fn truth(&self) -> Vec<u32> {
        (0..self.rows)
            .map(|row| {
                if is_repeat(row) {
                    Random::new(self.seed, row as u64, 1).below(self.entities) as u32
                } else {
                    first_of(row) as u32
                }
            })
            .collect()
    }

    /// Two people at one firm or provider never have one address.
    fn count_off(&self, human: &mut Human, entity: usize) {
        let number = self.numbers[entity];
        if number > 0 {
            for address in [&mut human.work, &mut human.private] {
                *address = address.replacen('@', &format!("{}@", number + 1), 1);
            }
        }
    }

    fn human(&self, entity: usize) -> Human {
        let mut random = Random::new(self.seed, entity as u64, 2);
        // Every thirtieth is a relative of the one before: name, place, line and provider are shared.
        let relative = entity % 30 == 29;
        let mut house = Random::new(self.seed, if relative { entity as u64 - 1 } else { entity as u64 }, 3);
        let family = words::family(house.skewed(150_000, 2.5));
        let home = words::city(house.skewed(900, 1.6));
        let country = words::COUNTRIES[house.skewed(words::COUNTRIES.len(), 1.5)];
        let provider = words::PROVIDERS[house.skewed(words::PROVIDERS.len(), 2.0)];
        let line = format!("{:09}", 200_000_000 + house.below(700_000_000));
        let given = words::given(random.skewed(2500, 2.2));
        let firm = match random.below(100) {
            0..2 => Some(0),
            2..70 => Some(1 + random.skewed(self.firms - 1, 2.2)),
            _ => None,
        };
        let (one, other) = (words::plain(&given), words::plain(&family));
        let private = match random.below(4) {
            0 => format!("{one}.{other}@{provider}"),
            1 => format!("{one}{other}{:02}@{provider}", random.below(100)),
            2 => format!("{}{other}{:02}@{provider}", &one[..1], random.below(100)),
            _ => format!("{one}{:04}@{provider}", random.below(10_000)),
        };
        let shared_inbox = firm.is_some() && random.percent(4);
        let work = firm.map_or_else(String::new, |firm| {
            let domain = words::domain(firm);
            match firm % 5 {
                0 | 1 => format!("{one}.{other}@{domain}"),
                2 => format!("{}{other}@{domain}", &one[..1]),
                3 => format!("{one}_{other}@{domain}"),
                _ => format!("{}.{other}@{domain}", &one[..1]),
            }
        });
        let phone = match random.below(100) {
            0 => ["+44 20 7946 0000", "030 1234 567 890", "+1 800 123 9999"][random.below(3)].to_owned(),
            1..14 if firm.is_some() => {
                format!("+49 {}", 3_000_000_000_u64 + firm.unwrap_or(0) as u64 * 7919 % 900_000_000)
            }
            14..56 => format!("+44 {line}"),
            _ => String::new(),
        };
        let city = if relative || firm.is_none() { home } else { words::city(firm.unwrap_or(0) * 31 % 900) };
        let title = words::TITLES[random.skewed(words::TITLES.len(), 1.4)];
        Human { given, family, firm, private, work, shared_inbox, phone, title, city, country }
    }

    fn record(human: &Human, random: &mut Random) -> Person {
        let source = [
            Source::IntercomUser,
            Source::IntercomLead,
            Source::HubspotContact,
            Source::SalesforceLead,
            Source::SalesforceContact,
        ][random.below(5)];
        let mut person = Person {
            source,
            created_at: Some(1_500_000_000 + random.below(200_000_000) as i64),
            ..Person::default()
        };
        let intercom = matches!(source, Source::IntercomUser | Source::IntercomLead);
        if source == Source::IntercomLead && random.percent(20) {
            person.name = words::pseudonym(random.below(10_000));
        } else if intercom {
            person.name = format!("{} {}", human.given, human.family);
        } else {
            person.given_name.clone_from(&human.given);
            person.family_name.clone_from(&human.family);
        }
        if human.shared_inbox && random.percent(80) {
            let domain = words::domain(human.firm.unwrap_or(0));
            person.emails.push(format!("{}@{domain}", ["info", "sales", "workshop"][random.below(3)]));
        } else if !human.work.is_empty() && random.percent(88) {
            person.emails.push(human.work.clone());
        } else if random.percent(88) {
            person.emails.push(human.private.clone());
        }
        if !human.phone.is_empty() && random.percent(80) {
            person.phones.push(human.phone.clone());
        }
        if let Some(firm) = human.firm {
            if random.percent(75) {
                person.company = words::firm(firm, random.below(4));
            }
            if random.percent(25) {
                person.company_domain = format!("https://www.{}", words::domain(firm));
            }
        }
        if random.percent(55) {
            human.title.clone_into(&mut person.title);
        }
        if random.percent(60) {
            person.city.clone_from(&human.city);
        }
        if random.percent(70) {
            human.country.clone_into(&mut person.country);
        }
        person
    }
}

/// What happens to a record that is typed in a second time.
fn spoil(person: &mut Person, human: &Human, random: &mut Random) {
    match random.below(8) {
        0 => slip(&mut person.family_name, random),
        1 => slip(&mut person.given_name, random),
        2 => std::mem::swap(&mut person.given_name, &mut person.family_name),
        3 => {
            if let Some(short) = words::nickname(&human.given) {
                short.clone_into(&mut person.given_name);
            }
        }
        4 => {
            for text in [&mut person.name, &mut person.given_name, &mut person.family_name] {
                *text = text.to_uppercase();
            }
        }
        _ => {}
    }
    match random.below(10) {
        0 => person.emails.clear(),
        1 if !human.private.is_empty() => person.emails = vec![human.private.clone()],
        2 | 3 => {
            for email in &mut person.emails {
                *email = email.replacen('@', "+news@", 1);
            }
        }
        4 => {
            for email in &mut person.emails {
                *email = email.to_uppercase();
            }
        }
        5 => {
            if let Some(email) = person.emails.first_mut() {
                slip(email, random);
            }
        }
        _ => {}
    }
    for phone in &mut person.phones {
        match random.below(4) {
            0 => *phone = phone.replace("+44 ", "0044-"),
            1 => *phone = phone.replace("+44 ", "0"),
            2 => slip(phone, random),
            _ => {}
        }
    }
    if random.percent(30) {
        person.title.clear();
    }
    if random.percent(15) {
        slip(&mut person.company, random);
    }
}

/// One typing slip behind the first letter: two neighbours change places, one is lost, or one comes twice.
fn slip(text: &mut String, random: &mut Random) {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 5 {
        return;
    }
    let at = 1 + random.below(letters.len() - 2);
    match random.below(3) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        _ => letters.insert(at, letters[at]),
    }
    *text = letters.into_iter().collect();
}

fn is_repeat(row: usize) -> bool {
    REPEATS.contains(&(row % 25))
}

/// The entity a row is the first record of.
fn first_of(row: usize) -> usize {
    row - row / 25 * REPEATS.len() - REPEATS.iter().filter(|repeat| **repeat < row % 25).count()
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| mix(state ^ u64::from(byte)))
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Numbers that look random and are not.
struct Random(u64);

impl Random {
    fn new(seed: u64, number: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose << 56)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// A rank below `limit`; the larger the power, the more the first ranks are preferred.
    fn skewed(&mut self, limit: usize, power: f64) -> usize {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((limit as f64 * share.powf(power)) as usize).min(limit.saturating_sub(1))
    }
}
