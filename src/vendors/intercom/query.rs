//! Searches of contacts and conversations, typed: what is built or read here, Intercom does not refuse for its form.
//!
//! The rule for dates is kept in this one place. Up to 2.16 a contact's dates are compared by whole days of the
//! workspace's time zone, which we do not know; so a moment is widened until no match can be missed, and the caller
//! drops the rows that are too old or too new. Conversations' dates are compared to the second.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;

use super::super::error::VendorError;
use super::version::{Capability, Version};

/// Filters in one group, at most.
const FILTERS: usize = 15;
/// Groups in each other, at most.
const LEVELS: usize = 2;
/// How far a moment is moved so that whole days, in any time zone and over a change of clocks, cannot hide a match.
const WHOLE_DAYS: i64 = 48 * 3600;

/// What is searched; the two have different rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Contacts,
    Conversations,
}

/// A query: one filter, or filters joined, at most two levels deep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    /// A field compared with a value.
    Filter { field: String, operator: Operator, value: Value },
    /// All of these.
    All(Vec<Query>),
    /// Any of these.
    Any(Vec<Query>),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Is,
    IsNot,
    OneOf,
    NoneOf,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Contains,
    ContainsNot,
    StartsWith,
    EndsWith,
}

const OPERATORS: [(Operator, &str); 12] = [
    (Operator::Is, "="),
    (Operator::IsNot, "!="),
    (Operator::OneOf, "IN"),
    (Operator::NoneOf, "NIN"),
    (Operator::Greater, ">"),
    (Operator::Less, "<"),
    (Operator::AtLeast, ">="),
    (Operator::AtMost, "<="),
    (Operator::Contains, "~"),
    (Operator::ContainsNot, "!~"),
    (Operator::StartsWith, "^"),
    (Operator::EndsWith, "$"),
];

impl Operator {
    fn sign(self) -> &'static str {
        OPERATORS.iter().find(|(operator, _)| *operator == self).map_or("=", |(_, sign)| sign)
    }
}

impl Query {
    /// The field has this value.
    pub(crate) fn is(field: &str, value: impl Into<Value>) -> Self {
        Self::filter(field, Operator::Is, value.into())
    }

    /// Any comparison.
    pub(crate) fn filter(field: &str, operator: Operator, value: Value) -> Self {
        Self::Filter { field: field.to_owned(), operator, value }
    }

    /// Everything whose date is that moment or later; where only whole days are compared, some earlier ones too.
    pub(crate) fn since(subject: Subject, field: &str, moment: Timestamp, version: Version) -> Self {
        // One second earlier: that `>` may or may not include the second itself.
        let after = moment.seconds() - 1 - slack(subject, version);
        Self::filter(field, Operator::Greater, json!(after.max(0)))
    }

    /// Reads a query in the vendor's own JSON.
    pub(crate) fn read(value: &Value) -> Result<Self, VendorError> {
        let operator = value.get("operator").and_then(Value::as_str).unwrap_or_default();
        if let Some(field) = value.get("field").and_then(Value::as_str) {
            let Some((operator, _)) = OPERATORS.iter().find(|(_, sign)| *sign == operator) else {
                return Err(refused(&format!("\"{operator}\" is not an operator of Intercom's search.")));
            };
            let Some(value) = value.get("value") else {
                return Err(refused(&format!("the filter on {field} has no value.")));
            };
            return Ok(Self::filter(field, *operator, value.clone()));
        }
        let parts = value.get("value").and_then(Value::as_array).ok_or_else(|| {
            refused("it needs \"field\", \"operator\" and \"value\", or AND or OR and a list.")
        })?;
        let parts = parts.iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
        match operator {
            "AND" => Ok(Self::All(parts)),
            "OR" => Ok(Self::Any(parts)),
            _ => Err(refused("a group's operator is AND or OR.")),
        }
    }

    /// The vendor's JSON, once it keeps the vendor's rules.
    pub(crate) fn json(&self, subject: Subject, version: Version) -> Result<Value, VendorError> {
        self.check(subject, version, 0)?;
        Ok(self.shape())
    }

