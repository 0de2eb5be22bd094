//! Duplicate rules: which rows a new or changed one resembles, and the refusal that lists them. Cruder than
//! the vendor's fuzzy matching on purpose, so that a test can foresee it. It finds; it never merges.

use serde_json::{Map, Value, json};

use super::Org;
use super::rows::Row;
use super::schema::ObjectType;
use super::verbs::{RowError, WriteOptions};
use crate::sandbox::DuplicateRules;

/// Whether a field takes part in matching.
pub(super) fn matters(kind: &ObjectType, field: &str) -> bool {
    match kind.name {
        "Lead" | "Contact" => ["Email", "Phone", "FirstName", "LastName"].contains(&field),
        "Account" => ["Name", "Website", "Phone"].contains(&field),
        _ => false,
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A website without what does not identify it.
fn host(website: &str) -> String {
    let bare = website.trim().to_lowercase();
    let bare = bare.strip_prefix("https://").or(bare.strip_prefix("http://")).unwrap_or(&bare);
    bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/').to_owned()
}

fn same(values: &Map<String, Value>, row: &Row, field: &str, form: fn(&str) -> String) -> bool {
    let given = values.get(field).and_then(Value::as_str).map(form).unwrap_or_default();
    let there = row.text(field).map(form).unwrap_or_default();
    !given.is_empty() && given == there
}

impl Org {
    /// Refuses what resembles a live row, unless the rules only alert and the caller insists.
    pub(super) fn check_duplicates(
        &self,
        kind: &ObjectType,
        id: Option<&str>,
        values: &Map<String, Value>,
        options: &WriteOptions,
    ) -> Result<(), RowError> {
        let allow = self.setup.duplicate_rules == DuplicateRules::Alert;
        if self.setup.duplicate_rules == DuplicateRules::Off || (allow && options.allow_save) {
            return Ok(());
        }
        // A lead is compared with contacts too; a contact is not compared with leads, or no lead could be
        // converted.
        let against: &[(&str, &str)] = match kind.name {
            "Lead" => {
                &[("Lead", "Standard_Lead_Match_Rule_v1_0"), ("Contact", "Standard_Contact_Match_Rule_v1_1")]
            }
            "Contact" => &[("Contact", "Standard_Contact_Match_Rule_v1_1")],
            "Account" => &[("Account", "Standard_Account_Match_Rule_v1_0")],
            _ => return Ok(()),
        };
        let mut results = Vec::new();
        for (object, rule) in against {
            let mut resembling = self.resembling(object, values);
            resembling.retain(|row| Some(row.id.as_str()) != id);
            if resembling.is_empty() {
                continue;
            }
            let records: Vec<Value> = resembling
                .iter()
                .map(|row| {
                    let wanted = ["Id".to_owned()];
                    let fields = if options.include_record_details { None } else { Some(&wanted[..]) };
                    json!({
                        "additionalInformation": [],
                        "fieldDiffs": [],
                        "matchConfidence": 100.0,
                        "record": self.shape(row, fields),
                    })
                })
                .collect();
            results.push(json!({
                "entityType": object,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": records,
                "rule": rule,
                "size": records.len(),
                "success": true,
            }));
        }
        if results.is_empty() {
            return Ok(());
        }
        let message = "Use one of these records?";
        let mut refusal = RowError::new("DUPLICATES_DETECTED", message);
        refusal.detail = Some(Box::new(json!({
            "allowSave": allow,
            "duplicateRule": format!("Standard_{}_Duplicate_Rule", kind.name),
            "duplicateRuleEntityType": kind.name,
            "errorMessage": message,
            "matchResults": results,
        })));
        Err(refusal)
    }

    /// Live rows that look like these values; converted leads are out of the comparison.
    fn resembling(&self, object: &str, values: &Map<String, Value>) -> Vec<&Row> {
        let text = |field: &str| values.get(field).and_then(Value::as_str).unwrap_or_default();
        let mut rows = Vec::new();
        let add = |found: Vec<&'_ Row>, alike: &dyn Fn(&Row) -> bool| -> Vec<String> {
            found.into_iter().filter(|row| alike(row)).map(|row| row.id.clone()).collect()
        };
        if object == "Account" {
            rows.extend(add(self.live(object, "Name", text("Name")), &|row| {
                same(values, row, "Website", host) || same(values, row, "Phone", plain)
            }));
        } else {
            rows.extend(add(self.live(object, "Email", text("Email")), &|row| !row.flag("IsConverted")));
            rows.extend(add(self.live(object, "Phone", text("Phone")), &|row| {
                !row.flag("IsConverted")
                    && same(values, row, "FirstName", plain)
                    && same(values, row, "LastName", plain)
            }));
        }
        rows.sort();
        rows.dedup();
        rows.iter().filter_map(|id| self.row(object, id)).collect()
    }
}
