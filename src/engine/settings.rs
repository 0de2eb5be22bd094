//! The engine's own settings, with a default for each.

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::clock::Timestamp;
use crate::domain::limit::HubspotTier;
use crate::domain::record::System;
use crate::recipes::newcomer::Newcomers;

/// The longest that anything waits for company.
const LONGEST_WAIT: u64 = 250;

/// How the engine works.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which CRM people are synced with.
    pub crm: System,
    /// Who may give a routed case or conversation to somebody else, by the names of the audit log; empty = everybody.
    pub may_override: Vec<String>,
    /// As what a person is made in Salesforce.
    pub salesforce_newcomers: Newcomers,
    /// How recipes begin in a new journal: `shadow` or `on`.
    pub first_run: crate::recipes::recipe::State,
    /// Executions worked on at once.
    pub workers: usize,
    /// How long a call that could travel with others waits for them, while others are on their way.
    pub batch_wait_milliseconds: u64,
    /// Rows that travel together at the most; 1 = every call by itself.
    pub batch_rows: usize,
    /// Tries before an execution becomes a dead letter.
    pub max_attempts: u32,
    /// Seconds a worker may be silent before its work is given back.
    pub lease_seconds: u64,
    /// Seconds between two looks for changes no webhook told of.
    pub poll_seconds: u64,
    /// How far back, in seconds of the vendor's time, each look reads again: what came late into its search is found.
    pub poll_overlap_seconds: u64,
    /// Seconds between two readings of all Intercom companies, which Intercom cannot list by what changed.
    pub companies_seconds: u64,
    /// Hours between two sweeps for people who are gone without a word; 0 = none.
    pub sweep_hours: u64,
    /// A sweep that misses more than so many per cent of the people known stops and asks.
    pub sweep_missing_percent: u64,
    /// Hours between two looks whether the vendors' fields still are what the rules expect; 0 = none.
    pub drift_hours: u64,
    /// A backfill reads no further while so many of its conversations wait to be written.
    pub backfill_backlog: u64,
    /// A backfill pauses itself when so many per cent of a vendor's calls of the day are used, by whomever.
    pub backfill_daily_percent: u32,
    /// People of a domain that has a rule are linked by it without a question.
    pub link_by_rule: bool,
    /// Seconds between two scans for duplicates and missing relations, when something changed.
    pub scan_seconds: u64,
    /// When changes found by polling are carried out, `"22:00-05:00"`; empty = at once.
    pub off_peak: String,
    /// The time zone of `off_peak`, `"Europe/Berlin"`.
    pub off_peak_time_zone: String,
    /// Calls Intercom gets from us in 10 seconds at the most.
    pub intercom_calls_per_10_seconds: u32,
    /// Calls HubSpot gets from us in 10 seconds at the most; 0 = as many as the tier allows.
    pub hubspot_calls_per_10_seconds: u32,
    /// When a connection is left alone, and for how long.
    pub breaker: super::breaker::BreakerSettings,
    /// Hours between two looks over everybody for duplicates; what changes meanwhile is compared at once.
    pub full_scan_hours: u64,
    /// Days after which a pair judged different or unsure should be looked at again; 0 = never.
    pub exceptions_days: u64,
    /// Tags of Intercom that stand for segments: their coming and going is no event of a person.
    pub segment_tags: Vec<String>,
    /// The vendors' limits and our share of them; a section of its own in the file.
    #[serde(skip)]
    pub limits: LimitSettings,
    /// From what on records count as alike; a section of its own in the file.
    #[serde(skip)]
    pub matching: crate::matching::Settings,
    /// What a deletion at one side does at the other; a section of its own in the file.
    #[serde(skip)]
    pub erasure: super::erasure::Settings,
    /// How records are merged; a section of its own in the file.
    #[serde(skip)]
    pub merge: crate::recipes::merge::Settings,
}

/// The vendors' limits and our share of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Per cent of a day's calls that unurgent work may use, other apps' calls included.
    pub daily_budget_percent: u32,
    /// Per cent of a day's calls that an operator's own work may use.
    pub daily_urgent_percent: u32,
    /// HubSpot's.
    pub hubspot: HubspotLimits,
    /// Salesforce's.
    pub salesforce: SalesforceLimits,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            daily_budget_percent: 80,
            daily_urgent_percent: 95,
            hubspot: HubspotLimits::default(),
            salesforce: SalesforceLimits::default(),
        }
    }
}

/// What a HubSpot account allows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubspotLimits {
    /// What the account pays for.
    pub tier: HubspotTier,
    /// Searches in one second, for the whole account.
    pub searches_per_second: u32,
    /// Calls in a day until HubSpot's answers say another number; 0 = as many as the tier allows.
    pub daily: u32,
    /// The account's time zone: its midnight renews the day's calls.
    pub time_zone: String,
}

