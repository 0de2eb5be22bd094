//! Intercom contacts: create, read, change, archive, block, delete. Enforces the vendor's uniqueness rules;
//! never merges by itself.

mod find;

use serde_json::{Map, Value, json};

use super::answers::{contact_missing, refused};
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

fn bad_field(field: &str, message: &str) -> Answer {
    // The documents tell no words for these; the code and the place of the field are theirs.
    let mut answer = refused(422, "parameter_invalid", message);
    if let crate::sandbox::wire::Payload::Json(body) = &mut answer.body {
        body["errors"][0]["field"] = json!(field);
    }
    answer
}

impl Workspace {
    /// The contact, or what a read of it is answered: merged ones point to where they went, from 2.16 on.
    pub(super) fn contact_or_refusal(&self, id: &str, version: Version) -> Result<&Contact, Answer> {
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

    /// A contact as a call shows it, with its history of merges when that is asked for.
    pub(super) fn contact_answer(&self, contact: &Contact, call: &Call, version: Version) -> Value {
        let mut shape = shapes::contact(contact, version);
        if version >= Version(16) && call.parameter("include_merge_history") == Some("true") {
            shape["merge_history"] = json!(self.merges_into(&contact.id));
        }
        shape
    }

    pub(super) fn show_contact(&self, id: &str, call: &Call, version: Version) -> Answer {
        match self.contact_or_refusal(id, version) {
            Ok(contact) => Answer::ok(self.contact_answer(contact, call, version)),
            Err(refusal) => refusal,
        }
    }

    pub(super) fn create_contact(&mut self, call: &Call, version: Version) -> Answer {
        let Some(fields) = call.body.as_object() else {
            return refused(400, "parameter_not_found", "a JSON object is required");
        };
        match self.add_contact(fields) {
            Ok(id) => {
                let contact = self.contacts.get(&id).expect("it was just made");
                Answer::ok(self.contact_answer(contact, call, version))
            }
            Err(refusal) => refusal,
        }
    }

    /// Creates a contact by the vendor's rules, whoever asks.
    pub(in crate::sandbox) fn add_contact(&mut self, fields: &Map<String, Value>) -> Result<String, Answer> {
        if !["email", "external_id", "role"].iter().any(|key| fields.contains_key(*key)) {
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
        self.effect(
            "contact",
            "create",
            &id,
            &json!({"email": contact.email, "external_id": contact.external_id}),
        );
        self.notify_contact(&contact, "created");
        self.put_contact(contact);
        Ok(id)
    }

    pub(super) fn update_contact(&mut self, id: &str, call: &Call, version: Version) -> Answer {
        if let Err(refusal) = self.contact_or_refusal(id, version) {
            return refusal;
        }
        let empty = Map::new();
        match self.edit_contact(id, call.body.as_object().unwrap_or(&empty)) {
            Ok(_) => self.show_contact(id, call, version),
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
        let mut contact = before.clone();
        self.fill(&mut contact, fields)?;
        self.check_unique(&contact, Some(id))?;
        let (old, new) =
            (shapes::contact(before, Version::NEWEST), shapes::contact(&contact, Version::NEWEST));
        let changed: Vec<&String> =
            fields.keys().filter(|key| old.get(key.as_str()) != new.get(key.as_str())).collect();
        if changed.is_empty() {
            self.effect("contact", "unchanged", id, &json!({}));
            return Ok(false);
        }
        contact.updated = self.now().max(contact.updated + 1);
        self.effect("contact", "update", id, &json!({"fields": changed}));
        self.notify_edit(before, &contact);
        self.put_contact(contact);
        Ok(true)
    }

    fn fill(&self, contact: &mut Contact, fields: &Map<String, Value>) -> Result<(), Answer> {
        if fields.contains_key("email_verified") && !fields.contains_key("email") {
            let message = "email_verified must be sent together with an email";
            return Err(refused(400, "parameter_invalid", message));
        }
        for (key, value) in fields {
            match key.as_str() {
                "email" => contact.email = email(value)?,
                "external_id" => contact.external_id = text(value),
                "phone" => contact.phone = text(value),
                "name" => contact.name = text(value),
                "avatar" => contact.avatar = text(value),
                "owner_id" => contact.owner = text(value),
                "role" if value == "user" => contact.user = true,
                "signed_up_at" => contact.signed_up = moment(key, value)?,
                "last_seen_at" => contact.last_seen = moment(key, value)?,
                "unsubscribed_from_emails" => contact.unsubscribed = value.as_bool().unwrap_or(false),
                "custom_attributes" => self.fill_custom("contact", &mut contact.custom, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn check_unique(&self, contact: &Contact, own: Option<&str>) -> Result<(), Answer> {
        if !contact.user {
            return Ok(());
        }
        let another = |other: &&Contact| other.user && Some(other.id.as_str()) != own;
        let same_external = contact
            .external_id
            .as_ref()
            .and_then(|external| self.contacts.with_external_id(external).find(another));
        let same_email = || {
            self.with_email(contact.email.as_deref()?).find(|other| {
                // Two users may share an e-mail only when each has an external id of its own.
                let told_apart = other.external_id.is_some()
                    && contact.external_id.is_some()
                    && other.external_id != contact.external_id;
                another(other) && !told_apart
            })
        };
        let Some(other) = same_external.or_else(same_email) else { return Ok(()) };
        let kind = if other.archived { "An archived contact" } else { "A contact" };
        let message = format!("{kind} matching those details already exists with id={}", other.id);
        Err(refused(409, "conflict", &message))
    }

    /// Every contact with that e-mail, in any letter case.
    pub(in crate::sandbox) fn with_email(&self, email: &str) -> impl Iterator<Item = &Contact> {
        self.contacts.with_email(email)
    }

    /// Whom an id, an external id or an e-mail means, as calls about somebody give one of them.
    pub(super) fn somebody(
        &self,
        id: Option<&str>,
        external: Option<&str>,
        email: Option<&str>,
    ) -> Option<String> {
        let by_id = || id.and_then(|id| self.contacts.get(id));
        let by_external = || external.and_then(|external| self.contacts.with_external_id(external).next());
        let by_email = || email.and_then(|email| self.with_email(email).next());
        by_id().or_else(by_external).or_else(by_email).map(|contact| contact.id.clone())
    }

    /// Stores a contact and its index entries.
    pub(in crate::sandbox) fn put_contact(&mut self, contact: Contact) {
        self.contacts.put(contact);
    }

    pub(super) fn remove_contact(&mut self, id: &str) -> Option<Contact> {
        let contact = self.contacts.remove(id)?;
        for company in &contact.companies {
            if let Some(company) = self.companies.get_mut(company) {
                company.contacts.remove(id);
            }
        }
        Some(contact)
    }

    /// For good: nothing is left that could be brought back.
    pub(in crate::sandbox) fn delete_contact(&mut self, id: &str) -> Answer {
        let Some(contact) = self.remove_contact(id) else { return contact_missing() };
        self.events.forget(id);
        let item = json!({"id": id, "external_id": contact.external_id, "type": "contact", "deleted": true});
        self.effect("contact", "delete", id, &json!({}));
        self.notify("contact.deleted", &item);
        Answer::ok(item)
    }

    /// The path of API 1.x, with Intercom's id or your own.
    pub(super) fn delete_user(&mut self, id: &str) -> Answer {
        match self.somebody(Some(id), Some(id), None) {
            Some(id) => self.delete_contact(&id),
            None => contact_missing(),
        }
    }

    pub(in crate::sandbox) fn archive_contact(&mut self, id: &str, archived: bool) -> Answer {
        let now = self.now();
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let mut changed = contact.clone();
        if contact.archived != archived {
            // Somebody may have taken its place meanwhile.
            if !archived && let Err(refusal) = self.check_unique(contact, Some(id)) {
                return refusal;
            }
            changed.archived = archived;
            changed.updated = now.max(changed.updated + 1);
            let (kind, topic) =
                if archived { ("archive", "contact.archived") } else { ("unarchive", "contact.unarchive") };
            self.effect("contact", kind, id, &json!({}));
            self.notify(topic, &shapes::contact_in_webhook(&changed));
            self.put_contact(changed.clone());
        }
        Answer::ok(json!({
            "type": "contact",
            "id": id,
            "external_id": changed.external_id,
            "archived": archived,
        }))
    }

    /// Its conversations go from sight; the document tells of no webhook.
    pub(super) fn block_contact(&mut self, id: &str) -> Answer {
        let now = self.now();
        if !self.contacts.change(id, now, |contact| contact.blocked = true) {
            return contact_missing();
        }
        self.hide_conversations_of(id);
        self.effect("contact", "block", id, &json!({}));
        let external = self.contacts.get(id).and_then(|contact| contact.external_id.clone());
        Answer::ok(json!({"type": "contact", "id": id, "external_id": external, "blocked": true}))
    }
}

fn email(value: &Value) -> Result<Option<String>, Answer> {
    let email = text(value);
    let has_both_sides = |email: &str| {
        email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
            && !email.contains(char::is_whitespace)
    };
    match email {
        Some(email) if !has_both_sides(&email) => Err(bad_field("email", "email is not valid")),
        email => Ok(email),
    }
}

fn moment(field: &str, value: &Value) -> Result<Option<i64>, Answer> {
    match seconds(value) {
        None if !value.is_null() => {
            Err(bad_field(field, &format!("{field} must be a UNIX timestamp in seconds")))
        }
        moment => Ok(moment),
    }
}
