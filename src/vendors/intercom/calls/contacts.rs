//! Requests about contacts: pure, without host and token.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::record::ObjectKind;

use super::super::super::error::VendorError;
use super::super::super::request::{Manner, Request, encode};
use super::super::super::settings::Settings;
use super::super::query::{Query, Subject};
use super::super::version::{Capability, Version};
use super::{Paging, nested, with_query};

fn write(method: Method, path: impl Into<String>) -> Request {
    Request::new(Manner::Write, method, ObjectKind::Contact, path)
}

fn path(id: &str) -> String {
    format!("/contacts/{}", encode(id))
}

fn under(id: &str, what: &str) -> String {
    format!("{}/{what}", path(id))
}

/// The order of a search's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) field: String,
    pub(crate) ascending: bool,
}

impl Sort {
    /// The vendor's JSON.
    pub(crate) fn json(&self) -> Value {
        json!({"field": self.field, "order": if self.ascending { "ascending" } else { "descending" }})
    }
}

/// `POST /contacts/search`.
pub(crate) fn search(
    settings: &Settings,
    query: &Query,
    sort: Option<&Sort>,
    paging: &Paging,
) -> Result<Request, VendorError> {
    let mut body = json!({"query": query.json(Subject::Contacts, Version::of(settings))?});
    if let Some(pagination) = paging.json(150)? {
        body["pagination"] = pagination;
    }
    if let Some(sort) = sort {
        body["sort"] = sort.json();
    }
    Ok(Request::new(Manner::Page, Method::POST, ObjectKind::Contact, "/contacts/search").body(body))
}

/// The query parameter that asks for `merge_history` in the answer.
pub(crate) fn with_history(
    settings: &Settings,
    request: Request,
    wanted: bool,
) -> Result<Request, VendorError> {
    if !wanted {
        return Ok(request);
    }
    Capability::MergeHistory.needed(settings)?;
    let joint = if request.path.contains('?') { '&' } else { '?' };
    Ok(Request { path: format!("{}{joint}include_merge_history=true", request.path), ..request })
}

/// `GET /contacts`.
pub(crate) fn list(paging: &Paging) -> Result<Request, VendorError> {
    let path = with_query("/contacts", &paging.query(150)?);
    Ok(Request::get(ObjectKind::Contact, path).page())
}

/// `GET /contacts/{id}`.
pub(crate) fn get(id: &str) -> Request {
    Request::get(ObjectKind::Contact, path(id))
}

/// `GET /contacts/find_by_external_id/{external_id}`: users only.
pub(crate) fn by_external_id(external_id: &str) -> Request {
    Request::get(ObjectKind::Contact, format!("/contacts/find_by_external_id/{}", encode(external_id)))
}

/// A contact's fields as this version spells them.
pub(crate) fn body(settings: &Settings, fields: &Map<String, Value>) -> Result<Value, VendorError> {
    let mut body = nested(fields);
    if body.get("email_verified").is_some() {
        Capability::EmailVerified.needed(settings)?;
        if body.get("email").is_none() {
            return Err(VendorError::new(
                ErrorClass::Validation,
                "Intercom takes email_verified only together with an email; nothing was sent.",
            ));
        }
    }
    if let Some(owner) = body.get_mut("owner_id") {
        *owner = owner_as(Version::of(settings).has(Capability::OwnerAsText), owner)?;
    }
    Ok(body)
}

/// Mappings give the owner as text or number; the version decides which of them is sent.
fn owner_as(text: bool, owner: &Value) -> Result<Value, VendorError> {
    match owner {
        Value::Number(number) if text => Ok(json!(number.to_string())),
        Value::String(digits) if digits.is_empty() => Ok(Value::Null),
        Value::String(digits) if !text => match digits.parse::<i64>() {
            Ok(number) => Ok(json!(number)),
            Err(_) => Err(VendorError::new(
                ErrorClass::Validation,
                &format!("Before 2.16 Intercom's owner_id is a number, not \"{digits}\"; nothing was sent."),
            )),
        },
        other => Ok(other.clone()),
    }
}

/// `POST /contacts`: needs an email, an external_id or a role.
pub(crate) fn create(settings: &Settings, fields: &Map<String, Value>) -> Result<Request, VendorError> {
    let body = body(settings, fields)?;
    if ["email", "external_id", "role"].iter().all(|key| body.get(*key).is_none()) {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "Intercom makes no contact without an email, an external_id or a role; nothing was sent.",
        ));
    }
    Ok(write(Method::POST, "/contacts").body(body))
}

