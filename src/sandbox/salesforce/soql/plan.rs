//! A query's tree bound to the org's schema: what to read, what to keep, how to sort and group it. Reads rows
//! only for subqueries in conditions.

use std::collections::HashSet;

use super::filter::{Beside, Reader, Source, Test};
use super::resolve::{Kind, Path, Refusal, Scope};
use super::syntax::{Condition, Item, Name, Operand, Order, Query};
use crate::sandbox::salesforce::Org;
use crate::sandbox::salesforce::schema::{Field, ObjectType};

/// A query ready to run, also again for its further pages.
#[derive(Clone)]
pub(in crate::sandbox::salesforce) struct Plan {
    pub(in crate::sandbox::salesforce) object: &'static ObjectType,
    pub(super) columns: Vec<Column>,
    pub(super) test: Option<Test>,
    pub(super) order: Vec<Sort>,
    pub(super) limit: Option<usize>,
    pub(in crate::sandbox::salesforce) offset: usize,
    /// Deleted rows too.
    pub(super) all_rows: bool,
    /// `SELECT COUNT()`.
    pub(in crate::sandbox::salesforce) counts: bool,
    pub(in crate::sandbox::salesforce) grouping: Option<Grouping>,
}

#[derive(Clone)]
pub(super) enum Column {
    Value(Path),
    Children { name: String, field: &'static Field, plan: Box<Plan> },
}

#[derive(Clone)]
pub(super) struct Sort {
    pub(super) source: Source,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

/// Rows taken together: the keys' values come first in a group's columns, then the aggregates'.
#[derive(Clone, Default)]
pub(in crate::sandbox::salesforce) struct Grouping {
    pub(super) keys: Vec<Path>,
    pub(super) aggregates: Vec<Aggregate>,
    pub(super) having: Option<Test>,
    /// Names of the answer and the column each shows.
    pub(super) shown: Vec<(String, usize)>,
}

#[derive(Clone)]
pub(super) struct Aggregate {
    pub(super) function: String,
    pub(super) path: Path,
    /// As written, to find it again in HAVING and ORDER BY.
    operand: Operand,
}

impl Aggregate {
    pub(super) fn kind(&self) -> Kind {
        match self.function.as_str() {
            "MIN" | "MAX" => self.path.kind(),
            _ => Kind::Number,
        }
    }
}

/// Offsets beyond this are refused by the vendor.
const FURTHEST: usize = 2_000;
/// What `FIELDS(ALL)` may fetch at once.
const MOST_WITH_ALL_FIELDS: usize = 200;

impl Plan {
    /// Binds a query's text.
    pub(in crate::sandbox::salesforce) fn read(
        org: &Org,
        text: &str,
        all_rows: bool,
    ) -> Result<Self, Refusal> {
        let query = Query::parse(text).map_err(Refusal::malformed)?;
        let scope = Scope::of(text, &query.from, query.alias.as_deref())?;
        Self::bound(org, scope, &query, all_rows || query.all_rows, false)
    }

    /// Names of the columns for a CSV: plain and related fields, or a group's columns. `None` when the query
    /// has columns no CSV can hold.
    pub(in crate::sandbox::salesforce) fn header(&self) -> Option<Vec<String>> {
        if let Some(grouping) = &self.grouping {
            return Some(grouping.shown.iter().map(|(name, _)| name.clone()).collect());
        }
        let mut names = Vec::new();
        for column in &self.columns {
            let Column::Value(path) = column else { return None };
            let steps = path.steps.iter().filter_map(|step| step.relationship);
            names.push(steps.chain([path.last()]).collect::<Vec<_>>().join("."));
        }
        Some(names)
    }

