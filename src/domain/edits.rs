//! What a human changes before something runs again: values of a step's record, or the payload of the event. Checked
//! against what is known of the vendor's fields before anything is stored.
//!
//! Pure. The original is never changed here; values not touched keep their digits and their order.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::ExecutionId;
use super::plan::{Effect, Plan, Step, StepState};
use super::record::{Connection, Fields, ObjectKind, RecordRef, value_text};
use super::schema::{FieldKind, FieldSchema, ObjectSchema};

/// One value that a human set in the place of the planned one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Where.
    pub connection: Connection,
    /// Of which kind of record.
    pub object: ObjectKind,
    /// Which record, where it was there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordRef>,
    /// The vendor's name of the field.
    pub field: String,
    /// The value; null clears the field, none leaves it alone.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub value: Option<Value>,
}

/// Tells "null" from "not there".
mod present {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    #[expect(clippy::ref_option, reason = "serde hands it over like that")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}

impl Plan {
    /// Puts values that a human set in the place of planned ones, in every step of their kind of record that is not done.
    /// What no step writes yet becomes a step of its own, where its record is known.
    pub fn take_edits(&mut self, edits: Vec<Edit>) {
        for edit in &edits {
            let mut taken = false;
            for step in self.steps.iter_mut().filter(|step| step.state != StepState::Done) {
                let fits =
                    step.effect.connection() == &edit.connection && kind(&step.effect) == Some(edit.object);
                if let (true, Effect::Create { fields, .. } | Effect::Update { fields, .. }) =
                    (fits, &mut step.effect)
                {
                    match &edit.value {
                        Some(value) => drop(fields.insert(edit.field.clone(), value.clone())),
                        None => drop(fields.shift_remove(&edit.field)),
                    }
                    taken = true;
                }
            }
            if let (false, Some(record), Some(value)) = (taken, &edit.record, &edit.value) {
                let fields: Fields = [(edit.field.clone(), value.clone())].into_iter().collect();
                let title = format!("Update {}: {}", record.title(), edit.field);
                self.steps.push(Step::new(title, Effect::Update { record: record.clone(), fields }));
                self.nothing = None;
            }
        }
        self.edits = edits;
    }

    /// The same plan for another run by hand: what is done stays done and is never sent again, except for values that are
    /// edited now.
    #[must_use]
    pub fn carried_over(mut self, edits: Vec<Edit>) -> Self {
        for step in &mut self.steps {
            if step.state == StepState::Failed {
                step.state = StepState::Waiting;
            }
            let edited = |edit: &&Edit| {
                step.effect.connection() == &edit.connection && kind(&step.effect) == Some(edit.object)
            };
            if step.state == StepState::Done
                && matches!(step.effect, Effect::Update { .. })
                && edits.iter().any(|edit| edited(&edit))
            {
                step.state = StepState::Waiting;
            }
        }
        // A record that was made is changed, never made again.
        let made: Vec<(Connection, ObjectKind, RecordRef)> = self
            .steps
            .iter()
            .filter(|step| step.state == StepState::Done)
            .filter_map(|step| match (&step.effect, &step.result) {
                (Effect::Create { connection, object, .. }, Some(record)) => {
                    Some((connection.clone(), *object, record.clone()))
                }
                _ => None,
            })
            .collect();
        let edits = edits
            .into_iter()
            .map(|edit| {
                let known = made.iter().find(|(at, kind, _)| *at == edit.connection && *kind == edit.object);
                Edit { record: known.map(|(_, _, record)| record.clone()).or(edit.record), ..edit }
            })
            .collect();
        self.will_agree.clear();
        self.take_edits(edits);
        self
    }
}

fn kind(effect: &Effect) -> Option<ObjectKind> {
    match effect {
        Effect::Create { object, .. } => Some(*object),
        Effect::Update { record, .. } => Some(record.object),
        _ => None,
    }
}

/// What is edited.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// The values of a step.
    Fields {
        /// Where.
        connection: Connection,
        /// Of which kind of record.
        object: ObjectKind,
        /// Which record; none while it is to be made.
        record: Option<RecordRef>,
        /// As planned.
        fields: Fields,
    },
    /// The body of the event.
    Payload,
}

/// What an operator is given to edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Of which execution.
    pub execution: ExecutionId,
    /// What it is, in words.
    pub title: String,
    /// What is edited.
    pub part: Part,
    /// As indented JSON.
    pub text: String,
    /// What is known of the fields of that kind of record; none when nobody has looked yet.
    pub schema: Option<ObjectSchema>,
}

/// What came of editing.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Values of a record.
    Edits(Vec<Edit>),
    /// Another body of the event.
    Payload(String),
}

/// Something that cannot be sent as it stands, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.why)
    }
}