impl Default for HubspotLimits {
    fn default() -> Self {
        Self { tier: HubspotTier::Free, searches_per_second: 5, daily: 0, time_zone: "UTC".into() }
    }
}

/// What a Salesforce org allows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SalesforceLimits {
    /// Calls in 24 hours until Salesforce's answers say another number.
    pub daily: u32,
    /// Bulk API 2.0 uploads in 24 hours.
    pub daily_bulk_uploads: u32,
    /// Calls on their way at once: Salesforce refuses more of those that take longer than 20 seconds.
    pub calls_at_once: u32,
}

impl Default for SalesforceLimits {
    fn default() -> Self {
        // The smallest org's; every answer of a bigger one says its number.
        Self { daily: 15_000, daily_bulk_uploads: 15_000, calls_at_once: 25 }
    }
}

/// A time zone by its name.
pub(super) fn zone(setting: &str, name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("{setting} = \"{name}\" is no time zone this machine knows; write for example \"Europe/Berlin\" or \"UTC\"")
    })
}

impl LimitSettings {
    /// Whether every value makes sense. The error names the setting and shows a right one.
    pub fn check(&self) -> Result<(), String> {
        let (budget, urgent) = (self.daily_budget_percent, self.daily_urgent_percent);
        if !(1..=100).contains(&budget) {
            return Err(format!(
                "limits.daily_budget_percent = {budget} is no share; write 1 to 100, for example 80"
            ));
        }
        if !(budget..=100).contains(&urgent) {
            return Err(format!(
                "limits.daily_urgent_percent = {urgent} must lie between daily_budget_percent ({budget}) and 100"
            ));
        }
        zone("limits.hubspot.time_zone", &self.hubspot.time_zone).map(drop)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            crm: System::Hubspot,
            may_override: Vec::new(),
            salesforce_newcomers: Newcomers::default(),
            first_run: crate::recipes::recipe::State::Shadow,
            workers: 64,
            batch_wait_milliseconds: 75,
            batch_rows: 100,
            max_attempts: 12,
            lease_seconds: 60,
            poll_seconds: 300,
            poll_overlap_seconds: 900,
            companies_seconds: 3600,
            sweep_hours: 24,
            sweep_missing_percent: 20,
            drift_hours: 6,
            backfill_backlog: 200,
            backfill_daily_percent: 50,
            link_by_rule: false,
            scan_seconds: 60,
            off_peak: String::new(),
            off_peak_time_zone: "UTC".into(),
            // The sources' figure, 1,000 a minute; Intercom cuts the minute into windows of ten seconds.
            intercom_calls_per_10_seconds: 166,
            hubspot_calls_per_10_seconds: 0,
            breaker: super::breaker::BreakerSettings::default(),
            full_scan_hours: 24,
            exceptions_days: 180,
            segment_tags: Vec::new(),
            limits: LimitSettings::default(),
            matching: crate::matching::Settings::default(),
            erasure: super::erasure::Settings::default(),
            merge: crate::recipes::merge::Settings::default(),
        }
    }
}

/// A daily window in minutes of a time zone's day; may pass midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    from: u32,
    to: u32,
    zone: TimeZone,
}

impl Settings {
    /// Whether batches are ones that can be sent. The error names the setting and shows a right one.
    pub fn check_batches(&self) -> Result<(), String> {
        if self.batch_wait_milliseconds > LONGEST_WAIT {
            return Err(format!(
                "engine.batch_wait_milliseconds = {} is too long: nothing waits longer than {LONGEST_WAIT} for \
                 company; write for example 75",
                self.batch_wait_milliseconds
            ));
        }
        if !(1..=100).contains(&self.batch_rows) {
            return Err(format!(
                "engine.batch_rows = {} is no batch; write 1 to 100, for example 100",
                self.batch_rows
            ));
        }
        Ok(())
    }

    /// Whether the CRM is one. The error names the setting and shows a right one.
    pub fn check_crm(&self) -> Result<(), String> {
        match self.crm {
            System::Hubspot | System::Salesforce => Ok(()),
            System::Intercom => {
                Err("engine.crm = \"intercom\" is no CRM: conversations live in Intercom, accounts in \
                                     the CRM; write \"hubspot\" or \"salesforce\""
                    .into())
            }
        }
    }

    /// Whether the settings of the sources of change make sense. The error names the setting and shows a right one.
    pub fn check_sources(&self) -> Result<(), String> {
        const WEEK: u64 = 7 * 24 * 3600;
        if self.poll_overlap_seconds > WEEK {
            return Err(format!(
                "engine.poll_overlap_seconds = {} is longer than a week; write for example 900",
                self.poll_overlap_seconds
            ));
        }
        if self.backfill_backlog == 0 {
            return Err(
                "engine.backfill_backlog = 0 would let no backfill begin; write for example 200".into()
            );
        }
        for (name, percent, example) in [
            ("sweep_missing_percent", self.sweep_missing_percent, 20),
            ("backfill_daily_percent", u64::from(self.backfill_daily_percent), 50),
        ] {
            if !(1..=100).contains(&percent) {
                return Err(format!(
                    "engine.{name} = {percent} is no share; write 1 to 100, for example {example}"
                ));
            }
        }
        Ok(())
    }

