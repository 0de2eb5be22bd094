//! Intercom conversations and their parts: started, answered, closed, opened, assigned, tagged.
//! Contacts in them are references only, as in the vendor's answers.

use serde_json::{Value, json};

use super::answers::{cursor, pages, read_cursor, refused};
use super::search::{Query, page, sort};
use super::{ADMIN_ID, Version, Workspace, shapes};
use crate::sandbox::wire::{Answer, Call};

/// Who wrote something: contact or admin, with its id.
#[derive(Clone)]
pub(super) struct Author {
    admin: bool,
    id: String,
}

struct Part {
    id: u64,
    kind: &'static str,
    body: Option<String>,
    at: i64,
    author: Author,
}

/// One conversation, its first message and what followed.
pub(super) struct Conversation {
    id: u64,
    contact: String,
    author: Author,
    body: String,
    created: i64,
    updated: i64,
    state: &'static str,
    read: bool,
    assignee: Option<i64>,
    snoozed_until: Option<i64>,
    tags: Vec<String>,
    custom: Value,
    title: Option<String>,
    parts: Vec<Part>,
}

fn missing() -> Answer {
    refused(404, "not_found", "Resource Not Found")
}

fn paragraph(body: &str) -> String {
    if body.starts_with('<') { body.to_owned() } else { format!("<p>{body}</p>") }
}

fn without_tags(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text
}

impl Workspace {
    fn author_shape(&self, author: &Author) -> Value {
        if author.admin {
            let admin = shapes::admin(&author.id).unwrap_or_default();
            return json!({"type": "admin", "id": author.id, "name": admin["name"], "email": admin["email"]});
        }
        let contact = self.contacts.get(&author.id);
        json!({
            "type": contact.map_or("user", shapes::role),
            "id": author.id,
            "name": contact.and_then(|contact| contact.name.clone()),
            "email": contact.and_then(|contact| contact.email.clone()),
        })
    }

    fn part_shape(&self, part: &Part, state: &str) -> Value {
        json!({
            "type": "conversation_part",
            "id": part.id.to_string(),
            "part_type": part.kind,
            "body": part.body,
            "created_at": part.at,
            "updated_at": part.at,
            "notified_at": part.at,
            "assigned_to": null,
            "author": self.author_shape(&part.author),
            "attachments": [],
            "external_id": null,
            "redacted": false,
            "email_message_metadata": null,
            "state": state,
            "tags": [],
            "event_details": {},
            "app_package_code": null,
        })
    }

