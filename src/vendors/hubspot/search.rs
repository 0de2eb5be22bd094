//! HubSpot's search, typed: what it cannot take is refused here, before one of its five calls a second is spent.
//!
//! Also the cursor that reads everything changed since a moment in order, each row once, past the 10,000 results a
//! single search shows and however many rows share one millisecond. Knows no HTTP.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::ObjectKind;

use super::super::error::VendorError;

/// Rows in one page of a search.
pub(crate) const MOST_ROWS: usize = 200;
/// HubSpot refuses to page past this many results of one search.
pub(crate) const DEEPEST: usize = 10_000;
const MOST_GROUPS: usize = 5;
const MOST_IN_A_GROUP: usize = 6;
const MOST_FILTERS: usize = 18;
/// Characters in the body.
const LONGEST: usize = 3_000;

/// How a filter compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `EQ`, `NEQ`, `LT`, `LTE`, `GT`, `GTE`, `CONTAINS_TOKEN`, `NOT_CONTAINS_TOKEN`.
    One(&'static str, String),
    /// Both ends belong to it.
    Between(String, String),
    /// `IN` or `NOT_IN`.
    Any(&'static str, Vec<String>),
    /// `HAS_PROPERTY` or `NOT_HAS_PROPERTY`.
    Presence(&'static str),
}

/// One condition on one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    property: String,
    comparison: Comparison,
}

impl Filter {
    pub(crate) fn new(property: &str, comparison: Comparison) -> Self {
        Self { property: property.to_owned(), comparison }
    }

    pub(crate) fn equal(property: &str, value: &str) -> Self {
        Self::new(property, Comparison::One("EQ", value.to_owned()))
    }

    pub(crate) fn above(property: &str, value: &str) -> Self {
        Self::new(property, Comparison::One("GT", value.to_owned()))
    }

    pub(crate) fn from(property: &str, value: &str) -> Self {
        Self::new(property, Comparison::One("GTE", value.to_owned()))
    }

    /// As HubSpot writes it: `{"propertyName", "operator", "value" | "values" | "highValue"}`.
    fn read(given: &Value) -> Result<Self, VendorError> {
        let text = |name: &str| given.get(name).map(crate::domain::record::value_text);
        let property = text("propertyName").filter(|name| !name.is_empty());
        let (Some(property), Some(operator)) = (property, text("operator")) else {
            return Err(refused("every filter needs a propertyName and an operator"));
        };
        let value = || text("value").ok_or_else(|| refused(&format!("{operator} needs a value")));
        let comparison = match operator.as_str() {
            "EQ" => Comparison::One("EQ", value()?),
            "NEQ" => Comparison::One("NEQ", value()?),
            "LT" => Comparison::One("LT", value()?),
            "LTE" => Comparison::One("LTE", value()?),
            "GT" => Comparison::One("GT", value()?),
            "GTE" => Comparison::One("GTE", value()?),
            "CONTAINS_TOKEN" => Comparison::One("CONTAINS_TOKEN", value()?),
            "NOT_CONTAINS_TOKEN" => Comparison::One("NOT_CONTAINS_TOKEN", value()?),
            "BETWEEN" => {
                let high = text("highValue").ok_or_else(|| refused("BETWEEN needs a highValue"))?;
                Comparison::Between(value()?, high)
            }
            "IN" | "NOT_IN" => {
                let values = given.get("values").map(super::errors::texts).unwrap_or_default();
                if values.is_empty() {
                    return Err(refused(&format!("{operator} needs a list of values")));
                }
                Comparison::Any(if operator == "IN" { "IN" } else { "NOT_IN" }, values)
            }
            "HAS_PROPERTY" => Comparison::Presence("HAS_PROPERTY"),
            "NOT_HAS_PROPERTY" => Comparison::Presence("NOT_HAS_PROPERTY"),
            other => return Err(refused(&format!("\"{other}\" is none of its operators"))),
        };
        Ok(Self { property, comparison })
    }

    fn json(&self) -> Value {
        let property = &self.property;
        match &self.comparison {
            Comparison::One(operator, value) => {
                json!({"propertyName": property, "operator": operator, "value": value})
            }
            Comparison::Between(low, high) => {
                json!({"propertyName": property, "operator": "BETWEEN", "value": low, "highValue": high})
            }
            Comparison::Any(operator, values) => {
                json!({"propertyName": property, "operator": operator, "values": values})
            }
            Comparison::Presence(operator) => json!({"propertyName": property, "operator": operator}),
        }
    }
}

/// A search before it is sent. Groups are alternatives; the filters of a group must all hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Search {
    pub(crate) groups: Vec<Vec<Filter>>,
    /// Words to look for in the type's usual fields.
    pub(crate) query: Option<String>,
    /// Property, and whether descending. HubSpot takes one.
    pub(crate) sort: Option<(String, bool)>,
    pub(crate) properties: Vec<String>,
    /// Zero is a full page.
    pub(crate) limit: usize,
    pub(crate) after: Option<String>,
}

