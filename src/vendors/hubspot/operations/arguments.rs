//! What HubSpot's operations take, and how their arguments become what builders take. Checks only shapes.

use serde_json::Value;

use crate::domain::record::ObjectKind;
use crate::vendors::error::VendorError;
use crate::vendors::hubspot::calls::objects::Wish;
use crate::vendors::hubspot::calls::{self, associations, refused, schema};
use crate::vendors::operation::ParameterKind::{Flag, Json, List, Number, Text};
use crate::vendors::operation::{Arguments, Parameter, optional, required};
use crate::vendors::request::Request;
use crate::vendors::settings::Settings;

pub(super) const OBJECT: Parameter =
    required("objectType", Text, "contacts, companies, deals, tickets, tasks or notes");
pub(super) const ID: Parameter = required("objectId", Text, "the record's id, or a value of idProperty");
pub(super) const BY: Parameter =
    optional("idProperty", Text, "a property with unique values to find the record by");
pub(super) const PROPERTIES: Parameter =
    optional("properties", List, "names of properties to read, with commas between");
pub(super) const HISTORY: Parameter =
    optional("propertiesWithHistory", List, "properties to read with their former values");
pub(super) const RELATED: Parameter =
    optional("associations", List, "object types whose related ids come along");
pub(super) const ARCHIVED: Parameter = optional("archived", Flag, "archived records instead of the living");
pub(super) const LIMIT: Parameter = optional("limit", Number, "rows in a page");
pub(super) const AFTER: Parameter = optional("after", Text, "the cursor a page before it gave");
pub(super) const VALUES: Parameter =
    required("properties", Json, "an object of property names and values; null clears");
pub(super) const ROWS: Parameter = required("inputs", Json, "a list of rows as HubSpot writes them");
pub(super) const PRIMARY: Parameter =
    optional("primary", Flag, "true when the primary company is meant to change");
pub(super) const FROM: Parameter = required("fromObjectType", Text, "the object type it leads from");
pub(super) const TO: Parameter = required("toObjectType", Text, "the object type it leads to");
pub(super) const TO_ID: Parameter = required("toObjectId", Text, "the id of the record it leads to");
pub(super) const TYPES: Parameter =
    required("types", Json, "a list of {associationCategory, associationTypeId}");
pub(super) const PROPERTY: Parameter = required("propertyName", Text, "the property's internal name");
pub(super) const GROUP: Parameter = required("groupName", Text, "the group's internal name");
pub(super) const PIPELINE: Parameter = required("pipelineId", Text, "the pipeline's id");
pub(super) const DEFINITION: Parameter =
    required("definition", Json, "name, label, type, fieldType, groupName, options ...");
pub(super) const EMAIL: Parameter = required("email", Text, "the person's e-mail");

pub(super) fn kind(arguments: &Arguments) -> Result<ObjectKind, VendorError> {
    calls::kind(&arguments.text("objectType"))
}

pub(super) fn kinds(arguments: &Arguments) -> Result<(ObjectKind, ObjectKind), VendorError> {
    Ok((calls::kind(&arguments.text("fromObjectType"))?, calls::kind(&arguments.text("toObjectType"))?))
}

pub(super) fn wish(arguments: &Arguments) -> Wish {
    Wish {
        properties: arguments.text("properties"),
        history: arguments.text("propertiesWithHistory"),
        associations: arguments.text("associations"),
        archived: arguments.flag("archived"),
    }
}

pub(super) fn values(arguments: &Arguments) -> Result<Value, VendorError> {
    let Some(Value::Object(values)) = arguments.json("properties") else {
        return Err(refused("properties must be an object of names and values"));
    };
    Ok(calls::texts(values))
}

pub(super) fn rows(arguments: &Arguments) -> Result<&[Value], VendorError> {
    match arguments.json("inputs") {
        Some(Value::Array(rows)) => Ok(rows),
        _ => Err(refused("inputs must be a list")),
    }
}

pub(super) fn limit(arguments: &Arguments) -> Result<Option<usize>, VendorError> {
    let wrong = |_| refused("limit must be a positive number");
    arguments.number("limit").map(usize::try_from).transpose().map_err(wrong)
}

pub(super) fn words(arguments: &Arguments, name: &str) -> Vec<String> {
    let text = arguments.text(name);
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Runs a builder on the two records an association joins.
pub(super) fn between<T>(
    arguments: &Arguments,
    build: impl FnOnce(&associations::Ends<'_>) -> Result<T, VendorError>,
) -> Result<T, VendorError> {
    let (id, to_id) = (arguments.text("objectId"), arguments.text("toObjectId"));
    let to = calls::kind(&arguments.text("toObjectType"))?;
    build(&associations::Ends { from: (kind(arguments)?, &id), to: (to, &to_id) })
}

pub(super) fn associations_batch(
    settings: &Settings,
    arguments: &Arguments,
    verb: associations::Verb,
) -> Result<Request, VendorError> {
    let (from, to) = kinds(arguments)?;
    associations::batch(settings, from, to, verb, rows(arguments)?, arguments.flag("primary"))
}

pub(super) fn property_batch(
    settings: &Settings,
    arguments: &Arguments,
    verb: &str,
) -> Result<Request, VendorError> {
    schema::property_batch(settings, kind(arguments)?, verb, arguments.json("inputs").unwrap_or(&Value::Null))
}
