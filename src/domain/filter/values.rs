//! Values of terms that are not words: spans of time, days, numbers to compare with.

use std::ops::Range;
use std::time::Duration;

use super::{FilterError, Key};
use crate::domain::clock::Timestamp;

/// A stretch of time that a term names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Within so long before now.
    Within(Duration),
    /// Not within so long before now.
    Before(Duration),
    /// From a moment on.
    From(Timestamp),
    /// Up to a moment, without it.
    Until(Timestamp),
}

impl When {
    /// What a value of `since:`, `until:` or `age:` means; none when it means nothing.
    pub fn of(key: Key, value: &str) -> Option<Self> {
        match key {
            Key::Since => span(value).map(Self::Within).or_else(|| day(value).map(Self::From)),
            Key::Until => span(value).map(Self::Before).or_else(|| day(value).map(Self::Until)),
            Key::Age => match value.strip_prefix('<') {
                Some(value) => span(value.trim_start_matches('=')).map(Self::Within),
                None => span(value.trim_start_matches(['>', '='])).map(Self::Before),
            },
            _ => None,
        }
    }

    /// The times it holds for, in milliseconds.
    pub fn range(self, now: Timestamp) -> Range<i64> {
        let ago = |span: Duration| now.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        match self {
            Self::Within(span) => ago(span)..i64::MAX,
            Self::Before(span) => i64::MIN..ago(span),
            Self::From(at) => at.0..i64::MAX,
            Self::Until(at) => i64::MIN..at.0,
        }
    }
}

/// `2026-11-20` or `2026-11-20T14:30`, in universal time.
fn day(text: &str) -> Option<Timestamp> {
    let text = text.trim_end_matches('Z');
    let at: jiff::civil::DateTime = text.parse().ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(at.timestamp().as_millisecond()))
}

/// `30m`, `2h`, `3d`, `1w`, `45s` as a duration.
pub fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

/// A number a column is compared with: `3`, `>3`, `<=3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// `=`, `<`, `<=`, `>` or `>=`.
    pub sign: &'static str,
    /// With what.
    pub number: i64,
}

impl Compared {
    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let signs = [("<=", "<="), (">=", ">="), ("<", "<"), (">", ">"), ("=", "=")];
        let (sign, number) = signs
            .iter()
            .find_map(|(typed, sign)| text.strip_prefix(typed).map(|rest| (*sign, rest)))
            .unwrap_or(("=", text));
        Some(Self { sign, number: number.parse().ok()? })
    }

    /// Whether a number fulfils it.
    pub fn holds(self, number: i64) -> bool {
        match self.sign {
            "<" => number < self.number,
            "<=" => number <= self.number,
            ">" => number > self.number,
            ">=" => number >= self.number,
            _ => number == self.number,
        }
    }
}

/// The number in `ex_4821` or `4821`.
pub fn row_number(text: &str) -> Option<i64> {
    text.rsplit_once('_').map_or(text, |(_, number)| number).parse().ok()
}

/// Whether a value is one for its key, as far as that can be told without knowing the list.
pub(super) fn check(key: Key, value: &str) -> Result<(), FilterError> {
    let fits = match key {
        Key::Since | Key::Until | Key::Age => {
            return if When::of(key, value).is_some() {
                Ok(())
            } else {
                Err(FilterError::Span(value.to_owned()))
            };
        }
        Key::Attempts => Compared::parse(value).is_some(),
        Key::Code => {
            Compared::parse(value).is_some()
                || value.strip_suffix('*').is_some_and(|start| start.chars().all(|c| c.is_ascii_digit()))
        }
        Key::Id => row_number(value).is_some(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(FilterError::Number(key, value.to_owned())) }
}
