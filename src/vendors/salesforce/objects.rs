//! Salesforce's kinds of records: what they are called, how their ids begin, what is read of each.
//!
//! A note is a completed task: Salesforce's own notes (ContentNote) need two more records and a file of encoded text
//! each, and do not stand in a person's activity history, where a reader looks for what was said. Nothing here knows
//! a path or sends anything.

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, ObjectKind, RecordRef};

use super::super::error::VendorError;
use super::super::settings::Settings;
use super::soql;

const CONTACT: &[&str] = &[
    "Id",
    "AccountId",
    "LastName",
    "FirstName",
    "Salutation",
    "Name",
    "Email",
    "Phone",
    "MobilePhone",
    "Title",
    "Department",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "LeadSource",
    "Description",
    "OwnerId",
    "IsDeleted",
    "MasterRecordId",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

const LEAD: &[&str] = &[
    "Id",
    "LastName",
    "FirstName",
    "Salutation",
    "Name",
    "Company",
    "Email",
    "Phone",
    "MobilePhone",
    "Title",
    "Website",
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "Industry",
    "NumberOfEmployees",
    "LeadSource",
    "Status",
    "Description",
    "OwnerId",
    "IsConverted",
    "ConvertedAccountId",
    "ConvertedContactId",
    "ConvertedOpportunityId",
    "IsDeleted",
    "MasterRecordId",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

const ACCOUNT: &[&str] = &[
    "Id",
    "ParentId",
    "Name",
    "Website",
    "Phone",
    "Industry",
    "NumberOfEmployees",
    "AnnualRevenue",
    "BillingStreet",
    "BillingCity",
    "BillingState",
    "BillingPostalCode",
    "BillingCountry",
    "Description",
    "OwnerId",
    "IsDeleted",
    "MasterRecordId",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

const OPPORTUNITY: &[&str] = &[
    "Id",
    "Name",
    "AccountId",
    "StageName",
    "IsClosed",
    "IsWon",
    "Probability",
    "Amount",
    "CloseDate",
    "Type",
    "LeadSource",
    "Description",
    "OwnerId",
    "IsDeleted",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

const CASE: &[&str] = &[
    "Id",
    "CaseNumber",
    "ContactId",
    "AccountId",
    "SuppliedEmail",
    "Subject",
    "Description",
    "Type",
    "Reason",
    "Origin",
    "Status",
    "Priority",
    "IsClosed",
    "ClosedDate",
    "OwnerId",
    "IsDeleted",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

const TASK: &[&str] = &[
    "Id",
    "WhoId",
    "WhatId",
    "Subject",
    "Description",
    "Status",
    "Priority",
    "ActivityDate",
    "IsClosed",
    "OwnerId",
    "IsDeleted",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

const EVENT: &[&str] = &[
    "Id",
    "WhoId",
    "WhatId",
    "Subject",
    "Description",
    "StartDateTime",
    "EndDateTime",
    "OwnerId",
    "IsDeleted",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
];

/// The API name of a kind.
pub(crate) fn name(object: ObjectKind) -> Result<&'static str, VendorError> {
    match object {
        ObjectKind::Contact => Ok("Contact"),
        ObjectKind::Lead => Ok("Lead"),
        ObjectKind::Company => Ok("Account"),
        ObjectKind::Deal => Ok("Opportunity"),
        ObjectKind::Ticket => Ok("Case"),
        ObjectKind::Task | ObjectKind::Note => Ok("Task"),
        ObjectKind::Event => Ok("Event"),
        ObjectKind::Conversation => Err(VendorError::new(
            ErrorClass::Unknown,
            "Salesforce has no conversations; Reknit writes what was said as tasks. Nothing was sent.",
        )),
    }
}

/// The kind an API name means; none for those Reknit has no word for.
pub(crate) fn kind_named(name: &str) -> Option<ObjectKind> {
    Some(match name {
        "Contact" => ObjectKind::Contact,
        "Lead" => ObjectKind::Lead,
        "Account" => ObjectKind::Company,
        "Opportunity" => ObjectKind::Deal,
        "Case" => ObjectKind::Ticket,
        "Task" => ObjectKind::Task,
        "Event" => ObjectKind::Event,
        _ => return None,
    })
}

/// The kind an id belongs to, by how it begins.
pub(crate) fn kind_of(id: &str) -> Option<ObjectKind> {
    Some(match id.get(..3)? {
        "003" => ObjectKind::Contact,
        "00Q" => ObjectKind::Lead,
        "001" => ObjectKind::Company,
        "006" => ObjectKind::Deal,
        "500" => ObjectKind::Ticket,
        "00T" => ObjectKind::Task,
        "00U" => ObjectKind::Event,
        _ => return None,
    })
}

/// A text that can be an id: 15 or 18 letters and digits.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The 18 characters of an id given with 15; every other text as it is.
///
/// The last three characters say which of the fifteen are capitals, five bits each, the first one lowest: so the long
/// form tells two ids apart where case is lost.
pub(crate) fn whole_id(id: &str) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut whole = id.to_owned();
    if id.len() == 15 && is_id(id) {
        for block in id.as_bytes().chunks(5) {
            let capitals = block
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_uppercase())
                .fold(0_usize, |bits, (place, _)| bits | 1 << place);
            whole.push(char::from(DIGITS[capitals]));
        }
    }
    whole
}

/// A record by its id: a lead's id means a lead and a contact's a contact, whatever the caller took it for.
pub(crate) fn record(connection: &Connection, object: ObjectKind, id: &str) -> RecordRef {
    let object = match kind_of(id) {
        Some(kind @ (ObjectKind::Contact | ObjectKind::Lead))
            if matches!(object, ObjectKind::Contact | ObjectKind::Lead) =>
        {
            kind
        }
        _ => object,
    };
    RecordRef { connection: connection.clone(), object, id: whole_id(id) }
}

/// The same record under the kind its id means.
pub(crate) fn rightly(record_ref: &RecordRef) -> RecordRef {
    record(&record_ref.connection, record_ref.object, &record_ref.id)
}

/// What queries read of a kind, each field once: the usual ones, the external id, and the settings' extra ones.
pub(crate) fn fields(settings: &Settings, object: ObjectKind) -> Vec<String> {
    let salesforce = &settings.salesforce;
    let usual = match object {
        ObjectKind::Contact => CONTACT,
        ObjectKind::Lead => LEAD,
        ObjectKind::Company => ACCOUNT,
        ObjectKind::Deal => OPPORTUNITY,
        ObjectKind::Ticket => CASE,
        ObjectKind::Task | ObjectKind::Note => TASK,
        ObjectKind::Event => EVENT,
        ObjectKind::Conversation => &["Id"],
    };
    let mut names: Vec<String> = usual.iter().map(|name| (*name).to_owned()).collect();
    let mut more = Vec::new();
    if matches!(object, ObjectKind::Contact | ObjectKind::Lead) {
        more.push(salesforce.external_id_field.as_str());
    }
    let own = name(object).unwrap_or_default();
    for extra in salesforce.extra_fields.iter().chain(&salesforce.key_fields) {
        if let Some((of, field)) = extra.split_once('.')
            && of.eq_ignore_ascii_case(own)
        {
            more.push(field);
        }
    }
    for field in more {
        // Names go into the query as they are, so only what can be a name gets there.
        if soql::identifier(field).is_ok() && !names.iter().any(|known| known.eq_ignore_ascii_case(field)) {
            names.push(field.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn fifteen_characters_become_eighteen() {
        for (short, whole) in [
            ("0033h00000Kzv3A", "0033h00000Kzv3AAAR"),
            ("00Qaj000002oTld", "00Qaj000002oTldEAE"),
            ("0033h00000Kzv3AAAR", "0033h00000Kzv3AAAR"),
            ("not an id", "not an id"),
        ] {
            assert_eq!(whole_id(short), whole);
        }
    }

    #[test]
    fn a_lead_known_as_a_contact_is_a_lead() {
        let only = Connection::only(System::Salesforce);
        assert_eq!(record(&only, ObjectKind::Contact, "00Qaj000002oTld").object, ObjectKind::Lead);
        assert_eq!(record(&only, ObjectKind::Note, "00Txx0000001gPLEAY").object, ObjectKind::Note);
    }

    #[test]
    fn extra_fields_are_read_where_they_belong_and_cannot_change_the_query() {
        let mut settings = Settings::default();
        settings.salesforce.extra_fields =
            ["Lead.Plan__c", "Account.Tier__c", "lead.email", "Lead.x FROM User", "Seats__c"]
                .map(str::to_owned)
                .to_vec();
        let lead = fields(&settings, ObjectKind::Lead);
        assert_eq!(&lead[lead.len() - 2..], ["Intercom_Contact_ID__c", "Plan__c"]);
        assert_eq!(fields(&settings, ObjectKind::Company).last().map(String::as_str), Some("Tier__c"));
    }
}
