//! Many rows as one job: Bulk API 2.0, from some two thousand rows on cheaper than anything else.
//!
//! A job takes one upload and answers by three tables: done, refused, not tried. [`parts`] cuts the rows, [`start`]
//! hands a part over, [`progress`] asks how it stands and, once the job has ended, gives every row its own result.
//! Nothing here waits: the caller comes back later, after a crash too, for a [`Part`] is data and can be kept.
//!
//! Rows are found again by their external id or id; rows to be made without one, by all their cells, equal ones in
//! their order.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::request::Expects;
use super::super::settings::Settings;
use super::csv::{self, Table};
use super::{context, errors, jobs, objects, soql};

/// The most an upload of ours has. The org takes 150 MB, but counts it after an encoding that adds half.
const UPLOAD: usize = 100_000_000;
/// What the answer to a row may add to it: its id, or why it was refused.
const REMARK: usize = 300;

/// What a job does with its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Makes them.
    Insert,
    /// Changes them, by `Id`.
    Update,
    /// Makes or changes them, by this external id.
    Upsert(String),
    /// Puts them into the recycle bin, by `Id`.
    Delete,
    /// Deletes them for good, by `Id`; the token's user needs a permission of its own for it.
    HardDelete,
}

impl Operation {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert(_) => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }

    /// The column that says which record a row is about.
    fn key(&self) -> Option<&str> {
        match self {
            Self::Insert => None,
            Self::Update | Self::Delete | Self::HardDelete => Some("Id"),
            Self::Upsert(field) => Some(field),
        }
    }
}

/// Rows of one kind and what to do with them.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// Which kind of record.
    pub object: ObjectKind,
    /// What to do.
    pub operation: &'a Operation,
    /// The rows; null clears a field, a field that is not there stays as it is.
    pub rows: &'a [Fields],
}

/// Rows handed over as one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The job's id.
    pub job: String,
    /// Which of the load's rows it has.
    pub rows: Range<usize>,
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The org has not finished: come back later.
    NotYet {
        /// The org's word for it: `UploadComplete`, `InProgress`.
        state: String,
        /// Rows it has been through.
        processed: u64,
        /// Rows it has refused among them.
        refused: u64,
    },
    /// It has; one result for every row of the part, in their order.
    Ended(Vec<Result<Loaded, VendorError>>),
}

/// A row that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The record.
    pub record: RecordRef,
    /// It was not there before.
    pub created: bool,
}

/// Which rows go together: as many as an upload takes, and as their results can be read in one answer.
pub fn parts(settings: &Settings, load: &Load<'_>) -> Vec<Range<usize>> {
    let columns = csv::columns(load.rows);
    let mut parts: Vec<Range<usize>> = Vec::new();
    let (mut upload, mut answer) = (usize::MAX, usize::MAX);
    let head: usize = columns.iter().map(|name| name.len() + 3).sum();
    for (place, row) in load.rows.iter().enumerate() {
        // Every quote may be doubled, so a cell is counted with room for its own.
        let size: usize = columns
            .iter()
            .map(|name| csv::cell(row.get(name)))
            .map(|cell| cell.len() + cell.matches('"').count() + 3)
            .sum();
        upload = upload.saturating_add(size);
        answer = answer.saturating_add(size + REMARK);
        match parts.last_mut() {
            Some(part) if upload <= UPLOAD && answer <= settings.max_response_bytes => part.end = place + 1,
            _ => {
                parts.push(place..place + 1);
                (upload, answer) = (head + size, head + size + REMARK);
            }
        }
    }
    parts
}

