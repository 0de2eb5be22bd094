//! What records are made of: properties with their options, property groups, pipelines and stages. Only builds requests.

use serde_json::{Map, Value, json};

use crate::domain::record::ObjectKind;

use super::super::paths::{Place, ask, path};
use super::{delete, given, patch, plural, post, refused};
use crate::vendors::error::VendorError;
use crate::vendors::request::{Manner, Request};
use crate::vendors::settings::Settings;

/// Keys a property definition may have; anything else is a slip of the pen.
const DEFINITION: [&str; 13] = [
    "name",
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "options",
    "hasUniqueValue",
    "displayOrder",
    "hidden",
    "formField",
    "externalOptions",
    "calculationFormula",
];

pub(crate) fn properties(
    settings: &Settings,
    object: ObjectKind,
    archived: bool,
) -> Result<Request, VendorError> {
    let mut path = path(settings, Place::Properties, &[plural(object)?]);
    ask(&mut path, "archived", archived.then_some("true"));
    Ok(Request::get(object, path).page())
}

pub(crate) fn property(
    settings: &Settings,
    object: ObjectKind,
    name: &str,
    archived: bool,
) -> Result<Request, VendorError> {
    let mut path = path(settings, Place::Property, &[plural(object)?, name]);
    ask(&mut path, "archived", archived.then_some("true"));
    Ok(Request::get(object, path))
}

/// A definition as HubSpot takes it, each option with the flag it insists on.
fn definition(given: &Value, whole: bool) -> Result<Value, VendorError> {
    let Some(given) = given.as_object() else { return Err(refused("a property's definition is an object")) };
    if let Some(odd) = given.keys().find(|key| !DEFINITION.contains(&key.as_str())) {
        return Err(refused(&format!("a property's definition has no \"{odd}\"")));
    }
    let needed = ["name", "label", "type", "fieldType", "groupName"];
    if let Some(lacks) = needed.iter().find(|key| whole && !given.contains_key(**key)) {
        return Err(refused(&format!("a new property needs \"{lacks}\"")));
    }
    if !whole && given.contains_key("hasUniqueValue") {
        return Err(refused("whether a property's values are unique is settled when it is created"));
    }
    let mut definition = given.clone();
    if let Some(options) = given.get("options") {
        definition.insert("options".to_owned(), self::options(options)?);
    }
    Ok(Value::Object(definition))
}

/// Options in their order; a bare text is its own label.
fn options(given: &Value) -> Result<Value, VendorError> {
    let Some(list) = given.as_array() else { return Err(refused("a property's options are a list")) };
    let mut options = Vec::with_capacity(list.len());
    for (order, option) in list.iter().enumerate() {
        let mut option = match option {
            Value::String(value) => Map::from_iter([("value".to_owned(), json!(value))]),
            Value::Object(option) => option.clone(),
            _ => return Err(refused("an option is a text or an object with value and label")),
        };
        let Some(value) = option.get("value").cloned() else {
            return Err(refused("an option needs a value"));
        };
        option.entry("label").or_insert(value);
        option.entry("hidden").or_insert(json!(false));
        option.entry("displayOrder").or_insert(json!(order));
        options.push(Value::Object(option));
    }
    Ok(Value::Array(options))
}

/// A new property; under the name of an archived one, that one comes back.
pub(crate) fn create_property(
    settings: &Settings,
    object: ObjectKind,
    given: &Value,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Properties, &[plural(object)?]);
    Ok(post(Manner::Write, object, path, definition(given, true)?).purpose("create a property"))
}

/// Changes a definition. Options given replace all there are: name the old ones too.
pub(crate) fn update_property(
    settings: &Settings,
    object: ObjectKind,
    name: &str,
    given: &Value,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Property, &[plural(object)?, name]);
    Ok(patch(object, path, definition(given, false)?).purpose("change a property"))
}

pub(crate) fn archive_property(
    settings: &Settings,
    object: ObjectKind,
    name: &str,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Property, &[plural(object)?, name]);
    Ok(delete(object, path).purpose("archive a property"))
}

