//! How far a look at a vendor's changes has come, and from where the next one begins. Pure: it reads no clock and calls
//! nobody.
//!
//! The mark is a time of the vendor's own clock and is compared with nothing else, so it does not matter how wrong
//! ours is. A search shows some changes late, with a time that lies before others already seen; so each look begins an
//! overlap before the mark, and reads again what it may know. What took long is allowed for: while a look turns its
//! pages, changes may appear behind it.

use std::time::Duration;

use crate::domain::clock::Timestamp;

/// The longest look that is allowed for; a clock that jumped while it lasted must not send the mark far back.
const LONGEST: i64 = 24 * 3_600_000;

/// One look, page by page.
#[derive(Debug, Clone)]
pub(super) struct Look {
    mark: Timestamp,
    overlap: i64,
    newest: Timestamp,
    last: Timestamp,
    in_order: bool,
}

impl Look {
    /// A look that follows one which came to `mark`.
    pub(super) fn new(mark: Timestamp, overlap: Duration) -> Self {
        let overlap = i64::try_from(overlap.as_millis()).unwrap_or(LONGEST);
        Self { mark, overlap, newest: mark, last: Timestamp(i64::MIN), in_order: true }
    }

    /// From when on changes are read.
    pub(super) fn from(&self) -> Timestamp {
        Timestamp(self.mark.0.saturating_sub(self.overlap).max(0))
    }

    /// Takes one row of a page in; whether it belongs to this look.
    pub(super) fn takes(&mut self, at: Option<Timestamp>) -> bool {
        let Some(at) = at else { return true };
        self.in_order &= at >= self.last;
        self.last = self.last.max(at);
        self.newest = self.newest.max(at);
        // Equal times are taken: two records may share one, and one of them may have come late.
        at >= self.from()
    }

    /// The mark that may be stored once the events of all pages so far are, if it moved. `took` is how long the look has
    /// lasted; `ended` says that no page is left.
    ///
    /// Between pages it moves only as long as the vendor keeps to the order of time: everything before the newest row
    /// has been seen then.
    pub(super) fn reached(&self, took: i64, ended: bool) -> Option<Timestamp> {
        if !ended && !self.in_order {
            return None;
        }
        let reached = Timestamp(self.newest.0.saturating_sub(took.clamp(0, LONGEST)));
        (reached > self.mark).then_some(reached)
    }
}

#[cfg(test)]
mod tests;
