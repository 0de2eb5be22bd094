//! Records: one, a page, a batch of a hundred, a search, a merge, erasure. Only builds requests.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::domain::record::{ObjectKind, value_text};

use super::super::paths::{Place, ask, path};
use super::super::search::Search;
use super::{associations, delete, given, patch, plural, post, refused};
use crate::vendors::error::VendorError;
use crate::vendors::request::{Manner, Request};
use crate::vendors::settings::Settings;

/// Rows in one batch of records.
pub(crate) const BATCH: usize = 100;

/// What a read brings along; lists of names are joined by commas.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// Empty is HubSpot's own short list.
    pub(crate) properties: String,
    /// Properties with all their former values.
    pub(crate) history: String,
    /// Object types whose related ids come along.
    pub(crate) associations: String,
    /// Archived records instead of the living.
    pub(crate) archived: bool,
}

impl Wish {
    /// What Reknit reads of a kind.
    pub(crate) fn usual(settings: &Settings, object: ObjectKind) -> Self {
        let associations = if object == ObjectKind::Contact { "companies" } else { "" };
        Self {
            properties: super::properties(settings, object).join(","),
            associations: associations.to_owned(),
            ..Self::default()
        }
    }

    fn ask(&self, path: &mut String) {
        ask(path, "properties", Some(&self.properties));
        ask(path, "propertiesWithHistory", Some(&self.history));
        ask(path, "associations", Some(&self.associations));
        ask(path, "archived", self.archived.then_some("true"));
    }
}

/// One record by id, or by the value of a unique property.
pub(crate) fn get(
    settings: &Settings,
    object: ObjectKind,
    id: &str,
    by: Option<&str>,
    wish: &Wish,
) -> Result<Request, VendorError> {
    let mut path = path(settings, Place::Object, &[plural(object)?, id]);
    wish.ask(&mut path);
    ask(&mut path, "idProperty", by);
    Ok(Request::get(object, path))
}

/// One page of all records; `limit` at most 100.
pub(crate) fn list(
    settings: &Settings,
    object: ObjectKind,
    limit: usize,
    after: Option<&str>,
    wish: &Wish,
) -> Result<Request, VendorError> {
    if !(1..=BATCH).contains(&limit) {
        return Err(refused("a page of HubSpot's lists holds between 1 and 100 records"));
    }
    let name = plural(object)?;
    let mut path = path(settings, Place::Objects, &[name]);
    ask(&mut path, "limit", Some(&limit.to_string()));
    wish.ask(&mut path);
    ask(&mut path, "after", after);
    Ok(Request::get(object, path).page().purpose(format!("list {name}")))
}

/// A new record, related to others from the start if wished.
pub(crate) fn create(
    settings: &Settings,
    object: ObjectKind,
    properties: &Value,
    related: Option<&Value>,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Objects, &[plural(object)?]);
    let body = given([("properties", Some(properties.clone())), ("associations", related.cloned())]);
    Ok(post(Manner::Write, object, path, body).purpose(format!("create {object}")))
}

pub(crate) fn update(
    settings: &Settings,
    object: ObjectKind,
    id: &str,
    by: Option<&str>,
    properties: &Value,
) -> Result<Request, VendorError> {
    let mut path = path(settings, Place::Object, &[plural(object)?, id]);
    ask(&mut path, "idProperty", by);
    Ok(patch(object, path, json!({"properties": properties})).purpose(format!("update {object}")))
}

/// Into the recycle bin, where it stays for ninety days.
pub(crate) fn archive(settings: &Settings, object: ObjectKind, id: &str) -> Result<Request, VendorError> {
    let path = path(settings, Place::Object, &[plural(object)?, id]);
    Ok(delete(object, path).purpose(format!("archive {object}")))
}

/// Takes an additional e-mail off a contact: writing `hs_additional_emails` is answered well and changes nothing.
pub(crate) fn release(settings: &Settings, contact: &str, email: &str) -> Result<Request, VendorError> {
    if email.trim().is_empty() {
        return Err(refused("no e-mail is named that could be taken off the contact"));
    }
    let path = path(settings, Place::AdditionalEmail, &[contact, email]);
    Ok(delete(ObjectKind::Contact, path).purpose("free an additional e-mail"))
}

pub(crate) fn search(
    settings: &Settings,
    object: ObjectKind,
    search: &Search,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::Search, &[plural(object)?]);
    Ok(post(Manner::Page, object, path, search.body()?))
}

/// The answer may carry a new id, to which both old ones lead.
pub(crate) fn merge(
    settings: &Settings,
    object: ObjectKind,
    primary: &str,
    absorbed: &str,
) -> Result<Request, VendorError> {
    if primary == absorbed {
        return Err(refused("a record cannot be merged with itself"));
    }
    let name = plural(object)?;
    let path = path(settings, Place::Merge, &[name]);
    let body = json!({"primaryObjectId": primary, "objectIdToMerge": absorbed});
    Ok(post(Manner::SlowWrite, object, path, body).purpose(format!("merge {name}")))
}

