//! The engine's own settings, with a default for each.

use serde::Deserialize;

use crate::domain::clock::Timestamp;

/// How the engine works.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Executions worked on at once.
    pub workers: usize,
    /// Tries before an execution becomes a dead letter.
    pub max_attempts: u32,
    /// Seconds a worker may be silent before its work is given back.
    pub lease_seconds: u64,
    /// Seconds between two looks for changes no webhook told of.
    pub poll_seconds: u64,
    /// Seconds between two scans for duplicates and missing relations, when something changed.
    pub scan_seconds: u64,
    /// When changes found by polling are carried out, UTC, `"22:00-05:00"`; empty = at once.
    pub off_peak: String,
    /// Calls Intercom gets from us in 10 seconds at the most.
    pub intercom_calls_per_10_seconds: u32,
    /// Calls HubSpot gets from us in 10 seconds at the most.
    pub hubspot_calls_per_10_seconds: u32,
    /// Below this probability a pair of records is no duplicate candidate.
    pub duplicate_probability: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 8,
            max_attempts: 12,
            lease_seconds: 60,
            poll_seconds: 300,
            scan_seconds: 60,
            off_peak: String::new(),
            // The sources' figure, 1,000 a minute; Intercom cuts the minute into windows of ten seconds.
            intercom_calls_per_10_seconds: 166,
            // The smallest of the vendor's tiers (Free and Starter); paid ones allow 190 and more.
            hubspot_calls_per_10_seconds: 100,
            duplicate_probability: 0.5,
        }
    }
}

/// A daily window in UTC minutes; may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: u32,
    to: u32,
}

impl Settings {
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
        self.off_peak
            .split_once('-')
            .and_then(|(from, to)| Some(Window { from: minutes(from)?, to: minutes(to)? }))
            .filter(|window| window.from != window.to)
            .map(Some)
            .ok_or_else(|| {
                format!(
                    "engine.off_peak = \"{}\" is not a daily window; write for example \"22:00-05:00\" (UTC)",
                    self.off_peak
                )
            })
    }
}

impl Window {
    /// The time itself when it lies in the window, else the window's next beginning.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 24 * 60 * MINUTE;
        let minute = (now.0.rem_euclid(DAY) / MINUTE) as u32;
        let inside = if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        };
        if inside {
            return now;
        }
        let today = now.0 - now.0.rem_euclid(DAY) + i64::from(self.from) * MINUTE;
        Timestamp(if today > now.0 { today } else { today + DAY })
    }
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
}
