//! Insert, update, upsert and delete: the four writes behind every way into the org (rows, collections,
//! composite, bulk, SOAP). All obey the same rules and leave the same traces.

use serde_json::{Map, Value, json};

use super::rows::{Change, Row};
use super::schema::{self, ObjectType, object};
use super::{Org, ids};
use crate::sandbox::desk::Who;

/// How a write is meant.
#[derive(Clone, Debug)]
pub(super) struct WriteOptions {
    /// Save although an alerting duplicate rule objects.
    pub(super) allow_save: bool,
    /// Show the duplicates found with all their fields.
    pub(super) include_record_details: bool,
    /// An upsert must not create.
    pub(super) update_only: bool,
    pub(super) who: Who,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { allow_save: false, include_record_details: false, update_only: false, who: Who::Api }
    }
}

/// Why a row was not written. `status` is what REST answers for a single row.
#[derive(Clone, Debug)]
pub(super) struct RowError {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) fields: Vec<String>,
    pub(super) status: u16,
    /// What only some refusals carry: `duplicateResult`, or the list of addresses of a 300.
    pub(super) detail: Option<Box<Value>>,
}

impl RowError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), status: 400, detail: None }
    }

    pub(super) fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn not_found() -> Self {
        Self::new("NOT_FOUND", "The requested resource does not exist").status(404)
    }

    pub(super) fn deleted() -> Self {
        Self::new("ENTITY_IS_DELETED", "entity is deleted").status(404)
    }
}

/// What an upsert did.
#[derive(Clone, Debug)]
pub(super) struct Upserted {
    pub(super) id: String,
    pub(super) created: bool,
}

/// An object type that takes writes.
fn writable(name: &str) -> Result<&'static ObjectType, RowError> {
    let unknown = || RowError::not_found();
    let kind = object(name).ok_or_else(unknown)?;
    if kind.writable {
        return Ok(kind);
    }
    let message = format!("entity type {name} does not support this operation");
    Err(RowError::new("INVALID_TYPE_FOR_OPERATION", message))
}

impl Org {
    /// All live rows of an object.
    pub(in crate::sandbox) fn all_live(&self, object: &str) -> impl Iterator<Item = &super::rows::Row> {
        self.rows(object).filter(|row| !row.deleted)
    }

    /// Creates a row and returns its id.
    pub(super) fn insert(
        &mut self,
        object: &str,
        fields: &Map<String, Value>,
        options: &WriteOptions,
    ) -> Result<String, RowError> {
        let kind = writable(object)?;
        self.check_lock("", fields)?;
        let mut values = self.validated(kind, None, fields)?;
        values.retain(|_, value| !value.is_null());
        self.check_unique(kind, None, &values)?;
        self.check_duplicates(kind, None, &values, options)?;
        self.add_defaults(kind, &mut values, options.who);
        let now = self.now();
        let id = self.put(kind.name, values, now, options.who);
        let detail = self.created_detail(kind.name, &id);
        self.note(Change { object: kind.name, kind: "create", id: id.clone(), who: options.who, detail });
        self.keep_derived(kind.name, &id);
        Ok(id)
    }

