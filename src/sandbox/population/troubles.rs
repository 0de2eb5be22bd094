//! What is wrong in the standing data on purpose: duplicates, false friends, leads that are users, people
//! whose company is not related, companies entered twice. Each is noted in the truth.

use serde_json::{Value, json};

use super::words::{NICKNAMES, PLACES};
use super::{Person, Settlement};

/// What was made wrong, by id.
#[derive(Default)]
pub(super) struct Truth {
    duplicates: Vec<Value>,
    false_friends: Vec<Value>,
    leads: Vec<Value>,
    unlinked: Vec<Value>,
    companies: Vec<Value>,
}

impl Truth {
    pub(super) fn report(&self) -> Value {
        json!({
            "duplicates": self.duplicates,
            "false_friends": self.false_friends,
            "intercom_leads": self.leads,
            "unlinked": self.unlinked,
            "duplicate_companies": self.companies,
        })
    }
}

/// How a second entry of the same person differs.
#[derive(Clone, Copy)]
enum Variant {
    PrivateEmail,
    DomainTypo,
    Nickname,
    SwappedNames,
    PlusTag,
}

const VARIANTS: [Variant; 15] = {
    use Variant::{DomainTypo, Nickname, PlusTag, PrivateEmail, SwappedNames};
    [
        PrivateEmail,
        DomainTypo,
        Nickname,
        SwappedNames,
        PlusTag,
        PrivateEmail,
        DomainTypo,
        Nickname,
        SwappedNames,
        PlusTag,
        PrivateEmail,
        DomainTypo,
        Nickname,
        SwappedNames,
        PlusTag,
    ]
};

fn texts(ids: &[u64]) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

