//! The rows of an uploaded CSV written into the org one by one, each with its own result. Stops at nothing
//! a single row does; only a file that makes no sense fails the whole job.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::csv::{Reader, Writer, ends_lines_with_crlf};
use super::{State, Work};
use crate::sandbox::desk::Who;
use crate::sandbox::salesforce::Org;
use crate::sandbox::salesforce::schema::{Field, FieldType, ObjectType, object};
use crate::sandbox::salesforce::verbs::{RowError, WriteOptions};

/// What a finished job gives out, as text.
#[derive(Default)]
pub(super) struct Results {
    pub(super) successful: String,
    pub(super) failed: String,
    pub(super) unprocessed: String,
}

/// What a column of the file fills.
struct Column {
    name: String,
    field: &'static Field,
    /// The relationship, for a parent named by its external id (`Account.Intercom_Company_ID__c`).
    parent: Option<&'static str>,
}

impl Column {
    fn named(kind: &'static ObjectType, name: &str) -> Option<Self> {
        let own = |field| Self { name: name.to_owned(), field, parent: None };
        if let Some(field) = kind.field(name) {
            return Some(own(field));
        }
        let (relationship, field) = name.split_once('.')?;
        let step = kind.relationship(relationship)?;
        let field = step.reference_to.iter().find_map(|target| object(target)?.field(field))?;
        Some(Self { name: name.to_owned(), field, parent: step.relationship })
    }

    fn value(&self, cell: &str) -> Value {
        if cell == "#N/A" { Value::Null } else { typed(self.field, cell) }
    }
}

/// The JSON a text stands for in a field; one that does not fit stays a text, so that the rules refuse it.
pub(in crate::sandbox::salesforce) fn typed(field: &Field, text: &str) -> Value {
    match field.kind {
        FieldType::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => json!(text),
        },
        kind if kind.is_number() => match text.trim().parse::<serde_json::Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => json!(text),
        },
        _ => json!(text),
    }
}

/// What was done to one row.
struct Done {
    id: String,
    created: bool,
}

/// `sf__Error` of a row.
fn error_text(error: &RowError) -> String {
    let fields = error.fields.join(", ");
    let gap = if fields.is_empty() { "" } else { " " };
    format!("{}:{}:{fields}{gap}--", error.code, error.message)
}

impl Org {
    /// Writes a job's rows; afterwards it is in progress, or failed as a whole.
    pub(super) fn work_ingest(&mut self, place: usize) {
        let job = &mut self.jobs.list[place];
        let (delimiter, crlf, ending) = (job.delimiter.1, job.crlf, job.ending());
        let (kind, operation) = (job.object, job.operation.clone());
        let Work::Ingest { external_field, upload, .. } = &mut job.work else { return };
        let external_field = external_field.clone();
        let data = upload.take().unwrap_or_default();
        let outcome = match std::str::from_utf8(&data) {
            Err(_) => Err("InvalidBatch : The data is not UTF-8".to_owned()),
            Ok(text) => {
                let task = Task { kind, operation: &operation, external_field: external_field.as_deref() };
                self.ingest(&task, text, (delimiter, crlf, ending))
            }
        };
        let job = &mut self.jobs.list[place];
        match outcome {
            Ok((results, processed, failed)) => {
                job.state = State::InProgress;
                (job.processed, job.failed) = (processed, failed);
                job.work = Work::Ingest { external_field, upload: None, results };
            }
            Err(message) => {
                job.state = State::Failed;
                job.error = Some(message);
                let unprocessed = String::from_utf8_lossy(&data).into_owned();
                let results = Results { unprocessed, ..Results::default() };
                job.work = Work::Ingest { external_field, upload: None, results };
            }
        }
    }

    fn ingest(
        &mut self,
        task: &Task<'_>,
        text: &str,
        (delimiter, crlf, ending): (char, bool, &'static str),
    ) -> Result<(Results, usize, usize), String> {
        if ends_lines_with_crlf(text).is_some_and(|found| found != crlf) {
            let setting = if crlf { "CRLF" } else { "LF" };
            return Err(format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
            ));
        }
        let columns = task.columns(text, delimiter)?;
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut successful = Writer::new(delimiter, ending);
        successful.row(["sf__Id", "sf__Created"].into_iter().chain(names.iter().copied()));
        let mut failed = Writer::new(delimiter, ending);
        failed.row(["sf__Id", "sf__Error"].into_iter().chain(names.iter().copied()));
        let mut unprocessed = Writer::new(delimiter, ending);
        unprocessed.row(names.iter().copied());
        // A file that breaks off is found out before its first row is written.
        for row in Reader::new(text, delimiter).skip(1) {
            match row {
                Ok(cells) if cells.len() <= columns.len() => {}
                Ok(_) => {
                    return Err("InvalidBatch : Failed to parse CSV, a row has too many columns".to_owned());
                }
                Err(broken) => {
                    return Err(format!("InvalidBatch : Failed to parse CSV at row {}", broken.row));
                }
            }
        }
        let (mut processed, mut failures) = (0, 0);
        for cells in Reader::new(text, delimiter).skip(1).flatten() {
            processed += 1;
            let given = |place: usize| cells.get(place).map_or("", Cow::as_ref);
            let echo = (0..columns.len()).map(given);
            match self.ingest_row(task, &columns, &cells) {
                Ok(done) => {
                    let created = if done.created { "true" } else { "false" };
                    successful.row([done.id.as_str(), created].into_iter().chain(echo));
                }
                Err((id, error)) => {
                    failures += 1;
                    failed.row([id.as_str(), &error_text(&error)].into_iter().chain(echo));
                }
            }
        }
        let results = Results {
            successful: successful.finished(),
            failed: failed.finished(),
            unprocessed: unprocessed.finished(),
        };
        Ok((results, processed, failures))
    }

