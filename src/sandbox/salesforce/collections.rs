//! sObject Collections: up to 200 rows in one call, answered row by row and in order. With `allOrNone` one
//! bad row takes the others back.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::schema::{self, ObjectType};
use super::verbs::{RowError, Upserted, WriteOptions};
use super::{Org, answers, sobjects};
use crate::sandbox::wire::{Answer, Call};

const MOST_ROWS: usize = 200;
const MOST_READ: usize = 2_000;

/// One row's outcome, before it is known whether all stand.
struct Outcome {
    id: Option<String>,
    result: Result<Value, RowError>,
}

fn too_many(most: usize) -> Answer {
    let message = format!("record limit reached. cannot submit more than {most} records into this call");
    answers::refused(400, "EXCEEDED_ID_LIMIT", &message)
}

fn written(id: &str) -> Value {
    json!({"id": id, "success": true, "errors": []})
}

fn all_or_none(call: &Call) -> bool {
    let given = call.parameter("allOrNone").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    given || call.body["allOrNone"].as_bool().unwrap_or(false)
}

fn records(call: &Call) -> Result<Vec<&Map<String, Value>>, Answer> {
    let given = call.body["records"].as_array().ok_or_else(|| {
        answers::refused(400, "INVALID_INPUT", "The request body must hold an array named records")
    })?;
    if given.len() > MOST_ROWS {
        return Err(too_many(MOST_ROWS));
    }
    given.iter().map(|record| record.as_object().ok_or_else(answers::not_json)).collect()
}

/// The type a row names in its attributes.
fn type_of(record: &Map<String, Value>) -> Result<&'static ObjectType, RowError> {
    let name = record.get("attributes").and_then(|attributes| attributes["type"].as_str());
    let Some(name) = name else {
        return Err(RowError::new(
            "INVALID_INPUT",
            "Include the sobject type in attributes.type of each record",
        ));
    };
    let unknown = || RowError::new("INVALID_TYPE", format!("sObject type '{name}' is not supported."));
    schema::object(name).ok_or_else(unknown)
}

/// The id a row names, and the row without it.
fn without_id(record: &Map<String, Value>) -> (Option<String>, Map<String, Value>) {
    let mut rest = record.clone();
    let key = record.keys().find(|name| name.eq_ignore_ascii_case("id")).cloned();
    let id = key.and_then(|key| rest.shift_remove(&key)).and_then(|id| id.as_str().map(str::to_owned));
    (id, rest)
}

