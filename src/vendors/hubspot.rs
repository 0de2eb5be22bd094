//! HubSpot: effects as its calls, its answers as our records.
//!
//! Reading order: `paths` (the one table of paths), `calls` (what is sent), `operations` (all of it by name), `search`,
//! `wire` (what comes back), `batch` (many writes in one call), `errors`, `hook`. Never decides whether to try again.
//! Search lags behind writes and is limited to five calls a second for the whole account, so lookups by e-mail go by
//! the unique property instead.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, value_text};

use super::Page;
use super::error::VendorError;
use super::http::{Clients, Log};

pub(crate) mod around;
pub(crate) mod batch;
pub(crate) mod calls;
pub(crate) mod errors;
pub mod hook;
pub(crate) mod marked;
pub(crate) mod operations;
pub(crate) mod paths;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod timeline;
pub(crate) mod together;
pub(crate) mod topics;
pub(crate) mod whole;
pub(crate) mod wire;

pub use marked::marked;

pub use batch::{UpsertBy, UpsertRow, Upserted, upsert_batch};
use calls::objects::Wish;
use search::{Filter, Reading, Search};

/// Rows in one page of a list.
const LISTED: usize = 100;

pub(crate) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let request = calls::request(clients.settings(), effect)?;
    if let Effect::Log { contact, key, template: None, .. } = effect
        && let Some(note) = timeline::search(clients, &contact.connection, key, log).await?
    {
        return Ok(note);
    }
    let answer = match (clients.send(effect.connection(), &request, log).await, effect) {
        (Err(error), Effect::Erase { record } | Effect::Archive { record }) => {
            return super::gone_already(record, error);
        }
        // The contact has no such additional e-mail any more: freed by an earlier try, or by somebody else.
        (Err(error), Effect::Release { contact, .. }) => return super::gone_already(contact, error),
        // A property of that name is there: made by an earlier try whose answer was lost, or by somebody else.
        (Err(error), Effect::DefineField { .. }) if error.status == Some(409) => Value::Null,
        (answer, _) => answer?,
    };
    match effect {
        Effect::Erase { record } | Effect::Archive { record } | Effect::Release { contact: record, .. } => {
            Ok(record.clone())
        }
        Effect::Restore { .. } => Err(super::cannot(effect)),
        Effect::DefineField { connection, object, field, .. } => {
            Ok(RecordRef { connection: connection.clone(), object: *object, id: field.clone() })
        }
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. } => Err(super::cannot(effect)),
        Effect::Link { contact, .. }
        | Effect::Unlink { contact, .. }
        | Effect::Log { contact, template: Some(_), .. } => Ok(contact.clone()),
        Effect::Log { contact, .. } => made(&answer, &contact.connection, ObjectKind::Note),
        Effect::Update { record, .. } => Ok(named(&answer, record)),
        // The answer's id may be new: both old ids lead to it from now on.
        Effect::Merge { survivor, .. } => Ok(named(&answer, survivor)),
        Effect::Create { connection, object, .. } => made(&answer, connection, *object),
    }
}

fn made(answer: &Value, connection: &Connection, object: ObjectKind) -> Result<RecordRef, VendorError> {
    match wire::id(answer) {
        Some(id) => Ok(RecordRef { connection: connection.clone(), object, id }),
        None => Err(VendorError {
            may_have_happened: true,
            ..VendorError::new(
                ErrorClass::Malformed,
                &format!("HubSpot said it made the {object}, but its answer holds no id."),
            )
        }),
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
        Effect::Update { .. }
        | Effect::Link { .. }
        | Effect::Unlink { .. }
        | Effect::DefineField { .. }
        | Effect::Archive { .. }
        | Effect::Release { .. } => Ok(None),
        Effect::Restore { .. } => Err(super::cannot(effect)),
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. } => Err(super::cannot(effect)),
        Effect::Log { contact, key, template, .. } => {
            timeline::probe(clients, contact, key, template.as_deref(), log).await
        }
        Effect::Create { connection, object, fields, identity, related } => {
            let value = fields.get(identity).map(value_text).unwrap_or_default();
            if value.is_empty() {
                return Err(super::cannot_look(effect));
            }
            if let Some(found) =
                around::made(clients, effect, (*object, identity, &value), related, log).await?
            {
                return Ok(found);
            }
            let found = find(clients, connection, *object, identity, &value, log).await?;
            Ok(found.into_iter().next().map(|mirror| mirror.record))
        }
        // An id that leads to another record by now was merged away: what it said is in that one.
        Effect::Erase { record } => super::is_gone(record, read(clients, record, log).await),
        Effect::Merge { survivor, absorbed, .. } => merged(clients, survivor, absorbed, log).await,
    }
}

/// The record two ids have become, if they have. The survivor names those it has absorbed, which also tells where
/// HubSpot keeps the survivor's id and the absorbed one leads nowhere.
async fn merged(
    clients: &Clients,
    survivor: &RecordRef,
    absorbed: &RecordRef,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let left = resolve(clients, survivor, log).await?;
    if wire::merged_ids(&left).contains(&absorbed.id) {
        return Ok(Some(named(&left, survivor)));
    }
    let right = resolve(clients, absorbed, log).await?;
    let [left, right] = [named(&left, survivor), named(&right, absorbed)];
    Ok((left == right).then_some(left))
}

/// What an id leads to now, which after a merge is another record.
async fn resolve(clients: &Clients, record: &RecordRef, log: &mut Log) -> Result<Value, VendorError> {
    let purpose = format!("look whether {} {} was merged", record.object, record.id);
    let settings = clients.settings();
    let wish = Wish::usual(settings, record.object);
    let request = calls::objects::get(settings, record.object, &record.id, None, &wish)?.purpose(purpose);
    clients.send(&record.connection, &request, log).await
}

