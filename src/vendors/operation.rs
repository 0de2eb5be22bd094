//! Every call of a vendor's API that Reknit knows, by name: one table per vendor, from which the commands, their
//! previews and the contract tests are made.
//!
//! A row only builds a request from named arguments: pure, without host or token. What the engine does by itself
//! uses the same builders. Nothing here decides whether a call should be made.

use serde_json::{Map, Value};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Call;
use crate::domain::record::{Connection, System, value_text};

use super::error::VendorError;
use super::http::{Clients, Log};
use super::request::Request;
use super::settings::Settings;
use super::{hubspot, intercom, salesforce};

/// A call we know how to make.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// `area.verb`, in the vendor's own words for the area: `contacts.search`, `sobjects.upsert`.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub about: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    pub(crate) build: fn(&Settings, &Arguments) -> Result<Request, VendorError>,
}

/// One argument of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name; the vendor's, where it stands in a path or query.
    pub name: &'static str,
    /// What may be given.
    pub kind: ParameterKind,
    /// The call makes no sense without it.
    pub required: bool,
    /// What it is, in a phrase.
    pub about: &'static str,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A text; numbers are taken as their digits.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// Any JSON, mostly an object: the body or a part of it.
    Json,
    /// Names or ids with commas between, or a JSON list of them.
    List,
    /// A table: CSV as it is uploaded, or a JSON list of flat objects.
    Rows,
}

/// An argument an operation cannot do without.
pub const fn required(name: &'static str, kind: ParameterKind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: true, about }
}

/// An argument that may be left out.
pub const fn optional(name: &'static str, kind: ParameterKind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: false, about }
}

/// The arguments of one call, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// The arguments as given, checked against the operation: none unknown, none missing or empty, each of its kind.
    pub fn new(operation: &Operation, mut given: Map<String, Value>) -> Result<Self, VendorError> {
        for (name, value) in &mut given {
            let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.name == name) else {
                let known: Vec<&str> = operation.parameters.iter().map(|parameter| parameter.name).collect();
                return Err(refused(&format!(
                    "{} takes no \"{name}\"; it takes: {}.",
                    operation.name,
                    known.join(", ")
                )));
            };
            if let (ParameterKind::List, Value::Array(items)) = (parameter.kind, &*value)
                && items.iter().all(|item| item.is_string() || item.is_number())
            {
                *value = items.iter().map(value_text).collect::<Vec<_>>().join(",").into();
            }
            let fits = match parameter.kind {
                ParameterKind::Text | ParameterKind::List => value.is_string() || value.is_number(),
                ParameterKind::Number => value.as_i64().is_some(),
                ParameterKind::Flag => value.is_boolean(),
                ParameterKind::Json => true,
                ParameterKind::Rows => value.is_string() || value.is_array(),
            };
            if !fits {
                let wanted = match parameter.kind {
                    ParameterKind::Text => "a text",
                    ParameterKind::Number => "a whole number",
                    ParameterKind::Flag => "true or false",
                    ParameterKind::Json => "JSON",
                    ParameterKind::List => "texts with commas between, or a list of texts",
                    ParameterKind::Rows => "CSV, or a list of flat objects",
                };
                return Err(refused(&format!("{}: \"{name}\" must be {wanted}.", operation.name)));
            }
            // An empty id would shorten the path to that of the whole list.
            if parameter.required && value.as_str().is_some_and(|text| text.trim().is_empty()) {
                return Err(refused(&format!(
                    "{name} is empty; {} needs it: {}.",
                    operation.name, parameter.about
                )));
            }
        }
        match operation.parameters.iter().find(|it| it.required && !given.contains_key(it.name)) {
            Some(missing) => {
                Err(refused(&format!("{} needs \"{}\": {}.", operation.name, missing.name, missing.about)))
            }
            None => Ok(Self(given)),
        }
    }

    /// A text; empty when not given.
    pub(crate) fn text(&self, name: &str) -> String {
        self.0.get(name).map(value_text).unwrap_or_default()
    }

    /// A text, when given and not empty.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        self.0.get(name).map(value_text).filter(|text| !text.is_empty())
    }

    /// A whole number, when given.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// A flag; false when not given.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Any JSON, when given.
    pub(crate) fn json(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

fn refused(words: &str) -> VendorError {
    VendorError::new(ErrorClass::Validation, words)
}

/// The table of a system.
pub fn operations(system: System) -> &'static [Operation] {
    match system {
        System::Intercom => intercom::operations::TABLE,
        System::Hubspot => hubspot::operations::TABLE,
        System::Salesforce => salesforce::operations::TABLE,
    }
}

