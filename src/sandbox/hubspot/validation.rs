//! What HubSpot refuses to store, and in which words: a JSON array inside the message string.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answers::{invalid, refused};
use super::shelf::{Kind, Record};
use super::{PORTAL_ID, Portal};
use crate::sandbox::desk::Who;
use crate::sandbox::wire::{Answer, Payload};

/// Stages in the order the API lets a record move through.
pub(in crate::sandbox) const STAGES: [&str; 8] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

/// Characters in a value.
const LONGEST: usize = 65_536;

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn valid_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let Some((host, ending)) = domain.rsplit_once('.') else { return false };
    let odd = |letter: char| letter.is_whitespace() || matches!(letter, '@' | ',' | ';' | '<' | '>');
    !local.is_empty()
        && !host.is_empty()
        && !host.starts_with('.')
        && !host.contains("..")
        && ending.chars().count() >= 2
        && ending.chars().all(char::is_alphabetic)
        && !local.contains(odd)
        && !domain.contains(odd)
}

/// Why a value may not be stored: the vendor's code and sentence.
fn objection(portal: &Portal, kind: Kind, name: &str, value: &str) -> Option<(&'static str, String)> {
    let Some(property) = portal.shelf(kind).property(name).filter(|property| !property.archived) else {
        return Some(("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")));
    };
    if property.read_only {
        return Some((
            "READ_ONLY_VALUE",
            format!("\"{name}\" is a read only property; its value cannot be set."),
        ));
    }
    if value.is_empty() {
        return None;
    }
    if kind == Kind::Contacts && name == "email" && !valid_email(value) {
        return Some(("INVALID_EMAIL", format!("Email address {value} is invalid")));
    }
    // The limit is the vendor's; the word for it is ours, as none was ever written down.
    if value.chars().count() > LONGEST {
        return Some((
            "INVALID_LENGTH",
            format!("\"{name}\" was too long: the limit is {LONGEST} characters."),
        ));
    }
    match property.data_type.as_str() {
        "enumeration" => {
            let known = |one: &str| property.options.iter().any(|(option, _)| option == one);
            // Only checkboxes take several values; a semicolon in front adds to those there are.
            let several = property.field_type == "checkbox";
            if known(value) || (several && value.trim_start_matches(';').split(';').all(known)) {
                return None;
            }
            let allowed: Vec<&str> = property.options.iter().map(|(option, _)| option.as_str()).collect();
            let allowed = allowed.join(", ");
            let message = if name == "dealstage" {
                format!(
                    "{value} is not a valid pipeline stage ID. Valid options are: pipelineId=default : [{allowed}]"
                )
            } else {
                format!("{value} was not one of the allowed options: [{allowed}]")
            };
            Some(("INVALID_OPTION", message))
        }
        "number" if value.parse::<f64>().is_err() => {
            Some(("INVALID_INTEGER", format!("{value} was not a valid number.")))
        }
        "bool" if value != "true" && value != "false" => {
            Some(("INVALID_OPTION", format!("{value} was not one of the allowed options: [true, false]")))
        }
        "datetime" if !valid_moment(value) => {
            Some(("INVALID_DATE", format!("{value} was not a valid date.")))
        }
        "date"
            if !valid_moment(value) || value.parse().is_ok_and(|ms: i64| ms.rem_euclid(86_400_000) != 0) =>
        {
            Some(("INVALID_DATE", format!("{value} is not a date: it must be midnight UTC.")))
        }
        _ => None,
    }
}

fn valid_moment(value: &str) -> bool {
    value.parse::<i64>().is_ok()
        || value.parse::<jiff::Timestamp>().is_ok()
        || value.parse::<jiff::civil::Date>().is_ok()
}

