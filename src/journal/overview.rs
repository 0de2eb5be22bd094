//! Counts, change numbers and the first screen's facts; all from counters and short index walks.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use super::{Journal, Result};
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::overview::{Activity, Cluster, ConnectionState, Overview};
use crate::domain::page::Counts;

/// Changes kept for those who follow; older ones are reported as "too long ago".
const CHANGES_KEPT: i64 = 20_000;

/// What happened last: as many lines as a tall screen shows.
const LATEST: usize = 60;

/// One changed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number; ask for what came after it next time.
    pub number: i64,
    /// `execution`, `conflict`, `duplicate` or `unlinked`.
    pub kind: String,
    /// The row's number.
    pub row: i64,
}

impl Journal {
    /// How many rows of each kind there are.
    pub async fn counts(&self) -> Result<Counts> {
        self.read(counts).await
    }

    /// The number of the last change, by whichever process.
    pub async fn change_number(&self) -> Result<i64> {
        self.read(last_change).await
    }

    /// What changed after a number, at most `limit` rows; none when that is too long ago to tell: read all anew.
    pub async fn changes_since(&self, number: i64, limit: usize) -> Result<Option<Vec<Change>>> {
        self.read(move |connection| {
            let oldest: Option<i64> =
                connection.query_row("SELECT min(number) FROM changes", [], |row| row.get(0))?;
            if oldest.is_some_and(|oldest| number + 1 < oldest) {
                return Ok(None);
            }
            let mut statement = connection.prepare_cached(
                "SELECT number, kind, row_id FROM changes WHERE number > ?1 ORDER BY number LIMIT ?2",
            )?;
            let mut found = statement.query(params![number, limit as i64])?;
            let mut changes = Vec::new();
            while let Some(row) = found.next()? {
                changes.push(Change { number: row.get(0)?, kind: row.get(1)?, row: row.get(2)? });
            }
            Ok(Some(changes))
        })
        .await
    }

    /// Drops changes nobody will ask for any more.
    pub async fn forget_old_changes(&self) -> Result<()> {
        self.write(|connection| {
            let last = last_change(connection)?;
            connection
                .prepare_cached("DELETE FROM changes WHERE number <= ?1")?
                .execute([last - CHANGES_KEPT])?;
            Ok(())
        })
        .await
    }

    /// The first screen's facts.
    pub async fn overview(&self) -> Result<Overview> {
        let now = self.now();
        self.read(move |connection| overview(connection, now)).await
    }

    /// How a connection fares, as a worker saw it.
    pub async fn put_connection(&self, state: ConnectionState) -> Result<()> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO connections VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (connection) DO UPDATE \
                     SET health = excluded.health, since = CASE WHEN health = excluded.health THEN since ELSE \
                     excluded.since END, latency_ms = excluded.latency_ms, used = excluded.used, \
                     allowed = excluded.allowed, window_seconds = excluded.window_seconds, note = excluded.note",
                )?
                .execute(params![
                    state.connection.to_string(),
                    state.health.as_str(),
                    state.since.0,
                    state.latency_ms,
                    state.used,
                    state.limit,
                    state.window_seconds,
                    state.note,
                ])?;
            Ok(())
        })
        .await
    }
}

pub(super) fn last_change(connection: &Connection) -> Result<i64> {
    let last = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0))
}

