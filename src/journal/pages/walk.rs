//! Walking executions in an order: along the index of their combinations, along an index of one column, or along the
//! index of words; forward or back, from a row on, until the page is full.
//!
//! An order is a row of stretches that follow each other: all with one value of a small field, then all with the next.
//! No stretch is counted through; what was walked is what is shown, and a little more.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{Connection, OptionalExtension, params};

use super::executions::{Asked, COUNTED, Seen};
use super::facets::Rank;
use super::words;
use crate::domain::filter::Column;
use crate::journal::Result;

/// Rows read at a time of one combination.
const PIECE: usize = 32;

/// Rows counted beyond a page where no count is known.
pub(super) const COUNT_AHEAD: usize = 10_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Direction {
    pub(super) forward: bool,
    pub(super) inclusive: bool,
}

/// How much a walk may look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) rows: usize,
    /// It ends as soon as it is plain that it will not find enough: something else is tried then.
    pub(super) hurried: bool,
    /// Words are looked for in the rows, not in their index: it gathers all rows that have a word before it gives the
    /// first of them, and where very many have it, some are near anyway.
    pub(super) by_rows: bool,
}

impl Budget {
    /// Whether it ends after so many rows looked at and found.
    const fn is_spent(self, looked: usize, found: usize, want: usize) -> bool {
        let hopeless = looked >= self.rows / 8 && found * self.rows < want * looked;
        looked >= self.rows || (self.hurried && hopeless)
    }
}

/// What a walk came to.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) rows: Vec<Seen>,
    /// It was ended by its budget.
    pub(super) spent: bool,
}

/// A stretch of the order, named by what its rows have in common.
#[derive(Debug)]
enum Stretch {
    /// Rows of combinations, by number. The rank is theirs, where the order is by a small field.
    Facets { ids: Vec<i64>, rank: Option<Rank> },
    /// Every row, by number.
    All,
    /// Rows with words, by number.
    Words(String),
    /// Rows in the order of a column that has an index.
    Column,
}

/// The combinations of the small fields know the order.
pub(super) fn is_along_facets(column: Column) -> bool {
    !matches!(column, Column::Age | Column::Person | Column::Record | Column::Next)
}

fn stretches(asked: &Asked<'_>, by_rows: bool) -> Vec<Stretch> {
    let order = asked.order;
    let all = || {
        if asked.facets.all { Stretch::All } else { Stretch::Facets { ids: asked.facets.ids(), rank: None } }
    };
    match order.column {
        Column::Id if by_rows => vec![all()],
        Column::Id => vec![asked.along_words().map_or_else(all, Stretch::Words)],
        Column::Age | Column::Person => vec![Stretch::Column],
        Column::Record => {
            let without = asked.facets.by_id.values().filter(|facet| facet.system.is_empty());
            vec![
                Stretch::Column,
                Stretch::Facets { ids: without.map(|facet| facet.id).collect(), rank: Some(Rank::Nothing) },
            ]
        }
        Column::Next => {
            vec![Stretch::Column, Stretch::Facets { ids: asked.facets.ids(), rank: Some(Rank::Nothing) }]
        }
        column => {
            let mut ranked: Vec<(Rank, i64)> = asked
                .facets
                .by_id
                .values()
                .map(|facet| (facet.rank(column).unwrap_or(Rank::Nothing), facet.id))
                .collect();
            ranked.sort_by(|(one, _), (other, _)| one.compare(other, order.descending));
            ranked
                .chunk_by(|(one, _), (other, _)| one == other)
                .map(|group| Stretch::Facets {
                    ids: group.iter().map(|(_, id)| *id).collect(),
                    rank: Some(group[0].0.clone()),
                })
                .collect()
        }
    }
}

