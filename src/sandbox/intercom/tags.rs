//! Intercom tags and notes: the small records that hang on contacts, companies and conversations.

use serde_json::{Value, json};

use super::answers::{company_missing, contact_missing, missing, numbered, plain_id, refused, required};
use super::{ADMIN_ID, Version, Workspace, staff};
use crate::sandbox::wire::{Answer, Call};

/// A note on a contact or a company.
pub(super) struct Note {
    body: String,
    created: i64,
    on: Subject,
    author: String,
}

enum Subject {
    Contact(String),
    Company(String),
}

impl Workspace {
    pub(super) fn tag_name(&self, id: &str) -> Option<&String> {
        self.tags.get(&id.parse().ok()?)
    }

    pub(super) fn tag_basic(&self, id: &str) -> Value {
        json!({"type": "tag", "id": id, "name": self.tag_name(id)})
    }

    /// A tag as it stands on something, since when.
    pub(super) fn tag_shape(&self, id: &str, applied: i64) -> Value {
        let mut tag = self.tag_basic(id);
        tag["applied_at"] = json!(applied);
        tag["applied_by"] = json!({"type": "admin", "id": ADMIN_ID});
        tag
    }

    pub(super) fn list_tags(&self) -> Answer {
        let data: Vec<Value> = self.tags.keys().map(|id| self.tag_basic(&id.to_string())).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn show_tag(&self, id: &str) -> Answer {
        if self.tag_name(id).is_none() { missing() } else { Answer::ok(self.tag_basic(id)) }
    }

    /// Creates, finds or renames a tag; with companies or users, also puts it on them or takes it off.
    pub(super) fn post_tag(&mut self, call: &Call, version: Version) -> Answer {
        let invalid = || refused(400, "parameter_invalid", "invalid tag parameters");
        let Some(name) = call.text("name").filter(|name| !name.trim().is_empty()).map(str::to_owned) else {
            return invalid();
        };
        match (call.body.get("companies"), call.body.get("users")) {
            (Some(companies), _) => match companies.as_array() {
                Some(companies) => self.tag_companies(&name, companies, version),
                None => invalid(),
            },
            (None, Some(users)) => match users.as_array() {
                Some(users) => self.tag_users(&name, users, version),
                None => invalid(),
            },
            (None, None) => match call.body.get("id").map(plain_id) {
                Some(id) => self.rename_tag(&id, &name),
                None => {
                    let id = self.ensure_tag(&name);
                    Answer::ok(self.tag_basic(&id))
                }
            },
        }
    }

    fn rename_tag(&mut self, id: &str, name: &str) -> Answer {
        let Some(known) = id.parse().ok().and_then(|id: u64| self.tags.get_mut(&id)) else {
            return missing();
        };
        name.clone_into(known);
        self.effect("tag", "update", id, &json!({"name": name}));
        Answer::ok(self.tag_basic(id))
    }

    fn tag_companies(&mut self, name: &str, companies: &[Value], version: Version) -> Answer {
        let mut changes = Vec::new();
        for one in companies {
            let by_own = one["company_id"].as_str().and_then(|id| self.company_ids.get(id)).cloned();
            let by_id = one["id"].as_str().filter(|id| self.companies.contains_key(*id)).map(str::to_owned);
            let Some(id) = by_id.or(by_own) else { return company_missing() };
            let untag = one["untag"].as_bool() == Some(true) || one["untag"] == "true";
            changes.push((id, !untag));
        }
        let tag = self.ensure_tag(name);
        for (id, tagged) in &changes {
            let Some(company) = self.companies.get_mut(id) else { continue };
            company.tags.retain(|known| *known != tag);
            if *tagged {
                company.tags.push(tag.clone());
            }
            let kind = if *tagged { "attach" } else { "detach" };
            self.effect("company_tag", kind, id, &json!({"tag": name}));
        }
        self.tagged(&tag, "companies", &changes, version)
    }

    fn tag_users(&mut self, name: &str, users: &[Value], version: Version) -> Answer {
        let ids: Vec<(String, bool)> = users
            .iter()
            .filter_map(|one| one["id"].as_str())
            .filter(|id| self.contacts.contains(id))
            .map(|id| (id.to_owned(), true))
            .collect();
        if ids.len() < users.len() {
            return contact_missing();
        }
        let tag = self.ensure_tag(name);
        for (id, _) in &ids {
            self.put_tag_on(id, &tag);
        }
        self.tagged(&tag, "users", &ids, version)
    }

    fn tagged(&self, tag: &str, what: &str, changes: &[(String, bool)], version: Version) -> Answer {
        let mut shape = self.tag_basic(tag);
        // Who was tagged is told since 2.16.
        if version >= Version(16) {
            shape[what] = changes.iter().map(|(id, tagged)| json!({"id": id, "tagged": tagged})).collect();
        }
        Answer::ok(shape)
    }

    /// The tag of that name, created when it is new.
    pub(in crate::sandbox) fn ensure_tag(&mut self, name: &str) -> String {
        if let Some((id, _)) = self.tags.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
            return id.to_string();
        }
        let id = self.tags.last_key_value().map_or(9_400_100, |(last, _)| last + 1);
        self.tags.insert(id, name.to_owned());
        self.effect("tag", "create", &id.to_string(), &json!({"name": name}));
        id.to_string()
    }

