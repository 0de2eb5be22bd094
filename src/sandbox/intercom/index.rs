//! The workspace's contacts, findable by id, e-mail, phone, external id and time of change without looking at all of
//! them. Keeps its indexes true by itself; knows no rule of the vendor's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use super::Contact;

/// Changes are also counted by quarters of an hour: the days of every time zone begin on one.
const QUARTER: i64 = 900_000;

/// All contacts, archived ones too.
#[derive(Default)]
pub(in crate::sandbox) struct Contacts {
    by_id: BTreeMap<String, Contact>,
    emails: HashMap<String, Vec<String>>,
    phones: HashMap<String, Vec<String>>,
    external_ids: HashMap<String, Vec<String>>,
    /// Those not archived, by when they changed.
    changed: BTreeSet<(i64, String)>,
    /// How many of those changed in each quarter of an hour.
    quarters: BTreeMap<i64, usize>,
}

fn enter(index: &mut HashMap<String, Vec<String>>, key: Option<String>, id: &str) {
    if let Some(key) = key {
        index.entry(key).or_default().push(id.to_owned());
    }
}

fn leave(index: &mut HashMap<String, Vec<String>>, key: Option<String>, id: &str) {
    let Some(key) = key else { return };
    if let Some(ids) = index.get_mut(&key) {
        ids.retain(|known| known != id);
        if ids.is_empty() {
            index.remove(&key);
        }
    }
}

impl Contacts {
    pub(in crate::sandbox) fn get(&self, id: &str) -> Option<&Contact> {
        self.by_id.get(id)
    }

    /// For values that no index holds; others change through [`Contacts::change`].
    pub(in crate::sandbox) fn get_mut(&mut self, id: &str) -> Option<&mut Contact> {
        self.by_id.get_mut(id)
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// All of them, archived ones too, by id.
    pub(in crate::sandbox) fn values(&self) -> impl Iterator<Item = &Contact> {
        self.by_id.values()
    }

    /// Those not archived, by id, behind a given one.
    pub(super) fn live_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Contact> + use<'a> {
        self.by_id
            .range::<str, _>((Bound::Excluded(id), Bound::Unbounded))
            .map(|(_, contact)| contact)
            .filter(|contact| !contact.archived)
    }

    /// How many are not archived.
    pub(super) fn live(&self) -> usize {
        self.changed.len()
    }

    /// Every contact with that e-mail, in any letter case.
    pub(super) fn with_email(&self, email: &str) -> impl Iterator<Item = &Contact> {
        self.emails.get(&email.to_lowercase()).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    pub(super) fn with_phone(&self, phone: &str) -> impl Iterator<Item = &Contact> {
        self.phones.get(phone).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    pub(super) fn with_external_id(&self, external: &str) -> impl Iterator<Item = &Contact> {
        self.external_ids.get(external).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Stores a contact; one with the same id goes.
    pub(super) fn put(&mut self, contact: Contact) {
        self.remove(&contact.id);
        let id = contact.id.clone();
        enter(&mut self.emails, contact.email.as_ref().map(|email| email.to_lowercase()), &id);
        enter(&mut self.phones, contact.phone.clone(), &id);
        enter(&mut self.external_ids, contact.external_id.clone(), &id);
        if !contact.archived {
            self.changed.insert((contact.updated, id.clone()));
            *self.quarters.entry(contact.updated.div_euclid(QUARTER)).or_default() += 1;
        }
        self.by_id.insert(id, contact);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Contact> {
        let contact = self.by_id.remove(id)?;
        leave(&mut self.emails, contact.email.as_ref().map(|email| email.to_lowercase()), id);
        leave(&mut self.phones, contact.phone.clone(), id);
        leave(&mut self.external_ids, contact.external_id.clone(), id);
        if !contact.archived {
            self.changed.remove(&(contact.updated, id.to_owned()));
            let quarter = contact.updated.div_euclid(QUARTER);
            if let Some(count) = self.quarters.get_mut(&quarter) {
                *count -= 1;
                if *count == 0 {
                    self.quarters.remove(&quarter);
                }
            }
        }
        Some(contact)
    }

    /// Changes any value of a contact, and dates the change; false when there is none.
    pub(super) fn change(&mut self, id: &str, now: i64, change: impl FnOnce(&mut Contact)) -> bool {
        let Some(mut contact) = self.remove(id) else { return false };
        change(&mut contact);
        contact.updated = now.max(contact.updated + 1);
        self.put(contact);
        true
    }

    /// How many not archived ones changed in a span of milliseconds whose ends are quarters of an hour.
    pub(super) fn count_changed(&self, from: i64, to: i64) -> usize {
        let (from, to) = (from.div_euclid(QUARTER), to.div_euclid(QUARTER));
        if from >= to { 0 } else { self.quarters.range(from..to).map(|(_, count)| count).sum() }
    }

    /// Those that changed in a span of milliseconds, oldest change first.
    pub(super) fn changed(&self, from: i64, to: i64) -> impl DoubleEndedIterator<Item = &(i64, String)> {
        let to = to.max(from);
        self.changed.range((from, String::new())..(to, String::new()))
    }

    /// The same behind a place in that order, or before it when `to` is the place.
    pub(super) fn changed_between(
        &self,
        from: Bound<(i64, String)>,
        to: Bound<(i64, String)>,
    ) -> impl DoubleEndedIterator<Item = &(i64, String)> {
        self.changed.range((from, to))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contact(id: u8, updated: i64, archived: bool) -> Contact {
        Contact {
            id: format!("{id:024x}"),
            email: Some(format!("Person{}@Example.com", id % 7)),
            external_id: Some(format!("u{}", id % 5)),
            updated,
            archived,
            ..Contact::default()
        }
    }

    proptest! {
        /// Whatever is put, changed and removed, the indexes answer as a look at every contact would.
        #[test]
        fn the_indexes_say_what_a_look_at_all_contacts_says(
            steps in proptest::collection::vec((0_u8..40, 0_i64..40 * QUARTER, 0_u8..4), 1..120),
            span in (0_i64..40, 0_i64..40),
        ) {
            let mut contacts = Contacts::default();
            for (id, at, what) in steps {
                let made = contact(id, at, what == 1);
                match what {
                    0 | 1 => contacts.put(made),
                    2 => drop(contacts.remove(&made.id)),
                    _ => drop(contacts.change(&made.id, at, |contact| contact.email = None)),
                }
            }
            let live = |one: &&Contact| !one.archived;
            prop_assert_eq!(contacts.live(), contacts.values().filter(live).count());
            let (from, to) = (span.0.min(span.1) * QUARTER, span.0.max(span.1) * QUARTER);
            let mut within: Vec<(i64, String)> = contacts
                .values()
                .filter(live)
                .filter(|one| (from..to).contains(&one.updated))
                .map(|one| (one.updated, one.id.clone()))
                .collect();
            within.sort();
            prop_assert_eq!(contacts.count_changed(from, to), within.len());
            prop_assert!(contacts.changed(from, to).eq(within.iter()));
            for one in contacts.values() {
                let email = one.email.clone().unwrap_or_default();
                prop_assert_eq!(contacts.with_email(&email).any(|found| found.id == one.id), one.email.is_some());
                let external = one.external_id.clone().unwrap_or_default();
                prop_assert!(contacts.with_external_id(&external).any(|found| found.id == one.id));
            }
            prop_assert_eq!(contacts.live_after("").count(), contacts.live());
        }
    }
}
