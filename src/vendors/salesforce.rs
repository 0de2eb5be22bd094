//! Salesforce: effects as its calls, its answers as our records.
//!
//! Reading order: `objects` (kinds, ids, fields), `calls` (what is sent), `wire` (what comes back), `errors`; then what
//! handles many at once: `collections`, `composite`, `bulk`, and the two SOAP verbs in `merging`. People are contacts
//! and leads; a lead that was converted is its contact from then on, and is never written again. Never decides whether
//! to try again.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Relation};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, value_text};

use super::Page;
use super::error::{Context, VendorError};
use super::http::{Clients, Log};
use super::request::Expects;

pub(crate) mod activity;
pub(crate) mod around;
mod belonging;
pub mod bulk;
pub(crate) mod calls;
pub mod collections;
pub mod composite;
mod csv;
pub(crate) mod errors;
pub mod hook;
mod jobs;
pub mod merging;
mod objects;
pub(crate) mod operations;
pub mod rights;
pub(crate) mod schema;
pub(crate) mod soap;
pub mod soql;
mod wire;
mod xml;

pub use calls::DuplicateRule;
pub(crate) use objects::kind_named;
pub use soap::{Conversion, Converted};

use soql::{Comparison, Literal, Query};

/// Merges that follow one another further than this are a circle.
const HOPS: usize = 8;

pub(crate) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    match effect {
        Effect::Log { .. } => activity::perform_log(clients, effect, log).await,
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => Err(super::cannot(effect)),
        Effect::Merge { survivor, absorbed, also, values } => {
            merging::some(clients, survivor, (absorbed, also), values, log).await
        }
        Effect::Create { connection, object, fields, .. } => {
            let settings = clients.settings();
            let effect = &activity::about_whom(clients, effect, log).await?;
            let request = calls::request(settings, effect)?;
            let answer = clients.send(connection, &request, log).await?;
            if let Some(id) = wire::id(&answer) {
                return Ok(objects::record(connection, *object, &id));
            }
            // Before version 46 an upsert that found its record answered without a word.
            if let Some((field, value)) = calls::external_id(settings, *object, fields)
                && let Some(found) =
                    by_external_id(clients, connection, *object, (field, &value), log).await?
            {
                return Ok(found);
            }
            Err(VendorError {
                may_have_happened: true,
                ..VendorError::new(
                    ErrorClass::Malformed,
                    &format!("Salesforce said it made the {object}, but its answer holds no id."),
                )
            })
        }
        Effect::Restore { record } => merging::restore(clients, record, log).await,
        Effect::Release { .. } => Err(super::cannot(effect)),
        Effect::Erase { record } | Effect::Archive { record } => {
            let request = calls::request(clients.settings(), effect)?;
            match clients.send(effect.connection(), &request, log).await {
                Ok(_) => Ok(objects::rightly(record)),
                Err(error) => super::gone_already(record, error),
            }
        }
        Effect::Link { relation: Relation::Beside | Relation::Converted, .. } | Effect::Unlink { .. } => {
            let effect = &activity::about_whom(clients, effect, log).await?;
            belonging::perform(clients, effect, log).await
        }
        Effect::Link { contact, .. } => {
            let effect = &activity::about_whom(clients, effect, log).await?;
            let request = calls::request(clients.settings(), effect)?;
            if around::has_role(clients, effect, log).await? {
                return Ok(objects::rightly(contact));
            }
            match clients.send(effect.connection(), &request, log).await {
                Ok(_) => Ok(objects::rightly(contact)),
                Err(error) => Err(followed(clients, contact, error, log).await),
            }
        }
        Effect::Update { record, .. } => {
            let request = calls::request(clients.settings(), effect)?;
            match clients.send(effect.connection(), &request, log).await {
                Ok(_) => Ok(objects::rightly(record)),
                Err(error) => Err(followed(clients, record, error, log).await),
            }
        }
    }
}

