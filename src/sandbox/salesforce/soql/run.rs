//! Plans run over the org's rows: candidates from an index where one fits, filtered, sorted, grouped and
//! shown. Reads only.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::filter::{Cell, Source, Test, Wanted};
use super::plan::{Aggregate, Column, Grouping, Plan, Sort};
use super::resolve::{Derivation, Kind, Path};
use super::syntax::Comparison;
use crate::sandbox::salesforce::schema::{self, Field, FieldType};
use crate::sandbox::salesforce::validation::read_moment;
use crate::sandbox::salesforce::{Org, Row, user_id};

impl Org {
    /// The rows a plan finds, in its order, offset and limit applied. `among` narrows the search beforehand.
    pub(super) fn matching<'o>(&'o self, plan: &Plan, among: Option<Vec<&'o Row>>) -> Vec<&'o Row> {
        let candidates = among.or_else(|| self.pinned(plan));
        let keeps = |row: &&Row| {
            (plan.all_rows || !row.deleted)
                && plan.test.as_ref().is_none_or(|test| test.holds(&|source| self.cell(row, source)))
        };
        let mut found: Vec<&Row> = match candidates {
            Some(rows) => rows.into_iter().filter(keeps).collect(),
            // Unsorted and short: the search ends with the last row asked for.
            None if plan.order.is_empty() && plan.limit.is_some() => {
                let wanted = plan.offset.saturating_add(plan.limit.unwrap_or_default());
                self.rows(plan.object.name).filter(keeps).take(wanted).collect()
            }
            None => self.rows(plan.object.name).filter(keeps).collect(),
        };
        if !plan.order.is_empty() && plan.grouping.is_none() {
            found = self.sorted(&found, plan);
        }
        if plan.grouping.is_none() {
            let end = plan.limit.map_or(usize::MAX, |limit| plan.offset.saturating_add(limit));
            found.truncate(end);
            found.drain(..plan.offset.min(found.len()));
        }
        found
    }

