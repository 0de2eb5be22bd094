//! HubSpot's batches for rows of many executions: reads, lookups by unique values, creates, updates, relations.
//!
//! Every row is found again by what names it in the answer; of a row that is not named, a read, update or relation is
//! done by itself, a create is in doubt. Never takes one row's answer for another's.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Mirror, ObjectKind, RecordRef, value_text};

use super::batch::{Names, settle_each};
use super::calls::objects::{self, Wish};
use super::calls::{associations, refused};
use super::{errors, wire, with_companies};
use crate::vendors::error::{Context, VendorError};
use crate::vendors::http::Log;
use crate::vendors::request::{Expects, Request};
use crate::vendors::together::{Brought, Endpoint, Errand, Travel, Verb, is_about_a_row};

/// Sends these rows in one call, and a second one where contacts' companies are read.
pub(in crate::vendors) async fn send(
    travel: &mut Travel<'_>,
    endpoint: &Endpoint,
    rows: Vec<usize>,
    log: &mut Log,
) {
    match endpoint.verb {
        Verb::Read | Verb::Find => read(travel, endpoint, rows, log).await,
        Verb::Create | Verb::Update => write(travel, endpoint, rows, log).await,
        Verb::Link => link(travel, endpoint, rows, log).await,
    }
}

/// Sends a request; its answer, what it was called, and from where on the log tells of it.
async fn call(
    travel: &mut Travel<'_>,
    endpoint: &Endpoint,
    request: Result<Request, VendorError>,
    log: &mut Log,
) -> (Result<Value, VendorError>, String, usize) {
    let what = request.as_ref().map(|request| request.purpose.clone()).unwrap_or_default();
    let request = request.as_ref().map_err(Clone::clone);
    let (answer, from) = travel.call(&endpoint.connection, request, log).await;
    (answer, what, from)
}

/// What a row is asked for by.
fn asked(errand: &Errand) -> String {
    match errand {
        Errand::Read(record) => record.id.clone(),
        Errand::Find { value, .. } => value.trim().to_owned(),
        Errand::Perform(_) => String::new(),
    }
}

async fn read(travel: &mut Travel<'_>, endpoint: &Endpoint, rows: Vec<usize>, log: &mut Log) {
    let clients = travel.clients;
    let settings = clients.settings();
    let by = (!endpoint.by.is_empty()).then_some(endpoint.by.as_str());
    let ids: Vec<String> = rows.iter().map(|&place| asked(&travel.errands[place])).collect();
    let wish = Wish { associations: String::new(), ..Wish::usual(settings, endpoint.object) };
    let purpose = match by {
        Some(field) => format!("find {} {} by {field}", ids.len(), endpoint.object),
        None => format!("read {} {}", ids.len(), endpoint.object),
    };
    let request = objects::batch_read(settings, endpoint.object, &ids, by, &wish);
    let request = request.map(|request| request.purpose(purpose));
    let (answer, what, from) = call(travel, endpoint, request, log).await;
    let exchanges = log[from..].to_vec();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            for (place, id) in rows.iter().zip(&ids) {
                let sent = json!({"id": id}).to_string();
                travel.part(*place, &exchanges, rows.len(), &what, &sent, (None, Some(error.class)));
            }
            if is_about_a_row(&error) {
                // Also a property that the portal made without unique values: by itself a row is searched for.
                travel.division.again(rows);
            } else {
                travel.whole(&rows, &error);
            }
            return;
        }
    };
    travel.division.taken();
    let missing = missing(&answer);
    let mut found: Vec<(usize, Mirror)> = Vec::new();
    let mut unnamed = Vec::new();
    let named = named(&answer, by);
    for (&place, id) in rows.iter().zip(&ids) {
        let key = id.to_lowercase();
        let row = named.get(&key).copied();
        let lost = missing.get(&key);
        let said = row.map(Value::to_string).or_else(|| lost.map(ToString::to_string));
        let sent = json!({"id": id}).to_string();
        let said = (Some(said.as_deref().unwrap_or_default()), None);
        travel.part(place, &exchanges, rows.len(), &what, &sent, said);
        match row.map(|row| wire::mirror(&endpoint.connection, endpoint.object, row)) {
            Some(Ok(mirror)) => found.push((place, mirror)),
            Some(Err(error)) => travel.division.settle(place, Err(error)),
            None if by.is_some() && lost.is_some() => {
                travel.division.settle(place, Ok(Brought::Found(Vec::new())));
            }
            // A record that is gone or was merged away: only a read of its own says which.
            None => unnamed.push(place),
        }
    }
    travel.division.again(unnamed);
    let (places, mirrors): (Vec<usize>, Vec<Mirror>) = found.into_iter().unzip();
    let from = log.len();
    let related = with_companies(clients, &endpoint.connection, endpoint.object, mirrors, log).await;
    let exchanges = log[from..].to_vec();
    let what = exchanges.last().map(|exchange| exchange.purpose.clone()).unwrap_or_default();
    match related {
        Ok(mirrors) => {
            for (place, mirror) in places.iter().zip(mirrors) {
                let sent = json!({"id": mirror.record.id}).to_string();
                let said = json!(mirror.companies).to_string();
                travel.part(*place, &exchanges, places.len(), &what, &sent, (Some(&said), None));
                let brought = match by {
                    Some(_) => Brought::Found(vec![mirror]),
                    None => Brought::Record(mirror),
                };
                travel.division.settle(*place, Ok(brought));
            }
        }
        Err(error) => {
            for place in places.iter().copied() {
                let said = (None, Some(error.class));
                travel.part(place, &exchanges, places.len(), &what, "", said);
                travel.division.settle(place, Err(error.clone()));
            }
        }
    }
}

