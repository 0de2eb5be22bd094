//! Making one person, lead or company out of several: `merge` by threes, converting a lead into a contact, and bringing
//! back what a merge has put into the recycle bin.
//!
//! What was moved to the one that stays does not move back by itself: the caller has kept what is about to go. Each call is one transaction of the org's, so a
//! merge of many that stops half-way has done whole steps only, and says which.

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::request::Expects;
use super::calls::{self, Merging};
use super::soap::{self, Conversion, Converted};
use super::{Standing, context, followed, objects, standing};

/// Merges two or three of one kind, or a lead into a contact. `values` are written to the one that stays in the same
/// step; a conversion takes none.
pub(crate) async fn some(
    clients: &Clients,
    survivor: &RecordRef,
    (absorbed, also): (&RecordRef, &[RecordRef]),
    values: &Fields,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    match calls::merging(survivor, absorbed)? {
        Merging::Rows => {
            let losers: Vec<&RecordRef> = std::iter::once(absorbed).chain(also).collect();
            rows(clients, survivor, &losers, values, log).await
        }
        Merging::Conversion => into_contact(clients, absorbed, survivor, log).await,
    }
}

/// Merges any number of records of one kind into one, two at a time. `values` are written to the one that stays with
/// the first step. The results stand in the order of `absorbed`; after a step that failed, no further one is sent.
pub async fn many(
    clients: &Clients,
    survivor: &RecordRef,
    absorbed: &[RecordRef],
    values: &Fields,
    log: &mut Log,
) -> Vec<Result<RecordRef, VendorError>> {
    let mut results: Vec<Result<RecordRef, VendorError>> = Vec::with_capacity(absorbed.len());
    let none = Fields::new();
    for (step, losers) in absorbed.chunks(soap::LOSERS).enumerate() {
        if results.last().is_some_and(Result::is_err) {
            let words = "An earlier step of this merge failed, so this one was not sent.";
            results.extend(losers.iter().map(|_| Err(VendorError::new(ErrorClass::Conflict, words))));
            continue;
        }
        let unfit = losers.iter().find_map(|loser| match calls::merging(survivor, loser) {
            Ok(Merging::Rows) => None,
            Ok(Merging::Conversion) => Some(VendorError::new(
                ErrorClass::Validation,
                "A lead is converted into a contact, one at a time.",
            )),
            Err(error) => Some(error),
        });
        let result = match unfit {
            Some(error) => Err(error),
            None => {
                let losers: Vec<&RecordRef> = losers.iter().collect();
                rows(clients, survivor, &losers, if step == 0 { values } else { &none }, log).await
            }
        };
        results.extend(losers.iter().map(|_| result.clone()));
    }
    results
}

async fn rows(
    clients: &Clients,
    survivor: &RecordRef,
    absorbed: &[&RecordRef],
    values: &Fields,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let survivor = objects::rightly(survivor);
    let request = soap::merge(clients.settings(), &survivor, absorbed, values)?;
    let merged = match clients.send(&survivor.connection, &request, log).await {
        Ok(answer) => {
            let context = context(clients, &survivor.connection, survivor.object, Expects::Text);
            noted(soap::merged(&answer, &context), log)
        }
        Err(error) => Err(error),
    };
    match merged {
        Ok(id) if id.is_empty() => Ok(survivor),
        Ok(id) => Ok(RecordRef { id, ..survivor }),
        Err(mut error) => {
            // "Deleted" may be said of any of them, and mostly means that somebody was faster.
            for record in absorbed.iter().copied().chain([&survivor]) {
                if error.class == ErrorClass::NotFound {
                    error = followed(clients, record, error, log).await;
                }
            }
            Err(error)
        }
    }
}

async fn into_contact(
    clients: &Clients,
    lead: &RecordRef,
    contact: &RecordRef,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let contact = objects::rightly(contact);
    let request = calls::account_of(clients.settings(), &contact)?;
    let answer = match clients.send(&contact.connection, &request, log).await {
        Ok(answer) => answer,
        Err(error) => return Err(followed(clients, &contact, error, log).await),
    };
    let account = answer.get("AccountId").map(value_text).unwrap_or_default();
    if account.is_empty() {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "Salesforce converts a lead only into a contact that belongs to an account, and this one belongs to none. \
             Link the contact to an account first; the lead was left as it is.",
        ));
    }
    let conversion = Conversion::into_contact(lead, &contact, &account);
    let converted = convert(clients, &contact.connection, &conversion, log).await?;
    Ok(objects::record(&contact.connection, ObjectKind::Contact, &converted.contact))
}

/// Converts a lead: into a contact that is there, or into a new one.
pub async fn convert(
    clients: &Clients,
    connection: &Connection,
    conversion: &Conversion,
    log: &mut Log,
) -> Result<Converted, VendorError> {
    let request = soap::convert(clients.settings(), conversion);
    let lead = objects::record(connection, ObjectKind::Lead, &conversion.lead);
    let converted = match clients.send(connection, &request, log).await {
        Ok(answer) => noted(
            soap::converted(&answer, &context(clients, connection, ObjectKind::Lead, Expects::Text)),
            log,
        ),
        Err(error) => Err(error),
    };
    match converted {
        Ok(converted) => Ok(converted),
        Err(error) => Err(followed(clients, &lead, error, log).await),
    }
}

/// Brings a record back that was deleted or merged away. One that is there already is back.
pub(crate) async fn restore(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let record = objects::rightly(record);
    let request = soap::undelete(clients.settings(), &record)?;
    let answered = match clients.send(&record.connection, &request, log).await {
        Ok(answer) => {
            let context = context(clients, &record.connection, record.object, Expects::Text);
            noted(soap::undeleted(&answer, &context), log)
        }
        Err(error) => Err(error),
    };
    match answered {
        Ok(_) => Ok(record),
        // Refused: it is no longer in the bin, or it never left. A lost answer is for the probe.
        Err(error) if error.may_have_happened => Err(error),
        Err(error) => match is_back(clients, &record, log).await {
            Ok(Some(back)) => Ok(back),
            // What was refused, and why, is the news.
            Ok(None) | Err(_) => Err(error),
        },
    }
}

/// Whether a record stands by its own id; none when it is in the bin, gone, or a part of another one.
pub(crate) async fn is_back(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let record = objects::rightly(record);
    Ok((standing(clients, &record, log).await? == Standing::There).then_some(record))
}

/// A refusal inside a good answer is a refusal in the log too.
fn noted<T>(result: Result<T, VendorError>, log: &mut Log) -> Result<T, VendorError> {
    if let (Err(error), Some(exchange)) = (&result, log.last_mut()) {
        exchange.class = Some(error.class);
    }
    result
}
