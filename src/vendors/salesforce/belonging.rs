//! How a Salesforce person belongs to accounts: the account of a contact, further accounts beside it, the contact that
//! a lead becomes. Never takes an account away that is not named.

use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Relation};
use crate::domain::record::{Fields, ObjectKind, RecordRef};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::request::Request;
use super::super::settings::Settings;
use super::soap::{self, Conversion};
use super::soql::{Comparison, Literal, Query};
use super::{Standing, calls, followed, merging, objects, wire};

/// The object of relations to further accounts.
const FURTHER: &str = "AccountContactRelation";

/// What a relation of another kind than the usual one sends; none where it is the usual one.
pub(super) fn requests(settings: &Settings, effect: &Effect) -> Option<Result<Vec<Request>, VendorError>> {
    match effect {
        Effect::Link { contact, company, relation: Relation::Beside, .. } => {
            Some(beside(settings, contact, company).map(|request| vec![request]))
        }
        Effect::Link { contact, company, relation: Relation::Converted, .. } => {
            Some(conversion(contact, company).map(|conversion| vec![soap::convert(settings, &conversion)]))
        }
        Effect::Unlink { contact, company, relation: Relation::Beside, .. } => Some(
            looked_up(settings, contact, company)
                .and_then(|look| Ok(vec![look, taken_away(settings, contact, "(the relation's id)")?])),
        ),
        Effect::Unlink { contact, former, .. } => {
            Some(restored(settings, contact, former.as_deref()).map(|request| vec![request]))
        }
        _ => None,
    }
}

fn both(contact: &RecordRef, company: &RecordRef) -> Result<(RecordRef, RecordRef), VendorError> {
    let (contact, company) = (objects::rightly(contact), objects::rightly(company));
    if (contact.object, company.object) == (ObjectKind::Contact, ObjectKind::Company) {
        return Ok((contact, company));
    }
    let words = format!(
        "Only a contact belongs to several accounts in Salesforce, not a {}; nothing was sent.",
        contact.object
    );
    Err(VendorError::new(ErrorClass::Validation, &words))
}

fn beside(settings: &Settings, contact: &RecordRef, company: &RecordRef) -> Result<Request, VendorError> {
    let (contact, company) = both(contact, company)?;
    let mut fields = Fields::new();
    fields.insert("AccountId".to_owned(), Value::String(company.id));
    fields.insert("ContactId".to_owned(), Value::String(contact.id));
    let request = calls::create(settings, FURTHER, &fields)?.purpose("relate contact to a further company");
    Ok(Request { object: ObjectKind::Contact, ..request })
}

fn conversion(lead: &RecordRef, company: &RecordRef) -> Result<Conversion, VendorError> {
    let (lead, company) = (objects::rightly(lead), objects::rightly(company));
    if (lead.object, company.object) != (ObjectKind::Lead, ObjectKind::Company) {
        let words = format!("Only a lead is converted, not a {}; nothing was sent.", lead.object);
        return Err(VendorError::new(ErrorClass::Validation, &words));
    }
    Ok(Conversion {
        lead: objects::whole_id(&lead.id),
        account: Some(objects::whole_id(&company.id)),
        ..Conversion::default()
    })
}

/// The account a contact had before, or none.
fn restored(settings: &Settings, contact: &RecordRef, former: Option<&str>) -> Result<Request, VendorError> {
    let contact = objects::rightly(contact);
    let account = former.map_or(Value::Null, |id| Value::String(objects::whole_id(id)));
    let fields = [("AccountId".to_owned(), account)].into_iter().collect();
    let request = calls::update(settings, objects::name(contact.object)?, &contact.id, &fields)?;
    Ok(request.purpose("no longer relate contact to company"))
}

fn query(contact: &RecordRef, company: &RecordRef) -> Result<Query, VendorError> {
    let (contact, company) = both(contact, company)?;
    Ok(Query::of(FURTHER, &["Id"])
        .and("ContactId", Comparison::Is, Literal::Text(&contact.id))
        .and("AccountId", Comparison::Is, Literal::Text(&company.id))
        .and("IsDirect", Comparison::Is, Literal::Flag(false))
        .at_most(1))
}

fn looked_up(settings: &Settings, contact: &RecordRef, company: &RecordRef) -> Result<Request, VendorError> {
    let text = query(contact, company)?.text()?;
    Ok(calls::query(settings, ObjectKind::Contact, &text, false, None)
        .purpose("find the relation to the further company"))
}

fn taken_away(settings: &Settings, contact: &RecordRef, id: &str) -> Result<Request, VendorError> {
    let request =
        calls::delete(settings, FURTHER, id)?.purpose("no longer relate contact to a further company");
    Ok(Request { object: contact.object, ..request })
}

