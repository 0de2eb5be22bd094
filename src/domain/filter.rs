//! The filter language of every list, the same behind `/` and `--filter`: `status:failed error:locked -jane since:2h`.
//!
//! Terms are and-ed; a `-` or `!` before a term turns it round; a word without a key is looked for in the visible
//! texts. This module only parses; the journal turns terms into a query.

use std::time::Duration;

words! {
    /// What a fielded term looks at.
    pub enum Key {
        /// Status of an execution (`open` = everything that needs or awaits something).
        Status = "status",
        /// Recipe name; a trailing `*` matches the rest.
        Recipe = "recipe",
        /// Class of the last error.
        Error = "error",
        /// System of the record.
        System = "system",
        /// Kind of a conflict.
        Kind = "kind",
        /// Mapped field of a conflict.
        Field = "field",
        /// Role that decides a conflict.
        Role = "role",
        /// E-mail domain of an unlinked person.
        Domain = "domain",
        /// Who did it, in the audit log.
        Actor = "actor",
        /// What was done, in the audit log: `merge`, `retry`.
        Verb = "verb",
        /// The record or item something was done to; a trailing `*` matches the rest.
        Record = "record",
        /// HTTP method of a call.
        Method = "method",
        /// Changed within this time: `since:2h`.
        Since = "since",
        /// Older than this time: `age:3d`.
        Age = "age",
    }
}

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it looks at; none for free text.
    pub key: Option<Key>,
    /// What it looks for.
    pub value: String,
    /// It must not be so.
    pub negated: bool,
}

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// The terms, all of which must hold.
    pub terms: Vec<Term>,
}

/// A filter that cannot be understood; says what and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// An unknown key.
    #[error("there is no filter \"{0}:\"; known are {known}", known = known_keys())]
    Key(String),
    /// A key without a value.
    #[error("\"{0}:\" wants a value after the colon")]
    Empty(String),
    /// A time that is not one.
    #[error("\"{0}\" is not a time span; write 30m, 2h or 3d")]
    Span(String),
}

fn known_keys() -> String {
    Key::ALL.iter().map(|key| format!("{key}:")).collect::<Vec<_>>().join(" ")
}

impl Filter {
    /// Parses what was typed. Empty text is the filter that lets all through.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut terms = Vec::new();
        for word in text.split_whitespace() {
            let (negated, word) = match word.strip_prefix(['-', '!']) {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, word),
            };
            let (key, value) = match word.split_once(':') {
                None => (None, word),
                // A colon at the front, or a time or URL in free text, is text.
                Some((key, _)) if key.is_empty() || !key.chars().all(|c| c.is_ascii_lowercase()) => {
                    (None, word)
                }
                Some((key, value)) => {
                    let key: Key = key.parse().map_err(|_| FilterError::Key(key.to_owned()))?;
                    if value.is_empty() {
                        return Err(FilterError::Empty(key.to_string()));
                    }
                    if matches!(key, Key::Since | Key::Age) {
                        span(value).ok_or_else(|| FilterError::Span(value.to_owned()))?;
                    }
                    (Some(key), value)
                }
            };
            terms.push(Term { key, value: value.to_owned(), negated });
        }
        Ok(Self { terms })
    }

    /// Lets everything through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_with_key_value_and_negation() {
        let filter = Filter::parse("status:failed -recipe:contact* jane 10:30").expect("valid");
        assert_eq!(filter.terms.len(), 4);
        assert_eq!(filter.terms[0].key, Some(Key::Status));
        assert!(filter.terms[1].negated);
        assert_eq!(filter.terms[2].key, None);
        assert_eq!(filter.terms[3].key, None);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let error = Filter::parse("stats:failed").expect_err("unknown key").to_string();
        assert!(error.contains("stats") && error.contains("status:"), "{error}");
        assert!(Filter::parse("since:soon").is_err());
        assert!(Filter::parse("status:").is_err());
    }
}
