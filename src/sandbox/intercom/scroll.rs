//! The scroll over all companies: one open at a time, forgotten after a minute, never resumed.

use std::ops::Bound;

use serde_json::{Value, json};

use super::answers::refused;
use super::{Company, Workspace};
use crate::sandbox::desk::request_id;
use crate::sandbox::wire::{Answer, Call};

/// Companies in one answer.
const SHOWN: usize = 100;
/// Milliseconds without a call, after which a scroll is forgotten.
const IDLE: i64 = 60_000;

/// The scroll of the one app there is.
#[derive(Default)]
pub(super) struct Scroll {
    open: Option<Open>,
    /// How many of the next calls break, as long scrolls do.
    breaks: u32,
}

struct Open {
    parameter: String,
    /// The last company shown.
    after: String,
    used: i64,
}

impl Workspace {
    /// The next calls to scroll fail as the vendor's do when its network does; what was open is lost.
    pub(in crate::sandbox) fn break_scroll(&mut self, times: u32) {
        self.scroll.breaks = times;
    }

    pub(super) fn scroll_companies(&mut self, call: &Call) -> Answer {
        let now = self.now();
        if self.scroll.breaks > 0 {
            self.scroll.breaks -= 1;
            self.scroll.open = None;
            let message =
                "Request failed due to an internal network error. Please restart the scroll operation.";
            // The words are the document's; it names no code.
            return refused(500, "server_error", message);
        }
        let open = self.scroll.open.take().filter(|open| now - open.used < IDLE);
        let after = match (call.parameter("scroll_param"), open) {
            (None, Some(open)) => {
                self.scroll.open = Some(open);
                // That there can be one only is documented; code and words are from memory.
                return refused(400, "scroll_exists", "scroll already exists for this workspace");
            }
            (None, None) => String::new(),
            (Some(parameter), Some(open)) if open.parameter == parameter => open.after,
            (Some(_), open) => {
                self.scroll.open = open;
                return refused(404, "not_found", "scroll parameter not found");
            }
        };
        let shown: Vec<&Company> = self
            .companies
            .range::<str, _>((Bound::Excluded(after.as_str()), Bound::Unbounded))
            .map(|(_, company)| company)
            .filter(|company| !company.contacts.is_empty())
            .take(SHOWN)
            .collect();
        let parameter = request_id();
        let data: Vec<Value> = shown.iter().map(|company| self.company_shape(company)).collect();
        // The end is an empty page, and the scroll is gone with it.
        self.scroll.open =
            shown.last().map(|last| Open { parameter: parameter.clone(), after: last.id.clone(), used: now });
        Answer::ok(
            json!({"type": "list", "data": data, "pages": null, "total_count": null, "scroll_param": parameter}),
        )
    }
}