/// The rows of a read by what they can be asked for; what two rows claim belongs to neither.
fn named<'a>(answer: &'a Value, by: Option<&str>) -> HashMap<String, &'a Value> {
    let mut named: HashMap<String, &Value> = HashMap::new();
    let mut twice = HashSet::new();
    for row in wire::results(answer) {
        let text = |name: &str| row.pointer(&format!("/properties/{name}")).map(value_text);
        let mut names: Vec<String> = match by {
            None => wire::id(row).into_iter().collect(),
            Some(field) => text(field).into_iter().collect(),
        };
        if by == Some("email") {
            // HubSpot finds a contact by its further addresses too.
            let more = text("hs_additional_emails").unwrap_or_default();
            names.extend(more.split(';').map(|one| one.trim().to_owned()));
        }
        for name in names.into_iter().map(|name| name.to_lowercase()).filter(|name| !name.is_empty()) {
            if named.get(&name).is_some_and(|known| wire::id(known) != wire::id(row)) {
                twice.insert(name.clone());
            }
            named.insert(name, row);
        }
    }
    named.retain(|name, _| !twice.contains(name));
    named
}

/// The rows a read did not find, as the answer names them.
fn missing(answer: &Value) -> HashMap<String, &Value> {
    let mut missing = HashMap::new();
    for error in answer.get("errors").and_then(Value::as_array).into_iter().flatten() {
        if error.get("category").and_then(Value::as_str) != Some("OBJECT_NOT_FOUND") {
            continue;
        }
        for name in ["/context/ids", "/context/id"] {
            for id in error.pointer(name).map(errors::texts).unwrap_or_default() {
                missing.insert(id.trim().to_lowercase(), error.get("category").unwrap_or(&Value::Null));
            }
        }
    }
    missing
}

async fn write(travel: &mut Travel<'_>, endpoint: &Endpoint, rows: Vec<usize>, log: &mut Log) {
    let mut inputs = Vec::with_capacity(rows.len());
    let mut odd = Vec::new();
    for &place in &rows {
        match row(&travel.errands[place], place) {
            Ok(input) => inputs.push(input),
            Err(error) => odd.push((place, error)),
        }
    }
    if !odd.is_empty() {
        // What HubSpot could only refuse keeps nobody else back.
        travel.division.again(rows.iter().copied().filter(|row| odd.iter().all(|(place, _)| place != row)));
        for (place, error) in odd {
            travel.division.settle(place, Err(error));
        }
        return;
    }
    let verb = if endpoint.verb == Verb::Create { objects::Verb::Create } else { objects::Verb::Update };
    let request = objects::batch(travel.clients.settings(), endpoint.object, verb, &inputs);
    let sent: Vec<String> = match request.as_ref().ok().and_then(|request| request.body.as_ref()) {
        Some(body) => body["inputs"].as_array().into_iter().flatten().map(Value::to_string).collect(),
        None => vec![String::new(); rows.len()],
    };
    let (answer, what, from) = call(travel, endpoint, request, log).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let exchanges = log[from..].to_vec();
            for (place, sent) in rows.iter().zip(&sent) {
                travel.part(*place, &exchanges, rows.len(), &what, sent, (None, Some(error.class)));
            }
            travel.whole(&rows, &error);
            return;
        }
    };
    travel.division.taken();
    let ids: Vec<String> = rows
        .iter()
        .map(|&place| match &travel.errands[place] {
            Errand::Perform(Effect::Update { record, .. }) => record.id.clone(),
            errand => errand.key(),
        })
        .collect();
    let by = (!endpoint.by.is_empty()).then_some(endpoint.by.as_str());
    let names: Vec<Names<'_>> = rows.iter().zip(&ids).map(|(&place, id)| Names { place, id, by }).collect();
    let settled = settle_each(travel.clients, &endpoint.connection, endpoint.object, &names, &answer, log);
    let exchanges = log[from..].to_vec();
    for (((said, result), &place), sent) in settled.into_iter().zip(&rows).zip(&sent) {
        let unnamed = said.is_none();
        let said = said.map(|said| said.to_string()).unwrap_or_default();
        let class = result.as_ref().err().map(|error| error.class);
        travel.part(place, &exchanges, rows.len(), &what, sent, (Some(&said), class));
        match &travel.errands[place] {
            errand if unnamed && errand.is_repeatable() => travel.division.again([place]),
            Errand::Perform(Effect::Update { record, .. }) => {
                let done = result.map(|row| Brought::Done(super::named(&row, record)));
                travel.division.settle(place, done);
            }
            _ => {
                let made = result.and_then(|row| made(endpoint, &row));
                travel.division.settle(place, made.map(Brought::Done));
            }
        }
    }
}

