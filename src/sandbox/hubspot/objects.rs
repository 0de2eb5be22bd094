//! HubSpot objects one at a time: list, read, create, change, archive, erase.

use serde_json::{Map, Value, json};

use super::answers::{self, Wanted, invalid, missing};
use super::shelf::{Kind, Record};
use super::{Link, Portal};
use crate::sandbox::desk::Who;
use crate::sandbox::wire::{Answer, Call};

/// What a write is to set: the document requires the key, even if nothing is in it.
fn given_properties(body: &Value) -> Result<&Map<String, Value>, Answer> {
    let properties = body.get("properties").and_then(Value::as_object);
    properties.ok_or_else(|| invalid("Invalid input JSON: Some required fields were not set: [properties]"))
}

impl Portal {
    /// Finds a record by id, or by the value of a unique property.
    pub(super) fn resolve(&self, kind: Kind, id: &str, id_property: Option<&str>) -> Result<&Record, Answer> {
        let shelf = self.shelf(kind);
        let found = match id_property.filter(|property| *property != "hs_object_id") {
            None => id.parse().ok().and_then(|id| shelf.live(id)),
            Some(property) if shelf.property(property).is_some_and(|property| property.unique) => {
                shelf.with_unique(property, id)
            }
            Some(property) => {
                return Err(invalid(&format!(
                    "{property} is not a unique identifier property of {}",
                    kind.plural()
                )));
            }
        };
        found.ok_or_else(missing)
    }

    /// A record from the recycle bin.
    pub(super) fn archived_record(&self, kind: Kind, id: &str) -> Result<&Record, Answer> {
        let shelf = self.shelf(kind);
        let record = id.parse().ok().and_then(|id| shelf.records.get(&shelf.current_id(id)));
        record.filter(|record| record.archived.is_some()).ok_or_else(missing)
    }

    fn with_associations(&self, kind: Kind, mut object: Value, id: u64, wanted: &[String]) -> Value {
        let mut associations = Map::new();
        for name in wanted {
            let Some(to) = Kind::read(name) else { continue };
            let mut results = Vec::new();
            for (link, types) in self.links_of((kind, id), to) {
                for type_id in types {
                    let name = super::associations::type_name(kind, to, *type_id);
                    results.push(json!({"id": link.1.to_string(), "type": name}));
                }
            }
            if !results.is_empty() {
                associations.insert(to.plural().to_owned(), json!({"results": results}));
            }
        }
        if !associations.is_empty() {
            object["associations"] = Value::Object(associations);
        }
        object
    }

    pub(super) fn list_objects(&self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let limit = call.number("limit").unwrap_or(10);
        if !(1..=100).contains(&limit) {
            return Err(invalid("limit must be between 1 and 100"));
        }
        let after: u64 = match call.parameter("after").filter(|after| !after.is_empty()) {
            None => 0,
            Some(after) => after.parse().map_err(|_| invalid("after is not a valid paging cursor"))?,
        };
        let archived = call.parameter("archived") == Some("true");
        let wanted = Wanted::new(call.list("properties"));
        let (associations, history) = (call.list("associations"), call.list("propertiesWithHistory"));
        if !history.is_empty() && limit > 50 {
            return Err(invalid("limit must be at most 50 when propertiesWithHistory are requested"));
        }
        let mut rest = self
            .shelf(kind)
            .records
            .range(after + 1..)
            .map(|(_, record)| record)
            .filter(|record| record.archived.is_some() == archived);
        let shown: Vec<&Record> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let results: Vec<Value> = shown
            .iter()
            .map(|record| {
                let shown = answers::with_history(answers::object(kind, record, &wanted), record, &history);
                self.with_associations(kind, shown, record.id, &associations)
            })
            .collect();
        let mut body = json!({"results": results});
        if more && let Some(last) = shown.last() {
            let after = last.id.to_string();
            let link = call.link(&[("limit", limit.to_string()), ("after", after.clone())]);
            body["paging"] = json!({"next": {"after": after, "link": link}});
        }
        Ok(Answer::ok(body))
    }

