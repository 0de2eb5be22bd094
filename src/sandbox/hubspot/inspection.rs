//! Looking at the portal from outside its API: for tests, for the books and for comparing worlds. Reads only.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Portal;
use super::answers;
use super::shelf::Kind;

impl Portal {
    /// A live record as a write would answer it.
    pub(in crate::sandbox) fn shape(&self, kind: Kind, id: u64) -> Option<Value> {
        self.shelf(kind).live(id).map(|record| answers::written(kind, record))
    }

    /// How many live records of each type there are.
    pub(in crate::sandbox) fn census(&self) -> Value {
        let counts: Map<String, Value> = Kind::ALL
            .iter()
            .map(|kind| (kind.plural().to_owned(), json!(self.shelf(*kind).live_records().count())))
            .collect();
        Value::Object(counts)
    }

    /// Live contacts that the API created more than once for one e-mail or one Intercom contact. HubSpot
    /// itself refuses equal e-mails, so what shows here slipped past by an additional e-mail or a later edit.
    pub(in crate::sandbox) fn created_twice(&self) -> Vec<Value> {
        let mut groups: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
        for record in self.shelf(Kind::Contacts).live_records().filter(|record| record.by_api) {
            for property in ["email", "intercom_contact_id"] {
                if let Some(value) = record.value(property) {
                    groups.entry((property.to_owned(), value.to_lowercase())).or_default().push(record.id);
                }
            }
        }
        groups
            .into_iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|((property, value), ids)| json!({"vendor": "hubspot", "property": property, "value": value, "ids": ids}))
            .collect()
    }

    /// One line for every record and link, in a fixed order.
    pub(in crate::sandbox) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for kind in Kind::ALL {
            for record in self.shelf(kind).records.values() {
                let links: Vec<(u64, &str)> = Kind::ALL
                    .iter()
                    .flat_map(|to| {
                        self.linked_ids((kind, record.id), *to).into_iter().map(|id| (id, to.singular()))
                    })
                    .collect();
                lines.push(format!(
                    "{} {} {:?} {} {} {:?} {links:?}",
                    kind.singular(),
                    record.id,
                    record.values,
                    record.created,
                    record.updated,
                    record.archived
                ));
            }
        }
        lines
    }
}