pub(crate) async fn probe(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    match effect {
        Effect::Link { contact, relation: Relation::Converted, .. } => {
            belonging::converted(clients, contact, log).await
        }
        Effect::Update { .. } | Effect::Link { .. } | Effect::Unlink { .. } | Effect::Archive { .. } => {
            Ok(None)
        }
        Effect::Restore { record } => merging::is_back(clients, record, log).await,
        Effect::Release { .. } => Err(super::cannot(effect)),
        Effect::Log { .. } => {
            let effect = activity::about_whom(clients, effect, log).await?;
            activity::find(clients, &effect, log).await
        }
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => Err(super::cannot(effect)),
        Effect::Create { connection, object, fields, identity, related } => {
            if let Some((field, value)) = calls::external_id(clients.settings(), *object, fields) {
                return by_external_id(clients, connection, *object, (field, &value), log).await;
            }
            let value = fields.get(identity).map(value_text).unwrap_or_default();
            if value.is_empty() {
                return Err(super::cannot_look(effect));
            }
            if let (Some(key), Some(first)) = (effect.key(), related.first()) {
                // Long texts cannot be asked for: the key is looked for among the person's own records.
                let effect = activity::about_whom(clients, effect, log).await?;
                let Effect::Create { related, .. } = &effect else { return Err(super::cannot_look(&effect)) };
                let first = related.first().unwrap_or(first);
                let found = around::find_by_key(clients, *object, first, &key, log).await?;
                return Ok(found.map(|mirror| mirror.record));
            }
            let query = Query::of(objects::name(*object)?, &["Id"])
                .and(identity, Comparison::Is, Literal::Text(&value))
                .by("CreatedDate")
                .at_most(1);
            let purpose = format!("find {object} by {identity}");
            let rows = rows(clients, connection, *object, &query, false, &purpose, log).await?;
            Ok(rows.first().and_then(wire::id).map(|id| objects::record(connection, *object, &id)))
        }
        Effect::Erase { record } => super::is_gone(record, read(clients, record, log).await),
        Effect::Merge { survivor, absorbed, .. } => {
            let survivor = objects::rightly(survivor);
            let now = standing(clients, &objects::rightly(absorbed), log).await?;
            Ok((now == Standing::Became(survivor.clone())).then_some(survivor))
        }
    }
}

/// Reads a record as it is now. One that was merged away, or a lead that was converted, is an error naming what it
/// became.
pub(crate) async fn read(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Mirror, VendorError> {
    let record = &objects::rightly(record);
    let request = calls::get(clients.settings(), objects::name(record.object)?, &record.id, &[])?;
    match clients.send(&record.connection, &request, log).await {
        Ok(answer) => {
            let mirror = wire::mirror(&record.connection, record.object, &answer)?;
            match contact_of(&mirror) {
                Some(contact) => Err(became(record, &contact, ErrorClass::Converted, Some(200))),
                None => Ok(mirror),
            }
        }
        Err(error) => Err(followed(clients, record, error, log).await),
    }
}

/// The contact a converted lead became.
fn contact_of(lead: &Mirror) -> Option<RecordRef> {
    let id = lead.text("ConvertedContactId");
    let converted = lead.record.object == ObjectKind::Lead && !id.is_empty();
    converted.then(|| objects::record(&lead.record.connection, ObjectKind::Contact, &id))
}

fn became(record: &RecordRef, now: &RecordRef, class: ErrorClass, status: Option<u16>) -> VendorError {
    let how = if class == ErrorClass::Converted { "was converted into" } else { "was merged into" };
    VendorError {
        status,
        existing: Some(Box::new(now.clone())),
        ..VendorError::new(
            class,
            &format!("Salesforce's {} {} {how} {} {}.", record.object, record.id, now.object, now.id),
        )
    }
}

/// What a record that could not be read or written is now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It is there.
    There,
    /// It is a part of another record.
    Became(RecordRef),
    /// It is deleted, or never was.
    Gone,
}

/// Follows a record through the recycle bin: who absorbed it, or which contact a lead became, and on from there.
async fn standing(clients: &Clients, record: &RecordRef, log: &mut Log) -> Result<Standing, VendorError> {
    let mut at = record.clone();
    for _ in 0..HOPS {
        let mut fields = vec!["Id", "IsDeleted"];
        if matches!(at.object, ObjectKind::Contact | ObjectKind::Lead | ObjectKind::Company) {
            fields.push("MasterRecordId");
        }
        if at.object == ObjectKind::Lead {
            fields.push("ConvertedContactId");
        }
        let query =
            Query::of(objects::name(at.object)?, &fields).and("Id", Comparison::Is, Literal::Text(&at.id));
        let purpose = format!("look what became of {} {}", at.object, at.id);
        let found = rows(clients, &at.connection, at.object, &query, true, &purpose, log).await?;
        let Some(row) = found.first() else { return Ok(Standing::Gone) };
        let mirror = wire::mirror(&at.connection, at.object, row)?;
        let master = mirror.text("MasterRecordId");
        let next = match contact_of(&mirror) {
            Some(contact) => contact,
            None if !master.is_empty() => objects::record(&at.connection, at.object, &master),
            None if mirror.deleted => return Ok(Standing::Gone),
            None if at == *record => return Ok(Standing::There),
            None => return Ok(Standing::Became(at)),
        };
        at = next;
    }
    Ok(Standing::Gone)
}

