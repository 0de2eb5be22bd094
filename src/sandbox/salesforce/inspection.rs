//! What tests and the books ask about the org: the census, every row as a line, rows created twice through
//! the API. Reads only.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{Org, Row};
use crate::sandbox::desk::Who;

impl Org {
    /// Live rows by object type, types without rows left out.
    pub(in crate::sandbox) fn census(&self) -> Value {
        let mut census = Map::new();
        for table in &self.tables {
            let live = self.rows(table.kind.name).filter(|row| !row.deleted).count();
            if live > 0 {
                census.insert(table.kind.name.to_owned(), json!(live));
            }
        }
        Value::Object(census)
    }

    /// One line for each row, deleted ones included.
    pub(in crate::sandbox) fn lines(&self) -> Vec<String> {
        let line = |row: &Row| {
            let fields: BTreeMap<_, _> = row.fields.iter().collect();
            format!("{}|{}|{}|{}|{fields:?}", row.object, row.id, row.deleted, row.created)
        };
        self.tables.iter().flat_map(|table| self.rows(table.kind.name)).map(line).collect()
    }

    /// Live leads, contacts and accounts the API has created twice: one external id or e-mail, several rows.
    pub(in crate::sandbox) fn created_twice(&self) -> Vec<Value> {
        let mut found = Vec::new();
        let keys = [
            ("Lead", "Intercom_Contact_ID__c"),
            ("Lead", "Email"),
            ("Contact", "Intercom_Contact_ID__c"),
            ("Contact", "Email"),
            ("Account", "Intercom_Company_ID__c"),
            ("Task", "Intercom_Conversation_ID__c"),
        ];
        for (object, field) in keys {
            let mut seen: HashMap<String, Vec<&str>> = HashMap::new();
            let created = self.rows(object).filter(|row| !row.deleted && row.created_by == Who::Api);
            for row in created {
                if let Some(value) = row.text(field) {
                    seen.entry(value.to_lowercase()).or_default().push(&row.id);
                }
            }
            let mut twice: Vec<_> = seen.into_iter().filter(|(_, ids)| ids.len() > 1).collect();
            twice.sort();
            found.extend(twice.into_iter().map(|(value, ids)| {
                json!({"vendor": "salesforce", "object": object, "property": field, "value": value, "ids": ids})
            }));
        }
        found
    }
}
