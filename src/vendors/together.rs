//! Errands of many executions in as few calls as a vendor's batch endpoints allow, with a result and a record of its
//! own for each.
//!
//! Here stands what may travel together ([`Errand::endpoint`]) and which rows must not stand in one batch
//! ([`Errand::key`]); how a batch is sent and its answer taken apart is the vendors' (`hubspot::together`,
//! `intercom::together`), how it is divided when a bad row refuses all is `division`'s. Never waits for company and
//! never sends a write again that may have happened, unless repeating it is harmless: who waits is the engine.

use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Relation};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System, value_text};

use super::error::VendorError;
use super::http::{Clients, Exchange, Log, Mask};
use super::request::Request;
use super::settings::Settings;
use division::Division;

mod division;

/// Rows in one batch at HubSpot.
const HUBSPOT_ROWS: usize = 100;
/// Values in one of Intercom's searches: as many as its groups hold filters.
const INTERCOM_VALUES: usize = 15;

/// One thing an execution wants of a vendor.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// A record as it is now.
    Read(RecordRef),
    /// All contacts whose field has a value.
    Find {
        /// Where.
        connection: Connection,
        /// The vendor's name of the field.
        field: String,
        /// Its value.
        value: String,
    },
    /// A step of a plan.
    Perform(Effect),
}

/// What an errand brought back.
#[derive(Debug, Clone, PartialEq)]
pub enum Brought {
    /// The record that was read.
    Record(Mirror),
    /// The contacts that were found.
    Found(Vec<Mirror>),
    /// The record a step made or touched.
    Done(RecordRef),
}

/// One errand's own result, and its own part of every exchange it travelled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Returned {
    /// What became of it.
    pub result: Result<Brought, VendorError>,
    /// Its row of each request and of each answer; not to be learnt from, since others have the same exchange.
    pub log: Log,
}

/// What a batch endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Reads by id.
    Read,
    /// Looks up by a value.
    Find,
    /// Makes records.
    Create,
    /// Changes records by id.
    Update,
    /// Relates contacts to companies.
    Link,
}

/// An endpoint that takes many rows in one call. Rows with the same endpoint may travel together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Whose.
    pub connection: Connection,
    /// What it does.
    pub verb: Verb,
    /// With which kind of record.
    pub object: ObjectKind,
    /// The field a record is looked up by, or known by when it is made; else empty.
    pub by: String,
}

impl Endpoint {
    /// Rows in one call at the most.
    pub const fn most(&self) -> usize {
        match self.connection.system {
            System::Intercom => INTERCOM_VALUES,
            System::Hubspot | System::Salesforce => HUBSPOT_ROWS,
        }
    }

    /// Rows from which on a batch takes fewer calls than one call each.
    pub const fn fewest(&self) -> usize {
        match (self.verb, self.object) {
            // Their companies take a second call, which a single read brings along.
            (Verb::Read | Verb::Find, ObjectKind::Contact)
                if matches!(self.connection.system, System::Hubspot) =>
            {
                3
            }
            _ => 2,
        }
    }
}

impl Errand {
    /// Where it goes.
    pub fn connection(&self) -> &Connection {
        match self {
            Self::Read(record) => &record.connection,
            Self::Find { connection, .. } => connection,
            Self::Perform(effect) => effect.connection(),
        }
    }

