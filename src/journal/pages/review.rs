//! Pages of the review lists: conflicts, duplicates, unlinked people.
//!
//! They are short beside executions; what stands open has an index for each column it can be sorted by, and words are
//! found by the index of words. Counts end at [`COUNTED`].

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::executions::COUNTED;
use super::words::{self, Sought};
use crate::domain::clock::Timestamp;
use crate::domain::filter::values::row_number;
use crate::domain::filter::{Column, Filter, Key, List, Sort, Term, When, beginning, known};
use crate::domain::page::{Anchor, Page};
use crate::journal::{Result, team};

/// A review list: its table, and what its keys and columns are called there.
pub(super) struct Review {
    list: List,
    /// What is read.
    table: &'static str,
    /// What is counted and walked.
    base: &'static str,
    words: &'static str,
    /// Shown when no `status:` term asks for others.
    standing: &'static str,
    /// The counters know how many stand; not where only one row of a group is shown.
    counter: Option<&'static str>,
    records: &'static [&'static str],
    columns: &'static [(Column, &'static str, &'static str)],
}

pub(super) const CONFLICTS: Review = Review {
    list: List::Conflicts,
    table: "conflicts",
    base: "conflicts",
    words: "conflict_words",
    standing: "state IN ('open', 'deciding')",
    counter: Some("conflict."),
    records: &["right_record", "left_record"],
    columns: &[
        (Column::Id, "id", "conflicts_standing"),
        (Column::Person, "subject COLLATE NOCASE", "conflicts_by_person"),
        (Column::Field, "field", "conflicts_by_field"),
        (Column::Kind, "kind", "conflicts_by_kind"),
        (Column::Role, "decides", "conflicts_by_role"),
        (Column::Age, "created_at", "conflicts_by_found"),
        (Column::Record, "right_record", ""),
        (Column::Status, "state", ""),
    ],
};

pub(super) const DUPLICATES: Review = Review {
    list: List::Duplicates,
    table: "duplicate_rows",
    base: "duplicates",
    words: "duplicate_words",
    standing: "state IN ('open', 'deciding')",
    counter: Some("duplicate."),
    records: &["right_record", "left_record"],
    columns: &[
        (Column::Score, "rank", ""),
        (Column::Person, "subject COLLATE NOCASE", ""),
        (Column::Members, "members", ""),
        (Column::Age, "created_at", ""),
        (Column::Record, "left_record", ""),
        (Column::Status, "state", ""),
        (Column::Id, "id", ""),
    ],
};

/// The same, each group by the one pair that stands for it.
pub(super) const DUPLICATE_GROUPS: Review = Review {
    standing: "leads = 1 AND state IN ('open', 'deciding')",
    counter: None,
    columns: &[
        (Column::Score, "rank", "duplicates_led"),
        (Column::Person, "subject COLLATE NOCASE", "duplicates_by_person"),
        (Column::Members, "members", "duplicates_by_members"),
        (Column::Age, "created_at", "duplicates_by_found"),
        (Column::Record, "left_record", ""),
        (Column::Status, "state", ""),
        (Column::Id, "id", "duplicates_by_number"),
    ],
    ..DUPLICATES
};

pub(super) const UNLINKED: Review = Review {
    list: List::Unlinked,
    table: "unlinked",
    base: "unlinked",
    words: "unlinked_words",
    standing: "state IN ('open', 'deciding')",
    counter: Some("unlinked."),
    records: &["contact"],
    columns: &[
        (Column::Score, "best", "unlinked_standing"),
        (Column::Person, "subject COLLATE NOCASE", "unlinked_by_person"),
        (Column::Domain, "domain", "unlinked_in_domain"),
        (Column::Age, "created_at", "unlinked_by_found"),
        (Column::Owner, "owner", "unlinked_by_owner"),
        (Column::Record, "contact", ""),
        (Column::Status, "state", ""),
        (Column::Id, "id", "unlinked_by_number"),
    ],
};

/// A piece of a WHERE clause with its values.
#[derive(Default, Clone)]
struct Where {
    sql: String,
    values: Vec<Sql>,
    /// Few rows can fulfil it, and an index knows them.
    narrow: bool,
}

impl Where {
    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Sql>) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

/// The order of one question.
#[derive(Clone, Copy)]
struct Order {
    sql: &'static str,
    index: &'static str,
    up: bool,
    id_up: bool,
}

impl Order {
    fn turned(self, forward: bool) -> Self {
        if forward { self } else { Self { up: !self.up, id_up: !self.id_up, ..self } }
    }

    fn sql(self) -> String {
        let way = |up: bool| if up { "ASC" } else { "DESC" };
        if self.sql == "id" {
            return format!("id {}", way(self.up));
        }
        format!("{} {}, id {}", self.sql, way(self.up), way(self.id_up))
    }
}