impl Org {
    pub(super) fn route_composite(&mut self, call: &Call, path: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), path) {
            ("POST", []) => self.composite(call),
            ("POST", ["graph"]) => self.graphs(call),
            ("POST", ["batch"]) => self.batch(call),
            ("POST", ["sobjects"]) => self.create_many(call),
            ("PATCH", ["sobjects"]) => self.change_many(call),
            ("DELETE", ["sobjects"]) => self.delete_many(call),
            ("GET" | "POST", ["sobjects", object]) => self.read_many(object, call),
            ("PATCH", ["sobjects", object, field]) => self.upsert_many(object, field, call),
            (method, [] | ["graph" | "batch" | "sobjects", ..]) => Err(answers::wrong_method(method)),
            _ => Err(answers::missing()),
        }
    }

    /// Runs the rows one after the other inside a transaction and answers for each.
    fn each<T>(
        &mut self,
        call: &Call,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T, &WriteOptions) -> Outcome,
    ) -> Answer {
        let options = sobjects::options(call, self);
        self.begin();
        let mut outcomes = Vec::with_capacity(items.len());
        for item in items {
            outcomes.push(write(self, item, &options));
        }
        let failed = all_or_none(call) && outcomes.iter().any(|outcome| outcome.result.is_err());
        if failed {
            self.roll_back();
        } else {
            self.commit();
        }
        let rolled_back = RowError::new(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        );
        let rows = outcomes.into_iter().map(|Outcome { id, result }| {
            let error = match result {
                Ok(shape) if !failed => return shape,
                Ok(_) => rolled_back.clone(),
                Err(error) => error,
            };
            let mut row = answers::in_collection(&error);
            if let Some(id) = id {
                row["id"] = json!(id);
            }
            row
        });
        Answer::ok(Value::Array(rows.collect()))
    }

    fn create_many(&mut self, call: &Call) -> Result<Answer, Answer> {
        let records = records(call)?;
        Ok(self.each(call, &records, |org, record, options| {
            let result = type_of(record).and_then(|kind| org.insert(kind.name, record, options));
            Outcome { id: None, result: result.map(|id| written(&id)) }
        }))
    }

    fn change_many(&mut self, call: &Call) -> Result<Answer, Answer> {
        let records = records(call)?;
        Ok(self.each(call, &records, |org, record, options| {
            let (id, fields) = without_id(record);
            let result = type_of(record).and_then(|kind| {
                let id = id.as_deref().ok_or_else(|| {
                    RowError::new("MISSING_ARGUMENT", "Id not specified in an update call").on("Id")
                })?;
                org.update(kind.name, id, &fields, options)?;
                Ok(written(&super::ids::long(id).unwrap_or_default()))
            });
            Outcome { id, result }
        }))
    }

    fn upsert_many(&mut self, object: &str, field: &str, call: &Call) -> Result<Answer, Answer> {
        let kind = schema::object(object).ok_or_else(answers::missing)?;
        let key = kind.field(field).filter(|field| field.external_id || field.name == "Id");
        let Some(key) = key else {
            let message = format!("Provided external ID field does not exist or is not accessible: {field}");
            return Err(answers::refused(404, "NOT_FOUND", &message));
        };
        let value_of = |record: &Map<String, Value>| {
            let value = record.iter().find(|(name, _)| name.eq_ignore_ascii_case(key.name))?.1;
            value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
        };
        let records = records(call)?;
        let mut named: HashMap<String, usize> = HashMap::new();
        for value in records.iter().filter_map(|record| value_of(record)) {
            *named.entry(value.to_lowercase()).or_default() += 1;
        }
        Ok(self.each(call, &records, |org, record, options| {
            let result = type_of(record).and_then(|named_kind| {
                if named_kind.name != kind.name {
                    let message = format!("record type {} does not match {}", named_kind.name, kind.name);
                    return Err(RowError::new("INVALID_INPUT", message));
                }
                let Some(value) = value_of(record) else {
                    // Without an id an upsert by Id creates; without an external id nobody knows which row.
                    if key.name == "Id" {
                        let id = org.insert(kind.name, record, options)?;
                        return Ok(Upserted { id, created: true });
                    }
                    let message = format!("{} not specified", key.name);
                    return Err(RowError::new("MISSING_ARGUMENT", message));
                };
                if named.get(&value.to_lowercase()).is_some_and(|times| *times > 1) {
                    let message = format!("Duplicate external id specified: {value}");
                    return Err(RowError::new("DUPLICATE_VALUE", message).on(key.name));
                }
                org.upsert(kind.name, key.name, &value, record, options)
            });
            let result = result
                .map(|done| json!({"id": done.id, "success": true, "errors": [], "created": done.created}));
            Outcome { id: None, result }
        }))
    }

    fn delete_many(&mut self, call: &Call) -> Result<Answer, Answer> {
        let ids = call.list("ids");
        if ids.len() > MOST_ROWS {
            return Err(too_many(MOST_ROWS));
        }
        Ok(self.each(call, &ids, |org, id, options| {
            let result = sobjects::type_of_id(id).and_then(|kind| {
                org.remove(kind.name, id, options.who)?;
                Ok(written(&super::ids::long(id).unwrap_or_default()))
            });
            Outcome { id: Some(id.clone()), result }
        }))
    }

    fn read_many(&mut self, object: &str, call: &Call) -> Result<Answer, Answer> {
        let kind = schema::object(object).ok_or_else(answers::missing)?;
        let listed = |name: &str| {
            let mut texts = call.list(name);
            let given = call.body[name].as_array().into_iter().flatten();
            texts.extend(given.filter_map(Value::as_str).map(str::to_owned));
            texts
        };
        let ids = listed("ids");
        if ids.len() > MOST_READ {
            return Err(too_many(MOST_READ));
        }
        let fields = sobjects::wanted(kind, listed("fields"))?;
        let rows = ids.iter().map(|id| {
            let row = self.row(kind.name, id).filter(|row| !row.deleted);
            row.map_or(Value::Null, |row| self.shape(row, fields.as_deref()))
        });
        Ok(Answer::ok(Value::Array(rows.collect())))
    }
}
