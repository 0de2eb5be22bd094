//! A page of executions, under any filter and in any order, without looking at more of them than it takes.
//!
//! Three ways to the same rows. What only the small fields decide is walked along the index of their combinations, and
//! its count is a sum. What only a few rows can be (a rare word, a record, the last minutes) is gathered and sorted.
//! The rest is walked in the order asked for, each row looked at, until the page is full: where matches are many, the
//! page is soon full, and where they are few, they were gathered.

use std::cmp::Ordering;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use super::facets::{Facets, Rank};
use super::walk::{self, Budget, Direction};
use super::words::{self, Sought};
use crate::domain::clock::Timestamp;
use crate::domain::execution::Execution;
use crate::domain::filter::values::row_number;
use crate::domain::filter::{Column, Filter, Key, Sort, Term, When, beginning};
use crate::domain::page::{Anchor, Page};
use crate::journal::{Result, rows, team};

/// Where one way ends and another begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Rows looked at before it is asked whether only a few can be meant.
    pub(super) first_look: usize,
    /// More rows than this are not gathered.
    pub(super) few: usize,
    /// So few combinations' rows are gathered without a first look.
    pub(super) very_few: u64,
    /// Rows looked at to tell a count that nothing keeps.
    pub(super) counted: usize,
    /// The same where each of them has to be read whole.
    pub(super) counted_wide: usize,
}

pub(super) const BOUNDS: Bounds =
    Bounds { first_look: 2_000, few: 20_000, very_few: 2_000, counted: 2_000, counted_wide: 300 };

/// Positions are counted as far as this.
pub(super) const COUNTED: u64 = 10_000;

/// An order of the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) column: Column,
    pub(super) descending: bool,
}

impl Order {
    fn of(sort: Option<Sort>) -> Self {
        sort.map_or(Self { column: Column::Id, descending: true }, |sort| Self {
            column: sort.column,
            descending: sort.descending,
        })
    }

    /// Among rows that are alike the newest comes first, or what the index has.
    pub(super) const fn newest_first(self) -> bool {
        match self.column {
            Column::Age => !self.descending,
            Column::Person | Column::Record | Column::Next | Column::Id => self.descending,
            _ => true,
        }
    }

    pub(super) fn compare(self, one: &Seen, other: &Seen) -> Ordering {
        let newest_first = one.rank == Rank::Nothing || self.newest_first();
        let by_id = if newest_first { other.id.cmp(&one.id) } else { one.id.cmp(&other.id) };
        one.rank.compare(&other.rank, self.descending).then(by_id)
    }
}

/// A row as far as it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) id: i64,
    pub(super) facet: i64,
    pub(super) updated_at: i64,
    pub(super) rank: Rank,
    /// The index of words vouches for all words that it is to have.
    pub(super) worded: bool,
}

/// A row that can be meant, and whether the index of words vouches for it.
type Candidate = (i64, bool);

/// The wide side of a row, where a term or an order needs it.
struct Wide {
    subject: String,
    sentence: String,
    record: Option<String>,
    due_at: Option<i64>,
}

/// A filter, ready to be asked of rows.
pub(super) struct Asked<'a> {
    pub(super) connection: &'a Connection,
    bounds: Bounds,
    pub(super) facets: Facets,
    pub(super) order: Order,
    sought: Vec<Sought>,
    times: Vec<(Vec<Range<i64>>, bool)>,
    /// The time outside of which nothing matches.
    pub(super) span: Range<i64>,
    ids: Vec<(Vec<i64>, bool)>,
    records: Vec<(&'a [String], bool)>,
}

pub(super) fn page(
    connection: &Connection,
    now: Timestamp,
    filter: &Filter,
    anchor: Anchor,
    limit: usize,
    bounds: Bounds,
) -> Result<Page<Execution>> {
    let asked = Asked::of(connection, now, filter, bounds)?;
    let found = asked.page(anchor, limit)?;
    let mut statement =
        connection.prepare_cached(&format!("SELECT {} FROM executions WHERE id = ?1", rows::EXECUTION))?;
    let mut shown = Vec::with_capacity(found.rows.len());
    for id in &found.rows {
        let mut row = statement.query([id])?;
        if let Some(row) = row.next()? {
            shown.push(rows::execution(row)?);
        }
    }
    Ok(Page {
        rows: shown,
        total: found.total,
        before: found.before,
        total_is_least: found.total_is_least,
        before_is_least: found.before_is_least,
    })
}