    /// The endpoint at which it may travel with others; none when it travels alone.
    pub fn endpoint(&self, settings: &Settings) -> Option<Endpoint> {
        let system = self.connection().system;
        let at = |verb, object, by: &str| {
            let connection = self.connection().clone();
            Some(Endpoint { connection, verb, object, by: by.to_owned() })
        };
        match (system, self) {
            (System::Hubspot, Self::Read(record))
                if matches!(record.object, ObjectKind::Contact | ObjectKind::Company) =>
            {
                at(Verb::Read, record.object, "")
            }
            (System::Hubspot, Self::Find { field, value, .. })
                if !value.trim().is_empty()
                    && (field == "email"
                        || settings.hubspot.unique_properties.iter().any(|name| name == field)) =>
            {
                at(Verb::Find, ObjectKind::Contact, field)
            }
            // Intercom keeps addresses in lower case; of any other only its own "=" knows how it is compared.
            (System::Intercom, Self::Find { field, value, .. })
                if field == "email" && !value.trim().is_empty() && *value == value.to_lowercase() =>
            {
                at(Verb::Find, ObjectKind::Contact, field)
            }
            (System::Hubspot, Self::Perform(effect)) => match effect {
                Effect::Update { record, .. } => at(Verb::Update, record.object, ""),
                Effect::Create { object, identity, .. } if !self.key().is_empty() => {
                    at(Verb::Create, *object, identity)
                }
                Effect::Link { contact, company, relation: Relation::Usual | Relation::Beside, .. }
                    if (contact.object, company.object) == (ObjectKind::Contact, ObjectKind::Company) =>
                {
                    at(Verb::Link, ObjectKind::Contact, "")
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What its record is known by: two rows with one key never stand in one batch, and the later waits for the earlier.
    pub fn key(&self) -> String {
        let key = match self {
            Self::Read(record)
            | Self::Perform(
                Effect::Update { record, .. }
                | Effect::Erase { record }
                | Effect::Archive { record }
                | Effect::Restore { record },
            ) => record.id.clone(),
            Self::Find { value, .. } => value.clone(),
            Self::Perform(Effect::Create { fields, identity, .. }) => {
                fields.get(identity).map(value_text).unwrap_or_default()
            }
            Self::Perform(
                Effect::Link { contact, .. }
                | Effect::Unlink { contact, .. }
                | Effect::Log { contact, .. }
                | Effect::Release { contact, .. },
            ) => contact.id.clone(),
            Self::Perform(Effect::Merge { survivor, .. }) => survivor.id.clone(),
            Self::Perform(Effect::Tag { record, .. }) => record.id.clone(),
            Self::Perform(Effect::Track { contact, .. } | Effect::Converse { contact, .. }) => {
                contact.id.clone()
            }
            Self::Perform(Effect::Reply { conversation, .. } | Effect::Assign { conversation, .. }) => {
                conversation.id.clone()
            }
            Self::Perform(Effect::DefineField { field, .. }) => field.clone(),
        };
        key.trim().to_lowercase()
    }

    /// Doing it twice is the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Read(_) | Self::Find { .. } => true,
            Self::Perform(effect) => effect.is_repeatable(),
        }
    }
}

/// Does one errand by itself.
pub async fn alone(clients: &Clients, errand: &Errand, log: &mut Log) -> Result<Brought, VendorError> {
    match errand {
        Errand::Read(record) => super::read(clients, record, log).await.map(Brought::Record),
        Errand::Find { connection, field, value } => {
            super::find_contact(clients, connection, field, value, log).await.map(Brought::Found)
        }
        Errand::Perform(effect) => super::perform(clients, effect, log).await.map(Brought::Done),
    }
}

/// Does errands of one endpoint together, at most [`Endpoint::most`] and each key once; results in the given order.
/// `log` gets every exchange as it was, each once.
pub async fn together(
    clients: &Clients,
    endpoint: &Endpoint,
    errands: &[Errand],
    log: &mut Log,
) -> Vec<Returned> {
    let mut travel = Travel::new(clients, &endpoint.connection, errands).await;
    while let Some(rows) = travel.division.next() {
        if let [place] = rows[..] {
            let from = log.len();
            let result = alone(clients, &errands[place], log).await;
            if result.is_ok() {
                travel.division.taken();
            }
            travel.logs[place].extend_from_slice(&log[from..]);
            travel.division.settle(place, result);
            continue;
        }
        match endpoint.connection.system {
            System::Hubspot => super::hubspot::together::send(&mut travel, endpoint, rows, log).await,
            System::Intercom => super::intercom::together::send(&mut travel, endpoint, rows, log).await,
            // No endpoint of its own here yet: `Errand::endpoint` names none.
            System::Salesforce => travel.division.again(rows),
        }
    }
    let (results, logs) = (travel.division.finish(), travel.logs);
    results.into_iter().zip(logs).map(|(result, log)| Returned { result, log }).collect()
}

/// Errands on their way: what became of each, and what each has seen.
pub(super) struct Travel<'a> {
    pub(super) clients: &'a Clients,
    pub(super) errands: &'a [Errand],
    pub(super) division: Division<Brought>,
    logs: Vec<Log>,
    mask: Mask,
}

impl<'a> Travel<'a> {
    async fn new(clients: &'a Clients, connection: &Connection, errands: &'a [Errand]) -> Self {
        Self {
            clients,
            errands,
            division: Division::new(errands.len()),
            logs: vec![Log::new(); errands.len()],
            mask: clients.mask(connection).await,
        }
    }

