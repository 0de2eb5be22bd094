//! Bulk API 2.0 ingest jobs.

use super::{Org, answers};
use crate::sandbox::wire::{Answer, Call};

/// Jobs and their data.
#[derive(Default)]
pub(super) struct Jobs {}

impl Org {
    /// Everything under `/jobs`.
    pub(super) fn bulk(&mut self, _call: &Call) -> Answer {
        answers::missing()
    }
}