impl Draft {
    /// Reads an edited text: what changed, or everything that is wrong with it.
    pub fn read(&self, text: &str) -> Result<Change, Vec<Problem>> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default().to_owned();
            vec![Problem {
                line: error.line().max(1),
                column: error.column().max(1),
                why: format!("no JSON: {why}"),
            }]
        })?;
        let first = |why: &str| vec![Problem { line: 1, column: 1, why: why.to_owned() }];
        let Value::Object(given) = value else {
            return Err(first("an object is wanted: { \"field\": value }"));
        };
        let Part::Fields { connection, object, record, fields } = &self.part else {
            if serde_json::from_str::<Value>(&self.text).is_ok_and(|before| before == Value::Object(given)) {
                return Err(first("nothing was changed; r runs it again as it is"));
            }
            return Ok(Change::Payload(text.to_owned()));
        };
        let problems: Vec<Problem> = given
            .iter()
            .filter_map(|(name, value)| {
                let why = self.schema.as_ref().and_then(|schema| wrong(schema, name, value))?;
                let (line, column) = place(text, name);
                Some(Problem { line, column, why })
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let edit = |field: &str, value: Option<Value>| Edit {
            connection: connection.clone(),
            object: *object,
            record: record.clone(),
            field: field.to_owned(),
            value,
        };
        let mut edits: Vec<Edit> = given
            .iter()
            .filter(|(name, value)| fields.get(name.as_str()) != Some(value))
            .map(|(name, value)| edit(name, Some(value.clone())))
            .collect();
        edits.extend(
            fields.keys().filter(|name| !given.contains_key(name.as_str())).map(|name| edit(name, None)),
        );
        if edits.is_empty() {
            return Err(first("nothing was changed; r runs it again as it is"));
        }
        Ok(Change::Edits(edits))
    }

    /// The values a field takes, where it takes a list.
    pub fn allowed(&self, field: &str) -> Vec<&str> {
        let field = self.schema.as_ref().and_then(|schema| schema.field(field));
        let options = field.map(|field| field.options.as_slice()).unwrap_or_default();
        options.iter().filter(|option| !option.retired).map(|option| option.value.as_str()).collect()
    }
}

/// Why a value cannot be written into a field; none when nothing speaks against it.
pub fn wrong(schema: &ObjectSchema, name: &str, value: &Value) -> Option<String> {
    let system = schema.connection.system.title();
    let Some(field) = schema.field(name) else {
        let near =
            nearest(schema, name).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        return Some(format!("{system} has no {} field \"{name}\"{near}", schema.object));
    };
    if !field.writable {
        return Some(format!("{system} does not let our token write \"{name}\""));
    }
    if value.is_null() || value.as_str() == Some("") {
        return field.required.then(|| format!("\"{name}\" must not be empty"));
    }
    if value.is_array() || value.is_object() {
        return (field.kind != FieldKind::Other)
            .then(|| format!("\"{name}\" takes one value, no list or object"));
    }
    refused(field, &value_text(value))
}

fn refused(field: &FieldSchema, text: &str) -> Option<String> {
    let name = &field.name;
    let known = |text: &str| {
        field.options.is_empty() || field.options.iter().any(|option| option.value == text && !option.retired)
    };
    let offered = || {
        let some: Vec<&str> =
            field.options.iter().filter(|option| !option.retired).take(8).map(|o| o.value.as_str()).collect();
        let more = if field.options.len() > some.len() { ", …" } else { "" };
        format!("{}{more}", some.join(", "))
    };
    match field.kind {
        FieldKind::Number if text.trim().parse::<f64>().is_err() => {
            Some(format!("\"{name}\" takes a number, not \"{text}\""))
        }
        FieldKind::Boolean if !matches!(text, "true" | "false") => {
            Some(format!("\"{name}\" takes true or false, not \"{text}\""))
        }
        FieldKind::Option if !known(text) => {
            Some(format!("\"{name}\" does not take \"{text}\"; it takes {}", offered()))
        }
        FieldKind::Options => text
            .split(';')
            .map(str::trim)
            .find(|one| !one.is_empty() && !known(one))
            .map(|one| format!("\"{name}\" does not take \"{one}\"; it takes {}", offered())),
        FieldKind::Date | FieldKind::DateTime => {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let day = text.get(..10).is_some_and(|day| {
                let parts: Vec<&str> = day.split('-').collect();
                parts.len() == 3 && parts.iter().all(|part| digits(part)) && parts[0].len() == 4
            });
            (!day && !digits(text)).then(|| format!("\"{name}\" takes a day as 2026-11-21, not \"{text}\""))
        }
        FieldKind::Text => field
            .longest
            .filter(|longest| text.chars().count() > *longest as usize)
            .map(|longest| format!("\"{name}\" takes {longest} letters, this has {}", text.chars().count())),
        _ => None,
    }
}

fn nearest<'a>(schema: &'a ObjectSchema, name: &str) -> Option<&'a str> {
    let far = name.chars().count() / 3 + 1;
    schema
        .fields
        .iter()
        .map(|field| {
            let distance = rapidfuzz::distance::levenshtein::distance(field.name.chars(), name.chars());
            (distance, field.name.as_str())
        })
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, name)| name)
}

/// Line and column of a key, from 1.
fn place(text: &str, name: &str) -> (usize, usize) {
    let quoted = Value::String(name.to_owned()).to_string();
    let at = text
        .match_indices(&quoted)
        .find(|(at, _)| text[at + quoted.len()..].trim_start().starts_with(':'))
        .map_or(0, |(at, _)| at);
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests;
