//! How a batch is divided: halves when a bad row may have refused all of it or made the vendor fail, one by one where
//! the answer says nothing of a row that may be sent again.
//!
//! Pure bookkeeping: it sends nothing, and gives each row one result and no second one.

use std::collections::VecDeque;

use crate::domain::error_class::ErrorClass;

use super::is_about_a_row;
use crate::vendors::error::VendorError;

/// So many failures of the vendor in a row are its own, and no row's: a batch and both of its halves.
const OUTAGE: u32 = 3;

/// Rows of one batch, by their places: who has a result, and who is to be sent with whom.
#[derive(Debug)]
pub(in crate::vendors) struct Division<T> {
    waiting: VecDeque<Vec<usize>>,
    /// Failures of the vendor in a row.
    failures: u32,
    results: Vec<Option<Result<T, VendorError>>>,
}

impl<T> Division<T> {
    /// All rows together.
    pub(super) fn new(rows: usize) -> Self {
        let all: Vec<usize> = (0..rows).collect();
        Self { waiting: [all].into(), failures: 0, results: (0..rows).map(|_| None).collect() }
    }

    /// The rows to be sent next, never none; none of them has a result.
    pub(super) fn next(&mut self) -> Option<Vec<usize>> {
        loop {
            let rows = self.waiting.pop_front()?;
            if !rows.is_empty() {
                return Some(rows);
            }
        }
    }

    /// A row has its result. The first one stands.
    pub(in crate::vendors) fn settle(&mut self, place: usize, result: Result<T, VendorError>) {
        if let Some(slot @ None) = self.results.get_mut(place) {
            *slot = Some(result);
        }
    }

    /// These rows are to be sent by themselves: for what may be repeated only.
    pub(in crate::vendors) fn again(&mut self, rows: impl IntoIterator<Item = usize>) {
        for place in rows {
            if matches!(self.results.get(place), Some(None)) {
                self.waiting.push_back(vec![place]);
            }
        }
    }

    /// The vendor took a batch: what failed before was not its own.
    pub(in crate::vendors) fn taken(&mut self) {
        self.failures = 0;
    }

    /// The batch of these rows was refused, failed or was lost as a whole. Halves, when one of them may be the cause and
    /// sending again is harmless: nothing was done, or all of them may be repeated and the vendor did not say when to
    /// come back. Else each has this error; when the vendor fails whatever it is sent, also who has not been sent yet.
    pub(in crate::vendors) fn whole(&mut self, rows: &[usize], error: &VendorError, repeatable: bool) {
        let failed = error.class == ErrorClass::Unavailable;
        if failed {
            self.failures += 1;
        }
        let by_a_row = is_about_a_row(error)
            || failed && repeatable && error.retry_at.is_none() && error.status.is_some();
        if failed && self.failures >= OUTAGE {
            let waiting: Vec<usize> = self.waiting.drain(..).flatten().collect();
            for &place in rows.iter().chain(&waiting) {
                self.settle(place, Err(error.clone()));
            }
        } else if rows.len() > 1 && by_a_row {
            // The sibling goes before the halves of a half: an outage is known by both, and costs no further calls.
            let (left, right) = rows.split_at(rows.len() / 2);
            self.waiting.extend([left.to_vec(), right.to_vec()]);
        } else {
            for &place in rows {
                self.settle(place, Err(error.clone()));
            }
        }
    }

    /// All results, in the rows' order.
    pub(super) fn finish(self) -> Vec<Result<T, VendorError>> {
        let untold = || VendorError {
            may_have_happened: true,
            ..VendorError::new(ErrorClass::Unknown, "Nothing was heard of this row of a batch.")
        };
        self.results.into_iter().map(|result| result.unwrap_or_else(|| Err(untold()))).collect()
    }
}

#[cfg(test)]
mod tests;