    fn shape(&self) -> Value {
        let group = |operator: &str, parts: &[Self]| json!({"operator": operator, "value": parts.iter().map(Self::shape).collect::<Vec<_>>()});
        match self {
            Self::Filter { field, operator, value } => {
                json!({"field": field, "operator": operator.sign(), "value": value})
            }
            Self::All(parts) => group("AND", parts),
            Self::Any(parts) => group("OR", parts),
        }
    }

    fn check(&self, subject: Subject, version: Version, level: usize) -> Result<(), VendorError> {
        match self {
            Self::Filter { field, operator, value } => {
                check_filter(subject, version, field, *operator, value)
            }
            Self::All(parts) | Self::Any(parts) => {
                if level >= LEVELS {
                    return Err(refused("groups stand in each other at most two levels deep."));
                }
                if parts.is_empty() || parts.len() > FILTERS {
                    return Err(refused("a group holds 1 to 15 filters."));
                }
                parts.iter().try_for_each(|part| part.check(subject, version, level + 1))
            }
        }
    }
}

fn check_filter(
    subject: Subject,
    version: Version,
    field: &str,
    operator: Operator,
    value: &Value,
) -> Result<(), VendorError> {
    let several = matches!(operator, Operator::OneOf | Operator::NoneOf);
    if several != value.is_array() {
        let wanted = if several { "a list" } else { "one value" };
        return Err(refused(&format!("{field}: \"{}\" takes {wanted}.", operator.sign())));
    }
    let is_date = is_date(subject, field);
    if is_date && !several && !is_seconds(value) {
        return Err(refused(&format!("{field} is a date: its value is in seconds since 1970.")));
    }
    if is_date
        && subject == Subject::Contacts
        && !version.has(Capability::ExactDates)
        && !matches!(operator, Operator::Is | Operator::Greater | Operator::Less)
    {
        return Err(refused(&format!(
            "{field} is a date: Intercom compares it by whole days, with =, > or < only, not with \"{}\".",
            operator.sign()
        )));
    }
    let text = matches!(
        operator,
        Operator::Contains | Operator::ContainsNot | Operator::StartsWith | Operator::EndsWith
    );
    if text && !value.is_string() {
        return Err(refused(&format!("{field}: \"{}\" takes a text.", operator.sign())));
    }
    if subject == Subject::Contacts
        && field == "tag_id"
        && !matches!(operator, Operator::Is | Operator::IsNot)
    {
        return Err(refused("tag_id is compared with = and != only."));
    }
    if subject == Subject::Conversations && matches!(operator, Operator::AtLeast | Operator::AtMost) {
        return Err(refused("conversations are searched with > and <, which include the value itself."));
    }
    Ok(())
}

fn is_seconds(value: &Value) -> bool {
    value.as_i64().is_some() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok())
}

/// Fields the vendor's tables call dates. Custom attributes may be dates too; which, only the workspace knows.
fn is_date(subject: Subject, field: &str) -> bool {
    let field = if subject == Subject::Conversations {
        field
            .strip_prefix("statistics.")
            .or_else(|| field.strip_prefix("conversation_rating."))
            .unwrap_or(field)
    } else {
        field
    };
    field.ends_with("_at")
        || (subject == Subject::Conversations && matches!(field, "waiting_since" | "snoozed_until"))
}

fn slack(subject: Subject, version: Version) -> i64 {
    if subject == Subject::Contacts && !version.has(Capability::ExactDates) { WHOLE_DAYS } else { 0 }
}

