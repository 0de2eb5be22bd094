//! Effects as Intercom's requests: pure, without host and token, the same for a preview and for the real thing.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Fields, ObjectKind, RecordRef};

use super::super::error::VendorError;
use super::super::request::{Manner, Request, encode};
use super::super::settings::Settings;

/// The one request of an effect.
pub(crate) fn request(settings: &Settings, effect: &Effect) -> Result<Request, VendorError> {
    let write = |method, object, path: String| Request::new(Manner::Write, method, object, path);
    match effect {
        Effect::Create { object, fields, .. } => match object {
            ObjectKind::Contact => Ok(write(Method::POST, *object, "/contacts".to_owned())
                .body(nested(fields))
                .purpose("create contact")),
            // Creates, or updates the one with the same company_id: doing it twice is harmless.
            ObjectKind::Company => Ok(write(Method::POST, *object, "/companies".to_owned())
                .body(nested(fields))
                .purpose("create company")),
            ObjectKind::Note => note(fields),
            _ => Err(unsupported("create", *object)),
        },
        Effect::Update { record, fields } => {
            let path = match record.object {
                ObjectKind::Contact => format!("/contacts/{}", encode(&record.id)),
                ObjectKind::Company => format!("/companies/{}", encode(&record.id)),
                ObjectKind::Conversation => format!("/conversations/{}", encode(&record.id)),
                object => return Err(unsupported("update", object)),
            };
            Ok(write(Method::PUT, record.object, path)
                .body(nested(fields))
                .purpose(format!("update {}", record.object)))
        }
        Effect::Merge { survivor, absorbed } => {
            if survivor.object != ObjectKind::Contact || absorbed.object != ObjectKind::Contact {
                return Err(unsupported("merge", survivor.object));
            }
            let mut body = json!({"from": absorbed.id, "into": survivor.id});
            // From 2.16 on the two must share an e-mail or phone, or the caller must say that it knows better. A
            // merge reaches this place only after a person, or a rule a person made, has said so.
            if knows_duplicate_check(&settings.intercom.version) {
                body["skip_duplicate_validation"] = json!(true);
            }
            Ok(Request::new(Manner::SlowWrite, Method::POST, ObjectKind::Contact, "/contacts/merge")
                .body(body)
                .purpose("merge contacts"))
        }
        Effect::Link { contact, company } => {
            if contact.object != ObjectKind::Contact || company.object != ObjectKind::Company {
                return Err(unsupported("relate", contact.object));
            }
            // The answer, and so an "already exists" or "not found", is about the company.
            Ok(write(
                Method::POST,
                ObjectKind::Company,
                format!("/contacts/{}/companies", encode(&contact.id)),
            )
            .body(json!({"id": company.id}))
            .purpose("relate contact to company"))
        }
    }
}

/// A note belongs to a contact or a company, which is in the path, not in the body.
fn note(fields: &Fields) -> Result<Request, VendorError> {
    let mut body = nested(fields);
    for (owner, folder) in [("contact_id", "contacts"), ("company_id", "companies")] {
        if let Some(id) = body.as_object_mut().and_then(|body| body.remove(owner)) {
            let id = crate::domain::record::value_text(&id);
            return Ok(Request::new(
                Manner::Write,
                Method::POST,
                ObjectKind::Note,
                format!("/{folder}/{}/notes", encode(&id)),
            )
            .body(body)
            .purpose("create note"));
        }
    }
    Err(VendorError::new(
        ErrorClass::Validation,
        "A note needs a contact_id or company_id to belong to; nothing was sent.",
    ))
}

pub(crate) fn search(body: Value) -> Request {
    Request::new(Manner::Page, Method::POST, ObjectKind::Contact, "/contacts/search").body(body)
}

pub(crate) fn company_page(number: u32, size: u32) -> Request {
    Request::new(
        Manner::Page,
        Method::POST,
        ObjectKind::Company,
        format!("/companies/list?page={number}&per_page={size}&order=asc"),
    )
    .purpose("list companies")
}

pub(crate) fn companies_of(contact: &RecordRef, number: u32, size: u32) -> Request {
    let path = format!("/contacts/{}/companies?page={number}&per_page={size}", encode(&contact.id));
    Request::get(ObjectKind::Contact, path).page().purpose("companies of contact")
}

pub(crate) fn unsupported(verb: &str, object: ObjectKind) -> VendorError {
    VendorError::new(
        ErrorClass::Unknown,
        &format!("Reknit does not {verb} a {object} in Intercom; nothing was sent."),
    )
}

fn knows_duplicate_check(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    matches!((parts.next(), parts.next()), (Some(Some(2)), Some(Some(minor))) if minor >= 16)
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
    use crate::domain::record::{Connection, System};

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
        let effect = Effect::Merge {
            survivor: RecordRef::new(System::Intercom, ObjectKind::Contact, "a"),
            absorbed: RecordRef::new(System::Intercom, ObjectKind::Contact, "b"),
        };
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
