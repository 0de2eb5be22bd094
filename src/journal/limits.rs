//! Calls to the vendors, counted where all workers and processes of one journal meet.
//!
//! A process reserves calls before it makes them, one or a small block at a time, and tells what it did not use with
//! its next word. Reserved calls count from their grant until the vendor's window has passed (a little longer, see
//! [`GUARD`]), so no process has to know of another. A process that is killed leaves its unused block behind: at most
//! a tenth of a window, gone with the window; the day's counter keeps those few calls, on the safe side.
//!
//! Counts only. What the figures of a vendor are, who may pass a budget and what a refusal means is the engine's.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Journal, Result, rows};
use crate::domain::clock::Timestamp;
use crate::domain::limit::{DAY, Daily, Family, FamilyState, GUARD, Pace, Rule, Urgency, Waiting};
use crate::domain::record::Connection as Vendor;

const QUARTER: i64 = 15 * 60_000;
const HOUR: i64 = 4 * QUARTER;
/// Quarters kept: two days tell every forecast.
const QUARTERS_KEPT: i64 = 2 * DAY / QUARTER + 4;
/// How long granted calls are kept where the vendor has no window: for "used in the last ten seconds".
const NO_WINDOW: Duration = Duration::from_secs(10);
/// By less than this the wall's clock is corrected, not set; no more than a window's guard can bear.
const CORRECTION: Duration = Duration::from_millis(100);
/// No vendor's window is longer.
const LONGEST_WINDOW: Duration = Duration::from_secs(60);
/// Looking again for a day that is always the last 24 hours: not sooner and not later than this.
const LOOK_AGAIN: (i64, i64) = (5 * 60_000, HOUR);

/// Calls granted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Its number.
    pub id: i64,
    /// From when they count.
    pub at: Timestamp,
    /// How many.
    pub calls: u32,
}

/// The answer to a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// Go.
    Granted(Grant),
    /// No call before this time.
    NotBefore {
        /// When to ask again.
        until: Timestamp,
        /// What for.
        why: Waiting,
    },
}

/// What a vendor's answer said of its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When the answer came.
    pub at: Timestamp,
    /// Calls used and allowed in the present window.
    pub window: Option<(u32, u32)>,
    /// Calls used and allowed in the day.
    pub day: Option<(u32, u32)>,
}

/// What a process tells about one family, mostly along with its next reservation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Granted calls that were not made: which grant and how many.
    pub returned: Vec<Grant>,
    /// Granted calls that were made later than they count from: which grant, how many, and when they were made.
    pub late: Vec<(Grant, Timestamp)>,
    /// The newest answer's figures.
    pub reading: Option<Reading>,
    /// The vendor said "not before": until when, and why as a phrase.
    pub closed: Option<(Timestamp, String)>,
}

impl Told {
    /// There is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Journal {
    /// Takes up to `calls` calls, at least one, or says when to ask again.
    pub async fn reserve_calls(
        &self,
        rule: Rule,
        calls: u32,
        urgency: Urgency,
        told: Told,
    ) -> Result<Reservation> {
        // The time is taken where the grant is made: waiting in the writer's queue must not eat into the guard.
        let clock = self.inner.clock.clone();
        let drift = Arc::clone(&self.inner.drift);
        self.write(move |connection| {
            let jump = drift.lock().unwrap_or_else(PoisonError::into_inner).jump(&*clock, CORRECTION);
            let now = clock.now();
            if let Some(jump) = jump {
                clock_was_set(connection, now, jump)?;
            }
            take_in(connection, now, &rule, &told)?;
            reserve(connection, now, &rule, calls.max(1), urgency)
        })
        .await
    }

    /// Takes in what a process has to tell, without a reservation.
    pub async fn tell_calls(&self, rule: Rule, told: Told) -> Result<()> {
        let clock = self.inner.clock.clone();
        self.write(move |connection| take_in(connection, clock.now(), &rule, &told)).await
    }

    /// The figures of every family that was ever called, in the order of connections.
    pub async fn call_limits(&self) -> Result<Vec<FamilyState>> {
        let now = self.now();
        self.read(move |connection| states(connection, now)).await
    }
}

