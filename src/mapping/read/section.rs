//! One table of a TOML file, asked for its keys by name and type; what does not fit is noted with its line.
//!
//! Nothing here stops at the first error, and nothing knows what a key means.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;
use toml_edit::{Item, TableLike};

use crate::domain::UnknownWord;
use crate::domain::record::Fields;
use crate::mapping::file::MappingError;
use crate::mapping::transform::nearest;

/// What is wrong with a file.
pub(super) struct Faults<'a> {
    text: &'a str,
    file: &'a str,
    /// In the order they were met.
    pub(super) found: Vec<MappingError>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self { text, file, found: Vec::new() }
    }

    /// The line of a place in the text, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }

    pub(super) fn at(&mut self, at: usize, why: impl Into<String>, fix: impl Into<String>) {
        let line = self.line(at);
        self.found.push(MappingError { file: self.file.to_owned(), line, why: why.into(), fix: fix.into() });
    }
}

/// A table and where it begins.
pub(super) struct Section<'a> {
    table: &'a dyn TableLike,
    pub(super) at: usize,
    /// How it is called in messages, with a colon and a blank; empty for the whole file.
    called: String,
}

impl<'a> Section<'a> {
    pub(super) fn new(table: &'a dyn TableLike, at: usize, called: String) -> Self {
        Self { table, at, called }
    }

    /// With a name for messages.
    pub(super) fn called(&self, name: &str) -> Self {
        Self { table: self.table, at: self.at, called: format!("field \"{name}\": ") }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Item> {
        self.table.get(key)
    }

    /// Where a key stands.
    pub(super) fn at_of(&self, key: &str) -> Option<usize> {
        let (key, item) = self.table.get_key_value(key)?;
        item.span().or_else(|| key.span()).map(|span| span.start)
    }

    /// Notes every key that nobody asks for.
    pub(super) fn only(&self, known: &[&str], faults: &mut Faults<'_>) {
        for (key, _) in self.table.iter() {
            if !known.contains(&key) {
                let at = self.table.get_key_value(key).and_then(|(key, _)| key.span());
                let near = nearest(key, known.iter().map(|known| (*known, (*known).to_owned())));
                faults.at(
                    at.map_or(self.at, |span| span.start),
                    format!("{}unknown key \"{key}\"", self.called),
                    near.first().map(|near| format!("is \"{near}\" meant?")).unwrap_or_default(),
                );
            }
        }
    }

    fn wrong(&self, key: &str, wanted: impl Display, faults: &mut Faults<'_>) {
        let at = self.at_of(key).unwrap_or(self.at);
        faults.at(at, format!("{}{key} is not {wanted}", self.called), "");
    }

    pub(super) fn text(&self, key: &str, faults: &mut Faults<'_>) -> Option<String> {
        let item = self.get(key)?;
        let text = item.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, "a text in quotes", faults);
        }
        text
    }

    pub(super) fn needed_text(&self, key: &str, faults: &mut Faults<'_>) -> String {
        if self.get(key).is_none() {
            faults.at(self.at, format!("{}{key} is missing", self.called), format!("add {key} = \"…\""));
        }
        let text = self.text(key, faults).unwrap_or_default();
        if text.trim().is_empty() && self.get(key).is_some_and(Item::is_str) {
            self.wrong(key, "filled", faults);
        }
        text
    }

    pub(super) fn flag(&self, key: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let item = self.get(key)?;
        if !item.is_bool() {
            self.wrong(key, "true or false", faults);
        }
        item.as_bool()
    }

    pub(super) fn number(&self, key: &str, faults: &mut Faults<'_>) -> Option<u32> {
        let item = self.get(key)?;
        let number = item.as_integer().and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            self.wrong(key, "a whole number", faults);
        }
        number
    }

    pub(super) fn word<T: FromStr<Err = UnknownWord>>(
        &self,
        key: &str,
        faults: &mut Faults<'_>,
    ) -> Option<T> {
        let text = self.text(key, faults)?;
        match text.parse() {
            Ok(word) => Some(word),
            Err(UnknownWord { word, known }) => {
                let at = self.at_of(key).unwrap_or(self.at);
                faults.at(
                    at,
                    format!("{}there is no {key} \"{word}\"", self.called),
                    format!("write one of {}", known.join(", ")),
                );
                None
            }
        }
    }

    /// A text, or a list of texts.
    pub(super) fn list(&self, key: &str, faults: &mut Faults<'_>) -> Option<Vec<String>> {
        let item = self.get(key)?;
        let list = match (item.as_str(), item.as_array()) {
            (Some(one), _) => Some(vec![one.to_owned()]),
            (_, Some(list)) => list.iter().map(|entry| entry.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        if list.is_none() {
            self.wrong(key, "a text or a list of texts", faults);
        }
        list
    }

    /// A text, a number, true or false.
    pub(super) fn value(&self, key: &str, faults: &mut Faults<'_>) -> Option<Value> {
        let item = self.get(key)?;
        let value = plain_value(item);
        if value.is_none() {
            self.wrong(key, "a text, a number, true or false", faults);
        }
        value
    }

    /// A table of plain values.
    pub(super) fn pairs(&self, key: &str, faults: &mut Faults<'_>) -> Option<Fields> {
        let table = self.section(key, faults)?;
        let mut pairs = Fields::new();
        for (name, item) in table.table.iter() {
            match plain_value(item) {
                Some(value) => {
                    pairs.insert(name.to_owned(), value);
                }
                None => table.wrong(name, "a text, a number, true or false", faults),
            }
        }
        Some(pairs)
    }

    pub(super) fn section(&self, key: &str, faults: &mut Faults<'_>) -> Option<Section<'a>> {
        let item = self.get(key)?;
        let at = self.at_of(key).unwrap_or(self.at);
        let table = item.as_table_like();
        if table.is_none() {
            self.wrong(key, format!("a table, [{key}]"), faults);
        }
        table.map(|table| Section::new(table, at, self.called.clone()))
    }

    /// An array of tables, in either way of writing it.
    pub(super) fn sections(&self, key: &str, faults: &mut Faults<'_>) -> Vec<Section<'a>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        if let Some(tables) = item.as_array_of_tables() {
            let section = |table: &'a toml_edit::Table| {
                let at = table.span().map_or(self.at, |span| span.start);
                Section::new(table, at, String::new())
            };
            return tables.iter().map(section).collect();
        }
        let inline = item.as_array().map(|list| {
            list.iter()
                .map(|entry| {
                    let at = entry.span().map_or(self.at, |span| span.start);
                    entry.as_inline_table().map(|table| Section::new(table, at, String::new()))
                })
                .collect::<Option<Vec<_>>>()
        });
        match inline {
            Some(Some(sections)) => sections,
            _ => {
                self.wrong(key, "a list of tables", faults);
                Vec::new()
            }
        }
    }
}

fn plain_value(item: &Item) -> Option<Value> {
    if let Some(text) = item.as_str() {
        return Some(Value::String(text.to_owned()));
    }
    if let Some(number) = item.as_integer() {
        return Some(Value::from(number));
    }
    if let Some(number) = item.as_float() {
        return serde_json::Number::from_f64(number).map(Value::Number);
    }
    item.as_bool().map(Value::Bool)
}
