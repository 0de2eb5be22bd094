//! HubSpot: effects as its calls, its answers as our records.
//!
//! Reading order: `calls` (what is sent, and the one table of paths), `wire` (what comes back), `batch` (many updates
//! in one call), `errors`, `hook`. Never decides whether to try again. Search lags behind writes and is limited to
//! five calls a second for the whole account, so lookups by e-mail go by the unique property instead.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, value_text};

use super::Page;
use super::error::VendorError;
use super::http::{Clients, Log};
use super::request::{Manner, Request};

pub(crate) mod batch;
pub(crate) mod calls;
pub(crate) mod errors;
pub mod hook;
pub(crate) mod operations;
pub(crate) mod wire;

/// Rows in one page of a list.
const LISTED: usize = 100;
/// Rows in one page of a search.
const FOUND: usize = 200;
/// HubSpot refuses to page past this many results of one search.
const SEARCHABLE: usize = 10_000;

pub(crate) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let request = calls::request(clients.settings(), effect)?;
    let answer = clients.send(effect.connection(), &request, log).await?;
    match effect {
        Effect::Link { contact, .. } => Ok(contact.clone()),
        Effect::Update { record, .. } => Ok(named(&answer, record)),
        // The answer's id may be new: both old ids lead to it from now on.
        Effect::Merge { survivor, .. } => Ok(named(&answer, survivor)),
        Effect::Create { connection, object, .. } => match wire::id(&answer) {
            Some(id) => Ok(RecordRef { connection: connection.clone(), object: *object, id }),
            None => Err(VendorError {
                may_have_happened: true,
                ..VendorError::new(
                    ErrorClass::Malformed,
                    &format!("HubSpot said it made the {object}, but its answer holds no id."),
                )
            }),
        },
    }
}

fn named(answer: &Value, record: &RecordRef) -> RecordRef {
    wire::id(answer).map_or_else(|| record.clone(), |id| RecordRef { id, ..record.clone() })
}

pub(crate) async fn probe(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    match effect {
        Effect::Update { .. } | Effect::Link { .. } => Ok(None),
        Effect::Create { connection, object, fields, identity } => {
            let value = fields.get(identity).map(value_text).unwrap_or_default();
            if value.is_empty() {
                return Err(super::cannot_look(effect));
            }
            let found = find(clients, connection, *object, identity, &value, log).await?;
            Ok(found.into_iter().next().map(|mirror| mirror.record))
        }
        Effect::Merge { survivor, absorbed } => {
            let [left, right] =
                [resolve(clients, survivor, log).await?, resolve(clients, absorbed, log).await?];
            Ok((left == right).then_some(left))
        }
    }
}

/// The record an id leads to now, which after a merge is another one.
async fn resolve(clients: &Clients, record: &RecordRef, log: &mut Log) -> Result<RecordRef, VendorError> {
    let purpose = format!("look whether {} {} was merged", record.object, record.id);
    let request = calls::read(clients.settings(), record.object, &record.id, None).purpose(purpose);
    let answer = clients.send(&record.connection, &request, log).await?;
    Ok(named(&answer, record))
}