fn refused(why: &str) -> VendorError {
    VendorError::new(ErrorClass::Validation, &format!("HubSpot's search cannot be asked this: {why}."))
}

impl Search {
    /// Rows that fulfil all filters.
    pub(crate) fn all(filters: Vec<Filter>) -> Self {
        Self { groups: vec![filters], ..Self::default() }
    }

    pub(crate) fn sorted(mut self, property: &str) -> Self {
        self.sort = Some((property.to_owned(), false));
        self
    }

    pub(crate) fn properties(mut self, properties: Vec<String>) -> Self {
        self.properties = properties;
        self
    }

    /// Reads `filterGroups` as HubSpot writes them.
    pub(crate) fn read_groups(given: &Value) -> Result<Vec<Vec<Filter>>, VendorError> {
        let list = |value: Option<&Value>, what: &str| {
            value.and_then(Value::as_array).cloned().ok_or_else(|| refused(&format!("{what} must be a list")))
        };
        list(Some(given), "filterGroups")?
            .iter()
            .map(|group| list(group.get("filters"), "filters")?.iter().map(Filter::read).collect())
            .collect()
    }

    /// The body, if HubSpot would take it.
    pub(crate) fn body(&self) -> Result<Value, VendorError> {
        let filters: usize = self.groups.iter().map(Vec::len).sum();
        let limit = if self.limit == 0 { MOST_ROWS } else { self.limit };
        let after = self.after.as_deref().unwrap_or("0");
        let Ok(offset) = after.parse::<usize>() else {
            return Err(refused("after must be the number a page before it gave"));
        };
        let too_much = if self.groups.len() > MOST_GROUPS {
            Some("it takes at most 5 groups of filters")
        } else if self.groups.iter().any(|group| group.len() > MOST_IN_A_GROUP) {
            Some("a group takes at most 6 filters")
        } else if filters > MOST_FILTERS {
            Some("it takes at most 18 filters in all")
        } else if limit > MOST_ROWS {
            Some("a page holds at most 200 rows")
        } else if offset.saturating_add(limit) > DEEPEST {
            Some("it shows no more than 10,000 results; narrow it by a date or by hs_object_id")
        } else {
            None
        };
        if let Some(why) = too_much {
            return Err(refused(why));
        }
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|group| json!({"filters": group.iter().map(Filter::json).collect::<Vec<_>>()}))
            .collect();
        let mut body = json!({"filterGroups": groups, "properties": self.properties, "limit": limit});
        if let Some((property, descending)) = &self.sort {
            let direction = if *descending { "DESCENDING" } else { "ASCENDING" };
            body["sorts"] = json!([{"propertyName": property, "direction": direction}]);
        }
        if let Some(query) = &self.query {
            body["query"] = json!(query);
        }
        if offset > 0 {
            body["after"] = json!(after);
        }
        let length = body.to_string().chars().count();
        if length > LONGEST {
            return Err(refused(&format!("it takes 3,000 characters and this has {length}")));
        }
        Ok(body)
    }
}