/// A refusal because the record is gone or converted says what became of it, where the org still knows.
async fn followed(clients: &Clients, record: &RecordRef, error: VendorError, log: &mut Log) -> VendorError {
    let record = objects::rightly(record);
    let worth_a_look = matches!(error.class, ErrorClass::NotFound | ErrorClass::Converted)
        && error.status.is_none_or(|status| status < 500)
        && objects::is_id(&record.id);
    if !worth_a_look {
        return error;
    }
    match standing(clients, &record, log).await {
        Ok(Standing::Became(now)) => {
            let class =
                if now.object == record.object { ErrorClass::MergedAway } else { ErrorClass::Converted };
            VendorError { may_have_happened: false, ..became(&record, &now, class, error.status) }
        }
        // The look is a courtesy: what was refused, and why, is the news.
        Ok(_) | Err(_) => error,
    }
}

async fn by_external_id(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    (field, value): (&str, &str),
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let request =
        calls::get_by(clients.settings(), objects::name(object)?, field, value, &["Id".to_owned()])?;
    match clients.send(connection, &request, log).await {
        Ok(answer) => Ok(wire::id(&answer).map(|id| objects::record(connection, object, &id))),
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first page of a query's rows.
async fn rows(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    query: &Query,
    all: bool,
    purpose: &str,
    log: &mut Log,
) -> Result<Vec<Value>, VendorError> {
    let request = calls::query(clients.settings(), object, &query.text()?, all, None).purpose(purpose);
    let answer = clients.send(connection, &request, log).await?;
    Ok(wire::records(&answer).to_vec())
}

/// One page of a query's rows as they came, and the cursor of the next. `all` shows deleted and merged records too.
pub async fn query_page(
    clients: &Clients,
    connection: &Connection,
    query: &Query,
    all: bool,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<(Vec<Value>, Option<String>), VendorError> {
    let request = match cursor {
        Some(path) => calls::next(ObjectKind::Contact, path)?,
        None => calls::query(clients.settings(), ObjectKind::Contact, &query.text()?, all, None),
    };
    let answer = clients.send(connection, &request.purpose("query"), log).await?;
    Ok((wire::records(&answer).to_vec(), wire::next(&answer)))
}

/// People whose field has a value: contacts first, then leads. A converted lead stands for its contact.
pub(crate) async fn find_contact(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let field = if field.eq_ignore_ascii_case("email") { "Email" } else { field };
    let mut found: Vec<Mirror> = Vec::new();
    let mut lacking: Vec<VendorError> = Vec::new();
    for object in [ObjectKind::Contact, ObjectKind::Lead] {
        let asked = |names: &[String]| {
            let query = Query::of(objects::name(object)?, names);
            Ok(query.and(field, Comparison::Is, Literal::Text(value)).by("CreatedDate"))
        };
        let purpose = format!("find {object} by {field}");
        match with_what_is_there(clients, connection, object, false, asked, &purpose, log).await {
            Ok(answer) => {
                for row in wire::records(&answer) {
                    let mirror = wire::mirror(connection, object, row)?;
                    match contact_of(&mirror) {
                        None => found.push(mirror),
                        Some(contact) if found.iter().any(|known| known.record == contact) => {}
                        Some(contact) => match read(clients, &contact, log).await {
                            Ok(contact) => found.push(contact),
                            // A lead whose contact is gone is nobody any more.
                            Err(error) if error.class == ErrorClass::NotFound => {}
                            Err(error) => return Err(error),
                        },
                    }
                }
            }
            // A field of contacts alone, or of leads alone.
            Err(error) if error.class == ErrorClass::UnknownField => lacking.push(error),
            Err(error) => return Err(error),
        }
    }
    match lacking.len() {
        2 => Err(lacking.swap_remove(0)),
        _ => Ok(found),
    }
}

/// One page of all contacts, and after them of all leads that are not converted. The cursor is `OBJECT` or
/// `OBJECT PATH`.
pub(crate) async fn list_contacts(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    people(clients, connection, cursor, None, log).await
}

/// One page of the contacts changed since then, oldest first, and after them of the leads; deleted, merged and
/// converted ones too.
pub(crate) async fn changed_contacts(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    people(clients, connection, cursor, Some(since), log).await
}

async fn people(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    since: Option<Timestamp>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let (object, path) = match cursor.map(|cursor| cursor.split_once(' ').unwrap_or((cursor, ""))) {
        Some((word, path)) if word == ObjectKind::Lead.as_str() => (ObjectKind::Lead, path),
        Some((_, path)) => (ObjectKind::Contact, path),
        None => (ObjectKind::Contact, ""),
    };
    let purpose = if since.is_some() { format!("changed {object}s") } else { format!("list {object}s") };
    let answer = if path.is_empty() {
        let asked = |names: &[String]| {
            let query = Query::of(objects::name(object)?, names);
            Ok(match since {
                Some(since) => query
                    .and("SystemModstamp", Comparison::From, Literal::Time(since))
                    .by("SystemModstamp")
                    .by("Id"),
                None if object == ObjectKind::Lead => {
                    query.and("IsConverted", Comparison::Is, Literal::Flag(false))
                }
                None => query,
            })
        };
        with_what_is_there(clients, connection, object, since.is_some(), asked, &purpose, log).await?
    } else {
        clients.send(connection, &calls::next(object, path)?.purpose(purpose), log).await?
    };
    let mirrors = wire::records(&answer)
        .iter()
        .map(|row| wire::mirror(connection, object, row))
        .collect::<Result<Vec<_>, _>>()?;
    let next = match (wire::next(&answer), object) {
        (Some(path), _) => Some(format!("{object} {path}")),
        (None, ObjectKind::Contact) => Some(ObjectKind::Lead.to_string()),
        (None, _) => None,
    };
    Ok((mirrors, next))
}

/// The first page of a query, without those of the settings' fields that this org does not have: a mapping may name one
/// that is yet to be made, and nobody would be found at all because of it.
async fn with_what_is_there(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    all: bool,
    asked: impl Fn(&[String]) -> Result<Query, VendorError>,
    purpose: &str,
    log: &mut Log,
) -> Result<Value, VendorError> {
    let settings = clients.settings();
    let mut names = objects::fields(settings, object);
    loop {
        let request = calls::query(settings, object, &asked(&names)?.text()?, all, None).purpose(purpose);
        match clients.send(connection, &request, log).await {
            Err(error) if error.class == ErrorClass::UnknownField => {
                let before = names.len();
                names.retain(|name| !lacks(&error.words, name));
                if names.len() == before {
                    return Err(error);
                }
            }
            answer => return answer,
        }
    }
}

/// Salesforce's words name this column as one that is not there.
fn lacks(words: &str, column: &str) -> bool {
    ['\'', '"'].iter().any(|mark| words.contains(&format!("{mark}{column}{mark}")))
}

/// One page of all accounts.
pub(crate) async fn list_companies(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let (settings, object) = (clients.settings(), ObjectKind::Company);
    let request = match cursor {
        Some(path) => calls::next(object, path)?,
        None => {
            let query = Query::of("Account", &objects::fields(settings, object));
            calls::query(settings, object, &query.text()?, false, None)
        }
    };
    let answer = clients.send(connection, &request.purpose("list companies"), log).await?;
    let mirrors = wire::records(&answer)
        .iter()
        .map(|row| wire::mirror(connection, object, row))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((mirrors, wire::next(&answer)))
}

/// What Salesforce calls a kind of record; none for what it does not have.
pub fn object_name(object: ObjectKind) -> Option<&'static str> {
    objects::name(object).ok()
}

/// The id of the user behind the token.
pub async fn own_user(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<String, VendorError> {
    let answer = clients.send(connection, &calls::user_info(), log).await?;
    Ok(objects::whole_id(&answer.get("user_id").map(value_text).unwrap_or_default()))
}

pub(crate) async fn check(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<String, VendorError> {
    let org = match clients.send(connection, &calls::user_info(), log).await {
        Ok(answer) => answer.get("organization_id").map(value_text).unwrap_or_default(),
        // A token for the API alone may not ask who it belongs to; that it may call at all is what is checked.
        Err(error) if matches!(error.class, ErrorClass::Permission | ErrorClass::NotFound) => {
            clients.send(connection, &calls::limits(clients.settings()), log).await?;
            String::new()
        }
        Err(error) => return Err(error),
    };
    Ok(super::error::readable(&match org.as_str() {
        "" => "an org that does not say its id".to_owned(),
        org => format!("org {}", objects::whole_id(org)),
    }))
}

/// What the readers of a write's answer need to know, where it is read outside `http`.
fn context<'a>(
    clients: &Clients,
    connection: &'a Connection,
    object: ObjectKind,
    expects: Expects,
) -> Context<'a> {
    Context { connection, object, writes: true, expects, now: clients.now() }
}
