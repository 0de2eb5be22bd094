//! Failures by their cause: when each was first and last met, and which executions wait because of it.
//!
//! Counted over an index of failures alone, so that it costs what the failures cost and not what the journal does.
//! Never keeps a vendor's words: what is shown of them is read from an execution, and goes when that is erased.

use rusqlite::{Connection, params};

use super::queue::Settlement;
use super::{Journal, Result, rows};
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::fingerprint::{Cause, Failure, normalised};
use crate::domain::ids::ExecutionId;
use crate::domain::record::System;

impl Journal {
    /// The causes for which something waits: those that need a human first, most executions first. One more than
    /// `limit` is never read.
    pub async fn causes(&self, limit: usize) -> Result<Vec<Cause>> {
        self.read(move |connection| causes(connection, limit)).await
    }
}

/// Notes the failure of a settlement under its cause, and names the cause; none where nothing failed.
pub(super) fn note(
    connection: &Connection,
    now: Timestamp,
    settlement: &Settlement,
) -> Result<Option<String>> {
    let Some(class) = settlement.error_class else { return Ok(None) };
    let mark = settlement.mark.clone().unwrap_or_else(|| {
        let words = settlement.vendor_words.as_deref().unwrap_or(&settlement.sentence);
        Failure { system: None, class, code: settlement.error_code, field: None, words, values: &[] }.mark()
    });
    if settlement.failed_try {
        connection
            .prepare_cached(
                "INSERT INTO causes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1) ON CONFLICT (cause) DO UPDATE SET \
                 last_at = max(last_at, excluded.last_at), seen = seen + 1",
            )?
            .execute(params![
                mark.cause,
                class.as_str(),
                settlement.error_code,
                mark.system.map(System::as_str),
                mark.field,
                now.0
            ])?;
    }
    Ok(Some(mark.cause))
}

/// The causes for which something waits.
pub(super) fn causes(connection: &Connection, limit: usize) -> Result<Vec<Cause>> {
    let mut statement = connection.prepare_cached(
        "SELECT waiting.cause AS cause, failed, retrying, newest, executions.sentence AS sentence, executions.subject AS subject, \
         executions.vendor_words AS words, coalesce(causes.class, executions.error_class, 'unknown') AS class, \
         coalesce(causes.code, executions.error_code) AS code, causes.system AS system, causes.field AS field, \
         coalesce(causes.first_at, executions.updated_at) AS first_at, \
         coalesce(causes.last_at, executions.updated_at) AS last_at, coalesce(causes.seen, failed + retrying) AS seen \
         FROM (SELECT cause, sum(status = 'failed') AS failed, sum(status <> 'failed') AS retrying, max(id) AS newest \
         FROM executions INDEXED BY executions_by_cause WHERE cause IS NOT NULL \
         AND status IN ('failed', 'retrying', 'in_doubt') GROUP BY cause ORDER BY failed DESC, retrying DESC LIMIT ?1) \
         AS waiting JOIN executions ON executions.id = newest LEFT JOIN causes ON causes.cause = waiting.cause \
         ORDER BY failed DESC, retrying DESC, last_at DESC, waiting.cause",
    )?;
    let mut found = statement.query([limit as i64])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let class: ErrorClass = rows::word(row, "class")?;
        let words: Option<String> = row.get("words")?;
        all.push(Cause {
            cause: row.get("cause")?,
            class,
            code: row.get("code")?,
            system: rows::optional_word(row, "system")?,
            field: row.get("field")?,
            failed: row.get::<_, i64>("failed")?.unsigned_abs(),
            retrying: row.get::<_, i64>("retrying")?.unsigned_abs(),
            first_at: Timestamp(row.get("first_at")?),
            last_at: Timestamp(row.get("last_at")?),
            seen: row.get::<_, i64>("seen")?.unsigned_abs(),
            newest: ExecutionId(row.get("newest")?),
            subject: row.get("subject")?,
            sentence: row.get("sentence")?,
            words: words.as_deref().map(normalised).unwrap_or_default(),
        });
    }
    Ok(all)
}
