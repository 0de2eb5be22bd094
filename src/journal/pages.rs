//! Rows for lists, a page at a time, and everything about one execution.
//!
//! Pages are found by key, never by counting through: the first page of five million rows costs what the first of
//! fifty does. Only the position of a page in the whole is counted, over an index.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::rows;
use super::{Journal, Result, sealing, team};
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Execution, ExecutionDetail, Status};
use crate::domain::filter::{Filter, Key, Term, span};
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::page::{Anchor, Page};
use crate::domain::review::{Conflict, Duplicate, Unlinked};

/// A list of the journal: its table, its order and what its filters mean.
struct List {
    table: &'static str,
    columns: &'static str,
    /// Sorted by this descending first, then by id in `ids_descending` order; none = by id alone.
    weight: Option<&'static str>,
    newest_first: bool,
    state: &'static str,
    /// Shown when no `status:` term asks for others.
    standing: Option<&'static str>,
    texts: &'static [&'static str],
    counter: &'static str,
}

const EXECUTIONS: List = List {
    table: "executions",
    columns: rows::EXECUTION,
    weight: None,
    newest_first: true,
    state: "status",
    standing: None,
    texts: &["subject", "sentence", "recipe"],
    counter: "execution.",
};
const CONFLICTS: List = List {
    table: "conflicts",
    columns: "*",
    weight: None,
    newest_first: false,
    state: "state",
    standing: Some("state IN ('open', 'deciding')"),
    texts: &["subject", "field", "left_value", "right_value"],
    counter: "conflict.",
};
const DUPLICATES: List = List {
    table: "duplicate_rows",
    columns: "*",
    weight: Some("rank"),
    newest_first: false,
    state: "state",
    standing: Some("state IN ('open', 'deciding')"),
    texts: &["subject", "left_fields", "right_fields"],
    counter: "duplicate.",
};
/// The same, each group by the one pair that stands for it.
const DUPLICATE_GROUPS: List =
    List { standing: Some("state IN ('open', 'deciding') AND leads = 1"), counter: "", ..DUPLICATES };
const UNLINKED: List = List {
    table: "unlinked",
    columns: "*",
    weight: Some("best"),
    newest_first: false,
    state: "state",
    standing: Some("state IN ('open', 'deciding')"),
    texts: &["subject", "domain", "hint", "candidates"],
    counter: "unlinked.",
};