    fn conversation_shape(&self, conversation: &Conversation, newest_parts: Option<usize>) -> Value {
        let external =
            self.contacts.get(&conversation.contact).and_then(|contact| contact.external_id.clone());
        let tags: Vec<Value> = conversation
            .tags
            .iter()
            .map(|tag| json!({"type": "tag", "id": tag, "name": self.tag_name(tag), "applied_at": conversation.updated, "applied_by": {"type": "admin", "id": ADMIN_ID}}))
            .collect();
        let delivered_as = if conversation.author.admin { "admin_initiated" } else { "customer_initiated" };
        let mut shape = json!({
            "type": "conversation",
            "id": conversation.id.to_string(),
            "created_at": conversation.created,
            "updated_at": conversation.updated,
            "waiting_since": null,
            "snoozed_until": conversation.snoozed_until,
            "source": {
                "type": "conversation",
                "id": (conversation.id + 402_000_000).to_string(),
                "delivered_as": delivered_as,
                "subject": "",
                "body": conversation.body,
                "author": self.author_shape(&conversation.author),
                "attachments": [],
                "url": null,
                "redacted": false,
            },
            "contacts": {
                "type": "contact.list",
                "contacts": [{"type": "contact", "id": conversation.contact, "external_id": external}],
            },
            "first_contact_reply": null,
            "admin_assignee_id": conversation.assignee.unwrap_or(0),
            "team_assignee_id": 0,
            "open": conversation.state == "open",
            "state": conversation.state,
            "read": conversation.read,
            "tags": {"type": "tag.list", "tags": tags},
            "priority": "none",
            "sla_applied": null,
            "statistics": null,
            "conversation_rating": null,
            "teammates": {"type": "admin.list", "teammates": []},
            "title": conversation.title,
            "custom_attributes": conversation.custom,
            "topics": {},
            "ticket": null,
            "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": false},
            "ai_agent": null,
            "ai_agent_participated": false,
        });
        if let Some(newest) = newest_parts {
            let first = conversation.parts.len().saturating_sub(newest);
            let parts: Vec<Value> = conversation.parts[first..]
                .iter()
                .map(|part| self.part_shape(part, conversation.state))
                .collect();
            shape["conversation_parts"] = json!({
                "type": "conversation_part.list",
                "conversation_parts": parts,
                "total_count": conversation.parts.len(),
            });
        }
        shape
    }

    fn find(&self, id: &str) -> Option<u64> {
        let id = if id == "last" { *self.conversations.last_key_value()?.0 } else { id.parse().ok()? };
        self.conversations.contains_key(&id).then_some(id)
    }

    pub(super) fn show_conversation(&self, id: &str, call: &Call) -> Answer {
        let Some(conversation) = self.find(id).map(|id| &self.conversations[&id]) else { return missing() };
        let mut shape = self.conversation_shape(conversation, Some(500));
        if call.parameter("display_as") == Some("plaintext") {
            shape["source"]["body"] = json!(without_tags(&conversation.body));
            for part in shape["conversation_parts"]["conversation_parts"].as_array_mut().into_iter().flatten()
            {
                let plain = part["body"].as_str().map(without_tags);
                part["body"] = json!(plain);
            }
        }
        Answer::ok(shape)
    }

    pub(super) fn list_conversations(&self, call: &Call) -> Answer {
        let per_page = call.number("per_page").unwrap_or(20).clamp(1, 150);
        let (page, before) = call
            .parameter("starting_after")
            .and_then(read_cursor)
            .map_or((1, u64::MAX), |(page, position)| (page, position.as_u64().unwrap_or(u64::MAX)));
        let mut rest = self.conversations.range(..before).rev();
        let shown: Vec<&Conversation> = rest.by_ref().take(per_page).map(|(_, found)| found).collect();
        let next = rest.next().and_then(|_| shown.last()).map(|last| cursor(page + 1, &json!(last.id)));
        let total = self.conversations.len();
        let list: Vec<Value> = shown.iter().map(|found| self.conversation_shape(found, None)).collect();
        Answer::ok(json!({
            "type": "conversation.list",
            "conversations": list,
            "total_count": total,
            "pages": pages(total, page, per_page, next.as_deref()),
        }))
    }

    pub(super) fn search_conversations(&self, call: &Call) -> Answer {
        let searched = || {
            let Some(query) = call.body.get("query") else {
                return Err(refused(400, "parameter_not_found", "query is required"));
            };
            let query = Query::read(query, 0)?;
            let (field, ascending) = sort(call)?;
            let matches = self
                .conversations
                .values()
                .filter(|found| query.matches(&|field| conversation_field(found, field)))
                .map(|found| (conversation_field(found, &field), found.id))
                .collect();
            page(call, matches, ascending, 20)
        };
        match searched() {
            Err(refusal) => refusal,
            Ok(page) => {
                let list: Vec<Value> = page
                    .shown
                    .iter()
                    .map(|id| self.conversation_shape(&self.conversations[id], None))
                    .collect();
                Answer::ok(json!({
                    "type": "conversation.list",
                    "pages": page.pages,
                    "total_count": page.total,
                    "conversations": list,
                }))
            }
        }
    }

    pub(super) fn start_conversation_by_api(&mut self, call: &Call) -> Answer {
        let Some(contact) = call.body["from"]["id"].as_str().map(str::to_owned) else {
            return refused(400, "parameter_not_found", "from is required");
        };
        let Some(body) = call.text("body").map(str::to_owned) else {
            return refused(400, "parameter_not_found", "body is required");
        };
        let Some(id) = self.start_conversation(&contact, &body) else {
            return refused(404, "not_found", "User Not Found");
        };
        Answer::ok(json!({
            "type": "user_message",
            "id": (id + 402_000_000).to_string(),
            "created_at": self.now() / 1_000,
            "body": body,
            "message_type": "inapp",
            "conversation_id": id.to_string(),
        }))
    }

    /// A contact writes in; `None` when there is no such contact.
    pub(in crate::sandbox) fn start_conversation(&mut self, contact: &str, body: &str) -> Option<u64> {
        if !self.contacts.contains_key(contact) {
            return None;
        }
        let now = self.now() / 1_000;
        let id = self.conversations.last_key_value().map_or(20_001, |(last, _)| last + 1);
        let conversation = Conversation {
            id,
            contact: contact.to_owned(),
            author: Author { admin: false, id: contact.to_owned() },
            body: paragraph(body),
            created: now,
            updated: now,
            state: "open",
            read: false,
            assignee: None,
            snoozed_until: None,
            tags: Vec::new(),
            custom: json!({}),
            title: None,
            parts: Vec::new(),
        };
        self.conversations.insert(id, conversation);
        self.effect("conversation", "create", &id.to_string(), &json!({"contact": contact}));
        self.notify("conversation.user.created", &self.conversation_shape(&self.conversations[&id], Some(1)));
        Some(id)
    }

    /// Adds a part, which also moves the state and tells subscribers.
    fn add_part(&mut self, id: u64, kind: &'static str, body: Option<&str>, author: Author) {
        let now = self.now() / 1_000;
        let part_id = self.next_serial() + 51_000_000;
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        let by_admin = author.admin;
        conversation.parts.push(Part { id: part_id, kind, body: body.map(paragraph), at: now, author });
        conversation.updated = now.max(conversation.updated);
        let topic = match (kind, by_admin) {
            ("close", _) => {
                conversation.state = "closed";
                "conversation.admin.closed"
            }
            ("open", _) => {
                conversation.state = "open";
                "conversation.admin.opened"
            }
            ("snoozed", _) => {
                conversation.state = "snoozed";
                "conversation.admin.snoozed"
            }
            ("assignment", _) => "conversation.admin.assigned",
            ("note", _) => "conversation.admin.noted",
            (_, true) => "conversation.admin.replied",
            (_, false) => {
                conversation.state = "open";
                "conversation.user.replied"
            }
        };
        self.effect("conversation_part", "create", &id.to_string(), &json!({"part_type": kind}));
        self.notify(topic, &self.conversation_shape(&self.conversations[&id], Some(1)));
    }

    /// The scripted team answers.
    pub(in crate::sandbox) fn admin_replies(&mut self, id: u64, body: &str) {
        self.add_part(id, "comment", Some(body), Author { admin: true, id: ADMIN_ID.to_owned() });
    }

    /// The scripted team closes.
    pub(in crate::sandbox) fn admin_closes(&mut self, id: u64) {
        self.add_part(id, "close", None, Author { admin: true, id: ADMIN_ID.to_owned() });
    }

    pub(super) fn reply_by_api(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let kind = if call.text("message_type") == Some("note") { "note" } else { "comment" };
        let author = if call.text("type") == Some("admin") {
            Author { admin: true, id: call.text("admin_id").unwrap_or(ADMIN_ID).to_owned() }
        } else {
            let contact = call
                .text("intercom_user_id")
                .and_then(|contact| self.contacts.get(contact))
                .or_else(|| call.text("user_id").and_then(|external| self.with_external_id(external)))
                .or_else(|| call.text("email").and_then(|email| self.with_email(email).next()));
            let Some(contact) = contact else { return refused(404, "not_found", "User Not Found") };
            Author { admin: false, id: contact.id.clone() }
        };
        let Some(body) = call.text("body") else {
            return refused(400, "parameter_not_found", "body is required");
        };
        self.add_part(id, kind, Some(body), author);
        Answer::ok(self.conversation_shape(&self.conversations[&id], Some(500)))
    }

    pub(super) fn change_conversation_state(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let kind = match call.text("message_type") {
            Some("close") => "close",
            Some("open") => "open",
            Some("snoozed") => "snoozed",
            Some("assignment") => "assignment",
            _ => {
                return refused(
                    400,
                    "parameter_invalid",
                    "message_type must be close, open, snoozed or assignment",
                );
            }
        };
        if let Some(conversation) = self.conversations.get_mut(&id) {
            if kind == "snoozed" {
                conversation.snoozed_until = call.body["snoozed_until"].as_i64();
            }
            if kind == "assignment" {
                let assignee = call.text("assignee_id").and_then(|id| id.parse().ok());
                conversation.assignee = assignee.filter(|id: &i64| *id != 0);
            }
        }
        let author = Author { admin: true, id: call.text("admin_id").unwrap_or(ADMIN_ID).to_owned() };
        self.add_part(id, kind, call.text("body"), author);
        Answer::ok(self.conversation_shape(&self.conversations[&id], Some(500)))
    }

    pub(super) fn update_conversation(&mut self, id: &str, call: &Call) -> Answer {
        let now = self.now() / 1_000;
        let Some(conversation) = self.find(id).and_then(|id| self.conversations.get_mut(&id)) else {
            return missing();
        };
        if let Some(read) = call.body["read"].as_bool() {
            conversation.read = read;
        }
        if let Some(title) = call.text("title") {
            conversation.title = Some(title.to_owned());
        }
        for (name, value) in call.body["custom_attributes"].as_object().into_iter().flatten() {
            conversation.custom[name] = value.clone();
        }
        conversation.updated = now;
        let id = conversation.id;
        self.effect("conversation", "update", &id.to_string(), &json!({}));
        Answer::ok(self.conversation_shape(&self.conversations[&id], Some(500)))
    }

    pub(super) fn tag_conversation(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let Some(tag) = call.text("id").filter(|tag| self.tag_name(tag).is_some()).map(str::to_owned) else {
            return refused(404, "tag_not_found", "Tag not found");
        };
        self.set_conversation_tag(id, &tag, true)
    }

    pub(super) fn untag_conversation(&mut self, id: &str, tag: &str) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        self.set_conversation_tag(id, tag, false)
    }

    fn set_conversation_tag(&mut self, id: u64, tag: &str, tagged: bool) -> Answer {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.tags.retain(|known| known != tag);
            if tagged {
                conversation.tags.push(tag.to_owned());
            }
        }
        let kind = if tagged { "attach" } else { "detach" };
        self.effect("conversation_tag", kind, &id.to_string(), &json!({"tag": tag}));
        Answer::ok(json!({"type": "tag", "id": tag, "name": self.tag_name(tag)}))
    }

    /// After a merge the conversations follow the person.
    pub(super) fn move_conversations(&mut self, from: &str, into: &str) {
        for conversation in self.conversations.values_mut() {
            if conversation.contact == from {
                into.clone_into(&mut conversation.contact);
            }
            let authors = conversation.parts.iter_mut().map(|part| &mut part.author);
            for author in authors.chain([&mut conversation.author]) {
                if author.id == from {
                    into.clone_into(&mut author.id);
                }
            }
        }
    }
}

