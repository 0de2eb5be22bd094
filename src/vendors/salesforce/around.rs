//! What Salesforce knows around a person: opportunities by role or account, cases, activities, users, stages. Reads only.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System, value_text};

use super::super::Page;
use super::super::around::{Owner, Stage, carries, endless};
use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::activity::{self, Relation};
use super::soql::{Comparison, Literal, Query};
use super::{calls, objects, wire};

/// Pages of a query that are read for one person: 2,000 rows each.
const PAGES: usize = 20;
/// Ids in one condition; more would make the address too long.
const IDS: usize = 200;

/// All rows of a query.
async fn all(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    query: &Query,
    purpose: &str,
    log: &mut Log,
) -> Result<Vec<Value>, VendorError> {
    let mut request = calls::query(clients.settings(), object, &query.text()?, false, None);
    let mut rows = Vec::new();
    for _ in 0..PAGES {
        let answer = clients.send(connection, &request.purpose(purpose), log).await?;
        rows.extend_from_slice(wire::records(&answer));
        match wire::next(&answer) {
            Some(path) => request = calls::next(object, &path)?,
            None => return Ok(rows),
        }
    }
    Err(endless(System::Salesforce, &format!("{object}s")))
}

async fn mirrors(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    query: &Query,
    purpose: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let rows = all(clients, connection, object, query, purpose, log).await?;
    rows.iter().map(|row| wire::mirror(connection, object, row)).collect()
}

/// A query for what Reknit reads of a kind.
fn of(clients: &Clients, object: ObjectKind) -> Result<Query, VendorError> {
    Ok(Query::of(objects::name(object)?, &objects::fields(clients.settings(), object)))
}

pub(crate) async fn open_of(
    clients: &Clients,
    object: ObjectKind,
    person: &RecordRef,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let person = objects::rightly(person);
    // A lead has neither before it is converted.
    if person.object != ObjectKind::Contact {
        return Ok(Vec::new());
    }
    if object == ObjectKind::Deal {
        return deals(clients, &person, true, log).await;
    }
    let query = of(clients, object)?
        .and("ContactId", Comparison::Is, Literal::Text(&person.id))
        .and("IsClosed", Comparison::Is, Literal::Flag(false))
        .by("CreatedDate");
    mirrors(clients, &person.connection, object, &query, "open cases of the contact", log).await
}

