//! Single rows over REST: create, read, change, delete, upsert by external id, and what was changed or
//! deleted between two moments. Routes and answers; the rules are with the verbs.

use serde_json::{Map, Value, json};

use super::rows::{Row, moment};
use super::schema::{self, Field, ObjectType};
use super::validation::read_moment;
use super::verbs::{RowError, WriteOptions};
use super::{Org, answers, ids};
use crate::sandbox::wire::{Answer, Call};

/// How far back `updated` and `deleted` look, in milliseconds.
const REPLICATION_WINDOW: i64 = 30 * 86_400_000;

fn known(name: &str) -> Result<&'static ObjectType, Answer> {
    schema::object(name).ok_or_else(answers::missing)
}

/// The object a write carries.
fn given(call: &Call) -> Result<&Map<String, Value>, Answer> {
    call.body.as_object().ok_or_else(answers::not_json)
}

/// What the headers and parameters of a write ask for.
pub(super) fn options(call: &Call, org: &Org) -> WriteOptions {
    let rules = call.header("sforce-duplicate-rule-header").unwrap_or_default();
    let asked = |name: &str| {
        rules.split([';', ',']).filter_map(|pair| pair.split_once('=')).any(|(key, value)| {
            key.trim().eq_ignore_ascii_case(name) && value.trim().eq_ignore_ascii_case("true")
        })
    };
    WriteOptions {
        allow_save: asked("allowSave"),
        include_record_details: asked("includeRecordDetails"),
        update_only: call.parameter("updateOnly").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        who: org.who,
    }
}

/// Field names a read asked for, checked against the object.
pub(super) fn wanted(kind: &ObjectType, names: Vec<String>) -> Result<Option<Vec<String>>, Answer> {
    if names.is_empty() {
        return Ok(None);
    }
    if let Some(unknown) = names.iter().find(|name| kind.field(name).is_none()) {
        let message = format!("No such column '{unknown}' on sobject of type {}", kind.name);
        return Err(answers::refused(400, "INVALID_FIELD", &message));
    }
    Ok(Some(names))
}

fn no_such_key(name: &str) -> Answer {
    let message = format!("Provided external ID field does not exist or is not accessible: {name}");
    answers::refused(404, "NOT_FOUND", &message)
}

impl Org {
    pub(super) fn route_sobjects(&mut self, call: &Call, path: &[&str]) -> Result<Answer, Answer> {
        let Some((name, rest)) = path.split_first() else { return Ok(self.describe_global()) };
        let kind = known(name)?;
        // Clients whose HTTP stack has no PATCH say so in a parameter.
        let method = match call.parameter("_HttpMethod") {
            Some(other) if call.method == "POST" => other,
            _ => call.method.as_str(),
        };
        match (method, rest) {
            ("GET", []) => Ok(self.basic_information(kind)),
            ("POST", []) => self.create_row(kind, call),
            ("GET", ["describe"]) => Ok(self.describe(kind, call)),
            ("GET", ["updated"]) => self.replicated(kind, call, false),
            ("GET", ["deleted"]) => self.replicated(kind, call, true),
            ("GET", [id]) => self.read_row(kind, id, call),
            ("PATCH", [id]) => self.change_row(kind, id, call),
            ("DELETE", [id]) => self.delete_row(kind, id, call),
            ("GET", [field, value]) => self.read_by_key(kind, field, value, call),
            ("PATCH", [field, value]) => self.upsert_row(kind, field, value, call),
            ("DELETE", [field, value]) => {
                let id = self.only_row(kind, field, value)?.id.clone();
                self.delete_row(kind, &id, call)
            }
            _ => Err(answers::wrong_method(method)),
        }
    }

    fn create_row(&mut self, kind: &ObjectType, call: &Call) -> Result<Answer, Answer> {
        let options = options(call, self);
        let id = self.insert(kind.name, given(call)?, &options).map_err(|error| answers::from_row(&error))?;
        let location = self.address(kind.name, &id);
        Ok(Answer::json(201, json!({"id": id, "success": true, "errors": []})).with("Location", location))
    }

    fn read_row(&self, kind: &ObjectType, id: &str, call: &Call) -> Result<Answer, Answer> {
        if !ids::well_formed(id) {
            return Err(no_such_key(id));
        }
        let fields = wanted(kind, call.list("fields"))?;
        let row = self.row(kind.name, id).filter(|row| !row.deleted).ok_or_else(answers::missing)?;
        Ok(Answer::ok(self.shape(row, fields.as_deref())))
    }

    fn change_row(&mut self, kind: &ObjectType, id: &str, call: &Call) -> Result<Answer, Answer> {
        if !ids::well_formed(id) {
            return Err(no_such_key(id));
        }
        let options = options(call, self);
        self.update(kind.name, id, given(call)?, &options).map_err(|error| answers::from_row(&error))?;
        Ok(Answer::empty(204))
    }

