//! The stored series: minutes for two days, then quarters of an hour for five weeks, then days for two years.
//!
//! A minute's row is added to in the transaction that settles; rolling up moves counts from one span to the next and
//! never copies them, so every count stands exactly once.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::ids::ExecutionId;
use crate::domain::monitor::histogram::{self, Histogram};
use crate::domain::plan::{Effect, Plan, StepState};
use crate::journal::{Journal, Result, trends};

/// A minute in milliseconds.
pub const MINUTE: i64 = 60_000;
/// A quarter of an hour.
pub const QUARTER: i64 = 15 * MINUTE;
/// A day.
pub const DAY: i64 = 24 * 60 * MINUTE;
/// How long minutes are kept as minutes.
const MINUTES_KEPT: i64 = 2 * DAY;
/// How long quarters are kept as quarters.
const QUARTERS_KEPT: i64 = 35 * DAY;
/// How long days are kept.
const DAYS_KEPT: i64 = 2 * 366 * DAY;

/// Executions that succeeded or had nothing to do, by recipe.
pub const SUCCEEDED: &str = "succeeded";
/// Executions that failed for good, by recipe.
pub const FAILED: &str = "failed";
/// Tries that failed, by recipe.
pub const TRIES: &str = "tries";
/// Processing times by bucket.
pub const LATENCY: &str = "latency";
/// Duplicates of our making, by recipe.
pub const DUPLICATES: &str = "duplicates";

/// Some of a series: what happened in one span of time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Point {
    /// Of what: a recipe, a connection.
    pub label: String,
    /// When the span begins.
    pub at: Timestamp,
    /// How many.
    pub count: i64,
    /// All values together.
    pub sum: i64,
    /// The greatest value.
    pub most: i64,
}

impl Journal {
    /// A series since then, in steps of that many milliseconds; steps in which nothing happened are left out. Steps
    /// finer than what is kept of that time come in the kept ones.
    pub async fn series(&self, name: String, since: Timestamp, step: i64) -> Result<Vec<Point>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT label, at - at % ?3 AS step, sum(count), sum(sum), max(most) FROM series \
                 WHERE name = ?1 AND at >= ?2 GROUP BY 1, 2 ORDER BY 1, 2",
            )?;
            let mut found =
                statement.query(params![name, since.0 - since.0.rem_euclid(step.max(1)), step.max(1)])?;
            let mut points = Vec::new();
            while let Some(row) = found.next()? {
                points.push(Point {
                    label: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    count: row.get(2)?,
                    sum: row.get(3)?,
                    most: row.get(4)?,
                });
            }
            Ok(points)
        })
        .await
    }

    /// The names there are series of.
    pub async fn series_names(&self) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT DISTINCT name FROM series ORDER BY name")?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// The processing times of what was settled since then.
    pub async fn latency(&self, since: Timestamp) -> Result<Histogram> {
        self.read(move |connection| latency(connection, since)).await
    }

    /// Adds samples of gauges (name, label, value) to the present minute, and rolls up what has grown old.
    pub async fn put_samples(&self, samples: Vec<(String, String, i64)>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            for (name, label, value) in &samples {
                add(connection, now, name, label, *value)?;
            }
            roll_up(connection, now)
        })
        .await
    }
}

/// Adds one value to the present minute of a series.
pub(in crate::journal) fn add(
    connection: &Connection,
    now: Timestamp,
    name: &str,
    label: &str,
    value: i64,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO series VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5) ON CONFLICT (name, label, span, at) DO UPDATE SET \
             count = count + 1, sum = sum + excluded.sum, most = max(most, excluded.most)",
        )?
        .execute(params![name, label, MINUTE, now.0 - now.0.rem_euclid(MINUTE), value])?;
    Ok(())
}

