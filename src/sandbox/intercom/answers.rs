//! Intercom's error list, its list envelopes and its cursors. Shapes only, no state.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::sandbox::desk::request_id;
use crate::sandbox::wire::Answer;

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

/// A list that fits one page.
pub(super) fn whole_list(data: &[Value]) -> Value {
    let total = data.len();
    json!({
        "type": "list",
        "data": data,
        "total_count": total,
        "pages": {"type": "pages", "next": null, "page": 1, "per_page": 50, "total_pages": total.div_ceil(50)},
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

pub(super) fn bad_cursor() -> Answer {
    refused(400, "parameter_invalid", "starting_after is invalid")
}