pub(super) fn counter(connection: &Connection, name: &str) -> Result<u64> {
    let value: Option<i64> = connection
        .prepare_cached("SELECT value FROM counters WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(u64::try_from(value.unwrap_or(0)).unwrap_or(0))
}

pub(super) fn counts(connection: &Connection) -> Result<Counts> {
    let executions = Status::ALL
        .iter()
        .map(|&status| Ok((status, counter(connection, &format!("execution.{status}"))?)))
        .collect::<Result<_>>()?;
    let standing = |kind: &str| -> Result<u64> {
        Ok(counter(connection, &format!("{kind}.open"))? + counter(connection, &format!("{kind}.deciding"))?)
    };
    Ok(Counts {
        executions,
        conflicts: standing("conflict")?,
        // A group of more than two is one thing to decide.
        duplicates: connection
            .prepare_cached(
                "SELECT count(*) FROM duplicates INDEXED BY duplicates_by_members WHERE leads = 1 \
                 AND state IN ('open', 'deciding')",
            )?
            .query_row([], |row| row.get::<_, i64>(0))?
            .unsigned_abs(),
        unlinked: standing("unlinked")?,
    })
}

fn overview(connection: &Connection, now: Timestamp) -> Result<Overview> {
    let oldest = |sql: &str| -> Result<Option<Timestamp>> {
        Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
    };
    let number = |sql: &str| -> Result<u64> {
        let value: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(value).unwrap_or(0))
    };
    Ok(Overview {
        counts: counts(connection)?,
        next_due: oldest(
            "SELECT (SELECT due_at FROM executions INDEXED BY executions_by_next WHERE due_at IS NOT NULL \
             AND status IN ('pending', 'retrying', 'in_doubt') ORDER BY due_at LIMIT 1)",
        )?,
        oldest: [
            oldest("SELECT (SELECT created_at FROM executions WHERE status = 'failed' ORDER BY id LIMIT 1)")?,
            oldest("SELECT min(created_at) FROM conflicts INDEXED BY conflicts_by_age WHERE state = 'open'")?,
            oldest(
                "SELECT min(created_at) FROM duplicates INDEXED BY duplicates_by_age WHERE state = 'open'",
            )?,
            oldest("SELECT min(created_at) FROM unlinked INDEXED BY unlinked_by_age WHERE state = 'open'")?,
        ],
        certain_duplicates: number(
            "SELECT count(*) FROM duplicates WHERE state = 'open' AND band = 'auto' AND leads = 1",
        )?,
        clear_links: number("SELECT count(*) FROM unlinked WHERE state = 'open' AND best >= 0.9")?,
        coverage: super::links::summed(connection, now)?,
        clusters: clusters(connection)?,
        hours: super::trends::hours(connection, now)?,
        echoes_dropped: counter(connection, "echoes.dropped")?,
        alerts: super::monitors::alerting(connection)?
            .into_iter()
            .map(|standing| format!("{} {}: {}", standing.monitor, standing.subject, standing.sentence))
            .collect(),
        connections: connections(connection, now)?,
        latest: super::audit::newest(connection, LATEST)?
            .into_iter()
            .map(|entry| Activity {
                at: entry.at,
                actor: entry.entry.actor,
                verb: entry.entry.verb,
                object: entry.entry.object,
                note: entry.entry.note,
            })
            .collect(),
    })
}

/// By what failures have in common, from the combinations: only one row of each cause is read.
fn clusters(connection: &Connection) -> Result<Vec<Cluster>> {
    let mut statement = connection.prepare_cached(
        "SELECT error, code, status, sum(number) AS count, json_group_array(id) AS facets FROM execution_facets \
         WHERE status IN ('failed', 'retrying') AND error <> '' AND number > 0 GROUP BY error, code, status \
         ORDER BY status, count DESC, error LIMIT 20",
    )?;
    let mut one = connection.prepare_cached(
        "SELECT sentence, (SELECT updated_at FROM execution_keys WHERE id = ?1) FROM executions WHERE id = ?2",
    )?;
    let mut ends = connection.prepare_cached(
        "SELECT min((SELECT id FROM execution_keys INDEXED BY execution_keys_by_facet WHERE facet = value ORDER BY id LIMIT 1)), \
         max((SELECT id FROM execution_keys INDEXED BY execution_keys_by_facet WHERE facet = value ORDER BY id DESC LIMIT 1)) \
         FROM json_each(?1)",
    )?;
    let mut found = statement.query([])?;
    let mut clusters = Vec::new();
    while let Some(row) = found.next()? {
        let (first, last): (i64, i64) =
            ends.query_row([row.get::<_, String>("facets")?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (sentence, first_at) = one.query_row([first, last], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let code: i64 = row.get("code")?;
        clusters.push(Cluster {
            class: rows::word(row, "error")?,
            code: u16::try_from(code).ok().filter(|code| *code > 0),
            status: rows::word(row, "status")?,
            count: row.get::<_, i64>("count")? as u64,
            sentence,
            first_at: Timestamp(first_at),
        });
    }
    Ok(clusters)
}

pub(super) fn connections(connection: &Connection, now: Timestamp) -> Result<Vec<ConnectionState>> {
    let families = super::limits::states(connection, now)?;
    let mut statement = connection.prepare_cached("SELECT * FROM connections ORDER BY connection DESC")?;
    let mut found = statement.query([])?;
    let mut states = Vec::new();
    while let Some(row) = found.next()? {
        let name = rows::word(row, "connection")?;
        states.push(ConnectionState {
            families: families.iter().filter(|family| family.connection == name).cloned().collect(),
            connection: name,
            health: rows::word(row, "health")?,
            since: Timestamp(row.get("since")?),
            latency_ms: row.get("latency_ms")?,
            used: row.get("used")?,
            limit: row.get("allowed")?,
            window_seconds: row.get("window_seconds")?,
            note: row.get("note")?,
        });
    }
    Ok(states)
}