    /// Changes a row.
    pub(super) fn update(
        &mut self,
        object: &str,
        id: &str,
        fields: &Map<String, Value>,
        options: &WriteOptions,
    ) -> Result<(), RowError> {
        let kind = writable(object)?;
        let row = self.row_for_write(kind, id)?;
        let (id, former) = (row.id.clone(), row.fields.clone());
        if row.flag("IsConverted") {
            return Err(RowError::new("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
        }
        self.check_lock(&id, fields)?;
        let values = self.validated(kind, Some(&id), fields)?;
        self.check_unique(kind, Some(&id), &values)?;
        let mut changed: Vec<&String> = Vec::new();
        for (name, value) in &values {
            if former.get(name).unwrap_or(&Value::Null) != value {
                changed.push(name);
            }
        }
        let mut after = former.clone();
        for (name, value) in &values {
            if value.is_null() {
                after.shift_remove(name);
            } else {
                after.insert(name.clone(), value.clone());
            }
        }
        if changed.iter().any(|name| super::duplicates::matters(kind, name)) {
            self.check_duplicates(kind, Some(&id), &after, options)?;
        }
        let detail = json!({"fields": changed});
        // An update that changes no value moves the stamps all the same.
        let what = if changed.is_empty() { "unchanged" } else { "update" };
        let now = self.now();
        if let Some(mut row) = self.row_mut(kind.name, &id) {
            row.fields = after;
            row.modified = now;
            row.system_modstamp = now;
            row.modified_by = options.who;
        }
        self.note(Change { object: kind.name, kind: what, id: id.clone(), who: options.who, detail });
        self.keep_derived(kind.name, &id);
        Ok(())
    }

    /// Updates the row with that value of an external id field (or of `Id`), or creates it.
    pub(super) fn upsert(
        &mut self,
        object: &str,
        external_field: &str,
        external_value: &str,
        fields: &Map<String, Value>,
        options: &WriteOptions,
    ) -> Result<Upserted, RowError> {
        let kind = writable(object)?;
        let field = kind.field(external_field).filter(|field| field.external_id || field.name == "Id");
        let Some(field) = field else {
            let message =
                format!("Provided external ID field does not exist or is not accessible: {external_field}");
            return Err(RowError::new("NOT_FOUND", message).status(404));
        };
        let mut fields = fields.clone();
        fields.retain(|name, _| !name.eq_ignore_ascii_case(field.name));
        // A converted lead still holds its external id: the upsert finds it and is refused by `update`.
        let matches: Vec<String> =
            self.live(kind.name, field.name, external_value).iter().map(|row| row.id.clone()).collect();
        match matches.as_slice() {
            [id] => {
                self.update(kind.name, id, &fields, options)?;
                Ok(Upserted { id: id.clone(), created: false })
            }
            [] if options.update_only => Err(RowError::not_found()),
            [] if field.name == "Id" => Err(if self.row(kind.name, external_value).is_some() {
                RowError::deleted()
            } else {
                RowError::not_found()
            }),
            [] => {
                fields.insert(field.name.to_owned(), json!(external_value));
                let id = self.insert(kind.name, &fields, options)?;
                Ok(Upserted { id, created: true })
            }
            several => {
                let addresses: Vec<String> = several.iter().map(|id| self.address(kind.name, id)).collect();
                let message = format!("{}: more than one record found for external id field", field.name);
                let mut refusal = RowError::new("DUPLICATE_EXTERNAL_ID", message).status(300);
                refusal.detail = Some(Box::new(json!(addresses)));
                Err(refusal)
            }
        }
    }

    /// Puts a row into the recycle bin.
    pub(super) fn remove(&mut self, object: &str, id: &str, who: Who) -> Result<(), RowError> {
        let kind = writable(object)?;
        let row = self.row_for_write(kind, id)?;
        let (id, direct) = (row.id.clone(), row.flag("IsDirect"));
        if direct {
            let message = "the relationship between a contact and its own account cannot be deleted";
            return Err(RowError::new("INSUFFICIENT_ACCESS_OR_READONLY", message));
        }
        self.check_lock(&id, &Map::new())?;
        self.bin(kind.name, &id, None, who);
        Ok(())
    }

    /// Moves a row to the bin with what cannot stand without it; `master` is the survivor of a merge.
    pub(super) fn bin(&mut self, object: &'static str, id: &str, master: Option<&str>, who: Who) {
        let now = self.now();
        let Some(mut row) = self.row_mut(object, id) else { return };
        row.deleted = true;
        row.master = master.map(str::to_owned);
        row.modified = now;
        row.system_modstamp = now;
        row.modified_by = who;
        let id = row.id.clone();
        drop(row);
        let detail = json!({"master": master});
        self.note(Change { object, kind: "delete", id: id.clone(), who, detail });
        let children: &[(&'static str, &'static str)] = match object {
            "Account" => &[
                ("Contact", "AccountId"),
                ("Opportunity", "AccountId"),
                ("AccountContactRelation", "AccountId"),
            ],
            "Contact" => &[("AccountContactRelation", "ContactId")],
            _ => &[],
        };
        for (child, field) in children {
            let going: Vec<String> = self.live(child, field, &id).iter().map(|row| row.id.clone()).collect();
            for gone in going {
                self.bin(child, &gone, None, who);
            }
        }
    }

    /// Takes a row out of the bin, with what went there because of it. What a merge moved elsewhere stays there.
    pub(super) fn unbin(&mut self, kind: &'static ObjectType, id: &str, who: Who) -> Result<(), RowError> {
        let Some(row) = self.row(kind.name, id) else { return Err(RowError::not_found()) };
        if !row.deleted {
            let message = "entity is not in the recycle bin";
            return Err(RowError::new("UNDELETE_FAILED", message));
        }
        let (id, binned) = (row.id.clone(), row.modified);
        self.taken_again(kind, &id)?;
        let now = self.now();
        if let Some(mut row) = self.row_mut(kind.name, &id) {
            row.deleted = false;
            row.master = None;
            row.modified = now;
            row.system_modstamp = now;
            row.modified_by = who;
        }
        self.note(Change { object: kind.name, kind: "undelete", id: id.clone(), who, detail: json!({}) });
        self.keep_derived(kind.name, &id);
        let children: &[(&'static str, &'static str)] = match kind.name {
            "Account" => &[("Contact", "AccountId"), ("Opportunity", "AccountId")],
            _ => &[],
        };
        for (child, field) in children {
            let gone: Vec<String> = self
                .rows(child)
                .filter(|row| row.deleted && row.master.is_none() && row.modified == binned)
                .filter(|row| row.text(field).and_then(ids::long).as_deref() == Some(id.as_str()))
                .map(|row| row.id.clone())
                .collect();
            let Some(kind) = schema::object(child) else { continue };
            for back in gone {
                self.unbin(kind, &back, who)?;
            }
        }
        Ok(())
    }

    /// Refuses a row of the bin whose unique value somebody else has by now.
    fn taken_again(&self, kind: &ObjectType, id: &str) -> Result<(), RowError> {
        let Some(row) = self.row(kind.name, id) else { return Ok(()) };
        for field in kind.fields.iter().filter(|field| field.unique) {
            let Some(value) = row.text(field.name).filter(|value| !value.is_empty()) else { continue };
            let has = |other: &&Row| !other.deleted && other.text(field.name) == Some(value);
            if let Some(other) = self.rows(kind.name).find(has) {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name, other.id
                );
                return Err(RowError::new("DUPLICATE_VALUE", message).on(field.name));
            }
        }
        Ok(())
    }

    /// The live row behind an id a client gave, or the refusal in the vendor's words.
    pub(super) fn row_for_write(&self, kind: &ObjectType, id: &str) -> Result<&super::rows::Row, RowError> {
        if !ids::well_formed(id) {
            return Err(RowError::new("MALFORMED_ID", format!("malformed id {id}")));
        }
        if !id.starts_with(kind.prefix) {
            let message = format!("{} ID: id value of incorrect type: {id}", kind.label);
            return Err(RowError::new("MALFORMED_ID", message).on("Id"));
        }
        match self.row(kind.name, id) {
            None => Err(RowError::not_found()),
            Some(row) if row.deleted => Err(RowError::deleted()),
            Some(row) => Ok(row),
        }
    }
}
