//! Requests about companies: pure, without host and token.
//!
//! A company has two ids: Intercom's, used in paths, and `company_id`, the client's own, which never changes.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::record::ObjectKind;

use super::super::super::error::VendorError;
use super::super::super::request::{Manner, Request, encode};
use super::super::super::settings::Settings;
use super::super::version::Capability;
use super::{nested, with_query};

/// Intercom lists no further than this many companies; beyond it, there is the scroll.
pub(crate) const LISTED: i64 = 10_000;

fn path(id: &str) -> String {
    format!("/companies/{}", encode(id))
}

fn write(method: Method, path: impl Into<String>) -> Request {
    Request::new(Manner::Write, method, ObjectKind::Company, path)
}

/// `POST /companies`: creates, or updates the one with the same `company_id`; doing it twice is harmless.
pub(crate) fn upsert(settings: &Settings, fields: &Map<String, Value>) -> Result<Request, VendorError> {
    if fields.contains_key("update_last_request_at") {
        Capability::LastRequest.needed(settings)?;
    }
    Ok(write(Method::POST, "/companies").body(nested(fields)))
}

/// `PUT /companies/{id}`; a `company_id` is refused here, as Intercom would pass over it in silence.
pub(crate) fn update(id: &str, fields: &Map<String, Value>) -> Result<Request, VendorError> {
    if fields.contains_key("company_id") {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "Intercom never changes a company's company_id; nothing was sent. Leave it out of the update.",
        ));
    }
    Ok(write(Method::PUT, path(id)).body(nested(fields)))
}

/// `GET /companies/{id}`.
pub(crate) fn get(id: &str) -> Request {
    Request::get(ObjectKind::Company, path(id))
}

/// `GET /companies?company_id=` or by `name`, `tag_id`, `segment_id`.
pub(crate) fn find(
    field: &str,
    value: &str,
    page: Option<i64>,
    per_page: Option<i64>,
) -> Result<Request, VendorError> {
    if !matches!(field, "company_id" | "name" | "tag_id" | "segment_id") {
        return Err(VendorError::new(
            ErrorClass::Unknown,
            &format!("Intercom finds companies by company_id, name, tag_id or segment_id, not by {field}."),
        ));
    }
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let query = [(field, Some(value.to_owned())), ("page", number(page)), ("per_page", number(per_page))];
    Ok(Request::get(ObjectKind::Company, with_query("/companies", &query)))
}

/// `POST /companies/list`: numbered pages, by when they were last active; companies without people are not in it.
pub(crate) fn list(page: i64, per_page: i64, ascending: bool) -> Result<Request, VendorError> {
    if page < 1 || per_page < 1 || page.saturating_mul(per_page) > LISTED {
        return Err(VendorError::new(
            ErrorClass::Validation,
            "Intercom lists only the first 10,000 companies; nothing was sent. Scroll to read the rest.",
        ));
    }
    let order = if ascending { "asc" } else { "desc" };
    Ok(Request::new(
        Manner::Page,
        Method::POST,
        ObjectKind::Company,
        format!("/companies/list?page={page}&per_page={per_page}&order={order}"),
    ))
}

/// `GET /companies/scroll`: one open at a time for each app, gone after a minute without a call.
pub(crate) fn scroll(parameter: Option<String>) -> Request {
    Request::get(ObjectKind::Company, with_query("/companies/scroll", &[("scroll_param", parameter)])).page()
}

/// `DELETE /companies/{id}`: archives it and lets its people go.
pub(crate) fn delete(id: &str) -> Request {
    write(Method::DELETE, path(id))
}

/// `GET /companies/{id}/contacts` or `segments`.
pub(crate) fn attached(id: &str, what: &str) -> Request {
    Request::get(ObjectKind::Company, format!("{}/{what}", path(id))).page()
}

/// `GET /companies/{id}/notes`.
pub(crate) fn notes(settings: &Settings, id: &str) -> Result<Request, VendorError> {
    Capability::CompanyNotes.needed(settings)?;
    Ok(attached(id, "notes"))
}

/// `POST /companies/{id}/notes`: doing it twice leaves two notes.
pub(crate) fn add_note(
    settings: &Settings,
    id: &str,
    text: &str,
    admin: Option<&str>,
) -> Result<Request, VendorError> {
    Capability::CompanyNotes.needed(settings)?;
    let mut body = json!({"body": text});
    if let Some(admin) = admin {
        body["admin_id"] = json!(admin);
    }
    let path = format!("{}/notes", path(id));
    Ok(Request::new(Manner::Write, Method::POST, ObjectKind::Note, path).body(body))
}