/// Relates or unrelates in another than the usual way; the record that was touched.
pub(super) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let settings = clients.settings();
    match effect {
        Effect::Link { contact, company, relation: Relation::Converted, .. } => {
            let conversion = conversion(contact, company)?;
            let converted = merging::convert(clients, &contact.connection, &conversion, log).await?;
            Ok(objects::record(&contact.connection, ObjectKind::Contact, &converted.contact))
        }
        Effect::Link { contact, company, .. } => {
            let request = beside(settings, contact, company)?;
            match clients.send(&contact.connection, &request, log).await {
                Ok(_) => Ok(objects::rightly(contact)),
                // The relation is there: made by an earlier try whose answer was lost, or by somebody else.
                Err(error) if error.words.contains("DUPLICATE_VALUE") => Ok(objects::rightly(contact)),
                Err(error) if error.class == ErrorClass::DuplicateDetected => Ok(objects::rightly(contact)),
                Err(error) => Err(explained(followed(clients, contact, error, log).await)),
            }
        }
        Effect::Unlink { contact, company, relation: Relation::Beside, .. } => {
            let request = looked_up(settings, contact, company)?;
            let answer = clients.send(&contact.connection, &request, log).await?;
            let Some(id) = wire::records(&answer).first().and_then(wire::id) else {
                return Ok(objects::rightly(contact));
            };
            let request = taken_away(settings, contact, &id)?;
            match clients.send(&contact.connection, &request, log).await {
                Err(error) if error.class != ErrorClass::NotFound => Err(error),
                _ => Ok(objects::rightly(contact)),
            }
        }
        Effect::Unlink { contact, former, .. } => {
            let request = restored(settings, contact, former.as_deref())?;
            match clients.send(&contact.connection, &request, log).await {
                Ok(_) => Ok(objects::rightly(contact)),
                Err(error) => Err(followed(clients, contact, error, log).await),
            }
        }
        _ => Err(super::super::cannot(effect)),
    }
}

/// Whether a lead whose conversion got no answer was converted.
pub(super) async fn converted(
    clients: &Clients,
    lead: &RecordRef,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    Ok(match super::standing(clients, &objects::rightly(lead), log).await? {
        Standing::Became(contact) => Some(contact),
        Standing::There | Standing::Gone => None,
    })
}

/// An org that lets a contact belong to one account only does not know the object at all.
fn explained(error: VendorError) -> VendorError {
    let unknown = error.words.contains(FURTHER) || error.words.contains("INVALID_TYPE");
    if !unknown
        || !matches!(error.class, ErrorClass::NotFound | ErrorClass::UnknownField | ErrorClass::Permission)
    {
        return error;
    }
    let words = format!(
        "This org lets a contact belong to one account only (Setup, Account Settings, \"Allow users to relate a contact \
         to multiple accounts\"); its account was left as it is. Salesforce said: {}",
        error.words
    );
    VendorError { words: super::super::error::readable(&words), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;
    use crate::vendors;

    fn record(object: ObjectKind, id: &str) -> RecordRef {
        RecordRef::new(System::Salesforce, object, id)
    }

    fn sent(effect: &Effect) -> Vec<String> {
        vendors::calls(&Settings::default(), effect)
            .iter()
            .map(|call| {
                let body = call.body.as_ref().map_or_else(String::new, ToString::to_string);
                format!("{} {} {body}", call.method, call.path)
            })
            .collect()
    }

    #[test]
    fn a_further_account_is_a_row_of_its_own_and_an_undo_restores_what_was() {
        let contact = record(ObjectKind::Contact, "0033h00000Kzv3AAAR");
        let company = record(ObjectKind::Company, "0013h00000Kzv3AAAR");
        let link = |relation| Effect::Link {
            contact: contact.clone(),
            company: company.clone(),
            relation,
            former: None,
        };
        let unlink = |relation, former: Option<&str>| Effect::Unlink {
            contact: contact.clone(),
            company: company.clone(),
            relation,
            former: former.map(str::to_owned),
        };
        let further = sent(&link(Relation::Beside));
        assert!(
            further[0].starts_with("POST /services/data/v66.0/sobjects/AccountContactRelation "),
            "{further:?}"
        );
        assert!(further[0].contains("\"ContactId\":\"0033h00000Kzv3AAAR\""), "{further:?}");
        let gone = sent(&unlink(Relation::Beside, None));
        assert!(gone[0].contains("/query") && gone[1].starts_with("DELETE "), "{gone:?}");
        let emptied = sent(&unlink(Relation::Usual, None));
        assert!(
            emptied[0].starts_with("PATCH ") && emptied[0].contains("{\"AccountId\":null}"),
            "{emptied:?}"
        );
        let restored = sent(&unlink(Relation::Primary, Some("0013h00000Kzv3B")));
        assert!(restored[0].contains("{\"AccountId\":\"0013h00000Kzv3B"), "{restored:?}");
    }

    #[test]
    fn only_a_lead_is_converted_and_only_a_contact_has_further_accounts() {
        let contact = record(ObjectKind::Contact, "0033h00000Kzv3AAAR");
        let lead = record(ObjectKind::Lead, "00Qaj000002oTldEAE");
        let company = record(ObjectKind::Company, "0013h00000Kzv3AAAR");
        assert!(
            conversion(&contact, &company).is_err() && beside(&Settings::default(), &lead, &company).is_err()
        );
        let conversion = conversion(&lead, &company).expect("a conversion");
        assert_eq!(conversion.account.as_deref(), Some("0013h00000Kzv3AAAR"));
        assert_eq!((conversion.contact, conversion.opportunity), (None, None));
    }
}
