//! A table of a TOML file, read key by key: what is missing, misspelt or of the wrong kind is noted with its line, and
//! reading goes on, so that all mistakes of a file are found at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Number, Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::finding::{Finding, instead_of};
use crate::domain::UnknownWord;
use crate::domain::record::Fields;

/// What is gathered while a file is read.
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a str,
    pub(super) findings: RefCell<Vec<Finding>>,
    pub(super) lines: RefCell<BTreeMap<String, usize>>,
}

impl Reading<'_> {
    /// The line of a place in the text, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }

    pub(super) fn error(&self, line: usize, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.borrow_mut().push(Finding::error(self.file, line, what, fix));
    }
}

/// A table and where it stands.
pub(super) struct Part<'a> {
    reading: &'a Reading<'a>,
    table: &'a DeTable<'a>,
    /// What it is called in messages: `[trigger]`.
    name: String,
    /// Its place among the lines: `action.0`.
    path: String,
    /// Its own line.
    pub(super) line: usize,
}

impl<'a> Part<'a> {
    /// The whole file.
    pub(super) fn whole(reading: &'a Reading<'a>, table: &'a DeTable<'a>) -> Self {
        Self { reading, table, name: "the recipe".into(), path: String::new(), line: 1 }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Keys that are not known are mistakes.
    pub(super) fn allow(&self, known: &[&str]) {
        for key in self.table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                self.reading.error(
                    self.reading.line(key.span().start),
                    format!("{} has no \"{}\"", self.name, key.get_ref()),
                    instead_of(key.get_ref(), known),
                );
            }
        }
    }

    /// A value, and its line noted.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let (found, value) = self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key)?;
        let line = self.reading.line(found.span().start);
        self.reading.lines.borrow_mut().insert(self.path_of(key), line);
        Some(value)
    }

    pub(super) fn line_of(&self, value: &Spanned<DeValue<'_>>) -> usize {
        self.reading.line(value.span().start)
    }

    pub(super) fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let got = value.get_ref().type_str();
        self.reading.error(
            self.line_of(value),
            format!("\"{key}\" of {} is a {got}", self.name),
            format!("write {wanted}"),
        );
    }

    /// Notes that a key has to be there.
    pub(super) fn missing(&self, key: &str, fix: &str) {
        self.reading.error(self.line, format!("{} has no \"{key}\"", self.name), fix);
    }

    /// Notes something wrong with the value of a key, where it stands, or with the table when it does not.
    pub(super) fn mistake(&self, key: &str, what: impl Into<String>, fix: impl Into<String>) {
        let line = self.value(key).map_or(self.line, |value| self.line_of(value));
        self.reading.error(line, what, fix);
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, value, "a text in quotes");
        }
        text
    }

    /// A text that must be there and say something; blank when it does not, which is noted.
    pub(super) fn needed(&self, key: &str, fix: &str) -> String {
        let there = self.value(key).is_some();
        let text = self.text(key).unwrap_or_default();
        if !there {
            self.missing(key, fix);
        } else if text.trim().is_empty() && self.value(key).is_some_and(|value| value.get_ref().is_str()) {
            self.reading.error(
                self.value(key).map_or(self.line, |value| self.line_of(value)),
                format!("\"{key}\" of {} is empty", self.name),
                fix,
            );
        }
        text
    }

    /// One of a list of words.
    pub(super) fn word<T: FromStr<Err = UnknownWord>>(&self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        self.parse(key, &text)
    }

    fn parse<T: FromStr<Err = UnknownWord>>(&self, key: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(word) => Some(word),
            Err(UnknownWord { word, known }) => {
                let line = self.value(key).map_or(self.line, |value| self.line_of(value));
                self.reading.error(
                    line,
                    format!("\"{word}\" is no \"{key}\" of {}", self.name),
                    instead_of(&word, &known),
                );
                None
            }
        }
    }

    /// One of a list of words that must be there.
    pub(super) fn needed_word<T: FromStr<Err = UnknownWord>>(&self, key: &str, fix: &str) -> Option<T> {
        if self.value(key).is_none() {
            self.missing(key, fix);
        }
        self.word(key)
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, value, "true or false");
            false
        })
    }

    pub(super) fn words<T: FromStr<Err = UnknownWord>>(&self, key: &str) -> Vec<T> {
        self.texts(key).iter().filter_map(|text| self.parse(key, text)).collect()
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let list: Option<Vec<String>> = value
            .get_ref()
            .as_array()
            .and_then(|list| list.iter().map(|one| one.get_ref().as_str().map(str::to_owned)).collect());
        list.unwrap_or_else(|| {
            self.wrong(key, value, "a list of texts, [\"…\"]");
            Vec::new()
        })
    }

    /// A table below this one.
    pub(super) fn part(&self, key: &str) -> Option<Part<'a>> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, &format!("a table, [{key}]"));
            return None;
        };
        let line = self.line_of(value);
        let name = if self.path.is_empty() { format!("[{key}]") } else { format!("\"{key}\"") };
        Some(Part { reading: self.reading, table, name, path: self.path_of(key), line })
    }

    /// The tables of a list below this one, in the order of the file.
    pub(super) fn parts(&self, key: &str) -> Vec<Part<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, &format!("a list of tables, [[{key}]]"));
            return Vec::new();
        };
        let mut parts = Vec::new();
        for (place, one) in list.iter().enumerate() {
            let Some(table) = one.get_ref().as_table() else {
                self.wrong(key, one, &format!("a table, [[{key}]]"));
                continue;
            };
            let line = self.reading.line(one.span().start);
            let path = format!("{}.{place}", self.path_of(key));
            self.reading.lines.borrow_mut().insert(path.clone(), line);
            parts.push(Part { reading: self.reading, table, name: format!("[[{key}]]"), path, line });
        }
        parts
    }

    /// Field to value, in the order of the file; tables in it are names joined by dots.
    pub(super) fn fields(&self, key: &str) -> Fields {
        let mut fields = Fields::new();
        if let Some(part) = self.part(key) {
            part.flatten("", &mut fields);
        }
        fields
    }

    fn flatten(&self, above: &str, fields: &mut Fields) {
        for (key, value) in self.in_order() {
            let name = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
            self.value(key);
            match value.get_ref() {
                DeValue::Table(_) => {
                    if let Some(below) = self.part(key) {
                        below.flatten(&name, fields);
                    }
                }
                _ => {
                    fields.insert(name, json_of(value.get_ref()));
                }
            }
        }
    }

    /// A table as it is.
    pub(super) fn plain(&self, key: &str) -> Fields {
        match self.part(key) {
            Some(part) => part
                .in_order()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), json_of(value.get_ref())))
                .collect(),
            None => Fields::new(),
        }
    }

    /// Keys of this table that hold lists of texts.
    pub(super) fn lists(&self, key: &str) -> BTreeMap<String, Vec<String>> {
        let Some(part) = self.part(key) else { return BTreeMap::new() };
        part.in_order().into_iter().map(|(name, _)| (name.to_owned(), part.texts(name))).collect()
    }

    fn in_order(&self) -> Vec<(&'a str, &'a Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().as_ref(), value)).collect()
    }
}

/// TOML in JSON's terms; times are texts.
fn json_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, |number| json!(number))
        }
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Value::String(number.as_str().to_owned()), Value::Number),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(list) => Value::Array(list.iter().map(|one| json_of(one.get_ref())).collect()),
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| key.span().start);
            Value::Object(
                entries
                    .into_iter()
                    .map(|(key, one)| (key.get_ref().to_string(), json_of(one.get_ref())))
                    .collect(),
            )
        }
    }
}
