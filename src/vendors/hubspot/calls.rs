//! Effects as HubSpot's requests: pure, without host and token, the same for a preview and for the real thing. What
//! every area of the API needs stands here; the areas follow in `objects`, `associations`, `schema` and `account`.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Relation};
use crate::domain::record::{Fields, ObjectKind, RecordRef, value_text};
use crate::domain::schema::FieldKind;

use super::super::error::VendorError;
use super::super::request::{Manner, Request};
use super::super::settings::Settings;

pub(crate) mod account;
pub(crate) mod associations;
pub(crate) mod objects;
pub(crate) mod schema;

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
const COMPANY: [&str; 20] = [
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
    "hs_parent_company_id",
    "intercom_company_id",
    "hs_object_id",
    "createdate",
    "hs_lastmodifieddate",
];

/// What is read of a deal.
const DEAL: [&str; 16] = [
    "dealname",
    "dealstage",
    "pipeline",
    "amount",
    "closedate",
    "dealtype",
    "description",
    "hubspot_owner_id",
    "hs_is_closed",
    "hs_is_closed_won",
    "hs_deal_stage_probability",
    "intercom_contact_id",
    "intercom_conversation_id",
    "hs_object_id",
    "createdate",
    "hs_lastmodifieddate",
];

/// What is read of a ticket.
const TICKET: [&str; 12] = [
    "subject",
    "content",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_ticket_priority",
    "hs_ticket_category",
    "hubspot_owner_id",
    "intercom_contact_id",
    "intercom_conversation_id",
    "hs_object_id",
    "createdate",
    "hs_lastmodifieddate",
];

/// What is read of a task.
const TASK: [&str; 10] = [
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_task_priority",
    "hs_task_type",
    "hs_timestamp",
    "hubspot_owner_id",
    "hs_object_id",
    "hs_createdate",
    "hs_lastmodifieddate",
];

/// The one request of an effect.
pub(crate) fn request(settings: &Settings, effect: &Effect) -> Result<Request, VendorError> {
    match effect {
        Effect::Create { object, fields, related, .. } => {
            objects::create(settings, *object, &texts(fields), relations(*object, related)?.as_ref())
        }
        Effect::Update { record, fields } => {
            objects::update(settings, record.object, &record.id, None, &texts(fields))
        }
        Effect::Merge { survivor, absorbed, .. } => {
            objects::merge(settings, survivor.object, &survivor.id, &absorbed.id)
        }
        Effect::Link { contact, company, relation, .. } => {
            let ends =
                associations::Ends { from: (contact.object, &contact.id), to: (company.object, &company.id) };
            match relation {
                // HubSpot makes the first company the primary one by itself, and leaves a primary that is there.
                Relation::Usual | Relation::Beside => associations::link(settings, &ends),
                Relation::Primary => associations::link_as_primary(settings, &ends),
                Relation::Converted => {
                    Err(refused("HubSpot has no leads that are converted; relate the contact"))
                }
            }
        }
        Effect::Unlink { contact, company, .. } => {
            let ends =
                associations::Ends { from: (contact.object, &contact.id), to: (company.object, &company.id) };
            associations::unlink(settings, &ends)
        }
        Effect::Log { contact, key, at, title, text, template } => {
            super::timeline::request(settings, contact, key, *at, (title, text), template.as_deref())
        }
        Effect::DefineField { object, field, kind, options, .. } => {
            schema::create_property(settings, *object, &definition(*object, field, *kind, options)?)
        }
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. } => Err(super::super::cannot(effect)),
        Effect::Erase { record } => objects::gdpr_delete(settings, record.object, &record.id, None),
        Effect::Archive { record } => objects::archive(settings, record.object, &record.id),
        Effect::Release { contact, email } if contact.object == ObjectKind::Contact => {
            objects::release(settings, &contact.id, email)
        }
        Effect::Restore { .. } | Effect::Release { .. } => Err(super::super::cannot(effect)),
    }
}

/// What a new record is related to from its birth, in the same call.
pub(crate) fn relations(object: ObjectKind, related: &[RecordRef]) -> Result<Option<Value>, VendorError> {
    if let Some(odd) = related.iter().find(|record| record.is_to_be_made()) {
        return Err(refused(&format!("the {} it is related to is not made yet", odd.object)));
    }
    let ends: Vec<(ObjectKind, &str)> =
        related.iter().map(|record| (record.object, record.id.as_str())).collect();
    associations::inline(object, &ends)
}

