//! Effects as HubSpot's requests, and the one table of its paths: pure, without host and token, the same for a
//! preview and for the real thing.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Fields, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;
use super::super::request::{Manner, Request, encode};
use super::super::settings::{HubspotPaths, Settings};

/// What is read of a contact, beside the settings' `extra_properties`.
const CONTACT: [&str; 29] = [
    "email",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "company",
    "jobtitle",
    "website",
    "lifecyclestage",
    "hs_lead_status",
    "hubspot_owner_id",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "industry",
    "hs_language",
    "hs_timezone",
    "hs_email_optout",
    "hs_additional_emails",
    "hs_merged_object_ids",
    "associatedcompanyid",
    "intercom_contact_id",
    "intercom_user_id",
    "plan",
    "hs_object_id",
    "createdate",
    "lastmodifieddate",
];

/// What is read of a company.
const COMPANY: [&str; 19] = [
    "name",
    "domain",
    "website",
    "phone",
    "industry",
    "numberofemployees",
    "annualrevenue",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "lifecyclestage",
    "hubspot_owner_id",
    "hs_merged_object_ids",
    "intercom_company_id",
    "hs_object_id",
    "createdate",
    "hs_lastmodifieddate",
];

/// The one request of an effect.
pub(crate) fn request(settings: &Settings, effect: &Effect) -> Result<Request, VendorError> {
    match effect {
        Effect::Create { object, fields, .. } => {
            Ok(Request::new(Manner::Write, Method::POST, *object, objects(settings, *object)?)
                .body(json!({"properties": texts(fields)}))
                .purpose(format!("create {object}")))
        }
        Effect::Update { record, fields } => {
            let path = format!("{}/{}", objects(settings, record.object)?, encode(&record.id));
            Ok(Request::new(Manner::Write, Method::PATCH, record.object, path)
                .body(json!({"properties": texts(fields)}))
                .purpose(format!("update {}", record.object)))
        }
        Effect::Merge { survivor, absorbed } => {
            let path = format!("{}/merge", objects(settings, survivor.object)?);
            Ok(Request::new(Manner::SlowWrite, Method::POST, survivor.object, path)
                .body(json!({"primaryObjectId": survivor.id, "objectIdToMerge": absorbed.id}))
                .purpose(format!("merge {}", plural(survivor.object)?)))
        }
        Effect::Link { contact, company } => {
            let path = link(settings, contact, company)?;
            Ok(Request::new(Manner::Write, Method::PUT, contact.object, path)
                .purpose(format!("relate {} to {}", contact.object, company.object)))
        }
    }
}

/// Up to 100 updates of one kind in one call; every row carries its place, by which its result is found again.
pub(crate) fn update_batch(
    settings: &Settings,
    object: ObjectKind,
    rows: &[(usize, &RecordRef, &Fields)],
) -> Result<Request, VendorError> {
    let inputs: Vec<Value> = rows
        .iter()
        .map(|(place, record, fields)| {
            json!({"id": record.id, "properties": texts(fields), "objectWriteTraceId": place.to_string()})
        })
        .collect();
    let path = format!("{}/batch/update", objects(settings, object)?);
    Ok(Request::new(Manner::SlowWrite, Method::POST, object, path)
        .body(json!({"inputs": inputs}))
        .purpose(format!("update {} {}", rows.len(), plural(object)?)))
}

/// One record by id, or by another unique property.
pub(crate) fn read(settings: &Settings, object: ObjectKind, id: &str, by: Option<&str>) -> Request {
    let mut path = format!(
        "{}/{}?properties={}",
        objects_or_root(settings, object),
        encode(id),
        properties(settings, object).join(",")
    );
    if object == ObjectKind::Contact {
        path.push_str("&associations=companies");
    }
    if let Some(property) = by {
        path.push_str("&idProperty=");
        path.push_str(&encode(property));
    }
    Request::get(object, path)
}

/// One page of all records of a kind.
pub(crate) fn list(settings: &Settings, object: ObjectKind, limit: usize, after: Option<&str>) -> Request {
    let mut path = format!(
        "{}?limit={limit}&properties={}",
        objects_or_root(settings, object),
        properties(settings, object).join(",")
    );
    if let Some(after) = after {
        path.push_str("&after=");
        path.push_str(&encode(after));
    }
    Request::get(object, path).page().purpose(format!("list {}", plural(object).unwrap_or("records")))
}

pub(crate) fn search(settings: &Settings, object: ObjectKind, body: Value) -> Request {
    let path = format!("{}/search", objects_or_root(settings, object));
    Request::new(Manner::Page, Method::POST, object, path).body(body)
}

/// The properties asked for, each once.
pub(crate) fn properties(settings: &Settings, object: ObjectKind) -> Vec<String> {
    let usual: &[&str] = match object {
        ObjectKind::Contact => &CONTACT,
        ObjectKind::Company => &COMPANY,
        ObjectKind::Deal => &["dealname", "dealstage", "pipeline", "amount", "closedate", "hubspot_owner_id"],
        ObjectKind::Task => &["hs_task_subject", "hs_task_status", "hs_timestamp", "hubspot_owner_id"],
        ObjectKind::Note => &["hs_note_body", "hs_timestamp", "hubspot_owner_id"],
        ObjectKind::Ticket => &["subject", "content", "hs_pipeline", "hs_pipeline_stage", "hubspot_owner_id"],
        ObjectKind::Lead | ObjectKind::Conversation => &[],
    };
    let mut names: Vec<String> = usual.iter().map(|name| (*name).to_owned()).collect();
    if matches!(object, ObjectKind::Contact | ObjectKind::Company) {
        for extra in &settings.hubspot.extra_properties {
            // A property's name is a plain word; anything else would end up in the query as it is.
            let plain = extra.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if plain && !extra.is_empty() && !names.contains(extra) {
                names.push(extra.clone());
            }
        }
    }
    names
}

