//! The table of Intercom's operations, by area. Builds requests only; the paths and bodies are in `calls`.
//!
//! Not in it: tickets, messages, jobs and exports, which nothing here needs, and webhook topics, which Intercom's API
//! cannot subscribe.

use serde_json::{Map, Value};

use crate::domain::error_class::ErrorClass;

use super::super::error::VendorError;
use super::super::operation::{Arguments, Operation, Parameter, ParameterKind, optional, required};
use super::calls::Paging;
use super::calls::contacts::Sort;

mod companies;
mod contacts;
mod conversations;
mod workspace;

const AREAS: [&[Operation]; 4] = [contacts::TABLE, companies::TABLE, conversations::TABLE, workspace::TABLE];

/// Every operation, by area.
pub(crate) const TABLE: &[Operation] = &joined();

const fn joined() -> [Operation; COUNT] {
    let mut all = [contacts::TABLE[0]; COUNT];
    let (mut area, mut place) = (0, 0);
    while area < AREAS.len() {
        let mut row = 0;
        while row < AREAS[area].len() {
            all[place] = AREAS[area][row];
            row += 1;
            place += 1;
        }
        area += 1;
    }
    all
}

const COUNT: usize =
    contacts::TABLE.len() + companies::TABLE.len() + conversations::TABLE.len() + workspace::TABLE.len();

const CONTACT: Parameter = required("contact_id", ParameterKind::Text, "Intercom's id of the contact");
const COMPANY: Parameter = required("company_id", ParameterKind::Text, "Intercom's id of the company");
const CONVERSATION: Parameter = required("conversation_id", ParameterKind::Text, "the conversation's id");
const ADMIN: Parameter = required("admin_id", ParameterKind::Text, "the admin who does it");
const TAG: Parameter = required("tag_id", ParameterKind::Text, "the tag's id");
const BODY: Parameter = required("body", ParameterKind::Text, "the text");
const PAGE: Parameter = optional("page", ParameterKind::Number, "which page, from 1");
const PER_PAGE: Parameter = optional("per_page", ParameterKind::Number, "how many in a page");
const AFTER: Parameter = optional("starting_after", ParameterKind::Text, "the cursor of the page before");
const QUERY: Parameter =
    required("query", ParameterKind::Json, "one filter (field, operator, value) or AND/OR and a list");
const SORT_FIELD: Parameter = optional("sort_field", ParameterKind::Text, "what the rows are ordered by");
const SORT_ORDER: Parameter = optional("sort_order", ParameterKind::Text, "ascending or descending");
const ASCENDING: Parameter = optional("ascending", ParameterKind::Flag, "oldest first");
const HISTORY: Parameter =
    optional("include_merge_history", ParameterKind::Flag, "with what was merged in; from 2.16 on");
const ARCHIVED: Parameter = optional("include_archived", ParameterKind::Flag, "archived ones too");

fn paging(given: &Arguments) -> Paging {
    Paging { per_page: given.number("per_page"), starting_after: given.given("starting_after") }
}

fn sort(given: &Arguments) -> Result<Option<Sort>, VendorError> {
    let ascending = match given.given("sort_order").as_deref() {
        None | Some("ascending") => true,
        Some("descending") => false,
        Some(other) => {
            return Err(refused(&format!("sort_order is ascending or descending, not \"{other}\"")));
        }
    };
    Ok(given.given("sort_field").map(|field| Sort { field, ascending }))
}

/// A JSON argument that must be an object.
fn object(given: &Arguments, name: &str) -> Result<Map<String, Value>, VendorError> {
    match given.json(name) {
        Some(Value::Object(object)) => Ok(object.clone()),
        _ => Err(refused(&format!("\"{name}\" is a JSON object"))),
    }
}

/// A JSON argument that must be a list of texts; empty when not given.
fn texts(given: &Arguments, name: &str) -> Result<Vec<String>, VendorError> {
    let Some(value) = given.json(name) else { return Ok(Vec::new()) };
    value
        .as_array()
        .and_then(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect())
        .ok_or_else(|| refused(&format!("\"{name}\" is a list of texts")))
}

fn refused(why: &str) -> VendorError {
    VendorError::new(ErrorClass::Validation, &format!("{why}; nothing was sent."))
}

#[cfg(test)]
mod tests;