/// The opportunities a contact has a role in; where they have none at all, those of their account.
async fn deals(
    clients: &Clients,
    contact: &RecordRef,
    open: bool,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let (connection, object) = (&contact.connection, ObjectKind::Deal);
    let wanted = || -> Result<Query, VendorError> {
        let query = of(clients, object)?;
        Ok(if open { query.and("IsClosed", Comparison::Is, Literal::Flag(false)) } else { query })
    };
    let roles = Query::of("OpportunityContactRole", &["OpportunityId"]).and(
        "ContactId",
        Comparison::Is,
        Literal::Text(&contact.id),
    );
    let purpose = "opportunities the contact has a role in";
    let ids: Vec<String> = match all(clients, connection, object, &roles, purpose, log).await {
        Ok(rows) => rows.iter().filter_map(|row| row.get("OpportunityId")).map(value_text).collect(),
        // Roles may be hidden from the token; the account still says whose sale it is.
        Err(error) if matches!(error.class, ErrorClass::Permission | ErrorClass::UnknownField) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for some in ids.chunks(IDS) {
        let query = wanted()?.any_of("Id", some).by("CreatedDate");
        found.extend(mirrors(clients, connection, object, &query, purpose, log).await?);
    }
    if !ids.is_empty() {
        return Ok(found);
    }
    let request = calls::account_of(clients.settings(), contact)?;
    let answer = clients.send(connection, &request, log).await?;
    let account = answer.get("AccountId").map(value_text).unwrap_or_default();
    if account.is_empty() {
        return Ok(Vec::new());
    }
    let query = wanted()?.and("AccountId", Comparison::Is, Literal::Text(&account)).by("CreatedDate");
    mirrors(clients, connection, object, &query, "opportunities of the contact's account", log).await
}

pub(crate) async fn find(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let query = of(clients, object)?.and(field, Comparison::Is, Literal::Text(value)).by("CreatedDate");
    let purpose = format!("find {object} by {field}");
    let found = mirrors(clients, connection, object, &query, &purpose, log).await?;
    // A lead that was converted is its contact from then on, and nobody's lead any more.
    let is_lead = object == ObjectKind::Lead;
    Ok(found.into_iter().filter(|mirror| !is_lead || super::contact_of(mirror).is_none()).collect())
}

pub(crate) async fn find_by_key(
    clients: &Clients,
    object: ObjectKind,
    person: &RecordRef,
    key: &str,
    log: &mut Log,
) -> Result<Option<Mirror>, VendorError> {
    let person = objects::rightly(person);
    let connection = &person.connection;
    if let Some(field) = calls::key_field(clients.settings(), object) {
        let found = find(clients, connection, object, field, key, log).await?;
        if !found.is_empty() {
            return Ok(found.into_iter().next());
        }
    }
    // Salesforce cannot ask for words inside a long text, so the person's own records are looked through.
    let found = match (object, person.object) {
        (ObjectKind::Deal, ObjectKind::Contact) => deals(clients, &person, false, log).await?,
        _ => {
            let Some(by) = relation(object, person.object) else { return Ok(None) };
            let query = of(clients, object)?.and(by, Comparison::Is, Literal::Text(&person.id));
            let purpose = format!("look for the {object} with our key");
            mirrors(clients, connection, object, &query, &purpose, log).await?
        }
    };
    Ok(found.into_iter().find(|mirror| carries(mirror, key)))
}

/// Whether a contact has a role in an opportunity already, for a link that would give them one.
pub(super) async fn has_role(clients: &Clients, effect: &Effect, log: &mut Log) -> Result<bool, VendorError> {
    let Effect::Link { contact, company, .. } = effect else { return Ok(false) };
    let Ok(Relation::Role { deal, contact }) = activity::relation(contact, company) else { return Ok(false) };
    let query = Query::of("OpportunityContactRole", &["Id"])
        .and("OpportunityId", Comparison::Is, Literal::Text(&deal))
        .and("ContactId", Comparison::Is, Literal::Text(&contact))
        .at_most(1);
    let purpose = "look whether the contact has a role";
    let rows = all(clients, effect.connection(), ObjectKind::Deal, &query, purpose, log).await?;
    Ok(!rows.is_empty())
}

/// Whose a deal or a case is: by its roles, or by its own field.
pub(crate) async fn people_of(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Vec<RecordRef>, VendorError> {
    let (of, by) = match record.object {
        ObjectKind::Deal => ("OpportunityContactRole", "OpportunityId"),
        _ => ("Case", "Id"),
    };
    let query =
        Query::of(of, &["ContactId"]).and(by, Comparison::Is, Literal::Text(&record.id)).by("CreatedDate");
    let rows = all(clients, &record.connection, record.object, &query, "whose it is", log).await?;
    let ids = rows.iter().filter_map(|row| row.get("ContactId")).map(value_text).filter(|id| !id.is_empty());
    let contact = |id| RecordRef { connection: record.connection.clone(), object: ObjectKind::Contact, id };
    Ok(ids.map(contact).collect())
}

/// The field by which a record says whose it is.
pub(super) fn relation(object: ObjectKind, of: ObjectKind) -> Option<&'static str> {
    use ObjectKind::{Company, Contact, Deal, Event, Lead, Note, Task, Ticket};
    match (object, of) {
        (Task | Note | Event, Contact | Lead) => Some("WhoId"),
        (Task | Note | Event, Company | Deal | Ticket) => Some("WhatId"),
        (Ticket, Contact) => Some("ContactId"),
        (Ticket | Deal | Contact, Company) => Some("AccountId"),
        _ => None,
    }
}

/// One page of the records of a kind changed since then, oldest first; deleted ones too.
pub(crate) async fn changed(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let request = match cursor {
        Some(path) => calls::next(object, path)?,
        None => {
            let query = of(clients, object)?
                .and("SystemModstamp", Comparison::From, Literal::Time(since))
                .by("SystemModstamp")
                .by("Id");
            calls::query(clients.settings(), object, &query.text()?, true, None)
        }
    };
    let answer = clients.send(connection, &request.purpose(format!("changed {object} records")), log).await?;
    let found = wire::records(&answer)
        .iter()
        .map(|row| wire::mirror(connection, object, row))
        .collect::<Result<_, _>>()?;
    Ok((found, wire::next(&answer)))
}

pub(crate) async fn users(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Vec<Owner>, VendorError> {
    let query = Query::of("User", &["Id", "Email", "Name"])
        .and("IsActive", Comparison::Is, Literal::Flag(true))
        .by("Name");
    let rows = all(clients, connection, ObjectKind::Contact, &query, "list users", log).await?;
    let text = |row: &Value, name: &str| row.get(name).map(value_text).unwrap_or_default();
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Owner { id: wire::id(row)?, email: text(row, "Email"), name: text(row, "Name") })
        })
        .collect())
}

pub(crate) async fn stages(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<Vec<Stage>, VendorError> {
    let query = if object == ObjectKind::Deal {
        Query::of("OpportunityStage", &["ApiName", "MasterLabel", "IsClosed", "DefaultProbability"]).and(
            "IsActive",
            Comparison::Is,
            Literal::Flag(true),
        )
    } else {
        Query::of("CaseStatus", &["ApiName", "MasterLabel", "IsClosed"])
    };
    let purpose = format!("list the stages of {object}s");
    let rows = all(clients, connection, object, &query.by("SortOrder"), &purpose, log).await?;
    let text = |row: &Value, name: &str| row.get(name).map(value_text).unwrap_or_default();
    Ok(rows
        .iter()
        .map(|row| Stage {
            pipeline: String::new(),
            pipeline_label: String::new(),
            id: text(row, "ApiName"),
            label: text(row, "MasterLabel"),
            closed: row.get("IsClosed").and_then(Value::as_bool).unwrap_or(false),
            // Salesforce counts in hundredths.
            probability: row.get("DefaultProbability").and_then(Value::as_f64).map(|percent| percent / 100.0),
        })
        .collect())
}
