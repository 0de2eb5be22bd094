//! The vendors' APIs: effects become their HTTP calls, their answers become our records, their refusals our classes.
//!
//! The only HTTP client of Reknit. It sends each request once and decides nothing about trying again, waiting or
//! limits; it knows no journal. Every exchange is pushed, redacted, onto a [`Log`] the caller owns. Reading order:
//! this file, `http` (one exchange) with `request` and `answer`, then a vendor's `calls`, `wire` and `errors`; its `hook` reads webhooks.

use std::collections::BTreeMap;

use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Call, Effect};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};

pub mod agent;
pub mod alerts;
mod answer;
mod around;
mod error;
mod gate;
mod http;
pub mod hubspot;
pub mod intercom;
pub mod operation;
pub mod payload;
pub mod reading;
#[cfg(test)]
mod recognised;
mod redact;
mod request;
mod rights;
pub mod salesforce;
mod schema;
mod settings;
mod signature;
pub mod together;
mod token;
pub mod topics;
pub mod writer;

pub use around::{
    Owner, Stage, company_of, conversations_of, find, find_by_key, open_of, owners, people_of, stages,
    tags_of,
};
pub use error::{FieldRefusal, SetupError, VendorError};
pub use gate::{Gate, Pass};
pub use http::{Clients, Exchange, LimitReading, Log};
pub use rights::{Right, rights};
pub use schema::{objects as described_objects, schema};
pub use settings::{
    HubspotPaths, HubspotSettings, IntercomSettings, SalesforceSettings, Settings, Timeouts, Wanted,
    is_on_this_machine,
};
pub use token::Standing;

/// Some records, and the cursor of the next page if there is one.
pub type Page = (Vec<Mirror>, Option<String>);

/// Performs an effect once. Returns the record it made or touched: after a HubSpot merge that may be a new id.
pub async fn perform(clients: &Clients, effect: &Effect, log: &mut Log) -> Result<RecordRef, VendorError> {
    match effect.connection().system {
        System::Intercom => intercom::perform(clients, effect, log).await,
        System::Hubspot => hubspot::perform(clients, effect, log).await,
        System::Salesforce => salesforce::perform(clients, effect, log).await,
    }
}

/// Performs effects of which many are updates, as few calls as the vendor allows; results in the given order.
///
/// Updates of one kind travel together, 100 to HubSpot and 200 to Salesforce; everything else is performed one by one,
/// in order.
pub async fn perform_updates(
    clients: &Clients,
    effects: &[&Effect],
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    let mut results: Vec<Option<Result<RecordRef, VendorError>>> = vec![None; effects.len()];
    let mut groups: BTreeMap<(&Connection, ObjectKind), Vec<hubspot::batch::Row<'_>>> = BTreeMap::new();
    for (place, effect) in effects.iter().enumerate() {
        match effect {
            Effect::Update { record, fields } if record.system() != System::Intercom => {
                groups.entry((&record.connection, record.object)).or_default().push((place, record, fields));
            }
            _ => results[place] = Some(perform(clients, effect, log).await),
        }
    }
    for ((connection, object), rows) in groups {
        if connection.system == System::Salesforce {
            let (places, rows): (Vec<usize>, Vec<_>) = rows
                .iter()
                .map(|(place, record, fields)| {
                    (*place, salesforce::collections::Row { object, id: Some(&record.id), fields })
                })
                .unzip();
            let done = salesforce::collections::update(clients, connection, &rows, log).await;
            places.into_iter().zip(done).for_each(|(place, result)| results[place] = Some(result));
            continue;
        }
        for batch in hubspot::batch::batches(&rows) {
            if let [(place, ..)] = batch[..] {
                // A batch of one would only make errors harder to read.
                results[place] = Some(perform(clients, effects[place], log).await);
                continue;
            }
            for (place, result) in hubspot::batch::update(clients, connection, object, &batch, log).await {
                results[place] = Some(result);
            }
        }
    }
    results
        .into_iter()
        .map(|result| result.expect("every place was filled by one of the two loops"))
        .collect()
}

/// Looks whether a write whose answer was lost has happened.
///
/// `Ok(Some(record))`: it has. `Ok(None)`: it has not, or repeating it is harmless. Searches lag behind writes, so
/// before a create is sent again the caller waits that lag out and looks a second time.
pub async fn probe(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    match effect.connection().system {
        System::Intercom => intercom::probe(clients, effect, log).await,
        System::Hubspot => hubspot::probe(clients, effect, log).await,
        System::Salesforce => salesforce::probe(clients, effect, log).await,
    }
}

/// A deletion that finds nothing is done: asking twice is answered like that.
fn gone_already(record: &RecordRef, error: VendorError) -> Result<RecordRef, VendorError> {
    if error.class == ErrorClass::NotFound { Ok(record.clone()) } else { Err(error) }
}

/// Whether a deletion whose answer was lost has happened: the record cannot be read any more.
fn is_gone(record: &RecordRef, read: Result<Mirror, VendorError>) -> Result<Option<RecordRef>, VendorError> {
    match read {
        Ok(_) => Ok(None),
        Err(error) if error.class == ErrorClass::NotFound => Ok(Some(record.clone())),
        Err(error) => Err(error),
    }
}

