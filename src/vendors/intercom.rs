//! Intercom: effects as its calls, its answers as our records.
//!
//! Reading order: `calls` (what is sent), `wire` (what comes back), `errors` (what refusals mean), `hook` (what it
//! tells us unasked). Never decides whether to try again. Search lags minutes behind a write, so what was just
//! written is looked for by id or external id wherever Intercom allows it.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef};

use super::Page;
use super::error::VendorError;
use super::http::{Clients, Log};
use super::request::{Request, encode};

pub(crate) mod calls;
pub(crate) mod errors;
pub mod hook;
pub(crate) mod operations;
pub(crate) mod wire;

/// Contacts in one page: the most Intercom gives.
const CONTACTS: u32 = 150;
/// Companies in one page.
const COMPANIES: u32 = 60;
/// Intercom compares dates by whole days of the workspace's time zone, so a sub-day cursor must reach back.
const DATE_SLACK_SECONDS: i64 = 48 * 3600;

pub(crate) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let request = calls::request(clients.settings(), effect)?;
    let answer = clients.send(effect.connection(), &request, log).await?;
    match effect {
        // The answer to a link is the company; what was touched is the person.
        Effect::Link { contact, .. } => Ok(contact.clone()),
        Effect::Update { record, .. } => Ok(record.clone()),
        Effect::Merge { survivor, .. } => {
            Ok(wire::id(&answer).map_or_else(|| survivor.clone(), |id| RecordRef { id, ..survivor.clone() }))
        }
        Effect::Create { connection, object, .. } => match wire::id(&answer) {
            Some(id) => Ok(RecordRef { connection: connection.clone(), object: *object, id }),
            None => Err(no_id(*object)),
        },
    }
}

fn no_id(object: ObjectKind) -> VendorError {
    VendorError {
        may_have_happened: true,
        ..VendorError::new(
            ErrorClass::Malformed,
            &format!("Intercom said it made the {object}, but its answer holds no id."),
        )
    }
}

pub(crate) async fn probe(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    match effect {
        Effect::Update { .. } | Effect::Link { .. } => Ok(None),
        Effect::Create { connection, object, fields, identity } => {
            let value = fields.get(identity).map(crate::domain::record::value_text).unwrap_or_default();
            if value.is_empty() {
                return Err(super::cannot_look(effect));
            }
            let found = match object {
                ObjectKind::Contact => find_contact(clients, connection, identity, &value, log).await?,
                ObjectKind::Company => find_company(clients, connection, identity, &value, log).await?,
                _ => return Err(super::cannot_look(effect)),
            };
            Ok(found.into_iter().next().map(|mirror| mirror.record))
        }
        Effect::Merge { survivor, absorbed } => {
            let survivor_now = read(clients, survivor, log).await?.record;
            match read(clients, absorbed, log).await {
                // Both are still there: the merge did not happen.
                Ok(_) => Ok(None),
                Err(error) if error.class == ErrorClass::MergedAway => match error.existing {
                    Some(into) if into.id != survivor_now.id => Err(VendorError::new(
                        ErrorClass::Conflict,
                        &format!(
                            "{} was merged into {}, not into {survivor}.",
                            absorbed.title(),
                            into.title()
                        ),
                    )),
                    _ => Ok(Some(survivor_now)),
                },
                Err(error) => Err(error),
            }
        }
    }
}

