//! Intercom's search: operators, AND/OR groups, sorting, cursor, and dates as whole days. Reads only.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::answers::{bad_cursor, cursor, pages, read_cursor, refused};
use super::{Contact, Version, Workspace, shapes};
use crate::sandbox::wire::{Answer, Call};

const DAY: i64 = 86_400;
const DATES: [&str; 6] =
    ["created_at", "updated_at", "signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at"];

/// A query as the client nested it.
pub(super) enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Field { field: String, operator: String, value: Value },
}

impl Query {
    pub(super) fn read(value: &Value, depth: usize) -> Result<Self, Answer> {
        let invalid = |message: &str| refused(400, "parameter_invalid", message);
        let operator = value.get("operator").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(field) = value.get("field").and_then(Value::as_str) {
            let known = ["=", "!=", "IN", "NIN", ">", "<", ">=", "<=", "~", "!~", "^", "$"];
            if !known.contains(&operator.as_str()) {
                return Err(invalid(&format!("operator '{operator}' is not supported")));
            }
            let value = value.get("value").cloned().unwrap_or_default();
            if DATES.contains(&field) && matches!(operator.as_str(), ">=" | "<=" | "!=" | "IN" | "NIN") {
                return Err(invalid(&format!("operator '{operator}' is not supported for dates")));
            }
            return Ok(Self::Field { field: field.to_owned(), operator, value });
        }
        let Some(parts) = value.get("value").and_then(Value::as_array) else {
            return Err(invalid("query needs field, operator and value, or AND/OR and a list"));
        };
        if depth >= 2 || parts.len() > 15 {
            return Err(invalid("a query has at most 2 levels and 15 filters in a group"));
        }
        let parts = parts.iter().map(|part| Self::read(part, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        match operator.as_str() {
            "AND" => Ok(Self::All(parts)),
            "OR" => Ok(Self::Any(parts)),
            _ => Err(invalid("a group's operator is AND or OR")),
        }
    }

    /// Whether a record matches, given how to look up its fields.
    pub(super) fn matches(&self, lookup: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(lookup)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(lookup)),
            Self::Field { field, operator, value } => field_matches(field, operator, value, &lookup(field)),
        }
    }

    /// An equality every match must fulfil, which an index can answer.
    fn pinned(&self) -> Option<(&str, &str)> {
        match self {
            Self::Field { field, operator, value } if operator == "=" => Some((field, value.as_str()?)),
            Self::All(parts) => parts.iter().find_map(|part| {
                part.pinned().filter(|(field, _)| matches!(*field, "email" | "external_id" | "id"))
            }),
            _ => None,
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_lowercase(),
        other => other.to_string(),
    }
}

fn same(wanted: &Value, actual: &Value) -> bool {
    match actual {
        Value::Array(several) => several.iter().any(|one| same(wanted, one)),
        Value::Number(_) => number(wanted) == number(actual),
        _ => plain(wanted) == plain(actual),
    }
}

fn field_matches(field: &str, operator: &str, wanted: &Value, actual: &Value) -> bool {
    if DATES.contains(&field) {
        let (Some(wanted), Some(actual)) = (number(wanted), number(actual)) else { return false };
        let (wanted, actual) = (wanted as i64, actual as i64);
        let day = wanted - wanted.rem_euclid(DAY);
        // Up to 2.16 a date is a whole day: later means from the next day on.
        return match operator {
            ">" => actual >= day + DAY,
            "<" => actual < day,
            "=" => (day..day + DAY).contains(&actual),
            _ => false,
        };
    }
    let among =
        |list: &Value| list.as_array().is_some_and(|values| values.iter().any(|one| same(one, actual)));
    let order = || match (number(wanted), number(actual)) {
        (Some(wanted), Some(actual)) => actual.partial_cmp(&wanted),
        _ => None,
    };
    match operator {
        "=" => same(wanted, actual),
        "!=" => !same(wanted, actual),
        "IN" => among(wanted),
        "NIN" => !among(wanted),
        ">" => order() == Some(Ordering::Greater),
        "<" => order() == Some(Ordering::Less),
        ">=" => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        "<=" => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        "~" => plain(actual).contains(&plain(wanted)),
        "!~" => !plain(actual).contains(&plain(wanted)),
        "^" => plain(actual).starts_with(&plain(wanted)),
        "$" => plain(actual).ends_with(&plain(wanted)),
        _ => false,
    }
}

/// Order of two sort values: numbers by size, text by letters, nothing first.
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => plain(left).cmp(&plain(right)),
        },
    }
}

