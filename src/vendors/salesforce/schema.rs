//! Salesforce's `describe` as field schemas: what the user behind the token may see and write. Reads only.

use serde_json::Value;

use crate::domain::record::{Connection, ObjectKind, value_text};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::schema::ordered;
use super::{calls, objects};

pub(crate) async fn read(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<ObjectSchema, VendorError> {
    let request = calls::describe(clients.settings(), objects::name(object)?, None)?
        .purpose(format!("read the fields of {object}"));
    let answer = clients.send(connection, &request, log).await?;
    let flag = |name: &str| answer.get(name).and_then(Value::as_bool).unwrap_or(false);
    let rows = answer.get("fields").and_then(Value::as_array);
    let fields = rows.into_iter().flatten().filter_map(field).collect();
    Ok(ObjectSchema {
        connection: connection.clone(),
        object,
        fields: ordered(fields),
        creatable: flag("createable"),
        updatable: flag("updateable"),
    })
}

/// Describe leaves out the fields that the user may not see, so a right that was taken looks like a field that was
/// removed.
fn field(row: &Value) -> Option<FieldSchema> {
    let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let flag = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or(false);
    let name = word("name");
    if name.is_empty() {
        return None;
    }
    let data = word("type");
    let kind = match data {
        "string" | "textarea" | "email" | "phone" | "url" | "encryptedstring" | "id" => FieldKind::Text,
        "boolean" => FieldKind::Boolean,
        "int" | "long" | "double" | "currency" | "percent" => FieldKind::Number,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "picklist" => FieldKind::Option,
        // A combobox offers its list and takes any text.
        "combobox" => FieldKind::Text,
        "multipicklist" => FieldKind::Options,
        "reference" => FieldKind::Reference,
        _ => FieldKind::Other,
    };
    let creatable = flag("createable");
    let lists = matches!(kind, FieldKind::Option | FieldKind::Options);
    let options = row.get("picklistValues").and_then(Value::as_array).filter(|_| lists);
    let longest = row.get("length").and_then(Value::as_u64).and_then(|length| u32::try_from(length).ok());
    Some(FieldSchema {
        name: name.to_owned(),
        label: Some(word("label")).filter(|label| !label.is_empty()).unwrap_or(name).to_owned(),
        kind,
        vendor_kind: data.to_owned(),
        options: options.into_iter().flatten().filter_map(option).collect(),
        writable: creatable || flag("updateable"),
        required: creatable && !flag("nillable") && !flag("defaultedOnCreate") && kind != FieldKind::Boolean,
        unique: flag("unique") || flag("externalId") || name == "Id",
        longest: longest.filter(|length| *length > 0 && kind == FieldKind::Text),
    })
}

fn option(row: &Value) -> Option<OptionValue> {
    let value = value_text(row.get("value")?);
    let label = row.get("label").and_then(Value::as_str).unwrap_or(&value).to_owned();
    let retired = !row.get("active").and_then(Value::as_bool).unwrap_or(true);
    Some(OptionValue { value, label, retired })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn describe_tells_what_is_required_what_is_unique_and_which_options_are_retired() {
        let status = json!({"name": "Status", "label": "Lead Status", "type": "picklist", "length": 255,
            "createable": true, "updateable": true, "nillable": false, "defaultedOnCreate": true,
            "picklistValues": [{"value": "Open", "label": "Open", "active": true}, {"value": "Old", "label": "Old", "active": false}]});
        let read = field(&status).expect("a field");
        assert_eq!((read.kind, read.required, read.longest), (FieldKind::Option, false, None));
        assert!(read.options[1].retired && !read.options[0].retired);
        let name = json!({"name": "LastName", "type": "string", "length": 80, "createable": true, "updateable": true,
            "nillable": false, "defaultedOnCreate": false});
        let read = field(&name).expect("a field");
        assert_eq!((read.required, read.longest, read.label.as_str()), (true, Some(80), "LastName"));
        let key = json!({"name": "Intercom_Contact_ID__c", "type": "string", "externalId": true, "createable": false,
            "updateable": false, "nillable": true});
        let read = field(&key).expect("a field");
        assert!(read.unique && !read.writable && !read.required);
    }
}
