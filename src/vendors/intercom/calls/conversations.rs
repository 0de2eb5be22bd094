//! Requests about conversations: pure, without host and token.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::record::ObjectKind;

use super::super::super::error::VendorError;
use super::super::super::request::{Manner, Request, encode};
use super::super::super::settings::Settings;
use super::super::query::{Query, Subject};
use super::super::version::{Capability, Version};
use super::{Paging, nested, with_query};

fn path(id: &str) -> String {
    format!("/conversations/{}", encode(id))
}

fn under(id: &str, what: &str) -> String {
    format!("{}/{what}", path(id))
}

fn write(method: Method, path: impl Into<String>) -> Request {
    Request::new(Manner::Write, method, ObjectKind::Conversation, path)
}

/// `GET /conversations`: without their parts, newest first.
pub(crate) fn list(paging: &Paging) -> Result<Request, VendorError> {
    let path = with_query("/conversations", &paging.query(150)?);
    Ok(Request::get(ObjectKind::Conversation, path).page())
}

/// `POST /conversations/search`; unlike that of contacts, the documents give it no order to ask for.
pub(crate) fn search(settings: &Settings, query: &Query, paging: &Paging) -> Result<Request, VendorError> {
    let mut body = json!({"query": query.json(Subject::Conversations, Version::of(settings))?});
    if let Some(pagination) = paging.json(150)? {
        body["pagination"] = pagination;
    }
    Ok(Request::new(Manner::Page, Method::POST, ObjectKind::Conversation, "/conversations/search").body(body))
}

/// `GET /conversations/{id}`: with its parts, the newest 500 of them.
pub(crate) fn get(id: &str, plain: bool) -> Request {
    let display = plain.then(|| "plaintext".to_owned());
    Request::get(ObjectKind::Conversation, with_query(&path(id), &[("display_as", display)]))
}

/// `POST /conversations`: a contact writes in. The answer is the message, with the conversation's id.
pub(crate) fn create(from: (&str, &str), body: &str, created_at: Option<i64>) -> Request {
    let (kind, id) = from;
    let mut message = json!({"from": {"type": kind, "id": id}, "body": body});
    if let Some(created_at) = created_at {
        message["created_at"] = json!(created_at);
    }
    write(Method::POST, "/conversations").body(message)
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writer {
    /// One of the team.
    Admin(String),
    /// A contact by Intercom's id.
    Contact(String),
    /// A contact by `external_id`.
    External(String),
    /// A contact by e-mail.
    Email(String),
}

/// What kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answering {
    /// The contact sees it.
    Comment,
    /// Only the team sees it; only the team writes it.
    Note,
}

/// `POST /conversations/{id}/reply`: doing it twice answers twice.
pub(crate) fn reply(
    settings: &Settings,
    id: &str,
    writer: &Writer,
    kind: Answering,
    body: &str,
    quietly: bool,
) -> Result<Request, VendorError> {
    let mut reply = match writer {
        Writer::Admin(admin) => {
            let kind = if kind == Answering::Note { "note" } else { "comment" };
            json!({"message_type": kind, "type": "admin", "admin_id": admin})
        }
        Writer::Contact(id) => json!({"message_type": "comment", "type": "user", "intercom_user_id": id}),
        Writer::External(id) => json!({"message_type": "comment", "type": "user", "user_id": id}),
        Writer::Email(email) => json!({"message_type": "comment", "type": "user", "email": email}),
    };
    reply["body"] = json!(body);
    if quietly {
        Capability::SkipNotifications.needed(settings)?;
        reply["skip_notifications"] = json!(true);
    }
    Ok(write(Method::POST, under(id, "reply")).body(reply))
}

/// `POST /conversations/{id}/parts`: adds another part each time.
fn part(id: &str, part: Value) -> Request {
    write(Method::POST, under(id, "parts")).body(part)
}