/// The wall's clock was set, or the machine slept: calls that counted go on counting, from now at the most, so that no
/// window begins anew by it; and what a vendor closed stays closed for as long as was left. Done by each process that
/// notices; the second time changes next to nothing.
fn clock_was_set(connection: &Connection, now: Timestamp, jump: i64) -> Result<()> {
    let before = now.0.saturating_sub(jump);
    connection
        .prepare_cached("UPDATE call_grants SET at = ?1 WHERE at > ?2")?
        .execute(params![now.0, before.saturating_sub(LONGEST_WINDOW.as_millis() as i64)])?;
    connection
        .prepare_cached(
            "UPDATE call_families SET closed_at = ?1, closed_until = ?1 + (closed_until - ?2) \
             WHERE closed_until > ?2 AND closed_until <= ?1",
        )?
        .execute(params![now.0, before])?;
    Ok(())
}

/// Calls counted in quarters that have not come yet were made before the clock was set back: they move back with it,
/// so that they stay in the day they were made in and no day counts two.
fn bring_quarters_back(connection: &Connection, now: Timestamp, vendor: &str, family: Family) -> Result<()> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(quarter) FROM call_quarters WHERE connection = ?1 AND family = ?2")?
        .query_row(params![vendor, family.as_str()], |row| row.get(0))?;
    let ahead = last.unwrap_or(0) - now.0.div_euclid(QUARTER);
    if ahead <= 0 {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "DELETE FROM call_quarters WHERE connection = ?1 AND family = ?2 RETURNING quarter, calls",
    )?;
    let quarters: Vec<(i64, i64)> = statement
        .query_map(params![vendor, family.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut insert = connection.prepare_cached("INSERT INTO call_quarters VALUES (?1, ?2, ?3, ?4)")?;
    for (quarter, calls) in quarters {
        insert.execute(params![vendor, family.as_str(), quarter - ahead, calls])?;
    }
    Ok(())
}

fn span(rule: &Rule) -> i64 {
    let length = rule.window.map_or(NO_WINDOW, |window| window.length);
    (length + GUARD).as_millis() as i64
}

fn take_in(connection: &Connection, now: Timestamp, rule: &Rule, told: &Told) -> Result<()> {
    let (vendor, family) = (rule.connection.to_string(), rule.family.as_str());
    let own = rule.daily.iter().find(|daily| daily.family == rule.family);
    let (from, until) =
        own.and_then(|daily| daily.day).map_or((None, None), |(from, until)| (Some(from.0), Some(until.0)));
    connection
        .prepare_cached(
            "INSERT INTO call_families (connection, family, most, window_ms, day_most, day_from, day_until, \
             budget_percent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (connection, family) DO UPDATE SET \
             most = excluded.most, window_ms = excluded.window_ms, day_most = excluded.day_most, \
             day_from = excluded.day_from, day_until = excluded.day_until, budget_percent = excluded.budget_percent",
        )?
        .execute(params![
            vendor,
            family,
            rule.window.map(|window| window.most),
            rule.window.map_or(0, |window| window.length.as_millis() as i64),
            own.map(|daily| daily.most),
            from,
            until,
            own.map_or(100, |daily| daily.budget_percent),
        ])?;
    for grant in &told.returned {
        less(connection, grant)?;
        for counter in counters(rule) {
            count(connection, &vendor, counter, grant.at, -i64::from(grant.calls))?;
        }
    }
    for (grant, at) in &told.late {
        less(connection, grant)?;
        if at.0 + span(rule) > now.0 {
            put(connection, &vendor, family, *at, grant.calls, true)?;
        }
    }
    if let Some(reading) = &told.reading {
        learn(connection, now, rule, reading)?;
    }
    if let Some((until, why)) = &told.closed {
        connection
            .prepare_cached(
                "UPDATE call_families SET closed_at = ?3, closed_until = ?4, closed_why = ?5 \
                 WHERE connection = ?1 AND family = ?2 AND (closed_until IS NULL OR closed_until < ?4)",
            )?
            .execute(params![vendor, family, now.0, until.0, why])?;
    }
    Ok(())
}

/// The counters a call of this family counts in: its own, and the ones of its days.
fn counters(rule: &Rule) -> Vec<Family> {
    let mut counters = vec![rule.family];
    counters.extend(rule.daily.iter().map(|daily| daily.family).filter(|family| *family != rule.family));
    counters
}

fn less(connection: &Connection, grant: &Grant) -> Result<()> {
    connection
        .prepare_cached("UPDATE call_grants SET calls = max(0, calls - ?2) WHERE id = ?1")?
        .execute(params![grant.id, grant.calls])?;
    Ok(())
}

fn put(
    connection: &Connection,
    vendor: &str,
    family: &str,
    at: Timestamp,
    calls: u32,
    ours: bool,
) -> Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO call_grants (connection, family, at, calls, ours) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![vendor, family, at.0, calls, ours])?;
    Ok(connection.last_insert_rowid())
}

