//! The rules a write meets: known and writable fields, types, lengths, picklists, references, uniqueness,
//! locks. It reads rows and changes none.

use serde_json::{Map, Number, Value, json};

use super::rows::moment;
use super::schema::{self, Field, FieldType, ObjectType};
use super::verbs::RowError;
use super::{Org, Trouble, ids};
use crate::sandbox::desk::Who;

/// What JSON calls the kind of value that was given, in the parser's own terms.
fn token(value: &Value) -> String {
    match value {
        Value::Null => "VALUE_NULL value null".to_owned(),
        Value::Bool(flag) => format!("VALUE_{} value {flag}", flag.to_string().to_uppercase()),
        Value::Number(number) => format!("VALUE_NUMBER value {number}"),
        Value::String(text) => format!("VALUE_STRING value {text}"),
        Value::Array(_) => "START_ARRAY value [".to_owned(),
        Value::Object(_) => "START_OBJECT value {".to_owned(),
    }
}

fn wrong_type(kind: FieldType, value: &Value) -> RowError {
    // Where in the body it stood is not known any more by now; clients read the text before it.
    let message = format!(
        "Cannot deserialize instance of {} from {} or request may be missing a required field at [line:1, column:1]",
        kind.word(),
        token(value)
    );
    RowError::new("JSON_PARSER_ERROR", message)
}

fn bad_number(field: &Field, number: f64) -> RowError {
    let message = format!("{}: value outside of valid range on numeric field: {number}", field.label);
    RowError::new("NUMBER_OUTSIDE_VALID_RANGE", message).on(field.name)
}

fn number(field: &Field, value: &Value) -> Result<Value, RowError> {
    let given = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let number = given.filter(|number| number.is_finite()).ok_or_else(|| wrong_type(field.kind, value))?;
    if number.abs() >= 1e15 || (field.kind == FieldType::Int && number.abs() > f64::from(i32::MAX)) {
        return Err(bad_number(field, number));
    }
    if field.kind == FieldType::Int {
        return if number.fract() == 0.0 {
            Ok(json!(number as i64))
        } else {
            Err(wrong_type(field.kind, value))
        };
    }
    Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
}

/// A moment with an offset, in any of the forms the API takes, in milliseconds.
pub(super) fn read_moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let (head, tail) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let offset = tail.starts_with(['+', '-']) && tail[1..].bytes().all(|byte| byte.is_ascii_digit());
    let written = if offset { format!("{head}{}:{}", &tail[..3], &tail[3..]) } else { text.to_owned() };
    written.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn date_or_moment(field: &Field, value: &Value) -> Result<Value, RowError> {
    let text = value.as_str().ok_or_else(|| wrong_type(field.kind, value))?;
    if field.kind == FieldType::DateTime {
        return read_moment(text).map(|at| json!(moment(at))).ok_or_else(|| wrong_type(field.kind, value));
    }
    let day = text.get(..10).filter(|day| text.len() == 10 || read_moment(text).is_some() && !day.is_empty());
    let day = day.and_then(|day| day.parse::<jiff::civil::Date>().ok());
    day.map(|day| json!(day.to_string())).ok_or_else(|| wrong_type(field.kind, value))
}

/// Whether an address could be one: a local part, one at-sign, a domain with a dot and a longer end.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |text: &str| {
        !text.is_empty()
            && text.chars().all(|letter| !letter.is_whitespace() && !"@,;:<>()[]\"\\".contains(letter))
    };
    let Some((host, end)) = domain.rsplit_once('.') else { return false };
    plain(local)
        && plain(host)
        && !text.contains("..")
        && !local.starts_with('.')
        && !host.starts_with(['.', '-'])
        && end.len() >= 2
        && end.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
}