/// What this vendor has no call for; nothing was sent.
fn cannot(effect: &Effect) -> VendorError {
    let system = effect.connection().system;
    let why = match effect {
        Effect::Tag { record, .. } if system == System::Intercom => {
            format!("puts no tags on a {}", record.object)
        }
        Effect::Tag { .. } => "has no tags; set a field instead".to_owned(),
        Effect::Track { .. } => "takes no events of people; only Intercom does".to_owned(),
        Effect::Converse { .. } | Effect::Reply { .. } | Effect::Assign { .. } => {
            "holds no conversations; only Intercom does".to_owned()
        }
        Effect::DefineField { .. } if system == System::Salesforce => {
            "lets fields be made in Setup, under the object's Fields & Relationships, and not by the calls Reknit makes"
                .to_owned()
        }
        Effect::DefineField { object, .. } => format!("lets no fields of a {object} be made"),
        Effect::Archive { record } => format!("has no archive for a {}", record.object),
        Effect::Restore { .. } if system == System::Hubspot => {
            "brings records back from its recycle bin in its own screens alone, and a merged one not at all".to_owned()
        }
        Effect::Restore { record } => format!("has no call that brings a {} back", record.object),
        Effect::Release { .. } => "gives a contact one e-mail; only HubSpot has additional ones".to_owned(),
        _ => "has no call for this step".to_owned(),
    };
    VendorError::new(ErrorClass::Unknown, &format!("{} {why}; nothing was sent.", system.title()))
}

fn cannot_look(effect: &Effect) -> VendorError {
    let Effect::Create { connection, object, identity, .. } = effect else {
        return VendorError::new(ErrorClass::Unknown, "There is no way to look whether this happened.");
    };
    VendorError::new(
        ErrorClass::Unknown,
        &format!(
            "{} has no way to look a {object} up by \"{identity}\", so nobody can tell from here whether it was made.",
            connection.system.title()
        ),
    )
}

/// The exact calls of an effect, without secrets: what [`perform`] would send. None where it would send nothing.
pub fn calls(settings: &Settings, effect: &Effect) -> Vec<Call> {
    let (base, requests) = match effect.connection().system {
        System::Intercom => (&settings.intercom.base_url, intercom::calls::requests(settings, effect)),
        System::Hubspot => (
            &settings.hubspot.base_url,
            hubspot::calls::request(settings, effect).map(|request| vec![request]),
        ),
        System::Salesforce => {
            (&settings.salesforce.instance_url, salesforce::calls::requests(settings, effect))
        }
    };
    requests.unwrap_or_default().iter().map(|request| request.call(base)).collect()
}

/// Reads a record as it is now. One that was merged away is an error of class `merged_away` naming the survivor.
pub async fn read(clients: &Clients, record: &RecordRef, log: &mut Log) -> Result<Mirror, VendorError> {
    match record.system() {
        System::Intercom => intercom::read(clients, record, log).await,
        System::Hubspot => hubspot::read(clients, record, log).await,
        System::Salesforce => salesforce::read(clients, record, log).await,
    }
}

/// Records of one kind with everything the vendor tells of them, for a capsule. Those that are gone are missing.
pub async fn whole(
    clients: &Clients,
    records: &[&RecordRef],
    log: &mut Log,
) -> Result<Vec<PreImage>, VendorError> {
    let Some(first) = records.first() else { return Ok(Vec::new()) };
    if first.system() == System::Hubspot {
        let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
        return hubspot::whole::whole(clients, &first.connection, first.object, &ids, log).await;
    }
    let mut images = Vec::new();
    for record in records {
        let image = match record.system() {
            System::Intercom => intercom::whole::whole(clients, record, log).await,
            _ => salesforce::read(clients, record, log).await.map(|mirror| PreImage {
                mirror,
                associations: BTreeMap::new(),
                incomplete: Some("Related records are not listed.".to_owned()),
            }),
        };
        match image {
            Ok(image) => images.push(image),
            Err(error) if error.class == ErrorClass::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(images)
}

/// All contacts whose field has a value; none is no error. Salesforce's leads are found too, after its contacts.
pub async fn find_contact(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    match connection.system {
        System::Intercom => intercom::find_contact(clients, connection, field, value, log).await,
        System::Hubspot => hubspot::find_contact(clients, connection, field, value, log).await,
        System::Salesforce => salesforce::find_contact(clients, connection, field, value, log).await,
    }
}

/// One page of all contacts, as big as the vendor gives.
pub async fn list_contacts(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    match connection.system {
        System::Intercom => intercom::list_contacts(clients, connection, cursor, log).await,
        System::Hubspot => hubspot::list(clients, connection, ObjectKind::Contact, cursor, log).await,
        System::Salesforce => salesforce::list_contacts(clients, connection, cursor, log).await,
    }
}

/// One page of all companies, as big as the vendor gives. Intercom lists only companies that have people.
pub async fn list_companies(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    match connection.system {
        System::Intercom => intercom::list_companies(clients, connection, cursor, log).await,
        System::Hubspot => hubspot::list(clients, connection, ObjectKind::Company, cursor, log).await,
        System::Salesforce => salesforce::list_companies(clients, connection, cursor, log).await,
    }
}

/// One page of the contacts changed since then, oldest first.
///
/// Intercom compares whole days, so its rows begin up to two days earlier: the caller drops what its watermark has.
pub async fn changed_contacts(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    match connection.system {
        System::Intercom => intercom::changed_contacts(clients, connection, since, cursor, log).await,
        System::Hubspot => hubspot::changed_contacts(clients, connection, since, cursor, log).await,
        System::Salesforce => salesforce::changed_contacts(clients, connection, since, cursor, log).await,
    }
}

/// Calls the cheapest endpoint there is and returns the name of the workspace or portal behind the token.
pub async fn check(clients: &Clients, connection: &Connection, log: &mut Log) -> Result<String, VendorError> {
    match connection.system {
        System::Intercom => intercom::check(clients, connection, log).await,
        System::Hubspot => hubspot::check(clients, connection, log).await,
        System::Salesforce => salesforce::check(clients, connection, log).await,
    }
}