/// Hands rows over: makes the job, uploads, closes it. When that fails, nothing of the rows is done, unless the error
/// says that it may have happened: then the org lists a job that works on them.
pub async fn start(
    clients: &Clients,
    connection: &Connection,
    load: &Load<'_>,
    rows: Range<usize>,
    log: &mut Log,
) -> Result<Part, VendorError> {
    let settings = clients.settings();
    let sobject = objects::name(load.object)?;
    let Some(chosen) = load.rows.get(rows.clone()).filter(|rows| !rows.is_empty()) else {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "There is no such row to load; nothing was sent.",
        ));
    };
    let columns = csv::columns(chosen);
    for column in &columns {
        soql::identifier(column)?;
    }
    if let Some(key) = load.operation.key()
        && let Some(place) =
            chosen.iter().position(|row| row.get(key).is_none_or(|value| value_text(value).is_empty()))
    {
        return Err(VendorError::new(
            ErrorClass::Validation,
            &format!(
                "Row {} has no {key}, so nobody can tell which record it is about; nothing was sent.",
                rows.start + place
            ),
        ));
    }
    let upload = csv::write(&columns, chosen);
    if upload.len() > UPLOAD {
        return Err(VendorError::new(
            ErrorClass::TooLarge,
            &format!("The rows make {} bytes, and a job takes {UPLOAD}; nothing was sent.", upload.len()),
        ));
    }
    let answer = clients.send(connection, &jobs::create(settings, sobject, load.operation)?, log).await?;
    let Some(job) = answer.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
    else {
        return Err(VendorError::new(
            ErrorClass::Malformed,
            "Salesforce's new bulk job has no id; no row was sent.",
        ));
    };
    if let Err(error) = clients.send(connection, &jobs::put(settings, &job, upload), log).await {
        // A job that is not closed does nothing; aborting it only tidies up, so its own failure is not told.
        let _ = clients.send(connection, &jobs::set_state(settings, &job, "Aborted"), log).await;
        return Err(VendorError { may_have_happened: false, ..error });
    }
    let part = Part { job, rows };
    match clients.send(connection, &jobs::set_state(settings, &part.job, "UploadComplete"), log).await {
        Ok(_) => Ok(part),
        Err(error) if error.may_have_happened => {
            let answer = clients.send(connection, &jobs::status(settings, &part.job), log).await?;
            match answer.get("state").and_then(Value::as_str) {
                Some("UploadComplete" | "InProgress" | "JobComplete") => Ok(part),
                _ => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// How a part stands. Once its job has ended, what became of each row: the load must hold the rows it was started with.
pub async fn progress(
    clients: &Clients,
    connection: &Connection,
    load: &Load<'_>,
    part: &Part,
    log: &mut Log,
) -> Result<Progress, VendorError> {
    let settings = clients.settings();
    let answer = clients.send(connection, &jobs::status(settings, &part.job), log).await?;
    let state = answer.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    if !matches!(state.as_str(), "JobComplete" | "Failed" | "Aborted") {
        let (processed, refused) = (number("numberRecordsProcessed"), number("numberRecordsFailed"));
        return Ok(Progress::NotYet { state, processed, refused });
    }
    let mut tables = Vec::with_capacity(jobs::RESULTS.len());
    for which in jobs::RESULTS {
        let answer = clients.send(connection, &jobs::results(settings, &part.job, which), log).await?;
        tables.push(csv::read(answer.as_str().unwrap_or_default()).map_err(|why| {
            VendorError::new(
                ErrorClass::Malformed,
                &format!("The {which} of bulk job {} cannot be read as CSV: {why}.", part.job),
            )
        })?);
    }
    let why = answer.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    let rows = load.rows.get(part.rows.clone()).unwrap_or_default();
    let context = context(clients, connection, load.object, Expects::Text);
    let ended = Ended { job: &part.job, state: &state, why };
    Ok(Progress::Ended(settle(rows, load.operation, &tables, ended, &context)))
}

/// Takes a job back. Rows it has been through already stay done.
pub async fn abort(
    clients: &Clients,
    connection: &Connection,
    part: &Part,
    log: &mut Log,
) -> Result<(), VendorError> {
    clients.send(connection, &jobs::set_state(clients.settings(), &part.job, "Aborted"), log).await.map(drop)
}

/// Forgets an ended job at the org, which else keeps it for a week.
pub async fn forget(
    clients: &Clients,
    connection: &Connection,
    part: &Part,
    log: &mut Log,
) -> Result<(), VendorError> {
    clients.send(connection, &jobs::delete(clients.settings(), &part.job), log).await.map(drop)
}

/// How a job ended.
#[derive(Debug, Clone, Copy)]
struct Ended<'a> {
    job: &'a str,
    state: &'a str,
    why: &'a str,
}

/// Gives each row what the tables say of it.
fn settle(
    rows: &[Fields],
    operation: &Operation,
    tables: &[Table],
    ended: Ended<'_>,
    context: &super::Context<'_>,
) -> Vec<Result<Loaded, VendorError>> {
    let columns = csv::columns(rows);
    let key = operation.key();
    // Places of the rows under the name each is found by; equal ones wait in their order.
    let mut waiting: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        let name = match key {
            Some(key) => named(key, &csv::cell(row.get(key))),
            None => whole(columns.iter().map(|column| csv::cell(row.get(column)))),
        };
        waiting.entry(name).or_default().push_back(place);
    }
    let mut settled: Vec<Option<Result<Loaded, VendorError>>> = vec![None; rows.len()];
    for (which, table) in jobs::RESULTS.iter().zip(tables) {
        let places: Option<Vec<usize>> = match key {
            Some(key) => table.place(key).map(|place| vec![place]),
            None => columns.iter().map(|column| table.place(column)).collect(),
        };
        // A table without our columns can only be empty, or about something else.
        let Some(places) = places else { continue };
        let of = |row: &[String], place: usize| row.get(place).cloned().unwrap_or_default();
        let [id, created, error] = ["sf__Id", "sf__Created", "sf__Error"].map(|column| table.place(column));
        for row in &table.rows {
            let name = match key {
                Some(key) => named(key, &of(row, places[0])),
                None => whole(places.iter().map(|place| of(row, *place))),
            };
            let Some(place) = waiting.get_mut(&name).and_then(VecDeque::pop_front) else { continue };
            let cell = |place: Option<usize>| place.map(|place| of(row, place)).unwrap_or_default();
            settled[place] = Some(match *which {
                "successfulResults" => Ok(Loaded {
                    record: objects::record(context.connection, context.object, &cell(id)),
                    created: cell(created).eq_ignore_ascii_case("true"),
                }),
                "failedResults" => {
                    Err(errors::refused(None, &[errors::Refusal::of_cell(&cell(error))], context))
                }
                _ => Err(not_tried(ended)),
            });
        }
    }
    settled.into_iter().map(|result| result.unwrap_or_else(|| Err(unsaid(ended)))).collect()
}

/// A row's name by its key: ids in their long form, other values as they are.
fn named(key: &str, cell: &str) -> String {
    if key == "Id" { objects::whole_id(cell) } else { cell.to_owned() }
}

/// A row's name by all its cells.
fn whole(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Value>().to_string()
}

fn not_tried(ended: Ended<'_>) -> VendorError {
    let why = if ended.why.is_empty() { String::new() } else { format!(": {}", ended.why) };
    VendorError::new(
        ErrorClass::Unavailable,
        &format!(
            "Bulk job {} ended as {} before it came to this row{why}. Nothing was done with it.",
            ended.job, ended.state
        ),
    )
}

fn unsaid(ended: Ended<'_>) -> VendorError {
    VendorError {
        may_have_happened: true,
        ..VendorError::new(
            ErrorClass::Malformed,
            &format!(
                "Bulk job {} ended as {}, and none of its results names this row.",
                ended.job, ended.state
            ),
        )
    }
}

#[cfg(test)]
mod tests;
