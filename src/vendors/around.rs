//! What stands around a person: their conversations, open sales and cases, organisation, owners, tags; and records of
//! any kind found by a value or by a word of ours. Reads only.
//!
//! Here is only which vendor is asked; how, stands in each vendor's file of this name. Nothing is kept from one read to
//! the next, and no list is cut short without an error: who counts conversations must not count some of them.

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};

use super::error::VendorError;
use super::http::{Clients, Log};
use super::{hubspot, intercom, salesforce};

/// Somebody of the customer's own team, to whom records and conversations are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The vendor's id, as records hold it.
    pub id: String,
    /// Their e-mail address; empty where the vendor does not say.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// A stage that a deal or a ticket goes through.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The pipeline's id; empty where the vendor has none.
    pub pipeline: String,
    /// The pipeline's name.
    pub pipeline_label: String,
    /// What records hold.
    pub id: String,
    /// What people see.
    pub label: String,
    /// A record in it is done, one way or the other.
    pub closed: bool,
    /// How likely it is to be won, from 0 to 1; none for tickets.
    pub probability: Option<f64>,
}

/// A person's conversations in Intercom, newest first, without what was said in them; `tags` holds their tags' names.
///
/// Found by a search, which lags minutes behind: the conversation an event is about may be missing or stand there as it
/// was, and the caller puts it in as it has read it.
pub async fn conversations_of(
    clients: &Clients,
    contact: &RecordRef,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    match contact.system() {
        System::Intercom => intercom::around::conversations_of(clients, contact, log).await,
        system => Err(no(system, "has no conversations Reknit reads")),
    }
}

/// A person's deals or tickets that are not closed, oldest first.
///
/// Read from the person's relations, not from a search, so that one made a moment ago is there. In Salesforce a deal is
/// a person's when they have a role in it; without any role, the deals of their account are theirs.
pub async fn open_of(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    person: &RecordRef,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    if !matches!(object, ObjectKind::Deal | ObjectKind::Ticket) {
        return Err(no(connection.system, &format!("closes no {object}s")));
    }
    let mut open = match connection.system {
        System::Hubspot => hubspot::around::open_of(clients, object, person, log).await?,
        System::Salesforce => salesforce::around::open_of(clients, object, person, log).await?,
        System::Intercom => return Err(no(System::Intercom, "keeps no deals or tickets Reknit reads")),
    };
    open.sort_by_cached_key(|mirror| {
        let made = [mirror.text("createdate"), mirror.text("CreatedDate")].concat();
        (made, mirror.record.id.len(), mirror.record.id.clone())
    });
    Ok(open)
}

/// All records of a kind whose field has a value; none is no error. Searches lag moments behind writes.
pub async fn find(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    if matches!(object, ObjectKind::Contact) {
        return super::find_contact(clients, connection, field, value, log).await;
    }
    match connection.system {
        System::Intercom => intercom::around::find(clients, connection, object, field, value, log).await,
        System::Hubspot => hubspot::find(clients, connection, object, field, value, log).await,
        System::Salesforce => salesforce::around::find(clients, connection, object, field, value, log).await,
    }
}

/// The record of a kind, among those related to a person or an organisation, in one of whose values a key of ours
/// stands. Sees what was written a moment ago.
pub async fn find_by_key(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    person: &RecordRef,
    key: &str,
    log: &mut Log,
) -> Result<Option<Mirror>, VendorError> {
    if key.trim().is_empty() {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "There is no key to look for; nothing was asked.",
        ));
    }
    match connection.system {
        System::Hubspot => hubspot::around::find_by_key(clients, object, person, key, log).await,
        System::Salesforce => salesforce::around::find_by_key(clients, object, person, key, log).await,
        System::Intercom => Err(no(System::Intercom, "has no such records of a person")),
    }
}

/// Whether one of a record's values carries a key of ours.
pub(super) fn carries(mirror: &Mirror, key: &str) -> bool {
    mirror.fields.values().any(|value| value.as_str().is_some_and(|text| text.contains(key)))
}

/// The organisation a person belongs to: HubSpot's primary company, Salesforce's account, Intercom's first company.
pub async fn company_of(
    clients: &Clients,
    person: &Mirror,
    log: &mut Log,
) -> Result<Option<Mirror>, VendorError> {
    let named = ["associatedcompanyid", "AccountId"].map(|field| person.text(field));
    let id = person.companies.first().cloned().or_else(|| named.into_iter().find(|id| !id.is_empty()));
    let Some(id) = id else { return Ok(None) };
    let connection = person.record.connection.clone();
    let company = RecordRef { connection, object: ObjectKind::Company, id };
    let read = match super::read(clients, &company, log).await {
        Err(VendorError { class: ErrorClass::MergedAway, existing: Some(now), .. }) => {
            super::read(clients, &now, log).await
        }
        read => read,
    };
    match read {
        Ok(company) if company.deleted => Ok(None),
        Ok(company) => Ok(Some(company)),
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The people of the CRM that a deal or a ticket is related to, the oldest relation first.
pub async fn people_of(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Vec<RecordRef>, VendorError> {
    match record.system() {
        System::Hubspot => hubspot::around::people_of(clients, record, log).await,
        System::Salesforce => salesforce::around::people_of(clients, record, log).await,
        System::Intercom => Err(no(System::Intercom, "has no such relations")),
    }
}

/// Everybody of the team to whom a record or a conversation can be given.
pub async fn owners(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Vec<Owner>, VendorError> {
    match connection.system {
        System::Intercom => intercom::around::admins(clients, connection, log).await,
        System::Hubspot => hubspot::around::owners(clients, connection, log).await,
        System::Salesforce => salesforce::around::users(clients, connection, log).await,
    }
}

/// The stages of deals or of tickets, pipeline by pipeline, in their order.
pub async fn stages(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<Vec<Stage>, VendorError> {
    if !matches!(object, ObjectKind::Deal | ObjectKind::Ticket) {
        return Err(no(connection.system, &format!("has no stages of {object}s")));
    }
    match connection.system {
        System::Hubspot => hubspot::around::stages(clients, connection, object, log).await,
        System::Salesforce => salesforce::around::stages(clients, connection, object, log).await,
        System::Intercom => Err(no(System::Intercom, "has no pipelines")),
    }
}

/// The names of a contact's or a company's tags in Intercom; the CRMs have none, which is no error.
pub async fn tags_of(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Vec<String>, VendorError> {
    match record.system() {
        System::Intercom => intercom::around::tags_of(clients, record, log).await,
        System::Hubspot | System::Salesforce => Ok(Vec::new()),
    }
}

/// A question that system cannot answer; nothing was asked.
pub(super) fn no(system: System, why: &str) -> VendorError {
    VendorError::new(ErrorClass::Unknown, &format!("{} {why}; nothing was asked.", system.title()))
}

/// A list that does not end; what was read of it is not taken for the whole.
pub(super) fn endless(system: System, what: &str) -> VendorError {
    VendorError::new(
        ErrorClass::TooLarge,
        &format!(
            "{} gives more {what} than Reknit reads for one person, so they were not counted and nothing was decided.",
            system.title()
        ),
    )
}
