//! Effects as Intercom's requests: pure, without host and token, the same for a preview and for the real thing.
//!
//! The requests themselves are made by area in the files below, which the table of operations uses too.

use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Fields, ObjectKind, value_text};

use super::super::error::VendorError;
use super::super::request::{Manner, Request, encode};
use super::super::settings::Settings;
use super::version::{Capability, Version};

pub(crate) mod companies;
pub(crate) mod contacts;
pub(crate) mod conversations;
pub(crate) mod workspace;

/// What an effect will send that changes something, in order.
pub(crate) fn requests(settings: &Settings, effect: &Effect) -> Result<Vec<Request>, VendorError> {
    match effect {
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => super::deeds::requests(settings, effect),
        _ => request(settings, effect).map(|request| vec![request]),
    }
}

/// The one request of an effect on a record.
pub(crate) fn request(settings: &Settings, effect: &Effect) -> Result<Request, VendorError> {
    match effect {
        Effect::Create { object, fields, .. } => match object {
            ObjectKind::Contact => Ok(contacts::create(settings, fields)?.purpose("create contact")),
            ObjectKind::Company => Ok(companies::upsert(settings, fields)?.purpose("create company")),
            ObjectKind::Note => note(settings, fields),
            _ => Err(unsupported("create", *object)),
        },
        Effect::Update { record, fields } => {
            let request = match record.object {
                ObjectKind::Contact => contacts::update(settings, &record.id, fields)?,
                ObjectKind::Company => companies::update(&record.id, fields)?,
                ObjectKind::Conversation => conversations::update(settings, &record.id, fields)?,
                object => return Err(unsupported("update", object)),
            };
            Ok(request.purpose(format!("update {}", record.object)))
        }
        Effect::Merge { survivor, absorbed, .. } => {
            if survivor.object != ObjectKind::Contact || absorbed.object != ObjectKind::Contact {
                return Err(unsupported("merge", survivor.object));
            }
            // From 2.16 on the two must share an e-mail or phone, or the caller must say that it knows better. A
            // merge reaches this place only after a person, or a rule a person made, has said so.
            let waived = Version::of(settings).has(Capability::DuplicateCheck);
            Ok(contacts::merge(settings, &absorbed.id, &survivor.id, waived)?.purpose("merge contacts"))
        }
        Effect::Link { contact, company, .. } | Effect::Unlink { contact, company, .. } => {
            if contact.object != ObjectKind::Contact || company.object != ObjectKind::Company {
                return Err(unsupported("relate", contact.object));
            }
            if matches!(effect, Effect::Unlink { .. }) {
                let request = contacts::detach_company(&contact.id, &company.id);
                return Ok(request.purpose("no longer relate contact to company"));
            }
            Ok(contacts::attach_company(&contact.id, &company.id).purpose("relate contact to company"))
        }
        Effect::Log { .. } => Err(unsupported("log conversations on", ObjectKind::Contact)),
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => Err(super::super::cannot(effect)),
        Effect::Erase { record } if record.object == ObjectKind::Contact => {
            Ok(contacts::delete(&record.id).purpose("delete contact for good"))
        }
        Effect::Erase { record } => Err(unsupported("delete", record.object)),
        Effect::Archive { record } if record.object == ObjectKind::Contact => {
            Ok(contacts::put_away(&record.id, "archive").purpose("archive contact"))
        }
        Effect::Restore { record } if record.object == ObjectKind::Contact => {
            Ok(contacts::put_away(&record.id, "unarchive").purpose("bring contact back"))
        }
        Effect::Archive { .. } | Effect::Restore { .. } | Effect::Release { .. } => {
            Err(super::super::cannot(effect))
        }
    }
}

/// A note belongs to a contact or a company, which is in the path, not in the body.
fn note(settings: &Settings, fields: &Fields) -> Result<Request, VendorError> {
    let mut body = nested(fields);
    for (owner, folder) in [("contact_id", "contacts"), ("company_id", "companies")] {
        if let Some(id) = body.as_object_mut().and_then(|body| body.remove(owner)) {
            if folder == "companies" {
                Capability::CompanyNotes.needed(settings)?;
            }
            let path = format!("/{folder}/{}/notes", encode(&value_text(&id)));
            return Ok(Request::new(Manner::Write, reqwest::Method::POST, ObjectKind::Note, path)
                .body(body)
                .purpose("create note"));
        }
    }
    Err(VendorError::new(
        ErrorClass::Validation,
        "A note needs a contact_id or company_id to belong to; nothing was sent.",
    ))
}

pub(crate) fn unsupported(verb: &str, object: ObjectKind) -> VendorError {
    VendorError::new(
        ErrorClass::Unknown,
        &format!("Reknit does not {verb} a {object} in Intercom; nothing was sent."),
    )
}

