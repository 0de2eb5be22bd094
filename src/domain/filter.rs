//! The filter language of every list, the same behind `/` and `--filter`:
//! `status:failed,held error:permission -jane "Acme Inc" recipe:contact* age:>1h sort:-attempts`.
//!
//! Terms are and-ed; commas within a term are or-ed; a `-` or `!` before a term turns it round; a word without a key
//! is looked for in the visible texts; `sort:` orders, with `-` before the column from the other end. This module only
//! parses and says what each list knows; the journal turns terms into a query.

pub mod known;
pub mod values;

pub use known::{Column, Known, List, key, known};
pub use values::{Compared, When, span};

words! {
    /// What a fielded term looks at.
    pub enum Key {
        /// Status of an execution (`open` = everything that needs or awaits something), state of a review item.
        Status = "status",
        /// Recipe name.
        Recipe = "recipe",
        /// Class of the last error.
        Error = "error",
        /// Fingerprint of the last failure: all that wait for one cause.
        Cause = "cause",
        /// HTTP status of the last failure.
        Code = "code",
        /// The row's number, with or without its letters: `id:ex_4821`.
        Id = "id",
        /// The person or organisation it is about: each word the beginning of one of theirs.
        Person = "person",
        /// The record, whole or its last part: `record:hubspot/contact/151`, `record:151`.
        Record = "record",
        /// System of the record.
        System = "system",
        /// Kind of the record of an execution; kind of a conflict.
        Kind = "kind",
        /// Mapped field of a conflict.
        Field = "field",
        /// Role that decides a conflict.
        Role = "role",
        /// E-mail domain of an unlinked person.
        Domain = "domain",
        /// Who is to look at it; `me` is oneself.
        Assignee = "assignee",
        /// Who has claimed it; `me` is oneself, `any` whoever it is.
        Claimed = "claimed",
        /// How a finished execution ended.
        Outcome = "outcome",
        /// Who did it, in the audit log.
        Actor = "actor",
        /// What was done, in the audit log: `merge`, `retry`.
        Verb = "verb",
        /// HTTP method of a call.
        Method = "method",
        /// Changed within this time, or since a day: `since:2h`, `since:2026-11-20`.
        Since = "since",
        /// Not changed within this time, or before a day: `until:2h`.
        Until = "until",
        /// Older than this time, or younger: `age:3d`, `age:>3d`, `age:<1h`.
        Age = "age",
        /// Failed tries so far: `attempts:>3`.
        Attempts = "attempts",
        /// Who goes first.
        Priority = "priority",
    }
}

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it looks at; none for free text.
    pub key: Option<Key>,
    /// What it looks for: any of these. One with a trailing `*` is a beginning, see [`beginning`].
    pub values: Vec<String>,
    /// It must not be so.
    pub negated: bool,
}

/// An order: by a column, from its small end or from its large one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub column: Column,
    /// The largest, latest, last letter first.
    pub descending: bool,
}

impl std::fmt::Display for Sort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("sort:{}{}", if self.descending { "-" } else { "" }, self.column))
    }
}

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// The terms, all of which must hold.
    pub terms: Vec<Term>,
    /// The order asked for; none: the list's own.
    pub sort: Option<Sort>,
}

/// A filter that cannot be understood; says what and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// An unknown key.
    #[error("there is no filter \"{0}:\"{near}; known are {1}", near = near(.2.as_deref()))]
    Key(String, String, Option<String>),
    /// A key that means nothing in this list.
    #[error("{1} have no \"{0}:\"; known are {2}")]
    Elsewhere(Key, List, String),
    /// A key without a value.
    #[error("\"{0}:\" wants a value after the colon")]
    Empty(String),
    /// A time that is not one.
    #[error("\"{0}\" is not a time; write 30m, 2h, 3d or a day as 2026-11-20")]
    Span(String),
    /// A number that is not one.
    #[error("\"{1}\" is not a number for \"{0}:\"; write 3, >3 or <3")]
    Number(Key, String),
    /// A word that is none of those there are.
    #[error("\"{1}\" is no {0}{near}; known are {2}", near = near(.3.as_deref()))]
    Value(Key, String, String, Option<String>),
    /// A column that no list has, or not this one.
    #[error("there is no column \"{0}\" to sort by{near}; known are {1}", near = near(.2.as_deref()))]
    Column(String, String, Option<String>),
}

fn near(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", did you mean \"{name}\"?"))
}

fn key_names(keys: &[Key]) -> String {
    keys.iter().map(|key| format!("{key}:")).chain(["sort:".to_owned()]).collect::<Vec<_>>().join(" ")
}

fn column_names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(" ")
}

