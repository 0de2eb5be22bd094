//! One object type's records with their indexes. Stores and finds; knows no rules about values.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::order::{Entry, Order};
use super::properties::{Property, standing};
use crate::sandbox::desk::iso;

/// The object types the portal has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::sandbox) enum Kind {
    Contacts = 0,
    Companies = 1,
    Deals = 2,
    Tickets = 3,
    Tasks = 4,
    Notes = 5,
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Contacts, Self::Companies, Self::Deals, Self::Tickets, Self::Tasks, Self::Notes];

    /// Reads a name (plural or singular) or a type id, as paths may hold either.
    pub(in crate::sandbox) fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            kind.type_id() == name
                || kind.singular().eq_ignore_ascii_case(name)
                || kind.plural().eq_ignore_ascii_case(name)
        })
    }

    pub(super) fn type_id(self) -> &'static str {
        ["0-1", "0-2", "0-3", "0-5", "0-27", "0-46"][self as usize]
    }

    pub(super) fn singular(self) -> &'static str {
        ["contact", "company", "deal", "ticket", "task", "note"][self as usize]
    }

    pub(super) fn plural(self) -> &'static str {
        ["contacts", "companies", "deals", "tickets", "tasks", "notes"][self as usize]
    }

    /// The property that holds the moment of the last change.
    pub(super) fn modified_property(self) -> &'static str {
        if self == Self::Contacts { "lastmodifieddate" } else { "hs_lastmodifieddate" }
    }

    /// What a read without `properties` shows.
    pub(super) fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contacts => &["email", "firstname", "lastname"],
            Self::Companies => &["name", "domain"],
            Self::Deals => &["dealname", "amount", "closedate", "dealstage", "pipeline"],
            Self::Tickets => &[
                "subject",
                "content",
                "hs_pipeline",
                "hs_pipeline_stage",
                "hs_ticket_category",
                "hs_ticket_priority",
            ],
            Self::Tasks | Self::Notes => &[],
        }
    }
}

/// One record; moments in milliseconds.
#[derive(Clone, Default)]
pub(in crate::sandbox) struct Record {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) values: BTreeMap<String, String>,
    pub(in crate::sandbox) created: i64,
    pub(in crate::sandbox) updated: i64,
    pub(in crate::sandbox) archived: Option<i64>,
    pub(in crate::sandbox) by_api: bool,
    pub(in crate::sandbox) merges: u32,
    /// Values that were replaced, oldest first: name, former value, when it went.
    pub(in crate::sandbox) former: Vec<(String, String, i64)>,
}

impl Record {
    /// A property's value; the vendor's own moments and id are properties too.
    pub(in crate::sandbox) fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "hs_object_id" => Some(self.id.to_string().into()),
            "createdate" | "hs_createdate" => Some(iso(self.created).into()),
            "lastmodifieddate" | "hs_lastmodifieddate" => Some(iso(self.updated).into()),
            // What a deal's stage says, unless somebody has set the probability by hand.
            "hs_is_closed" | "hs_is_closed_won" | "hs_deal_stage_probability"
                if !self.values.contains_key(name) =>
            {
                let stage = super::directory::deal_stage(self.values.get("dealstage")?)?;
                Some(match name {
                    "hs_is_closed" => matches!(stage, "1.0" | "0.0").to_string().into(),
                    "hs_is_closed_won" => (stage == "1.0").to_string().into(),
                    _ => stage.into(),
                })
            }
            _ => self.values.get(name).map(|value| Cow::Borrowed(value.as_str())),
        }
    }

    /// A moment property as milliseconds, without writing it out first.
    pub(super) fn moment(&self, name: &str) -> Option<i64> {
        match name {
            "createdate" | "hs_createdate" => Some(self.created),
            "lastmodifieddate" | "hs_lastmodifieddate" => Some(self.updated),
            _ => None,
        }
    }
}

/// All records of one type.
pub(in crate::sandbox) struct Shelf {
    pub(in crate::sandbox) records: BTreeMap<u64, Record>,
    /// Ids that a merge has retired, and where they lead.
    pub(super) redirects: HashMap<u64, u64>,
    unique: HashMap<String, u64>,
    /// Live records by the moment of their last change.
    by_change: Order,
    /// What the search still shows of records changed within the lag.
    lagging: HashMap<u64, Record>,
    lag: i64,
    pub(in crate::sandbox) properties: Vec<Property>,
    by_name: HashMap<String, usize>,
}

fn unique_key(property: &str, value: &str) -> String {
    format!("{property}\u{0}{}", value.trim().to_lowercase())
}