pub(crate) async fn read(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Mirror, VendorError> {
    let wish = Wish::usual(clients.settings(), record.object);
    let request = calls::objects::get(clients.settings(), record.object, &record.id, None, &wish)?
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

pub(crate) async fn find(
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
        let wish = Wish::usual(settings, object);
        let request =
            calls::objects::get(settings, object, value, Some(field), &wish)?.purpose(purpose.clone());
        match clients.send(connection, &request, log).await {
            Ok(answer) => return Ok(vec![wire::mirror(connection, object, &answer)?]),
            Err(error) if error.class == ErrorClass::NotFound => return Ok(Vec::new()),
            // The portal made the property without unique values: then only a search finds by it.
            Err(error) if error.status == Some(400) && field != "email" => {}
            Err(error) => return Err(error),
        }
    }
    let search =
        Search::all(vec![Filter::equal(field, value)]).properties(calls::properties(settings, object));
    let request = calls::objects::search(settings, object, &search)?.purpose(purpose);
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
    // Relations come by a batch read of the whole page, the primary company marked, which lists do not do.
    let wish = Wish { associations: String::new(), ..Wish::usual(clients.settings(), object) };
    let request = calls::objects::list(clients.settings(), object, LISTED, cursor, &wish)?;
    let answer = clients.send(connection, &request, log).await?;
    Ok((rows(clients, connection, object, &answer, log).await?, wire::next(&answer)))
}

/// How many records of a kind there are, or how many changed since then, as the search counts them.
pub(crate) async fn count(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    since: Option<Timestamp>,
    log: &mut Log,
) -> Result<Option<u64>, VendorError> {
    let filters = since.map(|at| Filter::from(search::changed_property(object), &at.0.to_string()));
    let search = Search {
        groups: filters.map(|filter| vec![filter]).into_iter().collect(),
        properties: vec!["hs_object_id".to_owned()],
        limit: 1,
        ..Search::default()
    };
    let request = calls::objects::search(clients.settings(), object, &search)?
        .purpose(format!("count {object} records"));
    let answer = clients.send(connection, &request, log).await?;
    Ok(answer.get("total").and_then(Value::as_u64))
}

/// Whether a record that a read does not find lies in the recycle bin.
pub(crate) async fn is_archived(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<bool, VendorError> {
    let wish = Wish { archived: true, properties: "hs_object_id".to_owned(), ..Wish::default() };
    let request = calls::objects::get(clients.settings(), record.object, &record.id, None, &wish)?
        .purpose(format!("look for {} in the recycle bin", record.object));
    match clients.send(&record.connection, &request, log).await {
        Ok(_) => Ok(true),
        Err(error) if error.class == ErrorClass::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// One page of the contacts changed since then, oldest first.
pub(crate) async fn changed_contacts(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    changed(clients, connection, ObjectKind::Contact, since, cursor, log).await
}

/// One page of what changed since then, oldest first and each row once; see [`Reading`] for its cursor. A page may
/// be empty and still lead on.
pub(crate) async fn changed(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let settings = clients.settings();
    let reading = Reading::new(since, cursor);
    let search = reading.search(object).properties(calls::properties(settings, object));
    let request =
        calls::objects::search(settings, object, &search)?.purpose(format!("changed {object} records"));
    let answer = clients.send(connection, &request, log).await?;
    let found: Vec<Mirror> = wire::results(&answer)
        .iter()
        .map(|row| wire::mirror(connection, object, row))
        .collect::<Result<_, _>>()?;
    let places: Vec<(Option<Timestamp>, &str)> =
        found.iter().map(|row| (row.vendor_updated_at, row.record.id.as_str())).collect();
    let (kept, next) = reading.turn(&places, wire::next(&answer).is_some())?;
    let mut found = found;
    found.truncate(kept);
    Ok((with_companies(clients, connection, object, found, log).await?, next.map(Reading::cursor)))
}

/// Whether the account is one to try things in, and what kind it is: a sandbox, a developer's or a test account.
pub async fn is_sandbox(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<(bool, String), VendorError> {
    let request = calls::account::details(clients.settings()).purpose("which account it is");
    let answer = clients.send(connection, &request, log).await?;
    let kind = answer.get("accountType").map(value_text).unwrap_or_default();
    Ok((!kind.is_empty() && kind != "STANDARD", kind))
}

pub(crate) async fn check(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<String, VendorError> {
    let request = calls::account::details(clients.settings()).purpose("check the connection");
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
    let mirrors = wire::results(answer)
        .iter()
        .map(|row| wire::mirror(connection, object, row))
        .collect::<Result<_, _>>()?;
    with_companies(clients, connection, object, mirrors, log).await
}

async fn with_companies(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    mut mirrors: Vec<Mirror>,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    if object != ObjectKind::Contact || mirrors.is_empty() {
        return Ok(mirrors);
    }
    let inputs: Vec<Value> = mirrors.iter().map(|mirror| json!({"id": mirror.record.id})).collect();
    let read = calls::associations::Verb::Read;
    let request =
        calls::associations::batch(clients.settings(), object, ObjectKind::Company, read, &inputs, false)?;
    let answer = clients.send(connection, &request, log).await?;
    let mut related = wire::associations(&answer);
    for mirror in &mut mirrors {
        mirror.companies = related.remove(&mirror.record.id).unwrap_or_default();
    }
    Ok(mirrors)
}
