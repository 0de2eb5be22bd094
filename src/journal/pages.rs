//! Rows for lists, a page at a time, and everything about one execution.
//!
//! Pages are found by key, never by counting through: the first page of five million rows costs what the first of
//! fifty does. Counts are exact where something keeps them, else they end early and say "at least".
//!
//! | file | subject |
//! |---|---|
//! | `facets` | what executions have in common, with how many have it |
//! | `executions` | a page of executions: which way to it is short |
//! | `walk` | executions in an order, from a row on |
//! | `words` | free words |
//! | `review` | pages of conflicts, duplicates, unlinked people |
//! | `values` | what can be typed after a key |
//! | `detail` | everything about one execution |

use super::{Journal, JournalError, Result, rows};
use crate::domain::execution::{Execution, ExecutionDetail};
use crate::domain::filter::{Filter, Key, List};
use crate::domain::ids::ExecutionId;
use crate::domain::page::{Anchor, Page};
use crate::domain::review::{Conflict, Duplicate, Unlinked};
use review::{CONFLICTS, DUPLICATE_GROUPS, DUPLICATES, Review, UNLINKED};

mod detail;
mod executions;
mod facets;
mod review;
#[cfg(test)]
mod tests;
mod values;
mod walk;
mod words;

pub use values::Offered;
pub(super) use words::index_now;

impl Journal {
    /// Executions, newest first unless `sort:` says otherwise.
    pub async fn executions(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Execution>> {
        refuse_strangers(filter, List::Executions)?;
        let (filter, now) = (filter.clone(), self.now());
        self.read(move |connection| {
            // One state of the journal for all the questions a page takes.
            let _snapshot = connection.unchecked_transaction()?;
            executions::page(connection, now, &filter, anchor, limit, executions::BOUNDS)
        })
        .await
    }

    /// Conflicts, oldest first: those open or being decided, unless `status:` asks for others.
    pub async fn conflicts(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Conflict>> {
        self.page(&CONFLICTS, List::Conflicts, filter, anchor, limit, rows::conflict).await
    }

    /// Duplicate candidates, surest first: those open or being decided, unless `status:` asks for others.
    pub async fn duplicates(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Duplicate>> {
        self.page(&DUPLICATES, List::Duplicates, filter, anchor, limit, rows::duplicate).await
    }

    /// The same, groups of more than two once: by the pair that is surest.
    pub async fn duplicate_groups(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<Duplicate>> {
        self.page(&DUPLICATE_GROUPS, List::Duplicates, filter, anchor, limit, rows::duplicate).await
    }

    /// Unlinked relations, surest first: those open or being decided, unless `status:` asks for others.
    pub async fn unlinked(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Unlinked>> {
        self.page(&UNLINKED, List::Unlinked, filter, anchor, limit, rows::unlinked).await
    }

    async fn page<T: Send + 'static>(
        &self,
        review: &'static Review,
        list: List,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
        read: fn(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        refuse_strangers(filter, list)?;
        let (filter, now) = (filter.clone(), self.now());
        self.read(move |connection| {
            let _snapshot = connection.unchecked_transaction()?;
            review.page(connection, now, &filter, anchor, limit, read)
        })
        .await
    }

    /// Values that begin so and can stand after a key in a list, those of most rows first: for completion.
    pub async fn filter_values(
        &self,
        list: List,
        key: Key,
        start: &str,
        limit: usize,
    ) -> Result<Vec<Offered>> {
        let start = start.to_owned();
        self.read(move |connection| values::offered(connection, list, key, &start, limit)).await
    }

    /// Everything about one execution.
    pub async fn execution(&self, id: ExecutionId) -> Result<Option<ExecutionDetail>> {
        self.read(move |connection| detail::detail(connection, id)).await
    }
}

/// A key or column of another list would find nothing and not say why.
fn refuse_strangers(filter: &Filter, list: List) -> Result<()> {
    let stranger = filter.terms.iter().filter_map(|term| term.key).find(|key| !list.knows(*key));
    let column = filter.sort.filter(|sort| !list.sorts_by(sort.column));
    if stranger.is_none() && column.is_none() {
        return Ok(());
    }
    filter.check(list).map_err(|error| JournalError::Refused(error.to_string()))
}
