//! The fingerprint of a failure: what is left of it when everything that differs from record to record is taken out.
//! Failures of one fingerprint have one cause, are shown as one row and mended by one thing.
//!
//! Class, code, system and field count as they are; of the vendor's words only those that do not speak of this record.
//! It is a short hash, so that a journal may keep it beside a person's data without keeping any of it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::Timestamp;
use super::error_class::ErrorClass;
use super::ids::ExecutionId;
use super::record::System;

/// Letters of a vendor's words that count; what comes later is detail.
const LONGEST: usize = 400;
/// What stands for something taken out.
const GAP: &str = "…";

/// A failure, as far as its cause goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Whose answer it was; none when no vendor was asked.
    pub system: Option<System>,
    /// Its class.
    pub class: ErrorClass,
    /// The HTTP status of the answer.
    pub code: Option<u16>,
    /// The vendor's name of the field it is about, where one is named.
    pub field: Option<&'a str>,
    /// The vendor's words; our sentence where no vendor was asked.
    pub words: &'a str,
    /// Values of this record that may stand in the words unquoted.
    pub values: &'a [String],
}

/// What a failure is kept by: its fingerprint, and the parts of it that are shown beside the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The fingerprint.
    pub cause: String,
    /// Whose answer it was.
    pub system: Option<System>,
    /// The field it is about.
    pub field: Option<String>,
}

impl Failure<'_> {
    /// What it is kept by.
    pub fn mark(&self) -> Mark {
        Mark { cause: fingerprint(self), system: self.system, field: self.field.map(str::to_owned) }
    }
}

/// One cause, with the executions that wait because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Its fingerprint: `cause:` of the filter language takes it.
    pub cause: String,
    /// Its class.
    pub class: ErrorClass,
    /// The HTTP status of the answer.
    pub code: Option<u16>,
    /// Whose answer it is.
    pub system: Option<System>,
    /// The field it is about, by the vendor's name.
    pub field: Option<String>,
    /// Executions that failed for it and wait for a human.
    pub failed: u64,
    /// Executions that are tried again, or looked up, by themselves.
    pub retrying: u64,
    /// When it was first met, ever.
    pub first_at: Timestamp,
    /// When it was met last.
    pub last_at: Timestamp,
    /// How often it was met, ever: every failed try counts.
    pub seen: u64,
    /// The newest execution of it that waits.
    pub newest: ExecutionId,
    /// Whose that one is: for what hides people, and told to nobody else.
    #[serde(skip)]
    pub subject: String,
    /// What became of that one, as a sentence; it names that record.
    pub sentence: String,
    /// The vendor's words without what speaks of one record; empty when no vendor was asked.
    pub words: String,
}

impl Cause {
    /// All that wait because of it.
    pub const fn waiting(&self) -> u64 {
        self.failed + self.retrying
    }