    fn bound(
        org: &Org,
        scope: Scope<'_>,
        query: &Query,
        all_rows: bool,
        inner: bool,
    ) -> Result<Self, Refusal> {
        if query.offset > FURTHEST {
            return Err(Refusal {
                code: "NUMBER_OUTSIDE_VALID_RANGE",
                message: scope.pointing(0, &format!("Maximum SOQL offset allowed is {FURTHEST}")),
            });
        }
        let binder = Binder { org, reader: Reader { scope, now: org.now() }, all_rows, inner };
        let aggregated = query
            .items
            .iter()
            .any(|item| matches!(item, Item::Field { operand, .. } if operand.aggregates()));
        let mut plan = Self {
            object: scope.object,
            columns: Vec::new(),
            test: None,
            order: Vec::new(),
            limit: query.limit,
            offset: query.offset,
            all_rows,
            counts: false,
            grouping: None,
        };
        if aggregated || !query.group.is_empty() {
            plan.grouping = Some(binder.grouping(query)?);
        } else if matches!(query.items.as_slice(), [Item::Count]) {
            plan.counts = true;
        } else {
            plan.columns = binder.columns(query)?;
        }
        plan.test = query.condition.as_ref().map(|condition| binder.test(condition, None)).transpose()?;
        for order in &query.order {
            let sort = binder.sort(order, plan.grouping.as_mut())?;
            plan.order.push(sort);
        }
        Ok(plan)
    }
}

struct Binder<'a> {
    org: &'a Org,
    reader: Reader<'a>,
    all_rows: bool,
    /// Inside another query, where no further one may be nested.
    inner: bool,
}

impl Binder<'_> {
    fn columns(&self, query: &Query) -> Result<Vec<Column>, Refusal> {
        let scope = self.reader.scope;
        let mut columns = Vec::new();
        let mut seen = HashSet::new();
        let mut add = |path: Path, columns: &mut Vec<Column>| {
            let steps: Vec<_> = path.steps.iter().map(|step| step.name).collect();
            if !seen.insert((steps, path.last())) {
                let message = format!("duplicate field selected: {}", path.last());
                return Err(Refusal::malformed(scope.pointing(0, &message)));
            }
            columns.push(Column::Value(path));
            Ok(())
        };
        for item in &query.items {
            match item {
                Item::Field { operand, alias: None } => add(scope.path(operand)?, &mut columns)?,
                Item::Field { alias: Some(alias), .. } => {
                    return Err(Refusal::malformed(format!("unexpected token: {alias}")));
                }
                Item::Count => return Err(Refusal::malformed("unexpected token: COUNT")),
                Item::Fields(which) => {
                    for field in self.wildcard(which, query.limit)? {
                        let path = Path { steps: Vec::new(), field: Some(field), derivation: None };
                        add(path, &mut columns)?;
                    }
                }
                Item::Children(child) => {
                    let (object, field) = scope.children(&child.from)?;
                    if self.inner {
                        return Err(Refusal::malformed("unexpected token: SELECT"));
                    }
                    let inner = Scope { object, alias: child.alias.as_deref(), text: scope.text };
                    let plan = Plan::bound(self.org, inner, child, self.all_rows, true)?;
                    if plan.grouping.is_some() || plan.counts {
                        return Err(Refusal::malformed("aggregates are not allowed in a child query"));
                    }
                    let name = child.from.text.clone();
                    columns.push(Column::Children { name, field, plan: Box::new(plan) });
                }
            }
        }
        Ok(columns)
    }

