//! HubSpot's search: groups of filters, free text, sorting and its limits, by an index where one helps. Reads only.

mod filter;

use serde_json::{Value, json};

use super::Portal;
use super::answers::{self, Wanted, invalid};
use super::shelf::{Kind, Record, Shelf};
use crate::sandbox::wire::{Answer, Call};
use filter::{Filter, text};

const DEEPEST: usize = 10_000;
fn sort_key(record: &Record, property: &str) -> (Option<i64>, Option<String>) {
    if let Some(moment) = record.moment(property) {
        return (Some(moment), None);
    }
    if property == "hs_object_id" {
        return (Some(record.id as i64), None);
    }
    let value = record.value(property);
    (value.as_deref().and_then(|value| value.parse().ok()), value.map(|value| value.to_lowercase()))
}

impl Portal {
    pub(super) fn search_objects(&self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        if String::from_utf8_lossy(&call.raw).chars().count() > 3_000 {
            return Err(invalid("The request body exceeds the limit of 3000 characters"));
        }
        let limit =
            call.body["limit"].as_u64().or_else(|| call.text("limit")?.parse().ok()).unwrap_or(10) as usize;
        if !(1..=200).contains(&limit) {
            return Err(invalid(&format!("limit must be between 1 and 200, {limit} was given")));
        }
        let after: usize = match &call.body["after"] {
            Value::Null => 0,
            given => text(given).parse().or_else(|_| {
                if text(given).is_empty() {
                    Ok(0)
                } else {
                    Err(invalid("after is not a valid paging cursor"))
                }
            })?,
        };
        if after + limit > DEEPEST {
            return Err(invalid("Search results are limited to 10000 per query"));
        }
        check_keys(&call.body)?;
        let most_groups = if super::dated(call) { 6 } else { 5 };
        let groups = read_groups(&call.body, most_groups)?;
        let query = call.text("query").unwrap_or_default().to_lowercase();
        let sort = read_sort(&call.body["sorts"]);
        let wanted = Wanted::from_body(&call.body);
        let shelf = self.shelf(kind);
        let (total, page) = match covered(shelf, kind, &groups, &query, sort.as_ref()) {
            Some(range) => range.page(shelf, after, limit),
            None => {
                let mut found = self.candidates(kind, &groups);
                found.retain(|record| {
                    let in_group = groups.is_empty()
                        || groups.iter().any(|group| group.iter().all(|filter| filter.matches(record)));
                    in_group && (query.is_empty() || mentions(kind, record, &query))
                });
                if let Some(sort) = &sort {
                    sort_found(&mut found, sort);
                }
                (found.len(), found.into_iter().skip(after).take(limit).collect())
            }
        };
        let results: Vec<Value> = page.iter().map(|record| answers::object(kind, record, &wanted)).collect();
        let mut body = json!({"total": total, "results": results});
        let next = after + limit;
        if next < total {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    /// All records the search can see, or only those an index finds for the one group there is.
    fn candidates(&self, kind: Kind, groups: &[Vec<Filter<'_>>]) -> Vec<&Record> {
        let shelf = self.shelf(kind);
        if !shelf.searches_at_once() {
            let now = self.now();
            return shelf.live_records().filter_map(|record| shelf.searchable(record, now)).collect();
        }
        let [group] = groups else { return shelf.live_records().collect() };
        for filter in group {
            let Some(values) = filter.pinned() else { continue };
            let mut found: Vec<&Record> = if filter.property == "hs_object_id" {
                let ids = values.iter().filter_map(|value| value.parse().ok());
                ids.filter_map(|id: u64| shelf.records.get(&id))
                    .filter(|record| record.archived.is_none())
                    .collect()
            } else if shelf.property(filter.property).is_some_and(|property| property.unique) {
                values.iter().filter_map(|value| shelf.with_unique(filter.property, value)).collect()
            } else {
                continue;
            };
            found.sort_by_key(|record| record.id);
            found.dedup_by_key(|record| record.id);
            return found;
        }
        let changed = group.iter().filter(|filter| filter.property == kind.modified_property());
        match changed.filter_map(|filter| filter.range(|value| value.moment)).reduce(both) {
            Some((from, to)) if from <= to => {
                let places = shelf.changed((from, 0), (to, u64::MAX));
                let mut found: Vec<&Record> = shelf.at_places(places).collect();
                found.sort_unstable_by_key(|record| record.id);
                found
            }
            Some(_) => Vec::new(),
            None => shelf.live_records().collect(),
        }
    }
}

fn both(left: (i64, i64), right: (i64, i64)) -> (i64, i64) {
    (left.0.max(right.0), left.1.min(right.1))
}

/// A search the index of changes answers alone: which stretch of it, and from which end.
struct Range {
    from: (i64, u64),
    to: (i64, u64),
    descending: bool,
}

impl Range {
    fn page<'a>(&self, shelf: &'a Shelf, after: usize, limit: usize) -> (usize, Vec<&'a Record>) {
        if self.from > self.to {
            return (0, Vec::new());
        }
        let places = shelf.changed(self.from, self.to);
        let total = places.len();
        let (skipped, shown) = (after.min(total), limit.min(total.saturating_sub(after)));
        let page = if self.descending {
            let end = places.end - skipped;
            shelf.at_places(end - shown..end).rev().collect()
        } else {
            let start = places.start + skipped;
            shelf.at_places(start..start + shown).collect()
        };
        (total, page)
    }
}

/// The stretch of the index of changes that is exactly what is searched for, in the order that is asked for.
fn covered(
    shelf: &Shelf,
    kind: Kind,
    groups: &[Vec<Filter<'_>>],
    query: &str,
    sort: Option<&Sort>,
) -> Option<Range> {
    let changed = kind.modified_property();
    let filters = match groups {
        [] => &[][..],
        [group] => group.as_slice(),
        _ => return None,
    };
    let sort = sort?;
    if !query.is_empty() || !shelf.searches_at_once() {
        return None;
    }
    let everything = (i64::MIN, i64::MAX);
    let (mut moments, mut ids) = (everything, everything);
    for filter in filters {
        if filter.property == changed {
            moments = both(moments, filter.range(|value| value.moment)?);
        } else if filter.property == "hs_object_id" {
            ids = both(ids, filter.range(|value| value.text.parse().ok())?);
        } else {
            return None;
        }
    }
    // Ids are in order only within one moment.
    let one_moment = moments.0 == moments.1;
    if (ids != everything && !one_moment)
        || (sort.property != changed && !(sort.property == "hs_object_id" && one_moment))
    {
        return None;
    }
    let (from, to) = (ids.0.max(0) as u64, ids.1.max(0) as u64);
    let to = if ids.1 == i64::MAX { u64::MAX } else { to };
    let (from, to) = ((moments.0, from), (moments.1, to));
    Some(Range { from, to, descending: sort.descending })
}

/// What a body may hold.
fn check_keys(body: &Value) -> Result<(), Answer> {
    const KNOWN: [&str; 7] = ["filterGroups", "filters", "query", "sorts", "properties", "limit", "after"];
    let keys = body.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    match keys.into_iter().find(|key| !KNOWN.contains(key)) {
        Some(key) => Err(invalid(&format!("Invalid input JSON: unknown field {key}"))),
        None => Ok(()),
    }
}

fn read_groups(body: &Value, most: usize) -> Result<Vec<Vec<Filter<'_>>>, Answer> {
    let given = body["filterGroups"].as_array().map_or(&[][..], Vec::as_slice);
    // Filters may also stand alone, as one group.
    let alone = body["filters"].as_array().filter(|filters| !filters.is_empty());
    let groups = given.iter().map(|group| group["filters"].as_array()).chain(alone.map(Some));
    let groups: Vec<&[Value]> = groups.map(|filters| filters.map_or(&[][..], Vec::as_slice)).collect();
    if groups.len() > most {
        return Err(invalid(&format!("At most {most} filterGroups are allowed")));
    }
    let total: usize = groups.iter().map(|filters| filters.len()).sum();
    if total > 18 || groups.iter().any(|filters| filters.len() > 6) {
        return Err(invalid("At most 6 filters per group and 18 in all are allowed"));
    }
    groups.iter().map(|filters| filters.iter().map(Filter::read).collect()).collect()
}

/// The one sort a search takes; rows that are equal in it come by id.
struct Sort {
    property: String,
    descending: bool,
}

fn read_sort(sorts: &Value) -> Option<Sort> {
    let sort = sorts.as_array()?.first()?;
    // The official client also sends a bare property name or `-name`.
    Some(match sort.as_str() {
        Some(name) => {
            Sort { property: name.trim_start_matches('-').to_owned(), descending: name.starts_with('-') }
        }
        None => Sort { property: text(&sort["propertyName"]), descending: sort["direction"] == "DESCENDING" },
    })
}

fn mentions(kind: Kind, record: &Record, query: &str) -> bool {
    let names: &[&str] = match kind {
        Kind::Contacts => &["email", "firstname", "lastname", "phone", "company", "hs_additional_emails"],
        Kind::Companies => &["name", "domain", "website", "phone"],
        Kind::Deals => &["dealname"],
        Kind::Tickets => &["subject", "content"],
        Kind::Tasks => &["hs_task_subject"],
        Kind::Notes => &["hs_note_body"],
    };
    let values: Vec<String> =
        names.iter().filter_map(|name| record.value(name)).map(|value| value.to_lowercase()).collect();
    query.split_whitespace().all(|word| values.iter().any(|value| value.contains(word)))
}

fn sort_found(found: &mut [&Record], sort: &Sort) {
    found.sort_by_cached_key(|record| (sort_key(record, &sort.property), record.id));
    if sort.descending {
        found.reverse();
    }
}
