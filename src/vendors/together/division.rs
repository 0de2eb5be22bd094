//! How a batch is divided: halves when a bad row may have refused all of it, one by one where the answer says nothing
//! of a row that may be sent again.
//!
//! Pure bookkeeping: it sends nothing, and gives each row one result and no second one.

use crate::domain::error_class::ErrorClass;

use super::is_about_a_row;
use crate::vendors::error::VendorError;

/// Rows of one batch, by their places: who has a result, and who is to be sent with whom.
#[derive(Debug)]
pub(in crate::vendors) struct Division<T> {
    waiting: Vec<Vec<usize>>,
    results: Vec<Option<Result<T, VendorError>>>,
}

impl<T> Division<T> {
    /// All rows together.
    pub(super) fn new(rows: usize) -> Self {
        let all: Vec<usize> = (0..rows).collect();
        Self { waiting: vec![all], results: (0..rows).map(|_| None).collect() }
    }

    /// The rows to be sent next, never none; none of them has a result.
    pub(super) fn next(&mut self) -> Option<Vec<usize>> {
        loop {
            let rows = self.waiting.pop()?;
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
        let mut alone: Vec<Vec<usize>> = rows
            .into_iter()
            .filter(|place| matches!(self.results.get(*place), Some(None)))
            .map(|place| vec![place])
            .collect();
        alone.reverse();
        self.waiting.append(&mut alone);
    }

    /// The batch of these rows was refused or lost as a whole: halves, when one of them may be the cause and nothing
    /// was done, else each has this error.
    pub(in crate::vendors) fn whole(&mut self, rows: &[usize], error: &VendorError) {
        if rows.len() > 1 && is_about_a_row(error) {
            let (left, right) = rows.split_at(rows.len() / 2);
            self.waiting.extend([right.to_vec(), left.to_vec()]);
        } else {
            rows.iter().for_each(|&place| self.settle(place, Err(error.clone())));
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