    /// Sends a request that is good; its answer, and from where on the log tells of it.
    pub(super) async fn call(
        &mut self,
        connection: &Connection,
        request: Result<&Request, VendorError>,
        log: &mut Log,
    ) -> (Result<Value, VendorError>, usize) {
        let from = log.len();
        let answer = match request {
            Ok(request) => self.clients.send(connection, request, log).await,
            Err(error) => Err(error),
        };
        // A new token may have been taken on the way.
        self.mask.add(self.clients.mask(connection).await);
        (answer, from)
    }

    /// These rows were refused, failed or were lost together.
    pub(super) fn whole(&mut self, rows: &[usize], error: &VendorError) {
        let repeatable = rows.iter().all(|&place| self.errands[place].is_repeatable());
        self.division.whole(rows, error, repeatable);
    }

    /// A row's own part of exchanges that `company` rows shared. Without an answer of its own it gets the whole one,
    /// which then refuses all of them.
    pub(super) fn part(
        &mut self,
        place: usize,
        exchanges: &[Exchange],
        company: usize,
        what: &str,
        request: &str,
        (response, class): (Option<&str>, Option<ErrorClass>),
    ) {
        for exchange in exchanges {
            // A token was renewed on the way: that is told as it was.
            if exchange.purpose != what {
                self.logs[place].push(exchange.clone());
                continue;
            }
            let response =
                response.map_or_else(|| exchange.response.clone(), |text| self.mask.recorded(text));
            self.logs[place].push(Exchange {
                purpose: format!("{}, in a batch of {company}", singular(what)),
                connection: exchange.connection.clone(),
                started_at: exchange.started_at,
                duration_ms: exchange.duration_ms,
                method: exchange.method.clone(),
                url: exchange.url.clone(),
                request: self.mask.recorded(request),
                status: exchange.status,
                response,
                request_id: exchange.request_id.clone(),
                class,
                limits: None,
            });
        }
    }
}

/// "update 37 contacts" is, for each of them, "update contact".
fn singular(what: &str) -> String {
    let words: Vec<&str> = what.split(' ').filter(|word| word.parse::<usize>().is_err()).collect();
    let words = words.join(" ").replace("contacts", "contact");
    if words.starts_with("companies") { words } else { words.replace("companies", "company") }
}

/// Whether a refusal of a whole batch may be about one of its rows, and nothing of the batch was done.
pub(super) fn is_about_a_row(error: &VendorError) -> bool {
    !error.may_have_happened
        && matches!(
            error.class,
            ErrorClass::Validation
                | ErrorClass::UnknownField
                | ErrorClass::NotAllowedValue
                | ErrorClass::NotFound
                | ErrorClass::DuplicateDetected
                | ErrorClass::Conflict
                | ErrorClass::TooLarge
        )
}