/// Counts an execution that has just changed its status: what became of it, how long it took, what it made.
pub(in crate::journal) fn settled(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    status: Status,
    failed_try: bool,
    plan: Option<&Plan>,
) -> Result<()> {
    let finished = matches!(status, Status::Succeeded | Status::Skipped);
    let failed = status == Status::Failed;
    let made = plan
        .iter()
        .flat_map(|plan| &plan.steps)
        .filter(|step| step.state == StepState::Done && matches!(step.effect, Effect::Create { .. }));
    let made: Vec<String> = made.filter_map(|step| step.result.as_ref()).map(ToString::to_string).collect();
    if !finished && !failed && !failed_try && made.is_empty() {
        return Ok(());
    }
    let known: Option<(String, i64)> = connection
        .prepare_cached(
            "SELECT execution.recipe, coalesce(timed.at, event.received_at, execution.created_at) \
             FROM executions AS execution LEFT JOIN events AS event ON event.id = execution.event_id \
             LEFT JOIN timed_from AS timed ON timed.execution_id = execution.id WHERE execution.id = ?1",
        )?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((recipe, from)) = known else { return Ok(()) };
    if finished {
        let took = (now.0 - from).max(0);
        add(connection, now, SUCCEEDED, &recipe, took)?;
        add(connection, now, LATENCY, &histogram::bucket(took).to_string(), took)?;
        let name = if status == Status::Skipped { trends::SKIPPED } else { trends::SUCCEEDED };
        trends::add(connection, now, name, 0, 1)?;
        trends::add(connection, now, trends::LAG, histogram::bucket(took), 1)?;
    }
    if failed {
        trends::add(connection, now, trends::FAILED, 0, 1)?;
        add(connection, now, FAILED, &recipe, 1)?;
    }
    if failed_try {
        add(connection, now, TRIES, &recipe, 1)?;
    }
    if finished || failed {
        connection.prepare_cached("DELETE FROM timed_from WHERE execution_id = ?1")?.execute([id.0])?;
    }
    for record in made {
        connection
            .prepare_cached("INSERT OR IGNORE INTO created_records VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![record, id.0, recipe, now.0])?;
    }
    Ok(())
}

pub(super) fn latency(connection: &Connection, since: Timestamp) -> Result<Histogram> {
    let mut statement = connection.prepare_cached(
        "SELECT CAST(label AS INTEGER), sum(count), sum(sum), max(most) FROM series \
         WHERE name = 'latency' AND at >= ?1 GROUP BY 1 ORDER BY 1",
    )?;
    let mut found = statement.query([since.0 - since.0.rem_euclid(MINUTE)])?;
    let mut histogram = Histogram::default();
    while let Some(row) = found.next()? {
        histogram.buckets.push((row.get(0)?, row.get::<_, i64>(1)? as u64));
        histogram.sum += row.get::<_, i64>(2)?;
        histogram.most = histogram.most.max(row.get(3)?);
    }
    Ok(histogram)
}

/// Counts of a series since then, by label.
pub(super) fn counted(connection: &Connection, name: &str, since: Timestamp) -> Result<Vec<(String, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT label, sum(count) FROM series WHERE name = ?1 AND at >= ?2 GROUP BY label ORDER BY label",
    )?;
    let found = statement.query_map(params![name, since.0 - since.0.rem_euclid(MINUTE)], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)? as u64))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Moves what has grown old into the next longer span, and drops days nobody asks for any more.
pub(super) fn roll_up(connection: &Connection, now: Timestamp) -> Result<()> {
    for (span, kept, next) in [(MINUTE, MINUTES_KEPT, QUARTER), (QUARTER, QUARTERS_KEPT, DAY)] {
        // Whole spans only: one that has begun to be moved is moved to its end.
        let before = now.0 - kept;
        let before = before - before.rem_euclid(next);
        let old: Option<i64> = connection
            .prepare_cached("SELECT min(at) FROM series WHERE span = ?1")?
            .query_row([span], |row| row.get(0))?;
        if old.is_none_or(|old| old >= before) {
            continue;
        }
        connection
            .prepare_cached(
                "INSERT INTO series SELECT name, label, ?3, at - at % ?3, sum(count), sum(sum), max(most) FROM series \
                 WHERE span = ?1 AND at < ?2 GROUP BY 1, 2, 4 ON CONFLICT (name, label, span, at) DO UPDATE SET \
                 count = count + excluded.count, sum = sum + excluded.sum, most = max(most, excluded.most)",
            )?
            .execute(params![span, before, next])?;
        connection
            .prepare_cached("DELETE FROM series WHERE span = ?1 AND at < ?2")?
            .execute(params![span, before])?;
    }
    connection
        .prepare_cached("DELETE FROM series WHERE span = ?1 AND at < ?2")?
        .execute(params![DAY, now.0 - DAYS_KEPT])?;
    crate::journal::recipes::forget_hours(connection, now)?;
    trends::forget(connection, now)
}