/// The operation of that name.
pub fn find(system: System, name: &str) -> Option<&'static Operation> {
    operations(system).iter().find(|operation| operation.name == name)
}

impl Operation {
    /// The exact call, without secrets.
    pub fn preview(
        &self,
        settings: &Settings,
        system: System,
        arguments: &Arguments,
    ) -> Result<Call, VendorError> {
        let base = match system {
            System::Intercom => &settings.intercom.base_url,
            System::Hubspot => &settings.hubspot.base_url,
            System::Salesforce => &settings.salesforce.instance_url,
        };
        Ok((self.build)(settings, arguments)?.call(base))
    }

    /// Whether it would change something at the vendor.
    pub fn writes(&self, settings: &Settings, arguments: &Arguments) -> Result<bool, VendorError> {
        Ok((self.build)(settings, arguments)?.manner.writes())
    }
}

/// Makes the call once and returns the vendor's answer as it came; text answers as one JSON string.
pub async fn run(
    clients: &Clients,
    connection: &Connection,
    operation: &Operation,
    arguments: &Arguments,
    log: &mut Log,
) -> Result<Value, VendorError> {
    let request = (operation.build)(clients.settings(), arguments)?;
    let purpose =
        if request.purpose.is_empty() { operation.name.to_owned() } else { request.purpose.clone() };
    clients.send(connection, &request.purpose(purpose), log).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_operation_takes_an_empty_text_that_it_needs() {
        let mut tried = 0;
        for system in System::ALL {
            for operation in operations(*system) {
                for emptied in operation.parameters.iter().filter(|it| it.required) {
                    if matches!(
                        emptied.kind,
                        ParameterKind::Json | ParameterKind::Number | ParameterKind::Flag
                    ) {
                        continue;
                    }
                    for nothing in ["", " \t\n"] {
                        let given = operation.parameters.iter().filter(|it| it.required).map(|it| {
                            let value = match it.kind {
                                _ if it.name == emptied.name => json!(nothing),
                                ParameterKind::Number => json!(1),
                                ParameterKind::Flag => json!(true),
                                ParameterKind::Json => json!({}),
                                _ => json!("x"),
                            };
                            (it.name.to_owned(), value)
                        });
                        let error = Arguments::new(operation, given.collect()).expect_err(operation.name);
                        assert_eq!(error.class, ErrorClass::Validation);
                        let words = format!("{} is empty", emptied.name);
                        assert!(error.words.starts_with(&words), "{}: {error}", operation.name);
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 200, "{tried}");
    }

    #[test]
    fn a_list_is_given_with_commas_or_as_json() {
        let operation = find(System::Salesforce, "collections.delete").expect("known");
        let given = |ids: Value| Arguments::new(operation, [("ids".to_owned(), ids)].into_iter().collect());
        assert_eq!(given(json!(["00Q1", 2])).expect("a list").text("ids"), "00Q1,2");
        assert_eq!(given(json!("00Q1, 00Q2")).expect("a text").text("ids"), "00Q1, 00Q2");
        for wrong in [json!([]), json!([{"id": "00Q1"}]), json!([["00Q1"]]), json!(true)] {
            assert!(given(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
