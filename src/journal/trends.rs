//! What happened by the hour: a few rows an hour, added to in the transaction that makes the thing they count.
//!
//! Never reads a row of what it counts: a trend over five million executions costs what one over fifty does.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::{Journal, Result, links};
use crate::domain::clock::Timestamp;
use crate::domain::links::{Coverage, day_of};
use crate::domain::monitor::histogram::Histogram;
use crate::domain::overview::{Hour, Slot, Trends};

/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;
/// A day.
const DAY: i64 = 24 * HOUR;
/// How many hours are shown.
const HOURS: i64 = 24;
/// How many days are shown.
pub const DAYS: i64 = 14;
/// How long hours are kept.
const KEPT: i64 = (DAYS + 1) * DAY;

/// Executions that succeeded.
pub(super) const SUCCEEDED: &str = "succeeded";
/// Executions that had nothing to do.
pub(super) const SKIPPED: &str = "skipped";
/// Executions that failed for good.
pub(super) const FAILED: &str = "failed";
/// How long processing took, by bucket.
pub(super) const LAG: &str = "lag";
/// Events that only repeated our own writes.
pub(super) const ECHOES: &str = "echoes";
const CONFLICTS: &str = "conflicts";
const DUPLICATES: &str = "duplicates";
const UNLINKED: &str = "unlinked";
const NAMES: [&str; 8] = [SUCCEEDED, SKIPPED, FAILED, LAG, ECHOES, CONFLICTS, DUPLICATES, UNLINKED];

impl Journal {
    /// The last day by the hour and the last two weeks by the day, oldest first, the present one last.
    pub async fn trends(&self) -> Result<Trends> {
        let now = self.now();
        self.read(move |connection| {
            let (hours, lag_of_hours) = slots(connection, now, HOUR, HOURS)?;
            let (days, lag_of_days) = slots(connection, now, DAY, DAYS)?;
            Ok(Trends { hours, lag_of_hours, days, lag_of_days, coverage: coverage(connection, now)? })
        })
        .await
    }
}

/// Adds to the present hour.
pub(super) fn add(
    connection: &Connection,
    now: Timestamp,
    name: &str,
    bucket: u32,
    count: i64,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO trends VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name, hour, bucket) DO UPDATE SET \
             count = count + excluded.count",
        )?
        .execute(params![name, now.0 - now.0.rem_euclid(HOUR), bucket, count])?;
    Ok(())
}

/// Drops hours nobody asks for any more.
pub(super) fn forget(connection: &Connection, now: Timestamp) -> Result<()> {
    for name in NAMES {
        connection
            .prepare_cached("DELETE FROM trends WHERE name = ?1 AND hour < ?2")?
            .execute(params![name, now.0 - KEPT])?;
    }
    Ok(())
}

/// The last 24 hours, for the first screen.
pub(super) fn hours(connection: &Connection, now: Timestamp) -> Result<Vec<Hour>> {
    let (slots, _) = slots(connection, now, HOUR, HOURS)?;
    let hour = |slot: &Slot| Hour { succeeded: slot.succeeded, failed: slot.failed, skipped: slot.skipped };
    Ok(slots.iter().map(hour).collect())
}

/// Spans, and the lag of all of them.
type Spans = (Vec<Slot>, Option<(i64, i64)>);

