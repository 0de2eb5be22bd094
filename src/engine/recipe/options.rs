//! What people call a value of a list, and what is written: a recipe may name either.
//!
//! A value that the list does not have is refused here, before it is sent. Where the list cannot be read, the vendor is
//! left to judge.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::turn::{Stop, Turn};
use super::failed;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::{Connection, Fields, ObjectKind, System};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema};
use crate::domain::text::shorten;
use crate::vendors::{self, VendorError};

/// How long a schema that was read is taken for what it is.
const FRESH: Duration = Duration::from_secs(300);
/// Letters of a refused value that are repeated.
const VALUE: usize = 60;

/// A schema and when it was read; none where it could not be.
pub(in crate::engine) struct Known {
    schema: Option<Arc<ObjectSchema>>,
    at: Duration,
}

/// Puts what is written in the place of what people call it, in every step that has not begun.
pub(super) async fn settle(turn: &mut Turn<'_>, plan: &mut Plan) -> Result<(), Stop> {
    for step in plan.steps.iter_mut().filter(|step| step.state == StepState::Waiting) {
        let (connection, object, fields) = match &mut step.effect {
            Effect::Create { connection, object, fields, .. } => (connection.clone(), *object, fields),
            Effect::Update { record, fields } => (record.connection.clone(), record.object, fields),
            _ => continue,
        };
        if connection.system == System::Intercom || !fields.values().any(Value::is_string) {
            continue;
        }
        let Some(schema) = schema(turn, &connection, object).await? else { continue };
        if let Err(refused) = translate(fields, &schema) {
            return Err(failed(refused));
        }
    }
    Ok(())
}

fn translate(fields: &mut Fields, schema: &ObjectSchema) -> Result<(), VendorError> {
    for (name, value) in fields.iter_mut() {
        let Some(field) = schema.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let is_list =
            matches!(field.kind, FieldKind::Option | FieldKind::Options) && !field.options.is_empty();
        let Some(text) = value.as_str().filter(|text| is_list && !text.is_empty()) else { continue };
        let parts: Vec<&str> = match field.kind {
            FieldKind::Options => text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect(),
            _ => vec![text],
        };
        let known: Option<Vec<&str>> = parts.iter().map(|part| internal(field, part)).collect();
        match known {
            Some(known) => *value = Value::String(known.join(";")),
            None => {
                let offered: Vec<&str> = field
                    .options
                    .iter()
                    .filter(|option| !option.retired)
                    .map(|option| option.value.as_str())
                    .take(20)
                    .collect();
                let words = format!(
                    "\"{}\" is none of the options of {}; nothing was sent. It takes {}.",
                    shorten(text, VALUE),
                    field.name,
                    offered.join(", ")
                );
                let mut error = VendorError::new(ErrorClass::NotAllowedValue, &words);
                error.field = Some(field.name.clone());
                return Err(error);
            }
        }
    }
    Ok(())
}

/// What is written for a value or a label.
fn internal<'a>(field: &'a FieldSchema, text: &str) -> Option<&'a str> {
    let by = |fits: &dyn Fn(&crate::domain::schema::OptionValue) -> bool| {
        field.options.iter().find(|option| fits(option)).map(|option| option.value.as_str())
    };
    by(&|option| option.value == text)
        .or_else(|| by(&|option| option.label == text))
        .or_else(|| by(&|option| option.label.eq_ignore_ascii_case(text) && !option.retired))
}

/// What was known of a schema is not true any more.
pub(in crate::engine) fn forget(turn: &Turn<'_>, connection: &Connection, object: ObjectKind) {
    let mut known = turn.engine.schemas.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    known.remove(&(connection.clone(), object));
}

/// A schema as it was within the last minutes.
pub(in crate::engine) async fn schema(
    turn: &mut Turn<'_>,
    connection: &Connection,
    object: ObjectKind,
) -> Result<Option<Arc<ObjectSchema>>, Stop> {
    let key = (connection.clone(), object);
    let now = turn.engine.clock.steady();
    {
        let known = turn.engine.schemas.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known.get(&key).filter(|known| now.saturating_sub(known.at) < FRESH) {
            return Ok(known.schema.clone());
        }
    }
    turn.admit(connection).await?;
    let read = vendors::schema(&turn.engine.clients, connection, object, &mut turn.log).await;
    turn.learn(None);
    let schema = match read {
        Ok(schema) => Some(Arc::new(schema)),
        Err(error)
            if matches!(error.class, ErrorClass::Permission | ErrorClass::NotFound | ErrorClass::Unknown) =>
        {
            None
        }
        Err(error) => return Err(failed(error)),
    };
    let mut known = turn.engine.schemas.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    known.insert(key, Known { schema: schema.clone(), at: now });
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::schema::OptionValue;

    fn schema() -> ObjectSchema {
        let option = |value: &str, label: &str| OptionValue {
            value: value.into(),
            label: label.into(),
            retired: false,
        };
        ObjectSchema {
            connection: Connection::only(System::Hubspot),
            object: ObjectKind::Contact,
            creatable: true,
            updatable: true,
            fields: vec![FieldSchema {
                name: "lifecyclestage".into(),
                label: "Lifecycle Stage".into(),
                kind: FieldKind::Option,
                vendor_kind: "enumeration".into(),
                options: vec![
                    option("marketingqualifiedlead", "Marketing Qualified Lead"),
                    option("lead", "Lead"),
                ],
                writable: true,
                required: false,
                unique: false,
                longest: None,
            }],
        }
    }

    fn translated(value: &str) -> Result<Value, VendorError> {
        let mut fields =
            json!({"lifecyclestage": value, "city": value}).as_object().expect("an object").clone();
        translate(&mut fields, &schema())?;
        assert_eq!(fields["city"], json!(value), "no list");
        Ok(fields["lifecyclestage"].clone())
    }

    #[test]
    fn a_label_becomes_what_is_written_and_what_is_written_stays() {
        assert_eq!(translated("Marketing Qualified Lead").ok(), Some(json!("marketingqualifiedlead")));
        assert_eq!(translated("lead").ok(), Some(json!("lead")));
        assert_eq!(translated("").ok(), Some(json!("")));
    }

    #[test]
    fn a_value_the_list_does_not_have_is_refused_with_what_it_takes() {
        let error = translated("Hot").expect_err("no option");
        assert_eq!(error.class, ErrorClass::NotAllowedValue);
        assert!(
            error.words.contains("marketingqualifiedlead, lead") && error.words.contains("nothing was sent")
        );
    }
}
