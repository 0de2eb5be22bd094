//! Salesforce's JSON as our mirrors: `attributes` dropped, related records flattened with dots, ids in their long form.
//! Never guesses an id.

use serde_json::{Map, Value};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, value_text};

use super::super::error::VendorError;
use super::objects;

/// The id in an answer to a write, or in a row.
pub(crate) fn id(item: &Value) -> Option<String> {
    let id = item.get("id").or_else(|| item.get("Id"))?;
    Some(objects::whole_id(&value_text(id))).filter(|id| !id.is_empty())
}

/// The rows of a query's page.
pub(crate) fn records(answer: &Value) -> &[Value] {
    answer.get("records").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The path of the next page; without one, this was the last.
pub(crate) fn next(answer: &Value) -> Option<String> {
    if answer.get("done").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    answer.get("nextRecordsUrl").and_then(Value::as_str).filter(|path| !path.is_empty()).map(str::to_owned)
}

/// A record as a read or a query gives it.
pub(crate) fn mirror(
    connection: &Connection,
    object: ObjectKind,
    row: &Value,
) -> Result<Mirror, VendorError> {
    let Some(id) = id(row) else {
        return Err(VendorError::new(
            ErrorClass::Malformed,
            &format!("Salesforce's answer holds a {object} without an id."),
        ));
    };
    let mut fields = Fields::new();
    if let Some(row) = row.as_object() {
        flatten(&mut fields, "", row);
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let account = if object == ObjectKind::Contact { text("AccountId") } else { None };
    Ok(Mirror {
        record: objects::record(connection, object, &id),
        vendor_updated_at: text("SystemModstamp").or_else(|| text("LastModifiedDate")).and_then(instant),
        companies: account.map(objects::whole_id).into_iter().collect(),
        deleted: fields.get("IsDeleted").and_then(Value::as_bool).unwrap_or(false),
        fields,
    })
}

fn flatten(into: &mut Fields, before: &str, row: &Map<String, Value>) {
    for (name, value) in row {
        if name == "attributes" {
            continue;
        }
        match value {
            Value::Object(inner) if before.len() < 200 => {
                // A list of related records is a query of its own, not a value of this one.
                if !inner.contains_key("records") {
                    flatten(into, &format!("{before}{name}."), inner);
                }
            }
            value => {
                into.insert(format!("{before}{name}"), value.clone());
            }
        }
    }
}

/// Salesforce's times: `2026-01-10T04:11:14.000+0000`, an offset without a colon.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let at = text.len().checked_sub(5)?;
    let offset = text.get(at..)?.as_bytes();
    let bare = matches!(offset[0], b'+' | b'-') && offset[1..].iter().all(u8::is_ascii_digit);
    if !bare {
        return Timestamp::parse_rfc3339(text);
    }
    Timestamp::parse_rfc3339(&format!("{}:{}", text.get(..at + 3)?, text.get(at + 3..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;
    use serde_json::json;

    #[test]
    fn a_row_becomes_a_mirror() {
        let row = json!({
            "attributes": {"type": "Contact", "url": "/services/data/v66.0/sobjects/Contact/0033h00000Kzv3A"},
            "Id": "0033h00000Kzv3A", "Email": "a@b.co", "AccountId": "0013h00000Kzv3A", "Phone": null,
            "Account": {"attributes": {"type": "Account"}, "Name": "Acme"},
            "Cases": {"totalSize": 1, "done": true, "records": [{"Id": "500"}]},
            "MailingAddress": {"city": "Łódź"},
            "SystemModstamp": "2026-01-10T04:11:14.000+0000", "IsDeleted": true,
        });
        let only = Connection::only(System::Salesforce);
        let mirror = mirror(&only, ObjectKind::Contact, &row).expect("a contact");
        assert_eq!(mirror.record.to_string(), "salesforce/contact/0033h00000Kzv3AAAR");
        assert_eq!(mirror.companies, ["0013h00000Kzv3AAAR"]);
        assert_eq!(mirror.vendor_updated_at, Timestamp::parse_rfc3339("2026-01-10T04:11:14Z"));
        assert!(mirror.deleted);
        assert_eq!(mirror.text("email"), "a@b.co", "names do not mind case");
        let names: Vec<&str> = mirror.fields.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "Id",
                "Email",
                "AccountId",
                "Phone",
                "Account.Name",
                "MailingAddress.city",
                "SystemModstamp",
                "IsDeleted"
            ]
        );
        let nothing = super::mirror(&only, ObjectKind::Lead, &json!({"Email": "x"})).expect_err("no id");
        assert_eq!(nothing.class, ErrorClass::Malformed);
    }

    #[test]
    fn times_are_read_with_and_without_a_colon() {
        let at = Timestamp::parse_rfc3339("2026-01-10T04:11:14.436Z");
        for text in
            ["2026-01-10T04:11:14.436+0000", "2026-01-10T06:11:14.436+0200", "2026-01-10T04:11:14.436Z"]
        {
            assert_eq!(instant(text), at, "{text}");
        }
        for text in ["", "+0000", "x", "2026-01-10", "ż+000", "2026-01-10T04:11:14.436+00:00:00"] {
            let _ = instant(text);
        }
    }

    #[test]
    fn the_last_page_has_no_next() {
        assert_eq!(next(&json!({"done": false, "nextRecordsUrl": "/p"})).as_deref(), Some("/p"));
        assert_eq!(next(&json!({"done": true, "nextRecordsUrl": "/p"})), None);
        assert_eq!(next(&json!({})), None);
    }
}