/// The property that holds the moment of a record's last change.
pub(crate) fn changed_property(object: ObjectKind) -> &'static str {
    if object == ObjectKind::Contact { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

/// Where a reading of changes stands. Written `MS/` (from that millisecond on), `MS/after` (later than it) or
/// `MS/ID` (of that very millisecond, ids above).
///
/// HubSpot sorts by one property only, so rows of one millisecond come in no order one could rely on, and paging by
/// offset loses rows when one moves up meanwhile. Hence each page starts at a moment, the rows of a page's last
/// millisecond are left for the next one, and a millisecond that fills a whole page is read by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Rows changed then or later.
    From(Timestamp),
    /// Rows changed later.
    After(Timestamp),
    /// Rows changed at that very millisecond whose id is above.
    Within(Timestamp, u64),
}

impl Reading {
    pub(crate) fn new(since: Timestamp, cursor: Option<&str>) -> Self {
        let read = |cursor: &str| {
            let (at, place) = cursor.split_once('/')?;
            let at = Timestamp(at.parse().ok()?);
            match place {
                "" => Some(Self::From(at)),
                "after" => Some(Self::After(at)),
                id => Some(Self::Within(at, id.parse().ok()?)),
            }
        };
        cursor.and_then(read).unwrap_or(Self::From(since))
    }

    pub(crate) fn cursor(self) -> String {
        match self {
            Self::From(at) => format!("{}/", at.0),
            Self::After(at) => format!("{}/after", at.0),
            Self::Within(at, id) => format!("{}/{id}", at.0),
        }
    }

    /// The search of the next page.
    pub(crate) fn search(self, object: ObjectKind) -> Search {
        let changed = changed_property(object);
        match self {
            Self::From(at) => Search::all(vec![Filter::from(changed, &at.0.to_string())]).sorted(changed),
            Self::After(at) => Search::all(vec![Filter::above(changed, &at.0.to_string())]).sorted(changed),
            Self::Within(at, id) => Search::all(vec![
                Filter::equal(changed, &at.0.to_string()),
                Filter::above("hs_object_id", &id.to_string()),
            ])
            .sorted("hs_object_id"),
        }
    }

    /// Which rows of a page to keep, and where to go on; rows are given as (changed, id) in the page's order, and
    /// `more` says whether the search has another page.
    pub(crate) fn turn(
        self,
        rows: &[(Option<Timestamp>, &str)],
        more: bool,
    ) -> Result<(usize, Option<Self>), VendorError> {
        let odd = |what: &str| {
            VendorError::new(
                ErrorClass::Malformed,
                &format!("HubSpot's search gave a page {what}; nothing of it was taken."),
            )
        };
        if let Self::Within(at, _) = self {
            if !more {
                return Ok((rows.len(), Some(Self::After(at))));
            }
            let last = rows.last().and_then(|(_, id)| id.parse().ok());
            let last = last.ok_or_else(|| odd("without an id to go on from"))?;
            return Ok((rows.len(), Some(Self::Within(at, last))));
        }
        if !more {
            return Ok((rows.len(), None));
        }
        let last = rows.last().and_then(|(at, _)| *at).ok_or_else(|| odd("without a time to go on from"))?;
        let whole = rows.iter().take_while(|(at, _)| at.is_none_or(|at| at < last)).count();
        if rows[whole..].iter().any(|(at, _)| *at != Some(last)) {
            return Err(odd("that is not in the order of time"));
        }
        // A page of one single moment: all of it is read by id, from the first.
        Ok((whole, Some(if whole == 0 { Self::Within(last, 0) } else { Self::From(last) })))
    }
}

#[cfg(test)]
mod tests;