    /// Where and what, in a few words: `HubSpot 400 not_allowed_value dealstage`.
    pub fn title(&self) -> String {
        let system = self.system.map(System::title).map(str::to_owned);
        let code = self.code.map(|code| code.to_string());
        let parts = [system, code, Some(self.class.to_string()), self.field.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The fingerprint: eight hexadecimal digits, the same for every failure of one cause.
pub fn fingerprint(failure: &Failure<'_>) -> String {
    let mut text = format!("{}\n", failure.class);
    let code = failure.code.map(|code| code.to_string()).unwrap_or_default();
    let system = failure.system.map(System::as_str).unwrap_or_default();
    let words = normalised_without(failure.words, failure.values);
    let _ = write!(text, "{code}\n{system}\n{}\n{words}", failure.field.unwrap_or_default());
    Sha256::digest(text.as_bytes()).iter().take(4).fold(String::with_capacity(8), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The words without what speaks of one record: e-mails, ids, numbers, times, addresses, quoted values and lists.
pub fn normalised(words: &str) -> String {
    normalised_without(words, &[])
}

fn normalised_without(words: &str, values: &[String]) -> String {
    let mut text: String = words.chars().take(LONGEST).collect::<String>().to_lowercase();
    for value in values {
        let value = value.trim().to_lowercase();
        // A short value would tear common words apart.
        if value.chars().count() >= 3 {
            text = text.replace(&value, GAP);
        }
    }
    let bare = without_quoted(&text);
    let mut shown = String::with_capacity(bare.len());
    for word in bare.split_whitespace() {
        let word = plain(word);
        if word.is_empty() || word == GAP && shown.ends_with(GAP) {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&word);
    }
    shown
}

/// Takes out what stands in quotes or brackets. An apostrophe within a word is none.
fn without_quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let opens = !matches!(first, '\'') || !shown.ends_with(char::is_alphanumeric);
        let end = closing(first).filter(|_| opens).and_then(|close| ends(after, first, close));
        if let Some(end) = end {
            shown.push(' ');
            shown.push_str(GAP);
            shown.push(' ');
            rest = &after[end..];
        } else {
            shown.push(first);
            rest = after;
        }
    }
    shown
}

const fn closing(open: char) -> Option<char> {
    Some(match open {
        '"' => '"',
        '\'' => '\'',
        '`' => '`',
        '“' => '”',
        '‘' => '’',
        '«' => '»',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        _ => return None,
    })
}

/// Behind the closing sign; brackets may stand in each other.
fn ends(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 1_u32;
    for (at, c) in text.char_indices() {
        if c == close {
            let behind = text[at + c.len_utf8()..].chars().next();
            if c == '\'' && behind.is_some_and(char::is_alphanumeric) {
                continue;
            }
            depth -= 1;
            if depth == 0 {
                return Some(at + c.len_utf8());
            }
        } else if c == open {
            depth += 1;
        }
    }
    // A list that was cut off goes on to the end.
    matches!(open, '[' | '{').then_some(text.len())
}

/// One word; a gap where it is an e-mail, an address, a number or an id.
fn plain(word: &str) -> String {
    if word.contains(GAP) || word.contains('@') || word.contains("://") || word.starts_with('/') {
        return GAP.to_owned();
    }
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() {
        return String::new();
    }
    // A word of ours has no digit in it; ids, numbers, times and hashes have.
    if bare.chars().any(|c| c.is_ascii_digit()) {
        return GAP.to_owned();
    }
    bare.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> String {
        let values = &[];
        let system = Some(System::Hubspot);
        fingerprint(&Failure {
            system,
            class: ErrorClass::Validation,
            code: Some(400),
            field: None,
            words,
            values,
        })
    }

    #[test]
    fn r18_what_differs_from_record_to_record_does_not_count() {
        let same = [
            ("Contact already exists. Existing ID: 151", "contact already exists.  Existing ID: 9213,"),
            ("Email address jane@acme.com is invalid", "Email address tom.nguyen+x@globex.io is invalid"),
            ("\"Demo requested\" is no option of 'stage'", "\"SQL\" is no option of 'stage'"),
            (
                "No record 64e2f1a3-77aa at 2026-03-01T10:00:00Z",
                "No record 00Q5g00000AbCdE at 2025-12-24T18:30:00Z",
            ),
            ("Options: [a, [b], c]", "Options: [d"),
            (
                "It doesn't exist: GET https://api.x.com/1",
                "It doesn't exist: GET https://api.x.com/objects/2",
            ),
            ("The token “abc” isn't valid.", "The token “def ghi” isn't valid"),
        ];
        for (left, right) in same {
            assert_eq!(normalised(left), normalised(right));
            assert_eq!(of(left), of(right), "{left}");
        }
        assert_eq!(normalised("It doesn't exist: GET https://api.x.com/1"), "it doesn't exist get …");
    }

    #[test]
    fn r18_what_is_another_cause_is_another_fingerprint() {
        let base = Failure {
            system: Some(System::Hubspot),
            class: ErrorClass::Validation,
            code: Some(400),
            field: Some("dealstage"),
            words: "was not one of the allowed options",
            values: &[],
        };
        let others = [
            Failure { system: Some(System::Salesforce), ..base },
            Failure { class: ErrorClass::NotAllowedValue, ..base },
            Failure { code: Some(422), ..base },
            Failure { code: None, ..base },
            Failure { field: Some("amount"), ..base },
            Failure { words: "is too long", ..base },
        ];
        for other in &others {
            assert_ne!(fingerprint(other), fingerprint(&base), "{other:?}");
        }
        assert_eq!(fingerprint(&base).len(), 8);
    }

    #[test]
    fn r18_values_of_the_record_do_not_count_though_the_vendor_does_not_quote_them() {
        let told = |value: &str| {
            let words = format!("{value} was not one of the allowed options: [appointmentscheduled, closed]");
            fingerprint(&Failure {
                system: Some(System::Hubspot),
                class: ErrorClass::NotAllowedValue,
                code: Some(400),
                field: Some("dealstage"),
                words: &words,
                values: &[value.to_owned()],
            })
        };
        assert_eq!(told("Demo requested"), told("Proposal sent"));
    }

    #[test]
    fn hostile_words_end_and_stay_short() {
        for words in ["\"", "'", "[[[[", "", "   ", "…", &"[".repeat(100_000), &"9@".repeat(100_000), "‘a’b’"]
        {
            assert!(normalised(words).chars().count() <= LONGEST);
        }
    }
}