/// Walks from a row on (from the end of the list where there is none) until enough rows match, and then on for
/// `ahead` more, matching or not: they say how much there is beyond.
pub(super) fn walk(
    asked: &Asked<'_>,
    from: Option<&Seen>,
    direction: Direction,
    want: usize,
    ahead: usize,
    budget: Option<Budget>,
) -> Result<Walk> {
    let mut found = Walk { rows: Vec::new(), spent: false };
    let (mut looked, mut beyond) = (0, 0);
    let mut stretches = stretches(asked, budget.is_some_and(|budget| budget.by_rows));
    if !direction.forward {
        stretches.reverse();
    }
    let order = asked.order;
    for stretch in stretches {
        // Rows of a stretch that lie wholly on the other side of the anchor are not walked; its own begins there.
        let start = match (&stretch, from) {
            (_, None) => None,
            (Stretch::Facets { rank: Some(rank), .. }, Some(from)) => {
                let side = rank.compare(&from.rank, order.descending);
                match if direction.forward { side } else { side.reverse() } {
                    std::cmp::Ordering::Less => continue,
                    std::cmp::Ordering::Equal => Some(from),
                    std::cmp::Ordering::Greater => None,
                }
            }
            (Stretch::Column, Some(from)) if from.rank == Rank::Nothing => {
                if direction.forward {
                    continue;
                }
                None
            }
            (_, Some(from)) => Some(from),
        };
        let mut visit = |mut seen: Seen| -> Result<bool> {
            let enough = found.rows.len() >= want;
            let spent = if enough {
                beyond >= ahead
            } else {
                budget.is_some_and(|budget| budget.is_spent(looked, found.rows.len(), want))
            };
            if spent {
                found.spent = true;
                return Ok(false);
            }
            looked += 1;
            beyond += usize::from(enough);
            if asked.holds(&mut seen)? && belongs(&stretch, &seen) {
                found.rows.push(seen);
            }
            Ok(found.rows.len() < want || ahead > 0)
        };
        let on = match &stretch {
            Stretch::Column => along_column(asked, start, direction, &mut visit)?,
            Stretch::Words(question) => along_words(asked, question, start, direction, &mut visit)?,
            Stretch::All => along(asked, &[None], start, direction, &mut visit)?,
            Stretch::Facets { ids, .. } => {
                let ids: Vec<Option<i64>> = ids.iter().copied().map(Some).collect();
                along(asked, &ids, start, direction, &mut visit)?
            }
        };
        if !on {
            break;
        }
    }
    Ok(found)
}

/// Rows without a value stand in the last stretch only, and there no others.
fn belongs(stretch: &Stretch, seen: &Seen) -> bool {
    match stretch {
        Stretch::Facets { rank: Some(Rank::Nothing), .. } => seen.rank == Rank::Nothing,
        Stretch::Column => seen.rank != Rank::Nothing,
        _ => true,
    }
}

/// Rows of one combination (or of all) in the order of their numbers, read piece by piece.
struct Stream {
    facet: Option<i64>,
    buffer: VecDeque<Seen>,
    /// Where to read on: beyond this number.
    edge: i64,
    ended: bool,
}

impl Stream {
    fn refill(&mut self, connection: &Connection, up: bool) -> Result<()> {
        let (than, way) = if up { (">", "ASC") } else { ("<", "DESC") };
        let of = if self.facet.is_some() {
            "INDEXED BY execution_keys_by_facet WHERE facet = ?2 AND"
        } else {
            "WHERE ?2 IS NULL AND"
        };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT id, facet, updated_at FROM execution_keys {of} id {than} ?1 ORDER BY id {way} LIMIT {PIECE}"
        ))?;
        let mut found = statement.query(params![self.edge, self.facet])?;
        while let Some(row) = found.next()? {
            let seen = seen(row)?;
            self.edge = seen.id;
            self.buffer.push_back(seen);
        }
        self.ended = self.buffer.len() < PIECE;
        Ok(())
    }
}

/// A row of keys: number, combination, last change.
fn seen(row: &rusqlite::Row<'_>) -> rusqlite::Result<Seen> {
    Ok(Seen {
        id: row.get(0)?,
        facet: row.get(1)?,
        updated_at: row.get(2)?,
        rank: Rank::Nothing,
        worded: false,
    })
}