impl Settlement<'_> {
    pub(super) fn troubles(&mut self) {
        if self.firms.len() < 12 {
            return;
        }
        for (index, variant) in VARIANTS.iter().enumerate() {
            self.duplicate(index, *variant);
        }
        self.leads();
        self.false_friends();
        self.unlinked();
        self.duplicate_companies();
        self.without_email();
    }

    fn duplicate(&mut self, index: usize, variant: Variant) {
        let mut person = self.random_person();
        if let Variant::Nickname = variant {
            let (formal, _) = NICKNAMES[index % NICKNAMES.len()];
            let last = person.last.clone();
            self.serial -= 1;
            person = self.person(formal, &last, person.firm);
        }
        let (_, original) = self.both(&person);
        let mut twin = person.clone();
        twin.created = person.created + 40 * super::DAY / 10;
        twin.email = Some(self.twin_email(&person, variant));
        match variant {
            Variant::Nickname => {
                let known = NICKNAMES.iter().find(|(formal, _)| *formal == person.first);
                twin.first = known.map_or_else(|| person.first.clone(), |(_, short)| (*short).to_owned());
            }
            Variant::SwappedNames => {
                std::mem::swap(&mut twin.first, &mut twin.last);
            }
            Variant::PrivateEmail | Variant::DomainTypo | Variant::PlusTag => {}
        }
        if let Variant::DomainTypo | Variant::PlusTag = variant {
            twin.phone = None;
        }
        let copy = self.contact(&twin, None, true);
        let mut group = vec![original, copy];
        // One group in five has a third entry, from a trade fair's scanner.
        if index.is_multiple_of(5) {
            let mut third = person.clone();
            third.email = None;
            third.title = String::new();
            group.push(self.contact(&third, None, false));
        }
        self.truth.duplicates.push(json!(texts(&group)));
    }

    fn twin_email(&mut self, person: &Person, variant: Variant) -> String {
        let email = person.email.clone().unwrap_or_default();
        let (local, domain) = email.split_once('@').unwrap_or((&email, "gmail.com"));
        match variant {
            Variant::DomainTypo => {
                let at = domain.len() / 3;
                let mut letters: Vec<char> = domain.chars().collect();
                letters.swap(at, at + 1);
                let swapped: String = letters.into_iter().collect();
                let typo = if swapped == domain { domain.replacen(".com", ".cm", 1) } else { swapped };
                format!("{local}@{typo}")
            }
            Variant::PlusTag => format!("{local}+webinar@{domain}"),
            Variant::PrivateEmail | Variant::Nickname | Variant::SwappedNames => {
                let year = self.rng.u32(70..99);
                format!("{}{year}@gmail.com", local.replace('.', ""))
            }
        }
    }

    fn leads(&mut self) {
        for index in 0..4 {
            let person = self.random_person();
            let (user, _) = self.both(&person);
            let mut visitor = person.clone();
            if index % 2 == 0 {
                visitor.phone = None;
            } else {
                visitor.email = Some(format!("{}.{index}@outlook.com", super::slug(&person.last)));
            }
            visitor.signed_up = None;
            let lead = self.intercom_contact(&visitor, false);
            self.truth.leads.push(json!({"lead": lead, "user": user}));
        }
    }

    fn friends(&mut self, people: &[Person], why: &str) {
        let ids: Vec<u64> = people.iter().map(|person| self.both(person).1).collect();
        self.truth.false_friends.push(json!({"ids": texts(&ids), "why": why}));
    }

    fn false_friends(&mut self) {
        let father = self.person("Henrik", "Thorsen", Some(0));
        let mut son = self.person("Emil", "Thorsen", Some(0));
        son.phone.clone_from(&father.phone);
        self.friends(&[father, son], "father and son share a phone");

        let mut manager = self.person("John", "Smith", Some(1));
        let mut engineer = self.person("John", "Smith", Some(1));
        "Finance Director".clone_into(&mut manager.title);
        "Software Engineer".clone_into(&mut engineer.title);
        self.friends(&[manager, engineer], "two people of one name in one firm");

        let mut first = self.person("Rosa", "Delgado", Some(2));
        first.email = Some(format!("info@{}", self.firms[2].domain));
        let mut second = self.person("Marek", "Novak", Some(2));
        second.email = Some(format!("sales@{}", self.firms[2].domain));
        second.phone.clone_from(&first.phone);
        self.friends(&[first, second], "shared inboxes and a switchboard");

        let german = self.person("Anna", "Weber", Some(3));
        let mut australian = self.person("Anna", "Weber", Some(4));
        australian.place = (german.place + 5) % PLACES.len();
        self.friends(&[german, australian], "the same name in other countries");

        let berlin = self.firm("Halvorsen Group", "halvorsengroup.com", 4, "Energy");
        let leeds = self.firm("Halvorsen Group UK", "halvorsengroup.co.uk", 5, "Energy");
        let parent = self.person("Maria", "Halvorsen", Some(berlin));
        let subsidiary = self.person("Maria", "Halvorsen", Some(leeds));
        self.friends(&[parent, subsidiary], "subsidiaries with their own domains");

        let elder = self.person("Pedro", "Reyes", Some(5));
        let mut younger = self.person("Paula", "Reyes", Some(5));
        younger.phone.clone_from(&elder.phone);
        self.friends(&[elder, younger], "a couple at one firm with one phone");

        let one = self.person("Wei", "Zhang", Some(6));
        let other = self.person("Wei", "Zhang", None);
        self.friends(&[one, other], "a frequent name, private and at work");
    }

    fn unlinked(&mut self) {
        for index in 0..8 {
            let firm = index % self.firms.len().min(9);
            let mut person = self.random_person();
            self.serial -= 1;
            let (first, last) = (person.first.clone(), person.last.clone());
            person = self.person(&first, &last, Some(firm));
            let right = self.firms[firm].hubspot;
            let (_, id) = if index % 2 == 0 {
                self.both(&person)
            } else {
                // Known by the address alone: the Intercom side has no company either.
                (String::new(), self.contact(&person, None, false))
            };
            self.hubspot.seed_unlink(id);
            self.truth.unlinked.push(json!({"contact": id.to_string(), "company": right.to_string()}));
        }
        let parent = self.firm("Castellan Partners", "castellanpartners.com", 6, "Consulting");
        let child = self.firm("Castellan Partners", "castellan.ca", 7, "Consulting");
        for (index, firm) in [None, None, Some(parent), Some(child)].into_iter().enumerate() {
            let mut person = self.random_person();
            person.firm = firm;
            if let Some(firm) = firm {
                // The group's common mail domain says nothing about which of the two.
                person.email = Some(format!("{}@castellan.group", super::slug(&person.name())));
                person.place = self.firms[firm].place;
            } else {
                person.email = Some(format!("{}{index}@gmail.com", super::slug(&person.name())));
            }
            let id = self.contact(&person, None, false);
            self.truth.unlinked.push(json!({"contact": id.to_string(), "company": null}));
        }
    }

    fn duplicate_companies(&mut self) {
        for index in [7, 8] {
            let firm = self.firms[index].clone();
            let created = self.past(300, 100);
            let name = format!("{} Ltd.", firm.name);
            let copy = self.hubspot_company(&name, &format!("www.{}", firm.domain), firm.place, created);
            self.truth.companies.push(json!([firm.hubspot.to_string(), copy.to_string()]));
        }
    }

    fn without_email(&mut self) {
        for _ in 0..3 {
            let mut person = self.random_person();
            person.email = None;
            self.both(&person);
        }
    }
}
