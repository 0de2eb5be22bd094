//! What can be typed after a key: the values there are, by what is asked for most, without looking through a table.
//!
//! Small fields of executions are counted already. Where only an index knows the values, it is stepped through from one
//! value to the next, however many rows each has.

use rusqlite::{Connection, OptionalExtension};

use super::facets::{Facet, Facets};
use crate::domain::execution::Priority;
use crate::domain::filter::known::words;
use crate::domain::filter::{Key, List};
use crate::journal::Result;

/// A value that can be typed after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The value.
    pub value: String,
    /// How many rows have it, where that is known.
    pub rows: Option<u64>,
}

pub(super) fn offered(
    connection: &Connection,
    list: List,
    key: Key,
    start: &str,
    limit: usize,
) -> Result<Vec<Offered>> {
    let settled = words(list, key);
    let mut found = match (list, key) {
        (List::Executions, Key::Person) => steps(connection, "executions", "subject", "1", start, limit)?,
        (List::Executions, _) => counted(&Facets::read(connection)?, key),
        (List::Conflicts, Key::Field) => standing(connection, "conflicts", "field", start, limit)?,
        (List::Conflicts, Key::Role) => standing(connection, "conflicts", "decides", start, limit)?,
        (List::Unlinked, Key::Domain) => standing(connection, "unlinked", "domain", start, limit)?,
        (List::Conflicts, Key::Person) => standing(connection, "conflicts", "subject", start, limit)?,
        (List::Unlinked, Key::Person) => standing(connection, "unlinked", "subject", start, limit)?,
        (List::Audit, Key::Verb) => steps(connection, "audit", "verb", "1", start, limit)?,
        (List::Audit, Key::Record) => steps(connection, "audit", "object", "1", start, limit)?,
        (List::Audit, Key::Actor) => {
            // The engine's entries are most of them, and no index of people holds them.
            let mut found = steps(connection, "audit", "actor", "actor <> 'engine'", start, limit)?;
            found.push(Offered { value: "engine".to_owned(), rows: None });
            found
        }
        _ => Vec::new(),
    };
    let mut more = settled;
    more.retain(|word| !found.iter().any(|one| one.value == *word));
    found.extend(more.into_iter().map(|word| Offered { value: word.to_owned(), rows: None }));
    let folded = start.to_lowercase();
    found.retain(|one| one.value.to_lowercase().starts_with(&folded));
    found.sort_by_key(|one| std::cmp::Reverse(one.rows));
    found.truncate(limit);
    Ok(found)
}

fn counted(facets: &[Facet], key: Key) -> Vec<Offered> {
    let mut found: Vec<Offered> = Vec::new();
    for facet in facets {
        let value = match key {
            Key::Status => facet.status.clone(),
            Key::Recipe => facet.recipe.clone(),
            Key::System => facet.system.clone(),
            Key::Kind => facet.kind.clone(),
            Key::Outcome => facet.outcome.clone(),
            Key::Error => facet.error.clone(),
            Key::Cause => facet.cause.clone(),
            Key::Code if facet.code != 0 => facet.code.to_string(),
            Key::Attempts => facet.attempts.to_string(),
            Key::Priority => Priority::ALL
                .iter()
                .find(|one| one.rank() == facet.priority)
                .map(ToString::to_string)
                .unwrap_or_default(),
            _ => String::new(),
        };
        if value.is_empty() {
            continue;
        }
        match found.iter_mut().find(|one| one.value == value) {
            Some(one) => one.rows = one.rows.map(|rows| rows + facet.number),
            None => found.push(Offered { value, rows: Some(facet.number) }),
        }
    }
    found
}

fn standing(
    connection: &Connection,
    table: &str,
    column: &str,
    start: &str,
    limit: usize,
) -> Result<Vec<Offered>> {
    steps(connection, table, column, "state IN ('open', 'deciding')", start, limit)
}

/// Values of an indexed column that begin so, from one to the next.
fn steps(
    connection: &Connection,
    table: &str,
    column: &str,
    which: &str,
    start: &str,
    limit: usize,
) -> Result<Vec<Offered>> {
    let collation = if column == "subject" { " COLLATE NOCASE" } else { "" };
    let next = |than: &str| {
        format!(
            "SELECT {column} FROM {table} WHERE {which} AND {column}{collation} {than} ?1 \
             ORDER BY {column}{collation} LIMIT 1"
        )
    };
    let mut found: Vec<Offered> = Vec::new();
    let mut last = start.to_owned();
    while found.len() < limit {
        let sql = next(if found.is_empty() { ">=" } else { ">" });
        let value: Option<String> =
            connection.prepare_cached(&sql)?.query_row([&last], |row| row.get(0)).optional()?;
        let Some(value) = value else { break };
        if !value.to_lowercase().starts_with(&start.to_lowercase()) {
            break;
        }
        last.clone_from(&value);
        if !value.is_empty() {
            found.push(Offered { value, rows: None });
        }
    }
    Ok(found)
}