/// The streams of combinations, merged by number.
fn along(
    asked: &Asked<'_>,
    facets: &[Option<i64>],
    start: Option<&Seen>,
    direction: Direction,
    visit: &mut dyn FnMut(Seen) -> Result<bool>,
) -> Result<bool> {
    // Newest first read forward goes down; the order by number from its small end is the only one that is not.
    let newest_first = asked.order.column != Column::Id || asked.order.descending;
    let up = newest_first != direction.forward;
    let edge = match start {
        None if up => i64::MIN,
        None => i64::MAX,
        Some(seen) if direction.inclusive && up => seen.id.saturating_sub(1),
        Some(seen) if direction.inclusive => seen.id.saturating_add(1),
        Some(seen) => seen.id,
    };
    let place = |id: i64| if up { Reverse(id) } else { Reverse(-id) };
    let mut streams = Vec::with_capacity(facets.len());
    let mut heads = BinaryHeap::with_capacity(facets.len());
    for (at, facet) in facets.iter().enumerate() {
        let mut stream = Stream { facet: *facet, buffer: VecDeque::new(), edge, ended: false };
        stream.refill(asked.connection, up)?;
        heads.extend(stream.buffer.front().map(|seen| (place(seen.id), at)));
        streams.push(stream);
    }
    while let Some((_, at)) = heads.pop() {
        let stream = &mut streams[at];
        let Some(seen) = stream.buffer.pop_front() else { continue };
        if stream.buffer.is_empty() && !stream.ended {
            stream.refill(asked.connection, up)?;
        }
        heads.extend(stream.buffer.front().map(|seen| (place(seen.id), at)));
        if !visit(seen)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn along_words(
    asked: &Asked<'_>,
    question: &str,
    start: Option<&Seen>,
    direction: Direction,
    visit: &mut dyn FnMut(Seen) -> Result<bool>,
) -> Result<bool> {
    let up = asked.order.descending != direction.forward;
    let equal = if direction.inclusive { "=" } else { "" };
    let (than, way) = if up { (">", "ASC") } else { ("<", "DESC") };
    let edge = start.map_or(if up { i64::MIN } else { i64::MAX }, |seen| seen.id);
    let mut statement = asked.connection.prepare_cached(&format!(
        "SELECT keys.id, keys.facet, keys.updated_at FROM execution_words CROSS JOIN execution_keys AS keys \
         ON keys.id = execution_words.rowid WHERE execution_words MATCH ?1 AND execution_words.rowid {than}{equal} ?2 \
         ORDER BY execution_words.rowid {way}"
    ))?;
    // Those that the index does not know yet stand among the others, each in its place.
    let beyond = |id: i64| id != edge || direction.inclusive || start.is_none();
    let mut due = words::not_indexed_yet(asked.connection)?;
    due.retain(|id| beyond(*id) && if up { *id >= edge } else { *id <= edge });
    due.sort_unstable_by_key(|id| if up { Reverse(*id) } else { Reverse(-*id) });
    let mut one =
        asked.connection.prepare_cached("SELECT id, facet, updated_at FROM execution_keys WHERE id = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Seen {
            id: row.get(0)?,
            facet: row.get(1)?,
            updated_at: row.get(2)?,
            rank: Rank::Nothing,
            worded: true,
        })
    };
    let mut found = statement.query(params![question, edge])?;
    loop {
        let mut next = found.next()?.map(read).transpose()?;
        while let Some(&id) = due.last() {
            if next.as_ref().is_some_and(|next| if up { next.id < id } else { next.id > id }) {
                break;
            }
            due.pop();
            if let Some(next) = next.as_mut().filter(|next| next.id == id) {
                // The index knows its older words.
                next.worded = false;
                continue;
            }
            let Some(seen) = one.query_row([id], read).optional()? else { continue };
            if !visit(Seen { worded: false, ..seen })? {
                return Ok(false);
            }
        }
        let Some(seen) = next else { return Ok(true) };
        if !visit(seen)? {
            return Ok(false);
        }
    }
}