/// Puts conversations into the words of an older version: up to 2.15 nobody assigned is null, not 0, and priority
/// has two words. Other bodies are left alone.
pub(super) fn in_words_of(version: Version, body: &mut Value) {
    if version >= Version(16) {
        return;
    }
    if let Some(list) = body.get_mut("conversations").and_then(Value::as_array_mut) {
        list.iter_mut().for_each(|one| in_words_of(version, one));
    }
    if body.get("type").and_then(Value::as_str) != Some("conversation") {
        return;
    }
    for assignee in ["admin_assignee_id", "team_assignee_id"] {
        if body[assignee] == 0 {
            body[assignee] = Value::Null;
        }
    }
    let without = matches!(body["priority"].as_str(), None | Some("none"));
    body["priority"] = json!(if without { "not_priority" } else { "priority" });
}

fn conversation_field(conversation: &Conversation, field: &str) -> Value {
    match field {
        "id" => json!(conversation.id.to_string()),
        "created_at" => json!(conversation.created),
        "updated_at" => json!(conversation.updated),
        "state" => json!(conversation.state),
        "open" => json!(conversation.state == "open"),
        "read" => json!(conversation.read),
        "title" => json!(conversation.title),
        "contact_ids" => json!([conversation.contact]),
        "tag_ids" => json!(conversation.tags),
        "admin_assignee_id" => json!(conversation.assignee),
        "source.type" => json!("conversation"),
        "source.body" => json!(without_tags(&conversation.body)),
        _ => Value::Null,
    }
}