    /// The off-peak window, if one is set. The error names the setting and shows a right one.
    pub fn off_peak_window(&self) -> Result<Option<Window>, String> {
        if self.off_peak.is_empty() {
            return Ok(None);
        }
        let minutes = |text: &str| -> Option<u32> {
            let (hours, minutes) = text.trim().split_once(':')?;
            let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let zone = zone("engine.off_peak_time_zone", &self.off_peak_time_zone)?;
        self.off_peak
            .split_once('-')
            .and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| Some(Window { from, to, zone }))
            .ok_or_else(|| {
                format!(
                    "engine.off_peak = \"{}\" is not a daily window; write for example \"22:00-05:00\"",
                    self.off_peak
                )
            })
    }
}

impl Window {
    /// The time itself when it lies in the window, else the window's next beginning.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let Ok(instant) = jiff::Timestamp::from_millisecond(now.0) else { return now };
        let local = instant.to_zoned(self.zone.clone());
        let minute = u32::from(local.hour().unsigned_abs()) * 60 + u32::from(local.minute().unsigned_abs());
        let inside = if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        };
        if inside {
            return now;
        }
        let begins = |date: jiff::civil::Date| {
            // A time that the change to summer time leaves out is the one an hour later.
            let at = date.at((self.from / 60) as i8, (self.from % 60) as i8, 0, 0);
            at.to_zoned(self.zone.clone()).ok().map(|at| Timestamp(at.timestamp().as_millisecond()))
        };
        let days = [Some(local.date()), local.date().tomorrow().ok()];
        days.into_iter().flatten().filter_map(begins).find(|at| *at > now).unwrap_or(now)
    }
}

/// The day of a time zone that a time lies in: its first moment, and the next day's.
pub(super) fn day_of(zone: &TimeZone, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let local = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let begins = local.start_of_day().ok()?;
    let ends = local.date().tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
    Some((Timestamp(begins.timestamp().as_millisecond()), Timestamp(ends.timestamp().as_millisecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_past_midnight_waits_for_its_beginning() {
        let settings = Settings { off_peak: "22:00-05:00".into(), ..Settings::default() };
        let window = settings.off_peak_window().expect("valid").expect("set");
        let at = |text: &str| Timestamp::parse_rfc3339(text).expect("a time");
        assert_eq!(window.next(at("2026-11-21T23:10:00Z")), at("2026-11-21T23:10:00Z"));
        assert_eq!(window.next(at("2026-11-21T04:59:59Z")), at("2026-11-21T04:59:59Z"));
        assert_eq!(window.next(at("2026-11-21T05:00:00Z")), at("2026-11-21T22:00:00Z"));
        let late = Settings { off_peak: "02:00-03:00".into(), ..Settings::default() };
        let window = late.off_peak_window().expect("valid").expect("set");
        assert_eq!(window.next(at("2026-11-21T03:00:00Z")), at("2026-11-22T02:00:00Z"));
        for bad in ["night", "22-05", "25:00-26:00", "22:00-22:00"] {
            assert!(
                Settings { off_peak: bad.into(), ..Settings::default() }.off_peak_window().is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn r22_a_window_keeps_to_its_time_zone_also_when_summer_time_begins() {
        let settings = Settings {
            off_peak: "02:30-05:00".into(),
            off_peak_time_zone: "Europe/Berlin".into(),
            ..Settings::default()
        };
        let window = settings.off_peak_window().expect("valid").expect("set");
        let at = |text: &str| Timestamp::parse_rfc3339(text).expect("a time");
        assert_eq!(window.next(at("2026-11-21T00:00:00Z")), at("2026-11-21T01:30:00Z"));
        assert_eq!(window.next(at("2026-07-21T12:00:00Z")), at("2026-07-22T00:30:00Z"));
        // On that night half past two does not exist.
        assert_eq!(window.next(at("2026-03-28T23:00:00Z")), at("2026-03-29T01:30:00Z"));
        let nowhere = Settings { off_peak_time_zone: "Mars/Base".into(), ..settings };
        assert!(nowhere.off_peak_window().expect_err("unknown").contains("Europe/Berlin"));
    }

    #[test]
    fn shares_that_make_no_sense_are_refused() {
        assert_eq!(LimitSettings::default().check(), Ok(()));
        for (budget, urgent) in [(0, 95), (101, 101), (80, 79), (80, 101)] {
            let settings = LimitSettings {
                daily_budget_percent: budget,
                daily_urgent_percent: urgent,
                ..LimitSettings::default()
            };
            assert!(settings.check().is_err(), "{budget} {urgent}");
        }
    }
}