/// Adds to a family's counters.
fn count(connection: &Connection, vendor: &str, family: Family, at: Timestamp, calls: i64) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO call_quarters VALUES (?1, ?2, ?3, max(0, ?4)) ON CONFLICT (connection, family, quarter) \
             DO UPDATE SET calls = max(0, calls + ?4)",
        )?
        .execute(params![vendor, family.as_str(), at.0.div_euclid(QUARTER), calls])?;
    connection
        .prepare_cached(
            "INSERT INTO call_families (connection, family, granted) VALUES (?1, ?2, max(0, ?3)) \
             ON CONFLICT (connection, family) DO UPDATE SET granted = max(0, granted + ?3)",
        )?
        .execute(params![vendor, family.as_str(), calls])?;
    Ok(())
}

/// Corrects our picture by the vendor's: calls we did not make are other apps', who share the limit with us.
fn learn(connection: &Connection, now: Timestamp, rule: &Rule, reading: &Reading) -> Result<()> {
    let (vendor, family) = (rule.connection.to_string(), rule.family.as_str());
    if let (Some((used, most)), Some(window)) = (reading.window, rule.window) {
        connection
            .prepare_cached(
                "UPDATE call_families SET told_most = ?3 WHERE connection = ?1 AND family = ?2 AND told_most IS NOT ?3",
            )?
            .execute(params![vendor, family, most])?;
        let length = window.length.as_millis() as i64;
        let known: i64 = connection
            .prepare_cached(
                "SELECT coalesce(sum(calls), 0) FROM call_grants WHERE connection = ?1 AND family = ?2 AND at > ?3",
            )?
            .query_row(params![vendor, family, reading.at.0 - length], |row| row.get(0))?;
        let others = u32::try_from(i64::from(used) - known).unwrap_or(0);
        // An old answer tells of calls that no longer count.
        if others > 0 && reading.at.0 + length > now.0 {
            put(connection, &vendor, family, reading.at, others, false)?;
        }
    }
    if let Some((used, most)) = reading.day {
        connection
            .prepare_cached(
                "UPDATE call_families SET told_day_used = ?3, told_day_most = ?4, told_day_at = ?5, \
                 told_day_granted = granted WHERE connection = ?1 AND family = ?2 \
                 AND (told_day_at IS NULL OR told_day_at <= ?5 OR told_day_at > ?6)",
            )?
            .execute(params![vendor, family, used, most, reading.at.0, now.0])?;
    }
    Ok(())
}

fn reserve(
    connection: &Connection,
    now: Timestamp,
    rule: &Rule,
    calls: u32,
    urgency: Urgency,
) -> Result<Reservation> {
    let (vendor, family) = (rule.connection.to_string(), rule.family.as_str());
    for counter in counters(rule) {
        bring_quarters_back(connection, now, &vendor, counter)?;
    }
    if urgency != Urgency::Begun
        && let Some((until, why)) = closed(connection, now, &vendor, &counters(rule))?
    {
        return Ok(Reservation::NotBefore { until, why: Waiting::Closed(why) });
    }
    connection
        .prepare_cached("DELETE FROM call_grants WHERE connection = ?1 AND family = ?2 AND at <= ?3")?
        .execute(params![vendor, family, now.0 - span(rule)])?;
    // A clock that was set back must not make calls count for a day: they were made before this moment, so they
    // count from it at the latest.
    connection
        .prepare_cached("UPDATE call_grants SET at = ?3 WHERE connection = ?1 AND family = ?2 AND at > ?3")?
        .execute(params![vendor, family, now.0])?;
    let mut free = calls;
    if let Some(window) = rule.window {
        let told: Option<u32> = connection
            .prepare_cached("SELECT told_most FROM call_families WHERE connection = ?1 AND family = ?2")?
            .query_row(params![vendor, family], |row| row.get(0))?;
        let most = told.map_or(window.most, |told| told.min(window.most)).max(1);
        let (used, oldest): (u32, Option<i64>) = connection
            .prepare_cached(
                "SELECT coalesce(sum(calls), 0), min(at) FILTER (WHERE calls > 0) FROM call_grants \
                 WHERE connection = ?1 AND family = ?2",
            )?
            .query_row(params![vendor, family], |row| Ok((row.get(0)?, row.get(1)?)))?;
        free = free.min(most.saturating_sub(used));
        if free == 0 {
            let until = Timestamp(oldest.unwrap_or(now.0) + span(rule));
            let window = crate::domain::limit::Window { most, ..window };
            return Ok(Reservation::NotBefore { until, why: Waiting::Window(window) });
        }
    }
    if urgency != Urgency::Begun {
        for daily in &rule.daily {
            let (used, limit) = used_today(connection, now, &vendor, daily)?;
            let percent =
                if urgency == Urgency::Operator { daily.urgent_percent } else { daily.budget_percent };
            let mark = share(limit, percent);
            free = free.min(mark.saturating_sub(used));
            if used >= mark {
                let until = daily.day.map_or_else(|| eases(now, used, limit), |(_, until)| until);
                return Ok(Reservation::NotBefore { until, why: Waiting::Budget { used, limit, percent } });
            }
        }
    }
    let id = put(connection, &vendor, family, now, free, true)?;
    for counter in counters(rule) {
        count(connection, &vendor, counter, now, i64::from(free))?;
        connection
            .prepare_cached(
                "DELETE FROM call_quarters WHERE connection = ?1 AND family = ?2 AND quarter < ?3",
            )?
            .execute(params![vendor, counter.as_str(), now.0.div_euclid(QUARTER) - QUARTERS_KEPT])?;
    }
    Ok(Reservation::Granted(Grant { id, at: now, calls: free }))
}

