//! Contacts of HubSpot with a value in a property, page by page. Reads only; a search shows no more than 10,000 rows, and
//! more than that is an error, not a shorter list.

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Mirror, ObjectKind};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::calls;
use super::search::{DEEPEST, Filter, MOST_ROWS, Search};
use super::wire;

/// All contacts whose property has that value, with their e-mail and their tie to Intercom.
pub async fn marked(
    clients: &Clients,
    connection: &Connection,
    (property, value): (&str, &str),
    tie: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let mut found = Vec::new();
    let mut after = None;
    for _ in 0..=DEEPEST / MOST_ROWS {
        let wanted = ["email", tie, property].map(str::to_owned).to_vec();
        let search = Search { after, ..Search::all(vec![Filter::equal(property, value)]).properties(wanted) };
        let request = calls::objects::search(clients.settings(), ObjectKind::Contact, &search)?
            .purpose(format!("contacts with {property} = {value}"));
        let answer = clients.send(connection, &request, log).await?;
        for row in wire::results(&answer) {
            found.push(wire::mirror(connection, ObjectKind::Contact, row)?);
        }
        after = wire::next(&answer);
        if after.is_none() {
            return Ok(found);
        }
    }
    Err(VendorError::new(
        ErrorClass::TooLarge,
        &format!("HubSpot shows {DEEPEST} contacts of one search, and more have {property} = {value}."),
    ))
}