fn contact_field(contact: &Contact, field: &str) -> Value {
    match field {
        "id" => json!(contact.id),
        "role" => json!(shapes::role(contact)),
        "name" => json!(contact.name),
        "email" => json!(contact.email),
        "email_domain" => {
            json!(contact.email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain))
        }
        "phone" | "formatted_phone" => json!(contact.phone),
        "external_id" => json!(contact.external_id),
        "created_at" => json!(contact.created / 1_000),
        "updated_at" => json!(contact.updated / 1_000),
        "signed_up_at" => json!(contact.signed_up),
        "last_seen_at" => json!(contact.last_seen),
        "owner_id" => json!(contact.owner),
        "unsubscribed_from_emails" => json!(contact.unsubscribed),
        "tag_id" => json!(contact.tags.iter().map(|(tag, _)| tag).collect::<Vec<_>>()),
        "company_id" | "companies.id" => json!(contact.companies),
        "location.country" => json!(contact.country),
        "location.city" => json!(contact.city),
        _ => field
            .strip_prefix("custom_attributes.")
            .and_then(|name| contact.custom.get(name))
            .cloned()
            .unwrap_or_default(),
    }
}

/// One page of matches: the ids shown, how many there are in all, and `pages`.
pub(super) struct Page<Id> {
    pub(super) shown: Vec<Id>,
    pub(super) total: usize,
    pub(super) pages: Value,
}

/// Sorts matches and cuts the page the client asked for. A page goes on after a position, not after a count,
/// so records that move meanwhile are not skipped.
pub(super) fn page<Id: Clone + Ord + serde::Serialize>(
    call: &Call,
    mut matches: Vec<(Value, Id)>,
    ascending: bool,
    default_size: usize,
) -> Result<Page<Id>, Answer> {
    let paging = call.body.get("pagination");
    let per_page = paging
        .and_then(|paging| paging.get("per_page"))
        .and_then(Value::as_u64)
        .map_or(default_size, |size| size as usize);
    if !(1..=150).contains(&per_page) {
        return Err(refused(400, "parameter_invalid", "per_page must be between 1 and 150"));
    }
    let order = |left: &(Value, Id), right: &(Value, Id)| {
        let order = compare(&left.0, &right.0).then_with(|| left.1.cmp(&right.1));
        if ascending { order } else { order.reverse() }
    };
    matches.sort_by(order);
    let total = matches.len();
    let start = paging.and_then(|paging| paging.get("starting_after")).and_then(Value::as_str);
    let (page, first) = match start.filter(|text| !text.is_empty()) {
        None => (1, 0),
        Some(text) => {
            let Some((page, position)) = read_cursor(text) else { return Err(bad_cursor()) };
            let place = matches.iter().position(|(value, id)| {
                let order =
                    compare(value, &position[0]).then_with(|| plain(&json!(id)).cmp(&plain(&position[1])));
                if ascending { order == Ordering::Greater } else { order == Ordering::Less }
            });
            (page, place.unwrap_or(total))
        }
    };
    let end = (first + per_page).min(total);
    let next = (end < total)
        .then(|| matches.get(end.wrapping_sub(1)))
        .flatten()
        .map(|(value, id)| cursor(page + 1, &json!([value, id])));
    Ok(Page {
        shown: matches[first..end].iter().map(|(_, id)| id.clone()).collect(),
        total,
        pages: pages(total, page, per_page, next.as_deref()),
    })
}

/// The sort the body asks for: field and whether it ascends.
pub(super) fn sort(call: &Call) -> Result<(String, bool), Answer> {
    let sort = call.body.get("sort");
    let field = sort.and_then(|sort| sort.get("field")).and_then(Value::as_str).unwrap_or("created_at");
    match sort.and_then(|sort| sort.get("order")).and_then(Value::as_str) {
        Some("ascending") => Ok((field.to_owned(), true)),
        None | Some("descending") => Ok((field.to_owned(), false)),
        Some(_) => Err(refused(400, "invalid_sort_order", "sort order must be ascending or descending")),
    }
}

impl Workspace {
    pub(super) fn search_contacts(&self, call: &Call, version: Version) -> Answer {
        self.searched(call, version).unwrap_or_else(|refusal| refusal)
    }

    fn searched(&self, call: &Call, version: Version) -> Result<Answer, Answer> {
        let Some(query) = call.body.get("query") else {
            return Err(refused(400, "parameter_not_found", "query is required"));
        };
        let query = Query::read(query, 0)?;
        let (field, ascending) = sort(call)?;
        let keep =
            |contact: &&Contact| !contact.archived && query.matches(&|field| contact_field(contact, field));
        let position = |contact: &Contact| (contact_field(contact, &field), contact.id.clone());
        let matches = match query.pinned() {
            Some(("email", email)) => self.with_email(email).filter(keep).map(position).collect(),
            Some(("external_id", external)) => {
                self.with_external_id(external).into_iter().filter(keep).map(position).collect()
            }
            Some(("id", id)) => self.contacts.get(id).into_iter().filter(keep).map(position).collect(),
            _ => self.contacts.values().filter(keep).map(position).collect(),
        };
        let page = page(call, matches, ascending, 50)?;
        let data: Vec<Value> = page
            .shown
            .iter()
            .filter_map(|id| self.contacts.get(id))
            .map(|contact| shapes::contact(contact, version))
            .collect();
        Ok(Answer::ok(json!({"type": "list", "data": data, "total_count": page.total, "pages": page.pages})))
    }
}