/// Spans of time, and the lag of all of them together.
fn slots(connection: &Connection, now: Timestamp, span: i64, count: i64) -> Result<Spans> {
    let last = now.0 - now.0.rem_euclid(span);
    let first = last - (count - 1) * span;
    let mut slots: Vec<Slot> =
        (0..count).map(|at| Slot { at: Timestamp(first + at * span), ..Slot::default() }).collect();
    let mut lags = vec![Histogram::default(); slots.len()];
    let mut statement = connection.prepare_cached(
        "SELECT (hour - ?2) / ?3, bucket, sum(count) FROM trends WHERE name = ?1 AND hour >= ?2 GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    for name in NAMES {
        let mut found = statement.query(params![name, first, span])?;
        while let Some(row) = found.next()? {
            // What a clock that was set back wrote ahead of its time belongs to now.
            let place = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(0).min(slots.len() - 1);
            let (bucket, number): (u32, i64) = (row.get(1)?, row.get(2)?);
            let number = number.max(0).cast_unsigned();
            let slot = &mut slots[place];
            match name {
                SUCCEEDED => slot.succeeded += number,
                SKIPPED => slot.skipped += number,
                FAILED => slot.failed += number,
                ECHOES => slot.echoes += number,
                CONFLICTS => slot.conflicts += number,
                DUPLICATES => slot.duplicates += number,
                UNLINKED => slot.unlinked += number,
                _ => lags[place].buckets.push((bucket, number)),
            }
        }
    }
    let mut whole: BTreeMap<u32, u64> = BTreeMap::new();
    for (slot, lag) in slots.iter_mut().zip(lags) {
        for (bucket, number) in &lag.buckets {
            *whole.entry(*bucket).or_default() += number;
        }
        slot.lag = percentiles(lag.buckets);
    }
    Ok((slots, percentiles(whole.into_iter().collect())))
}

/// Half and 95 % of durations by bucket, in the order of buckets.
fn percentiles(buckets: Vec<(u32, u64)>) -> Option<(i64, i64)> {
    // The longest is not known to the millisecond here: the bucket's own duration stands for it.
    let lag = Histogram { buckets, most: i64::MAX, sum: 0 };
    lag.percentile(0.5).zip(lag.percentile(0.95))
}

/// The share of people with an account on each of the last days, in percent; none where nobody counted.
fn coverage(connection: &Connection, now: Timestamp) -> Result<Vec<Option<f64>>> {
    let first = day_of(now) - DAYS + 1;
    let mut sums = vec![(0_u64, 0_u64); DAYS as usize];
    for row in links::coverage(connection, first)? {
        let place = usize::try_from(row.day - first).unwrap_or(0).min(sums.len() - 1);
        sums[place].0 += row.people;
        sums[place].1 += row.linked;
    }
    Ok(sums.into_iter().map(|(people, linked)| Coverage::percent(people, linked)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::clock::ManualClock;
    use crate::domain::monitor::histogram;

    /// Half past an hour, so that the present hour has begun.
    const NOW: Timestamp = Timestamp(1_795_219_200_000 + HOUR / 2);

    async fn count(journal: &Journal, name: &'static str, bucket: u32) {
        let now = journal.now();
        journal.write(move |connection| add(connection, now, name, bucket, 1)).await.unwrap();
    }

    #[tokio::test]
    async fn r7_what_happened_stands_in_its_hour_and_its_day_and_is_forgotten_after_two_weeks() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(NOW);
        let journal = Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).unwrap();
        count(&journal, FAILED, 0).await;
        for milliseconds in [100, 100, 9_000] {
            count(&journal, LAG, histogram::bucket(milliseconds)).await;
        }
        clock.advance(Duration::from_secs(3 * 3_600));
        count(&journal, FAILED, 0).await;
        count(&journal, FAILED, 0).await;
        let trends = journal.trends().await.unwrap();
        let failed: Vec<u64> = trends.hours.iter().map(|slot| slot.failed).collect();
        assert_eq!((failed.len(), &failed[19..]), (24, &[0, 1, 0, 0, 2][..]));
        let (half, most) = trends.hours[20].lag.expect("three were timed");
        assert!((98..=102).contains(&half) && (8_800..=9_200).contains(&most), "{half} {most}");
        assert_eq!((trends.hours[23].lag, trends.lag_of_hours), (None, Some((half, most))));
        assert_eq!((trends.days.len(), trends.days[13].failed), (14, 3));
        clock.advance(Duration::from_secs(20 * 86_400));
        journal.put_samples(vec![]).await.unwrap();
        let rows = journal
            .read(|connection| {
                Ok(connection.query_row("SELECT count(*) FROM trends", [], |row| row.get::<_, i64>(0))?)
            })
            .await;
        assert_eq!(rows.unwrap(), 0);
        assert!(journal.trends().await.unwrap().days.iter().all(|slot| slot.failed == 0));
    }
}
