//! The journal's file read from outside, table by table, so that flows can compare whole rows. Never writes unless a
//! test means to tamper.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Number, Value};

/// A journal's file, opened by a stranger.
pub(crate) struct Tables(Connection);

impl Tables {
    /// Opens for reading.
    pub(crate) fn open(path: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self(Connection::open_with_flags(path, flags).unwrap())
    }

    /// The rows of a query, each as an object of its columns.
    pub(crate) fn rows(&self, query: &str) -> Vec<Value> {
        let mut statement = self.0.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut found = statement.query([]).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = found.next().unwrap() {
            let cells = names.iter().enumerate().map(|(place, name)| {
                let cell = match row.get_ref(place).unwrap() {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::from(number),
                    ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
                    ValueRef::Text(text) | ValueRef::Blob(text) => {
                        Value::String(String::from_utf8_lossy(text).into_owned())
                    }
                };
                (name.clone(), cell)
            });
            rows.push(Value::Object(cells.collect::<Map<_, _>>()));
        }
        rows
    }

    /// The one row of a query.
    pub(crate) fn row(&self, query: &str) -> Value {
        let mut rows = self.rows(query);
        assert_eq!(rows.len(), 1, "{query}: {rows:#?}");
        rows.remove(0)
    }

    /// A number, 0 when there is no row.
    pub(crate) fn number(&self, query: &str) -> i64 {
        let rows = self.rows(query);
        let value = rows.first().and_then(|row| row.as_object()?.values().next()?.as_i64());
        value.unwrap_or(0)
    }

    /// The texts of the first column.
    pub(crate) fn texts(&self, query: &str) -> Vec<String> {
        self.rows(query)
            .iter()
            .filter_map(|row| row.as_object()?.values().next())
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect()
    }

    /// The bodies of events, in the order of their numbers, opened.
    pub(crate) fn bodies(&self) -> Vec<String> {
        super::sealed::bodies(&self.0, "1")
    }

    /// A counter of the journal.
    pub(crate) fn counter(&self, name: &str) -> i64 {
        self.number(&format!("SELECT value FROM counters WHERE name = '{name}'"))
    }
}