    fn delete_row(&mut self, kind: &ObjectType, id: &str, call: &Call) -> Result<Answer, Answer> {
        if !ids::well_formed(id) {
            return Err(no_such_key(id));
        }
        let who = options(call, self).who;
        self.remove(kind.name, id, who).map_err(|error| answers::from_row(&error))?;
        Ok(Answer::empty(204))
    }

    fn key_field(kind: &'static ObjectType, field: &str) -> Result<&'static Field, Answer> {
        let field_of = kind.field(field).filter(|field| field.external_id || field.name == "Id");
        field_of.ok_or_else(|| no_such_key(field))
    }

    /// The one live row with that value of an external id; several are a 300 with their addresses.
    fn only_row(&self, kind: &'static ObjectType, field: &str, value: &str) -> Result<&Row, Answer> {
        let field = Self::key_field(kind, field)?;
        let rows = self.live(kind.name, field.name, value);
        match rows.as_slice() {
            [] => Err(answers::missing()),
            [row] => Ok(row),
            several => {
                let addresses: Vec<String> =
                    several.iter().map(|row| self.address(kind.name, &row.id)).collect();
                Err(Answer::json(300, json!(addresses)))
            }
        }
    }

    fn read_by_key(
        &self,
        kind: &'static ObjectType,
        field: &str,
        value: &str,
        call: &Call,
    ) -> Result<Answer, Answer> {
        let row = self.only_row(kind, field, value)?;
        let fields = wanted(kind, call.list("fields"))?;
        Ok(Answer::ok(self.shape(row, fields.as_deref())))
    }

    fn upsert_row(
        &mut self,
        kind: &'static ObjectType,
        field: &str,
        value: &str,
        call: &Call,
    ) -> Result<Answer, Answer> {
        let field = Self::key_field(kind, field)?;
        let fields = given(call)?;
        if let Some(name) = fields.keys().find(|name| name.eq_ignore_ascii_case(field.name)) {
            let message = format!("The {name} field should not be specified in the sobject data.");
            return Err(answers::refused(400, "INVALID_FIELD", &message));
        }
        let options = options(call, self);
        let done = self
            .upsert(kind.name, field.name, value, fields, &options)
            .map_err(|error| answers::from_row(&error))?;
        // Versions before 46 answered an update with 204; none of them is served here.
        let status = if done.created { 201 } else { 200 };
        let body = json!({"id": done.id, "success": true, "errors": [], "created": done.created});
        let answer = Answer::json(status, body);
        Ok(if done.created { answer.with("Location", self.address(kind.name, &done.id)) } else { answer })
    }

    /// `updated` and `deleted`: ids that changed between two moments.
    fn replicated(&self, kind: &ObjectType, call: &Call, deleted: bool) -> Result<Answer, Answer> {
        let asked = |name: &str| {
            // A plus sign that was not escaped has become a space on the way.
            call.parameter(name).and_then(|text| read_moment(&text.replace(' ', "+")))
        };
        let (Some(start), Some(end)) = (asked("start"), asked("end")) else {
            let message = "start and end are moments in ISO 8601 format, such as 2026-01-10T04:11:14Z";
            return Err(answers::refused(400, "INVALID_REPLICATION_DATE", message));
        };
        let now = self.now();
        // The vendor cuts seconds off both ends' moments and wants the later one later.
        if end <= start || start < now - REPLICATION_WINDOW {
            let message = if end <= start {
                "endDate before startDate"
            } else {
                "startDate before org replication enabled date"
            };
            return Err(answers::refused(400, "INVALID_REPLICATION_DATE", message));
        }
        let covered = moment(end.min(now));
        let changed = self
            .rows(kind.name)
            .filter(|row| row.deleted == deleted && (start..end).contains(&row.system_modstamp));
        if !deleted {
            let ids: Vec<&str> = changed.map(|row| row.id.as_str()).collect();
            return Ok(Answer::ok(json!({"ids": ids, "latestDateCovered": covered})));
        }
        let records: Vec<Value> =
            changed.map(|row| json!({"id": row.id, "deletedDate": moment(row.system_modstamp)})).collect();
        Ok(Answer::ok(json!({
            "deletedRecords": records,
            "earliestDateAvailable": moment(now - REPLICATION_WINDOW),
            "latestDateCovered": covered,
        })))
    }
}

/// The object type and id a collection's row names for a change or a deletion.
pub(super) fn type_of_id(id: &str) -> Result<&'static ObjectType, RowError> {
    if !ids::well_formed(id) {
        return Err(RowError::new("MALFORMED_ID", format!("malformed id {id}")));
    }
    schema::of_id(id)
        .ok_or_else(|| RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
}