/// Gives it to an admin or a team; `0` to nobody.
pub(crate) fn assign(id: &str, admin: &str, kind: &str, assignee: &str, body: Option<&str>) -> Request {
    let mut assignment =
        json!({"message_type": "assignment", "type": kind, "admin_id": admin, "assignee_id": assignee});
    if let Some(body) = body {
        assignment["body"] = json!(body);
    }
    part(id, assignment)
}

/// Closes it, with a last word if there is one.
pub(crate) fn close(id: &str, admin: &str, body: Option<&str>) -> Request {
    let mut closing = json!({"message_type": "close", "type": "admin", "admin_id": admin});
    if let Some(body) = body {
        closing["body"] = json!(body);
    }
    part(id, closing)
}

/// Opens it again.
pub(crate) fn open(id: &str, admin: &str) -> Request {
    part(id, json!({"message_type": "open", "admin_id": admin}))
}

/// Puts it away until a moment, in seconds since 1970.
pub(crate) fn snooze(id: &str, admin: &str, until: i64) -> Request {
    part(id, json!({"message_type": "snoozed", "admin_id": admin, "snoozed_until": until}))
}

/// `PUT /conversations/{id}`: `read`, `title`, `custom_attributes`, `company_id`.
pub(crate) fn update(
    settings: &Settings,
    id: &str,
    fields: &Map<String, Value>,
) -> Result<Request, VendorError> {
    if fields.contains_key("company_id") {
        Capability::ConversationCompany.needed(settings)?;
    }
    Ok(write(Method::PUT, path(id)).body(nested(fields)))
}

/// `POST /conversations/{id}/tags`.
pub(crate) fn add_tag(id: &str, tag: &str, admin: &str) -> Request {
    write(Method::POST, under(id, "tags")).body(json!({"id": tag, "admin_id": admin}))
}

/// `DELETE /conversations/{id}/tags/{tag}`, which takes a body.
pub(crate) fn remove_tag(id: &str, tag: &str, admin: &str) -> Request {
    write(Method::DELETE, under(id, &format!("tags/{}", encode(tag)))).body(json!({"admin_id": admin}))
}

/// `POST /conversations/{id}/customers`: takes a contact in.
pub(crate) fn attach_contact(id: &str, contact: &str, admin: &str) -> Request {
    write(Method::POST, under(id, "customers"))
        .body(json!({"admin_id": admin, "customer": {"intercom_user_id": contact}}))
}

/// `DELETE /conversations/{id}/customers/{contact}`, which takes a body; the last contact stays.
pub(crate) fn detach_contact(id: &str, contact: &str, admin: &str) -> Request {
    write(Method::DELETE, under(id, &format!("customers/{}", encode(contact))))
        .body(json!({"admin_id": admin}))
}

/// `POST /conversations/redact`: takes the words out of a part, or of the first message. There is no undo.
pub(crate) fn redact(id: &str, part: Option<&str>, source: Option<&str>) -> Request {
    let body = match (part, source) {
        (Some(part), _) => {
            json!({"type": "conversation_part", "conversation_id": id, "conversation_part_id": part})
        }
        (None, source) => json!({"type": "source", "conversation_id": id, "source_id": source}),
    };
    write(Method::POST, "/conversations/redact").body(body)
}

/// `POST /conversations/{id}/merge`: closes it and hangs it onto another.
pub(crate) fn merge(settings: &Settings, id: &str, into: i64) -> Result<Request, VendorError> {
    Capability::ConversationMerge.needed(settings)?;
    Ok(write(Method::POST, under(id, "merge")).body(json!({"merge_into_conversation_id": into})))
}

/// `DELETE /conversations/{id}`: for good.
pub(crate) fn delete(
    settings: &Settings,
    id: &str,
    retain_metrics: Option<bool>,
) -> Result<Request, VendorError> {
    if retain_metrics.is_some() {
        Capability::RetainMetrics.needed(settings)?;
    }
    let retain = retain_metrics.map(|retain| retain.to_string());
    Ok(write(Method::DELETE, with_query(&path(id), &[("retain_metrics", retain)])))
}