impl Review {
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        now: Timestamp,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
        read: fn(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let clause = self.clause(now, filter);
        let (total, total_is_least) = self.total(connection, filter, &clause)?;
        let forward = !matches!(anchor, Anchor::Last | Anchor::Before(_));
        let order = self.order(filter.sort);
        let mut placed = clause.clone();
        match anchor {
            Anchor::First | Anchor::Last => {}
            Anchor::After(id) | Anchor::Before(id) => {
                self.beside(connection, &mut placed, order.turned(forward), id, false)?;
            }
            Anchor::At(id) => self.beside(connection, &mut placed, order, id, true)?,
        }
        // First which rows, along the index alone; then the rows themselves, which may be wide.
        let sql = format!(
            "SELECT id FROM {}{}{} ORDER BY {} LIMIT {limit}",
            self.base,
            by_index(filter, &clause, order),
            placed.sql,
            order.turned(forward).sql()
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut ids = Vec::new();
        let mut found = statement.query(params_from_iter(&placed.values))?;
        while let Some(row) = found.next()? {
            ids.push(row.get::<_, i64>(0)?);
        }
        if !forward {
            ids.reverse();
        }
        let mut statement =
            connection.prepare_cached(&format!("SELECT * FROM {} WHERE id = ?1", self.table))?;
        let mut shown = Vec::with_capacity(ids.len());
        for id in &ids {
            let mut row = statement.query([id])?;
            if let Some(row) = row.next()? {
                shown.push(read(row)?);
            }
        }
        let number = ids.len() as u64;
        let (before, before_is_least) = match (anchor, ids.first()) {
            (Anchor::First, _) | (_, None) => (0, false),
            (Anchor::Last, Some(_)) if !total_is_least => (total.saturating_sub(number), false),
            (_, Some(first)) => {
                let mut above = clause.clone();
                self.beside(connection, &mut above, order.turned(false), *first, false)?;
                self.count(connection, filter, &above, order)?
            }
        };
        let total = total.max(before + number);
        Ok(Page { rows: shown, total, before, total_is_least, before_is_least })
    }

    /// The question for the first page, to look at its plan.
    #[cfg(test)]
    pub(super) fn first_page(&self, filter: &Filter) -> String {
        let clause = self.clause(Timestamp(0), filter);
        let order = self.order(filter.sort);
        let by_index = by_index(filter, &clause, order);
        format!("SELECT id FROM {}{by_index}{} ORDER BY {} LIMIT 9", self.base, clause.sql, order.sql())
    }

    fn order(&self, sort: Option<Sort>) -> Order {
        let (column, descending) = sort.map_or(known(self.list).order, |sort| (sort.column, sort.descending));
        let default = self.columns[0];
        let &(column, sql, index) = self.columns.iter().find(|(one, ..)| *one == column).unwrap_or(&default);
        // The youngest has the largest time; of those that are equally sure the first found comes first.
        let up = (column == Column::Age) == descending;
        Order { sql, index, up, id_up: if column == Column::Score { !up } else { up } }
    }

    /// Rows beyond one row in an order, the row itself included or not.
    fn beside(
        &self,
        connection: &Connection,
        clause: &mut Where,
        order: Order,
        id: i64,
        inclusive: bool,
    ) -> Result<()> {
        let equal = if inclusive { "=" } else { "" };
        let than = |up: bool| if up { ">" } else { "<" };
        if order.sql == "id" {
            clause.and(&format!("id {}{equal} ?", than(order.up)), [Sql::Integer(id)]);
            return Ok(());
        }
        let value: Option<Sql> = connection
            .prepare_cached(&format!("SELECT {} FROM {} WHERE id = ?1", order.sql, self.base))?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let Some(value) = value else { return Ok(()) };
        let (sql, way, by_id) = (order.sql, than(order.up), than(order.id_up));
        clause.and(
            &format!("{sql} {way}= ? AND ({sql} {way} ? OR id {by_id}{equal} ?)"),
            [value.clone(), value, Sql::Integer(id)],
        );
        Ok(())
    }

    /// All rows the filter lets through; from the counters where they know it.
    fn total(&self, connection: &Connection, filter: &Filter, clause: &Where) -> Result<(u64, bool)> {
        let states: Option<Vec<&str>> = match (filter.terms.as_slice(), self.counter) {
            ([], Some(_)) => Some(vec!["open", "deciding"]),
            ([Term { key: Some(Key::Status), values, negated: false }], Some(_))
                if !values.iter().any(|value| beginning(value).is_some()) =>
            {
                Some(values.iter().map(String::as_str).collect())
            }
            _ => None,
        };
        let Some((mut states, counter)) = states.zip(self.counter) else {
            return self.count(connection, filter, clause, self.order(None));
        };
        states.sort_unstable();
        states.dedup();
        let mut total = 0;
        for state in states {
            total += super::super::overview::counter(connection, &format!("{counter}{state}"))?;
        }
        Ok((total, false))
    }

    fn count(
        &self,
        connection: &Connection,
        filter: &Filter,
        clause: &Where,
        order: Order,
    ) -> Result<(u64, bool)> {
        let most = COUNTED + 1;
        let by_index = by_index(filter, clause, order);
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {}{by_index}{} LIMIT {most})",
            self.base, clause.sql
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let number: i64 = statement.query_row(params_from_iter(&clause.values), |row| row.get(0))?;
        let number = number.unsigned_abs();
        Ok((number.min(COUNTED), number > COUNTED))
    }