fn refused(why: &str) -> VendorError {
    VendorError::new(
        ErrorClass::Validation,
        &format!("Intercom would not understand this search, so nothing was sent: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::settings::Settings;
    use super::*;

    fn version(text: &str) -> Version {
        let mut settings = Settings::default();
        text.clone_into(&mut settings.intercom.version);
        Version::of(&settings)
    }

    #[test]
    fn a_nested_query_is_written_as_the_vendor_nests_it_and_read_back() {
        let query = Query::All(vec![
            Query::is("role", "user"),
            Query::Any(vec![
                Query::filter("email", Operator::EndsWith, json!("@example.com")),
                Query::filter("custom_attributes.plan", Operator::OneOf, json!(["pro", "team"])),
            ]),
        ]);
        let shape = query.json(Subject::Contacts, version("2.16")).expect("within the rules");
        assert_eq!(
            shape,
            json!({"operator": "AND", "value": [
                {"field": "role", "operator": "=", "value": "user"},
                {"operator": "OR", "value": [
                    {"field": "email", "operator": "$", "value": "@example.com"},
                    {"field": "custom_attributes.plan", "operator": "IN", "value": ["pro", "team"]},
                ]},
            ]})
        );
        assert_eq!(Query::read(&shape).expect("the vendor's JSON"), query);
    }

    #[test]
    fn what_the_vendor_would_refuse_is_refused_before_it_is_sent() {
        let filter = |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
        let one = filter("name", "=", json!("Jane"));
        let group = |parts: Vec<Value>| json!({"operator": "AND", "value": parts});
        let three_deep = group(vec![group(vec![group(vec![one.clone()])])]);
        for (bad, of) in [
            (filter("updated_at", ">=", json!(1)), Subject::Contacts),
            (filter("updated_at", "!=", json!(1)), Subject::Contacts),
            (filter("created_at", "IN", json!([1])), Subject::Contacts),
            (filter("created_at", ">", json!("yesterday")), Subject::Contacts),
            (filter("tag_id", "IN", json!(["1"])), Subject::Contacts),
            (filter("name", "IN", json!("Jane")), Subject::Contacts),
            (filter("name", "=", json!(["Jane"])), Subject::Contacts),
            (filter("name", "~", json!(7)), Subject::Contacts),
            (filter("name", "LIKE", json!("J")), Subject::Contacts),
            (filter("updated_at", ">=", json!(1)), Subject::Conversations),
            (filter("statistics.last_close_at", ">", json!(true)), Subject::Conversations),
            (group(vec![one.clone(); 16]), Subject::Contacts),
            (group(vec![]), Subject::Contacts),
            (three_deep, Subject::Contacts),
            (json!({"operator": "XOR", "value": [one.clone()]}), Subject::Contacts),
            (json!({"field": "name", "operator": "="}), Subject::Contacts),
            (json!("name = Jane"), Subject::Contacts),
        ] {
            let refusal = Query::read(&bad).and_then(|query| query.json(of, version("2.16")));
            let error = refusal.expect_err(&bad.to_string());
            assert_eq!(error.class, ErrorClass::Validation);
            assert!(error.words.contains("nothing was sent"), "{error}");
        }
        let both = group(vec![group(vec![one.clone(); 15]), one]);
        assert!(Query::read(&both).and_then(|query| query.json(Subject::Contacts, version("2.14"))).is_ok());
        let exact = Query::read(&filter("updated_at", ">=", json!(1))).expect("a filter");
        assert!(exact.json(Subject::Contacts, version("2.17")).is_ok());
    }

    fn sent(query: &Query) -> i64 {
        match query {
            Query::Filter { value, .. } => value.as_i64().expect("seconds"),
            _ => unreachable!("a date is one filter"),
        }
    }

    proptest! {
        /// Whatever the workspace's zone, no change at or after the moment is missed.
        #[test]
        fn whole_days_hide_nothing(
            moment in 1_000_000_i64..4_000_000_000,
            later in 0_i64..10_000_000,
            zone in -12 * 3600_i64..=14 * 3600,
            clocks in -3600_i64..=3600,
        ) {
            let day = |seconds: i64, zone: i64| (seconds + zone).div_euclid(86_400);
            let at = Timestamp::from_seconds(moment);
            let since = sent(&Query::since(Subject::Contacts, "updated_at", at, version("2.16")));
            prop_assert!(day(moment + later, zone + clocks) > day(since, zone));
            prop_assert!(sent(&Query::since(Subject::Contacts, "updated_at", at, version("2.17"))) == moment - 1);
        }
    }
}
