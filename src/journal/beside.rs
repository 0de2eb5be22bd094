//! What the review screens ask beside their rows: the other conflicts of a record, how many items are like one, what
//! waits for a person. Each question goes through an index and counts no further than it shows; nothing is written.

use rusqlite::params;

use super::rows::{self, to_json};
use super::{Journal, Result};
use crate::domain::ids::UnlinkedId;
use crate::domain::record::RecordRef;
use crate::domain::review::Conflict;

/// Conflicts of one record that are shown together at the most.
const TOGETHER: i64 = 60;
/// Nobody counts further than this; it is then shown as "or more".
pub const COUNTED: u64 = 10_000;
/// Colleagues and waiting work that are read for one person.
const NAMED: i64 = 50;

/// How many open conflicts a rule made from one would decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alike {
    /// Of the same field and kind, with the same two values.
    pub same_values: u64,
    /// Of the same field and kind.
    pub any_values: u64,
}

/// What waits for a person, as far as the journal knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Executions that failed, by recipe.
    pub failed: Vec<(String, u64)>,
    /// Executions that wait or are held, by recipe.
    pub waiting: Vec<(String, u64)>,
    /// Open conflicts.
    pub conflicts: u64,
    /// Open pairs that look like duplicates.
    pub duplicates: u64,
}

impl Journal {
    /// Every conflict of two records that stands: open, left alone or being decided; oldest first.
    pub async fn conflicts_between(&self, left: &RecordRef, right: &RecordRef) -> Result<Vec<Conflict>> {
        let (left, right) = (left.to_string(), right.to_string());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM conflicts WHERE left_record = ?1 AND right_record = ?2 \
                 AND state IN ('open', 'ignored', 'deciding') ORDER BY id LIMIT ?3",
            )?;
            let mut found = statement.query(params![left, right, TOGETHER])?;
            let mut conflicts = Vec::new();
            while let Some(row) = found.next()? {
                conflicts.push(rows::conflict(row)?);
            }
            Ok(conflicts)
        })
        .await
    }

    /// How many open conflicts are like one; counted to [`COUNTED`].
    pub async fn alike(&self, conflict: &Conflict) -> Result<Alike> {
        let (field, kind) = (conflict.field.clone(), conflict.kind);
        let (left, right) = (to_json(&conflict.left_value)?, to_json(&conflict.right_value)?);
        self.read(move |connection| {
            let (any, same): (i64, i64) = connection
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(left_value = ?3 AND right_value = ?4), 0) FROM \
                     (SELECT left_value, right_value FROM conflicts WHERE field = ?1 AND kind = ?2 \
                     AND state = 'open' ORDER BY id LIMIT ?5)",
                )?
                .query_row(params![field, kind.as_str(), left, right, COUNTED.cast_signed()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(Alike { same_values: same.unsigned_abs(), any_values: any.unsigned_abs() })
        })
        .await
    }

    /// How many people without a company are open in each of these domains; each counted to [`COUNTED`].
    pub async fn unlinked_in(&self, domains: Vec<String>) -> Result<Vec<(String, u64)>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM unlinked WHERE domain = ?1 AND state = 'open' LIMIT ?2)",
            )?;
            let mut counted = Vec::with_capacity(domains.len());
            for domain in domains {
                let many: i64 =
                    statement.query_row(params![domain, COUNTED.cast_signed()], |row| row.get(0))?;
                counted.push((domain, many.unsigned_abs()));
            }
            Ok(counted)
        })
        .await
    }

    /// The names of others who wait for an account in the same domain, oldest first.
    pub async fn colleagues_of(&self, id: UnlinkedId, domain: &str) -> Result<Vec<String>> {
        let domain = domain.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT subject FROM unlinked WHERE domain = ?1 AND domain <> '' AND state = 'open' AND id <> ?2 \
                 ORDER BY id LIMIT ?3",
            )?;
            let names = statement.query_map(params![domain, id.0, NAMED], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// What waits for a person's records.
    pub async fn waiting_for(&self, records: &[RecordRef]) -> Result<Waiting> {
        let records: Vec<String> = records.iter().map(ToString::to_string).collect();
        self.read(move |connection| {
            let mut executions = connection.prepare_cached(
                "SELECT recipe, status = 'failed', count(*) FROM executions WHERE record = ?1 \
                 AND status IN ('failed', 'pending', 'retrying', 'in_doubt', 'held') GROUP BY recipe, status = 'failed'",
            )?;
            let mut conflicts = connection.prepare_cached(
                "SELECT count(*) FROM conflicts WHERE left_record = ?1 AND state = 'open'",
            )?;
            let mut right = connection.prepare_cached(
                "SELECT count(*) FROM conflicts WHERE right_record = ?1 AND state = 'open'",
            )?;
            let mut pairs = connection.prepare_cached(
                "SELECT count(*) FROM (SELECT id FROM duplicates WHERE left_record = ?1 AND state = 'open' \
                 UNION SELECT id FROM duplicates WHERE right_record = ?1 AND state = 'open')",
            )?;
            let mut waiting = Waiting::default();
            for record in &records {
                let mut found = executions.query([record])?;
                while let Some(row) = found.next()? {
                    let (recipe, failed, many): (String, bool, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    let list = if failed { &mut waiting.failed } else { &mut waiting.waiting };
                    match list.iter_mut().find(|(known, _)| *known == recipe) {
                        Some((_, known)) => *known += many.unsigned_abs(),
                        None => list.push((recipe, many.unsigned_abs())),
                    }
                }
                let count = |statement: &mut rusqlite::CachedStatement<'_>| {
                    statement.query_row([record], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
                };
                // A conflict stands between an Intercom record and another: it is counted where it is left.
                let (own, other) = (count(&mut conflicts)?, count(&mut right)?);
                waiting.conflicts = waiting.conflicts.max(own).max(other);
                waiting.duplicates += count(&mut pairs)?;
            }
            Ok(waiting)
        })
        .await
    }
}