fn share(limit: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(limit) * u64::from(percent) / 100).unwrap_or(u32::MAX)
}

/// When a day that is always the last 24 hours will have let go of one per cent of the limit, if calls were spread
/// evenly over it; nobody but the vendor knows better.
fn eases(now: Timestamp, used: u32, limit: u32) -> Timestamp {
    let one = i64::from(limit / 100).max(1);
    Timestamp(now.0 + (one * DAY / i64::from(used.max(1))).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1))
}

/// Until when any of these families is closed, and why.
fn closed(
    connection: &Connection,
    now: Timestamp,
    vendor: &str,
    families: &[Family],
) -> Result<Option<(Timestamp, String)>> {
    let mut longest: Option<(Timestamp, String)> = None;
    for family in families {
        let found: Option<(i64, i64, String)> = connection
            .prepare_cached(
                "SELECT closed_at, closed_until, closed_why FROM call_families \
                 WHERE connection = ?1 AND family = ?2 AND closed_until IS NOT NULL",
            )?
            .query_row(params![vendor, family.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((at, until, why)) = found else { continue };
        // Closed in the future: the clock was set back since, and the pause is as long as it was.
        let until = if at > now.0 { now.0 + (until - at) } else { until };
        if at > now.0 || until <= now.0 {
            let kept = (until > now.0).then_some(until);
            connection
                .prepare_cached(
                    "UPDATE call_families SET closed_at = ?3, closed_until = ?4 WHERE connection = ?1 AND family = ?2",
                )?
                .execute(params![vendor, family.as_str(), now.0, kept])?;
        }
        if until > now.0 && longest.as_ref().is_none_or(|(known, _)| known.0 < until) {
            longest = Some((Timestamp(until), why));
        }
    }
    Ok(longest)
}

/// Our calls since then.
fn ours_since(connection: &Connection, vendor: &str, family: Family, from: i64) -> Result<i64> {
    Ok(connection
        .prepare_cached(
            "SELECT coalesce(sum(calls), 0) FROM call_quarters WHERE connection = ?1 AND family = ?2 AND quarter >= ?3",
        )?
        .query_row(params![vendor, family.as_str(), from.div_euclid(QUARTER)], |row| row.get(0))?)
}

/// Calls used in the present day and allowed in it: our own count, or the vendor's last word and ours since then,
/// whichever is more.
fn used_today(connection: &Connection, now: Timestamp, vendor: &str, daily: &Daily) -> Result<(u32, u32)> {
    let from = daily.day.map_or(now.0 - DAY, |(from, _)| from.0);
    let mut used = ours_since(connection, vendor, daily.family, from)?;
    let mut most = daily.most;
    let told: Option<(i64, u32, i64, i64)> = connection
        .prepare_cached(
            "SELECT told_day_used, told_day_most, told_day_at, granted - told_day_granted FROM call_families \
             WHERE connection = ?1 AND family = ?2 AND told_day_at IS NOT NULL",
        )?
        .query_row(params![vendor, daily.family.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    if let Some((told_used, told_most, at, since)) = told {
        most = told_most;
        if at >= from {
            // Of the last 24 hours a part has passed since the vendor spoke; its calls are taken as spread evenly.
            let left = if daily.day.is_some() { DAY } else { (DAY - (now.0 - at).max(0)).max(0) };
            let then = i128::from(told_used) * i128::from(left) / i128::from(DAY);
            used = used.max(i64::try_from(then).unwrap_or(i64::MAX) + since.max(0));
        }
    }
    Ok((u32::try_from(used).unwrap_or(u32::MAX), most))
}

pub(super) fn states(connection: &Connection, now: Timestamp) -> Result<Vec<FamilyState>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM call_families WHERE window_ms > 0 OR day_most IS NOT NULL OR granted > 0 \
         ORDER BY connection, family",
    )?;
    let mut found = statement.query([])?;
    let mut states = Vec::new();
    while let Some(row) = found.next()? {
        let vendor: Vendor = rows::word(row, "connection")?;
        let family: Family = rows::word(row, "family")?;
        let name = vendor.to_string();
        let window: i64 = row.get("window_ms")?;
        let most: Option<u32> = row.get("most")?;
        let told: Option<u32> = row.get("told_most")?;
        let used: u32 = connection
            .prepare_cached(
                "SELECT coalesce(sum(calls), 0) FROM call_grants WHERE connection = ?1 AND family = ?2 AND at > ?3",
            )?
            .query_row(
                params![name, family.as_str(), now.0 - window - GUARD.as_millis() as i64],
                |row| row.get(0),
            )?;
        let day_most: Option<u32> = row.get("day_most")?;
        let (from, until): (Option<i64>, Option<i64>) = (row.get("day_from")?, row.get("day_until")?);
        let budget_percent: u32 = row.get("budget_percent")?;
        // A day that is over was another one's: nobody has called since.
        let day = from.zip(until).map(|(from, until)| {
            let days = if now.0 >= until { (now.0 - until) / DAY + 1 } else { 0 };
            (Timestamp(from + days * DAY), Timestamp(until + days * DAY))
        });
        let (mut daily_used, mut daily_limit, mut reached, mut spent) = (0, 0, None, None);
        if let Some(most) = day_most {
            let daily = Daily { family, most, day, budget_percent, urgent_percent: 100 };
            (daily_used, daily_limit) = used_today(connection, now, &name, &daily)?;
            let budget = share(daily_limit, budget_percent);
            let pace = pace(connection, now, &name, &daily, daily_used)?;
            reached = pace.reaches(now, daily_used, budget);
            spent = pace.reaches(now, daily_used, daily_limit);
        }
        let closed_until = row.get::<_, Option<i64>>("closed_until")?.filter(|until| *until > now.0);
        states.push(FamilyState {
            connection: vendor,
            family,
            used: if window == 0 { 0 } else { used },
            limit: most.map_or(0, |most| told.map_or(most, |told| told.min(most))),
            window_milliseconds: window as u32,
            daily_used,
            daily_limit,
            daily_budget: share(daily_limit, budget_percent),
            renewed_at: day.map(|(_, until)| until),
            closed_until: closed_until.map(Timestamp),
            closed_why: closed_until.map_or(Ok(String::new()), |_| row.get("closed_why"))?,
            budget_reached_at: reached,
            limit_reached_at: spent,
        });
    }
    states.sort_by_key(|state: &FamilyState| (state.connection.clone(), state.family));
    Ok(states)
}

/// How fast the day's calls are used up: as in the day so far, or as in the last hour where the day never ends.
fn pace(connection: &Connection, now: Timestamp, vendor: &str, daily: &Daily, used: u32) -> Result<Pace> {
    Ok(match daily.day {
        Some((from, until)) => Pace { calls: i64::from(used), milliseconds: now.0 - from.0, end: until },
        None => {
            let hour = ours_since(connection, vendor, daily.family, now.0 - HOUR)?;
            let leaving = ours_since(connection, vendor, daily.family, now.0 - DAY)?
                - ours_since(connection, vendor, daily.family, now.0 - DAY + HOUR)?;
            Pace { calls: hour - leaving, milliseconds: HOUR, end: Timestamp(now.0 + DAY) }
        }
    })
}

#[cfg(test)]
mod tests;
