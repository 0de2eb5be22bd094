//! SOQL's date words (`TODAY`, `LAST_N_DAYS:30`) as spans of days. Never reads a clock: today is given.

use jiff::ToSpan;
use jiff::civil::Date;

/// The days a word stands for: from the first on, up to but without the second.
pub(super) type Days = (Date, Date);

/// Whether the word needs a number behind a colon.
pub(super) fn counts(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    word.starts_with("LAST_N_") || word.starts_with("NEXT_N_") || word.starts_with("N_")
}

/// What a date word means today; `None` when SOQL has no such word.
pub(super) fn days(word: &str, count: Option<i64>, today: Date) -> Option<Days> {
    let word = word.to_ascii_uppercase().replace("FISCAL_", "");
    let tomorrow = plus(today, Unit::Day, 1)?;
    // Only these two run up to the present day; the other LAST_N words end before the current unit.
    match (word.as_str(), count) {
        ("LAST_90_DAYS", None) => return Some((plus(today, Unit::Day, -90)?, tomorrow)),
        ("LAST_N_DAYS", Some(count)) => {
            return Some((plus(today, Unit::Day, -count)?, tomorrow));
        }
        ("NEXT_90_DAYS", None) => return Some((tomorrow, plus(tomorrow, Unit::Day, 90)?)),
        _ => {}
    }
    let (unit, from, length) = match (word.as_str(), count) {
        ("YESTERDAY", None) => (Unit::Day, -1, 1),
        ("TODAY", None) => (Unit::Day, 0, 1),
        ("TOMORROW", None) => (Unit::Day, 1, 1),
        (word, None) => {
            let (place, unit) = word.split_once('_')?;
            let from = match place {
                "LAST" => -1,
                "THIS" => 0,
                "NEXT" => 1,
                _ => return None,
            };
            (Unit::named(unit).filter(|unit| *unit != Unit::Day)?, from, 1)
        }
        (word, Some(count)) => {
            let plural = |text: &str| text.strip_suffix('S').and_then(Unit::named);
            if let Some(unit) = word.strip_prefix("LAST_N_") {
                (plural(unit)?, -count, count)
            } else if let Some(unit) = word.strip_prefix("NEXT_N_") {
                (plural(unit)?, 1, count)
            } else {
                (plural(word.strip_prefix("N_")?.strip_suffix("_AGO")?)?, -count, 1)
            }
        }
    };
    let start = plus(unit.beginning(today)?, unit, from)?;
    Some((start, plus(start, unit, length)?))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "DAY" => Self::Day,
            "WEEK" => Self::Week,
            "MONTH" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" => Self::Year,
            _ => return None,
        })
    }

    /// The first day of the unit a day lies in; weeks begin on Sunday, as in the en_US locale.
    fn beginning(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => Some(day),
            Self::Week => plus(day, Self::Day, -i64::from(day.weekday().to_sunday_zero_offset())),
            Self::Month => Date::new(day.year(), day.month(), 1).ok(),
            Self::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok(),
            Self::Year => Date::new(day.year(), 1, 1).ok(),
        }
    }
}

fn plus(day: Date, unit: Unit, count: i64) -> Option<Date> {
    // Spans outside the calendar end the query with an error, not the sandbox.
    if count.abs() > 100_000 {
        return None;
    }
    let span = match unit {
        Unit::Day => count.days(),
        Unit::Week => count.weeks(),
        Unit::Month => count.months(),
        Unit::Quarter => (count * 3).months(),
        Unit::Year if count.abs() < 9_000 => count.years(),
        Unit::Year => return None,
    };
    day.checked_add(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(word: &str, count: Option<i64>) -> String {
        // A Thursday.
        let today = "2026-11-19".parse().unwrap();
        days(word, count, today).map_or("none".to_owned(), |(from, to)| format!("{from}..{to}"))
    }

    #[test]
    fn each_word_is_its_span_of_days() {
        assert_eq!(shown("today", None), "2026-11-19..2026-11-20");
        assert_eq!(shown("YESTERDAY", None), "2026-11-18..2026-11-19");
        assert_eq!(shown("THIS_WEEK", None), "2026-11-15..2026-11-22");
        assert_eq!(shown("LAST_MONTH", None), "2026-10-01..2026-11-01");
        assert_eq!(shown("THIS_QUARTER", None), "2026-10-01..2027-01-01");
        assert_eq!(shown("THIS_FISCAL_YEAR", None), "2026-01-01..2027-01-01");
        assert_eq!(shown("LAST_90_DAYS", None), "2026-08-21..2026-11-20");
        assert_eq!(shown("NEXT_N_DAYS", Some(2)), "2026-11-20..2026-11-22");
    }

    #[test]
    fn last_days_hold_today_and_last_months_do_not_hold_this_one() {
        assert_eq!(shown("LAST_N_DAYS", Some(30)), "2026-10-20..2026-11-20");
        assert_eq!(shown("LAST_N_MONTHS", Some(2)), "2026-09-01..2026-11-01");
        assert_eq!(shown("N_WEEKS_AGO", Some(1)), "2026-11-08..2026-11-15");
    }

    #[test]
    fn other_words_and_spans_beyond_the_calendar_are_none() {
        assert_eq!(shown("SOMEDAY", None), "none");
        assert_eq!(shown("LAST_DAY", None), "none");
        assert_eq!(shown("LAST_N_FOO", Some(1)), "none");
        assert_eq!(shown("LAST_N_YEARS", Some(i64::MAX)), "none");
    }
}