impl Filter {
    /// Parses what was typed, for whichever list. Empty text is the filter that lets all through.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for word in split(text) {
            let (negated, word) = match word.strip_prefix(['-', '!']) {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, word),
            };
            let Some((name, value)) = keyed(word) else {
                filter.terms.push(Term { key: None, values: vec![bare(word)], negated });
                continue;
            };
            if value.is_empty() || value == "\"" || value == "\"\"" {
                return Err(FilterError::Empty(name.to_owned()));
            }
            if name == "sort" {
                let (turned, column) =
                    value.strip_prefix('-').map_or((false, value), |column| (true, column));
                let column = Column::named(column).ok_or_else(|| {
                    let known = Column::ALL.iter().map(|column| column.as_str());
                    let nearest = known::nearest(column, known);
                    FilterError::Column(column.to_owned(), column_names(Column::ALL), nearest)
                })?;
                filter.sort = Some(Sort { column, descending: turned != negated });
                continue;
            }
            let key = known::key(name).ok_or_else(|| {
                let nearest = known::nearest(name, Key::ALL.iter().map(|key| key.as_str()).chain(["sort"]));
                FilterError::Key(name.to_owned(), key_names(Key::ALL), nearest.map(|name| format!("{name}:")))
            })?;
            let values = alternatives(value);
            if values.is_empty() {
                return Err(FilterError::Empty(name.to_owned()));
            }
            for value in &values {
                values::check(key, value)?;
            }
            filter.terms.push(Term { key: Some(key), values, negated });
        }
        Ok(filter)
    }

    /// The same filter with `me` as a name, in the terms where it means one.
    #[must_use]
    pub fn of(mut self, me: &str) -> Self {
        for term in &mut self.terms {
            if matches!(term.key, Some(Key::Assignee | Key::Claimed)) {
                for value in term.values.iter_mut().filter(|value| *value == "me") {
                    me.clone_into(value);
                }
            }
        }
        self
    }

    /// Parses what was typed for one list: keys, words and columns that it does not know are refused, with those it
    /// does.
    pub fn parse_for(list: List, text: &str) -> Result<Self, FilterError> {
        let filter = Self::parse(text)?;
        filter.check(list)?;
        Ok(filter)
    }

    /// Whether a list knows all of it.
    pub fn check(&self, list: List) -> Result<(), FilterError> {
        let known = known(list);
        for term in &self.terms {
            let Some(key) = term.key else { continue };
            if !known.keys.contains(&key) {
                return Err(FilterError::Elsewhere(key, list, key_names(known.keys)));
            }
            let words = known::words(list, key);
            for value in term.values.iter().filter(|_| !words.is_empty()) {
                let fits = match beginning(value) {
                    Some(start) => words.iter().any(|word| word.starts_with(start)),
                    None => words.contains(&value.as_str()),
                };
                // A system may have a name after it: `hubspot:emea`.
                let named = key == Key::System
                    && value.split_once(':').is_some_and(|(system, _)| words.contains(&system));
                // An error may be named by its HTTP status.
                let code =
                    key == Key::Error && value.trim_end_matches('*').chars().all(|c| c.is_ascii_digit());
                if !fits && !named && !code {
                    let nearest = known::nearest(value, words.iter().copied());
                    return Err(FilterError::Value(key, value.clone(), words.join(" "), nearest));
                }
            }
        }
        if let Some(sort) = self.sort
            && !known.columns.contains(&sort.column)
        {
            let nearest =
                known::nearest(sort.column.as_str(), known.columns.iter().map(|column| column.as_str()));
            return Err(FilterError::Column(sort.column.to_string(), column_names(known.columns), nearest));
        }
        Ok(())
    }

    /// Lets everything through, in whichever order.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// What was typed with another order, or none: `sort:` stands at its end.
pub fn with_sort(text: &str, sort: Option<Sort>) -> String {
    let stays =
        |word: &&str| keyed(word.trim_start_matches(['-', '!'])).is_none_or(|(name, _)| name != "sort");
    let mut words: Vec<String> = split(text).into_iter().filter(stays).map(str::to_owned).collect();
    words.extend(sort.map(|sort| sort.to_string()));
    words.join(" ")
}

/// `contact*` looks for what begins with `contact`.
pub fn beginning(value: &str) -> Option<&str> {
    value.strip_suffix('*')
}

/// A value as it is typed in a filter: in quotes where it has blanks or commas.
pub fn quoted(value: &str) -> String {
    let plain = !value.is_empty() && !value.contains([' ', ',', '\t', '"']);
    if plain { value.to_owned() } else { format!("\"{}\"", value.replace('"', "")) }
}

/// Words at blanks, those in quotes kept whole. A quote that is still open reaches to the end: it is being typed.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut inside) = (None, false);
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() && !inside {
            words.extend(start.take().map(|start: usize| &text[start..at]));
            continue;
        }
        inside ^= letter == '"';
        start.get_or_insert(at);
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

/// A key and what follows it. A colon at the front, or a time or URL in free text, is text.
fn keyed(word: &str) -> Option<(&str, &str)> {
    let (key, value) = word.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|letter| letter.is_ascii_lowercase());
    (is_key && !value.starts_with("//")).then_some((key, value))
}

fn bare(word: &str) -> String {
    word.replace('"', "")
}

/// The values of a term, at its commas; what is in quotes is one.
fn alternatives(value: &str) -> Vec<String> {
    let (mut found, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, letter) in value.char_indices() {
        inside ^= letter == '"';
        if letter == ',' && !inside {
            found.push(bare(&value[start..at]));
            start = at + 1;
        }
    }
    found.push(bare(&value[start..]));
    found.retain(|value| !value.is_empty());
    found
}

#[cfg(test)]
mod tests;
