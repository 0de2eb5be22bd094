//! HubSpot's batches of up to a hundred records, and which rows may fail alone.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::answers::{self, Wanted, invalid};
use super::associations::id_of;
use super::shelf::Kind;
use super::{PORTAL_ID, Portal};
use crate::sandbox::wire::{Answer, Call, Payload};

fn inputs(call: &Call) -> Result<&[Value], Answer> {
    let inputs = call.body["inputs"].as_array().map_or(&[][..], Vec::as_slice);
    if inputs.is_empty() {
        return Err(invalid("At least one input is required"));
    }
    if inputs.len() > 100 {
        return Err(invalid(&format!("Batch size of {} exceeds the maximum of 100", inputs.len())));
    }
    Ok(inputs)
}

fn input_id(input: &Value) -> String {
    match &input["id"] {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    }
}

fn properties(input: &Value) -> Map<String, Value> {
    input["properties"].as_object().cloned().unwrap_or_default()
}

fn refuse_repeats(inputs: &[Value]) -> Result<(), Answer> {
    let mut seen = HashSet::new();
    match inputs.iter().map(input_id).find(|id| !seen.insert(id.to_lowercase())) {
        Some(id) => Err(invalid(&format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique"))),
        None => Ok(()),
    }
}

/// A row's refusal as an entry of `errors`.
pub(super) fn row_error(refusal: Answer, input: &Value) -> Value {
    let mut error = match refusal.body {
        Payload::Json(body) => body,
        _ => json!({"status": "error", "message": "unknown", "category": "VALIDATION_ERROR"}),
    };
    let mut context = json!({});
    if !input["id"].is_null() {
        context["ids"] = json!([input_id(input)]);
    }
    if let Some(trace) = input["objectWriteTraceId"].as_str() {
        context["objectWriteTraceId"] = json!([trace]);
    }
    error["context"] = context;
    error
}

impl Portal {
    fn row(&self, kind: Kind, id: u64, input: &Value) -> Value {
        let mut row = answers::written(kind, &self.shelf(kind).records[&id]);
        if !input["objectWriteTraceId"].is_null() {
            row["objectWriteTraceId"] = input["objectWriteTraceId"].clone();
        }
        row
    }

    /// Refuses a batch that would find rows by a property without unique values, or by the record id under its name.
    fn check_unique_properties(&self, kind: Kind, inputs: &[Value]) -> Result<(), Answer> {
        for property in inputs.iter().filter_map(|input| input["idProperty"].as_str()) {
            if !self.shelf(kind).property(property).is_some_and(|property| property.unique) {
                return Err(invalid(&format!(
                    "Unable to perform update/upsert by non-unique {} property {property} in portal ID {PORTAL_ID}",
                    kind.type_id()
                )));
            }
        }
        Ok(())
    }

    pub(super) fn batch_read(&self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let wanted = Wanted::from_body(&call.body);
        let history: Vec<String> = call.body["propertiesWithHistory"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let property = call.text("idProperty");
        let archived = call.parameter("archived") == Some("true");
        let mut results = Vec::new();
        let mut lost = Vec::new();
        let mut seen = HashSet::new();
        for input in inputs(call)? {
            let id = input_id(input);
            let found =
                if archived { self.archived_record(kind, &id) } else { self.resolve(kind, &id, property) };
            match found {
                Ok(record) if seen.insert(record.id) => {
                    let shown = answers::object(kind, record, &wanted);
                    results.push(answers::with_history(shown, record, &history));
                }
                Ok(_) => {}
                Err(refusal) if refusal.status == 400 => return Err(refusal),
                Err(_) => lost.push(id),
            }
        }
        let mut errors = Vec::new();
        if !lost.is_empty() {
            let kind = kind.singular().to_uppercase();
            errors.push(json!({
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": format!("Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid."),
                "context": {"ids": lost},
            }));
        }
        Ok(answers::batch(200, self.now(), &results, &errors))
    }

    pub(super) fn batch_create(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let inputs = inputs(call)?;
        let by_row = !inputs.is_empty() && inputs.iter().all(|input| input["objectWriteTraceId"].is_string());
        if !by_row {
            // Without trace ids one bad row fails all of them, before any is written.
            let mut emails = HashSet::new();
            for input in inputs {
                self.check_required(kind, &properties(input), super::dated(call))?;
                self.checked(kind, &properties(input), None)?;
                self.requested_links(kind, input)?;
                let email = input["properties"]["email"].as_str().unwrap_or_default().to_lowercase();
                if kind == Kind::Contacts && !email.is_empty() && !emails.insert(email.clone()) {
                    return Err(invalid(&format!("Duplicate email {email} in batch input")));
                }
            }
        }
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            let written = self.requested_links(kind, input).and_then(|links| {
                self.check_required(kind, &properties(input), super::dated(call))?;
                let id = self.add_object(kind, &properties(input))?;
                for (to, types) in links {
                    self.link((kind, id), to, &types);
                }
                Ok(id)
            });
            match written {
                Ok(id) => results.push(self.row(kind, id, input)),
                Err(refusal) => errors.push(row_error(refusal, input)),
            }
        }
        Ok(answers::batch(201, self.now(), &results, &errors))
    }

    pub(super) fn batch_update(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let inputs = inputs(call)?;
        refuse_repeats(inputs)?;
        self.check_unique_properties(kind, inputs)?;
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            let found =
                self.resolve(kind, &input_id(input), input["idProperty"].as_str()).map(|record| record.id);
            let written = found.and_then(|id| self.edit_object(kind, id, &properties(input)).map(|_| id));
            match written {
                Ok(id) => results.push(self.row(kind, id, input)),
                Err(refusal) => errors.push(row_error(refusal, input)),
            }
        }
        Ok(answers::batch(200, self.now(), &results, &errors))
    }

    pub(super) fn batch_upsert(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let inputs = inputs(call)?;
        refuse_repeats(inputs)?;
        self.check_unique_properties(kind, inputs)?;
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            match self.upsert(kind, input) {
                Ok((id, new)) => {
                    let mut row = self.row(kind, id, input);
                    row["new"] = json!(new);
                    results.push(row);
                }
                Err(refusal) => errors.push(row_error(refusal, input)),
            }
        }
        Ok(answers::batch(200, self.now(), &results, &errors))
    }

    fn upsert(&mut self, kind: Kind, input: &Value) -> Result<(u64, bool), Answer> {
        let Some(property) = input["idProperty"].as_str() else {
            return Err(invalid("idProperty is required for every input of an upsert"));
        };
        let id = input_id(input);
        let mut given = properties(input);
        match self.resolve(kind, &id, Some(property)).map(|record| record.id) {
            Ok(found) => {
                if property == "email" && self.rules.refuses_partial_upserts_by_email {
                    self.check_whole(kind, found, &given)?;
                }
                self.edit_object(kind, found, &given)?;
                Ok((found, false))
            }
            Err(refusal) if refusal.status != 404 => Err(refusal),
            Err(refusal) if property == "hs_object_id" => Err(refusal),
            Err(_) => {
                given.entry(property).or_insert_with(|| json!(id));
                Ok((self.add_object(kind, &given)?, true))
            }
        }
    }

    /// Refuses a row that leaves out a value the record holds and somebody could set.
    fn check_whole(&self, kind: Kind, id: u64, given: &Map<String, Value>) -> Result<(), Answer> {
        let shelf = self.shelf(kind);
        let settable = |name: &str| shelf.property(name).is_some_and(|property| !property.read_only);
        let kept = |name: &&String| *name != "email" && !given.contains_key(*name) && settable(name);
        match shelf.records[&id].values.keys().find(kept) {
            Some(name) => Err(invalid(&format!(
                "Partial upserts are not supported when using email as the idProperty for contacts: {name} is missing"
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn batch_archive(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        for input in inputs(call)? {
            if let Some(id) = id_of(&input["id"]) {
                self.archive(kind, id);
            }
        }
        Ok(Answer::empty(204))
    }
}