impl<'a> Asked<'a> {
    fn of(connection: &'a Connection, now: Timestamp, filter: &'a Filter, bounds: Bounds) -> Result<Self> {
        let of_key = |key: Key| filter.terms.iter().filter(move |term| term.key == Some(key));
        let times: Vec<(Vec<Range<i64>>, bool)> =
            filter.terms.iter().filter_map(|term| Some((ranges(now, term)?, term.negated))).collect();
        let span = times
            .iter()
            .filter(|(ranges, negated)| !negated && ranges.len() == 1)
            .fold(i64::MIN..i64::MAX, |span, (ranges, _)| {
                span.start.max(ranges[0].start)..span.end.min(ranges[0].end)
            });
        let mut ids: Vec<(Vec<i64>, bool)> = of_key(Key::Id)
            .map(|term| (term.values.iter().filter_map(|value| row_number(value)).collect(), term.negated))
            .collect();
        for term in &filter.terms {
            if let Some(key @ (Key::Assignee | Key::Claimed)) = term.key {
                ids.push((of_team(connection, now, key, &term.values)?, term.negated));
            }
        }
        Ok(Self {
            connection,
            bounds,
            facets: Facets::of(connection, filter)?,
            order: Order::of(filter.sort),
            sought: filter.terms.iter().filter_map(Sought::of).collect(),
            times,
            span,
            ids,
            records: of_key(Key::Record).map(|term| (term.values.as_slice(), term.negated)).collect(),
        })
    }

    /// The small fields decide alone, so their combinations know the count.
    fn is_plain(&self) -> bool {
        self.sought.is_empty() && self.times.is_empty() && self.ids.is_empty() && self.records.is_empty()
    }

    fn page(&self, anchor: Anchor, limit: usize) -> Result<Page<i64>> {
        let from = match anchor {
            Anchor::First | Anchor::Last => None,
            Anchor::After(id) | Anchor::Before(id) | Anchor::At(id) => self.look(id)?,
        };
        let plain = self.is_plain();
        let along_facets = walk::is_along_facets(self.order.column);
        if plain && (along_facets || self.facets.all) {
            return self.walked(anchor, from.as_ref(), limit, None).map(|page| page.unwrap_or_else(nothing));
        }
        let named =
            self.ids.iter().any(|(_, negated)| !negated) || self.records.iter().any(|(_, negated)| !negated);
        let few = self.facets.number() <= self.bounds.very_few || named;
        // Rows that have to be read whole are not read in vain.
        let by_rows = !self.sought.is_empty();
        let look = Budget { rows: self.bounds.first_look, hurried: by_rows || !self.is_narrow(), by_rows };
        if !few && let Some(page) = self.walked(anchor, from.as_ref(), limit, Some(look))? {
            return Ok(page);
        }
        if let Some(ids) = self.few()? {
            return self.gathered(anchor, from.as_ref(), limit, &ids);
        }
        self.walked(anchor, from.as_ref(), limit, None).map(|page| page.unwrap_or_else(nothing))
    }

    /// The rows that can be meant, where they are few.
    fn few(&self) -> Result<Option<Vec<Candidate>>> {
        let unproven = |ids: Vec<i64>| ids.into_iter().map(|id| (id, false)).collect();
        if let Some((ids, _)) = self.ids.iter().find(|(_, negated)| !negated) {
            return Ok(Some(unproven(ids.clone())));
        }
        if let Some((values, _)) = self.records.iter().find(|(_, negated)| !negated) {
            return Ok(self.of_records(values)?.map(unproven));
        }
        let number = self.facets.number();
        if !self.facets.all && number <= self.bounds.very_few {
            return walk::of_facets(self.connection, &self.facets.ids()).map(|ids| Some(unproven(ids)));
        }
        if let Some(ids) = self.of_words()? {
            return Ok(Some(ids));
        }
        if self.span != (i64::MIN..i64::MAX) {
            let mut statement = self.connection.prepare_cached(
                "SELECT id FROM execution_keys INDEXED BY execution_keys_by_age \
                 WHERE updated_at >= ?1 AND updated_at < ?2 LIMIT ?3",
            )?;
            let mut found =
                statement.query(params![self.span.start, self.span.end, self.most() as i64 + 1])?;
            let mut ids = Vec::new();
            while let Some(row) = found.next()? {
                ids.push(row.get(0)?);
            }
            if ids.len() <= self.most() {
                return Ok(Some(unproven(ids)));
            }
        }
        if !self.facets.all && number <= self.most() as u64 {
            return walk::of_facets(self.connection, &self.facets.ids()).map(|ids| Some(unproven(ids)));
        }
        Ok(None)
    }

