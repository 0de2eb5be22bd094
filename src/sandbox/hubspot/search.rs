//! HubSpot's search: groups of filters, free text, sorting and its limits. Reads only.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::Portal;
use super::answers::{self, Wanted, invalid};
use super::shelf::{Kind, Record};
use crate::sandbox::wire::{Answer, Call};

const DEEPEST: usize = 10_000;
const OPERATORS: [&str; 13] = [
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
];

struct Filter<'a> {
    property: &'a str,
    operator: &'a str,
    value: String,
    high: String,
    values: Vec<String>,
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl<'a> Filter<'a> {
    fn read(given: &'a Value) -> Result<Self, Answer> {
        let (Some(property), Some(operator)) = (given["propertyName"].as_str(), given["operator"].as_str())
        else {
            return Err(invalid("Every filter needs propertyName and operator"));
        };
        if !OPERATORS.contains(&operator) {
            return Err(invalid(&format!("Invalid input JSON: operator {operator} is unknown")));
        }
        let values: Vec<String> =
            given["values"].as_array().into_iter().flatten().map(|one| text(one).to_lowercase()).collect();
        if matches!(operator, "IN" | "NOT_IN") && values.is_empty() {
            return Err(invalid(&format!("operator {operator} requires values")));
        }
        Ok(Self {
            property,
            operator,
            value: text(&given["value"]).to_lowercase(),
            high: text(&given["highValue"]).to_lowercase(),
            values,
        })
    }

    fn matches(&self, record: &Record) -> bool {
        if let Some(actual) = record.moment(self.property) {
            let order = |wanted: &str| moment(wanted).map(|wanted| actual.cmp(&wanted));
            return self.compared(order, |wanted| order(wanted) == Some(Ordering::Equal));
        }
        let Some(actual) = record.value(self.property) else {
            return matches!(self.operator, "NOT_HAS_PROPERTY" | "NEQ" | "NOT_IN" | "NOT_CONTAINS_TOKEN");
        };
        let actual = actual.to_lowercase();
        match self.operator {
            "CONTAINS_TOKEN" => has_token(&actual, &self.value),
            "NOT_CONTAINS_TOKEN" => !has_token(&actual, &self.value),
            _ => self.compared(|wanted| ordered(&actual, wanted), |wanted| actual == wanted),
        }
    }

    fn compared(&self, order: impl Fn(&str) -> Option<Ordering>, same: impl Fn(&str) -> bool) -> bool {
        let at_least = |wanted: &str| matches!(order(wanted), Some(Ordering::Greater | Ordering::Equal));
        let at_most = |wanted: &str| matches!(order(wanted), Some(Ordering::Less | Ordering::Equal));
        match self.operator {
            "EQ" => same(&self.value),
            "NEQ" => !same(&self.value),
            "IN" => self.values.iter().any(|wanted| same(wanted)),
            "NOT_IN" => !self.values.iter().any(|wanted| same(wanted)),
            "LT" => order(&self.value) == Some(Ordering::Less),
            "LTE" => at_most(&self.value),
            "GT" => order(&self.value) == Some(Ordering::Greater),
            "GTE" => at_least(&self.value),
            "BETWEEN" => at_least(&self.value) && at_most(&self.high),
            "HAS_PROPERTY" => true,
            _ => false,
        }
    }

    /// Values an index can look up.
    fn pinned(&self) -> Option<Vec<&str>> {
        match self.operator {
            "EQ" => Some(vec![&self.value]),
            "IN" => Some(self.values.iter().map(String::as_str).collect()),
            _ => None,
        }
    }
}

/// A moment given as epoch milliseconds or in ISO-8601.
fn moment(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let upper = text.to_uppercase();
        upper.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
    })
}

fn ordered(actual: &str, wanted: &str) -> Option<Ordering> {
    match (actual.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(actual), Ok(wanted)) => actual.partial_cmp(&wanted),
        _ => match (moment(actual), moment(wanted)) {
            (Some(actual), Some(wanted)) => Some(actual.cmp(&wanted)),
            _ => Some(actual.cmp(wanted)),
        },
    }
}

/// Token search: whole words, `*` at either end widens.
fn has_token(actual: &str, wanted: &str) -> bool {
    let core = wanted.trim_matches('*');
    let (open_start, open_end) = (wanted.starts_with('*'), wanted.ends_with('*'));
    let fits = |token: &str| match (open_start, open_end) {
        (true, true) => token.contains(core),
        (true, false) => token.ends_with(core),
        (false, true) => token.starts_with(core),
        (false, false) => token == core,
    };
    fits(actual) || actual.split(|letter: char| !letter.is_alphanumeric()).any(fits)
}

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
        if call.raw.len() > 3_000 {
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
        let groups = read_groups(&call.body)?;
        let query = call.text("query").unwrap_or_default().to_lowercase();
        let mut found = self.candidates(kind, &groups);
        found.retain(|record| {
            let in_group = groups.is_empty()
                || groups.iter().any(|group| group.iter().all(|filter| filter.matches(record)));
            in_group && (query.is_empty() || mentions(kind, record, &query))
        });
        sort_found(&mut found, &call.body["sorts"]);
        let wanted = Wanted::from_body(&call.body);
        let results: Vec<Value> = found
            .iter()
            .skip(after)
            .take(limit)
            .map(|record| answers::object(kind, record, &wanted))
            .collect();
        let mut body = json!({"total": found.len(), "results": results});
        let next = after + limit;
        if next < found.len() {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    /// All live records, or only those an index finds when the one group pins a unique value.
    fn candidates(&self, kind: Kind, groups: &[Vec<Filter<'_>>]) -> Vec<&Record> {
        let shelf = self.shelf(kind);
        if let [group] = groups {
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
        }
        shelf.live_records().collect()
    }
}

fn read_groups(body: &Value) -> Result<Vec<Vec<Filter<'_>>>, Answer> {
    let given = body["filterGroups"].as_array().map_or(&[][..], Vec::as_slice);
    if given.len() > 5 {
        return Err(invalid("At most 5 filterGroups are allowed"));
    }
    let mut groups = Vec::new();
    let mut total = 0;
    for group in given {
        let filters = group["filters"].as_array().map_or(&[][..], Vec::as_slice);
        total += filters.len();
        if filters.len() > 6 || total > 18 {
            return Err(invalid("At most 6 filters per group and 18 in all are allowed"));
        }
        groups.push(filters.iter().map(Filter::read).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(groups)
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

fn sort_found(found: &mut [&Record], sorts: &Value) {
    let Some(sort) = sorts.as_array().and_then(|sorts| sorts.first()) else { return };
    // The official client also sends a bare property name or `-name`.
    let (property, descending) = match sort.as_str() {
        Some(name) => (name.trim_start_matches('-').to_owned(), name.starts_with('-')),
        None => (text(&sort["propertyName"]), sort["direction"] == "DESCENDING"),
    };
    found.sort_by_cached_key(|record| (sort_key(record, &property), record.id));
    if descending {
        found.reverse();
    }
}
