//! Intercom contacts: create, read, change, archive, delete, list. Enforces the vendor's uniqueness rules;
//! never merges by itself.

use serde_json::{Map, Value, json};

use super::answers::{bad_cursor, contact_missing, cursor, pages, read_cursor, refused};
use super::{Contact, Version, Workspace, shapes};
use crate::sandbox::desk::Who;
use crate::sandbox::wire::{Answer, Call};

/// Values as seconds, whether given as a number or as its digits.
fn seconds(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|number| number as i64))
        .or_else(|| value.as_str()?.parse().ok())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Workspace {
    fn contact_or_refusal(&self, id: &str, version: Version) -> Result<&Contact, Answer> {
        if let Some(contact) = self.contacts.get(id) {
            return Ok(contact);
        }
        let Some(first) = self.merged.get(id).filter(|_| version >= Version(16)) else {
            return Err(contact_missing());
        };
        let mut canonical = &first.into;
        for _ in 0..2 {
            match self.merged.get(canonical) {
                Some(next) => canonical = &next.into,
                None => break,
            }
        }
        let message = "This contact has been merged. See the 'Link' header for the canonical contact.";
        Err(refused(410, "contact_merged", message)
            .with("Link", format!("</contacts/{canonical}>; rel=\"canonical\"")))
    }

    pub(super) fn show_contact(&self, id: &str, version: Version) -> Answer {
        match self.contact_or_refusal(id, version) {
            Ok(contact) => Answer::ok(shapes::contact(contact, version)),
            Err(refusal) => refusal,
        }
    }

    pub(super) fn find_by_external_id(&self, external: &str, version: Version) -> Answer {
        self.external_ids
            .get(external)
            .and_then(|id| self.contacts.get(id))
            .filter(|contact| contact.user && !contact.archived)
            .map_or_else(contact_missing, |contact| Answer::ok(shapes::contact(contact, version)))
    }

    pub(super) fn list_contacts(&self, call: &Call, version: Version) -> Answer {
        let per_page = call.number("per_page").unwrap_or(50);
        if !(1..=150).contains(&per_page) {
            return refused(400, "parameter_invalid", "per_page must be between 1 and 150");
        }
        let (page, after) = match call.parameter("starting_after") {
            None => (1, String::new()),
            Some(text) => match read_cursor(text) {
                Some((page, position)) => (page, position.as_str().unwrap_or_default().to_owned()),
                None => return bad_cursor(),
            },
        };
        let live = |contact: &&Contact| !contact.archived;
        let total = self.contacts.values().filter(live).count();
        let mut rest = self
            .contacts
            .range::<String, _>((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded))
            .map(|(_, contact)| contact)
            .filter(live);
        let shown: Vec<&Contact> = rest.by_ref().take(per_page).collect();
        let next = rest.next().and_then(|_| shown.last()).map(|last| cursor(page + 1, &json!(last.id)));
        let data: Vec<Value> = shown.iter().map(|contact| shapes::contact(contact, version)).collect();
        Answer::ok(json!({
            "type": "list",
            "data": data,
            "total_count": total,
            "pages": pages(total, page, per_page, next.as_deref()),
        }))
    }

    pub(super) fn create_contact(&mut self, call: &Call, version: Version) -> Answer {
        let Some(fields) = call.body.as_object() else {
            return refused(400, "parameter_not_found", "a JSON object is required");
        };
        match self.add_contact(fields) {
            Ok(id) => Answer::ok(shapes::contact(&self.contacts[&id], version)),
            Err(refusal) => refusal,
        }
    }

    /// Creates a contact by the vendor's rules, whoever asks.
    pub(in crate::sandbox) fn add_contact(&mut self, fields: &Map<String, Value>) -> Result<String, Answer> {
        if !["email", "external_id", "role", "phone"].iter().any(|key| fields.contains_key(*key)) {
            return Err(refused(400, "parameter_not_found", "one of email, external_id or role is required"));
        }
        let now = self.now();
        let role = fields.get("role").and_then(Value::as_str);
        if role.is_some_and(|role| role != "user" && role != "lead") {
            return Err(refused(400, "parameter_invalid", "role must be user or lead"));
        }
        let mut contact = Contact {
            user: role != Some("lead"),
            created: now,
            updated: now,
            by_api: self.who == Who::Api,
            ..Contact::default()
        };
        self.fill(&mut contact, fields)?;
        self.check_unique(&contact, None)?;
        contact.id = self.next_hex_id(now);
        if !contact.user && contact.external_id.is_none() {
            let serial = self.next_serial();
            contact.external_id = Some(format!("9e1d{serial:04x}-5b0c-4c1e-8a77-{serial:012x}"));
        }
        let id = contact.id.clone();
        self.put_contact(contact);
        let contact = &self.contacts[&id];
        self.effect(
            "contact",
            "create",
            &id,
            &json!({"email": contact.email, "external_id": contact.external_id}),
        );
        self.notify_contact(contact, "created");
        Ok(id)
    }

    pub(super) fn update_contact(&mut self, id: &str, call: &Call, version: Version) -> Answer {
        if let Err(refusal) = self.contact_or_refusal(id, version) {
            return refusal;
        }
        let empty = Map::new();
        match self.edit_contact(id, call.body.as_object().unwrap_or(&empty)) {
            Ok(_) => Answer::ok(shapes::contact(&self.contacts[id], version)),
            Err(refusal) => refusal,
        }
    }

    /// Changes a contact by the vendor's rules; true when a value really changed.
    pub(in crate::sandbox) fn edit_contact(
        &mut self,
        id: &str,
        fields: &Map<String, Value>,
    ) -> Result<bool, Answer> {
        let Some(before) = self.contacts.get(id) else { return Err(contact_missing()) };
        let before_shape = shapes::contact(before, Version::NEWEST);
        let mut contact = before.clone();
        self.fill(&mut contact, fields)?;
        self.check_unique(&contact, Some(id))?;
        let shape = shapes::contact(&contact, Version::NEWEST);
        let changed: Vec<String> = fields
            .keys()
            .filter(|key| before_shape.get(key.as_str()) != shape.get(key.as_str()))
            .cloned()
            .collect();
        if changed.is_empty() {
            self.effect("contact", "unchanged", id, &json!({}));
            return Ok(false);
        }
        contact.updated = self.now().max(contact.updated + 1);
        self.drop_from_indexes(id);
        self.put_contact(contact);
        self.effect("contact", "update", id, &json!({"fields": changed}));
        self.notify_contact(&self.contacts[id], "updated");
        Ok(true)
    }

    fn fill(&self, contact: &mut Contact, fields: &Map<String, Value>) -> Result<(), Answer> {
        for (key, value) in fields {
            match key.as_str() {
                "email" => contact.email = text(value),
                "external_id" => contact.external_id = text(value),
                "phone" => contact.phone = text(value),
                "name" => contact.name = text(value),
                "owner_id" => contact.owner = text(value),
                "role" if value == "user" => contact.user = true,
                "signed_up_at" => contact.signed_up = seconds(value),
                "last_seen_at" => contact.last_seen = seconds(value),
                "unsubscribed_from_emails" => contact.unsubscribed = value.as_bool().unwrap_or(false),
                "custom_attributes" => self.fill_custom(&mut contact.custom, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn fill_custom(&self, custom: &mut Map<String, Value>, given: &Value) -> Result<(), Answer> {
        for (name, value) in given.as_object().into_iter().flatten() {
            let known = self.attributes.iter().any(|attribute| {
                attribute.custom
                    && !attribute.archived
                    && attribute.model == "contact"
                    && attribute.name == *name
            });
            if !known {
                let message = format!("Custom attribute '{name}' does not exist");
                return Err(refused(400, "parameter_invalid", &message));
            }
            if value.is_null() {
                custom.shift_remove(name);
            } else {
                custom.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    fn check_unique(&self, contact: &Contact, own: Option<&str>) -> Result<(), Answer> {
        if !contact.user {
            return Ok(());
        }
        let same_external = contact
            .external_id
            .as_ref()
            .and_then(|external| self.external_ids.get(external))
            .and_then(|id| self.contacts.get(id))
            .filter(|other| other.user && Some(other.id.as_str()) != own);
        let same_email = contact.email.as_ref().and_then(|email| {
            self.with_email(email).find(|other| {
                // Two users may share an e-mail only when each has an external id of its own.
                let told_apart = other.external_id.is_some()
                    && contact.external_id.is_some()
                    && other.external_id != contact.external_id;
                other.user && Some(other.id.as_str()) != own && !told_apart
            })
        });
        let Some(other) = same_external.or(same_email) else { return Ok(()) };
        let kind = if other.archived { "An archived contact" } else { "A contact" };
        let message = format!("{kind} matching those details already exists with id={}", other.id);
        Err(refused(409, "conflict", &message))
    }

    /// Every contact with that e-mail, in any letter case.
    pub(in crate::sandbox) fn with_email(&self, email: &str) -> impl Iterator<Item = &Contact> {
        self.emails.get(&email.to_lowercase()).into_iter().flatten().filter_map(|id| self.contacts.get(id))
    }

    pub(super) fn with_external_id(&self, external: &str) -> Option<&Contact> {
        self.external_ids.get(external).and_then(|id| self.contacts.get(id))
    }

    /// Stores a contact and its index entries.
    pub(in crate::sandbox) fn put_contact(&mut self, contact: Contact) {
        if let Some(email) = &contact.email {
            self.emails.entry(email.to_lowercase()).or_default().push(contact.id.clone());
        }
        if let Some(external) = &contact.external_id {
            self.external_ids.insert(external.clone(), contact.id.clone());
        }
        self.contacts.insert(contact.id.clone(), contact);
    }

    pub(super) fn drop_from_indexes(&mut self, id: &str) {
        let Some(contact) = self.contacts.get(id) else { return };
        if let Some(email) = &contact.email
            && let Some(ids) = self.emails.get_mut(&email.to_lowercase())
        {
            ids.retain(|known| known != id);
        }
        if let Some(external) = &contact.external_id {
            self.external_ids.remove(external);
        }
    }

    pub(in crate::sandbox) fn remove_contact(&mut self, id: &str) -> Option<Contact> {
        self.drop_from_indexes(id);
        let contact = self.contacts.remove(id)?;
        for company in &contact.companies {
            if let Some(company) = self.companies.get_mut(company) {
                company.contacts.remove(id);
            }
        }
        Some(contact)
    }

    pub(in crate::sandbox) fn delete_contact(&mut self, id: &str) -> Answer {
        let Some(contact) = self.remove_contact(id) else { return contact_missing() };
        let item = json!({"id": id, "external_id": contact.external_id, "type": "contact", "deleted": true});
        self.effect("contact", "delete", id, &json!({}));
        self.notify("contact.deleted", &item);
        Answer::ok(item)
    }

    pub(in crate::sandbox) fn archive_contact(&mut self, id: &str, archived: bool) -> Answer {
        let now = self.now();
        let Some(contact) = self.contacts.get_mut(id) else { return contact_missing() };
        contact.archived = archived;
        contact.updated = now.max(contact.updated + 1);
        let contact = &self.contacts[id];
        let (kind, topic) =
            if archived { ("archive", "contact.archived") } else { ("unarchive", "contact.unarchive") };
        self.effect("contact", kind, id, &json!({}));
        self.notify_any_contact(contact, topic);
        Answer::ok(json!({
            "type": "contact",
            "id": id,
            "external_id": contact.external_id,
            "archived": archived,
        }))
    }
}
