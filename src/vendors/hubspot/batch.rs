//! Many updates in one call, with a result of its own for every row.
//!
//! Rows are matched by the trace id we send, then by record id; a row that neither result nor error names is in
//! doubt. When HubSpot refuses a whole batch because of one bad row, the rows are sent one by one, so that one
//! person's bad value never holds back ninety-nine others. That is not a retry: nothing of the batch was done.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Fields, ObjectKind, RecordRef, value_text};

use super::super::error::{Context, VendorError};
use super::super::http::{Clients, Log};
use super::super::request::Expects;
use super::{calls, errors, wire};

/// Rows in one batch.
const ROWS: usize = 100;

/// One row: its place in the caller's list, its record and the new values.
pub(crate) type Row<'a> = (usize, &'a RecordRef, &'a Fields);

/// Cuts updates of one connection and kind into batches in their order; no record stands twice in one batch.
pub(crate) fn batches<'a>(rows: &[Row<'a>]) -> Vec<Vec<Row<'a>>> {
    let mut batches: Vec<Vec<Row<'a>>> = Vec::new();
    for row in rows {
        match batches.last_mut() {
            Some(batch) if batch.len() < ROWS && batch.iter().all(|other| other.1.id != row.1.id) => {
                batch.push(*row);
            }
            _ => batches.push(vec![*row]),
        }
    }
    batches
}

/// Sends one batch; the results come with the caller's places.
pub(crate) async fn update(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    rows: &[Row<'_>],
    log: &mut Log,
) -> Vec<(usize, Result<RecordRef, VendorError>)> {
    let answer = match calls::update_batch(clients.settings(), object, rows) {
        Ok(request) => clients.send(connection, &request, log).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => settle(clients, connection, object, rows, &answer, log),
        Err(error) if rows.len() > 1 && is_about_a_row(&error) => {
            let mut results = Vec::with_capacity(rows.len());
            for (place, record, fields) in rows {
                let effect = Effect::Update { record: (*record).clone(), fields: (*fields).clone() };
                results.push((*place, super::perform(clients, &effect, log).await));
            }
            results
        }
        Err(error) => rows.iter().map(|(place, ..)| (*place, Err(error.clone()))).collect(),
    }
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

fn settle(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    rows: &[Row<'_>],
    answer: &Value,
    log: &mut Log,
) -> Vec<(usize, Result<RecordRef, VendorError>)> {
    let done = named(wire::results(answer), |row| {
        let trace = row.get("objectWriteTraceId").map(value_text).filter(|trace| !trace.is_empty());
        (trace.into_iter().collect(), wire::id(row).into_iter().collect())
    });
    let refused = named(answer.get("errors").and_then(Value::as_array).map_or(&[], Vec::as_slice), |row| {
        let listed = |name: &str| row.pointer(name).map(errors::texts).unwrap_or_default();
        (listed("/context/objectWriteTraceId"), [listed("/context/ids"), listed("/context/id")].concat())
    });
    let context = Context { connection, object, writes: true, expects: Expects::Json, now: clients.now() };
    let results: Vec<_> = rows
        .iter()
        .map(|(place, record, _)| {
            let (trace, id) = (format!("trace {place}"), format!("id {}", record.id));
            let find = |named: &HashMap<String, Value>| named.get(&trace).or_else(|| named.get(&id)).cloned();
            let result = if let Some(row) = find(&done) {
                Ok(super::named(&row, record))
            } else if let Some(row) = find(&refused) {
                let body: errors::Body = serde_json::from_value(row).unwrap_or_default();
                let status = errors::row_status(body.category.as_deref().unwrap_or_default());
                Err(errors::classify_body(status, &body, &context))
            } else {
                Err(VendorError {
                    may_have_happened: true,
                    ..VendorError::new(
                        ErrorClass::Malformed,
                        &format!("HubSpot's answer to a batch says nothing about {object} {}.", record.id),
                    )
                })
            };
            (*place, result)
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
            .chain(ids.iter().map(|id| format!("id {id}")));
        for key in keys {
            named.insert(key, row.clone());
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn a_batch_has_at_most_a_hundred_rows_and_no_record_twice() {
        let records: Vec<RecordRef> = (0..250)
            .map(|number| RecordRef::new(System::Hubspot, ObjectKind::Contact, number.to_string()))
            .collect();
        let fields = Fields::new();
        let mut rows: Vec<Row<'_>> =
            records.iter().enumerate().map(|(place, record)| (place, record, &fields)).collect();
        assert_eq!(batches(&rows).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        rows.push((250, &records[249], &fields));
        assert_eq!(batches(&rows).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50, 1]);
    }
}
