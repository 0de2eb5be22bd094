//! How Salesforce's records say whom they are about, and conversations as completed tasks or past events. Pure, but for
//! what became of a lead: an activity about a converted lead belongs to its contact.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{self, Effect};
use crate::domain::record::{Fields, ObjectKind, RecordRef};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::settings::Settings;
use super::{Standing, around, calls, objects};

/// Letters Salesforce takes in a subject.
const SUBJECT: usize = 255;
/// Letters it takes in a description.
const DESCRIPTION: usize = 32_000;
/// The template that logs a conversation as an event instead of a task.
pub(crate) const EVENT: &str = "event";

/// The fields by which a new record is about others: the first of each kind counts, a contact before a lead. What a kind
/// of record has no field for is left out: a case and an opportunity cannot be about a lead.
pub(crate) fn relations(object: ObjectKind, related: &[RecordRef]) -> Vec<(&'static str, String)> {
    use ObjectKind::{Company, Contact, Deal, Event, Lead, Note, Task, Ticket};
    let first = |kinds: &[ObjectKind]| {
        kinds.iter().find_map(|kind| {
            let found = related.iter().map(objects::rightly).find(|record| record.object == *kind);
            found.map(|record| (record.object, record.id))
        })
    };
    let mut fields = Vec::new();
    match object {
        Task | Note | Event => {
            let who = first(&[Contact, Lead]);
            // An activity about a lead is about nothing else.
            let lead = matches!(who, Some((Lead, _)));
            fields.extend(who.map(|(_, id)| ("WhoId", id)));
            if !lead {
                fields.extend(first(&[Ticket, Deal, Company]).map(|(_, id)| ("WhatId", id)));
            }
        }
        Ticket | Deal => {
            fields.extend(first(&[Contact]).map(|(_, id)| ("ContactId", id)));
            fields.extend(first(&[Company]).map(|(_, id)| ("AccountId", id)));
        }
        Contact => fields.extend(first(&[Company]).map(|(_, id)| ("AccountId", id))),
        _ => {}
    }
    fields
}

/// The values of a record to be made, with whom it is about; what the values say themselves goes first.
pub(crate) fn with_relations(object: ObjectKind, fields: &Fields, related: &[RecordRef]) -> Fields {
    let mut fields = fields.clone();
    for (name, id) in relations(object, related) {
        if !fields.keys().any(|known| known.eq_ignore_ascii_case(name)) {
            fields.insert(name.to_owned(), Value::String(id));
        }
    }
    fields
}

/// What a log makes: a completed task, or an event that is over.
pub(crate) fn logged(template: Option<&str>) -> ObjectKind {
    if template == Some(EVENT) { ObjectKind::Event } else { ObjectKind::Note }
}

/// A conversation as a create.
pub(crate) fn log(settings: &Settings, effect: &Effect) -> Option<Effect> {
    let Effect::Log { contact, key, at, title, text, template } = effect else { return None };
    let object = logged(template.as_deref());
    let mut fields = Fields::new();
    let mut put = |name: &str, value: String| fields.insert(name.to_owned(), Value::String(value));
    put("Subject", cut(title, SUBJECT));
    let room = DESCRIPTION - key.chars().count() - 2;
    put("Description", format!("{}\n\n{key}", cut(text, room)));
    match object {
        ObjectKind::Event => {
            put("StartDateTime", second(*at));
            put("EndDateTime", second(*at));
        }
        _ => {
            put("Status", "Completed".to_owned());
            put("ActivityDate", second(*at)[..10].to_owned());
        }
    }
    let mut identity = "Subject".to_owned();
    if let Some(field) = calls::key_field(settings, object) {
        put(field, key.clone());
        field.clone_into(&mut identity);
    }
    Some(Effect::Create {
        connection: contact.connection.clone(),
        object,
        fields,
        identity,
        related: vec![contact.clone()],
    })
}

/// A time as Salesforce takes it, to the second.
fn second(at: Timestamp) -> String {
    format!("{}Z", &Timestamp::from_seconds(at.seconds()).rfc3339()[..19])
}

