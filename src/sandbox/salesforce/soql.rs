//! SOQL: paging, filters and order over the org's rows. Reads only.

use super::{Org, answers};
use crate::sandbox::wire::{Answer, Call};

/// Open cursors.
#[derive(Default)]
pub(super) struct Cursors {}

impl Org {
    /// `/query`, `/query/{locator}`, `/queryAll`, `/queryAll/{locator}`.
    pub(super) fn query(&mut self, _call: &Call, _include_deleted: bool) -> Answer {
        answers::missing()
    }
}