    fn ingest_row(
        &mut self,
        task: &Task<'_>,
        columns: &[Column],
        cells: &[Cow<'_, str>],
    ) -> Result<Done, (String, RowError)> {
        let mut fields = Map::new();
        let mut id = String::new();
        for (column, cell) in columns.iter().zip(cells) {
            // An empty cell says nothing; `#N/A` says that the field has no value.
            if cell.is_empty() {
                continue;
            }
            match column.parent {
                Some(parent) => {
                    let mut named = Map::new();
                    named.insert(column.field.name.to_owned(), json!(cell));
                    fields.insert(parent.to_owned(), Value::Object(named));
                }
                None if column.field.name == "Id" => cell.trim().clone_into(&mut id),
                None => {
                    fields.insert(column.field.name.to_owned(), column.value(cell));
                }
            }
        }
        let name = task.kind.name;
        let options = WriteOptions { who: Who::Api, ..WriteOptions::default() };
        let missing_id = |verb: &str| {
            let message = format!("Id not specified in {verb} call");
            (String::new(), RowError::new("MISSING_ARGUMENT", message).on("Id"))
        };
        match task.operation {
            "insert" => {
                if !id.is_empty() {
                    let error = RowError::new(
                        "INVALID_FIELD_FOR_INSERT_UPDATE",
                        "cannot specify Id in an insert call",
                    );
                    return Err((id, error.on("Id")));
                }
                let created = self.insert(name, &fields, &options);
                created.map(|id| Done { id, created: true }).map_err(|error| (String::new(), error))
            }
            "update" => {
                if id.is_empty() {
                    return Err(missing_id("an update"));
                }
                self.update(name, &id, &fields, &options).map_err(|error| (id.clone(), error))?;
                Ok(Done { id: super::ids::long(&id).unwrap_or(id), created: false })
            }
            "upsert" => {
                let field = task.external_field.unwrap_or("Id");
                let value = match fields.get(field) {
                    Some(Value::String(text)) => text.clone(),
                    _ if field == "Id" => id.clone(),
                    _ => String::new(),
                };
                if value.is_empty() && field == "Id" {
                    // An upsert by Id without one creates.
                    let created = self.insert(name, &fields, &options);
                    return created
                        .map(|id| Done { id, created: true })
                        .map_err(|error| (String::new(), error));
                }
                if value.is_empty() {
                    let error = RowError::new("MISSING_ARGUMENT", format!("{field} not specified"));
                    return Err((id, error.on(field)));
                }
                let done = self.upsert(name, field, &value, &fields, &options);
                done.map(|done| Done { id: done.id, created: done.created }).map_err(|error| (id, error))
            }
            _ => {
                if id.is_empty() {
                    return Err(missing_id("a delete"));
                }
                self.remove(name, &id, options.who).map_err(|error| (id.clone(), error))?;
                Ok(Done { id: super::ids::long(&id).unwrap_or(id), created: false })
            }
        }
    }
}

/// What a job does to each row.
struct Task<'t> {
    kind: &'static ObjectType,
    operation: &'t str,
    external_field: Option<&'t str>,
}

impl Task<'_> {
    fn columns(&self, text: &str, delimiter: char) -> Result<Vec<Column>, String> {
        let header = match Reader::new(text, delimiter).next() {
            None => return Ok(Vec::new()),
            Some(Ok(header)) => header,
            Some(Err(broken)) => {
                return Err(format!("InvalidBatch : Failed to parse CSV at row {}", broken.row));
            }
        };
        let found = header.iter().map(|name| {
            let name = name.trim();
            Column::named(self.kind, name)
                .ok_or_else(|| format!("InvalidBatch : Field name not found : {name}"))
        });
        found.collect()
    }
}
