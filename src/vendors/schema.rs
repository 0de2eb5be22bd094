//! What a vendor's objects look like now, in one vocabulary: fields, types, option lists, who may write them.
//!
//! Reads only, and keeps nothing: whoever compares with yesterday stores what was read. Each vendor's own words are
//! read in its `schema` file.

use std::cmp::Ordering;

use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::schema::{FieldSchema, ObjectSchema};

use super::error::VendorError;
use super::http::{Clients, Log};
use super::{hubspot, intercom, salesforce};

/// The kinds of record whose fields a system tells of.
pub const fn objects(system: System) -> &'static [ObjectKind] {
    use ObjectKind as Kind;
    match system {
        System::Intercom => &[Kind::Contact, Kind::Company, Kind::Conversation],
        System::Hubspot => &[Kind::Contact, Kind::Company, Kind::Deal, Kind::Ticket, Kind::Task, Kind::Note],
        System::Salesforce => {
            &[Kind::Contact, Kind::Lead, Kind::Company, Kind::Deal, Kind::Ticket, Kind::Task, Kind::Event]
        }
    }
}

/// Reads the fields of one kind of record, with their options and what the token may write, by one call or two.
pub async fn schema(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<ObjectSchema, VendorError> {
    match connection.system {
        System::Intercom => intercom::schema::read(clients, connection, object, log).await,
        System::Hubspot => hubspot::schema::read(clients, connection, object, log).await,
        System::Salesforce => salesforce::schema::read(clients, connection, object, log).await,
    }
}

/// The fields in the order of their names, each once: of two of one name the first is kept.
pub(super) fn ordered(mut fields: Vec<FieldSchema>) -> Vec<FieldSchema> {
    fields.sort_by(|one, other| match one.name.cmp(&other.name) {
        // A field that can be written says more than its twin that cannot.
        Ordering::Equal => other.writable.cmp(&one.writable),
        order => order,
    });
    fields.dedup_by(|later, earlier| later.name == earlier.name);
    fields
}