impl Shelf {
    pub(super) fn new(kind: Kind, lag: i64) -> Self {
        let properties = standing(kind);
        let by_name =
            properties.iter().enumerate().map(|(index, property)| (property.name.clone(), index)).collect();
        Self {
            records: BTreeMap::new(),
            redirects: HashMap::new(),
            unique: HashMap::new(),
            by_change: Order::default(),
            lagging: HashMap::new(),
            lag,
            properties,
            by_name,
        }
    }

    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.by_name.get(name).map(|index| &self.properties[*index])
    }

    pub(super) fn property_mut(&mut self, name: &str) -> Option<&mut Property> {
        let index = *self.by_name.get(name)?;
        self.properties.get_mut(index)
    }

    pub(super) fn add_property(&mut self, property: Property) {
        self.by_name.insert(property.name.clone(), self.properties.len());
        self.properties.push(property);
    }

    /// Gives a property another name; the values of records stay where they were.
    pub(super) fn rename_property(&mut self, name: &str, new: &str) -> bool {
        let Some(index) = self.by_name.remove(name) else { return false };
        new.clone_into(&mut self.properties[index].name);
        self.by_name.insert(new.to_owned(), index);
        true
    }

    /// Follows merges to the id that stands today.
    pub(super) fn current_id(&self, id: u64) -> u64 {
        let mut current = id;
        while let Some(next) = self.redirects.get(&current) {
            current = *next;
        }
        current
    }

    /// The live record behind an id, old ids of merged records included.
    pub(in crate::sandbox) fn live(&self, id: u64) -> Option<&Record> {
        self.records.get(&self.current_id(id)).filter(|record| record.archived.is_none())
    }

    /// The live record with that value of a unique property.
    pub(in crate::sandbox) fn with_unique(&self, property: &str, value: &str) -> Option<&Record> {
        self.unique.get(&unique_key(property, value)).and_then(|id| self.live(*id))
    }

    fn unique_keys(&self, record: &Record) -> Vec<String> {
        let mut keys = Vec::new();
        for (name, value) in &record.values {
            if self.property(name).is_some_and(|property| property.unique) {
                keys.push(unique_key(name, value));
            }
            if name == "hs_additional_emails" {
                keys.extend(value.split(';').map(|email| unique_key("email", email)));
            }
        }
        keys
    }

    /// Stores a record in place of its former self.
    pub(in crate::sandbox) fn put(&mut self, record: Record) {
        self.forget_keys(record.id);
        if self.lag > 0
            && let Some(old) = self.records.get(&record.id)
            && (old.updated + self.lag <= record.updated || !self.lagging.contains_key(&record.id))
        {
            self.lagging.insert(record.id, old.clone());
        }
        if record.archived.is_none() {
            for key in self.unique_keys(&record) {
                self.unique.insert(key, record.id);
            }
            self.by_change.insert((record.updated, record.id));
        }
        self.records.insert(record.id, record);
    }

    fn forget_keys(&mut self, id: u64) {
        let Some(record) = self.records.get(&id) else { return };
        self.by_change.remove(&(record.updated, id));
        for key in self.unique_keys(record) {
            if self.unique.get(&key) == Some(&id) {
                self.unique.remove(&key);
            }
        }
    }

    pub(super) fn take(&mut self, id: u64) -> Option<Record> {
        self.forget_keys(id);
        self.lagging.remove(&id);
        self.records.remove(&id)
    }

    /// The places in the order of change of what lies between two entries, both ends with it.
    pub(super) fn changed(&self, from: Entry, to: Entry) -> std::ops::Range<usize> {
        let end = match to.1.checked_add(1) {
            Some(next) => self.by_change.before(&(to.0, next)),
            None if to.0 == i64::MAX => self.by_change.before(&to),
            None => self.by_change.before(&(to.0 + 1, 0)),
        };
        self.by_change.before(&from)..end
    }

    /// The live records at these places of the order of change.
    pub(super) fn at_places(
        &self,
        places: std::ops::Range<usize>,
    ) -> impl DoubleEndedIterator<Item = &Record> {
        self.by_change.slice(places).into_iter().map(|(_, id)| &self.records[&id])
    }

    /// A record as the search shows it at a moment: for a while as it was before its last change, or not at all.
    pub(super) fn searchable<'a>(&'a self, record: &'a Record, now: i64) -> Option<&'a Record> {
        let settled = |record: &&Record| record.updated + self.lag <= now;
        Some(record).filter(settled).or_else(|| self.lagging.get(&record.id).filter(settled))
    }

    /// The search shows every write at once.
    pub(super) fn searches_at_once(&self) -> bool {
        self.lag == 0
    }

    pub(in crate::sandbox) fn live_records(&self) -> impl Iterator<Item = &Record> {
        self.records.values().filter(|record| record.archived.is_none())
    }
}
