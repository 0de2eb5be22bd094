//! Intercom: effects as its calls, its answers as our records.
//!
//! Reading order: `calls` (what is sent) with `version` and `query`, `wire` (what comes back), `errors` (what refusals
//! mean), `hook` (what it tells us unasked); `operations` is the table of all calls by name. Never decides whether to try again. Search lags minutes behind a write, so what was just
//! written is looked for by id or external id wherever Intercom allows it.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef};

use super::Page;
use super::error::VendorError;
use super::http::{Clients, Log};
use super::reading::{Role, Stock};

use self::calls::Paging;
use self::calls::contacts::Sort;
use self::companies::find as find_company;
pub(crate) use self::companies::list as list_companies;
use self::query::{Query, Subject};
use self::version::Version;

pub(crate) mod around;
pub(crate) mod calls;
pub mod companies;
pub mod conversations;
pub(crate) mod deeds;
pub(crate) mod errors;
pub mod hook;
pub(crate) mod operations;
pub(crate) mod query;
pub(crate) mod schema;
pub(crate) mod together;
pub(crate) mod topics;
pub(crate) mod version;
pub(crate) mod whole;
pub(crate) mod wire;

/// Contacts in one page: the most Intercom gives.
const CONTACTS: u32 = 150;
/// Companies in one page.
const COMPANIES: i64 = 60;

pub(crate) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    if is_deed(effect) {
        return deeds::perform(clients, effect, log).await;
    }
    let request = calls::request(clients.settings(), effect)?;
    let answer = match (clients.send(effect.connection(), &request, log).await, effect) {
        (Err(error), Effect::Erase { record } | Effect::Unlink { contact: record, .. }) => {
            return super::gone_already(record, error);
        }
        (answer, _) => answer?,
    };
    match effect {
        // The answer to a link is the company; what was touched is the person.
        Effect::Link { contact, .. } | Effect::Unlink { contact, .. } | Effect::Log { contact, .. } => {
            Ok(contact.clone())
        }
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => Err(super::cannot(effect)),
        Effect::Update { record, .. }
        | Effect::Erase { record }
        | Effect::Archive { record }
        | Effect::Restore { record }
        | Effect::Release { contact: record, .. } => Ok(record.clone()),
        Effect::Merge { survivor, .. } => {
            Ok(wire::id(&answer).map_or_else(|| survivor.clone(), |id| RecordRef { id, ..survivor.clone() }))
        }
        Effect::Create { connection, object, .. } => match wire::id(&answer) {
            Some(id) => Ok(RecordRef { connection: connection.clone(), object: *object, id }),
            None => Err(no_id(*object)),
        },
    }
}