fn text(field: &Field, value: &Value) -> Result<Value, RowError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return Err(wrong_type(field.kind, value)),
    };
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let too_long = field.length > 0 && text.chars().count() > field.length as usize;
    if too_long && field.kind != FieldType::Reference {
        let message = format!("{}: data value too large: {text} (max length={})", field.label, field.length);
        return Err(RowError::new("STRING_TOO_LONG", message).on(field.name));
    }
    let unknown = |choice: &str| field.restricted && !field.picklist.contains(&choice);
    let refused = match field.kind {
        FieldType::Picklist => Some(text.as_str()).filter(|choice| unknown(choice)),
        FieldType::MultiPicklist => text.split(';').find(|choice| unknown(choice)),
        _ => None,
    };
    if let Some(choice) = refused {
        let message = format!("{}: bad value for restricted picklist field: {choice}", field.label);
        return Err(RowError::new("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).on(field.name));
    }
    if field.kind == FieldType::Email && !is_email(&text) {
        let message = format!("{}: invalid email address: {text}", field.label);
        return Err(RowError::new("INVALID_EMAIL_ADDRESS", message).on(field.name));
    }
    Ok(Value::String(text))
}

impl Org {
    /// The fields of a write under their exact names and in the org's own forms; null means cleared.
    /// Without an id the row is about to be created and needs its required fields.
    pub(super) fn validated(
        &self,
        kind: &ObjectType,
        id: Option<&str>,
        fields: &Map<String, Value>,
    ) -> Result<Map<String, Value>, RowError> {
        let mut values = Map::new();
        let mut forbidden = Vec::new();
        for (name, value) in fields {
            if name == "attributes" {
                continue;
            }
            let parent = value.is_object().then(|| kind.relationship(name)).flatten();
            let Some(field) = parent.or_else(|| kind.field(name)) else {
                let message = format!("No such column '{name}' on sobject of type {}", kind.name);
                return Err(RowError::new("INVALID_FIELD", message));
            };
            if field.name == "Id" {
                let message = "The Id field should not be specified in the sobject data.";
                return Err(RowError::new("INVALID_FIELD", message));
            }
            if !(if id.is_some() { field.updateable } else { field.createable }) {
                forbidden.push(field.name);
                continue;
            }
            let value = if parent.is_some() {
                self.parent_by_external_id(field, value)?
            } else {
                self.value_for(field, value)?
            };
            values.insert(field.name.to_owned(), value);
        }
        if !forbidden.is_empty() {
            let message = format!(
                "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                forbidden.join(", ")
            );
            let refusal = RowError::new("INVALID_FIELD_FOR_INSERT_UPDATE", message);
            return Err(forbidden.iter().fold(refusal, |refusal, name| refusal.on(name)));
        }
        check_required(kind, id.is_none(), &values)?;
        self.check_together(kind, id, &values)?;
        Ok(values)
    }

    fn value_for(&self, field: &Field, value: &Value) -> Result<Value, RowError> {
        if value.is_null() {
            // A checkbox is never empty.
            return if field.kind == FieldType::Boolean {
                Err(wrong_type(field.kind, value))
            } else {
                Ok(Value::Null)
            };
        }
        match field.kind {
            kind if kind.is_number() => {
                if value.as_str() == Some("") {
                    Ok(Value::Null)
                } else {
                    number(field, value)
                }
            }
            FieldType::Boolean => match (value.as_bool(), value.as_str()) {
                (Some(flag), _) => Ok(json!(flag)),
                (_, Some("true" | "TRUE" | "True" | "1")) => Ok(json!(true)),
                (_, Some("false" | "FALSE" | "False" | "0" | "")) => Ok(json!(false)),
                _ => Err(wrong_type(field.kind, value)),
            },
            FieldType::Date | FieldType::DateTime if value.as_str() == Some("") => Ok(Value::Null),
            FieldType::Date | FieldType::DateTime => date_or_moment(field, value),
            FieldType::Reference => match text(field, value)? {
                Value::String(id) => self.parent(field, &id),
                nothing => Ok(nothing),
            },
            _ => text(field, value),
        }
    }

    /// The parent's id in its long form, when there is such a row and it is of a type the field takes.
    fn parent(&self, field: &Field, id: &str) -> Result<Value, RowError> {
        let Some(long) = ids::long(id) else {
            let message = format!("{}: id value of incorrect type: {id}", field.label);
            return Err(RowError::new("MALFORMED_ID", message).on(field.name));
        };
        if field.name == "RecordTypeId" {
            // Record types are no rows; which ones an object has is part of its description.
            let known = schema::all().iter().flat_map(ObjectType::record_types).any(|known| known.id == long);
            let refusal = || {
                RowError::new(
                    "INVALID_CROSS_REFERENCE_KEY",
                    "Record Type ID: this ID value isn't valid for the user",
                )
            };
            return known.then(|| json!(long)).ok_or_else(|| refusal().on(field.name));
        }
        let Some(kind) = schema::of_id(&long).filter(|kind| field.reference_to.contains(&kind.name)) else {
            let message = format!("{}: id value of incorrect type: {long}", field.label);
            return Err(RowError::new("FIELD_INTEGRITY_EXCEPTION", message).on(field.name));
        };
        match self.row(kind.name, &long) {
            None => {
                Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").on(field.name))
            }
            Some(row) if row.deleted => Err(RowError::new("ENTITY_IS_DELETED", "entity is deleted")),
            Some(_) => Ok(json!(long)),
        }
    }

    /// `"Account": {"Intercom_Company_ID__c": "abc"}`: the parent named by an external id of its own.
    fn parent_by_external_id(&self, field: &Field, value: &Value) -> Result<Value, RowError> {
        let named = value.as_object().into_iter().flatten().find(|(name, _)| *name != "attributes");
        let Some((name, wanted)) = named else { return Err(wrong_type(field.kind, value)) };
        let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
        for target in field.reference_to {
            let external = schema::object(target).and_then(|kind| kind.field(name));
            let Some(external) = external.filter(|external| external.external_id) else { continue };
            if let [row] = self.live(target, external.name, &wanted).as_slice() {
                return Ok(json!(row.id));
            }
            let message = format!(
                "Foreign key external ID: {wanted} not found for field {} in entity {target}",
                external.name
            );
            return Err(RowError::new("INVALID_FIELD", message));
        }
        let target = field.reference_to.first().copied().unwrap_or_default();
        let message = format!("No such column '{name}' on sobject of type {target}");
        Err(RowError::new("INVALID_FIELD", message))
    }

    /// Rules that need more than one field.
    fn check_together(
        &self,
        kind: &ObjectType,
        id: Option<&str>,
        values: &Map<String, Value>,
    ) -> Result<(), RowError> {
        let before = id.and_then(|id| self.row(kind.name, id));
        let now = |name: &str| {
            let given = values.get(name).and_then(Value::as_str);
            let kept = before.filter(|_| !values.contains_key(name)).and_then(|row| row.text(name));
            given.or(kept)
        };
        if ["Task", "Event"].contains(&kind.name)
            && now("WhoId").is_some_and(|who| who.starts_with("00Q"))
            && now("WhatId").is_some()
        {
            let message = "An activity about a lead cannot be related to another record as well";
            return Err(RowError::new("FIELD_INTEGRITY_EXCEPTION", message).on("WhatId"));
        }
        // An event has a beginning and an end, or a beginning and a length.
        let has = |name: &str| {
            let kept = before.filter(|_| !values.contains_key(name)).and_then(|row| row.fields.get(name));
            values.get(name).or(kept).is_some_and(|value| !value.is_null())
        };
        if kind.name == "Event"
            && !(has("StartDateTime") && has("EndDateTime"))
            && !(has("DurationInMinutes") && (has("ActivityDateTime") || has("StartDateTime")))
        {
            let missing = if has("StartDateTime") || has("ActivityDateTime") {
                &["DurationInMinutes"][..]
            } else {
                &["DurationInMinutes", "ActivityDateTime"][..]
            };
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            let refusal = RowError::new("REQUIRED_FIELD_MISSING", message);
            return Err(missing.iter().fold(refusal, |refusal, name| refusal.on(name)));
        }
        if kind.name == "Event"
            && let (Some(start), Some(end)) = (now("StartDateTime"), now("EndDateTime"))
            && end < start
        {
            let message = "Event duration can't be negative";
            return Err(RowError::new("FIELD_INTEGRITY_EXCEPTION", message).on("EndDateTime"));
        }
        if kind.name == "AccountContactRelation"
            && before.is_none()
            && let (Some(account), Some(contact)) = (now("AccountId"), now("ContactId"))
            && let Some(row) = self.relation(account, contact)
        {
            let message = format!(
                "duplicate value found: AccountId, ContactId duplicates value on record with id: {}",
                &row[..15]
            );
            return Err(RowError::new("DUPLICATE_VALUE", message));
        }
        Ok(())
    }

    /// No other live row may hold a unique field's value.
    pub(super) fn check_unique(
        &self,
        kind: &ObjectType,
        id: Option<&str>,
        values: &Map<String, Value>,
    ) -> Result<(), RowError> {
        for field in kind.fields.iter().filter(|field| field.unique) {
            let Some(value) = values.get(field.name).and_then(Value::as_str) else { continue };
            let holder =
                self.live(kind.name, field.name, value).into_iter().find(|row| Some(row.id.as_str()) != id);
            if let Some(holder) = holder {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    &holder.id[..15]
                );
                return Err(RowError::new("DUPLICATE_VALUE", message).on(field.name));
            }
        }
        Ok(())
    }

    /// Refuses a write to a row that a fault has locked.
    pub(super) fn check_lock(&self, id: &str, fields: &Map<String, Value>) -> Result<(), RowError> {
        let Some(Trouble::Locked(texts)) = &self.trouble else { return Ok(()) };
        let named = |text: &String| {
            id.contains(text.as_str())
                || fields
                    .values()
                    .any(|value| value.as_str().is_some_and(|value| value.contains(text.as_str())))
        };
        if !texts.is_empty() && !texts.iter().any(named) {
            return Ok(());
        }
        let message = format!("unable to obtain exclusive access to this record or 1 records: {id}");
        Err(RowError::new("UNABLE_TO_LOCK_ROW", message))
    }

    /// What a new row gets without being told.
    pub(super) fn add_defaults(&mut self, kind: &ObjectType, values: &mut Map<String, Value>, who: Who) {
        for field in &kind.fields {
            match field.default {
                Some("") if field.name == "OwnerId" && !values.contains_key("OwnerId") => {
                    values.insert("OwnerId".to_owned(), json!(super::user_id(who)));
                }
                Some(value) if !value.is_empty() && !values.contains_key(field.name) => {
                    values.insert(field.name.to_owned(), json!(value));
                }
                _ => {}
            }
        }
        if kind.name == "Case" {
            let number = 1_001 + self.rows("Case").count();
            values.insert("CaseNumber".to_owned(), json!(format!("{number:08}")));
        }
    }
}