/// A row of a batch of creates or updates.
fn row(errand: &Errand, place: usize) -> Result<Value, VendorError> {
    let trace = place.to_string();
    match errand {
        Errand::Perform(Effect::Update { record, fields }) => {
            Ok(json!({"id": record.id, "properties": fields, "objectWriteTraceId": trace}))
        }
        Errand::Perform(Effect::Create { object, fields, related, .. }) => {
            let mut row = json!({"properties": fields, "objectWriteTraceId": trace});
            if let Some(relations) = super::calls::relations(*object, related)? {
                row["associations"] = relations;
            }
            Ok(row)
        }
        _ => Err(refused("what is neither a create nor an update stood in a batch of them")),
    }
}

fn made(endpoint: &Endpoint, row: &Value) -> Result<RecordRef, VendorError> {
    match wire::id(row) {
        Some(id) => Ok(RecordRef { connection: endpoint.connection.clone(), object: endpoint.object, id }),
        None => Err(VendorError {
            may_have_happened: true,
            ..VendorError::new(
                ErrorClass::Malformed,
                &format!("HubSpot said it made the {}, but its answer holds no id.", endpoint.object),
            )
        }),
    }
}

async fn link(travel: &mut Travel<'_>, endpoint: &Endpoint, rows: Vec<usize>, log: &mut Log) {
    let ends: Vec<(RecordRef, RecordRef)> = rows
        .iter()
        .filter_map(|&place| match &travel.errands[place] {
            Errand::Perform(Effect::Link { contact, company, .. }) => {
                Some((contact.clone(), company.clone()))
            }
            _ => None,
        })
        .collect();
    if ends.len() != rows.len() {
        let error = refused("what is no relation stood in a batch of them");
        for &place in &rows {
            travel.division.settle(place, Err(error.clone()));
        }
        return;
    }
    let inputs: Vec<Value> = ends
        .iter()
        .map(|(contact, company)| json!({"from": {"id": contact.id}, "to": {"id": company.id}}))
        .collect();
    let request = associations::batch(
        travel.clients.settings(),
        ObjectKind::Contact,
        ObjectKind::Company,
        associations::Verb::Default,
        &inputs,
        false,
    );
    let (answer, what, from) = call(travel, endpoint, request, log).await;
    let exchanges = log[from..].to_vec();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            for (place, sent) in rows.iter().zip(&inputs) {
                let said = (None, Some(error.class));
                travel.part(*place, &exchanges, rows.len(), &what, &sent.to_string(), said);
            }
            travel.whole(&rows, &error);
            return;
        }
    };
    travel.division.taken();
    let context = Context {
        connection: &endpoint.connection,
        object: ObjectKind::Contact,
        writes: true,
        expects: Expects::Json,
        now: travel.clients.now(),
    };
    let errors = answer.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for ((&place, (contact, company)), sent) in rows.iter().zip(&ends).zip(&inputs) {
        let is = |row: &Value, place: &str, id: &str| {
            row.pointer(place).map(errors::texts).unwrap_or_default().iter().any(|text| text == id)
        };
        let done = wire::results(&answer)
            .iter()
            .find(|row| is(row, "/from/id", &contact.id) && is(row, "/to/id", &company.id));
        let bad = errors.iter().find(|row| {
            is(row, "/context/fromObjectId", &contact.id) && is(row, "/context/toObjectId", &company.id)
        });
        let result = match (done, bad) {
            (Some(_), _) => Some(Ok(Brought::Done(contact.clone()))),
            (None, Some(bad)) => Some(Err(errors::classify_row(bad, &context))),
            (None, None) => None,
        };
        let said = done.or(bad).map(Value::to_string).unwrap_or_default();
        let class = result.as_ref().and_then(|result| result.as_ref().err()).map(|error| error.class);
        travel.part(place, &exchanges, rows.len(), &what, &sent.to_string(), (Some(&said), class));
        match result {
            Some(result) => travel.division.settle(place, result),
            None => travel.division.again([place]),
        }
    }
}