/// Many definitions read, created or archived in one call.
pub(crate) fn property_batch(
    settings: &Settings,
    object: ObjectKind,
    verb: &str,
    given: &Value,
) -> Result<Request, VendorError> {
    let rows = given.as_array().filter(|rows| (1..=100).contains(&rows.len()));
    let Some(rows) = rows else { return Err(refused("a batch of properties holds between 1 and 100")) };
    let names = || {
        let names = rows.iter().map(|row| match row {
            Value::String(name) => json!({"name": name}),
            other => other.clone(),
        });
        names.collect::<Vec<Value>>()
    };
    let (manner, body) = match verb {
        "read" => {
            let body = json!({"inputs": names(), "archived": false, "dataSensitivity": "non_sensitive"});
            (Manner::Page, body)
        }
        "create" => {
            let rows = rows.iter().map(|row| definition(row, true)).collect::<Result<Vec<_>, _>>()?;
            (Manner::SlowWrite, json!({"inputs": rows}))
        }
        _ => (Manner::SlowWrite, json!({"inputs": names()})),
    };
    let path = path(settings, Place::PropertyBatch, &[plural(object)?, verb]);
    Ok(post(manner, object, path, body).purpose(format!("{verb} {} properties", rows.len())))
}

pub(crate) fn groups(settings: &Settings, object: ObjectKind) -> Result<Request, VendorError> {
    Ok(Request::get(object, path(settings, Place::Groups, &[plural(object)?])))
}

pub(crate) fn group(settings: &Settings, object: ObjectKind, name: &str) -> Result<Request, VendorError> {
    Ok(Request::get(object, path(settings, Place::Group, &[plural(object)?, name])))
}

pub(crate) fn create_group(
    settings: &Settings,
    object: ObjectKind,
    name: &str,
    label: &str,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Groups, &[plural(object)?]);
    Ok(post(Manner::Write, object, path, json!({"name": name, "label": label}))
        .purpose("create a property group"))
}

pub(crate) fn update_group(
    settings: &Settings,
    object: ObjectKind,
    name: &str,
    label: Option<&str>,
    order: Option<i64>,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Group, &[plural(object)?, name]);
    let body = given([
        ("label", label.map(|label| json!(label))),
        ("displayOrder", order.map(|order| json!(order))),
    ]);
    Ok(patch(object, path, body).purpose("change a property group"))
}

pub(crate) fn archive_group(
    settings: &Settings,
    object: ObjectKind,
    name: &str,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Group, &[plural(object)?, name]);
    Ok(delete(object, path).purpose("archive a property group"))
}

pub(crate) fn pipelines(settings: &Settings, object: ObjectKind) -> Result<Request, VendorError> {
    Ok(Request::get(object, path(settings, Place::Pipelines, &[plural(object)?])))
}

pub(crate) fn pipeline(settings: &Settings, object: ObjectKind, id: &str) -> Result<Request, VendorError> {
    Ok(Request::get(object, path(settings, Place::Pipeline, &[plural(object)?, id])))
}

pub(crate) fn stages(
    settings: &Settings,
    object: ObjectKind,
    pipeline: &str,
) -> Result<Request, VendorError> {
    Ok(Request::get(object, path(settings, Place::Stages, &[plural(object)?, pipeline])))
}

pub(crate) fn stage(
    settings: &Settings,
    object: ObjectKind,
    pipeline: &str,
    stage: &str,
) -> Result<Request, VendorError> {
    Ok(Request::get(object, path(settings, Place::Stage, &[plural(object)?, pipeline, stage])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_completed_and_slips_are_refused() {
        let settings = Settings::default();
        let change = json!({"options": ["free", {"value": "pro", "label": "Pro", "hidden": true}]});
        let request = update_property(&settings, ObjectKind::Contact, "plan", &change).expect("good");
        assert_eq!(
            request.body.expect("a body")["options"],
            json!([
                {"value": "free", "label": "free", "hidden": false, "displayOrder": 0},
                {"value": "pro", "label": "Pro", "hidden": true, "displayOrder": 1},
            ])
        );
        let whole = json!({"name": "a", "label": "A", "type": "string", "fieldType": "text"});
        for bad in [&whole, &json!({"labell": "A"}), &json!([])] {
            assert!(create_property(&settings, ObjectKind::Contact, bad).is_err(), "{bad}");
        }
        let unique = json!({"hasUniqueValue": true});
        assert!(update_property(&settings, ObjectKind::Contact, "plan", &unique).is_err());
    }

    #[test]
    fn a_batch_of_properties_takes_names_or_definitions() {
        let settings = Settings::default();
        let read = property_batch(&settings, ObjectKind::Deal, "read", &json!(["amount"])).expect("good");
        assert_eq!(read.path, "/crm/v3/properties/deals/batch/read");
        assert_eq!(read.body.expect("a body")["inputs"], json!([{"name": "amount"}]));
        assert!(!read.manner.writes());
        assert!(property_batch(&settings, ObjectKind::Deal, "create", &json!(["amount"])).is_err());
        assert!(property_batch(&settings, ObjectKind::Deal, "archive", &json!([])).is_err());
    }
}
