//! Pages of what is only ever added: the audit log and the calls, newest first, found by number.
//!
//! Both hold millions of rows that nobody deletes, so the newest number says how many there are. A filter that has an
//! index looks at everything; one that has none looks at the newest rows only, and says so through [`reaches_all`].
//! Counts stop at [`MOST`]: nobody needs to know whether it is 31,412 or 31,413, and everybody would wait for it.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};

use super::Result;
use crate::domain::clock::Timestamp;
use crate::domain::filter::{Filter, Key, Term, When};
use crate::domain::page::{Anchor, Page};

/// Matching rows that are counted.
pub const MOST: u64 = 10_000;
/// How far back a filter without an index looks.
pub const SLICE: i64 = 50_000;

/// A table that only grows.
pub(super) struct Ledger {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    pub(super) key: &'static str,
    pub(super) time: &'static str,
    /// What a term means: its condition, its values, and whether an index finds it.
    pub(super) term: fn(&Term) -> (String, Vec<Sql>, bool),
}

/// What a filter lets through.
struct Through {
    sql: String,
    values: Vec<Sql>,
}

impl Through {
    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Sql>) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn with(&self, sql: &str, value: i64) -> Self {
        let mut more = Self { sql: self.sql.clone(), values: self.values.clone() };
        more.and(sql, [Sql::Integer(value)]);
        more
    }
}

/// Whether a filter looks at all rows of a list that has `total`; otherwise at the newest [`SLICE`].
pub fn reaches_all(filter: &Filter, indexed: &[Key]) -> bool {
    filter.is_empty()
        || filter.terms.iter().all(|term| term.key.is_some_and(is_time))
        || filter.terms.iter().any(|term| {
            !term.negated
                && term.key.is_some_and(|key| indexed.contains(&key))
                && !term.values.iter().any(|value| value.ends_with('*'))
        })
}

const fn is_time(key: Key) -> bool {
    matches!(key, Key::Since | Key::Until | Key::Age)
}

impl Ledger {
    /// A page, newest first.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        now: Timestamp,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
        read: impl Fn(&Connection, &Row<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let key = self.key;
        let newest: i64 = connection
            .prepare_cached(&format!("SELECT coalesce(max({key}), 0) FROM {}", self.table))?
            .query_row([], |row| row.get(0))?;
        let through = self.through(connection, now, filter, newest)?;
        let (clause, forward) = match anchor {
            Anchor::First => (through.with(&format!("{key} <= ?"), i64::MAX), true),
            Anchor::Last => (through.with(&format!("{key} <= ?"), i64::MAX), false),
            Anchor::After(at) => (through.with(&format!("{key} < ?"), at), true),
            Anchor::At(at) => (through.with(&format!("{key} <= ?"), at), true),
            Anchor::Before(at) => (through.with(&format!("{key} > ?"), at), false),
        };
        let order = if forward { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT {} FROM {}{} ORDER BY {key} {order} LIMIT {limit}",
            self.columns, self.table, clause.sql
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(&clause.values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push((row.get::<_, i64>(key)?, read(connection, row)?));
        }
        if !forward {
            rows.reverse();
        }
        let above = |first: i64| self.count(connection, &through.with(&format!("{key} > ?"), first));
        let (total, before) = if filter.is_empty() {
            let before = rows.first().map_or(0, |(first, _)| newest - first);
            (u64::try_from(newest).unwrap_or(0), u64::try_from(before).unwrap_or(0))
        } else {
            let before = rows.first().map_or(Ok(0), |(first, _)| above(*first))?;
            let total = above(i64::MIN)?.max(before + rows.len() as u64);
            (total, before)
        };
        Ok(Page {
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            total,
            before,
            total_is_least: false,
            before_is_least: false,
        })
    }

    fn count(&self, connection: &Connection, clause: &Through) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {}{} LIMIT {MOST})", self.table, clause.sql);
        let number: i64 =
            connection.prepare_cached(&sql)?.query_row(params_from_iter(&clause.values), |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    fn through(
        &self,
        connection: &Connection,
        now: Timestamp,
        filter: &Filter,
        newest: i64,
    ) -> Result<Through> {
        let mut through = Through { sql: String::new(), values: Vec::new() };
        let mut floor = 0;
        let mut indexed = filter.terms.iter().all(|term| term.key.is_some_and(is_time));
        for term in &filter.terms {
            if let Some(key) = term.key.filter(|key| is_time(*key)) {
                let times =
                    term.values.first().and_then(|value| When::of(key, value)).map(|it| it.range(now));
                let Some(times) = times else {
                    through.and("0", []);
                    continue;
                };
                let at = |time| self.first_at(connection, time, newest);
                let low = if times.start == i64::MIN { 0 } else { at(times.start)? };
                let high = if times.end == i64::MAX { i64::MAX } else { at(times.end)? };
                if term.negated {
                    let outside = format!("({key} < ? OR {key} >= ?)", key = self.key);
                    through.and(&outside, [Sql::Integer(low), Sql::Integer(high)]);
                    continue;
                }
                floor = floor.max(low - 1);
                if high < i64::MAX {
                    through.and(&format!("{} < ?", self.key), [Sql::Integer(high)]);
                }
                continue;
            }
            let (sql, values, by_index) = (self.term)(term);
            indexed |= by_index && !term.negated;
            through.and(&if term.negated { format!("NOT ({sql})") } else { sql }, values);
        }
        if !indexed {
            floor = floor.max(newest - SLICE);
        }
        if floor > 0 {
            through.and(&format!("{} > ?", self.key), [Sql::Integer(floor)]);
        }
        Ok(through)
    }

    /// The first number whose time is not before `at`, found by halving: numbers and times grow together.
    fn first_at(&self, connection: &Connection, at: i64, newest: i64) -> Result<i64> {
        let sql = format!(
            "SELECT {key}, {time} FROM {table} WHERE {key} >= ?1 ORDER BY {key} LIMIT 1",
            key = self.key,
            time = self.time,
            table = self.table
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let (mut low, mut high) = (0_i64, newest + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut rows = statement.query([middle])?;
            let (number, time) = match rows.next()? {
                Some(row) => (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?),
                None => (newest + 1, i64::MAX),
            };
            if time >= at {
                high = middle;
            } else {
                low = number + 1;
            }
        }
        Ok(low)
    }
}

/// A pattern for LIKE that looks for a text anywhere.
pub(super) fn anywhere(text: &str) -> Sql {
    Sql::Text(format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")))
}