    fn wildcard(&self, which: &Name, limit: Option<usize>) -> Result<Vec<&'static Field>, Refusal> {
        let keep: fn(&&'static Field) -> bool = match which.text.to_ascii_uppercase().as_str() {
            "ALL" => |_| true,
            "STANDARD" => |field| !field.custom,
            "CUSTOM" => |field| field.custom,
            _ => return Err(Refusal::malformed(format!("unexpected token: {}", which.text))),
        };
        // The vendor can tell how many standard fields there are, but not how many an org has added.
        let open = !which.text.eq_ignore_ascii_case("STANDARD");
        if open && limit.is_none_or(|limit| limit > MOST_WITH_ALL_FIELDS) {
            return Err(Refusal::malformed(format!(
                "The SOQL FIELDS function must have a LIMIT of at most {MOST_WITH_ALL_FIELDS}"
            )));
        }
        Ok(self.reader.scope.object.fields.iter().filter(keep).collect())
    }

    fn grouping(&self, query: &Query) -> Result<Grouping, Refusal> {
        let scope = self.reader.scope;
        let mut grouping = Grouping::default();
        for operand in &query.group {
            let path = scope.path(operand)?;
            if matches!(path.kind(), Kind::LongText | Kind::Many) {
                let sentence = format!("field '{}' can not be grouped in a query call", path.last());
                return Err(Refusal::field(scope.pointing(operand.path.at, &sentence)));
            }
            grouping.keys.push(path);
        }
        let mut unnamed = 0;
        for item in &query.items {
            let Item::Field { operand, alias } = item else {
                return Err(Refusal::malformed("aggregates cannot stand beside FIELDS() or a child query"));
            };
            let (own, column) = if operand.aggregates() {
                let column = self.aggregate(operand, &mut grouping)?;
                let own = format!("expr{unnamed}");
                unnamed += usize::from(alias.is_none());
                (own, column)
            } else {
                let column = query.group.iter().position(|key| same(key, operand)).ok_or_else(|| {
                    let sentence = format!("Field must be grouped or aggregated: {}", operand.path.text);
                    Refusal::malformed(scope.pointing(operand.path.at, &sentence))
                })?;
                if operand.function.is_some() {
                    let own = format!("expr{unnamed}");
                    unnamed += usize::from(alias.is_none());
                    (own, column)
                } else {
                    (grouping.keys[column].last().to_owned(), column)
                }
            };
            grouping.shown.push((alias.clone().unwrap_or(own), column));
        }
        if let Some(having) = &query.having {
            grouping.having = Some(self.test(having, Some((&mut grouping, &query.group)))?);
        }
        Ok(grouping)
    }

    /// The column of an aggregate, added when it is new.
    fn aggregate(&self, operand: &Operand, grouping: &mut Grouping) -> Result<usize, Refusal> {
        let keys = grouping.keys.len();
        if let Some(known) = grouping.aggregates.iter().position(|known| same(&known.operand, operand)) {
            return Ok(keys + known);
        }
        let function = operand.function.clone().unwrap_or_default();
        let path = self.reader.scope.path(&Operand { function: None, path: operand.path.clone() })?;
        let fits = match function.as_str() {
            "SUM" | "AVG" => path.kind() == Kind::Number,
            "MIN" | "MAX" => !matches!(path.kind(), Kind::Boolean | Kind::Many | Kind::LongText),
            _ => path.kind() != Kind::LongText,
        };
        if !fits {
            let sentence = format!("field {} does not support aggregate operator {function}", path.last());
            return Err(Refusal::malformed(self.reader.scope.pointing(operand.path.at, &sentence)));
        }
        grouping.aggregates.push(Aggregate { function, path, operand: operand.clone() });
        Ok(keys + grouping.aggregates.len() - 1)
    }

    fn sort(&self, order: &Order, grouping: Option<&mut Grouping>) -> Result<Sort, Refusal> {
        let operand = &order.operand;
        let source = match grouping {
            None => {
                let path = self.reader.scope.path(operand)?;
                if matches!(path.kind(), Kind::LongText | Kind::Many) {
                    let sentence = format!("field '{}' can not be sorted in a query call", path.last());
                    return Err(Refusal::field(self.reader.scope.pointing(operand.path.at, &sentence)));
                }
                Source::Path(path)
            }
            Some(grouping) if operand.aggregates() => {
                let column = self.aggregate(operand, grouping)?;
                Source::Group(column, grouping.aggregates[column - grouping.keys.len()].kind())
            }
            Some(grouping) => {
                let path = self.reader.scope.path(operand)?;
                let column = grouping.keys.iter().position(|key| {
                    key.last() == path.last()
                        && key.derivation == path.derivation
                        && key.steps.len() == path.steps.len()
                });
                let column = column.ok_or_else(|| {
                    let sentence = format!("Field must be grouped or aggregated: {}", operand.path.text);
                    Refusal::malformed(self.reader.scope.pointing(operand.path.at, &sentence))
                })?;
                Source::Group(column, path.kind())
            }
        };
        Ok(Sort { source, descending: order.descending, nulls_last: order.nulls_last })
    }

    fn test(
        &self,
        condition: &Condition,
        mut groups: Option<(&mut Grouping, &[Operand])>,
    ) -> Result<Test, Refusal> {
        let reader = &self.reader;
        match condition {
            Condition::And(all) | Condition::Or(all) => {
                let mut tests = Vec::with_capacity(all.len());
                for one in all {
                    let groups = groups.as_mut().map(|(grouping, keys)| (&mut **grouping, *keys));
                    tests.push(self.test(one, groups)?);
                }
                Ok(if matches!(condition, Condition::And(_)) { Test::All(tests) } else { Test::Any(tests) })
            }
            Condition::Not(inner) => Ok(Test::Not(Box::new(self.test(inner, groups)?))),
            Condition::Compare { left, sign, right } => {
                let source = self.source(left, groups)?;
                let field = beside(&source, left);
                reader.comparison(source, field, *sign, right)
            }
            Condition::Among { left, values, negated } => {
                let source = self.source(left, groups)?;
                let field = beside(&source, left);
                reader.among(source, field, values, *negated)
            }
            Condition::Includes { left, values, negated } => {
                let source = self.source(left, groups)?;
                let field = beside(&source, left);
                reader.includes(source, field, values, *negated)
            }
            Condition::AmongRows { left, query, negated } => {
                let source = self.source(left, groups)?;
                self.semi_join(source, left, query, *negated)
            }
        }
    }

    fn source(
        &self,
        operand: &Operand,
        groups: Option<(&mut Grouping, &[Operand])>,
    ) -> Result<Source, Refusal> {
        if !operand.aggregates() {
            let Some((grouping, keys)) = groups else {
                return Ok(Source::Path(self.reader.scope.path(operand)?));
            };
            let column = keys.iter().position(|key| same(key, operand)).ok_or_else(|| {
                let sentence = format!("Field must be grouped or aggregated: {}", operand.path.text);
                Refusal::malformed(self.reader.scope.pointing(operand.path.at, &sentence))
            })?;
            return Ok(Source::Group(column, grouping.keys[column].kind()));
        }
        let Some((grouping, _)) = groups else {
            let function = operand.function.as_deref().unwrap_or_default();
            return Err(Refusal::malformed(format!("unexpected token: {function}")));
        };
        let column = self.aggregate(operand, grouping)?;
        Ok(Source::Group(column, grouping.aggregates[column - grouping.keys.len()].kind()))
    }

    /// `Field IN (SELECT ...)`: the inner query runs now, its ids become a list.
    fn semi_join(
        &self,
        source: Source,
        left: &Operand,
        query: &Query,
        negated: bool,
    ) -> Result<Test, Refusal> {
        let outer = self.reader.scope;
        if self.inner {
            return Err(Refusal::malformed("Nesting of semi join sub-selects is not supported"));
        }
        let scope = Scope::of(outer.text, &query.from, query.alias.as_deref())?;
        let plan = Plan::bound(self.org, scope, query, self.all_rows, true)?;
        let column = match plan.columns.as_slice() {
            [Column::Value(path)] if path.kind() == Kind::Id => path.clone(),
            _ => {
                let sentence =
                    format!("The inner select of '{}' must select one field, an ID", left.path.text);
                return Err(Refusal::malformed(outer.pointing(left.path.at, &sentence)));
            }
        };
        if source.kind() != Kind::Id {
            let sentence = format!(
                "The left operand field in the where expression for outer query should be an id field, cannot \
                 use: '{}'",
                left.path.text
            );
            return Err(Refusal::malformed(outer.pointing(left.path.at, &sentence)));
        }
        let column = Source::Path(column);
        let mut keys = HashSet::new();
        for row in self.org.matching(&plan, None) {
            if let super::filter::Cell::Id(id) = self.org.cell(row, &column) {
                keys.insert(id.get(..15).unwrap_or(&id).to_owned());
            }
        }
        Ok(Test::Among { source, keys, others: Vec::new(), null: false, negated })
    }
}

fn beside<'a>(source: &Source, operand: &'a Operand) -> Beside<'a> {
    let name = operand.path.text.rsplit('.').next().unwrap_or_default();
    Beside { kind: source.kind(), name, at: operand.path.at }
}

/// Whether two operands are written the same but for case.
fn same(one: &Operand, two: &Operand) -> bool {
    one.function == two.function && one.path.text.eq_ignore_ascii_case(&two.path.text)
}