fn along_column(
    asked: &Asked<'_>,
    start: Option<&Seen>,
    direction: Direction,
    visit: &mut dyn FnMut(Seen) -> Result<bool>,
) -> Result<bool> {
    let order = asked.order;
    // The youngest has the largest time.
    let up = (order.descending == (order.column == Column::Age)) == direction.forward;
    let (than, way) = if up { (">", "ASC") } else { ("<", "DESC") };
    let equal = if direction.inclusive { "=" } else { "" };
    let (column, table, id) = match order.column {
        Column::Age => ("updated_at", "execution_keys INDEXED BY execution_keys_by_age", "id"),
        Column::Person => (
            "subject COLLATE NOCASE",
            "executions INDEXED BY executions_by_subject CROSS JOIN execution_keys AS keys ON keys.id = executions.id",
            "executions.id",
        ),
        Column::Record => (
            "record",
            "executions INDEXED BY executions_by_record CROSS JOIN execution_keys AS keys ON keys.id = executions.id",
            "executions.id",
        ),
        _ => (
            "due_at",
            "executions INDEXED BY executions_by_next CROSS JOIN execution_keys AS keys ON keys.id = executions.id",
            "executions.id",
        ),
    };
    let keys = if order.column == Column::Age { "facet, updated_at" } else { "keys.facet, keys.updated_at" };
    let present = match order.column {
        Column::Record => "record IS NOT NULL AND ",
        Column::Next => "due_at IS NOT NULL AND ",
        _ => "",
    };
    let span = if order.column == Column::Age { "updated_at >= ?3 AND updated_at < ?4 AND " } else { "" };
    let from = if start.is_some() {
        // First the whole stretch of equal values, then in it only what lies beyond the row.
        format!("{column} {than}= ?1 AND ({column} {than} ?1 OR {id} {than}{equal} ?2)")
    } else {
        "?1 IS NULL AND ?2 IS NULL".to_owned()
    };
    let mut statement = asked.connection.prepare_cached(&format!(
        "SELECT {id}, {keys} FROM {table} WHERE {present}{span}{from} ORDER BY {column} {way}, {id} {way}"
    ))?;
    let value = start.map(|seen| match &seen.rank {
        Rank::Number(number) if order.column == Column::Age => rusqlite::types::Value::Integer(-number),
        Rank::Number(number) => rusqlite::types::Value::Integer(*number),
        Rank::Text(text) => rusqlite::types::Value::Text(text.clone()),
        Rank::Nothing => rusqlite::types::Value::Null,
    });
    let number = start.map(|seen| seen.id);
    let mut found = if span.is_empty() {
        statement.query(params![value, number])?
    } else {
        statement.query(params![value, number, asked.span.start, asked.span.end])?
    };
    while let Some(row) = found.next()? {
        let seen = seen(row)?;
        if !visit(seen)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many matching rows stand before one; whether there are more. `total` is given where it is known exactly: then
/// what stands after the last row says it too.
pub(super) fn before(
    asked: &Asked<'_>,
    page: &[Seen],
    total: Option<u64>,
    budget: Budget,
) -> Result<(u64, bool)> {
    let [first, .., last] = page else {
        return page
            .first()
            .map_or(Ok((0, false)), |only| before(asked, &[only.clone(), only.clone()], total, budget));
    };
    if let Some(total) = total
        && is_along_facets(asked.order.column)
    {
        let (above, more_above) = beside(asked, first, false)?;
        if !more_above {
            return Ok((above, false));
        }
        let (below, more_below) = beside(asked, last, true)?;
        let shown = if first.id == last.id { 1 } else { page.len() as u64 };
        return Ok(if more_below { (above, true) } else { (total.saturating_sub(below + shown), false) });
    }
    let back = Direction { forward: false, inclusive: false };
    let found = walk(asked, Some(first), back, COUNTED as usize, 0, Some(budget))?;
    Ok((found.rows.len() as u64, found.spent || found.rows.len() as u64 >= COUNTED))
}

/// Rows above (or below) one, by the combinations: whole stretches are sums, its own is counted as far as it matters.
fn beside(asked: &Asked<'_>, row: &Seen, below: bool) -> Result<(u64, bool)> {
    let newest_first = asked.order.column != Column::Id || asked.order.descending;
    let than = if newest_first == below { "<" } else { ">" };
    let mut number = 0;
    for stretch in stretches(asked, false) {
        let ids = match stretch {
            Stretch::Facets { ids, rank } => {
                let side = rank.map_or(std::cmp::Ordering::Equal, |rank| {
                    rank.compare(&row.rank, asked.order.descending)
                });
                let side = if below { side.reverse() } else { side };
                if side == std::cmp::Ordering::Less {
                    number += ids.iter().map(|id| asked.facets.by_id[id].number).sum::<u64>();
                    continue;
                }
                if side == std::cmp::Ordering::Greater {
                    continue;
                }
                ids.into_iter().map(Some).collect()
            }
            _ => vec![None],
        };
        let mut counted = 0;
        for facet in ids {
            let of = if facet.is_some() {
                "INDEXED BY execution_keys_by_facet WHERE facet = ?2 AND"
            } else {
                "WHERE ?2 IS NULL AND"
            };
            let most = (COUNTED + 1 - counted) as i64;
            let found: i64 = asked
                .connection
                .prepare_cached(&format!(
                    "SELECT count(*) FROM (SELECT 1 FROM execution_keys {of} id {than} ?1 LIMIT ?3)"
                ))?
                .query_row(params![row.id, facet, most], |row| row.get(0))?;
            counted += found.unsigned_abs();
            if counted > COUNTED {
                return Ok((number + COUNTED, true));
            }
        }
        number += counted;
    }
    Ok((number, false))
}

/// The numbers of all rows of some combinations.
pub(super) fn of_facets(connection: &Connection, facets: &[i64]) -> Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM execution_keys INDEXED BY execution_keys_by_facet WHERE facet = ?1",
    )?;
    let mut ids = Vec::new();
    for facet in facets {
        let mut found = statement.query([facet])?;
        while let Some(row) = found.next()? {
            ids.push(row.get(0)?);
        }
    }
    Ok(ids)
}
