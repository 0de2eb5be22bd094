//! Many writes in one call, with a result of its own for every row: updates by id, and upserts by a unique property.
//!
//! Rows are matched by the trace id we send, then by record id or unique value; a row that neither result nor error
//! names is in doubt. When HubSpot refuses a whole batch because of one bad row, the batch is halved until the bad
//! row stands alone, so that one person's bad value never holds back ninety-nine others. That is not a retry:
//! nothing of the batch was done.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Fields, ObjectKind, RecordRef, value_text};

use super::super::error::{Context, VendorError};
use super::super::http::{Clients, Log};
use super::super::request::{Expects, Request};
use super::super::settings::Settings;
use super::calls::objects::{BATCH, Verb, batch};
use super::calls::refused;
use super::{errors, wire};

/// One row: its place in the caller's list, its record and the new values.
pub(crate) type Row<'a> = (usize, &'a RecordRef, &'a Fields);

/// Cuts rows into batches in their order; no key stands twice in one batch.
fn cut<T: Copy, K: std::hash::Hash + Eq>(rows: &[T], key: impl Fn(T) -> K) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut seen = HashSet::new();
    for row in rows {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && !seen.contains(&key(*row)) => batch.push(*row),
            _ => {
                seen.clear();
                batches.push(vec![*row]);
            }
        }
        seen.insert(key(*row));
    }
    batches
}

/// Cuts updates of one connection and kind into batches in their order; no record stands twice in one batch.
pub(crate) fn batches<'a>(rows: &[Row<'a>]) -> Vec<Vec<Row<'a>>> {
    cut(rows, |row| row.1.id.clone())
}

/// Sends one batch; the results come with the caller's places.
pub(crate) async fn update(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Vec<(usize, Result<RecordRef, VendorError>)> {
    let mut results = Vec::with_capacity(rows.len());
    let mut waiting = vec![rows];
    while let Some(rows) = waiting.pop() {
        if let [(place, record, fields)] = rows {
            // A batch of one would only make errors harder to read.
            let effect = Effect::Update { record: (*record).clone(), fields: (*fields).clone() };
            results.push((*place, super::perform(clients, &effect, log).await));
            continue;
        }
        let inputs: Vec<Value> = rows
            .iter()
            .map(|(place, record, fields)| {
                json!({"id": record.id, "properties": fields, "objectWriteTraceId": place.to_string()})
            })
            .collect();
        let request = batch(clients.settings(), object, Verb::Update, &inputs);
        match send(clients, connection, request, log).await {
            Ok(answer) => {
                let names: Vec<Names<'_>> = rows
                    .iter()
                    .map(|(place, record, _)| Names { place: *place, id: &record.id, by: None })
                    .collect();
                let settled = settle(clients, connection, object, &names, &answer, log);
                results.extend(settled.into_iter().zip(rows).map(|(result, (place, record, _))| {
                    (*place, result.map(|row| super::named(&row, record)))
                }));
            }
            Err(error) if is_about_a_row(&error) => {
                let (left, right) = rows.split_at(rows.len() / 2);
                waiting.extend([right, left]);
            }
            Err(error) => results.extend(rows.iter().map(|(place, ..)| (*place, Err(error.clone())))),
        }
    }
    results
}

async fn send(
    clients: &Clients,
    connection: &Connection,
    request: Result<Request, VendorError>,
    log: &mut Log,
) -> Result<Value, VendorError> {
    clients.send(connection, &request?, log).await
}

fn is_about_a_row(error: &VendorError) -> bool {
    !error.may_have_happened
        && matches!(
            error.class,
            ErrorClass::Validation
                | ErrorClass::UnknownField
                | ErrorClass::NotAllowedValue
                | ErrorClass::NotFound
                | ErrorClass::DuplicateDetected
                | ErrorClass::Conflict
                | ErrorClass::TooLarge
        )
}

/// By which property the records of an upsert are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpsertBy<'a> {
    /// A property of the portal's own with unique values; a row may hold any part of the fields.
    Unique(&'a str),
    /// A contact's e-mail. HubSpot takes no partial upserts by it, so every row must hold all of these fields (null
    /// clears); a row that lacks one is refused before anything of it is sent.
    Email(&'a [&'a str]),
}