/// `PUT /contacts/{id}`: only the fields given change.
pub(crate) fn update(
    settings: &Settings,
    id: &str,
    fields: &Map<String, Value>,
) -> Result<Request, VendorError> {
    Ok(write(Method::PUT, path(id)).body(body(settings, fields)?))
}

/// `DELETE /contacts/{id}`: for good.
pub(crate) fn delete(id: &str) -> Request {
    write(Method::DELETE, path(id))
}

/// `POST /contacts/{id}/archive`, `unarchive` or `block`.
pub(crate) fn put_away(id: &str, how: &str) -> Request {
    write(Method::POST, under(id, how))
}

/// `POST /contacts/merge`: a lead into a user, without a way back.
pub(crate) fn merge(
    settings: &Settings,
    from: &str,
    into: &str,
    skip_check: bool,
) -> Result<Request, VendorError> {
    let mut body = json!({"from": from, "into": into});
    if skip_check {
        Capability::DuplicateCheck.needed(settings)?;
        body["skip_duplicate_validation"] = json!(true);
    }
    Ok(Request::new(Manner::SlowWrite, Method::POST, ObjectKind::Contact, "/contacts/merge").body(body))
}

/// `GET /contacts/{id}/merge_history`: of users only.
pub(crate) fn merge_history(
    settings: &Settings,
    id: &str,
    cursor: Option<String>,
    per_page: Option<i64>,
    ascending: bool,
) -> Result<Request, VendorError> {
    Capability::MergeHistory.needed(settings)?;
    let order = ascending.then(|| "asc".to_owned());
    let per_page = per_page.map(|size| size.to_string());
    let query = [("cursor", cursor), ("per_page", per_page), ("order", order)];
    Ok(Request::get(ObjectKind::Contact, with_query(&under(id, "merge_history"), &query)).page())
}

/// `GET /contacts/{id}/notes`, `tags`, `companies`, `subscriptions` or `segments`.
pub(crate) fn attached(id: &str, what: &str) -> Request {
    Request::get(ObjectKind::Contact, under(id, what)).page()
}

/// `GET /contacts/{id}/companies`, one numbered page of it.
pub(crate) fn companies(id: &str, page: Option<i64>, per_page: Option<i64>) -> Request {
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let query = [("page", number(page)), ("per_page", number(per_page))];
    Request::get(ObjectKind::Contact, with_query(&under(id, "companies"), &query)).page()
}

/// `POST /contacts/{id}/notes`: doing it twice leaves two notes.
pub(crate) fn add_note(id: &str, text: &str, admin: Option<&str>) -> Request {
    let mut body = json!({"body": text});
    if let Some(admin) = admin {
        body["admin_id"] = json!(admin);
    }
    Request::new(Manner::Write, Method::POST, ObjectKind::Note, under(id, "notes")).body(body)
}

/// `POST /contacts/{id}/tags`.
pub(crate) fn add_tag(id: &str, tag: &str) -> Request {
    write(Method::POST, under(id, "tags")).body(json!({"id": tag}))
}

/// `DELETE /contacts/{id}/tags/{tag}`.
pub(crate) fn remove_tag(id: &str, tag: &str) -> Request {
    write(Method::DELETE, under(id, &format!("tags/{}", encode(tag))))
}

/// `POST /contacts/{id}/companies`; the answer, and so a "not found", is about the company.
pub(crate) fn attach_company(id: &str, company: &str) -> Request {
    Request::new(Manner::Write, Method::POST, ObjectKind::Company, under(id, "companies"))
        .body(json!({"id": company}))
}

/// `DELETE /contacts/{id}/companies/{company}`.
pub(crate) fn detach_company(id: &str, company: &str) -> Request {
    let path = under(id, &format!("companies/{}", encode(company)));
    Request::new(Manner::Write, Method::DELETE, ObjectKind::Company, path)
}

/// `POST /contacts/{id}/subscriptions`: opts out of an opt-out type, into an opt-in one.
pub(crate) fn subscribe(id: &str, subscription: &str, consent: &str) -> Result<Request, VendorError> {
    if !matches!(consent, "opt_in" | "opt_out") {
        return Err(VendorError::new(
            ErrorClass::Validation,
            &format!("Intercom's consent_type is opt_in or opt_out, not \"{consent}\"; nothing was sent."),
        ));
    }
    let body = json!({"id": subscription, "consent_type": consent});
    Ok(write(Method::POST, under(id, "subscriptions")).body(body))
}

/// `DELETE /contacts/{id}/subscriptions/{subscription}`.
pub(crate) fn unsubscribe(id: &str, subscription: &str) -> Request {
    write(Method::DELETE, under(id, &format!("subscriptions/{}", encode(subscription))))
}
