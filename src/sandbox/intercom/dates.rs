//! Days of the workspace's time zone: where they begin, in seconds since 1970.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// The day a moment is in: its first second, and that of the next day.
pub(super) fn day_of(seconds: i64, zone: &TimeZone) -> (i64, i64) {
    let found = || {
        let moment = Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone());
        let start = moment.start_of_day().ok()?;
        // The next day's start, not 24 hours later: days on which the clocks change are longer or shorter.
        let next = start.checked_add(1.day()).ok()?.start_of_day().ok()?;
        Some((start.timestamp().as_second(), next.timestamp().as_second()))
    };
    // Moments no calendar has: days of UTC will do, nothing has such a date.
    found().unwrap_or_else(|| {
        let start = seconds - seconds.rem_euclid(86_400);
        (start, start.saturating_add(86_400))
    })
}

/// A time zone by its name (`Europe/Berlin`), or as hours and minutes east of Greenwich (`+05:45`).
pub(super) fn zone(text: &str) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(text) {
        return Some(zone);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    Some(TimeZone::fixed(offset))
}

/// What `/me` calls the zone.
pub(super) fn name(zone: &TimeZone) -> String {
    zone.iana_name()
        .map_or_else(|| Timestamp::UNIX_EPOCH.to_zoned(zone.clone()).offset().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_is_the_zones_own_day() {
        // 2 March 2026, 08:30 UTC: the same day in Kathmandu, still the first in Honolulu.
        let moment = 1_772_440_200;
        assert_eq!(day_of(moment, &TimeZone::UTC), (1_772_409_600, 1_772_496_000));
        let nepal = zone("+05:45").expect("an offset");
        assert_eq!(day_of(moment, &nepal), (1_772_409_600 - 20_700, 1_772_496_000 - 20_700));
        let hawaii = zone("-10:00").expect("an offset");
        assert_eq!(day_of(moment, &hawaii).1, 1_772_409_600 + 36_000);
        assert!(zone("Atlantis").is_none() && zone("+99:00").is_none());
    }

    proptest! {
        #[test]
        fn every_moment_is_in_its_day(seconds in 0_i64..4_000_000_000, quarter in -48_i32..=56) {
            let zone = zone(&format!("{}{:02}:{:02}", if quarter < 0 { '-' } else { '+' }, quarter.abs() / 4, quarter.abs() % 4 * 15)).expect("an offset");
            let (start, next) = day_of(seconds, &zone);
            prop_assert!(start <= seconds && seconds < next && next - start == 86_400 && start.rem_euclid(900) == 0);
        }
    }
}