    fn clause(&self, now: Timestamp, filter: &Filter) -> Where {
        let mut clause = Where::default();
        let mut asked_for_state = false;
        for term in &filter.terms {
            asked_for_state |= term.key == Some(Key::Status);
            if let Some(sought) = Sought::of(term) {
                let question = words::question(std::iter::once(&sought.plainly()));
                let not = if term.negated { "NOT " } else { "" };
                let words = self.words;
                clause.and(
                    &format!("id {not}IN (SELECT rowid FROM {words} WHERE {words} MATCH ?)"),
                    question.map(Sql::Text),
                );
                clause.narrow |= !term.negated;
                continue;
            }
            if matches!(term.key, None | Some(Key::Person)) {
                continue;
            }
            let mut parts = Vec::new();
            let mut given = Vec::new();
            for value in &term.values {
                let (sql, values) = self.value(now, term.key, value);
                parts.push(sql);
                given.extend(values);
            }
            let any = parts.join(" OR ");
            clause.and(&if term.negated { format!("NOT ({any})") } else { format!("({any})") }, given);
            let narrow =
                matches!(term.key, Some(Key::Id | Key::Record | Key::Domain | Key::Assignee | Key::Claimed));
            clause.narrow |= narrow && !term.negated;
        }
        if !asked_for_state {
            clause.and(self.standing, []);
        }
        clause
    }

    fn value(&self, now: Timestamp, key: Option<Key>, value: &str) -> (String, Vec<Sql>) {
        let text = |text: &str| Sql::Text(text.to_owned());
        let column = match key {
            Some(Key::Status) => "state",
            Some(Key::Kind) => "kind",
            Some(Key::Field) => "field",
            Some(Key::Role) => "decides",
            Some(Key::Domain) => "domain",
            Some(Key::Id) => return ("id = ?".into(), vec![Sql::Integer(row_number(value).unwrap_or(-1))]),
            Some(Key::System) => {
                let like = match beginning(value) {
                    Some(start) => vec![format!("{}%", escape_like(start))],
                    None => vec![format!("{}/%", escape_like(value)), format!("{}:%/%", escape_like(value))],
                };
                let any = vec![format!("{} LIKE ? ESCAPE '\\'", self.records[0]); like.len()].join(" OR ");
                return (format!("({any})"), like.into_iter().map(Sql::Text).collect());
            }
            Some(Key::Record) => {
                let (start, open) = beginning(value).map_or((value, ""), |start| (start, "%"));
                let whole = start.contains('/');
                let like = format!("{}{}{open}", if whole { "" } else { "%/" }, escape_like(start));
                let exact = whole && open.is_empty();
                let test = if exact { "= ?" } else { "LIKE ? ESCAPE '\\'" };
                let any: Vec<String> = self.records.iter().map(|record| format!("{record} {test}")).collect();
                let given = if exact { text(start) } else { Sql::Text(like) };
                return (format!("({})", any.join(" OR ")), vec![given; self.records.len()]);
            }
            Some(key @ (Key::Since | Key::Until | Key::Age)) => {
                let Some(range) = When::of(key, value).map(|when| when.range(now)) else {
                    return ("0".into(), Vec::new());
                };
                return (
                    "(created_at >= ? AND created_at < ?)".into(),
                    vec![Sql::Integer(range.start), Sql::Integer(range.end)],
                );
            }
            Some(key @ (Key::Assignee | Key::Claimed)) => return team::term(self.base, key, value, now),
            // Keys of other lists are refused before it comes here.
            _ => return ("0".into(), Vec::new()),
        };
        match beginning(value) {
            Some(start) => {
                (format!("{column} LIKE ? ESCAPE '\\'"), vec![Sql::Text(format!("{}%", escape_like(start)))])
            }
            None => (format!("{column} = ?"), vec![text(value)]),
        }
    }
}

/// The index of what stands open in this order, unless few rows can be meant or others are asked for.
fn by_index(filter: &Filter, clause: &Where, order: Order) -> String {
    let standing = !filter.terms.iter().any(|term| term.key == Some(Key::Status));
    if standing && !clause.narrow && !order.index.is_empty() {
        format!(" INDEXED BY {}", order.index)
    } else {
        String::new()
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