impl<'a> UpsertBy<'a> {
    fn property(self) -> &'a str {
        match self {
            Self::Unique(property) => property,
            Self::Email(_) => "email",
        }
    }
}

/// One row of an upsert.
#[derive(Debug, Clone, PartialEq)]
pub struct UpsertRow {
    /// The value of the unique property.
    pub value: String,
    /// The other values, by the vendor's names; null clears.
    pub fields: Fields,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upserted {
    /// The record that holds the value now.
    pub record: RecordRef,
    /// It was made by this call.
    pub new: bool,
}

/// Creates or updates records by a unique property, a hundred in a call; results in the given order.
///
/// Rows that HubSpot refuses fail alone. A value that stands twice is written twice, in order, in different batches.
pub async fn upsert_batch(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    by: UpsertBy<'_>,
    rows: &[UpsertRow],
    log: &mut Log,
) -> Vec<Result<Upserted, VendorError>> {
    let mut results: Vec<Option<Result<Upserted, VendorError>>> = vec![None; rows.len()];
    let mut good: Vec<(usize, &UpsertRow)> = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        match fit(object, by, row) {
            Ok(()) => good.push((place, row)),
            Err(error) => results[place] = Some(Err(error)),
        }
    }
    let batches = cut(&good, |(_, row)| row.value.trim().to_lowercase());
    let mut waiting: Vec<&[(usize, &UpsertRow)]> = batches.iter().rev().map(Vec::as_slice).collect();
    while let Some(rows) = waiting.pop() {
        let request = upsert_request(clients.settings(), object, by, rows);
        match send(clients, connection, request, log).await {
            Ok(answer) => {
                let names: Vec<Names<'_>> = rows
                    .iter()
                    .map(|(place, row)| Names { place: *place, id: &row.value, by: Some(by.property()) })
                    .collect();
                let settled = settle(clients, connection, object, &names, &answer, log);
                for (result, (place, _)) in settled.into_iter().zip(rows) {
                    results[*place] = Some(result.and_then(|row| upserted(connection, object, &row)));
                }
            }
            Err(error) if rows.len() > 1 && is_about_a_row(&error) => {
                let (left, right) = rows.split_at(rows.len() / 2);
                waiting.extend([right, left]);
            }
            Err(error) => rows.iter().for_each(|(place, _)| results[*place] = Some(Err(error.clone()))),
        }
    }
    results
        .into_iter()
        .map(|result| result.expect("every place was filled: by its refusal, or by the batch it went with"))
        .collect()
}

/// Whether a row can be sent at all.
fn fit(object: ObjectKind, by: UpsertBy<'_>, row: &UpsertRow) -> Result<(), VendorError> {
    if row.value.trim().is_empty() {
        return Err(refused(&format!(
            "the row has no {}, by which its {object} would be found",
            by.property()
        )));
    }
    match by {
        UpsertBy::Unique("email") => Err(refused(
            "HubSpot takes no partial upserts by e-mail: name the mapped fields with it, or use a property of your \
             own with unique values",
        )),
        UpsertBy::Email(_) if object != ObjectKind::Contact => {
            Err(refused(&format!("only contacts are found by e-mail, a {object} is not")))
        }
        UpsertBy::Email(mapped) => {
            let lacks: Vec<&str> = mapped
                .iter()
                .copied()
                .filter(|name| *name != "email" && !row.fields.contains_key(*name))
                .collect();
            if lacks.is_empty() {
                return Ok(());
            }
            Err(refused(&format!(
                "HubSpot takes no partial upserts by e-mail, and the row lacks {}",
                lacks.join(", ")
            )))
        }
        UpsertBy::Unique(_) => Ok(()),
    }
}

fn upsert_request(
    settings: &Settings,
    object: ObjectKind,
    by: UpsertBy<'_>,
    rows: &[(usize, &UpsertRow)],
) -> Result<Request, VendorError> {
    let inputs: Vec<Value> = rows
        .iter()
        .map(|(place, row)| {
            json!({
                "idProperty": by.property(),
                "id": row.value.trim(),
                "properties": row.fields,
                "objectWriteTraceId": place.to_string(),
            })
        })
        .collect();
    batch(settings, object, Verb::Upsert, &inputs)
}