/// `GET /conversations/deleted`.
pub(crate) fn deleted(
    settings: &Settings,
    page: Option<i64>,
    per_page: Option<i64>,
    ascending: bool,
) -> Result<Request, VendorError> {
    Capability::DeletedConversations.needed(settings)?;
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let order = ascending.then(|| "asc".to_owned());
    let query = [("page", number(page)), ("per_page", number(per_page)), ("order", order)];
    Ok(Request::get(ObjectKind::Conversation, with_query("/conversations/deleted", &query)).page())
}

/// The attributes conversations have: an endpoint of its own since 2.16, a model of data attributes before.
pub(crate) fn attributes(settings: &Settings, archived: bool) -> Request {
    let archived = archived.then(|| "true".to_owned());
    let path = if Version::of(settings).has(Capability::ConversationAttributes) {
        with_query("/conversations/attributes", &[("include_archived", archived)])
    } else {
        let model = Some("conversation".to_owned());
        with_query("/data_attributes", &[("model", model), ("include_archived", archived)])
    };
    Request::get(ObjectKind::Conversation, path).page()
}

fn attribute_path(id: &str) -> String {
    format!("/conversations/attributes/{}", encode(id))
}

/// A request below `/conversations/attributes`, which older versions do not have.
fn attribute(
    settings: &Settings,
    method: Method,
    path: impl Into<String>,
    body: Option<Value>,
) -> Result<Request, VendorError> {
    Capability::ConversationAttributes.needed(settings)?;
    let request = if method == Method::GET {
        Request::get(ObjectKind::Conversation, path)
    } else {
        write(method, path)
    };
    Ok(Request { body, ..request })
}

/// `GET /conversations/attributes/{id}`.
pub(crate) fn get_attribute(settings: &Settings, id: &str) -> Result<Request, VendorError> {
    attribute(settings, Method::GET, attribute_path(id), None)
}

/// `POST /conversations/attributes`: `name`, `data_type` and what the type wants.
pub(crate) fn create_attribute(
    settings: &Settings,
    body: &Map<String, Value>,
) -> Result<Request, VendorError> {
    attribute(settings, Method::POST, "/conversations/attributes", Some(Value::Object(body.clone())))
}

/// `PUT /conversations/attributes/{id}`.
pub(crate) fn update_attribute(
    settings: &Settings,
    id: &str,
    body: &Map<String, Value>,
) -> Result<Request, VendorError> {
    attribute(settings, Method::PUT, attribute_path(id), Some(Value::Object(body.clone())))
}

/// `DELETE /conversations/attributes/{id}`: archives it.
pub(crate) fn archive_attribute(settings: &Settings, id: &str) -> Result<Request, VendorError> {
    attribute(settings, Method::DELETE, attribute_path(id), None)
}

/// `POST /conversations/attributes/{id}/options`.
pub(crate) fn add_option(settings: &Settings, id: &str, label: &str) -> Result<Request, VendorError> {
    let path = format!("{}/options", attribute_path(id));
    attribute(settings, Method::POST, path, Some(json!({"label": label})))
}

/// `PUT /conversations/attributes/{id}/options/{option}`.
pub(crate) fn rename_option(
    settings: &Settings,
    id: &str,
    option: &str,
    label: &str,
) -> Result<Request, VendorError> {
    let path = format!("{}/options/{}", attribute_path(id), encode(option));
    attribute(settings, Method::PUT, path, Some(json!({"label": label})))
}

/// `DELETE /conversations/attributes/{id}/options/{option}`: archives it; two must remain.
pub(crate) fn archive_option(settings: &Settings, id: &str, option: &str) -> Result<Request, VendorError> {
    let path = format!("{}/options/{}", attribute_path(id), encode(option));
    attribute(settings, Method::DELETE, path, None)
}