/// Which page of a list that goes on after a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Paging {
    /// How many rows; the vendor's own number without it.
    pub(crate) per_page: Option<i64>,
    /// The cursor of the page before.
    pub(crate) starting_after: Option<String>,
}

impl Paging {
    /// A page of that size, after a cursor.
    pub(crate) fn new(per_page: u32, starting_after: Option<&str>) -> Self {
        Self { per_page: Some(i64::from(per_page)), starting_after: starting_after.map(str::to_owned) }
    }

    fn size(&self, most: i64) -> Result<Option<i64>, VendorError> {
        match self.per_page {
            Some(size) if !(1..=most).contains(&size) => Err(VendorError::new(
                ErrorClass::Validation,
                &format!("Intercom gives pages of 1 to {most} here, not of {size}; nothing was sent."),
            )),
            size => Ok(size),
        }
    }

    /// As query parameters.
    fn query(&self, most: i64) -> Result<[(&'static str, Option<String>); 2], VendorError> {
        let size = self.size(most)?.map(|size| size.to_string());
        Ok([("per_page", size), ("starting_after", self.starting_after.clone())])
    }

    /// As a search's `pagination`, if anything is asked for.
    fn json(&self, most: i64) -> Result<Option<Value>, VendorError> {
        let mut pagination = Map::new();
        if let Some(size) = self.size(most)? {
            pagination.insert("per_page".to_owned(), json!(size));
        }
        if let Some(cursor) = &self.starting_after {
            pagination.insert("starting_after".to_owned(), json!(cursor));
        }
        Ok((!pagination.is_empty()).then_some(Value::Object(pagination)))
    }
}

/// A path with those of the parameters that have a value.
fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut path = path.to_owned();
    let mut joint = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            path.push(joint);
            path.push_str(name);
            path.push('=');
            path.push_str(&encode(value));
            joint = '&';
        }
    }
    path
}

/// `custom_attributes.plan` and its like as the object they stand for.
fn nested(fields: &Fields) -> Value {
    let mut body = Map::new();
    for (name, value) in fields {
        match name.split_once('.') {
            Some((outer, inner)) => {
                let place = body.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(place) = place {
                    place.insert(inner.to_owned(), value.clone());
                }
            }
            None => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{Connection, RecordRef, System};

    fn fields(value: &Value) -> Fields {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn dotted_fields_become_objects() {
        let effect = Effect::Update {
            record: RecordRef::new(System::Intercom, ObjectKind::Contact, "64e2"),
            fields: fields(
                &json!({"name": "Jane", "custom_attributes.plan": "pro", "custom_attributes.seats": null}),
            ),
        };
        let request = request(&Settings::default(), &effect).expect("a contact can be updated");
        assert_eq!(request.path, "/contacts/64e2");
        assert_eq!(
            request.body,
            Some(json!({"name": "Jane", "custom_attributes": {"plan": "pro", "seats": null}}))
        );
    }

    #[test]
    fn the_duplicate_check_is_waived_only_where_it_exists() {
        let effect = Effect::merge(
            RecordRef::new(System::Intercom, ObjectKind::Contact, "a"),
            RecordRef::new(System::Intercom, ObjectKind::Contact, "b"),
        );
        let mut settings = Settings::default();
        let body = |settings: &Settings| request(settings, &effect).expect("contacts merge").body;
        assert_eq!(
            body(&settings),
            Some(json!({"from": "b", "into": "a", "skip_duplicate_validation": true}))
        );
        settings.intercom.version = "2.14".to_owned();
        assert_eq!(body(&settings), Some(json!({"from": "b", "into": "a"})));
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        for id in ["../admins", "a/b", "a?b=c", "a#b", ".."] {
            let effect = Effect::Update {
                record: RecordRef::new(System::Intercom, ObjectKind::Contact, id),
                fields: Fields::new(),
            };
            let request = request(&Settings::default(), &effect).expect("a contact can be updated");
            let url =
                reqwest::Url::parse(&format!("https://api.intercom.io{}", request.path)).expect("a URL");
            assert_eq!(url.path_segments().expect("segments").count(), 2, "{url}");
            assert!(url.path().starts_with("/contacts/") && url.query().is_none(), "{url}");
        }
    }

    #[test]
    fn a_note_needs_somebody_to_belong_to() {
        let note = |value: &Value| {
            request(
                &Settings::default(),
                &Effect::Create {
                    connection: Connection::only(System::Intercom),
                    object: ObjectKind::Note,
                    fields: fields(value),
                    identity: "body".to_owned(),
                    related: Vec::new(),
                },
            )
        };
        assert_eq!(
            note(&json!({"contact_id": "64e2", "body": "hi"})).expect("a note").path,
            "/contacts/64e2/notes"
        );
        assert!(note(&json!({"body": "hi"})).is_err());
    }
}
