//! Asking the journal for the rows on the screen and no others: keyset pages with a place in the whole.
//!
//! Lists never load what is not visible, so a journal of five million rows feels like one of fifty.

/// From where to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The top of the list.
    First,
    /// The bottom of the list; rows still come in list order.
    Last,
    /// The rows after the one with this number.
    After(i64),
    /// The rows before the one with this number; rows still come in list order.
    Before(i64),
    /// The row with this number first, then those after it: to refresh what is on the screen.
    At(i64),
}

/// Rows of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows, in list order.
    pub rows: Vec<T>,
    /// How many rows the filter lets through in all.
    pub total: u64,
    /// How many of them stand before the first row here.
    pub before: u64,
    /// There are more than `total`: nobody counts through millions for a key press.
    pub total_is_least: bool,
    /// There are more than `before` before.
    pub before_is_least: bool,
}

impl<T> Page<T> {
    /// Rows whose place in the whole is known.
    pub const fn new(rows: Vec<T>, total: u64, before: u64) -> Self {
        Self { rows, total, before, total_is_least: false, before_is_least: false }
    }
}

/// How many rows there are of each kind; maintained with the rows, so reading it costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Executions by status, in the order of `Status::ALL`, zero included.
    pub executions: Vec<(super::execution::Status, u64)>,
    /// Open conflicts.
    pub conflicts: u64,
    /// Open duplicate candidates.
    pub duplicates: u64,
    /// Open unlinked relations.
    pub unlinked: u64,
}

impl Counts {
    /// How many executions have a status.
    pub fn of(&self, status: super::execution::Status) -> u64 {
        self.executions.iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| *count)
    }
}