/// Erases for good, without a recycle bin. With an e-mail HubSpot does not know, it blocks that e-mail for the future.
pub(crate) fn gdpr_delete(
    settings: &Settings,
    object: ObjectKind,
    id: &str,
    by: Option<&str>,
) -> Result<Request, VendorError> {
    let numbered = settings.hubspot.paths == crate::vendors::settings::HubspotPaths::V3v4;
    if numbered && object != ObjectKind::Contact {
        return Err(refused(
            "in HubSpot's numbered paths only contacts can be erased; vendors.hubspot.paths = \"dated\" has it for \
             every type",
        ));
    }
    let path = path(settings, Place::GdprDelete, &[plural(object)?]);
    let body = given([("objectId", Some(json!(id))), ("idProperty", by.map(|by| json!(by)))]);
    Ok(post(Manner::Write, object, path, body).purpose(format!("erase {object}")))
}

/// What a batch does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Upsert,
    Archive,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Archive => "archive",
        }
    }
}

/// Many records by id, or by the value of a unique property; `with` is a wish without associations.
pub(crate) fn batch_read(
    settings: &Settings,
    object: ObjectKind,
    ids: &[String],
    by: Option<&str>,
    with: &Wish,
) -> Result<Request, VendorError> {
    at_most_a_batch(ids.len())?;
    let names = |list: &str| -> Vec<String> {
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let name = plural(object)?;
    let mut path = path(settings, Place::ObjectBatch, &[name, "read"]);
    ask(&mut path, "archived", with.archived.then_some("true"));
    let body = given([
        ("inputs", Some(json!(inputs))),
        ("properties", Some(json!(names(&with.properties)))),
        ("propertiesWithHistory", Some(json!(names(&with.history)))),
        ("idProperty", by.map(|by| json!(by))),
    ]);
    Ok(post(Manner::Page, object, path, body).purpose(format!("read {} {name}", ids.len())))
}

fn at_most_a_batch(rows: usize) -> Result<(), VendorError> {
    match rows {
        0 => Err(refused("a batch needs at least one row")),
        1..=BATCH => Ok(()),
        _ => Err(refused(&format!("a batch at HubSpot holds at most 100 rows, and these are {rows}"))),
    }
}

/// Many rows in one call, as HubSpot writes them. Every row that writes gets an `objectWriteTraceId`, because only
/// then does one bad row fail alone; ids twice in one batch are refused, as HubSpot would.
pub(crate) fn batch(
    settings: &Settings,
    object: ObjectKind,
    verb: Verb,
    inputs: &[Value],
) -> Result<Request, VendorError> {
    at_most_a_batch(inputs.len())?;
    let mut seen = HashSet::new();
    let mut rows = Vec::with_capacity(inputs.len());
    for (place, input) in inputs.iter().enumerate() {
        let Value::Object(mut row) = input.clone() else {
            return Err(refused("every row must be an object"));
        };
        if verb != Verb::Create {
            let id = row.get("id").map(value_text).filter(|id| !id.is_empty());
            let Some(id) = id else { return Err(refused(&format!("row {place} has no id"))) };
            if !seen.insert(id.to_lowercase()) {
                return Err(refused(&format!("the id {id} stands twice in the batch")));
            }
            row.insert("id".to_owned(), json!(id));
        }
        if verb != Verb::Archive {
            let Some(Value::Object(values)) = row.get("properties") else {
                return Err(refused(&format!("row {place} has no properties")));
            };
            let values = super::texts(values);
            row.insert("properties".to_owned(), values);
            row.entry("objectWriteTraceId").or_insert_with(|| json!(place.to_string()));
        }
        let by = row.get("idProperty").map(value_text).filter(|by| !by.is_empty());
        match verb {
            // HubSpot refuses its own id as a property to find by: it is what `id` means without one.
            Verb::Update if by.as_deref() == Some("hs_object_id") => {
                row.remove("idProperty");
            }
            Verb::Upsert if matches!(by.as_deref(), None | Some("hs_object_id")) => {
                return Err(refused(&format!(
                    "row {place} names no idProperty with unique values; by record id HubSpot only updates"
                )));
            }
            _ => {}
        }
        rows.push(Value::Object(row));
    }
    let name = plural(object)?;
    let path = path(settings, Place::ObjectBatch, &[name, verb.word()]);
    let purpose = format!("{} {} {name}", verb.word(), rows.len());
    Ok(Request::new(Manner::SlowWrite, Method::POST, object, path)
        .body(json!({"inputs": rows}))
        .purpose(purpose))
}

/// Refuses rows that would be upserted by e-mail with less than everything the mapping writes: HubSpot takes no
/// partial upserts by e-mail, and has a unique property of one's own for that.
pub(crate) fn whole_by_email(inputs: &[Value], mapped: &[String]) -> Result<(), VendorError> {
    for (place, input) in inputs.iter().enumerate() {
        if input.get("idProperty").and_then(Value::as_str) != Some("email") {
            continue;
        }
        if mapped.is_empty() {
            return Err(refused(
                "HubSpot takes no partial upserts by e-mail; pass mapped= with the names of all properties that every \
                 row carries (mapped=firstname,city), or name a unique property of your own as each row's idProperty",
            ));
        }
        let lacks: Vec<&str> = mapped
            .iter()
            .filter(|name| *name != "email" && input["properties"].get(name.as_str()).is_none())
            .map(String::as_str)
            .collect();
        if !lacks.is_empty() {
            return Err(refused(&format!(
                "HubSpot takes no partial upserts by e-mail, and row {place} lacks {}",
                lacks.join(", ")
            )));
        }
    }
    Ok(())
}

/// The relations of a new record, with the guard against a primary company nobody asked for.
pub(crate) fn related(
    object: ObjectKind,
    given: Option<&Value>,
    primary: bool,
) -> Result<Option<Value>, VendorError> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(None) };
    let Some(wishes) = given.as_array() else { return Err(refused("associations must be a list")) };
    for wish in wishes {
        associations::no_silent_primary(object, None, wish.get("types").unwrap_or(&Value::Null), primary)?;
    }
    Ok(Some(given.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::settings::HubspotPaths;

    fn settings() -> Settings {
        Settings::default()
    }

    #[test]
    fn every_row_of_a_batch_can_fail_alone_and_values_are_texts() {
        let rows =
            [json!({"id": 7, "idProperty": "hs_object_id", "properties": {"seats": 3, "phone": null}})];
        let request = batch(&settings(), ObjectKind::Company, Verb::Update, &rows).expect("good");
        assert_eq!(request.path, "/crm/v3/objects/companies/batch/update");
        let sent = request.body.expect("a body");
        assert_eq!(
            sent["inputs"][0],
            json!({"id": "7", "properties": {"seats": "3", "phone": ""}, "objectWriteTraceId": "0"})
        );
    }

    #[test]
    fn batches_hubspot_would_refuse_as_a_whole_are_not_sent() {
        let row = |id: &str| json!({"id": id, "properties": {}});
        let many: Vec<Value> = (0..101).map(|n| row(&n.to_string())).collect();
        for (verb, rows, word) in [
            (Verb::Update, &many[..], "at most 100"),
            (Verb::Update, &[], "at least one"),
            (Verb::Update, &[row("A"), row("a")], "twice"),
            (Verb::Update, &[json!({"properties": {}})], "no id"),
            (Verb::Create, &[json!({})], "no properties"),
            (Verb::Upsert, &[row("1")], "idProperty"),
        ] {
            let error = batch(&settings(), ObjectKind::Contact, verb, rows).expect_err(word);
            assert!(error.words.contains(word), "{error}");
        }
    }

    #[test]
    fn an_upsert_by_email_must_hold_everything_that_is_mapped() {
        let row = json!({"idProperty": "email", "id": "a@b.co", "properties": {"city": "x"}});
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(whole_by_email(std::slice::from_ref(&row), &names(&["email", "city"])).is_ok());
        let error =
            whole_by_email(std::slice::from_ref(&row), &names(&["city", "phone"])).expect_err("partial");
        assert!(error.words.contains("lacks phone"), "{error}");
        assert!(whole_by_email(&[row], &[]).is_err());
        let unique = json!({"idProperty": "intercom_contact_id", "id": "x", "properties": {}});
        assert!(whole_by_email(&[unique], &[]).is_ok());
    }

    #[test]
    fn reads_ask_for_what_is_wished_and_nothing_else() {
        let wish = Wish { properties: "email,phone".to_owned(), archived: true, ..Wish::default() };
        let one = get(&settings(), ObjectKind::Contact, "a@b.co", Some("email"), &wish).expect("good");
        assert_eq!(
            one.path,
            "/crm/v3/objects/contacts/a%40b.co?properties=email,phone&archived=true&idProperty=email"
        );
        let page = list(&settings(), ObjectKind::Deal, 100, Some("9"), &Wish::default()).expect("good");
        assert_eq!(page.path, "/crm/v3/objects/deals?limit=100&after=9");
        assert!(list(&settings(), ObjectKind::Deal, 101, None, &Wish::default()).is_err());
    }

    #[test]
    fn erasing_other_types_needs_the_dated_paths() {
        let mut settings = settings();
        assert!(gdpr_delete(&settings, ObjectKind::Company, "1", None).is_err());
        settings.hubspot.paths = HubspotPaths::Dated;
        let request = gdpr_delete(&settings, ObjectKind::Company, "1", None).expect("good");
        assert_eq!(request.path, "/crm/objects/2026-09/companies/gdpr-delete");
        assert!(merge(&settings, ObjectKind::Contact, "1", "1").is_err());
    }
}