    pub(super) fn show_object(&self, kind: Kind, id: &str, call: &Call) -> Result<Answer, Answer> {
        let wanted = Wanted::new(call.list("properties"));
        if call.parameter("archived") == Some("true") {
            let record = self.archived_record(kind, id)?;
            return Ok(Answer::ok(answers::object(kind, record, &wanted)));
        }
        let record = self.resolve(kind, id, call.parameter("idProperty"))?;
        let object = answers::object(kind, record, &wanted);
        let object = answers::with_history(object, record, &call.list("propertiesWithHistory"));
        Ok(Answer::ok(self.with_associations(kind, object, record.id, &call.list("associations"))))
    }

    pub(super) fn create_object(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let properties = given_properties(&call.body)?;
        let associations = self.requested_links(kind, &call.body)?;
        self.check_required(kind, properties, super::dated(call))?;
        let id = self.add_object(kind, properties)?;
        for (to, types) in associations {
            self.link((kind, id), to, &types);
        }
        Ok(Answer::json(201, answers::written(kind, &self.shelf(kind).records[&id])))
    }

    /// The associations a create asks for, checked before anything is written.
    pub(super) fn requested_links(&self, kind: Kind, body: &Value) -> Result<Vec<(Link, Vec<u32>)>, Answer> {
        let mut links = Vec::new();
        for wish in body["associations"].as_array().into_iter().flatten() {
            let id = super::associations::id_of(&wish["to"]["id"]);
            let types: Vec<u32> = wish["types"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["associationTypeId"].as_u64().map(|id| id as u32))
                .collect();
            let mut targets =
                wish["types"].as_array().into_iter().flatten().map(|spec| self.target_of(kind, spec));
            let target = targets.next().flatten();
            let Some(to) = target.filter(|to| targets.all(|other| other == Some(*to))) else {
                return Err(invalid("One or more association types are not valid for this object type"));
            };
            let Some(record) = id.and_then(|id| self.shelf(to).live(id)) else {
                return Err(invalid(&format!(
                    "One or more associations are not valid: {} does not exist",
                    wish["to"]["id"]
                )));
            };
            links.push(((to, record.id), types));
        }
        Ok(links)
    }

    /// Creates a record by the vendor's rules, whoever asks.
    pub(in crate::sandbox) fn add_object(
        &mut self,
        kind: Kind,
        given: &Map<String, Value>,
    ) -> Result<u64, Answer> {
        let values = self.checked(kind, given, None)?;
        let now = self.now();
        let id = self.next_id();
        let mut record =
            Record { id, created: now, updated: now, by_api: self.who == Who::Api, ..Record::default() };
        let mut changed = self.write_values(&mut record, values);
        if kind == Kind::Contacts && !record.values.contains_key("lifecyclestage") {
            record.values.insert("lifecyclestage".to_owned(), "lead".to_owned());
            changed.push(("lifecyclestage".to_owned(), "lead".to_owned()));
        }
        let detail = json!({
            "email": record.values.get("email"),
            "intercom_contact_id": record.values.get("intercom_contact_id"),
        });
        let named =
            ["dealname", "dealstage", "subject", "hs_task_subject", "hs_timestamp", "hubspot_owner_id"];
        let mut detail = detail;
        if kind != Kind::Contacts && kind != Kind::Companies {
            for name in named {
                if let Some(value) = record.values.get(name) {
                    detail[name] = json!(value);
                }
            }
        }
        self.shelf_mut(kind).put(record);
        self.effect(kind, "create", id, &detail);
        self.notify_creation(kind, id);
        self.notify_changes(kind, id, &changed);
        Ok(id)
    }

    pub(super) fn update_object(&mut self, kind: Kind, id: &str, call: &Call) -> Result<Answer, Answer> {
        let id = self.resolve(kind, id, call.parameter("idProperty"))?.id;
        self.edit_object(kind, id, given_properties(&call.body)?)?;
        Ok(Answer::ok(answers::written(kind, &self.shelf(kind).records[&id])))
    }