/// A property of the portal's own, in the group every kind of record has.
fn definition(
    object: ObjectKind,
    field: &str,
    kind: FieldKind,
    options: &[String],
) -> Result<Value, VendorError> {
    let (data_type, field_type) = match kind {
        FieldKind::Text => ("string", "text"),
        FieldKind::Number => ("number", "number"),
        FieldKind::Boolean => ("bool", "booleancheckbox"),
        FieldKind::Date => ("date", "date"),
        FieldKind::DateTime => ("datetime", "date"),
        FieldKind::Option => ("enumeration", "select"),
        FieldKind::Options => ("enumeration", "checkbox"),
        FieldKind::Reference | FieldKind::Other => {
            return Err(refused(&format!("Reknit makes no property of the kind {kind} in HubSpot")));
        }
    };
    if matches!(object, ObjectKind::Task | ObjectKind::Note) {
        return Err(refused(&format!("Reknit makes no properties of {object}s in HubSpot")));
    }
    let mut given = json!({
        "name": field,
        "label": label(field),
        "type": data_type,
        "fieldType": field_type,
        "groupName": format!("{object}information"),
    });
    match kind {
        FieldKind::Option | FieldKind::Options if options.is_empty() => {
            return Err(refused(&format!("the list property {field} has no options")));
        }
        FieldKind::Option | FieldKind::Options => given["options"] = json!(options),
        // HubSpot wants the two answers named.
        FieldKind::Boolean => {
            given["options"] = json!([{"value": "true", "label": "Yes"}, {"value": "false", "label": "No"}]);
        }
        _ => {}
    }
    Ok(given)
}

/// `open_support_ticket` as people read it: `Open support ticket`.
fn label(field: &str) -> String {
    let words = field.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The properties asked for, each once.
pub(crate) fn properties(settings: &Settings, object: ObjectKind) -> Vec<String> {
    let usual: &[&str] = match object {
        ObjectKind::Contact => &CONTACT,
        ObjectKind::Company => &COMPANY,
        ObjectKind::Deal => &DEAL,
        ObjectKind::Task => &TASK,
        ObjectKind::Note => &["hs_note_body", "hs_timestamp", "hubspot_owner_id"],
        ObjectKind::Ticket => &TICKET,
        ObjectKind::Lead | ObjectKind::Conversation | ObjectKind::Event => &[],
    };
    let mut names: Vec<String> = usual.iter().map(|name| (*name).to_owned()).collect();
    for extra in settings.hubspot.extra_properties.iter().chain(settings.hubspot.wanted.names().iter()) {
        let extra = match extra.split_once('.') {
            Some((of, name)) if of == object.as_str() => name,
            None if matches!(object, ObjectKind::Contact | ObjectKind::Company) => extra.as_str(),
            _ => continue,
        };
        // A property's name is a plain word; anything else would end up in the query as it is.
        let plain = extra.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain && !extra.is_empty() && !names.iter().any(|name| name == extra) {
            names.push(extra.to_owned());
        }
    }
    names
}

/// The vendor's plural, as paths hold it.
pub(crate) fn plural(object: ObjectKind) -> Result<&'static str, VendorError> {
    match object {
        ObjectKind::Contact => Ok("contacts"),
        ObjectKind::Company => Ok("companies"),
        ObjectKind::Deal => Ok("deals"),
        ObjectKind::Ticket => Ok("tickets"),
        ObjectKind::Task => Ok("tasks"),
        ObjectKind::Note => Ok("notes"),
        ObjectKind::Conversation | ObjectKind::Lead | ObjectKind::Event => Err(VendorError::new(
            ErrorClass::Unknown,
            &format!("Reknit neither reads nor writes {object}s in HubSpot; nothing was sent."),
        )),
    }
}

/// The kind a name stands for: `contacts`, `contact` or `0-1`.
pub(crate) fn kind(name: &str) -> Result<ObjectKind, VendorError> {
    match name.to_lowercase().as_str() {
        "contacts" | "contact" | "0-1" => Ok(ObjectKind::Contact),
        "companies" | "company" | "0-2" => Ok(ObjectKind::Company),
        "deals" | "deal" | "0-3" => Ok(ObjectKind::Deal),
        "tickets" | "ticket" | "0-5" => Ok(ObjectKind::Ticket),
        "tasks" | "task" | "0-27" => Ok(ObjectKind::Task),
        "notes" | "note" | "0-46" => Ok(ObjectKind::Note),
        _ => Err(refused(&format!(
            "\"{name}\" is no object type Reknit knows at HubSpot; it knows contacts, companies, deals, tickets, \
             tasks and notes"
        ))),
    }
}

/// A call that was not made because HubSpot could only refuse it.
pub(crate) fn refused(why: &str) -> VendorError {
    VendorError::new(ErrorClass::Validation, &format!("Nothing was sent: {why}."))
}

fn post(manner: Manner, object: ObjectKind, path: String, body: Value) -> Request {
    Request::new(manner, Method::POST, object, path).body(body)
}

fn put(object: ObjectKind, path: String) -> Request {
    Request::new(Manner::Write, Method::PUT, object, path)
}

fn patch(object: ObjectKind, path: String, body: Value) -> Request {
    Request::new(Manner::Write, Method::PATCH, object, path).body(body)
}

fn delete(object: ObjectKind, path: String) -> Request {
    Request::new(Manner::Write, Method::DELETE, object, path)
}

/// An object with the values that are there.
fn given<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(pairs.collect())
}

/// HubSpot's property values are always texts; an empty one clears.
pub(crate) fn texts(fields: &Fields) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, value)| (name.clone(), Value::String(value_text(value)))).collect();
    Value::Object(properties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;
    use crate::vendors::settings::HubspotPaths;

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
        let link = Effect::link(contact("151"), company);
        let merge = Effect::merge(contact("151"), contact("152"));
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