impl Portal {
    /// Checks all given values at once and returns them as text, or the one answer that names every bad one.
    pub(super) fn checked(
        &self,
        kind: Kind,
        given: &Map<String, Value>,
        own: Option<u64>,
    ) -> Result<BTreeMap<String, String>, Answer> {
        let mut values = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, value) in given {
            let value = text(value);
            if let Some((code, message)) = objection(self, kind, name, &value) {
                problems.push(json!({
                    "isValid": false,
                    "message": message,
                    "error": code,
                    "name": name,
                    "localizedErrorMessage": message,
                    "portalId": PORTAL_ID,
                }));
            }
            values.insert(name.clone(), value);
        }
        if !problems.is_empty() {
            return Err(invalid(&format!("Property values were not valid: {}", Value::Array(problems))));
        }
        self.check_unique(kind, &values, own)?;
        Ok(values)
    }

    /// Refuses a create without what the type itself, or since the dated paths an admin, requires.
    pub(super) fn check_required(
        &self,
        kind: Kind,
        given: &Map<String, Value>,
        dated: bool,
    ) -> Result<(), Answer> {
        let lacks = |name: &str| given.get(name).map(text).unwrap_or_default().is_empty();
        if matches!(kind, Kind::Notes | Kind::Tasks) && lacks("hs_timestamp") {
            let kind = kind.singular().to_uppercase();
            let mut answer =
                invalid(&format!("Error creating {kind}. Some required properties were not set."));
            if let Payload::Json(body) = &mut answer.body {
                body["context"] = json!({"properties": ["hs_timestamp"]});
            }
            return Err(answer);
        }
        // A deal and a ticket stand in a stage from their birth; the only pipeline there is needs no naming.
        let needed: &[&str] = match kind {
            Kind::Deals => &["dealname", "dealstage"],
            Kind::Tickets => &["subject", "hs_pipeline_stage"],
            _ => &[],
        };
        let needed: Vec<&str> = needed.iter().copied().filter(|name| lacks(name)).collect();
        if !needed.is_empty() {
            let kind = kind.singular().to_uppercase();
            let mut answer =
                invalid(&format!("Error creating {kind}. Some required properties were not set."));
            if let Payload::Json(body) = &mut answer.body {
                body["context"] = json!({"properties": needed});
            }
            return Err(answer);
        }
        let rules = self.rules.required_properties.iter().filter(|_| dated);
        let names: Vec<&str> = rules
            .filter_map(|rule| rule.split_once('.').filter(|rule| rule.0 == kind.plural()))
            .map(|(_, name)| name)
            .filter(|name| lacks(name))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut answer = invalid("Required properties are missing.");
        if let Payload::Json(body) = &mut answer.body {
            let missing = names.iter().map(|name| {
                json!({
                    "message": format!("A value for \"{name}\" is required."),
                    "code": "MISSING_REQUIRED_PROPERTY",
                    "context": {"propertyName": [name]},
                })
            });
            body["errors"] = missing.collect();
        }
        Err(answer)
    }

    fn check_unique(
        &self,
        kind: Kind,
        values: &BTreeMap<String, String>,
        own: Option<u64>,
    ) -> Result<(), Answer> {
        let shelf = self.shelf(kind);
        for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
            if !shelf.property(name).is_some_and(|property| property.unique) {
                continue;
            }
            let Some(other) = shelf.with_unique(name, value).filter(|other| Some(other.id) != own) else {
                continue;
            };
            if kind == Kind::Contacts && name == "email" {
                let message = format!("Contact already exists. Existing ID: {}", other.id);
                return Err(refused(409, "CONFLICT", &message));
            }
            let message =
                format!("{} already has the value {value} for the unique property {name}", other.id);
            let problem = json!([{
                "isValid": false,
                "message": message,
                "error": "CONFLICTING_UNIQUE_VALUE",
                "name": name,
                "localizedErrorMessage": message,
                "portalId": PORTAL_ID,
            }]);
            return Err(invalid(&format!("Property values were not valid: {problem}")));
        }
        Ok(())
    }

    /// Writes checked values into a record; returns what really changed. The API cannot move the lifecycle
    /// stage backwards: the value is left as it is, as the vendor does.
    pub(super) fn write_values(
        &self,
        record: &mut Record,
        values: BTreeMap<String, String>,
    ) -> Vec<(String, String)> {
        let mut changed = Vec::new();
        for (name, value) in values {
            let before = record.values.get(&name);
            if before.map_or(value.is_empty(), |before| *before == value) {
                continue;
            }
            if name == "lifecyclestage"
                && self.who == Who::Api
                && before.is_some_and(|before| backwards(before, &value))
            {
                continue;
            }
            if let Some(before) = before {
                record.former.push((name.clone(), before.clone(), self.now()));
            }
            if value.is_empty() {
                record.values.remove(&name);
            } else {
                record.values.insert(name.clone(), value.clone());
            }
            changed.push((name, value));
        }
        changed
    }
}

fn backwards(before: &str, after: &str) -> bool {
    let rank = |stage: &str| STAGES.iter().position(|known| *known == stage);
    matches!((rank(before), rank(after)), (Some(before), Some(after)) if after < before)
}
