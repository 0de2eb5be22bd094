//! Executions by their numbers, as a bulk reads them again before it acts: many in one read, without their details.
//!
//! A number nobody has is left out of the answer.

use rusqlite::OptionalExtension;

use super::{Journal, Result, rows};
use crate::domain::execution::Execution;
use crate::domain::ids::ExecutionId;

impl Journal {
    /// These executions as they stand, in the order asked for.
    pub async fn executions_numbered(&self, ids: Vec<ExecutionId>) -> Result<Vec<Execution>> {
        self.read(move |connection| {
            let sql = format!("SELECT {} FROM executions WHERE id = ?1", rows::EXECUTION);
            let mut statement = connection.prepare_cached(&sql)?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let row = statement.query_row([id.0], |row| Ok(rows::execution(row))).optional()?;
                found.extend(row.transpose()?);
            }
            Ok(found)
        })
        .await
    }
}
