//! Every call to a vendor as a list: newest first, by system, status, method, time or path.
//!
//! A page holds no bodies: they are opened one by one, when a call is looked at.

use rusqlite::OptionalExtension;
use rusqlite::types::Value as Sql;

use super::newest::{self, Ledger, anywhere};
use super::{Journal, Result, rows};
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Attempt, Call};
use crate::domain::filter::{Filter, Key, Term};
use crate::domain::ids::ExecutionId;
use crate::domain::page::{Anchor, Page};
use crate::domain::record::System;

/// Filters that an index answers, however many calls there were.
const INDEXED: [Key; 2] = [Key::Status, Key::Record];

const CALLS: Ledger = Ledger {
    table: "attempts",
    columns: "id, execution_id, purpose, started_at, duration_ms, method, url, status, class",
    key: "id",
    time: "started_at",
    term,
};

impl Journal {
    /// Calls, newest first.
    pub async fn calls(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Call>> {
        let filter = filter.clone();
        let now = self.now();
        self.read(move |connection| {
            CALLS.page(connection, now, &filter, anchor, limit, |_, row| {
                Ok(Call {
                    id: row.get("id")?,
                    execution: ExecutionId(row.get("execution_id")?),
                    purpose: row.get("purpose")?,
                    started_at: Timestamp(row.get("started_at")?),
                    duration_ms: row.get("duration_ms")?,
                    method: row.get("method")?,
                    url: row.get("url")?,
                    status: row.get("status")?,
                    class: rows::optional_word(row, "class")?,
                })
            })
        })
        .await
    }

    /// One call whole, with its bodies as far as they were not erased.
    pub async fn call(&self, id: i64) -> Result<Option<Attempt>> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT * FROM attempts WHERE id = ?1")?
                .query_row([id], |row| Ok(rows::attempt(connection, row)))
                .optional()?
                .transpose()
        })
        .await
    }
}

/// Whether a filter of the calls looks at all of them.
pub fn reaches_all(filter: &Filter) -> bool {
    newest::reaches_all(filter, &INDEXED)
}

fn term(term: &Term) -> (String, Vec<Sql>, bool) {
    // These lists take several words with commas only where a word says how.
    let value = term.values.join(",");
    match term.key {
        Some(Key::Status) => status(&value),
        Some(Key::Method) => ("method = ?".into(), vec![Sql::Text(value.to_uppercase())], false),
        Some(Key::System) => (of_system(&value), Vec::new(), false),
        Some(Key::Error) => ("class = ?".into(), vec![Sql::Text(value.clone())], false),
        Some(Key::Record) => match value.parse::<ExecutionId>() {
            Ok(id) => ("execution_id = ?".into(), vec![Sql::Integer(id.0)], true),
            Err(_) => ("0".into(), Vec::new(), true),
        },
        None => {
            let pattern = anywhere(&value);
            (
                "(url LIKE ? ESCAPE '\\' OR purpose LIKE ? ESCAPE '\\')".into(),
                vec![pattern.clone(), pattern],
                false,
            )
        }
        // A key that means nothing here matches nothing, and the empty list says so.
        Some(_) => ("0".into(), Vec::new(), true),
    }
}

/// `404`, `4xx`, `failed` (everything but 2xx and 3xx), `none` (no answer came).
fn status(value: &str) -> (String, Vec<Sql>, bool) {
    let range = |from: i64, to: i64, by_index| {
        ("status >= ? AND status < ?".to_owned(), vec![Sql::Integer(from), Sql::Integer(to)], by_index)
    };
    match value {
        "none" => ("status IS NULL".into(), Vec::new(), true),
        "failed" => ("(status >= 400 OR status IS NULL)".into(), Vec::new(), true),
        value => {
            match (value.strip_suffix("xx").and_then(|digit| digit.parse::<i64>().ok()), value.parse()) {
                // Most calls are 2xx: the newest ones are there at once, and an index would have to sort them all.
                (Some(class), _) if class < 4 => {
                    let (sql, values, _) = range(class * 100, class * 100 + 100, false);
                    (sql.replace("status", "+status"), values, false)
                }
                (Some(class), _) => range(class * 100, class * 100 + 100, true),
                (None, Ok(code)) => ("status = ?".into(), vec![Sql::Integer(code)], true),
                (None, Err(_)) => ("0".into(), Vec::new(), true),
            }
        }
    }
}

/// The condition that a call went to a system: what [`System::of_url`] says of its address.
fn of_system(word: &str) -> String {
    let hubspot = "(url LIKE '%hubapi%' OR url LIKE '%/crm/%' OR url LIKE '%/communication-preferences/%' \
                   OR url LIKE '%/account-info/%' OR url LIKE '%/integrators/%')";
    let salesforce = "(url LIKE '%salesforce%' OR url LIKE '%/services/%')";
    match word.parse::<System>() {
        Ok(System::Hubspot) => hubspot.to_owned(),
        Ok(System::Salesforce) => salesforce.to_owned(),
        Ok(System::Intercom) => format!("NOT {hubspot} AND NOT {salesforce}"),
        Err(_) => "0".to_owned(),
    }
}