fn upserted(connection: &Connection, object: ObjectKind, row: &Value) -> Result<Upserted, VendorError> {
    let Some(id) = wire::id(row) else {
        return Err(VendorError {
            may_have_happened: true,
            ..VendorError::new(
                ErrorClass::Malformed,
                &format!("HubSpot said it wrote the {object}, but its answer holds no id."),
            )
        });
    };
    let new = row.get("new").and_then(Value::as_bool).unwrap_or(false);
    Ok(Upserted { record: RecordRef { connection: connection.clone(), object, id }, new })
}

/// The names a row can be found by in an answer.
pub(super) struct Names<'a> {
    pub(super) place: usize,
    /// What was sent as the row's id.
    pub(super) id: &'a str,
    /// The property it is a value of; none for the record's own id.
    pub(super) by: Option<&'a str>,
}

/// Each row's own result, in the rows' order.
fn settle(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    rows: &[Names<'_>],
    answer: &Value,
    log: &mut Log,
) -> Vec<Result<Value, VendorError>> {
    let settled = settle_each(clients, connection, object, rows, answer, log);
    settled.into_iter().map(|(_, result)| result).collect()
}

/// What the answer says of each row, if it does, and the row's own result, in the rows' order.
pub(super) fn settle_each(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    rows: &[Names<'_>],
    answer: &Value,
    log: &mut Log,
) -> Vec<(Option<Value>, Result<Value, VendorError>)> {
    let by = rows.first().and_then(|row| row.by);
    let done = named(wire::results(answer), |row| {
        let trace = row.get("objectWriteTraceId").map(value_text).filter(|trace| !trace.is_empty());
        let id = match by {
            None => wire::id(row),
            Some(property) => row.get("properties").and_then(|values| values.get(property)).map(value_text),
        };
        (trace.into_iter().collect(), id.into_iter().collect())
    });
    let refused = named(answer.get("errors").and_then(Value::as_array).map_or(&[], Vec::as_slice), |row| {
        let listed = |name: &str| row.pointer(name).map(errors::texts).unwrap_or_default();
        (listed("/context/objectWriteTraceId"), [listed("/context/ids"), listed("/context/id")].concat())
    });
    let context = Context { connection, object, writes: true, expects: Expects::Json, now: clients.now() };
    let results: Vec<(Option<Value>, Result<Value, VendorError>)> = rows
        .iter()
        .map(|row| {
            let (trace, id) =
                (format!("trace {}", row.place), format!("id {}", row.id.trim().to_lowercase()));
            let find = |named: &HashMap<String, Value>| named.get(&trace).or_else(|| named.get(&id)).cloned();
            if let Some(done) = find(&done) {
                (Some(done.clone()), Ok(done))
            } else if let Some(refused) = find(&refused) {
                let error = errors::classify_row(&refused, &context);
                (Some(refused), Err(error))
            } else {
                let error = VendorError {
                    may_have_happened: true,
                    ..VendorError::new(
                        ErrorClass::Malformed,
                        &format!("HubSpot's answer to a batch says nothing about {object} {}.", row.id),
                    )
                };
                (None, Err(error))
            }
        })
        .collect();
    if let Some(exchange) = log.last_mut() {
        exchange.class =
            results.iter().find_map(|(_, result)| result.as_ref().err().map(|error| error.class));
    }
    results
}

/// Rows under every name they can be found by.
fn named(rows: &[Value], names: impl Fn(&Value) -> (Vec<String>, Vec<String>)) -> HashMap<String, Value> {
    let mut named = HashMap::new();
    for row in rows {
        let (traces, ids) = names(row);
        let keys = traces
            .iter()
            .map(|trace| format!("trace {trace}"))
            .chain(ids.iter().map(|id| format!("id {}", id.to_lowercase())));
        for key in keys {
            named.insert(key, row.clone());
        }
    }
    named
}

#[cfg(test)]
mod tests;