    /// More rows than this are not gathered: fewer where each has to be read whole to be put in order.
    const fn most(&self) -> usize {
        if self.is_ordered_by_wide() { self.bounds.few * 3 / 10 } else { self.bounds.few }
    }

    fn of_records(&self, values: &[String]) -> Result<Option<Vec<i64>>> {
        let mut ids = Vec::new();
        let mut ask = |from: &str, to: &str| -> Result<()> {
            let mut statement = self.connection.prepare_cached(
                "SELECT id FROM executions INDEXED BY executions_by_record \
                 WHERE record IS NOT NULL AND record >= ?1 AND record < ?2 LIMIT ?3",
            )?;
            let mut found = statement.query(params![from, to, self.bounds.few as i64 + 1])?;
            while let Some(row) = found.next()? {
                ids.push(row.get::<_, i64>(0)?);
            }
            Ok(())
        };
        let kinds = Facets::read(self.connection)?;
        let mut kinds: Vec<_> = kinds.iter().map(|facet| (&facet.system, &facet.kind)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for value in values {
            let begins = beginning(value);
            let value = begins.unwrap_or(value);
            // The sign after every letter ends the range of what begins so; after the value itself, it has only that.
            let end = if begins.is_some() { "\u{10ffff}" } else { "\u{0}" };
            if value.contains('/') {
                ask(value, &format!("{value}{end}"))?;
            } else {
                for (system, kind) in &kinds {
                    let whole = format!("{system}/{kind}/{value}");
                    ask(&whole, &format!("{whole}{end}"))?;
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok((ids.len() <= self.bounds.few).then_some(ids))
    }

    /// Rows with the words, by the index of words and by the names of recipes.
    fn of_words(&self) -> Result<Option<Vec<Candidate>>> {
        let Some(question) = words::question(self.sought.iter()) else { return Ok(None) };
        let recipes = self.of_recipes();
        let number: u64 = recipes.iter().map(|id| self.facets.by_id[id].number).sum();
        if number > self.most() as u64 {
            return Ok(None);
        }
        let mut ids: Vec<Candidate> =
            walk::of_facets(self.connection, &recipes)?.into_iter().map(|id| (id, false)).collect();
        ids.extend(words::not_indexed_yet(self.connection)?.into_iter().map(|id| (id, false)));
        let mut statement = self.connection.prepare_cached(
            "SELECT rowid FROM execution_words WHERE execution_words MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
        )?;
        let mut found = statement.query(params![question, self.most() as i64 + 1])?;
        while let Some(row) = found.next()? {
            ids.push((row.get(0)?, true));
        }
        // Of two that are one, the index of words is not asked: it may know older words.
        ids.sort_unstable();
        ids.dedup_by_key(|(id, _)| *id);
        Ok((ids.len() <= self.most()).then_some(ids))
    }

    /// Combinations whose recipe's name has one of the free words.
    fn of_recipes(&self) -> Vec<i64> {
        let facets = self.facets.by_id.values();
        facets
            .filter(|facet| {
                let folded = words::fold(&facet.recipe);
                self.sought.iter().any(|sought| !sought.negated && !sought.person && sought.is_in(&folded))
            })
            .map(|facet| facet.id)
            .collect()
    }

    /// Where words stand is known in the list's own order: the index of words is walked then.
    pub(super) fn along_words(&self) -> Option<String> {
        if self.order.column != Column::Id || !self.of_recipes().is_empty() {
            return None;
        }
        words::question(self.sought.iter())
    }

    /// One row by its number, whatever the filter says of it.
    fn look(&self, id: i64) -> Result<Option<Seen>> {
        let found = self
            .connection
            .prepare_cached("SELECT facet, updated_at FROM execution_keys WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (facet, updated_at) = match found {
            Some(found) => found,
            // A row that is gone still has its place in the order of numbers.
            None if self.order.column == Column::Id => (0, 0),
            None => return Ok(None),
        };
        let mut seen = Seen { id, facet, updated_at, rank: Rank::Nothing, worded: false };
        seen.rank = match self.order.column {
            Column::Id => Rank::Number(id),
            Column::Age => Rank::Number(-updated_at),
            column if walk::is_along_facets(column) => self.rank_of_facet(facet)?,
            _ => self.wide(id)?.map_or(Rank::Nothing, |wide| self.rank_of(&wide)),
        };
        Ok(Some(seen))
    }

    /// The anchor's own combination may be one that the filter does not let through.
    fn rank_of_facet(&self, id: i64) -> Result<Rank> {
        if let Some(facet) = self.facets.by_id.get(&id) {
            return Ok(facet.rank(self.order.column).unwrap_or(Rank::Nothing));
        }
        let every = Facets::read(self.connection)?;
        let facet = every.iter().find(|facet| facet.id == id);
        Ok(facet.and_then(|facet| facet.rank(self.order.column)).unwrap_or(Rank::Nothing))
    }

    fn wide(&self, id: i64) -> Result<Option<Wide>> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Wide { subject: row.get(0)?, sentence: row.get(1)?, record: row.get(2)?, due_at: row.get(3)? })
        };
        Ok(self
            .connection
            .prepare_cached(
                "SELECT subject, substr(sentence, 1, 500), record, due_at FROM executions WHERE id = ?1",
            )?
            .query_row([id], read)
            .optional()?)
    }

    fn rank_of(&self, wide: &Wide) -> Rank {
        match self.order.column {
            Column::Person => Rank::Text(wide.subject.to_ascii_lowercase()),
            Column::Record => wide.record.clone().map_or(Rank::Nothing, Rank::Text),
            Column::Next => wide.due_at.map_or(Rank::Nothing, Rank::Number),
            _ => Rank::Nothing,
        }
    }

    const fn is_ordered_by_wide(&self) -> bool {
        matches!(self.order.column, Column::Person | Column::Record | Column::Next)
    }

    /// Rows looked at to tell a count that nothing keeps. Where each has to be read whole they are fewer: it would be
    /// all that one waits for.
    fn counting(&self, by_rows: bool) -> usize {
        if self.is_narrow() && !by_rows { self.bounds.counted } else { self.bounds.counted_wide }
    }

    /// What is walked along tells all that is asked of a row, the index of words included.
    fn is_narrow(&self) -> bool {
        let vouched = || self.along_words().is_some() && self.sought.iter().all(|sought| !sought.negated);
        self.records.is_empty() && !self.is_ordered_by_wide() && (self.sought.is_empty() || vouched())
    }

    /// Whether a row matches; its rank is filled in where the order needs the wide side.
    pub(super) fn holds(&self, seen: &mut Seen) -> Result<bool> {
        let Some(facet) = self.facets.by_id.get(&seen.facet) else { return Ok(false) };
        let at = seen.updated_at;
        if !self
            .times
            .iter()
            .all(|(ranges, negated)| ranges.iter().any(|range| range.contains(&at)) != *negated)
            || !self.ids.iter().all(|(ids, negated)| ids.contains(&seen.id) != *negated)
        {
            return Ok(false);
        }
        match self.order.column {
            Column::Id => seen.rank = Rank::Number(seen.id),
            Column::Age => seen.rank = Rank::Number(-at),
            column => {
                if let Some(rank) = facet.rank(column) {
                    seen.rank = rank;
                }
            }
        }
        let by_wide = self.is_ordered_by_wide();
        let words_hold = self.sought.iter().all(|sought| seen.worded && !sought.negated);
        if words_hold && self.records.is_empty() && !by_wide {
            return Ok(true);
        }
        let Some(wide) = self.wide(seen.id)? else { return Ok(false) };
        if by_wide {
            seen.rank = self.rank_of(&wide);
        }
        let record = wide.record.as_deref().unwrap_or_default();
        if !self
            .records
            .iter()
            .all(|(values, negated)| values.iter().any(|value| is_record(record, value)) != *negated)
        {
            return Ok(false);
        }
        if words_hold {
            return Ok(true);
        }
        let subject = words::fold(&wide.subject);
        let mut texts = words::fold(&wide.sentence);
        texts.extend(subject.iter().cloned());
        let recipe = words::fold(&facet.recipe);
        Ok(self.sought.iter().all(|sought| {
            let is_in = if sought.person {
                sought.is_in(&subject)
            } else {
                sought.is_in(&texts) || sought.is_in(&recipe)
            };
            is_in != sought.negated
        }))
    }

    /// All that match, gathered and sorted: the page, its place and the count are exact.
    fn gathered(
        &self,
        anchor: Anchor,
        from: Option<&Seen>,
        limit: usize,
        ids: &[Candidate],
    ) -> Result<Page<i64>> {
        let mut all = Vec::new();
        let mut statement =
            self.connection.prepare_cached("SELECT facet, updated_at FROM execution_keys WHERE id = ?1")?;
        for &(id, worded) in ids {
            let key = statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((facet, updated_at)) = key else { continue };
            let mut seen = Seen { id, facet, updated_at, rank: Rank::Nothing, worded };
            if self.holds(&mut seen)? {
                all.push(seen);
            }
        }
        all.sort_unstable_by(|one, other| self.order.compare(one, other));
        let place = |inclusive: bool| match from {
            None => 0,
            Some(from) => all.partition_point(|seen| {
                let order = self.order.compare(seen, from);
                order == Ordering::Less || (order == Ordering::Equal && !inclusive)
            }),
        };
        let start = match anchor {
            Anchor::First => 0,
            Anchor::Last => all.len().saturating_sub(limit),
            Anchor::After(_) => place(false),
            Anchor::At(_) => place(true),
            Anchor::Before(_) => place(true).saturating_sub(limit),
        };
        let end = match anchor {
            Anchor::Before(_) => place(true),
            _ => (start + limit).min(all.len()),
        };
        let rows = all[start..end].iter().map(|seen| seen.id).collect();
        Ok(Page::new(rows, all.len() as u64, start as u64))
    }

    /// A page found by walking. With a budget it may come back without one: not enough was found by then.
    fn walked(
        &self,
        anchor: Anchor,
        from: Option<&Seen>,
        limit: usize,
        budget: Option<Budget>,
    ) -> Result<Option<Page<i64>>> {
        let forward = !matches!(anchor, Anchor::Last | Anchor::Before(_));
        let inclusive = matches!(anchor, Anchor::At(_));
        let direction = Direction { forward, inclusive };
        // What is beyond the page is counted on the same way, where nothing keeps the count.
        let by_rows = budget.is_some_and(|budget| budget.by_rows);
        let counting = Budget { rows: self.counting(by_rows), hurried: false, by_rows };
        let ahead = if forward && !self.is_plain() { counting.rows } else { 0 };
        let walk = walk::walk(self, from, direction, limit + 1, ahead, budget)?;
        if walk.spent && walk.rows.len() <= limit {
            return Ok(None);
        }
        let beyond = walk.rows.len().saturating_sub(limit) as u64;
        let mut found = walk.rows;
        found.truncate(limit);
        if !forward {
            found.reverse();
        }
        let number = found.len() as u64;
        let exact = self.is_plain().then(|| self.facets.number());
        let (before, before_is_least) = match (anchor, found.first(), exact) {
            (Anchor::First, ..) | (_, None, _) => (0, false),
            (Anchor::Last, _, Some(total)) => (total.saturating_sub(number), false),
            _ => walk::before(self, &found, exact, counting)?,
        };
        let (total, total_is_least) = match (exact, found.last()) {
            (Some(total), _) => (total.max(before + number), false),
            (None, None) => (0, false),
            (None, Some(_)) if forward => {
                let more = walk.spent || (ahead == 0 && beyond > 0);
                (before + number + beyond, before_is_least || more)
            }
            (None, Some(last)) => {
                let on = Direction { forward: true, inclusive: false };
                let most = walk::COUNT_AHEAD;
                let rest = walk::walk(self, Some(last), on, most, 0, Some(counting))?;
                let least = before_is_least || rest.spent || rest.rows.len() >= most;
                (before + number + rest.rows.len() as u64, least)
            }
        };
        let rows = found.into_iter().map(|seen| seen.id).collect();
        Ok(Some(Page { rows, total, before, total_is_least, before_is_least }))
    }
}

/// Items that somebody has taken on are few.
fn of_team(connection: &Connection, now: Timestamp, key: Key, values: &[String]) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for value in values {
        let (condition, given) = team::term("executions", key, value, now);
        let mut statement =
            connection.prepare_cached(&format!("SELECT id FROM execution_keys WHERE {condition}"))?;
        let mut found = statement.query(rusqlite::params_from_iter(given))?;
        while let Some(row) = found.next()? {
            ids.push(row.get(0)?);
        }
    }
    Ok(ids)
}

fn nothing() -> Page<i64> {
    Page::new(Vec::new(), 0, 0)
}

fn ranges(now: Timestamp, term: &Term) -> Option<Vec<Range<i64>>> {
    let key = term.key?;
    matches!(key, Key::Since | Key::Until | Key::Age).then(|| {
        term.values.iter().filter_map(|value| When::of(key, value)).map(|when| when.range(now)).collect()
    })
}

/// Whether a record is the one a value names: whole, or by its last part; a `*` at the end leaves the rest open.
pub(super) fn is_record(record: &str, value: &str) -> bool {
    let (begins, value) = beginning(value).map_or((false, value), |start| (true, start));
    let part = if value.contains('/') { record } else { record.splitn(3, '/').nth(2).unwrap_or_default() };
    !record.is_empty() && if begins { part.starts_with(value) } else { part == value }
}