impl Journal {
    /// Executions, newest first.
    pub async fn executions(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Execution>> {
        self.page(&EXECUTIONS, filter, anchor, limit, rows::execution).await
    }

    /// Conflicts, oldest first: those open or being decided, unless `status:` asks for others.
    pub async fn conflicts(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Conflict>> {
        self.page(&CONFLICTS, filter, anchor, limit, rows::conflict).await
    }

    /// Duplicate candidates, surest first: those open or being decided, unless `status:` asks for others.
    pub async fn duplicates(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Duplicate>> {
        self.page(&DUPLICATES, filter, anchor, limit, rows::duplicate).await
    }

    /// The same, groups of more than two once: by the pair that is surest.
    pub async fn duplicate_groups(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<Duplicate>> {
        self.page(&DUPLICATE_GROUPS, filter, anchor, limit, rows::duplicate).await
    }

    /// Unlinked relations, surest first: those open or being decided, unless `status:` asks for others.
    pub async fn unlinked(&self, filter: &Filter, anchor: Anchor, limit: usize) -> Result<Page<Unlinked>> {
        self.page(&UNLINKED, filter, anchor, limit, rows::unlinked).await
    }

    async fn page<T: Send + 'static>(
        &self,
        list: &'static List,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
        read: fn(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let filter = filter.clone();
        let now = self.now();
        self.read(move |connection| list.page(connection, now, &filter, anchor, limit, read)).await
    }

    /// Everything about one execution.
    pub async fn execution(&self, id: ExecutionId) -> Result<Option<ExecutionDetail>> {
        self.read(move |connection| detail(connection, id)).await
    }
}

/// A piece of a WHERE clause with its values.
#[derive(Default)]
struct Where {
    sql: String,
    values: Vec<Sql>,
}

impl Where {
    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Sql>) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

impl List {
    fn page<T>(
        &self,
        connection: &Connection,
        now: Timestamp,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
        read: fn(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let total = self.total(connection, now, filter)?;
        let (mut clause, forward) =
            (self.clause(now, filter), !matches!(anchor, Anchor::Last | Anchor::Before(_)));
        match anchor {
            Anchor::First | Anchor::Last => {}
            Anchor::After(id) => self.beside(connection, &mut clause, id, true, false)?,
            Anchor::At(id) => self.beside(connection, &mut clause, id, true, true)?,
            Anchor::Before(id) => self.beside(connection, &mut clause, id, false, false)?,
        }
        let order = self.order(forward);
        let sql = format!(
            "SELECT {} FROM {}{} ORDER BY {order} LIMIT {limit}",
            self.columns, self.table, clause.sql
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(&clause.values))?;
        let mut page_rows = Vec::new();
        let mut first = None;
        let mut last = None;
        while let Some(row) = found.next()? {
            let id: i64 = row.get("id")?;
            first.get_or_insert(id);
            last = Some(id);
            page_rows.push(read(row)?);
        }
        if !forward {
            page_rows.reverse();
            std::mem::swap(&mut first, &mut last);
        }
        let before = match (anchor, first) {
            (Anchor::First, _) | (_, None) => 0,
            (Anchor::Last, Some(_)) => total.saturating_sub(page_rows.len() as u64),
            (_, Some(first)) => {
                let mut clause = self.clause(now, filter);
                self.beside(connection, &mut clause, first, false, false)?;
                count(connection, self.table, &clause)?
            }
        };
        Ok(Page { rows: page_rows, total, before, total_is_least: false, before_is_least: false })
    }

    /// Rows after (or before) one row in list order, the row itself included or not.
    fn beside(
        &self,
        connection: &Connection,
        clause: &mut Where,
        id: i64,
        after: bool,
        inclusive: bool,
    ) -> Result<()> {
        let equal = if inclusive { "=" } else { "" };
        let by_id = if self.newest_first == after { "<" } else { ">" };
        match self.weight {
            None => clause.and(&format!("id {by_id}{equal} ?"), [Sql::Integer(id)]),
            Some(weight) => {
                let value: Option<f64> = connection
                    .prepare_cached(&format!("SELECT {weight} FROM {} WHERE id = ?1", self.table))?
                    .query_row([id], |row| row.get(0))
                    .optional()?;
                let value = Sql::Real(value.unwrap_or(f64::MAX));
                let heavier = if after { "<" } else { ">" };
                clause.and(
                    &format!("({weight} {heavier} ? OR ({weight} = ? AND id {by_id}{equal} ?))"),
                    [value.clone(), value, Sql::Integer(id)],
                );
            }
        }
        Ok(())
    }

    fn order(&self, forward: bool) -> String {
        let by_id = if self.newest_first == forward { "DESC" } else { "ASC" };
        match self.weight {
            None => format!("id {by_id}"),
            Some(weight) => format!("{weight} {}, id {by_id}", if forward { "DESC" } else { "ASC" }),
        }
    }

    /// All rows the filter lets through; from the counters where they know it.
    fn total(&self, connection: &Connection, now: Timestamp, filter: &Filter) -> Result<u64> {
        let states: Option<Vec<&str>> = match filter.terms.as_slice() {
            [] if self.standing.is_none() => Some(Vec::new()),
            [] => Some(vec!["open", "deciding"]),
            [Term { key: Some(Key::Status), values, negated: false }] => {
                Some(values.iter().flat_map(|value| self.states(value)).collect())
            }
            _ => None,
        };
        let states = states.filter(|_| !self.counter.is_empty());
        let Some(states) = states else { return count(connection, self.table, &self.clause(now, filter)) };
        let mut statement = connection
            .prepare_cached("SELECT coalesce(sum(value), 0) FROM counters WHERE name >= ?1 AND name < ?2")?;
        let mut sum = |from: String, to: String| -> Result<i64> {
            Ok(statement.query_row([from, to], |row| row.get(0))?)
        };
        let total = if states.is_empty() {
            sum(self.counter.to_owned(), format!("{}~", self.counter))?
        } else {
            let mut total = 0;
            for state in states {
                total += sum(format!("{}{state}", self.counter), format!("{}{state}\u{1}", self.counter))?;
            }
            total
        };
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// `status:` values: a word, several joined by commas, or `open` for what needs or awaits something.
    fn states<'a>(&self, value: &'a str) -> Vec<&'a str> {
        value
            .split(',')
            .flat_map(|word| match (self.table, word) {
                ("executions", "open") => Status::ALL
                    .iter()
                    .filter(|status| {
                        !matches!(status, Status::Succeeded | Status::Skipped | Status::Discarded)
                    })
                    .map(|status| status.as_str())
                    .collect(),
                (_, word) => vec![word],
            })
            .collect()
    }

    fn clause(&self, now: Timestamp, filter: &Filter) -> Where {
        let mut clause = Where::default();
        let mut asked_for_state = false;
        for term in &filter.terms {
            asked_for_state |= term.key == Some(Key::Status);
            let (mut parts, mut values) = (Vec::new(), Vec::new());
            for value in &term.values {
                let (sql, given) = self.term(now, term.key, value);
                parts.push(sql);
                values.extend(given);
            }
            let sql = parts.join(" OR ");
            clause.and(&if term.negated { format!("NOT ({sql})") } else { format!("({sql})") }, values);
        }
        if let (Some(standing), false) = (self.standing, asked_for_state) {
            clause.and(standing, []);
        }
        clause
    }

    fn term(&self, now: Timestamp, key: Option<Key>, value: &str) -> (String, Vec<Sql>) {
        let text = |value: &str| Sql::Text(value.to_owned());
        let executions = self.table == "executions";
        match key {
            None => {
                let pattern = format!("%{}%", escape_like(value));
                let any: Vec<String> =
                    self.texts.iter().map(|column| format!("{column} LIKE ? ESCAPE '\\'")).collect();
                (format!("({})", any.join(" OR ")), vec![text(&pattern); self.texts.len()])
            }
            Some(Key::Status) => {
                let states = self.states(value);
                let marks = vec!["?"; states.len()].join(", ");
                (format!("{} IN ({marks})", self.state), states.into_iter().map(text).collect())
            }
            Some(Key::Recipe) if executions => match value.strip_suffix('*') {
                Some(start) => {
                    ("recipe LIKE ? ESCAPE '\\'".into(), vec![text(&format!("{}%", escape_like(start)))])
                }
                None => ("recipe = ?".into(), vec![text(value)]),
            },
            Some(Key::Error) if executions => {
                ("(error_class = ? OR error_code = ?)".into(), vec![text(value), text(value)])
            }
            // Worded as the index of causes is, which is used for it.
            Some(Key::Cause) if executions => (
                "(cause = ? AND cause IS NOT NULL AND status IN ('failed', 'retrying', 'in_doubt'))".into(),
                vec![text(value)],
            ),
            Some(Key::System) => {
                let column = match self.table {
                    "executions" => "record",
                    "unlinked" => "contact",
                    _ => "right_record",
                };
                (format!("{column} LIKE ? ESCAPE '\\'"), vec![text(&format!("{}%", escape_like(value)))])
            }
            Some(Key::Kind) if self.table == "conflicts" => ("kind = ?".into(), vec![text(value)]),
            Some(Key::Field) if self.table == "conflicts" => ("field = ?".into(), vec![text(value)]),
            Some(Key::Role) if self.table == "conflicts" => ("decides = ?".into(), vec![text(value)]),
            Some(Key::Domain) if self.table == "unlinked" => ("domain = ?".into(), vec![text(value)]),
            Some(key @ (Key::Since | Key::Age)) => {
                let span = span(value).map_or(0, |span| span.as_millis() as i64);
                let column = if executions { "updated_at" } else { "created_at" };
                let sign = if key == Key::Since { ">=" } else { "<" };
                (format!("{column} {sign} ?"), vec![Sql::Integer(now.0 - span)])
            }
            Some(key @ (Key::Assignee | Key::Claimed)) => team::term(self.table, key, value, now),
            // A key that means nothing for this list matches nothing, and the empty list says so.
            Some(_) => ("0".into(), Vec::new()),
        }
    }
}

fn count(connection: &Connection, table: &str, clause: &Where) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM {table}{}", clause.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let number: i64 = statement.query_row(params_from_iter(&clause.values), |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn detail(connection: &Connection, id: ExecutionId) -> Result<Option<ExecutionDetail>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {}, plan, vendor_words FROM executions WHERE id = ?1",
            rows::EXECUTION
        ))?
        .query_row([id.0], |row| {
            Ok(rows::execution(row).and_then(|execution| {
                let plan: Option<String> = row.get("plan")?;
                let words: Option<String> = row.get("vendor_words")?;
                Ok((execution, plan, words))
            }))
        })
        .optional()?
        .transpose()?;
    let Some((execution, plan, vendor_words)) = found else { return Ok(None) };
    let event = match execution.event {
        None => None,
        Some(event) => connection
            .prepare_cached("SELECT * FROM events WHERE id = ?1")?
            .query_row([event.0], |row| {
                Ok(rows::event(connection, row).and_then(|event| Ok((event, super::events::delivered(row)?))))
            })
            .optional()?
            .transpose()?,
    };
    let mut attempts = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT * FROM attempts WHERE execution_id = ?1 ORDER BY id LIMIT 200")?;
    let mut found = statement.query([id.0])?;
    while let Some(row) = found.next()? {
        attempts.push(rows::attempt(connection, row)?);
    }
    let mut conflicts = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT id FROM conflicts WHERE execution_id = ?1 AND state IN ('open', 'deciding') ORDER BY id",
    )?;
    let mut found = statement.query([id.0])?;
    while let Some(row) = found.next()? {
        conflicts.push(ConflictId(row.get("id")?));
    }
    let waits_for = connection
        .prepare_cached(
            "SELECT other.id FROM executions AS mine JOIN executions AS other ON other.lane = mine.lane \
             WHERE mine.id = ?1 AND mine.status = 'pending' AND other.id <> mine.id AND (other.status = 'running' \
             OR (mine.priority > 0 AND other.status IN ('retrying', 'in_doubt'))) ORDER BY other.id LIMIT 1",
        )?
        .query_row([id.0], |row| row.get(0))
        .optional()?
        .map(ExecutionId);
    Ok(Some(ExecutionDetail {
        waits_for,
        plan: sealing::open_plan(connection, id, plan)?,
        topic: event.as_ref().map(|(event, _)| event.topic.clone()),
        told_by: event.as_ref().map(|(event, _)| event.connection.clone()),
        received_at: event.as_ref().map(|(event, _)| event.received_at),
        delivered: event.as_ref().map(|(_, delivered)| *delivered).unwrap_or_default(),
        payload: event.map(|(event, _)| event.body).unwrap_or_default(),
        attempts,
        vendor_words,
        conflicts,
        execution,
    }))
}
