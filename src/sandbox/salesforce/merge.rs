//! Merging rows of one type, one transaction each: children move to the survivor, losers go to the bin with
//! its id. Values of the losers are lost unless the request writes them into the survivor.

use serde_json::{Map, Value, json};

use super::rows::Change;
use super::schema::{self, ObjectType};
use super::verbs::{RowError, WriteOptions};
use super::{Org, ids};
use crate::sandbox::desk::Who;

/// What may be merged at all.
const MERGEABLE: [&str; 3] = ["Lead", "Contact", "Account"];
const RELATION: &str = "AccountContactRelation";
/// Losers per request.
const MOST_LOSERS: usize = 2;

/// One merge as asked for.
pub(super) struct MergeRequest {
    pub(super) object: String,
    pub(super) master: String,
    /// Written into the survivor; null clears.
    pub(super) values: Map<String, Value>,
    pub(super) losers: Vec<String>,
}

/// What a merge did.
pub(super) struct Merged {
    pub(super) id: String,
    pub(super) losers: Vec<String>,
    /// Children that moved to the survivor.
    pub(super) moved: Vec<String>,
}

impl Org {
    /// Merges, or changes nothing.
    pub(super) fn merge(&mut self, request: &MergeRequest, who: Who) -> Result<Merged, RowError> {
        self.begin();
        let result = self.merge_in_transaction(request, who);
        if result.is_ok() {
            self.commit();
        } else {
            self.roll_back();
        }
        result
    }

    fn merge_in_transaction(&mut self, request: &MergeRequest, who: Who) -> Result<Merged, RowError> {
        let kind = schema::object(&request.object).filter(|kind| MERGEABLE.contains(&kind.name));
        let Some(kind) = kind else {
            let message = format!("entity type {} does not support merge", request.object);
            return Err(RowError::new("INVALID_TYPE_FOR_OPERATION", message));
        };
        if request.losers.is_empty() {
            let message = "recordToMergeIds must name at least one record";
            return Err(RowError::new("REQUIRED_FIELD_MISSING", message).on("recordToMergeIds"));
        }
        if request.losers.len() > MOST_LOSERS {
            let message = format!("cannot merge more than {} records", MOST_LOSERS + 1);
            return Err(RowError::new("LIMIT_EXCEEDED", message).on("recordToMergeIds"));
        }
        let master = self.mergeable(kind, &request.master)?;
        let mut losers = Vec::new();
        for loser in &request.losers {
            let loser = self.mergeable(kind, loser)?;
            if loser == master || losers.contains(&loser) {
                let message = "the same record cannot take part in a merge twice";
                return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", message).on("recordToMergeIds"));
            }
            losers.push(loser);
        }
        let mut moved = Vec::new();
        for loser in &losers {
            self.move_children(kind, loser, &master, who, &mut moved);
        }
        // Relations that had become doubles are gone again.
        moved.retain(|id| {
            schema::of_id(id).and_then(|kind| self.row(kind.name, id)).is_some_and(|row| !row.deleted)
        });
        // The losers go first, so that the survivor can take over a value that must be unique.
        for loser in &losers {
            self.bin(kind.name, loser, Some(&master), who);
        }
        let options = WriteOptions { allow_save: true, who, ..WriteOptions::default() };
        self.update(kind.name, &master, &request.values, &options)?;
        let detail = json!({"losers": losers});
        self.note(Change { object: kind.name, kind: "merge", id: master.clone(), who, detail });
        Ok(Merged { id: master, losers, moved })
    }

    /// The long id of a row that can take part.
    fn mergeable(&self, kind: &ObjectType, id: &str) -> Result<String, RowError> {
        let row = self.row_for_write(kind, id)?;
        if row.flag("IsConverted") {
            return Err(RowError::new("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
        }
        let id = row.id.clone();
        self.check_lock(&id, &Map::new())?;
        Ok(id)
    }

    /// Points every live row that refers to one row at another one.
    pub(super) fn move_children(
        &mut self,
        kind: &ObjectType,
        from: &str,
        to: &str,
        who: Who,
        moved: &mut Vec<String>,
    ) {
        for child in schema::all() {
            for field in child.fields.iter().filter(|field| field.reference_to.contains(&kind.name)) {
                let going: Vec<String> =
                    self.live(child.name, field.name, from).iter().map(|row| row.id.clone()).collect();
                for id in going {
                    // A row that points at itself through the loser would stand above itself.
                    let value = (id != to).then(|| json!(to));
                    self.repoint(child, &id, field.name, value, who);
                    moved.push(id);
                }
            }
        }
        self.tidy_relations(kind, to, who);
    }

    /// Writes one reference past the rules, as the vendor does: converted leads and kept fields follow too.
    pub(super) fn repoint(
        &mut self,
        kind: &'static ObjectType,
        id: &str,
        field: &str,
        value: Option<Value>,
        who: Who,
    ) {
        let now = self.now();
        let Some(mut row) = self.row_mut(kind.name, id) else { return };
        match value {
            Some(value) => row.fields.insert(field.to_owned(), value),
            None => row.fields.shift_remove(field),
        };
        row.system_modstamp = now;
        drop(row);
        let detail = json!({"field": field});
        self.note(Change { object: kind.name, kind: "reparent", id: id.to_owned(), who, detail });
    }

    /// After a move: one relation per account and contact, and only that to the contact's own account direct.
    fn tidy_relations(&mut self, kind: &ObjectType, id: &str, who: Who) {
        let field = match kind.name {
            "Account" => "AccountId",
            "Contact" => "ContactId",
            _ => return,
        };
        let relations: Vec<(String, String, String)> = self
            .live(RELATION, field, id)
            .iter()
            .filter_map(|row| {
                Some((row.id.clone(), row.text("AccountId")?.to_owned(), row.text("ContactId")?.to_owned()))
            })
            .collect();
        let mut kept: Vec<(&str, &str)> = Vec::new();
        for (id, account, contact) in &relations {
            if kept.contains(&(account, contact)) {
                self.bin(RELATION, id, None, who);
                continue;
            }
            kept.push((account, contact));
            let own = self.row("Contact", contact).and_then(|row| row.text("AccountId"));
            let direct = own.and_then(ids::long).as_deref() == Some(account);
            if let Some(mut row) = self.row_mut(RELATION, id)
                && row.flag("IsDirect") != direct
            {
                if direct {
                    row.fields.insert("IsDirect".to_owned(), json!(true));
                } else {
                    row.fields.shift_remove("IsDirect");
                }
            }
        }
    }
}
