//! SOQL: paging, filters and order over the org's rows. Reads only.

mod dates;
mod filter;
mod lexer;
mod plan;
mod resolve;
mod run;
mod syntax;

use std::collections::VecDeque;

use serde_json::{Value, json};

pub(super) use self::plan::Plan;
pub(super) use self::resolve::Refusal;
pub(super) use self::run::written;
use super::{Org, Row, answers, ids};
use crate::sandbox::wire::{Answer, Call};

/// How many rows a page holds when nobody says otherwise.
const PAGE: usize = 2_000;
/// The smallest page a client may ask for; less is raised to it.
const SMALLEST_PAGE: usize = 200;
/// Memory is not endless: the oldest cursor goes when there are more. The vendor lets them expire by age.
const MOST_CURSORS: usize = 100;

/// A query whose pages are still being fetched.
struct Cursor {
    id: String,
    plan: Plan,
    rows: Vec<String>,
    page: usize,
}

/// Open cursors, oldest first.
#[derive(Default)]
pub(super) struct Cursors {
    open: VecDeque<Cursor>,
    serial: u64,
}

/// What a query without grouping found.
pub(super) enum Found<'o> {
    Count(usize),
    Groups(Vec<Value>),
    Rows(Vec<&'o Row>),
}

impl Org {
    /// Runs a query's text.
    pub(super) fn found_by(&self, text: &str, include_deleted: bool) -> Result<(Plan, Found<'_>), Refusal> {
        let plan = Plan::read(self, text, include_deleted)?;
        let found = if plan.grouping.is_some() {
            Found::Groups(self.groups(&plan))
        } else {
            let rows = self.matching(&plan, None);
            if plan.counts { Found::Count(rows.len()) } else { Found::Rows(rows) }
        };
        Ok((plan, found))
    }

    /// `/query`, `/query/{locator}`, `/queryAll`, `/queryAll/{locator}`.
    pub(super) fn query(&mut self, call: &Call, include_deleted: bool) -> Answer {
        if call.method != "GET" {
            return answers::wrong_method(&call.method);
        }
        let page = page_size(call);
        match call.segments.get(4) {
            Some(locator) => self.next_page(locator, page),
            None => match call.parameter("q") {
                Some(text) if !text.trim().is_empty() => self.first_page(text, include_deleted, page),
                _ => answers::refused(400, "MALFORMED_QUERY", "unexpected token: <EOF>"),
            },
        }
    }

    fn first_page(&mut self, text: &str, include_deleted: bool, page: Option<usize>) -> Answer {
        let page = page.unwrap_or(PAGE);
        let (plan, found) = match self.found_by(text, include_deleted) {
            Ok(found) => found,
            Err(refusal) => return answers::refused(400, refusal.code, &refusal.message),
        };
        match found {
            Found::Count(count) => Answer::ok(json!({"totalSize": count, "done": true, "records": []})),
            Found::Groups(groups) if groups.len() > PAGE => {
                let message = "Aggregate query does not support queryMore(), use LIMIT to restrict the \
                               results to a single batch";
                answers::refused(400, "EXCEEDED_ID_LIMIT", message)
            }
            Found::Groups(groups) => {
                Answer::ok(json!({"totalSize": groups.len(), "done": true, "records": groups}))
            }
            Found::Rows(rows) if rows.len() <= page => {
                let records: Vec<Value> = rows.iter().map(|row| self.shown(&plan, row)).collect();
                Answer::ok(json!({"totalSize": records.len(), "done": true, "records": records}))
            }
            Found::Rows(rows) => {
                let rows = rows.iter().map(|row| row.id.clone()).collect();
                self.cursors.serial += 1;
                let id = ids::minted("01g", self.cursors.serial);
                let cursor = Cursor { id, plan, rows, page };
                let answer = self.page(&cursor, 0, page);
                self.cursors.open.push_back(cursor);
                if self.cursors.open.len() > MOST_CURSORS {
                    self.cursors.open.pop_front();
                }
                answer
            }
        }
    }

    fn next_page(&self, locator: &str, page: Option<usize>) -> Answer {
        let place = locator.split_once('-').and_then(|(id, from)| Some((id, from.parse::<usize>().ok()?)));
        let found = place.and_then(|(id, from)| {
            let cursor = self.cursors.open.iter().find(|cursor| cursor.id == id)?;
            (from < cursor.rows.len()).then_some((cursor, from))
        });
        match found {
            Some((cursor, from)) => self.page(cursor, from, page.unwrap_or(cursor.page)),
            None => answers::refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
        }
    }

    fn page(&self, cursor: &Cursor, from: usize, page: usize) -> Answer {
        let plan = &cursor.plan;
        let end = cursor.rows.len().min(from.saturating_add(page));
        let rows = cursor.rows[from..end].iter();
        // A row is shown as it is now; one that left the table with a rollback is not shown at all.
        let rows = rows.filter_map(|id| self.row(plan.object.name, id));
        let records: Vec<Value> = rows.map(|row| self.shown(plan, row)).collect();
        let done = end == cursor.rows.len();
        let mut body = json!({"totalSize": cursor.rows.len(), "done": done});
        if !done {
            let address = format!("/services/data/v{}/query/{}-{end}", self.version, cursor.id);
            body["nextRecordsUrl"] = json!(address);
        }
        body["records"] = Value::Array(records);
        Answer::ok(body)
    }
}

/// `Sforce-Query-Options: batchSize=200`, raised or lowered into what the vendor takes.
fn page_size(call: &Call) -> Option<usize> {
    let options = call.header("sforce-query-options")?;
    let size = options.split([',', ';']).find_map(|option| {
        let (name, value) = option.split_once('=')?;
        name.trim().eq_ignore_ascii_case("batchSize").then(|| value.trim().parse::<usize>().ok())?
    })?;
    Some(size.clamp(SMALLEST_PAGE, PAGE))
}

#[cfg(test)]
mod tests;