    /// Changes a record by the vendor's rules; true when a value really changed.
    pub(in crate::sandbox) fn edit_object(
        &mut self,
        kind: Kind,
        id: u64,
        given: &Map<String, Value>,
    ) -> Result<bool, Answer> {
        let values = self.checked(kind, given, Some(id))?;
        let mut record = self.shelf(kind).live(id).ok_or_else(missing)?.clone();
        let changed = self.write_values(&mut record, values);
        if changed.is_empty() {
            self.effect(kind, "unchanged", id, &json!({}));
            return Ok(false);
        }
        record.updated = self.now().max(record.updated + 1);
        self.shelf_mut(kind).put(record);
        let fields: Vec<&String> = changed.iter().map(|(name, _)| name).collect();
        self.effect(kind, "update", id, &json!({"fields": fields}));
        self.notify_changes(kind, id, &changed);
        Ok(true)
    }

    pub(super) fn archive_object(&mut self, kind: Kind, id: &str) -> Answer {
        if let Ok(id) = id.parse() {
            self.archive(kind, id);
        }
        // Archiving what is not there is answered like archiving what is.
        Answer::empty(204)
    }

    /// Moves a record to the recycle bin; false when there was none.
    pub(in crate::sandbox) fn archive(&mut self, kind: Kind, id: u64) -> bool {
        let Some(record) = self.shelf(kind).live(id) else { return false };
        let mut record = record.clone();
        let id = record.id;
        record.archived = Some(self.now());
        self.shelf_mut(kind).put(record);
        self.unlink_all((kind, id));
        self.effect(kind, "archive", id, &json!({}));
        self.notify_deletion(kind, id, "deletion");
        true
    }

    /// Takes an additional e-mail off a contact: the only door for it, since `hs_additional_emails` is read-only.
    pub(super) fn release_email(&mut self, id: &str, email: &str) -> Result<Answer, Answer> {
        const ADDITIONAL: &str = "hs_additional_emails";
        let mut record = self.resolve(Kind::Contacts, id, None)?.clone();
        let held: Vec<String> = record
            .values
            .get(ADDITIONAL)
            .map(|list| list.split(';').map(str::to_owned).collect())
            .unwrap_or_default();
        let left: Vec<&str> =
            held.iter().map(String::as_str).filter(|one| !one.eq_ignore_ascii_case(email)).collect();
        if left.len() == held.len() {
            return Err(missing());
        }
        let answer = json!({
            "portalId": super::PORTAL_ID,
            "vid": record.id,
            "secondaryEmails": left.clone(),
        });
        let now_held = left.join(";");
        if now_held.is_empty() {
            record.values.remove(ADDITIONAL);
        } else {
            record.values.insert(ADDITIONAL.to_owned(), now_held);
        }
        record.updated = self.now().max(record.updated + 1);
        let id = record.id;
        self.shelf_mut(Kind::Contacts).put(record);
        self.effect(Kind::Contacts, "release_email", id, &json!({}));
        Ok(Answer::json(200, answer))
    }

    pub(super) fn gdpr_delete(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let Some(given) = call.text("objectId") else { return Err(invalid("objectId is required")) };
        let id = match self.resolve(kind, given, call.text("idProperty")) {
            Ok(record) => record.id,
            // An e-mail nobody has is put on a list, so that no contact with it comes up later.
            Err(refusal) if refusal.status == 404 && call.text("idProperty") == Some("email") => {
                self.effect(kind, "gdpr_block", 0, &json!({"email": given}));
                return Ok(Answer::empty(204));
            }
            Err(refusal) => return Err(refusal),
        };
        self.erase(kind, id);
        Ok(Answer::empty(204))
    }

    /// Deletes a record for good; false when there is none.
    pub(in crate::sandbox) fn erase(&mut self, kind: Kind, id: u64) -> bool {
        if self.shelf(kind).live(id).is_none() {
            return false;
        }
        self.shelf_mut(kind).take(id);
        self.unlink_all((kind, id));
        self.effect(kind, "gdpr_delete", id, &json!({}));
        self.notify_deletion(kind, id, "privacyDeletion");
        true
    }
}
