//! HubSpot's error envelope and the shape of its records. Shapes only, no state.

use serde_json::{Map, Value, json};

use super::shelf::{Kind, Record};
use crate::sandbox::desk::{iso, request_id};
use crate::sandbox::wire::Answer;

pub(super) fn refused(status: u16, category: &str, message: &str) -> Answer {
    Answer::json(
        status,
        json!({"status": "error", "message": message, "correlationId": request_id(), "category": category}),
    )
}

pub(super) fn invalid(message: &str) -> Answer {
    refused(400, "VALIDATION_ERROR", message)
}

pub(super) fn missing() -> Answer {
    refused(404, "OBJECT_NOT_FOUND", "resource not found")
}

pub(super) fn no_such_path() -> Answer {
    Answer::json(404, json!({"status": "error", "message": "No such path", "correlationId": request_id()}))
}

pub(super) fn unknown_kind(name: &str) -> Answer {
    invalid(&format!("Unable to infer object type from: {name}"))
}

/// Which properties a read asked for.
pub(super) enum Wanted {
    Default,
    Named(Vec<String>),
}

impl Wanted {
    pub(super) fn new(names: Vec<String>) -> Self {
        if names.is_empty() { Self::Default } else { Self::Named(names) }
    }

    /// From the `properties` array of a body.
    pub(super) fn from_body(body: &Value) -> Self {
        let names = body["properties"].as_array().into_iter().flatten();
        Self::new(names.filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

/// A record as reads show it: what was asked for, null where it has no value.
pub(super) fn object(kind: Kind, record: &Record, wanted: &Wanted) -> Value {
    let mut properties = Map::new();
    let mut show = |name: &str| {
        properties.insert(name.to_owned(), json!(record.value(name)));
    };
    match wanted {
        Wanted::Default => kind.default_properties().iter().for_each(|name| show(name)),
        Wanted::Named(names) => names.iter().for_each(|name| show(name)),
    }
    let created = if kind == Kind::Contacts
        || kind == Kind::Companies
        || kind == Kind::Deals
        || kind == Kind::Tickets
    {
        "createdate"
    } else {
        "hs_createdate"
    };
    for name in [created, "hs_object_id", kind.modified_property()] {
        show(name);
    }
    finished(record, &properties)
}

/// The same with all values some properties have had, newest first.
pub(super) fn with_history(mut object: Value, record: &Record, names: &[String]) -> Value {
    if names.is_empty() {
        return object;
    }
    let mut histories = Map::new();
    for name in names {
        let mut since = record.created;
        let mut values = Vec::new();
        for (_, value, until) in record.former.iter().filter(|former| former.0 == *name) {
            values.push((value.clone(), since));
            since = *until;
        }
        if let Some(value) = record.value(name) {
            values.push((value.into_owned(), since));
        }
        let shown: Vec<Value> = values
            .into_iter()
            .rev()
            .map(|(value, since)| json!({"value": value, "timestamp": iso(since), "sourceType": "INTEGRATION"}))
            .collect();
        histories.insert(name.clone(), Value::Array(shown));
    }
    object["propertiesWithHistory"] = Value::Object(histories);
    object
}

/// A record as writes answer it: everything that has a value.
pub(super) fn written(kind: Kind, record: &Record) -> Value {
    let mut properties: Map<String, Value> =
        record.values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    for name in ["createdate", "hs_object_id", kind.modified_property()] {
        properties.insert(name.to_owned(), json!(record.value(name)));
    }
    finished(record, &properties)
}

fn finished(record: &Record, properties: &Map<String, Value>) -> Value {
    let mut object = json!({
        "id": record.id.to_string(),
        "properties": properties,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
        "archived": record.archived.is_some(),
    });
    if let Some(archived) = record.archived {
        object["archivedAt"] = json!(iso(archived));
    }
    object
}

/// A batch answer; with errors it is a 207.
pub(super) fn batch(status: u16, now: i64, results: &[Value], errors: &[Value]) -> Answer {
    let mut body = json!({
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(now),
        "completedAt": iso(now + 12),
    });
    if errors.is_empty() {
        return Answer::json(status, body);
    }
    body["numErrors"] = json!(errors.len());
    body["errors"] = json!(errors);
    Answer::json(207, body)
}