/// Where objects of a kind live.
fn objects(settings: &Settings, object: ObjectKind) -> Result<String, VendorError> {
    let name = plural(object)?;
    Ok(match settings.hubspot.paths {
        HubspotPaths::V3v4 => format!("/crm/v3/objects/{name}"),
        HubspotPaths::Dated => format!("/crm/objects/2026-09/{name}"),
    })
}

/// For reads, where a kind HubSpot does not have may simply not be found.
fn objects_or_root(settings: &Settings, object: ObjectKind) -> String {
    objects(settings, object).unwrap_or_else(|_| format!("/crm/v3/objects/{object}"))
}

/// The unlabelled relation of two records; asking for it twice changes nothing.
fn link(settings: &Settings, from: &RecordRef, to: &RecordRef) -> Result<String, VendorError> {
    let (root, from_name, to_name) = (
        match settings.hubspot.paths {
            HubspotPaths::V3v4 => "/crm/v4/objects",
            HubspotPaths::Dated => "/crm/objects/2026-09",
        },
        plural(from.object)?,
        plural(to.object)?,
    );
    Ok(format!("{root}/{from_name}/{}/associations/default/{to_name}/{}", encode(&from.id), encode(&to.id)))
}

/// Where the relations of many records are read at once.
pub(crate) fn association_read(settings: &Settings, from: ObjectKind, to: ObjectKind) -> String {
    let root = match settings.hubspot.paths {
        HubspotPaths::V3v4 => "/crm/v4/associations",
        HubspotPaths::Dated => "/crm/associations/2026-09",
    };
    format!("{root}/{}/{}/batch/read", plural(from).unwrap_or("contacts"), plural(to).unwrap_or("companies"))
}

fn plural(object: ObjectKind) -> Result<&'static str, VendorError> {
    match object {
        ObjectKind::Contact => Ok("contacts"),
        ObjectKind::Company => Ok("companies"),
        ObjectKind::Deal => Ok("deals"),
        ObjectKind::Ticket => Ok("tickets"),
        ObjectKind::Task => Ok("tasks"),
        ObjectKind::Note => Ok("notes"),
        ObjectKind::Conversation | ObjectKind::Lead => Err(VendorError::new(
            ErrorClass::Unknown,
            &format!("Reknit neither reads nor writes {object}s in HubSpot; nothing was sent."),
        )),
    }
}

/// HubSpot's property values are always texts; an empty one clears.
fn texts(fields: &Fields) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, value)| (name.clone(), Value::String(value_text(value)))).collect();
    Value::Object(properties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    fn contact(id: &str) -> RecordRef {
        RecordRef::new(System::Hubspot, ObjectKind::Contact, id)
    }

    fn paths(paths: HubspotPaths) -> Settings {
        let mut settings = Settings::default();
        settings.hubspot.paths = paths;
        settings
    }

    #[test]
    fn both_families_of_paths_come_from_one_table() {
        let company = RecordRef::new(System::Hubspot, ObjectKind::Company, "812");
        let link = Effect::Link { contact: contact("151"), company };
        let merge = Effect::Merge { survivor: contact("151"), absorbed: contact("152") };
        for (family, link_path, merge_path) in [
            (
                HubspotPaths::V3v4,
                "/crm/v4/objects/contacts/151/associations/default/companies/812",
                "/crm/v3/objects/contacts/merge",
            ),
            (
                HubspotPaths::Dated,
                "/crm/objects/2026-09/contacts/151/associations/default/companies/812",
                "/crm/objects/2026-09/contacts/merge",
            ),
        ] {
            let settings = paths(family);
            assert_eq!(request(&settings, &link).expect("a link").path, link_path);
            assert_eq!(request(&settings, &merge).expect("a merge").path, merge_path);
        }
    }

    #[test]
    fn values_are_sent_as_texts_and_null_clears() {
        let fields = json!({"jobtitle": null, "seats": 17, "vip": true, "city": "Łódź"});
        let effect =
            Effect::Update { record: contact("151"), fields: fields.as_object().expect("object").clone() };
        assert_eq!(
            request(&Settings::default(), &effect).expect("an update").body,
            Some(json!({"properties": {"jobtitle": "", "seats": "17", "vip": "true", "city": "Łódź"}}))
        );
    }

    #[test]
    fn extra_properties_cannot_change_the_query() {
        let mut settings = Settings::default();
        settings.hubspot.extra_properties =
            ["tier", "email", "a&idProperty=x", ""].map(str::to_owned).to_vec();
        let names = properties(&settings, ObjectKind::Contact);
        assert_eq!(names.iter().filter(|name| *name == "email").count(), 1);
        assert_eq!(names.last().map(String::as_str), Some("tier"));
    }
}
