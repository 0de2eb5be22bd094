//! What the journal's file says, read with SQL of its own: the tests must not believe the code they judge.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The journal, looked at from outside; never written.
pub(super) struct Evidence(Connection);

impl Evidence {
    pub(super) fn open(journal: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(journal, flags).expect("the journal can be opened");
        connection.busy_timeout(Duration::from_secs(10)).expect("a timeout can be set");
        Self(connection)
    }

    pub(super) fn count(&self, sql: &str) -> i64 {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The rows as text, columns joined by a bar.
    pub(super) fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.0.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells: Vec<String> = (0..columns)
                .map(|column| {
                    row.get::<_, rusqlite::types::Value>(column).map(|value| match value {
                        rusqlite::types::Value::Text(text) => text,
                        rusqlite::types::Value::Integer(number) => number.to_string(),
                        rusqlite::types::Value::Null => "-".to_owned(),
                        other => format!("{other:?}"),
                    })
                })
                .collect::<Result<_, _>>()?;
            Ok(cells.join(" | "))
        });
        rows.and_then(Iterator::collect).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The bodies of some events.
    pub(super) fn bodies(&self, which: &str) -> Vec<String> {
        crate::support::sealed::bodies(&self.0, which)
    }

    /// Executions by status and outcome.
    pub(super) fn executions(&self) -> BTreeMap<String, i64> {
        self.rows("SELECT status || '/' || coalesce(outcome, '-'), count(*) FROM executions GROUP BY 1")
            .iter()
            .filter_map(|row| row.split_once(" | "))
            .map(|(name, count)| (name.to_owned(), count.parse().unwrap_or(0)))
            .collect()
    }

    /// Why events were not acted on, without the numbers in the words, and how many.
    pub(super) fn left_aside(&self) -> BTreeMap<String, i64> {
        let mut reasons = BTreeMap::new();
        for words in self.rows("SELECT ignored FROM events WHERE ignored IS NOT NULL") {
            let words = words.split(|letter: char| letter.is_ascii_digit()).collect::<Vec<_>>().join("");
            *reasons.entry(words).or_default() += 1;
        }
        reasons
    }

    /// Work that is not at its end.
    pub(super) fn unfinished(&self) -> i64 {
        self.count(
            "SELECT count(*) FROM executions WHERE status IN ('pending', 'running', 'retrying', 'in_doubt')",
        )
    }

    pub(super) fn has_loaded(&self) -> bool {
        self.count("SELECT count(*) FROM settings WHERE name = 'first-load'") == 1
    }
}
