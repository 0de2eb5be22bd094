//! Intercom tags, notes and events: the small records that hang on contacts.

use serde_json::{Value, json};

use super::answers::{contact_missing, refused, whole_list};
use super::{ADMIN_ID, Workspace, shapes};
use crate::sandbox::wire::{Answer, Call};

/// A note on a contact.
pub(super) struct Note {
    body: String,
    created: i64,
    contact: String,
    author: String,
}

fn tag_missing() -> Answer {
    refused(404, "tag_not_found", "Tag not found")
}

impl Workspace {
    pub(super) fn tag_name(&self, id: &str) -> Option<&String> {
        self.tags.get(&id.parse().ok()?)
    }

    fn tag_shape(&self, id: &str, applied: Option<i64>) -> Value {
        let mut tag = json!({"type": "tag", "id": id, "name": self.tag_name(id)});
        if let Some(applied) = applied {
            tag["applied_at"] = json!(applied);
            tag["applied_by"] = json!({"type": "admin", "id": ADMIN_ID});
        }
        tag
    }

    pub(super) fn list_tags(&self) -> Answer {
        let data: Vec<Value> = self.tags.keys().map(|id| self.tag_shape(&id.to_string(), None)).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn show_tag(&self, id: &str) -> Answer {
        if self.tag_name(id).is_none() {
            return tag_missing();
        }
        Answer::ok(self.tag_shape(id, None))
    }

    pub(super) fn create_tag(&mut self, call: &Call) -> Answer {
        let Some(name) = call.text("name").map(str::to_owned) else {
            return refused(400, "parameter_not_found", "name is required");
        };
        let id = self.ensure_tag(&name);
        Answer::ok(self.tag_shape(&id, None))
    }

    /// The tag of that name, created when it is new.
    pub(in crate::sandbox) fn ensure_tag(&mut self, name: &str) -> String {
        if let Some((id, _)) = self.tags.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
            return id.to_string();
        }
        let id = 9_400_100 + self.tags.len() as u64;
        self.tags.insert(id, name.to_owned());
        id.to_string()
    }

    pub(super) fn tags_of_contact(&self, id: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let data: Vec<Value> =
            contact.tags.iter().map(|(tag, applied)| self.tag_shape(tag, Some(*applied))).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn tag_contact(&mut self, id: &str, call: &Call) -> Answer {
        let Some(tag) = call.text("id").map(str::to_owned) else {
            return refused(400, "parameter_not_found", "tag id is required");
        };
        let Some(name) = self.tag_name(&tag).cloned() else { return tag_missing() };
        let now = self.now();
        let Some(contact) = self.contacts.get_mut(id) else { return contact_missing() };
        if !contact.tags.iter().any(|(known, _)| *known == tag) {
            contact.tags.push((tag.clone(), now / 1_000));
            contact.updated = now.max(contact.updated + 1);
            self.effect("contact_tag", "attach", id, &json!({"tag": name}));
            self.notify_tag(&self.contacts[id], (&tag, &name), true);
        }
        Answer::ok(self.tag_shape(&tag, Some(now / 1_000)))
    }

    pub(super) fn untag_contact(&mut self, id: &str, tag: &str) -> Answer {
        let Some(name) = self.tag_name(tag).cloned() else { return tag_missing() };
        let now = self.now();
        let Some(contact) = self.contacts.get_mut(id) else { return contact_missing() };
        let before = contact.tags.len();
        contact.tags.retain(|(known, _)| known != tag);
        if contact.tags.len() < before {
            contact.updated = now.max(contact.updated + 1);
            self.effect("contact_tag", "detach", id, &json!({"tag": name}));
            self.notify_tag(&self.contacts[id], (tag, &name), false);
        }
        Answer::ok(self.tag_shape(tag, None))
    }

    fn note_shape(&self, id: u64) -> Option<Value> {
        let note = self.notes.get(&id)?;
        Some(json!({
            "type": "note",
            "id": id.to_string(),
            "created_at": note.created,
            "contact": {"type": "contact", "id": note.contact},
            "author": shapes::admin(&note.author),
            "body": note.body,
        }))
    }

    pub(super) fn add_note(&mut self, id: &str, call: &Call) -> Answer {
        let Some(body) = call.text("body") else {
            return refused(400, "parameter_not_found", "body is required");
        };
        let author = call.text("admin_id").unwrap_or(ADMIN_ID).to_owned();
        let body = if body.starts_with('<') { body.to_owned() } else { format!("<p>{body}</p>") };
        let now = self.now();
        let note_id = self.notes.last_key_value().map_or(31, |(last, _)| last + 1);
        let Some(contact) = self.contacts.get_mut(id) else { return contact_missing() };
        contact.notes.push(note_id.to_string());
        self.notes.insert(note_id, Note { body, created: now / 1_000, contact: id.to_owned(), author });
        self.effect("note", "create", &note_id.to_string(), &json!({"contact": id}));
        Answer::ok(self.note_shape(note_id).unwrap_or_default())
    }

    pub(super) fn show_note(&self, id: &str) -> Answer {
        id.parse()
            .ok()
            .and_then(|id| self.note_shape(id))
            .map_or_else(|| refused(404, "not_found", "Resource Not Found"), Answer::ok)
    }

    pub(super) fn notes_of_contact(&self, id: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let data: Vec<Value> =
            contact.notes.iter().rev().filter_map(|note| self.note_shape(note.parse().ok()?)).collect();
        Answer::ok(whole_list(&data))
    }

    /// Takes an event about a person; the same one within a second is swallowed, as documented.
    pub(super) fn take_event(&mut self, call: &Call) -> Answer {
        let Some(name) = call.text("event_name") else {
            return refused(400, "parameter_not_found", "event_name is required");
        };
        let contact = call
            .text("id")
            .and_then(|id| self.contacts.get(id))
            .or_else(|| call.text("user_id").and_then(|external| self.with_external_id(external)))
            .or_else(|| call.text("email").and_then(|email| self.with_email(email).next()));
        let Some(contact) = contact.map(|contact| contact.id.clone()) else { return contact_missing() };
        let key = format!("{contact} {name} {}", call.body["created_at"]);
        if self.events.insert(key) {
            self.effect("event", "create", &contact, &json!({"event_name": name}));
        }
        Answer::empty(202)
    }
}