fn check_required(kind: &ObjectType, creating: bool, values: &Map<String, Value>) -> Result<(), RowError> {
    let missing: Vec<&str> = kind
        .fields
        .iter()
        .filter(|field| match values.get(field.name) {
            None => creating && field.required(),
            Some(value) => value.is_null() && field.required(),
        })
        .map(|field| field.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    let refusal = RowError::new("REQUIRED_FIELD_MISSING", message);
    Err(missing.iter().fold(refusal, |refusal, name| refusal.on(name)))
}

#[cfg(test)]
mod tests {
    use super::{is_email, read_moment};

    #[test]
    fn addresses_are_judged_as_the_vendor_does() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "o'neil@ex-ample.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["a", "a@b", "@b.co", "a b@c.de", "a@@b.co", "a..b@c.de", "a@b.c", "a@.co"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn moments_are_read_with_any_offset() {
        let expected = read_moment("2026-01-10T04:11:14Z");
        assert!(expected.is_some());
        for text in ["2026-01-10T04:11:14.000+0000", "2026-01-10T05:11:14+01:00", "2026-01-10T03:11:14-0100"]
        {
            assert_eq!(read_moment(text), expected, "{text}");
        }
        assert_eq!(read_moment("2026-01-10 04:11"), None);
        assert_eq!(read_moment("é"), None);
    }
}
