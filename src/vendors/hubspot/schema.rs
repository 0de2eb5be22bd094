//! HubSpot's properties as field schemas; stages come from the pipelines, whose labels people know and whose ids records
//! hold. Reads only.

use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, ObjectKind, value_text};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::schema::ordered;
use super::calls::schema as requests;
use super::wire;

/// Letters a text property holds.
const LONGEST: u32 = 65_536;

pub(crate) async fn read(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<ObjectSchema, VendorError> {
    let settings = clients.settings();
    let request =
        requests::properties(settings, object, false)?.purpose(format!("read the fields of {object}"));
    let answer = clients.send(connection, &request, log).await?;
    let mut fields: Vec<FieldSchema> =
        wire::results(&answer).iter().filter_map(|row| field(object, row)).collect();
    if let Some((pipeline, stage)) = pipeline_fields(object) {
        let request =
            requests::pipelines(settings, object)?.purpose(format!("read the pipelines of {object}"));
        match clients.send(connection, &request, log).await {
            Ok(answer) => {
                let (pipelines, stages) = stages(wire::results(&answer));
                offer(&mut fields, pipeline, pipelines);
                offer(&mut fields, stage, stages);
            }
            // The properties list the same ids; what is missing then are pipelines' names before their stages'.
            Err(error) if error.class == ErrorClass::Permission => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ObjectSchema {
        connection: connection.clone(),
        object,
        fields: ordered(fields),
        creatable: true,
        updatable: true,
    })
}

/// The properties that hold the pipeline's id and the stage's.
const fn pipeline_fields(object: ObjectKind) -> Option<(&'static str, &'static str)> {
    match object {
        ObjectKind::Deal => Some(("pipeline", "dealstage")),
        ObjectKind::Ticket => Some(("hs_pipeline", "hs_pipeline_stage")),
        _ => None,
    }
}

/// What a record cannot be made without, as HubSpot's guide for each object says; definitions do not tell.
const fn required(object: ObjectKind) -> &'static [&'static str] {
    match object {
        ObjectKind::Deal => &["dealname", "dealstage"],
        ObjectKind::Ticket => &["subject", "hs_pipeline_stage"],
        ObjectKind::Task | ObjectKind::Note => &["hs_timestamp"],
        _ => &[],
    }
}

fn field(object: ObjectKind, row: &Value) -> Option<FieldSchema> {
    let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let flag = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or(false);
    let name = word("name");
    if name.is_empty() || flag("archived") {
        return None;
    }
    let kind = kind(name, word("type"), word("fieldType"), word("referencedObjectType"));
    let fixed = row.get("modificationMetadata").and_then(|data| data.get("readOnlyValue"));
    let read_only = flag("calculated") || fixed.and_then(Value::as_bool).unwrap_or(false);
    let lists = matches!(kind, FieldKind::Option | FieldKind::Options | FieldKind::Reference);
    let options = row.get("options").and_then(Value::as_array).filter(|_| lists);
    let label = Some(word("label")).filter(|label| !label.is_empty()).unwrap_or(name);
    Some(FieldSchema {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        vendor_kind: word("type").to_owned(),
        options: options.into_iter().flatten().filter_map(option).collect(),
        writable: !read_only,
        required: required(object).contains(&name),
        unique: flag("hasUniqueValue") || (object == ObjectKind::Contact && name == "email"),
        longest: (kind == FieldKind::Text).then_some(LONGEST),
    })
}

fn kind(name: &str, data: &str, shown: &str, referenced: &str) -> FieldKind {
    match (data, shown) {
        _ if referenced == "OWNER" || name == "hubspot_owner_id" => FieldKind::Reference,
        ("bool", _) | ("enumeration", "booleancheckbox") => FieldKind::Boolean,
        ("enumeration", "checkbox") => FieldKind::Options,
        ("enumeration", _) => FieldKind::Option,
        ("string" | "phone_number", _) => FieldKind::Text,
        ("number", _) => FieldKind::Number,
        ("date", _) => FieldKind::Date,
        ("datetime", _) => FieldKind::DateTime,
        _ => FieldKind::Other,
    }
}

fn option(row: &Value) -> Option<OptionValue> {
    let value = value_text(row.get("value")?);
    let label = row.get("label").and_then(Value::as_str).unwrap_or(&value).to_owned();
    let retired = row.get("hidden").and_then(Value::as_bool).unwrap_or(false);
    Some(OptionValue { value, label, retired })
}

/// Pipelines and all their stages: the id is what is written, the label what people see. Where there are several
/// pipelines a stage's label begins with its pipeline's, since they repeat.
fn stages(pipelines: &[Value]) -> (Vec<OptionValue>, Vec<OptionValue>) {
    let named = |row: &Value, before: &str| {
        let value = wire::id(row)?;
        let label = row.get("label").and_then(Value::as_str).unwrap_or(&value);
        let retired = row.get("archived").and_then(Value::as_bool).unwrap_or(false);
        Some(OptionValue { label: format!("{before}{label}"), value, retired })
    };
    let mut ways = Vec::new();
    let mut stages = Vec::new();
    for pipeline in pipelines {
        let Some(way) = named(pipeline, "") else { continue };
        let before = if pipelines.len() > 1 { format!("{}: ", way.label) } else { String::new() };
        let rows = pipeline.get("stages").and_then(Value::as_array);
        stages.extend(rows.into_iter().flatten().filter_map(|row| named(row, &before)));
        ways.push(way);
    }
    (ways, stages)
}

/// Puts a list of options in place of what the property itself lists, unless there is none.
fn offer(fields: &mut [FieldSchema], name: &str, options: Vec<OptionValue>) {
    if let Some(field) = fields.iter_mut().find(|field| field.name == name)
        && !options.is_empty()
    {
        field.kind = FieldKind::Option;
        field.options = options;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_property_says_its_kind_its_options_and_whether_it_can_be_written() {
        let row = json!({
            "name": "plan", "label": "Plan", "type": "enumeration", "fieldType": "select",
            "options": [{"label": "Pro", "value": "pro", "hidden": false}, {"label": "Old", "value": "old", "hidden": true}],
            "modificationMetadata": {"readOnlyValue": false}, "hasUniqueValue": false,
        });
        let read = field(ObjectKind::Contact, &row).expect("a field");
        assert_eq!((read.kind, read.writable, read.label.as_str()), (FieldKind::Option, true, "Plan"));
        assert_eq!(read.options.iter().map(|one| one.retired).collect::<Vec<_>>(), [false, true]);
        for (name, data, shown, expected) in [
            ("a", "enumeration", "checkbox", FieldKind::Options),
            ("a", "enumeration", "booleancheckbox", FieldKind::Boolean),
            ("a", "bool", "booleancheckbox", FieldKind::Boolean),
            ("a", "date", "date", FieldKind::Date),
            ("a", "datetime", "date", FieldKind::DateTime),
            ("a", "phone_number", "phonenumber", FieldKind::Text),
            ("hubspot_owner_id", "enumeration", "select", FieldKind::Reference),
            ("a", "json", "text", FieldKind::Other),
        ] {
            assert_eq!(kind(name, data, shown, ""), expected, "{name} {data} {shown}");
        }
        for fixed in [json!({"calculated": true}), json!({"modificationMetadata": {"readOnlyValue": true}})] {
            let mut row = row.clone();
            row.as_object_mut().expect("an object").extend(fixed.as_object().expect("an object").clone());
            assert!(!field(ObjectKind::Contact, &row).expect("a field").writable, "{row}");
        }
    }

    #[test]
    fn stages_are_told_apart_by_their_pipeline_where_there_are_several() {
        let one = json!({"id": "default", "label": "Sales", "stages": [{"id": "s1", "label": "Won"}]});
        let other = json!({"id": "9", "label": "Renewals", "stages": [{"id": "s2", "label": "Won", "archived": true}]});
        let labels =
            |rows: &[Value]| stages(rows).1.into_iter().map(|one| (one.value, one.label)).collect::<Vec<_>>();
        assert_eq!(labels(std::slice::from_ref(&one)), [("s1".to_owned(), "Won".to_owned())]);
        assert_eq!(labels(&[one, other])[1], ("s2".to_owned(), "Renewals: Won".to_owned()));
    }
}
