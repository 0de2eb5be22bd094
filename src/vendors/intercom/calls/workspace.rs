//! Requests about the workspace itself: its team, tags, data attributes, events, segments, subscription types.
//!
//! There is none to subscribe to webhook topics: Intercom's API has no such call, topics are ticked in the Developer
//! Hub's pages of the app. Whether a topic is subscribed therefore shows only in what arrives.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::record::ObjectKind;

use super::super::super::error::VendorError;
use super::super::super::request::{Manner, Request, encode};
use super::with_query;

// The workspace's own things are no records; refusals about them are told as being about contacts.
const OBJECT: ObjectKind = ObjectKind::Contact;
/// Keys in an event's metadata, at most.
const METADATA: usize = 10;

fn get(path: impl Into<String>) -> Request {
    Request::get(OBJECT, path)
}

fn write(method: Method, path: impl Into<String>) -> Request {
    Request::new(Manner::Write, method, OBJECT, path)
}

/// `GET /me`: the admin and the workspace behind the token.
pub(crate) fn me() -> Request {
    get("/me")
}

/// `GET /admins`.
pub(crate) fn admins() -> Request {
    get("/admins").page()
}

/// `GET /admins/{id}`.
pub(crate) fn admin(id: &str) -> Request {
    get(format!("/admins/{}", encode(id)))
}

/// `GET /teams`.
pub(crate) fn teams() -> Request {
    get("/teams").page()
}

/// `GET /teams/{id}`.
pub(crate) fn team(id: &str) -> Request {
    get(format!("/teams/{}", encode(id)))
}

/// `GET /segments`.
pub(crate) fn segments(counted: bool) -> Request {
    get(with_query("/segments", &[("include_count", counted.then(|| "true".to_owned()))])).page()
}

/// `GET /subscription_types`.
pub(crate) fn subscription_types() -> Request {
    get("/subscription_types").page()
}

/// `GET /notes/{id}`.
pub(crate) fn note(id: &str) -> Request {
    Request::get(ObjectKind::Note, format!("/notes/{}", encode(id)))
}

/// `GET /tags`.
pub(crate) fn tags() -> Request {
    get("/tags").page()
}

/// `GET /tags/{id}`.
pub(crate) fn tag(id: &str) -> Request {
    get(format!("/tags/{}", encode(id)))
}

/// `POST /tags`: creates one, finds the one of that name, or renames the one with that id.
pub(crate) fn save_tag(name: &str, id: Option<&str>) -> Request {
    let mut body = json!({"name": name});
    if let Some(id) = id {
        body["id"] = json!(id);
    }
    write(Method::POST, "/tags").body(body)
}

/// `POST /tags` for many companies, Intercom's ids; `untag` takes the tag off again.
pub(crate) fn tag_companies(name: &str, companies: &[String], untag: bool) -> Request {
    let companies: Vec<Value> = companies
        .iter()
        .map(|id| if untag { json!({"id": id, "untag": true}) } else { json!({"id": id}) })
        .collect();
    write(Method::POST, "/tags").body(json!({"name": name, "companies": companies}))
}

/// `POST /tags` for many contacts.
pub(crate) fn tag_contacts(name: &str, contacts: &[String]) -> Request {
    let users: Vec<Value> = contacts.iter().map(|id| json!({"id": id})).collect();
    write(Method::POST, "/tags").body(json!({"name": name, "users": users}))
}

/// `DELETE /tags/{id}`; refused while a segment uses it.
pub(crate) fn delete_tag(id: &str) -> Request {
    write(Method::DELETE, format!("/tags/{}", encode(id)))
}

/// `GET /data_attributes` of contacts or companies; all at once, not paged.
pub(crate) fn data_attributes(model: Option<String>, archived: bool) -> Request {
    let archived = archived.then(|| "true".to_owned());
    get(with_query("/data_attributes", &[("model", model), ("include_archived", archived)])).page()
}

/// `POST /data_attributes`: a custom attribute. A second one of the same name is refused.
pub(crate) fn create_data_attribute(
    name: &str,
    model: &str,
    data_type: &str,
    options: &[String],
    description: Option<&str>,
) -> Result<Request, VendorError> {
    let refused =
        |why: &str| Err(VendorError::new(ErrorClass::Validation, &format!("{why}; nothing was sent.")));
    if !matches!(model, "contact" | "company") {
        return refused(&format!("Intercom makes data attributes of contact or company, not of \"{model}\""));
    }
    let known = ["string", "integer", "float", "boolean", "datetime", "date", "options"];
    if !known.contains(&data_type) {
        return refused(&format!("Intercom has no data_type \"{data_type}\"; it has {}", known.join(", ")));
    }
    if (data_type == "options") != (options.len() >= 2) {
        return refused("Intercom's data_type options, and no other, has a list of at least two options");
    }
    let mut body = json!({"name": name, "model": model, "data_type": data_type});
    if data_type == "options" {
        body["options"] = options.iter().map(|option| json!({"value": option})).collect();
    }
    if let Some(description) = description {
        body["description"] = json!(description);
    }
    Ok(write(Method::POST, "/data_attributes").body(body))
}

/// `PUT /data_attributes/{id}`: `archived`, `description`, `options`; the type never changes.
pub(crate) fn update_data_attribute(id: &str, changes: &Map<String, Value>) -> Request {
    write(Method::PUT, format!("/data_attributes/{}", encode(id))).body(Value::Object(changes.clone()))
}

/// Whom an event is about: one of the three, the first that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Somebody {
    /// Intercom's id; leads have no other.
    pub(crate) id: Option<String>,
    /// `external_id`.
    pub(crate) user_id: Option<String>,
    pub(crate) email: Option<String>,
}

/// `POST /events`: told twice with the same second, Intercom counts it once.
pub(crate) fn submit_event(
    name: &str,
    created_at: i64,
    whom: Somebody,
    metadata: Option<&Map<String, Value>>,
) -> Result<Request, VendorError> {
    let (key, value) = match whom {
        Somebody { id: Some(id), .. } => ("id", id),
        Somebody { user_id: Some(id), .. } => ("user_id", id),
        Somebody { email: Some(email), .. } => ("email", email),
        _ => {
            return Err(VendorError::new(
                ErrorClass::Validation,
                "An event needs an id, a user_id or an email of whom it is about; nothing was sent.",
            ));
        }
    };
    let mut body = json!({"event_name": name, "created_at": created_at});
    body[key] = json!(value);
    if let Some(metadata) = metadata {
        if metadata.len() > METADATA {
            return Err(VendorError::new(
                ErrorClass::Validation,
                &format!(
                    "Intercom keeps 10 keys of an event's metadata, not {}; nothing was sent.",
                    metadata.len()
                ),
            ));
        }
        body["metadata"] = Value::Object(metadata.clone());
    }
    Ok(write(Method::POST, "/events").body(body))
}

/// `GET /events`: of one contact, the single ones of the last 90 days or the counts of all.
pub(crate) fn events(whom: Somebody, summary: bool) -> Result<Request, VendorError> {
    let query = [
        ("type", Some("user".to_owned())),
        ("intercom_user_id", whom.id),
        ("user_id", whom.user_id),
        ("email", whom.email),
        ("summary", summary.then(|| "true".to_owned())),
    ];
    if query[1..4].iter().filter(|(_, value)| value.is_some()).count() != 1 {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "Events are listed of one id, one user_id or one email; nothing was sent.",
        ));
    }
    Ok(get(with_query("/events", &query)).page())
}
