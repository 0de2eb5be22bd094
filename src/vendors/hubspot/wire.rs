//! HubSpot's JSON as our mirrors. Property values stay the texts HubSpot sends; ids may come as numbers. Never
//! guesses an id.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;

/// The type ids that mean "primary company of the contact".
const PRIMARY: u64 = 1;

pub(crate) fn id(item: &Value) -> Option<String> {
    item.get("id").map(value_text).filter(|id| !id.is_empty())
}

pub(crate) fn results(answer: &Value) -> &[Value] {
    answer.get("results").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The cursor of the next page; without one, this was the last.
pub(crate) fn next(answer: &Value) -> Option<String> {
    let after = answer.get("paging")?.get("next")?.get("after")?;
    Some(value_text(after)).filter(|after| !after.is_empty())
}

pub(crate) fn mirror(
    connection: &Connection,
    object: ObjectKind,
    row: &Value,
) -> Result<Mirror, VendorError> {
    let Some(id) = id(row) else {
        return Err(VendorError::new(
            ErrorClass::Malformed,
            &format!("HubSpot's answer holds a {object} without an id."),
        ));
    };
    let time = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
    let properties = row.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let changed = super::search::changed_property(object);
    Ok(Mirror {
        record: RecordRef { connection: connection.clone(), object, id },
        // The property is what searches sort and filter by; `updatedAt` may differ from it by moments.
        vendor_updated_at: time(properties.get(changed)).or_else(|| time(row.get("updatedAt"))),
        fields: properties,
        companies: companies(row),
        deleted: row.get("archived").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// The ids of the records that were merged into this one.
pub(crate) fn merged_ids(row: &Value) -> Vec<String> {
    let listed = row.pointer("/properties/hs_merged_object_ids").map(value_text).unwrap_or_default();
    listed.split(';').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// Companies named in the answer to a single read, the primary one first.
fn companies(row: &Value) -> Vec<String> {
    let related = row.pointer("/associations/companies/results").and_then(Value::as_array);
    let mut ids = Vec::new();
    for entry in related.into_iter().flatten() {
        let Some(id) = id(entry) else { continue };
        // HubSpot lists the primary company twice: as "contact_to_company" and as "contact_to_company_unlabeled".
        let primary = entry.get("type").and_then(Value::as_str) == Some("contact_to_company");
        insert(&mut ids, id, primary);
    }
    ids
}

fn insert(ids: &mut Vec<String>, id: String, primary: bool) {
    if primary {
        ids.retain(|other| *other != id);
        ids.insert(0, id);
    } else if !ids.contains(&id) {
        ids.push(id);
    }
}

/// Record id to the ids it is related to, from a batch read of associations, the primary one first.
pub(crate) fn associations(answer: &Value) -> HashMap<String, Vec<String>> {
    let mut related = HashMap::new();
    for row in results(answer) {
        let Some(from) = row.get("from").and_then(id) else { continue };
        let ids: &mut Vec<String> = related.entry(from).or_default();
        for to in row.get("to").and_then(Value::as_array).into_iter().flatten() {
            let id = to.get("toObjectId").map(value_text).filter(|id| !id.is_empty());
            let Some(id) = id else { continue };
            let kinds = to.get("associationTypes").and_then(Value::as_array);
            let primary = kinds.into_iter().flatten().any(|kind| {
                kind.get("typeId").and_then(Value::as_u64) == Some(PRIMARY)
                    && kind.get("category").and_then(Value::as_str) == Some("HUBSPOT_DEFINED")
            });
            insert(ids, id, primary);
        }
    }
    related
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;
    use serde_json::json;

    #[test]
    fn the_primary_company_comes_first_and_once() {
        let row = json!({"id": "151", "properties": {"lastmodifieddate": "2026-01-10T04:11:14.436Z"},
        "associations": {"companies": {"results": [
            {"id": "812", "type": "contact_to_company_unlabeled"},
            {"id": "900", "type": "contact_to_company_unlabeled"},
            {"id": "900", "type": "contact_to_company"},
        ]}}});
        let read = mirror(&Connection::only(System::Hubspot), ObjectKind::Contact, &row).expect("a contact");
        assert_eq!(read.companies, ["900", "812"]);
        assert_eq!(read.vendor_updated_at, Timestamp::parse_rfc3339("2026-01-10T04:11:14.436Z"));

        let batch = json!({"results": [{"from": {"id": "151"}, "to": [
            {"toObjectId": 812, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]},
            {"toObjectId": "900", "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": 279}, {"category": "HUBSPOT_DEFINED", "typeId": 1}]},
        ]}]});
        assert_eq!(associations(&batch)["151"], ["900", "812"]);
    }
}
