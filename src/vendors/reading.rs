//! Reading a vendor's whole stock of records: how many there are, page by page, and what became of one that is in no
//! list any more. Reads only.

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};

use super::error::VendorError;
use super::http::{Clients, Log};
use super::{Page, hubspot, intercom, salesforce};

/// Intercom's two kinds of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Wrote in, never signed up.
    Lead,
    /// Signed up.
    User,
}

impl Role {
    /// Intercom's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::User => "user",
        }
    }
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// Contacts or companies.
    pub object: ObjectKind,
    /// Only people of that role; Intercom's only.
    pub role: Option<Role>,
    /// Only what changed then or later, where the vendor can tell; the caller drops what is older.
    pub since: Option<Timestamp>,
}

/// How many records there are, with one call; none where the vendor does not say.
pub async fn count(
    clients: &Clients,
    connection: &Connection,
    stock: &Stock,
    log: &mut Log,
) -> Result<Option<u64>, VendorError> {
    match connection.system {
        System::Intercom => intercom::count(clients, connection, stock, log).await,
        System::Hubspot => hubspot::count(clients, connection, stock.object, stock.since, log).await,
        System::Salesforce => Ok(None),
    }
}

/// One page of them, as big as the vendor gives.
pub async fn page(
    clients: &Clients,
    connection: &Connection,
    stock: &Stock,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    match (connection.system, stock.object, stock.since) {
        (System::Intercom, ObjectKind::Contact, _) => {
            intercom::people(clients, connection, stock, cursor, log).await
        }
        (System::Hubspot, object, Some(since)) => {
            hubspot::changed(clients, connection, object, since, cursor, log).await
        }
        (_, ObjectKind::Company, _) => super::list_companies(clients, connection, cursor, log).await,
        _ => super::list_contacts(clients, connection, cursor, log).await,
    }
}

/// One page of the companies changed since then, oldest first; only HubSpot can tell.
pub async fn changed_companies(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    hubspot::changed(clients, connection, ObjectKind::Company, since, cursor, log).await
}

/// One page of the records of a kind changed since then, oldest first: HubSpot's of any kind, Salesforce's too, deleted
/// ones among them. Intercom has no such list of what it has beside contacts and conversations.
pub async fn changed(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    match connection.system {
        System::Hubspot => hubspot::changed(clients, connection, object, since, cursor, log).await,
        System::Salesforce => {
            salesforce::around::changed(clients, connection, object, since, cursor, log).await
        }
        System::Intercom => {
            Err(super::around::no(System::Intercom, &format!("does not list the {object}s that changed")))
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It lives.
    Living(Box<Mirror>),
    /// Archived: the vendor still has it and may bring it back.
    Archived,
    /// Deleted for good.
    Gone,
    /// Merged into another one.
    Merged(RecordRef),
}

/// Looks what became of a record that no list shows.
pub async fn fate(clients: &Clients, record: &RecordRef, log: &mut Log) -> Result<Fate, VendorError> {
    match super::read(clients, record, log).await {
        Ok(mirror) if mirror.deleted => Ok(Fate::Archived),
        // Intercom answers for archived people as for living ones; only its lists and searches leave them out.
        Ok(_)
            if record.system() == System::Intercom
                && intercom::find_contact(clients, &record.connection, "id", &record.id, log)
                    .await?
                    .is_empty() =>
        {
            Ok(Fate::Archived)
        }
        Ok(mirror) => Ok(Fate::Living(Box::new(mirror))),
        Err(error) if error.class == ErrorClass::NotFound => {
            let archived =
                record.system() == System::Hubspot && hubspot::is_archived(clients, record, log).await?;
            Ok(if archived { Fate::Archived } else { Fate::Gone })
        }
        Err(VendorError {
            class: ErrorClass::MergedAway | ErrorClass::Converted,
            existing: Some(into),
            ..
        }) => Ok(Fate::Merged(*into)),
        Err(error) => Err(error),
    }
}