    /// Candidates by an index, when a condition every row must meet names values of an indexed field.
    fn pinned<'o>(&'o self, plan: &Plan) -> Option<Vec<&'o Row>> {
        let tests = match plan.test.as_ref()? {
            Test::All(tests) => tests.as_slice(),
            one => std::slice::from_ref(one),
        };
        tests.iter().find_map(|test| {
            let (source, values): (&Source, Vec<&str>) = match test {
                Test::Compare {
                    source,
                    sign: Comparison::Equal,
                    wanted: Wanted::Text(key) | Wanted::Id(key),
                } => (source, vec![key]),
                Test::Among { source, keys, others, null: false, negated: false } if others.is_empty() => {
                    (source, keys.iter().map(String::as_str).collect())
                }
                _ => return None,
            };
            let Source::Path(Path { steps, field: Some(field), derivation: None }) = source else {
                return None;
            };
            // The telephone index holds digits only; two numbers it cannot tell apart are not equal here.
            if !steps.is_empty() || field.kind == FieldType::Phone || field.name == "MasterRecordId" {
                return None;
            }
            let mut rows = Vec::new();
            for value in values {
                rows.extend(self.found(plan.object.name, field.name, value)?);
            }
            rows.sort_by(|one, two| one.id.cmp(&two.id));
            rows.dedup_by(|one, two| one.id == two.id);
            Some(rows)
        })
    }

    fn sorted<'o>(&'o self, found: &[&'o Row], plan: &Plan) -> Vec<&'o Row> {
        let mut keyed: Vec<(Vec<Cell<'o>>, usize)> = found
            .iter()
            .enumerate()
            .map(|(place, row)| {
                let keys = plan.order.iter().map(|sort| self.cell(row, &sort.source).lowered());
                (keys.collect(), place)
            })
            .collect();
        let order = |one: &(Vec<Cell<'o>>, usize), two: &(Vec<Cell<'o>>, usize)| {
            compared(&one.0, &two.0, &plan.order).then(one.1.cmp(&two.1))
        };
        let wanted = plan.limit.map_or(usize::MAX, |limit| plan.offset.saturating_add(limit));
        if wanted > 0 && wanted < keyed.len() {
            // Only the rows asked for are put in order; the rest only has to be behind them.
            keyed.select_nth_unstable_by(wanted - 1, order);
            keyed.truncate(wanted);
        }
        keyed.sort_unstable_by(order);
        keyed.into_iter().map(|(_, place)| found[place]).collect()
    }

    /// One value of a row, through relationships.
    pub(super) fn cell<'o>(&'o self, row: &'o Row, source: &Source) -> Cell<'o> {
        let Source::Path(path) = source else { return Cell::Null };
        let Some(row) = path.steps.iter().try_fold(row, |row, step| self.followed(row, step)) else {
            return Cell::Null;
        };
        let Some(field) = path.field else { return Cell::Text(Cow::Borrowed(row.object)) };
        let cell = plain(row, field);
        match path.derivation {
            None => cell,
            Some(derivation) => derived(&cell, derivation),
        }
    }

    /// The row a reference leads to.
    fn followed(&self, row: &Row, step: &Field) -> Option<&Row> {
        let Cell::Id(id) = plain(row, step) else { return None };
        let parent = self.row(schema::of_id(&id)?.name, &id)?;
        (!parent.deleted || step.name == "MasterRecordId").then_some(parent)
    }

    /// A row as a query shows it.
    pub(super) fn shown(&self, plan: &Plan, row: &Row) -> Value {
        let mut shape = self.attributes(row, row.object);
        for column in &plan.columns {
            match column {
                Column::Value(path) => self.place(&mut shape, row, &path.steps, path),
                Column::Children { name, field, plan } => {
                    let children = self.found(plan.object.name, field.name, &row.id);
                    let children = self.matching(plan, Some(children.unwrap_or_default()));
                    let value = if children.is_empty() {
                        Value::Null
                    } else {
                        let records: Vec<Value> =
                            children.iter().map(|child| self.shown(plan, child)).collect();
                        json!({"totalSize": records.len(), "done": true, "records": records})
                    };
                    shape.insert(name.clone(), value);
                }
            }
        }
        Value::Object(shape)
    }

    fn attributes(&self, row: &Row, kind: &str) -> Map<String, Value> {
        let mut shape = Map::new();
        let address = self.address(row.object, &row.id);
        shape.insert("attributes".to_owned(), json!({"type": kind, "url": address}));
        shape
    }

    fn place(&self, shape: &mut Map<String, Value>, row: &Row, steps: &[&'static Field], path: &Path) {
        let Some((step, rest)) = steps.split_first() else {
            let value = path.field.map_or_else(|| json!(row.object), |field| row.value(field.name));
            shape.insert(path.last().to_owned(), value);
            return;
        };
        let name = step.relationship.unwrap_or(step.name);
        let Some(parent) = self.followed(row, step) else {
            shape.entry(name).or_insert(Value::Null);
            return;
        };
        // A parent of several possible types is shown under the type all names share.
        let kind = if step.reference_to.len() > 1 { "Name" } else { parent.object };
        let inner = shape.entry(name).or_insert_with(|| Value::Object(self.attributes(parent, kind)));
        if let Value::Object(inner) = inner {
            self.place(inner, parent, rest, path);
        }
    }

    /// A row's values as texts in the order of the plan's columns, for a CSV.
    pub(in crate::sandbox::salesforce) fn texts(&self, plan: &Plan, row: &Row) -> Vec<String> {
        let values = plan.columns.iter().filter_map(|column| match column {
            Column::Value(path) => Some(path),
            Column::Children { .. } => None,
        });
        let text = |path: &Path| {
            let row = path.steps.iter().try_fold(row, |row, step| self.followed(row, step))?;
            let value = path.field.map_or_else(|| json!(row.object), |field| row.value(field.name));
            Some(written(&value))
        };
        values.map(|path| text(path).unwrap_or_default()).collect()
    }

    /// The groups of a plan as records, filtered and sorted.
    pub(in crate::sandbox::salesforce) fn groups(&self, plan: &Plan) -> Vec<Value> {
        let Some(grouping) = &plan.grouping else { return Vec::new() };
        let rows = self.matching(plan, None);
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut groups: Vec<(Vec<Value>, Vec<&Row>)> = Vec::new();
        for row in rows {
            let keys: Vec<Value> = grouping.keys.iter().map(|path| self.group_key(row, path)).collect();
            let name = Value::Array(keys.clone()).to_string();
            let place = *places.entry(name).or_insert_with(|| {
                groups.push((keys, Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(row);
        }
        if groups.is_empty() && grouping.keys.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        let mut columns: Vec<Vec<Value>> = groups
            .into_iter()
            .map(|(mut columns, rows)| {
                columns.extend(grouping.aggregates.iter().map(|aggregate| self.aggregated(aggregate, &rows)));
                columns
            })
            .collect();
        if let Some(having) = &grouping.having {
            columns.retain(|group| having.holds(&|source| group_cell(group, source)));
        }
        columns.sort_by(|one, two| {
            let keys = |group| -> Vec<Cell<'_>> {
                plan.order.iter().map(|sort| group_cell(group, &sort.source).lowered()).collect()
            };
            compared(&keys(one), &keys(two), &plan.order)
        });
        let limit = plan.limit.unwrap_or(usize::MAX);
        columns.iter().skip(plan.offset).take(limit).map(|group| record(grouping, group)).collect()
    }

    fn group_key(&self, row: &Row, path: &Path) -> Value {
        match self.cell(row, &Source::Path(path.clone())) {
            Cell::Null => Value::Null,
            Cell::Text(text) | Cell::Id(text) => json!(text),
            // Whole numbers are shown as such: years, months, counts.
            Cell::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => json!(number as i64),
            Cell::Number(number) => json!(number),
            Cell::Boolean(flag) => json!(flag),
            Cell::Moment(moment) => json!(crate::sandbox::salesforce::rows::moment(moment)),
        }
    }

    fn aggregated(&self, aggregate: &Aggregate, rows: &[&Row]) -> Value {
        let source = Source::Path(aggregate.path.clone());
        let cells: Vec<Cell<'_>> =
            rows.iter().map(|row| self.cell(row, &source)).filter(|cell| *cell != Cell::Null).collect();
        let number = |cell: &Cell<'_>| if let Cell::Number(number) = cell { *number } else { 0.0 };
        match aggregate.function.as_str() {
            "COUNT" => json!(cells.len()),
            "COUNT_DISTINCT" => {
                let mut seen: Vec<Cell<'_>> = cells.into_iter().map(Cell::lowered).collect();
                seen.sort_by(Cell::order);
                seen.dedup();
                json!(seen.len())
            }
            _ if cells.is_empty() => Value::Null,
            "SUM" => json!(cells.iter().map(number).sum::<f64>()),
            "AVG" => json!(cells.iter().map(number).sum::<f64>() / cells.len() as f64),
            extreme => {
                let best =
                    rows.iter().filter(|row| self.cell(row, &source) != Cell::Null).reduce(|best, row| {
                        let order =
                            self.cell(row, &source).lowered().order(&self.cell(best, &source).lowered());
                        let better = if extreme == "MIN" { Ordering::Less } else { Ordering::Greater };
                        if order == better { row } else { best }
                    });
                best.map_or(Value::Null, |row| self.group_key(row, &aggregate.path))
            }
        }
    }
}

/// A value as CSV and XML write it.
pub(in crate::sandbox::salesforce) fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn record(grouping: &Grouping, group: &[Value]) -> Value {
    let mut shape = Map::new();
    shape.insert("attributes".to_owned(), json!({"type": "AggregateResult"}));
    for (name, column) in &grouping.shown {
        shape.insert(name.clone(), group[*column].clone());
    }
    Value::Object(shape)
}

fn compared(one: &[Cell<'_>], two: &[Cell<'_>], sorts: &[Sort]) -> Ordering {
    for ((one, two), sort) in one.iter().zip(two).zip(sorts) {
        let order = one.order(two);
        // Rows without a value come first whichever way the rest runs, unless the query says otherwise.
        let order = match (one == &Cell::Null) != (two == &Cell::Null) {
            true if sort.nulls_last => order.reverse(),
            true => order,
            false if sort.descending => order.reverse(),
            false => order,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn group_cell<'g>(group: &'g [Value], source: &Source) -> Cell<'g> {
    let Source::Group(column, kind) = source else { return Cell::Null };
    typed(group.get(*column).unwrap_or(&Value::Null), *kind)
}

/// A stored value by the type of its field.
fn typed(value: &Value, kind: Kind) -> Cell<'_> {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Boolean(*flag),
        Value::Number(number) => number.as_f64().map_or(Cell::Null, Cell::Number),
        Value::String(text) => match kind {
            Kind::Id => Cell::Id(Cow::Borrowed(text)),
            Kind::Moment => read_moment(text).map_or(Cell::Null, Cell::Moment),
            Kind::Number => text.parse().map_or(Cell::Null, Cell::Number),
            _ => Cell::Text(Cow::Borrowed(text)),
        },
        _ => Cell::Null,
    }
}

/// A field of a row without building JSON for it: two hundred thousand rows pass here in one query.
fn plain<'r>(row: &'r Row, field: &Field) -> Cell<'r> {
    match field.name {
        "Id" => return Cell::Id(Cow::Borrowed(&row.id)),
        "IsDeleted" => return Cell::Boolean(row.deleted),
        "CreatedDate" => return Cell::Moment(row.created),
        "LastModifiedDate" => return Cell::Moment(row.modified),
        "SystemModstamp" => return Cell::Moment(row.system_modstamp),
        "CreatedById" => return Cell::Id(Cow::Owned(user_id(row.created_by))),
        "LastModifiedById" => return Cell::Id(Cow::Owned(user_id(row.modified_by))),
        "MasterRecordId" => {
            return row.master.as_deref().map_or(Cell::Null, |id| Cell::Id(Cow::Borrowed(id)));
        }
        _ => {}
    }
    if let Some(value) = row.fields.get(field.name) {
        return typed(value, Kind::of(field));
    }
    match row.value(field.name) {
        Value::Bool(flag) => Cell::Boolean(flag),
        Value::String(text) if !text.is_empty() => Cell::Text(Cow::Owned(text)),
        _ => Cell::Null,
    }
}

fn derived<'r>(cell: &Cell<'r>, derivation: Derivation) -> Cell<'r> {
    let (day, hour) = match cell {
        Cell::Text(text) => match text.parse::<jiff::civil::Date>() {
            Ok(day) => (day, 0),
            Err(_) => return Cell::Null,
        },
        Cell::Moment(moment) => match jiff::Timestamp::from_millisecond(*moment) {
            Ok(moment) => {
                let moment = moment.to_zoned(jiff::tz::TimeZone::UTC);
                (moment.date(), moment.hour())
            }
            Err(_) => return Cell::Null,
        },
        _ => return Cell::Null,
    };
    Cell::Number(match derivation {
        Derivation::Day => return Cell::Text(Cow::Owned(day.to_string())),
        Derivation::Year => f64::from(day.year()),
        Derivation::Quarter => f64::from((day.month() - 1) / 3 + 1),
        Derivation::Month => f64::from(day.month()),
        Derivation::DayInMonth => f64::from(day.day()),
        Derivation::Hour => f64::from(hour),
    })
}
