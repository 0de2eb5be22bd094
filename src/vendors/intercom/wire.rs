//! Intercom's JSON as our mirrors. Tolerant: unknown keys are kept, lists come under several names, times as seconds
//! in answers and as ISO texts in webhooks. Never guesses an id.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef};

use super::super::error::VendorError;

/// The record's id; Intercom writes most of them as text, some as numbers.
pub(crate) fn id(item: &Value) -> Option<String> {
    match item.get("id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The entries of a list answer, whatever name they come under.
pub(crate) fn items(answer: &Value) -> &[Value] {
    ["data", "companies", "contacts", "conversations"]
        .iter()
        .find_map(|name| answer.get(*name)?.as_array())
        .map_or(&[], Vec::as_slice)
}

/// The cursor of the next page.
pub(crate) fn next(answer: &Value) -> Option<String> {
    let cursor = answer.get("pages")?.get("next")?.get("starting_after")?;
    Some(crate::domain::record::value_text(cursor)).filter(|cursor| !cursor.is_empty())
}

/// How many numbered pages there are.
pub(crate) fn pages(answer: &Value) -> Option<u64> {
    answer.get("pages")?.get("total_pages")?.as_u64()
}

/// How many entries a list has in all.
pub(crate) fn total(answer: &Value) -> Option<u64> {
    answer.get("total_count")?.as_u64()
}

/// A contact, and whether it has more companies than it names.
pub(crate) fn contact(connection: &Connection, item: &Value) -> Result<(Mirror, bool), VendorError> {
    let companies = item.get("companies");
    let named: Vec<String> =
        companies.map(|list| items(list).iter().filter_map(id).collect()).unwrap_or_default();
    let more = companies.and_then(|list| list.get("has_more")).and_then(Value::as_bool).unwrap_or(false);
    let mut mirror = mirror(connection, ObjectKind::Contact, item)?;
    mirror.companies = named;
    Ok((mirror, more))
}

/// A company.
pub(crate) fn company(connection: &Connection, item: &Value) -> Result<Mirror, VendorError> {
    mirror(connection, ObjectKind::Company, item)
}

/// A record of another kind.
pub(crate) fn other(
    connection: &Connection,
    object: ObjectKind,
    item: &Value,
) -> Result<Mirror, VendorError> {
    mirror(connection, object, item)
}

fn mirror(connection: &Connection, object: ObjectKind, item: &Value) -> Result<Mirror, VendorError> {
    let Some(id) = id(item) else {
        return Err(VendorError::new(
            ErrorClass::Malformed,
            &format!("Intercom's answer holds a {object} without an id."),
        ));
    };
    let flag = |name: &str| item.get(name).and_then(Value::as_bool).unwrap_or(false);
    Ok(Mirror {
        record: RecordRef { connection: connection.clone(), object, id },
        fields: flattened(item),
        vendor_updated_at: item.get("updated_at").and_then(time),
        companies: Vec::new(),
        deleted: flag("deleted") || flag("archived"),
    })
}

/// Objects joined by dots one level deep; Intercom's paged sub-lists (tags, notes, companies) are not fields.
fn flattened(item: &Value) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        match value {
            _ if name == "type" => {}
            Value::Object(inner) if is_list(value) || inner.is_empty() => {}
            Value::Object(inner) => {
                // Values of custom attributes may be called "type"; elsewhere it is Intercom's own label.
                let own_label = name != "custom_attributes";
                for (key, value) in inner.iter().filter(|(key, _)| !(own_label && *key == "type")) {
                    fields.insert(format!("{name}.{key}"), value.clone());
                }
            }
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    fields
}

fn is_list(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str).is_some_and(|kind| kind.rsplit('.').next() == Some("list"))
}

/// A time as Intercom writes it: seconds, or ISO 8601 in webhooks.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(seconds) => {
            seconds.as_i64().filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
        }
        Value::String(text) => Timestamp::parse_rfc3339(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;
    use serde_json::json;

    #[test]
    fn a_contact_is_flattened_and_its_companies_are_named() {
        let item = json!({
            "type": "contact", "id": "64e2", "email": "jane@example.com", "updated_at": 1_768_018_294,
            "location": {"type": "location", "city": "Łódź"},
            "custom_attributes": {"plan": "pro", "type": "b2b"},
            "tags": {"type": "list", "data": [{"id": "1"}]},
            "companies": {"type": "list", "data": [{"id": "c1"}, {"id": "c2"}], "has_more": false},
        });
        let (mirror, more) = contact(&Connection::only(System::Intercom), &item).expect("a contact");
        assert!(!more && !mirror.deleted);
        assert_eq!(mirror.companies, ["c1", "c2"]);
        assert_eq!(mirror.text("location.city"), "Łódź");
        assert_eq!(mirror.text("custom_attributes.type"), "b2b");
        assert_eq!(mirror.vendor_updated_at, Some(Timestamp(1_768_018_294_000)));
        let names: Vec<_> = mirror.fields.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "id",
                "email",
                "updated_at",
                "location.city",
                "custom_attributes.plan",
                "custom_attributes.type"
            ]
        );
    }

    #[test]
    fn both_spellings_of_a_time_are_read() {
        assert_eq!(time(&json!(1_768_018_294)), time(&json!("2026-01-10T04:11:34.000+00:00")));
        assert_eq!(time(&json!(null)), None);
    }

    #[test]
    fn a_record_without_an_id_is_malformed() {
        let error =
            company(&Connection::only(System::Intercom), &json!({"name": "Acme"})).expect_err("no id");
        assert_eq!(error.class, ErrorClass::Malformed);
    }
}