/// At most so many letters, the last one saying that there was more.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The effect about those whom its people are today: a lead that was converted is its contact.
pub(super) async fn about_whom(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Effect, VendorError> {
    let mut now = effect.clone();
    let people: Vec<&mut RecordRef> = match &mut now {
        Effect::Create { related, .. } => related.iter_mut().collect(),
        Effect::Log { contact, .. } => vec![contact],
        // Whose conversion it is, is a lead for as long as it was not converted.
        Effect::Link { relation: plan::Relation::Converted, .. } => Vec::new(),
        Effect::Link { contact, company, .. } | Effect::Unlink { contact, company, .. } => {
            vec![contact, company]
        }
        _ => Vec::new(),
    };
    for person in people {
        let lead = objects::rightly(person);
        if lead.object != ObjectKind::Lead || !objects::is_id(&lead.id) {
            continue;
        }
        if let Standing::Became(contact) = super::standing(clients, &lead, log).await? {
            *person = contact;
        }
    }
    Ok(now)
}

/// Puts a conversation onto a person's timeline, unless it stands there.
pub(super) async fn perform_log(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let effect = about_whom(clients, effect, log).await?;
    if let Some(found) = find(clients, &effect, log).await? {
        return Ok(found);
    }
    match self::log(clients.settings(), &effect) {
        Some(create) => Box::pin(super::perform(clients, &create, log)).await,
        None => Err(super::super::cannot(&effect)),
    }
}

/// The entry a log has made, if it has; its people must be those of today.
pub(super) async fn find(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let Effect::Log { contact, key, template, .. } = effect else { return Ok(None) };
    let object = logged(template.as_deref());
    let found = around::find_by_key(clients, object, contact, key, log).await?;
    Ok(found.map(|mirror| mirror.record))
}

/// What relates two records of Salesforce: the record whose field is set, and the field with the other's id; for a
/// contact's role in an opportunity, a record of its own.
pub(crate) enum Relation {
    /// A field of one of the two.
    Field(RecordRef, &'static str, String),
    /// A role.
    Role {
        /// In which opportunity.
        deal: String,
        /// Whose.
        contact: String,
    },
}

/// How two records are related, in whichever order they are named.
pub(crate) fn relation(one: &RecordRef, other: &RecordRef) -> Result<Relation, VendorError> {
    let (one, other) = (objects::rightly(one), objects::rightly(other));
    for (own, to) in [(&one, &other), (&other, &one)] {
        if (own.object, to.object) == (ObjectKind::Deal, ObjectKind::Contact) {
            return Ok(Relation::Role { deal: own.id.clone(), contact: to.id.clone() });
        }
        if let Some(field) = around::relation(own.object, to.object) {
            return Ok(Relation::Field(own.clone(), field, to.id.clone()));
        }
    }
    let words = match (one.object, other.object) {
        (ObjectKind::Lead, ObjectKind::Company) | (ObjectKind::Company, ObjectKind::Lead) => {
            "Only a contact belongs to an account; a lead names its company as text. Merge it into a contact of the \
             account instead. Nothing was sent."
                .to_owned()
        }
        (left, right) => format!("Salesforce has no relation of a {left} and a {right}; nothing was sent."),
    };
    Err(VendorError::new(ErrorClass::Validation, &words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;
    use serde_json::json;

    const CONTACT: &str = "0033h00000Kzv3AAAR";
    const LEAD: &str = "00Qaj000002oTldEAE";
    const ACCOUNT: &str = "0013h00000Kzv3AAAR";

    fn record(object: ObjectKind, id: &str) -> RecordRef {
        RecordRef::new(System::Salesforce, object, id)
    }

    #[test]
    fn r97_an_activity_is_about_the_contact_before_the_lead() {
        let (contact, lead) = (record(ObjectKind::Contact, CONTACT), record(ObjectKind::Lead, LEAD));
        let account = record(ObjectKind::Company, ACCOUNT);
        let told = |object, related: &[&RecordRef]| {
            relations(object, &related.iter().map(|one| (*one).clone()).collect::<Vec<_>>())
        };
        for object in [ObjectKind::Task, ObjectKind::Note, ObjectKind::Event] {
            assert_eq!(
                told(object, &[&lead, &account, &contact]),
                [("WhoId", CONTACT.to_owned()), ("WhatId", ACCOUNT.to_owned())]
            );
            assert_eq!(told(object, &[&account, &lead]), [("WhoId", LEAD.to_owned())]);
        }
        // Known as a contact, by its id a lead.
        let mistaken = record(ObjectKind::Contact, LEAD);
        assert_eq!(told(ObjectKind::Task, &[&mistaken]), [("WhoId", LEAD.to_owned())]);
        assert_eq!(
            told(ObjectKind::Ticket, &[&contact, &account]),
            [("ContactId", CONTACT.to_owned()), ("AccountId", ACCOUNT.to_owned())]
        );
        assert!(told(ObjectKind::Deal, &[&lead]).is_empty());
    }

    #[test]
    fn r97_a_conversation_is_a_completed_task_or_an_event_that_is_over() {
        let logged = |template: Option<&str>| {
            let effect = Effect::Log {
                contact: record(ObjectKind::Contact, CONTACT),
                key: "reknit00112233445566778899".into(),
                at: Timestamp(1_768_018_294_436),
                title: "T".repeat(300),
                text: "x".repeat(40_000),
                template: template.map(str::to_owned),
            };
            let Some(Effect::Create { object, fields, .. }) = log(&Settings::default(), &effect) else {
                panic!("a create")
            };
            (object, fields)
        };
        let (object, task) = logged(None);
        assert_eq!(
            (object, &task["Status"], &task["ActivityDate"]),
            (ObjectKind::Note, &json!("Completed"), &json!("2026-01-10"))
        );
        let words = task["Description"].as_str().expect("a text");
        assert!(words.chars().count() == DESCRIPTION && words.ends_with("reknit00112233445566778899"));
        assert_eq!(task["Subject"].as_str().expect("a text").chars().count(), SUBJECT);
        let (object, event) = logged(Some("event"));
        assert_eq!((object, &event["EndDateTime"]), (ObjectKind::Event, &json!("2026-01-10T04:11:34Z")));
        assert_eq!(event.get("Status"), None);
    }

    #[test]
    fn two_records_are_related_in_either_order() {
        let (contact, account) = (record(ObjectKind::Contact, CONTACT), record(ObjectKind::Company, ACCOUNT));
        let deal = record(ObjectKind::Deal, "0063h00000Kzv3AAAR");
        for (one, other) in [(&contact, &account), (&account, &contact)] {
            let Ok(Relation::Field(own, field, id)) = relation(one, other) else { panic!("a field") };
            assert_eq!((own, field, id.as_str()), (contact.clone(), "AccountId", ACCOUNT));
        }
        assert!(matches!(relation(&contact, &deal), Ok(Relation::Role { .. })));
        assert!(matches!(relation(&deal, &account), Ok(Relation::Field(_, "AccountId", _))));
        let lead = record(ObjectKind::Contact, LEAD);
        assert!(
            relation(&lead, &account).is_err_and(|error| error.words.contains("names its company as text"))
        );
    }
}