pub(crate) async fn read(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Mirror, VendorError> {
    let path = match record.object {
        ObjectKind::Contact => format!("/contacts/{}", encode(&record.id)),
        ObjectKind::Company => format!("/companies/{}", encode(&record.id)),
        ObjectKind::Conversation => format!("/conversations/{}?display_as=plaintext", encode(&record.id)),
        object => return Err(calls::unsupported("read", object)),
    };
    let request = Request::get(record.object, path).purpose(format!("read {}", record.object));
    let answer = clients.send(&record.connection, &request, log).await?;
    one(clients, &record.connection, record.object, &answer, log).await
}

pub(crate) async fn find_contact(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let purpose = format!("find contact by {field}");
    if field == "external_id" {
        let path = format!("/contacts/find_by_external_id/{}", encode(value));
        let request = Request::get(ObjectKind::Contact, path).purpose(&purpose);
        match clients.send(connection, &request, log).await {
            Ok(answer) => {
                return Ok(vec![one(clients, connection, ObjectKind::Contact, &answer, log).await?]);
            }
            // That path knows users only; a lead is found by the search below.
            Err(error) if error.class == ErrorClass::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let body = json!({
        "query": {"field": field, "operator": "=", "value": value},
        "pagination": {"per_page": CONTACTS},
    });
    let request = calls::search(body).purpose(purpose);
    let answer = clients.send(connection, &request, log).await?;
    Ok(page(clients, connection, &answer, log).await?.0)
}

async fn find_company(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    if !matches!(field, "company_id" | "name") {
        return Err(VendorError::new(
            ErrorClass::Unknown,
            &format!("Intercom finds companies by company_id or name, not by {field}."),
        ));
    }
    let request = Request::get(ObjectKind::Company, format!("/companies?{field}={}", encode(value)))
        .purpose(format!("find company by {field}"));
    match clients.send(connection, &request, log).await {
        // By company_id the answer is the company itself, by name it may be a list.
        Ok(answer) if wire::id(&answer).is_some() => Ok(vec![wire::company(connection, &answer)?]),
        Ok(answer) => wire::items(&answer).iter().map(|item| wire::company(connection, item)).collect(),
        Err(error) if error.class == ErrorClass::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn list_contacts(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let mut path = format!("/contacts?per_page={CONTACTS}");
    if let Some(cursor) = cursor {
        path.push_str("&starting_after=");
        path.push_str(&encode(cursor));
    }
    let request = Request::get(ObjectKind::Contact, path).page().purpose("list contacts");
    let answer = clients.send(connection, &request, log).await?;
    page(clients, connection, &answer, log).await
}

/// Pages are numbered, and Intercom ends after 10,000 companies; companies without people are not listed at all.
pub(crate) async fn list_companies(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let number: u32 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1);
    let request = calls::company_page(number, COMPANIES);
    let answer = clients.send(connection, &request, log).await?;
    let companies: Vec<Mirror> =
        wire::items(&answer).iter().map(|item| wire::company(connection, item)).collect::<Result<_, _>>()?;
    let total = wire::pages(&answer);
    let more = !companies.is_empty() && total.is_some_and(|total| u64::from(number) < total);
    Ok((companies, more.then(|| (number + 1).to_string())))
}

pub(crate) async fn changed_contacts(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let mut pagination = json!({"per_page": CONTACTS});
    if let Some(cursor) = cursor {
        pagination["starting_after"] = json!(cursor);
    }
    let after = (since.seconds() - DATE_SLACK_SECONDS).max(0);
    let request = calls::search(json!({
        "query": {"field": "updated_at", "operator": ">", "value": after},
        "sort": {"field": "updated_at", "order": "ascending"},
        "pagination": pagination,
    }))
    .purpose("changed contacts");
    let answer = clients.send(connection, &request, log).await?;
    page(clients, connection, &answer, log).await
}

pub(crate) async fn check(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<String, VendorError> {
    let request = Request::get(ObjectKind::Contact, "/me").purpose("check the connection");
    let answer = clients.send(connection, &request, log).await?;
    let app = &answer["app"];
    let name = [&app["name"], &app["id_code"]].into_iter().find_map(|name| name.as_str());
    Ok(super::error::readable(name.unwrap_or("(a workspace without a name)")))
}

async fn one(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    answer: &Value,
    log: &mut Log,
) -> Result<Mirror, VendorError> {
    match object {
        ObjectKind::Company => wire::company(connection, answer),
        ObjectKind::Contact => {
            let (mut mirror, more) = wire::contact(connection, answer)?;
            if more {
                mirror.companies = companies(clients, &mirror.record, log).await?;
            }
            Ok(mirror)
        }
        _ => wire::other(connection, object, answer),
    }
}

async fn page(
    clients: &Clients,
    connection: &Connection,
    answer: &Value,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let mut mirrors = Vec::new();
    for item in wire::items(answer) {
        mirrors.push(one(clients, connection, ObjectKind::Contact, item, log).await?);
    }
    Ok((mirrors, wire::next(answer)))
}

/// All companies of a person with more than the ten that a contact itself names.
async fn companies(
    clients: &Clients,
    contact: &RecordRef,
    log: &mut Log,
) -> Result<Vec<String>, VendorError> {
    // A person belongs to at most 1000 companies; a vendor that always says "more" must not hold us for ever.
    const PAGES: u32 = 50;
    let mut ids = Vec::new();
    for number in 1..=PAGES {
        let request = calls::companies_of(contact, number, COMPANIES);
        let answer = clients.send(&contact.connection, &request, log).await?;
        let before = ids.len();
        for id in wire::items(&answer).iter().filter_map(wire::id) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.len() == before || wire::pages(&answer).is_none_or(|total| u64::from(number) >= total) {
            break;
        }
    }
    Ok(ids)
}
