//! What the monitors measure, read at one moment: counters, index ends and a few series rows; never a table's length.

use rusqlite::{Connection, params};

use super::series;
use crate::domain::breaker::Breaker;
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::ids::ExecutionId;
use crate::domain::limit::FamilyState;
use crate::domain::monitor::histogram::Histogram;
use crate::domain::monitor::{ChannelState, WINDOW};
use crate::domain::page::Counts;
use crate::journal::{Journal, Result, drift, limits, overview};

/// When a connection was last heard of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Heard {
    /// Which connection.
    pub connection: String,
    /// How: webhook, poll, or look for a look that was carried out.
    pub source: String,
    /// When last.
    pub at: Timestamp,
    /// How often.
    pub count: u64,
}

/// A duplicate of which an execution of ours made one side.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Incident {
    /// The duplicate candidate.
    pub duplicate: i64,
    /// The execution that made the later record.
    pub execution: ExecutionId,
    /// Its recipe.
    pub recipe: String,
    /// The execution that made the other record, where one of ours did.
    pub other: Option<ExecutionId>,
    /// The matcher is certain, or a human said that they are the same.
    pub certain: bool,
    /// When it was found.
    pub at: Timestamp,
    /// Why it came about, as one word, once that was looked into.
    pub cause: Option<String>,
    /// By what that is known.
    pub sentence: Option<String>,
}

/// Everything the monitors measure.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// When.
    pub at: Timestamp,
    /// Executions and review items by state.
    pub counts: Counts,
    /// Executions that failed for good within [`WINDOW`], by recipe.
    pub failed: Vec<(String, u64)>,
    /// Tries that failed within [`WINDOW`], by recipe.
    pub tries: Vec<(String, u64)>,
    /// Processing times within [`WINDOW`].
    pub latency: Histogram,
    /// Duplicates of our making in 24 hours.
    pub incidents: Vec<Incident>,
    /// When the oldest due execution became due.
    pub oldest_due: Option<Timestamp>,
    /// When the oldest execution in doubt was made.
    pub oldest_review: Option<Timestamp>,
    /// The connections' breakers.
    pub breakers: Vec<Breaker>,
    /// The vendors' limits.
    pub families: Vec<FamilyState>,
    /// When connections were heard of.
    pub heard: Vec<Heard>,
    /// The alert channels.
    pub channels: Vec<ChannelState>,
    /// Changed fields of vendors that nobody has decided, and how many of them hold something back.
    pub drift: (u64, u64),
}

impl Journal {
    /// Everything the monitors measure, as it is now.
    pub async fn gauges(&self) -> Result<Gauges> {
        let now = self.now();
        let breakers = self.breakers().await?;
        self.read(move |connection| gauges(connection, now, breakers)).await
    }

    /// Duplicates of which an execution of ours made one side, found since then, newest first.
    pub async fn incidents(&self, since: Timestamp) -> Result<Vec<Incident>> {
        self.read(move |connection| incidents(connection, since)).await
    }

    /// A look for changes at a connection was carried out, whether or not it found any.
    pub async fn heard_by_looking(&self, connection: &crate::domain::record::Connection) -> Result<()> {
        let (name, now) = (connection.to_string(), self.now());
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO heard VALUES (?1, 'look', ?2, 1) ON CONFLICT (connection, source) DO UPDATE SET \
                     at = excluded.at, count = count + 1",
                )?
                .execute(params![name, now.0])?;
            Ok(())
        })
        .await
    }
}

fn gauges(connection: &Connection, now: Timestamp, breakers: Vec<Breaker>) -> Result<Gauges> {
    let since = Timestamp(now.0 - WINDOW.as_millis() as i64);
    let first = |sql: &str| -> Result<Option<Timestamp>> {
        Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
    };
    let oldest_due =
        first("SELECT min(due_at) FROM executions WHERE status IN ('pending', 'retrying', 'in_doubt')")?;
    let oldest_review = [
        first("SELECT (SELECT created_at FROM conflicts WHERE state = 'open' ORDER BY id LIMIT 1)")?,
        first("SELECT min(created_at) FROM duplicates WHERE state = 'open'")?,
        first("SELECT min(created_at) FROM unlinked WHERE state = 'open'")?,
    ];
    Ok(Gauges {
        at: now,
        counts: overview::counts(connection)?,
        failed: series::counted(connection, series::FAILED, since)?,
        tries: series::counted(connection, series::TRIES, since)?,
        latency: series::latency(connection, since)?,
        incidents: incidents(connection, Timestamp(now.0 - series::DAY))?,
        oldest_due: oldest_due.filter(|at| *at <= now),
        oldest_review: oldest_review.into_iter().flatten().min(),
        breakers,
        families: limits::states(connection, now)?,
        heard: heard(connection)?,
        channels: super::channels(connection)?,
        drift: drift::standing(connection)?,
    })
}

fn heard(connection: &Connection) -> Result<Vec<Heard>> {
    let mut statement = connection
        .prepare_cached("SELECT connection, source, at, count FROM heard ORDER BY connection, source")?;
    let found = statement.query_map([], |row| {
        Ok(Heard {
            connection: row.get(0)?,
            source: row.get(1)?,
            at: Timestamp(row.get(2)?),
            count: row.get::<_, i64>(3)? as u64,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn incidents(connection: &Connection, since: Timestamp) -> Result<Vec<Incident>> {
    let mut statement = connection.prepare_cached(
        "SELECT incident.duplicate_id, incident.execution_id, incident.recipe, incident.other_id, incident.at, \
         (pair.band = 'auto' OR pair.state IN ('deciding', 'done') OR coalesce(pair.verdict, '') = 'same') AS certain, \
         incident.cause, incident.sentence \
         FROM duplicate_incidents AS incident JOIN duplicates AS pair ON pair.id = incident.duplicate_id \
         WHERE incident.at >= ?1 AND (pair.state <> 'dismissed' OR coalesce(pair.verdict, '') = 'same') ORDER BY incident.at DESC LIMIT 1000",
    )?;
    let mut found = statement.query([since.0])?;
    let mut incidents = Vec::new();
    while let Some(row) = found.next()? {
        incidents.push(Incident {
            duplicate: row.get(0)?,
            execution: ExecutionId(row.get(1)?),
            recipe: row.get(2)?,
            other: row.get::<_, Option<i64>>(3)?.map(ExecutionId),
            at: Timestamp(row.get(4)?),
            certain: row.get(5)?,
            cause: row.get(6)?,
            sentence: row.get(7)?,
        });
    }
    Ok(incidents)
}

impl Gauges {
    /// How many executions stand there.
    pub fn of(&self, status: Status) -> u64 {
        self.counts.of(status)
    }

    /// Executions that wait: for a time, a limit, a worker, another try.
    pub fn queue(&self) -> u64 {
        self.of(Status::Pending) + self.of(Status::Retrying) + self.of(Status::InDoubt)
    }
}