pub(crate) async fn read(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Mirror, VendorError> {
    let request = calls::read(clients.settings(), record.object, &record.id, None)
        .purpose(format!("read {}", record.object));
    let answer = clients.send(&record.connection, &request, log).await?;
    let mirror = wire::mirror(&record.connection, record.object, &answer)?;
    if mirror.record.id != record.id {
        return Err(VendorError {
            status: Some(200),
            existing: Some(Box::new(mirror.record.clone())),
            ..VendorError::new(
                ErrorClass::MergedAway,
                &format!("HubSpot answers {} {} with {}.", record.object, record.id, mirror.record.id),
            )
        });
    }
    Ok(mirror)
}

pub(crate) async fn find_contact(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    find(clients, connection, ObjectKind::Contact, field, value, log).await
}

async fn find(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let purpose = format!("find {object} by {field}");
    let settings = clients.settings();
    let unique = field == "email" || settings.hubspot.unique_properties.iter().any(|name| name == field);
    if object == ObjectKind::Contact && unique {
        // A read sees a write at once and is not held to five a second, as searches are.
        let request = calls::read(settings, object, value, Some(field)).purpose(purpose.clone());
        match clients.send(connection, &request, log).await {
            Ok(answer) => return Ok(vec![wire::mirror(connection, object, &answer)?]),
            Err(error) if error.class == ErrorClass::NotFound => return Ok(Vec::new()),
            // The portal made the property without unique values: then only a search finds by it.
            Err(error) if error.status == Some(400) && field != "email" => {}
            Err(error) => return Err(error),
        }
    }
    let body = json!({
        "filterGroups": [{"filters": [{"propertyName": field, "operator": "EQ", "value": value}]}],
        "properties": calls::properties(settings, object),
        "limit": FOUND,
    });
    let request = calls::search(settings, object, body).purpose(purpose);
    let answer = clients.send(connection, &request, log).await?;
    rows(clients, connection, object, &answer, log).await
}

pub(crate) async fn list(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let request = calls::list(clients.settings(), object, LISTED, cursor);
    let answer = clients.send(connection, &request, log).await?;
    Ok((rows(clients, connection, object, &answer, log).await?, wire::next(&answer)))
}

/// One page of what changed since then, oldest first. The cursor is `MILLISECONDS/AFTER`: where a search would come
/// to HubSpot's 10,000, the next cursor begins a new search at the last row's time instead.
pub(crate) async fn changed_contacts(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let (since, after) = match cursor.and_then(|cursor| cursor.split_once('/')) {
        Some((start, after)) => {
            (start.parse().map_or(since, Timestamp), Some(after).filter(|after| !after.is_empty()))
        }
        None => (since, None),
    };
    let settings = clients.settings();
    let mut body = json!({
        "filterGroups": [{"filters": [
            {"propertyName": "lastmodifieddate", "operator": "GTE", "value": since.0.to_string()},
        ]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        "properties": calls::properties(settings, ObjectKind::Contact),
        "limit": FOUND,
    });
    if let Some(after) = after {
        body["after"] = json!(after);
    }
    let request = calls::search(settings, ObjectKind::Contact, body).purpose("changed contacts");
    let answer = clients.send(connection, &request, log).await?;
    let mirrors = rows(clients, connection, ObjectKind::Contact, &answer, log).await?;
    let Some(next) = wire::next(&answer) else { return Ok((mirrors, None)) };
    if next.parse::<usize>().is_ok_and(|next| next + FOUND > SEARCHABLE) {
        let last = mirrors.last().and_then(|mirror| mirror.vendor_updated_at).unwrap_or(since);
        if last <= since {
            return Err(VendorError::new(
                ErrorClass::TooLarge,
                "More than 10,000 HubSpot contacts carry the very same time of change, and its search shows no more \
                 of them; a full listing reads them all.",
            ));
        }
        return Ok((mirrors, Some(format!("{}/", last.0))));
    }
    Ok((mirrors, Some(format!("{}/{next}", since.0))))
}

pub(crate) async fn check(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<String, VendorError> {
    let request =
        Request::get(ObjectKind::Contact, "/account-info/v3/details").purpose("check the connection");
    let answer = clients.send(connection, &request, log).await?;
    let portal = answer.get("portalId").map(value_text).unwrap_or_default();
    Ok(super::error::readable(&format!("portal {portal}")))
}

/// The rows of a page, contacts with their companies, which neither lists nor searches bring along.
async fn rows(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    answer: &Value,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let mut mirrors: Vec<Mirror> = wire::results(answer)
        .iter()
        .map(|row| wire::mirror(connection, object, row))
        .collect::<Result<_, _>>()?;
    if object != ObjectKind::Contact || mirrors.is_empty() {
        return Ok(mirrors);
    }
    let inputs: Vec<Value> = mirrors.iter().map(|mirror| json!({"id": mirror.record.id})).collect();
    let path = calls::association_read(clients.settings(), object, ObjectKind::Company);
    let request = Request::new(Manner::Page, reqwest::Method::POST, object, path)
        .body(json!({"inputs": inputs}))
        .purpose("companies of contacts");
    let answer = clients.send(connection, &request, log).await?;
    let mut related = wire::associations(&answer);
    for mirror in &mut mirrors {
        mirror.companies = related.remove(&mirror.record.id).unwrap_or_default();
    }
    Ok(mirrors)
}
