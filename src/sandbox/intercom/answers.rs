//! Intercom's error list, its list envelopes and its cursors. Shapes only, no state.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::sandbox::desk::request_id;
use crate::sandbox::wire::{Answer, Call};

/// An answer of type `error.list` with one error.
pub(super) fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        json!({
            "type": "error.list",
            "request_id": request_id(),
            "errors": [{"code": code, "message": message}],
        }),
    )
}

pub(super) fn contact_missing() -> Answer {
    refused(404, "not_found", "User Not Found")
}

pub(super) fn company_missing() -> Answer {
    refused(404, "company_not_found", "Company Not Found")
}

/// `pages` of a cursor-paged list.
pub(super) fn pages(total: usize, page: usize, per_page: usize, next: Option<&str>) -> Value {
    let mut pages = json!({
        "type": "pages",
        "page": page,
        "per_page": per_page,
        "total_pages": total.div_ceil(per_page),
    });
    if let Some(next) = next {
        pages["next"] = json!({"per_page": per_page, "starting_after": next});
    }
    pages
}

/// The address of the page after this one in a list by page number.
pub(super) fn next_page(call: &Call, page: usize, per_page: usize, total: usize) -> Option<String> {
    (page.saturating_mul(per_page) < total)
        .then(|| call.link(&[("per_page", per_page.to_string()), ("page", (page + 1).to_string())]))
}

/// A list by page number: `page`, `per_page` and a whole list of rows.
pub(super) fn numbered<T>(call: &Call, rows: &[T], shape: impl Fn(&T) -> Value) -> Value {
    let per_page = call.number("per_page").unwrap_or(50).clamp(1, 150);
    let page = call.number("page").unwrap_or(1).max(1);
    let data: Vec<Value> =
        rows.iter().skip((page - 1).saturating_mul(per_page)).take(per_page).map(shape).collect();
    let next = next_page(call, page, per_page, rows.len());
    json!({
        "type": "list",
        "data": data,
        "total_count": rows.len(),
        "pages": {
            "type": "pages",
            "next": next,
            "page": page,
            "per_page": per_page,
            "total_pages": rows.len().div_ceil(per_page),
        },
    })
}

/// A cursor: opaque to clients, page number and sort position to us.
pub(super) fn cursor(page: usize, position: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json!([page, position]).to_string())
}

/// Reads a cursor back: the page it leads to and the position to go on after.
pub(super) fn read_cursor(text: &str) -> Option<(usize, Value)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let parts: (usize, Value) = serde_json::from_slice(&bytes).ok()?;
    Some(parts)
}

/// An id given as a text or as a number: clients do both.
pub(super) fn plain_id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn missing() -> Answer {
    refused(404, "not_found", "Resource Not Found")
}

pub(super) fn required(what: &str) -> Answer {
    refused(400, "parameter_not_found", &format!("{what} is required"))
}

pub(super) fn bad_cursor() -> Answer {
    refused(400, "parameter_invalid", "starting_after is invalid")
}