/// Whether an effect is one of those in `deeds`.
const fn is_deed(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Tag { .. }
            | Effect::Track { .. }
            | Effect::Converse { .. }
            | Effect::Reply { .. }
            | Effect::Assign { .. }
            | Effect::DefineField { .. }
    )
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
        Effect::Update { .. }
        | Effect::Link { .. }
        | Effect::Unlink { .. }
        | Effect::Log { .. }
        | Effect::Archive { .. }
        | Effect::Release { .. } => Ok(None),
        Effect::Restore { record } => {
            let now = read(clients, record, log).await?;
            Ok((!now.deleted).then(|| record.clone()))
        }
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => deeds::probe(clients, effect, log).await,
        Effect::Create { connection, object, fields, identity, .. } => {
            let value = fields.get(identity).map(crate::domain::record::value_text).unwrap_or_default();
            if value.is_empty() {
                return Err(super::cannot_look(effect));
            }
            let found = match object {
                ObjectKind::Contact => match find_contact(clients, connection, identity, &value, log).await {
                    // Only the one that was merged away ever had it: nobody was made with it since.
                    Err(error) if error.class == ErrorClass::MergedAway => Vec::new(),
                    found => found?,
                },
                ObjectKind::Company => find_company(clients, connection, identity, &value, log).await?,
                _ => return Err(super::cannot_look(effect)),
            };
            Ok(found.into_iter().next().map(|mirror| mirror.record))
        }
        Effect::Erase { record } => super::is_gone(record, read(clients, record, log).await),
        Effect::Merge { survivor, absorbed, .. } => {
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
    let request = match record.object {
        ObjectKind::Contact => calls::contacts::get(&record.id),
        ObjectKind::Company => calls::companies::get(&record.id),
        ObjectKind::Conversation => calls::conversations::get(&record.id, true),
        object => return Err(calls::unsupported("read", object)),
    }
    .purpose(format!("read {}", record.object));
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
    let mut merged = None;
    if field == "external_id" {
        let request = calls::contacts::by_external_id(value).purpose(&purpose);
        match clients.send(connection, &request, log).await {
            Ok(answer) => {
                return Ok(vec![one(clients, connection, ObjectKind::Contact, &answer, log).await?]);
            }
            // That path knows users only; a lead is found by the search below.
            Err(error) if error.class == ErrorClass::NotFound => {}
            // Whoever had it was merged away; somebody else may have it by now.
            Err(error) if error.class == ErrorClass::MergedAway => merged = Some(error),
            Err(error) => return Err(error),
        }
    }
    let paging = Paging::new(CONTACTS, None);
    let query = Query::is(field, value);
    let request = calls::contacts::search(clients.settings(), &query, None, &paging)?.purpose(purpose);
    let answer = clients.send(connection, &request, log).await?;
    let found = page(clients, connection, &answer, log).await?.0;
    match merged {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

pub(crate) async fn list_contacts(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let request = calls::contacts::list(&Paging::new(CONTACTS, cursor))?.purpose("list contacts");
    let answer = clients.send(connection, &request, log).await?;
    page(clients, connection, &answer, log).await
}

pub(crate) async fn changed_contacts(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let settings = clients.settings();
    let query = Query::since(Subject::Contacts, "updated_at", since, Version::of(settings));
    let sort = Sort { field: "updated_at".to_owned(), ascending: true };
    let request = calls::contacts::search(settings, &query, Some(&sort), &Paging::new(CONTACTS, cursor))?
        .purpose("changed contacts");
    let answer = clients.send(connection, &request, log).await?;
    page(clients, connection, &answer, log).await
}

/// What a search of people asks for; none where a list of all tells the same without a search's lag.
fn wanted(clients: &Clients, stock: &Stock) -> Option<Query> {
    let mut filters = Vec::new();
    if let Some(role) = stock.role {
        filters.push(Query::is("role", role.as_str()));
    }
    if let Some(since) = stock.since {
        let version = Version::of(clients.settings());
        filters.push(Query::since(Subject::Contacts, "updated_at", since, version));
    }
    match filters.len() {
        0 => None,
        1 => filters.pop(),
        _ => Some(Query::All(filters)),
    }
}

/// One page of people by role and time of change; of all where neither is asked for.
pub(crate) async fn people(
    clients: &Clients,
    connection: &Connection,
    stock: &Stock,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let Some(query) = wanted(clients, stock) else {
        return list_contacts(clients, connection, cursor, log).await;
    };
    let paging = Paging::new(CONTACTS, cursor);
    let request = calls::contacts::search(clients.settings(), &query, None, &paging)?
        .purpose(format!("list {}s", stock.role.map_or("contact", Role::as_str)));
    let answer = clients.send(connection, &request, log).await?;
    page(clients, connection, &answer, log).await
}

/// How many there are, by a page of one.
pub(crate) async fn count(
    clients: &Clients,
    connection: &Connection,
    stock: &Stock,
    log: &mut Log,
) -> Result<Option<u64>, VendorError> {
    let one = Paging::new(1, None);
    let request = match (stock.object, wanted(clients, stock)) {
        (ObjectKind::Company, _) => calls::companies::list(1, 1, true)?,
        (_, None) => calls::contacts::list(&one)?,
        (_, Some(query)) => calls::contacts::search(clients.settings(), &query, None, &one)?,
    };
    let request = request.purpose(format!("count {} records", stock.object));
    let answer = clients.send(connection, &request, log).await?;
    Ok(wire::total(&answer))
}

pub(crate) async fn check(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<String, VendorError> {
    let request = calls::workspace::me().purpose("check the connection");
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
        let request = calls::contacts::companies(&contact.id, Some(i64::from(number)), Some(COMPANIES))
            .purpose("companies of contact");
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
