//! The SOAP door: envelopes in, verbs called, envelopes out.

use super::{Org, answers};
use crate::sandbox::wire::{Answer, Call};

impl Org {
    /// `/services/Soap/u/{version}` and `/services/Soap/c/{version}`; checks its session by itself
    /// (`self.session_stands(token)`).
    pub(super) fn soap(&mut self, _call: &Call) -> Answer {
        answers::missing()
    }
}