    pub(super) fn delete_tag(&mut self, id: &str) -> Answer {
        if self.tag_name(id).is_none() {
            return missing();
        }
        let needed = self.segments_on_tag(id);
        if !needed.is_empty() {
            let message =
                format!("Unable to delete Tag with dependent objects. Segments: {}.", needed.join(", "));
            return refused(400, "tag_has_dependent_objects", &message);
        }
        let tagged: Vec<String> = self
            .contacts
            .values()
            .filter(|contact| contact.tags.iter().any(|(tag, _)| tag == id))
            .map(|contact| contact.id.clone())
            .collect();
        let now = self.now();
        for contact in tagged {
            self.contacts.change(&contact, now, |contact| contact.tags.retain(|(tag, _)| tag != id));
        }
        for company in self.companies.values_mut() {
            company.tags.retain(|tag| tag != id);
        }
        self.untag_conversations(id);
        self.tags.remove(&id.parse().unwrap_or_default());
        self.effect("tag", "delete", id, &json!({}));
        Answer::empty(200)
    }

    pub(super) fn tags_of_contact(&self, id: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let data: Vec<Value> =
            contact.tags.iter().map(|(tag, applied)| self.tag_shape(tag, *applied)).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn tag_contact(&mut self, id: &str, call: &Call) -> Answer {
        if !self.contacts.contains(id) {
            return contact_missing();
        }
        let Some(tag) = call.body.get("id").map(plain_id) else { return required("id") };
        if self.tag_name(&tag).is_none() {
            return missing();
        }
        self.put_tag_on(id, &tag);
        Answer::ok(self.tag_shape(&tag, self.now() / 1_000))
    }

    fn put_tag_on(&mut self, id: &str, tag: &str) {
        let now = self.now();
        let tagged = |known: &[(String, i64)]| known.iter().any(|(known, _)| known == tag);
        if self.contacts.get(id).is_none_or(|contact| tagged(&contact.tags)) {
            return;
        }
        self.contacts.change(id, now, |contact| contact.tags.push((tag.to_owned(), now / 1_000)));
        self.tell_tag(id, tag, true);
    }

    fn tell_tag(&self, id: &str, tag: &str, created: bool) {
        let (Some(contact), Some(name)) = (self.contacts.get(id), self.tag_name(tag)) else { return };
        let kind = if created { "attach" } else { "detach" };
        self.effect("contact_tag", kind, id, &json!({"tag": name}));
        self.notify_tag(contact, (tag, name), created);
    }

    pub(super) fn untag_contact(&mut self, id: &str, tag: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        if self.tag_name(tag).is_none() {
            return missing();
        }
        if contact.tags.iter().any(|(known, _)| known == tag) {
            let now = self.now();
            self.contacts.change(id, now, |contact| contact.tags.retain(|(known, _)| known != tag));
            self.tell_tag(id, tag, false);
        }
        Answer::ok(self.tag_basic(tag))
    }

    fn note_shape(&self, id: u64) -> Option<Value> {
        let note = self.notes.get(&id)?;
        let mut shape = json!({
            "type": "note",
            "id": id.to_string(),
            "created_at": note.created,
            "author": staff::admin(&note.author),
            "body": note.body,
        });
        match &note.on {
            Subject::Contact(id) => shape["contact"] = json!({"type": "contact", "id": id}),
            Subject::Company(id) => shape["company"] = json!({"type": "company", "id": id}),
        }
        Some(shape)
    }

    /// Writes a note down, if its author is one of the team; the answer is its number.
    fn write_note(&mut self, call: &Call, on: Subject) -> Result<u64, Answer> {
        let body = call.text("body").ok_or_else(|| required("body"))?;
        let author = call.body.get("admin_id").map(plain_id);
        let author = author.unwrap_or_else(|| ADMIN_ID.to_owned());
        if staff::admin(&author).is_none() {
            return Err(missing());
        }
        let body = if body.starts_with('<') { body.to_owned() } else { format!("<p>{body}</p>") };
        let id = self.notes.last_key_value().map_or(31, |(last, _)| last + 1);
        let detail = match &on {
            Subject::Contact(id) => json!({"contact": id}),
            Subject::Company(id) => json!({"company": id}),
        };
        self.notes.insert(id, Note { body, created: self.now() / 1_000, on, author });
        self.effect("note", "create", &id.to_string(), &detail);
        Ok(id)
    }

    pub(super) fn add_note(&mut self, id: &str, call: &Call) -> Answer {
        if !self.contacts.contains(id) {
            return contact_missing();
        }
        match self.write_note(call, Subject::Contact(id.to_owned())) {
            Err(refusal) => refusal,
            Ok(note) => {
                if let Some(contact) = self.contacts.get_mut(id) {
                    contact.notes.push(note.to_string());
                }
                Answer::ok(self.note_shape(note).unwrap_or_default())
            }
        }
    }

    pub(super) fn add_company_note(&mut self, id: &str, call: &Call) -> Answer {
        if !self.companies.contains_key(id) {
            return company_missing();
        }
        match self.write_note(call, Subject::Company(id.to_owned())) {
            Err(refusal) => refusal,
            Ok(note) => {
                if let Some(company) = self.companies.get_mut(id) {
                    company.notes.push(note.to_string());
                }
                Answer::ok(self.note_shape(note).unwrap_or_default())
            }
        }
    }

    pub(super) fn show_note(&self, id: &str) -> Answer {
        id.parse().ok().and_then(|id| self.note_shape(id)).map_or_else(missing, Answer::ok)
    }

    fn list_notes(&self, call: &Call, notes: &[String]) -> Answer {
        let newest_first: Vec<Value> =
            notes.iter().rev().filter_map(|note| self.note_shape(note.parse().ok()?)).collect();
        Answer::ok(numbered(call, &newest_first, Value::clone))
    }

    pub(super) fn notes_of_contact(&self, id: &str, call: &Call) -> Answer {
        match self.contacts.get(id) {
            Some(contact) => self.list_notes(call, &contact.notes),
            None => contact_missing(),
        }
    }

    pub(super) fn notes_of_company(&self, id: &str, call: &Call) -> Answer {
        match self.companies.get(id) {
            Some(company) => self.list_notes(call, &company.notes),
            None => company_missing(),
        }
    }
}
